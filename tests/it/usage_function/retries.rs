//! Temporary failures are retried, only failed requests are sent again, and no call counts twice.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::lab::{AMPLE, Counts, Lab, SHORT, assert_counts, count, failure, response};
use crate::support::calls::{Calls, counted, name, payload};
use crate::support::cloudwatch::{Fault, Outcome, Request};
use crate::support::metrics::Key;

/// Calls of this many APIs in one minute, each called once: as many data as calls. The first thousand are the first
/// chunk, and so on.
pub(crate) fn distinct(count: usize) -> Vec<Value> {
    let calls = Calls {
        minutes: 1,
        regions: vec!["us-east-1"],
        ..Calls::new(count)
    };
    let mut records = calls.records();
    for (api, record) in records.iter_mut().enumerate() {
        record["eventName"] = name(api).into();
    }
    records
}

/// Tells chunks of [`distinct`] apart, from 0.
pub(crate) fn chunk(number: usize) -> impl Fn(&Request) -> bool + Send + 'static {
    move |request| request.has(&name(number * 1000))
}

/// The counts of some chunks.
pub(crate) fn part(records: &[Value], chunks: &[usize]) -> Counts {
    let in_chunks = |key: &Key| {
        let api = key.name["DescribeThing".len()..].parse::<usize>().unwrap();
        chunks.contains(&(api / 1000))
    };
    let mut counts = counted(records);
    counts.retain(|key, _| in_chunks(key));
    counts
}

/// Metrics beyond the cap would be one.
pub(crate) const ROOMY: (&str, &str) = ("TRAILTAB_USAGE_TOP", "100000");

const KINDS: [Fault; 4] = [
    Fault::THROTTLED,
    Fault::Error(400, "ThrottlingException"),
    Fault::BROKEN,
    Fault::BUSY,
];

#[test]
fn a_gateways_error_is_not_an_answer_of_cloudwatch() {
    let mut lab = Lab::new(&[]);
    lab.cloudwatch
        .fail(1, Fault::Error(502, "BadGateway"), |_| true);
    let response = lab.deliver(&Calls::new(100).records());
    assert_eq!(count(&response, "unconfirmed"), 100, "{response}");
    assert_eq!(lab.requests().len(), 1);
}

#[test]
fn transient_failures_are_repeated() {
    for fault in KINDS {
        let mut lab = Lab::new(&[]);
        lab.cloudwatch.fail(2, fault, |_| true);
        let records = Calls::new(100).records();
        let response = lab.deliver(&records);
        assert_eq!(
            (count(&response, "published"), count(&response, "retries")),
            (100, 2)
        );
        assert_eq!(lab.requests().len(), 3, "{fault:?}");
        assert_counts(&lab.sums(), &counted(&records));
    }
}

