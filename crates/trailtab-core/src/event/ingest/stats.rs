//! What became of the records that were read.

use std::collections::BTreeMap;

use crate::event::counter::EventCounter;
use crate::event::envelope::{ContentKind, RecordForm};
use crate::event::removals::Removals;

/// What happened to the records of a run: read = counted + filtered + duplicate + unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reconciliation {
    /// Records read.
    pub read: u64,
    /// Records counted.
    pub counted: u64,
    /// Events outside the window, or refused by a filter.
    pub filtered: u64,
    /// Events whose eventID was read before in this run.
    pub duplicate: u64,
    /// Elements that should be records and could not be read.
    pub unreadable: u64,
}

/// The counts of one thread, or of all threads together.
#[derive(Debug)]
pub struct IngestStats<C> {
    /// How many records were read, counted, filtered out, duplicate and unreadable.
    pub counts: Reconciliation,
    /// Unreadable records that end in the middle.
    pub truncated: u64,
    /// Unreadable payloads, compressed and inside a document, that are damaged or too large. Records before the damage
    /// are counted, although no checksum vouches for them.
    pub damaged_payloads: u64,
    /// Updated events among the duplicates: the event that they update was counted before they came.
    pub updates_not_applied: u64,
    /// Unreadable records that have no valid time, so that the time window cannot place them.
    pub undated: u64,
    /// Records that were converted from another form, by form.
    pub converted: BTreeMap<RecordForm, u64>,
    /// The counters by account; a single one with an empty name unless accounts are counted
    /// separately.
    pub tallies: BTreeMap<String, C>,
    /// Content of the documents that is not an event, by kind.
    pub others: BTreeMap<ContentKind, u64>,
    /// Data about the events that were not counted; complete only if no event was counted.
    pub removals: Removals,
}

impl<C> Default for IngestStats<C> {
    fn default() -> Self {
        IngestStats {
            counts: Reconciliation::default(),
            truncated: 0,
            damaged_payloads: 0,
            updates_not_applied: 0,
            undated: 0,
            converted: BTreeMap::new(),
            tallies: BTreeMap::new(),
            others: BTreeMap::new(),
            removals: Removals::default(),
        }
    }
}

impl<A, B> IngestStats<(A, B)> {
    /// Takes pairs of counters apart; returns the second ones by account.
    pub fn unzip(self) -> (IngestStats<A>, BTreeMap<String, B>) {
        let mut first = BTreeMap::new();
        let mut second = BTreeMap::new();
        for (account, (a, b)) in self.tallies {
            first.insert(account.clone(), a);
            second.insert(account, b);
        }
        let stats = IngestStats {
            counts: self.counts,
            truncated: self.truncated,
            damaged_payloads: self.damaged_payloads,
            updates_not_applied: self.updates_not_applied,
            undated: self.undated,
            converted: self.converted,
            tallies: first,
            others: self.others,
            removals: self.removals,
        };
        (stats, second)
    }
}

impl<C: EventCounter> IngestStats<C> {
    /// Adds what another thread has counted.
    pub fn merge(&mut self, other: IngestStats<C>) {
        self.truncated += other.truncated;
        self.damaged_payloads += other.damaged_payloads;
        self.updates_not_applied += other.updates_not_applied;
        self.undated += other.undated;
        for (form, count) in other.converted {
            *self.converted.entry(form).or_default() += count;
        }
        self.counts.read += other.counts.read;
        self.counts.counted += other.counts.counted;
        self.counts.filtered += other.counts.filtered;
        self.counts.duplicate += other.counts.duplicate;
        self.counts.unreadable += other.counts.unreadable;
        for (account, tally) in other.tallies {
            match self.tallies.get_mut(&account) {
                Some(mine) => mine.merge(&tally),
                None => drop(self.tallies.insert(account, tally)),
            }
        }
        for (kind, count) in other.others {
            *self.others.entry(kind).or_default() += count;
        }
        self.removals.merge(&other.removals);
    }
}
