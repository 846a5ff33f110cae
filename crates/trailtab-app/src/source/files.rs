//! Lists local files and directories.

use std::fs;
use std::path::{Path, PathBuf};

use super::archive;
use super::document::{Document, DocumentBody};
use super::interrupt::{self, Interrupt};
use trailtab_core::coverage::{ReadProblem, RunCoverage, Severity};

/// Files of at least this size are read first: one begun last would keep a single thread busy after
/// the others finish.
const LARGE_FILE_BYTES: u64 = 1 << 20;

/// Lists the files under a path: large ones first, then the others by name. Adds a problem to the
/// coverage for everything it cannot list.
pub fn list(path: &Path, interrupt: &Interrupt, coverage: &mut RunCoverage) -> Vec<Document> {
    let mut files = Vec::new();
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            let problems = coverage.problems.len();
            walk(path, &mut files, interrupt, coverage);
            if files.is_empty() && !interrupt.is_requested() && coverage.problems.len() == problems
            {
                let document = path.display().to_string();
                let severity = Severity::Failed;
                coverage.problem(ReadProblem::of_document(
                    document,
                    severity,
                    "holds no files",
                ));
            }
        }
        // Named pipes, such as those of the shell's <(…), are read like files.
        Ok(metadata) => files.push((metadata.len(), path.to_owned())),
        Err(error) => add_open_failure(path, &error, coverage),
    }
    // Sorted by name because neighbours in a folder cover the same hours and share sessions.
    files.sort_unstable_by(|a, b| {
        let early = |size: u64| if size < LARGE_FILE_BYTES { 0 } else { size };
        (early(b.0), a.1.as_os_str()).cmp(&(early(a.0), b.1.as_os_str()))
    });
    let named = files.len() == 1 && files[0].1 == path;
    let documents = files.into_iter().map(|(size, path)| Document {
        size,
        named,
        scope: None,
        body: DocumentBody::File(path),
    });
    documents.collect()
}

/// Collects the regular files below a directory. Does not follow links to directories, since they
/// could form a cycle.
fn walk(
    directory: &Path,
    files: &mut Vec<(u64, PathBuf)>,
    interrupt: &Interrupt,
    coverage: &mut RunCoverage,
) {
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        if interrupt.is_requested() {
            let directory = directory.display().to_string();
            return coverage.problem(interrupt::problem(directory, Severity::Failed));
        }
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                add_open_failure(&directory, &error, coverage);
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
                Ok((path, _, _)) if is_internal(&path) => {}
                Ok((path, kind, _)) if kind.is_dir() => open.push(path),
                Ok((path, _, Some(metadata))) if metadata.is_file() => {
                    files.push((metadata.len(), path));
                }
                // Sockets and other special files, dangling links, and links to directories.
                Ok(_) => {}
                Err(error) => add_open_failure(&directory, &error, coverage),
            }
        }
    }
}

/// Prefix that `deliver/temporary.rs` gives to files and folders being written.
const TEMPORARY_PREFIX: &str = ".trailtab-";

/// Tells whether to skip a file or folder: an archive's ledgers, and output still being written.
fn is_internal(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name == archive::HIDDEN.as_bytes()
        || name.ends_with(archive::UNFINISHED.as_bytes())
        || name.starts_with(TEMPORARY_PREFIX.as_bytes())
}

fn add_open_failure(path: &Path, error: &std::io::Error, coverage: &mut RunCoverage) {
    let (document, reason) = (
        path.display().to_string(),
        format!("cannot be opened: {error}"),
    );
    coverage.problem(ReadProblem::of_document(document, Severity::Failed, reason));
}

#[cfg(test)]
mod tests {
    use super::super::interrupt;
    use super::*;

    #[test]
    fn unfinished_output_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        for name in [".trailtab-abc/a.jsonl", ".trailtab-abc.part", "logs/a.json"] {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        let mut coverage = RunCoverage::default();
        let found = list(directory.path(), &Interrupt::never(), &mut coverage);
        let [
            Document {
                body: DocumentBody::File(path),
                ..
            },
        ] = &found[..]
        else {
            panic!("{} documents", found.len());
        };
        assert!(path.ends_with("logs/a.json"), "{}", path.display());
        assert!(coverage.is_complete());
    }

    #[test]
    fn a_directory_is_not_searched_after_the_interrupt() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a.json"), "{}").unwrap();
        let (requester, interrupt) = interrupt::channel();
        requester.request();
        let mut coverage = RunCoverage::default();
        assert!(list(directory.path(), &interrupt, &mut coverage).is_empty());
        assert_eq!(coverage.problems[0].reason, interrupt::REASON);
    }
}
