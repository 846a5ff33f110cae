//! What Cost Explorer answers, in the JSON of the API.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::query::Query;
use crate::core::window::Seconds;

/// All pages of an answer, with their question: the form in which answers are saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) request: Query,
    /// When the last page was asked for, in seconds since 1970.
    pub(crate) asked: Seconds,
    pub(crate) pages: Vec<Page>,
}

/// A `GetCostAndUsage` response. Members that are not needed are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Page {
    pub(crate) results_by_time: Vec<ResultByTime>,
    /// Tells the names of accounts, if they are grouped by.
    pub(crate) dimension_value_attributes: Vec<DimensionValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_page_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ResultByTime {
    pub(crate) time_period: Period,
    /// Empty where amounts are grouped.
    #[serde(default)]
    pub(crate) total: BTreeMap<String, MetricValue>,
    #[serde(default)]
    pub(crate) groups: Vec<Group>,
    #[serde(default)]
    pub(crate) estimated: bool,
}

/// The end is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Period {
    pub(crate) start: Date,
    pub(crate) end: Date,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Group {
    /// One for each group of the question, in its order; those of tags are `Key$value`.
    pub(crate) keys: Vec<String>,
    pub(crate) metrics: BTreeMap<String, MetricValue>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MetricValue {
    /// A decimal number, with all its digits.
    pub(crate) amount: String,
    pub(crate) unit: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DimensionValue {
    pub(crate) value: String,
    /// `description` is the name of an account.
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, String>,
}
