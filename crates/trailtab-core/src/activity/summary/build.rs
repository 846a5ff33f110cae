//! Builds the summary of a tally.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::coverage::CoverageReport;
use super::fold::RowLimits;
use super::maps::entry;
use super::rows::SummaryRows;
use super::run::RunContext;
use super::{Analyzed, Calls, Extension, Hour, Metadata, SCHEMA_VERSION, Summary};
use crate::activity::tally::{SeenStats, Tally};
use crate::coverage::{ALL_REGIONS, ReadScope, RunCoverage};
use crate::event::ingest::IngestStats;
use crate::scope::AccountId;
use crate::time::{self, Seconds, UtcHour};

impl Summary {
    /// Builds the summary of a tally. `intaken` and `coverage` describe the whole run, even if the
    /// tally is that of one account. Rows beyond `limits` are summed up.
    ///
    /// # Errors
    ///
    /// Fails if counts that the tally stored outside of memory cannot be read back.
    pub fn of(
        tally: &Tally,
        intaken: &IngestStats<Tally>,
        coverage: &RunCoverage,
        run: &RunContext,
        limits: RowLimits,
    ) -> io::Result<Summary> {
        let extension = Extension::of(tally, intaken, coverage, run);
        let mut rows = SummaryRows::new(limits, extension);
        tally.for_each_row(|table, names, stats| rows.add(table, names, stats))?;
        let (mut summary, extension) = rows.finish();
        let mut api = String::new();
        for (region, source, name, count) in tally.calls_by_region() {
            api.clear();
            api.extend([source, ":", name]);
            *entry(entry(&mut summary.api_calls_by_region, region), &api) += count;
        }
        summary.metadata = Metadata::of(tally, &extension, coverage, run);
        summary.trailtab = Some(extension);
        Ok(summary)
    }
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
        extension
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
