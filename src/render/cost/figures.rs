//! Figures as a mail shows them: an amount, and its change in words.
#![allow(dead_code, reason = "wired up by the lead")]

use rust_decimal::{Decimal, RoundingStrategy};

use crate::core::cost::money;
use crate::core::cost::report::{Figure, Report, Row};

/// An amount, and how it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) text: String,
    pub(super) change: Option<Change>,
}

/// A change against other days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// An arrow; rises and falls are neither good nor bad, so they have no colour.
    pub(super) arrow: &'static str,
    /// With its sign.
    pub(super) text: String,
    /// The change as a share, or that there was nothing before.
    pub(super) share: Option<String>,
}

impl Change {
    fn new(now: Decimal, before: Decimal, currency: &str) -> Change {
        let change = now.saturating_sub(before);
        let arrow = match change {
            change if change.is_zero() => "",
            change if change.is_sign_positive() => "▲",
            _ => "▼",
        };
        let share = match before.is_zero() {
            true if now.is_zero() => None,
            true => Some("new".to_owned()),
            false if change.is_zero() => None,
            false => percent(change, before),
        };
        Change {
            arrow,
            text: money::change(change, currency),
            share,
        }
    }

    /// `▲ +$1.20 (5.0 %)`.
    pub(super) fn words(&self) -> String {
        let space = if self.arrow.is_empty() { "" } else { " " };
        match &self.share {
            Some(share) => format!("{}{space}{} ({share})", self.arrow, self.text),
            None => format!("{}{space}{}", self.arrow, self.text),
        }
    }
}

/// The amount of the period.
pub(super) fn of_period(figure: &Figure, currency: &str) -> Amount {
    let change = figure
        .before
        .map(|before| Change::new(figure.amount, before, currency));
    Amount {
        text: money::words(figure.amount, currency),
        change,
    }
}

/// The amount of the last day.
pub(super) fn of_day(figure: &Figure, currency: &str) -> Amount {
    let change = figure
        .day_before
        .map(|before| Change::new(figure.last_day, before, currency));
    Amount {
        text: money::words(figure.last_day, currency),
        change,
    }
}

/// The sum of some rows' figures.
pub(super) fn sum<'r>(rows: impl Iterator<Item = &'r Row>) -> Figure {
    let both = |one: Option<Decimal>, other: Option<Decimal>| Some(one?.saturating_add(other?));
    let add = |one: Figure, other: Figure| Figure {
        amount: one.amount.saturating_add(other.amount),
        before: both(one.before, other.before),
        last_day: one.last_day.saturating_add(other.last_day),
        day_before: both(one.day_before, other.day_before),
    };
    rows.map(|row| row.figure).reduce(add).unwrap_or_default()
}

/// The totals of all currencies: `$1,234.56 + 5.00 CNY`.
pub(super) fn totals(report: &Report) -> String {
    let total = |amount, currency: &str| money::words(amount, currency);
    let parts = report.parts.iter();
    let totals: Vec<String> = parts
        .map(|part| total(part.total.amount, &part.currency))
        .collect();
    match totals.is_empty() {
        true => total(Decimal::ZERO, "USD"),
        false => totals.join(" + "),
    }
}

/// A change as a share of what was before, without a sign.
fn percent(change: Decimal, before: Decimal) -> Option<String> {
    if before <= Decimal::ZERO {
        return None;
    }
    let share = change
        .abs()
        .checked_div(before)?
        .checked_mul(Decimal::ONE_HUNDRED)?;
    let rounded = share.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero);
    Some(match rounded {
        _ if rounded >= Decimal::ONE_THOUSAND => ">999 %".to_owned(),
        _ if rounded.is_zero() && !share.is_zero() => "<0.1 %".to_owned(),
        _ => format!("{rounded:.1} %"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_said_in_words() {
        let of = |now: i64, before: i64| {
            Change::new(Decimal::from(now), Decimal::from(before), "USD").words()
        };
        assert_eq!(of(110, 100), "▲ +$10.00 (10.0 %)");
        assert_eq!(of(90, 100), "▼ -$10.00 (10.0 %)");
        assert_eq!(of(5, 0), "▲ +$5.00 (new)");
        assert_eq!(of(0, 0), "±$0.00");
        assert_eq!(of(-5, -10), "▲ +$5.00");
    }

    #[test]
    fn sums_know_what_is_not_known() {
        let figure = |before| Figure {
            amount: Decimal::ONE,
            before,
            ..Figure::default()
        };
        let row = |before| Row {
            label: crate::core::cost::owner::Owner::Untagged.label(),
            figure: figure(before),
            daily: Vec::new(),
        };
        let rows = [row(Some(Decimal::TWO)), row(Some(Decimal::TWO))];
        assert_eq!(sum(rows.iter()).before, Some(Decimal::from(4)));
        assert_eq!(
            sum([row(None), row(None)].iter()),
            Figure {
                amount: Decimal::TWO,
                ..figure(None)
            }
        );
    }
}
