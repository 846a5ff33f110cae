//! Follows the digests of a trail through time: finds what is missing, and what is covered.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AccountRegion, DigestJudge, DigestStanding, MAX_PLACES, OVERDUE, SETTLING, VerifyScope,
};
use crate::coverage::Severity;
use crate::integrity::digest::{self, DigestFile, LogFileName, PreviousDigest};
use crate::time::{self, Seconds};

/// Seconds between two digests.
pub(super) const HOUR: Seconds = 3600;

/// The trail that a digest belongs to: its region, folder and name, and whether it is a backfill.
type TrailKey<'e> = (AccountRegion<'e>, &'e str, &'e str, bool);

/// The digests of a trail with their indices, the first one first.
type TrailDigests<'e> = Vec<(usize, &'e DigestFile)>;

/// The times that digests cover in one region of one account.
#[derive(Debug, Default)]
pub(super) struct DigestCover {
    /// The ranges from the start to the end of trusted digests; adjacent ranges are joined.
    covered: Vec<(Seconds, Seconds)>,
    /// Ranges in which there may be digests that are not available or not trusted.
    unknown: Vec<(Seconds, Seconds)>,
    /// The end of the last digest that is not refuted.
    pub(super) end: Seconds,
    /// The end of the last digest in S3, whatever is wrong with it, and its index.
    end_in_s3: Option<(Seconds, usize)>,
}

