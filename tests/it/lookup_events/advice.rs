//! Remarks during a long run.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::json;

use super::lab::{ANN, Lab, busy};

#[test]
fn a_long_wait_is_told_with_a_way_around_it() {
    let lab = Lab::new(|world, now| {
        let trail = json!({
            "Name": "all\u{1b}[31m",
            "S3BucketName": "trail-bucket",
            "S3KeyPrefix": "logs",
            "IsMultiRegionTrail": true,
        });
        // Reading it would take a quarter of an hour.
        let busy = busy(ANN, "us-east-1", 90_000, now);
        world.region(ANN, "us-east-1", busy).trail(ANN, trail)
    });
    let mut command = lab.trailtab(ANN);
    command
        .args(["activity", "--region", "us-east-1"])
        .stdout(Stdio::null());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    // The remark is a line of its own; a program that ends without it ends the reading as well.
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = lines
        .map_while(Result::ok)
        .find(|line| line.contains("s3://"));
    let _ = child.kill();
    child.wait().unwrap();
    let said = said.unwrap_or_default();
    assert!(
        said.contains("trailtab activity s3://trail-bucket/logs"),
        "{said}"
    );
    assert!(said.contains(" minutes, since"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said}");
}
