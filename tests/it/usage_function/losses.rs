//! Nothing is lost in silence: in each fault the counts of health add up, the log says what is missing, and a
//! repetition completes what it can.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::lab::{AMPLE, Counts, Lab, SHORT, assert_counts, count, failure, response, unreadable};
use super::retries::{ROOMY, chunk, distinct};
use crate::support::calls::{
    Calls, call, control_message, counted, name, numbered, payload, payload_of, with, wrap_bytes,
};
use crate::support::cloudwatch::{Fault, Request};
use crate::support::envelopes::gzip;
use crate::support::proxy::Fault as S3Fault;
use crate::support::queue::{Queue, QueueFault};
use crate::support::runtime_api::ARN;

/// The lines of the log that hold a text.
fn logged(lab: &Lab, text: &str) -> Vec<Value> {
    let lines = lab.function.settled_lines().into_iter();
    let lines = lines.filter(|line| line.contains(text));
    lines
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect()
}

/// The payload of 500 calls with a damage in its gzip.
fn damaged_payload(damage: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let whole: Value = serde_json::from_slice(&payload(&Calls::new(500).records())).unwrap();
    let mut gzip = STANDARD
        .decode(whole["awslogs"]["data"].as_str().unwrap())
        .unwrap();
    damage(&mut gzip);
    json!({ "awslogs": { "data": STANDARD.encode(gzip) } })
        .to_string()
        .into_bytes()
}

/// The payload of 500 calls, cut in its gzip.
fn cut_payload() -> Vec<u8> {
    damaged_payload(|gzip| gzip.truncate(gzip.len() / 2))
}

#[test]
fn a_payload_cut_in_its_gzip_is_unreadable_and_named() {
    let mut lab = Lab::new(&[]);
    let response = lab.deliver_raw(&cut_payload());
    assert_eq!(response["unreadable"], json!({ "broken": 1 }));
    assert_eq!(count(&lab.health(), "EventsUnreadable"), 1);
    let lines = logged(&lab, "could not be read");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["level"], "ERROR");
    assert_eq!(lines[0]["logGroup"], "CloudTrail/trailtab");
    assert_eq!(lines[0]["logStream"], "111122223333_CloudTrail_us-east-1");
}

#[test]
fn nothing_of_a_damaged_payload_is_published() {
    let wrong_checksum = damaged_payload(|gzip| {
        let checksum = gzip.len() - 8;
        gzip[checksum] ^= 1;
    });
    for payload in [cut_payload(), wrong_checksum] {
        let mut lab = Lab::new(&[]);
        let response = lab.deliver_raw(&payload);
        assert_eq!(
            (&response["received"], &response["published"]),
            (&json!(1), &json!(0))
        );
        assert_eq!(count(&lab.health(), "EventsUnreadable"), 1);
        assert_counts(&lab.sums(), &counted(&[]));
    }
}

/// Good calls, and two messages that cannot be read.
fn mixed() -> (Vec<Value>, Vec<u8>) {
    let good = Calls::new(20).records();
    let mut messages: Vec<_> = good.iter().map(Value::to_string).collect();
    let whole = call().to_string();
    messages.insert(3, whole[..whole.len() / 2].to_owned());
    messages.push(with(numbered(900), &json!({ "awsRegion": null })).to_string());
    (good, payload_of(&messages))
}

#[test]
fn messages_that_cannot_be_read_are_named_and_the_others_published() {
    let mut lab = Lab::new(&[]);
    let (good, payload) = mixed();
    let response = lab.deliver_raw(&payload);
    assert_eq!(
        response["unreadable"],
        json!({ "incomplete": 1, "truncated": 1 })
    );
    assert_eq!(count(&lab.health(), "EventsUnreadable"), 2);
    assert_counts(&lab.sums(), &counted(&good));
    let ids: Vec<_> = logged(&lab, "a message could not be read")
        .iter()
        .map(|line| line["messageId"].as_str().unwrap().parse::<u64>().unwrap())
        .collect();
    assert_eq!(ids, [3, 21]);
}

