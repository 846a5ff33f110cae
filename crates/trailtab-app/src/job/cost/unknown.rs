//! Owners and accounts that were asked for and do not exist. A report on them would say that they cost
//! nothing, which is not known.

use super::{AccountTotals, CostRun};
use trailtab_core::cost::owner::CostOwner;
use trailtab_core::cost::report::Audience;
use trailtab_core::nearest;

/// Owners that are named where the one who was asked for does not exist.
const MAX_OWNERS_NAMED: usize = 5;

impl CostRun {
    /// Says that an owner does not exist: Cost Explorer's answers, which cover the days compared with as
    /// well, do not have it. `None` if they do, if something could not be read, or if the settings name the
    /// owner.
    pub fn unknown_owner(
        &self,
        books: &AccountTotals,
        audience: &Audience,
        owner: &CostOwner,
    ) -> Option<String> {
        let CostOwner::Named(name) = owner else {
            return None;
        };
        let users = self.settings.users.iter();
        let is_user = users
            .map(|user| self.settings.owner.owner(user))
            .any(|user| user == *owner);
        let is_known = is_user || books.owners.contains(owner);
        if is_known || books.table.lines.is_empty() || books.gaps(audience, Some(owner)).count() > 0
        {
            return None;
        }
        let named = books.owners.iter().filter_map(|owner| match owner {
            CostOwner::Named(name) => Some(name.as_str()),
            CostOwner::Instances | CostOwner::Untagged => None,
        });
        let days = books.asked.label();
        let said = format!("there is no owner {name:?} in the costs of {days}");
        let sorted = nearest::sorted(&[name], named);
        let Some((likeness, first)) = sorted.first() else {
            let keys = self.owner_keys();
            return Some(format!(
                "{said}: nothing has an owner (is {keys} activated for cost allocation in the management account?)"
            ));
        };
        if likeness.is_near() {
            return Some(format!("{said}: did you mean {first:?}?"));
        }
        let names = sorted.iter().take(MAX_OWNERS_NAMED);
        let names: Vec<String> = names.map(|(_, name)| format!("{name:?}")).collect();
        let more = match sorted.len() - names.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!("{said}; owners: {}{more}", names.join(", ")))
    }

    /// Says of each account that it does not exist if no list of accounts has it, and no charge is its.
    /// To be called once the directory has learnt all names.
    pub fn unknown_accounts(&self, books: &AccountTotals, audience: &Audience) -> Vec<String> {
        let names = self.directory.names();
        if !self.has_directory && books.accounts.is_empty() {
            // Without a list, and without any charge, accounts without charges cannot be told from others.
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
