//! What recurs: weekdays, and charges on the first of a month.

use super::level::{CalendarDay, UsageSeries, WEEK_DAYS};
use super::statistics::{mean, median, square, to_number};

/// A first of a month stands out by this part of the usual amount, and by this number of median deviations.
const MONTH_START_EXCESS: (f64, f64) = (0.25, 6.0);

/// The variance of normal noise is this many times the square of its mean absolute deviation.
const VARIANCE_OF_DEVIATIONS: f64 = 1.57;

/// A median varies this many times as much as a mean of as many numbers.
const MEDIAN_VARIANCE: f64 = 1.69;

/// Weeks below this part of the mean size have no pattern of weekdays.
const LEAST_WEEK_SHARE: f64 = 0.02;

/// Without two weeks, a weekend is quiet if its days are below this part of any other day.
const QUIET_WEEKEND: f64 = 0.85;

/// Takes out what is due on the first of a month, and returns how much that is. A first that stands out among the same
/// weekdays around it, or else among all days around it, is replaced by those. The amount is zero unless every first
/// stands out.
pub(super) fn without_month_starts(amounts: &[f64], calendar: &[CalendarDay]) -> (Vec<f64>, f64) {
    let mut calm = amounts.to_vec();
    let mut extras = Vec::new();
    if amounts.len() < 2 * WEEK_DAYS {
        return (calm, 0.0);
    }
    for (at, amount) in amounts.iter().enumerate() {
        if !calendar.get(at).is_some_and(|day| day.starts_month) {
            continue;
        }
        let around = at.saturating_sub(6)..(at + 7).min(amounts.len());
        let around: Vec<f64> = around
            .filter(|day| *day != at)
            .map(|day| amounts[day])
            .collect();
        let middle = median(around.clone());
        let spread = median(around.iter().map(|day| (day - middle).abs()).collect());
        let weeks = [
            at.checked_sub(14),
            at.checked_sub(7),
            Some(at + 7),
            Some(at + 14),
        ];
        let same: Vec<f64> = weeks
            .iter()
            .flatten()
            .filter_map(|day| amounts.get(*day).copied())
            .collect();
        let usual = match same.is_empty() {
            true => middle,
            false => median(same),
        };
        let (part, deviations) = MONTH_START_EXCESS;
        if *amount > usual + part * usual.abs() + deviations * spread {
            calm[at] = usual;
        }
        extras.push(amount - calm[at]);
    }
    let extra = match extras.iter().all(|extra| *extra > 0.0) {
        true => median(extras),
        false => 0.0,
    };
    (calm, extra)
}

/// What part of a mean day each weekday has. Differences that may be chance are taken back by as much.
pub(super) fn weekday_pattern(series: UsageSeries<'_>) -> [f64; WEEK_DAYS] {
    const FLAT: [f64; WEEK_DAYS] = [1.0; WEEK_DAYS];
    let UsageSeries { amounts, calendar } = series;
    let size = mean(amounts.iter().map(|amount| amount.abs()));
    let mut ratios: [Vec<f64>; WEEK_DAYS] = Default::default();
    // Weeks end with the last day, so each has every weekday once.
    let days: Vec<(f64, usize)> = amounts
        .iter()
        .zip(calendar)
        .map(|(a, d)| (*a, d.weekday))
        .collect();
    for week in days.rchunks_exact(WEEK_DAYS) {
        let level = mean(week.iter().map(|day| day.0));
        if level.abs() > LEAST_WEEK_SHARE * size {
            for (amount, weekday) in week {
                ratios[*weekday].push((amount / level).clamp(-1.0, to_number(WEEK_DAYS)));
            }
        }
    }
    let weeks = ratios[0].len();
    if weeks < 2 {
        return weekend_pattern(&days).unwrap_or(FLAT);
    }
    let middles = ratios.each_ref().map(|of| median(of.clone()));
    let total: f64 = middles.iter().sum();
    if total <= 0.1 {
        return FLAT;
    }
    let scale = to_number(WEEK_DAYS) / total;
    let apart = ratios
        .iter()
        .zip(middles)
        .flat_map(|(of, middle)| of.iter().map(move |r| (r - middle).abs()));
    let variance = square(mean(apart)) * VARIANCE_OF_DEVIATIONS;
    let chance = variance / to_number(weeks - 1) * MEDIAN_VARIANCE;
    let squares = middles.iter().map(|m| square(m * scale - 1.0));
    let differences = squares.sum::<f64>() / to_number(WEEK_DAYS - 1);
    let certain = match differences > 0.0 {
        true => (1.0 - chance / differences).max(0.0),
        false => 0.0,
    };
    let pattern = middles.map(|m| (1.0 + certain * (m * scale - 1.0)).max(0.0));
    let total: f64 = pattern.iter().sum();
    pattern.map(|part| part * to_number(WEEK_DAYS) / total)
}

/// The pattern of less than two weeks: only that weekends are quiet can be told, if each of their days is below all
/// others.
fn weekend_pattern(days: &[(f64, usize)]) -> Option<[f64; WEEK_DAYS]> {
    let is_weekend = |weekday: usize| weekday > 4;
    let of = |weekend: bool| {
        days.iter()
            .filter(move |day| is_weekend(day.1) == weekend)
            .map(|day| day.0)
    };
    let least = of(false).fold(f64::INFINITY, f64::min);
    let most = of(true).fold(0.0, f64::max);
    if days.len() < WEEK_DAYS
        || of(true).any(|amount| amount < 0.0)
        || most >= QUIET_WEEKEND * least
    {
        return None;
    }
    let (weekday, weekend) = (mean(of(false)), mean(of(true)));
    let scale = to_number(WEEK_DAYS) / (5.0 * weekday + 2.0 * weekend);
    let mut pattern = [weekday * scale; WEEK_DAYS];
    pattern[5..].fill(weekend * scale);
    Some(pattern)
}
