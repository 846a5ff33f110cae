//! Unusual days: usage far above that of the same weekdays before.
//!
//! Only rises are found. A drop costs nothing, a day that is not complete looks like one, and the largest changes of a
//! report name what is gone.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::amount;
use super::money::exact;
use super::period::DayRange;

/// The most findings.
const MAX_FINDINGS: usize = 5;

/// The most days that are looked at. A week: no day is compared with another one that is looked at.
pub const MAX_DAYS_LOOKED_AT: usize = 7;

/// Same weekdays that a day is compared with, at least and at most.
const SAME_WEEKDAYS: (usize, usize) = (3, 8);

/// Without enough same weekdays, the last days before are compared, at most this number.
const MAX_DAYS_BEFORE: usize = 28;

/// With fewer days before those that are looked at, nothing is unusual.
pub const LEAST_DAYS_BEFORE: usize = 7;

/// An unusual day is this number of median deviations above the usual amount.
const LEAST_DEVIATIONS: Decimal = Decimal::from_parts(3, 0, 0, false, 0);

/// Without a floor in the settings: this part of the usage of a mean day.
const FLOOR_PART: Decimal = Decimal::from_parts(5, 0, 0, false, 2);

/// From when on a day is unusual.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UnusualRules {
    /// The least excess over the usual amount, in the currency of the report. By default one twentieth of the
    /// audience's usage on a mean day, and at least 1.
    #[serde(deserialize_with = "amount::positive_if_set")]
    pub floor: Option<Decimal>,
    /// How many times the largest of the days compared with.
    #[serde(deserialize_with = "amount::positive")]
    pub ratio: Decimal,
}

impl UnusualRules {
    /// The rules without settings.
    pub const DEFAULT: UnusualRules = UnusualRules {
        floor: None,
        ratio: Decimal::from_parts(15, 0, 0, false, 1),
    };
}

impl Default for UnusualRules {
    fn default() -> UnusualRules {
        UnusualRules::DEFAULT
    }
}

/// The days that an unusual day is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparedDays {
    /// The same weekdays before.
    SameWeekdays,
    /// All days before, since there are too few same weekdays.
    AllDays,
    /// The same day of the months before, which was larger than the weekdays.
    SameDayOfMonth,
}

/// Unusual usage: one or more days of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnusualUsage<K> {
    /// What was used, such as an account and a service.
    pub key: K,
    /// The unusual days, in order.
    pub days: Vec<Date>,
    /// The amount of those days.
    #[serde(serialize_with = "exact")]
    pub amount: Decimal,
    /// The usual amount of as many days: of each day, the median of the days it is compared with.
    #[serde(serialize_with = "exact")]
    pub usual: Decimal,
    /// What the first of the days is compared with.
    pub compared: ComparedDays,
    /// How many days that is.
    pub compared_days: usize,
    /// Whether there was nothing at all on any day before.
    pub is_new: bool,
}

impl<K> UnusualUsage<K> {
    /// How much more than usual it is.
    pub fn excess(&self) -> Decimal {
        self.amount.saturating_sub(self.usual)
    }
}

/// Finds unusual days, the largest excess first: at most five keys, each with all its unusual days.
///
/// `series` holds the settled usage of each key by day, from `first` on; a series that ends early has nothing on later
/// days. Of `days`, the last seven are looked at. A day is unusual if it exceeds
///
/// - the usual amount, which is the median of three to eight of the same weekdays before, by the floor, and by three
///   median deviations;
/// - each of those weekdays, and the same day of the months before, by the ratio. A first of a month
///   is judged only beside an earlier first.
///
/// So jobs that run weekly, every other week, or on one day of the month are usual. What was never used before is
/// compared with nothing, and is unusual once it exceeds the floor.
pub fn unusual_days<K: Ord + Clone>(
    first: Date,
    series: &BTreeMap<K, Vec<Decimal>>,
    days: DayRange,
    rules: &UnusualRules,
) -> Vec<UnusualUsage<K>> {
    let longest = series.values().map(Vec::len).max().unwrap_or(0);
    let Some(look) = DaysLookedAt::of(first, longest, days) else {
        return Vec::new();
    };
    let floor = rules.floor.unwrap_or_else(|| look.floor(series));
    let mut found: Vec<UnusualUsage<K>> = series
        .iter()
        .filter_map(|(key, amounts)| look.finding(key, amounts, floor, rules.ratio))
        .collect();
    found.sort_by(|one, other| {
        let excess = other.excess().cmp(&one.excess());
        excess.then_with(|| one.key.cmp(&other.key))
    });
    found.truncate(MAX_FINDINGS);
    found
}

