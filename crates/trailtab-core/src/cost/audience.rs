//! Decides who gets which report, from the settings and the list of accounts, before anything is
//! computed.

use std::collections::{BTreeMap, BTreeSet};

use super::owner::{Owner, OwnerRules};
use super::report::{Account, Audience, Kind};
use super::settings::Settings;
use crate::event::filter::is_account_id;
use crate::nearest;

/// Maximum number of account names that an error message lists.
const MAX_NAMES_SHOWN: usize = 5;

/// A person who gets a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The mail address.
    pub address: String,
    /// What the report shows.
    pub audience: Audience,
    /// The owner whose cost it is, for an individual; None otherwise.
    pub owner: Option<Owner>,
    /// Accounts in the settings that do not exist.
    pub problems: Vec<Problem>,
}

/// An error in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The message for the recipient. It reveals nothing about accounts of others.
    pub short: String,
    /// The message for the operator, with a suggestion if there is one.
    pub hint: String,
}

/// An entry of the settings that cannot get a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which kind of report it would have been.
    pub kind: Kind,
    /// The name as in the settings.
    pub name: String,
    /// Why there is no report, for the operator.
    pub reason: String,
}

/// The known accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    /// Names by account id.
    names: BTreeMap<String, String>,
    /// Accounts that are closed or not yet active. They may have costs, but a name that an active
    /// account has too refers to the active one.
    inactive: BTreeSet<String>,
}

impl Directory {
    /// Creates a directory of account names by id. `inactive` holds the ids of accounts that are
    /// not active.
    pub fn new(names: BTreeMap<String, String>, inactive: BTreeSet<String>) -> Directory {
        Directory { names, inactive }
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
    pub fn account(&self, id: &str) -> Account {
        let name = self.names.get(id).filter(|name| !name.is_empty());
        Account {
            id: id.to_owned(),
            name: name.map_or(id, |name| name).to_owned(),
        }
    }

    /// All known accounts.
    pub fn accounts(&self) -> Vec<Account> {
        self.names.keys().map(|id| self.account(id)).collect()
    }

    /// Finds an account by its id or its name. A name that matches exactly takes precedence over one
    /// that differs in case, and an active account over an inactive one.
    ///
    /// # Errors
    ///
    /// Says why no account was found, and which ones may be meant.
    pub fn find(&self, wanted: &str) -> Result<Account, Problem> {
        let wanted = wanted.trim();
        if is_account_id(wanted) {
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
                    return Err(Problem { short, hint });
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
        let short = format!("there is no account called {wanted:?}");
        let hint = format!("{short}{hint}");
        Err(Problem { short, hint })
    }
}

/// Who gets a report, and who cannot get one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recipients {
    /// Those who get a report, each address once per audience.
    pub accepted: Vec<Recipient>,
    /// Those in the settings who cannot get a report.
    pub refused: Vec<Refused>,
}

impl Recipients {
    /// Determines the recipients from the settings.
    pub fn of(settings: &Settings, directory: &Directory) -> Recipients {
        let mut all = Recipients::default();
        for address in &settings.executives {
            let audience = executive(directory);
            all.add(address, audience, None, Vec::new());
        }
        for (address, wanted) in managers(settings) {
            match manager(&wanted, directory) {
                Ok((audience, problems)) => all.add(address, audience, None, problems),
                Err(problems) => {
                    let hints: Vec<String> =
                        problems.into_iter().map(|problem| problem.hint).collect();
                    all.refuse(Kind::Manager, address, hints.join("; "));
                }
            }
        }
        for user in &settings.users {
            all.user(user, &settings.owner);
        }
        all
    }

    fn user(&mut self, user: &str, rules: &OwnerRules) {
        let refuse = |reason: &str| (Kind::Individual, user, reason.to_owned());
        let refused = match (rules.owner(user), rules.address(user)) {
            (Owner::Untagged, _) => refuse("the name is empty"),
            (Owner::Instances, _) => {
                refuse("names that begin with i- are taken together as instances")
            }
            (Owner::Named(_), None) => refuse(
                "it is no address: set owner.domain, or owner.fallback_contact for whom to tell instead",
            ),
            (owner, Some(address)) => {
                let audience = individual(&owner);
                return self.add(&address, audience, Some(owner), Vec::new());
            }
        };
        self.refuse(refused.0, refused.1, refused.2);
    }

    fn add(
        &mut self,
        address: &str,
        audience: Audience,
        owner: Option<Owner>,
        problems: Vec<Problem>,
    ) {
        let address = address.trim();
        if !is_address(address) {
            let reason = "it is no address of a mailbox".to_owned();
            return self.refuse(audience.kind, address, reason);
        }
        let recipient = Recipient {
            address: address.to_owned(),
            audience,
            owner,
            problems,
        };
        // A recipient who is listed twice gets one mail.
        let is_same = |other: &Recipient| {
            other.address.eq_ignore_ascii_case(address) && other.audience == recipient.audience
        };
        if !self.accepted.iter().any(is_same) {
            self.accepted.push(recipient);
        }
    }

