//! Reads one document: opens it, inflates it, detects its format, and parses its records.
//!
//! A small gzip file of one member, the common case, is inflated in one call. Everything else
//! (several members, damaged or large files) is streamed through a window, so that memory stays
//! bounded.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::decode::{self, LayerError, LimitedReader};
use super::format::{self, ArchiveKind, DocumentFormat};
use super::interrupt::{self, Interrupt};
use super::pump::Pump;
use super::seal::{ContentHash, GzipMembers, HashOutcome, PlainReader};
use trailtab_core::coverage::{DocumentOutcome, ReadProblem, ReadScope, RunCoverage, Severity};
use trailtab_core::event::csv;
use trailtab_core::event::envelope::{
    ContentKind, DocumentDamage, EnvelopeReader, RecordFault, RecordForm, RecordSink, RowGap,
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

/// Layers and archives inside each other; more are refused.
const MAX_LAYERS: usize = 5;

/// Files in an archive; more are refused.
const MAX_MEMBERS: usize = 1 << 20;

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
            facts: DocumentFacts::default(),
            unknown_place: None,
            clock,
            events: None,
        };
        if self.evidence.is_some() {
            self.seal = Some(ContentHash::new(is_digest(&body.name())));
        }
        let trouble = match &mut body {
            DocumentBody::Memory { bytes, .. } => self.read_whole(bytes, sink),
            DocumentBody::Stdin => match Pump::start(|| Ok(io::stdin().lock()), &self.interrupt) {
                Ok(pump) => self.read_stream(pump, None, sink),
                Err(error) => Some(ReadTrouble::failed(format!("cannot be read: {error}"))),
            },
            DocumentBody::Stream { bytes, .. } => self.read_stream(bytes, None, sink),
            DocumentBody::File(path) => match self.read_file(path, size, sink) {
                Ok(trouble) => trouble,
                Err(error) => Some(ReadTrouble::failed(format!("cannot be read: {error}"))),
            },
        };
        if let (Some(seal), Some(evidence)) = (self.seal.take(), &mut self.evidence) {
            add_evidence(evidence, &body, &seal.finish(), sink);
        }
        let name = body.name();
        let trouble = trouble.or_else(|| sink.trouble(DocumentFacts::default()));
        let is_empty = matches!(trouble, Some(ReadTrouble::Empty));
        let (outcome, trouble) = ending(&name, named, trouble, sink.facts);
        coverage.unread += u64::from(is_empty);
        let Some((severity, reason)) = trouble.map(ReadTrouble::severity_and_reason) else {
            return coverage.document(&name, outcome);
        };
        coverage.unread += u64::from(!is_empty && severity == Severity::Failed);
        let problem = ReadProblem::of_document(name, severity, reason);
        coverage.document_problem(ReadProblem {
            scope: scope.map(ReadScope::Region).or(problem.scope),
            ..problem
        });
    }

    fn read_file<S: RecordSink>(
        &mut self,
        path: &Path,
        size: u64,
        sink: &mut CountingSink<'_, S>,
    ) -> io::Result<Option<ReadTrouble>> {
        // Size zero: possibly a pipe.
        if size == 0 && !fs::metadata(path)?.is_file() {
            let path = path.to_owned();
            let pump = Pump::start(move || File::open(path), &self.interrupt)?;
            return Ok(self.read_stream(pump, None, sink));
        }
        let mut file = File::open(path)?;
        if size == 0 || size > MAX_WHOLE_BYTES {
            let file = Interruptible {
                inner: file,
                interrupt: self.interrupt.clone(),
            };
            return Ok(self.read_stream(file, Some(path), sink));
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
                Ok(self.read_stream((&*window).chain(file), None, sink))
            }
            None => Ok(self.read_whole(&window[..filled], sink)),
        };
        self.stored = stored;
        trouble
    }

    fn read_whole<S: RecordSink>(
        &mut self,
        stored: &[u8],
        sink: &mut CountingSink<'_, S>,
    ) -> Option<ReadTrouble> {
        // `Inflater` does not tell where the first member ends, which the hash needs.
        if self.seal.is_some() {
            return self.read_stream(stored, None, sink);
        }
        let is_gzip = gunzip::is_gzip(stored);
        let json = if is_gzip {
            match self.inflater.inflate(stored) {
                Some(json) => json,
                None => return self.read_stream(stored, None, sink),
            }
        } else {
            stored
        };
        let trouble = match format::format_of(&json[..json.len().min(WINDOW_BYTES)]) {
            DocumentFormat::Json => read_json(EnvelopeReader::default(), json, sink),
            DocumentFormat::Text => {
                let before = sink.facts;
                let trouble = read_json(EnvelopeReader::of_text(), json, sink);
                text_trouble(trouble, before, sink)
            }
            DocumentFormat::Csv(form) => {
                let read = csv::read(form, json, sink);
                read.err().map(|error| read_failure(&error))
            }
            DocumentFormat::Archive(ArchiveKind::Zip) if !is_gzip => {
                let (stored_bytes, place) = (Cell::new(stored.len() as u64), LayerPlace::default());
                return self.read_zip(io::Cursor::new(stored), place, &stored_bytes, sink);
            }
            // Its layers are taken off in a stream.
            DocumentFormat::Wrapped(_) | DocumentFormat::Archive(_) => {
                return self.read_stream(stored, None, sink);
            }
            format => {
                let blank = json.trim_ascii().is_empty();
                return other(format, &json[..json.len().min(WINDOW_BYTES)], blank, sink);
            }
        };
        // The checksum of gzip has proven that nothing was overwritten.
        trouble.or_else(|| zeros(!is_gzip && memchr::memchr(0, json).is_some()))
    }

    /// Reads a document of any size through a window. `file` is where it is, if it is a file that can
    /// be read again.
    fn read_stream<S: RecordSink>(
        &mut self,
        stored: impl Read,
        file: Option<&Path>,
        sink: &mut CountingSink<'_, S>,
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
            let trouble =
                self.read_layer(&mut inflated, LayerPlace::default(), &stored_bytes, sink);
            self.seal = inflated.inner.seal;
            trouble
        } else {
            let mut plain = PlainReader {
                inner: stored,
                seal,
            };
            let place = LayerPlace { depth: 0, file };
            let trouble = self.read_layer(&mut plain, place, &stored_bytes, sink);
            self.seal = plain.seal;
            trouble
        }
    }

    /// Reads what one layer contains: records, another layer, or an archive. `stored` is the number of
    /// bytes of the whole document that were read so far.
    fn read_layer<S: RecordSink>(
        &mut self,
        plain: &mut dyn Read,
        place: LayerPlace<'_>,
        stored: &Cell<u64>,
        sink: &mut CountingSink<'_, S>,
    ) -> Option<ReadTrouble> {
        let mut window = std::mem::take(&mut self.window);
        window.resize(WINDOW_BYTES, 0);
        let mut failure = None;
        let filled = fill(plain, &mut window, 0, &mut failure);
        let format = format::format_of(&window[..filled]);
        let mut text = ZeroWatch {
            has_zeros: memchr::memchr(0, &window[..filled]).is_some(),
            inner: &mut *plain,
        };
        let trouble = match format {
            DocumentFormat::Json => {
                let envelope = EnvelopeReader::default();
                let read =
                    stream_json(envelope, &mut text, &mut window, filled, &mut failure, sink);
                read.or_else(|| zeros(text.has_zeros))
            }
            DocumentFormat::Text => {
                let (envelope, before) = (EnvelopeReader::of_text(), sink.facts);
                let read =
                    stream_json(envelope, &mut text, &mut window, filled, &mut failure, sink);
                text_trouble(read.or_else(|| zeros(text.has_zeros)), before, sink)
            }
            DocumentFormat::Csv(form) => {
                let read = csv::read(form, window[..filled].chain(&mut text), sink);
                let read = read.err().map(|error| read_failure(&error));
                read.or_else(|| zeros(text.has_zeros))
            }
            DocumentFormat::Wrapped(_) | DocumentFormat::Archive(_)
                if place.depth >= MAX_LAYERS =>
            {
                let reason =
                    format!("holds more than {MAX_LAYERS} layers or archives inside each other");
                Some(ReadTrouble::failed(reason))
            }
            DocumentFormat::Wrapped(wrapping) => {
                let outer = window[..filled].chain(&mut *plain);
                let mut inner = LimitedReader {
                    inner: decode::unwrapped(wrapping, outer),
                    stored,
                    inflated: 0,
                };
                self.read_layer(&mut inner, place.deeper(), stored, sink)
            }
            DocumentFormat::Archive(ArchiveKind::Tar) => {
                self.read_tar(window[..filled].chain(&mut *plain), place, stored, sink)
            }
            DocumentFormat::Archive(ArchiveKind::Zip) => match place.file.map(File::open) {
                Some(Ok(file)) => {
                    let size = file.metadata().map_or(0, |metadata| metadata.len());
                    self.read_zip(file, place, &Cell::new(size), sink)
                }
                Some(Err(error)) => Some(ReadTrouble::failed(format!("cannot be read: {error}"))),
                None => {
                    self.read_zip_stream(window[..filled].chain(&mut *plain), place, stored, sink)
                }
            },
            format => {
                let blank = filled < window.len() && window[..filled].trim_ascii().is_empty();
                other(format, &window[..filled], blank, sink)
            }
        };
        window.truncate(WINDOW_BYTES);
        window.shrink_to_fit();
        self.window = window;
        failure.map(|error| read_failure(&error)).or(trouble)
    }

    fn read_tar<S: RecordSink>(
        &mut self,
        archive: impl Read,
        place: LayerPlace<'_>,
        stored: &Cell<u64>,
        sink: &mut CountingSink<'_, S>,
    ) -> Option<ReadTrouble> {
        let mut troubles = MemberTroubles::default();
        let mut archive = tar::Archive::new(TailWatch {
            inner: archive,
            zeros: 0,
        });
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(error) => return Some(read_failure(&error)),
        };
        for (number, entry) in entries.enumerate() {
            let mut entry = match entry {
                Ok(entry) if number < MAX_MEMBERS => entry,
                Ok(_) => {
                    troubles.add(
                        "",
                        ReadTrouble::failed(format!("more than {MAX_MEMBERS} files")),
                    );
                    break;
                }
                Err(error) => {
                    troubles.add("", read_failure(&error));
                    break;
                }
            };
            if entry.header().entry_type().is_file() {
                let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
                self.read_member(&name, &mut entry, place, stored, sink, &mut troubles);
            }
        }
        let mut archive = archive.into_inner();
        // The seal is of all bytes.
        match io::copy(&mut archive, &mut io::sink()) {
            Ok(_) if archive.zeros < TAR_BLOCK => {
                let reason = "the tar archive is cut off: it has no end".to_owned();
                troubles.add("", ReadTrouble::failed(reason));
            }
            Ok(_) => {}
            Err(error) => troubles.add("", read_failure(&error)),
        }
        troubles.into_trouble()
    }

    /// Reads a zip archive from a stream: its directory stands at its end.
    fn read_zip_stream<S: RecordSink>(
        &mut self,
        archive: impl Read,
        place: LayerPlace<'_>,
        stored: &Cell<u64>,
        sink: &mut CountingSink<'_, S>,
    ) -> Option<ReadTrouble> {
        let mut bytes = Vec::new();
        if let Err(error) = archive.take(MAX_WHOLE_BYTES + 1).read_to_end(&mut bytes) {
            return Some(read_failure(&error));
        }
        if bytes.len() as u64 > MAX_WHOLE_BYTES {
            let size = MAX_WHOLE_BYTES >> 20;
            let reason =
                format!("is a zip archive of more than {size} MiB in a stream: unpack it first");
            return Some(ReadTrouble::failed(reason));
        }
        self.read_zip(io::Cursor::new(bytes), place, stored, sink)
    }

    fn read_zip<S: RecordSink>(
        &mut self,
        archive: impl Read + io::Seek,
        place: LayerPlace<'_>,
        stored: &Cell<u64>,
        sink: &mut CountingSink<'_, S>,
    ) -> Option<ReadTrouble> {
        let mut archive = match zip::ZipArchive::new(archive) {
            Ok(archive) => archive,
            Err(error) => {
                return Some(ReadTrouble::failed(format!(
                    "is a zip archive that cannot be read: {error}"
                )));
            }
        };
        let mut troubles = MemberTroubles::default();
        if archive.len() > MAX_MEMBERS {
            return Some(ReadTrouble::failed(format!(
                "is a zip archive of more than {MAX_MEMBERS} files"
            )));
        }
        // Each member may be a bomb, and so may all of them together.
        let mut inflated = 0;
        for number in 0..archive.len() {
            let entry = match archive.by_index(number) {
                Ok(entry) => entry,
                Err(error) => {
                    let reason = format!("cannot be unpacked: {error}");
                    troubles.add(&format!("file {}", number + 1), ReadTrouble::failed(reason));
                    continue;
                }
            };
            if entry.is_dir() {
                continue;
            }
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let mut entry = LimitedReader {
                inner: entry,
                stored,
                inflated,
            };
            self.read_member(&name, &mut entry, place, stored, sink, &mut troubles);
            inflated = entry.inflated;
        }
        troubles.into_trouble()
    }

    /// Reads one file of an archive. The archive is the document: what is wrong with its files is what
    /// is wrong with it.
    fn read_member<S: RecordSink>(
        &mut self,
        name: &str,
        bytes: &mut dyn Read,
        place: LayerPlace<'_>,
        stored: &Cell<u64>,
        sink: &mut CountingSink<'_, S>,
        troubles: &mut MemberTroubles,
    ) {
        let before = sink.facts;
        let trouble = self.read_layer(bytes, place.deeper(), stored, sink);
        let trouble = trouble.or_else(|| sink.trouble(before));
        let (_, trouble) = ending(name, false, trouble, sink.facts.since(before));
        if let Some(trouble) = trouble {
            troubles.add(name, trouble);
        }
    }
}

