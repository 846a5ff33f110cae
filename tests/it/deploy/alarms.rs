//! Every alarm of the template is raised by its fault, and by nothing else: each is read from the template and applied
//! to the metrics that the real functions publish under the fault, or to those that Lambda and SQS document.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::{health, resources, template};
use crate::support::at;
use crate::support::bucket::Bucket;
use crate::support::calls::{ago, call, numbered, payload, with, wrap_bytes};
use crate::support::cloudwatch::{CloudWatch, Fault};
use crate::support::emf;
use crate::support::envelopes::gzip;
use crate::support::function::{Function, NAME};
use crate::support::metrics::{Datum, Key, Table};
use crate::usage_function::lab::{AMPLE, SHORT, environment};
use crate::usage_function::retries::{ROOMY, chunk, distinct};

/// What an alarm looks at.
#[derive(Debug)]
enum Source {
    /// One metric.
    Metric(Series),
    /// One metric, with this value where it has no data.
    Filled(Series, f64),
    /// A Metrics Insights query: the sum of all metrics of a name that have exactly these dimensions, and these values.
    Query {
        namespace: String,
        name: String,
        dimensions: BTreeSet<String>,
        values: Vec<(String, String)>,
    },
}

/// A metric and what is made of its data in a period.
#[derive(Debug)]
struct Series {
    namespace: String,
    name: String,
    dimensions: Vec<(String, String)>,
    statistic: String,
}

#[derive(Debug)]
struct Alarm {
    source: Source,
    period: i64,
    evaluation_periods: i64,
    datapoints_to_alarm: usize,
    comparison: String,
    threshold: f64,
    missing: String,
}

/// The template, and what its functions and resources yield on deployment.
struct Deployed {
    template: Value,
}

impl Deployed {
    fn new() -> Deployed {
        Deployed {
            template: template(),
        }
    }

    /// A value with the defaults of parameters. Both functions have the name of the tests' function, and a queue has
    /// that of its resource.
    fn resolve(&self, value: &Value) -> Value {
        if let Some(name) = value["Ref"].as_str() {
            return self.reference(name).into();
        }
        if let Some(attribute) = value["Fn::GetAtt"].as_array() {
            assert_eq!(attribute[1], "QueueName", "{value}");
            return attribute[0].clone();
        }
        match value["Fn::Sub"].as_str() {
            Some(text) => self.substitute(text).into(),
            None => value.clone(),
        }
    }

    fn reference(&self, name: &str) -> String {
        match &self.template["Parameters"][name]["Default"] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => {
                assert!(["Function", "CostFunction"].contains(&name), "{name}");
                NAME.to_owned()
            }
        }
    }

    fn substitute(&self, text: &str) -> String {
        let mut parts = text.split("${");
        let mut whole = parts.next().unwrap().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').unwrap();
            whole += &self.reference(name);
            whole += rest;
        }
        whole
    }

    fn text(&self, value: &Value) -> String {
        self.resolve(value).as_str().unwrap().to_owned()
    }

    fn number(&self, value: &Value) -> i64 {
        match self.resolve(value) {
            Value::String(text) => text.parse().unwrap(),
            number => number.as_i64().unwrap(),
        }
    }

    fn alarms(&self) -> BTreeMap<String, Alarm> {
        let alarms = resources(&self.template, "AWS::CloudWatch::Alarm").into_iter();
        alarms
            .map(|(name, alarm)| (name.to_owned(), self.alarm(&alarm["Properties"])))
            .collect()
    }

    fn alarm(&self, alarm: &Value) -> Alarm {
        let (source, period) = self.source(alarm);
        let evaluation_periods = self.number(&alarm["EvaluationPeriods"]);
        let datapoints_to_alarm = match &alarm["DatapointsToAlarm"] {
            Value::Null => evaluation_periods,
            number => self.number(number),
        };
        Alarm {
            source,
            period,
            evaluation_periods,
            datapoints_to_alarm: datapoints_to_alarm as usize,
            comparison: self.text(&alarm["ComparisonOperator"]),
            threshold: self.number(&alarm["Threshold"]) as f64,
            missing: self.text(&alarm["TreatMissingData"]),
        }
    }

    /// What an alarm looks at, and its period.
    fn source(&self, alarm: &Value) -> (Source, i64) {
        let Some(metrics) = alarm["Metrics"].as_array() else {
            let series = self.series(alarm, &alarm["Statistic"]);
            return (Source::Metric(series), self.number(&alarm["Period"]));
        };
        let returned: Vec<_> = metrics
            .iter()
            .filter(|it| it["ReturnData"] == true)
            .collect();
        let [returned] = returned[..] else {
            panic!("{metrics:?}")
        };
        let expression = self.text(&returned["Expression"]);
        if let Some(filled) = expression.strip_prefix("FILL(") {
            let (id, value) = filled.strip_suffix(')').unwrap().split_once(", ").unwrap();
            let metric = metrics.iter().find(|it| it["Id"] == id).unwrap();
            assert_eq!(metric["ReturnData"], false);
            let stat = &metric["MetricStat"];
            let series = self.series(&stat["Metric"], &stat["Stat"]);
            let source = Source::Filled(series, value.parse().unwrap());
            return (source, self.number(&stat["Period"]));
        }
        (query(&expression), self.number(&returned["Period"]))
    }

    fn series(&self, metric: &Value, statistic: &Value) -> Series {
        let dimensions = metric["Dimensions"].as_array().unwrap().iter();
        Series {
            namespace: self.text(&metric["Namespace"]),
            name: self.text(&metric["MetricName"]),
            dimensions: dimensions
                .map(|it| (self.text(&it["Name"]), self.text(&it["Value"])))
                .collect(),
            statistic: self.text(statistic),
        }
    }
}

