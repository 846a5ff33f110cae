//! SIGINT and SIGTERM: the partial result is written, and no temporary files are left.

#![cfg(unix)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::lookup_events::lab::{ANN, Lab, busy, report, since};
use crate::support::aws::Fault;
use crate::support::bucket::Bucket;
use crate::support::proxy;
use crate::support::trail::log;
use crate::support::{Sandbox, at, files_below, reconcile};

const REASON: &str = "stopped by a signal before everything was read";

/// Time-out; only a broken program takes this long.
const TOO_LONG: Duration = Duration::from_secs(120);

fn wait_until(what: &str, is_true: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_true() {
        assert!(began.elapsed() < TOO_LONG, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn spawn(command: &mut Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    let killed = Command::new("/bin/sh").args(["-c", &kill]).status();
    assert!(killed.unwrap().success());
}

/// Waits for the end, and asserts this exit code.
#[track_caller]
fn end(child: Child, code: i32) -> Output {
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{:?} {err}",
        output.status
    );
    output
}

/// The summary that a run printed, which is not complete, and its problems.
#[track_caller]
fn partial(output: &Output) -> (Value, Vec<String>) {
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    reconcile(&summary);
    assert_eq!(at(&summary, "trailtab/coverage/complete"), false);
    let problems = at(&summary, "trailtab/coverage/problems")
        .as_array()
        .unwrap();
    let problem = |problem: &Value| {
        let text = |member: &str| problem[member].as_str().unwrap().to_owned();
        format!("{}: {}", text("document"), text("reason"))
    };
    let problems = problems.iter().map(problem).collect();
    (summary, problems)
}

fn counted(summary: &Value) -> u64 {
    at(summary, "trailtab/counts/counted").as_u64().unwrap()
}

fn record(number: usize, user: usize) -> String {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "accountId": "111122223333", "userName": format!("user-{user}"),
        },
        "eventTime": "2026-09-07T08:00:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "aws-cli/2.17.0",
        "eventID": format!("00000000-0000-4000-8000-{number:012}"),
        "recipientAccountId": "111122223333",
    })
    .to_string()
}

/// Lines of records, of this many different users.
fn records(count: usize, users: usize) -> String {
    let lines = (0..count).map(|number| record(number, number % users) + "\n");
    lines.collect()
}

/// Tells whether there is a directory with a temporary name in a directory.
fn has_temporary_directory(directory: &Path) -> bool {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().is_dir()).any(|entry| {
        entry
            .file_name()
            .to_string_lossy()
            .starts_with(".trailtab-")
    })
}

/// Asserts that nothing temporary is left anywhere.
#[track_caller]
fn assert_tidy(sandbox: &Sandbox) {
    for path in files_below(&sandbox.path("")) {
        let path = path.to_str().unwrap();
        assert!(
            !path.contains("/.trailtab-") || path.ends_with("/.trailtab-demo"),
            "{path}"
        );
        assert!(!path.ends_with(".part"), "{path}");
    }
}

fn make_pipes(sandbox: &Sandbox, names: &[String]) {
    let mut command = sandbox.command("/bin/sh");
    command.env("PATH", "/usr/bin:/bin");
    command
        .args(["-c", "exec mkfifo \"$@\"", "mkfifo"])
        .args(names);
    assert!(command.status().unwrap().success());
}

/// More bytes than the pipe and the program's buffers hold: once all are written, some records are counted.
const RECORDS: usize = 12_000;

