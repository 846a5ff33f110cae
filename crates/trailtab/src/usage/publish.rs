//! `trailtab usage --publish`: sends metrics of past calls to CloudWatch, each hour at most once.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use clap::builder::{OsStringValueParser, TypedValueParser as _};

use super::args::UsageArgs;
use super::counted::CountedUsage;
use crate::signals;
use crate::ui::Ui;
use crate::{RunEnd, UsageError};
use trailtab_app::aws;
use trailtab_app::clock;
use trailtab_app::deliver::cloudwatch::MetricPublisher;
use trailtab_app::deliver::ledger::SendLedger;
use trailtab_app::job::backfill::{self, CheckError};
use trailtab_app::job::read;
use trailtab_app::job::usage::{DeliveryReport, KeptMetrics, LedgerKeys};
use trailtab_app::source::Source;
use trailtab_core::activity::usage::UsageTally;
use trailtab_core::activity::usage::backfill::BackfillPlan;
use trailtab_core::activity::usage::kept;
use trailtab_core::activity::usage::metrics::MetricSets;
use trailtab_render as render;

/// Sending metrics to CloudWatch.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Publishing")]
pub(super) struct PublishArgs {
    /// Send the metrics of the last 14 days to CloudWatch, after showing them with their price and asking
    #[arg(long, conflicts_with_all = ["throttled", "by", "per", "format", "dashboard", "alarm"])]
    pub(super) publish: bool,
    /// Send without asking
    #[arg(long, requires = "publish")]
    yes: bool,
    /// Show what would be sent, and send nothing
    #[arg(long, requires = "publish", conflicts_with = "yes")]
    dry_run: bool,
    /// Send even if something could not be read: the counts of its hours stay too low
    #[arg(long, requires = "publish")]
    partial: bool,
    /// Ledger of sent hours, which prevents sending twice: a directory or s3://BUCKET[/PREFIX]
    #[arg(
        long,
        value_name = "PLACE",
        requires = "publish",
        default_value = "results/published"
    )]
    #[arg(value_parser = OsStringValueParser::new().try_map(LedgerPlace::try_from))]
    ledger: LedgerPlace,
}

/// Where a ledger is.
#[derive(Debug, Clone)]
enum LedgerPlace {
    Directory(PathBuf),
    S3 { bucket: String, prefix: String },
}

impl TryFrom<OsString> for LedgerPlace {
    type Error = String;

    fn try_from(text: OsString) -> Result<LedgerPlace, String> {
        match Source::try_from(text) {
            Ok(Source::Path(path)) => Ok(LedgerPlace::Directory(path)),
            Ok(Source::S3 { bucket, prefix }) => Ok(LedgerPlace::S3 { bucket, prefix }),
            _ => Err("write a directory or s3://BUCKET[/PREFIX]".to_owned()),
        }
    }
}

pub(super) fn run(args: &UsageArgs, ui: Ui) -> anyhow::Result<RunEnd> {
    let options = &args.publish;
    if !options.yes && !options.dry_run && !ui.can_ask() {
        let error = "--publish costs money and cannot ask without a terminal: add --yes, or --dry-run to see what would be sent";
        return Err(UsageError(error.to_owned()).into());
    }
    let sets = args.metrics.metrics.clone().unwrap_or_default();
    let Some(counted) = CountedUsage::for_metrics(&args.reading, &args.credentials, &sets, ui)?
    else {
        return Ok(RunEnd::Done);
    };
    read::start_runtime()?.block_on(async {
        let account = MetricAccount::connect(args).await?;
        account.plan_and_publish(args, &sets, &counted, ui).await
    })
}

/// The account and region that receive the metrics, and the ledger of what they have received.
struct MetricAccount {
    region: String,
    keys: LedgerKeys,
    publisher: MetricPublisher,
    ledger: SendLedger,
}

impl MetricAccount {
    async fn connect(args: &UsageArgs) -> anyhow::Result<MetricAccount> {
        let namespace = &args.metrics.namespace;
        let config = aws::config(&args.credentials.access()).await?;
        let caller = aws::sts(&config).get_caller_identity().send().await;
        let caller = caller.map_err(|error| anyhow!(aws::explain(&error)));
        let caller = caller.context("cannot tell which account the metrics are for")?;
        let region = aws::region_of(&config).to_string();
        Ok(MetricAccount {
            keys: LedgerKeys::new(namespace, caller.account().unwrap_or_default(), &region),
            publisher: MetricPublisher::new(aws::cloudwatch(&config), namespace),
            ledger: match &args.publish.ledger {
                LedgerPlace::Directory(directory) => SendLedger::Directory(directory.clone()),
                LedgerPlace::S3 { bucket, prefix } => {
                    SendLedger::in_s3(&config, bucket, prefix.clone())
                }
            },
            region,
        })
    }