/// Says that text holds bytes of zero, if it does: they could hide where a record ends.
fn zeros(has_zeros: bool) -> Option<ReadTrouble> {
    let reason = "has zero bytes in its text, as damage leaves them: records may be missing";
    has_zeros.then(|| ReadTrouble::Of(Severity::Partial, reason.to_owned()))
}

/// Notes bytes of zero, which no text has.
struct ZeroWatch<R> {
    inner: R,
    has_zeros: bool,
}

impl<R: Read> Read for ZeroWatch<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.has_zeros |= memchr::memchr(0, &buf[..read]).is_some();
        Ok(read)
    }
}

/// A tar archive ends in blocks of this many zeros.
const TAR_BLOCK: usize = 512;

/// Counts the zeros that the bytes read so far end in.
struct TailWatch<R> {
    inner: R,
    zeros: usize,
}

impl<R: Read> Read for TailWatch<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        let zeros = buf[..read].iter().rev().take_while(|b| **b == 0).count();
        self.zeros = match zeros == read {
            true => self.zeros.saturating_add(zeros),
            false => zeros,
        };
        Ok(read)
    }
}

/// Where a layer is.
#[derive(Debug, Clone, Copy, Default)]
struct LayerPlace<'p> {
    /// Number of layers and archives around it.
    depth: usize,
    /// The file, if the layer is the whole of it.
    file: Option<&'p Path>,
}

