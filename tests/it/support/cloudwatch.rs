//! CloudWatch's PutMetricData, GetMetricData and ListMetrics on one port of this machine, as the SDK for Rust speaks them: smithy
//! rpc-v2-cbor, gzip or not. Other emulators accept all input; this one refuses what AWS refuses, and a request as a
//! whole. It keeps sums, injects faults for tests, and logs all requests.
//!
//! Where AWS's limits can be read in two ways, the stricter one holds here.

mod wire;

use std::io::{self, BufReader};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use super::http::{self, Message};
use super::metrics::{Datum, Refusal, Table, check, check_namespace, clock};
use wire::{error, granted};

const LARGEST: usize = 1_000_000;
const MOST: usize = 1000;

/// Time-out of a test's wait.
const PATIENCE: Duration = Duration::from_secs(120);

/// An injected fault.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// An error of the service: its status and code. Nothing is kept.
    Error(u16, &'static str),
    /// A page of HTML with this status, as a proxy answers. Nothing is kept.
    Page(u16),
    /// Nothing is kept, and no answer comes.
    Hang,
    /// Nothing is kept, and the connection ends without an answer.
    Close,
    /// The data is kept, and no answer comes.
    KeepAndHang,
    /// The data is kept, and the connection ends without an answer.
    KeepAndClose,
    /// The data is kept, and the answer comes late.
    KeepAndDelay(Duration),
}

impl Fault {
    pub(crate) const THROTTLED: Fault = Fault::Error(400, "Throttling");
    pub(crate) const BROKEN: Fault = Fault::Error(500, "InternalServiceError");
    pub(crate) const BUSY: Fault = Fault::Error(503, "ServiceUnavailable");
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Its number among all, from 1.
    pub(crate) nth: usize,
    pub(crate) namespace: String,
    pub(crate) data: Vec<Datum>,
    /// The size of the body on the wire.
    pub(crate) bytes: usize,
    /// The size of the body when it is inflated.
    pub(crate) plain_bytes: usize,
    pub(crate) is_gzip: bool,
}

impl Request {
    /// A request that could not be read, or contains forbidden values.
    fn unread(bytes: usize) -> Request {
        Request {
            nth: 0,
            namespace: String::new(),
            data: Vec::new(),
            bytes,
            plain_bytes: 0,
            is_gzip: false,
        }
    }

    /// Tells whether it holds a datum of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.data.iter().any(|datum| datum.name == name)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Kept,
    /// The data were kept, without an answer.
    KeptInSilence,
    /// The data were not kept, without an answer.
    LostInSilence,
    /// It broke a rule: the error's code and message.
    Refused(String),
    /// An injected error: its code.
    Failed(&'static str),
}

impl Outcome {
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self, Outcome::Kept | Outcome::KeptInSilence)
    }
}

/// A logged request.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) request: Request,
    pub(crate) outcome: Outcome,
}

struct Rule {
    when: Box<dyn Fn(&Request) -> bool + Send>,
    left: usize,
    fault: Fault,
}

#[derive(Default)]
struct Books {
    entries: Vec<Entry>,
    table: Table,
    rules: Vec<Rule>,
    /// The client may not connect.
    is_unplugged: bool,
    /// The test is over.
    is_closed: bool,
    open: Vec<TcpStream>,
}

#[derive(Default)]
struct State {
    books: Mutex<Books>,
    changed: Condvar,
}

/// A server of one test.
pub(crate) struct CloudWatch {
    port: u16,
    state: Arc<State>,
}

