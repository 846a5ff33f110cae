//! Filters that decide which events are counted.
//!
//! The values of one filter are alternatives; values that start with `!` are exceptions. An event
//! must pass all filters. Patterns match the whole value, support `*` and `?`, and ignore case.

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::str::FromStr;

use ipnet::IpNet;
use wildmatch::WildMatch;

use crate::activity::tally::UNKNOWN;
use crate::event::identity::{ResolvedActor, access_key};
use crate::event::record::{CallOutcome, EventRecord};
use crate::event::scan::JsonText;
use crate::scope::AccountId;

/// The outcome of a call, as in `--activity-type` of aws-summarize-account-activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ActivityType {
    /// All calls.
    #[default]
    All,
    /// Calls without an error code and error message.
    Successful,
    /// Calls with an error code or an error message.
    Failed,
}

impl ActivityType {
    /// The name in aws-summarize-account-activity: `ALL`, `SUCCESSFUL` or `FAILED`.
    pub fn name(self) -> &'static str {
        match self {
            ActivityType::All => "ALL",
            ActivityType::Successful => "SUCCESSFUL",
            ActivityType::Failed => "FAILED",
        }
    }
}

/// Whether a call changes anything. A record without `readOnly` is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessKind {
    /// Calls whose record says `readOnly: true`.
    ReadOnly,
    /// Calls whose record says `readOnly: false`.
    WriteOnly,
}

/// What a filter compares; each is an option of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Criterion {
    /// The outcome of the call, `--activity-type`.
    ActivityType,
    /// The principal, `--principal`.
    Principal,
    /// The person behind the principal, `--person`.
    Person,
    /// The access key in `userIdentity`, `--access-key-id`.
    AccessKey,
    /// The service, `--event-source`.
    EventSource,
    /// The API, `--event-name`.
    EventName,
    /// The error code of a failed call, `--error-code`.
    ErrorCode,
    /// The address in `sourceIPAddress`, `--ip`.
    Ip,
    /// The `userAgent`, `--user-agent`.
    UserAgent,
    /// The region, `--region`.
    Region,
    /// The account that recorded the event, `--account`.
    Account,
    /// Calls whose record says `readOnly: true`, `--read-only`.
    ReadOnly,
    /// Calls whose record says `readOnly: false`, `--write-only`.
    WriteOnly,
    /// Calls that AWS services made, left out by `--exclude-aws-services`.
    ExcludeAwsServices,
    /// Calls of this program, left out by `--exclude-self`.
    ExcludeSelf,
}

impl Criterion {
    /// All criteria, in the order of their declaration.
    pub const ALL: [Criterion; 15] = [
        Criterion::ActivityType,
        Criterion::Principal,
        Criterion::Person,
        Criterion::AccessKey,
        Criterion::EventSource,
        Criterion::EventName,
        Criterion::ErrorCode,
        Criterion::Ip,
        Criterion::UserAgent,
        Criterion::Region,
        Criterion::Account,
        Criterion::ReadOnly,
        Criterion::WriteOnly,
        Criterion::ExcludeAwsServices,
        Criterion::ExcludeSelf,
    ];

    /// The option that sets the filter.
    pub fn option(self) -> &'static str {
        match self {
            Criterion::ActivityType => "--activity-type",
            Criterion::Principal => "--principal",
            Criterion::Person => "--person",
            Criterion::AccessKey => "--access-key-id",
            Criterion::EventSource => "--event-source",
            Criterion::EventName => "--event-name",
            Criterion::ErrorCode => "--error-code",
            Criterion::Ip => "--ip",
            Criterion::UserAgent => "--user-agent",
            Criterion::Region => "--region",
            Criterion::Account => "--account",
            Criterion::ReadOnly => "--read-only",
            Criterion::WriteOnly => "--write-only",
            Criterion::ExcludeAwsServices => "--exclude-aws-services",
            Criterion::ExcludeSelf => "--exclude-self",
        }
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// The filters that refuse an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refusals(u16);

impl Refusals {
    /// Tells whether no filter refuses the event.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The refusals of both.
    pub fn and(self, other: Refusals) -> Refusals {
        Refusals(self.0 | other.0)
    }

