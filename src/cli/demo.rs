//! `trailtab demo`: a synthetic organisation, end to end, offline.

mod tour;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::ui::Ui;
use super::{Ended, activity, cost, usage};
use crate::deliver::files;
use crate::demo::{self, Plan};
use crate::job;
use crate::render::page::thousands;

/// Where the plan's log files lie.
const LOGS: [&str; 2] = ["AWSLogs", "imported-archive"];

/// Where the bill lies, as Cost Explorer's answers about it.
const BILL: &str = "bill";

/// Says what the folder holds; the file to open first.
const INDEX: &str = "index.md";

/// Written into the folder, so that the next demo knows that it may clean up there.
const MARKER: &str = ".trailtab-demo";

/// Make the logs and the bill of a synthetic organisation and show what this program tells about them
///
/// Six accounts, people, roles, CI, services and one incident, over two weeks of September 2026, in
/// CloudTrail's own S3 layout. Nothing is read from or sent to AWS. The same seed gives the same
/// logs, byte for byte. DIR/index.md says what was written.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write log files with this many events, and stop there
    #[arg(long, value_name = "N")]
    events: Option<u64>,
    /// Directory for all that is written
    #[arg(long, value_name = "DIR", default_value = "demo")]
    output: PathBuf,
    /// Another organisation
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<Ended> {
    let plan = Plan {
        events: args.events.unwrap_or(demo::DEFAULT_EVENTS),
        seed: args.seed,
    };
    let folder = &args.output;
    clean(folder)?;
    let written = job::demo::run(&plan, folder)?;
    let truth = written.truth;
    ui.remark(&format!(
        "wrote {} events, {} of them twice, in {} log files ({} MB) to {}: {} to {}",
        thousands(truth.records),
        thousands(truth.repeats),
        thousands(truth.log_files),
        thousands(written.bytes / 1_000_000),
        folder.display(),
        demo::FROM,
        demo::UNTIL,
    ));
    if args.events.is_some() {
        return Ok(Ended::Done);
    }
    let logs = LOGS.map(|logs| folder.join(logs));
    job::demo::bill(args.seed, &folder.join(BILL)).context("cannot write the bill")?;
    let ended = activity::summarise(&logs, &folder.join("results"), ui)?;
    ui.data(b"\n")?;
    usage::show(&logs, ui)?;
    ui.data(b"\n")?;
    cost::show(&folder.join(BILL), &folder.join("results"), ui)?;
    let index = folder.join(INDEX);
    let hints = tour::hints(&program(), folder);
    files::write(&index, tour::index(truth, args.seed, &hints).as_bytes())?;
    ui.remark(&tour::text(&hints, &index));
    Ok(ended)
}

/// Removes what an earlier demo has written, and refuses to touch anything else.
fn clean(folder: &Path) -> anyhow::Result<()> {
    let marker = folder.join(MARKER);
    let is_empty = fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty && !marker.exists() {
        bail!(
            "{} holds something else: name another directory with --output",
            folder.display()
        );
    }
    for old in LOGS.into_iter().chain(["results", BILL]) {
        let old = folder.join(old);
        if old.exists() {
            fs::remove_dir_all(&old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
    }
    files::make_directory(folder)?;
    files::write(
        &marker,
        b"This folder was made by trailtab demo, which will clean it up.\n",
    )?;
    Ok(())
}

/// How the user started this program: `trailtab` if the shell found it on the PATH, otherwise a path, such as
/// `target/debug/trailtab` where `cargo run` did.
fn program() -> String {
    let name = std::env::args_os().next().unwrap_or_default();
    match name.to_string_lossy().into_owned() {
        name if name.is_empty() => "trailtab".to_owned(),
        name => name,
    }
}
