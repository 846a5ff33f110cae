//! Every alarm of the template is raised by its fault, and by nothing else: each is read from the template and applied
//! to the metrics that the real functions publish under the fault, or to those that Lambda and SQS document.

mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};

use super::{health, resources};
use crate::support::at;
use crate::support::aws::{Bill, Server, World, rfc3339};
use crate::support::bucket::Bucket;
use crate::support::calls::{ago, call, numbered, payload, with, wrap_bytes};
use crate::support::cloudwatch::{CloudWatch, Fault};
use crate::support::emf;
use crate::support::envelopes::gzip;
use crate::support::function::{Function, NAME};
use crate::support::metrics::{Datum, Table, merge};
use crate::support::trail::File;
use crate::usage_function::lab::{AMPLE, SHORT, environment};
use crate::usage_function::retries::{ROOMY, chunk, distinct};
use read::{Alarm, Deployed, Source};

/// The name of the cost function.
const COST_FUNCTION: &str = "cost-of-a-test";

/// The alarms that metrics raise.
fn raised(alarms: &BTreeMap<String, Alarm>, table: &Table) -> Vec<String> {
    let raised = alarms.iter().filter(|(_, alarm)| alarm.is_on(table));
    raised.map(|(name, _)| name.clone()).collect()
}

/// Adds a datum of a metric that is about one resource.
fn add(table: &mut Table, namespace: &str, name: &str, dimension: (&str, &str), time: i64) {
    let datum = Datum {
        name: name.to_owned(),
        dimensions: vec![(dimension.0.to_owned(), dimension.1.to_owned())],
        time: time as f64,
        values: vec![(1.0, 1.0)],
        unit: "Count".to_owned(),
    };
    datum.add_to(table, namespace);
}

/// What a healthy delivery leaves behind.
static HEALTHY_DELIVERY: LazyLock<Table> = LazyLock::new(|| {
    let delivery = payload(&[numbered(1), numbered(2)]);
    of_delivery(&[], &delivery, AMPLE, |_| {})
});

/// What a healthy run of the cost function leaves behind.
static HEALTHY_RUN: LazyLock<Table> = LazyLock::new(|| of_run("alarms-cost", "users = []\n"));

/// What a run of the cost function leaves behind whose settings are missing.
static FAILED_RUN: LazyLock<Table> = LazyLock::new(|| of_run("alarms-cost-failed", ""));

/// The data of several tables.
fn all<const N: usize>(tables: [&Table; N]) -> Table {
    let mut whole = Table::new();
    tables.iter().for_each(|table| merge(&mut whole, table));
    whole
}

fn healthy() -> Table {
    all([&HEALTHY_DELIVERY, &HEALTHY_RUN])
}

/// What CloudWatch has after a healthy run of the cost function, and a delivery to the real usage function that has this
/// much time; `prepare` injects a fault.
fn after(payload: &[u8], time: Duration, prepare: impl Fn(&CloudWatch)) -> Table {
    all([&of_delivery(&[], payload, time, prepare), &HEALTHY_RUN])
}

/// What a delivery to the real usage function leaves behind, with settings of the function.
fn of_delivery(
    settings: &[(&str, &str)],
    payload: &[u8],
    time: Duration,
    prepare: impl Fn(&CloudWatch),
) -> Table {
    let cloudwatch = CloudWatch::start();
    prepare(&cloudwatch);
    let mut function = Function::start(&environment(&cloudwatch, None, settings));
    let delivery = function.begin(payload, time);
    function.end(&delivery);
    all([&cloudwatch.table(), &health_of(&function)])
}

