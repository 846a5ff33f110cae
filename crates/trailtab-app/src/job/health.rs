//! Reads the health of a deployed usage function: its stack from CloudFormation, its metrics from CloudWatch.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, StatusCode,
};

use crate::aws::{self, DeployedStack, PageTokens, SdkConfig, StackName};
use trailtab_core::activity::usage::health::{
    HealthFigure, HealthReadings, MetricOwner, UsageStack,
};
use trailtab_core::activity::usage::metrics::NAMESPACE;
use trailtab_core::time::{Seconds, TimeRange};

/// The memory of the function in templates without the parameter `MemoryMegabytes`.
const DEFAULT_MEMORY_MEGABYTES: u64 = 128;

/// Pages of 500 metrics: more than a function may keep in all sets together.
const MAX_METRIC_PAGES: usize = 2000;

/// For how long CloudWatch keeps data of five minutes ("Metrics retention" in the CloudWatch User Guide).
const FIVE_MINUTES_KEPT_DAYS: Seconds = 63;

const SECONDS_PER_DAY: Seconds = 86_400;

/// Why the stack of a function is not known.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// CloudFormation did not describe it.
    #[error("cannot describe the stack {name} in {region}: {reason}")]
    NotDescribed {
        /// The name of the stack.
        name: String,
        /// The region that was asked.
        region: String,
        /// The reason.
        reason: String,
    },
    /// The stack was not made by deploy/template.yaml.
    #[error(
        "the stack {name} has no output {output}: name a stack that deploy/template.yaml made, such as trailtab"
    )]
    NotOurs {
        /// The name of the stack.
        name: String,
        /// The output that it lacks.
        output: &'static str,
    },
}

/// Finds the function of a stack.
///
/// # Errors
///
/// Fails if there is no such stack, it cannot be described, or it is another one.
pub async fn stack(config: &SdkConfig, name: &StackName) -> Result<UsageStack, StackError> {
    let deployed = aws::describe_stack(config, name).await;
    let deployed = deployed.map_err(|reason| StackError::NotDescribed {
        name: name.as_str().to_owned(),
        region: aws::region_of(config).to_string(),
        reason,
    })?;
    usage_stack(name.as_str(), &deployed)
}

fn usage_stack(name: &str, deployed: &DeployedStack) -> Result<UsageStack, StackError> {
    let output = |output| {
        let value = deployed.outputs.get(output).cloned();
        value.ok_or_else(|| StackError::NotOurs {
            name: name.to_owned(),
            output,
        })
    };
    let parameter = |key| deployed.parameters.get(key).map(String::as_str);
    let queue_url = output("DeadLetterQueueUrl")?;
    let memory = parameter("MemoryMegabytes").and_then(|text| text.parse().ok());
    Ok(UsageStack {
        name: name.to_owned(),
        function: output("FunctionName")?,
        queue: queue_url.rsplit('/').next().unwrap_or_default().to_owned(),
        namespace: parameter("Namespace").unwrap_or(NAMESPACE).to_owned(),
        memory_megabytes: memory.unwrap_or(DEFAULT_MEMORY_MEGABYTES),
        is_arm: parameter("Architecture") == Some("arm64"),
        is_emf: parameter("Output") == Some("emf"),
    })
}

/// The seconds of a datum: CloudWatch keeps longer ones for longer.
fn period(since: Seconds, now: Seconds) -> Seconds {
    match now - since < FIVE_MINUTES_KEPT_DAYS * SECONDS_PER_DAY {
        true => 300,
        false => 3600,
    }
}

/// Moves the start of a range back to where a datum of CloudWatch begins.
pub fn aligned(range: TimeRange, now: Seconds) -> TimeRange {
    let period = period(range.from, now);
    TimeRange {
        from: range.from.div_euclid(period) * period,
        until: range.until,
    }
}

/// Reads all figures of an aligned range. What cannot be read is among the failures.
pub async fn readings(
    config: &SdkConfig,
    stack: &UsageStack,
    range: TimeRange,
    now: Seconds,
) -> HealthReadings {
    let client = aws::cloudwatch_reader(config);
    let mut readings = HealthReadings::default();
    read_figures(
        &client,
        stack,
        range,
        period(range.from, now),
        &mut readings,
    )
    .await;
    match count_metrics(&client, &stack.namespace).await {
        Ok(metrics) => readings.metrics = Some(metrics),
        Err(reason) => readings.failures.push(format!(
            "cannot count the metrics in the namespace {}: {reason}",
            stack.namespace
        )),
    }
    readings
}

async fn read_figures(
    client: &Client,
    stack: &UsageStack,
    range: TimeRange,
    period: Seconds,
    readings: &mut HealthReadings,
) {
    let queries = HealthFigure::ALL.iter().enumerate();
    let queries: Vec<_> = queries
        .map(|(index, figure)| query(index, *figure, stack, period))
        .collect();
    let (mut tokens, mut token) = (PageTokens::default(), None);
    loop {
        let request = client
            .get_metric_data()
            .set_metric_data_queries(Some(queries.clone()))
            .start_time(DateTime::from_secs(range.from))
            .end_time(DateTime::from_secs(range.until))
            .set_next_token(token);
        let page = request.send().await.map_err(|error| aws::explain(&error));
        let read = page.and_then(|page| {
            for result in page.metric_data_results() {
                read_result(result, readings);
            }
            tokens
                .next(page.next_token)
                .map_err(|error| error.to_string())
        });
        match read {
            Ok(None) => return,
            Ok(next) => token = next,
            Err(reason) => {
                let failure = format!("cannot read the metrics of {}: {reason}", stack.function);
                // Sums of some pages would be too low.
                readings.figures.clear();
                return readings.failures.push(failure);
            }
        }
    }
}

