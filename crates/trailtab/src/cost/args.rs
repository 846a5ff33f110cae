//! The arguments of `trailtab cost`.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};

use crate::UsageError;
use crate::format::Format;
use crate::reading::CredentialArgs;
use trailtab_app::job::cost::{CostRun, ReportPeriod};
use trailtab_app::source::Source;
use trailtab_core::cost::charge::CostMetric;
use trailtab_core::cost::dimension::UsageDimension;
use trailtab_core::cost::owner::OwnerKey;
use trailtab_core::cost::period::DayRange;
use trailtab_core::cost::report::PeriodKind;
use trailtab_core::cost::settings::CostSettings;
use trailtab_core::time::TimeArgument;

#[derive(Debug, clap::Args)]
pub(crate) struct CostArgs {
    /// Form of the report on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Also write the report into DIR, as JSON, CSV and a page; with --send --dry-run, the mails
    #[arg(long, value_name = "DIR")]
    pub(super) output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) audience: AudienceArgs,
    #[command(flatten)]
    pub(super) period: PeriodArgs,
    #[command(flatten)]
    pub(super) money: MoneyArgs,
    #[command(flatten)]
    pub(super) asking: AskingArgs,
    #[command(flatten)]
    pub(super) sending: SendingArgs,
    #[command(flatten)]
    pub(super) credentials: CredentialArgs,
}

/// The audience of the report. The default is the executive's report: all accounts on one page.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Audience (default: all accounts on one page)")]
pub(super) struct AudienceArgs {
    /// Account to show with its owners and services, by name or id (can be repeated)
    #[arg(long, value_name = "NAME")]
    pub(super) account: Vec<String>,
    /// Owner to show, across accounts and services
    #[arg(long, value_name = "NAME", conflicts_with = "account")]
    pub(super) owner: Option<String>,
    /// Show usage without an owner, across accounts and services
    #[arg(long, conflicts_with_all = ["account", "owner"])]
    pub(super) untagged: bool,
    /// Also show usage by this dimension, which takes one more request (can be repeated)
    #[arg(long, value_name = "DIMENSION", value_enum, conflicts_with_all = ["owner", "untagged"])]
    pub(super) by: Vec<ByDimension>,
}

/// A dimension that usage is shown by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(super) enum ByDimension {
    /// AWS Regions
    Region,
    /// What is metered, such as EU-BoxUsage:m5.large
    UsageType,
    /// How it was bought: on demand, as spot, or covered by a commitment
    PurchaseType,
}

