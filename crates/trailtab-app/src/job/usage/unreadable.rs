//! Messages of a delivery that could not be read: where they stand in CloudWatch Logs, and their way
//! to the dead-letter queue.
//!
//! Runs only for a delivery with such messages, and reads it once more.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::timeout_at;

use super::publish::PublicationDeadlines;
use super::report::DeliveryReport;
use super::{LedgerKeys, count};
use crate::aws::{self, QueueFailure, SdkConfig};
use crate::deliver::ledger::{ClaimEnd, ClaimOwner, LedgerError, SendClaim, SendLedger};
use crate::deliver::sent_hash::{self, SentHash};
use trailtab_core::activity::usage::UsageTally;
use trailtab_core::activity::usage::metrics::MetricSets;
use trailtab_core::event::gunzip;
use trailtab_core::event::ingest::{IngestRules, IngestStats};

/// Maximum size of an inflated payload in bytes, as for counting it.
const MAX_PAYLOAD: usize = 64 << 20;

/// How much of a damaged payload is inflated to find out where it comes from, in bytes.
const MAX_HEAD: u64 = 64 << 10;

/// The event of a function that is subscribed to a log group.
#[derive(Serialize, Deserialize)]
struct LambdaEvent {
    awslogs: LogsData,
}

#[derive(Serialize, Deserialize)]
struct LogsData {
    /// JSON, compressed with gzip, in base64.
    data: String,
}

/// A delivery of CloudWatch Logs, with its members as they stand there.
#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct LogsDelivery<'p> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    message_type: Option<&'p RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    owner: Option<&'p RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    log_group: Option<&'p RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    log_stream: Option<&'p RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    subscription_filters: Option<&'p RawValue>,
    #[serde(borrow, default)]
    log_events: Vec<&'p RawValue>,
}

/// The members of a message that say which one it is.
#[derive(Deserialize, Default)]
#[serde(default)]
struct MessageName {
    id: Option<String>,
    timestamp: Option<i64>,
}

/// A message that could not be read, or a delivery of which no message could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableMessage {
    /// The id that CloudWatch Logs gave it; `None` for a whole delivery.
    pub id: Option<String>,
    /// When CloudTrail wrote it to the log, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// What could not be read of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableMessages {
    /// Where the messages stand; `None` if the delivery does not say.
    pub log_group: Option<String>,
    /// The stream in the log group.
    pub log_stream: Option<String>,
    /// Each message, in the order of the delivery.
    pub messages: Vec<UnreadableMessage>,
    /// The event of a delivery with these messages only, as Lambda would hand it to a function.
    pub event: String,
}

impl UnreadableMessages {
    /// Finds them in a delivery that was counted to hold some.
    pub fn find(payload: &[u8], sets: &MetricSets, rules: &IngestRules) -> UnreadableMessages {
        let text = || String::from_utf8_lossy(payload).into_owned();
        let Ok(event) = serde_json::from_slice::<LambdaEvent>(payload) else {
            let reason =
                "the event is not one of CloudWatch Logs, and has a part that cannot be read";
            return UnreadableMessages::whole(&LogsDelivery::default(), reason, text());
        };
        let Ok(gzip) = STANDARD.decode(&event.awslogs.data) else {
            let reason = "the data are not base64";
            return UnreadableMessages::whole(&LogsDelivery::default(), reason, text());
        };
        let Some(json) = gunzip::whole(&gzip, MAX_PAYLOAD) else {
            let head = head(&gzip);
            let delivery = serde_json::from_slice(&head).unwrap_or_default();
            let reason = "the data are cut, damaged or too large once they are inflated";
            return UnreadableMessages::whole(&delivery, reason, text());
        };
        match serde_json::from_slice::<LogsDelivery<'_>>(&json) {
            Ok(delivery) => UnreadableMessages::among(delivery, sets, rules),
            Err(_) => {
                let head = without_messages(json);
                let delivery = serde_json::from_slice(&head).unwrap_or_default();
                let reason = "the inflated data are not the JSON of a delivery";
                UnreadableMessages::whole(&delivery, reason, text())
            }
        }
    }

    /// A delivery that could not be read at all.
    fn whole(delivery: &LogsDelivery<'_>, reason: &'static str, event: String) -> Self {
        UnreadableMessages {
            log_group: string(delivery.log_group),
            log_stream: string(delivery.log_stream),
            messages: vec![UnreadableMessage {
                id: None,
                timestamp: None,
                reason,
            }],
            event,
        }
    }

    /// The messages of a delivery that cannot be read.
    fn among(mut delivery: LogsDelivery<'_>, sets: &MetricSets, rules: &IngestRules) -> Self {
        let mut messages = Vec::new();
        delivery.log_events.retain(|message| {
            let Some(reason) = fault(&count(message.get().as_bytes(), sets, rules)) else {
                return false;
            };
            let name: MessageName = serde_json::from_str(message.get()).unwrap_or_default();
            messages.push(UnreadableMessage {
                id: name.id,
                timestamp: name.timestamp,
                reason,
            });
            true
        });
        UnreadableMessages {
            log_group: string(delivery.log_group),
            log_stream: string(delivery.log_stream),
            messages,
            event: event(&delivery),
        }
    }
}

