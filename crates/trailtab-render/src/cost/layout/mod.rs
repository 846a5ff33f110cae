//! Lays a report out as a document. This alone decides which sections a page and a letter have, in which order, and
//! what a section is called.

mod months;
mod notes;
mod tables;

pub(super) use self::months::month_name;
use self::tables::TableSubject;
use super::charts::{ChartPlace, ChartSubject};
use super::letter::LetterOccasion;
use super::{remarks, unusual_lines};
use crate::document::{Block, Document, KeyFigure, KeyFigures, Notice, PictureRef};
use crate::page::{TOP_ROWS, counted};
use jiff::civil::Date;
use trailtab_core::cost::period::{DayRange, label_of};
use trailtab_core::cost::report::{
    AccountName, AccountPart, AudienceKind, CostReport, CutScope, ReportPart, ReportRow, RowFigure,
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
        occasion: LetterOccasion,
        /// Whether a CSV is attached.
        has_table: bool,
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
    /// Budgets, accounts without usage, problems, notes and restated amounts: of each so many.
    pub(super) lines: usize,
}

/// Limits of a page.
const PAGE: ReportLimits = ReportLimits {
    rows: TOP_ROWS,
    movers: usize::MAX,
    accounts: usize::MAX,
    lines: usize::MAX,
};

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
        self.blocks.extend(sentences.map(sentence));
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
        self.total(part);
        self.movers(part);
        if several || kind == AudienceKind::Executive {
            let mut accounts = account_rows(self.report, part);
            accounts.sort_by_key(|row| std::cmp::Reverse(row.figure.settled));
            self.rows(TableSubject::Account, None, &accounts, currency);
            // A manager has charts of each account.
            if kind != AudienceKind::Manager {
                self.picture(at, None, ChartSubject::Accounts);
            }
            // An individual is the only owner.
            if kind != AudienceKind::Individual {
                self.rows(TableSubject::Owner, None, &part.owners, currency);
                self.picture(at, None, ChartSubject::Owners);
            }
            self.rows(TableSubject::Service, None, &part.services, currency);
            self.picture(at, None, ChartSubject::Services);
        }
        for by in &part.by {
            self.rows(
                TableSubject::Dimension(by.dimension),
                None,
                &by.rows,
                currency,
            );
        }
        self.picture(at, None, ChartSubject::RunningTotal);
        self.charges(None, &part.bill, &part.charges, currency);
        let commitments = part.commitments.as_ref();
        self.blocks
            .extend(commitments.map(|it| sentence(it.sentence.clone())));
        self.months(part);
        // An executive has one page for all accounts.
        if kind != AudienceKind::Executive {
            let accounts = part.accounts.iter().enumerate();
            for (place, account) in accounts.take(self.limits.accounts) {
                // The owners of a single account are those of the part, which have estimates.
                let owners = match several {
                    true => &account.owners,
                    false => &part.owners,
                };
                self.account((at, place), account, owners, several, currency);
            }
            self.left_out(part.accounts.len());
        }
    }

    /// The owners and services of one account. The total and charges of a single account are those of the part.
    fn account(
        &mut self,
        (at, place): (usize, usize),
        account: &AccountPart,
        owners: &[ReportRow],
        is_one_of_several: bool,
        currency: &str,
    ) {
        let name = named(account);
        if let ReportForm::Letter { .. } = self.form {
            self.heading(name.clone());
            if let Some(usage) = account.usage().filter(|_| is_one_of_several) {
                self.figures(&usage.figure, currency, Vec::new());
            }
        }
        let of = Some(name.as_str());
        self.rows(TableSubject::Owner, of, owners, currency);
        self.picture(at, Some(place), ChartSubject::Owners);
        self.rows(TableSubject::Service, of, &account.services, currency);
        self.picture(at, Some(place), ChartSubject::Services);
        if is_one_of_several {
            self.charges(of, &account.bill, &account.charges, currency);
        }
    }

    /// What comes after all figures.
    fn closing(&mut self) {
        self.blocks.extend(idle(self.report, self.limits.lines));
        if let ReportForm::Letter { wording, .. } = self.form {
            self.blocks
                .extend(wording.closing.as_deref().map(paragraph));
        }
    }

    fn heading(&mut self, name: String) {
        self.blocks.push(Block::Heading(name));
    }

    /// Usage of the settled days, what the other days will bring, and what is unusual.
    fn total(&mut self, part: &ReportPart) {
        let remarks = remarks(self.report, part, self.limits.lines);
        match self.report.period.settled() {
            Some(_) => self.figures(&part.usage, &part.currency, remarks),
            // Without a settled day there is no figure to begin with.
            None => self.blocks.extend(remarks.into_iter().map(sentence)),
        }
        let unusual = part.unusual.as_ref().map(unusual_lines);
        self.blocks.extend(unusual.map(Block::Paragraph));
    }

    fn figures(&mut self, usage: &RowFigure, currency: &str, remarks: Vec<String>) {
        let period = &self.report.period;
        let Some(settled) = period.settled() else {
            return;
        };
        let mut figures = vec![KeyFigure {
            days: settled.label(),
            amount: usage.settled,
            before: period.compared_label.clone().zip(usage.before),
        }];
        if let (Some(last_day), 2..) = (usage.last_day, settled.len()) {
            let day_before = settled.through.yesterday().ok();
            let day_before = day_before.map(|day| one_day(day, period.days));
            figures.push(KeyFigure {
                days: one_day(settled.through, period.days),
                amount: last_day,
                before: day_before.zip(usage.day_before),
            });
        }
        self.blocks.push(Block::Figures(KeyFigures {
            title: "Usage".to_owned(),
            currency: currency.to_owned(),
            figures,
            remarks,
        }));
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
            let place = match self.has_table() {
                true => "; the attached CSV has them",
                false => "",
            };
            self.blocks.push(Block::Remark(format!(
                "The owners and services of {more} more accounts do not fit here{place}."
            )));
        }
    }

    fn has_table(&self) -> bool {
        matches!(
            self.form,
            ReportForm::Letter {
                has_table: true,
                ..
            }
        )
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
                accounts => format!("AWS cost of {}", some_names(accounts)),
            },
        }
    }

    /// On a page the metric and the last day with data; in a letter, whose title has none, the period.
    fn subtitle(&self) -> String {
        let period = &self.report.period;
        let mut out = match self.form {
            ReportForm::Letter { .. } => return shown(self.report),
            ReportForm::Page => self.report.metric.name().to_owned(),
        };
        match (period.settled_through, period.data_through) {
            (_, None) => out += ", no data",
            (Some(day), _) => out += &format!(", settled through {}", label_of(day)),
            (None, Some(day)) => out += &format!(", data through {}", label_of(day)),
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
                title: format!(
                    "Incomplete, for {}:",
                    counted(problems.len() as u64, "reason")
                ),
                // The operator mends them; the notes of a mail say what is left out.
                lines: match self.form {
                    ReportForm::Page => self.listed(problems),
                    ReportForm::Letter { .. } => Vec::new(),
                },
                is_fault: true,
            },
        ];
        notices.retain(|notice| !notice.lines.is_empty());
        if let ReportForm::Letter {
            occasion: LetterOccasion::Correction,
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
}