    /// Tells whether the filter of this criterion refuses the event.
    pub fn has(self, criterion: Criterion) -> bool {
        self.0 & criterion.bit() != 0
    }

    /// Tells whether exactly one filter refuses the event.
    pub fn is_one(self) -> bool {
        self.0.is_power_of_two()
    }

    fn add(&mut self, criterion: Criterion, refuses: bool) {
        if refuses {
            self.0 |= criterion.bit();
        }
    }
}

/// A pattern that matches a whole text.
#[derive(Debug, Clone)]
pub struct TextPattern(WildMatch);

impl TextPattern {
    /// Creates a pattern that matches a whole text. `*` stands for any characters, `?` for exactly
    /// one; case is ignored.
    pub fn new(pattern: &str) -> Self {
        TextPattern(WildMatch::new_case_insensitive(pattern))
    }

    /// Creates a pattern. Without a wildcard, it matches any text that contains it.
    pub fn containing(pattern: &str) -> Self {
        if pattern.contains(['*', '?']) {
            TextPattern::new(pattern)
        } else {
            TextPattern::new(&format!("*{pattern}*"))
        }
    }

    /// Tells whether the pattern matches the whole text.
    pub fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
    }
}

/// A network, or a pattern for values that are not addresses.
#[derive(Debug, Clone)]
pub enum OriginPattern {
    /// A network in CIDR notation; it matches the addresses inside.
    Network(IpNet),
    /// A pattern for any other value of `sourceIPAddress`, such as a service's DNS name.
    Name(TextPattern),
}

/// Parses a network. An address is the network that contains only this address.
pub fn network(text: &str) -> Option<IpNet> {
    let address = || IpAddr::from_str(text).map(IpNet::from);
    IpNet::from_str(text).or_else(|_| address()).ok()
}

impl OriginPattern {
    /// Reads an address or a network; other text becomes a pattern.
    pub fn new(text: &str) -> Self {
        match network(text) {
            Some(network) => OriginPattern::Network(network),
            None => OriginPattern::Name(TextPattern::new(text)),
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            OriginPattern::Network(network) => {
                IpAddr::from_str(text).is_ok_and(|address| network.contains(&address))
            }
            OriginPattern::Name(pattern) => pattern.matches(text),
        }
    }
}

/// The values of one filter. An empty list admits everything.
#[derive(Debug, Clone)]
pub struct FilterList<T> {
    wanted: Vec<T>,
    unwanted: Vec<T>,
    /// The values as they were entered.
    given: Vec<String>,
}

impl<T> Default for FilterList<T> {
    fn default() -> Self {
        FilterList {
            wanted: Vec::new(),
            unwanted: Vec::new(),
            given: Vec::new(),
        }
    }
}

impl<T> FilterList<T> {
    /// Parses values; a leading `!` makes a value an exception.
    pub fn new(values: &[impl AsRef<str>], read: impl Fn(&str) -> T) -> Self {
        let mut list = FilterList::default();
        for value in values.iter().map(AsRef::as_ref) {
            match value.strip_prefix('!') {
                Some(value) => list.unwanted.push(read(value)),
                None => list.wanted.push(read(value)),
            }
            list.given.push(value.to_owned());
        }
        list
    }

    /// The value, if there is exactly one and it is not a pattern.
    pub fn only(&self) -> Option<&str> {
        match self.given.as_slice() {
            [value] if !value.contains(['*', '?', '!']) => Some(value),
            _ => None,
        }
    }

    fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.unwanted.is_empty()
    }

    fn admits(&self, matches: impl Fn(&T) -> bool) -> bool {
        (self.wanted.is_empty() || self.wanted.iter().any(&matches))
            && !self.unwanted.iter().any(&matches)
    }
}

