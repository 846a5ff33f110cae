//! Why a statement has no result, what it cost, and what to do.

use std::fmt;

use super::scan::QueryScan;
use crate::aws::{AwsFailure, FailureKind, QueryId, QueryState};

/// What the caller needs for a query over a table of Glue whose files and results are in S3.
const ACTIONS: &str = "athena:StartQueryExecution, athena:GetQueryExecution, athena:StopQueryExecution and athena:GetWorkGroup; \
     glue:GetTable, glue:GetDatabase and glue:GetPartitions; s3:GetBucketLocation, s3:ListBucket and s3:GetObject on the table's bucket; \
     and these with s3:PutObject on the bucket of the results";

/// How a query ended that the program asked AWS to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryEnd {
    /// It ended in this state.
    Ended(QueryState),
    /// AWS did not stop it, for this reason. It continues.
    GoesOn(String),
    /// AWS was asked to stop it, and its end was not seen, for this reason.
    Unseen(String),
    /// AWS was not asked to stop it: it is the query of an earlier run.
    NotAsked,
}

impl fmt::Display for QueryEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueryEnd::Ended(QueryState::Cancelled) => f.write_str("it was stopped"),
            QueryEnd::Ended(QueryState::Failed) => f.write_str("it failed before it was stopped"),
            QueryEnd::Ended(_) => f.write_str("it ended before it was stopped"),
            QueryEnd::NotAsked => f.write_str("AWS was not asked to stop it"),
            QueryEnd::GoesOn(reason) => write!(
                f,
                "it could not be stopped and continues ({reason}): stop it in the console of Athena"
            ),
            QueryEnd::Unseen(reason) => write!(
                f,
                "AWS was asked to stop it, and its end was not seen ({reason}): look at it in the console of Athena"
            ),
        }
    }
}

/// Why a statement has no result. Each error has the bytes that its queries scanned, which AWS bills.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Athena did not start it.
    #[error(
        "cannot start a query in Athena: {failure}{}{}",
        to_allow(failure, "athena:StartQueryExecution"),
        earlier(scan)
    )]
    Start {
        /// AWS's refusal.
        failure: Box<AwsFailure>,
        /// What earlier attempts scanned.
        scan: QueryScan,
    },
    /// Its state could not be asked for any longer.
    #[error(
        "cannot ask for the state of the query {id} of Athena: {failure}{}; {end}; so far it scanned {scan}, which AWS bills",
        to_allow(failure, "athena:GetQueryExecution")
    )]
    Unwatched {
        /// The query.
        id: QueryId,
        /// Why its state is not known.
        failure: Box<AwsFailure>,
        /// What became of it.
        end: QueryEnd,
        /// What all attempts scanned.
        scan: QueryScan,
    },
    /// It failed.
    #[error(
        "the query {id} of Athena failed{}: {reason}; it scanned {scan}, which AWS bills{}",
        tries(*queries),
        advice(reason)
    )]
    Failed {
        /// The last query.
        id: QueryId,
        /// The reason that AWS gives.
        reason: String,
        /// The number of queries that were started.
        queries: u32,
        /// What all of them scanned.
        scan: QueryScan,
    },
    /// A caller or a limit of the workgroup cancelled it.
    #[error(
        "the query {id} of Athena was cancelled: {reason}; it scanned {scan}, and AWS bills cancelled queries for what they scanned{}",
        advice(reason)
    )]
    Cancelled {
        /// The query.
        id: QueryId,
        /// The reason that AWS gives.
        reason: String,
        /// What all attempts scanned.
        scan: QueryScan,
    },
    /// It scanned more than the caller allows.
    #[error(
        "the query {id} of Athena scanned {scan}, which AWS bills and which is more than the {} that are allowed; {end}; ask for a shorter time, fewer accounts or fewer regions, or allow more",
        trailtab_render::progress::bytes(*limit_bytes)
    )]
    ScanLimit {
        /// The query.
        id: QueryId,
        /// The bytes that the caller allows.
        limit_bytes: u64,
        /// What became of it.
        end: QueryEnd,
        /// What all attempts scanned.
        scan: QueryScan,
    },
    /// The run was interrupted.
    #[error(
        "interrupted while the query {id} of Athena ran; {end}; it scanned {scan}, which AWS bills"
    )]
    Interrupted {
        /// The query.
        id: QueryId,
        /// What became of it.
        end: QueryEnd,
        /// What all attempts scanned.
        scan: QueryScan,
    },
    /// The run was interrupted when no query ran.
    #[error("interrupted before a query of Athena ran{}", earlier(scan))]
    InterruptedBefore {
        /// What earlier attempts scanned.
        scan: QueryScan,
    },
    /// The run was interrupted while the request to start a query had no answer.
    #[error(
        "interrupted while a query of Athena was being started: it may run, and AWS bills what it scans (look at the recent queries in the console of Athena){}",
        earlier(scan)
    )]
    InterruptedStart {
        /// What earlier attempts scanned.
        scan: QueryScan,
    },
}

