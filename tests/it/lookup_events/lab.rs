//! The fake server's accounts and events, and runs of the program against it.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::support::aws::{Entry, Event, Region, Request, Server, World, events};
use crate::support::{Finished, Sandbox, assert_same, reconcile};

pub(crate) const ANN: &str = "111122223333";
pub(crate) const BOB: &str = "444455556666";
pub(crate) const DAY: i64 = 86_400;

/// The time by the clock that the program reads.
#[expect(
    clippy::disallowed_methods,
    reason = "no shell stands above a test that could pass the clock on"
)]
pub(crate) fn now() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since_1970.as_secs()).unwrap()
}

/// A region with this many events in the last week, and a quota so high that no test waits for it.
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

    /// The program without credentials, with access to the server only.
    pub(crate) fn stranger(&self) -> Command {
        let mut command = self.trailtab(ANN);
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Finished {
        self.run_as(self.trailtab(ANN), args)
    }

    /// Runs it to its end with other credentials.
    pub(crate) fn run_as(&self, mut command: Command, args: &[&str]) -> Finished {
        command.arg("activity").args(args);
        self.sandbox.finish(command, b"")
    }

    /// Runs it to this exit code, and returns a summary that reconciles.
    #[track_caller]
    pub(crate) fn activity(&self, args: &[&str], code: i32) -> Value {
        self.activity_as(self.trailtab(ANN), args, code)
    }

    /// The same with other credentials.
    #[track_caller]
    pub(crate) fn activity_as(&self, command: Command, args: &[&str], code: i32) -> Value {
        let summary = self.careless(command, args, code);
        let violations = self.server.violations();
        assert!(violations.is_empty(), "{violations:?}");
        summary
    }

    /// The same without the check for violations.
    #[track_caller]
    pub(crate) fn careless(&self, command: Command, args: &[&str], code: i32) -> Value {
        let args = [&["--quiet", "--format", "json"], args].concat();
        let summary = self.run_as(command, &args).expect(code).summary();
        reconcile(&summary);
        let complete = &summary["trailtab"]["coverage"]["complete"];
        assert_eq!(complete, &(code == 0), "{summary}");
        summary
    }

    /// What the server knows of a region of an account.
    pub(crate) fn truth(&self, account: &str, region: &str) -> &[Event] {
        self.server.world().truth(account, region, 0, i64::MAX)
    }

    /// Asserts that all tables of a summary agree with the server's events in these regions, read from a file.
    #[track_caller]
    pub(crate) fn assert_true(&self, summary: &Value, regions: &[(&str, &str)], what: &str) {
        let truth = regions
            .iter()
            .flat_map(|(account, region)| self.truth(account, region));
        let truth: Vec<&Event> = truth.collect();
        assert_eq!(
            summary["trailtab"]["counts"]["counted"],
            truth.len(),
            "{what}"
        );
        self.assert_says(summary, truth, &[], what);
    }

    /// Asserts that a summary is that of these events, read from a file with these filters.
    #[track_caller]
    pub(crate) fn assert_says<'e>(
        &self,
        summary: &Value,
        events: impl IntoIterator<Item = &'e Event>,
        filters: &[&str],
        what: &str,
    ) {
        let lines = events.into_iter().map(|event| event.record.as_str());
        let lines: Vec<&str> = lines.collect();
        let file = self.sandbox.write("truth.jsonl", lines.join("\n"));
        let args = [file.to_str().unwrap(), "--output", "truth"];
        let truth = self.sandbox.activity([&args, filters].concat());
        assert_same(summary, &truth, what);
    }

    /// The requests to LookupEvents in a region.
    pub(crate) fn requests(&self, region: &str) -> usize {
        self.lookups(region).len()
    }

    /// The same one by one.
    pub(crate) fn lookups(&self, region: &str) -> Vec<Entry> {
        let mut entries = self.server.requests();
        entries.retain(|entry| {
            let request = &entry.request;
            request.is_lookup() && request.account == ANN && request.region == region
        });
        entries
    }

    /// What was asked of AWS, without repetitions.
    pub(crate) fn actions(&self) -> Vec<String> {
        let entries = self.server.requests();
        let mut actions: Vec<_> = entries.into_iter().map(|e| e.request.action).collect();
        actions.sort();
        actions.dedup();
        actions
    }
}

/// Chooses a request by its number among those to LookupEvents in a region.
pub(crate) fn nth(region: &'static str, nth: usize) -> impl Fn(&Request) -> bool + Send {
    move |request| request.is_lookup() && request.region == region && request.nth == nth
}

/// Chooses those from a number on.
pub(crate) fn since(region: &'static str, nth: usize) -> impl Fn(&Request) -> bool + Send {
    move |request| request.is_lookup() && request.region == region && request.nth >= nth
}

/// The coverage of a region of the first account.
pub(crate) fn report<'s>(summary: &'s Value, region: &str) -> &'s Value {
    &summary["trailtab"]["coverage"]["accounts"][ANN][region]
}

/// Maximum requests for this number of events: one for each page, 3 % more, and one.
pub(crate) fn allowed(events: usize) -> usize {
    (events.div_ceil(50) * 103).div_ceil(100) + 1
}