#[test]
fn harmless_messages_are_not_unreadable() {
    let mut lab = Lab::new(&[]);
    lab.deliver_raw(&control_message());
    lab.deliver_raw(&payload_of(&[call().to_string(), call().to_string()]));
    assert_eq!(lab.in_all_attempts("EventsUnreadable"), 0);
    assert_eq!(lab.in_all_attempts("EventsSkipped"), 2);
    assert_eq!(logged(&lab, "could not be read").len(), 0);
}

#[test]
fn a_long_list_of_messages_is_cut_in_the_log() {
    let whole = call().to_string();
    let messages = vec![&whole[..whole.len() / 2]; 50];
    let mut lab = Lab::new(&[]);
    lab.deliver_raw(&payload_of(&messages));
    assert_eq!(count(&lab.health(), "EventsUnreadable"), 50);
    let mut ids: Vec<_> = logged(&lab, "a message could not be read")
        .iter()
        .map(|line| line["messageId"].clone())
        .collect();
    assert_eq!(ids.len(), 20);
    let others = logged(&lab, "30 more messages");
    assert_eq!(others.len(), 1);
    // Each message is named all the same.
    ids.extend(others[0]["messageIds"].as_array().unwrap().iter().cloned());
    let numbers = ids
        .iter()
        .map(|id| id.as_str().unwrap().parse::<usize>().unwrap());
    assert!(numbers.eq(0..50), "{ids:?}");
}

/// A message of two records, the second of which is cut.
fn half_readable() -> String {
    let cut = numbered(501).to_string();
    format!(
        r#"{{"Records":[{},{}"#,
        numbered(500),
        &cut[..cut.len() / 2]
    )
}

#[test]
fn a_dead_letter_holds_nothing_that_was_counted() {
    let queue = Queue::start();
    let url = queue.url();
    // Without a ledger, nothing else keeps its events from being counted twice.
    let mut lab = Lab::new(&[("TRAILTAB_USAGE_DEAD_LETTERS", url.as_str())]);
    let good = Calls::new(3).records();
    let mut messages: Vec<_> = good.iter().map(Value::to_string).collect();
    messages.insert(1, half_readable());
    let cut_json = {
        let whole = Calls::new(9).records();
        let json = format!(
            r#"{{"logEvents":[{{"message":{}}}"#,
            json!(whole[0].to_string())
        );
        wrap_bytes(&gzip(json.as_bytes()))
    };
    for (delivery, published) in [(payload_of(&messages), 3), (cut_json, 0)] {
        let response = lab.deliver_raw(&delivery);
        assert_eq!(
            (count(&response, "published"), unreadable(&response)),
            (published, 1)
        );
        let letter = queue.messages().pop().unwrap();
        let again = lab.deliver_raw(letter.as_bytes());
        assert_eq!((count(&again, "published"), unreadable(&again)), (0, 1));
    }
    assert_counts(&lab.sums(), &counted(&good));
}

#[test]
fn events_besides_a_dead_letter_are_received_once() {
    let queue = Queue::start();
    let url = queue.url();
    let settings = [("TRAILTAB_USAGE_DEAD_LETTERS", url.as_str())];
    let cut = numbered(1).to_string();
    let old = with(numbered(2), &json!({ "eventTime": "2020-01-01T00:00:00Z" }));
    let insight = with(
        numbered(3),
        &json!({ "eventCategory": "Insight", "eventType": "AwsCloudTrailInsight" }),
    );
    let payload = payload_of(&[
        cut[..cut.len() / 2].to_owned(),
        old.to_string(),
        insight.to_string(),
    ]);
    for mut lab in [
        Lab::new(&settings),
        Lab::with_ledger("beside-letters", &settings),
    ] {
        for _ in 0..2 {
            queue.fail(QueueFault::Error(403, "AccessDenied"));
            failure(lab.attempt(&payload, AMPLE));
        }
        lab.deliver_raw(&payload);
        for (name, events) in [
            ("Received", 3),
            ("Skipped", 1),
            ("Refused", 1),
            ("Unreadable", 1),
        ] {
            assert_eq!(
                lab.in_all_attempts(&format!("Events{name}")),
                events,
                "{name}"
            );
        }
    }
}