fn sentence(words: String) -> Block {
    Block::Paragraph(vec![words])
}

/// A text of the settings, which may have several lines.
fn paragraph(words: &str) -> Block {
    Block::Paragraph(words.lines().map(str::to_owned).collect())
}

/// Label of the settled days, which the figures cover; of all days of the period if none is settled.
pub(super) fn shown(report: &CostReport) -> String {
    let period = &report.period;
    let settled = period.settled();
    settled.map_or_else(|| period.label.clone(), DayRange::label)
}

/// Label of a day beside a period.
fn one_day(day: Date, period: DayRange) -> String {
    let (from, through) = (day, day);
    DayRange { from, through }.label_beside(period)
}

/// The rows of accounts: their usage, or all charges where usage is not separate.
pub(super) fn account_rows(report: &CostReport, part: &ReportPart) -> Vec<ReportRow> {
    let accounts = part.accounts.iter();
    match report.basis.cut_scope {
        CutScope::Usage => accounts.filter_map(AccountPart::usage).collect(),
        CutScope::AllCharges => accounts.map(|account| account.row.clone()).collect(),
    }
}

/// The name of an account with its ID.
fn named(account: &AccountPart) -> String {
    let label = account.account.as_ref().map(AccountName::label);
    label.unwrap_or_else(|| account.row.label.name.clone())
}

/// Up to three names of accounts, and the number of the others.
fn some_names(accounts: &[AccountName]) -> String {
    let names = accounts.iter().take(3);
    let names: Vec<&str> = names.map(|account| account.name.as_str()).collect();
    match accounts.len() - names.len() {
        0 if names.is_empty() => "no accounts".to_owned(),
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// Names at most so many of a manager's accounts without activity, and counts the others.
fn idle(report: &CostReport, most: usize) -> Option<Block> {
    if report.audience.kind != AudienceKind::Manager || report.parts.is_empty() {
        return None;
    }
    let parts = report.parts.iter().flat_map(|part| &part.accounts);
    let active = parts.filter_map(|part| part.account.as_ref());
    let active: Vec<&str> = active.map(|account| account.id.as_str()).collect();
    let accounts = report.audience.accounts.iter();
    let idle = accounts.filter(|account| !active.contains(&account.id.as_str()));
    let mut names: Vec<String> = idle.map(AccountName::label).collect();
    let others = names.len().saturating_sub(most);
    names.truncate(most);
    let names = names.join(", ");
    let text = match others {
        0 if names.is_empty() => return None,
        0 => format!("No usage in {names}"),
        others => format!("No usage in {names} and {others} more"),
    };
    Some(sentence(text))
}
