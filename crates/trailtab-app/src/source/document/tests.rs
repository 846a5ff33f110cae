//! Every form that records come in, in every container, whole and damaged: what was put in is counted,
//! or a problem says that it is not.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use trailtab_core::coverage::DocumentOutcome;
use trailtab_core::event::envelope::{ContentKind, RecordFault};
use trailtab_core::event::record::EventRecord;

/// Receives what a document holds.
#[derive(Default)]
struct Collected {
    ids: Vec<String>,
    principals: Vec<String>,
    unreadable: u64,
}

impl RecordSink for Collected {
    fn events(&mut self, records: &[EventRecord<'_>]) {
        for record in records {
            let id = record.event_id.map(|id| id.decode().into_owned());
            self.ids.push(id.unwrap_or_default());
            let identity = String::from_utf8_lossy(record.user_identity).into_owned();
            self.principals.push(identity);
        }
    }

    fn other(&mut self, _: ContentKind) {}

    fn unreadable(&mut self, _: RecordFault) {
        self.unreadable += 1;
    }
}

const LOG_FILE: &str = "111122223333_CloudTrail_eu-west-1_20260907T0805Z_AbCdEfGh01234567.json.gz";

fn read_as(name: &str, named: bool, bytes: Vec<u8>) -> (Collected, RunCoverage) {
    let (mut collected, mut coverage) = (Collected::default(), RunCoverage::default());
    let document = Document {
        size: bytes.len() as u64,
        named,
        scope: None,
        body: DocumentBody::Memory {
            name: name.to_owned(),
            bytes,
            metadata: DigestMetadata::default(),
            _held: Box::new(()),
        },
    };
    DocumentReader::new(&Interrupt::never()).read(document, &mut collected, &mut coverage);
    assert_eq!(coverage.outcomes.values().sum::<u64>(), coverage.documents);
    (collected, coverage)
}

fn read(bytes: Vec<u8>) -> (Collected, RunCoverage) {
    read_as(LOG_FILE, false, bytes)
}

fn record(number: usize) -> Value {
    json!({
        "eventVersion": "1.11", "eventID": format!("00000000-0000-4000-8000-{number:012}"),
        "userIdentity": {
            "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann", "accountId": "111122223333",
            "userName": "ann",
        },
        "eventTime": "2026-09-07T08:00:00Z", "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
        "awsRegion": "eu-west-1", "sourceIPAddress": "203.0.113.7", "userAgent": "aws-cli/2",
        "requestParameters": { "bucketName": "b", "key": "a/{x}/\"y\", z" },
        "recipientAccountId": "111122223333", "eventCategory": "Data",
    })
}

fn records(count: usize) -> Vec<Value> {
    (0..count).map(record).collect()
}

fn lines(records: &[Value], line: impl Fn(&Value) -> String) -> String {
    records.iter().map(|record| line(record) + "\n").collect()
}

fn messages(records: &[Value]) -> Value {
    let message =
        |record: &Value| json!({ "id": "1", "timestamp": 1, "message": record.to_string() });
    records.iter().map(message).collect()
}

fn payload(records: &[Value]) -> String {
    json!({ "messageType": "DATA_MESSAGE", "logGroup": "g", "logEvents": messages(records) })
        .to_string()
}

fn folded(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, value)| (name.to_lowercase(), folded(value)))
                .collect()
        }
        other => other.clone(),
    }
}

fn cells(record: &Value) -> Vec<(&'static str, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let identity = &record["userIdentity"];
    vec![
        ("eventID", text(&record["eventID"])),
        ("eventTime", "2026-09-07 08:00:00.000".to_owned()),
        ("eventName", text(&record["eventName"])),
        ("eventSource", text(&record["eventSource"])),
        ("userIdentity.type", text(&identity["type"])),
        ("userIdentity.arn", text(&identity["arn"])),
    ]
}

