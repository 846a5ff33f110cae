//! AWS on one port of this machine, as far as summarising Event history and bills needs it. What no emulator
//! has is here: LookupEvents with its quota, Cost Explorer on a known bill, the faults of their network, and books
//! of all requests.
//!
//! Signatures are not checked. All else that a client could do wrong is refused as AWS does, or
//! noted as a violation where AWS would keep silent.

mod bill;
mod books;
mod cost_explorer;
mod events;
mod fault;
mod keys;
mod loading;
mod lookup;
mod organizations;
mod quota;
mod regions;
mod sts;
mod trails;
mod wire;
mod world;

use std::collections::BTreeMap;
use std::io::{self, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::http::Message;

pub(crate) use bill::{Bill, Charge, decimal};
pub(crate) use books::{Entry, Outcome, Sums};
pub(crate) use cost_explorer::{FORECAST, today};
pub(crate) use events::{Event, Random, events, rfc3339};
pub(crate) use fault::Fault;
pub(crate) use keys::{Key, SECRET};
pub(crate) use loading::LoadingBill;
pub(crate) use quota::{Bucket, Other, Quota};
pub(crate) use wire::Request;
pub(crate) use world::{Member, OptIn, Region, World};

use books::Books;
use fault::Faults;
use keys::Keys;
use lookup::Tokens;
use wire::Error;

/// A server of one test.
pub(crate) struct Server {
    port: u16,
    state: Arc<State>,
}

struct State {
    world: World,
    began: Instant,
    keys: Keys,
    tokens: Tokens,
    buckets: Mutex<BTreeMap<(String, String), Bucket>>,
    faults: Faults,
    books: Books,
}

impl Server {
    pub(crate) fn start(world: World) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            keys: Keys::new(&world),
            world,
            began: Instant::now(),
            tokens: Tokens::default(),
            buckets: Mutex::default(),
            faults: Faults::default(),
            books: Books::default(),
        });
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                // A closed connection is not an error of the server.
                thread::spawn(move || drop(state.serve(stream)));
            }
        });
        Server { port, state }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The variables that lead a program here, with a key of an account that never ends.
    pub(crate) fn environment(&self, account: &str) -> Vec<(&'static str, String)> {
        let mut variables = self.variables();
        variables.push(("AWS_ACCESS_KEY_ID", keys::fixed(account)));
        variables.push(("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()));
        variables
    }

    /// The same, with keys that end, and that a program fetches anew as a container does.
    pub(crate) fn container(&self, account: &str) -> Vec<(&'static str, String)> {
        let mut variables = self.variables();
        let uri = format!("{}/credentials?account={account}", self.url());
        variables.push(("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri));
        variables
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// Injects a fault this many times into requests for which `when` is true.
    pub(crate) fn fail(
        &self,
        times: usize,
        fault: Fault,
        when: impl Fn(&Request) -> bool + Send + 'static,
    ) {
        self.state.faults.add(times, fault, when);
    }

    /// Issues a key of an account that ends so many seconds from now.
    pub(crate) fn issue(&self, account: &str, seconds: f64) -> Key {
        let arn = format!("arn:aws:sts::{account}:assumed-role/test/session");
        let ends = self.state.now() + seconds;
        self.state.keys.issue(account, &arn, ends)
    }

    pub(crate) fn world(&self) -> &World {
        &self.state.world
    }

    /// All requests so far, in the order of their arrival.
    pub(crate) fn requests(&self) -> Vec<Entry> {
        self.state.books.entries()
    }

    /// The requests for an action, such as `ce:GetCostAndUsage`, that were granted.
    pub(crate) fn granted(&self, action: &str) -> Vec<Entry> {
        let mut entries = self.requests();
        entries.retain(|entry| entry.request.action == action && entry.outcome == Outcome::Granted);
        entries
    }

    /// The LookupEvents requests so far, by account and region.
    pub(crate) fn sums(&self) -> BTreeMap<(String, String), Sums> {
        self.state.books.sums()
    }

    /// What `aws ce get-cost-and-usage` prints for an account that asks with these parameters.
    pub(crate) fn print_costs(&self, account: &str, parameters: serde_json::Value) -> String {
        let request = Request {
            protocol: wire::Protocol::Json,
            action: cost_explorer::ACTION.to_owned(),
            account: account.to_owned(),
            region: "us-east-1".to_owned(),
            parameters,
            nth: 1,
            access_key: String::new(),
            session_token: None,
            user_agent: String::new(),
        };
        let printed = cost_explorer::cost_and_usage(&self.state, &request, 0.0, None);
        printed.unwrap_or_else(|error| panic!("{}: {}", error.code, error.message))
    }

    /// Violations of the protocol by the client.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.state.books.violations()
    }
}

impl State {
    /// Seconds since the server began.
    fn now(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Serves one connection.
    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut client = BufReader::new(stream);
        thread::sleep(Duration::from_millis(self.world.handshake));
        while let Some(message) = Message::read(&mut client)? {
            let now = self.now();
            let mut request = Request::of(&message);
            if let Some(key) = self.keys.find(&request.access_key) {
                request.account = key.account;
            }
            request.nth = self.books.number(&request);
            let (outcome, fault, answer) = self.decide(&request, now);
            let place = self.books.open(now, &request, outcome);
            thread::sleep(self.latency(&request, place, fault.as_ref()));
            let half = match fault {
                Some(Fault::Drop) => 0,
                Some(Fault::Cut) => answer.head().len() + answer.body.len() / 2,
                _ => usize::MAX,
            };
            // Log the outcome before sending it, since the test may read the log right after the response.
            self.books.close(place, self.now());
            if half < usize::MAX {
                let bytes = [answer.head().as_bytes(), &answer.body].concat();
                return client.get_mut().write_all(&bytes[..half]);
            }
            answer.write(client.get_mut())?;
        }
        Ok(())
    }

    fn latency(&self, request: &Request, place: usize, fault: Option<&Fault>) -> Duration {
        let region = self.world.enabled(&request.account, &request.region);
        let latency = region.map_or(0..=0, |region| region.latency.clone());
        let span = latency.end() - latency.start() + 1;
        let random = Random(place as u64).below(span);
        let delay = match fault {
            Some(Fault::Delay(time)) => *time,
            _ => Duration::ZERO,
        };
        Duration::from_millis(latency.start() + random) + delay
    }

    /// Decides the outcome of a request when it arrives: outcome, fault and response.
    fn decide(&self, request: &Request, now: f64) -> (Outcome, Option<Fault>, Message) {
        let caller = match self.admit(request, now) {
            Ok(caller) => caller,
            Err(error) if error.throttles() => {
                return (Outcome::Throttled, None, error.answer(request.protocol));
            }
            Err(error) => return denied(&error, request),
        };
        let fault = self.faults.find(request);
        let body = match &fault {
            Some(Fault::Error(error)) => {
                let mut outcome = Outcome::Fault(error.code.clone());
                if error.throttles() {
                    if request.is_lookup() {
                        self.bucket(request, Bucket::give_back);
                    }
                    outcome = Outcome::Throttled;
                }
                return (outcome, None, error.answer(request.protocol));
            }
            Some(Fault::Garbage) => Ok("{\"Events\": [{\"EventId\": ".to_owned()),
            Some(Fault::Bare(body)) => Ok((*body).to_owned()),
            _ => self.perform(request, &caller, now, fault.as_ref()),
        };
        match body {
            Ok(body) => {
                let outcome = fault.as_ref().map(|fault| Outcome::Fault(fault.name()));
                let answer = wire::answer(200, request.protocol, &body);
                (outcome.unwrap_or(Outcome::Granted), fault, answer)
            }
            Err(error) => denied(&error, request),
        }
    }

    /// Checks what AWS checks before it looks at what is asked for; returns the caller's ARN.
    fn admit(&self, request: &Request, now: f64) -> Result<String, Error> {
        if request.action == wire::CONTAINER {
            return Ok(String::new());
        }
        if !request.user_agent.contains("app/trailtab") {
            self.books.violation(request, "no app/trailtab in its name");
        }
        if request.access_key.is_empty() {
            self.books.violation(request, "not signed");
            return Err(Error::unsigned(request.protocol));
        }
        let key = self.keys.find(&request.access_key);
        let key = key.filter(|key| key.session_token == request.session_token);
        let key = key.ok_or_else(|| Error::unknown_key(request.protocol))?;
        if key.ends <= now {
            return Err(Error::expired(request.protocol));
        }
        let is_regional = request.action.starts_with("cloudtrail:");
        let region = self.world.enabled(&key.account, &request.region);
        if is_regional && region.is_none() {
            return Err(Error::unknown_key(request.protocol));
        }
        let account = self.world.accounts.get(&key.account);
        if account.is_some_and(|account| account.denied.contains(&request.action)) {
            return Err(Error::denied(request, &key.arn));
        }
        if request.is_lookup() && !self.bucket(request, |bucket| bucket.take(now)) {
            return Err(Error::throttling());
        }
        let costs = [cost_explorer::ACTION, FORECAST];
        if costs.contains(&request.action.as_str()) && !self.may_see_costs(&key.account, now) {
            return Err(Error::limit_exceeded());
        }
        Ok(key.arn)
    }

    /// Calls a function with the token bucket of a request's account and region.
    fn bucket<T: Default>(&self, request: &Request, act: impl FnOnce(&mut Bucket) -> T) -> T {
        let Some(region) = self.world.enabled(&request.account, &request.region) else {
            return T::default();
        };
        let place = (request.account.clone(), request.region.clone());
        let mut buckets = self.buckets.lock().unwrap();
        act(buckets
            .entry(place)
            .or_insert_with(|| Bucket::new(&region.quota)))
    }

    /// Takes from the quota of a bill.
    fn may_see_costs(&self, account: &str, now: f64) -> bool {
        let Some((bill, _)) = cost_explorer::bill_of(&self.world, account) else {
            return true;
        };
        let mut buckets = self.buckets.lock().unwrap();
        let place = (account.to_owned(), cost_explorer::ACTION.to_owned());
        let bucket = buckets.entry(place);
        bucket.or_insert_with(|| Bucket::new(&bill.quota)).take(now)
    }

    fn perform(
        &self,
        request: &Request,
        caller: &str,
        now: f64,
        fault: Option<&Fault>,
    ) -> Result<String, Error> {
        match request.action.as_str() {
            "cloudtrail:LookupEvents" => lookup::events(self, request, now, fault),
            "cloudtrail:DescribeTrails" => Ok(trails::describe(self, request)),
            "cloudtrail:ListPublicKeys" => Ok(trails::public_keys(self, request)),
            "sts:GetCallerIdentity" => Ok(sts::caller_identity(request, caller)),
            "sts:AssumeRole" => sts::assume_role(self, request, caller, now),
            "ec2:DescribeRegions" => Ok(regions::describe(self, request)),
            "account:ListRegions" => regions::list(self, request, caller),
            "organizations:DescribeOrganization" => organizations::describe(self, request),
            "organizations:ListAccounts" => organizations::list(self, request, caller, fault),
            "ce:ListCostAllocationTags" => cost_explorer::active_tags(self, request),
            cost_explorer::ACTION => cost_explorer::cost_and_usage(self, request, now, fault),
            FORECAST => cost_explorer::cost_forecast(self, request),
            wire::CONTAINER => Ok(self.credentials(&request.account, now)),
            _ => Err(Error::new(400, "UnknownOperationException", "")),
        }
    }

    /// Issues a key with the world's lifetime; returns it with the expiration that it is to tell.
    fn issue(&self, account: &str, arn: &str, now: f64) -> (Key, String) {
        let lifetime = self.world.lifetime;
        let key = self.keys.issue(account, arn, now + lifetime.real);
        (key, rfc3339(wall_clock() + lifetime.said as i64))
    }

    /// Acts as the agent that provides containers with credentials.
    fn credentials(&self, account: &str, now: f64) -> String {
        let arn = format!("arn:aws:sts::{account}:assumed-role/task/container");
        let (key, expiration) = self.issue(account, &arn, now);
        let body = json!({
            "AccessKeyId": key.access_key,
            "SecretAccessKey": SECRET,
            "Token": key.session_token,
            "Expiration": expiration,
            "AccountId": account,
        });
        body.to_string()
    }
}

fn denied(error: &Error, request: &Request) -> (Outcome, Option<Fault>, Message) {
    let outcome = Outcome::Denied(error.code.clone());
    (outcome, None, error.answer(request.protocol))
}

/// The time of day, which clients compare with the expiration of their credentials.
#[expect(
    clippy::disallowed_methods,
    reason = "no shell stands above the server that could pass the clock on"
)]
fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs() as i64
}
