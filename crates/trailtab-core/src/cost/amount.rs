//! Amounts as people write them in settings.

use std::fmt;

use rust_decimal::Decimal;
use serde::Deserializer;
use serde::de::{Error, Visitor};

/// Reads an amount above zero: a number, or a decimal number in quotes. A number with a fraction is taken digit by
/// digit as it is written, up to the 15 digits that TOML and JSON keep.
///
/// # Errors
///
/// Fails if it is not a number, or not above zero.
pub fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    deserializer.deserialize_any(AmountVisitor { allows_zero: false })
}

/// Like [`positive`], and accepts zero.
///
/// # Errors
///
/// Fails if it is not a number, or below zero.
pub fn not_negative<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    deserializer.deserialize_any(AmountVisitor { allows_zero: true })
}

/// Like [`positive`], for a setting that may be left out.
///
/// # Errors
///
/// As [`positive`].
pub fn positive_if_set<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Decimal>, D::Error> {
    positive(deserializer).map(Some)
}

struct AmountVisitor {
    allows_zero: bool,
}

impl AmountVisitor {
    /// What is accepted, for error messages.
    fn expected(&self) -> &'static str {
        match self.allows_zero {
            true => "a number that is not negative, such as 1 or \"0.50\"",
            false => "an amount above 0, such as 1200 or \"1200.50\"",
        }
    }
}

impl Visitor<'_> for AmountVisitor {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Decimal, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Decimal, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Decimal, E> {
        // The shortest digits that mean this float are those that were written.
        self.visit_str(&number.to_string())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Decimal, E> {
        let amount = text.trim().parse::<Decimal>().ok();
        let is_enough =
            |amount: &Decimal| *amount > Decimal::ZERO || (self.allows_zero && amount.is_zero());
        match amount.filter(is_enough) {
            Some(amount) => Ok(amount),
            None => Err(E::custom(format_args!(
                "{text:?} is not {}",
                self.expected()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct AmountSetting {
        #[serde(deserialize_with = "positive")]
        amount: Decimal,
        #[serde(default, deserialize_with = "positive_if_set")]
        other: Option<Decimal>,
    }

    #[test]
    fn numbers_and_texts_are_amounts() {
        for (text, amount) in [
            ("1200", "1200"),
            ("1200.5", "1200.5"),
            ("0.1", "0.1"),
            ("\"1200.50\"", "1200.50"),
            ("\" 7 \"", "7"),
            ("1e3", "1000"),
            ("123456789012.34", "123456789012.34"),
        ] {
            let toml: AmountSetting = toml::from_str(&format!("amount = {text}")).unwrap();
            let json: AmountSetting =
                serde_json::from_str(&format!("{{\"amount\": {text}}}")).unwrap();
            let amount: Decimal = amount.parse().unwrap();
            assert_eq!((toml.amount, json.amount), (amount, amount), "{text}");
            assert_eq!(toml.other, None);
        }
        let both: AmountSetting = toml::from_str("amount = 1\nother = 2").unwrap();
        assert_eq!(both.other, Some(Decimal::TWO));
    }

    #[test]
    fn zero_is_a_threshold_and_no_amount() {
        #[derive(Debug, Deserialize)]
        struct ThresholdSetting {
            #[serde(deserialize_with = "not_negative")]
            least: Decimal,
        }
        let of = |text: &str| toml::from_str::<ThresholdSetting>(&format!("least = {text}"));
        assert_eq!(of("0").unwrap().least, Decimal::ZERO);
        let error = of("-1").unwrap_err().to_string();
        assert!(error.contains("a number that is not negative"), "{error}");
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "0", "-5", "-0.01", "\"\"", "\"$5\"", "\"many\"", "inf", "nan", "1e40", "true", "[]",
        ] {
            let error = toml::from_str::<AmountSetting>(&format!("amount = {text}")).unwrap_err();
            assert!(
                error.to_string().contains("an amount above 0"),
                "{text}: {error}"
            );
        }
    }
}
