//! Renders an archive's status and the result of its inspection as terminal pages.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use console::{Style, measure_text_width};

use super::percent;
use crate::document::{ColumnKind, TableColumn};
use crate::escape;
use crate::page::{TextPage, TextStyle, counted, middle, minute, size, thousands};
use trailtab_core::history::holdings::{
    self, ArchiveInspection, ArchiveInventory, PathFindings, RegionInventory, StoredFiles,
};
use trailtab_core::time::{self, Seconds, TimeRange};

/// Gaps listed; JSON has more.
const MAX_GAPS_SHOWN: usize = 10;

/// Findings listed per kind.
const MAX_FINDINGS_SHOWN: usize = 100;

/// Renders what an archive holds and covers.
pub fn status(holdings: &ArchiveInventory, look: TextStyle) -> String {
    TextPage::render(look, |page| page.status(holdings))
}

/// Renders the findings of an inspection.
pub fn inspection(inspection: &ArchiveInspection, look: TextStyle) -> String {
    TextPage::render(look, |page| page.inspection(inspection))
}

impl TextPage {
    fn status(&mut self, holdings: &ArchiveInventory) -> fmt::Result {
        let accounts: BTreeSet<&str> = holdings
            .regions
            .iter()
            .map(|held| held.account.as_str())
            .collect();
        let title = format!(
            "Archive of {} and {}",
            counted(accounts.len() as u64, "account"),
            match holdings.regions.len() {
                1 => "1 region".to_owned(),
                n if accounts.len() > 1 => format!("{} regions in all", thousands(n as u64)),
                n => format!("{} regions", thousands(n as u64)),
            }
        );
        let title = self.style(Style::new().bold(), &title);
        writeln!(self.out, "{title}")?;
        let Some(range) = holdings.range() else {
            writeln!(self.out, "Nothing is covered yet.")?;
            return self.doubts(&holdings.findings);
        };
        let (from, until) = (minute(range.from), minute(range.until));
        writeln!(self.out, "{from} – {until} UTC, {}", length(range))?;
        writeln!(self.out, "{}", amount(holdings.stored()))?;
        self.regions(holdings, range)?;
        self.calendar(holdings, range)?;
        self.gaps(holdings, range)?;
        self.doubts(&holdings.findings)
    }

    /// Says what makes the status doubtful, at the end of the page.
    fn doubts(&mut self, findings: &PathFindings) -> fmt::Result {
        if findings.count() > 0 {
            writeln!(self.out)?;
            self.findings(findings, "Not as it was stored", Style::new().red().bold())?;
            self.out.pop();
        }
        Ok(())
    }

    fn regions(&mut self, holdings: &ArchiveInventory, range: TimeRange) -> fmt::Result {
        // Laid out as one table, so that the columns of all accounts are in line.
        let lines = self.table_lines(covered(&holdings.regions, range));
        self.by_account(holdings, "Covered", |page, at| {
            let line = lines.get(at).map_or("", String::as_str);
            writeln!(page.out, "{line}")
        })
    }

    fn calendar(&mut self, holdings: &ArchiveInventory, range: TimeRange) -> fmt::Result {
        let names = holdings.regions.iter();
        let names = names.map(|held| escape::terminal(&held.region).len());
        let names = names.max().unwrap_or(0);
        let room = self.look.width.saturating_sub(names + 4).max(20);
        let days = holdings::days_to_fit(range, room);
        let cells: Vec<TimeRange> = holdings::periods(range, days).collect();
        let heading = match days {
            1 => "Calendar, a day each".to_owned(),
            days => format!("Calendar, {days} days each"),
        };
        let months = self.dim(months(&cells, room).trim_end());
        let indent = " ".repeat(names + 4);
        let mut is_first = true;
        self.by_account(holdings, &heading, |page, at| {
            if std::mem::take(&mut is_first) {
                writeln!(page.out, "{indent}{months}")?;
            }
            let held = &holdings.regions[at];
            let mut strip = String::new();
            let shares: Vec<u64> = cells
                .iter()
                .map(|cell| held.share(*cell).permille())
                .collect();
            for run in shares.chunk_by(|a, b| mark(*a) == mark(*b)) {
                let marks = mark(run[0]).repeat(run.len());
                strip.push_str(&match run[0] {
                    0 => page.dim(&marks),
                    _ => page.style(Style::new().yellow(), &marks),
                });
            }
            let name = escape::terminal(&held.region);
            writeln!(page.out, "  {name:<names$}  {strip}")
        })?;
        let legend = format!(
            "{} covered  {} in part  {} not",
            mark(1000),
            mark(500),
            mark(0)
        );
        let legend = self.dim(&legend);
        writeln!(self.out, "{indent}{legend}")
    }

