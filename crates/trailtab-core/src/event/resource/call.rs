//! What a record says of a call: the parts that name resources, and what the name of the API tells.

use std::borrow::Cow;

use super::kind::{KindRow, squash};
use super::place::MemberNames;
use super::service::service_of;
use super::{ResourceContext, ResourceKind, ResourceRole};
use crate::event::filter::without_version;
use crate::event::record::{CallOutcome, EventRecord};
use crate::event::scan::{JsonScanner, JsonText, ScanResult};
use crate::scope::{AccountId, Region};

/// What the APIs that begin with a word do to the resource that the rest of their name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallEffect {
    Creates,
    Deletes,
    Changes,
    Reads,
}

const CREATING: [&str; 14] = [
    "Allocate",
    "Clone",
    "Copy",
    "Create",
    "Import",
    "Launch",
    "Order",
    "Provision",
    "Publish",
    "Purchase",
    "Register",
    "Request",
    "Run",
    "Upload",
];

const DELETING: [&str; 7] = [
    "Delete",
    "Deprovision",
    "Deregister",
    "Destroy",
    "Purge",
    "Release",
    "Terminate",
];

const READING: [&str; 17] = [
    "Check", "Describe", "Detect", "Discover", "Download", "Estimate", "Filter", "Get", "Head",
    "List", "Lookup", "Preview", "Query", "Scan", "Search", "Select", "Validate",
];

/// Words before the one that tells the effect: `BatchDelete`, `AdminCreate`.
const BEFORE_VERBS: [&str; 2] = ["Admin", "Batch"];

/// A record as the search for resources sees it.
pub(super) struct ResourceCall<'a> {
    /// The service as in ARNs.
    pub(super) service: Cow<'a, str>,
    /// The API without the date of its version.
    pub(super) name: Cow<'a, str>,
    pub(super) effect: CallEffect,
    /// The squashed rest of the API's name: `instances` of `RunInstances`.
    pub(super) noun: String,
    pub(super) is_failed: bool,
    pub(super) account: Option<AccountId>,
    pub(super) region: Option<Region>,
    /// The JSON of `requestParameters`, empty if it is absent; the same for the others.
    pub(super) request: &'a [u8],
    pub(super) response: &'a [u8],
    pub(super) request_names: MemberNames,
    pub(super) response_names: MemberNames,
    pub(super) details: &'a [u8],
    pub(super) caller: &'a [u8],
    pub(super) listed: &'a [u8],
}

impl<'a> ResourceCall<'a> {
    pub(super) fn of(record: &EventRecord<'a>) -> ResourceCall<'a> {
        let name = match record.event_name.map(JsonText::decode).unwrap_or_default() {
            Cow::Borrowed(name) => Cow::Borrowed(without_version(name)),
            Cow::Owned(name) => Cow::Owned(without_version(&name).to_owned()),
        };
        let service = match record
            .event_source
            .map(JsonText::decode)
            .unwrap_or_default()
        {
            Cow::Borrowed(source) => Cow::Borrowed(service_of(source)),
            Cow::Owned(source) => Cow::Owned(service_of(&source).to_owned()),
        };
        let (effect, noun) = effect_of(&name, record.read_only);
        let noun = squash(noun);
        let account = record
            .recipient_account_id
            .or_else(|| text_at(record.user_identity, "accountId"));
        let (request, listed) = request_and_resources(record.raw);
        ResourceCall {
            service,
            name,
            effect,
            noun,
            is_failed: record.outcome() != CallOutcome::Succeeded,
            account: account.and_then(|text| text.decode().parse().ok()),
            region: record
                .aws_region
                .and_then(|text| text.decode().parse().ok()),
            request,
            response: record.response_elements,
            request_names: MemberNames::of(request),
            response_names: MemberNames::of(record.response_elements),
            details: record.service_event_details,
            caller: record.user_identity,
            listed,
        }
    }

    pub(super) fn context(&self, kind: Option<ResourceKind>) -> ResourceContext<'_> {
        ResourceContext {
            account: self.account,
            region: self.region.as_ref(),
            service: Some(&self.service),
            kind,
        }
    }

