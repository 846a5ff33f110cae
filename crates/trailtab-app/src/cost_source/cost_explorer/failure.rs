//! Classifies failed requests to Cost Explorer.

use std::error::Error;
use std::fmt;

use aws_sdk_costexplorer::config::http::HttpResponse;
use aws_sdk_costexplorer::error::{BuildError, ProvideErrorMetadata, SdkError};

use crate::aws::{self, AwsFailure, FailureKind};

/// What Cost Explorer is asked for, by the name of the action in policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedAction {
    /// Amounts of days that have been.
    CostAndUsage,
    /// What will be spent.
    Forecast,
}

impl fmt::Display for AskedAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AskedAction::CostAndUsage => "ce:GetCostAndUsage",
            AskedAction::Forecast => "ce:GetCostForecast",
        })
    }
}

/// Why there is no answer, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The credentials lack the permission for the action; holds AWS's code and message.
    #[error(
        "Cost Explorer refuses {0}: {1} (in a member account, the management account must allow access to Cost Explorer as well)"
    )]
    Denied(AskedAction, String),
    /// The account has no Cost Explorer data yet; holds AWS's code and message.
    #[error(
        "Cost Explorer has no data: {0} (enable it once in the Billing and Cost Management console of the management account; the first data come about a day later)"
    )]
    Unavailable(String),
    /// Costs are known for too short a time to forecast them; holds AWS's code and message.
    #[error("Cost Explorer makes no forecast: {0}")]
    TooLittleHistory(String),
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
    #[error("Cost Explorer rejects the query ({action}): {code}: {reason}")]
    Refused {
        /// What was asked for.
        action: AskedAction,
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
    pub(super) fn invalid(error: &BuildError, action: AskedAction) -> PageError {
        let error = AskError::Refused {
            action,
            code: "InvalidRequest".to_owned(),
            reason: aws::with_causes(error),
        };
        PageError::free(RetryDecision::Lasting, error)
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

    /// The failure of a request for an action.
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>, action: AskedAction) -> PageError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
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
            FailureKind::Denied => AskError::Denied(action, failure.explanation),
            FailureKind::CredentialsExpired | FailureKind::CredentialsRefused => {
                AskError::NoCredentials(failure.explanation)
            }
            FailureKind::Unreachable => AskError::Unreachable(failure.explanation),
            FailureKind::Refused => match code.as_str() {
                "InvalidNextTokenException" | "RequestChangedException" => unanswered(code, reason),
                "DataUnavailableException" => match action {
                    AskedAction::CostAndUsage => AskError::Unavailable(failure.explanation),
                    AskedAction::Forecast => AskError::TooLittleHistory(failure.explanation),
                },
                _ => AskError::Refused {
                    action,
                    code,
                    reason,
                },
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
