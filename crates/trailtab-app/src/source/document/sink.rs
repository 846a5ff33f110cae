//! Counts what is met in a document, while it is passed on.

use super::outcome::ReadTrouble;
use trailtab_core::coverage::Severity;
use trailtab_core::event::envelope::{ContentKind, RecordFault, RecordForm, RecordSink, RowGap};
use trailtab_core::event::record::EventRecord;
use trailtab_core::time::{Seconds, TimeParser};

/// What was met in a document, or in a part of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DocumentFacts {
    pub(super) events: u64,
    /// Content of a known kind that is not an event.
    pub(super) known: u64,
    pub(super) foreign: u64,
    pub(super) unreadable: u64,
    /// Those of them that have an identity that cannot be read.
    pub(super) unreadable_identities: u64,
    /// Events that have no valid time, and so are not counted under a time window.
    pub(super) undated: u64,
    /// Rows of tables whose columns do not say who acted.
    pub(super) without_identity: u64,
    /// Rows of tables whose time is in a form that cannot be read.
    pub(super) odd_times: u64,
}

impl DocumentFacts {
    pub(super) fn since(self, before: DocumentFacts) -> DocumentFacts {
        DocumentFacts {
            events: self.events - before.events,
            known: self.known - before.known,
            foreign: self.foreign - before.foreign,
            unreadable: self.unreadable - before.unreadable,
            unreadable_identities: self.unreadable_identities - before.unreadable_identities,
            undated: self.undated - before.undated,
            without_identity: self.without_identity - before.without_identity,
            odd_times: self.odd_times - before.odd_times,
        }
    }
}

/// Counts the content of a document. If only some records are unreadable, the document still has a problem.
pub(super) struct CountingSink<'s, S> {
    pub(super) sink: &'s mut S,
    pub(super) facts: DocumentFacts,
    /// The first place of something that looks like a record in an unknown form.
    pub(super) unknown_place: Option<String>,
    /// Reads the times of events, if they are wanted.
    pub(super) clock: Option<TimeParser>,
    pub(super) events: Option<(Seconds, Seconds)>,
}

impl<S> CountingSink<'_, S> {
    /// The problem with the content counted since `before`, if there is one.
    pub(super) fn trouble(&self, before: DocumentFacts) -> Option<ReadTrouble> {
        let facts = self.facts.since(before);
        let records = |count: u64, rest: &str| match count {
            0 => None,
            1 => Some(format!("1 record {rest}")),
            n => Some(format!("{n} records {rest}")),
        };
        let unreadable = facts.unreadable - facts.unreadable_identities;
        let unknown = self.unknown_place.as_ref().filter(|_| unreadable > 0);
        let reasons = [
            unknown.map(|place| {
                format!("looks like CloudTrail inside a form that is not known: {place}")
            }),
            records(unreadable, "could not be read"),
            records(
                facts.unreadable_identities,
                "could not be read: their userIdentity is of an unknown form",
            ),
            records(
                facts.undated,
                "without a readable time: not counted under a time window",
            ),
            records(
                facts.without_identity,
                "counted as unknown: no column says who acted",
            ),
            records(
                facts.odd_times,
                "counted without a time: its form cannot be read",
            ),
        ];
        let reasons: Vec<String> = reasons.into_iter().flatten().collect();
        if reasons.is_empty() {
            return None;
        }
        let has_more = facts.events > facts.undated || facts.known > 0;
        let severity = match unknown {
            Some(_) if !has_more => Severity::Failed,
            _ => Severity::Partial,
        };
        Some(ReadTrouble::Of(severity, reasons.join("; ")))
    }
}

impl<S: RecordSink> RecordSink for CountingSink<'_, S> {
    fn events(&mut self, records: &[EventRecord<'_>]) {
        self.facts.events += records.len() as u64;
        if let Some(clock) = &mut self.clock {
            for time in records.iter().filter_map(|record| record.time(clock)) {
                let (first, last) = self.events.unwrap_or((time, time));
                self.events = Some((first.min(time), last.max(time)));
            }
        }
        let undated = self.sink.undated();
        self.sink.events(records);
        self.facts.undated += self.sink.undated() - undated;
    }

    fn other(&mut self, kind: ContentKind) {
        match kind.is_foreign() {
            true => self.facts.foreign += 1,
            false => self.facts.known += 1,
        }
        self.sink.other(kind);
    }

    fn unreadable(&mut self, fault: RecordFault) {
        self.facts.unreadable += 1;
        self.facts.unreadable_identities += u64::from(fault == RecordFault::Identity);
        self.sink.unreadable(fault);
    }

    fn unknown_form(&mut self, place: &str) {
        self.facts.unreadable += 1;
        self.unknown_place.get_or_insert_with(|| place.to_owned());
        self.sink.unknown_form(place);
    }

    fn gap(&mut self, gap: RowGap) {
        match gap {
            RowGap::Identity => self.facts.without_identity += 1,
            RowGap::Time => self.facts.odd_times += 1,
        }
        self.sink.gap(gap);
    }

    fn converted(&mut self, form: RecordForm) {
        self.sink.converted(form);
    }

    fn undated(&self) -> u64 {
        self.sink.undated()
    }
}
