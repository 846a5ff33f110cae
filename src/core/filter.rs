//! Which events count: filters that combine.
//!
//! Values of one filter are alternatives, and those that begin with `!` are exceptions; different
//! filters must all agree. Patterns know `*` and `?` and ignore case.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use wildmatch::WildMatch;

use super::principal::{Actor, access_key};
use super::record::{Outcome, Record};
use super::scan::Text;
use super::tally::UNKNOWN;

/// Which calls by their outcome; the predecessor's `--activity-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ActivityType {
    #[default]
    All,
    Successful,
    Failed,
}

impl ActivityType {
    /// The predecessor's word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ActivityType::All => "ALL",
            ActivityType::Successful => "SUCCESSFUL",
            ActivityType::Failed => "FAILED",
        }
    }
}

/// Which calls by what they do; a record that does not say is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    ReadOnly,
    WriteOnly,
}

/// A pattern of a whole text.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(WildMatch);

impl Pattern {
    pub(crate) fn new(pattern: &str) -> Self {
        Pattern(WildMatch::new_case_insensitive(pattern))
    }

    /// A pattern that, without a wildcard, stands for any text that contains it.
    pub(crate) fn containing(pattern: &str) -> Self {
        if pattern.contains(['*', '?']) {
            Pattern::new(pattern)
        } else {
            Pattern::new(&format!("*{pattern}*"))
        }
    }

    fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
    }
}

/// An address, a network, or a pattern of what stands in place of an address.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    Network(IpNet),
    Name(Pattern),
}

impl Origin {
    pub(crate) fn new(text: &str) -> Self {
        let address = || IpAddr::from_str(text).map(IpNet::from);
        match IpNet::from_str(text).or_else(|_| address()) {
            Ok(network) => Origin::Network(network),
            Err(_) => Origin::Name(Pattern::new(text)),
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Origin::Network(network) => {
                IpAddr::from_str(text).is_ok_and(|address| network.contains(&address))
            }
            Origin::Name(pattern) => pattern.matches(text),
        }
    }
}

/// The values of one filter. An empty list lets everything pass.
#[derive(Debug, Clone)]
pub(crate) struct List<T> {
    wanted: Vec<T>,
    unwanted: Vec<T>,
    /// The one value, if it is no pattern.
    only: Option<String>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        List {
            wanted: Vec::new(),
            unwanted: Vec::new(),
            only: None,
        }
    }
}

impl<T> List<T> {
    /// Reads values; a `!` in front makes one an exception.
    pub(crate) fn new(values: &[impl AsRef<str>], read: impl Fn(&str) -> T) -> Self {
        let mut list = List::default();
        for value in values.iter().map(AsRef::as_ref) {
            match value.strip_prefix('!') {
                Some(value) => list.unwanted.push(read(value)),
                None => list.wanted.push(read(value)),
            }
        }
        if let [value] = values
            && !value.as_ref().contains(['*', '?', '!'])
        {
            list.only = Some(value.as_ref().to_owned());
        }
        list
    }

    /// The value, if there is just one, and it is no pattern.
    pub(crate) fn only(&self) -> Option<&str> {
        self.only.as_deref()
    }

    fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.unwanted.is_empty()
    }

    fn admits(&self, matches: impl Fn(&T) -> bool) -> bool {
        (self.wanted.is_empty() || self.wanted.iter().any(&matches))
            && !self.unwanted.iter().any(&matches)
    }
}

impl List<Pattern> {
    /// Tells whether a text may pass; one that is absent is none of those wanted.
    fn admits_text(&self, text: Option<Text<'_>>) -> bool {
        if self.is_empty() {
            return true;
        }
        match text.map(Text::decode) {
            Some(text) => self.admits(|pattern| pattern.matches(&text)),
            None => self.wanted.is_empty(),
        }
    }
}

/// All filters of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) activity_type: ActivityType,
    pub(crate) principals: List<Pattern>,
    pub(crate) persons: List<Pattern>,
    pub(crate) access_keys: List<Pattern>,
    pub(crate) sources: List<Pattern>,
    pub(crate) names: List<Pattern>,
    pub(crate) error_codes: List<Pattern>,
    pub(crate) origins: List<Origin>,
    pub(crate) user_agents: List<Pattern>,
    pub(crate) regions: List<Pattern>,
    pub(crate) accounts: List<Pattern>,
    pub(crate) access: Option<Access>,
    pub(crate) without_aws_services: bool,
    /// Leaves out the calls of this very program.
    pub(crate) without_self: bool,
}

/// What marks our own calls in a user agent, since `aws.rs` sets it as the application's id.
const SELF: &str = "app/trailtab";

