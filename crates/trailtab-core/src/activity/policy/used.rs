//! Counts calls by what decides whether a policy needs their actions.

use std::sync::LazyLock;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::event::counter::{CountedEvent, EventCounter};
use crate::event::identity::ResolvedActor;
use crate::event::intern::{Interner, Symbol};
use crate::event::json_path::JsonPath;
use crate::event::needs::RecordNeeds;
use crate::event::record::{CallOutcome, EventRecord, UNKNOWN};

/// The `eventType` of API calls; the other types are of the console, of services and of networks.
const API_CALL: &str = "AwsApiCall";

/// The eventSource that Application Auto Scaling and AWS Auto Scaling share with Amazon EC2 Auto Scaling, as their user
/// guides show. `additionalEventData.service` tells which of them it is; EC2's records do not have it.
const SHARED_SOURCE: &str = "autoscaling.amazonaws.com";

static SERVICE: LazyLock<Option<JsonPath>> = LazyLock::new(|| "service".parse().ok());

/// Numbers need no seed: an attacker chooses strings, not their numbers.
type NumberMap<K, V> = HashMap<K, V, FixedState>;

/// How much a counter holds before it gives up: far more than a policy can have, and little memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct UsedLimits {
    /// Number of pairs of caller and API.
    pub(super) rows: usize,
    /// Size of all distinct names in bytes.
    pub(super) text_bytes: usize,
}

impl Default for UsedLimits {
    fn default() -> UsedLimits {
        UsedLimits {
            rows: 500_000,
            text_bytes: 64 << 20,
        }
    }
}

/// Calls by principal, API and outcome, and by the service that made them for the principal. A
/// [`super::UsedPolicy`] is made of it.
#[derive(Debug, Default)]
pub struct UsedCalls {
    limits: UsedLimits,
    /// Whether the calls exceed the limits. What was counted before is incomplete.
    is_full: bool,
    strings: Interner,
    callers: Vec<Caller<Symbol>>,
    caller_numbers: NumberMap<Caller<Symbol>, usize>,
    calls: NumberMap<UsedApi, CallEnds>,
}

/// Who makes calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Caller<T> {
    /// The principal, such as `ACCOUNT:role/NAME`.
    pub(super) principal: T,
    /// The AWS service that makes the calls with the principal's identity; None if the principal makes
    /// them itself.
    pub(super) service: Option<T>,
    /// Whether the principal is itself a service.
    pub(super) is_service: bool,
}

/// An API that a caller used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct UsedApi {
    /// The index in `callers`.
    caller: usize,
    source: Symbol,
    name: Symbol,
    is_api_call: bool,
}

/// How calls ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallEnds {
    /// Calls that succeeded.
    pub succeeded: u64,
    /// Calls that AWS refused: for want of a permission, or by an explicit deny.
    pub denied: u64,
    /// Calls that failed for another reason.
    pub failed: u64,
}

impl CallEnds {
    /// The number of calls.
    pub fn all(self) -> u64 {
        self.succeeded + self.denied + self.failed
    }

    /// Adds other calls.
    pub fn merge(&mut self, other: CallEnds) {
        self.succeeded += other.succeeded;
        self.denied += other.denied;
        self.failed += other.failed;
    }
}

/// One API of one caller.
pub(super) struct UsedRow<'u> {
    pub(super) caller: Caller<&'u str>,
    /// The eventSource, such as `s3.amazonaws.com`, and the eventName.
    pub(super) source: &'u str,
    pub(super) name: &'u str,
    /// Whether the events are API calls, and not events of the console, of a service or of a network.
    pub(super) is_api_call: bool,
    pub(super) ends: CallEnds,
}

impl UsedCalls {
    pub(super) fn within(limits: UsedLimits) -> UsedCalls {
        UsedCalls {
            limits,
            ..UsedCalls::default()
        }
    }

