//! A function of one test, and what surrounds it.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::bucket::Bucket;
use crate::support::calls::{NAMESPACE, payload};
use crate::support::cloudwatch::{CloudWatch, Entry, Outcome};
use crate::support::emf;
use crate::support::function::{Delivery, Function, NAME, NoStart};
use crate::support::metrics::{Key, sums};
use crate::support::runtime_api::Answer;

/// More time than any delivery needs.
pub(crate) const AMPLE: Duration = Duration::from_secs(120);

/// Enough time for a delivery that succeeds, and a short wait for one that does not.
pub(crate) const SHORT: Duration = Duration::from_secs(5);

/// The health metrics that add up to `EventsReceived`.
const PARTS: [&str; 6] = [
    "EventsPublished",
    "EventsSkipped",
    "EventsUnreadable",
    "EventsRefused",
    "EventsUnconfirmed",
    "EventsUnsent",
];

/// Counts by metric and minute.
pub(crate) type Counts = BTreeMap<Key, u64>;

pub(crate) struct Lab {
    pub(crate) cloudwatch: CloudWatch,
    pub(crate) bucket: Option<Bucket>,
    pub(crate) function: Function,
}

impl Lab {
    pub(crate) fn new(settings: &[(&str, &str)]) -> Lab {
        let cloudwatch = CloudWatch::start();
        Lab {
            function: Function::start(&environment(&cloudwatch, None, settings)),
            cloudwatch,
            bucket: None,
        }
    }

    /// A function with a ledger in a bucket of its own.
    pub(crate) fn with_ledger(name: &'static str, settings: &[(&str, &str)]) -> Lab {
        let cloudwatch = CloudWatch::start();
        let bucket = Bucket::new(name);
        Lab {
            function: Function::start(&environment(&cloudwatch, Some(&bucket), settings)),
            cloudwatch,
            bucket: Some(bucket),
        }
    }

    /// Another sandbox of the same function, at the same time.
    pub(crate) fn second(&self, settings: &[(&str, &str)]) -> Function {
        Function::start(&environment(
            &self.cloudwatch,
            self.bucket.as_ref(),
            settings,
        ))
    }

    /// Delivers records and asserts success; returns the response.
    #[track_caller]
    pub(crate) fn deliver(&mut self, records: &[Value]) -> Value {
        self.deliver_raw(&payload(records))
    }

    /// The same with a payload that may be anything.
    #[track_caller]
    pub(crate) fn deliver_raw(&mut self, payload: &[u8]) -> Value {
        response(self.attempt(payload, AMPLE))
    }

    /// Delivers records with this much time. The delivery may fail, but its counts must add up.
    #[track_caller]
    pub(crate) fn attempt(&mut self, payload: &[u8], time: Duration) -> Answer {
        let delivery = self.function.begin(payload, time);
        self.end(&delivery)
    }

    /// Waits for the end of a delivery, and checks that its counts add up.
    #[track_caller]
    pub(crate) fn end(&mut self, delivery: &Delivery) -> Answer {
        let answer = self.function.end(delivery);
        let health = self.health();
        show(&self.function.lines());
        let total = PARTS.iter().map(|part| count(&health, part));
        let total: u64 = total.sum();
        assert_eq!(count(&health, "EventsReceived"), total, "{health}");
        match &answer {
            Answer::Response(response) => agree(response, &health),
            Answer::Error(_) => {
                // The repetition counts what was not done.
                for metric in ["EventsUnreadable", "EventsUnsent"] {
                    assert_eq!(count(&health, metric), 0, "{health}");
                }
            }
        }
        assert_eq!(self.cloudwatch.refused(), [""; 0]);
        assert_eq!(self.function.errors(), "");
        answer
    }

    /// The health of the last delivery.
    #[track_caller]
    pub(crate) fn health(&self) -> Value {
        let health = self.function.health().pop().unwrap();
        let data = emf::data(&health.to_string()).unwrap();
        assert_eq!(data.len(), 11, "{health}");
        for (namespace, datum) in data {
            assert_eq!(namespace, "trailtab/usage");
            assert_eq!(datum.dimensions, [("FunctionName".into(), NAME.into())]);
            let is_time = datum.name == "Duration";
            assert_eq!(datum.unit, if is_time { "Milliseconds" } else { "Count" });
        }
        health
    }

    /// A health metric, added up over all attempts so far.
    #[track_caller]
    pub(crate) fn in_all_attempts(&self, metric: &str) -> u64 {
        let health = self.function.health();
        health.iter().map(|health| count(health, metric)).sum()
    }

    /// What CloudWatch has.
    pub(crate) fn sums(&self) -> Counts {
        sums(&self.cloudwatch.table())
    }

