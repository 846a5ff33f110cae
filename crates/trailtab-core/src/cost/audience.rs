//! Audiences: who may see a report, and the accounts that are known. They are determined from the settings and the list
//! of accounts, before anything is computed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::label::RowLabel;
use super::owner::CostOwner;
use crate::nearest;
use crate::scope::AccountId;

/// Maximum number of account names that an error message lists.
const MAX_NAMES_SHOWN: usize = 5;

/// The kind of recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AudienceKind {
    /// A manager: some accounts, each with its owners and services.
    Manager,
    /// An individual: the usage of one owner, in all accounts.
    Individual,
    /// An executive: all accounts on one page.
    Executive,
}

/// An account and its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct AccountName {
    /// The account id, twelve digits.
    pub id: String,
    /// The name in Organizations or Cost Explorer; the id if neither has a name.
    pub name: String,
}

impl AccountName {
    /// The name with the id, or the id alone: `Production (111122223333)`.
    pub fn label(&self) -> String {
        match self.name == self.id {
            true => self.id.clone(),
            false => format!("{} ({})", self.name, self.id),
        }
    }
}

/// The audience of a report, which is decided before anything is computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audience {
    /// Which kind of report it is.
    pub kind: AudienceKind,
    /// The accounts that the report covers; empty for an individual, whose costs in all accounts
    /// are covered.
    pub accounts: Vec<AccountName>,
    /// The owner, as a label, for an individual; null otherwise.
    pub owner: Option<RowLabel>,
}

/// An error in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsProblem {
    /// The message for the recipient. It reveals nothing about accounts of others.
    pub short: String,
    /// The message for the operator, with a suggestion if there is one.
    pub hint: String,
}

/// The known accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountDirectory {
    /// Names by account id.
    names: BTreeMap<String, String>,
    /// Accounts that are closed or not yet active. They may have costs, but a name that an active
    /// account has too refers to the active one.
    inactive: BTreeSet<String>,
    /// Set if accounts could not be listed, so that there may be others.
    is_partial: bool,
}

impl AccountDirectory {
    /// Creates a directory of account names by id. `inactive` holds the ids of accounts that are
    /// not active.
    pub fn new(names: BTreeMap<String, String>, inactive: BTreeSet<String>) -> AccountDirectory {
        AccountDirectory {
            names,
            inactive,
            is_partial: false,
        }
    }

    /// Creates an empty directory for a run that has no list of accounts. Names come from
    /// [`AccountDirectory::learn`], and there may be more accounts than those.
    pub fn partial() -> AccountDirectory {
        AccountDirectory {
            is_partial: true,
            ..AccountDirectory::default()
        }
    }

    /// All account names by id; an unknown name is empty.
    pub fn names(&self) -> &BTreeMap<String, String> {
        &self.names
    }

    /// Adds names that are not known yet.
    pub fn learn(&mut self, names: &BTreeMap<String, String>) {
        for (id, name) in names {
            let known = self.names.entry(id.clone()).or_default();
            if known.is_empty() {
                known.clone_from(name);
            }
        }
    }

    /// Returns an account with its name; the id stands for an unknown name.
    pub fn account(&self, id: &str) -> AccountName {
        let name = self.names.get(id).filter(|name| !name.is_empty());
        AccountName {
            id: id.to_owned(),
            name: name.map_or(id, |name| name).to_owned(),
        }
    }

    /// All known accounts.
    pub fn accounts(&self) -> Vec<AccountName> {
        self.names.keys().map(|id| self.account(id)).collect()
    }

