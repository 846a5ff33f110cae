//! Temporary faults.

use serde_json::{Value, json};

use super::lab::{ANN, Lab, allowed, busy, nth, report, since};
use crate::support::at;
use crate::support::aws::{Fault, Region, Request, events};

/// A region of five pages for each fault.
const REGIONS: [&str; 9] = [
    "ap-south-1",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "sa-east-1",
    "us-east-1",
    "us-west-2",
];

fn lab(regions: &[&str], events: usize) -> Lab {
    Lab::new(|world, now| {
        regions.iter().fold(world, |world, name| {
            world.region(ANN, name, busy(ANN, name, events, now))
        })
    })
}

fn of(regions: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    regions.iter().map(|name| (ANN, *name)).collect()
}

#[test]
fn transient_faults_lose_no_events() {
    let lab = lab(&REGIONS, 250);
    let faults = [
        (Fault::error(500, "InternalFailure", "ouch"), 1),
        (Fault::error(503, "ServiceUnavailable", ""), 2),
        (Fault::Drop, 1),
        (Fault::Cut, 2),
        (Fault::Garbage, 1),
        (Fault::error(400, "InvalidNextTokenException", "?"), 1),
        (Fault::EmptyPage, 4),
        (Fault::throttling(), 4),
        (Fault::error(429, "SomethingNew", "too many"), 2),
    ];
    for (region, (fault, times)) in REGIONS.into_iter().zip(faults.clone()) {
        lab.server.fail(times, fault, since(region, 3));
    }
    let summary = lab.activity(&[], 0);
    lab.assert_true(&summary, &of(&REGIONS), "after faults");
    assert_eq!(summary["_metadata"]["regions_failed"], json!({}));
    for (region, (fault, times)) in REGIONS.into_iter().zip(faults) {
        let name = fault.name();
        // After a lost token, the second of the last event is requested again.
        let more = usize::from(name == "InvalidNextTokenException");
        let asked = 5 + times..=5 + times + more;
        assert!(asked.contains(&lab.requests(region)), "{region} {name}");
        let throttles = match name.as_str() {
            "ThrottlingException" | "SomethingNew" => times,
            _ => 0,
        };
        let report = report(&summary, region);
        assert_eq!(report["throttled_requests"], throttles, "{region} {name}");
        assert_eq!(report["status"], "complete");
    }
}

/// An answer that lacks its events is no empty window.
#[test]
fn an_answer_without_events_is_asked_for_again() {
    let lab = lab(&REGIONS[..2], 120);
    for (region, body) in REGIONS.iter().zip(["", "{}"]) {
        lab.server.fail(2, Fault::Bare(body), since(region, 2));
    }
    let summary = lab.activity(&[], 0);
    lab.assert_true(&summary, &of(&REGIONS[..2]), "after bare answers");
}

#[test]
fn answers_that_never_have_events_are_a_failure_and_cover_nothing() {
    for body in ["", "{}"] {
        let lab = lab(&["us-east-1", "eu-west-1"], 60);
        lab.server
            .fail(usize::MAX, Fault::Bare(body), since("eu-west-1", 1));
        let archive = ["--archive", "archive"];
        let summary = lab.activity(&archive, 3);
        let code = &summary["_metadata"]["regions_failed"]["eu-west-1"];
        assert_eq!(code, "UnreadableResponse");
        assert_eq!(report(&summary, "eu-west-1")["status"], "failed");
        lab.assert_true(&summary, &of(&["us-east-1"]), "beside bare answers");
    }
}

/// Before the first page there is no position to continue from.
#[test]
fn the_first_page_may_fail_as_well() {
    let regions = &REGIONS[..5];
    let lab = lab(regions, 70);
    let faults = [
        Fault::error(500, "InternalFailure", ""),
        Fault::Drop,
        Fault::Cut,
        Fault::throttling(),
        Fault::EmptyPage,
    ];
    for (region, fault) in regions.iter().zip(faults) {
        lab.server.fail(2, fault, since(region, 1));
    }
    let summary = lab.activity(&[], 0);
    lab.assert_true(&summary, &of(regions), "from the first page on");
    for region in regions {
        assert_eq!(lab.requests(region), 4, "{region}");
    }
}

#[test]
fn a_late_answer_is_waited_for() {
    let lab = lab(&["us-east-1"], 120);
    let late = Fault::Delay(std::time::Duration::from_secs(6));
    lab.server.fail(1, late, nth("us-east-1", 2));
    let summary = lab.activity(&[], 0);
    lab.assert_true(&summary, &of(&["us-east-1"]), "late");
    // Another walker has continued meanwhile.
    assert!(lab.requests("us-east-1") <= allowed(120));
}

