//! The metrics that are published: names, units, dimensions and meanings, in one table.
//!
//! docs/metrics.md contains the same table; a test compares them.

use super::dimension::CallDimension;
use super::{Calls, UsageRow};
use crate::time::Seconds;

/// The default namespace, as in AWS API Usage Tracker.
pub const NAMESPACE: &str = "API-COUNT";

/// Returns whether CloudWatch accepts a namespace ("Namespaces" in the CloudWatch User Guide).
pub fn is_namespace(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/#:".contains(&byte);
    (1..=255).contains(&text.len())
        && text.bytes().all(allowed)
        && !text.starts_with("AWS/")
        && !text.starts_with(':')
}

/// The unit of all values in CloudWatch. Their statistic is `Sum`.
pub const UNIT: &str = "Count";

/// The name under which everything without a metric of its own is counted.
pub const OTHER: &str = "__other__";

/// A set of metrics with the same dimensions. Each set counts the same calls in a different way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetricSet {
    /// All calls by API: the metric's name is the eventName.
    Calls,
    /// `ErrorCount`: calls that AWS answered with an error, throttled ones among them.
    Errors,
    /// `ThrottleCount`: calls that AWS refused for their rate.
    Throttles,
    /// `CallCount` by API and `readOnly`.
    Access,
    /// `CallCount` by principal.
    Principals,
    /// `CallCount` by the account that recorded the call.
    Accounts,
}

/// A dimension of a metric, named as in CloudTrail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricDimension {
    /// `awsRegion`, such as `us-east-1`.
    AwsRegion,
    /// `eventSource`, such as `ec2.amazonaws.com`.
    EventSource,
    /// `eventName`, such as `RunInstances`.
    EventName,
    /// `readOnly`: `true`, `false`, or `unknown` if the record does not say.
    ReadOnly,
    /// The principal, such as `ACCOUNT:role/NAME`; not a field of CloudTrail.
    Principal,
    /// `recipientAccountId`: the account that recorded the call.
    RecipientAccountId,
}

impl MetricDimension {
    /// The dimension's name in CloudWatch.
    pub fn name(self) -> &'static str {
        match self {
            MetricDimension::AwsRegion => "awsRegion",
            MetricDimension::EventSource => "eventSource",
            MetricDimension::EventName => "eventName",
            MetricDimension::ReadOnly => "readOnly",
            MetricDimension::Principal => "principal",
            MetricDimension::RecipientAccountId => "recipientAccountId",
        }
    }
}

/// One row of the table.
pub struct SetShape {
    /// The set that the row describes.
    pub set: MetricSet,
    /// The name of the set in settings.
    pub word: &'static str,
    /// The name of the metrics; not set if it is the eventName.
    pub metric: Option<&'static str>,
    /// The dimensions of the set's metrics, in order.
    pub dimensions: &'static [MetricDimension],
    /// What the metrics count, as docs/metrics.md says it.
    pub meaning: &'static str,
}

/// The table of sets.
pub const SHAPES: [SetShape; 6] = {
    use MetricDimension::{
        AwsRegion, EventName, EventSource, Principal, ReadOnly, RecipientAccountId,
    };
    [
        SetShape {
            set: MetricSet::Calls,
            word: "calls",
            metric: None,
            dimensions: &[AwsRegion, EventSource],
            meaning: "Calls of the API",
        },
        SetShape {
            set: MetricSet::Errors,
            word: "errors",
            metric: Some("ErrorCount"),
            dimensions: &[AwsRegion, EventSource, EventName],
            meaning: "Calls that AWS answered with an error, throttled ones among them",
        },
        SetShape {
            set: MetricSet::Throttles,
            word: "throttles",
            metric: Some("ThrottleCount"),
            dimensions: &[AwsRegion, EventSource, EventName],
            meaning: "Calls that AWS refused for their rate",
        },
        SetShape {
            set: MetricSet::Access,
            word: "access",
            metric: Some("CallCount"),
            dimensions: &[AwsRegion, EventSource, EventName, ReadOnly],
            meaning: "Calls that change nothing (`true`), that may change something (`false`), or that do not say (`unknown`)",
        },
        SetShape {
            set: MetricSet::Principals,
            word: "principals",
            metric: Some("CallCount"),
            dimensions: &[Principal],
            meaning: "Calls of the principal, all its sessions together",
        },
        SetShape {
            set: MetricSet::Accounts,
            word: "accounts",
            metric: Some("CallCount"),
            dimensions: &[RecipientAccountId],
            meaning: "Calls that the account recorded",
        },
    ]
};

impl MetricSet {
    /// The set's row of the table.
    pub fn shape(self) -> &'static SetShape {
        // The table has a row for each set, in the order of the sets; a test counts them.
        &SHAPES[self as usize]
    }

    /// Finds a set by its name in settings.
    pub fn named(word: &str) -> Option<MetricSet> {
        let shape = SHAPES.iter().find(|shape| shape.word == word)?;
        Some(shape.set)
    }

    /// The calls of a row that the set counts, by `readOnly` if the set distinguishes it.
    pub(super) fn counts(self, calls: &Calls) -> [(&'static str, u64); 3] {
        let one = |count| [("", count), ("", 0), ("", 0)];
        match self {
            MetricSet::Calls | MetricSet::Principals | MetricSet::Accounts => one(calls.calls),
            MetricSet::Errors => one(calls.errors),
            MetricSet::Throttles => one(calls.throttles),
            MetricSet::Access => [
                ("true", calls.reads),
                ("false", calls.writes),
                ("unknown", calls.calls - calls.reads - calls.writes),
            ],
        }
    }
}

