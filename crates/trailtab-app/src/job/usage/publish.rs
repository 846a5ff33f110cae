//! Sends data to CloudWatch in chunks, several at once, each of them at most once.

use std::borrow::Cow;
use std::io;
use std::iter::Enumerate;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::vec;

use serde::Serialize;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use super::chunk_key;
use super::claims::RunClaims;
use super::pending::LedgerAnswer;
use super::report::DeliveryReport;
use crate::deliver::cloudwatch::{MIN_REQUEST_TIME, MetricPublisher, MetricReadError, PutOutcome};
use crate::deliver::ledger::{ClaimEnd, LedgerError, SendClaim};
use crate::deliver::sent_hash::{self, SentHash};
use trailtab_core::activity::usage::chunks::{chunks, is_timely};
use trailtab_core::activity::usage::metrics::{MinuteDatum, UsageMetric};
use trailtab_core::time::{self, Seconds};

/// Requests at once. They hide the latency of CloudWatch, and hold at most 4 MB.
const MAX_REQUESTS: usize = 4;

/// How often a chunk that CloudWatch refuses for its data is split in two: often enough to find every invalid
/// datum among a thousand. To find one takes ten splits.
const MAX_SPLITS: usize = 1000;

/// Destination of metrics.
pub enum MetricSink<'w> {
    /// To CloudWatch, with `PutMetricData`.
    Request(&'w MetricPublisher),
    /// A log from which CloudWatch extracts metrics, in embedded metric format.
    Log(&'w (dyn Fn(&[MinuteDatum]) -> io::Result<()> + Sync)),
}

/// The sum that CloudWatch has for the metric and minute of a datum; none if it has no such datum.
pub type SumFuture<'s> =
    Pin<Box<dyn Future<Output = Result<Option<f64>, MetricReadError>> + Send + 's>>;

/// Asks CloudWatch for the sum of a datum.
pub type ShownSum<'s> = dyn Fn(&MinuteDatum) -> SumFuture<'s> + Sync + 's;

/// How to publish metrics, and where to record it.
pub struct MetricPublication<'p> {
    /// The destination.
    pub sink: MetricSink<'p>,
    /// Records what was published, and until when.
    pub claims: RunClaims<'p>,
    /// Prefix of all ledger keys, without a trailing slash.
    pub key: String,
    /// Asks CloudWatch for data that an earlier run claimed and did not confirm, with `cloudwatch:GetMetricData`. `None`
    /// in the Lambda functions, which thus do not link that request.
    pub shown_sum: Option<&'p ShownSum<'p>>,
}

/// Data for one request, and its place in the ledger.
struct DataPart {
    key: String,
    data: Vec<MinuteDatum>,
}

/// The chunks that are not claimed yet. They are claimed one after the other, in order.
struct ChunkQueue {
    chunks: Enumerate<vec::IntoIter<Vec<MinuteDatum>>>,
    /// The place of an earlier chunk is taken by different events.
    is_displaced: bool,
}

/// What the parts of one chunk share.
#[derive(Clone, Copy)]
struct SendLimits<'l> {
    /// Permits of requests, of all chunks.
    requests: &'l Semaphore,
    /// How often this chunk may still be split.
    splits: &'l AtomicUsize,
}

/// What to do with a part.
enum PartClaim {
    Send,
    /// Claim and send the halves.
    Split,
    /// Different events were published in its place.
    Displaced,
    /// Nothing; it is counted.
    Done,
}

/// Publishes all data in as few requests as possible. Each request succeeds or fails as a whole,
/// and a failure affects only its own data.
pub async fn publish(
    data: Vec<MinuteDatum>,
    publication: &MetricPublication<'_>,
    report: &mut DeliveryReport,
) {
    let queue = Mutex::new(ChunkQueue {
        chunks: chunks(data).into_iter().enumerate(),
        is_displaced: false,
    });
    let requests = Semaphore::new(MAX_REQUESTS);
    let work = || publication.work(&queue, &requests);
    // As many workers as requests at once.
    let parts: [_; MAX_REQUESTS] =
        <[_; MAX_REQUESTS]>::from(tokio::join!(work(), work(), work(), work()));
    for part in parts {
        report.add(part);
    }
    report.is_repeatable = publication.claims.ledger.is_some() || !report.is_taken;
}

