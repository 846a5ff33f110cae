//! Writes the summary as one long CSV table (section, key, item, count), and other tables. Cells are escaped: they
//! must never become formulas.

use super::escape::cell;
use trailtab_core::activity::summary::{Calls, FoldedReport, NestedCounts, Summary};

/// Writes the counts of a summary.
///
/// # Errors
///
/// Never in practice: writing to memory does not fail.
pub fn summary(summary: &Summary) -> csv::Result<Vec<u8>> {
    let mut table = CsvTable(csv::Writer::from_writer(Vec::new()));
    table.0.write_record(["section", "key", "item", "count"])?;
    table.counts("api_calls_by_principal", &summary.api_calls_by_principal)?;
    table.counts("api_calls_by_region", &summary.api_calls_by_region)?;
    table.counts(
        "error_codes_by_principal",
        &summary.error_codes_by_principal,
    )?;
    table.counts(
        "ip_addresses_by_principal",
        &summary.ip_addresses_by_principal,
    )?;
    table.counts(
        "user_agents_by_principal",
        &summary.user_agents_by_principal,
    )?;
    if let Some(extension) = &summary.trailtab {
        for (hour, calls) in &extension.calls_per_hour {
            let hour = &hour.to_string();
            table.row("calls_per_hour", hour, "calls", calls.calls)?;
            table.row("calls_per_hour", hour, "failed", calls.failed)?;
        }
        for (principal, by_api) in &extension.errors_by_principal_and_api {
            for (api, codes) in by_api {
                for (code, &count) in codes {
                    let item = format!("{api} {code}");
                    table.row("errors_by_principal_and_api", principal, &item, count)?;
                }
            }
        }
        for (principal, roles) in &extension.resources_by_principal {
            for (role, keys) in roles {
                for (key, &count) in keys {
                    let item = format!("{role} {key}");
                    table.row("resources_by_principal", principal, &item, count)?;
                }
            }
        }
        for (principal, by_api) in &extension.denied_by_principal_and_api {
            for (api, codes) in by_api {
                for (code, &count) in codes {
                    let item = format!("{api} {code}");
                    table.row("denied_by_principal_and_api", principal, &item, count)?;
                }
            }
        }
        for (account, calls) in &extension.accounts {
            table.calls("accounts", account, calls)?;
        }
        for (principal, report) in &extension.principals {
            table.calls("principals", principal, &report.calls)?;
            for (service, &calls) in &report.by_services {
                table.row("calls_by_services", principal, service, calls)?;
            }
        }
        for (person, report) in &extension.persons {
            table.calls("persons", person, &report.calls)?;
        }
        for (principal, sessions) in &extension.sessions_by_principal {
            for (session, report) in sessions {
                let calls = report.calls.calls;
                table.row("sessions_by_principal", principal, session, calls)?;
            }
        }
        for (workload, report) in &extension.workloads {
            table.calls("workloads", workload, &report.calls)?;
        }
        if let Some(folded) = &extension.folded {
            table.folded(folded)?;
        }
    }
    table
        .0
        .into_inner()
        .map_err(|error| error.into_error().into())
}

/// Writes a table with column names and escaped cells.
///
/// # Errors
///
/// Never in practice: writing to memory does not fail.
pub fn table<const COLUMNS: usize>(
    names: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> csv::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(names)?;
    for row in rows {
        table.write_record(row.each_ref().map(|text| cell(text).into_owned()))?;
    }
    table
        .into_inner()
        .map_err(|error| error.into_error().into())
}

struct CsvTable(csv::Writer<Vec<u8>>);

impl CsvTable {
    fn row(&mut self, section: &str, key: &str, item: &str, count: u64) -> csv::Result<()> {
        self.0
            .write_record([section, &cell(key), &cell(item), &count.to_string()])
    }

    fn counts(&mut self, section: &str, counts: &NestedCounts) -> csv::Result<()> {
        for (key, items) in counts {
            for (item, &count) in items {
                self.row(section, key, item, count)?;
            }
        }
        Ok(())
    }

    /// What is not listed: of each principal, and, without a key, of principals that are not listed themselves.
    fn folded(&mut self, folded: &FoldedReport) -> csv::Result<()> {
        for (section, names) in &folded.names {
            let section = format!("folded_{section}");
            self.row(&section, "", "names", names.names)?;
            self.calls(&section, "", &names.calls)?;
        }
        for (section, table) in &folded.tables {
            let section = format!("folded_{section}");
            let by_name = table.by_name.iter().map(|(key, rows)| (key.as_str(), rows));
            let others = ("", &table.of_names_not_listed);
            let others = (others.1.rows > 0).then_some(others);
            for (key, rows) in by_name.chain(others) {
                self.row(&section, key, "rows", rows.rows)?;
                self.row(&section, key, "calls", rows.calls)?;
            }
        }
        Ok(())
    }

    fn calls(&mut self, section: &str, key: &str, calls: &Calls) -> csv::Result<()> {
        let counts = [
            ("calls", calls.calls),
            ("failed", calls.failed),
            ("denied", calls.denied),
            ("read_only", calls.read_only),
            ("write", calls.write),
        ];
        counts
            .iter()
            .try_for_each(|(item, count)| self.row(section, key, item, *count))
    }
}
