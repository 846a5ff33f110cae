//! What was requested, what was read, and what is missing: the member `coverage` of the section `trailtab`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::maps::entry;
use super::run::RunContext;
use crate::activity::tally::Tally;
use crate::coverage::{DocumentOutcome, ReadProblem, RunCoverage, Severity};
use crate::event::ingest::IngestStats;
use crate::scope::{AccountId, Scope};
use crate::time;

/// What was requested, what was read, and what is missing and why.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CoverageReport {
    /// Regions by account.
    pub accounts: BTreeMap<String, BTreeMap<String, RegionReport>>,
    /// Whether everything that was requested was read; if not, the exit code is 3.
    pub complete: bool,
    /// Number of log files, pages or payloads that were opened.
    pub documents: u64,
    /// Size of these documents in bytes as stored, mostly compressed.
    pub document_bytes: u64,
    /// These documents by what they turned out to be: `events`, `other_kind`, `unrelated` or
    /// `problem`. The counts add up to `documents`.
    #[serde(default)]
    pub document_outcomes: BTreeMap<String, u64>,
    /// The first of the documents that have nothing to do with CloudTrail, by name; at most 10.
    #[serde(default)]
    pub unrelated_documents: Vec<String>,
    /// Events by eventVersion, in numeric order.
    pub event_versions: BTreeMap<String, u64>,
    /// Counted events whose record has no valid eventTime.
    pub events_without_time: u64,
    /// Events whose record has no valid eventTime and that are not counted, because there is a time
    /// window. They are among the `unreadable` records.
    #[serde(default)]
    pub events_without_time_not_counted: u64,
    /// Counted records that were converted to CloudTrail's form, by the form they came in: `ocsf`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub converted_records: BTreeMap<String, u64>,
    /// The filter that was passed to LookupEvents, such as `EventName=RunInstances`. The events
    /// that it excluded were not read and are in no count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookup_attribute: Option<String>,
    /// Events from this time on may not have been delivered to the event history yet; absent if all
    /// have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_until: Option<String>,
    /// The last day of delivery whose log files in S3 were listed, written `2026-09-07`; absent if all
    /// were. CloudTrail may deliver events up to 30 days late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_delivery_day: Option<String>,
    /// The start of the requested window; null where it is open.
    pub since: Option<String>,
    /// The end of the window (exclusive); null where it is open.
    pub until: Option<String>,
    /// Content of the documents that is not an event, by kind.
    pub other_content: BTreeMap<String, u64>,
    /// Documents, accounts and regions that could not be read completely; at most 1000.
    pub problems: Vec<ProblemReport>,
    /// Number of problems beyond the 1000 that are listed.
    pub problems_not_listed: u64,
    /// Identities of an unknown shape, by shape.
    pub unknown_identities: BTreeMap<String, UnknownIdentity>,
    /// Updated events that were left out as duplicates, because the event that they update was counted
    /// before they were read.
    #[serde(default)]
    pub updates_not_applied: u64,
}

/// One region of one account.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RegionReport {
    /// Number of events counted.
    pub events: u64,
    /// The earliest eventTime, written `2026-09-07T08:00:00Z`; null if no record has a time.
    pub first_seen: Option<String>,
    /// The latest eventTime, written `2026-09-07T08:00:00Z`; null if no record has a time.
    pub last_seen: Option<String>,
    /// `complete`, `partial`, `failed`, or `not_enabled` if the region was tried and is not
    /// enabled.
    pub status: String,
    /// The error code of AWS; absent if no request failed for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Number of requests to LookupEvents; absent for log files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Requests to LookupEvents that were throttled; absent for log files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled_requests: Option<u64>,
}

/// A document that could not be read completely.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProblemReport {
    /// The path, address or scope of the document.
    pub document: String,
    /// What went wrong.
    pub reason: String,
    /// `partial` or `failed`.
    pub severity: String,
}

/// Identities of an unknown shape.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnknownIdentity {
    /// Number of events with an identity of this shape.
    pub events: u64,
    /// The shortest of them, as JSON cut to 500 characters.
    pub example: String,
}

