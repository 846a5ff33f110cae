//! Prints data to standard output and remarks to standard error. No other file of this crate prints.

#![expect(clippy::print_stderr, reason = "this is the one place that prints")]

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressStyle};

use trailtab_app::source::progress::{ReadProgress, RegionProgress};
use trailtab_render as render;
use trailtab_render::escape;
use trailtab_render::page::{TextStyle, thousands};

/// Time between progress lines of an event history without a terminal.
const PROGRESS_LINE_INTERVAL: Duration = Duration::from_secs(60);

/// Size in bytes of the buffer of data that is written piece by piece.
const STREAM_BUFFER_BYTES: usize = 64 << 10;

/// Columns of a page that is written to a file or pipe.
const WIDTH_WITHOUT_TERMINAL: usize = 110;

/// Style of a page that is written into a file; independent of the terminal.
pub(crate) const FILE_STYLE: TextStyle = TextStyle {
    width: WIDTH_WITHOUT_TERMINAL,
    colour: false,
};

/// The user interface on standard streams.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ui {
    pub(crate) quiet: bool,
}

impl Ui {
    /// Writes data to standard output. A closed pipe, such as of `head`, is not an error.
    ///
    /// # Errors
    ///
    /// If the data cannot be written for another reason.
    pub(crate) fn data(self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Standard output, for data that is written piece by piece.
    pub(crate) fn stream(self) -> impl io::Write + Send {
        io::BufWriter::with_capacity(STREAM_BUFFER_BYTES, io::stdout())
    }

    /// Prints a line to standard error, unless `--quiet` is given.
    pub(crate) fn remark(self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// Prints an error and its causes to standard error.
    pub(crate) fn error(self, error: &anyhow::Error) {
        eprintln!("trailtab: {}", error_text(error));
    }

    /// Returns whether a question can be answered: standard input and error are terminals.
    pub(crate) fn can_ask(self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks a question. Every answer except `y` or `yes` is a no.
    ///
    /// # Errors
    ///
    /// If the answer cannot be read.
    pub(crate) fn ask(self, question: &str) -> io::Result<bool> {
        eprint!("{question} [y/N] ");
        let mut answer = String::new();
        // Bounds the memory of an endless line.
        io::stdin().lock().take(64).read_line(&mut answer)?;
        Ok(matches!(
            answer.trim().to_ascii_lowercase().as_str(),
            "y" | "yes"
        ))
    }

    /// The style of text on standard output.
    pub(crate) fn look(self) -> TextStyle {
        // The variable goes before the terminal, as is usual.
        let columns = std::env::var("COLUMNS").ok();
        let columns = columns.and_then(|columns| columns.parse().ok());
        let columns = columns.filter(|columns| *columns > 0);
        let terminal = || match io::stdout().is_terminal() {
            true => usize::from(Term::stdout().size().1),
            false => WIDTH_WITHOUT_TERMINAL,
        };
        TextStyle {
            width: columns.unwrap_or_else(terminal).clamp(40, 160),
            colour: console::colors_enabled(),
        }
    }

    /// Runs `work`, and meanwhile prints its remarks and, on a terminal, its progress.
    pub(crate) fn watch<T>(self, progress: &ReadProgress, work: impl FnOnce() -> T) -> T {
        if self.quiet {
            return work();
        }
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let watcher = scope.spawn(|| draw(progress, &done));
            let result = work();
            done.store(true, Ordering::Relaxed);
            watcher.thread().unpark();
            result
        })
    }
}

/// An error and its causes. Texts can contain untrusted data, such as names of files, and are escaped. Only TOML
/// errors keep their line breaks, which point at the place of the fault.
fn error_text(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let said = cause.to_string();
        if cause.is::<toml::de::Error>() {
            let lines = said.trim_end().lines().map(escape::terminal);
            text.extend([":\n", &lines.collect::<Vec<_>>().join("\n")]);
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&escape::terminal(&said));
    }
    text
}

/// Draws the progress until the work is done.
fn draw(progress: &ReadProgress, done: &AtomicBool) {
    let bar = if io::stderr().is_terminal() {
        ProgressBar::new(0)
    } else {
        ProgressBar::hidden()
    };
    let mut style = None;
    let mut said = Instant::now();
    while !done.load(Ordering::Relaxed) {
        for remark in progress.remarks() {
            bar.suspend(|| eprintln!("{}", escape::terminal(&remark)));
        }
        let regions = progress.regions();
        let extent = ReadExtent::of(progress, &regions);
        let template = extent.template();
        if style.replace(template) != Some(template)
            && let Ok(new) = ProgressStyle::with_template(template)
        {
            bar.set_style(new);
        }
        if regions.is_empty() {
            show_files(&bar, extent, progress);
        } else if bar.is_hidden() && said.elapsed() < PROGRESS_LINE_INTERVAL {
            // Without a terminal, one line per interval is enough for a log.
        } else {
            let rows = regions.iter().map(|region| {
                let (view, is_done) = region.view();
                let scope = &region.scope;
                (scope.account.as_str(), scope.region.as_str(), view, is_done)
            });
            let text = render::progress::regions(&rows.collect::<Vec<_>>());
            if bar.is_hidden() {
                eprintln!("{text}");
                said = Instant::now();
            }
            bar.set_message(text);
        }
        thread::park_timeout(Duration::from_millis(100));
    }
    bar.finish_and_clear();
    for remark in progress.remarks() {
        eprintln!("{}", escape::terminal(&remark));
    }
}

/// What the progress bar measures.
#[derive(Clone, Copy)]
enum ReadExtent {
    Bytes,
    /// The sizes of some files are not known.
    Files,
    /// Nothing: there is no bar.
    Unknown,
}

impl ReadExtent {
    fn of(progress: &ReadProgress, regions: &[Arc<RegionProgress>]) -> ReadExtent {
        let found = progress.found.load(Ordering::Relaxed);
        let has_unsized = progress.has_unsized.load(Ordering::Relaxed);
        match found {
            _ if !regions.is_empty() => ReadExtent::Unknown,
            1.. if !has_unsized => ReadExtent::Bytes,
            2.. => ReadExtent::Files,
            _ => ReadExtent::Unknown,
        }
    }

    fn template(self) -> &'static str {
        match self {
            ReadExtent::Bytes => {
                "{elapsed:>4} {wide_bar} {bytes} of {total_bytes}, {msg}, {eta} left"
            }
            ReadExtent::Files => "{elapsed:>4} {wide_bar} {msg}, {eta} left",
            ReadExtent::Unknown => "{elapsed:>4} {msg}",
        }
    }
}

fn show_files(bar: &ProgressBar, extent: ReadExtent, progress: &ReadProgress) {
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let (found, done) = match extent {
        ReadExtent::Files => (&progress.found, &progress.done),
        _ => (&progress.found_bytes, &progress.done_bytes),
    };
    bar.set_length(count(found));
    bar.set_position(count(done));
    if count(&progress.found) == 0 {
        return bar.set_message("nothing found yet");
    }
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
}
