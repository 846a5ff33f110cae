//! LookupEvents of the fake AWS server: pages, tokens and filters.

use serde_json::{Value, json};

use super::client::{ANN, HOUR, NOW, all, fast, id, ids, lookup, refused, server};
use crate::support::aws::{Event, Outcome, Server, World, events, rfc3339};

#[test]
fn pages_give_every_event_once_and_the_newest_first() {
    let server = server(120);
    let found = all(&server, json!({}));
    let truth = server.world().truth(ANN, "us-east-1", 0, NOW);
    assert_eq!(found, truth.iter().map(id).collect::<Vec<_>>());
    assert!(truth.is_sorted_by_key(|event| -event.time));
    let sizes = [json!({}), json!({ "MaxResults": 7 })].map(|parameters| {
        let (_, page) = lookup(&server, &parameters);
        ids(&page).len()
    });
    assert_eq!(sizes, [50, 7]);
    assert_eq!(server.violations(), [""; 0]);
    let sums = server.sums()[&(ANN.to_owned(), "us-east-1".to_owned())];
    assert_eq!((sums.requests, sums.granted, sums.throttled), (5, 5, 0));
    assert!(sums.first_arrival > 0.0 && sums.last_answer > sums.first_arrival);
}

#[test]
fn a_full_last_page_has_no_token() {
    let (_, page) = lookup(&server(50), &json!({}));
    assert_eq!(ids(&page).len(), 50);
    assert_eq!(page["NextToken"], Value::Null);
}

#[test]
fn an_entry_says_what_the_record_says() {
    let server = server(200);
    let mut parameters = json!({ "MaxResults": 50 });
    let (_, page) = lookup(&server, &parameters);
    for entry in page["Events"].as_array().unwrap() {
        let record = entry["CloudTrailEvent"].as_str().unwrap();
        let record: Value = serde_json::from_str(record).unwrap();
        assert_eq!(record["eventID"], entry["EventId"]);
        assert_eq!(record["eventName"], entry["EventName"]);
        let read_only = record["readOnly"].as_bool().unwrap().to_string();
        assert_eq!(entry["ReadOnly"], read_only);
        let time = rfc3339(entry["EventTime"].as_f64().unwrap() as i64);
        assert_eq!(record["eventTime"], time);
    }
    for (name, value, count) in [
        ("Username", "session-5", None),
        ("ReadOnly", "false", None),
        ("EventSource", "kms.amazonaws.com", None),
        ("Username", "Session-5", Some(0)),
        ("ResourceName", "user-1", Some(0)),
    ] {
        parameters["LookupAttributes"] = json!([{ "AttributeKey": name, "AttributeValue": value }]);
        let found = all(&server, parameters.clone());
        match count {
            Some(count) => assert_eq!(found.len(), count, "{name}"),
            None => assert!((5..150).contains(&found.len()), "{name}: {}", found.len()),
        }
    }
}

#[test]
fn both_ends_are_included() {
    let burst = events(ANN, "us-east-1", 120, NOW - 10, NOW - 10, 1);
    let old = events(
        ANN,
        "us-east-1",
        3,
        NOW - 91 * 24 * HOUR,
        NOW - 90 * 24 * HOUR - 1,
        2,
    );
    let region = fast().events(burst).events(old);
    let server = Server::start(World::new(NOW).region(ANN, "us-east-1", region));
    let count = |since: f64, until: f64| {
        let window = json!({ "StartTime": since, "EndTime": until });
        all(&server, window).len()
    };
    let second = (NOW - 10) as f64;
    assert_eq!(count(second, second), 120);
    assert_eq!(count(second + 1.0, second + 5.0), 0);
    assert_eq!(count(second - 5.0, second - 1.0), 0);
    assert_eq!(count(second - 5.0, second + 0.5), 120);
    assert_eq!(all(&server, json!({})).len(), 120, "older than 90 days");
    refused(
        &server,
        &json!({ "StartTime": second, "EndTime": second - 1.0 }),
        "InvalidTimeRangeException",
    );
}

#[test]
fn parameters_that_are_wrong_are_refused() {
    let server = server(1);
    refused(
        &server,
        &json!({ "MaxResults": 51 }),
        "InvalidMaxResultsException",
    );
    refused(
        &server,
        &json!({ "MaxResults": 0 }),
        "InvalidMaxResultsException",
    );
    refused(
        &server,
        &json!({ "NextToken": "x" }),
        "InvalidNextTokenException",
    );
    refused(
        &server,
        &json!({ "EventCategory": "x" }),
        "InvalidEventCategoryException",
    );
    let attribute = json!({ "AttributeKey": "eventName", "AttributeValue": "x" });
    refused(
        &server,
        &json!({ "LookupAttributes": [attribute] }),
        "InvalidLookupAttributesException",
    );
    assert_eq!(all(&server, json!({ "EventCategory": "insight" })), [""; 0]);
    let outcome = &server.requests()[0].outcome;
    assert_eq!(
        outcome,
        &Outcome::Denied("InvalidMaxResultsException".to_owned())
    );
    let read = json!({ "AttributeKey": "ReadOnly", "AttributeValue": "x" });
    lookup(&server, &json!({ "LookupAttributes": [read, read] }));
    let violations = server.violations();
    assert_eq!(violations.len(), 2, "{violations:?}");
    assert!(violations[1].contains("more than one attribute"));
}

#[test]
fn a_token_is_bound_to_its_parameters_and_ends() {
    let burst = || events(ANN, "us-east-1", 120, NOW, NOW, 1);
    let world = World::new(NOW).region(ANN, "us-east-1", fast().events(burst()));
    let server = Server::start(world.token_life(2, f64::INFINITY));
    let (_, page) = lookup(&server, &json!({ "EndTime": NOW }));
    let next = |end: i64| json!({ "EndTime": end, "NextToken": page["NextToken"] });
    refused(&server, &next(NOW + 1), "InvalidNextTokenException");
    let pages = [0, 1].map(|_| lookup(&server, &next(NOW)).1);
    assert_eq!(
        ids(&pages[0]),
        ids(&pages[1]),
        "asking again gives the same"
    );
    refused(&server, &next(NOW), "InvalidNextTokenException");
    let small = json!({ "MaxResults": 9, "NextToken": "x" });
    refused(&server, &small, "InvalidNextTokenException");
    let violations = server.violations().join("\n");
    for what in [
        "other parameters",
        "has ended",
        "less than 50",
        "nobody issued",
    ] {
        assert!(violations.contains(what), "{violations}");
    }

    let world = World::new(NOW).region(ANN, "us-east-1", fast().events(burst()));
    let server = Server::start(world.token_life(9, 0.0));
    let (_, page) = lookup(&server, &json!({}));
    let next = json!({ "NextToken": page["NextToken"] });
    refused(&server, &next, "InvalidNextTokenException");
}

#[test]
fn generated_events_differ_and_are_always_the_same() {
    let make = |seed| events(ANN, "us-east-1", 500, NOW - HOUR, NOW, seed);
    let records = |events: Vec<Event>| -> Vec<String> {
        events.into_iter().map(|event| event.record).collect()
    };
    let mut ids: Vec<_> = make(1).iter().chain(&make(2)).map(id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1000);
    assert_eq!(records(make(1)), records(make(1)));
    assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
    assert_eq!(rfc3339(NOW), "2026-09-07T08:00:00Z");
    assert_eq!(rfc3339(951_782_399), "2000-02-28T23:59:59Z");
    assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
}
