//! What a tally counted, row by row: sorted tables, and the counts that are few in every log.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::stats::SeenStats;
use super::{ActorKey, SymbolMap, Tally, UnknownShape};
use crate::event::intern::Symbol;
use crate::time::Seconds;

/// The most names of one row.
pub(super) const MAX_NAMES: usize = 4;

/// Stands for the names that a table does not have; its string is empty.
const NO_NAME: Symbol = Symbol(u32::MAX);

/// A table whose size grows with the names that callers choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CountTable {
    /// Calls by principal.
    Principals,
    /// By principal and `userIdentity.type`; `AssumedRoot` is a type, and the empty one stands for
    /// records without a type.
    IdentityTypes,
    /// By principal and AWS service that made the calls with the principal's identity.
    Services,
    /// By principal and the evidence that an agent may have made the calls.
    PrincipalAgents,
    /// By principal and name of the role session.
    Sessions,
    /// By principal, session and the evidence of an agent.
    SessionAgents,
    /// By person.
    Persons,
    /// By person and what identified the person.
    PersonEvidence,
    /// By person and the evidence of an agent.
    PersonAgents,
    /// By person and principal.
    PersonPrincipals,
    /// By workload.
    Workloads,
    /// By workload and principal.
    WorkloadPrincipals,
    /// Calls that created, deleted, granted or changed a resource, by its key; a call counts once for each.
    Resources,
    /// By key, principal and role of the resource.
    ResourcePrincipals,
    /// By principal, role and key.
    PrincipalResources,
    /// By principal, service and API.
    Apis,
    /// By principal and address.
    Addresses,
    /// By principal and user agent.
    UserAgents,
    /// Failed calls by principal, service and error code.
    ErrorCodes,
    /// Failed calls by principal, service, API and error code.
    Errors,
    /// Refused calls by principal, service, API and error code.
    Denied,
}

impl CountTable {
    /// All tables in their order.
    pub(super) const ALL: [CountTable; 21] = [
        CountTable::Principals,
        CountTable::IdentityTypes,
        CountTable::Services,
        CountTable::PrincipalAgents,
        CountTable::Sessions,
        CountTable::SessionAgents,
        CountTable::Persons,
        CountTable::PersonEvidence,
        CountTable::PersonAgents,
        CountTable::PersonPrincipals,
        CountTable::Workloads,
        CountTable::WorkloadPrincipals,
        CountTable::Resources,
        CountTable::ResourcePrincipals,
        CountTable::PrincipalResources,
        CountTable::Apis,
        CountTable::Addresses,
        CountTable::UserAgents,
        CountTable::ErrorCodes,
        CountTable::Errors,
        CountTable::Denied,
    ];

    /// How many names a row has.
    pub(super) fn names(self) -> usize {
        match self {
            CountTable::Principals
            | CountTable::Persons
            | CountTable::Workloads
            | CountTable::Resources => 1,
            CountTable::SessionAgents
            | CountTable::ResourcePrincipals
            | CountTable::PrincipalResources
            | CountTable::Apis
            | CountTable::ErrorCodes => 3,
            CountTable::Errors | CountTable::Denied => 4,
            _ => 2,
        }
    }

    /// Whether a row says more than the number of calls.
    pub(super) fn has_stats(self) -> bool {
        matches!(
            self,
            CountTable::Principals
                | CountTable::Sessions
                | CountTable::Persons
                | CountTable::Workloads
                | CountTable::Resources
        )
    }
}

/// The names of a row, as symbols of its tally, and its calls.
pub(super) type SymbolRow = ([Symbol; MAX_NAMES], SeenStats);

impl ActorKey {
    /// The row of a table that the actor's calls belong to, if any.
    fn row(&self, table: CountTable) -> Option<[Symbol; MAX_NAMES]> {
        let two = |a, b| Some([a, b, NO_NAME, NO_NAME]);
        let one = |a| two(a, NO_NAME);
        let (principal, agent) = (self.principal, self.agent);
        match table {
            CountTable::Principals => one(principal),
            CountTable::IdentityTypes => two(principal, self.kind),
            CountTable::Services => two(principal, self.service?),
            CountTable::PrincipalAgents => two(principal, agent?),
            CountTable::Sessions => two(principal, self.session?),
            CountTable::SessionAgents => Some([principal, self.session?, agent?, NO_NAME]),
            CountTable::Persons => one(self.person?.0),
            CountTable::PersonEvidence => two(self.person?.0, self.person?.1),
            CountTable::PersonAgents => two(self.person?.0, agent?),
            CountTable::PersonPrincipals => two(self.person?.0, principal),
            CountTable::Workloads => one(self.workload?),
            CountTable::WorkloadPrincipals => two(self.workload?, principal),
            _ => None,
        }
    }
}

