//! Verifies log files: those that were read, and those that digests list.

use std::collections::{BTreeMap, BTreeSet};

use super::chains::DigestCover;
use super::{
    AccountRegion, DigestJudge, DigestStanding, FoundLog, OVERDUE, ReadPrefix, SETTLING,
    VerifyScope,
};
use crate::coverage::{RunCoverage, Severity};
use crate::integrity::digest::{
    self, DigestFile, DocumentPlace, ListedLogFile, LogFileName, Sha256Hash,
};
use crate::scope::Scope;
use crate::time::{Seconds, TimeWindow};

/// What digests say of the files with one name: the digest, what it says, and whether the file was
/// found.
type ListedByName<'e> = BTreeMap<&'e str, Vec<(usize, &'e ListedLogFile, bool)>>;

/// Whether a file that a digest lists must be there.
enum FileExpectation {
    Expected,
    /// It was not asked for, or is known to be unread.
    NotAsked,
    /// It is in a folder or bucket that was not read.
    NotRead,
}

impl<'e> DigestJudge<'e> {
    pub(super) fn check_logs(
        &mut self,
        covers: &BTreeMap<AccountRegion<'e>, DigestCover>,
        coverage: &RunCoverage,
    ) {
        let evidence = self.evidence;
        let mut listed: ListedByName<'e> = BTreeMap::new();
        let mut contents: BTreeSet<&Sha256Hash> = BTreeSet::new();
        for (index, digest) in self.readable() {
            for log in &digest.log_files {
                let name = digest::stem(digest::file_name(&log.object));
                listed.entry(name).or_default().push((index, log, false));
                if self.is_believed(index) {
                    contents.insert(&log.hash);
                }
            }
        }
        let mut not_covered: BTreeMap<Option<AccountRegion<'e>>, u64> = BTreeMap::new();
        for log in &evidence.logs {
            let name = digest::stem(digest::file_name(&log.document));
            let lines = listed.get_mut(name).map_or(&mut [][..], Vec::as_mut_slice);
            let mut said = Vec::new();
            for (index, line, is_here) in lines {
                if self.is_of(&log.document, *index, line) {
                    *is_here = true;
                    said.push((*index, log.hash == Some(line.hash)));
                }
            }
            if said.is_empty() && !log.needs_digest {
                continue;
            }
            self.integrity.log_files += 1;
            let is_copy = log.hash.is_some_and(|hash| contents.contains(&hash)) && !log.has_more;
            if !said.is_empty() {
                self.listed(log, &said, covers);
            } else if is_copy {
                self.integrity.log_files_copies += 1;
            } else {
                self.unlisted(log, covers, &mut not_covered);
            }
        }
        self.report_not_covered(&not_covered, covers);
        self.check_missing(listed, coverage);
    }

    /// Returns whether a document is the file that a digest lists. The log files of a digest that was
    /// read in another bucket than its own are there as well.
    fn is_of(&self, document: &str, index: usize, line: &ListedLogFile) -> bool {
        match DocumentPlace::of(document, &line.bucket, &line.object) {
            DocumentPlace::Delivered => true,
            DocumentPlace::OtherBucket => {
                document == self.address(index, &line.bucket, &line.object)
            }
            DocumentPlace::Elsewhere => false,
        }
    }

    /// Judges a log file by the digests that list it, and by its hash.
    fn listed(
        &mut self,
        log: &FoundLog,
        said: &[(usize, bool)],
        covers: &BTreeMap<AccountRegion<'e>, DigestCover>,
    ) {
        let is_proven = |index: usize| self.standing[index] == DigestStanding::Proven;
        let fits = said.iter().any(|(_, fits)| *fits);
        let is_refuted = said.iter().any(|(index, fits)| is_proven(*index) && !fits);
        if !fits || is_refuted || log.has_more {
            let reason = match log.hash {
                None => "cannot be checked against its digest: it is damaged or cannot be read",
                Some(_) if fits && log.has_more => {
                    "was added to: bytes follow the gzip member that CloudTrail delivered"
                }
                Some(_) => "was changed: its hash is not the one that its digest names",
            };
            self.integrity.log_files_changed += 1;
            self.problem(&log.document, Severity::Partial, reason);
        } else if said.iter().any(|(index, _)| is_proven(*index)) {
            self.integrity.log_files_valid += 1;
        } else {
            self.integrity.log_files_unproven += 1;
            if let Some(reason) = self.surprise(log, said, covers) {
                self.problem(&log.document, Severity::Partial, reason);
            }
        }
    }

    /// Returns why a log file should be listed in a trusted digest; None if it need not. An intruder
    /// who adds a log file to a copy can add a digest that lists it, but cannot sign it.
    fn surprise(
        &self,
        log: &FoundLog,
        said: &[(usize, bool)],
        covers: &BTreeMap<AccountRegion<'e>, DigestCover>,
    ) -> Option<&'static str> {
        let name = LogFileName::of(&log.document);
        let named = name.and_then(|name| Some((name, name.delivered()?)));
        let Some((name, time)) = named else {
            return Some("stands only in a digest that is not proven, and has an unusual name");
        };
        let digest = |index: usize| self.evidence.digests[index].digest.as_ref().ok();
        let is_in_its_time = |index: usize| {
            let is_in_time =
                |digest: &DigestFile| digest.start <= time + SETTLING && time <= digest.end;
            self.is_believed(index) && digest(index).is_some_and(is_in_time)
        };
        // The only digest of a trail that just began has no other one to prove it.
        let is_of_its_region = |index: usize| {
            let is_same = |digest: LogFileName<'_>| {
                (digest.account, digest.region) == (name.account, name.region)
                    && !digest.is_backfill()
            };
            let digest = digest(index).and_then(|digest| LogFileName::of(&digest.object));
            self.standing[index] != DigestStanding::NotAtHand || digest.is_some_and(is_same)
        };
        let mut indices = said.iter().map(|(index, _)| *index);
        let cover = covers.get(&(name.account, name.region));
        if cover.is_some_and(|cover| cover.vouches_for(time)) {
            let reason = "stands only in a digest that is not proven, though proven ones cover the \
                          time of its delivery";
            (!indices.any(is_in_its_time)).then_some(reason)
        } else {
            let reason = "stands only in a digest that is not proven, and not in one of its hour";
            (!indices.any(is_of_its_region)).then_some(reason)
        }
    }

    /// Judges a log file that no digest lists.
    fn unlisted(
        &mut self,
        log: &'e FoundLog,
        covers: &BTreeMap<AccountRegion<'e>, DigestCover>,
        not_covered: &mut BTreeMap<Option<AccountRegion<'e>>, u64>,
    ) {
        let name = LogFileName::of(&log.document);
        let region = name.map(|name| (name.account, name.region));
        let cover = region.and_then(|region| covers.get(&region));
        let delivered = name.and_then(|name| name.delivered());
        if let (Some(cover), Some(time)) = (cover, delivered) {
            // The digest that lists it may be on its way.
            let arrives = time.saturating_add(SETTLING + OVERDUE);
            if time + SETTLING > cover.end && arrives > self.scope.now {
                self.integrity.log_files_not_yet_covered += 1;
                return;
            }
            if cover.vouches_for(time) {
                self.integrity.log_files_added += 1;
                let reason = "was added: no digest lists it, though digests cover the time of \
                              its delivery";
                return self.problem(&log.document, Severity::Partial, reason);
            }
        }
        self.integrity.log_files_not_covered += 1;
        // Log files outside the request may lack digests: of another region, or with events outside
        // the window.
        let VerifyScope { window, scopes, .. } = self.scope;
        let is_inside = |(from, to): (Seconds, Seconds)| {
            window.since.is_none_or(|since| to >= since)
                && window.until.is_none_or(|until| from < until)
        };
        let times = log.events.or(delivered.map(|time| (time, time)));
        let is_wanted = |(account, region): AccountRegion<'_>| {
            scopes.admits_account(account) && scopes.admits_region(region)
        };
        if times.is_none_or(is_inside) && region.is_none_or(is_wanted) {
            *not_covered.entry(region).or_default() += 1;
        }
    }

    fn report_not_covered(
        &mut self,
        not_covered: &BTreeMap<Option<AccountRegion<'_>>, u64>,
        covers: &BTreeMap<AccountRegion<'_>, DigestCover>,
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

    /// Finds files that digests list and that were not found.
    fn check_missing(&mut self, listed: ListedByName<'e>, coverage: &RunCoverage) {
        let (mut missing, mut not_checked) = (BTreeSet::new(), BTreeSet::new());
        for (index, log, is_here) in listed.into_values().flatten() {
            if is_here || self.standing[index] == DigestStanding::Invalid {
                continue;
            }
            let place = self.address(index, &log.bucket, &log.object);
            match self.expectation(index, log, &place, coverage) {
                FileExpectation::Expected => missing.insert(place),
                FileExpectation::NotRead => not_checked.insert(place),
                FileExpectation::NotAsked => continue,
            };
        }
        self.integrity.log_files_missing = missing.len() as u64;
        self.integrity.log_files_not_checked = not_checked.len() as u64;
        for place in missing {
            self.problem(&place, Severity::Failed, "is missing: a digest names it");
        }
    }

    /// Returns whether a file that a digest lists contains what was requested, and is located where it
    /// would have been read. A name that says nothing is taken for one of the digest's own region
    /// and time.
    fn expectation(
        &self,
        index: usize,
        log: &ListedLogFile,
        place: &str,
        coverage: &RunCoverage,
    ) -> FileExpectation {
        let Ok(digest) = &self.evidence.digests[index].digest else {
            return FileExpectation::NotAsked;
        };
        let name = LogFileName::of(&log.object);
        let delivered = name.and_then(|name| name.delivered()).unwrap_or(digest.end);
        let region = name.or_else(|| LogFileName::of(&digest.object));
        let is_asked_region = region.is_none_or(|name| {
            let scope = Scope::of_log_file(&log.object);
            let asked = scope.and_then(|scope| coverage.asked.get(&scope.into()).copied());
            asked.flatten() != Some(Severity::Failed)
                && self.scope.scopes.admits_account(name.account)
                && self.scope.scopes.admits_region(name.region)
        });
        let TimeWindow { since, until } = self.scope.window;
        let (first, last) = log.events.unwrap_or((delivered, delivered));
        let day = |time: Seconds| time.div_euclid(86_400);
        let is_asked_time = since.is_none_or(|since| last >= since && day(delivered) >= day(since))
            && until.is_none_or(|until| first < until && day(delivered) <= day(until - 1) + 1);
        if !is_asked_region || !is_asked_time || self.unread.contains(place) {
            return FileExpectation::NotAsked;
        }
        if let Some((bucket, _)) = digest::s3_place(place) {
            let prefixes = self.scope.prefixes;
            let is_of_bucket = |prefix: &ReadPrefix| {
                digest::s3_place(&prefix.logs).is_some_and(|(read, _)| read == bucket)
            };
            let is_read = prefixes
                .iter()
                .any(|prefix| place.starts_with(&prefix.logs));
            return match is_read {
                true if digest::is_beside_log_files(&log.object) => FileExpectation::NotRead,
                true => FileExpectation::Expected,
                // The rest of a bucket was not asked for.
                false if prefixes.iter().any(is_of_bucket) => FileExpectation::NotAsked,
                false => FileExpectation::NotRead,
            };
        }
        // A copy may lack the folders beside the log files as a whole.
        let is_of_kind = |found: &FoundLog| {
            let found = LogFileName::of(&found.document);
            found.map(|name| name.kind()) == name.map(|name| name.kind())
        };
        match digest::is_beside_log_files(&log.object) {
            true if !self.evidence.logs.iter().any(is_of_kind) => FileExpectation::NotRead,
            _ => FileExpectation::Expected,
        }
    }
}
