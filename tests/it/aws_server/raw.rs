//! What the server says, byte by byte, to a client that knows nothing but HTTP.

use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::aws::{
    Bucket, Event, Fault, Key, OptIn, Other, Outcome, Quota, Region, SECRET, Server, World, events,
    rfc3339,
};
use crate::support::http::Message;

const ANN: &str = "111122223333";
const NOW: i64 = 1_788_768_000;
const HOUR: i64 = 3600;

/// A region whose quota is no concern.
fn fast() -> Region {
    Region::new().quota(1e6, 1e6)
}

/// A server with some events of the last hour in us-east-1.
fn server(count: usize) -> Server {
    let events = events(ANN, "us-east-1", count, NOW - HOUR, NOW, 1);
    Server::start(World::new(NOW).region(ANN, "us-east-1", fast().events(events)))
}

/// A key that never ends.
fn key(server: &Server) -> Key {
    server.issue(ANN, f64::INFINITY)
}

/// Sends one request over a connection of its own; `None` if no whole answer came.
fn send(server: &Server, start: &str, headers: &[(&str, &str)], body: &str) -> Option<Message> {
    let mut request = Message::new(start, body.as_bytes());
    for (name, value) in headers {
        request.headers.push(((*name).into(), (*value).into()));
    }
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream.write_all(request.head().as_bytes()).unwrap();
    stream.write_all(&request.body).unwrap();
    Message::read(&mut BufReader::new(stream)).ok().flatten()
}

/// Sends a request that is signed, as far as anybody looks.
fn signed(
    server: &Server,
    key: &Key,
    scope: &str,
    start: &str,
    target: &str,
    body: &str,
) -> Option<Message> {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/20260907/{scope}/aws4_request, Signature=0",
        key.access_key
    );
    let mut headers = vec![
        ("Authorization", authorization.as_str()),
        ("User-Agent", "aws-sdk-rust/1 app/trailtab"),
    ];
    if let Some(token) = &key.session_token {
        headers.push(("X-Amz-Security-Token", token));
    }
    if !target.is_empty() {
        headers.push(("X-Amz-Target", target));
    }
    send(server, start, &headers, body)
}

fn lookup_in(server: &Server, key: &Key, region: &str, parameters: &Value) -> (u16, Value) {
    let scope = format!("{region}/cloudtrail");
    let target = "CloudTrail_20131101.LookupEvents";
    let body = parameters.to_string();
    let answer = signed(server, key, &scope, "POST / HTTP/1.1", target, &body).unwrap();
    let body = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status(), body)
}

fn lookup(server: &Server, parameters: &Value) -> (u16, Value) {
    lookup_in(server, &key(server), "us-east-1", parameters)
}

/// Asks with a form, and returns the status and the XML.
fn query(server: &Server, key: &Key, service: &str, form: &str) -> (u16, String) {
    let scope = format!("us-east-1/{service}");
    let answer = signed(server, key, &scope, "POST / HTTP/1.1", "", form).unwrap();
    (answer.status(), String::from_utf8(answer.body).unwrap())
}

/// Demands an error of LookupEvents.
#[track_caller]
fn refused(server: &Server, parameters: &Value, code: &str) {
    let (status, body) = lookup(server, parameters);
    assert_eq!(
        (status, &body["__type"]),
        (400, &json!(code)),
        "{parameters}"
    );
}

fn ids(page: &Value) -> Vec<String> {
    let events = page["Events"].as_array().unwrap();
    let id = |event: &Value| event["EventId"].as_str().unwrap().to_owned();
    events.iter().map(id).collect()
}

/// Follows the tokens to the end.
fn all(server: &Server, mut parameters: Value) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        let (status, page) = lookup(server, &parameters);
        assert_eq!(status, 200, "{page}");
        found.append(&mut ids(&page));
        match &page["NextToken"] {
            Value::Null => return found,
            token => parameters["NextToken"] = token.clone(),
        }
    }
}

