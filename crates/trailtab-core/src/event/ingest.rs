//! The path of an event from its document to the counter: window, deduplication, filters, count.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;

use crate::activity::tally::Tally;
use crate::event::dedupe::SeenIds;
use crate::event::envelope::{ContentKind, RecordFault, RecordForm, RecordSink};
use crate::event::filter::{EventFilter, Refusals};
use crate::event::identity::ResolvedActor;
use crate::event::no_match::Removals;
use crate::event::record::{CallOutcome, EventRecord};
use crate::event::scan::JsonText;
use crate::time::{Seconds, TimeParser, TimeWindow};

/// Receives a copy of each event before the filters apply: the region and the record's JSON.
pub type RawCopy<'r> = &'r (dyn Fn(&str, &[u8]) + Sync);

/// Counts events. A counter is a monoid: an empty one changes nothing, and any two can be merged,
/// in any order and grouping, with the same result. So each thread counts on its own.
pub trait EventCounter: Sync + Send {
    /// Returns an empty counter of the same kind.
    fn empty(&self) -> Self;
    /// Tells whether the counter needs actors. If not, all calls belong to the default actor.
    fn asks_for_actors(&self) -> bool {
        true
    }
    /// Returns the number under which the events of an actor are counted.
    fn actor(&mut self, actor: &ResolvedActor) -> ActorId;
    /// Counts one event.
    fn add(&mut self, event: &CountedEvent<'_, '_>);
    /// Records an identity of an unknown shape.
    fn add_odd(&mut self, shape: &str, json: &str);
    /// Adds the counts of another counter.
    fn merge(&mut self, other: &Self);
    /// Tells whether no event was counted.
    fn is_empty(&self) -> bool;
}

/// The number of an actor in a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActorId(pub usize);

/// One event, ready to be counted.
pub struct CountedEvent<'a, 'r> {
    /// The record as it was read.
    pub record: &'a EventRecord<'r>,
    /// The number that the counter gave to the event's actor.
    pub actor: ActorId,
    /// The eventTime in seconds since 1970-01-01T00:00:00Z; absent if the record has no valid one.
    pub time: Option<Seconds>,
    /// Whether the call succeeded, and the error code if it did not.
    pub outcome: CallOutcome<'r>,
}

/// What a run counts; all threads share it.
#[derive(Debug, Default)]
pub struct IngestRules {
    /// The time window; events outside are not counted.
    pub window: TimeWindow,
    /// The filters; events that one of them refuses are not counted.
    pub filter: EventFilter,
    /// Whether each account gets a counter of its own.
    pub per_account: bool,
}

/// What happened to the records of a run: read = counted + filtered + duplicate + unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reconciliation {
    /// Records read.
    pub read: u64,
    /// Records counted.
    pub counted: u64,
    /// Events outside the window, or refused by a filter.
    pub filtered: u64,
    /// Events whose eventID was read before in this run.
    pub duplicate: u64,
    /// Elements that should be records and could not be read.
    pub unreadable: u64,
}

/// The counts of one thread, or of all threads together.
#[derive(Debug)]
pub struct IngestStats<C = Tally> {
    /// How many records were read, counted, filtered out, duplicate and unreadable.
    pub counts: Reconciliation,
    /// Unreadable records that end in the middle.
    pub truncated: u64,
    /// Unreadable records that have no valid time, so that the time window cannot place them.
    pub undated: u64,
    /// Records that were converted from another form, by form.
    pub converted: BTreeMap<RecordForm, u64>,
    /// The counters by account; a single one with an empty name unless accounts are counted
    /// separately.
    pub tallies: BTreeMap<String, C>,
    /// Content of the documents that is not an event, by kind.
    pub others: BTreeMap<ContentKind, u64>,
    /// Data about the events that were not counted; complete only if no event was counted.
    pub removals: Removals,
}

impl<C> Default for IngestStats<C> {
    fn default() -> Self {
        IngestStats {
            counts: Reconciliation::default(),
            truncated: 0,
            undated: 0,
            converted: BTreeMap::new(),
            tallies: BTreeMap::new(),
            others: BTreeMap::new(),
            removals: Removals::default(),
        }
    }
}

