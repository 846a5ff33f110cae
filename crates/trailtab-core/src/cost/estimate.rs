//! What a month will come to, from settled days alone.
//!
//! # The method
//!
//! The series is read in two ways, and both are continued to the end of the month:
//!
//! - **the recent level**: the days since the last jump, the latest of them with most weight, with a damped trend. A
//!   day far from the others counts as three standard deviations away, so a spike does not become a level; two days in
//!   a row do.
//! - **the steady level**: the mean of the last four weeks, or since a jump that is the only one.
//!
//! Each weekday has its own part of a level, as far as the differences between weekdays exceed chance; within the first
//! two weeks, weekends alone have one. An amount of the first of each month is not part of a level: it is left out, and
//! expected on the next first. The expected amount is a mean of both readings, in which the one counts more that would
//! have been nearer on earlier days of the same series.
//!
//! # The range
//!
//! Its aim is to hold for **80 %** of months. From each earlier day the same method forecasts as many days as are left
//! of the month now; the errors that three quarters of these trials stay within make the range. Three assumed trials
//! that are off by a quarter and more count besides, so that a short series has a wide range, and a calm one never a
//! range of nothing. If the last day or two stand out, the range covers both readings: that they were a spike, and that
//! they are a new level. docs/benchmarks.md has the measured share.
//!
//! # Numbers
//!
//! What is spent is a sum of decimals. The days ahead are statistics in 64-bit floats; only their running sum becomes
//! money, once, rounded to cents half away from zero. Floats keep 15 digits, so above 10 trillion an estimate is not
//! exact to the cent.

use jiff::ToSpan as _;
use jiff::civil::Date;
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive as _, ToPrimitive as _};
use serde::Serialize;

use self::level::{CalendarDay, UsageSeries};
use super::money::{cents, exact};
use super::period::DayRange;

mod bill;
mod level;
mod pattern;
mod range;
mod statistics;
#[cfg(test)]
mod tests;

pub use bill::{BillEstimate, ChargeEstimate, MonthlyChargeHistory, of_bill};

/// The fewest settled days that an estimate is made of.
const LEAST_DAYS: usize = 3;

/// Settled days that are read, from the last one: more do not change an estimate.
const MAX_DAYS: usize = 150;

/// The most days that an estimate looks ahead: a month, and the days before it that are not settled yet.
const MAX_DAYS_AHEAD: usize = 62;

/// What a month will come to, in cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MonthEstimate {
    /// The least that is likely: with [`MonthEstimate::high`], the range that holds for about 80 % of months.
    #[serde(serialize_with = "exact")]
    pub low: Decimal,
    /// What is expected.
    #[serde(serialize_with = "exact")]
    pub expected: Decimal,
    /// The most that is likely.
    #[serde(serialize_with = "exact")]
    pub high: Decimal,
}

/// What is expected of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EstimatedDay {
    /// The day.
    pub day: Date,
    /// Its amount in cents. The days of a month add up to what is expected of them together.
    #[serde(serialize_with = "exact")]
    pub amount: Decimal,
}

/// A month, day by day: what is spent and what is expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MonthCourse {
    /// The amount of the settled days of the month.
    #[serde(serialize_with = "exact")]
    pub spent: Decimal,
    /// The days of the month after the last settled day.
    pub ahead: Vec<EstimatedDay>,
    /// The month as a whole.
    pub estimate: MonthEstimate,
}

/// Estimates the usage of a month.
///
/// `daily` are the amounts of consecutive settled days, oldest first, from `first` on. Days of the month before `first`
/// count as nothing, so the series begins no later than the first day of which the source has any amount. The whole
/// month before and the month so far are enough; up to five months are read. Without three settled days, or if the
/// month ends more than two months after the last one, there is no estimate. Estimates of parts, such as accounts, do
/// not add up to the estimate of the whole.
pub fn of_month(first: Date, daily: &[Decimal], month: DayRange) -> Option<MonthEstimate> {
    course_of_month(first, daily, month).map(|course| course.estimate)
}

/// Like [`of_month`], day by day.
pub fn course_of_month(first: Date, daily: &[Decimal], month: DayRange) -> Option<MonthCourse> {
    let after_first = i64::try_from(daily.len().checked_sub(1)?).ok()?;
    let last = first.checked_add(after_first.days()).ok()?;
    if daily.len() < LEAST_DAYS || month.through < first {
        return None;
    }
    let settled = DayRange {
        from: first,
        through: last,
    };
    let of_month = daily
        .iter()
        .zip(settled.iter())
        .filter(|(_, day)| month.contains(*day));
    let spent = of_month.fold(Decimal::ZERO, |sum, (amount, _)| {
        sum.saturating_add(*amount)
    });
    if month.through <= last {
        let known = cents(spent);
        return Some(MonthCourse {
            spent,
            ahead: Vec::new(),
            estimate: MonthEstimate {
                low: known,
                expected: known,
                high: known,
            },
        });
    }

    let ahead = DayRange {
        from: last.tomorrow().ok()?,
        through: month.through,
    };
    if ahead.len() > MAX_DAYS_AHEAD {
        return None;
    }
    let skipped = daily.len().saturating_sub(MAX_DAYS);
    let amounts: Option<Vec<f64>> = daily[skipped..].iter().map(Decimal::to_f64).collect();
    let calendar: Vec<CalendarDay> = settled
        .iter()
        .skip(skipped)
        .chain(ahead.iter())
        .map(calendar_day)
        .collect();
    let series = UsageSeries {
        amounts: &amounts?,
        calendar: &calendar,
    };
    let forecast = range::ranged(series, ahead.len());

    // Days that are neither settled nor of the month: of the month before.
    let others = ahead.iter().take_while(|day| *day < month.from).count();
    let (before, days) = forecast.days.split_at(others.min(forecast.days.len()));
    let before: f64 = before.iter().sum();
    let (mut running, mut known) = (0.0, Decimal::ZERO);
    let mut course = Vec::with_capacity(days.len());
    for (day, amount) in ahead.iter().skip(others).zip(days) {
        running += amount;
        let sum = money(running)?;
        let amount = sum.saturating_sub(known);
        course.push(EstimatedDay { day, amount });
        known = sum;
    }
    let expected = cents(spent.saturating_add(known));
    let has_negative = daily
        .iter()
        .any(|amount| amount.is_sign_negative() && !amount.is_zero());
    let least = if has_negative { Decimal::MIN } else { spent };
    let with_spent =
        |sum: f64| money(sum - before).map(|sum| cents(spent.saturating_add(sum).max(least)));
    Some(MonthCourse {
        spent,
        ahead: course,
        estimate: MonthEstimate {
            low: with_spent(forecast.low)?.min(expected),
            expected,
            high: with_spent(forecast.high)?.max(expected),
        },
    })
}

fn calendar_day(day: Date) -> CalendarDay {
    CalendarDay {
        weekday: usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0),
        starts_month: day.day() == 1,
    }
}

/// Makes money of a statistic: to cents, half away from zero. Absent if it is too large for a decimal.
fn money(number: f64) -> Option<Decimal> {
    Decimal::from_f64(number).map(cents)
}
