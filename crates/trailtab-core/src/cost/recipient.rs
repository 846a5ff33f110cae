//! The recipients of a run: who gets a report, and where it goes.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::audience::{
    AccountDirectory, Audience, AudienceKind, SettingsProblem, executive, individual, manager,
};
use super::channel::{ChannelKind, ChannelSettings};
use super::owner::{CostOwner, OwnerRules};
use super::settings::{CostSettings, MailFrequency};

/// Where a report goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportDestination {
    /// A mailbox, by its address.
    Mailbox(String),
    /// A channel of the settings.
    Channel {
        /// The name of the channel.
        name: String,
        /// The form of its messages.
        kind: ChannelKind,
    },
}

impl ReportDestination {
    /// The address, or the name of the channel.
    pub fn name(&self) -> &str {
        match self {
            ReportDestination::Mailbox(address) => address,
            ReportDestination::Channel { name, .. } => name,
        }
    }

    /// Returns whether another spelling, which may differ in case, is the same destination.
    fn is_same(&self, other: &ReportDestination) -> bool {
        use ReportDestination::{Channel, Mailbox};
        match (self, other) {
            (Mailbox(one), Mailbox(other)) => one.eq_ignore_ascii_case(other),
            (Channel { name: one, .. }, Channel { name: other, .. }) => {
                one.to_lowercase() == other.to_lowercase()
            }
            (Mailbox(_), Channel { .. }) | (Channel { .. }, Mailbox(_)) => false,
        }
    }
}

/// For people: `ann@example.com`, `finance (slack)`.
impl fmt::Display for ReportDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReportDestination::Mailbox(address) => f.write_str(address),
            ReportDestination::Channel { name, kind } => write!(f, "{name} ({})", kind.name()),
        }
    }
}

/// In results: `recipient`, and `channel` with the kind if it is a channel.
impl Serialize for ReportDestination {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("recipient", self.name())?;
        if let ReportDestination::Channel { kind, .. } = self {
            members.serialize_entry("channel", kind)?;
        }
        members.end()
    }
}

/// The recipient of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRecipient {
    /// Where the report goes.
    pub destination: ReportDestination,
    /// How often it is sent.
    pub frequency: MailFrequency,
    /// What the report shows.
    pub audience: Audience,
    /// The owner of the costs, for an individual; absent otherwise.
    pub owner: Option<CostOwner>,
    /// Accounts in the settings that do not exist.
    pub problems: Vec<SettingsProblem>,
}

/// An entry of the settings that cannot get a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRecipient {
    /// Which kind of report it would have been.
    pub kind: AudienceKind,
    /// Where it would have gone, as in the settings.
    pub destination: ReportDestination,
    /// Why there is no report, for the operator.
    pub reason: String,
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
        let schedule = &settings.schedule;
        for address in &settings.executives {
            let audience = executive(directory);
            all.add(address, schedule.executives, audience, None, Vec::new());
        }
        for (address, wanted) in managers(settings) {
            match manager(&wanted, directory) {
                Ok((audience, problems)) => {
                    all.add(address, schedule.managers, audience, None, problems);
                }
                Err(problems) => {
                    let mailbox = ReportDestination::Mailbox(address.to_owned());
                    all.refuse(AudienceKind::Manager, mailbox, hints(&problems));
                }
            }
        }
        for user in &settings.users {
            all.user(user, schedule.users, &settings.owner);
        }
        for channel in &settings.channels {
            all.channel(channel, &settings.owner, directory);
        }
        all
    }

    fn channel(
        &mut self,
        channel: &ChannelSettings,
        rules: &OwnerRules,
        directory: &AccountDirectory,
    ) {
        let destination = ReportDestination::Channel {
            name: channel.name.trim().to_owned(),
            kind: channel.kind,
        };
        let (kind, found) = match (&channel.accounts, channel.owner.as_deref(), channel.all) {
            (Some(wanted), None, false) => {
                let found = manager(wanted, directory).map_err(|problems| hints(&problems));
                let found = found.map(|(audience, problems)| (audience, None, problems));
                (AudienceKind::Manager, found)
            }
            (None, Some(owner), false) => {
                let found = match rules.owner(owner) {
                    CostOwner::Untagged => Err("the name of the owner is empty".to_owned()),
                    owner => Ok((individual(&owner), Some(owner), Vec::new())),
                };
                (AudienceKind::Individual, found)
            }
            (None, None, true) => {
                let found = (executive(directory), None, Vec::new());
                (AudienceKind::Executive, Ok(found))
            }
            // With two of them set, it would be unclear which one applies.
            _ => {
                let reason = "set exactly one of accounts, owner and all = true";
                (AudienceKind::Manager, Err(reason.to_owned()))
            }
        };
        let accepted = self.accepted.iter().map(|other| &other.destination);
        let refused = self.refused.iter().map(|other| &other.destination);
        let is_taken = accepted.chain(refused).any(|it| it.is_same(&destination));
        let found = match channel.wrong_name() {
            Some(reason) => Err(reason.to_owned()),
            None if is_taken => Err("another channel has the same name".to_owned()),
            None => found,
        };
        match found {
            Ok((audience, owner, problems)) => self.accepted.push(ReportRecipient {
                destination,
                frequency: channel.schedule,
                audience,
                owner,
                problems,
            }),
            Err(reason) => self.refuse(kind, destination, reason),
        }
    }

    fn user(&mut self, user: &str, frequency: MailFrequency, rules: &OwnerRules) {
        let refuse = |reason: &str| (AudienceKind::Individual, user, reason.to_owned());
        let refused = match (rules.owner(user), rules.address(user)) {
            (CostOwner::Untagged, _) => refuse("the name is empty"),
            (CostOwner::Instances, _) => {
                refuse("ids of EC2 instances have one report together and no address")
            }
            (CostOwner::Named(_), None) => refuse(
                "it is not a mail address: set owner.domain, or owner.fallback_contact to name another recipient",
            ),
            (owner, Some(address)) => {
                let audience = individual(&owner);
                return self.add(&address, frequency, audience, Some(owner), Vec::new());
            }
        };
        let mailbox = ReportDestination::Mailbox(refused.1.to_owned());
        self.refuse(refused.0, mailbox, refused.2);
    }

    fn add(
        &mut self,
        address: &str,
        frequency: MailFrequency,
        audience: Audience,
        owner: Option<CostOwner>,
        problems: Vec<SettingsProblem>,
    ) {
        let address = address.trim();
        let destination = ReportDestination::Mailbox(address.to_owned());
        if !is_address(address) {
            let reason = "it is not the address of a mailbox".to_owned();
            return self.refuse(audience.kind, destination, reason);
        }
        let recipient = ReportRecipient {
            destination,
            frequency,
            audience,
            owner,
            problems,
        };
        // An address that is listed twice gets one mail.
        let is_same = |other: &ReportRecipient| {
            other.destination.is_same(&recipient.destination)
                && other.audience == recipient.audience
        };
        if !self.accepted.iter().any(is_same) {
            self.accepted.push(recipient);
        }
    }

    fn refuse(&mut self, kind: AudienceKind, destination: ReportDestination, reason: String) {
        self.refused.push(RefusedRecipient {
            kind,
            destination,
            reason,
        });
    }
}

