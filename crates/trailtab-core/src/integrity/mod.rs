//! Judging log files by the digests beside them: what was changed, removed or added since CloudTrail
//! delivered it.
//!
//! A digest is proven by its signature, or by the hash that a proven digest after it names. It then
//! vouches for the log files that it lists. Whatever nothing vouches for is said to be so.

mod chains;
pub mod digest;
mod logs;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::coverage::{Coverage, Problem, Severity};
use crate::event::filter::Filter;
use crate::integrity::digest::{Digest, Hash};
use crate::time::{Seconds, Window};

/// A file named after a minute may be delivered some minutes later, and then stands in the digest of
/// the next hour.
const SETTLING: Seconds = 15 * 60;

/// What was found of digests and log files.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The digests that were read.
    pub digests: Vec<FoundDigest>,
    /// The log files that were read.
    pub logs: Vec<FoundLog>,
}

/// A file that by its name is a digest.
#[derive(Debug)]
pub struct FoundDigest {
    /// The path or address.
    pub document: String,
    /// The digest, or why it is none.
    pub digest: Result<Digest, String>,
    /// Of its contents.
    pub hash: Hash,
    /// The signature beside it, which only S3 keeps, in hexadecimal digits.
    pub signature: Option<String>,
}

/// A file that by its name is a log file, or that held events.
#[derive(Debug)]
pub struct FoundLog {
    /// The path or address.
    pub document: String,
    /// Of its contents; for a gzip file, of its first member. None if it is damaged.
    pub hash: Option<Hash>,
    /// Whether anything follows the first member.
    pub has_more: bool,
    /// The times of its first and last event.
    pub events: Option<(Seconds, Seconds)>,
}

impl Evidence {
    /// Adds what another thread has found.
    pub fn merge(&mut self, other: Evidence) {
        self.digests.extend(other.digests);
        self.logs.extend(other.logs);
    }
}

/// What is to be verified: nothing outside it can be missing.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The time window that was read.
    pub window: Window,
    /// The filters by account and region.
    pub filter: &'a Filter,
    /// Beginnings of addresses that were read, `s3://BUCKET/PREFIX`.
    pub addresses: &'a [String],
}

/// What a public key says of a signature, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The signature matches the key.
    Valid,
    /// The signature does not match the key.
    Invalid,
    /// There is no key with that fingerprint.
    KeyUnknown,
}

/// Judges a signature, written in hexadecimal digits: the digest, the string to sign, the signature.
pub type Check<'c> = &'c dyn Fn(&Digest, &str, &str) -> Verdict;

/// What became of the digests and log files of a run:
/// `digests` = valid + invalid + key unknown + signature not at hand, and
/// `log_files` = valid + changed + added + unproven + not yet covered + not covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Integrity {
    /// Digest files that were found.
    pub digests: u64,
    /// Proven by their signature, or by a valid digest that follows.
    pub digests_valid: u64,
    /// Changed, moved, wrongly signed, or no digests at all.
    pub digests_invalid: u64,
    /// Signed with a key that is not among the public keys.
    pub digests_key_unknown: u64,
    /// Neither proven nor refuted: no signature came with the copy, and no valid digest follows.
    pub digests_signature_not_at_hand: u64,
    /// Digests that others name, or that would fill a gap, and that are not there.
    pub digests_missing: u64,
    /// Log files that were read.
    pub log_files: u64,
    /// As a valid digest says.
    pub log_files_valid: u64,
    /// Not as a digest says, or followed by more bytes.
    pub log_files_changed: u64,
    /// In no digest, though digests cover the time of their delivery.
    pub log_files_added: u64,
    /// As a digest says that is itself not valid.
    pub log_files_unproven: u64,
    /// Delivered after the last digest; the next one will list them.
    pub log_files_not_yet_covered: u64,
    /// Delivered at a time that no digest at hand covers.
    pub log_files_not_covered: u64,
    /// Named by a digest, and not there.
    pub log_files_missing: u64,
}

/// Judges what was found. What is wrong is a problem in the coverage.
pub fn judge(
    evidence: &Evidence,
    check: Check<'_>,
    scope: Scope<'_>,
    coverage: &mut Coverage,
) -> Integrity {
    // What could not be read is missing for a reason that is known already.
    let unread = coverage.problems.iter().map(|p| p.document.clone());
    let mut judge = Judge {
        evidence,
        scope,
        unread: unread.collect(),
        standing: vec![Standing::NotAtHand; evidence.digests.len()],
        objects: BTreeMap::new(),
        integrity: Integrity::default(),
        findings: Coverage::default(),
    };
    judge.check_signatures(check);
    judge.check_links();
    judge.count_digests();
    let covers = judge.check_chains();
    judge.check_logs(&covers, coverage);
    coverage.merge(judge.findings);
    judge.integrity
}

