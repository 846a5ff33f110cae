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
mod region;
mod regions;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

pub(crate) use self::account::Caller;
use self::account::{Account, IdentityError};
pub(crate) use self::attribute::Attribute;
use self::organization::OrganizationError;
use super::archive::Archive;
use super::document::Document;
use super::progress::Progress;
use crate::aws;
use crate::core::coverage::{ALL_REGIONS, Coverage, Problem, Severity, event_history};
use crate::core::filter::Filter;
use crate::core::spans::Span;
use crate::core::window::{self, Seconds};

/// Requests per second, account and region that CloudTrail allows: quota L-6826A2E9, not adjustable.
pub(crate) const QUOTA: f64 = 2.0;

/// How long the event history is kept.
pub(crate) const KEPT: Seconds = 90 * 86_400;

/// How long after a call its event may still be missing. Events mostly come within five minutes, and
/// AWS promises nothing.
pub(crate) const SETTLES: Seconds = 15 * 60;

/// Accounts that are read at the same time.
const ACCOUNTS: usize = 32;

/// What is asked for.
pub(crate) struct Asked {
    pub(crate) access: aws::Access,
    /// Frozen at the start, since a page's token is bound to it.
    pub(crate) window: Span,
    pub(crate) now: Seconds,
    /// Regions as the user named them; all that are enabled if there are none.
    pub(crate) regions: Vec<String>,
    pub(crate) filter: Filter,
    /// Requests per second, account and region at most.
    pub(crate) max_tps: f64,
    /// What the service is to filter by.
    pub(crate) attribute: Option<Attribute>,
    /// The name of the role by which an organisation's accounts are read.
    pub(crate) organization: Option<String>,
    pub(crate) archive: Option<Archive>,
}

/// Why nothing at all can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Organization(#[from] OrganizationError),
    #[error(
        "no account is left to read: the credentials are those of {account}, which --account leaves out"
    )]
    NoAccount { account: String },
    #[error("no region is left to read: --region leaves out all that are enabled")]
    NoRegion,
}

/// A run's state, shared by all regions.
struct Run {
    asked: Asked,
    documents: mpsc::Sender<Document>,
    progress: Arc<Progress>,
    coverage: Mutex<Coverage>,
}

impl Run {
    fn coverage(&self) -> MutexGuard<'_, Coverage> {
        self.coverage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note that a region, or with the name `*` a whole account, is not complete.
    fn lose(&self, account: &str, region: &str, severity: Severity, code: &str, reason: String) {
        let mut coverage = self.coverage();
        coverage.fail(account, region, code, severity);
        coverage.problem(Problem {
            document: event_history(account, region),
            severity,
            reason,
        });
    }
}

/// Sends the events of all accounts and regions that are asked for to `documents`. Returns who
/// asked, and what could not be had.
///
/// # Errors
///
/// If it cannot be found out whose credentials these are, or which accounts there are, or if no
/// account or region is left to read.
pub(crate) async fn fetch(
    asked: Asked,
    progress: Arc<Progress>,
    documents: mpsc::Sender<Document>,
) -> Result<(Caller, Coverage), LookupError> {
    let config = aws::config(&asked.access).await;
    // Both are on the way of most runs, and neither has to wait for the other.
    let regions = async {
        Ok(match regions::are_named(&asked) {
            true => regions::Known::NotAsked,
            false => regions::known(&config).await,
        })
    };
    let (caller, regions) = tokio::try_join!(Caller::find(&config), regions)?;
    let run = Arc::new(Run {
        asked,
        documents,
        progress,
        coverage: Mutex::default(),
    });
    let own = Arc::new(Account::own(&caller, config, regions));
    let accounts = match &run.asked.organization {
        Some(role) => organization::accounts(&own, role).await?,
        None => vec![own.clone()],
    };
    let wanted = accounts
        .into_iter()
        .filter(|account| run.asked.filter.admits_account(&account.id));
    let wanted: Vec<_> = wanted.collect();
    if wanted.is_empty() {
        return Err(LookupError::NoAccount {
            account: caller.account,
        });
    }
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
    let mut coverage = std::mem::take(&mut *run.coverage());
    if coverage.asked.is_empty() && coverage.not_enabled.is_empty() {
        return Err(LookupError::NoRegion);
    }
    coverage.lookup_attribute = run.asked.attribute.as_ref().map(ToString::to_string);
    let settled = run.asked.now - SETTLES;
    if run.asked.window.until > settled {
        coverage.settled_until = Some(settled);
    }
    Ok((caller, coverage))
}

/// Reads the regions of an account.
async fn read_account(run: Arc<Run>, account: Arc<Account>) {
    if let Err(refusal) = account.enter().await {
        let reason = format!("cannot be read: {refusal}");
        return run.lose(
            &account.id,
            ALL_REGIONS,
            Severity::Failed,
            &refusal.code,
            reason,
        );
    }
    let regions = regions::to_read(&account, &run.asked).await;
    let mut reads = JoinSet::new();
    for region in regions {
        let (run, account) = (run.clone(), account.clone());
        reads.spawn(region::read(run, account, region));
    }
    reads.join_all().await;
}

/// What of a window the service still has, and what it has not any more.
fn kept(window: Span, now: Seconds) -> (Span, Span) {
    let horizon = (now - KEPT).clamp(window.from, window.until);
    (
        Span {
            from: horizon,
            until: window.until,
        },
        Span {
            from: window.from,
            until: horizon,
        },
    )
}

/// A span, in words.
fn in_words(span: Span) -> String {
    format!(
        "{} to {}",
        window::iso(span.from),
        window::iso(span.until - 1)
    )
}
