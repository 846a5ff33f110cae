//! The figures of a usage function's health, and the metrics that hold them.

/// The namespace of the function's own metrics.
const HEALTH_NAMESPACE: &str = "trailtab/usage";

/// A figure that CloudWatch has of a function or its dead-letter queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HealthFigure {
    /// Events in all deliveries.
    Received,
    /// Events that are in the metrics.
    Published,
    /// Events that are not calls, or were counted before.
    Skipped,
    /// Calls that are too old for CloudWatch, or too far ahead.
    Refused,
    /// Calls that were sent without an answer.
    Unconfirmed,
    /// Calls that CloudWatch did not take in time.
    Unsent,
    /// Records and deliveries that could not be read.
    Unreadable,
    /// Events of deliveries that failed, which Lambda repeats: the repetition receives them.
    Deferred,
    /// Requests to CloudWatch, not counting repetitions.
    Chunks,
    /// Repeated requests to CloudWatch.
    Retries,
    /// Invocations of the function, as Lambda bills them.
    Invocations,
    /// Invocations that failed.
    Errors,
    /// Invocations that Lambda put off for lack of concurrency.
    Throttles,
    /// Milliseconds that all invocations took.
    Milliseconds,
    /// Deliveries that Lambda could not write to the dead-letter queue.
    DeadLetterErrors,
    /// The largest number of messages in the dead-letter queue.
    DeadLetters,
}

/// Whose metric it is: the value of its only dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricOwner {
    /// The function, by `FunctionName`.
    Function,
    /// The dead-letter queue, by `QueueName`.
    Queue,
}

impl MetricOwner {
    /// The name of the dimension.
    pub fn dimension(self) -> &'static str {
        match self {
            MetricOwner::Function => "FunctionName",
            MetricOwner::Queue => "QueueName",
        }
    }
}

/// A metric of CloudWatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthMetric {
    /// The namespace.
    pub namespace: &'static str,
    /// The name in it.
    pub name: &'static str,
    /// The resource that it is about.
    pub owner: MetricOwner,
    /// `Sum` or `Maximum`.
    pub statistic: &'static str,
}

impl HealthFigure {
    /// All figures.
    pub const ALL: [HealthFigure; 16] = [
        HealthFigure::Received,
        HealthFigure::Published,
        HealthFigure::Skipped,
        HealthFigure::Refused,
        HealthFigure::Unconfirmed,
        HealthFigure::Unsent,
        HealthFigure::Unreadable,
        HealthFigure::Deferred,
        HealthFigure::Chunks,
        HealthFigure::Retries,
        HealthFigure::Invocations,
        HealthFigure::Errors,
        HealthFigure::Throttles,
        HealthFigure::Milliseconds,
        HealthFigure::DeadLetterErrors,
        HealthFigure::DeadLetters,
    ];

    /// What became of events: these add up to [`HealthFigure::Received`].
    pub(super) const OUTCOMES: [HealthFigure; 6] = [
        HealthFigure::Published,
        HealthFigure::Skipped,
        HealthFigure::Refused,
        HealthFigure::Unconfirmed,
        HealthFigure::Unsent,
        HealthFigure::Unreadable,
    ];

    /// Events that are in no metric although they may be calls.
    pub(super) const LOST: [HealthFigure; 3] = [
        HealthFigure::Refused,
        HealthFigure::Unsent,
        HealthFigure::Unreadable,
    ];

    /// The metric that holds it. The names of Lambda's and SQS's metrics are those of their developer guides.
    pub fn metric(self) -> HealthMetric {
        let (namespace, name) = match self {
            HealthFigure::Received => (HEALTH_NAMESPACE, "EventsReceived"),
            HealthFigure::Published => (HEALTH_NAMESPACE, "EventsPublished"),
            HealthFigure::Skipped => (HEALTH_NAMESPACE, "EventsSkipped"),
            HealthFigure::Refused => (HEALTH_NAMESPACE, "EventsRefused"),
            HealthFigure::Unconfirmed => (HEALTH_NAMESPACE, "EventsUnconfirmed"),
            HealthFigure::Unsent => (HEALTH_NAMESPACE, "EventsUnsent"),
            HealthFigure::Unreadable => (HEALTH_NAMESPACE, "EventsUnreadable"),
            HealthFigure::Deferred => (HEALTH_NAMESPACE, "EventsDeferred"),
            HealthFigure::Chunks => (HEALTH_NAMESPACE, "Chunks"),
            HealthFigure::Retries => (HEALTH_NAMESPACE, "Retries"),
            HealthFigure::Invocations => ("AWS/Lambda", "Invocations"),
            HealthFigure::Errors => ("AWS/Lambda", "Errors"),
            HealthFigure::Throttles => ("AWS/Lambda", "Throttles"),
            HealthFigure::Milliseconds => ("AWS/Lambda", "Duration"),
            HealthFigure::DeadLetterErrors => ("AWS/Lambda", "DeadLetterErrors"),
            HealthFigure::DeadLetters => ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        };
        let (owner, statistic) = match self {
            HealthFigure::DeadLetters => (MetricOwner::Queue, "Maximum"),
            _ => (MetricOwner::Function, "Sum"),
        };
        HealthMetric {
            namespace,
            name,
            owner,
            statistic,
        }
    }

    /// Adds a datum to those before it.
    pub fn join(self, before: u64, datum: u64) -> u64 {
        match self.metric().statistic {
            "Maximum" => before.max(datum),
            _ => before.saturating_add(datum),
        }
    }

    /// Returns whether a running function always publishes it. Lambda and SQS publish the others only while there is
    /// something to count.
    pub(super) fn is_always_published(self) -> bool {
        let metric = self.metric();
        metric.namespace == HEALTH_NAMESPACE || self == HealthFigure::Invocations
    }
}
