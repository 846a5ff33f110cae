//! Tests of the JSON contract and of what a run is said to be about.

use super::coverage::normal_version;
use super::*;
use crate::activity::tally::Tally;
use crate::coverage::RunCoverage;
use crate::scope::Scope;

/// The schema follows from the types above; UPDATE_DOCS=1 writes it.
#[test]
fn the_schema_in_docs_is_that_of_the_code() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/summary.schema.json"
    );
    let mut schema = schemars::schema_for!(Summary).to_value();
    schema["title"] = "Summary of CloudTrail activity, as written by trailtab activity".into();
    schema["$comment"] = "Described in summary.md; made by UPDATE_DOCS=1 cargo test".into();
    let schema = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &schema).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == schema,
        "docs/summary.schema.json is not up to date. It should be:\n{schema}"
    );
}

#[test]
fn an_event_history_is_that_of_the_account_that_was_asked() {
    const ANN: &str = "111122223333";
    const BOB: &str = "444455556666";
    let account = |caller: Option<&str>, asked: &[&str], recorded: &[&str]| {
        let mut coverage = RunCoverage::default();
        for account in asked {
            coverage.ask(Scope {
                account: account.parse().unwrap(),
                region: "eu-west-1".parse().unwrap(),
            });
        }
        let mut extension = Extension::default();
        for account in recorded {
            let regions = BTreeMap::from([("eu-west-1".to_owned(), RegionReport::default())]);
            let accounts = &mut extension.coverage.accounts;
            accounts.insert((*account).to_owned(), regions);
        }
        let run = RunContext {
            caller: caller.map(|account| CallerIdentity {
                account: account.parse().unwrap(),
                arn: "arn".to_owned(),
            }),
            ..RunContext::default()
        };
        Metadata::of(&Tally::default(), &extension, &coverage, &run).account_id
    };
    assert_eq!(account(Some(ANN), &[ANN], &[ANN, BOB]), ANN);
    assert_eq!(account(Some(ANN), &[ANN], &["unknown"]), ANN);
    // One file of each account of an organisation.
    assert_eq!(account(Some(ANN), &[BOB], &[BOB]), BOB);
    assert_eq!(account(Some(ANN), &[ANN, BOB], &[ANN, BOB]), "multiple");
    assert_eq!(account(Some(ANN), &[], &[]), ANN);
    assert_eq!(account(None, &[ANN], &[ANN, BOB]), "multiple");
    assert_eq!(account(None, &[], &[ANN]), ANN);
}

#[test]
fn versions_are_written_alike() {
    for (text, normal) in [
        ("1.8", "1.08"),
        ("1.08", "1.08"),
        ("1.10", "1.10"),
        ("1.0", "1.0"),
        ("2", "2"),
        ("x.y", "x.y"),
    ] {
        assert_eq!(normal_version(text), normal);
    }
}

#[test]
fn older_results_can_be_read() {
    let summary: Summary =
        serde_json::from_str(r#"{"api_calls_by_region":{"r":{"s:n":2}}}"#).unwrap();
    assert_eq!(
        (summary.api_calls_by_region["r"]["s:n"], summary.trailtab),
        (2, None)
    );
    let mut now = Summary {
        trailtab: Some(Extension::default()),
        ..Summary::default()
    };
    now.metadata.account_id = "1".to_owned();
    let json = serde_json::to_string(&now).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), now);
}
