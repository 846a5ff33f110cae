//! The DDL of our own table of CloudTrail logs.
//!
//! It reads each record by CloudTrail's input format, as AWS's documented table does ("Query AWS CloudTrail logs" in the
//! Athena User Guide), with all members that CloudTrail documents, and finds partitions by projection: accounts come from
//! each statement (`injected`), Regions are listed, and days reach until now. So no job adds partitions.

use jiff::civil::Date;

use crate::sql::SqlText;

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

/// The columns. The input format gives each record as one row; a member whose type is `string` holds the JSON of an object.
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

impl LogTableSetup {
    /// The statement that creates the database if it does not exist.
    pub fn database_statement(&self) -> SqlText {
        SqlText::of(
            "CREATE DATABASE IF NOT EXISTS ?",
            &[&SqlText::ddl_name(&self.database)],
        )
    }

    /// The statement that creates the table. It fails if there is a table of the name.
    pub fn table_statement(&self) -> SqlText {
        let columns = COLUMNS.iter().chain(&FURTHER_COLUMNS);
        let columns: Vec<SqlText> = columns.map(column).collect();
        let keys: Vec<SqlText> = [
            ("account", "string"),
            ("region", "string"),
            ("day", "string"),
        ]
        .iter()
        .map(column)
        .collect();
        let template = format!("{}${{account}}/CloudTrail/${{region}}/${{day}}/", self.root);
        let (year, month, day) = (
            self.first_day.year(),
            self.first_day.month(),
            self.first_day.day(),
        );
        let days = format!("{year:04}/{month:02}/{day:02},NOW");
        let regions = self.regions.join(",");
        let properties = [
            ("classification", "cloudtrail"),
            ("projection.enabled", "true"),
            ("projection.account.type", "injected"),
            ("projection.region.type", "enum"),
            ("projection.region.values", &regions),
            ("projection.day.type", "date"),
            ("projection.day.format", "yyyy/MM/dd"),
            ("projection.day.range", &days),
            ("projection.day.interval", "1"),
            ("projection.day.interval.unit", "DAYS"),
            ("storage.location.template", &template),
        ];
        let properties = properties.map(|(name, value)| {
            SqlText::of(
                "? = ?",
                &[&SqlText::ddl_text(name), &SqlText::ddl_text(value)],
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
}

/// A column of our own, whose name and type are written in this module.
fn column((name, kind): &(&'static str, &'static str)) -> SqlText {
    SqlText::of("? ?", &[&SqlText::ddl_name(name), &SqlText::fixed(kind)])
}
