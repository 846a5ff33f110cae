//! The sources of records: files, standard input, S3, and the event history. Each source yields
//! documents; [`document`] reads any of them.

pub mod archive;
pub mod athena;
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

use trailtab_athena::address::{AthenaAddress, InvalidAthenaAddress};

/// A source named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, or a directory and everything below it.
    Path(PathBuf),
    /// The standard input.
    Stdin,
    /// Keys in a bucket.
    S3 {
        /// The name of the bucket.
        bucket: String,
        /// Prefix of the keys; empty for the whole bucket.
        prefix: String,
    },
    /// A table of Amazon Athena.
    Athena(AthenaAddress),
}

impl Source {
    /// Returns whether the user named a folder that holds network activity only.
    pub fn is_network_activity(&self) -> bool {
        match self {
            Source::Path(path) => path.iter().any(|part| part == s3::NETWORK_ACTIVITY),
            Source::S3 { prefix, .. } => prefix.split('/').any(|part| part == s3::NETWORK_ACTIVITY),
            Source::Stdin | Source::Athena(_) => false,
        }
    }
}

/// Why a source argument is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// An `s3://` address without a bucket; holds the argument.
    #[error("{0:?} names no bucket: write s3://BUCKET or s3://BUCKET/PREFIX")]
    NoBucket(String),
    /// A URL with an unknown scheme; holds the argument.
    #[error(
        "{0:?} is not a source that this program can read: give a file, a directory, -, s3://BUCKET/PREFIX or athena://DATABASE/TABLE"
    )]
    Unknown(String),
    /// An `athena://` address without a table.
    #[error(transparent)]
    Athena(#[from] InvalidAthenaAddress),
}

impl TryFrom<OsString> for Source {
    type Error = SourceError;

    fn try_from(text: OsString) -> Result<Self, SourceError> {
        match text.into_string() {
            Ok(text) => text.parse(),
            // Only file names can be invalid UTF-8.
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
            let (bucket, prefix) = bucket_and_prefix(rest);
            if bucket.is_empty() {
                return Err(SourceError::NoBucket(text.to_owned()));
            }
            return Ok(Source::S3 {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            });
        }
        if text.starts_with("athena://") {
            return Ok(Source::Athena(text.parse()?));
        }
        match text.split_once("://") {
            Some(_) => Err(SourceError::Unknown(text.to_owned())),
            None => Ok(Source::Path(text.into())),
        }
    }
}

/// Splits an address behind `s3://`. The ARN of an access point has a slash of its own.
fn bucket_and_prefix(address: &str) -> (&str, &str) {
    let end = match address.starts_with("arn:") {
        true => address.match_indices('/').nth(1),
        false => address.match_indices('/').next(),
    };
    match end {
        Some((at, _)) => (&address[..at], &address[at + 1..]),
        None => (address, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_split_into_bucket_and_prefix() {
        let arn = "arn:aws:s3:eu-west-1:111122223333:accesspoint/logs";
        for (address, bucket, prefix) in [
            ("bucket", "bucket", ""),
            ("bucket/a/b", "bucket", "a/b"),
            (arn, arn, ""),
            (&format!("{arn}/AWSLogs/"), arn, "AWSLogs/"),
        ] {
            assert_eq!(bucket_and_prefix(address), (bucket, prefix));
        }
    }

    #[test]
    fn a_folder_of_network_activity_is_known_by_its_name() {
        for (text, expected) in [
            (
                "s3://b/AWSLogs/111122223333/CloudTrail-NetworkActivity/",
                true,
            ),
            ("s3://b/AWSLogs/111122223333/CloudTrail/", false),
            ("logs/CloudTrail-NetworkActivity", true),
            ("-", false),
        ] {
            let source: Source = text.parse().unwrap();
            assert_eq!(source.is_network_activity(), expected, "{text}");
        }
    }
}
