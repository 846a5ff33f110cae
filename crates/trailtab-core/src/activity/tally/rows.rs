//! What a tally holds, row by row.

use std::collections::BTreeMap;

use super::stats::SeenStats;
use super::{SymbolCounts, Tally, UnknownShape};
use crate::event::identity::{AgentEvidence, PersonEvidence};
use crate::event::intern::Symbol;
use crate::time::Seconds;

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
    /// The workload behind the principal; None if none is known.
    pub workload: Option<&'t str>,
    /// The AWS service that made the calls with the principal's identity; None if the principal
    /// made them itself.
    pub service: Option<&'t str>,
    /// What tells that an agent may have made the calls; None if nothing does.
    pub agent: Option<AgentEvidence>,
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
            workload: key.workload.map(|name| self.strings.get(name)),
            service: key.service.map(|name| self.strings.get(name)),
            agent: key.agent,
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
        self.codes(&self.errors)
    }

    /// Principal, service, API, error code and count of the calls that AWS refused.
    pub fn denied(&self) -> impl Iterator<Item = (&str, &str, &str, &str, u64)> {
        self.codes(&self.denied)
    }

    fn codes<'t>(
        &'t self,
        counts: &'t SymbolCounts<(Symbol, u32, Symbol)>,
    ) -> impl Iterator<Item = (&'t str, &'t str, &'t str, &'t str, u64)> {
        counts.iter().map(|(&(principal, api, code), &count)| {
            let (source, name) = self.api(api);
            let (principal, code) = (self.strings.get(principal), self.strings.get(code));
            (principal, source, name, code, count)
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
