//! Keeps a list, in a folder, of the files that the program wrote there. Only these files may be
//! removed again.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::files::{self, WriteError};
use super::temporary::Readers;

/// The files that the program wrote to a folder.
#[derive(Debug)]
pub struct Manifest {
    folder: PathBuf,
    name: &'static str,
    /// The first line of the list, for human readers.
    heading: &'static str,
    /// Relative to the folder.
    paths: BTreeSet<PathBuf>,
}

impl Manifest {
    /// Reads the list of a folder. A missing list is empty.
    ///
    /// # Errors
    ///
    /// Fails if the list exists but cannot be read.
    pub fn read(folder: &Path, name: &'static str, heading: &'static str) -> io::Result<Manifest> {
        let list = match fs::read_to_string(folder.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            list => list?,
        };
        // Ignores paths that lead out of the folder.
        let is_below = |path: &PathBuf| {
            let mut parts = path.components();
            parts.all(|part| matches!(part, Component::Normal(_)))
        };
        let lines = list.lines().filter(|line| *line != heading);
        Ok(Manifest {
            folder: folder.to_owned(),
            name,
            heading,
            paths: lines.map(PathBuf::from).filter(is_below).collect(),
        })
    }

    /// Removes the listed files, then the directories that become empty. Skips files reached
    /// through a link.
    ///
    /// # Errors
    ///
    /// Returns the first file that cannot be removed.
    pub fn remove_files(&mut self) -> Result<(), WriteError> {
        let mut parents = BTreeSet::new();
        for path in std::mem::take(&mut self.paths) {
            let ancestors = || path.ancestors().skip(1);
            let is_link = |parent: &Path| self.folder.join(parent).is_symlink();
            if ancestors().any(|parent| !parent.as_os_str().is_empty() && is_link(parent)) {
                continue;
            }
            let file = self.folder.join(&path);
            match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(WriteError::at(&file)(error));
                }
                _ => parents.extend(ancestors().map(Path::to_owned)),
            }
        }
        // In reverse order, children come before their parents.
        for parent in parents.iter().rev() {
            if !parent.as_os_str().is_empty() {
                // Fails if the directory holds other files, which must stay.
                let _ = fs::remove_dir(self.folder.join(parent));
            }
        }
        Ok(())
    }

    /// Adds files, and the files in folders, to the list.
    ///
    /// # Errors
    ///
    /// Fails on an I/O error.
    pub fn add(&mut self, paths: impl IntoIterator<Item = PathBuf>) -> Result<(), WriteError> {
        for path in paths {
            self.enter(&path);
        }
        let mut list = format!("{}\n", self.heading);
        for path in &self.paths {
            // Omits names that are not UTF-8 or contain line breaks; these files are never removed.
            if let Some(path) = path.to_str().filter(|path| !path.contains(['\n', '\r'])) {
                list.push_str(path);
                list.push('\n');
            }
        }
        let place = self.folder.join(self.name);
        files::replace(&place, list.as_bytes(), Readers::Umask)
    }

    fn enter(&mut self, path: &Path) {
        match fs::read_dir(path) {
            Ok(entries) => entries
                .flatten()
                .for_each(|entry| self.enter(&entry.path())),
            Err(_) => {
                let below = path.strip_prefix(&self.folder).unwrap_or(path);
                self.paths.insert(below.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = ".list";
    const HEADING: &str = "Written by a test.";

    fn write(folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, name).unwrap();
        path
    }

    #[test]
    fn only_listed_files_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path();
        let (ours, also) = (write(folder, "a/b/ours"), write(folder, "c/d/ours"));
        let (mine, planned) = (write(folder, "a/mine"), folder.join("a/planned"));
        let mut manifest = Manifest::read(folder, NAME, HEADING).unwrap();
        manifest.add([ours, planned]).unwrap();
        manifest.add([folder.join("c")]).unwrap();
        let mut again = Manifest::read(folder, NAME, HEADING).unwrap();
        assert_eq!(again.paths, manifest.paths);
        again.remove_files().unwrap();
        assert!(mine.exists() && !also.exists());
        assert!(!folder.join("a/b").exists() && !folder.join("c").exists());
    }

    #[test]
    #[cfg(unix)]
    fn nothing_outside_the_folder_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("folder");
        let outside = write(directory.path(), "outside/file");
        fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink(directory.path().join("outside"), folder.join("link")).unwrap();
        let lines = ["../outside/file", outside.to_str().unwrap(), "link/file"];
        fs::write(folder.join(NAME), lines.join("\n")).unwrap();
        let mut manifest = Manifest::read(&folder, NAME, HEADING).unwrap();
        manifest.remove_files().unwrap();
        assert!(outside.exists());
    }
}
