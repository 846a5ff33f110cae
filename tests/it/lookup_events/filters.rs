//! Filters that LookupEvents supports are passed to it, which changes the requests but not the result.

use serde_json::{Value, json};

use super::lab::{ANN, DAY, Lab, busy};
use crate::support::Finished;
use crate::support::aws::{Event, Region, events};

const HERE: &str = "us-east-1";
const KEY: &str = "AKIAEXAMPLE000000002";
const ALL: usize = 200;

fn lab() -> Lab {
    Lab::new(|world, now| world.region(ANN, HERE, busy(ANN, HERE, ALL, now)))
}

/// Runs with filters, and compares the result with the same filters on the known events; returns the summary and the
/// attribute that was passed to the service.
#[track_caller]
fn filter(lab: &Lab, filters: &[&str]) -> (Value, Value) {
    let summary = lab.activity(filters, 0);
    lab.assert_says(&summary, lab.truth(ANN, HERE), filters, &filters.join(" "));
    let asked = lab.lookups(HERE);
    let attributes = |at: usize| asked[at].request.parameters["LookupAttributes"].clone();
    let first = attributes(0);
    assert!((0..asked.len()).all(|at| attributes(at) == first));
    (summary, first)
}

/// Checks a filter that the service takes: one attribute, and no more pages than it leaves.
#[track_caller]
fn assert_pushed(filters: &[&str], key: &str, value: &str) {
    let lab = lab();
    let (summary, attributes) = filter(&lab, filters);
    let one = json!([{ "AttributeKey": key, "AttributeValue": value }]);
    assert_eq!(attributes, one, "{filters:?}");
    let attribute = &summary["trailtab"]["coverage"]["lookup_attribute"];
    assert_eq!(attribute, &format!("{key}={value}"));
    let truth = lab.truth(ANN, HERE).iter();
    let left = truth.filter(|event| event.has(key, value)).count();
    assert!((1..ALL).contains(&left), "{left}");
    assert_eq!(lab.requests(HERE), left.div_ceil(50), "{filters:?}");
    assert_eq!(summary["trailtab"]["counts"]["read"], left);
}

/// Checks filters that the service does not support.
#[track_caller]
fn assert_not_pushed(filters: &[&str]) -> Value {
    let lab = lab();
    let (summary, attributes) = filter(&lab, filters);
    assert_eq!(attributes, Value::Null, "{filters:?}");
    let attribute = &summary["trailtab"]["coverage"]["lookup_attribute"];
    assert_eq!(attribute, &Value::Null);
    assert_eq!(lab.requests(HERE), ALL / 50, "{filters:?}");
    assert_eq!(summary["trailtab"]["counts"]["read"], ALL);
    summary
}

#[test]
fn names_of_apis() {
    let filters = ["--event-name", "RunInstances"];
    assert_pushed(&filters, "EventName", "RunInstances");
}

#[test]
fn services() {
    for name in ["ec2.amazonaws.com", "EC2.amazonaws.com"] {
        let filters = ["--event-source", name];
        assert_pushed(&filters, "EventSource", "ec2.amazonaws.com");
    }
    // The short name matches every service whose name begins with it.
    assert_not_pushed(&["--event-source", "ec2"]);
}

#[test]
fn access_keys() {
    assert_pushed(&["--access-key-id", KEY], "AccessKeyId", KEY);
    // Filters ignore case, and the service does not.
    let small = KEY.to_lowercase();
    assert_pushed(&["--access-key-id", &small], "AccessKeyId", KEY);
}

#[test]
fn readers_and_writers() {
    assert_pushed(&["--read-only"], "ReadOnly", "true");
    assert_pushed(&["--write-only"], "ReadOnly", "false");
}

#[test]
fn lookup_events_gets_one_of_several_filters() {
    let name = ["--event-name", "RunInstances"];
    let key = ["--access-key-id", KEY];
    let filters = [&name[..], &key, &["--write-only"]].concat();
    assert_pushed(&filters, "AccessKeyId", KEY);
    let filters = [&name[..], &["--event-source", "ec2"]].concat();
    assert_pushed(&filters, "EventName", "RunInstances");
    let source = ["--event-source", "ec2.amazonaws.com"];
    let filters = [&["--event-name", "*Instances"][..], &source].concat();
    assert_pushed(&filters, "EventSource", "ec2.amazonaws.com");
}

#[test]
fn several_values_are_filtered_locally() {
    assert_not_pushed(&["--event-name", "RunInstances", "--event-name", "Decrypt"]);
}

#[test]
fn patterns_are_filtered_locally() {
    assert_not_pushed(&["--event-name", "Run*", "--event-source", "?c2"]);
}

