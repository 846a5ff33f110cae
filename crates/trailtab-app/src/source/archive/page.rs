//! Makes log files from a page of events.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use libdeflater::{CompressionLvl, Compressor};

use super::PageEvent;
use super::layout::{ArchivePaths as _, DAY, UniqueSuffix};
use super::ledger::FileLine;
use trailtab_core::scope::Scope;

/// A log file to be written.
pub(super) struct NewLogFile {
    pub(super) line: FileLine,
    /// The compressed bytes.
    pub(super) stored: Vec<u8>,
}

/// Makes one file per day. Deterministic: the same events in the same order make the same files.
///
/// `None` says that they do not fit into memory.
pub(super) fn files(scope: &Scope, events: &[&PageEvent<'_>]) -> Option<Vec<NewLogFile>> {
    let mut days: BTreeMap<i64, Vec<&PageEvent<'_>>> = BTreeMap::new();
    for event in events {
        let day = days.entry(event.time.div_euclid(DAY)).or_default();
        day.push(event);
    }
    days.values().map(|events| file(scope, events)).collect()
}

fn file(scope: &Scope, events: &[&PageEvent<'_>]) -> Option<NewLogFile> {
    let times = || events.iter().map(|event| event.time);
    let (oldest, newest) = (times().min()?, times().max()?);
    let records: Vec<&str> = events.iter().map(|event| event.json).collect();
    let json = format!("{{\"Records\":[{}]}}", records.join(","));
    let stored = gzip(json.as_bytes())?;
    let line = FileLine {
        name: scope.name(newest, &unique(&sha256(json.as_bytes()))),
        events: u32::try_from(events.len()).ok()?,
        bytes: stored.len() as u64,
        sha256: sha256(&stored),
        oldest,
        newest,
    };
    Some(NewLogFile { line, stored })
}

pub(super) fn gzip(json: &[u8]) -> Option<Vec<u8>> {
    let mut compressor = Compressor::new(CompressionLvl::default());
    let mut stored = vec![0; compressor.gzip_compress_bound(json.len())];
    let size = compressor.gzip_compress(json, &mut stored).ok()?;
    stored.truncate(size);
    Some(stored)
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    // SHA-256 has 32 bytes.
    digest(&SHA256, bytes)
        .as_ref()
        .try_into()
        .unwrap_or_default()
}

/// Encodes 80 bits of a checksum in lowercase, so that case-insensitive file systems tell names
/// apart.
fn unique(sum: &[u8; 32]) -> UniqueSuffix {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bits = u128::from_be_bytes(*sum.first_chunk().unwrap_or(&[0; 16]));
    [(); 16].map(|()| {
        bits = bits.rotate_left(5);
        LETTERS[(bits % 32) as usize]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_two_days_makes_two_files() {
        let scope = Scope {
            account: "111122223333".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
        };
        let midnight = 20_000 * DAY;
        let event = |time, id| PageEvent {
            time,
            id,
            json: "{}",
        };
        let events = [
            event(midnight + 1, "c"),
            event(midnight, "b"),
            event(midnight - 1, "a"),
        ];
        let events: Vec<&PageEvent<'_>> = events.iter().collect();
        let made = files(&scope, &events).unwrap();
        let lines: Vec<_> = made.iter().map(|file| &file.line).collect();
        assert_eq!([lines[0].events, lines[1].events], [1, 2]);
        assert_eq!((lines[1].oldest, lines[1].newest), (midnight, midnight + 1));
        let again = files(&scope, &events).unwrap();
        assert_eq!(made[1].line, again[1].line);
        assert_eq!(made[1].stored, again[1].stored);
    }

    #[test]
    fn checksums_differ_in_sixteen_letters() {
        assert_eq!(&unique(&[0; 32]), b"aaaaaaaaaaaaaaaa");
        let mut sum = [0; 32];
        sum[9] = 1;
        assert_eq!(&unique(&sum), b"aaaaaaaaaaaaaaab");
        sum[0] = 0x80;
        assert_eq!(&unique(&sum), b"qaaaaaaaaaaaaaab");
    }
}