impl<C: EventCounter> IngestStats<C> {
    /// Adds what another thread has counted.
    pub fn merge(&mut self, other: IngestStats<C>) {
        self.truncated += other.truncated;
        self.undated += other.undated;
        for (form, count) in other.converted {
            *self.converted.entry(form).or_default() += count;
        }
        self.counts.read += other.counts.read;
        self.counts.counted += other.counts.counted;
        self.counts.filtered += other.counts.filtered;
        self.counts.duplicate += other.counts.duplicate;
        self.counts.unreadable += other.counts.unreadable;
        for (account, tally) in other.tallies {
            match self.tallies.get_mut(&account) {
                Some(mine) => mine.merge(&tally),
                None => drop(self.tallies.insert(account, tally)),
            }
        }
        for (kind, count) in other.others {
            *self.others.entry(kind).or_default() += count;
        }
        self.removals.merge(&other.removals);
    }
}

/// Ingests the documents of one thread.
pub struct EventIngest<'r, C> {
    rules: &'r IngestRules,
    /// An empty counter, from which others are made.
    empty: &'r C,
    seen: &'r SeenIds,
    dump: Option<RawCopy<'r>>,
    clock: TimeParser,
    counts: Reconciliation,
    truncated: u64,
    undated: u64,
    converted: BTreeMap<RecordForm, u64>,
    ledgers: Vec<AccountCounter<C>>,
    others: BTreeMap<ContentKind, u64>,
    /// Data about the events that were not counted, collected until the first one is counted.
    removals: Removals,
}

/// The counter of one account, and the identities it has seen.
struct AccountCounter<C> {
    account: String,
    tally: C,
    identities: IdentityCache,
}

impl<'r, C: EventCounter> EventIngest<'r, C> {
    /// Creates the ingestion of one thread. `empty` makes the counters, `seen` holds the eventIDs
    /// of the whole run, and `dump` gets a copy of each record inside the window that is no
    /// duplicate, before the filters apply.
    pub fn new(
        rules: &'r IngestRules,
        empty: &'r C,
        seen: &'r SeenIds,
        dump: Option<RawCopy<'r>>,
    ) -> Self {
        EventIngest {
            rules,
            empty,
            seen,
            dump,
            clock: TimeParser::default(),
            counts: Reconciliation::default(),
            truncated: 0,
            undated: 0,
            converted: BTreeMap::new(),
            ledgers: Vec::new(),
            others: BTreeMap::new(),
            removals: Removals::default(),
        }
    }

    /// Number of records read so far.
    pub fn read(&self) -> u64 {
        self.counts.read
    }

    /// Ends the thread's part and returns what it counted. Accounts without a counted event are
    /// left out.
    pub fn finish(self) -> IngestStats<C> {
        // Skip accounts whose events were all filtered out.
        let ledgers = self
            .ledgers
            .into_iter()
            .filter(|ledger| !ledger.tally.is_empty());
        IngestStats {
            counts: self.counts,
            truncated: self.truncated,
            undated: self.undated,
            converted: self.converted,
            tallies: ledgers
                .map(|ledger| (ledger.account, ledger.tally))
                .collect(),
            others: self.others,
            removals: self.removals,
        }
    }

    /// Finds the counter that an event belongs to.
    fn ledger<'l>(
        ledgers: &'l mut Vec<AccountCounter<C>>,
        rules: &IngestRules,
        empty: &C,
        record: &EventRecord<'_>,
    ) -> &'l mut AccountCounter<C> {
        let account = match record.recipient_account_id {
            _ if !rules.per_account => "".into(),
            Some(account) => account.decode(),
            None => ResolvedActor::resolve(record.user_identity)
                .account_or_unknown()
                .into(),
        };
        let index = ledgers.iter().position(|ledger| ledger.account == account);
        let index = index.unwrap_or_else(|| {
            let account = account.into_owned();
            ledgers.push(AccountCounter {
                account,
                tally: empty.empty(),
                identities: IdentityCache::default(),
            });
            ledgers.len() - 1
        });
        &mut ledgers[index]
    }

    /// Copies an event to `dump`.
    fn copy(&self, record: &EventRecord<'_>) {
        if let Some(dump) = self.dump.filter(|_| !record.raw.is_empty()) {
            let region = record.aws_region.map(JsonText::decode);
            dump(region.as_deref().unwrap_or("Unknown"), record.raw);
        }
    }

    /// Counts an event unless a filter refuses it; returns whether it was counted.
    fn count(&mut self, record: &EventRecord<'_>, time: Option<Seconds>) -> bool {
        let filter = &self.rules.filter;
        let outcome = record.outcome();
        let none_counted = self.counts.counted == 0;
        let removals = &mut self.removals;
        let AccountCounter {
            tally, identities, ..
        } = Self::ledger(&mut self.ledgers, self.rules, self.empty, record);
        // Resolving an identity is expensive, and so is comparing it with the ones seen before.
        let identity = match tally.asks_for_actors() || filter.asks_for_actors() {
            true => record.user_identity,
            false => &[],
        };
        let known = identities.find(identity, |actor| {
            let refusals = filter.actor_refusals(actor, identity);
            if none_counted {
                removals.actor(refusals, actor, identity);
            }
            (tally.actor(actor), refusals)
        });
        let account = &known.account;
        if !known.refusals.is_empty() || !filter.admits(record, outcome, account) {
            if none_counted {
                removals.event(filter, record, outcome, known.refusals, account);
            }
            return false;
        }
        if let Some((shape, example)) = &known.odd {
            tally.add_odd(shape, example);
        }
        let actor = known.id;
        tally.add(&CountedEvent {
            record,
            actor,
            time,
            outcome,
        });
        true
    }
}

