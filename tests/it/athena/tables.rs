//! Tables that others made: what AWS documents, and OCSF.

use super::*;
use crate::support::athena_tables::{documented_table, organization_table};
use crate::support::{assert_same, at, essence};

const ACTIVITY: [&str; 5] = ["activity", "--quiet", "--no-output", "--format", "json"];

/// Leaves out what `sourceIdentity` and `assumedRoot` tell: the documented table has no column for them.
fn without_persons(mut summary: Value) -> Value {
    summary["trailtab"]["persons"] = json!({});
    let principals = summary["trailtab"]["principals"].as_object_mut().unwrap();
    for principal in principals.values_mut() {
        let principal = principal.as_object_mut().unwrap();
        principal.remove("persons");
        if principal["identity_types"].get("AssumedRoot").is_some() {
            principal["identity_types"] = json!({"Root": principal["calls"]});
        }
    }
    summary
}

#[test]
fn the_tables_that_aws_documents_lack_source_identities_alone() {
    let mut lake = Lake::new("athena-documented");
    lake.put(&demo("1000"));
    lake.athena.make_database("d");
    let account = "444455556666";
    let region = format!(
        "s3://{}/{DEMO}{account}/CloudTrail/eu-central-1",
        lake.bucket
    );
    lake.athena.run(&documented_table("d.documented", &region));
    let root = format!("s3://{}/{DEMO}", lake.bucket);
    let accounts = "012345678901,111122223333,123456789012,444455556666,555566667777,777788889999";
    let regions = DEMO_REGIONS.join(",");
    lake.athena.run(&organization_table(
        "d.organization",
        &root,
        Some(accounts),
        &regions,
    ));
    for (table, source) in [
        ("athena://d/documented", format!("{region}/")),
        ("athena://d/organization", root),
    ] {
        let ours = result(lake.ask_of(table, &ACTIVITY, &[]), 3);
        let files = result(lake.run(&[&ACTIVITY[..], &[&source]].concat()), 0);
        let problems = at(&ours, "trailtab/coverage/problems").to_string();
        assert!(problems.contains("sourceIdentity"), "{table}: {problems}");
        assert_eq!(at(&ours, "trailtab/coverage/complete"), false);
        assert_eq!(
            at(&ours, "trailtab/counts"),
            at(&files, "trailtab/counts"),
            "{table}"
        );
        assert_agree(
            &essence(&without_persons(ours)),
            &essence(&without_persons(files)),
            table,
        );
        // What needs no person is complete.
        let apis = ["usage", "--quiet", "--format", "json"];
        let table_apis = result(lake.ask_of(table, &apis, &[]), 0);
        assert_eq!(
            table_apis,
            result(lake.run(&[&apis[..], &[&source]].concat()), 0),
            "{table}"
        );
    }
    assert_eq!(lake.refusals(), Ok(()));
}

