//! Faults: each once.

use serde_json::json;

use super::{Lake, record};
use crate::support::athena::{Fault, LIMIT_REASON};
use crate::support::athena_tables::cloudtrail_table;

const COUNT: &str = "SELECT count(*) FROM t";

/// A lake with a table `d.t` of one object, and the size of that.
fn lake(bucket: &'static str) -> (Lake, u64) {
    let mut lake = Lake::new(bucket);
    let size = lake.put_log("logs/a.json.gz", &[record(1, &json!({}))]);
    lake.athena
        .run(&cloudtrail_table("d.t", "", &lake.url("logs/"), &[]));
    (lake, size)
}

#[test]
fn calls_are_throttled_denied_and_broken() {
    let (lake, _) = lake("athena-fake-calls");
    let start = "AmazonAthena.StartQueryExecution";
    let table = json!({"DatabaseName": "d", "Name": "t"});
    let glue = "AWSGlue.GetTable";
    lake.athena.plan(&Fault::Throttle {
        operation: start,
        calls: 2,
    });
    for _ in 0..2 {
        let (status, answer) = lake.start(COUNT, &json!({}));
        assert_eq!(
            (status, &answer["__type"]),
            (400, &json!("TooManyRequestsException"))
        );
    }
    lake.id(COUNT, &json!({}));
    lake.athena.plan(&Fault::Throttle {
        operation: glue,
        calls: 1,
    });
    let kind = |(status, answer): (u16, serde_json::Value)| {
        (status, answer["__type"].as_str().unwrap_or("").to_owned())
    };
    assert_eq!(
        kind(lake.athena.call(glue, &table)),
        (400, "ThrottlingException".to_owned())
    );
    assert_eq!(kind(lake.athena.call(glue, &table)), (200, String::new()));
    lake.athena.plan(&Fault::Break {
        operation: start,
        calls: 1,
    });
    assert_eq!(
        kind(lake.start(COUNT, &json!({}))),
        (500, "InternalServerException".to_owned())
    );
    lake.athena.plan(&Fault::Expire { calls: 2 });
    assert_eq!(
        kind(lake.start(COUNT, &json!({}))),
        (400, "ExpiredTokenException".to_owned())
    );
    assert_eq!(
        kind(lake.athena.call(glue, &table)),
        (400, "ExpiredTokenException".to_owned())
    );
    lake.id(COUNT, &json!({}));
    lake.athena.plan(&Fault::Deny { operation: glue });
    for _ in 0..3 {
        let (status, answer) = lake.athena.call(glue, &table);
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
    lake.id(COUNT, &json!({}));
}

#[test]
fn a_query_waits_and_runs_for_some_polls() {
    let (mut lake, size) = lake("athena-fake-polls");
    lake.athena.plan(&Fault::Queued { polls: 2 });
    lake.athena.plan(&Fault::Running { polls: 1 });
    let id = lake.id(COUNT, &json!({}));
    let unfinished = lake.athena.call(
        "AmazonAthena.GetQueryResults",
        &json!({"QueryExecutionId": id}),
    );
    assert_eq!(unfinished.0, 400);
    let first = lake.poll(&id);
    assert!(
        first["Statistics"]["DataScannedInBytes"].is_null(),
        "{first}"
    );
    let states = [(); 3].map(|()| lake.state(&id));
    assert_eq!(states, ["QUEUED", "RUNNING", "SUCCEEDED"]);
    assert_eq!(lake.end(&id).scanned_bytes, size);
}

#[test]
fn a_query_is_stopped() {
    let (mut lake, _) = lake("athena-fake-stop");
    lake.athena.plan(&Fault::Running { polls: 1000 });
    let id = lake.id(COUNT, &json!({}));
    assert_eq!(lake.state(&id), "RUNNING");
    let request = json!({"QueryExecutionId": id});
    assert_eq!(
        lake.athena
            .call("AmazonAthena.StopQueryExecution", &request)
            .0,
        200
    );
    let ended = lake.end(&id);
    assert_eq!((ended.state.as_str(), ended.rows.len()), ("CANCELLED", 0));
    let (status, answer) = lake.athena.call("AmazonAthena.GetQueryResults", &request);
    assert_eq!(
        (status, &answer["__type"]),
        (400, &json!("InvalidRequestException"))
    );
}

#[test]
fn queries_fail_half_way() {
    let (mut lake, size) = lake("athena-fake-fail");
    for retryable in [true, false] {
        lake.athena.plan(&Fault::Fail {
            reason: "GENERIC_INTERNAL_ERROR: a node left",
            retryable,
        });
        let ended = lake.run(COUNT);
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
    assert_eq!(lake.rows(COUNT), ["\"1\""]);
}

#[test]
fn a_limit_of_bytes_cancels_queries_and_bills_them() {
    let (mut lake, size) = lake("athena-fake-cutoff");
    lake.athena.plan(&Fault::Limit);
    let ended = lake.run(COUNT);
    assert_eq!(
        (
            ended.state.as_str(),
            ended.reason.as_str(),
            ended.scanned_bytes
        ),
        ("CANCELLED", LIMIT_REASON, size)
    );
    for (cutoff, state) in [(size - 1, "CANCELLED"), (size, "SUCCEEDED")] {
        lake.athena
            .set_workgroup("small", &json!({"BytesScannedCutoffPerQuery": cutoff}));
        let id = lake.id(COUNT, &json!({"WorkGroup": "small"}));
        assert_eq!(lake.end(&id).state, state, "{cutoff}");
    }
}

#[test]
fn a_result_is_lost() {
    let (mut lake, _) = lake("athena-fake-lost");
    lake.athena.plan(&Fault::LoseResult);
    let ended = lake.run(COUNT);
    assert_eq!((ended.state.as_str(), ended.rows.len()), ("SUCCEEDED", 0));
    let output = ended.execution["ResultConfiguration"]["OutputLocation"]
        .as_str()
        .unwrap();
    assert_eq!(lake.get(output), None);
    assert_eq!(lake.rows(COUNT), ["\"1\""]);
}

#[test]
fn a_place_of_results_that_is_absent_fails_the_query() {
    let (mut lake, _) = lake("athena-fake-absent");
    let more =
        json!({"ResultConfiguration": {"OutputLocation": "s3://athena-fake-no-such-bucket/r/"}});
    let id = lake.id(COUNT, &more);
    let ended = lake.end(&id);
    assert_eq!(ended.state, "FAILED");
    assert!(
        ended.reason.contains("s3://athena-fake-no-such-bucket/r/"),
        "{}",
        ended.reason
    );
}
