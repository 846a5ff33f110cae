//! Messages if no event matches, if a value cannot be right, and if there is nothing to read.

use std::fs;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::envelopes::gzip;
use crate::support::{Sandbox, at};

/// A record of a principal, identified by its number.
fn record(number: usize, identity: &Value, region: &str, name: &str) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": format!("2026-09-0{}T08:15:00Z", number + 1),
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": format!("203.0.113.{number}"),
        "userAgent": "aws-cli/2.17.0",
        "eventID": format!("00000000-0000-4000-8000-{number:012}"),
        "readOnly": name.starts_with("Describe"),
        "recipientAccountId": "111122223333",
    })
}

fn user(name: &str) -> Value {
    json!({ "type": "IAMUser", "accountId": "111122223333", "userName": name,
        "accessKeyId": format!("AKIAEXAMPLE000000{name}") })
}

fn role(name: &str, session: &str) -> Value {
    json!({ "type": "AssumedRole",
        "arn": format!("arn:aws:sts::111122223333:assumed-role/{name}/{session}"),
        "accountId": "111122223333" })
}

/// Four events of four days.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let records = [
        record(0, &user("ann"), "eu-west-1", "RunInstances"),
        record(
            1,
            &role("ci-deploy", "i-0abc"),
            "eu-west-1",
            "StopInstances",
        ),
        record(
            2,
            &role("Admin", "cat@example.com"),
            "us-east-1",
            "DescribeInstances",
        ),
        record(3, &user("esc\u{1b}[2J"), "eu-central-1", "DescribeRegions"),
    ];
    sandbox.write("logs/log.json", json!({ "Records": records }).to_string());
    sandbox
}

/// A command with its page and its standard error.
fn said(sandbox: &Sandbox, code: i32, words: &[&str]) -> String {
    let ended = sandbox.run(words).expect(code);
    let page: Vec<&str> = ended.out.lines().collect();
    let remarks: Vec<&str> = ended
        .err
        .lines()
        .filter(|line| !line.starts_with("wrote "))
        .collect();
    format!(
        "$ trailtab {}\n{}\n{}\n\n",
        words.join(" "),
        page.join("\n"),
        remarks.join("\n")
    )
}

#[test]
fn every_kind_of_miss_is_explained() {
    let sandbox = sandbox();
    let mut told = String::new();
    for filters in [
        &["--region", "eu-centrl-1"][..],
        &["--principal", "ci-deploy"],
        &["--principal", "ci-deploy,Admin"],
        &["--principal", "111122223333:role/ci-depoy"],
        &["--person", "catt"],
        &[
            "--event-name",
            "RunInstance",
            "--event-name",
            "ec2:StopInstances",
        ],
        &["--event-source", "s3"],
        &["--error-code", "AccessDenied"],
        &["--ip", "198.51.100.0/24"],
        &["--user-agent", "terraform"],
        &["--account", "111122223334"],
        &["--access-key-id", "AKIAEXAMPLE000000bob"],
        &["--activity-type", "FAILED"],
        &["--region", "!*"],
        &["--since", "2026-10-01"],
        &["--until", "2026-08-31"],
        &[
            "--since",
            "2026-09-02",
            "--until",
            "2026-09-03",
            "--event-name",
            "Run*",
        ],
        &[
            "--region",
            "eu-*",
            "--read-only",
            "--principal",
            "*:user/ann",
        ],
        &["--region", "us-*", "--write-only"],
    ] {
        let words = [&["activity", "logs"], filters].concat();
        told.push_str(&said(&sandbox, 0, &words));
    }
    assert!(!told.contains("Nothing is missing"), "{told}");
    assert_snapshot!("no_match", told);
}

#[test]
fn usage_explains_it_in_all_its_forms() {
    let sandbox = sandbox();
    let mut told = String::new();
    for (code, words) in [
        (0, &["usage", "logs"][..]),
        (0, &["usage", "logs", "--throttled"]),
        (0, &["usage", "price", "logs"]),
        (0, &["usage", "logs", "--format", "csv"]),
        (0, &["usage", "logs", "--format", "openmetrics"]),
        (1, &["usage", "logs", "--dashboard", "json"]),
    ] {
        let words = [words, &["--region", "eu-wst-1"]].concat();
        told.push_str(&said(&sandbox, code, &words));
    }
    assert_snapshot!("no_match_usage", told);
    for words in [
        &["usage", "logs"][..],
        &["usage", "logs", "--throttled"],
        &["usage", "price", "logs"],
    ] {
        let json = [words, &["--region", "eu-wst-1", "--format", "json"]].concat();
        let ended = sandbox.run(json).expect(0);
        assert!(
            ended.err.starts_with("No event matched.\n"),
            "{}",
            ended.err
        );
        let no_match = at(&ended.summary(), "no_match").clone();
        assert_eq!(no_match["filters"][0]["did_you_mean"], json!(["eu-west-1"]));
    }
}

