//! Renders the callers during throttled minutes as a terminal page.

use std::fmt::{self, Write as _};

use console::Style;

use super::page::{column_title, short, value};
use crate::document::{ColumnKind, TableColumn};
use crate::page::{TOP_ROWS, TextPage, TextStyle, counted, percent, plain, thousands};
use trailtab_core::activity::usage::causes::{ThrottleReport, ThrottledApi, ThrottledCaller};
use trailtab_core::activity::usage::report::ColumnKey;

/// What the columns mean.
const LEGEND: [&str; 5] = [
    "share: the caller's part of all calls in the minutes in which a call of anyone was refused",
    "meanwhile: its calls in those minutes, refused or not",
    "refused: its calls that AWS refused for their rate",
    "all calls: its calls at any time",
    "peak: its calls in its busiest minute",
];

/// How to read the page, and its limits.
const NOTES: [&str; 3] = [
    "AWS limits the rate of an API for each account and region, so the likely cause is the caller with the \
     largest share, refused or not. Callers that share a role: --by session, user-agent or ip.",
    "Only calls that CloudTrail recorded are seen: no data events unless the trail logs them, and not \
     every service records what it refuses.",
    "Several APIs of a service may share one limit. All of them: --by principal,api --per minute \
     --event-source SERVICE.",
];

/// Renders the throttled APIs and their callers.
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
            self.place(place, &causes.by)?;
        }
        if causes.places.len() > TOP_ROWS {
            let more = thousands((causes.places.len() - TOP_ROWS) as u64);
            writeln!(self.out, "\nand {more} more APIs and regions, in the JSON")?;
        }
        let legend = LEGEND.iter().filter(|_| !causes.places.is_empty());
        self.notes(legend.chain(&NOTES).copied())?;
        self.usage_coverage(&causes.basis)
    }

    fn place(&mut self, place: &ThrottledApi, by: &[ColumnKey]) -> fmt::Result {
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
        let shown = &place.callers[..place.callers.len().min(TOP_ROWS)];
        self.table(columns(place, by, shown))?;
        let listed = place.callers.len().saturating_sub(TOP_ROWS) as u64;
        match &place.folded {
            Some(folded) => {
                let line = format!(
                    "and {} with fewer calls, of which the JSON lists {}",
                    counted(listed + folded.callers, "caller"),
                    thousands(listed),
                );
                self.paragraph(&line, 2, &Style::new())?;
            }
            None if listed > 0 => {
                let more = counted(listed, "more caller");
                writeln!(self.out, "  and {more}, in the JSON")?;
            }
            None => {}
        }
        if place.other_callers > 0 {
            let line = format!(
                "{} called at other times only: {}",
                counted(place.other_callers, "caller"),
                counted(place.calls_of_other_callers, "call"),
            );
            self.paragraph(&line, 2, &Style::new())?;
        }
        Ok(())
    }
}

fn columns(
    place: &ThrottledApi,
    by: &[ColumnKey],
    callers: &[ThrottledCaller],
) -> Vec<TableColumn> {
    let column = |title: &str, kind: ColumnKind, cell: &dyn Fn(&ThrottledCaller) -> String| {
        TableColumn::new(title, kind, callers.iter().map(cell))
    };
    let number = |title: &str, count: fn(&ThrottledCaller) -> u64| {
        column(title, ColumnKind::Number, &|caller| {
            thousands(count(caller))
        })
    };
    let all = place.calls_in_throttled_minutes;
    let mut columns = Vec::new();
    for by in by {
        columns.push(column(column_title(*by), ColumnKind::Name, &|caller| {
            value(*by, &caller.key)
        }));
    }
    columns.extend([
        column("share", ColumnKind::Number, &|caller| {
            percent(caller.calls_in_throttled_minutes, all)
        }),
        number("meanwhile", |caller| caller.calls_in_throttled_minutes),
        number("refused", |caller| caller.throttles),
        number("all calls", |caller| caller.calls).dispensable(1),
        number("peak", |caller| caller.peak_per_minute).dispensable(2),
    ]);
    columns
}
