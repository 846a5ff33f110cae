//! Renders a cost report as a terminal page.

use std::fmt::{self, Write as _};

use console::Style;

use super::Top;
use crate::escape;
use crate::page::{TOP_ROWS, TextPage, TextStyle, counted, middle, plain, thousands};
use crate::table::{self, TableColumn};
use trailtab_core::cost::money::{change, words};
use trailtab_core::cost::period::{DayRange, in_a_row, label_of};
use trailtab_core::cost::report::{
    AccountName, AccountPart, AudienceKind, ChargeRow, CostReport, Mover, ReportPart, ReportRange,
    ReportRow, RowFigure, percent,
};

/// Longest label of compared days that is used as a column title.
const MAX_COLUMN_TITLE_CHARS: usize = 16;

/// Longest currency shown; valid ones have three letters.
const MAX_CURRENCY_WIDTH: usize = 5;

/// Renders a report.
pub fn page(report: &CostReport, look: TextStyle) -> String {
    let mut page = TextPage::new(look);
    // Writing to a String cannot fail.
    let _ = page.cost(report);
    page.out
}

impl TextPage {
    fn cost(&mut self, report: &CostReport) -> fmt::Result {
        let title = middle(&safe(&title(report)), self.look.width);
        let title = self.bold(&title);
        writeln!(self.out, "{title}")?;
        self.paragraph(&standing(report), 0, &Style::new().dim())?;
        writeln!(self.out)?;
        for sentence in report.sentences() {
            self.paragraph(&safe(&sentence), 0, &Style::new())?;
        }
        for part in &report.parts {
            // A single currency needs no heading: each amount shows it.
            if report.parts.len() > 1 {
                self.cost_heading(&format!("In {}", part.currency))?;
            }
            self.cost_part(report, part)?;
        }
        self.cost_idle(report)?;
        self.cost_end(report)
    }

    fn cost_heading(&mut self, heading: &str) -> fmt::Result {
        let heading = middle(&safe(heading), self.look.width);
        let heading = self.bold(&heading);
        writeln!(self.out, "\n{heading}")
    }

    fn cost_part(&mut self, report: &CostReport, part: &ReportPart) -> fmt::Result {
        let tables = CurrencyTables {
            currency: &middle(&safe(&part.currency), MAX_CURRENCY_WIDTH),
            compared: compared(&report.period),
        };
        self.cost_heading("Total")?;
        self.table(tables.total(&report.period, &part.total))?;
        if !part.movers.is_empty() {
            self.cost_heading("Largest changes")?;
            self.table(tables.movers(&part.movers))?;
        }
        // An individual's only charge type is usage.
        if report.audience.kind != AudienceKind::Individual {
            self.cost_charges(&tables, "Charges", &part.charges)?;
        }
        let executive = report.audience.kind == AudienceKind::Executive;
        if executive || part.accounts.len() > 1 {
            let accounts = part.accounts.iter().map(|account| account.row.clone());
            let accounts: Vec<ReportRow> = accounts.collect();
            self.cost_rows(&tables, "Accounts", "account", &accounts, accounts.len())?;
            let all = "All accounts: usage by";
            self.cost_rows(
                &tables,
                &format!("{all} owner"),
                "owner",
                &part.owners,
                TOP_ROWS,
            )?;
            let services = format!("{all} service");
            self.cost_rows(&tables, &services, "service", &part.services, TOP_ROWS)?;
        }
        if !executive {
            for account in &part.accounts {
                self.cost_account(&tables, account, part.accounts.len() > 1)?;
            }
        }
        Ok(())
    }

    fn cost_account(
        &mut self,
        tables: &CurrencyTables<'_>,
        account: &AccountPart,
        charges: bool,
    ) -> fmt::Result {
        let name = &account.row.label.name;
        if charges && account.charges.len() > 1 {
            self.cost_charges(tables, &format!("{name}: charges"), &account.charges)?;
        }
        let heading = format!("{name}: usage by owner");
        self.cost_rows(tables, &heading, "owner", &account.owners, TOP_ROWS)?;
        let heading = format!("{name}: usage by service");
        self.cost_rows(tables, &heading, "service", &account.services, TOP_ROWS)
    }

    fn cost_charges(
        &mut self,
        tables: &CurrencyTables<'_>,
        heading: &str,
        charges: &[ChargeRow],
    ) -> fmt::Result {
        let rows: Vec<ReportRow> = charges.iter().map(|charge| charge.row.clone()).collect();
        self.cost_rows(tables, heading, "charge", &rows, rows.len())
    }

    fn cost_rows(
        &mut self,
        tables: &CurrencyTables<'_>,
        heading: &str,
        what: &str,
        rows: &[ReportRow],
        most: usize,
    ) -> fmt::Result {
        if rows.is_empty() {
            return Ok(());
        }
        self.cost_heading(heading)?;
        self.table(tables.rows(what, &Top::of(rows, most)))
    }

