//! The event history of accounts: LookupEvents, complete, at the speed of its quota.
//!
//! Accounts and regions are walked in parallel, each at its own pace (`core/walk`, `core/pace`). What
//! cannot be read is in the coverage, with AWS's code: it costs its region, or its account, and the
//! others go on.

mod account;
mod advice;
mod attribute;
mod client;
mod organization;
mod page;
mod region;
mod regions;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_config::SdkConfig;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::account::{AccountRefusal, IdentityError, TargetAccount, find_caller};
pub use self::attribute::PushedAttribute;
use self::organization::OrganizationError;
pub use self::regions::RegionError;
use super::archive::{EventArchive, UNSETTLED};
use super::document::Document;
use super::interrupt::{self, Interrupt};
use super::progress::ReadProgress;
use crate::aws;
use trailtab_core::activity::summary::CallerIdentity;
use trailtab_core::coverage::{ReadProblem, ReadScope, RunCoverage, Severity};
use trailtab_core::event::filter::EventFilter;
use trailtab_core::history::spans::SecondRange;
use trailtab_core::scope::{AccountId, Scope};
use trailtab_core::time::{self, Seconds};

/// Requests per second, account and region that CloudTrail allows: quota L-6826A2E9, not adjustable.
pub const QUOTA: f64 = 2.0;

/// How long the event history is kept.
pub const KEPT: Seconds = 90 * 86_400;

/// What AWS is about to forget is read first: so much of the oldest end.
const URGENT: Seconds = 6 * 3600;

/// AWS does not forget to the second, and a run takes a moment to start.
const TOLERANCE: Seconds = 10 * 60;

/// Accounts that are read at the same time: with some twenty regions each, hundreds of connections.
const ACCOUNTS: usize = 16;

/// What is asked for.
pub struct LookupRequest {
    /// The credentials and the region to ask AWS with.
    pub access: aws::CredentialOptions,
    /// Frozen at the start, since a page's token is bound to it.
    pub window: SecondRange,
    /// When the run began, in seconds since 1970-01-01T00:00:00Z.
    pub now: Seconds,
    /// Regions as the user named them; all that are enabled if there are none.
    pub regions: Vec<String>,
    /// Accounts likewise.
    pub accounts: Vec<String>,
    /// The filters; those by account and region decide what is read.
    pub filter: EventFilter,
    /// Requests per second, account and region at most.
    pub max_tps: f64,
    /// What the service is to filter by.
    pub attribute: Option<PushedAttribute>,
    /// The name of the role by which an organisation's accounts are read.
    pub organization: Option<String>,
    /// Where pages are kept; None if they are not.
    pub archive: Option<EventArchive>,
}

/// Why nothing at all can be read.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The configuration of AWS cannot be used.
    #[error(transparent)]
    Config(#[from] aws::ConfigError),
    /// A requested region does not exist.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// It is not known whose credentials are at hand.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The accounts of the organisation cannot be listed.
    #[error(transparent)]
    Organization(#[from] OrganizationError),
    /// `--account` leaves out the only account.
    #[error(
        "no account is left to read: the credentials are those of {account}, which --account leaves out"
    )]
    NoAccount {
        /// The account of the credentials.
        account: AccountId,
    },
    /// `--account` leaves out all active accounts of the organisation.
    #[error("no account is left to read: --account leaves out all active ones of the organisation")]
    NoMember,
    /// `--region` leaves out all enabled regions.
    #[error("no region is left to read: no region that --region admits is enabled in the account")]
    NoRegion,
}

/// A run's state, shared by all regions.
struct LookupRun {
    asked: LookupRequest,
    documents: mpsc::Sender<Document>,
    progress: Arc<ReadProgress>,
    interrupt: Interrupt,
    coverage: Mutex<RunCoverage>,
    started: Instant,
}

impl LookupRun {
    /// The time, by the clock that the run was begun with.
    fn now(&self) -> Seconds {
        let passed = Seconds::try_from(self.started.elapsed().as_secs());
        self.asked
            .now
            .saturating_add(passed.unwrap_or(Seconds::MAX))
    }

    async fn send(&self, document: Document) {
        self.progress.find(document.size);
        // The receiver is gone only when the run is over.
        drop(self.documents.send(document).await);
    }

    /// Sends what the archive has of a region's window. Tells whether that is anything.
    async fn send_archived(&self, scope: &Scope) -> bool {
        let Some(archive) = &self.asked.archive else {
            return false;
        };
        let documents = archive.documents(scope, self.asked.window);
        let has_some = !documents.is_empty();
        for document in documents {
            // The region says that it was interrupted.
            if self.interrupt.is_requested() {
                break;
            }
            self.send(document).await;
        }
        has_some
    }

