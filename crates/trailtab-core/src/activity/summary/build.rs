//! Builds the summary of a tally.

use std::collections::{BTreeMap, BTreeSet};

use super::coverage::CoverageReport;
use super::maps::entry;
use super::run::RunContext;
use super::{Analyzed, Calls, Extension, Hour, Metadata, NestedCounts, SCHEMA_VERSION, Summary};
use crate::activity::tally::{SeenStats, Tally};
use crate::coverage::{ALL_REGIONS, ReadScope, RunCoverage};
use crate::event::identity::AgentEvidence;
use crate::event::ingest::IngestStats;
use crate::scope::AccountId;
use crate::time::{self, Seconds, UtcHour};

impl Summary {
    /// Builds the summary of a tally. `intaken` and `coverage` describe the whole run, even if the
    /// tally is that of one account.
    pub fn of(
        tally: &Tally,
        intaken: &IngestStats<Tally>,
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

impl Metadata {
    pub(super) fn of(
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
        intaken: &IngestStats<Tally>,
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
                .insert(UtcHour::of(hour), Hour { calls, failed });
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
