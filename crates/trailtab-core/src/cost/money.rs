//! Formats amounts of money for people and for programs.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serializer;

use crate::digits::grouped;

/// Serializes an amount with all its digits and without trailing zeros.
///
/// # Errors
///
/// Returns the serializer's error.
pub fn exact<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&amount.normalize())
}

/// Like [`exact`], for an amount that may be unknown.
///
/// # Errors
///
/// Returns the serializer's error.
pub fn exact_if_known<S: Serializer>(
    amount: &Option<Decimal>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match amount {
        Some(amount) => exact(amount, serializer),
        None => serializer.serialize_none(),
    }
}

/// Like [`exact`], for a list of amounts.
///
/// # Errors
///
/// Returns the serializer's error.
pub fn exact_each<S: Serializer>(amounts: &[Decimal], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(amounts.iter().map(|amount| amount.normalize().to_string()))
}

/// Rounds to cents, half away from zero.
pub fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// Formats an amount: `$1,234.56`, `-$5.00`, `<$0.01`, `1,234.56 CNY`.
///
/// An amount that is not zero is never shown as zero.
pub fn words(amount: Decimal, currency: &str) -> String {
    let rounded = cents(amount);
    let sign = if amount.is_sign_negative() && !amount.is_zero() {
        "-"
    } else {
        ""
    };
    let (less, digits) = match rounded.is_zero() && !amount.is_zero() {
        true => ("<", "0.01".to_owned()),
        false => ("", grouped(&format!("{:.2}", rounded.abs()))),
    };
    // A negative amount smaller than a cent.
    let less = if sign == "-" && less == "<" {
        ">"
    } else {
        less
    };
    match currency {
        "USD" => format!("{less}{sign}${digits}"),
        _ => format!("{less}{sign}{digits} {currency}"),
    }
}

/// Formats a change: `+$1.20`, `-$3.00`, `±$0.00`.
pub fn change(amount: Decimal, currency: &str) -> String {
    match amount {
        amount if amount.is_zero() => format!("±{}", words(amount, currency)),
        amount if amount.is_sign_positive() => format!("+{}", words(amount, currency)),
        _ => words(amount, currency),
    }
}

/// Formats a range: `$1,040 to $1,210`. Amounts of 100 or more are rounded outward to whole units.
pub fn range(low: Decimal, high: Decimal, currency: &str) -> String {
    let is_large = low.abs().max(high.abs()) >= Decimal::ONE_HUNDRED;
    let bound = |amount: Decimal| {
        let text = words(amount, currency);
        match is_large {
            true => text.replace(".00", ""),
            false => text,
        }
    };
    let (low, high) = match is_large {
        true => (low.floor(), high.ceil()),
        false => (low, high),
    };
    match low == high {
        true => bound(low),
        false => format!("{} to {}", bound(low), bound(high)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> String {
        words(text.parse().unwrap(), "USD")
    }

    #[test]
    fn amounts_are_rounded_to_cents_and_never_to_nothing() {
        assert_eq!(usd("0"), "$0.00");
        assert_eq!(usd("-0.00"), "$0.00");
        assert_eq!(usd("0.005"), "$0.01");
        assert_eq!(usd("0.0049"), "<$0.01");
        assert_eq!(usd("-0.0049"), ">-$0.01");
        assert_eq!(usd("-0.005"), "-$0.01");
        assert_eq!(usd("1234567.891"), "$1,234,567.89");
        assert_eq!(usd("-1234.5"), "-$1,234.50");
        assert_eq!(words("12.5".parse().unwrap(), "CNY"), "12.50 CNY");
    }

    #[test]
    fn ranges_are_rounded_outward() {
        let of = |low: &str, high: &str| range(low.parse().unwrap(), high.parse().unwrap(), "USD");
        assert_eq!(of("1040.90", "1209.10"), "$1,040 to $1,210");
        assert_eq!(of("4.5", "12.25"), "$4.50 to $12.25");
        assert_eq!(of("99.99", "100"), "$99 to $100");
        assert_eq!(of("-3.25", "120"), "-$4 to $120");
        assert_eq!(of("7", "7"), "$7.00");
        let yuan = range(Decimal::ONE_HUNDRED, Decimal::ONE_THOUSAND, "CNY");
        assert_eq!(yuan, "100 CNY to 1,000 CNY");
    }

    #[test]
    fn changes_have_a_sign() {
        let of = |text: &str| change(text.parse().unwrap(), "USD");
        assert_eq!(of("1.2"), "+$1.20");
        assert_eq!(of("-1.2"), "-$1.20");
        assert_eq!(of("0"), "±$0.00");
        assert_eq!(of("0.001"), "+<$0.01");
    }
}
