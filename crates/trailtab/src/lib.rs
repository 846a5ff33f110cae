//! The command line: arguments, settings, exit codes; one file for each verb.

mod activity;
mod archive;
mod cost;
mod demo;
mod digests;
mod generate;
mod plot;
mod reading;
mod signals;
mod ui;
mod usage;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use self::ui::Ui;
use trailtab_app::clock;

/// Who did what in your AWS accounts, how often, and what it cost.
#[derive(Debug, Parser)]
#[command(
    name = "trailtab",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    /// Print results and errors only
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Demo(demo::Args),
    Activity(Box<activity::Args>),
    Usage(Box<usage::Args>),
    Cost(Box<cost::Args>),
    Plot(plot::Args),
    Archive(archive::Args),
    Completions(generate::CompletionsArgs),
    /// Print the manual
    Man,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Done,
    /// The result is written, and something is missing in it.
    Partial,
}

/// Something in the arguments that only shows when they are put together.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// Runs the program with the arguments of this process: 0 done, 1 failed, 2 wrong usage, 3 partial.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no errors; clap knows.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let ui = Ui { quiet: cli.quiet };
    if let Err(error) = clock::set_from_environment() {
        ui.error(&UsageError(error).into());
        return ExitCode::from(2);
    }
    if let Err(error) = signals::watch(ui) {
        ui.error(&anyhow::Error::new(error).context("cannot watch for signals"));
        return ExitCode::FAILURE;
    }
    let result = match cli.verb {
        Verb::Demo(args) => demo::run(&args, ui),
        Verb::Activity(args) => activity::run(&args, ui),
        Verb::Usage(args) => usage::run(&args, ui),
        Verb::Cost(args) => cost::run(&args, ui),
        Verb::Plot(args) => plot::run(&args, ui),
        Verb::Archive(args) => archive::run(&args, ui),
        Verb::Completions(args) => generate::completions(&args, Cli::command(), ui),
        Verb::Man => generate::man(Cli::command(), ui),
    };
    match result {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Partial) => ExitCode::from(3),
        Err(error) => {
            ui.error(&error);
            ExitCode::from(if error.is::<UsageError>() { 2 } else { 1 })
        }
    }
}
