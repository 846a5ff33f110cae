//! Publishes metrics to CloudWatch, each once: `PutMetricData` has no idempotency token.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::http::HttpResponse;
use aws_sdk_cloudwatch::error::SdkError;
use aws_sdk_cloudwatch::operation::put_metric_data::PutMetricDataError;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, MetricDataQuery, MetricDataResult, MetricDatum, MetricStat, StandardUnit, StatusCode,
};
use tokio::time::{self, Instant};

use crate::aws::{self, AwsFailure, Backoff, FailureKind, PageTokens, ProxyPageWatch};
use trailtab_core::activity::usage::MINUTE;
use trailtab_core::activity::usage::metrics::{MinuteDatum, UsageMetric};
use trailtab_core::time::Seconds;

/// The wait after the first rejection; doubled after each further one.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// Maximum wait between two requests.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Why CloudWatch cannot be queried.
#[derive(Debug, thiserror::Error)]
#[error("cannot ask CloudWatch which data it has already: {0}")]
pub struct MetricReadError(String);

/// Minimum time left to start a request. With less, it could be cut off before the answer, leaving
/// it unconfirmed.
pub const MIN_REQUEST_TIME: Duration = Duration::from_millis(500);

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutOutcome {
    /// Accepted completely.
    Arrived,
    /// Sent without receiving an answer: accepted completely or not at all.
    Unconfirmed(String),
    /// Not accepted, for this reason.
    Refused(String),
    /// Not accepted, because of one or several of the data; the others would be.
    Invalid(String),
}

/// Error codes by which CloudWatch refuses a request because of its data: the errors of
/// `PutMetricData` in the API Reference with status 400, by their names in both protocols, and the
/// "Common Errors" about input.
const INVALID_DATA_CODES: &[&str] = &[
    "InvalidFormat",
    "InvalidFormatFault",
    "InvalidParameterCombination",
    "InvalidParameterCombinationException",
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "MissingParameter",
    "MissingRequiredParameterException",
    "ValidationError",
    "ValidationException",
];

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum PutFailure {
    /// Not accepted; a retry may succeed.
    Passing(String),
    /// Not accepted; a retry will fail.
    Final(String),
    /// Not accepted because of some of the data.
    Invalid(String),
    /// Unknown whether it was accepted.
    Unanswered(String),
}

/// Publishes metrics in one namespace.
#[derive(Debug, Clone)]
pub struct MetricPublisher {
    client: Client,
    namespace: String,
}

impl MetricPublisher {
    /// Publishes with this client, which must not retry by itself.
    pub fn new(client: Client, namespace: &str) -> MetricPublisher {
        MetricPublisher {
            client,
            namespace: namespace.to_owned(),
        }
    }

    /// Sends data that fits into one request, retrying until it is accepted or permanently
    /// rejected, or until `deadline`. Returns the outcome and the number of retries.
    pub async fn publish(&self, data: &[MinuteDatum], deadline: Instant) -> (PutOutcome, u64) {
        let mut repeated = 0;
        let mut backoff = Backoff::new(FIRST_WAIT, MAX_WAIT);
        loop {
            if Instant::now() + MIN_REQUEST_TIME > deadline {
                let reason = "no time was left to send them".to_owned();
                return (PutOutcome::Refused(reason), repeated);
            }
            let sent = match time::timeout_at(deadline, self.put(data)).await {
                Ok(Ok(())) => return (PutOutcome::Arrived, repeated),
                Ok(Err(PutFailure::Passing(reason))) => reason,
                Ok(Err(PutFailure::Final(reason))) => {
                    return (PutOutcome::Refused(reason), repeated);
                }
                Ok(Err(PutFailure::Invalid(reason))) => {
                    return (PutOutcome::Invalid(reason), repeated);
                }
                Ok(Err(PutFailure::Unanswered(reason))) => {
                    return (PutOutcome::Unconfirmed(reason), repeated);
                }
                Err(_) => {
                    let reason = "the time was up before an answer came".to_owned();
                    return (PutOutcome::Unconfirmed(reason), repeated);
                }
            };
            let pause = backoff.next_wait();
            if Instant::now() + pause + MIN_REQUEST_TIME > deadline {
                return (PutOutcome::Refused(sent), repeated);
            }
            time::sleep(pause).await;
            repeated += 1;
        }
    }

    /// The hours, by their first second, for which CloudWatch has data of any of these metrics.
    ///
    /// # Errors
    ///
    /// Fails if CloudWatch does not answer or denies `cloudwatch:GetMetricData`.
    pub async fn present(
        &self,
        metrics: &[UsageMetric],
        from: Seconds,
        until: Seconds,
    ) -> Result<BTreeSet<Seconds>, MetricReadError> {
        let sums = self.sums(metrics, 3600, from, until).await?;
        let hours = sums.into_iter().map(|(time, _)| time);
        Ok(hours.map(|time| time.div_euclid(3600) * 3600).collect())
    }

