//! Counts events and merges counts.
//!
//! A [`Tally`] is a [`EventCounter`]: any two can be merged.

use std::collections::BTreeMap;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::event::identity::{PersonEvidence, ResolvedActor};
use crate::event::ingest::{ActorId, CountedEvent, EventCounter};
use crate::event::intern::{Interner, Symbol};
use crate::event::record::{CallOutcome, EventRecord};
use crate::event::scan::JsonText;
use crate::time::Seconds;

/// The value used if a record has no address, user agent, region or service.
pub const UNKNOWN: JsonText<'static> = JsonText::plain(b"Unknown");

/// Maps with symbols as keys need no seed: an attacker chooses strings, not their numbers.
type SymbolMap<K, V> = HashMap<K, V, FixedState>;
type SymbolCounts<K> = SymbolMap<K, u64>;

/// Calls, and the times of the first and last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SeenStats {
    /// Number of calls.
    pub calls: u64,
    /// Calls whose record has an error code or message.
    pub failed: u64,
    /// Calls whose record says `readOnly: true`.
    pub reads: u64,
    /// Calls whose record says `readOnly: false`. Calls without `readOnly` are in neither count.
    pub writes: u64,
    /// The earliest eventTime; absent if no record has a time.
    pub first: Option<Seconds>,
    /// The latest eventTime; absent if no record has a time.
    pub last: Option<Seconds>,
}

impl SeenStats {
    #[inline]
    fn add(&mut self, failed: bool, read_only: Option<bool>, time: Option<Seconds>) {
        self.calls += 1;
        self.failed += u64::from(failed);
        self.reads += u64::from(read_only == Some(true));
        self.writes += u64::from(read_only == Some(false));
        if let Some(time) = time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
    }

    /// Adds the calls of another.
    pub fn merge(&mut self, other: &SeenStats) {
        self.calls += other.calls;
        self.failed += other.failed;
        self.reads += other.reads;
        self.writes += other.writes;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
    }
}

/// A distinct identity: a principal in one of its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ActorKey {
    principal: Symbol,
    kind: Symbol,
    session: Option<Symbol>,
    person: Option<(Symbol, PersonEvidence)>,
    account: Option<Symbol>,
}

/// Where an event was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct RecordedScope {
    account: Symbol,
    region: Symbol,
}

/// Identities of an unknown shape.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct UnknownShape {
    /// Number of events with an identity of this shape.
    pub events: u64,
    /// The shortest of the identities, as JSON.
    pub example: String,
}

/// Counts of events. Every number in a result is one of these, or a sum of them.
#[derive(Debug, Default)]
pub struct Tally {
    strings: Interner,
    actor_ids: SymbolMap<ActorKey, ActorId>,
    actors: Vec<(ActorKey, SeenStats)>,
    scope_ids: SymbolMap<RecordedScope, usize>,
    scopes: Vec<(RecordedScope, SeenStats)>,
    apis: SymbolPairs,
    calls_by_principal: SymbolCounts<(Symbol, u32)>,
    calls_by_scope: SymbolCounts<(usize, u32)>,
    addresses: SymbolCounts<(Symbol, Symbol)>,
    user_agents: SymbolCounts<(Symbol, Symbol)>,
    /// Principal, API and error code.
    errors: SymbolCounts<(Symbol, u32, Symbol)>,
    /// Calls and failed calls by hours since 1970.
    hours: SymbolMap<i64, (u64, u64)>,
    versions: SymbolCounts<Symbol>,
    odd: BTreeMap<String, UnknownShape>,
    without_time: u64,
    near: LastValueCache,
}

/// The previous value of fields that seldom change.
#[derive(Debug, Default)]
struct LastValueCache {
    source: Option<Symbol>,
    region: Option<Symbol>,
    account: Option<Symbol>,
    version: Option<Symbol>,
    user_agent: Option<Symbol>,
    address: Option<Symbol>,
    scope: Option<(RecordedScope, usize)>,
}

/// Numbers for pairs of symbols. An API is the pair of its service and its name.
#[derive(Debug, Default)]
struct SymbolPairs {
    ids: SymbolMap<(Symbol, Symbol), u32>,
    pairs: Vec<(Symbol, Symbol)>,
}

