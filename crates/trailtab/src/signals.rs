//! SIGINT (Ctrl-C) and SIGTERM.
//!
//! While a verb is [`interruptible`], the first signal asks it to stop reading, and it writes what there is
//! as a partial result. Otherwise, and from the second signal on, the process ends at once: temporary files
//! are removed, and the exit code is 128 and the signal's number. On other systems than Unix, the system's
//! default stays.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ui::Ui;
use trailtab_app::source::interrupt::{self, Interrupt, Requester};

/// What is to be interrupted, if anything is.
static RUNNING: Mutex<Option<Running>> = Mutex::new(None);

/// Something that the first signal interrupts.
#[derive(Debug)]
struct Running {
    requester: Requester,
    /// What is said then.
    remark: &'static str,
}

/// What the first signal does to a verb that reads.
pub(super) const STOPS_READING: &str =
    "stopping: the result will hold what was read; a second signal ends the program at once";

/// What the first signal does to a verb that sends.
pub(super) const STOPS_SENDING: &str =
    "stopping after what is being sent; a second signal ends the program at once";

/// As long as it lives, the first signal is a request.
#[derive(Debug)]
pub(super) struct Interruptible {
    pub(super) interrupt: Interrupt,
}

/// Lets the first signal from now on be a request instead of the end; `remark` is said when it comes.
pub(super) fn interruptible(remark: &'static str) -> Interruptible {
    let (requester, interrupt) = interrupt::channel();
    *lock() = Some(Running { requester, remark });
    Interruptible { interrupt }
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        *lock() = None;
    }
}

/// Watches for signals in a thread of its own.
///
/// # Errors
///
/// If the system refuses.
#[cfg(unix)]
pub(super) fn watch(ui: Ui) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let watch = move || {
        for signal in signals.forever() {
            let Some(running) = lock().take() else {
                trailtab_app::deliver::temporary::remove_all();
                // This is what a second signal, or one without anything to interrupt, asks for.
                signal_hook::low_level::exit(128 + signal);
            };
            running.requester.request();
            ui.remark(running.remark);
        }
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(watch)?;
    Ok(())
}

/// Leaves signals to the system.
///
/// # Errors
///
/// None.
#[cfg(not(unix))]
pub(super) fn watch(_: Ui) -> io::Result<()> {
    Ok(())
}

/// A thread that panicked has changed the value or not.
fn lock() -> MutexGuard<'static, Option<Running>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