    /// Lists a manager's accounts without activity.
    fn cost_idle(&mut self, report: &CostReport) -> fmt::Result {
        if report.audience.kind != AudienceKind::Manager || report.parts.is_empty() {
            return Ok(());
        }
        let parts = report.parts.iter();
        let active = parts.flat_map(|part| {
            part.accounts
                .iter()
                .filter_map(|part| part.account.as_ref())
        });
        let active: Vec<&str> = active.map(|account| account.id.as_str()).collect();
        let accounts = report.audience.accounts.iter();
        let idle = accounts.filter(|account| !active.contains(&account.id.as_str()));
        let name = |account: &AccountName| middle(&safe(&account.label()), self.look.width);
        let idle: Vec<String> = idle.map(name).collect();
        if idle.is_empty() {
            return Ok(());
        }
        writeln!(self.out)?;
        let line = format!("No activity in {}", idle.join(", "));
        self.paragraph(&line, 0, &Style::new())
    }

    fn cost_end(&mut self, report: &CostReport) -> fmt::Result {
        if !report.restatements.is_empty() {
            self.cost_heading("Changed since it was mailed")?;
            for restated in &report.restatements {
                self.paragraph(&safe(&restated.sentence), 2, &Style::new())?;
            }
        }
        let problems = &report.basis.problems;
        if !problems.is_empty() {
            let line = format!(
                "Incomplete, for {}:",
                counted(problems.len() as u64, "reason")
            );
            let line = self.style(Style::new().red().bold(), &line);
            writeln!(self.out, "\n{line}")?;
            for problem in problems {
                self.paragraph(&safe(problem), 2, &Style::new().red())?;
            }
        }
        self.cost_heading("Notes")?;
        let rounded = "Amounts are rounded to cents here; CSV and JSON have all digits.";
        let own = [
            owners(report),
            Some(rounded.to_owned()),
            Some(price(report)),
        ];
        let notes = report.basis.notes.iter().cloned();
        for note in notes.chain(own.into_iter().flatten()) {
            self.paragraph(&safe(&note), 2, &Style::new().dim())?;
        }
        Ok(())
    }
}

fn safe(text: &str) -> String {
    escape::terminal(text).into_owned()
}

fn title(report: &CostReport) -> String {
    let (audience, days) = (&report.audience, &report.period.label);
    let accounts = audience.accounts.as_slice();
    let whose = match (audience.kind, accounts) {
        (AudienceKind::Executive, _) => "Cost of all accounts".to_owned(),
        (AudienceKind::Individual, _) => {
            let owner = audience.owner.as_ref();
            let owner = owner.map_or("an unknown owner", |owner| owner.name.as_str());
            format!("Usage of {owner}")
        }
        (AudienceKind::Manager, [account]) => format!("Cost of {}", account.label()),
        (AudienceKind::Manager, _) => {
            format!("Cost of {}", counted(accounts.len() as u64, "account"))
        }
    };
    format!("{whose}, {days}")
}

/// The metric, the last day with data, and the days still estimated.
fn standing(report: &CostReport) -> String {
    let period = &report.period;
    let mut out = match period.data_through {
        Some(day) => format!("{}, data through {}", report.metric.name(), label_of(day)),
        None => format!("{}, no data", report.metric.name()),
    };
    if !period.estimated.is_empty() {
        let rows = in_a_row(&period.estimated).into_iter();
        let rows: Vec<String> = rows.map(|days| days.label_beside(period.days)).collect();
        out += &format!("; Cost Explorer still estimates {}", rows.join(", "));
    }
    out
}

fn owners(report: &CostReport) -> Option<String> {
    let keys: Vec<String> = report.owner_keys.iter().map(ToString::to_string).collect();
    (!keys.is_empty()).then(|| format!("Owners come from {}.", keys.join(", ")))
}

fn price(report: &CostReport) -> String {
    let basis = &report.basis;
    let requests = counted(basis.requests, "request");
    let usd = words(basis.requests_usd, "USD");
    let as_of = basis.as_of.as_deref();
    let as_of = as_of.map(|time| format!("As of {} UTC. ", plain(time)));
    format!(
        "{}This run: {requests} to Cost Explorer, {usd}.",
        as_of.unwrap_or_default()
    )
}

/// The column title of the compared period.
fn compared(period: &ReportRange) -> Option<&str> {
    let label = period.compared_label.as_deref()?;
    match label.chars().count() > MAX_COLUMN_TITLE_CHARS {
        true => Some("before"),
        false => Some(label),
    }
}

/// Builds the tables of one currency.
struct CurrencyTables<'r> {
    currency: &'r str,
    /// The column title of the compared period, if there is one.
    compared: Option<&'r str>,
}

