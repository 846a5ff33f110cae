//! Limits the number and rate of requests to Cost Explorer.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{self, Instant};

/// The limits of a run.
#[derive(Debug, Clone)]
pub struct RequestLimits {
    /// Maximum number of charged requests.
    pub max_requests: u64,
    /// Maximum requests started within any second. AWS documents no limit; about ten succeed.
    pub per_second: usize,
    /// The wait before the first retry; doubled after each further one.
    pub first_wait: Duration,
    /// Time limit for one page, including retries.
    pub page_timeout: Duration,
}

impl RequestLimits {
    /// The default limits for AWS.
    pub fn new(max_requests: u64) -> RequestLimits {
        RequestLimits {
            max_requests,
            per_second: 5,
            first_wait: Duration::from_millis(500),
            page_timeout: Duration::from_secs(120),
        }
    }
}

/// Counts the requests of a run.
#[derive(Debug)]
pub(super) struct RequestBudget {
    most: u64,
    sent: AtomicU64,
    charged: AtomicU64,
}

impl RequestBudget {
    pub(super) fn new(most: u64) -> RequestBudget {
        RequestBudget {
            most,
            sent: AtomicU64::new(0),
            charged: AtomicU64::new(0),
        }
    }

    /// Reserves one request; false if the budget is used up.
    pub(super) fn take(&self) -> bool {
        let more = |charged: u64| (charged < self.most).then_some(charged + 1);
        let taken = self
            .charged
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.is_ok()
    }

    /// Releases the reservation of a request that was not charged.
    pub(super) fn give_back(&self) {
        self.charged.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts a sent request.
    pub(super) fn send(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn charged(&self) -> u64 {
        self.charged.load(Ordering::Relaxed)
    }
}

/// Schedules request starts: a limited number within any second, and none for a while after AWS
/// throttled one.
#[derive(Debug)]
pub(super) struct RequestPace {
    per_second: usize,
    state: Mutex<RequestStarts>,
}

#[derive(Debug, Default)]
struct RequestStarts {
    /// The last start times in order, at most `per_second`.
    last: VecDeque<Instant>,
    not_before: Option<Instant>,
}

impl RequestPace {
    pub(super) fn new(per_second: usize) -> RequestPace {
        RequestPace {
            per_second: per_second.max(1),
            state: Mutex::default(),
        }
    }

    /// Waits until the next request may start.
    pub(super) async fn wait(&self) {
        let start = self.book(Instant::now());
        time::sleep_until(start).await;
    }

    /// Delays all further requests until a time.
    pub(super) fn hold(&self, until: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.not_before = state.not_before.max(Some(until));
    }

    /// Reserves the start time of the next request.
    fn book(&self, now: Instant) -> Instant {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut start = now.max(state.not_before.unwrap_or(now));
        start = start.max(state.last.back().copied().unwrap_or(now));
        if state.last.len() == self.per_second
            && let Some(first) = state.last.pop_front()
        {
            start = start.max(first + Duration::from_secs(1));
        }
        state.last.push_back(start);
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_no_more_starts_than_are_allowed() {
        let pace = RequestPace::new(5);
        let now = Instant::now();
        let later = |start: Instant| start.duration_since(now).as_millis();
        let starts: Vec<_> = (0..12).map(|_| later(pace.book(now))).collect();
        assert_eq!(
            starts,
            [0, 0, 0, 0, 0, 1000, 1000, 1000, 1000, 1000, 2000, 2000]
        );
        pace.hold(now + Duration::from_secs(10));
        assert_eq!(later(pace.book(now)), 10_000);
        // A caller with an older time does not go first.
        assert_eq!(later(pace.book(now)), 10_000);
        let quiet = now + Duration::from_secs(60);
        assert_eq!(pace.book(quiet), quiet);
    }

    #[test]
    fn a_budget_is_never_overdrawn() {
        let budget = RequestBudget::new(2);
        assert!(budget.take() && budget.take() && !budget.take());
        budget.give_back();
        assert!(budget.take() && !budget.take());
        assert_eq!((budget.charged(), budget.sent()), (2, 0));
        assert!(!RequestBudget::new(0).take());
    }
}