    /// Plans, shows the plan, and sends it if the user agrees.
    async fn plan_and_publish(
        &self,
        args: &UsageArgs,
        sets: &MetricSets,
        counted: &CountedUsage<UsageTally>,
        ui: Ui,
    ) -> anyhow::Result<RunEnd> {
        let options = &args.publish;
        let (keys, kept) = (&self.keys, self.keys.kept());
        let (publisher, ledger) = (&self.publisher, &self.ledger);
        let top = args.metrics.top_or(kept::TOP);
        // The list of kept metrics is loaded here, but stored only when something is sent.
        let mut memory = KeptMetrics::new(top);
        memory.load(ledger, &kept).await?;
        let data = memory.data(&counted.usage, sets, None).await?;
        let mut plan = BackfillPlan::new(data, counted.window, counted.read_at, clock::now());
        let others = backfill::published_by_others(&plan, keys, publisher, ledger).await;
        if let Ok(others) = &others {
            plan.leave_out(others);
        }
        let unchecked = others.as_ref().err().map(ToString::to_string);
        let page = render::usage::plan(
            &plan,
            &args.metrics.namespace,
            &self.region,
            unchecked.as_deref(),
            ui.look(),
        );
        ui.data(page.as_bytes()).context("cannot print the plan")?;
        counted.tell_what_is_missing(ui);
        if options.dry_run
            || plan.hours.is_empty()
            || !may_send(options, counted, others.map(drop), ui)?
        {
            ui.remark("nothing was sent");
            return Ok(counted.ended());
        }
        // Another run may have taken places in the list since it was loaded.
        let mut memory = KeptMetrics::new(top);
        let data = memory.data(&counted.usage, sets, Some((ledger, &kept)));
        plan.replace_data(data.await?);
        let sending = signals::interruptible(signals::STOPS_SENDING);
        let stop = &sending.interrupt;
        let report = backfill::publish(plan, keys, publisher, ledger, clock::now, stop).await;
        tell(&report, ui)?;
        // Hours that are too old or already published were shown in the plan, and do not make the result partial.
        let is_done = report.unsent_data + report.unconfirmed == 0 && report.troubles.is_empty();
        Ok(match is_done {
            true => counted.ended(),
            false => RunEnd::Partial,
        })
    }
}

/// Whether to send a plan: asks, unless there is `--yes`. `check` is the outcome of looking for hours that others
/// have published.
///
/// # Errors
///
/// If events are missing, or hours that others have published would be sent without asking.
fn may_send(
    options: &PublishArgs,
    counted: &CountedUsage<UsageTally>,
    check: Result<(), CheckError>,
    ui: Ui,
) -> anyhow::Result<bool> {
    if !counted.basis.coverage.reading.complete && !options.partial {
        bail!(
            "the events are incomplete, and published hours cannot be completed later: fix the problems, or add --partial"
        );
    }
    if options.yes {
        check?;
        return Ok(true);
    }
    Ok(ui.ask("Send it?")?)
}

/// Prints the errors, and the number of calls by outcome.
fn tell(report: &DeliveryReport, ui: Ui) -> anyhow::Result<()> {
    for trouble in &report.troubles {
        ui.error(&anyhow!("{trouble}"));
    }
    let rows = [
        ("calls were published", report.published),
        (
            "calls were published by an earlier run",
            report.skipped_as("repeated"),
        ),
        (
            "calls were not published, since others were in their place",
            report.skipped_as("displaced"),
        ),
        (
            "calls were too old or too far ahead, or CloudWatch refused their data",
            report.refused,
        ),
        ("calls were sent, and no answer came", report.unconfirmed),
        ("calls were not sent", report.unsent),
    ];
    let text = render::usage::account(&rows, report.chunks + report.retries, report.retries);
    ui.data(text.as_bytes()).context("cannot print the result")
}
