//! What was read and what is missing, in results other than a summary.

use std::fmt::{self, Write as _};

use console::Style;

use super::no_match::{self, NoMatchContext};
use super::page::{self, TextPage, plain};
use trailtab_core::activity::provenance::ReadingCoverage;
use trailtab_core::event::no_match::NoMatch;

impl TextPage {
    /// Writes what was read and what is missing. `fault` is a line in red between the two.
    pub(super) fn reading_coverage(
        &mut self,
        coverage: &ReadingCoverage,
        fault: Option<&str>,
        has_matches: bool,
    ) -> fmt::Result {
        self.heading("Coverage")?;
        if coverage.since.is_some() || coverage.until.is_some() {
            let end = |time: &Option<String>| time.as_deref().map_or("open".to_owned(), plain);
            let (since, until) = (end(&coverage.since), end(&coverage.until));
            writeln!(self.out, "  Asked for: {since} – {until} UTC")?;
        }
        self.counts(coverage.counts, coverage.documents)?;
        if let Some(fault) = fault {
            self.paragraph(fault, 2, &Style::new().red())?;
        }
        let history = coverage.event_history.iter().flat_map(page::event_history);
        let late = page::deliveries(coverage.last_delivery_day.as_deref());
        let late = late
            .into_iter()
            .chain(page::updates(coverage.updates_not_applied));
        let unrelated = page::unrelated(&coverage.document_outcomes, &coverage.unrelated_documents);
        let others = page::other_content(&coverage.other_content);
        for line in history.chain(late).chain(others).chain(unrelated) {
            self.paragraph(&line, 2, &Style::new())?;
        }
        let not_listed = coverage.problems_not_listed;
        self.problems("Incomplete", has_matches, &coverage.problems, not_listed)
    }
}

/// The explanation why no event was counted; empty if one was.
pub(super) fn no_match(no_match: Option<&NoMatch>, coverage: &ReadingCoverage) -> String {
    no_match.map_or(String::new(), |no_match| {
        no_match::text(no_match, no_match_context(coverage))
    })
}

pub(super) fn no_match_context(coverage: &ReadingCoverage) -> NoMatchContext<'_> {
    let history = coverage.event_history.as_ref();
    NoMatchContext {
        since: coverage.since.as_deref(),
        until: coverage.until.as_deref(),
        events: coverage.counts.filtered,
        documents: coverage.documents,
        is_complete: coverage.complete,
        lookup_attribute: history.and_then(|history| history.lookup_attribute.as_deref()),
        is_history: history.is_some(),
        other_content: &coverage.other_content,
    }
}
