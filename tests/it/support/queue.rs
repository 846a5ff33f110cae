//! A standard queue of SQS on one port of this machine: SendMessage in AWS JSON 1.0. It refuses what SQS refuses.

use std::io::{self, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::http::{self, Message};

/// The longest message that SQS takes, in bytes.
const LARGEST: usize = 1 << 20;

/// An injected fault.
#[derive(Debug, Clone, Copy)]
pub(crate) enum QueueFault {
    /// An error of SQS: its status and code. Nothing is kept.
    Error(u16, &'static str),
    /// A page of HTML with this status. Nothing is kept.
    Page(u16),
    /// The message is kept, and the connection ends without an answer.
    KeepAndClose,
}

#[derive(Default)]
struct State {
    messages: Vec<String>,
    requests: usize,
    /// Of the next requests.
    faults: Vec<QueueFault>,
}

/// A queue of one test.
pub(crate) struct Queue {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Queue {
    pub(crate) fn start() -> Queue {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                // A closed connection is no failure of the server's.
                thread::spawn(move || drop(serve(&state, stream, port)));
            }
        });
        Queue { port, state }
    }

    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    /// Injects a fault into the next request without one.
    pub(crate) fn fail(&self, fault: QueueFault) {
        self.state.lock().unwrap().faults.push(fault);
    }

    /// The messages in the queue.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.state.lock().unwrap().messages.clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/111122223333/letters")
}

fn serve(state: &Mutex<State>, stream: TcpStream, port: u16) -> io::Result<()> {
    let mut client = BufReader::new(stream);
    while let Some(message) = Message::read(&mut client)? {
        let mut state = state.lock().unwrap();
        state.requests += 1;
        let fault = (!state.faults.is_empty()).then(|| state.faults.remove(0));
        let answer = match (judge(&message, port), fault) {
            (Err((code, text)), _) => error(400, code, text),
            (_, Some(QueueFault::Error(status, code))) => {
                error(status, code, "as the test wants it")
            }
            (_, Some(QueueFault::Page(status))) => http::page(status),
            (Ok(text), fault) => {
                state.messages.push(text);
                if fault.is_some() {
                    return Ok(());
                }
                answer(
                    200,
                    &json!({ "MessageId": "5fea7756", "MD5OfMessageBody": "" }),
                )
            }
        };
        drop(state);
        answer.write(client.get_mut())?;
    }
    Ok(())
}

/// The text of a message, or the code and message of SQS's refusal.
fn judge(message: &Message, port: u16) -> Result<String, (&'static str, &'static str)> {
    let header = |name: &str| message.header(name).unwrap_or_default();
    if !message.start.starts_with("POST / ")
        || header("x-amz-target") != "AmazonSQS.SendMessage"
        || header("content-type") != "application/x-amz-json-1.0"
    {
        return Err(("UnsupportedOperation", "not SendMessage"));
    }
    // AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, SignedHeaders=…
    let signature = header("authorization");
    let is_signed = signature.contains("/us-east-1/sqs/aws4_request")
        && signature.contains("x-amz-target")
        && !header("x-amz-security-token").is_empty();
    if !is_signed {
        return Err(("InvalidSecurity", "the signature is incomplete"));
    }
    let request: Value = serde_json::from_slice(&message.body).unwrap_or_default();
    if request["QueueUrl"] != url(port) {
        return Err(("QueueDoesNotExist", "The specified queue does not exist."));
    }
    match request["MessageBody"].as_str() {
        Some(text) if (1..=LARGEST).contains(&text.len()) => Ok(text.to_owned()),
        _ => Err((
            "InvalidParameterValue",
            "the length of the message is wrong",
        )),
    }
}

fn error(status: u16, code: &str, text: &str) -> Message {
    let kind = format!("com.amazonaws.sqs#{code}");
    answer(status, &json!({ "__type": kind, "message": text }))
}

fn answer(status: u16, body: &Value) -> Message {
    Message::new(
        &format!("HTTP/1.1 {status} Played"),
        body.to_string().as_bytes(),
    )
}