/// The sets to publish, in the order of the table. The set of all calls is always included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricSets(Vec<MetricSet>);

/// A name in the settings that is not a set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown set of metrics {0:?}: expected any of {names}", names = further_set_names())]
pub struct UnknownSet(pub String);

/// The names of the sets that can be added to the set of all calls, in the order of the table:
/// `errors, throttles, …`.
pub fn further_set_names() -> String {
    let further = SHAPES.iter().filter(|shape| shape.set != MetricSet::Calls);
    let names: Vec<_> = further.map(|shape| shape.word).collect();
    names.join(", ")
}

impl Default for MetricSets {
    fn default() -> MetricSets {
        MetricSets(vec![MetricSet::Calls])
    }
}

impl MetricSets {
    /// Parses the names of additional sets, separated by commas.
    ///
    /// # Errors
    ///
    /// Returns the first name that is not a set.
    pub fn parse(words: &str) -> Result<MetricSets, UnknownSet> {
        let mut sets = vec![MetricSet::Calls];
        let words = words.split(',').map(str::trim);
        for word in words.filter(|word| !word.is_empty()) {
            let set = MetricSet::named(&word.to_ascii_lowercase());
            sets.push(set.ok_or_else(|| UnknownSet(word.to_owned()))?);
        }
        sets.sort_unstable();
        sets.dedup();
        Ok(MetricSets(sets))
    }

    /// All sets.
    pub fn all() -> MetricSets {
        MetricSets(SHAPES.iter().map(|shape| shape.set).collect())
    }

    /// Iterates over the sets.
    pub fn iter(&self) -> impl Iterator<Item = MetricSet> {
        self.0.iter().copied()
    }

    /// What must be counted separately for these sets.
    pub fn dimensions(&self) -> Vec<CallDimension> {
        let mut dimensions = vec![
            CallDimension::Region,
            CallDimension::EventSource,
            CallDimension::EventName,
        ];
        if self.0.contains(&MetricSet::Accounts) {
            dimensions.push(CallDimension::Account);
        }
        if self.0.contains(&MetricSet::Principals) {
            dimensions.push(CallDimension::Principal);
        }
        dimensions
    }
}

/// One metric: a name with values of dimensions. CloudWatch bills each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsageMetric {
    /// The set that the metric belongs to.
    pub set: MetricSet,
    /// The name of the metric in CloudWatch.
    pub name: String,
    /// The values of the set's dimensions, in order.
    pub values: Vec<String>,
}

impl UsageMetric {
    /// The metric for everything without a metric of its own.
    pub fn other(set: MetricSet) -> UsageMetric {
        let shape = set.shape();
        UsageMetric {
            set,
            name: shape.metric.unwrap_or(OTHER).to_owned(),
            values: vec![OTHER.to_owned(); shape.dimensions.len()],
        }
    }

    pub(super) fn of(set: MetricSet, row: &UsageRow<'_>, read_only: &str) -> UsageMetric {
        let shape = set.shape();
        let value = |dimension: &MetricDimension| match dimension {
            MetricDimension::AwsRegion => row.region,
            MetricDimension::EventSource => row.source,
            MetricDimension::EventName => row.name,
            MetricDimension::ReadOnly => read_only,
            MetricDimension::Principal => row.principal,
            MetricDimension::RecipientAccountId => row.account,
        };
        UsageMetric {
            set,
            name: shape.metric.unwrap_or(row.name).to_owned(),
            values: shape
                .dimensions
                .iter()
                .map(value)
                .map(str::to_owned)
                .collect(),
        }
    }

    /// Returns whether CloudWatch accepts the texts: ASCII without control characters, a name of at
    /// most 255 and values of at most 1,024 characters (`MetricDatum` and `Dimension` in the
    /// CloudWatch API Reference); and a name that is not the name of a dimension, since embedded
    /// metric format has both in one object.
    pub(super) fn is_acceptable(&self) -> bool {
        let fits = |text: &str, most: usize| {
            text.len() <= most
                && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
                && text.bytes().any(|byte| byte != b' ')
        };
        let is_taken = self.name == "_aws" || self.dimensions().any(|(name, _)| name == self.name);
        !is_taken && fits(&self.name, 255) && self.values.iter().all(|value| fits(value, 1024))
    }

    /// Names and values of the dimensions.
    pub fn dimensions(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let names = self.set.shape().dimensions.iter();
        names
            .map(|name| name.name())
            .zip(self.values.iter().map(String::as_str))
    }
}

/// The value of one metric in one minute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MinuteDatum {
    /// The metric that the value belongs to.
    pub metric: UsageMetric,
    /// The first second of the minute.
    pub minute: Seconds,
    /// The number of calls in that minute.
    pub value: u64,
}

impl MinuteDatum {
    /// The number of events that the datum represents. Each event is in exactly one datum of the
    /// set of all calls.
    pub fn events(&self) -> u64 {
        match self.metric.set {
            MetricSet::Calls => self.value,
            _ => 0,
        }
    }
}