impl MetricPublication<'_> {
    /// Claims and sends chunks until none is left.
    async fn work(&self, queue: &Mutex<ChunkQueue>, requests: &Semaphore) -> DeliveryReport {
        let mut report = DeliveryReport::default();
        loop {
            let next = {
                let mut queue = queue.lock().await;
                self.next(&mut queue, &mut report).await
            };
            let Some((part, claim)) = next else {
                return report;
            };
            let limits = SendLimits {
                requests,
                splits: &AtomicUsize::new(MAX_SPLITS),
            };
            report.add(self.send_with_halves(part, claim, limits).await);
        }
    }

    /// Claims the next chunk that has to be sent.
    async fn next(
        &self,
        queue: &mut ChunkQueue,
        report: &mut DeliveryReport,
    ) -> Option<(DataPart, PartClaim)> {
        for (index, data) in queue.chunks.by_ref() {
            let key = chunk_key(&self.key, index);
            let part = DataPart { key, data };
            if queue.is_displaced {
                // After a displaced chunk, later ones may repeat what was published in its place.
                report.skip("displaced", events(&part.data));
                continue;
            }
            match self.claim(&part, report).await {
                PartClaim::Done => {}
                PartClaim::Displaced => queue.is_displaced = true,
                claim => return Some((part, claim)),
            }
        }
        None
    }

    /// Sends a part; if CloudWatch refuses it for its data, sends its halves, side by side, so that a half
    /// that has to be repeated does not take the time of the other.
    fn send_with_halves<'f>(
        &'f self,
        part: DataPart,
        claim: PartClaim,
        limits: SendLimits<'f>,
    ) -> Pin<Box<dyn Future<Output = DeliveryReport> + Send + 'f>> {
        Box::pin(async move {
            let mut report = DeliveryReport::default();
            let is_split = match claim {
                PartClaim::Split => true,
                PartClaim::Send => {
                    let _permit = limits.requests.acquire().await;
                    self.send(&part, limits.splits, &mut report).await
                }
                PartClaim::Displaced | PartClaim::Done => false,
            };
            if is_split {
                let [first, second] = part.halves().map(|half| self.claim_and_send(half, limits));
                let (first, second) = tokio::join!(first, second);
                report.add(first);
                report.add(second);
            }
            report
        })
    }

    async fn claim_and_send(&self, part: DataPart, limits: SendLimits<'_>) -> DeliveryReport {
        let mut report = DeliveryReport::default();
        let claim = self.claim(&part, &mut report).await;
        report.add(self.send_with_halves(part, claim, limits).await);
        report
    }

    /// Claims a part, or counts it if there is nothing to send.
    async fn claim(&self, part: &DataPart, report: &mut DeliveryReport) -> PartClaim {
        let (data, late) = timely(&part.data, self.claims.owner.now);
        let (events, points) = (events(&data), data.len());
        let answer = match () {
            () if data.is_empty() => {
                let found = self.claims.existing(&part.key, &content(&part.data)).await;
                found.map(|found| found.map(LedgerAnswer::from))
            }
            () if self.is_too_late() => {
                let trouble = format!("no time was left to send {events} events");
                report.unsent(events, points, trouble);
                report.refused += late;
                return PartClaim::Done;
            }
            () => self.claim_in_ledger(part, &data).await.map(Some),
        };
        let claimed = match answer {
            // Data that were too old when the others were sent are refused, not repeated.
            Ok(Some(LedgerAnswer {
                claim: SendClaim::Sent(at),
                ..
            })) => {
                let (sent, late) = timely(&part.data, at);
                report.skip("repeated", self::events(&sent));
                report.refused += late;
                return PartClaim::Done;
            }
            Ok(Some(answer)) if points > 0 => record_claim(answer, part, events, points, report),
            Ok(_) => PartClaim::Done,
            Err(error) => {
                report.unsent(events, points, error.to_string());
                PartClaim::Done
            }
        };
        if !matches!(claimed, PartClaim::Send | PartClaim::Split) {
            report.refused += late;
        }
        claimed
    }

    /// Sends a part and records what became of it. Returns whether its halves have to be sent: it was
    /// refused for its data.
    async fn send(
        &self,
        part: &DataPart,
        splits: &AtomicUsize,
        report: &mut DeliveryReport,
    ) -> bool {
        let (data, late) = timely(&part.data, self.claims.owner.now);
        let events = events(&data);
        report.chunks += 1;
        let (sent, repeated) = match self.sink {
            MetricSink::Request(publisher) => {
                publisher.publish(&data, self.claims.deadlines.send).await
            }
            MetricSink::Log(log) => match log(&data) {
                Ok(()) => (PutOutcome::Arrived, 0),
                Err(error) => (PutOutcome::Unconfirmed(error.to_string()), 0),
            },
        };
        report.retries += repeated;
        let end = match &sent {
            PutOutcome::Arrived => Some(ClaimEnd::Sent),
            PutOutcome::Unconfirmed(_) => Some(ClaimEnd::Unconfirmed),
            PutOutcome::Invalid(_) if data.len() > 1 && take_one(splits) => Some(ClaimEnd::Split),
            PutOutcome::Invalid(_) | PutOutcome::Refused(_) => None,
        };
        report.is_taken |= matches!(end, Some(ClaimEnd::Sent | ClaimEnd::Unconfirmed));
        let recorded = self.record(part, end).await;
        let is_recorded = recorded.is_ok();
        report
            .troubles
            .extend(recorded.err().map(|error| error.to_string()));
        // If that is not recorded, a repetition would send the whole after its halves.
        if end == Some(ClaimEnd::Split) && is_recorded {
            return true;
        }
        report.refused += late;
        match sent {
            PutOutcome::Arrived => report.published += events,
            PutOutcome::Unconfirmed(reason) => {
                report.unconfirmed += events;
                report.troubles.push(format!(
                    "{events} events were sent without an answer and are not sent again: {reason}"
                ));
            }
            PutOutcome::Invalid(reason) if data.len() == 1 => {
                report.refused += events;
                report.troubles.push(format!(
                    "CloudWatch refuses a datum of {events} events, {}: {reason}",
                    data.first().map(described).unwrap_or_default()
                ));
            }
            PutOutcome::Invalid(reason) | PutOutcome::Refused(reason) => {
                let points = data.len();
                report.unsent(
                    events,
                    points,
                    format!(
                        "CloudWatch did not take {points} data points of {events} events: {reason}"
                    ),
                );
            }
        }
        false
    }

    /// Records what became of a part; without an end, deletes its claim.
    async fn record(&self, part: &DataPart, end: Option<ClaimEnd>) -> Result<(), LedgerError> {
        match self.claims.ledger {
            Some(_) => {
                let content = content(&part.data);
                self.claims.end(&part.key, &content, end).await
            }
            None => Ok(()),
        }
    }

    /// Whether a request to CloudWatch could be cut off before its answer.
    fn is_too_late(&self) -> bool {
        let needs_time = matches!(self.sink, MetricSink::Request(_));
        needs_time && Instant::now() + MIN_REQUEST_TIME > self.claims.deadlines.send
    }

    /// Claims data in the ledger. Resolves an entry that an earlier run did not confirm, if CloudWatch shows what
    /// became of it.
    async fn claim_in_ledger(
        &self,
        part: &DataPart,
        timely: &[MinuteDatum],
    ) -> Result<LedgerAnswer, LedgerError> {
        if self.claims.ledger.is_none() {
            return Ok(SendClaim::Granted.into());
        }
        // Of all data, so that a retry finds its own entry although some data have become too old.
        let content = content(&part.data);
        let claim = self.claims.claim(&part.key, &content).await?;
        self.resolve_pending(&part.key, timely, &content, claim)
            .await
    }
}

