//! Reads one document: opens it, inflates it, detects its format, and parses its records.
//!
//! A small gzip file of one member, the common case, is inflated in one call. Everything else
//! (several members, damaged or large files) is streamed through a window, so that memory stays
//! bounded.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::interrupt::{self, Interrupt};
use super::pump::Pump;
use super::seal::{ContentHash, GzipMembers, HashOutcome, PlainReader};
use trailtab_core::coverage::{ReadProblem, ReadScope, RunCoverage, Severity};
use trailtab_core::event::csv;
use trailtab_core::event::envelope::{
    ContentKind, DocumentDamage, EnvelopeReader, RecordFault, RecordSink,
};
use trailtab_core::event::gunzip::{self, Inflater};
use trailtab_core::event::record::EventRecord;
use trailtab_core::integrity::digest::{DigestFile, LogFileName};
use trailtab_core::integrity::{DigestEvidence, DigestMetadata, FoundDigest, FoundLog};
use trailtab_core::scope::Scope;
use trailtab_core::time::{Seconds, TimeParser};

/// Documents up to this size, both stored and inflated, are held in memory whole.
const MAX_WHOLE_BYTES: u64 = 32 << 20;

/// Initial window of a streamed document.
const WINDOW_BYTES: usize = 1 << 20;

/// Maximum size of a record. AWS's limit is 1 MB.
const MAX_RECORD_BYTES: usize = 16 << 20;

/// Maximum ratio of inflated to stored size, checked beyond 1 GiB. Log files reach 20; deflate
/// cannot exceed 1032.
const MAX_INFLATION_RATIO: u64 = 300;

/// A document that may hold records.
pub struct Document {
    /// Size as stored, if known.
    pub size: u64,
    /// Whether the user named this document itself, and so expects events in it.
    pub named: bool,
    /// The account and region that it is of, if its source knows them; otherwise its name may tell.
    pub scope: Option<Scope>,
    /// Where the bytes are.
    pub body: DocumentBody,
}

/// Where a document's bytes are.
pub enum DocumentBody {
    /// A file on this machine.
    File(PathBuf),
    /// The standard input.
    Stdin,
    /// A remote object, read piece by piece.
    Stream {
        /// The path or address, for messages.
        name: String,
        /// The bytes, as stored.
        bytes: Box<dyn Read + Send>,
    },
    /// A downloaded object.
    Memory {
        /// The path or address, for messages.
        name: String,
        /// The bytes, as stored.
        bytes: Vec<u8>,
        /// What the S3 metadata of a digest tells.
        metadata: DigestMetadata,
        /// Memory permit, released together with the bytes.
        _held: Box<dyn Send>,
    },
}

impl DocumentBody {
    /// The path or address, for messages.
    fn name(&self) -> String {
        match self {
            DocumentBody::File(path) => path.display().to_string(),
            DocumentBody::Stdin => "standard input".to_owned(),
            DocumentBody::Stream { name, .. } | DocumentBody::Memory { name, .. } => name.clone(),
        }
    }
}

/// Format of a document, detected from its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DocumentFormat {
    Json,
    Csv,
    /// Holds no events; with a description if it is a known container format.
    Other(Option<&'static str>),
}

/// Reads documents one after the other, reusing its buffers.
pub struct DocumentReader {
    inflater: Inflater,
    stored: Vec<u8>,
    window: Vec<u8>,
    /// Digests and log files seen, if requested.
    evidence: Option<DigestEvidence>,
    /// The content hash of the current document.
    seal: Option<ContentHash>,
    interrupt: Interrupt,
}

impl DocumentReader {
    /// A reader that abandons long documents on an interrupt.
    pub fn new(interrupt: &Interrupt) -> Self {
        DocumentReader {
            inflater: Inflater::new(MAX_WHOLE_BYTES as usize),
            stored: Vec::new(),
            window: Vec::new(),
            evidence: None,
            seal: None,
            interrupt: interrupt.clone(),
        }
    }

    /// A reader that also records digests and the hashes of log files.
    pub fn with_evidence(interrupt: &Interrupt) -> Self {
        DocumentReader {
            evidence: Some(DigestEvidence::default()),
            ..DocumentReader::new(interrupt)
        }
    }

