//! The path of an event from its document to the counter: window, deduplication, filters, count.

mod identities;
mod stats;

use std::collections::{BTreeMap, HashSet};

use identities::IdentityCache;
pub use stats::{IngestStats, Reconciliation};

use crate::event::counter::{CallCount, CountedEvent, EventCounter};
use crate::event::dedupe::SeenIds;
use crate::event::envelope::{ContentKind, RecordFault, RecordForm, RecordSink};
use crate::event::filter::{EventFilter, EventMatcher};
use crate::event::identity::ResolvedActor;
use crate::event::needs::RecordNeeds;
use crate::event::record::{CallerHints, EventRecord};
use crate::event::removals::Removals;
use crate::event::scan::JsonText;
use crate::time::{Seconds, TimeParser, TimeWindow};

/// Receives a copy of each event before the filters apply: the region and the record's JSON.
pub type RawCopy<'r> = &'r (dyn Fn(&str, &[u8]) + Sync);

/// What a run counts; all threads share it.
#[derive(Debug, Default)]
pub struct IngestRules {
    /// The time window; events outside are not counted.
    pub window: TimeWindow,
    /// The filters; events that one of them refuses are not counted.
    pub filter: EventFilter,
    /// Whether each account gets a counter of its own.
    pub per_account: bool,
    /// Whether calls through VPC endpoints that CloudTrail recorded as network activity are counted.
    pub network_activity: bool,
}

/// A row of the result of an engine that reads, deduplicates and counts records itself, such as Amazon Athena.
#[derive(Debug, Clone, Copy)]
pub enum EngineRow<'a, 'r> {
    /// Calls inside the window that [`RecordNeeds`] do not distinguish. The filters are
    /// still to be applied.
    Calls {
        /// What the calls have in common.
        record: &'a EventRecord<'r>,
        /// How many they are, and when.
        calls: CallCount,
    },
    /// Events that the engine knows that the filters refuse.
    Refused {
        /// How many they are, and when; they may be any time apart.
        calls: CallCount,
    },
    /// Calls that the filters admit, and that are not among those that the counter keeps.
    NotKept {
        /// Number of events.
        calls: u64,
    },
    /// Events outside the window.
    OutsideWindow {
        /// Number of events.
        calls: u64,
    },
    /// Events whose eventID another one has.
    Duplicate {
        /// Number of events.
        calls: u64,
    },
    /// Records without a valid time.
    Undated {
        /// Number of records.
        calls: u64,
    },
    /// Records without what makes a record an event.
    Unreadable {
        /// Number of records.
        calls: u64,
    },
    /// Network activity that the run does not count.
    NetworkActivity {
        /// Number of events.
        calls: u64,
    },
}

/// Ingests the documents of one thread.
pub struct EventIngest<'r, C: EventCounter> {
    rules: &'r IngestRules,
    matcher: EventMatcher,
    /// An empty counter, from which others are made.
    empty: &'r C,
    seen: &'r SeenIds,
    dump: Option<RawCopy<'r>>,
    clock: TimeParser,
    asks_for_actors: bool,
    counts: Reconciliation,
    truncated: u64,
    damaged_payloads: u64,
    updates_not_applied: u64,
    undated: u64,
    converted: BTreeMap<RecordForm, u64>,
    counters: Vec<AccountCounter<C>>,
    /// Index of the counter that `begin_batch` shrinks next.
    next_to_shrink: usize,
    /// Number of batches so far.
    batches: u64,
    others: BTreeMap<ContentKind, u64>,
    /// Data about the events that were not counted, collected until the first one is counted.
    removals: Removals,
}

/// The counter of one account, and the identities it has seen.
struct AccountCounter<C: EventCounter> {
    account: String,
    tally: C,
    identities: IdentityCache<C::ActorId>,
}

impl IngestRules {
    /// What a run with counters like `counter` needs to know of each event.
    pub fn needs(&self, counter: &impl EventCounter, copies: bool) -> RecordNeeds {
        let filters = EventMatcher::new(&self.filter).needs();
        let needs = counter.needs().and(filters);
        if copies {
            return RecordNeeds::WHOLE_RECORDS;
        }
        RecordNeeds {
            // An event without recipientAccountId belongs to the account of its caller.
            caller: needs.caller || self.per_account,
            kept: counter.needs().kept,
            ..needs
        }
    }
}