fn id(event: &Event) -> String {
    event.id.clone()
}

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
fn what_exceeds_the_quota_is_throttled() {
    for burst in [1, 2] {
        // It would take hours to get another token.
        let region = || Region::new().quota(1e-4, f64::from(burst));
        let world = World::new(NOW).region(ANN, "us-east-1", region());
        let server = Server::start(world.region(ANN, "eu-west-1", region()));
        for _ in 0..burst {
            assert_eq!(lookup(&server, &json!({})).0, 200);
        }
        for _ in 0..3 {
            let (status, body) = lookup(&server, &json!({}));
            assert_eq!(status, 400);
            assert_eq!(
                body,
                json!({ "__type": "ThrottlingException", "message": "Rate exceeded" })
            );
        }
        assert_eq!(
            lookup_in(&server, &key(&server), "eu-west-1", &json!({})).0,
            200
        );
        let sums = server.sums()[&(ANN.to_owned(), "us-east-1".to_owned())];
        assert_eq!((sums.granted, sums.throttled), (burst as usize, 3));
    }
}

/// Asks for a token at each of these times, and returns how many there were.
fn granted(quota: Quota, times: impl Iterator<Item = f64>) -> usize {
    let mut bucket = Bucket::new(&quota);
    times.filter(|time| bucket.take(*time)).count()
}

#[test]
fn the_bucket_fills_by_its_rate() {
    let quota = |burst| Quota {
        burst,
        ..Quota::default()
    };
    let every = |gap: f64| {
        (0..)
            .map(move |n| f64::from(n) * gap)
            .take_while(|time| *time < 60.0)
    };
    for burst in [1.0, 2.0] {
        assert_eq!(
            granted(quota(burst), every(0.5)),
            120,
            "exactly at the quota"
        );
        assert_eq!(granted(quota(burst), every(2.0)), 30, "far below it");
        let most = granted(quota(burst), every(0.01));
        assert!(
            (119..=121).contains(&most),
            "throttled requests cost nothing: {most}"
        );
    }
    assert_eq!(
        granted(quota(1.0), every(0.34)),
        89,
        "each second request waits for nothing"
    );
}

#[test]
fn another_caller_takes_its_part() {
    let other = Other {
        rate: 1.0,
        from: 0.0,
        until: 30.0,
    };
    let quota = Quota {
        others: vec![other],
        ..Quota::default()
    };
    let every = (1..=6000).map(|n| f64::from(n) / 100.0);
    let both = granted(quota, every);
    // One token a second for 30 seconds, then two.
    assert!((88..=92).contains(&both), "{both}");
    let from = Other {
        from: 1e-9,
        ..other
    };
    assert!(from.until > from.from);
}

#[test]
fn regions_answer_late_and_callers_share_on_the_wire() {
    let region = Region::new()
        .quota(1e-4, 2.0)
        .other(1e-3, 0.0, 1.0)
        .latency(20..=30);
    let server = Server::start(World::new(NOW).region(ANN, "us-east-1", region));
    let statuses = [0, 1].map(|_| lookup(&server, &json!({})).0);
    assert_eq!(statuses, [200, 400], "the other caller has taken one token");
    let requests = server.requests();
    for entry in requests {
        let took = entry.answered.unwrap() - entry.arrived;
        assert!(took >= 0.02, "{took}");
    }
}

#[test]
fn keys_end_and_regions_are_closed() {
    let world = World::new(NOW).region(ANN, "us-east-1", fast());
    let world = world.region(ANN, "me-south-1", fast().opt_in(OptIn::Disabled));
    let server = Server::start(world);
    let code = |key: &Key, region: &str| {
        let (status, body) = lookup_in(&server, key, region, &json!({}));
        assert_eq!(status, 400);
        body["__type"].as_str().unwrap().to_owned()
    };
    let unrecognized = "UnrecognizedClientException";
    assert_eq!(code(&key(&server), "me-south-1"), unrecognized);
    assert_eq!(code(&key(&server), "mars-1"), unrecognized);
    let ended = server.issue(ANN, 0.0);
    assert_eq!(code(&ended, "us-east-1"), "ExpiredTokenException");
    let mut other = key(&server);
    other.session_token = None;
    assert_eq!(code(&other, "us-east-1"), unrecognized);
    let (status, body) = query(&server, &ended, "sts", "Action=GetCallerIdentity");
    assert_eq!(status, 403);
    assert!(body.contains("<Code>ExpiredToken</Code>"), "{body}");
    let target = ("X-Amz-Target", "CloudTrail_20131101.LookupEvents");
    let answer = send(&server, "POST / HTTP/1.1", &[target], "{}").unwrap();
    assert_eq!(
        answer.header("x-amzn-errortype"),
        Some("MissingAuthenticationTokenException")
    );
    let violations = server.violations();
    assert_eq!(violations.len(), 2, "{violations:?}");
}

