//! Links credentials to each other, and follows them from those that match a question.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Serialize;

use super::CredentialId;
use super::issuance::{Issuance, IssuanceKind};
use super::log::{CredentialLog, CredentialUse};
use crate::event::filter::TextPattern;
use crate::event::identity::PersonEvidence;
use crate::time::{self, Seconds};

/// How far the creation of a session may be from the record of its issuance, in seconds.
const MAX_CREATION_GAP_SECONDS: Seconds = 120;

/// Maximum number of links that are shown below the first credentials of a chain.
const MAX_DEPTH: usize = 64;

/// Maximum number of credentials that are followed back to the first ones.
const MAX_CHAIN: usize = 1_000;

/// What shows that a call issued the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LinkEvidence {
    /// The answer of the call contains the access key.
    AccessKey,
    /// The call was made for the same role and session name, when the session was created.
    SessionName,
    /// The user signed in at the console when the session was created.
    SignIn,
    /// The session has the name of the instance that the call started.
    InstanceName,
    /// The call created the user, or gave it a password.
    User,
}

impl LinkEvidence {
    /// What shows the link, in words.
    pub fn words(self) -> &'static str {
        match self {
            LinkEvidence::AccessKey => "its answer contains the access key",
            LinkEvidence::SessionName => "same role, session name and time",
            LinkEvidence::SignIn => "same user, signed in at that time",
            LinkEvidence::InstanceName => "the session is named after the instance",
            LinkEvidence::User => "it created the user or its password",
        }
    }
}

/// The call by which credentials were obtained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CredentialLink {
    /// The API, such as `sts:AssumeRole`.
    pub call: String,
    /// When it was called; null if the record has no valid time.
    pub event_time: Option<String>,
    /// `eventID` of the record.
    pub event_id: String,
    /// What shows the link.
    pub evidence: LinkEvidence,
}

/// Where the first credentials of a chain come from, as far as the records say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CredentialOrigin {
    /// A person, who is named by `sourceIdentity`, the session's name, or an identity provider.
    Person,
    /// An IAM user's own credentials.
    IamUser,
    /// The root user's own credentials.
    RootUser,
    /// A workload, by its name at an identity provider.
    Workload,
    /// An AWS service.
    Service,
    /// An instance, from its metadata service.
    Instance,
    /// Temporary credentials whose issuing record was not read.
    NotRead,
}

impl CredentialOrigin {
    /// Where the credentials come from, in words.
    pub fn words(self) -> &'static str {
        match self {
            CredentialOrigin::Person => "from a person",
            CredentialOrigin::IamUser => "from an IAM user's own credentials",
            CredentialOrigin::RootUser => "from the root user's own credentials",
            CredentialOrigin::Workload => "from a workload of an identity provider",
            CredentialOrigin::Service => "from an AWS service",
            CredentialOrigin::Instance => "from an instance's metadata service",
            CredentialOrigin::NotRead => "no record of their issuance was read",
        }
    }
}

/// Credentials, and what was obtained with them. Times are UTC, written `2026-09-07T08:00:00Z`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CredentialNode {
    /// The access key id; null for calls without one, such as a sign-in.
    pub access_key_id: Option<String>,
    /// The principal that the credentials belong to; empty if no call and no answer tells.
    pub principal: String,
    /// The name of the role session.
    pub session: Option<String>,
    /// The person behind the principal.
    pub person: Option<String>,
    /// `sourceIdentity`.
    pub source_identity: Option<String>,
    /// Whether these credentials were asked for.
    pub is_match: bool,
    /// Calls that the credentials signed, of those that were read.
    pub calls: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Those of them that AWS refused.
    pub denied: u64,
    /// The time of the first call.
    pub first_call: Option<String>,
    /// The time of the last call.
    pub last_call: Option<String>,
    /// The addresses that calls came from; at most 8.
    pub addresses: Vec<String>,
    /// Whether there are further addresses.
    pub has_more_addresses: bool,
    /// The call by which they were obtained from the credentials above; null for the first ones.
    pub link: Option<CredentialLink>,
    /// Where the first credentials of a chain come from; null for the others.
    pub origin: Option<CredentialOrigin>,
    /// What was obtained with them, by time.
    pub obtained: Vec<CredentialNode>,
    /// Whether the chain goes on and was cut after 64 links.
    pub is_cut: bool,
}

