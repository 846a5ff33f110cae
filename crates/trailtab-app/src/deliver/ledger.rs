//! What was sent before: so that whatever is sent twice by mistake arrives once.
//!
//! Before something is sent, an entry is made that only the first can make: an object in S3
//! (PutObject with `If-None-Match: *`) or a file. When it arrived, the entry says so. If it certainly did
//! not arrive, the entry is taken away, and a later run may try again. An entry of somebody who was
//! killed in between stays: nobody knows whether it arrived, and so it is not sent again.

use std::fs;
use std::io;
use std::path::PathBuf;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use serde::{Deserialize, Serialize};

use super::files::{self, WriteError};
use super::temporary::Readers;
use crate::aws;
use trailtab_core::time::{self, Seconds};

/// Why the ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} the ledger's entry {place}: {reason}")]
pub struct LedgerError {
    action: &'static str,
    place: String,
    reason: String,
}

impl LedgerError {
    /// Why, without what was attempted.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// What became of something that is to be sent once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// Somebody is sending it.
    Claimed,
    /// It arrived.
    Sent,
    /// It was sent, and no answer came.
    Unconfirmed,
}

/// An entry, as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    state: State,
    /// Tells apart those who try to send the same thing.
    owner: String,
    /// What was sent, as a number that stands for it.
    content: String,
    /// When the entry was written, for whoever looks.
    written: String,
    /// The second, since 1970, after which whoever made the claim is not at it any more.
    until: Seconds,
}

/// What the ledger says to someone who wants to send something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nobody has sent it; do.
    Granted,
    /// It has arrived before.
    Sent,
    /// Something else has been sent in its place before, at this time.
    Differs(String),
    /// Somebody else is sending it just now.
    Busy,
    /// It was sent before, and nobody knows whether it arrived.
    Unconfirmed,
}

/// Someone who sends, and for how long at most.
#[derive(Debug, Clone)]
pub struct Owner {
    /// Unlike all others'.
    pub name: String,
    /// The present time, in seconds since 1970-01-01T00:00:00Z.
    pub now: Seconds,
    /// When it will have given up for certain.
    pub until: Seconds,
}

/// Bytes of the largest document: a list of all metrics that may be kept.
const LARGEST: i64 = 64 << 20;

/// A place for entries.
#[derive(Debug, Clone)]
pub enum Ledger {
    /// A bucket, and the beginning of all keys, which is empty or ends in a slash.
    S3 {
        /// The client for the bucket's region.
        client: Client,
        /// The name of the bucket.
        bucket: String,
        /// The beginning of all keys: empty, or ending in a slash.
        prefix: String,
    },
    /// A directory on this machine.
    Directory(PathBuf),
}

impl Ledger {
    /// A ledger in a bucket of the configured region.
    pub fn in_s3(config: &SdkConfig, bucket: String, mut prefix: String) -> Ledger {
        if !prefix.is_empty() && !prefix.ends_with('/') {
            prefix.push('/');
        }
        Ledger::S3 {
            client: aws::s3(config, &bucket, None),
            bucket,
            prefix,
        }
    }

    /// Asks whether something is to be sent, and takes it on if so. `content` stands for what it is.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be read or written.
    pub async fn claim(
        &self,
        key: &str,
        content: &str,
        owner: &Owner,
    ) -> Result<Claim, LedgerError> {
        let entry = Entry {
            state: State::Claimed,
            owner: owner.name.clone(),
            content: content.to_owned(),
            written: time::iso(owner.now),
            until: owner.until,
        };
        if self.create(key, &json(&entry)).await? {
            return Ok(Claim::Granted);
        }
        // Whoever had it may have given it up this very moment.
        Ok(self.look(key, content, owner).await?.unwrap_or(Claim::Busy))
    }

    /// Tells what a claim would be answered, and takes nothing on; `None` if nobody has it.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be read.
    pub async fn look(
        &self,
        key: &str,
        content: &str,
        owner: &Owner,
    ) -> Result<Option<Claim>, LedgerError> {
        let Some((bytes, _)) = self.load(key).await? else {
            return Ok(None);
        };
        let Ok(found) = serde_json::from_slice::<Entry>(&bytes) else {
            return Err(self.failed("understand", key, "it is not ours".to_owned()));
        };
        Ok(Some(match found.state {
            // A request of ours was answered twice, or repeated by the network.
            State::Claimed if found.owner == owner.name => Claim::Granted,
            State::Claimed if found.until >= owner.now => Claim::Busy,
            State::Claimed | State::Unconfirmed => Claim::Unconfirmed,
            State::Sent if found.content != content => Claim::Differs(found.written),
            State::Sent => Claim::Sent,
        }))
    }

