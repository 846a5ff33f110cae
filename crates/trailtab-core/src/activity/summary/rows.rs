//! Fills the sections of a summary with the rows of a tally.

use std::collections::BTreeMap;

use super::fold::{FoldedNames, FoldedReport, RowLimits, RowName, TableRows, TopRows};
use super::maps::entry;
use super::{
    Extension, NestedCounts, PersonReport, PrincipalReport, ResourceReport, SessionReport, Summary,
    WorkloadReport,
};
use crate::activity::tally::{CountTable, SeenStats};

/// Receives the rows of a tally in order: a principal before its rows, and a session before what is said of it.
pub(super) struct SummaryRows {
    pub(super) summary: Summary,
    pub(super) extension: Extension,
    limits: RowLimits,
    table: CountTable,
    /// The names of a table such as the principals.
    names: TopRows,
    /// The rows of a table by principal, person or workload.
    rows: TableRows,
    /// The name whose rows are being added; absent if it is not listed.
    name: Option<(String, TopRows)>,
    /// The last name, whether it is listed or not.
    last_name: Option<String>,
    folded: FoldedReport,
}

impl SummaryRows {
    pub(super) fn new(limits: RowLimits, extension: Extension) -> SummaryRows {
        SummaryRows {
            summary: Summary::default(),
            extension,
            limits,
            table: CountTable::Principals,
            names: TopRows::new(limits.names),
            rows: TableRows::new(limits),
            name: None,
            last_name: None,
            folded: FoldedReport {
                max_rows: limits.rows_per_name as u64,
                ..FoldedReport::default()
            },
        }
    }

    pub(super) fn add(&mut self, table: CountTable, names: [&str; 4], stats: &SeenStats) {
        if table != self.table {
            self.finish_table();
            self.table = table;
        }
        let [name, second, third, fourth] = names;
        let single = |name: &str| [name.to_owned(), String::new()];
        let pair = || format!("{second}:{third}");
        match table {
            CountTable::Principals
            | CountTable::Persons
            | CountTable::Workloads
            | CountTable::Resources => {
                self.names.add(|| single(name), stats);
            }
            CountTable::IdentityTypes
            | CountTable::Services
            | CountTable::PrincipalAgents
            | CountTable::SessionAgents
            | CountTable::PersonEvidence
            | CountTable::PersonAgents => self.describe(table, names, stats.calls),
            CountTable::Sessions
            | CountTable::PersonPrincipals
            | CountTable::WorkloadPrincipals
            | CountTable::Addresses
            | CountTable::UserAgents => self.add_row(name, || single(second), stats),
            CountTable::ResourcePrincipals | CountTable::PrincipalResources => {
                self.add_row(name, || [third.to_owned(), second.to_owned()], stats);
            }
            CountTable::Apis | CountTable::ErrorCodes => {
                self.add_row(name, || [pair(), String::new()], stats);
            }
            CountTable::Errors | CountTable::Denied => {
                self.add_row(name, || [pair(), fourth.to_owned()], stats);
            }
        }
    }

    /// Adds to what is said of a principal, session or person, unless it is not listed.
    fn describe(&mut self, table: CountTable, [name, second, third, _]: [&str; 4], calls: u64) {
        let extension = &mut self.extension;
        let principal = extension.principals.get_mut(name);
        let person = |persons| BTreeMap::get_mut(persons, name);
        match table {
            CountTable::IdentityTypes => {
                add_to(
                    principal.map(|principal| &mut principal.identity_types),
                    second,
                    calls,
                );
            }
            CountTable::Services => {
                add_to(
                    principal.map(|principal| &mut principal.by_services),
                    second,
                    calls,
                );
            }
            CountTable::PrincipalAgents => {
                add_to(
                    principal.map(|principal| &mut principal.agents),
                    second,
                    calls,
                );
            }
            CountTable::SessionAgents => {
                let sessions = extension.sessions_by_principal.get_mut(name);
                let session = sessions.and_then(|sessions| sessions.get_mut(second));
                add_to(session.map(|session| &mut session.agents), third, calls);
            }
            CountTable::PersonEvidence => {
                if let Some(person) = person(&mut extension.persons) {
                    person.evidence.insert(second.to_owned());
                }
            }
            _ => {
                let person = person(&mut extension.persons);
                add_to(
                    person.map(|person: &mut PersonReport| &mut person.agents),
                    second,
                    calls,
                );
            }
        }
    }

    fn add_row(&mut self, name: &str, row: impl FnOnce() -> RowName, stats: &SeenStats) {
        if self.last_name.as_deref() != Some(name) {
            self.finish_name();
            self.last_name = Some(name.to_owned());
            if self.lists(name) {
                let top = TopRows::new(self.limits.rows_per_name);
                self.name = Some((name.to_owned(), top));
            } else {
                self.rows.name_not_listed();
            }
        }
        match &mut self.name {
            Some((_, top)) => top.add(row, stats),
            None => self.rows.row_not_listed(stats),
        }
    }

    fn lists(&self, name: &str) -> bool {
        match self.table {
            CountTable::PersonPrincipals => self.extension.persons.contains_key(name),
            CountTable::WorkloadPrincipals => self.extension.workloads.contains_key(name),
            CountTable::ResourcePrincipals => self.extension.resources.contains_key(name),
            _ => self.extension.principals.contains_key(name),
        }
    }

    fn finish_name(&mut self) {
        if let Some((name, top)) = self.name.take() {
            self.rows.add(name, top);
        }
    }

