//! `trailtab usage`: shows how often each API is called, as tables, metrics, dashboards and alarms.

mod args;
mod counted;
mod health;
mod price;
mod publish;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Parser as _, Subcommand};

use self::args::{DashboardForm, UsageArgs, UsageFormat};
use self::counted::CountedUsage;
use super::RunEnd;
use super::ui::Ui;
use crate::format::{Format, ResultForms};
use trailtab_core::activity::usage::causes::{self, ThrottleReport};
use trailtab_core::activity::usage::kept::{self, MetricLimit};
use trailtab_core::activity::usage::metrics::MetricSets;
use trailtab_core::activity::usage::popular::{self, ApiAlarm};
use trailtab_core::activity::usage::report::UsageReport;
use trailtab_render as render;
use trailtab_render::emf;
use trailtab_render::usage::{alarm, dashboard, openmetrics};

/// Default number of APIs on a dashboard.
const DASHBOARD_APIS: usize = 10;

/// Region of the dashboard's metrics if the environment names no region.
const DEFAULT_REGION: &str = "us-east-1";

/// Show how often each API is called, by which callers, and what causes throttling
///
/// Reads what `trailtab activity` reads: without SOURCE the event history, or CloudTrail records from files,
/// directories, standard input and S3. Prints calls per API with errors, throttles and the busiest minute; or the
/// same as metrics for Prometheus and CloudWatch; or a dashboard and alarms for the APIs that were called. All times
/// are UTC.
///
/// Filters match the whole value, and case is ignored: * stands for any text, ? for one character, and
/// ! in front excludes. Repeating an option means any of its values; different options must all match.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_precedence_over_arg = true,
    after_help = crate::examples::USAGE
)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<UsageVerb>,
    #[command(flatten)]
    usage: UsageArgs,
}

/// Parses the demo's arguments like those of a command line.
#[derive(Debug, clap::Parser)]
struct UsageDemo {
    #[command(flatten)]
    args: Args,
}

