//! How many requests are in flight: as many as S3 answers without a queue.
//!
//! The window grows while it is full and answers stay fast: it doubles until the first slow answers or the first 503,
//! and then grows by a sixteenth. It shrinks by a fifth when answers get slow, and by half when S3 asks to slow down.
//! S3 takes at least 5,500 GET requests a second for each prefix, and answers 503 while it prepares for more
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html>).

use std::time::Duration;

/// The number of requests in flight at the beginning. Slow answers never shrink the window below it: a few slow answers
/// among fast ones are normal.
const INITIAL_IN_FLIGHT: f64 = 32.0;

/// Maximum number of requests in flight. Each has a connection.
const MAX_IN_FLIGHT: f64 = 256.0;

/// The fraction of the window that is added after a fast round, once doubling has ended; at least one request.
const GROWTH_FRACTION: f64 = 1.0 / 16.0;

/// The fraction of the window that remains after a round of slow answers.
const SLOW_ANSWERS_FACTOR: f64 = 0.8;

/// The fraction of the window that remains after S3 asked to slow down.
const SLOW_DOWN_FACTOR: f64 = 0.5;

/// A round is slow if its average answer takes longer than this multiple of the fastest round's average, plus
/// [`SLOW_MARGIN`].
const SLOW_FACTOR: u32 = 2;

const SLOW_MARGIN: Duration = Duration::from_millis(20);

/// The number of requests that may be in flight. Times are counted from any moment.
#[derive(Debug)]
pub(super) struct RequestWindow {
    size: f64,
    in_flight: usize,
    /// Whether the window doubles: no round was slow yet, and S3 did not ask to slow down.
    doubles: bool,
    /// The average time of the answers of the fastest round.
    fastest: Option<Duration>,
    round: Round,
    /// When S3 last made the window smaller. Results of requests sent before this time are ignored.
    cut_at: Option<Duration>,
}

/// The answers since the window last changed.
#[derive(Debug, Default)]
struct Round {
    answers: u32,
    time: Duration,
    max_in_flight: usize,
}

/// A request in flight, by when it was sent.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub(super) struct SentRequest(Duration);

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestEnd {
    /// An answer of any other kind came.
    Answered,
    /// S3 asked to slow down.
    SlowDown,
    /// No answer came.
    Lost,
}

impl Default for RequestWindow {
    fn default() -> RequestWindow {
        RequestWindow {
            size: INITIAL_IN_FLIGHT,
            in_flight: 0,
            doubles: true,
            fastest: None,
            round: Round::default(),
            cut_at: None,
        }
    }
}

impl RequestWindow {
    /// How many requests may be in flight, at least one.
    pub(super) fn limit(&self) -> usize {
        self.size as usize
    }

    /// Records a request that is sent now.
    pub(super) fn send(&mut self, now: Duration) -> SentRequest {
        self.in_flight += 1;
        self.round.max_in_flight = self.round.max_in_flight.max(self.in_flight);
        SentRequest(now)
    }

