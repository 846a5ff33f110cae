//! Merges sorted runs.

use std::path::Path;

use super::EventOrder;
use super::buffer::{EventBuffer, SpooledEvent};
use super::runs::{RunReader, RunWriter, SortedRunFile, SpoolError};

/// One sorted sequence, in a file or in memory.
enum SortedRun {
    File(RunReader),
    Memory { buffer: EventBuffer, at: usize },
}

impl SortedRun {
    fn event(&self) -> Option<SpooledEvent<'_>> {
        match self {
            SortedRun::File(run) => Some(run.event()),
            SortedRun::Memory { buffer, at } => buffer.get(*at),
        }
    }

    fn advance(&mut self) -> Result<bool, SpoolError> {
        match self {
            SortedRun::File(run) => run.advance(),
            SortedRun::Memory { buffer, at } => {
                *at += 1;
                Ok(*at < buffer.len())
            }
        }
    }
}

/// The events of several sorted runs, in order.
pub struct SortedEvents {
    /// The runs that have an event, the run of the least event last.
    runs: Vec<SortedRun>,
    order: EventOrder,
    /// How many events are still to come, at most.
    left: usize,
    /// Whether the last run's event was given out.
    is_given: bool,
}

impl SortedEvents {
    /// Begins with the first event. The buffers are sorted.
    pub(super) fn new(
        files: Vec<SortedRunFile>,
        buffers: Vec<EventBuffer>,
        order: EventOrder,
        limit: usize,
    ) -> Result<SortedEvents, SpoolError> {
        let mut runs = Vec::new();
        for file in files {
            let mut run = RunReader::open(file)?;
            if run.advance()? {
                runs.push(SortedRun::File(run));
            }
        }
        let buffers = buffers.into_iter().filter(|buffer| buffer.len() > 0);
        runs.extend(buffers.map(|buffer| SortedRun::Memory { buffer, at: 0 }));
        let mut events = SortedEvents {
            runs: Vec::new(),
            order,
            left: limit,
            is_given: false,
        };
        runs.into_iter().for_each(|run| events.insert(run));
        Ok(events)
    }

    /// The record of the next event; None after the last one.
    ///
    /// # Errors
    ///
    /// If a temporary file cannot be read.
    pub fn next_record(&mut self) -> Result<Option<&[u8]>, SpoolError> {
        Ok(self.next_event()?.map(|event| event.record))
    }

    fn next_event(&mut self) -> Result<Option<SpooledEvent<'_>>, SpoolError> {
        if self.is_given
            && let Some(mut run) = self.runs.pop()
            && run.advance()?
        {
            self.insert(run);
        }
        self.is_given = self.left > 0;
        if !self.is_given {
            return Ok(None);
        }
        self.left -= 1;
        Ok(self.runs.last().and_then(SortedRun::event))
    }

    /// Puts a run where its event belongs.
    fn insert(&mut self, run: SortedRun) {
        let Some(event) = run.event() else { return };
        // Most events are followed by another one of the same run: look from the end.
        let is_later = |other: &SortedRun| {
            let other = other.event();
            other.is_some_and(|other| other.compare(&event, self.order).is_gt())
        };
        let at = self.runs.partition_point(is_later);
        self.runs.insert(at, run);
    }

    /// Writes all events into one run.
    pub(super) fn into_run(mut self, directory: &Path) -> Result<SortedRunFile, SpoolError> {
        let mut run = RunWriter::create(directory)?;
        while let Some(event) = self.next_event()? {
            run.add(&event)?;
        }
        run.finish()
    }
}
