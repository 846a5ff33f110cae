//! Tests of what is listed, against a slow rule that knows all rows.

use proptest::prelude::*;

use super::super::{NestedCounts, RunContext, Summary};
use super::*;
use crate::activity::tally::Tally;
use crate::activity::tally::tests::{VecStore, merged_like, tally_like};
use crate::coverage::RunCoverage;
use crate::event::ingest::IngestStats;

/// All rows of a table by name.
type Table = BTreeMap<String, BTreeMap<RowName, u64>>;

/// Calls of some roles in many sessions, from many addresses, with few names repeated.
fn event() -> impl Strategy<Value = String> {
    (0..4_u8, 0..12_u8, 0..12_u8, 0..6_u8, 0..3_u8).prop_map(
        |(role, session, address, api, code)| {
            let code = match code {
                0 => "null".to_owned(),
                code => format!(r#""AccessDenied{code}""#),
            };
            // Some sessions are persons, and some roles are workloads.
            let role = match role {
                3 => r#"{"type":"WebIdentityUser","principalId":"x","userName":"repo:o/"#.to_owned()
                    + &format!(r#"{session}:x"}}"#),
                role => format!(
                    r#"{{"type":"AssumedRole","accountId":"1","arn":"arn:aws:sts::1:assumed-role/r{role}/s{session}{}"}}"#,
                    if session % 2 == 0 { "@x" } else { "" }
                ),
            };
            format!(
                r#"{{"eventVersion":"1.08","userIdentity":{role},"eventTime":"2026-09-07T08:00:00Z","eventSource":"a","eventName":"N{api}","awsRegion":"r","sourceIPAddress":"{address}","userAgent":"u{address}","errorCode":{code}}}"#
            )
        },
    )
}

fn summary(tally: &Tally, limits: RowLimits) -> Summary {
    let run = RunContext::default();
    let (stats, coverage) = (IngestStats::default(), RunCoverage::default());
    Summary::of(tally, &stats, &coverage, &run, limits).unwrap()
}

fn flat(counts: &NestedCounts) -> Table {
    let row = |(row, calls): (&String, &u64)| ([row.clone(), String::new()], *calls);
    let rows = |(name, rows): (&String, &BTreeMap<String, u64>)| {
        (name.clone(), rows.iter().map(row).collect())
    };
    counts.iter().map(rows).collect()
}

fn coded(counts: &BTreeMap<String, NestedCounts>) -> Table {
    let mut table = Table::new();
    for (name, by_api) in counts {
        for (api, codes) in by_api {
            for (code, calls) in codes {
                let rows = table.entry(name.clone()).or_default();
                rows.insert([api.clone(), code.clone()], *calls);
            }
        }
    }
    table
}

/// The tables of a summary, and the names by which each is divided with their calls.
fn tables(summary: &Summary) -> BTreeMap<&'static str, (Table, BTreeMap<String, u64>)> {
    let extension = summary.trailtab.clone().unwrap();
    let principals = extension.principals.iter();
    let principals: BTreeMap<_, _> = principals
        .map(|(n, r)| (n.clone(), r.calls.calls))
        .collect();
    let persons = extension.persons.iter();
    let persons: BTreeMap<_, _> = persons.map(|(n, r)| (n.clone(), r.calls.calls)).collect();
    let workloads = extension.workloads.iter();
    let workloads: BTreeMap<_, _> = workloads.map(|(n, r)| (n.clone(), r.calls.calls)).collect();
    let of_persons = extension
        .persons
        .iter()
        .map(|(n, r)| (n.clone(), r.principals.clone()));
    let of_workloads = extension.workloads.iter();
    let of_workloads = of_workloads.map(|(n, r)| (n.clone(), r.principals.clone()));
    let mut sessions = NestedCounts::new();
    for (name, reports) in &extension.sessions_by_principal {
        let calls = reports
            .iter()
            .map(|(name, report)| (name.clone(), report.calls.calls));
        sessions.insert(name.clone(), calls.collect());
    }
    let by_principal = |table: Table| (table, principals.clone());
    BTreeMap::from([
        (
            "api_calls_by_principal",
            by_principal(flat(&summary.api_calls_by_principal)),
        ),
        (
            "ip_addresses_by_principal",
            by_principal(flat(&summary.ip_addresses_by_principal)),
        ),
        (
            "user_agents_by_principal",
            by_principal(flat(&summary.user_agents_by_principal)),
        ),
        (
            "error_codes_by_principal",
            by_principal(flat(&summary.error_codes_by_principal)),
        ),
        ("sessions_by_principal", by_principal(flat(&sessions))),
        (
            "errors_by_principal_and_api",
            by_principal(coded(&extension.errors_by_principal_and_api)),
        ),
        (
            "denied_by_principal_and_api",
            by_principal(coded(&extension.denied_by_principal_and_api)),
        ),
        (
            "principals_by_person",
            (flat(&of_persons.collect()), persons),
        ),
        (
            "principals_by_workload",
            (flat(&of_workloads.collect()), workloads),
        ),
    ])
}

/// The first so many by calls, then by name.
fn first<N: Ord + Clone>(rows: &BTreeMap<N, u64>, count: usize) -> BTreeMap<N, u64> {
    let mut rows: Vec<_> = rows
        .iter()
        .map(|(name, calls)| (name.clone(), *calls))
        .collect();
    rows.sort_by(|(a, one), (b, other)| (other, a).cmp(&(one, b)));
    rows.truncate(count);
    rows.into_iter().collect()
}

/// What is listed of a table.
fn listed(table: &Table, names: &BTreeMap<String, u64>, limits: RowLimits) -> Table {
    let names = first(names, limits.names);
    let of_depth = |depth| {
        let rows = table.iter().filter(|(name, _)| names.contains_key(*name));
        let rows = rows.map(|(name, rows)| (name.clone(), first(rows, depth)));
        rows.collect::<Table>()
    };
    let mut depth = limits.rows_per_name;
    let rows = |table: &Table| table.values().map(BTreeMap::len).sum::<usize>();
    while depth > 1 && rows(&of_depth(depth)) > limits.rows {
        depth -= 1;
    }
    of_depth(depth)
}

fn sum(table: &Table) -> FoldedRows {
    let rows = table.values().flat_map(BTreeMap::values);
    rows.fold(FoldedRows::default(), |mut sum, calls| {
        sum.add(*calls);
        sum
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// In whatever order rows come.
    #[test]
    fn the_rows_with_the_most_calls_are_found(
        calls in prop::collection::vec(0..4_u64, 0..40),
        order in any::<u64>(),
        limit in 1..6_usize,
    ) {
        let row = |(name, calls): (usize, &u64)| (format!("{name:02}"), *calls);
        let all: BTreeMap<String, u64> = calls.iter().enumerate().map(row).collect();
        let mut rows: Vec<_> = all.iter().collect();
        fastrand::Rng::with_seed(order).shuffle(&mut rows);
        let mut top = TopRows::new(limit);
        for (name, calls) in rows {
            let stats = SeenStats { calls: *calls, ..SeenStats::default() };
            top.add(|| [name.clone(), String::new()], &stats);
        }
        let (listed, not_listed, rest) = top.finish();
        let listed = listed.into_iter().map(|([name, _], stats)| (name, stats.calls));
        let listed: BTreeMap<String, u64> = listed.collect();
        prop_assert_eq!(&listed, &first(&all, limit));
        prop_assert_eq!(listed.len() + not_listed as usize, all.len());
        let sum = |rows: &BTreeMap<String, u64>| rows.values().sum::<u64>();
        prop_assert_eq!(sum(&listed) + rest.calls, sum(&all));
    }

    /// The rule holds, listed and folded rows add up to all rows, and neither the order of events, nor
    /// how they are split over documents and counters, nor what is stored outside of memory matters.
    #[test]
    fn folded_rows_follow_from_the_counts_alone(
        events in prop::collection::vec(event(), 0..80),
        shuffled in any::<prop::sample::Index>(),
        per_document in 1..30_usize,
        (rows_per_name, rows, names) in (1..6_usize, 3..40_usize, 1..8_usize),
    ) {
        let limits = RowLimits { rows_per_name, rows: rows.max(names), names };
        let all = tally_like(&Tally::default(), &events, 128);
        let full = summary(&all, RowLimits::default());
        let short = summary(&all, limits);
        prop_assert_eq!(&full.trailtab.clone().unwrap().folded, &None);

        let report = short.trailtab.clone().unwrap().folded;
        let listing = tables(&short);
        for (name, (table, names)) in tables(&full) {
            let (mine, my_names) = &listing[name];
            prop_assert_eq!(mine, &listed(&table, &names, limits), "{}", name);
            prop_assert_eq!(my_names, &first(&names, limits.names), "{}", name);
            let of = |name| report.as_ref().and_then(|report| report.tables.get(name));
            let folded = of(name).cloned().unwrap_or_default();
            let (left, total) = (sum(mine), sum(&table));
            let rest = FoldedRows { rows: total.rows - left.rows, calls: total.calls - left.calls };
            prop_assert_eq!(folded.all, rest, "{}", name);
            let unlisted = table.keys().filter(|name| !my_names.contains_key(*name));
            prop_assert_eq!(folded.names_not_listed as usize, unlisted.count(), "{}", name);
            for (name, rows) in &table {
                let one = |rows: &BTreeMap<RowName, u64>| {
                    sum(&Table::from([(name.clone(), rows.clone())]))
                };
                let (total, left) = (one(rows), mine.get(name).map(one).unwrap_or_default());
                let rest = FoldedRows { rows: total.rows - left.rows, calls: total.calls - left.calls };
                if my_names.contains_key(name) {
                    let mine = folded.by_name.get(name).copied().unwrap_or_default();
                    prop_assert_eq!(mine, rest);
                }
            }
        }
        for section in ["principals", "persons", "workloads"] {
            let table = match section {
                "principals" => "ip_addresses_by_principal",
                "persons" => "principals_by_person",
                _ => "principals_by_workload",
            };
            let (all, left) = (&tables(&full)[table].1, &listing[table].1);
            let of = |section| report.as_ref().and_then(|report| report.names.get(section));
            let folded = of(section).cloned().unwrap_or_default();
            let calls = |names: &BTreeMap<String, u64>| names.values().sum::<u64>();
            prop_assert_eq!(folded.names as usize, all.len() - left.len());
            prop_assert_eq!(folded.calls.calls, calls(all) - calls(left));
        }

        let mut others = events.clone();
        others.reverse();
        let at = shuffled.index(others.len() + 1);
        let (one, other) = others.split_at(at);
        let (empty, _) = VecStore::tally(usize::MAX);
        let one = tally_like(&empty, one, per_document);
        let other = tally_like(&empty, other, per_document + 3);
        prop_assert_eq!(summary(&merged_like(&empty, &one, &other), limits), short);
    }
}