impl<'e> DigestJudge<'e> {
    /// Follows the digests of each trail through time, and returns what they cover in each region.
    pub(super) fn check_chains(&mut self) -> BTreeMap<AccountRegion<'e>, DigestCover> {
        let mut chains: BTreeMap<TrailKey<'e>, TrailDigests<'e>> = BTreeMap::new();
        for (index, digest) in self.readable() {
            if let Some(name) = LogFileName::of(&digest.object) {
                let region = (name.account, name.region);
                let folder = trail_folder(&digest.object);
                let trail = (region, folder, name.trail(), name.is_backfill());
                chains.entry(trail).or_default().push((index, digest));
            }
        }
        let mut covers: BTreeMap<AccountRegion<'e>, DigestCover> = BTreeMap::new();
        let mut missing = BTreeSet::new();
        for ((region, _, _, is_backfill), chain) in &mut chains {
            chain.sort_by_key(|(_, digest)| (digest.end, digest.start));
            let mut explained = BTreeSet::new();
            let mut before = None;
            for (index, digest) in chain.iter() {
                // Backfill digests have no schedule: only their links show what is missing.
                let earlier = before.filter(|_| !*is_backfill);
                let may_lack = self.check_link(*region, earlier, (*index, digest), &mut missing);
                if may_lack || self.standing[*index] == DigestStanding::Invalid {
                    explained.extend(before.map(|digest: &DigestFile| digest.end));
                }
                before = Some(*digest);
            }
            if *is_backfill {
                continue;
            }
            self.check_proof(*region, chain, &explained);
            let believed = chain.iter().filter(|(index, _)| self.is_believed(*index));
            let cover = covers.entry(*region).or_default();
            cover.add(believed.map(|(_, digest)| *digest));
            for (index, digest) in chain.iter() {
                if self.standing[*index] != DigestStanding::Invalid {
                    cover.end = cover.end.max(digest.end);
                }
                if self.is_in_s3(*index) {
                    cover.end_in_s3 = cover.end_in_s3.max(Some((digest.end, *index)));
                }
            }
        }
        for index in self.unreadable.values().flatten() {
            let document = self.evidence.digests[*index].document.as_str();
            let name = LogFileName::of(document).filter(|_| self.is_in_s3(*index));
            let named = name.and_then(|name| Some(((name.account, name.region), name.ended()?)));
            if let Some((region, end)) = named {
                let cover = covers.entry(region).or_default();
                cover.end_in_s3 = cover.end_in_s3.max(Some((end, *index)));
            }
        }
        self.integrity.digests_missing = missing.len() as u64;
        for ((region, _, _, is_backfill), chain) in &chains {
            if let (false, Some(cover)) = (*is_backfill, covers.get(region)) {
                self.check_last(*region, chain, cover.end);
            }
        }
        for (region, cover) in &covers {
            self.check_end(*region, cover);
        }
        covers
    }

    /// Returns whether a digest is proven, or follows a proven one without overlapping it, as the
    /// last digest of a local copy does.
    pub(super) fn is_believed(&self, index: usize) -> bool {
        let evidence = self.evidence;
        let Ok(digest) = &evidence.digests[index].digest else {
            return false;
        };
        let follows = |previous: &PreviousDigest| {
            let mut before = self.at(&previous.bucket, &previous.object).iter();
            before.any(|&at| {
                let found = &evidence.digests[at];
                let end = found.digest.as_ref().map(|digest| digest.end);
                self.standing[at] == DigestStanding::Proven
                    && found.hash == previous.hash
                    && end.is_ok_and(|end| digest.start >= end)
            })
        };
        match self.standing[index] {
            DigestStanding::Proven => true,
            DigestStanding::NotAtHand => digest.previous.as_ref().is_some_and(follows),
            DigestStanding::Invalid | DigestStanding::KeyUnknown | DigestStanding::Copy => false,
        }
    }

    /// Checks what a digest says of the one before it, and the time since the one that was found
    /// before it. Tells whether a digest may be missing between the two.
    fn check_link(
        &mut self,
        region: AccountRegion<'_>,
        before: Option<&DigestFile>,
        (index, after): (usize, &DigestFile),
        missing: &mut BTreeSet<String>,
    ) -> bool {
        let lacks = |previous: &&PreviousDigest| !self.is_found(&previous.bucket, &previous.object);
        let absent = after.previous.as_ref().filter(lacks);
        let from = before.map_or(after.start.saturating_sub(HOUR), |before| before.end);
        let gap = (from, after.start);
        let is_open = before.is_some() && gap.0 < gap.1;
        if !is_open && absent.is_none() {
            return false;
        }
        // A digest that was found and cannot be read is already reported.
        let previous = after.previous.as_ref();
        let is_unreadable =
            |previous: &PreviousDigest| self.at(&previous.bucket, &previous.object).is_empty();
        if absent.is_none() && previous.is_some_and(is_unreadable) {
            return true;
        }
        // The contents of a refuted digest are not trustworthy: somebody changed it.
        let is_refuted = self.standing[index] == DigestStanding::Invalid;
        if (is_refuted && !is_open) || !self.is_asked(region, gap) {
            return true;
        }
        let document = self.evidence.digests[index].document.as_str();
        let times = format!("{} to {}", time::iso(gap.0), time::iso(gap.1));
        match absent.filter(|_| !is_refuted) {
            Some(previous) => {
                let place = self.address(index, &previous.bucket, &previous.object);
                if self.unread.contains(&place) {
                    return true;
                }
                if !self.is_read(index, &place, previous) {
                    self.digest_outside(index, place);
                    return true;
                }
                let reason = match before {
                    Some(_) if is_open && gap.1 - gap.0 > HOUR + HOUR / 2 => {
                        format!(
                            "is missing, and perhaps others before it: no digest covers {times}"
                        )
                    }
                    Some(_) if is_open => format!("is missing: no digest covers {times}"),
                    _ => format!(
                        "is missing, and perhaps others before it: the digest that begins at {} \
                         names it",
                        time::iso(after.start)
                    ),
                };
                if missing.insert(place.clone()) {
                    self.problem(&place, Severity::Failed, reason);
                }
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
        true
    }

    /// Returns whether a digest would have been read where another one names it.
    fn is_read(&self, index: usize, place: &str, previous: &PreviousDigest) -> bool {
        if self.is_in_s3(index) {
            let mut prefixes = self.scope.prefixes.iter();
            return prefixes.any(|prefix| place.starts_with(&prefix.digests));
        }
        // A copy without a time window may begin with any day.
        self.scope.window.since.is_some() || self.folders.contains(digest::folder(&previous.object))
    }

    /// Records a digest that another one names and that lies outside of what was read.
    fn digest_outside(&mut self, index: usize, place: String) {
        if self.integrity.not_read.contains(&place) {
            return;
        }
        self.integrity.digests_not_read += 1;
        if self.is_in_s3(index) && self.scope.window.since.is_some() {
            let document = &self.evidence.digests[index].document;
            let reason = format!(
                "was not read: it is the digest before {document}, in another bucket or prefix; the \
                 time before that is not verified"
            );
            self.problem(&place, Severity::Partial, reason);
        }
        if self.integrity.not_read.len() < MAX_PLACES {
            self.integrity.not_read.push(place);
        }
    }

    /// Finds digests of a local copy that nothing proves, though others of their trail follow. A
    /// digest before a gap, or before one that is invalid, is known to lack what would prove it.
    fn check_proof(
        &mut self,
        region: AccountRegion<'_>,
        chain: &TrailDigests<'_>,
        explained: &BTreeSet<Seconds>,
    ) {
        let is_unrefuted =
            |(index, _): &&(usize, _)| self.standing[*index] != DigestStanding::Invalid;
        let last = chain.iter().rfind(is_unrefuted);
        let last = last.map(|(_, digest)| digest.object.as_str());
        for (index, digest) in chain {
            if Some(digest.object.as_str()) != last && !explained.contains(&digest.end) {
                self.demand_proof(region, *index, digest);
            }
        }
    }

    /// Checks the last digest of a trail in a local copy. Trails that are in use end at the same hour:
    /// one that ends before must follow a proven digest.
    fn check_last(&mut self, region: AccountRegion<'_>, chain: &TrailDigests<'_>, end: Seconds) {
        let Some((index, digest)) = chain.last() else {
            return;
        };
        if digest.end.saturating_add(2 * HOUR) < end && !self.is_believed(*index) {
            self.demand_proof(region, *index, digest);
        }
    }

    fn demand_proof(&mut self, region: AccountRegion<'_>, index: usize, digest: &DigestFile) {
        if self.standing[index] == DigestStanding::NotAtHand
            && self.is_asked(region, (digest.start, digest.end))
        {
            let document = &self.evidence.digests[index].document;
            let reason =
                "is not proven: no digest after it names its hash or repeats its signature";
            self.problem(document, Severity::Partial, reason);
        }
    }

    /// Holds the end of the last digest in S3 against the time at which the next ones must have
    /// arrived: CloudTrail delivers digests of hours without log files as well.
    fn check_end(&mut self, region: AccountRegion<'_>, cover: &DigestCover) {
        let Some((end, index)) = cover.end_in_s3 else {
            return;
        };
        let VerifyScope {
            window,
            prefixes,
            now,
            ..
        } = self.scope;
        let document = self.evidence.digests[index].document.as_str();
        let of_document = prefixes
            .iter()
            .filter(|prefix| document.starts_with(&prefix.digests));
        // A digest behind the end of a prefix was read for what is before.
        let Some(limit) = of_document
            .map(|prefix| prefix.until.unwrap_or(Seconds::MAX))
            .max()
        else {
            return;
        };
        let due = now.saturating_sub(OVERDUE).min(limit);
        let due = window.until.map_or(due, |until| due.min(until));
        if due <= end || !self.is_asked(region, (end, due)) {
            return;
        }
        let reason = format!(
            "end too early: none covers {} to {}, though CloudTrail delivers one each hour, also where \
             nothing happened, until validation or logging is turned off",
            time::iso(end),
            time::iso(due)
        );
        let place = format!("digests of {} in {}", region.0, region.1);
        self.problem(&place, Severity::Partial, reason);
    }

    /// Returns whether any part of a delivery time range belongs to the requested window.
    fn is_asked(
        &self,
        (account, region): AccountRegion<'_>,
        (from, to): (Seconds, Seconds),
    ) -> bool {
        let VerifyScope { window, scopes, .. } = self.scope;
        scopes.admits_account(account)
            && scopes.admits_region(region)
            && window.since.is_none_or(|since| to >= since)
            // The last events of the window are delivered after its end.
            && window.until.is_none_or(|until| from < until.saturating_add(SETTLING))
    }
}

impl DigestCover {
    /// Adds the digests of a trail, in order.
    fn add<'e>(&mut self, digests: impl Iterator<Item = &'e DigestFile>) {
        let mut joined: Vec<(Seconds, Seconds)> = Vec::new();
        for digest in digests {
            match joined.last_mut() {
                Some(last) if digest.start <= last.1 => last.1 = last.1.max(digest.end),
                Some(last) => {
                    self.unknown.push((last.1, digest.start));
                    joined.push((digest.start, digest.end));
                }
                None => {
                    if digest.previous.is_some() {
                        self.unknown.push((Seconds::MIN, digest.start));
                    }
                    joined.push((digest.start, digest.end));
                }
            }
        }
        self.covered.extend(joined);
    }

    /// Returns whether a log file delivered at this time must be listed in an available digest: the
    /// digests of one trail cover the time, and no trail may have unavailable ones.
    pub(super) fn vouches_for(&self, delivered: Seconds) -> bool {
        let (from, to) = (delivered, delivered + SETTLING);
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

/// The folder of a trail's digests, above the folders of the days.
fn trail_folder(object: &str) -> &str {
    object.rsplitn(5, '/').nth(4).unwrap_or_default()
}
