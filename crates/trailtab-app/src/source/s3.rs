//! Log files in a bucket, as CloudTrail delivers them.
//!
//! The layout is found by looking: accounts and regions are folders below `AWSLogs/`, with or
//! without an organisation's id, and Control Tower puts more folders in front. Only the accounts,
//! regions and days asked for are listed, and never a folder whose name merely begins like
//! `CloudTrail/`. Listing, downloading and parsing overlap; the memory of what is downloaded and
//! not yet parsed is bounded.

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
use crate::aws::{self, in_words};
use trailtab_core::coverage::{ReadProblem, RunCoverage, Severity};
use trailtab_core::event::filter::{Criterion, EventFilter, is_account_id as is_account};
use trailtab_core::integrity::{DigestMetadata, ReadPrefix};
use trailtab_core::time::{self, Seconds, TimeWindow};

/// Requests in flight at once, of each kind.
const LISTINGS: usize = 16;
const DOWNLOADS: usize = 32;

/// KiB of log files downloaded and not yet parsed, at most.
const BUFFERED_KIB: u32 = 48 << 10;

/// Folders of unknown meaning looked into before the search for `AWSLogs/` is given up.
const MAX_STRANGERS: usize = 200;

/// Larger objects are parsed while they are downloaded, in ranges of [`RANGE`] bytes.
const LARGE: u64 = 32 << 20;
const RANGE: u64 = 8 << 20;

/// Times that a body is fetched again which broke off; the SDK repeats failed requests only.
const BODY_ATTEMPTS: u32 = 4;

/// Why nothing at all can be read from a bucket.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// The bucket cannot be listed.
    #[error("cannot list s3://{bucket}/{prefix}: {reason}")]
    List {
        /// The name of the bucket.
        bucket: String,
        /// The beginning of keys that was asked for.
        prefix: String,
        /// AWS's code and message, or what went wrong.
        reason: String,
    },
    /// There are no log files under the prefix.
    #[error("there are no log files under s3://{bucket}/{prefix}{}", holds::there(bucket, prefix, holds.as_ref()))]
    Empty {
        /// The name of the bucket.
        bucket: String,
        /// The beginning of keys that was asked for.
        prefix: String,
        /// What the bucket holds instead; None if that is not known.
        holds: Option<Holds>,
    },
}

/// What is asked for, as far as keys can tell it.
#[derive(Debug, Clone, Copy)]
pub struct S3Request<'a> {
    /// The time window that was asked for.
    pub window: TimeWindow,
    /// The filters by account and region.
    pub filter: &'a EventFilter,
    /// Whether digests are asked for as well.
    pub digests: bool,
    /// The request to stop, such as Ctrl-C.
    pub interrupt: &'a Interrupt,
}

/// A folder of log files, or anything else to be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KeyListing {
    prefix: String,
    /// Keys up to this one are of no interest.
    after: Option<String>,
    /// Keys from this one on are of no interest.
    before: Option<String>,
    /// Account and region, if the folder is theirs.
    scope: Option<(String, String)>,
    /// Whether digests are wanted as well.
    digests: bool,
}

/// Sends every log file that is asked for to `documents`, and returns what could not be had.
///
/// # Errors
///
/// If the bucket cannot be listed, or holds nothing under the prefix.
pub async fn fetch(
    config: &aws_config::SdkConfig,
    bucket: &str,
    prefix: &str,
    asked: S3Request<'_>,
    found: &(dyn Fn(u64) + Sync),
    documents: &mpsc::Sender<Document>,
) -> Result<RunCoverage, S3Error> {
    let given_up = || interrupt::problem(format!("s3://{bucket}/{prefix}"), Severity::Partial);
    let Some(client) = asked.interrupt.or(connect(config, bucket)).await else {
        let mut coverage = RunCoverage::default();
        coverage.problem(given_up());
        return Ok(coverage);
    };
    let store = Arc::new(S3Store {
        client,
        bucket: bucket.to_owned(),
        coverage: Mutex::default(),
        memory: Arc::new(Semaphore::new(BUFFERED_KIB as usize)),
        interrupt: asked.interrupt.clone(),
    });
    // Given up, it leaves no task behind.
    let send = store.send_all(prefix, asked, found, documents);
    let sent = asked.interrupt.or(send).await;
    let mut coverage = std::mem::take(&mut *store.coverage.lock().await);
    match sent {
        Some(sent) => sent?,
        None => coverage.problem(given_up()),
    }
    Ok(coverage)
}

