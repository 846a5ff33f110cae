//! A proxy between the program and S3, which logs requests and injects faults.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::http::{self, Message};
use super::ministack::{self, Connection};

/// A request as the program made it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// What follows the bucket's name; empty if the bucket itself is asked.
    pub(crate) key: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) range: Option<String>,
    /// The region that it is signed for.
    pub(crate) region: String,
    /// Who pays for it, if not the owner of the bucket.
    pub(crate) payer: Option<String>,
}

impl Request {
    fn of(message: &Message) -> Request {
        let mut words = message.start.split(' ');
        let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, key) = path[1..].split_once('/').unwrap_or_default();
        let scope = message.header("Authorization").unwrap_or("");
        Request {
            method: method.to_owned(),
            key: http::decode(key),
            query: pairs
                .map(|(name, value)| (http::decode(name), http::decode(value)))
                .collect(),
            range: message.header("Range").map(str::to_owned),
            // Credential=KEY/DATE/REGION/s3/aws4_request
            region: scope.split('/').nth(2).unwrap_or("").to_owned(),
            payer: message.header("x-amz-request-payer").map(str::to_owned),
        }
    }

    /// Tells whether it lists the keys that begin so.
    pub(crate) fn lists(&self, prefix: &str) -> bool {
        self.listed() == Some(prefix)
    }

    /// The prefix whose keys it lists.
    pub(crate) fn listed(&self) -> Option<&str> {
        let is_listing = self.query.contains_key("list-type");
        is_listing.then(|| self.query.get("prefix").map_or("", String::as_str))
    }

    /// Tells whether it fetches an object, or a range of it.
    pub(crate) fn gets(&self, key: &str) -> bool {
        self.method == "GET" && self.listed().is_none() && self.key == key
    }
}

/// An injected fault.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// An error of S3: its status and code. Without a code, the answer has no body.
    Error(u16, &'static str),
    /// The connection ends in the middle of the body.
    Cut,
    /// The request is executed, and the connection is closed before the response.
    Swallow,
    /// The answer comes late.
    Delay(Duration),
    /// The request is not executed, and no answer comes.
    Hang,
    /// A page of HTML with this status, as a proxy answers in place of S3.
    Page(u16),
    /// The object at this path is deleted while the answer is on its way.
    Delete(String),
    /// An error of S3's: its status, code and message.
    Refusal(u16, &'static str, &'static str),
    /// Another body with the status 200.
    Body(Vec<u8>),
    /// The whole object, whatever range was asked for.
    NoRange,
}

struct Rule {
    when: Box<dyn Fn(&Request) -> bool + Send>,
    left: usize,
    fault: Fault,
}

#[derive(Default)]
struct State {
    rules: Mutex<Vec<Rule>>,
    requests: Mutex<Vec<Request>>,
    /// How many requests are being answered, and the most so far.
    at_once: Mutex<(usize, usize)>,
}

/// A proxy of one test.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<State>,
}

impl Proxy {
    pub(crate) fn start() -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                // A closed connection is not an error of the proxy.
                thread::spawn(move || drop(state.serve(stream)));
            }
        });
        Proxy { port, state }
    }

    /// Injects a fault this many times into requests for which `when` is true.
    pub(crate) fn fail(
        &self,
        times: usize,
        fault: Fault,
        when: impl Fn(&Request) -> bool + Send + 'static,
    ) {
        let when = Box::new(when);
        self.state.rules.lock().unwrap().push(Rule {
            when,
            left: times,
            fault,
        });
    }

    /// Lets nothing go wrong any more.
    pub(crate) fn forgive(&self) {
        self.state.rules.lock().unwrap().clear();
    }

    /// The most requests that waited for an answer at the same time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.state.at_once.lock().unwrap().1
    }

    /// All requests so far, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }
}

impl State {
    /// Serves one connection of the program.
    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut client = BufReader::new(stream);
        let mut upstream = Connection::new(ministack::port())?;
        while let Some(message) = Message::read(&mut client)? {
            let request = Request::of(&message);
            let fault = self.fault(&request);
            self.requests.lock().unwrap().push(request);
            self.begin();
            let answer = match fault {
                Some(Fault::Error(status, code)) => {
                    error(status, code, "as the test wants it", &message)
                }
                Some(Fault::Hang) => {
                    self.end();
                    // Until the client gives up.
                    return Message::read(&mut client).map(drop);
                }
                Some(Fault::Page(status)) => http::page(status),
                Some(Fault::Refusal(status, code, text)) => error(status, code, text, &message),
                Some(Fault::Body(body)) => Message::new("HTTP/1.1 200 OK", &body),
                Some(Fault::NoRange) => {
                    let mut whole = message.clone();
                    whole
                        .headers
                        .retain(|(name, _)| !name.eq_ignore_ascii_case("range"));
                    upstream.forward(&whole)?
                }
                Some(Fault::Cut) => {
                    let answer = upstream.forward(&message)?;
                    let half = &answer.body[..answer.body.len() / 2];
                    self.end();
                    client.get_mut().write_all(answer.head().as_bytes())?;
                    return client.get_mut().write_all(half);
                }
                Some(Fault::Swallow) => {
                    upstream.forward(&message)?;
                    self.end();
                    return Ok(());
                }
                Some(Fault::Delete(path)) => {
                    let answer = upstream.forward(&message)?;
                    upstream.must("DELETE", &path, b"");
                    answer
                }
                Some(Fault::Delay(time)) => {
                    thread::sleep(time);
                    upstream.forward(&message)?
                }
                None => upstream.forward(&message)?,
            };
            self.end();
            answer.write(client.get_mut())?;
        }
        Ok(())
    }

    fn begin(&self) {
        let (now, most) = &mut *self.at_once.lock().unwrap();
        *now += 1;
        *most = (*most).max(*now);
    }

    fn end(&self) {
        self.at_once.lock().unwrap().0 -= 1;
    }

    /// Returns the fault for a request, if any.
    fn fault(&self, request: &Request) -> Option<Fault> {
        let mut rules = self.rules.lock().unwrap();
        let rule = rules
            .iter_mut()
            .find(|rule| rule.left > 0 && (rule.when)(request))?;
        rule.left -= 1;
        Some(rule.fault.clone())
    }
}

/// Answers with an error as S3 does; to a HEAD request it says nothing but the status.
fn error(status: u16, code: &str, text: &str, request: &Message) -> Message {
    let body = format!("<Error><Code>{code}</Code><Message>{text}</Message></Error>");
    let body = if code.is_empty() || request.start.starts_with("HEAD ") {
        ""
    } else {
        &body
    };
    Message::new(&format!("HTTP/1.1 {status} {code}"), body.as_bytes())
}
