//! Reads the clock. The only module that does; all other code takes the time as a parameter.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use trailtab_core::time::{Seconds, parse};

/// Variable by which tests set the current time.
const NOW_VARIABLE: &str = "TRAILTAB_NOW";

/// The time that replaces the system's, if set.
static FIXED: OnceLock<Duration> = OnceLock::new();

/// Makes the value of `TRAILTAB_NOW`, if set, the current time. The command line calls this; the
/// Lambda functions must not.
///
/// # Errors
///
/// Fails if the value is not a time since 1970.
pub fn set_from_environment() -> Result<(), String> {
    let Some(text) = std::env::var_os(NOW_VARIABLE).filter(|text| !text.is_empty()) else {
        return Ok(());
    };
    let text = text.to_string_lossy();
    let seconds = parse(text.as_bytes()).and_then(|seconds| u64::try_from(seconds).ok());
    let seconds = seconds.ok_or_else(|| {
        format!("{NOW_VARIABLE}: invalid time {text:?}: expected a time (2026-09-07T08:30:00Z)")
    })?;
    // Called once, before anything reads the clock.
    let _ = FIXED.set(Duration::from_secs(seconds));
    Ok(())
}

/// Time since 1970-01-01T00:00:00Z.
pub fn since_1970() -> Duration {
    if let Some(fixed) = FIXED.get() {
        return *fixed;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the shell reads the clock"
    )]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Whole seconds since 1970-01-01T00:00:00Z.
pub fn now() -> Seconds {
    Seconds::try_from(since_1970().as_secs()).unwrap_or(Seconds::MAX)
}