/// Counts a part that is not sent, by the ledger's answer to its claim.
fn record_claim(
    answer: LedgerAnswer,
    part: &DataPart,
    events: u64,
    points: usize,
    report: &mut DeliveryReport,
) -> PartClaim {
    let LedgerAnswer { claim, note } = answer;
    match claim {
        SendClaim::Granted => return PartClaim::Send,
        SendClaim::Split => return PartClaim::Split,
        SendClaim::Sent(_) => report.skip("repeated", events),
        SendClaim::Differs(when) => {
            report.skip("displaced", events);
            report.troubles.push(format!("{events} events are not published: different events were published in their place at {when}: {}", part.key));
            return PartClaim::Displaced;
        }
        SendClaim::Unconfirmed(pending) => {
            report.unconfirmed += events;
            if pending.was_recorded {
                report.unconfirmed_before += events;
            }
            report.troubles.push(format!("{events} events were sent by an earlier run that got no answer: they are not sent again{note}"));
        }
        SendClaim::Busy(_) => {
            let trouble = format!("{events} events are being sent by another run just now");
            report.unsent(events, points, trouble);
        }
    }
    PartClaim::Done
}

impl DataPart {
    /// The first half and the second one.
    fn halves(mut self) -> [DataPart; 2] {
        let second = self.data.split_off(self.data.len() / 2);
        let half = |number, data| DataPart {
            key: format!("{}.{number}", self.key),
            data,
        };
        [half(0, self.data), half(1, second)]
    }
}

/// Takes one of a number that is left; false if none is.
fn take_one(left: &AtomicUsize) -> bool {
    let less = |left: usize| left.checked_sub(1);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
        .is_ok()
}

fn events(data: &[MinuteDatum]) -> u64 {
    data.iter().map(MinuteDatum::events).sum()
}

/// Leaves out data that CloudWatch would reject for their time; returns the rest and the number of
/// events left out.
fn timely(data: &[MinuteDatum], now: Seconds) -> (Cow<'_, [MinuteDatum]>, u64) {
    let is_timely = |datum: &&MinuteDatum| is_timely(datum.minute, now);
    if data.iter().all(|datum| is_timely(&datum)) {
        return (Cow::Borrowed(data), 0);
    }
    let left: Vec<MinuteDatum> = data.iter().filter(is_timely).cloned().collect();
    let late = events(data) - events(&left);
    (Cow::Owned(left), late)
}

/// The metric and minute of a datum, quoted, since callers choose the names.
fn described(datum: &MinuteDatum) -> String {
    let metric = &datum.metric;
    let dimensions: Vec<_> = metric
        .dimensions()
        .map(|(name, value)| format!("{name} {value:?}"))
        .collect();
    let minute = time::iso(datum.minute);
    format!(
        "{:?} with {} at {minute}",
        metric.name,
        dimensions.join(", ")
    )
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

#[cfg(test)]
mod tests;
