//! Posts JSON to a webhook with the connector of the AWS clients: its TLS, its proxy, and no redirects.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::byte_stream::ByteStream;
use tokio::time;

use super::{connector, lacks_connection};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Timeout of a request, from its first byte to the last byte of the answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// Longer answers are cut. Answers of webhooks are a word, or a sentence.
const MAX_ANSWER_BYTES: usize = 2048;

/// The answer to a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The time to wait that the server asks for.
    pub retry_after: Option<Duration>,
    /// The beginning of the body, as text; empty if it did not arrive.
    pub body: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookFailure {
    /// No connection was made, or no TLS; nothing was sent.
    #[error(
        "cannot connect to its host, or TLS failed; check the network, HTTPS_PROXY and the host's certificate"
    )]
    NotSent,
    /// The request cannot be written.
    #[error("its URL cannot be used in a request")]
    Unusable,
    /// The request was sent, at least in part.
    #[error("no answer in time, or the connection was cut")]
    NoAnswer,
}

/// Posts JSON to a URL. Errors contain no part of the URL.
///
/// # Errors
///
/// Tells whether the request may have arrived.
pub async fn post_json(
    config: &SdkConfig,
    url: &str,
    body: Vec<u8>,
) -> Result<WebhookAnswer, WebhookFailure> {
    let mut request = HttpRequest::new(body.into());
    let is_written = request.set_method("POST").is_ok() && request.set_uri(url).is_ok();
    if !is_written {
        return Err(WebhookFailure::Unusable);
    }
    let headers = request.headers_mut();
    headers.insert("content-type", "application/json; charset=utf-8");
    headers.insert("user-agent", super::APP_NAME);
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(REQUEST_TIMEOUT)
        .build();
    let connector = connector(Some(settings), config.sleep_impl());
    let deadline = time::Instant::now() + REQUEST_TIMEOUT;
    let response = match time::timeout_at(deadline, connector.call(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) if lacks_connection(&error) => return Err(WebhookFailure::NotSent),
        Ok(Err(_)) | Err(_) => return Err(WebhookFailure::NoAnswer),
    };
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after");
    let retry_after = retry_after.and_then(|text| text.trim().parse().ok());
    let mut body = ByteStream::new(response.into_body());
    let mut bytes = Vec::new();
    while bytes.len() < MAX_ANSWER_BYTES {
        match time::timeout_at(deadline, body.next()).await {
            Ok(Some(Ok(more))) => bytes.extend_from_slice(&more),
            Ok(Some(Err(_)) | None) | Err(_) => break,
        }
    }
    bytes.truncate(MAX_ANSWER_BYTES);
    Ok(WebhookAnswer {
        status,
        retry_after: retry_after.map(Duration::from_secs),
        body: String::from_utf8_lossy(&bytes).trim().to_owned(),
    })
}
