//! The resources that a record names, and what the call did to each.
//!
//! Counting does not read request and response bodies. This module parses a record a second time, and only if
//! resources are needed.

mod arn;
mod call;
mod found;
mod guess;
mod key;
mod kind;
mod listed;
mod place;
mod service;
mod table;

pub use key::{InvalidResourceKey, ResourceContext, ResourceKey};
pub use kind::ResourceKind;
pub(crate) use kind::rows as table_rows;
pub(crate) use service::service_of;

use crate::event::record::EventRecord;
use call::ResourceCall;
use found::FoundResources;

/// Maximum number of resources of one record.
pub const MAX_RESOURCES_PER_RECORD: usize = 1_000;

/// The resources that one record names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventResources {
    /// The resources by role and key, each key once.
    pub list: Vec<EventResource>,
    /// How many texts that name a resource were left out, because the list had
    /// [`MAX_RESOURCES_PER_RECORD`] others. A text that is there twice counts twice.
    pub left_out: usize,
}

/// A resource that a record names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventResource {
    /// The canonical name.
    pub key: ResourceKey,
    /// What it is; unknown if our table does not have the kind.
    pub kind: ResourceKind,
    /// What the call did to it, or would have done if the call failed.
    pub role: ResourceRole,
    /// Whether the call failed, so that nothing was done to the resource.
    pub is_attempt: bool,
    /// How the resource was found in the record.
    pub source: ResourceSource,
    /// As the record writes it: an id, a name, an ARN or a URL. Like the key, it may have any characters.
    pub written: String,
    /// Its ARN, if the record has it.
    pub arn: Option<String>,
}

/// What a call does to a resource. In the order of precedence: a resource that is named twice has the first role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceRole {
    /// The call brings it into being.
    Created,
    /// The call removes it, or schedules that.
    Deleted,
    /// A permission on it is given, taken away or used: a role that is assumed or passed, a snapshot that is shared, a
    /// policy that is attached.
    Granted,
    /// The call changes its configuration, state or content: a subnet that is created changes its VPC.
    Changed,
    /// The call reads or uses it, and leaves it as it is.
    Read,
}

impl ResourceRole {
    /// All roles, in the order of precedence.
    pub const ALL: [ResourceRole; 5] = [
        ResourceRole::Created,
        ResourceRole::Deleted,
        ResourceRole::Granted,
        ResourceRole::Changed,
        ResourceRole::Read,
    ];

    /// The role in one word, such as `created`.
    pub fn as_str(self) -> &'static str {
        match self {
            ResourceRole::Created => "created",
            ResourceRole::Deleted => "deleted",
            ResourceRole::Granted => "granted",
            ResourceRole::Changed => "changed",
            ResourceRole::Read => "read",
        }
    }
}

/// How a resource was found in a record. In the order of how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceSource {
    /// CloudTrail lists it in `resources`.
    Listed,
    /// Our table knows where events of this name have it.
    Table,
    /// A member has the name that such a resource usually has.
    Guessed,
}

impl ResourceSource {
    /// The source in one word, such as `listed`.
    pub fn as_str(self) -> &'static str {
        match self {
            ResourceSource::Listed => "listed",
            ResourceSource::Table => "table",
            ResourceSource::Guessed => "guessed",
        }
    }
}

/// Finds the resources that a record names: in `resources`, where our table has them, and by the names of
/// members. A resource that is named in several ways is listed once.
pub fn resources_of(record: &EventRecord<'_>) -> EventResources {
    let call = ResourceCall::of(record);
    let mut found = FoundResources::new(&call);
    table::find(&call, &mut found);
    listed::find(&call, &mut found);
    guess::find(&call, &mut found);
    found.finish()
}

#[cfg(test)]
mod tests;
