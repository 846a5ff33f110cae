//! The report of one audience: the JSON contract, described in docs/cost.md.
//!
//! A report contains everything that its table, mail and charts show, and no costs of others. In
//! each part the charges add up to the total, and both the owners and the services add up to the
//! usage.

mod build;
mod commitments;
mod cuts;
mod dimension;
mod movers;
mod outlook;
#[cfg(any(test, feature = "samples"))]
pub mod sample;
#[cfg(any(test, feature = "samples"))]
pub mod sample_bill;
mod sight;
mod sums;
mod tagged;
#[cfg(test)]
mod tests;
mod trend;
mod undated;
mod unread;
mod words;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;

use super::budget::BudgetStatus;
use super::charge::{ChargeType, CostMetric};
use super::estimate::MonthEstimate;
use super::forecast::AwsForecast;
use super::money::{exact, exact_each, exact_if_known};
use super::owner::OwnerKey;
use super::period::DayRange;

pub use super::audience::{AccountName, Audience, AudienceKind};
pub use super::label::{LabelKind, RowLabel};
pub use super::period::PeriodKind;

pub use self::build::{ReportQuestion, report};
pub use self::commitments::CommitmentUse;
pub use self::dimension::{DimensionRows, DimensionTable};
pub use self::sight::{total_of, usage_of};
pub use self::trend::{KnownMonths, MonthAmounts, trend_months};
pub use self::unread::{UnreadCut, unread_accounts_label};
pub use self::words::percent;

/// Grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 2;

/// An amount, and the amount that it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct RowFigure {
    /// The amount of the period, as far as there is data. It includes days that are still loading.
    #[serde(serialize_with = "exact")]
    pub amount: Decimal,
    /// The amount of the settled days of the period; zero if none is settled.
    #[serde(serialize_with = "exact")]
    pub settled: Decimal,
    /// The amount of the days that the settled days are compared with; null if nothing is compared.
    #[serde(serialize_with = "exact_if_known")]
    pub before: Option<Decimal>,
    /// The amount of the last settled day; null if no day is settled, or if amounts are not known by day.
    #[serde(serialize_with = "exact_if_known")]
    pub last_day: Option<Decimal>,
    /// The amount of the day before; null if it is not in the period.
    #[serde(serialize_with = "exact_if_known")]
    pub day_before: Option<Decimal>,
}

impl RowFigure {
    /// The difference of the settled days to the days compared with, if anything is compared.
    pub fn change(&self) -> Option<Decimal> {
        self.before
            .map(|before| self.settled.saturating_sub(before))
    }

    /// The amount so far of the days that are still loading.
    pub fn loading(&self) -> Decimal {
        self.amount.saturating_sub(self.settled)
    }

    /// The sum of two figures of the same days. What only one of them knows counts as it is.
    #[must_use]
    pub fn plus(&self, other: &RowFigure) -> RowFigure {
        let sum = |one: Option<Decimal>, other: Option<Decimal>| match (one, other) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
        RowFigure {
            amount: self.amount.saturating_add(other.amount),
            settled: self.settled.saturating_add(other.settled),
            before: sum(self.before, other.before),
            last_day: sum(self.last_day, other.last_day),
            day_before: sum(self.day_before, other.day_before),
        }
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
    /// What the usage of the month in progress will come to; null for other periods, services, and charges other than
    /// usage.
    pub estimate: Option<MonthEstimate>,
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
    /// The account's bill so far beside that of the month before, as in a part.
    pub bill: Vec<BillLine>,
    /// Usage by owner, largest first; empty for executives and individuals.
    pub owners: Vec<ReportRow>,
    /// Usage by service, largest first; empty for executives.
    pub services: Vec<ReportRow>,
}

impl AccountPart {
    /// The usage of the account, with the account's label; absent without any.
    pub fn usage(&self) -> Option<ReportRow> {
        let usage = usage_row(&self.charges)?;
        Some(ReportRow {
            label: self.row.label.clone(),
            ..usage.clone()
        })
    }
}

/// The row of usage among some charges, if there is any.
fn usage_row(charges: &[ChargeRow]) -> Option<&ReportRow> {
    let mut usage = charges.iter().filter(|row| row.charge == ChargeType::Usage);
    usage.next().map(|usage| &usage.row)
}

/// A charge type of a month beside the whole month before. Only usage is compared day by day: most other charges come
/// once a month, dated on its first day, and grow or are billed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BillLine {
    /// The charge type.
    pub charge: ChargeType,
    /// The amount of the period so far.
    #[serde(serialize_with = "exact")]
    pub so_far: Decimal,
    /// The amount of the whole month before.
    #[serde(serialize_with = "exact")]
    pub month_before: Decimal,
    /// Whether AWS has not billed it yet, although it did for the month before.
    pub is_to_come: bool,
}

/// What the month in progress will come to. Ranges are to hold for about 80 % of months.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MonthOutlook {
    /// The whole month.
    pub month: DayRange,
    /// Usage of the whole month.
    pub usage: MonthEstimate,
    /// Usage of the month before; null if it is not known.
    #[serde(serialize_with = "exact_if_known")]
    pub usage_month_before: Option<Decimal>,
    /// The bill, if there are charges other than usage; null otherwise.
    pub bill: Option<BillOutlook>,
    /// The estimates in words.
    pub sentence: String,
}

/// What a bill will come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BillOutlook {
    /// Usage and all other charges.
    pub total: MonthEstimate,
    /// The bill of the month before; null if it is not known.
    #[serde(serialize_with = "exact_if_known")]
    pub month_before: Option<Decimal>,
    /// Charges of which no more than what is billed already is included, since the month before had none.
    pub left_out: Vec<ChargeType>,
}

