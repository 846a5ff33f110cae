//! An archive of CloudTrail events on disk, in CloudTrail's own layout, with ledgers of what it
//! holds.
//!
//! LookupEvents returns the last 90 days, 50 events per page. The archive keeps the pages, so that
//! a run continues where an earlier one was interrupted, and summaries can reach back further than
//! 90 days:
//!
//! ```text
//! DIR/AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_TIME_UNIQUE.json.gz
//! DIR/.trailtab/ledger/ACCOUNT/REGION.jsonl   which seconds are covered, and which files there are
//! DIR/.trailtab/damaged/                      files that were not what the ledger says
//! DIR/.trailtab/lock                          locked by the run that writes
//! ```
//!
//! # Crash safety: a kill loses only the pages in flight
//!
//! A page is stored in four steps: (1) each of its files is written under its name plus `.part`,
//! and synced with its directory; (2) a line with the files and the completed seconds is appended
//! to the ledger in one write, and synced; (3) the files are renamed; (4) the line is applied to
//! the region's state in memory.
//!
//! The page is stored once the line break is on disk:
//!
//! - Before (2), the ledger does not mention the page. The next [`EventArchive::open`] removes
//!   `.part` files that are in no ledger. The page's seconds are not covered, so they are fetched
//!   again.
//! - Within (2), the last line has no line break. Such a line is invalid and is truncated, which
//!   leads back to the previous case.
//! - After (2), the files are complete and the next open renames them.
//!
//! A line may be written partially, but its line break never reaches the disk before the rest. If a
//! power loss leaves garbage with a line break, the line is not JSON and is ignored. A directory
//! with a new name in it is synced before the ledger mentions that name. Renames need no sync: a
//! file is found under either name.
//!
//! No event is stored twice: only one run writes, a page's events are looked up in the files of the
//! same seconds before any is written, and a region's pages are stored one after the other.
//!
//! # Lost files
//!
//! A file that is missing, or whose size differs from the ledger, is marked as lost when the
//! archive is opened: it is moved away, then a ledger line lists the seconds that are no longer
//! covered. That line follows those that covered the seconds and precedes those that cover them
//! again. After a kill in between, the next open finds the file missing and adds the line then.

mod disk;
mod layout;
mod ledger;
mod page;
mod region;
mod repair;
mod stored;
pub mod survey;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::disk::ArchiveDisk;
use self::layout::{ArchivePaths as _, unfinished};
pub use self::layout::{HIDDEN, UNFINISHED};
use self::ledger::{LedgerLine, PageLine};
use self::region::{ArchivedLogFile, ArchivedRegion};
use super::document::{Document, DocumentBody};
use trailtab_core::scope::Scope;
use trailtab_core::time::{Seconds, TimeRange};

/// Delay until the events of a call are assumed to be complete. Most arrive within five minutes;
/// AWS guarantees nothing. Later seconds never count as covered.
pub const UNSETTLED: Seconds = 15 * 60;

/// An archive that is open for writing.
#[derive(Debug)]
pub struct EventArchive {
    root: PathBuf,
    /// Seconds from here on may still get events.
    settled: Seconds,
    disk: ArchiveDisk,
    regions: Mutex<BTreeMap<Scope, Arc<Mutex<ArchivedRegion>>>>,
    /// Unlocked when it is closed, also by a kill.
    _lock: File,
}

/// An event as LookupEvents gives it.
#[derive(Debug, Clone, Copy)]
pub struct PageEvent<'p> {
    /// The time of the event, in seconds since 1970-01-01T00:00:00Z.
    pub time: Seconds,
    /// `EventId`, a UUID.
    pub id: &'p str,
    /// The record: the text of `CloudTrailEvent`.
    pub json: &'p str,
}

/// Why an archive cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The operating system returned an error.
    #[error("cannot {doing} {}: {cause}; {}", path.display(), advice(cause))]
    Disk {
        /// The attempted action, such as `write`.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// Another run holds the lock; holds the archive's directory.
    #[error(
        "another run writes to the archive {}: wait until it ends, or keep the events elsewhere",
        .0.display()
    )]
    InUse(PathBuf),
    /// The directory is not an archive.
    #[error(
        "{} holds no archive: it has no folder {HIDDEN}, which a run with --archive creates",
        .0.display()
    )]
    NoArchive(PathBuf),
    /// The record of an event is not a JSON object; the value is the event's id.
    #[error("cannot keep event {0:?}: it is not a JSON object")]
    Event(String),
    /// An earlier write to this ledger failed. Nothing more is written to it in this run.
    #[error("an earlier write to {} failed: run again, what it holds is kept", .0.display())]
    Broken(PathBuf),
}

