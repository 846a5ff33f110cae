//! The members of records as expressions over the columns of a table.

use std::collections::BTreeMap;

use trailtab_core::event::cloudtrail_name;

use crate::columns::ColumnType;
use crate::sql::SqlText;
use crate::table::EventTimeColumn;

/// How a cell of a result is written into a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CellKind {
    /// As a string.
    Text,
    /// As JSON; as a string if it is not valid JSON.
    Json,
}

/// A member of records that a table has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableMember {
    /// Its path in the record, by CloudTrail's names.
    pub(crate) path: Vec<String>,
    /// The expression, of type varchar.
    pub(crate) sql: SqlText,
    pub(crate) kind: CellKind,
}

impl TableMember {
    /// The name of the column in results: the path in lower case, as Athena writes names.
    pub(crate) fn alias(&self) -> SqlText {
        SqlText::name(&column_name(&self.path))
    }
}

/// The name of a column of results that holds a member.
pub(crate) fn column_name(path: &[String]) -> String {
    path.join("_").to_lowercase()
}

/// Members whose value is JSON where their column is text.
const JSON_MEMBERS: [&str; 9] = [
    "additionalEventData",
    "addendum",
    "edgeDeviceDetails",
    "insightDetails",
    "requestParameters",
    "resources",
    "responseElements",
    "serviceEventDetails",
    "tlsDetails",
];

/// Maximum number of members. AWS's documented table has 60.
const MAX_MEMBERS: usize = 300;

/// The members of a table with CloudTrail's own names. Columns with other names are ignored.
pub(crate) fn of_cloudtrail(columns: &BTreeMap<String, ColumnType>) -> Vec<TableMember> {
    let mut members = Vec::new();
    for (column, kind) in columns {
        if column == "eventtime" {
            continue;
        }
        if let Some(own) = cloudtrail_name(column) {
            add(
                &[own.to_owned()],
                &SqlText::name(column),
                kind,
                &mut members,
            );
        }
    }
    members
}

/// Adds a column, or a member of a struct, and what is in it.
fn add(path: &[String], sql: &SqlText, kind: &ColumnType, members: &mut Vec<TableMember>) {
    if members.len() >= MAX_MEMBERS {
        return;
    }
    let mut push = |sql: SqlText, kind| {
        let path = path.to_vec();
        members.push(TableMember { path, sql, kind });
    };
    let name = path.last().map_or("", String::as_str);
    match kind {
        ColumnType::Text if JSON_MEMBERS.contains(&name) || path == ["userIdentity"] => {
            push(sql.clone(), CellKind::Json);
        }
        ColumnType::Text => push(sql.clone(), CellKind::Text),
        ColumnType::Boolean | ColumnType::Integer | ColumnType::Other => {
            push(SqlText::of("CAST(? AS varchar)", &[sql]), CellKind::Text);
        }
        ColumnType::Map => {
            push(
                SqlText::of("json_format(CAST(? AS JSON))", &[sql]),
                CellKind::Json,
            );
        }
        ColumnType::Array(inner) => push(json_of_array(sql, inner), CellKind::Json),
        ColumnType::Struct(inner) => {
            for (member, kind) in inner {
                let own = cloudtrail_name(member).map_or_else(|| member.clone(), str::to_owned);
                let mut path = path.to_vec();
                path.push(own);
                let sql = SqlText::of("?.?", &[sql, &SqlText::name(member)]);
                add(&path, &sql, kind, members);
            }
        }
    }
}

/// The JSON of an array. Trino writes a struct as an array of values, so the structs become maps, by CloudTrail's
/// names.
fn json_of_array(sql: &SqlText, inner: &ColumnType) -> SqlText {
    let ColumnType::Struct(members) = inner else {
        return SqlText::of("json_format(CAST(? AS JSON))", &[sql]);
    };
    let mut names = Vec::new();
    let mut values = Vec::new();
    for (name, kind) in members {
        let value = SqlText::of("r.?", &[&SqlText::name(name)]);
        values.push(match kind {
            ColumnType::Text => value,
            _ => SqlText::of("CAST(? AS varchar)", &[&value]),
        });
        // Only the list of resources has names in capital letters.
        names.push(SqlText::text(match name.as_str() {
            "arn" => "ARN",
            "arnprefix" => "ARNPrefix",
            name => cloudtrail_name(name).unwrap_or(name),
        }));
    }
    let names = SqlText::join(&names, ", ");
    let values = SqlText::join(&values, ", ");
    SqlText::of(
        "json_format(CAST(transform(?, r -> MAP(ARRAY[?], ARRAY[?])) AS JSON))",
        &[sql, &names, &values],
    )
}

/// A path of names.
type Path = &'static [&'static str];

