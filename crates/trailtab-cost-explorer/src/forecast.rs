//! `GetCostForecast`: the request, its answer, and what the answer says of a month.
//!
//! By the API reference, the first day must not be after today, and the end is exclusive. Users report that the first
//! day must not be before yesterday, and that with `MONTHLY` each element of the answer is a whole calendar month, what
//! is spent so far included. So the request begins today and ends with the month, and only the answer has the days of
//! an amount.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::answer::MetricValue;
use crate::lines::amount;
use crate::query::{CostFilter, QueryGranularity, TimePeriod, fingerprint};
use trailtab_core::cost::charge::CostMetric;
use trailtab_core::cost::forecast::{AwsForecastFigures, INTERVAL_PERCENT, PredictionInterval};
use trailtab_core::cost::period::DayRange;
use trailtab_core::time::Seconds;

/// A `GetCostForecast` request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ForecastQuery {
    /// `TimePeriod`: from today to the end of the month.
    pub time_period: TimePeriod,
    /// `Metric`, in the spelling of this request.
    pub metric: ForecastMetric,
    /// `Granularity`: `MONTHLY`, so that the answer has one prediction interval for the month.
    pub granularity: QueryGranularity,
    /// `Filter`: the accounts; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<CostFilter>,
    /// `PredictionIntervalLevel`, in percent: 51 to 99.
    pub prediction_interval_level: u8,
}

/// `Metric` of `GetCostForecast`, which spells the metrics of `GetCostAndUsage` in upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ForecastMetric {
    /// `UnblendedCost`.
    UnblendedCost,
    /// `AmortizedCost`.
    AmortizedCost,
    /// `NetUnblendedCost`.
    NetUnblendedCost,
    /// `NetAmortizedCost`.
    NetAmortizedCost,
    /// `BlendedCost`.
    BlendedCost,
}

impl From<CostMetric> for ForecastMetric {
    fn from(metric: CostMetric) -> ForecastMetric {
        match metric {
            CostMetric::UnblendedCost => ForecastMetric::UnblendedCost,
            CostMetric::AmortizedCost => ForecastMetric::AmortizedCost,
            CostMetric::NetUnblendedCost => ForecastMetric::NetUnblendedCost,
            CostMetric::NetAmortizedCost => ForecastMetric::NetAmortizedCost,
            CostMetric::BlendedCost => ForecastMetric::BlendedCost,
        }
    }
}

/// The accounts that a forecast is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ForecastScope {
    /// All accounts, with what belongs to none.
    AllAccounts,
    /// These accounts together, by id.
    Accounts(BTreeSet<String>),
}

impl ForecastQuery {
    /// The forecast of the month of a day, made on that day: of all charge types, as the bill of a report is.
    pub fn new(scope: &ForecastScope, metric: CostMetric, today: Date) -> ForecastQuery {
        let days = DayRange {
            from: today,
            through: today.last_of_month(),
        };
        ForecastQuery {
            time_period: days.into(),
            metric: metric.into(),
            granularity: QueryGranularity::Monthly,
            filter: match scope {
                ForecastScope::AllAccounts => None,
                ForecastScope::Accounts(ids) => Some(CostFilter::accounts(ids.iter().cloned())),
            },
            prediction_interval_level: INTERVAL_PERCENT,
        }
    }

    /// A hash of the request in hexadecimal digits. It is the same in every run.
    pub fn fingerprint(&self) -> String {
        fingerprint(self)
    }

    /// A hash that is the same on each day of a month and in each month.
    pub fn fingerprint_without_days(&self) -> String {
        let mut query = self.clone();
        query.time_period = TimePeriod {
            start: Date::ZERO,
            end: Date::ZERO,
        };
        query.fingerprint()
    }

    /// Whether an answer to `known` also answers this request: it was asked for on the same day or the day before,
    /// since a run may last beyond midnight.
    pub fn is_answered_by(&self, known: &ForecastQuery) -> bool {
        let today = self.time_period.start;
        let start = known.time_period.start;
        let is_recent = start == today || start.tomorrow().is_ok_and(|day| day == today);
        let time_period = TimePeriod {
            start,
            ..self.time_period
        };
        let same = ForecastQuery {
            time_period,
            ..self.clone()
        };
        is_recent && same == *known
    }
}

