//! `trailtab usage`: how often each API is called.

mod args;
mod counted;
mod price;
mod publish;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Parser as _, Subcommand};

use self::args::{Form, Format, UsageArgs};
use self::counted::Counted;
use super::Ended;
use super::ui::Ui;
use trailtab_core::activity::usage::causes::{self, Causes};
use trailtab_core::activity::usage::kept::{self, Kept};
use trailtab_core::activity::usage::metrics::{self, Sets};
use trailtab_core::activity::usage::popular::{self, Alarm};
use trailtab_core::activity::usage::report::Report;
use trailtab_render as render;
use trailtab_render::emf;
use trailtab_render::usage::{dashboard, openmetrics};

/// APIs on a dashboard, unless somebody says otherwise.
const ON_DASHBOARD: usize = 10;

/// Where metrics are looked for if nobody says where they are.
const HOME_REGION: &str = "us-east-1";

/// Tell how often each API is called, by whom, and who causes throttling
///
/// Reads what `trailtab activity` reads: without SOURCE the event history, or CloudTrail records from
/// files, directories, standard input and S3. Prints calls per API with errors, throttles and the
/// busiest minute; or the same as metrics for Prometheus and CloudWatch; or a dashboard and alarms for
/// the APIs that are really called. All times are UTC.
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
    verb: Option<Verb>,
    #[command(flatten)]
    usage: UsageArgs,
}

/// The demo's arguments, parsed as those of a command line.
#[derive(Debug, clap::Parser)]
struct Demo {
    #[command(flatten)]
    args: Args,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Price(Box<price::PriceArgs>),
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<Ended> {
    match &args.verb {
        Some(Verb::Price(args)) => price::run(args, ui),
        None => usage(&args.usage, ui),
    }
}

/// Prints the APIs with most calls in folders of logs.
pub(super) fn show(logs: &[PathBuf], ui: Ui) -> anyhow::Result<Ended> {
    let options = ["usage", "--top", "10"].map(AsRef::as_ref);
    let words = options
        .into_iter()
        .chain(logs.iter().map(|folder| folder.as_os_str()));
    run(&Demo::try_parse_from(words)?.args, ui)
}

fn usage(args: &UsageArgs, ui: Ui) -> anyhow::Result<Ended> {
    args.refuse()?;
    if args.publish.publish {
        return publish::run(args, ui);
    }
    if args.watch.dashboard.is_some() || !args.watch.alarm.is_empty() {
        return watch(args, ui);
    }
    match args.format {
        Format::Openmetrics | Format::Emf => metrics(args, ui),
        _ if args.table.throttled => throttled(args, ui),
        _ => table(args, ui),
    }
}

/// Prints calls as a table.
fn table(args: &UsageArgs, ui: Ui) -> anyhow::Result<Ended> {
    let question = args.table.question(args.metrics.rows(args.format));
    let counted = Counted::read(&args.reading, &args.credentials, question.detail(), ui)?;
    let basis = counted.basis.clone();
    let report = Report::of(&counted.usage, &question, counted.extent, basis);
    let printed = match args.format {
        Format::Json => {
            counted.tell_no_match(ui);
            render::json::ascii(&report)?
        }
        Format::Csv => {
            counted.tell_what_is_missing(ui);
            render::usage::report_csv(&report)?
        }
        _ => render::usage::report(&report, ui.look()).into_bytes(),
    };
    ui.data(&printed).context("cannot print the table")?;
    Ok(counted.ended())
}

/// Prints who causes throttling.
fn throttled(args: &UsageArgs, ui: Ui) -> anyhow::Result<Ended> {
    let counted = Counted::read(&args.reading, &args.credentials, causes::DETAIL, ui)?;
    let causes = Causes::of(&counted.usage, counted.basis.clone());
    let printed = match args.format {
        Format::Json => {
            counted.tell_no_match(ui);
            render::json::ascii(&causes)?
        }
        Format::Csv => {
            counted.tell_what_is_missing(ui);
            render::usage::causes_csv(&causes)?
        }
        _ => render::usage::causes(&causes, ui.look()).into_bytes(),
    };
    ui.data(&printed).context("cannot print the causes")?;
    Ok(counted.ended())
}

/// Prints metrics for other programs.
fn metrics(args: &UsageArgs, ui: Ui) -> anyhow::Result<Ended> {
    let sets = args.metrics.metrics.clone().unwrap_or_default();
    let counted = Counted::read(&args.reading, &args.credentials, sets.detail(), ui)?;
    let mut kept = Kept::new(args.metrics.top_or(kept::TOP));
    let data = metrics::data(&counted.usage, &sets, &mut kept);
    let namespace = &args.metrics.namespace;
    let printed = match args.format {
        Format::Emf => emf::data(&data, namespace),
        _ => openmetrics::data(&data, namespace),
    };
    counted.tell_what_is_missing(ui);
    ui.data(&printed).context("cannot print the metrics")?;
    Ok(counted.ended())
}

/// Prints a dashboard and alarms for the APIs that are called most.
fn watch(args: &UsageArgs, ui: Ui) -> anyhow::Result<Ended> {
    let sets = Sets::default();
    let counted = Counted::read(&args.reading, &args.credentials, sets.detail(), ui)?;
    let data = metrics::data(&counted.usage, &sets, &mut Kept::new(kept::TOP));
    let apis = popular::apis(&data);
    if apis.is_empty() {
        counted.tell_no_match(ui);
        bail!("there is nothing to watch: no call of an API was counted");
    }
    let alarms = args.watch.alarm.iter().map(|wanted| wanted.find(&apis));
    let alarms: Vec<Alarm> = alarms.collect::<Result<_, _>>()?;
    let shown = args.metrics.top_or(ON_DASHBOARD).min(apis.len());
    let (shown, namespace) = (&apis[..shown], &args.metrics.namespace);
    let made = match args.watch.dashboard {
        Some(Form::Json) => dashboard::body(shown, namespace, &home_region(ui))?,
        Some(Form::Cloudformation) => dashboard::template(shown, &alarms, namespace)?,
        None => dashboard::template(&[], &alarms, namespace)?,
    };
    dashboard::shortened(&alarms).for_each(|remark| ui.remark(&remark));
    counted.tell_what_is_missing(ui);
    let printed = render::json::ascii(&made)?;
    ui.data(&printed).context("cannot print the dashboard")?;
    Ok(counted.ended())
}

/// The region that metrics are published to, as far as the environment tells.
fn home_region(ui: Ui) -> String {
    let names = ["AWS_REGION", "AWS_DEFAULT_REGION"];
    let told = names.iter().find_map(|name| std::env::var(name).ok());
    told.filter(|region| !region.is_empty()).unwrap_or_else(|| {
        ui.remark(&format!(
            "the dashboard shows metrics of {HOME_REGION}: set AWS_REGION to where yours are"
        ));
        HOME_REGION.to_owned()
    })
}
