//! Log files as CloudTrail delivers them, and what lies beside them.

use libdeflater::{CompressionLvl, Compressor};
use serde_json::json;

/// The name of a call that must never be counted.
pub(crate) const POISON: &str = "Poison";

/// Folders beside `CloudTrail/`, and what their files hold differs from its.
const SIBLINGS: [&str; 4] = ["Digest", "Insight", "NetworkActivity", "Aggregated"];

/// An object of a bucket.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) key: String,
    pub(crate) bytes: Vec<u8>,
}

/// A call that is unique to this number.
pub(crate) fn call(number: u64, account: &str, region: &str, time: &str) -> String {
    let name = [
        "DescribeInstances",
        "RunInstances",
        "StopInstances",
        "CreateTags",
    ];
    event(
        number,
        account,
        region,
        time,
        name[number as usize % name.len()],
    )
}

fn event(number: u64, account: &str, region: &str, time: &str, name: &str) -> String {
    let user = format!("user-{}", number % 5);
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": format!("AIDA{}", number % 5),
            "arn": format!("arn:aws:iam::{account}:user/{user}"),
            "accountId": account,
            "userName": user,
        },
        "eventTime": time,
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": format!("192.0.2.{}", number % 7),
        "userAgent": format!("aws-cli/2.{}", number % 3),
        "eventID": format!("{number:08x}-0000-4000-8000-000000000000"),
        "readOnly": number.is_multiple_of(4),
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": account,
        "eventCategory": "Management",
    });
    if number.is_multiple_of(6) {
        record["errorCode"] = "Client.UnauthorizedOperation".into();
    }
    record.to_string()
}

/// Packs records as CloudTrail does.
pub(crate) fn gzip(records: &[String]) -> Vec<u8> {
    gzip_text(format!(r#"{{"Records":[{}]}}"#, records.join(",")))
}

pub(crate) fn gzip_text(json: impl AsRef<[u8]>) -> Vec<u8> {
    let json = json.as_ref();
    let mut compressor = Compressor::new(CompressionLvl::fastest());
    let mut gzip = vec![0; compressor.gzip_compress_bound(json.len())];
    let length = compressor.gzip_compress(json, &mut gzip).unwrap();
    gzip.truncate(length);
    gzip
}

/// The key of a log file below `root`, the folder that holds the accounts' folders.
pub(crate) fn key(root: &str, account: &str, region: &str, day: &str, number: u64) -> String {
    let date = day.replace('/', "");
    format!(
        "{root}{account}/CloudTrail/{region}/{day}/\
         {account}_CloudTrail_{region}_{date}T0805Z_{number:016}.json.gz"
    )
}

/// A log file with three calls on the day `2026/09/07` at which it was delivered.
pub(crate) fn log(root: &str, account: &str, region: &str, day: &str, number: u64) -> File {
    let time = format!("{}T08:00:00Z", day.replace('/', "-"));
    let numbers = number * 3..number * 3 + 3;
    let calls: Vec<_> = numbers
        .map(|number| call(number, account, region, &time))
        .collect();
    File {
        key: key(root, account, region, day, number),
        bytes: gzip(&calls),
    }
}

/// What else lies in an account's folder: folders that begin like `CloudTrail/`, logs of other services, and the
/// empty objects that stand for folders. Reading them counts forbidden calls.
pub(crate) fn beside(root: &str, account: &str, region: &str) -> Vec<File> {
    let siblings = SIBLINGS.map(|kind| {
        format!(
            "CloudTrail-{kind}/{region}/2026/09/07/\
             {account}_CloudTrail-{kind}_{region}_20260907T0805Z_a.json.gz"
        )
    });
    let others = [
        format!("Config/{region}/2026/9/7/ConfigHistory/{account}_Config_{region}_x.json.gz"),
        format!("elasticloadbalancing/{region}/2026/09/07/{account}_x.log.gz"),
        format!("vpcflowlogs/{region}/2026/09/07/{account}_vpcflowlogs_{region}_x.log.gz"),
    ];
    let markers = ["", "CloudTrail/", "CloudTrail-Digest/"].map(|path| File {
        key: format!("{root}{account}/{path}"),
        bytes: Vec::new(),
    });
    let poison = siblings
        .into_iter()
        .chain(others)
        .enumerate()
        .map(|(number, path)| {
            let number = 0xdead_0000 + number as u64;
            File {
                key: format!("{root}{account}/{path}"),
                bytes: gzip(&[event(
                    number,
                    account,
                    region,
                    "2026-09-07T08:00:00Z",
                    POISON,
                )]),
            }
        });
    markers.into_iter().chain(poison).collect()
}
