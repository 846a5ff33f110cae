//! Resolves `userIdentity` to a principal, a session and a person.
//!
//! The principal is a stable key: a role stands for all of its sessions. The session and the person
//! are kept separately. An identity of an unknown shape is not an error: it gets the best available
//! key, and [`ResolvedActor::odd`] describes its shape.

mod caller;
mod evidence;
mod fields;
mod principal;
mod session_facts;

use caller::{is_service, workload_of};
pub use evidence::{AgentEvidence, PersonEvidence};
pub use fields::access_key;
use fields::{HIDDEN_NAME, UserIdentity};
pub use session_facts::SessionFacts;

use crate::event::record::CallerHints;
use crate::event::scan::JsonText;

/// The identity that made a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ResolvedActor {
    /// `ACCOUNT:role/NAME`, `ACCOUNT:user/NAME`, `ec2.amazonaws.com` and so on.
    pub principal: String,
    /// `userIdentity.type`, unchanged; `AssumedRoot` for a session that AssumeRoot created; empty without a type.
    pub kind: String,
    /// The role session name; absent for identities without a session.
    pub session: Option<String>,
    /// The person behind the identity; absent if the identity names no person.
    pub person: Option<ActorPerson>,
    /// The workload behind the identity, such as `kubernetes:NAMESPACE/SERVICEACCOUNT`; absent if the
    /// identity names no workload.
    pub workload: Option<String>,
    /// The AWS service that made the call with this identity; absent if the identity made the call
    /// itself, or is the service.
    pub service: Option<String>,
    /// Shows that an agent may drive the session; absent otherwise.
    pub agent: Option<AgentEvidence>,
    /// Whether the principal is a service-linked role.
    pub is_service_linked: bool,
    /// The account of the identity; absent if the record does not name it.
    pub account: Option<String>,
    /// The shape of the identity if it is unknown; absent otherwise.
    pub odd: Option<String>,
}

/// The human behind an actor, and the evidence for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActorPerson {
    /// The name of the person; its form depends on the evidence.
    pub name: String,
    /// Where the name comes from.
    pub evidence: PersonEvidence,
}

impl ResolvedActor {
    /// Resolves the JSON of `userIdentity`; empty text if the record has no such field.
    pub fn resolve(json: &[u8]) -> ResolvedActor {
        ResolvedActor::resolve_with(json, CallerHints::default())
    }

    /// Resolves the JSON of `userIdentity`, and what the record says about the caller besides.
    pub fn resolve_with(json: &[u8], hints: CallerHints<'_>) -> ResolvedActor {
        let identity = UserIdentity::of(json);
        let signed_in = hints.user_name.map(JsonText::decode);
        let signed_in = signed_in.filter(|name| name != HIDDEN_NAME);
        let (principal, odd) = match identity.principal() {
            Some(principal) => (principal, None),
            None => (identity.fallback(), Some(identity.shape())),
        };
        let service = identity.acting_service(&principal).map(str::to_owned);
        let session = identity.session();
        let (person, workload) = match identity.named(&principal, session, signed_in.as_deref()) {
            Some((name, evidence)) => match workload_of(name) {
                Some(workload) => (None, Some(workload)),
                None => (Some(ActorPerson::new(name, evidence)), None),
            },
            None => (None, None),
        };
        let session = match &person {
            // The session is named after the person, so it is spelled in the same way.
            Some(person) if person.evidence == PersonEvidence::SessionName => {
                Some(person.name.clone())
            }
            _ => session.map(str::to_owned),
        };
        ResolvedActor {
            session,
            // A service that acts with the identity of a person is not that person.
            person: person.filter(|_| service.is_none()),
            workload,
            agent: identity.agent(hints),
            is_service_linked: identity.is_service_linked(),
            service,
            principal,
            odd,
            account: identity.account(),
            // A session that AssumeRoot created acts as root, but root's own credentials were not
            // used.
            kind: match identity.kind {
                Some(_) if identity.assumed_root => "AssumedRoot".to_owned(),
                kind => kind.unwrap_or_default().into_owned(),
            },
        }
    }

    /// The account of the identity, or `unknown`; used if the record has no recipientAccountId.
    pub fn account_or_unknown(&self) -> String {
        self.account.clone().unwrap_or_else(|| "unknown".to_owned())
    }

    /// Returns whether an AWS service made the call: as itself, by a role of its own, or with the
    /// identity of another.
    pub fn is_aws_service(&self) -> bool {
        self.is_service_principal() || self.is_service_linked || self.service.is_some()
    }

    /// Returns whether the principal is an AWS service, which has no policies.
    pub fn is_service_principal(&self) -> bool {
        is_service(&self.principal) || self.kind.eq_ignore_ascii_case("AWSService")
    }
}

impl ActorPerson {
    /// Identity providers change the case of names, so a person is spelled in one way. The names of
    /// IAM users are kept as they are: they are those of principals.
    fn new(name: &str, evidence: PersonEvidence) -> ActorPerson {
        let name = match evidence {
            PersonEvidence::IamUser | PersonEvidence::Root => name.to_owned(),
            _ => name.to_lowercase(),
        };
        ActorPerson { name, evidence }
    }
}

/// Shortens an identity for a report. The result does not depend on the layout of the document.
pub(crate) fn example(identity: &[u8]) -> String {
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

#[cfg(test)]
mod tests;
