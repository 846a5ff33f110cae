//! What an archive does to a disk: a few steps, each of which a test can make the last.
//!
//! Records are for their owner alone: directories are created with mode 0700, files with mode 0600.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Writes to a disk.
#[derive(Debug, Default)]
pub(super) struct ArchiveDisk {
    #[cfg(test)]
    pub(super) fuse: fuse::Fuse,
}

impl ArchiveDisk {
    /// Makes a directory with all that lead to it, so that a loss of power leaves them there.
    pub(super) fn make_directory(&self, path: &Path) -> io::Result<()> {
        if path.as_os_str().is_empty() || path.is_dir() {
            return Ok(());
        }
        let parent = path.parent().unwrap_or(Path::new(""));
        self.make_directory(parent)?;
        self.whole_step()?;
        match private_directory().create(path) {
            // Another thread, for another region of the same account.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
            Ok(()) => sync_directory(parent),
        }
    }

    /// Writes a new file whose bytes and name a loss of power leaves there.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = private_file().create_new(true).write(true).open(path)?;
        self.pour(&mut file, bytes)?;
        sync(&file)?;
        sync_directory(path.parent().unwrap_or(Path::new("")))
    }

    /// Adds bytes to the end of a file, all or, if that fails, none.
    pub(super) fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let is_new = !path.exists();
        let mut file = private_file().create(true).append(true).open(path)?;
        let before = file.metadata()?.len();
        let appended = self.pour(&mut file, bytes).and_then(|()| sync(&file));
        if appended.is_err() && self.whole_step().is_ok() {
            // If this fails too, the next run cuts the torn line off.
            let _ = file.set_len(before);
        }
        appended?;
        match is_new {
            true => sync_directory(path.parent().unwrap_or(Path::new(""))),
            false => Ok(()),
        }
    }

    /// Cuts a file off.
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

    fn pour(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        let reaches = self.step(bytes.len())?;
        file.write_all(&bytes[..reaches])?;
        if reaches < bytes.len() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(())
    }

    /// Fails if this step is not to be done.
    fn whole_step(&self) -> io::Result<()> {
        match self.step(1)? {
            0 => Err(io::ErrorKind::Interrupted.into()),
            _ => Ok(()),
        }
    }

    /// How much of a step is to be done.
    #[cfg(not(test))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "tests have something to say here"
    )]
    fn step(&self, size: usize) -> io::Result<usize> {
        Ok(size)
    }

    #[cfg(test)]
    fn step(&self, size: usize) -> io::Result<usize> {
        self.fuse.step(size)
    }
}

/// Options that create files for their owner alone.
pub(super) fn private_file() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "modes are Unix's"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn private_directory() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "modes are Unix's"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Waits until the disk has what was written. Tests have no loss of power, and no time.
fn sync(file: &File) -> io::Result<()> {
    match cfg!(test) {
        true => Ok(()),
        false => file.sync_all(),
    }
}

/// Makes the names in a directory outlast a loss of power.
fn sync_directory(path: &Path) -> io::Result<()> {
    let path = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    // Windows cannot open a directory, and keeps its names in a journal of its own.
    match cfg!(unix) {
        true => sync(&File::open(path)?),
        false => Ok(()),
    }
}

/// A kill at any step.
#[cfg(test)]
pub(super) mod fuse {
    use std::io;
    use std::sync::{Mutex, PoisonError};

    /// Steps to go, and the share of the last one that is done; none if the process lives for ever.
    #[derive(Debug, Default)]
    pub(in super::super) struct Fuse(Mutex<Option<(u32, f64)>>);

    impl Fuse {
        /// Kills the process at a step: of what it writes, a share reaches the disk.
        pub(in super::super) fn light(&self, steps: u32, share: f64) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((steps, share));
        }

        /// Tells whether the process was killed.
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
