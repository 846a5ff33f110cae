//! Reports owners and accounts that were requested but do not exist. A cost report about them would
//! claim that they cost nothing, which is not known.

use std::collections::BTreeMap;
use std::fmt;

use super::CostRun;
use super::gather::GatheredCosts;
use trailtab_core::cost::audience::SettingsProblem;
use trailtab_core::cost::budget::{self, BudgetTarget, MonthlyBudget};
use trailtab_core::cost::owner::CostOwner;
use trailtab_core::cost::report::Audience;
use trailtab_core::cost::tag_usage::TagUsage;
use trailtab_core::nearest;

/// Why it is not known what an owner used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerDoubt {
    /// There is usage, and no usage has an owner.
    NoOwners {
        /// Where owners come from, for a sentence.
        keys: String,
        /// The days asked about.
        days: String,
    },
    /// Others have usage, and this owner has none.
    NotSeen {
        /// The owner.
        name: String,
        /// The days asked about.
        days: String,
        /// The most similar owners.
        hint: String,
    },
}

impl fmt::Display for OwnerDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OwnerDoubt::NoOwners { keys, days } => write!(
                f,
                "nothing has an owner in the costs of {days}: is {keys} spelled so, and activated for cost allocation in the management account?"
            ),
            OwnerDoubt::NotSeen { name, days, hint } => {
                write!(f, "there is no owner {name:?} in the costs of {days}{hint}")
            }
        }
    }
}

impl CostRun {
    /// Why it is not known what an owner used: nothing has an owner, or this one is not in Cost Explorer's
    /// answers, which include the compared days. `None` if the owner was seen, if there is no usage at all, or if
    /// owners could not be read, which is a problem of its own.
    pub fn owner_doubt(&self, books: &GatheredCosts, owner: &CostOwner) -> Option<OwnerDoubt> {
        let CostOwner::Named(name) = owner else {
            return None;
        };
        if books.owners.contains(owner) || !books.knows_owners || !books.has_usage {
            return None;
        }
        let days = books.asked.label();
        let keys = self.owner_keys();
        if !books.has_owners {
            return Some(OwnerDoubt::NoOwners { keys, days });
        }
        let named = books.owners.iter().filter_map(|owner| match owner {
            CostOwner::Named(name) => Some(name.as_str()),
            CostOwner::Instances | CostOwner::Untagged => None,
        });
        let name = name.clone();
        let hint = nearest::hint(&name, named, "owners");
        Some(OwnerDoubt::NotSeen { name, days, hint })
    }

    /// The budgets of the settings whose accounts and owners are known.
    pub(super) fn budgets(&self) -> Vec<MonthlyBudget> {
        let settings = &self.settings;
        budget::resolve(&settings.budgets, &self.directory, &settings.owner).0
    }

    /// Why it is not known how the budgets on tags stand of which usage was asked for.
    pub(super) fn budget_doubts(&self, tags: &BTreeMap<String, TagUsage>) -> Vec<SettingsProblem> {
        let mut doubts: Vec<SettingsProblem> = Vec::new();
        for budget in self.budgets() {
            let BudgetTarget::Tag(tag) = &budget.target else {
                continue;
            };
            let usage = tags.get(&tag.key);
            let Some(Err(doubt)) = usage.map(|usage| usage.lines_of(tag)) else {
                continue;
            };
            let problem = SettingsProblem {
                short: format!("budgets: {}", doubt.short()),
                hint: format!("budgets: {doubt}"),
            };
            // Budgets may share a tag.
            if !doubts.contains(&problem) {
                doubts.push(problem);
            }
        }
        doubts
    }

    /// Tells whether the settings list an owner as a user.
    pub fn is_user(&self, owner: &CostOwner) -> bool {
        let users = self.settings.users.iter();
        users
            .map(|user| self.settings.owner.owner(user))
            .any(|user| user == *owner)
    }

    /// A message for each account that is in no account list and has no charges. Call only after
    /// the directory has learned all names.
    pub fn unknown_accounts(&self, books: &GatheredCosts, audience: &Audience) -> Vec<String> {
        let names = self.directory.names();
        if !self.has_directory && books.accounts.is_empty() {
            // Without a list and without charges, unknown accounts cannot be told from idle ones.
            return Vec::new();
        }
        let ids = || names.keys().chain(&books.accounts).map(String::as_str);
        let unknown = audience.accounts.iter().filter(|account| {
            !names.contains_key(&account.id) && !books.accounts.contains(&account.id)
        });
        let said = unknown.map(|account| {
            let id = &account.id;
            let days = books.asked.label();
            let meant = nearest::meant(id, ids());
            let meant = meant.map(|(_, meant)| {
                format!(": did you mean {}?", self.directory.account(meant).label())
            });
            format!(
                "there is no account {id} in the costs of {days}{}",
                meant.unwrap_or_default()
            )
        });
        said.collect()
    }
}
