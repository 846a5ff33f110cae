//! Formats figures for mails: an amount and its change.

use rust_decimal::Decimal;

use trailtab_core::cost::money;
use trailtab_core::cost::report::{CostReport, RowFigure, percent};

/// A formatted amount and its change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShownAmount {
    pub(super) text: String,
    pub(super) change: Option<AmountChange>,
}

/// A formatted change against other days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AmountChange {
    /// `▲`, `▼`, or empty. Has no colour: a rise or fall is neither good nor bad.
    pub(super) arrow: &'static str,
    /// The change with its sign.
    pub(super) text: String,
    /// The change in percent, or `new` if there was nothing before.
    pub(super) share: Option<String>,
}

impl AmountChange {
    fn new(now: Decimal, before: Decimal, currency: &str) -> AmountChange {
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
        AmountChange {
            arrow,
            text: money::change(change, currency),
            share,
        }
    }

    /// `▲ +$1.20`.
    pub(super) fn words(&self) -> String {
        let space = if self.arrow.is_empty() { "" } else { " " };
        format!("{}{space}{}", self.arrow, self.text)
    }

    /// `▲ +$1.20 (5.0 %)`.
    pub(super) fn sentence(&self) -> String {
        match &self.share {
            Some(share) => format!("{} ({share})", self.words()),
            None => self.words(),
        }
    }
}

/// The amount of the period.
pub(super) fn of_period(figure: &RowFigure, currency: &str) -> ShownAmount {
    let change = figure
        .before
        .map(|before| AmountChange::new(figure.amount, before, currency));
    ShownAmount {
        text: money::words(figure.amount, currency),
        change,
    }
}

/// The amount of the last day.
pub(super) fn of_day(figure: &RowFigure, currency: &str) -> ShownAmount {
    let change = figure
        .day_before
        .map(|before| AmountChange::new(figure.last_day, before, currency));
    ShownAmount {
        text: money::words(figure.last_day, currency),
        change,
    }
}

/// The totals of all currencies: `$1,234.56 + 5.00 CNY`.
pub(super) fn totals(report: &CostReport) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_said_in_words() {
        let of = |now: i64, before: i64| {
            AmountChange::new(Decimal::from(now), Decimal::from(before), "USD").sentence()
        };
        assert_eq!(of(110, 100), "▲ +$10.00 (10.0 %)");
        assert_eq!(of(90, 100), "▼ -$10.00 (10.0 %)");
        assert_eq!(of(5, 0), "▲ +$5.00 (new)");
        assert_eq!(of(0, 0), "±$0.00");
        assert_eq!(of(-5, -10), "▲ +$5.00");
    }
}
