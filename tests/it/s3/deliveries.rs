//! What S3 and a copy on disk hold counts the same: late deliveries, and network activity.

use crate::support::bucket::{Bucket, Run, keys, run_locally, save};
use crate::support::trail::{File, call, gzip, key, log};

const ANN: &str = "111122223333";
const ROOT: &str = "AWSLogs/";
const WINDOW: [&str; 4] = ["--since", "2026-09-07", "--until", "2026-09-07"];

/// One event of 7 September for each delivery.
fn deliveries() -> Vec<File> {
    let days = ["2026/09/07", "2026/09/08", "2026/09/12", "2026/10/05"];
    let files = days.into_iter().enumerate().map(|(number, day)| {
        let number = number as u64;
        let event = call(number, ANN, "us-east-1", "2026-09-07T08:00:00Z");
        File {
            key: key(ROOT, ANN, "us-east-1", day, number),
            bytes: gzip(&[event]),
        }
    });
    files.collect()
}

#[test]
fn the_last_day_of_delivery_that_was_listed_is_said() {
    let files = deliveries();
    let mut bucket = Bucket::new("late");
    bucket.put(&files);
    let at = |late: &str| {
        let late: &[&str] = if late.is_empty() {
            &[]
        } else {
            &["--late-days", late]
        };
        let run = bucket.run("", &[&WINDOW[..], late].concat());
        run.is_complete();
        let last = run.coverage()["last_delivery_day"].as_str();
        (run.count("counted"), last.map(str::to_owned))
    };
    let day = |day: &str| Some(day.to_owned());
    assert_eq!(at(""), (2, day("2026-09-08")));
    assert_eq!(at("5"), (3, day("2026-09-12")));
    // CloudTrail gives up after 30 days, so nothing can be missing.
    assert_eq!(at("30"), (4, None));
    let sandbox = save(&files);
    let source = sandbox.path("").to_str().unwrap().to_owned();
    let local = Run::of(&[&[source.as_str()][..], &WINDOW].concat(), &[]);
    assert_eq!(local.count("counted"), 4);
}

#[test]
fn an_open_window_and_the_present_day_leave_no_delivery_out() {
    let mut bucket = Bucket::new("late-open");
    bucket.put(&deliveries());
    for window in [&["--since", "2026-09-07"][..], &["--past-hours", "24"]] {
        let run = bucket.run("", window);
        assert_eq!(run.coverage()["last_delivery_day"].as_str(), None);
    }
}

/// A log file, and one of network activity beside it.
fn network() -> [File; 2] {
    let log = log(ROOT, ANN, "us-east-1", "2026/09/07", 1);
    let event = call(99, ANN, "us-east-1", "2026-09-07T08:00:00Z");
    let event = event.replace("\"AwsApiCall\"", "\"AwsVpceEvent\"");
    let network = File {
        key: log.key.replace("CloudTrail", "CloudTrail-NetworkActivity"),
        bytes: gzip(&[event.replace("\"Management\"", "\"NetworkActivity\"")]),
    };
    [log, network]
}

#[test]
fn network_activity_is_read_if_it_is_asked_for() {
    let files = network();
    let mut bucket = Bucket::new("network");
    bucket.put(&files);
    let plain = bucket.run("", &[]);
    plain.is_complete();
    assert_eq!(plain.count("counted"), 3);
    let asked = bucket.run("", &["--network-activity"]);
    asked.is_complete();
    assert_eq!(asked.count("counted"), 4);
    // A copy on disk counts the same.
    let local = run_locally(&files);
    assert_eq!(local.count("counted"), 3);
    assert_eq!(local.coverage()["other_content"]["network_activity"], 1);
}

#[test]
fn network_activity_is_read_if_its_folder_is_named() {
    let [_, network] = network();
    let mut bucket = Bucket::new("network-named");
    bucket.put(std::slice::from_ref(&network));
    let folder = "AWSLogs/111122223333/CloudTrail-NetworkActivity/";
    for prefix in [
        folder,
        &format!("{folder}us-east-1/"),
        &format!("{folder}us-east-1/2026/09/07/"),
        &network.key,
    ] {
        let run = bucket.run(prefix, &[]);
        run.is_complete();
        assert_eq!(run.count("counted"), 1, "{prefix}");
    }
    let sandbox = save(&[network]);
    let folder = sandbox.path(folder);
    let local = Run::of(&[folder.to_str().unwrap()], &[]);
    assert_eq!(local.count("counted"), 1);
}

#[test]
fn keys_of_any_characters_are_listed() {
    let names = [
        "plus+.json",
        "per%41cent.json",
        "sp ace.json",
        "\u{fc}ml\u{e4}ut & <x>.json",
        "\u{1}.json",
    ];
    let files = names.into_iter().enumerate().map(|(number, name)| File {
        key: format!("copies/{name}"),
        bytes: gzip(&[call(
            number as u64,
            ANN,
            "us-east-1",
            "2026-09-07T08:00:00Z",
        )]),
    });
    let files: Vec<_> = files.collect();
    let mut bucket = Bucket::new("odd-keys");
    bucket.put(&files);
    let run = bucket.run("copies/", &[]);
    run.is_complete();
    assert_eq!(run.count("counted"), files.len() as u64);
    assert_eq!(bucket.fetched(), keys(&files));
    let listings = bucket.proxy.requests();
    let mut listings = listings.iter().filter(|request| request.listed().is_some());
    assert!(listings.all(|request| request.query["encoding-type"] == "url"));
}
