//! One region of one account: does what its walk says, and keeps what comes.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::account::Account;
use super::client::{self, Answer, Failure};
use super::{Run, in_words, kept};
use crate::aws;
use crate::core::coverage::{Severity, event_history};
use crate::core::spans::Span;
use crate::core::walk::{Ask, GiveUp, Page, Step, Walk};
use crate::source::archive::{ArchiveError, PageEvent};
use crate::source::document::{Body, Document};
use crate::source::progress::Region as Progress;

/// A region to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToRead {
    pub(super) name: String,
    /// Whether somebody said that it is enabled. If not, it is tried, and may turn out not to be.
    pub(super) is_enabled: bool,
}

/// Why a region is not complete.
#[derive(Debug)]
struct Stop {
    code: String,
    reason: String,
}

impl Stop {
    fn archive(error: &ArchiveError) -> Stop {
        Stop {
            code: "ArchiveError".to_owned(),
            reason: aws::in_words(error),
        }
    }
}

/// Reads a region's event history, and takes note of what is missing in the end.
pub(super) async fn read(run: Arc<Run>, account: Arc<Account>, region: ToRead) {
    run.coverage().ask(&account.id, &region.name);
    let window = run.asked.window;
    let (kept, gone) = kept(window, run.asked.now);
    let (windows, gone) = match &run.asked.archive {
        Some(archive) => {
            for document in archive.documents(&account.id, &region.name, window) {
                run.progress.find(document.size);
                // The receiver is gone only when the run is over.
                drop(run.documents.send(document).await);
            }
            let missing = |span| archive.missing(&account.id, &region.name, span);
            (missing(kept), missing(gone))
        }
        None => (vec![kept], vec![gone]),
    };
    let mut reading = Reading {
        walk: Walk::new(&windows, run.asked.max_tps, 0.0),
        started: Instant::now(),
        renewals: 0,
        progress: run.progress.begin(&account.id, &region.name),
        run,
        account,
        region,
    };
    let stop = reading.walk_on().await.err();
    reading.finish(stop, &gone);
}

struct Reading {
    run: Arc<Run>,
    account: Arc<Account>,
    region: ToRead,
    walk: Walk,
    started: Instant,
    /// Renewals of the credentials since a page came.
    renewals: u32,
    progress: Arc<Progress>,
}

/// A page that was asked for: the question, the number of the credentials, and the answer.
type Flight = (Ask, u32, Result<Answer, Failure>);

