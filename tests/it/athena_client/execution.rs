//! The run of one statement.

use trailtab_app::aws::{QueryId, QueryState};
use trailtab_app::source::athena::{QueryEnd, QueryError};
use trailtab_app::source::interrupt::{self, Interrupt};

use super::{QueryLab, STATEMENT};
use crate::support::athena::{Fault, LIMIT_REASON};

#[test]
fn a_statement_is_run_to_its_result() {
    let lab = QueryLab::new("athena-client-run");
    lab.athena.plan(&Fault::Queued { polls: 1 });
    lab.athena.plan(&Fault::Running { polls: 1 });
    let finished = lab.run(&lab.order(STATEMENT)).unwrap();
    let location = lab.url(&format!("results/{}.csv", finished.id));
    assert_eq!(finished.output_location, Some(location));
    assert_eq!(finished.scan.bytes, lab.stored_bytes);
    assert_eq!(finished.scan.unreported_queries, 0);
    assert!(finished.engine_ms.is_some() && finished.queue_ms.is_some());
    assert_eq!((finished.queries, finished.reused), (1, false));
    assert_eq!(finished.workgroup.as_deref(), Some("primary"));
    let remarks = lab.progress.remarks();
    let said = ["started the query", "waits for capacity", "runs"];
    assert_eq!(remarks.len(), said.len(), "{remarks:?}");
    for (remark, words) in remarks.iter().zip(said) {
        assert!(remark.contains(words), "{remarks:?}");
    }
    let requests = lab.athena.calls();
    assert_eq!(requests[0].request["QueryString"], STATEMENT);
    assert_eq!(
        requests[0].request["QueryExecutionContext"]["Database"],
        "d"
    );
    // Providers may assume a role each time.
    let asked = lab.credentials.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(asked, 1);
}

#[test]
fn the_same_order_is_one_query() {
    let lab = QueryLab::new("athena-client-token");
    let order = lab.order(STATEMENT);
    let first = lab.run(&order).unwrap();
    let again = lab.run(&order).unwrap();
    assert_eq!(first.id, again.id);
    let mut other = order;
    other.token_text += " again";
    other.reuse_max_age_minutes = Some(60);
    let other = lab.run(&other).unwrap();
    assert_ne!(first.id, other.id);
}

#[test]
fn a_result_of_the_same_text_is_used_again() {
    let lab = QueryLab::new("athena-client-reuse");
    let mut order = lab.order(STATEMENT);
    lab.run(&order).unwrap();
    order.token_text += " again";
    order.reuse_max_age_minutes = Some(60);
    let again = lab.run(&order).unwrap();
    assert_eq!((again.reused, again.scan.bytes), (true, 0));
    assert_eq!(again.scan.unreported_queries, 0);
}

#[test]
fn an_interrupt_stops_the_query() {
    let lab = QueryLab::new("athena-client-interrupt");
    lab.athena.plan(&Fault::Running { polls: 1_000_000 });
    let (requester, interrupt) = interrupt::channel();
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| {
            while lab.count("GetQueryExecution") < 2 {
                std::thread::yield_now();
            }
            requester.request();
        });
        lab.run_until(&lab.order(STATEMENT), &interrupt)
    });
    let error = ended.unwrap_err();
    let QueryError::Interrupted { id, end, scan } = &error else {
        panic!("{error}");
    };
    assert_eq!(*end, QueryEnd::Ended(QueryState::Cancelled));
    assert_eq!(scan.unreported_queries, 0);
    let stops = lab.athena.calls();
    let stops = stops
        .iter()
        .filter(|call| call.operation == "AmazonAthena.StopQueryExecution");
    let stopped: Vec<_> = stops
        .map(|call| &call.request["QueryExecutionId"])
        .collect();
    assert_eq!(stopped, [id.as_str()]);
}

