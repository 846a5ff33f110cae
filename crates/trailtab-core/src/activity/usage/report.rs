//! Usage as a table: calls by API, region, account, caller, error or resource, and by time.
//!
//! The JSON contract of `trailtab usage`, described in docs/usage.md.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::io;

use serde::Serialize;

use super::basis::{ReportProvenance, part_of};
use super::bounded::SortedUsage;
use super::dimension::CallDimension;
use super::metrics::OTHER;
use super::top::FirstItems;
use super::{Calls, MINUTE};
use crate::time::{self, Seconds, TimeRange};

/// Number of parts into which the extent is divided for the course of a row. 24, 16 and 12 divide
/// it.
pub const PARTS: usize = 48;

/// The most keys with rows of their own, however many are asked for.
pub const MOST_KEYS: usize = 100_000;

/// The most rows of a table with a time unit; more only if a single key has more.
const MOST_ROWS: usize = 1_000_000;

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
    /// The name of the role session; empty for calls without a session.
    Session,
    /// The person behind the call; empty if the record names none.
    Person,
    /// The user agent, `userAgent`.
    UserAgent,
    /// The source address, `sourceIPAddress`.
    IpAddress,
    /// The error code of a call that failed; empty if it succeeded.
    ErrorCode,
    /// A resource that the call names, S3 objects by their bucket. A call counts once for each resource, so these
    /// rows may add up to more than all calls.
    Resource,
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
    /// Maximum number of keys with rows of their own; the others count under `__other__`. Not set for
    /// [`MOST_KEYS`].
    pub top: Option<usize>,
}

/// The table. Its rows add up to the totals, except for resources: a call counts for each that it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsageReport {
    /// What the report rests on.
    #[serde(flatten)]
    pub basis: ReportProvenance,
    /// The columns that identify a row, in their order.
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
    /// Whether the row sums up the keys that are not listed. Callers choose names, so one may be called `__other__`.
    #[serde(skip)]
    pub is_other: bool,
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
            ColumnKey::Session => "session",
            ColumnKey::Person => "person",
            ColumnKey::UserAgent => "user_agent",
            ColumnKey::IpAddress => "ip_address",
            ColumnKey::ErrorCode => "error_code",
            ColumnKey::Resource => "resource",
        }
    }

    /// Returns whether the column is about the caller.
    pub fn is_of_callers(self) -> bool {
        matches!(
            self,
            ColumnKey::Principal
                | ColumnKey::Session
                | ColumnKey::Person
                | ColumnKey::UserAgent
                | ColumnKey::IpAddress
        )
    }

    /// The dimensions that the column's values are made of.
    pub(super) fn dimensions(self) -> &'static [CallDimension] {
        match self {
            ColumnKey::Api => &[CallDimension::EventSource, CallDimension::EventName],
            ColumnKey::Region => &[CallDimension::Region],
            ColumnKey::Account => &[CallDimension::Account],
            ColumnKey::Principal => &[CallDimension::Principal],
            ColumnKey::Session => &[CallDimension::Session],
            ColumnKey::Person => &[CallDimension::Person],
            ColumnKey::UserAgent => &[CallDimension::UserAgent],
            ColumnKey::IpAddress => &[CallDimension::IpAddress],
            ColumnKey::ErrorCode => &[CallDimension::ErrorCode],
            ColumnKey::Resource => &[CallDimension::Resource],
        }
    }
}

/// The values of columns, made of the names of their dimensions.
pub(super) fn values_of(by: &[ColumnKey], names: &[String]) -> BTreeMap<ColumnKey, String> {
    let mut names = names.iter();
    let value = |column: &ColumnKey| {
        let names = names.by_ref().take(column.dimensions().len());
        let names: Vec<&str> = names.map(String::as_str).collect();
        (*column, names.join(":"))
    };
    by.iter().map(value).collect()
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
    /// What must be counted separately for the table, in its order.
    pub fn dimensions(&self) -> Vec<CallDimension> {
        let columns = self.by.iter();
        columns
            .flat_map(|column| column.dimensions())
            .copied()
            .collect()
    }
}

/// A key and its place among all keys: the most calls first, then by name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RankedKey {
    calls: Reverse<u64>,
    names: Vec<String>,
    rows: usize,
}