/// Makes Parquet files of JSON lines by the engine of the fake.
const PARQUET: &str = "
import duckdb, sys
types = sys.argv[3]
duckdb.connect().execute(f\"\"\"COPY (SELECT * FROM read_json('{sys.argv[1]}', format='newline_delimited', columns={types}))
    TO '{sys.argv[2]}' (FORMAT parquet, COMPRESSION zstd)\"\"\")
";

/// The columns of an OCSF table as Security Lake has them, in the types of Hive and of the engine.
const OCSF_COLUMNS: [(&str, &str, &str); 13] = [
    ("time", "bigint", "BIGINT"),
    ("class_uid", "int", "INTEGER"),
    ("activity_id", "int", "INTEGER"),
    (
        "metadata",
        "struct<uid:string,event_code:string,version:string,product:struct<name:string,version:string,feature:struct<name:string>>>",
        "STRUCT(uid VARCHAR, event_code VARCHAR, version VARCHAR, product STRUCT(name VARCHAR, version VARCHAR, feature STRUCT(name VARCHAR)))",
    ),
    (
        "api",
        "struct<operation:string,version:string,service:struct<name:string>,request:struct<uid:string>,response:struct<error:string,message:string>>",
        "STRUCT(operation VARCHAR, version VARCHAR, service STRUCT(name VARCHAR), request STRUCT(uid VARCHAR), response STRUCT(error VARCHAR, message VARCHAR))",
    ),
    (
        "actor",
        "struct<user:struct<type:string,name:string,uid:string,uid_alt:string,account:struct<uid:string>,credential_uid:string>,session:struct<issuer:string>,invoked_by:string>",
        "STRUCT(\"user\" STRUCT(type VARCHAR, name VARCHAR, uid VARCHAR, uid_alt VARCHAR, account STRUCT(uid VARCHAR), credential_uid VARCHAR), session STRUCT(issuer VARCHAR), invoked_by VARCHAR)",
    ),
    (
        "cloud",
        "struct<region:string,provider:string,account:struct<uid:string>>",
        "STRUCT(region VARCHAR, provider VARCHAR, account STRUCT(uid VARCHAR))",
    ),
    (
        "src_endpoint",
        "struct<ip:string,domain:string>",
        "STRUCT(ip VARCHAR, domain VARCHAR)",
    ),
    (
        "http_request",
        "struct<user_agent:string>",
        "STRUCT(user_agent VARCHAR)",
    ),
    ("severity", "string", "VARCHAR"),
    ("unmapped", "map<string,string>", "MAP(VARCHAR, VARCHAR)"),
    ("class_name", "string", "VARCHAR"),
    ("type_uid", "bigint", "BIGINT"),
];

/// An event of OCSF; every fifth one fails, and the reads and writes of roles and users follow each other.
fn ocsf(number: u64) -> Value {
    let role = number.is_multiple_of(3);
    let name = if role { "deploy" } else { "ann" };
    let operation = ["PutObject", "RunInstances", "GetUser"][number as usize % 3];
    json!({
        "time": 1_788_768_000_000u64 + number * 61_000,
        "class_uid": if number.is_multiple_of(7) { 3002 } else { 6003 },
        "activity_id": number % 5,
        "metadata": {
            "uid": format!("id-{}", number - number % 11 / 10), "event_code": "AwsApiCall", "version": "1.1.0",
            "product": {"name": "CloudTrail", "version": "1.09", "feature": {"name": "Management"}},
        },
        "api": {
            "operation": operation, "version": null,
            "service": {"name": "s3.amazonaws.com"}, "request": {"uid": format!("r-{number}")},
            "response": {"error": number.is_multiple_of(5).then_some("AccessDenied"), "message": number.is_multiple_of(5).then_some("no")},
        },
        "actor": {
            "user": {
                "type": if role { "AssumedRole" } else { "IAMUser" }, "name": (!role).then_some(name),
                "uid": if role { format!("arn:aws:sts::{ANN}:assumed-role/{name}/s-{number}") } else { format!("arn:aws:iam::{ANN}:user/{name}") },
                "uid_alt": "AIDA", "account": {"uid": ANN}, "credential_uid": "AKIAEXAMPLE",
            },
            "session": {"issuer": role.then(|| format!("arn:aws:iam::{ANN}:role/{name}"))},
            "invoked_by": null,
        },
        "cloud": {"region": "us-east-1", "provider": "AWS", "account": {"uid": ANN}},
        "src_endpoint": {"ip": format!("192.0.2.{}", number % 9), "domain": null},
        "http_request": {"user_agent": "Boto3"},
        "severity": "Informational",
        "unmapped": {"recipientAccountId": ANN},
        "class_name": "API Activity",
        "type_uid": 600_301,
    })
}

#[test]
fn an_ocsf_table_agrees_with_its_events_in_a_file() {
    let mut lake = Lake::new("athena-ocsf");
    let events: Vec<String> = (1..200).map(|number| ocsf(number).to_string()).collect();
    let lines = lake.sandbox.write("ocsf.json", events.join("\n"));
    let parquet = lake.sandbox.path("ocsf.parquet");
    let columns = OCSF_COLUMNS.map(|(name, _, duckdb)| format!("'{name}': '{duckdb}'"));
    let mut command = lake
        .sandbox
        .command(installed("test-venv", "python").to_str().unwrap());
    command
        .args(["-c", PARQUET])
        .args([&lines, &parquet])
        .arg(format!("{{{}}}", columns.join(", ")));
    lake.sandbox.finish(command, b"").expect(0);
    lake.put(&[File {
        key: "ocsf/region=us-east-1/a.parquet".to_owned(),
        bytes: std::fs::read(parquet).unwrap(),
    }]);
    lake.athena.make_database("d");
    let columns = OCSF_COLUMNS.map(|(name, hive, _)| format!("`{name}` {hive}"));
    lake.athena.run(&format!(
        "CREATE EXTERNAL TABLE d.ocsf ({}) STORED AS PARQUET LOCATION 's3://{}/ocsf/'",
        columns.join(", "),
        lake.bucket,
    ));
    let path = lines.to_str().unwrap();
    let windows: [&[&str]; 4] = [
        &[],
        &[
            "--since",
            "2026-09-07T08:30:00Z",
            "--until",
            "2026-09-07T09:10:00Z",
        ],
        &["--principal", "*:role/*"],
        &["--errors", "--ip", "192.0.2.0/29"],
    ];
    for window in windows {
        let files = lake
            .run(&[&ACTIVITY[..], window, &[path]].concat())
            .expect(0)
            .summary();
        assert!(
            at(&files, "trailtab/counts/counted").as_u64() > Some(3),
            "{window:?}"
        );
        let run = lake.ask_of("athena://d/ocsf", &[&ACTIVITY[..], window].concat(), &[]);
        let table = run.expect(3).summary();
        assert_same(&table, &files, &format!("{window:?}"));
        assert_eq!(
            at(&table, "trailtab/counts"),
            at(&files, "trailtab/counts"),
            "{window:?}"
        );
    }
    assert_eq!(lake.refusals(), Ok(()));
}
