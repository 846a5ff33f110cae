//! The same records give the same summary from every source.

use serde_json::Value;

use crate::lookup_events::lab::{ANN, BOB, DAY, Lab, report};
use crate::support::assert_same;
use crate::support::aws::{Event, Region, events, rfc3339};
use crate::support::bucket::{Bucket, save};
use crate::support::trail::{File, gzip, key};

const PLACES: [(&str, &str); 3] = [(ANN, "us-east-1"), (ANN, "eu-west-1"), (BOB, "us-east-1")];

/// Three regions of two accounts. The second account's role can be assumed by the first.
fn lab() -> Lab {
    let lab = Lab::new(|world, now| {
        let member = |id: &str| crate::support::aws::Member {
            id: id.to_owned(),
            name: "any".to_owned(),
            state: "ACTIVE",
        };
        let world = world
            .role(BOB, "OrganizationAccountAccessRole")
            .organization(ANN, vec![member(ANN), member(BOB)]);
        PLACES.iter().fold(world, |world, (account, region)| {
            let events = events(account, region, 180, now - 9 * DAY, now - 3600, 1);
            let region_of = Region::new().quota(1000.0, 1000.0).events(events);
            world.region(account, region, region_of)
        })
    });
    assert!(PLACES.iter().all(|(a, r)| lab.truth(a, r).len() == 180));
    lab
}

fn all(lab: &Lab) -> Vec<&Event> {
    let places = PLACES.iter();
    places
        .flat_map(|(account, region)| lab.truth(account, region))
        .collect()
}

/// The log files that a trail would have delivered: one for each day.
fn logs(lab: &Lab) -> Vec<File> {
    let mut files = Vec::new();
    for (account, region) in PLACES {
        let mut day: Option<(String, Vec<String>)> = None;
        let mut close = |day: Option<(String, Vec<String>)>| {
            if let Some((date, records)) = day {
                let number = files.len() as u64;
                let key = key("AWSLogs/", account, region, &date, number);
                let bytes = gzip(&records);
                files.push(File { key, bytes });
            }
        };
        for event in lab.truth(account, region) {
            let date = rfc3339(event.time)[..10].replace('-', "/");
            match &mut day {
                Some((of, records)) if *of == date => records.push(event.record.clone()),
                _ => close(day.replace((date, vec![event.record.clone()]))),
            }
        }
        close(day);
    }
    files
}

fn in_file(lab: &Lab) -> Value {
    let records: Vec<_> = all(lab).iter().map(|e| e.record.as_str()).collect();
    let json = format!("{{\"Records\":[{}]}}", records.join(","));
    let file = lab.sandbox.write("records.json", json);
    lab.sandbox.activity([file])
}

#[test]
fn event_histories_files_input_and_buckets_agree() {
    let lab = lab();
    let file = in_file(&lab);
    assert_eq!(file["trailtab"]["counts"]["counted"], 540);
    let history = lab.activity(&["--organization"], 0);
    assert_same(&history, &file, "the event history");
    let records: Vec<_> = all(&lab).iter().map(|e| e.record.as_str()).collect();
    let input = records.join("\n");
    let stdin = lab.sandbox.activity_with(["-"], input.as_bytes(), 0);
    assert_same(&stdin, &file, "standard input");
    let logs = logs(&lab);
    assert!(logs.len() > 20);
    let folder = save(&logs);
    let tree = folder.activity([folder.path("AWSLogs")]);
    assert_same(&tree, &file, "log files");
    let mut bucket = Bucket::new("conformance");
    bucket.put(&logs);
    let run = bucket.run("", &[]);
    run.is_complete();
    assert_same(&run.json, &file, "a bucket");
}

#[test]
fn an_archive_agrees_and_is_not_fetched_again() {
    let lab = lab();
    let file = in_file(&lab);
    let keep = ["--organization", "--archive", "archive"];
    let first = lab.activity(&keep, 0);
    assert_same(&first, &file, "while the archive was written");
    let kept = lab.sandbox.activity(["archive"]);
    assert_same(&kept, &file, "the archive");
    assert_eq!(kept["trailtab"]["counts"]["duplicate"], 0);
    let before = lab.requests("us-east-1");
    assert_eq!(before, 4);
    let second = lab.activity(&keep, 0);
    assert_same(
        &second,
        &file,
        "from the archive and the last quarter of an hour",
    );
    // The last quarter of an hour, and what has become of the day since.
    for region in ["us-east-1", "eu-west-1"] {
        let asked = report(&second, region)["requests"].as_u64();
        assert!(asked.unwrap() <= 2, "{asked:?}");
    }
    let again = lab.lookups("us-east-1").split_off(before);
    for entry in again {
        let since = entry.request.parameters["StartTime"].as_f64().unwrap();
        assert!(since >= (lab.now - 1000) as f64, "{since}");
    }
}

/// Two runs that each read a part cover the whole.
#[test]
fn an_archive_of_two_windows_is_one() {
    let lab = lab();
    let middle = rfc3339(lab.now - 4 * DAY);
    let keep = ["--archive", "archive"];
    lab.activity(&[&keep[..], &["--since", &middle]].concat(), 0);
    let since = rfc3339(lab.now - 10 * DAY);
    let rest = ["--since", &since, "--until", &middle];
    lab.activity(&[&keep[..], &rest].concat(), 0);
    let kept = lab.sandbox.activity(["archive"]);
    let own = [(ANN, "us-east-1"), (ANN, "eu-west-1")];
    lab.assert_true(&kept, &own, "two windows");
    // A third run over both fetches only the seconds that are not settled.
    let before = lab.server.requests().len();
    let summary = lab.activity(&[&keep[..], &["--since", &since]].concat(), 0);
    lab.assert_true(&summary, &own, "both");
    let asked = lab.server.requests().len() - before;
    assert!(asked <= 2 + 2 * 2, "{asked}");
}
