//! The arguments of `trailtab activity`.

use std::num::NonZero;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::digests::DigestArgs;
use crate::plot::ChartArgs;
use crate::reading::{CredentialArgs, ReadingArgs};
use trailtab_core::activity::summary::RowLimits;

/// Show who called which API, from where, and with which errors
///
/// Without SOURCE, reads the event history of the credentials' account, in all enabled regions: this needs no trail,
/// and only the permission cloudtrail:LookupEvents. With SOURCE, reads CloudTrail records from files, directories,
/// standard input and S3, in every form in which CloudTrail, CloudWatch Logs, EventBridge and the AWS command line
/// write them.
///
/// Filters match the whole value, and case is ignored: * stands for any text, ? for one character, and
/// ! in front excludes. Repeating an option means any of its values; different options must all match.
///
/// Writes a summary to DIR/account_activity_ACCOUNT_TIME.json, and overwrites nothing: if that name is taken,
/// `_2`, `_3` and so on is added to it. With --quiet and without --format, standard output is the path of
/// the summary. All times are UTC.
///
/// Ctrl-C (or SIGTERM) stops reading: what was read is written, and the exit code is 3. A second one ends the
/// program at once.
#[derive(Debug, clap::Parser)]
#[command(after_help = crate::examples::ACTIVITY)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) reading: ReadingArgs,
    #[command(flatten)]
    pub(super) digests: DigestArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    #[command(flatten)]
    pub(super) credentials: CredentialArgs,
}

const DEFAULT_MAX_ROWS: NonZero<usize> = match NonZero::new(RowLimits::DEFAULT_ROWS_PER_NAME) {
    Some(rows) => rows,
    None => NonZero::<usize>::MIN,
};

/// The value of `--by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CountedBy {
    /// Resources that calls created, deleted, granted or changed
    Resource,
}

/// The value of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ActivityFormat {
    /// A page for people
    #[value(alias = "table")]
    Text,
    /// All of it
    Json,
    /// All rows as one table
    Csv,
    /// An IAM policy of the actions that the successful calls used; meant with --principal '*:role/NAME'
    IamPolicy,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Directory for all files
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub(super) output: PathBuf,
    /// Write no files, and print only
    #[arg(long, conflicts_with_all = [
        "output", "per_account", "plot_results", "plot_format", "max_charts", "dump_raw_cloudtrail_data", "archive",
    ])]
    pub(super) no_output: bool,
    /// What to print (default: text, or with --quiet the path of the summary)
    #[arg(long, value_enum)]
    pub(super) format: Option<ActivityFormat>,
    /// Also count by resource: which principal created, deleted, granted or changed what. Calls that failed or only
    /// read count for none, and objects of S3 count for their bucket. Takes longer, since records are read once more
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(super) by: Option<CountedBy>,
    /// Rows that a table lists for each principal, those with the most calls; the others are summed up.
    /// A table has at most 50 times as many rows, and there are at most 5 times as many principals
    #[arg(long, value_name = "ROWS", default_value_t = DEFAULT_MAX_ROWS)]
    pub(super) max_rows: NonZero<usize>,
    /// Also write one summary for each account
    #[arg(long)]
    pub(super) per_account: bool,
    /// Also write charts of the summary
    #[arg(long)]
    pub(super) plot_results: bool,
    #[command(flatten)]
    pub(super) charts: ChartArgs,
    /// Also copy the records of the time window, before all other filters
    #[arg(long)]
    pub(super) dump_raw_cloudtrail_data: bool,
}
