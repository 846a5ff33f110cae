//! Batches of events, which a sink looks up together.

use super::content::RecordSink;
use crate::event::record::EventRecord;

/// Maximum number of events in a batch.
const BATCH: usize = 128;

/// Collects events into batches, so that the sink can look them up together.
pub(super) struct RecordBatch<'b, 's, S> {
    pub(super) sink: &'s mut S,
    batch: Vec<EventRecord<'b>>,
}

impl<'b, 's, S: RecordSink> RecordBatch<'b, 's, S> {
    pub(super) fn new(sink: &'s mut S) -> Self {
        let batch = Vec::new();
        RecordBatch { sink, batch }
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
    }
}