    /// The sum that CloudWatch has for the metric and minute of a datum; `None` if it has none.
    ///
    /// # Errors
    ///
    /// Fails if CloudWatch does not answer or denies `cloudwatch:GetMetricData`.
    pub async fn sum(&self, datum: &MinuteDatum) -> Result<Option<f64>, MetricReadError> {
        let metric = std::slice::from_ref(&datum.metric);
        let (from, until) = (datum.minute, datum.minute + MINUTE);
        let sums = self.sums(metric, MINUTE, from, until).await?;
        Ok(sums.first().map(|(_, sum)| *sum))
    }

    /// The sums of metrics by periods of so many seconds, with the first second of each period.
    async fn sums(
        &self,
        metrics: &[UsageMetric],
        period: Seconds,
        from: Seconds,
        until: Seconds,
    ) -> Result<Vec<(Seconds, f64)>, MetricReadError> {
        let period = i32::try_from(period).unwrap_or(i32::MAX);
        let queries = metrics.iter().enumerate().map(|(index, metric)| {
            let metric = aws_sdk_cloudwatch::types::Metric::builder()
                .namespace(&self.namespace)
                .metric_name(&metric.name)
                .set_dimensions(Some(dimensions(metric)))
                .build();
            let stat = MetricStat::builder()
                .metric(metric)
                .period(period)
                .stat("Sum");
            let query = MetricDataQuery::builder().id(format!("m{index}"));
            query.metric_stat(stat.build()).build()
        });
        let queries: Vec<_> = queries.collect();
        let mut sums = Vec::new();
        let (mut tokens, mut token) = (PageTokens::default(), None);
        loop {
            let request = self
                .client
                .get_metric_data()
                .set_metric_data_queries(Some(queries.clone()))
                .start_time(DateTime::from_secs(from))
                .end_time(DateTime::from_secs(until))
                .set_next_token(token);
            let page = request.send().await;
            let page = page.map_err(|error| MetricReadError(aws::explain(&error)))?;
            let results = page.metric_data_results().iter();
            // With any other status, existing data may be missing from the result.
            let is_whole =
                |status| [StatusCode::Complete, StatusCode::PartialData].contains(status);
            let broken = results
                .clone()
                .find(|result| !result.status_code().is_none_or(is_whole));
            if let Some(status) = broken.and_then(MetricDataResult::status_code) {
                return Err(MetricReadError(status.to_string()));
            }
            let pairs = results.flat_map(|it| it.timestamps().iter().zip(it.values()));
            sums.extend(pairs.map(|(time, sum)| (time.secs(), *sum)));
            let next = tokens.next(page.next_token);
            token = next.map_err(|error| MetricReadError(error.to_string()))?;
            if token.is_none() {
                return Ok(sums);
            }
        }
    }

    async fn put(&self, data: &[MinuteDatum]) -> Result<(), PutFailure> {
        let request = self
            .client
            .put_metric_data()
            .namespace(&self.namespace)
            .set_metric_data(Some(data.iter().map(datum).collect()));
        let watch = ProxyPageWatch::default();
        let sent = request.customize().interceptor(watch.clone()).send().await;
        match sent {
            _ if watch.has_seen_page() => Err(PutFailure::Unanswered(
                "a page of HTML came back, which is not an answer of CloudWatch".to_owned(),
            )),
            Ok(_) => Ok(()),
            // A status of success means accepted, even if the body could not be read.
            Err(error)
                if AwsFailure::of(&error)
                    .status
                    .is_some_and(|status| status < 300) =>
            {
                Ok(())
            }
            Err(error) => Err(classify(&error)),
        }
    }
}

fn dimensions(metric: &UsageMetric) -> Vec<Dimension> {
    let dimensions = metric.dimensions();
    dimensions
        .map(|(name, value)| Dimension::builder().name(name).value(value).build())
        .collect()
}

fn datum(datum: &MinuteDatum) -> MetricDatum {
    MetricDatum::builder()
        .metric_name(&datum.metric.name)
        .set_dimensions(Some(dimensions(&datum.metric)))
        .timestamp(DateTime::from_secs(datum.minute))
        // Counts per minute are far below 2^53, so the conversion is exact.
        .value(datum.value as f64)
        .unit(StandardUnit::Count)
        .build()
}

/// Tells what an error says about the data.
fn classify(error: &SdkError<PutMetricDataError, HttpResponse>) -> PutFailure {
    let failure = AwsFailure::of(error);
    let reason = failure.explanation;
    match failure.kind {
        FailureKind::Throttled | FailureKind::CredentialsExpired => PutFailure::Passing(reason),
        // CloudWatch itself answers with 500 and 503, and has then taken nothing.
        _ if matches!(failure.status, Some(500 | 503)) => PutFailure::Passing(reason),
        _ if failure.may_have_arrived => PutFailure::Unanswered(reason),
        FailureKind::Transient | FailureKind::Unreachable => PutFailure::Passing(reason),
        FailureKind::Refused if failure.status == Some(400) && failure.has_code => {
            match INVALID_DATA_CODES.contains(&failure.code.as_str()) {
                true => PutFailure::Invalid(reason),
                false => PutFailure::Final(reason),
            }
        }
        FailureKind::CredentialsRefused | FailureKind::Denied | FailureKind::Refused => {
            PutFailure::Final(reason)
        }
    }
}
