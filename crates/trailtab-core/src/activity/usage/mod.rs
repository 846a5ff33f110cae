//! How often each API is called: calls per minute, and the metrics made of them.
//!
//! [`UsageTally`] counts, [`bounded`] does so in bounded memory for tables by names that callers choose, [`metrics`]
//! defines the metrics, [`kept`] limits their number, [`chunks`] packs their data for CloudWatch, and [`price`]
//! estimates their cost. For reading, [`report`] makes a table of the counts, [`causes`] finds the principals that
//! cause throttling, and [`popular`] finds the most-called APIs.

pub mod backfill;
pub mod basis;
pub mod bounded;
pub mod causes;
pub mod chunks;
pub mod dimension;
pub mod health;
pub mod kept;
pub mod metrics;
pub mod popular;
pub mod price;
pub mod report;
mod run;
#[cfg(test)]
pub(crate) mod tests;
mod throttle;
mod top;

pub use throttle::THROTTLING_MESSAGE_PARTS;

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use dimension::{CallDimension, CallKey, CallerNames, EMPTY_KEY, MAX_DIMENSIONS};

use crate::event::counter::{CountedEvent, EventCounter};
use crate::event::dedupe;
use crate::event::identity::ResolvedActor;
use crate::event::intern::{Interner, RecentSymbols, Symbol};
use crate::event::needs::{CallGrain, RecordNeeds};
use crate::event::record::{CallOutcome, EventRecord};
use crate::event::scan::JsonText;
use crate::time::Seconds;

/// Maps keyed by numbers need no seed: an attacker chooses strings, not their numbers.
type Map<K, V> = HashMap<K, V, FixedState>;

/// The resolution of standard metrics in CloudWatch, in seconds.
pub const MINUTE: Seconds = 60;

/// Calls of one kind in one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    /// Number of calls.
    pub calls: u64,
    /// Calls that AWS answered with an error, throttled ones among them.
    pub errors: u64,
    /// Calls that AWS refused for their rate.
    pub throttles: u64,
    /// Calls whose record says `readOnly: true`.
    pub reads: u64,
    /// Calls whose record says `readOnly: false`. Calls whose record has no `readOnly` are in
    /// neither count.
    pub writes: u64,
}

impl Calls {
    /// Adds the calls of another.
    pub fn merge(&mut self, other: &Calls) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.throttles += other.throttles;
        self.reads += other.reads;
        self.writes += other.writes;
    }
}

/// A row of counts: which calls, in which minute, and how many.
#[derive(Debug, Clone, Copy)]
pub struct UsageRow<'u> {
    /// The region, `awsRegion`.
    pub region: &'u str,
    /// The service, such as `ec2.amazonaws.com`.
    pub source: &'u str,
    /// The API, `eventName`.
    pub name: &'u str,
    /// The account that recorded the calls; empty unless accounts are counted separately.
    pub account: &'u str,
    /// The principal; empty unless principals are counted separately.
    pub principal: &'u str,
    /// The first second of the minute.
    pub minute: Seconds,
    /// The calls of this row's key in this minute.
    pub calls: Calls,
}

/// Calls per minute and by a list of dimensions.
#[derive(Debug, Default)]
pub struct UsageTally {
    dimensions: Vec<CallDimension>,
    strings: Interner,
    key_ids: Map<CallKey, u32>,
    keys: Vec<CallKey>,
    /// By key and minutes since 1970.
    calls: Map<(u32, i64), Calls>,
    totals: UsageTotals,
    /// The previous value of each dimension.
    recent: [RecentSymbols; MAX_DIMENSIONS],
}

/// What is counted of all events together.
#[derive(Debug, Default)]
pub struct UsageTotals {
    incomplete: u64,
    bytes: u64,
    fingerprint: u128,
    /// The first second of the first minute with a call, and of the last one.
    first_minute: Option<Seconds>,
    last_minute: Option<Seconds>,
    /// Calls by the first second of the minute, if counts by resource do not add up to them; else empty.
    by_minute: BTreeMap<Seconds, Calls>,
}