#[test]
fn a_run_that_is_interrupted_at_once_starts_nothing() {
    let lab = QueryLab::new("athena-client-no-start");
    let (requester, interrupt) = interrupt::channel();
    requester.request();
    let error = lab
        .run_until(&lab.order(STATEMENT), &interrupt)
        .unwrap_err();
    assert!(
        matches!(error, QueryError::InterruptedBefore { .. }),
        "{error}"
    );
    assert_eq!(lab.count("StartQueryExecution"), 0);
}

#[test]
fn a_failure_that_may_pass_is_repeated_and_added_up() {
    let lab = QueryLab::new("athena-client-repeat");
    lab.athena.plan(&Fault::Fail {
        reason: "INTERNAL_ERROR: lost a worker",
        retryable: true,
    });
    let finished = lab.run(&lab.order(STATEMENT)).unwrap();
    assert_eq!(finished.queries, 2);
    // The failed one came half way.
    let expected = lab.stored_bytes + lab.stored_bytes / 2;
    assert_eq!(finished.scan.bytes, expected);
    let remarks = lab.progress.remarks();
    let words = "INTERNAL_ERROR: lost a worker";
    assert!(
        remarks.iter().any(|text| text.contains(words)),
        "{remarks:?}"
    );
}

#[test]
fn a_statement_that_athena_cannot_run_fails_with_its_reason() {
    let lab = QueryLab::new("athena-client-fail");
    let error = lab.run(&lab.order("SELECT nothing FROM t")).unwrap_err();
    assert!(
        matches!(error, QueryError::Failed { queries: 1, .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("COLUMN_NOT_FOUND"), "{error}");
    assert_eq!(lab.count("StartQueryExecution"), 1);
}

#[test]
fn a_limit_of_the_workgroup_is_told_with_its_price() {
    let lab = QueryLab::new("athena-client-limit");
    lab.athena.plan(&Fault::Limit);
    let error = lab.run(&lab.order(STATEMENT)).unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, QueryError::Cancelled { .. }), "{said}");
    assert_eq!(error.scan().bytes, lab.stored_bytes);
    for words in [
        LIMIT_REASON,
        "AWS bills cancelled queries",
        "another workgroup",
    ] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_denied_request_names_the_action() {
    let lab = QueryLab::new("athena-client-denied");
    let operation = "AmazonAthena.GetQueryExecution";
    lab.athena.plan(&Fault::Deny { operation });
    lab.athena.plan(&Fault::Running { polls: 1_000_000 });
    let error = lab.run(&lab.order(STATEMENT)).unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, QueryError::Unwatched { .. }), "{said}");
    assert!(said.contains("athena:GetQueryExecution"), "{said}");
    // A query that cannot be watched is not left running.
    assert_eq!(lab.count("StopQueryExecution"), 1);
    let operation = "AmazonAthena.StartQueryExecution";
    lab.athena.plan(&Fault::Deny { operation });
    let error = lab.run(&lab.order("SELECT 1")).unwrap_err();
    assert!(
        error.to_string().contains("athena:StartQueryExecution"),
        "{error}"
    );
}

#[test]
fn a_query_of_an_earlier_run_is_taken_up_or_replaced() {
    let lab = QueryLab::new("athena-client-resume");
    let order = lab.order(STATEMENT);
    let first = lab.run(&order).unwrap();
    let resume = |id: QueryId| {
        let never = Interrupt::never();
        lab.take_up(Some(id), &order, &never).unwrap()
    };
    let again = resume(first.id.clone());
    assert_eq!((&again.id, again.is_resumed), (&first.id, true));
    assert_eq!(lab.count("StartQueryExecution"), 1);
    let unknown = "8b2a4c1e-5f60-4d7a-9c3b-2e1f0a9d8c7b".parse().unwrap();
    let anew = resume(unknown);
    assert!(anew.id != first.id && !anew.is_resumed);
    assert_eq!(lab.count("StartQueryExecution"), 2);
    let failed = lab.run(&lab.order("SELECT nothing FROM t")).unwrap_err();
    let anew = resume(failed.id().unwrap().clone());
    assert!(anew.id != first.id && !anew.is_resumed);
}
