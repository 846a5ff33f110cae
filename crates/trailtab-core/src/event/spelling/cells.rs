//! The cells of a row.

use serde_json::{Map, Value};

/// A row of a table, or an object, by the names of its columns or members.
pub(in crate::event) type NamedCells = Map<String, Value>;

/// Returns whether a cell holds anything.
pub(in crate::event) fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !matches!(text.trim(), "" | "-" | "null"),
        _ => true,
    }
}
