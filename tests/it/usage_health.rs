//! `trailtab usage health`: what CloudWatch knows of a deployed function, in words and numbers.

use std::process::Command;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::calls::{Calls, numbered, payload, wrap_bytes};
use crate::support::cloudformation::Stack;
use crate::support::cloudwatch::{CloudWatch, Fault};
use crate::support::emf;
use crate::support::function::{Function, NAME};
use crate::support::{Finished, Sandbox, at};
use crate::usage_function::lab::{AMPLE, SHORT, environment};

/// Ten past ten, and a minute before it.
const NOW: &str = "2026-09-17T10:10:00Z";
const RECENTLY: i64 = 1_789_639_740;

const QUEUE: &str = "trailtab-DeadLetters-1";

struct Lab {
    sandbox: Sandbox,
    cloudwatch: CloudWatch,
    cloudformation: String,
}

impl Lab {
    fn new(sandbox: Sandbox) -> Lab {
        let stack = Stack {
            name: "trailtab",
            parameters: vec![
                ("Namespace", "API-COUNT"),
                ("MemoryMegabytes", "256"),
                ("Architecture", "x86_64"),
                ("Output", "cloudwatch"),
            ],
            outputs: vec![
                ("FunctionName", NAME),
                (
                    "DeadLetterQueueUrl",
                    "https://sqs.eu-west-1.amazonaws.com/111122223333/trailtab-DeadLetters-1",
                ),
            ],
        };
        Lab {
            sandbox,
            cloudwatch: CloudWatch::start(),
            cloudformation: stack.serve(),
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.sandbox.trailtab();
        command
            .args(["usage", "health"])
            .args(args)
            .env("AWS_ENDPOINT_URL_CLOUDFORMATION", &self.cloudformation)
            .env("AWS_ENDPOINT_URL_CLOUDWATCH", self.cloudwatch.url())
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "111122223333")
            .env("AWS_SECRET_ACCESS_KEY", "test");
        command
    }

    fn health(&self, args: &[&str]) -> Finished {
        self.sandbox.finish(self.command(args), b"")
    }

    fn json(&self, args: &[&str], code: i32) -> Value {
        let args = [args, &["--format", "json"]].concat();
        self.health(&args).expect(code).summary()
    }

    /// Keeps what the function publishes of itself.
    fn publishes(&self, time: i64, counts: &[(&str, u64)]) {
        for (name, count) in counts {
            let metric = ("trailtab/usage", *name);
            self.cloudwatch
                .keep(metric, ("FunctionName", NAME), time, *count);
        }
    }

    fn lambda_publishes(&self, time: i64, counts: &[(&str, u64)]) {
        for (name, count) in counts {
            let metric = ("AWS/Lambda", *name);
            self.cloudwatch
                .keep(metric, ("FunctionName", NAME), time, *count);
        }
    }

    /// A delivery of so many events, all of which are published.
    fn is_well(&self, time: i64, events: u64) {
        self.publishes(
            time,
            &[
                ("EventsReceived", events),
                ("EventsPublished", events),
                ("EventsSkipped", 0),
                ("EventsRefused", 0),
                ("EventsUnconfirmed", 0),
                ("EventsUnsent", 0),
                ("EventsUnreadable", 0),
                ("EventsDeferred", 0),
                ("Chunks", 1),
                ("Retries", 0),
            ],
        );
        self.lambda_publishes(time, &[("Invocations", 1), ("Duration", 400)]);
    }
}

/// A report with findings.
pub(crate) fn a_report() -> Value {
    Lab::new(Sandbox::at(NOW)).json(&["trailtab"], 3)
}

#[test]
fn a_function_that_lost_nothing_is_well() {
    let lab = Lab::new(Sandbox::at(NOW));
    // More data than fit into a page of GetMetricData: a delivery every ten minutes.
    for number in 0..144 {
        lab.is_well(RECENTLY - number * 600, 100);
    }
    // The day before yesterday counts for no day.
    lab.is_well(RECENTLY - 2 * 86_400, 1);
    // More metrics than fit into a page of ListMetrics.
    for number in 0..720 {
        let metric = ("API-COUNT", format!("Describe{number}"));
        let own = ("awsRegion", "eu-west-1");
        lab.cloudwatch.keep((metric.0, &metric.1), own, RECENTLY, 1);
    }
    let page = lab.health(&["trailtab"]).expect(0);
    assert_snapshot!("health", page.out);
    let health = lab.json(&["trailtab"], 0);
    let expected = json!({
        "received": 14_400, "published": 14_400, "skipped": 0, "refused": 0, "unconfirmed": 0, "unsent": 0,
        "unreadable": 0, "lost": 0, "deferred": 0,
    });
    assert_eq!(health["events"], expected);
    assert_eq!(health["deliveries"]["invocations"], 144);
    // What Lambda does not publish is not known to be zero.
    assert_eq!(health["deliveries"]["errors"], Value::Null);
    assert_eq!(health["spent"]["metrics"], 731);
    assert_eq!(health["findings"], json!([]));
    let longer = lab.json(&["trailtab", "--since", "3d"], 0);
    assert_eq!(longer["events"]["received"], 14_401);
}

