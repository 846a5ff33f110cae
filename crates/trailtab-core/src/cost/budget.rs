//! Budgets: what may be spent in a month, how much of it is, and when it will be passed.

use std::collections::BTreeSet;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::amount;
use super::audience::AccountDirectory;
use super::estimate::{EstimatedDay, MonthEstimate};
use super::money::{exact, exact_if_known};
use super::owner::{CostOwner, OwnerRules};
use super::period::DayRange;
use super::tag_usage::TagValue;

/// The most budgets of a file of settings.
const MAX_BUDGETS: usize = 1000;

/// The most characters of a name.
const MAX_NAME_CHARS: usize = 100;

/// Decimal places of a share.
const SHARE_PLACES: u32 = 4;

/// A budget of the settings: an amount that a month should not exceed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetRule {
    /// The amount for a month.
    #[serde(deserialize_with = "amount::positive")]
    pub amount: Decimal,
    /// The name in reports; by default what the budget is about.
    pub name: Option<String>,
    /// The currency of the amount. Costs in other currencies do not count.
    #[serde(default = "us_dollar")]
    pub currency: String,
    /// The account that the budget is about, by name or id.
    pub account: Option<String>,
    /// The owner that the budget is about: a value of an owner key.
    pub owner: Option<String>,
    /// The key of the cost allocation tag that the budget is about, in all accounts; with `value`. Case matters.
    pub tag: Option<String>,
    /// The value of the tag. Case matters.
    pub value: Option<String>,
}

fn us_dollar() -> String {
    "USD".to_owned()
}

/// What a budget is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetSubject<'r> {
    /// The bill of all accounts, with all charges.
    Bill,
    /// All charges of an account, by name or id.
    Account(&'r str),
    /// The usage of an owner.
    Owner(&'r str),
    /// The usage with a tag value.
    Tag {
        /// The key of the tag.
        key: &'r str,
        /// The value.
        value: &'r str,
    },
}

impl BudgetRule {
    /// What the budget is about.
    pub fn subject(&self) -> BudgetSubject<'_> {
        match (
            &self.account,
            &self.owner,
            self.tag.as_ref().zip(self.value.as_ref()),
        ) {
            (Some(account), ..) => BudgetSubject::Account(account),
            (None, Some(owner), _) => BudgetSubject::Owner(owner),
            (None, None, Some((key, value))) => BudgetSubject::Tag { key, value },
            (None, None, None) => BudgetSubject::Bill,
        }
    }

    fn problem(&self) -> Option<String> {
        let is_blank =
            |text: &Option<String>| text.as_ref().is_some_and(|text| text.trim().is_empty());
        let is_currency =
            self.currency.len() == 3 && self.currency.bytes().all(|b| b.is_ascii_uppercase());
        let has_long_name = |name: &String| {
            name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control)
        };
        let settings = [
            ("an account", &self.account),
            ("an owner", &self.owner),
            ("a tag", &self.tag),
        ];
        let named = settings.iter().filter(|(_, name)| name.is_some());
        let named: Vec<&str> = named.map(|(setting, _)| *setting).collect();
        let texts = [
            &self.account,
            &self.owner,
            &self.tag,
            &self.value,
            &self.name,
        ];
        if named.len() > 1 {
            Some(format!(
                "names {}: name one of them, or none for the total bill",
                named.join(" and ")
            ))
        } else if self.tag.is_some() != self.value.is_some() {
            Some(
                "has a tag without a value, or a value without a tag: write both, such as tag = \"project\" and value = \"apollo\""
                    .to_owned(),
            )
        } else if texts.into_iter().any(is_blank) {
            Some(
                "has an empty account, owner, tag, value or name: write it, or leave the setting out"
                    .to_owned(),
            )
        } else if self.name.as_ref().is_some_and(has_long_name) {
            Some(format!(
                "has a name that is not a line of at most {MAX_NAME_CHARS} characters"
            ))
        } else if !is_currency {
            Some(format!(
                "has the currency {:?}: write three capital letters, such as \"USD\"",
                self.currency
            ))
        } else {
            None
        }
    }
}

/// Checks budgets against each other and themselves.
///
/// # Errors
///
/// Says which budget is wrong, and why.
pub fn check(budgets: &[BudgetRule]) -> Result<(), String> {
    if budgets.len() > MAX_BUDGETS {
        return Err(format!(
            "there are {} budgets, and at most {MAX_BUDGETS} are allowed",
            budgets.len()
        ));
    }
    for (place, budget) in budgets.iter().enumerate() {
        if let Some(problem) = budget.problem() {
            let name = budget
                .name
                .as_ref()
                .map(|name| format!(" ({name:?})"))
                .unwrap_or_default();
            return Err(format!("number {} of budgets{name} {problem}", place + 1));
        }
    }
    Ok(())
}

/// The keys of the tags that budgets are about.
pub fn tag_keys(budgets: &[BudgetRule]) -> BTreeSet<String> {
    let keys = budgets.iter().filter_map(|budget| match budget.subject() {
        BudgetSubject::Tag { key, .. } => Some(key.to_owned()),
        BudgetSubject::Bill | BudgetSubject::Account(_) | BudgetSubject::Owner(_) => None,
    });
    keys.collect()
}

/// A budget whose account and owner are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthlyBudget {
    /// The name in reports.
    pub name: String,
    /// The amount for a month.
    pub amount: Decimal,
    /// The currency of the amount.
    pub currency: String,
    /// What the budget is about.
    pub target: BudgetTarget,
}

/// What a budget is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BudgetTarget {
    /// The bill of all accounts, with all charges.
    Bill,
    /// All charges of the account with this id.
    Account(String),
    /// The usage of an owner.
    Owner(CostOwner),
    /// The usage of all accounts with a tag value.
    Tag(TagValue),
}