impl FilterList<TextPattern> {
    /// Tells whether a text is admitted. An absent text matches no value.
    fn admits_text(&self, text: Option<JsonText<'_>>) -> bool {
        if self.is_empty() {
            return true;
        }
        match text.map(JsonText::decode) {
            Some(text) => self.admits(|pattern| pattern.matches(&text)),
            None => self.wanted.is_empty(),
        }
    }
}

/// All filters of a run.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Which calls by their outcome.
    pub activity_type: ActivityType,
    /// Principals, such as `ACCOUNT:role/NAME`.
    pub principals: FilterList<TextPattern>,
    /// Persons; events without a person have the empty name.
    pub persons: FilterList<TextPattern>,
    /// Access key ids in `userIdentity`; identities without one have the empty id.
    pub access_keys: FilterList<TextPattern>,
    /// Services, with or without the domain: `ec2.amazonaws.com` or `ec2`.
    pub sources: FilterList<TextPattern>,
    /// APIs, `eventName`.
    pub names: FilterList<TextPattern>,
    /// Error codes of failed calls.
    pub error_codes: FilterList<TextPattern>,
    /// Addresses, networks and names in `sourceIPAddress`.
    pub origins: FilterList<OriginPattern>,
    /// User agents.
    pub user_agents: FilterList<TextPattern>,
    /// Regions, `awsRegion`.
    pub regions: FilterList<TextPattern>,
    /// Accounts that recorded the event, `recipientAccountId`.
    pub accounts: FilterList<TextPattern>,
    /// Read-only or write-only calls; not set for both, and for records that do not say.
    pub access: Option<AccessKind>,
    /// Leaves out the calls of AWS services.
    pub without_aws_services: bool,
    /// Leaves out the calls of this program.
    pub without_self: bool,
}

/// The app ID that aws.rs sets; it appears in the user agent of our calls.
const SELF: &str = "app/trailtab";

impl EventFilter {
    /// Tells whether any filter needs the actor of a call.
    pub fn asks_for_actors(&self) -> bool {
        let lists = [
            &self.principals,
            &self.persons,
            &self.access_keys,
            &self.accounts,
        ];
        self.without_aws_services || lists.iter().any(|list| !list.is_empty())
    }

    /// Returns the filters that refuse an actor's events; `identity` is the JSON of its
    /// userIdentity.
    pub fn actor_refusals(&self, actor: &ResolvedActor, identity: &[u8]) -> Refusals {
        let person = actor.person.as_ref().map_or("", |person| &person.name);
        let mut refusals = Refusals::default();
        let principals = &self.principals;
        let admits = principals.admits(|pattern| pattern.matches(&actor.principal));
        refusals.add(Criterion::Principal, !admits);
        let admits = self.persons.admits(|pattern| pattern.matches(person));
        refusals.add(Criterion::Person, !admits);
        refusals.add(Criterion::AccessKey, !self.admits_access_key(identity));
        let is_excluded = self.without_aws_services && actor.is_aws_service();
        refusals.add(Criterion::ExcludeAwsServices, is_excluded);
        refusals
    }

    fn admits_access_key(&self, identity: &[u8]) -> bool {
        if self.access_keys.is_empty() {
            return true;
        }
        let key = access_key(identity).unwrap_or_default();
        self.access_keys.admits(|pattern| pattern.matches(&key))
    }

    /// Tells whether all filters that do not depend on the actor admit an event. A missing field
    /// has the value that stands for it in results; `account` is used if the record has no
    /// recipientAccountId.
    #[inline]
    pub fn admits(
        &self,
        record: &EventRecord<'_>,
        outcome: CallOutcome<'_>,
        account: &str,
    ) -> bool {
        let stop = |_| ControlFlow::Break(());
        self.each_refusal(record, outcome, account, stop)
            .is_continue()
    }

    /// Returns the filters that refuse an event, without those that depend on the actor.
    pub fn refusals(
        &self,
        record: &EventRecord<'_>,
        outcome: CallOutcome<'_>,
        account: &str,
    ) -> Refusals {
        let mut refusals = Refusals::default();
        let _ = self.each_refusal(record, outcome, account, |criterion| {
            refusals.add(criterion, true);
            ControlFlow::Continue(())
        });
        refusals
    }

