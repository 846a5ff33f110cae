//! Generates CloudWatch dashboards and CloudFormation templates with alarms for the APIs that are called.

use serde_json::{Map, Value, json};

use super::alarm;
use trailtab_core::activity::usage::metrics::{MetricDimension, SHAPES};
use trailtab_core::activity::usage::popular::{ApiAlarm, PopularApi};

/// APIs per graph: more lines are indistinguishable, and CloudWatch draws at most 500 metrics.
const APIS_PER_GRAPH: usize = 10;

/// Metrics per dashboard ("CloudWatch service quotas" in the CloudWatch User Guide).
const MAX_DASHBOARD_METRICS: usize = 2500;

/// The dashboard would exceed CloudWatch's metric limit. Holds the number of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a dashboard holds {MAX_DASHBOARD_METRICS} metrics at most, and this one would have {0}: show fewer APIs with --top"
)]
pub struct TooManyMetrics(usize);

/// Builds a dashboard body. `region` is the one that the metrics are published to.
///
/// # Errors
///
/// If the dashboard would have too many metrics.
pub fn body(apis: &[PopularApi], namespace: &str, region: &str) -> Result<Value, TooManyMetrics> {
    let metrics: usize = apis.iter().map(|api| api.regions.len()).sum();
    // Each metric is in the graph of all APIs and in that of its own.
    if metrics * 2 > MAX_DASHBOARD_METRICS {
        return Err(TooManyMetrics(metrics * 2));
    }
    let mut widgets = Vec::new();
    let mut y = 0;
    for apis in apis.chunks(APIS_PER_GRAPH) {
        let lines = apis
            .iter()
            .enumerate()
            .flat_map(|(at, api)| line(at, api, namespace));
        let lines: Vec<Value> = lines.collect();
        let title = "Calls per minute, all regions together";
        widgets.push(graph((0, y, 24, 8), title, false, &lines, region));
        y += 8;
    }
    for (at, api) in apis.iter().enumerate() {
        let lines = api.regions.iter().map(|(name, _)| {
            let mut line = metric(api, name, namespace);
            line.push(json!({ "label": name }));
            Value::Array(line)
        });
        let lines: Vec<Value> = lines.collect();
        let place = (8 * (at % 3), y + 6 * (at / 3), 8, 6);
        widgets.push(graph(place, &title(api), true, &lines, region));
    }
    Ok(json!({ "widgets": widgets }))
}

/// The line of one API: its only metric, or the sum over its regions.
fn line(at: usize, api: &PopularApi, namespace: &str) -> Vec<Value> {
    let mut lines = Vec::new();
    let mut ids = Vec::new();
    for (number, (region, _)) in api.regions.iter().enumerate() {
        let mut line = metric(api, region, namespace);
        let id = format!("m{at}r{number}");
        line.push(match api.regions.len() {
            1 => json!({ "id": id, "label": title(api) }),
            _ => json!({ "id": id, "visible": false }),
        });
        lines.push(Value::Array(line));
        ids.push(id);
    }
    if ids.len() > 1 {
        let sum = format!("SUM([{}])", ids.join(","));
        let id = format!("e{at}");
        lines.push(json!([{ "expression": sum, "id": id, "label": title(api) }]));
    }
    lines
}

/// A metric in dashboard syntax: namespace, name, then dimension names and values in the order of [`SHAPES`].
fn metric(api: &PopularApi, region: &str, namespace: &str) -> Vec<Value> {
    let mut parts = vec![namespace.into(), api.name.clone().into()];
    for (name, value) in dimensions(api, region) {
        parts.extend([name.into(), value.into()]);
    }
    parts
}

/// The names and values of an API's metric in a region.
pub(super) fn dimensions<'a>(
    api: &'a PopularApi,
    region: &'a str,
) -> impl Iterator<Item = (&'static str, &'a str)> {
    // The first shape is that of all calls.
    let names = SHAPES[0].dimensions.iter();
    names.map(move |dimension| {
        let value = match dimension {
            MetricDimension::AwsRegion => region,
            _ => &api.source,
        };
        (dimension.name(), value)
    })
}

pub(super) fn title(api: &PopularApi) -> String {
    format!("{}:{}", api.source, api.name)
}

fn graph(
    (x, y, width, height): (usize, usize, usize, usize),
    title: &str,
    stacked: bool,
    metrics: &[Value],
    region: &str,
) -> Value {
    json!({
        "type": "metric", "x": x, "y": y, "width": width, "height": height,
        "properties": {
            "title": title, "view": "timeSeries", "stacked": stacked, "region": region,
            "stat": "Sum", "period": 60, "metrics": metrics,
            "yAxis": { "left": { "min": 0, "label": "calls", "showUnits": false } },
        },
    })
}

/// Builds a CloudFormation template with alarms, and with a dashboard unless `apis` is empty.
///
/// # Errors
///
/// If the dashboard would have too many metrics.
pub fn template(
    apis: &[PopularApi],
    alarms: &[ApiAlarm],
    namespace: &str,
) -> Result<Value, TooManyMetrics> {
    let mut resources = Map::new();
    if !apis.is_empty() {
        let body = body(apis, namespace, "${AWS::Region}")?.to_string();
        let dashboard = json!({
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": { "DashboardBody": { "Fn::Sub": body } },
        });
        resources.insert("Dashboard".to_owned(), dashboard);
    }
    for (at, alarm) in alarms.iter().enumerate() {
        let letters = alarm.api.name.chars().filter(char::is_ascii_alphanumeric);
        let id = format!("Alarm{}{}", at + 1, letters.take(200).collect::<String>());
        resources.insert(id, alarm::resource(alarm, namespace));
    }
    let mut template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": format!(
            "Calls of AWS APIs, from the metrics of {namespace}; made by trailtab usage"
        ),
        "Resources": resources,
    });
    if !alarms.is_empty() {
        template["Parameters"] = json!({ "AlarmTopicArn": {
            "Type": "String", "Default": "",
            "Description": "ARN of the SNS topic to notify; empty for none",
        } });
        template["Conditions"] = json!({
            "HasTopic": { "Fn::Not": [{ "Fn::Equals": [{ "Ref": "AlarmTopicArn" }, ""] }] },
        });
    }
    Ok(template)
}
