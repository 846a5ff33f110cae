//! The arguments of the verbs that read events: sources, filters and credentials.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::{OsStringValueParser, TypedValueParser as _};

use super::values;
use crate::UsageError;
use rust_decimal::Decimal;
use trailtab_app::aws;
use trailtab_app::job::athena::AthenaOptions;
use trailtab_app::source::lookup_events::{KEPT, QUOTA};
use trailtab_app::source::{Source, s3};
use trailtab_core::event::filter::{self, AccessKind, EventFilter, FilterValues};
use trailtab_core::time::{Seconds, TimeArgument, TimeRange, TimeWindow};

/// How far back the event history is read by default, as in aws-summarize-account-activity.
const DEFAULT_HOURS: u32 = 336;

/// Which events to read.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ReadingArgs {
    // No doc comment: brackets would be links.
    #[arg(
        help = "File, directory, - for standard input, s3://BUCKET[/PREFIX] (can be repeated; default: the event history), or a table of Athena, athena://[WORKGROUP@][CATALOG.]DATABASE/TABLE"
    )]
    #[arg(value_name = "SOURCE")]
    #[arg(value_parser = OsStringValueParser::new().try_map(Source::try_from))]
    pub(crate) sources: Vec<Source>,
    /// Calls to count, by their outcome
    #[arg(long, value_enum, ignore_case = true, default_value_t = ActivityType::All)]
    activity_type: ActivityType,
    /// Count network activity as well: calls through VPC endpoints, which have a record of their own
    /// beside that of the service
    #[arg(long)]
    pub(super) network_activity: bool,
    #[command(flatten)]
    pub(super) time: TimeArgs,
    #[command(flatten)]
    pub(super) filters: FilterArgs,
    #[command(flatten)]
    pub(super) buckets: BucketArgs,
    #[command(flatten)]
    pub(crate) lookup: LookupArgs,
    #[command(flatten)]
    pub(super) athena: AthenaArgs,
}

/// How tables of Athena are read.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Athena (athena://…)")]
pub(super) struct AthenaArgs {
    /// Print the statement instead of running it
    #[arg(long)]
    pub(super) print_sql: bool,
    /// Scan at most so much, such as 500GB
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    max_scan: Option<u64>,
    /// Spend at most so many dollars on a run (default: 5, the price of one TiB)
    #[arg(long, value_name = "USD")]
    max_usd: Option<Decimal>,
    /// Folder for the results of queries, s3://BUCKET/PREFIX/ (default: the workgroup's)
    #[arg(long, value_name = "FOLDER", value_parser = values::results)]
    athena_results: Option<String>,
    /// Have many writers write the rows (UNLOAD), as in queries that scan 1 GiB or more
    #[arg(long)]
    unload: bool,
    /// Scan again: use no counts of days and no query of an earlier run, and keep no counts
    #[arg(long)]
    recount: bool,
}

impl AthenaArgs {
    /// The options, if they are for one of the sources.
    ///
    /// # Errors
    ///
    /// If they are given without a table, or a table with other sources: their events cannot be deduplicated.
    pub(super) fn options(&self, sources: &[Source]) -> anyhow::Result<AthenaOptions> {
        let tables = sources
            .iter()
            .filter(|source| matches!(source, Source::Athena(_)));
        let error = match (tables.count(), sources.len()) {
            (0, _) if self.is_given() => {
                "--print-sql, --max-scan, --max-usd, --athena-results, --unload and --recount are for a table: name one with athena://DATABASE/TABLE"
            }
            (0, _) | (1, 1) => {
                let default = AthenaOptions::default();
                return Ok(AthenaOptions {
                    results: self.athena_results.clone(),
                    max_scan_bytes: self.max_scan,
                    max_usd: self.max_usd.unwrap_or(default.max_usd),
                    keeps_days: !self.recount,
                    unload_from_bytes: match self.unload {
                        true => 0,
                        false => default.unload_from_bytes,
                    },
                });
            }
            _ => {
                "a table of Athena is counted on its own: events of other sources might be the same ones"
            }
        };
        Err(UsageError(error.to_owned()).into())
    }

    fn is_given(&self) -> bool {
        self.print_sql
            || self.max_scan.is_some()
            || self.max_usd.is_some()
            || self.athena_results.is_some()
            || self.unload
            || self.recount
    }
}

/// How buckets are read.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Buckets (s3://…)")]
pub(super) struct BucketArgs {
    /// Days after the window whose deliveries are read as well, at most 30: S3 keeps log files under the
    /// day of their delivery, and CloudTrail repeats a delivery that failed for 30 days
    #[arg(long, value_name = "DAYS", default_value_t = s3::LATE_DAYS)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(s3::MAX_LATE_DAYS)))]
    pub(super) late_days: u32,
    /// Pay for the requests, where the bucket's owner does not
    #[arg(long)]
    pub(super) requester_pays: bool,
}

