//! Usage: a delivery of CloudWatch Logs → calls per minute → metrics, each published once.

use std::collections::BTreeMap;
use std::io;

use aws_lc_rs::digest;
use serde::Serialize;
use tokio::time::Instant;

use crate::deliver::cloudwatch::{Publisher, Sent};
use crate::deliver::ledger::{Claim, Ledger, LedgerError, Owner, Version};
use trailtab_core::activity::usage::Usage;
use trailtab_core::activity::usage::chunks::{chunks, is_timely};
use trailtab_core::activity::usage::kept::Kept;
use trailtab_core::activity::usage::metrics::{self, Datum, Sets};
use trailtab_core::event::dedupe::Seen;
use trailtab_core::event::envelope::Envelope;
use trailtab_core::event::ingest::{Intake, Intaken, Rules};
use trailtab_core::time::{self, Seconds};
use trailtab_render::escape;

/// What became of the events of a delivery:
/// received = published + skipped + refused + unconfirmed + unsent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Account {
    /// Events in the delivery.
    pub received: u64,
    /// Taken by CloudWatch.
    pub published: u64,
    /// In no metric, by kind.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Too old or too far ahead for CloudWatch.
    pub refused: u64,
    /// Sent, and no answer came. They are not sent again.
    pub unconfirmed: u64,
    /// Not taken by CloudWatch in the time that there was.
    pub unsent: u64,
    /// Parts that were sent, each in one request if nothing went wrong.
    pub chunks: u64,
    /// Requests that were repeated.
    pub retries: u64,
    /// Data points of all sets that were not taken, those that stand for no events of their own among them.
    #[serde(skip)]
    pub unsent_data: u64,
    /// What went wrong, in words.
    #[serde(skip)]
    pub troubles: Vec<String>,
    /// Whether repeating the delivery would bring what is missing, and nothing twice.
    #[serde(skip)]
    pub is_repeatable: bool,
}

/// Where metrics go.
pub enum Way<'w> {
    /// To CloudWatch, with `PutMetricData`.
    Request(&'w Publisher),
    /// To a log that CloudWatch reads metrics from, in embedded metric format.
    Log(&'w mut (dyn FnMut(&[Datum]) -> io::Result<()> + Send)),
}

/// What is published, and where it is remembered.
pub struct Publication<'p> {
    /// Where metrics go.
    pub way: Way<'p>,
    /// Remembers what was published; None if nothing is remembered.
    pub ledger: Option<&'p Ledger>,
    /// The beginning of all keys in the ledger, without a slash at its end.
    pub key: String,
    /// The name of this run in the ledger.
    pub owner: Owner,
    /// No request is begun that could not be answered before this time.
    pub deadline: Instant,
}

/// Where things stand in a ledger, by the namespace and by the account and region that metrics go to.
#[derive(Debug, Clone)]
pub struct Keys {
    destination: String,
}

impl Keys {
    /// Makes the keys for a namespace of metrics in an account and region.
    pub fn new(namespace: &str, account: &str, region: &str) -> Keys {
        let parts = [account, region, namespace].map(escape::file_name);
        Keys {
            destination: parts.join("/"),
        }
    }

    /// The metrics that are kept.
    pub fn kept(&self) -> String {
        format!("usage/kept/{}.json", self.destination)
    }

    /// A delivery, by the number of its events.
    pub fn delivery(&self, fingerprint: u128) -> String {
        format!("usage/published/{}/{fingerprint:032x}", self.destination)
    }

    /// An hour that is published after the fact, by its first second.
    pub fn hour(&self, hour: Seconds) -> String {
        format!("usage/backfill/{}/{}", self.destination, time::hour(hour))
    }
}

/// The entry of one chunk of a delivery or an hour.
pub fn chunk(key: &str, index: usize) -> String {
    format!("{key}/{index}")
}

/// Counts the events of one delivery.
pub fn count(payload: &[u8], sets: &Sets) -> Intaken<Usage> {
    let (rules, seen, empty) = (Rules::default(), Seen::default(), Usage::new(sets.detail()));
    let mut intake = Intake::new(&rules, &empty, &seen, None);
    Envelope::default().feed(payload, true, &mut intake);
    intake.finish()
}

