//! The chain of credentials: which call issued the credentials that signed a call, back to a person, and
//! forward to what was obtained with them.
//!
//! [`CredentialLog`] collects uses and issuances of credentials while records are read. All links are made at
//! the end, so it does not matter whether the record of an issuance comes before or after that of a use.

mod follow;
mod issuance;
mod log;

pub use follow::{
    CredentialForest, CredentialLink, CredentialNode, CredentialOrigin, LinkEvidence,
};
pub use issuance::IssuanceKind;
pub use log::CredentialLog;

/// What signed a call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum CredentialId {
    /// An access key, long-term or temporary.
    AccessKey(String),
    /// A role session of which no access key is known.
    Session { principal: String, session: String },
    /// A principal whose calls have no access key: a user at the console, a service.
    Principal(String),
}

impl CredentialId {
    /// The principal and the session, as far as the id tells.
    fn name(&self) -> (&str, Option<&str>) {
        match self {
            CredentialId::AccessKey(_) => ("", None),
            CredentialId::Session { principal, session } => (principal, Some(session)),
            CredentialId::Principal(principal) => (principal, None),
        }
    }
}

#[cfg(test)]
mod tests;
