//! The report of one audience: the JSON contract, described in docs/cost.md.
//!
//! A report contains everything that its table, mail and charts show, and no costs of others. In
//! each part the charges add up to the total, and both the owners and the services add up to the
//! usage.

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
mod unread;
mod words;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;

use super::charge::{ChargeType, CostMetric};
use super::money::{exact, exact_each, exact_if_known};
use super::owner::OwnerKey;
use super::period::DayRange;

pub use super::audience::{AccountName, Audience, AudienceKind};
pub use super::label::{LabelKind, RowLabel};
pub use super::period::PeriodKind;

pub use self::build::{ReportQuestion, report};
pub use self::sight::total_of;
pub use self::unread::{UnreadCut, unread_accounts_label};
pub use self::words::percent;

/// Grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// An amount, and the amount that it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct RowFigure {
    /// The amount of the period, as far as there is data.
    #[serde(serialize_with = "exact")]
    pub amount: Decimal,
    /// The amount of the days compared with; null if nothing is compared.
    #[serde(serialize_with = "exact_if_known")]
    pub before: Option<Decimal>,
    /// The amount of the last day with data; null if amounts are not known by day.
    #[serde(serialize_with = "exact_if_known")]
    pub last_day: Option<Decimal>,
    /// The amount of the day before; null if it is not in the period.
    #[serde(serialize_with = "exact_if_known")]
    pub day_before: Option<Decimal>,
}

impl RowFigure {
    /// The difference to the days compared with, if anything is compared.
    pub fn change(&self) -> Option<Decimal> {
        self.before.map(|before| self.amount.saturating_sub(before))
    }
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportRow {
    /// What the row is about.
    pub label: RowLabel,
    /// The row's amount, and the amount that it is compared with.
    #[serde(flatten)]
    pub figure: RowFigure,
    /// Amounts by day, from the first day of the period to the last with data.
    #[serde(serialize_with = "exact_each")]
    pub daily: Vec<Decimal>,
}

/// The row of a charge type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChargeRow {
    /// The charge type.
    pub charge: ChargeType,
    /// The row of the charge type.
    #[serde(flatten)]
    pub row: ReportRow,
}

/// The costs of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountPart {
    /// The account; null for costs that Cost Explorer assigns to no account.
    pub account: Option<AccountName>,
    /// Label and figures of all charges together.
    #[serde(flatten)]
    pub row: ReportRow,
    /// All charge types that are not zero; they add up to the account's total.
    pub charges: Vec<ChargeRow>,
    /// Usage by owner, largest first; empty for executives and individuals.
    pub owners: Vec<ReportRow>,
    /// Usage by service, largest first; empty for executives.
    pub services: Vec<ReportRow>,
}

/// An owner, service or account whose cost changed much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mover {
    /// An owner, a service, or an account.
    pub label: RowLabel,
    /// The account, if the report distinguishes accounts; null otherwise.
    pub account: Option<AccountName>,
    /// The amount, and the amount that it is compared with.
    #[serde(flatten)]
    pub figure: RowFigure,
}

/// The costs in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportPart {
    /// The currency, such as `USD`.
    pub currency: String,
    /// A summary in one or two sentences.
    pub sentence: String,
    /// All charges together.
    pub total: RowFigure,
    /// The total by day.
    #[serde(serialize_with = "exact_each")]
    pub daily: Vec<Decimal>,
    /// The total by day of the days compared with, and of the following days to the end of their
    /// month.
    #[serde(serialize_with = "exact_each")]
    pub daily_before: Vec<Decimal>,
    /// All charge types that are not zero; they add up to the total.
    pub charges: Vec<ChargeRow>,
    /// Usage by owner over all accounts, largest first.
    pub owners: Vec<ReportRow>,
    /// Usage by service over all accounts, largest first.
    pub services: Vec<ReportRow>,
    /// Accounts with their parts, largest first.
    pub accounts: Vec<AccountPart>,
    /// Sorted by change, the largest first.
    pub movers: Vec<Mover>,
}

/// The days of a report, in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportRange {
    /// The kind of period.
    pub kind: PeriodKind,
    /// The days that were asked for.
    pub days: DayRange,
    /// The period in words: `1–20 November 2026`.
    pub label: String,
    /// The last day with data; null without data.
    pub data_through: Option<Date>,
    /// Days that Cost Explorer still estimates.
    pub estimated: Vec<Date>,
    /// The days compared with: as many as have data; null if nothing is compared.
    pub compared: Option<DayRange>,
    /// The days compared with in words: `1–20 October`; null if nothing is compared.
    pub compared_label: Option<String>,
}

/// An amount that was mailed and has changed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restatement {
    /// The day on which it was mailed.
    pub mailed: Date,
    /// The days that it was about.
    pub days: DayRange,
    /// The currency of both amounts, such as `USD`.
    pub currency: String,
    /// The amount that was mailed.
    #[serde(serialize_with = "exact")]
    pub was: Decimal,
    /// The amount as it is now.
    #[serde(serialize_with = "exact")]
    pub is: Decimal,
    /// The change in words.
    pub sentence: String,
}

/// What the lists of owners and of services add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CutScope {
    /// The usage.
    #[default]
    Usage,
    /// All charge types: the answers do not tell usage from other charges.
    AllCharges,
}

/// What the figures are based on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportBasis {
    /// The version of the program.
    pub version: String,
    /// When the report was made: `2026-11-21T06:00:00Z`.
    pub run_time: String,
    /// When the oldest of the answers was given; null without answers.
    pub as_of: Option<String>,
    /// Number of requests of the whole run to Cost Explorer.
    pub requests: u64,
    /// Price of these requests in USD.
    #[serde(serialize_with = "exact")]
    pub requests_usd: Decimal,
    /// What is missing or uncertain. If there is any, the exit code is 3.
    pub problems: Vec<String>,
    /// What a reader should know about the figures, but cannot be fixed.
    pub notes: Vec<String>,
    /// What owners and services add up to.
    pub cut_scope: CutScope,
}

/// The report of one audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CostReport {
    /// The version of this JSON contract.
    pub schema_version: u32,
    /// The audience of the report.
    pub audience: Audience,
    /// The days that the report is about.
    pub period: ReportRange,
    /// Cost Explorer's metric.
    pub metric: CostMetric,
    /// One for each currency; currencies are never added. Empty if there are no costs.
    pub parts: Vec<ReportPart>,
    /// Amounts that were mailed before and have changed since.
    pub restatements: Vec<Restatement>,
    /// Where owners come from, such as `Owner`.
    pub owner_keys: Vec<OwnerKey>,
    /// What the figures rest on.
    pub basis: ReportBasis,
}
