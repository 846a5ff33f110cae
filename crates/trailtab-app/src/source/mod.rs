//! Where records come from. Each source gives documents; [`document`] reads any of them.

pub mod archive;
mod decode;
pub mod document;
pub mod files;
mod format;
pub mod interrupt;
pub mod lookup_events;
pub mod progress;
pub mod public_keys;
mod pump;
pub mod s3;
mod seal;

use std::ffi::OsString;
use std::path::PathBuf;

/// A place that the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, or a directory with all that is below it.
    Path(PathBuf),
    /// The standard input.
    Stdin,
    /// A bucket and the beginning of keys in it.
    S3 {
        /// The name of the bucket.
        bucket: String,
        /// The beginning of keys; empty for the whole bucket.
        prefix: String,
    },
}

/// A source that nobody can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// An `s3://` address without a bucket; the value is the text as it was given.
    #[error("{0:?} names no bucket: write s3://BUCKET or s3://BUCKET/PREFIX")]
    NoBucket(String),
    /// An address of an unknown kind; the value is the text as it was given.
    #[error(
        "{0:?} is no source that this program reads: give a file, a directory, - or s3://BUCKET/PREFIX"
    )]
    Unknown(String),
}

impl TryFrom<OsString> for Source {
    type Error = SourceError;

    fn try_from(text: OsString) -> Result<Self, SourceError> {
        match text.into_string() {
            Ok(text) => text.parse(),
            // Only the names of files may be no text.
            Err(path) => Ok(Source::Path(path.into())),
        }
    }
}

impl std::str::FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        if text == "-" {
            return Ok(Source::Stdin);
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(SourceError::NoBucket(text.to_owned()));
            }
            return Ok(Source::S3 {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            });
        }
        match text.split_once("://") {
            Some(_) => Err(SourceError::Unknown(text.to_owned())),
            None => Ok(Source::Path(text.into())),
        }
    }
}
