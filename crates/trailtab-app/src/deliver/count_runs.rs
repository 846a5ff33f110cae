//! Counts that have no room in memory, in a temporary file.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trailtab_core::activity::memory::{RunStore, StoredRun, WriteBytes};

/// Stores the runs of all threads in one file, block after block.
///
/// The file has no name: nothing is left behind, however the program ends, and no other process can open it.
#[derive(Debug)]
pub struct CountRuns {
    directory: PathBuf,
    file: Arc<Mutex<BlockFile>>,
}

#[derive(Debug, Default)]
struct BlockFile {
    /// Set when the first block is written.
    file: Option<File>,
    len: u64,
}

/// The place of a block in the file.
#[derive(Debug, Clone, Copy)]
struct BlockSpan {
    start: u64,
    end: u64,
}

#[derive(Debug)]
struct BlockRun {
    file: Arc<Mutex<BlockFile>>,
    blocks: Vec<BlockSpan>,
}

impl CountRuns {
    /// Creates a store that makes its file in a directory, when it is needed.
    pub fn in_directory(directory: &Path) -> CountRuns {
        CountRuns {
            directory: directory.to_owned(),
            file: Arc::default(),
        }
    }

    /// Creates a store that makes its file where the system has temporary files.
    pub fn in_temporary_directory() -> CountRuns {
        CountRuns::in_directory(&std::env::temp_dir())
    }
}

fn lock(file: &Mutex<BlockFile>) -> MutexGuard<'_, BlockFile> {
    // A thread that panicked leaves at most bytes that belong to no run.
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BlockFile {
    fn append(&mut self, directory: &Path, bytes: &[u8]) -> io::Result<BlockSpan> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(directory)?),
        };
        let start = self.len;
        file.seek(SeekFrom::Start(start))?;
        file.write_all(bytes)?;
        self.len += bytes.len() as u64;
        let end = self.len;
        Ok(BlockSpan { start, end })
    }

    fn read(&mut self, start: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let Some(file) = &mut self.file else {
            return Ok(0);
        };
        file.seek(SeekFrom::Start(start))?;
        file.read(bytes)
    }
}

impl RunStore for CountRuns {
    fn store(&self, write: &mut WriteBytes<'_>) -> io::Result<Arc<dyn StoredRun>> {
        let mut writer = BlockWriter {
            runs: self,
            blocks: Vec::new(),
        };
        let written = write(&mut writer);
        written.map_err(|error| {
            let directory = self.directory.display();
            let reason = format!("cannot write a temporary file in {directory}: {error}");
            io::Error::new(error.kind(), reason)
        })?;
        Ok(Arc::new(BlockRun {
            file: Arc::clone(&self.file),
            blocks: writer.blocks,
        }))
    }
}

struct BlockWriter<'r> {
    runs: &'r CountRuns,
    blocks: Vec<BlockSpan>,
}

impl Write for BlockWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let block = lock(&self.runs.file).append(&self.runs.directory, bytes)?;
        self.blocks.push(block);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StoredRun for BlockRun {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(BlockReader {
            file: &self.file,
            blocks: self.blocks.iter(),
            left: BlockSpan { start: 0, end: 0 },
        }))
    }
}

struct BlockReader<'r> {
    file: &'r Mutex<BlockFile>,
    blocks: std::slice::Iter<'r, BlockSpan>,
    /// What is left of the block that is being read.
    left: BlockSpan,
}

impl Read for BlockReader<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.left.start == self.left.end {
            let Some(block) = self.blocks.next() else {
                return Ok(0);
            };
            self.left = *block;
        }
        let left = usize::try_from(self.left.end - self.left.start).unwrap_or(usize::MAX);
        let most = bytes.len().min(left);
        let wanted = bytes.get_mut(..most).unwrap_or_default();
        let read = lock(self.file).read(self.left.start, wanted)?;
        if read == 0 && most > 0 {
            let reason = "the temporary file of counts is shorter than it was";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason));
        }
        self.left.start += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(store: &CountRuns, parts: &[&[u8]]) -> Arc<dyn StoredRun> {
        let write =
            &mut |out: &mut dyn Write| parts.iter().try_for_each(|part| out.write_all(part));
        store.store(write).unwrap()
    }

    fn read(run: &dyn StoredRun) -> Vec<u8> {
        let mut bytes = Vec::new();
        run.open().unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn runs_that_are_written_at_the_same_time_stay_apart() {
        let directory = tempfile::tempdir().unwrap();
        let store = CountRuns::in_directory(directory.path());
        let mut inner = None;
        let outer = store.store(&mut |out| {
            out.write_all(b"one")?;
            inner = Some(stored(&store, &[b"two", b"", b"three"]));
            out.write_all(b"four")
        });
        let (outer, inner) = (outer.unwrap(), inner.unwrap());
        assert_eq!(read(&*outer), b"onefour");
        assert_eq!(read(&*inner), b"twothree");
        // Again, and in turns.
        let (mut a, mut b) = (outer.open().unwrap(), inner.open().unwrap());
        let mut bytes = [0; 2];
        a.read_exact(&mut bytes).unwrap();
        b.read_exact(&mut bytes).unwrap();
        a.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"ef");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_named() {
        let store = CountRuns::in_directory(Path::new("/nowhere/at all"));
        let error = store.store(&mut |out| out.write_all(b"x")).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("cannot write a temporary file in /nowhere/at all: "),
            "{text}"
        );
    }

    #[test]
    fn a_file_that_lost_its_end_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let store = CountRuns::in_directory(directory.path());
        let run = stored(&store, &[b"bytes"]);
        lock(&store.file).file.as_ref().unwrap().set_len(3).unwrap();
        let mut bytes = Vec::new();
        let error = run.open().unwrap().read_to_end(&mut bytes).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
