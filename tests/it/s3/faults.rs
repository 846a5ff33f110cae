//! Faults between the program and S3 are retried or reported.

use crate::support::bucket::{Bucket, Run, keys};
use crate::support::proxy::Fault;
use crate::support::trail::{File, call, gzip, log};

const ANN: &str = "111122223333";
const BOB: &str = "012345678901";
const EAST: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/";
const WEST: &str = "AWSLogs/111122223333/CloudTrail/eu-west-1/";

/// A bucket with three log files, of three calls each, in each of two regions.
fn bucket(name: &'static str) -> (Bucket, Vec<File>) {
    let mut files = Vec::new();
    for region in ["us-east-1", "eu-west-1"] {
        for day in ["2026/09/07", "2026/09/08", "2026/09/09"] {
            files.push(log("AWSLogs/", ANN, region, day, files.len() as u64));
        }
    }
    let mut bucket = Bucket::new(name);
    bucket.put(&files);
    (bucket, files)
}

/// Runs and checks that one object is missing, and nothing else; returns why.
fn without_one(bucket: &Bucket, file: &File) -> (Run, String) {
    let run = bucket.run("", &[]);
    run.is_partial();
    assert_eq!(run.count("counted"), 15);
    let [(document, reason)] = run.problems()[..] else {
        panic!("{:?}", run.problems());
    };
    assert_eq!(document, bucket.at(&file.key));
    assert_eq!(run.status(ANN, "us-east-1"), "partial");
    assert_eq!(run.status(ANN, "eu-west-1"), "complete");
    let reason = reason.to_owned();
    (run, reason)
}

#[test]
fn s3_that_is_busy_is_asked_again() {
    let (bucket, files) = bucket("busy");
    let slow_down = || Fault::Error(503, "SlowDown");
    let key = files[1].key.clone();
    bucket
        .proxy
        .fail(2, slow_down(), move |request| request.gets(&key));
    bucket
        .proxy
        .fail(1, slow_down(), |request| request.lists(WEST));
    bucket
        .proxy
        .fail(1, slow_down(), |request| request.lists("AWSLogs/"));
    bucket
        .proxy
        .fail(1, slow_down(), |request| request.method == "HEAD");
    let run = bucket.run("", &[]);
    run.is_complete();
    assert_eq!(run.count("counted"), 18);
    assert_eq!(bucket.fetched().len(), 6 + 2);
}

#[test]
fn a_bucket_that_asks_to_slow_down_loses_nothing() {
    let log = |number| log("AWSLogs/", ANN, "us-east-1", "2026/09/07", number);
    let files: Vec<File> = (0..120).map(log).collect();
    let mut bucket = Bucket::new("slow-down");
    bucket.put(&files);
    // More than the window of the start, so that requests that were repeated are refused again.
    let slow_down = Fault::Error(503, "SlowDown");
    bucket.proxy.fail(70, slow_down, |request| {
        request.method == "GET" && request.listed().is_none()
    });
    let run = bucket.run("", &[]);
    run.is_complete();
    assert_eq!((run.count("counted"), run.count("duplicate")), (360, 0));
    assert_eq!(bucket.fetched().len(), 120 + 70);
}

#[test]
fn an_object_that_is_always_refused_is_missing() {
    let (bucket, files) = bucket("always-busy");
    let key = files[1].key.clone();
    bucket
        .proxy
        .fail(usize::MAX, Fault::Error(500, "InternalError"), move |r| {
            r.gets(&key)
        });
    let (_, reason) = without_one(&bucket, &files[1]);
    assert!(reason.contains("InternalError"), "{reason}");
    assert_eq!(bucket.fetched().len(), 5 + 8);
}

#[test]
fn the_requests_and_their_price_are_told_before_reading() {
    let (bucket, files) = bucket("priced");
    let run = bucket.run("", &[]);
    run.is_complete();
    let requests = bucket.proxy.requests();
    let lists = requests.iter().filter(|r| r.listed().is_some()).count();
    let bytes: usize = files.iter().map(|file| file.bytes.len()).sum();
    let told = format!(
        "s3://priced: 6 files ({:.1} KB): 6 GET and {lists} LIST requests, less than $0.01 at the list prices of us-east-1\n",
        bytes as f64 / 1000.0,
    );
    assert!(run.errors.contains(&told), "{told}{}", run.errors);
}

