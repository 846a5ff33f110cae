//! Both outputs give the same numbers, and the whole log of the function is JSON.

use serde_json::{Value, json};

use super::lab::{Lab, assert_counts, count};
use crate::support::calls::{
    ANN, BOB, Calls, call, control_message, counted, numbered, payload_of, with,
};
use crate::support::emf;
use crate::support::metrics::{Table, sums};

const EMF: (&str, &str) = ("TRAILTAB_USAGE_OUTPUT", "emf");
const ALL: (&str, &str) = (
    "TRAILTAB_USAGE_METRICS",
    "errors,throttles,access,principals,accounts",
);

/// The metrics in a function's log, without its health.
fn logged(lab: &Lab) -> Table {
    let mut table = emf::read(lab.function.settled_lines());
    table.retain(|key, _| key.namespace != "trailtab/usage");
    table
}

fn varied(count: usize) -> Vec<Value> {
    let calls = Calls {
        accounts: vec![ANN, BOB],
        errors: vec!["", "AccessDenied", "ThrottlingException"],
        apis: 150,
        ..Calls::new(count)
    };
    calls.records()
}

#[test]
fn both_ways_read_back_to_the_same_numbers() {
    let mut records = varied(1500);
    // Names with another meaning in embedded metric format.
    for (seed, name) in ["awsRegion", "eventSource", "_aws", "Größe", "a\"b"]
        .iter()
        .enumerate()
    {
        records.push(with(
            numbered(seed as u64 + 50_000),
            &json!({ "eventName": name }),
        ));
    }
    for settings in [&[ALL][..], &[ALL, ("TRAILTAB_USAGE_TOP", "20")], &[]] {
        let mut sent = Lab::new(settings);
        let mut written = Lab::new(&[settings, &[EMF]].concat());
        let responses = [sent.deliver(&records), written.deliver(&records)];
        for response in &responses {
            assert_eq!(count(response, "published"), records.len() as u64);
        }
        assert_counts(&sums(&logged(&written)), &sent.sums());
        assert_eq!(logged(&written), sent.cloudwatch.table(), "samples as well");
        assert_eq!(written.requests().len(), 0, "no API call");
    }
}

#[test]
fn without_other_sets_the_log_holds_the_calls() {
    let records = varied(1000);
    let mut lab = Lab::new(&[EMF]);
    lab.deliver(&records);
    assert_counts(&sums(&logged(&lab)), &counted(&records));
    // Sandboxes write to the same log.
    lab.function.restart();
    let more = Calls {
        seed: 7,
        ..Calls::new(100)
    }
    .records();
    lab.deliver(&more);
    assert_counts(&sums(&logged(&lab)), &counted(&[records, more].concat()));
}

#[test]
fn the_log_refuses_the_same_times() {
    let old = with(numbered(1), &json!({ "eventTime": "2020-01-01T00:00:00Z" }));
    let mut lab = Lab::new(&[EMF]);
    let response = lab.deliver(&[old, numbered(2)]);
    assert_eq!(
        (count(&response, "published"), count(&response, "refused")),
        (1, 1)
    );
    assert_counts(&sums(&logged(&lab)), &counted(&[numbered(2)]));
}

#[test]
fn a_repeated_delivery_is_written_once_with_a_ledger() {
    let records = varied(500);
    let mut lab = Lab::with_ledger("emf", &[EMF]);
    lab.deliver(&records);
    let response = lab.deliver(&records);
    assert_eq!(response["skipped"], json!({ "repeated": 500 }));
    lab.function.restart();
    let response = lab.deliver(&records);
    assert_eq!(response["skipped"], json!({ "repeated": 500 }));
    assert_counts(&sums(&logged(&lab)), &counted(&records));
}

#[test]
fn all_that_the_function_says_is_json() {
    let mut lab = Lab::new(&[]);
    lab.deliver(&[call()]);
    lab.deliver_raw(&control_message());
    let texts = [
        "no JSON",
        &with(call(), &json!({ "eventName": null })).to_string(),
    ];
    lab.deliver_raw(&payload_of(&texts));
    let mut health = 0;
    for line in lab.function.settled_lines() {
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        if line["_aws"].is_object() {
            health += 1;
            continue;
        }
        for member in ["timestamp", "level", "message", "requestId"] {
            assert!(line[member].is_string(), "{member} in {line}");
        }
    }
    assert_eq!(health, 3, "one line for each invocation");
}

#[test]
fn health_says_what_happened() {
    let mut lab = Lab::new(&[]);
    let old = with(numbered(2), &json!({ "eventTime": "2020-01-01T00:00:00Z" }));
    let bare = with(numbered(3), &json!({ "awsRegion": null }));
    lab.deliver(&[old, bare, call(), call()]);
    let health = lab.health();
    for (metric, expected) in [
        ("EventsReceived", 4),
        ("EventsPublished", 1),
        ("EventsSkipped", 1),
        ("EventsUnreadable", 1),
        ("EventsRefused", 1),
        ("EventsUnconfirmed", 0),
        ("EventsUnsent", 0),
        ("EventsDeferred", 0),
        ("Chunks", 1),
        ("Retries", 0),
    ] {
        assert_eq!(count(&health, metric), expected, "{metric}");
    }
    assert!(health["Duration"].is_number());
}
