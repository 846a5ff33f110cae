//! How far a run has come, for whoever wants to look.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trailtab_core::history::walk::View;
use trailtab_core::scope::Scope;

/// Counters that the run's threads raise.
#[derive(Debug, Default)]
pub struct ReadProgress {
    /// Documents found so far, and their bytes as stored.
    pub found: AtomicU64,
    /// Size of the documents found so far, in bytes as stored.
    pub found_bytes: AtomicU64,
    /// Whether no more will be found.
    pub all_found: AtomicBool,
    /// Documents read so far.
    pub done: AtomicU64,
    /// Size of the documents read so far, in bytes as stored.
    pub done_bytes: AtomicU64,
    /// Records read so far.
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
    /// Replaces what is shown of the region; more will come.
    pub fn show(&self, view: View) {
        *lock(&self.view) = (view, false);
    }

    /// Takes note that nothing more will come.
    pub fn finish(&self, view: View) {
        *lock(&self.view) = (view, true);
    }

    /// How far it has come, and whether that is the end.
    pub fn view(&self) -> (View, bool) {
        *lock(&self.view)
    }
}

impl ReadProgress {
    /// Counts a document that was found, and its bytes as stored.
    pub fn find(&self, bytes: u64) {
        self.found.fetch_add(1, Ordering::Relaxed);
        self.found_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts a document that was read, its bytes as stored, and its records.
    pub fn finish(&self, bytes: u64, events: u64) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.done_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.events.fetch_add(events, Ordering::Relaxed);
    }

    /// Takes note of a region whose event history will be read.
    pub fn begin(&self, scope: Scope) -> Arc<RegionProgress> {
        let region = Arc::new(RegionProgress {
            scope,
            view: Mutex::default(),
        });
        lock(&self.regions).push(region.clone());
        region
    }

    /// The regions whose event history is being read, or was.
    pub fn regions(&self) -> Vec<Arc<RegionProgress>> {
        lock(&self.regions).clone()
    }

    /// A guess how long the slowest region will take.
    pub fn seconds_left(&self) -> f64 {
        let regions = self.regions();
        let open = regions
            .iter()
            .map(|region| region.view())
            .filter(|(_, done)| !done);
        open.map(|(view, _)| view.seconds_left).fold(0.0, f64::max)
    }

    /// Has something said to the user while the run goes on.
    pub fn remark(&self, text: String) {
        lock(&self.remarks).push(text);
    }

    /// Takes what is to be said.
    pub fn remarks(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.remarks))
    }
}

/// A thread that panicked has changed a value or not.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