/// Reads a query: `SELECT SUM("NAME") FROM SCHEMA("NAMESPACE", "KEY", …) WHERE "KEY" = 'VALUE'`.
fn query(text: &str) -> Source {
    let rest = text.strip_prefix("SELECT SUM(\"").unwrap();
    let (name, rest) = rest.split_once("\") FROM SCHEMA(").unwrap();
    let (schema, condition) = rest.split_once(") WHERE ").unwrap();
    let quoted = |text: &str, quote: char| {
        let inner = text
            .strip_prefix(quote)
            .and_then(|it| it.strip_suffix(quote));
        let inner = inner.unwrap_or_else(|| panic!("{text} is not between {quote}"));
        assert!(!inner.contains(['"', '\'']), "{text}");
        inner.to_owned()
    };
    let mut schema = schema.split(", ").map(|text| quoted(text, '"'));
    let namespace = schema.next().unwrap();
    let dimensions: BTreeSet<_> = schema.collect();
    let values: Vec<_> = condition
        .split(" AND ")
        .map(|comparison| {
            let (key, value) = comparison.split_once(" = ").unwrap();
            (quoted(key, '"'), quoted(value, '\''))
        })
        .collect();
    assert!(values.iter().all(|(key, _)| dimensions.contains(key)));
    Source::Query {
        namespace,
        name: name.to_owned(),
        dimensions,
        values,
    }
}

impl Series {
    fn matches(&self, key: &Key) -> bool {
        let mut dimensions = self.dimensions.clone();
        dimensions.sort();
        (&key.namespace, &key.name, &key.dimensions) == (&self.namespace, &self.name, &dimensions)
    }

    fn value(&self, table: &Table, from: i64, until: i64) -> Option<f64> {
        let data = values(table, from, until, |key| self.matches(key));
        match self.statistic.as_str() {
            "Sum" => data.into_iter().reduce(|a, b| a + b),
            "Maximum" => data.into_iter().reduce(f64::max),
            other => panic!("{other}"),
        }
    }
}

fn values(table: &Table, from: i64, until: i64, is_meant: impl Fn(&Key) -> bool) -> Vec<f64> {
    let meant = table
        .iter()
        .filter(|(key, _)| (from..until).contains(&key.minute) && is_meant(key));
    meant.map(|(_, kept)| kept.sum as f64).collect()
}

impl Source {
    /// The datum of a period, if there is one.
    fn value(&self, table: &Table, from: i64, until: i64) -> Option<f64> {
        match self {
            Source::Metric(series) => series.value(table, from, until),
            Source::Filled(series, value) => {
                // There is nothing to fill in a metric that does not exist.
                let exists = table.keys().any(|key| series.matches(key));
                let known = series.value(table, from, until);
                known.or_else(|| exists.then_some(*value))
            }
            Source::Query {
                namespace,
                name,
                dimensions,
                values: wanted,
            } => {
                let is_meant = |key: &Key| {
                    let names = key.dimensions.iter().map(|(name, _)| name.clone());
                    (&key.namespace, &key.name) == (namespace, name)
                        && names.collect::<BTreeSet<_>>() == *dimensions
                        && wanted.iter().all(|it| key.dimensions.contains(it))
                };
                let data = values(table, from, until, is_meant);
                data.into_iter().reduce(|a, b| a + b)
            }
        }
    }
}

impl Alarm {
    /// Tells whether the alarm is on.
    fn is_on(&self, table: &Table) -> bool {
        // CloudWatch evaluates each minute, over periods that end then.
        let end = ago(0) + 60;
        let breaching = (0..self.evaluation_periods).filter(|number| {
            let until = end - number * self.period;
            match self.source.value(table, until - self.period, until) {
                Some(value) => self.is_breaching(value),
                None => match self.missing.as_str() {
                    "breaching" => true,
                    "notBreaching" => false,
                    other => panic!("{other}"),
                },
            }
        });
        breaching.count() >= self.datapoints_to_alarm
    }

    fn is_breaching(&self, value: f64) -> bool {
        match self.comparison.as_str() {
            "GreaterThanThreshold" => value > self.threshold,
            "GreaterThanOrEqualToThreshold" => value >= self.threshold,
            "LessThanThreshold" => value < self.threshold,
            other => panic!("{other}"),
        }
    }
}

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

/// What CloudWatch has after a delivery to the real function that has this much time; `prepare` injects a fault.
fn after(payload: &[u8], time: Duration, prepare: impl Fn(&CloudWatch)) -> Table {
    after_with(&[], payload, time, prepare)
}

