//! `trailtab activity`: who did what.

mod args;
mod results;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};

pub(crate) use self::args::Args;
use self::results::Results;
use super::Ended;
use super::ui::Ui;
use crate::clock;
use crate::core::coverage::Severity;
use crate::core::intake::Rules;
use crate::core::summary::Run;
use crate::core::tally::Tally;
use crate::core::window::{self, Seconds, Window};
use crate::deliver::files::{self, RawDump};
use crate::job::read::{self, Outcome, Request};
use crate::source::archive::Archive;
use crate::source::lookup_events::{self, Attribute};
use crate::source::progress::Progress;

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<Ended> {
    let now = clock::now();
    let lookup = args
        .sources
        .is_empty()
        .then(|| lookup(args, now))
        .transpose()?;
    let window = match &lookup {
        Some(asked) => Window {
            since: Some(asked.window.from),
            until: Some(asked.window.until),
        },
        None => {
            args.lookup.refuse_with_sources()?;
            args.time.window(now)?
        }
    };
    let rules = Rules {
        window,
        filter: args.filter(),
        per_account: args.output.per_account || args.lookup.organization,
    };
    let per_account = rules.per_account;
    let mut run = Run {
        window,
        activity_type: rules.filter.activity_type.name(),
        invocation: invocation(),
        now,
        version: env!("CARGO_PKG_VERSION"),
        caller: None,
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
    let pushed = lookup.as_ref().and_then(|asked| asked.attribute.clone());
    let request = Request {
        sources: args.sources.clone(),
        lookup,
        access: args.access(),
        rules,
        dump: dump.is_some().then_some(&copy),
        verify,
    };
    let progress = Arc::new(Progress::default());
    let outcome = ui.watch(&progress, || {
        read::run(request, &Tally::default(), &progress)
    })?;
    refuse_nothing(&outcome)?;
    if pushed.is_some_and(|pushed| pushed.is_name()) && outcome.intaken.counts.read == 0 {
        ui.remark("no event has that name: LookupEvents minds its case, as in RunInstances");
    }
    let caller = outcome.caller.clone();
    run.caller = caller.map(|caller| (caller.account, caller.arn));
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

/// Puts together what the event history is asked for.
fn lookup(args: &Args, now: Seconds) -> anyhow::Result<lookup_events::Asked> {
    let options = &args.lookup;
    let window = args.time.span(now, options.archive.is_some())?;
    let archive = options.archive.as_deref();
    let archive = archive
        .map(|directory| Archive::open(directory, now))
        .transpose()?;
    let filter = args.filter();
    // An archive and a raw copy are to hold what others filter for as well.
    let keeps_all = archive.is_some() || args.output.dump_raw_cloudtrail_data;
    Ok(lookup_events::Asked {
        access: args.access(),
        window,
        now,
        regions: args.filters.region.clone(),
        accounts: args.filters.account.clone(),
        max_tps: options.max_tps.unwrap_or(lookup_events::QUOTA),
        attribute: if keeps_all {
            None
        } else {
            Attribute::choose(&filter)
        },
        organization: options.organization.then(|| options.role_name.clone()),
        filter,
        archive,
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

/// Refuses to write a result if there was nothing at all to read.
fn refuse_nothing(outcome: &Outcome) -> anyhow::Result<()> {
    let (intaken, coverage) = (&outcome.intaken, &outcome.coverage);
    let is_failed = |severity: &Option<Severity>| *severity == Some(Severity::Failed);
    if outcome.caller.is_some() && !coverage.asked.values().all(is_failed) {
        return Ok(());
    }
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

/// The command line, with the program's name instead of its path.
fn invocation() -> String {
    let args = std::env::args_os().skip(1);
    let words = args.map(|word| word.to_string_lossy().into_owned());
    std::iter::once("trailtab".to_owned())
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}
