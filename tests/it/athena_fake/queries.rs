//! What queries compute, and what Athena refuses.

use serde_json::json;

use super::{FakeLab, record};
use crate::support::athena::refusals;
use crate::support::athena_tables::{cloudtrail_table, organization_table};

fn lab(bucket: &'static str) -> FakeLab {
    let mut lab = FakeLab::new(bucket);
    let (root, user) = (
        json!({"type": "Root"}),
        json!({"type": "IAMUser", "userName": "jo"}),
    );
    let records = [
        record(1, &json!({})),
        record(
            2,
            &json!({"errorCode": "AccessDenied", "eventName": "PutObject"}),
        ),
        record(3, &json!({"userIdentity": root})),
        record(4, &json!({"userIdentity": user, "requestParameters": null})),
    ];
    lab.put_log("logs/a.json.gz", &records);
    // The same events once more, as two trails write them.
    lab.put_log("logs/b.json.gz", &records[..2]);
    lab.athena
        .run(&cloudtrail_table("d.t", "", &lab.url("logs/"), &[]));
    lab
}

#[test]
fn events_are_counted_once_by_windows_and_ordinals() {
    let mut lab = lab("athena-fake-windows");
    let rows = lab.rows(
        r#"SELECT CASE WHEN kind = 'Root' THEN 'root' ELSE COALESCE(issuer, name, arn) END AS principal,
            eventname, error IS NOT NULL, count(*) AS calls, min(eventtime), max(eventtime), sum(CASE WHEN error = 'AccessDenied' THEN 1 ELSE 0 END)
            FROM (
                SELECT useridentity.type AS kind, useridentity.sessioncontext.sessionissuer.arn AS issuer,
                    useridentity.username AS name, useridentity.arn AS arn, eventname, errorcode AS error, eventtime,
                    row_number() OVER (PARTITION BY eventid ORDER BY "$path") AS copy
                FROM "d"."t"
                WHERE eventsource IN ('s3.amazonaws.com', 'ec2.amazonaws.com')
                    AND eventtime BETWEEN '2026-11-01T00:00:00Z' AND '2026-11-30T23:59:59Z'
            )
            WHERE copy = 1
            GROUP BY 1, 2, 3
            ORDER BY calls DESC"#,
    );
    assert_eq!(
        rows,
        [
            r#""arn:aws:iam::111122223333:role/Deploy","GetObject","false","1","2026-11-01T08:00:01Z","2026-11-01T08:00:01Z","0""#,
            r#""arn:aws:iam::111122223333:role/Deploy","PutObject","true","1","2026-11-01T08:00:02Z","2026-11-01T08:00:02Z","1""#,
            r#""jo","GetObject","false","1","2026-11-01T08:00:04Z","2026-11-01T08:00:04Z","0""#,
            r#""root","GetObject","false","1","2026-11-01T08:00:03Z","2026-11-01T08:00:03Z","0""#,
        ]
    );
}

