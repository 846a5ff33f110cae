//! Sources → documents → records → what counts them, on all cores.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::runtime::{self, Handle, Runtime};
use tokio::sync::mpsc;

use super::parallel;
use super::verify::{self, VerifyOptions};
use crate::aws;
use crate::clock;
use crate::source::document::{Document, DocumentBody, DocumentReader};
use crate::source::interrupt::{self, Interrupt};
use crate::source::lookup_events::{self, CallerIdentity};
use crate::source::progress::ReadProgress;
use crate::source::{Source, files, s3};
use trailtab_core::activity::tally::Tally;
use trailtab_core::coverage::{ReadProblem, RunCoverage, Severity};
use trailtab_core::event::dedupe::SeenIds;
use trailtab_core::event::ingest::{EventCounter, EventIngest, IngestRules, IngestStats, RawCopy};
use trailtab_core::event::no_match::NoMatch;
use trailtab_core::integrity::DigestEvidence;

/// Documents that wait for a thread to parse them; those of S3 are bounded by their bytes as well.
const WAITING: usize = 64;

/// What to read, and how to count it.
pub struct ReadRequest<'r> {
    /// The files, directories, buckets and streams to read.
    pub sources: Vec<Source>,
    /// The event history, to be read as well.
    pub lookup: Option<lookup_events::LookupRequest>,
    /// The credentials and the region to ask AWS with.
    pub access: aws::CredentialOptions,
    /// Which events count.
    pub rules: IngestRules,
    /// Where each record inside the window is copied to, once; None if no copy is wanted.
    pub dump: Option<RawCopy<'r>>,
    /// Days after the window's last one whose deliveries to S3 are read.
    pub late_days: u32,
    /// Whether the credentials' account pays for requests to S3, as buckets may demand.
    pub requester_pays: bool,
    /// Set if log files are to be verified by their digests.
    pub verify: Option<VerifyOptions>,
    /// Stops the reading: what was read by then is counted, and the rest is a problem in the coverage.
    pub interrupt: Interrupt,
}

