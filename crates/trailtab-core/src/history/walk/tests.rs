//! Walks through a simulated region, in simulated time.

use std::collections::BTreeSet;

use proptest::prelude::{Strategy as _, any, prop, proptest};

use super::*;

/// A region's event history behind its quota.
#[derive(Debug, Clone)]
struct Service {
    /// The seconds of all events, newest first.
    events: Vec<Seconds>,
    rate: f64,
    burst: f64,
    /// Tokens per second that another client takes.
    other: f64,
    /// Seconds that a page takes.
    latency: (f64, f64),
    /// One in this number of requests fails.
    fails: Option<u64>,
    /// Seconds in which every request fails at once.
    down: std::ops::Range<f64>,
}

/// The outcome of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Granted,
    Throttled,
    /// The request fails.
    Spoilt,
    Failed,
}

/// The requests and the time of a walk.
#[derive(Debug, Default)]
struct Cost {
    seconds: f64,
    requests: u64,
    throttles: u64,
    seen: Vec<usize>,
    covered: BTreeSet<(Seconds, Seconds)>,
}

/// The state of a quota.
struct Bucket {
    tokens: f64,
    at: f64,
    other_at: f64,
}

impl Service {
    fn new(events: usize, window: TimeRange) -> Service {
        let length = (window.until - window.from) as usize;
        let seconds = (0..events).map(|n| window.until - 1 - (n * length / events) as Seconds);
        Service {
            events: seconds.collect(),
            rate: 2.0,
            burst: 2.0,
            other: 0.0,
            latency: (0.05, 0.15),
            fails: None,
            down: 0.0..0.0,
        }
    }

    /// Returns whether a request that arrives at a time is granted.
    fn grants(&self, bucket: &mut Bucket, now: f64) -> bool {
        let fill = |bucket: &mut Bucket, now: f64| {
            bucket.tokens = (bucket.tokens + (now - bucket.at) * self.rate).min(self.burst);
            bucket.at = now;
        };
        while self.other > 0.0 && bucket.other_at <= now {
            let at = bucket.other_at;
            fill(bucket, at);
            if bucket.tokens >= 1.0 {
                bucket.tokens -= 1.0;
            }
            bucket.other_at += 1.0 / self.other;
        }
        fill(bucket, now);
        let granted = bucket.tokens >= 1.0;
        if granted {
            bucket.tokens -= 1.0;
        }
        granted
    }

    /// The indices of a page's events, and the token for the next page: the index it begins at.
    fn page(&self, ask: &PageRequest) -> (Vec<usize>, Option<String>) {
        let inside = self.events.iter().enumerate();
        let inside = inside.filter(|&(_, time)| (ask.from..=ask.to).contains(time));
        let skip = ask.token.as_ref().map_or(0, |token| token.parse().unwrap());
        let rest: Vec<usize> = inside.map(|(index, _)| index).skip(skip).collect();
        let more = rest.len() > PAGE;
        let page = rest.into_iter().take(PAGE).collect();
        (page, more.then(|| (skip + PAGE).to_string()))
    }

