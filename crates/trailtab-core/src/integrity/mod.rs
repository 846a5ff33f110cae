//! Verifies log files by the digests beside them: finds what was changed, removed or added since
//! CloudTrail delivered it.
//!
//! A digest is proven by its signature, or by a proven later digest that contains its hash. It then
//! vouches for the log files that it lists. Files that nothing vouches for are reported as such.

mod chains;
pub mod digest;
mod logs;
pub(crate) mod report;

use std::collections::{BTreeMap, BTreeSet};

pub use report::Integrity;

use crate::coverage::{ReadProblem, RunCoverage, Severity};
use crate::event::filter::ScopeMatcher;
use crate::integrity::digest::{DigestFile, DocumentPlace, LogFileName, Sha256Hash};
use crate::time::{Seconds, TimeWindow};

/// Digests cover an hour each, and arrive up to two hours after its end. Those of times longer ago are
/// there, or missing.
const OVERDUE: Seconds = 3 * 3600;

/// Maximum number of places outside of what was read that are named; the rest are only counted.
const MAX_PLACES: usize = 10;

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
    /// What S3 stores beside it; empty for a local copy.
    pub metadata: DigestMetadata,
}

/// What CloudTrail stores in the metadata of a digest's object in S3.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DigestMetadata {
    /// `signature`: the signature of the digest in hexadecimal digits.
    pub signature: Option<String>,
    /// `backfill-generation-timestamp`: when a backfill digest was made, and so signed.
    pub generated: Option<Seconds>,
}

/// A file that digests may name.
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
    /// Whether it must be in a digest: it contained events, or its name is that of a log file.
    pub needs_digest: bool,
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
    pub scopes: &'a ScopeMatcher,
    /// The prefixes in S3 that were read.
    pub prefixes: &'a [ReadPrefix],
    /// The current time, which decides which digests must have arrived.
    pub now: Seconds,
}

/// A prefix in S3 that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPrefix {
    /// The addresses of the log files begin so: `s3://BUCKET/PREFIX`.
    pub logs: String,
    /// The addresses of their digests begin so.
    pub digests: String,
    /// The first second that the prefix leaves out; None unless it ends in a date.
    pub until: Option<Seconds>,
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
        folders: BTreeSet::new(),
        unreadable: BTreeMap::new(),
        integrity: Integrity::default(),
        findings: RunCoverage::default(),
    };
    judge.find_copies();
    judge.index();
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
    /// A copy of another one under a name of its own: it says nothing that the other does not say.
    Copy,
}