impl LayerPlace<'_> {
    fn deeper(self) -> LayerPlace<'static> {
        LayerPlace {
            depth: self.depth + 1,
            file: None,
        }
    }
}

/// What is wrong with the files of an archive: the first of them is named.
#[derive(Default)]
struct MemberTroubles {
    first: Option<String>,
    others: u64,
}

impl MemberTroubles {
    fn add(&mut self, name: &str, trouble: ReadTrouble) {
        let (_, reason) = trouble.severity_and_reason();
        match &self.first {
            Some(_) => self.others += 1,
            None => self.first = Some(format!("{name} {reason}").trim_start().to_owned()),
        }
    }

    fn into_trouble(self) -> Option<ReadTrouble> {
        let first = self.first?;
        let reason = match self.others {
            0 => format!("inside it: {first}"),
            n => format!("inside it: {first}; and {n} more"),
        };
        Some(ReadTrouble::Of(Severity::Partial, reason))
    }
}

/// Reads JSON, or text with JSON in it, that is at hand as a whole.
fn read_json(
    mut envelope: EnvelopeReader,
    json: &[u8],
    sink: &mut impl RecordSink,
) -> Option<ReadTrouble> {
    envelope.feed(json, true, sink);
    envelope.damage().map(damaged)
}

/// Reads JSON, or text with JSON in it, through a window that is filled already.
fn stream_json(
    mut envelope: EnvelopeReader,
    plain: &mut dyn Read,
    window: &mut Vec<u8>,
    mut filled: usize,
    failure: &mut Option<io::Error>,
    sink: &mut impl RecordSink,
) -> Option<ReadTrouble> {
    loop {
        let last = filled < window.len();
        let mut done = envelope.feed(&window[..filled], last, sink);
        if last {
            return envelope.damage().map(damaged);
        }
        if done == 0 && window.len() >= MAX_RECORD_BYTES {
            done = envelope.enter(&window[..filled]);
            if done == 0 {
                envelope.too_large(sink);
            }
        } else if done == 0 {
            window.resize(window.len() * 2, 0);
        }
        window.copy_within(done..filled, 0);
        filled = fill(plain, window, filled - done, failure);
    }
}

