//! `trailtab events`: the calls themselves, in order, in every form.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::lookup_events::lab::{ANN, Lab, busy, now};
use crate::support::aws::{Event, Region, rfc3339};
use crate::support::{Sandbox, files_below};

/// Puts the test data, records of all kinds in all wrappings, into `data`. Its time is always the same.
fn with_data() -> Sandbox {
    let sandbox = Sandbox::at("2026-09-20T00:00:00Z");
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data");
    for file in files_below(Path::new(data)) {
        let name = Path::new("data").join(file.file_name().unwrap());
        sandbox.write(name, fs::read(&file).unwrap());
    }
    sandbox
}

/// A call of an IAM user, identified by its number.
fn call(number: usize, time: &str, user: &str, api: &str, request: &Value) -> Value {
    let (source, name) = api.split_once(':').unwrap();
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "accountId": "111122223333", "userName": user,
            "arn": format!("arn:aws:iam::111122223333:user/{user}"), "accessKeyId": format!("AKIA{user:0>16}"),
        },
        "eventTime": format!("2026-09-07T{time}Z"),
        "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "aws-cli/2.17.0",
        "requestParameters": request,
        "responseElements": null,
        "eventID": format!("00000000-0000-4000-8000-{number:012}"),
        "readOnly": name.starts_with("Get") || name.starts_with("List"),
        "recipientAccountId": "111122223333",
    })
}

/// A night in which somebody looks around, is refused, and deletes a bucket.
fn night() -> Vec<Value> {
    let bucket = json!({ "bucketName": "ledgers" });
    let mut calls = vec![
        call(1, "01:00:00", "ann", "s3:GetBucketAcl", &bucket),
        call(2, "01:00:30", "bob", "s3:GetBucketAcl", &bucket),
        call(3, "01:00:40", "ann", "s3:GetBucketAcl", &bucket),
        call(4, "01:01:00", "ann", "s3:DeleteBucket", &bucket),
        call(5, "23:59:59", "ann", "s3:ListBuckets", &Value::Null),
    ];
    for (number, api) in ["iam:ListUsers", "iam:ListRoles", "kms:ListKeys"]
        .iter()
        .enumerate()
    {
        let time = format!("00:50:0{number}");
        let mut refused = call(10 + number, &time, "bob", api, &Value::Null);
        refused["errorCode"] = "AccessDenied".into();
        calls.push(refused);
    }
    calls
}

fn logs(sandbox: &Sandbox, calls: &[Value]) {
    sandbox.write("logs/log.json", json!({ "Records": calls }).to_string());
}

fn lines(sandbox: &Sandbox, args: &[&str]) -> Vec<Value> {
    let args = [&["events", "logs", "--format", "jsonl"], args].concat();
    let out = sandbox.run(args).expect(0).out;
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn times(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["event_time"].as_str().unwrap())
        .collect()
}

#[test]
fn a_timeline_tells_what_happened() {
    let sandbox = Sandbox::new();
    logs(&sandbox, &night());
    assert_snapshot!("timeline", sandbox.run(["events", "logs"]).expect(0).out);
    for width in ["60", "80"] {
        let mut command = sandbox.trailtab();
        command.args(["events", "logs"]).env("COLUMNS", width);
        let page = sandbox.finish(command, b"").expect(0).out;
        let room: usize = width.parse().unwrap();
        assert!(
            page.lines().all(|line| line.chars().count() <= room),
            "{page}"
        );
    }
    let page = with_data().run(["events", "data"]).expect(0).out;
    assert_snapshot!("timeline_of_all_kinds", page);
}

#[test]
fn each_form_has_every_call() {
    let sandbox = with_data();
    let count = |args: &[&str]| {
        let args = [&["events", "data", "--format"], args].concat();
        sandbox.run(args).expect(0).out
    };
    let all: Value = serde_json::from_str(&count(&["json"])).unwrap();
    let counted = all["_metadata"]["coverage"]["counts"]["counted"]
        .as_u64()
        .unwrap() as usize;
    assert_eq!(all["events"].as_array().unwrap().len(), counted);
    assert!(counted > 3);
    for args in [&["jsonl"][..], &["jsonl", "--unsorted"]] {
        assert_eq!(count(args).lines().count(), counted, "{args:?}");
    }
    for args in [&["csv"][..], &["csv", "--unsorted"]] {
        let table = count(args);
        let rows = csv::Reader::from_reader(table.as_bytes())
            .into_records()
            .count();
        assert_eq!(rows, counted, "{args:?}");
    }
    for args in [&["raw"][..], &["raw", "--unsorted"]] {
        let raw = count(args);
        let whole = sandbox.activity(["data"]);
        let again = sandbox.activity_with(["-"], raw.as_bytes(), 0);
        for section in crate::support::SECTIONS {
            assert_eq!(again[section], whole[section], "{section}");
        }
    }
    assert_snapshot!("events_json", count(&["json"]));
    assert_snapshot!("events_csv", count(&["csv"]));
}

