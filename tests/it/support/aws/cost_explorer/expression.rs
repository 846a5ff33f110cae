//! Filters that select charges.

use serde_json::{Map, Value};

use super::super::bill::Charge;
use super::super::wire::Error;
use super::{DIMENSIONS, invalid};

/// A filter that is valid, with one operator at each node.
pub(super) enum Filter {
    All,
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Dimension(String, Vec<String>),
    /// A tag's value is one of these; an empty one is that of charges without the tag.
    Tag(String, Vec<String>),
    CostCategory(String, Vec<String>),
}

impl Filter {
    /// Reads the filter of a request.
    pub(super) fn read(filter: &Value) -> Result<Filter, Error> {
        match filter {
            Value::Null => Ok(Filter::All),
            Value::Object(node) => Filter::node(node),
            _ => Err(invalid("The filter is no expression.")),
        }
    }

    fn node(node: &Map<String, Value>) -> Result<Filter, Error> {
        let mut members = node.iter();
        let (Some((operator, operand)), None) = (members.next(), members.next()) else {
            return Err(invalid("Expression must have exactly one root operator."));
        };
        match operator.as_str() {
            "And" => Ok(Filter::And(Filter::several(operand)?)),
            "Or" => Ok(Filter::Or(Filter::several(operand)?)),
            "Not" if operand.is_object() => Ok(Filter::Not(Box::new(Filter::read(operand)?))),
            "Dimensions" => {
                let key = text(operand, "Key");
                if !DIMENSIONS.contains(&key) {
                    return Err(invalid(&format!("{key} is no dimension to filter by.")));
                }
                if options(operand)? || values(operand).is_empty() {
                    return Err(invalid("Dimensions need values."));
                }
                Ok(Filter::Dimension(key.to_owned(), values(operand)))
            }
            "Tags" => Ok(Filter::Tag(
                text(operand, "Key").to_owned(),
                tagged(operand)?,
            )),
            "CostCategories" => {
                let key = text(operand, "Key").to_owned();
                Ok(Filter::CostCategory(key, tagged(operand)?))
            }
            _ => Err(invalid(&format!("{operator} is no operator."))),
        }
    }

    /// The operands of `And` and `Or`, which AWS's own examples always give two at least.
    fn several(operands: &Value) -> Result<Vec<Filter>, Error> {
        let operands = operands.as_array().map(Vec::as_slice).unwrap_or_default();
        if operands.len() < 2 {
            return Err(invalid("And and Or need two expressions at least."));
        }
        let not_null = |operand: &Value| match operand {
            Value::Null => Err(invalid("An expression is missing.")),
            operand => Filter::read(operand),
        };
        operands.iter().map(not_null).collect()
    }

    /// Tells whether it has values of a tag or cost category.
    pub(super) fn has_tags(&self) -> bool {
        match self {
            Filter::All | Filter::Dimension(..) => false,
            Filter::And(filters) | Filter::Or(filters) => filters.iter().any(Filter::has_tags),
            Filter::Not(filter) => filter.has_tags(),
            Filter::Tag(..) | Filter::CostCategory(..) => true,
        }
    }

    pub(super) fn admits(&self, charge: &Charge) -> bool {
        match self {
            Filter::All => true,
            Filter::And(filters) => filters.iter().all(|filter| filter.admits(charge)),
            Filter::Or(filters) => filters.iter().any(|filter| filter.admits(charge)),
            Filter::Not(filter) => !filter.admits(charge),
            Filter::Dimension(key, values) => values.contains(&charge.value(key)),
            Filter::Tag(key, values) => {
                let value = charge.tags.get(key).cloned().unwrap_or_default();
                values.contains(&value)
            }
            Filter::CostCategory(key, values) => {
                let value = charge.cost_categories.get(key).cloned().unwrap_or_default();
                values.contains(&value)
            }
        }
    }
}

fn text<'v>(operand: &'v Value, name: &str) -> &'v str {
    operand[name].as_str().unwrap_or_default()
}

fn values(operand: &Value) -> Vec<String> {
    let values = operand["Values"].as_array().cloned().unwrap_or_default();
    let values = values.iter().filter_map(Value::as_str);
    values.map(str::to_owned).collect()
}

/// Reads match options; tells whether they say `ABSENT`.
fn options(operand: &Value) -> Result<bool, Error> {
    let options = operand["MatchOptions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    for option in &options {
        if !["EQUALS", "ABSENT", "CASE_SENSITIVE"].contains(&option.as_str().unwrap_or_default()) {
            return Err(invalid(&format!("{option} is no match option here.")));
        }
    }
    Ok(options.iter().any(|option| option == "ABSENT"))
}

/// The selected values of a tag or cost category; an empty list selects charges without the key.
fn tagged(operand: &Value) -> Result<Vec<String>, Error> {
    if text(operand, "Key").is_empty() {
        return Err(invalid("A key is missing."));
    }
    match (options(operand)?, values(operand)) {
        (true, values) if !values.is_empty() => Err(invalid("ABSENT goes without values.")),
        (_, values) if values.is_empty() => Ok(vec![String::new()]),
        (_, values) => Ok(values),
    }
}
