//! Progress counters of a run, written by its threads and read by the display.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trailtab_core::history::walk::View;
use trailtab_core::scope::Scope;

/// Counters that the run's threads raise.
#[derive(Debug, Default)]
pub struct ReadProgress {
    /// Number of documents found so far.
    pub found: AtomicU64,
    /// Size of the documents found so far, in bytes as stored.
    pub found_bytes: AtomicU64,
    /// Whether the size of one of them is not known, or zero.
    pub has_unsized: AtomicBool,
    /// Whether the listing of documents is complete.
    pub all_found: AtomicBool,
    /// Number of documents read so far.
    pub done: AtomicU64,
    /// Size of the documents read so far, in bytes as stored.
    pub done_bytes: AtomicU64,
    /// Number of records read so far.
    pub events: AtomicU64,
    regions: Mutex<Vec<Arc<RegionProgress>>>,
    remarks: Mutex<Vec<String>>,
}

/// A region whose event history is being read.
#[derive(Debug)]
pub struct RegionProgress {
    /// The account and region.
    pub scope: Scope,
    view: Mutex<(View, bool)>,
}

impl RegionProgress {
    /// Replaces the view; the region is still being read.
    pub fn show(&self, view: View) {
        *lock(&self.view) = (view, false);
    }

    /// Replaces the view; the region is finished.
    pub fn finish(&self, view: View) {
        *lock(&self.view) = (view, true);
    }

    /// The latest view, and whether the region is finished.
    pub fn view(&self) -> (View, bool) {
        *lock(&self.view)
    }
}

impl ReadProgress {
    /// Counts a document found, with its size as stored; 0 if that is not known.
    pub fn find(&self, bytes: u64) {
        if bytes == 0 {
            self.has_unsized.store(true, Ordering::Relaxed);
        }
        self.found.fetch_add(1, Ordering::Relaxed);
        self.found_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts a document read, with its size as stored and its number of records.
    pub fn finish(&self, bytes: u64, events: u64) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.done_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.events.fetch_add(events, Ordering::Relaxed);
    }

    /// Registers a region whose event history will be read.
    pub fn begin(&self, scope: Scope) -> Arc<RegionProgress> {
        let region = Arc::new(RegionProgress {
            scope,
            view: Mutex::default(),
        });
        lock(&self.regions).push(region.clone());
        region
    }

    /// All regions whose event history is being read or has been read.
    pub fn regions(&self) -> Vec<Arc<RegionProgress>> {
        lock(&self.regions).clone()
    }

    /// Estimated seconds until the slowest unfinished region is done.
    pub fn seconds_left(&self) -> f64 {
        let regions = self.regions();
        let open = regions
            .iter()
            .map(|region| region.view())
            .filter(|(_, done)| !done);
        open.map(|(view, _)| view.seconds_left).fold(0.0, f64::max)
    }

    /// Queues a message to be shown while the run continues.
    pub fn remark(&self, text: String) {
        lock(&self.remarks).push(text);
    }

    /// Takes the queued messages.
    pub fn remarks(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.remarks))
    }
}

/// Locks a mutex, ignoring poisoning: every critical section here is a single assignment, push, or
/// copy.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
