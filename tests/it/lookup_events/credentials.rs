//! Which credentials are used, and what happens when they expire.

use std::process::Command;

use serde_json::Value;

use super::lab::{ANN, BOB, Lab, busy, report};
use crate::support::at;
use crate::support::aws::{Key, SECRET, World};

/// An account that has what is read, and one from which roles are assumed.
fn two(world: World, now: i64) -> World {
    world
        .account(ANN)
        .region(BOB, "us-east-1", busy(BOB, "us-east-1", 70, now))
        .role(BOB, "audit")
}

/// The program with a key that was issued.
fn with(lab: &Lab, key: &Key) -> Command {
    let mut command = lab.stranger();
    command
        .env("AWS_ACCESS_KEY_ID", &key.access_key)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_SESSION_TOKEN", key.session_token.as_ref().unwrap());
    command
}

fn config(lab: &Lab, name: &str, text: &str) {
    lab.sandbox.write(format!(".aws/{name}"), text);
}

/// Asserts that the second account was read with the credentials of this principal.
#[track_caller]
fn assert_read(lab: &Lab, summary: &Value, principal: &str) {
    lab.assert_true(summary, &[(BOB, "us-east-1")], principal);
    assert_eq!(summary["_metadata"]["account_id"], BOB);
    assert_eq!(summary["_metadata"]["account_principal"], principal);
}

#[test]
fn missing_credentials_lead_to_a_hint() {
    let lab = Lab::new(two);
    let ended = lab.run_as(lab.stranger(), &[]).expect(1);
    for words in [
        "no AWS credentials were found",
        "--profile",
        "log files and directories can be read",
    ] {
        assert!(ended.err.contains(words), "{words:?} in {}", ended.err);
    }
    assert_eq!(ended.out, "");
    assert_eq!(lab.sandbox.files("results"), [""; 0]);
    assert!(lab.server.requests().is_empty());
}

#[test]
fn unknown_credentials_are_refused() {
    let lab = Lab::new(two);
    let mut command = lab.stranger();
    command
        .env("AWS_ACCESS_KEY_ID", "AKIA000000000000")
        .env("AWS_SECRET_ACCESS_KEY", SECRET);
    let ended = lab.run_as(command, &[]).expect(1);
    for words in ["does not accept the access key", "InvalidClientTokenId"] {
        assert!(ended.err.contains(words), "{words:?} in {}", ended.err);
    }
    assert!(!ended.err.contains(SECRET));
    assert_eq!(lab.sandbox.files("results"), [""; 0]);
}

#[test]
fn events_read_before_credentials_expire_are_kept() {
    let lab = Lab::new(|world, now| {
        world
            .region(ANN, "us-east-1", busy(ANN, "us-east-1", 1500, now))
            .region(ANN, "eu-west-1", busy(ANN, "eu-west-1", 1500, now))
    });
    let key = lab.server.issue(ANN, 6.0);
    let summary = lab.activity_as(with(&lab, &key), &[], 3);
    let mut read = Vec::new();
    for region in ["us-east-1", "eu-west-1"] {
        let failed = &summary["_metadata"]["regions_failed"][region];
        assert_eq!(failed, "ExpiredTokenException");
        let report = report(&summary, region);
        assert_eq!(report["status"], "partial");
        let events = report["events"].as_u64().unwrap() as usize;
        assert!((50..1500).contains(&events), "{events}");
        read.extend(&lab.truth(ANN, region)[..events]);
        // New ones were requested once, and were the same.
        let asked = lab.requests(region);
        assert!(asked <= events / 50 + 3, "{asked}");
    }
    lab.assert_says(&summary, read, &[], "what was read");
    let problems = at(&summary, "trailtab/coverage/problems").as_array();
    for problem in problems.unwrap() {
        let reason = problem["reason"].as_str().unwrap();
        assert!(reason.contains("run again with fresh credentials"));
        assert!(reason.contains("was not read"), "{reason}");
    }
}

#[test]
fn expired_credentials_are_refused() {
    let lab = Lab::new(two);
    let key = lab.server.issue(ANN, -1.0);
    let ended = lab.run_as(with(&lab, &key), &[]).expect(1);
    assert!(ended.err.contains("ExpiredToken"), "{}", ended.err);
}

