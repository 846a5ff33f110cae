//! Lambda's runtime API on one port of this machine, for one sandbox.
//!
//! Logs violations: requests that Lambda accepts, but that no runtime should make.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::http::Message;
use super::metrics::clock;

const ROOT: &str = "/2018-06-01/runtime/";
pub(crate) const ARN: &str = "arn:aws:lambda:us-east-1:111122223333:function:usage";

/// The longest response that Lambda takes.
const LARGEST: usize = 6 * 1024 * 1024;

/// The outcome of an invocation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Response(Value),
    /// It failed: `errorType` and `errorMessage`. Lambda repeats an asynchronous invocation.
    Error(Value),
}

#[derive(Default)]
struct Inner {
    invocations: VecDeque<Message>,
    /// `None` while the function works on it.
    answers: BTreeMap<String, Option<Answer>>,
    init_error: Option<Value>,
    /// How often the next invocation was asked for.
    asked: usize,
    violations: Vec<String>,
    is_closed: bool,
}

#[derive(Default)]
struct State {
    inner: Mutex<Inner>,
    changed: Condvar,
}

pub(crate) struct RuntimeApi {
    port: u16,
    state: Arc<State>,
}

impl RuntimeApi {
    pub(crate) fn start() -> RuntimeApi {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                // A function that ends is no failure of the server's.
                thread::spawn(move || drop(state.serve(stream)));
            }
        });
        RuntimeApi { port, state }
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Hands in an invocation that has so much time.
    pub(crate) fn invoke(&self, id: &str, payload: &[u8], time: Duration) {
        let deadline = ((clock() + time.as_secs_f64()) * 1000.0) as u64;
        let mut message = Message::new("HTTP/1.1 200 OK", payload);
        for (name, value) in [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", id),
            ("Lambda-Runtime-Deadline-Ms", &deadline.to_string()),
            ("Lambda-Runtime-Invoked-Function-Arn", ARN),
            (
                "Lambda-Runtime-Trace-Id",
                "Root=1-68e0a000-000000000000000000000000;Parent=0000000000000000;Sampled=0",
            ),
        ] {
            message.headers.push((name.to_owned(), value.to_owned()));
        }
        let mut inner = self.state.inner.lock().unwrap();
        inner.invocations.push_back(message);
        self.state.changed.notify_all();
    }

    /// Waits for this long, or until the function is done with an invocation.
    pub(crate) fn answer(&self, id: &str, patience: Duration) -> Option<Answer> {
        let answer = |inner: &Inner| inner.answers.get(id).cloned().flatten();
        let inner = self.wait(patience, |inner| answer(inner).is_some());
        answer(&inner)
    }

    /// Waits for this long, or until the function asks for its first invocation or fails to start.
    pub(crate) fn is_asked(&self, patience: Duration) -> bool {
        let inner = self.wait(patience, |inner| {
            inner.asked > 0 || inner.init_error.is_some()
        });
        inner.asked > 0
    }

    /// Why the function did not start.
    pub(crate) fn init_error(&self) -> Option<Value> {
        self.state.inner.lock().unwrap().init_error.clone()
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.state.inner.lock().unwrap().violations.clone()
    }

    fn wait(
        &self,
        patience: Duration,
        until: impl Fn(&Inner) -> bool,
    ) -> std::sync::MutexGuard<'_, Inner> {
        let inner = self.state.inner.lock().unwrap();
        let wait = self
            .state
            .changed
            .wait_timeout_while(inner, patience, |inner| !until(inner));
        wait.unwrap().0
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        // A failed test may have poisoned the lock; its value does not matter then.
        if let Ok(mut inner) = self.state.inner.lock() {
            inner.is_closed = true;
            self.state.changed.notify_all();
        }
    }
}

impl State {
    /// Serves one connection.
    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut function = BufReader::new(stream);
        while let Some(request) = Message::read(&mut function)? {
            let mut words = request.start.split(' ');
            let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            let path = path.strip_prefix(ROOT).unwrap_or_default();
            let answer = match (method, path.split('/').collect::<Vec<_>>().as_slice()) {
                ("GET", ["invocation", "next"]) => match self.next() {
                    Some(invocation) => invocation,
                    None => return Ok(()),
                },
                ("POST", ["invocation", id, "response"]) => {
                    self.end(id, &request, Answer::Response)
                }
                ("POST", ["invocation", id, "error"]) => self.end(id, &request, Answer::Error),
                ("POST", ["init", "error"]) => {
                    let error = serde_json::from_slice(&request.body).unwrap_or_default();
                    self.inner.lock().unwrap().init_error = Some(error);
                    self.changed.notify_all();
                    accepted()
                }
                _ => self.refuse(404, "Runtime.UnknownPath", &request.start),
            };
            answer.write(function.get_mut())?;
        }
        Ok(())
    }

    /// Waits for the next invocation; `None` if the test is over.
    fn next(&self) -> Option<Message> {
        let mut inner = self.inner.lock().unwrap();
        inner.asked += 1;
        self.changed.notify_all();
        if inner.answers.values().any(Option::is_none) {
            let what = "asks for more before it has answered".to_owned();
            inner.violations.push(what);
        }
        let wait = |inner: &mut Inner| inner.invocations.is_empty() && !inner.is_closed;
        let mut inner = self.changed.wait_while(inner, wait).unwrap();
        let invocation = inner.invocations.pop_front()?;
        let id = invocation.header("Lambda-Runtime-Aws-Request-Id");
        inner
            .answers
            .insert(id.unwrap_or_default().to_owned(), None);
        Some(invocation)
    }

    /// Takes the function's answer.
    fn end(&self, id: &str, request: &Message, kind: fn(Value) -> Answer) -> Message {
        if request.body.len() > LARGEST {
            return self.refuse(413, "RequestEntityTooLarge", id);
        }
        let Ok(body) = serde_json::from_slice(&request.body) else {
            return self.refuse(400, "InvalidResponse", id);
        };
        let answer = kind(body);
        let is_error = matches!(answer, Answer::Error(_));
        let names_error = request
            .header("Lambda-Runtime-Function-Error-Type")
            .is_some();
        if is_error && !names_error {
            let what = format!("{id} has an error of no type");
            self.inner.lock().unwrap().violations.push(what);
        }
        let mut inner = self.inner.lock().unwrap();
        match inner.answers.get_mut(id) {
            Some(place @ None) => *place = Some(answer),
            _ => {
                drop(inner);
                return self.refuse(400, "InvalidRequestID", id);
            }
        }
        self.changed.notify_all();
        accepted()
    }

    fn refuse(&self, status: u16, kind: &str, what: &str) -> Message {
        let mut inner = self.inner.lock().unwrap();
        inner.violations.push(format!("{kind}: {what}"));
        let body = json!({ "errorType": kind, "errorMessage": what }).to_string();
        Message::new(&format!("HTTP/1.1 {status} Refused"), body.as_bytes())
    }
}

fn accepted() -> Message {
    Message::new("HTTP/1.1 202 Accepted", br#"{"status":"OK"}"#)
}
