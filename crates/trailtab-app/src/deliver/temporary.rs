//! Files and directories that do not have their final name yet.
//!
//! Their names are unpredictable and created exclusively (`O_EXCL`), so a planted link is
//! never followed. They are removed when they are dropped, and [`remove_all`] removes them when a signal
//! ends the process.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{Builder, NamedTempFile, TempDir};

/// Temporary files and directories that exist now. Creating one and entering it here is one step under
/// this lock, so that [`remove_all`] misses none.
static EXISTING: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Random characters in a temporary name.
const RANDOM_CHARS: usize = 16;

/// How often [`remove_all`] tries to remove a directory that other threads may be writing to.
const REMOVE_ATTEMPTS: usize = 10;

/// Who may read what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Those whom the umask allows.
    Umask,
    /// The owner alone: files are created with mode 0600, directories with mode 0700.
    Owner,
}

impl Readers {
    /// The mode to create a file or directory with, of one that all may read.
    #[cfg(unix)]
    fn mode(self, all: u32) -> u32 {
        match self {
            Readers::Umask => all,
            Readers::Owner => all & 0o700,
        }
    }

    /// Options for creating files.
    pub(super) fn files(self) -> OpenOptions {
        #[cfg_attr(not(unix), expect(unused_mut, reason = "modes are Unix's"))]
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, self.mode(0o666));
        options
    }

    /// Options for creating directories.
    pub(super) fn directories(self) -> DirBuilder {
        #[cfg_attr(not(unix), expect(unused_mut, reason = "modes are Unix's"))]
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, self.mode(0o777));
        builder
    }

    /// Names for temporary files or directories, whose mode is as of one that all may read.
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

/// A file with its contents that has a temporary name.
#[derive(Debug)]
pub(super) struct TemporaryFile {
    file: NamedTempFile,
    _entry: Entry,
}

impl TemporaryFile {
    /// Writes a temporary file into the directory that its final name will be in.
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

    /// Gives the file a name that is free; fails with `AlreadyExists` if it is taken.
    pub(super) fn name(self, path: &Path) -> io::Result<()> {
        self.file.persist_noclobber(path)?;
        Ok(())
    }

    /// Gives the file a name, and replaces whatever file has it.
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
    /// Makes one in the directory that its final name will be in.
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

    /// Gives the directory a name. Fails if anything but an empty directory has it.
    pub(super) fn name(self, path: &Path) -> Result<(), (Self, io::Error)> {
        match fs::rename(self.path(), path) {
            Ok(()) => {
                // It has another name by now, and stays.
                let _ = self.directory.keep();
                Ok(())
            }
            Err(error) => Err((self, error)),
        }
    }
}

/// The entry of a file or directory in [`EXISTING`].
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

/// Removes all temporary files and directories of this process, and keeps other threads from making new
/// ones. Only for the end of the process.
pub fn remove_all() {
    let existing = lock();
    for path in existing.iter() {
        for _ in 0..REMOVE_ATTEMPTS {
            let removed = match path.is_dir() {
                true => fs::remove_dir_all(path),
                false => fs::remove_file(path),
            };
            // Another thread may have added a file to the directory meanwhile.
            if removed.is_ok() || !path.exists() {
                break;
            }
        }
    }
    std::mem::forget(existing);
}

/// A thread that panicked has changed the set or not.
fn lock() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    EXISTING.lock().unwrap_or_else(PoisonError::into_inner)
}
