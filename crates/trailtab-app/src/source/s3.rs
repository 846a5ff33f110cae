//! Reads CloudTrail log files from a bucket.
//!
//! Discovers the layout by listing folders: accounts and regions lie below `AWSLogs/`, with or
//! without an organization id, and Control Tower puts more folders in front. Lists only the
//! requested accounts, regions and days, and never siblings of `CloudTrail/` such as
//! `CloudTrail-Insight/`. Listing, downloading and parsing overlap; the memory of objects
//! downloaded but not yet parsed is bounded.

mod holds;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::operation::list_objects_v2::builders::ListObjectsV2FluentBuilder;
use aws_sdk_s3::primitives::{AggregatedBytes, ByteStream};
use aws_sdk_s3::types::{EncodingType, RequestPayer};
use percent_encoding::percent_decode_str;
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::JoinSet;

use self::holds::Holds;
use super::document::{Document, DocumentBody};
use super::interrupt::{self, Interrupt};
use crate::aws::{self, AwsFailure, FailureKind, with_causes};
use trailtab_core::coverage::{ReadProblem, ReadScope, RunCoverage, Severity};
use trailtab_core::event::filter::{Criterion, EventFilter, is_account_id as is_account};
use trailtab_core::integrity::{DigestMetadata, ReadPrefix};
use trailtab_core::scope::{AccountId, Scope};
use trailtab_core::time::{self, Seconds, TimeWindow};

/// The folder beside `CloudTrail/` that contains calls through VPC endpoints.
pub(super) const NETWORK_ACTIVITY: &str = "CloudTrail-NetworkActivity";

/// Days after the window on which log files with its events may be delivered, unless the user asks
/// for more. CloudTrail repeats a delivery that failed for up to 30 days.
pub const LATE_DAYS: u32 = 1;

/// Maximum number of days for which CloudTrail repeats a delivery.
pub const MAX_LATE_DAYS: u32 = 30;

const SECONDS_PER_DAY: Seconds = 86_400;

/// Maximum number of consecutive pages of a listing without a key.
const MAX_EMPTY_PAGES: u32 = 1000;

/// Concurrent requests of each kind.
const MAX_CONCURRENT_LISTINGS: usize = 16;
const MAX_CONCURRENT_DOWNLOADS: usize = 32;

/// Maximum KiB of log files downloaded but not yet parsed.
const MAX_BUFFERED_KIB: u32 = 48 << 10;

/// Maximum number of unrecognized folders to search for `AWSLogs/`.
const MAX_UNKNOWN_FOLDERS: usize = 200;

/// Objects above this size are parsed while they are downloaded, in ranges of [`RANGE_BYTES`].
const LARGE_OBJECT_BYTES: u64 = 32 << 20;
const RANGE_BYTES: u64 = 8 << 20;

/// Maximum number of downloads of a body that breaks off. The SDK retries failed requests only, not
/// bodies.
const BODY_ATTEMPTS: u32 = 4;

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
    /// The account and region filters.
    pub filter: &'a EventFilter,
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

