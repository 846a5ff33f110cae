//! Reads back a log file of the archive, strictly: one gzip member with records, and nothing after
//! it.

use flate2::{Decompress, FlushDecompress, Status};
use serde::Deserialize;

/// Far above the size of a page.
const MAX_INFLATED_BYTES: usize = 1 << 30;

/// How a file differs from what the archive writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FileMismatch {
    #[error("is not a gzip file, or damaged")]
    Gzip,
    #[error("has data after its end")]
    Trailing,
    #[error("inflates to more than {} MiB", MAX_INFLATED_BYTES >> 20)]
    TooLarge,
    #[error("is not a CloudTrail log file: {0}")]
    Json(String),
}

#[derive(Debug, Deserialize)]
struct FileContents {
    #[serde(rename = "Records")]
    records: Vec<RecordStub>,
}

/// The fields of a record that the archive uses.
#[derive(Debug, Deserialize)]
pub(super) struct RecordStub {
    #[serde(rename = "eventID")]
    pub(super) id: Option<String>,
    #[serde(rename = "eventTime")]
    pub(super) time: Option<String>,
}

/// Parses a file's records.
pub(super) fn entries(stored: &[u8]) -> Result<Vec<RecordStub>, FileMismatch> {
    let json = inflate(stored)?;
    let contents: FileContents =
        serde_json::from_slice(&json).map_err(|error| FileMismatch::Json(error.to_string()))?;
    Ok(contents.records)
}

fn inflate(stored: &[u8]) -> Result<Vec<u8>, FileMismatch> {
    let mut inflater = Decompress::new_gzip(15);
    let mut json = Vec::with_capacity(stored.len().saturating_mul(8).clamp(1 << 10, 16 << 20));
    loop {
        let (read, written) = (inflater.total_in(), json.len());
        let rest = usize::try_from(read).ok().and_then(|at| stored.get(at..));
        let status = inflater
            .decompress_vec(rest.unwrap_or_default(), &mut json, FlushDecompress::None)
            .map_err(|_| FileMismatch::Gzip)?;
        let is_stuck = inflater.total_in() == read && json.len() == written;
        match status {
            Status::StreamEnd if inflater.total_in() == stored.len() as u64 => return Ok(json),
            Status::StreamEnd => return Err(FileMismatch::Trailing),
            _ if json.len() > MAX_INFLATED_BYTES => return Err(FileMismatch::TooLarge),
            _ if json.len() == json.capacity() => json.reserve(json.len()),
            _ if is_stuck => return Err(FileMismatch::Gzip),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::archive::page::gzip;

    fn ids(stored: &[u8]) -> Result<Vec<Option<String>>, FileMismatch> {
        Ok(entries(stored)?.into_iter().map(|entry| entry.id).collect())
    }

    #[test]
    fn only_files_written_by_an_archive_are_accepted() {
        let good = gzip(br#"{"Records":[{"eventID":"a","eventTime":"x"},{"other":1}]}"#).unwrap();
        assert_eq!(ids(&good), Ok(vec![Some("a".to_owned()), None]));
        assert_eq!(
            ids(&[&good[..], &good].concat()),
            Err(FileMismatch::Trailing)
        );
        assert_eq!(
            ids(&[&good[..], b"x"].concat()),
            Err(FileMismatch::Trailing)
        );
        for cut in 0..good.len() {
            assert_eq!(ids(&good[..cut]), Err(FileMismatch::Gzip), "{cut}");
        }
        let other = ids(&gzip(b"{\"Events\":[]}").unwrap());
        assert!(matches!(other, Err(FileMismatch::Json(_))), "{other:?}");
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert_eq!(ids(&flipped), Err(FileMismatch::Gzip));
    }

    #[test]
    fn a_file_may_shrink_to_little() {
        let record = r#"{"eventID":"a","x":"#.to_owned() + &"1".repeat(100_000) + "}";
        let records = vec![record; 20].join(",");
        let stored = gzip(format!("{{\"Records\":[{records}]}}").as_bytes()).unwrap();
        assert!(stored.len() < 20_000);
        assert_eq!(ids(&stored).unwrap().len(), 20);
    }
}
