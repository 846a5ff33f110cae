//! Converts answers to cost lines.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::answer::{AnswerFault, AnswerGroup, CostAnswer, ResultByTime};
use crate::owner_key::OwnerKeyQuery as _;
use crate::plan::{AccountsByOwner, RawValue};
use crate::query::{CostQuery, GroupKey, GroupType};
use trailtab_core::cost::charge::ChargeType;
use trailtab_core::cost::commitment::{CommitmentCharge, CommitmentLines};
use trailtab_core::cost::dimension::UsageDimension;
use trailtab_core::cost::owner::{CostOwner, OwnerKey, OwnerRules};
use trailtab_core::cost::table::{CostAmount, CostKey, CostLine, CostTable, LineCut, LineCuts};

/// An invalid answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// An amount is not a decimal number of a plausible size.
    #[error(
        "Cost Explorer's answer for {day} holds the amount {amount:?}, which is not a valid amount of money"
    )]
    Amount {
        /// The day of the amount, written `2026-09-07`.
        day: String,
        /// The amount as Cost Explorer sent it.
        amount: String,
    },
    /// A group does not have the form that was asked for.
    #[error("Cost Explorer's answer for {day} has {fault}")]
    Group {
        /// The day of the group, written `2026-09-07`.
        day: String,
        /// What is wrong with it.
        fault: AnswerFault,
    },
}

/// Amounts above this are rejected, so that sums cannot overflow.
const LARGEST: Decimal = Decimal::from_parts(2_808_348_672, 232_830_643, 0, false, 3);

/// A group of an answer, with its keys parsed.
struct GroupCell {
    key: CostKey,
    amount: CostAmount,
    /// The value of an owner key, if the request has one.
    value: Option<String>,
    record_type: Option<String>,
}

/// What has been read from the answers so far.
#[derive(Debug, Default)]
pub struct LineReader {
    /// Names of accounts by their ids.
    pub names: BTreeMap<String, String>,
    /// The record types that are usage, as spelled in the answers.
    pub usage: BTreeSet<String>,
    /// Accounts with usage.
    pub accounts: BTreeSet<String>,
    /// The values under which each owner was seen, with the index of the owner key.
    pub seen: BTreeMap<CostOwner, BTreeSet<RawValue>>,
    /// The accounts in which each owner has costs.
    pub places: AccountsByOwner,
    /// Costs by account and charge type, including costs that belong to no account.
    truth: CostTable,
    table: CostTable,
    /// Amounts of commitments.
    pub commitments: CommitmentLines,
    /// Whether an owner key has any value.
    pub has_owners: bool,
}

impl LineReader {
    /// Reads costs by account and charge type.
    ///
    /// # Errors
    ///
    /// If the answer is invalid.
    pub fn charges(&mut self, answer: &CostAnswer) -> Result<(), AnswerError> {
        let attributes = answer
            .pages
            .iter()
            .flat_map(|page| &page.dimension_value_attributes);
        for value in attributes {
            if let Some(name) = value.attributes.get("description") {
                self.names.insert(value.value.clone(), name.clone());
            }
        }
        self.commitments.extend(commitments_of(answer)?);
        for cell in cells(answer, LineCuts::WHOLE)? {
            if cell.key.charge == ChargeType::Usage {
                self.usage.extend(cell.record_type);
                // Accounts with free usage only need no further request.
                if !cell.amount.amount.is_zero() {
                    self.accounts.extend(cell.key.account.clone());
                }
            }
            self.truth.add(cell.key, cell.amount);
        }
        Ok(())
    }