#[test]
fn containers_get_keys() {
    let server = Server::start(World::new(NOW).account(ANN).lifetime(900.0, 0.0));
    let variables = server.container(ANN);
    let (_, uri) = variables.last().unwrap();
    let path = uri.strip_prefix(&server.url()).unwrap();
    let answer = send(&server, &format!("GET {path} HTTP/1.1"), &[], "").unwrap();
    let given: Value = serde_json::from_slice(&answer.body).unwrap();
    let text = |name: &str| given[name].as_str().unwrap().to_owned();
    assert_eq!(
        (text("AccountId"), text("SecretAccessKey")),
        (ANN.to_owned(), SECRET.to_owned())
    );
    let key = Key {
        access_key: text("AccessKeyId"),
        session_token: Some(text("Token")),
        ..key(&server)
    };
    let (_, body) = lookup_in(&server, &key, "us-east-1", &json!({}));
    assert_eq!(
        body["__type"], "ExpiredTokenException",
        "sooner than it says"
    );
}

#[test]
fn roles_are_assumed_where_there_are_any() {
    let world = World::new(NOW)
        .account(ANN)
        .role("012345678901", "path/audit");
    let server = Server::start(world);
    let assume = |role: &str| {
        let form = format!("Action=AssumeRole&RoleSessionName=me&RoleArn={role}");
        query(&server, &key(&server), "sts", &form)
    };
    let (status, body) = assume("arn%3Aaws%3Aiam%3A%3A012345678901%3Arole%2Fpath%2Faudit");
    assert_eq!(status, 200, "{body}");
    let between = |from: &str, to: &str| {
        let (_, rest) = body.split_once(from).unwrap();
        rest.split_once(to).unwrap().0.to_owned()
    };
    let key = Key {
        access_key: between("<AccessKeyId>", "<"),
        session_token: Some(between("<SessionToken>", "<")),
        ..key(&server)
    };
    let (_, body) = query(&server, &key, "sts", "Action=GetCallerIdentity");
    assert!(
        body.contains("arn:aws:sts::012345678901:assumed-role/audit/me"),
        "{body}"
    );
    let (status, body) = assume("arn:aws:iam::012345678901:role/admin");
    assert_eq!(status, 403);
    assert!(body.contains("<Code>AccessDenied</Code>"), "{body}");
}

#[test]
fn ec2_lists_the_regions_that_are_enabled() {
    let world = World::new(NOW).account(ANN);
    let world = world.region(ANN, "af-south-1", Region::new().opt_in(OptIn::Enabled));
    let world = world.region(ANN, "me-south-1", Region::new().opt_in(OptIn::Disabled));
    let server = Server::start(world.deny("012345678901", "ec2:DescribeRegions"));
    let key = key(&server);
    let (_, body) = query(
        &server,
        &key,
        "ec2",
        "Action=DescribeRegions&Version=2016-11-15",
    );
    let item = |name: &str, status: &str| {
        format!(
            "<item><regionName>{name}</regionName>\
             <regionEndpoint>ec2.{name}.amazonaws.com</regionEndpoint>\
             <optInStatus>{status}</optInStatus></item>"
        )
    };
    assert!(
        body.contains(&item("us-east-1", "opt-in-not-required")),
        "{body}"
    );
    assert!(body.contains(&item("af-south-1", "opted-in")));
    assert!(!body.contains("me-south-1"));
    let (_, body) = query(
        &server,
        &key,
        "ec2",
        "Action=DescribeRegions&AllRegions=true",
    );
    assert!(body.contains(&item("me-south-1", "not-opted-in")));
    let other = server.issue("012345678901", 60.0);
    let (status, body) = query(&server, &other, "ec2", "Action=DescribeRegions");
    assert_eq!(status, 403);
    assert!(body.starts_with("<?xml") && body.contains("<Code>UnauthorizedOperation</Code>"));
}

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
    server.fail(always, Fault::SameToken, |request| request.has_token());
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
