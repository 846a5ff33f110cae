//! `trailtab usage --publish`: metrics of past hours, each sent once.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::aws::{Server, World, rfc3339};
use crate::support::calls::{ANN, BOB, Calls, NAMESPACE, ago, counted, numbered, with};
use crate::support::cloudwatch::{CloudWatch, Fault, Request};
use crate::support::metrics::{Key, clock, sums};
use crate::support::{Finished, Sandbox};
use crate::usage_function::lab::{Counts, assert_counts};

/// After this many seconds, CloudWatch shows all that it took.
const DAYS_LATER: i64 = 4 * 86_400;

/// A machine with logs of some hours, and the account to publish in.
struct Lab {
    sandbox: Sandbox,
    /// Answers GetCallerIdentity.
    sts: Server,
    cloudwatch: CloudWatch,
    records: Vec<Value>,
}

impl Lab {
    fn new() -> Lab {
        let calls = Calls {
            since: ago(30 * 3600),
            minutes: 20 * 60,
            accounts: vec![ANN, BOB],
            ..Calls::new(3000)
        };
        Lab::with(calls.records())
    }

    fn with(records: Vec<Value>) -> Lab {
        let sandbox = Sandbox::new();
        let lines: Vec<_> = records.iter().map(Value::to_string).collect();
        sandbox.write("log.jsonl", lines.join("\n"));
        Lab {
            sandbox,
            sts: Server::start(World::new(clock() as i64).account(ANN)),
            cloudwatch: CloudWatch::start(),
            records,
        }
    }

    fn publish(&self, args: &[&str]) -> Finished {
        self.publish_in("us-east-1", args)
    }

    fn publish_in(&self, region: &str, args: &[&str]) -> Finished {
        let command = self.command(region, args);
        self.sandbox.finish(command, b"")
    }

    /// The same, so many seconds later.
    fn publish_later(&self, seconds: i64, args: &[&str]) -> Finished {
        let mut command = self.command("us-east-1", args);
        command.env("TRAILTAB_NOW", rfc3339(clock() as i64 + seconds));
        self.sandbox.finish(command, b"")
    }

    fn command(&self, region: &str, args: &[&str]) -> Command {
        let mut command = self.sandbox.trailtab();
        command
            .args(["usage", "log.jsonl", "--publish"])
            .args(args)
            .envs(self.sts.environment(ANN))
            .env("AWS_ENDPOINT_URL_CLOUDWATCH", self.cloudwatch.url())
            .env("AWS_REGION", region);
        command
    }

    /// Puts other logs in the place of these.
    fn rewrite(&mut self, records: Vec<Value>) {
        let lines: Vec<_> = records.iter().map(Value::to_string).collect();
        self.sandbox.write("log.jsonl", lines.join("\n"));
        self.records = records;
    }

    fn sums(&self) -> Counts {
        assert_eq!(self.cloudwatch.refused(), [""; 0]);
        sums(&self.cloudwatch.table())
    }

    fn hours(&self) -> usize {
        let counted = counted(&self.records);
        let hours = counted.keys().map(hour);
        hours.collect::<BTreeSet<_>>().len()
    }
}

fn hour(key: &Key) -> i64 {
    key.minute / 3600
}

#[test]
fn what_is_in_the_logs_is_published_once() {
    let lab = Lab::new();
    let ended = lab.publish(&["--yes"]).expect(0);
    assert!(
        ended.out.contains("3,000 calls were published"),
        "{}",
        ended.out
    );
    assert_counts(&lab.sums(), &counted(&lab.records));
    // Hours are published one by one.
    assert_eq!(lab.cloudwatch.requests().len(), lab.hours());
    let again = lab.publish(&["--yes"]).expect(0);
    assert!(
        again
            .out
            .contains("3,000 calls were published by an earlier run"),
        "{}",
        again.out
    );
    assert_counts(&lab.sums(), &counted(&lab.records));
}

#[test]
fn what_others_published_is_left_out() {
    let lab = Lab::new();
    lab.publish(&["--yes", "--ledger", "theirs"]).expect(0);
    let again = lab.publish(&["--yes"]).expect(0);
    assert!(
        again.out.contains("CloudWatch already has data"),
        "{}",
        again.out
    );
    assert!(again.err.contains("nothing was sent"), "{}", again.err);
    assert_counts(&lab.sums(), &counted(&lab.records));
}

