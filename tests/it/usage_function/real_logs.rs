//! Real logs, delivered to the function, add up to the totals by the rule of AWS API Usage Tracker.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::lab::{AMPLE, Lab, count, response, skipped, unreadable};
use crate::real_data::{data, is_skipped, json_documents};
use crate::support::aws::{Random, rfc3339};
use crate::support::calls::{OTHER, counted, payload, recently};
use crate::support::envelopes::records_in;
use crate::support::metrics::Key;

const FOLDERS: [&str; 7] = [
    "invictus",
    "umccr",
    "stratus",
    "cloudtrail_watcher",
    "trailscraper",
    "cloud_custodian_eventbridge",
    "aws_docs",
];

/// All records of a folder, in the order in which they stand.
fn records(folder: &str) -> Vec<Value> {
    let mut records = Vec::new();
    for document in json_documents(&data().join(folder)) {
        let values = serde_json::Deserializer::from_slice(&document).into_iter::<Value>();
        for value in values {
            records_in(&value.unwrap(), &mut records);
        }
    }
    records
}

/// The totals of AWS API Usage Tracker: by API, region and source.
type Totals = BTreeMap<(String, Vec<(String, String)>), u64>;

fn totals(counts: BTreeMap<Key, u64>) -> Totals {
    let mut totals = Totals::new();
    for (key, count) in counts {
        *totals.entry((key.name, key.dimensions)).or_default() += count;
    }
    totals
}

#[test]
fn old_logs_are_refused_and_no_event_is_lost() {
    if is_skipped() {
        return;
    }
    let mut lab = Lab::new(&[]);
    for folder in FOLDERS {
        let records = records(folder);
        let response = lab.deliver(&records);
        assert_eq!(
            count(&response, "received"),
            records.len() as u64,
            "{folder}"
        );
        assert_eq!(count(&response, "published"), 0, "{folder}: {response}");
        let expected: u64 = counted(&records).values().sum();
        assert_eq!(
            count(&response, "refused"),
            expected,
            "{folder}: {response}"
        );
        assert_eq!(
            skipped(&response) + unreadable(&response),
            records.len() as u64 - expected,
            "{folder}"
        );
    }
    assert_eq!(lab.requests().len(), 0);
}

#[test]
fn the_same_logs_of_today_sum_to_the_totals_of_aws_api_usage_tracker() {
    if is_skipped() {
        return;
    }
    for (name, settings) in [
        ("cloudwatch", &[("TRAILTAB_USAGE_TOP", "100000")][..]),
        (
            "all sets",
            &[(
                "TRAILTAB_USAGE_METRICS",
                "errors,throttles,access,principals,accounts",
            )],
        ),
    ] {
        let mut lab = Lab::new(settings);
        let mut all = Totals::new();
        let (minute, mut random) = (recently(), Random(1));
        for folder in FOLDERS {
            let mut records = records(folder);
            for record in &mut records {
                record["eventTime"] = rfc3339(minute + random.below(300) as i64).into();
            }
            let expected = counted(&records);
            let published: u64 = expected.values().sum();
            let answer = lab.attempt(&payload(&records), AMPLE);
            let response = response(answer);
            assert_eq!(
                count(&response, "published"),
                published,
                "{name} {folder}: {response}"
            );
            assert_eq!(response["refused"], json!(0), "{name} {folder}");
            for (key, count) in totals(expected) {
                *all.entry(key).or_default() += count;
            }
        }
        let mut found = totals(lab.sums());
        // Other sets have other dimensions.
        found.retain(|(_, dimensions), _| {
            let names: Vec<_> = dimensions.iter().map(|(name, _)| name.as_str()).collect();
            names == ["awsRegion", "eventSource"]
        });
        assert!(!found.keys().any(|(name, _)| name == OTHER), "{name}");
        assert_eq!(found, all, "{name}");
    }
}
