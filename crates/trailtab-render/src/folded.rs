//! What a summary counts and does not list, in words.

use super::page::{counted, thousands};
use trailtab_core::activity::summary::{FoldedReport, Summary};

/// The tables that the page has no section for, what one row is, and of what.
const WITHOUT_SECTION: [(&str, &str, &str); 7] = [
    ("sessions_by_principal", "session", ""),
    ("user_agents_by_principal", "user agent", ""),
    (
        "errors_by_principal_and_api",
        "row",
        " of failed APIs by error code",
    ),
    ("principals_by_person", "row", " of principals by person"),
    (
        "principals_by_resource",
        "row",
        " of principals by resource",
    ),
    (
        "resources_by_principal",
        "row",
        " of resources by principal",
    ),
    (
        "principals_by_workload",
        "row",
        " of principals by workload",
    ),
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
        (Some(names), _) => (
            format!("{} more", thousands(names.names)),
            names.calls.calls,
        ),
        (None, Some(table)) => {
            let rows = counted(table.all.rows, "more row");
            (format!("{rows} by principal"), table.all.calls)
        }
        (None, None) => return None,
    };
    Some(format!(
        "not listed: {more}, with {}",
        counted(calls, "call")
    ))
}

/// Lines on what tables without a section of the page do not list.
pub(super) fn remarks(summary: &Summary) -> Vec<String> {
    let Some(folded) = of(summary) else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for (table, row, suffix) in WITHOUT_SECTION {
        if let Some(folded) = folded.tables.get(table) {
            let rows = counted(folded.all.rows, row);
            let calls = counted(folded.all.calls, "call");
            lines.push(format!("Not listed: {rows}{suffix}, with {calls}"));
        }
    }
    let rows = counted(folded.max_rows, "row");
    lines.push(format!(
        "Listed of each principal and table: at most {rows}, those with the most calls; --max-rows lists more"
    ));
    lines
}
