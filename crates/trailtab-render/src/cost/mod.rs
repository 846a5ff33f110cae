//! Renders cost reports: terminal pages, CSV, letters and messages to channels. Reads nothing but the report, which
//! holds only what its audience may see.

mod charts;
mod csv;
mod layout;
mod letter;
mod message;
mod operator;
mod page;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::iter;

pub use self::csv::csv;
pub use self::letter::{LetterError, LetterOccasion, MailLetter, letter};
pub use self::message::{message, test_message};
pub use self::operator::operator_letter;
pub use self::page::page;
use crate::page::counted;
use trailtab_core::cost::budget::{BudgetOutlook, BudgetStatus};
use trailtab_core::cost::report::{
    BudgetRow, CostReport, ReportPart, ReportRow, RowFigure, UnusualDays,
};

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

/// The sentences below the usage of the settled days: what is loading, what the month will come to by our estimate
/// and by that of AWS, how at most so many budgets stand, and how much has an owner.
fn remarks(report: &CostReport, part: &ReportPart, most_budgets: usize) -> Vec<String> {
    let outlook = part
        .outlook
        .as_ref()
        .map(|outlook| outlook.sentence.clone());
    let aws_forecast = part.aws_forecast.as_ref();
    let aws_forecast = aws_forecast.map(|forecast| forecast.sentence.clone());
    let budgets = budget_sentences(&part.budgets, most_budgets);
    let tagged = part.tagged.as_ref().map(|tagged| tagged.sentence.clone());
    let loading = report.loading_sentence(part).into_iter();
    loading
        .chain(outlook)
        .chain(aws_forecast)
        .chain(budgets)
        .chain(tagged)
        .collect()
}

/// How budgets stand. If there are more than `most`, the most urgent ones, and how many others are passed or will be:
/// amounts are not added up, because a budget of the whole bill covers the same costs as those of its accounts.
fn budget_sentences(budgets: &[BudgetRow], most: usize) -> Vec<String> {
    let sentence = |budget: &BudgetRow| budget.sentence.clone();
    if budgets.len() <= most {
        return budgets.iter().map(sentence).collect();
    }
    let mut by_urgency: Vec<&BudgetRow> = budgets.iter().collect();
    by_urgency.sort_by_key(|budget| {
        let BudgetStatus {
            outlook,
            used_share,
            ..
        } = budget.status;
        (urgency(outlook), Reverse(used_share))
    });
    let (shown, others) = by_urgency.split_at(most);
    let number = |outlook| {
        let same = others.iter().filter(|it| it.status.outlook == outlook);
        same.count()
    };
    let others = format!(
        "{}: {} passed, {} expected to be passed.",
        counted(others.len() as u64, "other budget"),
        number(BudgetOutlook::Passed),
        number(BudgetOutlook::WillPass),
    );
    let shown = shown.iter().map(|budget| sentence(budget));
    shown.chain(iter::once(others)).collect()
}

/// Where a budget comes in an order by urgency.
fn urgency(outlook: BudgetOutlook) -> u8 {
    match outlook {
        BudgetOutlook::Passed => 0,
        BudgetOutlook::WillPass => 1,
        BudgetOutlook::MayPass => 2,
        BudgetOutlook::Unknown => 3,
        BudgetOutlook::Within => 4,
    }
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
