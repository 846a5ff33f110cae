//! Tables that hold CloudTrail events: their columns as members of records.
//!
//! Columns are looked up, never believed: a member that a table lacks is absent in its rows, and
//! [`LogTable::lacks`] says so.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::address::AthenaAddress;
use crate::columns::ColumnType;
use crate::members::{self, TableMember};
use crate::partition::PartitionKey;
use crate::sql::SqlText;

/// What the catalog says of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableDescription {
    /// The names and types of the columns, as Glue writes them.
    pub columns: Vec<(String, String)>,
    /// The names and types of the partition keys.
    pub partition_keys: Vec<(String, String)>,
    /// Where the table's objects lie, such as `s3://bucket/AWSLogs/`; absent if the catalog does not say.
    pub location: Option<String>,
    /// The table's properties, such as `projection.enabled`.
    pub parameters: BTreeMap<String, String>,
}

/// How a table names the members of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableShape {
    /// By CloudTrail's own names, in lower case: our table, and those of AWS's documentation.
    CloudTrail,
    /// By the Open Cybersecurity Schema Framework: Security Lake, and the unified data store of CloudWatch.
    Ocsf,
}

/// Where a table has the time of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EventTimeColumn {
    /// As text, `2026-11-30T08:30:00Z`.
    Text(SqlText),
    /// In milliseconds since 1970.
    Milliseconds(SqlText),
}

/// A table of CloudTrail events.
#[derive(Debug, Clone)]
pub struct LogTable {
    /// The address that it was looked up by.
    pub address: AthenaAddress,
    /// How it names members.
    pub shape: TableShape,
    /// Its partition keys.
    pub partitions: Vec<PartitionKey>,
    /// Where its objects lie, if the catalog says so.
    pub location: Option<String>,
    pub(crate) members: Vec<TableMember>,
    pub(crate) time: EventTimeColumn,
}

/// Why a table cannot be counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsuitableTable {
    /// The table has neither CloudTrail's columns nor those of OCSF.
    #[error(
        "{address} holds no CloudTrail events that this program can read: it has no column {missing}. Make a table with trailtab athena setup s3://BUCKET/PREFIX"
    )]
    NoRecords {
        /// The table.
        address: AthenaAddress,
        /// The first column that is missing.
        missing: &'static str,
    },
}

/// The columns without which events cannot be counted.
const CLOUDTRAIL_COLUMNS: [&str; 4] = ["eventname", "eventsource", "eventtime", "eventid"];

/// The columns by which OCSF is known.
const OCSF_COLUMNS: [&str; 3] = ["class_uid", "api", "metadata"];

/// Members that identify the caller, with what is lost without them.
const EVIDENCE: [(&[&str], &str); 6] = [
    (
        &["userIdentity", "sessionContext", "sourceIdentity"],
        "sourceIdentity: sessions are not traced to the person who set it",
    ),
    (
        &["userIdentity", "sessionContext", "assumedRoot"],
        "assumedRoot: sessions of AssumeRoot look like root",
    ),
    (
        &["userIdentity", "sessionContext", "signInSessionArn"],
        "signInSessionArn: sessions of aws login are not told apart",
    ),
    (
        &["userIdentity", "onBehalfOf", "userId"],
        "onBehalfOf: users of IAM Identity Center are not known",
    ),
    (
        &["userIdentity", "inScopeOf", "issuerType"],
        "inScopeOf: the service whose role credentials are for is not known",
    ),
    (
        &["requestParameters"],
        "requestParameters: resources are not known",
    ),
];

impl LogTable {
    /// Finds the members of records among the columns of a table.
    ///
    /// # Errors
    ///
    /// If the table holds no CloudTrail events.
    pub fn of(
        address: AthenaAddress,
        description: &TableDescription,
    ) -> Result<LogTable, UnsuitableTable> {
        let columns: BTreeMap<String, ColumnType> = description
            .columns
            .iter()
            .map(|(name, kind)| (name.to_lowercase(), ColumnType::of(kind)))
            .collect();
        let has_all = |names: &[&str]| names.iter().all(|name| columns.contains_key(*name));
        let (shape, members, time) = if has_all(&CLOUDTRAIL_COLUMNS) {
            let time = EventTimeColumn::Text(SqlText::name("eventtime"));
            (
                TableShape::CloudTrail,
                members::of_cloudtrail(&columns),
                time,
            )
        } else if has_all(&OCSF_COLUMNS)
            && let Some(time) = members::ocsf_time(&columns)
        {
            (TableShape::Ocsf, members::of_ocsf(&columns), time)
        } else {
            let mut names = CLOUDTRAIL_COLUMNS.into_iter();
            let missing = names.find(|name| !columns.contains_key(*name));
            return Err(UnsuitableTable::NoRecords {
                address,
                missing: missing.unwrap_or("time"),
            });
        };
        let partitions = description.partition_keys.iter();
        let partitions = partitions
            .map(|(name, kind)| PartitionKey::of(name, kind, &description.parameters))
            .collect();
        Ok(LogTable {
            address,
            shape,
            partitions,
            location: location_of(description),
            members,
            time,
        })
    }

    /// What results lack because the table has no column for it, each with what that means.
    pub fn lacks(&self) -> Vec<&'static str> {
        let evidence = EVIDENCE.into_iter();
        let missing = evidence.filter(|(path, _)| !self.has(path));
        missing.map(|(_, meaning)| meaning).collect()
    }

    /// Returns whether rows have a member, or the object that it lies in as a whole.
    fn has(&self, path: &[&str]) -> bool {
        let found = |member: &TableMember| {
            path.starts_with_path(&member.path) || member.path.starts_with_path(path)
        };
        self.members.iter().any(found)
    }

    /// The member at a path; absent if the table does not have it as a column of its own.
    pub(crate) fn member(&self, path: &[&str]) -> Option<&TableMember> {
        self.members.iter().find(|member| member.path == path)
    }

    /// Returns whether the table has a partition key for days of delivery.
    pub fn has_days(&self) -> bool {
        self.day_key().is_some()
    }

    /// The partition key for days of delivery, if its form is known.
    pub(crate) fn day_key(&self) -> Option<&PartitionKey> {
        self.partitions.iter().find(|key| key.day_form().is_some())
    }

    /// The day that a value of the key for days stands for.
    pub fn day_of(&self, value: &str) -> Option<Date> {
        self.day_key()?.day_form()?.read(value)
    }

    /// The table as it stands behind FROM.
    pub(crate) fn name(&self) -> SqlText {
        let database = SqlText::name(&self.address.database);
        let table = SqlText::name(&self.address.table);
        match self.address.catalog.as_str() {
            crate::address::DEFAULT_CATALOG => SqlText::of("?.?", &[&database, &table]),
            catalog => SqlText::of("?.?.?", &[&SqlText::name(catalog), &database, &table]),
        }
    }
}

/// Where all objects lie. A table with projection may have a location that says less than its template.
fn location_of(description: &TableDescription) -> Option<String> {
    let template = description.parameters.get("storage.location.template");
    let fixed = template.map(|template| {
        let end = template.find("${").unwrap_or(template.len());
        template[..end].to_owned()
    });
    fixed.or_else(|| description.location.clone())
}

trait PathExt {
    fn starts_with_path<T: AsRef<str>>(&self, other: &[T]) -> bool;
}

impl<S: AsRef<str>> PathExt for [S] {
    fn starts_with_path<T: AsRef<str>>(&self, other: &[T]) -> bool {
        self.len() >= other.len()
            && self
                .iter()
                .zip(other)
                .all(|(mine, theirs)| mine.as_ref() == theirs.as_ref())
    }
}
