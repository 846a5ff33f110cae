//! Reads the level of a daily series, its weekdays and its trend, and continues it.
//!
//! Numbers here are statistics of a series, not money: 64-bit floats and basic arithmetic alone, so that every machine
//! gets the same result.

use super::pattern::{weekday_pattern, without_month_starts};
use super::statistics::{mean, median, quotient, square, to_number};

/// Days at the end of a series that are read. Earlier ones say little about the next month.
const WINDOW_DAYS: usize = 56;

/// Days of a week, which a pattern of weekdays needs twice.
pub(super) const WEEK_DAYS: usize = 7;

/// Weekdays with less than this part of a mean day are left out where days are compared with each other.
const QUIET_WEEKDAY: f64 = 0.25;

/// Days on each side of a jump that are compared.
const JUMP_SIDE_DAYS: usize = 5;

/// A jump is larger than this number of standard errors.
const JUMP_ERRORS: f64 = 4.0;

/// A jump is larger than this part of the level.
const JUMP_SHARE: f64 = 0.06;

/// Jumps that are looked for, from the end of the series.
const MAX_JUMPS: usize = 4;

/// The last days that the middle of a level is taken of, and their mean age.
const CENTER_DAYS: usize = 9;
const CENTER_AGE_DAYS: f64 = 4.0;

/// Amounts further from the level than this number of standard deviations count as this far.
const CLIP_DEVIATIONS: f64 = 3.0;

/// The least standard deviation of a day, as a part of the mean size.
const LEAST_DEVIATION_SHARE: f64 = 0.005;

/// Days after which a day has half the weight in the level.
const HALF_WEIGHT_DAYS: usize = 6;

/// Days that a trend is read from, at least and at most.
const TREND_DAYS: (usize, usize) = (12, 42);

/// A trend counts as far as it exceeds this number of standard errors.
const TREND_ERRORS: f64 = 1.5;

/// The largest trend in a day, as a part of the level.
const MAX_TREND_SHARE: f64 = 0.02;

/// The most days that a level is behind its trend.
const MAX_LAG_DAYS: f64 = 10.0;

/// What is left of a trend after each day ahead.
const TREND_DAMPING: f64 = 0.97;

/// Days that the steady level is the mean of.
const STEADY_DAYS: usize = 28;

/// A single jump at least this old ends the days before it for the steady level as well.
const STEADY_JUMP_DAYS: usize = 7;

/// Jumps closer to each other than this go back and forth: the steady level is the mean over them.
const LONE_JUMP_DAYS: usize = 21;

/// A day of the calendar, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CalendarDay {
    /// Days since Monday.
    pub(super) weekday: usize,
    /// Whether it is the first of a month.
    pub(super) starts_month: bool,
}

/// A daily series, and the calendar of its days and of the days ahead.
#[derive(Debug, Clone, Copy)]
pub(super) struct UsageSeries<'s> {
    /// Amounts, oldest first.
    pub(super) amounts: &'s [f64],
    /// The days of the amounts, and at least the days ahead that are asked about.
    pub(super) calendar: &'s [CalendarDay],
}

/// Two ways to continue a series, and what its last days leave open.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SeriesForecast {
    /// Goes on at the level since the last jump, with its trend.
    pub(super) recent: Vec<f64>,
    /// Goes on at the mean of the last weeks.
    pub(super) steady: Vec<f64>,
    /// If the last one or two days stand out: the sum of the days ahead if they were a spike, and if they are a new
    /// level.
    pub(super) readings: Option<[f64; 2]>,
}