#[derive(Debug, Subcommand)]
enum UsageVerb {
    Price(Box<price::PriceArgs>),
    Health(Box<health::HealthArgs>),
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<RunEnd> {
    match &args.verb {
        Some(UsageVerb::Price(args)) => price::run(args, ui),
        Some(UsageVerb::Health(args)) => health::run(args, ui),
        None => usage(&args.usage, ui),
    }
}

/// Prints the APIs with most calls in folders of logs.
pub(super) fn show(logs: &[PathBuf], ui: Ui) -> anyhow::Result<RunEnd> {
    let options = ["usage", "--top", "10"].map(AsRef::as_ref);
    let words = options
        .into_iter()
        .chain(logs.iter().map(|folder| folder.as_os_str()));
    run(&UsageDemo::try_parse_from(words)?.args, ui)
}

fn usage(args: &UsageArgs, ui: Ui) -> anyhow::Result<RunEnd> {
    args.refuse()?;
    if args.publish.publish {
        return publish::run(args, ui);
    }
    if args.watch.dashboard.is_some() || !args.watch.alarm.is_empty() {
        return watch(args, ui);
    }
    let Some(format) = args.format.of_table() else {
        return metrics(args, ui);
    };
    args.files.prepare()?;
    match args.table.throttled {
        true => throttled(args, format, ui),
        false => table(args, format, ui),
    }
}

/// Prints calls as a table.
fn table(args: &UsageArgs, format: Format, ui: Ui) -> anyhow::Result<RunEnd> {
    let question = |format| args.table.question(args.metrics.rows(format));
    let dimensions = question(format).dimensions();
    let Some(counted) = CountedUsage::for_table(&args.reading, &args.credentials, &dimensions, ui)?
    else {
        return Ok(RunEnd::Done);
    };
    // A page has fewer rows than the same table for programs.
    let report = |format| {
        let (question, basis) = (question(format), counted.basis.clone());
        let report = UsageReport::of(&counted.usage, &question, counted.extent, basis);
        report.context("cannot read the counts back")
    };
    let page = report(Format::Text)?;
    counted.tell_beside(format, ui);
    ResultForms {
        name: "usage",
        page: &|look| render::usage::report(&page, look),
        json: &|| Ok(render::json::ascii(&report(Format::Json)?)?),
        csv: &|| Ok(render::usage::report_csv(&report(Format::Csv)?)?),
    }
    .deliver(format, &args.files, ui)?;
    Ok(counted.ended())
}

/// Prints which callers cause throttling.
fn throttled(args: &UsageArgs, format: Format, ui: Ui) -> anyhow::Result<RunEnd> {
    let by = args.table.callers()?;
    let dimensions = causes::dimensions(&by);
    let Some(counted) = CountedUsage::for_table(&args.reading, &args.credentials, &dimensions, ui)?
    else {
        return Ok(RunEnd::Done);
    };
    let causes = ThrottleReport::of(&counted.usage, &by, counted.basis.clone())
        .context("cannot read the counts back")?;
    counted.tell_beside(format, ui);
    ResultForms {
        name: "usage_throttled",
        page: &|look| render::usage::causes(&causes, look),
        json: &|| Ok(render::json::ascii(&causes)?),
        csv: &|| Ok(render::usage::causes_csv(&causes)?),
    }
    .deliver(format, &args.files, ui)?;
    Ok(counted.ended())
}

/// Prints metrics for other programs.
fn metrics(args: &UsageArgs, ui: Ui) -> anyhow::Result<RunEnd> {
    let sets = args.metrics.metrics.clone().unwrap_or_default();
    let Some(counted) = CountedUsage::for_metrics(&args.reading, &args.credentials, &sets, ui)?
    else {
        return Ok(RunEnd::Done);
    };
    let mut kept = MetricLimit::new(args.metrics.top_or(kept::TOP));
    let data = kept.data(&counted.usage, &sets);
    let namespace = &args.metrics.namespace;
    let printed = match args.format {
        UsageFormat::Emf => emf::data(&data, namespace),
        _ => openmetrics::data(&data, namespace),
    };
    counted.tell_what_is_missing(ui);
    ui.data(&printed).context("cannot print the metrics")?;
    Ok(counted.ended())
}

/// Prints a dashboard and alarms for the APIs that are called most.
fn watch(args: &UsageArgs, ui: Ui) -> anyhow::Result<RunEnd> {
    let sets = MetricSets::default();
    let Some(counted) = CountedUsage::for_metrics(&args.reading, &args.credentials, &sets, ui)?
    else {
        return Ok(RunEnd::Done);
    };
    let data = MetricLimit::new(kept::TOP).data(&counted.usage, &sets);
    let apis = popular::apis(&data);
    if apis.is_empty() {
        counted.tell_no_match(ui);
        bail!("there is nothing to watch: no call of an API was counted");
    }
    let alarms = args.watch.alarm.iter().map(|wanted| wanted.find(&apis));
    let alarms: Vec<ApiAlarm> = alarms.collect::<Result<_, _>>()?;
    let shown = args.metrics.top_or(DASHBOARD_APIS).min(apis.len());
    let (shown, namespace) = (&apis[..shown], &args.metrics.namespace);
    let made = match args.watch.dashboard {
        Some(DashboardForm::Json) => dashboard::body(shown, namespace, &metrics_region(ui))?,
        Some(DashboardForm::Cloudformation) => dashboard::template(shown, &alarms, namespace)?,
        None => dashboard::template(&[], &alarms, namespace)?,
    };
    alarm::limited(&alarms).for_each(|remark| ui.remark(&remark));
    counted.tell_what_is_missing(ui);
    let printed = render::json::ascii(&made)?;
    ui.data(&printed).context("cannot print the dashboard")?;
    Ok(counted.ended())
}

/// The region of the metrics by the environment, or a default that is named in a remark.
fn metrics_region(ui: Ui) -> String {
    let names = ["AWS_REGION", "AWS_DEFAULT_REGION"];
    let told = names.iter().find_map(|name| std::env::var(name).ok());
    told.filter(|region| !region.is_empty()).unwrap_or_else(|| {
        ui.remark(&format!(
            "the dashboard shows metrics of {DEFAULT_REGION}: set AWS_REGION to where yours are"
        ));
        DEFAULT_REGION.to_owned()
    })
}
