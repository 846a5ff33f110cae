//! The way of an event from its document to what counts it: window, deduplication, filters, count.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;

use crate::activity::tally::Tally;
use crate::event::dedupe::Seen;
use crate::event::envelope::{Fault, Kind, Sink};
use crate::event::filter::{Filter, Refusals};
use crate::event::identity::Actor;
use crate::event::no_match::Removals;
use crate::event::record::{Outcome, Record};
use crate::event::scan::Text;
use crate::time::{Clock, Seconds, Window};

/// Where events are copied to before filters see them: the region and the record's JSON.
pub type Dump<'r> = &'r (dyn Fn(&str, &[u8]) + Sync);

/// What counts events. It is a monoid: an empty one changes nothing, and any two can be merged, in any
/// order and grouping, with the same result. So each thread counts for itself.
pub trait Counter: Sync + Send {
    /// Another of the same kind that has counted nothing.
    fn empty(&self) -> Self;
    /// Tells whether it matters who made a call. If not, all calls are those of nobody.
    fn asks_for_actors(&self) -> bool {
        true
    }
    /// Returns the number of an actor, to count its events under.
    fn actor(&mut self, actor: &Actor) -> ActorId;
    /// Counts one event.
    fn add(&mut self, event: &Counted<'_, '_>);
    /// Takes note of an identity whose shape is unknown.
    fn add_odd(&mut self, shape: &str, json: &str);
    /// Adds the counts of another.
    fn merge(&mut self, other: &Self);
    /// Tells whether no event was counted.
    fn is_empty(&self) -> bool;
}

/// An actor's number in what counts its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActorId(pub usize);

/// One event, ready to be counted.
pub struct Counted<'a, 'r> {
    /// The record as it was read.
    pub record: &'a Record<'r>,
    /// The number that the counter gave to the event's actor.
    pub actor: ActorId,
    /// The eventTime in seconds since 1970-01-01T00:00:00Z; None if the record has no valid one.
    pub time: Option<Seconds>,
    /// Whether the call succeeded, and the error code if it did not.
    pub outcome: Outcome<'r>,
}

/// What a run counts; shared by all threads.
#[derive(Debug, Default)]
pub struct Rules {
    /// The time window; events outside are not counted.
    pub window: Window,
    /// The filters; events that one of them refuses are not counted.
    pub filter: Filter,
    /// Counts each account for itself instead of all together.
    pub per_account: bool,
}

/// What became of the records of a run: read = counted + filtered + duplicate + unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reconciliation {
    /// Records read.
    pub read: u64,
    /// Records counted.
    pub counted: u64,
    /// Outside the window, or kept out by a filter.
    pub filtered: u64,
    /// Read before, by eventID.
    pub duplicate: u64,
    /// Where a record should be and none can be read.
    pub unreadable: u64,
}

/// What one thread has counted, or all of them together.
#[derive(Debug)]
pub struct Intaken<C = Tally> {
    /// How many records were read, counted, filtered out, duplicate and unreadable.
    pub counts: Reconciliation,
    /// How many of the unreadable records end in the middle.
    pub truncated: u64,
    /// By account, or all under the empty name.
    pub tallies: BTreeMap<String, C>,
    /// What the documents held that is no event.
    pub others: BTreeMap<Kind, u64>,
    /// What is known of events that were left out; whole only if none was counted.
    pub removals: Removals,
}

impl<C> Default for Intaken<C> {
    fn default() -> Self {
        Intaken {
            counts: Reconciliation::default(),
            truncated: 0,
            tallies: BTreeMap::new(),
            others: BTreeMap::new(),
            removals: Removals::default(),
        }
    }
}

impl<C: Counter> Intaken<C> {
    /// Adds what another thread has counted.
    pub fn merge(&mut self, other: Intaken<C>) {
        self.truncated += other.truncated;
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

/// One thread's way in.
pub struct Intake<'r, C> {
    rules: &'r Rules,
    /// What counts, before it has counted anything.
    empty: &'r C,
    seen: &'r Seen,
    dump: Option<Dump<'r>>,
    clock: Clock,
    counts: Reconciliation,
    truncated: u64,
    ledgers: Vec<Ledger<C>>,
    others: BTreeMap<Kind, u64>,
    /// What is known of events that were left out, until the first one is counted.
    removals: Removals,
}

/// What counts an account's events, and the identities that it has met.
struct Ledger<C> {
    account: String,
    tally: C,
    identities: Identities,
}

impl<'r, C: Counter> Intake<'r, C> {
    /// Creates the ingestion of one thread. `empty` makes the counters, `seen` holds the eventIDs
    /// of the whole run, and `dump` gets a copy of each record inside the window that is no
    /// duplicate, before the filters apply.
    pub fn new(rules: &'r Rules, empty: &'r C, seen: &'r Seen, dump: Option<Dump<'r>>) -> Self {
        Intake {
            rules,
            empty,
            seen,
            dump,
            clock: Clock::default(),
            counts: Reconciliation::default(),
            truncated: 0,
            ledgers: Vec::new(),
            others: BTreeMap::new(),
            removals: Removals::default(),
        }
    }

