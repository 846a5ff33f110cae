//! Results of queries in S3: one CSV, or the files that UNLOAD wrote. What is read is what was found when it
//! was opened, or an error: never fewer rows.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use crate::aws::SdkConfig;
use crate::source::bucket_and_prefix;
use crate::source::interrupt::Interrupt;
use crate::source::s3::S3Store;
use crate::source::s3::object::{FoundObject, RangedObject};

/// Maximum size of the list of files that UNLOAD wrote.
const MAX_MANIFEST_BYTES: u64 = 32 << 20;

/// Maximum number of files that UNLOAD wrote. Athena writes some 30 in parallel, and more if they get large.
const MAX_UNLOADED_OBJECTS: usize = 100_000;

/// How many addresses an error names.
const MAX_NAMED: usize = 3;

/// Why a result cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResultError {
    /// The location that Athena gave is not the address of an object; holds the location.
    #[error("the result of the query lies at {0:?}, which is not s3://BUCKET/KEY")]
    Address(String),
    /// The object cannot be found.
    #[error("cannot open the result of the query at {address}: {reason}")]
    Open {
        /// Its address.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// The object was found and cannot be read as it was found.
    #[error("cannot read the result of the query at {address}: {reason}; run the query again")]
    Read {
        /// Its address.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// The files below a folder are not those that the query wrote.
    #[error(
        "the files below {folder} are not those that the query wrote according to {manifest}: {reason}; run the query again, with an empty folder"
    )]
    OtherFiles {
        /// The folder.
        folder: String,
        /// The address of the list of files.
        manifest: String,
        /// The difference.
        reason: String,
    },
    /// The run was interrupted.
    #[error("interrupted while the result of the query was read")]
    Interrupted,
}

/// An object with rows of a result. Read it by pieces inside a runtime, or as `Read` by a thread outside.
pub struct ResultObject {
    address: String,
    size_bytes: u64,
    object: RangedObject,
    interrupt: Interrupt,
}

impl ResultObject {
    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its size in bytes as stored.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Fetches the next piece of up to 8 MiB; absent at the end, which comes only after all bytes.
    ///
    /// # Errors
    ///
    /// Fails if the object has vanished or was replaced, or S3 does not answer.
    pub async fn next_piece(&mut self) -> Result<Option<Vec<u8>>, ResultError> {
        let interrupt = self.interrupt.clone();
        let piece = interrupt.or(self.object.next_piece()).await;
        match piece.ok_or(ResultError::Interrupted)? {
            Ok(piece) => Ok(Some(piece).filter(|piece| !piece.is_empty())),
            Err(reason) => Err(ResultError::Read {
                address: self.address.clone(),
                reason,
            }),
        }
    }
}

/// Errors are those of [`ResultObject::next_piece`], or an interrupt.
impl io::Read for ResultObject {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.object.read(buf);
        read.map_err(|error| match crate::source::interrupt::is_cause(&error) {
            true => error,
            false => io::Error::other(ResultError::Read {
                address: self.address.clone(),
                reason: error.to_string(),
            }),
        })
    }
}

/// Opens the result of a query at the location that Athena gave.
///
/// # Errors
///
/// Fails if there is no such object, or it cannot be asked for.
pub async fn open_result(
    config: &SdkConfig,
    location: &str,
    interrupt: &Interrupt,
) -> Result<ResultObject, ResultError> {
    let (bucket, key) = split(location)?;
    let opened = interrupt.or(async {
        let store = S3Store::connect(config, bucket, false, interrupt).await;
        let found = store.find(key).await.map_err(|reason| ResultError::Open {
            address: location.to_owned(),
            reason,
        })?;
        Ok(opened(&store, bucket, found, interrupt))
    });
    opened.await.ok_or(ResultError::Interrupted)?
}

fn opened(
    store: &S3Store,
    bucket: &str,
    found: FoundObject,
    interrupt: &Interrupt,
) -> ResultObject {
    ResultObject {
        address: format!("s3://{bucket}/{}", found.key),
        size_bytes: found.size,
        object: store.open(found),
        interrupt: interrupt.clone(),
    }
}

fn split(location: &str) -> Result<(&str, &str), ResultError> {
    let address = location.strip_prefix("s3://").map(bucket_and_prefix);
    address
        .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
        .ok_or_else(|| ResultError::Address(location.to_owned()))
}

/// A file that UNLOAD wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnloadedObject {
    /// Its address.
    pub address: String,
    /// Its size in bytes as stored.
    pub size_bytes: u64,
}

/// The files that UNLOAD wrote, in the order of their names.
pub struct UnloadedResult {
    store: Arc<S3Store>,
    bucket: String,
    found: Vec<FoundObject>,
    interrupt: Interrupt,
}

impl UnloadedResult {
    /// The files.
    pub fn objects(&self) -> impl ExactSizeIterator<Item = UnloadedObject> {
        self.found.iter().map(|found| UnloadedObject {
            address: format!("s3://{}/{}", self.bucket, found.key),
            size_bytes: found.size,
        })
    }

    /// Opens the files one after the other.
    pub fn open_all(&self) -> impl ExactSizeIterator<Item = ResultObject> {
        self.found
            .iter()
            .map(|found| opened(&self.store, &self.bucket, found.clone(), &self.interrupt))
    }
}

