//! The identities that a thread has resolved.

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;

use crate::event::filter::Refusals;
use crate::event::identity::{self, ResolvedActor};
use crate::event::record::CallerHints;
use crate::event::scan::JsonText;

/// Cache of resolved identities by their JSON: resolving costs more than all the counting, and the
/// calls of a session have the same bytes. Each identity has one slot, which a newer one
/// overwrites. `I` is the number of an actor in the counter.
pub(super) struct IdentityCache<I> {
    places: Vec<Option<Box<KnownIdentity<I>>>>,
    /// The slot of the previous look-up.
    last: usize,
    hasher: RandomState,
}

pub(super) struct KnownIdentity<I> {
    json: Box<[u8]>,
    /// What the record told of the caller besides.
    user_name: Option<Box<str>>,
    is_mcp: bool,
    pub(super) id: I,
    pub(super) refusals: Refusals,
    pub(super) account: String,
    /// The unknown shape, and the identity as JSON.
    pub(super) odd: Option<(String, String)>,
}

impl<I> KnownIdentity<I> {
    #[inline(always)]
    fn is(&self, json: &[u8], hints: CallerHints<'_>) -> bool {
        let has_name = || match (&self.user_name, hints.user_name) {
            (None, None) => true,
            (Some(mine), Some(theirs)) => theirs.is_exactly(mine),
            _ => false,
        };
        *self.json == *json && self.is_mcp == hints.is_mcp && has_name()
    }
}

impl<I> Default for IdentityCache<I> {
    fn default() -> Self {
        IdentityCache {
            places: std::iter::repeat_with(|| None).take(4096).collect(),
            last: 0,
            hasher: RandomState::default(),
        }
    }
}

impl<I> IdentityCache<I> {
    #[inline]
    pub(super) fn find(
        &mut self,
        json: &[u8],
        hints: CallerHints<'_>,
        meet: impl FnOnce(&ResolvedActor) -> (I, Refusals),
    ) -> &KnownIdentity<I> {
        let is_last = self.places[self.last]
            .as_ref()
            .is_some_and(|known| known.is(json, hints));
        if !is_last {
            self.last = match hints {
                CallerHints {
                    user_name: None,
                    is_mcp: false,
                } => self.hasher.hash_one(json),
                CallerHints { user_name, is_mcp } => {
                    let user_name = user_name.map(JsonText::decode);
                    self.hasher.hash_one((json, user_name, is_mcp))
                }
            } as usize
                % self.places.len();
        }
        let place = &mut self.places[self.last];
        if place.as_ref().is_none_or(|known| !known.is(json, hints)) {
            *place = None;
        }
        place.get_or_insert_with(|| {
            let actor = ResolvedActor::resolve_with(json, hints);
            let (id, refusals) = meet(&actor);
            Box::new(KnownIdentity {
                json: json.into(),
                user_name: hints.user_name.map(|name| name.decode().into()),
                is_mcp: hints.is_mcp,
                id,
                refusals,
                account: actor.account_or_unknown(),
                odd: actor.odd.map(|shape| (shape, identity::example(json))),
            })
        })
    }
}