    /// Returns whether there were too many distinct callers and APIs. That does not depend on how the calls were split.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    fn note_limits(&mut self) {
        self.is_full |=
            self.calls.len() > self.limits.rows || self.strings.size() > self.limits.text_bytes;
    }

    /// All APIs of all callers, in no particular order.
    pub(super) fn rows(&self) -> impl Iterator<Item = UsedRow<'_>> {
        self.calls.iter().filter_map(|(api, ends)| {
            let caller = self.callers.get(api.caller)?;
            Some(UsedRow {
                caller: caller.with(|symbol| self.strings.get(symbol)),
                source: self.strings.get(api.source),
                name: self.strings.get(api.name),
                is_api_call: api.is_api_call,
                ends: *ends,
            })
        })
    }

    /// The eventSource, or that of the service that shares it.
    fn source(&mut self, record: &EventRecord<'_>) -> Symbol {
        let source = record.event_source.unwrap_or(UNKNOWN);
        let path = SERVICE.as_ref().filter(|_| source.is(SHARED_SOURCE));
        let services = path.map(|path| path.values(record.additional_event_data));
        match services.unwrap_or_default().first() {
            Some(service) => self.strings.string(&format!("{service}.amazonaws.com")),
            None => self.strings.text(source),
        }
    }

    fn caller(&mut self, caller: Caller<Symbol>) -> usize {
        *self.caller_numbers.entry(caller).or_insert_with(|| {
            self.callers.push(caller);
            self.callers.len() - 1
        })
    }
}

impl<T: Copy> Caller<T> {
    fn with<U>(&self, translate: impl Fn(T) -> U) -> Caller<U> {
        Caller {
            principal: translate(self.principal),
            service: self.service.map(&translate),
            is_service: self.is_service,
        }
    }
}

impl EventCounter for UsedCalls {
    /// The index in `callers`.
    type ActorId = usize;

    fn empty(&self) -> UsedCalls {
        UsedCalls::within(self.limits)
    }

    fn needs(&self) -> RecordNeeds {
        RecordNeeds {
            caller: true,
            shared_service: true,
            ..RecordNeeds::default()
        }
    }

    fn actor(&mut self, actor: &ResolvedActor) -> usize {
        if self.is_full {
            // Nothing more is counted.
            return 0;
        }
        let service = actor.service.as_deref();
        let caller = Caller {
            principal: self.strings.string(&actor.principal),
            service: service.map(|service| self.strings.string(service)),
            is_service: actor.is_service_principal(),
        };
        self.caller(caller)
    }

    fn add(&mut self, event: &CountedEvent<'_, '_>, caller: usize) {
        if self.is_full {
            return;
        }
        let record = event.record;
        let api = UsedApi {
            caller,
            source: self.source(record),
            name: self.strings.text(record.event_name.unwrap_or(UNKNOWN)),
            // The first records had no eventType.
            is_api_call: record.event_type.is_none_or(|kind| kind.is(API_CALL)),
        };
        let ends = self.calls.entry(api).or_default();
        match event.outcome {
            CallOutcome::Succeeded => ends.succeeded += event.calls.count,
            outcome if record.is_denied(outcome) => ends.denied += event.calls.count,
            CallOutcome::Failed(_) => ends.failed += event.calls.count,
        }
        self.note_limits();
    }

    fn add_odd(&mut self, _: &str, _: u64, _: &str) {}

    fn merge(&mut self, other: &UsedCalls) {
        self.is_full |= other.is_full;
        if self.is_full {
            return;
        }
        let symbols: Vec<Symbol> = (0..other.strings.count())
            .map(|at| self.strings.string(other.strings.get(Symbol(at))))
            .collect();
        // Every symbol of the other one is an index.
        let symbol = |of: Symbol| symbols.get(of.index()).copied().unwrap_or(of);
        let callers: Vec<usize> = (other.callers.iter())
            .map(|caller| self.caller(caller.with(symbol)))
            .collect();
        for (api, ends) in &other.calls {
            let Some(&caller) = callers.get(api.caller) else {
                continue;
            };
            let api = UsedApi {
                caller,
                source: symbol(api.source),
                name: symbol(api.name),
                is_api_call: api.is_api_call,
            };
            self.calls.entry(api).or_default().merge(*ends);
        }
        self.note_limits();
    }

    fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }
}
