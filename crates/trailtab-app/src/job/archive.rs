//! The `archive` commands: what an archive holds, and whether it is intact.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use super::parallel;
use crate::source::archive::ArchiveError;
use crate::source::archive::survey::{ArchiveReader, FileInspection};
use crate::source::progress::ReadProgress;
use trailtab_core::history::holdings::{
    ArchiveInspection, ArchiveInventory, PathFinding, StoredFiles,
};
use trailtab_core::time::Seconds;

/// Returns the inventory of an archive.
///
/// # Errors
///
/// Fails if there is no archive or it cannot be read.
pub fn status(directory: &Path, now: Seconds) -> Result<ArchiveInventory, ArchiveError> {
    ArchiveReader::open(directory, now)?.holdings()
}

/// What was found in files of an archive.
#[derive(Default)]
struct FoundInFiles {
    good: StoredFiles,
    damaged: Vec<PathFinding>,
    odd: Vec<PathFinding>,
}

/// Compares every file of an archive with its ledger.
///
/// # Errors
///
/// Fails if there is no archive or its ledgers cannot be read. Other defects are findings.
pub fn verify(
    directory: &Path,
    now: Seconds,
    progress: &ReadProgress,
) -> Result<ArchiveInspection, ArchiveError> {
    let survey = ArchiveReader::open(directory, now)?;
    let items = survey.items();
    items
        .iter()
        .for_each(|item| progress.find(item.stored().bytes));
    progress.all_found.store(true, Ordering::Relaxed);
    let found: Mutex<FoundInFiles> = Mutex::default();
    let inspect = |(): &mut (), item: &_| -> Result<(), ArchiveError> {
        let inspected = survey.inspect(item);
        let stored = item.stored();
        progress.finish(stored.bytes, stored.events);
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        match inspected {
            FileInspection::Damage(finding) => found.damaged.push(finding),
            FileInspection::Remark(finding) => {
                found.good.merge(stored);
                found.odd.push(finding);
            }
            FileInspection::Good => found.good.merge(stored),
        }
        Ok(())
    };
    parallel::for_each(&items, || (), inspect)?;
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    // The threads found them in no order.
    found.damaged.sort();
    found.odd.sort();
    let mut inspection = ArchiveInspection {
        good: found.good,
        damage: survey.doubts()?,
        remarks: survey.strays()?,
    };
    for finding in found.damaged {
        inspection.damage.add(finding);
    }
    for finding in found.odd {
        inspection.remarks.add(finding);
    }
    Ok(inspection)
}
