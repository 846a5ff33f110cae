//! Measures how close reading event histories comes to the rate that the quota allows.
//!
//! `cargo bench --bench lookup -- [SCENARIO…]` runs the program against the fake server of the tests, all scenarios
//! in parallel (they mostly wait), and prints a table: the minimum time under the quota, the time from the first
//! request to the last response by the server's clock, requests, and throttles. A scenario takes two to six minutes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark that cannot go on stops, and prints its results"
)]

use std::process::Command;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use support::aws::{Region, Server, World, events};

#[allow(dead_code, unused_imports, reason = "the tests use the rest of it")]
#[path = "../tests/it/support"]
mod support {
    pub(crate) mod aws;
    pub(crate) mod http;
}

const ACCOUNT: &str = "111122223333";

/// The regions besides us-east-1, which has ten times as many events as each of them.
const OTHERS: [&str; 16] = [
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
];

struct Scenario {
    name: &'static str,
    busiest: usize,
    burst: f64,
    /// Requests per second by another client, from the same quota.
    other: f64,
    milliseconds: (u64, u64),
}

const SCENARIOS: [Scenario; 6] = [
    Scenario {
        name: "brief",
        busiest: 1_000,
        burst: 2.0,
        other: 0.0,
        milliseconds: (50, 150),
    },
    Scenario {
        name: "burst-2",
        busiest: 12_000,
        burst: 2.0,
        other: 0.0,
        milliseconds: (50, 150),
    },
    Scenario {
        name: "burst-1",
        busiest: 12_000,
        burst: 1.0,
        other: 0.0,
        milliseconds: (50, 150),
    },
    Scenario {
        name: "burst-1-long",
        busiest: 36_000,
        burst: 1.0,
        other: 0.0,
        milliseconds: (50, 150),
    },
    Scenario {
        name: "half",
        busiest: 12_000,
        burst: 2.0,
        other: 1.0,
        milliseconds: (50, 150),
    },
    Scenario {
        name: "slow",
        busiest: 12_000,
        burst: 2.0,
        other: 0.0,
        milliseconds: (1000, 1000),
    },
];

impl Scenario {
    fn region(&self, name: &str, count: usize, now: i64) -> Region {
        let until = now - 3600;
        let mut region = Region::new().quota(2.0, self.burst);
        if self.other > 0.0 {
            region = region.other(self.other, 0.0, 1e9);
        }
        region
            .latency(self.milliseconds.0..=self.milliseconds.1)
            .events(events(ACCOUNT, name, count, until - 13 * 86_400, until, 1))
    }

    /// Runs the program and returns a row of the table.
    fn run(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = i64::try_from(now.as_secs()).unwrap();
        let mut world = World::new(now);
        world = world.region(
            ACCOUNT,
            "us-east-1",
            self.region("us-east-1", self.busiest, now),
        );
        for name in OTHERS {
            world = world.region(ACCOUNT, name, self.region(name, self.busiest / 10, now));
        }
        let server = Server::start(world);
        let home = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_trailtab"))
            .args(["activity", "--quiet", "--format", "json"])
            .env_clear()
            .env("HOME", home.path())
            .envs(server.environment(ACCOUNT))
            .current_dir(home.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let counted = summary["trailtab"]["counts"]["counted"].as_u64().unwrap();
        let all = self.busiest + OTHERS.len() * (self.busiest / 10);
        assert_eq!(
            counted, all as u64,
            "{}: not all events were counted",
            self.name
        );
        assert!(server.violations().is_empty(), "{:?}", server.violations());
        let entries = server.requests();
        let first = entries
            .iter()
            .map(|entry| entry.arrived)
            .fold(f64::MAX, f64::min);
        let last = entries
            .iter()
            .filter_map(|entry| entry.answered)
            .fold(0.0, f64::max);
        if let Some(region) = std::env::var_os("TRACE") {
            let of = |entry: &&support::aws::Entry| {
                entry.request.is_lookup() && *entry.request.region == *region
            };
            for entry in entries.iter().filter(of) {
                println!(
                    "{:.3} {:?} {:?}",
                    entry.arrived, entry.answered, entry.outcome
                );
            }
        }
        let pages = |count: usize| count.div_ceil(50);
        let optimum = (pages(self.busiest) as f64 - self.burst) / (2.0 - self.other);
        let sums = server.sums();
        let requests: usize = sums.values().map(|sums| sums.requests).sum();
        let throttled: usize = sums.values().map(|sums| sums.throttled).sum();
        let least = pages(self.busiest) + OTHERS.len() * pages(self.busiest / 10);
        format!(
            "| {} | {optimum:.1} | {:.1} | {:.3} | {least} | {requests} | {throttled} | {counted} |",
            self.name,
            last - first,
            (last - first) / optimum,
        )
    }
}

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    if wanted.is_empty() && !std::env::args().any(|arg| arg == "--bench") {
        return; // run by `cargo test --all-targets`
    }
    let is_wanted =
        |scenario: &&Scenario| wanted.is_empty() || wanted.iter().any(|w| w == scenario.name);
    println!("| scenario | optimum s | s | ratio | pages | requests | throttled | events |");
    println!("|---|---|---|---|---|---|---|---|");
    thread::scope(|scope| {
        let runs: Vec<_> = SCENARIOS
            .iter()
            .filter(is_wanted)
            .map(|s| scope.spawn(|| s.run()))
            .collect();
        for run in runs {
            println!("{}", run.join().unwrap());
        }
    });
}
