//! `--format` and `--output`: prints a result in one form, and writes it to files in all forms.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;

use crate::ui::{FILE_STYLE, Ui};
use trailtab_app::deliver::files::{self, NewFile};
use trailtab_app::deliver::temporary::Readers;
use trailtab_render::page::TextStyle;

/// The value of `--format`, of all verbs that print one result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A page for people
    #[value(alias = "table")]
    Text,
    /// All of it
    Json,
    /// All rows as one table
    Csv,
}

/// The options of a verb that prints one result, and writes files on request only.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct ResultArgs {
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) files: ResultFileArgs,
}

/// Files of a result, besides standard output.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct ResultFileArgs {
    /// Also write the result into DIR, as a page, JSON and CSV
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl ResultFileArgs {
    /// Returns whether `--output` is given.
    pub(crate) fn are_wanted(&self) -> bool {
        self.output.is_some()
    }

    /// Creates the directory of `--output`, so that a long run does not fail at its end.
    ///
    /// # Errors
    ///
    /// If files cannot be written there.
    pub(crate) fn prepare(&self) -> anyhow::Result<()> {
        if let Some(directory) = &self.output {
            files::make_writable_directory(directory)?;
        }
        Ok(())
    }
}

/// One result, and the functions that write it in each form.
pub(crate) struct ResultForms<'r> {
    /// The name of its files, without the ending.
    pub(crate) name: &'static str,
    pub(crate) page: &'r dyn Fn(TextStyle) -> String,
    pub(crate) json: &'r dyn Fn() -> anyhow::Result<Vec<u8>>,
    pub(crate) csv: &'r dyn Fn() -> anyhow::Result<Vec<u8>>,
}

impl ResultForms<'_> {
    /// Prints the result in one form, and then writes it in all forms if `--output` is given.
    ///
    /// # Errors
    ///
    /// If it cannot be printed or written.
    pub(crate) fn deliver(
        &self,
        format: Format,
        files: &ResultFileArgs,
        ui: Ui,
    ) -> anyhow::Result<()> {
        let printed = match format {
            Format::Text => (self.page)(ui.look()).into_bytes(),
            Format::Json => (self.json)()?,
            Format::Csv => (self.csv)()?,
        };
        ui.data(&printed).context("cannot print the result")?;
        match &files.output {
            Some(directory) => self.write(directory, ui),
            None => Ok(()),
        }
    }

    fn write(&self, directory: &Path, ui: Ui) -> anyhow::Result<()> {
        let (json, csv) = ((self.json)()?, (self.csv)()?);
        let page = (self.page)(FILE_STYLE);
        let new = |ending, bytes| NewFile { ending, bytes };
        let new = [
            new(".json", &json),
            new(".csv", &csv),
            new(".txt", page.as_bytes()),
        ];
        files::make_directory(directory, Readers::Umask)?;
        let stem = directory.join(self.name);
        for path in files::create_together(&stem, &new, &[], Readers::Umask)? {
            ui.remark(&format!("wrote {}", path.display()));
        }
        Ok(())
    }
}