impl From<ByDimension> for UsageDimension {
    fn from(by: ByDimension) -> UsageDimension {
        match by {
            ByDimension::Region => UsageDimension::Region,
            ByDimension::UsageType => UsageDimension::UsageType,
            ByDimension::PurchaseType => UsageDimension::PurchaseType,
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Period in whole UTC days (default: the month to date)")]
pub(super) struct PeriodArgs {
    /// First day: a date (2026-09-07), yesterday, today, or an age such as 7d or 2w, which is as long
    /// before now; a time (2026-09-07T08:30:00Z), now, 24h or 90m stand for the day that they are in
    #[arg(long, value_name = "TIME")]
    pub(super) since: Option<TimeArgument>,
    /// Last day, which is included (default: yesterday); takes the same forms
    #[arg(long, value_name = "TIME", requires = "since")]
    pub(super) until: Option<TimeArgument>,
    /// The whole last month
    #[arg(long, conflicts_with = "since")]
    pub(super) last_month: bool,
    /// Include today, for which Cost Explorer has little data
    #[arg(long)]
    pub(super) include_today: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Money")]
pub(super) struct MoneyArgs {
    /// Settings, a file or s3://BUCKET/KEY: awsauditor's config.json, or trailtab.toml
    #[arg(long, value_name = "PLACE")]
    #[arg(value_parser = OsStringValueParser::new().try_map(Source::try_from))]
    pub(super) config: Option<Source>,
    /// Cost Explorer's metric (default: UnblendedCost)
    #[arg(long, value_name = "METRIC", ignore_case = true, value_parser = metric_parser())]
    pub(super) metric: Option<CostMetric>,
    /// Tag whose value is the owner, or cost-category:NAME (can be repeated; default: Owner)
    #[arg(long, value_name = "KEY")]
    pub(super) owner_key: Vec<OwnerKey>,
    /// Also show what AWS itself forecasts for the bill of the month, which takes one more request
    #[arg(long, conflicts_with_all = ["owner", "untagged", "since", "last_month"])]
    pub(super) aws_forecast: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Cost Explorer ($0.01 for each request, and each page is one)")]
pub(super) struct AskingArgs {
    /// Show the most requests that a run would make and their price, and do not make them
    #[arg(long)]
    pub(super) plan: bool,
    /// Most requests to make
    #[arg(long, value_name = "N")]
    pub(super) max_requests: Option<u64>,
    /// Make the report from the answers that --save wrote or aws ce get-cost-and-usage printed, without any request
    #[arg(long, value_name = "DIR", conflicts_with_all = ["save", "plan"])]
    pub(super) offline: Option<PathBuf>,
    /// Save all answers in DIR
    #[arg(long, value_name = "DIR")]
    pub(super) save: Option<PathBuf>,
    /// Cache of answers: a directory or s3://BUCKET/PREFIX
    #[arg(long, value_name = "PLACE")]
    #[arg(value_parser = OsStringValueParser::new().try_map(Source::try_from))]
    pub(super) cache: Option<Source>,
    /// Do not use a cache of answers
    #[arg(long, conflicts_with = "cache")]
    pub(super) no_cache: bool,
    /// Hours for which cached answers about days that can still change are used
    #[arg(long, value_name = "HOURS", default_value_t = 6, value_parser = clap::value_parser!(u32).range(0..=240))]
    pub(super) max_age: u32,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Sending")]
pub(super) struct SendingArgs {
    /// Send the reports that are due today to the recipients and channels in the settings
    #[arg(long, requires = "config", conflicts_with_all = ["account", "owner", "untagged", "by"])]
    pub(super) send: bool,
    /// Send nothing: write the mails and messages into the directory of --output
    #[arg(long, requires = "send", requires = "output")]
    pub(super) dry_run: bool,
    /// Send to this address or channel only (can be repeated)
    #[arg(long, value_name = "ADDRESS", requires = "send")]
    pub(super) to: Vec<String>,
    /// Ledger of what was sent, which prevents sending twice: a directory or s3://BUCKET/PREFIX
    #[arg(long, value_name = "PLACE", requires = "send")]
    #[arg(value_parser = OsStringValueParser::new().try_map(Source::try_from))]
    pub(super) ledger: Option<Source>,
}

/// Parses the name of a metric; the help lists all names.
fn metric_parser() -> impl TypedValueParser<Value = CostMetric> {
    let named = |name: &str| {
        let metrics = CostMetric::ALL.into_iter();
        let mut found = metrics.filter(|metric| metric.name().eq_ignore_ascii_case(name));
        found.next().ok_or("unknown metric")
    };
    PossibleValuesParser::new(CostMetric::ALL.map(CostMetric::name))
        .try_map(move |name| named(&name))
}

impl CostArgs {
    /// Overrides the settings by the arguments.
    pub(super) fn overrule(&self, settings: &mut CostSettings) {
        if let Some(metric) = self.money.metric {
            settings.metric = metric;
        }
        if !self.money.owner_key.is_empty() {
            settings.owner.keys.clone_from(&self.money.owner_key);
        }
        if let Some(max_requests) = self.asking.max_requests {
            settings.max_requests.0 = max_requests;
        }
        settings.include_today |= self.period.include_today;
        settings.aws_forecast |= self.money.aws_forecast;
    }
}

impl PeriodArgs {
    /// The period that the arguments name, if any.
    pub(super) fn asked(&self, run: &CostRun) -> anyhow::Result<Option<ReportPeriod>> {
        if self.last_month {
            return Ok(Some(run.last_month()));
        }
        let Some(since) = self.since else {
            return Ok(None);
        };
        let from = since.first_day(run.now);
        let today = run.today();
        let last = match run.settings.include_today {
            true => today,
            false => today.yesterday().unwrap_or(today),
        };
        let until = self.until.map(|until| until.last_day(run.now));
        let through = until.unwrap_or(last).min(today);
        if from > through {
            let error = format!(
                "--since and --until: the period is empty: it starts on {from} and ends on {through} (days are UTC; today is left out unless --include-today is given)"
            );
            return Err(UsageError(error).into());
        }
        Ok(Some(ReportPeriod {
            kind: PeriodKind::Range,
            days: DayRange { from, through },
        }))
    }
}
