//! What `userIdentity.sessionContext` says of temporary credentials.

use std::sync::LazyLock;

use crate::event::json_path::JsonPath;
use crate::time::{self, Seconds};

/// Facts of a session that tell where its credentials come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionFacts {
    /// `sourceIdentity`, which the first assumption of a role sets and later ones cannot change.
    pub source_identity: Option<String>,
    /// `attributes.creationDate`: when the credentials were issued.
    pub created: Option<Seconds>,
    /// Whether an instance obtained the credentials from its metadata service: there is an `ec2RoleDelivery`.
    pub is_instance: bool,
}

type SessionPath = LazyLock<Option<JsonPath>>;

static SOURCE_IDENTITY: SessionPath =
    LazyLock::new(|| "sessionContext.sourceIdentity".parse().ok());
static CREATED: SessionPath =
    LazyLock::new(|| "sessionContext.attributes.creationDate".parse().ok());
static DELIVERY: SessionPath = LazyLock::new(|| "sessionContext.ec2RoleDelivery".parse().ok());

impl SessionFacts {
    /// Reads the JSON of `userIdentity`.
    pub fn of(identity: &[u8]) -> SessionFacts {
        let first = |path: &SessionPath| {
            let values = path.as_ref().map(|path| path.values(identity));
            values.unwrap_or_default().into_iter().next()
        };
        SessionFacts {
            source_identity: first(&SOURCE_IDENTITY),
            created: first(&CREATED).and_then(|text| time::parse(text.as_bytes())),
            is_instance: first(&DELIVERY).is_some(),
        }
    }

    /// Adds what another record says of the same credentials.
    pub(crate) fn merge(&mut self, other: &SessionFacts) {
        if self.source_identity.is_none() {
            self.source_identity.clone_from(&other.source_identity);
        }
        self.created = [self.created, other.created].into_iter().flatten().min();
        self.is_instance |= other.is_instance;
    }
}
