//! Records in JSON of an unknown form: at any depth of arrays and objects, in strings of
//! JSON, in base64, under names of any case, and in rows of cells.
//!
//! Each level is scanned once more than the level around it, and a level in which no word of a
//! record occurs is not entered. So known wrappers pay nothing, and other content little.

use super::cells::{MIN_CELLS, cell_of, is_part_of_record, object_of, row_of};
use super::content::{ContentKind, RecordFault, RecordForm, RecordSink, RowGap};
use super::log_line::object_start;
use super::object::OpenObject;
use super::traits::ObjectTraits;
use super::words::{
    MIN_RECORD_NAMES, has_word, is_cloud_trail_event, is_key_of_records, is_record_column,
    may_hold_records, mentions_a_key, names_a_column,
};
use super::{EnvelopeReader, MAX_PAYLOAD};
use crate::event::gunzip;
use crate::event::record::{EventRecord, RecordOrigin};
use crate::event::scan::{JsonScanner, JsonText, ScanStop};
use crate::event::spelling::{self, CellsContent, NamedCells};

/// Maximum depth of arrays and objects that are searched.
const MAX_SEARCH_DEPTH: usize = 32;

/// Maximum length of a place that is named.
const MAX_PLACE: usize = 120;

/// The result of a search.
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

    /// Searches an object that is not a record in CloudTrail's own spelling.
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

    /// Searches an object that is not a record in CloudTrail's own spelling.
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
            // The members that LookupEvents returns beside the record are not enough to count the call.
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
        // The start of an object has no end.
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

/// Receives an event of Lambda's that delivers no record. A Kinesis payload can be anything, so it is reported as
/// unknown; other event sources are known not to carry CloudTrail records.
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
        // Tokens begin like an object as well; a damaged document can have a record before the damage.
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

/// Returns whether an object begins somewhere in a text.
fn has_object(text: &[u8]) -> bool {
    object_start(text).is_some()
}

/// How base64 of gzip begins.
const GZIP_IN_BASE64: &[u8] = b"H4sI";

/// Returns whether a text looks like base64 of gzip or of an object of JSON.
fn is_base64(text: &[u8]) -> bool {
    text.starts_with(GZIP_IN_BASE64) || text.starts_with(b"eyJ")
}
