//! Drawing charts: all of a summary's, on all cores, or one.

use std::path::{Path, PathBuf};

use super::parallel;
use crate::deliver::files::{self, NewFile, NewFolder, WriteError};
use crate::deliver::temporary::Readers;
use trailtab_core::activity::summary::Summary;
use trailtab_render::chart::Scene;
use trailtab_render::plots::{self, Plot};

/// How charts are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
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
    /// How many pictures were drawn.
    pub count: usize,
}

/// Draws the charts of a summary into a folder. If the folder is there already, charts that it lacks are
/// added to it; if it holds anything else under the name of a chart, the charts go to `FOLDER_2`.
///
/// # Errors
///
/// If a chart cannot be written; then none is left.
pub fn run(summary: &Summary, folder: &Path, pictures: &[Picture]) -> Result<Charts, WriteError> {
    let plots = plots::plots(summary);
    let count = plots.len() * pictures.len();
    if count == 0 {
        let folder = folder.to_owned();
        return Ok(Charts { folder, count });
    }
    let folder = NewFolder::create(folder, Readers::Umask)?;
    for directory in plots
        .iter()
        .filter_map(|plot| plot.path.parent())
        .collect::<std::collections::BTreeSet<_>>()
    {
        folder.make_directory(directory)?;
    }
    let draw_plot = |(): &mut (), plot: &Plot<'_>| {
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
    })
}

/// Draws one chart as new files, one of each kind of picture; returns their paths.
///
/// # Errors
///
/// If one cannot be written; then none is left.
pub fn draw(scene: &Scene, stem: &Path, pictures: &[Picture]) -> Result<Vec<PathBuf>, WriteError> {
    let drawn: Vec<_> = pictures.iter().map(|picture| picture.draw(scene)).collect();
    let new_files = pictures.iter().zip(&drawn).map(|(picture, bytes)| NewFile {
        ending: picture.ending(),
        bytes,
    });
    let new_files: Vec<_> = new_files.collect();
    files::create_together(stem, &new_files, &[], Readers::Umask)
}

impl Picture {
    fn ending(self) -> &'static str {
        match self {
            Picture::Png => ".png",
            Picture::Svg => ".svg",
        }
    }

    fn draw(self, scene: &Scene) -> Vec<u8> {
        match self {
            Picture::Png => scene.to_png(),
            Picture::Svg => scene.to_svg().into_bytes(),
        }
    }
}