/// The chains that contain what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CredentialForest {
    /// The first credentials of each chain.
    pub chains: Vec<CredentialNode>,
    /// How many credentials match.
    pub matches: u64,
}

/// The links between all credentials of a log.
struct CredentialGraph<'l> {
    log: &'l CredentialLog,
    /// The principal and session of credentials, by calls or by the answer that issued them.
    names: HashMap<&'l CredentialId, (&'l str, Option<&'l str>)>,
    parents: HashMap<&'l CredentialId, (&'l Issuance, LinkEvidence)>,
    children: HashMap<&'l CredentialId, Vec<&'l CredentialId>>,
}

impl CredentialForest {
    /// Follows the credentials whose access key, session, person or principal matches: back to where they come from,
    /// and forward to all that was obtained with them.
    pub fn follow(log: &CredentialLog, wanted: &TextPattern) -> CredentialForest {
        let graph = CredentialGraph::of(log);
        let matches: BTreeSet<&CredentialId> = graph
            .names
            .keys()
            .copied()
            .filter(|id| graph.is_wanted(id, wanted))
            .collect();
        let mut shown: HashSet<&CredentialId> = HashSet::new();
        let mut roots = BTreeSet::new();
        for id in &matches {
            let line = graph.line(id);
            roots.extend(line.last().copied());
            shown.extend(line);
            graph.descendants(id, &mut shown);
        }
        let mut chains: Vec<CredentialNode> = roots
            .into_iter()
            .map(|root| graph.node(root, &matches, &shown, 0))
            .collect();
        chains.sort_by_cached_key(by_time);
        CredentialForest {
            chains,
            matches: matches.len() as u64,
        }
    }
}

/// Sorts credentials by their first call or issuance.
fn by_time(node: &CredentialNode) -> (String, String, String) {
    let issued = node.link.as_ref().and_then(|link| link.event_time.clone());
    (
        issued
            .or_else(|| node.first_call.clone())
            .unwrap_or_default(),
        node.principal.clone(),
        node.access_key_id.clone().unwrap_or_default(),
    )
}

impl<'l> CredentialGraph<'l> {
    fn of(log: &'l CredentialLog) -> CredentialGraph<'l> {
        let mut graph = CredentialGraph {
            log,
            names: HashMap::new(),
            parents: HashMap::new(),
            children: HashMap::new(),
        };
        for issuance in &log.issuances {
            if let CredentialId::AccessKey(_) = issuance.issued {
                let session = issuance.session.as_ref();
                let name = session.map_or(("", None), |(principal, session)| {
                    let session = Some(session.as_str()).filter(|name| !name.is_empty());
                    (principal.as_str(), session)
                });
                graph.names.insert(&issuance.issued, name);
            }
            let issuer = &issuance.issuer;
            graph.names.entry(issuer).or_insert_with(|| issuer.name());
        }
        for (id, used) in &log.uses {
            let name = (used.actor.principal.as_str(), used.actor.session.as_deref());
            graph.names.insert(id, name);
        }
        graph.link();
        graph
    }

    /// Finds the parent of each of the credentials.
    fn link(&mut self) {
        let index = IssuanceIndex::of(&self.log.issuances);
        let mut ids: Vec<&CredentialId> = self.names.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            let link = index.parent(id, self.log.uses.get(id));
            if let Some((issuance, evidence)) = link {
                let issuer = &issuance.issuer;
                // A cycle would be a forgery, or two sessions of one name at the same time.
                if self.line(issuer).contains(&id) {
                    continue;
                }
                self.parents.insert(id, (issuance, evidence));
                self.children.entry(issuer).or_default().push(id);
            }
        }
    }

