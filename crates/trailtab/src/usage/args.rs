//! The arguments of `trailtab usage`.

use clap::ValueEnum;

use super::publish::PublishArgs;
use crate::UsageError;
use crate::format::{Format, ResultFileArgs};
use crate::reading::{CredentialArgs, ReadingArgs};
use trailtab_app::source::Source;
use trailtab_core::activity::usage::metrics::{
    MetricSets, NAMESPACE, further_set_names, is_namespace,
};
use trailtab_core::activity::usage::popular::AlarmSpec;
use trailtab_core::activity::usage::report::{ColumnKey, TableQuery, TimeStep};

/// Default rows of a page.
const PAGE_ROWS: usize = 50;

/// What to report of the calls, and in which form.
#[derive(Debug, clap::Args)]
// The help of --organization without the summary for each account, which this verb does not write.
#[command(mut_arg("organization", |arg| arg.help("Read all active accounts of the organisation")))]
#[command(mut_arg("output", |arg| arg.conflicts_with_all(["dashboard", "alarm", "publish"])))]
pub(super) struct UsageArgs {
    #[command(flatten)]
    pub(super) reading: ReadingArgs,
    #[command(flatten)]
    pub(super) table: TableArgs,
    #[command(flatten)]
    pub(super) metrics: MetricArgs,
    #[command(flatten)]
    pub(super) watch: WatchArgs,
    #[command(flatten)]
    pub(super) publish: PublishArgs,
    /// What to print
    #[arg(long, value_enum, default_value_t = UsageFormat::Text, help_heading = "Output")]
    pub(super) format: UsageFormat,
    #[command(flatten)]
    pub(super) files: ResultFileArgs,
    #[command(flatten)]
    pub(super) credentials: CredentialArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Table")]
pub(super) struct TableArgs {
    /// Columns to group calls by, or callers with --throttled (can be repeated; default: api, or principal)
    #[arg(long, value_enum, value_delimiter = ',')]
    by: Vec<ByArg>,
    /// A row for each time in which there are calls, in UTC
    #[arg(long, value_enum, value_name = "TIME")]
    per: Option<PerArg>,
    /// Show which callers cause throttling: those that called while calls were refused for their rate
    #[arg(long, conflicts_with = "per")]
    pub(super) throttled: bool,
}

/// Which metrics to make from the calls.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Metrics (openmetrics, emf, dashboards)")]
pub(super) struct MetricArgs {
    #[arg(long, value_name = "SETS", value_parser = MetricSets::parse)]
    #[arg(help = format!("Further sets of metrics: {}", further_set_names()))]
    pub(super) metrics: Option<MetricSets>,
    /// Namespace of the metrics
    #[arg(long, value_name = "NAME", value_parser = namespace, default_value = NAMESPACE)]
    pub(super) namespace: String,
    /// How many to show or keep; the others count under __other__ (default: 50 rows of a page, 100000 of JSON
    /// and CSV, 1000 metrics of a set, 10 APIs of a dashboard)
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    top: Option<u32>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Dashboards and alarms")]
pub(super) struct WatchArgs {
    /// Print a dashboard of the APIs with most calls
    #[arg(long, value_enum, value_name = "FORM", conflicts_with_all = ["throttled", "by", "per", "format"])]
    pub(super) dashboard: Option<DashboardForm>,
    /// Print a CloudFormation template with an alarm on N calls a minute, such as RunInstances=100,
    /// ec2:RunInstances=100 or RunInstances=1000/1h (can be repeated)
    #[arg(long, value_name = "API=N", conflicts_with_all = ["throttled", "by", "per", "format"])]
    pub(super) alarm: Vec<AlarmSpec>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ByArg {
    Api,
    Region,
    /// The account that recorded the call
    Account,
    Principal,
    /// The name of the role session
    Session,
    /// The person behind the call
    Person,
    UserAgent,
    /// The source address
    Ip,
    ErrorCode,
    /// A resource that the call names; a call counts for each
    Resource,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PerArg {
    Minute,
    Hour,
    Day,
}

/// The forms of a table, and those of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum UsageFormat {
    /// A page for people
    #[value(alias = "table")]
    Text,
    /// All of it
    Json,
    /// All rows
    Csv,
    /// Metrics for Prometheus, by promtool
    Openmetrics,
    /// Metrics in CloudWatch's embedded metric format
    Emf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DashboardForm {
    /// The body that PutDashboard takes
    Json,
    /// A template with the dashboard, and the alarms
    Cloudformation,
}

impl ByArg {
    fn key(self) -> ColumnKey {
        match self {
            ByArg::Api => ColumnKey::Api,
            ByArg::Region => ColumnKey::Region,
            ByArg::Account => ColumnKey::Account,
            ByArg::Principal => ColumnKey::Principal,
            ByArg::Session => ColumnKey::Session,
            ByArg::Person => ColumnKey::Person,
            ByArg::UserAgent => ColumnKey::UserAgent,
            ByArg::Ip => ColumnKey::IpAddress,
            ByArg::ErrorCode => ColumnKey::ErrorCode,
            ByArg::Resource => ColumnKey::Resource,
        }
    }
}

impl UsageFormat {
    /// The form of a table; absent for the forms of metrics.
    pub(super) fn of_table(self) -> Option<Format> {
        match self {
            UsageFormat::Text => Some(Format::Text),
            UsageFormat::Json => Some(Format::Json),
            UsageFormat::Csv => Some(Format::Csv),
            UsageFormat::Openmetrics | UsageFormat::Emf => None,
        }
    }
}

/// Parses a namespace that CloudWatch takes.
fn namespace(text: &str) -> Result<String, String> {
    let error = "write up to 255 letters, digits and any of . - _ / # :, that do not begin with AWS/ or a colon";
    is_namespace(text)
        .then(|| text.to_owned())
        .ok_or_else(|| error.to_owned())
}

impl TableArgs {
    /// Tells whether `--by` or `--per` is given.
    fn is_given(&self) -> bool {
        !self.by.is_empty() || self.per.is_some()
    }

    /// The columns of `--by`, each once, or a default.
    fn columns(&self, default: ColumnKey) -> Vec<ColumnKey> {
        let mut by = Vec::new();
        for column in self.by.iter().map(|column| column.key()) {
            if !by.contains(&column) {
                by.push(column);
            }
        }
        if by.is_empty() {
            by.push(default);
        }
        by
    }

    /// The columns that tell callers apart.
    ///
    /// # Errors
    ///
    /// If a column is not about callers.
    pub(super) fn callers(&self) -> anyhow::Result<Vec<ColumnKey>> {
        let by = self.columns(ColumnKey::Principal);
        if by.iter().all(|column| column.is_of_callers()) {
            return Ok(by);
        }
        let error = "--throttled is about callers, for each API, region and account: write --by principal, session, person, user-agent or ip";
        Err(UsageError(error.to_owned()).into())
    }

    /// The table that the arguments ask for.
    pub(super) fn question(&self, top: Option<usize>) -> TableQuery {
        let by = self.columns(ColumnKey::Api);
        TableQuery {
            by,
            per: self.per.map(|per| match per {
                PerArg::Minute => TimeStep::Minute,
                PerArg::Hour => TimeStep::Hour,
                PerArg::Day => TimeStep::Day,
            }),
            top,
        }
    }
}

impl MetricArgs {
    /// The value of `--top`, or a default.
    pub(super) fn top_or(&self, otherwise: usize) -> usize {
        self.top.map_or(otherwise, |top| top as usize)
    }

    /// Most keys of a table; not set for the most there are.
    pub(super) fn rows(&self, format: Format) -> Option<usize> {
        match format {
            Format::Text => Some(self.top_or(PAGE_ROWS)),
            _ => self.top.map(|top| top as usize),
        }
    }
}

impl UsageArgs {
    /// Refuses combinations of options that have no meaning.
    pub(super) fn refuse(&self) -> anyhow::Result<()> {
        let makes_metrics = self.format.of_table().is_none();
        let is_verb = |source: &Source| {
            ["price", "health"]
                .iter()
                .any(|verb| *source == Source::Path(verb.into()))
        };
        let error = if self.reading.sources.iter().any(is_verb) {
            "price and health come first, before all options; a file or directory of that name is ./price or ./health"
        } else if self.metrics.metrics.is_some() && !makes_metrics && !self.publish.publish {
            "--metrics is for --format openmetrics and emf, and for --publish"
        } else if self.table.throttled && makes_metrics {
            "--throttled can be had as text, json and csv"
        } else if self.table.throttled && self.metrics.top.is_some() {
            "--throttled lists all callers: leave out --top"
        } else if makes_metrics && self.files.are_wanted() {
            "--output writes a table: redirect standard output to keep openmetrics and emf"
        } else if makes_metrics && self.table.is_given() {
            "--by and --per are for tables: --metrics says what metrics tell apart, since each combination of values is a metric that costs money"
        } else if self.watch.dashboard == Some(DashboardForm::Json) && !self.watch.alarm.is_empty()
        {
            "--alarm makes a CloudFormation template: write --dashboard cloudformation, or no --dashboard"
        } else {
            return Ok(());
        };
        Err(UsageError(error.to_owned()).into())
    }
}
