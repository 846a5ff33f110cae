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
use super::sent_hash::{self, SentHash};
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
    /// Already delivered, at this time; in seconds since 1970.
    Sent(Seconds),
    /// Different content was already delivered under this key, whole or in halves; holds the time.
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
            if let Some(claim) = self.existing_claim(key, content, owner).await? {
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
        if (self.store(key, &entry, Some(&pending.version)).await?).is_some() {
            return Ok(true);
        }
        // If the answer to the write was lost, its retry finds the entry changed by the write itself.
        let claim = self.existing_claim(key, content, owner).await?;
        Ok(end.is_none() && claim == Some(SendClaim::Granted))
    }

    /// Waits for an operation on an entry until `deadline`, if there is one.
    ///
    /// # Errors
    ///
    /// Fails as the operation does, or if it did not end in time. It is then unknown whether a write happened.
    pub async fn with_deadline<T>(
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
    pub async fn existing_claim(
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
            version,
        };
        Ok(Some(match found.state {
            // This run's own claim: the network or the SDK repeated the request.
            SendState::Claimed if found.owner == owner.name => SendClaim::Granted,
            SendState::Claimed if found.until >= owner.now => SendClaim::Busy(pending),
            SendState::Claimed | SendState::Unconfirmed => SendClaim::Unconfirmed(pending),
            SendState::Sent | SendState::Split if !content.matches(&found.content) => {
                SendClaim::Differs(found.written)
            }
            SendState::Sent => {
                let at = time::parse(found.written.as_bytes());
                SendClaim::Sent(at.unwrap_or(owner.now))
            }
            SendState::Split => SendClaim::Split,
        }))
    }

    /// Tells whether there is an entry, in any state.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    pub async fn has_entry(&self, key: &str) -> Result<bool, LedgerError> {
        Ok(self.load(key).await?.is_some())
    }

    /// Records what became of a claim. Without an end, nothing was delivered: the entry is deleted, so that another
    /// run may send.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be written.
    pub async fn end(
        &self,
        key: &str,
        content: &SentHash,
        owner: &ClaimOwner,
        end: Option<ClaimEnd>,
    ) -> Result<(), LedgerError> {
        let Some(end) = end else {
            return self.delete(key).await;
        };
        let entry = entry(end.into(), content, owner);
        self.put(key, &entry, WriteCondition::Always)
            .await
            .map(drop)
    }

    async fn delete(&self, key: &str) -> Result<(), LedgerError> {
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
                    Ok(bytes) => {
                        let version = ObjectVersion::of_file(&bytes);
                        Ok(Some((bytes, version)))
                    }
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

/// The version of a document: the ETag of an object, if S3 gave one, or the hash of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectVersion(Option<String>);

impl ObjectVersion {
    fn of_file(bytes: &[u8]) -> ObjectVersion {
        ObjectVersion(Some(sent_hash::sha256(bytes)))
    }
}

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
            WriteCondition::IfTagged(hash) => {
                let _lock = lock(directory)?;
                let is_same = has_hash(&path, hash).map_err(WriteError::at(&path))?;
                if is_same {
                    files::replace(&path, bytes, Readers::Owner)?;
                }
                is_same
            }
            WriteCondition::Always => {
                files::replace(&path, bytes, Readers::Owner)?;
                true
            }
        };
        Ok(is_written.then(|| ObjectVersion::of_file(bytes)))
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

/// Locks a directory against other runs that change its files. The lock is released when the file is closed, also by
/// the end of the process.
fn lock(directory: &Path) -> Result<fs::File, WriteError> {
    let path = directory.join(".lock");
    let mut open = Readers::Owner.files();
    let file = open.append(true).create(true).open(&path);
    let locked = file.and_then(|file| file.lock().map(|()| file));
    locked.map_err(WriteError::at(&path))
}

/// Returns whether there is a file whose content has this hash.
fn has_hash(path: &Path, hash: &str) -> io::Result<bool> {
    match fs::read(path) {
        Ok(bytes) => Ok(sent_hash::sha256(&bytes) == hash),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
