//! Drawing charts: all of a summary's, on all cores, or one.

use std::path::{Path, PathBuf};

use super::parallel;
use crate::core::summary::Summary;
use crate::deliver::files::{self, WriteError};
use crate::render::chart::Scene;
use crate::render::plots::{self, Plot};

/// How charts are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Picture {
    Png,
    Svg,
}

/// Draws the charts of a summary into a folder; returns how many pictures were written.
///
/// # Errors
///
/// The first picture that cannot be written.
pub(crate) fn run(
    summary: &Summary,
    folder: &Path,
    pictures: &[Picture],
) -> Result<usize, WriteError> {
    let plots = plots::plots(summary);
    for directory in plots
        .iter()
        .filter_map(|plot| plot.path.parent())
        .collect::<std::collections::BTreeSet<_>>()
    {
        files::make_directory(&folder.join(directory))?;
    }
    let draw_plot = |(): &mut (), plot: &Plot<'_>| {
        draw(&plot.scene(), &folder.join(&plot.path), pictures).map(|_| ())
    };
    parallel::for_each(&plots, || (), draw_plot)?;
    Ok(plots.len() * pictures.len())
}

/// Draws one chart as pictures of a name, to which each kind adds its ending; returns their paths.
///
/// # Errors
///
/// The first picture that cannot be written.
pub(crate) fn draw(
    scene: &Scene,
    name: &Path,
    pictures: &[Picture],
) -> Result<Vec<PathBuf>, WriteError> {
    let mut paths = Vec::new();
    for picture in pictures {
        let (ending, bytes) = match picture {
            Picture::Png => ("png", scene.to_png()),
            Picture::Svg => ("svg", scene.to_svg().into_bytes()),
        };
        let mut path = name.to_owned();
        // A principal's name may hold dots: the ending is added, not replaced.
        path.as_mut_os_string().push(format!(".{ending}"));
        files::write(&path, &bytes)?;
        paths.push(path);
    }
    Ok(paths)
}
