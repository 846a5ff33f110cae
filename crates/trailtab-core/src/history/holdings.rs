//! What an archive contains, and what an inspection of it found.

use crate::history::spans::SecondSet;
use crate::time::{Seconds, TimeRange};

const DAY: Seconds = 86_400;

/// Everything that an archive contains.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArchiveInventory {
    /// The contents by account and region.
    pub regions: Vec<RegionInventory>,
    /// What makes doubtful what is covered, or takes it away.
    pub findings: PathFindings,
}

/// What an archive contains of one account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionInventory {
    /// The account id, twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// The seconds whose events the archive holds completely.
    pub covered: SecondSet,
    /// The stored files.
    pub stored: StoredFiles,
}

/// Number and size of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoredFiles {
    /// Number of files.
    pub files: u64,
    /// Number of events in them.
    pub events: u64,
    /// Their size in bytes as stored, compressed.
    pub bytes: u64,
}

impl StoredFiles {
    /// Adds other files.
    pub fn merge(&mut self, other: StoredFiles) {
        self.files += other.files;
        self.events += other.events;
        self.bytes += other.bytes;
    }
}

impl ArchiveInventory {
    /// The time range that all accounts and regions are compared with: from the first covered
    /// second of any of them to the last.
    pub fn range(&self) -> Option<TimeRange> {
        let hulls = self.regions.iter().filter_map(|held| held.covered.hull());
        hulls.reduce(TimeRange::hull)
    }

    /// The files of all accounts and regions together.
    pub fn stored(&self) -> StoredFiles {
        let mut all = StoredFiles::default();
        for held in &self.regions {
            all.merge(held.stored);
        }
        all
    }
}

impl RegionInventory {
    /// How much of a span is covered.
    pub fn share(&self, span: TimeRange) -> CoveredShare {
        CoveredShare {
            part: self.covered.intersect(span).seconds(),
            whole: span.seconds(),
        }
    }
}

/// A part of a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoveredShare {
    /// Seconds that are covered.
    pub part: u64,
    /// Seconds of the whole.
    pub whole: u64,
}

impl CoveredShare {
    /// Returns whether the part is the whole.
    pub fn is_all(self) -> bool {
        self.part >= self.whole
    }

    /// The share in thousandths, rounded so that only the whole is 1000 and only nothing is 0.
    pub fn permille(self) -> u64 {
        match self.part {
            _ if self.is_all() => 1000,
            0 => 0,
            part => {
                let share = u128::from(part) * 1000 / u128::from(self.whole);
                // Less than 1000, since the part is smaller than the whole.
                (share as u64).max(1)
            }
        }
    }
}

/// Divides a range into periods of `days` days, starting at its first midnight. The periods are cut
/// at the range, so that its first and last day can be covered completely.
pub fn periods(range: TimeRange, days: i64) -> impl Iterator<Item = TimeRange> {
    let length = days.max(1).saturating_mul(DAY);
    let first = first_midnight(range);
    let count = match range.is_empty() {
        true => 0,
        false => (range.until - first + length - 1) / length,
    };
    (0..count).map(move |period| {
        let from = first + period * length;
        let until = from + length;
        TimeRange { from, until }.intersect(range)
    })
}

/// The smallest number of days, or of weeks, in a period such that there are at most `most`
/// periods.
pub fn days_to_fit(range: TimeRange, most: usize) -> i64 {
    let most = i64::try_from(most).unwrap_or(i64::MAX).max(1);
    let days = (range.until - first_midnight(range) + DAY - 1) / DAY;
    match days <= most {
        true => 1,
        false => ((days + most - 1) / most + 6) / 7 * 7,
    }
}

/// The midnight at which the first day of a range begins.
fn first_midnight(range: TimeRange) -> Seconds {
    range.from.div_euclid(DAY) * DAY
}

/// Maximum number of findings kept verbatim; the rest are only counted.
const MAX_FINDINGS: usize = 1000;

/// The result of inspecting an archive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArchiveInspection {
    /// The files that match the ledger.
    pub good: StoredFiles,
    /// Events that are or may be lost.
    pub damage: PathFindings,
    /// Findings without a loss, since the seconds were never counted as covered.
    pub remarks: PathFindings,
}

/// A list of findings, each with a path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PathFindings {
    /// The findings that are kept verbatim.
    pub named: Vec<PathFinding>,
    /// Number of further findings.
    pub more: u64,
}

/// One thing that was found in an archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathFinding {
    /// The path of the file.
    pub path: String,
    /// What is wrong with the file, as the end of a sentence that begins with its path.
    pub what: String,
}

impl PathFindings {
    /// Adds a finding; beyond the limit of named ones, it is only counted.
    pub fn add(&mut self, finding: PathFinding) {
        if self.named.len() < MAX_FINDINGS {
            self.named.push(finding);
        } else {
            self.more += 1;
        }
    }

    /// Number of findings, named or not.
    pub fn count(&self) -> u64 {
        self.named.len() as u64 + self.more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: i64, until: i64) -> TimeRange {
        TimeRange { from, until }
    }

    #[test]
    fn days_end_at_midnight_and_with_the_range() {
        let days: Vec<TimeRange> = periods(span(DAY - 10, 2 * DAY + 5), 1).collect();
        assert_eq!(
            days,
            [
                span(DAY - 10, DAY),
                span(DAY, 2 * DAY),
                span(2 * DAY, 2 * DAY + 5)
            ]
        );
        let weeks: Vec<TimeRange> = periods(span(DAY - 10, 8 * DAY), 7).collect();
        assert_eq!(weeks, [span(DAY - 10, 7 * DAY), span(7 * DAY, 8 * DAY)]);
        assert_eq!(periods(span(5, 5), 1).count(), 0);
        assert_eq!(periods(span(-5, 5), 1).count(), 2);
    }

    #[test]
    fn long_ranges_are_scaled_to_weeks() {
        assert_eq!(days_to_fit(span(0, 80 * DAY), 80), 1);
        assert_eq!(days_to_fit(span(0, 80 * DAY + 1), 80), 7);
        assert_eq!(days_to_fit(span(10, 561 * DAY), 80), 14);
        for (days, most) in [(1, 1), (9, 0), (100_000, 37), (800, 99)] {
            let range = span(DAY / 2, days * DAY);
            let count = periods(range, days_to_fit(range, most)).count();
            assert!(count <= most.max(1), "{days} {most}");
        }
    }

    #[test]
    fn nearly_all_is_not_all_and_hardly_anything_not_nothing() {
        let permille = |part, whole| CoveredShare { part, whole }.permille();
        assert_eq!(permille(0, 100_000), 0);
        assert_eq!(permille(1, 100_000), 1);
        assert_eq!(permille(99_999, 100_000), 999);
        assert_eq!(permille(100_000, 100_000), 1000);
        assert_eq!(permille(u64::MAX - 1, u64::MAX), 999);
    }

    #[test]
    fn findings_are_bounded_and_all_are_counted() {
        let mut findings = PathFindings::default();
        for n in 0..1500 {
            findings.add(PathFinding {
                path: n.to_string(),
                what: String::new(),
            });
        }
        assert_eq!((findings.named.len(), findings.count()), (1000, 1500));
    }
}
