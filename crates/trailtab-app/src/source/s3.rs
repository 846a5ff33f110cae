//! Reads CloudTrail log files from a bucket.
//!
//! Discovers the layout by listing folders: accounts and regions lie below `AWSLogs/`, with or
//! without an organization id, and Control Tower puts more folders in front. Lists only the
//! requested accounts, regions and days, and never siblings of `CloudTrail/` such as
//! `CloudTrail-Insight/`. Listing, downloading and parsing overlap; the memory of objects
//! listed, and of those downloaded but not yet parsed, is bounded.

mod download;
mod holds;
mod layout;
mod pages;
mod requests;
mod search;
mod window;

use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_objects_v2::builders::ListObjectsV2FluentBuilder;
use aws_sdk_s3::types::{EncodingType, RequestPayer};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::JoinSet;

use self::holds::Holds;
use self::layout::KeyListing;
pub use self::layout::read_prefix;
use self::pages::{ListedPages, failure_of_list, keys_of};
use self::requests::{Downloads, RequestCounts};
use super::document::Document;
use super::interrupt::{self, Interrupt};
use super::progress::ReadProgress;
use crate::aws::{self, AwsFailure};
use trailtab_core::coverage::{ReadProblem, ReadScope, RunCoverage, Severity};
use trailtab_core::event::filter::ScopeMatcher;
use trailtab_core::scope::Scope;
use trailtab_core::time::{Seconds, TimeWindow};
use trailtab_render::progress as render;

/// The folder beside `CloudTrail/` that contains calls through VPC endpoints.
pub(super) const NETWORK_ACTIVITY: &str = "CloudTrail-NetworkActivity";

/// Days after the window on which log files with its events may be delivered, unless the user asks
/// for more. CloudTrail repeats a delivery that failed for up to 30 days.
pub const LATE_DAYS: u32 = 1;

/// Maximum number of days for which CloudTrail repeats a delivery.
pub const MAX_LATE_DAYS: u32 = 30;

const MAX_CONCURRENT_LISTINGS: usize = 16;

/// Log files that are listed before the first is fetched, so that the plan of a small bucket is complete.
const FIRST_OBJECTS: usize = 10_000;

/// Maximum number of log files that are listed and not yet fetched. They take up to 20 MiB.
const MAX_LISTED_OBJECTS: usize = 50_000;

/// Maximum KiB of log files downloaded but not yet parsed.
const MAX_BUFFERED_KIB: u32 = 48 << 10;

/// Why nothing can be read from a bucket.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// The bucket cannot be listed.
    #[error("cannot list s3://{bucket}/{prefix}: {reason}")]
    List {
        /// The name of the bucket.
        bucket: String,
        /// The requested prefix.
        prefix: String,
        /// AWS's code and message, or another cause.
        reason: String,
    },
    /// There are no log files under the prefix.
    #[error("there are no log files under s3://{bucket}/{prefix}{}", holds::describe(bucket, prefix, holds.as_ref()))]
    Empty {
        /// The name of the bucket.
        bucket: String,
        /// The requested prefix.
        prefix: String,
        /// What the bucket holds instead, if known.
        holds: Option<Holds>,
    },
}

/// The part of a query that can be decided from keys.
#[derive(Debug, Clone, Copy)]
pub struct S3Request<'a> {
    /// The requested time window.
    pub window: TimeWindow,
    /// The filters by account and region.
    pub scopes: &'a ScopeMatcher,
    /// Whether to fetch digests as well.
    pub digests: bool,
    /// Whether network activity is asked for as well.
    pub network_activity: bool,
    /// Days after the window's last one whose deliveries are read.
    pub late_days: u32,
    /// Whether the credentials' account pays for the requests, as buckets may demand.
    pub requester_pays: bool,
    /// The time of the run.
    pub now: Seconds,
    /// The request to stop.
    pub interrupt: &'a Interrupt,
}

