//! Walks through the event history of one region: decides which page to request next, and when.
//!
//! LookupEvents returns 50 events a page, newest first. The token for the next page is bound to its
//! query. So a window is walked from its end to its start, page by page. One walker uses the whole
//! quota if a page takes less than half a second. If requests are lost because no walker is free,
//! the remaining range of a walker is split, and a second walker starts in the middle. The first
//! one stops where the second one began, since its query cannot be narrowed.
//!
//! This module neither waits nor sends requests: the caller does what [`Walk::step`] returns, and
//! reports the result.

#[cfg(test)]
mod tests;

use crate::history::pace::Pace;
use crate::history::spans::Span;
use crate::time::Seconds;

/// Events on a page, by AWS's documentation of LookupEvents.
pub const PAGE: usize = 50;

/// Walkers at once in one region: enough for pages that take four seconds.
const WALKERS: usize = 8;

/// Seconds for which requests could have gone before another walker starts.
const LOST: f64 = 0.25;

/// Events that must be left for a split to pay.
const WORTH_SPLITTING: f64 = 1.5 * PAGE as f64;

/// Failures in a row, other than throttles, after which a region is given up: with the pauses in
/// between, somewhat more than a minute.
const FAILURES: u32 = 8;

/// Empty pages in a row, each with a token for the next one, after which a region is given up.
const EMPTY_PAGES: u32 = 200;

/// A page to ask for. `to` is inclusive, as LookupEvents means it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The index of the walker that asks.
    pub walker: usize,
    /// `StartTime`, in seconds since 1970-01-01T00:00:00Z.
    pub from: Seconds,
    /// `EndTime`, in seconds since 1970-01-01T00:00:00Z.
    pub to: Seconds,
    /// `NextToken` of the page before; None for the first page of a query.
    pub token: Option<String>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send this request.
    Ask(Ask),
    /// Wait for this time, or for an answer.
    Wait(f64),
    /// Wait for an answer.
    Listen,
    /// Everything has been read.
    Done,
}

/// A page, as far as the walk looks at it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Number of events in the page.
    pub events: usize,
    /// The times of the newest and the oldest event.
    pub newest: Option<Seconds>,
    /// The time of the oldest event, in seconds since 1970-01-01T00:00:00Z; None if the page is
    /// empty.
    pub oldest: Option<Seconds>,
    /// Whether the newest comes first, and no event before a newer one.
    pub is_ordered: bool,
    /// `NextToken`; None on the last page of a query.
    pub token: Option<String>,
}

/// Why a region cannot be walked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GiveUp {
    /// A page came with the token that it was asked for with.
    #[error("the same page came again and again")]
    Circle,
    /// Too many pages in a row were empty.
    #[error("{EMPTY_PAGES} empty pages came in a row")]
    Empty,
    /// Too many requests in a row failed.
    #[error("{FAILURES} requests in a row failed")]
    Failures,
}

/// The part of a window that one walker takes.
#[derive(Debug, Clone)]
struct Walker {
    /// The query that its token is bound to.
    query: Span,
    token: Option<String>,
    /// The seconds from here on are complete.
    reached: Seconds,
    /// The last second to walk to; the query may go beyond.
    goal: Seconds,
    start: Seconds,
    events: u64,
    in_flight: bool,
    /// Whether its pages came newest first, as AWS promises. If not, only their end proves anything.
    is_ordered: bool,
    /// When its last request went.
    sent: f64,
    empty_pages: u32,
}

