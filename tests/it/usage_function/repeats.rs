//! Lambda delivers at least once. With a ledger each delivery counts once; without one, deploy/README.md describes
//! when it can count twice.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::lab::{AMPLE, Counts, Lab, SHORT, assert_counts, count, failure, response};
use super::retries::{ROOMY, chunk, distinct, part};
use crate::support::calls::{Calls, counted, payload, with};
use crate::support::cloudwatch::Fault;
use crate::support::proxy::Fault as S3Fault;
use crate::support::runtime_api::Answer;

fn doubled(counts: &Counts) -> Counts {
    let doubled = counts.iter().map(|(key, count)| (key.clone(), 2 * count));
    doubled.collect()
}

/// Repeats a delivery as Lambda does until it succeeds; with a ledger, a sandbox that was killed is
/// waited for.
#[track_caller]
fn until_it_succeeds(lab: &mut Lab, payload: &[u8]) -> Value {
    for _ in 0..60 {
        match lab.attempt(payload, SHORT) {
            Answer::Response(response) => return response,
            Answer::Error(_) => thread::sleep(Duration::from_millis(300)),
        }
    }
    panic!("the repetition never succeeds: {:?}", lab.health());
}

#[test]
fn a_repeated_delivery_counts_once_with_a_ledger() {
    let mut lab = Lab::with_ledger("repeated", &[]);
    let records = Calls::new(1000).records();
    assert_eq!(count(&lab.deliver(&records), "published"), 1000);
    for round in 0..3 {
        if round > 0 {
            lab.function.restart();
        }
        let response = lab.deliver(&records);
        assert_eq!(
            response["skipped"],
            json!({ "repeated": 1000 }),
            "{response}"
        );
    }
    assert_eq!(lab.requests().len(), 1);
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn a_repeated_delivery_counts_twice_without_a_ledger() {
    let mut lab = Lab::new(&[]);
    let records = Calls::new(1000).records();
    lab.deliver(&records);
    lab.function.restart();
    lab.deliver(&records);
    assert_counts(&lab.sums(), &doubled(&counted(&records)));
}

#[test]
fn other_deliveries_are_no_repetitions() {
    let mut lab = Lab::with_ledger("others", &[]);
    let mut expected = Counts::new();
    for seed in 1..=5 {
        // All else is the same.
        let records = Calls {
            seed,
            ..Calls::new(100)
        }
        .records();
        assert_eq!(count(&lab.deliver(&records), "published"), 100);
        for (key, count) in counted(&records) {
            *expected.entry(key).or_default() += count;
        }
    }
    assert_counts(&lab.sums(), &expected);
}

#[test]
fn the_ledger_is_written_before_and_after() {
    let mut lab = Lab::with_ledger("entries", &[]);
    lab.deliver(&Calls::new(10).records());
    let kept = "some/usage/kept/";
    let entries: Vec<_> = lab
        .ledger()
        .into_iter()
        .filter(|(method, key)| method == "PUT" && !key.starts_with(kept))
        .collect();
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert_eq!(entries[0], entries[1]);
    let key = &entries[0].1;
    assert!(key.starts_with("some/usage/"), "{key}");
    let entry = lab.bucket.as_mut().unwrap().get(key).unwrap();
    let entry: Value = serde_json::from_slice(&entry).unwrap();
    assert!(entry["state"].is_string(), "{entry}");
}

#[test]
fn what_was_definitely_not_sent_leaves_no_entry() {
    let mut lab = Lab::with_ledger("released", &[]);
    lab.cloudwatch.fail(usize::MAX, Fault::BUSY, |_| true);
    let records = Calls::new(10).records();
    failure(lab.attempt(&payload(&records), SHORT));
    let requests = lab.ledger();
    let claimed = requests
        .iter()
        .filter(|(method, key)| method == "PUT" && !key.starts_with("some/usage/kept/"));
    for (_, key) in claimed {
        assert!(
            requests.contains(&("DELETE".to_owned(), key.clone())),
            "{requests:?}"
        );
        assert_eq!(lab.bucket.as_mut().unwrap().get(key), None);
    }
}

/// Kills a sandbox that waits for an answer, and repeats its delivery.
#[track_caller]
fn killed(name: &'static str, fault: Fault) -> (Counts, Counts) {
    let records = Calls::new(500).records();
    let payload = payload(&records);
    let mut lab = Lab::with_ledger(name, &[]);
    lab.cloudwatch.fail(1, fault, |_| true);
    // The next sandbox waits until this one has certainly ended.
    lab.function.begin(&payload, SHORT);
    lab.cloudwatch.wait_for(1);
    lab.function.restart();
    let response = until_it_succeeds(&mut lab, &payload);
    assert_eq!(count(&response, "unconfirmed"), 500, "{response}");
    assert_eq!(lab.requests().len(), 1);
    (lab.sums(), counted(&records))
}

#[test]
fn a_sandbox_killed_when_all_was_taken_does_not_count_twice_with_a_ledger() {
    let (found, expected) = killed("killed-kept", Fault::KeepAndHang);
    assert_counts(&found, &expected);
}

#[test]
fn a_sandbox_killed_when_nothing_was_taken_is_reported_with_a_ledger() {
    let (found, _) = killed("killed-lost", Fault::Hang);
    assert_counts(&found, &Counts::new());
}

#[test]
fn a_sandbox_killed_at_the_second_chunk_leaves_the_first_and_the_third() {
    let mut lab = Lab::with_ledger("killed-second", &[ROOMY]);
    let records = distinct(2500);
    let payload = payload(&records);
    lab.cloudwatch.fail(1, Fault::Hang, chunk(1));
    // The other chunks must be through before the time is up, however busy the machine is.
    lab.function.begin(&payload, 2 * SHORT);
    lab.cloudwatch.wait_for(3);
    lab.wait_for_settled(2);
    lab.function.restart();
    let response = until_it_succeeds(&mut lab, &payload);
    assert_eq!(count(&response, "unconfirmed"), 1000, "{response}");
    assert_counts(&lab.sums(), &part(&records, &[0, 2]));
}

#[test]
fn a_sandbox_killed_in_the_middle_may_count_twice_without_a_ledger() {
    let records = Calls::new(500).records();
    let payload = payload(&records);
    let expected = counted(&records);
    for (fault, expected) in [
        (Fault::KeepAndHang, doubled(&expected)),
        (Fault::Hang, expected.clone()),
    ] {
        let mut lab = Lab::new(&[]);
        lab.cloudwatch.fail(1, fault, |_| true);
        lab.function.begin(&payload, AMPLE);
        lab.cloudwatch.wait_for(1);
        lab.function.restart();
        assert_eq!(count(&lab.deliver(&records), "published"), 500);
        assert_counts(&lab.sums(), &expected);
    }
}

#[test]
fn an_unanswered_request_is_not_sent_again_by_a_repetition_with_a_ledger() {
    let mut lab = Lab::with_ledger("unanswered", &[]);
    lab.cloudwatch.fail(1, Fault::KeepAndClose, |_| true);
    let records = Calls::new(100).records();
    for _ in 0..2 {
        let response = lab.deliver(&records);
        assert_eq!(count(&response, "unconfirmed"), 100, "{response}");
        lab.function.restart();
    }
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn two_sandboxes_with_the_same_delivery_count_it_once() {
    let mut lab = Lab::with_ledger("at-once", &[]);
    let mut second = lab.second(&[]);
    let records = Calls::new(300).records();
    let payload = payload(&records);
    let late = Fault::KeepAndDelay(Duration::from_millis(700));
    lab.cloudwatch.fail(1, late, |_| true);
    let deliveries = [
        lab.function.begin(&payload, AMPLE),
        second.begin(&payload, AMPLE),
    ];
    let answers = [lab.end(&deliveries[0]), second.end(&deliveries[1])];
    let published = answers.iter().map(|answer| match answer {
        Answer::Response(response) => count(response, "published"),
        Answer::Error(_) => 0,
    });
    assert_eq!(published.sum::<u64>(), 300, "{answers:?}");
    assert_eq!(lab.requests().len(), 1);
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn without_its_ledger_nothing_is_sent() {
    let mut lab = Lab::with_ledger("denied", &[]);
    let records = Calls::new(100).records();
    let proxy = &lab.bucket.as_ref().unwrap().proxy;
    let denied = S3Fault::Error(403, "AccessDenied");
    proxy.fail(1, denied, |request| {
        request.method == "PUT" && !request.key.contains("/kept/")
    });
    let message = failure(lab.attempt(&payload(&records), AMPLE));
    assert!(message.contains("AccessDenied"), "{message}");
    assert_eq!(lab.requests().len(), 0);
    assert_eq!(count(&lab.deliver(&records), "published"), 100);
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn a_busy_ledger_is_asked_again() {
    let mut lab = Lab::with_ledger("busy-ledger", &[]);
    let records = Calls::new(100).records();
    let proxy = &lab.bucket.as_ref().unwrap().proxy;
    let slow_down = S3Fault::Error(503, "SlowDown");
    proxy.fail(1, slow_down, |request| {
        request.method == "PUT" && !request.key.contains("/kept/")
    });
    until_it_succeeds(&mut lab, &payload(&records));
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn a_ledger_that_cannot_be_told_of_success_never_counts_twice() {
    let mut lab = Lab::with_ledger("untold", &[]);
    let records = Calls::new(100).records();
    let payload = payload(&records);
    let proxy = &lab.bucket.as_ref().unwrap().proxy;
    // The first claims; the others would say that it arrived.
    let claims = AtomicUsize::new(0);
    proxy.fail(
        usize::MAX,
        S3Fault::Error(403, "AccessDenied"),
        move |request| {
            let is_entry = request.method == "PUT" && !request.key.contains("/kept/");
            is_entry && claims.fetch_add(1, Ordering::SeqCst) > 0
        },
    );
    let first = response(lab.attempt(&payload, SHORT));
    assert_eq!(count(&first, "published"), 100);
    lab.function.restart();
    for _ in 0..3 {
        drop(lab.attempt(&payload, SHORT));
    }
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn a_ledger_whose_answer_is_lost_knows_its_own_claim() {
    let mut lab = Lab::with_ledger("lost-answer", &[]);
    let records = Calls::new(100).records();
    let proxy = &lab.bucket.as_ref().unwrap().proxy;
    proxy.fail(1, S3Fault::Swallow, |request| {
        request.method == "PUT" && !request.key.contains("/kept/")
    });
    let payload = payload(&records);
    until_it_succeeds(&mut lab, &payload);
    assert_counts(&lab.sums(), &counted(&records));
    lab.function.restart();
    let again = response(lab.attempt(&payload, AMPLE));
    assert_eq!(again["skipped"], json!({ "repeated": 100 }), "{again}");
    assert_eq!(lab.requests().len(), 1);
}

#[test]
fn a_slow_ledger_loses_nothing() {
    let mut lab = Lab::with_ledger("slow-ledger", &[]);
    let records = Calls::new(100).records();
    let proxy = &lab.bucket.as_ref().unwrap().proxy;
    let late = S3Fault::Delay(SHORT + Duration::from_secs(1));
    proxy.fail(1, late, |request| {
        request.method == "PUT" && !request.key.contains("/kept/")
    });
    let payload = payload(&records);
    drop(lab.attempt(&payload, SHORT));
    until_it_succeeds(&mut lab, &payload);
    assert_counts(&lab.sums(), &counted(&records));
}

#[test]
fn events_without_an_id_are_known_again_as_well() {
    let mut lab = Lab::with_ledger("no-ids", &[]);
    let without = |record| with(record, &json!({ "eventID": null }));
    let records: Vec<_> = Calls::new(50).records().into_iter().map(without).collect();
    assert_eq!(count(&lab.deliver(&records), "published"), 50);
    lab.function.restart();
    assert_eq!(lab.deliver(&records)["skipped"], json!({ "repeated": 50 }));
    assert_counts(&lab.sums(), &counted(&records));
}
