//! Reports owners and accounts that were requested but do not exist. A cost report about them would
//! claim that they cost nothing, which is not known.

use super::CostRun;
use super::gather::GatheredCosts;
use trailtab_core::cost::owner::CostOwner;
use trailtab_core::cost::report::Audience;
use trailtab_core::nearest;

/// Maximum number of existing owners to list.
const MAX_OWNERS_NAMED: usize = 5;

impl CostRun {
    /// A message if an owner does not exist in Cost Explorer's answers, which include the compared
    /// days. `None` if it does, if data is missing, or if the settings list it as a user.
    pub fn unknown_owner(
        &self,
        books: &GatheredCosts,
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
        if is_known || books.table.is_empty() || books.gaps_of(audience, Some(owner)).count() > 0 {
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