#[test]
fn a_dead_letter_that_nothing_can_send_is_a_loss() {
    let queue = Queue::start();
    queue.fail(QueueFault::Error(403, "AccessDenied"));
    let url = queue.url();
    // Without a ledger, a delivery of which a part was published is not retried.
    let mut lab = Lab::new(&[("TRAILTAB_USAGE_DEAD_LETTERS", url.as_str())]);
    let (_, payload) = mixed();
    lab.deliver_raw(&payload);
    assert_eq!(count(&lab.health(), "EventsUnreadable"), 2);
    assert_eq!(count(&lab.health(), "EventsDeferred"), 0);
}

#[test]
fn pages_of_a_proxy_are_not_taken_for_success() {
    let records = Calls::new(10).records();
    let mut lab = Lab::new(&[]);
    lab.cloudwatch.fail(1, Fault::Page(200), |_| true);
    assert_eq!(count(&lab.deliver(&records), "unconfirmed"), 10);
    assert!(!logged(&lab, "a page of HTML").is_empty());
    // In place of S3: nothing is claimed, so the delivery is left to its retry.
    let mut lab = Lab::with_ledger("pages-of-success", &[]);
    for method in ["GET", "PUT"] {
        let proxy = &lab.bucket.as_ref().unwrap().proxy;
        proxy.fail(1, S3Fault::Page(200), move |request| {
            request.method == method
        });
        let message = failure(lab.attempt(&payload(&records), AMPLE));
        assert!(message.contains("a page of HTML"), "{message}");
    }
    assert_eq!(lab.requests().len(), 0);
    assert_eq!(count(&lab.deliver(&records), "published"), 10);
    // In place of SQS.
    let queue = Queue::start();
    queue.fail(QueueFault::Page(200));
    let url = queue.url();
    let mut lab = Lab::new(&[("TRAILTAB_USAGE_DEAD_LETTERS", url.as_str())]);
    let (_, payload) = mixed();
    lab.deliver_raw(&payload);
    assert!(!logged(&lab, "may not be in the dead-letter queue").is_empty());
}

#[test]
fn what_cannot_be_read_is_kept_once_by_choice() {
    let queue = Queue::start();
    let url = queue.url();
    let settings = [("TRAILTAB_USAGE_DEAD_LETTERS", url.as_str())];
    let mut lab = Lab::with_ledger("letters", &settings);
    let (good, payload) = mixed();
    let response = lab.deliver_raw(&payload);
    assert_eq!(count(&response, "published"), 20);
    let letters = queue.messages();
    assert_eq!(letters.len(), 1);
    // A repeated delivery keeps and counts nothing again.
    lab.function.restart();
    lab.deliver_raw(&payload);
    assert_eq!(queue.messages(), letters);
    assert_eq!(lab.in_all_attempts("EventsUnreadable"), 2);
    assert_eq!(lab.in_all_attempts("EventsReceived"), 22);
    // The letter is a delivery of what could not be read.
    let again = lab.deliver_raw(letters[0].as_bytes());
    assert_eq!((unreadable(&again), count(&again, "published")), (2, 0));
    assert_counts(&lab.sums(), &counted(&good));
    // A delivery of which nothing can be read is kept as it is.
    let cut = cut_payload();
    lab.deliver_raw(&cut);
    assert_eq!(queue.messages().last().unwrap().as_bytes(), cut);
}

#[test]
fn a_delivery_that_fails_keeps_nothing_until_it_is_repeated() {
    let queue = Queue::start();
    let url = queue.url();
    // Without a ledger.
    let mut lab = Lab::new(&[("TRAILTAB_USAGE_DEAD_LETTERS", url.as_str())]);
    lab.cloudwatch.fail(usize::MAX, Fault::BUSY, |_| true);
    let (good, payload) = mixed();
    failure(lab.attempt(&payload, SHORT));
    assert_eq!(queue.requests(), 0);
    lab.cloudwatch.heal();
    lab.deliver_raw(&payload);
    assert_eq!(queue.messages().len(), 1);
    assert_eq!(lab.in_all_attempts("EventsUnreadable"), 2);
    assert_eq!(lab.in_all_attempts("EventsReceived"), 22);
    assert_counts(&lab.sums(), &counted(&good));
}

