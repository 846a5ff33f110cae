//! The result for a person at a terminal: what matters, at a glance.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use console::{Style, measure_text_width};

use super::escape;
use crate::core::integrity::Integrity;
use crate::core::summary::{Calls, CoverageReport, Extension, Summary};

/// Rows of each table.
const TOP: usize = 10;

/// How the text may look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Columns of the terminal.
    pub(crate) width: usize,
    pub(crate) colour: bool,
}

/// One row of a table: a name, its count, and what else is worth saying.
struct Row {
    name: String,
    count: u64,
    note: String,
}

/// Writes a page about the summary.
pub(crate) fn summary(summary: &Summary, look: Look) -> String {
    let mut page = Page {
        out: String::new(),
        look,
    };
    // Writing to a String cannot fail.
    let _ = page.write(summary);
    page.out
}

struct Page {
    out: String,
    look: Look,
}

impl Page {
    fn write(&mut self, summary: &Summary) -> fmt::Result {
        self.head(summary)?;
        let principals = principals(summary);
        self.table("Principals", &principals)?;
        if let Some(extension) = &summary.trailtab {
            self.table("Persons", &persons(extension))?;
        }
        self.table(
            "APIs",
            &inner_totals(&summary.api_calls_by_principal, "principal"),
        )?;
        self.table(
            "Errors",
            &inner_totals(&summary.error_codes_by_principal, "principal"),
        )?;
        self.table(
            "Addresses",
            &inner_totals(&summary.ip_addresses_by_principal, "principal"),
        )?;
        self.table(
            "Regions",
            &outer_totals(&summary.api_calls_by_region, "API"),
        )?;
        if let Some(extension) = &summary.trailtab {
            if extension.accounts.len() > 1 {
                self.table("Accounts", &accounts(extension))?;
            }
            self.hours(extension)?;
            self.coverage(extension)?;
        }
        Ok(())
    }

    fn head(&mut self, summary: &Summary) -> fmt::Result {
        let account = &summary.metadata.account_id;
        let title = match (account.as_str(), &summary.trailtab) {
            ("multiple", Some(extension)) => {
                format!(
                    "CloudTrail activity of {} accounts",
                    extension.accounts.len()
                )
            }
            ("unknown", _) => "CloudTrail activity".to_owned(),
            (account, _) => format!(
                "CloudTrail activity of account {}",
                escape::terminal(account)
            ),
        };
        let title = self.bold(&title);
        writeln!(self.out, "{title}")?;
        let Some(extension) = &summary.trailtab else {
            return Ok(());
        };
        let seen = |pick: fn(&Calls) -> Option<&str>| extension.accounts.values().filter_map(pick);
        let first = seen(|calls| calls.first_seen.as_deref()).min();
        let last = seen(|calls| calls.last_seen.as_deref()).max();
        if let (Some(first), Some(last)) = (first, last) {
            writeln!(self.out, "{} – {} UTC", plain(first), plain(last))?;
        }
        let calls = extension.counts.counted;
        let failed: u64 = extension.accounts.values().map(|calls| calls.failed).sum();
        writeln!(
            self.out,
            "{}, {} failed ({}), by {} and {}",
            counted(calls, "call"),
            thousands(failed),
            percent(failed, calls),
            counted(extension.principals.len() as u64, "principal"),
            counted(extension.persons.len() as u64, "person"),
        )
    }

