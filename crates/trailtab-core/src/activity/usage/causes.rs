//! The callers that cause throttling.
//!
//! AWS limits the rate of an API for each account and region, not for each caller. So the caller
//! whose call is refused is not always the one that makes too many calls. The report therefore
//! lists how many calls each caller made in the minutes in which calls were refused.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;

use super::basis::ReportProvenance;
use super::bounded::SortedUsage;
use super::dimension::CallDimension;
use super::report::{ColumnKey, MinuteSeries, calls, peak, values_of};
use super::top::FirstItems;
use crate::time::{self, Seconds};

/// The most callers that are listed for one API, region and account.
pub const MOST_CALLERS: usize = 1000;

/// The dimensions that AWS limits the rate by.
const PLACE: [CallDimension; 4] = [
    CallDimension::Account,
    CallDimension::Region,
    CallDimension::EventSource,
    CallDimension::EventName,
];

/// What must be counted separately for a report on callers by these columns.
pub fn dimensions(by: &[ColumnKey]) -> Vec<CallDimension> {
    let callers = by.iter().flat_map(|column| column.dimensions());
    PLACE.iter().chain(callers).copied().collect()
}

/// Where calls were refused for their rate, and which callers called. The JSON contract of
/// `trailtab usage --throttled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ThrottleReport {
    /// What the report rests on.
    #[serde(flatten)]
    pub basis: ReportProvenance,
    /// The columns that identify a caller, in their order.
    pub by: Vec<ColumnKey>,
    /// Calls of all APIs.
    pub calls: u64,
    /// Calls that AWS refused for their rate, of all APIs.
    pub throttles: u64,
    /// Sorted by throttles, the most first, then by account, region and API.
    pub places: Vec<ThrottledApi>,
}

/// One API in one region of one account, in which calls were refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ThrottledApi {
    /// The account that recorded the calls.
    pub account: String,
    /// The region that the calls were recorded in.
    pub region: String,
    /// Written `ec2.amazonaws.com:RunInstances`.
    pub api: String,
    /// Calls of all callers, at any time.
    pub calls: u64,
    /// Calls of all callers that AWS refused for their rate.
    pub throttles: u64,
    /// Calls of all callers in the busiest minute.
    pub peak_per_minute: u64,
    /// The first of the busiest minutes; null if there is no call.
    pub peak_minute: Option<String>,
    /// Number of minutes in which a call was refused.
    pub throttled_minutes: u64,
    /// The first minute in which a call was refused.
    pub first_throttled_minute: String,
    /// The last minute in which a call was refused.
    pub last_throttled_minute: String,
    /// Calls of all callers in those minutes.
    pub calls_in_throttled_minutes: u64,
    /// The callers in those minutes, sorted by their calls in them, the most first, then by name; at most
    /// [`MOST_CALLERS`].
    pub callers: Vec<ThrottledCaller>,
    /// The sums of the callers in those minutes that are not listed; absent if all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folded: Option<FoldedCallers>,
    /// Number of callers that called only at other times.
    pub other_callers: u64,
    /// Number of calls of these callers.
    pub calls_of_other_callers: u64,
}

/// Callers that called while calls were refused, and are not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FoldedCallers {
    /// How many they are.
    pub callers: u64,
    /// Their calls at any time.
    pub calls: u64,
    /// Their calls that AWS refused for their rate.
    pub throttles: u64,
    /// Their calls in the minutes in which a call of any caller was refused.
    pub calls_in_throttled_minutes: u64,
}

/// A caller that called while calls were refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ThrottledCaller {
    /// What identifies the caller, such as its principal or session.
    #[serde(flatten)]
    pub key: BTreeMap<ColumnKey, String>,
    /// Its calls at any time.
    pub calls: u64,
    /// Its calls that AWS refused for their rate.
    pub throttles: u64,
    /// The first minute in which a call of this caller was refused; null if no call was.
    pub first_throttled_minute: Option<String>,
    /// The last minute in which a call of this caller was refused; null if no call was.
    pub last_throttled_minute: Option<String>,
    /// Its calls in the minutes in which a call of any caller was refused.
    pub calls_in_throttled_minutes: u64,
    /// Its calls in its busiest minute.
    pub peak_per_minute: u64,
}

/// One place, while its callers are collected.
struct OpenPlace {
    /// Account, region, service and API.
    names: Vec<String>,
    throttled: BTreeSet<Seconds>,
    report: ThrottledApi,
    callers: FirstItems<RankedCaller>,
    /// All callers while calls were refused.
    present: FoldedCallers,
}

/// A caller and its place among the callers: the most calls in throttled minutes first, then the most throttles,
/// then by name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct RankedCaller {
    calls_and_throttles: Reverse<(u64, u64)>,
    names: Vec<String>,
    minutes: CallerMinutes,
}

/// The counts of a caller, in the order of the report.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct CallerMinutes {
    calls: u64,
    peak_per_minute: u64,
    first_throttled: Option<Seconds>,
    last_throttled: Option<Seconds>,
}

