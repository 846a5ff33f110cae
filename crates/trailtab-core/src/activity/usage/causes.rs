//! The principals that cause throttling.
//!
//! AWS limits the rate of an API for each account and region, not for each caller. So the principal
//! whose call is refused is not always the one that makes too many calls. The report therefore
//! lists how many calls each principal made in the minutes in which calls were refused.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::basis::ReportProvenance;
use super::report::{MinuteSeries, merged, peak};
use super::{Detail, UsageTally};
use crate::time::{self, Seconds};

/// What must be counted separately for this report.
pub const DETAIL: Detail = Detail {
    accounts: true,
    principals: true,
};

/// Where calls were refused for their rate, and which principals called. The JSON contract of
/// `trailtab usage --throttled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ThrottleReport {
    /// What the report rests on.
    #[serde(flatten)]
    pub basis: ReportProvenance,
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
    /// Calls of all principals, at any time.
    pub calls: u64,
    /// Calls of all principals that AWS refused for their rate.
    pub throttles: u64,
    /// Calls of all principals in the busiest minute.
    pub peak_per_minute: u64,
    /// The first of the busiest minutes; null if there is no call.
    pub peak_minute: Option<String>,
    /// Number of minutes in which a call was refused.
    pub throttled_minutes: u64,
    /// The first minute in which a call was refused.
    pub first_throttled_minute: String,
    /// The last minute in which a call was refused.
    pub last_throttled_minute: String,
    /// Calls of all principals in those minutes.
    pub calls_in_throttled_minutes: u64,
    /// The principals that called in those minutes, sorted by their calls in them, the most first,
    /// then by name.
    pub principals: Vec<ThrottledCaller>,
    /// Number of principals that called only at other times.
    pub other_principals: u64,
    /// Number of calls of these principals.
    pub calls_of_other_principals: u64,
}

/// A principal that called while calls were refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ThrottledCaller {
    /// The principal, such as `ACCOUNT:role/NAME`.
    pub principal: String,
    /// Its calls at any time.
    pub calls: u64,
    /// Its calls that AWS refused for their rate.
    pub throttles: u64,
    /// The first minute in which a call of this principal was refused; null if no call was.
    pub first_throttled_minute: Option<String>,
    /// The last minute in which a call of this principal was refused; null if no call was.
    pub last_throttled_minute: Option<String>,
    /// Its calls in the minutes in which a call of any principal was refused.
    pub calls_in_throttled_minutes: u64,
    /// Its calls in its busiest minute.
    pub peak_per_minute: u64,
}

/// Account, region, service and API.
type ApiAddress<'u> = (&'u str, &'u str, &'u str, &'u str);

impl ThrottleReport {
    /// Builds the report. Usage must have been counted with [`DETAIL`].
    pub fn of(usage: &UsageTally, basis: ReportProvenance) -> ThrottleReport {
        let mut places = BTreeMap::<ApiAddress<'_>, BTreeMap<&str, MinuteSeries>>::new();
        let (mut calls, mut throttles) = (0, 0);
        for row in usage.rows() {
            calls += row.calls.calls;
            throttles += row.calls.throttles;
            let place = (row.account, row.region, row.source, row.name);
            let callers = places.entry(place).or_default();
            let minutes = callers.entry(row.principal).or_default();
            minutes.entry(row.minute).or_default().merge(&row.calls);
        }
        let places = places.into_iter();
        let mut places: Vec<ThrottledApi> = places
            .filter_map(|(place, callers)| ThrottledApi::of(place, &callers))
            .collect();
        // Already sorted by name, and a stable sort preserves that.
        places.sort_by_key(|place| Reverse(place.throttles));
        ThrottleReport {
            basis,
            calls,
            throttles,
            places,
        }
    }
}

impl ThrottledApi {
    /// Builds the entry of one API, if a call was refused.
    fn of(
        (account, region, source, name): ApiAddress<'_>,
        callers: &BTreeMap<&str, MinuteSeries>,
    ) -> Option<ThrottledApi> {
        let all = merged(callers.values().cloned());
        let throttled: BTreeSet<Seconds> = throttled(&all).collect();
        let (first, last) = (throttled.first()?, throttled.last()?);
        let mut principals: Vec<ThrottledCaller> = callers
            .iter()
            .map(|(principal, minutes)| ThrottledCaller::of(principal, minutes, &throttled))
            .collect();
        principals
            .sort_by_key(|caller| Reverse((caller.calls_in_throttled_minutes, caller.throttles)));
        let is_there = |caller: &ThrottledCaller| caller.calls_in_throttled_minutes > 0;
        let others = principals.split_off(principals.partition_point(is_there));
        let peak = peak(&all);
        Some(ThrottledApi {
            account: account.to_owned(),
            region: region.to_owned(),
            api: format!("{source}:{name}"),
            calls: all.values().map(|calls| calls.calls).sum(),
            throttles: all.values().map(|calls| calls.throttles).sum(),
            peak_per_minute: peak.map_or(0, |(_, calls)| calls),
            peak_minute: peak.map(|(minute, _)| time::iso(minute)),
            throttled_minutes: throttled.len() as u64,
            first_throttled_minute: time::iso(*first),
            last_throttled_minute: time::iso(*last),
            calls_in_throttled_minutes: principals
                .iter()
                .map(|caller| caller.calls_in_throttled_minutes)
                .sum(),
            principals,
            other_principals: others.len() as u64,
            calls_of_other_principals: others.iter().map(|caller| caller.calls).sum(),
        })
    }
}

impl ThrottledCaller {
    fn of(
        principal: &str,
        minutes: &MinuteSeries,
        while_throttled: &BTreeSet<Seconds>,
    ) -> ThrottledCaller {
        let inside = minutes
            .iter()
            .filter(|(minute, _)| while_throttled.contains(minute));
        ThrottledCaller {
            principal: principal.to_owned(),
            calls: minutes.values().map(|calls| calls.calls).sum(),
            throttles: minutes.values().map(|calls| calls.throttles).sum(),
            first_throttled_minute: throttled(minutes).min().map(time::iso),
            last_throttled_minute: throttled(minutes).max().map(time::iso),
            calls_in_throttled_minutes: inside.map(|(_, calls)| calls.calls).sum(),
            peak_per_minute: peak(minutes).map_or(0, |(_, calls)| calls),
        }
    }
}

/// The minutes in which a call was refused.
fn throttled(minutes: &MinuteSeries) -> impl Iterator<Item = Seconds> {
    let minutes = minutes.iter().filter(|(_, calls)| calls.throttles > 0);
    minutes.map(|(minute, _)| *minute)
}
