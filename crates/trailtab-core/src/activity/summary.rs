//! The result of `trailtab activity`: the JSON contract, described in docs/summary.md.
//!
//! Five sections and `_metadata` have the keys of aws-summarize-account-activity. Everything else is in the section
//! `trailtab`, which contains the version of the contract.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::activity::tally::{SeenStats, Tally};
use crate::coverage::{ALL_REGIONS, ReadProblem, ReadScope, RunCoverage, Severity};
use crate::event::identity::AgentEvidence;
use crate::event::ingest::{IngestStats, Reconciliation};
use crate::event::no_match::NoMatch;
use crate::integrity::Integrity;
use crate::scope::{AccountId, Scope};
use crate::time::{self, Seconds, TimeWindow};

/// Increased when a field of the section `trailtab` changes its meaning or is removed.
pub const SCHEMA_VERSION: u32 = 1;

/// Counts by two keys.
pub type NestedCounts = BTreeMap<String, BTreeMap<String, u64>>;

/// The activity in one or more accounts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Summary {
    /// What was analysed, and when: `_metadata` of aws-summarize-account-activity.
    #[serde(rename = "_metadata")]
    pub metadata: Metadata,
    /// Calls by principal and `service:API`.
    pub api_calls_by_principal: NestedCounts,
    /// Calls by region and `service:API`.
    pub api_calls_by_region: NestedCounts,
    /// Failed calls by principal and `service:errorCode`. Calls that failed without a code are not
    /// included.
    pub error_codes_by_principal: NestedCounts,
    /// Calls by principal and sourceIPAddress.
    pub ip_addresses_by_principal: NestedCounts,
    /// The fields that aws-summarize-account-activity does not have; absent in its files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trailtab: Option<Extension>,
    /// Calls by principal and userAgent.
    pub user_agents_by_principal: NestedCounts,
}

/// The analysed account and window, the credentials and the time of the run. Times are UTC, written `20260907080000`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Metadata {
    /// The account; `multiple` if there are several, `unknown` if no record names one.
    pub account_id: String,
    /// The ARN whose credentials were used; null if records came from log files.
    pub account_principal: Option<String>,
    /// `ALL`, `SUCCESSFUL` or `FAILED`.
    pub activity_type: String,
    /// The time window that was analysed.
    pub cloudtrail_data_analyzed: Analyzed,
    /// The command line.
    pub invocation: String,
    /// The regions that were read.
    pub regions_enabled: Vec<String>,
    /// The regions that could not be read completely, with the error code. With several accounts,
    /// the key is `ACCOUNT:REGION`; the region `*` stands for a whole account.
    pub regions_failed: BTreeMap<String, String>,
    /// When the program ran.
    pub run_timestamp: String,
}

/// The requested window. An open end is the time of the first or last event.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Analyzed {
    /// The first second of the window, written `20260907080000`; the first event's time if the
    /// window has no start, the time of the run if there is no event either.
    pub from_timestamp: String,
    /// The last second of the window (inclusive), written `20260907080000`; the last event's time
    /// if the window has no end, the time of the run if there is no event either.
    pub to_timestamp: String,
}

/// The section `trailtab`. Times are UTC, written `2026-09-07T08:00:00Z`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Extension {
    /// The version of the section `trailtab`: 1.
    pub schema_version: u32,
    /// Calls by the account that recorded them.
    pub accounts: BTreeMap<String, Calls>,
    /// Calls by hour, `2026-09-07T08` in UTC; hours without calls are left out.
    pub calls_per_hour: BTreeMap<String, Hour>,
    /// How many records were read, counted, filtered out, duplicate and unreadable.
    pub counts: Reconciliation,
    /// What was read and what is missing.
    pub coverage: CoverageReport,
    /// Calls that AWS refused by principal, `service:API` and error code; `no error code` stands for
    /// calls without one, such as failed sign-ins.
    #[serde(default)]
    pub denied_by_principal_and_api: BTreeMap<String, NestedCounts>,
    /// Failed calls by principal, `service:API` and error code.
    pub errors_by_principal_and_api: BTreeMap<String, NestedCounts>,
    /// The result of verifying log files by their digests; absent unless it was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integrity: Option<Integrity>,
    /// Why no event was counted; absent if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_match: Option<NoMatch>,
    /// Calls by person, for principals whose records identify a person.
    pub persons: BTreeMap<String, PersonReport>,
    /// Calls by principal.
    pub principals: BTreeMap<String, PrincipalReport>,
    /// Calls by principal and role session name.
    pub sessions_by_principal: BTreeMap<String, BTreeMap<String, SessionReport>>,
    /// The version of the program.
    pub version: String,
    /// Calls by workload, for principals whose records identify a machine.
    #[serde(default)]
    pub workloads: BTreeMap<String, WorkloadReport>,
}