    fn coverage(&self) -> MutexGuard<'_, RunCoverage> {
        self.coverage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that a region, or a whole account, is not complete.
    fn lose(&self, scope: impl Into<ReadScope>, severity: Severity, code: &str, reason: String) {
        let problem = ReadProblem::of_event_history(scope.into(), code, severity, reason);
        self.coverage().problem(problem);
    }
}

/// Sends the events of all accounts and regions that are asked for to `documents`. Returns who
/// asked, if the run was not interrupted before that was known, and what could not be had.
///
/// # Errors
///
/// If it cannot be found out whose credentials these are, or which accounts there are, or if no
/// account or region is left to read.
pub async fn fetch(
    asked: LookupRequest,
    (progress, interrupt): (Arc<ReadProgress>, Interrupt),
    documents: mpsc::Sender<Document>,
) -> Result<(Option<CallerIdentity>, RunCoverage), LookupError> {
    let Some(begun) = interrupt.or(begin(&asked)).await else {
        return Ok((None, given_up()));
    };
    let (config, caller, regions) = begun?;
    let run = Arc::new(LookupRun {
        asked,
        documents,
        progress,
        interrupt,
        coverage: Mutex::default(),
        started: Instant::now(),
    });
    let own = Arc::new(TargetAccount::own(&caller, config, regions));
    let accounts = match &run.asked.organization {
        Some(role) => run.interrupt.or(organization::accounts(&own, role)).await,
        None => Some(Ok(vec![own.clone()])),
    };
    let Some(accounts) = accounts else {
        return Ok((Some(caller), given_up()));
    };
    let wanted = accounts?
        .into_iter()
        .filter(|account| run.asked.filter.admits_account(account.id.as_str()));
    let wanted: Vec<_> = wanted.collect();
    if wanted.is_empty() {
        return Err(match run.asked.organization {
            Some(_) => LookupError::NoMember,
            None => LookupError::NoAccount {
                account: caller.account,
            },
        });
    }
    miss_strangers(&run, &wanted);
    let permits = Arc::new(Semaphore::new(ACCOUNTS));
    let mut reads = JoinSet::new();
    for account in wanted {
        let (run, permits) = (run.clone(), permits.clone());
        reads.spawn(async move {
            let _permit = permits.acquire().await;
            read_account(run, account).await;
        });
    }
    // Whoever asks for advice does not wait for it.
    let advice = tokio::spawn(advice::give(run.clone(), own));
    reads.join_all().await;
    advice.abort();
    count_archived(&run, &caller).await;
    let mut coverage = std::mem::take(&mut *run.coverage());
    if coverage.asked.is_empty() {
        return Err(LookupError::NoRegion);
    }
    coverage.lookup_attribute = run.asked.attribute.as_ref().map(ToString::to_string);
    let settled = run.asked.now - UNSETTLED;
    if run.asked.window.until > settled {
        coverage.settled_until = Some(settled);
    }
    Ok((Some(caller), coverage))
}

/// Finds out whose credentials these are, and which regions there are.
async fn begin(
    asked: &LookupRequest,
) -> Result<(SdkConfig, CallerIdentity, regions::KnownRegions), LookupError> {
    let config = aws::config(&asked.access).await?;
    regions::check_names(asked, aws::has_endpoint(&asked.access).await?)?;
    // Both are on the way of most runs, and neither has to wait for the other.
    let regions = async {
        Ok(match regions::are_named(asked) {
            true => regions::KnownRegions::NotAsked,
            false => regions::known(&config).await,
        })
    };
    let (caller, regions) = tokio::try_join!(find_caller(&config), regions)?;
    regions::check_patterns(asked, caller.partition(), &regions)?;
    Ok((config, caller, regions))
}

/// The coverage of a run that was interrupted before it began to read.
fn given_up() -> RunCoverage {
    let mut coverage = RunCoverage::default();
    coverage.problem(interrupt::problem("event history", Severity::Failed));
    coverage
}

/// Reads the regions of an account.
async fn read_account(run: Arc<LookupRun>, account: Arc<TargetAccount>) {
    let regions = async {
        account.enter().await?;
        Ok::<_, AccountRefusal>(regions::to_read(&account, &run.asked).await)
    };
    let lose = |code: &str, reason: String| {
        let scope = ReadScope::Account(account.id);
        run.lose(scope, Severity::Failed, code, reason);
    };
    let regions = match run.interrupt.or(regions).await {
        None => return lose(interrupt::CODE, interrupt::REASON.to_owned()),
        Some(Err(refusal)) => return lose(&refusal.code, format!("cannot be read: {refusal}")),
        Some(Ok(regions)) => regions,
    };
    let mut reads = JoinSet::new();
    for region in regions {
        let (run, account) = (run.clone(), account.clone());
        reads.spawn(region::read(run, account, region));
    }
    reads.join_all().await;
}

