//! `trailtab usage --publish`: metrics after the fact.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use clap::builder::{OsStringValueParser, TypedValueParser as _};

use super::args::UsageArgs;
use super::counted::Counted;
use crate::signals;
use crate::ui::Ui;
use crate::{Ended, UsageError};
use trailtab_app::aws;
use trailtab_app::clock;
use trailtab_app::deliver::cloudwatch::Publisher;
use trailtab_app::deliver::ledger::Ledger;
use trailtab_app::job::usage::{Account, Keys, Memory};
use trailtab_app::job::{backfill, read};
use trailtab_app::source::Source;
use trailtab_core::activity::usage::backfill::Plan;
use trailtab_core::activity::usage::kept;
use trailtab_render as render;

/// Sending metrics to CloudWatch.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Publishing")]
pub(super) struct PublishArgs {
    /// Send the metrics to CloudWatch, which takes those of the last 14 days; shows what that is and
    /// costs, and asks first
    #[arg(long, conflicts_with_all = ["throttled", "by", "per", "format", "dashboard", "alarm"])]
    pub(super) publish: bool,
    /// Send without asking
    #[arg(long, requires = "publish")]
    yes: bool,
    /// Show what would be sent, and send nothing
    #[arg(long, requires = "publish", conflicts_with = "yes")]
    dry_run: bool,
    /// Send what could be read, although something is missing: its hours stay short
    #[arg(long, requires = "publish")]
    partial: bool,
    /// Where to remember what was sent, so that nothing is sent twice: a directory or s3://BUCKET[/PREFIX]
    #[arg(
        long,
        value_name = "PLACE",
        requires = "publish",
        default_value = "results/published"
    )]
    #[arg(value_parser = OsStringValueParser::new().try_map(Place::try_from))]
    ledger: Place,
}

/// Where a ledger is.
#[derive(Debug, Clone)]
enum Place {
    Directory(PathBuf),
    S3 { bucket: String, prefix: String },
}

impl TryFrom<OsString> for Place {
    type Error = String;

    fn try_from(text: OsString) -> Result<Place, String> {
        match Source::try_from(text) {
            Ok(Source::Path(path)) => Ok(Place::Directory(path)),
            Ok(Source::S3 { bucket, prefix }) => Ok(Place::S3 { bucket, prefix }),
            _ => Err("write a directory or s3://BUCKET[/PREFIX]".to_owned()),
        }
    }
}

pub(super) fn run(args: &UsageArgs, ui: Ui) -> anyhow::Result<Ended> {
    let options = &args.publish;
    if !options.yes && !options.dry_run && !ui.can_ask() {
        let error = "--publish costs money, and nobody can be asked here: add --yes, or --dry-run to see what it would be";
        return Err(UsageError(error.to_owned()).into());
    }
    let sets = args.metrics.metrics.clone().unwrap_or_default();
    let counted = Counted::read(&args.reading, &args.credentials, sets.detail(), ui)?;
    let runtime = read::start_runtime()?;
    let namespace = &args.metrics.namespace;
    let top = args.metrics.top_or(kept::TOP);
    runtime.block_on(async {
        let config = aws::config(&args.credentials.access()).await?;
        let caller = aws::sts(&config).get_caller_identity().send().await;
        let caller = caller.map_err(|error| anyhow!(aws::explain(&error)));
        let caller = caller.context("cannot tell which account the metrics are for")?;
        let region = aws::region_of(&config);
        let keys = Keys::new(namespace, caller.account().unwrap_or_default(), region.as_ref());
        let publisher = Publisher::new(aws::cloudwatch(&config), namespace);
        let ledger = match &options.ledger {
            Place::Directory(directory) => Ledger::Directory(directory.clone()),
            Place::S3 { bucket, prefix } => {
                Ledger::in_s3(&config, bucket.clone(), prefix.clone())
            }
        };
        // What is kept is remembered only once something is sent.
        let mut memory = Memory::new(top);
        memory.load(&ledger, &keys.kept()).await?;
        let data = memory.data(&counted.usage, &sets, None).await?;
        let mut plan = Plan::new(data, counted.window, clock::now());
        let others = backfill::published_by_others(&plan, &keys, &publisher, &ledger).await;
        let unchecked = others.as_ref().err().map(ToString::to_string);
        plan.leave_out(others.as_ref().unwrap_or(&BTreeSet::new()));
        let page = render::usage::plan(
            &plan,
            namespace,
            region.as_ref(),
            unchecked.as_deref(),
            ui.look(),
        );
        ui.data(page.as_bytes()).context("cannot print the plan")?;
        counted.tell_what_is_missing(ui);
        if options.dry_run || plan.hours.is_empty() {
            ui.remark("nothing was sent");
            return Ok(counted.ended());
        }
        if !counted.basis.coverage.complete && !options.partial {
            bail!("what was read is incomplete, and hours that are published cannot be completed later: mend it, or add --partial");
        }
        if options.yes {
            others?;
        } else if !ui.ask("Send it?")? {
            ui.remark("nothing was sent");
            return Ok(counted.ended());
        }
        let kept = keys.kept();
        let mut memory = Memory::new(top);
        let data = memory.data(&counted.usage, &sets, Some((&ledger, &kept))).await?;
        let present = plan.present.into_keys().collect();
        let mut plan = Plan::new(data, counted.window, clock::now());
        plan.leave_out(&present);
        let sending = signals::interruptible(signals::STOPS_SENDING);
        let stop = &sending.interrupt;
        let account = backfill::publish(plan, &keys, &publisher, &ledger, clock::now, stop).await;
        tell(&account, ui)?;
        // What CloudWatch does not take, or has already, was said before anything was sent.
        let is_done = account.unsent_data + account.unconfirmed == 0 && account.troubles.is_empty();
        Ok(match is_done {
            true => counted.ended(),
            false => Ended::Partial,
        })
    })
}

/// Says what became of the calls.
fn tell(account: &Account, ui: Ui) -> anyhow::Result<()> {
    for trouble in &account.troubles {
        ui.error(&anyhow!("{trouble}"));
    }
    let rows = [
        ("calls were published", account.published),
        (
            "calls were published by an earlier run",
            account.skipped_as("repeated"),
        ),
        (
            "calls were not published, since others were in their place",
            account.skipped_as("displaced"),
        ),
        ("calls were too old or too far ahead", account.refused),
        ("calls were sent, and no answer came", account.unconfirmed),
        ("calls were not sent", account.unsent),
    ];
    let text = render::usage::account(&rows, account.chunks + account.retries, account.retries);
    ui.data(text.as_bytes()).context("cannot print the result")
}