/// Number of calls, and the times of the first and last one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Calls {
    /// Number of calls.
    pub calls: u64,
    /// Calls with an error code or message, or whose record states a failure.
    pub failed: u64,
    /// Failed calls that AWS refused: for want of a permission, by an explicit deny, or at signing in.
    #[serde(default)]
    pub denied: u64,
    /// Calls whose record says `readOnly: true`.
    pub read_only: u64,
    /// Calls whose record says `readOnly: false`. Calls whose record has no `readOnly` are in
    /// neither count.
    pub write: u64,
    /// The earliest eventTime, written `2026-09-07T08:00:00Z`; null if no record has a time.
    pub first_seen: Option<String>,
    /// The latest eventTime, written `2026-09-07T08:00:00Z`; null if no record has a time.
    pub last_seen: Option<String>,
}

/// The calls of one hour.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Hour {
    /// Number of calls in the hour.
    pub calls: u64,
    /// Those of them with an error code or message.
    pub failed: u64,
}

/// The calls of one principal.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PrincipalReport {
    /// The principal's calls.
    #[serde(flatten)]
    pub calls: Calls,
    /// Calls by `userIdentity.type`. `AssumedRoot` is a session that AssumeRoot created; the empty
    /// name stands for records without a type.
    pub identity_types: BTreeMap<String, u64>,
    /// Calls that AWS services made with the principal's identity, by service; absent if there are
    /// none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_services: BTreeMap<String, u64>,
    /// Calls in sessions that an agent may drive, by what tells so; absent if there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub agents: BTreeMap<String, u64>,
}

/// The calls of one role session.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SessionReport {
    /// The session's calls.
    #[serde(flatten)]
    pub calls: Calls,
    /// Those that an agent may have made, by what tells so: `aws_mcp` or `aws_login`; absent if there
    /// are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub agents: BTreeMap<String, u64>,
}

/// The calls of one workload.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WorkloadReport {
    /// The workload's calls.
    #[serde(flatten)]
    pub calls: Calls,
    /// Calls by the principal that the workload acted as.
    pub principals: BTreeMap<String, u64>,
}

/// The calls of one person.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PersonReport {
    /// The person's calls.
    #[serde(flatten)]
    pub calls: Calls,
    /// How the person was identified: `source_identity`, `session_name`, `identity_center`,
    /// `federation`, `iam_user` or `root`.
    pub evidence: BTreeSet<String>,
    /// Calls in sessions that an agent may drive, by what tells so; absent if there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub agents: BTreeMap<String, u64>,
    /// Calls by the principal that the person acted as.
    pub principals: BTreeMap<String, u64>,
}

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
    /// Events by eventVersion, in numeric order.
    pub event_versions: BTreeMap<String, u64>,
    /// Counted events whose record has no valid eventTime.
    pub events_without_time: u64,
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

/// The facts of a run besides its counts.
#[derive(Debug, Clone, Default)]
pub struct RunContext {
    /// The time window that was asked for.
    pub window: TimeWindow,
    /// Which calls are counted: `ALL`, `SUCCESSFUL` or `FAILED`.
    pub activity_type: &'static str,
    /// The command line.
    pub invocation: String,
    /// When the program ran, in seconds since 1970-01-01T00:00:00Z.
    pub now: Seconds,
    /// The version of the program, such as `0.1.0`.
    pub version: &'static str,
    /// The identity whose credentials were used; None if records came from log files.
    pub caller: Option<CallerIdentity>,
    /// Why no event was counted; None if one was.
    pub no_match: Option<NoMatch>,
}

