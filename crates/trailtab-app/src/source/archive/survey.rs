//! Inspects an archive without changing it, even while a run writes to it.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::layout::ArchivePaths as _;
use super::layout::{self, UNFINISHED, unfinished};
use super::ledger::ArchiveLedger;
use super::region::{ArchivedLogFile, ArchivedRegion, FoundFile};
use super::{ArchiveError, Attempt as _, page, scopes, stored};
use trailtab_core::history::holdings::{
    ArchiveInventory, PathFinding, PathFindings, RegionInventory, StoredFiles,
};
use trailtab_core::time;

/// An archive as described by its ledgers.
#[derive(Debug)]
pub struct ArchiveReader {
    root: PathBuf,
    regions: Vec<ArchivedRegion>,
    /// Ledgers with an incomplete last line.
    torn: Vec<PathBuf>,
}

/// A log file to compare with the ledger.
#[derive(Debug)]
pub struct InspectedFile<'s> {
    region: &'s ArchivedRegion,
    file: &'s ArchivedLogFile,
}

impl InspectedFile<'_> {
    /// The file's size and number of events in the ledger.
    pub fn stored(&self) -> StoredFiles {
        stored_in(self.file)
    }
}

fn stored_in(file: &ArchivedLogFile) -> StoredFiles {
    StoredFiles {
        files: 1,
        events: u64::from(file.events),
        bytes: file.bytes,
    }
}

impl ArchiveReader {
    /// Reads all ledgers of an archive.
    ///
    /// # Errors
    ///
    /// Fails if there is no archive or it cannot be read.
    pub fn open(directory: &Path) -> Result<ArchiveReader, ArchiveError> {
        if !layout::ledgers(directory).is_dir() {
            return Err(ArchiveError::NoArchive(directory.to_owned()));
        }
        let (mut regions, mut torn) = (Vec::new(), Vec::new());
        for scope in scopes(directory)? {
            let path = scope.ledger(directory);
            let ledger = ArchiveLedger::read(&path).attempt("read", &path)?;
            if ledger.torn.is_some() {
                torn.push(path);
            }
            regions.push(ArchivedRegion::replay(scope, ledger));
        }
        Ok(ArchiveReader {
            root: directory.to_owned(),
            regions,
            torn,
        })
    }

    /// The inventory. Lost files are counted as uncovered, as the next run will count them.
    ///
    /// # Errors
    ///
    /// Fails if the disk cannot be read.
    pub fn holdings(&self) -> Result<ArchiveInventory, ArchiveError> {
        let mut holdings = ArchiveInventory::default();
        for region in &self.regions {
            let mut held = RegionInventory {
                account: region.scope.account.to_string(),
                region: region.scope.region.to_string(),
                covered: region.covered.clone(),
                stored: StoredFiles::default(),
            };
            for file in region.files() {
                match self.find(region, file)? {
                    FoundFile::Whole | FoundFile::Unfinished => held.stored.merge(stored_in(file)),
                    FoundFile::Missing | FoundFile::OtherSize(_) => {
                        held.covered.subtract(file.seconds_lost());
                    }
                }
            }
            holdings.regions.push(held);
        }
        Ok(holdings)
    }

