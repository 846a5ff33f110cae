//! Batches of events, which a sink looks up together.

use super::content::RecordSink;
use super::messages::WaitingMessages;
use crate::event::record::EventRecord;
use crate::event::scan::{JsonScanner, ScanResult};

/// Maximum number of events in a batch.
const BATCH: usize = 128;

/// Collects events into batches, so that the sink can look them up together.
pub(super) struct RecordBatch<'b, 's, S> {
    pub(super) sink: &'s mut S,
    batch: Vec<EventRecord<'b>>,
    messages: WaitingMessages<'b>,
    /// Number of documents around the events.
    nesting: usize,
}

impl<'b, 's, S: RecordSink> RecordBatch<'b, 's, S> {
    pub(super) fn new(nesting: usize, sink: &'s mut S) -> Self {
        RecordBatch {
            sink,
            batch: Vec::with_capacity(BATCH),
            messages: WaitingMessages::default(),
            nesting,
        }
    }

    /// Takes a log event whose message may be a record; returns whether it did.
    pub(super) fn log_event(&mut self, scanner: &mut JsonScanner<'b>) -> ScanResult<bool> {
        let is_taken = self.messages.take(scanner)?;
        if self.messages.is_full() {
            self.messages.read(self.nesting, self.sink);
        }
        Ok(is_taken)
    }

    pub(super) fn event(&mut self, record: EventRecord<'b>) {
        self.batch.push(record);
        if self.batch.len() == BATCH {
            self.flush();
        }
    }

    /// The userIdentity of the previous event; empty if the batch is.
    pub(super) fn last_identity(&self) -> &'b [u8] {
        self.batch.last().map_or(b"", |record| record.user_identity)
    }

    pub(super) fn flush(&mut self) {
        self.sink.events(&self.batch);
        self.batch.clear();
        if !self.messages.is_empty() {
            self.messages.read(self.nesting, self.sink);
        }
    }
}
