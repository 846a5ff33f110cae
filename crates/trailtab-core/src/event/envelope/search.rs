//! Records in JSON of a form that is not known: at any depth of arrays and objects, in strings of
//! JSON, in base64, under names of any case, and in rows of cells.
//!
//! Each level is scanned once more than the level around it, and a level in which no word of a
//! record occurs is not entered. So known wrappers pay nothing, and other content little.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde_json::{Map, Value};

use super::{ContentKind, EnvelopeReader, MAX_PAYLOAD, OpenObject, RecordFault, RecordOrigin};
use super::{RecordForm, RecordSink, RowGap};
use crate::event::gunzip;
use crate::event::record::EventRecord;
use crate::event::scan::{JsonScanner, JsonText, ScanStop};
use crate::event::spelling::{self, CellsContent, NamedCells};

/// Maximum depth of arrays and objects that are searched.
const MAX_SEARCH_DEPTH: usize = 32;

/// Maximum size in bytes of a record that is respelled, which takes several times its size; AWS's
/// limit is 1 MB.
const MAX_RESPELLED: usize = 4 << 20;

/// Maximum length of a place that is named.
const MAX_PLACE: usize = 120;

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::event) enum SearchResult {
    /// The sink received records, or content of a known kind.
    Found,
    /// There is nothing that looks like CloudTrail.
    Nothing,
    /// There is something that looks like CloudTrail at this place, and no record was found.
    Suspect(String),
}

/// Searches one value of JSON.
pub(super) struct RecordSearch<'s> {
    sink: &'s mut dyn RecordSink,
    /// Number of documents around the value.
    nesting: usize,
    /// The names of the members around the current value.
    place: Vec<String>,
    suspect: Option<String>,
}

impl<'s> RecordSearch<'s> {
    pub(super) fn new(nesting: usize, sink: &'s mut dyn RecordSink) -> Self {
        RecordSearch {
            sink,
            nesting,
            place: Vec::new(),
            suspect: None,
        }
    }

    /// Searches an object that is no record in CloudTrail's own spelling.
    pub(super) fn object(mut self, json: &[u8]) -> SearchResult {
        let is_found = may_hold_records(json) && self.members(json, 0);
        self.ended(is_found)
    }

    /// Searches a value.
    pub(super) fn any(mut self, json: &[u8]) -> SearchResult {
        let is_found = self.value(json, 0);
        self.ended(is_found)
    }

    /// Searches the members that an object begins with; it need not be whole.
    pub(super) fn beginning(mut self, json: &[u8]) -> SearchResult {
        let is_found = may_hold_records(json) && self.each_member(json, 0);
        self.ended(is_found)
    }

    /// Reads cells, such as those of a row of CSV, as a record.
    pub(super) fn row(mut self, cells: &NamedCells) -> SearchResult {
        let is_found = self.cells(cells);
        self.ended(is_found)
    }

    fn ended(self, is_found: bool) -> SearchResult {
        match self.suspect {
            _ if is_found => SearchResult::Found,
            Some(place) => SearchResult::Suspect(place),
            None => SearchResult::Nothing,
        }
    }

    fn value(&mut self, json: &[u8], depth: usize) -> bool {
        if !may_hold_records(json) {
            return false;
        }
        if depth > MAX_SEARCH_DEPTH {
            self.suspect();
            return false;
        }
        let mut scanner = JsonScanner::new(json, 0);
        match scanner.peek() {
            Ok(b'{') => self.whole_object(json, depth),
            Ok(b'[') => self.array(json, depth),
            Ok(b'"') => scanner.string().is_ok_and(|text| self.text(text)),
            _ => false,
        }
    }