    fn refuse(&mut self, kind: Kind, name: &str, reason: String) {
        self.refused.push(Refused {
            kind,
            name: name.to_owned(),
            reason,
        });
    }
}

/// Tells whether a text has the form of a mail address.
fn is_address(text: &str) -> bool {
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace() && !"<>(),;:\\\"[]".contains(c);
    let parts: Vec<&str> = text.split('@').collect();
    text.len() <= 254
        && text.chars().all(is_plain)
        && matches!(parts.as_slice(), [name, domain] if !name.is_empty() && !domain.is_empty())
}

/// Managers with their accounts. Spellings of an address that differ in case are one mailbox, and
/// get one mail.
fn managers(settings: &Settings) -> impl Iterator<Item = (&str, Vec<String>)> {
    let mut managers: BTreeMap<String, (&str, Vec<String>)> = BTreeMap::new();
    for (address, wanted) in &settings.managers {
        let folded = address.trim().to_lowercase();
        let (_, accounts) = managers.entry(folded).or_insert((address, Vec::new()));
        accounts.extend(wanted.iter().cloned());
    }
    managers.into_values()
}

/// The audience of an executive: all accounts.
pub fn executive(directory: &Directory) -> Audience {
    Audience {
        kind: Kind::Executive,
        accounts: directory.accounts(),
        owner: None,
    }
}

/// The audience of an individual: one owner.
pub fn individual(owner: &Owner) -> Audience {
    Audience {
        kind: Kind::Individual,
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
    directory: &Directory,
) -> Result<(Audience, Vec<Problem>), Vec<Problem>> {
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
            problems.push(Problem { short, hint });
        }
        return Err(problems);
    }
    let audience = Audience {
        kind: Kind::Manager,
        accounts: accounts.into_iter().collect(),
        owner: None,
    };
    Ok((audience, problems))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> Directory {
        let names = [
            ("111122223333", "Production"),
            ("222233334444", "Sandbox"),
            ("333344445555", "Sandbox"),
            ("444455556666", "Total"),
        ];
        let owned = names.map(|(id, name)| (id.to_owned(), name.to_owned()));
        Directory::new(BTreeMap::from(owned), BTreeSet::new())
    }

    fn of(json: &str) -> Recipients {
        Recipients::of(&Settings::parse(json.as_bytes()).unwrap(), &directory())
    }

    #[test]
    fn accounts_are_found_by_id_and_name() {
        let directory = directory();
        let id = |wanted: &str| directory.find(wanted).map(|account| account.id);
        assert_eq!(id("Production").unwrap(), "111122223333");
        assert_eq!(id(" production ").unwrap(), "111122223333");
        assert_eq!(id("333344445555").unwrap(), "333344445555");
        assert_eq!(id("Total").unwrap(), "444455556666");
        // One that nobody lists any more may still have costs.
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
    fn an_empty_list_of_accounts_is_never_all_of_them() {
        let all = of(r#"{"managers": {"m@example.com": [], "n@example.com": ["Nowhere"]}}"#);
        assert!(all.accepted.is_empty());
        assert!(
            all.refused[0]
                .reason
                .contains("the list of accounts is empty")
        );
        assert!(
            all.refused[1]
                .reason
                .contains("no account called \"Nowhere\"")
        );
    }

    #[test]
    fn two_spellings_of_an_address_are_one_mailbox() {
        let all = of(
            r#"{"managers": {"Head@example.com": ["Production"], "head@example.com": ["Total"]}}"#,
        );
        assert_eq!(all.accepted.len(), 1);
        assert_eq!(all.accepted[0].audience.accounts.len(), 2);
    }

    #[test]
    fn a_closed_account_leaves_its_name_to_an_open_one() {
        let names = BTreeMap::from(["1", "2"].map(|id| (id.to_owned(), "Sandbox".to_owned())));
        let directory = Directory::new(names, BTreeSet::from(["1".to_owned()]));
        assert_eq!(directory.find("Sandbox").unwrap().id, "2");
    }

    #[test]
    fn a_recipient_reads_nothing_of_other_accounts() {
        let all = of(r#"{"managers": {"m@example.com": ["Production", "Sandbox", "Totl"]}}"#);
        let short: Vec<_> = all.accepted[0]
            .problems
            .iter()
            .map(|problem| problem.short.as_str())
            .collect();
        let expected = [
            "more than one account is called \"Sandbox\"",
            "there is no account called \"Totl\"",
        ];
        assert_eq!(short, expected);
    }

    #[test]
    fn one_unknown_account_costs_one_account() {
        let all =
            of(r#"{"managers": {"m@example.com": ["Production", "Nowhere", "111122223333"]}}"#);
        let manager = &all.accepted[0];
        assert_eq!(manager.audience.accounts.len(), 1);
        assert_eq!(manager.problems.len(), 1);
    }

    #[test]
    fn users_are_owners_with_addresses() {
        let all = of(
            r#"{"users": ["Ann@Example.com", "ann@example.com", "bob", "", "i-0abc"],
                "owner": {"fallback_contact": "cloud@example.com"}}"#,
        );
        let told: Vec<_> = all
            .accepted
            .iter()
            .map(|told| told.address.as_str())
            .collect();
        assert_eq!(told, ["Ann@Example.com", "cloud@example.com"]);
        assert_eq!(all.refused.len(), 2);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for address in [
            "m",
            "@",
            "a@b@c",
            "a@b\\r\\nBcc: x@y",
            "A <a@b>",
            "a b@c",
            "",
        ] {
            let all = of(&format!(r#"{{"executives": ["{address}"]}}"#));
            assert!(
                all.accepted.is_empty() && all.refused.len() == 1,
                "{address}"
            );
        }
    }
}
