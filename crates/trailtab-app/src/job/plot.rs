//! Draws charts: all charts of a summary, on all cores, or a single one.

use std::path::{Path, PathBuf};

use super::parallel;
use crate::deliver::files::{self, NewFile, NewFolder, WriteError};
use crate::deliver::temporary::Readers;
use trailtab_core::activity::summary::Summary;
use trailtab_render::chart::ChartScene;
use trailtab_render::plots::{self, PlannedChart};

/// Image format of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureFormat {
    /// PNG.
    Png,
    /// SVG.
    Svg,
}

/// A folder of charts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charts {
    /// The folder that the charts were written to.
    pub folder: PathBuf,
    /// Number of images drawn.
    pub count: usize,
    /// Number of charts that were not drawn, because there are too many.
    pub left_out: usize,
}

/// Draws at most `max_charts` charts of a summary into a folder. Adds missing charts to an existing folder; if the
/// folder holds a different file under a chart's name, the charts go to `FOLDER_2`.
///
/// # Errors
///
/// Fails if a chart cannot be written; then no chart is left behind.
pub fn run(
    summary: &Summary,
    folder: &Path,
    pictures: &[PictureFormat],
    max_charts: usize,
) -> Result<Charts, WriteError> {
    let plots = plots::plots(summary, max_charts);
    let (plots, left_out) = (plots.charts, plots.left_out);
    let count = plots.len() * pictures.len();
    if count == 0 {
        let folder = folder.to_owned();
        return Ok(Charts {
            folder,
            count,
            left_out,
        });
    }
    let folder = NewFolder::create(folder, Readers::Umask)?;
    for directory in plots
        .iter()
        .filter_map(|plot| plot.path.parent())
        .collect::<std::collections::BTreeSet<_>>()
    {
        folder.make_directory(directory)?;
    }
    let draw_plot = |(): &mut (), plot: &PlannedChart<'_>| {
        let scene = plot.scene();
        pictures.iter().try_for_each(|picture| {
            let name = files::with_ending(&plot.path, picture.ending());
            folder.append(&name, &picture.draw(&scene))
        })
    };
    parallel::for_each(&plots, || (), draw_plot)?;
    Ok(Charts {
        folder: folder.finish_or_join()?,
        count,
        left_out,
    })
}

/// Draws one chart as new files, one per format; returns their paths.
///
/// # Errors
///
/// Fails if a file cannot be written; then no file is left behind.
pub fn draw(
    scene: &ChartScene,
    stem: &Path,
    pictures: &[PictureFormat],
) -> Result<Vec<PathBuf>, WriteError> {
    let drawn: Vec<_> = pictures.iter().map(|picture| picture.draw(scene)).collect();
    let new_files = pictures.iter().zip(&drawn).map(|(picture, bytes)| NewFile {
        ending: picture.ending(),
        bytes,
    });
    let new_files: Vec<_> = new_files.collect();
    files::create_together(stem, &new_files, &[], Readers::Umask)
}

impl PictureFormat {
    fn ending(self) -> &'static str {
        match self {
            PictureFormat::Png => ".png",
            PictureFormat::Svg => ".svg",
        }
    }

    fn draw(self, scene: &ChartScene) -> Vec<u8> {
        match self {
            PictureFormat::Png => scene.to_png(),
            PictureFormat::Svg => scene.to_svg().into_bytes(),
        }
    }
}
