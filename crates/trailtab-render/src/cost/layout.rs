//! Lays a report out as a document. This alone decides which sections a page and a letter have, in which order, and
//! what a section is called.

use super::Top;
use super::charts::{ChartPlace, ChartSubject};
use crate::document::{
    Block, ColumnKind, Document, KeyFigure, KeyFigures, MoneyCells, Notice, PictureRef, Table,
    TableColumn,
};
use crate::page::{TOP_ROWS, counted, plain};
use jiff::civil::Date;
use trailtab_core::cost::charge::{ChargeType, CostMetric};
use trailtab_core::cost::money;
use trailtab_core::cost::period::{DayRange, in_a_row, label_of};
use trailtab_core::cost::report::{
    AccountName, AccountPart, AudienceKind, ChargeRow, CostReport, CutScope, ReportPart, ReportRow,
    RowFigure,
};
use trailtab_core::cost::wording::MailWording;

/// The form of a report.
#[derive(Debug, Clone, Copy)]
pub(super) enum ReportForm<'w> {
    /// A page on a terminal, which scrolls.
    Page,
    /// A mail, beside a CSV that has everything.
    Letter {
        wording: &'w MailWording,
        is_correction: bool,
        limits: ReportLimits,
    },
}

/// How much of a report is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReportLimits {
    /// Rows per table.
    pub(super) rows: usize,
    /// Largest changes.
    pub(super) movers: usize,
    /// Accounts with tables of their own.
    pub(super) accounts: usize,
    /// Problems, notes and restated amounts.
    pub(super) lines: usize,
}

/// Limits of a page.
const PAGE: ReportLimits = ReportLimits {
    rows: TOP_ROWS,
    movers: usize::MAX,
    accounts: usize::MAX,
    lines: usize::MAX,
};

/// What the rows of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TableSubject {
    Charge,
    Account,
    Owner,
    Service,
}

/// Lays a report out. `picture` returns the chart of a place, if there is one.
pub(super) fn document(
    report: &CostReport,
    form: ReportForm<'_>,
    picture: &mut dyn FnMut(ChartPlace) -> Option<PictureRef>,
) -> Document {
    let mut layout = ReportLayout {
        report,
        form,
        limits: match form {
            ReportForm::Page => PAGE,
            ReportForm::Letter { limits, .. } => limits,
        },
        picture,
        blocks: Vec::new(),
    };
    layout.opening();
    for (at, part) in report.parts.iter().enumerate() {
        layout.part(at, part);
    }
    layout.closing();
    Document {
        title: layout.title(),
        subtitle: layout.subtitle(),
        preview: report.sentences().join(" "),
        notices: layout.notices(),
        notes: layout.notes(),
        blocks: layout.blocks,
    }
}

struct ReportLayout<'r> {
    report: &'r CostReport,
    form: ReportForm<'r>,
    limits: ReportLimits,
    picture: &'r mut dyn FnMut(ChartPlace) -> Option<PictureRef>,
    blocks: Vec<Block>,
}

