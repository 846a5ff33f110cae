//! What one audience gets to see: the JSON contract, described in docs/cost.md.
//!
//! A report holds everything that its table, mail and charts show, and nothing of anybody else's.
//! In each part the charges add up to the total, and both the owners and the services add up to what is
//! usage of it.

mod build;
mod movers;
#[cfg(test)]
pub(crate) mod sample;
mod sight;
mod sums;
#[cfg(test)]
pub(crate) mod tests;
mod words;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;

use super::charge::{Charge, Metric};
use super::money::{exact, exact_each, exact_if_known};
use super::period::Days;

pub(crate) use self::build::{Question, report};
pub(crate) use self::sight::total_of;
pub(crate) use self::words::percent;

/// Grows when a field changes its meaning or goes away.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// What kind of reader a report is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Some accounts, each with what its owners and services cost.
    Manager,
    /// What one owner used, in all accounts.
    Individual,
    /// All accounts on one page.
    Executive,
}

/// An account and the name that people know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct Account {
    /// Twelve digits.
    pub(crate) id: String,
    /// The name in Organizations or Cost Explorer; the id if neither tells one.
    pub(crate) name: String,
}

impl Account {
    /// The name with the id, or the id alone: `Production (111122223333)`.
    pub(crate) fn label(&self) -> String {
        match self.name == self.id {
            true => self.id.clone(),
            false => format!("{} ({})", self.name, self.id),
        }
    }
}

/// Whom a report is for: decided before anything is computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Audience {
    pub(crate) kind: Kind,
    /// The accounts it may see; empty for an individual, who sees what is theirs in any.
    pub(crate) accounts: Vec<Account>,
    /// The owner an individual is, as a label.
    pub(crate) owner: Option<Label>,
}

/// What a row is about. Two rows with the same name and another kind are not the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct Label {
    pub(crate) kind: LabelKind,
    /// What people read: a tag's value, a service, an account or a charge. Labels of ours are in
    /// parentheses, and a tag's value that looks like one is in quotes.
    pub(crate) name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LabelKind {
    Owner,
    /// Owners that are EC2 instances, taken together.
    Instances,
    /// Without an owner.
    Untagged,
    Service,
    Account,
    Charge,
    /// What Cost Explorer gives a total for and no owner, service or account: mostly what changed between two of its answers.
    Unassigned,
}

/// An amount, and what it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Figure {
    /// Of the period, as far as there is data.
    #[serde(serialize_with = "exact")]
    pub(crate) amount: Decimal,
    /// Of the days compared with; null if nothing is compared.
    #[serde(serialize_with = "exact_if_known")]
    pub(crate) before: Option<Decimal>,
    /// Of the last day with data.
    #[serde(serialize_with = "exact")]
    pub(crate) last_day: Decimal,
    /// Of the day before that one; null if it is not in the period.
    #[serde(serialize_with = "exact_if_known")]
    pub(crate) day_before: Option<Decimal>,
}

impl Figure {
    /// How much more it is than in the days compared with.
    pub(crate) fn change(&self) -> Option<Decimal> {
        self.before.map(|before| self.amount.saturating_sub(before))
    }
}

/// A line of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    pub(crate) label: Label,
    #[serde(flatten)]
    pub(crate) figure: Figure,
    /// Day by day from the first of the period to the last with data.
    #[serde(serialize_with = "exact_each")]
    pub(crate) daily: Vec<Decimal>,
}

/// A charge type's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ChargeRow {
    pub(crate) charge: Charge,
    #[serde(flatten)]
    pub(crate) row: Row,
}

/// What one account cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct AccountPart {
    /// `None` for what Cost Explorer assigns to no account.
    pub(crate) account: Option<Account>,
    /// Label and figures of all charges together.
    #[serde(flatten)]
    pub(crate) row: Row,
    /// All charge types that are not zero; their sum is the account's.
    pub(crate) charges: Vec<ChargeRow>,
    /// Usage by owner, largest first; empty for an executive, and for an individual.
    pub(crate) owners: Vec<Row>,
    /// Usage by service, largest first; empty for an executive.
    pub(crate) services: Vec<Row>,
}

