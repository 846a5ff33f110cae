//! How far an estimate may be off: by how well the same method would have done on the same series.

use super::level::{SeriesForecast, UsageSeries};
use super::statistics::{median, quotient, square, to_number};

/// The first day after which the method is tried.
const FIRST_TRIAL_DAY: usize = 7;

/// Trials, from the end of the series.
const MAX_TRIALS: usize = 35;

/// The fewest days ahead of a trial.
const LEAST_TRIAL_DAYS: usize = 4;

/// Trials from which on they decide between the two forecasts.
const ENOUGH_TRIALS: usize = 5;

/// The weight of the recent level with fewer trials.
const UNTRIED_WEIGHT: f64 = 0.5;

/// Smaller errors of a forecast do not show which one is better.
const LEAST_ERROR: f64 = 0.0025;

/// The part of the trials whose error the range covers. Together with [`ASSUMED_TRIALS`] this makes the range hold for
/// about 80 % of months; see docs/benchmarks.md.
const COVERED_TRIALS: f64 = 0.75;

/// Trials that are assumed besides those of the series.
const ASSUMED_TRIALS: f64 = 3.0;

/// The error of the assumed trials as a part of the days ahead: of a long series, and of a single day besides.
const ASSUMED_ERROR: (f64, f64) = (0.25, 3.0);

/// The days ahead, and the range of their sum.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RangedForecast {
    pub(super) days: Vec<f64>,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// How far the two forecasts of an earlier day were off, in parts of a mean day for each day ahead.
#[derive(Debug, Clone, Copy)]
struct ForecastTrial {
    recent: f64,
    steady: f64,
}

/// Continues a series, and says within which range the sum of the days ahead will be.
pub(super) fn ranged(series: UsageSeries<'_>, days_ahead: usize) -> RangedForecast {
    let trials = trials(series, days_ahead);
    let forecast = series.forecast(days_ahead);
    let weight = weight_of_recent(&trials);
    let days = mixed(&forecast, weight);
    let sum: f64 = days.iter().sum();
    let ahead = to_number(days.len());

    let mut errors: Vec<f64> = trials
        .iter()
        .map(|trial| (weight * trial.recent + (1.0 - weight) * trial.steady).abs())
        .collect();
    errors.sort_by(f64::total_cmp);
    let place = (COVERED_TRIALS * to_number(errors.len().saturating_sub(1))) as usize;
    let error = errors.get(place).copied().unwrap_or(0.0);
    let assumed = ASSUMED_ERROR.0 + quotient(ASSUMED_ERROR.1, to_number(series.amounts.len()));
    let count = to_number(errors.len());
    let error = (error * count + assumed * ASSUMED_TRIALS) / (count + ASSUMED_TRIALS);
    let margin = error * series.size().max(quotient(sum.abs(), ahead)) * ahead;

    let (mut low, mut high) = (sum - margin, sum + margin);
    for reading in forecast.readings.iter().flatten() {
        (low, high) = (low.min(*reading), high.max(*reading));
    }
    if series.amounts.iter().all(|amount| *amount >= 0.0) {
        low = low.max(0.0);
    }
    RangedForecast { days, low, high }
}

/// Forecasts of earlier days, each from the days before it.
fn trials(series: UsageSeries<'_>, days_ahead: usize) -> Vec<ForecastTrial> {
    let length = series.amounts.len();
    let size = series.size();
    let first = length
        .saturating_sub(MAX_TRIALS + days_ahead)
        .max(FIRST_TRIAL_DAY);
    let mut trials = Vec::new();
    for day in first..length {
        let ahead = days_ahead.min(length - day);
        if ahead < LEAST_TRIAL_DAYS.min(days_ahead) {
            break;
        }
        let real: f64 = series.amounts[day..day + ahead].iter().sum();
        let forecast = series.before(day).forecast(ahead);
        // A series that was small once is not off by thousands of percent.
        let unit = series.before(day + ahead).size().max(size / 5.0) * to_number(ahead);
        if unit > 0.0 {
            trials.push(ForecastTrial {
                recent: (real - forecast.recent.iter().sum::<f64>()) / unit,
                steady: (real - forecast.steady.iter().sum::<f64>()) / unit,
            });
        }
    }
    trials
}

/// The weight of the forecast from the recent level: the one that would have been better counts more, by the fourth
/// power of their errors.
fn weight_of_recent(trials: &[ForecastTrial]) -> f64 {
    if trials.len() < ENOUGH_TRIALS {
        return UNTRIED_WEIGHT;
    }
    let error = |of: fn(&ForecastTrial) -> f64| {
        median(trials.iter().map(|trial| of(trial).abs()).collect())
    };
    // Where both are nearly right, the recent one counts more.
    let recent = error(|trial| trial.recent) + LEAST_ERROR;
    let steady = error(|trial| trial.steady) + 2.0 * LEAST_ERROR;
    let (recent, steady) = (square(square(recent)), square(square(steady)));
    steady / (recent + steady)
}

fn mixed(forecast: &SeriesForecast, weight: f64) -> Vec<f64> {
    let pairs = forecast.recent.iter().zip(&forecast.steady);
    pairs
        .map(|(recent, steady)| weight * recent + (1.0 - weight) * steady)
        .collect()
}