    /// The credentials, and those that they come from, up to the first or to the longest chain.
    fn line(&self, id: &'l CredentialId) -> Vec<&'l CredentialId> {
        let mut line = vec![id];
        let mut at = id;
        while let Some((issuance, _)) = self.parents.get(at)
            && line.len() < MAX_CHAIN
        {
            at = &issuance.issuer;
            line.push(at);
        }
        line
    }

    fn descendants(&self, id: &CredentialId, found: &mut HashSet<&'l CredentialId>) {
        let mut open: Vec<&CredentialId> = self
            .children
            .get(id)
            .into_iter()
            .flatten()
            .copied()
            .collect();
        while let Some(next) = open.pop() {
            if let Some((own, _)) = self.names.get_key_value(next)
                && found.insert(own)
            {
                open.extend(self.children.get(next).into_iter().flatten());
            }
        }
    }

    fn is_wanted(&self, id: &CredentialId, wanted: &TextPattern) -> bool {
        let (principal, session) = self.names.get(id).copied().unwrap_or(("", None));
        let person = self
            .log
            .uses
            .get(id)
            .and_then(|used| used.actor.person.as_ref());
        let source = self
            .log
            .uses
            .get(id)
            .and_then(|used| used.facts.source_identity.as_deref());
        let key = match id {
            CredentialId::AccessKey(key) => Some(key.as_str()),
            CredentialId::Session { .. } | CredentialId::Principal(_) => None,
        };
        let name = principal.split_once(':').map(|(_, name)| name);
        let last = principal.rsplit('/').next();
        let texts = [key, session, source, Some(principal), name, last];
        let person = person.map(|person| person.name.as_str());
        let mut texts = texts.into_iter().chain([person]).flatten();
        texts.any(|text| !text.is_empty() && wanted.matches(text))
    }

    fn node(
        &self,
        id: &CredentialId,
        matches: &BTreeSet<&CredentialId>,
        shown: &HashSet<&CredentialId>,
        depth: usize,
    ) -> CredentialNode {
        let (principal, session) = self.names.get(id).copied().unwrap_or(("", None));
        let nothing = CredentialUse::default();
        let used = self.log.uses.get(id);
        let link = self.parents.get(id);
        let children = self.children.get(id).into_iter().flatten();
        let children: Vec<_> = children.filter(|child| shown.contains(*child)).collect();
        let is_cut = depth >= MAX_DEPTH && !children.is_empty();
        let mut obtained: Vec<CredentialNode> = match is_cut {
            true => Vec::new(),
            false => {
                let nodes = children.into_iter();
                nodes
                    .map(|child| self.node(child, matches, shown, depth + 1))
                    .collect()
            }
        };
        obtained.sort_by_cached_key(by_time);
        let origin = link.is_none().then(|| origin_of(id, used));
        let used = used.unwrap_or(&nothing);
        let (first_call, last_call) = used.times();
        CredentialNode {
            access_key_id: match id {
                CredentialId::AccessKey(key) => Some(key.clone()),
                CredentialId::Session { .. } | CredentialId::Principal(_) => None,
            },
            principal: principal.to_owned(),
            session: session.map(str::to_owned),
            person: used.actor.person.as_ref().map(|person| person.name.clone()),
            source_identity: used.facts.source_identity.clone(),
            is_match: matches.contains(id),
            calls: used.calls,
            failed: used.failed,
            denied: used.denied,
            first_call,
            last_call,
            addresses: used.addresses.iter().cloned().collect(),
            has_more_addresses: used.has_more_addresses,
            link: link.map(|(issuance, evidence)| CredentialLink {
                call: issuance.api.clone(),
                event_time: issuance.time.map(time::iso),
                event_id: issuance.event_id.clone(),
                evidence: *evidence,
            }),
            origin,
            obtained,
            is_cut,
        }
    }
}

/// Where credentials without a link come from.
fn origin_of(id: &CredentialId, used: Option<&CredentialUse>) -> CredentialOrigin {
    let Some(used) = used else {
        return CredentialOrigin::NotRead;
    };
    let (actor, facts) = (&used.actor, &used.facts);
    let is_long_term = match id {
        CredentialId::AccessKey(key) => !key.starts_with("ASIA"),
        CredentialId::Session { .. } => false,
        CredentialId::Principal(_) => true,
    };
    let evidence = actor.person.as_ref().map(|person| person.evidence);
    match evidence {
        _ if actor.is_aws_service() && actor.service.is_none() => CredentialOrigin::Service,
        _ if facts.is_instance => CredentialOrigin::Instance,
        Some(PersonEvidence::IamUser) if is_long_term => CredentialOrigin::IamUser,
        Some(PersonEvidence::Root) if is_long_term => CredentialOrigin::RootUser,
        Some(PersonEvidence::IamUser | PersonEvidence::Root) => CredentialOrigin::NotRead,
        Some(_) => CredentialOrigin::Person,
        None if actor.workload.is_some() => CredentialOrigin::Workload,
        None => CredentialOrigin::NotRead,
    }
}

/// The issuances by what they issued.
struct IssuanceIndex<'l> {
    by_key: HashMap<&'l str, Vec<&'l Issuance>>,
    by_session: HashMap<(&'l str, &'l str), Vec<&'l Issuance>>,
    by_user: HashMap<&'l str, Vec<&'l Issuance>>,
}