impl Reading {
    fn now(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    async fn walk_on(&mut self) -> Result<(), Stop> {
        let mut flights: JoinSet<Flight> = JoinSet::new();
        let (mut number, config) = self.account.config();
        let mut client = aws::event_history(&config, &self.region.name);
        loop {
            let landed = match self.walk.step(self.now()) {
                Step::Done => return Ok(()),
                Step::Ask(ask) => {
                    let current = self.account.config();
                    if current.0 != number {
                        number = current.0;
                        client = aws::event_history(&current.1, &self.region.name);
                    }
                    let (client, attribute) = (client.clone(), self.run.asked.attribute.clone());
                    flights.spawn(async move {
                        let answer = client::page(client, ask.clone(), attribute).await;
                        (ask, number, answer)
                    });
                    self.show();
                    continue;
                }
                Step::Wait(time) => {
                    let time = self.started + Duration::from_secs_f64(time.max(0.0));
                    tokio::select! {
                        landed = flights.join_next(), if !flights.is_empty() => landed,
                        () = tokio::time::sleep_until(time) => None,
                    }
                }
                Step::Listen => flights.join_next().await,
            };
            if let Some(landed) = landed {
                self.land(landed).await?;
                self.show();
            }
        }
    }

    /// Takes what came back.
    async fn land(&mut self, landed: Result<Flight, JoinError>) -> Result<(), Stop> {
        let (ask, number, answer) = landed.map_err(|error| Stop {
            code: "InternalError".to_owned(),
            reason: error.to_string(),
        })?;
        let (now, jitter) = (self.now(), fastrand::f64());
        match answer {
            Ok(answer) => {
                self.renewals = 0;
                self.keep(&ask, answer).await
            }
            Err(Failure::Throttled) => {
                self.walk.throttled(&ask, now, jitter);
                Ok(())
            }
            Err(Failure::Passing { code, reason }) => {
                let walked = self.walk.failed(&ask, now, jitter);
                walked.map_err(|error| gave_up(error, code, &reason))
            }
            Err(Failure::TokenLost) => {
                let walked = self.walk.restart(&ask, now, jitter);
                let code = "InvalidNextTokenException".to_owned();
                walked.map_err(|error| gave_up(error, code, "the token is not known any more"))
            }
            Err(Failure::Expired { code, reason }) => {
                let is_current = self.account.config().0 == number;
                if is_current && self.renewals > 0 {
                    let reason = format!(
                        "{reason} (run again with fresh credentials; what --archive DIR keeps is not fetched twice)"
                    );
                    return Err(Stop { code, reason });
                }
                if is_current {
                    self.renewals += 1;
                    self.account.renew(number);
                }
                let walked = self.walk.failed(&ask, now, 0.0);
                walked.map_err(|error| gave_up(error, code, &reason))
            }
            Err(Failure::Refused { code, reason }) => Err(Stop { code, reason }),
        }
    }

    /// Keeps a page in the archive, and sends it on to be counted.
    async fn keep(&mut self, ask: &Ask, answer: Answer) -> Result<(), Stop> {
        let times = answer.events.iter().filter_map(|event| event.event_time());
        let page = Page {
            events: answer.events.len(),
            oldest: times
                .map(aws_sdk_cloudtrail::primitives::DateTime::secs)
                .min(),
            token: answer.token.clone(),
        };
        let arrived = self.walk.arrived(ask, &page, self.now());
        let arrived = arrived.map_err(|error| gave_up(error, "InvalidPages".to_owned(), ""))?;
        let mut events = answer.events;
        events.retain(|event| {
            event
                .event_time()
                .is_none_or(|time| time.secs() >= arrived.goal)
        });
        let (run, account) = (self.run.clone(), self.account.clone());
        let (region, covered) = (self.region.name.clone(), arrived.covered);
        // Files are written in the meantime, and other regions go on.
        let written = tokio::task::spawn_blocking(move || {
            if let Some(archive) = &run.asked.archive {
                let page: Vec<PageEvent<'_>> = events.iter().filter_map(page_event).collect();
                archive.add(&account.id, &region, covered, &page)?;
            }
            Ok(document(&events, &account.id, &region))
        });
        let document = written.await.map_err(|error| Stop {
            code: "InternalError".to_owned(),
            reason: error.to_string(),
        })?;
        let document = document.map_err(|error| Stop::archive(&error))?;
        self.run.progress.find(document.size);
        // The receiver is gone only when the run is over.
        drop(self.run.documents.send(document).await);
        Ok(())
    }

    fn show(&self) {
        self.progress.show(self.walk.look_around(self.now()));
    }

    /// Takes note of what is missing.
    fn finish(self, stop: Option<Stop>, gone: &[Span]) {
        let view = self.walk.look_around(self.now());
        self.progress.finish(view);
        let (account, region) = (&self.account.id, &self.region.name);
        let run = &self.run;
        run.coverage()
            .count_requests(account, region, view.requests, view.throttles);
        let gone: Vec<_> = gone.iter().filter(|span| !span.is_empty()).collect();
        if let Some(first) = gone.first() {
            let spans: Vec<_> = gone.iter().take(5).map(|span| in_words(**span)).collect();
            let more = if gone.len() > 5 { " and more" } else { "" };
            let reason = format!(
                "{}{more} is older than the 90 days that AWS keeps, and in no archive",
                spans.join(", "),
            );
            let severity = if first.until == run.asked.window.until {
                Severity::Failed
            } else {
                Severity::Partial
            };
            run.lose(account, region, severity, "OlderThan90Days", reason);
        }
        let Some(Stop { code, reason }) = stop else {
            return;
        };
        let was_asked = view.requests > view.throttles + 1 && view.events > 0;
        if !self.region.is_enabled && !was_asked && is_not_enabled(&code) {
            return run.coverage().skip(account, region);
        }
        let missing = self.walk.missing();
        let missing = missing.iter().take(5).map(|span| in_words(*span));
        let missing: Vec<_> = missing.collect();
        let severity = if was_asked {
            Severity::Partial
        } else {
            Severity::Failed
        };
        let reason = format!("{code}: {reason}; {} was not read", missing.join(", "));
        run.lose(account, region, severity, &code, reason);
    }
}

/// The codes by which a region says that it is not enabled in an account, or does not know whoever
/// asks because of that.
fn is_not_enabled(code: &str) -> bool {
    [
        "OptInRequired",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "AuthFailure",
    ]
    .contains(&code)
}

fn gave_up(error: GiveUp, code: String, reason: &str) -> Stop {
    let reason = match reason {
        "" => error.to_string(),
        reason => format!("{reason} ({error})"),
    };
    Stop { code, reason }
}

fn page_event(event: &aws_sdk_cloudtrail::types::Event) -> Option<PageEvent<'_>> {
    let json = event.cloud_trail_event().filter(|json| is_object(json))?;
    Some(PageEvent {
        time: event.event_time()?.secs(),
        id: event.event_id().unwrap_or_default(),
        json,
    })
}

/// Puts the records of a page together as in a log file. What is no record is counted as one that
/// cannot be read.
fn document(events: &[aws_sdk_cloudtrail::types::Event], account: &str, region: &str) -> Document {
    let mut bytes = Vec::with_capacity(events.len() * 2048);
    bytes.extend_from_slice(br#"{"Records":["#);
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        let json = event.cloud_trail_event().filter(|json| is_object(json));
        bytes.extend_from_slice(json.unwrap_or("0").as_bytes());
    }
    bytes.extend_from_slice(b"]}");
    Document {
        size: bytes.len() as u64,
        named: false,
        body: Body::Memory {
            name: event_history(account, region),
            bytes,
            signature: None,
            _held: Box::new(()),
        },
    }
}

/// Tells whether a text is one JSON object. One that is not would spoil the others of its page.
fn is_object(json: &str) -> bool {
    json.trim_start().starts_with('{')
        && serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok()
}
