//! What usage can be counted by.

use crate::activity::tally::NO_ERROR_CODE;
use crate::event::counter::CountedEvent;
use crate::event::identity::ResolvedActor;
use crate::event::intern::{Interner, RecentSymbols, Symbol};
use crate::event::needs::RecordNeeds;
use crate::event::record::{CallOutcome, UNKNOWN};
use crate::event::resource;
use crate::event::scan::JsonText;

/// A field of calls that counts are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallDimension {
    /// The account that recorded the call; `unknown` if the record does not say.
    Account,
    /// The region, `awsRegion`.
    Region,
    /// The service, `eventSource`.
    EventSource,
    /// The API, `eventName`.
    EventName,
    /// The principal, such as `ACCOUNT:role/NAME`.
    Principal,
    /// The name of the role session; empty for calls without a session.
    Session,
    /// The person behind the call; empty if the record names none.
    Person,
    /// The user agent, `userAgent`.
    UserAgent,
    /// The source address, `sourceIPAddress`.
    IpAddress,
    /// The error code of a call that failed; empty if it succeeded.
    ErrorCode,
    /// A resource that the call names. A call counts once for each, and under the empty name if it names none.
    Resource,
}

/// The number of dimensions.
pub(super) const MAX_DIMENSIONS: usize = 11;

/// Stands for the names that a key does not have.
const NO_NAME: Symbol = Symbol(u32::MAX);

/// The names under which calls are counted together, in the order of the tally's dimensions.
pub(super) type CallKey = [Symbol; MAX_DIMENSIONS];

/// The key without names.
pub(super) const EMPTY_KEY: CallKey = [NO_NAME; MAX_DIMENSIONS];

/// The names of a caller; only those that a dimension needs are set.
#[derive(Debug, Clone, Copy)]
pub struct CallerNames {
    principal: Symbol,
    session: Symbol,
    person: Symbol,
}

impl CallDimension {
    /// What the dimension needs to know of each event.
    pub(super) fn needs(self) -> RecordNeeds {
        let needs = RecordNeeds::default();
        match self {
            CallDimension::Principal | CallDimension::Session | CallDimension::Person => {
                RecordNeeds {
                    caller: true,
                    ..needs
                }
            }
            CallDimension::UserAgent => RecordNeeds {
                user_agent: true,
                ..needs
            },
            CallDimension::IpAddress => RecordNeeds {
                address: true,
                ..needs
            },
            CallDimension::Resource => RecordNeeds::WHOLE_RECORDS,
            CallDimension::Account
            | CallDimension::Region
            | CallDimension::EventSource
            | CallDimension::EventName
            | CallDimension::ErrorCode => needs,
        }
    }

    /// The name of a call in this dimension. `recent` are the last values of the dimension.
    /// The names of resources are not known yet.
    #[inline]
    pub(super) fn name(
        self,
        event: &CountedEvent<'_, '_>,
        caller: CallerNames,
        strings: &mut Interner,
        recent: &mut RecentSymbols,
    ) -> Symbol {
        let record = event.record;
        let text = match self {
            CallDimension::Account => record.recipient_account_id.unwrap_or(NO_ACCOUNT),
            CallDimension::Region => record.aws_region.unwrap_or(UNKNOWN),
            CallDimension::EventSource => record.event_source.unwrap_or(UNKNOWN),
            CallDimension::EventName => record.event_name.unwrap_or(UNKNOWN),
            CallDimension::UserAgent => record.user_agent.unwrap_or(UNKNOWN),
            CallDimension::IpAddress => record.source_ip_address.unwrap_or(UNKNOWN),
            CallDimension::ErrorCode => match event.outcome {
                CallOutcome::Succeeded => NOTHING,
                CallOutcome::Failed(code) => code.unwrap_or(NO_ERROR_CODE),
            },
            CallDimension::Principal => return caller.principal,
            CallDimension::Session => return caller.session,
            CallDimension::Person => return caller.person,
            CallDimension::Resource => NOTHING,
        };
        strings.recent_text(text, recent)
    }
}

const NOTHING: JsonText<'static> = JsonText::plain(b"");

/// The account of calls whose record does not name one.
const NO_ACCOUNT: JsonText<'static> = JsonText::plain(b"unknown");

impl CallerNames {
    /// The names of a caller that the dimensions need.
    pub(super) fn of(
        actor: &ResolvedActor,
        dimensions: &[CallDimension],
        strings: &mut Interner,
    ) -> CallerNames {
        let mut name = |dimension, name: Option<&str>| match dimensions.contains(&dimension) {
            true => strings.string(name.unwrap_or_default()),
            false => NO_NAME,
        };
        let person = actor.person.as_ref().map(|person| person.name.as_str());
        CallerNames {
            principal: name(CallDimension::Principal, Some(&actor.principal)),
            session: name(CallDimension::Session, actor.session.as_deref()),
            person: name(CallDimension::Person, person),
        }
    }
}

/// The resources that a call names, each once; one empty name if there is none. Objects of S3 count for their
/// bucket: there may be as many objects as calls.
pub(super) fn resources(event: &CountedEvent<'_, '_>) -> Vec<String> {
    let found = resource::resources_of(event.record).list.into_iter();
    let keys = found.map(|resource| resource.key.bucket_of_object().unwrap_or(resource.key));
    let mut names: Vec<String> = keys.map(|key| key.as_str().to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        names.push(String::new());
    }
    names
}