/// A prefix to list, usually the folder of an account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KeyListing {
    prefix: String,
    /// Skip keys up to this one (`StartAfter`).
    after: Option<String>,
    /// Stop at this key.
    before: Option<String>,
    /// Account and region, if the folder is theirs.
    scope: Option<Scope>,
    /// Whether digests are wanted as well.
    digests: bool,
    /// Whether network activity is wanted as well.
    network_activity: bool,
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

    /// Downloads an object and sends it on, or adds a problem to the coverage.
    async fn download(self: Arc<Self>, object: LogObject, documents: &mpsc::Sender<Document>) {
        if object.size > LARGE_OBJECT_BYTES {
            return self.send_in_ranges(object, documents).await;
        }
        let kib = u32::try_from(object.size / 1024 + 1)
            .unwrap_or(u32::MAX)
            .min(MAX_BUFFERED_KIB);
        let Ok(permit) = self.memory.clone().acquire_many_owned(kib).await else {
            return;
        };
        let name = format!("s3://{}/{}", self.bucket, object.key);
        match self.body(&object.key).await {
            Ok((bytes, metadata)) => {
                let given = bytes.len() as u64;
                if given != object.size {
                    let severity = match given {
                        0 => Severity::Failed,
                        _ => Severity::Partial,
                    };
                    let reason = of_another_size(given, object.size);
                    self.coverage.lock().await.problem(ReadProblem {
                        scope: object.scope.clone().map(ReadScope::Region),
                        ..ReadProblem::of_document(name.clone(), severity, reason)
                    });
                }
                let document = Document {
                    size: bytes.len() as u64,
                    named: object.named,
                    scope: object.scope,
                    body: DocumentBody::Memory {
                        name,
                        bytes,
                        metadata,
                        _held: Box::new(permit),
                    },
                };
                // The receiver is dropped only at the end of the run.
                drop(documents.send(document).await);
            }
            Err(reason) => {
                let scope = object.scope.map(ReadScope::Region);
                let problem = ReadProblem {
                    scope,
                    ..ReadProblem::of_document(name, Severity::Failed, reason)
                };
                self.coverage.lock().await.problem(problem);
            }
        }
    }

    /// Sends a large object as a stream; the parsing thread downloads it range by range.
    async fn send_in_ranges(
        self: Arc<Self>,
        object: LogObject,
        documents: &mpsc::Sender<Document>,
    ) {
        let document = Document {
            size: object.size,
            named: object.named,
            scope: object.scope.clone(),
            body: DocumentBody::Stream {
                name: format!("s3://{}/{}", self.bucket, object.key),
                bytes: Box::new(RangedObject {
                    store: self,
                    runtime: tokio::runtime::Handle::current(),
                    object,
                    offset: 0,
                    piece: io::Cursor::default(),
                    whole: None,
                }),
            },
        };
        // The receiver is dropped only at the end of the run.
        drop(documents.send(document).await);
    }

    /// Downloads an object, and what its metadata tells if it is a digest.
    async fn body(&self, key: &str) -> Result<(Vec<u8>, DigestMetadata), String> {
        let mut attempt = 1;
        loop {
            let response = self.get(key, None).await?;
            let names = response.metadata.as_ref();
            let value = |name| names.and_then(|names| names.get(name));
            let generated = value("backfill-generation-timestamp");
            let metadata = DigestMetadata {
                signature: value("signature").cloned(),
                generated: generated.and_then(|text| time::parse(text.as_bytes())),
            };
            match response.body.collect().await {
                Ok(body) => return Ok((body.to_vec(), metadata)),
                Err(error) if attempt == BODY_ATTEMPTS => return Err(broke_off(attempt, &error)),
                Err(_) => attempt += 1,
            }
        }
    }

    /// Downloads a range of a large object.
    async fn range(&self, object: &LogObject, start: u64, end: u64) -> Result<RangeAnswer, String> {
        let mut attempt = 1;
        loop {
            let range = format!("bytes={start}-{}", end - 1);
            let response = self.get(&object.key, Some(range)).await?;
            if response.content_range().is_none() {
                return match start {
                    0 => Ok(RangeAnswer::Whole(response.body)),
                    _ => Err("the server gave a range, and then the whole object".to_owned()),
                };
            }
            let body = response.body.collect().await;
            match body.map(AggregatedBytes::to_vec) {
                Ok(piece) if piece.len() as u64 == end - start => {
                    return Ok(RangeAnswer::Piece(piece));
                }
                Ok(piece) => {
                    return Err(of_another_size(start + piece.len() as u64, object.size));
                }
                Err(error) if attempt == BODY_ATTEMPTS => return Err(broke_off(attempt, &error)),
                Err(_) => attempt += 1,
            }
        }
    }

    async fn get(&self, key: &str, range: Option<String>) -> Result<GetObjectOutput, String> {
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        let request = request
            .set_range(range)
            .set_request_payer(self.payer.clone());
        request.send().await.map_err(|error| explain_get(&error))
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

/// An answer to a request for a range.
enum RangeAnswer {
    Piece(Vec<u8>),
    /// The whole object, from a server that does not know ranges.
    Whole(ByteStream),
}

/// Says that an object is shorter or longer than the listing said.
fn of_another_size(given: u64, listed: u64) -> String {
    format!("S3 gave {given} bytes of an object that it lists with {listed}")
}

fn broke_off(attempts: u32, error: &(dyn Error + 'static)) -> String {
    let reason = with_causes(error);
    format!("broke off {attempts} times while downloading: {reason}")
}

/// A large object, read in ranges from a thread outside the runtime.
struct RangedObject {
    store: Arc<S3Store>,
    runtime: tokio::runtime::Handle,
    object: LogObject,
    offset: u64,
    piece: io::Cursor<Vec<u8>>,
    /// The rest of the object, if the server does not know ranges.
    whole: Option<ByteStream>,
}

impl RangedObject {
    /// Fetches the next piece; an empty one is the end.
    async fn next_piece(&mut self) -> Result<Vec<u8>, String> {
        if self.whole.is_none() {
            if self.offset >= self.object.size {
                return Ok(Vec::new());
            }
            let end = (self.offset + RANGE_BYTES).min(self.object.size);
            match self.store.range(&self.object, self.offset, end).await? {
                RangeAnswer::Piece(piece) => return Ok(piece),
                RangeAnswer::Whole(body) => self.whole = Some(body),
            }
        }
        let Some(body) = &mut self.whole else {
            return Ok(Vec::new());
        };
        match body.next().await {
            Some(Ok(piece)) => Ok(piece.to_vec()),
            Some(Err(error)) => Err(broke_off(1, &error)),
            None if self.offset != self.object.size => {
                Err(of_another_size(self.offset, self.object.size))
            }
            None => Ok(Vec::new()),
        }
    }
}

impl io::Read for RangedObject {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = io::Read::read(&mut self.piece, buf)?;
        if read > 0 || buf.is_empty() {
            return Ok(read);
        }
        // Frees the previous piece before the next one is fetched.
        self.piece = io::Cursor::default();
        let (runtime, store) = (self.runtime.clone(), self.store.clone());
        let Some(piece) = runtime.block_on(store.interrupt.or(self.next_piece())) else {
            return Err(io::Error::other(interrupt::Interrupted));
        };
        let piece = piece.map_err(io::Error::other)?;
        self.offset += piece.len() as u64;
        self.piece = io::Cursor::new(piece);
        io::Read::read(&mut self.piece, buf)
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

/// Where a listing of several pages has come to.
#[derive(Debug, Default)]
struct ListedPages {
    token: Option<String>,
    /// The last key or folder.
    last: Option<String>,
    empty: u32,
}

impl ListedPages {
    /// Turns to the next page; returns whether there is one. `last` is the last key or folder of this
    /// page. Keys come in order, so a server whose pages lead nowhere is found out.
    fn turn(
        &mut self,
        page: &ListObjectsV2Output,
        last: Option<String>,
    ) -> Result<bool, AwsFailure> {
        let lacks = |what: &str| Err(AwsFailure::lacks(what));
        let mut objects = page.contents().iter();
        if objects.any(|object| object.key().is_none() || object.size().is_none()) {
            return lacks("the Key or the Size of an object");
        }
        match page.is_truncated() {
            None => return lacks("IsTruncated"),
            Some(false) => return Ok(false),
            Some(true) => {}
        }
        let token = page.next_continuation_token().map(str::to_owned);
        let Some(token) = token else {
            return lacks("NextContinuationToken");
        };
        self.empty = match last {
            Some(_) => 0,
            None => self.empty + 1,
        };
        let goes_back = last.is_some() && last <= self.last;
        if goes_back || self.empty > MAX_EMPTY_PAGES {
            let reason = "the listing does not come to an end: its pages repeat";
            return Err(AwsFailure::of_answer(reason));
        }
        self.last = last.or(self.last.take());
        self.token = Some(token);
        Ok(true)
    }
}

/// The keys of a page and their sizes.
fn keys_of(page: &ListObjectsV2Output) -> impl Iterator<Item = (String, u64)> {
    page.contents().iter().filter_map(|object| {
        let size = u64::try_from(object.size().unwrap_or_default()).unwrap_or_default();
        Some((decoded(page, object.key()?), size))
    })
}

/// The folders of a page.
fn folders_of(page: &ListObjectsV2Output) -> Vec<String> {
    let folders = page
        .common_prefixes()
        .iter()
        .filter_map(|folder| folder.prefix());
    folders.map(|folder| decoded(page, folder)).collect()
}

/// Decodes a key, unless the server ignored the request to encode it.
fn decoded(page: &ListObjectsV2Output, key: &str) -> String {
    if page.encoding_type() != Some(&EncodingType::Url) {
        return key.to_owned();
    }
    let spaced = key.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// Classifies why a folder could not be listed, and says which permission is needed for it.
fn failure_of_list<E>(error: &SdkError<E, HttpResponse>) -> AwsFailure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let mut failure = AwsFailure::of(error);
    // Where the message names the action, it is explained with what to allow.
    let names_action = failure.message.contains("not authorized to perform");
    failure.explanation += match failure.code.as_str() {
        "NoSuchBucket" => " (is the name right?)",
        _ if failure.kind == FailureKind::Denied && !names_action => {
            " (the credentials need s3:ListBucket on the bucket; a requester-pays bucket needs --requester-pays)"
        }
        _ => "",
    };
    failure
}

fn explain_get(error: &SdkError<GetObjectError, HttpResponse>) -> String {
    let failure = AwsFailure::of(error);
    let hint = match failure.code.as_str() {
        "AccessDenied" => {
            " (the credentials need s3:GetObject, and kms:Decrypt if it is encrypted; a requester-pays bucket needs --requester-pays)"
        }
        "NoSuchKey" => " (it was deleted after it was listed)",
        "InvalidObjectState" => " (it is archived: restore it first)",
        _ => "",
    };
    // Messages about KMS keys name the action and the key.
    let message = &failure.message;
    let names_cause = message.contains("not authorized to perform") || message.contains("kms");
    match !hint.is_empty() && !names_cause {
        true => format!("cannot be downloaded: {}{hint}", failure.code),
        false => format!("cannot be downloaded: {}", failure.explanation),
    }
}

impl S3Request<'_> {
    fn wants_account(&self, account: AccountId) -> bool {
        self.filter.admits_account(account.as_str())
    }

    fn wants(&self, scope: &Scope) -> bool {
        self.wants_account(scope.account) && self.filter.admits_region(scope.region.as_str())
    }

    /// A second of the first day whose deliveries are not read; None if all are.
    fn undelivered_from(&self) -> Option<Seconds> {
        let late = i64::from(self.late_days) * SECONDS_PER_DAY;
        let last = self.window.until?.saturating_sub(1).saturating_add(late);
        Some(last.saturating_add(SECONDS_PER_DAY))
    }

    /// The first second whose deliveries are not read, though CloudTrail may have delivered events of
    /// the window since; None if there is none.
    fn late_from(&self) -> Option<Seconds> {
        let from = self.undelivered_from()?.div_euclid(SECONDS_PER_DAY) * SECONDS_PER_DAY;
        (from <= self.now && self.late_days < MAX_LATE_DAYS).then_some(from)
    }

    /// Narrows a region's folder to the days asked for: log files lie under the day on which they
    /// were delivered, which may be a later one.
    fn days(&self, prefix: String, scope: Option<Scope>) -> KeyListing {
        let key = |time| {
            let (year, month, day) = time::day(time);
            format!("{prefix}{year:04}/{month:02}/{day:02}")
        };
        KeyListing {
            after: self.window.since.map(key),
            before: self.undelivered_from().map(key),
            scope,
            digests: false,
            network_activity: false,
            prefix,
        }
    }

    /// Narrows a region's folder of digests. Digests of the last day's log files may lie one day
    /// later still.
    fn digests_of_days(&self, prefix: String) -> KeyListing {
        let later = |until: Seconds| until.saturating_add(86_400);
        let window = TimeWindow {
            until: self.window.until.map(later),
            ..self.window
        };
        let days = S3Request { window, ..*self }.days(prefix, None);
        KeyListing {
            digests: true,
            ..days
        }
    }
}

impl KeyListing {
    fn all(prefix: String) -> KeyListing {
        KeyListing {
            prefix,
            after: None,
            before: None,
            scope: None,
            digests: false,
            network_activity: false,
        }
    }

    /// Tells whether to read a key: not a folder marker and not below a sibling of `CloudTrail/`.
    fn wants(&self, key: &str) -> bool {
        let is_foreign = |part| {
            is_sibling(part)
                && !(self.digests && part == "CloudTrail-Digest")
                && !(self.network_activity && part == NETWORK_ACTIVITY)
        };
        !key.ends_with('/') && (key == self.prefix || !key.rsplit('/').skip(1).any(is_foreign))
    }
}

/// Kind of a folder, decided from the end of its prefix.
#[derive(Debug, PartialEq, Eq)]
enum FolderKind {
    /// `…/ACCOUNT/CloudTrail/REGION/`
    Region(Scope),
    /// `…/AWSLogs/ACCOUNT/`, also with an organisation's id in between.
    Account(AccountId),
    /// `…/ACCOUNT/CloudTrail-NetworkActivity/`
    NetworkActivity,
    /// `…/ACCOUNT/CloudTrail-NetworkActivity/REGION/`
    NetworkActivityOfRegion(Scope),
    /// `…/ACCOUNT/CloudTrail-Digest/`
    Digests,
    /// `…/ACCOUNT/CloudTrail-Digest/REGION/`
    DigestsOfRegion(Scope),
    /// `…/AWSLogs/`, or an organisation's folder below it.
    OnTheWay,
    /// A folder that may lead to `AWSLogs/`, such as Control Tower's, which begins with the
    /// organization id.
    Unknown,
    Other,
}

impl FolderKind {
    fn of(prefix: &str) -> FolderKind {
        let Some(folder) = prefix.strip_suffix('/') else {
            return FolderKind::Other;
        };
        let parts: Vec<&str> = folder.split('/').collect();
        let scope = |account: &str, region: &str| {
            Some(Scope {
                account: account.parse().ok()?,
                region: region.parse().ok()?,
            })
        };
        match *parts.as_slice() {
            [.., account, "CloudTrail", region] if is_account(account) => {
                scope(account, region).map_or(FolderKind::OnTheWay, FolderKind::Region)
            }
            [.., account, "CloudTrail"] if is_account(account) => FolderKind::OnTheWay,
            [.., account, "CloudTrail-Digest", region] if is_account(account) => {
                scope(account, region).map_or(FolderKind::Other, FolderKind::DigestsOfRegion)
            }
            [.., account, "CloudTrail-Digest"] if is_account(account) => FolderKind::Digests,
            [.., account, NETWORK_ACTIVITY, region] if is_account(account) => {
                scope(account, region)
                    .map_or(FolderKind::Other, FolderKind::NetworkActivityOfRegion)
            }
            [.., account, NETWORK_ACTIVITY] if is_account(account) => FolderKind::NetworkActivity,
            [.., account, sibling] if is_account(account) && is_sibling(sibling) => {
                FolderKind::Other
            }
            [.., "AWSLogs"] => FolderKind::OnTheWay,
            [.., "AWSLogs", organization] if is_organization(organization) => FolderKind::OnTheWay,
            [.., parent, account] if parent == "AWSLogs" || is_organization(parent) => {
                match account.parse() {
                    Ok(account) => FolderKind::Account(account),
                    // Other services keep their logs below the account as well.
                    Err(_) if parts.contains(&"AWSLogs") || parts.len() > 6 => FolderKind::Other,
                    Err(_) => FolderKind::Unknown,
                }
            }
            _ if parts.contains(&"AWSLogs") || parts.len() > 6 => FolderKind::Other,
            _ => FolderKind::Unknown,
        }
    }
}

/// Returns the account whose regions are the folders below `…/ACCOUNT/CloudTrail/`.
fn account_of(folder: &str) -> Option<AccountId> {
    let account = folder.strip_suffix("/CloudTrail/")?;
    account.rsplit('/').next()?.parse().ok()
}

/// The folders beside `CloudTrail/`: what they hold is shaped otherwise, or told in events already.
fn is_sibling(part: &str) -> bool {
    let kind = part.strip_prefix("CloudTrail-");
    kind.is_some_and(|kind| ["Digest", "Insight", "NetworkActivity", "Aggregated"].contains(&kind))
}

/// `o-` followed by letters and digits.
fn is_organization(part: &str) -> bool {
    part.strip_prefix("o-")
        .is_some_and(|id| id.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn has_trail_layout(prefix: &str) -> bool {
    prefix.split('/').any(|part| part == "AWSLogs")
}

/// Recognizes a prefix inside a region's folder, down to a single file.
fn within_region(prefix: &str, asked: S3Request<'_>) -> Option<KeyListing> {
    let of_folder = |folder: &str| prefix.rsplit_once(&format!("/{folder}/"));
    let ((before, after), network_activity) = match of_folder("CloudTrail") {
        Some(parts) => (parts, false),
        None => (of_folder(NETWORK_ACTIVITY)?, true),
    };
    let account = before.rsplit('/').next()?.parse().ok()?;
    let (region, rest) = after.split_once('/')?;
    let region = region.parse().ok()?;
    let folder = &prefix[..prefix.len() - rest.len()];
    let days = KeyListing {
        network_activity,
        ..asked.days(folder.to_owned(), Some(Scope { account, region }))
    };
    Some(match prefix.ends_with('/') {
        true => KeyListing {
            prefix: prefix.to_owned(),
            ..days
        },
        // An explicitly named file is read regardless of its day.
        false => KeyListing {
            scope: days.scope,
            network_activity,
            ..KeyListing::all(prefix.to_owned())
        },
    })
}

/// The digests of the log files under a prefix inside a region's folder.
fn digests_within_region(prefix: &str, asked: S3Request<'_>) -> Option<KeyListing> {
    if !asked.digests {
        return None;
    }
    let (before, after) = prefix.rsplit_once("/CloudTrail/")?;
    let (region, rest) = after.split_once('/')?;
    let folder = format!("{before}/CloudTrail-Digest/{region}/");
    let days = asked.digests_of_days(folder.clone());
    let date: Vec<&str> = rest
        .split('/')
        .take(3)
        .take_while(|part| is_number(part))
        .collect();
    // A digest lies under the day on which it ends: the day of the log files or the next.
    let start = format!("{folder}{}", date.join("/"));
    let days_behind = match date.len() {
        1 => 367,
        2 => 33,
        _ => 3,
    };
    let first = format!("{}-01-01", date.join("-"));
    let end = first
        .get(..10)
        .and_then(|day| time::parse(format!("{day}T00:00:00Z").as_bytes()));
    let end = end.map(|first| {
        let (year, month, day) = time::day(first + days_behind * 86_400);
        format!("{folder}{year:04}/{month:02}/{day:02}")
    });
    let (after, before) = match date.is_empty() {
        true => (None, None),
        false => (Some(start), end),
    };
    Some(KeyListing {
        after: days.after.max(after),
        before: days.before.into_iter().chain(before).min(),
        ..days
    })
}

/// Tells where the log files under a prefix are, and where their digests are: those of a prefix that
/// ends in a date are under the same date, for the most part.
pub fn read_prefix(bucket: &str, prefix: &str) -> ReadPrefix {
    let address = |key: &str| format!("s3://{bucket}/{key}");
    let Some((before, after)) = prefix.rsplit_once("/CloudTrail/") else {
        return ReadPrefix {
            logs: address(prefix),
            digests: address(prefix),
            until: None,
        };
    };
    let (region, rest) = after.split_once('/').unwrap_or((after, ""));
    let date: Vec<&str> = rest
        .split('/')
        .take(3)
        .take_while(|part| is_number(part))
        .collect();
    let folder = match after.contains('/') {
        true => format!("{before}/CloudTrail-Digest/{region}/{}", date.join("/")),
        false => format!("{before}/CloudTrail-Digest/{region}"),
    };
    ReadPrefix {
        logs: address(prefix),
        digests: address(&folder),
        until: end_of(rest),
    }
}

/// The first second after the year, month or day that a path begins with.
fn end_of(path: &str) -> Option<Seconds> {
    let first = |year: i64, month: i64| {
        time::parse(format!("{year:04}-{month:02}-01T00:00:00Z").as_bytes())
    };
    let (date, _) = path.rsplit_once('/')?;
    let numbers = date.split('/').take(3).map_while(|part| {
        let number = part.parse::<u16>().ok().filter(|_| is_number(part));
        number.map(i64::from)
    });
    let numbers: Vec<i64> = numbers.collect();
    match *numbers.as_slice() {
        [year] => first(year + 1, 1),
        [year, 12] => first(year + 1, 1),
        [year, month] => first(year, month + 1),
        [year, month, day] => Some(first(year, month)? + day * 86_400),
        _ => None,
    }
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
}