/// What is wrong with a text in whose lines records were looked for.
fn text_trouble<S>(
    trouble: Option<ReadTrouble>,
    before: DocumentFacts,
    sink: &CountingSink<'_, S>,
) -> Option<ReadTrouble> {
    match sink.facts.since(before).events {
        0 => Some(ReadTrouble::failed(
            "looks like CloudTrail inside a form that is not known: text".to_owned(),
        )),
        _ => trouble,
    }
}

/// Decides what became of a document: its outcome, and what is wrong if that is a problem.
fn ending(
    name: &str,
    named: bool,
    trouble: Option<ReadTrouble>,
    facts: DocumentFacts,
) -> (DocumentOutcome, Option<ReadTrouble>) {
    let problem = |trouble| (DocumentOutcome::Problem, Some(trouble));
    let is_expected = || named || is_cloud_trails(name);
    match trouble {
        Some(ReadTrouble::Empty) if !should_hold_events(name, named) => {
            (DocumentOutcome::Unrelated, None)
        }
        Some(ReadTrouble::Unrelated(what)) => match is_expected() {
            true => problem(ReadTrouble::failed(format!(
                "holds no CloudTrail records: {what}"
            ))),
            false => (DocumentOutcome::Unrelated, None),
        },
        Some(trouble) => problem(trouble),
        None if facts.events > 0 => (DocumentOutcome::Events, None),
        None if facts.known > 0 => (DocumentOutcome::OtherKind, None),
        // An answer or a file that says that there was nothing; CloudTrail delivers none.
        None if facts.foreign == 0 => {
            match LogFileName::of(name).is_some_and(|name| name.is_log_file()) {
                true => problem(ReadTrouble::failed("holds no record at all".to_owned())),
                false => (DocumentOutcome::Events, None),
            }
        }
        None => match is_expected() {
            true => {
                let reason = "holds no CloudTrail records: its JSON is of another kind";
                problem(ReadTrouble::failed(reason.to_owned()))
            }
            false => (DocumentOutcome::Unrelated, None),
        },
    }
}