    pub(crate) fn requests(&self) -> Vec<Entry> {
        self.cloudwatch.requests()
    }

    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        let requests = self.requests().into_iter();
        requests.map(|entry| entry.outcome).collect()
    }

    /// Waits until the ledger has recorded the ends of so many chunks: it was written once to claim each,
    /// and once more.
    #[track_caller]
    pub(crate) fn wait_for_settled(&self, chunks: usize) {
        for _ in 0..6000 {
            let mut keys: Vec<_> = self.ledger();
            keys.retain(|(method, key)| method == "PUT" && !key.contains("/kept/"));
            keys.sort();
            let written_twice = keys.chunk_by(PartialEq::eq).filter(|same| same.len() > 1);
            if written_twice.count() >= chunks {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("{:?}", self.ledger());
    }

    /// The ledger's requests so far: method and key.
    pub(crate) fn ledger(&self) -> Vec<(String, String)> {
        let requests = self.bucket.as_ref().unwrap().proxy.requests();
        requests.into_iter().map(|it| (it.method, it.key)).collect()
    }
}

/// Shows the log where a test fails.
#[expect(
    clippy::print_stdout,
    reason = "the test runner shows it for tests that fail"
)]
fn show(lines: &[String]) {
    for line in lines.iter().filter(|line| line.len() < 1000) {
        println!("{line}");
    }
}

/// The variables of a function.
pub(crate) fn environment<'s>(
    cloudwatch: &CloudWatch,
    bucket: Option<&Bucket>,
    settings: &[(&'s str, &str)],
) -> Vec<(&'s str, String)> {
    let mut variables = vec![("AWS_ENDPOINT_URL_CLOUDWATCH", cloudwatch.url())];
    if let Some(bucket) = bucket {
        let url = format!("http://127.0.0.1:{}", bucket.proxy.port);
        variables.push(("AWS_ENDPOINT_URL_S3", url));
        variables.push(("TRAILTAB_LEDGER", format!("s3://{}/some", bucket.name)));
    }
    let settings = settings.iter();
    variables.extend(settings.map(|(name, value)| (*name, (*value).to_owned())));
    variables
}

/// Starts a function with invalid settings.
#[track_caller]
pub(crate) fn refuses(settings: &[(&str, &str)]) -> NoStart {
    let cloudwatch = CloudWatch::start();
    let started = Function::try_start(&environment(&cloudwatch, None, settings));
    started.err().expect("it must not start")
}

/// Asserts that an invocation succeeded.
#[track_caller]
pub(crate) fn response(answer: Answer) -> Value {
    match answer {
        Answer::Response(response) => response,
        Answer::Error(error) => panic!("{error}"),
    }
}

/// Asserts that an invocation failed; returns the message.
#[track_caller]
pub(crate) fn failure(answer: Answer) -> String {
    match answer {
        Answer::Response(response) => panic!("it succeeded: {response}"),
        Answer::Error(error) => error["errorMessage"].as_str().unwrap().to_owned(),
    }
}

/// Checks that the outcomes of messages add up to those received.
#[track_caller]
pub(crate) fn reconcile(response: &Value) {
    let parts = ["published", "refused", "unconfirmed", "unsent"];
    let parts: u64 = parts.iter().map(|part| count(response, part)).sum();
    assert_eq!(
        count(response, "received"),
        parts + skipped(response) + unreadable(response),
        "{response}"
    );
}

/// Checks that the health of a delivery agrees with its response, which counts what earlier attempts
/// have counted, too.
#[track_caller]
fn agree(response: &Value, health: &Value) {
    reconcile(response);
    for (part, metric) in [
        ("published", "EventsPublished"),
        ("unsent", "EventsUnsent"),
        ("chunks", "Chunks"),
        ("retries", "Retries"),
    ] {
        assert_eq!(response[part], health[metric], "{part}");
    }
    let repeated = response["skipped"]["repeated"].as_u64().unwrap_or_default();
    let mut known = repeated;
    for (metric, here) in [
        ("EventsSkipped", skipped(response) - repeated),
        ("EventsUnreadable", unreadable(response)),
        ("EventsRefused", count(response, "refused")),
        ("EventsUnconfirmed", count(response, "unconfirmed")),
    ] {
        let counted = count(health, metric);
        assert!([0, here].contains(&counted), "{metric}: {health}");
        known += here - counted;
    }
    let received = count(health, "EventsReceived");
    assert_eq!(count(response, "received"), received + known, "{health}");
    assert_eq!(count(health, "EventsDeferred"), 0, "{health}");
}

#[track_caller]
pub(crate) fn count(json: &Value, name: &str) -> u64 {
    let count = json[name].as_u64();
    count.unwrap_or_else(|| panic!("no {name} in {json}"))
}

/// Skipped messages of all kinds.
pub(crate) fn skipped(response: &Value) -> u64 {
    crate::support::sum(&response["skipped"])
}

/// Messages that could not be read, of all kinds.
pub(crate) fn unreadable(response: &Value) -> u64 {
    crate::support::sum(&response["unreadable"])
}

/// A metric's key: its name, dimensions and minute.
pub(crate) fn key(name: &str, dimensions: &[(&str, &str)], minute: i64) -> Key {
    let dimensions = dimensions.iter();
    let mut dimensions: Vec<_> = dimensions
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    dimensions.sort();
    Key {
        namespace: NAMESPACE.to_owned(),
        name: name.to_owned(),
        dimensions,
        minute,
    }
}

/// Asserts the same counts; names a few that differ.
#[track_caller]
pub(crate) fn assert_counts(found: &Counts, expected: &Counts) {
    let differ = |key: &&Key| found.get(key) != expected.get(key);
    let keys = found.keys().chain(expected.keys());
    let differences: Vec<_> = keys
        .filter(differ)
        .take(5)
        .map(|key| (key, found.get(key), expected.get(key)))
        .collect();
    assert!(
        differences.is_empty(),
        "(key, found, expected): {differences:#?}"
    );
}
