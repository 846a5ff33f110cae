//! Why an answer did not come.

use aws_sdk_costexplorer::config::http::HttpResponse;
use aws_sdk_costexplorer::error::{BuildError, ProvideErrorMetadata as _, SdkError};
use aws_sdk_costexplorer::operation::get_cost_and_usage::GetCostAndUsageError;

use crate::aws;

/// Why there is no answer, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The credentials lack the permission; the value is AWS's code and message.
    #[error(
        "Cost Explorer refuses ce:GetCostAndUsage: {0} (in a member account, the management account must allow access to Cost Explorer as well)"
    )]
    Denied(String),
    /// The account has no Cost Explorer data, or not yet; the value is AWS's code and message.
    #[error(
        "Cost Explorer has no data: {0} (enable it once in the Billing and Cost Management console of the management account; the first data come about a day later)"
    )]
    Unavailable(String),
    /// The run has made all paid requests that it may make; the value is their number.
    #[error(
        "the answer would take more than the {0} paid requests to Cost Explorer that are allowed: allow more with --max-requests, or ask for fewer days or reports"
    )]
    Budget(u64),
    /// There are no valid credentials; the value is the message.
    #[error("{0}")]
    NoCredentials(String),
    /// Nothing at all could be reached.
    #[error("{0}")]
    Unreachable(String),
    /// The question is not one that Cost Explorer answers.
    #[error("Cost Explorer does not take the question, ce:GetCostAndUsage: {code}: {reason}")]
    Refused {
        /// The error code of AWS, or a word for what failed.
        code: String,
        /// The message of AWS, or what went wrong.
        reason: String,
    },
    /// It did not come, again and again.
    #[error(
        "Cost Explorer did not answer in {tries} tries, the last time for {code}: {reason} (try again later)"
    )]
    Unanswered {
        /// The number of requests that were made.
        tries: u32,
        /// The error code of the last request, or a word for what failed.
        code: String,
        /// The message of the last request, or what went wrong.
        reason: String,
    },
    /// The answer lacks something that is needed; the value says what.
    #[error("Cost Explorer gave what cannot be read: {0}")]
    Unreadable(String),
}

/// What can be done about a request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RetryDecision {
    /// More than AWS allows within a moment: all others are to wait as well.
    Throttled,
    /// It may pass.
    Passing,
    /// The token of the page is not known any more, or not for this question.
    TokenLost,
    /// It stays as it is.
    Lasting,
}

/// Why a page did not come.
#[derive(Debug)]
pub(super) struct PageError {
    pub(super) kind: RetryDecision,
    /// Whether AWS may charge for the request: it may have been answered, and the answer got lost.
    pub(super) is_charged: bool,
    pub(super) error: AskError,
}

impl PageError {
    /// Nothing was sent.
    pub(super) fn over_budget(most: u64) -> PageError {
        PageError::free(RetryDecision::Lasting, AskError::Budget(most))
    }

    /// An answer that came, and is none.
    pub(super) fn unreadable(what: impl Into<String>) -> PageError {
        PageError {
            kind: RetryDecision::Lasting,
            is_charged: true,
            error: AskError::Unreadable(what.into()),
        }
    }

    /// A question that cannot even be written.
    pub(super) fn invalid(error: &BuildError) -> PageError {
        let code = "InvalidRequest".to_owned();
        let reason = aws::in_words(error);
        PageError::free(RetryDecision::Lasting, AskError::Refused { code, reason })
    }

    fn free(kind: RetryDecision, error: AskError) -> PageError {
        PageError {
            kind,
            is_charged: false,
            error,
        }
    }

    /// Says after how many requests it was given up.
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

    /// AWS says what is wrong, and charges nothing for it.
    fn with_code(code: &str, reason: &str, explained: &str, status: u16) -> PageError {
        let said = || explained.to_owned();
        let passing = |kind| PageError::free(kind, unanswered(code, reason));
        match code {
            // It comes with the status 400.
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

    /// Connections that broke off, time-outs, answers that cannot be read.
    fn without_code(
        error: &SdkError<GetCostAndUsageError, HttpResponse>,
        status: Option<u16>,
    ) -> PageError {
        let reason = aws::in_words(error);
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
