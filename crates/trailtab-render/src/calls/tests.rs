//! Tests of the writers of calls.

use super::*;
use crate::page::TextStyle;
use trailtab_core::activity::summary::RunContext;
use trailtab_core::coverage::RunCoverage;
use trailtab_core::event::ingest::IngestStats;

const LOOK: TextStyle = TextStyle {
    width: 100,
    colour: false,
};

fn record(second: usize, account: &str, user: &str) -> String {
    let (minute, second) = (second / 60, second % 60);
    format!(
        r#"{{"eventVersion":"1.08","eventTime":"2026-09-07T08:{minute:02}:{second:02}Z","eventName":"DeleteUser","eventSource":"iam.amazonaws.com","readOnly":false,
            "awsRegion":"us-east-1","recipientAccountId":"{account}","userIdentity":{{"type":"IAMUser","accountId":"{account}","userName":"{user}"}}}}"#
    )
}

fn written(mut writer: impl CallWriter, records: &[String]) -> String {
    let mut out = Vec::new();
    for record in records {
        let record = EventRecord::of(record.as_bytes()).unwrap();
        writer.call(&record, &mut out).unwrap();
    }
    let intaken = IngestStats::<()>::default();
    let run = RunContext::default();
    let basis = CallsProvenance::of(&intaken, &RunCoverage::default(), &run, None);
    writer.finish(&basis, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_heading_names_the_account_of_the_lines_that_name_none() {
    // More lines than are laid out together: the second part of the day is of another account.
    let mut records: Vec<String> = (0..500)
        .map(|second| record(second, "111122223333", &format!("user{second}")))
        .collect();
    records
        .extend((500..510).map(|second| record(second, "444455556666", &format!("user{second}"))));
    let page = written(Timeline::new(LOOK), &records);
    let line = |user: &str| page.lines().find(|line| line.contains(user)).unwrap();
    assert!(
        page.starts_with("Monday, 2026-09-07 (UTC), account 111122223333\n"),
        "{page}"
    );
    assert!(!line("user/user7 ").contains("111122223333"));
    assert!(
        line("user/user505 ").contains("444455556666"),
        "{}",
        line("user/user505 ")
    );
}

#[test]
fn each_form_of_no_calls_is_whole() {
    let json = written(JsonCalls::default(), &[]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["events"], Value::Array(Vec::new()));
    assert_eq!(json["_metadata"]["schema_version"], 1);
    assert_eq!(written(RawCalls::default(), &[]), "{\"Records\":[]}\n");
    assert_eq!(written(JsonLines::default(), &[]), "");
    let titles = written(CsvCalls::new(Vec::new()), &[]);
    assert!(
        titles.starts_with("event_time,account,region,principal,"),
        "{titles}"
    );
}

#[test]
fn what_follows_a_comma_is_another_call() {
    let records = [
        record(0, "111122223333", "ann"),
        record(1, "111122223333", "bob"),
    ];
    let json: Value = serde_json::from_str(&written(JsonCalls::default(), &records)).unwrap();
    assert_eq!(json["events"].as_array().unwrap().len(), 2);
    let raw: Value = serde_json::from_str(&written(RawCalls::default(), &records)).unwrap();
    assert_eq!(raw["Records"][1]["userIdentity"]["userName"], "bob");
    assert_eq!(written(JsonLines::default(), &records).lines().count(), 2);
}

#[test]
fn a_line_tells_the_time_of_its_last_call() {
    let twice = [
        record(0, "111122223333", "ann"),
        record(9, "111122223333", "ann"),
    ];
    let page = written(Timeline::new(LOOK), &twice);
    assert!(
        page.contains("2 × iam:DeleteUser, until 08:00:09"),
        "{page}"
    );
    let newest: Vec<String> = twice.iter().rev().cloned().collect();
    let page = written(Timeline::new(LOOK), &newest);
    assert!(
        page.contains("  08:00:09  user/ann  2 × iam:DeleteUser, back to 08:00:00"),
        "{page}"
    );
}
