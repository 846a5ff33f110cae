//! `trailtab archive`, on archives made by hand in the format of docs/archive.md.

use std::fs;
use std::io::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use flate2::Compression;
use flate2::write::GzEncoder;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Sandbox, at, files_below, sum};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-west-1";

/// A log file with some events of a minute, and its entry in the ledger.
struct LogFile {
    path: String,
    stored: Vec<u8>,
    entry: Value,
}

/// Makes a file with events of an account and region, one each second from a minute like
/// `2026-09-07T08:05` on.
fn log_file(account: &str, region: &str, minute: &str, events: usize) -> LogFile {
    let time = |second: usize| format!("{minute}:{second:02}Z");
    let record = |second: usize| {
        json!({
            "eventVersion": "1.11",
            "userIdentity": { "type": "IAMUser", "accountId": account, "userName": "ann" },
            "eventTime": time(second),
            "eventSource": "ec2.amazonaws.com",
            "eventName": "DescribeInstances",
            "awsRegion": region,
            "sourceIPAddress": "192.0.2.10",
            "eventID": format!("{account}-{region}-{minute}-{second}"),
            "recipientAccountId": account,
        })
    };
    let records: Vec<Value> = (0..events).rev().map(record).collect();
    let stored = gzip(json!({ "Records": records }).to_string().as_bytes());
    let digits: String = minute.chars().filter(char::is_ascii_digit).collect();
    let (date, time_of_day) = digits.split_at(8);
    let name =
        format!("{account}_CloudTrail_{region}_{date}T{time_of_day}Z_abcdefgh01234567.json.gz");
    let day = format!("{}/{}/{}", &date[..4], &date[4..6], &date[6..]);
    LogFile {
        path: format!("AWSLogs/{account}/CloudTrail/{region}/{day}/{name}"),
        entry: json!({
            "name": name, "events": events, "bytes": stored.len(), "sha256": sha256(&stored),
            "oldest": time(0), "newest": time(events - 1),
        }),
        stored,
    }
}

/// Stores without compression, so that sizes do not depend on the version of zlib.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    let sum = digest(&SHA256, bytes);
    sum.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

fn page(from: &str, until: &str, files: &[&LogFile]) -> String {
    let files: Vec<&Value> = files.iter().map(|file| &file.entry).collect();
    json!({ "page": { "from": from, "until": until, "files": files } }).to_string() + "\n"
}

fn ledger(account: &str, region: &str) -> String {
    format!("archive/.trailtab/ledger/{account}/{region}.jsonl")
}

/// An archive of two accounts: one region has a gap, one ends early, and one has no events at all.
fn archive() -> (Sandbox, [LogFile; 3]) {
    let sandbox = Sandbox::at("2026-09-12T06:00:00Z");
    let files = [
        log_file(ACCOUNT, REGION, "2026-09-07T08:05", 50),
        log_file(ACCOUNT, REGION, "2026-09-10T23:59", 7),
        log_file("444455556666", "us-east-1", "2026-09-08T12:00", 3),
    ];
    for file in &files {
        sandbox.write(format!("archive/{}", file.path), &file.stored);
    }
    let lines = [
        page("2026-09-10T00:00:00Z", "2026-09-12T00:00:00Z", &[&files[1]]),
        page("2026-09-07T00:00:00Z", "2026-09-09T06:00:00Z", &[&files[0]]),
    ];
    sandbox.write(ledger(ACCOUNT, REGION), lines.concat());
    let empty = page("2026-09-07T00:00:00Z", "2026-09-12T00:00:00Z", &[]);
    sandbox.write(ledger(ACCOUNT, "us-east-1"), empty);
    let early = page("2026-09-07T00:00:00Z", "2026-09-11T00:00:00Z", &[&files[2]]);
    sandbox.write(ledger("444455556666", "us-east-1"), early);
    (sandbox, files)
}

