//! The table of the months before.

use super::ReportLayout;
use crate::document::{Block, ColumnKind, Table, TableColumn};
use rust_decimal::Decimal;
use trailtab_core::cost::money;
use trailtab_core::cost::period::DayRange;
use trailtab_core::cost::report::{MonthAmounts, ReportPart, percent};

/// With fewer months before, the table would say no more than the bill beside the month before.
const MIN_MONTHS_BEFORE: usize = 2;

/// A row of the table.
struct MonthRow {
    name: String,
    amounts: MonthAmounts,
    /// Whether its usage is that of all its days.
    is_whole: bool,
}

impl ReportLayout<'_> {
    /// The bill of the months before and of the shown one. Usage is compared by day, since months differ in length.
    pub(super) fn months(&mut self, part: &ReportPart) {
        if part.trend.len() < MIN_MONTHS_BEFORE {
            return;
        }
        let mut rows: Vec<MonthRow> = part.trend.iter().map(row_of).collect();
        rows.push(self.shown_month(part));
        let words = |amount: Option<Decimal>| {
            amount.map_or_else(String::new, |it| money::words(it, &part.currency))
        };
        let number =
            |title: &str, cells: Vec<String>| TableColumn::new(title, ColumnKind::Number, cells);
        let names = rows.iter().map(|row| row.name.clone());
        let bill = rows.iter().map(|row| words(Some(row.amounts.total)));
        let mut columns = vec![
            TableColumn::new("month", ColumnKind::Name, names),
            number("bill", bill.collect()),
        ];
        if part.trend.iter().any(|month| month.usage.is_some()) {
            let usage = rows.iter().map(|row| words(row.amounts.usage));
            let a_day = rows.iter().map(|row| words(a_day(row)));
            columns.push(number("usage", usage.collect()).dispensable(3));
            columns.push(number("usage a day", a_day.collect()).dispensable(2));
            columns.push(number("change", changes(&rows)).dispensable(1));
        }
        self.blocks.push(Block::Table(Table {
            title: "The bill, month by month".to_owned(),
            columns,
            has_sum: false,
        }));
    }

    fn shown_month(&self, part: &ReportPart) -> MonthRow {
        let period = &self.report.period;
        let month = DayRange::month_of(period.days.from);
        let usage = part.trend.iter().any(|month| month.usage.is_some());
        let usage = usage.then_some(part.usage.amount);
        let is_open = !period.is_final_month();
        let amounts = MonthAmounts::new(month, part.total.amount, usage, is_open);
        MonthRow {
            is_whole: period.is_settled_month(),
            ..row_of(&amounts)
        }
    }
}

/// The name of a month before the shown one: `October 2026`, or `October 2026 so far` while Cost Explorer estimates it.
pub(in super::super) fn month_name(amounts: &MonthAmounts) -> String {
    let name = amounts.month.from.strftime("%B %Y");
    match amounts.is_estimated {
        true => format!("{name} so far"),
        false => name.to_string(),
    }
}

fn row_of(amounts: &MonthAmounts) -> MonthRow {
    MonthRow {
        name: month_name(amounts),
        amounts: *amounts,
        is_whole: true,
    }
}

fn a_day(row: &MonthRow) -> Option<Decimal> {
    row.amounts.usage_a_day.filter(|_| row.is_whole)
}

/// The change of the usage a day against the month before; nothing where one of the two is not known.
fn changes(rows: &[MonthRow]) -> Vec<String> {
    let first = std::iter::once(String::new());
    let others = rows.windows(2).map(|pair| match pair {
        [before, row] if follows(before, row) => change(before, row).unwrap_or_default(),
        _ => String::new(),
    });
    first.chain(others).collect()
}

fn follows(before: &MonthRow, row: &MonthRow) -> bool {
    let next = before.amounts.month.through.tomorrow();
    next.is_ok_and(|next| next == row.amounts.month.from)
}

/// `+3.3 %`, `-1.2 %`, `±0.0 %`.
fn change(before: &MonthRow, row: &MonthRow) -> Option<String> {
    let (before, now) = (a_day(before)?, a_day(row)?);
    let change = now.saturating_sub(before);
    let size = percent(change, before)?;
    let sign = match () {
        () if size == "0.0 %" => "±",
        () if change.is_sign_negative() => "-",
        () => "+",
    };
    Some(format!("{sign}{size}"))
}