    fn table(&mut self, title: &str, rows: &[Row]) -> fmt::Result {
        if rows.is_empty() {
            return Ok(());
        }
        let heading = match rows.len() {
            n if n > TOP => format!("{title} ({TOP} of {})", thousands(n as u64)),
            _ => title.to_owned(),
        };
        let heading = self.bold(&heading);
        writeln!(self.out, "\n{heading}")?;
        let shown = &rows[..rows.len().min(TOP)];
        let names = shown
            .iter()
            .map(|row| measure_text_width(&row.name))
            .max()
            .unwrap_or_default();
        let counts = shown
            .iter()
            .map(|row| thousands(row.count).len())
            .max()
            .unwrap_or_default();
        let notes = shown
            .iter()
            .map(|row| measure_text_width(&row.note))
            .max()
            .unwrap_or_default();
        let bar = 12;
        let room = self
            .look
            .width
            .saturating_sub(counts + bar + notes + 8)
            .max(20);
        let names = names.min(room);
        for row in shown {
            let name = middle(&row.name, names);
            let padding = names.saturating_sub(measure_text_width(&name));
            let length = self.bar(row.count, shown[0].count, bar);
            let note = self.dim(&row.note);
            let count = thousands(row.count);
            let line = format!(
                "  {name}{}  {count:>counts$}  {length}  {note}",
                " ".repeat(padding)
            );
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// Draws a bar in eighths of a column.
    fn bar(&self, count: u64, largest: u64, width: usize) -> String {
        const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        let eighths =
            (u128::from(count) * (width as u128 * 8)).div_ceil(u128::from(largest.max(1)));
        let eighths = usize::try_from(eighths).unwrap_or(width * 8);
        let bar = format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8]);
        let padding = " ".repeat(width.saturating_sub(bar.chars().count()));
        format!("{}{padding}", self.style(Style::new().yellow(), &bar))
    }

    fn hours(&mut self, extension: &Extension) -> fmt::Result {
        const LEVELS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
        let mut hours = [0_u64; 24];
        for (hour, calls) in &extension.calls_per_hour {
            let of_day = hour
                .rsplit('T')
                .next()
                .and_then(|hour| hour.parse::<usize>().ok());
            if let Some(count) = of_day.and_then(|hour| hours.get_mut(hour)) {
                *count += calls.calls;
            }
        }
        let largest = hours.iter().copied().max().unwrap_or_default();
        if largest == 0 {
            return Ok(());
        }
        let heading = self.bold("Hours of the day (UTC)");
        writeln!(self.out, "\n{heading}")?;
        let level = |count: u64| {
            let level = (u128::from(count) * 8).div_ceil(u128::from(largest)) as usize;
            LEVELS[level.min(8)].repeat(3)
        };
        let line: String = hours.iter().map(|&count| level(count)).collect();
        let line = self.style(Style::new().yellow(), line.trim_end());
        writeln!(self.out, "  {line}")?;
        let scale: String = (0..24)
            .step_by(3)
            .map(|hour| format!("{hour:02}       "))
            .collect();
        let scale = self.dim(scale.trim_end());
        writeln!(self.out, "  {scale}")
    }

    fn coverage(&mut self, extension: &Extension) -> fmt::Result {
        let heading = self.bold("Coverage");
        writeln!(self.out, "\n{heading}")?;
        let (counts, coverage) = (extension.counts, &extension.coverage);
        writeln!(
            self.out,
            "  {} read from {} = {} counted + {} filtered + {} duplicate + {} unreadable",
            counted(counts.read, "record"),
            counted(coverage.documents, "document"),
            thousands(counts.counted),
            thousands(counts.filtered),
            thousands(counts.duplicate),
            thousands(counts.unreadable),
        )?;
        for line in remarks(coverage) {
            writeln!(self.out, "  {line}")?;
        }
        for line in extension.integrity.iter().flat_map(verified) {
            writeln!(self.out, "  {line}")?;
        }
        if coverage.complete {
            return writeln!(self.out, "  Nothing is missing of what was asked for.");
        }
        let all = coverage.problems.len() as u64 + coverage.problems_not_listed;
        let line = match extension.integrity {
            Some(_) => format!(
                "Incomplete or not verified, for {}:",
                counted(all, "reason")
            ),
            None => format!("Incomplete, for {}:", counted(all, "reason")),
        };
        let line = self.style(Style::new().red().bold(), &line);
        writeln!(self.out, "  {line}")?;
        for problem in coverage.problems.iter().take(TOP) {
            let (document, reason) = (&problem.document, &problem.reason);
            let document = escape::terminal(document);
            writeln!(self.out, "    {document}: {}", escape::terminal(reason))?;
        }
        if all > TOP as u64 {
            writeln!(
                self.out,
                "    and {} more, in the JSON",
                thousands(all - TOP as u64)
            )?;
        }
        Ok(())
    }