    /// Walks to the end.
    fn walk(&self, windows: &[TimeRange], seed: u64) -> Cost {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut walk = RegionScan::new(windows, 2.0, 0.0);
        let mut bucket = Bucket {
            tokens: self.burst,
            at: 0.0,
            other_at: 0.13,
        };
        let mut cost = Cost::default();
        // Requests in flight: time of the answer, request and outcome.
        let mut flights: Vec<(f64, PageRequest, Fate)> = Vec::new();
        let mut now = 0.0;
        loop {
            let next = flights.iter().map(|flight| flight.0).min_by(f64::total_cmp);
            match walk.step(now) {
                Step::Done => break,
                Step::Ask(ask) => {
                    cost.requests += 1;
                    // The request takes a short, varying time to arrive.
                    let arrival = now + 0.001 + 0.004 * random.f64();
                    let is_spoilt = |every| cost.requests.is_multiple_of(every);
                    let fate = if self.down.contains(&arrival) {
                        Fate::Failed
                    } else if !self.grants(&mut bucket, arrival) {
                        cost.throttles += 1;
                        Fate::Throttled
                    } else if self.fails.is_some_and(is_spoilt) {
                        Fate::Spoilt
                    } else {
                        Fate::Granted
                    };
                    let (low, high) = self.latency;
                    let takes = if matches!(fate, Fate::Granted | Fate::Spoilt) {
                        low + (high - low) * random.f64()
                    } else {
                        0.01
                    };
                    flights.push((arrival + takes, ask, fate));
                    continue;
                }
                Step::Wait(time) => {
                    assert!(time > now, "waits for the past");
                    now = next.map_or(time, |next| next.min(time));
                }
                Step::Listen => now = next.expect("listens to nobody"),
            }
            while let Some(index) = flights.iter().position(|flight| flight.0 <= now) {
                let (_, ask, fate) = flights.swap_remove(index);
                match fate {
                    // Requests in flight when the service went down are lost as well.
                    _ if self.down.contains(&now) => {
                        walk.failed(&ask, now, random.f64()).unwrap();
                    }
                    Fate::Granted => self.deliver(&mut walk, &ask, now, &mut cost),
                    Fate::Throttled => walk.throttled(&ask, now, random.f64()),
                    Fate::Spoilt if random.bool() => {
                        walk.restart(&ask, now, random.f64()).unwrap();
                    }
                    Fate::Spoilt | Fate::Failed => {
                        walk.failed(&ask, now, random.f64()).unwrap();
                    }
                }
            }
        }
        cost.seconds = now;
        assert!(walk.missing().is_empty());
        cost
    }

    fn deliver(&self, walk: &mut RegionScan, ask: &PageRequest, now: f64, cost: &mut Cost) {
        let (events, token) = self.page(ask);
        let page = PageSpan {
            events: events.len(),
            newest: events.first().map(|&index| self.events[index]),
            oldest: events.last().map(|&index| self.events[index]),
            is_ordered: true,
            token,
        };
        let Arrived { covered, goal } = walk.arrived(ask, &page, now).unwrap();
        let mine = events.iter().filter(|&&index| self.events[index] >= goal);
        cost.seen.extend(mine);
        if covered.from < covered.until {
            cost.covered.insert((covered.from, covered.until));
        }
    }

    fn pages(&self) -> u64 {
        self.events.len().div_ceil(PAGE) as u64
    }

    /// The time that the quota alone would take.
    fn optimum(&self) -> f64 {
        (self.pages() as f64 - self.burst) / (self.rate - self.other)
    }
}

/// Two weeks.
const WINDOW: TimeRange = TimeRange {
    from: 1_000_000,
    until: 1_000_000 + 14 * 86_400,
};

/// Asserts that a walk reads all events, within this multiple of the optimal time and with this share of extra
/// requests.
fn assert_good(service: &Service, time: f64, more: f64) {
    for seed in 0..10 {
        let cost = service.walk(&[WINDOW], seed);
        assert_complete(service, &cost, &[WINDOW]);
        let ratio = cost.seconds / service.optimum();
        let (asked, pages) = (cost.requests, service.pages());
        let throttles = cost.throttles;
        let what = format!("{ratio:.3} times the optimum, {asked} requests, {throttles} throttles");
        assert!(ratio <= time, "seed {seed}: {what}");
        assert!(
            asked as f64 <= pages as f64 * more + 1.0,
            "seed {seed}: {what}"
        );
    }
}

/// Asserts that all events were read, and that no second was reported complete too early or twice.
fn assert_complete(service: &Service, cost: &Cost, windows: &[TimeRange]) {
    let inside = |time: &Seconds| windows.iter().any(|w| (w.from..w.until).contains(time));
    let all = service
        .events
        .iter()
        .enumerate()
        .filter(|(_, time)| inside(time));
    let all: BTreeSet<usize> = all.map(|(index, _)| index).collect();
    let seen: BTreeSet<usize> = cost.seen.iter().copied().collect();
    assert!(seen == all, "{} of {} events", seen.len(), all.len());
    let mut end = None;
    for &(from, until) in &cost.covered {
        assert!(end.is_none_or(|end| end <= from), "covered twice");
        end = Some(until);
    }
    let covered: Seconds = cost.covered.iter().map(|(from, until)| until - from).sum();
    let asked: Seconds = windows.iter().map(|span| span.until - span.from).sum();
    assert_eq!(covered, asked);
}

