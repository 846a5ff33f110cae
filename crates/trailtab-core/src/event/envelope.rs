//! The formats that contain records, recognised by their content.
//!
//! A document is a sequence of JSON values. An [`EnvelopeReader`] receives its bytes in pieces of any
//! size, unwraps what contains records (`Records`, `Events`, `logEvents`, `detail`, a JSON string
//! in `CloudTrailEvent` or `message`, a base64 payload) and passes each record on. It keeps a stack
//! of open arrays and objects, never a document: it needs memory for one record.
//!
//! An object of any other form is searched for records (`search`), at any depth and in strings too.

mod search;

use std::ops::ControlFlow;

#[cfg(any(test, feature = "oracle"))]
pub(super) use search::{MIN_CELLS, MIN_RECORD_NAMES, cell_of, is_record_name, row_of};
use search::{RecordSearch, has_word, nested, no_delivery};
pub(super) use search::{SearchResult, is_record_column, may_hold_records};

use crate::event::spelling::NamedCells;

use crate::event::gunzip;
use crate::event::record::{EventRecord, RecordOrigin};
use crate::event::scan::{JsonScanner, JsonText, ScanResult, ScanStop};

/// Maximum depth of nested wrappers; deeper input is refused.
const MAX_DEPTH: usize = 32;

/// Maximum depth of documents in strings of documents; deeper input is refused.
const MAX_NESTING: usize = 6;

/// Maximum length in bytes of the text before an object on its line.
const MAX_LINE_HEAD: usize = 16 << 10;

/// Maximum size in bytes of an inflated payload inside a document. CloudWatch Logs sends at most 1
/// MB of compressed payload to a function, and the function has 128 MB of memory.
const MAX_PAYLOAD: usize = 64 << 20;

/// Receives the records of a document.
pub trait RecordSink {
    /// Receives API calls, service events and sign-ins, in batches.
    fn events(&mut self, records: &[EventRecord<'_>]);
    /// Receives the kind of content that is not an event.
    fn other(&mut self, kind: ContentKind);
    /// Receives a record that could not be read.
    fn unreadable(&mut self, fault: RecordFault);
    /// Receives the place, such as `hits[].data`, of something that looks like a record and stands in
    /// a form that is not known.
    fn unknown_form(&mut self, place: &str) {
        let _ = place;
        self.unreadable(RecordFault::Broken);
    }
    /// Receives what is missing in a record that was read from a row of a table.
    fn gap(&mut self, gap: RowGap) {
        let _ = gap;
    }
    /// Receives the form that the next record was converted from.
    fn converted(&mut self, form: RecordForm) {
        let _ = form;
    }
    /// Number of events so far that a time window cannot place, because they have no valid time.
    fn undated(&self) -> u64 {
        0
    }
}

impl<S: RecordSink + ?Sized> RecordSink for &mut S {
    fn events(&mut self, records: &[EventRecord<'_>]) {
        (**self).events(records);
    }

    fn other(&mut self, kind: ContentKind) {
        (**self).other(kind);
    }

    fn unreadable(&mut self, fault: RecordFault) {
        (**self).unreadable(fault);
    }

    fn unknown_form(&mut self, place: &str) {
        (**self).unknown_form(place);
    }

    fn gap(&mut self, gap: RowGap) {
        (**self).gap(gap);
    }

    fn converted(&mut self, form: RecordForm) {
        (**self).converted(form);
    }

    fn undated(&self) -> u64 {
        (**self).undated()
    }
}

/// What a row of a table lacks although its call is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowGap {
    /// No column says who acted.
    Identity,
    /// The time is in a form that cannot be read.
    Time,
}

/// A form that keeps the facts of a record under names of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordForm {
    /// The Open Cybersecurity Schema Framework, as of Security Lake.
    Ocsf,
}

impl RecordForm {
    /// The name in the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            RecordForm::Ocsf => "ocsf",
        }
    }
}

/// What is wrong with a record that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordFault {
    /// It ends in the middle, as messages do that exceed the size limit of CloudWatch Logs.
    Truncated,
    /// Its identity stands there and cannot be read.
    Identity,
    /// Any other error.
    Broken,
}

/// The kind of a document or element that is not an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentKind {
    /// A digest file, from `CloudTrail-Digest/`.
    Digest,
    /// An Insights event, from `CloudTrail-Insight/`.
    Insight,
    /// Events that CloudTrail aggregated, from `CloudTrail-Aggregated/`.
    Aggregated,
    /// Calls through VPC endpoints, from `CloudTrail-NetworkActivity/`.
    NetworkActivity,
    /// The control message that CloudWatch Logs sends to a new subscription.
    ControlMessage,
    /// An S3, SNS or SQS notification about a log file.
    Notification,
    /// A result of this program or of aws-summarize-account-activity.
    Summary,
    /// Anything else: another kind of event or file.
    Foreign,
}

