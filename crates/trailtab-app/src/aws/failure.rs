//! What a failed request to AWS says: one classification for all services.
//!
//! Services decide what follows from an [`AwsFailure`]; only this module reads error codes of throttling,
//! credentials and passing trouble.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;

use super::credentials::one_line;
use super::refusal::{clock_error, refusal};
use super::{is_unreachable, lacks_connection, lacks_credentials, with_causes};

/// Says in a sentence why AWS did not do what was asked, and what to do about it.
pub fn explain<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    AwsFailure::of(error).explanation
}

/// What can be done about a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// More requests than AWS allows at this moment.
    Throttled,
    /// It may pass: an internal failure of AWS, a timeout, a lost connection, an unreadable answer.
    Transient,
    /// There are no credentials, or they have expired. New ones may do.
    CredentialsExpired,
    /// AWS does not accept the credentials.
    CredentialsRefused,
    /// The caller lacks a permission.
    Denied,
    /// No host could be reached since the program began.
    Unreachable,
    /// AWS does not accept the request, for any other reason.
    Refused,
}

/// Why a request to AWS failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsFailure {
    /// What can be done about it.
    pub kind: FailureKind,
    /// The error code of AWS. Without one, the HTTP status as `HTTP 403`, or a word of the program
    /// such as `ConnectionError`.
    pub code: String,
    /// Whether the code is AWS's own.
    pub has_code: bool,
    /// The HTTP status; `None` if no answer came.
    pub status: Option<u16>,
    /// What AWS says, or what went wrong, in one line.
    pub message: String,
    /// Whether AWS may have done what was asked, so that a repeated request may do it twice.
    pub may_have_arrived: bool,
    /// Code and message in a sentence, with what to do about it.
    pub explanation: String,
}

impl fmt::Display for AwsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.explanation)
    }
}

impl Error for AwsFailure {}

