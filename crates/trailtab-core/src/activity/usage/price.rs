//! Estimates the monthly cost of metrics from the number of metrics that real logs produce.
//!
//! Amounts are decimals, never floating-point numbers. The JSON contract of `trailtab usage price`,
//! described in docs/usage.md.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use super::UsageTally;
use super::basis::ReportProvenance;
use super::chunks::MOST_DATA;
use super::kept::MetricLimit;
use super::metrics::{MetricSet, MetricSets, MinuteDatum, UsageMetric};
use crate::time::{Seconds, TimeRange};

/// Hours of a month in CloudWatch's billing.
const MONTH: u64 = 730;

/// Metrics of the function's own health, which have data in every hour in which it runs.
pub(super) const HEALTH: u64 = 11;

/// Bytes that CloudWatch Logs adds to each message for billing.
const LOG_OVERHEAD: u64 = 26;

/// Maximum number of data that are serialized at once to measure their size in embedded metric
/// format.
const IN_LOG: usize = 10_000;

/// Converts ten-thousandths of a dollar.
const fn usd(ten_thousandths: u32) -> Decimal {
    Decimal::from_parts(ten_thousandths, 0, 0, false, 4)
}

/// List prices in US dollars, without free tiers and discounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PriceList {
    /// The AWS region that the prices apply to.
    pub region: &'static str,
    /// The address of the price list.
    pub source: &'static str,
    /// The date on which they were looked up.
    pub as_of: &'static str,
    /// Prices of custom metrics in USD per metric-month, by tier, in the order in which they apply.
    pub metric_month: [PriceTier; 4],
    /// Price of a thousand PutMetricData requests in USD.
    #[serde(serialize_with = "decimal")]
    pub thousand_requests: Decimal,
    /// Price of 10^9 bytes ingested by CloudWatch Logs, in USD.
    #[serde(serialize_with = "decimal")]
    pub log_gigabyte: Decimal,
}

/// A price tier: the price of metrics up to a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PriceTier {
    /// Number of metrics in this tier; null for the last tier.
    pub metrics: Option<u64>,
    /// Price of one metric-month in USD.
    #[serde(serialize_with = "decimal")]
    pub usd: Decimal,
}

/// The table of prices.
pub const PRICES: PriceList = PriceList {
    region: "us-east-1",
    source: "https://aws.amazon.com/cloudwatch/pricing/",
    as_of: "2026-11-21",
    metric_month: [
        PriceTier {
            metrics: Some(10_000),
            usd: usd(3000),
        },
        PriceTier {
            metrics: Some(240_000),
            usd: usd(1000),
        },
        PriceTier {
            metrics: Some(750_000),
            usd: usd(500),
        },
        PriceTier {
            metrics: None,
            usd: usd(200),
        },
    ],
    thousand_requests: usd(100),
    log_gigabyte: usd(5000),
};

/// The cost of publishing usage as metrics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsagePrice {
    /// What the estimate rests on.
    #[serde(flatten)]
    pub basis: ReportProvenance,
    /// The prices that the estimate uses.
    pub prices: PriceList,
    /// Number of hours that the estimate is based on.
    pub hours: u64,
    /// Hours of the month that the estimate is for.
    pub month_hours: u64,
    /// The maximum number of metrics in each set, for the capped figures.
    pub top: u64,
    /// The cost of each set on its own, in the order of the table of metrics.
    pub sets: Vec<SetPrice>,
    /// The metrics of the function's own health.
    pub health: MetricCost,
    /// Complete bills: the set of all calls alone and all sets, each without and with the limit.
    pub bills: Vec<MonthlyBill>,
    /// The log group that triggers the function.
    pub log_group: LogsIngestion,
}

/// Metrics of one set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetPrice {
    /// The name of the set in settings, such as `calls`.
    pub set: &'static str,
    /// The set's metrics without a limit.
    pub uncapped: MetricCost,
    /// The set's metrics with at most `top` metrics.
    pub capped: MetricCost,
}

/// Metrics and their monthly cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MetricCost {
    /// Number of metrics with any data.
    pub metrics: u64,
    /// Billed metrics: each counts in proportion to the hours in which it has data.
    #[serde(serialize_with = "decimal")]
    pub metric_months: Decimal,
    /// Cost in USD a month.
    #[serde(serialize_with = "decimal")]
    pub usd: Decimal,
}

