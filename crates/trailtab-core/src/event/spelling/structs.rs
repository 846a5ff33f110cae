//! Structs as Athena and CloudTrail Lake print them: `{type=IAMUser, arn=…}`.

use serde_json::{Map, Value};

/// Maximum depth of structs inside a struct.
const MAX_STRUCT_DEPTH: usize = 8;

/// Reads a struct as Athena and CloudTrail Lake print it: `{type=IAMUser, arn=arn:aws:…}`.
pub(super) fn struct_of(text: &str) -> Option<Map<String, Value>> {
    let (members, rest) = struct_members(text.trim(), 0)?;
    rest.trim().is_empty().then_some(members)
}

fn struct_members(text: &str, depth: usize) -> Option<(Map<String, Value>, &str)> {
    if depth > MAX_STRUCT_DEPTH {
        return None;
    }
    let mut rest = text.strip_prefix('{')?;
    let mut members = Map::new();
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((members, rest));
        }
        let name = struct_name(rest)?;
        rest = &rest[name.len() + 1..];
        let value = if rest.starts_with('{') {
            let (inner, after) = struct_members(rest, depth + 1)?;
            rest = after;
            Value::Object(inner)
        } else {
            let end = struct_value_end(rest)?;
            let value = &rest[..end];
            rest = &rest[end..];
            Value::from(value)
        };
        members.insert(name.to_owned(), value);
    }
}

/// The name that a member of a struct begins with; an equals sign follows it.
fn struct_name(text: &str) -> Option<&str> {
    let len = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
    (len > 0 && text[len..].starts_with('=')).then(|| &text[..len])
}

/// Where a value ends: before the next member, or the end of the struct. Values may contain commas.
fn struct_value_end(text: &str) -> Option<usize> {
    let ends = text.match_indices([',', '}']);
    let is_end = |(at, mark): &(usize, &str)| {
        *mark == "}" || struct_name(text[at + 1..].trim_start()).is_some()
    };
    ends.into_iter().find(is_end).map(|(at, _)| at)
}