    fn finish_table(&mut self) {
        self.finish_name();
        self.last_name = None;
        let names = std::mem::replace(&mut self.names, TopRows::new(self.limits.names));
        self.take_names(names);
        let rows = std::mem::replace(&mut self.rows, TableRows::new(self.limits));
        let (listed, folded) = rows.finish();
        for (name, rows) in listed {
            if self.table == CountTable::Sessions && !rows.is_empty() {
                let reports = rows.into_iter().map(|([session, _], stats)| {
                    let calls = (&stats).into();
                    let agents = BTreeMap::new();
                    (session, SessionReport { calls, agents })
                });
                let sessions = &mut self.extension.sessions_by_principal;
                sessions.insert(name, reports.collect());
                continue;
            }
            for (row, stats) in rows {
                self.list(&name, row, &stats);
            }
        }
        if folded.all.rows > 0 {
            let table = folded_name(self.table).to_owned();
            self.folded.tables.insert(table, folded);
        }
    }

    /// Lists principals, persons or workloads.
    fn take_names(&mut self, names: TopRows) {
        let (listed, not_listed, rest) = names.finish();
        let extension = &mut self.extension;
        for ([name, _], stats) in listed {
            let calls = (&stats).into();
            match self.table {
                CountTable::Persons => {
                    let report = PersonReport {
                        calls,
                        ..PersonReport::default()
                    };
                    extension.persons.insert(name, report);
                }
                CountTable::Workloads => {
                    let report = WorkloadReport {
                        calls,
                        ..WorkloadReport::default()
                    };
                    extension.workloads.insert(name, report);
                }
                CountTable::Resources => {
                    let report = ResourceReport {
                        calls,
                        ..ResourceReport::default()
                    };
                    extension.resources.insert(name, report);
                }
                _ => {
                    let report = PrincipalReport {
                        calls,
                        ..PrincipalReport::default()
                    };
                    extension.principals.insert(name, report);
                }
            }
        }
        if not_listed > 0 {
            let folded = FoldedNames {
                names: not_listed,
                calls: (&rest).into(),
            };
            let section = folded_name(self.table).to_owned();
            self.folded.names.insert(section, folded);
        }
    }

    /// Lists a row of a principal, person or workload.
    fn list(&mut self, name: &str, [row, code]: RowName, stats: &SeenStats) {
        let (summary, extension) = (&mut self.summary, &mut self.extension);
        let calls = stats.calls;
        let add = |counts: &mut NestedCounts, row: String| {
            *entry(counts, name).entry(row).or_default() += calls;
        };
        match self.table {
            CountTable::PersonPrincipals => {
                add_to(
                    extension.persons.get_mut(name).map(|p| &mut p.principals),
                    &row,
                    calls,
                );
            }
            CountTable::WorkloadPrincipals => {
                add_to(
                    extension.workloads.get_mut(name).map(|w| &mut w.principals),
                    &row,
                    calls,
                );
            }
            CountTable::ResourcePrincipals => {
                // The row is the role, and what follows it the principal.
                if let Some(report) = extension.resources.get_mut(name) {
                    *entry(entry(&mut report.principals, &code), &row) += calls;
                }
            }
            CountTable::PrincipalResources => {
                let roles = entry(&mut extension.resources_by_principal, name);
                *entry(entry(roles, &code), &row) += calls;
            }
            CountTable::Apis => add(&mut summary.api_calls_by_principal, row),
            CountTable::Addresses => add(&mut summary.ip_addresses_by_principal, row),
            CountTable::UserAgents => add(&mut summary.user_agents_by_principal, row),
            CountTable::ErrorCodes => add(&mut summary.error_codes_by_principal, row),
            table => {
                let counts = match table {
                    CountTable::Denied => &mut extension.denied_by_principal_and_api,
                    _ => &mut extension.errors_by_principal_and_api,
                };
                let codes = entry(entry(counts, name), &row);
                *codes.entry(code).or_default() += calls;
            }
        }
    }

    /// The sections, and what they do not list.
    pub(super) fn finish(mut self) -> (Summary, Extension) {
        self.finish_table();
        let is_folded = !self.folded.names.is_empty() || !self.folded.tables.is_empty();
        self.extension.folded = is_folded.then_some(self.folded);
        (self.summary, self.extension)
    }
}

fn add_to(counts: Option<&mut BTreeMap<String, u64>>, name: &str, calls: u64) {
    if let Some(counts) = counts {
        *entry(counts, name) += calls;
    }
}

/// The name of a table among the folded ones; of sections, that of the section.
fn folded_name(table: CountTable) -> &'static str {
    match table {
        CountTable::Principals => "principals",
        CountTable::Persons => "persons",
        CountTable::Workloads => "workloads",
        CountTable::Resources => "resources",
        CountTable::ResourcePrincipals => "principals_by_resource",
        CountTable::PrincipalResources => "resources_by_principal",
        CountTable::Sessions => "sessions_by_principal",
        CountTable::PersonPrincipals => "principals_by_person",
        CountTable::WorkloadPrincipals => "principals_by_workload",
        CountTable::Apis => "api_calls_by_principal",
        CountTable::Addresses => "ip_addresses_by_principal",
        CountTable::UserAgents => "user_agents_by_principal",
        CountTable::ErrorCodes => "error_codes_by_principal",
        CountTable::Errors => "errors_by_principal_and_api",
        CountTable::Denied => "denied_by_principal_and_api",
        // What is said of a principal, session or person has few names.
        CountTable::IdentityTypes
        | CountTable::Services
        | CountTable::PrincipalAgents
        | CountTable::SessionAgents
        | CountTable::PersonEvidence
        | CountTable::PersonAgents => "",
    }
}
