//! Classifies failed requests to Cost Explorer.

use aws_sdk_costexplorer::config::http::HttpResponse;
use aws_sdk_costexplorer::error::{BuildError, ProvideErrorMetadata as _, SdkError};
use aws_sdk_costexplorer::operation::get_cost_and_usage::GetCostAndUsageError;

use crate::aws;

/// Why there is no answer, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The credentials lack the permission; holds AWS's code and message.
    #[error(
        "Cost Explorer refuses ce:GetCostAndUsage: {0} (in a member account, the management account must allow access to Cost Explorer as well)"
    )]
    Denied(String),
    /// The account has no Cost Explorer data yet; holds AWS's code and message.
    #[error(
        "Cost Explorer has no data: {0} (enable it once in the Billing and Cost Management console of the management account; the first data come about a day later)"
    )]
    Unavailable(String),
    /// The request budget is used up; holds its size.
    #[error(
        "the answer would take more than the {0} paid requests to Cost Explorer that are allowed: allow more with --max-requests, or ask for fewer days or reports"
    )]
    Budget(u64),
    /// There are no valid credentials; holds the message.
    #[error("{0}")]
    NoCredentials(String),
    /// No host could be reached.
    #[error("{0}")]
    Unreachable(String),
    /// Cost Explorer rejects the query.
    #[error("Cost Explorer rejects the query (ce:GetCostAndUsage): {code}: {reason}")]
    Refused {
        /// AWS's error code, or a word for what failed.
        code: String,
        /// AWS's message, or what went wrong.
        reason: String,
    },
    /// All attempts failed.
    #[error(
        "Cost Explorer did not answer in {tries} tries, the last time for {code}: {reason} (try again later)"
    )]
    Unanswered {
        /// The number of attempts.
        tries: u32,
        /// AWS's error code for the last request, or a word for what failed.
        code: String,
        /// AWS's message for the last request, or what went wrong.
        reason: String,
    },
    /// The answer is invalid; holds the defect.
    #[error("Cost Explorer returned an invalid answer: {0}")]
    Unreadable(String),
}

/// How to handle a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RetryDecision {
    /// AWS throttles; all other requests should wait as well.
    Throttled,
    /// Temporary.
    Passing,
    /// The page token is no longer valid, or not for this query.
    TokenLost,
    /// Permanent.
    Lasting,
}

/// Why requesting a page failed.
#[derive(Debug)]
pub(super) struct PageError {
    pub(super) kind: RetryDecision,
    /// Whether AWS may charge for the request: the response may have been lost.
    pub(super) is_charged: bool,
    pub(super) error: AskError,
}

impl PageError {
    /// The budget is used up; nothing was sent.
    pub(super) fn over_budget(most: u64) -> PageError {
        PageError::free(RetryDecision::Lasting, AskError::Budget(most))
    }

    /// An invalid response.
    pub(super) fn unreadable(what: impl Into<String>) -> PageError {
        PageError {
            kind: RetryDecision::Lasting,
            is_charged: true,
            error: AskError::Unreadable(what.into()),
        }
    }

    /// A query that cannot be converted to a request.
    pub(super) fn invalid(error: &BuildError) -> PageError {
        let code = "InvalidRequest".to_owned();
        let reason = aws::with_causes(error);
        PageError::free(RetryDecision::Lasting, AskError::Refused { code, reason })
    }

    fn free(kind: RetryDecision, error: AskError) -> PageError {
        PageError {
            kind,
            is_charged: false,
            error,
        }
    }

    /// Sets the number of attempts.
    pub(super) fn after(mut self, count: u32) -> PageError {
        if let AskError::Unanswered { tries, .. } = &mut self.error {
            *tries = count;
        }
        self
    }

    pub(super) fn of(error: &SdkError<GetCostAndUsageError, HttpResponse>) -> PageError {
        let status = error
            .raw_response()
            .map(|response| response.status().as_u16());
        match error.code() {
            Some(code) => {
                let reason = error.message().unwrap_or("no message");
                let explained = aws::explain(error);
                PageError::with_code(code, reason, &explained, status.unwrap_or_default())
            }
            None => PageError::without_code(error, status),
        }
    }

    /// An error with a code. AWS does not charge for these.
    fn with_code(code: &str, reason: &str, explained: &str, status: u16) -> PageError {
        let said = || explained.to_owned();
        let passing = |kind| PageError::free(kind, unanswered(code, reason));
        match code {
            // Throttling comes with HTTP status 400.
            "LimitExceededException"
            | "ThrottlingException"
            | "Throttling"
            | "ThrottledException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "SlowDown" => passing(RetryDecision::Throttled),
            "InvalidNextTokenException" | "RequestChangedException" => {
                passing(RetryDecision::TokenLost)
            }
            "InternalFailure"
            | "InternalError"
            | "InternalServerError"
            | "InternalServerException"
            | "ServiceUnavailable"
            | "ServiceUnavailableException"
            | "RequestTimeout"
            | "RequestTimeoutException" => passing(RetryDecision::Passing),
            "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" => {
                PageError::free(RetryDecision::Lasting, AskError::Denied(said()))
            }
            "DataUnavailableException" => {
                PageError::free(RetryDecision::Lasting, AskError::Unavailable(said()))
            }
            "ExpiredToken"
            | "ExpiredTokenException"
            | "RequestExpired"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "MissingAuthenticationTokenException" => {
                PageError::free(RetryDecision::Lasting, AskError::NoCredentials(said()))
            }
            _ if status == 429 => passing(RetryDecision::Throttled),
            _ if status >= 500 => passing(RetryDecision::Passing),
            _ => PageError::free(
                RetryDecision::Lasting,
                AskError::Refused {
                    code: code.to_owned(),
                    reason: reason.to_owned(),
                },
            ),
        }
    }

    /// An error without a code: broken connections, time-outs, unreadable responses.
    fn without_code(
        error: &SdkError<GetCostAndUsageError, HttpResponse>,
        status: Option<u16>,
    ) -> PageError {
        let reason = aws::with_causes(error);
        if aws::lacks_credentials(error) {
            return PageError::free(RetryDecision::Lasting, AskError::NoCredentials(reason));
        }
        if aws::is_unreachable(error) {
            return PageError::free(RetryDecision::Lasting, AskError::Unreachable(reason));
        }
        let (code, is_charged) = match error {
            SdkError::ConstructionFailure(_) => {
                let code = "InvalidRequest".to_owned();
                return PageError::free(RetryDecision::Lasting, AskError::Refused { code, reason });
            }
            _ if aws::lacks_connection(error) => ("ConnectionError", false),
            SdkError::TimeoutError(_) => ("RequestTimeout", true),
            SdkError::DispatchFailure(_) => ("ConnectionError", true),
            _ => (
                "UnreadableResponse",
                status.is_none_or(|status| status < 400),
            ),
        };
        let kind = match status {
            Some(429) => RetryDecision::Throttled,
            Some(400..=499) => RetryDecision::Lasting,
            _ => RetryDecision::Passing,
        };
        PageError {
            kind,
            is_charged,
            error: unanswered(code, &reason),
        }
    }
}

fn unanswered(code: &str, reason: &str) -> AskError {
    AskError::Unanswered {
        tries: 1,
        code: code.to_owned(),
        reason: reason.to_owned(),
    }
}
