//! Usage by names that callers choose, in bounded memory.
//!
//! Anyone who may call AWS can make up user agents and names of sessions, so no limit on memory could hold all counts.
//! Those that have no room are sorted and stored as runs, and are added up again when they are read. So counts are
//! exact, whatever the limit is.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io::{self, Read};
use std::sync::Arc;

use super::dimension::{CallDimension, CallerNames};
use super::report::MinuteSeries;
use super::run::UsageRunReader;
use super::{UsageTally, UsageTotals};
use crate::activity::memory::{CountMemory, MemoryShare, StoredRun};
use crate::event::counter::{CountedEvent, EventCounter};
use crate::event::identity::ResolvedActor;
use crate::event::needs::RecordNeeds;

/// A [`UsageTally`] that stores its counts outside of memory when there is no room left.
#[derive(Debug)]
pub struct BoundedUsage {
    tally: UsageTally,
    runs: Vec<Arc<dyn StoredRun>>,
    share: MemoryShare,
}

impl BoundedUsage {
    /// An empty count by these dimensions.
    pub fn by(dimensions: &[CallDimension], memory: Arc<CountMemory>) -> BoundedUsage {
        BoundedUsage {
            tally: UsageTally::by(dimensions),
            runs: Vec::new(),
            share: MemoryShare::new(memory),
        }
    }

    /// Ends counting: all counts in the order of their names.
    ///
    /// # Errors
    ///
    /// Never in practice: the counts in memory are sorted in memory.
    pub fn sorted(self) -> io::Result<SortedUsage> {
        let BoundedUsage {
            tally, mut runs, ..
        } = self;
        let mut rest = Vec::new();
        tally.write_run(&mut rest)?;
        runs.push(Arc::new(MemoryRun(rest)));
        Ok(SortedUsage {
            dimensions: tally.dimensions.clone(),
            totals: tally.totals,
            runs,
        })
    }
}

impl AsRef<UsageTotals> for BoundedUsage {
    fn as_ref(&self) -> &UsageTotals {
        &self.tally.totals
    }
}

impl EventCounter for BoundedUsage {
    type ActorId = CallerNames;

    fn empty(&self) -> BoundedUsage {
        BoundedUsage {
            tally: self.tally.empty(),
            runs: Vec::new(),
            share: self.share.another(),
        }
    }

    fn needs(&self) -> RecordNeeds {
        self.tally.needs()
    }

    fn actor(&mut self, actor: &ResolvedActor) -> CallerNames {
        self.tally.actor(actor)
    }

    #[inline]
    fn add(&mut self, event: &CountedEvent<'_, '_>, caller: CallerNames) {
        self.tally.add(event, caller);
    }

    fn add_odd(&mut self, shape: &str, events: u64, json: &str) {
        self.tally.add_odd(shape, events, json);
    }

    fn merge(&mut self, other: &BoundedUsage) {
        self.tally.merge(&other.tally);
        self.runs.extend(other.runs.iter().cloned());
        self.make_room();
    }

    fn is_empty(&self) -> bool {
        self.tally.is_empty()
    }

    fn make_room(&mut self) -> bool {
        if !self.share.is_due(self.tally.memory_bytes()) {
            return false;
        }
        let Some(run) = self.share.store(&mut |out| self.tally.write_run(out)) else {
            return false;
        };
        self.runs.push(run);
        let totals = std::mem::take(&mut self.tally.totals);
        self.tally = self.tally.empty();
        self.tally.totals = totals;
        true
    }
}

/// The counts that were left in memory at the end, as a run.
#[derive(Debug)]
struct MemoryRun(Vec<u8>);

impl StoredRun for MemoryRun {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(&self.0[..]))
    }
}

/// Counts in the order of their names and minutes, to be read any number of times.
#[derive(Debug)]
pub struct SortedUsage {
    dimensions: Vec<CallDimension>,
    totals: UsageTotals,
    runs: Vec<Arc<dyn StoredRun>>,
}

impl AsRef<UsageTotals> for SortedUsage {
    fn as_ref(&self) -> &UsageTotals {
        &self.totals
    }
}

impl SortedUsage {
    /// Counts of one run.
    #[cfg(test)]
    pub(super) fn with_run(&self, run: Vec<u8>) -> SortedUsage {
        SortedUsage {
            dimensions: self.dimensions.clone(),
            totals: UsageTotals::default(),
            runs: vec![Arc::new(MemoryRun(run))],
        }
    }

    /// All calls by minute, if rows do not add up to them: a call counts for each of its resources.
    pub(super) fn calls_by_minute(&self) -> Option<&MinuteSeries> {
        let is_repeated = self.dimensions.contains(&CallDimension::Resource);
        is_repeated.then_some(&self.totals.by_minute)
    }

    /// Visits the calls by minute of each group of counts that have the first `names` names in common, in the order
    /// of these names. One group at a time is in memory.
    ///
    /// # Errors
    ///
    /// Fails if a run cannot be read back.
    pub(super) fn for_each_group(
        &self,
        names: usize,
        mut visit: impl FnMut(&[String], MinuteSeries),
    ) -> io::Result<()> {
        let mut rows = BinaryHeap::new();
        for run in &self.runs {
            let mut reader = UsageRunReader::new(run.open()?, self.dimensions.len());
            if reader.advance()? {
                rows.push(Reverse(reader));
            }
        }
        let mut group: Option<(Vec<String>, MinuteSeries)> = None;
        while let Some(mut first) = rows.peek_mut() {
            let row = &mut first.0;
            let key = row.names.get(..names).unwrap_or(&row.names);
            if group.as_ref().is_none_or(|(of, _)| of != key) {
                let new = (key.to_vec(), MinuteSeries::new());
                if let Some((names, minutes)) = group.replace(new) {
                    visit(&names, minutes);
                }
            }
            if let Some((_, minutes)) = &mut group {
                minutes.entry(row.minute).or_default().merge(&row.calls);
            }
            if !row.advance()? {
                PeekMut::pop(first);
            }
        }
        if let Some((names, minutes)) = group {
            visit(&names, minutes);
        }
        Ok(())
    }
}
