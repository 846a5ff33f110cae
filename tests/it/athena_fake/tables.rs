//! Tables over objects: CloudTrail's, JSON lines and Parquet, and their partitions.

use serde_json::json;

use super::{FakeLab, record};
use crate::support::athena_tables::{
    CLOUDTRAIL_COLUMNS, cloudtrail_table, documented_table, organization_table,
};
use crate::support::envelopes::gzip;

/// Where the logs of an account, region and day lie.
fn key(account: &str, region: &str, day: &str, name: &str) -> String {
    format!("AWSLogs/{account}/CloudTrail/{region}/{day}/{name}.json.gz")
}

#[test]
fn the_documented_table_reads_records_with_its_columns() {
    let mut lab = FakeLab::new("athena-fake-documented");
    let first = key("111122223333", "us-east-1", "2026/11/01", "a");
    let root = json!({"userIdentity": {"type": "Root"}, "readOnly": null});
    let size = lab.put_log(&first, &[record(1, &json!({})), record(2, &root)]);
    // Not a day that the query names, not a day that the projection makes, and files that Hive hides.
    for (day, name) in [
        ("2026/11/02", "b"),
        ("2026/12/01", "c"),
        ("2026/11/01", "_d"),
        ("2026/11/01", ".e"),
    ] {
        let key = key("111122223333", "us-east-1", day, name);
        lab.put_log(&key, &[record(9, &json!({}))]);
    }
    let location = lab.url("AWSLogs/111122223333/CloudTrail/us-east-1");
    lab.athena.run(&documented_table("d.trail", &location));
    let ended = lab.run(
        r#"SELECT eventid, useridentity.sessioncontext.sessionissuer.arn, UserIdentity.sessionContext.attributes.mfaAuthenticated AS mfa,
            readonly, requestparameters, responseelements, useragent, "timestamp", "$path"
            FROM d.trail WHERE "timestamp" = '2026/11/01'"#,
    );
    assert_eq!(
        ended.rows,
        [
            r#""event-1","arn:aws:iam::111122223333:role/Deploy","false","true","{""bucketName"":""b"",""size"":1.5,""tags"":{""k"":[1]}}",,"a ""quoted"" agent","2026/11/01",PATH"#,
            r#""event-2",,,,"{""bucketName"":""b"",""size"":1.5,""tags"":{""k"":[1]}}",,"a ""quoted"" agent","2026/11/01",PATH"#,
        ]
        .map(|row| row.replace("PATH", &format!("\"{}\"", lab.url(&first)))),
        "{ended:#?}"
    );
    assert_eq!(ended.scanned_bytes, size);
    let all = lab.rows("SELECT count(*) FROM d.trail WHERE \"timestamp\" >= '2026/11/01'");
    assert_eq!(all, ["\"3\""], "NOW ends the range");
    let columns = lab.rows("SELECT * FROM d.trail WHERE \"timestamp\" = '2026/11/02'");
    // Structs have commas as well, within their quotes.
    assert_eq!(columns[0].matches("2026/11/02").count(), 1, "{columns:?}");
    assert!(!columns[0].contains("s3://"), "{columns:?}");
}

