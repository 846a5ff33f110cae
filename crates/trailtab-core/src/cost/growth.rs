//! How days grow while Cost Explorer loads them, and how long an organisation's days take.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::money::exact;
use super::period::DayRange;

/// The most runs that are kept: the last ones.
const MAX_RUNS: usize = 60;

/// The most days of a run: the last ones.
const MAX_DAYS_OF_RUN: usize = 12;

/// Whole days after the end of a day from which on its amount counts as known: it is seven days old then.
const KNOWN_DAYS_AFTER: usize = 6;

/// With fewer days measured there is no statement.
const LEAST_DAYS_MEASURED: usize = 5;

/// A day is there if it has this part of its known amount.
const SETTLED_SHARE: Decimal = Decimal::from_parts(99, 0, 0, false, 2);

/// The part of the days that must be there, in percent.
const SETTLED_DAYS_PERCENT: usize = 95;

/// Decimal places of a share.
const SHARE_PLACES: u32 = 4;

/// What each run saw of the last days: the total usage by run and day, in one currency.
///
/// The first run of a day counts, which is the one that mails are sent by. Bounded to 60 runs with 12 days each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(
    from = "BTreeMap<Date, BTreeMap<Date, WrittenTotal>>",
    into = "BTreeMap<Date, BTreeMap<Date, WrittenTotal>>"
)]
pub struct DayGrowth {
    runs: BTreeMap<Date, BTreeMap<Date, Decimal>>,
}

/// An amount in the serialised record.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
struct WrittenTotal(#[serde(serialize_with = "exact", deserialize_with = "decimal")] Decimal);

fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|error| {
        let what = format!("{text:?} is not a decimal number such as \"12.34\": {error}");
        D::Error::custom(what)
    })
}

/// How long days take until they are complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObservedLag {
    /// The fewest whole days after the end of a day from which on at least 95 % of days had 99 % of their known amount
    /// or more. On the morning of day T, day d is settled if d ≤ T − 1 − `lag_days`. 6 means six or more.
    pub lag_days: usize,
    /// Days with a known amount that were seen earlier as well.
    pub days_measured: usize,
    /// What part of a day was there, by the whole days after its end; only ages that were seen.
    pub shares: Vec<LoadedShare>,
}

/// What part of a day was there after a number of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LoadedShare {
    /// Whole days after the end of the day: 0 on the next morning.
    pub days_after: usize,
    /// The number of days that were seen at this age.
    pub days: usize,
    /// The median part of the known amount: 1 is all, with four decimal places.
    #[serde(serialize_with = "exact")]
    pub median: Decimal,
    /// The number of days that had 99 % of their known amount or more.
    pub complete: usize,
}

impl LoadedShare {
    fn is_settled(&self) -> bool {
        self.days >= LEAST_DAYS_MEASURED && self.complete * 100 >= self.days * SETTLED_DAYS_PERCENT
    }
}

impl DayGrowth {
    /// Records what a run saw. Days that are not over on the run's day are left out.
    pub fn record(&mut self, run: Date, totals: impl IntoIterator<Item = (Date, Decimal)>) {
        if self.runs.contains_key(&run) {
            return;
        }
        let mut seen: BTreeMap<Date, Decimal> = BTreeMap::new();
        for (day, amount) in totals.into_iter().filter(|(day, _)| *day < run) {
            let sum = seen.entry(day).or_default();
            *sum = sum.saturating_add(amount);
            if seen.len() > MAX_DAYS_OF_RUN {
                seen.pop_first();
            }
        }
        if !seen.is_empty() {
            self.runs.insert(run, seen);
        }
        while self.runs.len() > MAX_RUNS {
            self.runs.pop_first();
        }
    }

    /// The runs that are kept, each with the days that it saw.
    pub fn runs(&self) -> &BTreeMap<Date, BTreeMap<Date, Decimal>> {
        &self.runs
    }

    /// How long days take, as far as at least five days are known. A day's known amount is the last one that was seen,
    /// at least seven days after the day.
    pub fn observed_lag(&self) -> Option<ObservedLag> {
        let known = self.known_amounts();
        let mut shares: BTreeMap<usize, Vec<Decimal>> = BTreeMap::new();
        let mut measured: BTreeSet<Date> = BTreeSet::new();
        for (run, seen) in &self.runs {
            for (day, amount) in seen {
                let Some(known) = known.get(day) else {
                    continue;
                };
                let days_after = days_after(*day, *run);
                if days_after < KNOWN_DAYS_AFTER
                    && let Some(share) = amount.checked_div(*known)
                {
                    shares.entry(days_after).or_default().push(share);
                    measured.insert(*day);
                }
            }
        }
        if measured.len() < LEAST_DAYS_MEASURED {
            return None;
        }
        let shares: Vec<LoadedShare> = shares
            .into_iter()
            .map(|(age, shares)| loaded(age, shares))
            .collect();
        let settled = |age: usize| {
            shares
                .iter()
                .any(|share| share.days_after == age && share.is_settled())
        };
        let lag_days = (0..KNOWN_DAYS_AFTER)
            .rev()
            .take_while(|age| settled(*age))
            .last();
        Some(ObservedLag {
            lag_days: lag_days.unwrap_or(KNOWN_DAYS_AFTER),
            days_measured: measured.len(),
            shares,
        })
    }

    /// The known amounts above zero, by day.
    fn known_amounts(&self) -> BTreeMap<Date, Decimal> {
        let mut known = BTreeMap::new();
        for (run, seen) in &self.runs {
            for (day, amount) in seen {
                // Later runs replace what earlier ones saw.
                if days_after(*day, *run) >= KNOWN_DAYS_AFTER {
                    known.insert(*day, *amount);
                }
            }
        }
        known.retain(|_, amount| *amount > Decimal::ZERO);
        known
    }
}

/// Whole days from the end of a day to the morning of a run.
fn days_after(day: Date, run: Date) -> usize {
    let days = DayRange {
        from: day,
        through: run.max(day),
    };
    days.len().saturating_sub(2)
}

fn loaded(days_after: usize, mut shares: Vec<Decimal>) -> LoadedShare {
    shares.sort_unstable();
    // The lower of two middles: a statement about loading rather errs to slow.
    let median = shares
        .get((shares.len().saturating_sub(1)) / 2)
        .copied()
        .unwrap_or_default();
    LoadedShare {
        days_after,
        days: shares.len(),
        median: median.round_dp(SHARE_PLACES),
        complete: shares
            .iter()
            .filter(|share| **share >= SETTLED_SHARE)
            .count(),
    }
}

impl From<BTreeMap<Date, BTreeMap<Date, WrittenTotal>>> for DayGrowth {
    fn from(runs: BTreeMap<Date, BTreeMap<Date, WrittenTotal>>) -> DayGrowth {
        let mut growth = DayGrowth::default();
        for (run, seen) in runs {
            growth.record(run, seen.into_iter().map(|(day, total)| (day, total.0)));
        }
        growth
    }
}

impl From<DayGrowth> for BTreeMap<Date, BTreeMap<Date, WrittenTotal>> {
    fn from(growth: DayGrowth) -> BTreeMap<Date, BTreeMap<Date, WrittenTotal>> {
        let written = |seen: BTreeMap<Date, Decimal>| {
            seen.into_iter()
                .map(|(day, amount)| (day, WrittenTotal(amount)))
        };
        growth
            .runs
            .into_iter()
            .map(|(run, seen)| (run, written(seen).collect()))
            .collect()
    }
}

#[cfg(test)]
mod tests;
