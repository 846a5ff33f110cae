//! What one audience gets to see: the JSON contract, described in docs/cost.md.
//!
//! A report holds everything that its table, mail and charts show, and nothing of anybody else's.
//! In each part the charges add up to the total, and both the owners and the services add up to what is
//! usage of it.

mod build;
mod movers;
#[cfg(any(test, feature = "samples"))]
pub mod sample;
#[cfg(any(test, feature = "samples"))]
pub mod sample_bill;
mod sight;
mod sums;
#[cfg(test)]
mod tests;
mod words;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;

use super::charge::{Charge, Metric};
use super::money::{exact, exact_each, exact_if_known};
use super::period::Days;

pub use self::build::{Question, report};
pub use self::sight::total_of;
pub use self::words::percent;

/// Grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// What kind of reader a report is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Some accounts, each with what its owners and services cost.
    Manager,
    /// What one owner used, in all accounts.
    Individual,
    /// All accounts on one page.
    Executive,
}

/// An account and the name that people know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// The name in Organizations or Cost Explorer; the id if neither tells one.
    pub name: String,
}

impl Account {
    /// The name with the id, or the id alone: `Production (111122223333)`.
    pub fn label(&self) -> String {
        match self.name == self.id {
            true => self.id.clone(),
            false => format!("{} ({})", self.name, self.id),
        }
    }
}

/// Whom a report is for: decided before anything is computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audience {
    /// Which kind of report it is.
    pub kind: Kind,
    /// The accounts it may see; empty for an individual, who sees what is theirs in any.
    pub accounts: Vec<Account>,
    /// The owner an individual is, as a label.
    pub owner: Option<Label>,
}

/// What a row is about. Two rows with the same name and another kind are not the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Label {
    /// What kind of thing the row is about.
    pub kind: LabelKind,
    /// What people read: a tag's value, a service, an account or a charge. Labels of ours are in
    /// parentheses, and a tag's value that looks like one is in quotes.
    pub name: String,
}

/// What kind of thing a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelKind {
    /// An owner: a value of the tag or cost category that the settings name.
    Owner,
    /// Owners that are EC2 instances, taken together.
    Instances,
    /// Without an owner.
    Untagged,
    /// An AWS service.
    Service,
    /// An account.
    Account,
    /// A charge type, such as tax.
    Charge,
    /// What Cost Explorer gives a total for and no owner, service or account: mostly what changed between two of its answers.
    Unassigned,
}

/// An amount, and what it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Figure {
    /// Of the period, as far as there is data.
    #[serde(serialize_with = "exact")]
    pub amount: Decimal,
    /// Of the days compared with; null if nothing is compared.
    #[serde(serialize_with = "exact_if_known")]
    pub before: Option<Decimal>,
    /// Of the last day with data.
    #[serde(serialize_with = "exact")]
    pub last_day: Decimal,
    /// Of the day before that one; null if it is not in the period.
    #[serde(serialize_with = "exact_if_known")]
    pub day_before: Option<Decimal>,
}

impl Figure {
    /// How much more it is than in the days compared with.
    pub fn change(&self) -> Option<Decimal> {
        self.before.map(|before| self.amount.saturating_sub(before))
    }
}

/// A line of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What the row is about.
    pub label: Label,
    /// The row's amount, and the amount that it is compared with.
    #[serde(flatten)]
    pub figure: Figure,
    /// Day by day from the first of the period to the last with data.
    #[serde(serialize_with = "exact_each")]
    pub daily: Vec<Decimal>,
}

/// A charge type's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChargeRow {
    /// The charge type.
    pub charge: Charge,
    /// The row of the charge type.
    #[serde(flatten)]
    pub row: Row,
}

/// What one account cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountPart {
    /// `None` for what Cost Explorer assigns to no account.
    pub account: Option<Account>,
    /// Label and figures of all charges together.
    #[serde(flatten)]
    pub row: Row,
    /// All charge types that are not zero; their sum is the account's.
    pub charges: Vec<ChargeRow>,
    /// Usage by owner, largest first; empty for an executive, and for an individual.
    pub owners: Vec<Row>,
    /// Usage by service, largest first; empty for an executive.
    pub services: Vec<Row>,
}

