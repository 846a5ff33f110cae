//! Renders cost reports: terminal pages, CSV, letters and messages to channels. Reads nothing but the report, which holds only what its
//! audience may see.

mod charts;
mod csv;
mod layout;
mod letter;
mod message;
mod operator;
mod page;
#[cfg(test)]
mod tests;

use std::iter;

pub use self::csv::csv;
pub use self::letter::{LetterError, LetterOccasion, MailLetter, letter};
pub use self::message::{message, test_message};
pub use self::operator::operator_letter;
pub use self::page::page;
use trailtab_core::cost::report::{CostReport, ReportPart, ReportRow, RowFigure, UnusualDays};

/// The first rows of a table, the sum of the others, and the sum of all.
pub(super) struct Top<'r> {
    pub(super) rows: &'r [ReportRow],
    /// Number of other rows.
    pub(super) others: usize,
    pub(super) rest: RowFigure,
    pub(super) whole: RowFigure,
}

impl<'r> Top<'r> {
    pub(super) fn of(rows: &'r [ReportRow], most: usize) -> Top<'r> {
        let (top, others) = rows.split_at(rows.len().min(most));
        Top {
            rows: top,
            others: others.len(),
            rest: sum(others),
            whole: sum(rows),
        }
    }
}

fn sum(rows: &[ReportRow]) -> RowFigure {
    let mut figures = rows.iter().map(|row| row.figure);
    let first = figures.next().unwrap_or_default();
    figures.fold(first, |sum, figure| sum.plus(&figure))
}

/// What a reader is told below the usage of the settled days: what is loading, what the month will come to, how
/// budgets stand, and how much has an owner.
fn remarks(report: &CostReport, part: &ReportPart) -> Vec<String> {
    let outlook = part
        .outlook
        .as_ref()
        .map(|outlook| outlook.sentence.clone());
    let budgets = part.budgets.iter().map(|budget| budget.sentence.clone());
    let tagged = part.tagged.as_ref().map(|tagged| tagged.sentence.clone());
    let loading = report.loading_sentence(part).into_iter();
    loading
        .chain(outlook)
        .chain(budgets)
        .chain(tagged)
        .collect()
}

/// What is unusual, or that nothing is.
fn unusual_lines(unusual: &UnusualDays) -> Vec<String> {
    let days = unusual.looked_at.label();
    let found = unusual.found.iter().map(|row| row.sentence.clone());
    let first = match unusual.found.is_empty() {
        true => format!("Nothing unusual on {days}."),
        false => format!("Unusual on {days}:"),
    };
    iter::once(first).chain(found).collect()
}

/// The report with currencies reduced to at most six ASCII letters or digits.
fn tidy(report: &CostReport) -> CostReport {
    let mut report = report.clone();
    for part in &mut report.parts {
        part.currency = part
            .currency
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(6)
            .collect();
    }
    report
}