/// Which keys have rows of their own.
struct KeyRanking {
    places: HashMap<Vec<String>, usize>,
    others: u64,
    /// All rows together.
    all: MinuteSeries,
}

impl KeyRanking {
    fn of(usage: &SortedUsage, question: &TableQuery, names: usize) -> io::Result<KeyRanking> {
        let mut first = FirstItems::new(question.top.unwrap_or(MOST_KEYS).min(MOST_KEYS));
        let (mut keys, mut all) = (0, MinuteSeries::new());
        usage.for_each_group(names, |names, minutes| {
            keys += 1;
            first.add(RankedKey {
                calls: Reverse(calls(&minutes)),
                names: names.to_vec(),
                rows: question.per.map_or(1, |per| steps(per, &minutes)),
            });
            add_minutes(&mut all, minutes);
        })?;
        let mut rows: usize = 0;
        let mut has_room = |key: &RankedKey| {
            rows = rows.saturating_add(key.rows);
            rows <= MOST_ROWS || rows == key.rows
        };
        let listed = first.sorted().into_iter();
        let listed = listed.take_while(|key| has_room(key)).map(|key| key.names);
        let places: HashMap<Vec<String>, usize> = listed.zip(0..).collect();
        Ok(KeyRanking {
            others: keys - places.len() as u64,
            places,
            all,
        })
    }
}

impl UsageReport {
    /// Builds the table of counts by its [dimensions](TableQuery::dimensions).
    ///
    /// # Errors
    ///
    /// Fails if counts that were stored outside of memory cannot be read back.
    pub fn of(
        usage: &SortedUsage,
        question: &TableQuery,
        extent: TimeRange,
        basis: ReportProvenance,
    ) -> io::Result<UsageReport> {
        let names = question.dimensions().len();
        let ranking = KeyRanking::of(usage, question, names)?;
        let mut rows: Vec<(usize, UsageReportRow)> = Vec::new();
        let mut add = |place: usize, row: UsageReportRow, minutes: MinuteSeries| match question.per
        {
            None => {
                let counts = RowCounts::of(&minutes, extent);
                rows.push((place, UsageReportRow { counts, ..row }));
            }
            Some(per) => {
                let times = rows_per(per, &row, minutes, extent);
                rows.extend(times.map(|row| (place, row)));
            }
        };
        let row = |key, is_other| UsageReportRow {
            key,
            is_other,
            time: None,
            counts: RowCounts::default(),
        };
        let mut others = MinuteSeries::new();
        usage.for_each_group(names, |names, minutes| match ranking.places.get(names) {
            Some(place) => add(*place, row(values_of(&question.by, names), false), minutes),
            None => add_minutes(&mut others, minutes),
        })?;
        if ranking.others > 0 {
            let key = question.by.iter().map(|by| (*by, OTHER.to_owned()));
            add(usize::MAX, row(key.collect(), true), others);
        }
        // Times are written so that their texts have their order.
        rows.sort_by(|(a, one), (b, other)| (&one.time, a).cmp(&(&other.time, b)));
        let all = match usage.calls_by_minute() {
            Some(all) => all,
            None => &ranking.all,
        };
        Ok(UsageReport {
            basis,
            by: question.by.clone(),
            per: question.per,
            totals: RowCounts::of(all, extent),
            others: ranking.others,
            rows: rows.into_iter().map(|(_, row)| row).collect(),
        })
    }
}

/// The number of time units with a call.
fn steps(per: TimeStep, minutes: &MinuteSeries) -> usize {
    let mut steps: Vec<Seconds> = minutes
        .keys()
        .map(|minute| minute.div_euclid(per.seconds()))
        .collect();
    steps.dedup();
    steps.len()
}

/// Makes a row for each time unit with a call.
fn rows_per(
    per: TimeStep,
    row: &UsageReportRow,
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
            time: Some(time::iso(time)),
            counts: RowCounts::of(&minutes, extent),
            ..row.clone()
        })
}

/// Adds the calls of each minute.
pub(super) fn add_minutes(all: &mut MinuteSeries, minutes: MinuteSeries) {
    for (minute, calls) in minutes {
        all.entry(minute).or_default().merge(&calls);
    }
}

pub(super) fn calls(minutes: &MinuteSeries) -> u64 {
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
