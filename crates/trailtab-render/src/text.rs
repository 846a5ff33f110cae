//! Renders a summary as a terminal page.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use console::Style;

use super::document::{ColumnKind, TableColumn};
use super::folded;
use super::no_match::{self, NoMatchContext};
use super::page::{
    self, TOP_ROWS, TextPage, TextStyle, bar, counted, level, percent, plain, thousands,
};
use trailtab_core::activity::provenance::EventHistory;
use trailtab_core::activity::summary::{Calls, CoverageReport, Extension, RegionReport, Summary};
use trailtab_core::integrity::Integrity;

/// Terminal columns of the longest bar.
const BAR_WIDTH: usize = 12;

/// One row of a table: a name, its count and a note.
struct PageRow {
    name: String,
    count: u64,
    note: String,
    /// What is said where there is room; empty if there is nothing.
    extra: String,
}

/// One row of the table of refused calls.
struct DeniedRow {
    principal: String,
    api: String,
    count: u64,
    codes: String,
}

/// Renders a summary.
pub fn summary(summary: &Summary, look: TextStyle) -> String {
    TextPage::render(look, |page| page.write(summary))
}

/// The explanation why no event was counted; empty if one was.
pub fn no_match(summary: &Summary) -> String {
    let extension = summary.trailtab.as_ref();
    let explained = extension.and_then(|extension| {
        let no_match = extension.no_match.as_ref()?;
        Some(no_match::text(no_match, no_match_context(extension)))
    });
    explained.unwrap_or_default()
}

fn no_match_context(extension: &Extension) -> NoMatchContext<'_> {
    let coverage = &extension.coverage;
    let regions = coverage.accounts.values().flat_map(BTreeMap::values);
    NoMatchContext {
        since: coverage.since.as_deref(),
        until: coverage.until.as_deref(),
        events: extension.counts.filtered,
        documents: coverage.documents,
        is_complete: coverage.complete,
        lookup_attribute: coverage.lookup_attribute.as_deref(),
        is_history: regions.into_iter().any(|region| region.requests.is_some()),
        other_content: &coverage.other_content,
    }
}

impl TextPage {
    fn write(&mut self, summary: &Summary) -> fmt::Result {
        self.head(summary)?;
        let principals = principals(summary);
        self.names("Principals", &principals, summary, "principals")?;
        if let Some(extension) = &summary.trailtab {
            self.names("Persons", &persons(extension), summary, "persons")?;
            self.names("Workloads", &workloads(extension), summary, "workloads")?;
        }
        let apis = inner_totals(&summary.api_calls_by_principal, "principal");
        self.section("APIs", &apis)?;
        self.not_listed(summary, "api_calls_by_principal")?;
        if let Some(extension) = &summary.trailtab {
            self.names("Resources", &resources(extension), summary, "resources")?;
        }
        let errors = inner_totals(&summary.error_codes_by_principal, "principal");
        self.section("Errors", &errors)?;
        self.not_listed(summary, "error_codes_by_principal")?;
        if let Some(extension) = &summary.trailtab {
            self.denied(extension)?;
            self.not_listed(summary, "denied_by_principal_and_api")?;
        }
        let addresses = inner_totals(&summary.ip_addresses_by_principal, "principal");
        self.section("Addresses", &addresses)?;
        self.not_listed(summary, "ip_addresses_by_principal")?;
        self.section(
            "Regions",
            &outer_totals(&summary.api_calls_by_region, "API"),
        )?;
        if let Some(extension) = &summary.trailtab {
            if extension.accounts.len() > 1 {
                self.section("Accounts", &accounts(extension))?;
            }
            self.hours(extension)?;
            self.coverage(extension, folded::remarks(summary))?;
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
            (account, _) => format!("CloudTrail activity of account {account}"),
        };
        self.paragraph(&title, 0, &Style::new().bold())?;
        let Some(extension) = &summary.trailtab else {
            return Ok(());
        };
        if let Some(no_match) = &extension.no_match {
            return self.no_match(no_match, no_match_context(extension));
        }
        let seen = |pick: fn(&Calls) -> Option<&str>| extension.accounts.values().filter_map(pick);
        let first = seen(|calls| calls.first_seen.as_deref()).min();
        let last = seen(|calls| calls.last_seen.as_deref()).max();
        if let (Some(first), Some(last)) = (first, last) {
            writeln!(self.out, "{} – {} UTC", plain(first), plain(last))?;
        }
        let calls = extension.counts.counted;
        let failed: u64 = extension.accounts.values().map(|calls| calls.failed).sum();
        let all = |listed: usize, section| listed as u64 + folded::names(summary, section);
        let line = format!(
            "{}, {} failed ({}), by {} and {}",
            counted(calls, "call"),
            thousands(failed),
            percent(failed, calls),
            counted(all(extension.principals.len(), "principals"), "principal"),
            counted(all(extension.persons.len(), "persons"), "person"),
        );
        self.paragraph(&line, 0, &Style::new())
    }