impl<'l> IssuanceIndex<'l> {
    fn of(issuances: &'l [Issuance]) -> IssuanceIndex<'l> {
        let mut index = IssuanceIndex {
            by_key: HashMap::new(),
            by_session: HashMap::new(),
            by_user: HashMap::new(),
        };
        for issuance in issuances {
            match &issuance.issued {
                CredentialId::AccessKey(key) => {
                    index.by_key.entry(key).or_default().push(issuance);
                }
                CredentialId::Session { principal, session } => {
                    let place = index.by_session.entry((principal, session));
                    place.or_default().push(issuance);
                }
                CredentialId::Principal(user) => {
                    index.by_user.entry(user).or_default().push(issuance);
                }
            }
            if issuance.kind == IssuanceKind::AssumedRole
                && let Some((principal, session)) = &issuance.session
                && matches!(issuance.issued, CredentialId::AccessKey(_))
            {
                let place = index.by_session.entry((principal, session));
                place.or_default().push(issuance);
            }
        }
        index
    }

    /// The call that started the instance after which a session is named.
    fn by_instance(&self, session: &str) -> Option<&'l Issuance> {
        let started = self.by_session.get(&("", session)).into_iter().flatten();
        started.min().copied().filter(|_| !session.is_empty())
    }

    /// The call that issued credentials, with the surest evidence.
    fn parent(
        &self,
        id: &CredentialId,
        used: Option<&CredentialUse>,
    ) -> Option<(&'l Issuance, LinkEvidence)> {
        if let CredentialId::AccessKey(key) = id
            && let Some(issued) = self.by_key.get(key.as_str())
        {
            // Both accounts of a role have a record. The record in the caller's account has more fields.
            let best = issued.iter().min_by_key(|issuance| **issuance)?;
            // EC2 obtains the credentials of instances, so the caller that started the instance is the better link.
            let session = best.session.as_ref().map(|(_, session)| session.as_str());
            let by_instance = session.and_then(|session| self.by_instance(session));
            return Some(match (by_instance, &best.issuer) {
                (Some(started), CredentialId::Principal(_)) => {
                    (started, LinkEvidence::InstanceName)
                }
                _ => (best, LinkEvidence::AccessKey),
            });
        }
        let used = used?;
        let principal = used.actor.principal.as_str();
        let session = used.actor.session.as_deref().unwrap_or_default();
        let is_temporary =
            !matches!(id, CredentialId::Principal(_)) && used.facts.created.is_some();
        let begun = used.facts.created.or(used.first);
        let near = |issuances: Option<&Vec<&'l Issuance>>| {
            let gap = |issuance: &&&Issuance| Some((issuance.time? - begun?).abs());
            let issuances = issuances.into_iter().flatten();
            let near = issuances.filter(|issuance| {
                gap(issuance).is_some_and(|gap| gap <= MAX_CREATION_GAP_SECONDS)
                    && issuance.issuer != *id
            });
            near.min_by_key(|issuance| (gap(issuance), **issuance))
                .copied()
        };
        if is_temporary || !session.is_empty() {
            let by_name = near(self.by_session.get(&(principal, session)));
            if let Some(issuance) = by_name {
                let evidence = match issuance.kind {
                    IssuanceKind::SignIn => LinkEvidence::SignIn,
                    _ => LinkEvidence::SessionName,
                };
                return Some((issuance, evidence));
            }
        }
        if let Some(issuance) = self.by_instance(session) {
            return Some((issuance, LinkEvidence::InstanceName));
        }
        let is_long_term = matches!(id, CredentialId::AccessKey(_)) && !is_temporary;
        // A new password gives no access key.
        let is_own = |issuance: &&&Issuance| {
            issuance.issuer != *id && (!is_long_term || issuance.api.ends_with(":CreateUser"))
        };
        let by_user = self.by_user.get(principal).into_iter().flatten();
        let issuance = by_user.filter(is_own).min()?;
        Some((issuance, LinkEvidence::User))
    }
}
