//! Renders an archive's status and inspection as terminal pages, JSON and CSV, and its coverage as a calendar.

mod page;

use serde::Serialize;

pub use self::page::{inspection, status};
use super::chart::{CalendarChart, CalendarRow, ChartScene};
use super::escape::cell;
use crate::page::{counted, minute, thousands};
use trailtab_core::history::holdings::{
    self, ArchiveInspection, ArchiveInventory, PathFinding, PathFindings, RegionInventory,
};
use trailtab_core::time::{self, TimeRange};

/// Gaps listed per account and region.
const MAX_GAPS_PER_REGION: usize = 1000;

/// Rows of the calendar: image viewers must be able to open it.
const MAX_CALENDAR_ROWS: usize = 400;

/// Columns of the calendar: more are not distinguishable.
const MAX_CALENDAR_COLUMNS: usize = 600;

#[derive(Serialize)]
struct ArchiveStatus<'h> {
    from: Option<String>,
    until: Option<String>,
    events: u64,
    files: u64,
    bytes: u64,
    regions: Vec<RegionStatus>,
    findings: Vec<InspectionFinding<'h>>,
    findings_not_listed: u64,
}

#[derive(Serialize)]
struct RegionStatus {
    account: String,
    region: String,
    from: Option<String>,
    until: Option<String>,
    seconds_covered: u64,
    seconds_not_covered: u64,
    /// Most recent first.
    gaps: Vec<CoverageGap>,
    gaps_not_listed: usize,
    events: u64,
    files: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct CoverageGap {
    from: String,
    until: String,
}

impl RegionStatus {
    fn new(held: &RegionInventory, range: TimeRange) -> RegionStatus {
        let (hull, gaps) = (held.covered.hull(), held.covered.gaps(range));
        let listed = gaps
            .iter()
            .rev()
            .take(MAX_GAPS_PER_REGION)
            .map(|gap| CoverageGap {
                from: time::iso(gap.from),
                until: time::iso(gap.until),
            });
        RegionStatus {
            account: held.account.clone(),
            region: held.region.clone(),
            from: hull.map(|hull| time::iso(hull.from)),
            until: hull.map(|hull| time::iso(hull.until)),
            seconds_covered: held.covered.seconds(),
            seconds_not_covered: gaps.seconds(),
            gaps: listed.collect(),
            gaps_not_listed: gaps.iter().len().saturating_sub(MAX_GAPS_PER_REGION),
            events: held.stored.events,
            files: held.stored.files,
            bytes: held.stored.bytes,
        }
    }
}

/// The range of an archive that covers nothing.
const EMPTY_RANGE: TimeRange = TimeRange { from: 0, until: 0 };

fn rows(holdings: &ArchiveInventory) -> impl Iterator<Item = RegionStatus> {
    let range = holdings.range().unwrap_or(EMPTY_RANGE);
    let regions = holdings.regions.iter();
    regions.map(move |held| RegionStatus::new(held, range))
}

/// Writes the status as JSON and a final line break.
///
/// # Errors
///
/// Never in practice: the types always serialize.
pub fn json(holdings: &ArchiveInventory) -> serde_json::Result<Vec<u8>> {
    let (range, stored) = (holdings.range(), holdings.stored());
    let status = ArchiveStatus {
        from: range.map(|range| time::iso(range.from)),
        until: range.map(|range| time::iso(range.until)),
        events: stored.events,
        files: stored.files,
        bytes: stored.bytes,
        regions: rows(holdings).collect(),
        findings: listed(&holdings.findings),
        findings_not_listed: holdings.findings.more,
    };
    let mut json = serde_json::to_vec_pretty(&status)?;
    json.push(b'\n');
    Ok(json)
}

/// Writes the status as CSV: one row per account and region.
///
/// # Errors
///
/// Never in practice: writing to memory does not fail.
pub fn csv(holdings: &ArchiveInventory) -> csv::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record([
        "account",
        "region",
        "from",
        "until",
        "seconds_covered",
        "seconds_not_covered",
        "gaps",
        "events",
        "files",
        "bytes",
    ])?;
    for row in rows(holdings) {
        let gaps = row.gaps.len() + row.gaps_not_listed;
        table.write_record([
            &*cell(&row.account),
            &cell(&row.region),
            &row.from.unwrap_or_default(),
            &row.until.unwrap_or_default(),
            &row.seconds_covered.to_string(),
            &row.seconds_not_covered.to_string(),
            &gaps.to_string(),
            &row.events.to_string(),
            &row.files.to_string(),
            &row.bytes.to_string(),
        ])?;
    }
    table
        .into_inner()
        .map_err(|error| error.into_error().into())
}