#[test]
fn conditions_choose_the_partitions_that_are_read() {
    let mut lab = FakeLab::new("athena-fake-partitions");
    let places = [
        ("111122223333", "us-east-1", "2026/11/01"),
        ("111122223333", "us-east-1", "2026/11/02"),
        ("111122223333", "eu-west-1", "2026/11/01"),
        ("444455556666", "us-east-1", "2026/11/01"),
    ];
    let sizes: Vec<u64> = (0u32..)
        .zip(places)
        .map(|(number, (account, region, day))| {
            let more = json!({"eventName": "x".repeat(1 << number)});
            let key = key(account, region, day, "a");
            lab.put_log(&key, &[record(number, &more)])
        })
        .collect();
    let root = lab.url("AWSLogs/");
    let accounts = "111122223333,444455556666,777788889999";
    let regions = "us-east-1, eu-west-1";
    lab.athena.run(&organization_table(
        "d.listed",
        &root,
        Some(accounts),
        regions,
    ));
    lab.athena
        .run(&organization_table("d.injected", &root, None, regions));
    lab.athena.run(&cloudtrail_table(
        "d.manual",
        "account string, region string, `day` string",
        &root,
        &[],
    ));
    for (account, region, day) in places {
        let location = format!("{root}{account}/CloudTrail/{region}/{day}");
        lab.athena.run(&format!(
            "ALTER TABLE d.manual ADD IF NOT EXISTS PARTITION (account='{account}', region='{region}', day='{day}') LOCATION '{location}'"
        ));
    }
    let both = "account IN ('111122223333', '444455556666')";
    let cases: [(&str, &[usize]); 9] = [
        ("account = '111122223333'", &[0, 1, 2]),
        (both, &[0, 1, 2, 3]),
        ("account = '444455556666' AND region = 'eu-west-1'", &[]),
        (
            "account = '111122223333' AND region IN ('us-east-1') AND \"day\" BETWEEN '2026/11/02' AND '2026/11/30'",
            &[1],
        ),
        ("account = '111122223333' AND day < '2026/11/02'", &[0, 2]),
        (
            "account = '111122223333' AND day > '2026/11/01' AND day <= '2026/11/02'",
            &[1],
        ),
        (
            "account = '111122223333' AND (region = 'eu-west-1' OR day >= '2026/11/02')",
            &[1, 2],
        ),
        (
            "account = '111122223333' AND eventname = 'xx' AND NOT region = 'eu-west-1'",
            &[0, 1],
        ),
        (
            "account IN ('111122223333', '444455556666') AND account = '444455556666'",
            &[3],
        ),
    ];
    for table in ["listed", "injected", "manual"] {
        for (condition, expected) in cases {
            let ended = lab.run(&format!(
                "SELECT \"$path\" FROM d.{table} WHERE {condition}"
            ));
            assert_eq!(ended.state, "SUCCEEDED", "{table} {condition}: {ended:#?}");
            let sum: u64 = expected.iter().map(|place| sizes[*place]).sum();
            assert_eq!(ended.scanned_bytes, sum, "{table} {condition}");
        }
    }
    // Conditions within a subquery count as well.
    let nested = lab.run("SELECT count(*) FROM (SELECT eventid FROM injected i WHERE i.account = '444455556666') WHERE eventid <> ''");
    assert_eq!(
        (nested.rows, nested.scanned_bytes),
        (vec!["\"1\"".to_owned()], sizes[3])
    );
    let reason = "CONSTRAINT_VIOLATION: For the injected projected partition column account, the WHERE clause must \
                  contain only static equality conditions, and at least one such condition must be present.";
    for condition in [
        "region = 'us-east-1'",
        "account > '1'",
        "account = '1' OR region = 'us-east-1'",
    ] {
        lab.fails(
            &format!("SELECT eventid FROM d.injected WHERE {condition}"),
            reason,
        );
    }
}

