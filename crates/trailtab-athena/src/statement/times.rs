//! When an event was, as expressions.

use trailtab_core::event::needs::CallGrain;
use trailtab_core::time::{self, Seconds};

use super::TableQuestion;
use crate::sql::SqlText;
use crate::table::EventTimeColumn;

/// The expressions for the time of an event.
pub(super) struct EventTimes {
    /// What is returned of the first and last event.
    pub(super) value: SqlText,
    /// The hour or the minute; the whole time if it is not written as CloudTrail writes times, or for single events.
    pub(super) period: SqlText,
    /// Whether the time is written so that its order is that of its value.
    pub(super) is_ordered: SqlText,
    /// Whether there is no time.
    pub(super) is_absent: SqlText,
    /// Whether the time is known to be outside the window.
    pub(super) is_outside: SqlText,
}

impl EventTimes {
    pub(super) fn of(column: &EventTimeColumn, question: &TableQuestion<'_>) -> EventTimes {
        match column {
            EventTimeColumn::Text(column) => EventTimes::of_text(column, question),
            EventTimeColumn::Milliseconds(column) => EventTimes::of_number(column, question),
        }
    }

    fn of_text(column: &SqlText, question: &TableQuestion<'_>) -> EventTimes {
        let regular = SqlText::of(
            "regexp_like(?, '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$')",
            &[column],
        );
        let cut = |template| SqlText::of(template, &[&regular, column, column]);
        let period = match question.needs.grain {
            CallGrain::Hour => cut("CASE WHEN ? THEN substr(?, 1, 13) ELSE ? END"),
            CallGrain::Minute => cut("CASE WHEN ? THEN substr(?, 1, 16) ELSE ? END"),
            CallGrain::Event => column.clone(),
        };
        let outside = outside(column, question, |time| SqlText::text(&time::iso(time)));
        EventTimes {
            value: column.clone(),
            period: match (question.by_day, outside.as_slice()) {
                (true, [_, ..]) => parted(&period, &outside),
                _ => period,
            },
            is_ordered: regular.clone(),
            is_absent: SqlText::of("coalesce(?, '') = ''", &[column]),
            // The reader places times that are written in another way.
            is_outside: match question.by_day {
                true => SqlText::fixed("false"),
                false => SqlText::of("(? AND ?)", &[&regular, &SqlText::any(&outside)]),
            },
        }
    }

    fn of_number(column: &SqlText, question: &TableQuestion<'_>) -> EventTimes {
        let cut = |template| SqlText::of(template, &[column, column]);
        let period = match question.needs.grain {
            CallGrain::Hour => cut("? - ? % 3600000"),
            CallGrain::Minute => cut("? - ? % 60000"),
            CallGrain::Event => column.clone(),
        };
        let number = |time: Seconds| SqlText::number(time.saturating_mul(1000));
        let outside = outside(column, question, number);
        EventTimes {
            value: column.clone(),
            period: match (question.by_day, outside.as_slice()) {
                (true, [_, ..]) => parted(&SqlText::of("CAST(? AS varchar)", &[&period]), &outside),
                _ => period,
            },
            is_ordered: SqlText::fixed("true"),
            is_absent: SqlText::of("? IS NULL", &[column]),
            is_outside: match question.by_day {
                true => SqlText::fixed("false"),
                false => SqlText::any(&outside),
            },
        }
    }
}

/// The conditions that place a time before or after the window.
fn outside(
    column: &SqlText,
    question: &TableQuestion<'_>,
    write: impl Fn(Seconds) -> SqlText,
) -> Vec<SqlText> {
    let since = question.window.since.map(|time| ("? < ?", time));
    let until = question.window.until.map(|time| ("? >= ?", time));
    let bounds = since.into_iter().chain(until);
    bounds
        .map(|(template, time)| SqlText::of(template, &[column, &write(time)]))
        .collect()
}

/// Separates the calls of a period inside the window from those outside.
fn parted(period: &SqlText, outside: &[SqlText]) -> SqlText {
    SqlText::of(
        "concat(?, CASE WHEN ? THEN ' outside' ELSE '' END)",
        &[period, &SqlText::any(outside)],
    )
}
