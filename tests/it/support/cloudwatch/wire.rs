//! PutMetricData and GetMetricData in smithy rpc-v2-cbor, as the SDK for Rust writes and reads them.

use std::io::Read as _;

use ciborium::Value;
use flate2::read::MultiGzDecoder;

use super::super::http::Message;
use super::super::metrics::{Datum, Key, Refusal, Table, clock};
use super::Request;

const START: &str = "POST /service/GraniteServiceVersion20100801/operation/PutMetricData HTTP/1.1";

const ASKED: &str = "POST /service/GraniteServiceVersion20100801/operation/GetMetricData HTTP/1.1";

/// Answers a request for data that are kept, if it is one: sums of metrics by periods.
pub(super) fn asked(message: &Message, table: &Table) -> Option<Message> {
    if message.start != ASKED {
        return None;
    }
    let request: Value = ciborium::from_reader(&*message.body).unwrap();
    let time = |name: &str| match member(&request, name) {
        Some(Value::Tag(1, time)) => number(time) as i64,
        other => panic!("{other:?} is no time"),
    };
    let (from, until) = (time("StartTime"), time("EndTime"));
    let queries = list(&request, "MetricDataQueries").iter();
    let results = queries.map(|query| {
        let stat = member(query, "MetricStat").unwrap();
        let metric = member(stat, "Metric").unwrap();
        let period = number(member(stat, "Period").unwrap()) as i64;
        assert_eq!(text(stat, "", "Stat").unwrap(), "Sum");
        let dimensions = list(metric, "Dimensions").iter();
        let mut dimensions: Vec<_> = dimensions
            .map(|it| {
                (
                    text(it, "", "Name").unwrap(),
                    text(it, "", "Value").unwrap(),
                )
            })
            .collect();
        dimensions.sort();
        let key = |minute| Key {
            namespace: text(metric, "", "Namespace").unwrap(),
            name: text(metric, "", "MetricName").unwrap(),
            dimensions: dimensions.clone(),
            minute,
        };
        let mut sums = std::collections::BTreeMap::<i64, u64>::new();
        for (found, kept) in table.range(key(from)..key(until)) {
            *sums.entry(found.minute / period * period).or_default() += kept.sum;
        }
        let times = sums
            .keys()
            .map(|time| Value::Tag(1, Box::new((*time).into())));
        let values = sums.values().map(|sum| Value::Float(*sum as f64));
        let name = |name: &str| Value::Text(name.to_owned());
        Value::Map(vec![
            (name("Id"), name(&text(query, "", "Id").unwrap())),
            (name("Timestamps"), Value::Array(times.collect())),
            (name("Values"), Value::Array(values.collect())),
            (name("StatusCode"), name("Complete")),
        ])
    });
    let results = Value::Array(results.collect());
    let name = Value::Text("MetricDataResults".to_owned());
    Some(answer(200, &Value::Map(vec![(name, results)])))
}

/// Parses a request, or says why it is invalid.
pub(super) fn read(message: &Message) -> Result<Request, Refusal> {
    let refusal = |code, message: &str| Refusal {
        code,
        message: message.to_owned(),
    };
    let header = |name: &str| message.header(name).unwrap_or_default();
    if message.start != START || header("smithy-protocol") != "rpc-v2-cbor" {
        return Err(refusal("UnknownOperation", &message.start));
    }
    if header("content-type") != "application/cbor" {
        return Err(refusal("SerializationException", "no CBOR"));
    }
    // AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, SignedHeaders=…
    if !header("authorization").contains("/monitoring/aws4_request") {
        let message = "Request is missing Authentication Token";
        return Err(refusal("MissingAuthenticationToken", message));
    }
    let is_gzip = header("content-encoding") == "gzip";
    let plain = match header("content-encoding") {
        "" => message.body.clone(),
        "gzip" => {
            let mut plain = Vec::new();
            let mut decoder = MultiGzDecoder::new(&*message.body);
            match decoder.read_to_end(&mut plain) {
                Ok(_) => plain,
                Err(_) => return Err(refusal("SerializationException", "no gzip")),
            }
        }
        _ => return Err(refusal("SerializationException", "an unknown encoding")),
    };
    let unreadable = |_| refusal("SerializationException", "unreadable CBOR");
    let value: Value = ciborium::from_reader(&*plain).map_err(unreadable)?;
    let data = data(&value)?;
    Ok(Request {
        nth: 0,
        namespace: text(&value, "", "Namespace")?,
        data,
        bytes: message.body.len(),
        plain_bytes: plain.len(),
        is_gzip,
    })
}

fn data(request: &Value) -> Result<Vec<Datum>, Refusal> {
    for other in ["EntityMetricData", "StrictEntityValidation"] {
        is_not_played(request, other)?;
    }
    let data = list(request, "MetricData");
    data.iter()
        .enumerate()
        .map(|(at, datum)| read_datum(datum, &format!("MetricData.member.{}", at + 1)))
        .collect()
}

