//! The DDL of our own table of CloudTrail logs.
//!
//! It reads each record by CloudTrail's input format, as AWS's documented table does ("Query AWS CloudTrail logs" in
//! the Athena User Guide), with all members that CloudTrail documents, and finds partitions by projection: accounts
//! come from each statement (`injected`), Regions are listed, and days reach until now. So no job adds partitions.

mod difference;

use jiff::civil::Date;

pub use self::difference::TableDifference;
use crate::sql::SqlText;
use crate::table::TableDescription;

/// The database of our table, unless another one is named.
pub const DEFAULT_DATABASE: &str = "trailtab";

/// The name of our table, unless another one is given.
pub const DEFAULT_TABLE: &str = "cloudtrail_logs";

/// A table over the log files of a trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTableSetup {
    /// The database; it is created if it does not exist.
    pub database: String,
    /// The table.
    pub table: String,
    /// The folder that holds the accounts' folders, such as `s3://bucket/AWSLogs/` or
    /// `s3://bucket/AWSLogs/o-a1b2c3d4e5/`; with a slash at its end.
    pub root: String,
    /// The first day of the log files.
    pub first_day: Date,
    /// The Regions that the trail may deliver from.
    pub regions: Vec<String>,
}

/// The columns. The input format gives each record as one row; a member whose type is `string` holds the JSON of an
/// object.
const COLUMNS: [(&str, &str); 28] = [
    ("eventversion", "string"),
    ("useridentity", USER_IDENTITY),
    ("eventtime", "string"),
    ("eventsource", "string"),
    ("eventname", "string"),
    ("awsregion", "string"),
    ("sourceipaddress", "string"),
    ("useragent", "string"),
    ("errorcode", "string"),
    ("errormessage", "string"),
    ("requestparameters", "string"),
    ("responseelements", "string"),
    ("additionaleventdata", "string"),
    ("requestid", "string"),
    ("eventid", "string"),
    ("readonly", "string"),
    (
        "resources",
        "array<struct<arn:string,arnprefix:string,accountid:string,type:string>>",
    ),
    ("eventtype", "string"),
    ("apiversion", "string"),
    ("managementevent", "string"),
    ("recipientaccountid", "string"),
    ("serviceeventdetails", "string"),
    ("sharedeventid", "string"),
    ("vpcendpointid", "string"),
    ("vpcendpointaccountid", "string"),
    ("eventcategory", "string"),
    (
        "addendum",
        "struct<reason:string,updatedfields:string,originalrequestid:string,originaleventid:string>",
    ),
    ("sessioncredentialfromconsole", "string"),
];

/// Columns that AWS's documented table has as well, and nothing is counted by.
const FURTHER_COLUMNS: [(&str, &str); 2] = [
    ("edgedevicedetails", "string"),
    (
        "tlsdetails",
        "struct<tlsversion:string,ciphersuite:string,clientprovidedhostheader:string>",
    ),
];

/// The partition keys.
const PARTITION_KEYS: [(&str, &str); 3] = [
    ("account", "string"),
    ("region", "string"),
    ("day", "string"),
];

/// The property by which tables over CloudTrail's log files are known.
const CLASSIFICATION: (&str, &str) = ("classification", "cloudtrail");

/// The property that tables in formats with a catalog of their own have, such as `ICEBERG`.
const TABLE_KIND_PROPERTY: &str = "table_type";

/// The property that lists the Regions.
const REGIONS_PROPERTY: &str = "projection.region.values";

/// The property that holds the first and the last day.
const DAYS_PROPERTY: &str = "projection.day.range";

/// How the properties and the folders of a trail write days.
const DAY_FORM: &str = "%Y/%m/%d";

/// All members of `userIdentity` ("CloudTrail userIdentity element" in the CloudTrail User Guide).
const USER_IDENTITY: &str = "struct<type:string,principalid:string,arn:string,accountid:string,accesskeyid:string,\
username:string,invokedby:string,identityprovider:string,credentialid:string,\
sessioncontext:struct<attributes:struct<mfaauthenticated:string,creationdate:string>,\
sessionissuer:struct<type:string,principalid:string,arn:string,accountid:string,username:string>,\
webidfederationdata:struct<federatedprovider:string,attributes:map<string,string>>,\
ec2roledelivery:string,sourceidentity:string,signinsessionarn:string,assumedroot:string>,\
onbehalfof:struct<userid:string,identitystorearn:string>,\
inscopeof:struct<issuertype:string,credentialsissuedto:string,sourcearn:string,sourceaccount:string>,\
invokedbydelegate:struct<accountid:string>>";

const SERDE: &str = "org.apache.hive.hcatalog.data.JsonSerDe";

const INPUT_FORMAT: &str = "com.amazon.emr.cloudtrail.CloudTrailInputFormat";

const OUTPUT_FORMAT: &str = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat";

/// Why a table cannot be made for a folder or under a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsuitableSetup {
    /// The address of the folder.
    #[error("a table over {root:?} cannot be made: {reason}")]
    Root {
        /// The folder.
        root: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The name of the database or the table.
    #[error(
        "{name:?} cannot be the name of a {what}: Athena takes lower-case letters, digits and underscores, at most 255, and a database may have hyphens"
    )]
    Name {
        /// `database` or `table`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// More Regions than AWS has.
    #[error(
        "{root:?} has folders of {count} Regions, more than the {MAX_REGIONS} that a table may have: name one of the folders that hold accounts, or remove the folders that do not hold logs"
    )]
    Regions {
        /// The folder.
        root: String,
        /// How many there are.
        count: usize,
    },
}

