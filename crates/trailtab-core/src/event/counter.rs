//! What counts events: one pass over the records can feed several counters.

use crate::event::identity::ResolvedActor;
use crate::event::needs::RecordNeeds;
use crate::event::record::{CallOutcome, EventRecord};
use crate::time::Seconds;

/// Counts events. A counter is a monoid: an empty one changes nothing, and any two can be merged,
/// in any order and grouping, with the same result. So each thread counts on its own.
pub trait EventCounter: Sync + Send {
    /// The number of an actor in the counter.
    type ActorId: Copy;

    /// Returns an empty counter of the same kind.
    fn empty(&self) -> Self;
    /// What the counter needs to know of each event.
    fn needs(&self) -> RecordNeeds;
    /// Returns whether callers are resolved for the counter. If not, all calls belong to the default actor.
    fn asks_for_actors(&self) -> bool {
        self.needs().caller
    }
    /// Returns the number under which the events of an actor are counted.
    fn actor(&mut self, actor: &ResolvedActor) -> Self::ActorId;
    /// Counts one event of an actor, or equal events that were counted before.
    fn add(&mut self, event: &CountedEvent<'_, '_>, actor: Self::ActorId);
    /// Records an identity of an unknown shape, of so many events.
    fn add_odd(&mut self, shape: &str, events: u64, json: &str);
    /// Adds the counts of another counter.
    fn merge(&mut self, other: &Self);
    /// Returns whether no event was counted.
    fn is_empty(&self) -> bool;
    /// Moves counts out of memory if they take too much of it. Returns whether the numbers of actors are
    /// void for that reason: then [`EventCounter::actor`] gives new ones.
    fn make_room(&mut self) -> bool {
        false
    }
}

/// How many calls, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallCount {
    /// Number of calls.
    pub count: u64,
    /// The times of the first and the last of them, in seconds since 1970-01-01T00:00:00Z, within what the counter
    /// needs: see [`CallGrain`](crate::event::needs::CallGrain). Absent if their records have no valid eventTime.
    pub times: Option<(Seconds, Seconds)>,
}

impl CallCount {
    /// One call.
    #[inline]
    pub fn one(time: Option<Seconds>) -> CallCount {
        CallCount {
            count: 1,
            times: time.map(|time| (time, time)),
        }
    }

    /// The time of the first call.
    #[inline]
    pub fn first(self) -> Option<Seconds> {
        self.times.map(|(first, _)| first)
    }
}

/// One event, or equal events, ready to be counted.
pub struct CountedEvent<'a, 'r> {
    /// The record as it was read.
    pub record: &'a EventRecord<'r>,
    /// How many events it stands for, and their times.
    pub calls: CallCount,
    /// Whether the call succeeded, and the error code if it did not.
    pub outcome: CallOutcome<'r>,
}

/// Two counters of the same events.
impl<A: EventCounter, B: EventCounter> EventCounter for (A, B) {
    type ActorId = (A::ActorId, B::ActorId);

    fn empty(&self) -> Self {
        (self.0.empty(), self.1.empty())
    }

    fn needs(&self) -> RecordNeeds {
        self.0.needs().and(self.1.needs())
    }

    fn asks_for_actors(&self) -> bool {
        self.0.asks_for_actors() || self.1.asks_for_actors()
    }

    fn actor(&mut self, actor: &ResolvedActor) -> Self::ActorId {
        (self.0.actor(actor), self.1.actor(actor))
    }

    #[inline]
    fn add(&mut self, event: &CountedEvent<'_, '_>, actor: Self::ActorId) {
        self.0.add(event, actor.0);
        self.1.add(event, actor.1);
    }

    fn add_odd(&mut self, shape: &str, events: u64, json: &str) {
        self.0.add_odd(shape, events, json);
        self.1.add_odd(shape, events, json);
    }

    fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
        self.1.merge(&other.1);
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty() && self.1.is_empty()
    }

    fn make_room(&mut self) -> bool {
        let is_void = self.0.make_room();
        self.1.make_room() || is_void
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::activity::tally::{Tally, tests as tallies};
    use crate::activity::usage::{UsageTally, tests as usages};
    use crate::event::dedupe::SeenIds;
    use crate::event::envelope::EnvelopeReader;
    use crate::event::ingest::{EventIngest, IngestRules};

    /// Counts each part of the events on its own, as threads do.
    fn counted<C: EventCounter>(parts: [&[String]; 2], empty: &C) -> C {
        let (rules, seen) = (IngestRules::default(), SeenIds::default());
        let mut all = empty.empty();
        for part in parts {
            let mut intake = EventIngest::new(&rules, empty, &seen, None);
            EnvelopeReader::default().feed(part.join("\n").as_bytes(), true, &mut intake);
            for counter in intake.finish().tallies.values() {
                all.merge(counter);
            }
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_pair_counts_what_each_of_it_counts_alone(
            events in prop::collection::vec(tallies::event(), 0..24),
            cut in 0..24_usize,
            dimensions in proptest::sample::subsequence(usages::FOR_METRICS.to_vec(), 0..=5),
        ) {
            let (one, other) = events.split_at(cut.min(events.len()));
            let (tally, usage) = (Tally::default(), UsageTally::by(&dimensions));
            let alone = (counted([one, other], &tally), counted([one, other], &usage));
            let pair = counted([one, other], &(tally, usage));
            prop_assert_eq!(pair.is_empty(), events.is_empty());
            prop_assert_eq!(tallies::told(&pair.0), tallies::told(&alone.0));
            prop_assert_eq!(usages::told(&pair.1), usages::told(&alone.1));
        }
    }
}