    fn gaps(&mut self, holdings: &ArchiveInventory, range: TimeRange) -> fmt::Result {
        // Many regions usually share a gap.
        let mut gaps: BTreeMap<Reverse<(Seconds, Seconds)>, Vec<usize>> = BTreeMap::new();
        for (at, held) in holdings.regions.iter().enumerate() {
            for gap in held.covered.gaps(range).iter() {
                let place = gaps.entry(Reverse((gap.until, gap.from))).or_default();
                place.push(at);
            }
        }
        if gaps.is_empty() {
            return writeln!(self.out, "\nNothing is missing in between.");
        }
        let heading = match gaps.len() {
            n if n > MAX_GAPS_SHOWN => format!(
                "Not covered (latest {MAX_GAPS_SHOWN} of {})",
                thousands(n as u64)
            ),
            _ => "Not covered".to_owned(),
        };
        self.heading(&heading)?;
        for (Reverse((until, from)), places) in gaps.into_iter().take(MAX_GAPS_SHOWN) {
            let gap = TimeRange { from, until };
            let lead = format!("  {} – {}, {}: ", minute(from), minute(until), length(gap));
            let places = match places.len() {
                n if n == holdings.regions.len() && n > 1 => "everywhere".to_owned(),
                _ => names(holdings, &places),
            };
            let room = self.look.width.saturating_sub(measure_text_width(&lead));
            writeln!(self.out, "{lead}{}", middle(&places, room.max(30)))?;
        }
        Ok(())
    }

    /// Calls `line` for each account and region, below a heading per account.
    fn by_account(
        &mut self,
        holdings: &ArchiveInventory,
        heading: &str,
        mut line: impl FnMut(&mut TextPage, usize) -> fmt::Result,
    ) -> fmt::Result {
        let mut before = None;
        for (at, held) in holdings.regions.iter().enumerate() {
            if before != Some(&held.account) {
                match before {
                    None => self.heading(&format!("{heading}: {}", held.account))?,
                    Some(_) => self.heading(&held.account)?,
                }
            }
            before = Some(&held.account);
            line(self, at)?;
        }
        Ok(())
    }

    fn inspection(&mut self, inspection: &ArchiveInspection) -> fmt::Result {
        let ArchiveInspection {
            good,
            damage,
            remarks,
        } = inspection;
        self.findings(damage, "Damaged", Style::new().red().bold())?;
        if damage.count() > 0 {
            let next = "Delete damaged log files: the next run fetches their events again, as far as AWS still \
                        has them (LookupEvents: 90 days).";
            writeln!(self.out, "{next}\n")?;
        }
        self.findings(remarks, "Worth knowing", Style::new().bold())?;
        let amount = amount(*good);
        match damage.count() {
            0 => writeln!(self.out, "All files match the ledger: {amount}."),
            n => writeln!(
                self.out,
                "{} damaged; the rest matches the ledger: {amount}.",
                thousands(n)
            ),
        }
    }

    fn findings(&mut self, findings: &PathFindings, heading: &str, style: Style) -> fmt::Result {
        if findings.count() == 0 {
            return Ok(());
        }
        let heading = self.style(
            style,
            &format!("{heading} ({})", thousands(findings.count())),
        );
        writeln!(self.out, "{heading}")?;
        for finding in findings.named.iter().take(MAX_FINDINGS_SHOWN) {
            let (path, what) = (&finding.path, &finding.what);
            let (path, what) = (escape::terminal(path), escape::terminal(what));
            writeln!(self.out, "  {path} {what}")?;
        }
        let more = findings.count().saturating_sub(MAX_FINDINGS_SHOWN as u64);
        if more > 0 {
            writeln!(self.out, "  and {} more", thousands(more))?;
        }
        writeln!(self.out)
    }
}

