//! Reads CloudTrail log files from a bucket.
//!
//! Discovers the layout by listing folders: accounts and regions lie below `AWSLogs/`, with or
//! without an organization id, and Control Tower puts more folders in front. Lists only the
//! requested accounts, regions and days, and never siblings of `CloudTrail/` such as
//! `CloudTrail-Insight/`. Listing, downloading and parsing overlap; the memory of objects
//! downloaded but not yet parsed is bounded.

mod download;
mod holds;
mod layout;
mod pages;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_objects_v2::builders::ListObjectsV2FluentBuilder;
use aws_sdk_s3::types::{EncodingType, RequestPayer};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::JoinSet;

use self::holds::Holds;
pub use self::layout::read_prefix;
use self::layout::{
    FolderKind, KeyListing, account_of, digests_within_region, has_trail_layout, within_region,
};
use self::pages::{ListedPages, failure_of_list, folders_of, keys_of};
use super::document::Document;
use super::interrupt::{self, Interrupt};
use crate::aws::{self, AwsFailure};
use trailtab_core::coverage::{ReadProblem, ReadScope, RunCoverage, Severity};
use trailtab_core::event::filter::{Criterion, ScopeMatcher};
use trailtab_core::scope::Scope;
use trailtab_core::time::{Seconds, TimeWindow};

/// The folder beside `CloudTrail/` that contains calls through VPC endpoints.
pub(super) const NETWORK_ACTIVITY: &str = "CloudTrail-NetworkActivity";

/// Days after the window on which log files with its events may be delivered, unless the user asks
/// for more. CloudTrail repeats a delivery that failed for up to 30 days.
pub const LATE_DAYS: u32 = 1;

/// Maximum number of days for which CloudTrail repeats a delivery.
pub const MAX_LATE_DAYS: u32 = 30;

/// Concurrent requests of each kind.
const MAX_CONCURRENT_LISTINGS: usize = 16;

const MAX_CONCURRENT_DOWNLOADS: usize = 32;

/// Maximum KiB of log files downloaded but not yet parsed.
const MAX_BUFFERED_KIB: u32 = 48 << 10;

