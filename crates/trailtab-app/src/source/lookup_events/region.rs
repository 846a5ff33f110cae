//! Reads the event history of one region: executes the steps of its [`RegionScan`] and keeps the
//! pages.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_cloudtrail::types::Event;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::account::TargetAccount;
use super::client::{self, LookupFailure, LookupPage};
use super::{KEPT, LookupRun, RemainingWindows, list_spans, page};
use crate::aws;
use crate::source::archive::ArchiveError;
use crate::source::interrupt;
use crate::source::progress::RegionProgress as Progress;
use trailtab_core::coverage::Severity;
use trailtab_core::history::walk::{GiveUp, PageRequest, RegionScan, Step};
use trailtab_core::scope::{Region, Scope};
use trailtab_core::time::{Seconds, TimeRange};

/// A region to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToRead {
    pub(super) name: Region,
    /// Whether it is known to be enabled. If not, it is tried, and may turn out not to be.
    pub(super) is_enabled: bool,
}

/// Why reading a region stopped.
#[derive(Debug)]
struct RegionStop {
    code: String,
    reason: String,
}

impl RegionStop {
    fn archive(error: &ArchiveError) -> RegionStop {
        RegionStop {
            code: "ArchiveError".to_owned(),
            reason: aws::with_causes(error),
        }
    }

    fn interrupted() -> RegionStop {
        RegionStop {
            code: interrupt::CODE.to_owned(),
            reason: interrupt::REASON.to_owned(),
        }
    }
}

/// Reads a region's event history and records what is missing.
pub(super) async fn read(run: Arc<LookupRun>, account: Arc<TargetAccount>, region: ToRead) {
    let scope = Scope {
        account: account.id,
        region: region.name.clone(),
    };
    run.coverage().ask(scope.clone());
    let asked = RemainingWindows::of(run.asked.window, run.now());
    let from_archive = run.send_archived(&scope).await;
    let missing = |span: TimeRange| match &run.asked.archive {
        Some(archive) => archive.missing(&scope, span),
        None => vec![span],
    };
    let windows: Vec<TimeRange> = asked.there.iter().flat_map(|span| missing(*span)).collect();
    let gone = missing(asked.gone);
    let mut reading = RegionReading {
        walk: RegionScan::new(&windows, run.asked.max_tps, 0.0),
        started: Instant::now(),
        renewals: 0,
        unarchived: None,
        has_archived: from_archive,
        progress: run.progress.begin(scope.clone()),
        run,
        account,
        is_enabled: region.is_enabled,
        scope,
    };
    let stop = reading.walk_on().await.err();
    reading.finish(stop, gone, windows.last().copied());
}

struct RegionReading {
    run: Arc<LookupRun>,
    account: Arc<TargetAccount>,
    scope: Scope,
    is_enabled: bool,
    walk: RegionScan,
    started: Instant,
    /// Renewals of the credentials since the last page.
    renewals: u32,
    /// The seconds around events that the archive could not keep.
    unarchived: Option<TimeRange>,
    /// Whether the archive already had events of the window.
    has_archived: bool,
    progress: Arc<Progress>,
}

/// A page request in flight: the request, the generation of its credentials, and the result.
type PageInFlight = (PageRequest, u32, Result<LookupPage, LookupFailure>);

