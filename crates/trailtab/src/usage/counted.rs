//! Reads and counts events for `trailtab usage`, and reports what is missing.

use crate::RunEnd;
use crate::format::Format;
use crate::reading::{self, CredentialArgs, ReadingArgs, ReadingOptions, ReadingPlan};
use crate::signals;
use crate::ui::Ui;
use trailtab_app::clock;
use trailtab_core::activity::usage::basis::{ReportProvenance, report_extent};
use trailtab_core::activity::usage::{Detail, UsageTally};
use trailtab_core::event::counter::EventCounter as _;
use trailtab_core::time::{TimeRange, TimeWindow};
use trailtab_render as render;

/// Counted usage, its time window and its provenance.
pub(super) struct CountedUsage {
    pub(super) usage: UsageTally,
    /// The window that was asked for.
    pub(super) window: TimeWindow,
    pub(super) extent: TimeRange,
    pub(super) basis: ReportProvenance,
}

impl CountedUsage {
    /// Reads all that the arguments name.
    ///
    /// # Errors
    ///
    /// If the arguments do not fit together, or nothing could be read.
    pub(super) fn read(
        args: &ReadingArgs,
        credentials: &CredentialArgs,
        detail: Detail,
        ui: Ui,
    ) -> anyhow::Result<CountedUsage> {
        let now = clock::now();
        let plan = ReadingPlan::new(args, credentials, false, now)?;
        let mut run = plan.context();
        let reading = signals::interruptible(signals::STOPS_READING);
        let outcome = plan.run(
            ReadingOptions::default(),
            &UsageTally::new(detail),
            &reading.interrupt,
            ui,
        )?;
        drop(reading);
        run.no_match.clone_from(&outcome.no_match);
        let mut usage = UsageTally::new(detail);
        let parts = outcome.intaken.tallies.values();
        parts.for_each(|part| usage.merge(part));
        Ok(CountedUsage {
            extent: report_extent(&usage, run.window),
            basis: ReportProvenance::of(&usage, &outcome.intaken, &outcome.coverage, &run),
            usage,
            window: run.window,
        })
    }

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
