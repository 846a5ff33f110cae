//! Real logs from public repositories, compared with independent counts in the README beside them. They are not part
//! of this repository; tests/README.md says how to get them.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::envelopes::{plain, records_in};
use crate::support::{SECTIONS, Sandbox, assert_same, at, files_below, sum};

/// The counts of each folder in the README.
struct Expected {
    folder: &'static str,
    read: u64,
    duplicate: u64,
    counted: u64,
    with_error_code: u64,
    principals: usize,
    apis: usize,
    regions: usize,
    /// Documents and elements that are no events, by kind.
    others: &'static [(&'static str, u64)],
}

const EXPECTED: [Expected; 7] = [
    Expected {
        folder: "invictus",
        read: 2900,
        duplicate: 0,
        counted: 2900,
        with_error_code: 300,
        principals: 19,
        apis: 262,
        regions: 1,
        others: &[],
    },
    Expected {
        folder: "umccr",
        read: 206,
        duplicate: 2,
        counted: 204,
        with_error_code: 91,
        principals: 14,
        apis: 167,
        regions: 3,
        others: &[],
    },
    Expected {
        folder: "stratus",
        read: 310,
        duplicate: 0,
        counted: 310,
        with_error_code: 52,
        principals: 40,
        apis: 54,
        regions: 34,
        others: &[],
    },
    Expected {
        folder: "cloudtrail_watcher",
        read: 37,
        duplicate: 0,
        counted: 37,
        with_error_code: 0,
        principals: 3,
        apis: 33,
        regions: 2,
        others: &[],
    },
    Expected {
        folder: "trailscraper",
        read: 7,
        duplicate: 4,
        counted: 3,
        with_error_code: 0,
        principals: 3,
        apis: 3,
        regions: 2,
        others: &[],
    },
    Expected {
        folder: "cloud_custodian_eventbridge",
        read: 24,
        duplicate: 2,
        counted: 22,
        with_error_code: 0,
        principals: 17,
        apis: 20,
        regions: 4,
        others: &[],
    },
    Expected {
        folder: "aws_docs",
        read: 28,
        duplicate: 4,
        counted: 24,
        with_error_code: 1,
        principals: 12,
        apis: 15,
        regions: 2,
        others: &[("digest", 2), ("insight", 5)],
    },
];

impl Expected {
    #[track_caller]
    fn check(&self, summary: &Value, by: &str) {
        let what = format!("{} by {by}", self.folder);
        let counts = json!({
            "read": self.read, "duplicate": self.duplicate, "counted": self.counted,
            "filtered": 0, "unreadable": 0,
        });
        assert_eq!(at(summary, "trailtab/counts"), &counts, "{what}");
        assert_eq!(
            sum(&summary["error_codes_by_principal"]),
            self.with_error_code,
            "{what}"
        );
        let keys = |section: &str| summary[section].as_object().unwrap().len();
        assert_eq!(
            keys("api_calls_by_principal"),
            self.principals,
            "principals of {what}"
        );
        assert_eq!(
            keys("ip_addresses_by_principal"),
            self.principals,
            "principals of {what}"
        );
        assert_eq!(
            keys("user_agents_by_principal"),
            self.principals,
            "principals of {what}"
        );
        assert_eq!(
            keys("api_calls_by_region"),
            self.regions,
            "regions of {what}"
        );
        for section in &SECTIONS[..2] {
            let apis = summary[section].as_object().unwrap().values();
            let apis: BTreeSet<_> = apis
                .flat_map(|apis| apis.as_object().unwrap().keys())
                .collect();
            assert_eq!(apis.len(), self.apis, "APIs in {section} of {what}");
        }
        let mut others = at(summary, "trailtab/coverage/other_content").clone();
        others.as_object_mut().unwrap().remove("foreign");
        let expected: Value = self
            .others
            .iter()
            .map(|(kind, n)| ((*kind).to_owned(), json!(n)))
            .collect();
        assert_eq!(others, expected, "{what}");
    }
}

/// The variable that says where the real data are.
const VARIABLE: &str = "TRAILTAB_TEST_DATA";

/// The file to which the names of skipped tests are appended, for `./test`.
const SKIP_LIST: &str = "TRAILTAB_SKIPPED_TESTS";

