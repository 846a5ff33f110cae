//! The fake AWS server injects the faults that a test asks for.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{ids, key, lookup, server, signed};
use crate::support::aws::{Fault, Outcome, Request};

#[test]
fn faults_come_where_and_as_often_as_rules_say() {
    let server = server(120);
    let always = usize::MAX;
    server.fail(1, Fault::error(500, "InternalFailure", ""), |request| {
        request.is_lookup() && request.nth == 1
    });
    server.fail(2, Fault::throttling(), |request| request.nth < 4);
    server.fail(1, Fault::EmptyPage, |request| request.nth == 4);
    server.fail(1, Fault::Garbage, |request| request.nth == 5);
    server.fail(1, Fault::Delay(Duration::from_millis(30)), |request| {
        request.nth == 6
    });
    server.fail(always, Fault::SameToken, Request::has_token);
    let statuses = [0; 3].map(|_| lookup(&server, &json!({})).0);
    assert_eq!(statuses, [500, 400, 400]);
    let (_, empty) = lookup(&server, &json!({}));
    assert_eq!(ids(&empty), [""; 0]);
    assert_eq!(lookup(&server, &json!({})).1, Value::Null, "no JSON");
    let next = json!({ "NextToken": empty["NextToken"] });
    let (_, late) = lookup(&server, &next);
    let (_, again) = lookup(&server, &next);
    assert_eq!(ids(&late), ids(&again));
    assert_eq!(again["NextToken"], next["NextToken"], "for ever");
    let outcomes: Vec<_> = server
        .requests()
        .into_iter()
        .map(|entry| entry.outcome)
        .collect();
    let fault = |name: &str| Outcome::Fault(name.to_owned());
    assert_eq!(
        outcomes[..3],
        [
            fault("InternalFailure"),
            Outcome::Throttled,
            Outcome::Throttled
        ]
    );
    assert_eq!(outcomes[3..5], [fault("EmptyPage"), fault("Garbage")]);
    assert_eq!(outcomes[6], fault("SameToken"));
}

#[test]
fn connections_break() {
    let server = server(9);
    let target = "CloudTrail_20131101.LookupEvents";
    for fault in [Fault::Drop, Fault::Cut] {
        server.fail(1, fault, |_| true);
        let key = key(&server);
        let scope = "us-east-1/cloudtrail";
        let answer = signed(&server, &key, scope, "POST / HTTP/1.1", target, "{}");
        assert!(answer.is_none());
    }
    assert_eq!(lookup(&server, &json!({})).0, 200);
}

#[test]
fn denials_name_their_reason() {
    let server = server(1);
    server.fail(1, Fault::forbidden_by_policy(), |_| true);
    server.fail(1, Fault::not_opted_in(), |_| true);
    let (status, body) = lookup(&server, &json!({}));
    assert_eq!(
        (status, &body["__type"]),
        (400, &json!("AccessDeniedException"))
    );
    let message = body["message"].as_str().unwrap();
    assert!(message.contains("explicit deny in a service control policy"));
    let (status, body) = lookup(&server, &json!({}));
    assert_eq!((status, &body["__type"]), (403, &json!("OptInRequired")));
}
