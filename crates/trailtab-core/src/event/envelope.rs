//! The shapes that records arrive in, told apart by content.
//!
//! A document is a sequence of JSON values. An [`Envelope`] is fed its bytes in pieces of any size,
//! opens what wraps records (`Records`, `Events`, `logEvents`, `detail`, a string of JSON in
//! `CloudTrailEvent` or `message`, a base64 payload) and hands each record on. It keeps a stack of
//! open arrays and objects, never a document: memory is that of one record.

use std::ops::ControlFlow;

use crate::event::gunzip;
use crate::event::record::Record;
use crate::event::scan::{Scan, Scanner, Stop, Text};

/// Wrappers open inside each other at once; deeper input is refused.
const MAX_DEPTH: usize = 32;

/// Bytes that a payload inside a document may inflate to. CloudWatch Logs sends less than 1 MB of it to a
/// function, compressed, and the function has 128 MB for all.
const MAX_PAYLOAD: usize = 64 << 20;

/// What takes the records of a document.
pub trait Sink {
    /// Takes API calls, service events and sign-ins, some at a time.
    fn events(&mut self, records: &[Record<'_>]);
    /// Takes note of something else.
    fn other(&mut self, kind: Kind);
    /// Takes note of a record that could not be read.
    fn unreadable(&mut self, fault: Fault);
}

/// What is wrong with a record that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It ends in the middle, as messages do that are too large for CloudWatch Logs.
    Truncated,
    /// Anything else.
    Broken,
}

/// What a document or an element of it is, if it is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A digest file, from `CloudTrail-Digest/`.
    Digest,
    /// An Insights event, from `CloudTrail-Insight/`.
    Insight,
    /// Events summed up by CloudTrail itself, from `CloudTrail-Aggregated/`.
    Aggregated,
    /// CloudWatch Logs telling a new subscriber that it is there.
    ControlMessage,
    /// S3, SNS or SQS telling where a log file is.
    Notification,
    /// A result of this program or of its predecessor.
    Summary,
    /// Anything else: an event of another kind, another file.
    Foreign,
}

impl Kind {
    /// Tells whether this has nothing to do with CloudTrail.
    pub fn is_foreign(self) -> bool {
        self == Kind::Foreign
    }

    /// The name in the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Digest => "digest",
            Kind::Insight => "insight",
            Kind::Aggregated => "aggregated",
            Kind::ControlMessage => "control_message",
            Kind::Notification => "notification",
            Kind::Summary => "summary",
            Kind::Foreign => "foreign",
        }
    }
}

/// Where a document stopped making sense. What stood before was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The byte at this offset of the (inflated) document cannot stand there.
    Broken(u64),
    /// The document ends inside a value.
    CutOff(u64),
    /// No record ends within the limit behind this offset.
    TooLarge(u64),
}

/// Events handed on at once.
const BATCH: usize = 128;

/// The way out: events are gathered, so that the sink can look them up together.
struct Out<'b, 's, S> {
    sink: &'s mut S,
    batch: Vec<Record<'b>>,
}

impl<'b, 's, S: Sink> Out<'b, 's, S> {
    fn new(sink: &'s mut S) -> Self {
        let batch = Vec::new();
        Out { sink, batch }
    }

    fn event(&mut self, record: Record<'b>) {
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

/// What an open wrapper holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing that is known to hold records.
    Anywhere,
    /// The array of a log file: what is no event here is a record that can't be read.
    Records,
    /// The log events of a control message.
    Control,
    /// The object with the base64 payload that Lambda gets from CloudWatch Logs.
    AwsLogs,
}

#[derive(Debug, Clone, Copy)]
enum Frame {
    Array(Place),
    Object,
    /// One object that is the value of a member.
    Value(Place),
}

/// The state of reading one document.
#[derive(Debug, Default)]
pub struct Envelope {
    stack: Vec<Frame>,
    /// Bytes of the document that earlier calls consumed.
    consumed: u64,
    /// Set while looking for the line on which sense begins again.
    lost: bool,
    started: bool,
    nesting: usize,
    damage: Option<Damage>,
}

impl Envelope {
    /// Reads the document's next bytes and returns how many it is done with; the caller brings the
    /// others again with more behind them. `last` says that no more will come.
    pub fn feed(&mut self, buf: &[u8], last: bool, sink: &mut impl Sink) -> usize {
        let mut pos = 0;
        if !self.started && (buf.len() >= 3 || last) {
            self.started = true;
            // Windows tools put a byte order mark in front.
            pos = if buf.starts_with(b"\xef\xbb\xbf") {
                3
            } else {
                0
            };
        }
        if self.started {
            let mut out = Out::new(sink);
            self.documents(buf, &mut pos, last, &mut out);
            out.flush();
        }
        self.consumed += pos as u64;
        pos
    }