impl ReportLayout<'_> {
    /// What comes before all figures.
    fn opening(&mut self) {
        if let ReportForm::Letter { wording, .. } = self.form {
            self.blocks
                .extend(wording.greeting.as_deref().map(paragraph));
        }
        let sentences = self.report.sentences().into_iter();
        self.blocks
            .extend(sentences.map(|sentence| Block::Paragraph(vec![sentence])));
        if let ReportForm::Letter { .. } = self.form {
            self.blocks.extend(data(self.report).map(Block::Remark));
        }
    }

    /// The costs of one currency.
    fn part(&mut self, at: usize, part: &ReportPart) {
        let kind = self.report.audience.kind;
        let currency = &part.currency;
        let several = 1 < part.accounts.len();
        // A single currency needs no heading: each amount shows it.
        if 1 < self.report.parts.len() {
            self.heading(format!("In {currency}"));
        }
        self.total(&part.total, currency);
        self.movers(part);
        self.charges(None, &part.charges, currency);
        if several || kind == AudienceKind::Executive {
            // A manager has charts of each account.
            if kind != AudienceKind::Manager {
                self.picture(at, None, ChartSubject::Accounts);
            }
            let accounts: Vec<ReportRow> = part.accounts.iter().map(named).collect();
            self.rows(TableSubject::Account, None, &accounts, currency);
            // An individual is the only owner.
            if kind != AudienceKind::Individual {
                self.picture(at, None, ChartSubject::Owners);
                self.rows(TableSubject::Owner, None, &part.owners, currency);
            }
            self.picture(at, None, ChartSubject::Services);
            self.rows(TableSubject::Service, None, &part.services, currency);
        }
        self.picture(at, None, ChartSubject::RunningTotal);
        // An executive has one page for all accounts.
        if kind != AudienceKind::Executive {
            let accounts = part.accounts.iter().enumerate();
            for (place, account) in accounts.take(self.limits.accounts) {
                self.account((at, place), account, several, currency);
            }
            self.left_out(part.accounts.len());
        }
    }

    /// The owners and services of one account. The total and charges of a single account are those of the part.
    fn account(
        &mut self,
        (at, place): (usize, usize),
        account: &AccountPart,
        is_one_of_several: bool,
        currency: &str,
    ) {
        let name = named(account).label.name;
        if let ReportForm::Letter { .. } = self.form {
            self.heading(name.clone());
            if is_one_of_several {
                self.total(&account.row.figure, currency);
            }
        }
        let of = Some(name.as_str());
        if is_one_of_several {
            self.charges(of, &account.charges, currency);
        }
        self.picture(at, Some(place), ChartSubject::Owners);
        self.rows(TableSubject::Owner, of, &account.owners, currency);
        self.picture(at, Some(place), ChartSubject::Services);
        self.rows(TableSubject::Service, of, &account.services, currency);
    }

    /// What comes after all figures.
    fn closing(&mut self) {
        self.blocks.extend(idle(self.report));
        if let ReportForm::Letter { wording, .. } = self.form {
            self.blocks
                .extend(wording.closing.as_deref().map(paragraph));
        }
    }

    fn heading(&mut self, name: String) {
        self.blocks.push(Block::Heading(name));
    }

    fn total(&mut self, figure: &RowFigure, currency: &str) {
        let period = &self.report.period;
        let known = period.days.known(period.data_through);
        let against = period.compared_label.clone().zip(figure.before);
        let mut figures = vec![KeyFigure {
            days: shown(self.report),
            amount: figure.amount,
            before: against,
        }];
        if let Some((known, last_day)) = known.zip(figure.last_day) {
            let one = |day| match period.estimated.contains(&day) {
                true => format!("{} (estimated)", one_day(day, period.days)),
                false => one_day(day, period.days),
            };
            let day_before = known.through.yesterday().ok().map(one);
            figures.push(KeyFigure {
                days: one(known.through),
                amount: last_day,
                before: day_before.zip(figure.day_before),
            });
        }
        self.blocks.push(Block::Figures(KeyFigures {
            title: "Total".to_owned(),
            currency: currency.to_owned(),
            figures,
        }));
    }

    fn movers(&mut self, part: &ReportPart) {
        let movers = &part.movers[..part.movers.len().min(self.limits.movers)];
        let place = |account: &Option<AccountName>| match (self.form, account) {
            (ReportForm::Page, Some(account)) => account.name.clone(),
            (ReportForm::Page, None) => "all".to_owned(),
            (ReportForm::Letter { .. }, Some(account)) => format!("in {}", account.label()),
            (ReportForm::Letter { .. }, None) => String::new(),
        };
        let names = movers.iter().map(|mover| mover.label.name.clone());
        let mut columns = vec![TableColumn::new("what", ColumnKind::Name, names)];
        if movers.iter().any(|mover| mover.account.is_some()) {
            let places = movers.iter().map(|mover| place(&mover.account));
            columns.push(TableColumn::new("account", ColumnKind::Place, places));
        }
        let figures: Vec<RowFigure> = movers.iter().map(|mover| mover.figure).collect();
        columns.extend(self.amounts(&figures, &part.currency));
        self.table("Largest changes".to_owned(), columns, false);
    }

    /// The table of charge types, unless usage is the only one.
    fn charges(&mut self, of: Option<&str>, charges: &[ChargeRow], currency: &str) {
        if let [only] = charges
            && only.charge == ChargeType::Usage
        {
            return;
        }
        let rows: Vec<ReportRow> = charges.iter().map(|charge| charge.row.clone()).collect();
        self.rows(TableSubject::Charge, of, &rows, currency);
    }

    /// A table of the largest rows, the sum of the others, and the sum of all, so that it adds up; of all accounts, or
    /// of one.
    fn rows(&mut self, by: TableSubject, of: Option<&str>, rows: &[ReportRow], currency: &str) {
        let most = match (by, self.form) {
            (TableSubject::Charge, _) | (TableSubject::Account, ReportForm::Page) => usize::MAX,
            _ => self.limits.rows,
        };
        // A single surplus row takes no more room than the line "1 other".
        let top = Top::of(
            rows,
            if rows.len() <= most.saturating_add(1) {
                rows.len()
            } else {
                most
            },
        );
        let names = top.rows.iter().map(|row| row.label.name.clone());
        let mut names: Vec<String> = names.collect();
        let mut figures: Vec<RowFigure> = top.rows.iter().map(|row| row.figure).collect();
        if top.others != 0 {
            names.push(format!("({} others)", top.others));
            figures.push(top.rest);
        }
        let has_sum = 1 < rows.len();
        if has_sum {
            names.push(self.sum_name(by).to_owned());
            figures.push(top.whole);
        }
        let mut columns = vec![TableColumn::new(by.noun(), ColumnKind::Name, names)];
        columns.extend(self.amounts(&figures, currency));
        self.table(self.table_title(by, of), columns, has_sum);
    }

    fn table_title(&self, by: TableSubject, of: Option<&str>) -> String {
        let noun = by.noun();
        match (self.form, by, of) {
            (ReportForm::Page, TableSubject::Charge, None) => "Charges".to_owned(),
            (ReportForm::Page, TableSubject::Charge, Some(of)) => format!("{of}: charges"),
            (ReportForm::Page, TableSubject::Account, _) => "Accounts".to_owned(),
            (ReportForm::Page, _, None) => format!("All accounts: {} by {noun}", self.cut_name()),
            (ReportForm::Page, _, Some(of)) => format!("{of}: {} by {noun}", self.cut_name()),
            (ReportForm::Letter { .. }, TableSubject::Charge, _) => "By charge type".to_owned(),
            (ReportForm::Letter { .. }, TableSubject::Account, _) => "By account".to_owned(),
            (ReportForm::Letter { .. }, _, None) => format!("By {noun}, all accounts"),
            // The heading names the account.
            (ReportForm::Letter { .. }, _, Some(_)) => format!("By {noun}"),
        }
    }

    /// What owners and services are a list of.
    fn cut_name(&self) -> &'static str {
        match self.report.basis.cut_scope {
            CutScope::Usage => "usage",
            CutScope::AllCharges => "all charges",
        }
    }

    fn sum_name(&self, by: TableSubject) -> &'static str {
        match (self.form, by) {
            (ReportForm::Page, _) => "(total)",
            (ReportForm::Letter { .. }, TableSubject::Charge | TableSubject::Account) => "Total",
            (ReportForm::Letter { .. }, TableSubject::Owner | TableSubject::Service) => {
                match self.report.basis.cut_scope {
                    CutScope::Usage => "Usage",
                    CutScope::AllCharges => "Total",
                }
            }
        }
    }

    /// The columns of the period and, if amounts are known by day, of its last day.
    fn amounts(&self, figures: &[RowFigure], currency: &str) -> Vec<TableColumn> {
        let period = &self.report.period;
        let known = period.days.known(period.data_through);
        let of_period = MoneyCells {
            currency: currency.to_owned(),
            days: known.map_or_else(
                || period.label.clone(),
                |known| known.label_beside(period.days),
            ),
            against: period.compared_label.clone(),
            amounts: figures
                .iter()
                .map(|figure| (figure.amount, figure.before))
                .collect(),
        };
        let last = known.map(|known| known.through);
        let before = known.and_then(|known| {
            let before = known.through.yesterday().ok();
            before.filter(|before| known.contains(*before))
        });
        let one_day = |day| one_day(day, period.days);
        let of_last_day = MoneyCells {
            currency: currency.to_owned(),
            days: last.map(one_day).unwrap_or_default(),
            against: before.map(one_day),
            amounts: figures
                .iter()
                .map(|figure| (figure.last_day.unwrap_or_default(), figure.day_before))
                .collect(),
        };
        let mut columns = vec![TableColumn::money("amount", of_period)];
        if figures.iter().any(|figure| figure.last_day.is_some()) {
            columns.push(TableColumn::money("last day", of_last_day).dispensable(4));
        }
        columns
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

    fn picture(&mut self, part: usize, account: Option<usize>, subject: ChartSubject) {
        let picture = (self.picture)(ChartPlace {
            part,
            account,
            subject,
        });
        self.blocks.extend(picture.map(Block::Picture));
    }

    fn left_out(&mut self, accounts: usize) {
        let more = accounts.saturating_sub(self.limits.accounts);
        if more != 0 {
            self.blocks.push(Block::Remark(format!(
                "The owners and services of {more} more accounts do not fit here; the attached CSV has them."
            )));
        }
    }

    /// Whose cost the report is about.
    fn title(&self) -> String {
        let audience = &self.report.audience;
        let owner = audience.owner.as_ref().map(|owner| owner.name.as_str());
        let accounts = counted(audience.accounts.len() as u64, "account");
        match (self.form, audience.kind) {
            (ReportForm::Page, AudienceKind::Individual) => {
                let owner = owner.unwrap_or("an unknown owner");
                format!("Usage of {owner}, {}", self.report.period.label)
            }
            (ReportForm::Page, kind) => {
                let whose = match (kind, &audience.accounts[..]) {
                    (AudienceKind::Executive, _) => "all accounts".to_owned(),
                    (_, [account]) => account.label(),
                    _ => accounts,
                };
                format!("Cost of {whose}, {}", self.report.period.label)
            }
            (ReportForm::Letter { .. }, AudienceKind::Individual) => match owner {
                Some(owner) => format!("AWS cost of {owner}"),
                None => "AWS cost".to_owned(),
            },
            (ReportForm::Letter { .. }, _) => match &audience.accounts[..] {
                [account] => format!("AWS cost of {}", account.label()),
                _ => format!("AWS cost of {accounts}"),
            },
        }
    }

    /// On a page the metric, the last day with data, and the days still estimated; in a letter, whose title has none,
    /// the period.
    fn subtitle(&self) -> String {
        let ReportForm::Page = self.form else {
            return shown(self.report);
        };
        let period = &self.report.period;
        let mut out = match period.data_through {
            Some(day) => format!(
                "{}, data through {}",
                self.report.metric.name(),
                label_of(day)
            ),
            None => format!("{}, no data", self.report.metric.name()),
        };
        if !period.estimated.is_empty() {
            let estimated = estimated(self.report).join(", ");
            out += &format!("; Cost Explorer still estimates {estimated}");
        }
        out
    }

    fn notices(&self) -> Vec<Notice> {
        let restated = self.report.restatements.iter();
        let restated: Vec<String> = restated.map(|restated| restated.sentence.clone()).collect();
        let problems = &self.report.basis.problems;
        let mut notices = vec![
            Notice {
                title: "Changed since it was mailed".to_owned(),
                lines: self.listed(&restated),
                is_fault: false,
            },
            Notice {
                title: match self.form {
                    ReportForm::Page => {
                        let reasons = counted(problems.len() as u64, "reason");
                        format!("Incomplete, for {reasons}:")
                    }
                    ReportForm::Letter { .. } => "Something is missing or uncertain".to_owned(),
                },
                lines: self.listed(problems),
                is_fault: true,
            },
        ];
        notices.retain(|notice| !notice.lines.is_empty());
        if let ReportForm::Letter {
            is_correction: true,
            ..
        } = self.form
        {
            let line = "It replaces the earlier mail about the same days.";
            notices.insert(
                0,
                Notice {
                    title: "This is a correction".to_owned(),
                    lines: vec![line.to_owned()],
                    is_fault: false,
                },
            );
        }
        notices
    }

    /// Limits a list and counts what is left out.
    fn listed(&self, lines: &[String]) -> Vec<String> {
        let most = self.limits.lines;
        let mut listed: Vec<String> = lines.iter().take(most).cloned().collect();
        if most < lines.len() {
            listed.push(format!("and {} more", lines.len() - most));
        }
        listed
    }

    /// The basis of the figures.
    fn notes(&self) -> Vec<String> {
        let (report, basis) = (self.report, &self.report.basis);
        let mut notes = self.listed(&basis.notes);
        let keys: Vec<String> = report.owner_keys.iter().map(ToString::to_string).collect();
        let owners = (!keys.is_empty()).then(|| format!("Owners come from {}.", keys.join(", ")));
        let price = money::words(basis.requests_usd, "USD");
        if let ReportForm::Page = self.form {
            notes.extend(owners);
            notes.push(
                "Amounts are rounded to cents here; CSV and JSON have all digits.".to_owned(),
            );
            let as_of = basis.as_of.as_deref();
            let as_of = as_of.map(|time| format!("As of {} UTC. ", plain(time)));
            notes.push(format!(
                "{}This run: {} to Cost Explorer, {price}.",
                as_of.unwrap_or_default(),
                counted(basis.requests, "request"),
            ));
            return notes;
        }
        let metric = report.metric;
        notes.push(format!("Metric: {}, {}.", metric.name(), meaning(metric)));
        notes.push(match (report.audience.kind, basis.cut_scope) {
            (_, CutScope::AllCharges) => {
                "Totals, accounts, owners and services hold all charge types, credits and tax included."
            }
            (AudienceKind::Individual, _) => {
                "This is the usage with the owner's name. Credits, refunds, tax and support have no owner and are not included."
            }
            (AudienceKind::Manager | AudienceKind::Executive, _) => {
                "Totals and accounts hold all charge types. Owners and services hold usage alone: credits, refunds, tax and support are rows of their own."
            }
        }.to_owned());
        notes.extend(owners);
        notes.push(
            "Each amount is rounded to cents; the attached CSV has all rows and all digits."
                .to_owned(),
        );
        let as_of = basis
            .as_of
            .as_ref()
            .map(|time| format!(" from answers of {time}"));
        let requests = match basis.requests {
            0 => "no paid requests".to_owned(),
            requests => counted(requests, "paid request"),
        };
        notes.push(format!(
            "Made by trailtab {} at {}{}. The run made {requests} to Cost Explorer ({price}).",
            basis.version,
            basis.run_time,
            as_of.unwrap_or_default(),
        ));
        notes.push(
            "You get this mail because your address is in the settings of trailtab. To stop it, unsubscribe in your mail program or tell the person who runs trailtab for you.".to_owned(),
        );
        notes
    }
}

