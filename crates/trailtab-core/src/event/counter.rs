//! What counts events: one pass over the records can feed several counters.

use crate::event::identity::ResolvedActor;
use crate::event::record::{CallOutcome, EventRecord};
use crate::time::Seconds;

/// Counts events. A counter is a monoid: an empty one changes nothing, and any two can be merged,
/// in any order and grouping, with the same result. So each thread counts on its own.
pub trait EventCounter: Sync + Send {
    /// The number of an actor in the counter.
    type ActorId: Copy;

    /// Returns an empty counter of the same kind.
    fn empty(&self) -> Self;
    /// Tells whether the counter needs actors. If not, all calls belong to the default actor.
    fn asks_for_actors(&self) -> bool {
        true
    }
    /// Returns the number under which the events of an actor are counted.
    fn actor(&mut self, actor: &ResolvedActor) -> Self::ActorId;
    /// Counts one event of an actor.
    fn add(&mut self, event: &CountedEvent<'_, '_>, actor: Self::ActorId);
    /// Records an identity of an unknown shape.
    fn add_odd(&mut self, shape: &str, json: &str);
    /// Adds the counts of another counter.
    fn merge(&mut self, other: &Self);
    /// Tells whether no event was counted.
    fn is_empty(&self) -> bool;
    /// Moves counts out of memory if they take too much of it. Returns whether the numbers of actors are
    /// void for that reason: then [`EventCounter::actor`] gives new ones.
    fn make_room(&mut self) -> bool {
        false
    }
}

/// One event, ready to be counted.
pub struct CountedEvent<'a, 'r> {
    /// The record as it was read.
    pub record: &'a EventRecord<'r>,
    /// The eventTime in seconds since 1970-01-01T00:00:00Z; absent if the record has no valid one.
    pub time: Option<Seconds>,
    /// Whether the call succeeded, and the error code if it did not.
    pub outcome: CallOutcome<'r>,
}

/// Two counters of the same events.
impl<A: EventCounter, B: EventCounter> EventCounter for (A, B) {
    type ActorId = (A::ActorId, B::ActorId);

    fn empty(&self) -> Self {
        (self.0.empty(), self.1.empty())
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

    fn add_odd(&mut self, shape: &str, json: &str) {
        self.0.add_odd(shape, json);
        self.1.add_odd(shape, json);
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