    /// Calls `refused` for each filter that refuses an event, until it breaks.
    #[inline]
    fn each_refusal(
        &self,
        record: &EventRecord<'_>,
        outcome: CallOutcome<'_>,
        account: &str,
        mut refused: impl FnMut(Criterion) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut ask = |admits: bool, criterion| match admits {
            true => ControlFlow::Continue(()),
            false => refused(criterion),
        };
        let failed = outcome != CallOutcome::Succeeded;
        let by_outcome = match self.activity_type {
            ActivityType::All => true,
            ActivityType::Successful => !failed,
            ActivityType::Failed => failed,
        };
        ask(by_outcome, Criterion::ActivityType)?;
        match self.access {
            None => {}
            Some(AccessKind::ReadOnly) => ask(record.read_only == Some(true), Criterion::ReadOnly)?,
            Some(AccessKind::WriteOnly) => {
                ask(record.read_only == Some(false), Criterion::WriteOnly)?;
            }
        }
        let code = match outcome {
            CallOutcome::Failed(code) => code,
            CallOutcome::Succeeded => None,
        };
        ask(
            self.names.admits_text(record.event_name),
            Criterion::EventName,
        )?;
        ask(self.error_codes.admits_text(code), Criterion::ErrorCode)?;
        let user_agent = record.user_agent.or(Some(UNKNOWN));
        ask(
            self.user_agents.admits_text(user_agent),
            Criterion::UserAgent,
        )?;
        let region = record.aws_region.or(Some(UNKNOWN));
        ask(self.regions.admits_text(region), Criterion::Region)?;
        let recorder = record.recipient_account_id;
        ask(self.admits_recorder(recorder, account), Criterion::Account)?;
        ask(
            self.admits_source(record.event_source),
            Criterion::EventSource,
        )?;
        ask(self.admits_origin(record.source_ip_address), Criterion::Ip)?;
        let is_own = self.without_self && is_self(record.user_agent);
        ask(!is_own, Criterion::ExcludeSelf)
    }

    /// The values of a filter as they were entered.
    pub fn given(&self, criterion: Criterion) -> Vec<String> {
        let given = match criterion {
            Criterion::ActivityType => return vec![self.activity_type.name().to_owned()],
            Criterion::Principal => &self.principals.given,
            Criterion::Person => &self.persons.given,
            Criterion::AccessKey => &self.access_keys.given,
            Criterion::EventSource => &self.sources.given,
            Criterion::EventName => &self.names.given,
            Criterion::ErrorCode => &self.error_codes.given,
            Criterion::Ip => &self.origins.given,
            Criterion::UserAgent => &self.user_agents.given,
            Criterion::Region => &self.regions.given,
            Criterion::Account => &self.accounts.given,
            Criterion::ReadOnly
            | Criterion::WriteOnly
            | Criterion::ExcludeAwsServices
            | Criterion::ExcludeSelf => return Vec::new(),
        };
        given.clone()
    }

    /// Tells whether the filter admits an account.
    pub fn admits_account(&self, account: &str) -> bool {
        self.accounts.admits(|pattern| pattern.matches(account))
    }

    /// Tells whether the filter admits a region.
    pub fn admits_region(&self, region: &str) -> bool {
        self.regions.admits(|pattern| pattern.matches(region))
    }

    fn admits_recorder(&self, recorder: Option<JsonText<'_>>, otherwise: &str) -> bool {
        if self.accounts.is_empty() {
            return true;
        }
        let recorder = recorder.map(JsonText::decode);
        self.admits_account(recorder.as_deref().unwrap_or(otherwise))
    }

    /// `ec2` is short for `ec2.amazonaws.com`.
    fn admits_source(&self, source: Option<JsonText<'_>>) -> bool {
        if self.sources.is_empty() {
            return true;
        }
        let source = source.unwrap_or(UNKNOWN).decode();
        let short = source.split_once('.').map_or(&*source, |(short, _)| short);
        let matches = |pattern: &TextPattern| pattern.matches(&source) || pattern.matches(short);
        self.sources.admits(matches)
    }

