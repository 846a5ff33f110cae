//! What to do next about one statement, given what AWS answered. Asks and waits for nothing itself.

mod event;

use std::time::Duration;

pub(super) use self::event::{QueryEvent, QueryStep};
use super::error::{QueryEnd, QueryError};
use super::execution::FinishedQuery;
use super::scan::QueryScan;
use crate::aws::{AwsFailure, FailureKind, QueryId, QueryState, QueryStatus};
use trailtab_render::progress;

/// The wait before the first look at a query, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The wait before a query that failed is started again.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// How often a statement is started again.
const MAX_RESTARTS: u32 = 2;

/// How many looks at a running query may fail one after the other. Each has been repeated already.
const MAX_LOST_LOOKS: u32 = 3;

/// How many looks at a query that AWS was asked to stop, 8 seconds in all.
const MAX_STOP_LOOKS: u32 = 7;

/// Scanned bytes are reported from here on, and then each time they have doubled.
const FIRST_REPORTED_BYTES: u64 = 10_000_000;

/// Why AWS was asked to stop a query.
#[derive(Debug, Clone)]
enum StopCause {
    Interrupted,
    ScanLimit(u64),
    Unwatched(AwsFailure),
}

#[derive(Debug, Clone)]
enum Phase {
    Starting {
        replaces: Option<QueryId>,
        pause: Duration,
    },
    /// Looks at a query of an earlier run for the first time.
    Resuming { id: QueryId },
    Watching {
        id: QueryId,
        pause: Duration,
        lost_looks: u32,
        is_resumed: bool,
    },
    Stopping {
        id: QueryId,
        cause: StopCause,
        /// The answer to the request to stop it, once there is one.
        answer: Option<Result<(), AwsFailure>>,
        pause: Duration,
        looks: u32,
    },
}

/// The run of one statement.
#[derive(Debug)]
pub(super) struct QuerySteps<'q> {
    statement: &'q str,
    max_scan_bytes: Option<u64>,
    phase: Phase,
    /// What queries that ended have scanned.
    ended: QueryScan,
    /// What the current query had scanned when it was last seen.
    latest_bytes: Option<u64>,
    /// The number of queries that were started.
    queries: u32,
    told_state: Option<QueryState>,
    told_bytes: u64,
    remarks: Vec<String>,
}