#[test]
fn calls_come_in_order_from_shuffled_overlapping_files() {
    let sandbox = Sandbox::new();
    let mut calls = night();
    calls.sort_by_key(|call| call["eventTime"].to_string());
    let sorted: Vec<String> = calls
        .iter()
        .map(|call| call["eventTime"].as_str().unwrap().to_owned())
        .collect();
    calls.rotate_left(3);
    logs(&sandbox, &calls[..5]);
    sandbox.write(
        "logs/more.jsonl",
        calls[3..]
            .iter()
            .map(|call| format!("{call}\n"))
            .collect::<String>(),
    );
    assert_eq!(times(&lines(&sandbox, &[])), sorted);
    assert_eq!(times(&lines(&sandbox, &["--limit", "2"])), sorted[..2]);
    let newest = lines(&sandbox, &["--limit", "2", "--newest"]);
    assert_eq!(times(&newest), [&*sorted[7], &sorted[6]]);
    let page = sandbox
        .run(["events", "logs", "--limit", "2"])
        .expect(0)
        .out;
    assert!(
        page.contains("2 of 8 events; 6 more match: --limit lists more"),
        "{page}"
    );
}

#[test]
fn filters_find_resources_sessions_and_values() {
    let sandbox = Sandbox::new();
    logs(&sandbox, &night());
    let ids = |args: &[&str]| lines(&sandbox, args).len();
    assert_eq!(ids(&["--resource", "ledgers"]), 4);
    assert_eq!(
        ids(&["--resource", "arn:aws:s3:::ledgers", "--mutating"]),
        1
    );
    assert_eq!(ids(&["--resource", "!led*"]), 4);
    assert_eq!(ids(&["--request", "bucketName=l*s"]), 4);
    assert_eq!(
        ids(&["--request", "userIdentity.userName=bob", "--errors"]),
        3
    );
    assert_eq!(ids(&["--session", "!*?"]), 8);
    // The same filters count the same calls in the summary.
    let summary = sandbox.activity(["logs", "--resource", "ledgers"]);
    assert_eq!(summary["trailtab"]["counts"]["counted"], 4);
    let ended = sandbox
        .run(["events", "logs", "--resource", "ledger"])
        .expect(0);
    assert_snapshot!("no_such_resource", ended.out);
}

#[test]
fn columns_are_fields_and_paths() {
    let sandbox = Sandbox::new();
    logs(&sandbox, &night());
    let columns = "event_time,event_name,requestParameters.bucketName";
    let table = sandbox
        .run(["events", "logs", "--mutating", "--columns", columns])
        .expect(0)
        .out;
    assert_eq!(
        table,
        format!("{columns}\n2026-09-07T01:01:00Z,DeleteBucket,ledgers\n")
    );
    let line = &lines(&sandbox, &["--mutating", "--columns", "resources,outcome"])[0];
    assert_eq!(
        line,
        &json!({ "resources": "ledgers", "outcome": "succeeded" })
    );
}

#[test]
fn nothing_from_a_record_reaches_the_terminal_or_a_formula() {
    let sandbox = Sandbox::new();
    let evil = "=cmd|'\u{1b}[31m\u{202e}\u{7}\n!A1";
    let mut call = call(
        1,
        "01:00:00",
        "ann",
        "s3:PutObject",
        &json!({ "bucketName": evil, "key": evil }),
    );
    for name in [
        "eventName",
        "userAgent",
        "sourceIPAddress",
        "awsRegion",
        "errorCode",
        "errorMessage",
    ] {
        call[name] = evil.into();
    }
    call["userIdentity"]["userName"] = evil.into();
    logs(&sandbox, &[call]);
    for args in [
        &["--format", "text"][..],
        &["--format", "json"],
        &["--format", "jsonl"],
        &["--follow", "*"],
    ] {
        let out = sandbox
            .run([&["events", "logs"], args].concat())
            .expect(0)
            .out;
        assert!(
            !out.contains(['\u{1b}', '\u{202e}', '\u{7}']),
            "{args:?}: {out}"
        );
    }
    let table = sandbox
        .run(["events", "logs", "--format", "csv"])
        .expect(0)
        .out;
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let row = rows.records().next().unwrap().unwrap();
    assert!(row.iter().all(|cell| !cell.starts_with('=')), "{row:?}");
}