fn query(
    index: usize,
    figure: HealthFigure,
    stack: &UsageStack,
    period: Seconds,
) -> MetricDataQuery {
    let metric = figure.metric();
    let owner = match metric.owner {
        MetricOwner::Function => &stack.function,
        MetricOwner::Queue => &stack.queue,
    };
    let dimension = Dimension::builder()
        .name(metric.owner.dimension())
        .value(owner);
    let stat = MetricStat::builder()
        .metric(
            Metric::builder()
                .namespace(metric.namespace)
                .metric_name(metric.name)
                .dimensions(dimension.build())
                .build(),
        )
        .period(i32::try_from(period).unwrap_or(i32::MAX))
        .stat(metric.statistic);
    MetricDataQuery::builder()
        .id(format!("m{index}"))
        .metric_stat(stat.build())
        .build()
}

/// Adds one result to the figures.
fn read_result(result: &MetricDataResult, readings: &mut HealthReadings) {
    let index = result
        .id()
        .and_then(|id| id.strip_prefix('m')?.parse::<usize>().ok());
    let Some(figure) = index.and_then(|index| HealthFigure::ALL.get(index).copied()) else {
        return;
    };
    // With any other status, existing data may be missing from the result.
    let is_whole = |status| [StatusCode::Complete, StatusCode::PartialData].contains(status);
    if let Some(status) = result.status_code().filter(|status| !is_whole(status)) {
        readings.failures.push(format!(
            "CloudWatch did not tell {}: {status}",
            figure.metric().name
        ));
    }
    for value in result.values() {
        // Sums are far below 2^53, so whole numbers are exact.
        let value = value.round().max(0.0) as u64;
        let before = readings.figures.get(&figure).copied().unwrap_or_default();
        readings.figures.insert(figure, figure.join(before, value));
    }
}

/// The number of metrics in a namespace that had data in the last two weeks.
async fn count_metrics(client: &Client, namespace: &str) -> Result<u64, String> {
    let (mut metrics, mut tokens, mut token) = (0, PageTokens::default(), None);
    for _ in 0..MAX_METRIC_PAGES {
        let request = client
            .list_metrics()
            .namespace(namespace)
            .set_next_token(token);
        let page = request.send().await.map_err(|error| aws::explain(&error))?;
        metrics += page.metrics().len() as u64;
        let next = tokens.next(page.next_token);
        token = next.map_err(|error| error.to_string())?;
        if token.is_none() {
            return Ok(metrics);
        }
    }
    Err(format!("there are more than {metrics}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn deployed(outputs: &[(&str, &str)], parameters: &[(&str, &str)]) -> DeployedStack {
        let owned = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            let pairs = pairs.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            pairs.collect::<BTreeMap<_, _>>()
        };
        DeployedStack {
            outputs: owned(outputs),
            parameters: owned(parameters),
        }
    }

    const OUTPUTS: [(&str, &str); 2] = [
        ("FunctionName", "trailtab-Function-1"),
        (
            "DeadLetterQueueUrl",
            "https://sqs.eu-west-1.amazonaws.com/111122223333/trailtab-DeadLetters-1",
        ),
    ];

    #[test]
    fn a_stack_of_any_age_has_its_settings() {
        let old = usage_stack("trailtab", &deployed(&OUTPUTS, &[])).unwrap();
        assert_eq!(old.queue, "trailtab-DeadLetters-1");
        assert_eq!(
            (old.namespace.as_str(), old.memory_megabytes),
            ("API-COUNT", 128)
        );
        assert_eq!((old.is_arm, old.is_emf), (false, false));
        let parameters = [
            ("Namespace", "calls"),
            ("MemoryMegabytes", "256"),
            ("Architecture", "arm64"),
            ("Output", "emf"),
        ];
        let new = usage_stack("trailtab", &deployed(&OUTPUTS, &parameters)).unwrap();
        assert_eq!(
            (new.namespace.as_str(), new.memory_megabytes),
            ("calls", 256)
        );
        assert_eq!((new.is_arm, new.is_emf), (true, true));
    }

    #[test]
    fn another_stack_is_refused() {
        let error = usage_stack("web", &deployed(&OUTPUTS[1..], &[])).unwrap_err();
        assert!(error.to_string().contains("FunctionName"), "{error}");
    }

    #[test]
    fn old_ranges_are_read_by_the_hour() {
        let range = |from| TimeRange {
            from,
            until: 10_000_000,
        };
        let now = 10_000_000;
        assert_eq!(aligned(range(9_999_999), now).from, 9_999_900);
        assert_eq!(aligned(range(3_999_999), now).from, 3_999_600);
    }
}