/// Shortens an identity for a report. The result does not depend on the layout of the document.
fn example(identity: &[u8]) -> String {
    let identity = if identity.is_empty() {
        b"null"
    } else {
        identity
    };
    let json = serde_json::from_slice::<serde_json::Value>(identity);
    let json = json.map_or_else(
        |_| String::from_utf8_lossy(identity).into_owned(),
        |json| json.to_string(),
    );
    json.chars().take(500).collect()
}

impl<C: EventCounter> RecordSink for EventIngest<'_, C> {
    fn events(&mut self, records: &[EventRecord<'_>]) {
        self.counts.read += records.len() as u64;
        let mut inside: Vec<(&EventRecord<'_>, Option<Seconds>)> =
            Vec::with_capacity(records.len());
        let none_counted = self.counts.counted == 0;
        let mut undated = 0;
        for record in records {
            let time = record.time(&mut self.clock);
            if none_counted {
                self.removals.saw(time);
            }
            if self.rules.window.contains(time) {
                inside.push((record, time));
            } else if time.is_none() {
                undated += 1;
            }
        }
        self.undated += undated;
        self.counts.unreadable += undated;
        let outside = (records.len() - inside.len()) as u64 - undated;
        self.counts.filtered += outside;
        self.removals.outside_window(outside);
        let mut is_new = self
            .seen
            .insert(inside.iter().filter_map(|(record, _)| record.event_id))
            .into_iter();
        for (record, time) in inside {
            if record.event_id.is_some() && is_new.next() == Some(false) {
                self.counts.duplicate += 1;
                continue;
            }
            self.copy(record);
            if self.count(record, time) {
                self.counts.counted += 1;
            } else {
                self.counts.filtered += 1;
            }
        }
    }

    fn other(&mut self, kind: ContentKind) {
        *self.others.entry(kind).or_default() += 1;
    }

    fn unreadable(&mut self, fault: RecordFault) {
        self.counts.read += 1;
        self.counts.unreadable += 1;
        self.truncated += u64::from(fault == RecordFault::Truncated);
    }

    fn converted(&mut self, form: RecordForm) {
        *self.converted.entry(form).or_default() += 1;
    }

    fn undated(&self) -> u64 {
        self.undated
    }
}

/// Cache of resolved identities by their JSON: resolving costs more than all the counting, and the
/// calls of a session have the same bytes. Each identity has one slot, which a newer one
/// overwrites.
struct IdentityCache {
    places: Vec<Option<Box<KnownIdentity>>>,
    /// The slot of the previous look-up.
    last: usize,
    hasher: RandomState,
}

struct KnownIdentity {
    json: Box<[u8]>,
    id: ActorId,
    refusals: Refusals,
    account: String,
    /// The unknown shape, and the identity as JSON.
    odd: Option<(String, String)>,
}

impl Default for IdentityCache {
    fn default() -> Self {
        IdentityCache {
            places: std::iter::repeat_with(|| None).take(4096).collect(),
            last: 0,
            hasher: RandomState::default(),
        }
    }
}

impl IdentityCache {
    #[inline]
    fn find(
        &mut self,
        json: &[u8],
        meet: impl FnOnce(&ResolvedActor) -> (ActorId, Refusals),
    ) -> &KnownIdentity {
        let is_last = self.places[self.last]
            .as_ref()
            .is_some_and(|known| *known.json == *json);
        if !is_last {
            self.last = self.hasher.hash_one(json) as usize % self.places.len();
        }
        let place = &mut self.places[self.last];
        if place.as_ref().is_none_or(|known| *known.json != *json) {
            *place = None;
        }
        place.get_or_insert_with(|| {
            let actor = ResolvedActor::resolve(json);
            let (id, refusals) = meet(&actor);
            Box::new(KnownIdentity {
                json: json.into(),
                id,
                refusals,
                account: actor.account_or_unknown(),
                odd: actor.odd.map(|shape| (shape, example(json))),
            })
        })
    }
}
