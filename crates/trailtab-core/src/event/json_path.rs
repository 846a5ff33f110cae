//! Paths to values inside the JSON of a record, such as `instancesSet.items[].instanceId`.

use std::str::FromStr;

use crate::event::scan::{JsonScanner, ScanResult};

/// Maximum number of names in a path.
const MAX_NAMES: usize = 16;

/// The names that lead to a value. Arrays on the way, and one at the end, stand for each of their elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    names: Vec<String>,
}

/// The text is not a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a path is written as names with dots, such as instancesSet.items.instanceId")]
pub struct InvalidPath;

impl FromStr for JsonPath {
    type Err = InvalidPath;

    /// Reads names that are separated by dots. `[]` or `[*]` behind a name is allowed and changes nothing.
    fn from_str(text: &str) -> Result<JsonPath, InvalidPath> {
        let names = text.split('.').map(|name| {
            let name = name
                .strip_suffix("[]")
                .or_else(|| name.strip_suffix("[*]"))
                .unwrap_or(name);
            let is_name = !name.is_empty() && !name.contains(['[', ']', '"', ' ']);
            is_name.then(|| name.to_owned()).ok_or(InvalidPath)
        });
        let names = names.collect::<Result<Vec<_>, _>>()?;
        match names.len() <= MAX_NAMES {
            true => Ok(JsonPath { names }),
            false => Err(InvalidPath),
        }
    }
}

impl JsonPath {
    /// The first name.
    pub fn first_name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// Calls `found` with each value at the path: the text of a string, number or boolean, the JSON of an object.
    /// Ignores `null`. Names are compared without case. In JSON that is not valid, finds the values before the
    /// fault.
    pub fn each(&self, json: &[u8], mut found: impl FnMut(&str)) {
        // A fault ends the search.
        let _ = visit(&mut JsonScanner::new(json, 0), &self.names, &mut found);
    }

    /// The values at the path, in the order of the document.
    pub fn values(&self, json: &[u8]) -> Vec<String> {
        let mut values = Vec::new();
        self.each(json, |value| values.push(value.to_owned()));
        values
    }
}

fn visit(
    scanner: &mut JsonScanner<'_>,
    names: &[String],
    found: &mut impl FnMut(&str),
) -> ScanResult<()> {
    match (scanner.peek()?, names.split_first()) {
        (b'[', _) => scanner.elements(|scanner| match scanner.peek()? {
            // Nothing that AWS writes has arrays of arrays on the way to a name. This bounds the recursion.
            b'[' => scanner.skip().map(drop),
            _ => visit(scanner, names, found),
        }),
        (b'{', Some((first, rest))) => {
            scanner.members(
                |scanner, name| match name.decode().eq_ignore_ascii_case(first) {
                    true => visit(scanner, rest, found),
                    false => scanner.skip().map(drop),
                },
            )
        }
        (b'{', None) => {
            found(&String::from_utf8_lossy(scanner.skip()?));
            Ok(())
        }
        (_, Some(_)) => scanner.skip().map(drop),
        (_, None) => {
            if let Some(text) = scanner.text()? {
                found(&text.decode());
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JSON: &str = r#"{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2","x":null}]},
        "force":true,"count":3,"names":["a","b\u0041"],"deep":{"Type":"t"}}"#;

    fn values(path: &str) -> Vec<String> {
        path.parse::<JsonPath>().unwrap().values(JSON.as_bytes())
    }

    #[test]
    fn values_are_found_in_objects_and_arrays() {
        for path in [
            "instancesSet.items[].instanceId",
            "instancesset.items.instanceid",
        ] {
            assert_eq!(values(path), ["i-1", "i-2"], "{path}");
        }
        assert_eq!(values("names[*]"), ["a", "bA"]);
        assert_eq!(values("force"), ["true"]);
        assert_eq!(values("count"), ["3"]);
        assert_eq!(values("deep"), [r#"{"Type":"t"}"#]);
    }

    #[test]
    fn what_is_not_there_has_no_value() {
        for path in ["none", "instancesSet.items.x", "force.x", "names.x"] {
            assert!(values(path).is_empty(), "{path}");
        }
    }

    #[test]
    fn texts_that_are_no_paths_are_refused() {
        for text in ["", ".", "a..b", "a.", "a[0]", "a b", "[]"] {
            assert_eq!(text.parse::<JsonPath>(), Err(InvalidPath), "{text}");
        }
        let long = vec!["a"; MAX_NAMES + 1].join(".");
        assert_eq!(long.parse::<JsonPath>(), Err(InvalidPath));
    }

    proptest! {
        #[test]
        fn any_bytes_are_searched_without_a_panic(json in prop::collection::vec(any::<u8>(), 0..200)) {
            "a.b[]".parse::<JsonPath>().unwrap().values(&json);
        }

        #[test]
        fn cut_json_gives_the_values_before_the_cut(cut in 0..JSON.len()) {
            let path: JsonPath = "instancesSet.items.instanceId".parse().unwrap();
            let values = path.values(&JSON.as_bytes()[..cut]);
            prop_assert!(["i-1", "i-2"].iter().zip(&values).all(|(all, cut)| all == cut));
        }
    }
}
