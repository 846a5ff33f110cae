//! Follows the digests of a trail through time: finds what is missing, and what is covered.

use std::collections::BTreeMap;

use super::{Judge, Region, SETTLING, Scope, Standing, address, readable};
use crate::coverage::Severity;
use crate::integrity::digest::{Digest, Name, Previous};
use crate::time::{self, Seconds};

/// Seconds between two digests.
pub(super) const HOUR: Seconds = 3600;

/// The trail that a digest belongs to: its region, folder and name, and whether it is a backfill.
type Trail<'e> = (Region<'e>, &'e str, &'e str, bool);

/// The times that digests cover in one region of one account.
#[derive(Debug, Default)]
pub(super) struct Cover {
    /// The ranges from the start to the end of trusted digests; adjacent ranges are joined.
    covered: Vec<(Seconds, Seconds)>,
    /// Ranges in which there may be digests that are not available or not trusted.
    unknown: Vec<(Seconds, Seconds)>,
    /// The end of the last digest.
    pub(super) end: Seconds,
}

impl<'e> Judge<'e> {
    /// Follows the digests of each trail through time, and returns what they cover in each region.
    pub(super) fn check_chains(&mut self) -> BTreeMap<Region<'e>, Cover> {
        let mut chains: BTreeMap<Trail<'e>, Vec<(usize, &'e Digest)>> = BTreeMap::new();
        for (index, digest) in readable(&self.evidence.digests) {
            if let Some(name) = Name::of(&digest.object) {
                let region = (name.account, name.region);
                let folder = folder(&digest.object);
                let trail = (region, folder, name.trail(), name.is_backfill());
                chains.entry(trail).or_default().push((index, digest));
            }
        }
        let mut covers: BTreeMap<Region<'e>, Cover> = BTreeMap::new();
        for ((region, _, _, is_backfill), mut chain) in chains {
            chain.sort_by_key(|(_, digest)| (digest.end, digest.start));
            // Backfill digests have no schedule: only their links show what is missing.
            if is_backfill {
                self.check_backfill(&chain);
                continue;
            }
            for pair in chain.windows(2) {
                if let [(_, before), (index, after)] = *pair {
                    self.check_gap(region, before, after, index);
                }
            }
            let believed = chain.iter().filter(|(index, _)| self.is_believed(*index));
            let cover = covers.entry(region).or_default();
            cover.add(believed.map(|(_, digest)| *digest));
            cover.end = chain
                .iter()
                .map(|(_, digest)| digest.end)
                .fold(cover.end, Seconds::max);
        }
        covers
    }

    /// Tells whether a digest is proven, or follows a proven one without overlapping it, as the
    /// last digest of a local copy does.
    pub(super) fn is_believed(&self, index: usize) -> bool {
        let evidence = self.evidence;
        let Ok(digest) = &evidence.digests[index].digest else {
            return false;
        };
        let follows = |previous: &Previous| {
            let mut before = self.at(&previous.bucket, &previous.object).iter();
            before.any(|&at| {
                let found = &evidence.digests[at];
                let end = found.digest.as_ref().map(|digest| digest.end);
                self.standing[at] == Standing::Proven
                    && found.hash == previous.hash
                    && end.is_ok_and(|end| digest.start >= end)
            })
        };
        match self.standing[index] {
            Standing::Proven => true,
            Standing::NotAtHand => digest.previous.as_ref().is_some_and(follows),
            Standing::Invalid | Standing::KeyUnknown => false,
        }
    }

    fn check_gap(&mut self, region: Region<'_>, before: &Digest, after: &Digest, index: usize) {
        let document = self.evidence.digests[index].document.as_str();
        let is_missing =
            |previous: &&Previous| self.at(&previous.bucket, &previous.object).is_empty();
        let missing = after.previous.as_ref().filter(is_missing);
        let gap = (before.end, after.start);
        if (gap.1 <= gap.0 && missing.is_none()) || !self.is_asked(region, gap) {
            return;
        }
        let hours = u64::try_from((gap.1 - gap.0 + HOUR / 2) / HOUR).unwrap_or_default();
        let times = format!("{} to {}", time::iso(gap.0), time::iso(gap.1));
        match missing {
            Some(previous) => {
                let place = address(document, &previous.bucket, &previous.object);
                if self.unread.contains(&place) {
                    return;
                }
                let count = hours.max(1);
                self.integrity.digests_missing += count;
                let more = match count - 1 {
                    0 => String::new(),
                    1 => ", and one more before it".to_owned(),
                    more => format!(", and {more} more before it"),
                };
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

    fn check_backfill(&mut self, chain: &[(usize, &Digest)]) {
        for (index, digest) in chain.iter().skip(1) {
            let document = self.evidence.digests[*index].document.as_str();
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

    /// Tells whether any part of a delivery time range belongs to the requested window.
    fn is_asked(&self, (account, region): Region<'_>, (from, to): (Seconds, Seconds)) -> bool {
        let Scope { window, filter, .. } = self.scope;
        filter.admits_account(account)
            && filter.admits_region(region)
            && window.since.is_none_or(|since| to >= since)
            // The last events of the window are delivered after its end.
            && window.until.is_none_or(|until| from < until.saturating_add(SETTLING))
    }
}

impl Cover {
    /// Adds the digests of a trail, in order.
    fn add<'e>(&mut self, digests: impl Iterator<Item = &'e Digest>) {
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

    /// Tells whether a log file delivered at this time must be listed in an available digest: the
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
fn folder(object: &str) -> &str {
    object.rsplitn(5, '/').nth(4).unwrap_or_default()
}
