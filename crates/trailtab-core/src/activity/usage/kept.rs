//! Which metrics of a set are kept: each costs money, so their number is limited.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::metrics::{Metric, Set};
use crate::time::Seconds;

/// Default number of metrics in a set besides `__other__`.
pub const TOP: usize = 1000;

/// A metric's counts by minute.
type Minutes = BTreeMap<Seconds, u64>;

/// The metrics that have a place of their own.
///
/// The choice is stable: a metric keeps its place, so that it does not come and go. Free places go
/// to the metrics with the most calls, then by name. All others count under `__other__`, so the sum
/// of a set is always the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    top: usize,
    sets: BTreeMap<Set, BTreeSet<Metric>>,
}

/// The stored form of the metrics of one set: names and values of the dimensions.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered(BTreeMap<String, BTreeSet<(String, Vec<String>)>>);

impl Kept {
    /// Creates an empty list that keeps at most `top` metrics in each set.
    pub fn new(top: usize) -> Kept {
        Kept {
            top,
            sets: BTreeMap::new(),
        }
    }

    /// Assigns free places, and moves metrics without a place to `__other__`, as well as metrics
    /// that CloudWatch would not accept.
    pub(super) fn fold(
        &mut self,
        set: Set,
        mut minutes: BTreeMap<Metric, Minutes>,
        is_acceptable: impl Fn(&Metric) -> bool,
    ) -> BTreeMap<Metric, Minutes> {
        let kept = self.sets.entry(set).or_default();
        let mut newcomers: Vec<(u64, &Metric)> = minutes
            .iter()
            .filter(|(metric, _)| !kept.contains(metric) && is_acceptable(metric))
            .map(|(metric, minutes)| (minutes.values().sum(), metric))
            .collect();
        let places = self.top.saturating_sub(kept.len());
        newcomers.sort_unstable_by(|(a, metric), (b, other)| b.cmp(a).then(metric.cmp(other)));
        let newcomers = newcomers.into_iter().take(places);
        kept.extend(newcomers.map(|(_, metric)| metric.clone()));
        let others: Vec<Metric> = minutes
            .keys()
            .filter(|metric| !kept.contains(metric) || !is_acceptable(metric))
            .cloned()
            .collect();
        let mut rest = Minutes::new();
        for metric in others {
            for (minute, count) in minutes.remove(&metric).into_iter().flatten() {
                *rest.entry(minute).or_default() += count;
            }
        }
        if !rest.is_empty() {
            let other = minutes.entry(Metric::other(set)).or_default();
            for (minute, count) in rest {
                *other.entry(minute).or_default() += count;
            }
        }
        minutes
    }

    /// Serializes the list for [`Kept::read`].
    pub fn to_json(&self) -> Vec<u8> {
        let sets = self.sets.iter().map(|(set, metrics)| {
            let metrics = metrics.iter();
            let rows = metrics.map(|metric| (metric.name.clone(), metric.values.clone()));
            (set.shape().word.to_owned(), rows.collect())
        });
        // Serializing maps of strings does not fail.
        serde_json::to_vec(&Remembered(sets.collect())).unwrap_or_default()
    }

    /// Parses a stored list. Entries that do not fit the table any more are left out.
    ///
    /// # Errors
    ///
    /// If the text is not such a list.
    pub fn read(json: &[u8], top: usize) -> Result<Kept, serde_json::Error> {
        let Remembered(sets) = serde_json::from_slice(json)?;
        let mut kept = Kept::new(top);
        for (word, rows) in sets {
            let Some(set) = Set::named(&word) else {
                continue;
            };
            let fits = |values: &Vec<String>| values.len() == set.shape().dimensions.len();
            let rows = rows.into_iter().filter(|(_, values)| fits(values));
            let metrics = rows.map(|(name, values)| Metric { set, name, values });
            kept.sets.entry(set).or_default().extend(metrics);
        }
        Ok(kept)
    }
}
