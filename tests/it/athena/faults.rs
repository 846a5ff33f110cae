//! What goes wrong, and what the program says, counts and bills then.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::support::at;
use crate::support::athena::{Fault, LIMIT_REASON};
use crate::support::proxy::{self, Proxy};

const START: &str = "AmazonAthena.StartQueryExecution";
const LOOK: &str = "AmazonAthena.GetQueryExecution";
const STOP: &str = "AmazonAthena.StopQueryExecution";

const ACTIVITY: [&str; 5] = ["activity", "--no-output", "--format", "json", "--recount"];

/// Time-out; only a broken program takes this long.
const TOO_LONG: Duration = Duration::from_secs(120);

/// The events of two log files.
const EVENTS: u64 = 6;

fn lake(bucket: &'static str) -> Lake {
    let mut lake = Lake::new(bucket);
    lake.put(&[7, 8].map(|day| {
        trail::log(
            "AWSLogs/",
            ANN,
            "us-east-1",
            &format!("2026/09/{day:02}"),
            day,
        )
    }));
    lake.make_table("AWSLogs/", date(2026, 9, 1), &["us-east-1"]);
    lake
}

/// Replaces the fake by one without faults.
fn renew(lake: &mut Lake) {
    lake.athena = Athena::start();
    lake.athena.set_time(NOW);
    lake.make_table("AWSLogs/", date(2026, 9, 1), &["us-east-1"]);
}

/// Asks for all events in words that no other run has used: a statement of its own, which takes up no other's query.
fn ask(lake: &Lake, name: &str) -> Finished {
    lake.ask(&ACTIVITY, &["--user-agent", &format!("!{name}")])
}

#[track_caller]
fn assert_counted(finished: Finished) -> String {
    let finished = finished.expect(0);
    assert_eq!(
        at(&finished.summary(), "trailtab/counts/counted"),
        EVENTS,
        "{}",
        finished.err
    );
    finished.err
}

/// Checks that there is no result, and what is said instead.
#[track_caller]
fn assert_failed(finished: Finished, words: &[&str]) {
    let finished = finished.expect(1);
    assert_eq!(finished.out, "", "{}", finished.err);
    for word in words {
        assert!(finished.err.contains(word), "{word:?} in {}", finished.err);
    }
}

#[test]
fn transient_faults_are_retried() {
    let lake = lake("athena-passes");
    for operation in [START, LOOK] {
        lake.athena.plan(&Fault::Throttle {
            operation,
            calls: 2,
        });
        lake.athena.plan(&Fault::Break {
            operation,
            calls: 1,
        });
    }
    lake.athena.plan(&Fault::Queued { polls: 2 });
    assert_counted(ask(&lake, "agent-a"));
    assert_eq!(lake.athena.count(START), 4);
    lake.athena.plan(&Fault::Fail {
        reason: "GENERIC_INTERNAL_ERROR: a node left",
        retryable: true,
    });
    let said = assert_counted(ask(&lake, "agent-b"));
    assert!(
        said.contains("a node left") && said.contains("AWS bills"),
        "{said}"
    );
    assert_eq!(lake.athena.count(START), 6);
}

