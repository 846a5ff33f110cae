//! The forecast of AWS itself, which is shown beside our estimate and never replaces it.

use rust_decimal::Decimal;
use serde::Serialize;

use super::money::{self, exact};
use super::period::DayRange;

/// The part of months, in percent, that a prediction interval is to hold for: that of our own estimates, and of the
/// forecasts in the console of Cost Explorer.
pub const INTERVAL_PERCENT: u8 = 80;

/// What Cost Explorer forecasts for the bill: all charge types of the accounts of a report, by the metric of the
/// report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AwsForecastFigures {
    /// The days that it covers, by Cost Explorer's answer: the month, or the rest of it.
    pub days: DayRange,
    /// The currency, such as `USD`.
    #[serde(skip)]
    pub currency: String,
    /// The mean.
    #[serde(serialize_with = "exact")]
    pub mean: Decimal,
    /// The prediction interval; null if the answer has none.
    pub interval: Option<PredictionInterval>,
}

/// A range around the mean of a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PredictionInterval {
    /// The lower bound.
    #[serde(serialize_with = "exact")]
    pub low: Decimal,
    /// The upper bound.
    #[serde(serialize_with = "exact")]
    pub high: Decimal,
    /// How likely the bill is within the bounds, in percent.
    pub percent: u8,
}

/// The forecast that was asked for, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedForecast {
    /// Cost Explorer's answer.
    Answered(AwsForecastFigures),
    /// Cost Explorer knows these costs for too short a time.
    TooLittleHistory,
    /// It could not be read.
    Unread {
        /// Why, for the operator.
        reason: String,
    },
}

/// The forecast of AWS in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AwsForecast {
    /// What AWS forecasts; null if there is no forecast.
    pub figures: Option<AwsForecastFigures>,
    /// The forecast in words, or why there is none.
    pub sentence: String,
}

impl AskedForecast {
    /// The forecast in the part of a report with this currency.
    pub fn in_currency(&self, currency: &str) -> AwsForecast {
        match self {
            AskedForecast::Answered(figures) if figures.currency == currency => AwsForecast {
                sentence: figures.sentence(),
                figures: Some(figures.clone()),
            },
            _ => AwsForecast {
                figures: None,
                sentence: self.missing(currency),
            },
        }
    }

    fn missing(&self, currency: &str) -> String {
        let reason = match self {
            AskedForecast::Answered(_) => {
                return format!("AWS has no forecast of a bill in {currency}.");
            }
            AskedForecast::TooLittleHistory => "it knows these costs for too short a time",
            AskedForecast::Unread { .. } => {
                return "AWS's own forecast could not be read.".to_owned();
            }
        };
        format!("AWS has no forecast of the bill: {reason}.")
    }
}

impl AwsForecastFigures {
    /// The forecast in words.
    pub fn sentence(&self) -> String {
        let days = match self.days.is_a_month() {
            true => format!("all of {}", self.days.from.strftime("%B")),
            // Without what is spent so far, which our estimate has.
            false => format!("{} alone", self.days.label()),
        };
        let interval = self.interval.map_or_else(String::new, |interval| {
            let range = money::range(interval.low, interval.high, &self.currency);
            format!(" ({} % prediction interval: {range})", interval.percent)
        });
        let mean = money::words(self.mean, &self.currency);
        format!("AWS's own forecast for {days}: a bill of {mean}{interval}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn figures() -> AwsForecastFigures {
        AwsForecastFigures {
            days: DayRange::month_of(date(2026, 11, 1)),
            currency: "USD".to_owned(),
            mean: Decimal::new(112_050, 2),
            interval: Some(PredictionInterval {
                low: 1040.into(),
                high: 1210.into(),
                percent: 80,
            }),
        }
    }

    fn said(figures: AwsForecastFigures) -> String {
        AskedForecast::Answered(figures).in_currency("USD").sentence
    }

    #[test]
    fn a_forecast_is_called_that_of_aws_and_says_its_days() {
        assert_eq!(
            said(figures()),
            "AWS's own forecast for all of November: a bill of $1,120.50 (80 % prediction interval: $1,040 to $1,210)."
        );
        let rest = AwsForecastFigures {
            days: DayRange {
                from: date(2026, 11, 21),
                through: date(2026, 11, 30),
            },
            interval: None,
            ..figures()
        };
        assert_eq!(
            said(rest),
            "AWS's own forecast for 21–30 November 2026 alone: a bill of $1,120.50."
        );
    }

    #[test]
    fn a_missing_forecast_is_said_and_is_not_zero() {
        let unread = AskedForecast::Unread {
            reason: "secret".to_owned(),
        };
        for (asked, currency, said) in [
            (
                AskedForecast::TooLittleHistory,
                "USD",
                "AWS has no forecast of the bill: it knows these costs for too short a time.",
            ),
            (unread, "USD", "AWS's own forecast could not be read."),
            (
                AskedForecast::Answered(figures()),
                "CNY",
                "AWS has no forecast of a bill in CNY.",
            ),
        ] {
            let forecast = asked.in_currency(currency);
            assert_eq!((forecast.figures, &*forecast.sentence), (None, said));
        }
    }
}