#[test]
fn standard_input_that_goes_on_for_ever_is_given_up() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(records(RECORDS, 3).as_bytes()).unwrap();
    gzip.flush().unwrap();
    let cases = [
        ("INT", records(RECORDS, 3).into_bytes()),
        ("TERM", gzip.get_ref().clone()),
    ];
    for (name, input) in cases {
        let sandbox = Sandbox::new();
        let args = [
            "activity",
            "-",
            "--quiet",
            "--format",
            "json",
            "--dump-raw-cloudtrail-data",
        ];
        let mut child = spawn(sandbox.trailtab().args(args));
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&input).unwrap();
        signal(&child, name);
        let (summary, problems) = partial(&end(child, 3));
        drop(stdin);
        assert!(
            (1..=RECORDS as u64).contains(&counted(&summary)),
            "{summary}"
        );
        assert_eq!(problems, [format!("standard input: {REASON}")]);
        // The file equals the printed summary, and the copy contains the counted records.
        let files = files_below(&sandbox.path("results"));
        assert_eq!(files.len(), 2, "{files:?}");
        let is_json = |path: &&std::path::PathBuf| path.extension().unwrap() == "json";
        let json = files.iter().find(is_json).unwrap();
        let written: Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
        assert_eq!(written, summary);
        let copy = files.iter().find(|path| !is_json(path)).unwrap();
        let lines = fs::read_to_string(copy).unwrap().lines().count();
        assert_eq!(lines as u64, counted(&summary));
        assert_tidy(&sandbox);
    }
}

#[test]
fn digests_are_not_held_against_what_was_not_read() {
    let sandbox = Sandbox::new();
    make_pipes(&sandbox, &["pipe".to_owned()]);
    // Opened for reading and writing, so that opening does not block.
    let mut options = fs::OpenOptions::new();
    let pipe = options.read(true).write(true).open(sandbox.path("pipe"));
    let mut pipe = pipe.unwrap();
    let args = [
        "activity",
        "pipe",
        "--quiet",
        "--format",
        "json",
        "--verify-digests",
    ];
    let child = spawn(sandbox.trailtab().args(args));
    pipe.write_all(records(RECORDS, 3).as_bytes()).unwrap();
    signal(&child, "INT");
    let (summary, problems) = partial(&end(child, 3));
    let expected = ["pipe", "digests"].map(|what| format!("{what}: {REASON}"));
    assert_eq!(problems, expected);
    assert_eq!(at(&summary, "trailtab/integrity"), &Value::Null);
}

#[test]
fn other_verbs_that_count_print_what_there_is() {
    let sandbox = Sandbox::new();
    let mut child = spawn(sandbox.trailtab().args(["usage", "-", "--format", "json"]));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(records(RECORDS, 3).as_bytes()).unwrap();
    signal(&child, "INT");
    let output = end(child, 3);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report.to_string().contains(REASON), "{report}");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        err.contains("stopping: the result will hold what was read"),
        "{err}"
    );
    drop(stdin);
}

#[test]
fn files_that_were_not_read_are_counted() {
    let sandbox = Sandbox::new();
    // Nothing writes to these pipes, and there is one more than threads that could wait for them.
    let pipes = thread::available_parallelism().unwrap().get() + 1;
    let mut names: Vec<String> = (0..pipes).map(|number| format!("pipe{number}")).collect();
    make_pipes(&sandbox, &names);
    // The files are named: the signal may come while a folder is listed, and its files are not counted then.
    for number in 0..3 {
        let name = format!("logs/{number}.json");
        sandbox.write(&name, record(number, 0));
        names.push(name);
    }
    let args = [
        "activity",
        "--quiet",
        "--format",
        "json",
        "--dump-raw-cloudtrail-data",
    ];
    let child = spawn(sandbox.trailtab().args(args).args(&names));
    wait_until("it begins to read", || {
        has_temporary_directory(&sandbox.path("results"))
    });
    signal(&child, "TERM");
    let (summary, problems) = partial(&end(child, 3));
    assert_eq!(counted(&summary), 0);
    let unread: Vec<_> = problems
        .iter()
        .filter(|p| p.starts_with("local files: "))
        .collect();
    assert_eq!(unread.len(), 1, "{problems:?}");
    let files = |text: &str| {
        text.rsplit("; ")
            .next()
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .parse()
    };
    let files: usize = files(unread[0]).unwrap();
    assert_eq!(files + problems.len() - 1, names.len(), "{problems:?}");
    assert!(unread[0].contains(REASON));
}

