//! Faults: each once.

use serde_json::json;

use super::{FakeLab, record};
use crate::support::athena::{Fault, LIMIT_REASON};
use crate::support::athena_tables::cloudtrail_table;

const COUNT: &str = "SELECT count(*) FROM t";

/// A lab with a table `d.t` of one object, and the size of that.
fn lab(bucket: &'static str) -> (FakeLab, u64) {
    let mut lab = FakeLab::new(bucket);
    let size = lab.put_log("logs/a.json.gz", &[record(1, &json!({}))]);
    lab.athena
        .run(&cloudtrail_table("d.t", "", &lab.url("logs/"), &[]));
    (lab, size)
}

#[test]
fn calls_are_throttled_denied_and_broken() {
    let (lab, _) = lab("athena-fake-calls");
    let start = "AmazonAthena.StartQueryExecution";
    let table = json!({"DatabaseName": "d", "Name": "t"});
    let glue = "AWSGlue.GetTable";
    lab.athena.plan(&Fault::Throttle {
        operation: start,
        calls: 2,
    });
    for _ in 0..2 {
        let (status, answer) = lab.start(COUNT, &json!({}));
        assert_eq!(
            (status, &answer["__type"]),
            (400, &json!("TooManyRequestsException"))
        );
    }
    lab.id(COUNT, &json!({}));
    lab.athena.plan(&Fault::Throttle {
        operation: glue,
        calls: 1,
    });
    let kind = |(status, answer): (u16, serde_json::Value)| {
        (status, answer["__type"].as_str().unwrap_or("").to_owned())
    };
    assert_eq!(
        kind(lab.athena.call(glue, &table)),
        (400, "ThrottlingException".to_owned())
    );
    assert_eq!(kind(lab.athena.call(glue, &table)), (200, String::new()));
    lab.athena.plan(&Fault::Break {
        operation: start,
        calls: 1,
    });
    assert_eq!(
        kind(lab.start(COUNT, &json!({}))),
        (500, "InternalServerException".to_owned())
    );
    lab.athena.plan(&Fault::Expire { calls: 2 });
    assert_eq!(
        kind(lab.start(COUNT, &json!({}))),
        (400, "ExpiredTokenException".to_owned())
    );
    assert_eq!(
        kind(lab.athena.call(glue, &table)),
        (400, "ExpiredTokenException".to_owned())
    );
    lab.id(COUNT, &json!({}));
    lab.athena.plan(&Fault::Deny { operation: glue });
    for _ in 0..3 {
        let (status, answer) = lab.athena.call(glue, &table);
        assert_eq!(
            (status, &answer["__type"]),
            (400, &json!("AccessDeniedException"))
        );
        assert!(
            answer["message"]
                .as_str()
                .unwrap()
                .contains("glue:GetTable")
        );
    }
    lab.id(COUNT, &json!({}));
}

#[test]
fn a_query_waits_and_runs_for_some_polls() {
    let (mut lab, size) = lab("athena-fake-polls");
    lab.athena.plan(&Fault::Queued { polls: 2 });
    lab.athena.plan(&Fault::Running { polls: 1 });
    let id = lab.id(COUNT, &json!({}));
    let unfinished = lab.athena.call(
        "AmazonAthena.GetQueryResults",
        &json!({"QueryExecutionId": id}),
    );
    assert_eq!(unfinished.0, 400);
    let first = lab.poll(&id);
    assert!(
        first["Statistics"]["DataScannedInBytes"].is_null(),
        "{first}"
    );
    let states = [(); 3].map(|()| lab.state(&id));
    assert_eq!(states, ["QUEUED", "RUNNING", "SUCCEEDED"]);
    assert_eq!(lab.end(&id).scanned_bytes, size);
}

#[test]
fn a_query_is_stopped() {
    let (mut lab, _) = lab("athena-fake-stop");
    lab.athena.plan(&Fault::Running { polls: 1000 });
    let id = lab.id(COUNT, &json!({}));
    assert_eq!(lab.state(&id), "RUNNING");
    let request = json!({"QueryExecutionId": id});
    assert_eq!(
        lab.athena
            .call("AmazonAthena.StopQueryExecution", &request)
            .0,
        200
    );
    let ended = lab.end(&id);
    assert_eq!((ended.state.as_str(), ended.rows.len()), ("CANCELLED", 0));
    let (status, answer) = lab.athena.call("AmazonAthena.GetQueryResults", &request);
    assert_eq!(
        (status, &answer["__type"]),
        (400, &json!("InvalidRequestException"))
    );
}

#[test]
fn queries_fail_half_way() {
    let (mut lab, size) = lab("athena-fake-fail");
    for retryable in [true, false] {
        lab.athena.plan(&Fault::Fail {
            reason: "GENERIC_INTERNAL_ERROR: a node left",
            retryable,
        });
        let ended = lab.run(COUNT);
        assert_eq!(
            (ended.state.as_str(), ended.reason.as_str()),
            ("FAILED", "GENERIC_INTERNAL_ERROR: a node left")
        );
        let error = &ended.execution["Status"]["AthenaError"];
        assert_eq!(
            (&error["Retryable"], &error["ErrorCategory"]),
            (&json!(retryable), &json!(1))
        );
        assert_eq!(ended.scanned_bytes, size / 2);
    }
    assert_eq!(lab.rows(COUNT), ["\"1\""]);
}

#[test]
fn a_limit_of_bytes_cancels_queries_and_bills_them() {
    let (mut lab, size) = lab("athena-fake-cutoff");
    lab.athena.plan(&Fault::Limit);
    let ended = lab.run(COUNT);
    assert_eq!(
        (
            ended.state.as_str(),
            ended.reason.as_str(),
            ended.scanned_bytes
        ),
        ("CANCELLED", LIMIT_REASON, size)
    );
    for (cutoff, state) in [(size - 1, "CANCELLED"), (size, "SUCCEEDED")] {
        lab.athena
            .set_workgroup("small", &json!({"BytesScannedCutoffPerQuery": cutoff}));
        let id = lab.id(COUNT, &json!({"WorkGroup": "small"}));
        assert_eq!(lab.end(&id).state, state, "{cutoff}");
    }
}

#[test]
fn a_result_is_lost() {
    let (mut lab, _) = lab("athena-fake-lost");
    lab.athena.plan(&Fault::LoseResult);
    let ended = lab.run(COUNT);
    assert_eq!((ended.state.as_str(), ended.rows.len()), ("SUCCEEDED", 0));
    let output = ended.execution["ResultConfiguration"]["OutputLocation"]
        .as_str()
        .unwrap();
    assert_eq!(lab.get(output), None);
    assert_eq!(lab.rows(COUNT), ["\"1\""]);
}

#[test]
fn a_place_of_results_that_is_absent_fails_the_query() {
    let (mut lab, _) = lab("athena-fake-absent");
    let more =
        json!({"ResultConfiguration": {"OutputLocation": "s3://athena-fake-no-such-bucket/r/"}});
    let id = lab.id(COUNT, &more);
    let ended = lab.end(&id);
    assert_eq!(ended.state, "FAILED");
    assert!(
        ended.reason.contains("s3://athena-fake-no-such-bucket/r/"),
        "{}",
        ended.reason
    );
}
