//! Records what was sent, so that repeated runs deliver each thing at most once.
//!
//! Before sending, a run creates an entry that only one run can create: an object in S3 (PutObject
//! with `If-None-Match: *`) or a file. After delivery, the run marks the entry as sent. If delivery
//! certainly failed, it deletes the entry, and a later run may try again. The entry of a run killed
//! in between remains: delivery is uncertain, so nothing is sent again, unless a later run finds out
//! from the receiver what became of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_config::SdkConfig;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use super::files::{self, WriteError};
use super::sent_hash::SentHash;
use super::temporary::Readers;
use crate::aws::{DocumentBucket, WriteCondition, WriteResult};
use trailtab_core::time::{self, Seconds};

/// Why the ledger cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} the ledger's entry {place}: {reason}")]
pub struct LedgerError {
    action: &'static str,
    place: String,
    reason: String,
}

impl LedgerError {
    /// The reason alone, without the action and the entry.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// State of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SendState {
    /// A run is sending it.
    Claimed,
    /// Delivered.
    Sent,
    /// Sent without receiving an answer.
    Unconfirmed,
    /// Refused as a whole, and sent in two halves, which have entries of their own.
    Split,
}

/// An entry, as stored in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SendEntry {
    state: SendState,
    /// Identifies the run that made the claim.
    owner: String,
    /// A hash of what is sent.
    content: String,
    /// When the entry was written, for human readers.
    written: String,
    /// When the claim expires: its run has certainly stopped sending by then. Seconds since 1970.
    until: Seconds,
}

/// The ledger's answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendClaim {
    /// Not sent before; send it now.
    Granted,
    /// Already delivered.
    Sent,
    /// Different content was already delivered under this key; holds the time.
    Differs(String),
    /// Refused as a whole before: its halves have entries of their own.
    Split,
    /// Another run is sending it now.
    Busy(PendingEntry),
    /// Sent before, but it is unknown whether it was delivered.
    Unconfirmed(PendingEntry),
}

/// An entry of another run that does not say whether its content was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingEntry {
    /// When that run has certainly stopped sending, in seconds since 1970.
    pub until: Seconds,
    /// Whether it is about the content of the claim.
    pub is_same: bool,
    /// Whether that run lived to record that it got no answer.
    pub was_recorded: bool,
    found: Vec<u8>,
    version: ObjectVersion,
}

/// What a run records of its own claim when it has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimEnd {
    /// Delivered.
    Sent,
    /// Sent without receiving an answer.
    Unconfirmed,
    /// Refused as a whole; the halves are sent on their own.
    Split,
}

/// A run that makes claims.
#[derive(Debug, Clone)]
pub struct ClaimOwner {
    /// Unique for each run.
    pub name: String,
    /// The current time, in seconds since 1970-01-01T00:00:00Z.
    pub now: Seconds,
    /// When the run has certainly stopped sending.
    pub until: Seconds,
}

impl From<ClaimEnd> for SendState {
    fn from(end: ClaimEnd) -> SendState {
        match end {
            ClaimEnd::Sent => SendState::Sent,
            ClaimEnd::Unconfirmed => SendState::Unconfirmed,
            ClaimEnd::Split => SendState::Split,
        }
    }
}

/// Maximum attempts to create an entry that other runs create and delete.
const MAX_CLAIM_ATTEMPTS: usize = 3;

/// Storage of the entries.
#[derive(Debug, Clone)]
pub enum SendLedger {
    /// A bucket and a key prefix.
    S3 {
        /// The bucket.
        bucket: Arc<DocumentBucket>,
        /// Prefix of all keys: empty, or ending in a slash.
        prefix: String,
    },
    /// A directory on this machine.
    Directory(PathBuf),
}

impl SendLedger {
    /// A ledger in a bucket of the configured region.
    pub fn in_s3(config: &SdkConfig, bucket: &str, mut prefix: String) -> SendLedger {
        if !prefix.is_empty() && !prefix.ends_with('/') {
            prefix.push('/');
        }
        SendLedger::S3 {
            bucket: Arc::new(DocumentBucket::new(config, bucket)),
            prefix,
        }
    }

    /// Claims a key for sending. `content` is a hash of what is sent.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read or written.
    pub async fn claim(
        &self,
        key: &str,
        content: &SentHash,
        owner: &ClaimOwner,
    ) -> Result<SendClaim, LedgerError> {
        let entry = entry(SendState::Claimed, content, owner);
        for _ in 0..MAX_CLAIM_ATTEMPTS {
            if self.create(key, &entry).await? {
                return Ok(SendClaim::Granted);
            }
            // The entry may have been released in the meantime.
            if let Some(claim) = self.look(key, content, owner).await? {
                return Ok(claim);
            }
        }
        Err(self.contended(key))
    }