/// An answer with its request: the form in which it is saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForecastAnswer {
    /// The request that was sent.
    pub request: ForecastQuery,
    /// When it was sent, in seconds since 1970-01-01T00:00:00Z.
    pub asked: Seconds,
    /// What Cost Explorer answered.
    pub forecast: ForecastPage,
}

/// A `GetCostForecast` response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ForecastPage {
    /// `Total`: the sum of the mean values, with the currency.
    pub total: MetricValue,
    /// `ForecastResultsByTime`: one element for each month.
    pub forecast_results_by_time: Vec<ForecastResult>,
}

/// An element of `ForecastResultsByTime`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ForecastResult {
    /// `TimePeriod`: the days that it is about.
    pub time_period: TimePeriod,
    /// `MeanValue`: a decimal number with all its digits.
    pub mean_value: String,
    /// `PredictionIntervalLowerBound`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prediction_interval_lower_bound: Option<String>,
    /// `PredictionIntervalUpperBound`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prediction_interval_upper_bound: Option<String>,
}

/// What is wrong with a forecast.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForecastFault {
    /// It is not one amount for the month.
    #[error("Cost Explorer's forecast has {0} months instead of one")]
    Months(usize),
    /// It is about other days.
    #[error(
        "Cost Explorer's forecast is about {} to before {}, which is not the rest of the month or the month", found.start, found.end
    )]
    Days {
        /// The days that it is about.
        found: TimePeriod,
    },
    /// An amount is not a decimal number of a plausible size.
    #[error("Cost Explorer's forecast holds {0:?}, which is not a valid amount of money")]
    Amount(String),
    /// The mean is not within the prediction interval.
    #[error("the mean of Cost Explorer's forecast is not within its prediction interval")]
    Interval,
}