    /// Returns the recorded digests and log files; not set unless the reader was made by
    /// `with_evidence`.
    pub fn into_evidence(self) -> Option<DigestEvidence> {
        self.evidence
    }

    /// Passes a document's records to the sink. Adds a problem to the coverage for what it cannot
    /// read.
    pub fn read(
        &mut self,
        document: Document,
        sink: &mut impl RecordSink,
        coverage: &mut RunCoverage,
    ) {
        coverage.documents += 1;
        coverage.bytes += document.size;
        let Document {
            size,
            named,
            scope,
            mut body,
        } = document;
        let clock = self.evidence.is_some().then(TimeParser::default);
        let sink = &mut CountingSink {
            sink,
            unreadable: 0,
            clock,
            events: None,
            has_events: false,
        };
        if self.evidence.is_some() {
            self.seal = Some(ContentHash::new(is_digest(&body.name())));
        }
        let trouble = match &mut body {
            DocumentBody::Memory { bytes, .. } => self.read_whole(bytes, named, sink),
            DocumentBody::Stdin => match Pump::start(|| Ok(io::stdin().lock()), &self.interrupt) {
                Ok(pump) => self.read_stream(pump, named, sink),
                Err(error) => Some(ReadTrouble::failed(format!("cannot be read: {error}"))),
            },
            DocumentBody::Stream { bytes, .. } => self.read_stream(bytes, named, sink),
            DocumentBody::File(path) => match self.read_file(path, size, named, sink) {
                Ok(trouble) => trouble,
                Err(error) => Some(ReadTrouble::failed(format!("cannot be read: {error}"))),
            },
        };
        if let (Some(seal), Some(evidence)) = (self.seal.take(), &mut self.evidence) {
            add_evidence(evidence, &body, &seal.finish(), sink);
        }
        let Some(trouble) = trouble.or_else(|| sink.trouble()) else {
            return;
        };
        let document = body.name();
        let is_expected = match &trouble {
            ReadTrouble::Empty => !should_hold_events(&document, named),
            ReadTrouble::Of(..) => false,
        };
        let (severity, reason) = trouble.severity_and_reason();
        coverage.unread += u64::from(severity == Severity::Failed);
        if !is_expected {
            let problem = ReadProblem::of_document(document, severity, reason);
            coverage.problem(ReadProblem {
                scope: scope.map(ReadScope::Region).or(problem.scope),
                ..problem
            });
        }
    }

    fn read_file(
        &mut self,
        path: &Path,
        size: u64,
        named: bool,
        sink: &mut impl RecordSink,
    ) -> io::Result<Option<ReadTrouble>> {
        // Size zero: possibly a pipe.
        if size == 0 && !fs::metadata(path)?.is_file() {
            let path = path.to_owned();
            let pump = Pump::start(move || File::open(path), &self.interrupt)?;
            return Ok(self.read_stream(pump, named, sink));
        }
        let mut file = File::open(path)?;
        if size == 0 || size > MAX_WHOLE_BYTES {
            let file = Interruptible {
                inner: file,
                interrupt: self.interrupt.clone(),
            };
            return Ok(self.read_stream(file, named, sink));
        }
        let mut stored = std::mem::take(&mut self.stored);
        stored.resize(stored.len().max(size as usize + 1), 0);
        // The buffer has room for one byte more than the listed size. If it fills, the file has
        // grown and is streamed from there.
        let mut failure = None;
        let window = &mut stored[..=size as usize];
        let filled = fill_file(&mut file, window, &mut failure);
        let trouble = match failure {
            Some(error) => Err(error),
            None if filled == window.len() => {
                Ok(self.read_stream((&*window).chain(file), named, sink))
            }
            None => Ok(self.read_whole(&window[..filled], named, sink)),
        };
        self.stored = stored;
        trouble
    }

