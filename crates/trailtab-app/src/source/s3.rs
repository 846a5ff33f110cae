//! Reads CloudTrail log files from a bucket.
//!
//! Discovers the layout by listing folders: accounts and regions lie below `AWSLogs/`, with or
//! without an organization id, and Control Tower puts more folders in front. Lists only the
//! requested accounts, regions and days, and never siblings of `CloudTrail/` such as
//! `CloudTrail-Insight/`. Listing, downloading and parsing overlap; the memory of objects
//! listed, and of those downloaded but not yet parsed, is bounded.

mod download;
mod layout;
mod list_only;
pub(super) mod object;
mod pages;
mod prefix_contents;
mod requests;
mod roots;
mod search;
mod survey;
mod window;

use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_objects_v2::builders::ListObjectsV2FluentBuilder;
use aws_sdk_s3::types::{EncodingType, RequestPayer};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::JoinSet;

use self::layout::KeyListing;
pub use self::layout::read_prefix;
use self::object::ObjectFetcher;
use self::pages::{ListedObject, ListedPages, failure_of_list, objects_of};
use self::prefix_contents::PrefixContents;
use self::requests::{ObjectRequests, RequestCounts};
pub use self::roots::{LogRoot, TrailLayout, trail_layout};
pub use self::survey::{ObjectFingerprint, ScanSurvey, SurveyPlace, SurveyedObjects, survey};
use super::document::Document;
use super::interrupt::{self, Interrupt};
use super::progress::ReadProgress;
use crate::aws::{self, AwsFailure};
use trailtab_athena::compare::{self, ReadingComparison};
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
    #[error(
        "there are no log files under s3://{bucket}/{prefix}{}",
        prefix_contents::describe(bucket, prefix, contents.as_ref())
    )]
    Empty {
        /// The name of the bucket.
        bucket: String,
        /// The requested prefix.
        prefix: String,
        /// What the bucket holds instead, if known.
        contents: Option<PrefixContents>,
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
    let connect = S3Store::connect(config, bucket, asked.requester_pays, asked.interrupt);
    let Some(store) = asked.interrupt.or(connect).await else {
        let mut coverage = RunCoverage::default();
        coverage.problem(interrupted());
        return Ok(coverage);
    };
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

/// Builds a client for the bucket's region, which S3 returns in answers to requests in other regions.
async fn connect(config: &aws_config::SdkConfig, bucket: &str, requester_pays: bool) -> Client {
    if let Some(region) = region_of_access_point(bucket) {
        return aws::s3(config, bucket, Some(region));
    }
    let client = aws::s3(config, bucket, None);
    let payer = requester_pays.then_some(RequestPayer::Requester);
    let request = client.head_bucket().bucket(bucket);
    let request = request.customize().mutate_request(move |request| {
        if let Some(payer) = &payer {
            // S3 requires the header, but HeadBucket of the SDK has no member for it.
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

pub(super) struct S3Store {
    /// Lists.
    client: Client,
    fetcher: Arc<ObjectFetcher>,
    /// Given if the account of the credentials pays for requests.
    payer: Option<RequestPayer>,
    requests: RequestCounts,
    bucket: String,
    coverage: Mutex<RunCoverage>,
    memory: Arc<Semaphore>,
    interrupt: Interrupt,
}

/// The position in the listing of a folder.
struct ListingCursor {
    listing: KeyListing,
    pages: ListedPages,
    is_at_end: bool,
    /// Why the page after the last one cannot be listed.
    failure: Option<AwsFailure>,
}

impl ListingCursor {
    fn new(listing: KeyListing) -> ListingCursor {
        ListingCursor {
            listing,
            pages: ListedPages::default(),
            is_at_end: false,
            failure: None,
        }
    }
}

impl S3Store {
    /// Finds the bucket's region.
    pub(super) async fn connect(
        config: &aws_config::SdkConfig,
        bucket: &str,
        requester_pays: bool,
        interrupt: &Interrupt,
    ) -> Arc<S3Store> {
        let client = connect(config, bucket, requester_pays).await;
        let payer = requester_pays.then_some(RequestPayer::Requester);
        let objects = aws::s3_objects(&client, bucket, payer.clone());
        Arc::new(S3Store {
            fetcher: Arc::new(ObjectFetcher {
                requests: ObjectRequests::new(objects),
            }),
            payer,
            client,
            requests: RequestCounts::default(),
            bucket: bucket.to_owned(),
            coverage: Mutex::default(),
            memory: Arc::new(Semaphore::new(MAX_BUFFERED_KIB as usize)),
            interrupt: interrupt.clone(),
        })
    }

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
                store.list(listing, &keys).await;
            });
        }
        drop(keys);
        let is_empty = self
            .download_all(prefix, listers, listed, progress, documents)
            .await;
        if is_empty && asked.window != TimeWindow::default() {
            self.add_days_stored(&listings).await;
        }
        Ok(())
    }

    /// Downloads the listed files, from when the listing is complete or has [`FIRST_OBJECTS`] files. Reports the number
    /// of requests before the first one, and again when the listing is complete. Returns whether nothing is listed.
    async fn download_all(
        self: &Arc<Self>,
        prefix: &str,
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
        let report_plan = |is_complete| {
            let plan = self.requests.plan(is_complete);
            progress.remark(render::s3_plan(&self.bucket, &plan));
            if is_complete && plan.bytes >= compare::LARGE_BYTES {
                let other = ReadingComparison::of(plan.objects, plan.bytes, 1);
                let other = render::AthenaAlternative {
                    here_seconds: other.here_seconds,
                    slow_line_seconds: other.slow_line_seconds,
                    transfer_usd: other.transfer_usd,
                    athena_usd: other.athena_usd,
                };
                let lines = render::athena_suggestion(&self.bucket, prefix, &other);
                lines.into_iter().for_each(|line| progress.remark(line));
            }
        };
        report_plan(is_complete);
        let listing = async {
            listers.join_all().await;
            if !is_complete {
                report_plan(true);
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
                while downloads.len() >= self.fetcher.requests.limit() {
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
    async fn list(&self, listing: KeyListing, keys: &mpsc::Sender<LogObject>) {
        let mut cursor = ListingCursor::new(listing);
        while let Some(objects) = self.next_wanted(&mut cursor).await {
            for ListedObject { key, size, .. } in objects {
                let object = LogObject {
                    named: key == cursor.listing.prefix,
                    key,
                    size,
                    scope: cursor.listing.scope.clone(),
                };
                if keys.send(object).await.is_err() {
                    return;
                }
            }
        }
    }

    /// The objects of a listing's next page that are wanted, counted; None at its end. A failure goes to
    /// the coverage, and ends it.
    async fn next_wanted(&self, cursor: &mut ListingCursor) -> Option<Vec<ListedObject>> {
        match self.next_objects(cursor).await {
            Ok(objects) => {
                let objects: Vec<ListedObject> = objects?
                    .into_iter()
                    .filter(|object| cursor.listing.wants(&object.key))
                    .collect();
                for object in &objects {
                    self.requests
                        .find(object.size, download::requests_of(object.size));
                }
                Some(objects)
            }
            Err(failure) => {
                let scope = cursor.listing.scope.clone().map(ReadScope::Region);
                self.failed(&cursor.listing.prefix, scope, failure).await;
                None
            }
        }
    }

    /// The objects of a listing's next page, up to its last key; None at its end.
    async fn next_objects(
        &self,
        cursor: &mut ListingCursor,
    ) -> Result<Option<Vec<ListedObject>>, AwsFailure> {
        if cursor.is_at_end {
            return cursor.failure.take().map_or(Ok(None), Err);
        }
        cursor.is_at_end = true;
        let listing = &cursor.listing;
        let request = self.list_request(&listing.prefix);
        let request = request.set_start_after(listing.after.clone());
        let request = request.set_continuation_token(cursor.pages.token.clone());
        let page = request.send().await;
        let page = page.map_err(|error| failure_of_list(&error))?;
        let is_before_end = |object: &ListedObject| {
            let before = listing.before.as_ref();
            before.is_none_or(|before| object.key < *before)
        };
        let all: Vec<ListedObject> = objects_of(&page).collect();
        let last = all.last().map(|object| object.key.clone());
        let count = all.len();
        let objects: Vec<ListedObject> = all.into_iter().take_while(is_before_end).collect();
        if objects.len() == count {
            match cursor.pages.turn(&page, last) {
                Ok(has_more) => cursor.is_at_end = !has_more,
                Err(failure) => cursor.failure = Some(failure),
            }
        }
        Ok(Some(objects))
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
