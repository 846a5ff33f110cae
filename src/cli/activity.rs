//! `trailtab activity`: who did what.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;
use clap::builder::{OsStringValueParser, TypedValueParser as _};

use super::digests::DigestArgs;
use super::plot::PictureArgs;
use super::ui::Ui;
use super::{Ended, UsageError};
use crate::aws;
use crate::core::filter::{self, Access, Filter, Origin, Pattern};
use crate::core::intake::Rules;
use crate::core::summary::{Run, Summary};
use crate::core::tally::Tally;
use crate::core::window::{self, Seconds, Window};
use crate::deliver::files::{self, RawDump};
use crate::job::activity::{self, Outcome, Request};
use crate::job::progress::Progress;
use crate::render;
use crate::source::Source;

/// Tell who called which API, from where, and with which errors
///
/// Reads CloudTrail records from files, directories, standard input and S3, in any form that
/// CloudTrail, CloudWatch Logs, EventBridge and the AWS command line give them, and writes a
/// summary to DIR/account_activity_ACCOUNT_TIME.json. All times are UTC.
#[derive(Debug, clap::Parser)]
pub(crate) struct Args {
    /// File, directory, - for standard input, or s3://BUCKET[/PREFIX] (can be repeated)
    #[arg(required = true, value_name = "SOURCE")]
    #[arg(value_parser = OsStringValueParser::new().try_map(Source::try_from))]
    sources: Vec<Source>,
    /// Calls to count, by their outcome
    #[arg(long, value_enum, ignore_case = true, default_value_t = ActivityType::All)]
    activity_type: ActivityType,
    #[command(flatten)]
    time: TimeArgs,
    #[command(flatten)]
    filters: FilterArgs,
    #[command(flatten)]
    digests: DigestArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Named profile of the AWS configuration to use
    #[arg(long, value_name = "PROFILE", help_heading = "Credentials")]
    profile: Option<String>,
    /// Role to assume with the credentials at hand
    #[arg(long, value_name = "ARN", help_heading = "Credentials")]
    role: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
enum ActivityType {
    /// All calls
    All,
    /// Calls without an error
    Successful,
    /// Calls that AWS answered with an error
    Failed,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Time window")]
struct TimeArgs {
    /// Hours to look back from now (default: everything there is)
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..))]
    past_hours: Option<u32>,
    /// First day or time to count, such as 2026-09-07 or 2026-09-07T08:30:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "past_hours")]
    since: Option<String>,
    /// Last day to count, or the time to stop before
    #[arg(long, value_name = "TIME", conflicts_with = "past_hours")]
    until: Option<String>,
}

