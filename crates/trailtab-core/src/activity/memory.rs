//! The memory that the tallies of a run share, and where counts go that exceed it.
//!
//! Callers choose the names of sessions, user agents and more, so no limit on memory could keep them all.
//! A tally that has no room left sorts its rows and stores them as a run. Adding up rows that are stored
//! in several runs is exact, and does not depend on where one run ends.

use std::fmt::Debug;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// A tally stores its rows only if they take this part of the limit, so that runs are few.
const SMALLEST_RUN: usize = 64;

/// Writes bytes to what it is given.
pub type WriteBytes<'w> = dyn FnMut(&mut dyn Write) -> io::Result<()> + 'w;

/// Stores runs outside of memory.
pub trait RunStore: Debug + Send + Sync {
    /// Stores what `write` writes.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written.
    fn store(&self, write: &mut WriteBytes<'_>) -> io::Result<Arc<dyn StoredRun>>;
}

/// A run that is stored. It is removed when it is dropped.
pub trait StoredRun: Debug + Send + Sync {
    /// Reads the run from its beginning.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be opened.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;
}

/// The memory of all tallies of a run.
#[derive(Debug)]
pub struct CountMemory {
    store: Box<dyn RunStore>,
    limit_bytes: usize,
    used_bytes: AtomicUsize,
    failure: OnceLock<io::Error>,
}

impl CountMemory {
    /// The default limit in bytes. Two million calls of an organisation take a third of it.
    pub const DEFAULT_LIMIT_BYTES: usize = 128 << 20;

    /// Creates a memory of about so many bytes, in front of a store.
    pub fn new(store: Box<dyn RunStore>, limit_bytes: usize) -> CountMemory {
        CountMemory {
            store,
            limit_bytes,
            used_bytes: AtomicUsize::new(0),
            failure: OnceLock::new(),
        }
    }

    /// Why the store failed, if it did: from then on all counts stay in memory.
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.get()
    }
}

/// The part of a [`CountMemory`] that one tally takes.
#[derive(Debug)]
pub(in crate::activity) struct MemoryShare {
    memory: Arc<CountMemory>,
    bytes: usize,
}

impl MemoryShare {
    pub(in crate::activity) fn new(memory: Arc<CountMemory>) -> MemoryShare {
        MemoryShare { memory, bytes: 0 }
    }

    /// A share for another tally.
    pub(in crate::activity) fn another(&self) -> MemoryShare {
        MemoryShare::new(Arc::clone(&self.memory))
    }

    /// Sets the bytes that the tally takes; returns whether it should store its rows.
    #[inline]
    pub(in crate::activity) fn is_due(&mut self, bytes: usize) -> bool {
        if bytes == self.bytes {
            return false;
        }
        self.set(bytes);
        let memory = &self.memory;
        memory.used_bytes.load(Ordering::Relaxed) > memory.limit_bytes
            && bytes >= memory.limit_bytes / SMALLEST_RUN
            && memory.failure.get().is_none()
    }

    fn set(&mut self, bytes: usize) {
        let used = &self.memory.used_bytes;
        used.fetch_add(bytes, Ordering::Relaxed);
        used.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
    }

    /// Stores a run. None if that failed: then the rows stay in memory.
    pub(in crate::activity) fn store(
        &self,
        write: &mut WriteBytes<'_>,
    ) -> Option<Arc<dyn StoredRun>> {
        match self.memory.store.store(write) {
            Ok(run) => Some(run),
            Err(error) => {
                // Only the first failure is reported.
                let _ = self.memory.failure.set(error);
                None
            }
        }
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        self.set(0);
    }
}