    fn array(&mut self, json: &[u8], depth: usize) -> bool {
        if let Some(cells) = row_of(json)
            && self.cells(&cells)
        {
            return true;
        }
        let (mut is_found, mut cells) = (false, 0);
        let mut scanner = JsonScanner::new(json, 0);
        self.place.push("[]".to_owned());
        if scanner.expect(b'[').is_ok() {
            loop {
                match scanner.peek() {
                    Ok(b',') => scanner.bump(),
                    Ok(b']') | Err(_) => break,
                    Ok(_) => match scanner.skip() {
                        Ok(item) => {
                            cells += usize::from(cell_of(item).is_some());
                            is_found |= self.value(item, depth + 1);
                        }
                        Err(_) => {
                            is_found = self.broken();
                            break;
                        }
                    },
                }
            }
        }
        self.place.pop();
        if !is_found && cells >= MIN_CELLS && names_a_column(json) {
            return self.broken();
        }
        is_found
    }

    fn whole_object(&mut self, json: &[u8], depth: usize) -> bool {
        let mut object = OpenObject::default();
        let mut scanner = JsonScanner::new(json, 0);
        let read = scanner.members(|scanner, name| {
            if !object.member(name, scanner)? {
                scanner.skip()?;
            }
            Ok(())
        });
        if read.is_err() {
            return self.broken();
        }
        object.record.raw = json;
        if let Some(kind) = object.kind() {
            self.sink.other(kind);
            return true;
        }
        let origin = object.record.is_event().then(|| object.record.origin());
        match origin {
            Some(RecordOrigin::CloudTrail) => {
                if !self.richer(&object) {
                    self.sink.events(&[object.record]);
                }
                true
            }
            Some(RecordOrigin::OtherCloud) => {
                self.sink.other(ContentKind::Foreign);
                true
            }
            Some(RecordOrigin::LambdaTrigger) => {
                if !self.members(json, depth) {
                    no_delivery(&object.record, self.sink);
                }
                true
            }
            None => self.members(json, depth),
        }
    }

    /// Reads a record whose identity is not a member of its own: collectors extract some members and
    /// keep the whole record beside them, or flatten the identity. Returns whether it was read.
    pub(super) fn richer(&mut self, object: &OpenObject<'_>) -> bool {
        if !object.record.user_identity.is_empty() {
            return false;
        }
        if let Some(text) = object.text.filter(|text| text.holds_json())
            && nested(text.decode().as_bytes(), self.nesting, false, self.sink)
        {
            return true;
        }
        let traits = ObjectTraits::of(object.record.raw);
        traits.has_other_identity
            && object_of(object.record.raw).is_some_and(|cells| self.respelled(&cells))
    }

    /// Receives a part that cannot be read: the scanner only skipped it before, so its contents may
    /// be invalid.
    fn broken(&mut self) -> bool {
        self.sink.unreadable(RecordFault::Broken);
        true
    }

    /// Searches an object that is no record in CloudTrail's own spelling.
    fn members(&mut self, json: &[u8], depth: usize) -> bool {
        let traits = ObjectTraits::of(json);
        if traits.is_of_other_cloud {
            self.sink.other(ContentKind::Foreign);
            return true;
        }
        if let Some(item) = traits.cloud_trail_event {
            let is_found = self.value(item, depth + 1);
            if !is_found {
                self.sink.unreadable(RecordFault::Broken);
            }
            return true;
        }
        if traits.is_ocsf && self.ocsf(json) {
            return true;
        }
        if traits.has_name && traits.has_source_or_version && !traits.is_trigger {
            // What LookupEvents gives beside the record is not enough to count the call.
            if traits.is_lookup_item() {
                self.sink.unreadable(RecordFault::Broken);
                return true;
            }
            if let Some(cells) = object_of(json)
                && self.respelled(&cells)
            {
                return true;
            }
        }
        if traits.record_names >= MIN_RECORD_NAMES {
            return self.broken();
        }
        self.each_member(json, depth)
    }

