//! What became of the events of a delivery.

use std::collections::BTreeMap;

use serde::Serialize;

use trailtab_core::activity::usage::UsageTally;
use trailtab_core::event::ingest::IngestStats;

/// The outcome of a delivery's events: received = published + skipped + unreadable + refused +
/// unconfirmed + unsent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct DeliveryReport {
    /// Events in the delivery.
    pub received: u64,
    /// Accepted by CloudWatch.
    pub published: u64,
    /// In no metric, and rightly so, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// In no metric because they could not be read or lack what a metric needs, by reason. A payload
    /// that could not be read is one, however many events were in it.
    pub unreadable: BTreeMap<&'static str, u64>,
    /// Not acceptable to CloudWatch: too old, too far in the future, or in a datum that it refused.
    pub refused: u64,
    /// Sent without receiving an answer. Not sent again.
    pub unconfirmed: u64,
    /// Not accepted by CloudWatch before the deadline.
    pub unsent: u64,
    /// Chunks sent; one request each unless repeated or split.
    pub chunks: u64,
    /// Repeated requests.
    pub retries: u64,
    /// Data points not accepted, of all sets, including those without events of their own.
    #[serde(skip)]
    pub unsent_data: u64,
    /// Error messages.
    #[serde(skip)]
    pub troubles: Vec<String>,
    /// Whether repeating the delivery would publish what is missing without duplicates.
    #[serde(skip)]
    pub is_repeatable: bool,
    /// Whether CloudWatch took, or may have taken, anything.
    #[serde(skip)]
    pub(super) is_taken: bool,
    /// Unconfirmed events that an earlier run has counted as such.
    #[serde(skip)]
    pub(super) unconfirmed_before: u64,
    /// Whether unreadable messages still have to go to the dead-letter queue.
    #[serde(skip)]
    pub(super) has_unkept_messages: bool,
    /// Whether an earlier run has counted the unreadable messages.
    #[serde(skip)]
    pub(super) is_unreadable_known: bool,
}

/// The events of a delivery, each counted once however often Lambda repeats the delivery: received =
/// published + skipped + unreadable + refused + unconfirmed + unsent.
///
/// A delivery that fails counts what it has published or sent without an answer. All else is deferred:
/// the repetition counts it. If only letters could not be sent, what is in them is deferred. What an
/// earlier run has counted is not counted again, where the ledger knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventCounts {
    /// Events that are in one of the following six counts.
    pub received: u64,
    /// Accepted by CloudWatch.
    pub published: u64,
    /// In no metric, and rightly so.
    pub skipped: u64,
    /// In no metric because they could not be read or lack what a metric needs.
    pub unreadable: u64,
    /// Not acceptable to CloudWatch.
    pub refused: u64,
    /// Sent without receiving an answer.
    pub unconfirmed: u64,
    /// Not accepted by CloudWatch, and not sent again.
    pub unsent: u64,
    /// Left to the repetition of the delivery.
    pub deferred: u64,
}

impl DeliveryReport {
    /// A report with the received, skipped and unreadable events filled in.
    pub fn open(intaken: &IngestStats<UsageTally>) -> DeliveryReport {
        let counts = &intaken.counts;
        let usage = intaken.tallies.values().next();
        let mut skipped: BTreeMap<_, _> = (intaken.others.iter())
            .map(|(kind, count)| (kind.name(), *count))
            .collect();
        skipped.insert("duplicate", counts.duplicate);
        // The only filter of the function is the one by its own calls.
        skipped.insert("own", counts.filtered);
        skipped.retain(|_, count| *count > 0);
        let mut unreadable = BTreeMap::from([
            ("truncated", intaken.truncated),
            ("broken", counts.unreadable - intaken.truncated),
            ("incomplete", usage.map_or(0, UsageTally::incomplete)),
        ]);
        unreadable.retain(|_, count| *count > 0);
        DeliveryReport {
            received: counts.read + intaken.others.values().sum::<u64>(),
            skipped,
            unreadable,
            ..DeliveryReport::default()
        }
    }

