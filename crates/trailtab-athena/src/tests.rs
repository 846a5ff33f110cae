//! Tests of whole statements and results.

use std::collections::{BTreeMap, BTreeSet};

use trailtab_core::event::filter::{EventFilter, FilterValues};
use trailtab_core::event::ingest::EngineRow;
use trailtab_core::event::needs::{CallGrain, FirstCalls, RecordNeeds};
use trailtab_core::time::TimeWindow;

use crate::ddl::LogTableSetup;
use crate::partition::ScanScope;
use crate::row::{self, RawRow, RowError, RowFault, RowForm};
use crate::sql::SqlText;
use crate::statement::{ResultColumn, Statement, TableQuestion, statement};
use crate::table::{LogTable, TableDescription, TableShape};

fn setup() -> LogTableSetup {
    LogTableSetup {
        database: "trailtab".to_owned(),
        table: "cloudtrail_logs".to_owned(),
        root: "s3://logs/AWSLogs/".to_owned(),
        first_day: "2026-01-02".parse().unwrap(),
        regions: vec!["eu-west-1".to_owned(), "us-east-1".to_owned()],
    }
}

/// The description that the catalog has of the table that a DDL statement creates.
fn described(ddl: &str) -> TableDescription {
    let between = |from: &str, to: &str| {
        let start = ddl.find(from).unwrap() + from.len();
        ddl[start..].split(to).next().unwrap().to_owned()
    };
    let column = |line: &str| {
        let (name, kind) = line.trim().trim_end_matches(',').split_once(' ').unwrap();
        (name.trim_matches('`').to_owned(), kind.to_owned())
    };
    let properties = between("TBLPROPERTIES (\n", "\n)");
    let properties = properties.lines().map(|line| {
        let (name, value) = line.trim().trim_end_matches(',').split_once(" = ").unwrap();
        (
            name.trim_matches('\'').to_owned(),
            value.trim_matches('\'').to_owned(),
        )
    });
    TableDescription {
        columns: between("(\n", "\n)").lines().map(column).collect(),
        partition_keys: between("PARTITIONED BY (", ")")
            .split(", ")
            .map(column)
            .collect(),
        location: Some(between("LOCATION '", "'")),
        parameters: properties.collect(),
    }
}

fn own_table() -> LogTable {
    let ddl = setup().table_statement();
    let address = "athena://trailtab/cloudtrail_logs".parse().unwrap();
    LogTable::of(address, &described(ddl.as_str())).unwrap()
}

fn table(columns: &[(&str, &str)], keys: &[(&str, &str)]) -> LogTable {
    let owned = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        pairs
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    };
    let description = TableDescription {
        columns: owned(columns),
        partition_keys: owned(keys),
        location: None,
        parameters: BTreeMap::new(),
    };
    LogTable::of("athena://db/t".parse().unwrap(), &description).unwrap()
}

fn security_lake() -> LogTable {
    table(
        &[
            (
                "metadata",
                "struct<product:struct<version:string,name:string,feature:struct<name:string>>,event_code:string,uid:string>",
            ),
            ("time", "bigint"),
            ("cloud", "struct<region:string,account:struct<uid:string>>"),
            (
                "api",
                "struct<response:struct<error:string,message:string>,operation:string,service:struct<name:string>,request:struct<uid:string>>",
            ),
            (
                "actor",
                "struct<user:struct<type:string,name:string,uid_alt:string,uid:string,account:struct<uid:string>,credential_uid:string>,session:struct<issuer:string>,invoked_by:string>",
            ),
            ("http_request", "struct<user_agent:string>"),
            ("src_endpoint", "struct<uid:string,ip:string,domain:string>"),
            ("class_uid", "int"),
            ("activity_id", "int"),
            ("unmapped", "map<string,string>"),
        ],
        &[
            ("region", "string"),
            ("accountid", "string"),
            ("eventday", "string"),
        ],
    )
}

fn scope() -> ScanScope {
    ScanScope {
        accounts: Some(BTreeSet::from(["111122223333".to_owned()])),
        regions: Some(BTreeSet::from(["eu-west-1".to_owned()])),
        first_day: Some("2026-11-01".parse().unwrap()),
        last_day: Some("2026-11-30".parse().unwrap()),
        kept_days: BTreeSet::new(),
    }
}

