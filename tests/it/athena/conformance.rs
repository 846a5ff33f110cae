//! The same logs give the same results as `athena://` and as `s3://`.

use super::*;
use crate::real_data;
use crate::support::envelopes::records_in;
use crate::support::{assert_same, at};

/// The regions of the real logs, beside those of the demo.
const REAL_REGIONS: [&str; 3] = ["us-east-2", "us-west-1", "ca-central-1"];

const ACTIVITY: [&str; 5] = ["activity", "--quiet", "--no-output", "--format", "json"];

/// What is asked of all logs. Options of `events` after the form of its output.
const QUESTIONS: [&[&str]; 17] = [
    &ACTIVITY,
    &[
        "activity",
        "--quiet",
        "--no-output",
        "--format",
        "json",
        "--by",
        "resource",
    ],
    &["activity", "--quiet", "--no-output", "--format", "csv"],
    &[
        "activity",
        "--quiet",
        "--no-output",
        "--format",
        "iam-policy",
    ],
    &["events", "--quiet", "--format", "json"],
    &["events", "--quiet", "--format", "csv"],
    &["events", "--quiet", "--format", "json", "--limit", "40"],
    &[
        "events", "--quiet", "--format", "json", "--limit", "40", "--newest",
    ],
    &["usage", "--quiet", "--format", "json"],
    &["usage", "--quiet", "--format", "json", "--by", "principal"],
    &["usage", "--quiet", "--format", "json", "--by", "session"],
    &["usage", "--quiet", "--format", "json", "--by", "user-agent"],
    &["usage", "--quiet", "--format", "json", "--by", "error-code"],
    &["usage", "--quiet", "--format", "json", "--by", "resource"],
    &["usage", "--quiet", "--format", "json", "--by", "person,ip"],
    &["usage", "--quiet", "--format", "json", "--throttled"],
    &[
        "usage",
        "--quiet",
        "--format",
        "json",
        "--throttled",
        "--by",
        "session",
    ],
];

/// Filters and windows of the demo's logs. Each admits some events and refuses some.
const FILTERS: [&[&str]; 45] = [
    &["--event-name", "Get*"],
    &["--event-name", "!Get*"],
    &["--event-name", "describeinstances", "--event-name", "List*"],
    &["--event-source", "ec2"],
    &[
        "--event-source",
        "!s3.amazonaws.com",
        "--event-source",
        "!ec2",
    ],
    &["--denied"],
    &["--errors"],
    &["--activity-type", "SUCCESSFUL"],
    &["--error-code", "AccessDenied*"],
    &["--error-code", "!AccessDenied*", "--errors"],
    &["--principal", "*:role/security-scanner"],
    &["--principal", "!*:role/*"],
    &["--principal", "444455556666:*"],
    &["--principal", "*:root"],
    &["--person", "elif*"],
    &["--person", "!elif*", "--person", "!kate*"],
    &["--session", "scan-*"],
    &["--session", "!scan-*"],
    &["--ip", "192.0.2.0/24"],
    &["--ip", "!192.0.2.0/24"],
    &["--ip", "198.51.100.0/25"],
    &["--ip", "2001:db8::/32"],
    &["--ip", "AWS Internal"],
    &["--ip", "!config.amazonaws.com"],
    &["--resource", "i-0*"],
    &["--resource", "!*instance*"],
    &["--resource", "*:role/*"],
    &["--request", "roleArn=*"],
    &["--request", "responseElements.ConsoleLogin=*"],
    &["--user-agent", "Boto3"],
    &["--user-agent", "!terraform"],
    &["--user-agent", "*lang/go*", "--user-agent", "Mozilla/5.0 *"],
    &["--access-key-id", "ASIA*"],
    &["--access-key-id", "!ASIA*"],
    &["--account", "444455556666"],
    &["--account", "!444455556666", "--account", "!111122223333"],
    &["--account", "4*"],
    &["--region", "eu-*"],
    &["--region", "!us-east-1"],
    &["--read-only"],
    &["--write-only", "--exclude-aws-services"],
    &[
        "--since",
        "2026-09-08T10:20:30Z",
        "--until",
        "2026-09-09T23:59:59Z",
    ],
    &["--since", "2026-09-10", "--until", "2026-09-10"],
    &[
        "--until",
        "2026-09-14T08:30:01Z",
        "--account",
        "4*",
        "--errors",
    ],
    &[
        "--since",
        "2026-09-09T23:30:00Z",
        "--until",
        "2026-09-16T00:30:00Z",
        "--event-name",
        "!Describe*",
        "--ip",
        "!192.0.2.0/24",
    ],
];

