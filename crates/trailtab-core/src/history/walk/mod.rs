//! Walks through the event history of one region: decides which page to request next, and when.
//!
//! LookupEvents returns 50 events a page, newest first. The token for the next page is bound to its
//! query. So a window is walked from its end to its start, page by page. One walker uses the whole
//! quota if a page takes less than half a second. If requests are lost because no walker is free,
//! the remaining range of a walker is split, and a second walker starts in the middle. The first
//! one stops where the second one began, since its query cannot be narrowed.
//!
//! This module neither waits nor sends requests: the caller does what [`RegionScan::step`] returns, and
//! reports the result.

#[cfg(test)]
mod tests;

use crate::history::pace::RateLimiter;
use crate::time::{Seconds, TimeRange};

/// Events on a page, by AWS's documentation of LookupEvents.
pub const PAGE: usize = 50;

/// Maximum number of walkers in a region: enough for pages that take four seconds.
const WALKERS: usize = 8;

/// Seconds of unused quota after which another walker starts.
const LOST: f64 = 0.25;

/// Minimum number of remaining events for which a range is split.
const WORTH_SPLITTING: f64 = 1.5 * PAGE as f64;

/// Consecutive failures, other than throttles, after which a region is given up; with the pauses, after somewhat more
/// than a minute.
const FAILURES: u32 = 8;

/// Empty pages in a row, each with a token for the next one, after which a region is given up.
const EMPTY_PAGES: u32 = 200;

/// A page to request. `to` is inclusive, as in LookupEvents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// The index of the walker that the page is for.
    pub walker: usize,
    /// `StartTime`, in seconds since 1970-01-01T00:00:00Z.
    pub from: Seconds,
    /// `EndTime`, in seconds since 1970-01-01T00:00:00Z.
    pub to: Seconds,
    /// `NextToken` of the page before; absent for the first page of a query.
    pub token: Option<String>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send this request.
    Ask(PageRequest),
    /// Wait for this time, or for an answer.
    Wait(f64),
    /// Wait for an answer.
    Listen,
    /// Everything has been read.
    Done,
}

/// The parts of a page that the walk needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageSpan {
    /// Number of events in the page.
    pub events: usize,
    /// The time of the newest event, in seconds since 1970-01-01T00:00:00Z; absent if the page is empty.
    pub newest: Option<Seconds>,
    /// The time of the oldest event, in seconds since 1970-01-01T00:00:00Z; absent if the page is
    /// empty.
    pub oldest: Option<Seconds>,
    /// Whether the events are sorted, newest first.
    pub is_ordered: bool,
    /// `NextToken`; absent on the last page of a query.
    pub token: Option<String>,
}

/// Why the walk through a region ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GiveUp {
    /// The `NextToken` of a page is the token of its own request.
    #[error("the same page came again and again")]
    Circle,
    /// Too many pages in a row were empty.
    #[error("{EMPTY_PAGES} empty pages came in a row")]
    Empty,
    /// Too many requests in a row failed.
    #[error("{FAILURES} requests in a row failed")]
    Failures,
}

/// One walker: the part of a window that it reads, and its position.
#[derive(Debug, Clone)]
struct PageCursor {
    /// The query that its token is bound to.
    query: TimeRange,
    token: Option<String>,
    /// The seconds from here on are complete.
    reached: Seconds,
    /// The oldest second to read; the query can extend beyond it.
    goal: Seconds,
    start: Seconds,
    events: u64,
    in_flight: bool,
    /// Whether its pages came newest first, as AWS promises. If not, no second counts as complete before the last
    /// page.
    is_ordered: bool,
    /// When its last request was sent.
    sent: f64,
    empty_pages: u32,
}

impl PageCursor {
    fn new(span: TimeRange) -> PageCursor {
        PageCursor {
            query: span,
            token: None,
            reached: span.until,
            goal: span.from,
            start: span.until,
            events: 0,
            in_flight: false,
            is_ordered: true,
            sent: f64::MIN,
            empty_pages: 0,
        }
    }

    fn is_done(&self) -> bool {
        self.reached <= self.goal
    }

    /// Events per second of the window.
    fn density(&self) -> Option<f64> {
        let walked = self.start - self.reached;
        (walked > 0 && self.events > 0).then(|| self.events as f64 / walked as f64)
    }
}

/// The walk through the windows of one region.
#[derive(Debug, Clone)]
pub struct RegionScan {
    pace: RateLimiter,
    walkers: Vec<PageCursor>,
    /// Seconds in which the limiter allowed a request and no walker was free to send it.
    lost: f64,
    /// The time up to which `lost` is counted.
    looked: f64,
    /// Consecutive failures, the time of the last one, and the end of the pause of all walkers after it.
    failures: u32,
    failed: f64,
    not_before: f64,
    requests: u64,
    throttles: u64,
    events: u64,
}