    /// The number of events that are in no metric, and rightly so.
    pub fn skipped(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// The number of events in no metric for one reason.
    pub fn skipped_as(&self, kind: &str) -> u64 {
        self.skipped.get(kind).copied().unwrap_or_default()
    }

    /// The number of events that could not be read or lack what a metric needs.
    pub fn unreadable(&self) -> u64 {
        self.unreadable.values().sum()
    }

    /// Whether something is left that a repetition of the delivery would do without doing anything
    /// twice.
    pub fn is_left_to_repetition(&self) -> bool {
        self.is_repeatable && (self.unsent_data > 0 || self.has_unkept_messages)
    }

    /// Leaves all counted events to the repetition of the delivery, before anything was sent.
    pub fn leave_to_repetition(&mut self, counted: &UsageTally, trouble: String) {
        let events = counted.rows().map(|row| row.calls.calls).sum();
        self.unsent(events, 1, trouble);
        self.is_repeatable = true;
    }

    /// The events as health metrics count them.
    pub fn counts(&self) -> EventCounts {
        let repeated = self.skipped_as("repeated");
        let unconfirmed = self.unconfirmed - self.unconfirmed_before;
        if self.is_left_to_repetition() && self.unsent_data > 0 {
            let received = self.received - repeated - self.unconfirmed_before;
            let counted = self.published + unconfirmed;
            return EventCounts {
                received: counted,
                published: self.published,
                unconfirmed,
                deferred: received - counted,
                ..EventCounts::default()
            };
        }
        // The run that published the last part of the delivery has counted the rest of it.
        let is_known = repeated > 0 && self.published + unconfirmed + self.unsent == 0;
        let unless = |is_known: bool, events: u64| if is_known { 0 } else { events };
        let unreadable = unless(self.is_unreadable_known, self.unreadable());
        let mut counts = EventCounts {
            received: 0,
            published: self.published,
            skipped: unless(is_known, self.skipped() - repeated),
            unreadable: unless(self.has_unkept_messages, unreadable),
            refused: unless(is_known, self.refused),
            unconfirmed,
            unsent: self.unsent,
            deferred: unless(!self.has_unkept_messages, unreadable),
        };
        counts.received = counts.published
            + counts.skipped
            + counts.unreadable
            + counts.refused
            + counts.unconfirmed
            + counts.unsent;
        counts
    }

    pub(super) fn skip(&mut self, kind: &'static str, events: u64) {
        if events > 0 {
            *self.skipped.entry(kind).or_default() += events;
        }
    }

    /// Counts data points that were not accepted; a repetition may send them.
    pub(super) fn unsent(&mut self, events: u64, data: usize, trouble: String) {
        self.unsent += events;
        self.unsent_data += data as u64;
        self.troubles.push(trouble);
    }

    /// Adds the outcome of other events of the delivery.
    pub(super) fn add(&mut self, other: DeliveryReport) {
        self.received += other.received;
        self.published += other.published;
        for (kind, events) in other.skipped {
            self.skip(kind, events);
        }
        for (kind, events) in other.unreadable {
            *self.unreadable.entry(kind).or_default() += events;
        }
        self.refused += other.refused;
        self.unconfirmed += other.unconfirmed;
        self.unsent += other.unsent;
        self.chunks += other.chunks;
        self.retries += other.retries;
        self.unsent_data += other.unsent_data;
        self.troubles.extend(other.troubles);
        self.is_taken |= other.is_taken;
        self.unconfirmed_before += other.unconfirmed_before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A delivery of which a part of each kind exists.
    fn report() -> DeliveryReport {
        DeliveryReport {
            received: 2 + 4 + 8 + 16 + 32 + 64 + 128 + 256,
            published: 2,
            skipped: BTreeMap::from([("repeated", 4), ("duplicate", 8)]),
            unreadable: BTreeMap::from([("broken", 16)]),
            refused: 32,
            unconfirmed: 64 + 128,
            unconfirmed_before: 128,
            unsent: 256,
            unsent_data: 1,
            ..DeliveryReport::default()
        }
    }

    #[test]
    fn what_is_not_repeated_is_counted_now_unless_it_was_before() {
        let counts = report().counts();
        let expected = EventCounts {
            received: 2 + 8 + 16 + 32 + 64 + 256,
            published: 2,
            skipped: 8,
            unreadable: 16,
            refused: 32,
            unconfirmed: 64,
            unsent: 256,
            deferred: 0,
        };
        assert_eq!(counts, expected);
    }

    #[test]
    fn a_failed_delivery_counts_what_it_did_for_good() {
        let failed = DeliveryReport {
            is_repeatable: true,
            ..report()
        };
        let expected = EventCounts {
            received: 2 + 64,
            published: 2,
            unconfirmed: 64,
            deferred: 8 + 16 + 32 + 256,
            ..EventCounts::default()
        };
        assert_eq!(failed.counts(), expected);
    }

    #[test]
    fn known_unreadable_messages_are_not_counted_again() {
        let known = DeliveryReport {
            is_unreadable_known: true,
            ..report()
        };
        let counts = known.counts();
        assert_eq!(counts.unreadable, 0);
        assert_eq!(counts.received, report().counts().received - 16);
    }

    /// A delivery that an earlier run has published.
    fn repeated() -> DeliveryReport {
        DeliveryReport {
            received: 4 + 8 + 16 + 32,
            published: 0,
            unconfirmed: 0,
            unconfirmed_before: 0,
            unsent: 0,
            unsent_data: 0,
            is_repeatable: true,
            ..report()
        }
    }

    #[test]
    fn of_a_delivery_that_was_published_only_what_may_be_lost_is_counted() {
        let expected = EventCounts {
            received: 16,
            unreadable: 16,
            ..EventCounts::default()
        };
        assert_eq!(repeated().counts(), expected);
        let known = DeliveryReport {
            is_unreadable_known: true,
            ..repeated()
        };
        assert_eq!(known.counts(), EventCounts::default());
    }

    #[test]
    fn if_only_letters_are_left_only_they_are_deferred() {
        let failed = DeliveryReport {
            has_unkept_messages: true,
            published: 2,
            received: 2 + 4 + 8 + 16 + 32,
            ..repeated()
        };
        assert!(failed.is_left_to_repetition());
        let expected = EventCounts {
            received: 2 + 8 + 32,
            published: 2,
            skipped: 8,
            refused: 32,
            deferred: 16,
            ..EventCounts::default()
        };
        assert_eq!(failed.counts(), expected);
        // The repetition counts them.
        assert_eq!(repeated().counts().unreadable, 16);
    }
}
