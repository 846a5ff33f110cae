//! Calls: idempotence, limits, workgroups, signatures, and the record of calls.

use serde_json::{Value, json};

use super::FakeLab;

fn assert_invalid((status, answer): (u16, Value), words: &str) {
    assert_eq!(
        (status, &answer["__type"]),
        (400, &json!("InvalidRequestException")),
        "{answer}"
    );
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains(words), "{message}");
}

#[test]
fn a_token_starts_one_query() {
    let lab = FakeLab::new("athena-fake-token");
    let token = json!({"ClientRequestToken": "t".repeat(32)});
    let first = lab.id("SELECT 1", &token);
    assert_eq!(lab.id("SELECT 1", &token), first);
    assert_ne!(lab.id("SELECT 1", &json!({})), first);
    assert_invalid(
        lab.start("SELECT 2", &token),
        "Idempotent parameters do not match",
    );
    assert_invalid(
        lab.start("SELECT 1", &json!({"ClientRequestToken": "short"})),
        "32 to 128",
    );
}

#[test]
fn limits_of_requests_hold() {
    let lab = FakeLab::new("athena-fake-limits");
    let fill = |bytes: usize| format!("SELECT 1{}", " ".repeat(bytes - 8));
    assert_eq!(lab.start(&fill(262_144), &json!({})).0, 200);
    assert_invalid(lab.start(&fill(262_145), &json!({})), "262144 bytes");
    assert_invalid(
        lab.start("SELECT 1", &json!({"WorkGroup": "none"})),
        "WorkGroup none is not found",
    );
    assert_invalid(
        lab.start("SELECT 1", &json!({"ResultConfiguration": null})),
        "No output location provided",
    );
    for operation in ["GetQueryExecution", "StopQueryExecution", "GetQueryResults"] {
        let operation = format!("AmazonAthena.{operation}");
        let request = json!({"QueryExecutionId": "none"});
        assert_invalid(lab.athena.call(&operation, &request), "not found");
    }
    let (status, answer) = lab.athena.call("AmazonAthena.ListWorkGroups", &json!({}));
    assert_eq!(
        (status, &answer["__type"]),
        (400, &json!("UnknownOperationException"))
    );
}

#[test]
fn a_workgroup_decides_where_results_go() {
    let mut lab = FakeLab::new("athena-fake-workgroup");
    let asked = |name: &str, configuration: Option<&str>| {
        let place = configuration
            .map(|key| json!({"OutputLocation": format!("s3://athena-fake-workgroup/{key}")}));
        json!({"WorkGroup": name, "ResultConfiguration": place})
    };
    let location = lab.url("team/");
    for (name, enforced) in [("enforced", true), ("relaxed", false)] {
        let settings = json!({
            "EnforceWorkGroupConfiguration": enforced,
            "ResultConfiguration": {"OutputLocation": location},
        });
        lab.athena.set_workgroup(name, &settings);
        let (status, answer) = lab
            .athena
            .call("AmazonAthena.GetWorkGroup", &json!({"WorkGroup": name}));
        assert_eq!(status, 200, "{answer}");
        assert_eq!(
            answer["WorkGroup"]["Configuration"]["EnforceWorkGroupConfiguration"],
            enforced
        );
    }
    for (name, key, expected) in [
        ("enforced", Some("mine/"), "team/"),
        ("enforced", None, "team/"),
        ("relaxed", Some("mine/"), "mine/"),
        ("relaxed", None, "team/"),
    ] {
        let id = lab.id("SELECT 1", &asked(name, key));
        let execution = lab.end(&id).execution;
        let output = lab.url(&format!("{expected}{id}.csv"));
        assert_eq!(
            execution["ResultConfiguration"]["OutputLocation"],
            output.as_str(),
            "{name} {key:?}"
        );
        assert_eq!(execution["WorkGroup"], name);
    }
    // Results that Athena keeps are not in S3.
    lab.athena.set_workgroup(
        "managed",
        &json!({"ManagedQueryResultsConfiguration": {"Enabled": true}}),
    );
    let id = lab.id("SELECT 1", &asked("managed", None));
    let execution = lab.end(&id).execution;
    assert_eq!(execution["Status"]["State"], "SUCCEEDED");
    assert!(execution["ResultConfiguration"]["OutputLocation"].is_null());
    let (_, answer) = lab.athena.call(
        "AmazonAthena.GetQueryResults",
        &json!({"QueryExecutionId": id}),
    );
    assert_eq!(
        answer["ResultSet"]["Rows"][1]["Data"][0]["VarCharValue"],
        "1"
    );
    assert_invalid(
        lab.start("SELECT 1", &asked("managed", Some("mine/"))),
        "managed query results",
    );
}

#[test]
fn all_calls_are_recorded() {
    let lab = FakeLab::new("athena-fake-record");
    let id = lab.id("SELECT 1", &json!({}));
    lab.poll(&id);
    lab.poll(&id);
    lab.athena.call(
        "AWSGlue.GetTable",
        &json!({"DatabaseName": "d", "Name": "none"}),
    );
    let calls: Vec<_> = lab
        .athena
        .calls()
        .into_iter()
        .map(|call| call.operation)
        .collect();
    let poll = "AmazonAthena.GetQueryExecution";
    assert_eq!(
        calls,
        [
            "AmazonAthena.StartQueryExecution",
            poll,
            poll,
            "AWSGlue.GetTable"
        ]
    );
    assert_eq!(lab.athena.calls()[3].request["Name"], "none");
    assert_eq!(lab.athena.count(poll), 2);
    assert_eq!(lab.athena.statements(), ["SELECT 1"]);
    let environment = lab.athena.access();
    let names: Vec<_> = environment.iter().map(|(name, _)| *name).collect();
    assert!(names.contains(&"AWS_ENDPOINT_URL_ATHENA") && names.contains(&"AWS_ENDPOINT_URL_GLUE"));
}