impl ThrottleReport {
    /// Builds the report. Usage must have been counted by [`dimensions`] of the same columns.
    ///
    /// # Errors
    ///
    /// Fails if counts that were stored outside of memory cannot be read back.
    pub fn of(
        usage: &SortedUsage,
        by: &[ColumnKey],
        basis: ReportProvenance,
    ) -> io::Result<ThrottleReport> {
        let (mut all_calls, mut all_throttles) = (0, 0);
        let mut places = Vec::new();
        usage.for_each_group(PLACE.len(), |names, minutes| {
            all_calls += calls(&minutes);
            all_throttles += throttles(&minutes);
            places.extend(OpenPlace::of(names, &minutes));
        })?;
        // Both are in the order of their names.
        let mut open = places.iter_mut().peekable();
        usage.for_each_group(dimensions(by).len(), |names, minutes| {
            let (place, caller) = names.split_at(PLACE.len().min(names.len()));
            while open.next_if(|open| open.names.as_slice() < place).is_some() {}
            if let Some(open) = open.peek_mut().filter(|open| open.names == place) {
                open.add(caller, &minutes);
            }
        })?;
        let mut places: Vec<ThrottledApi> =
            places.into_iter().map(|place| place.close(by)).collect();
        // Already sorted by name, and a stable sort preserves that.
        places.sort_by_key(|place| Reverse(place.throttles));
        Ok(ThrottleReport {
            basis,
            by: by.to_vec(),
            calls: all_calls,
            throttles: all_throttles,
            places,
        })
    }
}

impl OpenPlace {
    /// One API by the calls of all callers, if a call was refused.
    fn of(names: &[String], minutes: &MinuteSeries) -> Option<OpenPlace> {
        let [account, region, source, name] = names else {
            return None;
        };
        let throttled: BTreeSet<Seconds> = throttled(minutes).collect();
        let (first, last) = (throttled.first()?, throttled.last()?);
        let peak = peak(minutes);
        let inside = throttled.iter().filter_map(|minute| minutes.get(minute));
        let report = ThrottledApi {
            account: account.clone(),
            region: region.clone(),
            api: format!("{source}:{name}"),
            calls: calls(minutes),
            throttles: throttles(minutes),
            peak_per_minute: peak.map_or(0, |(_, calls)| calls),
            peak_minute: peak.map(|(minute, _)| time::iso(minute)),
            throttled_minutes: throttled.len() as u64,
            first_throttled_minute: time::iso(*first),
            last_throttled_minute: time::iso(*last),
            calls_in_throttled_minutes: inside.map(|calls| calls.calls).sum(),
            callers: Vec::new(),
            folded: None,
            other_callers: 0,
            calls_of_other_callers: 0,
        };
        Some(OpenPlace {
            names: names.to_vec(),
            throttled,
            report,
            callers: FirstItems::new(MOST_CALLERS),
            present: FoldedCallers::default(),
        })
    }

    /// Adds a caller, which is added once.
    fn add(&mut self, names: &[String], minutes: &MinuteSeries) {
        let (calls, throttles) = (calls(minutes), throttles(minutes));
        let inside = minutes
            .iter()
            .filter(|(minute, _)| self.throttled.contains(minute));
        let inside: u64 = inside.map(|(_, calls)| calls.calls).sum();
        if inside == 0 {
            self.report.other_callers += 1;
            self.report.calls_of_other_callers += calls;
            return;
        }
        self.present.callers += 1;
        self.present.calls += calls;
        self.present.throttles += throttles;
        self.present.calls_in_throttled_minutes += inside;
        self.callers.add(RankedCaller {
            calls_and_throttles: Reverse((inside, throttles)),
            names: names.to_vec(),
            minutes: CallerMinutes {
                calls,
                peak_per_minute: peak(minutes).map_or(0, |(_, calls)| calls),
                first_throttled: throttled(minutes).min(),
                last_throttled: throttled(minutes).max(),
            },
        });
    }

    /// Lists the callers.
    fn close(self, by: &[ColumnKey]) -> ThrottledApi {
        let callers = self.callers.sorted().into_iter();
        let callers: Vec<ThrottledCaller> =
            callers.map(|caller| caller.throttled_caller(by)).collect();
        let mut folded = self.present;
        for caller in &callers {
            folded.callers -= 1;
            folded.calls -= caller.calls;
            folded.throttles -= caller.throttles;
            folded.calls_in_throttled_minutes -= caller.calls_in_throttled_minutes;
        }
        ThrottledApi {
            callers,
            folded: (folded.callers > 0).then_some(folded),
            ..self.report
        }
    }
}

impl RankedCaller {
    fn throttled_caller(self, by: &[ColumnKey]) -> ThrottledCaller {
        let Reverse((calls_in_throttled_minutes, throttles)) = self.calls_and_throttles;
        ThrottledCaller {
            key: values_of(by, &self.names),
            calls: self.minutes.calls,
            throttles,
            first_throttled_minute: self.minutes.first_throttled.map(time::iso),
            last_throttled_minute: self.minutes.last_throttled.map(time::iso),
            calls_in_throttled_minutes,
            peak_per_minute: self.minutes.peak_per_minute,
        }
    }
}

fn throttles(minutes: &MinuteSeries) -> u64 {
    minutes.values().map(|calls| calls.throttles).sum()
}

/// The minutes in which a call was refused.
fn throttled(minutes: &MinuteSeries) -> impl Iterator<Item = Seconds> {
    let minutes = minutes.iter().filter(|(_, calls)| calls.throttles > 0);
    minutes.map(|(minute, _)| *minute)
}
