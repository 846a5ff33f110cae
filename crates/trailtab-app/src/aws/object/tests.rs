//! Requests by a template are like those of the SDK, and so is what becomes of them.

use aws_credential_types::Credentials;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Config, Region};
use aws_smithy_runtime_api::client::connection::ConnectionMetadata;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::http::StatusCode;

use super::*;
use crate::aws::failure::FailureKind;

/// A key with characters that are encoded, and with others.
const KEY: &str = "AWSLogs/o-1 +=&?#%25/日本/~a-b_c.json.gz;:@,!$'()*\"<>[]{}|\\^`/../x//";

/// How a request ends.
type End = Result<HttpResponse, ConnectorError>;

/// The requests that reached S3, and how they end.
#[derive(Clone)]
struct FakeS3 {
    sent: Arc<Mutex<Vec<HttpRequest>>>,
    /// How many connections the client did not want to use again.
    closed: Arc<AtomicI64>,
    end: Arc<dyn Fn() -> End + Send + Sync>,
}

impl std::fmt::Debug for FakeS3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeS3")
    }
}

impl HttpConnector for FakeS3 {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let closed = self.closed.clone();
        let connection = request.extension::<CaptureSmithyConnection>().unwrap();
        connection.set_connection_retriever(move || {
            let closed = closed.clone();
            let connection = ConnectionMetadata::builder()
                .proxied(false)
                .poison_fn(move || {
                    closed.fetch_add(1, Ordering::Relaxed);
                });
            Some(connection.build())
        });
        self.sent.lock().unwrap().push(request);
        HttpConnectorFuture::ready((self.end)())
    }
}

impl FakeS3 {
    fn new(end: impl Fn() -> End + Send + Sync + 'static) -> FakeS3 {
        FakeS3 {
            sent: Arc::default(),
            closed: Arc::default(),
            end: Arc::new(end),
        }
    }

    fn client(&self, bucket: &str, settings: impl Fn(Builder) -> Builder) -> ObjectClient {
        let connector = SharedHttpConnector::new(self.clone());
        let http: SharedHttpClient = http_client_fn(move |_, _| connector.clone());
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new(
                "AKIDEXAMPLE",
                "secret",
                Some("token".to_owned()),
                None,
                "test",
            ))
            .retry_config(RetryConfig::disabled())
            .http_client(http);
        let sdk = Client::from_conf(settings(config).build());
        ObjectClient::new(sdk, bucket, Some(RequestPayer::Requester))
    }

    /// The value of a header in the latest request.
    fn latest(&self, header: &str) -> String {
        let sent = self.sent.lock().unwrap();
        sent.last()
            .unwrap()
            .headers()
            .get(header)
            .unwrap()
            .to_owned()
    }
}

fn response(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> End {
    let status = StatusCode::try_from(status).unwrap();
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    for (name, value) in headers {
        response.headers_mut().append(*name, *value);
    }
    Ok(response)
}

fn refusal(status: u16, code: &str, message: &str) -> End {
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>{code}</Code><Message>{message}</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>"#
    );
    response(status, &[("x-amz-request-id", "4442587FB7D0A2F9")], &body)
}

/// What is told of an object, and its bytes or why they do not arrive.
async fn read(client: &ObjectClient) -> Result<String, AwsFailure> {
    let request = ObjectRequest {
        key: KEY,
        ..ObjectRequest::default()
    };
    let answer = client.get(request).await?;
    let told = (
        answer.etag,
        answer.content_range,
        answer.metadata.get("signature").cloned(),
    );
    let length = answer.body.length;
    let bytes = answer.body.collect().await;
    let bytes = bytes.map_err(|error| super::super::with_causes(&error));
    Ok(format!("{told:?} {length:?} {bytes:?}"))
}

/// Reads by the SDK's request, and by one like it.
async fn both(s3: &FakeS3) -> [Result<String, AwsFailure>; 2] {
    let client = s3.client("logs", |settings| settings);
    let first = read(&client).await;
    assert!(client.template.get().is_some_and(Option::is_some));
    [first, read(&client).await]
}

#[tokio::test]
async fn requests_are_like_those_of_the_sdk() {
    let path_style = |settings: Builder| settings.force_path_style(true);
    let endpoint = |settings: Builder| settings.endpoint_url("http://127.0.0.1:4566/behind");
    let dual_stack = |settings: Builder| settings.use_dual_stack(true).use_fips(true);
    let when_required = |settings: Builder| {
        let required = aws_sdk_s3::config::ResponseChecksumValidation::WhenRequired;
        settings.response_checksum_validation(required)
    };
    let point = "arn:aws:s3:eu-west-1:111122223333:accesspoint/logs";
    let settings: [(&str, &dyn Fn(Builder) -> Builder); 6] = [
        ("logs", &|settings| settings),
        ("logs.example.com", &path_style),
        ("logs", &endpoint),
        ("logs", &dual_stack),
        ("logs", &when_required),
        (point, &|settings| settings),
    ];
    for (bucket, settings) in settings {
        let s3 = FakeS3::new(|| response(200, &[], ""));
        let client = s3.client(bucket, settings);
        for (range, etag) in [(None, None), (Some("bytes=0-99"), Some("\"0\""))] {
            let request = ObjectRequest {
                key: KEY,
                range,
                etag,
            };
            client.by_sdk(request).send().await.unwrap();
            // The first one is the SDK's.
            for _ in 0..2 {
                client.get(request).await.unwrap();
            }
            let sent = std::mem::take(&mut *s3.sent.lock().unwrap());
            let [sdk, .., ours] = &sent[..] else {
                panic!("{sent:?}");
            };
            assert_eq!((ours.method(), ours.uri()), (sdk.method(), sdk.uri()));
            let headers = |request: &HttpRequest| {
                let mut headers: Vec<(String, String)> = request
                    .headers()
                    .iter()
                    // The signature covers the time, and the SDK's number of the request.
                    .filter(|(name, _)| {
                        !name.starts_with("amz-sdk-")
                            && !["authorization", "x-amz-date"].contains(name)
                    })
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect();
                headers.sort();
                headers
            };
            assert_eq!(headers(ours), headers(sdk), "{bucket}");
            let scope = |request: &HttpRequest| {
                let signature = request.headers().get("authorization").unwrap();
                signature.split(',').next().unwrap().to_owned()
            };
            assert_eq!(scope(ours), scope(sdk));
        }
    }
}

