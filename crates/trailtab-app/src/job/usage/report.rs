//! What became of the events of a delivery.

use std::collections::BTreeMap;

use serde::Serialize;

use super::LedgerKeys;
use super::claims::RunClaims;
use crate::deliver::ledger::SendClaim;
use crate::deliver::sent_hash::SentHash;
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
    /// Intentionally not counted, by reason.
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
    /// The first reason to retry the delivery, if something is left to a retry.
    #[serde(skip)]
    pub(super) retry_reason: Option<String>,
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
    /// Whether an earlier attempt has counted the skipped, refused and unreadable events.
    #[serde(skip)]
    pub(super) is_rest_counted: bool,
}

/// The events of a delivery, each counted once however often Lambda repeats the delivery: received =
/// published + skipped + unreadable + refused + unconfirmed + unsent.
///
/// An attempt that fails counts what it has published or sent without an answer. The rest is deferred: the attempt that
/// ends the delivery counts it. What an earlier attempt has counted is not counted again if there is a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventCounts {
    /// Events that are in one of the following six counts.
    pub received: u64,
    /// Accepted by CloudWatch.
    pub published: u64,
    /// Intentionally not counted.
    pub skipped: u64,
    /// In no metric because they could not be read or lack what a metric needs.
    pub unreadable: u64,
    /// Not acceptable to CloudWatch.
    pub refused: u64,
    /// Sent without receiving an answer.
    pub unconfirmed: u64,
    /// Not accepted by CloudWatch, and not sent again.
    pub unsent: u64,
    /// Left to the retry of the delivery.
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

    /// The number of events that are intentionally not counted.
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

    /// Whether something is left that a retry of the delivery would do without doing anything twice.
    pub fn needs_retry(&self) -> bool {
        self.is_repeatable && (self.unsent_data > 0 || self.has_unkept_messages)
    }

    /// Why the delivery has to be retried; `None` if it has not.
    pub fn retry_reason(&self) -> Option<String> {
        let reason = self.retry_reason.clone().unwrap_or_default();
        self.needs_retry().then(|| match self.unsent_data {
            0 => reason,
            _ => {
                let (unsent, received) = (self.unsent, self.received);
                format!("{unsent} of {received} events were not published: {reason}")
            }
        })
    }

    /// Leaves all counted events to a retry of the delivery, before anything was sent.
    pub fn leave_to_retry(&mut self, counted: &UsageTally, trouble: String) {
        let events = counted.rows().map(|row| row.calls.calls).sum();
        self.unsent(events, 1, trouble);
        self.is_repeatable = true;
    }

    /// The events as health metrics count them.
    pub fn counts(&self) -> EventCounts {
        let (repeated, displaced) = (self.skipped_as("repeated"), self.skipped_as("displaced"));
        let unconfirmed = self.unconfirmed - self.unconfirmed_before;
        if self.needs_retry() {
            let counted_before = repeated + self.unconfirmed_before;
            let counted = self.published + unconfirmed;
            return EventCounts {
                received: counted,
                published: self.published,
                unconfirmed,
                deferred: self.received - counted_before - counted,
                ..EventCounts::default()
            };
        }
        let rest = |events: u64| if self.is_rest_counted { 0 } else { events };
        let mut counts = EventCounts {
            received: 0,
            published: self.published,
            skipped: rest(self.skipped() - repeated - displaced),
            unreadable: rest(self.unreadable()),
            refused: rest(self.refused),
            unconfirmed,
            // No later attempt publishes displaced events.
            unsent: self.unsent + rest(displaced),
            deferred: 0,
        };
        counts.received = counts.published
            + counts.skipped
            + counts.unreadable
            + counts.refused
            + counts.unconfirmed
            + counts.unsent;
        counts
    }

    /// Claims the counts of skipped, refused and unreadable events for this attempt, if it ends the delivery: each attempt
    /// finds them again, and only the first that ends the delivery counts them. `delivery` is the identity of the delivery.
    pub async fn claim_rest(&mut self, delivery: &str, keys: &LedgerKeys, claims: &RunClaims<'_>) {
        let is_needed = self.has_rest() && !self.needs_retry() && claims.ledger.is_some();
        if !is_needed {
            return;
        }
        let content = SentHash::new(&delivery, String::new());
        match claims.claim(&keys.rest(delivery), &content).await {
            Ok(claim) => self.is_rest_counted = claim != SendClaim::Granted,
            Err(error) => self.troubles.push(format!(
                "skipped, refused and unreadable events may be counted again by a repeated delivery: {error}"
            )),
        }
    }

    /// Whether there are skipped, refused or unreadable events, apart from the function's own calls: a write to the ledger
    /// for each delivery of these would cause further ones.
    fn has_rest(&self) -> bool {
        let others = self.skipped_as("repeated") + self.skipped_as("own");
        self.skipped() + self.refused + self.unreadable() > others
    }

    pub(super) fn skip(&mut self, kind: &'static str, events: u64) {
        if events > 0 {
            *self.skipped.entry(kind).or_default() += events;
        }
    }

    /// Counts data points that were not accepted; a retry may send them.
    pub(super) fn unsent(&mut self, events: u64, data: usize, trouble: String) {
        self.unsent += events;
        self.unsent_data += data as u64;
        self.retry_reason.get_or_insert_with(|| trouble.clone());
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
        self.retry_reason = self.retry_reason.take().or(other.retry_reason);
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
    fn displaced_events_are_unsent() {
        let displaced = DeliveryReport {
            received: 7,
            skipped: BTreeMap::from([("displaced", 7)]),
            ..DeliveryReport::default()
        };
        let expected = EventCounts {
            received: 7,
            unsent: 7,
            ..EventCounts::default()
        };
        assert_eq!(displaced.counts(), expected);
    }

    /// A delivery that an earlier attempt has published.
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
    fn the_rest_is_counted_by_the_attempt_that_ends_the_delivery() {
        let rest = EventCounts {
            received: 8 + 16 + 32,
            skipped: 8,
            unreadable: 16,
            refused: 32,
            ..EventCounts::default()
        };
        assert!(repeated().has_rest());
        assert_eq!(repeated().counts(), rest);
        let counted = DeliveryReport {
            is_rest_counted: true,
            ..repeated()
        };
        assert_eq!(counted.counts(), EventCounts::default());
        // While a dead letter is still to be sent, no attempt counts them.
        let failed = DeliveryReport {
            has_unkept_messages: true,
            published: 2,
            received: 2 + 4 + 8 + 16 + 32,
            ..repeated()
        };
        let expected = EventCounts {
            received: 2,
            published: 2,
            deferred: 8 + 16 + 32,
            ..EventCounts::default()
        };
        assert_eq!(failed.counts(), expected);
    }

    #[test]
    fn unreadable_events_are_counted_if_no_retry_can_send_them() {
        let lost = DeliveryReport {
            received: 2 + 16,
            published: 2,
            unreadable: BTreeMap::from([("broken", 16)]),
            has_unkept_messages: true,
            ..DeliveryReport::default()
        };
        assert!(!lost.needs_retry());
        assert_eq!((lost.counts().unreadable, lost.counts().deferred), (16, 0));
    }
}
