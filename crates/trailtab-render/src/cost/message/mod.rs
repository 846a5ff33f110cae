//! Renders a report as a message to a channel: Slack, Microsoft Teams, or JSON for any other receiver.
//!
//! Text from settings or bills must never become markup, a mention or a link. What is too long loses rows, never the
//! form of its JSON.

mod slack;
mod teams;
#[cfg(test)]
mod tests;
mod webhook;

use rust_decimal::Decimal;
use serde_json::Value;

use super::layout::{month_name, shown};
use super::letter::{LetterOccasion, accounts};
use super::{Top, remarks, tidy, unusual_lines};
use crate::escape;
use crate::json;
use crate::page::middle;
use trailtab_core::cost::channel::ChannelKind;
use trailtab_core::cost::money;
use trailtab_core::cost::period;
use trailtab_core::cost::report::{
    AccountPart, AudienceKind, CostReport, Mover, ReportPart, ReportRow, percent,
};

/// Maximum length of a title, in characters. Slack takes 150.
const MAX_TITLE_CHARS: usize = 140;

/// Maximum length of a row's name, in characters.
const MAX_NAME_CHARS: usize = 60;

/// Maximum number of currencies with figures and tables.
const MAX_PARTS: usize = 2;

/// Maximum number of sentences.
const MAX_SENTENCES: usize = 16;

/// Maximum number of restatements and problems together.
const MAX_WARNINGS: usize = 4;

/// Maximum number of notes.
const MAX_NOTES: usize = 3;

/// How much a message may hold.
#[derive(Debug, Clone, Copy)]
struct MessageLimits {
    /// Rows of a table of accounts, owners or services.
    rows: usize,
    /// Rows of the largest changes.
    movers: usize,
    /// Characters of a sentence, a warning or a note.
    chars: usize,
}

/// Limits to try, from the most to the least content. The last one fits everywhere.
const LIMITS: [MessageLimits; 5] = [
    limits(8, 5, 500),
    limits(5, 5, 400),
    limits(3, 3, 300),
    limits(1, 1, 150),
    limits(0, 0, 60),
];

const fn limits(rows: usize, movers: usize, chars: usize) -> MessageLimits {
    MessageLimits {
        rows,
        movers,
        chars,
    }
}