#[test]
fn what_was_lost_is_said() {
    let lab = Lab::new(Sandbox::at(NOW));
    lab.is_well(RECENTLY - 600, 100);
    lab.publishes(
        RECENTLY,
        &[
            ("EventsReceived", 20),
            ("EventsPublished", 5),
            ("EventsRefused", 1),
            ("EventsUnconfirmed", 2),
            ("EventsUnsent", 3),
            ("EventsUnreadable", 4),
            ("EventsDeferred", 10),
        ],
    );
    lab.lambda_publishes(
        RECENTLY,
        &[("Errors", 6), ("Throttles", 7), ("DeadLetterErrors", 8)],
    );
    for (time, letters) in [(RECENTLY - 60, 9), (RECENTLY, 5)] {
        let metric = ("AWS/SQS", "ApproximateNumberOfMessagesVisible");
        lab.cloudwatch
            .keep(metric, ("QueueName", QUEUE), time, letters);
    }
    let page = lab.health(&["trailtab"]).expect(3);
    assert_snapshot!("health_of_losses", page.out);
    for width in [60, 80] {
        let mut command = lab.command(&["trailtab"]);
        command.env("COLUMNS", width.to_string());
        let page = lab.sandbox.finish(command, b"").expect(3).out;
        let fits = |line: &str| line.chars().count() <= width;
        assert!(page.lines().all(fits), "{page}");
    }
    let csv = lab.health(&["trailtab", "--format", "csv"]).expect(3);
    assert_snapshot!("health_csv", csv.out);
    let json = lab.health(&["trailtab", "--format", "json"]).expect(3);
    assert_snapshot!("health_json", json.out);
}

#[test]
fn silence_is_not_health() {
    let lab = Lab::new(Sandbox::at(NOW));
    let page = lab.health(&["trailtab", "--since", "2h"]).expect(3);
    assert_snapshot!("health_of_silence", page.out);
    let health = lab.json(&["trailtab"], 3);
    assert_eq!(health["events"]["lost"], Value::Null);
    assert_eq!(health["spent"]["usd"], Value::Null);
    assert_eq!(health["findings"][0]["kind"], "no_data");
}

#[test]
fn old_ranges_are_read_by_the_hour() {
    let lab = Lab::new(Sandbox::at(NOW));
    let old = RECENTLY - 100 * 86_400;
    lab.is_well(old, 7);
    let health = lab.json(
        &["trailtab", "--since", "2026-06-09", "--until", "2026-06-09"],
        0,
    );
    assert_eq!(health["events"]["received"], 7);
}

#[test]
fn what_cannot_be_asked_is_an_error_that_says_why() {
    let lab = Lab::new(Sandbox::at(NOW));
    let unknown = lab.health(&["web"]).expect(1);
    assert!(
        unknown.err.contains(
            "the stack web in eu-west-1: ValidationError: Stack with id web does not exist"
        ),
        "{}",
        unknown.err
    );
    for (words, reason) in [
        (&["a&Action=DeleteStack"][..], "a stack's name is a letter"),
        (
            &["trailtab", "--since", "2026-09-18"],
            "--since and --until",
        ),
    ] {
        let refused = lab.health(words).expect(2);
        assert!(refused.err.contains(reason), "{}", refused.err);
    }
}

#[test]
fn a_stack_of_something_else_is_refused() {
    let mut lab = Lab::new(Sandbox::at(NOW));
    lab.cloudformation = Stack {
        name: "web",
        parameters: Vec::new(),
        outputs: vec![("Url", "https://example.com")],
    }
    .serve();
    let refused = lab.health(&["web"]).expect(1);
    assert!(refused.err.contains("has no output"), "{}", refused.err);
}

/// Figures that CloudWatch refuses to tell are missing, and the rest is told.
#[test]
fn metrics_that_cannot_be_read_are_a_finding() {
    let lab = Lab::new(Sandbox::at(NOW));
    lab.cloudwatch.unplug();
    let health = lab.json(&["trailtab"], 3);
    assert_eq!(health["findings"][0]["kind"], "unread");
    assert_eq!(health["events"]["received"], Value::Null);
}

/// What the real function publishes of itself under faults is told by the real program.
#[test]
fn faults_of_a_real_function_are_told() {
    let lab = Lab::new(Sandbox::new());
    let faulty = CloudWatch::start();
    let mut function = Function::start(&environment(&faulty, None, &[]));
    let mut deliver = |payload: &[u8], time| {
        let delivery = function.begin(payload, time);
        function.end(&delivery);
    };
    deliver(&payload(&Calls::new(50).records()), AMPLE);
    faulty.fail(1, Fault::KeepAndClose, |_| true);
    deliver(&payload(&[numbered(70), numbered(71)]), AMPLE);
    deliver(&wrap_bytes(b"no gzip"), AMPLE);
    faulty.fail(usize::MAX, Fault::THROTTLED, |_| true);
    deliver(&payload(&[numbered(72)]), SHORT);
    for (key, kept) in emf::read(function.health().iter().map(Value::to_string)) {
        let (name, value) = &key.dimensions[0];
        lab.cloudwatch.keep(
            (&key.namespace, &key.name),
            (name, value),
            key.minute,
            kept.sum,
        );
    }
    let health = lab.json(&["trailtab", "--since", "30m"], 3);
    let events = &health["events"];
    assert_eq!(events["published"], 50, "{health}");
    assert_eq!(events["unconfirmed"], 2, "{health}");
    assert_eq!(events["unreadable"], 1, "{health}");
    assert_eq!(events["deferred"], 1, "{health}");
    let kinds: Vec<_> = health["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| at(finding, "kind").as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["no_data", "lost", "unconfirmed"]);
}