/// The identity that AWS sees behind the credentials, as `sts:GetCallerIdentity` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account that the credentials belong to.
    pub account: AccountId,
    /// The ARN of the user or role session.
    pub arn: String,
}

impl CallerIdentity {
    /// The partition of AWS: `aws`, `aws-cn`, `aws-us-gov` and others.
    pub fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or("aws")
    }
}

impl Summary {
    /// Builds the summary of a tally. `intaken` and `coverage` describe the whole run, even if the
    /// tally is that of one account.
    pub fn of(
        tally: &Tally,
        intaken: &IngestStats,
        coverage: &RunCoverage,
        run: &RunContext,
    ) -> Summary {
        let mut summary = Summary::default();
        for (principal, source, name, count) in tally.calls_by_principal() {
            let api = format!("{source}:{name}");
            add(&mut summary.api_calls_by_principal, principal, api, count);
        }
        for (region, source, name, count) in tally.calls_by_region() {
            add(
                &mut summary.api_calls_by_region,
                region,
                format!("{source}:{name}"),
                count,
            );
        }
        for (principal, address, count) in tally.addresses() {
            add(
                &mut summary.ip_addresses_by_principal,
                principal,
                address.to_owned(),
                count,
            );
        }
        for (principal, agent, count) in tally.user_agents() {
            add(
                &mut summary.user_agents_by_principal,
                principal,
                agent.to_owned(),
                count,
            );
        }
        for (principal, source, _, code, count) in tally.errors() {
            let key = format!("{source}:{code}");
            add(&mut summary.error_codes_by_principal, principal, key, count);
        }
        let extension = Extension::of(tally, intaken, coverage, run);
        summary.metadata = Metadata::of(tally, &extension, coverage, run);
        summary.trailtab = Some(extension);
        summary
    }
}

fn add(counts: &mut NestedCounts, outer: &str, inner: String, count: u64) {
    *entry(counts, outer).entry(inner).or_default() += count;
}

/// Returns a map's value and inserts it if absent. Copies the key only then.
fn entry<'m, V: Default>(map: &'m mut BTreeMap<String, V>, key: &str) -> &'m mut V {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), V::default());
    }
    map.entry(key.to_owned()).or_default()
}

impl Metadata {
    fn of(
        tally: &Tally,
        extension: &Extension,
        coverage: &RunCoverage,
        run: &RunContext,
    ) -> Metadata {
        let accounts = &extension.coverage.accounts;
        let caller = run.caller.as_ref();
        // An event history is that of the account that was asked, whatever its records say.
        let asked = coverage.asked.keys().map(ReadScope::account);
        let not_enabled = coverage.not_enabled.iter().map(|scope| scope.account);
        let asked: BTreeSet<AccountId> = asked.chain(not_enabled).collect();
        let only_asked = asked
            .first()
            .filter(|_| caller.is_some() && asked.len() == 1);
        let account_id = match accounts.len() {
            _ if let Some(account) = only_asked => account.to_string(),
            0 => caller.map_or_else(|| "unknown".to_owned(), |caller| caller.account.to_string()),
            1 => accounts.keys().next().cloned().unwrap_or_default(),
            _ => "multiple".to_owned(),
        };
        let regions = accounts.values().flatten();
        let first = tally.scopes().filter_map(|(_, _, stats)| stats.first).min();
        let last = tally.scopes().filter_map(|(_, _, stats)| stats.last).max();
        let end = |asked: Option<Seconds>, seen: Option<Seconds>| {
            time::compact(asked.or(seen).unwrap_or(run.now))
        };
        Metadata {
            account_id,
            account_principal: caller.map(|caller| caller.arn.clone()),
            activity_type: run.activity_type.to_owned(),
            cloudtrail_data_analyzed: Analyzed {
                from_timestamp: end(run.window.since, first),
                to_timestamp: end(run.window.until.map(|until| until - 1), last),
            },
            invocation: run.invocation.clone(),
            regions_enabled: regions
                .filter(|(name, report)| *name != ALL_REGIONS && report.status != "not_enabled")
                .map(|(name, _)| name.clone())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            regions_failed: coverage
                .codes
                .iter()
                .map(|(scope, code)| match accounts.len() {
                    0 | 1 => (scope.region_name().to_owned(), code.clone()),
                    _ => (scope.to_string(), code.clone()),
                })
                .collect(),
            run_timestamp: time::compact(run.now),
        }
    }
}

