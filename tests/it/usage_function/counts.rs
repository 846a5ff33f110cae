//! All counts are right, with the fewest possible requests.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::lab::{Counts, Lab, assert_counts, count, key};
use crate::support::aws::rfc3339;
use crate::support::calls::{
    ANN, BOB, Calls, ago, call, count as tally, counted, numbered, recently, with,
};

const WIDE: [&str; 5] = [
    "us-east-1",
    "eu-west-1",
    "eu-central-1",
    "ap-southeast-2",
    "sa-east-1",
];

#[test]
fn one_event_is_one_datum() {
    let mut lab = Lab::new(&[]);
    let response = lab.deliver(&[call()]);
    let expected = json!({
        "received": 1, "published": 1, "skipped": {}, "unreadable": {}, "refused": 0, "unconfirmed": 0,
        "unsent": 0, "chunks": 1, "retries": 0,
    });
    assert_eq!(response, expected);
    assert_counts(&lab.sums(), &counted(&[call()]));
    let [request] = &lab.requests()[..] else {
        panic!("one request");
    };
    let datum = &request.request.data[0];
    assert_eq!(datum.unit, "Count");
    let names: Vec<_> = datum
        .dimensions
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["awsRegion", "eventSource"]);
    assert!(!request.request.is_gzip, "it is small");
}

#[test]
fn a_thousand_events_are_one_request() {
    let mut lab = Lab::new(&[]);
    let records = Calls::new(1000).records();
    let response = lab.deliver(&records);
    assert_eq!(
        (&response["published"], &response["chunks"]),
        (&json!(1000), &json!(1))
    );
    assert_counts(&lab.sums(), &counted(&records));
    assert_eq!(lab.requests().len(), 1);
}

#[test]
fn ten_thousand_events_are_no_more_requests_than_the_limits_ask_for() {
    let mut lab = Lab::new(&[("TRAILTAB_USAGE_TOP", "100000")]);
    let few = Calls::new(10_000).records();
    lab.deliver(&few);
    assert_eq!(lab.requests().len(), 1);
    let many = Calls {
        apis: 400,
        regions: WIDE.to_vec(),
        minutes: 1,
        seed: 2,
        ..Calls::new(10_000)
    };
    let many = many.records();
    let response = lab.deliver(&many);
    assert_eq!(count(&response, "published"), 10_000);
    let data = counted(&many).len();
    assert!(
        (1001..=2000).contains(&data),
        "{data} of 2000 places are hit"
    );
    assert_eq!(lab.requests().len(), 1 + 2);
    assert_eq!(count(&response, "chunks"), 2);
    let requests = lab.requests().into_iter().skip(1);
    let large = requests.map(|entry| entry.request);
    let large = large.max_by_key(|request| request.data.len()).unwrap();
    assert_eq!((large.data.len(), large.is_gzip), (1000, true));
    assert!(large.bytes < 60_000, "{} bytes", large.bytes);
    let all: Vec<Value> = few.into_iter().chain(many).collect();
    assert_counts(&lab.sums(), &counted(&all));
}

#[test]
fn long_names_do_not_make_a_request_too_large() {
    let mut lab = Lab::new(&[]);
    let long = |(number, record): (usize, Value)| {
        let source = format!("{number}-{}", "s".repeat(1000));
        with(
            record,
            &json!({ "eventSource": source, "awsRegion": "r".repeat(900) }),
        )
    };
    let records = Calls::new(1500).records().into_iter().enumerate();
    let records: Vec<_> = records.map(long).collect();
    let response = lab.deliver(&records[..900]);
    assert_eq!(count(&response, "published"), 900);
    assert_counts(&lab.sums(), &counted(&records[..900]));
    for entry in lab.requests() {
        assert!(entry.request.plain_bytes <= 1_000_000);
    }
}