impl CloudWatch {
    pub(crate) fn start() -> CloudWatch {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = state.clone();
        thread::spawn(move || accept(listener, &shared));
        CloudWatch { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Injects a fault this many times into requests for which `when` is true.
    pub(crate) fn fail(
        &self,
        times: usize,
        fault: Fault,
        when: impl Fn(&Request) -> bool + Send + 'static,
    ) {
        self.state.books.lock().unwrap().rules.push(Rule {
            when: Box::new(when),
            left: times,
            fault,
        });
    }

    /// Removes all faults.
    pub(crate) fn heal(&self) {
        self.state.books.lock().unwrap().rules.clear();
    }

    /// Closes all connections, and refuses new ones.
    pub(crate) fn unplug(&self) {
        let mut books = self.state.books.lock().unwrap();
        books.is_unplugged = true;
        for stream in books.open.drain(..) {
            // The connection may be closed already.
            drop(stream.shutdown(Shutdown::Both));
        }
        drop(books);
        // Connect to wake the accepting thread, until it no longer listens.
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn plug(&self) {
        self.state.books.lock().unwrap().is_unplugged = false;
        self.state.changed.notify_all();
    }

    /// All readable requests so far, in the order of their outcomes.
    pub(crate) fn requests(&self) -> Vec<Entry> {
        self.state.books.lock().unwrap().entries.clone()
    }

    /// Waits until so many requests have come.
    pub(crate) fn wait_for(&self, count: usize) {
        let books = self.state.books.lock().unwrap();
        let wait = self
            .state
            .changed
            .wait_timeout_while(books, PATIENCE, |books| books.entries.len() < count);
        let (books, timeout) = wait.unwrap();
        assert!(!timeout.timed_out(), "{:?}", books.entries.len());
    }

    /// Keeps what others than the program publish, such as Lambda: a datum of a metric with one dimension.
    pub(crate) fn keep(
        &self,
        (namespace, name): (&str, &str),
        (dimension, value): (&str, &str),
        time: i64,
        count: u64,
    ) {
        let datum = Datum {
            name: name.to_owned(),
            dimensions: vec![(dimension.to_owned(), value.to_owned())],
            time: time as f64,
            values: vec![(count as f64, 1.0)],
            unit: "Count".to_owned(),
        };
        datum.add_to(&mut self.state.books.lock().unwrap().table, namespace);
    }

    /// What is kept.
    pub(crate) fn table(&self) -> Table {
        self.state.books.lock().unwrap().table.clone()
    }

    /// Reasons of requests that were refused for breaking a rule.
    pub(crate) fn refused(&self) -> Vec<String> {
        let requests = self.requests();
        let refused = requests
            .into_iter()
            .filter_map(|entry| match entry.outcome {
                Outcome::Refused(why) => Some(why),
                _ => None,
            });
        refused.collect()
    }
}

impl Drop for CloudWatch {
    fn drop(&mut self) {
        // A failed test may have poisoned the lock; its value does not matter then.
        if let Ok(mut books) = self.state.books.lock() {
            books.is_closed = true;
            self.state.changed.notify_all();
        }
    }
}

/// Takes connections whenever the server is plugged in.
fn accept(mut listener: TcpListener, state: &Arc<State>) {
    let address = listener.local_addr().unwrap();
    loop {
        for stream in listener.incoming().flatten() {
            let mut books = state.books.lock().unwrap();
            if books.is_closed {
                return;
            }
            if books.is_unplugged {
                break;
            }
            books.open.push(stream.try_clone().unwrap());
            drop(books);
            let state = state.clone();
            // A closed connection is not an error of the server.
            thread::spawn(move || drop(serve(&state, stream)));
        }
        drop(listener);
        let books = state.books.lock().unwrap();
        let unplugged = |books: &mut Books| books.is_unplugged && !books.is_closed;
        let books = state.changed.wait_while(books, unplugged).unwrap();
        if books.is_closed {
            return;
        }
        drop(books);
        // The port may be in use for a moment.
        listener = loop {
            match TcpListener::bind(address) {
                Ok(listener) => break listener,
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        };
    }
}

/// Serves one connection.
fn serve(state: &State, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut client = BufReader::new(stream);
    while let Some(message) = Message::read(&mut client)? {
        if let Some(answer) = wire::asked(&message, &state.books.lock().unwrap().table) {
            answer.write(client.get_mut())?;
            continue;
        }
        let (fault, answer) = state.decide(&message);
        match fault {
            Some(Fault::Hang | Fault::KeepAndHang) => {
                let books = state.books.lock().unwrap();
                let wait = |books: &mut Books| !books.is_closed;
                drop(state.changed.wait_while(books, wait));
                return Ok(());
            }
            Some(Fault::Close | Fault::KeepAndClose) => {
                return client.get_mut().shutdown(Shutdown::Both);
            }
            Some(Fault::KeepAndDelay(time)) => thread::sleep(time),
            Some(Fault::Error(..) | Fault::Page(_)) | None => {}
        }
        answer.write(client.get_mut())?;
    }
    Ok(())
}

impl State {
    /// Decides the outcome of a request, and logs it.
    fn decide(&self, message: &Message) -> (Option<Fault>, Message) {
        let read =
            wire::read(message).and_then(|request| judge(&request, clock()).map(|()| request));
        let mut books = self.books.lock().unwrap();
        let nth = books.entries.len() + 1;
        let mut request = match &read {
            Ok(request) => request.clone(),
            Err(_) => Request::unread(message.body.len()),
        };
        request.nth = nth;
        // Violations take precedence over injected faults.
        let fault = read.as_ref().ok().and_then(|_| books.fault(&request));
        let (outcome, answer) = match (read, fault) {
            (Err(refusal), _) => (
                Outcome::Refused(format!("{}: {}", refusal.code, refusal.message)),
                error(400, refusal.code, &refusal.message),
            ),
            (_, Some(Fault::Error(status, code))) => {
                let answer = error(status, code, "as the test wants it");
                (Outcome::Failed(code), answer)
            }
            (_, Some(Fault::Page(status))) => (Outcome::Failed("page"), http::page(status)),
            (_, Some(Fault::Hang | Fault::Close)) => (Outcome::LostInSilence, granted()),
            (_, Some(Fault::KeepAndHang | Fault::KeepAndClose)) => {
                (Outcome::KeptInSilence, granted())
            }
            (_, Some(Fault::KeepAndDelay(_)) | None) => (Outcome::Kept, granted()),
        };
        if outcome.is_kept() {
            for datum in &request.data {
                datum.add_to(&mut books.table, &request.namespace);
            }
        }
        books.entries.push(Entry { request, outcome });
        self.changed.notify_all();
        (fault, answer)
    }
}

impl Books {
    /// Returns the fault for a request, if any, and counts it.
    fn fault(&mut self, request: &Request) -> Option<Fault> {
        let rules = &mut self.rules;
        let rule = rules
            .iter_mut()
            .find(|rule| rule.left > 0 && (rule.when)(request))?;
        rule.left -= 1;
        Some(rule.fault)
    }
}

/// Validates a request as a whole: after one fault, no data of it are kept.
fn judge(request: &Request, now: f64) -> Result<(), Refusal> {
    if request.plain_bytes > LARGEST {
        return Err(Refusal {
            code: "RequestEntityTooLarge",
            message: format!("{} bytes", request.plain_bytes),
        });
    }
    check_namespace(&request.namespace)?;
    if request.data.is_empty() {
        return Err(Refusal::missing("MetricData"));
    }
    if request.data.len() > MOST {
        return Err(Refusal::value(format!(
            "The collection MetricData must not have a size greater than {MOST}."
        )));
    }
    for (at, datum) in request.data.iter().enumerate() {
        check(datum, &format!("MetricData.member.{}", at + 1), now)?;
    }
    Ok(())
}