#[test]
fn json_and_csv_runs_explain_that_nothing_matched() {
    let sandbox = sandbox();
    for format in ["json", "csv"] {
        let words = [
            "activity",
            "logs",
            "--format",
            format,
            "--region",
            "eu-wst-1",
            "--past-hours",
            "1",
        ];
        let ended = sandbox.run(words).expect(0);
        assert!(
            ended
                .err
                .contains("\nNo event matched.\n4 events were read"),
            "{}",
            ended.err
        );
    }
    let summary = sandbox.activity(["logs", "--region", "eu-wst-1", "--since", "2026-09-02"]);
    let expected = json!({
        "first_event": "2026-09-01T08:15:00Z",
        "last_event": "2026-09-04T08:15:00Z",
        "outside_window": 1,
        "filters": [{
            "option": "--region",
            "given": ["eu-wst-1"],
            "removed": 3,
            "removed_alone": 3,
            "not_read": 0,
            "did_you_mean": ["eu-west-1"],
            "values": ["eu-west-1", "us-east-1", "eu-central-1"],
            "values_not_listed": 0,
        }],
    });
    assert_eq!(*at(&summary, "trailtab/no_match"), expected);
    let matched = sandbox.activity(["logs", "--region", "eu-west-1"]);
    assert!(at(&matched, "trailtab").get("no_match").is_none());
}

#[test]
fn values_that_cannot_be_right_are_wrong_usage() {
    let sandbox = sandbox();
    let mut told = String::new();
    for filter in [
        ["--ip", "203.0.113.0/33"],
        ["--ip", "203.0.113.300"],
        ["--ip", "203.0.113"],
        ["--ip", "2001:db8::/129"],
        ["--ip", "10.0.0.0/8,192.168.0.0/16"],
        ["--account", "Production"],
        ["--account", "1111-2222-3333"],
        ["--account", "11112222333"],
        ["--region", "Frankfurt"],
        ["--region", "eu-west-1,us-east-1"],
        ["--event-name", "RunInstances,StopInstances"],
        ["--event-source", "ec2,s3"],
        ["--error-code", "AccessDenied,Throttling"],
        ["--access-key-id", "AKIA"],
    ] {
        for verb in [&["activity"][..], &["usage"], &["usage", "price"]] {
            let words = [verb, &["logs"], &filter].concat();
            let ended = sandbox.run(&words).expect(2);
            assert_eq!(ended.out, "");
            if verb == ["activity"] {
                told.push_str(ended.err.lines().next().unwrap_or_default());
                told.push('\n');
            }
        }
    }
    assert_snapshot!("values_that_cannot_be_right", told);
}

#[test]
fn where_nothing_is_read_there_is_no_result() {
    let sandbox = sandbox();
    sandbox.write("empty.json", "");
    sandbox.write("blank.json", " \n");
    sandbox.write("empty.json.gz", gzip(b""));
    sandbox.write("markers/_SUCCESS", "");
    sandbox.write("markers/.DS_Store", "");
    sandbox.write("marker/.keep", "");
    sandbox.write("zips/a.zip", "PK\x03\x04");
    sandbox.write("zips/b.zip", "PK\x03\x04");
    fs::create_dir(sandbox.path("folder")).unwrap();
    let mut told = String::new();
    for words in [
        "empty.json",
        "blank.json",
        "empty.json.gz",
        "-",
        "folder",
        "marker",
        "markers",
        "zips",
        "empty.json folder",
    ] {
        for verb in ["activity", "usage", "usage price"] {
            let words = verb.split(' ').chain(words.split(' '));
            let ended = sandbox.run(words).expect(1);
            assert_eq!(ended.out, "");
            if verb == "activity" {
                told.push_str(&ended.err);
            }
        }
    }
    assert!(!sandbox.path("results").exists() || sandbox.files("results").is_empty());
    assert_snapshot!("nothing_read", told);
}

#[test]
fn an_empty_log_file_beside_others_is_missing() {
    let sandbox = sandbox();
    sandbox.write(
        "logs/111122223333_CloudTrail_eu-west-1_20260907T0800Z_x.json.gz",
        "",
    );
    sandbox.write("logs/_SUCCESS", "");
    sandbox.write("logs/.DS_Store", "");
    let summary = sandbox.activity_with(["logs"], b"", 3);
    let problems = at(&summary, "trailtab/coverage/problems");
    let named: Vec<_> = problems
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| &problem["reason"])
        .collect();
    assert_eq!(named, ["is empty"]);
    // A named source that is empty is a problem too.
    fs::create_dir(sandbox.path("folder")).unwrap();
    fs::remove_file(
        sandbox.path("logs/111122223333_CloudTrail_eu-west-1_20260907T0800Z_x.json.gz"),
    )
    .unwrap();
    sandbox.activity_with(["logs"], b"", 0);
    sandbox.activity_with(["logs", "folder"], b"", 3);
    // Placeholders are not, even if a shell names them: logs/*
    sandbox.activity_with(["logs/log.json", "logs/_SUCCESS"], b"", 0);
}

#[test]
fn documents_without_events_are_told_from_filters() {
    let sandbox = Sandbox::new();
    sandbox.write("none.json", r#"{"Records":[]}"#);
    sandbox.write(
        "digest.json",
        r#"{"digestStartTime":"2026-09-07T08:00:00Z","logFiles":[]}"#,
    );
    let told = said(&sandbox, 0, &["activity", "none.json"])
        + &said(&sandbox, 0, &["activity", "digest.json"]);
    assert_snapshot!("no_events", told);
}
