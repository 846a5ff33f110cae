//! Composes the content of a mail, from which HTML and plain text are made, so that both say the same.

use super::Top;
use super::charts::{ChartSubject, PlacedChart};
use super::figures::{self, ShownAmount};
use crate::escape;
use trailtab_core::cost::charge::{ChargeType, CostMetric};
use trailtab_core::cost::money;
use trailtab_core::cost::period::{DayRange, in_a_row, label_of};
use trailtab_core::cost::report::{
    AccountName, AccountPart, AudienceKind, ChargeRow, CostReport, ReportPart, ReportRow, RowFigure,
};
use trailtab_core::cost::wording::MailWording;

/// Name of the table by account. Its rows include all charge types; the other tables written by `rows` are of usage.
const BY_ACCOUNT: &str = "By account";

/// How much of a report a mail shows; the attached CSV has all of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyLimits {
    /// Rows per table.
    pub(super) rows: usize,
    /// Accounts with tables of their own.
    pub(super) accounts: usize,
}

/// The content of a mail, in order.
pub(super) struct MailBody {
    pub(super) title: String,
    /// The period, shown below the title.
    pub(super) period: String,
    /// Preview text that mail programs show beside the subject.
    pub(super) preview: String,
    pub(super) blocks: Vec<MailBlock>,
    /// Basis of the figures, in small type.
    pub(super) footer: Vec<String>,
}

pub(super) enum MailBlock {
    /// Greeting, sentence or closing.
    Paragraph(String),
    /// A highlighted box.
    Notice {
        title: &'static str,
        lines: Vec<String>,
    },
    /// Heading of a currency or an account.
    Heading(String),
    /// The total of a currency or an account.
    Total {
        amount: String,
        lines: Vec<String>,
    },
    Table(BodyTable),
    /// Index of a picture.
    Picture(usize),
    /// A note in small type.
    Remark(String),
}

pub(super) struct BodyTable {
    /// What its rows are, such as `By owner`.
    pub(super) name: String,
    pub(super) period: BodyColumn,
    pub(super) day: BodyColumn,
    pub(super) lines: Vec<BodyLine>,
}

/// The heading of a column, and what its changes are compared against.
#[derive(Debug, Clone, Default)]
pub(super) struct BodyColumn {
    pub(super) name: String,
    pub(super) against: Option<String>,
}

pub(super) struct BodyLine {
    pub(super) name: String,
    /// The account, in small type.
    pub(super) place: Option<String>,
    pub(super) period: ShownAmount,
    pub(super) day: ShownAmount,
    pub(super) is_sum: bool,
}

/// Composes a mail within `limits`.
pub(super) fn body(
    report: &CostReport,
    wording: &MailWording,
    is_correction: bool,
    pictures: &[PlacedChart],
    limits: BodyLimits,
) -> MailBody {
    let mut writer = BodyWriter {
        report,
        pictures,
        limits,
        columns: columns(report),
        blocks: Vec::new(),
    };
    writer.top(wording, is_correction);
    for (at, part) in report.parts.iter().enumerate() {
        writer.part(at, part);
    }
    if let Some(closing) = &wording.closing {
        writer.blocks.push(MailBlock::Paragraph(closing.clone()));
    }
    MailBody {
        title: title(report),
        period: shown(report),
        preview: sentences(report).join(" "),
        blocks: writer.blocks,
        footer: footer(report),
    }
}

/// The title: whose cost the mail is about.
fn title(report: &CostReport) -> String {
    let audience = &report.audience;
    match (audience.kind, &audience.accounts[..], &audience.owner) {
        (AudienceKind::Individual, _, Some(owner)) => format!("AWS cost of {}", owner.name),
        (AudienceKind::Individual, _, None) => "AWS cost".to_owned(),
        (_, [account], _) => format!("AWS cost of {}", account.label()),
        (_, accounts, _) => format!("AWS cost of {} accounts", accounts.len()),
    }
}

/// Label of the days with data, which the figures cover.
pub(super) fn shown(report: &CostReport) -> String {
    let period = &report.period;
    let known = period.days.known(period.data_through);
    known.map_or_else(|| period.label.clone(), DayRange::label)
}

