//! Maps by name that copy a name only when they first get it.

use std::collections::BTreeMap;

/// Returns a map's value and inserts it if absent. Copies the key only then.
pub(super) fn entry<'m, V: Default>(map: &'m mut BTreeMap<String, V>, key: &str) -> &'m mut V {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), V::default());
    }
    map.entry(key.to_owned()).or_default()
}
