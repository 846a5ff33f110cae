//! What Cost Explorer answers, in the JSON of the API.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize, Serializer};

use super::query::Query;
use crate::time::Seconds;

/// All pages of an answer, with their question: the form in which answers are saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub request: Query,
    /// When the last page was asked for, in seconds since 1970.
    pub asked: Seconds,
    pub pages: Vec<Page>,
}

/// A `GetCostAndUsage` response. Members that are not needed are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Page {
    pub results_by_time: Vec<ResultByTime>,
    /// Tells the names of accounts, if they are grouped by.
    pub dimension_value_attributes: Vec<DimensionValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResultByTime {
    pub time_period: Period,
    /// Empty where amounts are grouped.
    #[serde(default)]
    pub total: BTreeMap<String, MetricValue>,
    #[serde(default)]
    pub groups: Vec<Group>,
    #[serde(default)]
    pub estimated: bool,
}

/// The end is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Period {
    pub start: Date,
    pub end: Date,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Group {
    /// One for each group of the question, in its order; those of tags are `Key$value`.
    pub keys: Box<[String]>,
    pub metrics: Metrics,
}

/// Amounts by metric. There is one, and there are as many groups as accounts, owners and days multiplied: a map of its
/// own would take ten times the memory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<String, MetricValue>")]
pub struct Metrics(Box<[(String, MetricValue)]>);

impl Metrics {
    pub fn get(&self, metric: &str) -> Option<&MetricValue> {
        let found = self.0.iter().find(|(name, _)| name == metric);
        found.map(|(_, value)| value)
    }
}

impl From<BTreeMap<String, MetricValue>> for Metrics {
    fn from(values: BTreeMap<String, MetricValue>) -> Metrics {
        Metrics(values.into_iter().collect())
    }
}

impl Serialize for Metrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetricValue {
    /// A decimal number, with all its digits.
    pub amount: String,
    pub unit: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DimensionValue {
    pub value: String,
    /// `description` is the name of an account.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}
