//! What a summary counts and does not list, in words.

use super::page::thousands;
use trailtab_core::activity::summary::{FoldedReport, Summary};

/// The tables that the page has no section for, and what their rows are.
const WITHOUT_SECTION: [(&str, &str); 5] = [
    ("sessions_by_principal", "sessions"),
    ("user_agents_by_principal", "user agents"),
    (
        "errors_by_principal_and_api",
        "failed APIs with their error codes",
    ),
    ("principals_by_person", "principals of persons"),
    ("principals_by_workload", "principals of workloads"),
];

/// What is not listed; None if everything is.
pub(super) fn of(summary: &Summary) -> Option<&FoldedReport> {
    summary.trailtab.as_ref()?.folded.as_ref()
}

/// How many principals, persons or workloads are not listed.
pub(super) fn names(summary: &Summary, section: &str) -> u64 {
    let names = of(summary).and_then(|folded| folded.names.get(section));
    names.map_or(0, |folded| folded.names)
}

/// Says what a section does not list; None if it lists everything.
pub(super) fn line(summary: &Summary, section: &str) -> Option<String> {
    let folded = of(summary)?;
    let (more, calls) = match (folded.names.get(section), folded.tables.get(section)) {
        (Some(folded), _) => (thousands(folded.names), folded.calls.calls),
        (None, Some(folded)) => (
            format!("{} by principal", thousands(folded.all.rows)),
            folded.all.calls,
        ),
        (None, None) => return None,
    };
    let calls = thousands(calls);
    Some(format!(
        "and {more} more that are not listed: {calls} calls"
    ))
}

/// Lines on what tables without a section of the page do not list.
pub(super) fn remarks(summary: &Summary) -> Vec<String> {
    let Some(folded) = of(summary) else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for (table, rows) in WITHOUT_SECTION {
        if let Some(folded) = folded.tables.get(table) {
            let (count, calls) = (thousands(folded.all.rows), thousands(folded.all.calls));
            lines.push(format!("Not listed: {count} {rows}, {calls} calls"));
        }
    }
    let rows = thousands(folded.max_rows);
    lines.push(format!(
        "Tables list the {rows} rows with the most calls of each principal, and sum up the others; --max-rows lists more"
    ));
    lines
}