/// The most Regions of a table. AWS has about forty; projection slows down with each.
const MAX_REGIONS: usize = 200;

/// The longest name that Glue takes, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

impl LogTableSetup {
    /// Checks that Athena reads the folder and the names as they are meant.
    ///
    /// # Errors
    ///
    /// Names what it would read otherwise.
    pub fn check(&self) -> Result<(), UnsuitableSetup> {
        let names = [
            ("database", &self.database, "_-"),
            ("table", &self.table, "_"),
        ];
        for (what, name, others) in names {
            let is_right =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || others.contains(c);
            if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.chars().all(is_right) {
                let name = name.clone();
                return Err(UnsuitableSetup::Name { what, name });
            }
        }
        let (root, count) = (self.root.clone(), self.regions.len());
        if let Some(reason) = unreadable(&root) {
            return Err(UnsuitableSetup::Root { root, reason });
        }
        match count > MAX_REGIONS {
            true => Err(UnsuitableSetup::Regions { root, count }),
            false => Ok(()),
        }
    }

    /// The statement that creates the database if it does not exist.
    pub fn database_statement(&self) -> SqlText {
        SqlText::of(
            "CREATE DATABASE IF NOT EXISTS ?",
            &[&SqlText::ddl_name(&self.database)],
        )
    }

    /// The statement that removes the table from the catalog. The table is external: no object in S3 is deleted.
    pub fn removal_statement(&self) -> SqlText {
        SqlText::of(
            "DROP TABLE IF EXISTS ?.?",
            &[
                &SqlText::ddl_name(&self.database),
                &SqlText::ddl_name(&self.table),
            ],
        )
    }

    /// The statement that creates the table. It fails if there is a table of the name.
    pub fn table_statement(&self) -> SqlText {
        let columns: Vec<SqlText> = columns().map(column).collect();
        let keys: Vec<SqlText> = PARTITION_KEYS.iter().map(column).collect();
        let properties = self.properties().map(|(name, value)| {
            SqlText::of(
                "? = ?",
                &[&SqlText::ddl_text(name), &SqlText::ddl_text(&value)],
            )
        });
        SqlText::of(
            "CREATE EXTERNAL TABLE ?.? (\n  ?\n)\nPARTITIONED BY (?)\nROW FORMAT SERDE ?\nSTORED AS INPUTFORMAT ?\nOUTPUTFORMAT ?\nLOCATION ?\nTBLPROPERTIES (\n  ?\n)",
            &[
                &SqlText::ddl_name(&self.database),
                &SqlText::ddl_name(&self.table),
                &SqlText::join(&columns, ",\n  "),
                &SqlText::join(&keys, ", "),
                &SqlText::ddl_text(SERDE),
                &SqlText::ddl_text(INPUT_FORMAT),
                &SqlText::ddl_text(OUTPUT_FORMAT),
                &SqlText::ddl_text(&self.root),
                &SqlText::join(&properties, ",\n  "),
            ],
        )
    }

    /// The properties of the table.
    fn properties(&self) -> [(&'static str, String); 11] {
        let first = self.first_day.strftime(DAY_FORM);
        [
            (CLASSIFICATION.0, CLASSIFICATION.1.to_owned()),
            ("projection.enabled", "true".to_owned()),
            ("projection.account.type", "injected".to_owned()),
            ("projection.region.type", "enum".to_owned()),
            (REGIONS_PROPERTY, self.regions.join(",")),
            ("projection.day.type", "date".to_owned()),
            ("projection.day.format", "yyyy/MM/dd".to_owned()),
            (DAYS_PROPERTY, format!("{first},NOW")),
            ("projection.day.interval", "1".to_owned()),
            ("projection.day.interval.unit", "DAYS".to_owned()),
            (
                "storage.location.template",
                format!("{}${{account}}/CloudTrail/${{region}}/${{day}}/", self.root),
            ),
        ]
    }
}

/// Returns whether a table is over log files of CloudTrail, as the table of this program and that of AWS's
/// documentation are, so that removing it deletes no object: DROP TABLE of an Iceberg table deletes its objects.
pub fn is_of_logs(table: &TableDescription) -> bool {
    let has =
        |(name, value): (&str, &str)| table.parameters.get(name).map(String::as_str) == Some(value);
    has(CLASSIFICATION) && !table.parameters.contains_key(TABLE_KIND_PROPERTY)
}

/// Why Athena would not read a folder as it is named ("Table location in Amazon S3" in the Athena User Guide).
fn unreadable(root: &str) -> Option<&'static str> {
    let key = root.strip_prefix("s3://")?;
    if key.starts_with("arn:") {
        Some("Athena takes no ARN: name the bucket, or the alias of the access point")
    } else if root.contains("${") {
        Some("${…} would be read as a placeholder for a partition key")
    } else if root.contains(['*', '?', '[', ']', '{', '}']) {
        Some("Athena takes no wildcards (* ? [ ] { }) in a location")
    } else if key.contains("//") {
        Some("Athena takes no double slash in a location")
    } else if root.chars().any(char::is_control) {
        Some("it has control characters")
    } else {
        None
    }
}

/// All columns.
fn columns() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    COLUMNS.iter().chain(&FURTHER_COLUMNS)
}

/// A column of our own, whose name and type are written in this module.
fn column((name, kind): &(&'static str, &'static str)) -> SqlText {
    SqlText::of("? ?", &[&SqlText::ddl_name(name), &SqlText::fixed(kind)])
}
