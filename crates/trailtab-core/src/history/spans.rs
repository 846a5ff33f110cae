//! Sets of seconds, represented as disjoint spans.

use crate::time::TimeRange;

/// A set of seconds. Equal sets compare as equal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecondSet {
    /// Sorted; no span is empty, and no two touch.
    spans: Vec<TimeRange>,
}

impl From<TimeRange> for SecondSet {
    fn from(span: TimeRange) -> SecondSet {
        let mut spans = SecondSet::default();
        spans.union(span);
        spans
    }
}

impl SecondSet {
    /// Adds the seconds of a span.
    pub fn union(&mut self, span: TimeRange) {
        if span.is_empty() {
            return;
        }
        // The spans that overlap or touch it are merged with it.
        let first = self.spans.partition_point(|known| known.until < span.from);
        let end = self.spans.partition_point(|known| known.from <= span.until);
        let all = self.spans[first..end]
            .iter()
            .fold(span, |all, known| all.hull(*known));
        self.spans.splice(first..end, [all]);
    }

    /// Removes the seconds of a span.
    pub fn subtract(&mut self, span: TimeRange) {
        if span.is_empty() {
            return;
        }
        let first = self.spans.partition_point(|known| known.until <= span.from);
        let end = self.spans.partition_point(|known| known.from < span.until);
        let Some(cut) = self.spans.get(first..end) else {
            return;
        };
        let (Some(head), Some(tail)) = (cut.first(), cut.last()) else {
            return;
        };
        let left = [
            TimeRange {
                from: head.from,
                until: span.from,
            },
            TimeRange {
                from: span.until,
                until: tail.until,
            },
        ];
        let left = left.into_iter().filter(|part| !part.is_empty());
        self.spans.splice(first..end, left);
    }

    /// The seconds of the set that are inside a window.
    pub fn intersect(&self, window: TimeRange) -> SecondSet {
        let first = self
            .spans
            .partition_point(|known| known.until <= window.from);
        let inside = self.spans[first..]
            .iter()
            .map(|known| known.intersect(window))
            .take_while(|part| !part.is_empty());
        SecondSet {
            spans: inside.collect(),
        }
    }

    /// The seconds of a window that are not in the set.
    pub fn gaps(&self, window: TimeRange) -> SecondSet {
        let mut gaps = SecondSet::from(window);
        for span in self.intersect(window).iter() {
            gaps.subtract(span);
        }
        gaps
    }

    /// The number of seconds.
    pub fn seconds(&self) -> u64 {
        self.iter().map(TimeRange::seconds).sum()
    }

    /// The smallest span that contains the set, unless it is empty.
    pub fn hull(&self) -> Option<TimeRange> {
        let (first, last) = (self.spans.first()?, self.spans.last()?);
        Some(first.hull(*last))
    }

    /// The spans of the set, oldest first. No two touch.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = TimeRange> + ExactSizeIterator {
        self.spans.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A set of single seconds from a small range, as a reference.
    const WORLD: i64 = 40;

    fn seconds(spans: &SecondSet) -> Vec<bool> {
        let inside = |second| {
            spans
                .iter()
                .any(|span| span.from <= second && second < span.until)
        };
        (0..WORLD).map(inside).collect()
    }

    fn span() -> impl Strategy<Value = TimeRange> {
        (0..WORLD, 0..WORLD).prop_map(|(from, until)| TimeRange { from, until })
    }

    fn holds(span: TimeRange, second: usize) -> bool {
        (span.from..span.until).contains(&(second as i64))
    }

    proptest! {
        #[test]
        fn sets_are_what_a_list_of_seconds_says(
            steps in prop::collection::vec((any::<bool>(), span()), 0..20),
            window in span(),
        ) {
            let (mut spans, mut naive) = (SecondSet::default(), vec![false; WORLD as usize]);
            for (adds, span) in steps {
                if adds {
                    spans.union(span);
                } else {
                    spans.subtract(span);
                }
                for (second, is_in) in naive.iter_mut().enumerate() {
                    *is_in = if holds(span, second) { adds } else { *is_in };
                }
                prop_assert_eq!(seconds(&spans), naive.clone());
                let apart = |pair: &[TimeRange]| pair[0].until < pair[1].from;
                prop_assert!(spans.spans.windows(2).all(apart), "{:?}", spans);
                prop_assert!(spans.iter().all(|span| !span.is_empty()));
            }
            let within = |wanted: bool| -> Vec<bool> {
                let pairs = naive.iter().enumerate();
                pairs.map(|(second, is_in)| holds(window, second) && *is_in == wanted).collect()
            };
            prop_assert_eq!(seconds(&spans.intersect(window)), within(true));
            prop_assert_eq!(seconds(&spans.gaps(window)), within(false));
            let count = naive.iter().filter(|is_in| **is_in).count();
            prop_assert_eq!(spans.seconds(), count as u64);
            let first = naive.iter().position(|is_in| *is_in);
            prop_assert_eq!(spans.hull().map(|span| span.from), first.map(|at| at as i64));
        }
    }

    #[test]
    fn the_ends_of_time_do_no_harm() {
        let all = TimeRange {
            from: i64::MIN,
            until: i64::MAX,
        };
        let mut spans = SecondSet::from(all);
        assert_eq!(spans.seconds(), u64::MAX);
        spans.subtract(TimeRange { from: 0, until: 1 });
        assert_eq!(
            spans.gaps(all),
            SecondSet::from(TimeRange { from: 0, until: 1 })
        );
    }
}