/// The report's sentences. Names in them are escaped, so that they cannot add lines.
fn sentences(report: &CostReport) -> Vec<String> {
    let sentences = report.sentences().into_iter();
    sentences
        .map(|words| escape::terminal(&words).into_owned())
        .collect()
}

/// The headings of the columns of the period and of its last day.
fn columns(report: &CostReport) -> (BodyColumn, BodyColumn) {
    let period = &report.period;
    let known = period.days.known(period.data_through);
    let beside = |day| {
        let day = DayRange {
            from: day,
            through: day,
        };
        day.label_beside(period.days)
    };
    let against = |label: &String| format!("vs {label}");
    let day = known.map(|days| BodyColumn {
        name: beside(days.through),
        against: days
            .through
            .yesterday()
            .ok()
            .filter(|day| days.contains(*day))
            .map(|day| format!("vs {}", beside(day))),
    });
    let period = BodyColumn {
        name: known.map_or_else(
            || period.label.clone(),
            |days| days.label_beside(period.days),
        ),
        against: period.compared_label.as_ref().map(against),
    };
    (period, day.unwrap_or_default())
}

struct BodyWriter<'r> {
    report: &'r CostReport,
    pictures: &'r [PlacedChart],
    limits: BodyLimits,
    columns: (BodyColumn, BodyColumn),
    blocks: Vec<MailBlock>,
}

