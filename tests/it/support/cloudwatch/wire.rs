//! PutMetricData, GetMetricData and ListMetrics in smithy rpc-v2-cbor, as the SDK for Rust writes and reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use ciborium::Value;
use flate2::read::MultiGzDecoder;

use super::super::http::Message;
use super::super::metrics::{Datum, Key, Refusal, Table, clock};
use super::Request;

const START: &str = "POST /service/GraniteServiceVersion20100801/operation/PutMetricData HTTP/1.1";

const OPERATION: &str = "POST /service/GraniteServiceVersion20100801/operation/";

/// Answers a request for what is kept, if it is one: data of metrics by periods, or a list of metrics.
pub(super) fn asked(message: &Message, table: &Table) -> Option<Message> {
    let operation = message.start.strip_prefix(OPERATION)?;
    let act = match operation.strip_suffix(" HTTP/1.1")? {
        "GetMetricData" => metric_data,
        "ListMetrics" => list_metrics,
        _ => return None,
    };
    let request: Value = ciborium::from_reader(&*message.body).unwrap();
    Some(match act(&request, table) {
        Ok(body) => answer(200, &body),
        Err(refusal) => error(400, refusal.code, &refusal.message),
    })
}

/// The data points of a page, of all queries together.
const PAGE_DATA: usize = 100;

/// The metrics of a page.
const PAGE_METRICS: usize = 500;

/// Where a page begins, by the token that the page before it gave.
fn start_of(request: &Value) -> usize {
    let token = member(request, "NextToken").and_then(Value::as_text);
    token.map_or(0, |token| token.parse().unwrap())
}

/// The members of an answer, with the token of the next page if there are more than fit into this one.
fn page(name: &str, values: Vec<Value>, end: usize, all: usize) -> Value {
    let text = |text: &str| Value::Text(text.to_owned());
    let mut members = vec![(text(name), Value::Array(values))];
    if end < all {
        members.push((text("NextToken"), text(&end.to_string())));
    }
    Value::Map(members)
}

fn metric_data(request: &Value, table: &Table) -> Result<Value, Refusal> {
    let time = |name: &str| match member(request, name) {
        Some(Value::Tag(1, time)) => number(time) as i64,
        other => panic!("{other:?} is no time"),
    };
    let (from, until) = (time("StartTime"), time("EndTime"));
    let queries = list(request, "MetricDataQueries");
    if from >= until {
        let message = "The parameter StartTime must be less than the parameter EndTime.";
        return Err(Refusal::value(message.to_owned()));
    }
    if queries.len() > 500 {
        return Err(Refusal::value("more than 500 queries".to_owned()));
    }
    let mut data = Vec::new();
    for (at, query) in queries.iter().enumerate() {
        data.extend(
            periods(query, (from, until), table)?
                .into_iter()
                .map(|(time, value)| (at, time, value)),
        );
    }
    let start = start_of(request);
    let end = data.len().min(start + PAGE_DATA);
    let text = |text: &str| Value::Text(text.to_owned());
    let results = queries.iter().enumerate().map(|(at, query)| {
        let own = data[start..end].iter().filter(|(owner, ..)| *owner == at);
        let times = own
            .clone()
            .map(|(_, time, _)| Value::Tag(1, Box::new((*time).into())));
        let values = own.map(|(.., value)| Value::Float(*value as f64));
        let status = if end < data.len() {
            "PartialData"
        } else {
            "Complete"
        };
        Value::Map(vec![
            (text("Id"), member(query, "Id").unwrap().clone()),
            (text("Timestamps"), Value::Array(times.collect())),
            (text("Values"), Value::Array(values.collect())),
            (text("StatusCode"), text(status)),
        ])
    });
    Ok(page(
        "MetricDataResults",
        results.collect(),
        end,
        data.len(),
    ))
}

/// The data of one query, by the beginnings of periods.
fn periods(
    query: &Value,
    (from, until): (i64, i64),
    table: &Table,
) -> Result<BTreeMap<i64, u64>, Refusal> {
    let stat = member(query, "MetricStat").unwrap();
    let metric = member(stat, "Metric").unwrap();
    let period = number(member(stat, "Period").unwrap()) as i64;
    if period % 60 != 0 {
        return Err(Refusal::value(format!(
            "the period {period} is no multiple of 60"
        )));
    }
    let dimensions = list(metric, "Dimensions").iter();
    let mut dimensions = dimensions
        .map(|it| Ok((text(it, "", "Name")?, text(it, "", "Value")?)))
        .collect::<Result<Vec<_>, Refusal>>()?;
    dimensions.sort();
    let (namespace, name) = (
        text(metric, "", "Namespace")?,
        text(metric, "", "MetricName")?,
    );
    let key = |minute| Key {
        namespace: namespace.clone(),
        name: name.clone(),
        dimensions: dimensions.clone(),
        minute,
    };
    let join = match text(stat, "", "Stat")?.as_str() {
        "Sum" => |before: u64, datum: u64| before + datum,
        "Maximum" => |before: u64, datum: u64| before.max(datum),
        other => panic!("{other} is not played"),
    };
    let mut values = BTreeMap::<i64, u64>::new();
    for (found, kept) in table.range(key(from)..key(until)) {
        let value = values.entry(found.minute / period * period).or_default();
        *value = join(*value, kept.sum);
    }
    Ok(values)
}

fn list_metrics(request: &Value, table: &Table) -> Result<Value, Refusal> {
    let namespace = text(request, "", "Namespace")?;
    let kept = table.keys().filter(|key| key.namespace == namespace);
    let metrics: BTreeSet<_> = kept.map(|key| (&key.name, &key.dimensions)).collect();
    let start = start_of(request);
    let end = metrics.len().min(start + PAGE_METRICS);
    let text = |text: &str| Value::Text(text.to_owned());
    let listed = metrics.iter().skip(start).take(PAGE_METRICS);
    let listed = listed.map(|(name, dimensions)| {
        let dimensions = dimensions.iter().map(|(name, value)| {
            Value::Map(vec![
                (text("Name"), text(name)),
                (text("Value"), text(value)),
            ])
        });
        Value::Map(vec![
            (text("Namespace"), text(&namespace)),
            (text("MetricName"), text(name)),
            (text("Dimensions"), Value::Array(dimensions.collect())),
        ])
    });
    Ok(page("Metrics", listed.collect(), end, metrics.len()))
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
