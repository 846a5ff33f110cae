//! Only the requested days, accounts and regions are listed and fetched.

use crate::support::bucket::{Bucket, assert_same, keys, run_locally};
use crate::support::trail::{File, call, gzip, key, log};

const ANN: &str = "111122223333";
const BOB: &str = "012345678901";
const ROOT: &str = "AWSLogs/";

/// One log file a day from 1 to 20 September.
fn september(account: &str, region: &str) -> Vec<File> {
    let day = |n| format!("2026/09/{n:02}");
    (1..=20)
        .map(|n| log(ROOT, account, region, &day(n), n))
        .collect()
}

fn bucket(name: &'static str, files: &[File]) -> Bucket {
    let mut bucket = Bucket::new(name);
    bucket.put(files);
    bucket
}

#[test]
fn only_the_days_of_the_window_and_the_one_after_are_fetched() {
    let logs = september(ANN, "us-east-1");
    let window = ["--since", "2026-09-05", "--until", "2026-09-07"];
    let prefixes = ["", "AWSLogs/111122223333/CloudTrail/us-east-1/"];
    for (name, prefix) in ["window-bucket", "window-region"].into_iter().zip(prefixes) {
        let bucket = bucket(name, &logs);
        let run = bucket.run(prefix, &window);
        run.is_complete();
        assert_eq!(bucket.fetched(), keys(&logs[4..8]), "{prefix}");
        assert_eq!((run.count("counted"), run.count("filtered")), (9, 3));
    }
}

#[test]
fn a_window_narrows_a_month_too() {
    let logs = september(ANN, "us-east-1");
    let bucket = bucket("window-month", &logs);
    let month = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/";
    let run = bucket.run(month, &["--since", "2026-09-05", "--until", "2026-09-07"]);
    run.is_complete();
    assert_eq!(bucket.fetched(), keys(&logs[4..8]));
}

#[test]
fn a_window_that_ends_at_midnight_ends_on_the_day_before() {
    let logs = september(ANN, "us-east-1");
    let bucket = bucket("window-midnight", &logs);
    let window = [
        "--since",
        "2026-09-07T23:59:59Z",
        "--until",
        "2026-09-08T00:00:00Z",
    ];
    bucket.run("", &window).is_complete();
    assert_eq!(bucket.fetched(), keys(&logs[6..8]));
}

#[test]
fn a_window_may_be_open_at_one_end() {
    let logs = september(ANN, "us-east-1");
    let since = bucket("window-since", &logs);
    since.run("", &["--since", "2026-09-18"]).is_complete();
    assert_eq!(since.fetched(), keys(&logs[17..]));
    let until = bucket("window-until", &logs);
    until.run("", &["--until", "2026-09-02"]).is_complete();
    assert_eq!(until.fetched(), keys(&logs[..3]));
}

#[test]
fn events_count_by_their_own_time_and_not_by_their_folder() {
    let file = |day, number, times: &[&str]| {
        let call = |(n, time): (usize, &&str)| call(number * 10 + n as u64, ANN, "us-east-1", time);
        File {
            key: key(ROOT, ANN, "us-east-1", day, number),
            bytes: gzip(&times.iter().enumerate().map(call).collect::<Vec<_>>()),
        }
    };
    let files = [
        file("2026/09/06", 1, &["2026-09-06T23:59:59Z"]),
        // Its first event is a late one of the day before the window.
        file(
            "2026/09/07",
            2,
            &["2026-09-06T23:58:00Z", "2026-09-07T00:00:00Z"],
        ),
        // Its first event is a late one of the window's day.
        file(
            "2026/09/08",
            3,
            &["2026-09-07T23:59:59Z", "2026-09-08T00:00:00Z"],
        ),
    ];
    let bucket = bucket("window-late", &files);
    let window = ["--since", "2026-09-07", "--until", "2026-09-07"];
    let run = bucket.run("", &window);
    run.is_complete();
    assert_eq!(
        (
            run.count("read"),
            run.count("counted"),
            run.count("filtered")
        ),
        (4, 2, 2)
    );
    assert_eq!(bucket.fetched(), keys(&files[1..]));
    let calls = &run.json["trailtab"]["accounts"][ANN];
    assert_eq!(calls["first_seen"], "2026-09-07T00:00:00Z");
    assert_eq!(calls["last_seen"], "2026-09-07T23:59:59Z");
}

#[test]
fn filters_prune_accounts_and_regions() {
    let mut files = Vec::new();
    for account in [ANN, BOB] {
        for region in ["eu-central-1", "eu-west-1", "us-east-1"] {
            let number = files.len() as u64;
            files.push(log(ROOT, account, region, "2026/09/07", number));
        }
    }
    let bucket = bucket("filters", &files);
    let run = bucket.run("", &["--account", BOB, "--region", "eu-*"]);
    run.is_complete();
    assert_eq!(bucket.fetched(), keys(&files[3..5]));
    assert_same(&run, &run_locally(&files[3..5]));
    let of = |region: &str| format!("AWSLogs/{BOB}/CloudTrail/{region}");
    let listed = [
        "",
        "AWSLogs/",
        &of(""),
        &of("eu-central-1/"),
        &of("eu-west-1/"),
    ];
    assert_eq!(bucket.listed(), listed);
}

#[test]
fn a_region_without_a_file_in_the_window_is_complete_and_empty() {
    let bucket = bucket("window-empty", &september(ANN, "us-east-1"));
    let region = format!("AWSLogs/{ANN}/CloudTrail/us-east-1/");
    for prefix in ["", &region] {
        let run = bucket.run(prefix, &["--since", "2027-01-01"]);
        run.is_complete();
        assert_eq!(run.count("read"), 0);
        assert_eq!(run.status(ANN, "us-east-1"), "complete", "{prefix}");
    }
    assert_eq!(bucket.fetched(), [""; 0]);
}

#[test]
fn what_filters_leave_out_of_a_bucket_is_named() {
    let mut files = Vec::new();
    for region in ["eu-central-1", "eu-west-1"] {
        files.push(log(ROOT, ANN, region, "2026/09/07", files.len() as u64));
    }
    let bucket = bucket("left-out", &files);
    let no_match = |args: &[&str]| {
        let run = bucket.run("", args);
        run.is_complete();
        assert_eq!((run.count("read"), run.count("counted")), (0, 0));
        run.json["trailtab"]["no_match"].clone()
    };
    let by = no_match(&["--region", "eu-wst-1"])["filters"][0].clone();
    assert_eq!(
        (&by["option"], &by["not_read"]),
        (&"--region".into(), &2.into())
    );
    assert_eq!(by["did_you_mean"], serde_json::json!(["eu-west-1"]));
    assert_eq!(
        by["values"],
        serde_json::json!(["eu-west-1", "eu-central-1"])
    );
    let by = no_match(&["--account", BOB])["filters"][0].clone();
    assert_eq!(by["values"], serde_json::json!([ANN]));
    assert_eq!(bucket.fetched(), [""; 0]);
}

#[test]
fn the_days_of_a_bucket_are_named_if_all_are_outside_the_window() {
    let mut files = september(ANN, "us-east-1");
    files.push(log(ROOT, ANN, "eu-west-1", "2025/12/31", 99));
    let bucket = bucket("days-stored", &files);
    let run = bucket.run("", &["--since", "2027-01-01"]);
    run.is_complete();
    let no_match = &run.json["trailtab"]["no_match"];
    assert_eq!(no_match["first_day_stored"], "2025-12-31");
    assert_eq!(no_match["last_day_stored"], "2026-09-20");
    assert_eq!(bucket.fetched(), [""; 0]);
}