impl Extension {
    fn of(
        tally: &Tally,
        intaken: &IngestStats,
        coverage: &RunCoverage,
        run: &RunContext,
    ) -> Extension {
        let mut extension = Extension {
            schema_version: SCHEMA_VERSION,
            counts: intaken.counts,
            coverage: CoverageReport::of(tally, intaken, coverage, run),
            integrity: coverage.integrity.clone(),
            no_match: run.no_match.clone(),
            version: run.version.to_owned(),
            ..Extension::default()
        };
        extension.add_actors(tally);
        let mut accounts: BTreeMap<String, SeenStats> = BTreeMap::new();
        for (account, _, stats) in tally.scopes() {
            entry(&mut accounts, account).merge(stats);
        }
        extension.accounts = accounts
            .iter()
            .map(|(name, stats)| (name.clone(), stats.into()))
            .collect();
        for (hour, calls, failed) in tally.hours() {
            extension
                .calls_per_hour
                .insert(time::hour(hour), Hour { calls, failed });
        }
        for (principal, source, name, code, count) in tally.errors() {
            let by_api = entry(&mut extension.errors_by_principal_and_api, principal);
            add(by_api, &format!("{source}:{name}"), code.to_owned(), count);
        }
        for (principal, source, name, code, count) in tally.denied() {
            let by_api = entry(&mut extension.denied_by_principal_and_api, principal);
            add(by_api, &format!("{source}:{name}"), code.to_owned(), count);
        }
        extension
    }

    fn add_actors(&mut self, tally: &Tally) {
        let mut principals: BTreeMap<String, SeenStats> = BTreeMap::new();
        let mut sessions: BTreeMap<String, BTreeMap<String, SeenStats>> = BTreeMap::new();
        let mut persons: BTreeMap<String, SeenStats> = BTreeMap::new();
        let mut workloads: BTreeMap<String, SeenStats> = BTreeMap::new();
        for actor in tally.actors() {
            let calls = actor.stats.calls;
            let agent = actor.agent.map(AgentEvidence::name);
            entry(&mut principals, actor.principal).merge(actor.stats);
            let report = entry(&mut self.principals, actor.principal);
            *entry(&mut report.identity_types, actor.kind) += calls;
            if let Some(service) = actor.service {
                *entry(&mut report.by_services, service) += calls;
            }
            if let Some(agent) = agent {
                *entry(&mut report.agents, agent) += calls;
            }
            if let Some(session) = actor.session {
                entry(entry(&mut sessions, actor.principal), session).merge(actor.stats);
                let of_principal = entry(&mut self.sessions_by_principal, actor.principal);
                let report = entry(of_principal, session);
                if let Some(agent) = agent {
                    *entry(&mut report.agents, agent) += calls;
                }
            }
            if let Some((name, evidence)) = actor.person {
                entry(&mut persons, name).merge(actor.stats);
                let report = entry(&mut self.persons, name);
                report.evidence.insert(evidence.name().to_owned());
                *entry(&mut report.principals, actor.principal) += calls;
                if let Some(agent) = agent {
                    *entry(&mut report.agents, agent) += calls;
                }
            }
            if let Some(name) = actor.workload {
                entry(&mut workloads, name).merge(actor.stats);
                let report = entry(&mut self.workloads, name);
                *entry(&mut report.principals, actor.principal) += calls;
            }
        }
        for (name, stats) in &principals {
            entry(&mut self.principals, name).calls = stats.into();
        }
        for (name, stats) in &persons {
            entry(&mut self.persons, name).calls = stats.into();
        }
        for (name, stats) in &workloads {
            entry(&mut self.workloads, name).calls = stats.into();
        }
        for (principal, by_session) in &sessions {
            let reports = entry(&mut self.sessions_by_principal, principal);
            for (name, stats) in by_session {
                entry(reports, name).calls = stats.into();
            }
        }
    }
}

