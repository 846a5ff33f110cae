//! Answers of Cost Explorer, in the JSON of its API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use crate::query::{CostQuery, TimePeriod};
use trailtab_core::time::Seconds;

/// All pages of an answer, with the request: the form in which answers are saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostAnswer {
    /// The request that was sent.
    pub request: CostQuery,
    /// When the last page was requested, in seconds since 1970-01-01T00:00:00Z.
    pub asked: Seconds,
    /// The pages of the response, in order.
    pub pages: Vec<AnswerPage>,
}

/// A `GetCostAndUsage` response. Members that are not needed are dropped.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AnswerPage {
    /// `ResultsByTime`: one element for each day.
    pub results_by_time: Vec<ResultByTime>,
    /// `DimensionValueAttributes`: the names of accounts, if amounts are grouped by account.
    pub dimension_value_attributes: Vec<DimensionValue>,
    /// `NextPageToken`; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// An element of `ResultsByTime`: the amounts of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResultByTime {
    /// `TimePeriod`: the day.
    pub time_period: TimePeriod,
    /// `Total`: the amounts of the day. Empty if amounts are grouped.
    #[serde(default)]
    pub total: AmountsByMetric,
    /// `Groups`: the amounts of the day, grouped. Empty if the request has no `GroupBy`.
    #[serde(default)]
    pub groups: Vec<AnswerGroup>,
    /// `Estimated`: the amounts are not final yet.
    #[serde(default)]
    pub estimated: bool,
}

/// An element of `Groups`: the amounts of one combination of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AnswerGroup {
    /// One key for each `GroupBy` of the request, in order. Keys of tags are `Key$value`.
    pub keys: Box<[String]>,
    /// The amounts, by the name of the metric.
    pub metrics: AmountsByMetric,
}

/// Amounts by metric. Usually there is one metric, and the number of groups is accounts × owners ×
/// days: a map would take ten times the memory.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "BTreeMap<String, MetricValue>")]
pub struct AmountsByMetric(Box<[(String, MetricValue)]>);

impl AmountsByMetric {
    /// Returns whether there is no amount, as in the total of an answer with groups.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the amount of a metric, if the response has it.
    pub fn get(&self, metric: &str) -> Option<&MetricValue> {
        let found = self.0.iter().find(|(name, _)| name == metric);
        found.map(|(_, value)| value)
    }

    /// Returns the amount of the metric that a query asks for.
    ///
    /// # Errors
    ///
    /// If there is none: a missing amount is never zero.
    pub fn requested(&self, query: &CostQuery) -> Result<&MetricValue, AnswerFault> {
        let metric = query.metrics[0].name();
        self.get(metric).ok_or(AnswerFault::Metric(metric))
    }
}

impl AnswerGroup {
    /// Returns the amount of the metric that a query asks for.
    ///
    /// # Errors
    ///
    /// If there is none, or if the group does not have one key for each `GroupBy` of the query.
    pub fn requested(&self, query: &CostQuery) -> Result<&MetricValue, AnswerFault> {
        let (found, asked) = (self.keys.len(), query.group_by.len());
        match found == asked {
            true => self.metrics.requested(query),
            false => Err(AnswerFault::Keys { found, asked }),
        }
    }
}

/// What is wrong with the form of an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// A group does not have one key for each `GroupBy` of the request.
    #[error("a group with {found} keys instead of {asked}")]
    Keys {
        /// The number of keys that the group has.
        found: usize,
        /// The number of keys that were asked for.
        asked: usize,
    },
    /// A group or a total lacks the metric with this name, which was asked for.
    #[error("no {0}, which was requested")]
    Metric(&'static str),
}

impl From<BTreeMap<String, MetricValue>> for AmountsByMetric {
    fn from(values: BTreeMap<String, MetricValue>) -> AmountsByMetric {
        AmountsByMetric(values.into_iter().collect())
    }
}

impl Serialize for AmountsByMetric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// A `MetricValue` of Cost Explorer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetricValue {
    /// A decimal number with all its digits.
    pub amount: String,
    /// The currency, such as `USD`.
    pub unit: String,
}

/// A `DimensionValuesWithAttributes` of Cost Explorer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DimensionValue {
    /// The value of the dimension, such as an account id.
    pub value: String,
    /// Attributes by name. `description` is the name of an account.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}
