//! Plans publishing metrics of past hours: which hours are sent, and which are left out.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::chunks::{chunks, is_timely};
use super::metrics::{MetricSet, MinuteDatum, UsageMetric};
use super::price;
use crate::time::{Seconds, TimeWindow};

const HOUR: Seconds = 3600;

/// After this time, events are considered delivered. CloudTrail delivers within about five minutes
/// on average, without guarantee.
const SETTLED: Seconds = 15 * 60;

/// The time by which CloudWatch shows a datum that it was sent before `sent_by`, if it took it.
///
/// From the API Reference of `PutMetricData`: data between 3 and 24 hours old take as much as two hours
/// to become available, and older ones at least 48. No maximum is documented for those, so half as
/// much again is added. From 23 hours on, a datum counts as an older one.
pub fn visible_by(minute: Seconds, sent_by: Seconds) -> Seconds {
    match sent_by - minute < 23 * HOUR {
        true => sent_by + 2 * HOUR,
        false => sent_by + 72 * HOUR,
    }
}

/// The data to publish.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackfillPlan {
    /// The data by hour; the key is the first second of the hour.
    pub hours: BTreeMap<Seconds, Vec<MinuteDatum>>,
    /// Events in hours that are too old for CloudWatch.
    pub refused: u64,
    /// Events in hours whose events may not all have been delivered yet.
    pub unsettled: u64,
    /// Events in hours that are only partly inside the window.
    pub cut: u64,
    /// Hours for which CloudWatch already has data, and the number of events in them.
    pub present: BTreeMap<Seconds, u64>,
}

impl BackfillPlan {
    /// Plans to publish all hours that were settled at `read_at`, when reading the events began, and that
    /// CloudWatch accepts at `now`. An hour is published completely or not at all, so that a later run finds the same
    /// data in it.
    pub fn new(
        data: Vec<MinuteDatum>,
        window: TimeWindow,
        read_at: Seconds,
        now: Seconds,
    ) -> BackfillPlan {
        let mut plan = BackfillPlan::default();
        for datum in data {
            let hour = hour_of(&datum);
            if hour + HOUR + SETTLED > read_at {
                plan.unsettled += datum.events();
            } else if !is_timely(hour, now) {
                plan.refused += datum.events();
            } else if window.since.is_some_and(|since| hour < since)
                || window.until.is_some_and(|until| until < hour + HOUR)
            {
                plan.cut += datum.events();
            } else {
                plan.hours.entry(hour).or_default().push(datum);
            }
        }
        plan
    }

    /// For each hour, the metric with the most calls, which shows whether the hour was published
    /// before; and the range of seconds to look at.
    pub fn witnesses(&self) -> (Vec<UsageMetric>, Seconds, Seconds) {
        let mut witnesses = BTreeSet::new();
        for data in self.hours.values() {
            let mut calls = BTreeMap::<&UsageMetric, u64>::new();
            for datum in data
                .iter()
                .filter(|datum| datum.metric.set == MetricSet::Calls)
            {
                *calls.entry(&datum.metric).or_default() += datum.value;
            }
            let most = calls.into_iter().max_by_key(|(_, count)| *count);
            witnesses.extend(most.map(|(metric, _)| metric.clone()));
        }
        let first = self.hours.keys().next().copied().unwrap_or_default();
        let last = self.hours.keys().next_back().copied().unwrap_or_default();
        (witnesses.into_iter().collect(), first, last + HOUR)
    }

    /// Leaves out hours for which CloudWatch already has data: the new values would be added to it.
    pub fn leave_out(&mut self, hours: &BTreeSet<Seconds>) {
        for hour in hours {
            if let Some(data) = self.hours.remove(hour) {
                self.present
                    .insert(*hour, data.iter().map(MinuteDatum::events).sum());
            }
        }
    }

    /// Replaces the data of the planned hours. Ignores data of other hours.
    pub fn replace_data(&mut self, data: Vec<MinuteDatum>) {
        self.hours.values_mut().for_each(Vec::clear);
        for datum in data {
            if let Some(hour) = self.hours.get_mut(&hour_of(&datum)) {
                hour.push(datum);
            }
        }
    }

    /// All data, by hour.
    pub fn data(&self) -> impl Iterator<Item = &MinuteDatum> {
        self.hours.values().flatten()
    }

    /// Number of requests that publishing needs.
    pub fn requests(&self) -> usize {
        let hours = self.hours.values();
        hours.map(|data| chunks(data.clone()).len()).sum()
    }

    /// Cost of publishing in USD at list prices, as if there were no other metrics.
    pub fn price(&self) -> Decimal {
        price::of_hours(self.metric_hours()) + price::of_requests(self.requests() as u64)
    }

