//! Requests in AWS JSON 1.1 without an SDK client.
//!
//! Only for operations that may be repeated: those that read, and those that AWS does once however
//! often they arrive.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::byte_stream::ByteStream;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::endpoint::DirectService;
use super::failure::{AwsFailure, FailureKind};
use super::signed::UnsignedPost;
use super::{CREDENTIALS_TIMEOUT, connector, with_causes};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum time of one request, from its first byte to the last byte of the answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Longer answers are failures. The table of a wide schema takes 100 kB.
const MAX_ANSWER_BYTES: usize = 8 << 20;

/// Maximum number of requests of one call.
const ATTEMPTS: u32 = 8;

/// Maximum number of requests of one call that find no connection.
const CONNECT_ATTEMPTS: u32 = 3;

/// Time after the first request in which a failed one is repeated.
const RETRY_PERIOD: Duration = Duration::from_secs(120);

const FIRST_WAIT: Duration = Duration::from_millis(200);

const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Credentials are obtained anew so long before they expire.
const EXPIRY_MARGIN: Duration = Duration::from_secs(30);

/// A service that speaks AWS JSON 1.1, asked with the credentials and in the region of a configuration.
#[derive(Debug)]
pub(super) struct JsonClient {
    config: SdkConfig,
    service: &'static DirectService,
    uri: String,
    connector: Connector,
    /// Those of the latest request. Providers do not keep them: each use may assume a role again.
    credentials: Mutex<Option<Credentials>>,
}

/// An error in AWS JSON 1.1. The code may have a namespace before `#` and a URL after `:`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonError {
    #[serde(rename = "__type", alias = "code")]
    kind: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

impl JsonClient {
    pub(super) fn new(config: &SdkConfig, service: &'static DirectService) -> JsonClient {
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(REQUEST_TIMEOUT)
            .build();
        JsonClient {
            uri: service.uri(config),
            connector: connector(Some(settings), config.sleep_impl()),
            config: config.clone(),
            service,
            credentials: Mutex::default(),
        }
    }

    /// Sends a request until it is answered, or has failed often enough. `target` is the value of
    /// `X-Amz-Target`, such as `AmazonAthena.GetWorkGroup`.
    ///
    /// # Errors
    ///
    /// Returns the last failure.
    pub(super) async fn call<A: DeserializeOwned>(
        &self,
        target: &'static str,
        request: &impl Serialize,
    ) -> Result<A, AwsFailure> {
        // Serializing structs of texts and numbers cannot fail.
        let body = serde_json::to_vec(request).unwrap_or_default();
        let began = Instant::now();
        let mut repetition = Repetition::default();
        loop {
            let failure = match self.send(target, body.clone()).await {
                Ok(answer) => return parsed(&answer),
                Err(failure) => failure,
            };
            match repetition.after(&failure, began.elapsed()) {
                AfterFailure::GiveUp => return Err(failure),
                AfterFailure::Again { wait } => sleep(wait).await,
                AfterFailure::AgainWithNewCredentials => *self.credentials.lock().await = None,
            }
        }
    }

    /// Sends a request once, and returns the body of an answer that tells of success.
    async fn send(&self, target: &'static str, body: Vec<u8>) -> Result<Vec<u8>, AwsFailure> {
        let credentials = self.credentials().await?;
        let post = UnsignedPost {
            service: self.service.name,
            uri: &self.uri,
            headers: &[
                ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", target),
            ],
            body,
        };
        let request = post
            .signed_with(credentials, &self.config)
            .map_err(|reason| unsent("InvalidRequest", reason))?;
        let exchange = async {
            let answer = self.connector.call(request).await;
            let mut response = answer.map_err(|error| AwsFailure::of_connection(&error))?;
            let body = body_of(&mut response).await?;
            Ok((response, body))
        };
        let (response, body) = timeout(REQUEST_TIMEOUT, exchange).await.map_err(|_| {
            let reason = format!("no answer within {} seconds", REQUEST_TIMEOUT.as_secs());
            AwsFailure::of_program(FailureKind::Transient, "RequestTimeout", reason, true)
        })??;
        match response.status().is_success() {
            true => Ok(body),
            false => Err(failure_of(&response, &body)),
        }
    }