    /// All files of all ledgers.
    pub fn items(&self) -> Vec<InspectedFile<'_>> {
        let regions = self.regions.iter();
        regions
            .flat_map(|region| {
                region
                    .files()
                    .map(move |file| InspectedFile { region, file })
            })
            .collect()
    }

    /// Compares a file with the ledger: existence, size, checksum, contents.
    pub fn inspect(&self, item: &InspectedFile<'_>) -> Option<PathFinding> {
        let path = item.region.path(&self.root, item.file);
        let what = match self.contents(item) {
            Ok(stored) => difference(item.file, &stored)?,
            Err(what) => what,
        };
        Some(finding(&path, what))
    }

    fn contents(&self, item: &InspectedFile<'_>) -> Result<Vec<u8>, String> {
        let file = item.file;
        let path = item.region.path(&self.root, file);
        let unreadable = |error: &dyn std::fmt::Display| format!("cannot be read: {error}");
        let path = match item.region.find(&self.root, file) {
            Ok(FoundFile::Whole) => path,
            Ok(FoundFile::Unfinished) => unfinished(&path),
            Ok(FoundFile::Missing) => return Err("is missing".to_owned()),
            Ok(FoundFile::OtherSize(bytes)) => {
                return Err(format!("has {bytes} bytes instead of {}", file.bytes));
            }
            Err(error) => return Err(unreadable(&error)),
        };
        fs::read(path).map_err(|error| unreadable(&error))
    }

    fn find(
        &self,
        region: &ArchivedRegion,
        file: &ArchivedLogFile,
    ) -> Result<FoundFile, ArchiveError> {
        let found = region.find(&self.root, file);
        found.attempt("look for", &region.path(&self.root, file))
    }

    /// Invalid ledger lines. The seconds and files they listed are unknown.
    pub fn unreadable_lines(&self) -> PathFindings {
        let mut findings = PathFindings::default();
        for region in &self.regions {
            let path = region.scope.ledger(&self.root);
            for line in &region.unreadable {
                let what = format!("has an invalid line, which is ignored: remove line {line}");
                findings.add(finding(&path, what));
            }
        }
        findings
    }

    /// Files that are in no ledger, and leftovers that the next run repairs.
    ///
    /// # Errors
    ///
    /// Fails if a folder cannot be read.
    pub fn strays(&self) -> Result<PathFindings, ArchiveError> {
        let mut findings = PathFindings::default();
        for path in &self.torn {
            let what = "ends in an incomplete line, which the next run removes";
            findings.add(finding(path, what.to_owned()));
        }
        let known: HashMap<PathBuf, &ArchivedRegion> = self
            .regions
            .iter()
            .map(|region| (region.scope.logs(&self.root), region))
            .collect();
        let mut open = vec![(self.root.join("AWSLogs"), None)];
        while let Some((folder, region)) = open.pop() {
            let region = known.get(&folder).copied().or(region);
            let names = match region {
                Some(region) => region.names_in(&self.root, &folder),
                None => HashSet::new(),
            };
            for (path, is_folder) in entries(&folder).attempt("look into", &folder)? {
                let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
                if is_folder {
                    open.push((path, region));
                } else if let Some(what) = stray(name, &names) {
                    findings.add(finding(&path, what.to_owned()));
                }
            }
        }
        let damaged = layout::damaged(&self.root);
        for (path, _) in entries(&damaged).attempt("look into", &damaged)? {
            let what =
                "was damaged and moved here; its events are fetched again if AWS still has them";
            findings.add(finding(&path, what.to_owned()));
        }
        Ok(findings)
    }
}

/// Describes a file that is not a finished file of the ledger.
fn stray(name: &str, ledger: &HashSet<String>) -> Option<&'static str> {
    let whole = name.strip_suffix(".part").unwrap_or(name);
    match (name.ends_with(UNFINISHED), ledger.contains(whole)) {
        (true, true) => Some("is complete; the next run renames it"),
        (true, false) => Some("is a leftover of an interrupted run, or being written right now"),
        (false, true) => None,
        (false, false) => Some("is in no ledger: its events may be stored twice"),
    }
}

fn finding(path: &Path, what: String) -> PathFinding {
    let path = path.display().to_string();
    PathFinding { path, what }
}

/// Describes what is wrong with a file's contents.
fn difference(file: &ArchivedLogFile, stored: &[u8]) -> Option<String> {
    if page::sha256(stored) != file.sha256 {
        let why = match stored::entries(stored) {
            Ok(_) => "its SHA-256 is another".to_owned(),
            Err(unlike) => format!("it {unlike}"),
        };
        return Some(format!("has changed since it was written: {why}"));
    }
    let entries = match stored::entries(stored) {
        Ok(entries) => entries,
        Err(unlike) => return Some(unlike.to_string()),
    };
    if entries.len() as u64 != u64::from(file.events) {
        let count = entries.len();
        return Some(format!("holds {count} events instead of {}", file.events));
    }
    let outside = entries.iter().find_map(|entry| {
        let time = time::parse(entry.time.as_deref()?.as_bytes())?;
        (time < file.oldest || file.newest < time).then_some(time)
    });
    outside.map(|time| {
        let (oldest, newest) = (time::iso(file.oldest), time::iso(file.newest));
        let time = time::iso(time);
        format!("holds an event of {time}, which is not within {oldest} and {newest}")
    })
}

/// The entries of a folder by name, with whether each is a folder; empty if the folder does not
/// exist.
fn entries(folder: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let entries = entries.map(|entry| {
        let entry = entry?;
        Ok((entry.path(), entry.file_type()?.is_dir()))
    });
    let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}
