//! A slow, obvious reader of the same documents, which the fast one is compared with: it parses with serde_json and
//! applies the wrapper rules to trees. Compiled for tests and fuzzing only.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::event::envelope::{ContentKind, EnvelopeReader, RecordFault, RecordSink};
use crate::event::identity::ResolvedActor;
use crate::event::record::{CallOutcome, EventRecord};
use crate::event::scan::JsonText;

/// The result of reading a document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// The fields of each event, in the order in which they were read.
    pub events: Vec<Vec<String>>,
    /// The kinds of content that is not an event.
    pub others: Vec<ContentKind>,
    /// The number of records that cannot be read.
    pub unreadable: usize,
}

impl RecordSink for Told {
    fn events(&mut self, records: &[EventRecord<'_>]) {
        records.iter().for_each(|record| self.event(record));
    }

    fn other(&mut self, kind: ContentKind) {
        self.others.push(kind);
    }

    fn unreadable(&mut self, _: RecordFault) {
        self.unreadable += 1;
    }
}

impl Told {
    /// Discards the order, which no count depends on.
    fn sorted(mut self) -> Told {
        self.events.sort();
        self.others.sort();
        self
    }

    fn event(&mut self, record: &EventRecord<'_>) {
        let text =
            |field: Option<JsonText<'_>>| field.map_or("-".to_owned(), |t| normal(&t.decode()));
        let (failed, code) = match record.outcome() {
            CallOutcome::Succeeded => (false, None),
            CallOutcome::Failed(code) => (true, code),
        };
        let identity = serde_json::from_slice::<Json>(record.user_identity);
        self.events.push(vec![
            text(record.event_version),
            text(record.event_id),
            text(record.event_time),
            text(record.event_source),
            text(record.event_name),
            text(record.aws_region),
            text(record.source_ip_address),
            text(record.user_agent),
            text(record.recipient_account_id),
            failed.to_string(),
            text(code),
            format!("{:?}", record.read_only),
            identity.map_or("-".to_owned(), |json| format!("{json:?}")),
        ]);
        // Resolving any identity must terminate.
        let _ = ResolvedActor::resolve(record.user_identity);
    }
}

/// serde_json keeps a number's value and not its text, so numbers are compared as numbers.
fn normal(text: &str) -> String {
    match serde_json::from_str::<f64>(text) {
        Ok(_) => "<number>".to_owned(),
        Err(_) => text.to_owned(),
    }
}

/// Reads a document with the fast reader, `step` bytes at a time.
pub fn fast(document: &[u8], step: usize) -> Told {
    let mut told = Told::default();
    let mut envelope = EnvelopeReader::default();
    let mut start = 0;
    let mut end = 0;
    loop {
        end = (end + step).min(document.len());
        start += envelope.feed(&document[start..end], end == document.len(), &mut told);
        if end == document.len() {
            return told.sorted();
        }
    }
}

/// Reads a document with serde_json, unless it is not all JSON or is nested too deep to compare.
pub fn slow(document: &[u8]) -> Option<Told> {
    let text = str::from_utf8(document).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut told = Told::default();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Json>() {
        match value.ok()? {
            value @ (Json::Object(_) | Json::Array(_)) => {
                element(&value, Within::Anywhere, 0, &mut told)?;
            }
            _ => return None,
        }
    }
    Some(told.sorted())
}

/// Compares the readers on one document.
///
/// # Panics
///
/// If they differ.
pub fn check(document: &[u8]) {
    let whole = fast(document, usize::MAX);
    for step in [1, 7, 64, 1000] {
        // Feeding byte by byte rescans incomplete values every time.
        if document.len() / step < 3000 {
            assert_eq!(fast(document, step), whole, "fed by {step} bytes");
        }
    }
    if let Some(told) = slow(document) {
        assert_eq!(whole, told, "against serde_json");
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Within {
    Anywhere,
    Records,
    Control,
    AwsLogs,
}

fn element(value: &Json, within: Within, depth: usize, told: &mut Told) -> Option<()> {
    if depth > 12 {
        return None;
    }
    match value {
        Json::Array(items) => items
            .iter()
            .try_for_each(|item| element(item, within, depth + 1, told)),
        Json::Object(members) => object(members, within, depth, told),
        _ if within == Within::Records => {
            told.unreadable += 1;
            Some(())
        }
        _ => {
            told.others.push(ContentKind::Foreign);
            Some(())
        }
    }
}

type Members = [(String, Json)];

fn wrapped<'j>(name: &str, value: &'j Json, control: bool) -> Option<(&'j Json, Within)> {
    let within = match (name, value) {
        ("Records", Json::Array(_)) => Within::Records,
        ("Events" | "events" | "results", Json::Array(_)) => Within::Anywhere,
        ("logEvents", Json::Array(_)) if control => Within::Control,
        ("logEvents", Json::Array(_)) => Within::Anywhere,
        ("detail" | "_raw", Json::Object(_)) => Within::Anywhere,
        ("awslogs", Json::Object(_)) => Within::AwsLogs,
        _ => return None,
    };
    Some((value, within))
}

fn object(members: &Members, within: Within, depth: usize, told: &mut Told) -> Option<()> {
    for (at, (name, value)) in members.iter().enumerate() {
        let before = &members[..at];
        let control = last(before, "messageType").is_some_and(|v| v.is("CONTROL_MESSAGE"));
        if let Some(found) = wrapped(name, value, control)
            && !is_event(before)
        {
            element(found.0, found.1, depth + 2, told)?;
            for (name, value) in &members[at + 1..] {
                if let Some(found) = wrapped(name, value, false) {
                    element(found.0, found.1, depth + 2, told)?;
                }
            }
            return Some(());
        }
    }
    leaf(members, within, depth, told)
}

fn leaf(members: &Members, within: Within, depth: usize, told: &mut Told) -> Option<()> {
    let has = |name| members.iter().any(|(n, _)| n == name);
    let is = |name, value| last(members, name).is_some_and(|v| v.is(value));
    let kind = if has("insightDetails")
        || is("eventType", "AwsCloudTrailInsight")
        || is("eventCategory", "Insight")
    {
        Some(ContentKind::Insight)
    } else if is("eventType", "AwsAggregatedEvent") || is("eventCategory", "Aggregated") {
        Some(ContentKind::Aggregated)
    } else if has("digestStartTime") {
        Some(ContentKind::Digest)
    } else if has("api_calls_by_principal") {
        Some(ContentKind::Summary)
    } else if has("s3ObjectKey") || is("eventSource", "aws:s3") {
        Some(ContentKind::Notification)
    } else {
        None
    };
    if let Some(kind) = kind {
        told.others.push(kind);
        return Some(());
    }
    if is_event(members) {
        told.events.push(event(members));
        return Some(());
    }
    let inner = members
        .iter()
        .rev()
        .find_map(|(name, value)| match (name.as_str(), value) {
            (
                "CloudTrailEvent" | "message" | "_raw" | "data" | "value" | "Message" | "body",
                Json::String(text),
            ) => Some(text),
            _ => None,
        });
    match (within, inner) {
        (Within::Control, _) => told.others.push(ContentKind::ControlMessage),
        // Payloads have tests of their own.
        (Within::AwsLogs, Some(_)) => return None,
        (_, Some(text)) if text.trim_ascii_start().starts_with(['{', '[']) => {
            if depth > 4 {
                return None;
            }
            let inner = slow(text.as_bytes())?;
            told.events.extend(inner.events);
            told.others.extend(inner.others);
            told.unreadable += inner.unreadable;
        }
        (_, Some(text)) if text.contains(['{', '[']) => return None,
        (Within::Records, _) => told.unreadable += 1,
        _ => told.others.push(ContentKind::Foreign),
    }
    Some(())
}

fn last<'j>(members: &'j Members, name: &str) -> Option<&'j Json> {
    members
        .iter()
        .rev()
        .find(|(n, _)| n == name)
        .map(|(_, value)| value)
}

