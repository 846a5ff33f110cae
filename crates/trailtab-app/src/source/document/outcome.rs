//! What became of a document, and what is wrong with it.

use std::io;

use super::sink::{CountingSink, DocumentFacts};
use super::{MAX_RECORD_BYTES, format};
use crate::source::decode::LayerError;
use crate::source::format::DocumentFormat;
use crate::source::interrupt;
use trailtab_core::coverage::{DocumentOutcome, Severity};
use trailtab_core::event::envelope::{ContentKind, DocumentDamage, RecordSink};
use trailtab_core::integrity::digest::LogFileName;

/// What is wrong with a document.
pub(super) enum ReadTrouble {
    /// The document is empty or all white space.
    Empty,
    /// Not a CloudTrail document; holds a description.
    Unrelated(&'static str),
    Of(Severity, String),
}

impl ReadTrouble {
    /// An error because of which nothing of the document was read.
    pub(super) fn failed(reason: String) -> ReadTrouble {
        ReadTrouble::Of(Severity::Failed, reason)
    }

    pub(super) fn severity_and_reason(self) -> (Severity, String) {
        match self {
            ReadTrouble::Empty => (Severity::Failed, "is empty".to_owned()),
            ReadTrouble::Unrelated(what) => (Severity::Failed, what.to_owned()),
            ReadTrouble::Of(severity, reason) => (severity, reason),
        }
    }
}

/// Decides what became of a document: its outcome, and what is wrong if that is a problem. Asks for
/// the name only if it matters.
pub(super) fn ending(
    name: &dyn Fn() -> String,
    named: bool,
    trouble: Option<ReadTrouble>,
    facts: DocumentFacts,
) -> (DocumentOutcome, Option<ReadTrouble>) {
    let problem = |trouble| (DocumentOutcome::Problem, Some(trouble));
    let is_expected = || named || is_cloud_trails(&name());
    match trouble {
        Some(ReadTrouble::Empty) if !should_hold_events(&name(), named) => {
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
        // An empty result is valid, but CloudTrail never delivers an empty log file.
        None if facts.foreign == 0 => {
            match LogFileName::of(&name()).is_some_and(|name| name.is_log_file()) {
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

/// What is wrong with a text in whose lines records were looked for.
pub(super) fn text_trouble<S>(
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

/// The problem of a text with zero bytes, which can hide the end of a record.
pub(super) fn zeros(has_zeros: bool) -> Option<ReadTrouble> {
    let reason = "has zero bytes in its text, as damage leaves them: records may be missing";
    has_zeros.then(|| ReadTrouble::Of(Severity::Partial, reason.to_owned()))
}

/// Records a document without events, and describes it.
pub(super) fn other(
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

pub(super) fn damaged(damage: DocumentDamage) -> ReadTrouble {
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

pub(super) fn read_failure(error: &io::Error) -> ReadTrouble {
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

/// Endings of files that hold events. Neither CloudTrail nor a tool that copies its logs writes an empty one.
const LOG_FILE_ENDINGS: [&str; 7] = [".json", ".gz", ".jsonl", ".ndjson", ".zst", ".bz2", ".xz"];

/// Returns whether an empty document is a problem: the user named it, or its name is that of a log
/// file. Placeholders such as `_SUCCESS` and `.keep` are empty by design.
fn should_hold_events(document: &str, named: bool) -> bool {
    !is_litter(document) && (named || has_log_ending(document))
}

/// Returns whether the name or place of a document is CloudTrail's: it has the ending of a log file, and
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

/// Returns whether a file is a marker or hidden file: its name begins with a dot or underscore.
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

/// Returns whether a document has the name of a digest file.
pub(super) fn is_digest(name: &str) -> bool {
    LogFileName::of(name).is_some_and(|name| name.is_digest())
}
