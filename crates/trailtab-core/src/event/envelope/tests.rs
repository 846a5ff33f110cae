//! Tests of what is read from documents of every known form.

use super::*;
use crate::event::oracle::{Told, fast};

const EVENT: &str =
    r#"{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"PutObject"}"#;

fn read(document: &str) -> Told {
    let told = fast(document.as_bytes(), usize::MAX);
    assert_eq!(
        fast(document.as_bytes(), 1),
        told,
        "byte by byte: {document}"
    );
    told
}

fn events(document: &str) -> usize {
    let told = read(document);
    assert_eq!((told.others.len(), told.unreadable), (0, 0), "{document}");
    told.events.len()
}

fn in_string(json: &str) -> String {
    serde_json::Value::from(json).to_string()
}

#[test]
fn every_envelope_is_opened() {
    let text = in_string(EVENT);
    assert_eq!(events(&format!(r#"{{"Records":[{EVENT},{EVENT}]}}"#)), 2);
    assert_eq!(events(&format!("[{EVENT},\n{EVENT}]")), 2);
    assert_eq!(events(&format!("{EVENT}\n{EVENT}\r\n\n{EVENT}")), 3);
    assert_eq!(events(&format!("\u{feff}{EVENT}")), 1);
    assert_eq!(
        events(&format!(
            r#"{{"NextToken":"t","Events":[{{"CloudTrailEvent":{text}}}]}}"#
        )),
        1
    );
    assert_eq!(events(&format!(r#"{{"version":"0","detail":{EVENT}}}"#)), 1);
    assert_eq!(
        events(&format!(
            r#"{{"events":[{{"message":{text}}}],"searchedLogStreams":[]}}"#
        )),
        1
    );
    assert_eq!(
        events(&format!(
            r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"message":{text}}}]}}"#
        )),
        1
    );
    assert_eq!(
        events(&format!(
            "2026-09-07T08:00:00.000Z {EVENT}\n2026-09-07T08:00:01.000Z {EVENT}\n"
        )),
        2
    );
    assert_eq!(
        events(&format!(r#"[{{"_raw":{{"Records":[{EVENT}]}}}}]"#)),
        1
    );
    assert_eq!(
        events(&format!(
            r#"{{"Records":[{{"body":{}}}]}}"#,
            in_string(&format!(r#"{{"Records":[{EVENT}]}}"#))
        )),
        1
    );
    assert_eq!(events(""), 0);
    assert_eq!(events(r#"{"Records":[]}"#), 0);
}

#[test]
fn a_lambda_payload_is_opened() {
    use base64::Engine as _;
    let payload = format!(
        r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"message":{}}}]}}"#,
        in_string(EVENT)
    );
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut gzip = vec![0; compressor.gzip_compress_bound(payload.len())];
    let len = compressor
        .gzip_compress(payload.as_bytes(), &mut gzip)
        .unwrap();
    let data = base64::engine::general_purpose::STANDARD.encode(&gzip[..len]);
    assert_eq!(events(&format!(r#"{{"awslogs":{{"data":"{data}"}}}}"#)), 1);
    assert_eq!(read(r#"{"awslogs":{"data":"bm8gZ3ppcA=="}}"#).unreadable, 1);
}

#[test]
fn what_is_no_event_is_told_by_kind() {
    let cases = [
        (
            r#"{"digestStartTime":"2026-09-07T08:00:00Z","logFiles":[]}"#,
            ContentKind::Digest,
        ),
        (
            r#"{"Records":[{"eventVersion":"1.07","eventType":"AwsCloudTrailInsight","insightDetails":{}}]}"#,
            ContentKind::Insight,
        ),
        (
            r#"{"eventVersion":"1.11","eventCategory":"Aggregated","eventName":"x"}"#,
            ContentKind::Aggregated,
        ),
        (
            r#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL MESSAGE"}]}"#,
            ContentKind::ControlMessage,
        ),
        (
            r#"{"s3Bucket":"b","s3ObjectKey":["AWSLogs/x.json.gz"]}"#,
            ContentKind::Notification,
        ),
        (
            r#"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put"}]}"#,
            ContentKind::Notification,
        ),
        (
            r#"{"_metadata":{},"api_calls_by_principal":{}}"#,
            ContentKind::Summary,
        ),
        (r#"{"Statement":[]}"#, ContentKind::Foreign),
        (
            r#"{"detail-type":"GuardDuty Finding","detail":{"severity":5}}"#,
            ContentKind::Foreign,
        ),
    ];
    for (document, kind) in cases {
        assert_eq!(read(document).others, [kind], "{document}");
        assert_eq!(
            read(document).events.len() + read(document).unreadable,
            0,
            "{document}"
        );
    }
}

#[test]
fn an_invalid_record_does_not_affect_others() {
    let told = read(&format!(r#"{{"Records":[{EVENT},{{}},7,{EVENT}]}}"#));
    assert_eq!((told.events.len(), told.unreadable), (2, 2));
}

#[test]
fn damage_costs_the_line_or_the_rest_of_the_file() {
    let damage = |document: &str| {
        let mut told = Told::default();
        let mut envelope = EnvelopeReader::default();
        envelope.feed(document.as_bytes(), true, &mut told);
        assert_eq!(read(document).unreadable, told.unreadable);
        (told.events.len(), told.unreadable, envelope.damage())
    };
    let lines = format!("{EVENT}\n{{\"eventName\":?}}\n{EVENT}\n");
    let at = EVENT.len() as u64 + 14;
    assert_eq!(damage(&lines), (2, 1, Some(DocumentDamage::Broken(at))));
    let middle = format!(r#"{{"Records":[{EVENT},{{"eventName" "x"}},{EVENT}]}}"#);
    assert!(matches!(
        damage(&middle),
        (1, 1, Some(DocumentDamage::Broken(_)))
    ));
    let cut = format!(r#"{{"Records":[{EVENT},{{"eventName":"x"#);
    assert_eq!(
        damage(&cut),
        (1, 1, Some(DocumentDamage::CutOff(cut.len() as u64)))
    );
    let open = format!(r#"{{"Records":[{EVENT}"#);
    assert_eq!(
        damage(&open),
        (1, 0, Some(DocumentDamage::CutOff(open.len() as u64)))
    );
    let deep = "[".repeat(1000);
    assert!(matches!(
        damage(&deep),
        (0, 1, Some(DocumentDamage::Broken(_)))
    ));
}

#[test]
fn a_bracket_in_the_text_before_an_object_is_judged_by_what_follows_it() {
    // `read` feeds byte by byte, so that each blank is once the last byte that has arrived.
    let told = read("1 {  x {} y");
    assert_eq!((told.others.len(), told.unreadable), (1, 1));
    assert_eq!(events(&format!("1 {{  x {EVENT}\n")), 1);
}

#[test]
fn strings_of_strings_end() {
    let mut document = EVENT.to_owned();
    for _ in 0..8 {
        document = format!(r#"{{"message":{}}}"#, in_string(&document));
    }
    let told = read(&document);
    assert_eq!((told.events.len(), told.unreadable), (0, 1));
}
