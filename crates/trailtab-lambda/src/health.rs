//! The functions' own metrics: their names, in one place.

use super::log;
use trailtab_app::clock;
use trailtab_app::job::usage::DeliveryReport;
use trailtab_render::emf;

/// The namespace of the usage function's health.
const USAGE: &str = "trailtab/usage";

/// The namespace of the cost function's health.
const COST: &str = "trailtab/cost";

/// What became of the reports of one run: due = sent + skipped + failed.
pub(super) struct CostHealth {
    /// Corrections among them.
    pub(super) sent: u64,
    /// Sent by an earlier run.
    pub(super) skipped: u64,
    /// Not sent, or nobody knows.
    pub(super) failed: u64,
    /// Requests to Cost Explorer.
    pub(super) requests: u64,
}

/// Writes the health of one delivery: received = published + skipped + refused + unconfirmed + unsent.
pub(super) fn usage(function: &str, account: &DeliveryReport, milliseconds: u64) {
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
    write(USAGE, function, metrics.into_iter());
}

/// Writes the health of one run.
pub(super) fn cost(function: &str, reports: &CostHealth, milliseconds: u64) {
    let metrics = [
        ("ReportsSent", "Count", reports.sent),
        ("ReportsSkipped", "Count", reports.skipped),
        ("ReportsFailed", "Count", reports.failed),
        ("Requests", "Count", reports.requests),
        ("Duration", "Milliseconds", milliseconds),
    ];
    write(COST, function, metrics.into_iter());
}

fn write<'m>(
    namespace: &str,
    function: &str,
    metrics: impl Iterator<Item = (&'m str, &'m str, u64)>,
) {
    let now = i64::try_from(clock::since_1970().as_millis()).unwrap_or(i64::MAX);
    let dimensions = [("FunctionName", function)];
    let mut line = emf::document(now, namespace, &dimensions, metrics);
    line.push('\n');
    // If the log is gone, there is nobody to be told.
    let _ = log::raw(line.as_bytes());
}
