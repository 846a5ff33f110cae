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
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::JoinSet;

use self::holds::Holds;
use super::document::{Document, DocumentBody};
use super::interrupt::{self, Interrupt};
use crate::aws::{self, AwsFailure, FailureKind, with_causes};
use trailtab_core::coverage::{ReadProblem, ReadScope, RunCoverage, Severity};
use trailtab_core::event::filter::{Criterion, EventFilter, is_account_id as is_account};
use trailtab_core::scope::{AccountId, Scope};
use trailtab_core::time::{self, Seconds, TimeWindow};

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
    let Some(client) = asked.interrupt.or(connect(config, bucket)).await else {
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
async fn connect(config: &aws_config::SdkConfig, bucket: &str) -> Client {
    let client = aws::s3(config, bucket, None);
    let Err(error) = client.head_bucket().bucket(bucket).send().await else {
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
        let request = self.client.list_objects_v2().bucket(&self.bucket);
        let page = request.prefix(prefix).max_keys(1).send().await;
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
        let mut token = None;
        loop {
            let request = self.client.list_objects_v2().bucket(&self.bucket);
            let request = request
                .prefix(prefix)
                .delimiter("/")
                .set_continuation_token(token);
            let page = request
                .send()
                .await
                .map_err(|error| failure_of_list(&error))?;
            let folders = page.common_prefixes().iter().filter_map(|p| p.prefix());
            let keys = page.contents().iter().filter_map(|object| object.key());
            let keys = keys.filter(|key| !key.ends_with('/'));
            children.extend(folders.chain(keys.take(1)).map(str::to_owned));
            token = next(&page);
            if token.is_none() {
                return Ok(children);
            }
        }
    }

    /// Sends the objects of a listing to the downloader.
    async fn list(&self, listing: &KeyListing, keys: &mpsc::Sender<LogObject>) {
        let mut token = None;
        loop {
            let request = self.client.list_objects_v2().bucket(&self.bucket);
            let request = request
                .prefix(&listing.prefix)
                .set_start_after(listing.after.clone());
            let page = match request.set_continuation_token(token).send().await {
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
            for object in page.contents() {
                let Some(key) = object.key() else { continue };
                if listing
                    .before
                    .as_deref()
                    .is_some_and(|before| key >= before)
                {
                    return;
                }
                if listing.wants(key) {
                    let object = LogObject {
                        key: key.to_owned(),
                        size: u64::try_from(object.size().unwrap_or_default()).unwrap_or_default(),
                        named: key == listing.prefix,
                        scope: listing.scope.clone(),
                    };
                    if keys.send(object).await.is_err() {
                        return;
                    }
                }
            }
            token = next(&page);
            if token.is_none() {
                return;
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
        match self.body(&object.key, None).await {
            Ok((bytes, signature)) => {
                let document = Document {
                    size: bytes.len() as u64,
                    named: object.named,
                    scope: object.scope,
                    body: DocumentBody::Memory {
                        name,
                        bytes,
                        signature,
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
                }),
            },
        };
        // The receiver is dropped only at the end of the run.
        drop(documents.send(document).await);
    }

    /// Downloads an object, or the part given by an HTTP Range value, and the signature in its
    /// metadata if it is a digest.
    async fn body(
        &self,
        key: &str,
        range: Option<String>,
    ) -> Result<(Vec<u8>, Option<String>), String> {
        let mut attempt = 1;
        loop {
            let request = self.client.get_object().bucket(&self.bucket).key(key);
            let request = request.set_range(range.clone());
            let response = request.send().await.map_err(|error| explain_get(&error))?;
            let metadata = response.metadata.as_ref();
            let signature = metadata.and_then(|names| names.get("signature")).cloned();
            match response.body.collect().await {
                Ok(body) => return Ok((body.to_vec(), signature)),
                Err(error) if attempt == BODY_ATTEMPTS => {
                    let reason = with_causes(&error);
                    return Err(format!(
                        "broke off {attempt} times while downloading: {reason}"
                    ));
                }
                Err(_) => attempt += 1,
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

/// A large object, read in ranges from a thread outside the runtime.
struct RangedObject {
    store: Arc<S3Store>,
    runtime: tokio::runtime::Handle,
    object: LogObject,
    offset: u64,
    piece: io::Cursor<Vec<u8>>,
}

impl io::Read for RangedObject {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = io::Read::read(&mut self.piece, buf)?;
        if read > 0 || buf.is_empty() || self.offset >= self.object.size {
            return Ok(read);
        }
        // Frees the previous piece before the next one is fetched.
        self.piece = io::Cursor::default();
        let end = (self.offset + RANGE_BYTES).min(self.object.size);
        let range = Some(format!("bytes={}-{}", self.offset, end - 1));
        let body = self.store.body(&self.object.key, range);
        let Some(piece) = self.runtime.block_on(self.store.interrupt.or(body)) else {
            return Err(io::Error::other(interrupt::Interrupted));
        };
        self.piece = io::Cursor::new(piece.map_err(io::Error::other)?.0);
        self.offset = end;
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
                    if asked.digests {
                        next.push(format!("{folder}CloudTrail-Digest/"));
                    }
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
                FolderKind::Digests | FolderKind::DigestsOfRegion(_) | FolderKind::Other => {}
            }
        }
        next
    }

    fn leave_out(&mut self, criterion: Criterion, value: String) {
        self.left_out.entry(criterion).or_default().insert(value);
    }
}

fn next(page: &ListObjectsV2Output) -> Option<String> {
    let token = page.next_continuation_token().map(str::to_owned);
    token.filter(|_| page.is_truncated() == Some(true))
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
            " (the credentials need s3:ListBucket on the bucket)"
        }
        _ => "",
    };
    failure
}

fn explain_get(error: &SdkError<GetObjectError, HttpResponse>) -> String {
    let hint = match error.code() {
        Some("AccessDenied") => {
            " (the credentials need s3:GetObject, and kms:Decrypt if it is encrypted)"
        }
        Some("NoSuchKey") => " (it was deleted after it was listed)",
        Some("InvalidObjectState") => " (it is archived: restore it first)",
        _ => "",
    };
    match error.code() {
        Some(code) if !hint.is_empty() => format!("cannot be downloaded: {code}{hint}"),
        _ => format!("cannot be downloaded: {}", aws::explain(error)),
    }
}

impl S3Request<'_> {
    fn wants_account(&self, account: AccountId) -> bool {
        self.filter.admits_account(account.as_str())
    }

    fn wants(&self, scope: &Scope) -> bool {
        self.wants_account(scope.account) && self.filter.admits_region(scope.region.as_str())
    }

    /// Narrows a region's folder to the days asked for: log files lie under the day on which they
    /// were delivered, which may be the one after.
    fn days(&self, prefix: String, scope: Option<Scope>) -> KeyListing {
        let key = |time| {
            let (year, month, day) = time::day(time);
            format!("{prefix}{year:04}/{month:02}/{day:02}")
        };
        KeyListing {
            after: self.window.since.map(key),
            // One day after the window's last second, plus one since `before` is exclusive.
            before: self.window.until.map(|until| key(until - 1 + 2 * 86_400)),
            scope,
            digests: false,
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
        }
    }

    /// Tells whether to read a key: not a folder marker and not below a sibling of `CloudTrail/`.
    fn wants(&self, key: &str) -> bool {
        let is_foreign = |part| is_sibling(part) && !(self.digests && part == "CloudTrail-Digest");
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
    let (before, after) = prefix.rsplit_once("/CloudTrail/")?;
    let account = before.rsplit('/').next()?.parse().ok()?;
    let (region, rest) = after.split_once('/')?;
    let region = region.parse().ok()?;
    let folder = &prefix[..prefix.len() - rest.len()];
    let days = asked.days(folder.to_owned(), Some(Scope { account, region }));
    Some(match prefix.ends_with('/') {
        true => KeyListing {
            prefix: prefix.to_owned(),
            ..days
        },
        // An explicitly named file is read regardless of its day.
        false => KeyListing {
            scope: days.scope,
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

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
}
