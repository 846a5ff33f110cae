//! What is said while a long run goes on.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

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
        // Which would take a quarter of an hour.
        let busy = busy(ANN, "us-east-1", 90_000, now);
        world.region(ANN, "us-east-1", busy).trail(ANN, trail)
    });
    let mut command = lab.trailtab(ANN);
    command
        .args(["activity", "--region", "us-east-1"])
        .stdout(Stdio::null());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let asked = || {
        let requests = lab.server.requests();
        requests
            .iter()
            .any(|entry| entry.request.action == "cloudtrail:DescribeTrails")
    };
    while !asked() && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(50));
    }
    // The remark follows the answer.
    thread::sleep(Duration::from_millis(1500));
    let _ = child.kill();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("trailtab activity s3://trail-bucket/logs"),
        "{said}"
    );
    assert!(said.contains(" minutes, since"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said}");
}