impl Filter {
    /// Tells whether it matters who made a call.
    pub(crate) fn asks_for_actors(&self) -> bool {
        let lists = [
            &self.principals,
            &self.persons,
            &self.access_keys,
            &self.accounts,
        ];
        self.without_aws_services || lists.iter().any(|list| !list.is_empty())
    }

    /// Tells whether an actor's events may pass; `identity` is the JSON that it was read from.
    pub(crate) fn admits_actor(&self, actor: &Actor, identity: &[u8]) -> bool {
        let person = actor.person.as_ref().map_or("", |person| &person.name);
        let principals = &self.principals;
        principals.admits(|pattern| pattern.matches(&actor.principal))
            && self.persons.admits(|pattern| pattern.matches(person))
            && self.admits_access_key(identity)
            && !(self.without_aws_services && actor.is_aws_service())
    }

    fn admits_access_key(&self, identity: &[u8]) -> bool {
        if self.access_keys.is_empty() {
            return true;
        }
        let key = access_key(identity).unwrap_or_default();
        self.access_keys.admits(|pattern| pattern.matches(&key))
    }

    /// Tells whether an event may pass, whoever its actor is. What a record leaves out is known by
    /// the word that stands for it in results; `account` counts if none recorded the event.
    pub(crate) fn admits(&self, record: &Record<'_>, outcome: Outcome<'_>, account: &str) -> bool {
        let failed = outcome != Outcome::Succeeded;
        let by_outcome = match self.activity_type {
            ActivityType::All => true,
            ActivityType::Successful => !failed,
            ActivityType::Failed => failed,
        };
        let by_access = match self.access {
            None => true,
            Some(Access::ReadOnly) => record.read_only == Some(true),
            Some(Access::WriteOnly) => record.read_only == Some(false),
        };
        let code = match outcome {
            Outcome::Failed(code) => code,
            Outcome::Succeeded => None,
        };
        by_outcome
            && by_access
            && self.names.admits_text(record.event_name)
            && self.error_codes.admits_text(code)
            && self
                .user_agents
                .admits_text(record.user_agent.or(Some(UNKNOWN)))
            && self
                .regions
                .admits_text(record.aws_region.or(Some(UNKNOWN)))
            && self.admits_recorder(record.recipient_account_id, account)
            && self.admits_source(record.event_source)
            && self.admits_origin(record.source_ip_address)
            && !(self.without_self && is_self(record.user_agent))
    }

    /// Tells whether an account's events may pass.
    pub(crate) fn admits_account(&self, account: &str) -> bool {
        self.accounts.admits(|pattern| pattern.matches(account))
    }

    /// Tells whether a region's events may pass.
    pub(crate) fn admits_region(&self, region: &str) -> bool {
        self.regions.admits(|pattern| pattern.matches(region))
    }

    fn admits_recorder(&self, recorder: Option<Text<'_>>, otherwise: &str) -> bool {
        if self.accounts.is_empty() {
            return true;
        }
        let recorder = recorder.map(Text::decode);
        self.admits_account(recorder.as_deref().unwrap_or(otherwise))
    }

    /// `ec2` is short for `ec2.amazonaws.com`.
    fn admits_source(&self, source: Option<Text<'_>>) -> bool {
        if self.sources.is_empty() {
            return true;
        }
        let source = source.unwrap_or(UNKNOWN).decode();
        let short = source.split_once('.').map_or(&*source, |(short, _)| short);
        let matches = |pattern: &Pattern| pattern.matches(&source) || pattern.matches(short);
        self.sources.admits(matches)
    }

    fn admits_origin(&self, address: Option<Text<'_>>) -> bool {
        if self.origins.is_empty() {
            return true;
        }
        let address = address.unwrap_or(UNKNOWN).decode();
        self.origins.admits(|origin| origin.matches(&address))
    }
}

