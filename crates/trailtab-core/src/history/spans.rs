//! Sets of seconds, represented as disjoint spans.

use crate::time::Seconds;

/// A half-open range of seconds, [from, until).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first second, in seconds since 1970-01-01T00:00:00Z.
    pub from: Seconds,
    /// The first second after it, in seconds since 1970-01-01T00:00:00Z.
    pub until: Seconds,
}

impl Span {
    /// Tells whether the span contains no second.
    pub fn is_empty(self) -> bool {
        self.until <= self.from
    }

    /// The number of seconds.
    pub fn seconds(self) -> u64 {
        u64::try_from(i128::from(self.until) - i128::from(self.from)).unwrap_or(0)
    }

    /// The intersection of both; may be empty.
    pub fn intersect(self, other: Span) -> Span {
        Span {
            from: self.from.max(other.from),
            until: self.until.min(other.until),
        }
    }

    /// The smallest span that contains both; an empty span is ignored.
    pub fn hull(self, other: Span) -> Span {
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other,
            (_, true) => self,
            _ => Span {
                from: self.from.min(other.from),
                until: self.until.max(other.until),
            },
        }
    }
}

/// A set of seconds. Equal sets compare as equal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spans {
    /// Sorted; none is empty, and no two touch.
    spans: Vec<Span>,
}

impl From<Span> for Spans {
    fn from(span: Span) -> Spans {
        let mut spans = Spans::default();
        spans.union(span);
        spans
    }
}

impl Spans {
    /// Adds the seconds of a span.
    pub fn union(&mut self, span: Span) {
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
    pub fn subtract(&mut self, span: Span) {
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
            Span {
                from: head.from,
                until: span.from,
            },
            Span {
                from: span.until,
                until: tail.until,
            },
        ];
        let left = left.into_iter().filter(|part| !part.is_empty());
        self.spans.splice(first..end, left);
    }

    /// The seconds of the set that are inside a window.
    pub fn intersect(&self, window: Span) -> Spans {
        let first = self
            .spans
            .partition_point(|known| known.until <= window.from);
        let inside = self.spans[first..]
            .iter()
            .map(|known| known.intersect(window))
            .take_while(|part| !part.is_empty());
        Spans {
            spans: inside.collect(),
        }
    }

    /// The seconds of a window that are not in the set.
    pub fn gaps(&self, window: Span) -> Spans {
        let mut gaps = Spans::from(window);
        for span in self.intersect(window).iter() {
            gaps.subtract(span);
        }
        gaps
    }

    /// The number of seconds.
    pub fn seconds(&self) -> u64 {
        self.iter().map(Span::seconds).sum()
    }

    /// The smallest span that contains the set; None if the set is empty.
    pub fn hull(&self) -> Option<Span> {
        let (first, last) = (self.spans.first()?, self.spans.last()?);
        Some(first.hull(*last))
    }

    /// The spans of the set, oldest first. No two touch.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Span> + ExactSizeIterator {
        self.spans.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The seconds of a small world, one by one.
    const WORLD: i64 = 40;

    fn seconds(spans: &Spans) -> Vec<bool> {
        let inside = |second| {
            spans
                .iter()
                .any(|span| span.from <= second && second < span.until)
        };
        (0..WORLD).map(inside).collect()
    }

    fn span() -> impl Strategy<Value = Span> {
        (0..WORLD, 0..WORLD).prop_map(|(from, until)| Span { from, until })
    }

    fn holds(span: Span, second: usize) -> bool {
        (span.from..span.until).contains(&(second as i64))
    }

    proptest! {
        #[test]
        fn sets_are_what_a_list_of_seconds_says(
            steps in prop::collection::vec((any::<bool>(), span()), 0..20),
            window in span(),
        ) {
            let (mut spans, mut naive) = (Spans::default(), vec![false; WORLD as usize]);
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
                let apart = |pair: &[Span]| pair[0].until < pair[1].from;
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
        let all = Span {
            from: i64::MIN,
            until: i64::MAX,
        };
        let mut spans = Spans::from(all);
        assert_eq!(spans.seconds(), u64::MAX);
        spans.subtract(Span { from: 0, until: 1 });
        assert_eq!(spans.gaps(all), Spans::from(Span { from: 0, until: 1 }));
    }
}