struct DigestJudge<'e> {
    evidence: &'e DigestEvidence,
    scope: VerifyScope<'e>,
    unread: BTreeSet<String>,
    /// The standing of each digest.
    standing: Vec<DigestStanding>,
    /// The digests by the bucket and key that they contain.
    objects: BTreeMap<(&'e str, &'e str), Vec<usize>>,
    /// The folders that the digests were delivered to.
    folders: BTreeSet<&'e str>,
    /// The digests that cannot be read, by the stem of their file name.
    unreadable: BTreeMap<&'e str, Vec<usize>>,
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

    /// Finds the digests that are copies of others: the same bytes, at a place where no digest is
    /// delivered.
    fn find_copies(&mut self) {
        let found = &self.evidence.digests;
        let mut delivered: BTreeMap<&Sha256Hash, &str> = BTreeMap::new();
        let mut strays: Vec<(usize, &DigestFile)> = Vec::new();
        for (index, document) in found.iter().enumerate() {
            let Ok(digest) = &document.digest else {
                continue;
            };
            match DocumentPlace::of(&document.document, &digest.bucket, &digest.object) {
                DocumentPlace::Elsewhere => strays.push((index, digest)),
                DocumentPlace::Delivered | DocumentPlace::OtherBucket => {
                    delivered.insert(&document.hash, &document.document);
                }
            }
        }
        for (index, digest) in strays {
            let document = &found[index].document;
            let name = digest::stem(digest::file_name(document));
            // At the exact name of another digest it takes the place of that one.
            let is_exact = LogFileName::of(document).is_some_and(|name| name.ended().is_some());
            let has_own_name = name == digest::stem(digest::file_name(&digest.object));
            if delivered.contains_key(&found[index].hash) && (has_own_name || !is_exact) {
                self.standing[index] = DigestStanding::Copy;
            }
        }
    }

    /// Indexes the digests by what they contain, and those that cannot be read by their names.
    fn index(&mut self) {
        for (index, found) in self.evidence.digests.iter().enumerate() {
            match &found.digest {
                Ok(_) if self.standing[index] == DigestStanding::Copy => {}
                Ok(digest) => {
                    let place = (digest.bucket.as_str(), digest.object.as_str());
                    self.objects.entry(place).or_default().push(index);
                    self.folders.insert(digest::folder(&digest.object));
                }
                Err(_) => {
                    let name = digest::stem(digest::file_name(&found.document));
                    self.unreadable.entry(name).or_default().push(index);
                }
            }
        }
    }

    /// Checks each digest on its own, the last first. A local copy has no signature, but the next
    /// digest repeats it.
    fn check_signatures(&mut self, check: SignatureCheck<'_>) {
        let mut repeated: BTreeMap<(&str, &str), Vec<(usize, &str)>> = BTreeMap::new();
        for (index, digest) in self.readable() {
            if let (Some(previous), Some(signature)) =
                (&digest.previous, digest.previous_signature())
            {
                let place = (previous.bucket.as_str(), previous.object.as_str());
                repeated.entry(place).or_default().push((index, signature));
            }
        }
        let mut originals = BTreeSet::new();
        for index in self.last_first() {
            let found = &self.evidence.digests[index];
            let Ok(digest) = &found.digest else { continue };
            match DocumentPlace::of(&found.document, &digest.bucket, &digest.object) {
                DocumentPlace::Delivered => {}
                DocumentPlace::OtherBucket => {
                    originals.insert(digest.bucket.clone());
                }
                DocumentPlace::Elsewhere => {
                    let place = format!("s3://{}/{}", digest.bucket, digest.object);
                    self.invalid(index, &format!("was moved: it is the digest {place}"));
                    continue;
                }
            }
            let text = digest.string_to_sign(&found.hash);
            let place = (digest.bucket.as_str(), digest.object.as_str());
            let verdict = match &found.metadata.signature {
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
        self.integrity.copy_of = originals.into_iter().collect();
        for (index, found) in self.evidence.digests.iter().enumerate() {
            if let Err(reason) = &found.digest {
                self.invalid(index, reason);
            }
        }
    }

    /// The digests that can be read and are not copies of others.
    fn readable(&self) -> impl Iterator<Item = (usize, &'e DigestFile)> {
        let digests = self.evidence.digests.iter().enumerate();
        digests
            .filter(|(index, _)| self.standing[*index] != DigestStanding::Copy)
            .filter_map(|(index, found)| Some((index, found.digest.as_ref().ok()?)))
    }

    /// The readable digests, the last one first.
    fn last_first(&self) -> Vec<usize> {
        let mut order: Vec<_> = self
            .readable()
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
            let Ok(digest) = &found[index].digest else {
                continue;
            };
            // Every digest that may prove this one came before it in this order.
            if self.standing[index] == DigestStanding::NotAtHand && self.is_in_s3(index) {
                self.invalid(
                    index,
                    "has no signature beside it, and no digest after it proves it",
                );
            }
            let standing = self.standing[index];
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

    /// Returns whether a digest was read in S3, where its signature must be beside it.
    fn is_in_s3(&self, index: usize) -> bool {
        digest::s3_place(&self.evidence.digests[index].document).is_some()
    }

    /// Returns whether a digest was found, even if it cannot be read.
    fn is_found(&self, bucket: &str, object: &str) -> bool {
        let name = digest::stem(digest::file_name(object));
        let is_there = |index: &usize| {
            let document = &self.evidence.digests[*index].document;
            DocumentPlace::of(document, bucket, object) != DocumentPlace::Elsewhere
        };
        let mut unreadable = self.unreadable.get(name).into_iter().flatten();
        !self.at(bucket, object).is_empty() || unreadable.any(is_there)
    }

    /// The address of an object that a digest names, where it would have been read: in the bucket
    /// that the digest was read in, if the digest names its own. For a local copy only the key is
    /// known.
    fn address(&self, index: usize, bucket: &str, object: &str) -> String {
        let found = &self.evidence.digests[index];
        let own = found.digest.as_ref().map(|digest| digest.bucket.as_str());
        match digest::s3_place(&found.document) {
            Some((holder, _)) if own == Ok(bucket) => format!("s3://{holder}/{object}"),
            Some(_) => format!("s3://{bucket}/{object}"),
            None => object.to_owned(),
        }
    }

    /// The digests that contain this bucket and key as their own.
    fn at<'a>(&'a self, bucket: &'a str, object: &'a str) -> &'a [usize] {
        self.objects
            .get(&(bucket, object))
            .map_or(&[], Vec::as_slice)
    }

    fn count_digests(&mut self) {
        let mut unknown: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        let integrity = &mut self.integrity;
        for (standing, found) in self.standing.iter().zip(&self.evidence.digests) {
            integrity.digests += 1;
            *match (standing, &found.digest) {
                (DigestStanding::Proven, _) => &mut integrity.digests_valid,
                (DigestStanding::KeyUnknown, Ok(digest)) => {
                    let region = LogFileName::of(&digest.object).map_or("", |name| name.region);
                    *unknown.entry((&digest.fingerprint, region)).or_default() += 1;
                    &mut integrity.digests_key_unknown
                }
                (DigestStanding::Invalid | DigestStanding::KeyUnknown, _) => {
                    &mut integrity.digests_invalid
                }
                (DigestStanding::NotAtHand, _) => &mut integrity.digests_signature_not_at_hand,
                (DigestStanding::Copy, _) => &mut integrity.digests_copies,
            } += 1;
        }
        for ((fingerprint, region), count) in unknown {
            let digests = if count == 1 { "digest" } else { "digests" };
            let reason = format!(
                "is not among the public keys: it would prove {count} {digests} of {region}, and \
                 each Region has keys of its own"
            );
            self.problem(&format!("key {fingerprint}"), Severity::Failed, reason);
        }
    }
}

#[cfg(test)]
mod tests;
