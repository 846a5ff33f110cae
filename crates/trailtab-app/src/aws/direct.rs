//! Signed requests without an SDK client, which are retried.
//!
//! Only for idempotent operations.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::byte_stream::ByteStream;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::failure::{AwsFailure, FailureKind};
use super::retries::{AfterFailure, RequestRetries};
use super::signed::UnsignedRequest;
use super::{CREDENTIALS_TIMEOUT, direct_connector, with_causes};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum time of one request, from its first byte to the last byte of the answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Credentials are obtained anew so long before they expire.
const EXPIRY_MARGIN: Duration = Duration::from_secs(30);

/// Sends requests with the credentials and in the region of a configuration.
#[derive(Debug)]
pub(super) struct DirectClient {
    config: SdkConfig,
    connector: SharedHttpConnector,
    /// Longer answers are failures.
    max_answer_bytes: usize,
    /// Those of the latest request. Providers do not keep them: each use may assume a role again.
    credentials: Mutex<Option<Credentials>>,
}

/// An answer with a status of success.
#[derive(Debug)]
pub(super) struct DirectAnswer {
    /// Status and headers.
    pub(super) head: HttpResponse,
    pub(super) body: Vec<u8>,
}

impl DirectClient {
    pub(super) fn new(config: &SdkConfig, max_answer_bytes: usize) -> DirectClient {
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(REQUEST_TIMEOUT)
            .build();
        DirectClient {
            connector: direct_connector(settings, config.sleep_impl()),
            config: config.clone(),
            max_answer_bytes,
            credentials: Mutex::default(),
        }
    }

    /// Sends a request until it is answered, or has failed often enough. `failed` reads the answer to a
    /// request that failed.
    ///
    /// # Errors
    ///
    /// Returns the last failure.
    pub(super) async fn send(
        &self,
        request: &UnsignedRequest<'_>,
        failed: impl Fn(&HttpResponse, &[u8]) -> AwsFailure,
    ) -> Result<DirectAnswer, AwsFailure> {
        let began = Instant::now();
        let mut retries = RequestRetries::default();
        loop {
            let failure = match self.send_once(request).await {
                Ok(answer) if answer.head.status().is_success() => return Ok(answer),
                Ok(answer) => failed(&answer.head, &answer.body),
                Err(failure) => failure,
            };
            match retries.after(&failure, began.elapsed()) {
                AfterFailure::GiveUp => return Err(failure),
                AfterFailure::Retry { wait } => sleep(wait).await,
                AfterFailure::RetryWithNewCredentials => *self.credentials.lock().await = None,
            }
        }
    }

    async fn send_once(&self, request: &UnsignedRequest<'_>) -> Result<DirectAnswer, AwsFailure> {
        let credentials = self.credentials().await?;
        let request = request
            .signed_with(credentials, &self.config)
            .map_err(|reason| unsent("InvalidRequest", reason))?;
        let exchange = async {
            let answer = self.connector.call(request).await;
            let mut head = answer.map_err(|error| AwsFailure::of_connection(&error))?;
            let body = body_of(&mut head, self.max_answer_bytes).await?;
            Ok(DirectAnswer { head, body })
        };
        timeout(REQUEST_TIMEOUT, exchange).await.map_err(|_| {
            let reason = format!("no answer within {} seconds", REQUEST_TIMEOUT.as_secs());
            AwsFailure::of_program(FailureKind::Transient, "RequestTimeout", reason, true)
        })?
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

/// Reads the body of an answer, which fails if it is longer than `limit` bytes.
async fn body_of(response: &mut HttpResponse, limit: usize) -> Result<Vec<u8>, AwsFailure> {
    let mut body = ByteStream::new(response.take_body());
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| {
            let reason = format!("the answer broke off: {}", with_causes(&error));
            AwsFailure::of_program(FailureKind::Transient, "ConnectionError", reason, true)
        })?;
        if bytes.len() + piece.len() > limit {
            let reason = format!("the answer is longer than {} MiB", limit >> 20);
            return Err(AwsFailure::of_answer(reason));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

#[cfg(test)]
pub(super) mod tests {
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    /// An answer without headers.
    pub(crate) fn answer(status: u16, body: impl Into<SdkBody>) -> HttpResponse {
        HttpResponse::new(StatusCode::try_from(status).unwrap(), body.into())
    }

    #[tokio::test]
    async fn an_endless_answer_is_a_failure() {
        let answer = |bytes: usize| answer(200, vec![b' '; bytes]);
        let limit = 8 << 20;
        let longest = body_of(&mut answer(limit), limit).await.unwrap();
        assert_eq!(longest.len(), limit);
        let failure = body_of(&mut answer(limit + 1), limit).await.unwrap_err();
        assert_eq!(failure.explanation, "the answer is longer than 8 MiB");
    }
}
