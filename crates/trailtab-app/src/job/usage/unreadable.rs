//! Messages of a delivery that cannot be read, and their place in CloudWatch Logs.
//!
//! Runs only for a delivery that holds such messages, or no event at all, and reads it once more.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::delivery::{self, count};
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
    /// What remains to be counted.
    pub readable: ReadablePart,
}

/// The part of a delivery without the messages that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadablePart {
    /// Nothing: the whole delivery cannot be read.
    Nothing,
    /// All events that were counted.
    AllCounted,
    /// This delivery as JSON. Some of the events that were counted are in messages that have an unreadable part too.
    Fewer(Vec<u8>),
}

impl UnreadableMessages {
    /// Finds them in a delivery; `None` if there are none.
    pub fn find(
        payload: &[u8],
        sets: &MetricSets,
        rules: &IngestRules,
    ) -> Option<UnreadableMessages> {
        let text = || String::from_utf8_lossy(payload).into_owned();
        let Ok(event) = serde_json::from_slice::<LambdaEvent>(payload) else {
            let reason = "the event is not one of CloudWatch Logs";
            return Some(UnreadableMessages::whole(
                &LogsDelivery::default(),
                reason,
                text(),
            ));
        };
        let Ok(gzip) = STANDARD.decode(&event.awslogs.data) else {
            let reason = "the data are not base64";
            return Some(UnreadableMessages::whole(
                &LogsDelivery::default(),
                reason,
                text(),
            ));
        };
        let Some(json) = gunzip::whole(&gzip, MAX_PAYLOAD) else {
            let head = head(&gzip);
            let delivery = serde_json::from_slice(&head).unwrap_or_default();
            let reason = "the data are cut, damaged or too large once they are inflated";
            return Some(UnreadableMessages::whole(&delivery, reason, text()));
        };
        match serde_json::from_slice::<LogsDelivery<'_>>(&json) {
            Ok(delivery) if delivery.log_events.is_empty() => {
                let reason = "the delivery holds no messages";
                Some(UnreadableMessages::whole(&delivery, reason, text()))
            }
            Ok(delivery) => UnreadableMessages::among(delivery, sets, rules),
            Err(_) => {
                let head = without_messages(json);
                let delivery = serde_json::from_slice(&head).unwrap_or_default();
                let reason = "the inflated data are not the JSON of a delivery";
                Some(UnreadableMessages::whole(&delivery, reason, text()))
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
            readable: ReadablePart::Nothing,
        }
    }

    /// The messages of a delivery that cannot be read; `None` if there are none.
    fn among(
        mut delivery: LogsDelivery<'_>,
        sets: &MetricSets,
        rules: &IngestRules,
    ) -> Option<Self> {
        let (mut messages, mut is_mixed) = (Vec::new(), false);
        let (unreadable, readable): (Vec<_>, Vec<_>) =
            delivery.log_events.iter().partition(|message| {
                let counted = count(message.get().as_bytes(), sets, rules);
                let Some(reason) = fault(&counted) else {
                    return false;
                };
                let name: MessageName = serde_json::from_str(message.get()).unwrap_or_default();
                messages.push(UnreadableMessage {
                    id: name.id,
                    timestamp: name.timestamp,
                    reason,
                });
                is_mixed |= delivery::has_calls(&counted);
                true
            });
        if messages.is_empty() {
            return None;
        }
        let rest = match is_mixed {
            true => {
                delivery.log_events = readable;
                // Serializing JSON cannot fail.
                ReadablePart::Fewer(serde_json::to_vec(&delivery).unwrap_or_default())
            }
            false => ReadablePart::AllCounted,
        };
        delivery.log_events = unreadable;
        Some(UnreadableMessages {
            log_group: string(delivery.log_group),
            log_stream: string(delivery.log_stream),
            messages,
            event: event(&delivery),
            readable: rest,
        })
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
    if let Some(at) = memchr::memmem::find(&json, b"\"logEvents\"") {
        let before = json[..at].trim_ascii_end();
        let length = before.strip_suffix(b",").unwrap_or(before).len();
        json.truncate(length);
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
        UnreadableMessages::find(event.as_bytes(), &sets, &IngestRules::default()).unwrap()
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
    fn the_origin_is_found_whatever_the_spaces_between_members() {
        for json in [
            r#"{"logGroup": "trail", "logStream": "s", "logEvents": [{"id"#,
            r#"{"logGroup":"trail","logStream":"s" , "logEvents":[{"id"#,
            r#"{"logGroup":"trail","logStream":"s"}"#,
        ] {
            let head = without_messages(json.as_bytes().to_vec());
            let delivery: LogsDelivery<'_> = serde_json::from_slice(&head).unwrap();
            assert_eq!(
                string(delivery.log_group).as_deref(),
                Some("trail"),
                "{json}"
            );
            assert_eq!(string(delivery.log_stream).as_deref(), Some("s"));
        }
        assert_eq!(without_messages(br#"{ "logEvents": ["#.to_vec()), b"{}");
    }

    #[test]
    fn other_damage_is_named() {
        for (event, reason) in [
            ("{}", "not one of CloudWatch Logs"),
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