    fn admits_origin(&self, address: Option<JsonText<'_>>) -> bool {
        if self.origins.is_empty() {
            return true;
        }
        let address = address.unwrap_or(UNKNOWN).decode();
        self.origins.admits(|origin| origin.matches(&address))
    }
}

/// Tells whether a text is an account id: twelve digits.
pub fn is_account_id(text: &str) -> bool {
    text.parse::<AccountId>().is_ok()
}

/// The value of an event that a filter compares, if it is a text and does not belong to the actor.
pub fn value<'r>(
    criterion: Criterion,
    record: &EventRecord<'r>,
    outcome: CallOutcome<'r>,
) -> Option<JsonText<'r>> {
    match criterion {
        Criterion::EventSource => Some(record.event_source.unwrap_or(UNKNOWN)),
        Criterion::EventName => record.event_name,
        Criterion::ErrorCode => match outcome {
            CallOutcome::Failed(code) => code,
            CallOutcome::Succeeded => None,
        },
        Criterion::Ip => Some(record.source_ip_address.unwrap_or(UNKNOWN)),
        Criterion::UserAgent => Some(record.user_agent.unwrap_or(UNKNOWN)),
        Criterion::Region => Some(record.aws_region.unwrap_or(UNKNOWN)),
        Criterion::Account => record.recipient_account_id,
        _ => None,
    }
}

/// The value of an actor that a filter compares, if it is a text and does not belong to the event.
pub fn actor_value<'a>(
    criterion: Criterion,
    actor: &'a ResolvedActor,
    identity: &[u8],
) -> Option<Cow<'a, str>> {
    match criterion {
        Criterion::Principal => Some(Cow::Borrowed(&actor.principal)),
        Criterion::Person => Some(Cow::Borrowed(&actor.person.as_ref()?.name)),
        Criterion::AccessKey => access_key(identity).map(Cow::Owned),
        _ => None,
    }
}