    fn read_whole(
        &mut self,
        stored: &[u8],
        named: bool,
        sink: &mut impl RecordSink,
    ) -> Option<ReadTrouble> {
        // `Inflater` does not tell where the first member ends, which the hash needs.
        if self.seal.is_some() {
            return self.read_stream(stored, named, sink);
        }
        let json = if gunzip::is_gzip(stored) {
            match self.inflater.inflate(stored) {
                Some(json) => json,
                None => return self.read_stream(stored, named, sink),
            }
        } else {
            stored
        };
        match format(json) {
            DocumentFormat::Json => {
                let mut envelope = EnvelopeReader::default();
                envelope.feed(json, true, sink);
                envelope.damage().map(damaged)
            }
            DocumentFormat::Csv => csv::read(json, sink)
                .err()
                .map(|error| read_failure(&error)),
            DocumentFormat::Other(kind) => {
                without_events(kind, json.trim_ascii().is_empty(), named, sink)
            }
        }
    }

    /// Reads a document of any size through a window.
    fn read_stream(
        &mut self,
        stored: impl Read,
        named: bool,
        sink: &mut impl RecordSink,
    ) -> Option<ReadTrouble> {
        let stored_bytes = Cell::new(0);
        let mut stored = MeteredReader {
            inner: stored,
            count: &stored_bytes,
        };
        let mut head = Vec::new();
        if let Err(error) = stored.by_ref().take(2).read_to_end(&mut head) {
            return Some(read_failure(&error));
        }
        let is_gzip = gunzip::is_gzip(&head);
        let stored = io::Cursor::new(head).chain(stored);
        let seal = self.seal.take();
        if is_gzip {
            let buffered = io::BufReader::with_capacity(128 << 10, stored);
            let mut inflated = LimitedReader {
                inner: GzipMembers::new(buffered, seal),
                stored: &stored_bytes,
                inflated: 0,
            };
            let trouble = self.read_windows(&mut inflated, named, sink);
            self.seal = inflated.inner.seal;
            trouble
        } else {
            let mut plain = PlainReader {
                inner: stored,
                seal,
            };
            let trouble = self.read_windows(&mut plain, named, sink);
            self.seal = plain.seal;
            trouble
        }
    }

    fn read_windows(
        &mut self,
        mut plain: impl Read,
        named: bool,
        sink: &mut impl RecordSink,
    ) -> Option<ReadTrouble> {
        let mut window = std::mem::take(&mut self.window);
        window.resize(WINDOW_BYTES, 0);
        let mut failure = None;
        let mut filled = fill(&mut plain, &mut window, 0, &mut failure);
        let trouble = match format(&window[..filled]) {
            DocumentFormat::Json => {
                let mut envelope = EnvelopeReader::default();
                loop {
                    let last = filled < window.len();
                    let done = envelope.feed(&window[..filled], last, sink);
                    if last {
                        break;
                    }
                    window.copy_within(done..filled, 0);
                    filled -= done;
                    if done == 0 && window.len() >= MAX_RECORD_BYTES {
                        envelope.too_large(sink);
                    } else if done == 0 {
                        window.resize(window.len() * 2, 0);
                    }
                    filled = fill(&mut plain, &mut window, filled, &mut failure);
                }
                envelope.damage().map(damaged)
            }
            DocumentFormat::Csv => csv::read(window[..filled].chain(plain), sink)
                .err()
                .map(|e| read_failure(&e)),
            DocumentFormat::Other(kind) => {
                let blank = filled < window.len() && window[..filled].trim_ascii().is_empty();
                without_events(kind, blank, named, sink)
            }
        };
        window.truncate(WINDOW_BYTES);
        window.shrink_to_fit();
        self.window = window;
        failure.map(|error| read_failure(&error)).or(trouble)
    }
}

/// What is wrong with a document.
enum ReadTrouble {
    /// The document is empty or all white space.
    Empty,
    Of(Severity, String),
}

impl ReadTrouble {
    /// An error because of which nothing of the document was read.
    fn failed(reason: String) -> ReadTrouble {
        ReadTrouble::Of(Severity::Failed, reason)
    }

    fn severity_and_reason(self) -> (Severity, String) {
        match self {
            ReadTrouble::Empty => (Severity::Failed, "is empty".to_owned()),
            ReadTrouble::Of(severity, reason) => (severity, reason),
        }
    }
}