impl RegionReading {
    fn now(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    async fn walk_on(&mut self) -> Result<(), RegionStop> {
        let mut flights: JoinSet<PageInFlight> = JoinSet::new();
        let (mut number, config) = self.account.config();
        let mut client = aws::event_history(&config, self.scope.region.as_str());
        let interrupt = self.run.interrupt.clone();
        loop {
            if interrupt.is_requested() {
                return Err(RegionStop::interrupted());
            }
            let landed = match self.walk.step(self.now()) {
                Step::Done => return Ok(()),
                Step::Ask(ask) => {
                    let current = self.account.config();
                    if current.0 != number {
                        number = current.0;
                        client = aws::event_history(&current.1, self.scope.region.as_str());
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
                        () = interrupt.requested() => None,
                    }
                }
                Step::Listen => interrupt.or(flights.join_next()).await.flatten(),
            };
            if let Some(landed) = landed {
                self.handle(landed).await?;
                self.show();
            }
        }
    }

    /// Handles a result.
    async fn handle(&mut self, landed: Result<PageInFlight, JoinError>) -> Result<(), RegionStop> {
        let (ask, number, answer) = landed.map_err(|error| RegionStop {
            code: "InternalError".to_owned(),
            reason: error.to_string(),
        })?;
        let (now, jitter) = (self.now(), fastrand::f64());
        match answer {
            Ok(answer) => {
                self.renewals = 0;
                self.keep(&ask, answer).await
            }
            Err(LookupFailure::Throttled) => {
                self.walk.throttled(&ask, now, jitter);
                Ok(())
            }
            Err(LookupFailure::Passing { code, reason }) => {
                let walked = self.walk.failed(&ask, now, jitter);
                walked.map_err(|error| gave_up(error, code, &reason))
            }
            Err(LookupFailure::TokenLost) => {
                let walked = self.walk.restart(&ask, now, jitter);
                let code = "InvalidNextTokenException".to_owned();
                walked.map_err(|error| gave_up(error, code, "the page token is no longer valid"))
            }
            Err(LookupFailure::Expired { code, reason }) => {
                let is_current = self.account.config().0 == number;
                if is_current && self.renewals > 0 && code != client::NO_CREDENTIALS {
                    let reason = format!(
                        "{reason} (run again with fresh credentials; what --archive DIR keeps is not fetched twice)"
                    );
                    return Err(RegionStop { code, reason });
                }
                if is_current {
                    self.renewals += 1;
                    self.account.renew(number);
                }
                let walked = self.walk.failed(&ask, now, jitter);
                walked.map_err(|error| gave_up(error, code, &reason))
            }
            Err(LookupFailure::Refused { code, reason }) => Err(RegionStop { code, reason }),
        }
    }

    /// Keeps a page in the archive and sends it on.
    async fn keep(&mut self, ask: &PageRequest, answer: LookupPage) -> Result<(), RegionStop> {
        let looked = page::page_span(ask, &answer);
        let arrived = self.walk.arrived(ask, &looked, self.now());
        let arrived = arrived.map_err(|error| gave_up(error, "InvalidPages".to_owned(), ""))?;
        let mut events = answer.events;
        // Older ones are another walker's, unless they are of a time that was not asked for.
        let is_mine = |time| time >= arrived.goal || !page::is_asked(ask, time);
        events.retain(|event| page::time(event).is_none_or(is_mine));
        let covered = self.claim(arrived.covered, looked.oldest, &events);
        let run = self.run.clone();
        let scope = self.scope.clone();
        // Files are written in the meantime, and other regions go on.
        let written = tokio::task::spawn_blocking(move || {
            let kept = match &run.asked.archive {
                Some(archive) => {
                    let page: Vec<_> = events.iter().filter_map(page::to_keep).collect();
                    archive.add(&scope, covered, &page)
                }
                None => Ok(()),
            };
            (page::document(&events, scope), kept)
        });
        let (document, kept) = written.await.map_err(|error| RegionStop {
            code: "InternalError".to_owned(),
            reason: error.to_string(),
        })?;
        // A page is counted even if the archive could not keep it.
        self.run.send(document).await;
        kept.map_err(|error| RegionStop::archive(&error))
    }

    /// The seconds that the archive may mark as covered. Excludes those with an event that could
    /// not be kept, so that the next run fetches and reports it again.
    fn claim(
        &mut self,
        covered: TimeRange,
        oldest: Option<Seconds>,
        events: &[Event],
    ) -> TimeRange {
        for event in events.iter().filter(|event| page::to_keep(event).is_none()) {
            let time = page::time(event);
            let span = TimeRange {
                from: time.or(oldest).unwrap_or(covered.from),
                until: time.map_or(covered.until, |time| time.saturating_add(1)),
            };
            self.unarchived = Some(
                self.unarchived
                    .map_or(span, |unarchived| unarchived.hull(span)),
            );
        }
        match self.unarchived {
            Some(unarchived) if !unarchived.intersect(covered).is_empty() => TimeRange {
                from: covered.until.min(unarchived.until.max(covered.from)),
                until: covered.until,
            },
            _ => covered,
        }
    }

    fn show(&self) {
        self.progress.show(self.walk.look_around(self.now()));
    }

    /// Records what is missing. `last` is the last window read: the one with the oldest seconds,
    /// apart from those read first.
    fn finish(self, stop: Option<RegionStop>, mut gone: Vec<TimeRange>, last: Option<TimeRange>) {
        let view = self.walk.look_around(self.now());
        self.progress.finish(view);
        let (run, scope) = (&self.run, &self.scope);
        run.coverage()
            .count_requests(scope.clone(), view.requests, view.throttles);
        let was_read = view.events > 0 && view.requests > view.throttles + 1;
        let has_some = was_read || self.has_archived;
        if let Some(RegionStop { code, .. }) = &stop
            && !self.is_enabled
            && !has_some
            && is_not_enabled(code)
        {
            return run.coverage().skip(scope.clone());
        }
        let severity = if has_some {
            Severity::Partial
        } else {
            Severity::Failed
        };
        // A run of many hours may reach the oldest seconds only after AWS has deleted them.
        let horizon = run.now() - KEPT;
        if let Some(last) = last.filter(|last| stop.is_none() && last.from < horizon) {
            gone.push(TimeRange {
                from: last.from,
                until: horizon.min(last.until),
            });
        }
        gone.retain(|span| !span.is_empty());
        if !gone.is_empty() {
            let reason = format!(
                "{} is older than the 90 days that AWS keeps, and in no archive",
                list_spans(&gone)
            );
            let severity = if view.events > 0 {
                Severity::Partial
            } else {
                severity
            };
            run.lose(scope.clone(), severity, "OlderThan90Days", reason);
        }
        if let Some(RegionStop { code, reason }) = stop {
            let missing = self.walk.missing();
            let reason = match missing.is_empty() {
                // Everything not read is in the archive.
                true => format!("{code}: {reason}"),
                false => format!("{code}: {reason}; {} was not read", list_spans(&missing)),
            };
            run.lose(scope.clone(), severity, &code, reason);
        }
    }
}

/// Error codes of a region that is not enabled, including those of credentials that it does not
/// accept for that reason.
fn is_not_enabled(code: &str) -> bool {
    [
        "OptInRequired",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "AuthFailure",
    ]
    .contains(&code)
}

fn gave_up(error: GiveUp, code: String, reason: &str) -> RegionStop {
    let reason = match reason {
        "" => error.to_string(),
        reason => format!("{reason} ({error})"),
    };
    RegionStop { code, reason }
}
