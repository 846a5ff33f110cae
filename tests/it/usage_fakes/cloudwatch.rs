//! The program's client understands the fake, and the fake refuses what AWS refuses.

use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::Credentials;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_cloudwatch::operation::put_metric_data::PutMetricDataError;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};

use crate::support::calls::ago;
use crate::support::cloudwatch::{CloudWatch, Fault, Outcome};
use crate::support::http::Message;
use crate::support::metrics::{Kept, clock};

type Failure = SdkError<PutMetricDataError>;

async fn client(server: &CloudWatch) -> Client {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(server.url())
        .region("us-east-1")
        .credentials_provider(Credentials::new("111122223333", "test", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .operation_timeout(Duration::from_secs(1))
                .build(),
        )
        .load()
        .await;
    Client::new(&config)
}

fn dimension(name: &str, value: &str) -> Dimension {
    Dimension::builder().name(name).value(value).build()
}

/// A datum this many seconds from now.
fn datum(name: &str, value: f64, seconds: f64) -> MetricDatum {
    MetricDatum::builder()
        .metric_name(name)
        .dimensions(dimension("b", "2"))
        .dimensions(dimension("a", "1"))
        .timestamp(DateTime::from_secs_f64(clock() + seconds))
        .unit(StandardUnit::Count)
        .value(value)
        .build()
}

fn many(count: usize) -> Vec<MetricDatum> {
    (0..count)
        .map(|number| datum(&format!("metric-{number}"), 1.0, 0.0))
        .collect()
}

async fn put(client: &Client, namespace: &str, data: Vec<MetricDatum>) -> Result<(), Failure> {
    let request = client.put_metric_data().namespace(namespace);
    request.set_metric_data(Some(data)).send().await.map(|_| ())
}

/// The code and message of an error of the service.
#[track_caller]
fn error(result: Result<(), Failure>) -> (String, String) {
    let error = result.unwrap_err();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    (text(error.code()), text(error.message()))
}

#[tokio::test]
async fn data_adds_up_by_series_and_minute() {
    let server = CloudWatch::start();
    let client = client(&server).await;
    let minute = ago(600);
    for (name, second) in [("x", 1), ("x", 59), ("x", 61), ("y", 1)] {
        let mut datum = datum(name, 3.0, 0.0);
        datum.timestamp = Some(DateTime::from_secs(minute + second));
        put(&client, "n", vec![datum]).await.unwrap();
    }
    let table = server.table();
    let kept: Vec<_> = table
        .iter()
        .map(|(key, kept)| (key.name.as_str(), kept.sum, kept.samples))
        .collect();
    assert_eq!(kept, [("x", 6, 2), ("x", 3, 1), ("y", 3, 1)]);
    let (key, _) = table.first_key_value().unwrap();
    assert_eq!((key.namespace.as_str(), key.minute), ("n", minute));
    let dimensions = [("a", "1"), ("b", "2")].map(|(name, value)| (name.into(), value.into()));
    assert_eq!(key.dimensions, dimensions);
    let given = &server.requests()[0].request.data[0];
    assert_eq!(given.dimensions[0].0, "b", "as it was given");
    assert_eq!(given.unit, "Count");
}

#[tokio::test]
async fn values_come_with_counts() {
    let server = CloudWatch::start();
    let mut data = datum("x", 0.0, 0.0);
    (data.value, data.values) = (None, Some(vec![2.0, 5.0]));
    let without = data.clone();
    data.counts = Some(vec![3.0, 1.0]);
    let client = client(&server).await;
    put(&client, "n", vec![data, without]).await.unwrap();
    let kept = Kept {
        sum: 18,
        samples: 6,
        least: Some(2),
        most: Some(5),
    };
    assert_eq!(server.table().into_values().collect::<Vec<_>>(), [kept]);
}

#[tokio::test]
async fn large_requests_are_compressed_and_the_books_know_it() {
    let server = CloudWatch::start();
    let client = client(&server).await;
    put(&client, "n", many(1)).await.unwrap();
    put(&client, "n", many(1000)).await.unwrap();
    let [small, large] = &server.requests()[..] else {
        panic!("two requests");
    };
    let (small, large) = (&small.request, &large.request);
    assert_eq!((small.is_gzip, small.data.len()), (false, 1));
    assert_eq!(small.bytes, small.plain_bytes);
    assert_eq!((large.is_gzip, large.data.len()), (true, 1000));
    assert!(large.bytes * 5 < large.plain_bytes, "{}", large.bytes);
    assert!(large.has("metric-999") && !small.has("metric-999"));
    assert_eq!(server.table().len(), 1000);
}

#[tokio::test]
async fn one_bad_datum_costs_its_request() {
    let long = "x".repeat(256);
    let edit = |change: &dyn Fn(&mut MetricDatum)| {
        let mut datum = datum("x", 1.0, 0.0);
        change(&mut datum);
        datum
    };
    let dimensions = |pairs: &[(&str, &str)]| {
        edit(&|datum| {
            let dimensions = pairs.iter().map(|(name, value)| dimension(name, value));
            datum.dimensions = Some(dimensions.collect());
        })
    };
    let numbered: Vec<_> = (0..31).map(|number| format!("d{number}")).collect();
    let too_many: Vec<_> = numbered.iter().map(|name| (name.as_str(), "v")).collect();
    let (value, missing) = ("InvalidParameterValue", "MissingParameter");
    let bad = [
        (datum(&long, 1.0, 0.0), value, "MetricName"),
        (datum("Größe", 1.0, 0.0), value, "MetricName"),
        (datum("a\nb", 1.0, 0.0), value, "MetricName"),
        (datum("", 1.0, 0.0), missing, "MetricName"),
        (datum(" ", 1.0, 0.0), value, "MetricName"),
        (datum("x", f64::NAN, 0.0), value, "Value"),
        (datum("x", f64::INFINITY, 0.0), value, "Value"),
        (datum("x", 2f64.powi(361), 0.0), value, "Value"),
        (datum("x", 1.0, -14.0 * 86_400.0 - 1.0), value, "two weeks"),
        (datum("x", 1.0, 7200.0 + 60.0), value, "two hours"),
        (dimensions(&too_many), value, "greater than 30"),
        (
            dimensions(&[("a", "")]),
            missing,
            "Dimensions.member.1.Value",
        ),
        (
            dimensions(&[("a", "é")]),
            value,
            "Dimensions.member.1.Value",
        ),
        (
            dimensions(&[("", "v")]),
            missing,
            "Dimensions.member.1.Name",
        ),
        (
            dimensions(&[(":a", "v")]),
            value,
            "Dimensions.member.1.Name",
        ),
        (
            dimensions(&[(&long, "v")]),
            value,
            "Dimensions.member.1.Name",
        ),
        (
            dimensions(&[("a", "v"), ("a", "w")]),
            value,
            "member.2.Name",
        ),
        (
            dimensions(&[("a", &long.repeat(5))]),
            value,
            "member.1.Value",
        ),
        (
            edit(&|datum| datum.unit = Some("Calls".into())),
            value,
            "Unit",
        ),
        (
            edit(&|datum| datum.storage_resolution = Some(7)),
            value,
            "StorageResolution",
        ),
        (edit(&|datum| datum.value = None), missing, "Value"),
        (
            edit(&|datum| datum.values = Some(vec![1.0])),
            "InvalidParameterCombination",
            "both",
        ),
    ];
    let server = CloudWatch::start();
    let client = client(&server).await;
    let count = bad.len();
    for (datum, expected, words) in bad {
        let mut data = many(2);
        data.insert(1, datum);
        let (code, message) = error(put(&client, "n", data).await);
        assert_eq!(code, expected, "{words}: {message}");
        assert!(message.contains(words), "{words}: {message}");
    }
    assert_eq!(server.table().len(), 0);
    assert_eq!(server.refused().len(), count);
}

#[tokio::test]
async fn what_is_just_within_the_limits_is_kept() {
    let server = CloudWatch::start();
    let mut data = vec![
        datum(&"x".repeat(255), 1.0, 0.0),
        datum("old", 1.0, -14.0 * 86_400.0 + 60.0),
        datum("early", 1.0, 7200.0 - 1.0),
        MetricDatum::builder()
            .metric_name("bare")
            .value(1.0)
            .build(),
    ];
    let dimensions = (0..30).map(|number| dimension(&format!("d{number}"), &"v".repeat(1024)));
    data[0].dimensions = Some(dimensions.collect());
    put(&client(&server).await, &"n".repeat(255), data)
        .await
        .unwrap();
    assert_eq!(server.table().len(), 4);
}

#[tokio::test]
async fn requests_have_limits_of_their_own() {
    let server = CloudWatch::start();
    let client = client(&server).await;
    let (code, message) = error(put(&client, "n", many(1001)).await);
    assert_eq!(code, "InvalidParameterValue");
    assert!(message.contains("greater than 1000"), "{message}");
    let (code, _) = error(put(&client, "n", Vec::new()).await);
    assert_eq!(code, "MissingParameter");
    let heavy = |mut datum: MetricDatum| {
        datum.dimensions = Some(vec![dimension("d", &"v".repeat(1000))]);
        datum
    };
    // It would be small on the wire.
    let data = many(950).into_iter().map(heavy).collect();
    let (code, _) = error(put(&client, "n", data).await);
    assert_eq!(code, "RequestEntityTooLarge");
    for namespace in ["AWS/EC2", ":x", "a*b", " ", "Größe", &"n".repeat(256)] {
        let (code, _) = error(put(&client, namespace, many(1)).await);
        assert_eq!(code, "InvalidParameterValue", "{namespace}");
    }
    assert_eq!(server.table().len(), 0);
}

#[tokio::test]
async fn faults_come_where_and_as_often_as_rules_say() {
    let server = CloudWatch::start();
    let client = client(&server).await;
    server.fail(2, Fault::THROTTLED, |request| request.nth <= 3);
    server.fail(1, Fault::BROKEN, |request| request.has("metric-0"));
    server.fail(1, Fault::BUSY, |_| true);
    server.fail(1, Fault::Error(400, "ThrottlingException"), |_| true);
    let mut codes = Vec::new();
    for _ in 0..5 {
        codes.push(error(put(&client, "n", many(1)).await).0);
    }
    let expected = [
        "Throttling",
        "Throttling",
        "InternalServiceError",
        "ServiceUnavailable",
        "ThrottlingException",
    ];
    assert_eq!(codes, expected);
    put(&client, "n", many(1)).await.unwrap();
    assert_eq!(server.table().into_values().next().unwrap().sum, 1);
    let outcomes: Vec<_> = server.requests().into_iter().map(|it| it.outcome).collect();
    assert_eq!(outcomes[0], Outcome::Failed("Throttling"));
    assert_eq!(outcomes[5], Outcome::Kept);
    assert_eq!(server.refused(), [""; 0]);
    server.fail(usize::MAX, Fault::BUSY, |_| true);
    server.heal();
    put(&client, "n", many(1)).await.unwrap();
}

#[tokio::test]
async fn silence_says_nothing_of_what_is_kept() {
    let server = CloudWatch::start();
    let client = client(&server).await;
    for (at, fault) in [
        Fault::Hang,
        Fault::KeepAndHang,
        Fault::Close,
        Fault::KeepAndClose,
    ]
    .into_iter()
    .enumerate()
    {
        server.fail(1, fault, |_| true);
        let failure = put(&client, "n", vec![datum(&format!("x{at}"), 1.0, 0.0)]).await;
        let failure = failure.unwrap_err();
        assert!(
            matches!(
                failure,
                SdkError::TimeoutError(_) | SdkError::DispatchFailure(_)
            ),
            "{failure:?}"
        );
    }
    let kept: Vec<_> = server.table().into_keys().map(|key| key.name).collect();
    assert_eq!(kept, ["x1", "x3"]);
    let outcomes: Vec<_> = server.requests().into_iter().map(|it| it.outcome).collect();
    let (lost, kept) = (Outcome::LostInSilence, Outcome::KeptInSilence);
    assert_eq!(outcomes, [lost.clone(), kept.clone(), lost, kept]);
}

#[tokio::test]
async fn connections_are_refused_until_the_server_is_plugged_in() {
    let server = CloudWatch::start();
    let client = client(&server).await;
    put(&client, "n", many(1)).await.unwrap();
    server.unplug();
    for _ in 0..2 {
        let failure = put(&client, "n", many(1)).await.unwrap_err();
        assert!(
            matches!(failure, SdkError::DispatchFailure(_)),
            "{failure:?}"
        );
    }
    server.plug();
    while put(&client, "n", many(1)).await.is_err() {}
    server.wait_for(2);
    assert_eq!(server.requests().len(), 2);
}

/// Sends a request that no AWS client sends; returns the status.
fn raw(server: &CloudWatch, path: &str, headers: &[(&str, &str)], body: &[u8]) -> u16 {
    let mut request = Message::new(&format!("POST {path} HTTP/1.1"), body);
    for (name, value) in headers {
        request.headers.push(((*name).into(), (*value).into()));
    }
    let address = server.url().replace("http://", "");
    let mut stream = TcpStream::connect(address).unwrap();
    request.write(&mut stream).unwrap();
    stream.flush().unwrap();
    Message::read(&mut BufReader::new(stream))
        .unwrap()
        .unwrap()
        .status()
}

/// A path, headers and a body.
type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], &'c [u8]);

