//! Recognizes answers that a proxy gave in place of AWS.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Headers of which AWS sends at least one with each answer.
const AWS_HEADERS: [&str; 3] = ["x-amzn-requestid", "x-amz-request-id", "etag"];

/// Returns why an answer with a status of success is not from AWS: it is a page of HTML without a request ID, such as the
/// login page of a proxy. `None` if it may be from AWS, or has another status.
pub(super) fn proxy_page(response: &HttpResponse) -> Option<String> {
    let headers = response.headers();
    let kind = headers.get("content-type").unwrap_or_default();
    let is_page = kind.to_ascii_lowercase().starts_with("text/html");
    let is_of_aws = AWS_HEADERS.iter().any(|name| headers.contains_key(*name));
    let status = response.status().as_u16();
    ((200..300).contains(&status) && is_page && !is_of_aws)
        .then(|| format!("HTTP status {status} with a page of HTML, which is not an answer of AWS"))
}

/// Returns whether a request failed because a proxy answered it with a status of success.
pub fn is_answered_by_proxy<E>(error: &SdkError<E, HttpResponse>) -> bool {
    let response = error.raw_response();
    response.is_some_and(|response| proxy_page(response).is_some())
}

/// Watches one request of an SDK client whose answer has no content, so that the SDK accepts any body.
#[derive(Debug, Clone, Default)]
pub struct ProxyPageWatch {
    has_seen_page: Arc<AtomicBool>,
}

impl ProxyPageWatch {
    /// Whether a proxy answered the last attempt.
    pub fn has_seen_page(&self) -> bool {
        self.has_seen_page.load(Ordering::Relaxed)
    }
}

impl Intercept for ProxyPageWatch {
    fn name(&self) -> &'static str {
        "ProxyPageWatch"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_page = proxy_page(context.response()).is_some();
        self.has_seen_page.store(is_page, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::direct::tests::answer;
    use super::*;

    #[test]
    fn pages_without_a_request_id_are_of_a_proxy() {
        for (headers, is_page) in [
            (&[("content-type", "text/html; charset=utf-8")][..], true),
            (&[("content-type", "Text/HTML")], true),
            (&[("content-type", "application/cbor")], false),
            (&[], false),
            // Emulators answer a PutObject so.
            (&[("content-type", "text/html"), ("etag", "\"0\"")], false),
            (
                &[("content-type", "text/html"), ("x-amzn-requestid", "1")],
                false,
            ),
        ] {
            let mut response = answer(200, "");
            for (name, value) in headers {
                response.headers_mut().insert(*name, *value);
            }
            assert_eq!(proxy_page(&response).is_some(), is_page, "{headers:?}");
        }
    }
}
