//! `trailtab completions` and `trailtab man`, generated from the arguments.

use anyhow::Context as _;
use clap::Command;
use clap_complete::Shell;

use super::RunEnd;
use super::ui::Ui;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = crate::examples::COMPLETIONS)]
pub(crate) struct CompletionsArgs {
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn completions(
    args: &CompletionsArgs,
    mut command: Command,
    ui: Ui,
) -> anyhow::Result<RunEnd> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "trailtab", &mut script);
    ui.data(&script).context("cannot print the completions")?;
    Ok(RunEnd::Done)
}

/// Prints the manual pages of the program and of each verb, one after the other.
pub(crate) fn man(command: Command, ui: Ui) -> anyhow::Result<RunEnd> {
    let mut pages = Vec::new();
    let mut command = command.disable_help_subcommand(true);
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut pages)?;
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        clap_mangen::Man::new(verb.clone()).render(&mut pages)?;
    }
    ui.data(&pages).context("cannot print the manual")?;
    Ok(RunEnd::Done)
}