impl ContentKind {
    /// Tells whether the content is unrelated to CloudTrail.
    pub fn is_foreign(self) -> bool {
        self == ContentKind::Foreign
    }

    /// The name in the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            ContentKind::Digest => "digest",
            ContentKind::Insight => "insight",
            ContentKind::Aggregated => "aggregated",
            ContentKind::NetworkActivity => "network_activity",
            ContentKind::ControlMessage => "control_message",
            ContentKind::Notification => "notification",
            ContentKind::Summary => "summary",
            ContentKind::Foreign => "foreign",
        }
    }
}

/// Where a document became unreadable. The content before was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentDamage {
    /// The byte at this offset of the (inflated) document is not valid.
    Broken(u64),
    /// The document ends inside a value.
    CutOff(u64),
    /// The record at this offset exceeds the size limit.
    TooLarge(u64),
}

/// Maximum number of events in a batch.
const BATCH: usize = 128;

/// Collects events into batches, so that the sink can look them up together.
struct RecordBatch<'b, 's, S> {
    sink: &'s mut S,
    batch: Vec<EventRecord<'b>>,
}

impl<'b, 's, S: RecordSink> RecordBatch<'b, 's, S> {
    fn new(sink: &'s mut S) -> Self {
        let batch = Vec::new();
        RecordBatch { sink, batch }
    }

    fn event(&mut self, record: EventRecord<'b>) {
        self.batch.push(record);
        if self.batch.len() == BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.sink.events(&self.batch);
        self.batch.clear();
    }
}

/// What an open wrapper contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WrapperPlace {
    /// Any content.
    Anywhere,
    /// The array of a log file: an element that is not an event is an unreadable record.
    Records,
    /// The array of LookupEvents: an item without a record is an unreadable record.
    LookupItems,
    /// The rows of a query, each an array of cells.
    Rows,
    /// The log events of a control message.
    Control,
    /// The object with the base64 payload that Lambda gets from CloudWatch Logs.
    AwsLogs,
}

#[derive(Debug, Clone, Copy)]
enum WrapperFrame {
    Array(WrapperPlace),
    Object,
    /// An object of an unknown form that is too large to be held.
    LargeObject,
    /// A wrapper whose next value is the record.
    Value(WrapperPlace),
}

/// The state of reading one document.
#[derive(Debug, Default)]
pub struct EnvelopeReader {
    stack: Vec<WrapperFrame>,
    /// Number of bytes that earlier calls consumed.
    consumed: u64,
    /// True while searching for the next readable line.
    lost: bool,
    started: bool,
    nesting: usize,
    /// True if lines may hold text before an object, or no object.
    is_text: bool,
    damage: Option<DocumentDamage>,
}

impl EnvelopeReader {
    /// Creates a reader of text with objects in its lines, such as a syslog.
    pub fn of_text() -> Self {
        EnvelopeReader {
            is_text: true,
            ..EnvelopeReader::default()
        }
    }

    /// Reads the next bytes of the document and returns how many of them it has consumed. The
    /// caller passes the others again, followed by more. `last` marks the end of the document.
    pub fn feed(&mut self, buf: &[u8], last: bool, sink: &mut impl RecordSink) -> usize {
        let mut pos = 0;
        if !self.started && (buf.len() >= 3 || last) {
            self.started = true;
            // Windows tools write a byte order mark.
            pos = if buf.starts_with(BYTE_ORDER_MARK) {
                BYTE_ORDER_MARK.len()
            } else {
                0
            };
        }
        if self.started {
            let mut out = RecordBatch::new(sink);
            self.documents(buf, &mut pos, last, &mut out);
            out.flush();
        }
        self.consumed += pos as u64;
        pos
    }