impl CoverageReport {
    pub(super) fn of(
        tally: &Tally,
        intaken: &IngestStats<Tally>,
        coverage: &RunCoverage,
        run: &RunContext,
    ) -> CoverageReport {
        let problems = coverage.problems.iter().map(ProblemReport::from);
        let others = intaken
            .others
            .iter()
            .map(|(kind, n)| (kind.name().to_owned(), *n));
        let odd = tally.odd().iter().map(|(shape, odd)| {
            let example = odd.example.clone();
            (
                shape.clone(),
                UnknownIdentity {
                    events: odd.events,
                    example,
                },
            )
        });
        let mut event_versions = BTreeMap::new();
        for (version, count) in tally.versions() {
            *entry(&mut event_versions, &normal_version(version)) += count;
        }
        CoverageReport {
            accounts: regions(tally, coverage),
            complete: coverage.is_complete(),
            lookup_attribute: coverage.lookup_attribute.clone(),
            settled_until: coverage.settled_until.map(time::iso),
            last_delivery_day: coverage.last_delivery_day(),
            documents: coverage.documents,
            document_bytes: coverage.bytes,
            document_outcomes: document_outcomes(coverage),
            unrelated_documents: coverage.unrelated.iter().cloned().collect(),
            event_versions,
            events_without_time: tally.without_time(),
            events_without_time_not_counted: intaken.undated,
            converted_records: intaken
                .converted
                .iter()
                .map(|(form, n)| (form.name().to_owned(), *n))
                .collect(),
            since: run.window.since.map(time::iso),
            until: run.window.until.map(time::iso),
            other_content: others.collect(),
            problems: problems.collect(),
            problems_not_listed: coverage.more_problems,
            unknown_identities: odd.collect(),
            updates_not_applied: intaken.updates_not_applied,
        }
    }
}

impl From<&ReadProblem> for ProblemReport {
    fn from(problem: &ReadProblem) -> ProblemReport {
        ProblemReport {
            document: problem.document.clone(),
            reason: problem.reason.clone(),
            severity: problem.severity.name().to_owned(),
        }
    }
}

/// The documents by their outcome, all outcomes included.
pub(crate) fn document_outcomes(coverage: &RunCoverage) -> BTreeMap<String, u64> {
    let of = |outcome| coverage.outcomes.get(&outcome).copied().unwrap_or_default();
    DocumentOutcome::ALL
        .map(|outcome| (outcome.name().to_owned(), of(outcome)))
        .into()
}

/// The reports of regions, by account and region.
type RegionReports = BTreeMap<String, BTreeMap<String, RegionReport>>;

fn region_report<'m>(
    reports: &'m mut RegionReports,
    account: AccountId,
    region: &str,
) -> &'m mut RegionReport {
    entry(entry(reports, account.as_str()), region)
}

/// Combines the regions that were requested with the regions of the events.
fn regions(tally: &Tally, coverage: &RunCoverage) -> RegionReports {
    let mut accounts = RegionReports::new();
    for (scope, severity) in &coverage.asked {
        let report = region_report(&mut accounts, scope.account(), scope.region_name());
        report.status = severity.map_or("complete", Severity::name).to_owned();
    }
    for Scope { account, region } in &coverage.not_enabled {
        region_report(&mut accounts, *account, region.as_str()).status = "not_enabled".to_owned();
    }
    for (scope, code) in &coverage.codes {
        region_report(&mut accounts, scope.account(), scope.region_name()).code =
            Some(code.clone());
    }
    for (Scope { account, region }, (all, throttled)) in &coverage.requests {
        let report = region_report(&mut accounts, *account, region.as_str());
        report.requests = Some(*all);
        report.throttled_requests = Some(*throttled);
    }
    for (account, region, stats) in tally.scopes() {
        let report = entry(entry(&mut accounts, account), region);
        report.events = stats.calls;
        report.first_seen = stats.first.map(time::iso);
        report.last_seen = stats.last.map(time::iso);
        if report.status.is_empty() {
            report.status = "complete".to_owned();
        }
    }
    accounts
}

/// Normalizes a version number: 1.8, 1.08 and 1.008 are the same version, and less than 1.10.
pub(super) fn normal_version(text: &str) -> String {
    let parse = |text: &str| -> Option<(u32, u32)> {
        let (major, minor) = text.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    match parse(text) {
        Some((major, 0)) => format!("{major}.0"),
        Some((major, minor)) => format!("{major}.{minor:02}"),
        None => text.to_owned(),
    }
}
