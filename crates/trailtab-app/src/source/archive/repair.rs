//! Repairs an archive after an interrupted run or changes from outside.

use std::io;
use std::path::{Path, PathBuf};

use super::disk::ArchiveDisk;
use super::layout::{self, ArchivePaths as _, unfinished};
use super::ledger::{ArchiveLedger, LedgerLine, LostLine};
use super::region::{ArchivedRegion, FoundFile};
use super::{ArchiveError, Attempt as _};
use trailtab_core::scope::Scope;
use trailtab_core::time::Seconds;

/// Reads the ledger of an account and region, and makes the disk match it.
pub(super) fn repair(
    disk: &ArchiveDisk,
    root: &Path,
    scope: Scope,
    now: Seconds,
) -> Result<ArchivedRegion, ArchiveError> {
    let path = scope.ledger(root);
    let ledger = ArchiveLedger::read(&path).attempt("read", &path)?;
    if let Some(len) = ledger.torn {
        disk.truncate(&path, len).attempt("repair", &path)?;
    }
    let mut region = ArchivedRegion::replay(scope, ledger, now);
    settle(disk, root, &mut region)?;
    // Files that are still unfinished were never in the ledger.
    let folder = region.scope.logs(root);
    for leftover in leftovers(&region.scope, &folder).attempt("look into", &folder)? {
        disk.remove(&leftover).attempt("remove", &leftover)?;
    }
    Ok(region)
}

/// Renames unfinished files of the ledger to their final names, and marks missing or damaged ones
/// as lost.
fn settle(
    disk: &ArchiveDisk,
    root: &Path,
    region: &mut ArchivedRegion,
) -> Result<(), ArchiveError> {
    let mut lost = Vec::new();
    for file in region.files() {
        let path = region.path(root, file);
        match region.find(root, file).attempt("look for", &path)? {
            FoundFile::Whole => continue,
            FoundFile::Unfinished => {
                let part = unfinished(&path);
                disk.rename(&part, &path).attempt("rename", &part)?;
                continue;
            }
            FoundFile::Missing => {}
            // A damaged file may still be useful, but must not be read beside the events fetched
            // again.
            FoundFile::OtherSize(_) => {
                let folder = layout::damaged(root);
                disk.make_directory(&folder).attempt("make", &folder)?;
                let to = folder.join(region.name(file));
                disk.rename(&path, &to).attempt("move", &path)?;
            }
        }
        let span = file.seconds_lost();
        lost.push(LostLine {
            name: region.name(file),
            from: span.from,
            until: span.until,
        });
    }
    let ledger = region.scope.ledger(root);
    for line in lost {
        region.mark_lost(&line);
        let bytes = LedgerLine::Lost(line).to_bytes().map_err(io::Error::from);
        let bytes = bytes.attempt("write", &ledger)?;
        disk.append(&ledger, &bytes).attempt("write", &ledger)?;
    }
    Ok(())
}

/// Finds the files that a run began to write and did not finish.
pub(super) fn leftovers(scope: &Scope, folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() && scope.is_unfinished(&entry.file_name()) {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}
