//! The regions of an account are found with every set of permissions.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use super::lab::{ANN, DAY, Lab, busy};
use crate::support::at;
use crate::support::aws::{Fault, OptIn, Region, Request, World, events};

const LOOKUP: &str = "cloudtrail:LookupEvents";
const WHO: &str = "sts:GetCallerIdentity";
const DESCRIBE: &str = "ec2:DescribeRegions";
const LIST: &str = "account:ListRegions";

/// Enabled in every account.
const FROM_THE_START: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Two regions that are enabled from the start, one that was, and one that is not.
fn four(world: World, now: i64) -> World {
    let enabled = busy(ANN, "af-south-1", 30, now).opt_in(OptIn::Enabled);
    let disabled = busy(ANN, "me-south-1", 30, now).opt_in(OptIn::Disabled);
    world
        .region(ANN, "us-east-1", busy(ANN, "us-east-1", 70, now))
        .region(ANN, "eu-west-1", busy(ANN, "eu-west-1", 30, now))
        .region(ANN, "af-south-1", enabled)
        .region(ANN, "me-south-1", disabled)
}

const ENABLED: [(&str, &str); 3] = [(ANN, "us-east-1"), (ANN, "eu-west-1"), (ANN, "af-south-1")];

#[track_caller]
fn assert_all_enabled(lab: &Lab, summary: &Value, actions: &[&str]) {
    lab.assert_true(summary, &ENABLED, "the regions that are enabled");
    let enabled = &summary["_metadata"]["regions_enabled"];
    assert_eq!(enabled, &json!(["af-south-1", "eu-west-1", "us-east-1"]));
    assert_eq!(lab.actions(), actions);
    assert_eq!(lab.requests("me-south-1"), 0);
}

#[test]
fn ec2_lists_the_regions() {
    let lab = Lab::new(four);
    let summary = lab.activity(&[], 0);
    assert_all_enabled(&lab, &summary, &[LOOKUP, DESCRIBE, WHO]);
}

#[test]
fn account_management_lists_the_regions_if_ec2_does_not() {
    let lab = Lab::new(|world, now| four(world, now).deny(ANN, DESCRIBE));
    let summary = lab.activity(&[], 0);
    assert_all_enabled(&lab, &summary, &[LIST, LOOKUP, DESCRIBE, WHO]);
    let lab = Lab::new(four);
    let is_ec2 = |request: &Request| request.action == DESCRIBE;
    lab.server.fail(usize::MAX, Fault::Drop, is_ec2);
    let summary = lab.activity(&[], 0);
    assert_all_enabled(&lab, &summary, &[LIST, LOOKUP, DESCRIBE, WHO]);
}

#[test]
fn all_regions_are_tried_without_permission_to_list_them() {
    let lab = Lab::new(|world, now| {
        let empty = || Region::new().quota(1000.0, 1000.0);
        let world = FROM_THE_START
            .iter()
            .fold(world, |world, name| world.region(ANN, name, empty()));
        four(world, now).deny(ANN, DESCRIBE).deny(ANN, LIST)
    });
    let summary = lab.activity(&[], 0);
    lab.assert_true(&summary, &ENABLED, "tried");
    assert_eq!(summary["_metadata"]["regions_failed"], json!({}));
    let enabled = &summary["_metadata"]["regions_enabled"];
    let enabled: Vec<_> = enabled.as_array().unwrap().iter().collect();
    assert_eq!(enabled.len(), 18);
    assert!(enabled.iter().all(|name| **name != "me-south-1"));
    let regions = &at(&summary, "trailtab/coverage/accounts")[ANN];
    let regions = regions.as_object().unwrap();
    let of = |status: &str| {
        let regions = regions.iter();
        let regions = regions.filter(|(_, report)| report["status"] == status);
        regions.map(|(name, _)| name.as_str()).collect::<Vec<_>>()
    };
    let tried_in_vain = of("not_enabled");
    assert_eq!(of("complete").len(), 18);
    assert_eq!(tried_in_vain.len(), regions.len() - 18);
    assert!(tried_in_vain.len() >= 16 && tried_in_vain.contains(&"me-south-1"));
}

/// A region that is always enabled and answers that it is not enabled has failed, and is not left out.
#[test]
fn always_enabled_regions_that_refuse_have_failed() {
    let lab = Lab::new(|world, now| four(world, now).deny(ANN, DESCRIBE).deny(ANN, LIST));
    let args = ["--region", "us-*", "--region", "me-*", "--region", "il-*"];
    let summary = lab.activity(&args, 3);
    let failed = json!({
        "us-east-2": "UnrecognizedClientException",
        "us-west-1": "UnrecognizedClientException",
        "us-west-2": "UnrecognizedClientException",
    });
    assert_eq!(summary["_metadata"]["regions_failed"], failed);
    lab.assert_true(&summary, &[(ANN, "us-east-1")], "us");
}

#[test]
fn region_patterns_select_regions() {
    let lab = Lab::new(four);
    let summary = lab.activity(&["--region", "EU-*", "--region", "af-south-?"], 0);
    lab.assert_true(&summary, &ENABLED[1..], "a pattern");
    assert_eq!(lab.requests("us-east-1"), 0);
    let summary = lab.activity(&["--region", "!us-*"], 0);
    lab.assert_true(&summary, &ENABLED[1..], "an exception");
    assert_eq!(lab.requests("us-east-1"), 0);
}

#[test]
fn named_regions_need_no_listing() {
    let lab = Lab::new(four);
    let args = ["--region", "us-east-1", "--region", "us-east-1"];
    let summary = lab.activity(&args, 0);
    lab.assert_true(&summary, &ENABLED[..1], "named");
    assert_eq!(lab.actions(), [LOOKUP, WHO]);
    assert_eq!(lab.requests("us-east-1"), 2);
}

#[test]
fn a_pattern_that_fits_no_region_is_refused() {
    let lab = Lab::new(four);
    let ended = lab.run(&["--region", "mars-*"]).expect(2);
    assert!(
        ended
            .err
            .contains("--region mars-*: no region matches this pattern"),
        "{}",
        ended.err
    );
    assert_eq!(lab.actions(), [DESCRIBE, WHO]);
    assert_eq!(lab.sandbox.files("results"), [""; 0]);
}

#[test]
fn a_long_wait_suggests_the_bucket_of_a_trail() {
    let lab = Lab::new(|world, now| {
        let events = events(ANN, "us-east-1", 600, now - DAY, now - 3600, 1);
        let region = Region::new().quota(1000.0, 1000.0).events(events);
        let trail = json!({
            "Name": "all", "S3BucketName": "logs-of-all", "S3KeyPrefix": "trails/all",
            "HomeRegion": "us-east-1", "IsMultiRegionTrail": true, "IsOrganizationTrail": false,
            "TrailARN": "arn:aws:cloudtrail:us-east-1:111122223333:trail/all",
        });
        world.region(ANN, "us-east-1", region).trail(ANN, trail)
    });
    let mut command = lab.trailtab(ANN);
    let mut child = command
        .args(["activity", "--max-tps", "0.01", "--past-hours", "24"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("This will take about "), "{line}");
    let hint = "trailtab activity s3://logs-of-all/trails/all\n";
    assert!(line.ends_with(hint), "{line}");
}
