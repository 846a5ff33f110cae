//! Log files are found in every layout of a bucket, and no other object is taken for one.

use std::time::Duration;

use crate::support::bucket::{Bucket, Run, assert_same, keys, run_locally, save};
use crate::support::proxy::Fault;
use crate::support::trail::{File, POISON, beside, call, gzip, key, log};

const ANN: &str = "111122223333";
const BOB: &str = "012345678901";
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

/// The logs of two accounts below each root.
fn logs(roots: &[&str]) -> Vec<File> {
    let mut logs = Vec::new();
    for root in roots {
        for account in [ANN, BOB] {
            for region in REGIONS {
                for day in ["2026/09/07", "2026/09/08"] {
                    logs.push(log(root, account, region, day, logs.len() as u64));
                }
            }
        }
    }
    logs
}

fn siblings(roots: &[&str]) -> Vec<File> {
    let accounts = roots.iter().flat_map(|root| [(root, ANN), (root, BOB)]);
    accounts
        .flat_map(|(root, account)| beside(root, account, "us-east-1"))
        .collect()
}

/// Checks that under a prefix exactly these files are found, and that they count as they do on disk.
#[track_caller]
fn assert_found(bucket: &Bucket, prefix: &str, files: &[File]) -> Run {
    let run = bucket.run(prefix, &[]);
    run.is_complete();
    assert!(!run.json.to_string().contains(POISON));
    assert_eq!(bucket.fetched(), keys(files));
    assert_same(&run, &run_locally(files));
    run
}

/// Checks a layout with accounts below each root, together with unrelated objects.
#[track_caller]
fn check(bucket: &'static str, roots: &[&str], prefix: &str) -> Bucket {
    let logs = logs(roots);
    let mut bucket = Bucket::new(bucket);
    bucket.put(&logs);
    bucket.put(&siblings(roots));
    assert_found(&bucket, prefix, &logs);
    let astray = |prefix: &&String| prefix.contains("CloudTrail-Digest");
    assert_eq!(bucket.listed().iter().find(astray), None);
    bucket
}

#[test]
fn accounts_below_the_root() {
    let bucket = check("layout-plain", &["AWSLogs/"], "");
    // One listing of the bucket, of AWSLogs/, of each account and of each region.
    assert_eq!(
        bucket
            .proxy
            .requests()
            .iter()
            .filter_map(|r| r.listed())
            .count(),
        1 + 1 + 2 + 4
    );
}

#[test]
fn a_trail_with_a_prefix() {
    check("layout-prefix", &["trails/main/AWSLogs/"], "");
}

#[test]
fn a_trail_whose_prefix_looks_like_a_folder_of_cloudtrails() {
    let root = "CloudTrail-all/CloudTrail/AWSLogs/";
    let bucket = check("layout-lookalike", &[root], "");
    let region = bucket.run(&format!("{root}{ANN}/CloudTrail/us-east-1/"), &[]);
    region.is_complete();
    assert_eq!(region.count("counted"), 6);
}

#[test]
fn a_trail_with_a_prefix_that_is_named() {
    check("layout-named", &["trails/main/AWSLogs/"], "trails/main");
}

#[test]
fn an_organisation() {
    check("layout-organisation", &["AWSLogs/o-a1b2c3d4e5/"], "");
}

#[test]
fn an_organisation_that_is_named() {
    check(
        "layout-org-named",
        &["AWSLogs/o-a1b2c3d4e5/"],
        "AWSLogs/o-a1b2c3d4e5/",
    );
}

#[test]
fn control_tower() {
    check(
        "layout-control-tower",
        &["o-a1b2c3d4e5/AWSLogs/o-a1b2c3d4e5/"],
        "",
    );
}

#[test]
fn several_side_by_side() {
    let roots = [
        "AWSLogs/",
        "AWSLogs/o-a1b2c3d4e5/",
        "o-a1b2c3d4e5/AWSLogs/o-a1b2c3d4e5/",
        "other/trail/AWSLogs/",
        "111122223333/AWSLogs/",
    ];
    check("layout-several", &roots, "");
}

#[test]
fn a_layout_that_is_copied_without_awslogs() {
    check("layout-copied", &["backup/"], "");
}

#[test]
fn a_prefix_may_end_anywhere() {
    let root = "AWSLogs/";
    let logs = logs(&[root]);
    let mut bucket = Bucket::new("layout-anywhere");
    bucket.put(&logs);
    bucket.put(&siblings(&[root]));
    let prefixes = [
        "AWS",
        "AWSLogs",
        "AWSLogs/1111",
        "AWSLogs/111122223333",
        "AWSLogs/111122223333/",
        "AWSLogs/111122223333/Cloud",
        "AWSLogs/111122223333/CloudTrail",
        "AWSLogs/111122223333/CloudTrail/",
        "AWSLogs/111122223333/CloudTrail/us-east-1",
        "AWSLogs/111122223333/CloudTrail/us-east-1/",
        "AWSLogs/111122223333/CloudTrail/us-east-1/2026",
        "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/",
        "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/07/111122223333_CloudTrail_us-east-1_2026",
    ];
    for prefix in prefixes {
        let below: Vec<_> = logs
            .iter()
            .filter(|f| f.key.starts_with(prefix))
            .cloned()
            .collect();
        let run = bucket.run(prefix, &[]);
        run.is_complete();
        assert_same(&run, &run_locally(&below));
    }
}

#[test]
fn a_single_key() {
    let logs = logs(&["AWSLogs/"]);
    let mut bucket = Bucket::new("layout-key");
    bucket.put(&logs);
    let run = assert_found(&bucket, &logs[3].key, &logs[3..4]);
    assert_eq!(run.count("counted"), 3);
}