    /// The credentials of the latest request, or new ones if these will expire.
    async fn credentials(&self) -> Result<Credentials, AwsFailure> {
        let mut kept = self.credentials.lock().await;
        let now = self.config.time_source().map(|source| source.now());
        let is_valid = |credentials: &&Credentials| match (credentials.expiry(), now) {
            (Some(expiry), Some(now)) => expiry > now + EXPIRY_MARGIN,
            _ => true,
        };
        if let Some(credentials) = kept.as_ref().filter(is_valid) {
            return Ok(credentials.clone());
        }
        let lacking = |reason: String| unsent("NoCredentials", reason);
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| lacking("no credentials".to_owned()))?;
        let provided = timeout(CREDENTIALS_TIMEOUT, provider.provide_credentials()).await;
        let provided = provided.map_err(|_| {
            let seconds = CREDENTIALS_TIMEOUT.as_secs();
            lacking(format!("no credentials within {seconds} seconds"))
        })?;
        let credentials = provided.map_err(|error| AwsFailure::of_credentials(&error))?;
        *kept = Some(credentials.clone());
        Ok(credentials)
    }
}

fn unsent(code: &str, reason: String) -> AwsFailure {
    AwsFailure::of_program(FailureKind::Refused, code, reason, false)
}

/// Reads the body of an answer, which ends at [`MAX_ANSWER_BYTES`].
async fn body_of(response: &mut HttpResponse) -> Result<Vec<u8>, AwsFailure> {
    let mut body = ByteStream::new(response.take_body());
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| {
            let reason = format!("the answer broke off: {}", with_causes(&error));
            AwsFailure::of_program(FailureKind::Transient, "ConnectionError", reason, true)
        })?;
        if bytes.len() + piece.len() > MAX_ANSWER_BYTES {
            let mib = MAX_ANSWER_BYTES >> 20;
            let reason = format!("the answer is longer than {mib} MiB");
            return Err(AwsFailure::of_answer(reason));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn parsed<A: DeserializeOwned>(body: &[u8]) -> Result<A, AwsFailure> {
    serde_json::from_slice(body)
        .map_err(|error| AwsFailure::of_answer(format!("the answer cannot be used: {error}")))
}

fn failure_of(response: &HttpResponse, body: &[u8]) -> AwsFailure {
    let error: JsonError = serde_json::from_slice(body).unwrap_or_default();
    let header = response.headers().get("x-amzn-errortype");
    let code = error.kind.as_deref().or(header).map(short_code);
    let code = code.filter(|code| !code.is_empty());
    AwsFailure::of_direct_answer(response, code, error.message.as_deref())
}

/// `com.amazonaws.athena#InvalidRequestException:http://…` without what stands around the code.
fn short_code(kind: &str) -> &str {
    let code = kind.split(':').next().unwrap_or(kind);
    code.rsplit('#').next().unwrap_or(code).trim()
}

/// What follows after a request that failed.
#[derive(Debug, PartialEq, Eq)]
enum AfterFailure {
    Again { wait: Duration },
    AgainWithNewCredentials,
    GiveUp,
}

/// What is known of a call's failed requests.
#[derive(Debug, Default)]
struct Repetition {
    failed: u32,
    unconnected: u32,
    has_new_credentials: bool,
}

impl Repetition {
    /// Decides what follows, given the time since the first request began.
    fn after(&mut self, failure: &AwsFailure, elapsed: Duration) -> AfterFailure {
        self.failed += 1;
        let is_lost = failure.status.is_none() && !failure.may_have_arrived;
        self.unconnected += u32::from(is_lost);
        match failure.kind {
            // Without a code, there are no credentials to be had.
            FailureKind::CredentialsExpired if failure.has_code && !self.has_new_credentials => {
                self.has_new_credentials = true;
                AfterFailure::AgainWithNewCredentials
            }
            FailureKind::Throttled | FailureKind::Transient
                if self.failed < ATTEMPTS
                    && self.unconnected < CONNECT_ATTEMPTS
                    && elapsed < RETRY_PERIOD =>
            {
                AfterFailure::Again {
                    wait: wait_after(self.failed),
                }
            }
            _ => AfterFailure::GiveUp,
        }
    }
}

/// The wait after so many failed requests: twice as long after each, up to a limit. One run asks one
/// request at a time, so there is no crowd that a random part would spread.
fn wait_after(failed: u32) -> Duration {
    let doublings = failed.saturating_sub(1).min(16);
    (FIRST_WAIT * 2u32.pow(doublings)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn answered(status: u16, body: &str) -> AwsFailure {
        let status = StatusCode::try_from(status).unwrap();
        failure_of(
            &HttpResponse::new(status, SdkBody::empty()),
            body.as_bytes(),
        )
    }

    fn lost(kind: FailureKind, may_have_arrived: bool) -> AwsFailure {
        AwsFailure::of_program(kind, "ConnectionError", String::new(), may_have_arrived)
    }

    #[test]
    fn errors_are_read_from_body_or_header() {
        let body = r#"{"__type":"com.amazonaws.athena#InvalidRequestException:http://x","Message":"no\nsuch"}"#;
        let failure = answered(400, body);
        assert_eq!(
            failure.explanation,
            "InvalidRequestException: no such (HTTP status 400)"
        );
        assert_eq!(failure.kind, FailureKind::Refused);
        let failure = answered(502, "<html>");
        assert_eq!(
            (failure.code.as_str(), failure.kind),
            ("HTTP 502", FailureKind::Transient)
        );
        let mut response = HttpResponse::new(StatusCode::try_from(400).unwrap(), SdkBody::empty());
        let headers = response.headers_mut();
        headers.insert("x-amzn-errortype", "ThrottlingException:");
        assert_eq!(failure_of(&response, b"").kind, FailureKind::Throttled);
    }

    #[test]
    fn what_may_pass_is_repeated_a_bounded_number_of_times() {
        for (failure, most) in [
            (
                answered(400, r#"{"__type":"TooManyRequestsException"}"#),
                ATTEMPTS,
            ),
            (
                answered(400, r#"{"__type":"ThrottlingException"}"#),
                ATTEMPTS,
            ),
            (answered(429, ""), ATTEMPTS),
            (answered(503, ""), ATTEMPTS),
            (lost(FailureKind::Transient, true), ATTEMPTS),
            (lost(FailureKind::Transient, false), CONNECT_ATTEMPTS),
            (lost(FailureKind::Unreachable, false), 1),
            (answered(400, r#"{"__type":"InvalidRequestException"}"#), 1),
            (answered(400, r#"{"__type":"AccessDeniedException"}"#), 1),
            (AwsFailure::lacks("QueryExecutionId"), 1),
        ] {
            let mut repetition = Repetition::default();
            let waits = std::iter::from_fn(|| match repetition.after(&failure, Duration::ZERO) {
                AfterFailure::Again { wait } => Some(wait),
                AfterFailure::AgainWithNewCredentials | AfterFailure::GiveUp => None,
            });
            let waits: Vec<Duration> = waits.collect();
            assert_eq!(waits.len() + 1, most as usize, "{failure:?}");
            assert!(waits.is_sorted() && waits.iter().all(|wait| *wait <= LONGEST_WAIT));
        }
        let mut repetition = Repetition::default();
        let throttled = answered(429, "");
        assert_eq!(
            repetition.after(&throttled, RETRY_PERIOD),
            AfterFailure::GiveUp
        );
    }

    #[test]
    fn expired_credentials_are_replaced_once() {
        let expired = answered(400, r#"{"__type":"ExpiredTokenException"}"#);
        let mut repetition = Repetition::default();
        assert_eq!(
            repetition.after(&expired, Duration::ZERO),
            AfterFailure::AgainWithNewCredentials
        );
        assert_eq!(
            repetition.after(&expired, Duration::ZERO),
            AfterFailure::GiveUp
        );
        let mut repetition = Repetition::default();
        let none = lost(FailureKind::CredentialsExpired, false);
        assert_eq!(
            repetition.after(&none, Duration::ZERO),
            AfterFailure::GiveUp
        );
    }

    #[tokio::test]
    async fn an_endless_answer_is_a_failure() {
        let answer = |bytes: usize| {
            let body = SdkBody::from(vec![b' '; bytes]);
            HttpResponse::new(StatusCode::try_from(200).unwrap(), body)
        };
        let longest = body_of(&mut answer(MAX_ANSWER_BYTES)).await.unwrap();
        assert_eq!(longest.len(), MAX_ANSWER_BYTES);
        let failure = body_of(&mut answer(MAX_ANSWER_BYTES + 1))
            .await
            .unwrap_err();
        assert_eq!(failure.explanation, "the answer is longer than 8 MiB");
    }
}
