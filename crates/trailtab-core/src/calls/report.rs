//! What a list of calls is based on.

use serde::Serialize;

use crate::activity::provenance::ReadingCoverage;
use crate::activity::summary::RunContext;
use crate::coverage::RunCoverage;
use crate::event::ingest::IngestStats;
use crate::event::no_match::NoMatch;
use crate::time;

/// Grows when a field of the JSON of `trailtab events` changes its meaning or goes away.
const SCHEMA_VERSION: u32 = 1;

/// How a list of calls was made, and what is missing in it: `_metadata` of the JSON. Times are UTC, written
/// `2026-09-07T08:00:00Z`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallsProvenance {
    /// The version of this JSON contract: 1.
    pub schema_version: u32,
    /// The program that made this.
    pub version: String,
    /// The command line.
    pub invocation: String,
    /// When the program ran.
    pub run_time: String,
    /// The most events that were asked for; null without a limit.
    pub limit: Option<u64>,
    /// The events that matched and are not listed because of the limit.
    pub events_not_listed: u64,
    /// What was read, and what is missing.
    pub coverage: ReadingCoverage,
    /// Why no event matched; absent if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_match: Option<NoMatch>,
}

impl CallsProvenance {
    /// Describes what the events of a run are based on.
    pub fn of<C>(
        intaken: &IngestStats<C>,
        coverage: &RunCoverage,
        run: &RunContext,
        limit: Option<u64>,
    ) -> CallsProvenance {
        let matched = intaken.counts.counted;
        CallsProvenance {
            schema_version: SCHEMA_VERSION,
            version: run.version.to_owned(),
            invocation: run.invocation.clone(),
            run_time: time::iso(run.now),
            limit,
            events_not_listed: limit.map_or(0, |limit| matched.saturating_sub(limit)),
            coverage: ReadingCoverage::of(intaken, coverage, run.window),
            no_match: run.no_match.clone(),
        }
    }
}