/// Something whose cost changed much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mover {
    /// An owner, a service, or an account.
    pub label: Label,
    /// In which account, if the report tells accounts apart.
    pub account: Option<Account>,
    /// The amount, and the amount that it is compared with.
    #[serde(flatten)]
    pub figure: Figure,
}

/// All in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Such as `USD`.
    pub currency: String,
    /// What happened, in a sentence or two.
    pub sentence: String,
    /// All charges together.
    pub total: Figure,
    /// The total, day by day.
    #[serde(serialize_with = "exact_each")]
    pub daily: Vec<Decimal>,
    /// The total of the days compared with and of those after them to the end of their month, if there are any.
    #[serde(serialize_with = "exact_each")]
    pub daily_before: Vec<Decimal>,
    /// All charge types that are not zero; their sum is the total.
    pub charges: Vec<ChargeRow>,
    /// Usage by owner over all accounts, largest first.
    pub owners: Vec<Row>,
    /// Usage by service over all accounts, largest first.
    pub services: Vec<Row>,
    /// Accounts with their parts, largest first.
    pub accounts: Vec<AccountPart>,
    /// Largest change first.
    pub movers: Vec<Mover>,
}

/// What a period is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PeriodKind {
    /// From the first day of the current month until now.
    MonthToDate,
    /// The whole month before the current one.
    LastMonth,
    /// Days that were chosen freely.
    Range,
}

/// Which days a report is about. UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Period {
    /// What the period is called.
    pub kind: PeriodKind,
    /// The days that were asked for.
    pub days: Days,
    /// What people read: `1–20 November 2026`.
    pub label: String,
    /// The last day with data; null if there is none at all.
    pub data_through: Option<Date>,
    /// Days that Cost Explorer still estimates.
    pub estimated: Vec<Date>,
    /// The days compared with: as many as have data, at the same place of the month.
    pub compared: Option<Days>,
    /// What people read: `1–20 October`.
    pub compared_label: Option<String>,
}

/// An amount that was mailed, and is not true any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restatement {
    /// The day it was mailed on.
    pub mailed: Date,
    /// The days it was about.
    pub days: Days,
    /// The currency of both amounts, such as `USD`.
    pub currency: String,
    /// The amount that was mailed.
    #[serde(serialize_with = "exact")]
    pub was: Decimal,
    /// The amount as it is now.
    #[serde(serialize_with = "exact")]
    pub is: Decimal,
    /// What people read.
    pub sentence: String,
}

/// What the figures rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Basis {
    /// The program that made this.
    pub version: String,
    /// `2026-11-21T06:00:00Z`: when the report was made.
    pub run_time: String,
    /// When the oldest of Cost Explorer's answers was given.
    pub as_of: Option<String>,
    /// Requests of the whole run to Cost Explorer, and what they cost in US dollars.
    pub requests: u64,
    /// Price of these requests in USD.
    #[serde(serialize_with = "exact")]
    pub requests_usd: Decimal,
    /// What is missing or uncertain, in words. If there is any, the exit code is 3.
    pub problems: Vec<String>,
    /// What a reader should know and nobody can mend.
    pub notes: Vec<String>,
}

/// What one audience gets to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The version of this JSON contract.
    pub schema_version: u32,
    /// Whom the report is for.
    pub audience: Audience,
    /// The days that the report is about.
    pub period: Period,
    /// How cost is measured.
    pub metric: Metric,
    /// One for each currency; nothing is ever added across them. Empty if nothing was spent.
    pub parts: Vec<Part>,
    /// What was mailed before and has changed since.
    pub restatements: Vec<Restatement>,
    /// Where owners come from, such as `Owner`.
    pub owner_keys: Vec<String>,
    /// What the figures rest on.
    pub basis: Basis,
}