#[test]
fn what_is_missing_is_told_in_every_form() {
    let sandbox = Sandbox::new();
    logs(&sandbox, &night());
    sandbox.write("logs/cut.json", r#"{"Records":[{"eventVersion":"1.0"#);
    for format in ["text", "json", "jsonl", "csv", "raw"] {
        let ended = sandbox
            .run(["events", "logs", "--format", format])
            .expect(3);
        let place = if format == "text" || format == "json" {
            &ended.out
        } else {
            &ended.err
        };
        assert!(
            place.contains("cut.json"),
            "{format}: {} {}",
            ended.out,
            ended.err
        );
    }
}

#[test]
fn chains_are_a_tree() {
    let sandbox = Sandbox::at("2026-09-20T00:00:00Z");
    let answer = json!({
        "credentials": { "accessKeyId": "ASIA00000000000BUILD", "sessionToken": "t" },
        "assumedRoleUser": { "arn": "arn:aws:sts::111122223333:assumed-role/build/job-7" },
    });
    let role =
        json!({ "roleArn": "arn:aws:iam::111122223333:role/build", "roleSessionName": "job-7" });
    let mut assumed = call(1, "01:00:00", "ann", "sts:AssumeRole", &role);
    assumed["responseElements"] = answer;
    let mut used = call(2, "01:00:05", "ann", "s3:ListBuckets", &Value::Null);
    used["userIdentity"] = json!({
        "type": "AssumedRole", "accountId": "111122223333", "accessKeyId": "ASIA00000000000BUILD",
        "arn": "arn:aws:sts::111122223333:assumed-role/build/job-7",
        "sessionContext": { "sessionIssuer": { "type": "Role", "arn": "arn:aws:iam::111122223333:role/build" } },
    });
    // The issuing record comes later, in another file.
    logs(&sandbox, &[used]);
    sandbox.write(
        "logs/later.json",
        json!({ "Records": [assumed] }).to_string(),
    );
    let tree = |wanted: &str| {
        sandbox
            .run(["events", "logs", "--follow", wanted])
            .expect(0)
            .out
    };
    assert_snapshot!("chain", tree("ASIA00000000000BUILD"));
    assert!(tree("job-7").contains("user/ann"));
    assert!(tree("nobody").contains("No access key, session, person or principal"));
    let json = sandbox
        .run(["events", "logs", "--follow", "job-7", "--format", "json"])
        .expect(0)
        .out;
    assert_snapshot!("chain_json", json);
}

#[test]
fn credentials_without_links_take_a_line_each_where_they_are_many() {
    let sandbox = Sandbox::new();
    let calls: Vec<Value> = (1..=7)
        .map(|number| {
            let user = format!("user{number}");
            call(number, "01:00:00", &user, "s3:ListBuckets", &Value::Null)
        })
        .collect();
    logs(&sandbox, &calls);
    let tree = |wanted: &str| {
        let args = ["events", "logs", "--follow", wanted];
        sandbox.run(args).expect(0).out
    };
    let page = tree("user*");
    assert!(page.contains("\n7 without a link to others\n"), "{page}");
    let lines = page
        .lines()
        .filter(|line| line.starts_with("  > 111122223333:user/user"));
    assert_eq!(lines.count(), 7, "{page}");
    assert!(!tree("user1").contains("without a link"));
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let sandbox = Sandbox::new();
    let calls: Vec<Value> = (0..2_000)
        .map(|number| call(number, "01:00:00", "ann", "s3:ListBuckets", &Value::Null))
        .collect();
    logs(&sandbox, &calls);
    for args in [&["--format", "jsonl"][..], &["--unsorted"]] {
        let mut command = sandbox.trailtab();
        command.args([&["events", "logs"], args].concat());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&ended.stderr);
        assert!(
            !err.contains("Broken pipe") && !err.contains("cannot print"),
            "{args:?}: {err}"
        );
    }
}

#[test]
fn mistakes_are_explained() {
    let sandbox = Sandbox::new();
    logs(&sandbox, &night());
    let mistakes = [
        &["--columns", "bucketName"][..],
        &["--format", "text", "--columns", "event_time"],
        &["--format", "text", "--unsorted"],
        &["--follow", "ann", "--format", "csv"],
        &["--request", "bucketName"],
        &["--request", "a..b=c"],
        &["--limit", "0"],
        &["--wait"],
        &["--wait=1x"],
        &["--errors", "--activity-type", "SUCCESSFUL"],
    ];
    let told = mistakes.map(|args| {
        let ended = sandbox.run([&["events", "logs"], args].concat()).expect(2);
        format!("$ trailtab events logs {}\n{}", args.join(" "), ended.err)
    });
    assert_snapshot!("events_mistakes", told.join("\n"));
}