/// Like [`after`], with settings of the function.
fn after_with(
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
    let mut table = cloudwatch.table();
    table.extend(health_of(&function));
    table
}

/// The health that a function publishes.
fn health_of(function: &Function) -> Table {
    emf::read(function.health().iter().map(Value::to_string))
}

fn healthy() -> Table {
    after(&payload(&[numbered(1), numbered(2)]), AMPLE, |_| {})
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
fn healthy_deliveries_raise_no_alarm() {
    let alarms = Deployed::new().alarms();
    assert_eq!(raised(&alarms, &healthy()), [""; 0]);
}

/// A datum of Lambda or SQS, beside those of healthy deliveries.
fn of_aws(namespace: &str, name: &str, dimension: (&str, &str)) -> Table {
    let mut table = healthy();
    add(&mut table, namespace, name, dimension, ago(60));
    table
}

fn of_lambda(name: &str) -> Table {
    of_aws("AWS/Lambda", name, ("FunctionName", NAME))
}

fn of_queue(name: &str) -> Table {
    let metric = "ApproximateNumberOfMessagesVisible";
    of_aws("AWS/SQS", metric, ("QueueName", name))
}

fn long_ago() -> Table {
    let mut table = Table::new();
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

fn a_new_region() -> Table {
    after(&payload(&[stop_logging("ap-northeast-1")]), AMPLE, |_| {})
}

/// CloudWatch takes the first of two requests. Without a ledger, the delivery cannot be repeated then.
fn throttled() -> Table {
    let refuse = |cloudwatch: &CloudWatch| cloudwatch.fail(usize::MAX, Fault::THROTTLED, chunk(1));
    after_with(&[ROOMY], &payload(&distinct(1500)), SHORT, refuse)
}

fn unanswered() -> Table {
    let keep_silent = |cloudwatch: &CloudWatch| cloudwatch.fail(1, Fault::KeepAndClose, |_| true);
    after(&payload(&[numbered(1)]), AMPLE, keep_silent)
}

fn cut() -> Table {
    let whole = gzip(b"{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[{\"message\":\"{}\"}]}");
    let mut table = healthy();
    let cut = wrap_bytes(&whole[..whole.len() / 2]);
    table.extend(after(&cut, AMPLE, |_| {}));
    table
}

/// A fault, the metrics that it leaves behind, and the alarms that it raises.
type Raises = (&'static str, fn() -> Table, &'static [&'static str]);

const FAULTS: [Raises; 12] = [
    ("a call in a new region", a_new_region, &["ApiAlarm"]),
    ("no delivery", Table::new, &["SilenceAlarm"]),
    ("no delivery for hours", long_ago, &["SilenceAlarm"]),
    ("CloudWatch throttles", throttled, &["UnsentAlarm"]),
    ("CloudWatch is silent", unanswered, &["UnconfirmedAlarm"]),
    ("a payload is cut", cut, &["UnreadableAlarm"]),
    (
        "dead letters",
        || of_queue("DeadLetters"),
        &["DeadLettersAlarm"],
    ),
    (
        "dead letters of costs",
        || of_queue("CostDeadLetters"),
        &["CostDeadLettersAlarm"],
    ),
    (
        "a dead letter is lost",
        || of_lambda("DeadLetterErrors"),
        &["DeadLetterErrorsAlarm"],
    ),
    (
        "deliveries wait",
        || of_lambda("Throttles"),
        &["ThrottlesAlarm"],
    ),
    (
        // Here both functions have the same name.
        "runs fail",
        || of_lambda("Errors"),
        &["CostErrorsAlarm", "ErrorsAlarm"],
    ),
    ("no settings of costs", failed_mails, &["CostFailedAlarm"]),
];

/// Each fault raises exactly its alarms; no alarm is without a fault.
#[test]
fn each_alarm_is_raised_by_its_fault() {
    let (all, mut met) = (Deployed::new().alarms(), BTreeSet::new());
    for (fault, metrics, alarms) in FAULTS {
        assert_eq!(raised(&all, &metrics()), alarms, "{fault}");
        met.extend(alarms.iter().map(|name| (*name).to_owned()));
    }
    assert_eq!(met, all.into_keys().collect::<BTreeSet<_>>());
}

/// The metrics of a real run of the cost function whose settings are missing, beside those of healthy deliveries.
fn failed_mails() -> Table {
    let bucket = Bucket::new("alarms-cost");
    let mut function = Function::start(&[
        ("_HANDLER", "cost".to_owned()),
        (
            "AWS_ENDPOINT_URL_S3",
            format!("http://127.0.0.1:{}", bucket.proxy.port),
        ),
        ("TRAILTAB_COST_CONFIG", bucket.at("absent.toml")),
        ("TRAILTAB_LEDGER", bucket.at("ledger")),
    ]);
    let delivery = function.begin(b"{}", AMPLE);
    function.end(&delivery);
    let mut table = healthy();
    table.extend(health_of(&function));
    table
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
    let hours = &deployed.template["Parameters"]["SilentHours"]["MaxValue"];
    assert_eq!(hours.as_i64().unwrap() * 3600, 7 * 86_400);
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
