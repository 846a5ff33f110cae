//! What an archive holds, and whether it is whole: as pages, as JSON, as CSV, and as a calendar.

mod page;

use serde::Serialize;

pub use self::page::{inspection, status};
use super::chart::{CalendarChart, CalendarRow, ChartScene};
use super::escape::cell;
use crate::page::{counted, thousands};
use trailtab_core::history::holdings::{
    self, ArchiveInspection, ArchiveInventory, PathFinding, PathFindings, RegionInventory,
};
use trailtab_core::history::spans::SecondRange;
use trailtab_core::time;

/// Gaps listed for each account and region.
const MOST_GAPS: usize = 1000;

/// Rows of the calendar; it shall stay a picture that programs can show.
const MOST_ROWS: usize = 400;

/// Columns of the calendar that can be told apart.
const MOST_COLUMNS: usize = 600;

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
    fn new(held: &RegionInventory, range: SecondRange) -> RegionStatus {
        let (hull, gaps) = (held.covered.hull(), held.covered.gaps(range));
        let listed = gaps.iter().rev().take(MOST_GAPS).map(|gap| CoverageGap {
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
            gaps_not_listed: gaps.iter().len().saturating_sub(MOST_GAPS),
            events: held.stored.events,
            files: held.stored.files,
            bytes: held.stored.bytes,
        }
    }
}

/// No seconds at all, for an archive that covers none.
const NEVER: SecondRange = SecondRange { from: 0, until: 0 };

fn rows(holdings: &ArchiveInventory) -> impl Iterator<Item = RegionStatus> {
    let range = holdings.range().unwrap_or(NEVER);
    let regions = holdings.regions.iter();
    regions.map(move |held| RegionStatus::new(held, range))
}

/// Writes what there is as JSON, with a line break at its end.
///
/// # Errors
///
/// None that its types allow.
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

/// Writes one row for each account and region.
///
/// # Errors
///
/// None that writing to memory has.
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
    /// Files that match the ledger, their events and their bytes.
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

/// Writes what looking through an archive came to as JSON, with a line break at its end.
///
/// # Errors
///
/// None that its types allow.
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

/// Writes a row for each finding of looking through an archive.
///
/// # Errors
///
/// None that writing to memory has.
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

/// Draws which days are covered.
pub fn calendar(holdings: &ArchiveInventory) -> ChartScene {
    let range = holdings.range().unwrap_or(NEVER);
    let days = holdings::days_to_fit(range, MOST_COLUMNS);
    let columns: Vec<SecondRange> = holdings::periods(range, days).collect();
    let mut rows = Vec::new();
    let mut account = "";
    for held in holdings.regions.iter().take(MOST_ROWS) {
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
        page::minute(range.from),
        page::minute(range.until),
        counted(holdings.stored().events, "event"),
    );
    if days > 1 {
        subtitle.push_str(&format!(", a column for {days} days"));
    }
    if let Some(more @ 1..) = holdings.regions.len().checked_sub(MOST_ROWS) {
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

/// Writes thousandths as `98.5 %`.
fn percent(permille: u64) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}
