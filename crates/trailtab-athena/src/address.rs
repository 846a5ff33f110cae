//! Addresses of tables: `athena://[WORKGROUP@][CATALOG.]DATABASE/TABLE`.

use std::fmt;
use std::str::FromStr;

/// The catalog that Athena uses by default: Glue's Data Catalog.
pub const DEFAULT_CATALOG: &str = "AwsDataCatalog";

/// The workgroup that Athena uses by default.
pub const DEFAULT_WORKGROUP: &str = "primary";

/// A table that Athena can query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AthenaAddress {
    /// The workgroup that runs the queries.
    pub workgroup: String,
    /// The catalog of the database, such as `AwsDataCatalog` or `s3tablescatalog/aws-cloudwatch`.
    pub catalog: String,
    /// The database, in lower case as Glue keeps it.
    pub database: String,
    /// The table, in lower case as Glue keeps it.
    pub table: String,
}

/// Why an address is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{address:?} names no table of Athena ({reason}): write athena://[WORKGROUP@][CATALOG.]DATABASE/TABLE"
)]
pub struct InvalidAthenaAddress {
    /// The address as it was given.
    pub address: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// What an address begins with.
const SCHEME: &str = "athena://";

/// The longest name that Glue takes, in bytes.
const MAX_NAME_BYTES: usize = 255;

impl FromStr for AthenaAddress {
    type Err = InvalidAthenaAddress;

    fn from_str(text: &str) -> Result<AthenaAddress, InvalidAthenaAddress> {
        let invalid = |reason| InvalidAthenaAddress {
            address: text.to_owned(),
            reason,
        };
        let rest = text
            .strip_prefix(SCHEME)
            .ok_or_else(|| invalid("it does not begin with athena://"))?;
        let (workgroup, rest) = match rest.split_once('@') {
            Some((workgroup, rest)) => (workgroup, rest),
            None => (DEFAULT_WORKGROUP, rest),
        };
        // A catalog may have a slash of its own: `s3tablescatalog/aws-cloudwatch`.
        let (place, table) = rest
            .rsplit_once('/')
            .ok_or_else(|| invalid("it has no table"))?;
        let (catalog, database) = match place.rsplit_once('.') {
            Some((catalog, database)) => (catalog, database),
            None => (DEFAULT_CATALOG, place),
        };
        for (name, absent) in [
            (workgroup, "the workgroup is empty"),
            (catalog, "the catalog is empty"),
            (database, "it has no database"),
            (table, "it has no table"),
        ] {
            if name.is_empty() {
                return Err(invalid(absent));
            }
            if name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
                return Err(invalid("a name is too long, or has control characters"));
            }
        }
        if database.contains('/') {
            return Err(invalid("the database has a slash"));
        }
        Ok(AthenaAddress {
            workgroup: workgroup.to_owned(),
            catalog: catalog.to_owned(),
            database: database.to_lowercase(),
            table: table.to_lowercase(),
        })
    }
}

impl fmt::Display for AthenaAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        if self.workgroup != DEFAULT_WORKGROUP {
            write!(f, "{}@", self.workgroup)?;
        }
        if self.catalog != DEFAULT_CATALOG {
            write!(f, "{}.", self.catalog)?;
        }
        write!(f, "{}/{}", self.database, self.table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_default_workgroup_and_catalog() {
        for (text, parts) in [
            ("athena://db/t", ["primary", "AwsDataCatalog", "db", "t"]),
            ("athena://wg@Db/T", ["wg", "AwsDataCatalog", "db", "t"]),
            ("athena://wg@cat.db/t", ["wg", "cat", "db", "t"]),
            (
                "athena://s3tablescatalog/aws-cloudwatch.logs/aws_cloudtrail__management",
                [
                    "primary",
                    "s3tablescatalog/aws-cloudwatch",
                    "logs",
                    "aws_cloudtrail__management",
                ],
            ),
        ] {
            let address: AthenaAddress = text.parse().unwrap();
            let AthenaAddress {
                workgroup,
                catalog,
                database,
                table,
            } = &address;
            assert_eq!([workgroup, catalog, database, table], parts, "{text}");
            assert_eq!(address.to_string().parse(), Ok(address), "{text}");
        }
    }

    #[test]
    fn an_address_without_a_table_is_refused() {
        for text in [
            "athena://",
            "athena://db",
            "athena://db/",
            "athena:///t",
            "athena://@db/t",
            "athena://.db/t",
            "athena://a/b/c",
            "s3://db/t",
            "athena://d\u{7}b/t",
        ] {
            assert!(text.parse::<AthenaAddress>().is_err(), "{text}");
        }
    }
}