/// Everything below the archive, byte for byte.
fn contents(sandbox: &Sandbox) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let files = files_below(&sandbox.path("archive"));
    let read = |path: std::path::PathBuf| (path.clone(), fs::read(path).unwrap());
    files.into_iter().map(read).collect()
}

#[test]
fn status_tells_what_is_covered() {
    let (sandbox, _) = archive();
    let before = contents(&sandbox);
    let ended = sandbox.run(["archive", "status", "archive"]).expect(0);
    assert_snapshot!("archive_status", ended.out);
    assert_eq!(ended.err, "wrote results/archive_calendar.png\n");
    let ended = sandbox
        .run(["archive", "status", "archive", "-q", "--format", "json"])
        .expect(0);
    assert_snapshot!("archive_status_json", ended.out);
    let ended = sandbox
        .run(["archive", "status", "archive", "-q", "--format", "csv"])
        .expect(0);
    assert_snapshot!("archive_status_csv", ended.out);
    assert_eq!(contents(&sandbox), before, "status changes nothing");
}

#[test]
fn a_status_without_output_writes_nothing() {
    let (sandbox, _) = archive();
    let status = |args: &[&str]| {
        sandbox.run([&["archive", "status", "archive", "--no-output"], args].concat())
    };
    let ended = status(&[]).expect(0);
    assert_eq!(ended.err, "");
    assert!(!sandbox.path("results").exists());
    for args in [&["--output", "x"], &["--plot-format", "svg"]] {
        let refused = status(args).expect(2);
        assert!(
            refused.err.contains("cannot be used with"),
            "{}",
            refused.err
        );
    }
}

#[test]
fn the_calendar_is_drawn_in_both_formats() {
    let (sandbox, _) = archive();
    sandbox
        .run([
            "archive",
            "status",
            "archive",
            "--output",
            "out",
            "--plot-format",
            "svg,png",
        ])
        .expect(0);
    assert_eq!(
        sandbox.files("out"),
        ["archive_calendar.png", "archive_calendar.svg"]
    );
    // A further run overwrites neither.
    let again = sandbox
        .run(["archive", "status", "archive", "--output", "out"])
        .expect(0);
    assert_eq!(again.err, "wrote out/archive_calendar_2.png\n");
    let svg = fs::read_to_string(sandbox.path("out/archive_calendar.svg")).unwrap();
    assert!(svg.contains("eu-west-1, 2026-09-09: 25.0 %"), "{svg}");
    assert!(svg.contains("eu-west-1, 2026-09-10: 100.0 %"), "{svg}");
}

#[test]
fn a_lost_file_is_not_covered() {
    let (sandbox, files) = archive();
    fs::remove_file(sandbox.path("archive").join(&files[1].path)).unwrap();
    let ended = sandbox
        .run(["archive", "status", "archive", "-q", "--format", "json"])
        .expect(3);
    let mut status = ended.summary();
    assert_eq!(status["events"], 53);
    let finding = status["findings"][0]["what"].as_str().unwrap().to_owned();
    assert!(finding.starts_with("lacks 1 of the 2 files"), "{finding}");
    assert_eq!(status["regions"][0]["until"], "2026-09-09T06:00:00Z");
    // A `lost` line has the same effect, permanently.
    let lost = json!({ "lost": {
        "name": files[1].entry["name"], "from": "2026-09-10T00:00:00Z", "until": "2026-09-12T00:00:00Z",
    }});
    let path = sandbox.path(ledger(ACCOUNT, REGION));
    let lines = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{lines}{lost}\n")).unwrap();
    let again = sandbox
        .run(["archive", "status", "archive", "-q", "--format", "json"])
        .expect(0);
    status["findings"] = json!([]);
    assert_eq!(again.summary(), status);
    sandbox.run(["archive", "verify", "archive"]).expect(0);
}

