//! Messages that are not calls are counted by kind; they are neither fatal nor published as `-`.

use std::io::Write as _;

use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use super::lab::{Lab, assert_counts, count, skipped, unreadable};
use crate::support::calls::{
    ANN, Calls, call, control_message, counted, numbered, payload, payload_of, with, wrap_bytes,
};
use crate::support::envelopes::gzip;

fn insight() -> Value {
    json!({
        "eventVersion": "1.07",
        "eventTime": call()["eventTime"],
        "awsRegion": "us-east-1",
        "eventID": "41ed77ca-d659-b45a-8e9a-74e504300007",
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": ANN,
        "sharedEventID": "e672c2b1-e71a-4779-f96c-02da7bb30d2e",
        "insightDetails": {
            "state": "End",
            "eventSource": "ssm.amazonaws.com",
            "eventName": "UpdateInstanceInformation",
            "insightType": "ApiCallRateInsight",
            "insightContext": { "statistics": { "baseline": { "average": 1.7 } } },
        },
        "eventCategory": "Insight",
    })
}

fn aggregated() -> Value {
    json!({
        "eventVersion": "1.0",
        "accountId": ANN,
        "eventId": "1e2b59b7-7d4a-4c43-8b1b-0a5a2f6a9f3e",
        "eventCategory": "Aggregated",
        "eventType": "AwsAggregatedEvent",
        "awsRegion": "us-east-1",
        "eventSource": "s3.amazonaws.com",
        "timeWindow": {
            "windowStart": call()["eventTime"], "windowEnd": call()["eventTime"],
            "windowSize": "PT5M",
        },
        "summary": {
            "primaryDimension": {
                "dimension": "eventName",
                "statistics": [{ "name": "GetObject", "value": 12 }],
            },
        },
    })
}

/// No metric has a substitute for a missing field.
#[track_caller]
fn nothing_is_a_dash(lab: &Lab) {
    for key in lab.sums().into_keys() {
        let texts = key.dimensions.into_iter().map(|(_, value)| value);
        for text in texts.chain([key.name]) {
            assert!(
                !["-", "", "undefined", "null"].contains(&text.as_str()),
                "{text:?}"
            );
        }
    }
}

#[test]
fn a_control_message_is_answered_and_ignored() {
    let mut lab = Lab::new(&[]);
    let response = lab.deliver_raw(&control_message());
    assert_eq!(response["skipped"], json!({ "control_message": 1 }));
    assert_eq!(count(&response, "received"), 1);
    assert_eq!(lab.requests().len(), 0);
    lab.deliver(&[call()]);
    assert_counts(&lab.sums(), &counted(&[call()]));
}

#[test]
fn messages_that_are_no_calls_are_counted_by_kind() {
    let good = Calls::new(20).records();
    let whole = call().to_string();
    let kinds: [(&str, String); 4] = [
        ("insight", insight().to_string()),
        ("aggregated", aggregated().to_string()),
        ("truncated", whole[..whole.len() / 2].to_owned()),
        ("foreign", json!({ "hello": { "world": 1 } }).to_string()),
    ];
    let mut lab = Lab::new(&[]);
    for (kind, message) in &kinds {
        let mut messages: Vec<_> = good.iter().map(Value::to_string).collect();
        messages.insert(10, message.clone());
        messages.insert(0, message.clone());
        lab.cloudwatch.heal();
        let response = lab.deliver_raw(&payload_of(&messages));
        // An Insights event has an eventID, so its copy is a duplicate.
        let place = match *kind {
            "truncated" => "unreadable",
            _ => "skipped",
        };
        let kinds = response[place].as_object().unwrap();
        assert_eq!(skipped(&response) + unreadable(&response), 2, "{response}");
        assert!(kinds.contains_key(*kind), "{kind}: {response}");
        assert!(
            kinds.keys().all(|it| it == kind || it == "duplicate"),
            "{kind}: {response}"
        );
        assert_eq!(count(&response, "published"), 20, "{kind}");
    }
    let mut expected = counted(&good);
    expected
        .values_mut()
        .for_each(|count| *count *= kinds.len() as u64);
    assert_counts(&lab.sums(), &expected);
    nothing_is_a_dash(&lab);
}