/// File extensions of log files. Neither CloudTrail nor tools that copy its logs write empty ones.
const LOG_FILE_ENDINGS: [&str; 4] = [".json", ".gz", ".jsonl", ".ndjson"];

/// Tells whether an empty document is a problem: the user named it, or its name is that of a log
/// file. Placeholders such as `_SUCCESS` and `.keep` are empty by design.
fn should_hold_events(document: &str, named: bool) -> bool {
    let name = document.rsplit(['/', '\\']).next().unwrap_or(document);
    let is_placeholder = name.starts_with(['.', '_']) || name.ends_with("_$folder$");
    let folded = name.to_ascii_lowercase();
    let is_log_file = LOG_FILE_ENDINGS
        .iter()
        .any(|ending| folded.ends_with(ending));
    !is_placeholder && (named || is_log_file)
}

/// Tells by its name whether a document is a digest file.
fn is_digest(name: &str) -> bool {
    LogFileName::of(name).is_some_and(|name| name.is_digest())
}

/// Records a document in the evidence if it is a digest or a log file.
fn add_evidence<S>(
    evidence: &mut DigestEvidence,
    body: &DocumentBody,
    sealed: &HashOutcome,
    sink: &CountingSink<'_, S>,
) {
    let document = body.name();
    if is_digest(&document) {
        let digest = match (&sealed.copy, sealed.hash, sealed.has_more) {
            (Some(json), Some(_), false) => DigestFile::parse(json).map_err(|e| e.to_string()),
            (None, Some(_), _) => Err("is no digest: it is too large".to_owned()),
            (_, _, true) => Err("was added to: bytes follow its gzip member".to_owned()),
            (_, None, _) => Err("is no digest: it cannot be read to its end".to_owned()),
        };
        let metadata = match body {
            DocumentBody::Memory { metadata, .. } => metadata.clone(),
            _ => DigestMetadata::default(),
        };
        evidence.digests.push(FoundDigest {
            document,
            digest,
            hash: sealed.hash.unwrap_or_default(),
            metadata,
        });
    } else {
        let is_log_file = LogFileName::of(&document).is_some_and(|name| name.is_log_file());
        evidence.logs.push(FoundLog {
            document,
            hash: sealed.hash,
            has_more: sealed.has_more,
            events: sink.events,
            needs_digest: sink.has_events || is_log_file,
        });
    }
}

/// Counts unreadable records, so that a document with otherwise valid JSON is reported too.
struct CountingSink<'s, S> {
    sink: &'s mut S,
    unreadable: u64,
    /// Parses event times; set only while collecting evidence.
    clock: Option<TimeParser>,
    events: Option<(Seconds, Seconds)>,
    has_events: bool,
}

impl<S> CountingSink<'_, S> {
    fn trouble(&self) -> Option<ReadTrouble> {
        let reason = match self.unreadable {
            0 => return None,
            1 => "1 record could not be read".to_owned(),
            n => format!("{n} records could not be read"),
        };
        Some(ReadTrouble::Of(Severity::Partial, reason))
    }
}

impl<S: RecordSink> RecordSink for CountingSink<'_, S> {
    fn events(&mut self, records: &[EventRecord<'_>]) {
        if let Some(clock) = &mut self.clock {
            self.has_events |= !records.is_empty();
            for time in records.iter().filter_map(|record| record.time(clock)) {
                let (first, last) = self.events.unwrap_or((time, time));
                self.events = Some((first.min(time), last.max(time)));
            }
        }
        self.sink.events(records);
    }

    fn other(&mut self, kind: ContentKind) {
        self.sink.other(kind);
    }

    fn unreadable(&mut self, fault: RecordFault) {
        self.unreadable += 1;
        self.sink.unreadable(fault);
    }
}