impl UsageTotals {
    /// Number of events without a time, region, service or API, which belong to no metric.
    pub fn incomplete(&self) -> u64 {
        self.incomplete
    }

    /// The first second of the first minute with a call.
    pub fn first_minute(&self) -> Option<Seconds> {
        self.first_minute
    }

    /// The first second of the last minute with a call.
    pub fn last_minute(&self) -> Option<Seconds> {
        self.last_minute
    }

    fn add_minute(&mut self, minute: Seconds) {
        self.first_minute = Some(self.first_minute.map_or(minute, |first| first.min(minute)));
        self.last_minute = self.last_minute.max(Some(minute));
    }

    fn merge(&mut self, other: &UsageTotals) {
        self.incomplete += other.incomplete;
        self.bytes += other.bytes;
        self.fingerprint = self.fingerprint.wrapping_add(other.fingerprint);
        for minute in [other.first_minute, other.last_minute]
            .into_iter()
            .flatten()
        {
            self.add_minute(minute);
        }
        for (minute, calls) in &other.by_minute {
            self.by_minute.entry(*minute).or_default().merge(calls);
        }
    }
}

impl AsRef<UsageTotals> for UsageTally {
    fn as_ref(&self) -> &UsageTotals {
        &self.totals
    }
}

impl UsageTally {
    /// Creates an empty count by these dimensions.
    pub fn by(dimensions: &[CallDimension]) -> UsageTally {
        UsageTally {
            dimensions: dimensions.to_vec(),
            ..UsageTally::default()
        }
    }

    /// Number of events without a time, region, service or API, which belong to no metric.
    pub fn incomplete(&self) -> u64 {
        self.totals.incomplete
    }

    /// Size of the events as JSON in their documents, in bytes. Events from CSV count as 0.
    pub fn bytes(&self) -> u64 {
        self.totals.bytes
    }

    /// A number that identifies the counted events, independent of their order: deliveries with the
    /// same number are the same delivery. It is the sum of the eventIDs, which are random.
    pub fn fingerprint(&self) -> u128 {
        self.totals.fingerprint
    }