/// Which credentials to use.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Credentials")]
pub(crate) struct CredentialArgs {
    /// Named profile of the AWS configuration to use
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// ARN of a role to assume
    #[arg(long, value_name = "ARN")]
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

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Time window (UTC)")]
pub(super) struct TimeArgs {
    /// Hours to look back from now (default: 336 of the event history, everything of other sources)
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..))]
    past_hours: Option<u32>,
    /// First day or time to count: a date (2026-09-07), a time (2026-09-07T08:30:00Z), today,
    /// yesterday, now, or an age such as 90m, 24h, 7d or 2w, which is as long before now
    #[arg(long, value_name = "TIME", conflicts_with = "past_hours")]
    since: Option<TimeArgument>,
    /// Last day to count, or the time to stop before; takes the same forms
    #[arg(long, value_name = "TIME", conflicts_with = "past_hours")]
    until: Option<TimeArgument>,
    /// Seconds to look back in the event history if no time is given; [`DEFAULT_HOURS`] if not set.
    #[arg(skip)]
    default_age: Option<Seconds>,
}

/// Values of one filter are alternatives, different filters must all match. Patterns match the whole
/// value and ignore case; those that begin with ! are exceptions.
#[derive(Debug, Clone, clap::Args)]
#[command(
    next_help_heading = "Filters (match the whole value; * and ? are wildcards, ! excludes; can be repeated)"
)]
pub(super) struct FilterArgs {
    /// Principal, such as '*:role/ci-*'
    #[arg(long, value_name = "PATTERN")]
    principal: Vec<String>,
    /// Person behind a session, such as 'ann@*'
    #[arg(long, value_name = "PATTERN")]
    person: Vec<String>,
    /// Name of a role session, such as 'deploy-*'
    #[arg(long, value_name = "PATTERN")]
    session: Vec<String>,
    /// Access key that signed the call, such as AKIAIOSFODNN7EXAMPLE
    #[arg(long, value_name = "PATTERN", value_parser = values::access_key)]
    access_key_id: Vec<String>,
    /// Service, such as ec2 or ec2.amazonaws.com
    #[arg(long, value_name = "PATTERN", value_parser = values::name)]
    event_source: Vec<String>,
    /// API, such as 'Delete*'
    #[arg(long, value_name = "PATTERN", value_parser = values::name)]
    event_name: Vec<String>,
    /// Resource that the call names: its id, name, ARN or key, such as i-0abc1234, '*:role/deploy' or
    /// 'arn:aws:s3:::logs-*'
    #[arg(long, value_name = "PATTERN")]
    resource: Vec<String>,
    /// Value of the request, such as 'bucketName=logs-*', or of another part of the record, such as
    /// 'responseElements.ConsoleLogin=Failure'; different paths must all match
    #[arg(long, value_name = "PATH=PATTERN", value_parser = values::request)]
    request: Vec<String>,
    /// Error code, such as 'AccessDenied*'
    #[arg(long, value_name = "PATTERN", value_parser = values::name)]
    error_code: Vec<String>,
    /// Source address, network such as 192.0.2.0/24, or name such as 'AWS Internal'
    #[arg(long, value_name = "ADDRESS", value_parser = values::origin)]
    ip: Vec<String>,
    /// Part of a user agent, or a pattern of all of it
    #[arg(long, value_name = "PATTERN")]
    user_agent: Vec<String>,
    /// Region to read, such as eu-west-1 or 'eu-*'
    #[arg(long, value_name = "PATTERN", value_parser = values::region)]
    pub(super) region: Vec<String>,
    /// Account to read by its id, such as 111122223333 or '!4444*'
    #[arg(long, value_name = "PATTERN", value_parser = values::account)]
    pub(super) account: Vec<String>,
    /// Count only calls that AWS refused, for want of a permission, by an explicit deny or at signing in
    #[arg(long)]
    denied: bool,
    /// Count only calls that failed; short for --activity-type FAILED
    #[arg(long, conflicts_with = "activity_type")]
    errors: bool,
    /// Count only calls that change nothing
    #[arg(long, conflicts_with = "write_only")]
    read_only: bool,
    /// Count only calls that may change something
    #[arg(long, visible_alias = "mutating")]
    write_only: bool,
    /// Leave out calls that AWS services made, also with the identity of another
    #[arg(long)]
    exclude_aws_services: bool,
    /// Leave out calls made by trailtab
    #[arg(long)]
    exclude_self: bool,
}

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Event history (without SOURCE)")]
pub(crate) struct LookupArgs {
    /// Keep the events in DIR, in CloudTrail's own layout, and read only what is not there yet
    #[arg(long, value_name = "DIR")]
    pub(super) archive: Option<PathBuf>,
    /// Read all active accounts of the organisation, and also write one summary for each
    #[arg(long)]
    pub(crate) organization: bool,
    /// Role to assume in each account of the organisation
    #[arg(long, value_name = "NAME", requires = "organization")]
    #[arg(default_value = "OrganizationAccountAccessRole")]
    pub(super) role_name: String,
    /// Requests per second in each account and region, at most 2, which is AWS's quota
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(super) max_tps: Option<f64>,
}

