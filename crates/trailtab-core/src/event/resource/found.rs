//! The resources of a record while they are being found: each key once, and not too many.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::call::ResourceCall;
use super::key::{KindedKey, ResourceContext};
use super::{
    EventResource, EventResources, MAX_RESOURCES_PER_RECORD, ResourceKey, ResourceRole,
    ResourceSource,
};

/// The list of a record's resources.
pub(super) struct FoundResources<'c, 'a> {
    call: &'c ResourceCall<'a>,
    list: Vec<FoundResource>,
    by_key: HashMap<ResourceKey, usize, FixedState>,
    left_out: usize,
    /// Whether one of them is what the call is about.
    pub(super) has_own: bool,
}

struct FoundResource {
    resource: EventResource,
    /// Whether the role is known of this API, not derived from its name.
    is_sure: bool,
}

/// One text of a record that names a resource.
pub(super) struct ResourceMention<'t> {
    pub(super) text: &'t str,
    pub(super) context: ResourceContext<'t>,
    /// What the API calls it, if the kind is not known.
    pub(super) noun: Option<&'t str>,
    /// What the call does to it; None to derive that from its name.
    pub(super) role: Option<ResourceRole>,
    pub(super) source: ResourceSource,
}

impl<'c, 'a> FoundResources<'c, 'a> {
    pub(super) fn new(call: &'c ResourceCall<'a>) -> Self {
        FoundResources {
            call,
            list: Vec::new(),
            by_key: HashMap::default(),
            left_out: 0,
            has_own: false,
        }
    }

    /// Takes a text up as a resource, unless it names none.
    pub(super) fn add(&mut self, mention: &ResourceMention<'_>) {
        let Some(found) = KindedKey::of_text(mention.text, &mention.context, mention.noun) else {
            return;
        };
        let (call, is_sure) = (self.call, mention.role.is_some());
        self.has_own |= is_sure || call.is_about(&found.service, found.row);
        let role = mention
            .role
            .unwrap_or_else(|| call.role_of(&found.service, found.row));
        let arn = mention
            .text
            .starts_with("arn:")
            .then(|| mention.text.to_owned());
        if let Some(known) = self
            .by_key
            .get(&found.key)
            .and_then(|at| self.list.get_mut(*at))
        {
            known.merge(role, is_sure, mention.source, arn);
            return;
        }
        if self.list.len() == MAX_RESOURCES_PER_RECORD {
            self.left_out += 1;
            return;
        }
        self.by_key.insert(found.key.clone(), self.list.len());
        let kind = found.kind();
        let resource = EventResource {
            key: found.key,
            kind,
            role,
            is_attempt: call.is_failed,
            source: mention.source,
            written: mention.text.to_owned(),
            arn,
        };
        self.list.push(FoundResource { resource, is_sure });
    }

    /// The resources by role and key.
    pub(super) fn finish(self) -> EventResources {
        let mut list: Vec<_> = self.list.into_iter().map(|found| found.resource).collect();
        list.sort_by(|a, b| (a.role, &a.key).cmp(&(b.role, &b.key)));
        EventResources {
            list,
            left_out: self.left_out,
        }
    }
}

impl FoundResource {
    fn merge(
        &mut self,
        role: ResourceRole,
        is_sure: bool,
        source: ResourceSource,
        arn: Option<String>,
    ) {
        let known = &mut self.resource;
        known.role = match (self.is_sure, is_sure) {
            (true, false) => known.role,
            (false, true) => role,
            _ => known.role.min(role),
        };
        self.is_sure |= is_sure;
        known.source = known.source.min(source);
        if known.arn.is_none() {
            known.arn = arn;
        }
    }
}