#[test]
fn functions_give_what_athena_gives() {
    let mut lab = lab("athena-fake-functions");
    let cases = [
        (
            "json_extract_scalar(requestparameters, '$.bucketName')",
            "\"b\"",
        ),
        (
            "json_extract_scalar(requestparameters, '$.size')",
            "\"1.5\"",
        ),
        ("json_extract_scalar(requestparameters, '$.tags')", ""),
        ("json_extract_scalar(requestparameters, '$.tags.k')", ""),
        (
            "json_extract_scalar(requestparameters, '$.tags.k[0]')",
            "\"1\"",
        ),
        (
            "json_extract_scalar(requestparameters, '$[\"bucketName\"]')",
            "\"b\"",
        ),
        ("json_extract_scalar('{broken', '$.x')", ""),
        ("json_extract_scalar(responseelements, '$.x')", ""),
        ("lower(eventname)", "\"getobject\""),
        ("substr(eventtime, 1, 16)", "\"2026-11-01T08:00\""),
        ("regexp_like(eventname, '^Get')", "\"true\""),
        ("regexp_extract(eventname, '^(Get)(.*)', 2)", "\"Object\""),
        ("regexp_extract(eventname, '^Put')", ""),
        ("split_part(eventtime, 'T', 2)", "\"08:00:01Z\""),
        ("split_part(eventtime, 'T', 3)", ""),
        ("'a_b' LIKE 'a!_b' ESCAPE '!'", "\"true\""),
        ("'axb' LIKE 'a!_b' ESCAPE '!'", "\"false\""),
        (r"'a\nb'", r#""a\nb""#),
        ("'it''s'", "\"it's\""),
        ("concat(eventname, errorcode)", ""),
        ("element_at(split(eventtime, '-'), 2)", "\"11\""),
        ("element_at(split(eventtime, '-'), 9)", ""),
        ("7 % 2", "\"1\""),
        ("CAST(7 AS double) / 2", "\"3.5\""),
        ("CAST(1 AS double) * 10000000", "\"1.0E7\""),
        ("DATE '2026-11-01'", "\"2026-11-01\""),
        (
            "TIMESTAMP '2026-11-01 08:00:00'",
            "\"2026-11-01 08:00:00.000\"",
        ),
        (
            "from_iso8601_timestamp(eventtime)",
            "\"2026-11-01 08:00:01.000 UTC\"",
        ),
        ("strpos(eventtime, 'T')", "\"11\""),
        ("NULLIF(eventname, 'GetObject')", ""),
        ("IF(errorcode IS NULL, 'ok', 'failed')", "\"ok\""),
        ("TRY_CAST('x' AS bigint)", ""),
        (
            "useridentity.sessioncontext.attributes.mfaauthenticated",
            "\"false\"",
        ),
        ("useridentity.onbehalfof.userid", ""),
        ("regexp_replace(eventname, '(G)et', '$1_')", "\"G_Object\""),
        ("greatest('a', 'b')", "\"b\""),
        ("greatest('a', errorcode)", ""),
        ("least('a', 'b')", "\"a\""),
        ("cardinality(resources)", ""),
        // The casts and the lambda that Trino's documentation shows: "JSON functions", "Array functions".
        (
            "json_format(CAST(ARRAY[1, NULL, 456] AS JSON))",
            "\"[1,null,456]\"",
        ),
        (
            "json_format(CAST(MAP(ARRAY['k1', 'k2', 'k3'], ARRAY[1, 23, 456]) AS JSON))",
            r#""{""k1"":1,""k2"":23,""k3"":456}""#,
        ),
        (
            "json_format(CAST(MAP(ARRAY['k', 'n'], ARRAY['a\"b', NULL]) AS JSON))",
            r#""{""k"":""a\""b"",""n"":null}""#,
        ),
        (
            "json_format(CAST(transform(ARRAY[5, NULL, 6], x -> x + 1) AS JSON))",
            "\"[6,null,7]\"",
        ),
        (
            "json_format(CAST(transform(ARRAY['x'], x -> MAP(ARRAY['k'], ARRAY[x])) AS JSON))",
            r#""[{""k"":""x""}]""#,
        ),
        (
            "json_format(CAST(transform(resources, r -> MAP(ARRAY['ARN'], ARRAY[r.arn])) AS JSON))",
            "",
        ),
    ];
    let list: Vec<_> = cases.iter().map(|(sql, _)| *sql).collect();
    let sql = format!(
        "SELECT {} FROM d.t WHERE eventid = 'event-1' LIMIT 1",
        list.join(", ")
    );
    let expected: Vec<_> = cases.iter().map(|(_, value)| *value).collect();
    assert_eq!(lab.rows(&sql), [expected.join(",")]);
    assert_eq!(refusals(&[&sql]), Ok(()));
    let grouped = lab.rows(
        "SELECT eventname, count(DISTINCT eventid), max_by(errorcode, eventtime), count_if(errorcode = 'AccessDenied'), count(*) FILTER (WHERE errorcode IS NULL)
        FROM d.t GROUP BY eventname HAVING count(*) > 1",
    );
    assert_eq!(
        grouped,
        [
            r#""GetObject","3",,"0","4""#,
            r#""PutObject","1","AccessDenied","2","0""#
        ]
    );
}

#[test]
fn joins_unions_and_names_of_tables_work() {
    let mut lab = lab("athena-fake-joins");
    for sql in [
        "SELECT t.eventid, d.t.eventname FROM d.t WHERE t.eventid = 'event-3'",
        "WITH x AS (SELECT * FROM t) SELECT eventid, eventname FROM x WHERE eventid = 'event-3'",
        "SELECT a.eventid, b.eventname FROM t a JOIN t AS b ON a.eventid = b.eventid WHERE a.eventid = 'event-3'",
        "SELECT eventid, eventname FROM t WHERE eventid = 'event-3' UNION SELECT 'event-3', 'GetObject'",
        r#"SELECT "eventid", "eventName" FROM "awsdatacatalog"."d"."t" AS "T" WHERE "T"."eventid" = 'event-3';"#,
    ] {
        assert_eq!(lab.rows(sql), [r#""event-3","GetObject""#], "{sql}");
    }
    let ended = lab.run("SELECT useridentity.type, eventid, count(*), lower(max(eventname)) AS Low FROM t GROUP BY 1, 2");
    let output = ended.execution["ResultConfiguration"]["OutputLocation"]
        .as_str()
        .unwrap();
    let csv = String::from_utf8(lab.get(output).unwrap()).unwrap();
    assert_eq!(
        csv.lines().next(),
        Some(r#""type","eventid","_col2","low""#)
    );
}

#[test]
fn what_athena_refuses_fails() {
    let mut lab = lab("athena-fake-refused");
    let cases = [
        (
            "SELECT eventname AS n, count(*) FROM t GROUP BY n",
            "COLUMN_NOT_FOUND: line 1:49: Column 'n' cannot be resolved",
        ),
        (
            "SELECT eventname AS n FROM t WHERE n = 'x'",
            "COLUMN_NOT_FOUND: line 1:36",
        ),
        (
            "SELECT eventname AS n, count(*) AS c FROM t GROUP BY 1 HAVING c > 1",
            "COLUMN_NOT_FOUND",
        ),
        (
            "SELECT nothing FROM t",
            "COLUMN_NOT_FOUND: line 1:8: Column 'nothing' cannot be resolved",
        ),
        (
            "SELECT\n  useridentity.sessioncontext.sourceidentity FROM t",
            "COLUMN_NOT_FOUND: line 2:3: Column 'useridentity.sessioncontext.sourceidentity'",
        ),
        (
            "SELECT element_at(useridentity.sessioncontext.webidfederationdata.attributes, 'a'), useridentity.sessioncontext.webidfederationdata.attributes['a'] FROM t",
            "INVALID_FUNCTION_ARGUMENT: line 1:85",
        ),
        (
            "SELECT resources[1].arn FROM t",
            "INVALID_FUNCTION_ARGUMENT",
        ),
        ("SELECT count(*) / 2 FROM t", "INTEGER_DIVISION"),
        ("SELECT length(eventname) / 2 FROM t", "INTEGER_DIVISION"),
        (
            "SELECT split_part(eventtime, 'T', -1) FROM t",
            "INVALID_FUNCTION_ARGUMENT",
        ),
        (
            "SELECT substr(eventtime, 0, 1) FROM t",
            "INVALID_FUNCTION_ARGUMENT",
        ),
        (
            "SELECT eventid FROM t WHERE readonly = true",
            "TYPE_MISMATCH: line 1:29",
        ),
        (
            "SELECT eventid FROM t WHERE eventname IN ('x', 1)",
            "TYPE_MISMATCH",
        ),
        ("SELECT COALESCE(eventname, 0) FROM t", "TYPE_MISMATCH"),
        (
            "SELECT CASE WHEN eventname = 'x' THEN 1 ELSE 'x' END FROM t",
            "TYPE_MISMATCH",
        ),
        ("SELECT IF(readonly, 1, 2) FROM t", "TYPE_MISMATCH"),
        ("SELECT eventname || 1 FROM t", "TYPE_MISMATCH"),
        ("SELECT lower(length(eventname)) FROM t", "TYPE_MISMATCH"),
        ("SELECT eventid FROM t WHERE eventname", "TYPE_MISMATCH"),
        ("SELECT eventname + 1 FROM t", "TYPE_MISMATCH"),
        (
            "SELECT CAST(useridentity AS varchar) FROM t",
            "TYPE_MISMATCH",
        ),
        ("SELECT eventname.x FROM t", "TYPE_MISMATCH"),
        (
            "SELECT eventname, count(*) FROM t",
            "EXPRESSION_NOT_AGGREGATE",
        ),
        (
            "SELECT strftime(eventname, 'x') FROM t",
            "FUNCTION_NOT_FOUND: line 1:8: Function 'strftime' not registered",
        ),
        (
            "SELECT regexp_matches(eventname, 'x') FROM t",
            "FUNCTION_NOT_FOUND",
        ),
        (
            "SELECT CAST(eventname AS bigint) FROM t",
            "INVALID_CAST_ARGUMENT",
        ),
        ("SELECT url_extract_host(eventname) FROM t", "FAKE_LIMIT"),
    ];
    for (sql, reason) in cases {
        lab.fails(sql, reason);
    }
}

#[test]
fn what_is_no_sql_is_refused_at_once() {
    let lab = lab("athena-fake-syntax");
    for sql in [
        "SELEC eventid FROM t",
        "SELECT eventid FROM t GROUP BY",
        "SELECT eventid::varchar FROM t",
        "SELECT eventid FROM t WHERE eventid ILIKE 'x'",
        "SELECT eventid FROM t QUALIFY row_number() OVER (ORDER BY eventid) = 1",
        "SELECT eventid FROM t GROUP BY ALL",
        "SELECT `eventid` FROM t",
        "SELECT eventid FROM t WHERE eventid == 'x'",
        "SELECT requestparameters ->> '$.x' FROM t",
        "SELECT eventid FROM t; SELECT 1",
        "SELECT eventid FROM t LIMIT 1 OFFSET 1",
        "SELECT 'x",
        "DELETE FROM t",
        "CREATE EXTERNAL TABLE t (a",
        "UNLOAD SELECT 1",
    ] {
        let (status, answer) = lab.start(sql, &json!({}));
        let kind = (
            status,
            answer["__type"].as_str(),
            answer["AthenaErrorCode"].as_str(),
        );
        let expected = (
            400,
            Some("InvalidRequestException"),
            Some("MALFORMED_QUERY"),
        );
        assert_eq!(kind, expected, "{sql}: {answer}");
    }
    assert_eq!(lab.athena.statements().len(), 15);
}

#[test]
fn the_parsers_refuse_without_tables_too() {
    let good = [
        "SELECT a.b.c, count(*) FROM \"d\".\"t\" GROUP BY 1",
        "SELECT lower(a) AS a FROM t GROUP BY a",
        "SELECT transform(a, x -> x + 1) FROM t CROSS JOIN UNNEST(b) AS u (c)",
        "WITH x (a, b) AS (SELECT 1, 2), y (c) AS (SELECT 3) SELECT * FROM x",
    ];
    assert_eq!(refusals(&good), Ok(()));
    for (sql, reason) in [
        ("SELECT lower(a) AS k FROM t GROUP BY k", "COLUMN_NOT_FOUND"),
        ("SELECT m['x'] FROM t", "INVALID_FUNCTION_ARGUMENT"),
        ("SELECT count(*) / 2 FROM t", "INTEGER_DIVISION"),
        ("SELECT a FROM t WHERE lower(a) = 1", "TYPE_MISMATCH"),
        ("SELECT a::varchar FROM t", "line 1:9"),
        ("SELECT a FROM t WHERE", "Statement is incomplete"),
        ("SELEC a", "'SELEC' is not valid"),
    ] {
        let refused = refusals(&["SELECT 1", sql]).unwrap_err();
        assert!(refused.contains(reason), "{sql}: {refused}");
    }
}

#[test]
fn a_table_of_an_organization_is_grouped_by_its_keys() {
    let mut lab = FakeLab::new("athena-fake-organization");
    for (account, region, number) in [
        ("111122223333", "us-east-1", 1),
        ("444455556666", "eu-west-1", 2),
    ] {
        let key = format!("o/{account}/CloudTrail/{region}/2026/11/05/a.json.gz");
        lab.put_log(&key, &[record(number, &json!({"awsRegion": region}))]);
    }
    let root = lab.url("o/");
    let regions = "us-east-1,eu-west-1";
    lab.athena
        .run(&organization_table("d.org", &root, None, regions));
    let rows = lab.rows(
        r#"SELECT account, region, "day", count(*) FROM "d"."org"
        WHERE account IN ('111122223333', '444455556666') AND region IN ('us-east-1', 'eu-west-1')
            AND "day" BETWEEN '2026/11/01' AND '2026/11/30' AND awsregion = region
        GROUP BY 1, 2, 3"#,
    );
    assert_eq!(
        rows,
        [
            r#""111122223333","us-east-1","2026/11/05","1""#,
            r#""444455556666","eu-west-1","2026/11/05","1""#,
        ]
    );
}
