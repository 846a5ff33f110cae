//! Tests of publishing with a ledger in a directory.

use std::time::Duration;

use super::super::claims::SendDeadlines;
use super::*;
use crate::deliver::ledger::{ClaimOwner, SendLedger};
use trailtab_core::activity::usage::metrics::{MetricSet, UsageMetric};

/// More time than any test needs.
fn ample() -> SendDeadlines {
    let end = Instant::now() + Duration::from_secs(60);
    SendDeadlines {
        send: end,
        record: end,
    }
}

/// One call of an API in Ireland.
fn call(api: &str, minute: Seconds) -> MinuteDatum {
    MinuteDatum {
        metric: UsageMetric {
            set: MetricSet::Calls,
            name: api.to_owned(),
            values: vec!["eu-west-1".to_owned(), "s3.amazonaws.com".to_owned()],
        },
        minute,
        value: 1,
    }
}

#[test]
fn hashes_of_earlier_deliveries_are_recognized() {
    let datum = MinuteDatum {
        metric: UsageMetric {
            set: MetricSet::Calls,
            name: "GetObject".to_owned(),
            values: vec!["eu-west-1".to_owned(), "s3.amazonaws.com".to_owned()],
        },
        minute: 60_000,
        value: 7,
    };
    let hash = content(&[datum]);
    // As trailtab 0.1.0 wrote it.
    assert!(hash.matches("8094f9231d7d2be3118deff7df6150347c3514af824a511355a8c7403e23c75e"));
    assert!(hash.matches(hash.as_str()));
}

#[tokio::test]
async fn nothing_is_sent_after_a_chunk_whose_place_is_taken() {
    let datum = |number: u64| call(&format!("Get{number}"), 60_000);
    let directory = tempfile::tempdir().unwrap();
    let ledger = SendLedger::Directory(directory.path().to_owned());
    let owner = ClaimOwner {
        name: "one".to_owned(),
        now: 60_000,
        until: 60_060,
    };
    let first = chunk_key("delivery", 0);
    let others = content(&[datum(9999)]);
    ledger.claim(&first, &others, &owner).await.unwrap();
    let sent = ledger.end(&first, &others, &owner, Some(ClaimEnd::Sent));
    sent.await.unwrap();
    let logged = AtomicUsize::new(0);
    let log = |data: &[MinuteDatum]| {
        logged.fetch_add(data.len(), Ordering::SeqCst);
        Ok(())
    };
    let claims = RunClaims {
        ledger: Some(&ledger),
        owner,
        deadlines: ample(),
    };
    let publication = MetricPublication {
        sink: MetricSink::Log(&log),
        claims,
        key: "delivery".to_owned(),
        shown_sum: None,
    };
    let mut account = DeliveryReport::default();
    publish((0..1500).map(datum).collect(), &publication, &mut account).await;
    assert_eq!(
        (logged.into_inner(), account.skipped_as("displaced")),
        (0, 1500)
    );
    assert_eq!(account.troubles.len(), 1);
}

#[tokio::test]
async fn a_retry_finds_its_own_entry_after_data_became_too_old() {
    let now = 1_800_000_000;
    let datum = |minute| call("GetObject", minute);
    let hours = [1, 2, 10].map(|hours| now - 14 * 86_400 + hours * 3600);
    let directory = tempfile::tempdir().unwrap();
    let ledger = SendLedger::Directory(directory.path().to_owned());
    let logged = AtomicUsize::new(0);
    let log = |data: &[MinuteDatum]| {
        logged.fetch_add(data.len(), Ordering::SeqCst);
        Ok(())
    };
    // The first datum is too old in all runs, the second from the second run on, and the third in the last one.
    for (run, later) in [5400, 3 * 3600, 11 * 3600].into_iter().enumerate() {
        let claims = RunClaims {
            ledger: Some(&ledger),
            owner: ClaimOwner {
                name: format!("run {run}"),
                now: now + later,
                until: now + later + 60,
            },
            deadlines: ample(),
        };
        let publication = MetricPublication {
            sink: MetricSink::Log(&log),
            claims,
            key: "delivery".to_owned(),
            shown_sum: None,
        };
        let mut report = DeliveryReport::default();
        publish(hours.map(datum).to_vec(), &publication, &mut report).await;
        let (published, repeated) = if run == 0 { (2, 0) } else { (0, 2) };
        assert_eq!(
            (report.published, report.skipped_as("repeated")),
            (published, repeated),
            "{run}"
        );
        assert_eq!((report.refused, report.troubles.len()), (1, 0), "{run}");
    }
    assert_eq!(logged.into_inner(), 2);
}
