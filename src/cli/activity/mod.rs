//! `trailtab activity`: who did what.

mod args;
mod results;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

pub(crate) use self::args::Args;
use self::results::Results;
use super::Ended;
use super::reading::{self, Plan, Wishes};
use super::ui::Ui;
use crate::clock;
use crate::core::summary::Run;
use crate::core::tally::Tally;
use crate::core::window;
use crate::deliver::files::{self, RawDump};

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<Ended> {
    let now = clock::now();
    let copies = args.output.dump_raw_cloudtrail_data;
    let plan = Plan::new(&args.reading, &args.credentials, copies, now)?;
    let per_account = args.output.per_account || args.reading.lookup.organization;
    let mut run = Run {
        window: plan.window,
        activity_type: plan.filter.activity_type.name(),
        invocation: reading::invocation(),
        now,
        version: env!("CARGO_PKG_VERSION"),
        caller: None,
        no_match: None,
    };
    let verify = args.digests.verify(&args.reading.sources)?;
    let directory = &args.output.output;
    // Whoever waited for a long read should not lose it to a directory that cannot be written.
    files::make_directory(directory)?;
    let staging = directory.join(format!(
        ".raw_{}_{}",
        window::compact(now),
        std::process::id()
    ));
    let dump = copies.then(|| RawDump::create(staging)).transpose()?;
    let copy = |region: &str, record: &[u8]| {
        if let Some(dump) = &dump {
            dump.add(region, record);
        }
    };
    let wishes = Wishes {
        per_account,
        dump: dump.is_some().then_some(&copy),
        verify,
    };
    let outcome = plan.run(wishes, &Tally::default(), ui)?;
    let caller = outcome.caller.clone();
    run.caller = caller.map(|caller| (caller.account, caller.arn));
    run.no_match = outcome.no_match.clone();
    let printed = Results {
        directory,
        args: &args.output,
        run: &run,
        per_account,
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