    /// Tells whether somebody has taken it on before, whatever became of it.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be read.
    pub async fn knows(&self, key: &str) -> Result<bool, LedgerError> {
        Ok(self.load(key).await?.is_some())
    }

    /// Says that it arrived, or that no answer came.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be written.
    pub async fn settle(
        &self,
        key: &str,
        content: &str,
        owner: &Owner,
        arrived: bool,
    ) -> Result<(), LedgerError> {
        let entry = Entry {
            state: if arrived {
                State::Sent
            } else {
                State::Unconfirmed
            },
            owner: owner.name.clone(),
            content: content.to_owned(),
            written: time::iso(owner.now),
            until: owner.until,
        };
        self.put(key, &json(&entry), Condition::None)
            .await
            .map(drop)
    }

    /// Says that it did not arrive, so that others may send it.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be written.
    pub async fn release(&self, key: &str) -> Result<(), LedgerError> {
        let failed = |reason| self.failed("take away", key, reason);
        match self {
            Ledger::S3 { client, bucket, .. } => {
                let request = client.delete_object().bucket(bucket).key(self.place(key));
                let deleted = request.send().await;
                deleted
                    .map(drop)
                    .map_err(|error| failed(aws::explain(&error)))
            }
            Ledger::Directory(_) => {
                fs::remove_file(self.place(key)).map_err(|error| failed(error.to_string()))
            }
        }
    }
}

/// Keeping small documents that several runs change.
impl Ledger {
    /// Returns a document and a mark of its version; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub async fn load(&self, key: &str) -> Result<Option<(Vec<u8>, Version)>, LedgerError> {
        let (client, bucket) = match self {
            Ledger::S3 { client, bucket, .. } => (client, bucket),
            Ledger::Directory(directory) => {
                return match fs::read(directory.join(key)) {
                    Ok(bytes) => Ok(Some((bytes, Version(None)))),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(self.failed("read", key, error.to_string())),
                };
            }
        };
        let object = client.get_object().bucket(bucket).key(self.place(key));
        match object.send().await {
            Ok(object) => {
                let version = Version(object.e_tag().map(str::to_owned));
                if object.content_length().is_some_and(|bytes| bytes > LARGEST) {
                    return Err(self.failed("read", key, "it is too large to be ours".to_owned()));
                }
                let bytes = object.body.collect().await;
                let bytes = bytes
                    .map_err(|error| self.failed("read", key, aws::in_words(&error)))?
                    .to_vec();
                Ok(Some((bytes, version)))
            }
            Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(self.failed("read", key, aws::explain(&error))),
        }
    }

    /// Writes a document unless somebody else has changed it since that version; returns the new
    /// version, or `None` if somebody has.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub async fn store(
        &self,
        key: &str,
        bytes: &[u8],
        since: Option<&Version>,
    ) -> Result<Option<Version>, LedgerError> {
        let condition = match since {
            None => Condition::Absent,
            Some(Version(None)) => Condition::None,
            Some(Version(Some(tag))) => Condition::Tag(tag),
        };
        self.put(key, bytes, condition).await
    }
}

/// Which version of a document somebody has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(Option<String>);

/// What must be true for an object to be written.
#[derive(Clone, Copy)]
enum Condition<'c> {
    None,
    Absent,
    Tag(&'c str),
}

impl Ledger {
    fn place(&self, key: &str) -> String {
        match self {
            Ledger::S3 { prefix, .. } => format!("{prefix}{key}"),
            Ledger::Directory(directory) => directory.join(key).display().to_string(),
        }
    }

    fn failed(&self, action: &'static str, key: &str, reason: String) -> LedgerError {
        let place = self.place(key);
        let place = match self {
            Ledger::S3 { bucket, .. } => format!("s3://{bucket}/{place}"),
            Ledger::Directory(_) => place,
        };
        LedgerError {
            action,
            place,
            reason,
        }
    }

    /// Others changed a document again and again before we could.
    pub fn contended(&self, key: &str) -> LedgerError {
        self.failed("change", key, "others were quicker each time".to_owned())
    }

    /// Makes an entry if there is none.
    async fn create(&self, key: &str, bytes: &[u8]) -> Result<bool, LedgerError> {
        Ok(self.put(key, bytes, Condition::Absent).await?.is_some())
    }

