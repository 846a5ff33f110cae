//! Compares events with filters.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::api_name::without_version;
use super::asked::{AccessKind, ActivityType, EventFilter, FilterValues};
use super::criterion::{Criterion, Refusals};
use super::pattern::{OriginPattern, TextPattern};
use super::request::RequestPattern;
use super::resource::ResourcePattern;
use crate::event::identity::{ResolvedActor, access_key};
use crate::event::needs::RecordNeeds;
use crate::event::record::{CallOutcome, EventRecord, UNKNOWN};
use crate::event::resource;
use crate::event::scan::JsonText;

/// The patterns of one filter. An empty list admits everything.
#[derive(Debug, Clone)]
struct PatternList<T> {
    wanted: Vec<T>,
    unwanted: Vec<T>,
}

impl<T> PatternList<T> {
    fn new(values: &FilterValues, read: impl Fn(&str) -> T) -> Self {
        PatternList {
            wanted: values.wanted().map(&read).collect(),
            unwanted: values.exceptions().map(&read).collect(),
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

impl PatternList<TextPattern> {
    /// Returns whether a text is admitted. An absent text matches no value.
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

/// The filters by account and region: they decide what is read of a source, too.
#[derive(Debug, Clone)]
pub struct ScopeMatcher {
    accounts: PatternList<TextPattern>,
    regions: PatternList<TextPattern>,
}

impl ScopeMatcher {
    /// Makes a matcher of the filters by account and region.
    pub fn new(filter: &EventFilter) -> ScopeMatcher {
        ScopeMatcher {
            accounts: PatternList::new(&filter.accounts, TextPattern::new),
            regions: PatternList::new(&filter.regions, TextPattern::new),
        }
    }

    /// Returns whether the filter admits an account.
    pub fn admits_account(&self, account: &str) -> bool {
        self.accounts.admits(|pattern| pattern.matches(account))
    }

    /// Returns whether the filter admits a region.
    pub fn admits_region(&self, region: &str) -> bool {
        self.regions.admits(|pattern| pattern.matches(region))
    }
}

/// The filters of a run, ready to be compared with events.
#[derive(Debug, Clone)]
pub struct EventMatcher {
    /// True if there is no filter.
    admits_all: bool,
    activity_type: ActivityType,
    only_denied: bool,
    principals: PatternList<TextPattern>,
    persons: PatternList<TextPattern>,
    sessions: PatternList<TextPattern>,
    access_keys: PatternList<TextPattern>,
    sources: PatternList<TextPattern>,
    names: PatternList<TextPattern>,
    resources: PatternList<ResourcePattern>,
    requests: PatternList<Option<RequestPattern>>,
    error_codes: PatternList<TextPattern>,
    origins: PatternList<OriginPattern>,
    user_agents: PatternList<TextPattern>,
    scopes: ScopeMatcher,
    access: Option<AccessKind>,
    without_aws_services: bool,
    without_self: bool,
    /// The function whose invocations are left out.
    not_invoked: Option<ResourcePattern>,
}

/// The app ID that aws.rs sets; it appears in the user agent of our calls.
const SELF: &str = "app/trailtab";

impl EventMatcher {
    /// Makes a matcher of what was asked for.
    pub fn new(filter: &EventFilter) -> EventMatcher {
        let patterns = |values: &FilterValues| PatternList::new(values, TextPattern::new);
        EventMatcher {
            admits_all: *filter == EventFilter::default(),
            activity_type: filter.activity_type,
            only_denied: filter.only_denied,
            principals: patterns(&filter.principals),
            persons: patterns(&filter.persons),
            sessions: patterns(&filter.sessions),
            access_keys: patterns(&filter.access_keys),
            sources: patterns(&filter.sources),
            names: patterns(&filter.names),
            resources: PatternList::new(&filter.resources, ResourcePattern::new),
            // A value that is not written as `PATH=PATTERN` matches nothing; the command line refuses it.
            requests: PatternList::new(&filter.requests, |text| text.parse().ok()),
            error_codes: patterns(&filter.error_codes),
            origins: PatternList::new(&filter.origins, OriginPattern::new),
            user_agents: PatternList::new(&filter.user_agents, TextPattern::containing),
            scopes: ScopeMatcher::new(filter),
            access: filter.access,
            without_aws_services: filter.without_aws_services,
            without_self: filter.without_self,
            not_invoked: (filter.without_invocations_of.as_deref()).map(ResourcePattern::new),
        }
    }

    /// Returns whether any filter needs the actor of a call.
    pub fn asks_for_actors(&self) -> bool {
        let lists = [
            &self.principals,
            &self.persons,
            &self.sessions,
            &self.access_keys,
            &self.scopes.accounts,
        ];
        self.without_aws_services || lists.iter().any(|list| !list.is_empty())
    }

    /// What the filters need to know of each event.
    pub fn needs(&self) -> RecordNeeds {
        let whole =
            !self.resources.is_empty() || !self.requests.is_empty() || self.not_invoked.is_some();
        if whole {
            return RecordNeeds::WHOLE_RECORDS;
        }
        RecordNeeds {
            caller: self.asks_for_actors(),
            access_key: !self.access_keys.is_empty(),
            address: !self.origins.is_empty(),
            user_agent: !self.user_agents.is_empty() || self.without_self,
            ..RecordNeeds::default()
        }
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
        let session = actor.session.as_deref().unwrap_or_default();
        let admits = self.sessions.admits(|pattern| pattern.matches(session));
        refusals.add(Criterion::Session, !admits);
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

    /// Returns whether all filters that do not depend on the actor admit an event. A missing field
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
        self.admits_all
            || self
                .each_refusal(record, outcome, account, stop)
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
        ask(self.scopes.regions.admits_text(region), Criterion::Region)?;
        let recorder = record.recipient_account_id;
        ask(self.admits_recorder(recorder, account), Criterion::Account)?;
        ask(
            self.admits_source(record.event_source),
            Criterion::EventSource,
        )?;
        ask(self.admits_origin(record.source_ip_address), Criterion::Ip)?;
        let is_own = self.without_self && is_self(record.user_agent);
        ask(
            !is_own && !self.is_left_invocation(record),
            Criterion::ExcludeSelf,
        )?;
        // The last ones, because they read the record again.
        ask(self.admits_resources(record), Criterion::Resource)?;
        ask(self.admits_request(record), Criterion::Request)
    }

    fn admits_recorder(&self, recorder: Option<JsonText<'_>>, otherwise: &str) -> bool {
        if self.scopes.accounts.is_empty() {
            return true;
        }
        let recorder = recorder.map(JsonText::decode);
        self.scopes
            .admits_account(recorder.as_deref().unwrap_or(otherwise))
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

    /// An event is admitted if one of its resources is. An exception refuses the events that name it.
    fn admits_resources(&self, record: &EventRecord<'_>) -> bool {
        if self.resources.is_empty() {
            return true;
        }
        let named = resource::resources_of(record).list;
        self.resources
            .admits(|pattern| named.iter().any(|resource| pattern.matches(resource)))
    }

    /// Different paths are different filters: of each path, one of the patterns must match.
    fn admits_request(&self, record: &EventRecord<'_>) -> bool {
        let PatternList { wanted, unwanted } = &self.requests;
        let matches = |pattern: &RequestPattern| pattern.matches(record);
        let one_of_path_matches = |pattern: &RequestPattern| {
            let same = |other: &&RequestPattern| other.has_path_of(pattern);
            wanted.iter().flatten().filter(same).any(matches)
        };
        wanted
            .iter()
            .all(|pattern| pattern.as_ref().is_some_and(one_of_path_matches))
            && !unwanted.iter().flatten().any(matches)
    }

    /// Returns whether an event is an invocation of the function whose invocations are left out.
    fn is_left_invocation(&self, record: &EventRecord<'_>) -> bool {
        let Some(function) = &self.not_invoked else {
            return false;
        };
        let is = |text: Option<JsonText<'_>>, value| text.is_some_and(|text| text.is(value));
        is(record.event_source, "lambda.amazonaws.com")
            && is(record.event_name, "Invoke")
            && (resource::resources_of(record).list.iter()).any(|it| function.matches(it))
    }

    fn admits_origin(&self, address: Option<JsonText<'_>>) -> bool {
        if self.origins.is_empty() {
            return true;
        }
        let address = address.unwrap_or(UNKNOWN).decode();
        self.origins.admits(|origin| origin.matches(&address))
    }
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
        Criterion::Session => Some(Cow::Borrowed(actor.session.as_deref()?)),
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