    /// Records the end of a request.
    pub(super) fn end(&mut self, SentRequest(sent): SentRequest, end: RequestEnd, now: Duration) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if self.cut_at.is_some_and(|cut| sent < cut) {
            return;
        }
        match end {
            RequestEnd::SlowDown => {
                self.resize(self.size * SLOW_DOWN_FACTOR);
                self.doubles = false;
                self.cut_at = Some(now);
            }
            RequestEnd::Answered => self.answer(now.saturating_sub(sent)),
            RequestEnd::Lost => {}
        }
    }

    fn answer(&mut self, time: Duration) {
        self.round.answers += 1;
        self.round.time += time;
        if self.round.answers < self.size as u32 {
            return;
        }
        let average = self.round.time / self.round.answers;
        let fastest = self.fastest.map_or(average, |fastest| fastest.min(average));
        self.fastest = Some(fastest);
        let is_slow = average > fastest * SLOW_FACTOR + SLOW_MARGIN;
        let is_used = self.round.max_in_flight >= self.limit();
        if is_slow {
            self.doubles = false;
            // S3 may have made it smaller than that.
            self.resize((self.size * SLOW_ANSWERS_FACTOR).max(self.size.min(INITIAL_IN_FLIGHT)));
        } else if is_used {
            let more = match self.doubles {
                true => self.size,
                false => (self.size * GROWTH_FRACTION).max(1.0),
            };
            self.resize(self.size + more);
        } else {
            self.resize(self.size);
        }
    }

    /// Sets the size, and begins a round.
    fn resize(&mut self, size: f64) {
        self.size = size.clamp(1.0, MAX_IN_FLIGHT);
        self.round = Round {
            max_in_flight: self.in_flight,
            ..Round::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use super::*;

    /// A server in simulated time, and a client that keeps the window full.
    struct Simulation {
        window: RequestWindow,
        now: Duration,
        /// When requests end, when they were sent, and how they end.
        flying: BinaryHeap<Reverse<(Duration, Duration, bool)>>,
        slow_downs: u64,
        answers: u64,
        /// The time of an answer without a queue.
        least: Duration,
        /// When the server is free for the next request.
        free: Duration,
        /// The time that the server works on one request.
        work: Duration,
        /// The requests at once beyond which the server answers 503.
        most: usize,
        /// The most requests of the client.
        wanted: usize,
    }

    impl Simulation {
        fn new(least: u64, work_us: u64, most: usize) -> Simulation {
            Simulation {
                window: RequestWindow::default(),
                now: Duration::ZERO,
                flying: BinaryHeap::new(),
                slow_downs: 0,
                answers: 0,
                least: Duration::from_millis(least),
                free: Duration::ZERO,
                work: Duration::from_micros(work_us),
                most,
                wanted: usize::MAX,
            }
        }

        fn run(&mut self, until: Duration) {
            while self.now < until {
                while self.flying.len() < self.window.limit().min(self.wanted) {
                    let SentRequest(sent) = self.window.send(self.now);
                    let refused = self.flying.len() >= self.most;
                    if !refused {
                        self.free = self.free.max(self.now) + self.work;
                    }
                    let end = self.least + if refused { self.now } else { self.free };
                    self.flying.push(Reverse((end, sent, refused)));
                }
                let Some(Reverse((end, sent, refused))) = self.flying.pop() else {
                    return;
                };
                self.now = end;
                let how = match refused {
                    true => RequestEnd::SlowDown,
                    false => RequestEnd::Answered,
                };
                self.slow_downs += u64::from(refused);
                self.answers += u64::from(!refused);
                self.window.end(SentRequest(sent), how, self.now);
            }
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_server_without_limits_gets_the_most_within_a_second() {
        let mut simulation = Simulation::new(30, 0, usize::MAX);
        simulation.run(SECOND);
        assert_eq!(simulation.window.limit(), MAX_IN_FLIGHT as usize);
    }

    #[test]
    fn a_queue_ends_the_growth() {
        // 2,000 requests a second: 60 in flight use them up, and 100 more wait for the 50 ms that are called slow.
        let mut simulation = Simulation::new(30, 500, usize::MAX);
        simulation.run(SECOND * 2);
        let (answers, limit) = (simulation.answers, simulation.window.limit());
        simulation.run(SECOND * 12);
        for limit in [limit, simulation.window.limit()] {
            assert!((60..200).contains(&limit), "{limit}");
        }
        assert!(
            simulation.answers - answers >= 19_900,
            "{}",
            simulation.answers
        );
    }

    #[test]
    fn slow_answers_leave_the_requests_of_the_start() {
        // 10 requests a second: all but one wait.
        let mut simulation = Simulation::new(1, 100_000, usize::MAX);
        simulation.run(SECOND * 600);
        let limit = simulation.window.limit();
        assert!((32..=40).contains(&limit), "{limit}");
    }

    #[test]
    fn a_network_that_gets_slow_leaves_the_requests_of_the_start() {
        let mut simulation = Simulation::new(10, 0, usize::MAX);
        simulation.run(SECOND);
        simulation.least = SECOND;
        simulation.run(SECOND * 60);
        assert_eq!(simulation.window.limit(), INITIAL_IN_FLIGHT as usize);
    }

    #[test]
    fn a_server_that_refuses_more_is_used_up_to_its_limit() {
        for most in [3, 20, 100] {
            let mut simulation = Simulation::new(20, 0, most);
            simulation.run(SECOND * 20);
            let answers = simulation.answers as f64 / (most as f64 * 50.0 * 20.0);
            assert!(answers > 0.5, "{most}: {answers}");
            let refused = simulation.slow_downs as f64 / simulation.answers as f64;
            assert!(refused < 0.5, "{most}: {refused}");
        }
    }

    #[test]
    fn requests_that_were_refused_together_halve_the_window_once() {
        let mut window = RequestWindow::default();
        let sent: Vec<SentRequest> = (0..32).map(|_| window.send(SECOND)).collect();
        for request in sent {
            window.end(request, RequestEnd::SlowDown, SECOND * 2);
        }
        assert_eq!(window.limit(), 16);
        // The next one was sent afterwards.
        let request = window.send(SECOND * 2);
        window.end(request, RequestEnd::SlowDown, SECOND * 3);
        assert_eq!(window.limit(), 8);
        for _ in 0..9 {
            let request = window.send(SECOND * 4);
            window.end(request, RequestEnd::SlowDown, SECOND * 4);
        }
        assert_eq!(window.limit(), 1);
    }

    #[test]
    fn a_window_that_is_not_used_up_does_not_grow() {
        let mut simulation = Simulation::new(30, 0, usize::MAX);
        simulation.wanted = 20;
        simulation.run(SECOND * 10);
        assert_eq!(simulation.window.limit(), INITIAL_IN_FLIGHT as usize);
    }

    #[test]
    fn lost_requests_say_nothing() {
        let mut window = RequestWindow::default();
        for _ in 0..100 {
            let request = window.send(SECOND);
            window.end(request, RequestEnd::Lost, SECOND * 100);
        }
        assert_eq!(
            (window.limit(), window.in_flight),
            (INITIAL_IN_FLIGHT as usize, 0)
        );
    }
}