    /// Replaces a pending entry of another run: by `end`, or by this run's claim. Returns whether it
    /// was still the same; of several runs that try at the same time, one succeeds.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be written.
    pub async fn replace_pending(
        &self,
        key: &str,
        pending: &PendingEntry,
        content: &SentHash,
        owner: &ClaimOwner,
        end: Option<ClaimEnd>,
    ) -> Result<bool, LedgerError> {
        let state = end.map_or(SendState::Claimed, SendState::from);
        let entry = entry(state, content, owner);
        let SendLedger::Directory(directory) = self else {
            let stored = self.store(key, &entry, Some(&pending.version)).await?;
            return Ok(stored.is_some());
        };
        let replaced = replace_if_same(directory, &directory.join(key), &pending.found, &entry);
        replaced.map_err(|error| self.failed("write", key, error.to_string()))
    }

    /// Waits for an operation on an entry until `deadline`, if there is one.
    ///
    /// # Errors
    ///
    /// Fails as the operation does, or if it did not end in time. What was written then may stand in
    /// the ledger or not.
    pub async fn by<T>(
        &self,
        deadline: impl Into<Option<Instant>>,
        key: &str,
        operation: impl Future<Output = Result<T, LedgerError>>,
    ) -> Result<T, LedgerError> {
        let Some(deadline) = deadline.into() else {
            return operation.await;
        };
        let ended = timeout_at(deadline, operation).await;
        ended.unwrap_or_else(|_| {
            let reason = "no answer came in the time that was left".to_owned();
            Err(self.failed("read or write", key, reason))
        })
    }

    /// The answer that a claim would get, without making one; `None` if there is no entry.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    pub async fn look(
        &self,
        key: &str,
        content: &SentHash,
        owner: &ClaimOwner,
    ) -> Result<Option<SendClaim>, LedgerError> {
        let Some((bytes, version)) = self.load(key).await? else {
            return Ok(None);
        };
        let Ok(found) = serde_json::from_slice::<SendEntry>(&bytes) else {
            return Err(self.failed(
                "understand",
                key,
                "it was not written by trailtab".to_owned(),
            ));
        };
        let pending = PendingEntry {
            until: found.until,
            is_same: content.matches(&found.content),
            was_recorded: found.state == SendState::Unconfirmed,
            found: bytes,
            version,
        };
        Ok(Some(match found.state {
            // This run's own claim: the network or the SDK repeated the request.
            SendState::Claimed if found.owner == owner.name => SendClaim::Granted,
            SendState::Claimed if found.until >= owner.now => SendClaim::Busy(pending),
            SendState::Claimed | SendState::Unconfirmed => SendClaim::Unconfirmed(pending),
            SendState::Split => SendClaim::Split,
            SendState::Sent if !content.matches(&found.content) => {
                SendClaim::Differs(found.written)
            }
            SendState::Sent => SendClaim::Sent,
        }))
    }

    /// Tells whether there is an entry, in any state.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    pub async fn knows(&self, key: &str) -> Result<bool, LedgerError> {
        Ok(self.load(key).await?.is_some())
    }

    /// Records what became of the content of an entry.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be written.
    pub async fn settle(
        &self,
        key: &str,
        content: &SentHash,
        owner: &ClaimOwner,
        end: ClaimEnd,
    ) -> Result<(), LedgerError> {
        let entry = entry(end.into(), content, owner);
        self.put(key, &entry, WriteCondition::Always)
            .await
            .map(drop)
    }

    /// Deletes an entry after a failed delivery, so that another run may send.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be written.
    pub async fn release(&self, key: &str) -> Result<(), LedgerError> {
        let failed = |reason| self.failed("delete", key, reason);
        match self {
            SendLedger::S3 { bucket, .. } => {
                let deleted = bucket.delete(&self.place(key)).await;
                deleted.map_err(|failure| failed(failure.explanation))
            }
            SendLedger::Directory(_) => {
                fs::remove_file(self.place(key)).map_err(|error| failed(error.to_string()))
            }
        }
    }
}

/// Small documents that several runs change.
impl SendLedger {
    /// Returns a document and its version; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// Fails if the document cannot be read.
    pub async fn load(&self, key: &str) -> Result<Option<(Vec<u8>, ObjectVersion)>, LedgerError> {
        let bucket = match self {
            SendLedger::S3 { bucket, .. } => bucket,
            SendLedger::Directory(directory) => {
                return match fs::read(directory.join(key)) {
                    Ok(bytes) => Ok(Some((bytes, ObjectVersion(None)))),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(self.failed("read", key, error.to_string())),
                };
            }
        };
        let document = bucket.get(&self.place(key)).await;
        let document = document.map_err(|failure| self.failed("read", key, failure.explanation))?;
        Ok(document.map(|document| (document.bytes, ObjectVersion(document.etag))))
    }