    /// All counts, in no particular order.
    pub fn rows(&self) -> impl Iterator<Item = UsageRow<'_>> {
        let place = |wanted| self.dimensions.iter().position(|of| *of == wanted);
        let places = [
            CallDimension::Region,
            CallDimension::EventSource,
            CallDimension::EventName,
            CallDimension::Account,
            CallDimension::Principal,
        ]
        .map(place);
        self.calls
            .iter()
            .filter_map(move |(&(id, minute), &calls)| {
                let key = self.keys.get(id as usize)?;
                let name =
                    |place: Option<usize>| place.map_or("", |place| self.strings.get(key[place]));
                let [region, source, api, account, principal] = places.map(name);
                Some(UsageRow {
                    region,
                    source,
                    name: api,
                    account,
                    principal,
                    minute: minute * MINUTE,
                    calls,
                })
            })
    }

    /// About how many bytes the counts take, hash tables being two thirds full.
    fn memory_bytes(&self) -> usize {
        self.strings.memory_bytes() + self.keys.len() * 130 + self.calls.len() * 90
    }

    fn key_id(&mut self, key: CallKey) -> u32 {
        *self.key_ids.entry(key).or_insert_with(|| {
            self.keys.push(key);
            // Memory is exhausted long before there are that many keys.
            u32::try_from(self.keys.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// The key of an event; the name of its resource is empty.
    #[inline]
    fn key(&mut self, event: &CountedEvent<'_, '_>, caller: CallerNames) -> CallKey {
        let mut key = EMPTY_KEY;
        let dimensions = self.dimensions.iter().zip(&mut self.recent);
        for (slot, (dimension, recent)) in key.iter_mut().zip(dimensions) {
            *slot = dimension.name(event, caller, &mut self.strings, recent);
        }
        key
    }

    fn add_calls(&mut self, key: CallKey, minute: i64, calls: &Calls) {
        let id = self.key_id(key);
        self.calls.entry((id, minute)).or_default().merge(calls);
    }

    /// Counts a call once for each resource that it names.
    #[cold]
    fn add_resources(
        &mut self,
        event: &CountedEvent<'_, '_>,
        mut key: CallKey,
        place: usize,
        minute: i64,
        calls: &Calls,
    ) {
        for name in dimension::resources(event) {
            key[place] = self.strings.string(&name);
            self.add_calls(key, minute, calls);
        }
        let by_minute = &mut self.totals.by_minute;
        by_minute.entry(minute * MINUTE).or_default().merge(calls);
    }
}

impl EventCounter for UsageTally {
    type ActorId = CallerNames;

    fn empty(&self) -> UsageTally {
        UsageTally::by(&self.dimensions)
    }

    fn needs(&self) -> RecordNeeds {
        let by_minute = RecordNeeds {
            grain: CallGrain::Minute,
            ..RecordNeeds::default()
        };
        let needs = self.dimensions.iter().map(|dimension| dimension.needs());
        needs.fold(by_minute, RecordNeeds::and)
    }

    fn actor(&mut self, actor: &ResolvedActor) -> CallerNames {
        CallerNames::of(actor, &self.dimensions, &mut self.strings)
    }

    #[inline]
    fn add(&mut self, event: &CountedEvent<'_, '_>, caller: CallerNames) {
        let record = event.record;
        self.totals.bytes += record.raw.len() as u64;
        let fields = (record.aws_region, record.event_source, record.event_name);
        let (Some(time), (Some(_), Some(_), Some(_))) = (event.calls.first(), fields) else {
            self.totals.incomplete += event.calls.count;
            return;
        };
        let fingerprint = self.totals.fingerprint.wrapping_add(mark(record));
        self.totals.fingerprint = fingerprint;
        let minute = time.div_euclid(MINUTE);
        self.totals.add_minute(minute * MINUTE);
        let key = self.key(event, caller);
        let of = |applies: bool| if applies { event.calls.count } else { 0 };
        let calls = Calls {
            calls: event.calls.count,
            errors: of(event.outcome != CallOutcome::Succeeded),
            throttles: of(throttle::is_throttled(record, event.outcome)),
            reads: of(record.read_only == Some(true)),
            writes: of(record.read_only == Some(false)),
        };
        let resource = |dimension: &CallDimension| *dimension == CallDimension::Resource;
        match self.dimensions.iter().position(resource) {
            Some(place) => self.add_resources(event, key, place, minute, &calls),
            None => self.add_calls(key, minute, &calls),
        }
    }

    /// Ignored: usage reports do not list unknown identities.
    fn add_odd(&mut self, _: &str, _: u64, _: &str) {}

    fn merge(&mut self, other: &UsageTally) {
        let strings: Vec<Symbol> = (0..other.strings.count())
            .map(|index| self.strings.string(other.strings.get(Symbol(index))))
            .collect();
        // The names that a key does not have are not strings.
        let symbol = |other: Symbol| strings.get(other.index()).copied().unwrap_or(other);
        let mut ids = Vec::with_capacity(other.keys.len());
        for key in &other.keys {
            ids.push(self.key_id(key.map(symbol)));
        }
        for (&(id, minute), calls) in &other.calls {
            let mine = self.calls.entry((ids[id as usize], minute)).or_default();
            mine.merge(calls);
        }
        self.totals.merge(&other.totals);
    }

    fn is_empty(&self) -> bool {
        self.totals.first_minute.is_none() && self.totals.incomplete == 0
    }
}

/// A number that identifies one event: its eventID, which is a UUID in all records since
/// eventVersion 1.01.
fn mark(record: &EventRecord<'_>) -> u128 {
    let id = record.event_id.map(JsonText::decode);
    let uuid = id.as_ref().and_then(|id| dedupe::parse_uuid(id.as_bytes()));
    uuid.unwrap_or_else(|| {
        let bytes = id.as_ref().map_or(record.raw, |id| id.as_bytes());
        // Any number is suitable, as long as the same event always has the same one.
        u128::from(FixedState::with_seed(0).hash_one(bytes))
    })
}
