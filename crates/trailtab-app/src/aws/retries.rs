//! Decides which failed requests are retried, and when.

use std::time::Duration;

use super::failure::{AwsFailure, Backoff, FailureKind};

/// Maximum number of requests of one call.
const ATTEMPTS: u32 = 8;

/// Maximum number of requests of one call that find no connection.
const CONNECT_ATTEMPTS: u32 = 3;

/// Time after the first request in which a failed one is repeated.
const RETRY_PERIOD: Duration = Duration::from_secs(120);

const FIRST_WAIT: Duration = Duration::from_millis(200);

const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What to do after a failed request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AfterFailure {
    Retry { wait: Duration },
    RetryWithNewCredentials,
    GiveUp,
}

/// The failed requests of one call.
#[derive(Debug)]
pub(super) struct RequestRetries {
    failed: u32,
    unconnected: u32,
    has_new_credentials: bool,
    backoff: Backoff,
}

impl Default for RequestRetries {
    fn default() -> RequestRetries {
        RequestRetries {
            failed: 0,
            unconnected: 0,
            has_new_credentials: false,
            backoff: Backoff::new(FIRST_WAIT, LONGEST_WAIT),
        }
    }
}

impl RequestRetries {
    /// Decides what follows, given the time since the first request began.
    pub(super) fn after(&mut self, failure: &AwsFailure, elapsed: Duration) -> AfterFailure {
        self.failed += 1;
        let is_lost = failure.status.is_none() && !failure.may_have_arrived;
        self.unconnected += u32::from(is_lost);
        match failure.kind {
            // Without a code, there are no credentials to be had.
            FailureKind::CredentialsExpired if failure.has_code && !self.has_new_credentials => {
                self.has_new_credentials = true;
                AfterFailure::RetryWithNewCredentials
            }
            FailureKind::Throttled | FailureKind::Transient
                if self.failed < ATTEMPTS
                    && self.unconnected < CONNECT_ATTEMPTS
                    && elapsed < RETRY_PERIOD =>
            {
                AfterFailure::Retry {
                    wait: self.backoff.next_wait(),
                }
            }
            _ => AfterFailure::GiveUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::direct::tests::answer;
    use super::*;

    fn answered(status: u16, code: Option<&str>) -> AwsFailure {
        AwsFailure::of_direct_answer(&answer(status, ""), code, None)
    }

    fn refused(code: &str) -> AwsFailure {
        answered(400, Some(code))
    }

    fn lost(kind: FailureKind, may_have_arrived: bool) -> AwsFailure {
        AwsFailure::of_program(kind, "ConnectionError", String::new(), may_have_arrived)
    }

    #[test]
    fn what_may_pass_is_repeated_a_bounded_number_of_times() {
        for (failure, most) in [
            (refused("TooManyRequestsException"), ATTEMPTS),
            (refused("ThrottlingException"), ATTEMPTS),
            (answered(429, None), ATTEMPTS),
            (answered(503, None), ATTEMPTS),
            (lost(FailureKind::Transient, true), ATTEMPTS),
            (lost(FailureKind::Transient, false), CONNECT_ATTEMPTS),
            (lost(FailureKind::Unreachable, false), 1),
            (refused("InvalidRequestException"), 1),
            (refused("AccessDeniedException"), 1),
            (AwsFailure::lacks("QueryExecutionId"), 1),
        ] {
            let mut repetition = RequestRetries::default();
            let waits = std::iter::from_fn(|| match repetition.after(&failure, Duration::ZERO) {
                AfterFailure::Retry { wait } => Some(wait),
                AfterFailure::RetryWithNewCredentials | AfterFailure::GiveUp => None,
            });
            let waits: Vec<Duration> = waits.collect();
            assert_eq!(waits.len() + 1, most as usize, "{failure:?}");
            assert!(waits.iter().all(|wait| *wait <= LONGEST_WAIT.mul_f64(1.5)));
        }
        let mut repetition = RequestRetries::default();
        let throttled = answered(429, None);
        assert_eq!(
            repetition.after(&throttled, RETRY_PERIOD),
            AfterFailure::GiveUp
        );
    }

    #[test]
    fn expired_credentials_are_replaced_once() {
        let expired = refused("ExpiredTokenException");
        let mut repetition = RequestRetries::default();
        assert_eq!(
            repetition.after(&expired, Duration::ZERO),
            AfterFailure::RetryWithNewCredentials
        );
        assert_eq!(
            repetition.after(&expired, Duration::ZERO),
            AfterFailure::GiveUp
        );
        let mut repetition = RequestRetries::default();
        let none = lost(FailureKind::CredentialsExpired, false);
        assert_eq!(
            repetition.after(&none, Duration::ZERO),
            AfterFailure::GiveUp
        );
    }
}
