//! The function `cost`: the real program between a fake Lambda, a fake Cost Explorer, an emulator of S3 and Secrets
//! Manager, and a real mail server.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use jiff::ToSpan as _;
use serde_json::{Value, json};

use super::{ASK, Lab, account, now};
use crate::support::aws::{Charge, today};
use crate::support::bucket::Bucket;
use crate::support::function::Function;
use crate::support::moto;
use crate::support::proxy::{Fault, Request};
use crate::support::runtime_api::Answer;
use crate::support::smtp::{MailServer, Mode};
use crate::support::trail::File;

const REGION: &str = "us-east-1";

/// More time than a run needs.
const AMPLE: Duration = Duration::from_secs(120);

const PEOPLE: [&str; 3] = ["ann@example.com", "bob@example.com", "eve@example.com"];

struct Morning {
    lab: Lab,
    post: MailServer,
    bucket: Bucket,
    function: Function,
}

impl Morning {
    /// With a bucket of this name, whose settings let reports be due on any day: of the month before from its first day
    /// on, and of the month so far without a delay.
    fn new(name: &'static str) -> Morning {
        let post = MailServer::start(Mode::Starttls, None);
        let mut charges = Vec::new();
        for ago in 0..70 {
            let day = today(now()).saturating_sub(ago.days());
            for person in PEOPLE {
                charges.push(Charge::new(day, &account(0), "AWS Lambda", "7").owner(person));
            }
        }
        let lab = Lab::organized(charges);
        let secret = post.secret(&json!({})).to_string();
        let settings = json!({
            "users": PEOPLE,
            "lag_days": 0,
            "closing_days": 1,
            "secret_name": moto::keep_secret(REGION, name, &secret),
        });
        let mut bucket = Bucket::new(name);
        bucket.put(&[File {
            key: "config.json".to_owned(),
            bytes: settings.to_string().into_bytes(),
        }]);
        let mut environment = lab.server.environment(super::PAYER);
        environment.extend([
            ("_HANDLER", "cost".to_owned()),
            // The fake Cost Explorer's key has no token.
            ("AWS_SESSION_TOKEN", String::new()),
            (
                "AWS_ENDPOINT_URL_S3",
                format!("http://127.0.0.1:{}", bucket.proxy.port),
            ),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", moto::endpoint()),
            (
                "SSL_CERT_FILE",
                post.authority().to_string_lossy().into_owned(),
            ),
            ("TRAILTAB_COST_CONFIG", bucket.at("config.json")),
            ("TRAILTAB_LEDGER", bucket.at("ledger")),
        ]);
        Morning {
            function: Function::start(&environment),
            lab,
            post,
            bucket,
        }
    }

    fn run(&mut self) -> Answer {
        let delivery = self.function.begin(b"{}", AMPLE);
        self.function.end(&delivery)
    }

    /// What became of the reports of a run that Lambda does not repeat.
    #[track_caller]
    fn counts(&mut self) -> [u64; 4] {
        match self.run() {
            Answer::Response(counts) => {
                ["sent", "skipped", "failed", "requests"].map(|name| counts[name].as_u64().unwrap())
            }
            Answer::Error(error) => panic!("{error}"),
        }
    }

    /// Recipients and subjects of all mails: no two are the same.
    #[track_caller]
    fn mails(&self) -> Vec<(String, String)> {
        let mails = self.post.mails().into_iter().map(|mail| {
            let text = String::from_utf8_lossy(&mail.bytes).into_owned();
            let subject = text.split("\r\nSubject: ").nth(1).unwrap();
            let subject = subject.split("\r\n").next().unwrap().to_owned();
            (mail.to.concat(), subject)
        });
        let mails: Vec<_> = mails.collect();
        let different: BTreeSet<_> = mails.iter().collect();
        assert_eq!(different.len(), mails.len(), "{mails:?}");
        mails
    }

    fn paid(&self) -> usize {
        self.lab.server.granted(ASK).len()
    }
}

#[test]
fn each_report_is_mailed_once_however_often_the_function_runs() {
    let mut morning = Morning::new("cost-function-once");
    let [sent, skipped, failed, requests] = morning.counts();
    assert_eq!((skipped, failed), (0, 0));
    assert_eq!(requests, morning.paid() as u64);
    let mails = morning.mails();
    assert_eq!(sent, mails.len() as u64);
    let recipients: BTreeSet<_> = mails.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(recipients, BTreeSet::from(PEOPLE));

    // Lambda may run it again, in the same sandbox or another.
    assert_eq!(morning.counts(), [0, sent, 0, 0]);
    morning.function.restart();
    assert_eq!(morning.counts(), [0, sent, 0, 0]);
    assert_eq!(morning.mails(), mails);

    let health = morning.function.health();
    let counts =
        |name: &str| -> Vec<u64> { health.iter().map(|it| it[name].as_u64().unwrap()).collect() };
    assert_eq!(counts("ReportsSent"), [sent, 0, 0]);
    assert_eq!(counts("ReportsSkipped"), [0, sent, sent]);
    assert_eq!(counts("ReportsFailed"), [0, 0, 0]);
    assert_eq!(counts("Requests"), [requests, 0, 0]);
    // All that it writes is in its part of the ledger.
    let written = morning.bucket.proxy.requests().into_iter();
    let written = written.filter(|request| request.method == "PUT");
    let keys: Vec<_> = written.map(|request| request.key).collect();
    assert!(
        !keys.is_empty() && keys.iter().all(|key| key.starts_with("ledger/cost/")),
        "{keys:?}"
    );
    assert_eq!(morning.function.errors(), "");
}