impl Tally {
    /// The names of a row as strings; those that its table does not have are empty.
    pub(super) fn strings_of(&self, names: &[Symbol; MAX_NAMES]) -> [&str; MAX_NAMES] {
        names.each_ref().map(|name| self.strings.get(*name))
    }

    /// The rows of a table that are in memory, each once, sorted by name.
    pub(super) fn sorted_rows(&self, table: CountTable) -> Vec<SymbolRow> {
        let mut sums: SymbolMap<[Symbol; MAX_NAMES], SeenStats> = SymbolMap::default();
        self.collect(table, |names, stats| {
            sums.entry(names).or_default().merge(stats);
        });
        let mut rows: Vec<SymbolRow> = sums.into_iter().collect();
        rows.sort_unstable_by(|(a, _), (b, _)| self.by_name(a, b));
        rows
    }

    /// Compares rows of one table. Different symbols are different strings.
    fn by_name(&self, a: &[Symbol; MAX_NAMES], b: &[Symbol; MAX_NAMES]) -> Ordering {
        let different = a.iter().zip(b).find(|(a, b)| a != b);
        different.map_or(Ordering::Equal, |(a, b)| {
            self.strings.get(*a).cmp(self.strings.get(*b))
        })
    }

    fn collect(&self, table: CountTable, mut add: impl FnMut([Symbol; MAX_NAMES], &SeenStats)) {
        let pairs = |counts: &super::SymbolCounts<(Symbol, Symbol)>, add: &mut dyn FnMut(_, &_)| {
            for (&(principal, name), &calls) in counts {
                let names = [principal, name, NO_NAME, NO_NAME];
                add(names, &SeenStats::of_calls(calls));
            }
        };
        let resources = self.resources.iter();
        match table {
            CountTable::Resources => {
                for (&(_, key, _), stats) in resources {
                    add([key, NO_NAME, NO_NAME, NO_NAME], stats);
                }
            }
            CountTable::ResourcePrincipals => {
                for (&(principal, key, role), stats) in resources {
                    add([key, principal, role, NO_NAME], stats);
                }
            }
            CountTable::PrincipalResources => {
                for (&(principal, key, role), stats) in resources {
                    add([principal, role, key, NO_NAME], stats);
                }
            }
            CountTable::Addresses => pairs(&self.addresses, &mut add),
            CountTable::UserAgents => pairs(&self.user_agents, &mut add),
            CountTable::Apis => {
                for (&(principal, _, api), &calls) in &self.calls {
                    let (source, name) = self.apis.pair(api);
                    let names = [principal, source, name, NO_NAME];
                    add(names, &SeenStats::of_calls(calls));
                }
            }
            CountTable::ErrorCodes | CountTable::Errors | CountTable::Denied => {
                let counts = match table {
                    CountTable::Denied => &self.denied,
                    _ => &self.errors,
                };
                for (&(principal, api, code), &calls) in counts {
                    let (source, name) = self.apis.pair(api);
                    let names = match table {
                        CountTable::ErrorCodes => [principal, source, code, NO_NAME],
                        _ => [principal, source, name, code],
                    };
                    add(names, &SeenStats::of_calls(calls));
                }
            }
            // An actor whose calls were all refused by filters has none.
            _ => {
                let used = self.actors.iter().filter(|(_, stats)| stats.calls > 0);
                for (key, stats) in used {
                    if let Some(names) = key.row(table) {
                        add(names, stats);
                    }
                }
            }
        }
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

    /// Region, service, API and count. The same region and API may appear many times.
    pub fn calls_by_region(&self) -> impl Iterator<Item = (&str, &str, &str, u64)> {
        let calls = self.calls.iter();
        let calls = calls.map(|(&(_, scope, api), &count)| (scope, api, count));
        let stored = self.stored_calls.iter();
        let stored = stored.map(|(&(scope, api), &count)| (scope, api, count));
        calls.chain(stored).map(|(scope, api, count)| {
            let region = self
                .scopes
                .get(scope as usize)
                .map_or("", |(s, _)| self.strings.get(s.region));
            let (source, name) = self.apis.pair(api);
            let (source, name) = (self.strings.get(source), self.strings.get(name));
            (region, source, name, count)
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
