//! Tests of keys, counts, repeats, versions and the order of fields.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::{DemoFile, DemoPlan, truth};
use super::{body, events, is_log, plan, records, text};

#[test]
fn every_body_is_one_line_of_json_without_open_holes() {
    for file in plan(4_000).files() {
        let body = body(&file);
        assert!(
            serde_json::from_str::<Value>(&body).is_ok(),
            "{}",
            file.key()
        );
        assert!(!body.contains('\n'), "{}", file.key());
        let hole = body
            .as_bytes()
            .windows(2)
            .position(|pair| pair[0] == b'$' && pair[1].is_ascii_lowercase());
        assert_eq!(
            hole.map(|at| &body[at..(at + 20).min(body.len())]),
            None,
            "{}",
            file.key()
        );
        assert_eq!(
            body.starts_with("{\"Records\":["),
            !file.key().contains("Digest"),
            "{}",
            file.key()
        );
    }
}

#[test]
fn the_same_plan_gives_the_same_bytes_in_any_order() {
    let forwards: Vec<_> = plan(3_000)
        .files()
        .iter()
        .map(|file| (file.key().to_owned(), body(file)))
        .collect();
    let files = plan(3_000).files();
    let threads: Vec<_> = std::thread::scope(|scope| {
        let render = |file| scope.spawn(move || (DemoFile::key(file).to_owned(), body(file)));
        let handles: Vec<_> = files.iter().rev().map(render).collect();
        handles
            .into_iter()
            .rev()
            .map(|handle| handle.join().unwrap())
            .collect()
    });
    assert_eq!(forwards, threads);
}

#[test]
fn another_seed_gives_other_traffic_and_the_same_incident() {
    let bodies = |seed| -> BTreeSet<String> {
        DemoPlan {
            events: 2_000,
            seed,
        }
        .files()
        .iter()
        .map(body)
        .collect()
    };
    assert!(bodies(1).is_disjoint(&bodies(2)));
    let counts = |seed| {
        DemoPlan {
            events: 2_000,
            seed,
        }
        .files()
        .iter()
        .map(DemoFile::records)
        .sum::<u64>()
    };
    assert_eq!(counts(1), counts(2));
}

#[test]
fn the_counts_are_the_truth() {
    for size in [0, 500, 8_000] {
        let plan = plan(size);
        let truth = truth(&plan);
        let mut copies: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let (mut count, mut nameless, mut imported) = (0, 0, 0);
        for (key, record) in events(&plan) {
            count += 1;
            imported += u64::from(key.starts_with("imported-archive/"));
            match record["eventID"].as_str() {
                Some(id) => copies.entry(id.to_owned()).or_default().push(record),
                None => nameless += 1,
            }
        }
        assert_eq!(truth.records, count);
        assert_eq!(truth.records, size.max(truth.records), "a plan of {size}");
        assert!(size < 500 || truth.records == size);
        assert_eq!(truth.without_event_id, nameless);
        assert_eq!(truth.imported_records, imported);
        assert_eq!(truth.distinct_event_ids, copies.len() as u64);
        assert_eq!(
            truth.repeats,
            copies
                .values()
                .map(|same| same.len() as u64 - 1)
                .sum::<u64>()
        );
        assert!(
            copies
                .values()
                .all(|same| same.iter().all(|one| *one == same[0]))
        );
        assert_eq!(
            truth.shared_pairs,
            pairs(copies.values().map(|same| &same[0]))
        );
        let files = plan.files();
        assert_eq!(
            truth.records,
            files.iter().map(DemoFile::records).sum::<u64>()
        );
        assert_eq!(
            truth.log_files,
            files.iter().filter(|file| is_log(file)).count() as u64
        );
        let count = |folder| {
            files
                .iter()
                .filter(|file| file.key().contains(folder))
                .count() as u64
        };
        assert_eq!(truth.digest_files, count("/CloudTrail-Digest/"));
        assert_eq!(truth.insight_files, count("/CloudTrail-Insight/"));
        let insights = files
            .iter()
            .filter(|file| file.key().contains("/CloudTrail-Insight/"));
        assert_eq!(
            truth.insight_records,
            insights.map(|file| records(file).len() as u64).sum::<u64>()
        );
    }
}

/// Counts the sharedEventIDs, each of which must be in records of two accounts.
fn pairs<'a>(records: impl Iterator<Item = &'a Value>) -> u64 {
    let mut shared: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for record in records.filter(|record| text(record, "/eventVersion") != "1.03") {
        if let Some(id) = record["sharedEventID"].as_str() {
            shared
                .entry(id)
                .or_default()
                .insert(text(record, "/recipientAccountId"));
        }
    }
    assert!(shared.values().all(|accounts| accounts.len() == 2));
    shared.len() as u64
}

#[test]
fn repeats_stand_in_another_file_and_are_the_same_bytes() {
    let mut seen: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut repeats = 0;
    for file in plan(20_000).files().iter().filter(|file| is_log(file)) {
        let body = body(file);
        for record in body
            .trim_end_matches("]}")
            .split(",{\"eventVersion\":")
            .skip(1)
        {
            let Some(id) = record
                .split("\"eventID\":\"")
                .nth(1)
                .map(|rest| rest[..36].to_owned())
            else {
                continue;
            };
            let here = (file.key().to_owned(), record.to_owned());
            if let Some((key, bytes)) = seen.insert(id, here) {
                repeats += 1;
                assert_ne!(key, file.key());
                assert_eq!(bytes, record);
            }
        }
    }
    // The first record of a file is preceded by other text, so some repeats are not found here.
    assert!((150..=200).contains(&repeats), "{repeats}");
}

