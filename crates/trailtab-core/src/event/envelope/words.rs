//! The words by which a record is known: in text, and as names of members and columns.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// An object with this many of a record's names is a record that was damaged.
pub(in crate::event) const MIN_RECORD_NAMES: usize = 4;

/// Returns whether a member's name is one that nearly all records have, besides `eventName` and
/// `eventSource`. Collectors that parse records use other names for the same, with underscores.
pub(in crate::event) fn is_record_name(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "eventVersion",
        "eventID",
        "eventTime",
        "userIdentity",
        "awsRegion",
        "sourceIPAddress",
        "recipientAccountId",
        "requestID",
    ];
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

pub(super) fn is_cloud_trail_event(folded: &str) -> bool {
    folded == "cloudtrailevent"
}

/// Columns in which exports keep the record as it came, by their folded names.
pub(in crate::event) fn is_record_column(folded: &str) -> bool {
    matches!(
        folded,
        "cloudtrailevent"
            | "event"
            | "eventoriginal"
            | "line"
            | "log"
            | "message"
            | "original"
            | "raw"
            | "rawdata"
            | "rawevent"
            | "record"
            | "eventjson"
            | "eventdata"
    )
}

pub(super) fn is_key_of_records(folded: &str) -> bool {
    matches!(folded, "eventname" | "eventsource" | "cloudtrailevent")
}

/// Returns whether a record may be below: a word of a record's names occurs in any case, or something
/// in which it would be hidden.
pub(in crate::event) fn may_hold_records(json: &[u8]) -> bool {
    /// The shortest text of a record.
    const SHORTEST: usize = 20;
    // An escaped letter, base64 of gzip, base64 of an object, and a member of OCSF.
    static HIDDEN: LazyLock<[Finder<'static>; 4]> =
        LazyLock::new(|| [&b"\\u00"[..], b"H4sI", b"\"eyJ", b"class_uid"].map(Finder::new));
    json.len() >= SHORTEST
        && (has_word(json)
            || HIDDEN.iter().any(|word| word.find(json).is_some())
            || json.starts_with(b"eyJ"))
}

/// Returns whether `eventName`, `eventSource`, `eventVersion` or `CloudTrailEvent` occurs, in any case
/// and also with an underscore or space between the words.
pub(super) fn has_word(text: &[u8]) -> bool {
    words(text, &[b"name", b"source", b"version"])
        .next()
        .is_some()
}

/// Returns whether one of the words occurs in a text as a name: a colon or an equals sign follows it.
pub(super) fn mentions_a_key(text: &[u8]) -> bool {
    words(text, &[b"name", b"source"]).any(|end| {
        let mut rest = text[end..]
            .iter()
            .filter(|b| !matches!(b, b'"' | b'\'' | b'\\' | b' '));
        matches!(rest.next(), Some(b':' | b'='))
    })
}

/// Returns whether JSON has the name of a column of records.
pub(super) fn names_a_column(json: &[u8]) -> bool {
    words(json, &[b"name", b"source"]).any(|end| json.get(end) == Some(&b'"'))
}

/// The ends of all names that consist of `event` and one of these words, and of `CloudTrailEvent`.
fn words<'t>(text: &'t [u8], seconds: &'t [&'t [u8]]) -> impl Iterator<Item = usize> + 't {
    memchr::memchr2_iter(b'v', b'V', text).filter_map(move |at| {
        let start = at.checked_sub(1)?;
        let word = text.get(start..start + 5)?;
        if !word.eq_ignore_ascii_case(b"event") {
            return None;
        }
        let rest = &text[start + 5..];
        let gap = usize::from(matches!(rest.first(), Some(b'_' | b' ')));
        for next in seconds {
            if rest
                .get(gap..gap + next.len())
                .is_some_and(|word| word.eq_ignore_ascii_case(next))
            {
                return Some(start + 5 + gap + next.len());
            }
        }
        let before = &text[..start];
        let before = before.strip_suffix(b"_").unwrap_or(before);
        let is_trail = |word: &[u8]| word.eq_ignore_ascii_case(b"trail");
        before
            .last_chunk::<5>()
            .is_some_and(|word| is_trail(word))
            .then_some(start + 5)
    })
}