impl<'q> QuerySteps<'q> {
    /// Begins with a new query, or with one of an earlier run of the same statement.
    pub(super) fn new(
        statement: &'q str,
        max_scan_bytes: Option<u64>,
        earlier: Option<QueryId>,
    ) -> QuerySteps<'q> {
        QuerySteps {
            statement,
            max_scan_bytes,
            phase: match earlier {
                Some(id) => Phase::Resuming { id },
                None => Phase::Starting {
                    replaces: None,
                    pause: Duration::ZERO,
                },
            },
            ended: QueryScan::default(),
            latest_bytes: None,
            queries: 0,
            told_state: None,
            told_bytes: FIRST_REPORTED_BYTES / 2,
            remarks: Vec::new(),
        }
    }

    /// Takes the remarks for the user.
    pub(super) fn remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }

    /// The step that is due.
    pub(super) fn step(&self) -> QueryStep {
        match self.phase.clone() {
            Phase::Starting { replaces, pause } => QueryStep::Start { replaces, pause },
            Phase::Resuming { id } => QueryStep::Look {
                id,
                pause: Duration::ZERO,
                is_stopping: false,
            },
            Phase::Watching { id, pause, .. } => QueryStep::Look {
                id,
                pause,
                is_stopping: false,
            },
            Phase::Stopping {
                id, answer: None, ..
            } => QueryStep::Stop { id },
            Phase::Stopping { id, pause, .. } => QueryStep::Look {
                id,
                pause,
                is_stopping: true,
            },
        }
    }

    /// Handles the result of the step, and returns the next one. An event that cannot follow from the step
    /// that was due changes nothing.
    pub(super) fn after(&mut self, event: QueryEvent) -> QueryStep {
        let scan = self.ended;
        match (self.phase.clone(), event) {
            (Phase::Starting { .. }, QueryEvent::Started(Ok(id))) => {
                self.queries += 1;
                self.remarks.push(format!("Athena started the query {id}"));
                self.watch(id, false)
            }
            (Phase::Starting { .. }, QueryEvent::Started(Err(failure))) => {
                let failure = Box::new(failure);
                fail(QueryError::Start { failure, scan })
            }
            (Phase::Starting { .. }, QueryEvent::Interrupted) => {
                fail(QueryError::InterruptedBefore { scan })
            }
            (Phase::Starting { .. }, QueryEvent::InterruptedStart) => {
                fail(QueryError::InterruptedStart { scan })
            }
            (Phase::Resuming { id }, QueryEvent::Looked(look)) => self.resume(id, look),
            (Phase::Watching { .. }, QueryEvent::Looked(Ok(status))) => self.look(status),
            (
                Phase::Watching {
                    id,
                    pause,
                    lost_looks,
                    is_resumed,
                },
                QueryEvent::Looked(Err(failure)),
            ) => {
                let may_pass = matches!(
                    failure.kind,
                    FailureKind::Transient | FailureKind::Throttled
                );
                if may_pass && lost_looks + 1 < MAX_LOST_LOOKS {
                    self.phase = Phase::Watching {
                        id,
                        pause: longer(pause),
                        lost_looks: lost_looks + 1,
                        is_resumed,
                    };
                    return self.step();
                }
                self.stop(id, StopCause::Unwatched(failure))
            }
            (
                Phase::Watching { id, .. } | Phase::Resuming { id },
                QueryEvent::Interrupted | QueryEvent::InterruptedStart,
            ) => self.stop(id, StopCause::Interrupted),
            (Phase::Stopping { id, cause, .. }, QueryEvent::Stopped(answer)) => {
                self.phase = Phase::Stopping {
                    id,
                    cause,
                    answer: Some(answer),
                    pause: FIRST_PAUSE,
                    looks: 0,
                };
                self.step()
            }
            (Phase::Stopping { .. }, QueryEvent::Looked(look)) => self.look_at_end(look),
            _ => self.step(),
        }
    }

    fn watch(&mut self, id: QueryId, is_resumed: bool) -> QueryStep {
        self.latest_bytes = None;
        self.told_state = None;
        self.phase = Phase::Watching {
            id,
            pause: FIRST_PAUSE,
            lost_looks: 0,
            is_resumed,
        };
        self.step()
    }

    fn stop(&mut self, id: QueryId, cause: StopCause) -> QueryStep {
        self.phase = Phase::Stopping {
            id,
            cause,
            answer: None,
            pause: FIRST_PAUSE,
            looks: 0,
        };
        self.step()
    }

    /// Starts the statement instead of a query of an earlier run that has no result.
    fn start_instead_of(&mut self, id: QueryId, why: &str) -> QueryStep {
        let remark =
            format!("the earlier query {id} of Athena {why}: the statement is started again");
        self.remarks.push(remark);
        self.phase = Phase::Starting {
            replaces: Some(id),
            pause: Duration::ZERO,
        };
        self.step()
    }

    fn resume(&mut self, id: QueryId, look: Result<QueryStatus, AwsFailure>) -> QueryStep {
        let status = match look {
            Ok(status) => status,
            // Athena has no code of its own for this: InvalidRequestException, "was not found".
            Err(failure) if failure.kind == FailureKind::Refused && failure.has_code => {
                return self.start_instead_of(id, &format!("is not known ({failure})"));
            }
            Err(failure) => {
                self.ended.add_unfinished(None);
                return fail(QueryError::Unwatched {
                    id,
                    failure: Box::new(failure),
                    end: QueryEnd::NotAsked,
                    scan: self.ended,
                });
            }
        };
        let text = status.statement.as_deref().map(str::trim);
        if text != Some(self.statement.trim()) {
            return self.start_instead_of(id, "is another statement");
        }
        match status.state {
            QueryState::Queued | QueryState::Running | QueryState::Succeeded => {
                self.remarks
                    .push(format!("taking up the query {id} of Athena"));
                self.watch(id, true);
                self.look(status)
            }
            QueryState::Failed => {
                let reason = reason_of(&status);
                self.start_instead_of(id, &format!("failed ({reason})"))
            }
            QueryState::Cancelled => {
                let reason = reason_of(&status);
                self.start_instead_of(id, &format!("was cancelled ({reason})"))
            }
        }
    }

    /// Handles the state of a query that is awaited.
    fn look(&mut self, status: QueryStatus) -> QueryStep {
        let is_resumed = matches!(
            self.phase,
            Phase::Watching {
                is_resumed: true,
                ..
            }
        );
        match status.state {
            QueryState::Queued | QueryState::Running => self.wait(&status, is_resumed),
            QueryState::Succeeded => self.succeed(status, is_resumed),
            QueryState::Failed => self.failed(&status),
            QueryState::Cancelled => {
                self.ended.add(status.scanned_bytes);
                fail(QueryError::Cancelled {
                    reason: reason_of(&status),
                    id: status.id,
                    scan: self.ended,
                })
            }
        }
    }

    fn wait(&mut self, status: &QueryStatus, is_resumed: bool) -> QueryStep {
        self.latest_bytes = status.scanned_bytes.or(self.latest_bytes);
        self.tell(status);
        let bytes = self
            .ended
            .bytes
            .saturating_add(self.latest_bytes.unwrap_or_default());
        if let Some(limit) = self.max_scan_bytes.filter(|limit| bytes > *limit) {
            return self.stop(status.id.clone(), StopCause::ScanLimit(limit));
        }
        let pause = match self.phase {
            Phase::Watching { pause, .. } => longer(pause),
            _ => FIRST_PAUSE,
        };
        self.phase = Phase::Watching {
            id: status.id.clone(),
            pause,
            lost_looks: 0,
            is_resumed,
        };
        self.step()
    }

    fn tell(&mut self, status: &QueryStatus) {
        let id = &status.id;
        if self.told_state != Some(status.state) {
            self.told_state = Some(status.state);
            let word = match status.state {
                QueryState::Queued => "waits for capacity",
                _ => "runs",
            };
            self.remarks
                .push(format!("the query {id} of Athena {word}"));
        }
        if let Some(bytes) = status.scanned_bytes
            && bytes / 2 >= self.told_bytes
        {
            self.told_bytes = bytes;
            let size = progress::bytes(bytes);
            let remark = format!("the query {id} of Athena has scanned {size} so far");
            self.remarks.push(remark);
        }
    }

    fn succeed(&mut self, status: QueryStatus, is_resumed: bool) -> QueryStep {
        let reused = status.reused == Some(true);
        // A result that is used again takes no scan, and Athena may return no number.
        let bytes = status.scanned_bytes.or(reused.then_some(0));
        self.ended.add(bytes);
        QueryStep::Finish(Box::new(Ok(FinishedQuery {
            id: status.id,
            output_location: status.output_location,
            manifest_location: status.manifest_location,
            scan: self.ended,
            queries: self.queries,
            engine_ms: status.engine_ms,
            queue_ms: status.queue_ms,
            reused,
            is_resumed,
            workgroup: status.workgroup,
        })))
    }

    fn failed(&mut self, status: &QueryStatus) -> QueryStep {
        self.ended.add(status.scanned_bytes);
        let (id, reason) = (status.id.clone(), reason_of(status));
        let may_scan = self
            .max_scan_bytes
            .is_none_or(|limit| self.ended.bytes <= limit);
        // A query that was taken up is not one of this run's.
        let restarts = self.queries.saturating_sub(1);
        if !may_pass(status) || restarts >= MAX_RESTARTS || !may_scan {
            return fail(QueryError::Failed {
                id,
                reason,
                queries: self.queries,
                scan: self.ended,
            });
        }
        let mut scan = QueryScan::default();
        scan.add(status.scanned_bytes);
        self.remarks.push(format!(
            "the query {id} of Athena failed for a reason that may pass ({reason}); it scanned {scan}, which AWS bills; the statement is started again"
        ));
        self.phase = Phase::Starting {
            replaces: Some(id),
            pause: RESTART_PAUSE,
        };
        self.step()
    }

    /// Handles the state of a query that AWS was asked to stop.
    fn look_at_end(&mut self, look: Result<QueryStatus, AwsFailure>) -> QueryStep {
        let Phase::Stopping {
            id,
            cause,
            answer,
            pause,
            looks,
        } = self.phase.clone()
        else {
            return self.step();
        };
        let unseen = match look {
            Ok(status) => {
                self.latest_bytes = status.scanned_bytes.or(self.latest_bytes);
                match (status.state, &cause) {
                    // The result is complete and paid for.
                    (QueryState::Succeeded, StopCause::ScanLimit(_) | StopCause::Unwatched(_)) => {
                        return self.succeed(status, false);
                    }
                    (QueryState::Queued | QueryState::Running, _) => {
                        "it had not ended some seconds later".to_owned()
                    }
                    (state, _) => {
                        self.ended.add(status.scanned_bytes);
                        return fail(stopped(id, cause, QueryEnd::Ended(state), self.ended));
                    }
                }
            }
            Err(failure) => failure.explanation,
        };
        let refusal = answer.clone().and_then(Result::err);
        if looks + 1 < MAX_STOP_LOOKS && refusal.is_none() {
            self.phase = Phase::Stopping {
                id,
                cause,
                answer,
                pause: longer(pause),
                looks: looks + 1,
            };
            return self.step();
        }
        self.ended.add_unfinished(self.latest_bytes);
        let end = match refusal {
            Some(failure) => QueryEnd::GoesOn(failure.explanation),
            None => QueryEnd::Unseen(unseen),
        };
        fail(stopped(id, cause, end, self.ended))
    }
}