/// The program against a server, with a call that is made some seconds from now.
fn waiting(lab: &Lab, args: &[&str]) -> Command {
    let mut command = lab.trailtab(ANN);
    command.args(
        [
            &["events", "--region", "us-east-1", "--format", "jsonl"],
            args,
        ]
        .concat(),
    );
    command
}

#[test]
fn an_event_is_waited_for() {
    let soon = now() + 7;
    let lab = Lab::new(|world, now| {
        let mut event = call(
            1,
            "01:00:00",
            "ann",
            "s3:DeleteBucket",
            &json!({ "bucketName": "ledgers" }),
        );
        event["eventTime"] = rfc3339(soon).into();
        event["awsRegion"] = "us-east-1".into();
        let region =
            busy(ANN, "us-east-1", 20, now).events(vec![Event::new(soon, event.to_string())]);
        world.region(ANN, "us-east-1", region)
    });
    let command = waiting(
        &lab,
        &["--event-name", "DeleteBucket", "--wait=2m", "--every", "5"],
    );
    let ended = lab.sandbox.finish(command, b"").expect(0);
    assert_eq!(ended.out.lines().count(), 1, "{}", ended.err);
    assert!(ended.err.contains("no matching event yet"), "{}", ended.err);
}

#[test]
fn an_event_that_does_not_arrive_is_a_failure() {
    let lab =
        Lab::new(|world, _| world.region(ANN, "us-east-1", Region::new().quota(1000.0, 1000.0)));
    let command = waiting(&lab, &["--event-name", "DeleteBucket", "--wait=1s"]);
    let ended = lab.sandbox.finish(command, b"").expect(1);
    assert!(
        ended.err.contains("no matching event arrived in 1 s"),
        "{}",
        ended.err
    );
    assert!(ended.out.is_empty());
}

#[test]
fn a_resource_is_left_to_the_service() {
    let lab = Lab::new(|world, now| {
        let bucket = json!({ "bucketName": "ledgers" });
        let event = |number, api| {
            let mut call = call(number, "01:00:00", "ann", api, &bucket);
            call["eventTime"] = rfc3339(now - 3600).into();
            Event::new(now - 3600, call.to_string())
        };
        let events = vec![event(1, "s3:DeleteBucket"), event(2, "s3:GetBucketAcl")];
        let region = Region::new().quota(1000.0, 1000.0).events(events);
        world.region(ANN, "us-east-1", region)
    });
    let mut command = lab.trailtab(ANN);
    command.args(["events", "--region", "us-east-1", "--resource", "ledgers"]);
    let page = lab.sandbox.finish(command, b"").expect(0).out;
    assert!(page.contains("2 events"), "{page}");
    assert!(
        page.contains("AWS was asked for ResourceName=ledgers only"),
        "{page}"
    );
    assert!(page.contains("--resource '*ledgers'"), "{page}");
}

#[test]
fn a_summary_counts_by_resource() {
    let sandbox = Sandbox::new();
    let mut calls = night();
    let object = json!({ "bucketName": "ledgers", "key": "2026/09.csv" });
    calls.push(call(20, "02:00:00", "bob", "s3:PutObject", &object));
    calls.push(call(21, "02:00:01", "bob", "s3:DeleteObject", &object));
    logs(&sandbox, &calls);
    let summary = sandbox.activity(["logs", "--by", "resource"]);
    assert_eq!(
        summary["trailtab"]["resources_by_principal"],
        json!({
            "111122223333:user/ann": { "deleted": { "s3:bucket/ledgers": 1 } },
            "111122223333:user/bob": { "changed": { "s3:bucket/ledgers": 2 } },
        })
    );
    let bucket = &summary["trailtab"]["resources"]["s3:bucket/ledgers"];
    assert_eq!(bucket["calls"], 3);
    assert_eq!(
        bucket["principals"]["111122223333:user/bob"],
        json!({ "changed": 2 })
    );
    let page = sandbox
        .run(["activity", "logs", "--no-output", "--by", "resource"])
        .expect(0)
        .out;
    assert!(page.contains("s3:bucket/ledgers  3  "), "{page}");
    // Nothing is read twice unless it is asked for.
    let summary = sandbox.activity(["logs"]);
    assert_eq!(summary["trailtab"]["resources"], Value::Null);
}