#[test]
fn a_body_that_breaks_off_is_fetched_again() {
    let (bucket, files) = bucket("cut");
    let key = files[1].key.clone();
    bucket
        .proxy
        .fail(1, Fault::Cut, move |request| request.gets(&key));
    let run = bucket.run("", &[]);
    run.is_complete();
    assert_eq!((run.count("counted"), run.count("duplicate")), (18, 0));
    assert_eq!(bucket.fetched().len(), 6 + 1);
}

#[test]
fn a_body_that_always_breaks_off_is_missing() {
    let (bucket, files) = bucket("cut-always");
    let key = files[1].key.clone();
    bucket
        .proxy
        .fail(usize::MAX, Fault::Cut, move |request| request.gets(&key));
    let (_, reason) = without_one(&bucket, &files[1]);
    assert!(reason.contains("broke off 4 times"), "{reason}");
    assert_eq!(bucket.fetched().len(), 5 + 4);
}

#[test]
fn a_page_of_a_listing_that_breaks_off_is_asked_for_again() {
    let (bucket, files) = bucket("cut-listing");
    bucket
        .proxy
        .fail(1, Fault::Cut, |request| request.lists(EAST));
    let run = bucket.run("", &[]);
    run.is_complete();
    assert_eq!(bucket.fetched(), keys(&files));
}

#[test]
fn a_key_that_is_deleted_after_it_was_listed_is_missing() {
    let (bucket, files) = bucket("deleted");
    let path = bucket.path(&files[2].key);
    bucket
        .proxy
        .fail(1, Fault::Delete(path), |request| request.lists(EAST));
    let (run, reason) = without_one(&bucket, &files[2]);
    assert!(
        reason.contains("NoSuchKey") && reason.contains("deleted after"),
        "{reason}"
    );
    assert_eq!(run.coverage()["documents"], 5);
}

#[test]
fn a_key_that_may_not_be_read_is_missing() {
    let (bucket, files) = bucket("denied-key");
    let key = files[0].key.clone();
    let denied = Fault::Error(403, "AccessDenied");
    bucket
        .proxy
        .fail(usize::MAX, denied, move |request| request.gets(&key));
    let (_, reason) = without_one(&bucket, &files[0]);
    assert!(
        reason.contains("s3:GetObject") && reason.contains("kms:Decrypt"),
        "{reason}"
    );
}

#[test]
fn a_key_that_is_archived_is_missing() {
    let (bucket, files) = bucket("archived");
    let key = files[0].key.clone();
    let archived = Fault::Error(403, "InvalidObjectState");
    bucket
        .proxy
        .fail(usize::MAX, archived, move |request| request.gets(&key));
    let (_, reason) = without_one(&bucket, &files[0]);
    assert!(reason.contains("restore it"), "{reason}");
}

#[test]
fn a_region_that_may_not_be_listed_has_failed() {
    let (bucket, _) = bucket("denied-region");
    let denied = Fault::Error(403, "AccessDenied");
    bucket
        .proxy
        .fail(usize::MAX, denied, |request| request.lists(WEST));
    let run = bucket.run("", &[]);
    run.is_partial();
    assert_eq!(run.count("counted"), 9);
    assert_eq!(run.status(ANN, "eu-west-1"), "failed");
    assert_eq!(run.status(ANN, "us-east-1"), "complete");
    assert_eq!(
        run.json["_metadata"]["regions_failed"]["eu-west-1"],
        "AccessDenied"
    );
    let [(document, reason)] = run.problems()[..] else {
        panic!("{:?}", run.problems());
    };
    assert_eq!(document, bucket.at(WEST));
    assert!(
        reason.contains("AccessDenied") && reason.contains("s3:ListBucket"),
        "{reason}"
    );
}

