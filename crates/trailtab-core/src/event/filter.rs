//! Filters that decide which events are counted.
//!
//! The values of one filter are alternatives; values that start with `!` are exceptions. An event
//! must pass all filters. Patterns match the whole value, support `*` and `?`, and ignore case.

mod criterion;
mod pattern;

use std::borrow::Cow;
use std::ops::ControlFlow;

pub use criterion::{Criterion, Refusals};
pub use pattern::{OriginPattern, TextPattern, network};

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
    /// Leaves only the calls that AWS refused; see [`EventRecord::is_denied`].
    pub only_denied: bool,
    /// Principals, such as `ACCOUNT:role/NAME`.
    pub principals: FilterList<TextPattern>,
    /// Persons; events without a person have the empty name.
    pub persons: FilterList<TextPattern>,
    /// Access key ids in `userIdentity`; identities without one have the empty id.
    pub access_keys: FilterList<TextPattern>,
    /// Services, with or without the domain: `ec2.amazonaws.com` or `ec2`.
    pub sources: FilterList<TextPattern>,
    /// APIs, `eventName`, with or without the date of their version.
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
        if self.only_denied {
            ask(record.is_denied(outcome), Criterion::Denied)?;
        }
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
        ask(self.admits_name(record.event_name), Criterion::EventName)?;
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
            Criterion::Denied
            | Criterion::ReadOnly
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

    /// `CreateFunction` is short for `CreateFunction20150331`.
    fn admits_name(&self, name: Option<JsonText<'_>>) -> bool {
        if self.names.is_empty() {
            return true;
        }
        match name.map(JsonText::decode) {
            Some(name) => {
                let short = without_version(&name);
                let matches = |pattern: &TextPattern| {
                    pattern.matches(&name) || (short.len() < name.len() && pattern.matches(short))
                };
                self.names.admits(matches)
            }
            None => self.names.wanted.is_empty(),
        }
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

/// An API's name without the date of its version, which Lambda and CloudFront append:
/// `GetFunction20150331v2`, `CreateDistribution2020_05_31`.
pub fn without_version(name: &str) -> &str {
    let digits = |text: &str| text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let of_revision = digits(name);
    let before = &name[..name.len() - of_revision];
    let dated = match before.strip_suffix('v').filter(|_| of_revision > 0) {
        Some(dated) => dated,
        None => name,
    };
    let date = dated
        .bytes()
        .rev()
        .take_while(|b| b.is_ascii_digit() || *b == b'_');
    let (short, date) = dated.split_at(dated.len() - date.count());
    let parts: Vec<usize> = date.split('_').map(str::len).collect();
    let is_date = matches!(parts.as_slice(), [8] | [4, 2, 2]) && date.starts_with("20");
    match is_date && !short.is_empty() {
        true => short,
        false => name,
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
mod tests;