/// Suggests what to do.
fn advice(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room there and run again, what was fetched is kept"
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "choose a directory that you may write to"
        }
        _ => "put that right and run again, what was fetched is kept",
    }
}

/// Adds the attempted action to an I/O error.
trait Attempt<T> {
    fn attempt(self, doing: &'static str, path: &Path) -> Result<T, ArchiveError>;
}

impl<T> Attempt<T> for io::Result<T> {
    fn attempt(self, doing: &'static str, path: &Path) -> Result<T, ArchiveError> {
        self.map_err(|cause| ArchiveError::Disk {
            doing,
            path: path.to_owned(),
            cause,
        })
    }
}

impl EventArchive {
    /// Opens an archive for writing: creates the directory, takes the lock, and repairs what an
    /// interrupted run left.
    ///
    /// # Errors
    ///
    /// Fails if another run writes to it, or on an I/O error.
    pub fn open(directory: &Path, now: Seconds) -> Result<EventArchive, ArchiveError> {
        EventArchive::open_on(ArchiveDisk::default(), directory, now)
    }

    fn open_on(
        disk: ArchiveDisk,
        directory: &Path,
        now: Seconds,
    ) -> Result<EventArchive, ArchiveError> {
        let ledgers = layout::ledgers(directory);
        disk.make_directory(&ledgers).attempt("make", &ledgers)?;
        let lock = take_lock(directory)?;
        let mut regions = BTreeMap::new();
        for scope in scopes(directory)? {
            let region = repair::repair(&disk, directory, scope.clone(), now)?;
            regions.insert(scope, Arc::new(Mutex::new(region)));
        }
        Ok(EventArchive {
            root: directory.to_owned(),
            settled: now.saturating_sub(UNSETTLED),
            disk,
            regions: Mutex::new(regions),
            _lock: lock,
        })
    }

    /// What of a window is still to be fetched, newest first.
    pub fn missing(&self, scope: &Scope, window: TimeRange) -> Vec<TimeRange> {
        let gaps = match self.known(scope) {
            Some(region) => lock(&region).covered.gaps(window),
            None => window.into(),
        };
        gaps.iter().rev().collect()
    }

    /// The accounts and regions that it has something of.
    pub fn scopes(&self) -> Vec<Scope> {
        lock(&self.regions).keys().cloned().collect()
    }

    /// The log files that hold events of a window.
    pub fn documents(&self, scope: &Scope, window: TimeRange) -> Vec<Document> {
        let Some(region) = self.known(scope) else {
            return Vec::new();
        };
        let region = lock(&region);
        let documents = region.files_of(window).map(|file| Document {
            size: file.bytes,
            named: false,
            scope: Some(region.scope.clone()),
            body: DocumentBody::File(region.path(&self.root, file)),
        });
        documents.collect()
    }

    /// Stores a page.
    ///
    /// `covered` are the seconds completed by this page and those before it; empty if both ends are
    /// equal. Excludes unsettled seconds itself. Events already stored are not written again.
    ///
    /// # Errors
    ///
    /// Fails if a record is not a JSON object, or on an I/O error. Then the page is not stored; or,
    /// if only the last step failed, it is stored from the next [`EventArchive::open`] on.
    pub fn add(
        &self,
        scope: &Scope,
        covered: TimeRange,
        events: &[PageEvent<'_>],
    ) -> Result<(), ArchiveError> {
        if let Some(event) = events.iter().find(|event| !is_object(event.json)) {
            return Err(ArchiveError::Event(event.id.to_owned()));
        }
        let region = Arc::clone(
            lock(&self.regions)
                .entry(scope.clone())
                .or_insert_with(|| Arc::new(Mutex::new(ArchivedRegion::new(scope.clone())))),
        );
        self.keep(&mut lock(&region), covered, events)
    }

    fn keep(
        &self,
        region: &mut ArchivedRegion,
        covered: TimeRange,
        events: &[PageEvent<'_>],
    ) -> Result<(), ArchiveError> {
        let ledger = region.scope.ledger(&self.root);
        if region.broken {
            return Err(ArchiveError::Broken(ledger));
        }
        let new = self.unknown(region, events)?;
        let mut until = covered.until.min(self.settled);
        if new.is_empty() && until <= covered.from {
            return Ok(());
        }
        until = until.max(covered.from);
        let folder = ledger.parent().unwrap_or(&self.root);
        self.disk.make_directory(folder).attempt("make", folder)?;
        if !ledger.exists() {
            // `open` looks for leftovers only where there is a ledger.
            self.disk.append(&ledger, b"").attempt("write", &ledger)?;
        }
        let files = page::files(&region.scope, &new)
            .ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))
            .attempt("compress events for", &ledger)?;
        let mut paths = Vec::new();
        for file in &files {
            let folder = region.scope.day(&self.root, file.line.newest);
            let path = folder.join(&file.line.name);
            let part = unfinished(&path);
            self.disk.make_directory(&folder).attempt("make", &folder)?;
            if let Err(error) = self.disk.write(&part, &file.stored).attempt("write", &part) {
                // If this fails too, the next run removes the file.
                let _ = self.disk.remove(&part);
                return Err(error);
            }
            paths.push((part, path));
        }
        let page = PageLine {
            from: covered.from,
            until,
            files: files.into_iter().map(|file| file.line).collect(),
        };
        let line = LedgerLine::Page(page);
        let bytes = line.to_bytes().map_err(io::Error::from);
        let bytes = bytes.attempt("write", &ledger)?;
        // A failure from here on leaves it uncertain what the ledger says.
        region.broken = true;
        self.disk
            .append(&ledger, &bytes)
            .attempt("write", &ledger)?;
        for (part, path) in &paths {
            self.disk.rename(part, path).attempt("rename", part)?;
        }
        region.broken = false;
        if let LedgerLine::Page(page) = line {
            region.keep(&page);
        }
        Ok(())
    }

