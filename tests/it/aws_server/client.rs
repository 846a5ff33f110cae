//! A plain HTTP client.

use std::io::{BufReader, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::aws::{Event, Key, Region, Server, World, events};
use crate::support::http::Message;

pub(crate) const ANN: &str = "111122223333";
pub(crate) const NOW: i64 = 1_788_768_000;
pub(crate) const HOUR: i64 = 3600;

/// A region with a quota that no test reaches.
pub(crate) fn fast() -> Region {
    Region::new().quota(1e6, 1e6)
}

/// A server with some events of the last hour in us-east-1.
pub(crate) fn server(count: usize) -> Server {
    let events = events(ANN, "us-east-1", count, NOW - HOUR, NOW, 1);
    Server::start(World::new(NOW).region(ANN, "us-east-1", fast().events(events)))
}

/// A key that never ends.
pub(crate) fn key(server: &Server) -> Key {
    server.issue(ANN, f64::INFINITY)
}

/// Sends one request over a connection of its own; `None` if no whole answer came.
pub(crate) fn send(
    server: &Server,
    start: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<Message> {
    let mut request = Message::new(start, body.as_bytes());
    for (name, value) in headers {
        request.headers.push(((*name).into(), (*value).into()));
    }
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream.write_all(request.head().as_bytes()).unwrap();
    stream.write_all(&request.body).unwrap();
    Message::read(&mut BufReader::new(stream)).ok().flatten()
}

/// Sends a request with a fake signature, which the server does not check.
pub(crate) fn signed(
    server: &Server,
    key: &Key,
    scope: &str,
    start: &str,
    target: &str,
    body: &str,
) -> Option<Message> {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/20260907/{scope}/aws4_request, Signature=0",
        key.access_key
    );
    let mut headers = vec![
        ("Authorization", authorization.as_str()),
        ("User-Agent", "aws-sdk-rust/1 app/trailtab"),
    ];
    if let Some(token) = &key.session_token {
        headers.push(("X-Amz-Security-Token", token));
    }
    if !target.is_empty() {
        headers.push(("X-Amz-Target", target));
    }
    send(server, start, &headers, body)
}

pub(crate) fn lookup_in(
    server: &Server,
    key: &Key,
    region: &str,
    parameters: &Value,
) -> (u16, Value) {
    let scope = format!("{region}/cloudtrail");
    let target = "CloudTrail_20131101.LookupEvents";
    let body = parameters.to_string();
    let answer = signed(server, key, &scope, "POST / HTTP/1.1", target, &body).unwrap();
    let body = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status(), body)
}

pub(crate) fn lookup(server: &Server, parameters: &Value) -> (u16, Value) {
    lookup_in(server, &key(server), "us-east-1", parameters)
}

/// Asks with a form, and returns the status and the XML.
pub(crate) fn query(server: &Server, key: &Key, service: &str, form: &str) -> (u16, String) {
    let scope = format!("us-east-1/{service}");
    let answer = signed(server, key, &scope, "POST / HTTP/1.1", "", form).unwrap();
    (answer.status(), String::from_utf8(answer.body).unwrap())
}

/// Asserts an error of LookupEvents.
#[track_caller]
pub(crate) fn refused(server: &Server, parameters: &Value, code: &str) {
    let (status, body) = lookup(server, parameters);
    assert_eq!(
        (status, &body["__type"]),
        (400, &json!(code)),
        "{parameters}"
    );
}

pub(crate) fn ids(page: &Value) -> Vec<String> {
    let events = page["Events"].as_array().unwrap();
    let id = |event: &Value| event["EventId"].as_str().unwrap().to_owned();
    events.iter().map(id).collect()
}

/// Follows the tokens to the end.
pub(crate) fn all(server: &Server, mut parameters: Value) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        let (status, page) = lookup(server, &parameters);
        assert_eq!(status, 200, "{page}");
        found.append(&mut ids(&page));
        match &page["NextToken"] {
            Value::Null => return found,
            token => parameters["NextToken"] = token.clone(),
        }
    }
}

pub(crate) fn id(event: &Event) -> String {
    event.id.clone()
}