#[test]
fn a_listing_that_fails_half_way_has_failed() {
    let logs: Vec<_> = (0..1005)
        .map(|n| log("AWSLogs/", ANN, "us-east-1", "2026/09/07", n))
        .collect();
    let mut bucket = Bucket::new("second-page");
    bucket.put(&logs);
    bucket
        .proxy
        .fail(usize::MAX, Fault::Error(403, "AccessDenied"), |request| {
            request.lists(EAST) && request.query.contains_key("continuation-token")
        });
    let run = bucket.run("", &[]);
    run.is_partial();
    assert_eq!(run.count("counted"), 3000);
    assert_eq!(run.status(ANN, "us-east-1"), "failed");
}

#[test]
fn an_account_that_may_not_be_listed_is_named() {
    let (mut bucket, _) = bucket("denied-account");
    bucket.put(&[log("AWSLogs/", BOB, "us-east-1", "2026/09/07", 100)]);
    let prefix = format!("AWSLogs/{BOB}/CloudTrail/");
    let folder = prefix.clone();
    let denied = Fault::Error(403, "AccessDenied");
    bucket
        .proxy
        .fail(usize::MAX, denied, move |request| request.lists(&folder));
    let run = bucket.run("", &[]);
    run.is_partial();
    assert_eq!(run.count("counted"), 18);
    assert_eq!(run.problems()[0].0, bucket.at(&prefix));
    assert_eq!(run.status(BOB, "*"), "failed");
    assert_eq!(run.status(ANN, "us-east-1"), "complete");
}

#[test]
fn every_account_has_a_result_with_its_own_problems() {
    let (mut bucket, _) = bucket("denied-without-body");
    bucket.put(&[log("AWSLogs/", BOB, "us-east-1", "2026/09/07", 100)]);
    let prefix = format!("AWSLogs/{BOB}/CloudTrail/us-east-1/");
    let folder = prefix.clone();
    // An answer without a body has no error code.
    let denied = Fault::Error(403, "");
    bucket
        .proxy
        .fail(usize::MAX, denied, move |request| request.lists(&folder));
    let run = bucket.run("", &["--per-account"]);
    run.is_partial();
    let failed = |result: &serde_json::Value| result["_metadata"]["regions_failed"].clone();
    let code = "HTTP 403";
    let key = format!("{BOB}:us-east-1");
    assert_eq!(failed(&run.json), serde_json::json!({ key: code }));
    let complete = |result: &serde_json::Value| {
        let coverage = &result["trailtab"]["coverage"];
        (
            coverage["complete"].as_bool().unwrap(),
            coverage["problems"].as_array().unwrap().len(),
        )
    };
    let ann = run.result(ANN);
    assert_eq!(complete(&ann), (true, 0));
    assert_eq!(failed(&ann), serde_json::json!({}));
    let bob = run.result(BOB);
    assert_eq!(complete(&bob), (false, 1));
    assert_eq!(failed(&bob), serde_json::json!({ "us-east-1": code }));
    assert_eq!(
        bob["trailtab"]["coverage"]["problems"][0]["document"],
        bucket.at(&prefix)
    );
}

#[test]
fn a_bucket_with_every_account_denied_is_not_reported_as_empty() {
    let (bucket, _) = bucket("denied-all");
    bucket
        .proxy
        .fail(usize::MAX, Fault::Error(403, "AccessDenied"), |request| {
            request.lists("AWSLogs/111122223333/CloudTrail/")
        });
    bucket
        .run("", &[])
        .failed_with(&["AccessDenied", "s3:ListBucket"]);
    assert_eq!(bucket.fetched(), [""; 0]);
}

#[test]
fn a_bucket_that_may_not_be_listed() {
    let (bucket, _) = bucket("denied-bucket");
    bucket
        .proxy
        .fail(usize::MAX, Fault::Error(403, "AccessDenied"), |_| true);
    for prefix in ["", "AWSLogs/", EAST] {
        bucket
            .run(prefix, &[])
            .failed_with(&["AccessDenied", "s3:ListBucket"]);
    }
}

#[test]
fn a_bucket_that_does_not_exist() {
    let bucket = Bucket::new("exists");
    for source in [
        "s3://does-not-exist",
        "s3://does-not-exist/AWSLogs/111122223333/CloudTrail/x/",
    ] {
        let run = Run::of(&[source], &bucket.access());
        run.failed_with(&["s3://does-not-exist/", "NoSuchBucket", "is the name right?"]);
    }
}

