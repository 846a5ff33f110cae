//! Every path of a statement, as a sequence of answers.

use super::*;
use crate::aws::AthenaQueryError;

const STATEMENT: &str = "SELECT 1";

fn id(text: &str) -> QueryId {
    text.parse().unwrap()
}

fn status(id_text: &str, state: QueryState, bytes: Option<u64>) -> QueryStatus {
    QueryStatus {
        id: id(id_text),
        statement: Some(format!(" {STATEMENT}\n")),
        state,
        reason: None,
        error: None,
        output_location: Some(format!("s3://b/{id_text}.csv")),
        manifest_location: None,
        scanned_bytes: bytes,
        engine_ms: Some(12),
        queue_ms: None,
        reused: None,
        workgroup: None,
    }
}

fn with_reason(status: QueryStatus, reason: &str) -> QueryStatus {
    QueryStatus {
        reason: Some(reason.to_owned()),
        ..status
    }
}

fn failure(kind: FailureKind, code: &str) -> AwsFailure {
    AwsFailure {
        kind,
        code: code.to_owned(),
        has_code: true,
        ..AwsFailure::of_answer(code)
    }
}

fn looked(status: QueryStatus) -> QueryEvent {
    QueryEvent::Looked(Ok(status))
}

fn started(text: &str) -> QueryEvent {
    QueryEvent::Started(Ok(id(text)))
}

fn new(max_scan_bytes: Option<u64>) -> QuerySteps<'static> {
    QuerySteps::new(STATEMENT, max_scan_bytes, None)
}

fn resuming() -> QuerySteps<'static> {
    QuerySteps::new(STATEMENT, None, Some(id("old")))
}

/// A statement whose first query runs.
fn running(max_scan_bytes: Option<u64>, bytes: Option<u64>) -> QuerySteps<'static> {
    let mut steps = new(max_scan_bytes);
    steps.after(started("q1"));
    steps.after(looked(status("q1", QueryState::Running, bytes)));
    steps
}

fn result(step: QueryStep) -> Result<FinishedQuery, QueryError> {
    match step {
        QueryStep::Finish(end) => *end,
        other => panic!("not the end: {other:?}"),
    }
}

fn scan(bytes: u64, unreported_queries: u32) -> QueryScan {
    QueryScan {
        bytes,
        unreported_queries,
    }
}

#[test]
fn a_query_is_awaited_with_growing_pauses() {
    let mut steps = new(None);
    let first = QueryStep::Start {
        replaces: None,
        pause: Duration::ZERO,
    };
    assert_eq!(steps.step(), first);
    let mut step = steps.after(started("q1"));
    let mut pauses = Vec::new();
    for n in 0..20 {
        let QueryStep::Look { pause, .. } = step else {
            panic!("{step:?}");
        };
        pauses.push(pause);
        let state = match n {
            0..3 => QueryState::Queued,
            _ => QueryState::Running,
        };
        step = steps.after(looked(status("q1", state, None)));
    }
    assert_eq!((pauses[0], pauses[19]), (FIRST_PAUSE, LONGEST_PAUSE));
    assert!(pauses.is_sorted());
    let end = steps.after(looked(status("q1", QueryState::Succeeded, Some(7))));
    let finished = result(end).unwrap();
    assert_eq!((finished.scan, finished.queries), (scan(7, 0), 1));
    assert_eq!(finished.output_location.as_deref(), Some("s3://b/q1.csv"));
    assert_eq!((finished.engine_ms, finished.queue_ms), (Some(12), None));
    let said = [
        "Athena started the query q1",
        "the query q1 of Athena waits for capacity",
        "the query q1 of Athena runs",
    ];
    assert_eq!(steps.remarks(), said);
}

#[test]
fn scanned_bytes_are_told_when_they_have_doubled() {
    let mut steps = running(None, Some(9_999_999));
    steps.remarks();
    let mut told = Vec::new();
    for bytes in [10_000_000, 19_000_000, 20_000_000, 39_000_000, 90_000_000] {
        steps.after(looked(status("q1", QueryState::Running, Some(bytes))));
        told.push(steps.remarks().len());
    }
    assert_eq!(told, [1, 0, 1, 0, 1]);
}

