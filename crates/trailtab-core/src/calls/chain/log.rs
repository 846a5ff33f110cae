//! Collects the uses and the issuances of credentials while records are read.

use std::collections::{BTreeSet, HashMap};

use super::CredentialId;
use super::issuance::Issuance;
use crate::event::counter::{CountedEvent, EventCounter};
use crate::event::identity::{ResolvedActor, SessionFacts, access_key};
use crate::event::needs::RecordNeeds;
use crate::event::record::CallOutcome;
use crate::event::scan::JsonText;
use crate::time::{self, Seconds};

/// Maximum number of addresses that are kept of a credential.
const MAX_ADDRESSES: usize = 8;

/// What is known of one credential by the calls that it signed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct CredentialUse {
    pub(super) actor: ResolvedActor,
    pub(super) facts: SessionFacts,
    pub(super) calls: u64,
    pub(super) failed: u64,
    pub(super) denied: u64,
    pub(super) first: Option<Seconds>,
    pub(super) last: Option<Seconds>,
    /// The first addresses in alphabetical order.
    pub(super) addresses: BTreeSet<String>,
    pub(super) has_more_addresses: bool,
}

/// The uses and issuances of credentials in the records that were read. Its memory grows with the number of
/// access keys and sessions.
#[derive(Debug, Clone, Default)]
pub struct CredentialLog {
    pub(super) uses: HashMap<CredentialId, CredentialUse>,
    pub(super) issuances: Vec<Issuance>,
    actors: Vec<ResolvedActor>,
    places: HashMap<ResolvedActor, usize>,
}

impl CredentialUse {
    fn address(&mut self, address: &str) {
        self.addresses.insert(address.to_owned());
        if self.addresses.len() > MAX_ADDRESSES {
            self.addresses.pop_last();
            self.has_more_addresses = true;
        }
    }

    fn seen(&mut self, first: Option<Seconds>, last: Option<Seconds>) {
        self.first = [self.first, first].into_iter().flatten().min();
        self.last = self.last.max(last);
    }

    fn merge(&mut self, other: &CredentialUse) {
        self.calls += other.calls;
        self.failed += other.failed;
        self.denied += other.denied;
        self.seen(other.first, other.last);
        self.has_more_addresses |= other.has_more_addresses;
        other.addresses.iter().for_each(|text| self.address(text));
        // One credential belongs to one actor; records differ in the services that act for it.
        let key = |actor: &ResolvedActor| (actor.service.is_some(), actor.principal.clone());
        if key(&other.actor) < key(&self.actor) {
            self.actor = other.actor.clone();
        }
        self.facts.merge(&other.facts);
    }
}

/// What signed a call of an actor.
fn credential_of(identity: &[u8], actor: &ResolvedActor) -> CredentialId {
    match (access_key(identity), &actor.session) {
        (Some(key), _) => CredentialId::AccessKey(key),
        (None, Some(session)) => CredentialId::Session {
            principal: actor.principal.clone(),
            session: session.clone(),
        },
        (None, None) => CredentialId::Principal(actor.principal.clone()),
    }
}

impl EventCounter for CredentialLog {
    type ActorId = usize;

    fn empty(&self) -> Self {
        CredentialLog::default()
    }

    fn needs(&self) -> RecordNeeds {
        RecordNeeds::WHOLE_RECORDS
    }

    fn actor(&mut self, actor: &ResolvedActor) -> usize {
        if let Some(place) = self.places.get(actor) {
            return *place;
        }
        let place = self.actors.len();
        self.actors.push(actor.clone());
        self.places.insert(actor.clone(), place);
        place
    }

    fn add(&mut self, event: &CountedEvent<'_, '_>, actor: usize) {
        let Some(actor) = self.actors.get(actor) else {
            return;
        };
        let record = event.record;
        let id = credential_of(record.user_identity, actor);
        let issuances = Issuance::of(record, event.outcome, event.calls.first(), &id, actor);
        self.issuances.extend(issuances);
        let used = self.uses.entry(id).or_insert_with(|| CredentialUse {
            actor: actor.clone(),
            facts: SessionFacts::of(record.user_identity),
            ..CredentialUse::default()
        });
        used.calls += 1;
        used.failed += u64::from(event.outcome != CallOutcome::Succeeded);
        used.denied += u64::from(record.is_denied(event.outcome));
        used.seen(event.calls.first(), event.calls.first());
        if let Some(address) = record.source_ip_address.map(JsonText::decode)
            && !used.addresses.contains(&*address)
        {
            used.address(&address);
        }
    }

    fn add_odd(&mut self, _: &str, _: u64, _: &str) {}

    fn merge(&mut self, other: &Self) {
        for (id, theirs) in &other.uses {
            match self.uses.get_mut(id) {
                Some(mine) => mine.merge(theirs),
                None => drop(self.uses.insert(id.clone(), theirs.clone())),
            }
        }
        self.issuances.extend(other.issuances.iter().cloned());
    }

    fn is_empty(&self) -> bool {
        self.uses.is_empty()
    }
}

impl CredentialUse {
    /// The time of the first and the last call.
    pub(super) fn times(&self) -> (Option<String>, Option<String>) {
        (self.first.map(time::iso), self.last.map(time::iso))
    }
}
