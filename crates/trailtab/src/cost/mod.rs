//! `trailtab cost`: reports what accounts, owners and services cost, and mails these reports.

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

/// Show what accounts, owners and services cost, and mail reports to managers, users and executives
///
/// Asks Cost Explorer with as few paid requests as possible and prints a report: all accounts on one page, some
/// accounts with their owners and services, or one owner's cost. With --send, each recipient in the settings gets
/// their report by mail, once. Amounts are never rounded before they are shown; all days are UTC.
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

/// Prints the report on all accounts from saved answers, and writes it into a directory. Also returns the files that
/// it wrote.
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

/// Parses the demo's arguments like those of a command line.
#[derive(Debug, clap::Parser)]
struct CostDemo {
    #[command(flatten)]
    args: Args,
}