    /// Writes a document unless another run has changed it since that version. Returns the new
    /// version, or `None` if it was changed.
    ///
    /// # Errors
    ///
    /// Fails if the document cannot be written.
    pub async fn store(
        &self,
        key: &str,
        bytes: &[u8],
        since: Option<&ObjectVersion>,
    ) -> Result<Option<ObjectVersion>, LedgerError> {
        let condition = match since {
            None => WriteCondition::IfAbsent,
            Some(ObjectVersion(None)) => WriteCondition::Always,
            Some(ObjectVersion(Some(tag))) => WriteCondition::IfTagged(tag),
        };
        self.put(key, bytes, condition).await
    }
}

/// The version of a document: its ETag, or nothing for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectVersion(Option<String>);

impl SendLedger {
    fn place(&self, key: &str) -> String {
        match self {
            SendLedger::S3 { prefix, .. } => format!("{prefix}{key}"),
            SendLedger::Directory(directory) => directory.join(key).display().to_string(),
        }
    }

    fn failed(&self, action: &'static str, key: &str, reason: String) -> LedgerError {
        let place = self.place(key);
        let place = match self {
            SendLedger::S3 { bucket, .. } => format!("s3://{}/{place}", bucket.name()),
            SendLedger::Directory(_) => place,
        };
        LedgerError {
            action,
            place,
            reason,
        }
    }

    /// The error if other runs changed a document before every attempt.
    pub fn contended(&self, key: &str) -> LedgerError {
        self.failed(
            "change",
            key,
            "other runs changed it before every attempt".to_owned(),
        )
    }

    /// Creates an entry; false if it exists.
    async fn create(&self, key: &str, bytes: &[u8]) -> Result<bool, LedgerError> {
        Ok(self
            .put(key, bytes, WriteCondition::IfAbsent)
            .await?
            .is_some())
    }

    /// Writes an object; `None` if the condition was not met.
    async fn put(
        &self,
        key: &str,
        bytes: &[u8],
        condition: WriteCondition<'_>,
    ) -> Result<Option<ObjectVersion>, LedgerError> {
        let failed = |reason| self.failed("write", key, reason);
        let SendLedger::S3 { bucket, .. } = self else {
            let written = self.put_file(key, bytes, condition);
            return written.map_err(|error| failed(error.cause().to_string()));
        };
        match bucket.put(&self.place(key), bytes, condition).await {
            Ok(WriteResult::Written(etag)) => Ok(Some(ObjectVersion(etag))),
            Ok(WriteResult::Unmet) => Ok(None),
            Err(failure) => Err(failed(failure.explanation)),
        }
    }

    fn put_file(
        &self,
        key: &str,
        bytes: &[u8],
        condition: WriteCondition<'_>,
    ) -> Result<Option<ObjectVersion>, WriteError> {
        let SendLedger::Directory(directory) = self else {
            return Ok(None);
        };
        let path = directory.join(key);
        files::make_private_directory(directory, path.parent().unwrap_or(directory))?;
        let is_written = match condition {
            WriteCondition::IfAbsent => files::create(&path, bytes, Readers::Owner)?,
            WriteCondition::Always | WriteCondition::IfTagged(_) => {
                files::replace(&path, bytes, Readers::Owner)?;
                true
            }
        };
        Ok(is_written.then_some(ObjectVersion(None)))
    }
}

/// An entry as JSON.
fn entry(state: SendState, content: &SentHash, owner: &ClaimOwner) -> Vec<u8> {
    let entry = SendEntry {
        state,
        owner: owner.name.clone(),
        content: content.as_str().to_owned(),
        written: time::iso(owner.now),
        until: owner.until,
    };
    // Serializing strings and numbers cannot fail.
    serde_json::to_vec(&entry).unwrap_or_default()
}

