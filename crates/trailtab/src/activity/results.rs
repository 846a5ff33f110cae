//! Writes the summary of a run, its charts and its raw records.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::args::OutputArgs;
use crate::reading;
use crate::ui::Ui;
use trailtab_app::deliver::files::{self, NewFile};
use trailtab_app::deliver::raw_dump::RawDump;
use trailtab_app::deliver::temporary::Readers;
use trailtab_app::job::read::ReadOutcome;
use trailtab_core::activity::policy::UsedPolicy;
use trailtab_core::activity::provenance::ReadingCoverage;
use trailtab_core::activity::summary::{RowLimits, RunContext, Summary};
use trailtab_core::activity::tally::Tally;
use trailtab_core::coverage::RunCoverage;
use trailtab_core::event::counter::EventCounter as _;
use trailtab_core::event::filter::ScopeMatcher;
use trailtab_core::time;
use trailtab_render as render;

/// Endings of the folders of a summary's charts and raw records.
const PLOTS: &str = "_plots";
const RAW_DATA: &str = "_raw_cloudtrail_data";

/// Writer of a run's results.
pub(super) struct ActivityResults<'a> {
    pub(super) directory: &'a Path,
    pub(super) args: &'a OutputArgs,
    pub(super) form: PrintedForm,
    pub(super) run: &'a RunContext,
    pub(super) scopes: &'a ScopeMatcher,
    pub(super) per_account: bool,
    /// An empty tally like those of the outcome.
    pub(super) empty: &'a Tally,
    pub(super) ui: Ui,
}

/// What is printed.
pub(super) enum PrintedForm {
    Page,
    Json,
    Csv,
    Policy(UsedPolicy),
    /// The path of the summary.
    Path,
}

/// The paths of the written files, and the bytes for standard output.
pub(super) struct Written {
    /// Files and folders; the summary of all accounts is the first.
    pub(super) paths: Vec<PathBuf>,
    pub(super) printed: Vec<u8>,
}

impl ActivityResults<'_> {
    /// Writes all files.
    pub(super) fn write(
        &self,
        outcome: &ReadOutcome,
        dump: Option<RawDump>,
    ) -> anyhow::Result<Written> {
        let tallies = &outcome.intaken.tallies;
        let summary = match tallies.len() {
            1 => tallies
                .values()
                .next()
                .map(|tally| self.summary(tally, outcome)),
            _ => None,
        };
        let summary = match summary {
            Some(summary) => summary,
            None => {
                let mut all = self.empty.empty();
                tallies.values().for_each(|tally| all.merge(tally));
                self.summary(&all, outcome)
            }
        }?;
        let json = render::json::summary(&summary).context("cannot write the summary as JSON")?;
        let paths = match self.args.no_output {
            true => Vec::new(),
            false => self.write_files(outcome, &summary, &json, dump)?,
        };
        if !matches!(self.form, PrintedForm::Page) {
            // The page contains this text.
            reading::tell_no_match(&render::text::no_match(&summary), self.ui);
        }
        let printed = match &self.form {
            PrintedForm::Page => render::text::summary(&summary, self.ui.look()).into_bytes(),
            PrintedForm::Json => json,
            PrintedForm::Csv => {
                render::csv::summary(&summary).context("cannot write the summary as CSV")?
            }
            PrintedForm::Policy(policy) => self.policy(policy, outcome)?,
            PrintedForm::Path => {
                let path = paths.first().map(|path| path.as_os_str());
                let mut line = path.unwrap_or_default().as_encoded_bytes().to_vec();
                line.push(b'\n');
                line
            }
        };
        Ok(Written { paths, printed })
    }

    /// The policy as JSON. It has no place for what it lacks, so that goes to standard error.
    fn policy(&self, policy: &UsedPolicy, outcome: &ReadOutcome) -> anyhow::Result<Vec<u8>> {
        let remarks = render::policy::remarks(policy);
        remarks.iter().for_each(|remark| self.ui.remark(remark));
        let coverage = ReadingCoverage::of(&outcome.intaken, &outcome.coverage, self.run.window);
        if !coverage.complete {
            self.ui
                .remark("The policy lacks the actions of calls that could not be read.");
        }
        reading::tell_problems(&coverage, self.ui);
        render::policy::json(policy).context("cannot write the policy as JSON")
    }

    fn summary(&self, tally: &Tally, outcome: &ReadOutcome) -> anyhow::Result<Summary> {
        self.summary_of(tally, outcome, &outcome.coverage)
    }

    fn summary_of(
        &self,
        tally: &Tally,
        outcome: &ReadOutcome,
        coverage: &RunCoverage,
    ) -> anyhow::Result<Summary> {
        let limits = RowLimits::per_name(self.args.max_rows.get());
        Summary::of(tally, &outcome.intaken, coverage, self.run, limits)
            .context("cannot read back counts that had no room in memory")
    }

    fn write_files(
        &self,
        outcome: &ReadOutcome,
        summary: &Summary,
        json: &[u8],
        dump: Option<RawDump>,
    ) -> anyhow::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        let stem = self.write_summary(summary, json, &mut paths)?;
        if let Some(dump) = dump {
            let folder = dump.finish(&files::with_ending(&stem, RAW_DATA))?;
            self.ui.remark(&format!("wrote {}", folder.display()));
            paths.push(folder);
        }
        if self.per_account {
            // Accounts without events, and those that could not be read, have a file as well.
            let asked = outcome.coverage.asked.keys();
            let asked = asked.map(|scope| scope.account().to_string());
            let asked = asked.filter(|account| self.scopes.admits_account(account));
            let tallied = outcome.intaken.tallies.keys().cloned();
            let accounts: BTreeSet<String> = tallied.chain(asked).collect();
            let nothing = Tally::default();
            for account in accounts {
                let tally = outcome.intaken.tallies.get(&account).unwrap_or(&nothing);
                // Some records name no account.
                let coverage = outcome.coverage.of_account(account.parse().ok());
                let summary = self.summary_of(tally, outcome, &coverage)?;
                let json = render::json::summary(&summary)?;
                self.write_summary(&summary, &json, &mut paths)?;
            }
        }
        Ok(paths)
    }

    /// Writes a summary, and its charts with `--plot-results`. Returns its path without the ending, with which the
    /// names of its charts and raw records begin.
    fn write_summary(
        &self,
        summary: &Summary,
        json: &[u8],
        paths: &mut Vec<PathBuf>,
    ) -> anyhow::Result<PathBuf> {
        let account = render::escape::file_name(&summary.metadata.account_id);
        let time = time::compact(self.run.now);
        let stem = self
            .directory
            .join(format!("account_activity_{account}_{time}"));
        let new = [NewFile {
            ending: ".json",
            bytes: json,
        }];
        let written = files::create_together(&stem, &new, &[PLOTS, RAW_DATA], Readers::Umask)?;
        for path in &written {
            self.ui.remark(&format!("wrote {}", path.display()));
        }
        let stem = written.first().map_or(stem, |path| path.with_extension(""));
        paths.extend(written);
        if self.args.plot_results {
            let folder = files::with_ending(&stem, PLOTS);
            paths.push(self.args.charts.draw(summary, &folder, self.ui)?);
        }
        Ok(stem)
    }
}
