//! Requests: what passes is repeated, and what a catalog tells.

use std::sync::atomic::Ordering;

use serde_json::json;
use trailtab_app::aws::{self, FailureKind, TablePath};
use trailtab_app::source::athena::describe_table;

use super::{QueryLab, STATEMENT};
use crate::support::athena::Fault;
use crate::support::athena_tables::documented_table;

#[test]
fn throttled_and_broken_requests_are_repeated() {
    let lab = QueryLab::new("athena-client-throttle");
    let (start, look) = (
        "AmazonAthena.StartQueryExecution",
        "AmazonAthena.GetQueryExecution",
    );
    lab.athena.plan(&Fault::Throttle {
        operation: start,
        calls: 2,
    });
    lab.athena.plan(&Fault::Break {
        operation: look,
        calls: 2,
    });
    let finished = lab.run(&lab.order(STATEMENT)).unwrap();
    assert_eq!(finished.queries, 1);
    assert_eq!(lab.athena.count(start), 3);
    assert!(lab.athena.count(look) >= 3);
    let tokens = lab.athena.calls();
    let tokens = tokens.iter().filter(|call| call.operation == start);
    let tokens: Vec<_> = tokens
        .map(|call| &call.request["ClientRequestToken"])
        .collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
}

#[test]
fn expired_credentials_are_obtained_anew_once() {
    let lab = QueryLab::new("athena-client-expired");
    lab.athena.plan(&Fault::Expire { calls: 1 });
    lab.run(&lab.order(STATEMENT)).unwrap();
    assert_eq!(lab.credentials.load(Ordering::Relaxed), 2);
    lab.athena.plan(&Fault::Expire { calls: 2 });
    let client = aws::athena(&lab.query_config());
    let answer = lab.runtime.block_on(client.workgroup("primary"));
    let failure = answer.unwrap_err();
    assert_eq!(failure.kind, FailureKind::CredentialsExpired);
    assert!(failure.explanation.contains("get new ones"), "{failure}");
}

#[test]
fn a_host_that_refuses_connections_is_given_up_soon() {
    let lab = QueryLab::new("athena-client-refused");
    // No program listens at port 1 of this address.
    let client = aws::athena(&lab.config(1));
    let failure = lab
        .runtime
        .block_on(client.workgroup("primary"))
        .unwrap_err();
    assert_eq!(failure.code, "ConnectionError");
    assert!(!failure.may_have_arrived);
}

#[test]
fn both_catalogs_describe_a_table_alike() {
    let lab = QueryLab::new("athena-client-table");
    let location = lab.url("AWSLogs/111122223333/CloudTrail/us-east-1");
    lab.athena.run(&documented_table("d.projected", &location));
    let path = |catalog: Option<&str>, table: &str| TablePath {
        catalog: catalog.map(str::to_owned),
        database: "d".to_owned(),
        table: table.to_owned(),
    };
    let config = lab.query_config();
    let describe = |path: TablePath| {
        let describe = describe_table(&config, &path, Some("primary"));
        lab.runtime.block_on(describe)
    };
    let table = describe(path(None, "projected")).unwrap();
    assert_eq!(table.location, Some(location.clone()));
    assert_eq!(table.partition_keys.len(), 1);
    assert_eq!(table.partition_keys[0].name, "timestamp");
    let identity = table
        .columns
        .iter()
        .find(|column| column.name == "useridentity");
    let type_text = &identity.unwrap().type_text;
    assert!(type_text.starts_with("struct<type:string,"), "{type_text}");
    assert_eq!(table.parameters["projection.timestamp.type"], "date");
    let template = format!("{location}/${{timestamp}}");
    assert_eq!(table.parameters["storage.location.template"], template);
    assert!(
        table
            .input_format
            .as_ref()
            .unwrap()
            .ends_with("CloudTrailInputFormat")
    );
    assert!(table.serde_library.as_ref().unwrap().ends_with("JsonSerDe"));
    assert_eq!(lab.athena.count("AWSGlue.GetTable"), 1);

    let client = aws::athena(&config);
    let asked = path(Some("AwsDataCatalog"), "projected");
    let by_athena = lab.runtime.block_on(client.table(&asked, None)).unwrap();
    assert_eq!(by_athena.columns, table.columns);
    assert_eq!(by_athena.partition_keys, table.partition_keys);
    assert_eq!(by_athena.location, table.location);
    assert_eq!(by_athena.input_format, table.input_format);
    assert_eq!(by_athena.serde_library, table.serde_library);

    let missing = describe(path(None, "nothing")).unwrap_err();
    assert_eq!(missing.code, "EntityNotFoundException");
    let elsewhere = describe(path(Some("other"), "projected"));
    assert!(elsewhere.is_err());
    assert_eq!(lab.athena.count("AmazonAthena.GetTableMetadata"), 2);
}

#[test]
fn a_workgroup_tells_its_limits() {
    let lab = QueryLab::new("athena-client-workgroup");
    let configuration = json!({
        "EnforceWorkGroupConfiguration": true,
        "BytesScannedCutoffPerQuery": 10_000_000,
        "ResultConfiguration": {"OutputLocation": "s3://b/r/"},
    });
    lab.athena.set_workgroup("audit", &configuration);
    let client = aws::athena(&lab.query_config());
    let audit = lab.runtime.block_on(client.workgroup("audit")).unwrap();
    assert!(audit.is_enabled && audit.enforces_configuration && !audit.has_managed_results);
    assert_eq!(audit.scan_limit_bytes, Some(10_000_000));
    assert_eq!(audit.output_location.as_deref(), Some("s3://b/r/"));
    let none = lab.runtime.block_on(client.workgroup("none")).unwrap_err();
    assert_eq!(none.code, "InvalidRequestException");
}
