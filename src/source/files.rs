//! Local files and directories.

use std::fs;
use std::path::{Path, PathBuf};

use super::archive;
use super::document::{Body, Document};
use crate::core::coverage::{Coverage, Problem, Severity};

/// A file of this size begun last would keep one thread busy after all others are done.
const LARGE: u64 = 1 << 20;

/// Lists the files of a path, large ones first and the others by their names. What cannot be listed
/// is a problem in the coverage.
pub(crate) fn list(path: &Path, coverage: &mut Coverage) -> Vec<Document> {
    let mut files = Vec::new();
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            let problems = coverage.problems.len();
            walk(path, &mut files, coverage);
            if files.is_empty() && coverage.problems.len() == problems {
                coverage.problem(Problem {
                    document: path.display().to_string(),
                    severity: Severity::Failed,
                    reason: "holds no files".to_owned(),
                });
            }
        }
        // Named pipes, as the shell's <(…) makes them, are read like files.
        Ok(metadata) => files.push((metadata.len(), path.to_owned())),
        Err(error) => cannot(path, &error, coverage),
    }
    // Neighbours in a folder come from the same hours, so that their sessions are known already.
    files.sort_unstable_by(|a, b| {
        let early = |size: u64| if size < LARGE { 0 } else { size };
        (early(b.0), a.1.as_os_str()).cmp(&(early(a.0), b.1.as_os_str()))
    });
    let named = files.len() == 1 && files[0].1 == path;
    let documents = files.into_iter().map(|(size, path)| Document {
        size,
        named,
        body: Body::File(path),
    });
    documents.collect()
}

/// Collects the regular files below a directory. Links to directories are not followed: they could
/// lead back to where they are.
fn walk(directory: &Path, files: &mut Vec<(u64, PathBuf)>, coverage: &mut Coverage) {
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                cannot(&directory, &error, coverage);
                continue;
            }
        };
        for entry in entries {
            let looked = entry.and_then(|entry| {
                let kind = entry.file_type()?;
                let path = entry.path();
                let metadata = match kind.is_symlink() {
                    true => fs::metadata(&path).ok(),
                    false => Some(entry.metadata()?),
                };
                Ok((path, kind, metadata))
            });
            match looked {
                Ok((path, _, _)) if is_an_archives_own(&path) => {}
                Ok((path, kind, _)) if kind.is_dir() => open.push(path),
                Ok((path, _, Some(metadata))) if metadata.is_file() => {
                    files.push((metadata.len(), path));
                }
                // Sockets and the like, and links that lead nowhere or to a directory.
                Ok(_) => {}
                Err(error) => cannot(&directory, &error, coverage),
            }
        }
    }
}

/// Tells whether something in an archive is not for its readers: its ledgers, and the log files that
/// are being written.
fn is_an_archives_own(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name == archive::HIDDEN.as_bytes() || name.ends_with(archive::UNFINISHED.as_bytes())
}

fn cannot(path: &Path, error: &std::io::Error, coverage: &mut Coverage) {
    coverage.problem(Problem {
        document: path.display().to_string(),
        severity: Severity::Failed,
        reason: format!("cannot be opened: {error}"),
    });
}
