//! `trailtab archive`: shows which seconds an archive covers, and verifies its files.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;

use super::RunEnd;
use super::plot::PictureArgs;
use super::ui::Ui;
use crate::format::{Format, ResultArgs, ResultForms};
use trailtab_app::clock;
use trailtab_app::deliver::files;
use trailtab_app::deliver::temporary::Readers;
use trailtab_app::job::{archive, plot};
use trailtab_app::source::progress::ReadProgress;
use trailtab_core::history::holdings::PathFinding;
use trailtab_render as render;

/// Show what an archive of fetched events covers, and verify its files
#[derive(Debug, clap::Args)]
#[command(after_help = crate::examples::ARCHIVE)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: ArchiveVerb,
}

#[derive(Debug, Subcommand)]
enum ArchiveVerb {
    Status(StatusArgs),
    Verify(VerifyArgs),
}

/// Show which seconds an archive covers, and draw them as a calendar
///
/// Each account and region is measured against the same time: from the first second that is covered anywhere to the
/// last. If a ledger is gone or invalid, or files that it names are gone or unpacked, the status says so, and the exit
/// code is 3. Never changes the archive, and works while another run writes to it. All times are UTC.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::examples::ARCHIVE_STATUS)]
struct StatusArgs {
    /// Directory of the archive
    #[arg(value_name = "ARCHIVE")]
    directory: PathBuf,
    /// Directory for the picture archive_calendar
    #[arg(
        long,
        value_name = "DIR",
        default_value = "results",
        help_heading = "Output"
    )]
    output: PathBuf,
    /// Draw no picture, and print only
    #[arg(long, conflicts_with_all = ["output", "plot_format"], help_heading = "Output")]
    no_output: bool,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    format: Format,
    #[command(flatten)]
    pictures: PictureArgs,
}

/// Check every file of an archive against its ledger
///
/// Checks that every file exists, with its size, its SHA-256 and its events. Damaged files are named, and the exit
/// code is 3; delete them, and the next run fetches their events again if AWS still has them. Files that are not in
/// the ledger, and leftovers of interrupted runs, are named as well, and do no harm.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::examples::ARCHIVE_VERIFY)]
struct VerifyArgs {
    /// Directory of the archive
    #[arg(value_name = "ARCHIVE")]
    directory: PathBuf,
    #[command(flatten)]
    result: ResultArgs,
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<RunEnd> {
    match &args.verb {
        ArchiveVerb::Status(args) => status(args, ui),
        ArchiveVerb::Verify(args) => verify(args, ui),
    }
}

fn status(args: &StatusArgs, ui: Ui) -> anyhow::Result<RunEnd> {
    let holdings = archive::status(&args.directory, clock::now())?;
    if !args.no_output {
        files::make_directory(&args.output, Readers::Umask)?;
        let calendar = args.output.join("archive_calendar");
        let scene = render::archive::calendar(&holdings);
        for path in plot::draw(&scene, &calendar, &args.pictures.kinds())? {
            ui.remark(&format!("wrote {}", path.display()));
        }
    }
    let printed = match args.format {
        Format::Text => render::archive::status(&holdings, ui.look()).into_bytes(),
        Format::Json => render::archive::json(&holdings)?,
        Format::Csv => render::archive::csv(&holdings)?,
    };
    ui.data(&printed).context("cannot print the status")?;
    if args.format == Format::Csv {
        for PathFinding { path, what } in &holdings.findings.named {
            ui.remark(&format!("{path} {what}"));
        }
    }
    Ok(match holdings.findings.count() {
        0 => RunEnd::Done,
        _ => RunEnd::Partial,
    })
}

fn verify(args: &VerifyArgs, ui: Ui) -> anyhow::Result<RunEnd> {
    let ResultArgs { format, files } = &args.result;
    files.prepare()?;
    let (now, progress) = (clock::now(), ReadProgress::default());
    let inspection = ui.watch(&progress, || {
        archive::verify(&args.directory, now, &progress)
    })?;
    let not_listed = inspection.damage.more + inspection.remarks.more;
    if *format == Format::Csv && not_listed > 0 {
        ui.remark(&format!("findings that are not listed: {not_listed}"));
    }
    ResultForms {
        name: "archive_verify",
        page: &|look| render::archive::inspection(&inspection, look),
        json: &|| Ok(render::archive::inspection_json(&inspection)?),
        csv: &|| Ok(render::archive::inspection_csv(&inspection)?),
    }
    .deliver(*format, files, ui)?;
    Ok(match inspection.damage.count() {
        0 => RunEnd::Done,
        _ => RunEnd::Partial,
    })
}