/// Something whose cost changed much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Mover {
    /// An owner, a service, or an account.
    pub(crate) label: Label,
    /// In which account, if the report tells accounts apart.
    pub(crate) account: Option<Account>,
    #[serde(flatten)]
    pub(crate) figure: Figure,
}

/// All in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Part {
    /// Such as `USD`.
    pub(crate) currency: String,
    /// What happened, in a sentence or two.
    pub(crate) sentence: String,
    pub(crate) total: Figure,
    /// The total, day by day.
    #[serde(serialize_with = "exact_each")]
    pub(crate) daily: Vec<Decimal>,
    /// The total of the days compared with and of those after them to the end of their month, if there are any.
    #[serde(serialize_with = "exact_each")]
    pub(crate) daily_before: Vec<Decimal>,
    /// All charge types that are not zero; their sum is the total.
    pub(crate) charges: Vec<ChargeRow>,
    /// Usage by owner over all accounts, largest first.
    pub(crate) owners: Vec<Row>,
    /// Usage by service over all accounts, largest first.
    pub(crate) services: Vec<Row>,
    /// Accounts with their parts, largest first.
    pub(crate) accounts: Vec<AccountPart>,
    /// Largest change first.
    pub(crate) movers: Vec<Mover>,
}

/// What a period is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PeriodKind {
    MonthToDate,
    LastMonth,
    Range,
}

/// Which days a report is about. UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Period {
    pub(crate) kind: PeriodKind,
    pub(crate) days: Days,
    /// What people read: `1–20 November 2026`.
    pub(crate) label: String,
    /// The last day with data; null if there is none at all.
    pub(crate) data_through: Option<Date>,
    /// Days that Cost Explorer still estimates.
    pub(crate) estimated: Vec<Date>,
    /// The days compared with: as many as have data, at the same place of the month.
    pub(crate) compared: Option<Days>,
    /// What people read: `1–20 October`.
    pub(crate) compared_label: Option<String>,
}

/// An amount that was mailed, and is not true any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Restatement {
    /// The day it was mailed on.
    pub(crate) mailed: Date,
    /// The days it was about.
    pub(crate) days: Days,
    pub(crate) currency: String,
    #[serde(serialize_with = "exact")]
    pub(crate) was: Decimal,
    #[serde(serialize_with = "exact")]
    pub(crate) is: Decimal,
    /// What people read.
    pub(crate) sentence: String,
}

/// What the figures rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Basis {
    /// The program that made this.
    pub(crate) version: String,
    /// `2026-11-21T06:00:00Z`: when the report was made.
    pub(crate) run_time: String,
    /// When the oldest of Cost Explorer's answers was given.
    pub(crate) as_of: Option<String>,
    /// Requests of the whole run to Cost Explorer, and what they cost in US dollars.
    pub(crate) requests: u64,
    #[serde(serialize_with = "exact")]
    pub(crate) requests_usd: Decimal,
    /// What is missing or uncertain, in words. If there is any, the exit code is 3.
    pub(crate) problems: Vec<String>,
    /// What a reader should know and nobody can mend.
    pub(crate) notes: Vec<String>,
}

/// What one audience gets to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    pub(crate) schema_version: u32,
    pub(crate) audience: Audience,
    pub(crate) period: Period,
    pub(crate) metric: Metric,
    /// One for each currency; nothing is ever added across them. Empty if nothing was spent.
    pub(crate) parts: Vec<Part>,
    /// What was mailed before and has changed since.
    pub(crate) restatements: Vec<Restatement>,
    /// Where owners come from, such as `Owner`.
    pub(crate) owner_keys: Vec<String>,
    pub(crate) basis: Basis,
}