#[test]
fn status_says_what_makes_it_doubtful() {
    let doubt = |happens: &dyn Fn(&Sandbox, &[LogFile; 3])| {
        let (sandbox, files) = archive();
        happens(&sandbox, &files);
        let page = sandbox.run(["archive", "status", "archive", "--no-output"]);
        let verified = sandbox.run(["archive", "verify", "archive"]);
        assert_eq!(
            (page.code, verified.code),
            (Some(3), Some(3)),
            "{}",
            page.out
        );
        let doubts = page.out.split("Not as it was stored (1)\n").nth(1);
        doubts.unwrap_or_else(|| panic!("{}", page.out)).to_owned()
    };
    let gone = doubt(&|sandbox, _| {
        fs::remove_file(sandbox.path(ledger("444455556666", "us-east-1"))).unwrap();
    });
    assert!(
        gone.contains("us-east-1 holds 1 files, and there is no ledger"),
        "{gone}"
    );
    let unpacked = doubt(&|sandbox, files| {
        let path = sandbox.path("archive").join(&files[0].path);
        fs::rename(&path, path.with_extension("")).unwrap();
    });
    assert!(unpacked.contains("lacks 1 of the 2 files"), "{unpacked}");
    assert!(
        unpacked.contains("1 are there without compression"),
        "{unpacked}"
    );
    let ahead = doubt(&|sandbox, _| {
        let path = sandbox.path(ledger(ACCOUNT, "us-east-1"));
        let lines = fs::read_to_string(&path).unwrap();
        fs::write(&path, lines.replace("2026-09-12", "2099-09-12")).unwrap();
    });
    assert!(
        ahead.contains("seconds until 2099-09-12T00:00:00Z"),
        "{ahead}"
    );
}

#[test]
fn a_whole_archive_is_good() {
    let (sandbox, _) = archive();
    let ended = sandbox.run(["archive", "verify", "archive"]).expect(0);
    assert_eq!(
        ended.out,
        "All files match the ledger: 60 events in 3 files, 21.0 kB.\n"
    );
}

/// The exit code and a finding of `verify` after a change to the archive.
fn verify(happens: impl FnOnce(&Sandbox, &[LogFile; 3])) -> (Option<i32>, String) {
    let (sandbox, files) = archive();
    happens(&sandbox, &files);
    let before = contents(&sandbox);
    let ended = sandbox.run(["archive", "verify", "archive"]);
    assert_eq!(contents(&sandbox), before, "verify changes nothing");
    let finding = ended.out.lines().find(|line| line.starts_with("  "));
    let finding = finding.unwrap_or_default().trim_start();
    let what = finding.split_once(' ').unwrap_or_default();
    let name = what.0.rsplit(['/', '\\']).next().unwrap();
    (ended.code, format!("{name} {}", what.1))
}

