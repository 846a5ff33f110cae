//! Following the digests of a trail through time: what is missing, and what is covered.

use std::collections::BTreeMap;

use super::{Judge, Region, SETTLING, Scope, address, readable};
use crate::core::coverage::Severity;
use crate::core::digest::{Digest, Name, Previous};
use crate::core::window::{self, Seconds};

/// Digests come once an hour.
pub(super) const HOUR: Seconds = 3600;

/// The times that the digests of one trail in one region cover.
#[derive(Debug, Default)]
struct Chain<'e> {
    digests: Vec<(&'e Digest, &'e str)>,
}

/// What digests cover in one region of one account.
#[derive(Debug, Default)]
pub(super) struct Cover {
    /// From the start of a digest to its end; neighbours are joined.
    covered: Vec<(Seconds, Seconds)>,
    /// Where a digest may be that is not at hand.
    unknown: Vec<(Seconds, Seconds)>,
}

impl<'e> Judge<'e> {
    /// Follows each trail's digests through time, and returns what they cover in each region.
    pub(super) fn check_chains(&mut self) -> BTreeMap<Region<'e>, Cover> {
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
            |previous: &&Previous| self.at(&previous.bucket, &previous.object).is_empty();
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

    pub(super) fn end(&self) -> Seconds {
        let ends = self.covered.iter().map(|(_, end)| *end);
        ends.max().unwrap_or(Seconds::MIN)
    }

    /// Tells whether a log file of a time must stand in a digest that is at hand: one trail's
    /// digests cover it, and no trail has any that is not at hand.
    pub(super) fn vouches_for(&self, from: Seconds, to: Seconds) -> bool {
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

/// The folder of a trail's digests, above those of days.
fn folder(object: &str) -> &str {
    object.rsplitn(5, '/').nth(4).unwrap_or_default()
}
