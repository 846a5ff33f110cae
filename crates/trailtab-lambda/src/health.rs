//! Defines and writes the health metrics of the functions.

use super::log;
use trailtab_app::clock;
use trailtab_app::job::usage::DeliveryReport;
use trailtab_render::emf;

/// The namespace of the usage function's metrics.
const USAGE_NAMESPACE: &str = "trailtab/usage";

/// The namespace of the cost function's metrics.
const COST_NAMESPACE: &str = "trailtab/cost";

/// The outcome of a run's reports: due = sent + skipped + failed.
pub(super) struct CostHealth {
    /// Includes corrections.
    pub(super) sent: u64,
    /// Already sent by an earlier run.
    pub(super) skipped: u64,
    /// Not sent, or unconfirmed.
    pub(super) failed: u64,
    /// Requests to Cost Explorer.
    pub(super) requests: u64,
}

/// Writes the metrics of one delivery: received = published + skipped + unreadable + refused +
/// unconfirmed + unsent, also over all attempts at a delivery.
pub(super) fn usage(function: &str, report: &DeliveryReport, milliseconds: u64) {
    let events = report.counts();
    let metrics = [
        ("EventsReceived", "Count", events.received),
        ("EventsPublished", "Count", events.published),
        ("EventsSkipped", "Count", events.skipped),
        ("EventsUnreadable", "Count", events.unreadable),
        ("EventsRefused", "Count", events.refused),
        ("EventsUnconfirmed", "Count", events.unconfirmed),
        ("EventsUnsent", "Count", events.unsent),
        ("EventsDeferred", "Count", events.deferred),
        ("Chunks", "Count", report.chunks),
        ("Retries", "Count", report.retries),
        ("Duration", "Milliseconds", milliseconds),
    ];
    write(USAGE_NAMESPACE, function, metrics.into_iter());
}

/// Writes the metrics of one run.
pub(super) fn cost(function: &str, reports: &CostHealth, milliseconds: u64) {
    let metrics = [
        ("ReportsSent", "Count", reports.sent),
        ("ReportsSkipped", "Count", reports.skipped),
        ("ReportsFailed", "Count", reports.failed),
        ("Requests", "Count", reports.requests),
        ("Duration", "Milliseconds", milliseconds),
    ];
    write(COST_NAMESPACE, function, metrics.into_iter());
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
    // A failure to write the log cannot be reported anywhere.
    let _ = log::raw(line.as_bytes());
}
