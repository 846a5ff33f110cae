//! `trailtab activity`: shows which principal called which API, from where, and with which errors.

mod args;
mod results;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use self::args::ActivityFormat;
pub(crate) use self::args::Args;
use self::args::CountedBy;
use self::results::{ActivityResults, PrintedForm};
use super::RunEnd;
use super::reading::{ReadingOptions, ReadingPlan};
use super::signals;
use super::ui::Ui;
use trailtab_app::clock;
use trailtab_app::deliver::count_runs::CountRuns;
use trailtab_app::deliver::files;
use trailtab_app::deliver::raw_dump::RawDump;
use trailtab_core::activity::memory::CountMemory;
use trailtab_core::activity::policy::{UsedCalls, UsedPolicy};
use trailtab_core::activity::tally::Tally;
use trailtab_core::event::counter::EventCounter as _;
use trailtab_core::event::filter::ScopeMatcher;

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<RunEnd> {
    Ok(read_and_write(args, ui)?.0)
}

/// Runs the verb. Also returns the files and folders that it wrote.
fn read_and_write(args: &Args, ui: Ui) -> anyhow::Result<(RunEnd, Vec<PathBuf>)> {
    let now = clock::now();
    let copies = args.output.dump_raw_cloudtrail_data;
    let plan = ReadingPlan::new(&args.reading, &args.credentials, copies, now)?;
    let per_account = args.output.per_account || args.reading.lookup.organization;
    let mut run = plan.context();
    let verify = args.digests.verify(&args.reading.sources)?;
    let directory = &args.output.output;
    if !args.output.no_output {
        // Fail before a long read, not after it.
        files::make_writable_directory(directory)?;
    }
    let reading = signals::interruptible(signals::STOPS_READING);
    let dump = copies.then(|| RawDump::create(directory)).transpose()?;
    let copy = |region: &str, record: &[u8]| {
        if let Some(dump) = &dump {
            dump.add(region, record);
        }
    };
    let options = ReadingOptions {
        per_account,
        dump: dump.is_some().then_some(&copy),
        verify,
    };
    let scopes = ScopeMatcher::new(&plan.filter);
    let store = match args.output.no_output {
        true => CountRuns::in_temporary_directory(),
        false => CountRuns::in_directory(directory),
    };
    let memory = CountMemory::new(Box::new(store), CountMemory::DEFAULT_LIMIT_BYTES);
    let memory = Arc::new(memory);
    let empty = Tally::in_memory_of(Arc::clone(&memory));
    let empty = match args.output.by {
        Some(CountedBy::Resource) => empty.with_resources(),
        None => empty,
    };
    let (outcome, form) = match args.output.format {
        Some(ActivityFormat::IamPolicy) => {
            let both = (empty.empty(), UsedCalls::default());
            let Some(outcome) = plan.run(options, &both, &reading.interrupt, ui)? else {
                return Ok((RunEnd::Done, Vec::new()));
            };
            let (outcome, used) = outcome.unzip();
            (outcome, PrintedForm::Policy(policy_of(&used)?))
        }
        format => {
            let Some(outcome) = plan.run(options, &empty, &reading.interrupt, ui)? else {
                return Ok((RunEnd::Done, Vec::new()));
            };
            let form = match format {
                Some(ActivityFormat::Json) => PrintedForm::Json,
                Some(ActivityFormat::Csv) => PrintedForm::Csv,
                None if ui.quiet && !args.output.no_output => PrintedForm::Path,
                _ => PrintedForm::Page,
            };
            (outcome, form)
        }
    };
    if let Some(failure) = memory.failure() {
        ui.remark(&format!(
            "{failure}; all counts were kept in memory instead"
        ));
    }
    run.caller.clone_from(&outcome.caller);
    run.no_match = outcome.no_match.clone();
    let written = ActivityResults {
        directory,
        args: &args.output,
        form,
        run: &run,
        scopes: &scopes,
        per_account,
        empty: &empty,
        ui,
    }
    .write(&outcome, dump)?;
    // From here on a signal ends the program, also while a pager holds the page back.
    drop(reading);
    ui.data(&written.printed)
        .context("cannot print the summary")?;
    let ended = match outcome.coverage.is_complete() {
        true => RunEnd::Done,
        false => RunEnd::Partial,
    };
    Ok((ended, written.paths))
}

/// The policy of the calls of all accounts.
fn policy_of(used: &BTreeMap<String, UsedCalls>) -> anyhow::Result<UsedPolicy> {
    let mut all = UsedCalls::default();
    used.values().for_each(|part| all.merge(part));
    UsedPolicy::of(&all).context("cannot make a policy")
}

/// Runs the verb on folders of logs with its defaults, and draws charts of the result. Also returns the files and
/// folders that it wrote.
pub(crate) fn summarise(
    logs: &[PathBuf],
    results: &Path,
    ui: Ui,
) -> anyhow::Result<(RunEnd, Vec<PathBuf>)> {
    let options = [
        "--format".as_ref(),
        "text".as_ref(),
        "--plot-results".as_ref(),
        "--output".as_ref(),
        results.as_os_str(),
    ];
    let words = std::iter::once("activity".as_ref())
        .chain(options)
        .chain(logs.iter().map(|folder| folder.as_os_str()));
    read_and_write(&<Args as clap::Parser>::try_parse_from(words)?, ui)
}
