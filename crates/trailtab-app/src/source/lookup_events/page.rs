//! Converts a page of LookupEvents: its time span, the events an archive can keep, and the document
//! to parse.

use aws_sdk_cloudtrail::types::Event;
use serde::Deserialize;

use super::client::LookupPage;
use crate::source::archive::{PageEvent, is_object};
use crate::source::document::{Document, DocumentBody};
use trailtab_core::coverage::event_history;
use trailtab_core::history::walk::PageSpan;
use trailtab_core::scope::Scope;
use trailtab_core::time::{self, Seconds};

/// The time span of a page, as the walk needs it.
pub(super) fn page_span(answer: &LookupPage) -> PageSpan {
    let times: Vec<Seconds> = answer.events.iter().filter_map(time).collect();
    PageSpan {
        events: answer.events.len(),
        newest: times.iter().copied().max(),
        oldest: times.iter().copied().min(),
        is_ordered: times.is_sorted_by(|a, b| a >= b),
        token: answer.token.clone(),
    }
}

/// The time of an event: `EventTime`, or else the time in its record.
pub(super) fn time(event: &Event) -> Option<Seconds> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct PageRecord {
        event_time: String,
    }
    let told = event
        .event_time()
        .map(aws_sdk_cloudtrail::primitives::DateTime::secs);
    told.or_else(|| {
        let record = serde_json::from_str::<PageRecord>(event.cloud_trail_event()?).ok()?;
        time::parse(record.event_time.as_bytes())
    })
}

/// The event as an archive keeps it; `None` if its record is not a JSON object or it has no time.
pub(super) fn to_keep(event: &Event) -> Option<PageEvent<'_>> {
    let json = event.cloud_trail_event().filter(|json| is_object(json))?;
    Some(PageEvent {
        time: time(event)?,
        id: event.event_id().unwrap_or_default(),
        json,
    })
}

/// Puts the records of a page together as in a log file. What is no record is counted as one that
/// cannot be read.
pub(super) fn document(events: &[Event], scope: Scope) -> Document {
    let mut bytes = Vec::with_capacity(events.len() * 2048);
    bytes.extend_from_slice(br#"{"Records":["#);
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        let json = event.cloud_trail_event().filter(|json| is_object(json));
        bytes.extend_from_slice(json.unwrap_or("0").as_bytes());
    }
    bytes.extend_from_slice(b"]}");
    Document {
        size: bytes.len() as u64,
        named: false,
        scope: Some(scope.clone()),
        body: DocumentBody::Memory {
            name: event_history(&scope.into()),
            bytes,
            signature: None,
            _held: Box::new(()),
        },
    }
}
