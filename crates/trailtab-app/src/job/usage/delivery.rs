//! Reads a delivery of CloudWatch Logs: counts its events, and sets aside the messages that cannot be read.

use super::unreadable::{ReadablePart, UnreadableMessages};
use crate::deliver::sent_hash;
use trailtab_core::activity::usage::UsageTally;
use trailtab_core::activity::usage::metrics::MetricSets;
use trailtab_core::event::dedupe::SeenIds;
use trailtab_core::event::envelope::{ContentKind, EnvelopeReader, RecordFault, RecordSink as _};
use trailtab_core::event::ingest::{EventIngest, IngestRules, IngestStats};

/// A delivery that was read.
#[derive(Debug)]
pub struct ReadDelivery {
    /// The counts of its events. A message of which any part cannot be read counts as one unreadable event, and so does
    /// a delivery that cannot be read: what is sent to the dead-letter queue was not counted.
    pub counted: IngestStats<UsageTally>,
    /// The messages that cannot be read, if there are any.
    pub unreadable: Option<UnreadableMessages>,
}

impl ReadDelivery {
    /// Identifies the delivery `payload` in the ledger: by its events, so that it is the same however it is packed, or by its
    /// bytes if none was counted.
    pub fn identity(&self, payload: &[u8]) -> String {
        let tally = self.counted.tallies.values().next();
        let fingerprint = tally.map(|tally| format!("{:032x}", tally.fingerprint()));
        fingerprint.unwrap_or_else(|| sent_hash::sha256(payload))
    }
}

/// Reads a delivery: the event of a function that is subscribed to a log group.
pub fn read(payload: &[u8], sets: &MetricSets, rules: &IngestRules) -> ReadDelivery {
    let counted = count(payload, sets, rules);
    let unreadable = match may_hold_unreadable(&counted) {
        true => UnreadableMessages::find(payload, sets, rules),
        false => None,
    };
    let counted = match &unreadable {
        None => counted,
        Some(found) => match &found.readable {
            ReadablePart::AllCounted => counted,
            ReadablePart::Fewer(json) => {
                count_with_faults(json, found.messages.len(), RecordFault::Broken, sets, rules)
            }
            ReadablePart::Nothing => count_with_faults(b"", 1, RecordFault::Payload, sets, rules),
        },
    };
    ReadDelivery {
        counted,
        unreadable,
    }
}

/// Counts the events of a delivery, or of one of its messages.
pub(super) fn count(
    json: &[u8],
    sets: &MetricSets,
    rules: &IngestRules,
) -> IngestStats<UsageTally> {
    count_with_faults(json, 0, RecordFault::Broken, sets, rules)
}

/// Counts the events of `json`, and adds this number of unreadable ones.
fn count_with_faults(
    json: &[u8],
    faults: usize,
    fault: RecordFault,
    sets: &MetricSets,
    rules: &IngestRules,
) -> IngestStats<UsageTally> {
    let (seen, empty) = (SeenIds::default(), UsageTally::by(&sets.dimensions()));
    let mut intake = EventIngest::new(rules, &empty, &seen, None);
    if !json.is_empty() {
        EnvelopeReader::default().feed(json, true, &mut intake);
    }
    for _ in 0..faults {
        intake.unreadable(fault);
    }
    intake.finish()
}

/// Whether any call was counted.
pub(super) fn has_calls(counted: &IngestStats<UsageTally>) -> bool {
    let mut tallies = counted.tallies.values();
    tallies.any(|tally| tally.rows().next().is_some())
}

/// Whether a delivery may hold messages that cannot be read. CloudWatch Logs delivers at least one message, so an event
/// without records, or with unknown content only, may not be a delivery.
fn may_hold_unreadable(counted: &IngestStats<UsageTally>) -> bool {
    let mut kinds = counted.others.keys();
    let is_known = counted.counts.read > 0 || kinds.any(|kind| *kind != ContentKind::Foreign);
    let incomplete = counted.tallies.values().map(UsageTally::incomplete);
    counted.counts.unreadable + incomplete.sum::<u64>() > 0 || !is_known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_json(json: &str) -> ReadDelivery {
        read(
            json.as_bytes(),
            &MetricSets::default(),
            &IngestRules::default(),
        )
    }

    #[test]
    fn events_that_are_not_deliveries_are_unreadable() {
        for event in [
            "",
            "[]",
            "{}",
            "null",
            r#"{"awslogs":{}}"#,
            r#"{"awslogs":{"data":null}}"#,
            // Nothing, {} and {"logEvents":[]}, compressed.
            r#"{"awslogs":{"data":"H4sIAAAAAAACAwMAAAAAAAAAAAA="}}"#,
            r#"{"awslogs":{"data":"H4sIAAAAAAACA6uuBQBDv6ajAgAAAA=="}}"#,
            r#"{"awslogs":{"data":"H4sIAAAAAAACA6tWyslPdy1LzSspVrKKjq0FADn+t+UQAAAA"}}"#,
        ] {
            let delivery = read_json(event);
            let counts = &delivery.counted.counts;
            assert_eq!((counts.read, counts.unreadable), (1, 1), "{event}");
            assert_eq!(delivery.unreadable.unwrap().event, event);
        }
    }
}