impl Walker {
    fn new(span: Span) -> Walker {
        Walker {
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
pub struct Walk {
    pace: Pace,
    walkers: Vec<Walker>,
    /// Seconds in which a request could have gone, and nobody was free to send one.
    lost: f64,
    /// Up to when `lost` is right.
    looked: f64,
    /// Failures in a row, when the last one came, and until when all walkers pause because of it.
    failures: u32,
    failed: f64,
    not_before: f64,
    requests: u64,
    throttles: u64,
    events: u64,
}

impl Walk {
    /// A walk through `windows`, the first one first, at `max` requests per second at most.
    pub fn new(windows: &[Span], max: f64, now: f64) -> Walk {
        let windows = windows.iter().filter(|span| span.from < span.until);
        Walk {
            pace: Pace::new(max, now),
            walkers: windows.map(|&span| Walker::new(span)).collect(),
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

    /// Says what to do next.
    pub fn step(&mut self, now: f64) -> Step {
        self.look(now);
        if !self.walkers.iter().any(|w| w.in_flight || !w.is_done()) {
            return Step::Done;
        }
        let free = |w: &Walker| !w.in_flight && !w.is_done();
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

    /// Sends a walker that is free.
    fn ask(&mut self, index: usize, now: f64) -> Step {
        self.pace.send(now);
        self.requests += 1;
        let walker = &mut self.walkers[index];
        walker.in_flight = true;
        walker.sent = now;
        Step::Ask(Ask {
            walker: index,
            from: walker.query.from,
            to: walker.query.until - 1,
            token: walker.token.clone(),
        })
    }

    /// Starts another walker if requests were lost for want of one.
    fn split(&mut self, flying: usize, now: f64) -> Step {
        let Some((index, middle)) = self.where_to_split().filter(|_| flying < WALKERS) else {
            return Step::Listen;
        };
        if self.lost < LOST {
            // A little later than that moment, so that rounding cannot make it come again.
            let enough = self.pace.full_at(now).max(now) + LOST - self.lost;
            return Step::Wait(enough + 0.001);
        }
        self.lost = 0.0;
        let walker = &mut self.walkers[index];
        let rest = Span {
            from: walker.goal,
            until: middle,
        };
        walker.goal = middle;
        self.walkers.push(Walker::new(rest));
        self.step(now)
    }

    /// Finds the walker with the longest way left, and the middle of what will be left when the page
    /// that it waits for has come.
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

    /// Counts the time in which a request could have gone and nobody was free.
    fn look(&mut self, now: f64) {
        if self.walkers.iter().all(|w| w.in_flight || w.is_done()) {
            let from = self.pace.full_at(now).max(self.looked);
            self.lost += (now - from).max(0.0);
        }
        self.looked = now;
    }

    /// Takes a page. Returns the seconds that are complete now and were not before; events older than
    /// these and the second before them are another walker's.
    ///
    /// # Errors
    ///
    /// If the pages lead nowhere.
    pub fn arrived(&mut self, ask: &Ask, page: &Page, now: f64) -> Result<Arrived, GiveUp> {
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
                // The oldest second may go on on the next page.
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
            covered: Span {
                from: walker.reached,
                until: before,
            },
            goal: walker.goal,
        })
    }

    /// Takes note that a request was throttled. `jitter` is a random number from 0 to 1.
    pub fn throttled(&mut self, ask: &Ask, now: f64, jitter: f64) {
        self.look(now);
        self.throttles += 1;
        self.pace.throttled(now, jitter);
        self.walkers[ask.walker].in_flight = false;
    }

    /// Takes note that a request failed in a way that may pass. `jitter` is a random number from 0
    /// to 1.
    ///
    /// # Errors
    ///
    /// If it did not pass for more than a minute.
    pub fn failed(&mut self, ask: &Ask, now: f64, jitter: f64) -> Result<(), GiveUp> {
        self.look(now);
        let walker = &mut self.walkers[ask.walker];
        walker.in_flight = false;
        if walker.sent < self.failed {
            // It was on its way already when another one failed, and says nothing new.
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

    /// Forgets a walker's token, which the service does not know any more: it goes on from the oldest
    /// second that it has seen.
    ///
    /// # Errors
    ///
    /// If that happens again and again.
    pub fn restart(&mut self, ask: &Ask, now: f64, jitter: f64) -> Result<(), GiveUp> {
        self.failed(ask, now, jitter)?;
        let walker = &mut self.walkers[ask.walker];
        walker.token = None;
        walker.query = Span {
            from: walker.goal,
            until: walker.reached,
        };
        Ok(())
    }

    /// What has not been walked yet, newest first.
    pub fn missing(&self) -> Vec<Span> {
        let open = self.walkers.iter().filter(|walker| !walker.is_done());
        let mut missing: Vec<Span> = open
            .map(|walker| Span {
                from: walker.goal,
                until: walker.reached,
            })
            .collect();
        missing.sort_unstable_by(|a, b| b.cmp(a));
        missing
    }

    /// How far the walk has come.
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

/// What a page has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// The seconds that are complete now and were not before.
    pub covered: Span,
    /// Older events are another walker's.
    pub goal: Seconds,
}

/// How far a walk has come.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct View {
    /// Requests sent.
    pub requests: u64,
    /// Requests that were throttled.
    pub throttles: u64,
    /// Events in the pages that arrived.
    pub events: u64,
    /// Everything from here on is complete; `None` at the end.
    pub reached: Option<Seconds>,
    /// A guess from the density seen so far.
    pub events_left: u64,
    /// The seconds that reading these events takes at the present rate, a guess.
    pub seconds_left: f64,
}
