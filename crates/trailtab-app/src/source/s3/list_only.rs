//! Runs that list a bucket without fetching logs.

use std::sync::Arc;

use super::{S3Error, S3Request, S3Store};
use crate::source::interrupt;
use trailtab_core::coverage::{RunCoverage, Severity};

/// The result of a run that lists a bucket without fetching logs.
pub(super) struct ListingRun<T> {
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
pub(super) async fn list_only<T>(
    config: &aws_config::SdkConfig,
    bucket: &str,
    prefix: &str,
    asked: S3Request<'_>,
    list: impl AsyncFnOnce(&Arc<S3Store>) -> Result<T, S3Error>,
) -> Result<ListingRun<T>, S3Error> {
    let mut run = ListingRun {
        store: None,
        found: None,
        coverage: RunCoverage::default(),
    };
    let connect = S3Store::connect(config, bucket, asked.requester_pays, asked.interrupt);
    if let Some(store) = asked.interrupt.or(connect).await {
        // Dropping the future on an interrupt aborts all its tasks.
        run.found = asked.interrupt.or(list(&store)).await.transpose()?;
        run.coverage = std::mem::take(&mut *store.coverage.lock().await);
        run.store = Some(store);
    }
    if run.found.is_none() {
        let place = format!("s3://{bucket}/{prefix}");
        run.coverage
            .problem(interrupt::problem(place, Severity::Partial));
    }
    Ok(run)
}