    fn section(&mut self, title: &str, rows: &[PageRow]) -> fmt::Result {
        self.section_of(title, rows, rows.len())
    }

    /// A section of principals, persons or workloads, of which the summary may list a part only.
    fn names(
        &mut self,
        title: &str,
        rows: &[PageRow],
        summary: &Summary,
        section: &str,
    ) -> fmt::Result {
        let all = rows.len() + folded::names(summary, section) as usize;
        self.section_of(title, rows, all)?;
        self.not_listed(summary, section)
    }

    fn not_listed(&mut self, summary: &Summary, section: &str) -> fmt::Result {
        match folded::line(summary, section) {
            Some(line) => self.paragraph(&line, 2, &Style::new()),
            None => Ok(()),
        }
    }

    fn section_of(&mut self, title: &str, rows: &[PageRow], all: usize) -> fmt::Result {
        if rows.is_empty() {
            return Ok(());
        }
        let shown = &rows[..rows.len().min(TOP_ROWS)];
        self.top_heading(title, shown.len(), all)?;
        let largest = shown.first().map_or(0, |row| row.count);
        let names = shown.iter().map(|row| row.name.clone());
        let counts = shown.iter().map(|row| thousands(row.count));
        let bars = shown.iter().map(|row| bar(row.count, largest, BAR_WIDTH));
        let notes = shown.iter().map(|row| row.note.clone());
        let mut columns = vec![
            TableColumn::new("", ColumnKind::Name, names),
            TableColumn::new("", ColumnKind::Number, counts),
            TableColumn::new("", ColumnKind::Course, bars).dispensable(2),
            TableColumn::new("", ColumnKind::Note, notes).dispensable(1),
        ];
        if shown.iter().any(|row| !row.extra.is_empty()) {
            let extras = shown.iter().map(|row| row.extra.clone());
            columns.push(TableColumn::new("", ColumnKind::Note, extras).dispensable(3));
        }
        self.table(columns)
    }

    /// Says who was refused what.
    fn denied(&mut self, extension: &Extension) -> fmt::Result {
        let by_principal = extension.denied_by_principal_and_api.iter();
        let rows = by_principal.flat_map(|(principal, by_api)| {
            by_api.iter().map(move |(api, codes)| DeniedRow {
                principal: principal.clone(),
                // The domain is the same for nearly all services.
                api: api.replace(".amazonaws.com:", ":"),
                count: codes.values().sum(),
                codes: codes_of(codes),
            })
        });
        let mut rows: Vec<DeniedRow> = rows.collect();
        rows.sort_by(|a, b| {
            let of = |row: &DeniedRow| (row.principal.clone(), row.api.clone());
            b.count.cmp(&a.count).then_with(|| of(a).cmp(&of(b)))
        });
        if rows.is_empty() {
            return Ok(());
        }
        let shown = &rows[..rows.len().min(TOP_ROWS)];
        self.top_heading("Denied", shown.len(), rows.len())?;
        let principals = shown.iter().map(|row| row.principal.clone());
        let counts = shown.iter().map(|row| thousands(row.count));
        let apis = shown.iter().map(|row| row.api.clone());
        let codes = shown.iter().map(|row| row.codes.clone());
        self.table(vec![
            TableColumn::new("", ColumnKind::Name, principals),
            TableColumn::new("", ColumnKind::Number, counts),
            TableColumn::new("", ColumnKind::Name, apis),
            TableColumn::new("", ColumnKind::Note, codes).dispensable(1),
        ])
    }

    fn top_heading(&mut self, title: &str, shown: usize, all: usize) -> fmt::Result {
        match all > shown {
            true => self.heading(&format!("{title} ({shown} of {})", thousands(all as u64))),
            false => self.heading(title),
        }
    }

    fn hours(&mut self, extension: &Extension) -> fmt::Result {
        let mut hours = [0_u64; 24];
        for (hour, calls) in &extension.calls_per_hour {
            hours[hour.of_day()] += calls.calls;
        }
        let largest = hours.iter().copied().max().unwrap_or_default();
        if largest == 0 {
            return Ok(());
        }
        self.heading("Hours of the day (UTC)")?;
        // Three terminal columns per hour if they fit, else two.
        let columns = if self.look.width < 2 + 24 * 3 { 2 } else { 3 };
        let line: String = hours
            .iter()
            .map(|&count| level(count, largest).repeat(columns))
            .collect();
        let line = self.style(Style::new().yellow(), line.trim_end());
        writeln!(self.out, "  {line}")?;
        let scale: String = (0..24)
            .step_by(3)
            .map(|hour| format!("{hour:<0$}", 3 * columns, hour = format!("{hour:02}")))
            .collect();
        let scale = self.dim(scale.trim_end());
        writeln!(self.out, "  {scale}")
    }