#[test]
fn text_that_is_no_json_costs_itself() {
    let good = Calls::new(20).records();
    let mut messages: Vec<_> = good.iter().map(Value::to_string).collect();
    let texts = [
        "2 123456789010 eni-1235b8ca 172.31.16.139 172.31.16.21 20641 22 6 20 4249 ACCEPT OK",
        "",
        "null",
        "[]",
        "17",
        "\"text\"",
        "\u{0}\u{fffd}\u{1f511}",
        "}{",
        "{}",
    ];
    for (at, text) in texts.iter().enumerate() {
        messages.insert(at * 2, (*text).to_owned());
    }
    let mut lab = Lab::new(&[]);
    let response = lab.deliver_raw(&payload_of(&messages));
    assert_eq!(count(&response, "published"), 20);
    let others = skipped(&response) + unreadable(&response);
    assert!(others >= 5, "{response}");
    assert!(others <= texts.len() as u64, "{response}");
    assert_counts(&lab.sums(), &counted(&good));
    nothing_is_a_dash(&lab);
}

/// Delivers one whole record, and one without each field; an empty text counts as missing.
#[track_caller]
fn without_fields(fields: &[&str], kind: &str) {
    let mut records = vec![numbered(100)];
    for (seed, field) in fields.iter().enumerate() {
        let seed = 2 * seed as u64 + 200;
        records.push(with(numbered(seed), &json!({ *field: null })));
        records.push(with(numbered(seed + 1), &json!({ *field: "" })));
    }
    let mut lab = Lab::new(&[]);
    let response = lab.deliver(&records);
    let expected = json!({ kind: 2 * fields.len() });
    assert_eq!(response["unreadable"], expected, "{response}");
    assert_counts(&lab.sums(), &counted(&[numbered(100)]));
    nothing_is_a_dash(&lab);
}

#[test]
fn what_lacks_a_field_is_incomplete() {
    without_fields(&["eventTime", "awsRegion", "eventSource"], "incomplete");
}

#[test]
fn what_lacks_its_name_is_unreadable() {
    without_fields(&["eventName"], "broken");
}

#[test]
fn an_invalid_time_is_incomplete() {
    let odd = |seed: u64, time: &str| with(numbered(seed), &json!({ "eventTime": time }));
    let mut lab = Lab::new(&[]);
    let response = lab.deliver(&[odd(2, "soon"), odd(3, "2026-13-45T00:00:00Z"), call()]);
    assert_eq!(
        response["unreadable"],
        json!({ "incomplete": 2 }),
        "{response}"
    );
    assert_counts(&lab.sums(), &counted(&[call()]));
}