    /// Finds an account by its id or its name. A name that matches exactly takes precedence over one
    /// that differs in case, and an active account over an inactive one.
    ///
    /// # Errors
    ///
    /// Says why no account was found, and which ones may be meant.
    pub fn find(&self, wanted: &str) -> Result<AccountName, SettingsProblem> {
        let wanted = wanted.trim();
        if AccountId::is_id(wanted) {
            return Ok(self.account(wanted));
        }
        let exact = |name: &str| name == wanted;
        let folded = |name: &str| name.to_lowercase() == wanted.to_lowercase();
        for fits in [&exact as &dyn Fn(&str) -> bool, &folded] {
            let found = self.names.iter().filter(|(_, name)| fits(name));
            let mut ids: Vec<&str> = found.map(|(id, _)| id.as_str()).collect();
            if ids.iter().any(|id| !self.inactive.contains(*id)) {
                ids.retain(|id| !self.inactive.contains(*id));
            }
            match ids.as_slice() {
                [] => {}
                [id] => return Ok(self.account(id)),
                ids => {
                    let ids = ids.join(", ");
                    let short = format!("more than one account is called {wanted:?}");
                    let hint = format!("{short}: write the id of the one that is meant ({ids})");
                    return Err(SettingsProblem { short, hint });
                }
            }
        }
        let names = self.names.values().map(String::as_str);
        let names: BTreeSet<&str> = names.filter(|name| !name.is_empty()).collect();
        let hint = match nearest::meant(wanted, names.iter().copied()) {
            Some((_, name)) => format!(": did you mean {name:?}?"),
            None if names.is_empty() => String::new(),
            None => {
                let shown: Vec<String> = names
                    .iter()
                    .take(MAX_NAMES_SHOWN)
                    .map(|name| format!("{name:?}"))
                    .collect();
                let more = match names.len() - shown.len() {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                format!("; accounts: {}{more}", shown.join(", "))
            }
        };
        let (short, advice) = match self.is_partial {
            true => (
                format!(
                    "the account name {wanted:?} could not be checked, since accounts could not be listed"
                ),
                " (the id of an account needs no list)",
            ),
            false => (format!("there is no account called {wanted:?}"), ""),
        };
        let hint = format!("{short}{hint}{advice}");
        Err(SettingsProblem { short, hint })
    }
}

/// The audience of an executive: all accounts.
pub fn executive(directory: &AccountDirectory) -> Audience {
    Audience {
        kind: AudienceKind::Executive,
        accounts: directory.accounts(),
        owner: None,
    }
}

/// The audience of an individual: one owner.
pub fn individual(owner: &CostOwner) -> Audience {
    Audience {
        kind: AudienceKind::Individual,
        accounts: Vec::new(),
        owner: Some(owner.label()),
    }
}

/// The audience of a manager: the named accounts that exist, and the problems with the others.
///
/// # Errors
///
/// If no account remains: an empty list never means all accounts.
pub fn manager(
    wanted: &[String],
    directory: &AccountDirectory,
) -> Result<(Audience, Vec<SettingsProblem>), Vec<SettingsProblem>> {
    let mut accounts = BTreeSet::new();
    let mut problems = Vec::new();
    for name in wanted {
        match directory.find(name) {
            Ok(account) => drop(accounts.insert(account)),
            Err(problem) => problems.push(problem),
        }
    }
    if accounts.is_empty() {
        if problems.is_empty() {
            let short = "the list of accounts is empty".to_owned();
            let hint = format!("{short}: name accounts, or make it an executive to show all");
            problems.push(SettingsProblem { short, hint });
        }
        return Err(problems);
    }
    let audience = Audience {
        kind: AudienceKind::Manager,
        accounts: accounts.into_iter().collect(),
        owner: None,
    };
    Ok((audience, problems))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Four accounts, two of which have one name.
    pub(in crate::cost) fn directory() -> AccountDirectory {
        let names = [
            ("111122223333", "Production"),
            ("222233334444", "Sandbox"),
            ("333344445555", "Sandbox"),
            ("444455556666", "Total"),
        ];
        let owned = names.map(|(id, name)| (id.to_owned(), name.to_owned()));
        AccountDirectory::new(BTreeMap::from(owned), BTreeSet::new())
    }

    #[test]
    fn an_account_that_could_not_be_looked_for_is_not_said_to_be_missing() {
        let mut directory = AccountDirectory::partial();
        let problem = directory.find("Production").unwrap_err();
        assert_eq!(
            problem.hint,
            "the account name \"Production\" could not be checked, since accounts could not be listed \
             (the id of an account needs no list)"
        );
        let known = ("111122223333".to_owned(), "Production".to_owned());
        directory.learn(&BTreeMap::from([known]));
        assert_eq!(directory.find("production").unwrap().id, "111122223333");
        let hint = directory.find("Prodction").unwrap_err().hint;
        assert!(hint.contains("did you mean \"Production\"?"), "{hint}");
    }

    #[test]
    fn accounts_are_found_by_id_and_name() {
        let directory = directory();
        let id = |wanted: &str| directory.find(wanted).map(|account| account.id);
        assert_eq!(id("Production").unwrap(), "111122223333");
        assert_eq!(id(" production ").unwrap(), "111122223333");
        assert_eq!(id("333344445555").unwrap(), "333344445555");
        assert_eq!(id("Total").unwrap(), "444455556666");
        // An account that is no longer listed can still have costs.
        assert_eq!(directory.find("999999999999").unwrap().name, "999999999999");
        assert!(
            id("Sandbox")
                .unwrap_err()
                .hint
                .contains("222233334444, 333344445555")
        );
        assert!(
            id("Prodction")
                .unwrap_err()
                .hint
                .contains("did you mean \"Production\"")
        );
        assert!(
            !id("Something else")
                .unwrap_err()
                .hint
                .contains("did you mean")
        );
    }

    #[test]
    fn a_closed_account_leaves_its_name_to_an_open_one() {
        let names = BTreeMap::from(["1", "2"].map(|id| (id.to_owned(), "Sandbox".to_owned())));
        let directory = AccountDirectory::new(names, BTreeSet::from(["1".to_owned()]));
        assert_eq!(directory.find("Sandbox").unwrap().id, "2");
    }
}
