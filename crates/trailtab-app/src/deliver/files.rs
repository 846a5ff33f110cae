//! Writes new files and folders, each of them atomically.
//!
//! Output for the user never replaces anything: if a name is taken, `_2`, `_3` and so on is
//! appended. [`replace`] is only for the program's own state, such as caches.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::temporary::{Readers, TemporaryDirectory, TemporaryFile};

/// A file or directory that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub struct WriteError {
    path: PathBuf,
    source: io::Error,
}

impl WriteError {
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> WriteError {
        let path = path.to_owned();
        move |source| WriteError { path, source }
    }

    /// The I/O error.
    pub(super) fn cause(&self) -> &io::Error {
        &self.source
    }
}

/// Creates a directory and its parents.
///
/// # Errors
///
/// Fails on an I/O error.
pub fn make_directory(path: &Path, readers: Readers) -> Result<(), WriteError> {
    let made = readers.directories().recursive(true).create(path);
    made.map_err(WriteError::at(path))
}

/// Creates a directory with mode 0700, including its parents from `root` on. The parents of `root`
/// get the mode of the umask.
///
/// # Errors
///
/// Fails on an I/O error.
pub fn make_private_directory(root: &Path, path: &Path) -> Result<(), WriteError> {
    make_directory(directory_of(root), Readers::Umask)?;
    make_directory(path, Readers::Owner)
}

/// Creates a directory and its parents, and checks that files can be written there.
///
/// # Errors
///
/// Fails on an I/O error.
pub fn make_writable_directory(path: &Path) -> Result<(), WriteError> {
    make_directory(path, Readers::Umask)?;
    let probe = TemporaryFile::write(path, b"", Readers::Owner);
    probe.map(drop).map_err(WriteError::at(path))
}

/// Writes a new file atomically. Returns false if the name is taken.
///
/// # Errors
///
/// Fails on an I/O error.
pub fn create(path: &Path, bytes: &[u8], readers: Readers) -> Result<bool, WriteError> {
    if is_taken(path) {
        return Ok(false);
    }
    let written = TemporaryFile::write(directory_of(path), bytes, readers);
    match written.and_then(|file| file.name(path)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(WriteError::at(path)(error)),
    }
}

/// Writes a new file, unless it exists with the same content.
///
/// # Errors
///
/// Fails on an I/O error, or if the name is taken by a different file.
pub fn create_or_keep(path: &Path, bytes: &[u8], readers: Readers) -> Result<(), WriteError> {
    if create(path, bytes, readers)? {
        return Ok(());
    }
    match has_bytes(path, bytes).map_err(WriteError::at(path))? {
        true => Ok(()),
        false => Err(WriteError::at(path)(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "another file has this name",
        ))),
    }
}

/// Writes a file of the program's own state, atomically replacing an existing one.
///
/// # Errors
///
/// Fails on an I/O error.
pub fn replace(path: &Path, bytes: &[u8], readers: Readers) -> Result<(), WriteError> {
    let written = TemporaryFile::write(directory_of(path), bytes, readers);
    written
        .and_then(|file| file.replace(path))
        .map_err(WriteError::at(path))
}

/// One of several new files with a common stem.
#[derive(Debug, Clone, Copy)]
pub struct NewFile<'b> {
    /// The extension, such as `.json`.
    pub ending: &'b str,
    /// The contents of the file.
    pub bytes: &'b [u8],
}

/// Writes new files that belong together: `STEM.json`, `STEM.csv`, or all of them as `STEM_2.…` if
/// any of the names is taken. Names with `reserved` extensions must be free as well. Returns the
/// paths in the order of `files`.
///
/// # Errors
///
/// Fails on an I/O error; then no file is left behind.
pub fn create_together(
    stem: &Path,
    files: &[NewFile<'_>],
    reserved: &[&str],
    readers: Readers,
) -> Result<Vec<PathBuf>, WriteError> {
    let endings = || files.iter().map(|file| file.ending);
    'stems: for stem in numbered(stem) {
        let taken = |ending| is_taken(&with_ending(&stem, ending));
        if endings().chain(reserved.iter().copied()).any(taken) {
            continue;
        }
        let mut created = Created::default();
        for file in files {
            let path = with_ending(&stem, file.ending);
            if !create(&path, file.bytes, readers)? {
                // Another process was faster.
                continue 'stems;
            }
            created.0.push(path);
        }
        return Ok(std::mem::take(&mut created.0));
    }
    Err(WriteError::at(stem)(io::ErrorKind::AlreadyExists.into()))
}

/// Created files, removed on drop unless all files could be created.
#[derive(Default)]
struct Created(Vec<PathBuf>);

impl Drop for Created {
    fn drop(&mut self) {
        for path in &self.0 {
            // A failure to remove a file cannot be handled here.
            let _ = fs::remove_file(path);
        }
    }
}

/// A folder that is filled under a temporary name, and removed on drop unless it is renamed.
#[derive(Debug)]
pub struct NewFolder {
    directory: TemporaryDirectory,
    readers: Readers,
    /// The final path.
    target: PathBuf,
}

