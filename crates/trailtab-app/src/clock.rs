//! The one place that reads the clock. Whoever needs the time is told it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use trailtab_core::time::Seconds;

/// Time since 1970-01-01T00:00:00Z.
pub fn since_1970() -> Duration {
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