fn table(
    records: &[Value],
    delimiter: u8,
    row: fn(&Value) -> Vec<(&'static str, String)>,
) -> String {
    let mut writer = ::csv::WriterBuilder::new()
        .delimiter(delimiter)
        .from_writer(Vec::new());
    let names = row(&record(0)).into_iter().map(|(name, _)| name);
    writer.write_record(names).unwrap();
    for record in records {
        writer
            .write_record(row(record).into_iter().map(|(_, cell)| cell))
            .unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

fn struct_cells(record: &Value) -> Vec<(&'static str, String)> {
    let mut cells: Vec<_> = cells(record).into_iter().take(4).collect();
    let identity =
        "{type=IAMUser, principalid=A, arn=arn:aws:iam::111122223333:user/ann, username=ann}";
    cells.push(("useridentity", identity.to_owned()));
    cells
}

type Wrapper = fn(&[Value]) -> String;

/// All wrappers: their name, whether a part that is missing at the end leaves a trace, and how they are
/// made.
const WRAPPERS: [(&str, bool, Wrapper); 34] = [
    ("log file", true, |all| {
        json!({ "Records": all }).to_string()
    }),
    ("log file, pretty", true, |all| {
        serde_json::to_string_pretty(&json!({ "Records": all })).unwrap()
    }),
    ("array", true, |all| json!(all).to_string()),
    ("JSON lines", false, |all| lines(all, Value::to_string)),
    ("lines of log files", false, |all| {
        lines(all, |one| json!({ "Records": [one] }).to_string())
    }),
    ("LookupEvents", true, |all| {
        let item = |one: &Value| json!({ "EventId": "x", "Username": "ann", "CloudTrailEvent": one.to_string() });
        json!({ "Events": all.iter().map(item).collect::<Vec<_>>(), "NextToken": "t" }).to_string()
    }),
    ("Find-CTEvent", true, |all| {
        let item = |one: &Value| json!({ "EventId": "x", "CloudTrailEvent": one.to_string(), "Username": "ann" });
        all.iter().map(item).collect::<Value>().to_string()
    }),
    ("EventBridge", false, |all| {
        lines(all, |one| {
            json!({ "source": "aws.s3", "detail": one }).to_string()
        })
    }),
    ("SQS", true, |all| {
        let body = |one: &Value| {
            let event = json!({ "source": "aws.s3", "detail": one }).to_string();
            json!({ "MessageId": "m", "Body": json!({ "Type": "Notification", "Message": event }).to_string() })
        };
        json!({ "Messages": all.iter().map(body).collect::<Vec<_>>() }).to_string()
    }),
    ("Elasticsearch", true, |all| {
        let hit = |one: &Value| json!({ "_index": "i", "_source": one });
        json!({ "took": 5, "hits": { "total": { "value": 3 }, "hits": all.iter().map(hit).collect::<Vec<_>>() } })
            .to_string()
    }),
    ("Filebeat", false, |all| {
        lines(all, |one| {
            let event = json!({ "action": one["eventName"], "original": one.to_string() });
            json!({ "_source": { "@timestamp": "2026-09-07T08:00:00Z", "event": event } })
                .to_string()
        })
    }),
    ("Splunk", false, |all| {
        lines(all, |one| {
            json!({ "preview": false, "result": { "_raw": one.to_string() } }).to_string()
        })
    }),
    ("Splunk with fields", false, |all| {
        lines(all, |one| {
            let fields = json!({
                "_raw": one.to_string(), "eventName": "GetObject", "eventSource": "s3.amazonaws.com",
                "userIdentity.type": "IAMUser",
            });
            json!({ "preview": false, "result": fields }).to_string()
        })
    }),
    ("Wazuh", false, |all| {
        lines(all, |one| {
            json!({ "rule": { "id": "1" }, "data": { "integration": "aws", "aws": one } })
                .to_string()
        })
    }),
    ("Datadog", true, |all| {
        let log = |one: &Value| json!({ "id": "A", "attributes": { "service": "cloudtrail", "attributes": one } });
        json!({ "data": all.iter().map(log).collect::<Vec<_>>(), "meta": {} }).to_string()
    }),
    ("Loki", false, |all| {
        lines(all, |one| {
            json!({ "labels": {}, "line": one.to_string(), "timestamp": "t" }).to_string()
        })
    }),
    ("CloudWatch Logs payload", true, payload),
    ("Lambda payload", true, |all| {
        json!({ "awslogs": { "data": STANDARD.encode(gzip(payload(all).as_bytes())) } }).to_string()
    }),
    ("Kinesis", true, |all| {
        let data = |one: &Value| {
            let data = STANDARD.encode(gzip(payload(std::slice::from_ref(one)).as_bytes()));
            json!({
                "kinesis": { "data": data }, "eventSource": "aws:kinesis", "eventVersion": "1.0",
                "eventName": "aws:kinesis:record",
            })
        };
        json!({ "Records": all.iter().map(data).collect::<Vec<_>>() }).to_string()
    }),
    ("Firehose", true, |all| {
        let data =
            |one: &Value| json!({ "recordId": "1", "data": STANDARD.encode(one.to_string()) });
        json!({ "records": all.iter().map(data).collect::<Vec<_>>() }).to_string()
    }),
    ("CloudWatch Logs export", false, |all| {
        lines(all, |one| format!("2026-09-07T08:05:00.000Z {one}"))
    }),
    ("logs tail", false, |all| {
        lines(all, |one| {
            format!("2026-09-07T08:05:00+00:00 1_CloudTrail_eu-west-1 {one}")
        })
    }),
    ("syslog", false, |all| {
        lines(all, |one| {
            format!("<134>Sep  7 08:05:00 host cloudtrail[12]: {one}")
        })
    }),
    ("lines of strings", false, |all| {
        lines(all, |one| json!(one.to_string()).to_string())
    }),
    ("array of strings", true, |all| {
        all.iter()
            .map(Value::to_string)
            .collect::<Value>()
            .to_string()
    }),
    ("Athena UNLOAD", false, |all| {
        lines(all, |one| folded(one).to_string())
    }),
    ("Logs Insights", true, |all| {
        let row = |one: &Value| {
            json!([
                { "field": "@timestamp", "value": "2026-09-07 08:00:00.000" },
                { "field": "@message", "value": one.to_string() },
            ])
        };
        json!({ "results": all.iter().map(row).collect::<Vec<_>>(), "status": "Complete" })
            .to_string()
    }),
    ("Logs Insights fields", true, |all| {
        let row = |one: &Value| -> Value {
            cells(one)
                .into_iter()
                .map(|(name, value)| json!({ "field": name, "value": value }))
                .collect()
        };
        json!({ "results": all.iter().map(row).collect::<Vec<_>>() }).to_string()
    }),
    ("CloudTrail Lake", true, |all| {
        let row = |one: &Value| -> Value {
            struct_cells(one)
                .into_iter()
                .map(|(name, value)| json!({ name: value }))
                .collect()
        };
        json!({ "QueryStatus": "FINISHED", "QueryResultRows": all.iter().map(row).collect::<Vec<_>>() }).to_string()
    }),
    ("CSV of columns", false, |all| table(all, b',', cells)),
    ("CSV of structs, semicolons", false, |all| {
        table(all, b';', struct_cells)
    }),
    ("CSV of messages", false, |all| {
        table(all, b',', |one| {
            vec![
                ("@timestamp", "t".to_owned()),
                ("@message", one.to_string()),
            ]
        })
    }),
    ("CSV of another column, tabs", false, |all| {
        table(all, b'\t', |one| {
            vec![("time", "t".to_owned()), ("payload", one.to_string())]
        })
    }),
    ("Steampipe", true, |all| {
        let row = |one: &Value| {
            json!({
                "event_id": one["eventID"], "event_name": one["eventName"], "event_source": one["eventSource"],
                "username": "ann", "cloud_trail_event": one.to_string(),
            })
        };
        json!({ "columns": [], "rows": all.iter().map(row).collect::<Vec<_>>() }).to_string()
    }),
];

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(plain: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn tar(plain: &[u8]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in [("README.md", &b"notes"[..]), (LOG_FILE, plain)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip(plain: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, bytes) in [("README.md", &b"notes"[..]), (LOG_FILE, plain)] {
        writer.start_file(name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn utf16(plain: &[u8], order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let text = format!("\u{feff}{}", str::from_utf8(plain).unwrap());
    text.encode_utf16().flat_map(order).collect()
}

type Container = fn(&[u8]) -> Vec<u8>;

/// All containers: their name, whether they have a checksum or an end, so that damage leaves a trace,
/// and how they are made.
const CONTAINERS: [(&str, bool, Container); 15] = [
    ("plain", false, |plain| plain.to_vec()),
    ("BOM", false, |plain| [b"\xef\xbb\xbf", plain].concat()),
    ("gzip", true, gzip),
    ("gzip in gzip", true, |plain| gzip(&gzip(plain))),
    ("gzip members", false, |plain| {
        plain.chunks(700).flat_map(gzip).collect()
    }),
    ("gzip members in gzip", true, |plain| {
        gzip(&plain.chunks(700).flat_map(gzip).collect::<Vec<_>>())
    }),
    ("bzip2", true, bzip2),
    ("zstd", true, |plain| {
        ruzstd::encoding::compress_to_vec(plain, ruzstd::encoding::CompressionLevel::Fastest)
    }),
    ("base64 of gzip", true, |plain| {
        STANDARD.encode(gzip(plain)).into_bytes()
    }),
    ("UTF-16, little endian", false, |plain| {
        utf16(plain, u16::to_le_bytes)
    }),
    ("UTF-16, big endian", false, |plain| {
        utf16(plain, u16::to_be_bytes)
    }),
    ("tar", false, tar),
    ("tar in gzip", true, |plain| gzip(&tar(plain))),
    ("zip", true, zip),
    ("zip in tar in bzip2", true, |plain| {
        bzip2(&tar(&zip(plain)))
    }),
];

#[test]
fn every_wrapper_is_read_in_every_container() {
    let all = records(5);
    let expected: Vec<String> = all
        .iter()
        .map(|one| one["eventID"].as_str().unwrap().to_owned())
        .collect();
    for (wrapper, _, wrap) in WRAPPERS {
        let document = wrap(&all);
        for (container, _, contain) in CONTAINERS {
            let (mut got, coverage) = read(contain(document.as_bytes()));
            let problems = &coverage.problems;
            assert!(
                coverage.is_complete(),
                "{wrapper} in {container}: {problems:?}"
            );
            got.ids.sort();
            assert_eq!(
                (got.ids, got.unreadable),
                (expected.clone(), 0),
                "{wrapper} in {container}"
            );
            for identity in got.principals {
                assert!(
                    identity.contains("user/ann"),
                    "{wrapper} in {container}: {identity:?}"
                );
            }
            assert_eq!(
                coverage.outcomes[&DocumentOutcome::Events],
                1,
                "{wrapper} in {container}"
            );
        }
    }
}

/// What happens to bytes on their way.
#[derive(Debug, Clone)]
enum Damage {
    Flip(u8),
    Zero(usize),
    Cut,
    Delete(usize),
    Overwrite(Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (1_u8..).prop_map(Damage::Flip),
        (1_usize..600).prop_map(Damage::Zero),
        Just(Damage::Cut),
        (1_usize..600).prop_map(Damage::Delete),
        prop::collection::vec(any::<u8>(), 1..5).prop_map(Damage::Overwrite),
    ]
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>, at: usize) {
        let end = |len: usize| (at + len).min(bytes.len());
        match self {
            Damage::Flip(bits) => bytes[at] ^= bits,
            Damage::Zero(len) => {
                let end = end(*len);
                bytes[at..end].fill(0);
            }
            Damage::Cut => bytes.truncate(at),
            Damage::Delete(len) => drop(bytes.drain(at..end(*len))),
            Damage::Overwrite(with) => {
                let end = end(with.len());
                bytes[at..end].copy_from_slice(&with[..end - at]);
            }
        }
    }

    /// Whether the damage leaves a trace: text that nothing follows may be cut between two records, and
    /// what is left of text may be well-formed without a piece of its middle.
    fn leaves_a_trace(&self, has_end: bool, has_checksum: bool) -> bool {
        match self {
            Damage::Cut => has_end || has_checksum,
            Damage::Delete(_) => has_checksum,
            Damage::Flip(_) | Damage::Zero(_) | Damage::Overwrite(_) => true,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn what_damage_takes_is_a_problem(
        wrapper in 0..WRAPPERS.len(),
        container in 0..CONTAINERS.len(),
        damage in damage(),
        place in 0.0..1.0_f64,
    ) {
        let (wrapper, has_end, wrap) = WRAPPERS[wrapper];
        let (container, has_checksum, contain) = CONTAINERS[container];
        prop_assume!(damage.leaves_a_trace(has_end, has_checksum));
        // If its first letters are damaged, base64 is any other text.
        prop_assume!(wrapper != "Firehose" || has_checksum);
        let all = records(6);
        let mut bytes = contain(wrap(&all).as_bytes());
        let at = (place * bytes.len() as f64) as usize;
        damage.apply(&mut bytes, at);
        let (got, coverage) = read(bytes);
        prop_assert!(
            got.ids.len() >= all.len() || !coverage.is_complete(),
            "{} of {} records of {wrapper} in {container}, and no problem", got.ids.len(), all.len()
        );
    }
}

#[test]
fn a_line_whose_first_bracket_is_damaged_is_a_problem() {
    let lines =
        |record: &str| format!("2026-09-07 host app: {record}\n2026-09-07 host app: started\n");
    for event in [
        r#"{"awsRegion":"r","eventName":"A","eventSource":"s","userIdentity":{"type":"Root"}}"#,
        r#"{"userIdentity":{"type":"Root"},"eventName":"A","eventSource":"s"}"#,
    ] {
        let (got, coverage) = read(lines(event).into_bytes());
        assert_eq!((got.principals.len(), coverage.is_complete()), (1, true));
        for letter in ['\u{1}', 'x', '0', ' '] {
            let damaged = event.replacen('{', &letter.to_string(), 1);
            let (_, coverage) = read((lines(event) + &lines(&damaged)).into_bytes());
            assert!(!coverage.is_complete(), "{damaged:?}");
        }
    }
}

#[test]
fn what_holds_no_records_is_a_problem_where_records_are_expected() {
    let text = |text: &str| text.as_bytes().to_vec();
    let cases = [
        (
            "XML",
            text("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"),
            "XML",
        ),
        (
            "HTML",
            text("<!DOCTYPE html><title>Sign in</title>"),
            "HTML",
        ),
        (
            "LFS",
            text("version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n"),
            "Git LFS",
        ),
        ("ciphertext", vec![0x9c; 300], "no known form"),
        ("zeros", vec![0; 300], "zeros"),
        ("nothing", Vec::new(), "empty"),
        (
            "other JSON",
            text(r#"{"message":"Forbidden"}"#),
            "another kind",
        ),
        ("no record", text(r#"{"Records":[]}"#), "no record at all"),
        ("gzip of nothing", gzip(b""), "empty"),
        ("7z", text("7z\u{bc}\u{af}"), "form"),
    ];
    for (what, bytes, reason) in cases {
        let (_, coverage) = read(bytes.clone());
        assert_eq!(coverage.outcomes[&DocumentOutcome::Problem], 1, "{what}");
        let said = &coverage.problems[0].reason;
        assert!(said.contains(reason), "{what}: {said}");
        let place = "logs/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/09/07/renamed.json";
        assert!(
            what == "no record" || !read_as(place, false, bytes.clone()).1.is_complete(),
            "{what}"
        );
        assert!(
            what == "no record" || !read_as("x", true, bytes.clone()).1.is_complete(),
            "{what}"
        );
        // Beside log files, other files are nothing special.
        let unrelated = read_as("notes.txt", false, bytes).1;
        assert!(unrelated.is_complete(), "{what}: {:?}", unrelated.problems);
        assert!(
            what == "no record" || unrelated.unrelated.contains("notes.txt"),
            "{what}"
        );
    }
    for litter in ["._x.json.gz", "_SUCCESS", "AWSLogs_$folder$"] {
        let place = format!("AWSLogs/111122223333/CloudTrail/{litter}");
        assert!(
            read_as(&place, false, b"\0\x05\x16\x07".to_vec())
                .1
                .is_complete(),
            "{litter}"
        );
    }
}

#[test]
fn an_unknown_form_with_records_words_is_a_problem_anywhere() {
    let cases = [
        (
            r#"{"a":[{"b":{"eventName":"X","eventTime":"t"}}]}"#,
            "a[].b.eventName",
        ),
        (
            r#"{"events":[{"event_source":"s","name":"n"}]}"#,
            "event_source",
        ),
        ("eventName=X eventSource=s\n", "text"),
        ("{'Events': [{'EventName': 'X'}]}", ""),
    ];
    for (text, place) in cases {
        let (_, coverage) = read_as("notes.txt", false, text.as_bytes().to_vec());
        assert_eq!(coverage.problems.len(), 1, "{text}");
        let said = &coverage.problems[0].reason;
        assert!(said.contains(place), "{text}: {said}");
    }
}

#[test]
fn bombs_and_deep_layers_are_refused() {
    let mut layers = b"{}".to_vec();
    for _ in 0..8 {
        layers = gzip(&layers);
    }
    let (_, coverage) = read_as("x", false, layers);
    assert!(
        coverage.problems[0].reason.contains("layers"),
        "{:?}",
        coverage.problems
    );
}

#[test]
fn an_object_larger_than_the_window_is_read_member_by_member() {
    let filler = "x".repeat(1 << 20);
    let hits: Vec<Value> = (0..40)
        .map(|n| json!({ "_source": record(n), "filler": filler }))
        .collect();
    let document = json!({ "took": 1, "hits": { "max_score": 1, "hits": hits } });
    let (got, coverage) = read(document.to_string().into_bytes());
    assert!(coverage.is_complete(), "{:?}", coverage.problems);
    assert_eq!(got.ids.len(), 40);
}

#[test]
fn rows_that_do_not_say_who_acted_are_a_problem() {
    let (got, coverage) = read(b"eventName,eventSource,eventID\nA,s,1\nB,s,2\n".to_vec());
    assert_eq!(got.ids.len(), 2);
    assert!(
        coverage.problems[0]
            .reason
            .contains("2 records counted as unknown")
    );
    let broken = "eventName,eventSource,userIdentity\nA,s,\"{IAMUser, ann}\"\n";
    let (got, coverage) = read(broken.as_bytes().to_vec());
    assert_eq!((got.ids.len(), got.unreadable), (0, 1));
    assert!(coverage.problems[0].reason.contains("userIdentity"));
    let odd_time = "eventName;eventSource;userName;eventTime\nA;s;ann;07.09.2026 10:00\n";
    let (got, coverage) = read(odd_time.as_bytes().to_vec());
    assert_eq!(got.ids.len(), 1);
    assert!(coverage.problems[0].reason.contains("without a time"));
}
