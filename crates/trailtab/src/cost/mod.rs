//! `trailtab cost`: what it cost, whom, and by mail.

mod args;
mod check;
mod open;
mod send;
mod view;

use std::path::{Path, PathBuf};

use clap::{Parser as _, Subcommand};

use self::args::CostArgs;
use super::RunEnd;
use super::ui::Ui;

/// Tell what accounts, owners and services cost, and mail it to whom it concerns
///
/// Asks Cost Explorer with as few paid requests as possible and prints a report: all accounts on one page,
/// some accounts with their owners and services, or one owner's own cost. With --send, everybody in the settings
/// gets theirs by mail, each once. Amounts are never rounded before they are shown; all days are UTC.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, after_help = crate::examples::COST)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<CostVerb>,
    #[command(flatten)]
    cost: CostArgs,
}

#[derive(Debug, Subcommand)]
enum CostVerb {
    Check(Box<check::CheckArgs>),
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<RunEnd> {
    match &args.verb {
        Some(CostVerb::Check(args)) => check::run(args, ui),
        None if args.cost.sending.send => send::run(&args.cost, ui),
        None => Ok(view::run(&args.cost, ui)?.0),
    }
}

/// Shows the report on all accounts of what was saved, and writes it into a directory. Returns the files that
/// were written as well.
pub(super) fn show(saved: &Path, output: &Path, ui: Ui) -> anyhow::Result<(RunEnd, Vec<PathBuf>)> {
    let words = [
        "cost".as_ref(),
        "--offline".as_ref(),
        saved.as_os_str(),
        "--output".as_ref(),
        output.as_os_str(),
    ];
    view::run(&CostDemo::try_parse_from(words)?.args.cost, ui)
}

/// What the demo says on a command line of its own.
#[derive(Debug, clap::Parser)]
struct CostDemo {
    #[command(flatten)]
    args: Args,
}
