//! Publishes usage metrics: a CloudWatch Logs delivery → calls per minute → metrics, each published
//! once.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;
use tokio::time::Instant;

use crate::deliver::cloudwatch::{MetricPublisher, PutOutcome};
use crate::deliver::ledger::{ClaimOwner, LedgerError, ObjectVersion, SendClaim, SendLedger};
use crate::deliver::sent_hash::{self, SentHash};
use trailtab_core::activity::usage::UsageTally;
use trailtab_core::activity::usage::chunks::{chunks, is_timely};
use trailtab_core::activity::usage::kept::MetricLimit;
use trailtab_core::activity::usage::metrics::{MetricSets, MinuteDatum, UsageMetric};
use trailtab_core::event::dedupe::SeenIds;
use trailtab_core::event::envelope::EnvelopeReader;
use trailtab_core::event::ingest::{EventIngest, IngestRules, IngestStats};
use trailtab_core::time::{Seconds, UtcHour};
use trailtab_render::escape;

/// The outcome of a delivery's events: received = published + skipped + refused + unconfirmed +
/// unsent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct DeliveryReport {
    /// Events in the delivery.
    pub received: u64,
    /// Accepted by CloudWatch.
    pub published: u64,
    /// In no metric, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Too old or too far in the future for CloudWatch.
    pub refused: u64,
    /// Sent without receiving an answer. Not sent again.
    pub unconfirmed: u64,
    /// Not accepted by CloudWatch before the deadline.
    pub unsent: u64,
    /// Chunks sent; one request each unless repeated.
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
}

/// Destination of metrics.
pub enum MetricSink<'w> {
    /// To CloudWatch, with `PutMetricData`.
    Request(&'w MetricPublisher),
    /// A log from which CloudWatch extracts metrics, in embedded metric format.
    Log(&'w mut (dyn FnMut(&[MinuteDatum]) -> io::Result<()> + Send)),
}

/// How to publish metrics, and where to record it.
pub struct MetricPublication<'p> {
    /// The destination.
    pub way: MetricSink<'p>,
    /// Records what was published; not set if nothing is recorded.
    pub ledger: Option<&'p SendLedger>,
    /// Prefix of all ledger keys, without a trailing slash.
    pub key: String,
    /// Identifies this run in the ledger.
    pub owner: ClaimOwner,
    /// No request starts that could be answered only after this time.
    pub deadline: Instant,
}

/// Keys of ledger entries, by namespace and by the account and region that the metrics go to.
#[derive(Debug, Clone)]
pub struct LedgerKeys {
    destination: String,
}

impl LedgerKeys {
    /// The keys for a metric namespace in an account and region.
    pub fn new(namespace: &str, account: &str, region: &str) -> LedgerKeys {
        let parts = [account, region, namespace].map(escape::file_name);
        LedgerKeys {
            destination: parts.join("/"),
        }
    }

    /// Key of the kept metrics.
    pub fn kept(&self) -> String {
        format!("usage/kept/{}.json", self.destination)
    }

    /// Key of a delivery, by the fingerprint of its events.
    pub fn delivery(&self, fingerprint: u128) -> String {
        format!("usage/published/{}/{fingerprint:032x}", self.destination)
    }

    /// Key of a backfilled hour, by its first second.
    pub fn hour(&self, hour: Seconds) -> String {
        format!("usage/backfill/{}/{}", self.destination, UtcHour::of(hour))
    }
}

/// Key of one chunk of a delivery or an hour.
pub fn chunk(key: &str, index: usize) -> String {
    format!("{key}/{index}")
}

/// Counts the events of one delivery.
pub fn count(payload: &[u8], sets: &MetricSets) -> IngestStats<UsageTally> {
    let (rules, seen, empty) = (
        IngestRules::default(),
        SeenIds::default(),
        UsageTally::by(&sets.dimensions()),
    );
    let mut intake = EventIngest::new(&rules, &empty, &seen, None);
    EnvelopeReader::default().feed(payload, true, &mut intake);
    intake.finish()
}

impl DeliveryReport {
    /// A report with the received and skipped events filled in.
    pub fn open(intaken: &IngestStats<UsageTally>) -> DeliveryReport {
        let counts = &intaken.counts;
        let usage = intaken.tallies.values().next();
        let mut skipped: BTreeMap<_, _> = (intaken.others.iter())
            .map(|(kind, count)| (kind.name(), *count))
            .collect();
        skipped.insert("duplicate", counts.duplicate);
        skipped.insert("truncated", intaken.truncated);
        skipped.insert("unreadable", counts.unreadable - intaken.truncated);
        skipped.insert("incomplete", usage.map_or(0, UsageTally::incomplete));
        skipped.retain(|_, count| *count > 0);
        DeliveryReport {
            received: counts.read + intaken.others.values().sum::<u64>(),
            skipped,
            ..DeliveryReport::default()
        }
    }

