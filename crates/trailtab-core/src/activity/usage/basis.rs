//! The part that all usage reports share: how they were made, and what they are based on.

use serde::Serialize;

use super::{MINUTE, UsageTotals};
use crate::activity::provenance::ReadingCoverage;
use crate::activity::summary::RunContext;
use crate::coverage;
use crate::event::ingest::IngestStats;
use crate::event::no_match::NoMatch;
use crate::time::{self, Seconds, TimeRange};

/// Grows when a field of a report on usage changes its meaning or goes away.
const SCHEMA_VERSION: u32 = 1;

/// What a report rests on. Times are UTC, written `2026-09-07T08:00:00Z`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportProvenance {
    /// The version of this JSON contract: 1.
    pub schema_version: u32,
    /// The program that made this.
    pub version: String,
    /// The command line.
    pub invocation: String,
    /// When the program ran.
    pub run_time: String,
    /// `ALL`, `SUCCESSFUL` or `FAILED`.
    pub activity_type: String,
    /// What was read, and what is missing.
    pub coverage: UsageCoverage,
    /// Why no event was counted; absent if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_match: Option<NoMatch>,
}

/// What was read for the tables, and what is missing and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsageCoverage {
    /// The first minute with a call; null without calls.
    pub first_minute: Option<String>,
    /// The last minute with a call; null without calls.
    pub last_minute: Option<String>,
    /// Counted events that are in no table, because they have no time, region, service or API.
    pub incomplete: u64,
    /// What was requested, what was read, and what is missing.
    #[serde(flatten)]
    pub reading: ReadingCoverage,
}

impl ReportProvenance {
    /// Describes what a report on this usage is based on.
    pub fn of<C>(
        usage: &UsageTotals,
        intaken: &IngestStats<C>,
        coverage: &coverage::RunCoverage,
        run: &RunContext,
    ) -> ReportProvenance {
        ReportProvenance {
            schema_version: SCHEMA_VERSION,
            version: run.version.to_owned(),
            invocation: run.invocation.clone(),
            run_time: time::iso(run.now),
            activity_type: run.activity_type.to_owned(),
            no_match: run.no_match.clone(),
            coverage: UsageCoverage {
                first_minute: usage.first_minute().map(time::iso),
                last_minute: usage.last_minute().map(time::iso),
                incomplete: usage.incomplete(),
                reading: ReadingCoverage::of(intaken, coverage, run.window),
            },
        }
    }
}

/// The time range of a report: the requested window. An open start is the first minute with a call,
/// an open end the end of the last. It is empty if there are no calls and the window is open.
pub fn report_extent(usage: &UsageTotals, asked: time::TimeWindow) -> TimeRange {
    let from = asked.since.or(usage.first_minute()).unwrap_or(0);
    let last = usage.last_minute().map(|minute| minute + MINUTE);
    TimeRange {
        from,
        until: asked.until.or(last).unwrap_or(from).max(from),
    }
}

/// Returns the index of the part that a minute belongs to, if the extent is cut into `parts` equal
/// parts.
pub(super) fn part_of(extent: TimeRange, minute: Seconds, parts: usize) -> usize {
    let (length, at) = (extent.until - extent.from, minute - extent.from);
    let part = i128::from(at) * parts as i128 / i128::from(length.max(1));
    // The first minute may begin before the window.
    usize::try_from(part.max(0))
        .unwrap_or(usize::MAX)
        .min(parts.saturating_sub(1))
}
