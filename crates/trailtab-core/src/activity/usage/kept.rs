//! Which metrics of a set are kept: each costs money, so their number is limited.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::UsageTally;
use super::metrics::{MetricSet, MetricSets, MinuteDatum, UsageMetric};
use crate::time::Seconds;

/// Default number of metrics in a set besides `__other__`.
pub const TOP: usize = 1000;

/// A metric's counts by minute.
type MinuteCounts = BTreeMap<Seconds, u64>;

/// The metrics that have a place of their own.
///
/// The choice is stable: a metric keeps its place, so that it does not come and go. Free places go
/// to the metrics with the most calls, then by name. All others count under `__other__`, so the sum
/// of a set is always the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricLimit {
    top: usize,
    sets: BTreeMap<MetricSet, BTreeSet<UsageMetric>>,
}

/// The stored form of the metrics of one set: names and values of the dimensions.
#[derive(Debug, Deserialize)]
struct RememberedMetric(BTreeMap<String, BTreeSet<(String, Vec<String>)>>);

impl MetricLimit {
    /// Creates an empty list that keeps at most `top` metrics in each set.
    pub fn new(top: usize) -> MetricLimit {
        MetricLimit {
            top,
            sets: BTreeMap::new(),
        }
    }

    /// The number of metrics that have a place. It never falls.
    pub fn places_taken(&self) -> usize {
        self.sets.values().map(BTreeSet::len).sum()
    }

    /// Makes one datum for each kept metric and minute, sorted by set, minute and metric.
    pub fn data(&mut self, usage: &UsageTally, sets: &MetricSets) -> Vec<MinuteDatum> {
        let mut data = Vec::new();
        for set in sets.iter() {
            let mut minutes = BTreeMap::<UsageMetric, MinuteCounts>::new();
            for row in usage.rows() {
                for (read_only, count) in set.counts(&row.calls) {
                    if count > 0 {
                        let metric = UsageMetric::of(set, &row, read_only);
                        *minutes
                            .entry(metric)
                            .or_default()
                            .entry(row.minute)
                            .or_default() += count;
                    }
                }
            }
            minutes = self.fold(set, minutes, UsageMetric::is_acceptable);
            let mut of_set: Vec<MinuteDatum> = minutes
                .into_iter()
                .flat_map(|(metric, minutes)| {
                    let datum = move |(minute, value)| MinuteDatum {
                        metric: metric.clone(),
                        minute,
                        value,
                    };
                    minutes.into_iter().map(datum)
                })
                .collect();
            // Already sorted by metric, and a stable sort preserves that.
            of_set.sort_by_key(|datum| datum.minute);
            data.append(&mut of_set);
        }
        data
    }

    /// Assigns free places, and moves metrics without a place to `__other__`, as well as metrics
    /// that CloudWatch would not accept.
    fn fold(
        &mut self,
        set: MetricSet,
        mut minutes: BTreeMap<UsageMetric, MinuteCounts>,
        is_acceptable: impl Fn(&UsageMetric) -> bool,
    ) -> BTreeMap<UsageMetric, MinuteCounts> {
        let kept = self.sets.entry(set).or_default();
        let mut newcomers: Vec<(u64, &UsageMetric)> = minutes
            .iter()
            .filter(|(metric, _)| !kept.contains(metric) && is_acceptable(metric))
            .map(|(metric, minutes)| (minutes.values().sum(), metric))
            .collect();
        let places = self.top.saturating_sub(kept.len());
        newcomers.sort_unstable_by(|(a, metric), (b, other)| b.cmp(a).then(metric.cmp(other)));
        let newcomers = newcomers.into_iter().take(places);
        kept.extend(newcomers.map(|(_, metric)| metric.clone()));
        let others: Vec<UsageMetric> = minutes
            .keys()
            .filter(|metric| !kept.contains(metric) || !is_acceptable(metric))
            .cloned()
            .collect();
        let mut rest = MinuteCounts::new();
        for metric in others {
            for (minute, count) in minutes.remove(&metric).into_iter().flatten() {
                *rest.entry(minute).or_default() += count;
            }
        }
        if !rest.is_empty() {
            let other = minutes.entry(UsageMetric::other(set)).or_default();
            for (minute, count) in rest {
                *other.entry(minute).or_default() += count;
            }
        }
        minutes
    }

    /// Serializes the list for [`MetricLimit::read`].
    pub fn to_json(&self) -> Vec<u8> {
        let sets = self.sets.iter().map(|(set, metrics)| {
            let rows = metrics.iter().map(|metric| (&metric.name, &metric.values));
            (set.shape().word, rows.collect::<Vec<_>>())
        });
        // Serializing maps of strings does not fail.
        serde_json::to_vec(&sets.collect::<BTreeMap<_, _>>()).unwrap_or_default()
    }

    /// Parses a stored list. Entries that do not fit the table any more are left out.
    ///
    /// # Errors
    ///
    /// If the text is not such a list.
    pub fn read(json: &[u8], top: usize) -> Result<MetricLimit, serde_json::Error> {
        let RememberedMetric(sets) = serde_json::from_slice(json)?;
        let mut kept = MetricLimit::new(top);
        for (word, rows) in sets {
            let Some(set) = MetricSet::named(&word) else {
                continue;
            };
            let fits = |values: &Vec<String>| values.len() == set.shape().dimensions.len();
            let rows = rows.into_iter().filter(|(_, values)| fits(values));
            let metrics = rows.map(|(name, mut values)| {
                values.shrink_to_fit();
                UsageMetric { set, name, values }
            });
            kept.sets.entry(set).or_default().extend(metrics);
        }
        Ok(kept)
    }
}
