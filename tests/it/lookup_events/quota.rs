//! Requests use the whole quota, and never exceed it.

use super::lab::{ANN, Lab, allowed, busy};
use crate::support::aws::{Entry, Region};

/// How many requests were on their way at once.
fn most_at_once(lookups: &[Entry]) -> usize {
    let at = |time: f64| {
        let is_open = |entry: &&Entry| {
            entry.arrived <= time && entry.answered.is_none_or(|answered| time < answered)
        };
        lookups.iter().filter(is_open).count()
    };
    let counts = lookups.iter().map(|entry| at(entry.arrived));
    counts.max().unwrap_or_default()
}

/// Reads a region and the small one beside it; returns the sums of the first.
fn read(lab: &Lab, what: &str) -> crate::support::aws::Sums {
    let summary = lab.activity(&[], 0);
    let regions = [(ANN, "us-east-1"), (ANN, "eu-west-1")];
    lab.assert_true(&summary, &regions, what);
    let sums = lab.server.sums();
    let sums = sums[&(ANN.to_owned(), "us-east-1".to_owned())];
    let report = super::lab::report(&summary, "us-east-1");
    assert_eq!(report["requests"], sums.requests, "{what}");
    assert_eq!(report["throttled_requests"], sums.throttled, "{what}");
    sums
}

/// A busy region as a test makes it, and a small one beside it.
fn lab(events: usize, region: impl Fn(Region) -> Region) -> Lab {
    Lab::new(|world, now| {
        let first = region(busy(ANN, "us-east-1", events, now));
        let second = region(busy(ANN, "eu-west-1", events / 3, now));
        world
            .region(ANN, "us-east-1", first)
            .region(ANN, "eu-west-1", second)
    })
}

#[test]
fn a_burst_limit_of_two_causes_no_throttles() {
    let lab = lab(700, |region| region.quota(2.0, 2.0).latency(50..=150));
    let sums = read(&lab, "a burst of two");
    assert_eq!((sums.requests, sums.throttled), (14, 0));
    // The quota allows it in six seconds.
    let took = sums.last_answer - sums.first_arrival;
    assert!(took < 10.0, "{took}");
}

/// The first request arrives late, so that the next ones follow right behind it.
#[test]
fn a_slow_connection_causes_no_throttles() {
    let lab = Lab::new(|world, now| {
        let region = busy(ANN, "us-east-1", 300, now).quota(2.0, 2.0);
        let world = world.handshake(250).region(ANN, "us-east-1", region);
        world.region(ANN, "eu-west-1", busy(ANN, "eu-west-1", 20, now))
    });
    let sums = read(&lab, "a slow connection");
    assert_eq!((sums.requests, sums.throttled), (6, 0));
}

#[test]
fn a_burst_limit_of_one_is_learnt_from_one_or_two_throttles() {
    let lab = lab(600, |region| region.quota(2.0, 1.0).latency(50..=150));
    let sums = read(&lab, "a burst of one");
    assert!(sums.requests <= allowed(600), "{sums:?}");
    assert!((1..=2).contains(&sums.throttled), "{sums:?}");
    assert_eq!(sums.granted, 12);
}

#[test]
fn another_client_may_use_half_of_the_quota() {
    let lab = lab(400, |region| {
        region
            .quota(2.0, 2.0)
            .latency(50..=150)
            .other(1.0, 0.2, f64::INFINITY)
    });
    let sums = read(&lab, "half of the quota");
    assert_eq!(sums.granted, 8);
    // It takes a while to learn.
    assert!(sums.throttled <= 16, "{sums:?}");
}

#[test]
fn slow_pages_are_requested_concurrently() {
    let lab = lab(850, |region| region.quota(2.0, 2.0).latency(1000..=1000));
    let sums = read(&lab, "a second a page");
    let lookups = lab.lookups("us-east-1");
    assert!(most_at_once(&lookups) >= 2);
    assert!(most_at_once(&lookups) <= 8);
    assert!(sums.requests <= allowed(850) + 1, "{sums:?}");
    // One after the other they would take 17 seconds.
    let took = sums.last_answer - sums.first_arrival;
    assert!(took < 14.5, "{took}");
}
