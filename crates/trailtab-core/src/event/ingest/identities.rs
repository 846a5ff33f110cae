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
    /// Where the identity of the previous look-up stands.
    last_text: Option<TextPlace>,
    hasher: RandomState,
}

/// The address of a text in memory. The same place in the same batch of records holds the same text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextPlace {
    batch: u64,
    address: usize,
    len: usize,
}

impl TextPlace {
    #[inline]
    pub(super) fn of(text: &[u8], batch: u64) -> TextPlace {
        TextPlace {
            batch,
            address: text.as_ptr().addr(),
            len: text.len(),
        }
    }
}

pub(super) struct KnownIdentity<I> {
    json: Box<[u8]>,
    /// What the record says about the caller besides.
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
    fn has_hints(&self, hints: CallerHints<'_>) -> bool {
        let has_name = || match (&self.user_name, hints.user_name) {
            (None, None) => true,
            (Some(mine), Some(theirs)) => theirs.is_exactly(mine),
            _ => false,
        };
        self.is_mcp == hints.is_mcp && has_name()
    }

    #[inline(always)]
    fn is(&self, json: &[u8], hints: CallerHints<'_>) -> bool {
        *self.json == *json && self.has_hints(hints)
    }
}

impl<I> Default for IdentityCache<I> {
    fn default() -> Self {
        IdentityCache {
            places: std::iter::repeat_with(|| None).take(4096).collect(),
            last: 0,
            last_text: None,
            hasher: RandomState::default(),
        }
    }
}

impl<I> IdentityCache<I> {
    /// Finds an identity; `batch` is the number of the batch that its record is in.
    #[inline]
    pub(super) fn find(
        &mut self,
        json: &[u8],
        batch: u64,
        hints: CallerHints<'_>,
        meet: impl FnOnce(&ResolvedActor) -> (I, Refusals),
    ) -> &KnownIdentity<I> {
        let text = Some(TextPlace::of(json, batch));
        let is_near = self.last_text == text;
        self.last_text = text;
        let is_last = self.places[self.last]
            .as_ref()
            .is_some_and(|known| known.has_hints(hints) && (is_near || *known.json == *json));
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
        let is_known = |known: &KnownIdentity<I>| is_last || known.is(json, hints);
        if !place.as_deref().is_some_and(is_known) {
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