fn text(members: &Members, name: &str) -> Option<String> {
    let text = match last(members, name)? {
        Json::String(text) => text.clone(),
        Json::Number => "<number>".to_owned(),
        Json::Bool(b) => b.to_string(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

fn is_event(members: &Members) -> bool {
    let has = |name| text(members, name).is_some();
    has("eventName") && (has("eventSource") || has("eventVersion"))
}

fn event(members: &Members) -> Vec<String> {
    let show = |text: Option<String>| text.map_or("-".to_owned(), |text| normal(&text));
    let field = |name| show(text(members, name));
    let response = match last(members, "responseElements") {
        Some(Json::Object(response)) => response,
        _ => &[][..],
    };
    let code = text(members, "errorCode").or_else(|| text(response, "errorCode"));
    let message = text(members, "errorMessage").or_else(|| text(response, "errorMessage"));
    let read_only =
        text(members, "readOnly").and_then(|text| match text.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        });
    vec![
        field("eventVersion"),
        field("eventID"),
        event_time(members),
        field("eventSource"),
        field("eventName"),
        field("awsRegion"),
        field("sourceIPAddress"),
        field("userAgent"),
        field("recipientAccountId"),
        (code.is_some() || message.is_some()).to_string(),
        show(code),
        format!("{read_only:?}"),
        match last(members, "userIdentity") {
            Some(identity @ Json::Object(_)) => format!("{identity:?}"),
            _ => "-".to_owned(),
        },
    ]
}

/// `@timestamp` counts while no eventTime has been met.
fn event_time(members: &Members) -> String {
    let mut time = None;
    for (at, (name, _)) in members.iter().enumerate() {
        if name == "eventTime" || (name == "@timestamp" && time.is_none()) {
            time = text(&members[at..=at], name);
        }
    }
    time.map_or("-".to_owned(), |time| normal(&time))
}

/// JSON that keeps the order and the duplicates of an object's members.
#[derive(Debug, PartialEq)]
enum Json {
    Null,
    Bool(bool),
    Number,
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    fn is(&self, text: &str) -> bool {
        matches!(self, Json::String(mine) if mine.eq_ignore_ascii_case(text))
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Build;
        impl<'de> Visitor<'de> for Build {
            type Value = Json;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }
            fn visit_bool<E>(self, b: bool) -> Result<Json, E> {
                Ok(Json::Bool(b))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
                Ok(Json::Number)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
                Ok(Json::Number)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
                Ok(Json::Number)
            }
            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::String(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
                let mut array = Vec::new();
                while let Some(item) = items.next_element()? {
                    array.push(item);
                }
                Ok(Json::Array(array))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
                let mut object = Vec::new();
                while let Some(member) = members.next_entry()? {
                    object.push(member);
                }
                Ok(Json::Object(object))
            }
        }
        deserializer.deserialize_any(Build)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Documents made of the pieces that matter, well-formed or nearly so.
    fn document() -> impl Strategy<Value = String> {
        let scalar = prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            Just("12.5e3".to_owned()),
            Just("\"\"".to_owned()),
            Just("\"a\\\"b\\\\\"".to_owned()),
            Just("\"\\u0041\\ud83d\\ude00\"".to_owned()),
            Just("\"CONTROL_MESSAGE\"".to_owned()),
            Just("\"AwsCloudTrailInsight\"".to_owned()),
            Just("\"2026-09-07T08:00:00Z\"".to_owned()),
            Just("\"ec2.amazonaws.com\"".to_owned()),
            Just("\"{\\\"eventName\\\":\\\"X\\\",\\\"eventVersion\\\":\\\"1.0\\\"}\"".to_owned()),
        ];
        let name = prop::sample::select(vec![
            "eventName",
            "eventSource",
            "eventVersion",
            "eventTime",
            "@timestamp",
            "eventID",
            "userIdentity",
            "responseElements",
            "errorCode",
            "errorMessage",
            "readOnly",
            "eventType",
            "eventCategory",
            "Records",
            "Events",
            "logEvents",
            "messageType",
            "detail",
            "_raw",
            "CloudTrailEvent",
            "message",
            "digestStartTime",
            "s3ObjectKey",
            "x",
            "event\\u004eame",
        ]);
        scalar.prop_recursive(5, 60, 8, move |inner| {
            let member = (name.clone(), inner.clone())
                .prop_map(|(name, value)| format!("\"{name}\":{value}"));
            prop_oneof![
                prop::collection::vec(member, 0..8)
                    .prop_map(|members| format!("{{{}}}", members.join(" , "))),
                prop::collection::vec(inner, 0..5)
                    .prop_map(|items| format!("[{}]", items.join(",\n"))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn agrees_on_wrappers_and_records(documents in prop::collection::vec(document(), 1..3)) {
            check(documents.join("\n").as_bytes());
        }

        #[test]
        fn agrees_on_damage(document in document(), cut in 0..1000_usize, byte: u8, place in 0..1000_usize) {
            let mut bytes = document.into_bytes();
            bytes.truncate(cut);
            if let Some(b) = bytes.get_mut(place) {
                *b = byte;
            }
            check(&bytes);
        }
    }
}
