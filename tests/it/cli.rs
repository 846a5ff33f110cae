//! Pages, files, messages and exit codes, also for hostile input.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use flate2::{Compress, Compression, FlushCompress, Status};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::envelopes::gzip;
use crate::support::{Finished, SECTIONS, Sandbox, assert_same, at, files_below, sum};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data");

/// A valid record, identified by its number.
fn record(number: usize) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": { "type": "IAMUser", "accountId": "111122223333", "userName": "ann" },
        "eventTime": "2026-09-07T08:00:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "aws-cli/2.17.0",
        "eventID": format!("00000000-0000-4000-8000-{number:012}"),
        "readOnly": true,
        "recipientAccountId": "111122223333",
    })
}

fn log(numbers: impl IntoIterator<Item = usize>) -> String {
    json!({ "Records": numbers.into_iter().map(record).collect::<Vec<_>>() }).to_string()
}

/// The number of counted events, and the problems.
fn outcome(summary: &Value) -> (u64, Vec<String>) {
    let problems = at(summary, "trailtab/coverage/problems")
        .as_array()
        .unwrap()
        .iter();
    let problem = |problem: &Value| {
        let document = problem["document"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap();
        format!(
            "{document} ({}): {}",
            problem["severity"].as_str().unwrap(),
            problem["reason"].as_str().unwrap()
        )
    };
    (
        sum(at(summary, "trailtab/counts/counted")),
        problems.map(problem).collect(),
    )
}

// Pages, messages and exit codes.

#[test]
fn a_page_tells_what_matters() {
    let sandbox = Sandbox::new();
    let ended = sandbox.run(["activity", DATA, "--output", "out"]).expect(0);
    assert_snapshot!("page", ended.out);
    assert_eq!(ended.err, "wrote out/account_activity_multiple_TIME.json\n");
    assert_eq!(
        sandbox.files("out"),
        ["account_activity_multiple_TIME.json"]
    );
}

#[test]
fn a_page_tells_what_is_missing() {
    let sandbox = Sandbox::new();
    sandbox.write("logs/good.json", log(0..3));
    let name = "logs/111122223333_CloudTrail_us-east-1_20260907T0805Z_aaaaaaaaaaaaaaaa.json";
    sandbox.write(name, &log(3..5)[..700]);
    sandbox.write("logs/old.zip", b"PK\x03\x04rest");
    let ended = sandbox.run(["activity", "logs"]).expect(3);
    assert_snapshot!("page_of_a_partial_result", ended.out);
}

#[test]
fn tables_can_be_had_as_csv() {
    let sandbox = Sandbox::new();
    assert_snapshot!(
        "table",
        sandbox
            .run(["activity", DATA, "--format", "csv", "-q"])
            .expect(0)
            .out
    );
}

#[test]
fn what_is_printed_as_json_is_what_is_written() {
    let sandbox = Sandbox::new();
    let ended = sandbox
        .run(["activity", DATA, "--format", "json"])
        .expect(0);
    let written = files_below(&sandbox.path("results"));
    assert_eq!(fs::read(&written[0]).unwrap(), ended.stdout);
    let keys: Vec<String> = ended
        .summary()
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let mut sections = ["_metadata", "trailtab"]
        .iter()
        .chain(&SECTIONS)
        .map(|s| (*s).to_owned())
        .collect::<Vec<_>>();
    sections.sort();
    assert_eq!(keys, sections);
    assert_snapshot!("summary", ended.out.replace(DATA, "[DATA]"));
}

#[test]
fn quiet_says_nothing_but_results_and_errors() {
    let sandbox = Sandbox::new();
    let ended = sandbox
        .run(["activity", DATA, "--format", "csv", "--quiet"])
        .expect(0);
    assert!(ended.out.starts_with("section,key,item,count\n"));
    assert_eq!(ended.err, "");
    assert_ne!(
        sandbox
            .run(["activity", "nowhere", "--quiet"])
            .expect(1)
            .err,
        ""
    );
}

#[test]
fn mistakes_are_explained() {
    let sandbox = Sandbox::new();
    sandbox.write("README", "no logs here\n");
    sandbox.write("foreign/README", "no logs here either\n");
    sandbox.write("policy.json", r#"{"Statement":[]}"#);
    sandbox.write("file", "");
    sandbox.write("esc\u{1b}[2J.zip", b"PK\x03\x04");
    let mut told = String::new();
    for (code, line) in [
        (2, ""),
        (2, "activity --role-name audit"),
        (2, "activity --past-hours 3000"),
        (2, "activity x --archive kept"),
        (2, "activity x --organization"),
        (2, "activity --verify-digests"),
        (2, "activate x"),
        (2, "activity x --past-hours 0"),
        (2, "activity x --past-hours -1"),
        (2, "activity x --past-hours soon"),
        (2, "activity x --past-hours 5 --since 2026-09-07"),
        (2, "activity x --since last-week"),
        (2, "activity x --until 2026-13-01"),
        (2, "activity x --since 2026-09-08 --until 2026-09-07"),
        (
            2,
            "activity x --since 2026-09-08T10:00:00Z --until 2026-09-08T10:00:00Z",
        ),
        (2, "activity x --activity-type some"),
        (2, "activity x --read-only --write-only"),
        (2, "activity ftp://host/logs"),
        (2, "activity s3://"),
        (1, "activity x"),
        (1, "activity README"),
        (1, "activity foreign"),
        (1, "activity esc\u{1b}[2J.zip"),
        (1, "activity foreign --output file"),
        (1, "plot x.json"),
        (1, "plot README"),
        (1, "plot policy.json"),
        (1, "demo --output foreign"),
    ] {
        let ended = sandbox.run(line.split_whitespace()).expect(code);
        assert_eq!(ended.out, "", "{line}");
        let line = line.replace('\u{1b}', "ESC");
        told.push_str(&format!("$ trailtab {line}\n{}{code}\n\n", ended.err));
    }
    assert_snapshot!("mistakes", told);
}

#[test]
fn nothing_to_count_is_no_mistake() {
    let sandbox = Sandbox::new();
    for (name, text) in [
        ("none", r#"{"Records":[]}"#),
        ("list", "[]"),
        ("csv", "eventName,eventSource\n"),
    ] {
        let summary = sandbox.activity([sandbox.write(name, text)]);
        assert_eq!(outcome(&summary), (0, vec![]), "{name}");
        assert_eq!(
            sandbox.activity_with(["-"], text.as_bytes(), 0)["trailtab"]["counts"]["read"],
            0
        );
    }
    // Other documents of CloudTrail are not problems either.
    let digest = sandbox.write(
        "digest",
        r#"{"digestStartTime":"2026-09-07T08:00:00Z","logFiles":[]}"#,
    );
    assert_eq!(outcome(&sandbox.activity([digest])), (0, vec![]));
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let sandbox = Sandbox::new();
    let lines: String = (0..500)
        .map(|n| {
            let mut record = record(n);
            record["userAgent"] = format!("agent {n} {}", "x".repeat(300)).into();
            format!("{record}\n")
        })
        .collect();
    sandbox.write("log", lines);
    for line in [
        "activity log --format json",
        "activity log",
        "completions bash",
        "man",
        "--help",
        "activity --help",
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = sandbox.trailtab();
        command
            .args(line.split(' '))
            .stdout(writer)
            .stderr(std::process::Stdio::piped());
        let output = command.output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn shells_and_packagers_get_what_they_ask_for() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.run(["completions", shell]).expect(0).out;
        assert!(
            script.contains("trailtab") && script.contains("per-account"),
            "{shell}"
        );
    }
    let manual = sandbox.run(["man"]).expect(0).out;
    for verb in ["trailtab\\-activity", "trailtab\\-demo", "trailtab\\-plot"] {
        assert!(manual.contains(verb), "{verb}");
    }
    assert_eq!(
        sandbox.run(["--version"]).expect(0).out,
        format!("trailtab {}\n", env!("CARGO_PKG_VERSION"))
    );
}

// Time.

#[test]
fn a_window_holds_its_first_second_and_not_its_last() {
    let sandbox = Sandbox::new();
    let times = [
        "2026-09-06T23:59:59Z",
        "2026-09-07T00:00:00Z",
        "2026-09-07T23:59:59Z",
        "2026-09-08T00:00:00Z",
    ];
    let log: String = times
        .iter()
        .enumerate()
        .map(|(n, time)| {
            let mut record = record(n);
            record["eventTime"] = (*time).into();
            format!("{record}\n")
        })
        .collect();
    let mut timeless = record(9);
    timeless.as_object_mut().unwrap().remove("eventTime");
    sandbox.write("log", format!("{log}{timeless}\n"));
    for (args, counted) in [
        ("", 5),
        ("--since 2026-09-07", 3),
        ("--until 2026-09-07", 3),
        ("--since 2026-09-07 --until 2026-09-07", 2),
        ("--since 2026-09-07T00:00:01Z", 2),
        ("--until 2026-09-07T23:59:59Z", 2),
        ("--since 2026-09-07T23:59:59 --until 2026-09-08T00:00:00", 1),
        (
            "--since 2026-09-07T02:00:00+02:00 --until 2026-09-07T02:00:01+02:00",
            1,
        ),
    ] {
        // An event without a time cannot be placed in a window.
        let undated = u64::from(!args.is_empty());
        let args = ["log"].into_iter().chain(args.split_whitespace());
        let code = if undated > 0 { 3 } else { 0 };
        let summary = sandbox.activity_with(args, b"", code);
        let counts = at(&summary, "trailtab/counts");
        assert_eq!(
            (
                &counts["counted"],
                &counts["filtered"],
                &counts["unreadable"]
            ),
            (
                &json!(counted),
                &json!(5 - counted - undated),
                &json!(undated)
            ),
        );
        assert_eq!(
            at(
                &summary,
                "trailtab/coverage/events_without_time_not_counted"
            ),
            &json!(undated)
        );
    }
    let day = ["log", "--since", "2026-09-07", "--until", "2026-09-07"];
    let summary = sandbox.activity_with(day, b"", 3);
    let analyzed = json!({ "from_timestamp": "20260907000000", "to_timestamp": "20260907235959" });
    assert_eq!(
        at(&summary, "_metadata/cloudtrail_data_analyzed"),
        &analyzed
    );
    assert_eq!(
        at(&summary, "trailtab/coverage/since"),
        "2026-09-07T00:00:00Z"
    );
    assert_eq!(
        at(&summary, "trailtab/coverage/until"),
        "2026-09-08T00:00:00Z"
    );
}

#[test]
fn hours_are_counted_back_from_now() {
    let sandbox = Sandbox::new();
    let now = jiff::Timestamp::now();
    let log: String = [-7000, -90, -30, 90]
        .iter()
        .enumerate()
        .map(|(n, minutes)| {
            let time = now + jiff::SignedDuration::from_mins(*minutes);
            let mut record = record(n);
            record["eventTime"] = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into();
            format!("{record}\n")
        })
        .collect();
    sandbox.write("log", log);
    for (hours, counted) in [("1", 1), ("2", 2), ("2160", 3), ("4294967295", 3)] {
        assert_eq!(
            outcome(&sandbox.activity(["log", "--past-hours", hours])).0,
            counted,
            "{hours}"
        );
    }
}

// Hostile and broken input: each document is named, and all others are read.

/// Reads a bad document beside a good one, and by standard input.
#[track_caller]
fn survive(name: &str, bytes: &[u8], counted: u64, reason: &str) {
    let sandbox = Sandbox::new();
    sandbox.write("logs/good.json", log(900..903));
    sandbox.write(format!("logs/{name}"), bytes);
    let code = if reason.is_empty() { 0 } else { 3 };
    let (found, problems) = outcome(&sandbox.activity_with(["logs"], b"", code));
    assert_eq!(found, 3 + counted, "{name}: {problems:?}");
    let expected = [reason].into_iter().filter(|reason| !reason.is_empty());
    assert_eq!(
        problems,
        expected
            .map(|reason| format!("{name} {reason}"))
            .collect::<Vec<_>>()
    );
    if counted > 0 {
        let (found, problems) = outcome(&sandbox.activity_with(["-"], bytes, code));
        assert_eq!(
            (found, problems.len()),
            (counted, usize::from(code != 0)),
            "{name} by standard input"
        );
    }
}

#[test]
fn cut_off_gzip() {
    // Noise, so that the text does not compress into the end of the file.
    let noise: Vec<Value> = (0..2000)
        .map(|n: u64| json!(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    let lines = format!("{}\n{}\n{}\n", record(1), json!(noise), record(2));
    let gz = gzip(lines.as_bytes());
    survive(
        "cut.gz",
        &gz[..gz.len() - 2000],
        1,
        "(partial): the gzip file is cut off",
    );
    // Complete except for the checksum.
    survive(
        "cut.gz",
        &gz[..gz.len() - 3],
        2,
        "(partial): the gzip file is cut off",
    );
    survive("cut.gz", &gz[..5], 0, "(partial): the gzip file is cut off");
}

#[test]
fn gzip_of_several_members() {
    let (one, other) = (gzip(log([1]).as_bytes()), gzip(log([2]).as_bytes()));
    survive("two.gz", &[&one[..], &other].concat(), 2, "");
    // Equal members end in equal checksums, which fool a decoder that stops after the first. Their
    // records have no id here, so both count.
    let bare = gzip(br#"{"Records":[{"eventVersion":"1.0","eventSource":"s","eventName":"n"}]}"#);
    survive("equal.gz", &[&bare[..], &bare].concat(), 2, "");
    survive("empty-member.gz", &[&one[..], &gzip(b"")].concat(), 1, "");
}

#[test]
fn gzip_with_something_behind_it() {
    let gz = gzip(log([1]).as_bytes());
    survive(
        "behind.gz",
        &[&gz[..], b"trailing bytes"].concat(),
        1,
        "(partial): bytes after its end are not gzip",
    );
    survive(
        "zeros.gz",
        &[&gz[..], &[0; 512]].concat(),
        1,
        "(partial): bytes after its end are not gzip",
    );
}

#[test]
fn gzip_with_a_wrong_checksum() {
    let mut gz = gzip(log([1]).as_bytes());
    let crc = gz.len() - 8;
    gz[crc] ^= 1;
    survive(
        "checksum.gz",
        &gz,
        1,
        "(partial): the gzip file is damaged: corrupt gzip stream does not have a matching checksum",
    );
}

/// A gzip file that inflates to 2 GiB of a character behind some text. It has no end.
fn bomb(head: &str, filling: u8) -> Vec<u8> {
    let mut bytes = gzip(head.as_bytes());
    // Only the header is of use.
    bytes.truncate(10);
    let push = |text: &[u8]| {
        let mut deflate = Compress::new(Compression::best(), false);
        let mut out = Vec::with_capacity(text.len() / 100 + 1000);
        let status = deflate
            .compress_vec(text, &mut out, FlushCompress::Full)
            .unwrap();
        assert_eq!(
            (status, deflate.total_in()),
            (Status::Ok, text.len() as u64)
        );
        out
    };
    let head = push(head.as_bytes());
    let filling = push(&vec![filling; 32 << 20]);
    bytes.extend(head);
    (0..64).for_each(|_| bytes.extend(&filling));
    bytes
}

/// Runs the program with at most this many KiB of address space.
fn confined(sandbox: &Sandbox, kib: usize, args: &str) -> Finished {
    let mut command = sandbox.command("/bin/sh");
    let program = env!("CARGO_BIN_EXE_trailtab");
    command
        .arg("-c")
        .arg(format!("ulimit -v {kib} && exec '{program}' {args}"));
    sandbox.finish(command, b"")
}

#[test]
#[cfg(target_os = "linux")]
fn gzip_bombs_are_refused_in_bounded_memory() {
    let sandbox = Sandbox::new();
    sandbox.write("logs/good.json", log(0..3));
    for (name, head, filling) in [
        ("spaces", r#"{"Records":["#, b' '),
        (
            "string",
            r#"{"Records":[{"eventVersion":"1.08","eventName":""#,
            b'a',
        ),
    ] {
        let bomb = bomb(head, filling);
        assert!(bomb.len() < 20 << 20);
        let path = sandbox.write(format!("logs/{name}.gz"), bomb);
        let ended = confined(&sandbox, 400 << 10, "activity --quiet --format json logs").expect(3);
        let (counted, problems) = outcome(&ended.summary());
        assert_eq!(counted, 3);
        let refused = "(partial): it inflates to more than 300 times its size";
        assert_eq!(problems, [format!("{name}.gz {refused}")]);
        fs::remove_file(path).unwrap();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_line_of_100_megabytes_costs_itself() {
    let sandbox = Sandbox::new();
    let long = format!(
        r#"{{"eventVersion":"1.08","eventName":"x","requestParameters":"{}"}}"#,
        "a".repeat(100_000_000)
    );
    sandbox.write("log", format!("{}\n{long}\n{}\n", record(1), record(2)));
    drop(long);
    let ended = confined(&sandbox, 400 << 10, "activity --quiet --format json log").expect(3);
    let (counted, problems) = outcome(&ended.summary());
    assert_eq!(counted, 2, "{problems:?}");
    assert!(
        problems[0].starts_with("log (partial): no record ends within 16 MiB after byte "),
        "{problems:?}"
    );
}

#[test]
fn bytes_that_are_no_text() {
    let mut bytes = log([1, 2]).into_bytes();
    let at = bytes
        .windows(3)
        .position(|window| window == b"aws")
        .unwrap();
    bytes[at] = 0xff;
    survive("latin.json", &bytes, 2, "");
    survive("noise", &[0xff; 5000], 0, "");
}

#[test]
fn broken_json() {
    let (one, two) = (record(1).to_string(), record(2).to_string());
    let broken = one.replace("\"eventName\":", "\"eventName\"");
    let lines = format!("{one}\n{broken}\n{two}\n");
    let byte = one.len() + 1 + broken.find("\"eventName\"").unwrap() + 11;
    let reason = format!("(partial): broken JSON at byte {byte}; the records before it were read");
    survive("lines.jsonl", lines.as_bytes(), 2, &reason);
    survive("lines.jsonl.gz", &gzip(lines.as_bytes()), 2, &reason);
    let file = format!("{{\"Records\":[{one},{broken},{two}]}}");
    let reason = format!(
        "(partial): broken JSON at byte {}; the records before it were read",
        byte + 12
    );
    survive("file.json", file.as_bytes(), 1, &reason);
    let cut = &file[..one.len() + 50];
    let reason = format!(
        "(partial): ends in the middle of a value, at byte {}",
        cut.len()
    );
    survive("cut.json", cut.as_bytes(), 1, &reason);
}

#[test]
fn elements_that_are_no_records() {
    let file = format!(r#"{{"Records":[{},{{}},7,null,"x",[]]}}"#, record(1));
    survive(
        "odd.json",
        file.as_bytes(),
        1,
        "(partial): 4 records could not be read",
    );
    survive(
        "rows.csv",
        b"eventName,eventSource,eventID,userName\na,b,c,ann\nd\n",
        1,
        "(partial): 1 record could not be read",
    );
}

#[test]
fn documents_that_are_not_logs() {
    survive(
        "logs.zip",
        b"PK\x03\x04rest",
        0,
        "(failed): is a zip archive that cannot be read: invalid Zip archive: Could not find EOCD",
    );
    survive(
        "logs.parquet",
        b"PAR1rest",
        0,
        "(failed): is a Parquet file: unpack it first",
    );
    survive(
        "logs.zst",
        b"\x28\xb5\x2f\xfdrest",
        0,
        "(partial): the zstd data are damaged: a frame is not valid",
    );
    survive("README.md", b"# Logs\n\nThese are logs.\n", 0, "");
    survive("table.csv", b"name,cost\nx,1\n", 0, "");
    survive(
        "policy.json",
        br#"{"Version":"2012-10-17","Statement":[]}"#,
        0,
        "",
    );
    survive("empty", b"", 0, "");
    survive("empty.gz", &gzip(b""), 0, "(failed): is empty");
}

#[test]
fn line_ends_and_marks_of_windows() {
    let lines = format!("\u{feff}{}\r\n{}\r\n", record(1), record(2));
    survive("crlf.jsonl", lines.as_bytes(), 2, "");
    let csv = fs::read_to_string(format!("{DATA}/event_history.csv")).unwrap();
    survive(
        "crlf.csv",
        format!("\u{feff}{}", csv.replace('\n', "\r\n")).as_bytes(),
        1,
        "",
    );
}

#[test]
#[cfg(unix)]
fn names_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let sandbox = Sandbox::new();
    let name = Path::new(std::ffi::OsStr::from_bytes(b"logs/\xff.json"));
    let path = sandbox.write(name, log(0..2));
    assert_eq!(outcome(&sandbox.activity(["logs"])).0, 2);
    assert_eq!(outcome(&sandbox.activity([path])).0, 2);
    sandbox.write(name, &log(0..2)[..500]);
    let (_, problems) = outcome(&sandbox.activity_with(["logs"], b"", 3));
    assert!(
        problems[0].starts_with("\u{fffd}.json (partial)"),
        "{problems:?}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn files_that_cannot_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::new();
    sandbox.write("good.json", log(0..2));
    // Can be opened but not read, not even by root.
    let summary = sandbox.activity_with(["good.json", "/proc/self/mem"], b"", 3);
    let (counted, problems) = outcome(&summary);
    assert_eq!((counted, problems.len()), (2, 1));
    assert!(problems[0].contains("Input/output error"), "{problems:?}");
    assert!(
        sandbox
            .run(["activity", "/proc/self/mem"])
            .expect(1)
            .err
            .contains("nothing could be read")
    );

    let locked = sandbox.write("logs/locked.json", log(2..3));
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o0)).unwrap();
    let is_root = fs::read(&locked).is_ok();
    let (counted, problems) =
        outcome(&sandbox.activity_with(["good.json", "logs"], b"", if is_root { 0 } else { 3 }));
    assert_eq!(
        (counted, problems.len()),
        if is_root { (3, 0) } else { (2, 1) }
    );
    let (_, problems) = outcome(&sandbox.activity_with(["good.json", "nowhere"], b"", 3));
    assert!(
        problems[0].starts_with("nowhere (failed): cannot be opened: No such file"),
        "{problems:?}"
    );
}

#[test]
#[cfg(unix)]
fn links_that_lead_nowhere_or_round() {
    use std::os::unix::fs::symlink;
    let sandbox = Sandbox::new();
    sandbox.write("logs/a/good.json", log(0..2));
    symlink(sandbox.path("logs"), sandbox.path("logs/a/round")).unwrap();
    symlink("nowhere", sandbox.path("logs/dangling")).unwrap();
    symlink("a/good.json", sandbox.path("logs/again.json")).unwrap();
    symlink("self", sandbox.path("logs/self")).unwrap();
    let summary = sandbox.activity(["logs"]);
    assert_eq!(outcome(&summary), (2, vec![]));
    assert_eq!(at(&summary, "trailtab/counts/duplicate"), 2);
}

#[test]
#[cfg(unix)]
fn a_pipe_is_read_like_a_file() {
    let sandbox = Sandbox::new();
    let log = sandbox.write("log.json", log(0..5));
    let mut command = sandbox.command("/bin/sh");
    let program = env!("CARGO_BIN_EXE_trailtab");
    command.arg("-c").arg(format!(
        "'{program}' activity -q --format json /dev/stdin < '{}'",
        log.display()
    ));
    assert_eq!(
        outcome(&sandbox.finish(command, b"").expect(0).summary()),
        (5, vec![])
    );
}

// Escaping.

const NASTY: &str = "=cmd|'/c calc'!A0\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\n<b>\u{200b}";

fn nasty_record() -> Value {
    let mut nasty = record(1);
    nasty["userIdentity"] = json!({ "type": "IAMUser", "accountId": NASTY, "userName": NASTY });
    for member in [
        "eventSource",
        "eventName",
        "awsRegion",
        "sourceIPAddress",
        "userAgent",
        "errorCode",
        "recipientAccountId",
        "eventVersion",
    ] {
        nasty[member] = NASTY.into();
    }
    nasty
}

#[test]
fn terminals_are_told_nothing() {
    let sandbox = Sandbox::new();
    let nasty = nasty_record().to_string();
    let broken = nasty.strip_suffix('}').unwrap();
    sandbox.write(
        "logs/esc\u{1b}[2J\u{202e}.jsonl",
        format!("{nasty}\n{broken}"),
    );
    let mut odd = record(2);
    odd["userIdentity"] = json!({ "type": NASTY });
    sandbox.write("logs/odd.jsonl", odd.to_string());
    let ended = sandbox
        .run(["activity", "logs", "--per-account", "--plot-results"])
        .expect(3);
    for text in [&ended.out, &ended.err] {
        let unsafe_character =
            |c: char| c != '\n' && c.is_control() || "\u{202e}\u{200b}".contains(c);
        assert_eq!(text.find(unsafe_character), None, "{text}");
    }
    assert!(
        ended
            .out
            .contains(r"=cmd|'/c calc'!A0\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\u{a}<b>\u{200b}"),
        "{}",
        ended.out
    );
    // The summary contains all of it.
    let summary = sandbox.activity_with(["logs"], b"", 3);
    assert_eq!(
        summary["user_agents_by_principal"][format!("{NASTY}:user/{NASTY}")][NASTY],
        1
    );
    for name in sandbox.files("results") {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-~/".contains(c);
        assert!(name.chars().all(allowed), "{name}");
    }
}

#[test]
fn spreadsheets_are_told_no_formula() {
    let sandbox = Sandbox::new();
    sandbox
        .run(["demo", "-q", "--events", "300", "--output", "logs"])
        .expect(0);
    sandbox.write("logs/nasty.json", nasty_record().to_string());
    let ended = sandbox
        .run(["activity", "logs", "--format", "csv", "-q"])
        .expect(0);
    let mut table = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(&*ended.stdout);
    let mut quoted = BTreeSet::new();
    for row in table.records() {
        let row = row.unwrap();
        assert_eq!(row.len(), 4);
        for cell in &row {
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{cell}"
            );
            assert!(!cell.contains(char::is_control), "{cell:?}");
            quoted.extend(cell.strip_prefix('\'').map(str::to_owned));
        }
    }
    for formula in [
        "@SUM(1+1)*cmd",
        "=HYPERLINK(example)",
        "=2+5@example.com",
        "=cmd|'/c calc'!A0\\u{1b}]0;x\\u{7}\\u{9b}2J\\u{202e}\\u{a}<b>\\u{200b}",
    ] {
        // Sessions that are named after persons are in small letters.
        let is_there = quoted.iter().any(|cell| cell.eq_ignore_ascii_case(formula));
        assert!(is_there, "{formula} is not in {quoted:?}");
    }
    assert!(
        quoted
            .iter()
            .any(|cell| cell.starts_with("=cmd|' /C calc'!A0,\"quoted\""))
    );
}

// What is written.

#[test]
fn raw_data_are_copied_before_filters_and_can_be_read_again() {
    let sandbox = Sandbox::new();
    let mut failed = record(1);
    failed["errorCode"] = "AccessDenied".into();
    failed["awsRegion"] = "us-east-1".into();
    let mut early = record(2);
    early["eventTime"] = "2020-01-01T00:00:00Z".into();
    let mut text = record(3);
    text["userAgent"] = "a  \"b\"\t\\ c\u{2028}".into();
    let mut nowhere = record(4);
    nowhere.as_object_mut().unwrap().remove("awsRegion");
    let records = json!({ "Records": [failed, early, text, text, nowhere, record(5)] });
    sandbox.write(
        "log.json",
        serde_json::to_string_pretty(&records)
            .unwrap()
            .replace('\n', "\r\n"),
    );
    let args = [
        "log.json",
        "--since",
        "2026-01-01",
        "--dump-raw-cloudtrail-data",
    ];
    let whole = sandbox.activity(args);
    let successful = args
        .into_iter()
        .chain(["--activity-type", "SUCCESSFUL", "--output", "ok"]);
    assert_eq!(outcome(&sandbox.activity(successful)).0, 3);
    let dump = "account_activity_111122223333_TIME_raw_cloudtrail_data";
    for output in ["results", "ok"] {
        assert_eq!(
            sandbox.files(output),
            [
                "account_activity_111122223333_TIME.json".to_owned(),
                format!("{dump}/Unknown.jsonl"),
                format!("{dump}/eu-west-1.jsonl"),
                format!("{dump}/us-east-1.jsonl"),
            ]
        );
        let mut copied = Vec::new();
        let mut folder = String::new();
        for path in files_below(&sandbox.path(output)) {
            if path.extension().unwrap() == "jsonl" {
                for line in fs::read_to_string(&path).unwrap().lines() {
                    let record: Value = serde_json::from_str(line).unwrap();
                    assert_eq!(
                        record.to_string().len(),
                        line.len(),
                        "{line} is not compact"
                    );
                    copied.push(record);
                }
                folder = path.parent().unwrap().to_str().unwrap().to_owned();
            }
        }
        copied.sort_by_key(|record| record["eventID"].to_string());
        let expected: Vec<&Value> = [0, 2, 4, 5]
            .iter()
            .map(|at| &records["Records"][at])
            .collect();
        assert_eq!(copied.iter().collect::<Vec<_>>(), expected, "{output}");
        assert_same(&whole, &sandbox.activity([folder]), output);
    }
}

#[test]
fn every_account_gets_a_file_of_its_own() {
    let sandbox = Sandbox::new();
    let of = |account: &str, number| {
        let mut record = record(number);
        record["recipientAccountId"] = account.into();
        record.to_string()
    };
    let accounts = [
        "111122223333",
        "444455556666",
        "a/b",
        "a:b",
        "multiple",
        "unknown",
    ];
    for (number, account) in accounts.iter().enumerate() {
        sandbox.write(format!("logs/{number}.json"), of(account, number));
    }
    // The name of a broken file identifies its account and region.
    let name = "logs/444455556666_CloudTrail_us-east-1_20260907T0805Z_aaaaaaaaaaaaaaaa.json";
    sandbox.write(name, "{");
    let combined = sandbox.activity_with(["logs", "--per-account"], b"", 3);
    assert_eq!(at(&combined, "_metadata/account_id"), "multiple");
    assert_eq!(
        sandbox.files("results"),
        [
            "account_activity_111122223333_TIME.json",
            "account_activity_444455556666_TIME.json",
            "account_activity_a_b_TIME.json",
            "account_activity_a_b_TIME_2.json",
            "account_activity_multiple_TIME.json",
            "account_activity_multiple_TIME_2.json",
            "account_activity_unknown_TIME.json",
        ]
    );
    let mut told = BTreeSet::new();
    for path in files_below(&sandbox.path("results")) {
        let summary: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let accounts = at(&summary, "trailtab/accounts").as_object().unwrap();
        if accounts.len() == 1 {
            let account = accounts.keys().next().unwrap();
            assert_eq!(at(&summary, "_metadata/account_id"), account);
            let regions = at(&summary, "trailtab/coverage/accounts")
                .as_object()
                .unwrap();
            assert_eq!(regions.keys().collect::<Vec<_>>(), [account]);
            // A broken file of one account affects that account only.
            let complete = &summary["trailtab"]["coverage"]["complete"];
            assert_eq!(complete, account != "444455556666");
            told.insert(account.clone());
        } else {
            assert_eq!(summary, combined);
        }
    }
    assert_eq!(told, accounts.map(str::to_owned).into());

    let narrow = [
        "logs",
        "--per-account",
        "--account",
        "1111*",
        "--output",
        "one",
    ];
    sandbox.activity_with(narrow, b"", 3);
    assert_eq!(sandbox.files("one").len(), 2, "{:?}", sandbox.files("one"));
}

/// Asserts that a picture has the format of its name.
fn check_picture(path: &Path) {
    let bytes = fs::read(path).unwrap();
    if path.extension().unwrap() == "svg" {
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"),
            "{}",
            path.display()
        );
        return;
    }
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    assert!(
        frame.width > 500 && frame.height > 100,
        "{}",
        path.display()
    );
    assert!(
        pixels.iter().collect::<BTreeSet<_>>().len() > 3,
        "{} shows nothing",
        path.display()
    );
}

#[test]
fn charts_are_where_aws_summarize_account_activity_puts_them() {
    let sandbox = Sandbox::new();
    let mut other = record(2);
    other["userIdentity"]["userName"] = "a/b".into();
    other["errorCode"] = "AccessDenied".into();
    let mut another = record(3);
    another["userIdentity"]["userName"] = "a:b".into();
    sandbox.write("log", format!("{}\n{other}\n{another}\n", record(1)));
    sandbox.activity([
        "log",
        "--plot-results",
        "--plot-format",
        "png,svg,png",
        "--output",
        "out",
    ]);
    let files = sandbox.files("out");
    assert_snapshot!("charts", files.join("\n"));
    for path in files_below(&sandbox.path("out")) {
        if path.extension().unwrap() != "json" {
            check_picture(&path);
        }
    }
    // By default they are PNG only.
    sandbox.activity(["log", "--plot-results", "--output", "png"]);
    assert!(
        sandbox
            .files("png")
            .iter()
            .all(|name| !name.ends_with(".svg"))
    );
    assert_eq!(sandbox.files("png").len(), files.len().div_ceil(2));
}

#[test]
fn charts_of_an_aws_summarize_account_activity_result() {
    let sandbox = Sandbox::new();
    let name = "account_activity_111122223333_20260903000000.json";
    sandbox.write(
        format!("old/{name}"),
        fs::read(format!("{DATA}/predecessor.json")).unwrap(),
    );
    let ended = sandbox.run(["plot", &format!("old/{name}")]).expect(0);
    assert_eq!(
        ended.err,
        "wrote 20 charts to old/account_activity_111122223333_TIME_plots\n"
    );
    let files = sandbox.files("old");
    assert_snapshot!(
        "charts_of_an_aws_summarize_account_activity_result",
        files.join("\n")
    );
    sandbox
        .run([
            "plot",
            "-q",
            &format!("old/{name}"),
            "--output",
            "new",
            "--plot-format",
            "svg",
        ])
        .expect(0);
    for path in files_below(&sandbox.path("old"))
        .iter()
        .chain(&files_below(&sandbox.path("new")))
    {
        if path.extension().unwrap() != "json" {
            check_picture(path);
        }
    }
    let region = fs::read_to_string(
        files_below(&sandbox.path("new"))
            .into_iter()
            .find(|path| path.ends_with("api_calls_by_region/eu-west-1.svg"))
            .unwrap(),
    );
    let region = region.unwrap();
    for text in ["ec2.amazonaws.com:DescribeInstances", "1,204", "eu-west-1"] {
        assert!(region.contains(text), "{text}");
    }
}

#[test]
fn charts_of_a_result_are_the_same_later() {
    let sandbox = Sandbox::new();
    sandbox.activity([DATA, "--plot-results", "--plot-format", "svg"]);
    let written = files_below(&sandbox.path("results"));
    let summary = written
        .iter()
        .find(|path| path.extension().unwrap() == "json")
        .unwrap();
    sandbox
        .run([
            "plot".as_ref(),
            "-q".as_ref(),
            summary.as_os_str(),
            "--output".as_ref(),
            "later".as_ref(),
            "--plot-format".as_ref(),
            "svg".as_ref(),
        ])
        .expect(0);
    let later = files_below(&sandbox.path("later"));
    assert_eq!(later.len(), written.len() - 1);
    for path in later {
        let first = sandbox
            .path("results")
            .join(path.strip_prefix(sandbox.path("later")).unwrap());
        assert_eq!(
            fs::read(&path).unwrap(),
            fs::read(first).unwrap(),
            "{}",
            path.display()
        );
    }
}

#[test]
fn results_of_the_program_are_no_logs() {
    let sandbox = Sandbox::new();
    sandbox.write("logs/log.json", log(0..3));
    let first = sandbox.activity(["logs", "--output", "logs/results"]);
    let second = sandbox.activity(["logs", "--output", "logs/results"]);
    assert_same(&first, &second, "with results beside");
    assert_eq!(at(&second, "trailtab/coverage/other_content/summary"), 1);
}

#[test]
fn a_download_of_the_console_is_counted() {
    let sandbox = Sandbox::new();
    let header = "Event name,Event time,User name,Event source,Resource type,Resource name,AWS access key,AWS region,Error code,Source IP address,Event ID,Read-only";
    let rows = [
        r#"ConsoleLogin,"September 07, 2026, 08:06:00 (UTC+02:00)",ben,signin.amazonaws.com,-,-,-,us-east-1,-,192.0.2.10,1,false"#,
        r#"GetUser,"September 07, 2026, 08:07:00 (UTC+02:00)",-,iam.amazonaws.com,-,-,AKIAEXAMPLE,us-east-1,AccessDenied,"AWS Internal",2,true"#,
        r#"GetUser,"September 07, 2026, 08:07:00 (UTC+02:00)",-,iam.amazonaws.com,-,-,AKIAEXAMPLE,us-east-1,AccessDenied,"AWS Internal",2,true"#,
    ];
    sandbox.write("history.csv", format!("{header}\n{}\n", rows.join("\n")));
    let summary = sandbox.activity(["history.csv"]);
    assert_eq!(at(&summary, "trailtab/counts/duplicate"), 1);
    assert_eq!(
        summary["api_calls_by_principal"],
        json!({
            "ben": { "signin.amazonaws.com:ConsoleLogin": 1 },
            "unknown": { "iam.amazonaws.com:GetUser": 1 },
        })
    );
    assert_eq!(
        summary["error_codes_by_principal"],
        json!({ "unknown": { "iam.amazonaws.com:AccessDenied": 1 } })
    );
    assert_eq!(
        summary["ip_addresses_by_principal"]["unknown"],
        json!({ "AWS Internal": 1 })
    );
    assert_eq!(
        at(&summary, "trailtab/principals/ben/first_seen"),
        "2026-09-07T06:06:00Z"
    );
    assert_eq!(at(&summary, "trailtab/principals/ben/write"), 1);
}

// The demo.

#[test]
fn a_demo_replaces_the_one_before_and_nothing_else() {
    let sandbox = Sandbox::new();
    let args = ["demo", "-q", "--events", "300", "--output", "there"];
    sandbox.run(args).expect(0);
    let first: Vec<_> = files_below(&sandbox.path("there"))
        .iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    let mine = [
        "there/results/old.json",
        "there/mine.txt",
        "there/AWSLogs/mine.txt",
        "there/imported-archive/mine.txt",
        "there/bill/mine.txt",
    ];
    for name in mine {
        sandbox.write(name, "keep me");
    }
    sandbox.run(args).expect(0);
    for name in mine {
        assert_eq!(
            fs::read_to_string(sandbox.path(name)).unwrap(),
            "keep me",
            "{name}"
        );
        fs::remove_file(sandbox.path(name)).unwrap();
    }
    let second: Vec<_> = files_below(&sandbox.path("there"))
        .iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    assert!(first == second, "two demos of one seed differ");
    sandbox
        .run([
            "demo", "-q", "--events", "300", "--output", "other", "--seed", "2",
        ])
        .expect(0);
    let (one, two) = (sandbox.activity(["there"]), sandbox.activity(["other"]));
    assert_ne!(one["api_calls_by_principal"], two["api_calls_by_principal"]);

    sandbox.write("foreign/mine.txt", "keep me");
    let refused = sandbox
        .run(["demo", "--events", "300", "--output", "foreign"])
        .expect(1);
    assert!(
        refused.err.contains("foreign holds something else"),
        "{}",
        refused.err
    );
    assert_eq!(sandbox.files("foreign"), ["mine.txt"]);
    fs::create_dir(sandbox.path("empty")).unwrap();
    sandbox
        .run(["demo", "-q", "--events", "300", "--output", "empty"])
        .expect(0);
}

#[test]
fn the_demo_shows_itself_and_what_to_try_next() {
    let sandbox = Sandbox::new();
    let ended = sandbox.run(["demo"]).expect(0);
    assert!(
        ended.out.starts_with("CloudTrail activity of 6 accounts\n"),
        "{}",
        ended.out
    );
    assert!(
        ended
            .out
            .contains("  Nothing is missing of what was asked for.\n")
    );
    let pictures = files_below(&sandbox.path("demo/results"));
    assert!(pictures.len() > 300, "{}", pictures.len());
    for path in pictures
        .iter()
        .filter(|path| path.extension().unwrap() == "png")
        .step_by(30)
    {
        check_picture(path);
    }
}

// Times and widths.

/// The largest width of a line, in columns of a terminal (the pages here hold no wide characters).
fn widest(page: &str) -> usize {
    let widths = page.lines().map(|line| line.chars().count());
    widths.max().unwrap_or_default()
}

/// Runs the program as in a terminal of this width in columns.
fn page_of_width(sandbox: &Sandbox, width: usize, args: &[&str]) -> String {
    let mut command = sandbox.trailtab();
    command.env("COLUMNS", width.to_string()).args(args);
    sandbox.finish(command, b"").expect(0).out
}

#[test]
fn a_page_fits_its_terminal_and_keeps_names() {
    let sandbox = Sandbox::new();
    sandbox
        .run(["demo", "--events", "3000", "--output", "demo"])
        .expect(0);
    let by_callers = |width| {
        let words = [
            "usage",
            "demo/AWSLogs",
            "--by",
            "session,user-agent",
            "--top",
            "8",
        ];
        page_of_width(&sandbox, width, &words)
    };
    assert_snapshot!("usage_by_callers_of_width_80", by_callers(80));
    for width in [60, 80, 110, 160] {
        let page = page_of_width(
            &sandbox,
            width,
            &["activity", "demo/AWSLogs", "--no-output"],
        );
        assert_snapshot!(format!("page_of_width_{width}"), page);
        let pages = [
            page,
            page_of_width(&sandbox, width, &["usage", "demo/AWSLogs"]),
            page_of_width(
                &sandbox,
                width,
                &[
                    "usage",
                    "demo/AWSLogs",
                    "--by",
                    "principal,api,region,account",
                ],
            ),
            page_of_width(&sandbox, width, &["usage", "demo/AWSLogs", "--throttled"]),
            by_callers(width),
            page_of_width(&sandbox, width, &["usage", "price", "demo/AWSLogs"]),
        ];
        for page in pages {
            assert!(widest(&page) <= width, "{width}:\n{page}");
        }
    }
}

#[test]
fn the_examples_of_help_run_on_the_demos_data() {
    let sandbox = Sandbox::new();
    sandbox.run(["demo", "--output", "demo"]).expect(0);
    let mut count = 0;
    for verb in [
        &["activity"][..],
        &["usage"],
        &["usage", "price"],
        &["cost"],
    ] {
        let help = sandbox.run(verb.iter().chain(&["--help"])).expect(0).out;
        let examples = help
            .lines()
            .filter_map(|line| line.strip_prefix("  trailtab "));
        for example in examples.filter(|example| example.contains("demo/")) {
            let ended = sandbox.run(shlex::split(example).unwrap()).expect(0);
            assert!(ended.out.lines().count() > 5, "{example}: {}", ended.out);
            count += 1;
        }
    }
    assert_eq!(count, 5);
}

#[test]
fn all_verbs_read_times_alike() {
    let sandbox = Sandbox::new();
    let forms = "expected a date (2026-09-07), a time (2026-09-07T08:30:00Z), today, yesterday, now, or an age such as 7d or 24h";
    for verb in ["activity", "usage", "usage price", "cost"] {
        for option in ["--since", "--until"] {
            let args = verb.split(' ').chain(["--since", "now", option, "soon"]);
            // --since may be given once only, so it is replaced rather than repeated.
            let args: Vec<&str> = match option {
                "--since" => verb.split(' ').chain([option, "soon"]).collect(),
                _ => args.collect(),
            };
            let ended = sandbox.run(&args).expect(2);
            let message = format!("error: invalid value 'soon' for '{option} <TIME>': {forms}");
            assert!(ended.err.starts_with(&message), "{args:?}: {}", ended.err);
        }
    }
}

#[test]
fn ages_and_days_are_told_from_the_time_that_is_set() {
    let sandbox = Sandbox::new();
    let cases = [
        (&["--since", "7d"][..], "2026-09-10 10:20 – open"),
        (
            &["--since", "yesterday", "--until", "yesterday"],
            "2026-09-16 00:00 – 2026-09-17 00:00",
        ),
        (
            &["--since", "90m", "--until", "now"],
            "2026-09-17 08:50 – 2026-09-17 10:20",
        ),
    ];
    for (args, window) in cases {
        let mut command = sandbox.trailtab();
        command.env("TRAILTAB_NOW", "2026-09-17T10:20:30Z");
        command.args(["usage", DATA]).args(args);
        let page = sandbox.finish(command, b"").expect(0).out;
        assert!(
            page.contains(&format!("Asked for: {window} UTC")),
            "{args:?}: {page}"
        );
    }
    let mut command = sandbox.trailtab();
    command.env("TRAILTAB_NOW", "noon").arg("man");
    let ended = sandbox.finish(command, b"").expect(2);
    assert_eq!(
        ended.err,
        "trailtab: TRAILTAB_NOW: invalid time \"noon\": expected a time (2026-09-07T08:30:00Z)\n"
    );
}
