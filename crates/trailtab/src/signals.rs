//! SIGINT (Ctrl-C) and SIGTERM.
//!
//! While a verb is [`interruptible`], the first signal asks it to stop, and it writes what it has as a partial
//! result. Otherwise, and from the second signal on, the process removes its temporary files and ends at once; the
//! exit code is 128 plus the signal's number. Outside Unix, the system's default applies.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ui::Ui;
use trailtab_app::source::interrupt::{self, Interrupt, Requester};

/// The interruptible part of the verb, if one is running.
static RUNNING: Mutex<Option<Running>> = Mutex::new(None);

/// A part of a verb that the first signal interrupts.
#[derive(Debug)]
struct Running {
    requester: Requester,
    /// Printed when the signal arrives.
    remark: &'static str,
}

/// Remark on the first signal while a verb reads.
pub(super) const STOPS_READING: &str =
    "stopping: the result will hold what was read; a second signal ends the program at once";

/// Remark on the first signal while a verb sends.
pub(super) const STOPS_SENDING: &str =
    "stopping after what is being sent; a second signal ends the program at once";

/// Guard: until it is dropped, the first signal requests a stop instead of ending the process.
#[derive(Debug)]
pub(super) struct Interruptible {
    pub(super) interrupt: Interrupt,
    /// Requests a stop for another reason.
    pub(super) requester: Requester,
}

/// Makes the first signal from now on request a stop; `remark` is printed when it arrives.
pub(super) fn interruptible(remark: &'static str) -> Interruptible {
    let (requester, interrupt) = interrupt::channel();
    let running = requester.clone();
    *lock() = Some(Running {
        requester: running,
        remark,
    });
    Interruptible {
        interrupt,
        requester,
    }
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        *lock() = None;
    }
}

/// Starts a thread that handles signals.
///
/// # Errors
///
/// If the handlers cannot be installed or the thread cannot start.
#[cfg(unix)]
pub(super) fn watch(ui: Ui) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let watch = move || {
        for signal in signals.forever() {
            let Some(running) = lock().take() else {
                trailtab_app::deliver::temporary::remove_all();
                // A second signal, or nothing to interrupt: end the process.
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

/// Does nothing: the system handles signals.
///
/// # Errors
///
/// Never.
#[cfg(not(unix))]
pub(super) fn watch(_: Ui) -> io::Result<()> {
    Ok(())
}

/// Ignores poisoning: each change of the value is a single assignment.
fn lock() -> MutexGuard<'static, Option<Running>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