/// Codes of throttling. Most come with HTTP status 400. From the "Common errors" and quota pages of
/// the services, and `aws_runtime::retries::classifiers::THROTTLING_ERRORS`.
const THROTTLING_CODES: &[&str] = &[
    "BandwidthLimitExceeded",
    "LimitExceeded",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

const TRANSIENT_CODES: &[&str] = &[
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "InternalServiceException",
    "OperationTimeoutException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
];

const EXPIRED_CODES: &[&str] = &["ExpiredToken", "ExpiredTokenException", "RequestExpired"];

const CREDENTIALS_CODES: &[&str] = &[
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

const DENIED_CODES: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
];

/// Tells whether a code means that the caller lacks a permission.
pub(super) fn is_denied(code: &str) -> bool {
    DENIED_CODES.contains(&code)
}

impl FailureKind {
    fn of_code(code: &str, status: Option<u16>) -> FailureKind {
        let is_in = |codes: &[&str]| codes.contains(&code);
        match status {
            _ if is_in(THROTTLING_CODES) => FailureKind::Throttled,
            _ if is_in(TRANSIENT_CODES) => FailureKind::Transient,
            _ if is_in(EXPIRED_CODES) => FailureKind::CredentialsExpired,
            _ if is_in(CREDENTIALS_CODES) => FailureKind::CredentialsRefused,
            _ if is_denied(code) => FailureKind::Denied,
            Some(429) => FailureKind::Throttled,
            Some(500..) => FailureKind::Transient,
            _ => FailureKind::Refused,
        }
    }
}

impl AwsFailure {
    /// Classifies the error of a request.
    pub fn of<E>(error: &SdkError<E, HttpResponse>) -> AwsFailure
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let response = error.raw_response();
        let status = response.map(|response| response.status().as_u16());
        match error.code() {
            Some(code) => AwsFailure::of_code(code, error.message(), status, clock_error(response)),
            None => AwsFailure::without_code(error, status),
        }
    }

    /// An error that AWS answered with. `ahead` is the number of seconds by which this machine's clock
    /// is ahead of AWS's, if known.
    fn of_code(
        code: &str,
        message: Option<&str>,
        status: Option<u16>,
        ahead: Option<i64>,
    ) -> AwsFailure {
        AwsFailure {
            kind: FailureKind::of_code(code, status),
            code: code.to_owned(),
            has_code: true,
            status,
            message: one_line(message.unwrap_or("no message")),
            may_have_arrived: may_have_arrived(status),
            explanation: refusal(code, message, ahead),
        }
    }

    /// An answer without AWS's code: a HEAD of S3 has no body, and a proxy gives one of its own.
    fn of_status(status: u16, response: Option<&HttpResponse>, message: String) -> AwsFailure {
        let kind = match status {
            401 | 403 => FailureKind::Denied,
            _ => FailureKind::of_code("", Some(status)),
        };
        AwsFailure {
            kind,
            code: format!("HTTP {status}"),
            has_code: false,
            status: Some(status),
            explanation: explained(status, response, &message),
            message,
            may_have_arrived: may_have_arrived(Some(status)),
        }
    }

    /// An answer with a status of failure to a request without an SDK client, and the code and message
    /// that its body names.
    pub(super) fn of_direct_answer(
        response: &HttpResponse,
        code: Option<&str>,
        message: Option<&str>,
    ) -> AwsFailure {
        let status = response.status().as_u16();
        match code {
            Some(code) => {
                let code = one_line(code);
                let mut failure =
                    AwsFailure::of_code(&code, message, Some(status), clock_error(Some(response)));
                failure.explanation += &format!(" (HTTP status {status})");
                failure
            }
            None => {
                AwsFailure::of_status(status, Some(response), "no error code of AWS".to_owned())
            }
        }
    }

    /// A request without an SDK client that got no answer.
    pub(super) fn of_connection(error: &ConnectorError) -> AwsFailure {
        let (kind, code) = match error {
            _ if is_unreachable(error) => (FailureKind::Unreachable, "ConnectionError"),
            _ if error.is_timeout() => (FailureKind::Transient, "RequestTimeout"),
            _ => (FailureKind::Transient, "ConnectionError"),
        };
        let arrived = !lacks_connection(error);
        AwsFailure::of_program(kind, code, with_causes(error), arrived)
    }

    /// A request that could not be signed for lack of credentials.
    pub(super) fn of_credentials(error: &CredentialsError) -> AwsFailure {
        let kind = FailureKind::CredentialsExpired;
        AwsFailure::of_program(kind, "NoCredentials", with_causes(error), false)
    }

    /// A failure that the program found, with a word of its own as the code and no HTTP status.
    pub(crate) fn of_program(
        kind: FailureKind,
        code: &str,
        message: String,
        may_have_arrived: bool,
    ) -> AwsFailure {
        AwsFailure {
            kind,
            code: code.to_owned(),
            has_code: false,
            status: None,
            explanation: message.clone(),
            message,
            may_have_arrived,
        }
    }

    fn without_code<E>(error: &SdkError<E, HttpResponse>, status: Option<u16>) -> AwsFailure
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let message = with_causes(error);
        let (kind, code, may_have_arrived) = match (error, status) {
            _ if lacks_credentials(error) => {
                (FailureKind::CredentialsExpired, "NoCredentials", false)
            }
            _ if is_unreachable(error) => (
                FailureKind::Unreachable,
                "ConnectionError",
                !lacks_connection(error),
            ),
            (SdkError::ConstructionFailure(_), _) => {
                (FailureKind::Refused, "InvalidRequest", false)
            }
            (SdkError::TimeoutError(_), _) => (
                FailureKind::Transient,
                "RequestTimeout",
                !lacks_connection(error),
            ),
            (SdkError::DispatchFailure(_), _) => (
                FailureKind::Transient,
                "ConnectionError",
                !lacks_connection(error),
            ),
            (_, Some(status @ 400..)) => {
                return AwsFailure::of_status(status, error.raw_response(), message);
            }
            _ => (FailureKind::Transient, "UnreadableResponse", true),
        };
        AwsFailure {
            kind,
            code: code.to_owned(),
            has_code: false,
            status,
            explanation: match status {
                Some(status) => explained(status, error.raw_response(), &message),
                None => message.clone(),
            },
            message,
            may_have_arrived,
        }
    }

    /// An answer with a status of success that cannot be used.
    pub fn of_answer(reason: impl Into<String>) -> AwsFailure {
        let kind = FailureKind::Refused;
        AwsFailure::of_program(kind, "UnreadableResponse", reason.into(), true)
    }

    /// An answer with a status of success that lacks a required member.
    pub fn lacks(member: &str) -> AwsFailure {
        AwsFailure::of_answer(format!("the answer lacks {member}"))
    }

    /// Tells whether other requests will fail for the same reason: there are no valid credentials, or
    /// no network.
    pub fn affects_all_requests(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::CredentialsExpired
                | FailureKind::CredentialsRefused
                | FailureKind::Unreachable
        )
    }
}

