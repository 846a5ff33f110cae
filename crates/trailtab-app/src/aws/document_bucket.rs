//! Small documents in a bucket of S3, by signed requests instead of the SDK's client: with its endpoint rules and checksums
//! of all kinds, that client would be an eighth of what a function loads.

use aws_config::SdkConfig;
use aws_lc_rs::digest::{SHA256, digest};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::direct::{DirectAnswer, DirectClient};
use super::endpoint::{S3, bucket_uri, encoded_key};
use super::failure::AwsFailure;
use super::proxy_page::proxy_page;
use super::signed::{SigningRules, UnsignedRequest};
use super::xml::elements;

/// Larger documents are not read. The largest is the list of kept metrics.
const MAX_DOCUMENT_BYTES: usize = 64 << 20;

/// Reads, writes and deletes documents of one bucket in the configured region.
#[derive(Debug)]
pub struct DocumentBucket {
    name: String,
    /// Ends in a slash; the key follows.
    uri: String,
    client: DirectClient,
}

/// A document as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDocument {
    /// The entity tag, which is another one after each change.
    pub etag: Option<String>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The precondition of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteCondition<'c> {
    /// Writes in any case.
    Always,
    /// There is no such document.
    IfAbsent,
    /// The document has this entity tag.
    IfTagged(&'c str),
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteResult {
    /// The document is written, and has this entity tag.
    Written(Option<String>),
    /// The precondition does not hold.
    Unmet,
}

impl DocumentBucket {
    /// A bucket in the configured region.
    pub fn new(config: &SdkConfig, name: &str) -> DocumentBucket {
        DocumentBucket {
            name: name.to_owned(),
            uri: bucket_uri(config, name),
            client: DirectClient::new(config, MAX_DOCUMENT_BYTES),
        }
    }

    /// The name of the bucket.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads a document, with `s3:GetObject`; `None` if there is none, which S3 tells only to callers that have
    /// `s3:ListBucket`.
    ///
    /// # Errors
    ///
    /// Returns why S3 gave no document, or that it has more than 64 MiB.
    pub async fn get(&self, key: &str) -> Result<Option<StoredDocument>, AwsFailure> {
        let uri = self.uri_of(key);
        let answer = self
            .client
            .send(&request("GET", &uri, &[]), failure_of)
            .await;
        match answer.and_then(of_s3) {
            Ok(answer) => Ok(Some(StoredDocument {
                etag: etag(&answer.head),
                bytes: answer.body,
            })),
            Err(failure) if failure.code == "NoSuchKey" => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Writes a document, with `s3:PutObject`.
    ///
    /// # Errors
    ///
    /// Returns why S3 did not write it, or may not have.
    pub async fn put(
        &self,
        key: &str,
        bytes: &[u8],
        condition: WriteCondition<'_>,
    ) -> Result<WriteResult, AwsFailure> {
        let uri = self.uri_of(key);
        // Buckets with Object Lock refuse objects without a checksum.
        let checksum = STANDARD.encode(digest(&SHA256, bytes));
        let mut headers = vec![
            ("content-type", "application/json"),
            ("x-amz-checksum-sha256", checksum.as_str()),
        ];
        match condition {
            WriteCondition::Always => {}
            WriteCondition::IfAbsent => headers.push(("if-none-match", "*")),
            WriteCondition::IfTagged(tag) => headers.push(("if-match", tag)),
        }
        let mut request = request("PUT", &uri, &headers);
        request.body = bytes.to_vec();
        match self.client.send(&request, failure_of).await.and_then(of_s3) {
            Ok(answer) => Ok(WriteResult::Written(etag(&answer.head))),
            Err(failure) if condition.is_unmet(&failure) => Ok(WriteResult::Unmet),
            Err(failure) => Err(failure),
        }
    }

    /// Deletes a document if there is one, with `s3:DeleteObject`.
    ///
    /// # Errors
    ///
    /// Returns why S3 did not delete it, or may not have.
    pub async fn delete(&self, key: &str) -> Result<(), AwsFailure> {
        let uri = self.uri_of(key);
        let deleted = self
            .client
            .send(&request("DELETE", &uri, &[]), failure_of)
            .await;
        deleted.map(drop)
    }

    fn uri_of(&self, key: &str) -> String {
        format!("{}{}", self.uri, encoded_key(key))
    }
}

impl WriteCondition<'_> {
    /// Tells whether a write failed because of its condition. 409 means that a concurrent conditional write came first, and
    /// 404 that the object was deleted.
    fn is_unmet(self, failure: &AwsFailure) -> bool {
        match self {
            WriteCondition::Always => false,
            WriteCondition::IfAbsent => matches!(failure.status, Some(409 | 412)),
            WriteCondition::IfTagged(_) => {
                matches!(failure.status, Some(409 | 412)) || failure.code == "NoSuchKey"
            }
        }
    }
}

fn request<'r>(
    method: &'static str,
    uri: &'r str,
    headers: &'r [(&'static str, &'r str)],
) -> UnsignedRequest<'r> {
    UnsignedRequest {
        method,
        service: S3.name,
        rules: SigningRules::S3,
        uri,
        headers,
        body: Vec::new(),
    }
}