/// How much of a range is covered, and what is stored.
fn covered(regions: &[RegionInventory], range: TimeRange) -> Vec<TableColumn> {
    let column = |kind, cell: &dyn Fn(&RegionInventory) -> String| {
        TableColumn::new("", kind, regions.iter().map(cell))
    };
    let number = |cell| column(ColumnKind::Number, cell);
    vec![
        column(ColumnKind::Name, &|held| held.region.clone()),
        number(&|held| percent(held.share(range).permille())),
        number(&|held| counted(held.stored.events, "event")),
        number(&|held| counted(held.stored.files, "file")),
        number(&|held| size(held.stored.bytes)),
    ]
}

fn names(holdings: &ArchiveInventory, places: &[usize]) -> String {
    let names = places.iter().filter_map(|at| holdings.regions.get(*at));
    let names: Vec<String> = names
        .map(|held| format!("{} {}", held.account, held.region))
        .collect();
    escape::terminal(&names.join(", ")).into_owned()
}

/// The character of a calendar cell that is covered by `permille`.
fn mark(permille: u64) -> &'static str {
    match permille {
        0 => "·",
        1000.. => "█",
        _ => "▒",
    }
}

/// The line of month labels, each above the month's first cell, if there is room.
fn months(cells: &[TimeRange], room: usize) -> String {
    let mut line = String::new();
    let mut before = None;
    for (at, cell) in cells.iter().enumerate() {
        let (year, month, _) = time::day(cell.from);
        let begins = before != Some((year, month));
        before = Some((year, month));
        let free = line.len() + usize::from(at > 0) <= at;
        if begins && free && at + 7 <= room {
            let padding = at - line.len();
            line.push_str(&" ".repeat(padding));
            line.push_str(&format!("{year:04}-{month:02}"));
        }
    }
    line
}

/// The two largest units of a span's length.
fn length(span: TimeRange) -> String {
    let seconds = span.seconds();
    let parts = [
        (seconds / 86_400, "day"),
        (seconds / 3600 % 24, "hour"),
        (seconds / 60 % 60, "minute"),
        (seconds % 60, "second"),
    ];
    let parts = parts.iter().skip_while(|part| part.0 == 0).take(2);
    let parts = parts.filter(|part| part.0 > 0);
    let parts: Vec<String> = parts.map(|(n, unit)| counted(*n, unit)).collect();
    parts.join(" ")
}

fn amount(stored: StoredFiles) -> String {
    format!(
        "{} in {}, {}",
        counted(stored.events, "event"),
        counted(stored.files, "file"),
        size(stored.bytes)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_two_units() {
        let length = |seconds: i64| {
            length(TimeRange {
                from: 5,
                until: 5 + seconds,
            })
        };
        assert_eq!(length(86_400 * 2 + 7200 + 59), "2 days 2 hours");
        assert_eq!(length(86_400), "1 day");
        assert_eq!(length(61), "1 minute 1 second");
        assert_eq!(length(86_401), "1 day");
    }

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1999), "1.9 kB");
        assert_eq!(size(12_345_678_901_234), "12,345.6 GB");
    }

    #[test]
    fn months_stand_above_their_first_day_and_apart() {
        let day = |n: i64| TimeRange {
            from: n * 86_400,
            until: (n + 1) * 86_400,
        };
        // 1970-01-20 to 1970-03-03
        let cells: Vec<TimeRange> = (19..61).map(day).collect();
        let line = months(&cells, 80);
        assert_eq!(line, "1970-01     1970-02                     1970-03");
        assert_eq!(months(&cells, 42), "1970-01     1970-02");
        let weeks: Vec<TimeRange> = (0..10).map(|n| day(n * 7)).collect();
        assert_eq!(months(&weeks, 80), "1970-01  1970-03");
    }
}