/// What was counted, and what is missing.
#[derive(Debug)]
pub struct ReadOutcome<C = Tally> {
    /// What was counted.
    pub intaken: IngestStats<C>,
    /// What was read and what is missing.
    pub coverage: RunCoverage,
    /// Whose credentials the event history was read with.
    pub caller: Option<CallerIdentity>,
    /// Why nothing was counted, if that is so.
    pub no_match: Option<NoMatch>,
    /// What digests may speak of, until they are judged.
    evidence: DigestEvidence,
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

/// Why nothing could be counted.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A bucket cannot be listed, or holds no log files.
    #[error(transparent)]
    S3(#[from] s3::S3Error),
    /// The event history cannot be read at all.
    #[error(transparent)]
    LookupEvents(#[from] lookup_events::LookupError),
    /// The configuration of AWS cannot be used.
    #[error(transparent)]
    Config(#[from] aws::ConfigError),
    /// The runtime for network requests cannot be started.
    #[error("cannot start the network runtime")]
    Runtime(#[source] std::io::Error),
}

/// Reads all sources, and counts with what `empty` is one of.
///
/// # Errors
///
/// If a bucket cannot be listed, or the event history not be read, at all. Lesser losses are problems in the coverage.
pub fn run<C: EventCounter>(
    mut request: ReadRequest<'_>,
    empty: &C,
    progress: &Arc<ReadProgress>,
) -> Result<ReadOutcome<C>, ReadError> {
    let is_remote = |source: &Source| matches!(source, Source::S3 { .. });
    let lookup = request.lookup.take();
    let asks_aws = lookup.is_some() || request.sources.iter().any(is_remote);
    let request = &request;
    // It must outlive the threads, which fetch large objects piece by piece.
    let runtime = asks_aws.then(start_runtime).transpose()?;
    let seen = SeenIds::default();
    let mut found = RunCoverage::default();
    let (sender, receiver) = mpsc::channel(WAITING);
    let queue = DocumentQueue {
        interrupt: request.interrupt.clone(),
        local: Mutex::new(local(request, progress, &mut found).into_iter()),
        fetched: Mutex::new(receiver),
    };
    let outcome = thread::scope(|scope| {
        let workers: Vec<_> = (0..parallel::threads())
            .map(|_| scope.spawn(|| work(request, empty, &seen, &queue, progress)))
            .collect();
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
            // Digests would name the log files that were not read any more as missing.
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
    // Nothing waits for a request that was given up, such as one for an address that no server answers.
    drop(runtime);
    outcome
}

/// Documents that wait for a thread. Local files are a list that is there from the start, since
/// waking a thread for each would cost more than a small file; those of S3 come as they come.
struct DocumentQueue {
    interrupt: Interrupt,
    local: Mutex<std::vec::IntoIter<Document>>,
    fetched: Mutex<mpsc::Receiver<Document>>,
}

impl DocumentQueue {
    /// Waits for the next document; `None` says that there will be no more. Those that were fetched
    /// already are read in any case.
    fn next(&self) -> Option<Document> {
        let local = match self.interrupt.is_requested() {
            true => None,
            false => lock(&self.local).next(),
        };
        local.or_else(|| lock(&self.fetched).blocking_recv())
    }

    /// The coverage of local files that were not read because of the interrupt.
    fn left(&self) -> RunCoverage {
        let mut coverage = RunCoverage::default();
        let files = match lock(&self.local).len() {
            0 => return coverage,
            1 => "1 file was not read".to_owned(),
            n => format!("{n} files were not read"),
        };
        // The names of the files would charge this to one account and region.
        coverage.problem(ReadProblem {
            document: "local files".to_owned(),
            severity: Severity::Partial,
            reason: format!("{}; {files}", interrupt::REASON),
        });
        coverage
    }
}

/// A thread that panicked has taken a document from the list or not.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One thread: parses documents until there are no more.
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

/// A runtime for the network. Dropping it does not wait for the resolver: a name that is asked for while no DNS
/// server answers would keep the program from ending for up to half a minute.
pub struct NetworkRuntime {
    handle: Handle,
    /// There until this is dropped.
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

/// Starts a runtime for the network.
///
/// # Errors
///
/// If the system gives no threads.
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

/// Lists what is to be read on this machine.
fn local(
    request: &ReadRequest<'_>,
    progress: &ReadProgress,
    coverage: &mut RunCoverage,
) -> Vec<Document> {
    let mut documents = Vec::new();
    for source in &request.sources {
        match source {
            Source::Path(path) => {
                documents.extend(files::list(path, &request.interrupt, coverage));
            }
            Source::Stdin => documents.push(Document {
                size: 0,
                named: true,
                body: DocumentBody::Stdin,
            }),
            Source::S3 { .. } => {}
        }
    }
    documents
        .iter()
        .for_each(|document| progress.find(document.size));
    documents
}

/// What became of reading from AWS.
#[derive(Debug, Default)]
struct FetchResult {
    coverage: RunCoverage,
    caller: Option<CallerIdentity>,
}

/// Fetches the event history, and bucket after bucket. A bucket that cannot be read costs itself
/// only, unless it is all there is.
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
    let asked = s3::S3Request {
        window: request.rules.window,
        filter: &request.rules.filter,
        digests: request.verify.is_some(),
        network_activity: request.rules.network_activity,
        late_days: request.late_days,
        requester_pays: request.requester_pays,
        now: clock::now(),
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
        let found = |bytes| progress.find(bytes);
        match s3::fetch(config, bucket, prefix, asked, &found, &sender).await {
            Ok(read) => fetched.coverage.merge(read),
            Err(error) if request.sources.len() == 1 => return Err(error.into()),
            Err(error) => fetched.coverage.problem(ReadProblem {
                document: format!("s3://{bucket}/{prefix}"),
                severity: Severity::Failed,
                reason: error.to_string(),
            }),
        }
    }
    Ok(fetched)
}
