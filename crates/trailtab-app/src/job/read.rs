//! Reads all sources and counts their events on all cores: sources → documents → records →
//! counters.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::runtime::{self, Handle, Runtime};
use tokio::sync::mpsc;

use super::athena::{self, AthenaOptions, TableError};
use super::parallel;
use super::verify::{self, VerifyOptions};
use crate::aws;
use crate::source::document::{Document, DocumentBody, DocumentReader};
use crate::source::interrupt::{self, Interrupt};
use crate::source::lookup_events;
use crate::source::progress::ReadProgress;
use crate::source::{Source, files, s3};
use trailtab_core::activity::summary::CallerIdentity;
use trailtab_core::activity::tally::Tally;
use trailtab_core::coverage::{ReadProblem, RunCoverage, Severity};
use trailtab_core::event::counter::EventCounter;
use trailtab_core::event::dedupe::SeenIds;
use trailtab_core::event::filter::ScopeMatcher;
use trailtab_core::event::ingest::{EventIngest, IngestRules, IngestStats, RawCopy};
use trailtab_core::event::no_match::NoMatch;
use trailtab_core::integrity::DigestEvidence;
use trailtab_core::time::Seconds;

/// Capacity of the queue of fetched documents. Documents from S3 are also bounded by their bytes.
const MAX_QUEUED_DOCUMENTS: usize = 64;

/// What to read and how to count it.
pub struct ReadRequest<'r> {
    /// The files, directories, buckets and streams to read.
    pub sources: Vec<Source>,
    /// The event history, to be read as well.
    pub lookup: Option<lookup_events::LookupRequest>,
    /// Credentials and region of the AWS client.
    pub access: aws::CredentialOptions,
    /// Which events count.
    pub rules: IngestRules,
    /// Receives a copy of each record inside the window, once; not set if no copy is wanted.
    pub dump: Option<RawCopy<'r>>,
    /// The time of the run.
    pub now: Seconds,
    /// Days after the window's last one whose deliveries to S3 are read.
    pub late_days: u32,
    /// Whether the credentials' account pays for requests to S3, as buckets may demand.
    pub requester_pays: bool,
    /// Set if log files are to be verified against digests.
    pub verify: Option<VerifyOptions>,
    /// How a table of Athena is read.
    pub athena: AthenaOptions,
    /// Stops reading. What was read by then is counted; the rest is a problem in the coverage.
    pub interrupt: Interrupt,
}

/// The counts, and what is missing.
#[derive(Debug)]
pub struct ReadOutcome<C = Tally> {
    /// The counts.
    pub intaken: IngestStats<C>,
    /// What was read and what is missing.
    pub coverage: RunCoverage,
    /// The identity that the event history was read with.
    pub caller: Option<CallerIdentity>,
    /// Why no event matched, if none did.
    pub no_match: Option<NoMatch>,
    /// Digests and log files seen, until they are verified.
    evidence: DigestEvidence,
}

impl<A, B> ReadOutcome<(A, B)> {
    /// Takes pairs of counters apart; returns the second ones by account.
    pub fn unzip(self) -> (ReadOutcome<A>, BTreeMap<String, B>) {
        let (intaken, second) = self.intaken.unzip();
        let outcome = ReadOutcome {
            intaken,
            coverage: self.coverage,
            caller: self.caller,
            no_match: self.no_match,
            evidence: self.evidence,
        };
        (outcome, second)
    }
}

impl<C> Default for ReadOutcome<C> {
    fn default() -> Self {
        ReadOutcome {
            intaken: IngestStats::default(),
            coverage: RunCoverage::default(),
            caller: None,
            no_match: None,
            evidence: DigestEvidence::default(),
        }
    }
}