/// Events of many pages, which take a minute at the quota.
const EVENTS: usize = 5000;

fn lab() -> Lab {
    Lab::new(|world, now| world.region(ANN, "eu-west-1", busy(ANN, "eu-west-1", EVENTS, now)))
}

/// A run that reads the event history of one region, and prints its summary.
fn reading(lab: &Lab, args: &[&str]) -> Child {
    let words = [
        "activity",
        "--quiet",
        "--format",
        "json",
        "--region",
        "eu-west-1",
    ];
    spawn(lab.trailtab(ANN).args(words).args(args))
}

#[test]
fn a_walk_through_the_event_history_ends_with_what_it_has() {
    let lab = lab();
    let child = reading(&lab, &["--dump-raw-cloudtrail-data"]);
    wait_until("some pages are read", || lab.requests("eu-west-1") >= 4);
    signal(&child, "INT");
    let (summary, problems) = partial(&end(child, 3));
    let count = counted(&summary);
    assert!((100..EVENTS as u64).contains(&count), "{count}");
    assert_eq!(report(&summary, "eu-west-1")["status"], "partial");
    assert_eq!(
        at(&summary, "_metadata/regions_failed/eu-west-1"),
        "Interrupted"
    );
    let start = format!("event history of {ANN} in eu-west-1: Interrupted: {REASON}; ");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with(&start), "{problems:?}");
    assert!(problems[0].ends_with(" was not read"), "{problems:?}");
    assert!(lab.requests("eu-west-1") < EVENTS / 50);
    assert_tidy(&lab.sandbox);
}

#[test]
fn a_request_without_an_answer_is_given_up() {
    let lab = lab();
    lab.server.fail(
        usize::MAX,
        Fault::Delay(TOO_LONG * 10),
        since("eu-west-1", 0),
    );
    let child = reading(&lab, &[]);
    wait_until("a page is asked for", || lab.requests("eu-west-1") >= 1);
    signal(&child, "TERM");
    let (summary, problems) = partial(&end(child, 3));
    assert_eq!(counted(&summary), 0);
    assert_eq!(report(&summary, "eu-west-1")["status"], "failed");
    assert_eq!(problems.len(), 1, "{problems:?}");
}

#[test]
fn a_run_that_cannot_begin_is_given_up() {
    let lab = lab();
    lab.server
        .fail(usize::MAX, Fault::Delay(TOO_LONG * 10), |_| true);
    let child = reading(&lab, &[]);
    wait_until("a request was sent", || !lab.server.requests().is_empty());
    signal(&child, "INT");
    let (_, problems) = partial(&end(child, 3));
    assert_eq!(problems, [format!("event history: {REASON}")]);
}

#[test]
fn an_archive_goes_on_where_the_signal_came() {
    let lab =
        Lab::new(|world, now| world.region(ANN, "eu-west-1", busy(ANN, "eu-west-1", 500, now)));
    let archive = ["--archive", "archive"];
    let child = reading(&lab, &archive);
    wait_until("some pages are read", || lab.requests("eu-west-1") >= 4);
    signal(&child, "INT");
    let (summary, _) = partial(&end(child, 3));
    let count = counted(&summary);
    assert!((100..500).contains(&count), "{count}");
    assert_tidy(&lab.sandbox);
    // All counted events are in the archive.
    lab.sandbox.run(["archive", "verify", "archive"]).expect(0);
    let kept = lab.sandbox.activity(["archive"]);
    assert_eq!(counted(&kept), count);
    let before = lab.requests("eu-west-1");
    let all = lab.activity(&["--archive", "archive", "--region", "eu-west-1"], 0);
    lab.assert_true(&all, &[(ANN, "eu-west-1")], "after an interrupted run");
    let again = lab.requests("eu-west-1") - before;
    assert!(
        again <= (500 - count as usize).div_ceil(50) + 2,
        "{again} more requests"
    );
}

