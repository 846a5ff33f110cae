//! Renders the usage table as a terminal page, and the parts that all usage pages share.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use console::Style;

use crate::document::{ColumnKind, TableColumn};
use crate::page::{TextPage, TextStyle, counted, level, percent, plain, thousands};
use crate::reading;
use trailtab_core::activity::usage::basis::ReportProvenance;
use trailtab_core::activity::usage::metrics::OTHER;
use trailtab_core::activity::usage::report::{
    ColumnKey, RowCounts, TimeStep, UsageReport, UsageReportRow,
};

/// Why rows by resource do not add up to all calls.
const RESOURCES: &str = "A call counts once for each resource that it names, so rows may add up to more than all calls. \
     Objects of S3 count for their bucket.";

/// Renders the usage table.
pub fn report(report: &UsageReport, look: TextStyle) -> String {
    TextPage::render(look, |page| page.report(report))
}

impl TextPage {
    fn report(&mut self, report: &UsageReport) -> fmt::Result {
        self.usage_head("Usage", &report.basis)?;
        if report.basis.no_match.is_some() {
            return self.usage_coverage(&report.basis);
        }
        let totals = &report.totals;
        self.paragraph(&sums(totals), 0, &Style::new())?;
        if let Some(minute) = &totals.peak_minute {
            let peak = counted(totals.peak_per_minute, "call");
            writeln!(self.out, "At most {peak} a minute, at {}", plain(minute))?;
        }
        if !report.rows.is_empty() {
            writeln!(self.out)?;
            self.paragraph(&heading(report), 0, &Style::new().bold())?;
            self.table(columns(report))?;
        }
        if report.by.contains(&ColumnKey::Resource) {
            self.notes([RESOURCES].into_iter())?;
        }
        self.usage_coverage(&report.basis)
    }

    /// Writes the title and the time covered, or why no event was counted.
    pub(super) fn usage_head(&mut self, title: &str, basis: &ReportProvenance) -> fmt::Result {
        let coverage = &basis.coverage;
        let calls = match basis.activity_type.as_str() {
            "ALL" => "",
            "FAILED" => ", failed calls only",
            _ => ", successful calls only",
        };
        self.paragraph(&format!("{title}{calls}"), 0, &Style::new().bold())?;
        if let Some(no_match) = &basis.no_match {
            return self.no_match(no_match, reading::no_match_context(&coverage.reading));
        }
        match (&coverage.first_minute, &coverage.last_minute) {
            (Some(first), Some(last)) => {
                writeln!(self.out, "{} – {} UTC", plain(first), plain(last))
            }
            _ => writeln!(self.out, "No calls."),
        }
    }

    /// Writes notes in a faint colour.
    pub(super) fn notes<'n>(&mut self, notes: impl Iterator<Item = &'n str>) -> fmt::Result {
        writeln!(self.out)?;
        for note in notes {
            self.paragraph(note, 2, &Style::new().dim())?;
        }
        Ok(())
    }

    /// Writes what was read, what no table counts, and what is missing.
    pub(super) fn usage_coverage(&mut self, basis: &ReportProvenance) -> fmt::Result {
        let incomplete = basis.coverage.incomplete;
        let remark = (incomplete > 0).then(|| {
            let events = counted(incomplete, "event");
            format!("{events} of those counted in no table: without a time, region, service or API")
        });
        let has_matches = basis.no_match.is_none();
        self.reading_coverage(&basis.coverage.reading, remark.as_deref(), has_matches)
    }
}

/// The explanation why no event was counted; empty if one was.
pub fn no_match(basis: &ReportProvenance) -> String {
    reading::no_match(basis.no_match.as_ref(), &basis.coverage.reading)
}

/// The totals as a sentence.
fn sums(totals: &RowCounts) -> String {
    let of = |count: u64| format!("{} ({})", thousands(count), percent(count, totals.calls));
    format!(
        "{}, {} with an error, {} throttled; {} read, {} write",
        counted(totals.calls, "call"),
        of(totals.errors),
        of(totals.throttles),
        thousands(totals.reads),
        thousands(totals.writes),
    )
}