/// Pages end in the middle of a second, also of one that exceeds a page.
#[test]
fn tokens_may_be_lost_where_events_are_crowded() {
    let lab = Lab::new(|world, now| {
        let until = now - 3600;
        let crowd = events(ANN, "us-east-1", 240, until - 50, until, 1);
        let one_second = events(ANN, "us-east-1", 130, until - 60, until - 60, 2);
        let region = Region::new().quota(1000.0, 1000.0);
        world.region(ANN, "us-east-1", region.events(crowd).events(one_second))
    });
    let lost = || Fault::error(400, "InvalidNextTokenException", "?");
    for at in [2, 5, 8] {
        lab.server.fail(1, lost(), nth("us-east-1", at));
    }
    let summary = lab.activity(&[], 0);
    lab.assert_true(&summary, &of(&["us-east-1"]), "crowded");
    assert!(lab.requests("us-east-1") <= 8 + 3 + 5);
}

#[test]
fn a_token_that_serves_once_is_lost_with_its_answer() {
    let lab = Lab::new(|world, now| {
        world
            .token_life(1, f64::INFINITY)
            .region(ANN, "us-east-1", busy(ANN, "us-east-1", 300, now))
            .region(ANN, "eu-west-1", busy(ANN, "eu-west-1", 300, now))
    });
    lab.server.fail(1, Fault::Drop, nth("us-east-1", 3));
    lab.server.fail(1, Fault::Cut, nth("eu-west-1", 4));
    let summary = lab.careless(lab.trailtab(ANN), &[], 0);
    lab.assert_true(&summary, &of(&["us-east-1", "eu-west-1"]), "tokens lost");
    // Each token was tried once more, and refused.
    assert_eq!(lab.server.violations().len(), 2);
    // The fault, the lost token, and what the second of the last event had of a page.
    assert!(lab.requests("us-east-1") <= 6 + 3);
    assert!(lab.requests("eu-west-1") <= 6 + 3);
}

#[test]
fn a_token_may_end_while_its_answer_is_on_the_way() {
    let lab = Lab::new(|world, now| {
        world
            .token_life(usize::MAX, 2.0)
            .region(ANN, "us-east-1", busy(ANN, "us-east-1", 260, now))
    });
    let late = Fault::Delay(std::time::Duration::from_secs(3));
    lab.server.fail(1, late, nth("us-east-1", 3));
    let summary = lab.careless(lab.trailtab(ANN), &[], 0);
    lab.assert_true(&summary, &of(&["us-east-1"]), "a token ended");
    assert_eq!(lab.server.violations().len(), 1);
}

#[test]
fn pages_that_lead_to_themselves_cost_their_region() {
    let regions = ["us-east-1", "eu-west-1"];
    let lab = lab(&regions, 250);
    let is_second = |request: &Request| request.region == "eu-west-1" && request.has_token();
    lab.server.fail(usize::MAX, Fault::SameToken, is_second);
    let summary = lab.activity(&[], 3);
    let failed = &summary["_metadata"]["regions_failed"];
    assert_eq!(failed, &json!({ "eu-west-1": "InvalidPages" }));
    assert_eq!(report(&summary, "eu-west-1")["status"], "partial");
    assert_eq!(report(&summary, "us-east-1")["status"], "complete");
    assert_eq!(lab.requests("eu-west-1"), 2);
    assert_eq!(report(&summary, "us-east-1")["events"], 250);
}

/// A slow test: a fault that lasts longer than a minute.
#[test]
fn a_region_that_only_fails_is_given_up_and_one_that_throttles_is_not() {
    let regions = ["us-east-1", "eu-west-1", "eu-west-2"];
    let lab = lab(&regions, 230);
    let broken = Fault::error(500, "InternalFailure", "ouch");
    lab.server.fail(usize::MAX, broken, since("eu-west-1", 3));
    lab.server
        .fail(20, Fault::throttling(), since("eu-west-2", 3));
    let summary = lab.activity(&[], 3);
    let failed = &summary["_metadata"]["regions_failed"];
    assert_eq!(failed, &json!({ "eu-west-1": "InternalFailure" }));
    let lost = report(&summary, "eu-west-1");
    assert_eq!(
        (&lost["status"], &lost["events"]),
        (&json!("partial"), &json!(100))
    );
    let problems = at(&summary, "trailtab/coverage/problems");
    assert_eq!(problems.as_array().map(Vec::len), Some(1));
    let reason = problems[0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("ouch (8 requests in a row failed)"),
        "{reason}"
    );
    assert_eq!(lab.requests("eu-west-1"), 2 + 8);
    let stormy = report(&summary, "eu-west-2");
    assert_eq!(stormy["throttled_requests"], Value::from(20));
    for region in ["us-east-1", "eu-west-2"] {
        assert_eq!(report(&summary, region)["events"], 230);
        assert_eq!(report(&summary, region)["status"], "complete");
    }
    let all = lab.truth(ANN, "eu-west-1");
    let read = all[..100].iter().chain(lab.truth(ANN, "us-east-1"));
    let read = read.chain(lab.truth(ANN, "eu-west-2"));
    lab.assert_says(&summary, read, &[], "what was read");
}