/// The days that are looked at, and the places in a series that each is compared with.
struct DaysLookedAt {
    /// The number of days before the first one.
    before: usize,
    days: Vec<ComparedDay>,
}

/// A day that is looked at. Places are indexes of a series.
struct ComparedDay {
    day: Date,
    at: usize,
    weekdays: Vec<usize>,
    /// All days shortly before those that are looked at.
    all: Vec<usize>,
    days_of_month: Vec<usize>,
}

/// What a day is compared with.
struct UsualAmount {
    amount: Decimal,
    compared: ComparedDays,
    days: usize,
}

impl DaysLookedAt {
    /// Absent if too few days are before them, or none is in the series.
    fn of(first: Date, longest: usize, days: DayRange) -> Option<DaysLookedAt> {
        let last = first
            .checked_add(i64::try_from(longest.checked_sub(1)?).ok()?.days())
            .ok()?;
        let known = DayRange {
            from: first,
            through: last,
        };
        let through = days.through.min(last);
        let week = i64::try_from(MAX_DAYS_LOOKED_AT - 1).ok()?;
        let from = through
            .saturating_sub(week.days())
            .max(days.from)
            .max(first);
        let before = known.place(from)?;
        if before < LEAST_DAYS_BEFORE || from > through {
            return None;
        }
        let look = DayRange { from, through };
        let place = |day: Date| known.place(day).filter(|at| *at < before);
        let all = known
            .iter()
            .take(before)
            .enumerate()
            .skip(before.saturating_sub(MAX_DAYS_BEFORE));
        let all: Vec<usize> = all
            .filter(|(_, day)| !starts_month(*day))
            .map(|(at, _)| at)
            .collect();
        let days = look.iter().map(|day| ComparedDay {
            day,
            at: known.place(day).unwrap_or(0),
            weekdays: same_weekdays(day).filter_map(place).collect(),
            all: all.clone(),
            days_of_month: same_days_of_month(day).filter_map(place).collect(),
        });
        // A first of a month cannot be judged without an earlier one.
        let days = days
            .filter(|day| !starts_month(day.day) || !day.days_of_month.is_empty())
            .collect();
        Some(DaysLookedAt { before, days })
    }

    /// The floor without a setting.
    fn floor<K>(&self, series: &BTreeMap<K, Vec<Decimal>>) -> Decimal {
        let from = self.before.saturating_sub(MAX_DAYS_BEFORE);
        let amounts = series
            .values()
            .flat_map(|amounts| amounts.iter().take(self.before).skip(from));
        let total = amounts.fold(Decimal::ZERO, |sum, amount| sum.saturating_add(*amount));
        let mean = total / Decimal::from(self.before - from);
        mean.checked_mul(FLOOR_PART)
            .unwrap_or(Decimal::MAX)
            .max(Decimal::ONE)
    }

