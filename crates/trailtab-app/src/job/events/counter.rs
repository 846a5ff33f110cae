//! Counters that keep the records of events instead of counting them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::EventOrder;
use super::buffer::EventBuffer;
use super::merge::SortedEvents;
use super::runs::{RunWriter, SortedRunFile, SpoolError};
use crate::deliver::raw_dump;
use crate::job::parallel;
use crate::source::interrupt::Requester;
use trailtab_core::event::counter::{CountedEvent, EventCounter};
use trailtab_core::event::identity::ResolvedActor;
use trailtab_core::event::needs::{FirstCalls, RecordNeeds};
use trailtab_core::event::scan::JsonText;

/// Memory of all buffers together, in bytes.
const BUFFER_BYTES: usize = 256 << 20;

/// Maximum number of runs. Each one is an open file.
const MAX_RUNS: usize = 48;

/// Keeps the records of events, to give them out in order.
pub struct EventSpool {
    store: Arc<SpoolStore>,
    buffer: Arc<Mutex<EventBuffer>>,
}

/// How events are sorted.
#[derive(Debug, Clone)]
pub(super) struct SpoolOptions {
    pub(super) order: EventOrder,
    /// The most events that are given out.
    pub(super) limit: usize,
    /// Size of the buffer of one thread, in bytes.
    pub(super) buffer_bytes: usize,
    /// Where temporary files are created.
    pub(super) directory: PathBuf,
}

/// What all threads share.
struct SpoolStore {
    options: SpoolOptions,
    stop: Requester,
    buffers: Mutex<Vec<Arc<Mutex<EventBuffer>>>>,
    runs: Mutex<Vec<SortedRunFile>>,
    failure: Mutex<Option<SpoolError>>,
}

impl EventSpool {
    /// Creates an empty spool that gives out the first `limit` events in an order. If a temporary file cannot be
    /// written, it interrupts the reading.
    pub fn new(order: EventOrder, limit: Option<usize>, stop: Requester) -> EventSpool {
        let options = SpoolOptions {
            order,
            limit: limit.unwrap_or(usize::MAX),
            buffer_bytes: BUFFER_BYTES / parallel::threads().max(1),
            directory: std::env::temp_dir(),
        };
        EventSpool::with_options(options, stop)
    }

    pub(super) fn with_options(options: SpoolOptions, stop: Requester) -> EventSpool {
        SpoolStore::spool(&Arc::new(SpoolStore {
            options,
            stop,
            buffers: Mutex::default(),
            runs: Mutex::default(),
            failure: Mutex::default(),
        }))
    }

    /// Gives out the events of all threads, in order.
    ///
    /// # Errors
    ///
    /// If a temporary file could not be written or read.
    pub fn into_sorted(self) -> Result<SortedEvents, SpoolError> {
        let store = self.store;
        let SpoolOptions { order, limit, .. } = store.options;
        if let Some(failure) = lock(&store.failure).take() {
            return Err(failure);
        }
        let buffers = std::mem::take(&mut *lock(&store.buffers)).into_iter();
        let buffers = buffers.map(|buffer| {
            let mut buffer = std::mem::take(&mut *lock(&buffer));
            buffer.sort(order, limit);
            buffer
        });
        let runs = std::mem::take(&mut *lock(&store.runs));
        SortedEvents::new(runs, buffers.collect(), order, limit)
    }
}

impl SpoolStore {
    /// Creates the spool of one thread.
    fn spool(self: &Arc<Self>) -> EventSpool {
        let buffer = Arc::default();
        lock(&self.buffers).push(Arc::clone(&buffer));
        EventSpool {
            store: Arc::clone(self),
            buffer,
        }
    }

    /// Writes a full buffer to a file, unless the limit leaves little of it.
    fn spill(&self, buffer: &mut EventBuffer) -> Result<(), SpoolError> {
        let SpoolOptions {
            order,
            limit,
            buffer_bytes,
            ref directory,
        } = self.options;
        buffer.sort(order, limit);
        if buffer.size() < buffer_bytes / 2 {
            return Ok(());
        }
        let buffer = std::mem::take(buffer);
        let mut run = RunWriter::create(directory)?;
        buffer.iter().try_for_each(|event| run.add(&event))?;
        let run = run.finish()?;
        // Merging happens under the lock: other threads wait, since they would only add further files.
        let mut runs = lock(&self.runs);
        runs.push(run);
        if runs.len() >= MAX_RUNS {
            let all = std::mem::take(&mut *runs);
            let merged = SortedEvents::new(all, Vec::new(), order, limit)?;
            runs.push(merged.into_run(directory)?);
        }
        Ok(())
    }

    fn has_failed(&self) -> bool {
        lock(&self.failure).is_some()
    }
}

impl EventCounter for EventSpool {
    type ActorId = ();

    fn empty(&self) -> Self {
        self.store.spool()
    }

    fn needs(&self) -> RecordNeeds {
        let SpoolOptions { limit, order, .. } = &self.store.options;
        let kept = (*limit != usize::MAX).then_some(FirstCalls {
            count: *limit as u64,
            newest_first: *order == EventOrder::NewestFirst,
        });
        RecordNeeds {
            kept,
            ..RecordNeeds::WHOLE_RECORDS
        }
    }

    fn asks_for_actors(&self) -> bool {
        false
    }

    fn actor(&mut self, _: &ResolvedActor) {}

    fn add(&mut self, event: &CountedEvent<'_, '_>, (): ()) {
        let record = event.record;
        let id = record.event_id.map(JsonText::decode).unwrap_or_default();
        let mut buffer = lock(&self.buffer);
        buffer.add(event.calls.first(), id.as_bytes(), |out| {
            raw_dump::compact(record.raw, out);
        });
        if buffer.size() < self.store.options.buffer_bytes {
            return;
        }
        if self.store.has_failed() {
            *buffer = EventBuffer::default();
        } else if let Err(error) = self.store.spill(&mut buffer) {
            lock(&self.store.failure).get_or_insert(error);
            // The events cannot be given out any more.
            self.store.stop.request();
        }
    }

    fn add_odd(&mut self, _: &str, _: u64, _: &str) {}

    /// All spools of a run share one store.
    fn merge(&mut self, _: &Self) {}

    fn is_empty(&self) -> bool {
        lock(&self.buffer).len() == 0 && lock(&self.store.runs).is_empty()
    }
}

/// Receives each record as it is read, from any thread.
pub type EventSink<'s> = dyn Fn(&[u8]) + Sync + Send + 's;

/// Gives out the records of events as they are read, in no order.
#[derive(Clone, Copy)]
pub struct EventStream<'s> {
    sink: &'s EventSink<'s>,
}

impl<'s> EventStream<'s> {
    /// Creates a stream to a sink.
    pub fn new(sink: &'s EventSink<'s>) -> EventStream<'s> {
        EventStream { sink }
    }
}

impl EventCounter for EventStream<'_> {
    type ActorId = ();

    fn empty(&self) -> Self {
        *self
    }

    fn needs(&self) -> RecordNeeds {
        RecordNeeds::WHOLE_RECORDS
    }

    fn asks_for_actors(&self) -> bool {
        false
    }

    fn actor(&mut self, _: &ResolvedActor) {}

    fn add(&mut self, event: &CountedEvent<'_, '_>, (): ()) {
        (self.sink)(event.record.raw);
    }

    fn add_odd(&mut self, _: &str, _: u64, _: &str) {}

    fn merge(&mut self, _: &Self) {}

    fn is_empty(&self) -> bool {
        true
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
