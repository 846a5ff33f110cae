//! The formats that contain records, recognised by their content.
//!
//! A document is a sequence of JSON values. An [`EnvelopeReader`] receives its bytes in pieces of any
//! size, unwraps what contains records (`Records`, `Events`, `logEvents`, `detail`, a JSON string
//! in `CloudTrailEvent` or `message`, a base64 payload) and passes each record on. It keeps a stack
//! of open arrays and objects, never a document: it needs memory for one record.
//!
//! An object of any other form is searched for records (`search`), at any depth and in strings too.

mod batch;
mod cells;
mod content;
mod log_line;
mod messages;
mod object;
mod payload;
mod recovery;
mod search;
mod traits;
mod words;
mod wrapper;

use batch::RecordBatch;
#[cfg(any(test, feature = "oracle"))]
pub(super) use cells::{MIN_CELLS, cell_of, row_of};
pub use content::{ContentKind, DocumentDamage, RecordFault, RecordForm, RecordSink, RowGap};
use log_line::{begins_with_text, skip_line_head};
use messages::begins_log_event;
use object::{MemberReading, OpenObject, RecordOrder};
use payload::read_payload;
pub(super) use search::SearchResult;
use search::{RecordSearch, nested, no_delivery};
#[cfg(any(test, feature = "oracle"))]
pub(super) use words::{MIN_RECORD_NAMES, is_record_name};
pub(super) use words::{is_record_column, may_hold_records};
use wrapper::{WrapperFrame, WrapperPlace, wrapper_of};

use crate::event::record::RecordOrigin;
use crate::event::scan::{JsonScanner, JsonText, ScanResult, ScanStop, with_best_blocks};
use crate::event::spelling::NamedCells;

/// Maximum depth of nested wrappers; deeper input is refused.
const MAX_DEPTH: usize = 32;

/// Maximum depth of documents in strings of documents; deeper input is refused.
const MAX_NESTING: usize = 6;

/// Maximum size in bytes of an inflated payload inside a document. CloudWatch Logs sends at most 1
/// MB of compressed payload to a function, and the time of the function is limited.
const MAX_PAYLOAD: usize = 64 << 20;

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
    order: RecordOrder,
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
            let mut out = RecordBatch::new(self.nesting, sink);
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

    /// Returns the first place that could not be read.
    pub fn damage(&self) -> Option<DocumentDamage> {
        self.damage
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
            None if next.is_ascii_digit() || self.is_text && begins_with_text(scanner)? => {
                skip_line_head(self.is_text, scanner)
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

    /// Continues in an object after the wrapper that was found in it.
    fn outer_member<'b, S: RecordSink>(
        &mut self,
        name: JsonText<'b>,
        scanner: &mut JsonScanner<'b>,
        out: &mut RecordBatch<'b, '_, S>,
    ) -> ScanResult<()> {
        match wrapper_of(name, WrapperPlace::Anywhere, scanner)? {
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
        if let Some(frame) = wrapper_of(name, WrapperPlace::Anywhere, scanner)? {
            return self.open(frame, scanner);
        }
        let value = scanner.skip()?;
        match RecordSearch::new(self.nesting, out.sink).any(value) {
            SearchResult::Suspect(place) => out.sink.unknown_form(&place),
            SearchResult::Found | SearchResult::Nothing => {}
        }
        Ok(())
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
        let next = scanner.peek()?;
        if place == WrapperPlace::Anywhere && begins_log_event(scanner) && out.log_event(scanner)? {
            return Ok(());
        }
        match next {
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
        let mut object = OpenObject::after(out.last_identity());
        if let Some(frame) = self.open_object(scanner, &mut object)? {
            // Whether there are records before the wrapper or not, the object is known.
            RecordSearch::new(self.nesting, out.sink).beginning(object.record.raw);
            self.open(WrapperFrame::Object, scanner)?;
            return self.open(frame, scanner);
        }
        self.classify(place, &object, out);
        Ok(())
    }

    /// Reads an object to its end, or to the first member that wraps records, which is returned.
    fn open_object<'b>(
        &mut self,
        scanner: &mut JsonScanner<'b>,
        object: &mut OpenObject<'b>,
    ) -> ScanResult<Option<WrapperFrame>> {
        let mut ahead = scanner.clone();
        let (end, wrapper) = with_best_blocks(MemberReading {
            scanner,
            order: &mut self.order,
            object,
        })?;
        ahead.advance(end - scanner.pos());
        object.record.raw = scanner.until(&ahead);
        *scanner = ahead;
        Ok(wrapper)
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

    /// Reads the payload that CloudWatch Logs sends to a Lambda function.
    fn payload(&self, text: JsonText<'_>, mut sink: &mut dyn RecordSink) {
        if self.nesting >= MAX_NESTING {
            return sink.unreadable(RecordFault::Broken);
        }
        let reader = EnvelopeReader {
            nesting: self.nesting + 1,
            ..EnvelopeReader::default()
        };
        text.with_bytes(|base64| read_payload(base64, MAX_PAYLOAD, reader, &mut sink));
    }
}

/// Reads the cells of a row by the names of their columns.
pub(super) fn read_row(cells: &NamedCells, sink: &mut dyn RecordSink) -> SearchResult {
    RecordSearch::new(0, sink).row(cells)
}

/// Returns whether a text that is not JSON has something that looks like CloudTrail: one of a record's
/// names with a value behind it.
pub fn looks_like_cloud_trail(text: &[u8]) -> bool {
    words::mentions_a_key(text)
}

/// The bytes that some Windows tools begin a document with; in concatenated documents they also occur in the middle.
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

/// Returns whether an object is an item of LookupEvents.
fn is_lookup_item(json: &[u8]) -> bool {
    memchr::memmem::find(json, b"\"EventId\"").is_some()
}

#[cfg(test)]
mod tests;