fn filter() -> EventFilter {
    EventFilter {
        principals: FilterValues::new(&["*:role/it's-*", "*:user/ann"]),
        names: FilterValues::new(&["Delete*", "!DeleteObject"]),
        error_codes: FilterValues::new(&["AccessDenied*"]),
        origins: FilterValues::new(&["203.0.113.0/24", "AWS Internal"]),
        ..EventFilter::default()
    }
}

fn question<'q>(
    needs: RecordNeeds,
    filter: &'q EventFilter,
    scope: &'q ScanScope,
) -> TableQuestion<'q> {
    TableQuestion {
        needs,
        window: TimeWindow {
            since: Some(1_793_491_200),
            until: Some(1_796_083_200),
        },
        filter,
        network_activity: false,
        scope,
        by_day: false,
    }
}

fn activity() -> RecordNeeds {
    RecordNeeds {
        caller: true,
        address: true,
        user_agent: true,
        ..RecordNeeds::default()
    }
}

#[test]
fn our_table_has_all_that_is_read_of_records() {
    let table = own_table();
    assert_eq!(table.shape, TableShape::CloudTrail);
    assert_eq!(table.lacks(), Vec::<&str>::new());
    assert_eq!(table.location.as_deref(), Some("s3://logs/AWSLogs/"));
    insta::assert_snapshot!(setup().table_statement());
}

#[test]
fn a_table_tells_what_it_lacks() {
    let table = table(
        &[
            ("eventname", "string"),
            ("eventsource", "string"),
            ("eventtime", "string"),
            ("eventid", "string"),
            ("useridentity", "struct<type:string,arn:string>"),
        ],
        &[],
    );
    assert_eq!(table.lacks().len(), 6);
    assert_eq!(security_lake().shape, TableShape::Ocsf);
    let address = "athena://db/t".parse().unwrap();
    assert!(LogTable::of(address, &TableDescription::default()).is_err());
}

#[test]
fn statements_count_what_nothing_tells_apart() {
    let (none, some, scope) = (EventFilter::default(), filter(), scope());
    let usage = RecordNeeds {
        grain: CallGrain::Minute,
        ..RecordNeeds::default()
    };
    let made = |table: &LogTable, needs, filter| {
        statement(table, &question(needs, filter, &scope))
            .unwrap()
            .sql
    };
    insta::assert_snapshot!("activity", made(&own_table(), activity(), &none));
    insta::assert_snapshot!("filters", made(&own_table(), usage, &some));
    let first = RecordNeeds {
        kept: Some(FirstCalls {
            count: 10,
            newest_first: true,
        }),
        ..RecordNeeds::WHOLE_RECORDS
    };
    let limited = made(&own_table(), first, &none);
    assert_eq!(limited.as_str().matches("'later'").count(), 1);
    assert!(
        limited
            .as_str()
            .contains("\"trailtab_rank\" > 10 THEN 'later'")
    );
    // Rows that are filtered once more here may be fewer than the first ten.
    assert!(
        !made(&own_table(), first, &some)
            .as_str()
            .contains("'later'")
    );
    insta::assert_snapshot!(
        "records",
        made(&own_table(), RecordNeeds::WHOLE_RECORDS, &none)
    );
    insta::assert_snapshot!("ocsf", made(&security_lake(), activity(), &none));
}

fn read(statement: &Statement, rows: &str) -> Result<Vec<(String, u64)>, RowError> {
    let window = TimeWindow {
        since: Some(1_793_491_200),
        until: Some(1_796_083_200),
    };
    read_in(window, statement, rows)
}

fn read_in(
    window: TimeWindow,
    statement: &Statement,
    rows: &str,
) -> Result<Vec<(String, u64)>, RowError> {
    let mut found = Vec::new();
    let take = |_: RawRow<'_>, row: EngineRow<'_, '_>| {
        let (json, calls) = match row {
            EngineRow::Calls { record, calls } => {
                let json = String::from_utf8(record.raw.to_vec()).unwrap();
                (json, calls.count)
            }
            EngineRow::Refused { calls } => ("refused".to_owned(), calls.count),
            EngineRow::OutsideWindow { calls } => ("outside".to_owned(), calls),
            EngineRow::Duplicate { calls } => ("duplicate".to_owned(), calls),
            EngineRow::Undated { calls } => ("undated".to_owned(), calls),
            EngineRow::Unreadable { calls } => ("unreadable".to_owned(), calls),
            EngineRow::NotKept { calls } => ("later".to_owned(), calls),
            EngineRow::NetworkActivity { calls } => ("network".to_owned(), calls),
        };
        found.push((json, calls));
    };
    let form = RowForm {
        columns: &statement.columns,
        grain: CallGrain::Hour,
        window,
    };
    row::read_csv(form, rows.as_bytes(), take)?;
    Ok(found)
}