/// Values of one filter are alternatives, different filters must all match. Patterns know * and ?
/// and ignore case.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Filters (can be repeated; * and ? match anything)")]
struct FilterArgs {
    /// Principal, such as '*:role/ci-*'
    #[arg(long, value_name = "PATTERN")]
    principal: Vec<String>,
    /// Person behind a session, such as 'ann@*'
    #[arg(long, value_name = "PATTERN")]
    person: Vec<String>,
    /// Service, such as ec2 or ec2.amazonaws.com
    #[arg(long, value_name = "PATTERN")]
    event_source: Vec<String>,
    /// API, such as 'Delete*'
    #[arg(long, value_name = "PATTERN")]
    event_name: Vec<String>,
    /// Error code, such as 'AccessDenied*'
    #[arg(long, value_name = "PATTERN")]
    error_code: Vec<String>,
    /// Source address, network such as 192.0.2.0/24, or name such as 'AWS Internal'
    #[arg(long, value_name = "ADDRESS")]
    ip: Vec<String>,
    /// Part of a user agent, or a pattern of all of it
    #[arg(long, value_name = "PATTERN")]
    user_agent: Vec<String>,
    /// Region, such as 'eu-*'
    #[arg(long, value_name = "PATTERN")]
    region: Vec<String>,
    /// Account that recorded the call
    #[arg(long, value_name = "PATTERN")]
    account: Vec<String>,
    /// Count calls only that change nothing
    #[arg(long, conflicts_with = "write_only")]
    read_only: bool,
    /// Count calls only that may change something
    #[arg(long)]
    write_only: bool,
    /// Leave out calls that AWS services made for themselves
    #[arg(long)]
    exclude_aws_services: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// Directory for all that is written
    #[arg(long, value_name = "DIR", default_value = "results")]
    output: PathBuf,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write one summary for each account as well
    #[arg(long)]
    per_account: bool,
    /// Write charts of the summary as well
    #[arg(long)]
    plot_results: bool,
    #[command(flatten)]
    pictures: PictureArgs,
    /// Copy the records themselves as well, before filters other than the time window
    #[arg(long)]
    dump_raw_cloudtrail_data: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A page for people
    Text,
    /// The summary, as it is written
    Json,
    /// All counts as one table
    Csv,
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<Ended> {
    let now = now();
    let rules = Rules {
        window: args.time.window(now)?,
        filter: args.filter(),
        per_account: args.output.per_account,
    };
    let run = Run {
        window: rules.window,
        activity_type: rules.filter.activity_type.name(),
        invocation: invocation(),
        now,
        version: env!("CARGO_PKG_VERSION"),
    };
    let verify = args.digests.verify(&args.sources)?;
    let directory = &args.output.output;
    // Whoever waited for a long read should not lose it to a directory that cannot be written.
    files::make_directory(directory)?;
    let staging = directory.join(format!(
        ".raw_{}_{}",
        window::compact(now),
        std::process::id()
    ));
    let dump = args
        .output
        .dump_raw_cloudtrail_data
        .then(|| RawDump::create(staging))
        .transpose()?;
    let copy = |region: &str, record: &[u8]| {
        if let Some(dump) = &dump {
            dump.add(region, record);
        }
    };
    let request = Request {
        sources: args.sources.clone(),
        access: aws::Access {
            profile: args.profile.clone(),
            role: args.role.clone(),
        },
        rules,
        dump: dump.is_some().then_some(&copy),
        verify,
    };
    let progress = Progress::default();
    let outcome = ui.watch(&progress, || activity::run(&request, &progress))?;
    refuse_nothing(&outcome)?;
    let printed = Results {
        directory,
        args: &args.output,
        run: &run,
        ui,
    }
    .write(&outcome, dump)?;
    ui.data(&printed).context("cannot print the summary")?;
    Ok(if outcome.coverage.is_complete() {
        Ended::Done
    } else {
        Ended::Partial
    })
}

/// Runs the verb on folders of logs with its defaults, and draws charts of the result.
pub(crate) fn summarise(logs: &[PathBuf], results: &Path, ui: Ui) -> anyhow::Result<Ended> {
    let options = [
        "--plot-results".as_ref(),
        "--output".as_ref(),
        results.as_os_str(),
    ];
    let words = std::iter::once("activity".as_ref())
        .chain(options)
        .chain(logs.iter().map(|folder| folder.as_os_str()));
    run(&<Args as clap::Parser>::try_parse_from(words)?, ui)
}

impl TimeArgs {
    fn window(&self, now: Seconds) -> anyhow::Result<Window> {
        match self.past_hours {
            Some(hours) => Ok(Window::last_hours(hours, now)),
            None => Window::between(self.since.as_deref(), self.until.as_deref())
                .map_err(|error| UsageError(format!("--since and --until: {error}")).into()),
        }
    }
}

impl Args {
    fn filter(&self) -> Filter {
        let filters = &self.filters;
        let patterns = |list: &[String]| list.iter().map(|text| Pattern::new(text)).collect();
        Filter {
            activity_type: match self.activity_type {
                ActivityType::All => filter::ActivityType::All,
                ActivityType::Successful => filter::ActivityType::Successful,
                ActivityType::Failed => filter::ActivityType::Failed,
            },
            principals: patterns(&filters.principal),
            persons: patterns(&filters.person),
            sources: patterns(&filters.event_source),
            names: patterns(&filters.event_name),
            error_codes: patterns(&filters.error_code),
            origins: filters.ip.iter().map(|text| Origin::new(text)).collect(),
            user_agents: filters
                .user_agent
                .iter()
                .map(|text| Pattern::containing(text))
                .collect(),
            regions: patterns(&filters.region),
            accounts: patterns(&filters.account),
            access: match (filters.read_only, filters.write_only) {
                (true, _) => Some(Access::ReadOnly),
                (_, true) => Some(Access::WriteOnly),
                _ => None,
            },
            without_aws_services: filters.exclude_aws_services,
        }
    }
}

/// Refuses to write a result if there was nothing at all to read.
fn refuse_nothing(outcome: &Outcome) -> anyhow::Result<()> {
    let (intaken, coverage) = (&outcome.intaken, &outcome.coverage);
    let only_foreign =
        intaken.counts.read == 0 && intaken.others.keys().all(|kind| kind.is_foreign());
    let problem = coverage.problems.first();
    let problem = problem.map(|problem| anyhow!("{} {}", problem.document, problem.reason));
    if intaken.counts.read == 0
        && coverage.documents <= 1
        && let Some(problem) = problem
    {
        return Err(problem.context("nothing could be read"));
    }
    if only_foreign && !intaken.others.is_empty() {
        let none = match coverage.documents {
            1 => "the one document there holds no CloudTrail records".to_owned(),
            n => format!("none of {n} documents holds CloudTrail records"),
        };
        return Err(match problem {
            Some(problem) => problem.context(none),
            None => anyhow!(none),
        });
    }
    Ok(())
}

/// Writes what a run found.
struct Results<'a> {
    directory: &'a Path,
    args: &'a OutputArgs,
    run: &'a Run,
    ui: Ui,
}

impl Results<'_> {
    /// Writes all files, and returns what is to be printed.
    fn write(&self, outcome: &Outcome, dump: Option<RawDump>) -> anyhow::Result<Vec<u8>> {
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
        if self.args.per_account {
            // Account ids are whatever the records say: they shall not name another's file.
            let mut taken = BTreeSet::from([stem.to_ascii_lowercase()]);
            for (account, tally) in &outcome.intaken.tallies {
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

fn now() -> Seconds {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the shell reads the clock"
    )]
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Seconds::try_from(since_1970.as_secs()).unwrap_or(Seconds::MAX)
}

/// The command line, with the program's name instead of its path.
fn invocation() -> String {
    let args = std::env::args_os().skip(1);
    let words = args.map(|word| word.to_string_lossy().into_owned());
    std::iter::once("trailtab".to_owned())
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}
