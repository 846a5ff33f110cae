//! Requests one page of LookupEvents and classifies its errors.

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::config::http::HttpResponse;
use aws_sdk_cloudtrail::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_cloudtrail::operation::lookup_events::LookupEventsError;
use aws_sdk_cloudtrail::primitives::DateTime;
use aws_sdk_cloudtrail::types::{Event, LookupAttribute};

use super::attribute::PushedAttribute;
use crate::aws;
use trailtab_core::history::walk::{PAGE, PageRequest};

/// Error code if no credentials could be obtained, which may be temporary.
pub(super) const NO_CREDENTIALS: &str = "NoCredentials";

/// A page as received.
#[derive(Debug, Default)]
pub(super) struct LookupPage {
    pub(super) events: Vec<Event>,
    pub(super) token: Option<String>,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LookupFailure {
    /// The quota is used up for now.
    Throttled,
    /// A temporary error.
    Passing { code: String, reason: String },
    /// The page token is no longer valid.
    TokenLost,
    /// The credentials are missing or no longer valid.
    Expired { code: String, reason: String },
    /// A permanent error.
    Refused { code: String, reason: String },
}

/// Requests a page.
pub(super) async fn page(
    client: Client,
    ask: PageRequest,
    attribute: Option<PushedAttribute>,
) -> Result<LookupPage, LookupFailure> {
    let attribute = attribute.map(LookupAttribute::try_from).transpose();
    let attribute = attribute.map_err(|error| LookupFailure::Refused {
        code: "InvalidLookupAttributesException".to_owned(),
        reason: aws::with_causes(&error),
    })?;
    let request = client
        .lookup_events()
        .start_time(DateTime::from_secs(ask.from))
        .end_time(DateTime::from_secs(ask.to))
        .max_results(PAGE as i32)
        // At most one attribute: LookupEvents silently ignores all but the first.
        .set_lookup_attributes(attribute.map(|attribute| vec![attribute]))
        .set_next_token(ask.token);
    match request.send().await {
        Ok(page) => Ok(LookupPage {
            events: page.events.unwrap_or_default(),
            token: page.next_token.filter(|token| !token.is_empty()),
        }),
        Err(error) => Err(classify(&error)),
    }
}

/// Classifies an error. ThrottlingException comes with HTTP status 400.
fn classify(error: &SdkError<LookupEventsError, HttpResponse>) -> LookupFailure {
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    let Some(code) = error.code() else {
        return without_code(error, status);
    };
    let reason = error.message().unwrap_or("no message").to_owned();
    let code = code.to_owned();
    match code.as_str() {
        "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown" => LookupFailure::Throttled,
        "InvalidNextTokenException" => LookupFailure::TokenLost,
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            LookupFailure::Expired { code, reason }
        }
        "InternalFailure"
        | "InternalError"
        | "InternalServerError"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "RequestTimeout"
        | "RequestTimeoutException" => LookupFailure::Passing { code, reason },
        _ if status == Some(429) => LookupFailure::Throttled,
        _ if status.is_some_and(|status| status >= 500) => LookupFailure::Passing { code, reason },
        _ => LookupFailure::Refused { code, reason },
    }
}

/// Classifies an error without a code: broken connections, time-outs, unreadable responses.
fn without_code(
    error: &SdkError<LookupEventsError, HttpResponse>,
    status: Option<u16>,
) -> LookupFailure {
    let reason = aws::with_causes(error);
    if status == Some(429) {
        return LookupFailure::Throttled;
    }
    let code = match error {
        // The connector has already retried.
        _ if aws::is_unreachable(error) => {
            let code = "ConnectionError".to_owned();
            return LookupFailure::Refused { code, reason };
        }
        SdkError::TimeoutError(_) => "RequestTimeout",
        _ if aws::lacks_credentials(error) => {
            let code = NO_CREDENTIALS.to_owned();
            return LookupFailure::Expired { code, reason };
        }
        SdkError::ConstructionFailure(_) => {
            let code = "InvalidRequest".to_owned();
            return LookupFailure::Refused { code, reason };
        }
        SdkError::DispatchFailure(_) => "ConnectionError",
        _ => "UnreadableResponse",
    };
    LookupFailure::Passing {
        code: code.to_owned(),
        reason,
    }
}
