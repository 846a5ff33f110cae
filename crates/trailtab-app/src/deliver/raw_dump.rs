//! Writes a copy of the raw records, by region.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::files::{NewFolder, WriteError};
use super::temporary::Readers;
use trailtab_render::escape;

/// Writes records to one JSON Lines file per region. Only the owner may read the files.
pub struct RawDump {
    folder: NewFolder,
    regions: Mutex<HashMap<String, Vec<u8>>>,
    failure: Mutex<Option<WriteError>>,
}

/// Bytes to buffer per region before writing.
const BATCH_BYTES: usize = 256 << 10;

/// Regions to buffer at the same time. Accounts have about thirty; forged records with more must
/// not fill the memory.
const MAX_BUFFERED_REGIONS: usize = 256;

impl RawDump {
    /// Creates a folder with a temporary name in a directory.
    ///
    /// # Errors
    ///
    /// Fails on an I/O error.
    pub fn create(directory: &Path) -> Result<Self, WriteError> {
        Ok(RawDump {
            folder: NewFolder::create(&directory.join("raw_cloudtrail_data"), Readers::Owner)?,
            regions: Mutex::default(),
            failure: Mutex::default(),
        })
    }

    /// Adds a record. An I/O error is returned later, by [`RawDump::finish`].
    pub fn add(&self, region: &str, record: &[u8]) {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = regions.entry(escape::file_name(region)).or_default();
        compact(record, lines);
        lines.push(b'\n');
        if lines.len() >= BATCH_BYTES || regions.len() > MAX_BUFFERED_REGIONS {
            self.append(&mut regions);
        }
    }

    /// Writes the rest and renames the folder to `target`, with a number appended if that exists.
    /// Returns its path.
    ///
    /// # Errors
    ///
    /// Returns the first error of all writes; then the folder is removed.
    pub fn finish(mut self, target: &Path) -> Result<PathBuf, WriteError> {
        self.append(&mut self.regions.lock().unwrap_or_else(PoisonError::into_inner));
        let failure = self
            .failure
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match failure {
            Some(failure) => Err(failure),
            None => self.folder.finish(target),
        }
    }

    fn append(&self, regions: &mut HashMap<String, Vec<u8>>) {
        for (region, lines) in regions.drain() {
            let name = PathBuf::from(format!("{region}.jsonl"));
            if let Err(error) = self.folder.append(&name, &lines) {
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(error);
            }
        }
    }
}

/// Copies JSON without the white space between its values, so that a record fits on one line.
pub(crate) fn compact(json: &[u8], out: &mut Vec<u8>) {
    let mut in_string = false;
    let mut escaped = false;
    for &b in json {
        if in_string {
            in_string = escaped || b != b'"';
            escaped = !escaped && b == b'\\';
            // JSON strings cannot contain line breaks; replace them so that the record stays on one
            // line.
            out.push(if b == b'\n' || b == b'\r' { b' ' } else { b });
        } else if !b.is_ascii_whitespace() {
            in_string = b == b'"';
            out.push(b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_json_is_the_same_json() {
        let json = "{ \"a\" : [ 1 , \"x \\\" y\" ],\n \"b\\\\\" : \"\\u0041 \" }";
        let mut out = Vec::new();
        compact(json.as_bytes(), &mut out);
        let (before, after): (serde_json::Value, serde_json::Value) = (
            serde_json::from_str(json).unwrap(),
            serde_json::from_slice(&out).unwrap(),
        );
        assert_eq!(before, after);
        assert_eq!(out, br#"{"a":[1,"x \" y"],"b\\":"\u0041 "}"#);
    }
}
