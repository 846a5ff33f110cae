//! The arguments of `trailtab events`.

use clap::ValueEnum;

use crate::UsageError;
use crate::reading::{CredentialArgs, ReadingArgs};
use trailtab_core::calls::CallColumn;

/// Show the calls themselves, in order of time: who did what to which resource
///
/// Reads what `trailtab activity` reads: without SOURCE the event history, or CloudTrail records from files,
/// directories, standard input and S3. Prints a timeline, in which repeated calls are one line, or every call as
/// JSON, CSV or the record itself. Calls are sorted in memory and, where they are many, in temporary files without
/// names in TMPDIR. All times are UTC.
///
/// Filters match the whole value, and case is ignored: * stands for any text, ? for one character, and
/// ! in front excludes. Repeating an option means any of its values; different options must all match.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::examples::EVENTS)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) reading: ReadingArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    #[command(flatten)]
    pub(super) credentials: CredentialArgs,
}

/// The value of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CallFormat {
    /// A timeline for people
    #[value(alias = "table")]
    Text,
    /// One object with all calls and what is missing
    Json,
    /// One object for each call, on a line of its own
    Jsonl,
    /// A table
    Csv,
    /// The records, as a log file of CloudTrail
    Raw,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// What to print (default: text, or with --columns csv, or with --unsorted jsonl)
    #[arg(long, value_enum)]
    format: Option<CallFormat>,
    /// Columns of csv, json and jsonl: fields of the JSON such as event_time, or paths into the record such as
    /// requestParameters.bucketName
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    columns: Vec<CallColumn>,
    /// Show where the credentials of an access key, a session, a person or a principal come from, and what was
    /// obtained with them, instead of calls
    #[arg(long, value_name = "NAME", conflicts_with_all = ["columns", "limit", "newest", "unsorted"])]
    pub(super) follow: Option<String>,
    /// Print the first N calls only; with --newest the last ones
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: Option<u64>,
    /// Print the last call first
    #[arg(long)]
    pub(super) newest: bool,
    /// Print each call as soon as it is read, in no order
    #[arg(long, conflicts_with_all = ["limit", "newest"])]
    pub(super) unsorted: bool,
}

impl OutputArgs {
    /// The format, and the columns of it.
    ///
    /// # Errors
    ///
    /// If the options do not fit together.
    pub(super) fn form(&self) -> Result<(CallFormat, Vec<CallColumn>), UsageError> {
        let format = self.format.unwrap_or(match self {
            _ if !self.columns.is_empty() => CallFormat::Csv,
            _ if self.unsorted => CallFormat::Jsonl,
            _ => CallFormat::Text,
        });
        let refuse = |error: &str| Err(UsageError(error.to_owned()));
        match format {
            CallFormat::Jsonl | CallFormat::Csv | CallFormat::Raw if self.follow.is_some() => {
                refuse("--follow prints a tree: --format text or json")
            }
            CallFormat::Text | CallFormat::Raw if !self.columns.is_empty() => {
                refuse("--columns is for --format csv, json and jsonl")
            }
            CallFormat::Text if self.unsorted => refuse(
                "--unsorted: a timeline needs the order of time; print --format jsonl, csv, json or raw",
            ),
            _ => Ok((format, self.columns.clone())),
        }
    }
}
