//! Renders the callers during throttled minutes as a terminal page.

use std::fmt::{self, Write as _};

use console::Style;

use super::page::short;
use crate::document::{ColumnKind, TableColumn};
use crate::page::{TOP_ROWS, TextPage, TextStyle, counted, percent, plain, thousands};
use trailtab_core::activity::usage::causes::{ThrottleReport, ThrottledApi, ThrottledCaller};

/// How to read the page, and its limits.
const NOTES: [&str; 3] = [
    "share: of all calls in the minutes in which calls were refused; then: in those minutes; peak: in \
     the busiest minute. AWS limits the rate of an API for \
     each account and region, so the likely cause is the principal with the largest share, refused or not.",
    "Only calls that CloudTrail recorded are seen: no data events unless the trail logs them, and not \
     every service records what it refuses.",
    "Several APIs of a service may share one limit. All of them: --by principal,api --per minute \
     --event-source SERVICE.",
];

/// Renders the throttled APIs and the principals that called them.
pub fn causes(causes: &ThrottleReport, look: TextStyle) -> String {
    TextPage::render(look, |page| page.causes(causes))
}

impl TextPage {
    fn causes(&mut self, causes: &ThrottleReport) -> fmt::Result {
        self.usage_head("Who causes throttling", &causes.basis)?;
        if causes.basis.no_match.is_some() {
            return self.usage_coverage(&causes.basis);
        }
        let line = format!(
            "{} of {} refused for their rate",
            thousands(causes.throttles),
            counted(causes.calls, "call"),
        );
        self.paragraph(&line, 0, &Style::new())?;
        for place in causes.places.iter().take(TOP_ROWS) {
            self.place(place)?;
        }
        if causes.places.len() > TOP_ROWS {
            let more = thousands((causes.places.len() - TOP_ROWS) as u64);
            writeln!(self.out, "\nand {more} more APIs and regions, in the JSON")?;
        }
        self.notes(NOTES.iter().copied())?;
        self.usage_coverage(&causes.basis)
    }

    fn place(&mut self, place: &ThrottledApi) -> fmt::Result {
        let title = format!(
            "{} in {} of {}",
            short(&place.api),
            place.region,
            place.account,
        );
        writeln!(self.out)?;
        self.paragraph(&title, 0, &Style::new().bold())?;
        let (first, last) = (&place.first_throttled_minute, &place.last_throttled_minute);
        let when = match first == last {
            true => format!("at {}", plain(first)),
            false => format!(
                "in {} from {} to {}",
                counted(place.throttled_minutes, "minute"),
                plain(first),
                plain(last)
            ),
        };
        let line = format!(
            "{} of {} refused, {when}",
            thousands(place.throttles),
            counted(place.calls, "call"),
        );
        self.paragraph(&line, 2, &Style::new())?;
        if let Some(minute) = &place.peak_minute {
            let peak = counted(place.peak_per_minute, "call");
            writeln!(
                self.out,
                "  at most {peak} a minute by all, at {}",
                plain(minute)
            )?;
        }
        let shown = &place.principals[..place.principals.len().min(TOP_ROWS)];
        self.table(columns(place, shown))?;
        if let Some(more @ 1..) = place.principals.len().checked_sub(TOP_ROWS) {
            let more = counted(more as u64, "more principal");
            writeln!(self.out, "  and {more}, in the JSON")?;
        }
        if place.other_principals > 0 {
            let line = format!(
                "{} called at other times only: {}",
                counted(place.other_principals, "principal"),
                counted(place.calls_of_other_principals, "call"),
            );
            self.paragraph(&line, 2, &Style::new())?;
        }
        Ok(())
    }
}

fn columns(place: &ThrottledApi, callers: &[ThrottledCaller]) -> Vec<TableColumn> {
    let column = |title: &str, kind: ColumnKind, cell: &dyn Fn(&ThrottledCaller) -> String| {
        TableColumn::new(title, kind, callers.iter().map(cell))
    };
    let all = place.calls_in_throttled_minutes;
    vec![
        column("principal", ColumnKind::Name, &|caller| {
            caller.principal.clone()
        }),
        column("share", ColumnKind::Number, &|caller| {
            percent(caller.calls_in_throttled_minutes, all)
        }),
        column("then", ColumnKind::Number, &|caller| {
            thousands(caller.calls_in_throttled_minutes)
        }),
        column("refused", ColumnKind::Number, &|caller| {
            thousands(caller.throttles)
        }),
        column("calls", ColumnKind::Number, &|caller| {
            thousands(caller.calls)
        })
        .dispensable(1),
        column("peak", ColumnKind::Number, &|caller| {
            thousands(caller.peak_per_minute)
        })
        .dispensable(2),
    ]
}
