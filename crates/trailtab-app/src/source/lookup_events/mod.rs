//! Reads the event history of accounts with LookupEvents, completely and at the rate of its quota.
//!
//! Reads accounts and regions in parallel, each at its own pace (`core/walk`, `core/pace`). Records
//! every failure in the coverage with AWS's error code; a failure affects only its region or
//! account.

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
use trailtab_core::event::filter::ScopeMatcher;
use trailtab_core::scope::{AccountId, Scope};
use trailtab_core::time::{self, Seconds, TimeRange};

/// Quota L-6826A2E9, not adjustable: requests per second, account and region.
pub const QUOTA: f64 = 2.0;

/// Retention of the event history.
pub const KEPT: Seconds = 90 * 86_400;

/// The oldest part of the retention is read first, before AWS deletes it.
const OLDEST_FIRST_SECONDS: Seconds = 6 * 3600;

/// AWS does not delete events to the second, and a run takes a moment to start.
const RETENTION_TOLERANCE_SECONDS: Seconds = 10 * 60;

/// Accounts read at the same time. With some twenty regions each, this means hundreds of
/// connections.
const MAX_CONCURRENT_ACCOUNTS: usize = 16;

/// What to read from the event history.
pub struct LookupRequest {
    /// Credentials and region of the AWS client.
    pub access: aws::CredentialOptions,
    /// The time window. Fixed at the start, since a page token is bound to it.
    pub window: TimeRange,
    /// When the run began, in seconds since 1970-01-01T00:00:00Z.
    pub now: Seconds,
    /// Regions as named by the user; empty for all enabled ones.
    pub regions: Vec<String>,
    /// Accounts as named by the user; empty for all.
    pub accounts: Vec<String>,
    /// The filters by account and region, which decide what is read.
    pub scopes: ScopeMatcher,
    /// Maximum requests per second, account and region.
    pub max_tps: f64,
    /// The filter passed to LookupEvents.
    pub attribute: Option<PushedAttribute>,
    /// Name of the role to assume in each account of the organization.
    pub organization: Option<String>,
    /// The archive to keep pages in, if any.
    pub archive: Option<EventArchive>,
}