fn read_datum(datum: &Value, place: &str) -> Result<Datum, Refusal> {
    let dimension = |(at, dimension): (usize, &Value)| {
        let place = format!("{place}.Dimensions.member.{}.", at + 1);
        let name = text(dimension, &place, "Name")?;
        Ok((name, text(dimension, &place, "Value")?))
    };
    let dimensions = list(datum, "Dimensions").iter().enumerate().map(dimension);
    let time = match member(datum, "Timestamp") {
        None => clock(),
        Some(Value::Tag(1, time)) => number(time),
        Some(other) => {
            let message = format!("{other:?} is no timestamp");
            return Err(Refusal::value(message));
        }
    };
    let resolution = member(datum, "StorageResolution").map_or(60.0, number);
    if ![1.0, 60.0].contains(&resolution) {
        return Err(Refusal::value(format!(
            "The value {resolution} for parameter {place}.StorageResolution is invalid."
        )));
    }
    Ok(Datum {
        name: text(datum, &format!("{place}."), "MetricName")?,
        dimensions: dimensions.collect::<Result<_, _>>()?,
        time,
        values: values(datum, place)?,
        unit: match member(datum, "Unit") {
            None => "None".to_owned(),
            Some(_) => text(datum, place, "Unit")?,
        },
    })
}

/// The values of a datum, which come in one of three ways.
fn values(datum: &Value, place: &str) -> Result<Vec<(f64, f64)>, Refusal> {
    let value = member(datum, "Value").map(|value| vec![(number(value), 1.0)]);
    is_not_played(datum, "StatisticValues")?;
    let many: Vec<_> = list(datum, "Values").iter().map(number).collect();
    let mut counts: Vec<_> = list(datum, "Counts").iter().map(number).collect();
    if counts.is_empty() {
        counts = vec![1.0; many.len()];
    }
    match value {
        Some(_) if !many.is_empty() => Err(Refusal {
            code: "InvalidParameterCombination",
            message: format!(
                "The parameters {place}.Value and {place}.Values are mutually exclusive and you \
                 have specified both."
            ),
        }),
        Some(value) => Ok(value),
        None if many.is_empty() => Err(Refusal::missing(&format!("{place}.Value"))),
        None if counts.len() == many.len() => Ok(many.into_iter().zip(counts).collect()),
        None => Err(Refusal::value(format!(
            "The parameters {place}.Values and {place}.Counts must be of the same size."
        ))),
    }
}

/// Refuses members that AWS accepts, but the program never sends.
fn is_not_played(value: &Value, name: &str) -> Result<(), Refusal> {
    match member(value, name) {
        None => Ok(()),
        Some(_) => Err(Refusal::value(format!("{name} is not played"))),
    }
}

fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let mut members = value.as_map()?.iter();
    let (_, member) = members.find(|(key, _)| key.as_text() == Some(name))?;
    Some(member)
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    let list = member(value, name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn text(value: &Value, place: &str, name: &str) -> Result<String, Refusal> {
    let text = member(value, name).and_then(Value::as_text);
    let text = text.ok_or_else(|| Refusal::missing(&format!("{place}{name}")))?;
    Ok(text.to_owned())
}

/// A value that is not a number becomes NaN, which the checks refuse.
fn number(value: &Value) -> f64 {
    match value {
        Value::Float(number) => *number,
        Value::Integer(number) => i128::from(*number) as f64,
        _ => f64::NAN,
    }
}

pub(super) fn granted() -> Message {
    answer(200, &Value::Map(Vec::new()))
}

/// Writes an error as a service does that once spoke another protocol: the shape's name in the body,
/// the code that old clients know in a header.
pub(super) fn error(status: u16, code: &str, message: &str) -> Message {
    let shape = match code {
        "InvalidParameterValue" | "InvalidParameterCombination" | "Throttling" => {
            format!("{code}Exception")
        }
        "MissingParameter" => "MissingRequiredParameterException".to_owned(),
        "InternalServiceError" => "InternalServiceFault".to_owned(),
        other => other.to_owned(),
    };
    let text = |text: &str| Value::Text(text.to_owned());
    let kind = format!("com.amazonaws.cloudwatch#{shape}");
    let mut answer = answer(
        status,
        &Value::Map(vec![
            (text("__type"), text(&kind)),
            (text("message"), text(message)),
        ]),
    );
    let whose = if status < 500 { "Sender" } else { "Receiver" };
    let header = ("x-amzn-query-error", format!("{code};{whose}"));
    answer.headers.push((header.0.to_owned(), header.1));
    answer
}

fn answer(status: u16, body: &Value) -> Message {
    let mut bytes = Vec::new();
    ciborium::into_writer(body, &mut bytes).unwrap();
    let mut message = Message::new(&format!("HTTP/1.1 {status} Played"), &bytes);
    for (name, value) in [
        ("Content-Type", "application/cbor"),
        ("smithy-protocol", "rpc-v2-cbor"),
        ("x-amzn-RequestId", "6a9d4a48-0000-4000-8000-000000000000"),
    ] {
        message.headers.push((name.to_owned(), value.to_owned()));
    }
    message
}