/// Reads what an answer says of the month.
///
/// # Errors
///
/// If the answer does not have exactly one plausible amount for the month, or for the rest of it.
pub fn read(answer: &ForecastAnswer) -> Result<AwsForecastFigures, ForecastFault> {
    let [result] = answer.forecast.forecast_results_by_time.as_slice() else {
        let months = answer.forecast.forecast_results_by_time.len();
        return Err(ForecastFault::Months(months));
    };
    let TimePeriod { start, end } = result.time_period;
    let asked = answer.request.time_period;
    if end != asked.end || ![asked.start, asked.start.first_of_month()].contains(&start) {
        let found = result.time_period;
        return Err(ForecastFault::Days { found });
    }
    let money = |text: &String| amount(text).ok_or_else(|| ForecastFault::Amount(text.clone()));
    let mean = money(&result.mean_value)?;
    let low = result.prediction_interval_lower_bound.as_ref();
    let high = result.prediction_interval_upper_bound.as_ref();
    let interval = match low.zip(high) {
        None => None,
        Some((low, high)) => Some(PredictionInterval {
            low: money(low)?,
            high: money(high)?,
            percent: answer.request.prediction_interval_level,
        }),
    };
    if interval.is_some_and(|interval| !(interval.low..=interval.high).contains(&mean)) {
        return Err(ForecastFault::Interval);
    }
    Ok(AwsForecastFigures {
        days: result.time_period.days(),
        currency: answer.forecast.total.unit.clone(),
        mean,
        interval,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn answer(results: &str) -> ForecastAnswer {
        let scope = ForecastScope::Accounts(BTreeSet::from(["111122223333".to_owned()]));
        let today = date(2026, 11, 21);
        let page = format!(
            r#"{{"Total":{{"Amount":"0","Unit":"USD"}},"ForecastResultsByTime":{results}}}"#
        );
        ForecastAnswer {
            request: ForecastQuery::new(&scope, CostMetric::NetAmortizedCost, today),
            asked: 1,
            forecast: serde_json::from_str(&page).unwrap(),
        }
    }

    fn result(start: &str, end: &str, rest: &str) -> String {
        format!(r#"[{{"TimePeriod":{{"Start":"{start}","End":"{end}"}},{rest}}}]"#)
    }

    #[test]
    fn requests_are_written_and_numbered_alike_for_ever() {
        let query = answer("[]").request;
        let json = concat!(
            r#"{"TimePeriod":{"Start":"2026-11-21","End":"2026-12-01"},"Metric":"NET_AMORTIZED_COST","Granularity":"MONTHLY","#,
            r#""Filter":{"Dimensions":{"Key":"LINKED_ACCOUNT","Values":["111122223333"]}},"PredictionIntervalLevel":80}"#
        );
        assert_eq!(serde_json::to_string(&query).unwrap(), json);
        assert_eq!(serde_json::from_str::<ForecastQuery>(json).unwrap(), query);
        let metric = CostMetric::NetAmortizedCost;
        let all = ForecastQuery::new(&ForecastScope::AllAccounts, metric, date(2026, 12, 31));
        assert_eq!(all.time_period.end, date(2027, 1, 1));
        assert_eq!(all.filter, None);
        assert_ne!(
            all.fingerprint_without_days(),
            query.fingerprint_without_days()
        );
    }

    #[test]
    fn an_answer_is_good_on_its_day_and_over_midnight() {
        let of = |day| {
            let scope = ForecastScope::AllAccounts;
            ForecastQuery::new(&scope, CostMetric::UnblendedCost, day)
        };
        let query = of(date(2026, 11, 21));
        assert!(query.is_answered_by(&query) && query.is_answered_by(&of(date(2026, 11, 20))));
        assert!(!query.is_answered_by(&of(date(2026, 11, 19))));
        assert!(!query.is_answered_by(&of(date(2026, 11, 22))));
        let other = ForecastQuery {
            metric: ForecastMetric::BlendedCost,
            ..query.clone()
        };
        assert!(!query.is_answered_by(&other));
        assert!(!of(date(2026, 12, 1)).is_answered_by(&of(date(2026, 11, 30))));
        let later = of(date(2026, 11, 22));
        assert_eq!(
            later.fingerprint_without_days(),
            query.fingerprint_without_days()
        );
    }

    #[test]
    fn the_answer_tells_its_days_amounts_and_currency() {
        let bounds = r#""MeanValue":"1120.5","PredictionIntervalLowerBound":"1040","PredictionIntervalUpperBound":"1210.25""#;
        let month = read(&answer(&result("2026-11-01", "2026-12-01", bounds))).unwrap();
        assert_eq!(month.days, DayRange::month_of(date(2026, 11, 1)));
        assert_eq!(
            (month.mean.to_string(), &*month.currency),
            ("1120.5".to_owned(), "USD")
        );
        let interval = month.interval.unwrap();
        let bounds_read = (interval.low.to_string(), interval.high.to_string());
        assert_eq!(bounds_read, ("1040".to_owned(), "1210.25".to_owned()));
        assert_eq!(interval.percent, 80);
        let rest = read(&answer(&result(
            "2026-11-21",
            "2026-12-01",
            r#""MeanValue":"-3""#,
        )));
        let rest = rest.unwrap();
        assert_eq!((rest.days.from, rest.interval), (date(2026, 11, 21), None));
    }

    #[test]
    fn an_answer_that_says_something_else_is_refused() {
        let mean = r#""MeanValue":"7""#;
        let two = result("2026-11-01", "2026-12-01", mean).replace("}]", "},{\"TimePeriod\":{\"Start\":\"2026-12-01\",\"End\":\"2027-01-01\"},\"MeanValue\":\"7\"}]");
        assert_eq!(read(&answer("[]")), Err(ForecastFault::Months(0)));
        assert_eq!(read(&answer(&two)), Err(ForecastFault::Months(2)));
        for (start, end) in [("2026-11-02", "2026-12-01"), ("2026-11-01", "2026-11-30")] {
            let fault = read(&answer(&result(start, end, mean))).unwrap_err();
            assert!(matches!(fault, ForecastFault::Days { .. }), "{fault}");
        }
        for amount in ["", "NaN", "1e400", "99999999999999999999999999"] {
            let of = result(
                "2026-11-01",
                "2026-12-01",
                &format!(r#""MeanValue":"{amount}""#),
            );
            let fault = read(&answer(&of)).unwrap_err();
            assert_eq!(fault, ForecastFault::Amount(amount.to_owned()));
        }
        let outside = r#""MeanValue":"7","PredictionIntervalLowerBound":"8","PredictionIntervalUpperBound":"9""#;
        let outside = read(&answer(&result("2026-11-01", "2026-12-01", outside)));
        assert_eq!(outside, Err(ForecastFault::Interval));
    }
}
