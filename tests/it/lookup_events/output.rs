//! Standard output, standard error and files.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::lab::{ANN, Lab, busy};
use crate::support::without_times;

const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

fn lab() -> Lab {
    Lab::new(|world, now| {
        REGIONS.iter().fold(world, |world, name| {
            world.region(ANN, name, busy(ANN, name, 170, now))
        })
    })
}

/// Records by their eventIDs, independent of their order.
fn by_id(lines: &str) -> BTreeMap<String, Value> {
    let records = lines.lines().map(|line| {
        let record: Value = serde_json::from_str(line).unwrap();
        (record["eventID"].as_str().unwrap().to_owned(), record)
    });
    records.collect()
}

#[test]
fn a_raw_copy_is_the_truth() {
    let lab = lab();
    let args = ["--dump-raw-cloudtrail-data", "--activity-type", "FAILED"];
    lab.activity(&args, 0);
    let folder = "account_activity_111122223333_TIME_raw_cloudtrail_data";
    let files = lab.sandbox.files("results");
    assert_eq!(
        files,
        [
            "account_activity_111122223333_TIME.json".to_owned(),
            format!("{folder}/eu-west-1.jsonl"),
            format!("{folder}/us-east-1.jsonl"),
        ]
    );
    let entries = fs::read_dir(lab.sandbox.path("results")).unwrap();
    let mut folders = entries.map(|entry| entry.unwrap().path());
    let folder = folders.find(|path| path.is_dir()).unwrap();
    for region in REGIONS {
        let copy = fs::read_to_string(folder.join(format!("{region}.jsonl"))).unwrap();
        let truth = lab.truth(ANN, region).iter();
        let truth: Vec<_> = truth.map(|event| event.record.as_str()).collect();
        assert_eq!(copy.lines().count(), truth.len());
        assert_eq!(by_id(&copy), by_id(&truth.join("\n")), "{region}");
    }
}

#[test]
fn a_page_names_the_account_and_remarks_the_file() {
    let lab = lab();
    let ended = lab.run(&[]).expect(0);
    let title = "CloudTrail activity of account 111122223333\n";
    assert!(ended.out.starts_with(title), "{}", ended.out);
    assert!(ended.out.contains("340 calls"), "{}", ended.out);
    assert!(
        ended
            .out
            .contains("Nothing is missing of what was asked for.")
    );
    // No progress where nobody looks, as in a log of somebody's automation.
    let file = "account_activity_111122223333_TIME.json";
    assert_eq!(ended.err, format!("wrote results/{file}\n"));
    assert_eq!(lab.sandbox.files("results"), [file]);
}

#[test]
fn quiet_prints_the_result_alone() {
    let lab = lab();
    let ended = lab.run(&["--quiet", "--format", "json"]).expect(0);
    assert_eq!(ended.err, "");
    let file = fs::read_dir(lab.sandbox.path("results")).unwrap().next();
    let path = file.unwrap().unwrap().path();
    assert_eq!(fs::read(&path).unwrap(), ended.stdout);
    // The time in the file's name is the run's.
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let time = ended.summary()["_metadata"]["run_timestamp"].clone();
    assert!(name.contains(time.as_str().unwrap()), "{name} {time}");
    assert_eq!(
        without_times(&name),
        "account_activity_111122223333_TIME.json"
    );
    let ended = lab.run(&["--quiet", "--format", "csv"]).expect(0);
    assert_eq!(ended.err, "");
    assert!(ended.out.lines().count() > 10);
}

#[test]
fn an_account_without_events_is_an_answer() {
    let lab = Lab::new(|world, _| world.account(ANN));
    let ended = lab.run(&[]).expect(0);
    assert!(ended.out.contains("111122223333"), "{}", ended.out);
    assert!(ended.out.contains("0 records"), "{}", ended.out);
}

#[test]
fn an_unwritable_directory_is_an_error_before_the_read() {
    let lab = lab();
    lab.sandbox.write("taken", "a file");
    let ended = lab.run(&["--output", "taken"]).expect(1);
    assert!(ended.err.contains("taken"), "{}", ended.err);
    assert!(lab.server.requests().is_empty());
}
