//! Renders cost reports: terminal pages, CSV and letters. Reads nothing but the report, which holds only what its
//! audience may see.

mod charts;
mod csv;
mod layout;
mod letter;
mod operator;
mod page;
#[cfg(test)]
mod tests;

use rust_decimal::Decimal;

pub use self::csv::csv;
pub use self::letter::{MailLetter, letter};
pub use self::operator::operator_letter;
pub use self::page::page;
use trailtab_core::cost::report::{CostReport, ReportRow, RowFigure};

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
    let plus = |one: Option<Decimal>, other: Option<Decimal>| match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (one, other) => one.or(other),
    };
    let figures = rows.iter().map(|row| row.figure);
    figures.fold(RowFigure::default(), |sum, figure| RowFigure {
        amount: sum.amount.saturating_add(figure.amount),
        before: plus(sum.before, figure.before),
        last_day: plus(sum.last_day, figure.last_day),
        day_before: plus(sum.day_before, figure.day_before),
    })
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