    /// The events of a page that are not stored yet, without duplicates.
    fn unknown<'e, 'p>(
        &self,
        region: &ArchivedRegion,
        events: &'e [PageEvent<'p>],
    ) -> Result<Vec<&'e PageEvent<'p>>, ArchiveError> {
        let mut known: HashSet<&str> = HashSet::new();
        let times: BTreeSet<Seconds> = events.iter().map(|event| event.time).collect();
        if let (Some(oldest), Some(newest)) = (times.first(), times.last()) {
            let seconds = TimeRange {
                from: *oldest,
                until: newest.saturating_add(1),
            };
            let ids: HashSet<&str> = events.iter().map(|event| event.id).collect();
            // One event far from the others does not concern all files in between.
            let has_any = |file: &&ArchivedLogFile| {
                let mut within = times.range(file.oldest..=file.newest);
                within.next().is_some()
            };
            for file in region.files_of(seconds).filter(has_any) {
                let path = region.path(&self.root, file);
                let stored = fs::read(&path).attempt("read", &path)?;
                // The events of a damaged file are written again; `verify` reports the file.
                for entry in stored::entries(&stored).unwrap_or_default() {
                    known.extend(entry.id.and_then(|id| ids.get(id.as_str())));
                }
            }
        }
        let is_new = |event: &&PageEvent<'p>| event.id.is_empty() || known.insert(event.id);
        Ok(events.iter().filter(is_new).collect())
    }

    fn known(&self, scope: &Scope) -> Option<Arc<Mutex<ArchivedRegion>>> {
        lock(&self.regions).get(scope).map(Arc::clone)
    }
}

/// Returns whether a text is one JSON object. Any other text would make its whole file unreadable.
pub fn is_object(json: &str) -> bool {
    json.trim_ascii_start().starts_with('{')
        && serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok()
}

fn take_lock(directory: &Path) -> Result<File, ArchiveError> {
    let path = layout::lock(directory);
    let mut options = disk::private_file();
    let file = options.create(true).write(true).truncate(false);
    let file = file.open(&path).attempt("write", &path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ArchiveError::InUse(directory.to_owned())),
        Err(TryLockError::Error(cause)) => Err(cause).attempt("lock", &path),
    }
}

/// The accounts and regions that have a ledger.
fn scopes(root: &Path) -> Result<Vec<Scope>, ArchiveError> {
    let mut scopes = Vec::new();
    let folder = layout::ledgers(root);
    for name in names(&folder)? {
        let Ok(account) = name.parse() else { continue };
        for file in names(&folder.join(&name))? {
            let region = file.strip_suffix(".jsonl").map(str::parse);
            if let Some(Ok(region)) = region {
                scopes.push(Scope { account, region });
            }
        }
    }
    scopes.sort();
    Ok(scopes)
}

/// The names in a directory. Ignores names that are not UTF-8.
fn names(folder: &Path) -> Result<Vec<String>, ArchiveError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).attempt("look into", folder)? {
        let entry = entry.attempt("look into", folder)?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

/// Locks a mutex, ignoring poisoning: a thread that panicked has stored its page or left its region
/// `broken`.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
