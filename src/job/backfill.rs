//! Publishing metrics after the fact: hour by hour, so that a run that was interrupted can go on, and a
//! longer one later repeats nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::usage::{self, Account, Publication, Way};
use crate::core::usage::chunks::{chunks, is_timely};
use crate::core::usage::metrics::{Datum, Metric, Set};
use crate::core::window::{self, Seconds};
use crate::deliver::cloudwatch::Publisher;
use crate::deliver::ledger::{Ledger, Owner};

const HOUR: Seconds = 3600;

/// How long one hour's data may take to be published.
const PATIENCE: Duration = Duration::from_secs(60);

/// Metrics by which is told whether an hour has been published before.
const WITNESSES: usize = 10;

/// What is to be published.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Plan {
    /// By the hour's first second.
    hours: BTreeMap<Seconds, Vec<Datum>>,
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

    /// Hours with data.
    pub(crate) fn hours(&self) -> usize {
        self.hours.len()
    }

    /// Requests that it takes.
    pub(crate) fn requests(&self) -> usize {
        let hours = self.hours.values();
        hours.map(|data| chunks(data.clone()).len()).sum()
    }

    /// Distinct metrics in each hour, summed up: what CloudWatch bills.
    pub(crate) fn metric_hours(&self) -> u64 {
        let hours = self.hours.values().map(|data| {
            let metrics: BTreeSet<&Metric> = data.iter().map(|datum| &datum.metric).collect();
            metrics.len() as u64
        });
        hours.sum()
    }
}

/// Publishes a plan; `told` is told after each hour.
pub(crate) async fn publish(
    plan: Plan,
    namespace: &str,
    publisher: &Publisher,
    ledger: &Ledger,
    now: impl Fn() -> Seconds,
    mut told: impl FnMut(),
) -> Account {
    let mut account = Account::default();
    for (hour, data) in plan.hours {
        let began = now();
        let publication = Publication {
            way: Way::Request(publisher),
            ledger: Some(ledger),
            key: format!("usage/backfill/{namespace}/{}", window::hour(hour)),
            owner: Owner {
                name: format!("{:032x}", fastrand::u128(..)),
                now: began,
                until: began + 2 * PATIENCE.as_secs().cast_signed(),
            },
            deadline: Instant::now() + PATIENCE,
        };
        account.received += data.iter().map(Datum::events).sum::<u64>();
        usage::publish(data, publication, &mut account).await;
        told();
    }
    account
}