/// Takes note of accounts that the user named and the organisation does not have.
fn miss_strangers(run: &LookupRun, accounts: &[Arc<TargetAccount>]) {
    let named = run
        .asked
        .accounts
        .iter()
        .filter(|name| !regions::is_pattern(name));
    for id in named.filter_map(|name| name.parse::<AccountId>().ok()) {
        if accounts.iter().all(|account| account.id != id) {
            let reason = "is no active account of the organisation".to_owned();
            let scope = ReadScope::Account(id);
            run.lose(scope, Severity::Failed, "NotInOrganization", reason);
        }
    }
}

/// Counts what the archive has of regions and accounts that cannot be read any more, and takes note
/// of what it lacks.
async fn count_archived(run: &LookupRun, caller: &CallerIdentity) {
    let Some(archive) = &run.asked.archive else {
        return;
    };
    for scope in archive.scopes() {
        let is_ours = run.asked.organization.is_some() || scope.account == caller.account;
        let filter = &run.asked.filter;
        let is_wanted = filter.admits_account(scope.account.as_str())
            && filter.admits_region(scope.region.as_str());
        let is_asked = run.coverage().asked.contains_key(&scope.clone().into());
        if !is_ours || !is_wanted || is_asked {
            continue;
        }
        if run.interrupt.is_requested() {
            let (severity, reason) = (Severity::Failed, interrupt::REASON.to_owned());
            run.lose(scope, severity, interrupt::CODE, reason);
            continue;
        }
        if !run.send_archived(&scope).await {
            continue;
        }
        run.coverage().ask(scope.clone());
        let missing = archive.missing(&scope, run.asked.window);
        if !missing.is_empty() {
            let missing = in_words(&missing);
            let reason =
                format!("is in the archive and cannot be read now; {missing} was not read");
            run.lose(scope, Severity::Partial, "NotListed", reason);
        }
    }
}

/// What of a window the service still has, in the order in which it is to be read, and what it has
/// not any more.
struct RemainingWindows {
    there: Vec<SecondRange>,
    gone: SecondRange,
}

impl RemainingWindows {
    fn of(window: SecondRange, now: Seconds) -> RemainingWindows {
        let cut = |time: Seconds| time.clamp(window.from, window.until);
        let horizon = cut(now - KEPT - TOLERANCE);
        let urgent = cut(now - KEPT + URGENT);
        let span = |from, until| SecondRange { from, until };
        let there = [span(horizon, urgent), span(urgent, window.until)];
        RemainingWindows {
            there: there.into_iter().filter(|span| !span.is_empty()).collect(),
            gone: span(window.from, horizon),
        }
    }
}

/// Spans, in words; the first ones, if there are many.
fn in_words(spans: &[SecondRange]) -> String {
    let words = spans.iter().take(5).map(|span| {
        let last = span.until - 1;
        format!("{} to {}", time::iso(span.from), time::iso(last))
    });
    let words = words.collect::<Vec<_>>().join(", ");
    match spans.len() {
        0..=5 => words,
        n => format!("{words} and {} more", n - 5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_to_be_forgotten_is_read_first() {
        let now = 1_800_000_000;
        let of = |from, until| {
            let windows = RemainingWindows::of(SecondRange { from, until }, now);
            let ends = windows
                .there
                .iter()
                .map(|span| (span.from - now, span.until - now));
            let gone = windows.gone.until - windows.gone.from;
            (ends.collect::<Vec<_>>(), gone)
        };
        let day = 86_400;
        // The usual window is one piece.
        assert_eq!(of(now - 14 * day, now), (vec![(-14 * day, 0)], 0));
        let urgent = -KEPT + URGENT;
        assert_eq!(of(now - KEPT, now), (vec![(-KEPT, urgent), (urgent, 0)], 0));
        let horizon = -KEPT - TOLERANCE;
        let older = (vec![(horizon, urgent), (urgent, 0)], 10 * day - TOLERANCE);
        assert_eq!(of(now - KEPT - 10 * day, now), older);
        let gone = (vec![], 10 * day);
        assert_eq!(of(now - KEPT - 20 * day, now - KEPT - 10 * day), gone);
    }
}