/// What a message says, in plain text that is escaped by its writer. Text is free of control characters.
#[derive(Debug)]
struct MessageContent {
    title: String,
    sentences: Vec<String>,
    /// Names of our own, and amounts.
    figures: Vec<(String, String)>,
    tables: Vec<MessageTable>,
    /// Amounts that changed since they were reported, and what is missing.
    warnings: Vec<String>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct MessageTable {
    heading: String,
    rows: Vec<MessageRow>,
}

#[derive(Debug)]
struct MessageRow {
    name: String,
    /// The amount, and how it changed: `$12.00 (+$3.00)`.
    amount: String,
}

/// Renders a report as the JSON of a channel's message.
///
/// # Errors
///
/// Never in practice: strings and amounts always serialize.
pub fn message(
    report: &CostReport,
    kind: ChannelKind,
    channel: &str,
    occasion: LetterOccasion,
) -> serde_json::Result<Vec<u8>> {
    let fitting = |write: fn(&MessageContent) -> Value, fits: fn(&Value) -> bool| {
        let report = &tidy(report);
        let all = LIMITS.map(|limits| write(&content(report, occasion, limits)));
        let (last, larger) = (all.len() - 1, all.iter());
        let fitting = larger.take(last).find(|message| fits(message));
        serde_json::to_vec(fitting.unwrap_or(&all[last]))
    };
    match kind {
        ChannelKind::Slack => fitting(slack::message, slack::fits),
        ChannelKind::Teams => fitting(teams::message, teams::fits),
        ChannelKind::Webhook => {
            let title = title(report, occasion);
            json::ascii(&webhook::WebhookMessage::of(
                report,
                channel,
                &title,
                occasion == LetterOccasion::Correction,
            ))
        }
    }
}

/// Renders a message without a report, which shows an operator that messages arrive.
///
/// # Errors
///
/// Never in practice, like [`message`].
pub fn test_message(kind: ChannelKind, channel: &str, words: &str) -> serde_json::Result<Vec<u8>> {
    let content = MessageContent {
        title: "Test message of trailtab".to_owned(),
        sentences: vec![clean(words, 500)],
        figures: Vec::new(),
        tables: Vec::new(),
        warnings: Vec::new(),
        notes: Vec::new(),
    };
    match kind {
        ChannelKind::Slack => serde_json::to_vec(&slack::message(&content)),
        ChannelKind::Teams => serde_json::to_vec(&teams::message(&content)),
        ChannelKind::Webhook => {
            json::ascii(&webhook::WebhookTest::of(channel, &content.title, words))
        }
    }
}

/// Escapes control characters and those that reorder or hide text, and truncates.
fn clean(text: &str, most: usize) -> String {
    middle(&escape::terminal(text), most)
}

fn title(report: &CostReport, occasion: LetterOccasion) -> String {
    let about = match (report.audience.kind, &report.audience.owner) {
        (AudienceKind::Individual, Some(owner)) => format!("usage of {}", clean(&owner.name, 60)),
        _ => format!("cost of {}", clean(&accounts(report), 90)),
    };
    let occasion = occasion.prefix();
    let title = format!("{occasion}AWS {about}, {}", shown(report));
    clean(&title, MAX_TITLE_CHARS)
}

fn content(report: &CostReport, occasion: LetterOccasion, limits: MessageLimits) -> MessageContent {
    let parts = report.parts.iter().take(MAX_PARTS);
    let is_single = report.parts.len() == 1;
    let mut notes = vec![format!(
        "{} of Cost Explorer, trailtab {}",
        report.metric.name(),
        report.basis.version
    )];
    if report.parts.len() > MAX_PARTS {
        let others = report.parts.len() - MAX_PARTS;
        notes.push(format!("{others} other currencies are not shown"));
    }
    notes.extend(report.basis.notes.iter().cloned());
    let restatements = report.restatements.iter().map(|it| it.sentence.as_str());
    let problems = report.basis.problems.iter().map(String::as_str);
    let shown = |text: &str| clean(text, limits.chars);
    let mut sentences = report.sentences();
    for part in report.parts.iter().take(MAX_PARTS) {
        sentences.extend(remarks(report, part, usize::MAX));
        sentences.extend(part.unusual.iter().flat_map(unusual_lines));
        let commitments = part.commitments.iter();
        sentences.extend(commitments.map(|known| known.sentence.clone()));
    }
    MessageContent {
        title: title(report, occasion),
        sentences: first(sentences.iter().map(String::as_str), MAX_SENTENCES, shown),
        figures: parts
            .clone()
            .flat_map(|part| figures(report, part, is_single))
            .collect(),
        tables: parts
            .flat_map(|part| tables(report, part, is_single, limits))
            .collect(),
        warnings: first(restatements.chain(problems), MAX_WARNINGS, shown),
        notes: first(notes.iter().map(String::as_str), MAX_NOTES, shown),
    }
}

/// The first texts, and a line with the number of others.
fn first<'t>(
    texts: impl Iterator<Item = &'t str>,
    most: usize,
    shown: impl Fn(&str) -> String,
) -> Vec<String> {
    let texts: Vec<&str> = texts.collect();
    let others = texts.len().saturating_sub(most);
    let shown = texts.iter().take(most).map(|text| shown(text));
    let more = (others > 0).then(|| format!("and {others} more"));
    shown.chain(more).collect()
}

