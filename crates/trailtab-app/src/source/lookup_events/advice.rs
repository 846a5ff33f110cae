//! Suggests a trail's bucket when reading the event history takes long.

use std::sync::Arc;
use std::time::Duration;

use super::LookupRun;
use super::account::TargetAccount;
use crate::aws;

/// Estimated wait from which to make the suggestion.
const LONG_WAIT_SECONDS: f64 = 600.0;

/// Checks the estimate every two seconds, and makes the suggestion once.
pub(super) async fn give(run: Arc<LookupRun>, account: Arc<TargetAccount>) {
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        if run.progress.seconds_left() >= LONG_WAIT_SECONDS {
            break;
        }
    }
    let (_, config) = account.config();
    let trails = aws::cloudtrail(&config, None)
        .describe_trails()
        .send()
        .await;
    let Ok(trails) = trails else {
        return;
    };
    let trails = trails.trail_list();
    let best = trails
        .iter()
        .filter(|trail| trail.s3_bucket_name().is_some())
        .max_by_key(|trail| {
            (
                trail.is_multi_region_trail() == Some(true),
                trail.is_organization_trail() == Some(true),
            )
        });
    if let Some((trail, bucket)) = best.and_then(|trail| Some((trail, trail.s3_bucket_name()?))) {
        let prefix = trail
            .s3_key_prefix()
            .map_or(String::new(), |prefix| format!("/{prefix}"));
        run.progress.remark(format!(
            "This will take about {} minutes, since LookupEvents gives {} events a second and region at most. The trail {} delivers to a bucket, which is read much faster: trailtab activity s3://{bucket}{prefix}",
            (run.progress.seconds_left() / 60.0).ceil(),
            run.asked.max_tps * 50.0,
            trail.name().unwrap_or("here"),
        ));
    }
}