#[test]
fn the_quota_is_used_where_a_burst_of_two_is_granted() {
    assert_good(&Service::new(12_000, WINDOW), 1.01, 1.0);
}

#[test]
fn the_quota_is_used_where_no_burst_is_granted() {
    let service = Service {
        burst: 1.0,
        ..Service::new(12_000, WINDOW)
    };
    assert_good(&service, 1.05, 1.03);
    let service = Service {
        burst: 1.0,
        ..Service::new(36_000, WINDOW)
    };
    assert_good(&service, 1.05, 1.03);
}

#[test]
fn what_others_leave_is_used() {
    for burst in [1.0, 2.0] {
        let service = Service {
            rate: 1.0,
            burst,
            ..Service::new(12_000, WINDOW)
        };
        assert_good(&service, 1.12, 1.08);
        let service = Service {
            other: 1.0,
            burst,
            ..Service::new(12_000, WINDOW)
        };
        assert_good(&service, 1.02, 1.1);
    }
}

#[test]
fn slow_pages_do_not_slow_the_walk() {
    for latency in [(1.0, 1.0), (0.7, 1.3)] {
        let service = Service {
            latency,
            ..Service::new(12_000, WINDOW)
        };
        assert_good(&service, 1.05, 1.03);
    }
}

/// A failure affects all walkers at once, regardless of their number.
#[test]
fn a_service_may_be_down_for_a_while() {
    for latency in [(0.05, 0.15), (1.0, 1.0), (4.0, 4.0)] {
        let service = Service {
            latency,
            down: 40.0..55.0,
            ..Service::new(12_000, WINDOW)
        };
        for seed in 0..20 {
            let cost = service.walk(&[WINDOW], seed);
            assert_complete(&service, &cost, &[WINDOW]);
        }
    }
}

#[test]
fn a_quiet_region_costs_one_request() {
    for latency in [(0.05, 0.15), (3.0, 3.0)] {
        for events in [0, 1, 50] {
            let service = Service {
                latency,
                ..Service::new(events, WINDOW)
            };
            assert_eq!(service.walk(&[WINDOW], 1).requests, 1);
        }
    }
}

proptest! {
    #[test]
    fn every_event_is_seen_once_and_no_second_is_called_complete_too_early(
        seconds in prop::collection::vec((0..2000_i64, 1..4_u8).prop_map(|(time, power)| {
            // Including crowded seconds: 64 events in a second exceed a page.
            (WINDOW.from + time, 4_usize.pow(u32::from(power) - 1))
        }), 0..150),
        slow in any::<bool>(),
        fails in prop::option::of(3..9_u64),
        cuts in prop::collection::btree_set(0..2000_i64, 0..4),
        seed in any::<u64>(),
    ) {
        let crowded = seconds.iter().flat_map(|&(time, count)| std::iter::repeat_n(time, count));
        let mut events: Vec<Seconds> = crowded.collect();
        events.sort_unstable_by(|a, b| b.cmp(a));
        let latency = if slow { (2.0, 4.0) } else { (0.05, 0.15) };
        let service = Service { events, latency, fails, ..Service::new(1, WINDOW) };
        let ends: Vec<Seconds> = [0].into_iter().chain(cuts).chain([2000]).map(|s| WINDOW.from + s).collect();
        let windows: Vec<TimeRange> = ends.windows(2).rev().map(|w| TimeRange { from: w[0], until: w[1] }).collect();
        let cost = service.walk(&windows, seed);
        assert_complete(&service, &cost, &windows);
        if fails.is_none() {
            assert_eq!(cost.seen.len(), service.events.len());
        }
    }
}