impl Account {
    /// Takes down what was received, and what of it is in no metric.
    pub fn open(intaken: &Intaken<Usage>) -> Account {
        let counts = &intaken.counts;
        let usage = intaken.tallies.values().next();
        let mut skipped: BTreeMap<_, _> = (intaken.others.iter())
            .map(|(kind, count)| (kind.name(), *count))
            .collect();
        skipped.insert("duplicate", counts.duplicate);
        skipped.insert("truncated", intaken.truncated);
        skipped.insert("unreadable", counts.unreadable - intaken.truncated);
        skipped.insert("incomplete", usage.map_or(0, Usage::incomplete));
        skipped.retain(|_, count| *count > 0);
        Account {
            received: counts.read + intaken.others.values().sum::<u64>(),
            skipped,
            ..Account::default()
        }
    }

    /// Events in no metric, of all kinds.
    pub fn skipped(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// Events in no metric, of one kind.
    pub fn skipped_as(&self, kind: &str) -> u64 {
        self.skipped.get(kind).copied().unwrap_or_default()
    }

    fn skip(&mut self, kind: &'static str, events: u64) {
        if events > 0 {
            *self.skipped.entry(kind).or_default() += events;
        }
    }
}

/// Publishes all data, in as few requests as there can be. Each is taken whole or not at all, and one
/// that fails costs itself only.
pub async fn publish(data: Vec<Datum>, publication: Publication<'_>, account: &mut Account) {
    let Publication {
        mut way,
        ledger,
        key,
        owner,
        deadline,
    } = publication;
    let (mut taken, mut is_displaced) = (false, false);
    for (index, part) in chunks(data).into_iter().enumerate() {
        // The numbers of chunks must not depend on the time: so this comes after cutting.
        let (data, late) = timely(part, owner.now);
        account.refused += late;
        let events = data.iter().map(Datum::events).sum();
        if data.is_empty() {
            continue;
        }
        if is_displaced {
            // What comes after another chunk may hold what was in that one's place.
            account.skip("displaced", events);
            continue;
        }
        let entry = Entry {
            ledger,
            key: chunk(&key, index),
            content: ledger.map_or_else(String::new, |_| content(&data)),
            owner: &owner,
        };
        match entry.claim().await {
            Ok(Claim::Granted) => {}
            Ok(Claim::Sent) => {
                account.skip("repeated", events);
                continue;
            }
            Ok(Claim::Differs(when)) => {
                is_displaced = true;
                account.skip("displaced", events);
                account.troubles.push(format!("{events} events are not published, since others were in their place at {when}: {key}/{index}"));
                continue;
            }
            Ok(Claim::Unconfirmed) => {
                account.unconfirmed += events;
                account.troubles.push(format!("{events} events were sent by an earlier run, and no answer came: they are not sent again"));
                continue;
            }
            Ok(Claim::Busy) => {
                account.unsent += events;
                account.unsent_data += data.len() as u64;
                account.troubles.push(format!(
                    "{events} events are being sent by another run just now"
                ));
                continue;
            }
            Err(error) => {
                account.unsent += events;
                account.unsent_data += data.len() as u64;
                account.troubles.push(error.to_string());
                continue;
            }
        }
        account.chunks += 1;
        let (sent, repeated) = match &mut way {
            Way::Request(publisher) => publisher.publish(&data, deadline).await,
            Way::Log(log) => match log(&data) {
                Ok(()) => (Sent::Arrived, 0),
                Err(error) => (Sent::Unconfirmed(error.to_string()), 0),
            },
        };
        account.retries += repeated;
        taken |= !matches!(sent, Sent::Refused(_));
        let settled = entry.settle(&sent).await;
        match sent {
            Sent::Arrived => account.published += events,
            Sent::Unconfirmed(reason) => {
                account.unconfirmed += events;
                account.troubles.push(format!("{events} events were sent, and no answer came: they are not sent again: {reason}"));
            }
            Sent::Refused(reason) => {
                account.unsent += events;
                account.unsent_data += data.len() as u64;
                account.troubles.push(format!(
                    "CloudWatch did not take {} data points of {events} events: {reason}",
                    data.len()
                ));
            }
        }
        if let Err(error) = settled {
            account.troubles.push(error.to_string());
        }
    }
    account.is_repeatable = ledger.is_some() || !taken;
}

/// What the ledger knows of one chunk.
struct Entry<'e> {
    ledger: Option<&'e Ledger>,
    key: String,
    content: String,
    owner: &'e Owner,
}

impl Entry<'_> {
    async fn claim(&self) -> Result<Claim, LedgerError> {
        match self.ledger {
            Some(ledger) => ledger.claim(&self.key, &self.content, self.owner).await,
            None => Ok(Claim::Granted),
        }
    }

    async fn settle(&self, sent: &Sent) -> Result<(), LedgerError> {
        let Some(ledger) = self.ledger else {
            return Ok(());
        };
        let arrived = match sent {
            Sent::Refused(_) => return ledger.release(&self.key).await,
            Sent::Arrived => true,
            Sent::Unconfirmed(_) => false,
        };
        ledger
            .settle(&self.key, &self.content, self.owner, arrived)
            .await
    }
}