    /// Number of distinct metrics.
    pub fn metrics(&self) -> usize {
        let metrics: BTreeSet<&UsageMetric> = self.data().map(|datum| &datum.metric).collect();
        metrics.len()
    }

    /// The number of distinct metrics in each hour, added up: what CloudWatch bills.
    fn metric_hours(&self) -> u64 {
        let hours = self.hours.values().map(|data| {
            let metrics: BTreeSet<&UsageMetric> = data.iter().map(|datum| &datum.metric).collect();
            metrics.len() as u64
        });
        hours.sum()
    }
}

/// The first second of the hour of a datum.
fn hour_of(datum: &MinuteDatum) -> Seconds {
    datum.minute.div_euclid(HOUR) * HOUR
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quarter past ten on some day.
    const NOW: Seconds = 20_000 * 86_400 + 10 * HOUR + 900;

    fn datum(minute: Seconds, value: u64) -> MinuteDatum {
        let metric = UsageMetric {
            set: MetricSet::Calls,
            name: "Get".to_owned(),
            values: vec!["eu-west-1".to_owned(), "s3.amazonaws.com".to_owned()],
        };
        MinuteDatum {
            metric,
            minute,
            value,
        }
    }

    #[test]
    fn hours_are_published_whole_or_not_at_all() {
        let over = NOW - 900 - HOUR;
        let data = vec![
            datum(NOW - 14 * 86_400 - 120, 1),
            // In the newest hour that CloudWatch no longer accepts as a whole.
            datum(NOW - 14 * 86_400 + 900, 2),
            datum(over, 4),
            datum(over + 59 * 60, 8),
            datum(NOW - 60, 16),
            datum(NOW + HOUR, 32),
        ];
        let plan = BackfillPlan::new(data.clone(), TimeWindow::default(), NOW, NOW);
        assert_eq!((plan.refused, plan.unsettled), (3, 48));
        assert_eq!(plan.hours.keys().collect::<Vec<_>>(), [&over]);
        assert_eq!(
            (plan.data().count(), plan.requests(), plan.metrics()),
            (2, 1, 1)
        );
        assert_eq!(plan.price(), price::of_hours(1) + price::of_requests(1));
        // An hour is cut by a window that begins or ends in it.
        for (since, until, cut) in [
            (over, over + HOUR, 0),
            (over + 1, over + HOUR, 12),
            (over, over + HOUR - 1, 12),
        ] {
            let window = TimeWindow {
                since: Some(since),
                until: Some(until),
            };
            let plan = BackfillPlan::new(data.clone(), window, NOW, NOW);
            assert_eq!((plan.cut, plan.hours.len()), (cut, usize::from(cut == 0)));
        }
        // One second earlier, the hour of ten had not ended a quarter of an hour ago.
        assert!(
            BackfillPlan::new(data.clone(), TimeWindow::default(), NOW - 1, NOW - 1)
                .hours
                .is_empty()
        );
        // Nor if reading began then and took an hour.
        let plan = BackfillPlan::new(data, TimeWindow::default(), NOW - 1, NOW + HOUR);
        assert!(plan.hours.is_empty());
    }

    #[test]
    fn older_data_take_longer_to_be_shown() {
        for (age, shown) in [(0, 2), (4, 2), (22, 2), (23, 72), (300, 72)] {
            let minute = NOW - age * HOUR;
            assert_eq!(visible_by(minute, NOW), NOW + shown * HOUR, "{age}");
        }
    }

    #[test]
    fn hours_that_are_there_already_are_left_out() {
        let hour = NOW - 900 - 5 * HOUR;
        let mut plan = BackfillPlan::new(
            vec![datum(hour, 1), datum(hour + HOUR, 2)],
            TimeWindow::default(),
            NOW,
            NOW,
        );
        assert_eq!(
            plan.witnesses().1..plan.witnesses().2,
            hour..hour + 2 * HOUR
        );
        plan.leave_out(&BTreeSet::from([hour + HOUR, hour + 2 * HOUR]));
        assert_eq!(plan.present, BTreeMap::from([(hour + HOUR, 2)]));
        assert_eq!(plan.hours.keys().collect::<Vec<_>>(), [&hour]);
    }

    #[test]
    fn data_of_hours_that_are_not_planned_are_ignored() {
        let hour = NOW - 900 - 5 * HOUR;
        let mut plan = BackfillPlan::new(vec![datum(hour, 1)], TimeWindow::default(), NOW, NOW);
        plan.replace_data(vec![datum(hour + 60, 2), datum(hour + HOUR, 4)]);
        assert_eq!(
            plan.hours,
            BTreeMap::from([(hour, vec![datum(hour + 60, 2)])])
        );
    }
}