    /// Writes an entry; returns nothing if the condition was not met.
    async fn put(
        &self,
        key: &str,
        bytes: &[u8],
        condition: Condition<'_>,
    ) -> Result<Option<Version>, LedgerError> {
        let failed = |reason| self.failed("write", key, reason);
        let Ledger::S3 { client, bucket, .. } = self else {
            let written = self.put_file(key, bytes, condition);
            return written.map_err(|error| failed(error.cause().to_string()));
        };
        let mut request = client
            .put_object()
            .bucket(bucket)
            .key(self.place(key))
            .content_type("application/json")
            .body(ByteStream::from(bytes.to_vec()));
        match condition {
            Condition::None => {}
            Condition::Absent => request = request.if_none_match("*"),
            Condition::Tag(tag) => request = request.if_match(tag),
        }
        match request.send().await {
            Ok(written) => Ok(Some(Version(written.e_tag))),
            Err(error) if is_unmet(&error, condition) => Ok(None),
            Err(error) => Err(failed(aws::explain(&error))),
        }
    }

    fn put_file(
        &self,
        key: &str,
        bytes: &[u8],
        condition: Condition<'_>,
    ) -> Result<Option<Version>, WriteError> {
        let Ledger::Directory(directory) = self else {
            return Ok(None);
        };
        let path = directory.join(key);
        files::make_private_directory(directory, path.parent().unwrap_or(directory))?;
        let is_written = match condition {
            Condition::Absent => files::create(&path, bytes, Readers::Owner)?,
            Condition::None | Condition::Tag(_) => {
                files::replace(&path, bytes, Readers::Owner)?;
                true
            }
        };
        Ok(is_written.then_some(Version(None)))
    }
}

/// Tells whether an object was not written since the condition was not met. Two conditional writes at
/// the same time are a conflict, and the other one was first; an object that is gone is no longer as it was.
fn is_unmet<E: std::error::Error + 'static>(
    error: &SdkError<E, aws_sdk_s3::config::http::HttpResponse>,
    condition: Condition<'_>,
) -> bool {
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    match condition {
        Condition::None => false,
        Condition::Absent => matches!(status, Some(409 | 412)),
        Condition::Tag(_) => matches!(status, Some(404 | 409 | 412)),
    }
}

fn json(entry: &Entry) -> Vec<u8> {
    // Strings and numbers can always be written.
    serde_json::to_vec(entry).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str, now: Seconds) -> Owner {
        Owner {
            name: name.to_owned(),
            now,
            until: now + 60,
        }
    }

    /// Asks for the same thing as one who comes `later` seconds after.
    async fn again(ledger: &Ledger, later: Seconds) -> Claim {
        let other = owner("other", 1000 + later);
        ledger.claim("a/b", "content", &other).await.unwrap()
    }

    #[tokio::test]
    async fn what_arrived_is_not_sent_again() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = Ledger::Directory(directory.path().to_owned());
        let first = owner("first", 1000);
        let claim = || ledger.claim("a/b", "content", &first);
        assert_eq!(claim().await.unwrap(), Claim::Granted);
        // The same one, whose request was repeated on its way.
        assert_eq!(claim().await.unwrap(), Claim::Granted);
        assert_eq!(again(&ledger, 60).await, Claim::Busy);
        ledger.settle("a/b", "content", &first, true).await.unwrap();
        assert_eq!(again(&ledger, 0).await, Claim::Sent);
        assert_eq!(again(&ledger, 1_000_000).await, Claim::Sent);
        let differs = ledger.claim("a/b", "another", &first).await.unwrap();
        assert_eq!(differs, Claim::Differs("1970-01-01T00:16:40Z".to_owned()));
        assert_eq!(
            ledger.claim("a/c", "content", &first).await.unwrap(),
            Claim::Granted
        );
    }

    #[tokio::test]
    async fn what_did_not_arrive_may_be_sent_again() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = Ledger::Directory(directory.path().to_owned());
        let first = owner("first", 1000);
        ledger.claim("a/b", "content", &first).await.unwrap();
        ledger.release("a/b").await.unwrap();
        assert_eq!(again(&ledger, 0).await, Claim::Granted);
    }

    #[tokio::test]
    async fn what_nobody_knows_of_is_not_sent_again() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = Ledger::Directory(directory.path().to_owned());
        let first = owner("first", 1000);
        ledger.claim("a/b", "content", &first).await.unwrap();
        // Whoever sent it was killed.
        assert_eq!(again(&ledger, 61).await, Claim::Unconfirmed);
        ledger
            .settle("a/b", "content", &first, false)
            .await
            .unwrap();
        assert_eq!(again(&ledger, 0).await, Claim::Unconfirmed);
    }

    #[tokio::test]
    async fn an_entry_of_somebody_else_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = Ledger::Directory(directory.path().to_owned());
        ledger.store("a/b", b"hello", None).await.unwrap();
        let error = ledger.claim("a/b", "content", &owner("first", 0)).await;
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("cannot understand the ledger's entry")
        );
    }
}
