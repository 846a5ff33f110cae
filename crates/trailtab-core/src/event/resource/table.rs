//! Where events of known names have their resources.

use std::sync::LazyLock;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::call::ResourceCall;
use super::found::{FoundResources, ResourceMention};
use super::kind::{ResourceKind, rows};
use super::place::ResourcePlace;
use super::{ResourceContext, ResourceRole, ResourceSource};

/// The places as data; the head of the file explains its columns.
const EVENTS: &str = include_str!("events.txt");

static TABLE: LazyLock<EventTable> = LazyLock::new(|| EventTable::of(EVENTS));

/// A row that is for every event, or every service.
const ANY: &str = "*";

/// By service and event.
struct EventTable(
    HashMap<&'static str, HashMap<&'static str, Vec<usize>, FixedState>, FixedState>,
    Vec<EventRow>,
);

/// A resource that some events name.
#[derive(Debug, PartialEq, Eq)]
struct EventRow {
    service: &'static str,
    events: Vec<&'static str>,
    /// The first place that has anything is taken.
    places: Vec<ResourcePlace>,
    /// None if the value itself has the kind.
    kind: Option<ResourceKind>,
    /// None if it follows from the name of the event.
    role: Option<ResourceRole>,
}

impl EventRow {
    /// Reads a row; None if it has too few columns, or a word that is not known.
    fn of(line: &'static str) -> Option<EventRow> {
        let mut columns = line.split_whitespace();
        let service = columns.next()?;
        let events = columns.next()?.split(',').collect();
        let places: Option<Vec<_>> = columns.next()?.split('|').map(ResourcePlace::of).collect();
        let kind = match columns.next()? {
            "-" => None,
            name => Some(ResourceKind::of_type(name))
                .filter(|kind| *kind != ResourceKind::UNKNOWN)
                .map(Some)?,
        };
        let role = match columns.next()? {
            "-" => None,
            word => Some(
                ResourceRole::ALL
                    .into_iter()
                    .find(|role| role.as_str() == word)?,
            ),
        };
        let row = EventRow {
            service,
            events,
            places: places?,
            kind,
            role,
        };
        columns.next().is_none().then_some(row)
    }
}

impl EventTable {
    fn of(text: &'static str) -> EventTable {
        let rows: Vec<_> = rows(text).filter_map(EventRow::of).collect();
        let mut by_service: HashMap<_, HashMap<_, Vec<usize>, _>, _> = HashMap::default();
        for (at, row) in rows.iter().enumerate() {
            let by_event = by_service.entry(row.service).or_default();
            for event in &row.events {
                by_event.entry(*event).or_default().push(at);
            }
        }
        EventTable(by_service, rows)
    }

    fn rows(&self, service: &str, event: &str) -> impl Iterator<Item = &EventRow> {
        let places = self.0.get(service).and_then(|events| events.get(event));
        places
            .into_iter()
            .flatten()
            .filter_map(|at| self.1.get(*at))
    }
}

/// Finds the resources of a call whose places the table knows.
pub(super) fn find(call: &ResourceCall<'_>, found: &mut FoundResources<'_, '_>) {
    for (service, event) in [
        (&*call.service, &*call.name),
        (&call.service, ANY),
        (ANY, ANY),
    ] {
        for row in TABLE.rows(service, event) {
            let mut places = row.places.iter();
            places.any(|place| {
                place.texts(call, |text| {
                    found.add(&ResourceMention {
                        text: &text,
                        context: match row.kind {
                            Some(kind) => call.context(Some(kind)),
                            // Only ARNs and globally unique ids have a kind of their own.
                            None => ResourceContext {
                                service: None,
                                ..call.context(None)
                            },
                        },
                        noun: None,
                        role: row.role,
                        source: ResourceSource::Table,
                    });
                })
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        for line in rows(EVENTS) {
            assert!(EventRow::of(line).is_some(), "{line}");
        }
        assert!(
            TABLE.1.iter().map(|row| row.service).is_sorted(),
            "sort the table by service"
        );
    }
}
