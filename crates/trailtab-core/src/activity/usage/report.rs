//! Usage as a table: calls by API, region, account or principal, and by time.
//!
//! The JSON contract of `trailtab usage`, described in docs/usage.md.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::basis::{ReportProvenance, part_of};
use super::metrics::OTHER;
use super::{Calls, Detail, MINUTE, UsageTally};
use crate::time::{self, Seconds, TimeRange};

/// Number of parts into which the extent is divided for the course of a row. 24, 16 and 12 divide
/// it.
pub const PARTS: usize = 48;

/// A column that distinguishes rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKey {
    /// Written `ec2.amazonaws.com:RunInstances`.
    Api,
    /// The region, `awsRegion`.
    Region,
    /// The account that recorded the call.
    Account,
    /// The principal, such as `ACCOUNT:role/NAME`.
    Principal,
}

/// The time unit of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeStep {
    /// 60 seconds.
    Minute,
    /// 3600 seconds; hours begin at full hours in UTC.
    Hour,
    /// 86,400 seconds; days begin at midnight in UTC.
    Day,
}

/// The requested table.
#[derive(Debug, Clone)]
pub struct TableQuery {
    /// The columns in order, each once.
    pub by: Vec<ColumnKey>,
    /// The time unit of a row; not set for one row for the whole extent.
    pub per: Option<TimeStep>,
    /// Maximum number of keys with rows of their own; the others count under `__other__`. Not set for no limit.
    pub top: Option<usize>,
}

/// The table. Its rows always add up to the totals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsageReport {
    /// What the report rests on.
    #[serde(flatten)]
    pub basis: ReportProvenance,
    /// The columns that tell rows apart, in their order.
    pub by: Vec<ColumnKey>,
    /// The time that a row stands for; null if it is the whole extent.
    pub per: Option<TimeStep>,
    /// All calls in the table together.
    pub totals: RowCounts,
    /// Number of keys that count under `__other__`.
    pub others: u64,
    /// Sorted by time if there is one, then by calls, the most first, then by name; `__other__` is
    /// last.
    pub rows: Vec<UsageReportRow>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsageReportRow {
    /// The value of each column.
    #[serde(flatten)]
    pub key: BTreeMap<ColumnKey, String>,
    /// The start of the row's minute, hour or day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The row's calls.
    #[serde(flatten)]
    pub counts: RowCounts,
}

/// How many calls, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct RowCounts {
    /// Number of calls.
    pub calls: u64,
    /// Calls that AWS answered with an error, throttled ones among them.
    pub errors: u64,
    /// Calls that AWS refused for their rate.
    pub throttles: u64,
    /// Calls that change nothing (`readOnly: true`). Calls whose record has no `readOnly` are in
    /// neither count.
    pub reads: u64,
    /// Calls that may change something (`readOnly: false`).
    pub writes: u64,
    /// Calls in the busiest minute.
    pub peak_per_minute: u64,
    /// The first of the busiest minutes; null if there is no call.
    pub peak_minute: Option<String>,
    /// The first minute with a call; null without calls.
    pub first_minute: Option<String>,
    /// The last minute with a call; null without calls.
    pub last_minute: Option<String>,
    /// Calls in each part of the extent.
    #[serde(skip)]
    pub course: Vec<u64>,
}

/// Calls by minute.
pub(super) type MinuteSeries = BTreeMap<Seconds, Calls>;

impl ColumnKey {
    /// The column's name.
    pub fn name(self) -> &'static str {
        match self {
            ColumnKey::Api => "api",
            ColumnKey::Region => "region",
            ColumnKey::Account => "account",
            ColumnKey::Principal => "principal",
        }
    }

    fn value(self, row: &super::UsageRow<'_>) -> String {
        match self {
            ColumnKey::Api => format!("{}:{}", row.source, row.name),
            ColumnKey::Region => row.region.to_owned(),
            ColumnKey::Account => row.account.to_owned(),
            ColumnKey::Principal => row.principal.to_owned(),
        }
    }
}

impl TimeStep {
    fn seconds(self) -> Seconds {
        match self {
            TimeStep::Minute => MINUTE,
            TimeStep::Hour => 3600,
            TimeStep::Day => 86_400,
        }
    }
}

impl TableQuery {
    /// What must be counted separately for the table.
    pub fn detail(&self) -> Detail {
        Detail {
            accounts: self.by.contains(&ColumnKey::Account),
            principals: self.by.contains(&ColumnKey::Principal),
        }
    }
}