#[test]
fn a_queue_that_refuses_makes_the_delivery_fail() {
    let queue = Queue::start();
    let url = queue.url();
    let settings = [("TRAILTAB_USAGE_DEAD_LETTERS", url.as_str())];
    let mut lab = Lab::with_ledger("refused-letters", &settings);
    let (good, payload) = mixed();
    for (fault, words) in [
        (QueueFault::Error(403, "AccessDenied"), "AccessDenied"),
        (QueueFault::Page(403), "HTTP status 403"),
    ] {
        queue.fail(fault);
        let message = failure(lab.attempt(&payload, AMPLE));
        assert!(message.contains(words), "{message}");
        assert_eq!(queue.messages().len(), 0);
    }
    lab.deliver_raw(&payload);
    assert_eq!(queue.messages().len(), 1);
    assert_eq!(lab.in_all_attempts("EventsReceived"), 22);
    assert_counts(&lab.sums(), &counted(&good));
}

#[test]
fn a_queue_that_does_not_answer_is_not_asked_again() {
    let queue = Queue::start();
    let url = queue.url();
    let settings = [("TRAILTAB_USAGE_DEAD_LETTERS", url.as_str())];
    let mut lab = Lab::with_ledger("silent-queue", &settings);
    queue.fail(QueueFault::KeepAndClose);
    let (_, payload) = mixed();
    for _ in 0..2 {
        lab.deliver_raw(&payload);
        assert_eq!((queue.requests(), queue.messages().len()), (1, 1));
    }
    assert_eq!(lab.in_all_attempts("EventsUnreadable"), 2);
    assert!(!logged(&lab, "may not be in the dead-letter queue").is_empty());
}

