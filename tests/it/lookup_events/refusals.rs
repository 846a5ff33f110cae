//! A refusal by AWS affects only the refused region or account, and is reported.

use serde_json::{Value, json};

use super::lab::{ANN, Lab, busy, report, since};
use crate::support::at;
use crate::support::aws::{Fault, OptIn, Region, Request, rfc3339};

/// A region to read, and one for each refusal.
fn refusing() -> Lab {
    let lab = Lab::new(|world, now| {
        world
            .region(ANN, "us-east-1", busy(ANN, "us-east-1", 80, now))
            .region(ANN, "eu-west-1", busy(ANN, "eu-west-1", 80, now))
            .region(ANN, "ap-south-1", busy(ANN, "ap-south-1", 80, now))
            .region(ANN, "me-south-1", Region::new().opt_in(OptIn::Disabled))
    });
    let policy = Fault::forbidden_by_policy();
    lab.server.fail(usize::MAX, policy, since("eu-west-1", 1));
    let opt_in = Fault::not_opted_in();
    lab.server.fail(usize::MAX, opt_in, since("ap-south-1", 1));
    lab
}

const NAMED: [&str; 8] = [
    "--region",
    "us-east-1",
    "--region",
    "eu-west-1",
    "--region",
    "ap-south-1",
    "--region",
    "me-south-1",
];

#[test]
fn regions_that_refuse_are_named_with_their_codes() {
    let lab = refusing();
    let summary = lab.activity(&NAMED, 3);
    let codes = json!({
        "eu-west-1": "AccessDeniedException",
        "ap-south-1": "OptInRequired",
        "me-south-1": "UnrecognizedClientException",
    });
    assert_eq!(summary["_metadata"]["regions_failed"], codes);
    for (region, code) in codes.as_object().unwrap() {
        let report = report(&summary, region);
        assert_eq!(report["status"], "failed", "{region}");
        assert_eq!(report["code"], *code, "{region}");
        assert_eq!(report["requests"], 1, "{region}");
    }
    assert_eq!(report(&summary, "us-east-1")["status"], "complete");
    assert_eq!(report(&summary, "us-east-1")["code"], Value::Null);
    lab.assert_true(&summary, &[(ANN, "us-east-1")], "the one that is left");
    let problems = at(&summary, "trailtab/coverage/problems");
    assert_eq!(problems.as_array().map(Vec::len), Some(3));
}

#[test]
fn the_text_page_names_regions_that_refuse() {
    let ended = refusing().run(&NAMED).expect(3);
    for words in [
        "CloudTrail activity of account 111122223333",
        "Incomplete, for 3 reasons:",
        "event history of 111122223333 in eu-west-1: AccessDeniedException",
        "explicit deny in a service control policy",
        "event history of 111122223333 in ap-south-1: OptInRequired",
        "event history of 111122223333 in me-south-1: UnrecognizedClientException",
        "was not read",
    ] {
        assert!(ended.out.contains(words), "{words:?} in {}", ended.out);
    }
}

/// Where regions can be listed, only the enabled ones are read.
#[test]
fn only_enabled_regions_are_read_and_can_refuse() {
    let lab = refusing();
    let summary = lab.activity(&[], 3);
    let failed = &summary["_metadata"]["regions_failed"];
    assert_eq!(
        failed,
        &json!({ "eu-west-1": "AccessDeniedException", "ap-south-1": "OptInRequired" })
    );
    assert_eq!(lab.requests("me-south-1"), 0);
    let enabled = &summary["_metadata"]["regions_enabled"];
    assert_eq!(enabled, &json!(["ap-south-1", "eu-west-1", "us-east-1"]));
}

#[test]
fn a_region_that_refuses_in_the_middle_says_what_is_missing() {
    let lab = Lab::new(|world, now| {
        world
            .region(ANN, "us-east-1", busy(ANN, "us-east-1", 80, now))
            .region(ANN, "eu-west-1", busy(ANN, "eu-west-1", 300, now))
    });
    let policy = Fault::forbidden_by_policy();
    lab.server.fail(usize::MAX, policy, since("eu-west-1", 4));
    let summary = lab.activity(&["--past-hours", "200"], 3);
    let lost = report(&summary, "eu-west-1");
    assert_eq!(lost["status"], "partial");
    assert_eq!(lost["code"], "AccessDeniedException");
    let read = &lab.truth(ANN, "eu-west-1")[..150];
    let all = read.iter().chain(lab.truth(ANN, "us-east-1"));
    lab.assert_says(&summary, all, &[], "three pages");
    // The oldest second may be incomplete.
    let missing = format!(
        "{} to {} was not read",
        at(&summary, "trailtab/coverage/since").as_str().unwrap(),
        rfc3339(read[149].time)
    );
    let problem = at(&summary, "trailtab/coverage/problems");
    let reason = problem[0]["reason"].as_str().unwrap();
    assert!(reason.contains(&missing), "{missing:?} in {reason}");
}

#[test]
fn there_is_no_result_if_all_regions_refuse() {
    let lab = refusing();
    let is_lookup = |request: &Request| request.is_lookup();
    let policy = Fault::forbidden_by_policy();
    lab.server.fail(usize::MAX, policy, is_lookup);
    for args in [&[][..], &["--region", "eu-west-1"]] {
        let ended = lab.run(args).expect(1);
        assert!(ended.err.contains("nothing could be read"), "{}", ended.err);
        assert!(ended.err.contains("was not read"), "{}", ended.err);
        assert_eq!(ended.out, "");
        assert_eq!(lab.sandbox.files("results"), [""; 0]);
    }
}