/// A monthly bill. It includes the health metrics, but neither the log group nor Lambda.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MonthlyBill {
    /// The names of the sets that the bill includes.
    pub sets: Vec<&'static str>,
    /// The limit of metrics in each set; null without a limit.
    pub top: Option<u64>,
    /// All metrics of the bill, and their cost.
    pub metrics: MetricCost,
    /// Upper bound of PutMetricData requests: one for each account, region and minute with calls.
    pub requests: u64,
    /// Cost of the requests in USD a month.
    #[serde(serialize_with = "decimal")]
    pub requests_usd: Decimal,
    /// Total in USD a month with PutMetricData.
    #[serde(serialize_with = "decimal")]
    pub usd: Decimal,
    /// The log data that replaces the requests if embedded metric format is used.
    pub emf: LogsIngestion,
    /// Total in USD a month with embedded metric format.
    #[serde(serialize_with = "decimal")]
    pub usd_by_emf: Decimal,
}

/// Data that CloudWatch Logs ingests in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogsIngestion {
    /// Bytes a month.
    pub bytes: u64,
    /// Cost in USD a month.
    #[serde(serialize_with = "decimal")]
    pub usd: Decimal,
}

/// Writes at most four decimal places, without trailing zeros: `12.5`.
pub(super) fn decimal<S: Serializer>(number: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&number.round_dp(4).normalize())
}

/// Extrapolates from the extent to a month.
#[derive(Debug, Clone, Copy)]
struct MonthScale {
    hours: u64,
}

impl MonthScale {
    /// Counts the clock hours that the extent touches, as CloudWatch does.
    fn of(extent: TimeRange) -> MonthScale {
        let hour = |time: Seconds| time.div_euclid(3600);
        let hours = hour(extent.until - 1) - hour(extent.from) + 1;
        MonthScale {
            hours: u64::try_from(hours).unwrap_or(1).max(1),
        }
    }

    fn month(self, count: u64) -> u64 {
        let count = u128::from(count) * u128::from(MONTH) / u128::from(self.hours);
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// Prices metric-hours: a metric with data in every hour of a month is one metric-month.
    fn metrics(self, metrics: u64, metric_hours: u64) -> MetricCost {
        let metric_months = Decimal::from(metric_hours) / Decimal::from(self.hours);
        MetricCost {
            metrics,
            metric_months,
            usd: price_of(metric_months),
        }
    }

    fn logs(self, bytes: u64, messages: u64) -> LogsIngestion {
        let bytes = self.month(bytes.saturating_add(messages.saturating_mul(LOG_OVERHEAD)));
        LogsIngestion {
            bytes,
            usd: Decimal::from(bytes) / Decimal::from(1_000_000_000_u64) * PRICES.log_gigabyte,
        }
    }
}

/// The price of this number of metric-hours in USD.
pub(super) fn of_hours(metric_hours: u64) -> Decimal {
    price_of(Decimal::from(metric_hours) / Decimal::from(MONTH))
}

/// The price of this number of requests in USD.
pub(super) fn of_requests(requests: u64) -> Decimal {
    Decimal::from(requests) / Decimal::from(1000) * PRICES.thousand_requests
}

/// Adds up the price tier by tier.
fn price_of(mut metric_months: Decimal) -> Decimal {
    let mut sum = Decimal::ZERO;
    for tier in PRICES.metric_month {
        let most = tier.metrics.map_or(metric_months, Decimal::from);
        let here = metric_months.min(most);
        sum += here * tier.usd;
        metric_months -= here;
    }
    sum
}

/// Serializes data in embedded metric format.
pub type EmfVolume<'e> = &'e dyn Fn(&[MinuteDatum]) -> Vec<u8>;

impl UsagePrice {
    /// Estimates the cost of usage, which must have been counted by the dimensions of all sets.
    pub fn of(
        usage: &UsageTally,
        top: usize,
        extent: TimeRange,
        basis: ReportProvenance,
        emf: EmfVolume<'_>,
    ) -> UsagePrice {
        let scale = MonthScale::of(extent);
        let all = MetricSets::all();
        let active = usage.rows().map(|row| row.minute.div_euclid(3600));
        let active = active.collect::<BTreeSet<_>>().len() as u64;
        let deliveries = usage
            .rows()
            .map(|row| (row.account, row.region, row.minute));
        let deliveries = deliveries.collect::<BTreeSet<_>>().len() as u64;
        let month = MonthBasis {
            scale,
            health_hours: HEALTH * active,
            deliveries,
            emf,
        };
        let sets: Vec<MetricSet> = all.iter().collect();
        // Computed one after the other, since the data take much memory.
        let with_limit = |top: Option<usize>| {
            let data = MetricLimit::new(top.unwrap_or(usize::MAX)).data(usage, &all);
            let top = top.map(|top| top as u64);
            let metrics = sets.iter().map(|set| priced(scale, of_set(&data, *set)));
            (
                metrics.collect::<Vec<MetricCost>>(),
                month.bill(of_set(&data, MetricSet::Calls), &[MetricSet::Calls], top),
                month.bill(&data, &sets, top),
            )
        };
        let (uncapped, calls_uncapped, all_uncapped) = with_limit(None);
        let (capped, calls_capped, all_capped) = with_limit(Some(top));
        let names = sets.iter().map(|set| set.shape().word);
        let metrics = names.zip(uncapped.into_iter().zip(capped));
        UsagePrice {
            prices: PRICES,
            hours: scale.hours,
            month_hours: MONTH,
            top: top as u64,
            sets: metrics
                .map(|(set, (uncapped, capped))| SetPrice {
                    set,
                    uncapped,
                    capped,
                })
                .collect(),
            health: scale.metrics(HEALTH, month.health_hours),
            bills: vec![calls_uncapped, calls_capped, all_uncapped, all_capped],
            log_group: scale.logs(usage.bytes(), basis.coverage.reading.counts.counted),
            basis,
        }
    }

