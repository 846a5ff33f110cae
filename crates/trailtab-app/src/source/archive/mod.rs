//! An archive of CloudTrail events on a disk, in CloudTrail's own layout, that knows what it has.
//!
//! LookupEvents gives the last 90 days, 50 events at a time. What it gave is kept here, so that a run
//! goes on where another was interrupted, and summaries reach further back than 90 days:
//!
//! ```text
//! DIR/AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_TIME_UNIQUE.json.gz
//! DIR/.trailtab/ledger/ACCOUNT/REGION.jsonl   which seconds are covered, and which files there are
//! DIR/.trailtab/damaged/                      files that were not what the ledger says
//! DIR/.trailtab/lock                          locked by the run that writes
//! ```
//!
//! # Why a kill costs pages in flight, and nothing else
//!
//! A page goes through four steps: (1) each of its files is written under its name with `.part` behind
//! it, and synced with its directory; (2) a line that names the files and the seconds they complete is
//! added to the ledger by one write, and synced; (3) the files get their names; (4) the region's state
//! in memory takes the line in. The page is kept from the moment that the line break is on the disk:
//!
//! - Before (2), the ledger knows nothing of the page. The next [`EventArchive::open`] removes `.part` files
//!   that are in no ledger. The page's seconds are not covered, so they are fetched again.
//! - Within (2), the last line has no line break. Such a line does not count and is cut off, so that this
//!   is the case before.
//! - After (2), the files are whole and the next open gives them their names.
//!
//! One write of a line may reach the disk in part, but never out of order with its line break; and if a
//! loss of power leaves a full line of rubbish, it is no JSON and does not count. A directory is synced
//! whenever a name is new in it before the ledger speaks of that name. A rename need not be: whichever
//! name is there after a loss of power, the file is found.
//!
//! No event is written twice: only one run writes, the events of a page are looked up in the files of
//! the same seconds before any is written, and a region's pages are kept one after the other.
//!
//! # What happens to a file that is lost
//!
//! A file that is gone, or has another size than in the ledger, is given up when the archive is opened:
//! what is there is moved away, then a line in the ledger says which seconds are no longer covered. That
//! line stands behind all those that covered them, and before those that cover them again. A kill in
//! between finds the file missing, and adds the line then.

mod disk;
mod heal;
mod layout;
mod ledger;
mod page;
mod region;
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
use self::layout::{ArchiveScope, unfinished};
pub use self::layout::{HIDDEN, UNFINISHED};
use self::ledger::{LedgerLine, PageLine};
use self::region::{ArchivedLogFile, ArchivedRegion};
use super::document::{Document, DocumentBody};
use trailtab_core::history::spans::SecondRange;
use trailtab_core::time::Seconds;

/// How long after a call its event may still be missing: mostly it comes within five minutes, and AWS
/// promises nothing. The last quarter of an hour never counts as covered.
pub const UNSETTLED: Seconds = 15 * 60;

/// An archive that is open for writing.
#[derive(Debug)]
pub struct EventArchive {
    root: PathBuf,
    /// The first second of which events may still appear.
    settled: Seconds,
    disk: ArchiveDisk,
    regions: Mutex<BTreeMap<ArchiveScope, Arc<Mutex<ArchivedRegion>>>>,
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
    /// The operating system refused something.
    #[error("cannot {doing} {}: {cause}; {}", path.display(), advice(cause))]
    Disk {
        /// What was being done, such as `write`.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// Another run holds the lock of the archive; the value is the archive's directory.
    #[error(
        "another run writes to the archive {}: wait until it ends, or keep the events elsewhere",
        .0.display()
    )]
    InUse(PathBuf),
    /// The directory is not an archive.
    #[error(
        "{} holds no archive: there is no {HIDDEN} in it, as a run with --archive makes it",
        .0.display()
    )]
    NoArchive(PathBuf),
    /// The account or region cannot be part of a path.
    #[error("cannot keep events of account {account:?} in region {region:?}: these are no names")]
    Names {
        /// The account as it was given.
        account: String,
        /// The region as it was given.
        region: String,
    },
    /// The record of an event is not a JSON object; the value is the event's id.
    #[error("cannot keep event {0:?}: it is no JSON object")]
    Event(String),
    /// An earlier write to this ledger failed, so nothing more is written to it in this run.
    #[error("an earlier write to {} failed: run again, what it holds is kept", .0.display())]
    Broken(PathBuf),
}

/// Says what to do next.
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

