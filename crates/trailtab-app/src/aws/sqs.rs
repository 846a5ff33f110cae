//! Sends messages to a queue of SQS, with one signed request instead of the SDK's client.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_types::byte_stream::ByteStream;
use serde::{Deserialize, Serialize};

use super::proxy_page::proxy_page;
use super::signed::{SigningRules, UnsignedRequest};
use super::{direct_connector, lacks_connection, with_causes};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// Longer answers are cut. An answer holds ids and hashes, or an error.
const MAX_ANSWER_BYTES: usize = 4096;

/// Why a message is not in the queue, or may not be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueFailure {
    /// The queue has not taken it.
    #[error("{0}")]
    Refused(String),
    /// It was sent, and no answer came.
    #[error("{0}")]
    Unanswered(String),
}

/// The request in AWS JSON 1.0, the protocol of SQS.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage<'m> {
    queue_url: &'m str,
    message_body: &'m str,
}

/// An error in AWS JSON 1.0.
#[derive(Default, Deserialize)]
#[serde(default)]
struct QueueError {
    #[serde(rename = "__type")]
    kind: String,
    #[serde(alias = "Message")]
    message: String,
}

/// Sends a message to a standard queue of the configured region, with `sqs:SendMessage`. Never repeats
/// the request: a message could be in the queue twice.
///
/// # Errors
///
/// Tells whether the message may be in the queue.
pub async fn send_message(
    config: &SdkConfig,
    queue_url: &str,
    message: &str,
) -> Result<(), QueueFailure> {
    let body = SendMessage {
        queue_url,
        message_body: message,
    };
    let request = UnsignedRequest {
        method: "POST",
        rules: SigningRules::Common,
        service: "sqs",
        uri: &endpoint(queue_url),
        headers: &[
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", "AmazonSQS.SendMessage"),
        ],
        // Serializing strings cannot fail.
        body: serde_json::to_vec(&body).unwrap_or_default(),
    };
    let request = request
        .signed(config)
        .await
        .map_err(QueueFailure::Refused)?;
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .build();
    let connector = direct_connector(settings, config.sleep_impl());
    let response = match connector.call(request).await {
        Ok(response) => response,
        Err(error) if lacks_connection(&error) => {
            return Err(QueueFailure::Refused(with_causes(&error)));
        }
        Err(error) => return Err(QueueFailure::Unanswered(with_causes(&error))),
    };
    let status = response.status().as_u16();
    if (200..300).contains(&status) {
        return match proxy_page(&response) {
            Some(reason) => Err(QueueFailure::Unanswered(reason)),
            None => Ok(()),
        };
    }
    let mut body = ByteStream::new(response.into_body());
    let mut bytes = Vec::new();
    while let Some(Ok(more)) = body.next().await
        && bytes.len() < MAX_ANSWER_BYTES
    {
        bytes.extend_from_slice(&more);
    }
    let error: QueueError = serde_json::from_slice(&bytes).unwrap_or_default();
    let reason = match error.kind.rsplit(['#', '.']).next() {
        Some(code) if !code.is_empty() => {
            format!("{code}: {} (HTTP status {status})", error.message)
        }
        _ => format!("HTTP status {status}, and no error of SQS"),
    };
    // On 502 and 504, SQS may have accepted the message. On 500 it is sent again: a second dead-letter message does less
    // harm than a lost one.
    Err(match status {
        502 | 504 => QueueFailure::Unanswered(reason),
        _ => QueueFailure::Refused(reason),
    })
}

/// The root of a queue's URL, to which all requests about it go.
fn endpoint(queue_url: &str) -> String {
    let host_begins = queue_url.find("://").map_or(0, |at| at + 3);
    let host_ends = queue_url[host_begins..].find('/');
    let end = host_ends.map_or(queue_url.len(), |at| host_begins + at);
    format!("{}/", &queue_url[..end])
}

#[cfg(test)]
mod tests {
    use super::endpoint;

    #[test]
    fn requests_go_to_the_host_of_the_queue() {
        for (url, root) in [
            (
                "https://sqs.eu-west-1.amazonaws.com/111122223333/letters",
                "https://sqs.eu-west-1.amazonaws.com/",
            ),
            (
                "http://127.0.0.1:4566/111122223333/letters",
                "http://127.0.0.1:4566/",
            ),
            ("https://host", "https://host/"),
        ] {
            assert_eq!(endpoint(url), root);
        }
    }
}