#[test]
fn calls_are_rolled_up_to_the_minute() {
    let mut lab = Lab::new(&[]);
    let calls = Calls {
        apis: 1,
        regions: vec!["us-east-1"],
        minutes: 2,
        ..Calls::new(600)
    };
    let records = calls.records();
    lab.deliver(&records);
    let times: BTreeSet<_> = records
        .iter()
        .map(|it| it["eventTime"].to_string())
        .collect();
    assert!(times.len() > 100);
    let data = &lab.requests()[0].request.data;
    assert_eq!(data.len(), 2);
    assert!(data.iter().all(|datum| datum.time % 60.0 == 0.0));
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn no_request_holds_a_metric_twice_in_a_minute() {
    let mut lab = Lab::new(&[(
        "TRAILTAB_USAGE_METRICS",
        "errors,throttles,access,principals,accounts",
    )]);
    lab.deliver(&varied(2000));
    let kept = lab.cloudwatch.table();
    assert!(kept.values().all(|kept| kept.samples == 1));
}

/// Calls of all kinds.
fn varied(count: usize) -> Vec<Value> {
    let calls = Calls {
        accounts: vec![ANN, BOB],
        errors: vec![
            "",
            "",
            "AccessDenied",
            "ThrottlingException",
            "Client.RequestLimitExceeded",
        ],
        ..Calls::new(count)
    };
    calls.records()
}

fn is_throttled(record: &Value) -> bool {
    let codes = ["ThrottlingException", "Client.RequestLimitExceeded"];
    record["errorCode"]
        .as_str()
        .is_some_and(|code| codes.contains(&code))
}

fn text(record: &Value, name: &str) -> (String, String) {
    (name.to_owned(), record[name].as_str().unwrap().to_owned())
}

/// The expected data of a set, by the table of metrics.
fn expected(set: &str, records: &[Value]) -> Counts {
    tally(records, |record| {
        let api = || {
            ["awsRegion", "eventSource", "eventName"]
                .map(|name| text(record, name))
                .to_vec()
        };
        let one = |name: &str, dimensions| Some((name.to_owned(), dimensions));
        match set {
            "errors" if record["errorCode"].is_null() => None,
            "errors" => one("ErrorCount", api()),
            "throttles" if !is_throttled(record) => None,
            "throttles" => one("ThrottleCount", api()),
            "access" => {
                let read_only = record["readOnly"].as_bool();
                let value = read_only.map_or("unknown".to_owned(), |value| value.to_string());
                let dimension = ("readOnly".to_owned(), value);
                one("CallCount", [api(), vec![dimension]].concat())
            }
            "principals" => {
                let identity = &record["userIdentity"];
                let [account, user] =
                    ["accountId", "userName"].map(|name| identity[name].as_str().unwrap());
                let principal = format!("{account}:user/{user}");
                one("CallCount", vec![("principal".to_owned(), principal)])
            }
            "accounts" => one("CallCount", vec![text(record, "recipientAccountId")]),
            other => panic!("{other} is no set"),
        }
    })
}

const SETS: [&str; 5] = ["errors", "throttles", "access", "principals", "accounts"];

#[test]
fn each_set_counts_the_same_calls_in_its_own_way() {
    let records = varied(1000);
    for set in SETS {
        let mut lab = Lab::new(&[("TRAILTAB_USAGE_METRICS", set)]);
        let response = lab.deliver(&records);
        assert_eq!(count(&response, "published"), 1000);
        let mut both = counted(&records);
        both.append(&mut expected(set, &records));
        assert_counts(&lab.sums(), &both);
    }
}

#[test]
fn all_sets_come_in_the_order_of_the_table() {
    let mut lab = Lab::new(&[(
        "TRAILTAB_USAGE_METRICS",
        "accounts, principals, access, throttles, errors",
    )]);
    let records = varied(1000);
    lab.deliver(&records);
    let mut all = counted(&records);
    for set in SETS {
        all.append(&mut expected(set, &records));
    }
    assert_counts(&lab.sums(), &all);
    let requests = lab.requests();
    let data = requests.iter().flat_map(|entry| &entry.request.data);
    let order = |name: &str, dimensions: &[(String, String)]| match (name, dimensions.len()) {
        ("ErrorCount", 3) => 1,
        ("ThrottleCount", 3) => 2,
        ("CallCount", 4) => 3,
        ("CallCount", 1) if dimensions[0].0 == "principal" => 4,
        ("CallCount", 1) => 5,
        _ => 0,
    };
    let data: Vec<_> = data
        .map(|datum| {
            let values: Vec<_> = datum
                .dimensions
                .iter()
                .map(|(_, value)| value.clone())
                .collect();
            let set = order(&datum.name, &datum.dimensions);
            (set, datum.time as i64, datum.name.clone(), values)
        })
        .collect();
    assert!(
        data.is_sorted(),
        "by set, minute, metric name and dimension values"
    );
}

#[test]
fn what_failed_in_other_ways_is_an_error_as_well() {
    let mut lab = Lab::new(&[("TRAILTAB_USAGE_METRICS", "errors,throttles")]);
    let api = json!({ "eventName": "X", "eventSource": "s", "awsRegion": "r" });
    let records: Vec<_> = [
        json!({ "errorMessage": "only a message" }),
        json!({ "responseElements": { "errorCode": "Deep" } }),
        json!({ "errorCode": "TooManyRequestsException" }),
        json!({ "errorCode": "SlowDown" }),
        json!({}),
    ]
    .into_iter()
    .enumerate()
    .map(|(at, members)| {
        let time = json!({ "eventTime": rfc3339(recently()) });
        with(with(with(numbered(at as u64 + 1), &members), &api), &time)
    })
    .collect();
    lab.deliver(&records);
    let (minute, sums) = (recently(), lab.sums());
    let minute = sums.keys().next().map_or(minute, |key| key.minute);
    let api = [("awsRegion", "r"), ("eventSource", "s"), ("eventName", "X")];
    assert_eq!(sums[&key("X", &api[..2], minute)], 5);
    assert_eq!(sums[&key("ErrorCount", &api, minute)], 4);
    assert_eq!(sums[&key("ThrottleCount", &api, minute)], 2);
}

#[test]
fn a_namespace_can_be_chosen() {
    let mut lab = Lab::new(&[("TRAILTAB_USAGE_NAMESPACE", "team/api#1")]);
    lab.deliver(&[call()]);
    let namespaces: BTreeSet<_> = lab.sums().into_keys().map(|key| key.namespace).collect();
    assert_eq!(namespaces, BTreeSet::from(["team/api#1".to_owned()]));
}

#[test]
fn events_that_are_too_old_or_too_early_do_not_affect_the_rest() {
    let mut lab = Lab::new(&[]);
    let at = |seed: u64, seconds: i64| {
        let calls = Calls {
            since: ago(seconds),
            minutes: 1,
            seed,
            ..Calls::new(50)
        };
        calls.records()
    };
    let day = 86_400;
    let good = [at(1, 600), at(2, 13 * day), at(3, -3600)].concat();
    let bad = [at(4, 15 * day), at(5, -3 * 3600), at(6, 400 * day)].concat();
    let response = lab.deliver(&[&bad[..75], &good, &bad[75..]].concat());
    assert_eq!(
        (count(&response, "published"), count(&response, "refused")),
        (150, 150)
    );
    assert_counts(&lab.sums(), &counted(&good));
    let response = lab.deliver(&bad);
    assert_eq!(
        (count(&response, "published"), count(&response, "refused")),
        (0, 150)
    );
    assert_eq!(lab.requests().len(), 1, "nothing to send is no request");
}

#[test]
fn what_is_repeated_in_a_payload_counts_once() {
    let mut lab = Lab::new(&[]);
    let records = Calls::new(300).records();
    let twice = [&records[..], &records[100..250]].concat();
    let response = lab.deliver(&twice);
    assert_eq!(count(&response, "received"), 450);
    assert_eq!(response["skipped"], json!({ "duplicate": 150 }));
    assert_counts(&lab.sums(), &counted(&records));
}