#[test]
fn invalid_requests_are_refused() {
    let server = CloudWatch::start();
    let path = "/service/GraniteServiceVersion20100801/operation/PutMetricData";
    let protocol = ("smithy-protocol", "rpc-v2-cbor");
    let content = ("content-type", "application/cbor");
    let signed = (
        "authorization",
        "Credential=k/20260907/us-east-1/monitoring/aws4_request",
    );
    let foreign = (
        "authorization",
        "Credential=k/20260907/us-east-1/s3/aws4_request",
    );
    let cases: [Case<'_>; 7] = [
        ("/", &[protocol, content, signed], b"\xa0"),
        (path, &[content, signed], b"\xa0"),
        (path, &[protocol, signed], b"\xa0"),
        (path, &[protocol, content, foreign], b"\xa0"),
        (path, &[protocol, content, signed], b"\xff"),
        (
            path,
            &[protocol, content, signed, ("content-encoding", "gzip")],
            b"\xa0",
        ),
        (path, &[protocol, content, signed], b"\xa0"),
    ];
    for (path, headers, body) in cases {
        assert_eq!(raw(&server, path, headers, body), 400, "{headers:?}");
    }
    let refused = server.refused();
    assert_eq!(refused.len(), cases.len(), "{refused:?}");
    assert!(refused[6].starts_with("MissingParameter"), "{}", refused[6]);
}
