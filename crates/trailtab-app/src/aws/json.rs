//! Requests in AWS JSON 1.1 without an SDK client.

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::direct::DirectClient;
use super::endpoint::DirectService;
use super::failure::AwsFailure;
use super::signed::{SigningRules, UnsignedRequest};

/// Longer answers are failures. The table of a wide schema takes 100 kB.
const MAX_ANSWER_BYTES: usize = 8 << 20;

/// A service that speaks AWS JSON 1.1, asked with the credentials and in the region of a configuration.
#[derive(Debug)]
pub(super) struct JsonClient {
    service: &'static DirectService,
    uri: String,
    client: DirectClient,
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
        JsonClient {
            uri: service.uri(config),
            service,
            client: DirectClient::new(config, MAX_ANSWER_BYTES),
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
        let request = UnsignedRequest {
            method: "POST",
            service: self.service.name,
            rules: SigningRules::Common,
            uri: &self.uri,
            headers: &[
                ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", target),
            ],
            // Serializing structs of texts and numbers cannot fail.
            body: serde_json::to_vec(request).unwrap_or_default(),
        };
        let answer = self.client.send(&request, failure_of).await?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| AwsFailure::of_answer(format!("the answer cannot be used: {error}")))
    }
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

#[cfg(test)]
mod tests {
    use super::super::direct::tests::answer;
    use super::super::failure::FailureKind;
    use super::*;

    fn answered(status: u16, body: &str) -> AwsFailure {
        failure_of(&answer(status, ""), body.as_bytes())
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
        let mut response = answer(400, "");
        let headers = response.headers_mut();
        headers.insert("x-amzn-errortype", "ThrottlingException:");
        assert_eq!(failure_of(&response, b"").kind, FailureKind::Throttled);
    }
}
