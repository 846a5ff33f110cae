//! The lower bound for reading `CloudTrail` logs: inflates every `.gz` file of a directory tree in one thread with one
//! reused buffer, and only counts the bytes.
//!
//! `inflate DIR` prints `FILES BYTES`. `compare.py` builds and runs it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use libdeflater::{DecompressionError, Decompressor};

fn main() -> io::Result<()> {
    // Cargo may pass `--bench` before the directory.
    let Some(dir) = std::env::args().skip(1).find(|arg| !arg.starts_with("--")) else {
        return Ok(()); // run by `cargo bench` without a directory
    };
    let mut files = Vec::new();
    find(Path::new(&dir), &mut files)?;

    let mut inflater = Decompressor::new();
    let (mut packed, mut body, mut bytes) = (Vec::new(), Vec::new(), 0);
    for path in &files {
        packed.clear();
        File::open(path)?.read_to_end(&mut packed)?;
        bytes += inflate(&mut inflater, &packed, &mut body).map_err(|error| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{}: {error}", path.display()),
            )
        })?;
    }
    writeln!(io::stdout(), "{} {bytes}", files.len())
}

fn find(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "gz") {
            files.push(path);
        }
    }
    Ok(())
}

/// Inflates one gzip member into `body`, which grows to the size in the trailer and never shrinks.
fn inflate(
    inflater: &mut Decompressor,
    packed: &[u8],
    body: &mut Vec<u8>,
) -> Result<usize, DecompressionError> {
    let trailer = packed.last_chunk().ok_or(DecompressionError::BadData)?;
    let size = u32::from_le_bytes(*trailer) as usize;
    if body.len() < size {
        body.resize(size, 0);
    }
    inflater.gzip_decompress(packed, body)
}