/// Says what was attempted when the system refused.
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
    /// Opens an archive for writing: makes the directory, takes the lock, and puts right what an
    /// interrupted run left.
    ///
    /// # Errors
    ///
    /// If another run writes to it, or the system refuses.
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
            let region = heal::heal(&disk, directory, scope.clone(), now)?;
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
    pub fn missing(&self, account: &str, region: &str, window: SecondRange) -> Vec<SecondRange> {
        let gaps = match self.known(account, region) {
            Some(region) => lock(&region).covered.gaps(window),
            None => window.into(),
        };
        gaps.iter().rev().collect()
    }

    /// The accounts and regions that it has something of.
    pub fn scopes(&self) -> Vec<(String, String)> {
        let regions = lock(&self.regions);
        let scopes = regions.keys();
        scopes
            .map(|scope| (scope.account.clone(), scope.region.clone()))
            .collect()
    }

    /// The log files that hold events of a window.
    pub fn documents(&self, account: &str, region: &str, window: SecondRange) -> Vec<Document> {
        let Some(region) = self.known(account, region) else {
            return Vec::new();
        };
        let region = lock(&region);
        let documents = region.files_of(window).map(|file| Document {
            size: file.bytes,
            named: false,
            body: DocumentBody::File(region.path(&self.root, file)),
        });
        documents.collect()
    }

    /// Keeps a page.
    ///
    /// `covered` are the seconds that this page, with those before it, completes; none if both ends are
    /// equal. The archive itself leaves out those that are not settled. Events that it has already are
    /// not written again.
    ///
    /// # Errors
    ///
    /// If an event is no JSON, or the system refuses. Then nothing of the page is kept, or, if only the
    /// last step failed, all of it from the next [`EventArchive::open`] on.
    pub fn add(
        &self,
        account: &str,
        region: &str,
        covered: SecondRange,
        events: &[PageEvent<'_>],
    ) -> Result<(), ArchiveError> {
        let Some(scope) = ArchiveScope::new(account, region) else {
            return Err(ArchiveError::Names {
                account: account.to_owned(),
                region: region.to_owned(),
            });
        };
        if let Some(event) = events.iter().find(|event| !is_object(event.json)) {
            return Err(ArchiveError::Event(event.id.to_owned()));
        }
        let region = Arc::clone(
            lock(&self.regions)
                .entry(scope.clone())
                .or_insert_with(|| Arc::new(Mutex::new(ArchivedRegion::new(scope)))),
        );
        self.keep(&mut lock(&region), covered, events)
    }

    fn keep(
        &self,
        region: &mut ArchivedRegion,
        covered: SecondRange,
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
            // Leftovers are looked for where there is a ledger.
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
                // If this fails too, the next run removes it.
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
        // From here on, a failure leaves open what the ledger says.
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

    /// The events of a page that the archive does not have, each once.
    fn unknown<'e, 'p>(
        &self,
        region: &ArchivedRegion,
        events: &'e [PageEvent<'p>],
    ) -> Result<Vec<&'e PageEvent<'p>>, ArchiveError> {
        let mut known: HashSet<&str> = HashSet::new();
        let times: BTreeSet<Seconds> = events.iter().map(|event| event.time).collect();
        if let (Some(oldest), Some(newest)) = (times.first(), times.last()) {
            let seconds = SecondRange {
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
                // The events of a damaged file are written again: `verify` finds it.
                for entry in stored::entries(&stored).unwrap_or_default() {
                    known.extend(entry.id.and_then(|id| ids.get(id.as_str())));
                }
            }
        }
        let is_new = |event: &&PageEvent<'p>| event.id.is_empty() || known.insert(event.id);
        Ok(events.iter().filter(is_new).collect())
    }

    fn known(&self, account: &str, region: &str) -> Option<Arc<Mutex<ArchivedRegion>>> {
        let scope = ArchiveScope::new(account, region)?;
        lock(&self.regions).get(&scope).map(Arc::clone)
    }
}

/// Tells whether a text is one JSON object. One that is not would spoil the others of its file.
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
fn scopes(root: &Path) -> Result<Vec<ArchiveScope>, ArchiveError> {
    let mut scopes = Vec::new();
    let folder = layout::ledgers(root);
    for account in names(&folder)? {
        for file in names(&folder.join(&account))? {
            let region = file.strip_suffix(".jsonl");
            scopes.extend(region.and_then(|region| ArchiveScope::new(&account, region)));
        }
    }
    scopes.sort();
    Ok(scopes)
}

/// The names in a directory; those that are no text are none of ours.
fn names(folder: &Path) -> Result<Vec<String>, ArchiveError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).attempt("look into", folder)? {
        let entry = entry.attempt("look into", folder)?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

/// A thread that panicked has kept a page, or left its region broken.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