impl SymbolPairs {
    #[inline]
    fn id(&mut self, pair: (Symbol, Symbol)) -> u32 {
        *self.ids.entry(pair).or_insert_with(|| {
            self.pairs.push(pair);
            // There are never more pairs than memory has room for.
            u32::try_from(self.pairs.len() - 1).unwrap_or(u32::MAX)
        })
    }
}

impl EventCounter for Tally {
    fn empty(&self) -> Tally {
        Tally::default()
    }

    fn actor(&mut self, actor: &ResolvedActor) -> ActorId {
        let key = ActorKey {
            principal: self.strings.string(&actor.principal),
            kind: self.strings.string(&actor.kind),
            session: actor
                .session
                .as_deref()
                .map(|name| self.strings.string(name)),
            person: actor
                .person
                .as_ref()
                .map(|person| (self.strings.string(&person.name), person.evidence)),
            account: actor
                .account
                .as_deref()
                .map(|account| self.strings.string(account)),
        };
        self.actor_id(key)
    }

    fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    #[inline]
    fn add(&mut self, event: &CountedEvent<'_, '_>) {
        let record = event.record;
        let failed = event.outcome != CallOutcome::Succeeded;
        let Some((key, stats)) = self.actors.get_mut(event.actor.0) else {
            return;
        };
        let ActorKey {
            principal, account, ..
        } = *key;
        stats.add(failed, record.read_only, event.time);

        let near = &mut self.near;
        let strings = &mut self.strings;
        let source = strings.text_near(record.event_source.unwrap_or(UNKNOWN), &mut near.source);
        let name = strings.text(record.event_name.unwrap_or(UNKNOWN));
        let api = self.apis.id((source, name));
        let agent = strings.text_near(record.user_agent.unwrap_or(UNKNOWN), &mut near.user_agent);
        let address = record.source_ip_address.unwrap_or(UNKNOWN);
        let address = strings.text_near(address, &mut near.address);
        *self.calls_by_principal.entry((principal, api)).or_default() += 1;
        *self.addresses.entry((principal, address)).or_default() += 1;
        *self.user_agents.entry((principal, agent)).or_default() += 1;
        if let CallOutcome::Failed(Some(code)) = event.outcome {
            let code = strings.text(code);
            *self.errors.entry((principal, api, code)).or_default() += 1;
        }
        if let Some(version) = record.event_version {
            let version = strings.text_near(version, &mut near.version);
            *self.versions.entry(version).or_default() += 1;
        }
        let scope = self.scope(record, account);
        self.scopes[scope]
            .1
            .add(failed, record.read_only, event.time);
        *self.calls_by_scope.entry((scope, api)).or_default() += 1;
        match event.time {
            Some(time) => {
                let hour = self.hours.entry(time.div_euclid(3600)).or_default();
                hour.0 += 1;
                hour.1 += u64::from(failed);
            }
            None => self.without_time += 1,
        }
    }

    fn add_odd(&mut self, shape: &str, json: &str) {
        let odd = UnknownShape {
            events: 1,
            example: json.to_owned(),
        };
        self.merge_odd(shape, &odd);
    }