impl CurrencyTables<'_> {
    /// The table of the total: the period, the compared period, the last day and the day before.
    fn total(&self, period: &ReportRange, total: &RowFigure) -> Vec<TableColumn> {
        let Some(shown) = period.days.known(period.data_through) else {
            return Vec::new();
        };
        let mut rows = vec![(shown.label(), total.amount, None)];
        if let (Some(label), Some(before)) = (&period.compared_label, total.before) {
            rows.push((label.clone(), before, total.change()));
        }
        let one = |day| {
            let (from, through) = (day, day);
            let label = DayRange { from, through }.label_beside(shown);
            let estimated = period.estimated.contains(&day);
            format!("{label}{}", if estimated { " (estimated)" } else { "" })
        };
        rows.push((one(shown.through), total.last_day, None));
        if let (Ok(day), Some(amount)) = (shown.through.yesterday(), total.day_before) {
            let change = total.last_day.saturating_sub(amount);
            rows.push((one(day), amount, Some(change)));
        }
        let amounts = rows
            .iter()
            .map(|(_, amount, _)| words(*amount, self.currency));
        let changes = rows.iter().map(|(_, _, more)| {
            let more = more.map(|more| change(more, self.currency));
            more.unwrap_or_default()
        });
        let labels = rows.iter().map(|(label, _, _)| label.clone());
        vec![
            TableColumn::new("days", table::ColumnKind::Name, labels),
            TableColumn::new("amount", table::ColumnKind::Number, amounts),
            TableColumn::new("change since", table::ColumnKind::Number, changes),
        ]
    }

    /// A table of the top rows, the sum of the others, and the total.
    fn rows(&self, what: &str, top: &Top<'_>) -> Vec<TableColumn> {
        let rows = top.rows.iter();
        let mut names: Vec<String> = rows.map(|row| safe(&row.label.name)).collect();
        let mut figures: Vec<RowFigure> = top.rows.iter().map(|row| row.figure).collect();
        if top.others > 0 {
            names.push(format!("(others: {})", thousands(top.others as u64)));
            figures.push(top.rest);
        }
        if names.len() > 1 {
            names.push("(total)".to_owned());
            figures.push(top.whole);
        }
        let names = TableColumn::new(what, table::ColumnKind::Name, names);
        std::iter::once(names)
            .chain(self.figures(&figures))
            .collect()
    }

    fn movers(&self, movers: &[Mover]) -> Vec<TableColumn> {
        let names = movers.iter().map(|mover| safe(&mover.label.name));
        let mut columns = vec![TableColumn::new("what", table::ColumnKind::Name, names)];
        if movers.iter().any(|mover| mover.account.is_some()) {
            let accounts = movers.iter().map(|mover| {
                let account = mover.account.as_ref();
                account.map_or("all".to_owned(), |account| safe(&account.name))
            });
            columns.push(TableColumn::new(
                "account",
                table::ColumnKind::Name,
                accounts,
            ));
        }
        let figures: Vec<RowFigure> = movers.iter().map(|mover| mover.figure).collect();
        columns.extend(self.figures(&figures));
        columns
    }

    /// The columns of figures. If names do not fit, columns are dropped in this order: last day, percentage, compared
    /// amount, change.
    fn figures(&self, figures: &[RowFigure]) -> impl Iterator<Item = TableColumn> {
        let column = |title: &str, cell: &dyn Fn(&RowFigure) -> String| {
            TableColumn::new(title, table::ColumnKind::Number, figures.iter().map(cell))
        };
        let amount = |amount| words(amount, self.currency);
        let mut columns = vec![column("amount", &|figure| amount(figure.amount))];
        if let Some(compared) = self.compared {
            let before = column(compared, &|figure| {
                figure.before.map(amount).unwrap_or_default()
            });
            columns.push(before.dispensable(2));
            let more = column("change", &|figure| {
                let more = figure.change();
                more.map(|more| change(more, self.currency))
                    .unwrap_or_default()
            });
            columns.push(more.dispensable(0));
            if figures.iter().any(|figure| share(figure).is_some()) {
                let share = column("", &|figure| share(figure).unwrap_or_default());
                columns.push(share.dispensable(3));
            }
        }
        let last_day = column("last day", &|figure| amount(figure.last_day));
        columns.push(last_day.dispensable(4));
        columns.into_iter()
    }
}

/// The change in percent, if there is a change.
fn share(figure: &RowFigure) -> Option<String> {
    let change = figure.change().filter(|change| !change.is_zero())?;
    let percent = percent(change, figure.before?)?;
    let sign = if change.is_sign_negative() { "-" } else { "+" };
    Some(match percent.strip_prefix(['<', '>']) {
        Some(rest) => format!("{}{sign}{rest}", &percent[..1]),
        None => format!("{sign}{percent}"),
    })
}
