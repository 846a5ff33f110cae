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

/// Capacity of the bucket in requests.
const BUCKET_REQUESTS: f64 = 1.9;

/// Coefficient of the cubic recovery, in requests per second per second³.
const CUBIC_COEFFICIENT: f64 = 2e-6;

/// The highest rate tried, as a share of the documented rate, once bursts are known to be refused.
const SPACED_SHARE: f64 = 0.97;

/// Each throttle near the documented rate multiplies the highest rate tried by this factor.
const TOP_STEP: f64 = 0.988;

/// Lower bound of the highest rate tried, as a share of the documented rate.
const MIN_TOP_SHARE: f64 = 0.94;

/// A measured grant rate lowers the ceiling to no less than this share of the current rate.
const MAX_DROP: f64 = 0.8;

/// After a throttle the rate starts at this share of the granted rate, so that the service's bucket refills a little.
const RESTART_SHARE: f64 = 0.93;

/// Lower bound of that start, as a share of the granted rate, if throttles come often.
const MIN_RESTART_SHARE: f64 = 0.9;

/// The rate is too high if it exceeds the granted rate by more than this factor.
const OVERLOAD: f64 = 1.03;

/// The same near the documented rate, where some requests are refused only because they come early.
const OVERLOAD_NEAR_MAX: f64 = 1.15;

/// After two throttles in a row near the documented rate, the rate is multiplied by this factor.
const SHARED_QUOTA: f64 = 0.55;

/// Rates above this share of the documented rate are near it, for two throttles in a row.
const NEAR_MAX: f64 = 0.75;

/// After this many intervals without a grant, the rate is considered wrong.
const MAX_GRANT_GAP: f64 = 1.25;

/// Correction factor: the measured grant rate is biased low by the wait after each throttle.
const GRANT_RATE_CORRECTION: f64 = 1.05;

/// Number of recent requests from which the granted rate is measured.
const MEASURED_REQUESTS: usize = 24;

/// Number of requests from which on the measurement is used.
const MIN_MEASURED_REQUESTS: usize = 6;

/// The first wait after a throttle, in intervals between requests; each further one is twice as
/// long.
const FIRST_WAIT_INTERVALS: f64 = 0.1;

/// The longest wait after a throttle, in intervals between requests.
const MAX_WAIT_INTERVALS: f64 = 2.0;

/// Lower bound of the rate, as a share of the documented rate.
const MIN_RATE_SHARE: f64 = 0.2;

/// The rate limiter of one account and region.
#[derive(Debug, Clone)]
pub struct RateLimiter {
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

impl RateLimiter {
    /// Creates a full bucket for at most `max` requests per second.
    pub fn new(max: f64, now: f64) -> RateLimiter {
        RateLimiter {
            max,
            top: max,
            tokens: BUCKET_REQUESTS,
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
        let plateau = ((self.ceiling - self.floor) / CUBIC_COEFFICIENT).cbrt();
        let way = now - self.since - plateau;
        let curve = self.ceiling + CUBIC_COEFFICIENT * way * way * way;
        curve.max(self.floor).min(self.top)
    }

    /// The time at which the next request may be sent.
    pub fn ready_at(&self, now: f64) -> f64 {
        self.filled_at(1.0, now)
    }

    /// The time from which on tokens are lost if no request is sent.
    pub fn full_at(&self, now: f64) -> f64 {
        self.filled_at(BUCKET_REQUESTS, now)
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
        self.tokens = tokens.min(BUCKET_REQUESTS);
        self.at = self.at.max(now);
    }

    /// Records that a request was not throttled.
    pub fn granted(&mut self, now: f64) {
        self.strikes = 0;
        if self.granted.is_empty() {
            // Connecting takes time, and the service's bucket was full until the first request arrived.
            self.fill(now);
            self.tokens = self.tokens.min(BUCKET_REQUESTS - self.early);
        }
        self.granted.push_back(now);
        if self.granted.len() > MEASURED_REQUESTS {
            self.granted.pop_front();
        }
    }

    /// Records a throttle. `jitter` is a random number from 0 to 1.
    pub fn throttled(&mut self, now: f64, jitter: f64) {
        self.fill(now);
        let rate = self.rate(now);
        self.strikes += 1;
        // The request must be sent again; requests that were possible meanwhile are not made up for.
        self.tokens = 1.0;
        self.last_sent = self.sent_before;
        if self.burst && self.was_burst {
            self.burst = false;
            self.top = self.max * SPACED_SHARE;
            return;
        }
        let doublings = f64::from(self.strikes.min(8) - 1).exp2();
        let intervals = (FIRST_WAIT_INTERVALS * doublings).min(MAX_WAIT_INTERVALS);
        self.not_before = now + intervals / rate * (0.75 + 0.5 * jitter);
        self.at = self.not_before;
        if self.strikes == 1 {
            self.slow_down(now, rate);
        } else if self.strikes == 2 && rate > NEAR_MAX * self.max {
            // The request was not merely early: most likely another client uses a share of the
            // quota.
            self.fall(now, rate, rate * SHARED_QUOTA);
            self.not_before = self.not_before.max(self.last_sent + 1.0 / self.rate(now));
            self.at = self.not_before;
        } else if let Some(last) = self.granted.back() {
            // Less than one token has flowed in since the last grant.
            let flow = 1.0 / (now - last).max(0.001);
            if rate > flow * MAX_GRANT_GAP {
                self.fall(now, rate, flow);
            }
        }
    }

    fn slow_down(&mut self, now: f64, rate: f64) {
        let flow = match self.granted.front() {
            Some(first) if self.granted.len() >= MIN_MEASURED_REQUESTS => {
                (self.granted.len() - 1) as f64 / (now - first).max(0.001)
            }
            _ => rate,
        };
        let near_max = rate > 0.9 * self.max;
        if near_max {
            self.top = (self.top * TOP_STEP).max(self.max * MIN_TOP_SHARE);
        }
        // Near the documented rate, grants are also lost to requests that merely came early.
        if rate
            > flow
                * if near_max {
                    OVERLOAD_NEAR_MAX
                } else {
                    OVERLOAD
                }
        {
            self.fall(
                now,
                rate,
                (flow * GRANT_RATE_CORRECTION).max(rate * MAX_DROP),
            );
        } else if !near_max && rate > self.ceiling {
            self.fall(now, rate, rate);
        }
    }

    fn fall(&mut self, now: f64, rate: f64, ceiling: f64) {
        self.ceiling = ceiling.min(self.top);
        self.ceiling = self.ceiling.max(self.max * MIN_RATE_SHARE);
        self.floor = (rate.min(self.ceiling) * RESTART_SHARE).max(self.ceiling * MIN_RESTART_SHARE);
        self.since = now;
    }
}