    /// Reads on until the buffer ends, beginning anew where sense begins again.
    fn documents<'b, S: Sink>(
        &mut self,
        buf: &'b [u8],
        pos: &mut usize,
        last: bool,
        out: &mut Out<'b, '_, S>,
    ) {
        while !self.lost || self.resume(buf, pos) {
            match self.values(buf, pos, out) {
                Stop::Incomplete if last => return self.end(buf, pos, out.sink),
                Stop::Incomplete => return,
                Stop::Broken(at) => {
                    self.give_up(Damage::Broken(self.consumed + at as u64), out.sink);
                    *pos = at;
                }
            }
        }
    }

    /// Gives up a record that no longer fits into memory; what follows on a new line is read.
    pub fn too_large(&mut self, sink: &mut impl Sink) {
        self.give_up(Damage::TooLarge(self.consumed), sink);
    }

    /// Returns the first place that could not be read.
    pub fn damage(&self) -> Option<Damage> {
        self.damage
    }

    fn give_up(&mut self, damage: Damage, sink: &mut impl Sink) {
        sink.unreadable(Fault::Broken);
        self.damage.get_or_insert(damage);
        self.stack.clear();
        self.lost = true;
    }

    /// Deals with what is left when the document ends.
    fn end(&mut self, buf: &[u8], pos: &mut usize, sink: &mut impl Sink) {
        let rest_is_blank = buf[*pos..]
            .iter()
            .all(|b| b.is_ascii_whitespace() || *b == b',');
        if !rest_is_blank {
            sink.unreadable(Fault::Truncated);
        }
        if !rest_is_blank || !self.stack.is_empty() {
            let at = self.consumed + buf.len() as u64;
            self.damage.get_or_insert(Damage::CutOff(at));
        }
        *pos = buf.len();
    }

    /// Finds the next line that begins like one of JSON Lines or of a CloudWatch Logs export.
    fn resume(&mut self, buf: &[u8], pos: &mut usize) -> bool {
        let mut at = *pos;
        while let Some(found) = memchr::memchr(b'\n', &buf[at..]) {
            at += found + 1;
            match buf.get(at) {
                Some(b'{' | b'[' | b'0'..=b'9') => {
                    *pos = at;
                    self.lost = false;
                    return true;
                }
                Some(_) => {}
                None => {
                    // The line's first byte has not come yet.
                    *pos = at - 1;
                    return false;
                }
            }
        }
        *pos = buf.len();
        false
    }

