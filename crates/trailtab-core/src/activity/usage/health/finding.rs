//! What is wrong with a usage function, or unknown.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{HealthFigure, HealthReadings};

/// A fault of a function, or something unknown about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthFinding {
    /// These metrics have no data, although a running function publishes them.
    NoData(Vec<&'static str>),
    /// CloudWatch did not return all data, for this reason.
    Unread(String),
    /// So many events are in no metric.
    Lost(u64),
    /// So many events may or may not be in the metrics.
    Unconfirmed(u64),
    /// The outcomes of events do not add up to those received.
    Unbalanced {
        /// Events received.
        received: u64,
        /// The sum of all outcomes.
        told: u64,
    },
    /// So many deliveries failed for good, and wait in the dead-letter queue.
    DeadLetters(u64),
    /// So many deliveries failed for good, and are in no queue.
    DeadLetterErrors(u64),
}

impl HealthFinding {
    /// The word for it in JSON and CSV.
    pub fn kind(&self) -> &'static str {
        match self {
            HealthFinding::NoData(_) => "no_data",
            HealthFinding::Unread(_) => "unread",
            HealthFinding::Lost(_) => "lost",
            HealthFinding::Unconfirmed(_) => "unconfirmed",
            HealthFinding::Unbalanced { .. } => "unbalanced",
            HealthFinding::DeadLetters(_) => "dead_letters",
            HealthFinding::DeadLetterErrors(_) => "dead_letter_errors",
        }
    }
}

impl fmt::Display for HealthFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HealthFinding::NoData(names) => write!(
                f,
                "no data of {}: the function did not run, or is older than this program",
                names.join(", ")
            ),
            HealthFinding::Unread(reason) => f.write_str(reason),
            HealthFinding::Lost(events) => write!(
                f,
                "events that are in no metric: {events}; the function's log says which and why"
            ),
            HealthFinding::Unconfirmed(events) => write!(
                f,
                "events that may or may not be in the metrics: {events}; CloudWatch did not answer"
            ),
            HealthFinding::Unbalanced { received, told } => write!(
                f,
                "the function received {received} events and says what became of {told}"
            ),
            HealthFinding::DeadLetters(deliveries) => write!(
                f,
                "deliveries in the dead-letter queue: up to {deliveries}; deploy/README.md says how to repeat them"
            ),
            HealthFinding::DeadLetterErrors(deliveries) => write!(
                f,
                "deliveries that failed for good and are in no queue: {deliveries}; see the function's permissions"
            ),
        }
    }
}

impl Serialize for HealthFinding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Finding<'f> {
            kind: &'static str,
            text: &'f str,
        }
        Finding {
            kind: self.kind(),
            text: &self.to_string(),
        }
        .serialize(serializer)
    }
}

/// Judges what CloudWatch knows.
pub(super) fn findings(readings: &HealthReadings) -> Vec<HealthFinding> {
    let mut findings: Vec<HealthFinding> = (readings.failures.iter().cloned())
        .map(HealthFinding::Unread)
        .collect();
    let silent = HealthFigure::ALL
        .into_iter()
        .filter(|figure| figure.is_always_published() && !readings.figures.contains_key(figure));
    let silent: Vec<&'static str> = silent.map(|figure| figure.metric().name).collect();
    if !silent.is_empty() {
        findings.push(HealthFinding::NoData(silent));
    }
    // Known losses are reported even if others are unknown.
    let known = |figures: &[HealthFigure]| -> u64 {
        figures
            .iter()
            .filter_map(|figure| readings.get(*figure))
            .sum()
    };
    for (figures, finding) in [
        (
            &HealthFigure::LOST[..],
            HealthFinding::Lost as fn(u64) -> HealthFinding,
        ),
        (&[HealthFigure::Unconfirmed], HealthFinding::Unconfirmed),
        (&[HealthFigure::DeadLetters], HealthFinding::DeadLetters),
        (
            &[HealthFigure::DeadLetterErrors],
            HealthFinding::DeadLetterErrors,
        ),
    ] {
        match known(figures) {
            0 => {}
            count => findings.push(finding(count)),
        }
    }
    if let (Some(received), Some(told)) = (
        readings.get(HealthFigure::Received),
        readings.sum(&HealthFigure::OUTCOMES),
    ) && received != told
    {
        findings.push(HealthFinding::Unbalanced { received, told });
    }
    findings
}
