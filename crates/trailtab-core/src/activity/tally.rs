//! Counts events and merges counts.
//!
//! A [`Tally`] is a [`EventCounter`]: any two can be merged.

mod apis;
mod merge;
mod rows;
mod run;
mod stats;

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::memory::{CountMemory, MemoryShare, StoredRun};
use apis::ApiTable;
pub use rows::CountTable;
use run::RunWriter;
use stats::CallEnd;
pub use stats::SeenStats;

use crate::event::counter::{CallCount, CountedEvent, EventCounter};
use crate::event::identity::{AgentEvidence, ResolvedActor};
use crate::event::intern::{Interner, RecentSymbols, Symbol};
use crate::event::needs::RecordNeeds;
use crate::event::record::{CallOutcome, EventRecord, UNKNOWN};
use crate::event::resource::{self, ResourceRole};
use crate::event::scan::JsonText;

/// The value used for a refused call without an error code, such as a failed sign-in.
pub const NO_ERROR_CODE: JsonText<'static> = JsonText::plain(b"no error code");

/// Maps with symbols as keys need no seed: an attacker chooses strings, not their numbers.
type SymbolMap<K, V> = HashMap<K, V, FixedState>;
type SymbolCounts<K> = SymbolMap<K, u64>;

/// A distinct identity: a principal in one of its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ActorKey {
    principal: Symbol,
    kind: Symbol,
    session: Option<Symbol>,
    /// The person's name, and the name of the evidence.
    person: Option<(Symbol, Symbol)>,
    workload: Option<Symbol>,
    service: Option<Symbol>,
    /// The name of the evidence.
    agent: Option<Symbol>,
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
///
/// With a [`CountMemory`], rows that have no room are stored in runs.
#[derive(Debug, Default)]
pub struct Tally {
    strings: Interner,
    actor_ids: SymbolMap<ActorKey, usize>,
    actors: Vec<(ActorKey, SeenStats)>,
    scope_ids: SymbolMap<RecordedScope, u32>,
    scopes: Vec<(RecordedScope, SeenStats)>,
    apis: ApiTable,
    /// Principal, index in `scopes`, and API: one look-up for each call counts both sections that are made of it.
    calls: SymbolCounts<(Symbol, u32, u32)>,
    /// Index in `scopes`, and API, of the calls that are no longer in `calls` because their rows are stored.
    stored_calls: SymbolCounts<(u32, u32)>,
    addresses: SymbolCounts<(Symbol, Symbol)>,
    user_agents: SymbolCounts<(Symbol, Symbol)>,
    /// Principal, API and error code.
    errors: SymbolCounts<(Symbol, u32, Symbol)>,
    /// Principal, API and error code of calls that AWS refused; [`NO_ERROR_CODE`] if there is none.
    denied: SymbolCounts<(Symbol, u32, Symbol)>,
    /// Principal, key and role of the resource; empty unless resources are counted.
    resources: SymbolMap<(Symbol, Symbol, Symbol), SeenStats>,
    counts_resources: bool,
    /// Calls and failed calls by hours since 1970.
    hours: SymbolMap<i64, (u64, u64)>,
    versions: SymbolCounts<Symbol>,
    odd: BTreeMap<String, UnknownShape>,
    without_time: u64,
    near: LastValueCache,
    /// The rows that had no room in memory.
    runs: Vec<Arc<dyn StoredRun>>,
    share: Option<MemoryShare>,
}

/// The last values of fields that seldom change.
#[derive(Debug, Default)]
struct LastValueCache {
    region: RecentSymbols,
    account: RecentSymbols,
    version: RecentSymbols,
    user_agent: RecentSymbols,
    address: RecentSymbols,
    scope: Option<(RecordedScope, u32)>,
}

impl EventCounter for Tally {
    /// The index in `actors`.
    type ActorId = usize;

    fn empty(&self) -> Tally {
        Tally {
            share: self.share.as_ref().map(MemoryShare::another),
            counts_resources: self.counts_resources,
            ..Tally::default()
        }
    }

    fn needs(&self) -> RecordNeeds {
        match self.counts_resources {
            true => RecordNeeds::WHOLE_RECORDS,
            false => RecordNeeds {
                caller: true,
                address: true,
                user_agent: true,
                ..RecordNeeds::default()
            },
        }
    }

    fn actor(&mut self, actor: &ResolvedActor) -> usize {
        let mut optional = |name: Option<&str>| name.map(|name| self.strings.string(name));
        let key = ActorKey {
            session: optional(actor.session.as_deref()),
            workload: optional(actor.workload.as_deref()),
            service: optional(actor.service.as_deref()),
            account: optional(actor.account.as_deref()),
            agent: optional(actor.agent.map(AgentEvidence::name)),
            principal: self.strings.string(&actor.principal),
            kind: self.strings.string(&actor.kind),
            person: actor.person.as_ref().map(|person| {
                let evidence = person.evidence.name();
                (
                    self.strings.string(&person.name),
                    self.strings.string(evidence),
                )
            }),
        };
        self.actor_id(key)
    }

    fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    #[inline]
    fn add(&mut self, event: &CountedEvent<'_, '_>, actor: usize) {
        self.add_calls(event.record, event.outcome, event.calls, actor);
    }

    fn add_odd(&mut self, shape: &str, events: u64, json: &str) {
        self.add_shape(shape, events, json.to_owned());
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
                person: key.person.map(|(name, how)| (symbol(name), symbol(how))),
                workload: key.workload.map(symbol),
                service: key.service.map(symbol),
                agent: key.agent.map(symbol),
                account: key.account.map(symbol),
            });
            self.actors[id].1.merge(stats);
        }
        let scopes = self.merge_scopes(other);
        merge_counts(&mut self.calls, &other.calls, |(p, scope, a)| {
            (symbol(p), scopes[scope as usize], api(a))
        });
        let both = |(a, b)| (symbol(a), symbol(b));
        merge_counts(&mut self.addresses, &other.addresses, both);
        merge_counts(&mut self.user_agents, &other.user_agents, both);
        merge_counts(&mut self.errors, &other.errors, |(p, a, code)| {
            (symbol(p), api(a), symbol(code))
        });
        merge_counts(&mut self.denied, &other.denied, |(p, a, code)| {
            (symbol(p), api(a), symbol(code))
        });
        for (&(principal, key, role), stats) in &other.resources {
            let row = (symbol(principal), symbol(key), symbol(role));
            self.resources.entry(row).or_default().merge(stats);
        }
        self.runs.extend(other.runs.iter().cloned());
        merge_counts(&mut self.stored_calls, &other.stored_calls, |(scope, a)| {
            (scopes[scope as usize], api(a))
        });
        self.merge_few(other);
        self.make_room();
    }

    fn make_room(&mut self) -> bool {
        let bytes = self.memory_bytes();
        let Some(share) = &mut self.share else {
            return false;
        };
        if !share.is_due(bytes) {
            return false;
        }
        let stored = self.share.as_ref().and_then(|share| {
            share.store(&mut |out| {
                let mut writer = RunWriter::new(out);
                for table in CountTable::ALL {
                    for (names, stats) in self.sorted_rows(table) {
                        writer.row(table, self.strings_of(&names), &stats)?;
                    }
                }
                writer.flush()
            })
        });
        let Some(run) = stored else {
            return false;
        };
        let mut kept = self.empty();
        kept.runs = std::mem::take(&mut self.runs);
        kept.runs.push(run);
        kept.keep_calls_by_scope(self);
        kept.merge_few(self);
        *self = kept;
        true
    }
}

impl Tally {
    /// An empty tally that stores rows outside of memory when `memory` has no room left.
    pub fn in_memory_of(memory: Arc<CountMemory>) -> Tally {
        Tally {
            share: Some(MemoryShare::new(memory)),
            ..Tally::default()
        }
    }

    /// Also counts the resources that calls create, delete, grant and change.
    #[must_use]
    pub fn with_resources(mut self) -> Tally {
        self.counts_resources = true;
        self
    }

    /// Counts a call for each resource that it changes. Calls that failed change none, and objects of S3
    /// count for their bucket: there may be as many objects as calls.
    fn add_resources(&mut self, record: &EventRecord<'_>, principal: Symbol, calls: CallCount) {
        let mut keys = BTreeMap::new();
        for resource in resource::resources_of(record).list {
            if resource.is_attempt || resource.role == ResourceRole::Read {
                continue;
            }
            match resource.key.bucket_of_object() {
                Some(bucket) => keys.entry(bucket).or_insert(ResourceRole::Changed),
                None => keys.entry(resource.key).or_insert(resource.role),
            };
        }
        for (key, role) in keys {
            let row = (
                principal,
                self.strings.string(key.as_str()),
                self.strings.string(role.as_str()),
            );
            let stats = self.resources.entry(row).or_default();
            stats.add(calls, CallEnd::Succeeded, record.read_only);
        }
    }

    /// About how many bytes the tally takes, hash tables being two thirds full.
    fn memory_bytes(&self) -> usize {
        let pairs = self.addresses.len() + self.user_agents.len() + self.calls.len();
        self.strings.memory_bytes()
            + self.actors.len() * 250
            + pairs * 32
            + (self.errors.len() + self.denied.len()) * 40
            + self.resources.len() * 110
    }

    /// Adds the counts by account and region, which callers cannot make many of; returns for each index in the
    /// other's `scopes` the one in `scopes`.
    fn merge_scopes(&mut self, other: &Tally) -> Vec<u32> {
        let mut indices = Vec::with_capacity(other.scopes.len());
        for (scope, stats) in &other.scopes {
            let scope = RecordedScope {
                account: self.strings.string(other.strings.get(scope.account)),
                region: self.strings.string(other.strings.get(scope.region)),
            };
            let index = self.scope_id(scope);
            self.scopes[index as usize].1.merge(stats);
            indices.push(index);
        }
        indices
    }