/// Checks that a question has the same answer from the table and from the log files below a prefix.
#[track_caller]
fn assert_answers_agree(lake: &Lake, prefix: &str, question: &[&str], code: i32) {
    let source = format!("s3://{}/{prefix}", lake.bucket);
    let mut table = result(lake.ask(question, &["--recount"]), code);
    let mut files = result(lake.run(&[question, &[&source]].concat()), code);
    if code == 3 {
        // What is wrong is said of the table, or of each log file.
        for place in ["/trailtab/coverage", "/coverage"] {
            for result in [&mut table, &mut files] {
                let members = result.pointer_mut(place).and_then(Value::as_object_mut);
                if let Some(members) = members {
                    for name in ["accounts", "document_outcomes", "problems"] {
                        members.remove(name);
                    }
                }
            }
        }
    }
    assert_agree(&table, &files, &format!("{question:?}"));
}

#[test]
fn every_verb_agrees_about_the_demo() {
    let lake = demo_lake("athena-demo", "1200");
    for question in QUESTIONS {
        assert_answers_agree(&lake, DEMO, question, 0);
    }
    assert_eq!(lake.refusals(), Ok(()));
    // The records themselves: the order of their members differs, and columns are strings.
    let raw = ["events", "--quiet", "--format", "raw"];
    let source = format!("s3://{}/{DEMO}", lake.bucket);
    let ids = |finished: Finished| {
        let records = finished.expect(0).summary()["Records"].clone();
        let records = records.as_array().unwrap().iter();
        let known = [
            "eventID",
            "eventTime",
            "eventName",
            "requestParameters",
            "errorCode",
        ];
        let known = |record: &Value| known.map(|name| record[name].to_string());
        records.map(known).collect::<BTreeSet<_>>()
    };
    let (table, files) = (
        ids(lake.ask(&raw, &[])),
        ids(lake.run(&[&raw[..], &[&source]].concat())),
    );
    assert!(files.len() > 1000);
    assert_eq!(table, files);
}

#[test]
fn filters_agree_when_the_engine_applies_them_and_when_kept_days_are_read() {
    let lake = demo_lake("athena-filters", "800");
    let folder = Sandbox::at(NOW);
    for file in demo("800") {
        folder.write(&file.key, &file.bytes);
    }
    let logs = folder.path(DEMO);
    let mut expected = Vec::new();
    for filter in FILTERS {
        let args = [&ACTIVITY[..], filter, &[logs.to_str().unwrap()]].concat();
        let files = result(folder.run(&args), 0);
        let table = lake.ask(&[&ACTIVITY[..], filter].concat(), &["--recount"]);
        let table = result(table, 0);
        assert_same(&table, &files, &format!("{filter:?}"));
        let (table, counts) = (at(&table, "trailtab/counts"), at(&files, "trailtab/counts"));
        let matched = counts["counted"].as_u64().unwrap();
        assert!(
            matched > 0 && counts["filtered"] != 0,
            "{filter:?}: {counts}"
        );
        // Log files of other days, accounts and Regions are not read by either.
        assert!(
            table["duplicate"].as_u64() <= counts["duplicate"].as_u64(),
            "{filter:?}"
        );
        expected.push((filter, files));
    }
    assert_eq!(lake.refusals(), Ok(()));
    // The second run of a question keeps its days, and every filter by other members than partitions reads them.
    for _ in 0..2 {
        lake.ask(&ACTIVITY, &[]).expect(0);
    }
    let started = lake.athena.count("AmazonAthena.StartQueryExecution");
    for (filter, files) in expected {
        let needs_columns = [
            "--request",
            "--resource",
            "--access-key-id",
            "--ip",
            "--user-agent",
        ];
        if filter.iter().any(|word| needs_columns.contains(word)) {
            continue;
        }
        let table = lake.ask(&[&ACTIVITY[..], filter].concat(), &[]);
        let table = result(table, 0);
        assert_same(&table, &files, &format!("{filter:?} of kept days"));
    }
    let fully_kept = lake.athena.count("AmazonAthena.StartQueryExecution") - started;
    assert!(fully_kept < 20, "{fully_kept} queries");
}