fn fail(error: QueryError) -> QueryStep {
    QueryStep::Finish(Box::new(Err(error)))
}

fn stopped(id: QueryId, cause: StopCause, end: QueryEnd, scan: QueryScan) -> QueryError {
    match cause {
        StopCause::Interrupted => QueryError::Interrupted { id, end, scan },
        StopCause::ScanLimit(limit_bytes) => QueryError::ScanLimit {
            id,
            limit_bytes,
            end,
            scan,
        },
        StopCause::Unwatched(failure) => QueryError::Unwatched {
            id,
            failure: Box::new(failure),
            end,
            scan,
        },
    }
}

fn longer(pause: Duration) -> Duration {
    (pause * 3 / 2).min(LONGEST_PAUSE)
}

/// The reason of a query that ended without a result.
fn reason_of(status: &QueryStatus) -> String {
    let message = status
        .error
        .as_ref()
        .and_then(|error| error.message.clone());
    let reason = status.reason.clone().or(message);
    reason.unwrap_or_else(|| "AWS gives no reason".to_owned())
}

/// Returns whether the same query may succeed: AWS says so, or an internal error of the engine ended it.
/// GENERIC_INTERNAL_ERROR is another one, which data cause.
fn may_pass(status: &QueryStatus) -> bool {
    let says_so = status.error.as_ref().and_then(|error| error.retryable);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let reason = status.reason.as_deref().unwrap_or_default();
    says_so == Some(true)
        || reason
            .split(|c| !is_word(c))
            .any(|word| word == "INTERNAL_ERROR")
}

#[cfg(test)]
mod tests;
