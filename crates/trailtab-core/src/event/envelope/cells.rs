//! Rows of cells in JSON, as tables and queries give them.

use serde_json::{Map, Value};

use super::words::{MIN_RECORD_NAMES, is_record_column, is_record_name, may_hold_records};
use crate::event::scan::JsonScanner;
use crate::event::spelling::{self, NamedCells};

/// Maximum size in bytes of a record that is respelled, which takes several times its size; AWS's
/// limit is 1 MB.
const MAX_RESPELLED: usize = 4 << 20;

/// An array with this many cells in it is a row.
pub(in crate::event) const MIN_CELLS: usize = 3;

/// Reads an array as a row: `[{"eventName": "…"}, …]` as of CloudTrail Lake, or
/// `[{"field": "eventName", "value": "…"}, …]` as of Logs Insights.
pub(in crate::event) fn row_of(json: &[u8]) -> Option<NamedCells> {
    if json.len() > MAX_RESPELLED || !may_hold_records(json) {
        return None;
    }
    let mut scanner = JsonScanner::new(json, 0);
    scanner.expect(b'[').ok()?;
    let mut cells = Map::new();
    loop {
        match scanner.peek().ok()? {
            b',' => scanner.bump(),
            b']' => break,
            b'{' => {
                let (name, value) = cell_of(scanner.skip().ok()?)?;
                // A name that stands there twice makes it no row.
                if cells.insert(name, value).is_some() {
                    return None;
                }
            }
            _ => return None,
        }
    }
    let has = |wanted: fn(&str) -> bool| {
        cells
            .keys()
            .any(|name| wanted(&spelling::fold(name.as_bytes())))
    };
    (has(|name| name == "eventname") || has(is_record_column) || is_part_of_record(&cells))
        .then_some(cells)
}

pub(in crate::event) fn cell_of(json: &[u8]) -> Option<(String, Value)> {
    let mut members = Vec::new();
    let mut scanner = JsonScanner::new(json, 0);
    let read = scanner.members(|scanner, name| {
        let value = scanner.skip()?;
        members.push((name, value));
        Ok(())
    });
    read.ok()?;
    let scalar = |value: &[u8]| -> Option<Value> {
        let value = serde_json::from_slice(value).ok()?;
        matches!(
            value,
            Value::String(_) | Value::Null | Value::Number(_) | Value::Bool(_)
        )
        .then_some(value)
    };
    match members[..] {
        [(name, value)] => Some((name.decode().into_owned(), scalar(value)?)),
        [(a, name), (b, value)] if a.is_exactly("field") && b.is_exactly("value") => {
            Some((scalar(name)?.as_str()?.to_owned(), scalar(value)?))
        }
        _ => None,
    }
}

/// Returns whether cells have so much of a record that one is missing if they give none.
pub(super) fn is_part_of_record(cells: &NamedCells) -> bool {
    let is_part = |name: &String| {
        let folded = spelling::fold(name.as_bytes());
        matches!(folded.as_str(), "eventname" | "eventsource")
            || folded.starts_with("useridentity")
            || is_record_name(&folded)
    };
    let filled = cells
        .iter()
        .filter(|(_, value)| spelling::is_present(value));
    filled.filter(|(name, _)| is_part(name)).count() >= MIN_RECORD_NAMES
}

pub(super) fn object_of(json: &[u8]) -> Option<NamedCells> {
    if json.len() > MAX_RESPELLED {
        return None;
    }
    serde_json::from_slice(json).ok()
}