/// Refuses an answer that a proxy gave in place of S3.
fn of_s3(answer: DirectAnswer) -> Result<DirectAnswer, AwsFailure> {
    match proxy_page(&answer.head) {
        Some(reason) => Err(AwsFailure::of_answer(reason)),
        None => Ok(answer),
    }
}

fn etag(head: &HttpResponse) -> Option<String> {
    head.headers().get("etag").map(str::to_owned)
}

/// What S3 says in the XML of an answer with a status of failure.
fn failure_of(head: &HttpResponse, body: &[u8]) -> AwsFailure {
    let xml = String::from_utf8_lossy(body);
    let element = |name| elements(&xml, name).next();
    AwsFailure::of_direct_answer(head, element("Code"), element("Message"))
}

#[cfg(test)]
mod tests {
    use super::super::direct::tests::answer;
    use super::super::failure::FailureKind;
    use super::*;

    fn answered(status: u16, body: &str) -> AwsFailure {
        failure_of(&answer(status, ""), body.as_bytes())
    }

    fn coded(status: u16, code: &str) -> AwsFailure {
        answered(status, &format!("<Error><Code>{code}</Code></Error>"))
    }

    #[test]
    fn errors_are_read_from_xml() {
        let body = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>";
        let failure = answered(503, body);
        assert_eq!(failure.kind, FailureKind::Throttled);
        assert_eq!(failure.message, "Reduce your rate.");
        let failure = answered(502, "<html>");
        assert_eq!(
            (failure.code.as_str(), failure.kind),
            ("HTTP 502", FailureKind::Transient)
        );
    }

    #[test]
    fn conditions_are_unmet_by_status() {
        let (absent, tagged) = (WriteCondition::IfAbsent, WriteCondition::IfTagged("\"1\""));
        let exists = coded(412, "PreconditionFailed");
        let concurrent = coded(409, "ConditionalRequestConflict");
        let deleted = coded(404, "NoSuchKey");
        let no_bucket = coded(404, "NoSuchBucket");
        for (condition, failure, is_unmet) in [
            (absent, &exists, true),
            (absent, &concurrent, true),
            (absent, &deleted, false),
            (absent, &no_bucket, false),
            (tagged, &exists, true),
            (tagged, &concurrent, true),
            (tagged, &deleted, true),
            (tagged, &no_bucket, false),
            (WriteCondition::Always, &exists, false),
        ] {
            assert_eq!(
                condition.is_unmet(failure),
                is_unmet,
                "{condition:?} {failure}"
            );
        }
    }

    #[test]
    fn keys_are_encoded_as_they_are_signed() {
        let config = SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .endpoint_url("http://127.0.0.1:1");
        let bucket = DocumentBucket::new(&config.build(), "letters");
        assert_eq!(
            bucket.uri_of("a/b c+d=é~.json"),
            "http://127.0.0.1:1/letters/a/b%20c%2Bd%3D%C3%A9~.json"
        );
    }
}