impl RegionScan {
    /// Starts a walk through `windows`, in order, with at most `max` requests per second.
    pub fn new(windows: &[TimeRange], max: f64, now: f64) -> RegionScan {
        let windows = windows.iter().filter(|span| span.from < span.until);
        RegionScan {
            pace: RateLimiter::new(max, now),
            walkers: windows.map(|&span| PageCursor::new(span)).collect(),
            lost: 0.0,
            looked: now,
            failures: 0,
            failed: f64::MIN,
            not_before: f64::MIN,
            requests: 0,
            throttles: 0,
            events: 0,
        }
    }

    /// Returns what to do next.
    pub fn step(&mut self, now: f64) -> Step {
        self.look(now);
        if !self.walkers.iter().any(|w| w.in_flight || !w.is_done()) {
            return Step::Done;
        }
        let free = |w: &PageCursor| !w.in_flight && !w.is_done();
        let first = self.walkers.iter().position(free);
        let flying = self.walkers.iter().filter(|w| w.in_flight).count();
        match first {
            Some(_) if flying >= WALKERS => Step::Listen,
            Some(index) => {
                let ready = self.pace.ready_at(now).max(self.not_before);
                if ready <= now {
                    self.ask(index, now)
                } else {
                    Step::Wait(ready)
                }
            }
            None => self.split(flying, now),
        }
    }

    /// Returns the next request of a free walker, if there is one.
    fn ask(&mut self, index: usize, now: f64) -> Step {
        self.pace.send(now);
        self.requests += 1;
        let walker = &mut self.walkers[index];
        walker.in_flight = true;
        walker.sent = now;
        Step::Ask(PageRequest {
            walker: index,
            from: walker.query.from,
            to: walker.query.until - 1,
            token: walker.token.clone(),
        })
    }

    /// Starts another walker if requests were lost because no walker was free.
    fn split(&mut self, flying: usize, now: f64) -> Step {
        let Some((index, middle)) = self.where_to_split().filter(|_| flying < WALKERS) else {
            return Step::Listen;
        };
        if self.lost < LOST {
            // A little later than that moment, so that rounding cannot repeat the wait.
            let enough = self.pace.full_at(now).max(now) + LOST - self.lost;
            return Step::Wait(enough + 0.001);
        }
        self.lost = 0.0;
        let walker = &mut self.walkers[index];
        let rest = TimeRange {
            from: walker.goal,
            until: middle,
        };
        walker.goal = middle;
        self.walkers.push(PageCursor::new(rest));
        self.step(now)
    }

    /// Finds the walker with the most events left, and the middle of the range that remains after the page it waits
    /// for.
    fn where_to_split(&self) -> Option<(usize, Seconds)> {
        let ways = self
            .walkers
            .iter()
            .enumerate()
            .filter_map(|(index, walker)| {
                let density = walker.density().filter(|_| walker.in_flight)?;
                let next = walker.reached - (PAGE as f64 / density) as Seconds;
                let left = (next - walker.goal) as f64 * density;
                let middle = walker.goal + (next - walker.goal) / 2;
                (left >= WORTH_SPLITTING && walker.goal < middle).then_some((left, index, middle))
            });
        let longest = ways.max_by(|a, b| a.0.total_cmp(&b.0));
        longest.map(|(_, index, middle)| (index, middle))
    }

    /// Adds the time in which the limiter allowed a request and no walker was free to send it.
    fn look(&mut self, now: f64) {
        if self.walkers.iter().all(|w| w.in_flight || w.is_done()) {
            let from = self.pace.full_at(now).max(self.looked);
            self.lost += (now - from).max(0.0);
        }
        self.looked = now;
    }