/// Tells whether the calling test must be skipped because the real data are missing, and prints that. With
/// TRAILTAB_TEST_DATA set, no test is skipped: missing data are a failure.
#[track_caller]
pub(crate) fn is_skipped() -> bool {
    if std::env::var_os(VARIABLE).is_some() || root().is_dir() {
        return false;
    }
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    let thread = std::thread::current();
    // With one thread for all tests, libtest does not name it after them.
    let place = Location::caller().to_string();
    let name = thread.name().filter(|name| name.contains("::"));
    let name = name.unwrap_or(&place);
    // Written to the stream itself: libtest hides what a successful test prints by macro.
    let mut stderr = io::stderr().lock();
    writeln!(
        stderr,
        "SKIPPED ({count} so far): {name} needs real data, see tests/README.md"
    )
    .unwrap();
    if let Some(list) = std::env::var_os(SKIP_LIST) {
        let file = OpenOptions::new().append(true).create(true).open(list);
        writeln!(file.unwrap(), "{name}").unwrap();
    }
    true
}

/// The folder of all real data.
fn root() -> PathBuf {
    let beside = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("../shared/data");
    std::env::var_os(VARIABLE).map_or(beside, PathBuf::from)
}

/// The folder of real logs.
pub(crate) fn data() -> PathBuf {
    folder("cloudtrail")
}

/// A folder of real data, such as `cost`.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = root().join(name);
    assert!(
        folder.is_dir(),
        "real data are missing: {} is not a directory; see tests/README.md",
        folder.display()
    );
    folder.canonicalize().unwrap()
}

/// A file of what others say of the real data, in the folder `oracles` beside theirs.
pub(crate) fn oracle(name: &str) -> PathBuf {
    let file = root().join("../oracles").join(name);
    assert!(
        file.is_file(),
        "real data are missing: {} is not a file; see tests/README.md",
        file.display()
    );
    file
}

/// The JSON documents of a folder, inflated.
pub(crate) fn json_documents(folder: &Path) -> Vec<Vec<u8>> {
    let documents = files_below(folder)
        .into_iter()
        .map(|path| plain(fs::read(path).unwrap()));
    documents
        .filter(|json| matches!(json.trim_ascii_start().first(), Some(b'{' | b'[')))
        .collect()
}

#[test]
fn every_folder_gives_the_counts_of_its_readme() {
    if is_skipped() {
        return;
    }
    let sandbox = Sandbox::new();
    for expected in &EXPECTED {
        let folder = data().join(expected.folder);
        let summary = sandbox.activity([&folder]);
        expected.check(&summary, "directory");
        let stream = json_documents(&folder).join(&b'\n');
        let streamed = sandbox.activity_with(["-"], &stream, 0);
        expected.check(&streamed, "standard input");
        // Some events in these share an id and differ, so the order matters.
        if !["cloud_custodian_eventbridge", "umccr"].contains(&expected.folder) {
            assert_same(&summary, &streamed, expected.folder);
        }
    }
}

#[test]
fn all_folders_at_once_are_their_sum() {
    if is_skipped() {
        return;
    }
    let sandbox = Sandbox::new();
    let folders = EXPECTED.iter().map(|expected| data().join(expected.folder));
    let summary = sandbox.activity(folders);
    let counts = at(&summary, "trailtab/counts");
    assert_eq!(
        sum(&counts["read"]),
        EXPECTED.iter().map(|expected| expected.read).sum::<u64>()
    );
    // No two folders share an event.
    assert_eq!(
        sum(&counts["counted"]),
        EXPECTED
            .iter()
            .map(|expected| expected.counted)
            .sum::<u64>()
    );
}