/// Puts real records under the accounts, regions and days at which a trail would have delivered them.
fn real_files() -> (Vec<File>, BTreeSet<String>) {
    let mut records = Vec::new();
    for folder in [
        "invictus",
        "stratus",
        "cloudtrail_watcher",
        "umccr",
        "trailscraper",
    ] {
        for document in real_data::json_documents(&real_data::data().join(folder)) {
            let stream = serde_json::Deserializer::from_slice(&document).into_iter::<Value>();
            for value in stream.map_while(Result::ok) {
                records_in(&value, &mut records);
            }
        }
    }
    let mut places = std::collections::BTreeMap::<_, Vec<String>>::new();
    let (mut regions, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for record in records {
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let time = text("eventTime");
        if time.len() < 10 {
            continue;
        }
        // Some share an id and differ: then which of them counts is up to who reads them.
        if !ids.insert(text("eventID")) {
            continue;
        }
        regions.insert(text("awsRegion"));
        // One account and month of delivery: what counts stands in the records.
        let place = (text("awsRegion"), time[..10].replace('-', "/"));
        places.entry(place).or_default().push(record.to_string());
    }
    let places = places.into_iter();
    let files = (0..)
        .zip(places)
        .map(|(number, ((region, day), records))| File {
            key: trail::key("AWSLogs/", ANN, &region, &day, number),
            bytes: trail::gzip(&records),
        });
    (files.collect(), regions)
}

#[test]
fn every_verb_agrees_about_real_records() {
    if real_data::is_skipped() {
        return;
    }
    let (files, regions) = real_files();
    assert!(files.iter().map(|file| file.bytes.len()).sum::<usize>() > 100_000);
    let mut lake = Lake::new("athena-real");
    lake.put(&files);
    let regions: Vec<&str> = regions
        .iter()
        .map(String::as_str)
        .chain(REAL_REGIONS)
        .collect();
    lake.make_table("AWSLogs/", date(2012, 1, 1), &regions);
    for question in QUESTIONS {
        assert_answers_agree(&lake, "AWSLogs/", question, 0);
    }
    for filter in [
        &["--denied"][..],
        &["--principal", "*:role/*"],
        &["--principal", "!*:user/*"],
        &["--person", "*"],
        &["--write-only", "--exclude-aws-services"],
        &["--resource", "*bucket*"],
        &["--request", "bucketName=*"],
        &["--error-code", "*NotFound*"],
    ] {
        assert_answers_agree(&lake, "AWSLogs/", &[&ACTIVITY[..], filter].concat(), 0);
    }
    assert_eq!(lake.refusals(), Ok(()));
}

/// Records of all forms that CloudTrail has, and values that are an attacker's to choose.
fn odd_records() -> Vec<Value> {
    let record = |number: u64, more: Value| {
        let mut record: Value = serde_json::from_str(&trail::call(
            number,
            ANN,
            "us-east-1",
            "2026-09-07T08:00:00Z",
        ))
        .unwrap();
        for (name, value) in more.as_object().unwrap() {
            record[name] = value.clone();
        }
        record
    };
    let hostile = "'; DROP TABLE x; -- \" \\ \n \r\n % _ ü\u{1f600} {\"a\":[1,{\"b\":\"\\u0000\"}]}, \u{2028}";
    vec![
        record(1, json!({"eventTime": "2026-09-07T08:59:59Z"})),
        record(2, json!({"eventTime": "2026-09-07T09:00:00Z"})),
        record(3, json!({"eventTime": "2026-09-07T09:00:00.5Z"})),
        record(4, json!({"eventTime": "2026-09-07T09:59:59.999Z"})),
        record(8, json!({"eventID": null})),
        record(8, json!({"eventID": null, "userAgent": "another"})),
        record(9, json!({"eventID": ""})),
        record(5, json!({"eventTime": ""})),
        record(6, json!({"eventTime": null})),
        record(7, json!({"eventTime": null, "eventID": null})),
        record(
            12,
            json!({"eventCategory": "NetworkActivity", "eventType": "AwsVpceEvent"}),
        ),
        record(
            13,
            json!({"eventName": hostile, "userAgent": hostile, "errorCode": hostile}),
        ),
        record(
            14,
            json!({"userIdentity": {"type": "IAMUser", "userName": hostile, "accountId": ANN}}),
        ),
        record(
            15,
            json!({"sourceIPAddress": hostile, "requestParameters": {"name": hostile}}),
        ),
        record(
            16,
            json!({"errorCode": "", "errorMessage": "You are not authorized to perform this operation"}),
        ),
        record(
            17,
            json!({"eventName": "ConsoleLogin", "eventType": "AwsConsoleSignIn", "eventSource": "signin.amazonaws.com",
            "responseElements": {"ConsoleLogin": "Failure"}, "additionalEventData": {"MFAUsed": "No"}}),
        ),
        record(
            18,
            json!({"userIdentity": {"type": "Root", "accountId": ANN}, "readOnly": "false"}),
        ),
        record(
            19,
            json!({"userIdentity": null, "recipientAccountId": null}),
        ),
        record(
            20,
            json!({"userIdentity": {"type": "AWSService", "invokedBy": "config.amazonaws.com"}}),
        ),
        record(
            21,
            json!({"resources": [{"ARN": "arn:aws:s3:::b", "accountId": ANN, "type": "AWS::S3::Bucket"}, {"ARN": hostile}]}),
        ),
        record(
            22,
            json!({"errorMessage": "Rate exceeded", "errorCode": "ThrottlingException"}),
        ),
        record(23, json!({"awsRegion": null, "eventVersion": "1.0"})),
    ]
}

#[test]
fn records_of_odd_forms_agree() {
    let mut lake = Lake::new("athena-odd");
    let records: Vec<String> = odd_records().iter().map(Value::to_string).collect();
    let key = |number| trail::key("AWSLogs/", ANN, "us-east-1", "2026/09/07", number);
    let copies = [0, 1, 7].map(|at: usize| records[at].clone());
    lake.put(&[
        File {
            key: key(1),
            bytes: trail::gzip(&records),
        },
        // Copies of events, and one under the next day.
        File {
            key: key(2),
            bytes: trail::gzip(&copies),
        },
        File {
            key: trail::key("AWSLogs/", ANN, "us-east-1", "2026/09/08", 3),
            bytes: trail::gzip(&copies[..1]),
        },
    ]);
    lake.make_table("AWSLogs/", date(2026, 9, 1), &["us-east-1"]);
    let windows: [&[&str]; 4] = [
        &[],
        &[
            "--since",
            "2026-09-07T08:59:59Z",
            "--until",
            "2026-09-07T09:30:00Z",
        ],
        &["--network-activity"],
        &["--since", "2026-09-07T09:00:01Z"],
    ];
    for window in windows {
        // Whether events without a time are inside a window is not known, so such a result is partial.
        let code = if window.contains(&"--since") { 3 } else { 0 };
        for question in [
            QUESTIONS[0],
            QUESTIONS[1],
            QUESTIONS[5],
            QUESTIONS[8],
            QUESTIONS[9],
        ] {
            assert_answers_agree(&lake, "AWSLogs/", &[question, window].concat(), code);
        }
    }
    assert_eq!(lake.refusals(), Ok(()));
}

/// Files apply an update if it is read together with its event; a statement always does.
#[test]
fn an_update_takes_the_place_of_its_event() {
    let mut lake = Lake::new("athena-update");
    let record = |number: u64, more: &Value| {
        let call = trail::call(number, ANN, "us-east-1", "2026-09-07T08:00:00Z");
        let mut record: Value = serde_json::from_str(&call).unwrap();
        for (name, value) in more.as_object().unwrap() {
            record[name] = value.clone();
        }
        record.to_string()
    };
    let original = record(1, &json!({"eventID": "original", "eventName": "Original"}));
    let addendum = json!({"reason": "UPDATED_DATA", "updatedFields": "eventName", "originalEventID": "original"});
    let update = record(
        1,
        &json!({"eventID": "later", "eventName": "Updated", "addendum": addendum}),
    );
    let key = |day: &str, number| trail::key("AWSLogs/", ANN, "us-east-1", day, number);
    lake.put(&[
        File {
            key: key("2026/09/07", 1),
            bytes: trail::gzip(&[original, record(2, &json!({}))]),
        },
        File {
            key: key("2026/09/08", 2),
            bytes: trail::gzip(&[update]),
        },
    ]);
    lake.make_table("AWSLogs/", date(2026, 9, 1), &["us-east-1"]);
    let table = lake.ask(&ACTIVITY, &[]).expect(0).summary();
    let calls = at(&table, "api_calls_by_region/us-east-1");
    assert_eq!(
        calls,
        &json!({"ec2.amazonaws.com:Updated": 1, "ec2.amazonaws.com:StopInstances": 1})
    );
    assert_eq!(at(&table, "trailtab/counts/duplicate"), 1);
}