/// The unusual ones of the last settled days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnusualDays {
    /// The days that were looked at.
    pub looked_at: DayRange,
    /// What is unusual, the largest excess first; at most five.
    pub found: Vec<UnusualRow>,
}

/// Unusual usage of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnusualRow {
    /// The service.
    pub label: RowLabel,
    /// The account, if the report has several; null otherwise.
    pub account: Option<AccountName>,
    /// The unusual days, in order.
    pub days: Vec<Date>,
    /// The amount of those days.
    #[serde(serialize_with = "exact")]
    pub amount: Decimal,
    /// The usual amount of as many days.
    #[serde(serialize_with = "exact")]
    pub usual: Decimal,
    /// Whether the service was not used on any day before.
    pub is_new: bool,
    /// The finding in words.
    pub sentence: String,
}

/// A budget, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetRow {
    /// The name in the settings.
    pub name: String,
    /// How it stands.
    #[serde(flatten)]
    pub status: BudgetStatus,
    /// How it stands, in words.
    pub sentence: String,
}

/// Usage of settled days with an owner and without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaggedUsage {
    /// Usage with an owner.
    #[serde(serialize_with = "exact")]
    pub owned: Decimal,
    /// Usage without one.
    #[serde(serialize_with = "exact")]
    pub untagged: Decimal,
    /// The accounts with most usage without an owner, at most three.
    pub accounts: Vec<UntaggedAccount>,
    /// The same in words.
    pub sentence: String,
}

/// Usage without an owner in an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UntaggedAccount {
    /// The account.
    pub account: AccountName,
    /// Its usage without an owner.
    #[serde(serialize_with = "exact")]
    pub amount: Decimal,
    /// The managers of the account in the settings, who may know whose it is.
    pub contacts: Vec<String>,
}

/// An owner, service or account whose usage changed much.
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

/// The largest changes of usage, each list sorted by change, the largest first. The lists cut the same usage in
/// different ways.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct UsageMovers {
    /// Accounts, for an executive of several.
    pub accounts: Vec<Mover>,
    /// Services: of each account for managers and individuals, over all accounts for executives.
    pub services: Vec<Mover>,
    /// Owners over all accounts; empty for an individual.
    pub owners: Vec<Mover>,
}

impl UsageMovers {
    /// The largest change of the list that shows most closely where it happened. Owners are not asked: where they alone
    /// change, usage got other tags and is the same.
    pub fn first(&self) -> Option<&Mover> {
        let lists = [&self.accounts, &self.services];
        lists.into_iter().find_map(|list| list.first())
    }
}

/// The costs in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportPart {
    /// The currency, such as `USD`.
    pub currency: String,
    /// A summary in one or two sentences. It speaks of the usage of settled days.
    pub sentence: String,
    /// Usage, which alone is compared day by day.
    pub usage: RowFigure,
    /// All charges together. Only whole months of it can be compared: some charges come once a month.
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
    /// Usage over all accounts by further dimensions, as far as they were asked for.
    pub by: Vec<DimensionRows>,
    /// Accounts with their parts, largest first.
    pub accounts: Vec<AccountPart>,
    /// The bill so far beside that of the month before; empty if the period is not a month or its first days, or if the
    /// month before is not known.
    pub bill: Vec<BillLine>,
    /// How commitments were used on settled days; null where no amount is of a commitment.
    pub commitments: Option<CommitmentUse>,
    /// The six months before the one of the period, as far as they are known, in order; empty for individuals, and if
    /// the period is not a month or its first days.
    pub trend: Vec<MonthAmounts>,
    /// What the month will come to; null if the period is not the month to date, or has too few settled days.
    pub outlook: Option<MonthOutlook>,
    /// What AWS itself forecasts for the bill; null if it was not asked for.
    pub aws_forecast: Option<AwsForecast>,
    /// Unusual usage of the last settled days; null if too few days are known to tell.
    pub unusual: Option<UnusualDays>,
    /// The budgets that the audience may see, in the order of the settings; empty unless the period is the month to
    /// date.
    pub budgets: Vec<BudgetRow>,
    /// How much usage has an owner; null for individuals, and where all of it or none has one.
    pub tagged: Option<TaggedUsage>,
    /// The largest changes of usage.
    pub movers: UsageMovers,
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
    /// The last settled day with data; null if none is. The days after it are still loading.
    pub settled_through: Option<Date>,
    /// Days that Cost Explorer still estimates.
    pub estimated: Vec<Date>,
    /// The days that the settled days are compared with; null if nothing is compared.
    pub compared: Option<DayRange>,
    /// The days compared with in words: `1–20 October`; null if nothing is compared.
    pub compared_label: Option<String>,
    /// Whether Cost Explorer still estimates days of the month before the period, beside which the bill is shown.
    pub is_month_before_estimated: bool,
}

impl ReportRange {
    /// The settled days of the period that have data.
    pub fn settled(&self) -> Option<DayRange> {
        self.days.known(self.settled_through)
    }

    /// The days with data that are still loading.
    pub fn loading(&self) -> Option<DayRange> {
        let shown = self.days.known(self.data_through)?;
        let from = match self.settled() {
            Some(settled) => settled.through.tomorrow().ok()?,
            None => shown.from,
        };
        (from <= shown.through).then_some(DayRange { from, ..shown })
    }

    /// Whether the period is a month whose invoice is final: Cost Explorer estimates none of its days any more.
    pub fn is_final_month(&self) -> bool {
        self.is_settled_month() && self.estimated.is_empty()
    }

    /// Whether the period is a whole month that is settled to its last day.
    pub fn is_settled_month(&self) -> bool {
        self.days.is_a_month() && self.settled() == Some(self.days)
    }
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
    /// All charge types: the answers do not separate usage from other charges.
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
