//! Messages of log events: records as strings of JSON, as CloudWatch Logs delivers and exports them.
//!
//! A message is unescaped while its end is searched, into a buffer for many messages, whose records
//! are then read one after the other and looked up together. Anything else, or more than one
//! record, is left to the general reader.

use std::ops::Range;

use super::batch::RecordBatch;
use super::content::RecordSink;
use super::object::OpenObject;
use super::{EnvelopeReader, MAX_NESTING, WrapperFrame, WrapperPlace};
use crate::event::record::{EventRecord, RecordOrigin};
use crate::event::scan::{JsonScanner, ScanResult, ScanStop, UnescapedText};

/// Unescaped messages are read when there are this many bytes of them: they are still in the
/// processor's cache then.
const MAX_WAITING_BYTES: usize = 64 << 10;

/// Messages whose records have not been read.
#[derive(Default)]
pub(super) struct WaitingMessages<'b> {
    /// The unescaped messages.
    text: UnescapedText,
    messages: Vec<Message<'b>>,
}

struct Message<'b> {
    /// The JSON of the log event.
    log_event: &'b [u8],
    /// The place of the message in the text.
    text: Range<usize>,
}

impl<'b> WaitingMessages<'b> {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.text.len() >= MAX_WAITING_BYTES
    }

    /// Takes the log event at the scanner if it has a message and nothing else that a record is read
    /// from; returns whether it did.
    pub(super) fn take(&mut self, scanner: &mut JsonScanner<'b>) -> ScanResult<bool> {
        let start = self.text.len();
        let mut ahead = scanner.clone();
        let read = self.log_event(&mut ahead);
        if read == Ok(()) && self.text.len() > start {
            self.messages.push(Message {
                log_event: scanner.until(&ahead),
                text: start..self.text.len(),
            });
            *scanner = ahead;
            return Ok(true);
        }
        self.text.truncate(start);
        match read {
            Err(ScanStop::Incomplete) => Err(ScanStop::Incomplete),
            _ => Ok(false),
        }
    }

    /// Unescapes the message of a log event; fails at a member that the general reader must see.
    fn log_event(&mut self, scanner: &mut JsonScanner<'b>) -> ScanResult<()> {
        let mut has_message = false;
        scanner.members(|scanner, name| {
            match name.unescaped() {
                Some(b"message") if !has_message && scanner.peek()? == b'"' => {
                    has_message = true;
                    scanner.bump();
                    let len = self.text.push_string(scanner.ahead(usize::MAX))?;
                    scanner.advance(len);
                }
                Some(b"id" | b"timestamp" | b"eventId" | b"ingestionTime" | b"logStreamName") => {
                    scanner.skip()?;
                }
                _ => return scanner.broken(),
            }
            Ok(())
        })
    }

    /// Reads the records of all messages. `nesting` is the number of documents around the log events.
    pub(super) fn read(&mut self, nesting: usize, sink: &mut impl RecordSink) {
        let mut reader = EnvelopeReader {
            nesting,
            ..EnvelopeReader::default()
        };
        let mut out = RecordBatch::new(nesting, &mut *sink);
        for message in self.messages.drain(..) {
            let text = self.text.bytes().get(message.text).unwrap_or_default();
            match record(&mut reader, text, out.last_identity()) {
                Some(record) => out.event(record),
                None => read_any(message.log_event, nesting, out.sink),
            }
        }
        out.flush();
        self.text.truncate(0);
    }
}

/// Returns whether a log event begins here, as CloudWatch Logs writes one: in compact JSON. Records
/// begin with other names.
pub(super) fn begins_log_event(scanner: &JsonScanner<'_>) -> bool {
    const NAMES: [&[u8]; 4] = [
        b"id\":",
        b"timestamp\":",
        b"message\":",
        b"logStreamName\":",
    ];
    let ahead = scanner.ahead(20).strip_prefix(b"{\"");
    ahead.is_some_and(|ahead| NAMES.iter().any(|name| ahead.starts_with(name)))
}

/// Reads a message that is one record of CloudTrail and nothing else.
fn record<'t>(
    reader: &mut EnvelopeReader,
    text: &'t [u8],
    near: &'t [u8],
) -> Option<EventRecord<'t>> {
    if reader.nesting >= MAX_NESTING {
        return None;
    }
    let mut scanner = JsonScanner::new(text, 0);
    let mut object = OpenObject::after(near);
    let wrapper = reader.open_object(&mut scanner, &mut object).ok()?;
    let is_alone = scanner.ahead(usize::MAX).trim_ascii().is_empty();
    let record = object.record;
    let is_record = is_alone
        && wrapper.is_none()
        && object.kind().is_none()
        && record.is_event()
        && !record.user_identity.is_empty()
        && record.origin() == RecordOrigin::CloudTrail;
    is_record.then_some(record)
}

/// Reads a log event with the general reader.
fn read_any(log_event: &[u8], nesting: usize, sink: &mut impl RecordSink) {
    let mut reader = EnvelopeReader {
        stack: vec![WrapperFrame::Array(WrapperPlace::Anywhere)],
        nesting,
        ..EnvelopeReader::default()
    };
    let mut out = RecordBatch::new(nesting, sink);
    let mut scanner = JsonScanner::new(log_event, 0);
    // The log event was read to its end before, and none of its members is a wrapper.
    let _ = reader.object(WrapperPlace::Anywhere, &mut scanner, &mut out);
    out.flush();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::envelope::{ContentKind, RecordFault};

    const RECORD: &str =
        r#"{"eventVersion":"1.08","eventName":"X","userIdentity":{"type":"Root"}}"#;

    /// The sizes of the batches that a sink gets.
    #[derive(Default)]
    struct BatchSizes(Vec<usize>);

    impl RecordSink for BatchSizes {
        fn events(&mut self, records: &[EventRecord<'_>]) {
            self.0.extend(Some(records.len()).filter(|len| *len > 0));
        }
        fn other(&mut self, _: ContentKind) {}
        fn unreadable(&mut self, _: RecordFault) {}
    }

    fn batch_sizes(messages: &[&str]) -> Vec<usize> {
        let events = messages.iter().map(|message| {
            let message = serde_json::Value::from(*message);
            format!(r#"{{"id":"1","timestamp":1,"message":{message}}}"#)
        });
        let document = format!(
            r#"{{"logEvents":[{}]}}"#,
            events.collect::<Vec<_>>().join(",")
        );
        let mut sizes = BatchSizes::default();
        EnvelopeReader::default().feed(document.as_bytes(), true, &mut sizes);
        sizes.0
    }

    #[test]
    fn records_of_messages_come_together() {
        assert_eq!(batch_sizes(&[RECORD, RECORD, RECORD]), [3]);
        let two = format!("{RECORD}\n{RECORD}");
        assert_eq!(batch_sizes(&[RECORD, "no record", RECORD, &two]), [2, 2]);
        let sizes = batch_sizes(&[RECORD; 2000]);
        assert_eq!(sizes.iter().sum::<usize>(), 2000);
        assert!(sizes.len() < 40, "{sizes:?}");
    }
}
