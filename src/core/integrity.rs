//! Judging log files by the digests beside them: what was changed, removed or added since CloudTrail
//! delivered it.
//!
//! A digest is proven by its signature, or by the hash that a proven digest after it names. It then
//! vouches for the log files that it lists. Whatever nothing vouches for is said to be so.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::coverage::{Coverage, Problem, Severity};
use super::digest::{self, Digest, Hash, LogFile, Name};
use super::filter::Filter;
use super::window::{self, Seconds, Window};

/// Digests come once an hour.
const HOUR: Seconds = 3600;

/// A file named after a minute may be delivered some minutes later, and then stands in the digest of
/// the next hour.
const SETTLING: Seconds = 15 * 60;

/// If log files were delivered this much later than the last digest, digests are missing.
const OVERDUE: Seconds = 3 * HOUR;

/// What was found of digests and log files.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) digests: Vec<FoundDigest>,
    pub(crate) logs: Vec<FoundLog>,
}

/// A file that by its name is a digest.
#[derive(Debug)]
pub(crate) struct FoundDigest {
    /// The path or address.
    pub(crate) document: String,
    /// The digest, or why it is none.
    pub(crate) digest: Result<Digest, String>,
    /// Of its contents.
    pub(crate) hash: Hash,
    /// The signature beside it, which only S3 keeps, in hexadecimal digits.
    pub(crate) signature: Option<String>,
}

/// A file that by its name is a log file, or that held events.
#[derive(Debug)]
pub(crate) struct FoundLog {
    pub(crate) document: String,
    /// Of its contents; for a gzip file, of its first member. None if it is damaged.
    pub(crate) hash: Option<Hash>,
    /// Whether anything follows the first member.
    pub(crate) has_more: bool,
    /// The times of its first and last event.
    pub(crate) events: Option<(Seconds, Seconds)>,
}

impl Evidence {
    pub(crate) fn merge(&mut self, other: Evidence) {
        self.digests.extend(other.digests);
        self.logs.extend(other.logs);
    }
}

/// What is to be verified: nothing outside it can be missing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) window: Window,
    pub(crate) filter: &'a Filter,
    /// Beginnings of addresses that were read, `s3://BUCKET/PREFIX`.
    pub(crate) addresses: &'a [String],
}

/// What a public key says of a signature, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Valid,
    Invalid,
    /// There is no key with that fingerprint.
    KeyUnknown,
}

/// Judges a signature, written in hexadecimal digits: the digest, the string to sign, the signature.
pub(crate) type Check<'c> = &'c dyn Fn(&Digest, &str, &str) -> Verdict;

/// What became of the digests and log files of a run:
/// `digests` = valid + invalid + key unknown + signature not at hand, and
/// `log_files` = valid + changed + added + unproven + not yet covered + not covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Integrity {
    /// Digest files that were found.
    pub(crate) digests: u64,
    /// Proven by their signature, or by a valid digest that follows.
    pub(crate) digests_valid: u64,
    /// Changed, moved, wrongly signed, or no digests at all.
    pub(crate) digests_invalid: u64,
    /// Signed with a key that is not among the public keys.
    pub(crate) digests_key_unknown: u64,
    /// Neither proven nor refuted: no signature came with the copy, and no valid digest follows.
    pub(crate) digests_signature_not_at_hand: u64,
    /// Digests that others name, or that would fill a gap, and that are not there.
    pub(crate) digests_missing: u64,
    /// Log files that were read.
    pub(crate) log_files: u64,
    /// As a valid digest says.
    pub(crate) log_files_valid: u64,
    /// Not as a digest says, or followed by more bytes.
    pub(crate) log_files_changed: u64,
    /// In no digest, though digests cover the time of their delivery.
    pub(crate) log_files_added: u64,
    /// As a digest says that is itself not valid.
    pub(crate) log_files_unproven: u64,
    /// Delivered after the last digest; the next one will list them.
    pub(crate) log_files_not_yet_covered: u64,
    /// Delivered at a time that no digest at hand covers.
    pub(crate) log_files_not_covered: u64,
    /// Named by a digest, and not there.
    pub(crate) log_files_missing: u64,
}

