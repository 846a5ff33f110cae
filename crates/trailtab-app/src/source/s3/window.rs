//! How many requests are in flight: as many as S3 answers without a queue.
//!
//! The window grows while it is used up and answers come as fast as ever: it doubles until the first sign that there
//! are too many, and then grows by a sixteenth. It shrinks by a part when answers get slow, and by half when S3 asks to slow
//! down. S3 takes at least 5,500 GET requests a second for each prefix, and answers 503 while it prepares for more
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html>).

use std::time::Duration;

/// The number of requests in flight at the beginning. Slow answers never make it less: a few slow ones among fast ones
/// are normal.
const START: f64 = 32.0;

/// The most requests in flight. Each has a connection.
const MOST: f64 = 256.0;

/// The part of the window that is added after a round without a queue, once there was one; at least one request.
const GROWTH: f64 = 1.0 / 16.0;

/// What remains of the window after a round of slow answers.
const AFTER_SLOW_ANSWERS: f64 = 0.8;

/// What remains of the window after S3 asked to slow down.
const AFTER_SLOW_DOWN: f64 = 0.5;

/// Answers are slow if a round of them takes on average so many times the average of the fastest round, and [`SLACK`]
/// more.
const SLOW: u32 = 2;

const SLACK: Duration = Duration::from_millis(20);

/// The number of requests that may be in flight. Times are counted from any moment.
#[derive(Debug)]
pub(super) struct RequestWindow {
    size: f64,
    in_flight: usize,
    /// Whether no sign of too many requests came yet.
    doubles: bool,
    /// The average time of the answers of the fastest round.
    fastest: Option<Duration>,
    round: Round,
    /// When S3 last made the window smaller. Requests from before tell of the larger one.
    cut_at: Option<Duration>,
}

/// The answers since the window last changed.
#[derive(Debug, Default)]
struct Round {
    answers: u32,
    time: Duration,
    /// The most requests in flight.
    most: usize,
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
            size: START,
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

    /// Takes note of a request that is sent now.
    pub(super) fn send(&mut self, now: Duration) -> SentRequest {
        self.in_flight += 1;
        self.round.most = self.round.most.max(self.in_flight);
        SentRequest(now)
    }

    /// Takes note of the end of a request.
    pub(super) fn end(&mut self, SentRequest(sent): SentRequest, end: RequestEnd, now: Duration) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if self.cut_at.is_some_and(|cut| sent < cut) {
            return;
        }
        match end {
            RequestEnd::SlowDown => {
                self.resize(self.size * AFTER_SLOW_DOWN);
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
        let is_slow = average > fastest * SLOW + SLACK;
        let is_used = self.round.most >= self.limit();
        if is_slow {
            self.doubles = false;
            // S3 may have made it smaller than that.
            self.resize((self.size * AFTER_SLOW_ANSWERS).max(self.size.min(START)));
        } else if is_used {
            let more = match self.doubles {
                true => self.size,
                false => (self.size * GROWTH).max(1.0),
            };
            self.resize(self.size + more);
        } else {
            self.resize(self.size);
        }
    }

    /// Sets the size, and begins a round.
    fn resize(&mut self, size: f64) {
        self.size = size.clamp(1.0, MOST);
        self.round = Round {
            most: self.in_flight,
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
        assert_eq!(simulation.window.limit(), MOST as usize);
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
        assert_eq!(simulation.window.limit(), START as usize);
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
        assert_eq!(simulation.window.limit(), START as usize);
    }

    #[test]
    fn lost_requests_say_nothing() {
        let mut window = RequestWindow::default();
        for _ in 0..100 {
            let request = window.send(SECOND);
            window.end(request, RequestEnd::Lost, SECOND * 100);
        }
        assert_eq!((window.limit(), window.in_flight), (START as usize, 0));
    }
}
