//! Results in files.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::render::escape;

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub(crate) struct WriteError {
    path: PathBuf,
    source: io::Error,
}

/// Makes a directory with all that lead to it.
///
/// # Errors
///
/// If the system refuses.
pub(crate) fn make_directory(path: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(path).map_err(|source| WriteError {
        path: path.to_owned(),
        source,
    })
}

/// Writes a file whole: whoever looks sees all of it or nothing.
///
/// # Errors
///
/// If the system refuses.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let failed = |source| WriteError {
        path: path.to_owned(),
        source,
    };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    fs::write(&part, bytes).map_err(failed)?;
    fs::rename(&part, path).map_err(failed)
}

/// Copies records to one file for each region, one compact JSON text a line.
pub(crate) struct RawDump {
    directory: PathBuf,
    regions: Mutex<HashMap<String, Vec<u8>>>,
    failure: Mutex<Option<WriteError>>,
}

/// Bytes gathered for a region before they are written.
const BATCH: usize = 256 << 10;

impl RawDump {
    /// Makes the directory.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub(crate) fn create(directory: PathBuf) -> Result<Self, WriteError> {
        make_directory(&directory)?;
        Ok(RawDump {
            directory,
            regions: Mutex::default(),
            failure: Mutex::default(),
        })
    }

    /// Takes one record; a failure is kept for [`RawDump::finish`].
    pub(crate) fn add(&self, region: &str, record: &[u8]) {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = regions.entry(escape::file_name(region)).or_default();
        compact(record, lines);
        lines.push(b'\n');
        // Real accounts have some thirty regions; whoever invents more shall not fill the memory.
        if lines.len() >= BATCH || regions.len() > 256 {
            self.append(&mut regions);
        }
    }

    /// Writes what is left, and gives the directory its name.
    ///
    /// # Errors
    ///
    /// The first failure of all writes.
    pub(crate) fn finish(mut self, target: &Path) -> Result<(), WriteError> {
        self.append(&mut self.regions.lock().unwrap_or_else(PoisonError::into_inner));
        let failure = self
            .failure
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match failure {
            Some(failure) => Err(failure),
            None => fs::rename(&self.directory, target).map_err(|source| WriteError {
                path: target.to_owned(),
                source,
            }),
        }
    }

    fn append(&self, regions: &mut HashMap<String, Vec<u8>>) {
        for (region, lines) in regions.drain() {
            let path = self.directory.join(format!("{region}.jsonl"));
            let file = OpenOptions::new().create(true).append(true).open(&path);
            if let Err(source) = file.and_then(|mut file| file.write_all(&lines)) {
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(WriteError { path, source });
            }
        }
    }
}

impl Drop for RawDump {
    /// Takes the directory away again if nothing was ever written to it, as when a run fails.
    fn drop(&mut self) {
        // Otherwise it holds something, or has another name by now.
        let _ = fs::remove_dir(&self.directory);
    }
}

/// Copies JSON without the white space between its values, so that a record is one line.
fn compact(json: &[u8], out: &mut Vec<u8>) {
    let mut in_string = false;
    let mut escaped = false;
    for &b in json {
        if in_string {
            in_string = escaped || b != b'"';
            escaped = !escaped && b == b'\\';
            // A line break within a string is no JSON; the line must stay one.
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