/// What is wrong with a document.
enum ReadTrouble {
    /// The document is empty or all white space.
    Empty,
    /// It has nothing to do with CloudTrail, and what it is instead.
    Unrelated(&'static str),
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
            ReadTrouble::Unrelated(what) => (Severity::Failed, what.to_owned()),
            ReadTrouble::Of(severity, reason) => (severity, reason),
        }
    }
}

/// Endings of files that hold events. CloudTrail and those who copy its logs write none that is empty.
const LOG_FILE_ENDINGS: [&str; 7] = [".json", ".gz", ".jsonl", ".ndjson", ".zst", ".bz2", ".xz"];

/// Tells whether an empty document is a problem: the user named it, or its name is that of a log
/// file. Placeholders such as `_SUCCESS` and `.keep` are empty by design.
fn should_hold_events(document: &str, named: bool) -> bool {
    !is_litter(document) && (named || has_log_ending(document))
}

/// Tells by its name or place whether a document is CloudTrail's: it has the ending of a log file, and
/// the name of one or a place in a folder `ACCOUNT/CloudTrail/`.
fn is_cloud_trails(document: &str) -> bool {
    if is_litter(document) || !has_log_ending(document) {
        return false;
    }
    if LogFileName::of(document).is_some() {
        return true;
    }
    let mut folders = document.rsplit(['/', '\\']).skip(1);
    let is_account =
        |folder: &str| folder.len() == 12 && folder.bytes().all(|b| b.is_ascii_digit());
    folders.any(|folder| folder.starts_with("CloudTrail")) && folders.next().is_some_and(is_account)
}

