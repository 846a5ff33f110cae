//! Usage that was read, and what is known of it.

use crate::Ended;
use crate::reading::{self, CredentialArgs, Plan, ReadingArgs, Wishes};
use crate::signals;
use crate::ui::Ui;
use trailtab_app::clock;
use trailtab_core::activity::summary::Run;
use trailtab_core::activity::usage::basis::{Basis, Extent};
use trailtab_core::activity::usage::{Detail, Usage};
use trailtab_core::event::ingest::Counter as _;
use trailtab_core::time::Window;
use trailtab_render as render;

/// Problems that are named where the result has no place for them.
const MOST_NAMED: usize = 10;

/// Usage, the time that it is about, and what it rests on.
pub(super) struct Counted {
    pub(super) usage: Usage,
    /// What was asked for.
    pub(super) window: Window,
    pub(super) extent: Extent,
    pub(super) basis: Basis,
}

impl Counted {
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
    ) -> anyhow::Result<Counted> {
        let now = clock::now();
        let plan = Plan::new(args, credentials, false, now)?;
        let mut run = Run {
            window: plan.window,
            activity_type: plan.filter.activity_type.name(),
            invocation: reading::invocation(),
            now,
            version: env!("CARGO_PKG_VERSION"),
            caller: None,
            no_match: None,
        };
        let reading = signals::interruptible(signals::STOPS_READING);
        let outcome = plan.run(
            Wishes::default(),
            &Usage::new(detail),
            &reading.interrupt,
            ui,
        )?;
        drop(reading);
        run.no_match.clone_from(&outcome.no_match);
        let mut usage = Usage::new(detail);
        let parts = outcome.intaken.tallies.values();
        parts.for_each(|part| usage.merge(part));
        Ok(Counted {
            extent: Extent::of(&usage, run.window),
            basis: Basis::of(&usage, &outcome.intaken, &outcome.coverage, &run),
            usage,
            window: run.window,
        })
    }

    pub(super) fn ended(&self) -> Ended {
        match self.basis.coverage.complete {
            true => Ended::Done,
            false => Ended::Partial,
        }
    }

    /// Says why nothing was counted, beside results that are for programs.
    pub(super) fn tell_no_match(&self, ui: Ui) {
        let text = render::usage::no_match(&self.basis);
        text.lines().for_each(|line| ui.remark(line));
    }

    /// Says what is missing, for results that have no place for that.
    pub(super) fn tell_what_is_missing(&self, ui: Ui) {
        self.tell_no_match(ui);
        let coverage = &self.basis.coverage;
        if coverage.incomplete > 0 {
            ui.remark(&format!(
                "events without a time, region, service or API, which are not in it: {}",
                coverage.incomplete
            ));
        }
        let all = coverage.problems.len() as u64 + coverage.problems_not_listed;
        for problem in coverage.problems.iter().take(MOST_NAMED) {
            let (document, reason) = (&problem.document, &problem.reason);
            ui.error(&anyhow::anyhow!("incomplete: {document}: {reason}"));
        }
        if let Some(more @ 1..) = all.checked_sub(MOST_NAMED as u64) {
            ui.error(&anyhow::anyhow!("incomplete: for {more} more reasons"));
        }
    }
}