#[test]
fn a_single_key_that_holds_no_events_is_a_problem() {
    let mut bucket = Bucket::new("layout-key-foreign");
    let key = "notes/readme.txt";
    bucket.put(&[File {
        key: key.to_owned(),
        bytes: b"nothing".to_vec(),
    }]);
    bucket
        .run(key, &[])
        .failed_with(&["readme.txt", "holds no CloudTrail records"]);
}

#[test]
fn custom_folders() {
    let record = |number| call(number, ANN, "us-east-1", "2026-09-07T08:00:00Z");
    let file = |key: &str, number| File {
        key: key.to_owned(),
        bytes: gzip(&[record(number)]),
    };
    let files = [
        file("incident 42/a+b %41 ü.json.gz", 1),
        file("incident 42/2026/09/07/c.json.gz", 2),
        file("CloudTrail-export/d.json.gz", 3),
        file("e.json.gz", 4),
    ];
    let mut bucket = Bucket::new("layout-own");
    bucket.put(&files);
    let marker = File {
        key: "empty/".to_owned(),
        bytes: Vec::new(),
    };
    bucket.put(&[marker]);
    assert_found(&bucket, "", &files);
}

#[test]
fn a_custom_folder_that_is_named_like_a_sibling() {
    let record = call(1, ANN, "us-east-1", "2026-09-07T08:00:00Z");
    let file = File {
        key: "CloudTrail-export/d.json.gz".to_owned(),
        bytes: gzip(&[record]),
    };
    let mut bucket = Bucket::new("layout-own-named");
    bucket.put(std::slice::from_ref(&file));
    assert_found(&bucket, "CloudTrail-export/", &[file]);
}

/// A folder for each day is no sign that something was overlooked.
#[test]
fn many_custom_folders_are_read_completely() {
    let day = |n: u64| format!("own/2026/{:02}/{:02}/x.json.gz", n / 28 + 1, n % 28 + 1);
    let record = |n| call(n, ANN, "us-east-1", "2026-09-07T08:00:00Z");
    let files: Vec<_> = (0..300)
        .map(|n| File {
            key: day(n),
            bytes: gzip(&[record(n)]),
        })
        .collect();
    let mut bucket = Bucket::new("layout-own-days");
    bucket.put(&files);
    assert_found(&bucket, "own/", &files);
}

/// Other services' logs may be a thousand times as many as CloudTrail's.
#[test]
fn logs_of_other_services_alone_are_not_downloaded() {
    let mut bucket = Bucket::new("layout-others");
    bucket.put(&siblings(&["AWSLogs/"]));
    let run = bucket.run("", &[]);
    run.failed_with(&["no log files under s3://layout-others/"]);
    assert_eq!(bucket.fetched(), [""; 0]);
}

#[test]
fn thousands_of_keys() {
    let days = ["2026/09/06", "2026/09/07", "2026/09/08", "2026/09/09"];
    let logs: Vec<_> = (0..3100)
        .map(|n| log("AWSLogs/", ANN, "us-east-1", days[n as usize % 4], n))
        .collect();
    let mut bucket = Bucket::new("thousands");
    bucket.put(&logs);
    let run = assert_found(&bucket, "", &logs);
    assert_eq!((run.count("counted"), run.count("duplicate")), (9300, 0));
    let requests = bucket.proxy.requests();
    let pages = requests
        .iter()
        .filter(|r| r.lists("AWSLogs/111122223333/CloudTrail/us-east-1/"));
    assert_eq!(pages.count(), 4);
}

#[test]
fn downloads_run_side_by_side_and_not_too_many() {
    let logs: Vec<_> = (0..200)
        .map(|n| log("AWSLogs/", ANN, "us-east-1", "2026/09/07", n))
        .collect();
    let mut bucket = Bucket::new("side-by-side");
    bucket.put(&logs);
    let late = Fault::Delay(Duration::from_millis(100));
    bucket
        .proxy
        .fail(usize::MAX, late, |request| request.gets(&request.key));
    assert_found(&bucket, "", &logs);
    let most = bucket.proxy.most_at_once();
    // It begins with 32 and grows.
    assert!((8..=256).contains(&most), "{most}");
}

#[test]
fn a_directory_beside_a_bucket() {
    let logs = logs(&["AWSLogs/"]);
    let mut bucket = Bucket::new("beside-directory");
    bucket.put(&logs[..6]);
    // Some of them are in both.
    let directory = save(&logs[4..]);
    let source = directory.path("");
    let run = bucket.run("", &[source.to_str().unwrap(), "--per-account"]);
    run.is_complete();
    assert_eq!((run.count("counted"), run.count("duplicate")), (24, 6));
    let calls = |name, account| run.result(name)["trailtab"]["accounts"][account]["calls"].as_u64();
    for account in [ANN, BOB] {
        assert_eq!(
            (calls("multiple", account), calls(account, account)),
            (Some(12), Some(12))
        );
    }
}

#[test]
fn two_prefixes_of_one_bucket_may_overlap() {
    let logs = logs(&["AWSLogs/"]);
    let mut bucket = Bucket::new("overlap");
    bucket.put(&logs);
    let run = bucket.run("", &[&bucket.at(&format!("AWSLogs/{ANN}/"))]);
    run.is_complete();
    assert_eq!((run.count("counted"), run.count("duplicate")), (24, 12));
}

#[test]
fn the_key_of_a_log_file_is_written_as_cloudtrail_does() {
    assert_eq!(
        key("AWSLogs/", BOB, "us-east-1", "2026/09/07", 7),
        "AWSLogs/012345678901/CloudTrail/us-east-1/2026/09/07/\
         012345678901_CloudTrail_us-east-1_20260907T0805Z_0000000000000007.json.gz"
    );
}
