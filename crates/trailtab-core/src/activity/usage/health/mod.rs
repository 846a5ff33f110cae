//! The health of a usage function: what became of the events that it received, by its metrics in CloudWatch, and what
//! it spent.
//!
//! The JSON contract of `trailtab usage health`, described in docs/usage.md.

mod cost;
mod figure;
mod finding;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::cost::{HealthCost, LAMBDA_PRICES, LambdaPrices};
pub use self::figure::{HealthFigure, HealthMetric, MetricOwner};
pub use self::finding::HealthFinding;
use crate::time::{self, Seconds, TimeRange};

/// Grows when a field changes its meaning or goes away.
const SCHEMA_VERSION: u32 = 1;

/// A stack of deploy/template.yaml, as far as its health is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageStack {
    /// The name of the stack.
    pub name: String,
    /// The name of the usage function.
    pub function: String,
    /// The name of its dead-letter queue.
    pub queue: String,
    /// The namespace that it publishes to.
    pub namespace: String,
    /// The function's memory in MB.
    pub memory_megabytes: u64,
    /// Whether the function runs on `arm64`.
    pub is_arm: bool,
    /// Whether metrics go to the function's log instead of PutMetricData.
    pub is_emf: bool,
}

/// What CloudWatch knows of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HealthReadings {
    /// The figures that have data.
    pub figures: BTreeMap<HealthFigure, u64>,
    /// How many metrics there are in the stack's namespace. CloudWatch lists those with data in the last two weeks.
    pub metrics: Option<u64>,
    /// Why figures could not be read.
    pub failures: Vec<String>,
}

impl HealthReadings {
    fn get(&self, figure: HealthFigure) -> Option<u64> {
        self.figures.get(&figure).copied()
    }

    /// The sum of figures; `None` if one has no data.
    fn sum(&self, figures: &[HealthFigure]) -> Option<u64> {
        figures.iter().map(|figure| self.get(*figure)).sum()
    }
}

/// How a report was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthRun {
    /// The program's version.
    pub version: &'static str,
    /// The command line.
    pub invocation: String,
    /// The current time.
    pub now: Seconds,
    /// The region of the stack.
    pub region: String,
}

/// The health of a function in a time range. Counts without data are null, never zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionHealth {
    /// The version of this JSON contract: 1.
    pub schema_version: u32,
    /// The program that made this.
    pub version: String,
    /// The command line.
    pub invocation: String,
    /// When the program ran.
    pub run_time: String,
    /// The name of the stack.
    pub stack: String,
    /// The region of the stack.
    pub region: String,
    /// The name of the function.
    pub function: String,
    /// The name of the dead-letter queue.
    pub dead_letter_queue: String,
    /// The namespace that the function publishes to.
    pub namespace: String,
    /// The beginning of the range.
    pub since: String,
    /// The end of the range, which is outside.
    pub until: String,
    /// What became of the events that were received.
    pub events: EventOutcomes,
    /// What became of the deliveries.
    pub deliveries: DeliveryOutcomes,
    /// What was spent in the range.
    pub spent: HealthCost,
    /// What is wrong or unknown; empty if all is well.
    pub findings: Vec<HealthFinding>,
}

/// Events by what became of them: received = published + skipped + refused + unconfirmed + unsent + unreadable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventOutcomes {
    /// All events in deliveries.
    pub received: Option<u64>,
    /// In the metrics.
    pub published: Option<u64>,
    /// No calls, or counted before.
    pub skipped: Option<u64>,
    /// Too old for CloudWatch, or too far ahead.
    pub refused: Option<u64>,
    /// Sent without an answer.
    pub unconfirmed: Option<u64>,
    /// Not taken by CloudWatch in time.
    pub unsent: Option<u64>,
    /// Could not be read.
    pub unreadable: Option<u64>,
    /// Refused, unsent and unreadable ones together.
    pub lost: Option<u64>,
    /// Of deliveries that failed and that Lambda repeats: not among those received until then.
    pub deferred: Option<u64>,
}

/// Deliveries by what became of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryOutcomes {
    /// Invocations of the function; Lambda repeats those that failed.
    pub invocations: Option<u64>,
    /// Invocations that failed.
    pub errors: Option<u64>,
    /// Invocations that Lambda put off for lack of concurrency.
    pub throttled: Option<u64>,
    /// The largest number of deliveries in the dead-letter queue in the range.
    pub dead_letters: Option<u64>,
    /// Deliveries that Lambda could not write to the dead-letter queue.
    pub dead_letter_errors: Option<u64>,
}

impl FunctionHealth {
    /// Judges what CloudWatch knows of a stack.
    pub fn of(
        stack: &UsageStack,
        range: TimeRange,
        readings: &HealthReadings,
        run: HealthRun,
    ) -> FunctionHealth {
        let get = |figure| readings.get(figure);
        FunctionHealth {
            schema_version: SCHEMA_VERSION,
            version: run.version.to_owned(),
            invocation: run.invocation,
            run_time: time::iso(run.now),
            stack: stack.name.clone(),
            region: run.region,
            function: stack.function.clone(),
            dead_letter_queue: stack.queue.clone(),
            namespace: stack.namespace.clone(),
            since: time::iso(range.from),
            until: time::iso(range.until),
            events: EventOutcomes {
                received: get(HealthFigure::Received),
                published: get(HealthFigure::Published),
                skipped: get(HealthFigure::Skipped),
                refused: get(HealthFigure::Refused),
                unconfirmed: get(HealthFigure::Unconfirmed),
                unsent: get(HealthFigure::Unsent),
                unreadable: get(HealthFigure::Unreadable),
                lost: readings.sum(&HealthFigure::LOST),
                deferred: get(HealthFigure::Deferred),
            },
            deliveries: DeliveryOutcomes {
                invocations: get(HealthFigure::Invocations),
                errors: get(HealthFigure::Errors),
                throttled: get(HealthFigure::Throttles),
                dead_letters: get(HealthFigure::DeadLetters),
                dead_letter_errors: get(HealthFigure::DeadLetterErrors),
            },
            spent: HealthCost::of(stack, range, readings),
            findings: finding::findings(readings),
        }
    }

    /// Returns whether nothing was lost, and everything is known that a running function tells.
    pub fn is_well(&self) -> bool {
        self.findings.is_empty()
    }
}

#[cfg(test)]
mod tests;
