//! Metrics to CloudWatch, once: `PutMetricData` has no token that would make a repetition harmless.

use std::time::Duration;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::http::HttpResponse;
use aws_sdk_cloudwatch::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_cloudwatch::operation::put_metric_data::PutMetricDataError;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use tokio::time::{self, Instant};

use crate::aws;
use crate::core::usage::metrics::Datum;

/// The wait after the first refusal; the next ones are twice as long each.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The longest wait between two requests.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    /// All of it was taken.
    Arrived,
    /// It was sent, and no answer came: all of it was taken, or nothing.
    Unconfirmed(String),
    /// Nothing of it was taken, for this reason.
    Refused(String),
}

/// What came instead of a confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Failure {
    /// Nothing was taken, which may be otherwise in a moment.
    Passing(String),
    /// Nothing was taken, nor will it be.
    Final(String),
    /// Nobody knows whether it was taken.
    Unanswered(String),
}

/// Publishes metrics in one namespace.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    client: Client,
    namespace: String,
}

impl Publisher {
    /// Sends with this client, which must not repeat anything by itself.
    pub(crate) fn new(client: Client, namespace: &str) -> Publisher {
        Publisher {
            client,
            namespace: namespace.to_owned(),
        }
    }

    /// Sends data that fit into one request, again and again until they are taken, or until it is
    /// certain that they will not be, or until `deadline`. Returns how often it was repeated as well.
    pub(crate) async fn publish(&self, data: &[Datum], deadline: Instant) -> (Sent, u64) {
        let mut repeated = 0;
        let mut wait = FIRST_WAIT;
        loop {
            let sent = match time::timeout_at(deadline, self.put(data)).await {
                Ok(Ok(())) => return (Sent::Arrived, repeated),
                Ok(Err(Failure::Passing(reason))) => reason,
                Ok(Err(Failure::Final(reason))) => return (Sent::Refused(reason), repeated),
                Ok(Err(Failure::Unanswered(reason))) => {
                    return (Sent::Unconfirmed(reason), repeated);
                }
                Err(_) => {
                    let reason = "the time was up before an answer came".to_owned();
                    return (Sent::Unconfirmed(reason), repeated);
                }
            };
            // Others were refused as well: whoever comes again at the same moment is refused again.
            let pause = wait.mul_f64(0.5 + fastrand::f64());
            if Instant::now() + pause >= deadline {
                return (Sent::Refused(sent), repeated);
            }
            time::sleep(pause).await;
            wait = (wait * 2).min(LONGEST_WAIT);
            repeated += 1;
        }
    }

    async fn put(&self, data: &[Datum]) -> Result<(), Failure> {
        let request = self
            .client
            .put_metric_data()
            .namespace(&self.namespace)
            .set_metric_data(Some(data.iter().map(datum).collect()));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(classify(&error)),
        }
    }
}

fn datum(datum: &Datum) -> MetricDatum {
    let dimensions = datum.metric.dimensions();
    let dimensions =
        dimensions.map(|(name, value)| Dimension::builder().name(name).value(value).build());
    MetricDatum::builder()
        .metric_name(&datum.metric.name)
        .set_dimensions(Some(dimensions.collect()))
        .timestamp(DateTime::from_secs(datum.minute))
        // No account has made so many calls in a minute that a float could not count them.
        .value(datum.value as f64)
        .unit(StandardUnit::Count)
        .build()
}

/// Tells what an error says about the data. Throttling comes with HTTP status 400.
fn classify(error: &SdkError<PutMetricDataError, HttpResponse>) -> Failure {
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    let reason = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => aws::in_words(error),
    };
    let throttled = matches!(
        error.code(),
        Some(
            "Throttling"
                | "ThrottlingException"
                | "ThrottledException"
                | "RequestLimitExceeded"
                | "TooManyRequestsException"
                | "RequestThrottled"
                | "RequestThrottledException"
        )
    );
    match status {
        _ if throttled => Failure::Passing(reason),
        Some(429 | 500..) => Failure::Passing(reason),
        // Taken, if only the rest of the answer is missing.
        Some(200..300) => Failure::Unanswered(reason),
        Some(_) => Failure::Final(reason),
        None => match error {
            _ if aws::lacks_credentials(error) => Failure::Passing(reason),
            SdkError::ConstructionFailure(_) => Failure::Final(reason),
            _ if aws::lacks_connection(error) => Failure::Passing(reason),
            _ => Failure::Unanswered(reason),
        },
    }
}