    /// Reads values until the buffer ends or breaks; `pos` is behind the last thing done with.
    fn values<'b, S: Sink>(
        &mut self,
        buf: &'b [u8],
        pos: &mut usize,
        out: &mut Out<'b, '_, S>,
    ) -> Stop {
        loop {
            let mut scanner = Scanner::new(buf, *pos);
            match self.value(&mut scanner, out) {
                Ok(()) => *pos = scanner.pos(),
                Err(stop) => return stop,
            }
        }
    }

    /// Takes one step: a whole element, or one bracket of what wraps elements.
    fn value<'b, S: Sink>(
        &mut self,
        scanner: &mut Scanner<'b>,
        out: &mut Out<'b, '_, S>,
    ) -> Scan<()> {
        let next = scanner.peek()?;
        if next == b',' {
            scanner.bump();
            return Ok(());
        }
        match self.stack.last().copied() {
            None if next.is_ascii_digit() => Self::log_line(scanner),
            None => self.element(Place::Anywhere, scanner, out),
            Some(Frame::Array(_)) if next == b']' => self.close(scanner),
            Some(Frame::Array(place)) => self.element(place, scanner, out),
            Some(Frame::Object) if next == b'}' => self.close(scanner),
            Some(Frame::Object) => {
                let name = scanner.name()?;
                self.outer_member(name, scanner)
            }
            Some(Frame::Value(place)) => {
                self.stack.pop();
                let read = self.element(place, scanner, out);
                if read == Err(Stop::Incomplete) {
                    self.stack.push(Frame::Value(place));
                }
                read
            }
        }
    }

    fn close(&mut self, scanner: &mut Scanner<'_>) -> Scan<()> {
        scanner.bump();
        self.stack.pop();
        Ok(())
    }

    /// Steps over the time that begins each line of a CloudWatch Logs export.
    fn log_line(scanner: &mut Scanner<'_>) -> Scan<()> {
        let line = scanner.ahead(64);
        match line.iter().position(|b| matches!(b, b'{' | b'\n')) {
            Some(at) if line[at] == b'{' => {
                scanner.advance(at);
                Ok(())
            }
            None if line.len() < 64 => Err(Stop::Incomplete),
            _ => scanner.broken(),
        }
    }

    /// Reads on in an object after the wrapper that was found in it.
    fn outer_member(&mut self, name: Text<'_>, scanner: &mut Scanner<'_>) -> Scan<()> {
        match self.wrapper(name, Place::Anywhere, scanner)? {
            Some(frame) => self.open(frame, scanner),
            None => scanner.skip().map(drop),
        }
    }

    /// Tells which wrapper a member is, by its name and the kind of its value.
    fn wrapper(
        &self,
        name: Text<'_>,
        place: Place,
        scanner: &mut Scanner<'_>,
    ) -> Scan<Option<Frame>> {
        let is_array = |scanner: &mut Scanner<'_>| Ok(scanner.peek()? == b'[');
        let is_object = |scanner: &mut Scanner<'_>| Ok(scanner.peek()? == b'{');
        let Some(name) = name.unescaped() else {
            return Ok(None);
        };
        Ok(match name {
            b"Records" if is_array(scanner)? => Some(Frame::Array(Place::Records)),
            // LookupEvents; filter-log-events; a subscription's payload; Logs Insights.
            b"Events" | b"events" | b"results" if is_array(scanner)? => {
                Some(Frame::Array(Place::Anywhere))
            }
            b"logEvents" if is_array(scanner)? => Some(Frame::Array(place)),
            // EventBridge; what other collectors put round a record.
            b"detail" | b"_raw" if is_object(scanner)? => Some(Frame::Value(Place::Anywhere)),
            b"awslogs" if is_object(scanner)? => Some(Frame::Value(Place::AwsLogs)),
            _ => None,
        })
    }

    fn open(&mut self, frame: Frame, scanner: &mut Scanner<'_>) -> Scan<()> {
        if self.stack.len() >= MAX_DEPTH {
            return scanner.broken();
        }
        if let Frame::Array(_) = frame {
            scanner.bump();
        }
        self.stack.push(frame);
        Ok(())
    }

    fn element<'b, S: Sink>(
        &mut self,
        place: Place,
        scanner: &mut Scanner<'b>,
        out: &mut Out<'b, '_, S>,
    ) -> Scan<()> {
        match scanner.peek()? {
            b'{' => self.object(place, scanner, out),
            b'[' => self.open(Frame::Array(place), scanner),
            _ if self.stack.is_empty() => scanner.broken(),
            _ => {
                scanner.skip()?;
                match place {
                    Place::Records => out.sink.unreadable(Fault::Broken),
                    _ => out.sink.other(Kind::Foreign),
                }
                Ok(())
            }
        }
    }

    /// Reads an object whole, as a record or as what holds one in a string; or, at the first member
    /// that wraps records, enters it.
    fn object<'b, S: Sink>(
        &mut self,
        place: Place,
        scanner: &mut Scanner<'b>,
        out: &mut Out<'b, '_, S>,
    ) -> Scan<()> {
        let mut ahead = scanner.clone();
        let mut object = Object {
            near: out.batch.last().map_or(b"", |record| record.user_identity),
            ..Object::default()
        };
        let end = ahead.members_until(|scanner, name| {
            if object.member(name, scanner)? {
                return Ok(ControlFlow::Continue(()));
            }
            let log_events = if object.is_control {
                Place::Control
            } else {
                Place::Anywhere
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
            self.open(Frame::Object, scanner)?;
            return self.open(frame, scanner);
        }
        self.classify(place, &object, out);
        Ok(())
    }

    fn classify<'b, S: Sink>(&self, place: Place, object: &Object<'b>, out: &mut Out<'b, '_, S>) {
        if let Some(kind) = object.kind() {
            return out.sink.other(kind);
        }
        if object.record.is_event() {
            return out.event(object.record);
        }
        let sink = &mut *out.sink;
        match (place, object.text) {
            (Place::Control, _) => sink.other(Kind::ControlMessage),
            (Place::AwsLogs, Some(text)) => self.payload(text, sink),
            (_, Some(text)) if text.holds_json() => self.inside(text.decode().as_bytes(), sink),
            (Place::Records, _) => sink.unreadable(Fault::Broken),
            _ => sink.other(Kind::Foreign),
        }
    }

    /// Reads the payload that CloudWatch Logs sends to a Lambda function: gzip in base64.
    fn payload(&self, text: Text<'_>, sink: &mut impl Sink) {
        use base64::Engine as _;
        let decoded = base64::engine::general_purpose::STANDARD.decode(text.decode().as_bytes());
        let inflated = decoded
            .ok()
            .and_then(|gzip| gunzip::whole(&gzip, MAX_PAYLOAD));
        match inflated {
            Some(json) => self.inside(&json, sink),
            None => sink.unreadable(Fault::Broken),
        }
    }

    /// Reads a document that stands inside this one.
    fn inside(&self, json: &[u8], sink: &mut impl Sink) {
        if self.nesting >= 4 {
            return sink.unreadable(Fault::Broken);
        }
        let mut envelope = Envelope {
            nesting: self.nesting + 1,
            ..Envelope::default()
        };
        envelope.feed(json, true, sink);
    }
}

