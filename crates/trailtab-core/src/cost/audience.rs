//! Audiences: who may see a report. They and the recipients of a run are determined from the settings and the list of
//! accounts, before anything is computed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::label::RowLabel;
use super::owner::{CostOwner, OwnerRules};
use super::settings::CostSettings;
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

/// The recipient of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRecipient {
    /// The mail address.
    pub address: String,
    /// What the report shows.
    pub audience: Audience,
    /// The owner of the costs, for an individual; absent otherwise.
    pub owner: Option<CostOwner>,
    /// Accounts in the settings that do not exist.
    pub problems: Vec<SettingsProblem>,
}

/// An error in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsProblem {
    /// The message for the recipient. It reveals nothing about accounts of others.
    pub short: String,
    /// The message for the operator, with a suggestion if there is one.
    pub hint: String,
}

/// An entry of the settings that cannot get a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRecipient {
    /// Which kind of report it would have been.
    pub kind: AudienceKind,
    /// The name as in the settings.
    pub name: String,
    /// Why there is no report, for the operator.
    pub reason: String,
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

/// The recipients of a run, and the entries of the settings that cannot get a report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecipientList {
    /// The recipients, each address once per audience.
    pub accepted: Vec<ReportRecipient>,
    /// Entries of the settings that cannot get a report.
    pub refused: Vec<RefusedRecipient>,
}

impl RecipientList {
    /// Determines the recipients from the settings.
    pub fn of(settings: &CostSettings, directory: &AccountDirectory) -> RecipientList {
        let mut all = RecipientList::default();
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
                    all.refuse(AudienceKind::Manager, address, hints.join("; "));
                }
            }
        }
        for user in &settings.users {
            all.user(user, &settings.owner);
        }
        all
    }

    fn user(&mut self, user: &str, rules: &OwnerRules) {
        let refuse = |reason: &str| (AudienceKind::Individual, user, reason.to_owned());
        let refused = match (rules.owner(user), rules.address(user)) {
            (CostOwner::Untagged, _) => refuse("the name is empty"),
            (CostOwner::Instances, _) => {
                refuse("ids of EC2 instances have one report together and no address")
            }
            (CostOwner::Named(_), None) => refuse(
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
        owner: Option<CostOwner>,
        problems: Vec<SettingsProblem>,
    ) {
        let address = address.trim();
        if !is_address(address) {
            let reason = "it is no address of a mailbox".to_owned();
            return self.refuse(audience.kind, address, reason);
        }
        let recipient = ReportRecipient {
            address: address.to_owned(),
            audience,
            owner,
            problems,
        };
        // An address that is listed twice gets one mail.
        let is_same = |other: &ReportRecipient| {
            other.address.eq_ignore_ascii_case(address) && other.audience == recipient.audience
        };
        if !self.accepted.iter().any(is_same) {
            self.accepted.push(recipient);
        }
    }

    fn refuse(&mut self, kind: AudienceKind, name: &str, reason: String) {
        self.refused.push(RefusedRecipient {
            kind,
            name: name.to_owned(),
            reason,
        });
    }
}

/// Tells whether a text has the form of a mail address.
pub(super) fn is_address(text: &str) -> bool {
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace() && !"<>(),;:\\\"[]".contains(c);
    let parts: Vec<&str> = text.split('@').collect();
    text.len() <= 254
        && text.chars().all(is_plain)
        && matches!(parts.as_slice(), [name, domain] if !name.is_empty() && !domain.is_empty())
}

/// Managers with their accounts. Spellings of an address that differ in case are one mailbox, and
/// get one mail.
fn managers(settings: &CostSettings) -> impl Iterator<Item = (&str, Vec<String>)> {
    let mut managers: BTreeMap<String, (&str, Vec<String>)> = BTreeMap::new();
    for (address, wanted) in &settings.managers {
        let folded = address.trim().to_lowercase();
        let (_, accounts) = managers.entry(folded).or_insert((address, Vec::new()));
        accounts.extend(wanted.iter().cloned());
    }
    managers.into_values()
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
mod tests {
    use super::*;

    fn directory() -> AccountDirectory {
        let names = [
            ("111122223333", "Production"),
            ("222233334444", "Sandbox"),
            ("333344445555", "Sandbox"),
            ("444455556666", "Total"),
        ];
        let owned = names.map(|(id, name)| (id.to_owned(), name.to_owned()));
        AccountDirectory::new(BTreeMap::from(owned), BTreeSet::new())
    }

    fn of(json: &str) -> RecipientList {
        RecipientList::of(&CostSettings::parse(json.as_bytes()).unwrap(), &directory())
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
        let directory = AccountDirectory::new(names, BTreeSet::from(["1".to_owned()]));
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
            r#"{"users": ["Ann@Example.com", "ann@example.com", "bob", "", "i-0123456789abcdef0"],
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
