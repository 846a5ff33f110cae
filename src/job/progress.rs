//! How far a run has come, for whoever wants to look.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counters that the run's threads raise.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Documents found so far, and their bytes as stored.
    pub(crate) found: AtomicU64,
    pub(crate) found_bytes: AtomicU64,
    /// Whether no more will be found.
    pub(crate) all_found: AtomicBool,
    pub(crate) done: AtomicU64,
    pub(crate) done_bytes: AtomicU64,
    pub(crate) events: AtomicU64,
}

impl Progress {
    pub(crate) fn find(&self, bytes: u64) {
        self.found.fetch_add(1, Ordering::Relaxed);
        self.found_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn finish(&self, bytes: u64, events: u64) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.done_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.events.fetch_add(events, Ordering::Relaxed);
    }
}
