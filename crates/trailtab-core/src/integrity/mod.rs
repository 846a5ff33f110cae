//! Verifies log files by the digests beside them: finds what was changed, removed or added since
//! CloudTrail delivered it.
//!
//! A digest is proven by its signature, or by a proven later digest that contains its hash. It then
//! vouches for the log files that it lists. Files that nothing vouches for are reported as such.

mod chains;
pub mod digest;
mod logs;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::coverage::{ReadProblem, RunCoverage, Severity};
use crate::event::filter::EventFilter;
use crate::integrity::digest::{DigestFile, Sha256Hash};
use crate::time::{Seconds, TimeWindow};

/// A log file may be delivered some minutes after the minute in its name, and is then listed in the
/// digest of the next hour.
const SETTLING: Seconds = 15 * 60;

/// The digests and log files that were found.
#[derive(Debug, Default)]
pub struct DigestEvidence {
    /// The digests that were read.
    pub digests: Vec<FoundDigest>,
    /// The log files that were read.
    pub logs: Vec<FoundLog>,
}

/// A file whose name is that of a digest.
#[derive(Debug)]
pub struct FoundDigest {
    /// The path or address.
    pub document: String,
    /// The digest, or why the file is not one.
    pub digest: Result<DigestFile, String>,
    /// SHA-256 of its contents.
    pub hash: Sha256Hash,
    /// The signature of the digest in hexadecimal digits; absent for a local copy, since only S3
    /// stores it.
    pub signature: Option<String>,
}

/// A file whose name is that of a log file, or that contained events.
#[derive(Debug)]
pub struct FoundLog {
    /// The path or address.
    pub document: String,
    /// SHA-256 of its inflated contents; for a gzip file, of its first member. Absent if the file is
    /// damaged.
    pub hash: Option<Sha256Hash>,
    /// Whether more bytes follow the first gzip member.
    pub has_more: bool,
    /// The times of its first and last event; absent without events.
    pub events: Option<(Seconds, Seconds)>,
}

impl DigestEvidence {
    /// Adds what another thread has found.
    pub fn merge(&mut self, other: DigestEvidence) {
        self.digests.extend(other.digests);
        self.logs.extend(other.logs);
    }
}

/// What is verified. Files outside cannot be missing.
#[derive(Debug, Clone, Copy)]
pub struct VerifyScope<'a> {
    /// The time window that was read.
    pub window: TimeWindow,
    /// The filters by account and region.
    pub filter: &'a EventFilter,
    /// The prefixes that were read, `s3://BUCKET/PREFIX`.
    pub addresses: &'a [String],
}

/// The result of checking a signature with a public key, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyVerdict {
    /// The signature matches the key.
    Valid,
    /// The signature does not match the key.
    Invalid,
    /// No public key has this fingerprint.
    KeyUnknown,
}

/// Checks a signature. The arguments are the digest, the string to sign, and the signature in
/// hexadecimal digits.
pub type SignatureCheck<'c> = &'c dyn Fn(&DigestFile, &str, &str) -> KeyVerdict;

/// What became of the digests and log files of a run:
/// `digests` = valid + invalid + key unknown + signature not at hand, and
/// `log_files` = valid + changed + added + unproven + not yet covered + not covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Integrity {
    /// Number of digest files found.
    pub digests: u64,
    /// Proven by their signature, or by a valid digest that follows.
    pub digests_valid: u64,
    /// Changed, moved, wrongly signed, or not digest files at all.
    pub digests_invalid: u64,
    /// Signed with a key that is not among the public keys.
    pub digests_key_unknown: u64,
    /// Neither proven nor refuted: the copy has no signature, and no valid digest follows.
    pub digests_signature_not_at_hand: u64,
    /// Digests that are referenced by others or would fill a gap, and were not found.
    pub digests_missing: u64,
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
    /// Log files that a digest lists and that were not found.
    pub log_files_missing: u64,
}

/// Verifies what was found. Failures are recorded as problems in the coverage.
pub fn judge(
    evidence: &DigestEvidence,
    check: SignatureCheck<'_>,
    scope: VerifyScope<'_>,
    coverage: &mut RunCoverage,
) -> Integrity {
    // Files that could not be read are missing for a known reason.
    let unread = coverage.problems.iter().map(|p| p.document.clone());
    let mut judge = DigestJudge {
        evidence,
        scope,
        unread: unread.collect(),
        standing: vec![DigestStanding::NotAtHand; evidence.digests.len()],
        objects: BTreeMap::new(),
        integrity: Integrity::default(),
        findings: RunCoverage::default(),
    };
    judge.check_signatures(check);
    judge.check_links();
    judge.count_digests();
    let covers = judge.check_chains();
    judge.check_logs(&covers, coverage);
    coverage.merge(judge.findings);
    judge.integrity
}

/// How far a digest is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DigestStanding {
    Proven,
    Invalid,
    KeyUnknown,
    NotAtHand,
}

struct DigestJudge<'e> {
    evidence: &'e DigestEvidence,
    scope: VerifyScope<'e>,
    unread: BTreeSet<String>,
    /// The standing of each digest.
    standing: Vec<DigestStanding>,
    /// The digests by the bucket and key that they contain.
    objects: BTreeMap<(&'e str, &'e str), Vec<usize>>,
    integrity: Integrity,
    findings: RunCoverage,
}

type AccountRegion<'e> = (&'e str, &'e str);

impl<'e> DigestJudge<'e> {
    fn problem(&mut self, document: &str, severity: Severity, reason: impl Into<String>) {
        let problem = ReadProblem::of_document(document, severity, reason);
        self.findings.problem(problem);
    }