impl<'s> UsageSeries<'s> {
    /// The series as it was after its first `days` days.
    pub(super) fn before(self, days: usize) -> UsageSeries<'s> {
        let days = days.min(self.amounts.len());
        UsageSeries {
            amounts: &self.amounts[..days],
            ..self
        }
    }

    /// The mean size of an amount of the last four weeks.
    pub(super) fn size(self) -> f64 {
        let last = self.amounts.len().saturating_sub(STEADY_DAYS);
        mean(self.amounts[last..].iter().map(|amount| amount.abs()))
    }

    /// Continues the series by a number of days.
    pub(super) fn forecast(self, days_ahead: usize) -> SeriesForecast {
        let from = self.amounts.len().saturating_sub(WINDOW_DAYS);
        let calendar = self.calendar.get(from..).unwrap_or_default();
        let (amounts, extra) = without_month_starts(&self.amounts[from..], calendar);
        let calm = UsageSeries {
            amounts: &amounts,
            calendar,
        };
        let ahead = calendar.get(amounts.len()..).unwrap_or_default();
        let ahead = &ahead[..days_ahead.min(ahead.len())];
        let mut forecast = SeriesLevel::of(calm).continued(calm, ahead);
        let spends = self.amounts.iter().all(|amount| *amount >= 0.0);
        for days in [&mut forecast.recent, &mut forecast.steady] {
            for (amount, day) in days.iter_mut().zip(ahead) {
                *amount += if day.starts_month { extra } else { 0.0 };
                *amount = if spends { amount.max(0.0) } else { *amount };
            }
        }
        let firsts = to_number(ahead.iter().filter(|day| day.starts_month).count());
        for sum in forecast.readings.iter_mut().flatten() {
            *sum += extra * firsts;
        }
        forecast
    }
}

/// An amount without the effect of its weekday.
#[derive(Debug, Clone, Copy)]
struct AdjustedDay {
    at: usize,
    amount: f64,
}

/// What a series has been like.
#[derive(Debug)]
struct SeriesLevel {
    /// What part of a mean day each weekday has; together 7.
    pattern: [f64; WEEK_DAYS],
    days: Vec<AdjustedDay>,
    /// The standard deviation of a day.
    deviation: f64,
    /// The places in `days` where a new level begins, the last one first.
    jumps: Vec<usize>,
}

impl SeriesLevel {
    fn of(series: UsageSeries<'_>) -> SeriesLevel {
        let UsageSeries { amounts, calendar } = series;
        let pattern = weekday_pattern(series);
        let days: Vec<AdjustedDay> = amounts
            .iter()
            .zip(calendar)
            .enumerate()
            .filter(|(_, (_, day))| pattern[day.weekday] >= QUIET_WEEKDAY)
            .map(|(at, (amount, day))| AdjustedDay {
                at,
                amount: amount / pattern[day.weekday],
            })
            .collect();
        let steps = days
            .windows(2)
            .map(|two| (two[1].amount - two[0].amount).abs());
        // The median of differences ignores jumps; of normal noise it is 0.954 standard deviations.
        let noise = median(steps.collect()) / 0.954;
        let least = LEAST_DEVIATION_SHARE * mean(amounts.iter().map(|amount| amount.abs()));
        let deviation = noise.max(least);
        let jumps = jumps(&days, deviation);
        SeriesLevel {
            pattern,
            days,
            deviation,
            jumps,
        }
    }

    fn continued(&self, series: UsageSeries<'_>, ahead: &[CalendarDay]) -> SeriesForecast {
        let steady = self.steady(series);
        let (recent, trend) = self.recent(series);
        let mut grown = recent;
        let mut trend = trend;
        let follow = ahead.iter().map(|day| {
            trend *= TREND_DAMPING;
            grown += trend;
            grown * self.pattern[day.weekday]
        });
        let recent = follow.collect();
        let weights = ahead.iter().map(|day| self.pattern[day.weekday]);
        SeriesForecast {
            recent,
            steady: weights.clone().map(|weight| steady * weight).collect(),
            readings: self.readings(series).map(|levels| {
                let together: f64 = weights.sum();
                levels.map(|level| level * together)
            }),
        }
    }

    /// The mean of the last weeks, or since a jump that is the only one. A day that alone is far from the others counts
    /// as three standard deviations away.
    fn steady(&self, series: UsageSeries<'_>) -> f64 {
        let length = series.amounts.len();
        let mut from = length.saturating_sub(STEADY_DAYS);
        let mut starts = self.jumps.iter().map(|jump| self.days[*jump].at);
        if let Some(last) = starts.next() {
            let is_lone = starts
                .next()
                .is_none_or(|other| other + LONE_JUMP_DAYS < last);
            if is_lone && length - last >= STEADY_JUMP_DAYS {
                from = from.max(last);
            }
        }
        let amounts: f64 = series.amounts[from..].iter().sum();
        let weights: f64 = (from..length).map(|at| self.weight(series, at)).sum();
        quotient(amounts - self.lone_excess(series, from), weights)
    }