/// A ledger that hangs at some request: the delivery ends nevertheless, and its repetition completes it.
#[track_caller]
fn hanging_ledger(bucket: &'static str, hangs_at: impl Fn(&str, &str) -> bool + Send + 'static) {
    let mut lab = Lab::with_ledger(bucket, &[]);
    let proxy = &lab.bucket.as_ref().unwrap().proxy;
    proxy.fail(usize::MAX, S3Fault::Hang, move |request| {
        hangs_at(&request.method, &request.key)
    });
    let records = Calls::new(100).records();
    let payload = payload(&records);
    let message = failure(lab.attempt(&payload, SHORT));
    assert!(message.contains("ledger"), "{message}");
    assert_eq!(count(&lab.health(), "EventsDeferred"), 100);
    assert_eq!(lab.requests().len(), 0);
    lab.bucket.as_ref().unwrap().proxy.forgive();
    assert_eq!(count(&lab.deliver(&records), "published"), 100);
    assert_eq!(lab.in_all_attempts("EventsReceived"), 100);
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn a_ledger_that_hangs_when_it_is_read_is_left_to_the_repetition() {
    hanging_ledger("hangs-read", |_, key| key.contains("/kept/"));
}

#[test]
fn a_ledger_that_hangs_when_it_is_written_is_left_to_the_repetition() {
    hanging_ledger("hangs-write", |method, key| {
        method == "PUT" && !key.contains("/kept/")
    });
}

#[test]
fn a_ledger_that_hangs_after_sending_does_not_delay_the_answer() {
    let mut lab = Lab::with_ledger("hangs-after", &[]);
    let proxy = &lab.bucket.as_ref().unwrap().proxy;
    let claims = AtomicUsize::new(0);
    proxy.fail(usize::MAX, S3Fault::Hang, move |request| {
        let is_entry = request.method == "PUT" && !request.key.contains("/kept/");
        is_entry && claims.fetch_add(1, Ordering::SeqCst) > 0
    });
    let records = Calls::new(100).records();
    let answer = response(lab.attempt(&payload(&records), SHORT));
    assert_eq!(count(&answer, "published"), 100);
    assert!(!logged(&lab, "no answer came in the time that was left").is_empty());
}

#[test]
fn a_proxy_in_place_of_aws_is_named_by_its_status() {
    let records = Calls::new(10).records();
    let payload = payload(&records);
    let mut lab = Lab::with_ledger("pages", &[]);
    lab.cloudwatch.fail(1, Fault::Page(403), |_| true);
    let message = failure(lab.attempt(&payload, AMPLE));
    assert!(
        message.contains("HTTP status 403, with a body of type text/html"),
        "{message}"
    );
    assert_eq!(count(&lab.health(), "EventsDeferred"), 10);
    let proxy = &lab.bucket.as_ref().unwrap().proxy;
    proxy.fail(1, S3Fault::Page(403), |request| request.method == "PUT");
    let message = failure(lab.attempt(&payload, AMPLE));
    assert!(
        message.contains("HTTP status 403, with a body of type text/html"),
        "{message}"
    );
    lab.cloudwatch.fail(1, Fault::Page(502), |_| true);
    let answer = lab.deliver(&records);
    assert_eq!(count(&answer, "unconfirmed"), 10, "{answer}");
    assert!(!logged(&lab, "HTTP status 502, with a body of type text/html").is_empty());
    assert_eq!(lab.in_all_attempts("EventsReceived"), 10);
}

/// Refuses requests with this API for their data, as often as they come.
fn refuse(lab: &Lab, api: usize) {
    let invalid = Fault::Error(400, "InvalidParameterValue");
    let has = move |request: &Request| request.has(&name(api));
    lab.cloudwatch.fail(usize::MAX, invalid, has);
}

/// The counts without an API.
fn without(records: &[Value], api: usize) -> Counts {
    let mut counts = counted(records);
    counts.retain(|key, _| key.name != name(api));
    counts
}

#[test]
fn one_datum_that_cloudwatch_refuses_costs_itself() {
    let mut lab = Lab::new(&[ROOMY]);
    refuse(&lab, 700);
    let records = distinct(1500);
    let response = lab.deliver(&records);
    assert_eq!(count(&response, "published"), 1499, "{response}");
    assert_eq!(count(&response, "refused"), 1, "{response}");
    assert_counts(&lab.sums(), &without(&records, 700));
    // Two chunks, and two halves for each of ten splits.
    assert!(lab.requests().len() <= 2 + 20, "{}", lab.requests().len());
    let lines = logged(&lab, "CloudWatch refuses a datum");
    assert_eq!(lines.len(), 1);
    let message = lines[0]["message"].as_str().unwrap();
    assert!(message.contains(&name(700)), "{message}");
    assert!(message.contains("InvalidParameterValue"), "{message}");
}

#[test]
fn many_data_that_cloudwatch_refuses_cost_no_other() {
    let mut lab = Lab::new(&[ROOMY]);
    let bad: Vec<_> = (0..30).map(|number| number * 33).collect();
    for api in &bad {
        refuse(&lab, *api);
    }
    let records = distinct(1000);
    let response = lab.deliver(&records);
    assert_eq!(
        (count(&response, "published"), count(&response, "refused")),
        (970, 30),
        "{response}"
    );
}

#[test]
fn a_datum_that_is_refused_by_the_retry_is_counted() {
    let mut lab = Lab::with_ledger("refused-later", &[ROOMY]);
    lab.cloudwatch.fail(usize::MAX, Fault::THROTTLED, chunk(1));
    let records = distinct(1001);
    failure(lab.attempt(&payload(&records), SHORT));
    lab.cloudwatch.heal();
    lab.cloudwatch.fail(
        usize::MAX,
        Fault::Error(400, "InvalidParameterValue"),
        chunk(1),
    );
    lab.deliver(&records);
    assert_eq!(lab.in_all_attempts("EventsReceived"), 1001);
    assert_eq!(lab.in_all_attempts("EventsRefused"), 1);
}

#[test]
fn a_refusal_that_is_not_about_data_is_not_split() {
    let mut lab = Lab::new(&[ROOMY]);
    let denied = Fault::Error(400, "OptInRequired");
    lab.cloudwatch.fail(usize::MAX, denied, |_| true);
    failure(lab.attempt(&payload(&distinct(500)), AMPLE));
    assert_eq!(lab.requests().len(), 1);
}

#[test]
fn halves_that_were_sent_are_not_sent_again() {
    let mut lab = Lab::with_ledger("halves", &[ROOMY]);
    refuse(&lab, 700);
    // The other half finds CloudWatch busy.
    lab.cloudwatch.fail(usize::MAX, Fault::BUSY, |request| {
        request.data.len() == 500 && request.has(&name(100))
    });
    let records = distinct(1000);
    let payload = payload(&records);
    failure(lab.attempt(&payload, 4 * SHORT));
    assert_eq!(count(&lab.health(), "EventsPublished"), 499);
    assert_eq!(count(&lab.health(), "EventsDeferred"), 501);
    lab.cloudwatch.heal();
    let before = lab.requests().len();
    lab.function.restart();
    // Now CloudWatch would take all of it.
    let again = response(lab.attempt(&payload, AMPLE));
    assert_eq!(count(&again, "published"), 501, "{again}");
    assert_eq!(again["skipped"], json!({ "repeated": 499 }));
    let sizes: Vec<_> = lab.requests()[before..]
        .iter()
        .map(|entry| entry.request.data.len())
        .collect();
    assert!(sizes.iter().all(|size| *size <= 500), "{sizes:?}");
    assert_eq!(lab.in_all_attempts("EventsReceived"), 1000);
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn calls_of_the_function_itself_are_left_out_by_choice() {
    let role = "arn:aws:iam::111122223333:role/trailtab/usage-role";
    let own = with(
        numbered(1),
        &json!({
            "eventSource": "s3.amazonaws.com",
            "eventName": "PutObject",
            "userIdentity": {
                "type": "AssumedRole",
                "arn": "arn:aws:sts::111122223333:assumed-role/usage-role/usage",
                "accountId": "111122223333",
                "sessionContext": { "sessionIssuer": { "type": "Role", "arn": role } },
            },
        }),
    );
    let invocation = with(
        numbered(2),
        &json!({
            "eventSource": "lambda.amazonaws.com",
            "eventName": "Invoke",
            "userIdentity": { "type": "AWSService", "invokedBy": "logs.amazonaws.com" },
            "requestParameters": { "functionName": ARN },
        }),
    );
    let others = [
        with(
            own.clone(),
            &json!({
                "eventID": numbered(3)["eventID"],
                "userIdentity": { "sessionContext": { "sessionIssuer": { "arn": role.replace("1111", "4444") } }, "type": "AssumedRole" },
            }),
        ),
        with(
            invocation.clone(),
            &json!({
                "eventID": numbered(4)["eventID"],
                "requestParameters": { "functionName": ARN.replace("usage", "other") },
            }),
        ),
        numbered(5),
    ];
    let mut lab = Lab::with_ledger("own", &[("TRAILTAB_USAGE_OWN_ROLE", role)]);
    // Nothing is asked of AWS because of its own calls, so that no loop goes on.
    let response = lab.deliver(&[own.clone(), invocation.clone()]);
    assert_eq!(response["skipped"], json!({ "own": 2 }));
    assert_eq!((lab.requests().len(), lab.ledger().len()), (0, 0));
    let all = [&[own.clone(), invocation.clone()], &others[..]].concat();
    let response = lab.deliver(&all);
    assert_eq!(response["skipped"], json!({ "own": 2 }), "{response}");
    assert_counts(&lab.sums(), &counted(&others));
    // By default all calls count.
    let mut lab = Lab::new(&[]);
    assert_eq!(count(&lab.deliver(&all), "published"), 5);
}