/// Replaces a file that has these bytes; false if another run has changed it. The lock is released
/// when the file is closed, also by the end of the process.
fn replace_if_same(directory: &Path, path: &Path, found: &[u8], bytes: &[u8]) -> io::Result<bool> {
    let mut open = fs::OpenOptions::new();
    let lock = open
        .append(true)
        .create(true)
        .open(directory.join(".lock"))?;
    lock.lock()?;
    match fs::read(path) {
        Ok(bytes) if bytes == found => {}
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    }
    files::replace(path, bytes, Readers::Owner).map_err(io::Error::other)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str, now: Seconds) -> ClaimOwner {
        ClaimOwner {
            name: name.to_owned(),
            now,
            until: now + 60,
        }
    }

    fn content() -> SentHash {
        SentHash::new(&"content", String::new())
    }

    /// Claims the same key from another run, `later` seconds later.
    async fn again(ledger: &SendLedger, later: Seconds) -> SendClaim {
        let other = owner("other", 1000 + later);
        ledger.claim("a/b", &content(), &other).await.unwrap()
    }

    #[tokio::test]
    async fn a_delivered_entry_is_not_sent_again() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = SendLedger::Directory(directory.path().to_owned());
        let first = owner("first", 1000);
        let content = content();
        let claim = || ledger.claim("a/b", &content, &first);
        assert_eq!(claim().await.unwrap(), SendClaim::Granted);
        // The same run, whose request was repeated.
        assert_eq!(claim().await.unwrap(), SendClaim::Granted);
        assert!(matches!(again(&ledger, 60).await, SendClaim::Busy(_)));
        let sent = ledger.settle("a/b", &content, &first, ClaimEnd::Sent);
        sent.await.unwrap();
        assert_eq!(again(&ledger, 0).await, SendClaim::Sent);
        assert_eq!(again(&ledger, 1_000_000).await, SendClaim::Sent);
        let differs = ledger
            .claim("a/b", &SentHash::new(&"another", String::new()), &first)
            .await
            .unwrap();
        assert_eq!(
            differs,
            SendClaim::Differs("1970-01-01T00:16:40Z".to_owned())
        );
        assert_eq!(
            ledger.claim("a/c", &content, &first).await.unwrap(),
            SendClaim::Granted
        );
    }

    #[tokio::test]
    async fn a_released_entry_may_be_sent_again() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = SendLedger::Directory(directory.path().to_owned());
        let first = owner("first", 1000);
        ledger.claim("a/b", &content(), &first).await.unwrap();
        ledger.release("a/b").await.unwrap();
        assert_eq!(again(&ledger, 0).await, SendClaim::Granted);
    }

    #[tokio::test]
    async fn an_unconfirmed_entry_is_not_sent_again() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = SendLedger::Directory(directory.path().to_owned());
        let first = owner("first", 1000);
        ledger.claim("a/b", &content(), &first).await.unwrap();
        // The sender was killed.
        assert!(!pending(again(&ledger, 61).await).was_recorded);
        let content = content();
        let settled = ledger.settle("a/b", &content, &first, ClaimEnd::Unconfirmed);
        settled.await.unwrap();
        let entry = pending(again(&ledger, 0).await);
        assert!(entry.was_recorded && entry.is_same);
        assert_eq!(entry.until, 1060);
    }

    /// The entry of a claim that another run did not confirm.
    fn pending(claim: SendClaim) -> PendingEntry {
        match claim {
            SendClaim::Unconfirmed(entry) => entry,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn one_run_takes_over_a_pending_entry() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = SendLedger::Directory(directory.path().to_owned());
        let (killed, content) = (owner("killed", 1000), content());
        ledger.claim("a/b", &content, &killed).await.unwrap();
        let entry = pending(again(&ledger, 61).await);
        let [second, third] = ["second", "third"].map(|name| owner(name, 2000));
        let take = |by| ledger.replace_pending("a/b", &entry, &content, by, None);
        assert!(take(&second).await.unwrap());
        assert!(!take(&third).await.unwrap(), "the entry has changed");
        let claim = ledger.claim("a/b", &content, &second).await.unwrap();
        assert_eq!(claim, SendClaim::Granted);
        let claim = ledger.claim("a/b", &content, &third).await.unwrap();
        assert!(matches!(claim, SendClaim::Busy(_)));
        ledger.release("a/b").await.unwrap();
        assert!(!take(&third).await.unwrap(), "the entry is gone");
    }

    #[tokio::test]
    async fn an_operation_ends_at_its_deadline() {
        let ledger = SendLedger::Directory(PathBuf::from("some"));
        let hangs = std::future::pending::<Result<(), LedgerError>>();
        let error = ledger.by(Instant::now(), "a/b", hangs).await.unwrap_err();
        let text = "cannot read or write the ledger's entry some/a/b: no answer came in the time";
        assert!(error.to_string().starts_with(text), "{error}");
    }

    #[tokio::test]
    async fn a_foreign_entry_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = SendLedger::Directory(directory.path().to_owned());
        ledger.store("a/b", b"hello", None).await.unwrap();
        let error = ledger.claim("a/b", &content(), &owner("first", 0)).await;
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("cannot understand the ledger's entry")
        );
    }
}