/// Why nothing can be read.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The AWS configuration is invalid.
    #[error(transparent)]
    Config(#[from] aws::ConfigError),
    /// A requested region does not exist.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// The caller identity is unknown.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The accounts of the organization cannot be listed.
    #[error(transparent)]
    Organization(#[from] OrganizationError),
    /// `--account` excludes the only account.
    #[error(
        "no account is left to read: the credentials are those of {account}, which --account leaves out"
    )]
    NoAccount {
        /// The account of the credentials.
        account: AccountId,
    },
    /// `--account` excludes all active accounts of the organization.
    #[error("no account is left to read: --account leaves out all active ones of the organisation")]
    NoMember,
    /// `--region` excludes all enabled regions.
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
    /// The current time, derived from the start time of the run.
    fn now(&self) -> Seconds {
        let passed = Seconds::try_from(self.started.elapsed().as_secs());
        self.asked
            .now
            .saturating_add(passed.unwrap_or(Seconds::MAX))
    }

    async fn send(&self, document: Document) {
        self.progress.find(document.size);
        // The receiver is dropped only at the end of the run.
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
            // The region itself reports the interrupt.
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

/// Sends the events of all requested accounts and regions to `documents`. Returns the caller
/// identity (`None` if interrupted before it was known) and the coverage.
///
/// # Errors
///
/// Fails if the caller identity or the accounts cannot be determined, or if no account or region is
/// left to read.
pub async fn fetch(
    asked: LookupRequest,
    (progress, interrupt): (Arc<ReadProgress>, Interrupt),
    documents: mpsc::Sender<Document>,
) -> Result<(Option<CallerIdentity>, RunCoverage), LookupError> {
    let Some(begun) = interrupt.or(begin(&asked)).await else {
        return Ok((None, interrupted()));
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
        return Ok((Some(caller), interrupted()));
    };
    let wanted = accounts?
        .into_iter()
        .filter(|account| run.asked.scopes.admits_account(account.id.as_str()));
    let wanted: Vec<_> = wanted.collect();
    if wanted.is_empty() {
        return Err(match run.asked.organization {
            Some(_) => LookupError::NoMember,
            None => LookupError::NoAccount {
                account: caller.account,
            },
        });
    }
    report_unknown_accounts(&run, &wanted);
    let permits = Arc::new(Semaphore::new(MAX_CONCURRENT_ACCOUNTS));
    let mut reads = JoinSet::new();
    for account in wanted {
        let (run, permits) = (run.clone(), permits.clone());
        reads.spawn(async move {
            let _permit = permits.acquire().await;
            read_account(run, account).await;
        });
    }
    // The advice runs in the background and never delays the run.
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

/// Determines the caller identity and the known regions.
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
fn interrupted() -> RunCoverage {
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

/// Reports named accounts that the organization does not have.
fn report_unknown_accounts(run: &LookupRun, accounts: &[Arc<TargetAccount>]) {
    let named = run
        .asked
        .accounts
        .iter()
        .filter(|name| !regions::is_pattern(name));
    for id in named.filter_map(|name| name.parse::<AccountId>().ok()) {
        if accounts.iter().all(|account| account.id != id) {
            let reason = "is not an active account of the organisation".to_owned();
            let scope = ReadScope::Account(id);
            run.lose(scope, Severity::Failed, "NotInOrganization", reason);
        }
    }
}

/// Counts the archived events of regions and accounts that can no longer be read, and reports what
/// the archive lacks.
async fn count_archived(run: &LookupRun, caller: &CallerIdentity) {
    let Some(archive) = &run.asked.archive else {
        return;
    };
    for scope in archive.scopes() {
        let is_ours = run.asked.organization.is_some() || scope.account == caller.account;
        let scopes = &run.asked.scopes;
        let is_wanted = scopes.admits_account(scope.account.as_str())
            && scopes.admits_region(scope.region.as_str());
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
            let missing = list_spans(&missing);
            let reason =
                format!("is in the archive and cannot be read now; {missing} was not read");
            run.lose(scope, Severity::Partial, "NotListed", reason);
        }
    }
}

/// The parts of a window that AWS still has, in reading order, and the part it no longer has.
struct RemainingWindows {
    there: Vec<TimeRange>,
    gone: TimeRange,
}

impl RemainingWindows {
    fn of(window: TimeRange, now: Seconds) -> RemainingWindows {
        let cut = |time: Seconds| time.clamp(window.from, window.until);
        let horizon = cut(now - KEPT - RETENTION_TOLERANCE_SECONDS);
        let urgent = cut(now - KEPT + OLDEST_FIRST_SECONDS);
        let span = |from, until| TimeRange { from, until };
        let there = [span(horizon, urgent), span(urgent, window.until)];
        RemainingWindows {
            there: there.into_iter().filter(|span| !span.is_empty()).collect(),
            gone: span(window.from, horizon),
        }
    }
}

/// Lists spans as text; at most five, then the number of the others.
fn list_spans(spans: &[TimeRange]) -> String {
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
    fn the_oldest_part_is_read_first() {
        let now = 1_800_000_000;
        let of = |from, until| {
            let windows = RemainingWindows::of(TimeRange { from, until }, now);
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
        let urgent = -KEPT + OLDEST_FIRST_SECONDS;
        assert_eq!(of(now - KEPT, now), (vec![(-KEPT, urgent), (urgent, 0)], 0));
        let horizon = -KEPT - RETENTION_TOLERANCE_SECONDS;
        let older = (
            vec![(horizon, urgent), (urgent, 0)],
            10 * day - RETENTION_TOLERANCE_SECONDS,
        );
        assert_eq!(of(now - KEPT - 10 * day, now), older);
        let gone = (vec![], 10 * day);
        assert_eq!(of(now - KEPT - 20 * day, now - KEPT - 10 * day), gone);
    }
}