impl<'r, C: EventCounter> EventIngest<'r, C> {
    /// Creates the ingestion of one thread. `empty` makes the counters, `seen` holds the eventIDs
    /// of the whole run, and `dump` gets a copy of each record inside the window that is not
    /// a duplicate, before the filters apply.
    pub fn new(
        rules: &'r IngestRules,
        empty: &'r C,
        seen: &'r SeenIds,
        dump: Option<RawCopy<'r>>,
    ) -> Self {
        let matcher = EventMatcher::new(&rules.filter);
        EventIngest {
            rules,
            asks_for_actors: empty.asks_for_actors() || matcher.asks_for_actors(),
            matcher,
            empty,
            seen,
            dump,
            clock: TimeParser::default(),
            counts: Reconciliation::default(),
            truncated: 0,
            damaged_payloads: 0,
            updates_not_applied: 0,
            undated: 0,
            converted: BTreeMap::new(),
            counters: Vec::new(),
            next_to_shrink: 0,
            batches: 0,
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
        let counters = self
            .counters
            .into_iter()
            .filter(|counter| !counter.tally.is_empty());
        IngestStats {
            counts: self.counts,
            truncated: self.truncated,
            damaged_payloads: self.damaged_payloads,
            updates_not_applied: self.updates_not_applied,
            undated: self.undated,
            converted: self.converted,
            tallies: counters
                .map(|counter| (counter.account, counter.tally))
                .collect(),
            others: self.others,
            removals: self.removals,
        }
    }

    /// Finds the counter that an event belongs to.
    fn counter<'l>(
        counters: &'l mut Vec<AccountCounter<C>>,
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
        let index = counters
            .iter()
            .position(|counter| counter.account == account);
        let index = index.unwrap_or_else(|| {
            let account = account.into_owned();
            counters.push(AccountCounter {
                account,
                tally: empty.empty(),
                identities: IdentityCache::default(),
            });
            counters.len() - 1
        });
        &mut counters[index]
    }

    /// Begins a batch of records. Lets one counter after the other make room, so that many accounts cost no more
    /// than one.
    fn begin_batch(&mut self) {
        self.batches += 1;
        if self.next_to_shrink >= self.counters.len() {
            self.next_to_shrink = 0;
        }
        if let Some(counter) = self.counters.get_mut(self.next_to_shrink)
            && counter.tally.make_room()
        {
            counter.identities = IdentityCache::default();
        }
        self.next_to_shrink += 1;
    }

    /// Copies an event to `dump`.
    fn copy(&self, record: &EventRecord<'_>) {
        if let Some(dump) = self.dump.filter(|_| !record.raw.is_empty()) {
            let region = record.aws_region.map(JsonText::decode);
            dump(region.as_deref().unwrap_or("Unknown"), record.raw);
        }
    }

    /// Lets each updated event take the place of the event that it names: of both, one counts. An event
    /// that was counted before its update came cannot be taken back, so then the update is the
    /// duplicate. Leaves the events that no update is about.
    fn replace_updated(&mut self, inside: &mut Vec<(&EventRecord<'_>, Option<Seconds>)>) {
        let all = std::mem::take(inside).into_iter();
        let (updates, others): (Vec<_>, Vec<_>) =
            all.partition(|(record, _)| record.updates().is_some());
        let originals = updates.iter().filter_map(|(record, _)| record.updates());
        let replaced: HashSet<String> = originals.map(|id| id.decode().into_owned()).collect();
        for (record, time) in others {
            let id = record.event_id.map(JsonText::decode);
            match id.is_some_and(|id| replaced.contains(&*id)) {
                true => self.counts.duplicate += 1,
                false => inside.push((record, time)),
            }
        }
        for (record, time) in updates {
            let is_known = |id: Option<JsonText<'_>>| {
                id.is_some_and(|id| self.seen.insert(std::iter::once(id)) == [false])
            };
            let is_copy = is_known(record.event_id);
            let is_late = !is_copy && is_known(record.updates());
            self.updates_not_applied += u64::from(is_late);
            match is_copy || is_late {
                true => self.counts.duplicate += 1,
                false => self.admit(record, CallCount::one(time)),
            }
        }
    }