    /// Reads until the buffer ends; after unreadable content, continues at the next readable line.
    fn documents<'b, S: RecordSink>(
        &mut self,
        buf: &'b [u8],
        pos: &mut usize,
        last: bool,
        out: &mut RecordBatch<'b, '_, S>,
    ) {
        while !self.lost || self.resume(buf, pos) {
            match self.values(buf, pos, out) {
                ScanStop::Incomplete if last => return self.end(buf, pos, out.sink),
                ScanStop::Incomplete => return,
                ScanStop::Broken(at) => {
                    self.give_up(DocumentDamage::Broken(self.consumed + at as u64), out.sink);
                    *pos = at;
                }
            }
        }
    }

    /// Enters the object that the buffer begins with, which exceeds the size limit, if it is no
    /// record; returns the number of bytes consumed, 0 if it cannot be entered. Its members are then
    /// read one by one.
    pub fn enter(&mut self, buf: &[u8]) -> usize {
        if self.lost || self.stack.len() + 2 >= MAX_DEPTH {
            return 0;
        }
        let mut scanner = JsonScanner::new(buf, 0);
        let is_value = match self.stack.last() {
            None | Some(WrapperFrame::Array(_)) => false,
            Some(WrapperFrame::Value(_)) => true,
            Some(WrapperFrame::Object | WrapperFrame::LargeObject) => {
                // The member's value is what is large.
                if scanner.name().is_err() {
                    return 0;
                }
                false
            }
        };
        if scanner.peek() == Ok(b',') {
            scanner.bump();
        }
        match scanner.peek() {
            Ok(b'[') => {
                self.stack.push(WrapperFrame::Array(WrapperPlace::Anywhere));
            }
            Ok(b'{') => {
                let mut object = OpenObject::default();
                let _ = scanner.clone().members(|scanner, name| {
                    if !object.member(name, scanner)? {
                        scanner.skip()?;
                    }
                    Ok(())
                });
                let record = &object.record;
                if record.event_name.is_some() || record.event_version.is_some() {
                    return 0;
                }
                if is_value {
                    self.stack.pop();
                }
                self.stack.push(WrapperFrame::LargeObject);
            }
            _ => return 0,
        }
        scanner.bump();
        self.consumed += scanner.pos() as u64;
        scanner.pos()
    }

    /// Skips a record that exceeds the size limit and continues on the next line.
    pub fn too_large(&mut self, sink: &mut impl RecordSink) {
        self.give_up(DocumentDamage::TooLarge(self.consumed), sink);
    }

    /// Returns the first place that could not be read.
    pub fn damage(&self) -> Option<DocumentDamage> {
        self.damage
    }

    fn give_up(&mut self, damage: DocumentDamage, sink: &mut impl RecordSink) {
        sink.unreadable(RecordFault::Broken);
        self.damage.get_or_insert(damage);
        self.stack.clear();
        self.lost = true;
    }

    /// Handles the remaining bytes at the end of the document.
    fn end(&mut self, buf: &[u8], pos: &mut usize, sink: &mut impl RecordSink) {
        let rest_is_blank = buf[*pos..]
            .iter()
            .all(|b| b.is_ascii_whitespace() || *b == b',');
        if !rest_is_blank && self.is_text && self.stack.is_empty() && is_prose(&buf[*pos..]) {
            *pos = buf.len();
            return;
        }
        if !rest_is_blank {
            sink.unreadable(RecordFault::Truncated);
        }
        if !rest_is_blank || !self.stack.is_empty() {
            let at = self.consumed + buf.len() as u64;
            self.damage.get_or_insert(DocumentDamage::CutOff(at));
        }
        *pos = buf.len();
    }

    /// Finds the next line that starts like JSON Lines or a CloudWatch Logs export.
    fn resume(&mut self, buf: &[u8], pos: &mut usize) -> bool {
        let mut at = *pos;
        while let Some(found) = memchr::memchr(b'\n', &buf[at..]) {
            at += found + 1;
            match buf.get(at) {
                Some(b'{' | b'[' | b'"' | b'0'..=b'9' | b'\xef') => {
                    *pos = at;
                    self.lost = false;
                    return true;
                }
                Some(_) if self.is_text => {
                    *pos = at;
                    self.lost = false;
                    return true;
                }
                Some(_) => {}
                None => {
                    // The first byte of the line has not arrived yet.
                    *pos = at - 1;
                    return false;
                }
            }
        }
        *pos = buf.len();
        false
    }

    /// Reads values until the buffer ends or is invalid; `pos` is the end of what was consumed.
    fn values<'b, S: RecordSink>(
        &mut self,
        buf: &'b [u8],
        pos: &mut usize,
        out: &mut RecordBatch<'b, '_, S>,
    ) -> ScanStop {
        loop {
            let mut scanner = JsonScanner::new(buf, *pos);
            match self.value(&mut scanner, out) {
                Ok(()) => *pos = scanner.pos(),
                Err(stop) => return stop,
            }
        }
    }

    /// Reads one element, or one bracket of a wrapper.
    fn value<'b, S: RecordSink>(
        &mut self,
        scanner: &mut JsonScanner<'b>,
        out: &mut RecordBatch<'b, '_, S>,
    ) -> ScanResult<()> {
        let next = scanner.peek()?;
        if next == b',' {
            scanner.bump();
            return Ok(());
        }
        if next == BYTE_ORDER_MARK[0] {
            return byte_order_mark(scanner);
        }
        match self.stack.last().copied() {
            None if next.is_ascii_digit() || self.begins_with_text(scanner)? => {
                self.log_line(scanner)
            }
            None => self.element(WrapperPlace::Anywhere, scanner, out),
            Some(WrapperFrame::Array(_)) if next == b']' => self.close(scanner),
            Some(WrapperFrame::Array(place)) => self.element(place, scanner, out),
            Some(WrapperFrame::Object) if next == b'}' => self.close(scanner),
            Some(WrapperFrame::Object) => {
                let name = scanner.name()?;
                self.outer_member(name, scanner, out)
            }
            Some(WrapperFrame::LargeObject) if next == b'}' => self.close(scanner),
            Some(WrapperFrame::LargeObject) => {
                let name = scanner.name()?;
                self.large_member(name, scanner, out)
            }
            Some(WrapperFrame::Value(place)) => {
                self.stack.pop();
                let read = self.element(place, scanner, out);
                if read == Err(ScanStop::Incomplete) {
                    self.stack.push(WrapperFrame::Value(place));
                }
                read
            }
        }
    }

    fn close(&mut self, scanner: &mut JsonScanner<'_>) -> ScanResult<()> {
        scanner.bump();
        self.stack.pop();
        Ok(())
    }

    /// Tells whether a line of a text begins with something else than JSON.
    fn begins_with_text(&self, scanner: &JsonScanner<'_>) -> ScanResult<bool> {
        if !self.is_text {
            return Ok(false);
        }
        let ahead = scanner.ahead(64);
        let mut line = ahead.iter().filter(|b| !b.is_ascii_whitespace());
        let is_json = match line.next() {
            Some(b'{') => true,
            Some(bracket @ (b'[' | b'"')) => match line.next() {
                Some(b'{' | b'[') => true,
                Some(b'"' | b']') => *bracket == b'[',
                Some(_) => false,
                // The next character may not have arrived yet.
                None if ahead.len() < 64 => return Err(ScanStop::Incomplete),
                None => true,
            },
            _ => false,
        };
        Ok(!is_json)
    }

    /// Skips the text before an object on its line, such as the timestamp of a CloudWatch Logs export.
    fn log_line(&self, scanner: &mut JsonScanner<'_>) -> ScanResult<()> {
        let ahead = scanner.ahead(MAX_LINE_HEAD);
        let end = memchr::memchr(b'\n', ahead);
        let line = &ahead[..end.unwrap_or(ahead.len())];
        match object_start(line) {
            // What follows the last bracket may not have arrived yet.
            Some(at) if end.is_some() || !line[at + 1..].trim_ascii().is_empty() => {
                scanner.advance(at);
                Ok(())
            }
            _ if end.is_none() && ahead.len() < MAX_LINE_HEAD => Err(ScanStop::Incomplete),
            _ if self.is_text && end.is_some() && is_prose(line) => {
                scanner.advance(line.len());
                Ok(())
            }
            _ => scanner.broken(),
        }
    }

    /// Continues in an object after the wrapper that was found in it.
    fn outer_member<'b, S: RecordSink>(
        &mut self,
        name: JsonText<'b>,
        scanner: &mut JsonScanner<'b>,
        out: &mut RecordBatch<'b, '_, S>,
    ) -> ScanResult<()> {
        match self.wrapper(name, WrapperPlace::Anywhere, scanner)? {
            Some(frame) => self.open(frame, scanner),
            None => {
                let value = scanner.skip()?;
                // Whether it has records or not, the object is known.
                RecordSearch::new(self.nesting, out.sink).any(value);
                Ok(())
            }
        }
    }

    /// Reads a member of an object of an unknown form that is too large to be held.
    fn large_member<'b, S: RecordSink>(
        &mut self,
        name: JsonText<'b>,
        scanner: &mut JsonScanner<'b>,
        out: &mut RecordBatch<'b, '_, S>,
    ) -> ScanResult<()> {
        if let Some(frame) = self.wrapper(name, WrapperPlace::Anywhere, scanner)? {
            return self.open(frame, scanner);
        }
        let value = scanner.skip()?;
        match RecordSearch::new(self.nesting, out.sink).any(value) {
            SearchResult::Suspect(place) => out.sink.unknown_form(&place),
            SearchResult::Found | SearchResult::Nothing => {}
        }
        Ok(())
    }

    /// Determines which wrapper a member is, by its name and the type of its value.
    fn wrapper(
        &self,
        name: JsonText<'_>,
        place: WrapperPlace,
        scanner: &mut JsonScanner<'_>,
    ) -> ScanResult<Option<WrapperFrame>> {
        let is_array = |scanner: &mut JsonScanner<'_>| Ok(scanner.peek()? == b'[');
        let is_object = |scanner: &mut JsonScanner<'_>| Ok(scanner.peek()? == b'{');
        let Some(name) = name.unescaped() else {
            return Ok(None);
        };
        Ok(match name {
            b"Records" if is_array(scanner)? => Some(WrapperFrame::Array(WrapperPlace::Records)),
            b"Events" if is_array(scanner)? => Some(WrapperFrame::Array(WrapperPlace::LookupItems)),
            // filter-log-events; Logs Insights; a subscription's payload.
            b"events" if is_array(scanner)? => Some(WrapperFrame::Array(WrapperPlace::Anywhere)),
            b"results" if is_array(scanner)? => Some(WrapperFrame::Array(WrapperPlace::Rows)),
            b"logEvents" if is_array(scanner)? => Some(WrapperFrame::Array(place)),
            // EventBridge, and wrappers of other log collectors.
            b"detail" | b"_raw" if is_object(scanner)? => {
                Some(WrapperFrame::Value(WrapperPlace::Anywhere))
            }
            b"awslogs" if is_object(scanner)? => Some(WrapperFrame::Value(WrapperPlace::AwsLogs)),
            _ => None,
        })
    }

    fn open(&mut self, frame: WrapperFrame, scanner: &mut JsonScanner<'_>) -> ScanResult<()> {
        if self.stack.len() >= MAX_DEPTH {
            return scanner.broken();
        }
        if let WrapperFrame::Array(_) = frame {
            scanner.bump();
        }
        self.stack.push(frame);
        Ok(())
    }

    fn element<'b, S: RecordSink>(
        &mut self,
        place: WrapperPlace,
        scanner: &mut JsonScanner<'b>,
        out: &mut RecordBatch<'b, '_, S>,
    ) -> ScanResult<()> {
        match scanner.peek()? {
            b'{' => self.object(place, scanner, out),
            b'[' if place == WrapperPlace::Rows => self.row(scanner, out),
            b'[' => self.open(WrapperFrame::Array(place), scanner),
            b'"' => self.string(place, scanner, out),
            _ if self.stack.is_empty() => scanner.broken(),
            _ => {
                scanner.skip()?;
                Self::no_record(place, out.sink);
                Ok(())
            }
        }
    }

    /// Reads a string, which may contain a record.
    fn string<'b, S: RecordSink>(
        &self,
        place: WrapperPlace,
        scanner: &mut JsonScanner<'b>,
        out: &mut RecordBatch<'b, '_, S>,
    ) -> ScanResult<()> {
        let is_alone = self.stack.is_empty();
        let start = scanner.clone();
        let value = scanner.skip()?;
        match RecordSearch::new(self.nesting, out.sink).any(value) {
            SearchResult::Found => {}
            SearchResult::Suspect(place) => out.sink.unknown_form(&place),
            SearchResult::Nothing if is_alone => return start.broken(),
            SearchResult::Nothing => Self::no_record(place, out.sink),
        }
        Ok(())
    }

    /// Reads the cells of a row as a record.
    fn row<'b, S: RecordSink>(
        &self,
        scanner: &mut JsonScanner<'b>,
        out: &mut RecordBatch<'b, '_, S>,
    ) -> ScanResult<()> {
        let row = scanner.skip()?;
        match RecordSearch::new(self.nesting, out.sink).any(row) {
            SearchResult::Found => {}
            SearchResult::Suspect(place) => out.sink.unknown_form(&place),
            SearchResult::Nothing => out.sink.other(ContentKind::Foreign),
        }
        Ok(())
    }

    /// Receives an element without a record.
    fn no_record(place: WrapperPlace, sink: &mut impl RecordSink) {
        match place {
            WrapperPlace::Records => sink.unreadable(RecordFault::Broken),
            _ => sink.other(ContentKind::Foreign),
        }
    }

    /// Reads a whole object, as a record or as a container of a JSON string. At the first member
    /// that wraps records, enters that member instead.
    fn object<'b, S: RecordSink>(
        &mut self,
        place: WrapperPlace,
        scanner: &mut JsonScanner<'b>,
        out: &mut RecordBatch<'b, '_, S>,
    ) -> ScanResult<()> {
        let mut ahead = scanner.clone();
        let mut object = OpenObject {
            near: out.batch.last().map_or(b"", |record| record.user_identity),
            ..OpenObject::default()
        };
        let end = ahead.members_until(|scanner, name| {
            if object.member(name, scanner)? {
                return Ok(ControlFlow::Continue(()));
            }
            let log_events = if object.is_control {
                WrapperPlace::Control
            } else {
                WrapperPlace::Anywhere
            };
            match self.wrapper(name, log_events, scanner)? {
                Some(frame) if !object.record.is_event() => Ok(ControlFlow::Break(frame)),
                _ => {
                    scanner.skip()?;
                    Ok(ControlFlow::Continue(()))
                }
            }
        })?;
        object.record.raw = scanner.until(&ahead);
        *scanner = ahead;
        if let ControlFlow::Break(frame) = end {
            // Whether there are records before the wrapper or not, the object is known.
            RecordSearch::new(self.nesting, out.sink).beginning(object.record.raw);
            self.open(WrapperFrame::Object, scanner)?;
            return self.open(frame, scanner);
        }
        self.classify(place, &object, out);
        Ok(())
    }

    fn classify<'b, S: RecordSink>(
        &self,
        place: WrapperPlace,
        object: &OpenObject<'b>,
        out: &mut RecordBatch<'b, '_, S>,
    ) {
        if let Some(kind) = object.kind() {
            return out.sink.other(kind);
        }
        let mut is_trigger = false;
        if object.record.is_event() {
            match object.record.origin() {
                RecordOrigin::CloudTrail if object.record.user_identity.is_empty() => {
                    if !RecordSearch::new(self.nesting, out.sink).richer(object) {
                        out.event(object.record);
                    }
                    return;
                }
                RecordOrigin::CloudTrail => return out.event(object.record),
                RecordOrigin::OtherCloud => return out.sink.other(ContentKind::Foreign),
                RecordOrigin::LambdaTrigger => is_trigger = true,
            }
        }
        let sink = &mut *out.sink;
        match (place, object.text) {
            (WrapperPlace::Control, _) => return sink.other(ContentKind::ControlMessage),
            (WrapperPlace::AwsLogs, Some(text)) => return self.payload(text, sink),
            (_, Some(text))
                if text.holds_json()
                    && nested(text.decode().as_bytes(), self.nesting, false, sink) =>
            {
                return;
            }
            _ => {}
        }
        match RecordSearch::new(self.nesting, sink).object(object.record.raw) {
            SearchResult::Found => {}
            _ if is_trigger => no_delivery(&object.record, sink),
            _ if place == WrapperPlace::LookupItems && is_lookup_item(object.record.raw) => {
                sink.unreadable(RecordFault::Broken);
            }
            SearchResult::Suspect(found) if place != WrapperPlace::Records => {
                sink.unknown_form(&found);
            }
            _ => Self::no_record(place, sink),
        }
    }

    /// Reads the payload that CloudWatch Logs sends to a Lambda function: base64-encoded gzip.
    fn payload(&self, text: JsonText<'_>, sink: &mut impl RecordSink) {
        use base64::Engine as _;
        let decoded = base64::engine::general_purpose::STANDARD.decode(text.decode().as_bytes());
        let inflated = decoded
            .ok()
            .and_then(|gzip| gunzip::whole(&gzip, MAX_PAYLOAD));
        match inflated {
            Some(json) => self.inside(&json, sink),
            None => sink.unreadable(RecordFault::Broken),
        }
    }

    /// Reads a document inside this one, whatever it contains.
    fn inside(&self, json: &[u8], sink: &mut dyn RecordSink) {
        if self.nesting >= MAX_NESTING {
            return sink.unreadable(RecordFault::Broken);
        }
        let mut envelope = EnvelopeReader {
            nesting: self.nesting + 1,
            ..EnvelopeReader::default()
        };
        let mut sink = sink;
        envelope.feed(json, true, &mut sink);
    }
}

