//! Compares estimates of past months with what the months came to.
//!
//! ```text
//! python3 benches/daily_bills.py synthetic | cargo run -p trailtab-core --example backtest
//! python3 benches/daily_bills.py synthetic | cargo run -p trailtab-core --example backtest -- 5 15 25
//! ```
//!
//! Reads CSV with the columns `series,day,amount` from standard input; a series is `KIND:NAME`, and amounts of one day
//! add up. After days 10 and 20 of each whole month, or those of the arguments, it estimates the month from the days so
//! far and the whole month before. For each kind it prints the error of the estimate, of last month's amount, and of
//! the run rate (the month so far, divided by its days, times the days of the month), each as the median and the mean
//! of parts of the real amount; and how often the range held, how wide it was, and how often the month came to more.
//! Months without a whole month before are estimated from their own days, and printed apart.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, BufWriter, Write};

use jiff::civil::Date;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::Deserialize;
use trailtab_core::cost::estimate;
use trailtab_core::cost::period::DayRange;

/// A row of the input.
#[derive(Debug, Deserialize)]
struct DailyAmountRow {
    series: String,
    day: Date,
    amount: String,
}

/// The daily amounts of one series.
#[derive(Debug, Default)]
struct BilledDays(BTreeMap<Date, Decimal>);

impl BilledDays {
    fn amounts(&self, days: DayRange) -> Vec<Decimal> {
        let amount = |day: Date| self.0.get(&day).copied().unwrap_or_default();
        days.iter().map(amount).collect()
    }

    fn sum(&self, days: DayRange) -> Decimal {
        self.amounts(days).into_iter().sum()
    }

    fn days(&self) -> Option<DayRange> {
        let (from, through) = (*self.0.keys().next()?, *self.0.keys().next_back()?);
        Some(DayRange { from, through })
    }
}

/// What is compared: a kind of series, with or without a whole month before, after a day of the month.
type BacktestCase = (bool, String, i8);

/// The estimates of one case; numbers are parts of the real amounts.
#[derive(Debug, Default)]
struct BacktestResults {
    estimate: Vec<f64>,
    last_month: Vec<f64>,
    run_rate: Vec<f64>,
    width: Vec<f64>,
    held: usize,
    above: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut days = Vec::new();
    for argument in std::env::args().skip(1) {
        let day = argument
            .parse::<i8>()
            .ok()
            .filter(|day| (1..=31).contains(day));
        days.push(day.ok_or_else(|| {
            format!("{argument:?} is not a day of a month: write numbers from 1 to 31")
        })?);
    }
    if days.is_empty() {
        days = vec![10, 20];
    }
    let mut all: BTreeMap<String, BilledDays> = BTreeMap::new();
    for row in csv::Reader::from_reader(io::stdin().lock()).deserialize() {
        let row: DailyAmountRow = row?;
        let amount: Decimal = row.amount.parse().map_err(|error| {
            format!(
                "the amount {:?} of {} on {} is not a decimal number: {error}",
                row.amount, row.series, row.day
            )
        })?;
        *all.entry(row.series)
            .or_default()
            .0
            .entry(row.day)
            .or_default() += amount;
    }
    let mut results: BTreeMap<BacktestCase, BacktestResults> = BTreeMap::new();
    for (series, billed) in &all {
        let kind = series.split(':').next().unwrap_or_default();
        let Some(known) = billed.days() else { continue };
        let mut month = DayRange::month_of(known.from);
        while month.through <= known.through {
            if month.from >= known.from {
                for day in &days {
                    test(&mut results, kind, billed, month, *day);
                }
            }
            month = DayRange::month_of(month.through.tomorrow()?);
        }
    }
    print(&results)?;
    Ok(())
}