    fn finding<K: Clone>(
        &self,
        key: &K,
        amounts: &[Decimal],
        floor: Decimal,
        ratio: Decimal,
    ) -> Option<UnusualUsage<K>> {
        // Most keys have no day above the floor, and need no comparison.
        let amount_of = |day: &ComparedDay| amounts.get(day.at).copied().unwrap_or_default();
        let large = self.days.iter().filter(|day| amount_of(day) >= floor);
        let mut found: Option<UnusualUsage<K>> = None;
        for day in large {
            let amount = amount_of(day);
            let Some(usual) = day.usual(amounts, amount, floor, ratio) else {
                continue;
            };
            let finding = found.get_or_insert_with(|| UnusualUsage {
                key: key.clone(),
                days: Vec::new(),
                amount: Decimal::ZERO,
                usual: Decimal::ZERO,
                compared: usual.compared,
                compared_days: usual.days,
                is_new: amounts.iter().take(self.before).all(Decimal::is_zero),
            });
            finding.days.push(day.day);
            finding.amount = finding.amount.saturating_add(amount);
            finding.usual = finding.usual.saturating_add(usual.amount);
        }
        found
    }
}

impl ComparedDay {
    /// The usual amount, if the day is unusual.
    fn usual(
        &self,
        amounts: &[Decimal],
        amount: Decimal,
        floor: Decimal,
        ratio: Decimal,
    ) -> Option<UsualAmount> {
        let amount_at = |at: usize| amounts.get(at).copied().unwrap_or_default();
        let (mut compared, places) = match self.weekdays.len() < SAME_WEEKDAYS.0 {
            true => (ComparedDays::AllDays, &self.all),
            false => (ComparedDays::SameWeekdays, &self.weekdays),
        };
        let mut before: Vec<Decimal> = places.iter().copied().map(amount_at).collect();
        let mut months: Vec<Decimal> = self.days_of_month.iter().copied().map(amount_at).collect();
        let largest = before
            .iter()
            .chain(&months)
            .copied()
            .max()?
            .max(Decimal::ZERO);
        if amount <= largest.saturating_mul(ratio) {
            return None;
        }
        let mut usual = median(&mut before);
        let mut deviations: Vec<Decimal> = before
            .iter()
            .map(|amount| amount.saturating_sub(usual).abs())
            .collect();
        let spread = median(&mut deviations).saturating_mul(LEAST_DEVIATIONS);
        let mut days = before.len();
        if !months.is_empty() && median(&mut months) > usual.saturating_add(spread) {
            (usual, compared, days) = (
                median(&mut months),
                ComparedDays::SameDayOfMonth,
                months.len(),
            );
        }
        let excess = amount.saturating_sub(usual);
        let usual = UsualAmount {
            amount: usual,
            compared,
            days,
        };
        (excess >= floor && excess > spread).then_some(usual)
    }
}

fn starts_month(day: Date) -> bool {
    day.day() == 1
}

/// The same weekdays before a day, the last one first. Firsts of a month have charges of their own and are left out.
fn same_weekdays(day: Date) -> impl Iterator<Item = Date> {
    let weeks = (1..).map(move |weeks: i64| day.checked_sub(weeks.weeks()).ok());
    let weekdays = weeks
        .take(SAME_WEEKDAYS.1 + 2)
        .map_while(|day| day)
        .filter(|day| !starts_month(*day));
    weekdays.take(SAME_WEEKDAYS.1)
}

/// The same day of the three months before. The last day of a month is compared with last days.
fn same_days_of_month(day: Date) -> impl Iterator<Item = Date> {
    let is_last = day == day.last_of_month();
    let months = (1..=3)
        .map_while(move |months: i64| day.first_of_month().checked_sub(months.months()).ok());
    months.filter_map(move |month| match is_last {
        true => Some(month.last_of_month()),
        false => month.with().day(day.day()).build().ok(),
    })
}

/// The median; zero of nothing.
fn median(amounts: &mut [Decimal]) -> Decimal {
    amounts.sort_unstable();
    let middle = amounts.len() / 2;
    match (amounts.len() % 2, amounts.get(middle)) {
        (_, None) => Decimal::ZERO,
        (1, Some(amount)) => *amount,
        (_, Some(amount)) => {
            let below = amounts[middle - 1];
            // Half of the difference, so that no sum overflows.
            below.saturating_add(amount.saturating_sub(below) / Decimal::TWO)
        }
    }
}

#[cfg(test)]
mod tests;
