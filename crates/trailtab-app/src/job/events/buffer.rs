//! Records in memory, sorted when they are taken out.

use std::cmp::Ordering;

use super::EventOrder;
use trailtab_core::time::Seconds;

/// The place of one record in the buffer.
#[derive(Debug, Clone, Copy)]
struct Place {
    time: Option<Seconds>,
    start: usize,
    id_bytes: u32,
    record_bytes: u32,
}

/// What events are ordered by, and the record itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpooledEvent<'a> {
    pub(super) time: Option<Seconds>,
    pub(super) id: &'a [u8],
    pub(super) record: &'a [u8],
}

impl SpooledEvent<'_> {
    /// Compares two events by time, eventID and content.
    pub(super) fn compare(&self, other: &SpooledEvent<'_>, order: EventOrder) -> Ordering {
        let by_content = || (self.id, self.record).cmp(&(other.id, other.record));
        let by_time = match (self.time, other.time) {
            (Some(one), Some(other)) => one.cmp(&other).then_with(by_content),
            (None, None) => by_content(),
            // Events without a time come last in both orders.
            (one, _) => {
                return match one {
                    Some(_) => Ordering::Less,
                    None => Ordering::Greater,
                };
            }
        };
        match order {
            EventOrder::OldestFirst => by_time,
            EventOrder::NewestFirst => by_time.reverse(),
        }
    }
}

/// Records that are held in memory.
#[derive(Debug, Default)]
pub(super) struct EventBuffer {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

impl EventBuffer {
    /// The memory that the records take, in bytes.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + self.places.len() * size_of::<Place>()
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Adds an event. `write` appends the record.
    pub(super) fn add(
        &mut self,
        time: Option<Seconds>,
        id: &[u8],
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(id);
        let record = self.bytes.len();
        write(&mut self.bytes);
        // A record is at most some hundred megabytes: the reader holds one in memory.
        let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        self.places.push(Place {
            time,
            start,
            id_bytes: length(record - start),
            record_bytes: length(self.bytes.len() - record),
        });
    }

    /// Sorts the events, and keeps the first `limit` of them.
    pub(super) fn sort(&mut self, order: EventOrder, limit: usize) {
        let bytes = &self.bytes;
        let compare =
            |one: &Place, other: &Place| event(bytes, one).compare(&event(bytes, other), order);
        self.places.sort_unstable_by(compare);
        if self.places.len() > limit {
            self.places.truncate(limit);
            let mut kept = EventBuffer::default();
            for place in &self.places {
                let event = event(&self.bytes, place);
                kept.add(event.time, event.id, |out| {
                    out.extend_from_slice(event.record);
                });
            }
            *self = kept;
        }
    }

    /// The event at a place of the present order.
    pub(super) fn get(&self, at: usize) -> Option<SpooledEvent<'_>> {
        self.places.get(at).map(|place| event(&self.bytes, place))
    }

    /// The events in their present order.
    pub(super) fn iter(&self) -> impl Iterator<Item = SpooledEvent<'_>> {
        self.places.iter().map(|place| event(&self.bytes, place))
    }
}

fn event<'b>(bytes: &'b [u8], place: &Place) -> SpooledEvent<'b> {
    let (id, record) = (place.id_bytes as usize, place.record_bytes as usize);
    let rest = bytes.get(place.start..).unwrap_or_default();
    let (id, rest) = rest.split_at_checked(id).unwrap_or_default();
    SpooledEvent {
        time: place.time,
        id,
        record: rest.get(..record).unwrap_or(rest),
    }
}