    /// By how much the only day that is far from the others is too far. Within two weeks it may as well recur every
    /// week.
    fn lone_excess(&self, series: UsageSeries<'_>, from: usize) -> f64 {
        if series.amounts.len() < 2 * WEEK_DAYS {
            return 0.0;
        }
        let days = || self.days.iter().filter(|day| day.at >= from);
        let center = median(days().map(|day| day.amount).collect());
        let clip = CLIP_DEVIATIONS * self.deviation;
        let excess =
            |day: &AdjustedDay| day.amount - day.amount.clamp(center - clip, center + clip);
        let mut far = days().filter(|day| excess(day).abs() > clip);
        match (far.next(), far.next()) {
            (Some(day), None) => excess(day) * self.weight(series, day.at),
            _ => 0.0,
        }
    }

    /// The level on the last day, and its trend in a day.
    fn recent(&self, series: UsageSeries<'_>) -> (f64, f64) {
        let since = self.jumps.first().copied().unwrap_or(0);
        let days = &self.days[since..];
        let Some(start) = days.first().map(|day| day.at) else {
            return (0.0, 0.0);
        };
        let clip = CLIP_DEVIATIONS * self.deviation;
        let center = self.center(since);
        let trend = self.trend(days, clip, center);
        let length = series.amounts.len();
        let fade = half_weight_fade();
        let (mut amounts, mut weights, mut ages, mut fading) = (0.0, 0.0, 0.0, 1.0);
        for at in (start..length).rev() {
            let age = to_number(length - 1 - at);
            let weekday = self.weight(series, at);
            let expected = center + trend * (CENTER_AGE_DAYS - age);
            let (least, most) = ((expected - clip) * weekday, (expected + clip) * weekday);
            let amount = match weekday < QUIET_WEEKDAY {
                true => series.amounts[at].clamp(least - clip / 10.0, most + clip / 10.0),
                false => series.amounts[at].clamp(least, most),
            };
            amounts += fading * amount;
            weights += fading * weekday;
            ages += fading * weekday * age;
            fading *= fade;
        }
        match weights > 0.0 {
            true => (
                amounts / weights + trend * (ages / weights).min(MAX_LAG_DAYS),
                trend,
            ),
            false => (center, trend),
        }
    }

    /// The middle of the last days since a jump. Of the first two days at a new level it is the one nearer to the level
    /// before.
    fn center(&self, since: usize) -> f64 {
        let days = &self.days[since..];
        let amounts = |days: &[AdjustedDay]| days.iter().map(|day| day.amount).collect();
        match days {
            [one, other] if since > 0 => {
                let before = &self.days[since.saturating_sub(JUMP_SIDE_DAYS)..since];
                let before = median(amounts(before));
                match (one.amount - before).abs() < (other.amount - before).abs() {
                    true => one.amount,
                    false => other.amount,
                }
            }
            _ => median(amounts(&days[days.len().saturating_sub(CENTER_DAYS)..])),
        }
    }

    /// The trend in a day: a straight line through the days, as far as it is certain.
    fn trend(&self, days: &[AdjustedDay], clip: f64, center: f64) -> f64 {
        let days = &days[days.len().saturating_sub(TREND_DAYS.1)..];
        if days.len() < TREND_DAYS.0 {
            return 0.0;
        }
        let points: Vec<(f64, f64)> = days
            .iter()
            .enumerate()
            .map(|(place, day)| {
                let around = &days[place.saturating_sub(4)..(place + 5).min(days.len())];
                let middle = median(around.iter().map(|day| day.amount).collect());
                (
                    to_number(day.at),
                    day.amount.clamp(middle - clip, middle + clip),
                )
            })
            .collect();
        let (time, level) = (
            mean(points.iter().map(|p| p.0)),
            mean(points.iter().map(|p| p.1)),
        );
        let spread: f64 = points.iter().map(|p| square(p.0 - time)).sum();
        let slope = quotient(
            points.iter().map(|p| (p.0 - time) * (p.1 - level)).sum(),
            spread,
        );
        let rest: Vec<f64> = points
            .iter()
            .map(|p| p.1 - level - slope * (p.0 - time))
            .collect();
        let squares: f64 = rest.iter().map(|rest| square(*rest)).sum();
        // Errors that follow each other make a line look more certain than it is.
        let follow: f64 = rest.windows(2).map(|two| two[0] * two[1]).sum();
        let follow = quotient(follow, squares).clamp(0.0, 0.9);
        let degrees = to_number(points.len() - 2);
        let error = quotient(squares, degrees * spread) * (1.0 + follow) / (1.0 - follow);
        let certain = match slope == 0.0 {
            true => 0.0,
            false => (1.0 - square(TREND_ERRORS) * error / square(slope)).max(0.0),
        };
        let most = MAX_TREND_SHARE * center.abs();
        (slope * certain).clamp(-most, most)
    }

