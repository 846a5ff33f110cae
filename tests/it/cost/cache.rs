//! Cached and saved answers are not paid for twice.

use std::fs;

use serde_json::Value;

use super::{Lab, account, charges, day, total, truth};
use crate::support::Finished;
use crate::support::aws::{Bill, World};

/// Runs with a cache in the sandbox.
fn cached(lab: &Lab, args: &[&str]) -> Finished {
    let (since, until) = (day(1).to_string(), day(10).to_string());
    let mut command = lab.command();
    command
        .args([
            "--format", "json", "--cache", "kept", "--since", &since, "--until", &until,
        ])
        .args(args);
    lab.sandbox.finish(command, b"").expect(0)
}

fn without_basis(mut report: Value) -> Value {
    report["basis"] = Value::Null;
    report
}

#[test]
fn a_second_run_costs_nothing() {
    let charges = charges(3, 5, 1);
    // A month ago may be settled or not, and this one is not.
    let lab = Lab::new(Bill::new(charges.clone()).estimated_from(day(1)));
    let first = cached(&lab, &[]).summary();
    assert_eq!(total(&first), truth(&charges, |_| true));
    let paid = lab.granted().len();
    assert!(paid > 0);
    let second = cached(&lab, &[]).summary();
    assert_eq!(lab.granted().len(), paid);
    assert_eq!(second["basis"]["requests"], 0);
    assert_eq!(without_basis(second), without_basis(first));
    // Days that are not settled are requested again once the answer is old.
    cached(&lab, &["--max-age", "0"]);
    assert!(lab.granted().len() > paid);
}

#[test]
fn what_was_saved_makes_the_same_report_offline() {
    let lab = Lab::organized(charges(3, 5, 2));
    let id = account(1);
    let saved = lab.report(&["--account", &id, "--save", "saved"]);
    let asked = lab.server.requests().len();
    let offline = lab.report(&["--account", &id, "--offline", "saved"]);
    assert_eq!(
        lab.server.requests().len(),
        asked,
        "nobody is asked, neither Organizations"
    );
    assert_eq!(without_basis(offline), without_basis(saved));
    let since = day(1).to_string();
    let other = lab.cost(&[
        "--since",
        &since,
        "--owner",
        "user3@example.com",
        "--offline",
        "saved",
    ]);
    assert!(other.expect(1).err.contains("--save"));
    for file in crate::support::files_below(&lab.sandbox.path("saved")) {
        let json: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert!(
            json.is_array() || json["request"]["TimePeriod"].is_object(),
            "{}",
            file.display()
        );
    }
}

#[test]
fn what_was_saved_and_is_broken_is_named() {
    let lab = Lab::organized(charges(1, 2, 3));
    lab.report(&["--save", "saved"]);
    lab.sandbox.write("saved/zzz.json", "{\"request\": 1");
    let since = day(1).to_string();
    let finished = lab
        .cost(&["--since", &since, "--offline", "saved", "--format", "csv"])
        .expect(3);
    assert!(finished.err.contains("zzz.json"), "{}", finished.err);
    assert!(finished.err.contains("no days after"), "{}", finished.err);
    let finished = lab
        .cost(&["--since", &since, "--offline", "nowhere"])
        .expect(1);
    assert!(finished.err.contains("nowhere"), "{}", finished.err);
}

#[test]
fn one_organisation_does_not_see_what_was_kept_of_another() {
    let lab = Lab::organized(charges(2, 3, 4));
    let first = cached(&lab, &[]).summary();
    let other = Lab::of(World::new(super::now()).bill(super::LAB, Bill::new(Vec::new())));
    let mut command = lab.command();
    let (since, until) = (day(1).to_string(), day(10).to_string());
    command.envs(other.server.environment(super::LAB));
    command.args([
        "--format", "json", "--cache", "kept", "--since", &since, "--until", &until,
    ]);
    let second = lab.sandbox.finish(command, b"").expect(0).summary();
    assert_ne!(without_basis(first), without_basis(second.clone()));
    assert_eq!(second["parts"], serde_json::json!([]));
}
