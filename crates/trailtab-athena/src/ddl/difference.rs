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
        /// The value; empty if the property is not set.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ddl::UnsuitableSetup;

    fn setup() -> LogTableSetup {
        LogTableSetup {
            database: "trailtab".to_owned(),
            table: "cloudtrail_logs".to_owned(),
            root: "s3://logs/AWSLogs/".to_owned(),
            first_day: "2026-01-02".parse().unwrap(),
            regions: vec!["eu-west-1".to_owned(), "us-east-1".to_owned()],
        }
    }

    /// What the catalog says of a table that setup made.
    fn described(setup: &LogTableSetup) -> TableDescription {
        let owned = |pair: &(&str, &str)| (pair.0.to_owned(), pair.1.to_owned());
        let properties = setup.properties().into_iter();
        TableDescription {
            columns: columns().map(owned).collect(),
            partition_keys: PARTITION_KEYS.iter().map(owned).collect(),
            location: Some(setup.root.trim_end_matches('/').to_owned()),
            parameters: properties
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        }
    }

    /// What differs after a change.
    fn after(change: impl FnOnce(&mut TableDescription)) -> Vec<String> {
        let mut table = described(&setup());
        change(&mut table);
        let differences = setup().differences(&table);
        differences.iter().map(ToString::to_string).collect()
    }

    fn set(name: &str, value: &str) -> Vec<String> {
        after(|table| drop(table.parameters.insert(name.to_owned(), value.to_owned())))
    }

    #[test]
    fn a_table_that_has_more_is_the_same() {
        let none = Vec::<String>::new();
        assert_eq!(after(|_| {}), none);
        assert_eq!(
            set(REGIONS_PROPERTY, "us-east-1, eu-west-1,af-south-1"),
            none
        );
        assert_eq!(set(DAYS_PROPERTY, "2020/01/01,NOW"), none);
        assert_eq!(set("comment", "mine"), none);
        let further = after(|table| {
            table.columns.push(("more".to_owned(), "string".to_owned()));
            table.columns[0].0 = "eventVersion".to_owned();
            let kind = &mut table.columns[1].1;
            *kind = kind.replace(',', ", ").to_uppercase();
        });
        assert_eq!(further, none);
    }

    #[test]
    fn each_difference_is_named() {
        let elsewhere = after(|table| table.location = Some("s3://other/".to_owned()));
        assert_eq!(
            elsewhere,
            ["it lies at s3://other/, not at s3://logs/AWSLogs/"]
        );
        let nowhere = after(|table| table.location = None);
        assert!(nowhere[0].contains("no location"), "{nowhere:?}");
        let columns = after(|table| {
            table.columns[1].1 = "struct<type:string>".to_owned();
            table.columns.remove(4);
        });
        let reason = "it lacks columns, or has them with another type: useridentity, eventname";
        assert_eq!(columns, [reason]);
        let keys = after(|table| drop(table.partition_keys.pop()));
        assert_eq!(
            keys,
            ["its partition keys are (account, region), not (account, region, day)"]
        );
        let regions = set(REGIONS_PROPERTY, "us-east-1");
        assert_eq!(regions, ["it lacks the Regions eu-west-1"]);
        for days in [
            "2026/01/03,NOW",
            "NOW-1YEARS,NOW",
            "2020/01/01,2026/12/31",
            "2020/01/01",
            "",
        ] {
            let reason =
                format!("its days are {days:?}, and the first day with log files is 2026-01-02");
            assert_eq!(set(DAYS_PROPERTY, days), [reason]);
        }
        let account = set("projection.account.type", "enum");
        let reason = r#"its property projection.account.type is "enum", not "injected""#;
        assert_eq!(account, [reason]);
    }

    #[test]
    fn only_tables_over_logs_are_replaced() {
        use crate::ddl::is_of_logs;
        let mut table = described(&setup());
        assert!(is_of_logs(&table));
        let iceberg = ("table_type".to_owned(), "ICEBERG".to_owned());
        table.parameters.extend([iceberg]);
        assert!(!is_of_logs(&table));
        table.parameters.clear();
        assert!(!is_of_logs(&table));
    }

    #[test]
    fn what_athena_reads_otherwise_is_refused() {
        assert_eq!(setup().check(), Ok(()));
        let of = |root: &str| {
            let root = root.to_owned();
            LogTableSetup { root, ..setup() }.check()
        };
        assert_eq!(of(r#"s3://logs/it's \ "x" $y/AWSLogs/"#), Ok(()));
        for root in [
            "s3://logs/${account}/",
            "s3://logs/a*/",
            "s3://logs/{a}/",
            "s3://logs//AWSLogs/",
            "s3://logs/a\n/",
            "s3://arn:aws:s3:eu-west-1:111122223333:accesspoint/x/AWSLogs/",
        ] {
            let refused = of(root);
            assert!(
                matches!(refused, Err(UnsuitableSetup::Root { .. })),
                "{root}"
            );
        }
        for table in ["", "it's", "A", "a-b", "a`b", &"a".repeat(256)] {
            let table = table.to_owned();
            let refused = LogTableSetup { table, ..setup() }.check();
            assert!(matches!(refused, Err(UnsuitableSetup::Name { .. })));
        }
        let regions = (0..201).map(|number| format!("xx-{number}")).collect();
        let refused = LogTableSetup { regions, ..setup() }.check();
        assert!(matches!(refused, Err(UnsuitableSetup::Regions { .. })));
    }
}
