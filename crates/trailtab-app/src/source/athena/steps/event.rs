//! The steps of a statement, and what becomes of them.

use std::time::Duration;

use crate::aws::{AwsFailure, QueryId, QueryStatus};
use crate::source::athena::error::QueryError;
use crate::source::athena::execution::FinishedQuery;

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::source::athena) enum QueryStep {
    /// Start the statement after a pause, instead of a query that has no result.
    Start {
        replaces: Option<QueryId>,
        pause: Duration,
    },
    /// Ask for the state of a query after a pause.
    Look {
        id: QueryId,
        pause: Duration,
        /// Whether AWS was asked to stop it. Such a look is not interrupted.
        is_stopping: bool,
    },
    /// Ask AWS to stop a query.
    Stop { id: QueryId },
    /// Nothing is left to do.
    Finish(Box<Result<FinishedQuery, QueryError>>),
}

/// What became of a step.
#[derive(Debug)]
pub(in crate::source::athena) enum QueryEvent {
    Started(Result<QueryId, AwsFailure>),
    Looked(Result<QueryStatus, AwsFailure>),
    Stopped(Result<(), AwsFailure>),
    /// The run was interrupted before the step was done.
    Interrupted,
    /// The run was interrupted while the request to start a query had no answer.
    InterruptedStart,
}
