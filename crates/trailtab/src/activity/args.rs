//! The arguments of `trailtab activity`.

use std::path::PathBuf;

use crate::digests::DigestArgs;
use crate::format::Format;
use crate::plot::PictureArgs;
use crate::reading::{CredentialArgs, ReadingArgs};

/// Tell who called which API, from where, and with which errors
///
/// Without SOURCE, reads the event history of the account whose credentials are at hand, in all
/// regions that are enabled: that needs no trail, and cloudtrail:LookupEvents as the only
/// permission. Or reads CloudTrail records from files, directories, standard input and S3, in any
/// form that CloudTrail, CloudWatch Logs, EventBridge and the AWS command line give them.
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

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Directory for all that is written
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub(super) output: PathBuf,
    /// Write no files, and print only
    #[arg(long, conflicts_with_all = [
        "output", "per_account", "plot_results", "plot_format", "dump_raw_cloudtrail_data", "archive",
    ])]
    pub(super) no_output: bool,
    /// What to print (default: text, or with --quiet the path of the summary)
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    /// Write one summary for each account as well
    #[arg(long)]
    pub(super) per_account: bool,
    /// Write charts of the summary as well
    #[arg(long)]
    pub(super) plot_results: bool,
    #[command(flatten)]
    pub(super) pictures: PictureArgs,
    /// Copy the records themselves as well, before filters other than the time window
    #[arg(long)]
    pub(super) dump_raw_cloudtrail_data: bool,
}
