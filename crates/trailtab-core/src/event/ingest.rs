//! The path of an event from its document to the counter: window, deduplication, filters, count.

use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;

use crate::activity::tally::Tally;
use crate::event::dedupe::SeenIds;
use crate::event::envelope::{ContentKind, RecordFault, RecordForm, RecordSink};
use crate::event::filter::{EventFilter, Refusals};
use crate::event::identity::ResolvedActor;
use crate::event::no_match::Removals;
use crate::event::record::{CallOutcome, CallerHints, EventRecord};
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
    /// Whether calls through VPC endpoints that CloudTrail recorded as network activity are counted.
    pub network_activity: bool,
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
    /// Updated events among the duplicates: the event that they update was counted before they came.
    pub updates_not_applied: u64,
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
            updates_not_applied: 0,
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
        self.updates_not_applied += other.updates_not_applied;
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
    updates_not_applied: u64,
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
            updates_not_applied: 0,
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
            updates_not_applied: self.updates_not_applied,
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
                false => self.admit(record, time),
            }
        }
    }

    /// Copies an event that is no duplicate, and counts it unless a filter refuses it.
    fn admit(&mut self, record: &EventRecord<'_>, time: Option<Seconds>) {
        self.copy(record);
        match self.count(record, time) {
            true => self.counts.counted += 1,
            false => self.counts.filtered += 1,
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
        let (identity, hints) = match tally.asks_for_actors() || filter.asks_for_actors() {
            true => (record.user_identity, record.caller_hints()),
            false => (&[][..], CallerHints::default()),
        };
        let known = identities.find(identity, hints, |actor| {
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
            self.admit(record, time);
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
    /// What the record told of the caller besides.
    user_name: Option<Box<str>>,
    is_mcp: bool,
    id: ActorId,
    refusals: Refusals,
    account: String,
    /// The unknown shape, and the identity as JSON.
    odd: Option<(String, String)>,
}

impl KnownIdentity {
    #[inline]
    fn is(&self, json: &[u8], hints: CallerHints<'_>) -> bool {
        let has_name = || match (&self.user_name, hints.user_name) {
            (None, None) => true,
            (Some(mine), Some(theirs)) => theirs.is_exactly(mine),
            _ => false,
        };
        *self.json == *json && self.is_mcp == hints.is_mcp && has_name()
    }
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
        hints: CallerHints<'_>,
        meet: impl FnOnce(&ResolvedActor) -> (ActorId, Refusals),
    ) -> &KnownIdentity {
        let is_last = self.places[self.last]
            .as_ref()
            .is_some_and(|known| known.is(json, hints));
        if !is_last {
            self.last = match hints {
                CallerHints {
                    user_name: None,
                    is_mcp: false,
                } => self.hasher.hash_one(json),
                CallerHints { user_name, is_mcp } => {
                    let user_name = user_name.map(JsonText::decode);
                    self.hasher.hash_one((json, user_name, is_mcp))
                }
            } as usize
                % self.places.len();
        }
        let place = &mut self.places[self.last];
        if place.as_ref().is_none_or(|known| !known.is(json, hints)) {
            *place = None;
        }
        place.get_or_insert_with(|| {
            let actor = ResolvedActor::resolve_with(json, hints);
            let (id, refusals) = meet(&actor);
            Box::new(KnownIdentity {
                json: json.into(),
                user_name: hints.user_name.map(|name| name.decode().into()),
                is_mcp: hints.is_mcp,
                id,
                refusals,
                account: actor.account_or_unknown(),
                odd: actor.odd.map(|shape| (shape, example(json))),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;
    use crate::activity::summary::{RunContext, Summary};
    use crate::coverage::RunCoverage;
    use crate::event::envelope::EnvelopeReader;

    const ANN: &str = r#"{"type":"IAMUser","accountId":"111122223333","userName":"ann"}"#;

    fn record(id: &str, more: &str) -> String {
        format!(
            r#"{{"eventVersion":"1.10","eventID":"{id}","eventTime":"2026-09-07T08:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{ANN},"recipientAccountId":"111122223333"{more}}}"#
        )
    }

    fn update(id: &str, original: &str) -> String {
        let addendum = format!(
            r#","errorCode":"AccessDenied","addendum":{{"reason":"UPDATED_DATA","updatedFields":"errorCode","originalEventID":"{original}"}}"#
        );
        record(id, &addendum)
    }

    /// Reads documents one after the other.
    fn read(documents: &[&[String]], rules: &IngestRules) -> IngestStats {
        let (seen, empty) = (SeenIds::default(), Tally::default());
        let mut intake = EventIngest::new(rules, &empty, &seen, None);
        for document in documents {
            let json = document.join("\n");
            EnvelopeReader::default().feed(json.as_bytes(), true, &mut intake);
        }
        let stats = intake.finish();
        let counts = stats.counts;
        let sum = counts.counted + counts.filtered + counts.duplicate + counts.unreadable;
        assert_eq!(counts.read, sum);
        stats
    }

    fn summary(stats: &IngestStats) -> Summary {
        let tally = stats.tallies.values().next();
        let (coverage, run) = (RunCoverage::default(), RunContext::default());
        Summary::of(tally.unwrap_or(&Tally::default()), stats, &coverage, &run)
    }

    fn failed(stats: &IngestStats) -> u64 {
        let extension = summary(stats).trailtab.unwrap_or_default();
        extension.principals.values().map(|p| p.calls.failed).sum()
    }

    #[test]
    fn an_updated_event_takes_the_place_of_the_event_it_names() {
        let rules = IngestRules::default();
        let (original, updated) = (record("a", ""), update("b", "a"));
        let orders: [&[&[String]]; 4] = [
            &[&[original.clone(), updated.clone()]],
            &[&[updated.clone(), original.clone()]],
            &[from_ref(&updated), from_ref(&original)],
            &[from_ref(&updated), &[updated.clone(), original.clone()]],
        ];
        for documents in orders {
            let stats = read(documents, &rules);
            let counts = (stats.counts.counted, failed(&stats));
            assert_eq!(counts, (1, 1), "{documents:?}");
            assert_eq!(stats.updates_not_applied, 0);
        }
    }

    #[test]
    fn an_update_that_comes_too_late_is_told() {
        let rules = IngestRules::default();
        let documents: [&[String]; 2] = [&[record("a", "")], &[update("b", "a")]];
        let stats = read(&documents, &rules);
        assert_eq!((stats.counts.counted, stats.counts.duplicate), (1, 1));
        assert_eq!((failed(&stats), stats.updates_not_applied), (0, 1));
    }

    #[test]
    fn other_addenda_replace_nothing() {
        let delayed = r#","addendum":{"reason":"DELIVERY_DELAY","originalEventID":"a"}"#;
        let stats = read(
            &[&[record("a", ""), record("b", delayed), update("c", "c")]],
            &IngestRules::default(),
        );
        assert_eq!(stats.counts.counted, 3);
    }

    #[test]
    fn network_activity_is_a_kind_of_its_own() {
        let network = r#","eventType":"AwsVpceEvent","eventCategory":"NetworkActivity""#;
        let document = [record("a", ""), record("b", network)];
        let stats = read(&[&document], &IngestRules::default());
        assert_eq!((stats.counts.read, stats.counts.counted), (1, 1));
        assert_eq!(stats.others[&ContentKind::NetworkActivity], 1);
        let rules = IngestRules {
            network_activity: true,
            ..IngestRules::default()
        };
        let stats = read(&[&document], &rules);
        assert_eq!((stats.counts.counted, stats.others.len()), (2, 0));
    }

    #[test]
    fn what_stands_outside_of_the_identity_tells_callers_apart() {
        let identity = r#"{"type":"IdentityCenterUser","accountId":"111122223333","onBehalfOf":{"userId":"u-1","identityStoreArn":"arn:aws:identitystore::111122223333:identitystore/d-1"}}"#;
        let sign_in = |id: &str, name: &str, agent: &str| {
            format!(
                r#"{{"eventVersion":"1.08","eventID":"{id}","eventSource":"signin.amazonaws.com","eventName":"UserAuthentication","userAgent":"{agent}","userIdentity":{identity},"additionalEventData":{{"UserName":"{name}"}}}}"#
            )
        };
        let document = [
            sign_in("1", "ann", "aws-cli/2"),
            sign_in("2", "ben", "aws-cli/2"),
            sign_in("3", "ann", "aws-mcp.amazonaws.com"),
            sign_in("4", "", "aws-cli/2"),
            sign_in("5", "Ann", "aws-cli/2"),
        ];
        let stats = read(&[&document], &IngestRules::default());
        let persons = summary(&stats).trailtab.unwrap_or_default().persons;
        let calls = |name: &str| persons.get(name).map_or(0, |person| person.calls.calls);
        assert_eq!((calls("ann"), calls("ben"), calls("u-1")), (3, 1, 1));
        assert_eq!(persons["ann"].agents["aws_mcp"], 1);
        assert_eq!(persons["ben"].agents.len(), 0);
    }
}
