//! What the filters of a run refused, collected while the records are read.
//!
//! Each thread collects [`Removals`] only until it counts its first event, and only for events that
//! are not counted. So the cost is negligible for a run that counts events.

use crate::event::counter::{CallCount, CountedEvent};
use crate::event::filter::{self, Criterion, EventMatcher, Refusals};
use crate::event::identity::ResolvedActor;
use crate::event::intern::{Interner, RecentSymbols, Symbol};
use crate::event::resource;
use crate::event::scan::JsonText;
use crate::time::Seconds;

/// Distinct values that are kept for each filter and thread, and their bytes.
const MAX_VALUES: u32 = 10_000;

const MAX_VALUE_BYTES: usize = 1 << 20;

/// Data about events that were read and not counted. Any two can be merged.
#[derive(Debug, Default)]
pub struct Removals {
    /// The times of the first and the last event, counted or not.
    pub(super) first: Option<Seconds>,
    pub(super) last: Option<Seconds>,
    pub(super) outside_window: u64,
    /// Events that an engine left out, which does not report by which filter.
    pub(super) refused_by_engine: u64,
    /// Indexed by [`Criterion`]; shorter if no filter at the end refused an event.
    pub(super) filters: Vec<Removed>,
}

/// What one filter removed.
#[derive(Debug, Default)]
pub(super) struct Removed {
    pub(super) events: u64,
    /// Events that no other filter removes.
    pub(super) alone: u64,
    pub(super) values: Values,
}

/// Distinct values, up to a limit.
#[derive(Debug, Default)]
pub(super) struct Values {
    strings: Interner,
    recent: RecentSymbols,
    pub(super) has_more: bool,
}

impl Values {
    #[inline]
    fn add(&mut self, value: JsonText<'_>) {
        if self.strings.count() < MAX_VALUES && self.strings.size() < MAX_VALUE_BYTES {
            self.strings.recent_text(value, &mut self.recent);
        } else {
            self.has_more = true;
        }
    }

    fn add_string(&mut self, value: &str) {
        self.add(JsonText::plain(value.as_bytes()));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.strings.count()).map(|index| self.strings.get(Symbol(index)))
    }

    fn merge(&mut self, other: &Values) {
        other.iter().for_each(|value| self.add_string(value));
        self.has_more |= other.has_more;
    }
}

impl Removals {
    /// Records the time of an event, whether it is counted or not.
    #[inline]
    pub fn saw(&mut self, time: Option<Seconds>) {
        if let Some(time) = time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = self.last.max(Some(time));
        }
    }

    /// Records the times of events that an engine counted.
    pub fn saw_calls(&mut self, calls: CallCount) {
        if let Some((first, last)) = calls.times {
            self.saw(Some(first));
            self.saw(Some(last));
        }
    }

    /// Adds events that an engine left out, which does not report by which filter.
    pub fn refused_by_engine(&mut self, events: u64) {
        self.refused_by_engine += events;
    }

    /// Adds events outside the time window.
    pub fn outside_window(&mut self, events: u64) {
        self.outside_window += events;
    }

    /// Records an actor that some filters refuse. Its events are recorded separately.
    pub fn actor(&mut self, refusals: Refusals, actor: &ResolvedActor, identity: &[u8]) {
        for criterion in Criterion::ALL {
            if refusals.has(criterion)
                && let Some(value) = filter::actor_value(criterion, actor, identity)
            {
                self.of(criterion).values.add_string(&value);
            }
        }
    }

    /// Records an event that was refused, or equal events. `refusals` are those of its actor, and `account` is the
    /// actor's account.
    #[cold]
    pub fn event(
        &mut self,
        matcher: &EventMatcher,
        event: &CountedEvent<'_, '_>,
        refusals: Refusals,
        account: &str,
    ) {
        let CountedEvent {
            record,
            outcome,
            calls,
        } = *event;
        let all = refusals.and(matcher.refusals(record, outcome, account));
        for criterion in Criterion::ALL {
            if !all.has(criterion) {
                continue;
            }
            let removed = self.of(criterion);
            removed.events += calls.count;
            removed.alone += if all.is_one() { calls.count } else { 0 };
            match filter::value(criterion, record, outcome) {
                Some(value) => removed.values.add(value),
                None if criterion == Criterion::Account => removed.values.add_string(account),
                None if criterion == Criterion::Resource => {
                    for resource in resource::resources_of(record).list {
                        removed.values.add_string(&resource.written);
                    }
                }
                None => {}
            }
        }
    }

    fn of(&mut self, criterion: Criterion) -> &mut Removed {
        let place = criterion as usize;
        if self.filters.len() <= place {
            self.filters.resize_with(place + 1, Removed::default);
        }
        &mut self.filters[place]
    }

    /// Adds what another thread has collected.
    pub fn merge(&mut self, other: &Removals) {
        self.saw(other.first);
        self.saw(other.last);
        self.outside_window += other.outside_window;
        self.refused_by_engine += other.refused_by_engine;
        for (criterion, theirs) in Criterion::ALL.into_iter().zip(&other.filters) {
            let mine = self.of(criterion);
            mine.events += theirs.events;
            mine.alone += theirs.alone;
            mine.values.merge(&theirs.values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_values_are_bounded() {
        let mut values = Values::default();
        for n in 0..20_000 {
            values.add_string(&format!("value {n}"));
        }
        assert_eq!(
            (values.strings.count(), values.has_more),
            (MAX_VALUES, true)
        );
        let mut values = Values::default();
        let long = "x".repeat(MAX_VALUE_BYTES);
        for value in ["a", "b", "c"] {
            values.add_string(&format!("{value}{long}"));
        }
        assert_eq!((values.strings.count(), values.has_more), (1, true));
    }
}
