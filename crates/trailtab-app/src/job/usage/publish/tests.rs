//! Tests of publishing with a ledger in a directory.

use std::time::Duration;

use super::*;
use trailtab_core::activity::usage::metrics::{MetricSet, UsageMetric};

/// More time than any test needs.
fn ample() -> PublicationDeadlines {
    let end = Instant::now() + Duration::from_secs(60);
    PublicationDeadlines {
        send: end,
        record: end,
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
    let datum = |number: u64| MinuteDatum {
        metric: UsageMetric {
            set: MetricSet::Calls,
            name: format!("Get{number}"),
            values: vec!["eu-west-1".to_owned(), "s3.amazonaws.com".to_owned()],
        },
        minute: 60_000,
        value: 1,
    };
    let directory = tempfile::tempdir().unwrap();
    let ledger = SendLedger::Directory(directory.path().to_owned());
    let owner = ClaimOwner {
        name: "one".to_owned(),
        now: 60_000,
        until: 60_060,
    };
    let first = chunk("delivery", 0);
    let others = content(&[datum(9999)]);
    ledger.claim(&first, &others, &owner).await.unwrap();
    let sent = ledger.settle(&first, &others, &owner, ClaimEnd::Sent);
    sent.await.unwrap();
    let logged = AtomicUsize::new(0);
    let log = |data: &[MinuteDatum]| {
        logged.fetch_add(data.len(), Ordering::SeqCst);
        Ok(())
    };
    let publication = MetricPublication {
        way: MetricSink::Log(&log),
        ledger: Some(&ledger),
        key: "delivery".to_owned(),
        owner: owner.clone(),
        deadlines: ample(),
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