#[test]
fn unknown_members_of_a_payload_are_ignored() {
    let records = Calls::new(20).records();
    let messages = records.iter().map(|record| {
        json!({
            "id": "1", "timestamp": 1, "message": record.to_string(),
            "extractedFields": { "$.eventName": "Other", "message": "{\"eventName\":\"no\"}" },
        })
    });
    let message = json!({
        "messageType": "DATA_MESSAGE", "policyLevel": "ACCOUNT_LEVEL_POLICY", "new": [{}],
        "logEvents": messages.collect::<Vec<_>>(),
    });
    let mut lab = Lab::new(&[]);
    let response = lab.deliver_raw(&wrap_bytes(&gzip(message.to_string().as_bytes())));
    assert_eq!(
        (count(&response, "published"), skipped(&response)),
        (20, 0),
        "{response}"
    );
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn a_payload_may_hold_what_looks_like_a_second_one() {
    // One in 16 million places in compressed bytes looks like the beginning of a gzip file. Here it
    // is the name that such a file may have.
    let records = Calls::new(20).records();
    let messages: Vec<_> = records
        .iter()
        .map(|it| json!({ "message": it.to_string() }))
        .collect();
    let message = json!({ "messageType": "DATA_MESSAGE", "logEvents": messages }).to_string();
    let name = b"\x1f\x8b\x08".to_vec();
    let mut encoder = GzBuilder::new()
        .filename(name)
        .write(Vec::new(), Compression::fast());
    encoder.write_all(message.as_bytes()).unwrap();
    let mut lab = Lab::new(&[]);
    let response = lab.deliver_raw(&wrap_bytes(&encoder.finish().unwrap()));
    assert_eq!(count(&response, "published"), 20, "{response}");
}

#[test]
fn members_that_no_metric_needs_may_be_missing() {
    let members = json!({
        "userIdentity": null, "eventVersion": null, "eventID": null, "readOnly": null,
        "recipientAccountId": null, "userAgent": null, "eventCategory": null,
    });
    let bare = with(call(), &members);
    let mut lab = Lab::new(&[(
        "TRAILTAB_USAGE_METRICS",
        "errors,access,principals,accounts",
    )]);
    let response = lab.deliver(&[bare]);
    assert_eq!(count(&response, "published"), 1, "{response}");
    nothing_is_a_dash(&lab);
}

#[test]
fn payloads_that_cannot_be_read_are_answered() {
    let whole = String::from_utf8(payload(&Calls::new(200).records())).unwrap();
    let whole: Value = serde_json::from_str(&whole).unwrap();
    let data = whole["awslogs"]["data"].as_str().unwrap();
    let payloads: Vec<(&str, Vec<u8>)> = vec![
        (
            "no base64",
            json!({ "awslogs": { "data": "?!" } }).to_string().into(),
        ),
        ("no gzip", wrap_bytes(b"{\"messageType\":\"DATA_MESSAGE\"}")),
        ("gzip of no JSON", wrap_bytes(&gzip(b"hello"))),
        ("gzip of nothing", wrap_bytes(&gzip(b""))),
        (
            "gzip of something else",
            wrap_bytes(&gzip(b"{\"a\":[1,2]}")),
        ),
        (
            "gzip cut off",
            json!({ "awslogs": { "data": &data[..data.len() / 8 * 4] } })
                .to_string()
                .into(),
        ),
        ("no data", json!({ "awslogs": {} }).to_string().into()),
        (
            "data that is no text",
            json!({ "awslogs": { "data": 7 } }).to_string().into(),
        ),
        ("no awslogs", json!({ "hello": "world" }).to_string().into()),
        ("an empty object", b"{}".to_vec()),
        ("null", b"null".to_vec()),
        ("text", b"\"hello\"".to_vec()),
        (
            "a timer",
            json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} })
                .to_string()
                .into(),
        ),
    ];
    let mut lab = Lab::new(&[]);
    for (what, payload) in &payloads {
        let response = lab.deliver_raw(payload);
        let known = ["gzip of nothing", "null", "an empty object"];
        if !known.contains(what) {
            let others = skipped(&response) + unreadable(&response);
            assert!(others >= 1, "{what}: {response}");
        }
        if *what != "gzip cut off" {
            assert_eq!(count(&response, "published"), 0, "{what}: {response}");
        }
    }
    let before = lab.sums();
    let records = Calls {
        seed: 9,
        apis: 3,
        ..Calls::new(50)
    }
    .records();
    let response = lab.deliver(&records);
    assert_eq!(count(&response, "published"), 50);
    let mut expected = counted(&records);
    for (key, count) in before {
        *expected.entry(key).or_default() += count;
    }
    assert_counts(&lab.sums(), &expected);
    nothing_is_a_dash(&lab);
}

#[test]
fn hostile_texts_stay_texts() {
    let mut lab = Lab::new(&[("TRAILTAB_USAGE_METRICS", "principals")]);
    let names = [
        "a\"b\\c",
        "{\"_aws\":1}",
        "=HYPERLINK()",
        "<b>",
        "%s%n",
        ":colon",
    ];
    let records: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(seed, name)| with(numbered(seed as u64 + 1), &json!({ "eventName": name })))
        .collect();
    let response = lab.deliver(&records);
    assert_eq!(count(&response, "published"), names.len() as u64);
    let sums = lab.sums();
    for name in names {
        assert!(sums.keys().any(|key| key.name == name), "{name}");
    }
}
