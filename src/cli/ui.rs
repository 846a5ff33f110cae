//! The one place that prints. Data goes to standard output, remarks to standard error.

#![expect(clippy::print_stderr, reason = "this is the one place that prints")]

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use console::Term;
use indicatif::{ProgressBar, ProgressStyle};

use crate::job::progress::Progress;
use crate::render::escape;
use crate::render::text::{Look, thousands};

/// How the user wants to be talked to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ui {
    pub(crate) quiet: bool,
}

impl Ui {
    /// Writes data to standard output. A reader that goes away, as `head` does, is no error.
    ///
    /// # Errors
    ///
    /// Whatever else keeps it from being written.
    pub(crate) fn data(self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Says something that is not data; silenced by `--quiet`.
    pub(crate) fn remark(self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// Says what went wrong, and why. Names of files and objects are not ours to choose.
    pub(crate) fn error(self, error: &anyhow::Error) {
        eprintln!("trailtab: {}", escape::terminal(&format!("{error:#}")));
    }

    /// Tells how text on standard output may look.
    pub(crate) fn look(self) -> Look {
        let out = Term::stdout();
        Look {
            width: match io::stdout().is_terminal() {
                true => usize::from(out.size().1).clamp(60, 160),
                false => 110,
            },
            colour: console::colors_enabled(),
        }
    }

    /// Shows how far `work` has come, on a terminal, while it runs.
    pub(crate) fn watch<T>(self, progress: &Progress, work: impl FnOnce() -> T) -> T {
        if self.quiet || !io::stderr().is_terminal() {
            return work();
        }
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| draw(progress, &done));
            let result = work();
            done.store(true, Ordering::Relaxed);
            result
        })
    }
}

/// Draws the progress until the work is done.
fn draw(progress: &Progress, done: &AtomicBool) {
    let bar = ProgressBar::new(0);
    let template = "{elapsed:>4} {wide_bar} {bytes} of {total_bytes}, {msg}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    while !done.load(Ordering::Relaxed) {
        bar.set_length(count(&progress.found_bytes));
        bar.set_position(count(&progress.done_bytes));
        let more = if progress.all_found.load(Ordering::Relaxed) {
            ""
        } else {
            "+"
        };
        bar.set_message(format!(
            "{}/{}{more} files, {} events",
            thousands(count(&progress.done)),
            thousands(count(&progress.found)),
            thousands(count(&progress.events)),
        ));
        thread::sleep(Duration::from_millis(50));
    }
    bar.finish_and_clear();
}