impl NewFolder {
    /// Creates a temporary folder beside `target`, and the parents of `target`.
    ///
    /// # Errors
    ///
    /// Fails on an I/O error.
    pub fn create(target: &Path, readers: Readers) -> Result<NewFolder, WriteError> {
        let parent = directory_of(target);
        make_directory(parent, Readers::Umask)?;
        let directory = TemporaryDirectory::create(parent, readers);
        Ok(NewFolder {
            directory: directory.map_err(WriteError::at(target))?,
            readers,
            target: target.to_owned(),
        })
    }

    /// Creates a directory in the folder.
    ///
    /// # Errors
    ///
    /// Fails on an I/O error.
    pub fn make_directory(&self, name: &Path) -> Result<(), WriteError> {
        let mut path = self.directory.path().to_owned();
        for part in name.components() {
            path.push(part);
            // One by one, so that the folder itself is not recreated after a signal handler removed
            // it.
            match self.readers.directories().create(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(WriteError::at(&self.target.join(name))(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Appends bytes to a file in the folder.
    ///
    /// # Errors
    ///
    /// Fails on an I/O error.
    pub fn append(&self, name: &Path, bytes: &[u8]) -> Result<(), WriteError> {
        let mut options = self.readers.files();
        let options = options.create(true).append(true);
        let file = options.open(self.directory.path().join(name));
        file.and_then(|mut file| file.write_all(bytes))
            .map_err(WriteError::at(&self.target.join(name)))
    }

    /// Renames the folder to `target`, with a number appended if that is taken. Returns its path.
    ///
    /// # Errors
    ///
    /// Fails on an I/O error; then the folder is removed.
    pub fn finish(self, target: &Path) -> Result<PathBuf, WriteError> {
        self.settle(target, |_, _| Ok(false))
    }

    /// Like [`NewFolder::finish`], but merges into an existing folder that holds no different files
    /// under the same names: adds only the files that it lacks.
    ///
    /// # Errors
    ///
    /// Fails on an I/O error; then the folder is removed.
    pub fn finish_or_join(self) -> Result<PathBuf, WriteError> {
        let target = self.target.clone();
        self.settle(&target, join)
    }

    fn settle(
        self,
        target: &Path,
        join: impl Fn(&Path, &Path) -> io::Result<bool>,
    ) -> Result<PathBuf, WriteError> {
        let mut directory = self.directory;
        for path in numbered(target) {
            if !is_taken(&path) {
                match directory.name(&path) {
                    Ok(()) => return Ok(path),
                    // Another process was faster.
                    Err((back, _)) if is_taken(&path) => directory = back,
                    Err((_, error)) => return Err(WriteError::at(&path)(error)),
                }
            }
            if join(directory.path(), &path).map_err(WriteError::at(&path))? {
                return Ok(path);
            }
        }
        Err(WriteError::at(target)(io::ErrorKind::AlreadyExists.into()))
    }
}

/// Moves the files of a folder into another one, unless that would replace a different file. Does
/// not follow links in the other folder. Returns whether all files are there now.
fn join(from: &Path, to: &Path) -> io::Result<bool> {
    let mut missing = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        if !folder_can_take(&to.join(&folder))? {
            return Ok(false);
        }
        for entry in fs::read_dir(from.join(&folder))? {
            let entry = entry?;
            let name = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                open.push(name);
            } else if !is_taken(&to.join(&name)) {
                missing.push(name);
            } else if !has_bytes(&to.join(&name), &fs::read(entry.path())?)? {
                return Ok(false);
            }
        }
    }
    for name in missing {
        let target = to.join(&name);
        fs::create_dir_all(directory_of(&target))?;
        let moved = tempfile::TempPath::try_from_path(from.join(&name))?.persist_noclobber(&target);
        match moved {
            Ok(()) => {}
            // Another process may draw the same charts.
            Err(error) if has_bytes(&target, &fs::read(&error.path)?)? => {}
            Err(_) => return Ok(false),
        }
    }
    Ok(true)
}

/// Tells whether a path is a folder or does not exist.
fn folder_can_take(folder: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(folder) {
        Ok(metadata) => Ok(metadata.is_dir()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Tells whether a path is a regular file with this content, and not a link.
fn has_bytes(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let metadata = fs::symlink_metadata(path)?;
    let is_as_long = metadata.is_file() && metadata.len() == bytes.len() as u64;
    Ok(is_as_long && fs::read(path)? == bytes)
}

/// A name, then the same with `_2`, `_3` and so on appended.
fn numbered(name: &Path) -> impl Iterator<Item = PathBuf> {
    let more = (2..=u32::MAX).map(|number| with_ending(name, &format!("_{number}")));
    std::iter::once(name.to_owned()).chain(more)
}

/// Appends an extension. Replaces nothing, since principals' names may contain dots.
pub fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.to_owned();
    path.as_mut_os_string().push(ending);
    path
}

/// Tells whether a path exists, even as a dangling link.
fn is_taken(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The parent directory of a path.
fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests;
