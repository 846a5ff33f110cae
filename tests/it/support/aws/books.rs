//! The log of requests, with their times and outcomes.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::wire::Request;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Granted,
    /// The quota was used up, or a rule said so.
    Throttled,
    /// The request is invalid here: the error's code.
    Denied(String),
    /// A rule injected a fault: the error's code, or the name of the fault.
    Fault(String),
}

/// A logged request. Times are seconds since the server started.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) request: Request,
    pub(crate) outcome: Outcome,
    pub(crate) arrived: f64,
    /// `None` until the response is sent.
    pub(crate) answered: Option<f64>,
}

/// The LookupEvents requests of one account and region.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sums {
    pub(crate) requests: usize,
    pub(crate) granted: usize,
    pub(crate) throttled: usize,
    pub(crate) first_arrival: f64,
    pub(crate) last_answer: f64,
}

#[derive(Debug, Default)]
pub(crate) struct Books {
    entries: Mutex<Vec<Entry>>,
    counts: Mutex<BTreeMap<(String, String, String), usize>>,
    violations: Mutex<Vec<String>>,
}

impl Books {
    /// The number of a request among those for the same action, account and region.
    pub(crate) fn number(&self, request: &Request) -> usize {
        let (action, account) = (request.action.clone(), request.account.clone());
        let key = (action, account, request.region.clone());
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(key).or_default();
        *count += 1;
        *count
    }

    /// Logs a request, and returns the index at which its outcome is logged.
    pub(crate) fn open(&self, arrived: f64, request: &Request, outcome: Outcome) -> usize {
        let mut entries = self.entries.lock().unwrap();
        entries.push(Entry {
            request: request.clone(),
            outcome,
            arrived,
            answered: None,
        });
        entries.len() - 1
    }

    pub(crate) fn close(&self, place: usize, answered: f64) {
        self.entries.lock().unwrap()[place].answered = Some(answered);
    }

    /// Logs a violation of the protocol by the client.
    pub(crate) fn violation(&self, request: &Request, what: &str) {
        let (action, account, region) = (&request.action, &request.account, &request.region);
        let line = format!("{action} in {account} {region}: {what}");
        self.violations.lock().unwrap().push(line);
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap().clone()
    }

    /// All requests in the order of their arrival.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut entries = self.entries.lock().unwrap().clone();
        entries.sort_by(|one, other| one.arrived.total_cmp(&other.arrived));
        entries
    }

    pub(crate) fn sums(&self) -> BTreeMap<(String, String), Sums> {
        let mut sums = BTreeMap::new();
        for entry in self.entries() {
            let request = &entry.request;
            if !request.is_lookup() {
                continue;
            }
            let key = (request.account.clone(), request.region.clone());
            let sums: &mut Sums = sums.entry(key).or_insert(Sums {
                first_arrival: entry.arrived,
                ..Sums::default()
            });
            sums.requests += 1;
            sums.granted += usize::from(entry.outcome == Outcome::Granted);
            sums.throttled += usize::from(entry.outcome == Outcome::Throttled);
            sums.last_answer = sums.last_answer.max(entry.answered.unwrap_or_default());
        }
        sums
    }
}