/// Tells whether a file is what systems leave beside files: its name begins with a dot or underscore.
fn is_litter(document: &str) -> bool {
    let name = document.rsplit(['/', '\\']).next().unwrap_or(document);
    name.starts_with(['.', '_']) || name.ends_with("_$folder$")
}

fn has_log_ending(document: &str) -> bool {
    let folded = document.to_ascii_lowercase();
    LOG_FILE_ENDINGS
        .iter()
        .any(|ending| folded.ends_with(ending))
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
            needs_digest: sink.facts.events > 0 || is_log_file,
        });
    }
}

/// What was met in a document, or in a part of it.
#[derive(Debug, Clone, Copy, Default)]
struct DocumentFacts {
    events: u64,
    /// Content of a known kind that is no event.
    known: u64,
    foreign: u64,
    unreadable: u64,
    /// Those of them that have an identity that cannot be read.
    unreadable_identities: u64,
    /// Events that have no valid time, and so are not counted under a time window.
    undated: u64,
    /// Rows of tables whose columns do not say who acted.
    without_identity: u64,
    /// Rows of tables whose time is in a form that cannot be read.
    odd_times: u64,
}

impl DocumentFacts {
    fn since(self, before: DocumentFacts) -> DocumentFacts {
        DocumentFacts {
            events: self.events - before.events,
            known: self.known - before.known,
            foreign: self.foreign - before.foreign,
            unreadable: self.unreadable - before.unreadable,
            unreadable_identities: self.unreadable_identities - before.unreadable_identities,
            undated: self.undated - before.undated,
            without_identity: self.without_identity - before.without_identity,
            odd_times: self.odd_times - before.odd_times,
        }
    }
}

/// Counts what is met in a document: one that is whole but for some records has trouble too.
struct CountingSink<'s, S> {
    sink: &'s mut S,
    facts: DocumentFacts,
    /// The first place of something that looks like a record in an unknown form.
    unknown_place: Option<String>,
    /// Reads the times of events, if they are wanted.
    clock: Option<TimeParser>,
    events: Option<(Seconds, Seconds)>,
}

