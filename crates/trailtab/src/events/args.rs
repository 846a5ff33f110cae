//! The arguments of `trailtab events`.

use std::time::Duration;

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
    pub(super) output: CallOutputArgs,
    #[command(flatten)]
    pub(super) wait: WaitArgs,
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

/// How long to wait for an event by default, in seconds.
const DEFAULT_WAIT: &str = "30m";

/// Waiting for an event.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Waiting (without SOURCE)")]
pub(super) struct WaitArgs {
    /// Read the event history again and again, until a matching call of the last 15 minutes or later arrives, or for
    /// this long (an age such as 90s, 30m or 2h; default: 30m). CloudTrail usually delivers within 5 minutes
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = DEFAULT_WAIT, value_parser = wait)]
    #[arg(conflicts_with_all = ["sources", "unsorted", "follow", "archive"])]
    pub(super) wait: Option<Duration>,
    /// Seconds between two readings, at least 5
    #[arg(long, value_name = "SECONDS", requires = "wait", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(5..=3600))]
    pub(super) every: u64,
}

/// Parses how long to wait.
fn wait(text: &str) -> Result<Duration, String> {
    let (number, unit) =
        text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 0,
    };
    let number: u64 = number.parse().unwrap_or(0);
    match seconds * number.min(MAX_WAIT_HOURS * 3600) {
        seconds if (1..=MAX_WAIT_HOURS * 3600).contains(&seconds) => {
            Ok(Duration::from_secs(seconds))
        }
        _ => Err(format!(
            "write a time such as 90s, 30m or 2h, at most {MAX_WAIT_HOURS}h"
        )),
    }
}

/// Longest time to wait, in hours.
const MAX_WAIT_HOURS: u64 = 24;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct CallOutputArgs {
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

impl CallOutputArgs {
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