#[test]
fn every_kind_of_damage_is_named() {
    let flip = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        bytes
    };
    let mut said = Vec::new();
    let mut note = |(code, what): (Option<i32>, String)| said.push(format!("{code:?} {what}"));
    let write = |sandbox: &Sandbox, path: &str, bytes: &[u8]| {
        sandbox.write(format!("archive/{path}"), bytes);
    };
    note(verify(|sandbox, files| {
        fs::remove_file(sandbox.path("archive").join(&files[0].path)).unwrap();
    }));
    note(verify(|sandbox, files| {
        write(sandbox, &files[2].path, b"x");
    }));
    note(verify(|sandbox, files| {
        write(sandbox, &files[0].path, &flip(&files[0].stored));
    }));
    // The ledger is wrong, not the file.
    let change = |sandbox: &Sandbox, from: &str, to: &str| {
        let path = sandbox.path(ledger(ACCOUNT, REGION));
        let lines = fs::read_to_string(&path).unwrap();
        assert!(lines.contains(from), "{lines}");
        fs::write(&path, lines.replacen(from, to, 1)).unwrap();
    };
    note(verify(|sandbox, _| {
        change(sandbox, "\"events\":50", "\"events\":49");
    }));
    note(verify(|sandbox, _| {
        change(sandbox, "08:05:00Z", "08:05:01Z");
    }));
    note(verify(|sandbox, _| change(sandbox, "\"page\"", "\"paje\"")));
    note(verify(|sandbox, _| change(sandbox, ACCOUNT, "../../../..")));
    // Two gzip members, known as such to the ledger.
    note(verify(|sandbox, files| {
        let twice = [&files[1].stored[..], &files[1].stored].concat();
        write(sandbox, &files[1].path, &twice);
        change(sandbox, &sha256(&files[1].stored), &sha256(&twice));
        let bytes = |bytes: &[u8]| format!("\"bytes\":{}", bytes.len());
        change(sandbox, &bytes(&files[1].stored), &bytes(&twice));
    }));
    // Findings without a loss.
    note(verify(|sandbox, files| {
        let path = files[0].path.replace("abcdefgh", "ijklmnop");
        write(sandbox, &path, &files[0].stored);
    }));
    note(verify(|sandbox, files| {
        let path = files[0].path.replace("abcdefgh", "ijklmnop");
        write(sandbox, &format!("{path}.part"), &files[0].stored[..20]);
    }));
    note(verify(|sandbox, _| {
        let path = sandbox.path(ledger(ACCOUNT, REGION));
        let lines = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{lines}{{\"page\":{{\"fr")).unwrap();
    }));
    note(verify(|sandbox, files| {
        write(sandbox, ".trailtab/damaged/x.json.gz", &files[0].stored);
    }));
    // Written, in the ledger, and not renamed yet.
    note(verify(|sandbox, files| {
        let path = sandbox.path("archive").join(&files[0].path);
        fs::rename(&path, path.with_extension("gz.part")).unwrap();
    }));
    assert_snapshot!("archive_findings", said.join("\n"));
}

#[test]
fn damage_is_told_with_what_to_do_next() {
    let (sandbox, files) = archive();
    fs::remove_file(sandbox.path("archive").join(&files[0].path)).unwrap();
    sandbox.write("archive/AWSLogs/\u{1b}[2J.txt", "x");
    let ended = sandbox.run(["archive", "verify", "archive"]).expect(3);
    assert!(!ended.out.contains('\u{1b}'));
    assert_snapshot!("archive_damaged", ended.out.replace('\\', "/"));
}

#[test]
fn many_findings_are_counted() {
    let (sandbox, _) = archive();
    for number in 0..1200 {
        sandbox.write(format!("archive/AWSLogs/{number}"), "");
    }
    let ended = sandbox.run(["archive", "verify", "archive"]).expect(0);
    assert!(ended.out.contains(" (1,200)\n"), "{}", ended.out);
    assert!(ended.out.contains("\n  and 1,100 more\n"), "{}", ended.out);
}

#[test]
fn an_archive_is_a_source_like_any_directory_of_logs() {
    let (sandbox, files) = archive();
    sandbox.write(
        format!("archive/{}.part", files[0].path),
        &files[0].stored[..30],
    );
    sandbox.write("archive/.trailtab/damaged/x.json.gz", b"\x1f\x8b");
    let summary = sandbox.activity(["archive"]);
    assert_eq!(sum(at(&summary, "trailtab/counts/counted")), 60);
    assert_eq!(at(&summary, "trailtab/coverage/documents"), 3);
}

#[test]
fn a_directory_without_an_archive_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("logs/x.json", "{}");
    for directory in ["logs", "nowhere"] {
        for verb in ["status", "verify"] {
            let ended = sandbox.run(["archive", verb, directory]).expect(1);
            assert!(ended.err.contains("holds no archive"), "{}", ended.err);
        }
    }
    sandbox.run(["archive"]).expect(2);
    // An archive in which nothing is covered yet is valid.
    fs::create_dir_all(sandbox.path("new/.trailtab/ledger")).unwrap();
    let ended = sandbox.run(["archive", "status", "new"]).expect(0);
    assert!(
        ended.out.ends_with("Nothing is covered yet.\n"),
        "{}",
        ended.out
    );
    sandbox.run(["archive", "verify", "new"]).expect(0);
}
