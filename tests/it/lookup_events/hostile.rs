//! Invalid content of pages.

use serde_json::{Value, json};

use super::lab::{ANN, DAY, Lab, busy, since};
use crate::support::at;
use crate::support::aws::{Event, Fault, Region, events};

const HERE: &str = "us-east-1";

/// A region of 120 events, the oldest of which hold something else in place of their records.
fn lab(odd: &[&str]) -> Lab {
    Lab::new(|world, now| {
        let mut odd_ones = events(ANN, HERE, odd.len(), now - 3 * DAY, now - 2 * DAY, 9);
        for (event, record) in odd_ones.iter_mut().zip(odd) {
            event.record = (*record).to_owned();
        }
        let whole = events(ANN, HERE, 120, now - DAY, now - 3600, 1);
        let region = Region::new().quota(1000.0, 1000.0);
        world.region(ANN, HERE, region.events(whole).events(odd_ones))
    })
}

#[test]
fn an_invalid_record_does_not_affect_other_records() {
    let odd = [
        "no JSON at all",
        "",
        "[1, 2]",
        "{\"eventName\": \"RunInst",
        "{\"eventName\": \"A\"} {\"eventName\": \"B\"}",
        "\"a text\"",
        "null",
        "]}, {\"Records\":[",
    ];
    let lab = lab(&odd);
    let summary = lab.activity(&[], 3);
    let whole = &lab.truth(ANN, HERE)[..120];
    lab.assert_says(&summary, whole, &[], "the others");
    let counts = &summary["trailtab"]["counts"];
    assert_eq!(counts["unreadable"], odd.len());
    assert_eq!(counts["read"], 120 + odd.len());
    // The region was read to its end.
    assert_eq!(summary["_metadata"]["regions_failed"], json!({}));
    let problems = at(&summary, "trailtab/coverage/problems");
    let document = &problems[0]["document"];
    assert_eq!(document, "event history of 111122223333 in us-east-1");
    assert_eq!(lab.requests(HERE), 3);
}

/// With an archive, records that cannot be kept do not affect others.
#[test]
fn an_invalid_record_is_not_archived() {
    let lab = lab(&["no JSON at all", "{\"eventName\": \"RunInst"]);
    let summary = lab.activity(&["--archive", "archive"], 3);
    let whole = &lab.truth(ANN, HERE)[..120];
    lab.assert_says(&summary, whole, &[], "beside an archive");
    let kept = lab.sandbox.activity(["archive"]);
    lab.assert_says(&kept, whole, &[], "from the archive");
    // Seconds of records that could not be kept are not covered, so the next run reports them again.
    let again = lab.activity(&["--archive", "archive"], 3);
    lab.assert_says(&again, whole, &[], "beside an archive, again");
    assert_eq!(again["trailtab"]["counts"]["unreadable"], 2);
}

#[test]
fn deeply_nested_records_are_read_or_reported() {
    let deep = format!(
        "{{\"eventName\":\"Deep\",\"requestParameters\":{}1{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let lab = lab(&[&deep]);
    let ended = lab.run(&["--quiet", "--format", "json"]);
    assert!(matches!(ended.code, Some(0 | 3)), "{}", ended.err);
    assert_eq!(ended.summary()["trailtab"]["counts"]["read"], 121);
}

#[test]
fn an_event_that_comes_twice_counts_once() {
    let lab = Lab::new(|world, now| {
        let here = events(ANN, HERE, 80, now - DAY, now - 3600, 1);
        let region = || Region::new().quota(1000.0, 1000.0);
        let there = region().events(here[..30].to_vec());
        world
            .region(ANN, HERE, region().events(here))
            .region(ANN, "us-west-2", there)
    });
    let summary = lab.activity(&[], 0);
    assert_eq!(summary["trailtab"]["counts"]["duplicate"], 30);
    lab.assert_true(&summary, &[(ANN, HERE)], "once");
}

/// Escape sequences in the service's texts must not reach the terminal.
#[test]
fn escape_sequences_do_not_reach_the_terminal() {
    let evil = "\u{1b}[2J\u{1b}]0;pwned\u{7}\u{9b}31m\r\nroot";
    let lab = Lab::new(|world, now| {
        let mut events = events(ANN, HERE, 30, now - DAY, now - 3600, 1);
        for event in &mut events {
            let mut record: Value = serde_json::from_str(&event.record).unwrap();
            for name in ["eventName", "eventSource", "awsRegion", "errorCode"] {
                record[name] = evil.into();
            }
            record["sourceIPAddress"] = evil.into();
            record["userIdentity"] = json!({
                "type": evil, "userName": evil, "arn": evil, "accountId": evil,
            });
            *event = Event::new(event.time, record.to_string());
        }
        let region = Region::new().quota(1000.0, 1000.0).events(events);
        world
            .region(ANN, HERE, region)
            .region(ANN, "eu-west-1", busy(ANN, "eu-west-1", 60, now))
    });
    let refusal = Fault::error(400, "AccessDeniedException", evil);
    lab.server.fail(usize::MAX, refusal, since("eu-west-1", 1));
    let ended = lab.run(&["--past-hours", "48"]).expect(3);
    assert!(ended.out.contains("pwned"), "{}", ended.out);
    let is_control = |c: char| c.is_control() && c != '\n';
    for text in [&ended.out, &ended.err] {
        assert!(!text.contains(is_control), "{text:?}");
    }
    let everywhere = Fault::error(400, "AccessDenied\u{1b}[1mException", evil);
    lab.server.fail(usize::MAX, everywhere, |request| {
        request.action == "sts:GetCallerIdentity"
    });
    let ended = lab.run(&[]).expect(1);
    assert!(!ended.err.contains(is_control), "{:?}", ended.err);
}
