//! Explains why no event was counted.

use std::collections::BTreeMap;

use super::escape;
use super::page::{counted, plain, thousands};
use trailtab_core::event::no_match::{NoMatch, RemovedBy};

/// Values listed per filter.
const MAX_VALUES_NAMED: usize = 8;

/// Characters shown of a value; user agents are long.
const MAX_VALUE_CHARS: usize = 80;

/// What the run was asked for and what it read, as far as [`NoMatch`] does not say.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoMatchContext<'a> {
    /// The time window; an absent end is open.
    pub(super) since: Option<&'a str>,
    pub(super) until: Option<&'a str>,
    /// Events read, without duplicates and unreadable records.
    pub(super) events: u64,
    /// Documents opened.
    pub(super) documents: u64,
    /// The filter pushed down to LookupEvents.
    pub(super) lookup_attribute: Option<&'a str>,
    /// Whether the event history was read.
    pub(super) is_history: bool,
    /// Whether everything requested was read.
    pub(super) is_complete: bool,
    /// Counts of the documents' content other than events, by kind.
    pub(super) other_content: &'a BTreeMap<String, u64>,
}

/// A paragraph of the explanation, and its indent in spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) indent: usize,
    pub(super) text: String,
}

/// The first line of every explanation.
pub(super) const TITLE: &str = "No event matched.";

/// Coverage line of a complete result without events.
pub(super) const ALL_READ: &str = "Everything requested was read; no event matched.";

/// Explains why no event was counted. Text from records is escaped for terminals.
pub(super) fn lines(no_match: &NoMatch, context: NoMatchContext<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut say = |indent: usize, text: String| lines.push(Line { indent, text });
    match (&no_match.first_event, &no_match.last_event) {
        _ if context.events == 0 => {
            if let Some(text) = nothing_read(no_match, context) {
                say(0, text);
            }
        }
        (Some(first), Some(last)) => {
            let when = match (plain(first), plain(last)) {
                (first, last) if first == last => format!("at {first}"),
                (first, last) => format!("from {first} to {last}"),
            };
            say(
                0,
                format!("{} read, {when} UTC.", events_were(context.events)),
            );
        }
        _ => say(0, format!("{} read.", events_were(context.events))),
    }
    if no_match.outside_window > 0 {
        let window = window(context);
        let removed = part_of_events(no_match.outside_window, context.events);
        say(
            2,
            format!("The time window ({window}) leaves out {removed}."),
        );
        if let (Some(first), Some(last)) = (&no_match.first_event, &no_match.last_event)
            && no_match.outside_window == context.events
        {
            let (first, last) = (day(first), day(last));
            say(4, format!("Try --since {first} --until {last}."));
        }
    }
    if no_match.refused_by_engine > 0 {
        let refused = part_of_events(no_match.refused_by_engine, context.events);
        say(
            2,
            format!("The filters leave out {refused}: leave one out to see by which."),
        );
    }
    for by in &no_match.filters {
        say(2, removed(by, context.events));
        if !by.did_you_mean.is_empty() {
            let meant = by.did_you_mean.iter();
            let meant: Vec<_> = meant
                .map(|meant| format!("{} {}", by.option, value(meant)))
                .collect();
            say(4, format!("Did you mean {}?", meant.join(" ")));
        }
        if let Some((one, many)) = nouns(&by.option) {
            let holder = if by.removed == 0 {
                " in the bucket"
            } else {
                ""
            };
            match by.values.is_empty() {
                true => say(4, format!("None of these events has {one}.")),
                false => say(4, format!("{many}{holder}: {}.", values(by))),
            }
        }
        let is_list = |given: &String| given.contains(',');
        if by.given.iter().any(is_list) {
            let option = &by.option;
            say(
                4,
                format!("A comma is part of the value: repeat {option} to give several values."),
            );
        }
    }
    let removes_all = |by: &RemovedBy| by.removed == context.events;
    if no_match.filters.len() > 1
        && context.events > 0
        && no_match.outside_window == 0
        && !no_match.filters.iter().any(removes_all)
    {
        say(
            2,
            "Each filter lets some events pass, but no event passes all of them.".to_owned(),
        );
    }
    // --ip takes networks, and --user-agent matches substrings.
    let is_pattern = |by: &RemovedBy| {
        nouns(&by.option).is_some() && !["--ip", "--user-agent"].contains(&by.option.as_str())
    };
    if no_match.filters.iter().any(is_pattern) {
        say(
            0,
            "Patterns match the whole value; * and ? are wildcards; case is ignored.".to_owned(),
        );
    }
    lines
}

/// The explanation as text, for standard error.
pub(super) fn text(no_match: &NoMatch, context: NoMatchContext<'_>) -> String {
    let mut out = TITLE.to_owned();
    for line in lines(no_match, context) {
        out.push('\n');
        out.push_str(&" ".repeat(line.indent));
        out.push_str(&line.text);
    }
    out
}

