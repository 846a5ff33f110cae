//! A slow, obvious reader of the same documents, which the fast one is compared with: it parses with serde_json and
//! applies the wrapper rules to trees. Compiled for tests and fuzzing only.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::event::envelope::{
    ContentKind, EnvelopeReader, MIN_CELLS, MIN_RECORD_NAMES, RecordFault, RecordSink, cell_of,
    is_record_name, looks_like_cloud_trail, may_hold_records, row_of,
};
use crate::event::identity::ResolvedActor;
use crate::event::outcome::{FAILURES, STATED_PLACES, SUCCESSES};
use crate::event::record::{CallOutcome, EventRecord};
use crate::event::scan::JsonText;
use crate::event::spelling::fold;

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
        let identity = str::from_utf8(record.user_identity)
            .ok()
            .and_then(Json::parse);
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
        let _ = ResolvedActor::resolve_with(record.user_identity, record.caller_hints());
        let _ = (record.updates(), record.is_denied(record.outcome()));
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
    read_in_steps(EnvelopeReader::default(), document, step)
}

/// Reads text with objects in its lines, `step` bytes at a time.
#[cfg(test)]
fn fast_text(document: &[u8], step: usize) -> Told {
    read_in_steps(EnvelopeReader::of_text(), document, step)
}

fn read_in_steps(mut envelope: EnvelopeReader, document: &[u8], step: usize) -> Told {
    let mut told = Told::default();
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

/// Reads a document with serde_json; `None` if it is not all JSON, nested too deep to compare, or in
/// a form whose tests stand elsewhere.
pub fn slow(document: &[u8]) -> Option<Told> {
    let mut reader = SlowReader::default();
    reader.document(document)?;
    Some(reader.told.sorted())
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
    check_message(document);
    if let Ok(text) = str::from_utf8(document) {
        let json = Value::from(text).to_string();
        let escaped = &json[1..json.len() - 1];
        check_message(escaped.as_bytes());
        // JSON may escape in several ways.
        check_message(escaped.replace("\\\"", "\\u0022").as_bytes());
    }
}

/// Compares the reader of messages with the general reader on one message, given as the contents of a
/// string of JSON. A member of an unknown name leads to the general reader.
fn check_message(escaped: &[u8]) {
    let log_events = |name: &str| {
        let event = [
            b"{\"",
            name.as_bytes(),
            b"\":1,\"message\":\"",
            escaped,
            b"\"}",
        ]
        .concat();
        [b"{\"logEvents\":[", &event[..], b",", &event[..], b"]}"].concat()
    };
    let messages = fast(&log_events("id"), usize::MAX);
    let general = fast(&log_events("ix"), usize::MAX);
    assert_eq!(messages, general, "the message of a log event");
}

/// Compares what text with objects in its lines holds, read whole and in steps.
///
/// # Panics
///
/// If the results differ.
#[cfg(test)]
fn check_text(document: &[u8]) {
    let whole = fast_text(document, usize::MAX);
    for step in [1, 7, 64, 1000] {
        if document.len() / step < 3000 {
            assert_eq!(fast_text(document, step), whole, "fed by {step} bytes");
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Within {
    Anywhere,
    Records,
    LookupItems,
    Rows,
    Control,
    AwsLogs,
}

type Members = [(String, Json)];

/// What a search came to.
#[derive(Default)]
struct SlowFinds {
    is_found: bool,
    is_suspect: bool,
}

impl SlowFinds {
    fn found(is_found: bool) -> Option<SlowFinds> {
        Some(SlowFinds {
            is_found,
            is_suspect: false,
        })
    }

    fn add(&mut self, other: &SlowFinds) {
        self.is_found |= other.is_found;
        self.is_suspect |= other.is_suspect;
    }
}

/// All methods return None where the readers cannot be compared.
#[derive(Default)]
struct SlowReader {
    told: Told,
    nesting: usize,
}

impl SlowReader {
    fn document(&mut self, document: &[u8]) -> Option<()> {
        let text = str::from_utf8(document).ok()?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for raw in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
            match Json::parse(raw.ok()?.get())? {
                value @ (Json::Object(..) | Json::Array(..)) => {
                    self.element(&value, Within::Anywhere, 0)?;
                }
                value @ Json::String(..) => {
                    let finds = self.search(&value, 0)?;
                    if !finds.is_found && !finds.is_suspect {
                        return None;
                    }
                    self.told.unreadable += usize::from(!finds.is_found);
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn element(&mut self, value: &Json, within: Within, depth: usize) -> Option<()> {
        if depth > 12 {
            return None;
        }
        match value {
            Json::Array(..) if within == Within::Rows => {
                let finds = self.search(value, 0)?;
                match finds {
                    SlowFinds { is_found: true, .. } => {}
                    SlowFinds {
                        is_suspect: true, ..
                    } => self.told.unreadable += 1,
                    _ => self.told.others.push(ContentKind::Foreign),
                }
                Some(())
            }
            Json::Array(items, _) => items
                .iter()
                .try_for_each(|item| self.element(item, within, depth + 1)),
            Json::Object(members, raw) => self.object(members, raw, within, depth),
            Json::String(..) => {
                let finds = self.search(value, 0)?;
                match finds {
                    SlowFinds { is_found: true, .. } => {}
                    SlowFinds {
                        is_suspect: true, ..
                    } => self.told.unreadable += 1,
                    _ => self.no_record(within),
                }
                Some(())
            }
            _ => {
                self.no_record(within);
                Some(())
            }
        }
    }

    fn no_record(&mut self, within: Within) {
        match within {
            Within::Records => self.told.unreadable += 1,
            _ => self.told.others.push(ContentKind::Foreign),
        }
    }

    fn object(&mut self, members: &Members, raw: &str, within: Within, depth: usize) -> Option<()> {
        for (at, (name, value)) in members.iter().enumerate() {
            let before = &members[..at];
            let control = last(before, "messageType").is_some_and(|v| v.is("CONTROL_MESSAGE"));
            let Some(found) = wrapped(name, value, control).filter(|_| !is_event(before)) else {
                continue;
            };
            for (_, value) in before {
                self.search(value, 1)?;
            }
            self.wrapper(found, depth)?;
            for (name, value) in &members[at + 1..] {
                match wrapped(name, value, false) {
                    Some(found) => self.wrapper(found, depth)?,
                    None => {
                        self.search(value, 0)?;
                    }
                }
            }
            return Some(());
        }
        self.leaf(members, raw, within)
    }

    fn wrapper(&mut self, (value, within): (&Json, Within), depth: usize) -> Option<()> {
        match (value, within) {
            // The rows themselves are what is a row.
            (Json::Array(rows, _), Within::Rows) => rows
                .iter()
                .try_for_each(|row| self.element(row, within, depth + 3)),
            _ => self.element(value, within, depth + 2),
        }
    }

    fn leaf(&mut self, members: &Members, raw: &str, within: Within) -> Option<()> {
        if let Some(kind) = kind(members) {
            self.told.others.push(kind);
            return Some(());
        }
        if is_event(members) {
            return self.event(members);
        }
        if within == Within::Control {
            self.told.others.push(ContentKind::ControlMessage);
            return Some(());
        }
        let inner = inner_text(members);
        if let Some(text) = inner {
            // Payloads have tests of their own.
            if within == Within::AwsLogs {
                return None;
            }
            if text.trim_ascii_start().starts_with(['{', '[']) && self.nested(text)? {
                return Some(());
            }
        }
        let finds = match may_hold_records(raw.as_bytes()) {
            true => self.members(members, 0)?,
            false => SlowFinds::default(),
        };
        if finds.is_found {
            return Some(());
        }
        let is_item = within == Within::LookupItems && raw.contains("\"EventId\"");
        match finds.is_suspect {
            _ if is_item => self.told.unreadable += 1,
            true if within != Within::Records => self.told.unreadable += 1,
            _ => self.no_record(within),
        }
        Some(())
    }

    /// Reads a record, or what stands beside its members if it has no identity.
    fn event(&mut self, members: &Members) -> Option<()> {
        if !matches!(last(members, "userIdentity"), Some(Json::Object(..))) {
            let is_identity = |name: &str| fold(name.as_bytes()).starts_with("useridentity");
            if members
                .iter()
                .any(|(name, _)| name != "userIdentity" && is_identity(name))
            {
                return None;
            }
            let text =
                inner_text(members).filter(|text| text.trim_ascii_start().starts_with(['{', '[']));
            if let Some(text) = text
                && self.nested(text)?
            {
                return Some(());
            }
        }
        let source = text(members, "eventSource").unwrap_or_default();
        let is_service = source.is_empty() || source.ends_with("amazonaws.com");
        if !is_service && (source.starts_with("aws:") || source.contains(".com")) {
            return None;
        }
        self.told.events.push(event(members));
        Some(())
    }

    /// Reads a document inside this one and returns whether it has anything that counts.
    fn nested(&mut self, text: &str) -> Option<bool> {
        if self.nesting >= 5 {
            return None;
        }
        let mut inner = SlowReader {
            nesting: self.nesting + 1,
            ..SlowReader::default()
        };
        inner.document(text.as_bytes())?;
        let mut told = inner.told;
        told.others.retain(|kind| *kind != ContentKind::Foreign);
        let is_found = !told.events.is_empty() || !told.others.is_empty() || told.unreadable > 0;
        self.told.events.extend(told.events);
        self.told.others.extend(told.others);
        self.told.unreadable += told.unreadable;
        Some(is_found)
    }

    fn search(&mut self, value: &Json, depth: usize) -> Option<SlowFinds> {
        if depth > 20 {
            return None;
        }
        match value {
            Json::Object(members, raw) if may_hold_records(raw.as_bytes()) => {
                if let Some(kind) = kind(members) {
                    self.told.others.push(kind);
                    return SlowFinds::found(true);
                }
                if is_event(members) {
                    self.event(members)?;
                    return SlowFinds::found(true);
                }
                self.members(members, depth)
            }
            Json::Array(items, raw) if may_hold_records(raw.as_bytes()) => {
                // Rows have tests of their own.
                let is_cell = |item: &&Json| match item {
                    Json::Object(_, raw) => cell_of(raw.as_bytes()).is_some(),
                    _ => false,
                };
                if row_of(raw.as_bytes()).is_some()
                    || items.iter().filter(is_cell).count() >= MIN_CELLS
                {
                    return None;
                }
                let mut finds = SlowFinds::default();
                for item in items {
                    finds.add(&self.search(item, depth + 1)?);
                }
                Some(finds)
            }
            Json::String(text, raw) if may_hold_records(raw.as_bytes()) => {
                let trimmed = text.trim_ascii();
                let is_found = match trimmed.chars().next() {
                    Some('{' | '[' | '"') => self.nested(trimmed)?,
                    // Lines of text and base64 have tests of their own.
                    _ if trimmed.contains('{') || trimmed.starts_with("H4sI") => return None,
                    _ if trimmed.starts_with("eyJ") => return None,
                    _ => false,
                };
                Some(SlowFinds {
                    is_found,
                    is_suspect: !is_found && looks_like_cloud_trail(text.as_bytes()),
                })
            }
            _ => SlowFinds::found(false),
        }
    }

    fn members(&mut self, members: &Members, depth: usize) -> Option<SlowFinds> {
        let folded: Vec<String> = members
            .iter()
            .map(|(name, _)| fold(name.as_bytes()))
            .collect();
        let has = |names: &[&str]| folded.iter().any(|name| names.contains(&name.as_str()));
        // Other clouds, other spellings and OCSF have tests of their own.
        if has(&["acsregion", "cloudeventsversion", "classuid"])
            || has(&["eventname"]) && has(&["eventsource", "eventversion"])
        {
            return None;
        }
        if let Some(at) = folded.iter().rposition(|name| name == "cloudtrailevent") {
            let finds = self.search(&members[at].1, depth + 1)?;
            self.told.unreadable += usize::from(!finds.is_found);
            return SlowFinds::found(true);
        }
        let names = members.iter().filter(|(name, _)| is_record_name(name));
        if names.count() >= MIN_RECORD_NAMES {
            self.told.unreadable += 1;
            return SlowFinds::found(true);
        }
        let mut finds = SlowFinds::default();
        for ((_, value), name) in members.iter().zip(&folded) {
            finds.add(&self.search(value, depth + 1)?);
            finds.is_suspect |= name == "eventname" || name == "eventsource";
        }
        Some(finds)
    }
}

fn wrapped<'j>(name: &str, value: &'j Json, control: bool) -> Option<(&'j Json, Within)> {
    let within = match (name, value) {
        ("Records", Json::Array(..)) => Within::Records,
        ("Events", Json::Array(..)) => Within::LookupItems,
        ("events", Json::Array(..)) => Within::Anywhere,
        ("results", Json::Array(..)) => Within::Rows,
        ("logEvents", Json::Array(..)) if control => Within::Control,
        ("logEvents", Json::Array(..)) => Within::Anywhere,
        ("detail" | "_raw", Json::Object(..)) => Within::Anywhere,
        ("awslogs", Json::Object(..)) => Within::AwsLogs,
        _ => return None,
    };
    Some((value, within))
}

fn kind(members: &Members) -> Option<ContentKind> {
    let has = |name| members.iter().any(|(n, _)| n == name);
    let is = |name, value| last(members, name).is_some_and(|v| v.is(value));
    if has("insightDetails")
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
    }
}

/// The last string that may contain a document.
fn inner_text(members: &Members) -> Option<&str> {
    members
        .iter()
        .rev()
        .find_map(|(name, value)| match (name.as_str(), value) {
            (
                "CloudTrailEvent" | "message" | "_raw" | "data" | "value" | "Message" | "body",
                Json::String(text, _),
            ) => Some(text.as_str()),
            _ => None,
        })
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
        Json::String(text, _) => text.clone(),
        Json::Number(_) => "<number>".to_owned(),
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
        Some(Json::Object(response, _)) => response,
        _ => &[][..],
    };
    let is_error = |members: &Members| text(members, "errorCode").is_some();
    let status = match is_error(members) {
        true => last(members, "errorCode"),
        false => last(response, "errorCode"),
    };
    let code = text(members, "errorCode").or_else(|| text(response, "errorCode"));
    let message = text(members, "errorMessage").or_else(|| text(response, "errorMessage"));
    let stated = stated(members);
    let failed = match (&code, &message) {
        (Some(_), _) => !status.is_some_and(is_success_status) && stated != Some(true),
        (None, Some(_)) => true,
        (None, None) => stated == Some(false) && may_state(members),
    };
    let code = code.filter(|_| failed);
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
        failed.to_string(),
        show(code),
        format!("{read_only:?}"),
        match last(members, "userIdentity") {
            Some(identity @ Json::Object(..)) => format!("{identity:?}"),
            _ => "-".to_owned(),
        },
    ]
}

fn is_success_status(code: &Json) -> bool {
    match code {
        Json::Number(Some(number)) => (200..300).contains(number),
        Json::String(code, _) => code.len() == 3 && code.parse().is_ok_and(|n: u64| n / 100 == 2),
        _ => false,
    }
}

fn is_api_call(members: &Members) -> bool {
    text(members, "eventType").as_deref() == Some("AwsApiCall")
}

/// Records of API calls do not state their result, except for those of the sign-in service.
fn may_state(members: &Members) -> bool {
    let source = text(members, "eventSource");
    !is_api_call(members) || source.is_none_or(|source| source.starts_with("signin."))
}

fn is_of(members: &Members, service: &str) -> bool {
    text(members, "eventSource").is_some_and(|source| source.split('.').next() == Some(service))
}

/// Whether the record states a success (true) or a failure (false).
fn stated(members: &Members) -> Option<bool> {
    let name = text(members, "eventName")?;
    let of = |object: &str, path: &[&str]| result_at(last(members, object)?, path);
    of("responseElements", &[&name])
        .or_else(|| of("serviceEventDetails", &[&name]))
        .or_else(|| {
            let mut places = STATED_PLACES.iter().filter(|place| {
                is_of(members, place.source) && place.name.is_none_or(|event| event == name)
            });
            places.find_map(|place| of("serviceEventDetails", place.path))
        })
}

fn result_at(value: &Json, path: &[&str]) -> Option<bool> {
    let Some((wanted, rest)) = path.split_first() else {
        let is_one_of = |words: &[&str]| words.iter().any(|word| value.is(word));
        return match (is_one_of(&SUCCESSES), is_one_of(&FAILURES)) {
            (false, false) => None,
            (is_success, _) => Some(is_success),
        };
    };
    let Json::Object(members, _) = value else {
        return None;
    };
    let is_wanted = |name: &str| match wanted.strip_prefix('*') {
        Some(end) => name.ends_with(end),
        None => name == *wanted,
    };
    let wanted = members.iter().rev().filter(|(name, _)| is_wanted(name));
    wanted
        .filter_map(|(_, value)| result_at(value, rest))
        .next()
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

/// JSON that keeps the order and the repeats of an object's members, and the text of values.
#[derive(Debug, PartialEq)]
enum Json {
    Null,
    Bool(bool),
    /// The value of a whole number that is not negative.
    Number(Option<u64>),
    String(String, String),
    Array(Vec<Json>, String),
    Object(Vec<(String, Json)>, String),
}

impl Json {
    fn parse(raw: &str) -> Option<Json> {
        let raw = raw.trim_ascii();
        Some(match raw.bytes().next()? {
            b'{' => {
                let members: RawMembers<'_> = serde_json::from_str(raw).ok()?;
                let members = members.0.into_iter();
                let members = members.map(|(name, raw)| Some((name, Json::parse(raw.get())?)));
                Json::Object(members.collect::<Option<_>>()?, raw.to_owned())
            }
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
                let items = items.into_iter().map(|raw| Json::parse(raw.get()));
                Json::Array(items.collect::<Option<_>>()?, raw.to_owned())
            }
            b'"' => Json::String(serde_json::from_str(raw).ok()?, raw.to_owned()),
            b'n' => Json::Null,
            b't' | b'f' => Json::Bool(serde_json::from_str(raw).ok()?),
            _ => {
                serde_json::from_str::<f64>(raw).ok()?;
                Json::Number(raw.parse().ok())
            }
        })
    }

    fn is(&self, text: &str) -> bool {
        matches!(self, Json::String(mine, _) if mine.eq_ignore_ascii_case(text))
    }
}

/// The members of an object, with repeats.
struct RawMembers<'r>(Vec<(String, &'r RawValue)>);

impl<'de> Deserialize<'de> for RawMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Build;
        impl<'de> Visitor<'de> for Build {
            type Value = RawMembers<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(
                self,
                mut members: A,
            ) -> Result<RawMembers<'de>, A::Error> {
                let mut object = Vec::new();
                while let Some(member) = members.next_entry()? {
                    object.push(member);
                }
                Ok(RawMembers(object))
            }
        }
        deserializer.deserialize_map(Build)
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
            Just("\"AwsApiCall\"".to_owned()),
            Just("\"Failure\"".to_owned()),
            Just("\"success\"".to_owned()),
            Just("\"ConsoleLogin\"".to_owned()),
            Just("\"controltower.amazonaws.com\"".to_owned()),
            Just("\"200\"".to_owned()),
            Just("200".to_owned()),
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
            "serviceEventDetails",
            "ConsoleLogin",
            "setupLandingZoneStatus",
            "state",
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
            "eventname",
            "results",
            "EventId",
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

    #[test]
    fn blanks_that_json_does_not_know_begin_a_line_of_text() {
        for text in [
            "\u{c}\n\u{c}\u{c}{\"ver",
            "\u{c}[ {}",
            "[ \u{c}x",
            "\u{b}{}\n",
            "1 {\u{c}",
        ] {
            check_text(text.as_bytes());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn agrees_on_wrappers_and_records(documents in prop::collection::vec(document(), 1..3)) {
            let document = documents.join("\n");
            check(document.as_bytes());
            check_text(document.as_bytes());
        }

        #[test]
        fn agrees_on_damage(document in document(), cut in 0..1000_usize, byte: u8, place in 0..1000_usize) {
            let mut bytes = document.into_bytes();
            bytes.truncate(cut);
            if let Some(b) = bytes.get_mut(place) {
                *b = byte;
            }
            check(&bytes);
            check_text(&bytes);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn agrees_on_messages(
            document in document(),
            text: String,
            end in prop::sample::select(vec!["", "\n", "{", "x"]),
            cut in 0..2000_usize,
        ) {
            let identity = Value::from(text).to_string();
            let head = format!(r#"{{"eventVersion":"1.0","eventName":"X","userIdentity":{{"arn":{identity}}}"#);
            let rest = document.strip_prefix('{').filter(|rest| *rest != "}").unwrap_or("\"x\":1}");
            let mut record = format!("{head},{rest}{end}").into_bytes();
            check(&record);
            record.truncate(cut);
            check(&record);
        }
    }
}