/// Where OCSF has the members of records, as its files are read: see `respell_ocsf` of trailtab-core. Of several
/// places, the first that holds something counts.
const OCSF_MEMBERS: [(Path, &[Path]); 22] = [
    (&["eventVersion"], &[&["metadata", "product", "version"]]),
    (&["userIdentity", "type"], &[&["actor", "user", "type"]]),
    (
        &["userIdentity", "principalId"],
        &[&["actor", "user", "uid_alt"], &["actor", "user", "uuid"]],
    ),
    (&["userIdentity", "arn"], &[&["actor", "user", "uid"]]),
    (
        &["userIdentity", "accountId"],
        &[
            &["actor", "user", "account", "uid"],
            &["actor", "user", "account_uid"],
        ],
    ),
    (
        &["userIdentity", "accessKeyId"],
        &[
            &["actor", "user", "credential_uid"],
            &["actor", "session", "credential_uid"],
        ],
    ),
    (&["userIdentity", "userName"], &[&["actor", "user", "name"]]),
    (&["userIdentity", "invokedBy"], &[&["actor", "invoked_by"]]),
    (
        &["userIdentity", "sessionContext", "sessionIssuer", "arn"],
        &[&["actor", "session", "issuer"]],
    ),
    (&["eventSource"], &[&["api", "service", "name"]]),
    (&["eventName"], &[&["api", "operation"]]),
    (&["awsRegion"], &[&["cloud", "region"]]),
    (
        &["sourceIPAddress"],
        &[&["src_endpoint", "ip"], &["src_endpoint", "domain"]],
    ),
    (&["userAgent"], &[&["http_request", "user_agent"]]),
    (&["errorCode"], &[&["api", "response", "error"]]),
    (
        &["errorMessage"],
        &[
            &["api", "response", "message"],
            &["api", "response", "error_message"],
        ],
    ),
    (&["requestID"], &[&["api", "request", "uid"]]),
    (&["eventID"], &[&["metadata", "uid"]]),
    (&["readOnly"], &[&["activity_id"]]),
    (&["eventType"], &[&["metadata", "event_code"]]),
    (
        &["recipientAccountId"],
        &[
            &["unmapped", "recipientAccountId"],
            &["cloud", "account", "uid"],
            &["cloud", "account_uid"],
        ],
    ),
    (
        &["eventCategory"],
        &[&["metadata", "product", "feature", "name"]],
    ),
];

/// The members of a table of OCSF.
pub(crate) fn of_ocsf(columns: &BTreeMap<String, ColumnType>) -> Vec<TableMember> {
    let mut members = Vec::new();
    for (path, places) in OCSF_MEMBERS {
        let places = places.iter().filter_map(|place| text_at(columns, place));
        let places: Vec<SqlText> = places.collect();
        let sql = match (path, places.as_slice()) {
            (_, []) => continue,
            // Activity 2 is a read; 1, 3 and 4 create, update and delete.
            (["readOnly"], [activity, ..]) => SqlText::of(
                "CASE WHEN ? = '2' THEN 'true' WHEN ? IN ('1', '3', '4') THEN 'false' END",
                &[activity, activity],
            ),
            (_, [only]) => only.clone(),
            (_, several) => {
                let filled = several
                    .iter()
                    .map(|place| SqlText::of("nullif(?, '')", &[place]));
                let filled: Vec<SqlText> = filled.collect();
                SqlText::of("coalesce(?)", &[&SqlText::join(&filled, ", ")])
            }
        };
        members.push(TableMember {
            path: path.iter().map(|name| (*name).to_owned()).collect(),
            sql,
            kind: CellKind::Text,
        });
    }
    members
}

/// The time of events in a table of OCSF: `time` in milliseconds, or `time_dt`, a timestamp.
pub(crate) fn ocsf_time(columns: &BTreeMap<String, ColumnType>) -> Option<EventTimeColumn> {
    match (columns.get("time"), columns.get("time_dt")) {
        (Some(ColumnType::Integer), _) => {
            Some(EventTimeColumn::Milliseconds(SqlText::name("time")))
        }
        (_, Some(ColumnType::Other)) => Some(EventTimeColumn::Milliseconds(SqlText::of(
            "CAST(to_unixtime(?) * 1000 AS bigint)",
            &[&SqlText::name("time_dt")],
        ))),
        _ => None,
    }
}

/// The text at a place of a table; absent if the table does not have the place.
fn text_at(columns: &BTreeMap<String, ColumnType>, place: &[&str]) -> Option<SqlText> {
    let (column, rest) = place.split_first()?;
    let mut kind = columns.get(*column)?;
    let mut sql = SqlText::name(column);
    for name in rest {
        if *kind == ColumnType::Map {
            return Some(SqlText::of(
                "element_at(?, ?)",
                &[&sql, &SqlText::text(name)],
            ));
        }
        kind = kind.member(name)?;
        sql = SqlText::of("?.?", &[&sql, &SqlText::name(name)]);
    }
    match kind {
        ColumnType::Text => Some(sql),
        ColumnType::Boolean | ColumnType::Integer | ColumnType::Other => {
            Some(SqlText::of("CAST(? AS varchar)", &[&sql]))
        }
        ColumnType::Struct(_) | ColumnType::Array(_) | ColumnType::Map => None,
    }
}