    fn coverage(&mut self, extension: &Extension, folded: Vec<String>) -> fmt::Result {
        self.heading("Coverage")?;
        let (counts, coverage) = (extension.counts, &extension.coverage);
        self.counts(counts, coverage.documents)?;
        let verified = extension.integrity.iter().flat_map(verified);
        for line in remarks(coverage).into_iter().chain(folded).chain(verified) {
            self.paragraph(&line, 2, &Style::new())?;
        }
        let missing = match extension.integrity {
            Some(_) => "Incomplete or not verified",
            None => "Incomplete",
        };
        let has_matches = extension.no_match.is_none();
        let not_listed = coverage.problems_not_listed;
        self.problems(missing, has_matches, &coverage.problems, not_listed)
    }
}

/// Lines on the event history, other content, unknown identities and events without a time.
fn remarks(coverage: &CoverageReport) -> Vec<String> {
    let mut lines = page::event_history(&event_history(coverage));
    lines.extend(page::other_content(&coverage.other_content));
    let outcomes = &coverage.document_outcomes;
    lines.extend(page::unrelated(outcomes, &coverage.unrelated_documents));
    for (form, records) in &coverage.converted_records {
        let records = counted(*records, "record");
        let form = form.to_uppercase();
        lines.push(format!(
            "{records} converted from {form} to CloudTrail's form"
        ));
    }
    for (shape, unknown) in coverage.unknown_identities.iter().take(TOP_ROWS) {
        let events = counted(unknown.events, "event");
        lines.push(format!("Identity of unknown shape: {shape}, {events}"));
    }
    lines.extend(page::deliveries(coverage.last_delivery_day.as_deref()));
    lines.extend(page::updates(coverage.updates_not_applied));
    if coverage.events_without_time > 0 {
        lines.push(format!(
            "{} without a time",
            counted(coverage.events_without_time, "event")
        ));
    }
    if coverage.events_without_time_not_counted > 0 {
        lines.push(format!(
            "{} without a readable time not counted, because of the time window",
            counted(coverage.events_without_time_not_counted, "event")
        ));
    }
    lines
}

/// Sums up how the event history was read; all zero if it was not.
fn event_history(coverage: &CoverageReport) -> EventHistory {
    let regions = || {
        coverage
            .accounts
            .values()
            .flat_map(|regions| regions.values())
    };
    let is_asked = |region: &&RegionReport| region.requests.is_some();
    let is_not_enabled = |region: &&RegionReport| region.status == "not_enabled";
    EventHistory {
        regions: regions().filter(is_asked).count() as u64,
        regions_not_enabled: regions().filter(is_not_enabled).count() as u64,
        requests: regions().filter_map(|region| region.requests).sum(),
        throttled_requests: regions()
            .filter_map(|region| region.throttled_requests)
            .sum(),
        lookup_attribute: coverage.lookup_attribute.clone(),
        settled_until: coverage.settled_until.clone(),
    }
}

/// Lines on the log files verified by digests, and on the digests.
fn verified(integrity: &Integrity) -> Vec<String> {
    let part = |count: u64, name: &str| {
        let part = || format!("{} {name}", thousands(count));
        (count > 0).then(part)
    };
    let line = |what: &str, parts: &[Option<String>]| {
        let parts: Vec<&str> = parts.iter().flatten().map(String::as_str).collect();
        let parts = match parts.is_empty() {
            true => "none".to_owned(),
            false => parts.join(", "),
        };
        format!("{what}: {parts}")
    };
    let missing = part(integrity.digests_missing, "missing");
    let mut lines = vec![
        line(
            "Log files by their digests",
            &[
                part(integrity.log_files_valid, "valid"),
                part(integrity.log_files_changed, "changed"),
                part(integrity.log_files_added, "added"),
                part(integrity.log_files_missing, "missing"),
                part(integrity.log_files_unproven, "unproven"),
                part(integrity.log_files_not_yet_covered, "not yet covered"),
                part(integrity.log_files_not_covered, "not covered"),
                part(integrity.log_files_copies, "copies of others"),
                part(integrity.log_files_not_checked, "listed and not checked"),
            ],
        ),
        line(
            "Digests",
            &[
                part(integrity.digests_valid, "valid"),
                part(integrity.digests_invalid, "invalid"),
                missing.map(|missing| format!("at least {missing}")),
                part(integrity.digests_key_unknown, "with an unknown key"),
                part(
                    integrity.digests_signature_not_at_hand,
                    "with no signature available",
                ),
                part(integrity.digests_copies, "copies of others"),
                part(integrity.digests_not_read, "named and not read"),
            ],
        ),
    ];
    if !integrity.copy_of.is_empty() {
        lines.push(format!(
            "Read in another bucket than CloudTrail delivered to: a copy of {}",
            integrity.copy_of.join(", ")
        ));
    }
    if !integrity.not_read.is_empty() {
        lines.push(format!(
            "Digests before those that were read: {}",
            integrity.not_read.join(", ")
        ));
    }
    lines
}