    /// Returns whether the name of the API names the kind: `RunInstances` names instances.
    pub(super) fn is_about(&self, service: &str, row: Option<&KindRow>) -> bool {
        service == self.service && row.is_some_and(|row| row.is_called(&self.noun))
    }

    /// What the call does to the resource that its name names.
    pub(super) fn own_role(&self) -> ResourceRole {
        match self.effect {
            CallEffect::Creates => ResourceRole::Created,
            CallEffect::Deletes => ResourceRole::Deleted,
            CallEffect::Changes => ResourceRole::Changed,
            CallEffect::Reads => ResourceRole::Read,
        }
    }

    /// What the call does to a resource of a kind, unless our table knows better. A call that creates
    /// one resource of a service reads the others it is given; one that deletes or changes something
    /// changes them. Those of other services it uses, and a role that it is given is passed.
    pub(super) fn role_of(&self, service: &str, row: Option<&KindRow>) -> ResourceRole {
        let is_role = || row.is_some_and(|row| row.kind.as_str() == "AWS::IAM::Role");
        match self.effect {
            _ if self.is_about(service, row) => self.own_role(),
            CallEffect::Reads => ResourceRole::Read,
            _ if service != self.service && is_role() => ResourceRole::Granted,
            CallEffect::Creates => ResourceRole::Read,
            _ if service != self.service => ResourceRole::Read,
            CallEffect::Deletes | CallEffect::Changes => ResourceRole::Changed,
        }
    }
}

/// Splits the name of an API into its effect and its noun.
fn effect_of(name: &str, read_only: Option<bool>) -> (CallEffect, &str) {
    let mut rest = name;
    for before in BEFORE_VERBS {
        let after = rest.strip_prefix(before);
        rest = after
            .filter(|after| after.starts_with(|c: char| c.is_ascii_uppercase()))
            .unwrap_or(rest);
    }
    let inner = rest.char_indices().skip(1);
    let mut capitals = inner.filter(|(_, c)| c.is_ascii_uppercase());
    let end = capitals.next().map_or(rest.len(), |(at, _)| at);
    let (verb, noun) = rest.split_at(end);
    let effect = match verb {
        _ if read_only == Some(true) => CallEffect::Reads,
        verb if CREATING.contains(&verb) => CallEffect::Creates,
        verb if DELETING.contains(&verb) => CallEffect::Deletes,
        verb if READING.contains(&verb) => CallEffect::Reads,
        _ => CallEffect::Changes,
    };
    (effect, noun)
}

/// The text of a member of an object; None if there is none.
fn text_at<'a>(object: &'a [u8], member: &str) -> Option<JsonText<'a>> {
    let mut found = None;
    let mut read = |scanner: &mut JsonScanner<'a>, name: JsonText<'a>| -> ScanResult<()> {
        match name.is_exactly(member) {
            true => found = scanner.text()?,
            false => drop(scanner.skip()?),
        }
        Ok(())
    };
    if !object.is_empty() {
        // What was read before a fault stands.
        let _ = JsonScanner::new(object, 0).members(&mut read);
    }
    found
}

/// The JSON of `requestParameters` and of `resources` in a record; each empty if absent.
fn request_and_resources(record: &[u8]) -> (&[u8], &[u8]) {
    let mut found: (&[u8], &[u8]) = (b"", b"");
    // What was read before a fault stands.
    let _ = JsonScanner::new(record, 0).members(|scanner, name| {
        let raw = scanner.skip()?;
        if name.is_exactly("requestParameters") {
            found.0 = raw;
        } else if name.is_exactly("resources") {
            found.1 = raw;
        }
        Ok(())
    });
    found
}