impl UsageReport {
    /// Builds the table.
    pub fn of(
        usage: &UsageTally,
        question: &TableQuery,
        extent: TimeRange,
        basis: ReportProvenance,
    ) -> UsageReport {
        let mut groups = BTreeMap::<Vec<String>, MinuteSeries>::new();
        let mut all = MinuteSeries::new();
        for row in usage.rows() {
            let key = question.by.iter().map(|by| by.value(&row)).collect();
            let minutes = groups.entry(key).or_default();
            minutes.entry(row.minute).or_default().merge(&row.calls);
            all.entry(row.minute).or_default().merge(&row.calls);
        }
        let mut ranked: Vec<(Vec<String>, MinuteSeries)> = groups.into_iter().collect();
        // Already sorted by name, and a stable sort preserves that.
        ranked.sort_by_cached_key(|(_, minutes)| Reverse(calls(minutes)));
        let others = ranked.split_off(question.top.unwrap_or(usize::MAX).min(ranked.len()));
        let not_shown = others.len() as u64;
        if !others.is_empty() {
            let other = vec![OTHER.to_owned(); question.by.len()];
            ranked.push((
                other,
                merged(others.into_iter().map(|(_, minutes)| minutes)),
            ));
        }
        let mut rows = Vec::new();
        for (key, minutes) in ranked {
            let key: BTreeMap<ColumnKey, String> = question.by.iter().copied().zip(key).collect();
            match question.per {
                None => rows.push(UsageReportRow {
                    key,
                    time: None,
                    counts: RowCounts::of(&minutes, extent),
                }),
                Some(per) => rows.extend(rows_per(per, &key, minutes, extent)),
            }
        }
        if question.per.is_some() {
            rows.sort_by(|a, b| a.time.cmp(&b.time));
        }
        UsageReport {
            basis,
            by: question.by.clone(),
            per: question.per,
            totals: RowCounts::of(&all, extent),
            others: not_shown,
            rows,
        }
    }
}

/// Makes a row for each time unit with a call.
fn rows_per(
    per: TimeStep,
    key: &BTreeMap<ColumnKey, String>,
    minutes: MinuteSeries,
    extent: TimeRange,
) -> impl Iterator<Item = UsageReportRow> {
    let mut times = BTreeMap::<Seconds, MinuteSeries>::new();
    for (minute, calls) in minutes {
        let time = minute.div_euclid(per.seconds()) * per.seconds();
        times.entry(time).or_default().insert(minute, calls);
    }
    times
        .into_iter()
        .map(move |(time, minutes)| UsageReportRow {
            key: key.clone(),
            time: Some(time::iso(time)),
            counts: RowCounts::of(&minutes, extent),
        })
}

pub(super) fn merged(all: impl Iterator<Item = MinuteSeries>) -> MinuteSeries {
    let mut merged = MinuteSeries::new();
    for (minute, calls) in all.flatten() {
        merged.entry(minute).or_default().merge(&calls);
    }
    merged
}

fn calls(minutes: &MinuteSeries) -> u64 {
    minutes.values().map(|calls| calls.calls).sum()
}

/// The busiest minute, and its calls.
pub(super) fn peak(minutes: &MinuteSeries) -> Option<(Seconds, u64)> {
    let minutes = minutes.iter().map(|(minute, calls)| (*minute, calls.calls));
    minutes.min_by_key(|(minute, calls)| (Reverse(*calls), *minute))
}

impl RowCounts {
    fn of(minutes: &MinuteSeries, extent: TimeRange) -> RowCounts {
        let mut sum = Calls::default();
        let mut course = vec![0; PARTS];
        for (minute, calls) in minutes {
            sum.merge(calls);
            course[part_of(extent, *minute, PARTS)] += calls.calls;
        }
        let peak = peak(minutes);
        RowCounts {
            calls: sum.calls,
            errors: sum.errors,
            throttles: sum.throttles,
            reads: sum.reads,
            writes: sum.writes,
            peak_per_minute: peak.map_or(0, |(_, calls)| calls),
            peak_minute: peak.map(|(minute, _)| time::iso(minute)),
            first_minute: minutes.keys().next().copied().map(time::iso),
            last_minute: minutes.keys().next_back().copied().map(time::iso),
            course,
        }
    }
}