    /// Reads the total by charge type: what exceeds the accounts' sum belongs to no account.
    ///
    /// # Errors
    ///
    /// If the answer is invalid.
    pub fn control(&mut self, answer: &CostAnswer) -> Result<(), AnswerError> {
        let cells = cells(answer, LineCuts::WHOLE)?.into_iter();
        let total = cells.map(|cell| (cell.key, cell.amount)).collect();
        let without_account = |(key, amount): CostLine<'_>| {
            let mut key = key.clone();
            key.account = None;
            (key, *amount)
        };
        let known: CostTable = self.truth.lines().map(without_account).collect();
        self.truth.merge(known.missing(LineCut::Owners, &total));
        Ok(())
    }

    /// Reads usage by owner, by service or by both. `key` is the index of the owner key, and `cuts`
    /// are the cuts of the lines.
    ///
    /// # Errors
    ///
    /// If the answer is invalid.
    pub fn usage(
        &mut self,
        answer: &CostAnswer,
        rules: &OwnerRules,
        key: usize,
        cuts: LineCuts,
    ) -> Result<(), AnswerError> {
        self.usage_of(answer, rules, key, cuts, &|_| true)
    }

    /// Like [`LineReader::usage`], but only for some owners.
    ///
    /// # Errors
    ///
    /// If the answer is invalid.
    pub fn usage_of(
        &mut self,
        answer: &CostAnswer,
        rules: &OwnerRules,
        key: usize,
        cuts: LineCuts,
        wanted: &dyn Fn(&CostOwner) -> bool,
    ) -> Result<(), AnswerError> {
        let is_last = key + 1 == rules.keys.len();
        let account = only_account(&answer.request);
        for mut cell in cells(answer, cuts)? {
            cell.key.charge = ChargeType::Usage;
            if cell.key.account.is_none() {
                cell.key.account.clone_from(&account);
            }
            if let Some((value, key_of)) = cell.value.as_ref().zip(rules.keys.get(key)) {
                let value = key_of.value(value);
                let owner = rules.owner(value);
                // Costs without this key are requested by the next key.
                if value.is_empty() && !is_last {
                    continue;
                }
                if !wanted(&owner) {
                    continue;
                }
                self.saw(&owner, (key, value.to_owned()), &cell);
                cell.key.owner = Some(owner);
            }
            self.table.add(cell.key, cell.amount);
        }
        Ok(())
    }

    /// Reads usage of one owner by service.
    ///
    /// # Errors
    ///
    /// If the answer is invalid.
    pub fn person(&mut self, answer: &CostAnswer, owner: &CostOwner) -> Result<(), AnswerError> {
        for mut cell in cells(answer, LineCuts::only(LineCut::Personal))? {
            cell.key.charge = ChargeType::Usage;
            cell.key.owner = Some(owner.clone());
            self.table.add(cell.key, cell.amount);
        }
        Ok(())
    }

    /// Accounts with any charge, including charges of zero.
    pub fn charged_accounts(&self) -> BTreeSet<String> {
        let lines = self.truth.lines();
        lines.filter_map(|(key, _)| key.account.clone()).collect()
    }

    /// Returns whether there is any usage that costs something.
    pub fn has_usage(&self) -> bool {
        let mut lines = self.truth.lines();
        lines.any(|(key, line)| key.charge == ChargeType::Usage && !line.amount.is_zero())
    }

    /// Discards all usage lines, so that usage can be read in another way.
    pub fn forget(&mut self) {
        self.table = CostTable::default();
    }

    fn saw(&mut self, owner: &CostOwner, value: RawValue, cell: &GroupCell) {
        self.has_owners |= *owner != CostOwner::Untagged;
        self.seen.entry(owner.clone()).or_default().insert(value);
        if let (Some(account), false) = (&cell.key.account, cell.amount.amount.is_zero()) {
            let places = self.places.entry(owner.clone()).or_default();
            places.insert(account.clone());
        }
    }

    /// Builds the table, balanced so that the given cuts add up to the costs by charge type.
    pub fn finish(mut self, whole: &[LineCut]) -> CostTable {
        for cut in whole {
            self.table.balance(*cut, &self.truth);
        }
        self.table
    }
}

/// The account that a request is about, if it is exactly one.
fn only_account(query: &CostQuery) -> Option<String> {
    query.only("LINKED_ACCOUNT").map(str::to_owned)
}

/// Returns whether amounts are grouped by an owner key, and by no other tag or cost category.
pub fn is_by_owner(groups: &[GroupKey], key: &OwnerKey) -> bool {
    let mut values = groups
        .iter()
        .filter(|group| group.r#type != GroupType::Dimension);
    values.next() == Some(&key.group()) && values.next().is_none()
}

/// Reads one answer as a table of its own: lines with all that its groups tell, in all cuts. An amount is on the last
/// day of its period. Charges that are not separate are lines of usage. `key` is the owner key that it is grouped by,
/// if it is.
///
/// # Errors
///
/// If the answer is invalid.
pub fn table_of(
    answer: &CostAnswer,
    rules: &OwnerRules,
    key: Option<&OwnerKey>,
) -> Result<CostTable, AnswerError> {
    let groups = &answer.request.group_by;
    let has_charges = groups.iter().any(|group| group.key == "RECORD_TYPE");
    let has_owners = key.is_some_and(|key| is_by_owner(groups, key));
    let mut table = CostTable::default();
    for mut cell in cells(answer, LineCuts::ALL)? {
        if !has_charges {
            cell.key.charge = ChargeType::Usage;
        }
        // Only usage has an owner.
        if let Some((value, key)) = cell.value.as_ref().zip(key)
            && has_owners
            && cell.key.charge == ChargeType::Usage
        {
            cell.key.owner = Some(rules.owner(key.value(value)));
        }
        table.add(cell.key, cell.amount);
    }
    Ok(table)
}

/// Reads the amounts of commitments in an answer by charge type.
///
/// # Errors
///
/// If the answer is invalid.
pub fn commitments_of(answer: &CostAnswer) -> Result<CommitmentLines, AnswerError> {
    let mut lines = CommitmentLines::new();
    for GroupCell {
        key,
        amount,
        record_type,
        ..
    } in cells(answer, LineCuts::WHOLE)?
    {
        let charge = record_type.as_deref().and_then(CommitmentCharge::of);
        if let Some(charge) = charge {
            let sum = lines
                .entry((key.day, key.account, key.currency, charge))
                .or_default();
            *sum = sum.saturating_add(amount.amount);
        }
    }
    Ok(lines)
}

/// Reads usage by account and a further dimension, as a table of its own.
///
/// # Errors
///
/// If the answer is invalid.
pub fn dimension_of(answer: &CostAnswer) -> Result<CostTable, AnswerError> {
    let cells = cells(answer, LineCuts::only(LineCut::Services))?.into_iter();
    let usage = cells.map(|mut cell| {
        cell.key.charge = ChargeType::Usage;
        (cell.key, cell.amount)
    });
    Ok(usage.collect())
}

/// Reads costs by the tag with this key, as a table of its own, in no cut. Lines have the value of the tag, and none
/// where the tag is absent.
///
/// # Errors
///
/// If the answer is invalid.
pub fn tag_of(answer: &CostAnswer, key: &str) -> Result<CostTable, AnswerError> {
    let tag = OwnerKey::Tag(key.to_owned());
    let cells = cells(answer, LineCuts::default())?.into_iter();
    let lines = cells.map(|mut cell| {
        let value = cell.value.as_deref().map(|group_key| tag.value(group_key));
        cell.key.value = value.filter(|value| !value.is_empty()).map(str::to_owned);
        cell.key.charge = ChargeType::Usage;
        (cell.key, cell.amount)
    });
    Ok(lines.collect())
}

/// The costs of months that an answer by month holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MonthLines {
    /// Lines by charge type, and by account if the answer is, each dated on the last day of its month.
    pub table: CostTable,
    /// The first days of the whole months that the answer has.
    pub months: BTreeSet<Date>,
}