    fn invalid(&mut self, index: usize, reason: &str) {
        if self.standing[index] != DigestStanding::Invalid {
            self.standing[index] = DigestStanding::Invalid;
            let document = &self.evidence.digests[index].document;
            self.problem(document, Severity::Failed, reason);
        }
    }

    /// Checks each digest on its own, the last first. A local copy has no signature, but the next
    /// digest repeats it.
    fn check_signatures(&mut self, check: SignatureCheck<'_>) {
        let found = &self.evidence.digests;
        let mut repeated: BTreeMap<(&str, &str), Vec<(usize, &str)>> = BTreeMap::new();
        for (index, digest) in readable(found) {
            let place = (digest.bucket.as_str(), digest.object.as_str());
            self.objects.entry(place).or_default().push(index);
            if let (Some(previous), Some(signature)) =
                (&digest.previous, digest.previous_signature())
            {
                let place = (previous.bucket.as_str(), previous.object.as_str());
                repeated.entry(place).or_default().push((index, signature));
            }
        }
        for index in self.last_first() {
            let found = &self.evidence.digests[index];
            let Ok(digest) = &found.digest else { continue };
            if !digest::is_at(&found.document, &digest.bucket, &digest.object) {
                let place = format!("s3://{}/{}", digest.bucket, digest.object);
                self.invalid(index, &format!("was moved: it is the digest {place}"));
                continue;
            }
            let text = digest.string_to_sign(&found.hash);
            let place = (digest.bucket.as_str(), digest.object.as_str());
            let verdict = match &found.signature {
                Some(signature) => Some(check(digest, &text, signature)),
                None => repeated
                    .get(&place)
                    .into_iter()
                    .flatten()
                    .map(|(after, signature)| (*after, check(digest, &text, signature)))
                    // An invalid digest may contain any signature, so it refutes nothing.
                    .filter(|(after, verdict)| {
                        *verdict != KeyVerdict::Invalid
                            || self.standing[*after] != DigestStanding::Invalid
                    })
                    .map(|(_, verdict)| verdict)
                    .min(),
            };
            match verdict {
                Some(KeyVerdict::Valid) => self.standing[index] = DigestStanding::Proven,
                Some(KeyVerdict::Invalid) => {
                    self.invalid(index, "was changed: its signature does not fit it");
                }
                Some(KeyVerdict::KeyUnknown) => self.standing[index] = DigestStanding::KeyUnknown,
                None => {}
            }
        }
        for (index, found) in self.evidence.digests.iter().enumerate() {
            if let Err(reason) = &found.digest {
                self.invalid(index, reason);
            }
        }
    }

    /// The readable digests, the last one first.
    fn last_first(&self) -> Vec<usize> {
        let mut order: Vec<_> = readable(&self.evidence.digests)
            .map(|(index, digest)| (digest.end, index))
            .collect();
        order.sort_unstable_by(|a, b| b.cmp(a));
        order.into_iter().map(|(_, index)| index).collect()
    }

    /// Compares each digest with the hash in the next one, the last first: a proven digest proves
    /// the previous one.
    fn check_links(&mut self) {
        let found = &self.evidence.digests;
        for index in self.last_first() {
            let (Ok(digest), standing) = (&found[index].digest, self.standing[index]) else {
                continue;
            };
            let Some(previous) = &digest.previous else {
                continue;
            };
            if standing == DigestStanding::Invalid {
                continue;
            }
            for at in self.at(&previous.bucket, &previous.object).to_vec() {
                if found[at].hash != previous.hash {
                    self.invalid(at, "was changed: the digest after it names another hash");
                } else if standing == DigestStanding::Proven
                    && self.standing[at] != DigestStanding::Invalid
                {
                    self.standing[at] = DigestStanding::Proven;
                }
            }
        }
    }

    /// The digests that contain this bucket and key as their own.
    fn at<'a>(&'a self, bucket: &'a str, object: &'a str) -> &'a [usize] {
        self.objects
            .get(&(bucket, object))
            .map_or(&[], Vec::as_slice)
    }

    fn count_digests(&mut self) {
        let mut unknown: BTreeMap<&str, u64> = BTreeMap::new();
        let integrity = &mut self.integrity;
        for (standing, found) in self.standing.iter().zip(&self.evidence.digests) {
            integrity.digests += 1;
            *match (standing, &found.digest) {
                (DigestStanding::Proven, _) => &mut integrity.digests_valid,
                (DigestStanding::KeyUnknown, Ok(digest)) => {
                    *unknown.entry(&digest.fingerprint).or_default() += 1;
                    &mut integrity.digests_key_unknown
                }
                (DigestStanding::Invalid | DigestStanding::KeyUnknown, _) => {
                    &mut integrity.digests_invalid
                }
                (DigestStanding::NotAtHand, _) => &mut integrity.digests_signature_not_at_hand,
            } += 1;
        }
        for (fingerprint, count) in unknown {
            let digests = if count == 1 { "digest" } else { "digests" };
            let reason = format!("is not among the public keys: it would prove {count} {digests}");
            self.problem(&format!("key {fingerprint}"), Severity::Failed, reason);
        }
    }
}

fn readable(found: &[FoundDigest]) -> impl Iterator<Item = (usize, &DigestFile)> {
    let digests = found.iter().enumerate();
    digests.filter_map(|(index, found)| Some((index, found.digest.as_ref().ok()?)))
}

/// The address of an object, in the form of a document that refers to it. For a local copy only the
/// key is known.
fn address(document: &str, bucket: &str, object: &str) -> String {
    match document.starts_with("s3://") {
        true => format!("s3://{bucket}/{object}"),
        false => object.to_owned(),
    }
}

#[cfg(test)]
mod tests;
