//! The alarms of the template, and how CloudWatch evaluates them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::{resources, template};
use super::COST_FUNCTION;
use crate::support::calls::ago;
use crate::support::function::NAME;
use crate::support::metrics::{Kept, Key, Table};

/// What an alarm looks at.
#[derive(Debug)]
pub(super) enum Source {
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
pub(super) struct Series {
    pub(super) namespace: String,
    pub(super) name: String,
    dimensions: Vec<(String, String)>,
    statistic: String,
}

#[derive(Debug)]
pub(super) struct Alarm {
    pub(super) source: Source,
    pub(super) period: i64,
    pub(super) evaluation_periods: i64,
    datapoints_to_alarm: usize,
    comparison: String,
    threshold: f64,
    missing: String,
}

/// The template, and what its functions and resources yield on deployment.
pub(super) struct Deployed {
    pub(super) template: Value,
}

impl Deployed {
    pub(super) fn new() -> Deployed {
        Deployed {
            template: template(),
        }
    }

    /// A value with the defaults of parameters. The functions have the names that they have in these tests, and a queue
    /// has that of its resource.
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
            _ => match name {
                "Function" => NAME.to_owned(),
                "CostFunction" => COST_FUNCTION.to_owned(),
                other => panic!("{other} is not known before the deployment"),
            },
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

    pub(super) fn alarms(&self) -> BTreeMap<String, Alarm> {
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
        let kept = within(table, from, until, |key| self.matches(key))?;
        match self.statistic.as_str() {
            "Sum" => Some(kept.sum as f64),
            "Maximum" => kept.most.map(|value| value as f64),
            "Minimum" => kept.least.map(|value| value as f64),
            other => panic!("{other}"),
        }
    }
}

/// The statistics of all data of a period, if there are any.
fn within(table: &Table, from: i64, until: i64, is_meant: impl Fn(&Key) -> bool) -> Option<Kept> {
    let meant = table
        .iter()
        .filter(|(key, _)| (from..until).contains(&key.minute) && is_meant(key));
    meant.map(|(_, kept)| *kept).reduce(Kept::with)
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
                within(table, from, until, is_meant).map(|kept| kept.sum as f64)
            }
        }
    }
}

impl Alarm {
    /// Tells whether the alarm is on.
    pub(super) fn is_on(&self, table: &Table) -> bool {
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
