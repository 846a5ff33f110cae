//! The result of `trailtab activity`: the JSON contract, described in docs/summary.md.
//!
//! Five sections and `_metadata` have the keys of aws-summarize-account-activity. Everything else is in the section
//! `trailtab`, which contains the version of the contract.

mod build;
mod coverage;
mod fold;
mod maps;
mod rows;
mod run;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub(crate) use coverage::document_outcomes;
pub use coverage::{CoverageReport, ProblemReport, RegionReport, UnknownIdentity};
pub use fold::{FoldedNames, FoldedReport, FoldedRows, FoldedTable, RowLimits};
pub use run::{CallerIdentity, RunContext};

use crate::event::ingest::Reconciliation;
use crate::event::no_match::NoMatch;
use crate::integrity::Integrity;
use crate::time::UtcHour;

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
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Hour>"))]
    pub calls_per_hour: BTreeMap<UtcHour, Hour>,
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
    /// What is counted and not listed, because it is too much; absent if everything is listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folded: Option<FoldedReport>,
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
    /// Calls that created, deleted, granted or changed a resource, by the key of the resource; absent unless
    /// resources were counted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<String, ResourceReport>,
    /// The same calls by principal, what they did (`created`, `deleted`, `granted`, `changed`), and key; absent
    /// unless resources were counted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resources_by_principal: BTreeMap<String, NestedCounts>,
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

/// The calls that created, deleted, granted or changed one resource.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ResourceReport {
    /// The calls. Each has succeeded, and counts once for each of its resources.
    #[serde(flatten)]
    pub calls: Calls,
    /// The calls by principal and what they did: `created`, `deleted`, `granted` or `changed`.
    pub principals: NestedCounts,
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

#[cfg(test)]
mod tests;
