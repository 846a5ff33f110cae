//! How often each API is called: calls per minute, and the metrics made of them.
//!
//! [`UsageTally`] counts, [`metrics`] defines the metrics, [`kept`] limits their number, [`chunks`]
//! packs their data for CloudWatch, and [`price`] estimates their cost. For reading, [`report`]
//! makes a table of the counts, [`causes`] finds the principals that cause throttling, and
//! [`popular`] finds the most-called APIs.

pub mod backfill;
pub mod basis;
pub mod causes;
pub mod chunks;
pub mod health;
pub mod kept;
pub mod metrics;
pub mod popular;
pub mod price;
pub mod report;
#[cfg(test)]
pub(crate) mod tests;
mod throttle;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::hash::BuildHasher as _;

use crate::event::counter::{CountedEvent, EventCounter};
use crate::event::dedupe;
use crate::event::identity::ResolvedActor;
use crate::event::intern::{Interner, Symbol};
use crate::event::record::{CallOutcome, EventRecord};
use crate::event::scan::JsonText;
use crate::time::Seconds;

/// Maps keyed by numbers need no seed: an attacker chooses strings, not their numbers.
type Map<K, V> = HashMap<K, V, FixedState>;

/// The resolution of standard metrics in CloudWatch, in seconds.
pub const MINUTE: Seconds = 60;

/// What is counted separately besides region, service and API. Each needs memory for its distinct
/// values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Detail {
    /// The account that recorded the event.
    pub accounts: bool,
    /// The principal that made the call.
    pub principals: bool,
}

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

/// The key under which calls are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    region: Symbol,
    source: Symbol,
    name: Symbol,
    account: Option<Symbol>,
    principal: Option<Symbol>,
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

/// Calls per minute, region, service and API, and by what its [`Detail`] says.
#[derive(Debug, Default)]
pub struct UsageTally {
    detail: Detail,
    strings: Interner,
    key_ids: Map<Key, u32>,
    keys: Vec<Key>,
    /// By key and minutes since 1970.
    calls: Map<(u32, i64), Calls>,
    incomplete: u64,
    bytes: u64,
    fingerprint: u128,
    near: Near,
}

/// The previous value of fields that seldom change.
#[derive(Debug, Default)]
struct Near {
    region: Option<Symbol>,
    source: Option<Symbol>,
    name: Option<Symbol>,
    account: Option<Symbol>,
}

impl UsageTally {
    /// Creates an empty count that counts separately what `detail` says.
    pub fn new(detail: Detail) -> UsageTally {
        UsageTally {
            detail,
            ..UsageTally::default()
        }
    }

    /// Number of events without a time, region, service or API, which belong to no metric.
    pub fn incomplete(&self) -> u64 {
        self.incomplete
    }

    /// Size of the events as JSON in their documents, in bytes. Events from CSV count as 0.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A number that identifies the counted events, independent of their order: deliveries with the
    /// same number are the same delivery. It is the sum of the eventIDs, which are random.
    pub fn fingerprint(&self) -> u128 {
        self.fingerprint
    }

    /// All counts, in no particular order.
    pub fn rows(&self) -> impl Iterator<Item = UsageRow<'_>> {
        let word = |symbol: Option<Symbol>| symbol.map_or("", |symbol| self.strings.get(symbol));
        self.calls
            .iter()
            .filter_map(move |(&(id, minute), &calls)| {
                let key = self.keys.get(id as usize)?;
                Some(UsageRow {
                    region: self.strings.get(key.region),
                    source: self.strings.get(key.source),
                    name: self.strings.get(key.name),
                    account: word(key.account),
                    principal: word(key.principal),
                    minute: minute * MINUTE,
                    calls,
                })
            })
    }

    fn key_id(&mut self, key: Key) -> u32 {
        *self.key_ids.entry(key).or_insert_with(|| {
            self.keys.push(key);
            // Memory is exhausted long before there are that many keys.
            u32::try_from(self.keys.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// Finds the key of an event, unless the event lacks a field that a metric needs.
    #[inline]
    fn key(&mut self, record: &EventRecord<'_>, principal: Option<Symbol>) -> Option<Key> {
        let (strings, near) = (&mut self.strings, &mut self.near);
        let region = strings.text_near(record.aws_region?, &mut near.region);
        let source = strings.text_near(record.event_source?, &mut near.source);
        let name = strings.text_near(record.event_name?, &mut near.name);
        let account = record
            .recipient_account_id
            .unwrap_or(JsonText::plain(b"unknown"));
        Some(Key {
            region,
            source,
            name,
            account: (self.detail.accounts).then(|| strings.text_near(account, &mut near.account)),
            principal,
        })
    }
}

impl EventCounter for UsageTally {
    /// The principal, if principals are counted separately.
    type ActorId = Option<Symbol>;

    fn empty(&self) -> UsageTally {
        UsageTally::new(self.detail)
    }

    fn asks_for_actors(&self) -> bool {
        self.detail.principals
    }

    fn actor(&mut self, actor: &ResolvedActor) -> Option<Symbol> {
        (self.detail.principals).then(|| self.strings.string(&actor.principal))
    }

    #[inline]
    fn add(&mut self, event: &CountedEvent<'_, '_>, principal: Option<Symbol>) {
        let record = event.record;
        self.bytes += record.raw.len() as u64;
        let (Some(time), Some(key)) = (event.time, self.key(record, principal)) else {
            self.incomplete += 1;
            return;
        };
        self.fingerprint = self.fingerprint.wrapping_add(mark(record));
        let id = self.key_id(key);
        let calls = self.calls.entry((id, time.div_euclid(MINUTE))).or_default();
        calls.merge(&Calls {
            calls: 1,
            errors: u64::from(event.outcome != CallOutcome::Succeeded),
            throttles: u64::from(throttle::is_throttled(record, event.outcome)),
            reads: u64::from(record.read_only == Some(true)),
            writes: u64::from(record.read_only == Some(false)),
        });
    }

    /// Ignored: usage reports do not list unknown identities.
    fn add_odd(&mut self, _: &str, _: &str) {}

    fn merge(&mut self, other: &UsageTally) {
        let strings: Vec<Symbol> = (0..other.strings.count())
            .map(|index| self.strings.string(other.strings.get(Symbol(index))))
            .collect();
        let symbol = |other: Symbol| strings[other.index()];
        let mut ids = Vec::with_capacity(other.keys.len());
        for key in &other.keys {
            ids.push(self.key_id(Key {
                region: symbol(key.region),
                source: symbol(key.source),
                name: symbol(key.name),
                account: key.account.map(symbol),
                principal: key.principal.map(symbol),
            }));
        }
        for (&(id, minute), calls) in &other.calls {
            let mine = self.calls.entry((ids[id as usize], minute)).or_default();
            mine.merge(calls);
        }
        self.incomplete += other.incomplete;
        self.bytes += other.bytes;
        self.fingerprint = self.fingerprint.wrapping_add(other.fingerprint);
    }

    fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.incomplete == 0
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