#[tokio::test]
async fn objects_are_read_as_the_sdk_reads_them() {
    let s3 = FakeS3::new(|| {
        let headers = [
            ("etag", "\"0\""),
            ("content-length", "5"),
            ("content-range", "bytes 0-4/9"),
            ("x-amz-meta-signature", "abc"),
            ("x-amz-checksum-crc32", "NhCmhg=="),
        ];
        response(200, &headers, "hello")
    });
    let [first, second] = both(&s3).await;
    assert_eq!(first, second);
    let expected = r#"(Some("\"0\""), Some("bytes 0-4/9"), Some("abc")) Some(5) Ok([104, 101, 108, 108, 111])"#;
    assert_eq!(first.unwrap(), expected);
}

#[tokio::test]
async fn bytes_are_compared_with_their_checksum() {
    for (header, is_compared) in [
        (("x-amz-checksum-crc32", "NhCmhw=="), true),
        (("x-amz-checksum-crc64nvme", "AAAAAAAAAAA="), true),
        (("x-amz-checksum-sha256", "AAAA"), true),
        // That of an object in parts is not the checksum of its bytes.
        (("x-amz-checksum-crc32", "NhCmhw==-2"), false),
    ] {
        let s3 = FakeS3::new(move || response(200, &[header], "hello"));
        let [first, second] = both(&s3).await;
        assert_eq!(first, second);
        assert_eq!(first.unwrap().contains("Err("), is_compared, "{header:?}");
    }
}

#[tokio::test]
async fn failures_are_told_as_the_sdk_tells_them() {
    type MakeEnd = fn() -> End;
    let ends: [(MakeEnd, FailureKind, &str); 12] = [
        (
            || refusal(404, "NoSuchKey", "The key does not exist."),
            FailureKind::Refused,
            "NoSuchKey",
        ),
        (
            || refusal(403, "AccessDenied", "Access Denied"),
            FailureKind::Denied,
            "AccessDenied",
        ),
        (
            || {
                refusal(
                    403,
                    "AccessDenied",
                    "User: x is not authorized to perform: kms:Decrypt on y",
                )
            },
            FailureKind::Denied,
            "AccessDenied",
        ),
        (
            || refusal(403, "InvalidObjectState", "The object is archived."),
            FailureKind::Refused,
            "InvalidObjectState",
        ),
        (
            || refusal(403, "ExpiredToken", "expired"),
            FailureKind::CredentialsExpired,
            "ExpiredToken",
        ),
        (
            || refusal(403, "RequestTimeTooSkewed", "too large"),
            FailureKind::CredentialsRefused,
            "RequestTimeTooSkewed",
        ),
        (
            || refusal(301, "PermanentRedirect", "in eu-central-1"),
            FailureKind::Refused,
            "PermanentRedirect",
        ),
        (
            || refusal(503, "SlowDown", "Reduce your request rate."),
            FailureKind::Throttled,
            "SlowDown",
        ),
        (
            || refusal(500, "InternalError", "again"),
            FailureKind::Transient,
            "InternalError",
        ),
        (
            || response(502, &[("content-type", "text/html")], "<html>Sorry</html>"),
            FailureKind::Transient,
            "HTTP 502",
        ),
        (|| response(403, &[], ""), FailureKind::Denied, "HTTP 403"),
        (
            || {
                Err(ConnectorError::timeout(
                    "no answer within 30 seconds".into(),
                ))
            },
            FailureKind::Transient,
            "ConnectionError",
        ),
    ];
    for (end, kind, code) in ends {
        let s3 = FakeS3::new(end);
        let [first, second] = both(&s3).await;
        let failure = first.unwrap_err();
        assert_eq!(
            (failure.kind, failure.code.as_str()),
            (kind, code),
            "{failure}"
        );
        assert_eq!(second.unwrap_err(), failure);
        // What was sent was sent once.
        assert_eq!(s3.sent.lock().unwrap().len(), 2);
        let is_closed = code == "InternalError" || code == "HTTP 502";
        let closed = s3.closed.load(Ordering::Relaxed);
        assert_eq!(closed, if is_closed { 2 } else { 0 }, "{failure}");
    }
}

#[tokio::test]
async fn the_clock_of_s3_is_learned_from_a_refusal() {
    let s3 = FakeS3::new(|| {
        let mut end = refusal(403, "RequestTimeTooSkewed", "too large");
        if let Ok(response) = &mut end {
            let headers = response.headers_mut();
            headers.insert("date", "Fri, 01 Jan 2100 12:30:00 GMT");
        }
        end
    });
    let client = s3.client("logs", |settings| settings);
    read(&client).await.unwrap_err();
    assert!(!s3.latest("x-amz-date").starts_with("21000101T12"));
    read(&client).await.unwrap_err();
    assert!(s3.latest("x-amz-date").starts_with("21000101T123"));
}