    /// Processes a page. Returns the seconds that it completes. Events older than these and the second before them
    /// belong to another walker.
    ///
    /// # Errors
    ///
    /// If pages repeat, or too many in a row are empty.
    pub fn arrived(
        &mut self,
        ask: &PageRequest,
        page: &PageSpan,
        now: f64,
    ) -> Result<Arrived, GiveUp> {
        self.look(now);
        self.pace.granted(now);
        self.events += page.events as u64;
        let walker = &mut self.walkers[ask.walker];
        walker.in_flight = false;
        walker.events += page.events as u64;
        walker.empty_pages = match page.events {
            0 => walker.empty_pages + 1,
            _ => 0,
        };
        let before = walker.reached;
        walker.is_ordered &= page.is_ordered && page.newest.is_none_or(|newest| newest <= before);
        match &page.token {
            None => walker.reached = walker.goal,
            Some(token) if Some(token) == ask.token.as_ref() => return Err(GiveUp::Circle),
            Some(_) if walker.empty_pages >= EMPTY_PAGES => return Err(GiveUp::Empty),
            Some(_) if !walker.is_ordered => {}
            Some(_) => {
                // The oldest second can continue on the next page.
                let complete = page
                    .oldest
                    .map_or(before, |oldest| oldest.saturating_add(1));
                walker.reached = complete.clamp(walker.goal, before);
            }
        }
        walker.token.clone_from(&page.token);
        if walker.reached < before || !walker.is_ordered {
            self.failures = 0;
        }
        Ok(Arrived {
            covered: TimeRange {
                from: walker.reached,
                until: before,
            },
            goal: walker.goal,
        })
    }

    /// Records that a request was throttled. `jitter` is a random number from 0 to 1.
    pub fn throttled(&mut self, ask: &PageRequest, now: f64, jitter: f64) {
        self.look(now);
        self.throttles += 1;
        self.pace.throttled(now, jitter);
        self.walkers[ask.walker].in_flight = false;
    }

    /// Records a failure that may be temporary. `jitter` is a random number from 0 to 1.
    ///
    /// # Errors
    ///
    /// If too many requests in a row failed.
    pub fn failed(&mut self, ask: &PageRequest, now: f64, jitter: f64) -> Result<(), GiveUp> {
        self.look(now);
        let walker = &mut self.walkers[ask.walker];
        walker.in_flight = false;
        if walker.sent < self.failed {
            // This request was sent before the last failure arrived, so it is not further evidence.
            return Ok(());
        }
        self.failed = now;
        self.failures += 1;
        if self.failures >= FAILURES {
            return Err(GiveUp::Failures);
        }
        let pause = f64::from(self.failures - 1).exp2().min(20.0) * (0.75 + 0.5 * jitter);
        self.not_before = now + pause;
        Ok(())
    }

    /// Discards a walker's token, which the service no longer accepts. The walker continues from the oldest second
    /// that it has seen.
    ///
    /// # Errors
    ///
    /// If that happens repeatedly.
    pub fn restart(&mut self, ask: &PageRequest, now: f64, jitter: f64) -> Result<(), GiveUp> {
        self.failed(ask, now, jitter)?;
        let walker = &mut self.walkers[ask.walker];
        walker.token = None;
        walker.query = TimeRange {
            from: walker.goal,
            until: walker.reached,
        };
        Ok(())
    }

    /// The ranges that are not complete yet, newest first.
    pub fn missing(&self) -> Vec<TimeRange> {
        let open = self.walkers.iter().filter(|walker| !walker.is_done());
        let mut missing: Vec<TimeRange> = open
            .map(|walker| TimeRange {
                from: walker.goal,
                until: walker.reached,
            })
            .collect();
        missing.sort_unstable_by(|a, b| b.cmp(a));
        missing
    }

    /// The progress of the walk.
    pub fn look_around(&self, now: f64) -> View {
        let (mut walked, mut events) = (0, 0);
        for walker in &self.walkers {
            walked += walker.start - walker.reached;
            events += walker.events;
        }
        let overall = if walked > 0 {
            events as f64 / walked as f64
        } else {
            0.0
        };
        let open = self.walkers.iter().filter(|walker| !walker.is_done());
        let left = open.map(|walker| {
            let way = (walker.reached - walker.goal) as f64;
            way * walker.density().unwrap_or(overall)
        });
        let events_left = left.sum::<f64>();
        let reached = self.missing().first().map(|span| span.until);
        View {
            requests: self.requests,
            throttles: self.throttles,
            events: self.events,
            reached,
            events_left: events_left.max(0.0) as u64,
            seconds_left: events_left / PAGE as f64 / self.pace.rate(now),
        }
    }
}

/// The result of processing a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// The seconds that the page completes.
    pub covered: TimeRange,
    /// Events older than this belong to another walker.
    pub goal: Seconds,
}

/// The progress of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct View {
    /// Requests sent.
    pub requests: u64,
    /// Requests that were throttled.
    pub throttles: u64,
    /// Events in the pages that arrived.
    pub events: u64,
    /// All seconds from here on are complete; absent at the end.
    pub reached: Option<Seconds>,
    /// Estimate from the density of events so far.
    pub events_left: u64,
    /// Estimated seconds to read these events at the current rate.
    pub seconds_left: f64,
}