#[test]
fn queries_without_a_result_are_told_with_what_they_cost() {
    let mut lake = lake("athena-no-result");
    lake.athena.plan(&Fault::Fail {
        reason: "HIVE_BAD_DATA: no JSON",
        retryable: false,
    });
    assert_failed(
        ask(&lake, "agent-a"),
        &[
            "failed: HIVE_BAD_DATA: no JSON",
            "it scanned ",
            "which AWS bills",
        ],
    );
    assert_eq!(lake.athena.count(START), 1, "it is not started again");
    lake.athena.plan(&Fault::Limit);
    assert_failed(
        ask(&lake, "agent-b"),
        &[
            LIMIT_REASON,
            "AWS bills cancelled queries",
            "ask for a shorter time",
        ],
    );
    assert_eq!(lake.athena.count(START), 2);
    lake.athena.plan(&Fault::LoseResult);
    assert_failed(
        ask(&lake, "agent-c"),
        &["cannot open the result", ".csv", "it does not exist"],
    );
    // Each result goes wrong after its query has succeeded; the next run takes up the query.
    let before = lake.kept();
    let calls = |lake: &Lake| {
        let finished = lake.ask(&["events", "--format", "json"], &[]).expect(0);
        let listed: Value = serde_json::from_str(&finished.out).unwrap();
        assert_eq!(listed["events"].as_array().unwrap().len() as u64, EVENTS);
        finished.err
    };
    calls(&lake);
    let keys = lake.kept();
    let mut new = keys
        .iter()
        .filter(|key| !before.contains(key) && key.ends_with(".csv"));
    let result = new.next().unwrap().clone();
    let whole = lake.get_result(&result).unwrap();
    let started = lake.athena.count(START);
    calls(&lake);
    assert_eq!(lake.athena.count(START), started, "it is taken up");
    let header = whole.iter().position(|byte| *byte == b'\n').unwrap();
    let mut result = result;
    for (again, bytes) in [&whole[..whole.len() / 2 - 3], &whole[..=header], &b""[..]]
        .into_iter()
        .enumerate()
    {
        let before = lake.kept();
        lake.put_result(&result, bytes);
        // A result that was read before is known by its size: it is made again.
        let said = calls(&lake);
        assert!(said.contains("the query is run again"), "{said}");
        assert_eq!(lake.athena.count(START), started + again + 1);
        let keys = lake.kept();
        let mut new = keys
            .iter()
            .filter(|key| !before.contains(key) && key.ends_with(".csv"));
        result = new.next().unwrap().clone();
    }
}

#[test]
fn refusals_name_what_to_allow() {
    let mut lake = lake("athena-denied");
    for (operation, action) in [
        ("AmazonAthena.GetWorkGroup", "athena:GetWorkGroup"),
        (START, "athena:StartQueryExecution"),
        (LOOK, "athena:GetQueryExecution"),
    ] {
        lake.athena.plan(&Fault::Deny { operation });
        assert_failed(
            ask(&lake, "agent-a"),
            &[action, "not authorized to perform"],
        );
        renew(&mut lake);
    }
    for operation in ["AWSGlue.GetTable", "AmazonAthena.GetTableMetadata"] {
        lake.athena.plan(&Fault::Deny { operation });
    }
    assert_failed(
        ask(&lake, "agent-a"),
        &[
            "cannot look up athena://trailtab/cloudtrail_logs",
            "glue:GetTable",
        ],
    );
    renew(&mut lake);
    lake.athena.plan(&Fault::Expire { calls: 100 });
    assert_failed(
        ask(&lake, "agent-a"),
        &["credentials have expired", "get new ones"],
    );
    assert_eq!(lake.athena.count(START), 0);
}

#[test]
fn workgroups_have_the_last_word() {
    let lake = lake("athena-workgroups");
    let enforced = format!("s3://{}-results/enforced", lake.bucket);
    lake.athena
        .set_workgroup("off", &json!({"State": "DISABLED"}));
    lake.athena.set_workgroup(
        "managed",
        &json!({"ManagedQueryResultsConfiguration": {"Enabled": true}}),
    );
    lake.athena
        .set_workgroup("small", &json!({"BytesScannedCutoffPerQuery": 10}));
    lake.athena.set_workgroup(
        "enforced",
        &json!({"EnforceWorkGroupConfiguration": true, "ResultConfiguration": {"OutputLocation": enforced}}),
    );
    for (workgroup, words) in [
        ("off", "the workgroup \"off\" is disabled"),
        ("managed", "managed query results"),
        (
            "small",
            "the workgroup \"small\" cancels queries that scan more than",
        ),
        ("none", "cannot look up the workgroup \"none\""),
    ] {
        let table = format!("athena://{workgroup}@trailtab/cloudtrail_logs");
        assert_failed(lake.ask_of(&table, &ACTIVITY, &[]), &[words]);
    }
    assert_failed(
        lake.run(&[&ACTIVITY[..], &[TABLE]].concat()),
        &["no location for results", "--athena-results"],
    );
    for (limit, words) in [
        (["--max-scan", "1B"], "--max-scan allows "),
        (["--max-usd", "0"], "--max-usd allows $0"),
    ] {
        assert_failed(lake.ask(&ACTIVITY, &limit), &["the query would ", words]);
    }
    assert_eq!(
        lake.athena.count(START),
        0,
        "nothing was started, so nothing is billed"
    );
    let table = "athena://enforced@trailtab/cloudtrail_logs";
    assert_counted(lake.ask_of(table, &ACTIVITY, &[]));
    let keys = lake.kept();
    assert!(
        keys.iter()
            .any(|key| key.starts_with("enforced/") && key.ends_with(".csv")),
        "{keys:?}"
    );
    assert!(!keys.iter().any(|key| key.starts_with("r/")), "{keys:?}");
}