#[test]
fn container_credentials_are_refreshed_when_they_expire() {
    let lab = Lab::new(|world, now| {
        world
            .lifetime(3600.0, 2.5)
            .region(ANN, "us-east-1", busy(ANN, "us-east-1", 600, now))
            .region(ANN, "eu-west-1", busy(ANN, "eu-west-1", 500, now))
            .region(ANN, "sa-east-1", busy(ANN, "sa-east-1", 400, now))
    });
    let mut command = lab.stranger();
    command.envs(lab.server.container(ANN));
    let summary = lab.activity_as(command, &[], 0);
    let regions = [(ANN, "us-east-1"), (ANN, "eu-west-1"), (ANN, "sa-east-1")];
    lab.assert_true(&summary, &regions, "with several credentials");
    let entries = lab.server.requests();
    let fetched = entries
        .iter()
        .filter(|entry| entry.request.action == "container:GetCredentials")
        .count();
    // Regions share those that one of them has fetched.
    assert!((2..=8).contains(&fetched), "{fetched}");
    let principal = &summary["_metadata"]["account_principal"];
    assert!(principal.as_str().unwrap().contains("assumed-role/task"));
}

#[test]
fn a_role_is_assumed() {
    let lab = Lab::new(two);
    let role = "arn:aws:iam::444455556666:role/audit";
    let summary = lab.activity(&["--role", role], 0);
    let principal = "arn:aws:sts::444455556666:assumed-role/audit/trailtab";
    assert_read(&lab, &summary, principal);
}

/// A role's credentials are renewed by those that assumed it.
#[test]
fn role_credentials_are_refreshed_when_they_expire() {
    let lab = Lab::new(|world, now| {
        world
            .lifetime(3600.0, 2.0)
            .account(ANN)
            .region(BOB, "us-east-1", busy(BOB, "us-east-1", 400, now))
            .role(BOB, "audit")
    });
    let role = "arn:aws:iam::444455556666:role/audit";
    let summary = lab.activity(&["--role", role], 0);
    let principal = "arn:aws:sts::444455556666:assumed-role/audit/trailtab";
    assert_read(&lab, &summary, principal);
    let entries = lab.server.requests();
    let assumed = entries
        .iter()
        .filter(|entry| entry.request.action == "sts:AssumeRole");
    assert!(assumed.count() >= 2);
}

#[test]
fn a_role_that_is_refused_is_named() {
    let lab = Lab::new(two);
    let role = "arn:aws:iam::444455556666:role/nobody";
    let ended = lab.run(&["--role", role]).expect(1);
    for words in ["AccessDenied", "sts:AssumeRole", role] {
        assert!(ended.err.contains(words), "{words:?} in {}", ended.err);
    }
    assert_eq!(lab.sandbox.files("results"), [""; 0]);
}

#[test]
fn a_profile_has_keys_or_a_role() {
    let lab = Lab::new(two);
    let keys =
        |account| format!("aws_access_key_id = AKIA{account}\naws_secret_access_key = {SECRET}\n");
    let (ann, bob) = (keys(ANN), keys(BOB));
    config(&lab, "credentials", &format!("[bob]\n{bob}[ann]\n{ann}"));
    let role = "role_arn = arn:aws:iam::444455556666:role/audit";
    let text = format!("[profile audit]\n{role}\nsource_profile = ann\nregion = eu-west-3\n");
    config(&lab, "config", &text);
    let summary = lab.activity_as(lab.stranger(), &["--profile", "bob"], 0);
    assert_read(&lab, &summary, "arn:aws:iam::444455556666:user/trailtab");
    // --profile takes precedence over keys in the environment.
    let summary = lab.activity(&["--profile", "bob"], 0);
    assert_eq!(summary["_metadata"]["account_id"], BOB);
    let summary = lab.careless(lab.stranger(), &["--profile", "audit"], 0);
    // The SDK itself assumes a profile's role, without our user agent.
    let is_known = |line: &String| line.starts_with("sts:AssumeRole") && line.contains("app/");
    assert!(lab.server.violations().iter().all(is_known));
    let principal = summary["_metadata"]["account_principal"].as_str().unwrap();
    let session = "arn:aws:sts::444455556666:assumed-role/audit/";
    assert!(principal.starts_with(session), "{principal}");
    assert_read(&lab, &summary, principal);
    let ended = lab.run_as(lab.stranger(), &["--profile", "carol"]);
    let ended = ended.expect(1);
    assert!(ended.err.contains("carol"), "{}", ended.err);
}
