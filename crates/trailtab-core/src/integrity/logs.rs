//! Verifies log files: those that were read, and those that digests list.

use std::collections::{BTreeMap, BTreeSet};

use super::chains::{DigestCover, HOUR};
use super::{
    AccountRegion, DigestJudge, DigestStanding, FoundLog, SETTLING, VerifyScope, address, readable,
};
use crate::coverage::{RunCoverage, Severity};
use crate::integrity::digest::{self, DigestFile, ListedLogFile, LogFileName};
use crate::scope::Scope;
use crate::time::{Seconds, TimeWindow};

/// If log files were delivered this many seconds after the last digest, digests are missing.
const OVERDUE: Seconds = 3 * HOUR;

impl<'e> DigestJudge<'e> {
    pub(super) fn check_logs(
        &mut self,
        covers: &BTreeMap<AccountRegion<'e>, DigestCover>,
        coverage: &RunCoverage,
    ) {
        let evidence = self.evidence;
        let mut listed: BTreeMap<&str, Vec<(usize, &'e ListedLogFile, bool)>> = BTreeMap::new();
        for (index, digest) in readable(&evidence.digests) {
            for log in &digest.log_files {
                let name = digest::stem(digest::file_name(&log.object));
                listed.entry(name).or_default().push((index, log, false));
            }
        }
        let mut newest: BTreeMap<AccountRegion<'e>, Seconds> = BTreeMap::new();
        for name in evidence
            .logs
            .iter()
            .filter_map(|log| LogFileName::of(&log.document))
        {
            if let Some(time) = name.delivered() {
                let newest = newest.entry((name.account, name.region)).or_insert(time);
                *newest = time.max(*newest);
            }
        }
        let mut not_covered: BTreeMap<Option<AccountRegion<'e>>, u64> = BTreeMap::new();
        for log in &evidence.logs {
            self.integrity.log_files += 1;
            let name = digest::stem(digest::file_name(&log.document));
            let lines = listed.get_mut(name).map_or(&mut [][..], Vec::as_mut_slice);
            let mut said = Vec::new();
            for (index, line, is_here) in lines {
                if digest::is_at(&log.document, &line.bucket, &line.object) {
                    *is_here = true;
                    said.push((*index, log.hash == Some(line.hash)));
                }
            }
            if said.is_empty() {
                self.unlisted(log, covers, &newest, &mut not_covered);
            } else {
                self.listed(log, &said, covers);
            }
        }
        self.report_not_covered(&not_covered, covers);
        self.check_missing(listed, coverage);
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
                None => "cannot be held against its digest: it is damaged or cannot be read",
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
            if self.is_surprising(log, said, covers) {
                let reason = "stands only in a digest that is not proven, though proven ones cover \
                              the time of its delivery";
                self.problem(&log.document, Severity::Partial, reason);
            }
        }
    }

    /// Tells whether a log file should be listed in a trusted digest. An intruder can add a log file and a digest
    /// that lists it to a copy, but cannot sign the digest.
    fn is_surprising(
        &self,
        log: &FoundLog,
        said: &[(usize, bool)],
        covers: &BTreeMap<AccountRegion<'e>, DigestCover>,
    ) -> bool {
        let name = LogFileName::of(&log.document);
        let Some((name, time)) = name.and_then(|name| Some((name, name.delivered()?))) else {
            return true;
        };
        let cover = covers.get(&(name.account, name.region));
        let is_in_its_time = |index: usize| {
            let digest = &self.evidence.digests[index].digest;
            let is_in_time =
                |digest: &DigestFile| digest.start <= time + SETTLING && time <= digest.end;
            self.is_believed(index) && digest.as_ref().is_ok_and(is_in_time)
        };
        cover.is_some_and(|cover| cover.vouches_for(time))
            && !said.iter().any(|(index, _)| is_in_its_time(*index))
    }

    /// Judges a log file that no digest lists.
    fn unlisted(
        &mut self,
        log: &'e FoundLog,
        covers: &BTreeMap<AccountRegion<'e>, DigestCover>,
        newest: &BTreeMap<AccountRegion<'e>, Seconds>,
        not_covered: &mut BTreeMap<Option<AccountRegion<'e>>, u64>,
    ) {
        let name = LogFileName::of(&log.document);
        let region = name.map(|name| (name.account, name.region));
        let cover = region.and_then(|region| covers.get(&region));
        let delivered = name.and_then(|name| name.delivered());
        if let (Some(cover), Some(time), Some(region)) = (cover, delivered, region) {
            let end = cover.end;
            let last = newest.get(&region).copied().unwrap_or(time);
            if time + SETTLING > end && last <= end + OVERDUE {
                self.integrity.log_files_not_yet_covered += 1;
                return;
            }
            if cover.vouches_for(time) {
                self.integrity.log_files_added += 1;
                let reason = "was added: it stands in no digest, though digests cover the time of \
                              its delivery";
                return self.problem(&log.document, Severity::Partial, reason);
            }
        }
        self.integrity.log_files_not_covered += 1;
        // Log files outside the request may lack digests: of another region, or with events outside
        // the window.
        let VerifyScope { window, filter, .. } = self.scope;
        let is_inside = |(from, to): (Seconds, Seconds)| {
            window.since.is_none_or(|since| to >= since)
                && window.until.is_none_or(|until| from < until)
        };
        let times = log.events.or(delivered.map(|time| (time, time)));
        let is_wanted = |(account, region): AccountRegion<'_>| {
            filter.admits_account(account) && filter.admits_region(region)
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

    /// Finds log files that digests list and that were not found.
    fn check_missing(
        &mut self,
        listed: BTreeMap<&str, Vec<(usize, &'e ListedLogFile, bool)>>,
        coverage: &RunCoverage,
    ) {
        let mut missing = BTreeSet::new();
        for (index, log, is_here) in listed.into_values().flatten() {
            let place = || {
                let document = &self.evidence.digests[index].document;
                address(document, &log.bucket, &log.object)
            };
            if !is_here
                && self.standing[index] != DigestStanding::Invalid
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

    /// Tells whether a log file contains what was requested, and is located where it would have
    /// been read.
    fn is_expected(&self, log: &ListedLogFile, coverage: &RunCoverage) -> bool {
        let Some((name, delivered)) = LogFileName::of(&log.object)
            .filter(LogFileName::is_log_file)
            .and_then(|name| Some((name, name.delivered()?)))
        else {
            return false;
        };
        let TimeWindow { since, until } = self.scope.window;
        let (first, last) = log.events.unwrap_or((delivered, delivered));
        let day = |time: Seconds| time.div_euclid(86_400);
        let scope = Scope::of_log_file(&log.object);
        let severity = scope.and_then(|scope| coverage.asked.get(&scope.into()).copied().flatten());
        severity != Some(Severity::Failed)
            && self.scope.filter.admits_account(name.account)
            && self.scope.filter.admits_region(name.region)
            && since.is_none_or(|since| last >= since && day(delivered) >= day(since))
            && until.is_none_or(|until| first < until && day(delivered) <= day(until - 1) + 1)
    }

    /// Tells whether a location was read without a known problem.
    fn is_read(&self, place: &str) -> bool {
        let addresses = self.scope.addresses;
        let is_inside = |start: &String| place.starts_with(start.as_str());
        !self.unread.contains(place)
            && (!place.starts_with("s3://") || addresses.iter().any(is_inside))
    }
}
