//! Why an answer did not come.

use aws_sdk_costexplorer::config::http::HttpResponse;
use aws_sdk_costexplorer::error::{BuildError, SdkError};
use aws_sdk_costexplorer::operation::get_cost_and_usage::GetCostAndUsageError;

use crate::aws::{self, AwsFailure, FailureKind};

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
        let failure = AwsFailure::of(error);
        let kind = match failure.code.as_str() {
            "InvalidNextTokenException" | "RequestChangedException" => RetryDecision::TokenLost,
            _ => match failure.kind {
                FailureKind::Throttled => RetryDecision::Throttled,
                FailureKind::Transient => RetryDecision::Passing,
                _ => RetryDecision::Lasting,
            },
        };
        // AWS charges nothing for an error that it answers with.
        let is_charged =
            failure.may_have_arrived && failure.status.is_none_or(|status| status < 400);
        let (code, reason) = (failure.code, failure.message);
        let error = match failure.kind {
            FailureKind::Throttled | FailureKind::Transient => unanswered(code, reason),
            FailureKind::Denied => AskError::Denied(failure.explanation),
            FailureKind::CredentialsExpired | FailureKind::CredentialsRefused => {
                AskError::NoCredentials(failure.explanation)
            }
            FailureKind::Unreachable => AskError::Unreachable(failure.explanation),
            FailureKind::Refused => match code.as_str() {
                "InvalidNextTokenException" | "RequestChangedException" => unanswered(code, reason),
                "DataUnavailableException" => AskError::Unavailable(failure.explanation),
                _ => AskError::Refused { code, reason },
            },
        };
        PageError {
            kind,
            is_charged,
            error,
        }
    }
}

fn unanswered(code: String, reason: String) -> AskError {
    AskError::Unanswered {
        tries: 1,
        code,
        reason,
    }
}