/// What is wrong with a message, if anything.
fn fault(counted: &IngestStats<UsageTally>) -> Option<&'static str> {
    let incomplete = counted
        .tallies
        .values()
        .map(UsageTally::incomplete)
        .sum::<u64>();
    match () {
        () if counted.truncated > 0 => Some("it ends in the middle"),
        () if counted.counts.unreadable > 0 => {
            Some("it is damaged, or of a form that is not known")
        }
        () if incomplete > 0 => Some("it lacks a valid eventTime, awsRegion or eventSource"),
        () => None,
    }
}

/// A member that should be a string.
fn string(member: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(member?.get()).ok()
}

/// The beginning of a damaged payload, as JSON without its messages.
fn head(gzip: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    // What was inflated before the damage is kept.
    let _ = MultiGzDecoder::new(gzip)
        .take(MAX_HEAD)
        .read_to_end(&mut head);
    without_messages(head)
}

/// A delivery without its messages, which come last.
fn without_messages(mut json: Vec<u8>) -> Vec<u8> {
    if let Some(at) = memchr::memmem::find(&json, b",\"logEvents\"") {
        json.truncate(at);
        json.push(b'}');
    }
    json
}

/// A delivery as the event of a function.
fn event(delivery: &LogsDelivery<'_>) -> String {
    // Serializing JSON, and writing to memory, cannot fail.
    let json = serde_json::to_vec(delivery).unwrap_or_default();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let _ = encoder.write_all(&json);
    let data = STANDARD.encode(encoder.finish().unwrap_or_default());
    let awslogs = LogsData { data };
    serde_json::to_string(&LambdaEvent { awslogs }).unwrap_or_default()
}

/// Keeps messages that could not be read in a dead-letter queue, once.
pub struct DeadLetterPlace<'p> {
    /// Access to the queue.
    pub config: &'p SdkConfig,
    /// The queue's URL.
    pub queue_url: &'p str,
    /// Prevents sending twice; not set if nothing is recorded.
    pub ledger: Option<&'p SendLedger>,
    /// Where the ledger records it.
    pub keys: &'p LedgerKeys,
    /// Identifies this run in the ledger.
    pub owner: &'p ClaimOwner,
    /// When to stop.
    pub deadlines: PublicationDeadlines,
}