/// A result with one row.
fn result(statement: &Statement, cells: &[(&str, &str)]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let row = statement.columns.iter().map(|column| {
        let name = match column {
            ResultColumn::Member(member) => member.path.join("."),
            other => other.name().replace("trailtab_", ""),
        };
        let cell = cells.iter().find(|(wanted, _)| *wanted == name);
        cell.map_or(String::new(), |(_, value)| quoted(value))
    });
    let row: Vec<String> = row.collect();
    let header = vec!["\"c\""; statement.columns.len()].join(",");
    format!("{header}\n{}\n", row.join(","))
}

#[test]
fn rows_become_records() {
    let (none, scope) = (EventFilter::default(), scope());
    let statement = statement(
        &own_table(),
        &question(RecordNeeds::WHOLE_RECORDS, &none, &scope),
    )
    .unwrap();
    let rows = result(
        &statement,
        &[
            ("class", "calls"),
            ("calls", "1"),
            ("first", "2026-11-05T08:00:01Z"),
            ("last", "2026-11-05T08:00:01Z"),
            ("eventName", "PutObject"),
            ("eventSource", "s3.amazonaws.com"),
            ("userAgent", "a \"quoted\"\nagent"),
            (
                "userIdentity.sessionContext.sessionIssuer.arn",
                "arn:aws:iam::1:role/r",
            ),
            ("userIdentity.sessionContext.sourceIdentity", "ann"),
            ("userIdentity.type", "AssumedRole"),
            ("requestParameters", "{\"bucketName\":\"b\",\"n\":1.50}"),
            ("responseElements", "{broken"),
            (
                "resources",
                "[{\"ARN\":\"arn:aws:s3:::b\",\"accountId\":null}]",
            ),
        ],
    );
    let found = read(&statement, &rows).unwrap();
    let record: serde_json::Value = serde_json::from_str(&found[0].0).unwrap();
    let expected = serde_json::json!({
        "eventTime": "2026-11-05T08:00:01Z", "eventName": "PutObject", "eventSource": "s3.amazonaws.com",
        "userAgent": "a \"quoted\"\nagent",
        "userIdentity": {
            "type": "AssumedRole",
            "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::1:role/r"}, "sourceIdentity": "ann"},
        },
        "requestParameters": {"bucketName": "b", "n": 1.5}, "responseElements": "{broken",
        "resources": [{"ARN": "arn:aws:s3:::b", "accountId": null}],
    });
    assert_eq!(record, expected);
    assert!(
        found[0].0.contains("1.50"),
        "numbers stay as they are written"
    );
}

#[test]
fn events_that_do_not_count_are_told_by_class() {
    let (none, scope) = (EventFilter::default(), scope());
    let statement = statement(&own_table(), &question(activity(), &none, &scope)).unwrap();
    for class in ["refused", "outside", "duplicate", "undated", "network"] {
        let rows = result(&statement, &[("class", class), ("calls", "7")]);
        assert_eq!(read(&statement, &rows).unwrap(), [(class.to_owned(), 7)]);
    }
    let named = |first: &str, last: &str, name: &str| {
        let cells = [
            ("class", "calls"),
            ("calls", "2"),
            ("first", first),
            ("last", last),
            ("eventName", name),
            ("eventSource", "s3.amazonaws.com"),
        ];
        read(&statement, &result(&statement, &cells))
    };
    let told = |result: Result<Vec<(String, u64)>, RowError>| result.unwrap()[0].clone();
    let time = "2026-11-05T08:00:01Z";
    assert_eq!(
        told(named("yesterday", "yesterday", "A")),
        ("undated".to_owned(), 2)
    );
    assert_eq!(
        told(named("1999-11-05T08:00:01Z", "1999-11-05T08:00:01Z", "A")),
        ("outside".to_owned(), 2)
    );
    assert_eq!(told(named(time, time, "")), ("unreadable".to_owned(), 2));
    let fault = |result: Result<_, RowError>| match result {
        Err(RowError::Row { row: 1, fault }) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        fault(named(time, "2026-11-05T09:00:00Z", "A")),
        RowFault::Times
    );
    let cells = |cells: &[(&str, &str)]| fault(read(&statement, &result(&statement, cells)));
    assert_eq!(cells(&[("class", "more"), ("calls", "1")]), RowFault::Class);
    assert_eq!(
        cells(&[("class", "refused"), ("calls", "")]),
        RowFault::Calls
    );
    assert_eq!(
        cells(&[("class", "refused"), ("calls", "0")]),
        RowFault::Calls
    );
    let short = read(&statement, "\"a\"\n\"calls\"\n");
    assert!(matches!(fault(short), RowFault::Columns { found: 1, .. }));
}

