//! The events themselves, in order of time: an external merge sort of records.
//!
//! Each thread fills a buffer. A full buffer is sorted and written to a temporary file, a run; the runs are merged at
//! the end. So memory is bounded by the buffers, and the order does not depend on how records are split over
//! files and threads. A temporary file has no name, so nothing is left behind however the process ends.

mod buffer;
mod counter;
mod merge;
mod runs;

pub use counter::{EventSink, EventSpool, EventStream};
pub use merge::SortedEvents;
pub use runs::SpoolError;

/// The order of events by time. Events of the same second are ordered by their eventID, and events without
/// a time come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EventOrder {
    /// The first event first.
    #[default]
    OldestFirst,
    /// The last event first.
    NewestFirst,
}

#[cfg(test)]
mod tests;