/// Judges what was found. What is wrong is a problem in the coverage.
pub(crate) fn judge(
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

/// The times that the digests of one trail in one region cover.
#[derive(Debug, Default)]
struct Chain<'e> {
    digests: Vec<(&'e Digest, &'e str)>,
}

/// What digests cover in one region of one account.
#[derive(Debug, Default)]
struct Cover {
    /// From the start of a digest to its end; neighbours are joined.
    covered: Vec<(Seconds, Seconds)>,
    /// Where a digest may be that is not at hand.
    unknown: Vec<(Seconds, Seconds)>,
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
        let mut unknown: BTreeMap<&str, u64> = BTreeMap::new();
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
                Some(Verdict::KeyUnknown) => {
                    *unknown.entry(&digest.fingerprint).or_default() += 1;
                    self.standing[index] = Standing::KeyUnknown;
                }
                None => {}
            }
        }
        for (index, found) in self.evidence.digests.iter().enumerate() {
            if let Err(reason) = &found.digest {
                self.invalid(index, reason);
            }
        }
        for (fingerprint, count) in unknown {
            let digests = if count == 1 {
                "digest is"
            } else {
                "digests are"
            };
            let reason =
                format!("is not among the public keys, and {count} {digests} signed with it");
            self.problem(&format!("key {fingerprint}"), Severity::Failed, reason);
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
        let integrity = &mut self.integrity;
        for standing in &self.standing {
            integrity.digests += 1;
            *match standing {
                Standing::Proven => &mut integrity.digests_valid,
                Standing::Invalid => &mut integrity.digests_invalid,
                Standing::KeyUnknown => &mut integrity.digests_key_unknown,
                Standing::NotAtHand => &mut integrity.digests_signature_not_at_hand,
            } += 1;
        }
    }

    /// Follows each trail's digests through time, and returns what they cover in each region.
    fn check_chains(&mut self) -> BTreeMap<Region<'e>, Cover> {
        let mut chains: BTreeMap<(Region<'e>, &str, &str, bool), Chain<'e>> = BTreeMap::new();
        for (index, digest) in readable(&self.evidence.digests) {
            if let Some(name) = Name::of(&digest.object) {
                let region = (name.account, name.region);
                let id = (
                    region,
                    folder(&digest.object),
                    name.trail(),
                    name.is_backfill(),
                );
                let document = self.evidence.digests[index].document.as_str();
                chains
                    .entry(id)
                    .or_default()
                    .digests
                    .push((digest, document));
            }
        }
        let mut covers: BTreeMap<Region<'e>, Cover> = BTreeMap::new();
        for ((region, _, _, is_backfill), mut chain) in chains {
            chain
                .digests
                .sort_by_key(|(digest, _)| (digest.end, digest.start));
            // Backfill digests come when they are needed: only their links tell what is missing.
            if is_backfill {
                self.check_backfill(&chain);
                continue;
            }
            let cover = covers.entry(region).or_default();
            if let Some((first, _)) = chain.digests.first()
                && first.previous.is_some()
            {
                cover.unknown.push((Seconds::MIN, first.start));
            }
            cover.add(
                chain
                    .digests
                    .iter()
                    .map(|(digest, _)| (digest.start, digest.end)),
            );
            for pair in chain.digests.windows(2) {
                let [(before, _), (after, document)] = pair else {
                    continue;
                };
                if after.start > before.end {
                    cover.unknown.push((before.end, after.start));
                }
                self.check_gap(region, before, after, document);
            }
        }
        covers
    }

    fn check_gap(&mut self, region: Region<'_>, before: &Digest, after: &Digest, document: &str) {
        let is_missing =
            |previous: &&digest::Previous| self.at(&previous.bucket, &previous.object).is_empty();
        let missing = after.previous.as_ref().filter(is_missing);
        let gap = (before.end, after.start);
        if (gap.1 <= gap.0 && missing.is_none()) || !self.is_asked(region, gap) {
            return;
        }
        let hours = u64::try_from((gap.1 - gap.0 + HOUR / 2) / HOUR).unwrap_or_default();
        let times = format!("{} to {}", window::iso(gap.0), window::iso(gap.1));
        match missing {
            Some(previous) => {
                let count = hours.max(1);
                self.integrity.digests_missing += count;
                let more = match count - 1 {
                    0 => String::new(),
                    1 => ", and one more before it".to_owned(),
                    more => format!(", and {more} more before it"),
                };
                let place = address(document, &previous.bucket, &previous.object);
                let reason = format!("is missing{more}: no digest covers {times}");
                self.problem(&place, Severity::Failed, reason);
            }
            None => {
                let reason = match after.previous {
                    Some(_) => format!("follows on no other: no digest covers {times}"),
                    None => format!(
                        "begins anew, as after validation or logging was off: no digest covers {times}"
                    ),
                };
                self.problem(document, Severity::Partial, reason);
            }
        }
    }

    fn check_backfill(&mut self, chain: &Chain<'_>) {
        for (digest, document) in chain.digests.iter().skip(1) {
            if let Some(previous) = &digest.previous
                && self.at(&previous.bucket, &previous.object).is_empty()
            {
                self.integrity.digests_missing += 1;
                let place = address(document, &previous.bucket, &previous.object);
                self.problem(
                    &place,
                    Severity::Failed,
                    "is missing: a later digest names it",
                );
            }
        }
    }

    /// Tells whether any of a time, by deliveries, belongs to what was asked for.
    fn is_asked(&self, (account, region): Region<'_>, (from, to): (Seconds, Seconds)) -> bool {
        let Scope { window, filter, .. } = self.scope;
        filter.admits_account(account)
            && filter.admits_region(region)
            && window.since.is_none_or(|since| to >= since)
            // The last events of the window are delivered after it.
            && window.until.is_none_or(|until| from < until.saturating_add(SETTLING))
    }

    fn check_logs(&mut self, covers: &BTreeMap<Region<'e>, Cover>, coverage: &Coverage) {
        let evidence = self.evidence;
        let mut listed: BTreeMap<&str, Vec<(usize, &'e LogFile, bool)>> = BTreeMap::new();
        for (index, digest) in readable(&evidence.digests) {
            for log in &digest.log_files {
                let name = digest::stem(digest::file_name(&log.object));
                listed.entry(name).or_default().push((index, log, false));
            }
        }
        let mut newest: BTreeMap<Region<'e>, Seconds> = BTreeMap::new();
        for name in evidence
            .logs
            .iter()
            .filter_map(|log| Name::of(&log.document))
        {
            if let Some(time) = name.delivered() {
                let newest = newest.entry((name.account, name.region)).or_insert(time);
                *newest = time.max(*newest);
            }
        }
        let mut not_covered: BTreeMap<Option<Region<'e>>, u64> = BTreeMap::new();
        for log in &evidence.logs {
            self.integrity.log_files += 1;
            let name = digest::stem(digest::file_name(&log.document));
            let lines = listed.get_mut(name).map_or(&mut [][..], Vec::as_mut_slice);
            let mut said = Vec::new();
            for (index, line, is_here) in lines {
                if digest::is_at(&log.document, &line.bucket, &line.object) {
                    *is_here = true;
                    said.push((self.standing[*index], log.hash == Some(line.hash)));
                }
            }
            if said.is_empty() {
                self.unlisted(log, covers, &newest, &mut not_covered);
            } else {
                self.listed(log, &said);
            }
        }
        self.report_not_covered(&not_covered, covers);
        self.check_missing(listed, coverage);
    }

    /// Judges a log file by what digests say of it: their standing, and whether the hash fits.
    fn listed(&mut self, log: &FoundLog, said: &[(Standing, bool)]) {
        let fits = said.iter().any(|(_, fits)| *fits);
        let is_refuted = said
            .iter()
            .any(|(standing, fits)| *standing == Standing::Proven && !fits);
        let reason = if log.has_more && fits {
            "was added to: bytes follow the gzip member that CloudTrail delivered"
        } else if !fits || is_refuted {
            "was changed: its hash is not the one that its digest names"
        } else {
            let is_proven = said.contains(&(Standing::Proven, true));
            *match is_proven {
                true => &mut self.integrity.log_files_valid,
                false => &mut self.integrity.log_files_unproven,
            } += 1;
            return;
        };
        self.integrity.log_files_changed += 1;
        self.problem(&log.document, Severity::Partial, reason);
    }

    /// Judges a log file that stands in no digest.
    fn unlisted(
        &mut self,
        log: &'e FoundLog,
        covers: &BTreeMap<Region<'e>, Cover>,
        newest: &BTreeMap<Region<'e>, Seconds>,
        not_covered: &mut BTreeMap<Option<Region<'e>>, u64>,
    ) {
        let name = Name::of(&log.document);
        let region = name.map(|name| (name.account, name.region));
        let cover = region.and_then(|region| covers.get(&region));
        let delivered = name.and_then(|name| name.delivered());
        if let (Some(cover), Some(time), Some(region)) = (cover, delivered, region) {
            let end = cover.end();
            let last = newest.get(&region).copied().unwrap_or(time);
            if time + SETTLING > end && last <= end + OVERDUE {
                self.integrity.log_files_not_yet_covered += 1;
                return;
            }
            if cover.vouches_for(time, time + SETTLING) {
                self.integrity.log_files_added += 1;
                let reason = "was added: it stands in no digest, though digests cover the time of \
                              its delivery";
                return self.problem(&log.document, Severity::Partial, reason);
            }
        }
        self.integrity.log_files_not_covered += 1;
        // What was not asked for may lack digests: another region, or events outside the window.
        let Scope { window, filter, .. } = self.scope;
        let is_inside = |(from, to): (Seconds, Seconds)| {
            window.since.is_none_or(|since| to >= since)
                && window.until.is_none_or(|until| from < until)
        };
        let times = log.events.or(delivered.map(|time| (time, time)));
        let is_wanted = |(account, region): Region<'_>| {
            filter.admits_account(account) && filter.admits_region(region)
        };
        if times.is_none_or(is_inside) && region.is_none_or(is_wanted) {
            *not_covered.entry(region).or_default() += 1;
        }
    }

    fn report_not_covered(
        &mut self,
        not_covered: &BTreeMap<Option<Region<'_>>, u64>,
        covers: &BTreeMap<Region<'_>, Cover>,
    ) {
        if self.evidence.digests.is_empty() {
            let reason = "none found, so that nothing vouches for any log file; they lie in \
                          CloudTrail-Digest/ beside CloudTrail/, if the trail validates log files";
            return self.problem("digests", Severity::Failed, reason);
        }
        for (region, count) in not_covered {
            let files = if *count == 1 { "document" } else { "documents" };
            let (place, reason) = match region {
                None => (
                    "digests".to_owned(),
                    format!(
                        "vouch for log files only: {count} {files} with events have no log file's name"
                    ),
                ),
                Some(region) => {
                    let why = match covers.contains_key(region) {
                        true => "none at hand covers the time when they were delivered",
                        false => "there are none",
                    };
                    (
                        format!("digests of {} in {}", region.0, region.1),
                        format!("vouch for nothing in {count} {files}: {why}"),
                    )
                }
            };
            self.problem(&place, Severity::Partial, reason);
        }
    }

    /// Looks for log files that digests name and that are not there.
    fn check_missing(
        &mut self,
        listed: BTreeMap<&str, Vec<(usize, &'e LogFile, bool)>>,
        coverage: &Coverage,
    ) {
        let mut missing = BTreeSet::new();
        for (index, log, is_here) in listed.into_values().flatten() {
            let place = || {
                let document = &self.evidence.digests[index].document;
                address(document, &log.bucket, &log.object)
            };
            if !is_here
                && self.standing[index] != Standing::Invalid
                && self.is_expected(log, coverage)
                && self.is_read(&place())
            {
                missing.insert(place());
            }
        }
        self.integrity.log_files_missing = missing.len() as u64;
        for place in missing {
            self.problem(&place, Severity::Failed, "is missing: a digest names it");
        }
    }

    /// Tells whether a log file holds what was asked for, and lies where it would have been read.
    fn is_expected(&self, log: &LogFile, coverage: &Coverage) -> bool {
        let Some((name, delivered)) = Name::of(&log.object)
            .filter(Name::is_log_file)
            .and_then(|name| Some((name, name.delivered()?)))
        else {
            return false;
        };
        let region = (name.account.to_owned(), name.region.to_owned());
        let Window { since, until } = self.scope.window;
        let (first, last) = log.events.unwrap_or((delivered, delivered));
        let day = |time: Seconds| time.div_euclid(86_400);
        coverage.asked.get(&region) != Some(&Some(Severity::Failed))
            && self.scope.filter.admits_account(name.account)
            && self.scope.filter.admits_region(name.region)
            && since.is_none_or(|since| last >= since && day(delivered) >= day(since))
            && until.is_none_or(|until| first < until && day(delivered) <= day(until - 1) + 1)
    }

    /// Tells whether a place was read, and without a problem that is known.
    fn is_read(&self, place: &str) -> bool {
        let addresses = self.scope.addresses;
        let is_inside = |start: &String| place.starts_with(start.as_str());
        !self.unread.contains(place)
            && (!place.starts_with("s3://") || addresses.iter().any(is_inside))
    }
}

