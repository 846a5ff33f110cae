//! Requests one page of LookupEvents and classifies its errors.

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::config::http::HttpResponse;
use aws_sdk_cloudtrail::error::SdkError;
use aws_sdk_cloudtrail::operation::lookup_events::LookupEventsError;
use aws_sdk_cloudtrail::primitives::DateTime;
use aws_sdk_cloudtrail::types::{Event, LookupAttribute};

use super::attribute::PushedAttribute;
use crate::aws::{self, AwsFailure, FailureKind};
use trailtab_core::history::walk::{PAGE, PageRequest};

/// Error code if no credentials could be obtained, which may be temporary.
pub(super) const NO_CREDENTIALS: &str = "NoCredentials";

/// Error code of an answer that lacks a required member.
const UNREADABLE: &str = "UnreadableResponse";

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

/// Returns what can be done about an error.
fn classify(error: &SdkError<LookupEventsError, HttpResponse>) -> LookupFailure {
    let failure = AwsFailure::of(error);
    let (code, reason) = (failure.code, failure.message);
    match failure.kind {
        FailureKind::Throttled => LookupFailure::Throttled,
        _ if code == "InvalidNextTokenException" => LookupFailure::TokenLost,
        FailureKind::CredentialsExpired => LookupFailure::Expired { code, reason },
        FailureKind::Transient => LookupFailure::Passing { code, reason },
        FailureKind::CredentialsRefused
        | FailureKind::Denied
        | FailureKind::Unreachable
        | FailureKind::Refused => LookupFailure::Refused { code, reason },
    }
}