    fn style(&self, style: Style, text: &str) -> String {
        style
            .force_styling(self.look.colour)
            .apply_to(text)
            .to_string()
    }

    fn bold(&self, text: &str) -> String {
        self.style(Style::new().bold(), text)
    }

    fn dim(&self, text: &str) -> String {
        self.style(Style::new().dim(), text)
    }
}

/// Says what else the documents held, and what was odd about the events.
fn remarks(coverage: &CoverageReport) -> Vec<String> {
    let mut lines = event_history(coverage);
    if !coverage.other_content.is_empty() {
        let kinds = coverage.other_content.iter();
        let kinds: Vec<String> = kinds
            .map(|(kind, n)| format!("{} {kind}", thousands(*n)))
            .collect();
        lines.push(format!("Not events, and not counted: {}", kinds.join(", ")));
    }
    for (shape, unknown) in coverage.unknown_identities.iter().take(TOP) {
        let events = counted(unknown.events, "event");
        lines.push(format!(
            "Identity of unknown shape: {}, {events}",
            escape::terminal(shape)
        ));
    }
    if coverage.events_without_time > 0 {
        lines.push(format!(
            "{} without a time",
            counted(coverage.events_without_time, "event")
        ));
    }
    lines
}

/// Says how the event history was read, if it was.
fn event_history(coverage: &CoverageReport) -> Vec<String> {
    let mut lines = Vec::new();
    let regions = || {
        coverage
            .accounts
            .values()
            .flat_map(|regions| regions.values())
    };
    let asked = regions().filter(|region| region.requests.is_some()).count();
    if asked > 0 {
        let requests = regions().filter_map(|region| region.requests).sum();
        let throttled = regions()
            .filter_map(|region| region.throttled_requests)
            .sum();
        lines.push(format!(
            "Event history of {}, in {}, {} throttled",
            counted(asked as u64, "region"),
            counted(requests, "request"),
            thousands(throttled),
        ));
    }
    let not_enabled = regions()
        .filter(|region| region.status == "not_enabled")
        .count();
    if not_enabled > 0 {
        lines.push(format!(
            "{} not enabled: none but those that answered could be known",
            counted(not_enabled as u64, "region"),
        ));
    }
    if let Some(attribute) = &coverage.lookup_attribute {
        lines.push(format!(
            "AWS was asked for {} only: other events were not read",
            escape::terminal(attribute)
        ));
    }
    if let Some(settled) = &coverage.settled_until {
        lines.push(format!(
            "Events after {} may still be on their way",
            plain(settled)
        ));
    }
    lines
}

/// Says what digests say of the log files.
fn verified(integrity: &Integrity) -> [String; 2] {
    let line = |what: &str, parts: &[(u64, &str)]| {
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts
            .map(|(count, name)| format!("{} {name}", thousands(*count)))
            .collect();
        format!(
            "{what}: {}",
            if parts.is_empty() {
                "none".to_owned()
            } else {
                parts.join(", ")
            }
        )
    };
    [
        line(
            "Log files by their digests",
            &[
                (integrity.log_files_valid, "valid"),
                (integrity.log_files_changed, "changed"),
                (integrity.log_files_added, "added"),
                (integrity.log_files_missing, "missing"),
                (integrity.log_files_unproven, "unproven"),
                (integrity.log_files_not_yet_covered, "not yet covered"),
                (integrity.log_files_not_covered, "not covered"),
            ],
        ),
        line(
            "Digests",
            &[
                (integrity.digests_valid, "valid"),
                (integrity.digests_invalid, "invalid"),
                (integrity.digests_missing, "missing"),
                (integrity.digests_key_unknown, "with an unknown key"),
                (
                    integrity.digests_signature_not_at_hand,
                    "with no signature at hand",
                ),
            ],
        ),
    ]
}