fn hints(problems: &[SettingsProblem]) -> String {
    let hints: Vec<&str> = problems
        .iter()
        .map(|problem| problem.hint.as_str())
        .collect();
    hints.join("; ")
}

/// Returns whether a text has the form of a mail address.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::audience::tests::directory;

    fn of(json: &str) -> RecipientList {
        RecipientList::of(&CostSettings::parse(json.as_bytes()).unwrap(), &directory())
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
    fn a_channel_has_exactly_one_audience_and_its_own_name() {
        let channel = |name: &str, more: &str| {
            format!(r#"{{"name": "{name}", "kind": "slack", "url_secret": "s"{more}}}"#)
        };
        let channels = [
            channel("finance", r#", "all": true, "schedule": "monday""#),
            channel("platform", r#", "accounts": ["Production", "Totl"]"#),
            channel("ann", r#", "owner": "ann@example.com""#),
            channel("none", ""),
            channel("both", r#", "all": true, "owner": "ann@example.com""#),
            channel("empty", r#", "accounts": []"#),
            channel("Finance", r#", "owner": "bob@example.com""#),
            channel(" ", r#", "all": true"#),
            channel("nobody", r#", "owner": " ""#),
        ];
        let all = of(&format!(r#"{{"channels": [{}]}}"#, channels.join(", ")));
        let kinds = all.accepted.iter();
        let kinds: Vec<_> = kinds
            .map(|told| (told.destination.name(), told.audience.kind))
            .collect();
        let expected = [
            ("finance", AudienceKind::Executive),
            ("platform", AudienceKind::Manager),
            ("ann", AudienceKind::Individual),
        ];
        assert_eq!(kinds, expected);
        assert_eq!(all.accepted[0].frequency, MailFrequency::Monday);
        assert_eq!(all.accepted[1].problems.len(), 1);
        let reasons: Vec<_> = all
            .refused
            .iter()
            .map(|it| (it.destination.name(), it.reason.as_str()))
            .collect();
        assert_eq!(
            reasons[0],
            ("none", "set exactly one of accounts, owner and all = true")
        );
        assert_eq!(reasons[1].0, "both");
        assert!(reasons[2].1.contains("the list of accounts is empty"));
        assert_eq!(reasons[3], ("Finance", "another channel has the same name"));
        assert_eq!(reasons[4].1, "the channel has no name");
        assert_eq!(reasons[5].1, "the name of the owner is empty");
        let json = serde_json::to_string(&all.accepted[0].destination).unwrap();
        assert_eq!(json, r#"{"recipient":"finance","channel":"slack"}"#);
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
            .map(|told| told.destination.name())
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
