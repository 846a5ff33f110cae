//! Runs one statement: starts it, waits for its end, and stops it when it shall not go on.

use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use tokio::time::{sleep, timeout};

use super::error::QueryError;
use super::scan::QueryScan;
use super::steps::{QueryEvent, QueryStep, QuerySteps};
use crate::aws::{AthenaClient, AwsFailure, FailureKind, QueryId, QueryStart};
use crate::source::interrupt::Interrupt;
use crate::source::progress::ReadProgress;
use trailtab_core::digits;

/// Maximum time of each request after the run was interrupted, or the query was stopped.
const LAST_REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// A statement, and how it is to be run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueryOrder {
    /// The text of the query, at most 262,144 bytes.
    pub statement: String,
    /// The catalog that names without one belong to; the default if absent.
    pub catalog: Option<String>,
    /// The database that names without one belong to.
    pub database: Option<String>,
    /// The workgroup; `primary` if absent.
    pub workgroup: Option<String>,
    /// The folder in S3 for the result; the workgroup's if absent.
    pub output_location: Option<String>,
    /// The greatest age, in minutes, of a result of the same text that may be used again; absent to scan in
    /// any case. Athena allows seven days.
    pub reuse_max_age_minutes: Option<u32>,
    /// A query that has scanned more bytes than this, together with those that it repeats, is stopped.
    pub max_scan_bytes: Option<u64>,
    /// Distinguishes this run from others. Orders that are alike in this and in everything else start one query,
    /// also if it has failed: Athena gives the id of that one.
    pub token_text: String,
}

/// A query whose result is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedQuery {
    /// The id.
    pub id: QueryId,
    /// The address of the result in S3; absent if Athena keeps it (managed query results).
    pub output_location: Option<String>,
    /// The address of the list of files that UNLOAD wrote.
    pub manifest_location: Option<String>,
    /// What it scanned, together with the failed ones that it repeats. For a query of an earlier run, that is
    /// billed already.
    pub scan: QueryScan,
    /// The number of queries that this run started.
    pub queries: u32,
    /// The time that it ran, in milliseconds; absent if Athena did not tell.
    pub engine_ms: Option<u64>,
    /// The time that it waited for capacity, in milliseconds; absent if Athena did not tell.
    pub queue_ms: Option<u64>,
    /// Whether Athena used the result of an earlier query of the same text.
    pub reused: bool,
    /// Whether it was started by an earlier run.
    pub is_resumed: bool,
    /// The workgroup that ran it.
    pub workgroup: Option<String>,
}

/// Runs a statement to its end, or takes up the query of an earlier run of the same statement: one that runs is
/// awaited, and the result of one that succeeded is used. If that one has failed, was cancelled, is not known or is
/// another statement, the statement is run. A query that fails for a reason that may pass is started again. On an
/// interrupt, AWS is asked to stop it. Calls `started` with the id of each query that is started, before its end is
/// awaited.
///
/// # Errors
///
/// Returns why there is no result, and what was scanned.
pub async fn run(
    client: &AthenaClient,
    earlier: Option<QueryId>,
    order: &QueryOrder,
    interrupt: &Interrupt,
    progress: &ReadProgress,
    started: impl AsyncFn(&QueryId),
) -> Result<FinishedQuery, QueryError> {
    let mut steps = QuerySteps::new(&order.statement, order.max_scan_bytes, earlier);
    let mut step = steps.step();
    loop {
        let event = match step {
            QueryStep::Start { replaces, pause } => {
                start(client, order, replaces.as_ref(), pause, interrupt).await
            }
            QueryStep::Look {
                id,
                pause,
                is_stopping: false,
            } => {
                let look = async {
                    sleep(pause).await;
                    client.query_status(&id).await
                };
                let looked = interrupt.or(look).await;
                looked.map_or(QueryEvent::Interrupted, QueryEvent::Looked)
            }
            QueryStep::Look { id, pause, .. } => {
                sleep(pause).await;
                QueryEvent::Looked(soon(client.query_status(&id)).await)
            }
            QueryStep::Stop { id } => QueryEvent::Stopped(soon(client.stop_query(&id)).await),
            QueryStep::Finish(end) => return *end,
        };
        if let QueryEvent::Started(Ok(id)) = &event {
            started(id).await;
        }
        step = steps.after(event);
        for remark in steps.remarks() {
            progress.remark(remark);
        }
    }
}