impl BodyWriter<'_> {
    /// Notices, greeting and sentences, before any table.
    fn top(&mut self, wording: &MailWording, is_correction: bool) {
        let mut notice = |title, lines: Vec<String>| {
            if !lines.is_empty() {
                self.blocks.push(MailBlock::Notice { title, lines });
            }
        };
        if is_correction {
            let line = "It replaces the earlier mail about the same days.";
            notice("This is a correction", vec![line.to_owned()]);
        }
        notice(
            "Something is missing or uncertain",
            listed(&self.report.basis.problems),
        );
        let greeting = wording.greeting.clone();
        let paragraphs = greeting.into_iter().chain(sentences(self.report));
        self.blocks.extend(paragraphs.map(MailBlock::Paragraph));
        self.blocks.extend(data(self.report).map(MailBlock::Remark));
        let restated = self.report.restatements.iter();
        let restated: Vec<String> = restated.map(|restated| restated.sentence.clone()).collect();
        if !restated.is_empty() {
            let title = "Changed since it was mailed";
            let lines = listed(&restated);
            self.blocks.push(MailBlock::Notice { title, lines });
        }
    }

    /// The part of one currency.
    fn part(&mut self, at: usize, part: &ReportPart) {
        if 1 < self.report.parts.len() {
            self.blocks
                .push(MailBlock::Heading(format!("In {}", part.currency)));
        }
        self.total(&part.total, &part.currency);
        self.movers(part);
        self.charges(&part.charges, &part.total, &part.currency);
        match self.report.audience.kind {
            AudienceKind::Manager => self.manager(at, part),
            AudienceKind::Individual => self.individual(at, part),
            AudienceKind::Executive => self.executive(at, part),
        }
    }

    fn manager(&mut self, at: usize, part: &ReportPart) {
        let several = 1 < part.accounts.len();
        if several {
            self.accounts(part);
            self.picture(at, None, ChartSubject::Owners);
            self.rows("By owner, all accounts", &part.owners, &part.currency);
            self.picture(at, None, ChartSubject::Services);
            self.rows("By service, all accounts", &part.services, &part.currency);
        }
        self.picture(at, None, ChartSubject::RunningTotal);
        for (place, account) in part.accounts.iter().enumerate().take(self.limits.accounts) {
            self.account(at, place, account, &part.currency);
        }
        self.left_out(part.accounts.len());
    }

    fn individual(&mut self, at: usize, part: &ReportPart) {
        self.picture(at, None, ChartSubject::Services);
        self.rows("By service", &part.services, &part.currency);
        self.accounts(part);
        self.picture(at, None, ChartSubject::Accounts);
        self.picture(at, None, ChartSubject::RunningTotal);
        if part.accounts.len() < 2 {
            return;
        }
        for (place, account) in part.accounts.iter().enumerate().take(self.limits.accounts) {
            self.account(at, place, account, &part.currency);
        }
        self.left_out(part.accounts.len());
    }

    fn executive(&mut self, at: usize, part: &ReportPart) {
        self.picture(at, None, ChartSubject::Accounts);
        self.accounts(part);
        self.picture(at, None, ChartSubject::RunningTotal);
        self.picture(at, None, ChartSubject::Services);
        self.rows("By service", &part.services, &part.currency);
        self.picture(at, None, ChartSubject::Owners);
        self.rows("By owner", &part.owners, &part.currency);
    }

    /// The owners and services of one account.
    fn account(&mut self, at: usize, place: usize, account: &AccountPart, currency: &str) {
        let of = account.account.as_ref();
        let name = of.map_or_else(|| account.row.label.name.clone(), AccountName::label);
        self.blocks.push(MailBlock::Heading(name));
        // The total and charges of a single account are those of the part.
        if 1 < self
            .report
            .parts
            .get(at)
            .map_or(0, |part| part.accounts.len())
        {
            self.total(&account.row.figure, currency);
            self.charges(&account.charges, &account.row.figure, currency);
        }
        self.picture(at, Some(place), ChartSubject::Owners);
        self.rows("By owner", &account.owners, currency);
        self.picture(at, Some(place), ChartSubject::Services);
        self.rows("By service", &account.services, currency);
    }

    fn total(&mut self, figure: &RowFigure, currency: &str) {
        let period = figures::of_period(figure, currency);
        let day = figures::of_day(figure, currency);
        let (columns, last) = (&self.columns.0, &self.columns.1);
        let mut lines = Vec::new();
        if let (Some(change), Some(against), Some(before)) =
            (&period.change, &columns.against, figure.before)
        {
            let before = money::words(before, currency);
            lines.push(format!("{} {against} ({before})", change.sentence()));
        }
        if !last.name.is_empty() {
            let change = day.change.iter().zip(&last.against);
            let change =
                change.map(|(change, against)| format!(", {} {against}", change.sentence()));
            let change: String = change.collect();
            lines.push(format!("{}: {}{change}", last.name, day.text));
        }
        let amount = period.text;
        self.blocks.push(MailBlock::Total { amount, lines });
    }

    fn movers(&mut self, part: &ReportPart) {
        let movers = part.movers.iter().take(self.limits.rows.min(6));
        let line = |mover: &trailtab_core::cost::report::Mover| BodyLine {
            place: mover
                .account
                .as_ref()
                .map(|account| format!("in {}", account.label())),
            ..self.line(&mover.label.name, &mover.figure, &part.currency)
        };
        let lines = movers.map(line).collect();
        self.table("Largest changes", lines);
    }

    /// The table of charge types, unless usage is the only one.
    fn charges(&mut self, charges: &[ChargeRow], whole: &RowFigure, currency: &str) {
        if matches!(
            charges,
            [] | [ChargeRow {
                charge: ChargeType::Usage,
                ..
            }]
        ) {
            return;
        }
        let rows = charges.iter().map(|charge| &charge.row);
        let line = |row: &ReportRow| self.line(&row.label.name, &row.figure, currency);
        let mut lines: Vec<BodyLine> = rows.map(line).collect();
        lines.push(self.sum("Total", whole, currency));
        self.table("By charge type", lines);
    }

    fn accounts(&mut self, part: &ReportPart) {
        let accounts = part.accounts.iter();
        let named = |account: &AccountPart| {
            let mut row = account.row.clone();
            if let Some(account) = &account.account {
                row.label.name = account.label();
            }
            row
        };
        let rows: Vec<ReportRow> = accounts.map(named).collect();
        self.rows(BY_ACCOUNT, &rows, &part.currency);
    }

    /// The largest rows, the sum of the others, and the sum of all, so that the table adds up.
    fn rows(&mut self, name: &str, rows: &[ReportRow], currency: &str) {
        if rows.is_empty() {
            return;
        }
        // A single surplus row takes no more room than the line "1 other".
        let room = match rows.len() <= self.limits.rows + 1 {
            true => rows.len(),
            false => self.limits.rows,
        };
        let top = Top::of(rows, room);
        let line = |row: &ReportRow| self.line(&row.label.name, &row.figure, currency);
        let mut lines: Vec<BodyLine> = top.rows.iter().map(line).collect();
        if top.others != 0 {
            let name = format!("({} others)", top.others);
            lines.push(self.line(&name, &top.rest, currency));
        }
        if 1 < rows.len() {
            let what = match name {
                BY_ACCOUNT => "Total",
                _ => "Usage",
            };
            lines.push(self.sum(what, &top.whole, currency));
        }
        self.table(name, lines);
    }

    fn line(&self, name: &str, figure: &RowFigure, currency: &str) -> BodyLine {
        BodyLine {
            name: name.to_owned(),
            place: None,
            period: figures::of_period(figure, currency),
            day: figures::of_day(figure, currency),
            is_sum: false,
        }
    }

    fn sum(&self, name: &str, figure: &RowFigure, currency: &str) -> BodyLine {
        BodyLine {
            is_sum: true,
            ..self.line(name, figure, currency)
        }
    }

    fn table(&mut self, name: &str, lines: Vec<BodyLine>) {
        if !lines.is_empty() {
            let (period, day) = self.columns.clone();
            let name = name.to_owned();
            let table = BodyTable {
                name,
                period,
                day,
                lines,
            };
            self.blocks.push(MailBlock::Table(table));
        }
    }

    fn picture(&mut self, part: usize, account: Option<usize>, about: ChartSubject) {
        let place = (part, account, about);
        let at = self
            .pictures
            .iter()
            .position(|picture| picture.place == place);
        self.blocks.extend(at.map(MailBlock::Picture));
    }

    fn left_out(&mut self, accounts: usize) {
        let more = accounts.saturating_sub(self.limits.accounts);
        if more != 0 {
            self.blocks.push(MailBlock::Remark(format!(
                "The owners and services of {more} more accounts do not fit here; the attached CSV has them."
            )));
        }
    }
}

