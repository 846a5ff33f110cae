//! The payload of a subscription of CloudWatch Logs: JSON, compressed with gzip, in base64.
//!
//! A small payload is inflated whole, by the fast library. A large one is decoded, inflated and read piece by piece:
//! 10,000 events are 16 MB of JSON, and touching that many new pages of memory takes longer than inflating.

use std::io::{self, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use flate2::read::MultiGzDecoder;

use super::EnvelopeReader;
use super::content::{RecordFault, RecordSink};
use crate::event::gunzip::Inflater;

/// Maximum size in bytes of a payload in base64 that is inflated whole: that of some 1,000 events.
const MAX_SMALL_BASE64_BYTES: usize = 512 << 10;

/// Maximum size in bytes of what is inflated whole.
const MAX_SMALL_BYTES: usize = 4 << 20;

/// Bytes that are inflated before they are read. They and what is made of them stay in the processor's cache.
const PIECE_BYTES: usize = 128 << 10;

/// Reads the records of a payload of at most `max_bytes` when inflated. A payload that is damaged or larger is one
/// fault, after the records before the damage.
pub(super) fn read_payload(
    base64: &[u8],
    max_bytes: usize,
    mut reader: EnvelopeReader,
    sink: &mut impl RecordSink,
) {
    if base64.len() <= MAX_SMALL_BASE64_BYTES
        && let Ok(gzip) = STANDARD.decode(base64)
        && let Some(json) = Inflater::new(MAX_SMALL_BYTES.min(max_bytes)).inflate(&gzip)
    {
        reader.feed(json, true, sink);
        return;
    }
    read_pieces(base64, max_bytes, reader, sink);
}

/// Reads a payload that is large, damaged, or has several members.
fn read_pieces(
    base64: &[u8],
    max_bytes: usize,
    mut reader: EnvelopeReader,
    sink: &mut impl RecordSink,
) {
    let gzip = DecoderReader::new(base64, &STANDARD);
    // One byte more, which only a payload that is too large has.
    let mut inflated = MultiGzDecoder::new(gzip).take(max_bytes as u64 + 1);
    let mut buffer = vec![0; PIECE_BYTES];
    let mut len = 0;
    loop {
        let is_readable = fill(&mut inflated, &mut buffer, &mut len).is_ok();
        let is_damaged = !is_readable || inflated.limit() == 0;
        let is_end = !is_damaged && len < buffer.len();
        let used = reader.feed(buffer.get(..len).unwrap_or_default(), is_end, sink);
        if is_damaged {
            return sink.unreadable(RecordFault::Payload);
        }
        if is_end {
            return;
        }
        buffer.copy_within(used..len, 0);
        len -= used;
        if used == 0 {
            buffer.resize(2 * buffer.len(), 0);
        }
    }
}

/// Reads into a buffer, after its first `len` bytes, until it is full or the end is reached; adds to `len` what was
/// read, also before a failure.
fn fill(from: &mut impl Read, buffer: &mut [u8], len: &mut usize) -> io::Result<()> {
    while let Some(room) = buffer.get_mut(*len..).filter(|room| !room.is_empty()) {
        match from.read(room)? {
            0 => break,
            more => *len += more,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::event::envelope::ContentKind;
    use crate::event::record::EventRecord;

    /// The names of the events and the faults that a sink gets.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct Seen {
        names: Vec<String>,
        faults: Vec<RecordFault>,
    }

    impl RecordSink for Seen {
        fn events(&mut self, records: &[EventRecord<'_>]) {
            let name = |record: &EventRecord<'_>| record.event_name.unwrap().decode().into_owned();
            self.names.extend(records.iter().map(name));
        }
        fn other(&mut self, _: ContentKind) {}
        fn unreadable(&mut self, fault: RecordFault) {
            self.faults.push(fault);
        }
    }

    /// A delivery whose messages have about these sizes in bytes.
    fn delivery(sizes: &[usize]) -> String {
        let messages = sizes.iter().enumerate().map(|(i, size)| {
            let padding = "\\\"".repeat(size / 2);
            let record = format!(
                r#"{{"eventVersion":"1.08","userIdentity":{{"type":"Root"}},"eventName":"Call{i}","requestParameters":"{padding}"}}"#
            );
            format!(r#"{{"id":"{i}","timestamp":1,"message":{}}}"#, serde_json::Value::from(record))
        });
        let messages: Vec<String> = messages.collect();
        format!(
            r#"{{"messageType":"DATA_MESSAGE","logEvents":[{}]}}"#,
            messages.join(",")
        )
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn read(gzip: &[u8], max_bytes: usize) -> Seen {
        read_base64(STANDARD.encode(gzip).as_bytes(), max_bytes)
    }

    /// Reads a payload, and checks that reading it in pieces finds the same.
    fn read_base64(base64: &[u8], max_bytes: usize) -> Seen {
        let (mut seen, mut in_pieces) = (Seen::default(), Seen::default());
        // Inside the event of a function.
        let reader = || EnvelopeReader {
            nesting: 1,
            ..EnvelopeReader::default()
        };
        read_payload(base64, max_bytes, reader(), &mut seen);
        read_pieces(base64, max_bytes, reader(), &mut in_pieces);
        assert_eq!(seen, in_pieces);
        seen
    }

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|i| format!("Call{i}")).collect()
    }

    #[test]
    fn messages_across_pieces_and_larger_than_a_piece_are_read() {
        let piece = PIECE_BYTES;
        let mixed: Vec<usize> = (0..400).map(|i| 100 + i * 37 % 4000).collect();
        for sizes in [&[][..], &[10], &mixed, &[10, piece, 10, 5 * piece, 10]] {
            let json = delivery(sizes);
            let seen = read(&gzip(&json), json.len());
            assert_eq!(seen.names, names(sizes.len()));
            assert_eq!(seen.faults, []);
        }
    }

    #[test]
    fn json_that_ends_between_events_is_a_fault() {
        let json = delivery(&[10, 10]);
        let cut = json.rfind(r#",{"id":"1""#).unwrap();
        let seen = read(&gzip(&json[..cut]), json.len());
        assert_eq!(seen.names, names(1));
        assert_eq!(seen.faults, [RecordFault::Truncated]);
    }

    #[test]
    fn a_payload_of_exactly_one_piece_ends_there() {
        let mut json = delivery(&[10]);
        json += &" ".repeat(PIECE_BYTES - json.len());
        assert_eq!(read(&gzip(&json), PIECE_BYTES).names, names(1));
    }

    #[test]
    fn damage_is_one_fault_after_the_events_before_it() {
        let json = delivery(&[3000; 200]);
        let whole = gzip(&json);
        let check = |seen: Seen, what: &str| {
            assert_eq!(seen.faults, [RecordFault::Payload], "{what}");
            assert_eq!(seen.names, names(seen.names.len()), "{what}");
            seen.names.len()
        };
        let cut = check(read(&whole[..whole.len() / 2], json.len()), "cut");
        assert!((1..200).contains(&cut), "{cut}");
        let mut wrong = whole.clone();
        wrong[whole.len() - 8] ^= 1;
        assert!(check(read(&wrong, json.len()), "wrong checksum") > 100);
        assert!(check(read(&whole, json.len() / 2), "too large") < 200);
        let mut base64 = STANDARD.encode(&whole).into_bytes();
        let middle = base64.len() / 2;
        base64[middle] = b'!';
        check(read_base64(&base64, json.len()), "no base64");
        check(read(b"", 100), "empty");
        check(
            read(&[&whole[..], b"more"].concat(), json.len()),
            "trailing bytes",
        );
    }

    #[test]
    fn members_one_after_the_other_are_one_document() {
        let json = delivery(&[500; 10]);
        let (head, tail) = json.split_at(json.len() / 2);
        let seen = read(&[gzip(head), gzip(tail)].concat(), json.len());
        assert_eq!((seen.names, seen.faults), (names(10), vec![]));
    }

    #[test]
    fn a_document_that_ends_early_is_no_damage_of_the_payload() {
        let json = delivery(&[500; 10]);
        let seen = read(&gzip(&json[..json.len() / 2]), json.len());
        assert_eq!(seen.faults, [RecordFault::Truncated]);
    }
}