#[derive(Serialize)]
struct InspectionResult<'i> {
    /// Files that match the ledger; `events` and `bytes` are theirs.
    files: u64,
    events: u64,
    bytes: u64,
    damage: Vec<InspectionFinding<'i>>,
    damage_not_listed: u64,
    remarks: Vec<InspectionFinding<'i>>,
    remarks_not_listed: u64,
}

#[derive(Serialize)]
struct InspectionFinding<'i> {
    path: &'i str,
    what: &'i str,
}

fn listed(findings: &PathFindings) -> Vec<InspectionFinding<'_>> {
    let findings = findings.named.iter();
    let findings = findings.map(|PathFinding { path, what }| InspectionFinding { path, what });
    findings.collect()
}

/// Writes the findings of an inspection as JSON and a final line break.
///
/// # Errors
///
/// Never in practice: the types always serialize.
pub fn inspection_json(inspection: &ArchiveInspection) -> serde_json::Result<Vec<u8>> {
    let ArchiveInspection {
        good,
        damage,
        remarks,
    } = inspection;
    crate::json::ascii(&InspectionResult {
        files: good.files,
        events: good.events,
        bytes: good.bytes,
        damage: listed(damage),
        damage_not_listed: damage.more,
        remarks: listed(remarks),
        remarks_not_listed: remarks.more,
    })
}

/// Writes the findings of an inspection as CSV: one row each.
///
/// # Errors
///
/// Never in practice: writing to memory does not fail.
pub fn inspection_csv(inspection: &ArchiveInspection) -> csv::Result<Vec<u8>> {
    let kinds = [
        ("damage", &inspection.damage),
        ("remark", &inspection.remarks),
    ];
    let rows = kinds.into_iter().flat_map(|(kind, findings)| {
        let row = move |finding: &PathFinding| {
            [kind.to_owned(), finding.path.clone(), finding.what.clone()]
        };
        findings.named.iter().map(row)
    });
    crate::csv::table(["kind", "path", "what"], rows)
}

/// Lays out the calendar of covered days.
pub fn calendar(holdings: &ArchiveInventory) -> ChartScene {
    let range = holdings.range().unwrap_or(EMPTY_RANGE);
    let days = holdings::days_to_fit(range, MAX_CALENDAR_COLUMNS);
    let columns: Vec<TimeRange> = holdings::periods(range, days).collect();
    let mut rows = Vec::new();
    let mut account = "";
    for held in holdings.regions.iter().take(MAX_CALENDAR_ROWS) {
        let begins = std::mem::replace(&mut account, &held.account) != held.account;
        let shares = columns.iter().map(|span| held.share(*span).permille());
        rows.push(CalendarRow {
            group: begins.then_some(held.account.as_str()),
            name: &held.region,
            note: percent(held.share(range).permille()),
            shares: shares.collect(),
        });
    }
    let mut subtitle = format!(
        "{} to {} UTC, {}",
        minute(range.from),
        minute(range.until),
        counted(holdings.stored().events, "event"),
    );
    if days > 1 {
        subtitle.push_str(&format!(", a column for {days} days"));
    }
    if let Some(more @ 1..) = holdings.regions.len().checked_sub(MAX_CALENDAR_ROWS) {
        let more = thousands(more as u64);
        subtitle.push_str(&format!(", {more} more accounts and regions not shown"));
    }
    let starts: Vec<i64> = columns.iter().map(|span| span.from).collect();
    CalendarChart {
        title: "What the archive covers",
        subtitle: &subtitle,
        columns: &starts,
        days,
        rows: &rows,
    }
    .scene()
}

/// Formats thousandths: `98.5 %`.
fn percent(permille: u64) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}