#[test]
fn lines_of_json_are_rows_as_well() {
    let (none, scope) = (EventFilter::default(), scope());
    let statement = statement(&own_table(), &question(activity(), &none, &scope)).unwrap();
    let form = RowForm {
        columns: &statement.columns,
        grain: CallGrain::Hour,
        window: TimeWindow::default(),
    };
    let read = |lines: &str| {
        let mut found = Vec::new();
        let rows = row::read_json_lines(form, lines.as_bytes(), |_, row| {
            if let EngineRow::Calls { record, calls } = row {
                found.push((String::from_utf8(record.raw.to_vec()).unwrap(), calls.count));
            }
        });
        (rows.map_err(|error| error.to_string()), found)
    };
    let (rows, found) = read(concat!(
        r#"{"trailtab_class":"calls","trailtab_calls":3,"trailtab_first":"2026-11-05T08:00:01Z","trailtab_last":"2026-11-05T08:59:59Z","#,
        r#""eventname":"A","eventsource":"s","useridentity_type":null,"useridentity_arn":"arn:aws:iam::1:user/\"x\""}"#,
        "\n\n",
        r#"{"trailtab_class":"refused","trailtab_calls":2}"#,
    ));
    assert_eq!(rows, Ok(2));
    let expected = r#"{"eventTime":"2026-11-05T08:00:01Z","eventName":"A","eventSource":"s","userIdentity":{"arn":"arn:aws:iam::1:user/\"x\""}}"#;
    assert_eq!(found, [(expected.to_owned(), 3)]);
    for (line, fault) in [
        ("{broken", "row 1 of the result is not a JSON object"),
        (
            r#"{"trailtab_class":"refused"}"#,
            "row 1 of the result has no number of events",
        ),
        (
            r#"{"trailtab_class":"refused","trailtab_calls":1,"more":1}"#,
            "row 1 of the result has columns that the statement does not return",
        ),
    ] {
        assert_eq!(read(line).0, Err(fault.to_owned()));
    }
    insta::assert_snapshot!(
        Statement { sql: SqlText::text("q"), columns: Vec::new() }.unload("s3://b/it's/"),
        @"
    UNLOAD (
    'q'
    ) TO 's3://b/it''s/' WITH (format = 'JSON', compression = 'GZIP')
    "
    );
}

#[test]
fn events_without_a_time_are_counted_where_there_is_no_window() {
    let (none, scope) = (EventFilter::default(), scope());
    let whole = question(RecordNeeds::WHOLE_RECORDS, &none, &scope);
    let bounded = statement(&own_table(), &whole).unwrap();
    let everything = TableQuestion {
        window: TimeWindow::default(),
        ..whole
    };
    let unbounded = statement(&own_table(), &everything).unwrap();
    let when_undated = "WHEN coalesce(\"eventtime\", '') = '' THEN 'undated'";
    assert!(bounded.sql.as_str().contains(when_undated));
    assert!(!unbounded.sql.as_str().contains(when_undated));
    let cells = [
        ("class", "calls"),
        ("calls", "3"),
        ("eventName", "GetUser"),
        ("eventSource", "iam.amazonaws.com"),
        ("eventVersion", "1.0"),
    ];
    let rows = result(&unbounded, &cells);
    let found = read_in(TimeWindow::default(), &unbounded, &rows).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1, 3);
    assert!(
        found[0].0.contains("\"eventName\":\"GetUser\""),
        "{found:?}"
    );
    assert!(!found[0].0.contains("eventTime"), "{found:?}");
    // Kept rows are read in other windows, too.
    assert_eq!(
        read(&unbounded, &rows).unwrap(),
        [("undated".to_owned(), 3)]
    );
}

#[test]
fn a_result_without_its_header_was_cut() {
    let (none, scope) = (EventFilter::default(), scope());
    let whole = question(RecordNeeds::WHOLE_RECORDS, &none, &scope);
    let statement = statement(&own_table(), &whole).unwrap();
    assert!(matches!(read(&statement, ""), Err(RowError::NoHeader)));
    let header = result(&statement, &[]);
    let header = header.lines().next().unwrap();
    assert!(read(&statement, header).unwrap().is_empty());
}