impl Cover {
    /// Adds the times that a chain covers, which are in order.
    fn add(&mut self, times: impl Iterator<Item = (Seconds, Seconds)>) {
        let mut joined: Vec<(Seconds, Seconds)> = Vec::new();
        for (start, end) in times {
            match joined.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        self.covered.extend(joined);
    }

    fn end(&self) -> Seconds {
        let ends = self.covered.iter().map(|(_, end)| *end);
        ends.max().unwrap_or(Seconds::MIN)
    }

    /// Tells whether a log file of a time must stand in a digest that is at hand: one trail's
    /// digests cover it, and no trail has any that is not at hand.
    fn vouches_for(&self, from: Seconds, to: Seconds) -> bool {
        let is_covered = self
            .covered
            .iter()
            .any(|(start, end)| *start <= from && to <= *end);
        let is_unknown = self
            .unknown
            .iter()
            .any(|(start, end)| *start < to && from < *end);
        is_covered && !is_unknown
    }
}

fn readable(found: &[FoundDigest]) -> impl Iterator<Item = (usize, &Digest)> {
    let digests = found.iter().enumerate();
    digests.filter_map(|(index, found)| Some((index, found.digest.as_ref().ok()?)))
}

/// The folder of a trail's digests, above those of days.
fn folder(object: &str) -> &str {
    object.rsplitn(5, '/').nth(4).unwrap_or_default()
}

/// Where an object would be, by a document that names it: for a local copy only the key is known.
fn address(document: &str, bucket: &str, object: &str) -> String {
    match document.starts_with("s3://") {
        true => format!("s3://{bucket}/{object}"),
        false => object.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const BUCKET: &str = "bucket";

    fn day(hour: i64) -> Seconds {
        window::parse(b"2026-09-07T00:00:00Z").unwrap() + hour * HOUR
    }

    fn stamp(time: Seconds) -> String {
        window::compact(time)
    }

    fn log_key(time: Seconds) -> String {
        let stamp = stamp(time);
        format!(
            "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/07/\
             111122223333_CloudTrail_us-east-1_{}T{}Z_aaaaaaaaaaaaaaaa.json.gz",
            &stamp[..8],
            &stamp[8..12]
        )
    }

    fn digest_key(trail: &str, end: Seconds) -> String {
        let stamp = stamp(end);
        format!(
            "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/07/\
             111122223333_CloudTrail-Digest_us-east-1_{trail}_us-east-1_{}T{}Z.json.gz",
            &stamp[..8],
            &stamp[8..]
        )
    }

    /// A stand-in for SHA-256: nothing here reads contents.
    fn hash(text: &str) -> Hash {
        let mut hash = [0_u8; 32];
        for (at, byte) in text.bytes().enumerate() {
            hash[at % 32] = hash[at % 32].rotate_left(3) ^ byte;
        }
        hash
    }

    fn hex(hash: &Hash) -> String {
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The digests of one trail that end at the hours after 1 and up to `hours`, each with a log file
    /// that was delivered in the middle of its hour; local copies.
    fn chain(trail: &str, hours: std::ops::Range<i64>) -> Evidence {
        let mut evidence = Evidence::default();
        let mut previous = json!(null);
        for hour in hours {
            let (start, end) = (day(hour), day(hour + 1));
            let log = log_key(start + 1800);
            let times = [window::iso(start + 1500), window::iso(start + 1700)];
            let mut value = json!({
                "digestStartTime": window::iso(start),
                "digestEndTime": window::iso(end),
                "digestS3Bucket": BUCKET,
                "digestS3Object": digest_key(trail, end),
                "digestPublicKeyFingerprint": "key",
                "digestSignatureAlgorithm": "SHA256withRSA",
                "logFiles": [{
                    "s3Bucket": BUCKET, "s3Object": log, "hashValue": hex(&hash(&log)),
                    "hashAlgorithm": "SHA-256", "oldestEventTime": times[0], "newestEventTime": times[1],
                }],
            });
            if let Some(members) = previous.as_object() {
                value.as_object_mut().unwrap().extend(members.clone());
            }
            let digest = Digest::parse(value.to_string().as_bytes()).unwrap();
            let own = hash(&value.to_string());
            previous = json!({
                "previousDigestS3Bucket": BUCKET,
                "previousDigestS3Object": digest.object,
                "previousDigestHashValue": hex(&own),
                "previousDigestHashAlgorithm": "SHA-256",
                "previousDigestSignature": sign(&digest.string_to_sign(&own)),
            });
            evidence.logs.push(FoundLog {
                document: format!("copy/{log}"),
                hash: Some(hash(&log)),
                has_more: false,
                events: Some((start + 1500, start + 1700)),
            });
            evidence.digests.push(FoundDigest {
                document: format!("copy/{}", digest.object),
                digest: Ok(digest),
                hash: own,
                signature: None,
            });
        }
        evidence
    }

    fn sign(text: &str) -> String {
        hex(&hash(text))
    }

    fn run_in(evidence: &Evidence, window: Window) -> (Integrity, Vec<String>) {
        let check = |digest: &Digest, text: &str, signature: &str| match digest.fingerprint.as_str()
        {
            "key" if sign(text) == signature => Verdict::Valid,
            "key" => Verdict::Invalid,
            _ => Verdict::KeyUnknown,
        };
        let filter = Filter::default();
        let scope = Scope {
            window,
            filter: &filter,
            addresses: &[],
        };
        let mut coverage = Coverage::default();
        let integrity = judge(evidence, &check, scope, &mut coverage);
        let i = &integrity;
        assert_eq!(
            i.digests,
            i.digests_valid
                + i.digests_invalid
                + i.digests_key_unknown
                + i.digests_signature_not_at_hand
        );
        assert_eq!(
            i.log_files,
            i.log_files_valid
                + i.log_files_changed
                + i.log_files_added
                + i.log_files_unproven
                + i.log_files_not_yet_covered
                + i.log_files_not_covered
        );
        let problems = coverage.problems.iter();
        let name = |p: &Problem| format!("{}: {}", digest::file_name(&p.document), p.reason);
        (integrity, problems.map(name).collect())
    }

    fn run(evidence: &Evidence) -> (Integrity, Vec<String>) {
        run_in(evidence, Window::default())
    }

    /// Demands one problem, that names this place and has this in its reason.
    #[track_caller]
    fn one(problems: &[String], place: &str, reason: &str) {
        let [problem] = problems else {
            panic!("{problems:#?}");
        };
        assert!(problem.starts_with(digest::file_name(place)), "{problem}");
        assert!(problem.contains(reason), "{problem}");
    }

    #[test]
    fn a_whole_chain_is_valid_but_for_the_last_signature() {
        let (integrity, problems) = run(&chain("t", 0..5));
        assert_eq!(problems, [""; 0]);
        let expected = Integrity {
            digests: 5,
            digests_valid: 4,
            digests_signature_not_at_hand: 1,
            log_files: 5,
            log_files_valid: 4,
            log_files_unproven: 1,
            ..Integrity::default()
        };
        assert_eq!(integrity, expected);
        let mut evidence = chain("t", 0..5);
        let last = evidence.digests.last_mut().unwrap();
        let text = last.digest.as_ref().unwrap().string_to_sign(&last.hash);
        last.signature = Some(sign(&text));
        let (integrity, _) = run(&evidence);
        assert_eq!((integrity.digests_valid, integrity.log_files_valid), (5, 5));
    }

    #[test]
    fn a_changed_log_file_is_found() {
        let mut evidence = chain("t", 0..5);
        evidence.logs[1].hash = Some([0; 32]);
        evidence.logs[2].hash = None;
        let (integrity, problems) = run(&evidence);
        assert_eq!((integrity.log_files_changed, problems.len()), (2, 2));
        let mut evidence = chain("t", 0..5);
        evidence.logs[1].has_more = true;
        let (integrity, problems) = run(&evidence);
        assert_eq!(integrity.log_files_changed, 1);
        one(&problems, &evidence.logs[1].document, "was added to");
    }

    #[test]
    fn a_changed_digest_is_found_by_its_hash_and_by_its_signature() {
        let mut evidence = chain("t", 0..5);
        evidence.digests[2].hash = [0; 32];
        let (integrity, problems) = run(&evidence);
        one(
            &problems,
            &evidence.digests[2].document,
            "signature does not fit",
        );
        assert_eq!(
            (integrity.digests_invalid, integrity.log_files_unproven),
            (1, 2)
        );
        // A key that nobody knows leaves the hash.
        for found in &mut evidence.digests[..3] {
            found.digest.as_mut().unwrap().fingerprint = "other".to_owned();
        }
        let (integrity, problems) = run(&evidence);
        assert_eq!(integrity.digests_invalid, 1);
        assert!(
            problems.iter().any(|p| p.contains("names another hash")),
            "{problems:?}"
        );
        assert!(
            problems.iter().any(|p| p.contains("3 digests are signed")),
            "{problems:?}"
        );
    }

    #[test]
    fn a_changed_last_digest_is_not_believed() {
        let mut evidence = chain("t", 0..5);
        let last = evidence.digests.last_mut().unwrap();
        last.digest.as_mut().unwrap().log_files.clear();
        last.hash = [0; 32];
        let (integrity, problems) = run(&evidence);
        assert_eq!(integrity.log_files_valid, 4);
        one(&problems, &evidence.logs[4].document, "was added");
    }

    #[test]
    fn every_missing_digest_is_counted() {
        for (removed, count) in [(2..3, 1), (1..3, 2), (1..4, 3)] {
            let mut evidence = chain("t", 0..6);
            let name = evidence.digests[removed.end - 1].document.clone();
            evidence.digests.drain(removed.clone());
            let (integrity, problems) = run(&evidence);
            assert_eq!(integrity.digests_missing, count, "{problems:?}");
            assert_eq!(integrity.log_files_not_covered, count);
            assert!(
                problems
                    .iter()
                    .any(|p| p.starts_with(digest::file_name(&name))),
                "{problems:?}"
            );
            // Whatever happened outside the window was not asked for.
            let window = Window {
                since: Some(day(5)),
                until: None,
            };
            assert_eq!(run_in(&evidence, window).1, [""; 0]);
        }
    }

    #[test]
    fn the_first_digest_at_hand_may_have_others_before_it() {
        let mut evidence = chain("t", 0..6);
        evidence.digests.drain(..2);
        evidence.logs.drain(..2);
        assert_eq!(run(&evidence).1, [""; 0]);
        // But nothing vouches for log files that are older.
        let mut evidence = chain("t", 0..6);
        evidence.digests.drain(..2);
        let (integrity, problems) = run(&evidence);
        assert_eq!(integrity.log_files_not_covered, 2);
        one(
            &problems,
            "digests of 111122223333 in us-east-1",
            "2 documents",
        );
    }

    #[test]
    fn a_chain_that_begins_anew_is_said_to() {
        let mut evidence = chain("t", 0..2);
        evidence.merge(chain("t", 4..6));
        let (integrity, problems) = run(&evidence);
        assert_eq!(integrity.digests_missing, 0);
        one(&problems, &evidence.digests[2].document, "begins anew");
    }

    #[test]
    fn missing_log_files_are_found_in_the_window_only() {
        let mut evidence = chain("t", 0..5);
        let removed = evidence.logs.remove(1);
        let (integrity, problems) = run(&evidence);
        assert_eq!(integrity.log_files_missing, 1);
        one(&problems, &removed.document, "is missing");
        let window = Window {
            since: Some(day(2)),
            until: None,
        };
        let (integrity, problems) = run_in(&evidence, window);
        assert_eq!((integrity.log_files_missing, problems.len()), (0, 0));
    }

    fn added(time: Seconds) -> FoundLog {
        FoundLog {
            document: log_key(time).replace("aaaa", "bbbb"),
            hash: Some([1; 32]),
            has_more: false,
            events: Some((time, time)),
        }
    }

    #[test]
    fn added_log_files_are_found_where_digests_cover_their_time() {
        let mut evidence = chain("t", 0..5);
        evidence.logs.push(added(day(2) + 60));
        let (integrity, problems) = run(&evidence);
        assert_eq!(integrity.log_files_added, 1);
        one(&problems, &added(day(2) + 60).document, "was added");
        // Those of the last minutes, and later, will stand in the next digest.
        let mut evidence = chain("t", 0..5);
        evidence.logs.push(added(day(5) - 60));
        evidence.logs.push(added(day(5) + 1800));
        let (integrity, problems) = run(&evidence);
        assert_eq!(
            (integrity.log_files_not_yet_covered, problems.len()),
            (2, 0)
        );
        // Unless that one is overdue.
        evidence.logs.push(added(day(9)));
        let (integrity, problems) = run(&evidence);
        assert_eq!(
            (
                integrity.log_files_not_yet_covered,
                integrity.log_files_not_covered
            ),
            (0, 3)
        );
        one(&problems, "digests of", "none at hand covers");
    }

    #[test]
    fn two_trails_may_share_a_folder() {
        let mut evidence = chain("t", 0..5);
        let other = chain("u", 0..5);
        evidence.digests.extend(other.digests);
        let (integrity, problems) = run(&evidence);
        assert_eq!(
            (integrity.digests_valid, problems.len()),
            (8, 0),
            "{problems:?}"
        );
        // A file may stand in the digest of the other trail that is not there.
        evidence.digests.remove(7);
        evidence.logs.push(added(day(2) + 60));
        let (integrity, _) = run(&evidence);
        assert_eq!(
            (integrity.log_files_added, integrity.log_files_not_covered),
            (0, 1)
        );
    }

    #[test]
    fn a_moved_digest_is_invalid() {
        let mut evidence = chain("t", 0..5);
        evidence.digests[2].document = evidence.digests[1].document.clone();
        let (integrity, problems) = run(&evidence);
        assert_eq!(integrity.digests_invalid, 1);
        one(&problems, &evidence.digests[1].document, "was moved");
    }

    #[test]
    fn an_invalid_digest_refutes_no_other() {
        let mut evidence = chain("t", 0..5);
        // The third was rewritten, and what it says of the second with it.
        let other = chain("u", 0..5).digests.remove(2);
        let written = other.digest.unwrap();
        let third = &mut evidence.digests[2];
        let mut forged = third.digest.clone().unwrap();
        forged.previous.as_mut().unwrap().hash = written.log_files[0].hash;
        (third.digest, third.hash) = (Ok(forged), other.hash);
        let (integrity, problems) = run(&evidence);
        one(&problems, &evidence.digests[2].document, "was changed");
        assert_eq!(integrity.digests_invalid, 1);
    }

    #[test]
    fn without_digests_nothing_is_verified() {
        let mut evidence = chain("t", 0..5);
        evidence.digests.clear();
        let (integrity, problems) = run(&evidence);
        assert_eq!((integrity.log_files_not_covered, problems.len()), (5, 1));
        one(&problems, "digests", "none found");
        // Nor where other regions have some.
        let mut evidence = chain("t", 0..5);
        let mut other = added(day(1));
        other.document = other.document.replace("us-east-1", "eu-west-1");
        evidence.logs.push(other);
        let (_, problems) = run(&evidence);
        one(
            &problems,
            "digests of 111122223333 in eu-west-1",
            "there are none",
        );
        let mut evidence = chain("t", 0..5);
        let mut other = added(day(1));
        other.document = "export.json".to_owned();
        evidence.logs.push(other);
        let (_, problems) = run(&evidence);
        one(&problems, "digests", "no log file's name");
    }
}
