//! Times as exports write them.

use serde_json::Value;

use crate::time;

/// Reads a time: text in one of the forms that exports use, or seconds or milliseconds since 1970.
pub(super) fn time_of(value: &Value) -> Option<time::Seconds> {
    match value {
        Value::Number(number) => epoch(number.as_f64()?),
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(number) if text.trim().len() >= 9 => epoch(number),
            _ => time::parse(text.as_bytes()).or_else(|| time::parse_exported(text)),
        },
        _ => None,
    }
}

/// Seconds or, from the year 1973 on, milliseconds since 1970.
fn epoch(number: f64) -> Option<time::Seconds> {
    /// Seconds until the year 5138, and milliseconds until 1973.
    const FIRST_MILLISECOND: f64 = 1e11;
    let seconds = match number {
        n if !(0.0..1e14).contains(&n) => return None,
        n if n < FIRST_MILLISECOND => n,
        n => n / 1000.0,
    };
    Some(seconds as time::Seconds)
}
