//! How a table that exists differs from the one that is wanted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{DAY_FORM, DAYS_PROPERTY, LogTableSetup, PARTITION_KEYS, REGIONS_PROPERTY, columns};
use crate::table::TableDescription;

/// What a table has otherwise, in a way that results would lack something. A table may have further columns, further
/// Regions and earlier days.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableDifference {
    /// It lies elsewhere.
    #[error("it lies at {has}, not at {wanted}")]
    Location {
        /// Where it lies; `no location` if the catalog does not say.
        has: String,
        /// Where the log files lie.
        wanted: String,
    },
    /// It lacks columns, or has them with another type.
    #[error("it lacks columns, or has them with another type: {}", columns.join(", "))]
    Columns {
        /// The columns.
        columns: Vec<&'static str>,
    },
    /// It has other partition keys.
    #[error("its partition keys are ({has}), not (account, region, day)")]
    PartitionKeys {
        /// The names of its keys.
        has: String,
    },
    /// It lacks Regions.
    #[error("it lacks the Regions {}", regions.join(", "))]
    Regions {
        /// The Regions.
        regions: Vec<String>,
    },
    /// It begins later than the log files.
    #[error("its days are {has:?}, and the first day with log files is {wanted}")]
    Days {
        /// The range of days as the table writes it.
        has: String,
        /// The first day with log files.
        wanted: Date,
    },
    /// It has another value for a property.
    #[error("its property {name} is {has:?}, not {wanted:?}")]
    Property {
        /// The name of the property.
        name: &'static str,
        /// The value; empty if there is none.
        has: String,
        /// The value of our table.
        wanted: String,
    },
}

impl LogTableSetup {
    /// What a table that exists has otherwise than this one; empty if results would be the same.
    pub fn differences(&self, table: &TableDescription) -> Vec<TableDifference> {
        let mut differences = Vec::new();
        let has = table.location.as_deref().unwrap_or("no location");
        if has.trim_end_matches('/') != self.root.trim_end_matches('/') {
            differences.push(TableDifference::Location {
                has: has.to_owned(),
                wanted: self.root.clone(),
            });
        }
        let folded = |text: &str| text.to_lowercase().replace(char::is_whitespace, "");
        let has: BTreeMap<String, String> = table
            .columns
            .iter()
            .map(|(name, kind)| (folded(name), folded(kind)))
            .collect();
        let lacks = |(name, kind): &&(&str, &str)| has.get(*name).is_none_or(|has| has != kind);
        let columns: Vec<&str> = columns().filter(lacks).map(|(name, _)| *name).collect();
        if !columns.is_empty() {
            differences.push(TableDifference::Columns { columns });
        }
        let keys = table.partition_keys.iter();
        let keys: Vec<(String, String)> = keys.map(|(n, kind)| (folded(n), folded(kind))).collect();
        let is_key = |(has, wanted): (&(String, String), &(&str, &str))| {
            (has.0.as_str(), has.1.as_str()) == *wanted
        };
        if keys.len() != PARTITION_KEYS.len() || !keys.iter().zip(&PARTITION_KEYS).all(is_key) {
            let names: Vec<String> = keys.into_iter().map(|(name, _)| name).collect();
            let has = names.join(", ");
            differences.push(TableDifference::PartitionKeys { has });
        }
        for (name, wanted) in self.properties() {
            let has = table.parameters.get(name).map_or("", String::as_str);
            differences.extend(match name {
                REGIONS_PROPERTY => self.missing_regions(has),
                DAYS_PROPERTY => self.missing_days(has),
                _ if has == wanted => None,
                _ => Some(TableDifference::Property {
                    name,
                    has: has.to_owned(),
                    wanted,
                }),
            });
        }
        differences
    }

    /// The Regions that the list of a table lacks.
    fn missing_regions(&self, has: &str) -> Option<TableDifference> {
        let has: BTreeSet<&str> = has.split(',').map(str::trim).collect();
        let regions = self.regions.iter();
        let lacks = regions.filter(|region| !has.contains(region.as_str()));
        let regions: Vec<String> = lacks.cloned().collect();
        (!regions.is_empty()).then_some(TableDifference::Regions { regions })
    }

    /// The days that the range of a table leaves out at its start, or at its end.
    fn missing_days(&self, has: &str) -> Option<TableDifference> {
        let (first, last) = has.split_once(',').unwrap_or((has, ""));
        let first = Date::strptime(DAY_FORM, first.trim()).ok();
        let has_all = first.is_some_and(|first| first <= self.first_day);
        (!has_all || last.trim() != "NOW").then(|| TableDifference::Days {
            has: has.to_owned(),
            wanted: self.first_day,
        })
    }
}
