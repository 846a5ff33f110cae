//! Tests of what is counted, left out and told apart.

use std::slice::from_ref;

use super::*;
use crate::activity::summary::{RowLimits, RunContext, Summary};
use crate::activity::tally::Tally;
use crate::coverage::RunCoverage;
use crate::event::envelope::EnvelopeReader;

const ANN: &str = r#"{"type":"IAMUser","accountId":"111122223333","userName":"ann"}"#;

fn record(id: &str, more: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.10","eventID":"{id}","eventTime":"2026-09-07T08:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{ANN},"recipientAccountId":"111122223333"{more}}}"#
    )
}

fn update(id: &str, original: &str) -> String {
    let addendum = format!(
        r#","errorCode":"AccessDenied","addendum":{{"reason":"UPDATED_DATA","updatedFields":"errorCode","originalEventID":"{original}"}}"#
    );
    record(id, &addendum)
}

/// Reads documents one after the other.
fn read(documents: &[&[String]], rules: &IngestRules) -> IngestStats<Tally> {
    let (seen, empty) = (SeenIds::default(), Tally::default());
    let mut intake = EventIngest::new(rules, &empty, &seen, None);
    for document in documents {
        let json = document.join("\n");
        EnvelopeReader::default().feed(json.as_bytes(), true, &mut intake);
    }
    let stats = intake.finish();
    let counts = stats.counts;
    let sum = counts.counted + counts.filtered + counts.duplicate + counts.unreadable;
    assert_eq!(counts.read, sum);
    stats
}

fn summary(stats: &IngestStats<Tally>) -> Summary {
    let tally = stats.tallies.values().next();
    let (coverage, run) = (RunCoverage::default(), RunContext::default());
    let nothing = Tally::default();
    let (tally, limits) = (tally.unwrap_or(&nothing), RowLimits::default());
    Summary::of(tally, stats, &coverage, &run, limits).unwrap()
}

fn failed(stats: &IngestStats<Tally>) -> u64 {
    let extension = summary(stats).trailtab.unwrap_or_default();
    extension.principals.values().map(|p| p.calls.failed).sum()
}

#[test]
fn an_updated_event_takes_the_place_of_the_event_it_names() {
    let rules = IngestRules::default();
    let (original, updated) = (record("a", ""), update("b", "a"));
    let orders: [&[&[String]]; 4] = [
        &[&[original.clone(), updated.clone()]],
        &[&[updated.clone(), original.clone()]],
        &[from_ref(&updated), from_ref(&original)],
        &[from_ref(&updated), &[updated.clone(), original.clone()]],
    ];
    for documents in orders {
        let stats = read(documents, &rules);
        let counts = (stats.counts.counted, failed(&stats));
        assert_eq!(counts, (1, 1), "{documents:?}");
        assert_eq!(stats.updates_not_applied, 0);
    }
}

#[test]
fn an_update_that_comes_too_late_is_told() {
    let rules = IngestRules::default();
    let documents: [&[String]; 2] = [&[record("a", "")], &[update("b", "a")]];
    let stats = read(&documents, &rules);
    assert_eq!((stats.counts.counted, stats.counts.duplicate), (1, 1));
    assert_eq!((failed(&stats), stats.updates_not_applied), (0, 1));
}

#[test]
fn other_addenda_replace_nothing() {
    let delayed = r#","addendum":{"reason":"DELIVERY_DELAY","originalEventID":"a"}"#;
    let stats = read(
        &[&[record("a", ""), record("b", delayed), update("c", "c")]],
        &IngestRules::default(),
    );
    assert_eq!(stats.counts.counted, 3);
}

#[test]
fn network_activity_is_a_kind_of_its_own() {
    let network = r#","eventType":"AwsVpceEvent","eventCategory":"NetworkActivity""#;
    let document = [record("a", ""), record("b", network)];
    let stats = read(&[&document], &IngestRules::default());
    assert_eq!((stats.counts.read, stats.counts.counted), (1, 1));
    assert_eq!(stats.others[&ContentKind::NetworkActivity], 1);
    let rules = IngestRules {
        network_activity: true,
        ..IngestRules::default()
    };
    let stats = read(&[&document], &rules);
    assert_eq!((stats.counts.counted, stats.others.len()), (2, 0));
}

#[test]
fn what_stands_outside_of_the_identity_tells_callers_apart() {
    let identity = r#"{"type":"IdentityCenterUser","accountId":"111122223333","onBehalfOf":{"userId":"u-1","identityStoreArn":"arn:aws:identitystore::111122223333:identitystore/d-1"}}"#;
    let sign_in = |id: &str, name: &str, agent: &str| {
        format!(
            r#"{{"eventVersion":"1.08","eventID":"{id}","eventSource":"signin.amazonaws.com","eventName":"UserAuthentication","userAgent":"{agent}","userIdentity":{identity},"additionalEventData":{{"UserName":"{name}"}}}}"#
        )
    };
    let document = [
        sign_in("1", "ann", "aws-cli/2"),
        sign_in("2", "ben", "aws-cli/2"),
        sign_in("3", "ann", "aws-mcp.amazonaws.com"),
        sign_in("4", "", "aws-cli/2"),
        sign_in("5", "Ann", "aws-cli/2"),
    ];
    let stats = read(&[&document], &IngestRules::default());
    let persons = summary(&stats).trailtab.unwrap_or_default().persons;
    let calls = |name: &str| persons.get(name).map_or(0, |person| person.calls.calls);
    assert_eq!((calls("ann"), calls("ben"), calls("u-1")), (3, 1, 1));
    assert_eq!(persons["ann"].agents["aws_mcp"], 1);
    assert_eq!(persons["ben"].agents.len(), 0);
}