/// Reads the cells of a row by the names of their columns.
pub(super) fn read_row(cells: &NamedCells, sink: &mut dyn RecordSink) -> SearchResult {
    RecordSearch::new(0, sink).row(cells)
}

/// Tells whether a text that is no JSON has something that looks like CloudTrail: one of a record's
/// names with a value behind it.
pub fn looks_like_cloud_trail(text: &[u8]) -> bool {
    search::mentions_a_key(text)
}

/// The bytes that some Windows tools begin a document with; where documents were put together, they
/// stand in its middle.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Skips a byte order mark.
fn byte_order_mark(scanner: &mut JsonScanner<'_>) -> ScanResult<()> {
    let ahead = scanner.ahead(BYTE_ORDER_MARK.len());
    if ahead == BYTE_ORDER_MARK {
        scanner.advance(BYTE_ORDER_MARK.len());
        Ok(())
    } else if BYTE_ORDER_MARK.starts_with(ahead) {
        Err(ScanStop::Incomplete)
    } else {
        scanner.broken()
    }
}

/// Tells whether an object is an item of LookupEvents.
fn is_lookup_item(json: &[u8]) -> bool {
    memchr::memmem::find(json, b"\"EventId\"").is_some()
}

/// The offset of the first bracket in a line that an object begins with: a member's name, the end of
/// the object or the end of the line follows it.
fn object_start(line: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'{', line).find(|at| {
        let mut rest = line[at + 1..].iter().filter(|b| !b.is_ascii_whitespace());
        matches!(rest.next(), None | Some(b'"' | b'}'))
    })
}