#[test]
fn records_that_another_product_wrapped_are_all_found() {
    if is_skipped() {
        return;
    }
    let sandbox = Sandbox::new();
    let folder = data().join("cribl");
    let mut records = Vec::new();
    let mut without = 0;
    for document in json_documents(&folder) {
        let events: Vec<Value> = serde_json::from_slice(&document).unwrap();
        for event in events {
            let raw = match &event["_raw"] {
                Value::String(text) => serde_json::from_str(text).unwrap(),
                raw => raw.clone(),
            };
            let before = records.len();
            records_in(&raw, &mut records);
            without += u64::from(records.len() == before);
        }
    }
    assert!(records.len() > 200);
    let unwrapped = sandbox.write("unwrapped.json", json!(records).to_string());
    let (wrapped, unwrapped) = (sandbox.activity([&folder]), sandbox.activity([unwrapped]));
    assert_same(&wrapped, &unwrapped, "wrapped by Cribl");
    assert_eq!(at(&wrapped, "trailtab/counts/read"), &json!(records.len()));
    // The licence beside them is foreign as well.
    assert_eq!(
        at(&wrapped, "trailtab/coverage/other_content/foreign"),
        &json!(without + 1)
    );
    let kinds = at(&wrapped, "trailtab/principals")
        .as_object()
        .unwrap()
        .values();
    assert!(
        kinds
            .into_iter()
            .any(|principal| principal["identity_types"]["SAMLUser"].is_u64())
    );
    // Its booleans are strings; a value that is neither would be in neither count.
    let said = |access: &str| crate::support::sum_of(at(&wrapped, "trailtab/accounts"), access);
    let says = records
        .iter()
        .filter(|record| !record["readOnly"].is_null())
        .count() as u64;
    assert_eq!(said("read_only") + said("write"), says);
}

#[test]
fn logs_whose_collector_renamed_the_time_have_times() {
    if is_skipped() {
        return;
    }
    let sandbox = Sandbox::new();
    let zip = fs::read(data().join("otrf/collection/ec2_proxy_s3_exfiltration.zip")).unwrap();
    let lines = unzip(&zip);
    let path = sandbox.write("ec2.json", &lines);
    let summary = sandbox.activity([path]);
    let records = lines
        .split(|&b| b == b'\n')
        .filter(|line| !line.is_empty())
        .count();
    assert_eq!(at(&summary, "trailtab/counts/read"), &json!(records));
    assert_eq!(at(&summary, "trailtab/counts/unreadable"), &json!(0));
    assert_eq!(
        at(&summary, "trailtab/coverage/events_without_time"),
        &json!(0)
    );
    let hours = at(&summary, "trailtab/calls_per_hour").as_object().unwrap();
    assert!(
        hours.keys().all(|hour| hour.starts_with("2020-09-14T")),
        "{hours:?}"
    );
}

#[test]
fn a_table_of_another_kind_is_no_list_of_events() {
    if is_skipped() {
        return;
    }
    let sandbox = Sandbox::new();
    let zip = fs::read(data().join("otrf/discovery/aws_s3_honeybucketlogs.zip")).unwrap();
    let path = sandbox.write("honey.csv", unzip(&zip));
    let summary = sandbox.activity_with([path], b"", 3);
    assert_eq!(at(&summary, "trailtab/counts/counted"), &json!(0));
    assert!(sum(at(&summary, "trailtab/counts/unreadable")) > 100);
}

#[test]
fn zip_archives_are_opened() {
    if is_skipped() {
        return;
    }
    let sandbox = Sandbox::new();
    let ended = sandbox
        .run([
            Path::new("activity"),
            &data().join("otrf"),
            Path::new("--format=json"),
        ])
        .expect(3);
    let summary = ended.summary();
    assert!(sum(at(&summary, "trailtab/counts/counted")) > 100);
    let problems = at(&summary, "trailtab/coverage/problems").to_string();
    assert!(
        problems.contains("inside it: AWS_S3_HoneyBucketLogs.csv"),
        "{problems}"
    );
}

/// Inflates the one member of a zip archive.
fn unzip(zip: &[u8]) -> Vec<u8> {
    let number = |at: usize| usize::from(zip[at]) | usize::from(zip[at + 1]) << 8;
    assert_eq!(
        (&zip[..4], number(8)),
        (&b"PK\x03\x04"[..], 8),
        "no deflated member"
    );
    let body = 30 + number(26) + number(28);
    let mut plain = Vec::new();
    flate2::read::DeflateDecoder::new(&zip[body..])
        .read_to_end(&mut plain)
        .unwrap();
    plain
}