/// Starts a query. An interrupt does not give up a request that is on its way at once, since the id in its
/// answer is needed to stop the query.
async fn start(
    client: &AthenaClient,
    order: &QueryOrder,
    replaces: Option<&QueryId>,
    pause: Duration,
    interrupt: &Interrupt,
) -> QueryEvent {
    if interrupt.or(sleep(pause)).await.is_none() {
        return QueryEvent::Interrupted;
    }
    let token = token(order, replaces);
    let start = client.start_query(QueryStart {
        statement: &order.statement,
        token: &token,
        catalog: order.catalog.as_deref(),
        database: order.database.as_deref(),
        workgroup: order.workgroup.as_deref(),
        output_location: order.output_location.as_deref(),
        reuse_max_age_minutes: order.reuse_max_age_minutes,
    });
    tokio::pin!(start);
    if let Some(started) = interrupt.or(&mut start).await {
        return QueryEvent::Started(started);
    }
    match timeout(LAST_REQUEST_TIMEOUT, start).await {
        Ok(started) => QueryEvent::Started(started),
        Err(_) => QueryEvent::InterruptedStart,
    }
}

/// Gives a request a short time, its repetitions included.
async fn soon<T>(request: impl Future<Output = Result<T, AwsFailure>>) -> Result<T, AwsFailure> {
    let answer = timeout(LAST_REQUEST_TIMEOUT, request).await;
    answer.unwrap_or_else(|_| {
        let reason = format!(
            "no answer within {} seconds",
            LAST_REQUEST_TIMEOUT.as_secs()
        );
        let kind = FailureKind::Transient;
        Err(AwsFailure::of_program(kind, "RequestTimeout", reason, true))
    })
}

/// The token of a query: SHA-256 of everything that the request says, and of the query without a result that
/// it replaces, in hexadecimal digits. Athena refuses a token that comes with another request.
fn token(order: &QueryOrder, replaces: Option<&QueryId>) -> String {
    let QueryOrder {
        statement,
        catalog,
        database,
        workgroup,
        output_location,
        reuse_max_age_minutes,
        max_scan_bytes: _,
        token_text,
    } = order;
    let minutes = reuse_max_age_minutes.map(|minutes| minutes.to_string());
    let parts = [
        Some(statement.as_str()),
        Some(token_text),
        catalog.as_deref(),
        database.as_deref(),
        workgroup.as_deref(),
        output_location.as_deref(),
        minutes.as_deref(),
        replaces.map(QueryId::as_str),
    ];
    let mut sum = Context::new(&SHA256);
    for part in parts {
        // The length before each part keeps parts apart, and one that is absent from an empty one.
        match part {
            Some(part) => {
                sum.update(&[1]);
                sum.update(&(part.len() as u64).to_be_bytes());
                sum.update(part.as_bytes());
            }
            None => sum.update(&[0]),
        }
    }
    digits::hex(sum.finish().as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_that_of_the_whole_request() {
        let order = QueryOrder {
            statement: "SELECT 1".to_owned(),
            token_text: "run 1".to_owned(),
            ..QueryOrder::default()
        };
        let id: QueryId = "a-1".parse().unwrap();
        let first = token(&order, None);
        assert_eq!(first.len(), 64);
        assert_eq!(first, token(&order.clone(), None));
        let text = |text: &str| Some(text.to_owned());
        let limited = QueryOrder {
            max_scan_bytes: Some(1),
            ..order.clone()
        };
        assert_eq!(first, token(&limited, None), "the request is the same");
        let others = [
            token(&order, Some(&id)),
            token(
                &QueryOrder {
                    statement: "SELECT 2".to_owned(),
                    ..order.clone()
                },
                None,
            ),
            token(
                &QueryOrder {
                    token_text: "run 2".to_owned(),
                    ..order.clone()
                },
                None,
            ),
            token(
                &QueryOrder {
                    catalog: text("a"),
                    ..order.clone()
                },
                None,
            ),
            token(
                &QueryOrder {
                    database: text("a"),
                    ..order.clone()
                },
                None,
            ),
            token(
                &QueryOrder {
                    workgroup: text("a"),
                    ..order.clone()
                },
                None,
            ),
            token(
                &QueryOrder {
                    workgroup: text(""),
                    ..order.clone()
                },
                None,
            ),
            token(
                &QueryOrder {
                    output_location: text("a"),
                    ..order.clone()
                },
                None,
            ),
            token(
                &QueryOrder {
                    reuse_max_age_minutes: Some(1),
                    ..order.clone()
                },
                None,
            ),
            first,
        ];
        let distinct: std::collections::BTreeSet<&String> = others.iter().collect();
        assert_eq!(distinct.len(), others.len());
    }
}
