//! Converts a page of LookupEvents: its time span, the events an archive can keep, and the document
//! to parse.

use aws_sdk_cloudtrail::types::Event;
use serde::Deserialize;

use super::client::LookupPage;
use crate::source::archive::{PageEvent, is_object};
use crate::source::document::{Document, DocumentBody};
use trailtab_core::coverage::event_history;
use trailtab_core::history::walk::{PageRequest, PageSpan};
use trailtab_core::integrity::DigestMetadata;
use trailtab_core::scope::Scope;
use trailtab_core::time::{self, Seconds};

/// The time span of a page, as the walk needs it. An event of a time that was not asked for does not tell
/// how far the pages have come.
pub(super) fn page_span(ask: &PageRequest, answer: &LookupPage) -> PageSpan {
    let times = answer.events.iter().filter_map(time);
    let times: Vec<Seconds> = times.filter(|time| is_asked(ask, *time)).collect();
    PageSpan {
        events: answer.events.len(),
        newest: times.iter().copied().max(),
        oldest: times.iter().copied().min(),
        is_ordered: times.is_sorted_by(|a, b| a >= b),
        token: answer.token.clone(),
    }
}

/// Returns whether a time is within the query.
pub(super) fn is_asked(ask: &PageRequest, time: Seconds) -> bool {
    (ask.from..=ask.to).contains(&time)
}

/// The time of an event: `EventTime`, or else the time in its record.
pub(super) fn time(event: &Event) -> Option<Seconds> {
    let told = event
        .event_time()
        .map(aws_sdk_cloudtrail::primitives::DateTime::secs);
    told.or_else(|| record_time(event))
}

/// The time of an event by its record, which is the one that it is counted by.
fn record_time(event: &Event) -> Option<Seconds> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct PageRecord {
        event_time: String,
    }
    let record = serde_json::from_str::<PageRecord>(event.cloud_trail_event()?).ok()?;
    time::parse(record.event_time.as_bytes())
}

/// The event as an archive keeps it; `None` if its record is not a JSON object or it has no time.
pub(super) fn to_keep(event: &Event) -> Option<PageEvent<'_>> {
    let json = event.cloud_trail_event().filter(|json| is_object(json))?;
    Some(PageEvent {
        time: record_time(event).or_else(|| time(event))?,
        id: event.event_id().unwrap_or_default(),
        json,
    })
}

/// Joins the records of a page as in a log file. An item that is not a record is counted as unreadable.
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
            metadata: DigestMetadata::default(),
            _held: Box::new(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(time: Seconds, record: Seconds) -> Event {
        let json = format!(r#"{{"eventTime":"{}"}}"#, time::iso(record));
        Event::builder()
            .event_time(aws_sdk_cloudtrail::primitives::DateTime::from_secs(time))
            .event_id("a")
            .cloud_trail_event(json)
            .build()
    }

    #[test]
    fn an_event_that_was_not_asked_for_does_not_end_the_pages() {
        let ask = PageRequest {
            walker: 0,
            from: 1000,
            to: 2000,
            token: None,
        };
        let answer = LookupPage {
            events: [1900, 1800, 10].map(|time| event(time, time)).into(),
            token: Some("next".to_owned()),
        };
        let span = page_span(&ask, &answer);
        assert_eq!((span.newest, span.oldest), (Some(1900), Some(1800)));
        assert_eq!((span.events, span.is_ordered), (3, true));
    }

    #[test]
    fn an_event_is_kept_by_the_time_of_its_record() {
        let event = event(1900, 1800);
        assert_eq!(time(&event), Some(1900));
        assert_eq!(to_keep(&event).map(|kept| kept.time), Some(1800));
    }
}
