//! Days that were counted are kept: the next run scans new days only.

use std::fmt::Write as _;

use super::*;
use crate::support::assert_same;

const ACTIVITY: [&str; 5] = ["activity", "--no-output", "--format", "json", "--since=30d"];

/// The log files of the days of September 2026 from one to another; each day has the same number of files.
fn days(days: std::ops::RangeInclusive<u64>) -> Vec<File> {
    days.flat_map(|day| (0..2).map(move |file| (day, file)))
        .map(|(day, file)| log_of(day, day * 10 + file))
        .collect()
}

fn log_of(day: u64, number: u64) -> File {
    // From 1 September: the 31st day is 1 October.
    let (month, day) = if day > 30 { (10, day - 30) } else { (9, day) };
    trail::log(
        "AWSLogs/",
        ANN,
        "us-east-1",
        &format!("2026/{month:02}/{day:02}"),
        number,
    )
}

/// A run over the table, held against one over the bucket.
struct Day {
    finished: Finished,
    /// The bytes that its query scanned; None if it started none.
    scanned: Option<u64>,
}

fn run(lake: &Lake, args: &[&str]) -> Day {
    let before = lake.athena.count("AmazonAthena.StartQueryExecution");
    let verb = [&ACTIVITY[..], args].concat();
    let finished = lake.ask(&verb, &[]).expect(0);
    let source = format!("s3://{}/AWSLogs/", lake.bucket);
    let recount = args.contains(&"--recount");
    let args = if recount { &args[1..] } else { args };
    let files = lake.run(&[&ACTIVITY[..], args, &[&source]].concat());
    assert_same(
        &finished.summary(),
        &files.expect(0).summary(),
        &finished.err,
    );
    let started = lake.athena.count("AmazonAthena.StartQueryExecution") - before;
    let scanned = (started > 0).then(|| lake.last_scan_bytes());
    assert!(started <= 1, "{started} queries");
    Day { finished, scanned }
}

fn size(files: &[File]) -> u64 {
    files.iter().map(|file| file.bytes.len() as u64).sum()
}

/// Thirty days at which a question was asked twice, so that their counts are kept.
fn kept_month(bucket: &'static str) -> (Lake, u64) {
    let mut lake = Lake::at(bucket, "2026-10-01T00:10:00Z");
    let month = days(1..=30);
    lake.put(&month);
    lake.make_table("AWSLogs/", date(2026, 9, 1), &["us-east-1"]);
    assert_eq!(
        run(&lake, &[]).scanned,
        Some(size(&month)),
        "a first run keeps nothing"
    );
    assert!(
        !lake.kept().iter().any(|key| key.contains("/days/")),
        "{:?}",
        lake.kept()
    );
    let second = run(&lake, &[]);
    // The same question over the same objects: the query of the first run has no column of days.
    assert_eq!(
        second.scanned,
        Some(size(&month)),
        "{}",
        second.finished.err
    );
    let days = lake.kept();
    assert_eq!(
        days.iter().filter(|key| key.contains("/days/")).count(),
        30,
        "{days:?}"
    );
    assert_eq!(run(&lake, &[]).scanned, None, "all days are kept");
    (lake, size(&month))
}

#[test]
fn the_next_day_scans_a_thirtieth() {
    let (mut lake, month_bytes) = kept_month("athena-days-next");
    let next = days(31..=31);
    lake.put(&next);
    lake.travel("2026-10-01T23:00:00Z");
    let day = run(&lake, &[]);
    let first_day_bytes = size(&days(1..=1));
    // The window has moved into the first day, whose kept counts are of whole hours: the rest of it is scanned again.
    let scanned = day.scanned.unwrap();
    assert!(
        scanned <= size(&next) + first_day_bytes,
        "{scanned} of {month_bytes}"
    );
    assert!(scanned <= month_bytes.div_ceil(30) + first_day_bytes);
    assert!(
        day.finished.err.contains("counted already"),
        "{}",
        day.finished.err
    );
    // Today's files are not kept: more may come.
    let again = run(&lake, &[]).finished.err;
    assert!(again.contains("30 days are counted already"), "{again}");
}

#[test]
fn a_late_delivery_opens_its_day_alone() {
    let (mut lake, month_bytes) = kept_month("athena-days-late");
    let late = log_of(12, 999);
    lake.put(std::slice::from_ref(&late));
    let opened = size(&days(12..=12)) + late.bytes.len() as u64;
    assert_eq!(run(&lake, &[]).scanned, Some(opened));
    assert_eq!(run(&lake, &[]).scanned, None, "the day was kept again");
    let all = month_bytes + late.bytes.len() as u64;
    assert_eq!(run(&lake, &["--recount"]).scanned, Some(all));
    // Another question has other counts.
    assert_eq!(
        run(&lake, &["--event-name", "Run*"]).scanned,
        None,
        "filters read the kept counts of all events"
    );
    assert_eq!(run(&lake, &["--by", "resource"]).scanned, Some(all));
}

#[test]
fn kept_counts_that_are_not_whole_are_counted_again() {
    let (mut lake, _) = kept_month("athena-days-broken");
    let day_bytes = size(&days(12..=12));
    let key = |lake: &mut Lake, day: &str| {
        let kept = lake.kept();
        let mut of_day = kept
            .into_iter()
            .filter(|key| key.ends_with(&format!("/{day}.csv.gz")));
        of_day.next().unwrap()
    };
    let twelfth = key(&mut lake, "2026-09-12");
    let thirteenth = key(&mut lake, "2026-09-13");
    let whole = lake.get_result(&twelfth).unwrap();
    let other_day = lake.get_result(&thirteenth).unwrap();
    let plain = crate::support::envelopes::plain(whole.clone());
    let other_rules =
        String::from_utf8(plain.clone())
            .unwrap()
            .replacen("\"rules\":", "\"rules\":9", 1);
    let last_row = plain[..plain.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap();
    let mut other_calls = String::new();
    writeln!(other_calls, "{}x", String::from_utf8_lossy(&plain)).unwrap();
    for (what, bytes) in [
        ("cut", whole[..whole.len() / 2].to_vec()),
        ("empty", Vec::new()),
        ("replaced by another day", other_day),
        ("of other rules", trail::gzip_text(other_rules)),
        (
            "without its last row",
            trail::gzip_text(&plain[..=last_row]),
        ),
        ("with a row more", trail::gzip_text(other_calls)),
        ("no gzip", b"{}".to_vec()),
    ] {
        lake.put_result(&twelfth, &bytes);
        // The day is scanned again, or the query that has scanned it before is taken up.
        let again = run(&lake, &[]);
        let said = &again.finished.err;
        assert!(
            said.contains("29 days are counted already"),
            "{what}: {said}"
        );
        assert!(
            again.scanned.is_none_or(|bytes| bytes == day_bytes),
            "{what}: {said}"
        );
        let kept = run(&lake, &[]);
        let said = &kept.finished.err;
        assert!(said.contains("nothing to scan; 30 days"), "{what}: {said}");
    }
}