#[test]
fn another_region_is_another_place() {
    let mut lab = Lab::new();
    lab.publish(&["--yes"]).expect(0);
    lab.cloudwatch = CloudWatch::start();
    lab.publish_in("eu-west-1", &["--yes"]).expect(0);
    assert_counts(&lab.sums(), &counted(&lab.records));
}

#[test]
fn the_ledger_knows_what_cloudwatch_does_not_show_yet() {
    let mut lab = Lab::new();
    lab.publish(&["--yes"]).expect(0);
    // Data older than a day can take two days to be seen.
    lab.cloudwatch = CloudWatch::start();
    let again = lab.publish(&["--yes"]).expect(0);
    assert!(
        again
            .out
            .contains("3,000 calls were published by an earlier run"),
        "{}",
        again.out
    );
    assert_eq!(lab.cloudwatch.requests().len(), 0);
}

#[test]
fn other_numbers_for_an_hour_are_not_added_to_it() {
    let mut lab = Lab::new();
    lab.publish(&["--yes"]).expect(0);
    lab.cloudwatch = CloudWatch::start();
    lab.rewrite(lab.records[..2000].to_vec());
    let ended = lab.publish(&["--yes"]).expect(3);
    assert!(
        ended.err.contains("published in their place"),
        "{}",
        ended.err
    );
    let calls = |ending: &str| {
        let number = ended.out.lines().find_map(|line| line.strip_suffix(ending));
        number.map_or(0, |number| {
            number.trim().replace(',', "").parse::<u64>().unwrap()
        })
    };
    let others = calls(" calls were not published, since others were in their place");
    // Where the 2,000 begin or end with an hour, that hour has the same numbers as before.
    let same = calls(" calls were published by an earlier run");
    assert_eq!(others + same, 2_000, "{}", ended.out);
    assert!(same < others, "{}", ended.out);
    assert!(lab.sums().is_empty());
}

#[test]
fn hours_that_could_not_be_read_whole_are_published_by_choice_only() {
    let lab = Lab::new();
    let mut log = std::fs::read(lab.sandbox.path("log.jsonl")).unwrap();
    log.extend_from_slice(b"\n{\"eventName\":");
    lab.sandbox.write("log.jsonl", log);
    let refused = lab.publish(&["--yes"]).expect(1);
    assert!(refused.err.contains("--partial"), "{}", refused.err);
    assert!(lab.cloudwatch.requests().is_empty());
    lab.publish(&["--yes", "--partial"]).expect(3);
    assert_counts(&lab.sums(), &counted(&lab.records));
}

#[test]
fn a_run_that_fails_in_the_middle_is_completed_by_the_next() {
    let lab = Lab::new();
    let nth = |n: usize| move |request: &Request| request.nth == n;
    lab.cloudwatch
        .fail(1, Fault::Error(403, "AccessDenied"), nth(3));
    lab.cloudwatch.fail(1, Fault::THROTTLED, nth(5));
    lab.cloudwatch.fail(1, Fault::BROKEN, nth(8));
    let ended = lab.publish(&["--yes"]).expect(3);
    assert!(
        ended.err.contains("CloudWatch did not take"),
        "{}",
        ended.err
    );
    let ended = lab.publish(&["--yes"]).expect(0);
    assert!(
        ended.out.contains("calls were published by an earlier run"),
        "{}",
        ended.out
    );
    assert_counts(&lab.sums(), &counted(&lab.records));
}

#[test]
fn an_unanswered_request_is_not_sent_again() {
    let lab = Lab::new();
    lab.cloudwatch
        .fail(1, Fault::KeepAndClose, |request| request.nth == 2);
    let ended = lab.publish(&["--yes"]).expect(3);
    assert!(
        ended.out.contains("calls were sent, and no answer came"),
        "{}",
        ended.out
    );
    // CloudWatch shows that it arrived.
    let again = lab.publish(&["--yes"]).expect(0);
    let all = "3,000 calls were published by an earlier run";
    assert!(again.out.contains(all), "{}", again.out);
    assert_counts(&lab.sums(), &counted(&lab.records));
}

