//! An object too large to be held is read in ranges.

use std::io::Write as _;

use crate::support::bucket::{Bucket, assert_same, run_locally};
use crate::support::proxy::Fault;
use crate::support::trail::{File, call, log};

const ANN: &str = "111122223333";

/// The bytes of a range, as the program asks for them.
const RANGE: usize = 8 << 20;

/// A file of many records, each of 16 KiB.
fn large(key: &str, records: u64) -> File {
    let padding = "x".repeat(16 << 10);
    let mut bytes = br#"{"Records":["#.to_vec();
    for number in 0..records {
        let record = call(number, ANN, "us-east-1", "2026-09-07T08:00:00Z");
        let comma = if number == 0 { "" } else { "," };
        let (start, _) = record.rsplit_once('}').unwrap();
        write!(
            bytes,
            r#"{comma}{start},"requestParameters":{{"x":"{padding}"}}}}"#
        )
        .unwrap();
    }
    bytes.extend_from_slice(b"]}");
    File {
        key: key.to_owned(),
        bytes,
    }
}

#[test]
fn a_large_object_is_read_in_ranges() {
    let files = [
        large(
            "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/07/large.json",
            7000,
        ),
        log("AWSLogs/", ANN, "us-east-1", "2026/09/08", 100_000),
    ];
    let mut bucket = Bucket::new("large");
    bucket.put(&files);
    // The third range breaks off once.
    bucket.proxy.fail(1, Fault::Cut, |r| {
        r.range.as_deref() == Some("bytes=16777216-25165823")
    });
    let run = bucket.run("", &[]);
    run.is_complete();
    assert_eq!((run.count("counted"), run.count("duplicate")), (7003, 0));
    assert_same(&run, &run_locally(&files));
    let requests = bucket.proxy.requests();
    let ranges = requests.iter().filter(|r| r.gets(&files[0].key));
    let ranges: Vec<_> = ranges
        .map(|r| r.range.as_deref().unwrap_or("all"))
        .collect();
    assert_eq!(ranges.len(), files[0].bytes.len().div_ceil(RANGE) + 1);
    assert_eq!(
        ranges[..3],
        [
            "bytes=0-8388607",
            "bytes=8388608-16777215",
            "bytes=16777216-25165823"
        ]
    );
    let limit = 64 << 10;
    assert!(files[0].bytes.len() as u64 / 1024 > limit * 3 / 2);
    assert!(run.memory < limit, "{} KiB", run.memory);
}

#[test]
fn a_large_object_that_breaks_off_is_read_up_to_there() {
    let file = large(
        "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/07/large.json",
        2100,
    );
    let mut bucket = Bucket::new("large-broken");
    bucket.put(std::slice::from_ref(&file));
    bucket.proxy.fail(usize::MAX, Fault::Cut, |r| {
        r.range
            .as_deref()
            .is_some_and(|range| range.starts_with("bytes=8388608-"))
    });
    let run = bucket.run("", &[]);
    run.is_partial();
    let [(document, reason)] = run.problems()[..] else {
        panic!("{:?}", run.problems());
    };
    assert_eq!(document, bucket.at(&file.key));
    assert!(reason.contains("broke off 4 times"), "{reason}");
    let whole = file.bytes[..RANGE]
        .windows(9)
        .filter(|bytes| bytes == b"\"eventID\"")
        .count() as u64;
    assert!(
        run.count("counted").abs_diff(whole) <= 1,
        "{} of {whole}",
        run.count("counted")
    );
}
