//! What a usage function spent, at list prices.

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use super::{HealthFigure, HealthReadings, UsageStack};
use crate::activity::usage::price::{self, PRICES, PriceList};
use crate::time::TimeRange;

/// List prices of Lambda in US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LambdaPrices {
    /// The address of the price list.
    pub source: &'static str,
    /// The date on which they were looked up.
    pub as_of: &'static str,
    /// Price of a million requests.
    #[serde(serialize_with = "price::decimal")]
    pub million_requests: Decimal,
    /// Price of a million GB-seconds on `x86_64`.
    #[serde(serialize_with = "price::decimal")]
    pub million_gigabyte_seconds_x86_64: Decimal,
    /// Price of a million GB-seconds on `arm64`.
    #[serde(serialize_with = "price::decimal")]
    pub million_gigabyte_seconds_arm64: Decimal,
}

/// The prices of Lambda in us-east-1.
pub const LAMBDA_PRICES: LambdaPrices = LambdaPrices {
    source: "https://aws.amazon.com/lambda/pricing/",
    as_of: "2026-11-29",
    million_requests: Decimal::from_parts(20, 0, 0, false, 2),
    million_gigabyte_seconds_x86_64: Decimal::from_parts(166_667, 0, 0, false, 4),
    million_gigabyte_seconds_arm64: Decimal::from_parts(133_334, 0, 0, false, 4),
};

/// What a function spent, at list prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthCost {
    /// The prices of CloudWatch in use.
    pub prices: PriceList,
    /// The prices of Lambda in use.
    pub lambda_prices: LambdaPrices,
    /// Metrics in the namespace that had data in the last two weeks, and the function's own.
    pub metrics: Option<u64>,
    /// Their price, if each had data in every hour of the range: what they cost at most.
    #[serde(serialize_with = "optional_decimal")]
    pub metrics_usd: Option<Decimal>,
    /// PutMetricData requests, repeated ones included.
    pub requests: Option<u64>,
    /// Their price.
    #[serde(serialize_with = "optional_decimal")]
    pub requests_usd: Option<Decimal>,
    /// The function's memory in MB.
    pub memory_megabytes: u64,
    /// Memory multiplied by the time of all invocations, without the start of sandboxes.
    #[serde(serialize_with = "optional_decimal")]
    pub gigabyte_seconds: Option<Decimal>,
    /// The price of invocations and GB-seconds.
    #[serde(serialize_with = "optional_decimal")]
    pub lambda_usd: Option<Decimal>,
    /// All of it together; null if a part is not known.
    #[serde(serialize_with = "optional_decimal")]
    pub usd: Option<Decimal>,
}

fn optional_decimal<S: Serializer>(
    number: &Option<Decimal>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match number {
        // A few requests cost millionths of a dollar, which are not zero.
        Some(number) => serializer.collect_str(&number.round_dp(9).normalize()),
        None => serializer.serialize_none(),
    }
}

impl HealthCost {
    pub(super) fn of(
        stack: &UsageStack,
        range: TimeRange,
        readings: &HealthReadings,
    ) -> HealthCost {
        let hours = range.seconds().div_ceil(3600);
        let metrics = readings.metrics.map(|metrics| metrics + price::HEALTH);
        let metrics_usd = metrics.map(|metrics| price::of_hours(metrics.saturating_mul(hours)));
        let requests = match stack.is_emf {
            true => Some(0),
            false => readings.sum(&[HealthFigure::Chunks, HealthFigure::Retries]),
        };
        let requests_usd = requests.map(price::of_requests);
        let gigabyte_seconds = readings
            .get(HealthFigure::Milliseconds)
            .map(|milliseconds| {
                Decimal::from(milliseconds) * Decimal::from(stack.memory_megabytes)
                    / Decimal::from(1024 * 1000)
            });
        let million = Decimal::from(1_000_000);
        let second = match stack.is_arm {
            true => LAMBDA_PRICES.million_gigabyte_seconds_arm64,
            false => LAMBDA_PRICES.million_gigabyte_seconds_x86_64,
        };
        let lambda_usd = readings
            .get(HealthFigure::Invocations)
            .zip(gigabyte_seconds)
            .map(|(invocations, seconds)| {
                (Decimal::from(invocations) * LAMBDA_PRICES.million_requests + seconds * second)
                    / million
            });
        let parts = [metrics_usd, requests_usd, lambda_usd];
        HealthCost {
            prices: PRICES,
            lambda_prices: LAMBDA_PRICES,
            metrics,
            metrics_usd,
            requests,
            requests_usd,
            memory_megabytes: stack.memory_megabytes,
            gigabyte_seconds,
            lambda_usd,
            usd: parts.into_iter().sum(),
        }
    }
}