/// Describes an error response without an AWS error code by its status and content type. HTML comes from a proxy.
fn explained(status: u16, response: Option<&HttpResponse>, message: &str) -> String {
    let kind = response.and_then(|response| response.headers().get("content-type"));
    match kind {
        Some(kind) => format!(
            "HTTP status {status}, with a body of type {}: {message}",
            one_line(kind)
        ),
        None => format!("HTTP status {status}: {message}"),
    }
}

/// Tells whether AWS may have done what was asked although it answered with an error. A gateway that
/// gives up on a service does not know, and a service that failed may have failed after its work.
fn may_have_arrived(status: Option<u16>) -> bool {
    matches!(status, Some(..=399 | 500 | 502 | 504))
}

/// The waits between repeated requests: each twice as long as the one before up to a limit, with a
/// jitter of half of it up or down, so that clients that were refused together do not return together.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Begins with waits around `first`; none is longer than 1.5 times `longest`.
    pub fn new(first: Duration, longest: Duration) -> Backoff {
        Backoff {
            next: first.min(longest),
            longest,
        }
    }

    /// Returns how long to wait before the next request.
    pub fn next_wait(&mut self) -> Duration {
        let wait = self.next.mul_f64(0.5 + fastrand::f64());
        self.next = (self.next * 2).min(self.longest);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_follow_from_codes_before_status() {
        for (code, status, kind) in [
            ("ThrottlingException", 400, FailureKind::Throttled),
            ("LimitExceededException", 400, FailureKind::Throttled),
            ("SlowDown", 503, FailureKind::Throttled),
            ("InternalFailure", 500, FailureKind::Transient),
            ("RequestTimeout", 400, FailureKind::Transient),
            ("ExpiredToken", 400, FailureKind::CredentialsExpired),
            (
                "UnrecognizedClientException",
                400,
                FailureKind::CredentialsRefused,
            ),
            ("AccessDeniedException", 400, FailureKind::Denied),
            ("OptInRequired", 401, FailureKind::Refused),
            ("Unheard", 429, FailureKind::Throttled),
            ("Unheard", 502, FailureKind::Transient),
            ("Unheard", 400, FailureKind::Refused),
        ] {
            assert_eq!(
                FailureKind::of_code(code, Some(status)),
                kind,
                "{code} {status}"
            );
        }
    }

    #[test]
    fn answers_that_are_not_of_aws_are_told_by_their_status() {
        use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
        use aws_smithy_runtime_api::http::StatusCode;
        use aws_smithy_types::body::SdkBody;

        for (status, has_arrived) in [(200, true), (403, false), (502, true)] {
            let status_code = StatusCode::try_from(status).unwrap();
            let mut page = HttpResponse::new(status_code, SdkBody::from("<html>"));
            page.headers_mut().insert("content-type", "text/html");
            let error = SdkError::<GetCallerIdentityError, _>::response_error("no XML", page);
            let failure = AwsFailure::of(&error);
            let words = format!("HTTP status {status}, with a body of type text/html: ");
            assert!(failure.explanation.starts_with(&words), "{failure}");
            assert!(failure.explanation.contains("no XML"), "{failure}");
            assert_eq!(failure.may_have_arrived, has_arrived, "{status}");
        }
    }

    #[test]
    fn only_some_statuses_leave_open_whether_a_request_arrived() {
        let open = (200..600).filter(|status| *status >= 400 && may_have_arrived(Some(*status)));
        assert_eq!(open.collect::<Vec<_>>(), [500, 502, 504]);
    }

    #[test]
    fn waits_double_up_to_a_limit() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(3));
        for middle in [1.0, 2.0, 3.0, 3.0] {
            let wait = backoff.next_wait().as_secs_f64();
            assert!((middle * 0.5..middle * 1.5).contains(&wait), "{wait}");
        }
    }
}