impl TableSubject {
    fn noun(self) -> &'static str {
        match self {
            TableSubject::Charge => "charge",
            TableSubject::Account => "account",
            TableSubject::Owner => "owner",
            TableSubject::Service => "service",
        }
    }
}

/// A text of the settings, which may have several lines.
fn paragraph(words: &str) -> Block {
    Block::Paragraph(words.lines().map(str::to_owned).collect())
}

/// Label of the days with data, which the figures cover.
pub(super) fn shown(report: &CostReport) -> String {
    let period = &report.period;
    let known = period.days.known(period.data_through);
    known.map_or_else(|| period.label.clone(), DayRange::label)
}

/// Label of a day beside a period.
fn one_day(day: Date, period: DayRange) -> String {
    let (from, through) = (day, day);
    DayRange { from, through }.label_beside(period)
}

/// Labels of the days that are still estimated.
fn estimated(report: &CostReport) -> Vec<String> {
    let days = in_a_row(&report.period.estimated).into_iter();
    days.map(|days| days.label_beside(report.period.days))
        .collect()
}

/// The row of an account, with its name and ID.
fn named(account: &AccountPart) -> ReportRow {
    let mut row = account.row.clone();
    if let Some(account) = &account.account {
        row.label.name = account.label();
    }
    row
}