    fn each_member(&mut self, json: &[u8], depth: usize) -> bool {
        let mut is_found = false;
        let mut scanner = JsonScanner::new(json, 0);
        let read = scanner.members(|scanner, name| {
            let value = scanner.skip()?;
            let is_key = is_key_of_records(&spelling::fold(name.decode().as_bytes()));
            if is_key || may_hold_records(value) {
                self.place.push(name.decode().into_owned());
                is_found |= self.value(value, depth + 1);
                if is_key {
                    self.suspect();
                }
                self.place.pop();
            }
            Ok(())
        });
        // What an object begins with has no end.
        match read {
            Err(ScanStop::Broken(_)) => self.broken(),
            _ => is_found,
        }
    }

    /// Reads a string that may contain JSON, text with an object in it, or base64.
    fn text(&mut self, text: JsonText<'_>) -> bool {
        let decoded = text.decode();
        let is_found = inside(decoded.as_bytes(), self.nesting, self.sink);
        if !is_found && mentions_a_key(decoded.as_bytes()) {
            self.suspect();
        }
        is_found
    }

    fn ocsf(&mut self, json: &[u8]) -> bool {
        let Some(record) = object_of(json).and_then(|event| spelling::respell_ocsf(&event)) else {
            return false;
        };
        self.sink.converted(RecordForm::Ocsf);
        nested(record.as_bytes(), self.nesting, false, self.sink)
    }

    /// Reads the cells of a row: one of them is the record, or each is a member of it.
    fn cells(&mut self, cells: &NamedCells) -> bool {
        let has_columns = |name: &str| {
            cells
                .keys()
                .any(|key| spelling::fold(key.as_bytes()) == name)
        };
        let is_table = has_columns("eventname") && has_columns("eventsource");
        for (name, value) in cells {
            let folded = spelling::fold(name.as_bytes());
            let is_candidate = !is_table || is_record_column(&folded);
            let Some(text) = value.as_str().filter(|_| is_candidate) else {
                continue;
            };
            if may_hold_records(text.as_bytes()) {
                if inside(text.as_bytes(), self.nesting, self.sink) {
                    return true;
                }
                if mentions_a_key(text.as_bytes()) {
                    self.suspect.get_or_insert_with(|| name.clone());
                }
            }
        }
        if cells
            .keys()
            .any(|key| is_cloud_trail_event(&spelling::fold(key.as_bytes())))
        {
            self.sink.unreadable(RecordFault::Broken);
            return true;
        }
        let is_found = self.respelled(cells);
        let mut names = cells.keys().map(|name| spelling::fold(name.as_bytes()));
        if is_found && !names.any(|name| spelling::is_identity_column(&name)) {
            self.sink.gap(RowGap::Identity);
        }
        if !is_found && is_part_of_record(cells) {
            return self.broken();
        }
        is_found
    }

    fn respelled(&mut self, cells: &NamedCells) -> bool {
        match spelling::respell(cells) {
            CellsContent::Record(record) => {
                if record.has_odd_time {
                    self.sink.gap(RowGap::Time);
                }
                nested(record.json.as_bytes(), self.nesting, false, self.sink)
            }
            CellsContent::IdentityUnreadable => {
                self.sink.unreadable(RecordFault::Identity);
                true
            }
            CellsContent::NoRecord => false,
        }
    }

    /// Notes that the current place looks like CloudTrail.
    fn suspect(&mut self) {
        let place = &self.place;
        self.suspect.get_or_insert_with(|| {
            let place = place.join(".").replace(".[]", "[]");
            let place = if place.is_empty() {
                "the top level"
            } else {
                &place
            };
            place.chars().take(MAX_PLACE).collect()
        });
    }
}

/// Receives an event of Lambda's that delivers no record. A stream of Kinesis delivers what was put into
/// it, and it cannot be told what that was; other services deliver what is theirs.
pub(super) fn no_delivery(trigger: &EventRecord<'_>, sink: &mut dyn RecordSink) {
    match trigger
        .event_source
        .is_some_and(|source| source.is("aws:kinesis"))
    {
        true => sink.unreadable(RecordFault::Broken),
        false => sink.other(ContentKind::Foreign),
    }
}