/// What is gathered of an object before it is known what it is.
#[derive(Default)]
struct Object<'a> {
    record: Record<'a>,
    /// The userIdentity of the record before.
    near: &'a [u8],
    /// A string that may be JSON itself.
    text: Option<Text<'a>>,
    is_control: bool,
    is_digest: bool,
    is_insight: bool,
    is_summary: bool,
    is_notification: bool,
}

impl<'a> Object<'a> {
    /// Reads one member if it says anything about the object; returns whether it did.
    #[inline]
    fn member(&mut self, name: Text<'a>, scanner: &mut Scanner<'a>) -> Scan<bool> {
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

    /// Tells what the object is, if something says that it is no event.
    fn kind(&self) -> Option<Kind> {
        let is = |field: Option<Text<'_>>, value| field.is_some_and(|text| text.is(value));
        let (kind, category) = (self.record.event_type, self.record.event_category);
        if self.is_insight || is(kind, "AwsCloudTrailInsight") || is(category, "Insight") {
            Some(Kind::Insight)
        } else if is(kind, "AwsAggregatedEvent") || is(category, "Aggregated") {
            Some(Kind::Aggregated)
        } else if self.is_digest {
            Some(Kind::Digest)
        } else if self.is_summary {
            Some(Kind::Summary)
        } else if self.is_notification || is(self.record.event_source, "aws:s3") {
            Some(Kind::Notification)
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
                Kind::Digest,
            ),
            (
                r#"{"Records":[{"eventVersion":"1.07","eventType":"AwsCloudTrailInsight","insightDetails":{}}]}"#,
                Kind::Insight,
            ),
            (
                r#"{"eventVersion":"1.11","eventCategory":"Aggregated","eventName":"x"}"#,
                Kind::Aggregated,
            ),
            (
                r#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL MESSAGE"}]}"#,
                Kind::ControlMessage,
            ),
            (
                r#"{"s3Bucket":"b","s3ObjectKey":["AWSLogs/x.json.gz"]}"#,
                Kind::Notification,
            ),
            (
                r#"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put"}]}"#,
                Kind::Notification,
            ),
            (
                r#"{"_metadata":{},"api_calls_by_principal":{}}"#,
                Kind::Summary,
            ),
            (r#"{"Statement":[]}"#, Kind::Foreign),
            (
                r#"{"detail-type":"GuardDuty Finding","detail":{"severity":5}}"#,
                Kind::Foreign,
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
    fn a_record_that_is_none_costs_itself() {
        let told = read(&format!(r#"{{"Records":[{EVENT},{{}},7,{EVENT}]}}"#));
        assert_eq!((told.events.len(), told.unreadable), (2, 2));
    }

    #[test]
    fn damage_costs_the_line_or_the_rest_of_the_file() {
        let damage = |document: &str| {
            let mut told = Told::default();
            let mut envelope = Envelope::default();
            envelope.feed(document.as_bytes(), true, &mut told);
            assert_eq!(read(document).unreadable, told.unreadable);
            (told.events.len(), told.unreadable, envelope.damage())
        };
        let lines = format!("{EVENT}\n{{\"eventName\":?}}\n{EVENT}\n");
        let at = EVENT.len() as u64 + 14;
        assert_eq!(damage(&lines), (2, 1, Some(Damage::Broken(at))));
        let middle = format!(r#"{{"Records":[{EVENT},{{"eventName" "x"}},{EVENT}]}}"#);
        assert!(matches!(damage(&middle), (1, 1, Some(Damage::Broken(_)))));
        let cut = format!(r#"{{"Records":[{EVENT},{{"eventName":"x"#);
        assert_eq!(damage(&cut), (1, 1, Some(Damage::CutOff(cut.len() as u64))));
        let open = format!(r#"{{"Records":[{EVENT}"#);
        assert_eq!(
            damage(&open),
            (1, 0, Some(Damage::CutOff(open.len() as u64)))
        );
        let deep = "[".repeat(1000);
        assert!(matches!(damage(&deep), (0, 1, Some(Damage::Broken(_)))));
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