fn is_self(user_agent: Option<JsonText<'_>>) -> bool {
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

    fn record() -> EventRecord<'static> {
        EventRecord {
            event_source: Some(JsonText::plain(b"ec2.amazonaws.com")),
            event_name: Some(JsonText::plain(b"RunInstances")),
            aws_region: Some(JsonText::plain(b"eu-west-1")),
            source_ip_address: Some(JsonText::plain(b"2001:db8::7")),
            user_agent: Some(JsonText::plain(b"APN/1.0 HashiCorp/1.0 Terraform/1.7.5")),
            read_only: Some(false),
            ..EventRecord::default()
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "filters are written where they are used"
    )]
    fn admits(filter: EventFilter) -> bool {
        filter.admits(&record(), CallOutcome::Succeeded, "111122223333")
    }

    fn patterns(patterns: &[&str]) -> FilterList<TextPattern> {
        FilterList::new(patterns, TextPattern::new)
    }

    #[test]
    fn values_are_alternatives_and_filters_combine() {
        let names = patterns(&["Describe*", "run*"]);
        assert!(admits(EventFilter {
            names: names.clone(),
            ..EventFilter::default()
        }));
        let regions = patterns(&["us-*"]);
        assert!(!admits(EventFilter {
            names,
            regions,
            ..EventFilter::default()
        }));
    }

    #[test]
    fn exceptions_begin_with_an_exclamation_mark() {
        let names = |names: &[&str]| {
            let names = patterns(names);
            admits(EventFilter {
                names,
                ..EventFilter::default()
            })
        };
        assert!(!names(&["!Run*"]) && names(&["!Terminate*"]));
        assert!(!names(&["Run*", "!RunInstances"]) && names(&["Run*", "!RunTask"]));
        // An event without an error matches no code, and is admitted by exceptions only.
        let codes = |code| EventFilter {
            error_codes: patterns(&[code]),
            ..EventFilter::default()
        };
        assert!(admits(codes("!AccessDenied")) && !admits(codes("AccessDenied")));
    }

    #[test]
    fn our_own_calls_are_known_by_the_name_of_the_application() {
        let filter = EventFilter {
            without_self: true,
            ..EventFilter::default()
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
            let record = EventRecord {
                user_agent: Some(JsonText::plain(agent.as_bytes())),
                ..record()
            };
            assert_eq!(
                filter.admits(&record, CallOutcome::Succeeded, ""),
                !own,
                "{agent}"
            );
        }
    }

    #[test]
    fn services_match_by_their_short_name() {
        assert!(admits(EventFilter {
            sources: patterns(&["ec2"]),
            ..EventFilter::default()
        }));
        assert!(admits(EventFilter {
            sources: patterns(&["ec2.amazonaws.com"]),
            ..EventFilter::default()
        }));
        assert!(!admits(EventFilter {
            sources: patterns(&["ec"]),
            ..EventFilter::default()
        }));
    }

    #[test]
    fn addresses_match_by_network_and_names_by_pattern() {
        let origins = |text| EventFilter {
            origins: FilterList::new(&[text], OriginPattern::new),
            ..EventFilter::default()
        };
        assert!(admits(origins("2001:db8::/32")) && admits(origins("2001:db8:0:0::7")));
        assert!(!admits(origins("10.0.0.0/8")) && !admits(origins("*.amazonaws.com")));
        assert!(OriginPattern::new("AWS Internal").matches("AWS Internal"));
    }

    #[test]
    fn user_agents_match_by_a_part() {
        let agents = |text| EventFilter {
            user_agents: FilterList::new(&[text], TextPattern::containing),
            ..EventFilter::default()
        };
        assert!(admits(agents("terraform")) && !admits(agents("terraform*")));
    }

    #[test]
    fn outcome_and_access() {
        let failed = EventFilter {
            activity_type: ActivityType::Failed,
            ..EventFilter::default()
        };
        assert!(!admits(failed.clone()));
        assert!(failed.admits(&record(), CallOutcome::Failed(None), ""));
        assert!(admits(EventFilter {
            access: Some(AccessKind::WriteOnly),
            ..EventFilter::default()
        }));
        assert!(!admits(EventFilter {
            access: Some(AccessKind::ReadOnly),
            ..EventFilter::default()
        }));
    }

    #[test]
    fn services_are_left_out_and_their_users_are_not() {
        let filter = EventFilter {
            without_aws_services: true,
            ..EventFilter::default()
        };
        let service = br#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#;
        assert!(
            !filter
                .actor_refusals(&ResolvedActor::resolve(service), service)
                .is_empty()
        );
        let user = br#"{"type":"IAMUser","accountId":"1","userName":"a","invokedBy":"cloudformation.amazonaws.com"}"#;
        assert!(
            filter
                .actor_refusals(&ResolvedActor::resolve(user), user)
                .is_empty()
        );
    }

    #[test]
    fn access_keys_are_those_that_signed() {
        let filter = EventFilter {
            access_keys: patterns(&["AKIAEXAMPLE1"]),
            ..EventFilter::default()
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
            let actor = ResolvedActor::resolve(identity);
            let refusals = filter.actor_refusals(&actor, identity);
            assert_eq!(refusals.is_empty(), admitted);
        }
    }

    #[test]
    fn every_filter_that_refuses_is_named() {
        let filter = EventFilter {
            names: patterns(&["Run*"]),
            regions: patterns(&["eu-wst-1"]),
            access: Some(AccessKind::ReadOnly),
            ..EventFilter::default()
        };
        let refusals = filter.refusals(&record(), CallOutcome::Succeeded, "");
        let named = Criterion::ALL.into_iter().filter(|one| refusals.has(*one));
        let options: Vec<_> = named.map(Criterion::option).collect();
        assert_eq!(options, ["--region", "--read-only"]);
        assert!(!refusals.is_one());
        assert_eq!(filter.given(Criterion::Region), ["eu-wst-1"]);
    }

    #[test]
    fn each_criterion_has_a_place_of_its_own() {
        for (place, criterion) in Criterion::ALL.into_iter().enumerate() {
            assert_eq!(criterion as usize, place);
        }
    }
}
