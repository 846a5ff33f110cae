//! A rate limiter for LookupEvents in one region: a token bucket that learns what the service
//! really grants.
//!
//! CloudTrail allows two LookupEvents requests per second, account and region, shared by all
//! clients. It documents neither the burst that it allows nor what other clients use. So the bucket
//! starts with the documented rate, and throttles adjust it in three ways:
//!
//! - If a request directly after another one is throttled, there is no burst: from then on,
//!   requests keep their distance.
//! - If more was requested than was granted recently, the rate falls to the granted rate, and
//!   recovers along a cubic curve as in TCP CUBIC: slowly near the rate that was too high, and
//!   faster the longer no throttle follows. If not, the throttle was a collision with a request of
//!   another client, and the lost request is made up for.
//! - Close to the documented rate, requests arrive slightly early because clocks and networks vary,
//!   and the rate is lowered slightly.
//!
//! All times are seconds since any fixed moment.

use std::collections::VecDeque;

/// Requests that may be sent later than they could have been, and still go.
const CAPACITY: f64 = 1.9;

/// The curvature of the way back, in requests per second and second³.
const CURVATURE: f64 = 2e-6;

/// What is left of the documented rate where there is no burst: at once, after each throttle more,
/// and at least.
const SPACED: f64 = 0.97;
const SLACK: f64 = 0.94;
const SLACK_STEP: f64 = 0.988;

/// The rate does not fall below this part of itself at once, on the evidence of averages.
const FALL: f64 = 0.8;

/// After a throttle the rate falls this far below what is granted, so that the service's bucket gains
/// a little; repeatedly, if throttles come often, but never further than this.
const BREATH: f64 = 0.93;
const DEPTH: f64 = 0.9;

/// Asking for more than this times what is granted is asking for too much.
const TOO_MUCH: f64 = 1.03;
const TOO_EARLY: f64 = 1.15;

/// What is asked for after two throttles in a row at a rate near the documented one.
const HALF: f64 = 0.55;
const NEAR: f64 = 0.75;

/// After this many intervals without a grant, the rate is considered wrong.
const TOO_LONG: f64 = 1.25;

/// Correction factor: the measured grant rate is biased low by the wait after each throttle.
const HOPE: f64 = 1.05;

/// Number of recent requests from which the granted rate is measured.
const RECENT: usize = 24;

/// Number of requests from which on the measurement is used.
const KNOWN: usize = 6;

/// The first wait after a throttle, in intervals between requests; each further one is twice as
/// long.
const FIRST_WAIT: f64 = 0.1;

/// The longest wait after a throttle, in intervals between requests.
const MAX_WAIT: f64 = 2.0;

/// Lower bound of the rate, as a share of the documented rate.
const SHARE: f64 = 0.2;

/// The rate limiter of one account and region.
#[derive(Debug, Clone)]
pub struct Pace {
    max: f64,
    /// The highest rate that is tried.
    top: f64,
    tokens: f64,
    /// The time at which `tokens` was computed.
    at: f64,
    /// Whether requests directly after each other are granted.
    burst: bool,
    /// The rate that was too much, the rate after that, and when it fell.
    ceiling: f64,
    floor: f64,
    since: f64,
    not_before: f64,
    /// The times of the last request and of the one before it.
    last_sent: f64,
    sent_before: f64,
    /// Whether the last request came sooner after the previous one than the rate alone allows.
    was_burst: bool,
    /// Throttles since the last granted request.
    strikes: u32,
    /// Times of recently granted requests.
    granted: VecDeque<f64>,
    /// Requests until the first one was granted.
    early: f64,
}

impl Pace {
    /// Creates a full bucket for at most `max` requests per second.
    pub fn new(max: f64, now: f64) -> Pace {
        Pace {
            max,
            top: max,
            tokens: CAPACITY,
            at: now,
            burst: true,
            ceiling: max,
            floor: max,
            since: now,
            not_before: now,
            last_sent: f64::MIN,
            sent_before: f64::MIN,
            was_burst: false,
            strikes: 0,
            granted: VecDeque::new(),
            early: 0.0,
        }
    }

    /// The rate at this time, in requests per second.
    pub fn rate(&self, now: f64) -> f64 {
        let plateau = ((self.ceiling - self.floor) / CURVATURE).cbrt();
        let way = now - self.since - plateau;
        let curve = self.ceiling + CURVATURE * way * way * way;
        curve.max(self.floor).min(self.top)
    }

