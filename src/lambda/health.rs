//! The functions' own metrics: their names, in one place.

use super::log;
use crate::clock;
use crate::job::usage::Account;
use crate::render::emf;

/// The namespace of the usage function's health.
const USAGE: &str = "trailtab/usage";

/// Writes the health of one delivery: received = published + skipped + refused + unconfirmed + unsent.
pub(super) fn usage(function: &str, account: &Account, milliseconds: u64) {
    let metrics = [
        ("EventsReceived", "Count", account.received),
        ("EventsPublished", "Count", account.published),
        ("EventsSkipped", "Count", account.skipped()),
        ("EventsRefused", "Count", account.refused),
        ("EventsUnconfirmed", "Count", account.unconfirmed),
        ("EventsUnsent", "Count", account.unsent),
        ("Chunks", "Count", account.chunks),
        ("Retries", "Count", account.retries),
        ("Duration", "Milliseconds", milliseconds),
    ];
    let now = i64::try_from(clock::since_1970().as_millis()).unwrap_or(i64::MAX);
    let dimensions = [("FunctionName", function)];
    let mut line = emf::document(now, USAGE, &dimensions, metrics.into_iter());
    line.push('\n');
    // If the log is gone, there is nobody to be told.
    let _ = log::raw(line.as_bytes());
}
