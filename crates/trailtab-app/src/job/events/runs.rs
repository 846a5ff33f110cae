//! Sorted runs in temporary files.
//!
//! A run is a sequence of events: the time in seconds (8 bytes, the least number for none), the lengths of eventID and
//! record (4 bytes each), and both.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::buffer::SpooledEvent;
use trailtab_core::time::Seconds;

/// Size in bytes of the buffer of a run that is read or written.
const IO_BUFFER_BYTES: usize = 256 << 10;

/// The time of an event without one.
const NO_TIME: i64 = i64::MIN;

/// A temporary file could not be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot keep events in a temporary file in {}: set TMPDIR to a directory with more room, or ask for fewer events with filters or --limit",
    directory.display()
)]
pub struct SpoolError {
    directory: PathBuf,
    #[source]
    source: io::Error,
}

impl SpoolError {
    fn new(directory: &Path, source: io::Error) -> SpoolError {
        let directory = directory.to_owned();
        SpoolError { directory, source }
    }
}

/// A complete run.
#[derive(Debug)]
pub(super) struct SortedRunFile {
    file: File,
    directory: PathBuf,
}

/// A run that is being written.
pub(super) struct RunWriter {
    file: BufWriter<File>,
    directory: PathBuf,
}

impl RunWriter {
    /// Creates a file that no other process can open, and that vanishes with this one.
    pub(super) fn create(directory: &Path) -> Result<RunWriter, SpoolError> {
        let file = tempfile::tempfile_in(directory);
        let file = file.map_err(|error| SpoolError::new(directory, error))?;
        Ok(RunWriter {
            file: BufWriter::with_capacity(IO_BUFFER_BYTES, file),
            directory: directory.to_owned(),
        })
    }

    pub(super) fn add(&mut self, event: &SpooledEvent<'_>) -> Result<(), SpoolError> {
        let written = self.write(event);
        written.map_err(|error| SpoolError::new(&self.directory, error))
    }

    fn write(&mut self, event: &SpooledEvent<'_>) -> io::Result<()> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(io::Error::other);
        let mut head = [0; 16];
        head[..8].copy_from_slice(&event.time.unwrap_or(NO_TIME).to_le_bytes());
        head[8..12].copy_from_slice(&length(event.id)?.to_le_bytes());
        head[12..].copy_from_slice(&length(event.record)?.to_le_bytes());
        self.file.write_all(&head)?;
        self.file.write_all(event.id)?;
        self.file.write_all(event.record)
    }

    /// Ends the run.
    pub(super) fn finish(self) -> Result<SortedRunFile, SpoolError> {
        let directory = self.directory;
        match self.file.into_inner() {
            Ok(file) => Ok(SortedRunFile { file, directory }),
            Err(error) => Err(SpoolError::new(&directory, error.into_error())),
        }
    }
}

/// A run that is being read.
pub(super) struct RunReader {
    file: BufReader<File>,
    directory: PathBuf,
    /// The bytes of the present event: its eventID, then its record.
    bytes: Vec<u8>,
    id_bytes: usize,
    time: Option<Seconds>,
}

impl RunReader {
    /// Begins to read a run; the first event is read by [`RunReader::advance`].
    pub(super) fn open(run: SortedRunFile) -> Result<RunReader, SpoolError> {
        let SortedRunFile {
            mut file,
            directory,
        } = run;
        if let Err(error) = file.seek(SeekFrom::Start(0)) {
            return Err(SpoolError::new(&directory, error));
        }
        Ok(RunReader {
            file: BufReader::with_capacity(IO_BUFFER_BYTES, file),
            directory,
            bytes: Vec::new(),
            id_bytes: 0,
            time: None,
        })
    }

    /// Reads the next event; false at the end of the run.
    pub(super) fn advance(&mut self) -> Result<bool, SpoolError> {
        let read = self.read();
        read.map_err(|error| SpoolError::new(&self.directory, error))
    }

    fn read(&mut self) -> io::Result<bool> {
        let mut time = [0; 8];
        // A run ends between two events.
        if self.file.read(&mut time[..1])? == 0 {
            return Ok(false);
        }
        self.file.read_exact(&mut time[1..])?;
        let mut length = || -> io::Result<usize> {
            let mut length = [0; 4];
            self.file.read_exact(&mut length)?;
            Ok(u32::from_le_bytes(length) as usize)
        };
        let (id, record) = (length()?, length()?);
        self.bytes.resize(id + record, 0);
        self.file.read_exact(&mut self.bytes)?;
        self.id_bytes = id;
        let time = i64::from_le_bytes(time);
        self.time = (time != NO_TIME).then_some(time);
        Ok(true)
    }

    /// The event that was read last.
    pub(super) fn event(&self) -> SpooledEvent<'_> {
        let (id, record) = self.bytes.split_at(self.id_bytes);
        SpooledEvent {
            time: self.time,
            id,
            record,
        }
    }
}
