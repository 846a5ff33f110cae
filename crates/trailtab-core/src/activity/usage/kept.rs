//! Which metrics of a set are kept: each costs money, so there is a limit.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::metrics::{Metric, Set};
use crate::time::Seconds;

/// Metrics in a set besides `__other__` unless somebody says otherwise.
pub const TOP: usize = 1000;

/// A metric's counts by minute.
type Minutes = BTreeMap<Seconds, u64>;

/// The metrics that have a place of their own.
///
/// The rule is stable: whoever has a place keeps it, so that a metric does not come and go. While there
/// are free places, the metrics with most calls take them, and where those are equal, the first by name.
/// All others count under `__other__`, and so a set always adds up to the same sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    top: usize,
    sets: BTreeMap<Set, BTreeSet<Metric>>,
}

/// The form in which the metrics of one set are remembered: name and values of the dimensions.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered(BTreeMap<String, BTreeSet<(String, Vec<String>)>>);

impl Kept {
    /// Keeps at most `top` metrics in each set.
    pub fn new(top: usize) -> Kept {
        Kept {
            top,
            sets: BTreeMap::new(),
        }
    }

    /// Lets metrics take free places, and puts what has none under `__other__`, as well as what
    /// CloudWatch would not take.
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

    /// Writes the list, to be read by [`Kept::read`].
    pub fn to_json(&self) -> Vec<u8> {
        let sets = self.sets.iter().map(|(set, metrics)| {
            let metrics = metrics.iter();
            let rows = metrics.map(|metric| (metric.name.clone(), metric.values.clone()));
            (set.shape().word.to_owned(), rows.collect())
        });
        // Maps of strings can always be written.
        serde_json::to_vec(&Remembered(sets.collect())).unwrap_or_default()
    }

    /// Reads a list that was written before; what does not fit the table any more is left out.
    ///
    /// # Errors
    ///
    /// If it is no such list.
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
