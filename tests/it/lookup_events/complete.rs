//! All events are read, with no more requests than needed.

use serde_json::{Value, json};

use super::lab::{ANN, DAY, Lab, busy};
use crate::support::aws::{Region, events};

#[test]
fn all_enabled_regions_are_read_to_the_last_event() {
    let lab = Lab::new(|world, now| {
        // Sixty events in one second exceed a page.
        let crowded = events(ANN, "eu-west-1", 60, now - 7200, now - 7200, 5);
        let crowded = [
            crowded,
            events(ANN, "eu-west-1", 140, now - DAY, now - 3600, 6),
        ]
        .concat();
        let crowded = Region::new().quota(1000.0, 1000.0).events(crowded);
        world
            .region(ANN, "us-east-1", busy(ANN, "us-east-1", 1_000, now))
            .region(ANN, "eu-west-1", crowded)
            .region(ANN, "sa-east-1", Region::new())
    });
    let summary = lab.activity(&["--max-tps", "2"], 0);
    let regions = [(ANN, "us-east-1"), (ANN, "eu-west-1")];
    lab.assert_true(&summary, &regions, "all regions");
    let metadata = &summary["_metadata"];
    assert_eq!(metadata["account_id"], ANN);
    assert_eq!(
        metadata["regions_enabled"],
        json!(["eu-west-1", "sa-east-1", "us-east-1"])
    );
    assert_eq!(metadata["regions_failed"], json!({}));
    let arn = metadata["account_principal"].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:"), "{arn}");
    assert_eq!(lab.requests("sa-east-1"), 1);
    assert_eq!(lab.requests("us-east-1"), 20);
    assert_eq!(lab.requests("eu-west-1"), 4);
    let report = &summary["trailtab"]["coverage"]["accounts"][ANN]["us-east-1"];
    assert_eq!(report["requests"], Value::from(20));
    assert_eq!(report["throttled_requests"], Value::from(0));
}