fn heading(report: &UsageReport) -> String {
    let by: Vec<&str> = report.by.iter().map(|by| column_title(*by)).collect();
    let per = match report.per {
        None => "",
        Some(TimeStep::Minute) => ", per minute",
        Some(TimeStep::Hour) => ", per hour",
        Some(TimeStep::Day) => ", per day",
    };
    format!(
        "Calls by {}{per}; peak: in the busiest minute",
        by.join(" and ")
    )
}

/// The title of a column.
pub(super) fn column_title(by: ColumnKey) -> &'static str {
    match by {
        ColumnKey::Api => "API",
        ColumnKey::UserAgent => "user agent",
        ColumnKey::IpAddress => "IP address",
        ColumnKey::ErrorCode => "error code",
        by => by.name(),
    }
}

/// The value of a column as a page shows it.
pub(super) fn value(by: ColumnKey, key: &BTreeMap<ColumnKey, String>) -> String {
    let value = key.get(&by).map_or("", String::as_str);
    match by {
        ColumnKey::ErrorCode if value.is_empty() => "(no error)".to_owned(),
        _ if value.is_empty() => "(none)".to_owned(),
        ColumnKey::Api => short(value),
        _ => value.to_owned(),
    }
}

/// The columns of the table. If names do not fit, columns are dropped in this order: the peak's time, the course,
/// the share, throttled, errors, the peak.
fn columns(report: &UsageReport) -> Vec<TableColumn> {
    let rows = &report.rows;
    let column = |title: &str, kind: ColumnKind, cell: &dyn Fn(&UsageReportRow) -> String| {
        TableColumn::new(title, kind, rows.iter().map(cell))
    };
    let number = |title: &str, count: fn(&RowCounts) -> u64| {
        column(title, ColumnKind::Number, &|row| match count(&row.counts) {
            0 => String::new(),
            count => thousands(count),
        })
    };
    let mut columns = Vec::new();
    if let Some(per) = report.per {
        let digits = match per {
            TimeStep::Day => 10,
            TimeStep::Minute | TimeStep::Hour => 16,
        };
        columns.push(column("time", ColumnKind::Text, &|row| {
            let time = plain(row.time.as_deref().unwrap_or_default());
            time.chars().take(digits).collect()
        }));
    }
    for by in &report.by {
        columns.push(column(
            column_title(*by),
            ColumnKind::Name,
            &|row| match row.is_other {
                true => format!("{OTHER} ({})", thousands(report.others)),
                false => value(*by, &row.key),
            },
        ));
    }
    let calls = report.totals.calls;
    columns.push(number("calls", |counts| counts.calls));
    columns.push(
        column("share", ColumnKind::Number, &|row| {
            percent(row.counts.calls, calls)
        })
        .dispensable(4),
    );
    columns.push(number("errors", |counts| counts.errors).dispensable(2));
    // Most logs have no throttled calls; the totals above say so.
    if report.totals.throttles > 0 {
        let throttled = number("throttled", |counts| counts.throttles);
        // User agents are long, and identify which of many callers is throttled.
        columns.push(match report.by.contains(&ColumnKey::UserAgent) {
            true => throttled,
            false => throttled.dispensable(3),
        });
    }
    if report.per != Some(TimeStep::Minute) {
        columns.push(number("peak", |counts| counts.peak_per_minute).dispensable(1));
        columns.push(
            column("at", ColumnKind::Text, &|row| {
                plain(row.counts.peak_minute.as_deref().unwrap_or_default())
            })
            .dispensable(6),
        );
    }
    // With a time step, a row covers one step and has no course.
    if report.per.is_none() {
        let course = |width| {
            let course = column("course", ColumnKind::Course, &|row| {
                sparkline(&row.counts.course, width)
            });
            course.dispensable(5)
        };
        columns.push(course(24).or(course(12)));
    }
    columns
}

/// The API as IAM policies write it: `ec2:RunInstances`.
pub(super) fn short(api: &str) -> String {
    api.replacen(".amazonaws.com:", ":", 1)
}

/// Draws a course as `columns` characters. Its length must be a multiple of `columns`.
fn sparkline(course: &[u64], columns: usize) -> String {
    let parts = (course.len() / columns).max(1);
    let sums: Vec<u64> = course.chunks(parts).map(|part| part.iter().sum()).collect();
    let largest = sums.iter().copied().max().unwrap_or_default();
    sums.iter().map(|count| level(*count, largest)).collect()
}
