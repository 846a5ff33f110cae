//! The tables of a report.

use super::super::Top;
use super::{ReportForm, ReportLayout, one_day};
use crate::document::{Block, ColumnKind, MoneyCells, Table, TableColumn};
use rust_decimal::Decimal;
use trailtab_core::cost::charge::ChargeType;
use trailtab_core::cost::dimension::UsageDimension;
use trailtab_core::cost::money;
use trailtab_core::cost::period::DayRange;
use trailtab_core::cost::report::{
    BillLine, ChargeRow, CutScope, LabelKind, Mover, ReportPart, ReportRow, RowFigure, RowLabel,
};

/// What the rows of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableSubject {
    Account,
    Owner,
    Service,
    /// Values of a further dimension, over all accounts.
    Dimension(UsageDimension),
}

impl TableSubject {
    fn noun(self) -> &'static str {
        match self {
            TableSubject::Account => "account",
            TableSubject::Owner => "owner",
            TableSubject::Service => "service",
            TableSubject::Dimension(dimension) => dimension.noun(),
        }
    }
}

impl ReportLayout<'_> {
    /// The largest changes: of accounts, services and owners, each in a table of its own.
    pub(super) fn movers(&mut self, part: &ReportPart) {
        let movers = &part.movers;
        for (by, movers) in [
            (TableSubject::Account, &movers.accounts),
            (TableSubject::Service, &movers.services),
            (TableSubject::Owner, &movers.owners),
        ] {
            self.movers_by(by, movers, &part.currency);
        }
    }

    fn movers_by(&mut self, by: TableSubject, movers: &[Mover], currency: &str) {
        let movers = &movers[..movers.len().min(self.limits.movers)];
        let place = |mover: &Mover| match (self.form, &mover.account) {
            (_, None) => String::new(),
            (ReportForm::Page, Some(account)) => account.name.clone(),
            (ReportForm::Letter { .. }, Some(account)) => format!("in {}", account.label()),
        };
        let names = movers.iter().map(|mover| self.name(&mover.label));
        let mut columns = vec![TableColumn::new(by.noun(), ColumnKind::Name, names)];
        if movers.iter().any(|mover| mover.account.is_some()) {
            let places = movers.iter().map(place);
            columns.push(TableColumn::new("account", ColumnKind::Place, places));
        }
        let figures: Vec<RowFigure> = movers.iter().map(|mover| mover.figure).collect();
        columns.push(self.settled_amounts(&figures, currency));
        self.table(format!("Largest changes by {}", by.noun()), columns, false);
    }

    /// The bill so far beside that of the month before; the charges alone if the period is not a month. Leaves it out
    /// if usage is the only charge.
    pub(super) fn charges(
        &mut self,
        of: Option<&str>,
        bill: &[BillLine],
        charges: &[ChargeRow],
        currency: &str,
    ) {
        let is_usage = |charge: &ChargeType| *charge == ChargeType::Usage;
        let mut kinds = charges.iter().map(|row| row.charge);
        let mut lines = bill.iter().map(|line| line.charge);
        if kinds.all(|charge| is_usage(&charge)) && lines.all(|charge| is_usage(&charge)) {
            return;
        }
        match bill.is_empty() {
            true => self.charges_of_range(of, charges, currency),
            false => self.bill(of, bill, currency),
        }
    }

    fn bill(&mut self, of: Option<&str>, bill: &[BillLine], currency: &str) {
        let period = &self.report.period;
        let so_far = |line: &BillLine| match line.is_to_come {
            true => "not yet billed".to_owned(),
            false => money::words(line.so_far, currency),
        };
        let sum = |of: fn(&BillLine) -> Decimal| {
            let sum = bill
                .iter()
                .map(of)
                .fold(Decimal::ZERO, Decimal::saturating_add);
            money::words(sum, currency)
        };
        let names = bill.iter().map(|line| line.charge.label().to_owned());
        let now = bill.iter().map(so_far);
        let before = bill
            .iter()
            .map(|line| money::words(line.month_before, currency));
        let month = |days: DayRange| days.from.strftime("%B").to_string();
        let named = |days: DayRange, is_final: bool| match is_final {
            true => month(days),
            false => format!("{} so far", month(days)),
        };
        let this_month = named(period.days, period.is_final_month());
        let month_before = period.days.from.yesterday().map(DayRange::month_of);
        let month_before = month_before.map_or_else(
            |_| String::new(),
            |days| named(days, !period.is_month_before_estimated),
        );
        let total = ["Total".to_owned()];
        let columns = vec![
            TableColumn::new("charge", ColumnKind::Name, names.chain(total)),
            TableColumn::new(
                &this_month,
                ColumnKind::Number,
                now.chain([sum(|line| line.so_far)]),
            ),
            TableColumn::new(
                &month_before,
                ColumnKind::Number,
                before.chain([sum(|line| line.month_before)]),
            ),
        ];
        let title = match (of, self.form) {
            (Some(of), ReportForm::Page) => format!("{of}: the bill"),
            _ => "The bill, by charge type".to_owned(),
        };
        self.table(title, columns, true);
    }

    fn charges_of_range(&mut self, of: Option<&str>, charges: &[ChargeRow], currency: &str) {
        let rows = charges.iter().map(|charge| &charge.row);
        let mut names: Vec<String> = rows.clone().map(|row| row.label.name.clone()).collect();
        names.push("Total".to_owned());
        let mut amounts: Vec<Decimal> = rows.map(|row| row.figure.amount).collect();
        amounts.push(
            amounts
                .iter()
                .copied()
                .fold(Decimal::ZERO, Decimal::saturating_add),
        );
        let period = &self.report.period;
        let known = period.days.known(period.data_through);
        let cells = MoneyCells {
            currency: currency.to_owned(),
            days: known.map_or_else(
                || period.label.clone(),
                |known| known.label_beside(period.days),
            ),
            against: None,
            amounts: amounts.into_iter().map(|amount| (amount, None)).collect(),
        };
        let columns = vec![
            TableColumn::new("charge", ColumnKind::Name, names),
            TableColumn::money("amount", cells),
        ];
        let title = match (of, self.form) {
            (Some(of), ReportForm::Page) => format!("{of}: charges"),
            _ => "By charge type".to_owned(),
        };
        self.table(title, columns, true);
    }

    /// A table of the largest rows, the sum of the others, and the sum of all, so that it adds up; of all accounts, or
    /// of one.
    pub(super) fn rows(
        &mut self,
        by: TableSubject,
        of: Option<&str>,
        rows: &[ReportRow],
        currency: &str,
    ) {
        // What was spent on days that are still loading alone has no settled amount yet.
        let is_shown = |row: &&ReportRow| {
            let RowFigure {
                settled, before, ..
            } = row.figure;
            !settled.is_zero() || before.is_some_and(|before| !before.is_zero())
        };
        let rows: Vec<ReportRow> = rows.iter().filter(is_shown).cloned().collect();
        let most = match (by, self.form) {
            (TableSubject::Account, ReportForm::Page) => usize::MAX,
            _ => self.limits.rows,
        };
        // A single surplus row takes no more room than the line "1 other".
        let top = Top::of(
            &rows,
            if rows.len() <= most.saturating_add(1) {
                rows.len()
            } else {
                most
            },
        );
        let names = top.rows.iter().map(|row| self.name(&row.label));
        let mut names: Vec<String> = names.collect();
        let mut figures: Vec<RowFigure> = top.rows.iter().map(|row| row.figure).collect();
        let expected = self.expected(top.rows, currency);
        if top.others != 0 {
            names.push(format!("({} others)", top.others));
            figures.push(top.rest);
        }
        let has_sum = 1 < rows.len();
        if has_sum {
            names.push(self.sum_name().to_owned());
            figures.push(top.whole);
        }
        let mut columns = vec![TableColumn::new(by.noun(), ColumnKind::Name, names)];
        columns.push(self.settled_amounts(&figures, currency));
        columns.extend(expected.or_else(|| self.last_day_amounts(&figures, currency)));
        self.table(self.table_title(by, of), columns, has_sum);
    }

    /// What the month of each row will come to; absent if it is not known of any.
    fn expected(&self, rows: &[ReportRow], currency: &str) -> Option<TableColumn> {
        let is_known = rows.iter().any(|row| row.estimate.is_some());
        let range = |row: &ReportRow| {
            let estimate = row.estimate?;
            Some(money::range(estimate.low, estimate.high, currency))
        };
        let cells = rows.iter().map(|row| range(row).unwrap_or_default());
        // The sentence above says that it is of the whole month.
        let column = || TableColumn::new("expected", ColumnKind::Number, cells).dispensable(1);
        is_known.then(column)
    }

    /// The name of a row. A page has less room, so services are without their maker.
    fn name(&self, label: &RowLabel) -> String {
        match (self.form, label.kind) {
            (ReportForm::Page, LabelKind::Service) => {
                super::super::charts::short_service(&label.name).to_owned()
            }
            _ => label.name.clone(),
        }
    }

    fn table_title(&self, by: TableSubject, of: Option<&str>) -> String {
        let noun = by.noun();
        match (self.form, by, of) {
            (ReportForm::Page, TableSubject::Account, _) => {
                format!("Accounts: {}", self.cut_name())
            }
            (ReportForm::Page, TableSubject::Dimension(_), _) => {
                match self.report.basis.cut_scope {
                    CutScope::Usage => format!("Usage by {noun}"),
                    CutScope::AllCharges => format!("All charges by {noun}"),
                }
            }
            (ReportForm::Letter { .. }, TableSubject::Dimension(_), _) => format!("By {noun}"),
            (ReportForm::Page, _, None) => format!("All accounts: {} by {noun}", self.cut_name()),
            (ReportForm::Page, _, Some(of)) => format!("{of}: {} by {noun}", self.cut_name()),
            (ReportForm::Letter { .. }, TableSubject::Account, _) => "By account".to_owned(),
            (ReportForm::Letter { .. }, _, None) => format!("By {noun}, all accounts"),
            // The heading names the account.
            (ReportForm::Letter { .. }, _, Some(_)) => format!("By {noun}"),
        }
    }

    /// What accounts, owners and services are a list of.
    fn cut_name(&self) -> &'static str {
        match self.report.basis.cut_scope {
            CutScope::Usage => "usage",
            CutScope::AllCharges => "all charges",
        }
    }

    fn sum_name(&self) -> &'static str {
        match self.report.basis.cut_scope {
            CutScope::Usage => "All usage",
            CutScope::AllCharges => "Total",
        }
    }

    /// The column of the last settled day, unless it is the only one.
    fn last_day_amounts(&self, figures: &[RowFigure], currency: &str) -> Option<TableColumn> {
        let period = &self.report.period;
        let is_daily = figures.iter().any(|figure| figure.last_day.is_some());
        let settled = period
            .settled()
            .filter(|settled| is_daily && 1 < settled.len())?;
        let one_day = |day| one_day(day, period.days);
        let cells = MoneyCells {
            currency: currency.to_owned(),
            days: one_day(settled.through),
            against: settled.through.yesterday().ok().map(one_day),
            amounts: figures
                .iter()
                .map(|figure| (figure.last_day.unwrap_or_default(), figure.day_before))
                .collect(),
        };
        Some(TableColumn::money("last day", cells).dispensable(4))
    }

    fn settled_amounts(&self, figures: &[RowFigure], currency: &str) -> TableColumn {
        let period = &self.report.period;
        let cells = MoneyCells {
            currency: currency.to_owned(),
            days: period.settled().map_or_else(
                || period.label.clone(),
                |settled| settled.label_beside(period.days),
            ),
            against: period.compared_label.clone(),
            amounts: figures
                .iter()
                .map(|figure| (figure.settled, figure.before))
                .collect(),
        };
        TableColumn::money("amount", cells)
    }

    /// Adds a table, unless it has no rows.
    fn table(&mut self, title: String, columns: Vec<TableColumn>, has_sum: bool) {
        let table = Table {
            title,
            columns,
            has_sum,
        };
        if !table.is_empty() {
            self.blocks.push(Block::Table(table));
        }
    }
}
