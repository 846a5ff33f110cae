//! Drawing all charts of a summary, on all cores.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

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
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(plot) = plots.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = draw(plot, folder, pictures) {
                        failure
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .get_or_insert(error);
                        return;
                    }
                }
            });
        }
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(plots.len() * pictures.len()),
    }
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