#[test]
fn all_versions_and_identity_types_appear() {
    let events = events(&plan(1_000));
    let values = |path: &str| -> BTreeSet<String> {
        events
            .iter()
            .filter_map(|(_, record)| record.pointer(path)?.as_str().map(str::to_owned))
            .collect()
    };
    let versions = values("/eventVersion");
    for version in [
        "1.0", "1.01", "1.02", "1.03", "1.04", "1.05", "1.06", "1.07", "1.08", "1.09", "1.10",
        "1.11",
    ] {
        assert!(versions.contains(version), "{version}");
    }
    let types = values("/userIdentity/type");
    for kind in [
        "Root",
        "IAMUser",
        "AssumedRole",
        "Role",
        "FederatedUser",
        "Directory",
        "AWSAccount",
        "AWSService",
        "IdentityCenterUser",
        "Unknown",
        "SAMLUser",
        "WebIdentityUser",
    ] {
        assert!(types.contains(kind), "{kind}");
    }
    let kinds = values("/eventType");
    for kind in [
        "AwsApiCall",
        "AwsServiceEvent",
        "AwsConsoleAction",
        "AwsConsoleSignIn",
    ] {
        assert!(kinds.contains(kind), "{kind}");
    }
    let any = |wanted: fn(&Value) -> bool| events.iter().any(|(_, record)| wanted(record));
    assert!(any(|record| record.get("userIdentity").is_none()));
    assert!(any(|record| record
        .get("userIdentity")
        .is_some_and(Value::is_null)));
    assert!(any(|record| record["userIdentity"].is_object()
        && record.pointer("/userIdentity/type").is_none()));
    assert!(any(|record| text(
        record,
        "/userIdentity/sessionContext/assumedRoot"
    ) == "true"));
    assert!(any(|record| text(record, "/userIdentity/type")
        == "IAMUser"
        && record.pointer("/userIdentity/userName").is_none()));
    assert!(any(
        |record| record.get("errorMessage").is_some() && record.get("errorCode").is_none()
    ));
    assert!(any(|record| record
        .pointer("/responseElements/errorCode")
        .is_some()));
}

#[test]
fn keys_are_well_formed_sorted_unique_and_fit_their_contents() {
    let files = plan(8_000).files();
    assert!(files.windows(2).all(|pair| pair[0].key() < pair[1].key()));
    for file in files.iter().filter(|file| is_log(file)) {
        let parts: Vec<&str> = file.key().split('/').collect();
        let at = parts.iter().position(|part| *part == "CloudTrail").unwrap();
        let [account, "CloudTrail", region, "2026", "09", day, name] = parts[at - 1..] else {
            panic!("{}", file.key())
        };
        let head = format!("{account}_CloudTrail_{region}_202609{day}T");
        let rest = name
            .strip_prefix(&head)
            .unwrap_or_else(|| panic!("{}", file.key()));
        let (time, token) = rest
            .strip_suffix(".json.gz")
            .and_then(|rest| rest.split_once("Z_"))
            .unwrap();
        assert!(
            token.len() == 16 && token.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{token}"
        );
        let delivered = format!("2026-09-{day}T{}:{}:00Z", &time[..2], &time[2..]);
        for record in records(file) {
            assert_eq!(text(&record, "/awsRegion"), region);
            assert!(
                matches!(text(&record, "/recipientAccountId"), "" | "anonymous")
                    || text(&record, "/recipientAccountId") == account
            );
            assert!(
                text(&record, "/eventTime") <= delivered.as_str(),
                "{} {record}",
                file.key()
            );
        }
    }
}

#[test]
fn fields_stand_in_the_order_of_cloudtrail() {
    let order = [
        "{\"eventVersion\":",
        ",\"userIdentity\":",
        ",\"eventTime\":",
        ",\"eventSource\":",
        ",\"eventName\":",
        ",\"awsRegion\":",
        ",\"sourceIPAddress\":",
        ",\"userAgent\":",
        ",\"errorCode\":",
        ",\"errorMessage\":",
        ",\"requestParameters\":",
        ",\"responseElements\":",
        ",\"additionalEventData\":",
        ",\"requestID\":",
        ",\"eventID\":",
        ",\"readOnly\":",
        ",\"eventType\":",
        ",\"managementEvent\":",
        ",\"recipientAccountId\":",
        ",\"eventCategory\":",
    ];
    let files = plan(4_000).files();
    let mut seen = 0;
    for file in files
        .iter()
        .filter(|file| is_log(file) && !file.key().starts_with("imported"))
    {
        for record in body(file)
            .split(",{\"eventVersion\":")
            .skip(1)
            .map(|rest| format!("{{\"eventVersion\":{rest}"))
        {
            // A response that holds an error contains the same field names.
            if record.contains("\"responseElements\":{\"errorCode\"") {
                continue;
            }
            let places: Vec<usize> = order.iter().filter_map(|mark| record.find(mark)).collect();
            assert!(places.is_sorted(), "{record}");
            seen += 1;
        }
    }
    assert!(seen > 1_000);
}