#[test]
fn an_unanswered_request_is_sent_again_once_its_loss_is_certain() {
    let lab = Lab::new();
    lab.cloudwatch
        .fail(1, Fault::Close, |request| request.nth == 2);
    lab.publish(&["--yes"]).expect(3);
    let sent = lab.cloudwatch.requests().len();
    // CloudWatch may show it later.
    let again = lab.publish(&["--yes"]).expect(3);
    let words = "CloudWatch does not show them yet: run again after ";
    assert!(again.err.contains(words), "{}", again.err);
    assert_eq!(lab.cloudwatch.requests().len(), sent);
    lab.publish_later(DAYS_LATER, &["--yes"]).expect(0);
    assert_eq!(lab.cloudwatch.requests().len(), sent + 1);
    assert_counts(&lab.sums(), &counted(&lab.records));
    lab.publish_later(DAYS_LATER, &["--yes"]).expect(0);
    assert_counts(&lab.sums(), &counted(&lab.records));
}

#[test]
fn a_run_that_was_killed_again_and_again_leaves_every_hour_published_once() {
    let lab = Lab::new();
    for kill in 0..8 {
        // Before CloudWatch has taken the request that it dies with, and after.
        let fault = [Fault::Hang, Fault::KeepAndHang][kill % 2];
        // One hour goes well before.
        let last = lab.cloudwatch.requests().len() + 2;
        lab.cloudwatch
            .fail(1, fault, move |request| request.nth == last);
        let mut run = lab.command("us-east-1", &["--yes"]);
        run.stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut run = run.spawn().unwrap();
        lab.cloudwatch.wait_for(last);
        run.kill().unwrap();
        run.wait().unwrap();
    }
    // What CloudWatch shows is settled at once, and the rest published.
    let ended = lab.publish(&["--yes"]).expect(3);
    assert!(
        ended.err.contains("are being sent by another run"),
        "{}",
        ended.err
    );
    let lost = lab.hours() - published_hours(&lab);
    assert_eq!(lost, 4, "those of which CloudWatch has taken nothing");
    lab.publish_later(DAYS_LATER, &["--yes"]).expect(0);
    assert_counts(&lab.sums(), &counted(&lab.records));
    let last = lab.publish_later(DAYS_LATER, &["--yes"]).expect(0);
    let all = "3,000 calls were published by an earlier run";
    assert!(last.out.contains(all), "{}", last.out);
    assert_counts(&lab.sums(), &counted(&lab.records));
}

/// The hours of which CloudWatch has data.
fn published_hours(lab: &Lab) -> usize {
    let hours: BTreeSet<_> = lab.sums().keys().map(hour).collect();
    hours.len()
}

#[test]
fn one_datum_that_cloudwatch_refuses_costs_itself() {
    let lab = Lab::new();
    let mut expected = counted(&lab.records);
    let bad = expected.keys().next().unwrap().clone();
    expected.remove(&bad);
    let invalid = Fault::Error(400, "InvalidParameterValue");
    lab.cloudwatch.fail(usize::MAX, invalid, move |request| {
        request.data.iter().any(|datum| datum.key(NAMESPACE) == bad)
    });
    let ended = lab.publish(&["--yes"]).expect(3);
    assert!(
        ended.err.contains("CloudWatch refuses a datum"),
        "{}",
        ended.err
    );
    assert_counts(&lab.sums(), &expected);
    // Its place in the ledger stays free.
    lab.cloudwatch.heal();
    lab.publish(&["--yes"]).expect(0);
    assert_counts(&lab.sums(), &counted(&lab.records));
}

#[test]
fn nothing_is_sent_without_a_yes() {
    let lab = Lab::new();
    let asked = lab.publish(&[]).expect(2);
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    let plan = lab
        .publish(&["--dry-run", "--metrics", "errors,principals"])
        .expect(0);
    assert!(plan.out.contains("3,000 calls in "), "{}", plan.out);
    assert!(plan.out.contains("at list prices"), "{}", plan.out);
    assert!(lab.cloudwatch.requests().is_empty());
    assert_eq!(lab.sandbox.files("."), ["log.jsonl"]);
}

#[test]
fn hours_that_are_not_over_or_too_old_are_left_out() {
    let at = |seed: u64, seconds: i64| {
        let time = rfc3339(ago(seconds));
        with(numbered(seed), &json!({ "eventTime": time }))
    };
    let lab = Lab::with(vec![at(1, 60), at(2, 15 * 86_400), at(3, 5 * 3600)]);
    let ended = lab.publish(&["--yes"]).expect(0);
    assert!(
        ended
            .out
            .contains("left out: 1 call in hours older than 14 days"),
        "{}",
        ended.out
    );
    assert!(
        ended
            .out
            .contains("left out: 1 call in hours that ended less than 15 minutes ago"),
        "{}",
        ended.out
    );
    assert_counts(&lab.sums(), &counted(&lab.records[2..]));
}