    /// The number of events in no metric.
    pub fn skipped(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// The number of events in no metric for one reason.
    pub fn skipped_as(&self, kind: &str) -> u64 {
        self.skipped.get(kind).copied().unwrap_or_default()
    }

    fn skip(&mut self, kind: &'static str, events: u64) {
        if events > 0 {
            *self.skipped.entry(kind).or_default() += events;
        }
    }
}

/// Publishes all data in as few requests as possible. Each request succeeds or fails as a whole,
/// and a failure affects only its own data.
pub async fn publish(
    data: Vec<MinuteDatum>,
    publication: MetricPublication<'_>,
    account: &mut DeliveryReport,
) {
    let MetricPublication {
        mut way,
        ledger,
        key,
        owner,
        deadline,
    } = publication;
    let (mut taken, mut is_displaced) = (false, false);
    for (index, part) in chunks(data).into_iter().enumerate() {
        // Must follow the cut into chunks, whose numbers must not depend on the time.
        let (data, late) = timely(part, owner.now);
        account.refused += late;
        let events = data.iter().map(MinuteDatum::events).sum();
        if data.is_empty() {
            continue;
        }
        if is_displaced {
            // After a displaced chunk, later ones may repeat what was published in its place.
            account.skip("displaced", events);
            continue;
        }
        let entry = ChunkEntry {
            ledger,
            key: chunk(&key, index),
            content: content(&data),
            owner: &owner,
        };
        match entry.claim().await {
            Ok(SendClaim::Granted) => {}
            Ok(SendClaim::Sent) => {
                account.skip("repeated", events);
                continue;
            }
            Ok(SendClaim::Differs(when)) => {
                is_displaced = true;
                account.skip("displaced", events);
                account.troubles.push(format!("{events} events are not published: different events were published in their place at {when}: {key}/{index}"));
                continue;
            }
            Ok(SendClaim::Unconfirmed) => {
                account.unconfirmed += events;
                account.troubles.push(format!("{events} events were sent by an earlier run that got no answer: they are not sent again"));
                continue;
            }
            Ok(SendClaim::Busy) => {
                account.unsent += events;
                account.unsent_data += data.len() as u64;
                account.troubles.push(format!(
                    "{events} events are being sent by another run just now"
                ));
                continue;
            }
            Err(error) => {
                account.unsent += events;
                account.unsent_data += data.len() as u64;
                account.troubles.push(error.to_string());
                continue;
            }
        }
        account.chunks += 1;
        let (sent, repeated) = match &mut way {
            MetricSink::Request(publisher) => publisher.publish(&data, deadline).await,
            MetricSink::Log(log) => match log(&data) {
                Ok(()) => (PutOutcome::Arrived, 0),
                Err(error) => (PutOutcome::Unconfirmed(error.to_string()), 0),
            },
        };
        account.retries += repeated;
        taken |= !matches!(sent, PutOutcome::Refused(_));
        let settled = entry.settle(&sent).await;
        match sent {
            PutOutcome::Arrived => account.published += events,
            PutOutcome::Unconfirmed(reason) => {
                account.unconfirmed += events;
                account.troubles.push(format!(
                    "{events} events were sent without an answer and are not sent again: {reason}"
                ));
            }
            PutOutcome::Refused(reason) => {
                account.unsent += events;
                account.unsent_data += data.len() as u64;
                account.troubles.push(format!(
                    "CloudWatch did not take {} data points of {events} events: {reason}",
                    data.len()
                ));
            }
        }
        if let Err(error) = settled {
            account.troubles.push(error.to_string());
        }
    }
    account.is_repeatable = ledger.is_some() || !taken;
}

/// The ledger entry of one chunk.
struct ChunkEntry<'e> {
    ledger: Option<&'e SendLedger>,
    key: String,
    content: SentHash,
    owner: &'e ClaimOwner,
}

impl ChunkEntry<'_> {
    async fn claim(&self) -> Result<SendClaim, LedgerError> {
        match self.ledger {
            Some(ledger) => ledger.claim(&self.key, &self.content, self.owner).await,
            None => Ok(SendClaim::Granted),
        }
    }

    async fn settle(&self, sent: &PutOutcome) -> Result<(), LedgerError> {
        let Some(ledger) = self.ledger else {
            return Ok(());
        };
        let arrived = match sent {
            PutOutcome::Refused(_) => return ledger.release(&self.key).await,
            PutOutcome::Arrived => true,
            PutOutcome::Unconfirmed(_) => false,
        };
        ledger
            .settle(&self.key, &self.content, self.owner, arrived)
            .await
    }
}

/// Removes data that CloudWatch would reject; returns the rest and the number of events removed.
fn timely(mut data: Vec<MinuteDatum>, now: Seconds) -> (Vec<MinuteDatum>, u64) {
    let all: u64 = data.iter().map(MinuteDatum::events).sum();
    data.retain(|datum| is_timely(datum.minute, now));
    let left: u64 = data.iter().map(MinuteDatum::events).sum();
    (data, all - left)
}

