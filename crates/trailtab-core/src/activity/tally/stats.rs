//! Sums over calls, and the times of the first and last one.

use crate::event::counter::CallCount;
use crate::time::Seconds;

/// Calls, and the times of the first and last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SeenStats {
    /// Number of calls.
    pub calls: u64,
    /// Calls whose record has an error code or message, or states a failure.
    pub failed: u64,
    /// Failed calls that AWS refused.
    pub denied: u64,
    /// Calls whose record says `readOnly: true`.
    pub reads: u64,
    /// Calls whose record says `readOnly: false`. Calls without `readOnly` are in neither count.
    pub writes: u64,
    /// The earliest eventTime; absent if no record has a time.
    pub first: Option<Seconds>,
    /// The latest eventTime; absent if no record has a time.
    pub last: Option<Seconds>,
}

impl SeenStats {
    /// So many calls, of which nothing else is known.
    pub(super) fn of_calls(calls: u64) -> SeenStats {
        SeenStats {
            calls,
            ..SeenStats::default()
        }
    }

    /// Adds equal calls.
    #[inline]
    pub(super) fn add(&mut self, calls: CallCount, ended: CallEnd, read_only: Option<bool>) {
        let of = |applies: bool| if applies { calls.count } else { 0 };
        self.calls += calls.count;
        self.failed += of(ended != CallEnd::Succeeded);
        self.denied += of(ended == CallEnd::Denied);
        self.reads += of(read_only == Some(true));
        self.writes += of(read_only == Some(false));
        if let Some((from, to)) = calls.times {
            self.first = Some(self.first.map_or(from, |first| first.min(from)));
            self.last = Some(self.last.map_or(to, |last| last.max(to)));
        }
    }

    /// Adds the calls of another.
    pub fn merge(&mut self, other: &SeenStats) {
        self.calls += other.calls;
        self.failed += other.failed;
        self.denied += other.denied;
        self.reads += other.reads;
        self.writes += other.writes;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallEnd {
    Succeeded,
    /// AWS refused it.
    Denied,
    /// It failed for another reason.
    Failed,
}