/// What a run of the real cost function leaves behind. With empty settings there are none.
fn of_run(bucket: &'static str, settings: &str) -> Table {
    let account = "111122223333";
    let world = World::new(ago(0)).bill(account, Bill::new(Vec::new()));
    let server = Server::start(world);
    let mut bucket = Bucket::new(bucket);
    if !settings.is_empty() {
        bucket.put(&[File {
            key: "trailtab.toml".to_owned(),
            bytes: settings.as_bytes().to_vec(),
        }]);
    }
    let mut environment = server.environment(account);
    environment.extend([
        ("_HANDLER", "cost".to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", COST_FUNCTION.to_owned()),
        // The fake Cost Explorer's key has no token.
        ("AWS_SESSION_TOKEN", String::new()),
        (
            "AWS_ENDPOINT_URL_S3",
            format!("http://127.0.0.1:{}", bucket.proxy.port),
        ),
        ("TRAILTAB_COST_CONFIG", bucket.at("trailtab.toml")),
        ("TRAILTAB_LEDGER", bucket.at("ledger")),
    ]);
    let mut function = Function::start(&environment);
    let run = function.begin(b"{}", AMPLE);
    function.end(&run);
    health_of(&function)
}

/// The health that a function publishes.
fn health_of(function: &Function) -> Table {
    emf::read(function.health().iter().map(Value::to_string))
}

fn stop_logging(region: &str) -> Value {
    with(
        call(),
        &json!({
            "eventSource": "cloudtrail.amazonaws.com",
            "eventName": "StopLogging",
            "awsRegion": region,
        }),
    )
}

#[test]
fn healthy_functions_raise_no_alarm() {
    let alarms = Deployed::new().alarms();
    assert_eq!(raised(&alarms, &healthy()), [""; 0]);
}

/// A datum of Lambda or SQS, beside those of healthy functions.
fn of_aws(namespace: &str, name: &str, dimension: (&str, &str)) -> Table {
    let mut table = healthy();
    add(&mut table, namespace, name, dimension, ago(60));
    table
}

fn of_lambda(function: &str, name: &str) -> Table {
    of_aws("AWS/Lambda", name, ("FunctionName", function))
}

fn of_queue(name: &str) -> Table {
    let metric = "ApproximateNumberOfMessagesVisible";
    of_aws("AWS/SQS", metric, ("QueueName", name))
}

/// The last delivery was hours ago.
fn old_delivery() -> Table {
    let mut table = HEALTHY_RUN.clone();
    let own = ("FunctionName", NAME);
    add(
        &mut table,
        "trailtab/usage",
        "EventsReceived",
        own,
        ago(8 * 3600),
    );
    table
}

/// The last run of the cost function was days ago.
fn old_run() -> Table {
    let run = HEALTHY_RUN.clone().into_iter();
    let old: Table = run
        .map(|(mut key, kept)| {
            key.minute -= 3 * 86_400;
            (key, kept)
        })
        .collect();
    all([&HEALTHY_DELIVERY, &old])
}

fn a_new_region() -> Table {
    after(&payload(&[stop_logging("ap-northeast-1")]), AMPLE, |_| {})
}

/// CloudWatch takes the first of two requests. Without a ledger, the delivery cannot be repeated then.
fn throttled() -> Table {
    let refuse = |cloudwatch: &CloudWatch| cloudwatch.fail(usize::MAX, Fault::THROTTLED, chunk(1));
    let delivery = of_delivery(&[ROOMY], &payload(&distinct(1500)), SHORT, refuse);
    all([&delivery, &HEALTHY_RUN])
}

fn unanswered() -> Table {
    let keep_silent = |cloudwatch: &CloudWatch| cloudwatch.fail(1, Fault::KeepAndClose, |_| true);
    after(&payload(&[numbered(1)]), AMPLE, keep_silent)
}

fn too_old() -> Table {
    let old = with(
        numbered(1),
        &json!({ "eventTime": rfc3339(ago(15 * 86_400)) }),
    );
    after(&payload(&[old]), AMPLE, |_| {})
}

fn cut() -> Table {
    let whole = gzip(b"{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[{\"message\":\"{}\"}]}");
    let cut = wrap_bytes(&whole[..whole.len() / 2]);
    all([&healthy(), &of_delivery(&[], &cut, AMPLE, |_| {})])
}

/// A fault, the metrics that it leaves behind, and the alarms that it raises.
type Raises = (&'static str, fn() -> Table, &'static [&'static str]);

const FAULTS: [Raises; 19] = [
    ("a call in a new region", a_new_region, &["ApiAlarm"]),
    ("no delivery", || HEALTHY_RUN.clone(), &["SilenceAlarm"]),
    ("no delivery for hours", old_delivery, &["SilenceAlarm"]),
    ("CloudWatch throttles", throttled, &["UnsentAlarm"]),
    ("CloudWatch is silent", unanswered, &["UnconfirmedAlarm"]),
    ("a payload is cut", cut, &["UnreadableAlarm"]),
    ("an event is too old", too_old, &["RefusedAlarm"]),
    (
        "dead letters",
        || of_queue("DeadLetters"),
        &["DeadLettersAlarm"],
    ),
    (
        "a dead letter is lost",
        || of_lambda(NAME, "DeadLetterErrors"),
        &["DeadLetterErrorsAlarm"],
    ),
    (
        "deliveries wait",
        || of_lambda(NAME, "Throttles"),
        &["ThrottlesAlarm"],
    ),
    (
        "deliveries fail",
        || of_lambda(NAME, "Errors"),
        &["ErrorsAlarm"],
    ),
    ("no run", || HEALTHY_DELIVERY.clone(), &["CostSilenceAlarm"]),
    ("no run for days", old_run, &["CostSilenceAlarm"]),
    (
        "no run without a failure",
        || all([&HEALTHY_DELIVERY, &FAILED_RUN]),
        &["CostFailedAlarm", "CostSilenceAlarm"],
    ),
    (
        "a run fails and another one does not",
        || all([&healthy(), &FAILED_RUN]),
        &["CostFailedAlarm"],
    ),
    (
        "dead letters of costs",
        || of_queue("CostDeadLetters"),
        &["CostDeadLettersAlarm"],
    ),
    (
        "a dead letter of costs is lost",
        || of_lambda(COST_FUNCTION, "DeadLetterErrors"),
        &["CostDeadLetterErrorsAlarm"],
    ),
    (
        "runs wait",
        || of_lambda(COST_FUNCTION, "Throttles"),
        &["CostThrottlesAlarm"],
    ),
    (
        "runs fail",
        || of_lambda(COST_FUNCTION, "Errors"),
        &["CostErrorsAlarm"],
    ),
];

/// Each fault raises exactly its alarms; no alarm is without a fault.
#[test]
fn each_alarm_is_raised_by_its_fault() {
    let (known, mut met) = (Deployed::new().alarms(), BTreeSet::new());
    for (fault, metrics, alarms) in FAULTS {
        assert_eq!(raised(&known, &metrics()), alarms, "{fault}");
        met.extend(alarms.iter().map(|name| (*name).to_owned()));
    }
    assert_eq!(met, known.into_keys().collect::<BTreeSet<_>>());
}

/// CloudWatch evaluates three hours of a query at most ("Limits" of alarms in its User Guide), and seven days of other
/// alarms whose periods are an hour or longer, one day of all others (PutMetricAlarm in its API Reference).
#[test]
fn alarms_keep_the_limits_of_cloudwatch() {
    let deployed = Deployed::new();
    for (name, alarm) in deployed.alarms() {
        let seconds = alarm.period * alarm.evaluation_periods;
        let most = match (&alarm.source, alarm.period) {
            (Source::Query { .. }, _) => 3 * 3600,
            (_, 3600..) => 7 * 86_400,
            _ => 86_400,
        };
        assert!(seconds <= most, "{name}");
    }
    for (parameter, seconds) in [("SilentHours", 3600), ("CostSilentDays", 86_400)] {
        let most = &deployed.template["Parameters"][parameter]["MaxValue"];
        assert_eq!(most.as_i64().unwrap() * seconds, 7 * 86_400, "{parameter}");
    }
}

/// All alarms go to the topic, and those on health are on metrics that the functions have.
#[test]
fn alarms_are_sent_and_their_metrics_exist() {
    let deployed = Deployed::new();
    for (name, alarm) in resources(&deployed.template, "AWS::CloudWatch::Alarm") {
        let action = at(&alarm["Properties"], "AlarmActions/Fn::If");
        assert_eq!(action[0], "HasAlarmTopic", "{name}");
    }
    for (name, alarm) in deployed.alarms() {
        let (Source::Metric(series) | Source::Filled(series, _)) = alarm.source else {
            continue;
        };
        if let Some(function) = series.namespace.strip_prefix("trailtab/") {
            assert!(health(function).contains(&series.name), "{name}");
        }
    }
}
