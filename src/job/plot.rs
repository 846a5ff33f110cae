//! Drawing all charts of a summary, on all cores.

use std::path::{Path, PathBuf};

use super::parallel;
use crate::core::summary::Summary;
use crate::deliver::files::{self, WriteError};
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
    parallel::for_each(&plots, || (), |(), plot| draw(plot, folder, pictures))?;
    Ok(plots.len() * pictures.len())
}

fn draw(plot: &Plot<'_>, folder: &Path, pictures: &[Picture]) -> Result<(), WriteError> {
    let scene = plot.scene();
    for picture in pictures {
        let (ending, bytes) = match picture {
            Picture::Png => ("png", scene.to_png()),
            Picture::Svg => ("svg", scene.to_svg().into_bytes()),
        };
        let mut path: PathBuf = folder.join(&plot.path);
        // A principal's name may hold dots: the ending is added, not replaced.
        path.as_mut_os_string().push(format!(".{ending}"));
        files::write(&path, &bytes)?;
    }
    Ok(())
}