    /// Adds what an engine has counted: a row of its result.
    pub fn row(&mut self, row: EngineRow<'_, '_>) {
        match row {
            EngineRow::Calls { record, calls } => {
                self.counts.read += calls.count;
                if self.counts.counted == 0 {
                    self.removals.saw_calls(calls);
                }
                self.begin_batch();
                self.admit(record, calls);
            }
            EngineRow::Refused { calls } => {
                self.counts.read += calls.count;
                self.counts.filtered += calls.count;
                self.removals.saw_calls(calls);
                self.removals.refused_by_engine(calls.count);
            }
            EngineRow::NotKept { calls } => {
                self.counts.read += calls;
                self.counts.counted += calls;
            }
            EngineRow::OutsideWindow { calls } => {
                self.counts.read += calls;
                self.counts.filtered += calls;
                self.removals.outside_window(calls);
            }
            EngineRow::Duplicate { calls } => {
                self.counts.read += calls;
                self.counts.duplicate += calls;
            }
            EngineRow::Undated { calls } => {
                self.counts.read += calls;
                self.counts.unreadable += calls;
                self.undated += calls;
            }
            EngineRow::Unreadable { calls } => {
                self.counts.read += calls;
                self.counts.unreadable += calls;
            }
            EngineRow::NetworkActivity { calls } => {
                *self.others.entry(ContentKind::NetworkActivity).or_default() += calls;
            }
        }
    }

    /// Copies an event that is not a duplicate, and counts it unless a filter refuses it.
    fn admit(&mut self, record: &EventRecord<'_>, calls: CallCount) {
        self.copy(record);
        match self.count(record, calls) {
            true => self.counts.counted += calls.count,
            false => self.counts.filtered += calls.count,
        }
    }

    /// Counts an event unless a filter refuses it; returns whether it was counted.
    fn count(&mut self, record: &EventRecord<'_>, calls: CallCount) -> bool {
        let matcher = &self.matcher;
        let outcome = record.outcome();
        let event = CountedEvent {
            record,
            calls,
            outcome,
        };
        let none_counted = self.counts.counted == 0;
        let removals = &mut self.removals;
        let AccountCounter {
            tally, identities, ..
        } = Self::counter(&mut self.counters, self.rules, self.empty, record);
        // Resolving an identity is expensive, and so is comparing it with the ones seen before.
        let (identity, hints) = match self.asks_for_actors {
            true => (record.user_identity, record.caller_hints()),
            false => (&[][..], CallerHints::default()),
        };
        let known = identities.find(identity, self.batches, hints, |actor| {
            let refusals = matcher.actor_refusals(actor, identity);
            if none_counted {
                removals.actor(refusals, actor, identity);
            }
            (tally.actor(actor), refusals)
        });
        let account = &known.account;
        if !known.refusals.is_empty() || !matcher.admits(record, outcome, account) {
            if none_counted {
                removals.event(matcher, &event, known.refusals, account);
            }
            return false;
        }
        if let Some((shape, example)) = &known.odd {
            tally.add_odd(shape, calls.count, example);
        }
        tally.add(&event, known.id);
        true
    }
}

impl<C: EventCounter> RecordSink for EventIngest<'_, C> {
    fn events(&mut self, records: &[EventRecord<'_>]) {
        self.begin_batch();
        let mut inside: Vec<(&EventRecord<'_>, Option<Seconds>)> =
            Vec::with_capacity(records.len());
        let none_counted = self.counts.counted == 0;
        let mut outside = 0;
        let mut undated = 0;
        let mut has_updates = false;
        for record in records {
            if !self.rules.network_activity && record.is_network_activity() {
                self.other(ContentKind::NetworkActivity);
                continue;
            }
            self.counts.read += 1;
            let time = record.time(&mut self.clock);
            if none_counted {
                self.removals.saw(time);
            }
            if self.rules.window.contains(time) {
                has_updates |= !record.addendum.is_empty();
                inside.push((record, time));
            } else if time.is_none() {
                undated += 1;
            } else {
                outside += 1;
            }
        }
        self.undated += undated;
        self.counts.unreadable += undated;
        self.counts.filtered += outside;
        self.removals.outside_window(outside);
        if has_updates {
            self.replace_updated(&mut inside);
        }
        let mut is_new = self
            .seen
            .insert(inside.iter().filter_map(|(record, _)| record.event_id))
            .into_iter();
        for (record, time) in inside {
            if record.event_id.is_some() && is_new.next() == Some(false) {
                self.counts.duplicate += 1;
                continue;
            }
            self.admit(record, CallCount::one(time));
        }
    }

    fn other(&mut self, kind: ContentKind) {
        *self.others.entry(kind).or_default() += 1;
    }

    fn unreadable(&mut self, fault: RecordFault) {
        self.counts.read += 1;
        self.counts.unreadable += 1;
        self.truncated += u64::from(fault == RecordFault::Truncated);
        self.damaged_payloads += u64::from(fault == RecordFault::Payload);
    }

    fn converted(&mut self, form: RecordForm) {
        *self.converted.entry(form).or_default() += 1;
    }

    fn undated(&self) -> u64 {
        self.undated
    }
}

#[cfg(test)]
mod tests;
