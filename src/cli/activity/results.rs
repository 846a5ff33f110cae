//! Writing what a run found.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;

use super::args::{Format, OutputArgs};
use crate::cli::ui::Ui;
use crate::core::intake::Counter as _;
use crate::core::summary::{Run, Summary};
use crate::core::tally::Tally;
use crate::core::window;
use crate::deliver::files::{self, RawDump};
use crate::job::read::Outcome;
use crate::render;

/// Writes what a run found.
pub(super) struct Results<'a> {
    pub(super) directory: &'a Path,
    pub(super) args: &'a OutputArgs,
    pub(super) run: &'a Run,
    pub(super) per_account: bool,
    pub(super) ui: Ui,
}

impl Results<'_> {
    /// Writes all files, and returns what is to be printed.
    pub(super) fn write(
        &self,
        outcome: &Outcome,
        dump: Option<RawDump>,
    ) -> anyhow::Result<Vec<u8>> {
        let mut all = Tally::default();
        outcome
            .intaken
            .tallies
            .values()
            .for_each(|tally| all.merge(tally));
        let summary = Summary::of(&all, &outcome.intaken, &outcome.coverage, self.run);
        let json = render::json::summary(&summary).context("cannot write the summary as JSON")?;
        let stem = self.stem(&summary);
        self.write_summary(&stem, &summary, &json)?;
        if let Some(dump) = dump {
            let target = self.directory.join(format!("{stem}_raw_cloudtrail_data"));
            dump.finish(&target)?;
            self.ui.remark(&format!("wrote {}", target.display()));
        }
        if self.per_account {
            // Account ids are whatever the records say: they shall not name another's file.
            let mut taken = BTreeSet::from([stem.to_ascii_lowercase()]);
            let mut accounts: BTreeSet<&String> = outcome.intaken.tallies.keys().collect();
            if outcome.caller.is_some() {
                // Accounts of an organisation that had no events, or could not be read, are told of.
                accounts.extend(outcome.coverage.asked.keys().map(|(account, _)| account));
            }
            let nothing = Tally::default();
            for account in accounts {
                let tally = outcome.intaken.tallies.get(account).unwrap_or(&nothing);
                let coverage = outcome.coverage.of_account(account);
                let summary = Summary::of(tally, &outcome.intaken, &coverage, self.run);
                let json = render::json::summary(&summary)?;
                let mut stem = self.stem(&summary);
                while !taken.insert(stem.to_ascii_lowercase()) {
                    stem.push('~');
                }
                self.write_summary(&stem, &summary, &json)?;
            }
        }
        if !matches!(self.args.format, Format::Text) {
            // The page says it itself.
            let text = render::text::no_match(&summary);
            text.lines().for_each(|line| self.ui.remark(line));
        }
        Ok(match self.args.format {
            Format::Text => render::text::summary(&summary, self.ui.look()).into_bytes(),
            Format::Json => json,
            Format::Csv => {
                render::csv::summary(&summary).context("cannot write the summary as CSV")?
            }
        })
    }

    fn stem(&self, summary: &Summary) -> String {
        let account = render::escape::file_name(&summary.metadata.account_id);
        format!(
            "account_activity_{account}_{}",
            window::compact(self.run.now)
        )
    }

    fn write_summary(&self, stem: &str, summary: &Summary, json: &[u8]) -> anyhow::Result<()> {
        let path = self.directory.join(format!("{stem}.json"));
        files::write(&path, json)?;
        self.ui.remark(&format!("wrote {}", path.display()));
        if self.args.plot_results {
            let folder = self.directory.join(format!("{stem}_plots"));
            self.args.pictures.draw(summary, &folder, self.ui)?;
        }
        Ok(())
    }
}