/// Finds the accounts and owners of budgets. Also returns a message for the operator for each budget whose account
/// does not exist.
pub fn resolve(
    budgets: &[BudgetRule],
    directory: &AccountDirectory,
    owners: &OwnerRules,
) -> (Vec<MonthlyBudget>, Vec<String>) {
    let (mut known, mut problems) = (Vec::new(), Vec::new());
    for rule in budgets {
        let (target, name) = match rule.subject() {
            BudgetSubject::Bill => (BudgetTarget::Bill, "of all accounts".to_owned()),
            BudgetSubject::Owner(value) => {
                let owner = owners.owner(value);
                let name = owner.label().name;
                (BudgetTarget::Owner(owner), name)
            }
            BudgetSubject::Tag { key, value } => {
                let (key, value) = (key.to_owned(), value.to_owned());
                let tag = TagValue { key, value };
                let name = tag.to_string();
                (BudgetTarget::Tag(tag), name)
            }
            BudgetSubject::Account(wanted) => match directory.find(wanted) {
                Ok(account) => (BudgetTarget::Account(account.id.clone()), account.label()),
                Err(problem) => {
                    problems.push(format!("budgets: {}", problem.hint));
                    continue;
                }
            },
        };
        known.push(MonthlyBudget {
            name: rule.name.clone().unwrap_or(name),
            amount: rule.amount,
            currency: rule.currency.clone(),
            target,
        });
    }
    (known, problems)
}

/// The costs that a budget is about.
#[derive(Debug, Clone, Copy)]
pub struct BudgetFigures<'f> {
    /// The month.
    pub month: DayRange,
    /// What was spent on each settled day of the month, from its first day on.
    pub spent: &'f [Decimal],
    /// What the month will come to; absent if it is not known.
    pub estimate: Option<MonthEstimate>,
    /// What is expected of the days after the settled ones, as far as it is known by day:
    /// [`MonthCourse::ahead`](super::estimate::MonthCourse::ahead). What the estimate holds besides, such as tax that
    /// is still to come, is expected on the last day of the month.
    pub ahead: &'f [EstimatedDay],
}

/// How a budget stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetStatus {
    /// The amount for the month.
    #[serde(serialize_with = "exact")]
    pub amount: Decimal,
    /// What is spent on settled days; null if it is not known.
    #[serde(serialize_with = "exact_if_known")]
    pub used: Option<Decimal>,
    /// What is spent, as a part of the amount: 0.25 is a quarter, with four decimal places; null if it is not known.
    #[serde(serialize_with = "exact_if_known")]
    pub used_share: Option<Decimal>,
    /// What the month will come to; absent if it is not known.
    pub estimate: Option<MonthEstimate>,
    /// The settled day on which the sum passed the amount and after which it stayed above.
    pub passed_on: Option<Date>,
    /// The day on which the sum is expected to pass the amount.
    pub will_pass_on: Option<Date>,
    /// Where the month will end.
    pub outlook: BudgetOutlook,
}

/// Where a month will end, against its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetOutlook {
    /// It is passed already.
    Passed,
    /// It is expected to be passed.
    WillPass,
    /// It may be passed: it lies within the range of the estimate.
    MayPass,
    /// It is not likely to be passed.
    Within,
    /// There is no estimate, or it is not known what is spent.
    Unknown,
}

impl BudgetStatus {
    /// The status of a budget of which it is not known what is spent.
    pub fn unknown(amount: Decimal) -> BudgetStatus {
        BudgetStatus {
            amount,
            used: None,
            used_share: None,
            estimate: None,
            passed_on: None,
            will_pass_on: None,
            outlook: BudgetOutlook::Unknown,
        }
    }

    /// Evaluates a budget. Spending exactly its amount does not pass it.
    pub fn of(amount: Decimal, figures: &BudgetFigures<'_>) -> BudgetStatus {
        let mut used = Decimal::ZERO;
        let mut passed_on = None;
        for (day, spent) in figures.month.iter().zip(figures.spent) {
            used = used.saturating_add(*spent);
            passed_on = match used > amount {
                true => passed_on.or(Some(day)),
                false => None,
            };
        }
        let estimate = figures.estimate;
        let will_pass =
            passed_on.is_none() && estimate.is_some_and(|estimate| estimate.expected > amount);
        let will_pass_on = will_pass.then(|| passing_day(amount, used, figures));
        let outlook = match estimate {
            _ if passed_on.is_some() => BudgetOutlook::Passed,
            None => BudgetOutlook::Unknown,
            Some(_) if will_pass => BudgetOutlook::WillPass,
            Some(estimate) if estimate.high > amount => BudgetOutlook::MayPass,
            Some(_) => BudgetOutlook::Within,
        };
        let share = used.checked_div(amount).unwrap_or(Decimal::MAX);
        BudgetStatus {
            amount,
            used: Some(used),
            used_share: Some(share.round_dp(SHARE_PLACES)),
            estimate,
            passed_on,
            will_pass_on,
            outlook,
        }
    }
}

/// The first day ahead on which the sum passes the amount; the last day of the month if the days do not say.
fn passing_day(amount: Decimal, used: Decimal, figures: &BudgetFigures<'_>) -> Date {
    let mut sum = used;
    let mut ahead = figures
        .ahead
        .iter()
        .filter(|ahead| figures.month.contains(ahead.day));
    let passing = ahead.find(|ahead| {
        sum = sum.saturating_add(ahead.amount);
        sum > amount
    });
    passing.map_or(figures.month.through, |ahead| ahead.day)
}

#[cfg(test)]
mod tests;