impl DeadLetterPlace<'_> {
    /// Sends the messages of a delivery that has nothing else left to do: one that fails is repeated,
    /// and its repetition sends them.
    pub async fn keep(&self, unreadable: &UnreadableMessages, report: &mut DeliveryReport) {
        if report.is_left_to_repetition() {
            return;
        }
        let hash = sent_hash::sha256(unreadable.event.as_bytes());
        let key = self.keys.unreadable(&hash);
        let content = SentHash::new(&hash, String::new());
        let trouble = match self.claim(&key, &content).await {
            Ok(SendClaim::Granted) => self.send(&unreadable.event, &key, &content, report).await,
            Ok(SendClaim::Sent | SendClaim::Differs(_) | SendClaim::Split) => {
                report.is_unreadable_known = true;
                return;
            }
            Ok(SendClaim::Unconfirmed(pending)) => {
                report.is_unreadable_known = pending.was_recorded;
                Some(
                    "an earlier run sent them and got no answer: they are not sent again"
                        .to_owned(),
                )
            }
            Ok(SendClaim::Busy(_)) => {
                report.has_unkept_messages = true;
                Some("another run is sending them just now".to_owned())
            }
            Err(error) => {
                report.has_unkept_messages = true;
                Some(error.to_string())
            }
        };
        report.troubles.extend(trouble.map(|reason| {
            let queue = self.queue_url;
            format!("messages that could not be read may not be in the dead-letter queue {queue}: {reason}")
        }));
    }

    /// Sends them and records what became of it. Returns what went wrong.
    async fn send(
        &self,
        event: &str,
        key: &str,
        content: &SentHash,
        report: &mut DeliveryReport,
    ) -> Option<String> {
        let sent = aws::send_message(self.config, self.queue_url, event);
        let sent = timeout_at(self.deadlines.send, sent)
            .await
            .unwrap_or_else(|_| {
                let reason = "the time was up before an answer came".to_owned();
                Err(QueueFailure::Unanswered(reason))
            });
        let (end, trouble) = match sent {
            Ok(()) => (Some(ClaimEnd::Sent), None),
            Err(QueueFailure::Unanswered(reason)) => (Some(ClaimEnd::Unconfirmed), Some(reason)),
            Err(QueueFailure::Refused(reason)) => {
                report.has_unkept_messages = true;
                (None, Some(reason))
            }
        };
        let Some(ledger) = self.ledger else {
            return trouble;
        };
        let recorded = async {
            match end {
                Some(end) => ledger.settle(key, content, self.owner, end).await,
                None => ledger.release(key).await,
            }
        };
        let recorded = ledger.by(self.deadlines.record, key, recorded).await;
        trouble.or(recorded.err().map(|error| error.to_string()))
    }

    async fn claim(&self, key: &str, content: &SentHash) -> Result<SendClaim, LedgerError> {
        let Some(ledger) = self.ledger else {
            return Ok(SendClaim::Granted);
        };
        let claim = ledger.claim(key, content, self.owner);
        ledger.by(self.deadlines.send, key, claim).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailtab_core::event::ingest::IngestRules;

    const GOOD: &str = r#"{"eventVersion":"1.08","eventTime":"2026-09-17T10:20:30Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","eventID":"4c6a1f9e-1111-4222-8333-444455556666"}"#;

    /// The event of a function with these messages.
    fn lambda_event(messages: &[&str]) -> String {
        let messages = messages.iter().enumerate().map(|(number, message)| {
            serde_json::json!({ "id": format!("id-{number}"), "timestamp": 1_700_000_000_000_i64 + number as i64, "message": message }).to_string()
        });
        let messages: Vec<_> = messages.collect();
        let json = format!(
            r#"{{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"trail","logStream":"stream-1","subscriptionFilters":["f"],"logEvents":[{}]}}"#,
            messages.join(",")
        );
        let delivery: LogsDelivery<'_> = serde_json::from_str(&json).unwrap();
        event(&delivery)
    }

    fn find(event: &str) -> UnreadableMessages {
        let sets = MetricSets::default();
        UnreadableMessages::find(event.as_bytes(), &sets, &IngestRules::default())
    }

    #[test]
    fn each_message_is_named_and_kept_with_its_like() {
        let cut = &GOOD[..GOOD.len() / 2];
        let undated = GOOD.replace("2026-09-17T10:20:30Z", "soon");
        let found = find(&lambda_event(&[GOOD, cut, "no JSON", GOOD, &undated]));
        assert_eq!(found.log_group.as_deref(), Some("trail"));
        assert_eq!(found.log_stream.as_deref(), Some("stream-1"));
        let names: Vec<_> = found
            .messages
            .iter()
            .map(|it| (it.id.as_deref().unwrap(), it.timestamp.unwrap(), it.reason))
            .collect();
        let expected = [
            ("id-1", 1_700_000_000_001, "it ends in the middle"),
            (
                "id-4",
                1_700_000_000_004,
                "it lacks a valid eventTime, awsRegion or eventSource",
            ),
        ];
        assert_eq!(names, expected);
        // What is kept is a delivery of these alone, so that repeating it counts nothing twice.
        let again = find(&found.event);
        assert_eq!(again.messages, found.messages);
        let stats = count(
            found.event.as_bytes(),
            &MetricSets::default(),
            &IngestRules::default(),
        );
        assert_eq!(stats.counts.read, 2);
    }

    #[test]
    fn a_cut_delivery_says_where_it_comes_from() {
        let messages = vec![GOOD; 500];
        let whole: LambdaEvent = serde_json::from_str(&lambda_event(&messages)).unwrap();
        let gzip = STANDARD.decode(whole.awslogs.data).unwrap();
        let data = STANDARD.encode(&gzip[..gzip.len() / 2]);
        let cut = serde_json::to_string(&LambdaEvent {
            awslogs: LogsData { data },
        })
        .unwrap();
        let found = find(&cut);
        assert_eq!(found.log_group.as_deref(), Some("trail"));
        assert_eq!(found.log_stream.as_deref(), Some("stream-1"));
        assert_eq!(found.messages.len(), 1);
        assert_eq!(found.messages[0].id, None);
        assert_eq!(found.event, cut);
    }

    #[test]
    fn other_damage_is_named() {
        for (event, reason) in [
            (r#"{"awslogs":{"data":"?!"}}"#, "not base64"),
            (r#"{"awslogs":{"data":"aGVsbG8="}}"#, "cut, damaged"),
            ("[1", "not one of CloudWatch Logs"),
        ] {
            let found = find(event);
            assert!(
                found.messages[0].reason.contains(reason),
                "{event}: {found:?}"
            );
            assert_eq!((found.log_group, &*found.event), (None, event));
        }
    }
}