/// Leaves out what CloudWatch would refuse, and says how many events that were.
fn timely(mut data: Vec<Datum>, now: Seconds) -> (Vec<Datum>, u64) {
    let all: u64 = data.iter().map(Datum::events).sum();
    data.retain(|datum| is_timely(datum.minute, now));
    let left: u64 = data.iter().map(Datum::events).sum();
    (data, all - left)
}

/// A hash that stands for what is sent.
fn content(data: &[Datum]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for datum in data {
        let Datum {
            metric,
            minute,
            value,
        } = datum;
        context
            .update(format!("{} {:?} {minute} {value}\n", metric.name, metric.values).as_bytes());
    }
    let hash = context.finish();
    hash.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The metrics that are kept, and where they are remembered.
#[derive(Debug)]
pub struct Memory {
    kept: Kept,
    version: Option<Version>,
    top: usize,
}

/// How often somebody else may be quicker in changing what is kept.
const TRIES: usize = 8;

impl Memory {
    /// Creates an empty memory. `top` is the maximum number of metrics in each set.
    pub fn new(top: usize) -> Memory {
        Memory {
            kept: Kept::new(top),
            version: None,
            top,
        }
    }

    /// Makes data of what was counted. Which metrics are kept is the same for all who share a ledger.
    ///
    /// # Errors
    ///
    /// If what is kept cannot be read or written.
    pub async fn data(
        &mut self,
        usage: &Usage,
        sets: &Sets,
        remembered: Option<(&Ledger, &str)>,
    ) -> Result<Vec<Datum>, LedgerError> {
        let Some((ledger, key)) = remembered else {
            return Ok(metrics::data(usage, sets, &mut self.kept));
        };
        if self.version.is_none() {
            self.load(ledger, key).await?;
        }
        for _ in 0..TRIES {
            let mut kept = self.kept.clone();
            let data = metrics::data(usage, sets, &mut kept);
            if kept == self.kept {
                return Ok(data);
            }
            let stored = ledger
                .store(key, &kept.to_json(), self.version.as_ref())
                .await?;
            if stored.is_some() {
                (self.kept, self.version) = (kept, stored);
                return Ok(data);
            }
            self.load(ledger, key).await?;
        }
        Err(ledger.contended(key))
    }

    /// Reads what is remembered.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub async fn load(&mut self, ledger: &Ledger, key: &str) -> Result<(), LedgerError> {
        let found = ledger.load(key).await?;
        (self.kept, self.version) = match found {
            // A list that cannot be read is begun anew.
            Some((json, version)) => {
                let kept = Kept::read(&json, self.top);
                (kept.unwrap_or_else(|_| Kept::new(self.top)), Some(version))
            }
            None => (Kept::new(self.top), None),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use trailtab_core::activity::usage::metrics::{Metric, Set};

    #[tokio::test]
    async fn nothing_is_sent_after_a_chunk_whose_place_is_taken() {
        let datum = |number: u64| Datum {
            metric: Metric {
                set: Set::Calls,
                name: format!("Get{number}"),
                values: vec!["eu-west-1".to_owned(), "s3.amazonaws.com".to_owned()],
            },
            minute: 60_000,
            value: 1,
        };
        let directory = tempfile::tempdir().unwrap();
        let ledger = Ledger::Directory(directory.path().to_owned());
        let owner = Owner {
            name: "one".to_owned(),
            now: 60_000,
            until: 60_060,
        };
        let first = chunk("delivery", 0);
        ledger.claim(&first, "others", &owner).await.unwrap();
        ledger.settle(&first, "others", &owner, true).await.unwrap();
        let mut logged = 0;
        let mut log = |data: &[Datum]| {
            logged += data.len();
            Ok(())
        };
        let publication = Publication {
            way: Way::Log(&mut log),
            ledger: Some(&ledger),
            key: "delivery".to_owned(),
            owner: owner.clone(),
            deadline: Instant::now() + Duration::from_secs(60),
        };
        let mut account = Account::default();
        publish((0..1500).map(datum).collect(), publication, &mut account).await;
        assert_eq!((logged, account.skipped_as("displaced")), (0, 1500));
        assert_eq!(account.troubles.len(), 1);
    }
}