#[test]
fn exclusions_are_filtered_locally() {
    assert_not_pushed(&["--event-name", "!RunInstances", "--event-source", "!s3"]);
}

#[test]
fn lower_case_names_are_filtered_locally() {
    let summary = assert_not_pushed(&["--event-name", "runinstances"]);
    assert_ne!(summary["trailtab"]["counts"]["counted"], 0);
}

/// Filters by absent fields work locally, but not in the service.
#[test]
fn an_empty_value_is_not_sent_to_lookup_events() {
    assert_not_pushed(&["--access-key-id", ""]);
}

#[test]
fn filters_that_lookup_events_lacks_apply_locally() {
    let filters = ["--principal", "*:role/deploy", "--ip", "192.0.2.0/28"];
    let summary = assert_not_pushed(&filters);
    assert_ne!(summary["trailtab"]["counts"]["counted"], 0);
}

#[test]
fn raw_copies_and_archives_read_all_events() {
    let lab = lab();
    let filters = ["--event-name", "RunInstances"];
    let copy = [&filters[..], &["--dump-raw-cloudtrail-data"]].concat();
    let summary = lab.activity(&copy, 0);
    lab.assert_says(&summary, lab.truth(ANN, HERE), &filters, "with a copy");
    assert_eq!(lab.requests(HERE), ALL / 50);
    let keep = [&filters[..], &["--archive", "archive"]].concat();
    let summary = lab.activity(&keep, 0);
    lab.assert_says(&summary, lab.truth(ANN, HERE), &filters, "with an archive");
    assert_eq!(lab.requests(HERE), 2 * ALL / 50);
    let is_whole =
        |entry: &crate::support::aws::Entry| entry.request.parameters["LookupAttributes"].is_null();
    assert!(lab.lookups(HERE).iter().all(is_whole));
}

#[test]
fn the_filter_sent_to_lookup_events_is_explained() {
    let explains = |ended: &Finished| ended.out.contains("case matters");
    let lab = lab();
    let ended = lab.run(&["--event-name", "Runinstances"]).expect(0);
    let words = "AWS was asked for events with EventName=Runinstances only";
    assert!(
        ended.out.contains(words) && explains(&ended),
        "{}",
        ended.out
    );
    // For filters that are applied locally, the result names the existing values.
    let ended = lab.run(&["--event-name", "RunInst"]).expect(0);
    assert!(explains(&ended), "{}", ended.out);
    let ended = lab.run(&["--event-name", "runinst"]).expect(0);
    assert!(
        ended
            .out
            .contains("Did you mean --event-name RunInstances?"),
        "{}",
        ended.out
    );
    let lab = Lab::new(|world, _| world.region(ANN, HERE, Region::new()));
    let ended = lab.run(&["--event-source", "ec2"]).expect(0);
    let words = "The event history has no event in the time window.";
    assert!(
        ended.out.contains(words) && !explains(&ended),
        "{}",
        ended.out
    );
}

/// An event that another program, or this one, has caused.
fn by_agent(event: &Event, agent: &str) -> Event {
    let mut record: Value = serde_json::from_str(&event.record).unwrap();
    record["userAgent"] = agent.into();
    Event::new(event.time, record.to_string())
}

#[test]
fn our_own_calls_can_be_left_out() {
    let own = "aws-sdk-rust/1.3.16 os/linux lang/rust/1.91.0 app/trailtab";
    let others = "aws-sdk-rust/1.3.16 os/linux lang/rust/1.91.0 app/trailtabs";
    let lab = Lab::new(|world, now| {
        let events = events(ANN, HERE, 90, now - DAY, now - 3600, 1);
        let agents = [own, others, "aws-cli/2.1"].into_iter().cycle();
        let events = events.iter().zip(agents);
        let events = events.map(|(event, agent)| by_agent(event, agent));
        let region = Region::new().quota(1000.0, 1000.0);
        world.region(ANN, HERE, region.events(events.collect()))
    });
    let summary = lab.activity(&["--exclude-self"], 0);
    let truth = lab.truth(ANN, HERE).iter();
    let by_others = truth.filter(|event| !event.record.contains("app/trailtab\""));
    let by_others: Vec<_> = by_others.collect();
    assert_eq!(by_others.len(), 60);
    lab.assert_says(&summary, by_others, &[], "others");
    assert_eq!(summary["trailtab"]["counts"]["filtered"], 30);
    let summary = lab.activity(&[], 0);
    lab.assert_true(&summary, &[(ANN, HERE)], "all");
    // Calls are recognised by the user agent that this program sends.
    let agents = lab.server.requests().into_iter();
    let agents: Vec<_> = agents.map(|entry| entry.request.user_agent).collect();
    assert!(agents.iter().all(|agent| agent.contains("app/trailtab")));
}
