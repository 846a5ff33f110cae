//! Sums over calls, and the times of the first and last one.

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
    #[inline]
    pub(super) fn add(&mut self, ended: CallEnd, read_only: Option<bool>, time: Option<Seconds>) {
        self.calls += 1;
        self.failed += u64::from(ended != CallEnd::Succeeded);
        self.denied += u64::from(ended == CallEnd::Denied);
        self.reads += u64::from(read_only == Some(true));
        self.writes += u64::from(read_only == Some(false));
        if let Some(time) = time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
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