fn is_self(user_agent: Option<Text<'_>>) -> bool {
    user_agent.is_some_and(|agent| {
        agent
            .decode()
            .split([' ', '[', ']'])
            .any(|word| word == SELF)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record<'static> {
        Record {
            event_source: Some(Text::plain(b"ec2.amazonaws.com")),
            event_name: Some(Text::plain(b"RunInstances")),
            aws_region: Some(Text::plain(b"eu-west-1")),
            source_ip_address: Some(Text::plain(b"2001:db8::7")),
            user_agent: Some(Text::plain(b"APN/1.0 HashiCorp/1.0 Terraform/1.7.5")),
            read_only: Some(false),
            ..Record::default()
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "filters are written where they are used"
    )]
    fn admits(filter: Filter) -> bool {
        filter.admits(&record(), Outcome::Succeeded, "111122223333")
    }

    fn patterns(patterns: &[&str]) -> List<Pattern> {
        List::new(patterns, Pattern::new)
    }

    #[test]
    fn values_are_alternatives_and_filters_combine() {
        let names = patterns(&["Describe*", "run*"]);
        assert!(admits(Filter {
            names: names.clone(),
            ..Filter::default()
        }));
        let regions = patterns(&["us-*"]);
        assert!(!admits(Filter {
            names,
            regions,
            ..Filter::default()
        }));
    }

    #[test]
    fn exceptions_begin_with_an_exclamation_mark() {
        let names = |names: &[&str]| {
            let names = patterns(names);
            admits(Filter {
                names,
                ..Filter::default()
            })
        };
        assert!(!names(&["!Run*"]) && names(&["!Terminate*"]));
        assert!(!names(&["Run*", "!RunInstances"]) && names(&["Run*", "!RunTask"]));
        // An event without an error has none of the codes, wanted or not.
        let codes = |code| Filter {
            error_codes: patterns(&[code]),
            ..Filter::default()
        };
        assert!(admits(codes("!AccessDenied")) && !admits(codes("AccessDenied")));
    }

    #[test]
    fn our_own_calls_are_known_by_the_name_of_the_application() {
        let filter = Filter {
            without_self: true,
            ..Filter::default()
        };
        for (agent, own) in [
            (
                "aws-sdk-rust/1.3 os/linux lang/rust/1.95 app/trailtab",
                true,
            ),
            ("[aws-sdk-rust/1.3 app/trailtab]", true),
            ("aws-sdk-rust/1.3 app/trailtables", false),
            ("aws-cli/2", false),
        ] {
            let record = Record {
                user_agent: Some(Text::plain(agent.as_bytes())),
                ..record()
            };
            assert_eq!(
                filter.admits(&record, Outcome::Succeeded, ""),
                !own,
                "{agent}"
            );
        }
    }

    #[test]
    fn services_match_by_their_short_name() {
        assert!(admits(Filter {
            sources: patterns(&["ec2"]),
            ..Filter::default()
        }));
        assert!(admits(Filter {
            sources: patterns(&["ec2.amazonaws.com"]),
            ..Filter::default()
        }));
        assert!(!admits(Filter {
            sources: patterns(&["ec"]),
            ..Filter::default()
        }));
    }

    #[test]
    fn addresses_match_by_network_and_names_by_pattern() {
        let origins = |text| Filter {
            origins: List::new(&[text], Origin::new),
            ..Filter::default()
        };
        assert!(admits(origins("2001:db8::/32")) && admits(origins("2001:db8:0:0::7")));
        assert!(!admits(origins("10.0.0.0/8")) && !admits(origins("*.amazonaws.com")));
        assert!(Origin::new("AWS Internal").matches("AWS Internal"));
    }

    #[test]
    fn user_agents_match_by_a_part() {
        let agents = |text| Filter {
            user_agents: List::new(&[text], Pattern::containing),
            ..Filter::default()
        };
        assert!(admits(agents("terraform")) && !admits(agents("terraform*")));
    }

    #[test]
    fn outcome_and_access() {
        let failed = Filter {
            activity_type: ActivityType::Failed,
            ..Filter::default()
        };
        assert!(!admits(failed.clone()));
        assert!(failed.admits(&record(), Outcome::Failed(None), ""));
        assert!(admits(Filter {
            access: Some(Access::WriteOnly),
            ..Filter::default()
        }));
        assert!(!admits(Filter {
            access: Some(Access::ReadOnly),
            ..Filter::default()
        }));
    }

    #[test]
    fn services_are_left_out_and_their_users_are_not() {
        let filter = Filter {
            without_aws_services: true,
            ..Filter::default()
        };
        let service = br#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#;
        assert!(!filter.admits_actor(&Actor::resolve(service), service));
        let user = br#"{"type":"IAMUser","accountId":"1","userName":"a","invokedBy":"cloudformation.amazonaws.com"}"#;
        assert!(filter.admits_actor(&Actor::resolve(user), user));
    }

    #[test]
    fn access_keys_are_those_that_signed() {
        let filter = Filter {
            access_keys: patterns(&["AKIAEXAMPLE1"]),
            ..Filter::default()
        };
        for (identity, admitted) in [
            (
                &br#"{"type":"IAMUser","accessKeyId":"AKIAEXAMPLE1"}"#[..],
                true,
            ),
            (br#"{"type":"IAMUser","accessKeyId":"AKIAEXAMPLE2"}"#, false),
            (br#"{"type":"IAMUser"}"#, false),
            (b"null", false),
            (b"", false),
        ] {
            let actor = Actor::resolve(identity);
            assert_eq!(filter.admits_actor(&actor, identity), admitted);
        }
    }
}
