//! Formats amounts and their changes.

use rust_decimal::Decimal;

use super::KeyFigures;
use trailtab_core::cost::money;
use trailtab_core::cost::report::percent;

/// The share of a change from nothing.
pub(super) const NEW: &str = "new";

/// A formatted change against other days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AmountChange {
    /// `▲`, `▼`, or empty. Has no colour: a rise or fall is neither good nor bad.
    pub(super) arrow: &'static str,
    /// The change with its sign; empty if there is none.
    pub(super) text: String,
    /// The change without its sign.
    size: String,
    /// The change in percent, or `new` if there was nothing before.
    pub(super) share: Option<String>,
}

impl AmountChange {
    pub(super) fn new(now: Decimal, before: Decimal, currency: &str) -> AmountChange {
        let change = now.saturating_sub(before);
        let arrow = match change {
            change if change.is_zero() => "",
            change if change.is_sign_positive() => "▲",
            _ => "▼",
        };
        let share = match before.is_zero() {
            true if now.is_zero() => None,
            true => Some(NEW.to_owned()),
            false if change.is_zero() => None,
            false => percent(change, before),
        };
        AmountChange {
            arrow,
            text: match change.is_zero() {
                true => String::new(),
                false => money::change(change, currency),
            },
            size: money::words(change.abs(), currency),
            share,
        }
    }

    /// The change in percent with its sign, if there was something before: `+5.0 %`, `>+999 %`.
    pub(super) fn signed_percent(&self) -> Option<String> {
        let share = self.share.as_ref().filter(|share| *share != NEW)?;
        let sign = if self.arrow == "▼" { "-" } else { "+" };
        Some(match share.strip_prefix(['<', '>']) {
            Some(rest) => format!("{}{sign}{rest}", &share[..1]),
            None => format!("{sign}{share}"),
        })
    }

    /// `▲ $1.20`; empty if nothing changed.
    pub(super) fn words(&self) -> String {
        match self.arrow {
            "" => String::new(),
            arrow => format!("{arrow} {}", self.size),
        }
    }

    /// `▲ $1.20 (5.0 %)`; `no change` if there is none.
    pub(super) fn sentence(&self) -> String {
        match (&self.share, self.arrow) {
            (_, "") => "no change".to_owned(),
            (Some(share), _) => format!("{} ({share})", self.words()),
            (None, _) => self.words(),
        }
    }
}

/// The headline of key figures, and the lines below it.
pub(super) fn headline(figures: &KeyFigures) -> (String, Vec<String>) {
    let words = |amount| money::words(amount, &figures.currency);
    let mut lines = Vec::new();
    for (at, figure) in figures.figures.iter().enumerate() {
        let before = figure.before.as_ref().map(|(days, before)| {
            let change = AmountChange::new(figure.amount, *before, &figures.currency);
            (format!("{} vs {days}", change.sentence()), *before)
        });
        let amount = words(figure.amount);
        match before {
            Some((change, before)) if at == 0 => {
                lines.push(format!("{change} ({})", words(before)));
            }
            None if at == 0 => {}
            Some((change, _)) => lines.push(format!("{}: {amount}, {change}", figure.days)),
            None => lines.push(format!("{}: {amount}", figure.days)),
        }
    }
    lines.extend(figures.remarks.iter().cloned());
    let headline = figures.figures.first();
    let headline = headline.map(|figure| words(figure.amount));
    (headline.unwrap_or_default(), lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_said_in_words() {
        let of = |now: i64, before: i64| {
            AmountChange::new(Decimal::from(now), Decimal::from(before), "USD").sentence()
        };
        assert_eq!(of(110, 100), "▲ $10.00 (10.0 %)");
        assert_eq!(of(90, 100), "▼ $10.00 (10.0 %)");
        assert_eq!(of(5, 0), "▲ $5.00 (new)");
        assert_eq!(of(0, 0), "no change");
        assert_eq!(of(-5, -10), "▲ $5.00");
        let signed = |now: i64, before: i64| {
            let change = AmountChange::new(Decimal::from(now), Decimal::from(before), "USD");
            change.signed_percent().unwrap_or_default()
        };
        assert_eq!(signed(110, 100), "+10.0 %");
        assert_eq!(signed(90, 100), "-10.0 %");
        assert_eq!(signed(9999, 1), ">+999 %");
        assert_eq!([signed(5, 0), signed(5, 5), signed(-5, -10)], ["", "", ""]);
    }
}