#[test]
fn a_bucket_that_does_not_exist_costs_itself_only() {
    let (bucket, _) = bucket("exists-too");
    let run = bucket.run("", &["s3://does-not-exist"]);
    run.is_partial();
    assert_eq!(run.count("counted"), 18);
    let [(document, reason)] = run.problems()[..] else {
        panic!("{:?}", run.problems());
    };
    assert_eq!(document, "s3://does-not-exist/");
    assert!(reason.contains("NoSuchBucket"), "{reason}");
}

#[test]
fn an_empty_bucket_has_no_result() {
    let empty = Bucket::new("empty");
    empty
        .run("", &[])
        .failed_with(&["no log files under s3://empty/: s3://empty/ is empty"]);
    let (mut bucket, files) = bucket("full");
    let marker = File {
        key: "folder/".to_owned(),
        bytes: Vec::new(),
    };
    bucket.put(&[marker]);
    let missing_key = format!("{}x", files[0].key);
    let prefixes = [
        "AWSLog/",
        "AWSLogs/o-a1b2c3d4e5/",
        "AWSLogs/111122223334/",
        "AWSLogs/111122223333/CloudTrail/us-east-2/",
        "AWSLogs/111122223333/CloudTrail/us-east-1/2025/",
        "AWSLogs/111122223333/CloudTrail-Digest/",
        "folder/",
        &missing_key,
    ];
    for prefix in prefixes {
        let run = bucket.run(prefix, &[]);
        run.failed_with(&["no log files under", prefix]);
    }
    // For a wrong prefix, the message lists the existing ones.
    let told = "s3://full/ holds AWSLogs/, folder/; did you mean s3://full/AWSLogs/?";
    bucket.run("AWSLog/", &[]).failed_with(&[told]);
    let told = "s3://full/AWSLogs/ holds 111122223333/";
    bucket
        .run("AWSLogs/o-a1b2c3d4e5/", &[])
        .failed_with(&[told]);
}

#[test]
fn without_credentials_there_is_a_hint() {
    let (bucket, _) = bucket("nobody");
    let endpoint = bucket
        .access()
        .into_iter()
        .filter(|(name, _)| *name == "AWS_ENDPOINT_URL");
    let run = Run::of(&[&bucket.at("")], &endpoint.collect::<Vec<_>>());
    run.failed_with(&["no AWS credentials were found", "--profile"]);
    assert_eq!(bucket.proxy.requests().len(), 0);
}

#[test]
fn an_unreachable_s3_is_not_reported_as_missing_credentials() {
    let mut access = Bucket::new("unplugged").access();
    // A port that nothing listens at: the discard service's.
    access[0].1 = "http://127.0.0.1:9".to_owned();
    let run = Run::of(&["s3://unplugged/"], &access);
    run.failed_with(&["s3://unplugged/"]);
    assert!(!run.errors.contains("credentials"), "{}", run.errors);
}

#[test]
fn a_bucket_in_another_region_is_followed() {
    let mut bucket = Bucket::in_region("elsewhere", "eu-central-1");
    let files = [log("AWSLogs/", ANN, "us-east-1", "2026/09/07", 1)];
    bucket.put(&files);
    let run = bucket.run("", &[]);
    run.is_complete();
    assert_eq!(bucket.fetched(), keys(&files));
    let requests = bucket.proxy.requests();
    let astray: Vec<_> = requests
        .iter()
        .filter(|r| r.region != "eu-central-1")
        .collect();
    assert_eq!((astray.len(), astray[0].method.as_str()), (1, "HEAD"));
}

#[test]
fn a_broken_file_costs_itself() {
    let (mut bucket, files) = bucket("broken");
    let good = gzip(&[call(1000, ANN, "us-east-1", "2026-09-07T08:00:00Z")]);
    let cut = File {
        key: files[0].key.clone(),
        bytes: good[..good.len() / 2].to_vec(),
    };
    bucket.put(&[cut]);
    let (_, reason) = without_one(&bucket, &files[0]);
    assert!(reason.contains("cut off"), "{reason}");
}
