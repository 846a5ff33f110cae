//! Where rows come from: files of UNLOAD, and no more calls than are asked for.

use super::*;

/// Runs a verb with rows in files, and holds it against the log files.
fn assert_unloaded(lake: &Lake, question: &[&str]) {
    let source = format!("s3://{}/{DEMO}", lake.bucket);
    let table = lake.ask(question, &["--unload", "--recount"]);
    let files = lake.run(&[question, &[&source]].concat());
    assert_agree(
        &result(table, 0),
        &result(files, 0),
        &format!("{question:?}"),
    );
}

#[test]
fn files_of_rows_give_what_a_result_gives() {
    let mut lake = demo_lake("athena-unload", "600");
    assert_unloaded(&lake, &["activity", "--no-output", "--format", "json"]);
    assert_unloaded(&lake, &["events", "--format", "csv"]);
    assert_unloaded(
        &lake,
        &["usage", "--format", "json", "--event-name", "!Describe*"],
    );
    assert_eq!(lake.refusals(), Ok(()));
    let statements = lake.athena.statements();
    let unloads = statements.iter().filter(|sql| sql.starts_with("UNLOAD ("));
    assert_eq!((unloads.count(), statements.len()), (3, 3));
    // One of several files of an earlier query is gone: rows would be missing.
    let events = ["events", "--format", "json", "--write-only"];
    let before = lake.kept();
    lake.ask(&events, &["--unload"]).expect(0);
    let started = lake.athena.statements().len();
    let again = lake.ask(&events, &["--unload"]).expect(0);
    assert_eq!(lake.athena.statements().len(), started, "{}", again.err);
    let keys = lake.kept();
    let is_new = |key: &&String| key.contains("/unloaded/") && !before.contains(key);
    let path = format!(
        "/{}-results/{}",
        lake.bucket,
        keys.iter().find(is_new).unwrap()
    );
    lake.s3.must("DELETE", &path, b"");
    let third = lake.ask(&events, &["--unload"]).expect(0);
    assert!(
        third.err.contains("the query is run again"),
        "{}",
        third.err
    );
    assert_eq!(lake.athena.statements().len(), started + 1);
    assert_agree(
        &result(third, 0),
        &result(again, 0),
        "the query that was run again",
    );
}

#[test]
fn a_limit_fetches_no_more_calls() {
    let lake = demo_lake("athena-limit", "600");
    let source = format!("s3://{}/{DEMO}", lake.bucket);
    for question in [
        &["--limit", "7"][..],
        &["--limit", "7", "--newest", "--write-only"],
        &["--limit", "5", "--event-source", "s3", "--region", "us-*"],
        // Filters that the engine only approaches: all that may match is fetched.
        &["--limit", "3", "--principal", "*:role/security-scanner"],
    ] {
        let events = ["events", "--format", "json"];
        let table = lake.ask(&[&events, question].concat(), &[]);
        let files = lake.run(&[&events[..], question, &[&source]].concat());
        assert_agree(
            &result(table, 0),
            &result(files, 0),
            &format!("{question:?}"),
        );
    }
    assert_eq!(lake.refusals(), Ok(()));
    let statements = lake.athena.statements();
    let limited = statements.iter().filter(|sql| sql.contains("'later'"));
    assert_eq!((limited.count(), statements.len()), (3, 4));
}

/// The actions of a policy in the documentation, by service.
fn documented_actions(service: &str) -> BTreeSet<String> {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/athena.md"));
    let page = page.unwrap();
    let policy = page.split("```json").nth(1).unwrap();
    let policy: Value = serde_json::from_str(policy.split("```").next().unwrap()).unwrap();
    let mut actions = BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        let of_statement = match &statement["Action"] {
            Value::String(one) => vec![one.clone()],
            more => serde_json::from_value(more.clone()).unwrap(),
        };
        let of_service = of_statement.into_iter();
        actions.extend(of_service.filter(|action| action.starts_with(service)));
    }
    actions
}

#[test]
fn the_documented_policy_is_what_a_run_calls() {
    let lake = demo_lake("athena-policy", "200");
    lake.ask(&["activity", "--no-output", "--format", "json"], &[])
        .expect(0);
    let called: BTreeSet<String> = lake
        .athena
        .calls()
        .iter()
        .map(|call| {
            call.operation
                .replace("AmazonAthena.", "athena:")
                .replace("AWSGlue.", "glue:")
        })
        .collect();
    let athena = documented_actions("athena:");
    let mut expected: BTreeSet<String> = called
        .iter()
        .filter(|action| action.starts_with("athena:"))
        .cloned()
        .collect();
    // What an interrupt calls: `an_interrupt_stops_the_query`.
    expected.insert("athena:StopQueryExecution".to_owned());
    assert_eq!(athena, expected);
    let glue = documented_actions("glue:");
    let calls_of_glue = called.iter().filter(|action| action.starts_with("glue:"));
    assert_eq!(calls_of_glue.collect::<Vec<_>>(), ["glue:GetTable"]);
    // Athena itself reads the others with the caller's permissions.
    let expected = ["glue:GetDatabase", "glue:GetPartitions", "glue:GetTable"];
    assert_eq!(glue, BTreeSet::from(expected.map(str::to_owned)));
}
