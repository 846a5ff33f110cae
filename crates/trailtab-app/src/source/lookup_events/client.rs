//! One page of LookupEvents, and what may come instead.

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::config::http::HttpResponse;
use aws_sdk_cloudtrail::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_cloudtrail::operation::lookup_events::LookupEventsError;
use aws_sdk_cloudtrail::primitives::DateTime;
use aws_sdk_cloudtrail::types::{Event, LookupAttribute};

use super::attribute::PushedAttribute;
use crate::aws;
use trailtab_core::history::walk::{PAGE, PageRequest};

/// The code where credentials could not be had at all, which may pass.
pub(super) const NO_CREDENTIALS: &str = "NoCredentials";

/// The code of an answer that cannot be read, or lacks what it must have.
const UNREADABLE: &str = "UnreadableResponse";

/// A page, as it came.
#[derive(Debug, Default)]
pub(super) struct LookupPage {
    pub(super) events: Vec<Event>,
    pub(super) token: Option<String>,
}

/// Why a page did not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LookupFailure {
    /// The quota is used up for the moment.
    Throttled,
    /// Something that may pass.
    Passing { code: String, reason: String },
    /// The token is not known any more.
    TokenLost,
    /// The credentials are not valid any more.
    Expired { code: String, reason: String },
    /// The service refuses, and will go on to do so.
    Refused { code: String, reason: String },
}

/// Asks for a page.
pub(super) async fn page(
    client: Client,
    ask: PageRequest,
    attribute: Option<PushedAttribute>,
) -> Result<LookupPage, LookupFailure> {
    let attribute = attribute.map(LookupAttribute::try_from).transpose();
    let attribute = attribute.map_err(|error| LookupFailure::Refused {
        code: "InvalidLookupAttributesException".to_owned(),
        reason: aws::in_words(&error),
    })?;
    let request = client
        .lookup_events()
        .start_time(DateTime::from_secs(ask.from))
        .end_time(DateTime::from_secs(ask.to))
        .max_results(PAGE as i32)
        // Exactly one is ever sent: the service takes the first and drops the others silently.
        .set_lookup_attributes(attribute.map(|attribute| vec![attribute]))
        .set_next_token(ask.token);
    match request.send().await {
        Ok(page) => match page.events {
            Some(events) => Ok(LookupPage {
                events,
                token: page.next_token.filter(|token| !token.is_empty()),
            }),
            // A window without events has an empty list. Without a list, nothing is known of it.
            None => Err(LookupFailure::Passing {
                code: UNREADABLE.to_owned(),
                reason: "the answer lacks Events".to_owned(),
            }),
        },
        Err(error) => Err(classify(&error)),
    }
}

/// Tells what can be done about an error. ThrottlingException comes with HTTP status 400.
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

/// Connections that broke off, time-outs, answers that cannot be read.
fn without_code(
    error: &SdkError<LookupEventsError, HttpResponse>,
    status: Option<u16>,
) -> LookupFailure {
    let reason = aws::in_words(error);
    if status == Some(429) {
        return LookupFailure::Throttled;
    }
    let code = match error {
        // It was tried often enough.
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
        _ => UNREADABLE,
    };
    LookupFailure::Passing {
        code: code.to_owned(),
        reason,
    }
}
