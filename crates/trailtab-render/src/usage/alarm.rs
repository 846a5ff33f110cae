//! Generates the CloudFormation resources of alarms on the calls of an API.

use serde_json::{Value, json};

use super::dashboard::{dimensions, title};
use trailtab_core::activity::usage::metrics::{MetricDimension, SHAPES};
use trailtab_core::activity::usage::popular::{ApiAlarm, PopularApi};

/// Seconds after which nearly all calls are delivered.
const DELIVERY_DELAY_SECONDS: u32 = 1800;

/// The longest time that CloudWatch evaluates at once if a period is shorter than an hour (PutMetricAlarm in the
/// CloudWatch API Reference).
const MAX_EVALUATION_SECONDS: u32 = 86_400;

/// Age in seconds of the oldest data that an alarm on a Metrics Insights query evaluates ("Limits that apply to alarms
/// based on Metrics Insights queries" in the CloudWatch User Guide).
const MAX_QUERY_SECONDS: u32 = 3 * 3600;

/// Metrics per alarm expression ("Limits that apply to alarms based on metric math expressions", same guide).
const MAX_ALARM_METRICS: usize = 10;

/// The resource of an alarm. It watches all regions, also those in which the API has not been called yet, unless its
/// period is longer than queries reach back.
pub(super) fn resource(alarm: &ApiAlarm, namespace: &str) -> Value {
    let (api, wanted) = (&alarm.api, &alarm.wanted);
    let (metrics, regions) = match is_query(wanted.period) {
        true => (
            json!([{
                "Id": "calls", "Label": title(api), "ReturnData": true, "Period": wanted.period,
                "Expression": query(api, namespace),
            }]),
            "in all regions together".to_owned(),
        ),
        false => (sum(api, namespace, wanted.period), known_regions(api)),
    };
    json!({
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": format!(
                "{}: {} calls or more in {} seconds, {regions}",
                title(api), wanted.calls, wanted.period,
            ),
            "Metrics": metrics,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": wanted.calls,
            "EvaluationPeriods": evaluation_periods(wanted.period),
            "DatapointsToAlarm": 1,
            // A period without calls has no data.
            "TreatMissingData": "notBreaching",
            "AlarmActions": {
                "Fn::If": ["HasTopic", [{ "Ref": "AlarmTopicArn" }], { "Ref": "AWS::NoValue" }],
            },
        },
    })
}

/// Returns whether a query reaches back over all periods that an alarm evaluates.
fn is_query(period: u32) -> bool {
    evaluation_periods(period) * period <= MAX_QUERY_SECONDS
}

/// A Metrics Insights query of the calls in all regions. Namespaces and the names of popular APIs have no quotation
/// marks.
fn query(api: &PopularApi, namespace: &str) -> String {
    // The first shape is that of all calls.
    let dimensions = SHAPES[0].dimensions.iter().map(|it| it.name());
    let dimensions: String = dimensions.map(|name| format!(", \"{name}\"")).collect();
    format!(
        "SELECT SUM(\"{}\") FROM SCHEMA(\"{namespace}\"{dimensions}) WHERE \"{}\" = '{}'",
        api.name,
        MetricDimension::EventSource.name(),
        api.source,
    )
}

/// The regions that an alarm can watch by their metrics.
fn watched(api: &PopularApi) -> &[(String, u64)] {
    &api.regions[..api.regions.len().min(MAX_ALARM_METRICS)]
}

/// Metric math that adds up the known regions of an API.
fn sum(api: &PopularApi, namespace: &str, period: u32) -> Value {
    let ids: Vec<String> = (0..watched(api).len()).map(|at| format!("m{at}")).collect();
    let mut metrics = vec![json!({
        "Id": "calls", "Label": title(api), "ReturnData": true,
        "Expression": format!("SUM([{}])", ids.join(",")),
    })];
    for ((region, _), id) in watched(api).iter().zip(ids) {
        let dimensions = dimensions(api, region)
            .map(|(name, value)| json!({ "Name": name, "Value": value }))
            .collect::<Vec<_>>();
        let metric =
            json!({ "Namespace": namespace, "MetricName": api.name, "Dimensions": dimensions });
        let stat = json!({ "Metric": metric, "Period": period, "Stat": "Sum" });
        metrics.push(json!({ "Id": id, "ReturnData": false, "MetricStat": stat }));
    }
    metrics.into()
}

/// Evaluation periods of an alarm: a call counts for the minute in which it was made, but CloudTrail delivers it up
/// to 15 minutes later, sometimes more.
fn evaluation_periods(period: u32) -> u32 {
    let periods = DELIVERY_DELAY_SECONDS.div_ceil(period) + 1;
    match periods * period > MAX_EVALUATION_SECONDS {
        true => 1,
        false => periods,
    }
}

/// The regions that an alarm watches by their metrics, for its description.
fn known_regions(api: &PopularApi) -> String {
    match (watched(api).len(), api.regions.len()) {
        (1, 1) => format!("in {}", api.regions[0].0),
        (watched, all) if all == watched => format!("in {all} regions together"),
        (watched, all) => format!("in the {watched} of {all} regions with most calls"),
    }
}

/// A message for each alarm that does not watch all regions.
pub fn limited(alarms: &[ApiAlarm]) -> impl Iterator<Item = String> {
    let long = alarms.iter().filter(|alarm| !is_query(alarm.wanted.period));
    long.map(|alarm| {
        format!(
            "the alarm on {} watches calls {}, and no others: an alarm on all regions looks back {} hours at most, so write a period of 1h or less",
            title(&alarm.api),
            known_regions(&alarm.api),
            MAX_QUERY_SECONDS / 3600,
        )
    })
}