/// Opens what UNLOAD wrote below a folder. The files there must be exactly those of the list that Athena
/// writes (`manifest`): other ones may be of an earlier query, and missing ones were deleted. The list has
/// names only; sizes and entity tags are those of the listing, and are checked when the files are read.
///
/// # Errors
///
/// Fails if there are other files, or the list or the folder cannot be read.
pub async fn open_unloaded(
    config: &SdkConfig,
    folder: &str,
    manifest: &str,
    interrupt: &Interrupt,
) -> Result<UnloadedResult, ResultError> {
    let (bucket, prefix) = split(folder)?;
    let prefix = format!("{}/", prefix.trim_end_matches('/'));
    let named = manifest_of(open_result(config, manifest, interrupt).await?).await?;
    let listed = interrupt.or(async {
        let store = S3Store::connect(config, bucket, false, interrupt).await;
        (store.find_all(&prefix, MAX_UNLOADED_OBJECTS).await, store)
    });
    let (found, store) = listed.await.ok_or(ResultError::Interrupted)?;
    let found = found.map_err(|reason| ResultError::Open {
        address: folder.to_owned(),
        reason,
    })?;
    let address = |object: &FoundObject| format!("s3://{bucket}/{}", object.key);
    let present: BTreeSet<String> = found.iter().map(address).collect();
    if let Some(reason) = difference(&named, &present) {
        return Err(ResultError::OtherFiles {
            folder: folder.to_owned(),
            manifest: manifest.to_owned(),
            reason,
        });
    }
    Ok(UnloadedResult {
        bucket: bucket.to_owned(),
        store,
        found,
        interrupt: interrupt.clone(),
    })
}

/// The addresses of a list of files, one in each line.
async fn manifest_of(mut object: ResultObject) -> Result<BTreeSet<String>, ResultError> {
    let unreadable = |object: &ResultObject, reason: String| ResultError::Read {
        address: object.address.clone(),
        reason,
    };
    if object.size_bytes > MAX_MANIFEST_BYTES {
        let reason = format!("it is longer than {} MiB", MAX_MANIFEST_BYTES >> 20);
        return Err(unreadable(&object, reason));
    }
    let mut text = Vec::new();
    while let Some(piece) = object.next_piece().await? {
        text.extend_from_slice(&piece);
    }
    let text = String::from_utf8(text);
    let text = text.map_err(|_| unreadable(&object, "it is not UTF-8".to_owned()))?;
    addresses(&text).map_err(|reason| unreadable(&object, reason))
}

fn addresses(text: &str) -> Result<BTreeSet<String>, String> {
    let lines = text.lines().map(|line| line.trim().trim_matches('"'));
    let lines = lines.filter(|line| !line.is_empty());
    let addresses = lines.map(|line| match line.starts_with("s3://") {
        true => Ok(line.to_owned()),
        false => Err(format!(
            "a line of it is not the address of a file: {line:?}"
        )),
    });
    addresses.collect()
}

/// Says how files that are present differ from those that are named; absent if they are the same.
fn difference(named: &BTreeSet<String>, present: &BTreeSet<String>) -> Option<String> {
    let missing: Vec<&String> = named.difference(present).collect();
    let foreign: Vec<&String> = present.difference(named).collect();
    let list = |what: &str, addresses: &[&String]| {
        let shown = addresses.iter().take(MAX_NAMED);
        let shown: Vec<&str> = shown.map(|address| address.as_str()).collect();
        let more = addresses.len() - shown.len();
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{what} {}{more}", shown.join(", "))
    };
    match (missing.as_slice(), foreign.as_slice()) {
        ([], []) => None,
        (missing @ [_, ..], _) => Some(list("there is no", missing)),
        ([], foreign) => Some(list("it did not write", foreign)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(addresses: &[&str]) -> BTreeSet<String> {
        addresses
            .iter()
            .map(|address| (*address).to_owned())
            .collect()
    }

    #[test]
    fn the_files_must_be_those_of_the_list() {
        let named = addresses("s3://b/r/1.gz\n\"s3://b/r/2.gz\"\r\n\n").unwrap();
        assert_eq!(named, set(&["s3://b/r/1.gz", "s3://b/r/2.gz"]));
        assert_eq!(difference(&named, &named), None);
        for (present, words) in [
            (set(&["s3://b/r/1.gz"]), "there is no s3://b/r/2.gz"),
            (set(&[]), "there is no s3://b/r/1.gz, s3://b/r/2.gz"),
            (
                set(&[
                    "s3://b/r/1.gz",
                    "s3://b/r/2.gz",
                    "s3://b/r/3",
                    "s3://b/r/4",
                    "s3://b/r/5",
                    "s3://b/r/6",
                ]),
                "it did not write s3://b/r/3, s3://b/r/4, s3://b/r/5 and 1 more",
            ),
        ] {
            assert_eq!(difference(&named, &present).as_deref(), Some(words));
        }
        assert!(addresses("s3://b/1\nx").unwrap_err().contains("\"x\""));
        assert_eq!(addresses(""), Ok(BTreeSet::new()));
    }

    #[test]
    fn a_location_names_bucket_and_key() {
        assert_eq!(split("s3://b/r/i.csv"), Ok(("b", "r/i.csv")));
        for location in ["", "b/r", "s3://b", "s3://b/", "s3:///r", "https://b/r"] {
            let expected = ResultError::Address(location.to_owned());
            assert_eq!(split(location), Err(expected));
        }
    }
}