/// Reads text that may contain records: JSON, lines with an object in them, or base64 of either, also
/// compressed. Returns whether anything was found.
pub(super) fn inside(text: &[u8], nesting: usize, sink: &mut dyn RecordSink) -> bool {
    let trimmed = text.trim_ascii();
    match trimmed.first() {
        Some(b'{' | b'[' | b'"') => nested(trimmed, nesting, false, sink),
        Some(_) if has_object(trimmed) => nested(trimmed, nesting, true, sink),
        Some(_) if is_base64(trimmed) => base64(trimmed, nesting, sink),
        _ => false,
    }
}

/// Reads a document inside another one.
pub(super) fn nested(
    json: &[u8],
    nesting: usize,
    is_text: bool,
    sink: &mut dyn RecordSink,
) -> bool {
    if nesting >= super::MAX_NESTING {
        sink.unreadable(RecordFault::Broken);
        return true;
    }
    let mut finds = Finds {
        sink,
        is_found: false,
    };
    let mut envelope = EnvelopeReader {
        nesting: nesting + 1,
        is_text,
        ..EnvelopeReader::default()
    };
    // Without this type, each level of documents would be compiled once more.
    let mut sink: &mut dyn RecordSink = &mut finds;
    envelope.feed(json, true, &mut sink);
    finds.is_found
}

fn base64(text: &[u8], nesting: usize, sink: &mut dyn RecordSink) -> bool {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let Ok(bytes) = engine.decode(text) else {
        // Tokens begin like an object as well; what is damaged holds a record before the damage.
        let valid = text
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'));
        let valid = &text[..valid.count() / 4 * 4];
        let is_damaged = text.starts_with(GZIP_IN_BASE64)
            || engine.decode(valid).is_ok_and(|bytes| has_word(&bytes));
        if is_damaged {
            sink.unreadable(RecordFault::Broken);
        }
        return is_damaged;
    };
    if !gunzip::is_gzip(&bytes) {
        return may_hold_records(&bytes) && nested(&bytes, nesting, false, sink);
    }
    match gunzip::whole(&bytes, MAX_PAYLOAD) {
        Some(json) => nested(&json, nesting, false, sink),
        None => {
            sink.unreadable(RecordFault::Broken);
            true
        }
    }
}

/// Passes on what a document inside another one contains, except that it is foreign.
struct Finds<'s> {
    sink: &'s mut dyn RecordSink,
    is_found: bool,
}

impl RecordSink for Finds<'_> {
    fn events(&mut self, records: &[EventRecord<'_>]) {
        self.is_found |= !records.is_empty();
        self.sink.events(records);
    }

    fn other(&mut self, kind: ContentKind) {
        if kind != ContentKind::Foreign {
            self.is_found = true;
            self.sink.other(kind);
        }
    }

    fn unreadable(&mut self, fault: RecordFault) {
        self.is_found = true;
        self.sink.unreadable(fault);
    }

    fn unknown_form(&mut self, place: &str) {
        self.is_found = true;
        self.sink.unknown_form(place);
    }

    fn gap(&mut self, gap: RowGap) {
        self.sink.gap(gap);
    }

    fn converted(&mut self, form: RecordForm) {
        self.sink.converted(form);
    }
}

/// What the names of an object's members say of it, in any case.
#[derive(Default)]
struct ObjectTraits<'j> {
    has_name: bool,
    has_source_or_version: bool,
    has_id: bool,
    has_user_name: bool,
    has_identity: bool,
    /// An identity under another name than `userIdentity`.
    has_other_identity: bool,
    is_ocsf: bool,
    is_of_other_cloud: bool,
    /// An event of Lambda's, which delivers something.
    is_trigger: bool,
    /// Members with names that many records have.
    record_names: usize,
    /// The member that holds the record, as in an item of LookupEvents.
    cloud_trail_event: Option<&'j [u8]>,
}