#[test]
fn a_bucket_that_must_not_be_listed_is_queried_all_the_same() {
    let lake = lake("athena-unlisted");
    let proxy = Proxy::start();
    proxy.fail(1000, proxy::Fault::Error(403, "AccessDenied"), |request| {
        request.listed().is_some()
    });
    let run = |args: &[&str]| {
        let results = lake.results();
        let mut command = lake.sandbox.trailtab();
        command
            .args([&ACTIVITY[..], &[TABLE, "--athena-results", &results], args].concat())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(lake.athena.access())
            .env(
                "AWS_ENDPOINT_URL",
                format!("http://127.0.0.1:{}", proxy.port),
            );
        lake.sandbox.finish(command, b"")
    };
    // The key of accounts is injected: without a list, no statement can name them.
    assert_failed(run(&[]), &["AccessDenied"]);
    assert_eq!(lake.athena.count(START), 0);
    let listed = run(&["--account", ANN, "--since", "2026-09-01"]);
    assert!(
        listed.err.contains("what the query will scan is not known"),
        "{}",
        listed.err
    );
    assert_counted(listed);
}

#[test]
fn the_predicted_bytes_are_those_that_are_scanned() {
    let lake = demo_lake("athena-predicted", "600");
    for args in [
        &[][..],
        &["--since", "2026-09-08T10:00:00Z", "--until", "2026-09-10"],
        &["--account", "444455556666", "--region", "eu-*"],
    ] {
        // The plan is told in units for people, so the limit is what tells bytes exactly.
        let files = demo("600");
        lake.ask(&ACTIVITY, args).expect(0);
        let scanned = lake.last_scan_bytes();
        assert!(scanned > 0 && scanned <= files.iter().map(|file| file.bytes.len() as u64).sum());
        let limit = |bytes: u64| {
            let limit = format!("{bytes}B");
            lake.ask(&ACTIVITY, &[args, &["--max-scan", &limit]].concat())
        };
        // Within one percent: a limit a little below is passed, and one a little above is not.
        assert_failed(limit(scanned - scanned / 100), &["the query would scan"]);
        limit(scanned + scanned / 100).expect(0);
    }
}

fn spawn(lake: &Lake) -> Child {
    let results = lake.results();
    let mut command = lake.sandbox.trailtab();
    command
        .args([&ACTIVITY[..], &[TABLE, "--athena-results", &results]].concat())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(lake.athena.access())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the program has asked for the state of its query, and so has left a note of it.
fn wait_until_it_runs(lake: &Lake) {
    let began = Instant::now();
    while lake.athena.count(LOOK) == 0 {
        assert!(began.elapsed() < TOO_LONG, "no query runs");
        thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    let killed = Command::new("/bin/sh").args(["-c", &kill]).status();
    assert!(killed.unwrap().success());
}

#[cfg(unix)]
#[test]
fn an_interrupt_stops_the_query() {
    let lake = lake("athena-interrupt");
    lake.athena.plan(&Fault::Running { polls: 100_000 });
    let child = spawn(&lake);
    wait_until_it_runs(&lake);
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert_eq!(lake.athena.count(STOP), 1);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(at(&summary, "trailtab/coverage/complete"), false);
    assert_eq!(at(&summary, "trailtab/counts/counted"), 0);
    let problems = at(&summary, "trailtab/coverage/problems").to_string();
    assert!(
        problems.contains("it was stopped") && problems.contains("AWS bills"),
        "{problems}"
    );
}

#[cfg(unix)]
#[test]
fn the_query_of_a_killed_run_is_taken_up() {
    let lake = lake("athena-killed");
    lake.athena.plan(&Fault::Running { polls: 5 });
    let mut child = spawn(&lake);
    wait_until_it_runs(&lake);
    signal(&child, "KILL");
    child.wait().unwrap();
    let mut printed = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut printed)
        .unwrap();
    assert_eq!(printed, "");
    let said = assert_counted(lake.ask(&ACTIVITY, &[]));
    assert!(said.contains("taking up the query"), "{said}");
    assert_eq!(lake.athena.count(START), 1);
    assert_eq!(lake.athena.count(STOP), 0);
}
