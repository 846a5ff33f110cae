//! A request to Cost Explorer. Its JSON is that of a `GetCostAndUsage` request, so that saved files
//! have the documented form.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use trailtab_core::cost::charge::CostMetric;
use trailtab_core::cost::period::DayRange;

/// A `GetCostAndUsage` request. All pages are requested with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CostQuery {
    /// `TimePeriod`: the requested days.
    pub time_period: TimePeriod,
    /// `Granularity`: what amounts are added up over.
    pub granularity: QueryGranularity,
    /// `Metrics`: one metric, by [`CostMetric::name`].
    pub metrics: [CostMetric; 1],
    /// `Filter`: which amounts are requested; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<CostFilter>,
    /// `GroupBy`: at most two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_by: Vec<GroupKey>,
}

impl CostQuery {
    /// A hash of the request in hexadecimal digits. It is the same in every run.
    pub fn fingerprint(&self) -> String {
        fingerprint(self)
    }
}

/// A hash of a request's JSON in hexadecimal digits.
pub(crate) fn fingerprint(query: &impl Serialize) -> String {
    // Serializing requests does not fail.
    let json = serde_json::to_vec(query).unwrap_or_default();
    // FNV-1a of 128 bits. Answers are stored under this hash for months, so it must not change
    // with a library.
    let hash = json.iter().fold(FNV_BASIS, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(FNV_PRIME)
    });
    format!("{hash:032x}")
}

const FNV_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// `DateInterval` of Cost Explorer: a range of days with an exclusive end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TimePeriod {
    /// The first day.
    pub start: Date,
    /// The first day after the period.
    pub end: Date,
}

impl TimePeriod {
    /// The same days, with their last one.
    pub fn days(self) -> DayRange {
        DayRange {
            from: self.start,
            through: self.end.yesterday().unwrap_or(self.end),
        }
    }
}

impl From<DayRange> for TimePeriod {
    fn from(days: DayRange) -> TimePeriod {
        TimePeriod {
            start: days.from,
            end: days.through.tomorrow().unwrap_or(days.through),
        }
    }
}

/// `Granularity` of Cost Explorer, as far as it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum QueryGranularity {
    /// `DAILY`: one amount for each day.
    Daily,
    /// `MONTHLY`: one amount for each month, or for a part of it.
    Monthly,
}

/// `GroupDefinition`: what amounts are grouped by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupKey {
    /// What the key names.
    pub r#type: GroupType,
    /// The name of the dimension, tag or cost category.
    pub key: String,
}

/// `GroupDefinitionType` of Cost Explorer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GroupType {
    /// A dimension, such as `LINKED_ACCOUNT`.
    Dimension,
    /// A cost allocation tag.
    Tag,
    /// A cost category.
    CostCategory,
}

/// `Expression`: which amounts are requested. A tree with one operator at each node, as in the API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CostFilter {
    /// Amounts that all of these select.
    And(Vec<CostFilter>),
    /// Amounts that at least one of these selects.
    Or(Vec<CostFilter>),
    /// Amounts that this does not select.
    Not(Box<CostFilter>),
    /// Amounts with one of these values of a dimension.
    Dimensions(FilterValues),
    /// Amounts with one of these values of a tag.
    Tags(FilterValues),
    /// Amounts with one of these values of a cost category.
    CostCategories(FilterValues),
}

impl CostFilter {
    /// Amounts of these accounts.
    pub(crate) fn accounts(ids: impl IntoIterator<Item = String>) -> CostFilter {
        CostFilter::Dimensions(FilterValues {
            key: "LINKED_ACCOUNT".to_owned(),
            values: ids.into_iter().collect(),
            match_options: Vec::new(),
        })
    }
}

/// Values of a dimension, tag or cost category. Case matters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FilterValues {
    /// The name of the dimension, tag or cost category.
    pub key: String,
    /// The values that are selected; empty for `ABSENT`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// `ABSENT` alone and without values, or empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_options: Vec<MatchOption>,
}

/// `MatchOption` of Cost Explorer, as far as it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MatchOption {
    /// The whole value must be equal.
    Equals,
    /// Selects amounts that lack the key.
    Absent,
    /// Case matters.
    CaseSensitive,
}

impl CostQuery {
    /// The same request for all accounts, and the accounts that it was for; absent if it was for all.
    pub fn without_accounts(&self) -> Option<(CostQuery, Vec<String>)> {
        let is_accounts = |filter: &CostFilter| matches!(filter, CostFilter::Dimensions(values) if values.key == "LINKED_ACCOUNT");
        let mut filters = match self.filter.clone()? {
            CostFilter::And(filters) => filters,
            filter => vec![filter],
        };
        let place = filters.iter().position(is_accounts)?;
        let CostFilter::Dimensions(accounts) = filters.remove(place) else {
            return None;
        };
        let filter = match filters.len() {
            0 | 1 => filters.pop(),
            _ => Some(CostFilter::And(filters)),
        };
        let query = CostQuery {
            filter,
            ..self.clone()
        };
        Some((query, accounts.values))
    }

    /// The value of a dimension, if the request is for exactly one.
    pub fn only(&self, dimension: &str) -> Option<&str> {
        let filters = match self.filter.as_ref()? {
            CostFilter::And(filters) => filters.as_slice(),
            filter => std::slice::from_ref(filter),
        };
        let mut values = filters.iter().filter_map(|filter| match filter {
            CostFilter::Dimensions(values) if values.key == dimension => Some(&values.values),
            _ => None,
        });
        match values.next()?.as_slice() {
            [value] => Some(value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_written_and_numbered_alike_for_ever() {
        let query = CostQuery {
            time_period: TimePeriod {
                start: jiff::civil::date(2026, 10, 1),
                end: jiff::civil::date(2026, 11, 21),
            },
            granularity: QueryGranularity::Daily,
            metrics: [CostMetric::UnblendedCost],
            filter: Some(CostFilter::Not(Box::new(CostFilter::Tags(FilterValues {
                key: "Owner".to_owned(),
                values: Vec::new(),
                match_options: vec![MatchOption::Absent],
            })))),
            group_by: vec![GroupKey {
                r#type: GroupType::Dimension,
                key: "SERVICE".to_owned(),
            }],
        };
        let json = concat!(
            r#"{"TimePeriod":{"Start":"2026-10-01","End":"2026-11-21"},"Granularity":"DAILY","#,
            r#""Metrics":["UnblendedCost"],"Filter":{"Not":{"Tags":{"Key":"Owner","MatchOptions":["ABSENT"]}}},"#,
            r#""GroupBy":[{"Type":"DIMENSION","Key":"SERVICE"}]}"#
        );
        assert_eq!(serde_json::to_string(&query).unwrap(), json);
        assert_eq!(serde_json::from_str::<CostQuery>(json).unwrap(), query);
        assert_eq!(query.fingerprint(), "748ac419048638b9b7e548732d25d727");
        let other = CostQuery {
            filter: None,
            ..query
        };
        assert_ne!(other.fingerprint(), "748ac419048638b9b7e548732d25d727");
    }
}