impl<'j> ObjectTraits<'j> {
    fn of(json: &'j [u8]) -> Self {
        let mut traits = ObjectTraits::default();
        let read = JsonScanner::new(json, 0).members(|scanner, name| {
            let is_text = matches!(scanner.peek()?, b'"' | b'0'..=b'9');
            let value = scanner.skip()?;
            traits.record_names += usize::from(is_record_name(&name.decode()));
            let folded = spelling::fold(name.decode().as_bytes());
            traits.is_trigger |= folded == "eventsource" && value.starts_with(b"\"aws:");
            match folded.as_str() {
                "eventname" => traits.has_name = is_text,
                "eventsource" | "eventversion" => traits.has_source_or_version |= is_text,
                "eventid" => traits.has_id = true,
                "username" => traits.has_user_name = true,
                "classuid" => traits.is_ocsf = true,
                // Alibaba Cloud, and Oracle Cloud's audit events.
                "acsregion" | "cloudeventsversion" => traits.is_of_other_cloud = true,
                name if is_cloud_trail_event(name) => traits.cloud_trail_event = Some(value),
                folded if folded.starts_with("useridentity") => {
                    traits.has_identity = true;
                    traits.has_other_identity |= !name.is_exactly("userIdentity");
                }
                _ => {}
            }
            Ok(())
        });
        // The scanner only skipped this object before, so its contents may be invalid.
        if read.is_err() {
            return ObjectTraits::default();
        }
        traits
    }

    fn is_lookup_item(&self) -> bool {
        self.has_id && self.has_user_name && !self.has_identity
    }
}

/// An object with this many of a record's names is a record that was damaged.
pub(in crate::event) const MIN_RECORD_NAMES: usize = 4;

/// Tells whether a member's name is one that nearly all records have, besides `eventName` and
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

fn is_cloud_trail_event(folded: &str) -> bool {
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

fn is_key_of_records(folded: &str) -> bool {
    matches!(folded, "eventname" | "eventsource" | "cloudtrailevent")
}

/// Tells whether a record may be below: a word of a record's names occurs in any case, or something
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

/// Tells whether `eventName`, `eventSource`, `eventVersion` or `CloudTrailEvent` occurs, in any case
/// and also with an underscore or space between the words.
pub(super) fn has_word(text: &[u8]) -> bool {
    words(text, &[b"name", b"source", b"version"])
        .next()
        .is_some()
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

/// Tells whether one of the words stands in a text as a name: a colon or an equals sign follows it.
pub(super) fn mentions_a_key(text: &[u8]) -> bool {
    words(text, &[b"name", b"source"]).any(|end| {
        let mut rest = text[end..]
            .iter()
            .filter(|b| !matches!(b, b'"' | b'\'' | b'\\' | b' '));
        matches!(rest.next(), Some(b':' | b'='))
    })
}

/// Tells whether an object begins somewhere in a text.
fn has_object(text: &[u8]) -> bool {
    super::object_start(text).is_some()
}

/// How base64 of gzip begins.
const GZIP_IN_BASE64: &[u8] = b"H4sI";

/// Tells whether a text looks like base64 of gzip or of an object of JSON.
fn is_base64(text: &[u8]) -> bool {
    text.starts_with(GZIP_IN_BASE64) || text.starts_with(b"eyJ")
}

fn object_of(json: &[u8]) -> Option<NamedCells> {
    if json.len() > MAX_RESPELLED {
        return None;
    }
    serde_json::from_slice(json).ok()
}

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

/// Tells whether cells have so much of a record that one is missing if they give none.
fn is_part_of_record(cells: &NamedCells) -> bool {
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

/// An array with this many cells in it is a row.
pub(in crate::event) const MIN_CELLS: usize = 3;

/// Tells whether the name of a column of records stands in JSON.
fn names_a_column(json: &[u8]) -> bool {
    words(json, &[b"name", b"source"]).any(|end| json.get(end) == Some(&b'"'))
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
