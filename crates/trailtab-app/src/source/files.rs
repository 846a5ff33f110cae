//! Lists local files and directories.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::archive;
use super::document::{Document, DocumentBody};
use super::interrupt::{self, Interrupt};
use trailtab_core::coverage::{ReadProblem, RunCoverage, Severity};

/// Files of at least this size are read as soon as they are found: one begun last would keep a single thread busy
/// after the others finish.
pub const LARGE_FILE_BYTES: u64 = 1 << 20;

/// Lists the files under a path, by name, and passes on those of each folder while the next one is listed. Adds a
/// problem to the coverage for everything it cannot list.
pub fn list(
    path: &Path,
    interrupt: &Interrupt,
    coverage: &mut RunCoverage,
    mut found: impl FnMut(Vec<Document>),
) {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            let problems = coverage.problems.len();
            let has_files = walk(path, interrupt, coverage, &mut found);
            if !has_files && !interrupt.is_requested() && coverage.problems.len() == problems {
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
        Ok(metadata) => found(vec![Document {
            size: metadata.len(),
            named: true,
            scope: None,
            body: DocumentBody::File(path.to_owned()),
        }]),
        Err(error) => add_open_failure(path, &error, coverage),
    }
}

/// Finds the regular files below a directory; returns whether there are any. Does not follow links to directories,
/// since they could form a cycle.
fn walk(
    directory: &Path,
    interrupt: &Interrupt,
    coverage: &mut RunCoverage,
    found: &mut impl FnMut(Vec<Document>),
) -> bool {
    let mut has_files = false;
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        if interrupt.is_requested() {
            let directory = directory.display().to_string();
            coverage.problem(interrupt::problem(directory, Severity::Failed));
            break;
        }
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                add_open_failure(&directory, &error, coverage);
                continue;
            }
        };
        let mut folders = Vec::new();
        let mut files = Vec::new();
        for entry in entries {
            match entry.and_then(|entry| look_at(&entry)) {
                Ok(FolderEntry::Folder(path)) => folders.push(path),
                Ok(FolderEntry::File(file)) => files.push(file),
                Ok(FolderEntry::Ignored) => {}
                Err(error) => add_open_failure(&directory, &error, coverage),
            }
        }
        // The one that comes first is opened next.
        folders.sort_unstable_by(|a: &PathBuf, b| b.as_os_str().cmp(a.as_os_str()));
        open.append(&mut folders);
        // Neighbours in a folder cover the same hours and share sessions.
        files.sort_unstable_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
        has_files |= !files.is_empty();
        found(files.into_iter().map(ListedFile::document).collect());
    }
    has_files
}

/// An entry of a folder.
enum FolderEntry {
    Folder(PathBuf),
    File(ListedFile),
    /// A socket or another special file, a dangling link, a link to a folder, or what [`is_internal`] names.
    Ignored,
}

/// A file in a folder; its size is not asked for if it is named like a log file of CloudTrail.
struct ListedFile {
    path: PathBuf,
    size: Option<u64>,
}

impl ListedFile {
    fn document(self) -> Document {
        let ListedFile { path, size } = self;
        Document {
            size: size.unwrap_or_default(),
            named: false,
            scope: None,
            body: match size {
                Some(_) => DocumentBody::File(path),
                None => DocumentBody::UnsizedFile(path),
            },
        }
    }
}

fn look_at(entry: &fs::DirEntry) -> io::Result<FolderEntry> {
    let (kind, path) = (entry.file_type()?, entry.path());
    if is_internal(&path) {
        return Ok(FolderEntry::Ignored);
    }
    if kind.is_dir() {
        return Ok(FolderEntry::Folder(path));
    }
    // Asking for the sizes of a trail's files would take longer than listing them.
    if kind.is_file() && is_named_as_log_file(&path) {
        return Ok(FolderEntry::File(ListedFile { path, size: None }));
    }
    let metadata = match kind.is_symlink() {
        true => fs::metadata(&path).ok(),
        false => Some(entry.metadata()?),
    };
    let size = metadata
        .filter(fs::Metadata::is_file)
        .map(|file| file.len());
    Ok(match size {
        Some(_) => FolderEntry::File(ListedFile { path, size }),
        None => FolderEntry::Ignored,
    })
}

/// Returns whether a file is named as CloudTrail names log files, which it keeps small.
fn is_named_as_log_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.ends_with(b".json.gz") && memchr::memmem::find(name, b"_CloudTrail_").is_some()
}

/// Prefix that `deliver/temporary.rs` gives to files and folders being written.
const TEMPORARY_PREFIX: &str = ".trailtab-";

/// Returns whether to skip a file or folder: an archive's ledgers, and output still being written.
fn is_internal(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name == archive::HIDDEN.as_bytes()
        || name.ends_with(archive::UNFINISHED.as_bytes())
        || name.starts_with(TEMPORARY_PREFIX.as_bytes())
}

fn add_open_failure(path: &Path, error: &io::Error, coverage: &mut RunCoverage) {
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

    fn listed(path: &Path, interrupt: &Interrupt, coverage: &mut RunCoverage) -> Vec<Document> {
        let mut all = Vec::new();
        list(path, interrupt, coverage, |documents| all.extend(documents));
        all
    }

    #[test]
    fn files_come_by_name_and_only_those_of_a_trail_without_their_size() {
        let directory = tempfile::tempdir().unwrap();
        let trail = "1_CloudTrail_us-east-1_20260907T0000Z_x.json.gz";
        let names = ["b/a.json", "a/2.json", trail, "a/1.json", "c.json"];
        for name in names {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        let mut coverage = RunCoverage::default();
        let found = listed(directory.path(), &Interrupt::never(), &mut coverage);
        let found = found.into_iter().map(|document| match document.body {
            DocumentBody::File(path) => (path, Some(document.size)),
            DocumentBody::UnsizedFile(path) => (path, None),
            _ => panic!(),
        });
        let found: Vec<_> = found
            .map(|(path, size)| {
                (
                    path.strip_prefix(directory.path()).unwrap().to_owned(),
                    size,
                )
            })
            .collect();
        let expected = [trail, "c.json", "a/1.json", "a/2.json", "b/a.json"];
        let expected = expected.map(|name| {
            let size = Some(2).filter(|_| name != trail);
            (PathBuf::from(name), size)
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn unfinished_output_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        for name in [".trailtab-abc/a.jsonl", ".trailtab-abc.part", "logs/a.json"] {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        let mut coverage = RunCoverage::default();
        let found = listed(directory.path(), &Interrupt::never(), &mut coverage);
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
        assert!(listed(directory.path(), &interrupt, &mut coverage).is_empty());
        assert_eq!(coverage.problems[0].reason, interrupt::REASON);
    }
}
