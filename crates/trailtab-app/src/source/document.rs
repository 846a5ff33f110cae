//! Reads one document: opens it, inflates it, detects its format, and parses its records.
//!
//! A small gzip file of one member, the common case, is inflated in one call. Everything else
//! (several members, damaged or large files) is streamed through a window, so that memory stays
//! bounded.

mod container;
mod outcome;
mod sink;
mod window;

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use self::container::LayerPlace;
use self::outcome::{ReadTrouble, ending, is_digest, other, read_failure, text_trouble, zeros};
use self::sink::{CountingSink, DocumentFacts};
use self::window::{
    Interruptible, MeteredReader, ZeroWatch, fill, fill_file, read_json, stream_json,
};
use super::decode::{self, LimitedReader};
use super::format::{self, ArchiveKind, DocumentFormat};
use super::interrupt::Interrupt;
use super::pump::Pump;
use super::seal::{ContentHash, GzipMembers, HashOutcome, PlainReader};
use trailtab_core::coverage::{ReadProblem, ReadScope, RunCoverage, Severity};
use trailtab_core::event::csv;
use trailtab_core::event::envelope::{EnvelopeReader, RecordSink};
use trailtab_core::event::gunzip::{self, Inflater};
use trailtab_core::integrity::digest::{DigestFile, LogFileName};
use trailtab_core::integrity::{DigestEvidence, DigestMetadata, FoundDigest, FoundLog};
use trailtab_core::scope::Scope;
use trailtab_core::time::TimeParser;

/// Documents up to this size, both stored and inflated, are held in memory whole.
const MAX_WHOLE_BYTES: u64 = 32 << 20;

/// Initial window of a streamed document.
const WINDOW_BYTES: usize = 1 << 20;

/// Maximum size of a record. AWS's limit is 1 MB.
const MAX_RECORD_BYTES: usize = 16 << 20;

/// Layers and archives inside each other; more are refused.
const MAX_LAYERS: usize = 5;

/// A document that may hold records.
pub struct Document {
    /// Size as stored; 0 if it is not known.
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
    /// A file on this machine, or a named pipe.
    File(PathBuf),
    /// A file on this machine that is not a pipe; its size is read when it is opened.
    UnsizedFile(PathBuf),
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
            DocumentBody::File(path) | DocumentBody::UnsizedFile(path) => {
                path.display().to_string()
            }
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
            DocumentBody::File(path) => {
                let read = self.read_file(path, size, sink);
                read.unwrap_or_else(|error| Some(unreadable_file(&error)))
            }
            DocumentBody::UnsizedFile(path) => {
                let opened = File::open(&*path).and_then(|file| {
                    let size = file.metadata()?.len();
                    coverage.bytes += size;
                    self.read_opened(file, path, size, sink)
                });
                opened.unwrap_or_else(|error| Some(unreadable_file(&error)))
            }
        };
        if let (Some(seal), Some(evidence)) = (self.seal.take(), &mut self.evidence) {
            add_evidence(evidence, &body, &seal.finish(), sink);
        }
        let trouble = trouble.or_else(|| sink.trouble(DocumentFacts::default()));
        let is_empty = matches!(trouble, Some(ReadTrouble::Empty));
        let name = || body.name();
        let (outcome, trouble) = ending(&name, named, trouble, sink.facts);
        coverage.unread += u64::from(is_empty);
        let Some((severity, reason)) = trouble.map(ReadTrouble::severity_and_reason) else {
            return coverage.document(outcome, name);
        };
        coverage.unread += u64::from(!is_empty && severity == Severity::Failed);
        let problem = ReadProblem::of_document(name(), severity, reason);
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
        self.read_opened(File::open(path)?, path, size, sink)
    }

    fn read_opened<S: RecordSink>(
        &mut self,
        mut file: File,
        path: &Path,
        size: u64,
        sink: &mut CountingSink<'_, S>,
    ) -> io::Result<Option<ReadTrouble>> {
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
        // `Inflater` does not report where the first member ends, which the hash needs.
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
}

/// The trouble with a file that cannot be opened or read.
fn unreadable_file(error: &io::Error) -> ReadTrouble {
    ReadTrouble::failed(format!("cannot be read: {error}"))
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
            (None, Some(_), _) => Err("is not a digest: it is too large".to_owned()),
            (_, _, true) => Err("was added to: bytes follow its gzip member".to_owned()),
            (_, None, _) => Err("is not a digest: it cannot be read to its end".to_owned()),
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

#[cfg(test)]
mod tests;
