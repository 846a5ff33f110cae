//! LookupEvents grants no more than its quota.

use serde_json::json;

use super::client::{ANN, NOW, key, lookup, lookup_in};
use crate::support::aws::{Bucket, Fault, Other, Quota, Region, Server, World};

#[test]
fn requests_beyond_the_quota_are_throttled() {
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
fn granted(quota: &Quota, times: impl Iterator<Item = f64>) -> usize {
    let mut bucket = Bucket::new(quota);
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
            granted(&quota(burst), every(0.5)),
            120,
            "exactly at the quota"
        );
        assert_eq!(granted(&quota(burst), every(2.0)), 30, "far below it");
        let most = granted(&quota(burst), every(0.01));
        assert!(
            (119..=121).contains(&most),
            "throttled requests cost nothing: {most}"
        );
    }
    assert_eq!(
        granted(&quota(1.0), every(0.34)),
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
    let ours = granted(&quota, every);
    // One token a second is left for 30 seconds, then two.
    assert!((88..=92).contains(&ours), "{ours}");
}

#[test]
fn a_storm_costs_no_tokens() {
    let region = Region::new().quota(1e-4, 1.0);
    let server = Server::start(World::new(NOW).region(ANN, "us-east-1", region));
    server.fail(5, Fault::throttling(), |_| true);
    let statuses = [0; 7].map(|_| lookup(&server, &json!({})).0);
    assert_eq!(statuses, [400, 400, 400, 400, 400, 200, 400]);
    let sums = server.sums()[&(ANN.to_owned(), "us-east-1".to_owned())];
    assert_eq!((sums.granted, sums.throttled), (1, 6));
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
    for entry in server.requests() {
        let took = entry.answered.unwrap() - entry.arrived;
        assert!(took >= 0.02, "{took}");
    }
}