/// Names a manager's accounts without activity.
fn idle(report: &CostReport) -> Option<Block> {
    if report.audience.kind != AudienceKind::Manager || report.parts.is_empty() {
        return None;
    }
    let parts = report.parts.iter().flat_map(|part| &part.accounts);
    let active = parts.filter_map(|part| part.account.as_ref());
    let active: Vec<&str> = active.map(|account| account.id.as_str()).collect();
    let accounts = report.audience.accounts.iter();
    let idle = accounts.filter(|account| !active.contains(&account.id.as_str()));
    let idle: Vec<String> = idle.map(AccountName::label).collect();
    (!idle.is_empty())
        .then(|| Block::Paragraph(vec![format!("No activity in {}", idle.join(", "))]))
}

/// The last day with data, and the days still estimated.
fn data(report: &CostReport) -> Option<String> {
    let period = &report.period;
    let through = period.data_through?;
    let mut text = format!("Data through {} (UTC).", label_of(through));
    let days = estimated(report);
    let known = period.days.known(period.data_through)?;
    match &days[..] {
        [] => {}
        _ if known.iter().all(|day| period.estimated.contains(&day)) => {
            text += " Cost Explorer still estimates all of it.";
        }
        [.., _] if 4 < days.len() => {
            text += &format!(
                " Cost Explorer still estimates {} days.",
                period.estimated.len()
            );
        }
        _ => text += &format!(" Cost Explorer still estimates {}.", days.join(", ")),
    }
    Some(text)
}

fn meaning(metric: CostMetric) -> &'static str {
    match metric {
        CostMetric::UnblendedCost => "what is charged on each day",
        CostMetric::AmortizedCost => "fees of commitments spread over the days that they cover",
        CostMetric::NetUnblendedCost => "what is charged on each day, after discounts",
        CostMetric::NetAmortizedCost => {
            "fees spread over the days that they cover, after discounts"
        }
        CostMetric::BlendedCost => "rates averaged over the organisation",
    }
}
