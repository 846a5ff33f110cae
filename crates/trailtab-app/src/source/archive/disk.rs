//! Writes an archive to disk in small steps, any of which a test can make the last.
//!
//! Only the owner may read records: directories are created with mode 0700, files with mode 0600.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Writes to disk.
#[derive(Debug, Default)]
pub(super) struct ArchiveDisk {
    #[cfg(test)]
    pub(super) fuse: fuse::Fuse,
}

impl ArchiveDisk {
    /// Creates a directory and its parents, and syncs each new name.
    pub(super) fn make_directory(&self, path: &Path) -> io::Result<()> {
        if path.as_os_str().is_empty() || path.is_dir() {
            return Ok(());
        }
        let parent = path.parent().unwrap_or(Path::new(""));
        self.make_directory(parent)?;
        self.whole_step()?;
        match private_directory().create(path) {
            // Another thread created it, for another region of the same account.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
            Ok(()) => sync_directory(parent),
        }
    }

    /// Writes a new file and syncs it and its directory.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = private_file().create_new(true).write(true).open(path)?;
        self.write_step(&mut file, bytes)?;
        sync(&file)?;
        sync_directory(path.parent().unwrap_or(Path::new("")))
    }

    /// Appends bytes to a file: all of them, or none if that fails.
    pub(super) fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let is_new = !path.exists();
        let mut file = private_file().create(true).append(true).open(path)?;
        let before = file.metadata()?.len();
        let appended = self.write_step(&mut file, bytes).and_then(|()| sync(&file));
        if appended.is_err() && self.whole_step().is_ok() {
            // If this fails too, the next run truncates the torn line.
            let _ = file.set_len(before);
        }
        appended?;
        match is_new {
            true => sync_directory(path.parent().unwrap_or(Path::new(""))),
            false => Ok(()),
        }
    }

    /// Truncates a file.
    pub(super) fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.whole_step()?;
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(len)?;
        sync(&file)
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.whole_step()?;
        fs::rename(from, to)
    }

    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        self.whole_step()?;
        fs::remove_file(path)
    }

    fn write_step(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        let reaches = self.step(bytes.len())?;
        file.write_all(&bytes[..reaches])?;
        if reaches < bytes.len() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(())
    }

    /// Fails if this step must not be done.
    fn whole_step(&self) -> io::Result<()> {
        match self.step(1)? {
            0 => Err(io::ErrorKind::Interrupted.into()),
            _ => Ok(()),
        }
    }

    /// The number of bytes of a step to do.
    #[cfg(not(test))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the test version uses `self` and fails"
    )]
    fn step(&self, size: usize) -> io::Result<usize> {
        Ok(size)
    }

    #[cfg(test)]
    fn step(&self, size: usize) -> io::Result<usize> {
        self.fuse.step(size)
    }
}

/// Open options with mode 0600.
pub(super) fn private_file() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn private_directory() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Syncs a file to disk. Skipped in tests, which simulate no power loss.
fn sync(file: &File) -> io::Result<()> {
    match cfg!(test) {
        true => Ok(()),
        false => file.sync_all(),
    }
}

/// Syncs the names in a directory to disk.
fn sync_directory(path: &Path) -> io::Result<()> {
    let path = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    // Windows cannot open a directory as a file, and journals names itself.
    match cfg!(unix) {
        true => sync(&File::open(path)?),
        false => Ok(()),
    }
}

/// Simulates a kill at any step.
#[cfg(test)]
pub(super) mod fuse {
    use std::io;
    use std::sync::{Mutex, PoisonError};

    /// Remaining steps, and the share of the last one to write; not set if there is no kill.
    #[derive(Debug, Default)]
    pub(in super::super) struct Fuse(Mutex<Option<(u32, f64)>>);

    impl Fuse {
        /// Kills the process at a step, of which a share of the bytes is written.
        pub(in super::super) fn light(&self, steps: u32, share: f64) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((steps, share));
        }

        /// Returns whether the kill has happened.
        pub(in super::super) fn is_burnt(&self) -> bool {
            let fuse = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            matches!(*fuse, Some((0, _)))
        }

        pub(super) fn step(&self, size: usize) -> io::Result<usize> {
            let mut fuse = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Some((steps, share)) = fuse.as_mut() else {
                return Ok(size);
            };
            match *steps {
                0 => Err(io::ErrorKind::Interrupted.into()),
                1 => {
                    *steps = 0;
                    Ok((size as f64 * *share) as usize)
                }
                _ => {
                    *steps -= 1;
                    Ok(size)
                }
            }
        }
    }
}