    /// If the last one or two days stand out: the level before them, and theirs.
    fn readings(&self, series: UsageSeries<'_>) -> Option<[f64; 2]> {
        let days = &self.days;
        let ends_with = series.amounts.len().checked_sub(1)?;
        let is_current = days.last().is_some_and(|day| day.at == ends_with);
        for young in [2, 1] {
            let split = days.len().saturating_sub(young);
            if split < 2 || !is_current {
                continue;
            }
            let before = &days[split.saturating_sub(JUMP_SIDE_DAYS)..split];
            let before = median(before.iter().map(|day| day.amount).collect());
            let apart = |day: &AdjustedDay| day.amount - before;
            let sign = days[split..].first().map_or(1.0, |day| apart(day).signum());
            let least = days[split..].iter().map(|day| apart(day) * sign);
            let least = least.fold(f64::INFINITY, f64::min);
            if least > JUMP_ERRORS * self.deviation && least > JUMP_SHARE * before.abs() {
                return Some([before, before + sign * least]);
            }
        }
        None
    }

    fn weight(&self, series: UsageSeries<'_>, at: usize) -> f64 {
        series
            .calendar
            .get(at)
            .map_or(1.0, |day| self.pattern[day.weekday])
    }
}

/// The places where a new level begins, the last one first. At least two days are at the new level, so a spike of one
/// day is none.
fn jumps(days: &[AdjustedDay], deviation: f64) -> Vec<usize> {
    let mut found = Vec::new();
    let mut end = days.len();
    let mut at = end;
    while at > 2 && found.len() < MAX_JUMPS {
        at -= 1;
        let after = &days[at..end.min(at + JUMP_SIDE_DAYS)];
        let before = &days[at.saturating_sub(JUMP_SIDE_DAYS)..at];
        if after.len() < 2 {
            continue;
        }
        let level = median(before.iter().map(|day| day.amount).collect());
        let mut apart: Vec<f64> = after.iter().map(|day| day.amount - level).collect();
        apart.sort_by(|one, other| one.abs().total_cmp(&other.abs()));
        let sign = apart.last().map_or(1.0, |far| far.signum());
        // Half of the days or more are at least this far away.
        let jump = apart[(apart.len() - 1) / 2] * sign;
        let error = deviation
            * 1.25
            * (1.0 / to_number(after.len()) + 1.0 / to_number(before.len())).sqrt();
        if jump > JUMP_ERRORS * error
            && jump > JUMP_SHARE * level.abs().max((level + jump * sign).abs())
        {
            let rise = |place: usize| (days[place].amount - days[place - 1].amount) * sign;
            let places = at.saturating_sub(3).max(1)..=(at + 1).min(end - 2);
            let place = places
                .max_by(|one, other| rise(*one).total_cmp(&rise(*other)))
                .unwrap_or(at);
            found.push(place);
            (end, at) = (place, place);
        }
    }
    found
}

/// The part of its weight that a day loses to the next one, so that half is left after [`HALF_WEIGHT_DAYS`].
fn half_weight_fade() -> f64 {
    // The root by bisection: the library's powers may differ between machines.
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle: f64 = (low + high) / 2.0;
        let left = (0..HALF_WEIGHT_DAYS).fold(1.0, |left, _| left * middle);
        if left < 0.5 {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}