fn principals(summary: &Summary) -> Vec<Row> {
    let Some(extension) = &summary.trailtab else {
        return outer_totals(&summary.api_calls_by_principal, "API");
    };
    let calls = extension
        .principals
        .iter()
        .map(|(name, report)| (name, &report.calls));
    sorted(calls.map(|(name, calls)| row(name, calls)).collect())
}

fn persons(extension: &Extension) -> Vec<Row> {
    let persons = extension
        .persons
        .iter()
        .map(|(name, person)| row(name, &person.calls));
    sorted(persons.collect())
}

fn accounts(extension: &Extension) -> Vec<Row> {
    sorted(
        extension
            .accounts
            .iter()
            .map(|(name, calls)| row(name, calls))
            .collect(),
    )
}

fn row(name: &str, calls: &Calls) -> Row {
    let failed = match calls.failed {
        0 => String::new(),
        failed => format!("{} failed, ", percent(failed, calls.calls)),
    };
    let last = calls
        .last_seen
        .as_deref()
        .map_or("at no known time".to_owned(), plain);
    Row {
        name: escape::terminal(name).into_owned(),
        count: calls.calls,
        note: format!("{failed}last {last}"),
    }
}

/// Sums a section up by its outer key.
fn outer_totals(counts: &BTreeMap<String, BTreeMap<String, u64>>, item: &str) -> Vec<Row> {
    let rows = counts.iter().map(|(name, items)| Row {
        name: escape::terminal(name).into_owned(),
        count: items.values().sum(),
        note: counted(items.len() as u64, item),
    });
    sorted(rows.collect())
}

/// Sums a section up by its inner key.
fn inner_totals(counts: &BTreeMap<String, BTreeMap<String, u64>>, by: &str) -> Vec<Row> {
    let mut totals: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for items in counts.values() {
        for (item, count) in items {
            let total = totals.entry(item).or_default();
            total.0 += count;
            total.1 += 1;
        }
    }
    let rows = totals.into_iter().map(|(name, (count, keys))| Row {
        name: escape::terminal(name).into_owned(),
        count,
        note: counted(keys, by),
    });
    sorted(rows.collect())
}

/// The largest first, equal ones by name.
fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by(|a, b| (b.count, &a.name).cmp(&(a.count, &b.name)));
    rows
}

pub(super) fn counted(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(n))
}

/// `2026-09-07T08:30:15Z` as `2026-09-07 08:30`.
fn plain(time: &str) -> String {
    let minute = time.get(..16).unwrap_or(time);
    escape::terminal(&minute.replace('T', " ")).into_owned()
}

fn percent(part: u64, whole: u64) -> String {
    let tenths = (u128::from(part) * 1000 + u128::from(whole / 2)) / u128::from(whole.max(1));
    match tenths {
        0 if part > 0 => "<0.1 %".to_owned(),
        _ => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

/// Groups the digits by threes.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Cuts a text in the middle: both ends of a principal or user agent tell something.
pub(super) fn middle(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    let (mut head, mut tail) = (String::new(), String::new());
    let (mut front, mut back) = (characters.iter(), characters.iter().rev());
    let mut used = 1;
    loop {
        let from_front = head.len() <= tail.len();
        let next = if from_front {
            front.next()
        } else {
            back.next()
        };
        let Some(&character) = next else { break };
        used += measure_text_width(character.encode_utf8(&mut [0; 4]));
        if used > width {
            break;
        }
        if from_front {
            head.push(character);
        } else {
            tail.insert(0, character);
        }
    }
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn shares_are_never_rounded_away() {
        assert_eq!(percent(1, 100_000), "<0.1 %");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(0, 0), "0.0 %");
    }

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(
            middle("111122223333:role/a-very-long-name", 15),
            "1111222…ng-name"
        );
        assert_eq!(middle("short", 15), "short");
        assert!(measure_text_width(&middle(&"名".repeat(30), 15)) <= 15);
    }
}