#[test]
fn projection_makes_dates_and_numbers() {
    let mut lab = FakeLab::new("athena-fake-projection");
    for place in [
        "2026-11-30-11/07",
        "2026-11-30-12/07",
        "2026-10-30-12/08",
        "2025-01-01-00/07",
    ] {
        lab.put_log(
            &format!("by-hour/{place}/a.json.gz"),
            &[record(1, &json!({}))],
        );
    }
    let root = lab.url("by-hour/");
    let template = format!("{root}${{hour}}/${{part}}");
    let properties = [
        ("projection.enabled", "true"),
        ("projection.hour.type", "date"),
        ("projection.hour.format", "yyyy-MM-dd-HH"),
        ("projection.hour.range", "NOW-1MONTHS,NOW"),
        ("projection.hour.interval", "1"),
        ("projection.hour.interval.unit", "DAYS"),
        ("projection.part.type", "integer"),
        ("projection.part.range", "1,9"),
        ("projection.part.digits", "2"),
        ("storage.location.template", template.as_str()),
    ];
    lab.athena.run(&cloudtrail_table(
        "d.hours",
        "hour string, part int",
        &root,
        &properties,
    ));
    let rows = lab.rows("SELECT hour, part FROM d.hours WHERE part > 2");
    assert_eq!(rows, [r#""2026-10-30-12","8""#, r#""2026-11-30-12","7""#]);
    let hourly = properties.map(|(name, value)| match value {
        "DAYS" => (name, "HOURS"),
        value => (name, value),
    });
    lab.athena.run("DROP TABLE d.hours");
    lab.athena.run(&cloudtrail_table(
        "d.hours",
        "hour string, part int",
        &root,
        &hourly,
    ));
    let rows = lab.rows("SELECT hour, part FROM d.hours WHERE part > 2");
    assert_eq!(
        rows,
        [
            r#""2026-10-30-12","8""#,
            r#""2026-11-30-11","7""#,
            r#""2026-11-30-12","7""#
        ]
    );
    let rows = lab.rows("SELECT hour FROM d.hours WHERE part = 8 OR hour = '2025-01-01-00'");
    assert_eq!(rows, [r#""2026-10-30-12""#]);
    lab.fails(
        "SELECT hour FROM d.hours WHERE part = '8'",
        "TYPE_MISMATCH: line 1:32",
    );
}

#[test]
fn broken_objects_fail_a_query() {
    let mut lab = FakeLab::new("athena-fake-broken");
    let whole = lab.put_log("cut/a.json.gz", &[record(1, &json!({}))]);
    let cut = gzip(&vec![b' '; 5000]);
    let cut = lab.put("cut/b.json.gz", &cut[..cut.len() - 9]);
    lab.put("text/a.json.gz", &gzip(b"{\"Records\":["));
    lab.put("digest/a.json.gz", &gzip(b"{\"digestStartTime\":\"\"}"));
    lab.put(
        "mixed/a.json.gz",
        &gzip(br#"{"Records":[{"userIdentity":"root"}]}"#),
    );
    for (name, reason) in [
        ("cut", "HIVE_CURSOR_ERROR"),
        ("text", "HIVE_CURSOR_ERROR"),
        ("digest", "HIVE_CURSOR_ERROR"),
        ("mixed", "HIVE_BAD_DATA"),
    ] {
        let location = lab.url(name);
        lab.athena
            .run(&cloudtrail_table(&format!("d.{name}"), "", &location, &[]));
        lab.fails(&format!("SELECT eventid FROM {name}"), reason);
    }
    let scanned = lab.run("SELECT eventid FROM cut").scanned_bytes;
    assert_eq!(scanned, whole + cut);
}

#[test]
fn lines_and_parquet_are_tables_too() {
    let mut lab = FakeLab::new("athena-fake-forms");
    lab.put(
        "lines/a.json",
        b"{\"Name\":\"x\",\"n\":7,\"s\":{\"A\":true}}\n{\"name\":null}\n",
    );
    let (lines, copy) = (lab.url("lines"), lab.url("copy/"));
    lab.athena.run(&format!(
        "CREATE EXTERNAL TABLE d.lines (name string, n bigint, s struct<a:boolean>)
        ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' LOCATION '{lines}'"
    ));
    let expected = [r#""x","7","{a=true}","true""#, ",,,"];
    let mut rows = lab.rows("SELECT *, s.a FROM d.lines");
    rows.sort_by(|a, b| b.cmp(a));
    assert_eq!(rows, [expected[1], expected[0]]);
    let unload = format!("UNLOAD (SELECT * FROM d.lines) TO '{copy}' WITH (format = 'PARQUET')");
    assert_eq!(lab.run(&unload).state, "SUCCEEDED");
    lab.athena.run(&format!(
        "CREATE EXTERNAL TABLE d.copy (s struct<a:boolean>, name string, later int, n bigint) STORED AS PARQUET LOCATION '{copy}'"
    ));
    let rows = lab.rows("SELECT name, n, s, s.a FROM d.copy WHERE later IS NULL AND name = 'x'");
    assert_eq!(rows, [expected[0]]);
    lab.athena.run(
        "CREATE EXTERNAL TABLE d.unknown (a string) ROW FORMAT SERDE 'org.example.SerDe' LOCATION 's3://athena-fake-forms/none/'",
    );
    lab.fails("SELECT a FROM d.unknown", "FAKE_LIMIT");
}

#[test]
fn glue_and_athena_describe_tables() {
    let lab = FakeLab::new("athena-fake-glue");
    lab.athena.run(&documented_table("d.Trail", "s3://logs/a"));
    let asked = json!({"DatabaseName": "d", "Name": "trail"});
    let (status, answer) = lab.athena.call("AWSGlue.GetTable", &asked);
    let table = &answer["Table"];
    assert_eq!((status, &table["Name"]), (200, &json!("trail")), "{answer}");
    assert_eq!(
        table["PartitionKeys"],
        json!([{"Name": "timestamp", "Type": "string"}])
    );
    assert_eq!(
        table["Parameters"]["storage.location.template"],
        "s3://logs/a/${timestamp}"
    );
    let storage = &table["StorageDescriptor"];
    assert_eq!(storage["Location"], "s3://logs/a");
    assert_eq!(
        storage["InputFormat"],
        "com.amazon.emr.cloudtrail.CloudTrailInputFormat"
    );
    let serde = &storage["SerdeInfo"]["SerializationLibrary"];
    assert_eq!(serde, "org.apache.hive.hcatalog.data.JsonSerDe");
    let columns = storage["Columns"].as_array().unwrap();
    assert_eq!(
        columns[0],
        json!({"Name": "eventversion", "Type": "string"})
    );
    let resources = "array<struct<arn:string,accountid:string,type:string>>";
    assert!(columns.contains(&json!({"Name": "resources", "Type": resources})));
    // Columns in the first level of brackets begin a line of their own or follow one.
    assert_eq!(
        columns.len(),
        CLOUDTRAIL_COLUMNS
            .lines()
            .filter(|line| line.starts_with("    ") && !line.starts_with("     "))
            .count()
    );
    let asked = json!({"CatalogName": "AwsDataCatalog", "DatabaseName": "d", "TableName": "trail"});
    let (status, answer) = lab.athena.call("AmazonAthena.GetTableMetadata", &asked);
    assert_eq!(
        (status, &answer["TableMetadata"]["Columns"]),
        (200, &storage["Columns"])
    );
    let absent = [
        (
            "AWSGlue.GetTable",
            json!({"DatabaseName": "d", "Name": "none"}),
            "EntityNotFoundException",
        ),
        (
            "AWSGlue.GetTable",
            json!({"DatabaseName": "none", "Name": "trail"}),
            "EntityNotFoundException",
        ),
        (
            "AWSGlue.GetDatabase",
            json!({"Name": "none"}),
            "EntityNotFoundException",
        ),
        (
            "AmazonAthena.GetTableMetadata",
            json!({"CatalogName": "x", "DatabaseName": "d", "TableName": "trail"}),
            "MetadataException",
        ),
    ];
    for (operation, request, kind) in absent {
        let (status, answer) = lab.athena.call(operation, &request);
        assert_eq!((status, &answer["__type"]), (400, &json!(kind)), "{answer}");
    }
    let (status, _) = lab
        .athena
        .call("AWSGlue.GetDatabase", &json!({"Name": "d"}));
    assert_eq!(status, 200);
}

#[test]
fn statements_change_the_catalog() {
    let mut lab = FakeLab::new("athena-fake-ddl");
    assert_eq!(
        lab.run("CREATE DATABASE IF NOT EXISTS e").state,
        "SUCCEEDED"
    );
    lab.fails("CREATE DATABASE e", "FAILED: Execution Error");
    let create = "CREATE EXTERNAL TABLE e.t (a string) PARTITIONED BY (p string) STORED AS PARQUET LOCATION 's3://none/'";
    assert_eq!(lab.run(create).state, "SUCCEEDED");
    lab.fails(create, "FAILED: Execution Error");
    let again = create.replace("TABLE", "TABLE IF NOT EXISTS");
    assert_eq!(lab.run(&again).state, "SUCCEEDED");
    assert_eq!(
        lab.run("ALTER TABLE e.t ADD PARTITION (p='1')").state,
        "SUCCEEDED"
    );
    let asked = json!({"DatabaseName": "e", "TableName": "t"});
    let (_, answer) = lab.athena.call("AWSGlue.GetPartitions", &asked);
    assert_eq!(answer["Partitions"][0]["Values"], json!(["1"]));
    assert_eq!(
        answer["Partitions"][0]["StorageDescriptor"]["Location"],
        "s3://none/p=1"
    );
    assert_eq!(lab.run("DROP TABLE e.t").state, "SUCCEEDED");
    lab.fails("DROP TABLE e.t", "FAILED: SemanticException");
    assert_eq!(lab.run("DROP TABLE IF EXISTS e.t").state, "SUCCEEDED");
    lab.fails(
        "SELECT a FROM e.t",
        "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.e.t' does not exist",
    );
    lab.fails(
        "SELECT a FROM f.t",
        "SCHEMA_NOT_FOUND: line 1:15: Schema 'f' does not exist",
    );
    // A table of another catalog is not one of the default catalog.
    lab.athena
        .run_in_catalog("s3tablescatalog/logs", "CREATE DATABASE IF NOT EXISTS e");
    lab.athena.run_in_catalog("s3tablescatalog/logs", create);
    lab.fails("SELECT a FROM e.t", "TABLE_NOT_FOUND");
    let rows = lab.rows(r#"SELECT count(a) FROM "s3tablescatalog/logs"."e"."t""#);
    assert_eq!(rows, ["\"0\""]);
    let asked =
        json!({"CatalogId": "111122223333:s3tablescatalog/logs", "DatabaseName": "e", "Name": "t"});
    assert_eq!(lab.athena.call("AWSGlue.GetTable", &asked).0, 200);
}
