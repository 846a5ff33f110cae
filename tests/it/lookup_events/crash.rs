//! Runs that are killed, and later runs that continue.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::lab::{ANN, Lab, busy};
use crate::support::assert_same;
use crate::support::aws::{Outcome, Random};

const REGIONS: [(&str, usize); 3] = [("us-east-1", 620), ("eu-west-1", 330), ("ap-south-1", 75)];

fn lab() -> Lab {
    Lab::new(|world, now| {
        REGIONS.iter().fold(world, |world, (name, count)| {
            world.region(ANN, name, busy(ANN, name, *count, now).latency(10..=40))
        })
    })
}

/// How often each event stands in the log files of an archive.
fn kept(lab: &Lab) -> BTreeMap<String, usize> {
    let mut ids = BTreeMap::new();
    for name in lab.sandbox.files("archive") {
        if !name.ends_with(".json.gz") {
            continue;
        }
        let file = std::fs::File::open(lab.sandbox.path("archive").join(&name)).unwrap();
        let mut json = String::new();
        flate2::read::MultiGzDecoder::new(file)
            .read_to_string(&mut json)
            .unwrap();
        let records: Value = serde_json::from_str(&json).unwrap();
        for record in records["Records"].as_array().unwrap() {
            *ids.entry(record["eventID"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
    }
    ids
}

#[test]
fn a_run_that_is_killed_again_and_again_comes_to_the_same_end() {
    let lab = lab();
    let mut random = Random(7);
    for _ in 0..10 {
        let mut command = lab.trailtab(ANN);
        command.args(["activity", "--archive", "archive", "--quiet"]);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(300 + random.below(1200)));
        // SIGKILL; it may be done already.
        let _ = child.kill();
        child.wait().unwrap();
        // All files are readable, and no event is in them twice.
        assert!(kept(&lab).values().all(|count| *count == 1));
    }
    let summary = lab.activity(&["--archive", "archive"], 0);
    let regions = REGIONS.map(|(name, _)| (ANN, name));
    lab.assert_true(&summary, &regions, "after ten kills");
    let ids = kept(&lab);
    assert_eq!(
        ids.len(),
        REGIONS.iter().map(|(_, count)| count).sum::<usize>()
    );
    assert!(ids.values().all(|count| *count == 1));
    // Each kill loses the pages in flight, one in each region, and a second is read again.
    let pages: usize = REGIONS.iter().map(|(_, count)| count.div_ceil(50)).sum();
    let granted = |entry: &&crate::support::aws::Entry| {
        entry.request.is_lookup() && entry.outcome == Outcome::Granted
    };
    let asked = lab.server.requests().iter().filter(granted).count();
    assert!(
        asked <= pages + 11 * 2 * REGIONS.len(),
        "{asked} requests for {pages} pages"
    );
    let verified = lab.sandbox.run(["archive", "verify", "archive"]).expect(0);
    assert!(!verified.out.is_empty());
}

#[test]
fn a_second_run_reads_what_is_new_only() {
    let lab = lab();
    let first = lab.activity(&["--archive", "archive"], 0);
    let before = lab
        .server
        .requests()
        .iter()
        .filter(|entry| entry.request.is_lookup())
        .count();
    let second = lab.activity(&["--archive", "archive"], 0);
    let after = lab
        .server
        .requests()
        .iter()
        .filter(|entry| entry.request.is_lookup())
        .count();
    assert_eq!(
        after - before,
        REGIONS.len(),
        "the last quarter of an hour of each region"
    );
    assert_same(&first, &second, "a second run");
    let offline = lab.sandbox.activity(["archive"]);
    assert_same(&first, &offline, "the archive as log files");
    assert!(kept(&lab).values().all(|count| *count == 1));
}

#[test]
fn two_runs_do_not_write_to_one_archive() {
    let lab = lab();
    let mut command = lab.trailtab(ANN);
    command.args(["activity", "--archive", "archive", "--quiet"]);
    let mut first = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while lab.server.requests().len() < 5 {
        thread::sleep(Duration::from_millis(20));
    }
    let second = lab.run(&["--archive", "archive"]).expect(1);
    assert!(
        second.err.contains("another run writes to the archive"),
        "{}",
        second.err
    );
    let _ = first.kill();
    first.wait().unwrap();
}

#[test]
fn what_is_older_than_ninety_days_comes_from_the_archive_or_is_missed() {
    let lab = lab();
    lab.activity(&["--archive", "archive", "--region", "ap-south-1"], 0);
    let args = [
        "--archive",
        "archive",
        "--region",
        "ap-south-1",
        "--past-hours",
        "2400",
    ];
    let summary = lab.activity(&args, 3);
    let report = &summary["trailtab"]["coverage"]["accounts"][ANN]["ap-south-1"];
    assert_eq!(report["status"], "partial");
    assert_eq!(report["code"], "OlderThan90Days");
    assert_eq!(summary["trailtab"]["counts"]["counted"], 75);
}

#[test]
fn regions_that_are_no_longer_enabled_are_counted_from_the_archive() {
    let mut lab = lab();
    let first = lab.activity(&["--archive", "archive"], 0);
    // The same account, in which two of the regions are not enabled any more.
    let now = lab.now;
    let poorer = Lab::new(|world, _| {
        let (name, count) = REGIONS[0];
        world.region(ANN, name, busy(ANN, name, count, now))
    });
    lab.server = poorer.server;
    let summary = lab.activity(&["--archive", "archive"], 3);
    let failed = &summary["_metadata"]["regions_failed"];
    assert_eq!(failed["ap-south-1"], "NotListed");
    assert_eq!(failed["eu-west-1"], "NotListed");
    assert_eq!(failed["us-east-1"], Value::Null);
    assert_same(&first, &summary, "with what the archive has");
}
