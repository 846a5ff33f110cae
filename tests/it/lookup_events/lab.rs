//! A world behind the fake server, and the program that reads it.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::support::aws::{Event, Region, Server, World, events};
use crate::support::{Finished, Sandbox, assert_same, reconcile};

pub(crate) const ANN: &str = "111122223333";
pub(crate) const DAY: i64 = 86_400;

/// The time by the clock that the program reads.
pub(crate) fn now() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since_1970.as_secs()).unwrap()
}

/// A region with so many events in the last week, and a quota that no test waits for.
pub(crate) fn busy(account: &str, name: &str, count: usize, now: i64) -> Region {
    let until = now - 3600;
    Region::new().quota(1000.0, 1000.0).events(events(
        account,
        name,
        count,
        until - 7 * DAY,
        until,
        1,
    ))
}

/// A server, and a place for the program to run in.
pub(crate) struct Lab {
    pub(crate) server: Server,
    pub(crate) sandbox: Sandbox,
    pub(crate) now: i64,
}

impl Lab {
    pub(crate) fn new(world: impl FnOnce(World, i64) -> World) -> Lab {
        let now = now();
        Lab {
            server: Server::start(world(World::new(now), now)),
            sandbox: Sandbox::new(),
            now,
        }
    }

    /// The program with credentials of an account.
    pub(crate) fn trailtab(&self, account: &str) -> Command {
        let mut command = self.sandbox.trailtab();
        command.envs(self.server.environment(account));
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Finished {
        let mut command = self.trailtab(ANN);
        command.arg("activity").args(args);
        self.sandbox.finish(command, b"")
    }

    /// Runs it to this exit code, and returns a summary that reconciles.
    #[track_caller]
    pub(crate) fn activity(&self, args: &[&str], code: i32) -> Value {
        let args = [&["--quiet", "--format", "json"], args].concat();
        let summary = self.run(&args).expect(code).summary();
        reconcile(&summary);
        let complete = &summary["trailtab"]["coverage"]["complete"];
        assert_eq!(complete, &(code == 0), "{summary}");
        let violations = self.server.violations();
        assert!(violations.is_empty(), "{violations:?}");
        summary
    }

    /// What the server knows of a region of an account.
    pub(crate) fn truth(&self, account: &str, region: &str) -> &[Event] {
        self.server.world().truth(account, region, 0, i64::MAX)
    }

    /// Demands that a summary says of these regions what the server knows, in every table: the same
    /// events, read from a file.
    #[track_caller]
    pub(crate) fn assert_true(&self, summary: &Value, regions: &[(&str, &str)], what: &str) {
        let truth = regions
            .iter()
            .flat_map(|(account, region)| self.truth(account, region));
        let lines: Vec<&str> = truth.map(|event| event.record.as_str()).collect();
        assert_eq!(
            summary["trailtab"]["counts"]["counted"],
            lines.len(),
            "{what}"
        );
        let file = self.sandbox.write("truth.jsonl", lines.join("\n"));
        let truth = self.sandbox.activity([file.as_os_str()]);
        assert_same(summary, &truth, what);
    }

    /// The requests to LookupEvents in a region.
    pub(crate) fn requests(&self, region: &str) -> usize {
        let sums = self.server.sums();
        let sums = sums.get(&(ANN.to_owned(), region.to_owned()));
        sums.map_or(0, |sums| sums.requests)
    }
}
