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
use trailtab_core::time::{self, Seconds};

/// An archive as described by its ledgers.
#[derive(Debug)]
pub struct ArchiveReader {
    root: PathBuf,
    regions: Vec<ArchivedRegion>,
    /// Ledgers with an incomplete last line.
    torn: Vec<PathBuf>,
}

/// The result of comparing a file with the ledger.
#[derive(Debug)]
pub enum FileInspection {
    /// It is as the ledger says.
    Good,
    /// It is as it was stored, and something about it is odd.
    Remark(PathFinding),
    /// It is missing or has changed.
    Damage(PathFinding),
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
    pub fn open(directory: &Path, now: Seconds) -> Result<ArchiveReader, ArchiveError> {
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
            regions.push(ArchivedRegion::replay(scope, ledger, now));
        }
        Ok(ArchiveReader {
            root: directory.to_owned(),
            regions,
            torn,
        })
    }

    /// The inventory, and what makes it doubtful. Lost files are counted as uncovered, as the next run
    /// will count them.
    ///
    /// # Errors
    ///
    /// Fails if the disk cannot be read.
    pub fn holdings(&self) -> Result<ArchiveInventory, ArchiveError> {
        let mut holdings = ArchiveInventory {
            findings: self.doubts()?,
            ..ArchiveInventory::default()
        };
        for region in &self.regions {
            let (mut lost, mut unpacked) = (0, 0);
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
                        lost += 1;
                        let path = region.path(&self.root, file);
                        unpacked += u64::from(path.with_extension("").is_file());
                    }
                }
            }
            if lost > 0 {
                let files = region.files().count();
                let unpacked = match unpacked {
                    0 => String::new(),
                    unpacked => format!("; {unpacked} are there without compression"),
                };
                let what = format!(
                    "lacks {lost} of the {files} files that its ledger names, or they have another \
                     size{unpacked}: their seconds do not count as covered"
                );
                let logs = region.scope.logs(&self.root);
                holdings.findings.add(finding(&logs, what));
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
    pub fn inspect(&self, item: &InspectedFile<'_>) -> FileInspection {
        let path = item.region.path(&self.root, item.file);
        match self.contents(item) {
            Ok(stored) => match difference(item.file, &stored) {
                Ok(None) => FileInspection::Good,
                Ok(Some(what)) => FileInspection::Remark(finding(&path, what)),
                Err(what) => FileInspection::Damage(finding(&path, what)),
            },
            Err(what) => FileInspection::Damage(finding(&path, what)),
        }
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

    /// What makes the inventory doubtful: ledger lines that are invalid or cover seconds in the future, and
    /// regions whose ledger is gone.
    ///
    /// # Errors
    ///
    /// If a folder cannot be looked into.
    pub fn doubts(&self) -> Result<PathFindings, ArchiveError> {
        let mut findings = PathFindings::default();
        for region in &self.regions {
            let path = region.scope.ledger(&self.root);
            for line in &region.unreadable {
                let what = format!("has an invalid line, which is ignored: remove line {line}");
                findings.add(finding(&path, what));
            }
            for (line, until) in &region.ahead {
                let what = format!(
                    "has a line that covers seconds until {}, which are yet to come, and so covers \
                     nothing: remove line {line}",
                    time::iso(*until)
                );
                findings.add(finding(&path, what));
            }
        }
        for (logs, count) in self.without_ledger()? {
            let what = format!(
                "holds {count} files, and there is no ledger that says what they cover: the next \
                 run fetches this region anew"
            );
            findings.add(finding(&logs, what));
        }
        Ok(findings)
    }

    /// The folders of regions that have files and no ledger, with the number of the files.
    fn without_ledger(&self) -> Result<Vec<(PathBuf, usize)>, ArchiveError> {
        let known: HashSet<PathBuf> = self
            .regions
            .iter()
            .map(|region| region.scope.logs(&self.root))
            .collect();
        let folders = |folder: &Path| {
            let found = entries(folder).attempt("look into", folder)?;
            let folders = found.into_iter().filter(|(_, is_folder)| *is_folder);
            Ok(folders.map(|(path, _)| path).collect::<Vec<_>>())
        };
        let mut without = Vec::new();
        for account in folders(&self.root.join("AWSLogs"))? {
            for logs in folders(&account.join("CloudTrail"))? {
                if known.contains(&logs) {
                    continue;
                }
                let (mut files, mut open) = (0, vec![logs.clone()]);
                while let Some(folder) = open.pop() {
                    for (path, is_folder) in entries(&folder).attempt("look into", &folder)? {
                        match is_folder {
                            true => open.push(path),
                            false => files += 1,
                        }
                    }
                }
                if files > 0 {
                    without.push((logs, files));
                }
            }
        }
        Ok(without)
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

/// Describes what is odd about a file's contents, or, as an error, what is wrong with them.
fn difference(file: &ArchivedLogFile, stored: &[u8]) -> Result<Option<String>, String> {
    if page::sha256(stored) != file.sha256 {
        let why = match stored::entries(stored) {
            Ok(_) => "its SHA-256 is another".to_owned(),
            Err(unlike) => format!("it {unlike}"),
        };
        return Err(format!("has changed since it was written: {why}"));
    }
    let entries = stored::entries(stored).map_err(|unlike| unlike.to_string())?;
    if entries.len() as u64 != u64::from(file.events) {
        let count = entries.len();
        return Err(format!("holds {count} events instead of {}", file.events));
    }
    // LookupEvents gives a time beside the record, which may be another one.
    let outside = entries.iter().find_map(|entry| {
        let time = time::parse(entry.time.as_deref()?.as_bytes())?;
        (time < file.oldest || file.newest < time).then_some(time)
    });
    Ok(outside.map(|time| {
        let (oldest, newest) = (time::iso(file.oldest), time::iso(file.newest));
        let time = time::iso(time);
        format!(
            "is as it was stored, and holds an event of {time}, which the ledger has between {oldest} \
             and {newest}"
        )
    }))
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