/// Why reading failed as a whole.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A bucket cannot be listed or holds no log files.
    #[error(transparent)]
    S3(#[from] s3::S3Error),
    /// The event history cannot be read at all.
    #[error(transparent)]
    LookupEvents(#[from] lookup_events::LookupError),
    /// A table of Athena cannot be counted.
    #[error(transparent)]
    Athena(Box<TableError>),
    /// The AWS configuration is invalid.
    #[error(transparent)]
    Config(#[from] aws::ConfigError),
    /// The network runtime cannot be started.
    #[error("cannot start the network runtime")]
    Runtime(#[source] std::io::Error),
}

impl From<TableError> for ReadError {
    fn from(error: TableError) -> ReadError {
        ReadError::Athena(Box::new(error))
    }
}

/// Reads all sources. Each thread counts with a clone of `empty`; the results are merged.
///
/// # Errors
///
/// Fails if a bucket cannot be listed or the event history cannot be read at all. Other failures
/// are problems in the coverage.
pub fn run<C: EventCounter>(
    mut request: ReadRequest<'_>,
    empty: &C,
    progress: &Arc<ReadProgress>,
) -> Result<ReadOutcome<C>, ReadError> {
    if let [Source::Athena(address)] = request.sources.as_slice() {
        return athena::run(&request, address, empty, progress);
    }
    let is_remote = |source: &Source| matches!(source, Source::S3 { .. });
    let lookup = request.lookup.take();
    let asks_aws = lookup.is_some() || request.sources.iter().any(is_remote);
    let request = &request;
    // Must outlive the worker threads, which download large objects through it.
    let runtime = asks_aws.then(start_runtime).transpose()?;
    let seen = SeenIds::default();
    let mut found = RunCoverage::default();
    let (sender, receiver) = mpsc::channel(MAX_QUEUED_DOCUMENTS);
    let queue = DocumentQueue {
        interrupt: request.interrupt.clone(),
        local: Mutex::default(),
        more_listed: Condvar::new(),
        fetched: Mutex::new(receiver),
    };
    let outcome = thread::scope(|scope| {
        let workers: Vec<_> = (0..parallel::threads())
            .map(|_| scope.spawn(|| work(request, empty, &seen, &queue, progress)))
            .collect();
        list(request, &queue, progress, &mut found);
        let fetched = match &runtime {
            Some(runtime) => runtime.block_on(feed(request, lookup, sender, progress)),
            None => {
                drop(sender);
                Ok(FetchResult::default())
            }
        };
        progress.all_found.store(true, Ordering::Relaxed);
        let mut outcome = ReadOutcome::default();
        for worker in workers {
            match worker.join() {
                Ok(part) => {
                    outcome.intaken.merge(part.intaken);
                    outcome.coverage.merge(part.coverage);
                    outcome.evidence.merge(part.evidence);
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        outcome.coverage.merge(found);
        outcome.coverage.merge(queue.left());
        let fetched = fetched?;
        outcome.coverage.merge(fetched.coverage);
        outcome.caller = fetched.caller;
        if let Some(verify) = &request.verify {
            // Digests would report log files that were skipped as missing.
            if request.interrupt.is_requested() {
                let problem = interrupt::problem("digests", Severity::Failed);
                outcome.coverage.problem(problem);
                return Ok(outcome);
            }
            let evidence = std::mem::take(&mut outcome.evidence);
            verify::run(verify, request, &evidence, &mut outcome.coverage)?;
        }
        outcome.no_match = NoMatch::of(&outcome.intaken, &outcome.coverage, &request.rules);
        Ok(outcome)
    });
    // Dropping the runtime abandons open requests, such as one to an unreachable address.
    drop(runtime);
    outcome
}

/// Documents waiting for a thread. Local files come by folder while others are listed; documents from AWS arrive
/// through a channel.
struct DocumentQueue {
    interrupt: Interrupt,
    local: Mutex<LocalDocuments>,
    /// Notified when local documents are added, and when there are no more.
    more_listed: Condvar,
    fetched: Mutex<mpsc::Receiver<Document>>,
}

/// The local documents that no thread has taken.
#[derive(Default)]
struct LocalDocuments {
    waiting: VecDeque<Document>,
    all_listed: bool,
}

impl DocumentQueue {
    /// Adds local documents: large ones before all others.
    fn add(&self, documents: Vec<Document>) {
        let mut local = lock(&self.local);
        for document in documents {
            match document.size < files::LARGE_FILE_BYTES {
                true => local.waiting.push_back(document),
                false => local.waiting.push_front(document),
            }
        }
        self.more_listed.notify_all();
    }

    /// Says that there are no more local documents.
    fn end_local(&self) {
        lock(&self.local).all_listed = true;
        self.more_listed.notify_all();
    }

    /// Waits for the next document; `None` if there are no more. After an interrupt, skips local
    /// files but still returns fetched documents.
    fn next(&self) -> Option<Document> {
        self.next_local()
            .or_else(|| lock(&self.fetched).blocking_recv())
    }

    fn next_local(&self) -> Option<Document> {
        let mut local = lock(&self.local);
        loop {
            if self.interrupt.is_requested() {
                return None;
            }
            if let Some(document) = local.waiting.pop_front() {
                return Some(document);
            }
            if local.all_listed {
                return None;
            }
            let woken = self.more_listed.wait(local);
            local = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The coverage of the local files skipped because of the interrupt.
    fn left(&self) -> RunCoverage {
        let mut coverage = RunCoverage::default();
        let files = match lock(&self.local).waiting.len() {
            0 => return coverage,
            1 => "1 file was not read".to_owned(),
            n => format!("{n} files were not read"),
        };
        // The names of the files would charge this to one account and region.
        let reason = format!("{}; {files}", interrupt::REASON);
        let severity = Severity::Partial;
        coverage.problem(ReadProblem::of_document("local files", severity, reason));
        coverage
    }
}

/// Locks a mutex, ignoring poisoning: a document was either taken or not.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A worker thread: parses documents until there are no more.
fn work<C: EventCounter>(
    request: &ReadRequest<'_>,
    empty: &C,
    seen: &SeenIds,
    queue: &DocumentQueue,
    progress: &ReadProgress,
) -> ReadOutcome<C> {
    let mut reader = match request.verify {
        Some(_) => DocumentReader::with_evidence(&request.interrupt),
        None => DocumentReader::new(&request.interrupt),
    };
    let mut intake = EventIngest::new(&request.rules, empty, seen, request.dump);
    let mut coverage = RunCoverage::default();
    while let Some(document) = queue.next() {
        let (size, events) = (document.size, intake.read());
        reader.read(document, &mut intake, &mut coverage);
        progress.finish(size, intake.read() - events);
    }
    ReadOutcome {
        intaken: intake.finish(),
        coverage,
        caller: None,
        no_match: None,
        evidence: reader.into_evidence().unwrap_or_default(),
    }
}

/// The network runtime. Dropping it does not wait for the DNS resolver, which without a reachable
/// server would delay the exit by up to half a minute.
pub struct NetworkRuntime {
    handle: Handle,
    /// Set until this is dropped.
    runtime: Option<Runtime>,
}

impl NetworkRuntime {
    /// Runs a future to its end.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }
}

impl Drop for NetworkRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Starts the network runtime.
///
/// # Errors
///
/// Fails if threads cannot be created.
pub fn start_runtime() -> Result<NetworkRuntime, ReadError> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(ReadError::Runtime)?;
    Ok(NetworkRuntime {
        handle: runtime.handle().clone(),
        runtime: Some(runtime),
    })
}

/// Lists the local files and standard input.
fn list(
    request: &ReadRequest<'_>,
    queue: &DocumentQueue,
    progress: &ReadProgress,
    coverage: &mut RunCoverage,
) {
    let add = |documents: Vec<Document>| {
        for document in &documents {
            progress.find(document.size);
        }
        queue.add(documents);
    };
    for source in &request.sources {
        match source {
            Source::Path(path) => files::list(path, &request.interrupt, coverage, add),
            Source::Stdin => add(vec![Document {
                size: 0,
                named: true,
                scope: None,
                body: DocumentBody::Stdin,
            }]),
            // Tables are counted on their own: see above.
            Source::S3 { .. } | Source::Athena(_) => {}
        }
    }
    queue.end_local();
}

/// The result of reading from AWS.
#[derive(Debug, Default)]
struct FetchResult {
    coverage: RunCoverage,
    caller: Option<CallerIdentity>,
}

/// Fetches the event history, then each bucket. An unreadable bucket is an error only if it is the
/// only source.
async fn feed(
    request: &ReadRequest<'_>,
    lookup: Option<lookup_events::LookupRequest>,
    sender: mpsc::Sender<Document>,
    progress: &Arc<ReadProgress>,
) -> Result<FetchResult, ReadError> {
    let mut fetched = FetchResult::default();
    if let Some(asked) = lookup {
        let run = (Arc::clone(progress), request.interrupt.clone());
        let (caller, coverage) = lookup_events::fetch(asked, run, sender.clone()).await?;
        fetched.coverage.merge(coverage);
        fetched.caller = caller;
    }
    let scopes = ScopeMatcher::new(&request.rules.filter);
    let asked = s3::S3Request {
        window: request.rules.window,
        scopes: &scopes,
        digests: request.verify.is_some(),
        network_activity: request.rules.network_activity,
        late_days: request.late_days,
        requester_pays: request.requester_pays,
        now: request.now,
        interrupt: &request.interrupt,
    };
    let mut config = None;
    for source in &request.sources {
        let Source::S3 { bucket, prefix } = source else {
            continue;
        };
        if config.is_none() {
            let loaded = request.interrupt.or(aws::config(&request.access)).await;
            config = loaded.transpose()?;
        }
        let Some(config) = &config else {
            let address = format!("s3://{bucket}/{prefix}");
            let problem = interrupt::problem(address, Severity::Failed);
            fetched.coverage.problem(problem);
            continue;
        };
        match s3::fetch(config, bucket, prefix, asked, progress, &sender).await {
            Ok(read) => fetched.coverage.merge(read),
            Err(error) if request.sources.len() == 1 => return Err(error.into()),
            Err(error) => {
                let (document, severity) = (format!("s3://{bucket}/{prefix}"), Severity::Failed);
                let problem = ReadProblem::of_document(document, severity, error.to_string());
                fetched.coverage.problem(problem);
            }
        }
    }
    Ok(fetched)
}