    /// Adds the calls by account, region and API of a tally whose rows are stored, and which this one replaces.
    fn keep_calls_by_scope(&mut self, other: &Tally) {
        let scopes = self.merge_scopes(other);
        let stored = other.stored_calls.iter();
        let stored = stored.map(|(&(scope, api), &count)| (scope, api, count));
        let calls = other.calls.iter();
        let calls = calls.map(|(&(_, scope, api), &count)| (scope, api, count));
        for (scope, api, count) in stored.chain(calls) {
            let (source, name) = other.apis.pair(api);
            let pair = (
                self.strings.string(other.strings.get(source)),
                self.strings.string(other.strings.get(name)),
            );
            let key = (scopes[scope as usize], self.apis.id(pair));
            *self.stored_calls.entry(key).or_default() += count;
        }
    }

    /// Adds the counts by hour, version and unknown shape, which callers cannot make many of. They stay in memory.
    fn merge_few(&mut self, other: &Tally) {
        let mine = |strings: &mut Interner, symbol| strings.string(other.strings.get(symbol));
        for (&version, &count) in &other.versions {
            let version = mine(&mut self.strings, version);
            *self.versions.entry(version).or_default() += count;
        }
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

    /// Adds equal calls of an actor.
    #[inline]
    fn add_calls(
        &mut self,
        record: &EventRecord<'_>,
        outcome: CallOutcome<'_>,
        calls: CallCount,
        actor: usize,
    ) {
        let count = calls.count;
        let ended = match outcome {
            CallOutcome::Succeeded => CallEnd::Succeeded,
            outcome if record.is_denied(outcome) => CallEnd::Denied,
            CallOutcome::Failed(_) => CallEnd::Failed,
        };
        let Some((key, stats)) = self.actors.get_mut(actor) else {
            return;
        };
        let ActorKey {
            principal, account, ..
        } = *key;
        stats.add(calls, ended, record.read_only);

        let near = &mut self.near;
        let strings = &mut self.strings;
        let (source, name) = (record.event_source, record.event_name);
        let api = self
            .apis
            .id_of(source.unwrap_or(UNKNOWN), name.unwrap_or(UNKNOWN), strings);
        let agent = strings.recent_text(record.user_agent.unwrap_or(UNKNOWN), &mut near.user_agent);
        let address = record.source_ip_address.unwrap_or(UNKNOWN);
        let address = strings.recent_text(address, &mut near.address);
        *self.addresses.entry((principal, address)).or_default() += count;
        *self.user_agents.entry((principal, agent)).or_default() += count;
        if let CallOutcome::Failed(Some(code)) = outcome {
            let code = strings.text(code);
            *self.errors.entry((principal, api, code)).or_default() += count;
        }
        if let (CallEnd::Denied, CallOutcome::Failed(code)) = (ended, outcome) {
            let code = strings.text(code.unwrap_or(NO_ERROR_CODE));
            *self.denied.entry((principal, api, code)).or_default() += count;
        }
        if self.counts_resources && ended == CallEnd::Succeeded {
            self.add_resources(record, principal, calls);
        }
        let (strings, near) = (&mut self.strings, &mut self.near);
        if let Some(version) = record.event_version {
            let version = strings.recent_text(version, &mut near.version);
            *self.versions.entry(version).or_default() += count;
        }
        let scope = self.scope(record, account);
        self.scopes[scope as usize]
            .1
            .add(calls, ended, record.read_only);
        *self.calls.entry((principal, scope, api)).or_default() += count;
        match calls.times {
            Some((first, _)) => {
                let hour = self.hours.entry(first.div_euclid(3600)).or_default();
                hour.0 += count;
                hour.1 += if ended == CallEnd::Succeeded {
                    0
                } else {
                    count
                };
            }
            None => self.without_time += count,
        }
    }

    fn actor_id(&mut self, key: ActorKey) -> usize {
        *self.actor_ids.entry(key).or_insert_with(|| {
            self.actors.push((key, SeenStats::default()));
            self.actors.len() - 1
        })
    }

    /// Finds the account and region that recorded an event; returns the index in `scopes`.
    #[inline]
    fn scope(&mut self, record: &EventRecord<'_>, actor_account: Option<Symbol>) -> u32 {
        let region = record.aws_region.unwrap_or(UNKNOWN);
        let account = match record.recipient_account_id {
            Some(account) => self.strings.recent_text(account, &mut self.near.account),
            None => actor_account.unwrap_or_else(|| self.strings.string("unknown")),
        };
        let region = self.strings.recent_text(region, &mut self.near.region);
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

    fn scope_id(&mut self, scope: RecordedScope) -> u32 {
        *self.scope_ids.entry(scope).or_insert_with(|| {
            self.scopes.push((scope, SeenStats::default()));
            // There are never more scopes than memory has room for.
            u32::try_from(self.scopes.len() - 1).unwrap_or(u32::MAX)
        })
    }

    fn add_shape(&mut self, shape: &str, events: u64, example: String) {
        self.merge_odd(shape, &UnknownShape { events, example });
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

#[cfg(test)]
pub(crate) mod tests;