/// Explains why no event reached the filters.
fn nothing_read(no_match: &NoMatch, context: NoMatchContext<'_>) -> Option<String> {
    if let Some(attribute) = context.lookup_attribute {
        let attribute = escape::terminal(attribute);
        return Some(format!(
            "AWS was asked for events with {attribute} only, and the event history has none in the \
             time window. AWS compares the whole value, and case matters; a value with a wildcard, \
             such as 'Run*', is compared by trailtab instead, which ignores case."
        ));
    }
    if let (Some(first), Some(last)) = (&no_match.first_day_stored, &no_match.last_day_stored) {
        let window = window(context);
        let (first, last) = (escape::terminal(first), escape::terminal(last));
        return Some(format!(
            "The bucket has log files from {first} to {last}, and none in the time window ({window}). \
             Try --since {first} --until {last}."
        ));
    }
    if context.is_history {
        let history = match context.is_complete {
            true => "The event history",
            false => "What could be read of the event history",
        };
        return Some(format!("{history} has no event in the time window."));
    }
    let kinds: Vec<&str> = context.other_content.keys().map(String::as_str).collect();
    Some(match kinds.as_slice() {
        ["digest"] => {
            "There are only digests, which list log files and hold no events: log files are in the \
             folder CloudTrail, beside CloudTrail-Digest."
                .to_owned()
        }
        [] if !no_match.filters.is_empty() => return None,
        _ => match context.documents {
            0 => "No document was read.".to_owned(),
            1 => "1 document was read, and it holds no event that can be read.".to_owned(),
            n => format!(
                "{} documents were read, and none holds an event that can be read.",
                thousands(n)
            ),
        },
    })
}

/// The noun for an option's values: singular with its article, and plural.
fn nouns(option: &str) -> Option<(&'static str, &'static str)> {
    Some(match option {
        "--principal" => ("a principal", "Principals"),
        "--person" => ("a person", "Persons"),
        "--access-key-id" => ("an access key", "Access keys"),
        "--event-source" => ("a service", "Services"),
        "--event-name" => ("an API", "APIs"),
        "--error-code" => ("an error code", "Error codes"),
        "--ip" => ("a source address", "Source addresses"),
        "--user-agent" => ("a user agent", "User agents"),
        "--region" => ("a region", "Regions"),
        "--account" => ("an account", "Accounts"),
        _ => return None,
    })
}

fn removed(by: &RemovedBy, events: u64) -> String {
    let given = by.given.iter().map(|given| value(given));
    let option = match by.given.is_empty() {
        true => by.option.clone(),
        false => given
            .map(|given| format!("{} {given}", by.option))
            .collect::<Vec<_>>()
            .join(" "),
    };
    if by.removed == 0 {
        let places = match by.option.as_str() {
            "--account" => "account",
            _ => "region",
        };
        let places = counted(by.not_read, places);
        return format!(
            "{option} leaves out {places} of the bucket: their log files were not read."
        );
    }
    let mut text = format!("{option} leaves out {}", part_of_events(by.removed, events));
    if by.removed_alone > 0 && by.removed_alone < events {
        let without = thousands(by.removed_alone);
        text += &format!("; without it, {without} would be counted");
    }
    text.push('.');
    text
}

fn values(by: &RemovedBy) -> String {
    let named: Vec<String> = by
        .values
        .iter()
        .take(MAX_VALUES_NAMED)
        .map(|named| value(named))
        .collect();
    let listed = by.values.len() as u64 - named.len() as u64;
    match listed + by.values_not_listed {
        0 => named.join(", "),
        more => format!("{} and {} more", named.join(", "), thousands(more)),
    }
}

/// Quotes a value for a POSIX shell, and cuts it after [`MAX_VALUE_CHARS`].
fn value(text: &str) -> String {
    let shown = match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    let shown = escape::terminal(&shown);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.,:/@+=%".contains(c);
    match !shown.is_empty() && shown.chars().all(is_plain) {
        true => shown.into_owned(),
        false => format!("'{}'", shown.replace('\'', "'\\''")),
    }
}

fn events_were(events: u64) -> String {
    let were = if events == 1 { "was" } else { "were" };
    format!("{} {were}", counted(events, "event"))
}

fn part_of_events(part: u64, whole: u64) -> String {
    match part == whole {
        true if whole == 1 => "the only event".to_owned(),
        true => format!("all {}", counted(whole, "event")),
        false => format!("{} of {}", thousands(part), counted(whole, "event")),
    }
}

fn window(context: NoMatchContext<'_>) -> String {
    match (context.since.map(plain), context.until.map(plain)) {
        (Some(since), Some(until)) => format!("{since} – {until} UTC"),
        (Some(since), None) => format!("from {since} UTC on"),
        (None, Some(until)) => format!("before {until} UTC"),
        (None, None) => "open".to_owned(),
    }
}

/// The date part of an ISO 8601 time.
fn day(time: &str) -> String {
    let day = time.split('T').next().unwrap_or(time);
    escape::terminal(day).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_can_be_pasted_into_a_shell() {
        assert_eq!(value("111122223333:user/ann"), "111122223333:user/ann");
        assert_eq!(value("*:user/ann"), "'*:user/ann'");
        assert_eq!(value("it's"), "'it'\\''s'");
        assert_eq!(value(""), "''");
        assert_eq!(value("\u{1b}[2J"), "'\\u{1b}[2J'");
        assert!(value(&"名".repeat(200)).chars().count() < 100);
    }

    #[test]
    fn parts_of_events_are_described() {
        assert_eq!(part_of_events(1, 1), "the only event");
        assert_eq!(part_of_events(3, 3), "all 3 events");
        assert_eq!(part_of_events(1, 3), "1 of 3 events");
    }
}