/// Sends every requested log file to `documents`; returns a coverage with the failures.
///
/// # Errors
///
/// Fails if the bucket cannot be listed or holds nothing under the prefix.
pub async fn fetch(
    config: &aws_config::SdkConfig,
    bucket: &str,
    prefix: &str,
    asked: S3Request<'_>,
    progress: &ReadProgress,
    documents: &mpsc::Sender<Document>,
) -> Result<RunCoverage, S3Error> {
    let interrupted = || interrupt::problem(format!("s3://{bucket}/{prefix}"), Severity::Partial);
    let Some(client) = asked.interrupt.or(connect(config, bucket, asked)).await else {
        let mut coverage = RunCoverage::default();
        coverage.problem(interrupted());
        return Ok(coverage);
    };
    let store = Arc::new(S3Store {
        downloads: Downloads::new(&client),
        client,
        requests: RequestCounts::default(),
        bucket: bucket.to_owned(),
        coverage: Mutex::default(),
        memory: Arc::new(Semaphore::new(MAX_BUFFERED_KIB as usize)),
        interrupt: asked.interrupt.clone(),
        payer: asked.requester_pays.then_some(RequestPayer::Requester),
    });
    // Dropping the future on an interrupt aborts all its tasks.
    let send = store.send_all(prefix, asked, progress, documents);
    let sent = asked.interrupt.or(send).await;
    let mut coverage = std::mem::take(&mut *store.coverage.lock().await);
    match sent {
        Some(sent) => sent?,
        None => coverage.problem(interrupted()),
    }
    Ok(coverage)
}

/// Builds a client for the bucket's region, which S3 returns if asked in another one.
async fn connect(config: &aws_config::SdkConfig, bucket: &str, asked: S3Request<'_>) -> Client {
    if let Some(region) = region_of_access_point(bucket) {
        return aws::s3(config, bucket, Some(region));
    }
    let client = aws::s3(config, bucket, None);
    let payer = asked.requester_pays.then_some(RequestPayer::Requester);
    let request = client.head_bucket().bucket(bucket);
    let request = request.customize().mutate_request(move |request| {
        if let Some(payer) = &payer {
            // HeadBucket has no member for it, and S3 wants it all the same.
            request
                .headers_mut()
                .insert("x-amz-request-payer", payer.as_str().to_owned());
        }
    });
    let Err(error) = request.send().await else {
        return client;
    };
    let region = error
        .raw_response()
        .and_then(|r| r.headers().get("x-amz-bucket-region"));
    match region {
        Some(region) => aws::s3(config, bucket, Some(region)),
        None => client,
    }
}

/// The region of an access point, which its ARN names: `arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME`.
fn region_of_access_point(bucket: &str) -> Option<&str> {
    let mut parts = bucket.strip_prefix("arn:")?.split(':');
    parts.nth(2).filter(|region| !region.is_empty())
}

/// A log file to be downloaded.
#[derive(Debug)]
struct LogObject {
    key: String,
    size: u64,
    named: bool,
    scope: Option<Scope>,
}

struct S3Store {
    /// Lists.
    client: Client,
    /// Fetches.
    downloads: Downloads,
    requests: RequestCounts,
    bucket: String,
    coverage: Mutex<RunCoverage>,
    memory: Arc<Semaphore>,
    interrupt: Interrupt,
    payer: Option<RequestPayer>,
}

impl S3Store {
    /// Lists and downloads everything requested.
    async fn send_all(
        self: &Arc<Self>,
        prefix: &str,
        asked: S3Request<'_>,
        progress: &ReadProgress,
        documents: &mpsc::Sender<Document>,
    ) -> Result<(), S3Error> {
        let listings = self.find_listings(prefix, asked).await?;
        if listings
            .iter()
            .any(|listing| listing.scope.is_some() && listing.before.is_some())
        {
            self.coverage.lock().await.delivered_until = asked.late_from();
        }
        let (keys, listed) = mpsc::channel(MAX_LISTED_OBJECTS);
        let mut listers = JoinSet::new();
        let permits = Arc::new(Semaphore::new(MAX_CONCURRENT_LISTINGS));
        for listing in listings.clone() {
            let (store, keys, permits) = (self.clone(), keys.clone(), permits.clone());
            listers.spawn(async move {
                let _permit = permits.acquire().await;
                store.list(&listing, &keys).await;
            });
        }
        drop(keys);
        let is_empty = self
            .download_all(listers, listed, progress, documents)
            .await;
        if is_empty && asked.window != TimeWindow::default() {
            self.add_days_stored(&listings).await;
        }
        Ok(())
    }