impl From<&SeenStats> for Calls {
    fn from(stats: &SeenStats) -> Calls {
        Calls {
            calls: stats.calls,
            failed: stats.failed,
            denied: stats.denied,
            read_only: stats.reads,
            write: stats.writes,
            first_seen: stats.first.map(time::iso),
            last_seen: stats.last.map(time::iso),
        }
    }
}

impl CoverageReport {
    fn of(
        tally: &Tally,
        intaken: &IngestStats,
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
            event_versions,
            events_without_time: tally.without_time(),
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
fn normal_version(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The schema follows from the types above; UPDATE_DOCS=1 writes it.
    #[test]
    fn the_schema_in_docs_is_that_of_the_code() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/summary.schema.json"
        );
        let mut schema = schemars::schema_for!(Summary).to_value();
        schema["title"] = "Summary of CloudTrail activity, as written by trailtab activity".into();
        schema["$comment"] = "Described in summary.md; made by UPDATE_DOCS=1 cargo test".into();
        let schema = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &schema).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == schema,
            "docs/summary.schema.json is not up to date. It should be:\n{schema}"
        );
    }

    #[test]
    fn an_event_history_is_that_of_the_account_that_was_asked() {
        const ANN: &str = "111122223333";
        const BOB: &str = "444455556666";
        let account = |caller: Option<&str>, asked: &[&str], recorded: &[&str]| {
            let mut coverage = RunCoverage::default();
            for account in asked {
                coverage.ask(Scope {
                    account: account.parse().unwrap(),
                    region: "eu-west-1".parse().unwrap(),
                });
            }
            let mut extension = Extension::default();
            for account in recorded {
                let regions = BTreeMap::from([("eu-west-1".to_owned(), RegionReport::default())]);
                let accounts = &mut extension.coverage.accounts;
                accounts.insert((*account).to_owned(), regions);
            }
            let run = RunContext {
                caller: caller.map(|account| CallerIdentity {
                    account: account.parse().unwrap(),
                    arn: "arn".to_owned(),
                }),
                ..RunContext::default()
            };
            Metadata::of(&Tally::default(), &extension, &coverage, &run).account_id
        };
        assert_eq!(account(Some(ANN), &[ANN], &[ANN, BOB]), ANN);
        assert_eq!(account(Some(ANN), &[ANN], &["unknown"]), ANN);
        // One file of each account of an organisation.
        assert_eq!(account(Some(ANN), &[BOB], &[BOB]), BOB);
        assert_eq!(account(Some(ANN), &[ANN, BOB], &[ANN, BOB]), "multiple");
        assert_eq!(account(Some(ANN), &[], &[]), ANN);
        assert_eq!(account(None, &[ANN], &[ANN, BOB]), "multiple");
        assert_eq!(account(None, &[], &[ANN]), ANN);
    }

    #[test]
    fn versions_are_written_alike() {
        for (text, normal) in [
            ("1.8", "1.08"),
            ("1.08", "1.08"),
            ("1.10", "1.10"),
            ("1.0", "1.0"),
            ("2", "2"),
            ("x.y", "x.y"),
        ] {
            assert_eq!(normal_version(text), normal);
        }
    }

    #[test]
    fn older_results_can_be_read() {
        let summary: Summary =
            serde_json::from_str(r#"{"api_calls_by_region":{"r":{"s:n":2}}}"#).unwrap();
        assert_eq!(
            (summary.api_calls_by_region["r"]["s:n"], summary.trailtab),
            (2, None)
        );
        let mut now = Summary {
            trailtab: Some(Extension::default()),
            ..Summary::default()
        };
        now.metadata.account_id = "1".to_owned();
        let json = serde_json::to_string(&now).unwrap();
        assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), now);
    }
}
