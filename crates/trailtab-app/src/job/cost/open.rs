//! Prepares a cost run: reads the settings, lists accounts, and opens the source of answers.

use std::path::Path;
use std::sync::Arc;

use aws_config::SdkConfig;

use super::CostRun;
use super::answers::{AnswerCache, AnswerSource, RunAnswers, SavedSource};
use crate::aws;
use crate::cost_source::accounts::{self, AccountListing, AccountsError};
use crate::cost_source::cost_explorer::{CostExplorer, RequestLimits};
use crate::cost_source::saved::{self, LoadError, SavedAnswers};
use crate::deliver::ledger::SendLedger;
use crate::source;
use trailtab_core::cost::audience::AccountDirectory;
use trailtab_core::cost::period;
use trailtab_core::cost::settings::{CostSettings, CostSettingsError};
use trailtab_core::time::Seconds;
use trailtab_cost_explorer::plain::PlainCut;

/// Maximum size of a settings file.
const MAX_SETTINGS_BYTES: u64 = 4 << 20;

/// Why settings are rejected.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The settings cannot be read.
    #[error("cannot read the settings {place}: {reason}")]
    Unreadable {
        /// The path or address of the settings.
        place: String,
        /// What went wrong.
        reason: String,
    },
    /// The settings are invalid.
    #[error("cannot use the settings {place}")]
    Unusable {
        /// The path or address of the settings.
        place: String,
        /// What is wrong with them.
        source: CostSettingsError,
    },
    /// Settings cannot be read from this kind of source.
    #[error("the settings must be a file or an object in S3: {place}")]
    NoPlace {
        /// The place as given.
        place: String,
    },
}

/// Reads settings from a file or an S3 object.
///
/// # Errors
///
/// Fails if the settings cannot be read or are invalid.
pub async fn settings(
    place: &source::Source,
    config: &SdkConfig,
) -> Result<CostSettings, OpenError> {
    let (name, bytes) = match place {
        source::Source::Path(path) => {
            let name = path.display().to_string();
            let bytes = read_file(path);
            (name, bytes.map_err(|error| error.to_string()))
        }
        source::Source::S3 { bucket, prefix } => {
            let name = format!("s3://{bucket}/{prefix}");
            let ledger = SendLedger::in_s3(config, bucket, String::new());
            let bytes = match ledger.load(prefix).await {
                Ok(Some((bytes, _))) => Ok(bytes),
                Ok(None) => Err("there is no such object".to_owned()),
                Err(error) => Err(error.reason().to_owned()),
            };
            (name, bytes)
        }
        source::Source::Stdin | source::Source::Athena(_) => {
            let place = "-".to_owned();
            return Err(OpenError::NoPlace { place });
        }
    };
    let bytes = bytes.map_err(|reason| OpenError::Unreadable {
        place: name.clone(),
        reason,
    })?;
    CostSettings::parse(&bytes).map_err(|source| OpenError::Unusable {
        place: name,
        source,
    })
}

fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(MAX_SETTINGS_BYTES + 1)
        .read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_SETTINGS_BYTES {
        true => Err(std::io::Error::other("it is too large to hold settings")),
        false => Ok(bytes),
    }
}

/// Begins a run that queries Cost Explorer.
///
/// # Errors
///
/// Fails if there are no credentials or no network. If accounts cannot be listed for another
/// reason, the run continues without the list.
pub async fn live(
    settings: CostSettings,
    config: &SdkConfig,
    cache: Option<AnswerCache>,
    now: Seconds,
) -> Result<(CostRun, Vec<AccountListing>), AccountsError> {
    let limits = RequestLimits::new(settings.max_requests.0);
    let explorer = CostExplorer::new(aws::cost_explorer(config), limits);
    let answers = RunAnswers::new(AnswerSource::Asked(Box::new(explorer)), cache, now);
    let (mut notes, mut remarks) = (Vec::new(), Vec::new());
    let listed = match accounts::accounts(config).await {
        Ok(listed) => Some(listed),
        // A single account; its name does not matter.
        Err(AccountsError::NoOrganization(_)) => None,
        // Cost Explorer would fail as well.
        Err(error @ AccountsError::NoAccess(_)) => return Err(error),
        Err(error) => {
            notes.push("account names are those that Cost Explorer knows".to_owned());
            remarks.push(error.to_string());
            None
        }
    };
    let mut run = begin(settings, answers, listed.as_deref(), notes, now);
    run.remarks = remarks;
    Ok((run, listed.unwrap_or_default()))
}

/// Begins a run on the answers saved by an earlier one, as of the time they were saved unless `now`
/// is given.
///
/// # Errors
///
/// Fails if the saved answers cannot be read.
pub fn offline(
    settings: CostSettings,
    directory: &Path,
    now: Option<Seconds>,
) -> Result<CostRun, LoadError> {
    let SavedAnswers {
        answers,
        forecasts,
        accounts,
        cuts,
        problems,
        mut notes,
    } = saved::load(directory)?;
    let asked = answers.iter().map(|answer| answer.asked).max();
    let ended = cuts.iter().map(|cut| cut.answer.asked).max();
    let now = now.or(asked.max(ended)).unwrap_or_default();
    if let Some(days) = cuts
        .iter()
        .filter_map(PlainCut::days)
        .max_by_key(|days| days.through)
    {
        notes.push(format!(
            "Printed answers do not say when they were asked: figures are as of the end of {}, their last day.",
            period::label_of(days.through)
        ));
    }
    let source = AnswerSource::Saved(SavedSource {
        answers: answers.into_iter().map(Arc::new).collect(),
        forecasts: forecasts.into_iter().map(Arc::new).collect(),
        cuts,
        problems,
    });
    let answers = RunAnswers::new(source, None, now);
    let listed = (!accounts.is_empty()).then_some(accounts);
    Ok(begin(settings, answers, listed.as_deref(), notes, now))
}

fn begin(
    settings: CostSettings,
    answers: RunAnswers,
    listed: Option<&[AccountListing]>,
    notes: Vec<String>,
    now: Seconds,
) -> CostRun {
    let named = |account: &AccountListing| (account.id.clone(), account.name.clone());
    let listed_accounts = listed.unwrap_or_default().iter();
    let names = listed_accounts.clone().map(named).collect();
    let inactive =
        listed_accounts.filter(|account| !matches!(account.state.as_str(), "" | "ACTIVE"));
    CostRun {
        settings,
        answers: Arc::new(answers),
        directory: match listed {
            Some(_) => {
                AccountDirectory::new(names, inactive.map(|account| account.id.clone()).collect())
            }
            None => AccountDirectory::partial(),
        },
        has_directory: listed.is_some(),
        by: Vec::new(),
        notes,
        remarks: Vec::new(),
        now,
    }
}
