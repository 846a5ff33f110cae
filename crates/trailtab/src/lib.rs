//! The command line: arguments, printing, signals, exit codes; one file or folder for each verb.

mod activity;
mod archive;
mod athena;
mod cost;
mod demo;
mod digests;
mod events;
mod examples;
mod format;
mod generate;
mod plot;
mod reading;
mod signals;
mod ui;
mod usage;

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser, Subcommand};

use self::ui::Ui;
use trailtab_app::clock;

/// Who did what in your AWS accounts, how often, and what it cost.
#[derive(Debug, Parser)]
#[command(
    name = "trailtab",
    version,
    max_term_width = 100,
    after_help = examples::MAIN,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    verb: CliVerb,
    /// Print results and errors only
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum CliVerb {
    Demo(demo::Args),
    Activity(Box<activity::Args>),
    Events(Box<events::Args>),
    Usage(Box<usage::Args>),
    Cost(Box<cost::Args>),
    Plot(plot::Args),
    Archive(archive::Args),
    Athena(Box<athena::Args>),
    Completions(generate::CompletionsArgs),
    /// Print the manual
    #[command(after_help = examples::MAN)]
    Man,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunEnd {
    Done,
    /// The result is written, and something is missing in it.
    Partial,
}

/// A fault in the arguments that only their combination shows; exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// Runs the program with the arguments of this process: 0 done, 1 failed, 2 wrong usage, 3 partial.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let error = explain_source_without_verb(error);
            // Help and version are not errors, and go to standard output.
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
        CliVerb::Demo(args) => demo::run(&args, ui),
        CliVerb::Activity(args) => activity::run(&args, ui),
        CliVerb::Events(args) => events::run(&args, ui),
        CliVerb::Usage(args) => usage::run(&args, ui),
        CliVerb::Cost(args) => cost::run(&args, ui),
        CliVerb::Plot(args) => plot::run(&args, ui),
        CliVerb::Archive(args) => archive::run(&args, ui),
        CliVerb::Athena(args) => athena::run(&args, ui),
        CliVerb::Completions(args) => generate::completions(&args, Cli::command(), ui),
        CliVerb::Man => generate::man(Cli::command(), ui),
    };
    match result {
        Ok(RunEnd::Done) => ExitCode::SUCCESS,
        Ok(RunEnd::Partial) => ExitCode::from(3),
        Err(error) => {
            ui.error(&error);
            ExitCode::from(if error.is::<UsageError>() { 2 } else { 1 })
        }
    }
}

/// Names the verb that reads logs if a source stands where the verb belongs.
fn explain_source_without_verb(error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    if !(word == "-"
        || word.starts_with("s3://")
        || word.starts_with("athena://")
        || std::path::Path::new(word).exists())
    {
        return error;
    }
    let message =
        format!("{word:?} is not a command. To read logs from it, run: trailtab activity {word}");
    Cli::command().error(ErrorKind::InvalidSubcommand, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `check` with the path of words and the help text of each verb and sub-verb.
    fn for_each_verb(command: &clap::Command, path: &str, check: &mut impl FnMut(&str, String)) {
        let help = command.clone().term_width(80).render_long_help();
        check(path, help.to_string());
        for verb in command.get_subcommands() {
            if verb.get_name() != "help" {
                for_each_verb(verb, &format!("{path} {}", verb.get_name()), check);
            }
        }
    }

    #[test]
    fn every_help_ends_with_examples_that_the_program_takes() {
        let mut count = 0;
        for_each_verb(&Cli::command(), "trailtab", &mut |path, help| {
            let (_, end) = help.split_once("Examples:").expect(path);
            assert!(end.contains("\nDocumentation: "), "{path}: {end}");
            let examples: Vec<&str> = end
                .lines()
                .filter_map(|line| line.strip_prefix("  "))
                .collect();
            assert!((2..=3).contains(&examples.len()), "{path}: {examples:?}");
            for example in examples {
                let command = example.split(['|', '>']).next().unwrap();
                let words: Vec<String> = shlex::split(command).expect(example);
                let parsed = Cli::try_parse_from(&words);
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
                count += 1;
            }
        });
        assert!(count > 20, "{count}");
    }

    #[test]
    fn help_names_earlier_tools() {
        for_each_verb(&Cli::command(), "trailtab", &mut |path, help| {
            assert!(!help.contains("predecessor"), "{path}: {help}");
        });
    }
}