/// Tells whether a line of text is no part of a record: it has neither a record's words nor what only
/// JSON or damage looks like.
fn is_prose(line: &[u8]) -> bool {
    let is_damaged = |b: &u8| b.is_ascii_control() && !b.is_ascii_whitespace() && *b != 0x1b;
    !has_word(line) && !line.iter().any(is_damaged) && memchr::memmem::find(line, b"\":").is_none()
}

/// What is known of an object before its kind is known.
#[derive(Default)]
struct OpenObject<'a> {
    record: EventRecord<'a>,
    /// The userIdentity of the previous record.
    near: &'a [u8],
    /// A string that may contain JSON.
    text: Option<JsonText<'a>>,
    is_control: bool,
    is_digest: bool,
    is_insight: bool,
    is_summary: bool,
    is_notification: bool,
}

impl<'a> OpenObject<'a> {
    /// Reads one member if it is relevant; returns whether it was.
    #[inline]
    fn member(&mut self, name: JsonText<'a>, scanner: &mut JsonScanner<'a>) -> ScanResult<bool> {
        let decoded;
        let name = match name.unescaped() {
            Some(name) => name,
            None => {
                decoded = name.decode();
                decoded.as_bytes()
            }
        };
        if self.record.member(name, scanner, self.near)? {
            return Ok(true);
        }
        let mark = match name {
            // In turn: LookupEvents, CloudWatch Logs, other collectors, Lambda's payload, Logs
            // Insights, and SNS or SQS.
            b"CloudTrailEvent" | b"message" | b"_raw" | b"data" | b"value" | b"Message"
            | b"body"
                if scanner.peek()? == b'"' =>
            {
                self.text = Some(scanner.string()?);
                return Ok(true);
            }
            b"messageType" => {
                self.is_control = scanner.text()?.is_some_and(|t| t.is("CONTROL_MESSAGE"));
                return Ok(true);
            }
            b"digestStartTime" => &mut self.is_digest,
            b"insightDetails" => &mut self.is_insight,
            b"api_calls_by_principal" => &mut self.is_summary,
            b"s3ObjectKey" => &mut self.is_notification,
            _ => return Ok(false),
        };
        *mark = true;
        scanner.skip()?;
        Ok(true)
    }