/// Reads an answer by month and charge type.
///
/// # Errors
///
/// If the answer is invalid.
pub fn months_of(answer: &CostAnswer) -> Result<MonthLines, AnswerError> {
    let results = answer.pages.iter().flat_map(|page| &page.results_by_time);
    let periods = results.map(|result| result.time_period.days());
    let months = periods.filter(|days| days.is_a_month());
    let cells = cells(answer, LineCuts::WHOLE)?.into_iter();
    Ok(MonthLines {
        months: months.map(|month| month.from).collect(),
        table: cells.map(|cell| (cell.key, cell.amount)).collect(),
    })
}

/// Reads the groups of an answer, or its totals, as lines in these cuts.
fn cells(answer: &CostAnswer, cuts: LineCuts) -> Result<Vec<GroupCell>, AnswerError> {
    let results = answer.pages.iter().flat_map(|page| &page.results_by_time);
    let mut cells = Vec::new();
    for result in results {
        for group in &result.groups {
            cells.push(cell(&answer.request, result, group, cuts)?);
        }
        if answer.request.group_by.is_empty() {
            let total = AnswerGroup {
                keys: Box::default(),
                metrics: result.total.clone(),
            };
            cells.push(cell(&answer.request, result, &total, cuts)?);
        }
    }
    Ok(cells)
}

fn cell(
    query: &CostQuery,
    result: &ResultByTime,
    group: &AnswerGroup,
    cuts: LineCuts,
) -> Result<GroupCell, AnswerError> {
    let day = result.time_period.days().through;
    let value = group.requested(query).map_err(|fault| {
        let day = day.to_string();
        AnswerError::Group { day, fault }
    })?;
    let amount = amount(&value.amount).ok_or_else(|| AnswerError::Amount {
        day: day.to_string(),
        amount: value.amount.chars().take(80).collect(),
    })?;
    let mut cell = GroupCell {
        key: CostKey::new(day, ChargeType::Other, &value.unit, cuts),
        amount: CostAmount {
            amount,
            estimated: result.estimated,
        },
        value: None,
        record_type: None,
    };
    for (key, group_by) in group.keys.iter().zip(&query.group_by) {
        match (group_by.r#type, group_by.key.as_str()) {
            (GroupType::Dimension, "LINKED_ACCOUNT") => cell.key.account = Some(key.clone()),
            (GroupType::Dimension, "SERVICE") => cell.key.service = Some(key.clone()),
            (GroupType::Dimension, "RECORD_TYPE") => {
                cell.key.charge = ChargeType::of(key);
                cell.record_type = Some(key.clone());
            }
            (GroupType::Dimension, name) => {
                let is_named = |of: &UsageDimension| of.key() == name;
                if UsageDimension::ALL.iter().any(is_named) {
                    cell.key.value = Some(key.clone());
                }
            }
            (GroupType::Tag | GroupType::CostCategory, _) => cell.value = Some(key.clone()),
        }
    }
    Ok(cell)
}

/// Parses an amount: `12.5`, `-0.0000000282`, `1.2E-7`.
pub(crate) fn amount(text: &str) -> Option<Decimal> {
    let amount = match text.contains(['e', 'E']) {
        true => Decimal::from_scientific(text).ok()?,
        false => Decimal::from_str(text).ok()?,
    };
    (amount.abs() <= LARGEST).then_some(amount)
}

#[cfg(test)]
mod tests;
