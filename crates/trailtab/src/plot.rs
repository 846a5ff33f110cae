//! `trailtab plot`: charts of an existing summary.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::ValueEnum;

use super::RunEnd;
use super::ui::Ui;
use trailtab_app::job::plot::{self, Charts};
use trailtab_core::activity::summary::Summary;
use trailtab_render::page::thousands;

/// Draw charts of an existing summary
///
/// Reads summaries of `trailtab activity` and aws-summarize-account-activity. The charts go to a folder beside the
/// summary, or below DIR, named like the summary with `_plots` at its end. Charts that the folder lacks are added to
/// it. Nothing is overwritten: if it holds different charts, the new ones go to a folder `_plots_2`.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::examples::PLOT)]
pub(crate) struct Args {
    /// Summary to draw (can be repeated)
    #[arg(required = true, value_name = "SUMMARY.json")]
    files: Vec<PathBuf>,
    /// Directory for the folder of charts (default: where the summary is)
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    charts: ChartArgs,
}

/// Which charts of a summary are drawn, and as what.
#[derive(Debug, clap::Args)]
pub(crate) struct ChartArgs {
    #[command(flatten)]
    pictures: PictureArgs,
    /// Charts to draw, those of the principals with the most calls
    #[arg(
        long,
        value_name = "CHARTS",
        default_value_t = 5000,
        help_heading = "Output"
    )]
    max_charts: usize,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PictureArgs {
    /// Kinds of pictures
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "png",
        help_heading = "Output"
    )]
    plot_format: Vec<PlotFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PlotFormat {
    Png,
    Svg,
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<RunEnd> {
    for file in &args.files {
        let json = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let summary: Summary = serde_json::from_slice(&json).with_context(|| {
            format!(
                "{} is not a summary of trailtab activity or aws-summarize-account-activity",
                file.display()
            )
        })?;
        // All fields are optional, so every JSON object parses as a summary.
        if summary == Summary::default() {
            bail!(
                "{} is not a summary of trailtab activity or aws-summarize-account-activity",
                file.display()
            );
        }
        let beside = file.parent().unwrap_or(Path::new(""));
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let folder = args
            .output
            .as_deref()
            .unwrap_or(beside)
            .join(format!("{stem}_plots"));
        args.charts.draw(&summary, &folder, ui)?;
    }
    Ok(RunEnd::Done)
}

impl ChartArgs {
    /// Draws a summary's charts into a folder, and returns the folder that they are in.
    pub(crate) fn draw(&self, summary: &Summary, folder: &Path, ui: Ui) -> anyhow::Result<PathBuf> {
        let kinds = self.pictures.kinds();
        let drawn = plot::run(summary, folder, &kinds, self.max_charts)?;
        let Charts { folder, count, .. } = &drawn;
        ui.remark(&format!("wrote {count} charts to {}", folder.display()));
        if drawn.left_out > 0 {
            let left_out = thousands(drawn.left_out as u64);
            ui.remark(&format!(
                "left out {left_out} charts of principals and regions with fewer calls: --max-charts draws more"
            ));
        }
        Ok(drawn.folder)
    }
}

impl PictureArgs {
    /// The kinds of pictures asked for, each once.
    pub(crate) fn kinds(&self) -> Vec<plot::PictureFormat> {
        let mut pictures: Vec<plot::PictureFormat> = Vec::new();
        for format in &self.plot_format {
            let picture = match format {
                PlotFormat::Png => plot::PictureFormat::Png,
                PlotFormat::Svg => plot::PictureFormat::Svg,
            };
            if !pictures.contains(&picture) {
                pictures.push(picture);
            }
        }
        pictures
    }
}