    /// Returns the kind of the object if it is not an event.
    fn kind(&self) -> Option<ContentKind> {
        let is = |field: Option<JsonText<'_>>, value| field.is_some_and(|text| text.is(value));
        let (kind, category) = (self.record.event_type, self.record.event_category);
        if self.is_insight || is(kind, "AwsCloudTrailInsight") || is(category, "Insight") {
            Some(ContentKind::Insight)
        } else if is(kind, "AwsAggregatedEvent") || is(category, "Aggregated") {
            Some(ContentKind::Aggregated)
        } else if self.is_digest {
            Some(ContentKind::Digest)
        } else if self.is_summary {
            Some(ContentKind::Summary)
        } else if self.is_notification || is(self.record.event_source, "aws:s3") {
            Some(ContentKind::Notification)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::oracle::{Told, fast};

    const EVENT: &str =
        r#"{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"PutObject"}"#;

    fn read(document: &str) -> Told {
        let told = fast(document.as_bytes(), usize::MAX);
        assert_eq!(
            fast(document.as_bytes(), 1),
            told,
            "byte by byte: {document}"
        );
        told
    }

    fn events(document: &str) -> usize {
        let told = read(document);
        assert_eq!((told.others.len(), told.unreadable), (0, 0), "{document}");
        told.events.len()
    }

    fn in_string(json: &str) -> String {
        serde_json::Value::from(json).to_string()
    }

    #[test]
    fn every_envelope_is_opened() {
        let text = in_string(EVENT);
        assert_eq!(events(&format!(r#"{{"Records":[{EVENT},{EVENT}]}}"#)), 2);
        assert_eq!(events(&format!("[{EVENT},\n{EVENT}]")), 2);
        assert_eq!(events(&format!("{EVENT}\n{EVENT}\r\n\n{EVENT}")), 3);
        assert_eq!(events(&format!("\u{feff}{EVENT}")), 1);
        assert_eq!(
            events(&format!(
                r#"{{"NextToken":"t","Events":[{{"CloudTrailEvent":{text}}}]}}"#
            )),
            1
        );
        assert_eq!(events(&format!(r#"{{"version":"0","detail":{EVENT}}}"#)), 1);
        assert_eq!(
            events(&format!(
                r#"{{"events":[{{"message":{text}}}],"searchedLogStreams":[]}}"#
            )),
            1
        );
        assert_eq!(
            events(&format!(
                r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"message":{text}}}]}}"#
            )),
            1
        );
        assert_eq!(
            events(&format!(
                "2026-09-07T08:00:00.000Z {EVENT}\n2026-09-07T08:00:01.000Z {EVENT}\n"
            )),
            2
        );
        assert_eq!(
            events(&format!(r#"[{{"_raw":{{"Records":[{EVENT}]}}}}]"#)),
            1
        );
        assert_eq!(
            events(&format!(
                r#"{{"Records":[{{"body":{}}}]}}"#,
                in_string(&format!(r#"{{"Records":[{EVENT}]}}"#))
            )),
            1
        );
        assert_eq!(events(""), 0);
        assert_eq!(events(r#"{"Records":[]}"#), 0);
    }

    #[test]
    fn a_lambda_payload_is_opened() {
        use base64::Engine as _;
        let payload = format!(
            r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"message":{}}}]}}"#,
            in_string(EVENT)
        );
        let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
        let mut gzip = vec![0; compressor.gzip_compress_bound(payload.len())];
        let len = compressor
            .gzip_compress(payload.as_bytes(), &mut gzip)
            .unwrap();
        let data = base64::engine::general_purpose::STANDARD.encode(&gzip[..len]);
        assert_eq!(events(&format!(r#"{{"awslogs":{{"data":"{data}"}}}}"#)), 1);
        assert_eq!(read(r#"{"awslogs":{"data":"bm8gZ3ppcA=="}}"#).unreadable, 1);
    }

    #[test]
    fn what_is_no_event_is_told_by_kind() {
        let cases = [
            (
                r#"{"digestStartTime":"2026-09-07T08:00:00Z","logFiles":[]}"#,
                ContentKind::Digest,
            ),
            (
                r#"{"Records":[{"eventVersion":"1.07","eventType":"AwsCloudTrailInsight","insightDetails":{}}]}"#,
                ContentKind::Insight,
            ),
            (
                r#"{"eventVersion":"1.11","eventCategory":"Aggregated","eventName":"x"}"#,
                ContentKind::Aggregated,
            ),
            (
                r#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL MESSAGE"}]}"#,
                ContentKind::ControlMessage,
            ),
            (
                r#"{"s3Bucket":"b","s3ObjectKey":["AWSLogs/x.json.gz"]}"#,
                ContentKind::Notification,
            ),
            (
                r#"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put"}]}"#,
                ContentKind::Notification,
            ),
            (
                r#"{"_metadata":{},"api_calls_by_principal":{}}"#,
                ContentKind::Summary,
            ),
            (r#"{"Statement":[]}"#, ContentKind::Foreign),
            (
                r#"{"detail-type":"GuardDuty Finding","detail":{"severity":5}}"#,
                ContentKind::Foreign,
            ),
        ];
        for (document, kind) in cases {
            assert_eq!(read(document).others, [kind], "{document}");
            assert_eq!(
                read(document).events.len() + read(document).unreadable,
                0,
                "{document}"
            );
        }
    }

    #[test]
    fn an_invalid_record_does_not_affect_others() {
        let told = read(&format!(r#"{{"Records":[{EVENT},{{}},7,{EVENT}]}}"#));
        assert_eq!((told.events.len(), told.unreadable), (2, 2));
    }

    #[test]
    fn damage_costs_the_line_or_the_rest_of_the_file() {
        let damage = |document: &str| {
            let mut told = Told::default();
            let mut envelope = EnvelopeReader::default();
            envelope.feed(document.as_bytes(), true, &mut told);
            assert_eq!(read(document).unreadable, told.unreadable);
            (told.events.len(), told.unreadable, envelope.damage())
        };
        let lines = format!("{EVENT}\n{{\"eventName\":?}}\n{EVENT}\n");
        let at = EVENT.len() as u64 + 14;
        assert_eq!(damage(&lines), (2, 1, Some(DocumentDamage::Broken(at))));
        let middle = format!(r#"{{"Records":[{EVENT},{{"eventName" "x"}},{EVENT}]}}"#);
        assert!(matches!(
            damage(&middle),
            (1, 1, Some(DocumentDamage::Broken(_)))
        ));
        let cut = format!(r#"{{"Records":[{EVENT},{{"eventName":"x"#);
        assert_eq!(
            damage(&cut),
            (1, 1, Some(DocumentDamage::CutOff(cut.len() as u64)))
        );
        let open = format!(r#"{{"Records":[{EVENT}"#);
        assert_eq!(
            damage(&open),
            (1, 0, Some(DocumentDamage::CutOff(open.len() as u64)))
        );
        let deep = "[".repeat(1000);
        assert!(matches!(
            damage(&deep),
            (0, 1, Some(DocumentDamage::Broken(_)))
        ));
    }

    #[test]
    fn a_bracket_in_the_text_before_an_object_is_judged_by_what_follows_it() {
        // `read` feeds byte by byte, so that each blank is once the last byte that has arrived.
        let told = read("1 {  x {} y");
        assert_eq!((told.others.len(), told.unreadable), (1, 1));
        assert_eq!(events(&format!("1 {{  x {EVENT}\n")), 1);
    }

    #[test]
    fn strings_of_strings_end() {
        let mut document = EVENT.to_owned();
        for _ in 0..8 {
            document = format!(r#"{{"message":{}}}"#, in_string(&document));
        }
        let told = read(&document);
        assert_eq!((told.events.len(), told.unreadable), (0, 1));
    }
}
