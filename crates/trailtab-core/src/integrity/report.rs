//! What became of the digests and log files of a run.

use serde::{Deserialize, Serialize};

/// What became of the digests and log files of a run:
/// `digests` = valid + invalid + key unknown + signature not at hand + copies, and
/// `log_files` = valid + changed + added + unproven + not yet covered + not covered + copies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Integrity {
    /// Number of digest files found.
    pub digests: u64,
    /// Proven by their signature, or by a valid digest that follows.
    pub digests_valid: u64,
    /// Changed, moved, wrongly signed, in S3 without a signature, or not digest files at all.
    pub digests_invalid: u64,
    /// Signed with a key that is not among the public keys.
    pub digests_key_unknown: u64,
    /// Neither proven nor refuted: the copy has no signature, and no valid digest follows.
    pub digests_signature_not_at_hand: u64,
    /// Byte-identical copies of other digests, under names of their own.
    #[serde(default)]
    pub digests_copies: u64,
    /// Digests that are named by others and were not found. At least so many are missing: nothing
    /// names those before them.
    pub digests_missing: u64,
    /// Digests that are named by others and are outside of what was read.
    #[serde(default)]
    pub digests_not_read: u64,
    /// Number of log files read.
    pub log_files: u64,
    /// Log files that match a valid digest.
    pub log_files_valid: u64,
    /// Log files that differ from their digest, or that are followed by more bytes.
    pub log_files_changed: u64,
    /// Log files in no digest, although digests cover the time of their delivery.
    pub log_files_added: u64,
    /// Log files that match a digest that is not valid itself.
    pub log_files_unproven: u64,
    /// Log files delivered after the last digest; the next digest will list them.
    pub log_files_not_yet_covered: u64,
    /// Log files delivered at a time that no available digest covers.
    pub log_files_not_covered: u64,
    /// Byte-identical copies of log files that a digest lists, under names of their own.
    #[serde(default)]
    pub log_files_copies: u64,
    /// Log files that a digest lists and that were not found.
    pub log_files_missing: u64,
    /// Files that a digest lists in a folder or bucket that was not read.
    #[serde(default)]
    pub log_files_not_checked: u64,
    /// The buckets that CloudTrail delivered to, of digests that were read in another bucket: what
    /// was read is a copy.
    #[serde(default)]
    pub copy_of: Vec<String>,
    /// The digests of `digests_not_read`, ten at most.
    #[serde(default)]
    pub not_read: Vec<String>,
}
