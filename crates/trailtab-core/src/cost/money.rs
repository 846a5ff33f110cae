//! Formats amounts of money for people and for programs.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

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

/// A decimal number of the settings: `100`, `0.5` or `"0.50"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SettingsNumber(pub Decimal);

impl<'de> Deserialize<'de> for SettingsNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SettingsNumber, D::Error> {
        /// A number keeps its shortest form, so that `0.1` is a tenth.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Integer(i64),
            Float(f64),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Integer(number) => number.to_string(),
            Written::Float(number) => number.to_string(),
            Written::Text(text) => text,
        };
        let number = text.trim().parse().map(SettingsNumber);
        number.map_err(|_| D::Error::custom(format!("{text:?} is no decimal number")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_numbers_in_any_form() {
        let of = |text: &str| serde_json::from_str::<SettingsNumber>(text).map(|number| number.0);
        for (text, number) in [
            ("100", "100"),
            ("0.1", "0.1"),
            ("\" 12.50 \"", "12.50"),
            ("-3", "-3"),
        ] {
            assert_eq!(of(text).unwrap(), number.parse().unwrap());
        }
        for text in ["\"1,000\"", "\"\"", "1e300", "null", "[]", "true"] {
            assert!(of(text).is_err(), "{text}");
        }
    }

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