/// Limits a list and counts what is left out.
fn listed(lines: &[String]) -> Vec<String> {
    const MOST: usize = 8;
    let mut shown: Vec<String> = lines.iter().take(MOST).cloned().collect();
    if MOST < lines.len() {
        shown.push(format!("and {} more", lines.len() - MOST));
    }
    shown
}

/// The last day with data, and the days still estimated.
fn data(report: &CostReport) -> Option<String> {
    let period = &report.period;
    let through = period.data_through?;
    let mut text = format!("Data through {} (UTC).", label_of(through));
    let estimated = in_a_row(&period.estimated);
    let days: Vec<String> = estimated
        .iter()
        .map(|days| days.label_beside(period.days))
        .collect();
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

/// The basis of the figures.
fn footer(report: &CostReport) -> Vec<String> {
    let basis = &report.basis;
    let mut lines = listed(&basis.notes);
    lines.push(format!(
        "Metric: {}, {}.",
        report.metric.name(),
        meaning(report.metric)
    ));
    lines.push(match report.audience.kind {
        AudienceKind::Individual => {
            "This is the usage with the owner's name. Credits, refunds, tax and support have no owner and are not included."
        }
        AudienceKind::Manager | AudienceKind::Executive => {
            "Totals and accounts hold all charge types. Owners and services hold usage alone: credits, refunds, tax and support are rows of their own."
        }
    }.to_owned());
    if !report.owner_keys.is_empty() {
        let keys: Vec<String> = report.owner_keys.iter().map(ToString::to_string).collect();
        lines.push(format!("Owners come from {}.", keys.join(", ")));
    }
    lines.push(
        "Each amount is rounded to cents; the attached CSV has all rows and all digits.".to_owned(),
    );
    let as_of = basis
        .as_of
        .as_ref()
        .map(|time| format!(" from answers of {time}"));
    let requests = match basis.requests {
        0 => "no paid requests".to_owned(),
        1 => "1 paid request".to_owned(),
        requests => format!("{requests} paid requests"),
    };
    lines.push(format!(
        "Made by trailtab {} at {}{}. The run made {requests} to Cost Explorer ({}).",
        basis.version,
        basis.run_time,
        as_of.unwrap_or_default(),
        money::words(basis.requests_usd, "USD"),
    ));
    lines.push(
        "You get this mail because your address is in the settings of trailtab. To stop it, unsubscribe in your mail program or tell the person who runs trailtab for you.".to_owned(),
    );
    lines
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
