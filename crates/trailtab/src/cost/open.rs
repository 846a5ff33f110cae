//! Opens a run: AWS configuration, settings, accounts, cache and ledger from the arguments.

use std::env;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use rust_decimal::Decimal;
use trailtab_app::aws::SdkConfig;

use super::args::{AskingArgs, CostArgs};
use crate::ui::Ui;
use trailtab_app::aws::{self, AwsFailure};
use trailtab_app::clock;
use trailtab_app::cost_source::accounts::AccountListing;
use trailtab_app::cost_source::cost_explorer::PRICE;
use trailtab_app::cost_source::saved;
use trailtab_app::deliver::files;
use trailtab_app::deliver::ledger::SendLedger;
use trailtab_app::deliver::temporary::Readers;
use trailtab_app::job::cost::answers::AnswerCache;
use trailtab_app::job::cost::{CostRun, open};
use trailtab_app::source::Source;
use trailtab_core::cost::settings::CostSettings;
use trailtab_render::escape;

/// A run, and the organisation's accounts.
pub(super) struct OpenRun {
    pub(super) run: CostRun,
    /// Accounts of the organisation; empty if they could not be listed.
    listed: Vec<AccountListing>,
}

/// The AWS configuration; one without credentials if the run makes no request to AWS.
pub(super) async fn config(args: &CostArgs) -> Result<SdkConfig, aws::ConfigError> {
    let is_s3 = |place: &Option<Source>| matches!(place, Some(Source::S3 { .. }));
    let sending = &args.sending;
    let asks = args.asking.offline.is_none()
        || (sending.send && !sending.dry_run)
        || is_s3(&args.money.config)
        || is_s3(&sending.ledger);
    match asks {
        true => aws::config(&args.credentials.access()).await,
        false => Ok(aws::without_credentials()),
    }
}

/// Reads the settings and opens the source of answers: saved ones with `--offline`, otherwise Cost Explorer and the
/// cache. Lists the accounts in the latter case.
pub(super) async fn open(args: &CostArgs, config: &SdkConfig, ui: Ui) -> anyhow::Result<OpenRun> {
    let mut settings = match &args.money.config {
        Some(place) => open::settings(place, config).await?,
        None => CostSettings::default(),
    };
    for name in settings.unknown.keys() {
        ui.remark(&format!("unknown key in the settings, ignored: {name:?}"));
    }
    args.overrule(&mut settings);
    if let Some(directory) = &args.asking.offline {
        let run = open::offline(settings, directory, None)?;
        let listed = Vec::new();
        return Ok(OpenRun { run, listed });
    }
    let cache = cache(&args.asking, config, ui).await?;
    let (run, listed) = open::live(settings, config, cache, clock::now()).await?;
    for remark in &run.remarks {
        ui.remark(&escape::terminal(remark));
    }
    Ok(OpenRun { run, listed })
}

/// The cache of answers, if there is one. It is kept by account, so that another profile never sees this
/// organisation's costs.
async fn cache(
    args: &AskingArgs,
    config: &SdkConfig,
    ui: Ui,
) -> anyhow::Result<Option<AnswerCache>> {
    // A plan reads how many pages there were last time.
    if args.no_cache {
        return Ok(None);
    }
    let place = match &args.cache {
        Some(place) => ledger(place, config)?,
        None => match home("XDG_CACHE_HOME", ".cache") {
            Some(directory) => SendLedger::Directory(directory),
            None => return Ok(None),
        },
    };
    match aws::sts(config).get_caller_identity().send().await {
        Ok(identity) => Ok(identity.account().map(|account| AnswerCache {
            place,
            account: account.to_owned(),
            max_age: i64::from(args.max_age) * 3600,
        })),
        Err(error) if AwsFailure::of(&error).affects_all_requests() => {
            bail!(aws::explain(&error))
        }
        Err(error) => {
            ui.remark(&escape::terminal(&format!(
                "answers are not cached, because the account they belong to is not known: {}",
                aws::explain(&error)
            )));
            Ok(None)
        }
    }
}

/// The cache in the home directory, if there is one: a check reads what runs left there.
pub(super) async fn kept_cache(config: &SdkConfig) -> Option<AnswerCache> {
    let directory = home("XDG_CACHE_HOME", ".cache")?;
    let identity = aws::sts(config).get_caller_identity().send().await;
    let identity = identity.ok()?;
    Some(AnswerCache {
        place: SendLedger::Directory(directory),
        account: identity.account()?.to_owned(),
        max_age: 0,
    })
}

/// Opens the ledger or cache at a place that the user named.
pub(super) fn ledger(place: &Source, config: &SdkConfig) -> anyhow::Result<SendLedger> {
    match place {
        Source::Path(directory) => Ok(SendLedger::Directory(directory.clone())),
        Source::S3 { bucket, prefix } => Ok(SendLedger::in_s3(config, bucket, prefix.clone())),
        Source::Stdin | Source::Athena(_) => bail!("name a directory or s3://BUCKET/PREFIX, not -"),
    }
}

/// This program's folder in the directory that `variable` names, or in `otherwise` below the home directory, if
/// either is set.
pub(super) fn home(variable: &str, otherwise: &str) -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let base = match set(variable) {
        Some(directory) => PathBuf::from(directory),
        None => PathBuf::from(set("HOME")?).join(otherwise),
    };
    Some(base.join("trailtab"))
}

impl OpenRun {
    /// Saves all answers with `--save`.
    pub(super) fn save(&self, args: &AskingArgs, ui: Ui) -> anyhow::Result<()> {
        for trouble in self.run.answers.troubles() {
            ui.remark(&trouble);
        }
        let Some(directory) = &args.save else {
            return Ok(());
        };
        files::make_private_directory(directory, directory)?;
        // The newest answer to a question replaces older ones.
        let keep = |name: String, bytes: &[u8]| {
            files::replace(&directory.join(name), bytes, Readers::Owner)
        };
        for answer in self.run.answers.given() {
            let (name, bytes) = saved::save(&answer).context("cannot save an answer")?;
            keep(name, &bytes)?;
        }
        for forecast in self.run.answers.given_forecasts() {
            let (name, bytes) =
                saved::save_forecast(&forecast).context("cannot save a forecast")?;
            keep(name, &bytes)?;
        }
        if !self.listed.is_empty() {
            let (name, bytes) =
                saved::save_accounts(&self.listed).context("cannot save accounts")?;
            keep(name, &bytes)?;
        }
        Ok(())
    }

    /// Prints the number of requests to Cost Explorer and their price, if there were any.
    pub(super) fn tell_what_it_cost(&self, ui: Ui) {
        let (requests, charged) = self.run.answers.requests();
        let usd = PRICE * Decimal::from(charged);
        if requests > 0 {
            ui.remark(&format!("{requests} requests to Cost Explorer, ${usd}"));
        }
    }

    /// Number of the organisation's accounts, if they could be listed.
    pub(super) fn accounts(&self) -> Option<usize> {
        (!self.listed.is_empty()).then_some(self.listed.len())
    }
}