/// A hash of the data.
fn content(data: &[MinuteDatum]) -> SentHash {
    #[derive(Serialize)]
    struct SentDatum<'d> {
        name: &'d str,
        values: &'d [String],
        minute: Seconds,
        value: u64,
    }
    let fields = data.iter().map(|datum| SentDatum {
        name: &datum.metric.name,
        values: &datum.metric.values,
        minute: datum.minute,
        value: datum.value,
    });
    // The text of version 1 must not change: entries with its hash are kept for months.
    let version_1: String = data
        .iter()
        .map(|datum| {
            let UsageMetric { name, values, .. } = &datum.metric;
            format!("{name} {values:?} {} {}\n", datum.minute, datum.value)
        })
        .collect();
    let version_1 = sent_hash::sha256(version_1.as_bytes());
    SentHash::new(&fields.collect::<Vec<_>>(), version_1)
}

/// The metrics that are kept, with the version of the stored list.
#[derive(Debug)]
pub struct KeptMetrics {
    kept: MetricLimit,
    version: Option<ObjectVersion>,
    top: usize,
}

/// Maximum attempts to store the list while other runs change it.
const MAX_STORE_ATTEMPTS: usize = 8;

impl KeptMetrics {
    /// Creates an empty list. `top` is the maximum number of metrics in each set.
    pub fn new(top: usize) -> KeptMetrics {
        KeptMetrics {
            kept: MetricLimit::new(top),
            version: None,
            top,
        }
    }

    /// Converts counts to data. All runs that share a ledger keep the same metrics.
    ///
    /// # Errors
    ///
    /// Fails if the list cannot be read or written.
    pub async fn data(
        &mut self,
        usage: &UsageTally,
        sets: &MetricSets,
        remembered: Option<(&SendLedger, &str)>,
    ) -> Result<Vec<MinuteDatum>, LedgerError> {
        let Some((ledger, key)) = remembered else {
            return Ok(self.kept.data(usage, sets));
        };
        if self.version.is_none() {
            self.load(ledger, key).await?;
        }
        for _ in 0..MAX_STORE_ATTEMPTS {
            let mut kept = self.kept.clone();
            let data = kept.data(usage, sets);
            if kept == self.kept {
                return Ok(data);
            }
            let stored = ledger
                .store(key, &kept.to_json(), self.version.as_ref())
                .await?;
            if stored.is_some() {
                (self.kept, self.version) = (kept, stored);
                return Ok(data);
            }
            self.load(ledger, key).await?;
        }
        Err(ledger.contended(key))
    }

    /// Loads the stored list.
    ///
    /// # Errors
    ///
    /// Fails if the list cannot be read.
    pub async fn load(&mut self, ledger: &SendLedger, key: &str) -> Result<(), LedgerError> {
        let found = ledger.load(key).await?;
        (self.kept, self.version) = match found {
            // An invalid list is replaced by an empty one.
            Some((json, version)) => {
                let kept = MetricLimit::read(&json, self.top);
                (
                    kept.unwrap_or_else(|_| MetricLimit::new(self.top)),
                    Some(version),
                )
            }
            None => (MetricLimit::new(self.top), None),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use trailtab_core::activity::usage::metrics::{MetricSet, UsageMetric};

    #[test]
    fn hashes_of_earlier_deliveries_are_recognized() {
        let datum = MinuteDatum {
            metric: UsageMetric {
                set: MetricSet::Calls,
                name: "GetObject".to_owned(),
                values: vec!["eu-west-1".to_owned(), "s3.amazonaws.com".to_owned()],
            },
            minute: 60_000,
            value: 7,
        };
        let hash = content(&[datum]);
        // As trailtab 0.1.0 wrote it.
        assert!(hash.matches("8094f9231d7d2be3118deff7df6150347c3514af824a511355a8c7403e23c75e"));
        assert!(hash.matches(hash.as_str()));
    }

    #[tokio::test]
    async fn nothing_is_sent_after_a_chunk_whose_place_is_taken() {
        let datum = |number: u64| MinuteDatum {
            metric: UsageMetric {
                set: MetricSet::Calls,
                name: format!("Get{number}"),
                values: vec!["eu-west-1".to_owned(), "s3.amazonaws.com".to_owned()],
            },
            minute: 60_000,
            value: 1,
        };
        let directory = tempfile::tempdir().unwrap();
        let ledger = SendLedger::Directory(directory.path().to_owned());
        let owner = ClaimOwner {
            name: "one".to_owned(),
            now: 60_000,
            until: 60_060,
        };
        let first = chunk("delivery", 0);
        let others = content(&[datum(9999)]);
        ledger.claim(&first, &others, &owner).await.unwrap();
        ledger.settle(&first, &others, &owner, true).await.unwrap();
        let mut logged = 0;
        let mut log = |data: &[MinuteDatum]| {
            logged += data.len();
            Ok(())
        };
        let publication = MetricPublication {
            way: MetricSink::Log(&mut log),
            ledger: Some(&ledger),
            key: "delivery".to_owned(),
            owner: owner.clone(),
            deadline: Instant::now() + Duration::from_secs(60),
        };
        let mut account = DeliveryReport::default();
        publish((0..1500).map(datum).collect(), publication, &mut account).await;
        assert_eq!((logged, account.skipped_as("displaced")), (0, 1500));
        assert_eq!(account.troubles.len(), 1);
    }
}