/// Maximum number of unrecognized folders to search for `AWSLogs/`.
const MAX_UNKNOWN_FOLDERS: usize = 200;

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
    found: &(dyn Fn(u64) + Sync),
    documents: &mpsc::Sender<Document>,
) -> Result<RunCoverage, S3Error> {
    let interrupted = || interrupt::problem(format!("s3://{bucket}/{prefix}"), Severity::Partial);
    let Some(client) = asked.interrupt.or(connect(config, bucket, asked)).await else {
        let mut coverage = RunCoverage::default();
        coverage.problem(interrupted());
        return Ok(coverage);
    };
    let store = Arc::new(S3Store {
        client,
        bucket: bucket.to_owned(),
        coverage: Mutex::default(),
        memory: Arc::new(Semaphore::new(MAX_BUFFERED_KIB as usize)),
        interrupt: asked.interrupt.clone(),
        payer: asked.requester_pays.then_some(RequestPayer::Requester),
    });
    // Dropping the future on an interrupt aborts all its tasks.
    let send = store.send_all(prefix, asked, found, documents);
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
    client: Client,
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
        found: &(dyn Fn(u64) + Sync),
        documents: &mpsc::Sender<Document>,
    ) -> Result<(), S3Error> {
        let listings = self.find_listings(prefix, asked).await?;
        if listings
            .iter()
            .any(|listing| listing.scope.is_some() && listing.before.is_some())
        {
            self.coverage.lock().await.delivered_until = asked.late_from();
        }
        let (keys, mut listed) = mpsc::channel(4096);
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
        let mut downloads = JoinSet::new();
        let mut is_empty = true;
        while let Some(object) = listed.recv().await {
            is_empty = false;
            found(object.size);
            while downloads.len() >= MAX_CONCURRENT_DOWNLOADS {
                downloads.join_next().await;
            }
            let (store, documents) = (self.clone(), documents.clone());
            downloads.spawn(async move { store.download(object, &documents).await });
        }
        listers.join_all().await;
        downloads.join_all().await;
        if is_empty && asked.window != TimeWindow::default() {
            self.add_days_stored(&listings).await;
        }
        Ok(())
    }

    /// Finds the folders to list.
    async fn find_listings(
        self: &Arc<Self>,
        prefix: &str,
        asked: S3Request<'_>,
    ) -> Result<Vec<KeyListing>, S3Error> {
        let listings = match within_region(prefix, asked) {
            Some(_) if self.is_empty(prefix).await => return Err(self.empty_error(prefix).await),
            Some(listing) => [Some(listing), digests_within_region(prefix, asked)]
                .into_iter()
                .flatten()
                .collect(),
            None => self.search(prefix, asked).await?,
        };
        for listing in &listings {
            if let Some(scope) = &listing.scope {
                self.coverage.lock().await.ask(scope.clone());
            }
        }
        Ok(listings)
    }

    /// Searches for the folders of regions.
    async fn search(
        self: &Arc<Self>,
        prefix: &str,
        asked: S3Request<'_>,
    ) -> Result<Vec<KeyListing>, S3Error> {
        let mut search = RegionSearch::default();
        let first = self.children(prefix).await;
        let first = first.map_err(|failure| S3Error::List {
            bucket: self.bucket.clone(),
            prefix: prefix.to_owned(),
            reason: failure.explanation,
        })?;
        if first.is_empty() {
            return Err(self.empty_error(prefix).await);
        }
        let mut level = search.sort(first, asked);
        if asked.digests
            && let Some((before, after)) = prefix.rsplit_once("/CloudTrail/")
        {
            let sibling = format!("{before}/CloudTrail-Digest/{after}");
            level.extend(search.sort(self.children_of(&[sibling]).await, asked));
        }
        while !level.is_empty() {
            level = search.sort(self.children_of(&level).await, asked);
        }
        let left_out = std::mem::take(&mut search.left_out);
        if search.listings.is_empty() && left_out.is_empty() {
            if !search.met_layout && !has_trail_layout(prefix) {
                // Log files may also lie in custom folders.
                return Ok(vec![KeyListing {
                    digests: asked.digests,
                    network_activity: asked.network_activity,
                    ..KeyListing::all(prefix.to_owned())
                }]);
            }
            if self.coverage.lock().await.is_complete() {
                return Err(self.empty_error(prefix).await);
            }
        }
        self.coverage.lock().await.left_out = left_out;
        if search.gave_up {
            let reason = "too many folders: name the one that holds AWSLogs/";
            self.cannot_list(prefix, None, None, reason).await;
        }
        Ok(search.listings)
    }

    /// Tells whether no key begins with a prefix. False if the request fails; the listing that
    /// follows reports the error.
    async fn is_empty(&self, prefix: &str) -> bool {
        let request = self.list_request(prefix).max_keys(1);
        let page = request.send().await;
        page.is_ok_and(|page| page.contents().is_empty())
    }

    /// Lists the folders below several others concurrently.
    async fn children_of(self: &Arc<Self>, folders: &[String]) -> Vec<String> {
        let mut children = Vec::new();
        for batch in folders.chunks(MAX_CONCURRENT_LISTINGS) {
            let mut looks = JoinSet::new();
            for folder in batch.iter().cloned() {
                let store = self.clone();
                looks.spawn(async move { (store.children(&folder).await, folder) });
            }
            for (result, folder) in looks.join_all().await {
                match result {
                    Ok(found) => children.extend(found),
                    Err(failure) => {
                        let scope = account_of(&folder).map(ReadScope::Account);
                        self.failed(&folder, scope, failure).await;
                    }
                }
            }
        }
        children
    }

    /// Lists the folders below a prefix; a key that lies there itself is given as it is. The empty
    /// objects that stand for folders are left out: each would be found below itself again.
    async fn children(&self, prefix: &str) -> Result<Vec<String>, AwsFailure> {
        let mut children = Vec::new();
        let mut pages = ListedPages::default();
        loop {
            let request = self.list_request(prefix).delimiter("/");
            let request = request.set_continuation_token(pages.token.clone());
            let page = request
                .send()
                .await
                .map_err(|error| failure_of_list(&error))?;
            let folders: Vec<String> = folders_of(&page);
            let keys = keys_of(&page).filter(|(key, _)| !key.ends_with('/'));
            let keys: Vec<String> = keys.map(|(key, _)| key).collect();
            let last = folders.iter().chain(&keys).max().cloned();
            children.extend(folders.into_iter().chain(keys.into_iter().take(1)));
            if !pages.turn(&page, last)? {
                return Ok(children);
            }
        }
    }

    /// A request for a page of a listing. Keys come encoded, since XML cannot contain all characters
    /// that a key may have.
    fn list_request(&self, prefix: &str) -> ListObjectsV2FluentBuilder {
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

/// The search for the folders of regions.
#[derive(Default)]
struct RegionSearch {
    listings: Vec<KeyListing>,
    unknown_folders: usize,
    /// Accounts and regions excluded by a filter.
    left_out: BTreeMap<Criterion, BTreeSet<String>>,
    /// Whether any folder belongs to the layout of a trail.
    met_layout: bool,
    gave_up: bool,
}

impl RegionSearch {
    /// Moves region folders into the listings, and returns the folders to search next.
    fn sort(&mut self, found: Vec<String>, asked: S3Request<'_>) -> Vec<String> {
        let mut next = Vec::new();
        for folder in found {
            let place = FolderKind::of(&folder);
            self.met_layout |= matches!(
                place,
                FolderKind::Region(_) | FolderKind::Account(_) | FolderKind::OnTheWay
            );
            match place {
                FolderKind::Region(scope) if asked.wants(&scope) => {
                    self.listings.push(asked.days(folder, Some(scope)));
                }
                FolderKind::Account(account) if asked.wants_account(account) => {
                    next.push(format!("{folder}CloudTrail/"));
                    if asked.network_activity {
                        next.push(format!("{folder}{NETWORK_ACTIVITY}/"));
                    }
                    if asked.digests {
                        next.push(format!("{folder}CloudTrail-Digest/"));
                    }
                }
                FolderKind::NetworkActivity if asked.network_activity => next.push(folder),
                FolderKind::NetworkActivityOfRegion(scope)
                    if asked.network_activity && asked.wants(&scope) =>
                {
                    self.listings.push(KeyListing {
                        network_activity: true,
                        ..asked.days(folder, Some(scope))
                    });
                }
                FolderKind::Digests if asked.digests => next.push(folder),
                FolderKind::DigestsOfRegion(scope) if asked.digests && asked.wants(&scope) => {
                    self.listings.push(asked.digests_of_days(folder));
                }
                FolderKind::Region(Scope { account, .. }) | FolderKind::Account(account)
                    if !asked.wants_account(account) =>
                {
                    self.leave_out(Criterion::Account, account.to_string());
                }
                FolderKind::Region(Scope { region, .. }) => {
                    self.leave_out(Criterion::Region, region.to_string());
                }
                FolderKind::Account(_) => {}
                FolderKind::OnTheWay => next.push(folder),
                FolderKind::Unknown if self.unknown_folders < MAX_UNKNOWN_FOLDERS => {
                    self.unknown_folders += 1;
                    next.push(folder);
                }
                FolderKind::Unknown => self.gave_up = true,
                FolderKind::Digests
                | FolderKind::DigestsOfRegion(_)
                | FolderKind::NetworkActivity
                | FolderKind::NetworkActivityOfRegion(_)
                | FolderKind::Other => {}
            }
        }
        next
    }

    fn leave_out(&mut self, criterion: Criterion, value: String) {
        self.left_out.entry(criterion).or_default().insert(value);
    }
}