    fn merge(&mut self, other: &Tally) {
        let strings: Vec<Symbol> = (0..other.strings.count())
            .map(|index| self.strings.string(other.strings.get(Symbol(index))))
            .collect();
        let symbol = |other: Symbol| strings[other.index()];
        let mut apis = Vec::with_capacity(other.apis.pairs.len());
        for &(source, name) in &other.apis.pairs {
            apis.push(self.apis.id((symbol(source), symbol(name))));
        }
        let api = |other: u32| apis[other as usize];

        for (key, stats) in &other.actors {
            let id = self.actor_id(ActorKey {
                principal: symbol(key.principal),
                kind: symbol(key.kind),
                session: key.session.map(symbol),
                person: key.person.map(|(name, evidence)| (symbol(name), evidence)),
                account: key.account.map(symbol),
            });
            self.actors[id.0].1.merge(stats);
        }
        let mut scopes = Vec::with_capacity(other.scopes.len());
        for (scope, stats) in &other.scopes {
            let index = self.scope_id(RecordedScope {
                account: symbol(scope.account),
                region: symbol(scope.region),
            });
            self.scopes[index].1.merge(stats);
            scopes.push(index);
        }
        merge_counts(
            &mut self.calls_by_principal,
            &other.calls_by_principal,
            |(p, a)| (symbol(p), api(a)),
        );
        merge_counts(&mut self.calls_by_scope, &other.calls_by_scope, |(s, a)| {
            (scopes[s], api(a))
        });
        let both = |(a, b)| (symbol(a), symbol(b));
        merge_counts(&mut self.addresses, &other.addresses, both);
        merge_counts(&mut self.user_agents, &other.user_agents, both);
        merge_counts(&mut self.errors, &other.errors, |(p, a, code)| {
            (symbol(p), api(a), symbol(code))
        });
        merge_counts(&mut self.versions, &other.versions, symbol);
        for (&hour, &(calls, failed)) in &other.hours {
            let mine = self.hours.entry(hour).or_default();
            mine.0 += calls;
            mine.1 += failed;
        }
        for (shape, odd) in &other.odd {
            self.merge_odd(shape, odd);
        }
        self.without_time += other.without_time;
    }
}

impl Tally {
    fn actor_id(&mut self, key: ActorKey) -> ActorId {
        *self.actor_ids.entry(key).or_insert_with(|| {
            self.actors.push((key, SeenStats::default()));
            ActorId(self.actors.len() - 1)
        })
    }

    /// Finds the account and region that recorded an event; returns the index in `scopes`.
    #[inline]
    fn scope(&mut self, record: &EventRecord<'_>, actor_account: Option<Symbol>) -> usize {
        let region = record.aws_region.unwrap_or(UNKNOWN);
        let account = match record.recipient_account_id {
            Some(account) => self.strings.text_near(account, &mut self.near.account),
            None => actor_account.unwrap_or_else(|| self.strings.string("unknown")),
        };
        let region = self.strings.text_near(region, &mut self.near.region);
        let scope = RecordedScope { account, region };
        if let Some((last, index)) = self.near.scope
            && last == scope
        {
            return index;
        }
        let index = self.scope_id(scope);
        self.near.scope = Some((scope, index));
        index
    }

    fn scope_id(&mut self, scope: RecordedScope) -> usize {
        *self.scope_ids.entry(scope).or_insert_with(|| {
            self.scopes.push((scope, SeenStats::default()));
            self.scopes.len() - 1
        })
    }

    fn merge_odd(&mut self, shape: &str, other: &UnknownShape) {
        match self.odd.get_mut(shape) {
            Some(odd) => {
                odd.events += other.events;
                if (other.example.len(), &other.example) < (odd.example.len(), &odd.example) {
                    odd.example.clone_from(&other.example);
                }
            }
            None => drop(self.odd.insert(shape.to_owned(), other.clone())),
        }
    }
}

fn merge_counts<K: Copy + Eq + std::hash::Hash>(
    mine: &mut SymbolCounts<K>,
    other: &SymbolCounts<K>,
    translate: impl Fn(K) -> K,
) {
    for (&key, &count) in other {
        *mine.entry(translate(key)).or_default() += count;
    }
}

/// The calls of one actor.
pub struct ActorRow<'t> {
    /// The principal, such as `ACCOUNT:role/NAME`.
    pub principal: &'t str,
    /// The record's `userIdentity.type`, or `AssumedRoot`; empty if the record has no type.
    pub kind: &'t str,
    /// The role session's name; absent for identities without a session.
    pub session: Option<&'t str>,
    /// The person behind the principal, and how the name is known; absent if no person is known.
    pub person: Option<(&'t str, PersonEvidence)>,
    /// The actor's calls.
    pub stats: &'t SeenStats,
}

/// The counts row by row, in no particular order.
impl Tally {
    fn api(&self, id: u32) -> (&str, &str) {
        let pair = self.apis.pairs.get(id as usize);
        pair.map_or(("", ""), |&(source, name)| {
            (self.strings.get(source), self.strings.get(name))
        })
    }