/// How far a digest can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Proven,
    Invalid,
    KeyUnknown,
    NotAtHand,
}

struct Judge<'e> {
    evidence: &'e Evidence,
    scope: Scope<'e>,
    unread: BTreeSet<String>,
    /// Of each digest.
    standing: Vec<Standing>,
    /// The digests by the object that they say they are.
    objects: BTreeMap<(&'e str, &'e str), Vec<usize>>,
    integrity: Integrity,
    findings: Coverage,
}

type Region<'e> = (&'e str, &'e str);

impl<'e> Judge<'e> {
    fn problem(&mut self, document: &str, severity: Severity, reason: impl Into<String>) {
        self.findings.problem(Problem {
            document: document.to_owned(),
            severity,
            reason: reason.into(),
        });
    }

    fn invalid(&mut self, index: usize, reason: &str) {
        if self.standing[index] != Standing::Invalid {
            self.standing[index] = Standing::Invalid;
            let document = &self.evidence.digests[index].document;
            self.problem(document, Severity::Failed, reason);
        }
    }

    /// Looks at each digest for itself, the last first. A local copy has lost its signature, but the
    /// digest after it repeats it.
    fn check_signatures(&mut self, check: Check<'_>) {
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
                    // An invalid digest may repeat anything, which refutes nothing.
                    .filter(|(after, verdict)| {
                        *verdict != Verdict::Invalid || self.standing[*after] != Standing::Invalid
                    })
                    .map(|(_, verdict)| verdict)
                    .min(),
            };
            match verdict {
                Some(Verdict::Valid) => self.standing[index] = Standing::Proven,
                Some(Verdict::Invalid) => {
                    self.invalid(index, "was changed: its signature does not fit it");
                }
                Some(Verdict::KeyUnknown) => self.standing[index] = Standing::KeyUnknown,
                None => {}
            }
        }
        for (index, found) in self.evidence.digests.iter().enumerate() {
            if let Err(reason) = &found.digest {
                self.invalid(index, reason);
            }
        }
    }

    /// The readable digests, from the last to the first.
    fn last_first(&self) -> Vec<usize> {
        let mut order: Vec<_> = readable(&self.evidence.digests)
            .map(|(index, digest)| (digest.end, index))
            .collect();
        order.sort_unstable_by(|a, b| b.cmp(a));
        order.into_iter().map(|(_, index)| index).collect()
    }

    /// Compares each digest with what the one after it says, the last first: whatever is proven
    /// proves the one before it.
    fn check_links(&mut self) {
        let found = &self.evidence.digests;
        for index in self.last_first() {
            let (Ok(digest), standing) = (&found[index].digest, self.standing[index]) else {
                continue;
            };
            let Some(previous) = &digest.previous else {
                continue;
            };
            if standing == Standing::Invalid {
                continue;
            }
            for at in self.at(&previous.bucket, &previous.object).to_vec() {
                if found[at].hash != previous.hash {
                    self.invalid(at, "was changed: the digest after it names another hash");
                } else if standing == Standing::Proven && self.standing[at] != Standing::Invalid {
                    self.standing[at] = Standing::Proven;
                }
            }
        }
    }

    /// The digests that say they are an object.
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
                (Standing::Proven, _) => &mut integrity.digests_valid,
                (Standing::KeyUnknown, Ok(digest)) => {
                    *unknown.entry(&digest.fingerprint).or_default() += 1;
                    &mut integrity.digests_key_unknown
                }
                (Standing::Invalid | Standing::KeyUnknown, _) => &mut integrity.digests_invalid,
                (Standing::NotAtHand, _) => &mut integrity.digests_signature_not_at_hand,
            } += 1;
        }
        for (fingerprint, count) in unknown {
            let digests = if count == 1 { "digest" } else { "digests" };
            let reason = format!("is not among the public keys: it would prove {count} {digests}");
            self.problem(&format!("key {fingerprint}"), Severity::Failed, reason);
        }
    }
}

fn readable(found: &[FoundDigest]) -> impl Iterator<Item = (usize, &Digest)> {
    let digests = found.iter().enumerate();
    digests.filter_map(|(index, found)| Some((index, found.digest.as_ref().ok()?)))
}

/// Where an object would be, by a document that names it: for a local copy only the key is known.
fn address(document: &str, bucket: &str, object: &str) -> String {
    match document.starts_with("s3://") {
        true => format!("s3://{bucket}/{object}"),
        false => object.to_owned(),
    }
}

#[cfg(test)]
mod tests;
