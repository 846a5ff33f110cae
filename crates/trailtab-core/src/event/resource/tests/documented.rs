//! What calls create, in records of the shapes that AWS documents.
//!
//! `documented.jsonl` has a line for each event and resource. Its members and ARNs are those of AWS's API models and of
//! the Service Authorization Reference, spelled as CloudTrail spells them; the ids are invented.

use serde_json::Value;

use super::*;

const DOCUMENTED: &str = include_str!("documented.jsonl");

fn lines() -> impl Iterator<Item = Value> {
    DOCUMENTED
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
}

/// The JSON of a record of a line, with further members.
fn json_of(line: &Value, more: &str) -> String {
    let (source, name) = line["event"].as_str().unwrap().split_once(' ').unwrap();
    format!(
        r#"{{"eventSource":"{source}.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-1","recipientAccountId":"111122223333","requestParameters":{},"responseElements":{}{more}}}"#,
        line["request"], line["response"]
    )
}

#[test]
fn every_creating_event_names_what_it_creates() {
    for line in lines() {
        let json = json_of(&line, "");
        let found = resources_of(&record(&json));
        let created: Vec<_> = found
            .list
            .iter()
            .filter(|found| found.role == ResourceRole::Created)
            .collect();
        let [created] = created[..] else {
            panic!("{json} creates {created:?}");
        };
        assert_eq!(created.key.as_str(), line["created"], "{json}");
        assert_eq!(created.source, ResourceSource::Table, "{json}");
        assert_ne!(created.kind, ResourceKind::UNKNOWN, "{json}");
        assert!(!created.is_attempt);
    }
}

#[test]
fn many_events_of_many_services_are_known() {
    let events: std::collections::BTreeSet<_> =
        lines().map(|line| line["event"].to_string()).collect();
    let services: std::collections::BTreeSet<_> = events
        .iter()
        .filter_map(|event| event.split(' ').next().map(str::to_owned))
        .collect();
    assert!(
        events.len() >= 400 && services.len() >= 140,
        "{} of {}",
        events.len(),
        services.len()
    );
}

#[test]
fn failed_calls_create_nothing() {
    for line in lines() {
        let json = json_of(&line, r#","errorCode":"AccessDenied""#);
        let found = resources_of(&record(&json));
        assert!(found.list.iter().all(|found| found.is_attempt), "{json}");
    }
}