    /// Downloads what is listed, beginning when the listing is complete or well under way. Tells how many requests that
    /// takes before the first one, and again when the listing is complete. Returns whether nothing is listed.
    async fn download_all(
        self: &Arc<Self>,
        listers: JoinSet<()>,
        mut listed: mpsc::Receiver<LogObject>,
        progress: &ReadProgress,
        documents: &mpsc::Sender<Document>,
    ) -> bool {
        let mut first = Vec::new();
        let mut is_complete = false;
        while first.len() < FIRST_OBJECTS && !is_complete {
            let more = FIRST_OBJECTS - first.len();
            is_complete = listed.recv_many(&mut first, more).await == 0;
        }
        if first.is_empty() {
            return true;
        }
        let tell = |is_complete| {
            let plan = self.requests.plan(is_complete);
            progress.remark(render::s3_plan(&self.bucket, &plan));
        };
        tell(is_complete);
        let listing = async {
            listers.join_all().await;
            if !is_complete {
                tell(true);
            }
        };
        let downloading = async {
            let mut downloads = JoinSet::new();
            let mut first = first.into_iter();
            loop {
                let object = match first.next() {
                    Some(object) => object,
                    None => match listed.recv().await {
                        Some(object) => object,
                        None => break,
                    },
                };
                progress.find(object.size);
                while downloads.len() >= self.downloads.limit() {
                    downloads.join_next().await;
                }
                let (store, documents) = (self.clone(), documents.clone());
                downloads.spawn(async move { store.download(object, &documents).await });
            }
            downloads.join_all().await;
        };
        tokio::join!(listing, downloading);
        false
    }

    /// A request for a page of a listing. Keys come encoded, since XML cannot contain all characters
    /// that a key may have.
    fn list_request(&self, prefix: &str) -> ListObjectsV2FluentBuilder {
        self.requests.list();
        let request = self.client.list_objects_v2().bucket(&self.bucket);
        request
            .prefix(prefix)
            .encoding_type(EncodingType::Url)
            .set_request_payer(self.payer.clone())
    }

    /// Sends the objects of a listing to the downloader.
    async fn list(&self, listing: &KeyListing, keys: &mpsc::Sender<LogObject>) {
        let mut pages = ListedPages::default();
        loop {
            let request = self.list_request(&listing.prefix);
            let request = request.set_start_after(listing.after.clone());
            let request = request.set_continuation_token(pages.token.clone());
            let page = match request.send().await {
                Ok(page) => page,
                Err(error) => {
                    return self
                        .failed(
                            &listing.prefix,
                            listing.scope.clone().map(ReadScope::Region),
                            failure_of_list(&error),
                        )
                        .await;
                }
            };
            let mut last = None;
            for (key, size) in keys_of(&page) {
                if listing.before.as_ref().is_some_and(|before| key >= *before) {
                    return;
                }
                if listing.wants(&key) {
                    self.requests.find(size, download::requests_of(size));
                    let object = LogObject {
                        named: key == listing.prefix,
                        key: key.clone(),
                        size,
                        scope: listing.scope.clone(),
                    };
                    if keys.send(object).await.is_err() {
                        return;
                    }
                }
                last = Some(key);
            }
            match pages.turn(&page, last) {
                Ok(true) => {}
                Ok(false) => return,
                Err(reason) => {
                    return self
                        .failed(
                            &listing.prefix,
                            listing.scope.clone().map(ReadScope::Region),
                            reason,
                        )
                        .await;
                }
            }
        }
    }

    /// Records that a folder could not be listed.
    async fn failed(&self, prefix: &str, scope: Option<ReadScope>, failure: AwsFailure) {
        self.cannot_list(prefix, scope, Some(failure.code), &failure.explanation)
            .await;
    }

    async fn cannot_list(
        &self,
        prefix: &str,
        scope: Option<ReadScope>,
        code: Option<String>,
        reason: &str,
    ) {
        self.coverage.lock().await.problem(ReadProblem {
            document: format!("s3://{}/{prefix}", self.bucket),
            scope,
            code,
            severity: Severity::Failed,
            reason: format!("cannot be listed: {reason}"),
        });
    }
}
