//! Publishing after the fact: what is sent, hour by hour, and what is left out.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::chunks::{chunks, is_timely};
use super::metrics::{Datum, Metric, Set};
use super::price;
use crate::core::window::Seconds;

const HOUR: Seconds = 3600;

/// Metrics by which is told whether an hour has been published before.
const WITNESSES: usize = 10;

/// What is to be published.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Plan {
    /// By the hour's first second.
    pub(crate) hours: BTreeMap<Seconds, Vec<Datum>>,
    /// Events that are too old or too far ahead for CloudWatch.
    pub(crate) refused: u64,
    /// Hours that CloudWatch holds data of already, and the events in them.
    pub(crate) present: BTreeMap<Seconds, u64>,
}

impl Plan {
    /// Plans to publish all data that CloudWatch takes.
    pub(crate) fn new(data: Vec<Datum>, now: Seconds) -> Plan {
        let mut plan = Plan::default();
        for datum in data {
            if is_timely(datum.minute, now) {
                let hour = datum.minute.div_euclid(HOUR) * HOUR;
                plan.hours.entry(hour).or_default().push(datum);
            } else {
                plan.refused += datum.events();
            }
        }
        plan
    }

    /// The metrics with most calls, by which is told which hours have been published before; and the
    /// first second to look at, and the first not to.
    pub(crate) fn witnesses(&self) -> (Vec<Metric>, Seconds, Seconds) {
        let mut calls = BTreeMap::<&Metric, u64>::new();
        for datum in self.data().filter(|datum| datum.metric.set == Set::Calls) {
            *calls.entry(&datum.metric).or_default() += datum.value;
        }
        let mut metrics: Vec<_> = calls.into_iter().collect();
        metrics.sort_by(|(_, a), (_, b)| b.cmp(a));
        let metrics = metrics.into_iter().take(WITNESSES);
        let first = self.hours.keys().next().copied().unwrap_or_default();
        let last = self.hours.keys().next_back().copied().unwrap_or_default();
        (
            metrics.map(|(metric, _)| metric.clone()).collect(),
            first,
            last + HOUR,
        )
    }

    /// Leaves out hours that CloudWatch holds data of already: theirs would be added to what is there.
    pub(crate) fn leave_out(&mut self, hours: &BTreeSet<Seconds>) {
        for hour in hours {
            if let Some(data) = self.hours.remove(hour) {
                self.present
                    .insert(*hour, data.iter().map(Datum::events).sum());
            }
        }
    }

    /// All data, by hour.
    pub(crate) fn data(&self) -> impl Iterator<Item = &Datum> {
        self.hours.values().flatten()
    }

    /// Requests that it takes.
    pub(crate) fn requests(&self) -> usize {
        let hours = self.hours.values();
        hours.map(|data| chunks(data.clone()).len()).sum()
    }

    /// What it costs, in US dollars at list prices, as if there were no other metrics.
    pub(crate) fn price(&self) -> Decimal {
        price::of_hours(self.metric_hours()) + price::of_requests(self.requests() as u64)
    }

    /// Distinct metrics.
    pub(crate) fn metrics(&self) -> usize {
        let metrics: BTreeSet<&Metric> = self.data().map(|datum| &datum.metric).collect();
        metrics.len()
    }

    /// Distinct metrics in each hour, summed up: what CloudWatch bills.
    fn metric_hours(&self) -> u64 {
        let hours = self.hours.values().map(|data| {
            let metrics: BTreeSet<&Metric> = data.iter().map(|datum| &datum.metric).collect();
            metrics.len() as u64
        });
        hours.sum()
    }
}
