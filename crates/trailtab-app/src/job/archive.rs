//! The `archive` commands: what an archive holds, and whether it is intact.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use super::parallel;
use crate::source::archive::ArchiveError;
use crate::source::archive::survey::ArchiveReader;
use crate::source::progress::ReadProgress;
use trailtab_core::history::holdings::{ArchiveInspection, ArchiveInventory, PathFinding};

/// Returns the inventory of an archive.
///
/// # Errors
///
/// Fails if there is no archive or it cannot be read.
pub fn status(directory: &Path) -> Result<ArchiveInventory, ArchiveError> {
    ArchiveReader::open(directory)?.holdings()
}

/// Compares every file of an archive with its ledger.
///
/// # Errors
///
/// Fails if there is no archive or its ledgers cannot be read. Other defects are findings.
pub fn verify(
    directory: &Path,
    progress: &ReadProgress,
) -> Result<ArchiveInspection, ArchiveError> {
    let survey = ArchiveReader::open(directory)?;
    let items = survey.items();
    items
        .iter()
        .for_each(|item| progress.find(item.stored().bytes));
    progress.all_found.store(true, Ordering::Relaxed);
    let found: Mutex<(ArchiveInspection, Vec<PathFinding>)> = Mutex::default();
    let inspect = |(): &mut (), item: &_| -> Result<(), ArchiveError> {
        let finding = survey.inspect(item);
        let stored = item.stored();
        progress.finish(stored.bytes, stored.events);
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        match finding {
            Some(finding) => found.1.push(finding),
            None => found.0.good.merge(stored),
        }
        Ok(())
    };
    parallel::for_each(&items, || (), inspect)?;
    let (mut inspection, mut damaged) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    // The threads report findings in random order.
    damaged.sort();
    inspection.damage = survey.unreadable_lines();
    for finding in damaged {
        inspection.damage.add(finding);
    }
    inspection.remarks = survey.strays()?;
    Ok(inspection)
}