/// Estimates one month after one of its days.
fn test(
    results: &mut BTreeMap<BacktestCase, BacktestResults>,
    kind: &str,
    billed: &BilledDays,
    month: DayRange,
    day: i8,
) {
    let last = month.from.with().day(day).build();
    let before = month.from.yesterday().map(DayRange::month_of);
    let (Ok(last), Ok(before), Some(known)) = (last, before, billed.days()) else {
        return;
    };
    let has_before = before.from >= known.from;
    let from = if has_before { before.from } else { month.from };
    let so_far = DayRange {
        through: last,
        ..month
    };
    let real = billed.sum(month);
    let daily = billed.amounts(DayRange {
        from,
        through: last,
    });
    let Some(estimate) = estimate::of_month(from, &daily, month) else {
        return;
    };
    if real <= Decimal::ZERO {
        return;
    }
    let part = |amount: Decimal| (amount / real).to_f64().unwrap_or(f64::NAN);
    let error = |amount: Decimal| part((amount - real).abs());
    let run_rate = billed.sum(so_far) * Decimal::from(month.len()) / Decimal::from(so_far.len());
    let result = results
        .entry((!has_before, kind.to_owned(), day))
        .or_default();
    result.estimate.push(error(estimate.expected));
    result.last_month.push(error(billed.sum(before)));
    result.run_rate.push(error(run_rate));
    result.width.push(part(estimate.high - estimate.low) / 2.0);
    // An estimate is in cents, and so is what it is compared with.
    let real = trailtab_core::cost::money::cents(real);
    result.held += usize::from((estimate.low..=estimate.high).contains(&real));
    result.above += usize::from(real > estimate.high);
}

fn print(results: &BTreeMap<BacktestCase, BacktestResults>) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for is_young in [false, true] {
        let chosen: Vec<_> = results
            .iter()
            .filter(|((young, _, _), _)| *young == is_young)
            .collect();
        if chosen.is_empty() {
            continue;
        }
        let title = if is_young {
            "Without a whole month before"
        } else {
            "With the whole month before"
        };
        writeln!(out, "{title}\n")?;
        writeln!(
            out,
            "| series | day | months | estimate | last month | run rate | range held | came to more | range |"
        )?;
        writeln!(out, "|---|---|---|---|---|---|---|---|---|")?;
        let mut days: BTreeMap<i8, Vec<(f64, f64)>> = BTreeMap::new();
        for ((_, kind, day), result) in chosen {
            let months = result.estimate.len();
            let percent = |count: usize| 100.0 * count as f64 / months as f64;
            let last_month = if is_young {
                "".to_owned()
            } else {
                middle_and_mean(&result.last_month)
            };
            writeln!(
                out,
                "| {kind} | {day} | {months} | {} | {last_month} | {} | {:.0} % | {:.0} % | ± {:.1} % |",
                middle_and_mean(&result.estimate),
                middle_and_mean(&result.run_rate),
                percent(result.held),
                percent(result.above),
                100.0 * middle(&result.width),
            )?;
            let both = (percent(result.held), 100.0 * middle(&result.estimate));
            days.entry(*day).or_default().push(both);
        }
        writeln!(out)?;
        for (day, kinds) in days {
            let held: f64 = kinds.iter().map(|kind| kind.0).sum();
            let error: f64 = kinds.iter().map(|kind| kind.1).sum();
            let count = kinds.len() as f64;
            writeln!(
                out,
                "Day {day}, mean of all kinds: the range held in {:.0} %, median error {:.1} %.",
                held / count,
                error / count
            )?;
        }
        writeln!(out)?;
    }
    out.flush()
}

fn middle_and_mean(numbers: &[f64]) -> String {
    let mean = numbers.iter().sum::<f64>() / numbers.len().max(1) as f64;
    format!("{:.1} % ({:.1})", 100.0 * middle(numbers), 100.0 * mean)
}

fn middle(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
    match (sorted.get(low), sorted.get(high)) {
        (Some(low), Some(high)) => (low + high) / 2.0,
        _ => f64::NAN,
    }
}
