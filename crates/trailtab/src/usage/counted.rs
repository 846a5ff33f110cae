//! Reads and counts events for `trailtab usage`, and reports what is missing.

use std::sync::Arc;

use crate::RunEnd;
use crate::format::Format;
use crate::reading::{self, CredentialArgs, ReadingArgs, ReadingOptions, ReadingPlan};
use crate::signals;
use crate::ui::Ui;
use trailtab_app::clock;
use trailtab_app::deliver::count_runs::CountRuns;
use trailtab_core::activity::memory::CountMemory;
use trailtab_core::activity::usage::basis::{ReportProvenance, report_extent};
use trailtab_core::activity::usage::bounded::{BoundedUsage, SortedUsage};
use trailtab_core::activity::usage::dimension::CallDimension;
use trailtab_core::activity::usage::metrics::MetricSets;
use trailtab_core::activity::usage::{UsageTally, UsageTotals};
use trailtab_core::event::counter::EventCounter;
use trailtab_core::time::{Seconds, TimeRange, TimeWindow};
use trailtab_render as render;

/// Counted usage, its time window and its provenance.
pub(super) struct CountedUsage<U> {
    pub(super) usage: U,
    /// When reading began.
    pub(super) read_at: Seconds,
    /// The window that was asked for.
    pub(super) window: TimeWindow,
    pub(super) extent: TimeRange,
    pub(super) basis: ReportProvenance,
}

impl CountedUsage<UsageTally> {
    /// Counts for metrics, whose dimensions have few values. `None` if only the statement of a query was printed.
    ///
    /// # Errors
    ///
    /// If the arguments do not fit together, or nothing could be read.
    pub(super) fn for_metrics(
        args: &ReadingArgs,
        credentials: &CredentialArgs,
        sets: &MetricSets,
        ui: Ui,
    ) -> anyhow::Result<Option<Self>> {
        let empty = UsageTally::by(&sets.dimensions());
        CountedUsage::read(args, credentials, &empty, ui)
    }
}

impl CountedUsage<SortedUsage> {
    /// Counts for a table, whose dimensions may have any number of values: what has no room in memory goes to a
    /// temporary file. `None` if only the statement of a query was printed.
    ///
    /// # Errors
    ///
    /// If the arguments do not fit together, or nothing could be read.
    pub(super) fn for_table(
        args: &ReadingArgs,
        credentials: &CredentialArgs,
        dimensions: &[CallDimension],
        ui: Ui,
    ) -> anyhow::Result<Option<Self>> {
        let store = Box::new(CountRuns::in_temporary_directory());
        let memory = Arc::new(CountMemory::new(store, CountMemory::DEFAULT_LIMIT_BYTES));
        let empty = BoundedUsage::by(dimensions, Arc::clone(&memory));
        let counted = CountedUsage::read(args, credentials, &empty, ui)?;
        let Some(counted) = counted else {
            return Ok(None);
        };
        if let Some(failure) = memory.failure() {
            ui.remark(&format!(
                "{failure}; all counts were kept in memory instead"
            ));
        }
        Ok(Some(CountedUsage {
            usage: counted.usage.sorted()?,
            read_at: counted.read_at,
            window: counted.window,
            extent: counted.extent,
            basis: counted.basis,
        }))
    }
}

impl<U: AsRef<UsageTotals> + EventCounter> CountedUsage<U> {
    /// Reads all that the arguments name, and counts with clones of `empty`.
    ///
    /// # Errors
    ///
    /// If the arguments do not fit together, or nothing could be read.
    fn read(
        args: &ReadingArgs,
        credentials: &CredentialArgs,
        empty: &U,
        ui: Ui,
    ) -> anyhow::Result<Option<Self>> {
        let now = clock::now();
        let plan = ReadingPlan::new(args, credentials, false, now)?;
        let mut run = plan.context();
        let reading = signals::interruptible(signals::STOPS_READING);
        let outcome = plan.run(ReadingOptions::default(), empty, &reading.interrupt, ui)?;
        let Some(outcome) = outcome else {
            return Ok(None);
        };
        drop(reading);
        run.no_match.clone_from(&outcome.no_match);
        let mut usage = empty.empty();
        let parts = outcome.intaken.tallies.values();
        parts.for_each(|part| usage.merge(part));
        Ok(Some(CountedUsage {
            extent: report_extent(usage.as_ref(), run.window),
            basis: ReportProvenance::of(usage.as_ref(), &outcome.intaken, &outcome.coverage, &run),
            usage,
            read_at: now,
            window: run.window,
        }))
    }
}

impl<U> CountedUsage<U> {
    pub(super) fn ended(&self) -> RunEnd {
        match self.basis.coverage.reading.complete {
            true => RunEnd::Done,
            false => RunEnd::Partial,
        }
    }

    /// Prints to standard error what a result in this form has no place for.
    pub(super) fn tell_beside(&self, format: Format, ui: Ui) {
        match format {
            Format::Text => {}
            Format::Json => self.tell_no_match(ui),
            Format::Csv => self.tell_what_is_missing(ui),
        }
    }

    /// Prints to standard error why nothing was counted.
    pub(super) fn tell_no_match(&self, ui: Ui) {
        reading::tell_no_match(&render::usage::no_match(&self.basis), ui);
    }

    /// Prints to standard error what is missing, for results that have no place for it.
    pub(super) fn tell_what_is_missing(&self, ui: Ui) {
        self.tell_no_match(ui);
        let coverage = &self.basis.coverage;
        if coverage.incomplete > 0 {
            ui.remark(&format!(
                "events without a time, region, service or API, which are left out: {}",
                coverage.incomplete
            ));
        }
        reading::tell_problems(&coverage.reading, ui);
    }
}