fn principals(summary: &Summary) -> Vec<PageRow> {
    let Some(extension) = &summary.trailtab else {
        return outer_totals(&summary.api_calls_by_principal, "API");
    };
    let rows = extension.principals.iter().map(|(name, report)| {
        let mut row = row(name, &report.calls);
        let by_services: u64 = report.by_services.values().sum();
        if by_services > 0 {
            row.extra = format!("{} by AWS services", thousands(by_services));
        }
        row
    });
    sorted(rows.collect())
}

fn workloads(extension: &Extension) -> Vec<PageRow> {
    let workloads = extension.workloads.iter();
    sorted(
        workloads
            .map(|(name, report)| row(name, &report.calls))
            .collect(),
    )
}

fn codes_of(codes: &BTreeMap<String, u64>) -> String {
    let codes: Vec<&str> = codes.keys().map(String::as_str).collect();
    codes.join(", ")
}

fn persons(extension: &Extension) -> Vec<PageRow> {
    let rows = extension.persons.iter().map(|(name, person)| {
        let mut row = row(name, &person.calls);
        let by_agents: u64 = person.agents.values().sum();
        if by_agents > 0 {
            row.extra = format!("{} in agents' sessions", thousands(by_agents));
        }
        row
    });
    sorted(rows.collect())
}

/// The resources that calls changed, what was done to them, and by whom.
fn resources(extension: &Extension) -> Vec<PageRow> {
    let rows = extension.resources.iter().map(|(key, report)| {
        let roles: BTreeSet<&str> = report
            .principals
            .values()
            .flat_map(|roles| roles.keys().map(String::as_str))
            .collect();
        let roles: Vec<&str> = roles.into_iter().collect();
        let mut principals = report.principals.keys();
        let by = match (principals.next(), principals.count()) {
            (Some(principal), 0) => format!("by {principal}"),
            (Some(_), more) => format!("by {}", counted(more as u64 + 1, "principal")),
            (None, _) => String::new(),
        };
        PageRow {
            extra: by,
            note: roles.join(", "),
            ..row(key, &report.calls)
        }
    });
    sorted(rows.collect())
}

fn accounts(extension: &Extension) -> Vec<PageRow> {
    sorted(
        extension
            .accounts
            .iter()
            .map(|(name, calls)| row(name, calls))
            .collect(),
    )
}

fn row(name: &str, calls: &Calls) -> PageRow {
    let failed = match calls.failed {
        0 => String::new(),
        failed => format!("{} failed, ", percent(failed, calls.calls)),
    };
    let last = calls
        .last_seen
        .as_deref()
        .map_or("at an unknown time".to_owned(), plain);
    PageRow {
        name: name.to_owned(),
        count: calls.calls,
        note: format!("{failed}last {last}"),
        extra: String::new(),
    }
}

/// Sums a section by its outer key, such as the principal.
fn outer_totals(counts: &BTreeMap<String, BTreeMap<String, u64>>, item: &str) -> Vec<PageRow> {
    let rows = counts.iter().map(|(name, items)| PageRow {
        name: name.to_owned(),
        count: items.values().sum(),
        note: counted(items.len() as u64, item),
        extra: String::new(),
    });
    sorted(rows.collect())
}

/// Sums a section by its inner key, such as the API.
fn inner_totals(counts: &BTreeMap<String, BTreeMap<String, u64>>, by: &str) -> Vec<PageRow> {
    let mut totals: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for items in counts.values() {
        for (item, count) in items {
            let total = totals.entry(item).or_default();
            total.0 += count;
            total.1 += 1;
        }
    }
    let rows = totals.into_iter().map(|(name, (count, keys))| PageRow {
        name: name.to_owned(),
        count,
        note: counted(keys, by),
        extra: String::new(),
    });
    sorted(rows.collect())
}

/// Sorts by count, largest first, then by name.
fn sorted(mut rows: Vec<PageRow>) -> Vec<PageRow> {
    rows.sort_by(|a, b| (b.count, &a.name).cmp(&(a.count, &b.name)));
    rows
}
