//! The generated calls are valid, and the program reads their payloads.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::calls::{Calls, call, control_message, counted, payload, with};
use crate::support::{Sandbox, at, sum};

#[test]
fn calls_are_drawn_at_random_but_always_the_same() {
    let calls = Calls {
        errors: vec!["", "AccessDenied"],
        ..Calls::new(1000)
    };
    let records = calls.records();
    assert_eq!(records, calls.records());
    let different = |name: &str| {
        let values: BTreeSet<_> = records.iter().map(|it| it[name].to_string()).collect();
        values.len()
    };
    assert_eq!(different("eventID"), 1000);
    assert_eq!(different("eventName"), 10);
    assert_eq!(different("awsRegion"), 2);
    assert_eq!(different("errorCode"), 2);
    assert_eq!(different("readOnly"), 3);
    assert!(different("eventTime") > 100);
    let counts = counted(&records);
    assert_eq!(counts.len(), 10 * 2 * 3);
    assert_eq!(counts.values().sum::<u64>(), 1000);
}

#[test]
fn the_rule_leaves_out_repetitions_and_what_is_incomplete() {
    let bare = with(call(), &json!({ "eventName": null, "eventID": "other" }));
    assert_eq!(
        counted(&[call(), call(), bare])
            .into_values()
            .collect::<Vec<_>>(),
        [1]
    );
}

#[test]
fn payloads_are_what_the_program_takes_for_them() {
    let sandbox = Sandbox::new();
    let records = Calls::new(100).records();
    let path = sandbox.write("payload.json", payload(&records));
    let summary = sandbox.activity([path]);
    assert_eq!(sum(at(&summary, "trailtab/counts/counted")), 100);
    let control = String::from_utf8(control_message()).unwrap();
    let control: Value = serde_json::from_str(&control).unwrap();
    assert!(at(&control, "awslogs/data").is_string());
}