/// Builds a client for the region that the bucket is in: S3 names it when asked in another.
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
}

struct S3Store {
    client: Client,
    bucket: String,
    coverage: Mutex<RunCoverage>,
    memory: Arc<Semaphore>,
    interrupt: Interrupt,
}

impl S3Store {
    /// Lists and downloads all that is asked for.
    async fn send_all(
        self: &Arc<Self>,
        prefix: &str,
        asked: S3Request<'_>,
        found: &(dyn Fn(u64) + Sync),
        documents: &mpsc::Sender<Document>,
    ) -> Result<(), S3Error> {
        let listings = self.look(prefix, asked).await?;
        let (keys, mut listed) = mpsc::channel(4096);
        let mut listers = JoinSet::new();
        let permits = Arc::new(Semaphore::new(LISTINGS));
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
            while downloads.len() >= DOWNLOADS {
                downloads.join_next().await;
            }
            let (store, documents) = (self.clone(), documents.clone());
            downloads.spawn(async move { store.download(object, &documents).await });
        }
        listers.join_all().await;
        downloads.join_all().await;
        if is_empty && asked.window != TimeWindow::default() {
            self.date(&listings).await;
        }
        Ok(())
    }

    /// Finds the folders to list.
    async fn look(
        self: &Arc<Self>,
        prefix: &str,
        asked: S3Request<'_>,
    ) -> Result<Vec<KeyListing>, S3Error> {
        let listings = match within_region(prefix, asked) {
            Some(_) if self.is_empty(prefix).await => return Err(self.nothing(prefix).await),
            Some(listing) => [Some(listing), digests_within_region(prefix, asked)]
                .into_iter()
                .flatten()
                .collect(),
            None => self.search(prefix, asked).await?,
        };
        for listing in &listings {
            if let Some((account, region)) = &listing.scope {
                self.coverage.lock().await.ask(account, region);
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
        let first = first.map_err(|reason| S3Error::List {
            bucket: self.bucket.clone(),
            prefix: prefix.to_owned(),
            reason,
        })?;
        if first.is_empty() {
            return Err(self.nothing(prefix).await);
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
                // Log files may also lie in folders of somebody's own.
                return Ok(vec![KeyListing {
                    digests: asked.digests,
                    ..KeyListing::all(prefix.to_owned())
                }]);
            }
            if self.coverage.lock().await.is_complete() {
                return Err(self.nothing(prefix).await);
            }
        }
        self.coverage.lock().await.left_out = left_out;
        if search.gave_up {
            let reason = "too many folders: name the one that holds AWSLogs/".to_owned();
            self.failed(prefix, None, reason).await;
        }
        Ok(search.listings)
    }

    /// Tells whether no key begins with a prefix. Where that cannot be told, the listing that
    /// follows says why.
    async fn is_empty(&self, prefix: &str) -> bool {
        let request = self.client.list_objects_v2().bucket(&self.bucket);
        let page = request.prefix(prefix).max_keys(1).send().await;
        page.is_ok_and(|page| page.contents().is_empty())
    }

    /// Lists the folders below others, all of one level at once.
    async fn children_of(self: &Arc<Self>, folders: &[String]) -> Vec<String> {
        let mut children = Vec::new();
        for batch in folders.chunks(LISTINGS) {
            let mut looks = JoinSet::new();
            for folder in batch.iter().cloned() {
                let store = self.clone();
                looks.spawn(async move { (store.children(&folder).await, folder) });
            }
            for (result, folder) in looks.join_all().await {
                match result {
                    Ok(found) => children.extend(found),
                    Err(reason) => self.failed(&folder, None, reason).await,
                }
            }
        }
        children
    }

    /// Lists the folders below a prefix; a key that lies there itself is given as it is. The empty
    /// objects that stand for folders are left out: each would be found below itself again.
    async fn children(&self, prefix: &str) -> Result<Vec<String>, String> {
        let mut children = Vec::new();
        let mut token = None;
        loop {
            let request = self.client.list_objects_v2().bucket(&self.bucket);
            let request = request
                .prefix(prefix)
                .delimiter("/")
                .set_continuation_token(token);
            let page = request.send().await.map_err(|error| explain(&error))?;
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

    /// Sends the objects of a listing on.
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
                        .failed(&listing.prefix, listing.scope.as_ref(), explain(&error))
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

    /// Fetches an object and sends it on, or takes note of why not.
    async fn download(self: Arc<Self>, object: LogObject, documents: &mpsc::Sender<Document>) {
        if object.size > LARGE {
            return self.send_in_ranges(object, documents).await;
        }
        let kib = u32::try_from(object.size / 1024 + 1)
            .unwrap_or(u32::MAX)
            .min(BUFFERED_KIB);
        let Ok(permit) = self.memory.clone().acquire_many_owned(kib).await else {
            return;
        };
        let name = format!("s3://{}/{}", self.bucket, object.key);
        match self.body(&object.key, None).await {
            Ok((bytes, metadata)) => {
                let document = Document {
                    size: bytes.len() as u64,
                    named: object.named,
                    body: DocumentBody::Memory {
                        name,
                        bytes,
                        metadata,
                        _held: Box::new(permit),
                    },
                };
                // The receiver is gone only when the run is over.
                drop(documents.send(document).await);
            }
            Err(reason) => {
                let severity = Severity::Failed;
                let problem = ReadProblem {
                    document: name,
                    severity,
                    reason,
                };
                self.coverage.lock().await.problem(problem);
            }
        }
    }

    /// Leaves a large object to the thread that parses it, which fetches it piece by piece.
    async fn send_in_ranges(
        self: Arc<Self>,
        object: LogObject,
        documents: &mpsc::Sender<Document>,
    ) {
        let document = Document {
            size: object.size,
            named: object.named,
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
        // The receiver is gone only when the run is over.
        drop(documents.send(document).await);
    }

    /// Fetches an object, or the range of it that an HTTP Range header names, and what stands beside
    /// it if it is a digest.
    async fn body(
        &self,
        key: &str,
        range: Option<String>,
    ) -> Result<(Vec<u8>, DigestMetadata), String> {
        let mut attempt = 1;
        loop {
            let request = self.client.get_object().bucket(&self.bucket).key(key);
            let request = request.set_range(range.clone());
            let response = request.send().await.map_err(|error| explain_get(&error))?;
            let names = response.metadata.as_ref();
            let value = |name| names.and_then(|names| names.get(name));
            let generated = value("backfill-generation-timestamp");
            let metadata = DigestMetadata {
                signature: value("signature").cloned(),
                generated: generated.and_then(|text| time::parse(text.as_bytes())),
            };
            match response.body.collect().await {
                Ok(body) => return Ok((body.to_vec(), metadata)),
                Err(error) if attempt == BODY_ATTEMPTS => {
                    let reason = in_words(&error);
                    return Err(format!(
                        "broke off {attempt} times while downloading: {reason}"
                    ));
                }
                Err(_) => attempt += 1,
            }
        }
    }

    async fn failed(&self, prefix: &str, scope: Option<&(String, String)>, reason: String) {
        let mut coverage = self.coverage.lock().await;
        if let Some((account, region)) = scope {
            // The reason begins with AWS's code, where AWS gave one.
            let code = reason.split(':').next().unwrap_or_default();
            coverage.fail(account, region, code, Severity::Failed);
        }
        coverage.problem(ReadProblem {
            document: format!("s3://{}/{prefix}", self.bucket),
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
        // What was read makes room for what comes.
        self.piece = io::Cursor::default();
        let end = (self.offset + RANGE).min(self.object.size);
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
    strangers: usize,
    /// Accounts and regions that a filter left out.
    left_out: BTreeMap<Criterion, BTreeSet<String>>,
    /// Set if there is any folder as trails make them.
    met_layout: bool,
    gave_up: bool,
}

impl RegionSearch {
    /// Takes the regions out of folders that were found, and returns the folders to look into next.
    fn sort(&mut self, found: Vec<String>, asked: S3Request<'_>) -> Vec<String> {
        let mut next = Vec::new();
        for folder in found {
            let place = FolderKind::of(&folder);
            self.met_layout |= matches!(
                place,
                FolderKind::Region { .. } | FolderKind::Account { .. } | FolderKind::OnTheWay
            );
            match place {
                FolderKind::Region { account, region } if asked.wants(&account, &region) => {
                    self.listings.push(asked.days(folder, (account, region)));
                }
                FolderKind::Account { account } if asked.wants_account(&account) => {
                    next.push(format!("{folder}CloudTrail/"));
                    if asked.digests {
                        next.push(format!("{folder}CloudTrail-Digest/"));
                    }
                }
                FolderKind::Digests if asked.digests => next.push(folder),
                FolderKind::DigestsOfRegion { account, region }
                    if asked.digests && asked.wants(&account, &region) =>
                {
                    self.listings.push(asked.digests_of_days(folder));
                }
                FolderKind::Region { account, .. } | FolderKind::Account { account }
                    if !asked.wants_account(&account) =>
                {
                    self.leave_out(Criterion::Account, account);
                }
                FolderKind::Region { region, .. } => self.leave_out(Criterion::Region, region),
                FolderKind::Account { .. } => {}
                FolderKind::OnTheWay => next.push(folder),
                FolderKind::Stranger if self.strangers < MAX_STRANGERS => {
                    self.strangers += 1;
                    next.push(folder);
                }
                FolderKind::Stranger => self.gave_up = true,
                FolderKind::Digests | FolderKind::DigestsOfRegion { .. } | FolderKind::Other => {}
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

fn explain<E: ProvideErrorMetadata + Error + 'static>(error: &SdkError<E, HttpResponse>) -> String {
    // Where the message names the action, it is explained with what to allow.
    let names_action = |message: &str| message.contains("not authorized to perform");
    let hint = match error.code() {
        Some("AccessDenied") if !error.message().is_some_and(names_action) => {
            " (the credentials need s3:ListBucket on the bucket)"
        }
        Some("NoSuchBucket") => " (is the name right?)",
        _ => "",
    };
    format!("{}{hint}", aws::explain(error))
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
    fn wants_account(&self, account: &str) -> bool {
        self.filter.admits_account(account)
    }

    fn wants(&self, account: &str, region: &str) -> bool {
        self.wants_account(account) && self.filter.admits_region(region)
    }

    /// Narrows a region's folder to the days asked for: log files lie under the day on which they
    /// were delivered, which may be the one after.
    fn days(&self, prefix: String, scope: (String, String)) -> KeyListing {
        let key = |time| {
            let (year, month, day) = time::day(time);
            format!("{prefix}{year:04}/{month:02}/{day:02}")
        };
        KeyListing {
            after: self.window.since.map(key),
            // The window's last second, the day after, and then the first day not wanted.
            before: self.window.until.map(|until| key(until - 1 + 2 * 86_400)),
            scope: Some(scope),
            digests: false,
            prefix,
        }
    }

    /// Narrows a region's folder of digests likewise: those that list the log files of the last day
    /// may come on the day after.
    fn digests_of_days(&self, prefix: String) -> KeyListing {
        let later = |until: Seconds| until.saturating_add(86_400);
        let window = TimeWindow {
            until: self.window.until.map(later),
            ..self.window
        };
        let days = S3Request { window, ..*self }.days(prefix, Default::default());
        KeyListing {
            // What cannot be listed of it takes no log file away.
            scope: None,
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

    /// Tells whether a key is one to read: no folder marker, and no sibling of `CloudTrail/`.
    fn wants(&self, key: &str) -> bool {
        let is_foreign = |part| is_sibling(part) && !(self.digests && part == "CloudTrail-Digest");
        !key.ends_with('/') && (key == self.prefix || !key.rsplit('/').skip(1).any(is_foreign))
    }
}

/// What a folder is, by the end of its prefix.
#[derive(Debug, PartialEq, Eq)]
enum FolderKind {
    /// `…/ACCOUNT/CloudTrail/REGION/`
    Region {
        account: String,
        region: String,
    },
    /// `…/AWSLogs/ACCOUNT/`, also with an organisation's id in between.
    Account {
        account: String,
    },
    /// `…/ACCOUNT/CloudTrail-Digest/`
    Digests,
    /// `…/ACCOUNT/CloudTrail-Digest/REGION/`
    DigestsOfRegion {
        account: String,
        region: String,
    },
    /// `…/AWSLogs/`, or an organisation's folder below it.
    OnTheWay,
    /// A folder that may lead to `AWSLogs/`; Control Tower's begins with the organisation's id.
    Stranger,
    Other,
}

impl FolderKind {
    fn of(prefix: &str) -> FolderKind {
        let Some(folder) = prefix.strip_suffix('/') else {
            return FolderKind::Other;
        };
        let parts: Vec<&str> = folder.split('/').collect();
        match *parts.as_slice() {
            [.., account, "CloudTrail", region] if is_account(account) => FolderKind::Region {
                account: account.to_owned(),
                region: region.to_owned(),
            },
            [.., account, "CloudTrail"] if is_account(account) => FolderKind::OnTheWay,
            [.., account, "CloudTrail-Digest", region] if is_account(account) => {
                FolderKind::DigestsOfRegion {
                    account: account.to_owned(),
                    region: region.to_owned(),
                }
            }
            [.., account, "CloudTrail-Digest"] if is_account(account) => FolderKind::Digests,
            [.., parent, account]
                if is_account(account) && (parent == "AWSLogs" || is_organization(parent)) =>
            {
                FolderKind::Account {
                    account: account.to_owned(),
                }
            }
            [.., account, sibling] if is_account(account) && is_sibling(sibling) => {
                FolderKind::Other
            }
            [.., "AWSLogs"] => FolderKind::OnTheWay,
            [.., "AWSLogs", organization] if is_organization(organization) => FolderKind::OnTheWay,
            // Other services keep their logs below the account as well.
            _ if parts.contains(&"AWSLogs") || parts.len() > 6 => FolderKind::Other,
            _ => FolderKind::Stranger,
        }
    }
}

/// The folders beside `CloudTrail/`: what they hold is shaped otherwise, or told in events already.
fn is_sibling(part: &str) -> bool {
    let kind = part.strip_prefix("CloudTrail-");
    kind.is_some_and(|kind| ["Digest", "Insight", "NetworkActivity", "Aggregated"].contains(&kind))
}

/// `o-` and 10 to 32 letters or digits.
fn is_organization(part: &str) -> bool {
    part.strip_prefix("o-")
        .is_some_and(|id| id.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn has_trail_layout(prefix: &str) -> bool {
    prefix.split('/').any(|part| part == "AWSLogs")
}

/// Recognises a prefix that already lies inside a region's folder, down to a single file.
fn within_region(prefix: &str, asked: S3Request<'_>) -> Option<KeyListing> {
    let (before, after) = prefix.rsplit_once("/CloudTrail/")?;
    let account = before.rsplit('/').next().filter(|part| is_account(part))?;
    let (region, rest) = after.split_once('/')?;
    let folder = &prefix[..prefix.len() - rest.len()];
    let days = asked.days(folder.to_owned(), (account.to_owned(), region.to_owned()));
    Some(match prefix.ends_with('/') {
        true => KeyListing {
            prefix: prefix.to_owned(),
            ..days
        },
        // Whoever names files wants them, whatever day they are from.
        false => KeyListing {
            scope: days.scope,
            ..KeyListing::all(prefix.to_owned())
        },
    })
}

/// Finds the digests of the log files under a prefix that lies inside a region's folder.
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
    // A digest lies under the day on which it ends, which is that of the log files or the one after.
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
