//! What a result that was made by reading events is based on, besides a summary, which has its own contract.

use std::collections::BTreeMap;

use serde::Serialize;

use super::summary::{ProblemReport, document_outcomes};
use crate::coverage;
use crate::event::ingest::{IngestStats, Reconciliation};
use crate::time::{self, TimeWindow};

/// What was requested, what was read, and what is missing and why. Times are UTC, written
/// `2026-09-07T08:00:00Z`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadingCoverage {
    /// Whether everything that was requested was read; if not, the exit code is 3.
    pub complete: bool,
    /// The first second of the requested window; null where it is open.
    pub since: Option<String>,
    /// The first second after the window; null where it is open.
    pub until: Option<String>,
    /// How many records were read, counted, filtered out, duplicate and unreadable.
    pub counts: Reconciliation,
    /// Number of log files, pages or payloads that were opened.
    pub documents: u64,
    /// Size of these documents in bytes as stored, mostly compressed.
    pub document_bytes: u64,
    /// These documents by what they turned out to be: `events`, `other_kind`, `unrelated` or
    /// `problem`. The counts add up to `documents`.
    pub document_outcomes: BTreeMap<String, u64>,
    /// The first of the documents that have nothing to do with CloudTrail, by name; at most 10.
    pub unrelated_documents: Vec<String>,
    /// Content of the documents that is not an event, by kind.
    pub other_content: BTreeMap<String, u64>,
    /// The last day of delivery whose log files in S3 were listed, written `2026-09-07`; absent if all
    /// were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_delivery_day: Option<String>,
    /// Updated events that were left out as duplicates, because the event that they update was counted
    /// before they were read.
    pub updates_not_applied: u64,
    /// How the event history was read; absent for log files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_history: Option<EventHistory>,
    /// Accounts and regions (`ACCOUNT:REGION`) that could not be read completely, with the error
    /// code.
    pub regions_failed: BTreeMap<String, String>,
    /// Documents, accounts and regions that could not be read completely; at most 1000.
    pub problems: Vec<ProblemReport>,
    /// Number of problems beyond the 1000 that are listed.
    pub problems_not_listed: u64,
}

/// How the event history was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventHistory {
    /// Regions that requests were sent to, each counted once per account.
    pub regions: u64,
    /// Regions that were tried and are not enabled, each counted once per account.
    pub regions_not_enabled: u64,
    /// Number of requests to LookupEvents.
    pub requests: u64,
    /// Requests to LookupEvents that were throttled.
    pub throttled_requests: u64,
    /// The filter that was passed to LookupEvents. The events that it excluded were not read and
    /// are in no count.
    pub lookup_attribute: Option<String>,
    /// Events from this time on may not have been delivered yet; null if all have been.
    pub settled_until: Option<String>,
}

impl ReadingCoverage {
    /// Describes what was read of a window.
    pub fn of<C>(
        intaken: &IngestStats<C>,
        coverage: &coverage::RunCoverage,
        window: TimeWindow,
    ) -> ReadingCoverage {
        let others = intaken.others.iter();
        let codes = coverage.codes.iter();
        ReadingCoverage {
            complete: coverage.is_complete(),
            since: window.since.map(time::iso),
            until: window.until.map(time::iso),
            counts: intaken.counts,
            documents: coverage.documents,
            document_bytes: coverage.bytes,
            document_outcomes: document_outcomes(coverage),
            unrelated_documents: coverage.unrelated.iter().cloned().collect(),
            other_content: others
                .map(|(kind, n)| (kind.name().to_owned(), *n))
                .collect(),
            last_delivery_day: coverage.last_delivery_day(),
            updates_not_applied: intaken.updates_not_applied,
            event_history: EventHistory::of(coverage),
            regions_failed: codes
                .map(|(scope, code)| (scope.to_string(), code.clone()))
                .collect(),
            problems: coverage.problems.iter().map(ProblemReport::from).collect(),
            problems_not_listed: coverage.more_problems,
        }
    }
}

impl EventHistory {
    fn of(coverage: &coverage::RunCoverage) -> Option<EventHistory> {
        let requests = coverage.requests.values();
        let is_read = !coverage.requests.is_empty()
            || coverage.settled_until.is_some()
            || coverage.lookup_attribute.is_some();
        is_read.then(|| EventHistory {
            regions: coverage.requests.len() as u64,
            regions_not_enabled: coverage.not_enabled.len() as u64,
            requests: requests.clone().map(|(all, _)| all).sum(),
            throttled_requests: requests.map(|(_, throttled)| throttled).sum(),
            lookup_attribute: coverage.lookup_attribute.clone(),
            settled_until: coverage.settled_until.map(time::iso),
        })
    }
}
