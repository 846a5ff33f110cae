//! Runs that only list a bucket and fetch nothing.

use std::sync::Arc;

use super::{S3Error, S3Request, S3Store};
use crate::source::interrupt;
use trailtab_core::coverage::{RunCoverage, Severity};

/// What a run that only lists has found.
pub(super) struct BucketLook<T> {
    /// The bucket; None if the run was interrupted before it was connected.
    pub(super) store: Option<Arc<S3Store>>,
    /// What was found; None if the run was interrupted.
    pub(super) found: Option<T>,
    /// What could not be listed.
    pub(super) coverage: RunCoverage,
}

/// Connects to a bucket and lists it with `list`.
///
/// # Errors
///
/// Fails as `list` does.
pub(super) async fn look<T>(
    config: &aws_config::SdkConfig,
    bucket: &str,
    prefix: &str,
    asked: S3Request<'_>,
    list: impl AsyncFnOnce(&Arc<S3Store>) -> Result<T, S3Error>,
) -> Result<BucketLook<T>, S3Error> {
    let mut look = BucketLook {
        store: None,
        found: None,
        coverage: RunCoverage::default(),
    };
    let connect = S3Store::connect(config, bucket, asked.requester_pays, asked.interrupt);
    if let Some(store) = asked.interrupt.or(connect).await {
        // Dropping the future on an interrupt aborts all its tasks.
        look.found = asked.interrupt.or(list(&store)).await.transpose()?;
        look.coverage = std::mem::take(&mut *store.coverage.lock().await);
        look.store = Some(store);
    }
    if look.found.is_none() {
        let place = format!("s3://{bucket}/{prefix}");
        look.coverage
            .problem(interrupt::problem(place, Severity::Partial));
    }
    Ok(look)
}