#[test]
fn a_bucket_is_given_up() {
    let mut bucket = Bucket::new("interrupted");
    let days = ["2026/09/07", "2026/09/08", "2026/09/09"];
    let files: Vec<_> = (0..)
        .zip(days)
        .map(|(number, day)| log("AWSLogs/", ANN, "eu-west-1", day, number))
        .collect();
    bucket.put(&files);
    let key = files[1].key.clone();
    let late = proxy::Fault::Delay(TOO_LONG * 10);
    bucket
        .proxy
        .fail(usize::MAX, late, move |request| request.gets(&key));
    let sandbox = Sandbox::new();
    let mut command = sandbox.trailtab();
    command
        .args(["activity", "--quiet", "--format", "json", &bucket.at("")])
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(bucket.access());
    let child = spawn(&mut command);
    let requests = || bucket.proxy.requests();
    wait_until("the file is asked for", || {
        requests().iter().any(|r| r.gets(&files[1].key))
    });
    signal(&child, "INT");
    let (summary, problems) = partial(&end(child, 3));
    assert!(counted(&summary) <= 6, "{summary}");
    assert_eq!(problems, [format!("{}: {REASON}", bucket.at(""))]);
}

#[test]
fn the_second_signal_ends_it_at_once() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let sandbox = Sandbox::new();
        let args = ["activity", "-", "--quiet", "--format", "json"];
        let mut child = spawn(sandbox.trailtab().args(args));
        let mut stdin = child.stdin.take().unwrap();
        // So many users that the summary does not fit into the pipe, which is not read.
        stdin
            .write_all(records(RECORDS, RECORDS).as_bytes())
            .unwrap();
        signal(&child, name);
        wait_until("the partial summary is written", || {
            fs::read_dir(sandbox.path("results"))
                .into_iter()
                .flatten()
                .flatten()
                .any(|entry| {
                    entry
                        .path()
                        .extension()
                        .is_some_and(|ending| ending == "json")
                })
        });
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(code));
        drop(stdin);
        assert_tidy(&sandbox);
        let [path] = &files_below(&sandbox.path("results"))[..] else {
            panic!("one summary is written");
        };
        let written: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        assert_eq!(at(&written, "trailtab/coverage/complete"), false);
    }
}

/// Suspends a run once a condition holds, sends a signal, and resumes it.
fn end_when_there_is(child: &Child, name: &str, what: &str, is_there: impl Fn() -> bool) {
    wait_until(what, &is_there);
    signal(child, "STOP");
    assert!(is_there(), "{what}");
    signal(child, name);
    signal(child, "CONT");
}

#[test]
fn charts_that_are_half_drawn_are_removed() {
    let sandbox = Sandbox::new();
    sandbox.activity_with(["-", "--output", "."], records(3000, 3000).as_bytes(), 0);
    let [summary] = &files_below(&sandbox.path(""))[..] else {
        panic!("one summary is written");
    };
    let child = spawn(sandbox.trailtab().arg("plot").arg(summary));
    let is_drawing = || has_temporary_directory(&sandbox.path(""));
    end_when_there_is(&child, "TERM", "it draws", is_drawing);
    end(child, 143);
    assert_eq!(
        &files_below(&sandbox.path("")),
        std::slice::from_ref(summary)
    );
    assert!(!has_temporary_directory(&sandbox.path("")));
}

#[test]
fn a_demo_that_is_ended_can_be_begun_again() {
    let sandbox = Sandbox::new();
    let mut child = spawn(sandbox.trailtab().args(["demo", "--quiet"]));
    let has_logs = || sandbox.path("demo/AWSLogs").exists();
    end_when_there_is(&child, "INT", "log files are written", has_logs);
    let mut err = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{err}");
    assert_tidy(&sandbox);
    sandbox
        .run(["demo", "--quiet", "--events", "300"])
        .expect(0);
    let logs = sandbox.files("demo/AWSLogs").len();
    sandbox
        .run(["demo", "--quiet", "--events", "300", "--output", "fresh"])
        .expect(0);
    assert_eq!(sandbox.files("fresh/AWSLogs").len(), logs);
}
