//! Reads and writes the ledger of an account and region: append-only JSON lines.
//!
//! Replayed in order, the lines give the covered seconds and the log files. A line is valid only
//! with its line break.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use trailtab_core::time::{self, Seconds, TimeRange};

/// One line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum LedgerLine {
    /// A page was kept.
    Page(PageLine),
    /// A log file is missing or damaged, and its seconds must be fetched again.
    Lost(LostLine),
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageLine {
    /// The seconds [from, until) that the page completes; empty if both are equal.
    #[serde(with = "iso_time")]
    pub(super) from: Seconds,
    #[serde(with = "iso_time")]
    pub(super) until: Seconds,
    pub(super) files: Vec<FileLine>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileLine {
    pub(super) name: String,
    pub(super) events: u32,
    /// Compressed size.
    pub(super) bytes: u64,
    /// Of the compressed file.
    #[serde(with = "hex")]
    pub(super) sha256: [u8; 32],
    #[serde(with = "iso_time")]
    pub(super) oldest: Seconds,
    #[serde(with = "iso_time")]
    pub(super) newest: Seconds,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LostLine {
    pub(super) name: String,
    /// The seconds [from, until) that are no longer covered.
    #[serde(with = "iso_time")]
    pub(super) from: Seconds,
    #[serde(with = "iso_time")]
    pub(super) until: Seconds,
}

impl PageLine {
    pub(super) fn span(&self) -> TimeRange {
        TimeRange {
            from: self.from,
            until: self.until,
        }
    }
}

impl LostLine {
    pub(super) fn span(&self) -> TimeRange {
        TimeRange {
            from: self.from,
            until: self.until,
        }
    }
}

/// A parsed ledger file.
#[derive(Debug, Default)]
pub(super) struct ArchiveLedger {
    /// All lines with their numbers, from 1; `None` for an invalid line.
    pub(super) lines: Vec<(usize, Option<LedgerLine>)>,
    /// The length of the file up to its torn last line, if there is one.
    pub(super) torn: Option<u64>,
}

impl ArchiveLedger {
    /// Reads a ledger. A missing file is an empty ledger.
    pub(super) fn read(path: &Path) -> io::Result<ArchiveLedger> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(ArchiveLedger::parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(ArchiveLedger::default()),
            Err(error) => Err(error),
        }
    }

    fn parse(bytes: &[u8]) -> ArchiveLedger {
        let whole = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
        let lines = bytes[..whole].split_inclusive(|b| *b == b'\n');
        let lines = (1..).zip(lines.map(|line| serde_json::from_slice(line).ok()));
        ArchiveLedger {
            lines: lines.collect(),
            torn: (whole < bytes.len()).then_some(whole as u64),
        }
    }
}

impl LedgerLine {
    /// Serializes the line with its line break.
    pub(super) fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// Times as `2026-09-07T08:00:00Z`.
mod iso_time {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::{Seconds, time};

    pub(super) fn serialize<S: Serializer>(time: &Seconds, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&time::iso(*time))
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Seconds, D::Error> {
        let text = String::deserialize(from)?;
        time::parse(text.as_bytes()).ok_or_else(|| D::Error::custom("no time"))
    }
}

/// SHA-256 as hexadecimal digits.
mod hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use trailtab_core::digits;

    pub(super) fn serialize<S: Serializer>(sum: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&digits::hex(sum))
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        let sum = digits::unhex(&text).and_then(|bytes| bytes.try_into().ok());
        sum.ok_or_else(|| D::Error::custom("no SHA-256"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> LedgerLine {
        LedgerLine::Page(PageLine {
            from: 1_788_768_000,
            until: 1_788_771_600,
            files: vec![FileLine {
                name: "x.json.gz".to_owned(),
                events: 50,
                bytes: 4321,
                sha256: std::array::from_fn(|at| at as u8 * 8),
                oldest: 1_788_768_000,
                newest: 1_788_771_599,
            }],
        })
    }

    #[test]
    fn a_line_is_written_as_documented() {
        let line = String::from_utf8(page().to_bytes().unwrap()).unwrap();
        assert_eq!(
            line,
            "{\"page\":{\"from\":\"2026-09-07T08:00:00Z\",\"until\":\"2026-09-07T09:00:00Z\",\
             \"files\":[{\"name\":\"x.json.gz\",\"events\":50,\"bytes\":4321,\"sha256\":\
             \"0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8\",\
             \"oldest\":\"2026-09-07T08:00:00Z\",\"newest\":\"2026-09-07T08:59:59Z\"}]}}\n"
        );
        assert_eq!(
            ArchiveLedger::parse(line.as_bytes()).lines,
            [(1, Some(page()))]
        );
    }

    #[test]
    fn a_torn_line_is_recognised_wherever_it_was_torn() {
        let one = page().to_bytes().unwrap();
        for cut in 0..one.len() {
            let ledger = ArchiveLedger::parse(&[&one[..], &one[..cut]].concat());
            assert_eq!(ledger.lines, [(1, Some(page()))]);
            assert_eq!(ledger.torn, (cut > 0).then_some(one.len() as u64), "{cut}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_costs_itself() {
        let one = String::from_utf8(page().to_bytes().unwrap()).unwrap();
        let odd = one.replace("\"events\"", "\"event\"");
        let ledger = ArchiveLedger::parse(format!("{one}\n{odd}{one}\0\0\n{one}").as_bytes());
        let readable: Vec<_> = ledger.lines.iter().map(|line| line.1.is_some()).collect();
        assert_eq!(readable, [true, false, false, true, false, true]);
    }
}