impl<S> CountingSink<'_, S> {
    /// What is wrong with what was met since then.
    fn trouble(&self, before: DocumentFacts) -> Option<ReadTrouble> {
        let facts = self.facts.since(before);
        let records = |count: u64, rest: &str| match count {
            0 => None,
            1 => Some(format!("1 record {rest}")),
            n => Some(format!("{n} records {rest}")),
        };
        let unreadable = facts.unreadable - facts.unreadable_identities;
        let unknown = self.unknown_place.as_ref().filter(|_| unreadable > 0);
        let reasons = [
            unknown.map(|place| {
                format!("looks like CloudTrail inside a form that is not known: {place}")
            }),
            records(unreadable, "could not be read"),
            records(
                facts.unreadable_identities,
                "could not be read: their userIdentity is of an unknown form",
            ),
            records(
                facts.undated,
                "without a readable time: not counted under a time window",
            ),
            records(
                facts.without_identity,
                "counted as unknown: no column says who acted",
            ),
            records(
                facts.odd_times,
                "counted without a time: its form cannot be read",
            ),
        ];
        let reasons: Vec<String> = reasons.into_iter().flatten().collect();
        if reasons.is_empty() {
            return None;
        }
        let has_more = facts.events > facts.undated || facts.known > 0;
        let severity = match unknown {
            Some(_) if !has_more => Severity::Failed,
            _ => Severity::Partial,
        };
        Some(ReadTrouble::Of(severity, reasons.join("; ")))
    }
}

impl<S: RecordSink> RecordSink for CountingSink<'_, S> {
    fn events(&mut self, records: &[EventRecord<'_>]) {
        self.facts.events += records.len() as u64;
        if let Some(clock) = &mut self.clock {
            for time in records.iter().filter_map(|record| record.time(clock)) {
                let (first, last) = self.events.unwrap_or((time, time));
                self.events = Some((first.min(time), last.max(time)));
            }
        }
        let undated = self.sink.undated();
        self.sink.events(records);
        self.facts.undated += self.sink.undated() - undated;
    }

    fn other(&mut self, kind: ContentKind) {
        match kind.is_foreign() {
            true => self.facts.foreign += 1,
            false => self.facts.known += 1,
        }
        self.sink.other(kind);
    }

    fn unreadable(&mut self, fault: RecordFault) {
        self.facts.unreadable += 1;
        self.facts.unreadable_identities += u64::from(fault == RecordFault::Identity);
        self.sink.unreadable(fault);
    }

    fn unknown_form(&mut self, place: &str) {
        self.facts.unreadable += 1;
        self.unknown_place.get_or_insert_with(|| place.to_owned());
        self.sink.unknown_form(place);
    }

    fn gap(&mut self, gap: RowGap) {
        match gap {
            RowGap::Identity => self.facts.without_identity += 1,
            RowGap::Time => self.facts.odd_times += 1,
        }
        self.sink.gap(gap);
    }

    fn converted(&mut self, form: RecordForm) {
        self.sink.converted(form);
    }

    fn undated(&self) -> u64 {
        self.sink.undated()
    }
}

/// Fills the window from `filled` on. A partly filled window means the document ended or failed.
fn fill(
    document: &mut (impl Read + ?Sized),
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

/// Takes note of a document that holds no events, and says what it is.
fn other(
    format: DocumentFormat,
    head: &[u8],
    blank: bool,
    sink: &mut impl RecordSink,
) -> Option<ReadTrouble> {
    if blank {
        return Some(ReadTrouble::Empty);
    }
    sink.other(ContentKind::Foreign);
    Some(match format {
        DocumentFormat::NotRead(what, advice) => {
            ReadTrouble::failed(format!("is {what}: {advice}"))
        }
        _ => ReadTrouble::Unrelated(format::description(head)),
    })
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
        _ if LayerError::is_cause(error) => error.to_string(),
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

#[cfg(test)]
mod tests;