#[test]
fn only_the_chunk_that_failed_is_sent_again() {
    let mut lab = Lab::new(&[ROOMY]);
    lab.cloudwatch.fail(2, Fault::THROTTLED, chunk(1));
    lab.cloudwatch.fail(1, Fault::BUSY, chunk(2));
    let records = distinct(2500);
    let response = lab.deliver(&records);
    assert_eq!(count(&response, "chunks"), 3);
    assert_eq!(
        (count(&response, "published"), count(&response, "retries")),
        (2500, 3)
    );
    let requests = lab.requests();
    assert_eq!(requests.len(), 3 + 3);
    let of_chunk = |number: usize| {
        let is_in = chunk(number);
        let requests = requests.iter().filter(move |entry| is_in(&entry.request));
        requests.collect::<Vec<_>>()
    };
    assert_eq!([0, 1, 2].map(|number| of_chunk(number).len()), [1, 3, 2]);
    for number in 0..3 {
        let attempts = of_chunk(number);
        let kept = attempts
            .iter()
            .filter(|entry| entry.outcome.is_kept())
            .count();
        assert_eq!(kept, 1);
        assert!(
            attempts
                .windows(2)
                .all(|two| two[0].request.data == two[1].request.data)
        );
    }
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn a_chunk_that_fails_for_good_without_a_ledger_is_reported() {
    let mut lab = Lab::new(&[ROOMY]);
    lab.cloudwatch.fail(usize::MAX, Fault::BUSY, chunk(1));
    let records = distinct(1500);
    let response = response(lab.attempt(&payload(&records), SHORT));
    assert_eq!(
        (count(&response, "published"), count(&response, "unsent")),
        (1000, 500)
    );
    assert!(count(&response, "retries") >= 1);
    assert_counts(&lab.sums(), &part(&records, &[0]));
}

#[test]
fn a_chunk_that_fails_for_good_is_completed_by_the_repetition_if_there_is_a_ledger() {
    let mut lab = Lab::with_ledger("second-chunk", &[ROOMY]);
    lab.cloudwatch.fail(usize::MAX, Fault::THROTTLED, chunk(1));
    let records = distinct(1500);
    let payload = payload(&records);
    let message = failure(lab.attempt(&payload, SHORT));
    assert!(message.contains("500"), "{message}");
    assert_counts(&lab.sums(), &part(&records, &[0]));
    lab.cloudwatch.heal();
    // Lambda may take another sandbox for it.
    lab.function.restart();
    let again = response(lab.attempt(&payload, AMPLE));
    assert_eq!(count(&again, "published"), 500);
    assert_eq!(again["skipped"], json!({ "repeated": 1000 }));
    assert_counts(&lab.sums(), &counted(&records));
    let last = response(lab.attempt(&payload, AMPLE));
    assert_eq!(last["skipped"], json!({ "repeated": 1500 }));
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn what_comes_after_a_chunk_that_fails_for_good_is_sent_now_or_later() {
    let mut lab = Lab::with_ledger("first-chunk", &[ROOMY]);
    lab.cloudwatch.fail(usize::MAX, Fault::BUSY, chunk(0));
    let records = distinct(2500);
    let payload = payload(&records);
    failure(lab.attempt(&payload, SHORT));
    let health = lab.health();
    assert_eq!(
        count(&health, "EventsUnconfirmed"),
        0,
        "all were answered, or never sent"
    );
    let published: u64 = lab.sums().values().sum();
    assert_eq!(published, 1500, "the chunks beside it");
    assert_eq!(count(&health, "EventsPublished"), published);
    assert_eq!(count(&health, "EventsDeferred"), 1000);
    lab.cloudwatch.heal();
    let again = response(lab.attempt(&payload, AMPLE));
    assert_eq!(count(&again, "published"), 2500 - published);
    assert_eq!(lab.in_all_attempts("EventsReceived"), 2500);
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn a_delivery_of_which_nothing_was_published_fails_and_is_repeated() {
    for ledger in [None, Some("nothing")] {
        let mut lab = match ledger {
            None => Lab::new(&[ROOMY]),
            Some(name) => Lab::with_ledger(name, &[ROOMY]),
        };
        lab.cloudwatch.fail(usize::MAX, Fault::BUSY, |_| true);
        let records = distinct(1500);
        let payload = payload(&records);
        let message = failure(lab.attempt(&payload, SHORT));
        assert!(message.contains("1500"), "{message}");
        assert_eq!(count(&lab.health(), "EventsDeferred"), 1500);
        assert_eq!(lab.sums().len(), 0);
        lab.cloudwatch.heal();
        let response = lab.deliver(&records);
        assert_eq!(count(&response, "published"), 1500);
        assert_eq!(lab.in_all_attempts("EventsReceived"), 1500);
        assert_counts(&lab.sums(), &counted(&records));
    }
}

#[test]
fn denied_requests_are_not_repeated() {
    let mut lab = Lab::new(&[]);
    lab.cloudwatch
        .fail(usize::MAX, Fault::Error(403, "AccessDenied"), |_| true);
    let records = Calls::new(10).records();
    let message = failure(lab.attempt(&payload(&records), AMPLE));
    assert!(message.contains("AccessDenied"), "{message}");
    assert_eq!(lab.requests().len(), 1);
}

#[test]
fn connections_that_cannot_be_made_are_tried_again() {
    let mut lab = Lab::new(&[]);
    let records = Calls::new(100).records();
    lab.cloudwatch.unplug();
    let delivery = lab.function.begin(&payload(&records), AMPLE);
    thread::sleep(Duration::from_millis(400));
    lab.cloudwatch.plug();
    let response = response(lab.end(&delivery));
    assert_eq!(count(&response, "published"), 100);
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn connections_that_can_never_be_made_leave_all_unsent() {
    let mut lab = Lab::new(&[]);
    lab.deliver(
        &Calls {
            seed: 5,
            ..Calls::new(1)
        }
        .records(),
    );
    let before = lab.sums();
    let records = Calls::new(100).records();
    lab.cloudwatch.unplug();
    failure(lab.attempt(&payload(&records), SHORT));
    let health = lab.health();
    assert_eq!(count(&health, "EventsDeferred"), 100);
    assert_eq!(count(&health, "EventsUnconfirmed"), 0);
    assert!(count(&health, "Retries") >= 1);
    assert_counts(&lab.sums(), &before);
    lab.cloudwatch.plug();
    let response = lab.deliver(&records);
    assert_eq!(count(&response, "published"), 100);
}

#[test]
fn a_request_without_an_answer_is_not_sent_again() {
    let records = Calls::new(100).records();
    for (fault, is_kept) in [
        (Fault::KeepAndClose, true),
        (Fault::Close, false),
        (Fault::KeepAndHang, true),
        (Fault::Hang, false),
    ] {
        let mut lab = Lab::new(&[]);
        lab.cloudwatch.fail(1, fault, |_| true);
        let response = response(lab.attempt(&payload(&records), SHORT));
        assert_eq!(count(&response, "unconfirmed"), 100, "{fault:?}");
        assert_eq!(
            (count(&response, "published"), count(&response, "retries")),
            (0, 0)
        );
        assert_eq!(lab.requests().len(), 1, "{fault:?}");
        let expected = if is_kept {
            counted(&records)
        } else {
            Counts::new()
        };
        assert_counts(&lab.sums(), &expected);
    }
}

#[test]
fn one_chunk_without_an_answer_costs_itself() {
    let mut lab = Lab::new(&[ROOMY]);
    lab.cloudwatch.fail(1, Fault::KeepAndClose, chunk(1));
    let records = distinct(2500);
    let response = lab.deliver(&records);
    assert_eq!(
        (
            count(&response, "published"),
            count(&response, "unconfirmed")
        ),
        (1500, 1000)
    );
    assert_eq!(lab.requests().len(), 3);
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn the_retry_sends_what_the_deadline_prevented() {
    let mut lab = Lab::with_ledger("no-time", &[ROOMY]);
    // Four requests at once wait for an answer until the time is up.
    for number in 0..4 {
        lab.cloudwatch.fail(1, Fault::KeepAndHang, chunk(number));
    }
    let records = distinct(5500);
    let payload = payload(&records);
    failure(lab.attempt(&payload, 2 * SHORT));
    let health = lab.health();
    assert_eq!(
        count(&health, "EventsUnconfirmed"),
        4000,
        "sent, and no answer came"
    );
    assert_eq!(
        count(&health, "EventsDeferred"),
        1500,
        "never sent: {:?}",
        lab.outcomes()
    );
    let again = response(lab.attempt(&payload, AMPLE));
    assert_eq!(count(&again, "published"), 1500, "{again}");
    assert_eq!(count(&again, "unconfirmed"), 4000, "{again}");
    assert_eq!(lab.in_all_attempts("EventsUnconfirmed"), 4000);
    assert_eq!(lab.in_all_attempts("EventsReceived"), 5500);
    assert_counts(&lab.sums(), &counted(&records));
    assert_eq!(lab.outcomes()[0], Outcome::KeptInSilence);
}

#[test]
fn chunks_go_out_side_by_side() {
    let mut lab = Lab::new(&[ROOMY]);
    for number in 0..4 {
        lab.cloudwatch.fail(1, Fault::Hang, chunk(number));
    }
    let records = distinct(5500);
    let delivery = lab.function.begin(&payload(&records), AMPLE);
    // None of these four gets an answer, so they were sent at the same time, and no fifth one.
    lab.cloudwatch.wait_for(4);
    lab.function.kill();
    drop(delivery);
    let lost: u64 = lab
        .requests()
        .iter()
        .map(|entry| entry.request.data.len() as u64)
        .sum();
    assert_eq!((lab.requests().len(), lost), (4, 4000));
}

#[test]
fn a_delivery_without_time_is_repeated() {
    let mut lab = Lab::new(&[]);
    let records = Calls::new(100).records();
    // Less time than is reserved for the final log lines.
    let message = failure(lab.attempt(&payload(&records), Duration::from_millis(500)));
    assert!(message.contains("100"), "{message}");
    assert_eq!(lab.requests().len(), 0);
    assert_eq!(count(&lab.deliver(&records), "published"), 100);
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn data_of_other_sets_are_not_lost_in_silence() {
    let settings = [
        ("TRAILTAB_USAGE_TOP", "10000"),
        ("TRAILTAB_USAGE_METRICS", "errors"),
    ];
    let mut lab = Lab::with_ledger("other-sets", &settings);
    let mut records = distinct(1000);
    for record in &mut records {
        record["errorCode"] = "AccessDenied".into();
    }
    let payload = payload(&records);
    // The first chunk is all calls, the second all errors.
    lab.cloudwatch
        .fail(usize::MAX, Fault::BUSY, |request| request.has("ErrorCount"));
    failure(lab.attempt(&payload, SHORT));
    assert_counts(&lab.sums(), &counted(&records));
    lab.cloudwatch.heal();
    response(lab.attempt(&payload, AMPLE));
    let errors: u64 = lab
        .sums()
        .iter()
        .filter_map(|(key, count)| (key.name == "ErrorCount").then_some(*count))
        .sum();
    assert_eq!(errors, 1000);
    assert_eq!(lab.sums().len(), 2000);
}
