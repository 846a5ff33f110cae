//! Creates files and directories under temporary names.
//!
//! Their names are unpredictable and created exclusively (`O_EXCL`), so a planted link is never
//! followed. They are removed on drop, and by [`remove_all`] when a signal ends the process.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{Builder, NamedTempFile, TempDir};

/// The existing temporary files and directories. Creation and registration happen under one lock,
/// so that [`remove_all`] misses none.
static EXISTING: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Random characters in a temporary name.
const RANDOM_CHARS: usize = 16;

/// Attempts of [`remove_all`] to remove a directory that other threads may be writing to.
const REMOVE_ATTEMPTS: usize = 10;

/// Permissions of new files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// As the umask allows.
    Umask,
    /// Owner only: files have mode 0600, directories 0700.
    Owner,
}

impl Readers {
    /// Restricts the mode of a file or directory that everyone may read.
    #[cfg(unix)]
    fn mode(self, all: u32) -> u32 {
        match self {
            Readers::Umask => all,
            Readers::Owner => all & 0o700,
        }
    }

    /// Options for creating files.
    pub(super) fn files(self) -> OpenOptions {
        #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, self.mode(0o666));
        options
    }

    /// Options for creating directories.
    pub(super) fn directories(self) -> DirBuilder {
        #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, self.mode(0o777));
        builder
    }

    /// A builder of temporary files or directories; `all` is the mode for [`Readers::Umask`].
    fn temporary(self, all: u32) -> Builder<'static, 'static> {
        let mut builder = Builder::new();
        builder.prefix(".trailtab-").rand_bytes(RANDOM_CHARS);
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(self.mode(all));
            builder.permissions(mode);
        }
        #[cfg(not(unix))]
        let _ = all;
        builder
    }
}

/// A complete file with a temporary name.
#[derive(Debug)]
pub(super) struct TemporaryFile {
    file: NamedTempFile,
    _entry: Entry,
}

impl TemporaryFile {
    /// Writes a temporary file into the directory of its final name.
    pub(super) fn write(directory: &Path, bytes: &[u8], readers: Readers) -> io::Result<Self> {
        let mut existing = lock();
        let file = readers
            .temporary(0o666)
            .suffix(".part")
            .tempfile_in(directory)?;
        let entry = Entry::new(&mut existing, file.path());
        drop(existing);
        let mut temporary = TemporaryFile {
            file,
            _entry: entry,
        };
        temporary.file.as_file_mut().write_all(bytes)?;
        Ok(temporary)
    }

    /// Renames the file; fails with `AlreadyExists` if the name is taken.
    pub(super) fn name(self, path: &Path) -> io::Result<()> {
        self.file.persist_noclobber(path)?;
        Ok(())
    }

    /// Renames the file, replacing an existing one.
    pub(super) fn replace(self, path: &Path) -> io::Result<()> {
        self.file.persist(path)?;
        Ok(())
    }
}

/// A directory with a temporary name.
#[derive(Debug)]
pub(super) struct TemporaryDirectory {
    directory: TempDir,
    _entry: Entry,
}

impl TemporaryDirectory {
    /// Creates a directory in the parent of its final name.
    pub(super) fn create(parent: &Path, readers: Readers) -> io::Result<Self> {
        let mut existing = lock();
        let directory = readers.temporary(0o777).tempdir_in(parent)?;
        let entry = Entry::new(&mut existing, directory.path());
        Ok(TemporaryDirectory {
            directory,
            _entry: entry,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Renames the directory. Fails if the name is taken by anything but an empty directory.
    pub(super) fn name(self, path: &Path) -> Result<(), (Self, io::Error)> {
        match fs::rename(self.path(), path) {
            Ok(()) => {
                // It has been renamed and must not be deleted on drop.
                let _ = self.directory.keep();
                Ok(())
            }
            Err(error) => Err((self, error)),
        }
    }
}

/// Registration of a file or directory in [`EXISTING`].
#[derive(Debug)]
struct Entry(PathBuf);

impl Entry {
    fn new(existing: &mut BTreeSet<PathBuf>, path: &Path) -> Entry {
        existing.insert(path.to_owned());
        Entry(path.to_owned())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock().remove(&self.0);
    }
}

/// Removes all temporary files and directories of this process, and blocks other threads from
/// creating new ones. Only for use at the end of the process.
pub fn remove_all() {
    let existing = lock();
    for path in existing.iter() {
        for _ in 0..REMOVE_ATTEMPTS {
            let removed = match path.is_dir() {
                true => fs::remove_dir_all(path),
                false => fs::remove_file(path),
            };
            // Another thread may have added a file in the meantime.
            if removed.is_ok() || !path.exists() {
                break;
            }
        }
    }
    std::mem::forget(existing);
}

/// Locks the set, ignoring poisoning: every critical section leaves it valid.
fn lock() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    EXISTING.lock().unwrap_or_else(PoisonError::into_inner)
}