    /// The time at which the next request may be sent.
    pub fn ready_at(&self, now: f64) -> f64 {
        self.filled_at(1.0, now)
    }

    /// The time from which on requests are lost if none is sent.
    pub fn full_at(&self, now: f64) -> f64 {
        self.filled_at(CAPACITY, now)
    }

    fn filled_at(&self, tokens: f64, now: f64) -> f64 {
        let filled = self.at + (tokens - self.tokens).max(0.0) / self.rate(now);
        let distance = if self.burst { 0.0 } else { 1.0 / self.top };
        filled.max(self.not_before).max(self.last_sent + distance)
    }

    /// Takes a token for a request that is sent now.
    pub fn send(&mut self, now: f64) {
        self.fill(now);
        self.tokens -= 1.0;
        if self.granted.is_empty() {
            self.early += 1.0;
        }
        self.was_burst = now - self.last_sent < 0.98 / self.top;
        self.sent_before = std::mem::replace(&mut self.last_sent, now);
    }

    fn fill(&mut self, now: f64) {
        let tokens = self.tokens + (now - self.at).max(0.0) * self.rate(now);
        self.tokens = tokens.min(CAPACITY);
        self.at = self.at.max(now);
    }

    /// Records that a request was not throttled.
    pub fn granted(&mut self, now: f64) {
        self.strikes = 0;
        if self.granted.is_empty() {
            // A connection takes its time, and the service's bucket was full until the request came.
            self.fill(now);
            self.tokens = self.tokens.min(CAPACITY - self.early);
        }
        self.granted.push_back(now);
        if self.granted.len() > RECENT {
            self.granted.pop_front();
        }
    }

    /// Records a throttle. `jitter` is a random number from 0 to 1.
    pub fn throttled(&mut self, now: f64, jitter: f64) {
        self.fill(now);
        let rate = self.rate(now);
        self.strikes += 1;
        // The request still has to go; what could have gone meanwhile is not caught up.
        self.tokens = 1.0;
        self.last_sent = self.sent_before;
        if self.burst && self.was_burst {
            self.burst = false;
            self.top = self.max * SPACED;
            return;
        }
        let doublings = f64::from(self.strikes.min(8) - 1).exp2();
        let intervals = (FIRST_WAIT * doublings).min(MAX_WAIT);
        self.not_before = now + intervals / rate * (0.75 + 0.5 * jitter);
        self.at = self.not_before;
        if self.strikes == 1 {
            self.slow_down(now, rate);
        } else if self.strikes == 2 && rate > NEAR * self.max {
            // The request was not merely early: most likely another client uses a share of the
            // quota.
            self.fall(now, rate, rate * HALF);
            self.not_before = self.not_before.max(self.last_sent + 1.0 / self.rate(now));
            self.at = self.not_before;
        } else if let Some(last) = self.granted.back() {
            // Since then not even one token has flowed in.
            let flow = 1.0 / (now - last).max(0.001);
            if rate > flow * TOO_LONG {
                self.fall(now, rate, flow);
            }
        }
    }

    fn slow_down(&mut self, now: f64, rate: f64) {
        let flow = match self.granted.front() {
            Some(first) if self.granted.len() >= KNOWN => {
                (self.granted.len() - 1) as f64 / (now - first).max(0.001)
            }
            _ => rate,
        };
        let near_max = rate > 0.9 * self.max;
        if near_max {
            self.top = (self.top * SLACK_STEP).max(self.max * SLACK);
        }
        // Near the documented rate, flow is also lost to requests that merely came too early.
        if rate > flow * if near_max { TOO_EARLY } else { TOO_MUCH } {
            self.fall(now, rate, (flow * HOPE).max(rate * FALL));
        } else if !near_max && rate > self.ceiling {
            self.fall(now, rate, rate);
        }
    }

    fn fall(&mut self, now: f64, rate: f64, ceiling: f64) {
        self.ceiling = ceiling.min(self.top);
        self.ceiling = self.ceiling.max(self.max * SHARE);
        self.floor = (rate.min(self.ceiling) * BREATH).max(self.ceiling * DEPTH);
        self.since = now;
    }
}
