//! Names of the tables over several trails of a bucket.

use std::collections::BTreeSet;

use trailtab_athena::ddl::MAX_NAME_BYTES;

/// The folder of each trail's logs, which tells nothing.
const LOGS_FOLDER: &str = "AWSLogs";

/// The longest end of a name that tells tables apart, in bytes.
const MAX_END_BYTES: usize = 100;

/// A name for the table over each folder, given by the prefix of its keys. A single table has the name as it is asked for;
/// of several, that over `AWSLogs/` has it, and the others have the parts of their prefix as well.
pub(super) fn of_tables(name: &str, prefixes: &[&str]) -> Vec<String> {
    if prefixes.len() == 1 {
        return vec![name.to_owned()];
    }
    let mut taken = BTreeSet::new();
    let names = prefixes.iter().map(|prefix| {
        let end = end_of(prefix);
        // A name that is too long is refused with the others.
        let room = MAX_NAME_BYTES.saturating_sub(MAX_END_BYTES).max(name.len());
        let base = &name[..name.floor_char_boundary(room)];
        let first = match end.as_str() {
            "" => base.to_owned(),
            end => format!("{base}_{end}"),
        };
        let mut unique = first.clone();
        let mut number = 2;
        while !taken.insert(unique.clone()) {
            unique = format!("{first}_{number}");
            number += 1;
        }
        unique
    });
    names.collect()
}

/// The parts of a prefix that tell a trail from others, such as `o_a1b2c3d4e5`.
fn end_of(prefix: &str) -> String {
    let mut seen = BTreeSet::new();
    let parts = prefix.split('/');
    let parts = parts.filter(|part| !part.is_empty() && *part != LOGS_FOLDER && seen.insert(*part));
    let text = parts.collect::<Vec<_>>().join("_").to_ascii_lowercase();
    let safe = text.chars().map(|c| match c {
        'a'..='z' | '0'..='9' => c,
        _ => '_',
    });
    safe.take(MAX_END_BYTES - 4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_named_after_their_folders() {
        for prefix in ["AWSLogs/", "AWSLogs/o-a1/", "x/AWSLogs/", ""] {
            assert_eq!(of_tables("logs", &[prefix]), ["logs"], "{prefix}");
        }
        let several = [
            "AWSLogs/",
            "AWSLogs/o-a1/",
            "o-b2/AWSLogs/o-b2/",
            "Team A/it's/AWSLogs/",
            "team-a/it_s/AWSLogs/",
        ];
        let names = of_tables("logs", &several);
        let expected = [
            "logs",
            "logs_o_a1",
            "logs_o_b2",
            "logs_team_a_it_s",
            "logs_team_a_it_s_2",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn names_stay_apart_when_they_are_cut() {
        let long = "x".repeat(300);
        let prefixes = [format!("{long}a/"), format!("{long}b/")];
        let names = of_tables("logs", &[&prefixes[0], &prefixes[1]]);
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|name| name.len() < MAX_NAME_BYTES));
    }
}
