//! The state of one account and region, replayed from its ledger.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::layout::{ArchivePaths as _, DAY, UniqueSuffix, unfinished};
use super::ledger::{ArchiveLedger, FileLine, LedgerLine, LostLine, PageLine};
use trailtab_core::history::spans::SecondSet;
use trailtab_core::scope::Scope;
use trailtab_core::time::{Seconds, TimeRange};

/// A log file. Kept small: there may be hundreds of thousands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ArchivedLogFile {
    unique: UniqueSuffix,
    pub(super) events: u32,
    pub(super) bytes: u64,
    pub(super) sha256: [u8; 32],
    pub(super) oldest: Seconds,
    pub(super) newest: Seconds,
    /// The seconds that its page completed.
    span: TimeRange,
}

impl ArchivedLogFile {
    /// The seconds from its oldest to its newest event.
    pub(super) fn times(&self) -> TimeRange {
        TimeRange {
            from: self.oldest,
            until: self.newest.saturating_add(1),
        }
    }

    /// The seconds to mark as uncovered if the file is lost.
    pub(super) fn seconds_lost(&self) -> TimeRange {
        self.span.hull(self.times())
    }
}

/// State on disk of a file in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FoundFile {
    Whole,
    /// The size is right, but the file still has its `.part` name.
    Unfinished,
    Missing,
    /// The file has this number of bytes instead.
    OtherSize(u64),
}

/// The covered seconds and the log files of an account and region.
#[derive(Debug)]
pub(super) struct ArchivedRegion {
    pub(super) scope: Scope,
    pub(super) covered: SecondSet,
    /// Files by day. No file has events of two days.
    days: BTreeMap<i64, Vec<ArchivedLogFile>>,
    /// Numbers of the invalid ledger lines.
    pub(super) unreadable: Vec<usize>,
    /// Ledger lines that cover seconds in the future, and the end of what they cover.
    pub(super) ahead: Vec<(usize, Seconds)>,
    /// Set if the ledger may not match the disk. Then nothing more is written.
    pub(super) broken: bool,
}

impl ArchivedRegion {
    pub(super) fn new(scope: Scope) -> ArchivedRegion {
        ArchivedRegion {
            scope,
            covered: SecondSet::default(),
            days: BTreeMap::new(),
            unreadable: Vec::new(),
            ahead: Vec::new(),
            broken: false,
        }
    }

    /// Reads a ledger. A page that covers seconds after `now` was not written by a run: its files are
    /// kept, and it covers nothing.
    pub(super) fn replay(scope: Scope, ledger: ArchiveLedger, now: Seconds) -> ArchivedRegion {
        let mut region = ArchivedRegion::new(scope);
        for (number, line) in ledger.lines {
            let understood = match line {
                Some(LedgerLine::Page(page)) if page.until > now => {
                    region.ahead.push((number, page.until));
                    let until = page.from;
                    region.keep(&PageLine { until, ..page })
                }
                Some(LedgerLine::Page(page)) => region.keep(&page),
                Some(LedgerLine::Lost(lost)) => region.mark_lost(&lost),
                None => false,
            };
            if !understood {
                region.unreadable.push(number);
            }
        }
        region
    }

    /// Applies a page line. Returns false, and applies nothing, if a file in it is invalid.
    pub(super) fn keep(&mut self, page: &PageLine) -> bool {
        let span = page.span();
        let files = page.files.iter().map(|line| self.file(line, span));
        let Some(files) = files.collect::<Option<Vec<_>>>() else {
            return false;
        };
        for file in files {
            let day = self.days.entry(file.newest.div_euclid(DAY)).or_default();
            day.retain(|known| known.unique != file.unique);
            day.push(file);
        }
        self.covered.union(span);
        true
    }

    /// Applies a line about a lost file.
    pub(super) fn mark_lost(&mut self, lost: &LostLine) -> bool {
        self.covered.subtract(lost.span());
        let scope = &self.scope;
        let is_lost =
            |file: &ArchivedLogFile| scope.unique(&lost.name, file.newest) == Some(file.unique);
        let span = lost.span();
        if !span.is_empty() {
            // The lost seconds include the file's own.
            let days = span.from.div_euclid(DAY)..=span.until.saturating_sub(1).div_euclid(DAY);
            for (_, day) in self.days.range_mut(days) {
                day.retain(|file| !is_lost(file));
            }
        }
        true
    }

    fn file(&self, line: &FileLine, span: TimeRange) -> Option<ArchivedLogFile> {
        let is_of_one_day = line.oldest.div_euclid(DAY) == line.newest.div_euclid(DAY);
        if line.oldest > line.newest || !is_of_one_day {
            return None;
        }
        Some(ArchivedLogFile {
            unique: self.scope.unique(&line.name, line.newest)?,
            events: line.events,
            bytes: line.bytes,
            sha256: line.sha256,
            oldest: line.oldest,
            newest: line.newest,
            span,
        })
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &ArchivedLogFile> {
        self.days.values().flatten()
    }

    /// The files whose time range overlaps a window.
    pub(super) fn files_of(&self, window: TimeRange) -> impl Iterator<Item = &ArchivedLogFile> {
        let day = |second: Seconds| second.div_euclid(DAY);
        let days = (!window.is_empty()).then(|| day(window.from)..=day(window.until - 1));
        let days = days.map(|days| self.days.range(days));
        let files = days.into_iter().flatten().flat_map(|(_, files)| files);
        files.filter(move |file| !file.times().intersect(window).is_empty())
    }

    pub(super) fn name(&self, file: &ArchivedLogFile) -> String {
        self.scope.name(file.newest, &file.unique)
    }

    pub(super) fn path(&self, root: &Path, file: &ArchivedLogFile) -> PathBuf {
        self.scope.day(root, file.newest).join(self.name(file))
    }

    /// The names of the ledger's files that belong in a folder.
    pub(super) fn names_in(&self, root: &Path, folder: &Path) -> HashSet<String> {
        let days = self.days.values();
        let is_there = |day: &&Vec<ArchivedLogFile>| {
            day.first()
                .is_some_and(|file| self.scope.day(root, file.newest) == folder)
        };
        let files = days.filter(is_there).flatten();
        files.map(|file| self.name(file)).collect()
    }

    /// Looks for a file on disk.
    pub(super) fn find(&self, root: &Path, file: &ArchivedLogFile) -> io::Result<FoundFile> {
        let path = self.path(root, file);
        Ok(match size(&path)? {
            Some(bytes) if bytes == file.bytes => FoundFile::Whole,
            other => match (size(&unfinished(&path))?, other) {
                (Some(bytes), _) if bytes == file.bytes => FoundFile::Unfinished,
                (_, Some(bytes)) => FoundFile::OtherSize(bytes),
                (_, None) => FoundFile::Missing,
            },
        })
    }
}

/// The size of a file, or `None` if it does not exist. Other I/O errors are returned.
fn size(path: &Path) -> io::Result<Option<u64>> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
