//! GetCostForecast, computed from a bill: each day to come costs what the mean of the last thirty days was.

use jiff::ToSpan as _;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::super::State;
use super::super::bill::Charge;
use super::super::wire::{Error, Request};
use super::expression::Filter;
use super::{bill_of, in_us_east_1, invalid, no_data, today};

pub(crate) const FORECAST: &str = "ce:GetCostForecast";

/// The metrics, with their names in a bill.
const METRICS: [(&str, &str); 5] = [
    ("AMORTIZED_COST", "AmortizedCost"),
    ("BLENDED_COST", "BlendedCost"),
    ("NET_AMORTIZED_COST", "NetAmortizedCost"),
    ("NET_UNBLENDED_COST", "NetUnblendedCost"),
    ("UNBLENDED_COST", "UnblendedCost"),
];

/// Days of costs that a forecast needs: "less than one full billing cycle" is too little (AWS Cost Management user guide).
const LEAST_DAYS: i64 = 30;

/// Answers as AWS does; one element for each whole calendar month, in which days before today are what they cost.
pub(in super::super) fn cost_forecast(state: &State, request: &Request) -> Result<String, Error> {
    in_us_east_1(request)?;
    let (bill, only) = bill_of(&state.world, &request.account).ok_or_else(no_data)?;
    let today = today(state.world.now);
    let asked = &request.parameters;
    let metric = METRICS.iter().find(|(name, _)| asked["Metric"] == *name);
    let (_, metric) = metric.ok_or_else(|| invalid("Metric is missing or unknown."))?;
    let (start, end) = period(&asked["TimePeriod"], today)?;
    let most = match asked["Granularity"].as_str() {
        Some("DAILY") => 3.months(),
        Some("MONTHLY") => 18.months(),
        _ => return Err(invalid("Granularity must be DAILY or MONTHLY.")),
    };
    if end > today.saturating_add(most) {
        return Err(invalid(&format!(
            "Latest supported End is {}.",
            today.saturating_add(most)
        )));
    }
    let level = &asked["PredictionIntervalLevel"];
    if !level.is_null()
        && !level
            .as_i64()
            .is_some_and(|level| (51..=99).contains(&level))
    {
        return Err(invalid("PredictionIntervalLevel must be from 51 to 99."));
    }
    let filter = Filter::read(&asked["Filter"])?;
    if filter.has_tags() {
        return Err(invalid(
            "Tags and cost categories are no filters of a forecast.",
        ));
    }
    let is_seen = |charge: &&Charge| {
        filter.admits(charge) && only.is_none_or(|only| charge.account.as_deref() == Some(only))
    };
    let charges: Vec<&Charge> = bill.charges.iter().filter(is_seen).collect();
    let of = |from: Date, until: Date| -> Decimal {
        let within = charges
            .iter()
            .filter(|charge| from <= charge.day && charge.day < until);
        within.map(|charge| charge.amount(metric)).sum()
    };
    let since = today.saturating_sub(LEAST_DAYS.days());
    if charges.iter().all(|charge| charge.day > since) {
        let message = "Insufficient amount of historical data.";
        return Err(Error::new(400, "DataUnavailableException", message));
    }
    let daily = of(since, today) / Decimal::from(LEAST_DAYS);
    let is_monthly = asked["Granularity"] == "MONTHLY";
    let mut results = Vec::new();
    let mut total = Decimal::ZERO;
    let mut from = start;
    while from < end {
        let next = match is_monthly {
            true => from.last_of_month().tomorrow(),
            false => from.tomorrow(),
        };
        let until = next.unwrap();
        let shown_from = if is_monthly {
            from.first_of_month()
        } else {
            from
        };
        let ahead = Decimal::from(until.since(from.max(today)).unwrap().get_days());
        let mean = of(shown_from, today.min(until)) + ahead * daily;
        total += mean;
        let mut result = json!({
            "TimePeriod": {"Start": shown_from.to_string(), "End": until.to_string()},
            "MeanValue": mean.to_string(),
        });
        if !level.is_null() {
            let tenth = mean.abs() / Decimal::TEN;
            result["PredictionIntervalLowerBound"] = (mean - tenth).to_string().into();
            result["PredictionIntervalUpperBound"] = (mean + tenth).to_string().into();
        }
        results.push(result);
        from = until;
    }
    let unit = charges.first().map_or("USD", |charge| &charge.currency);
    let total = json!({"Amount": total.to_string(), "Unit": unit});
    Ok(json!({"Total": total, "ForecastResultsByTime": results}).to_string())
}

/// The documentation allows no start after today; AWS was seen to refuse one before yesterday.
fn period(period: &Value, today: Date) -> Result<(Date, Date), Error> {
    let date = |name: &str| {
        let text = period[name].as_str().unwrap_or_default();
        let date = text.parse::<Date>().ok().filter(|_| text.len() == 10);
        date.ok_or_else(|| invalid(&format!("{name} is no date in the form yyyy-MM-dd.")))
    };
    let (start, end) = (date("Start")?, date("End")?);
    if start >= end {
        let message = format!("Requested Start: {start} must be before requested End: {end}");
        return Err(invalid(&message));
    }
    let earliest = today.yesterday().unwrap();
    if start < earliest {
        return Err(invalid(&format!("Earliest supported Start is {earliest}.")));
    }
    if start > today {
        return Err(invalid("Start must not be later than today."));
    }
    Ok((start, end))
}