impl QueryError {
    /// The query that the error is about, if it has an id.
    pub fn id(&self) -> Option<&QueryId> {
        match self {
            QueryError::Unwatched { id, .. }
            | QueryError::Failed { id, .. }
            | QueryError::Cancelled { id, .. }
            | QueryError::ScanLimit { id, .. }
            | QueryError::Interrupted { id, .. } => Some(id),
            QueryError::Start { .. }
            | QueryError::InterruptedBefore { .. }
            | QueryError::InterruptedStart { .. } => None,
        }
    }

    /// What all queries of the statement scanned.
    pub fn scan(&self) -> QueryScan {
        match self {
            QueryError::Start { scan, .. }
            | QueryError::Unwatched { scan, .. }
            | QueryError::Failed { scan, .. }
            | QueryError::Cancelled { scan, .. }
            | QueryError::ScanLimit { scan, .. }
            | QueryError::Interrupted { scan, .. }
            | QueryError::InterruptedBefore { scan }
            | QueryError::InterruptedStart { scan } => *scan,
        }
    }

    /// Whether the run was interrupted.
    pub fn is_interrupt(&self) -> bool {
        matches!(
            self,
            QueryError::Interrupted { .. }
                | QueryError::InterruptedBefore { .. }
                | QueryError::InterruptedStart { .. }
        )
    }
}

/// The permissions that a refused request needs, unless AWS's message names the one that lacks.
fn to_allow(failure: &AwsFailure, action: &str) -> String {
    let names_action = failure.message.contains("not authorized to perform");
    match failure.kind == FailureKind::Denied && !names_action {
        true => format!(" (allow {action}; a query needs {ACTIONS})"),
        false => String::new(),
    }
}

fn earlier(scan: &QueryScan) -> String {
    match *scan == QueryScan::default() {
        true => String::new(),
        false => format!("; earlier attempts scanned {scan}, which AWS bills"),
    }
}

fn tries(queries: u32) -> String {
    match queries {
        0 | 1 => String::new(),
        more => format!(" (the last of {more} attempts)"),
    }
}

/// What to do about a query that ended without a result.
fn advice(reason: &str) -> String {
    let lower = reason.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["bytes scanned limit"]) {
        "; the workgroup has a limit of bytes for each query: ask for a shorter time, fewer accounts or fewer regions, \
         use another workgroup, or have this limit raised"
            .to_owned()
    } else if has(&[
        "permission_denied",
        "access denied",
        "accessdenied",
        "not authorized",
        "insufficient permissions",
        "lake formation permission",
    ]) {
        format!("; the caller needs {ACTIONS}, and kms:Decrypt if objects are encrypted")
    } else if has(&["exhausted", "query timeout", "exceeded the time limit"]) {
        "; ask for a shorter time, fewer accounts or fewer regions".to_owned()
    } else {
        String::new()
    }
}
