//! Wraps records in all formats that contain CloudTrail records.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// Wraps records into a document.
pub(crate) type Envelope = fn(&[Value]) -> Vec<u8>;

/// All forms by name.
pub(crate) const ENVELOPES: [(&str, Envelope); 15] = [
    ("log file", |records| {
        json!({ "Records": records }).to_string().into()
    }),
    ("log file, pretty", |records| {
        pretty(&json!({ "Records": records })).into()
    }),
    ("log file, pretty, CRLF and BOM", |records| {
        format!(
            "\u{feff}{}",
            pretty(&json!({ "Records": records })).replace('\n', "\r\n")
        )
        .into()
    }),
    ("array", |records| json!(records).to_string().into()),
    ("array, pretty", |records| pretty(&json!(records)).into()),
    ("JSON lines", |records| lines(records, Value::to_string)),
    ("LookupEvents", |records| {
        let events = records.iter().map(|record| {
            json!({
                "EventId": record["eventID"], "EventName": record["eventName"], "Username": "someone",
                "Resources": [{ "ResourceType": "AWS::IAM::User", "ResourceName": "x" }],
                "CloudTrailEvent": record.to_string(), "AccessKeyId": "", "ReadOnly": "true",
            })
        });
        pretty(&json!({ "Events": events.collect::<Vec<_>>(), "NextToken": "t" })).into()
    }),
    ("EventBridge", |records| {
        lines(records, |record| {
            json!({
                "version": "0", "id": "1", "detail-type": "AWS API Call via CloudTrail",
                "source": "aws.ec2", "resources": [], "detail": record, "region": "eu-west-1",
            })
            .to_string()
        })
    }),
    ("CloudWatch Logs payload", |records| {
        subscription(records).to_string().into()
    }),
    ("CloudWatch Logs payload for Lambda", |records| {
        let payload = gzip(subscription(records).to_string().as_bytes());
        json!({ "awslogs": { "data": STANDARD.encode(payload) } })
            .to_string()
            .into()
    }),
    ("CloudWatch Logs export", |records| {
        lines(records, |record| {
            format!("2026-09-07T08:05:00.000Z {record}")
        })
    }),
    ("Elasticsearch", |records| {
        let hits = records
            .iter()
            .map(|record| json!({ "_index": "i", "_source": record }));
        json!({ "took": 5, "hits": { "total": 1, "hits": hits.collect::<Vec<_>>() } })
            .to_string()
            .into()
    }),
    ("lines of strings", |records| {
        lines(records, |record| json!(record.to_string()).to_string())
    }),
    ("syslog", |records| {
        lines(records, |record| {
            format!("<134>Sep  7 08:05:00 host cloudtrail[12]: {record}")
        })
    }),
    ("filter-log-events", |records| {
        pretty(&json!({ "events": log_events(records), "searchedLogStreams": [] })).into()
    }),
];

fn pretty(json: &Value) -> String {
    serde_json::to_string_pretty(json).unwrap()
}

fn lines(records: &[Value], line: impl Fn(&Value) -> String) -> Vec<u8> {
    records
        .iter()
        .map(|record| line(record) + "\n")
        .collect::<String>()
        .into()
}

fn log_events(records: &[Value]) -> Vec<Value> {
    let event =
        |record: &Value| json!({ "id": "1", "timestamp": 1, "message": record.to_string() });
    records.iter().map(event).collect()
}

fn subscription(records: &[Value]) -> Value {
    json!({
        "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "g",
        "logStream": "111122223333_CloudTrail_eu-west-1", "subscriptionFilters": ["f"],
        "logEvents": log_events(records),
    })
}

/// Compresses into one member.
pub(crate) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// Compresses into as many members as there are pieces of this size.
pub(crate) fn gzip_members(plain: &[u8], size: usize) -> Vec<u8> {
    plain.chunks(size).flat_map(gzip).collect()
}

/// Inflates if it is gzip.
pub(crate) fn plain(bytes: Vec<u8>) -> Vec<u8> {
    if !bytes.starts_with(b"\x1f\x8b") {
        return bytes;
    }
    let mut plain = Vec::new();
    MultiGzDecoder::new(&*bytes)
        .read_to_end(&mut plain)
        .unwrap();
    plain
}

/// All records below a value, in the order in which they stand.
pub(crate) fn records_in(json: &Value, records: &mut Vec<Value>) {
    match json {
        Value::Object(object) if object.contains_key("eventName") => records.push(json.clone()),
        Value::Object(object) => object.values().for_each(|value| records_in(value, records)),
        Value::Array(values) => values.iter().for_each(|value| records_in(value, records)),
        _ => {}
    }
}