/// Parses a rate in requests per second that the quota allows.
fn rate(text: &str) -> Result<f64, String> {
    let rate = text
        .parse()
        .ok()
        .filter(|rate| (0.01..=QUOTA).contains(rate));
    rate.ok_or_else(|| format!("write a number from 0.01 to {QUOTA}"))
}

impl TimeArgs {
    /// The window of log files; open at both ends by default.
    pub(super) fn window(&self, now: Seconds) -> anyhow::Result<TimeWindow> {
        match self.past_hours {
            Some(hours) => Ok(TimeWindow::last_hours(hours, now)),
            None => TimeWindow::between(self.since, self.until, now)
                .map_err(|error| UsageError(format!("--since and --until: {error}")).into()),
        }
    }

    /// The window of an event history. It never ends later than now.
    pub(super) fn span(&self, now: Seconds, has_archive: bool) -> anyhow::Result<TimeRange> {
        let asked = self.window(now)?;
        let until = asked.until.unwrap_or(now + 1).min(now + 1);
        let from = match (asked.since, asked.until) {
            (Some(since), _) => since,
            // An archive can reach back further, but only an explicit --since reads that.
            (None, Some(until)) if until <= now - KEPT => until - KEPT,
            (None, Some(_)) => now - KEPT,
            (None, None) => now - self.default_age.unwrap_or(i64::from(DEFAULT_HOURS) * 3600),
        };
        if asked.since.is_some_and(|since| since > now) {
            let error = "--since and --until: AWS has no events of the future".to_owned();
            return Err(UsageError(error).into());
        }
        if (from < now - KEPT || from >= until) && !has_archive {
            let error = "LookupEvents returns the last 90 days (2160 hours): for older events, name the bucket of a trail, or keep an archive with --archive DIR from now on";
            return Err(UsageError(error.to_owned()).into());
        }
        Ok(TimeRange { from, until })
    }
}

impl LookupArgs {
    /// Refuses the options of the event history where log files are read.
    pub(super) fn refuse_with_sources(&self) -> anyhow::Result<()> {
        let given = [
            ("--archive", self.archive.is_some()),
            ("--organization", self.organization),
            ("--max-tps", self.max_tps.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((name, _)) => {
                let error = format!("{name} is for the event history: leave SOURCE out");
                Err(UsageError(error).into())
            }
        }
    }
}

impl CredentialArgs {
    pub(crate) fn access(&self) -> aws::CredentialOptions {
        aws::CredentialOptions {
            profile: self.profile.clone(),
            role: self.role.clone(),
        }
    }
}

impl ReadingArgs {
    /// Reads from a time on, whatever the arguments give as their start.
    pub(crate) fn since(mut self, since: Seconds) -> ReadingArgs {
        self.time.past_hours = None;
        self.time.since = Some(TimeArgument::Instant(since));
        self
    }

    /// Reads the event history of the last `age` seconds if the arguments give no time.
    pub(crate) fn with_default_age(mut self, age: Seconds) -> ReadingArgs {
        self.time.default_age = Some(age);
        self
    }

    pub(crate) fn filter(&self) -> EventFilter {
        let filters = &self.filters;
        EventFilter {
            activity_type: match self.activity_type {
                _ if filters.errors => filter::ActivityType::Failed,
                ActivityType::All => filter::ActivityType::All,
                ActivityType::Successful => filter::ActivityType::Successful,
                ActivityType::Failed => filter::ActivityType::Failed,
            },
            only_denied: filters.denied,
            principals: FilterValues::new(&filters.principal),
            persons: FilterValues::new(&filters.person),
            sessions: FilterValues::new(&filters.session),
            access_keys: FilterValues::new(&filters.access_key_id),
            sources: FilterValues::new(&filters.event_source),
            names: FilterValues::new(&filters.event_name),
            resources: FilterValues::new(&filters.resource),
            requests: FilterValues::new(&filters.request),
            error_codes: FilterValues::new(&filters.error_code),
            origins: FilterValues::new(&filters.ip),
            user_agents: FilterValues::new(&filters.user_agent),
            regions: FilterValues::new(&filters.region),
            accounts: FilterValues::new(&filters.account),
            access: match (filters.read_only, filters.write_only) {
                (true, _) => Some(AccessKind::ReadOnly),
                (_, true) => Some(AccessKind::WriteOnly),
                _ => None,
            },
            without_aws_services: filters.exclude_aws_services,
            without_self: filters.exclude_self,
            without_invocations_of: None,
        }
    }
}
