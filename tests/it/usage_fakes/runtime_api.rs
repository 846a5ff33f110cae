//! The runtime API hands out invocations one by one, and notes what a runtime must not do.

use std::io::BufReader;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::support::http::Message;
use crate::support::runtime_api::{ARN, Answer, RuntimeApi};

const SOON: Duration = Duration::from_secs(30);
const NEXT: &str = "GET /2018-06-01/runtime/invocation/next";

/// A minimal runtime that speaks plain HTTP.
struct Runtime(BufReader<TcpStream>);

impl Runtime {
    fn new(api: &RuntimeApi) -> Runtime {
        Runtime(BufReader::new(TcpStream::connect(api.address()).unwrap()))
    }

    fn send(&mut self, start: &str, headers: &[(&str, &str)], body: &str) -> Message {
        let mut request = Message::new(&format!("{start} HTTP/1.1"), body.as_bytes());
        for (name, value) in headers {
            request.headers.push(((*name).into(), (*value).into()));
        }
        request.write(self.0.get_mut()).unwrap();
        Message::read(&mut self.0).unwrap().unwrap()
    }

    fn post(&mut self, path: &str, body: &str) -> u16 {
        let start = format!("POST /2018-06-01/runtime/{path}");
        let kind = [("Lambda-Runtime-Function-Error-Type", "unhandled")];
        let headers = if path.ends_with("error") {
            &kind[..]
        } else {
            &[]
        };
        self.send(&start, headers, body).status()
    }
}

#[test]
fn invocations_are_handed_out_and_answered() {
    let api = RuntimeApi::start();
    let mut runtime = Runtime::new(&api);
    api.invoke("one", b"{\"n\":1}", SOON);
    api.invoke("two", b"{\"n\":2}", SOON);
    let first = runtime.send(NEXT, &[], "");
    assert_eq!((first.status(), &first.body[..]), (200, &b"{\"n\":1}"[..]));
    let header = |name: &str| first.header(name).unwrap();
    assert_eq!(header("Lambda-Runtime-Aws-Request-Id"), "one");
    assert_eq!(header("Lambda-Runtime-Invoked-Function-Arn"), ARN);
    assert!(header("Lambda-Runtime-Deadline-Ms").parse::<u64>().unwrap() > 1_700_000_000_000);
    assert!(first.header("Lambda-Runtime-Trace-Id").is_some());
    assert_eq!(api.answer("one", Duration::ZERO), None);
    assert_eq!(runtime.post("invocation/one/response", "{\"a\":1}"), 202);
    assert_eq!(
        api.answer("one", SOON),
        Some(Answer::Response(json!({ "a": 1 })))
    );
    let second = runtime.send(NEXT, &[], "");
    assert_eq!(second.body, b"{\"n\":2}");
    assert_eq!(
        runtime.post("invocation/two/error", "{\"errorType\":\"x\"}"),
        202
    );
    assert_eq!(
        api.answer("two", SOON),
        Some(Answer::Error(json!({ "errorType": "x" })))
    );
    assert_eq!(api.violations(), [""; 0]);
}

#[test]
fn a_runtime_waits_for_work() {
    let api = RuntimeApi::start();
    let mut runtime = Runtime::new(&api);
    std::thread::scope(|scope| {
        let next = scope.spawn(|| runtime.send(NEXT, &[], ""));
        assert!(api.is_asked(SOON));
        api.invoke("late", b"{}", SOON);
        assert_eq!(next.join().unwrap().status(), 200);
    });
}

#[test]
fn a_function_that_does_not_start_says_why() {
    let api = RuntimeApi::start();
    let mut runtime = Runtime::new(&api);
    assert_eq!(runtime.post("init/error", "{\"errorMessage\":\"no\"}"), 202);
    assert!(!api.is_asked(SOON));
    assert_eq!(api.init_error(), Some(json!({ "errorMessage": "no" })));
}

#[test]
fn requests_that_no_runtime_sends_are_recorded() {
    let api = RuntimeApi::start();
    let mut runtime = Runtime::new(&api);
    assert_eq!(runtime.post("invocation/none/response", "{}"), 400);
    assert_eq!(runtime.post("elsewhere", "{}"), 404);
    api.invoke("one", b"{}", SOON);
    api.invoke("two", b"{}", SOON);
    runtime.send(NEXT, &[], "");
    runtime.send(NEXT, &[], "");
    assert_eq!(runtime.post("invocation/one/response", "no JSON"), 400);
    let long = format!("\"{}\"", "x".repeat(6 << 20));
    assert_eq!(runtime.post("invocation/one/response", &long), 413);
    assert_eq!(runtime.post("invocation/one/response", "{}"), 202);
    assert_eq!(runtime.post("invocation/one/response", "{}"), 400);
    let start = "POST /2018-06-01/runtime/invocation/two/error";
    assert_eq!(runtime.send(start, &[], "{}").status(), 202);
    let violations = api.violations();
    let words = [
        "InvalidRequestID: none",
        "UnknownPath",
        "before it has answered",
        "InvalidResponse: one",
        "TooLarge: one",
        "InvalidRequestID: one",
        "two has an error of no type",
    ];
    assert_eq!(violations.len(), words.len(), "{violations:?}");
    for (violation, words) in violations.iter().zip(words) {
        assert!(violation.contains(words), "{words}: {violation}");
    }
}