    /// The events read so far.
    pub fn read(&self) -> u64 {
        self.counts.read
    }

    /// Ends the thread's part and returns what it counted. Accounts without a counted event are
    /// left out.
    pub fn finish(self) -> Intaken<C> {
        // An account whose events were all filtered out is none of the result's.
        let ledgers = self
            .ledgers
            .into_iter()
            .filter(|ledger| !ledger.tally.is_empty());
        Intaken {
            counts: self.counts,
            truncated: self.truncated,
            tallies: ledgers
                .map(|ledger| (ledger.account, ledger.tally))
                .collect(),
            others: self.others,
            removals: self.removals,
        }
    }

    /// Finds the ledger that an event belongs to.
    fn ledger<'l>(
        ledgers: &'l mut Vec<Ledger<C>>,
        rules: &Rules,
        empty: &C,
        record: &Record<'_>,
    ) -> &'l mut Ledger<C> {
        let account = match record.recipient_account_id {
            _ if !rules.per_account => "".into(),
            Some(account) => account.decode(),
            None => Actor::resolve(record.user_identity)
                .account_or_unknown()
                .into(),
        };
        let index = ledgers.iter().position(|ledger| ledger.account == account);
        let index = index.unwrap_or_else(|| {
            let account = account.into_owned();
            ledgers.push(Ledger {
                account,
                tally: empty.empty(),
                identities: Identities::default(),
            });
            ledgers.len() - 1
        });
        &mut ledgers[index]
    }

    /// Copies an event for whoever wants the records themselves. A row of CSV has no JSON.
    fn copy(&self, record: &Record<'_>) {
        if let Some(dump) = self.dump.filter(|_| !record.raw.is_empty()) {
            let region = record.aws_region.map(Text::decode);
            dump(region.as_deref().unwrap_or("Unknown"), record.raw);
        }
    }

    /// Counts an event unless a filter keeps it out.
    fn count(&mut self, record: &Record<'_>, time: Option<Seconds>) -> bool {
        let filter = &self.rules.filter;
        let outcome = record.outcome();
        let none_counted = self.counts.counted == 0;
        let removals = &mut self.removals;
        let Ledger {
            tally, identities, ..
        } = Self::ledger(&mut self.ledgers, self.rules, self.empty, record);
        // Resolving an identity is dear, and so is comparing it with those met before.
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
        tally.add(&Counted {
            record,
            actor,
            time,
            outcome,
        });
        true
    }
}

/// Shortens an identity to what a report can show, the same however its document was laid out.
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

impl<C: Counter> Sink for Intake<'_, C> {
    fn events(&mut self, records: &[Record<'_>]) {
        self.counts.read += records.len() as u64;
        let mut inside: Vec<(&Record<'_>, Option<Seconds>)> = Vec::with_capacity(records.len());
        let none_counted = self.counts.counted == 0;
        for record in records {
            let time = record.time(&mut self.clock);
            if none_counted {
                self.removals.saw(time);
            }
            if self.rules.window.contains(time) {
                inside.push((record, time));
            }
        }
        let outside = (records.len() - inside.len()) as u64;
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

    fn other(&mut self, kind: Kind) {
        *self.others.entry(kind).or_default() += 1;
    }

    fn unreadable(&mut self, fault: Fault) {
        self.counts.read += 1;
        self.counts.unreadable += 1;
        self.truncated += u64::from(fault == Fault::Truncated);
    }
}

/// Identities met before, by their JSON: resolving one costs more than all the counting, and a
/// session's calls carry the same bytes. Each has one place; a newcomer takes it.
struct Identities {
    places: Vec<Option<Box<Known>>>,
    /// The place that was asked for last.
    last: usize,
    hasher: RandomState,
}

struct Known {
    json: Box<[u8]>,
    id: ActorId,
    refusals: Refusals,
    account: String,
    /// The shape that the grammar does not know, and how the identity looks.
    odd: Option<(String, String)>,
}

impl Default for Identities {
    fn default() -> Self {
        Identities {
            places: std::iter::repeat_with(|| None).take(4096).collect(),
            last: 0,
            hasher: RandomState::default(),
        }
    }
}

impl Identities {
    #[inline]
    fn find(&mut self, json: &[u8], meet: impl FnOnce(&Actor) -> (ActorId, Refusals)) -> &Known {
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
            let actor = Actor::resolve(json);
            let (id, refusals) = meet(&actor);
            Box::new(Known {
                json: json.into(),
                id,
                refusals,
                account: actor.account_or_unknown(),
                odd: actor.odd.map(|shape| (shape, example(json))),
            })
        })
    }
}
