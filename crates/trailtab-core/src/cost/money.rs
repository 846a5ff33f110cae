//! Amounts of money as people and programs read them.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serializer;

/// Writes an amount for a program: all its digits, and no trailing zeros.
///
/// # Errors
///
/// Whatever the serializer fails with.
pub fn exact<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&amount.normalize())
}

/// The same for an amount that may not be known.
///
/// # Errors
///
/// Whatever the serializer fails with.
pub fn exact_if_known<S: Serializer>(
    amount: &Option<Decimal>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match amount {
        Some(amount) => exact(amount, serializer),
        None => serializer.serialize_none(),
    }
}

/// The same for amounts day by day.
///
/// # Errors
///
/// Whatever the serializer fails with.
pub fn exact_each<S: Serializer>(amounts: &[Decimal], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(amounts.iter().map(|amount| amount.normalize().to_string()))
}

/// Rounds to cents, halves away from zero, as bills do.
pub fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// Writes an amount for a person: `$1,234.56`, `-$5.00`, `<$0.01`, `1,234.56 CNY`.
///
/// What is not zero never looks like it.
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
    // Nearer to zero than a cent, on the negative side.
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

/// Writes a change for a person: `+$1.20`, `-$3.00`, `±$0.00`.
pub fn change(amount: Decimal, currency: &str) -> String {
    match amount {
        amount if amount.is_zero() => format!("±{}", words(amount, currency)),
        amount if amount.is_sign_positive() => format!("+{}", words(amount, currency)),
        _ => words(amount, currency),
    }
}

/// Groups the digits before the point by threes.
fn grouped(digits: &str) -> String {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    format!("{out}.{fraction}")
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
    fn changes_have_a_sign() {
        let of = |text: &str| change(text.parse().unwrap(), "USD");
        assert_eq!(of("1.2"), "+$1.20");
        assert_eq!(of("-1.2"), "-$1.20");
        assert_eq!(of("0"), "±$0.00");
        assert_eq!(of("0.001"), "+<$0.01");
    }
}