    /// Returns whether the extent is too short to include the variation within a day.
    pub fn is_guess(&self) -> bool {
        self.hours < 24
    }
}

/// The data of one set, which are contiguous.
fn of_set(data: &[MinuteDatum], set: MetricSet) -> &[MinuteDatum] {
    let from = data.partition_point(|datum| datum.metric.set < set);
    let until = data.partition_point(|datum| datum.metric.set <= set);
    data.get(from..until).unwrap_or_default()
}

/// Metrics and the hours in which they have data.
fn hours(data: &[MinuteDatum]) -> (u64, u64) {
    let mut hours = BTreeMap::<&UsageMetric, BTreeSet<i64>>::new();
    for datum in data {
        let hours = hours.entry(&datum.metric).or_default();
        hours.insert(datum.minute.div_euclid(3600));
    }
    let sum = hours.values().map(|hours| hours.len() as u64).sum();
    (hours.len() as u64, sum)
}

fn priced(scale: MonthScale, data: &[MinuteDatum]) -> MetricCost {
    let (metrics, hours) = hours(data);
    scale.metrics(metrics, hours)
}

/// The data that all bills share.
struct MonthBasis<'e> {
    scale: MonthScale,
    health_hours: u64,
    deliveries: u64,
    emf: EmfVolume<'e>,
}

impl MonthBasis<'_> {
    fn bill(&self, data: &[MinuteDatum], sets: &[MetricSet], top: Option<u64>) -> MonthlyBill {
        let scale = self.scale;
        let (count, metric_hours) = hours(data);
        let metrics = scale.metrics(count + HEALTH, metric_hours + self.health_hours);
        let mut by_minute = BTreeMap::<Seconds, usize>::new();
        for datum in data {
            *by_minute.entry(datum.minute).or_default() += 1;
        }
        let full = by_minute
            .values()
            .map(|data| data.div_ceil(MOST_DATA) as u64);
        let requests = scale.month(self.deliveries.max(full.sum()));
        let requests_usd = of_requests(requests);
        let (mut bytes, mut messages) = (0, 0);
        for data in data.chunks(IN_LOG) {
            let lines = (self.emf)(data);
            bytes += lines.len() as u64;
            messages += lines.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        let emf = scale.logs(bytes, messages);
        MonthlyBill {
            sets: sets.iter().map(|set| set.shape().word).collect(),
            top,
            usd: metrics.usd + requests_usd,
            usd_by_emf: metrics.usd + emf.usd,
            metrics,
            requests,
            requests_usd,
            emf,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(metrics: u64) -> String {
        price_of(Decimal::from(metrics)).normalize().to_string()
    }

    #[test]
    fn tiers_are_gone_through() {
        assert_eq!(cents(0), "0");
        assert_eq!(cents(1), "0.3");
        assert_eq!(cents(10_000), "3000");
        assert_eq!(cents(10_001), "3000.1");
        assert_eq!(cents(250_000), "27000");
        assert_eq!(cents(1_000_000), "64500");
        assert_eq!(cents(1_000_001), "64500.02");
        // A large organisation: 1,000 principals, 200 APIs, 5 regions.
        assert_eq!(cents(11_198), "3119.8");
    }

    #[test]
    fn a_metric_is_billed_for_the_hours_in_which_it_has_data() {
        let day = MonthScale::of(TimeRange {
            from: 0,
            until: 86_400,
        });
        assert_eq!(day.hours, 24);
        assert_eq!(day.metrics(1, 24).usd, usd(3000));
        assert_eq!(day.metrics(1, 12).usd, usd(1500));
        assert_eq!(day.month(24), 730);
        // Ten minutes that touch two hours of the clock.
        let short = MonthScale::of(TimeRange {
            from: 3300,
            until: 3900,
        });
        assert_eq!((short.hours, short.metrics(1, 2).usd), (2, usd(3000)));
        let nothing = MonthScale::of(TimeRange { from: 7, until: 7 });
        assert_eq!(nothing.hours, 1);
    }
}
