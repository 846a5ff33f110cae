//! `trailtab demo`: a synthetic organisation, end to end, offline.

mod tour;
mod write;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::ui::Ui;
use super::{RunEnd, activity, cost, usage};
use trailtab_app::deliver::files::{self, NewFile};
use trailtab_app::deliver::manifest::Manifest;
use trailtab_app::deliver::temporary::Readers;
use trailtab_demo as demo;
use trailtab_demo::DemoPlan;
use trailtab_render::page::thousands;

/// Folders of the plan's log files.
const LOGS: [&str; 2] = ["AWSLogs", "imported-archive"];

/// Folder of the bill, in the form of Cost Explorer's answers.
const BILL: &str = "bill";

/// Name, without ending, of the file that describes the folder's content.
const INDEX: &str = "index";

/// Lists the files that a demo wrote into the folder. The next demo removes only these.
const MARKER: &str = ".trailtab-demo";
const MARKER_HEADING: &str = "trailtab demo wrote the files below. The next demo in this folder removes them, and nothing else.";

/// Show all reports on the logs and the bill of a synthetic organisation
///
/// Six accounts, people, roles, CI, services and one incident, over two weeks of September 2026, in CloudTrail's own
/// S3 layout. Nothing is read from or sent to AWS. The same seed gives the same logs, byte for byte. DIR/index.md
/// lists what was written.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::examples::DEMO)]
pub(crate) struct Args {
    /// Write only log files, with this many events (200 or more)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(200..))]
    events: Option<u64>,
    /// Directory for all that is written
    #[arg(long, value_name = "DIR", default_value = "demo")]
    output: PathBuf,
    /// Number that the organisation is generated from
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<RunEnd> {
    let plan = DemoPlan {
        events: args.events.unwrap_or(demo::DEFAULT_EVENTS),
        seed: args.seed,
    };
    let folder = &args.output;
    let mut manifest = clean(folder)?;
    let log_files = plan.files();
    manifest.add(log_files.iter().map(|file| folder.join(file.key())))?;
    let written = write::run(&plan, folder)?;
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
        return Ok(RunEnd::Done);
    }
    let logs = LOGS.map(|logs| folder.join(logs));
    let bill = write::bill(args.seed).context("cannot write the bill")?;
    let bill: Vec<_> = bill
        .into_iter()
        .map(|(name, bytes)| (folder.join(BILL).join(name), bytes))
        .collect();
    manifest.add(bill.iter().map(|(path, _)| path.clone()))?;
    files::make_directory(&folder.join(BILL), Readers::Umask)?;
    for (path, bytes) in &bill {
        files::create_or_keep(path, bytes, Readers::Umask)?;
    }
    let (ended, written) = activity::summarise(&logs, &folder.join("results"), ui)?;
    manifest.add(written)?;
    ui.data(b"\n")?;
    usage::show(&logs, ui)?;
    ui.data(b"\n")?;
    let (_, written) = cost::show(&folder.join(BILL), &folder.join("results"), ui)?;
    manifest.add(written)?;
    let hints = tour::hints(&program(), folder);
    let index = files::create_together(
        &folder.join(INDEX),
        &[NewFile {
            ending: ".md",
            bytes: tour::index(truth, args.seed, &hints).as_bytes(),
        }],
        &[],
        Readers::Umask,
    )?;
    manifest.add(index.iter().cloned())?;
    for index in &index {
        ui.remark(&tour::text(&hints, index));
    }
    Ok(ended)
}

/// Removes the files that an earlier demo wrote into the folder. Refuses a folder that holds other files only.
/// Returns an empty manifest.
fn clean(folder: &Path) -> anyhow::Result<Manifest> {
    let is_empty = fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty && !folder.join(MARKER).exists() {
        bail!(
            "{} holds something else: name another directory with --output",
            folder.display()
        );
    }
    let manifest = Manifest::read(folder, MARKER, MARKER_HEADING);
    let mut manifest =
        manifest.with_context(|| format!("cannot read {}", folder.join(MARKER).display()))?;
    manifest.remove_files()?;
    files::make_directory(folder, Readers::Umask)?;
    manifest.add([])?;
    Ok(manifest)
}

/// The program as the user started it: `trailtab` if the shell found it on the PATH, otherwise a path, such as
/// `target/debug/trailtab` by `cargo run`.
fn program() -> String {
    let name = std::env::args_os().next().unwrap_or_default();
    match name.to_string_lossy().into_owned() {
        name if name.is_empty() => "trailtab".to_owned(),
        name => name,
    }
}