/// The total, what it is compared with, and the last day.
fn figures(report: &CostReport, part: &ReportPart, is_single: bool) -> Vec<(String, String)> {
    let amount = |amount: Decimal| money::words(amount, &part.currency);
    let named = |name: &str| match is_single {
        true => name.to_owned(),
        false => format!("{name}, {}", part.currency),
    };
    let usage = &part.usage;
    let mut figures = vec![(named("Usage"), amount(usage.settled))];
    if let (Some(before), Some(change), Some(days)) =
        (usage.before, usage.change(), &report.period.compared_label)
    {
        let percent = percent(change, before).map(|percent| format!(" ({percent})"));
        let change = money::change(change, &part.currency);
        figures.push((named(days), amount(before)));
        figures.push((
            named("Change"),
            format!("{change}{}", percent.unwrap_or_default()),
        ));
    }
    if let Some((day, last_day)) = report.period.settled_through.zip(usage.last_day) {
        figures.push((named(&period::label_of(day)), amount(last_day)));
    }
    figures
}

/// The largest changes; accounts, owners and services with the largest amounts; the months before.
fn tables(
    report: &CostReport,
    part: &ReportPart,
    is_single: bool,
    limits: MessageLimits,
) -> Vec<MessageTable> {
    let heading = |name: &str| match is_single {
        true => name.to_owned(),
        false => format!("{name}, {}", part.currency),
    };
    let moved = |mover: &Mover| {
        let account = mover.account.as_ref();
        let place = account.map(|account| format!(" in {}", clean(&account.name, 40)));
        let change = mover.figure.change().unwrap_or_default();
        MessageRow {
            name: clean(&mover.label.name, MAX_NAME_CHARS) + &place.unwrap_or_default(),
            amount: money::change(change, &part.currency),
        }
    };
    // One list is enough for a message: the one that shows most closely where usage moved.
    let movers = &part.movers;
    let lists = [&movers.accounts, &movers.services, &movers.owners];
    let largest = lists.into_iter().find(|list| !list.is_empty());
    let largest = largest.into_iter().flatten().take(limits.movers);
    let mut tables = vec![MessageTable {
        heading: heading("Largest changes"),
        rows: largest.map(moved).collect(),
    }];
    let accounts = part.accounts.iter().filter_map(AccountPart::usage);
    let accounts: Vec<ReportRow> = accounts.collect();
    // The usage of a single account is that of the report.
    let accounts = match report.audience.accounts.len() {
        1 => &[],
        _ => &accounts[..],
    };
    for (name, rows) in [
        ("Accounts", accounts),
        ("Owners", &part.owners[..]),
        ("Services", &part.services[..]),
    ] {
        tables.push(MessageTable {
            heading: heading(name),
            rows: table(rows, &part.currency, limits.rows),
        });
    }
    // The newest ones, in order.
    let hidden = part.trend.len().saturating_sub(limits.rows);
    let months = part.trend.iter().skip(hidden).map(|month| MessageRow {
        name: month_name(month),
        amount: money::words(month.total, &part.currency),
    });
    tables.push(MessageTable {
        heading: heading("The bill of the months before"),
        rows: months.collect(),
    });
    tables.retain(|table| !table.rows.is_empty());
    tables
}

fn table(rows: &[ReportRow], currency: &str, most: usize) -> Vec<MessageRow> {
    if most == 0 {
        return Vec::new();
    }
    let top = Top::of(rows, most);
    let row = |name: String, amount: Decimal, change: Option<Decimal>| {
        let change = change.filter(|change| !money::cents(*change).is_zero());
        let change = change.map(|change| format!(" ({})", money::change(change, currency)));
        MessageRow {
            name,
            amount: money::words(amount, currency) + &change.unwrap_or_default(),
        }
    };
    let shown = top.rows.iter().map(|it| {
        let name = clean(&it.label.name, MAX_NAME_CHARS);
        row(name, it.figure.settled, it.figure.change())
    });
    let others = (top.others > 0).then(|| {
        let name = format!("{} others", top.others);
        row(name, top.rest.settled, top.rest.change())
    });
    shown.chain(others).collect()
}