/// A run that a mail server refuses for now fails, so that Lambda repeats it; what is paid for is not asked again.
#[test]
fn reports_that_were_refused_for_now_come_with_the_repetition() {
    let mut morning = Morning::new("cost-function-again");
    morning.post.fault("no-tls", true);
    let Answer::Error(error) = morning.run() else {
        panic!("nothing could be sent");
    };
    assert_eq!(error["errorType"], "ReportsUnsent", "{error}");
    assert_eq!(morning.mails(), []);
    let paid = morning.paid();
    morning.post.fault("no-tls", false);
    let [sent, skipped, failed, _] = morning.counts();
    assert_eq!((skipped, failed), (0, 0));
    assert_eq!(sent, morning.mails().len() as u64);
    assert!(sent > 0);
    assert_eq!(morning.paid(), paid);
}

/// S3 hangs at some requests: a run that has this much time ends in it, says what is not done, and its repetition does
/// it.
#[track_caller]
fn hanging(
    name: &'static str,
    time: Duration,
    hangs_at: impl Fn(&str) -> bool + Send + 'static,
    reason: &str,
) {
    let mut morning = Morning::new(name);
    let hangs_at = move |request: &Request| hangs_at(&request.key);
    morning.bucket.proxy.fail(usize::MAX, Fault::Hang, hangs_at);
    let run = morning.function.begin(b"{}", time);
    let Answer::Error(error) = morning.function.end(&run) else {
        panic!("nothing could be sent");
    };
    assert_eq!(error["errorType"], "ReportsUnsent", "{error}");
    let message = error["errorMessage"].as_str().unwrap();
    assert!(message.contains(reason), "{message}");
    let health = morning.function.health().pop().unwrap();
    assert_eq!(health["ReportsSent"], 0);
    assert_ne!(health["ReportsFailed"], 0);
    assert_eq!(morning.mails(), []);
    morning.bucket.proxy.forgive();
    let [sent, skipped, failed, _] = morning.counts();
    assert_eq!((skipped, failed), (0, 0));
    assert_eq!(sent, morning.mails().len() as u64);
    assert!(sent > 0);
}

#[test]
fn settings_that_hang_do_not_delay_the_answer() {
    let reason = "nothing was sent: waiting for the settings took all the time that was left";
    hanging(
        "cost-hangs-settings",
        Duration::from_secs(8),
        |key| key == "config.json",
        reason,
    );
}

/// Answers of Cost Explorer come first; they are kept in the same bucket.
#[test]
fn kept_answers_that_hang_do_not_delay_the_answer() {
    let reason = "nothing was sent: waiting for the costs took all the time that was left";
    hanging(
        "cost-hangs-answers",
        Duration::from_secs(10),
        |key| key.contains("/answers/"),
        reason,
    );
}

#[test]
fn a_ledger_that_hangs_does_not_delay_the_answer() {
    // No mail starts in the last 50 seconds.
    hanging(
        "cost-hangs-ledger",
        Duration::from_secs(65),
        |key| key.contains("/mail/"),
        "no answer came in the time that was left",
    );
}

/// A function that is killed while it sends leaves mails unsent rather than sending one twice.
#[test]
fn a_killed_run_sends_nothing_twice() {
    let mut morning = Morning::new("cost-function-killed");
    morning.function.begin(b"{}", AMPLE);
    for _ in 0..6000 {
        // The first one is settled in the ledger when the second one comes.
        if morning.post.count("mail") > 1 {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    morning.function.restart();
    let taken = morning.mails().len();
    assert!(taken > 1);
    let answer = morning.run();
    let health = morning.function.health().pop().unwrap();
    let count = |name: &str| health[name].as_u64().unwrap();
    let due = count("ReportsSent") + count("ReportsSkipped") + count("ReportsFailed");
    // The mail in flight is not known to have arrived.
    assert!(count("ReportsFailed") <= 1, "{answer:?}");
    assert_eq!(
        morning.mails().len() as u64,
        taken as u64 + count("ReportsSent"),
        "{health}"
    );
    assert!(due >= PEOPLE.len() as u64, "{health}");
    assert_ne!(health["ReportsSkipped"], Value::from(0));
}
