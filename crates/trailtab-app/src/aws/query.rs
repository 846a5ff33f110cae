//! Requests in AWS's Query protocol without an SDK client.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::byte_stream::ByteStream;

use super::endpoint::DirectService;
use super::signed::{SigningRules, UnsignedRequest};
use super::xml::elements;
use super::{direct_connector, with_causes};

/// Larger responses are truncated. Forty regions take 10 kB, and a stack 20 kB.
const MAX_RESPONSE_BYTES: usize = 1 << 20;

/// Maximum time of a request, credentials included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends a request and returns the XML of the answer. `body` is form-encoded.
///
/// # Errors
///
/// Returns the reason: AWS's code and message, or why there is no answer.
pub(super) async fn ask(
    config: &SdkConfig,
    service: &DirectService,
    body: String,
) -> Result<String, String> {
    let answer = tokio::time::timeout(REQUEST_TIMEOUT, send(config, service, body)).await;
    answer.unwrap_or_else(|_| Err("it took too long".to_owned()))
}

async fn send(config: &SdkConfig, service: &DirectService, body: String) -> Result<String, String> {
    let request = signed_request(config, service, body).await?;
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(20))
        .build();
    let connector = direct_connector(settings, config.sleep_impl());
    let response = connector
        .call(request)
        .await
        .map_err(|error| with_causes(&error))?;
    let status = response.status();
    let body = ByteStream::new(response.into_body()).collect().await;
    let body = body.map_err(|error| with_causes(&error))?.to_vec();
    let text = String::from_utf8_lossy(&body[..body.len().min(MAX_RESPONSE_BYTES)]).into_owned();
    if status.is_success() {
        return Ok(text);
    }
    let element = |name| elements(&text, name).next();
    Err(match (element("Code"), element("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message} (HTTP status {status})"),
        (Some(code), None) => format!("{code} (HTTP status {status})"),
        (None, _) => format!("HTTP status {status}"),
    })
}

async fn signed_request(
    config: &SdkConfig,
    service: &DirectService,
    body: String,
) -> Result<HttpRequest, String> {
    let request = UnsignedRequest {
        method: "POST",
        rules: SigningRules::Common,
        service: service.name,
        uri: &service.uri(config),
        headers: &[("content-type", "application/x-www-form-urlencoded")],
        body: body.into(),
    };
    request.signed(config).await
}