#[test]
fn bytes_that_athena_does_not_tell_are_not_zero() {
    let mut steps = running(None, None);
    let end = steps.after(looked(status("q1", QueryState::Succeeded, None)));
    assert_eq!(result(end).unwrap().scan, scan(0, 1));
    let mut steps = running(None, None);
    let reused = QueryStatus {
        reused: Some(true),
        ..status("q1", QueryState::Succeeded, None)
    };
    let finished = result(steps.after(looked(reused))).unwrap();
    assert_eq!((finished.scan, finished.reused), (scan(0, 0), true));
}

#[test]
fn a_query_that_is_not_started_says_what_to_allow() {
    let mut steps = new(None);
    let denied = failure(FailureKind::Denied, "AccessDeniedException");
    let error = result(steps.after(QueryEvent::Started(Err(denied)))).unwrap_err();
    let said = error.to_string();
    for word in [
        "athena:StartQueryExecution",
        "glue:GetPartitions",
        "s3:PutObject",
    ] {
        assert!(said.contains(word), "{said}");
    }
    assert_eq!((error.id(), error.scan()), (None, scan(0, 0)));
}

#[test]
fn a_failure_that_may_pass_is_repeated_twice() {
    let mut steps = new(None);
    let mut step = steps.step();
    for (n, name) in ["q1", "q2", "q3"].into_iter().enumerate() {
        let QueryStep::Start { replaces, .. } = step else {
            panic!("{step:?}");
        };
        // Each has a token of its own.
        let before = [None, Some(id("q1")), Some(id("q2"))];
        assert_eq!(replaces, before[n]);
        steps.after(started(name));
        let failed = with_reason(
            status(name, QueryState::Failed, Some(5)),
            "INTERNAL_ERROR: try again",
        );
        step = steps.after(looked(failed));
    }
    let error = result(step).unwrap_err();
    assert_eq!(error.scan(), scan(15, 0));
    let said = error.to_string();
    assert!(
        said.contains("the query q3 of Athena failed (the last of 3 attempts): INTERNAL_ERROR"),
        "{said}"
    );
    let told = steps.remarks();
    let told: Vec<&String> = told
        .iter()
        .filter(|text| text.contains("AWS bills"))
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn a_repeated_query_counts_what_the_failed_one_scanned() {
    let mut steps = running(Some(10), Some(4));
    let retryable = QueryStatus {
        error: Some(AthenaQueryError {
            retryable: Some(true),
            message: Some("m".to_owned()),
        }),
        ..status("q1", QueryState::Failed, Some(6))
    };
    let step = steps.after(looked(retryable));
    assert!(matches!(step, QueryStep::Start { .. }), "{step:?}");
    steps.after(started("q2"));
    // 6 and 5 are more than 10.
    let step = steps.after(looked(status("q2", QueryState::Running, Some(5))));
    assert_eq!(step, QueryStep::Stop { id: id("q2") });
}

#[test]
fn other_failures_are_not_repeated() {
    for (reason, retryable, words) in [
        ("SYNTAX_ERROR: line 1:1", Some(false), "SYNTAX_ERROR"),
        (
            "GENERIC_INTERNAL_ERROR: null",
            None,
            "GENERIC_INTERNAL_ERROR",
        ),
        ("PERMISSION_DENIED: Access denied", None, "glue:GetTable"),
        (
            "Query exhausted resources at this scale factor",
            None,
            "a shorter time",
        ),
    ] {
        let mut steps = running(None, None);
        let failed = QueryStatus {
            error: Some(AthenaQueryError {
                retryable,
                message: None,
            }),
            ..with_reason(status("q1", QueryState::Failed, Some(5)), reason)
        };
        let error = result(steps.after(looked(failed))).unwrap_err();
        assert!(matches!(error, QueryError::Failed { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
    // One that has scanned too much is not repeated either.
    let mut steps = running(Some(10), None);
    let failed = with_reason(status("q1", QueryState::Failed, Some(11)), "INTERNAL_ERROR");
    assert!(result(steps.after(looked(failed))).is_err());
}

#[test]
fn a_query_that_the_workgroup_cancels_is_billed() {
    let mut steps = running(None, None);
    let reason = "Query cancelled! : Bytes scanned limit was exceeded";
    let cancelled = with_reason(
        status("q1", QueryState::Cancelled, Some(12_000_000)),
        reason,
    );
    let error = result(steps.after(looked(cancelled))).unwrap_err();
    let said = error.to_string();
    for words in [
        reason,
        "12 MB",
        "bills cancelled queries",
        "use another workgroup",
    ] {
        assert!(said.contains(words), "{said}");
    }
    let mut steps = running(None, None);
    let error = result(steps.after(looked(status("q1", QueryState::Cancelled, None)))).unwrap_err();
    assert!(error.to_string().contains("AWS gives no reason"), "{error}");
    assert_eq!(error.scan(), scan(0, 1));
}

#[test]
fn a_query_that_scans_too_much_is_stopped() {
    let mut steps = running(Some(10), Some(10));
    let step = steps.after(looked(status("q1", QueryState::Running, Some(11))));
    assert_eq!(step, QueryStep::Stop { id: id("q1") });
    let step = steps.after(QueryEvent::Stopped(Ok(())));
    assert!(
        matches!(
            step,
            QueryStep::Look {
                is_stopping: true,
                ..
            }
        ),
        "{step:?}"
    );
    steps.after(looked(status("q1", QueryState::Running, Some(12))));
    let end = steps.after(looked(status("q1", QueryState::Cancelled, Some(13))));
    let error = result(end).unwrap_err();
    assert_eq!(
        error,
        QueryError::ScanLimit {
            id: id("q1"),
            limit_bytes: 10,
            end: QueryEnd::Ended(QueryState::Cancelled),
            scan: scan(13, 0),
        }
    );
}

#[test]
fn a_result_that_is_complete_before_the_stop_is_used() {
    let mut steps = running(Some(10), None);
    steps.after(looked(status("q1", QueryState::Running, Some(11))));
    steps.after(QueryEvent::Stopped(Ok(())));
    let end = steps.after(looked(status("q1", QueryState::Succeeded, Some(11))));
    assert_eq!(result(end).unwrap().scan, scan(11, 0));
}

#[test]
fn an_interrupt_stops_the_query_and_tells_what_it_scanned() {
    let mut steps = running(None, Some(3));
    let step = steps.after(QueryEvent::Interrupted);
    assert_eq!(step, QueryStep::Stop { id: id("q1") });
    steps.after(QueryEvent::Stopped(Ok(())));
    let end = steps.after(looked(status("q1", QueryState::Cancelled, Some(4_000_000))));
    let error = result(end).unwrap_err();
    assert!(error.is_interrupt());
    assert_eq!(
        error.to_string(),
        "interrupted while the query q1 of Athena ran; it was stopped; it scanned 4.0 MB, which AWS bills"
    );
}

#[test]
fn a_query_that_does_not_end_is_not_awaited_forever() {
    let mut steps = running(None, Some(3));
    steps.after(QueryEvent::Interrupted);
    let mut step = steps.after(QueryEvent::Stopped(Ok(())));
    let mut looks = 0;
    while matches!(step, QueryStep::Look { .. }) {
        looks += 1;
        step = steps.after(looked(status("q1", QueryState::Running, Some(8))));
    }
    assert_eq!(looks, MAX_STOP_LOOKS);
    let error = result(step).unwrap_err();
    assert_eq!(error.scan(), scan(8, 1));
    assert!(
        error.to_string().contains("its end was not seen"),
        "{error}"
    );
}

#[test]
fn a_query_that_cannot_be_stopped_is_named() {
    let mut steps = running(None, Some(3));
    steps.after(QueryEvent::Interrupted);
    let denied = failure(FailureKind::Denied, "AccessDeniedException");
    steps.after(QueryEvent::Stopped(Err(denied)));
    let end = steps.after(looked(status("q1", QueryState::Running, Some(4))));
    let error = result(end).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("could not be stopped and continues (AccessDenied"),
        "{error}"
    );
    assert_eq!(error.scan(), scan(4, 1));
}

#[test]
fn interrupts_before_a_query_has_an_id() {
    let mut steps = new(None);
    let error = result(steps.after(QueryEvent::Interrupted)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "interrupted before a query of Athena ran"
    );
    let mut steps = new(None);
    let error = result(steps.after(QueryEvent::InterruptedStart)).unwrap_err();
    assert!(error.to_string().contains("it may run"), "{error}");
}

#[test]
fn looks_that_fail_for_a_while_do_not_end_the_query() {
    let lost = || QueryEvent::Looked(Err(failure(FailureKind::Transient, "ConnectionError")));
    let mut steps = running(None, None);
    for _ in 0..3 {
        for _ in 0..MAX_LOST_LOOKS - 1 {
            let step = steps.after(lost());
            assert!(matches!(step, QueryStep::Look { .. }), "{step:?}");
        }
        steps.after(looked(status("q1", QueryState::Running, None)));
    }
    for _ in 0..MAX_LOST_LOOKS - 1 {
        steps.after(lost());
    }
    // A query without a watching run shall not be billed unseen.
    let step = steps.after(lost());
    assert_eq!(step, QueryStep::Stop { id: id("q1") });
    let unanswered = failure(FailureKind::Transient, "RequestTimeout");
    steps.after(QueryEvent::Stopped(Err(unanswered)));
    let error = result(steps.after(lost())).unwrap_err();
    assert!(matches!(error, QueryError::Unwatched { .. }), "{error:?}");
    assert_eq!(error.scan(), scan(0, 1));
}

#[test]
fn a_query_that_may_not_be_looked_at_is_stopped() {
    let mut steps = new(None);
    steps.after(started("q1"));
    let denied = || failure(FailureKind::Denied, "AccessDeniedException");
    let step = steps.after(QueryEvent::Looked(Err(denied())));
    assert_eq!(step, QueryStep::Stop { id: id("q1") });
    let mut step = steps.after(QueryEvent::Stopped(Ok(())));
    while matches!(step, QueryStep::Look { .. }) {
        step = steps.after(QueryEvent::Looked(Err(denied())));
    }
    let error = result(step).unwrap_err();
    assert!(
        error.to_string().contains("allow athena:GetQueryExecution"),
        "{error}"
    );
}

#[test]
fn a_query_of_an_earlier_run_is_taken_up() {
    let mut steps = resuming();
    let look = QueryStep::Look {
        id: id("old"),
        pause: Duration::ZERO,
        is_stopping: false,
    };
    assert_eq!(steps.step(), look);
    let step = steps.after(looked(status("old", QueryState::Running, Some(1))));
    assert!(matches!(step, QueryStep::Look { .. }), "{step:?}");
    let end = steps.after(looked(status("old", QueryState::Succeeded, Some(2))));
    let finished = result(end).unwrap();
    assert_eq!((finished.queries, finished.is_resumed), (0, true));
    let mut steps = resuming();
    let end = steps.after(looked(status("old", QueryState::Succeeded, Some(2))));
    assert!(result(end).unwrap().is_resumed);
    // An interrupt stops it as well.
    let step = resuming().after(QueryEvent::Interrupted);
    assert_eq!(step, QueryStep::Stop { id: id("old") });
}

#[test]
fn a_query_of_an_earlier_run_without_a_result_is_replaced() {
    let unknown = failure(FailureKind::Refused, "InvalidRequestException");
    let other = QueryStatus {
        statement: Some("SELECT 2".to_owned()),
        ..status("old", QueryState::Succeeded, Some(2))
    };
    for event in [
        looked(status("old", QueryState::Failed, Some(2))),
        looked(status("old", QueryState::Cancelled, Some(2))),
        looked(other),
        QueryEvent::Looked(Err(unknown)),
    ] {
        let mut steps = resuming();
        let step = steps.after(event);
        let start = QueryStep::Start {
            replaces: Some(id("old")),
            pause: Duration::ZERO,
        };
        assert_eq!(step, start);
        assert!(steps.remarks()[0].contains("started again"));
        steps.after(started("q1"));
        let end = steps.after(looked(status("q1", QueryState::Succeeded, Some(5))));
        let finished = result(end).unwrap();
        assert_eq!((finished.scan, finished.is_resumed), (scan(5, 0), false));
    }
}

#[test]
fn a_query_of_an_earlier_run_that_cannot_be_seen_is_not_started_again() {
    let denied = failure(FailureKind::Denied, "AccessDeniedException");
    let mut steps = resuming();
    let error = result(steps.after(QueryEvent::Looked(Err(denied)))).unwrap_err();
    assert!(
        error.to_string().contains("AWS was not asked to stop it"),
        "{error}"
    );
    assert_eq!(error.scan(), scan(0, 1));
}

#[test]
fn what_cannot_follow_changes_nothing() {
    let mut steps = running(None, None);
    let step = steps.step();
    assert_eq!(steps.after(started("other")), step);
    assert_eq!(steps.after(QueryEvent::Stopped(Ok(()))), step);
}