    /// Actors with at least one call.
    pub fn actors(&self) -> impl Iterator<Item = ActorRow<'_>> {
        let used = self.actors.iter().filter(|(_, stats)| stats.calls > 0);
        used.map(|(key, stats)| ActorRow {
            principal: self.strings.get(key.principal),
            kind: self.strings.get(key.kind),
            session: key.session.map(|name| self.strings.get(name)),
            person: key
                .person
                .map(|(name, evidence)| (self.strings.get(name), evidence)),
            stats,
        })
    }

    /// Account, region and the calls recorded there.
    pub fn scopes(&self) -> impl Iterator<Item = (&str, &str, &SeenStats)> {
        self.scopes.iter().map(|(scope, stats)| {
            (
                self.strings.get(scope.account),
                self.strings.get(scope.region),
                stats,
            )
        })
    }

    /// Principal, service, API and count.
    pub fn calls_by_principal(&self) -> impl Iterator<Item = (&str, &str, &str, u64)> {
        self.calls_by_principal
            .iter()
            .map(|(&(principal, api), &count)| {
                let (source, name) = self.api(api);
                (self.strings.get(principal), source, name, count)
            })
    }

    /// Region, service, API and count. A region appears once for each account.
    pub fn calls_by_region(&self) -> impl Iterator<Item = (&str, &str, &str, u64)> {
        self.calls_by_scope.iter().map(|(&(scope, api), &count)| {
            let region = self
                .scopes
                .get(scope)
                .map_or("", |(s, _)| self.strings.get(s.region));
            let (source, name) = self.api(api);
            (region, source, name, count)
        })
    }

    /// Principal, address and count.
    pub fn addresses(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.pairs(&self.addresses)
    }

    /// Principal, user agent and count.
    pub fn user_agents(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.pairs(&self.user_agents)
    }

    fn pairs<'t>(
        &'t self,
        counts: &'t SymbolCounts<(Symbol, Symbol)>,
    ) -> impl Iterator<Item = (&'t str, &'t str, u64)> {
        counts
            .iter()
            .map(|(&(a, b), &count)| (self.strings.get(a), self.strings.get(b), count))
    }

    /// Principal, service, API, error code and count.
    pub fn errors(&self) -> impl Iterator<Item = (&str, &str, &str, &str, u64)> {
        self.errors.iter().map(|(&(principal, api, code), &count)| {
            let (source, name) = self.api(api);
            (
                self.strings.get(principal),
                source,
                name,
                self.strings.get(code),
                count,
            )
        })
    }

    /// The first second of an hour, calls and failed calls.
    pub fn hours(&self) -> impl Iterator<Item = (Seconds, u64, u64)> {
        self.hours
            .iter()
            .map(|(&hour, &(calls, failed))| (hour * 3600, calls, failed))
    }

    /// eventVersion as in the records, and count.
    pub fn versions(&self) -> impl Iterator<Item = (&str, u64)> {
        self.versions
            .iter()
            .map(|(&version, &count)| (self.strings.get(version), count))
    }

    /// Identities of an unknown shape, by shape.
    pub fn odd(&self) -> &BTreeMap<String, UnknownShape> {
        &self.odd
    }

    /// Number of events without a valid eventTime.
    pub fn without_time(&self) -> u64 {
        self.without_time
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::activity::summary::{RunContext, Summary};
    use crate::coverage::RunCoverage;
    use crate::event::dedupe::SeenIds;
    use crate::event::envelope::EnvelopeReader;
    use crate::event::ingest::{EventIngest, IngestRules, IngestStats};

    /// Few values, so that they repeat; the last of each stands for an absent field.
    fn event() -> impl Strategy<Value = String> {
        let identities = [
            r#"{"type":"IAMUser","accountId":"1","userName":"a"}"#,
            r#"{"type":"AssumedRole","accountId":"2","arn":"arn:aws:sts::2:assumed-role/r/s@t","sessionContext":{"sourceIdentity":"p"}}"#,
            r#"{"type":"AssumedRole","accountId":"2","arn":"arn:aws:sts::2:assumed-role/r/s@t"}"#,
            r#"{"type":"Root","accountId":"1","sessionContext":{"assumedRoot":"true"}}"#,
            r#"{"type":"Martian","userName":"short"}"#,
            r#"{"type":"Martian","userName":"much longer"}"#,
            "null",
        ];
        let of = |values: &'static [&'static str]| proptest::sample::select(values);
        (
            proptest::sample::select(identities.to_vec()).prop_map(str::to_owned),
            of(&[r#""a.amazonaws.com""#, r#""b.amazonaws.com""#, "null"]),
            of(&[r#""Get""#, r#""Put""#]),
            of(&[r#""eu-west-1""#, r#""us-east-1""#, "null"]),
            of(&[r#""E""#, r#""F""#, "null"]),
            of(&[r#""1.08""#, r#""1.8""#, r#""1.11""#]),
            of(&[r#""2026-09-07T08:00:00Z""#, r#""2026-09-07T09:59:59Z""#, r#""1969-12-31T23:59:59Z""#, "null"]),
            (of(&[r#""x""#, r#""y""#, "null"]), of(&["true", "false", "null"]), of(&[r#""1""#, r#""3""#, "null"])),
        )
            .prop_map(|(identity, source, name, region, error, version, time, (address, read_only, account))| {
                format!(
                    r#"{{"eventVersion":{version},"userIdentity":{identity},"eventTime":{time},"eventSource":{source},"eventName":{name},"awsRegion":{region},"sourceIPAddress":{address},"userAgent":{address},"errorCode":{error},"readOnly":{read_only},"recipientAccountId":{account}}}"#
                )
            })
    }

    fn tally(events: &[String]) -> Tally {
        let (rules, seen, empty) = (IngestRules::default(), SeenIds::default(), Tally::default());
        let mut intake = EventIngest::new(&rules, &empty, &seen, None);
        EnvelopeReader::default().feed(events.join("\n").as_bytes(), true, &mut intake);
        let intaken = intake.finish();
        assert_eq!(intaken.counts.counted, events.len() as u64);
        intaken.tallies.into_values().next().unwrap_or_default()
    }

    fn merged(one: &Tally, other: &Tally) -> Tally {
        let mut all = Tally::default();
        all.merge(one);
        all.merge(other);
        all
    }

    /// Everything that a tally reports, independent of the order of events.
    fn told(tally: &Tally) -> Summary {
        Summary::of(
            tally,
            &IngestStats::default(),
            &RunCoverage::default(),
            &RunContext::default(),
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn tallies_are_a_commutative_monoid(
            a in prop::collection::vec(event(), 0..12),
            b in prop::collection::vec(event(), 0..12),
            c in prop::collection::vec(event(), 0..12),
        ) {
            let all = tally(&[&a[..], &b, &c].concat());
            let (a, b, c) = (tally(&a), tally(&b), tally(&c));
            prop_assert_eq!(told(&merged(&a, &b)), told(&merged(&b, &a)));
            let (left, right) = (merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(told(&left), told(&right));
            prop_assert_eq!(told(&left), told(&all));
            let nothing = Tally::default();
            prop_assert_eq!(told(&merged(&a, &nothing)), told(&a));
            prop_assert_eq!(told(&merged(&nothing, &a)), told(&a));
        }
    }

    #[test]
    fn what_a_record_leaves_out_is_unknown() {
        let summary = told(&tally(&[
            r#"{"eventVersion":"1.0","eventName":"Get"}"#.to_owned()
        ]));
        let expected = |outer: &str, inner: &str| {
            BTreeMap::from([(outer.to_owned(), BTreeMap::from([(inner.to_owned(), 1)]))])
        };
        assert_eq!(
            summary.api_calls_by_principal,
            expected("unknown", "Unknown:Get")
        );
        assert_eq!(
            summary.api_calls_by_region,
            expected("Unknown", "Unknown:Get")
        );
        assert_eq!(
            summary.ip_addresses_by_principal,
            expected("unknown", "Unknown")
        );
        assert_eq!(
            summary.user_agents_by_principal,
            expected("unknown", "Unknown")
        );
        assert_eq!(summary.metadata.account_id, "unknown");
    }
}