/// Fills the window from `filled` on. A partly filled window means the document ended or failed.
fn fill(
    document: &mut impl Read,
    window: &mut [u8],
    mut filled: usize,
    failure: &mut Option<io::Error>,
) -> usize {
    while filled < window.len() && failure.is_none() {
        match document.read(&mut window[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => *failure = Some(error),
        }
    }
    filled
}

/// Like [`fill`], but takes a read of the expected size for the end of the file: system calls
/// dominate the cost of small files.
fn fill_file(file: &mut File, window: &mut [u8], failure: &mut Option<io::Error>) -> usize {
    match file.read(window) {
        Ok(read) if read + 1 == window.len() => read,
        Ok(read) => fill(file, window, read, failure),
        Err(error) => {
            *failure = Some(error);
            0
        }
    }
}

fn format(head: &[u8]) -> DocumentFormat {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = text.trim_ascii_start();
    let line = &text[..text.len().min(64)];
    match text.first() {
        Some(b'{' | b'[') => DocumentFormat::Json,
        // A CloudWatch Logs export: a time, a space, and the event.
        Some(b'0'..=b'9') if memchr::memmem::find(line, b"Z {").is_some() => DocumentFormat::Json,
        _ if csv::is_csv(&text[..text.len().min(4096)]) => DocumentFormat::Csv,
        _ if head.starts_with(b"PK\x03\x04") => DocumentFormat::Other(Some("a zip archive")),
        _ if head.starts_with(b"PAR1") => DocumentFormat::Other(Some("a Parquet file")),
        _ if head.starts_with(b"\x28\xb5\x2f\xfd") => {
            DocumentFormat::Other(Some("compressed with zstd"))
        }
        _ if head.starts_with(b"BZh") => DocumentFormat::Other(Some("compressed with bzip2")),
        _ => DocumentFormat::Other(None),
    }
}

/// Handles a document without events. Unless the user named it, only known container formats are a
/// problem.
fn without_events(
    kind: Option<&str>,
    blank: bool,
    named: bool,
    sink: &mut impl RecordSink,
) -> Option<ReadTrouble> {
    if blank {
        return Some(ReadTrouble::Empty);
    }
    sink.other(ContentKind::Foreign);
    match kind {
        Some(kind) => Some(ReadTrouble::failed(format!("is {kind}: unpack it first"))),
        None if named => Some(ReadTrouble::failed(
            "is neither JSON nor CSV with events".to_owned(),
        )),
        None => None,
    }
}

fn damaged(damage: DocumentDamage) -> ReadTrouble {
    let reason = match damage {
        DocumentDamage::Broken(at) => {
            format!("broken JSON at byte {at}; the records before it were read")
        }
        DocumentDamage::CutOff(at) => format!("ends in the middle of a value, at byte {at}"),
        DocumentDamage::TooLarge(at) => {
            format!(
                "no record ends within {} MiB after byte {at}",
                MAX_RECORD_BYTES >> 20
            )
        }
    };
    ReadTrouble::Of(Severity::Partial, reason)
}

fn read_failure(error: &io::Error) -> ReadTrouble {
    let reason = match error.kind() {
        _ if interrupt::is_cause(error) => interrupt::REASON.to_owned(),
        io::ErrorKind::UnexpectedEof => "the gzip file is cut off".to_owned(),
        // The file starts with a valid gzip header, so this error concerns bytes after a member.
        io::ErrorKind::InvalidInput if error.to_string().contains("header") => {
            "bytes after its end are not gzip".to_owned()
        }
        io::ErrorKind::InvalidInput => format!("the gzip file is damaged: {error}"),
        _ => format!("reading stopped: {error}"),
    };
    ReadTrouble::Of(Severity::Partial, reason)
}

/// Abandons a long file on an interrupt.
struct Interruptible<R> {
    inner: R,
    interrupt: Interrupt,
}

impl<R: Read> Read for Interruptible<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.interrupt.check()?;
        self.inner.read(buf)
    }
}

/// Counts the bytes read.
struct MeteredReader<'c, R> {
    inner: R,
    count: &'c Cell<u64>,
}

impl<R: Read> Read for MeteredReader<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

/// Stops gzip bombs.
struct LimitedReader<'c, R> {
    inner: R,
    stored: &'c Cell<u64>,
    inflated: u64,
}

impl<R: Read> Read for LimitedReader<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.inflated += read as u64;
        if self.inflated > (1 << 30) && self.inflated > self.stored.get() * MAX_INFLATION_RATIO {
            let reason = format!("it inflates to more than {MAX_INFLATION_RATIO} times its size");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(read)
    }
}
