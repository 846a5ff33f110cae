//! Checks settings before reports are sent: what is missing, and what each report would cover.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use serde::Serialize;

use super::answers::NoAnswer;
use super::needs::forecast_scope;
use super::pages::PageHistory;
use super::{CostRun, channel_check, forecast_check, mail_setup, tag_check, test_message};
use crate::aws;
use crate::cost_source::cost_explorer::{AskError, PRICE};
use crate::deliver::mail::smtp::SmtpSender;
use trailtab_core::cost::budget;
use trailtab_core::cost::growth::DayGrowth;
use trailtab_core::cost::owner::CostOwner;
use trailtab_core::cost::period::DayRange;
use trailtab_core::cost::recipient::{RecipientList, ReportDestination, ReportRecipient};
use trailtab_core::cost::report::Audience;
use trailtab_core::cost::secret::MailServer;
use trailtab_core::cost::settings::{CostSettings, MailTransportKind};
use trailtab_core::nearest;
use trailtab_cost_explorer::lines;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckVerdict {
    /// Nothing is wrong.
    Good,
    /// Reports can be made but may not show what is expected.
    Doubtful,
    /// Some report cannot be made or sent.
    Bad,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckFinding {
    /// The severity.
    pub verdict: CheckVerdict,
    /// A sentence for the operator.
    pub what: String,
}

/// A report configured in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedReport {
    /// Where the report goes.
    #[serde(flatten)]
    pub destination: ReportDestination,
    /// What the report covers.
    #[serde(flatten)]
    pub audience: Audience,
}

/// The results of all checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// The findings, in the order of the checks.
    pub findings: Vec<CheckFinding>,
    /// The configured reports.
    pub reports: Vec<PlannedReport>,
    /// Expected number of Cost Explorer requests of a run; the maximum, not counting further pages, if `counts_pages`
    /// is not set.
    pub requests: u64,
    /// Whether `requests` counts as many pages as the last run's answers had.
    pub counts_pages: bool,
    /// Cost of these requests in USD per run.
    pub usd: String,
    /// Cost of these requests in USD in 30 daily runs.
    pub usd_a_month: String,
    /// Paid requests that this check made.
    pub requests_made: u64,
}

impl CheckReport {
    /// Whether no finding is [`CheckVerdict::Bad`].
    pub fn is_good(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.verdict != CheckVerdict::Bad)
    }

    pub(super) fn add(&mut self, verdict: CheckVerdict, what: String) {
        self.findings.push(CheckFinding { verdict, what });
    }
}

/// What earlier runs left in the cache.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EarlierRuns {
    /// How many pages answers had.
    pub pages: PageHistory,
    /// What the runs saw of the last days.
    pub growth: DayGrowth,
}

/// The test messages that a check sends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AskedTests {
    /// The address that gets a test mail.
    pub mail: Option<String>,
    /// The names of channels that get a test message.
    pub channels: Vec<String>,
}

/// Checks everything that a run needs. Makes two paid requests: for the owners of this month and the last one, and for
/// the active cost allocation tags; one more for each tag that budgets are about, and one for the forecast of AWS if the settings ask for it. `earlier` is what runs left in the cache. Sends nothing except the
/// tests that are asked for.
pub async fn check(
    run: &mut CostRun,
    accounts: Option<usize>,
    config: &SdkConfig,
    earlier: &EarlierRuns,
    tests: &AskedTests,
) -> CheckReport {
    let mut checked = CheckReport {
        findings: Vec::new(),
        reports: Vec::new(),
        requests: 0,
        counts_pages: false,
        usd: String::new(),
        usd_a_month: String::new(),
        requests_made: 0,
    };
    members(&run.settings, &mut checked);
    match run.has_directory {
        true => checked.add(
            CheckVerdict::Good,
            format!("{} accounts can be listed", run.directory.names().len()),
        ),
        false => {
            let notes = run.remarks.join("; ");
            let what = match notes.is_empty() {
                true => "the account is not in an organisation".to_owned(),
                false => notes,
            };
            checked.add(CheckVerdict::Doubtful, what);
        }
    }
    let owners = costs(run, &mut checked).await;
    days(&run.settings, &earlier.growth, &mut checked);
    let (_, unresolved) =
        budget::resolve(&run.settings.budgets, &run.directory, &run.settings.owner);
    for problem in unresolved {
        checked.add(CheckVerdict::Bad, problem);
    }
    tag_check::active(&run.settings, config, &mut checked).await;
    tag_check::values(run, &mut checked).await;
    forecast_check::forecast(run, &mut checked).await;
    let expected = recipients(run, accounts, &earlier.pages, &mut checked);
    users(run, &expected, owners.as_ref(), &mut checked);
    if run.settings.sends_mail() || run.settings.channels.is_empty() || tests.mail.is_some() {
        sender(&run.settings, config, &mut checked).await;
    }
    channel_check::channels(&run.settings, config, &mut checked).await;
    if let Some(to) = &tests.mail {
        let sent = test_message::test_mail(&run.settings, to, config, run.now).await;
        checked.findings.push(sent);
    }
    for name in &tests.channels {
        let sent = test_message::test_channel(&run.settings, name, config, run.now).await;
        checked.findings.push(sent);
    }
    checked.requests_made += run.answers.requests().1;
    checked
}

fn members(settings: &CostSettings, checked: &mut CheckReport) {
    for name in settings.unknown.keys() {
        let what = format!("the settings have an unknown key: {name:?}");
        checked.add(CheckVerdict::Doubtful, what);
    }
    if settings.has_no_recipients() {
        let what = "the settings name no recipients: add managers, users, executives or channels";
        checked.add(CheckVerdict::Bad, what.to_owned());
    }
}

/// The owners of some days.
struct KnownOwners {
    owners: BTreeSet<CostOwner>,
    /// Whether there is any cost.
    has_costs: bool,
    /// The days in words.
    days: String,
}

/// This month and the last one, up to yesterday.
pub(super) fn checked_days(run: &CostRun) -> DayRange {
    let today = run.today();
    DayRange {
        from: run.last_month().days.from,
        through: today.yesterday().unwrap_or(today),
    }
}

/// Checks that Cost Explorer answers, and learns the names of accounts and the owners of this month and the last one.
async fn costs(run: &mut CostRun, checked: &mut CheckReport) -> Option<KnownOwners> {
    let days = checked_days(run);
    let mut need = run.need(&[], &[run.last_month()]);
    need.time_period = days.into();
    let key = need.keys.first()?;
    let query = need.owners_by_month()?;
    let read = match run.answers.answer(&query).await {
        Ok(answer) => lines::table_of(&answer, &run.settings.owner, Some(key))
            .map(|table| (answer, table))
            .map_err(NoAnswer::from),
        Err(error) => Err(error),
    };
    let (answer, table) = match read {
        Ok(read) => read,
        // The page that came is paid for, and a part of the owners is none.
        Err(NoAnswer::Ask(AskError::Budget(_))) => {
            let days = days.label();
            let what = format!(
                "Cost Explorer answers; the owners of {days} take more than one page, so users are not compared with them"
            );
            checked.add(CheckVerdict::Doubtful, what);
            return None;
        }
        Err(error) => {
            checked.add(CheckVerdict::Bad, error.to_string());
            return None;
        }
    };
    let pages = answer.pages.iter();
    let values = pages.flat_map(|page| &page.dimension_value_attributes);
    let names = values.filter_map(|value| {
        let name = value.attributes.get("description")?;
        Some((value.value.clone(), name.clone()))
    });
    run.directory.learn(&names.collect());
    let accounts = run.directory.names().len();
    let what = format!("Cost Explorer answers; {accounts} accounts are known now");
    checked.add(CheckVerdict::Good, what);
    let owners = table.lines().filter_map(|(key, _)| key.owner.clone());
    Some(KnownOwners {
        owners: owners.collect(),
        has_costs: table.lines().any(|(_, line)| !line.amount.is_zero()),
        days: days.label(),
    })
}

/// Checks that each user is an owner of some cost. Their mails would be about nothing, and are not sent.
fn users(
    run: &CostRun,
    recipients: &[ReportRecipient],
    known: Option<&KnownOwners>,
    checked: &mut CheckReport,
) {
    let Some(known) = known.filter(|known| known.has_costs) else {
        return;
    };
    let named = || {
        known.owners.iter().filter_map(|owner| match owner {
            CostOwner::Named(name) => Some(name.as_str()),
            CostOwner::Instances | CostOwner::Untagged => None,
        })
    };
    // Owners of other keys were not asked for.
    let verdict = match run.settings.owner.keys.len() {
        0 | 1 => CheckVerdict::Bad,
        _ => CheckVerdict::Doubtful,
    };
    let keys = run.settings.owner.keys.first().map(ToString::to_string);
    let (keys, days) = (keys.unwrap_or_default(), &known.days);
    if !known
        .owners
        .iter()
        .any(|owner| *owner != CostOwner::Untagged)
    {
        let what = format!(
            "nothing has an owner in the costs of {days}: is {keys} spelled so, and activated for cost allocation in the management account?"
        );
        return checked.add(verdict, what);
    }
    for recipient in recipients {
        if let Some(owner @ CostOwner::Named(name)) = &recipient.owner
            && !known.owners.contains(owner)
        {
            let hint = nearest::hint(name, named(), "owners");
            let what = format!(
                "the report of {}: there is no owner {name:?} by {keys} in the costs of {days}{hint}",
                recipient.destination.name()
            );
            checked.add(verdict, what);
        }
    }
}

/// Compares `lag_days` with how long days really took to load.
fn days(settings: &CostSettings, growth: &DayGrowth, checked: &mut CheckReport) {
    let lag_days = settings.lag_days.0;
    let Some(observed) = growth.observed_lag() else {
        let what = format!(
            "days count as settled {lag_days} days after their end; earlier runs saw too few days to tell how long they take here"
        );
        return checked.add(CheckVerdict::Good, what);
    };
    let seen = format!(
        "days of this organisation are complete {} days after their end, as {} days show",
        observed.lag_days, observed.days_measured
    );
    match observed.lag_days <= usize::from(lag_days) {
        true => checked.add(
            CheckVerdict::Good,
            format!("{seen}: lag_days = {lag_days} is enough"),
        ),
        false => checked.add(
            CheckVerdict::Doubtful,
            format!("{seen}: set lag_days = {}", observed.lag_days),
        ),
    }
}

/// Lists the reports and estimates their requests. Returns the recipients.
fn recipients(
    run: &CostRun,
    accounts: Option<usize>,
    pages: &PageHistory,
    checked: &mut CheckReport,
) -> Vec<ReportRecipient> {
    let RecipientList { accepted, refused } = RecipientList::of(&run.settings, &run.directory);
    for refused in refused {
        let (name, reason) = (refused.destination.name(), refused.reason);
        let what = match refused.destination {
            ReportDestination::Mailbox(_) => format!("{name:?} gets no mail: {reason}"),
            ReportDestination::Channel { .. } => {
                format!("the channel {name:?} gets no report: {reason}")
            }
        };
        checked.add(CheckVerdict::Bad, what);
    }
    for recipient in &accepted {
        let accounts = recipient.audience.accounts.iter();
        let known = run.directory.names();
        for account in
            accounts.filter(|account| run.has_directory && !known.contains_key(&account.id))
        {
            let what = format!(
                "the report of {}: the organisation has no account {}",
                recipient.destination, account.id
            );
            checked.add(CheckVerdict::Doubtful, what);
        }
        for problem in &recipient.problems {
            let what = format!("the report of {}: {}", recipient.destination, problem.hint);
            checked.add(CheckVerdict::Bad, what);
        }
    }
    let audiences: Vec<(&Audience, Option<&CostOwner>)> = accepted
        .iter()
        .map(|recipient| (&recipient.audience, recipient.owner.as_ref()))
        .collect();
    // Any period will do; this one always exists.
    let occasions = [run.last_month()];
    if !audiences.is_empty() {
        let mut need = run.need(&audiences, &occasions);
        need.budget_tags = run.budget_tags_shown(need.total);
        let all = audiences.iter().map(|(audience, _)| *audience);
        need.forecasts = run.forecasts_shown(all.filter_map(forecast_scope));
        let expected = pages.expected(&need, accounts);
        (checked.requests, checked.counts_pages) = (expected.total, expected.counts_pages);
    }
    let usd = PRICE * rust_decimal::Decimal::from(checked.requests);
    checked.usd = usd.to_string();
    checked.usd_a_month = (usd * rust_decimal::Decimal::from(30)).to_string();
    if checked.requests > run.settings.max_requests.0 {
        let what = format!(
            "a run may take {} requests, and max_requests allows {}",
            checked.requests, run.settings.max_requests.0
        );
        checked.add(CheckVerdict::Bad, what);
    }
    let reports = accepted.iter().map(|recipient| PlannedReport {
        destination: recipient.destination.clone(),
        audience: recipient.audience.clone(),
    });
    checked.reports = reports.collect();
    accepted
}

/// Checks that mails can be sent.
async fn sender(settings: &CostSettings, config: &SdkConfig, checked: &mut CheckReport) {
    match (settings.mail.transport, &settings.mail.from) {
        (MailTransportKind::Smtp, _) => match mail_setup::server(settings, config).await {
            Ok(server) => smtp(settings, server, checked).await,
            Err(error) => checked.add(CheckVerdict::Bad, aws::with_causes(&error)),
        },
        (MailTransportKind::Ses, Some(from)) => ses(settings, from, config, checked).await,
        (MailTransportKind::Ses, None) => {
            let what = mail_setup::MailerError::NoSender.to_string();
            checked.add(CheckVerdict::Bad, what);
        }
    }
}

/// Speaks to the mail server up to the login.
async fn smtp(settings: &CostSettings, server: MailServer, checked: &mut CheckReport) {
    let place = format!("{} port {}", server.host, server.port);
    let Some(from) = settings.mail.from.clone().or_else(|| server.from.clone()) else {
        let what = mail_setup::MailerError::NoSender.to_string();
        return checked.add(CheckVerdict::Bad, what);
    };
    let login = match &server.login {
        Some(login) => format!("takes the login of {}", login.user),
        None => "asks for no login".to_owned(),
    };
    match SmtpSender::new(server).check(&from).await {
        Ok(()) => {
            let what = format!("the mail server {place} {login}; mails come from {from}");
            checked.add(CheckVerdict::Good, what);
        }
        Err(error) => checked.add(CheckVerdict::Bad, error.to_string()),
    }
}

async fn ses(settings: &CostSettings, from: &str, config: &SdkConfig, checked: &mut CheckReport) {
    let region = settings.mail.region.clone();
    let region = region.unwrap_or_else(|| aws::region_of(config).to_string());
    let client = aws::ses(config, &region);
    let address = from
        .rsplit('<')
        .next()
        .unwrap_or(from)
        .trim_end_matches('>')
        .trim();
    let domain = address.rsplit('@').next().unwrap_or_default();
    let mut reasons = Vec::new();
    for identity in [address, domain] {
        match client
            .get_email_identity()
            .email_identity(identity)
            .send()
            .await
        {
            Ok(found) if found.verified_for_sending_status() => {
                checked.add(
                    CheckVerdict::Good,
                    format!("{identity} may send mails in {region}"),
                );
                reasons.clear();
                break;
            }
            Ok(_) => reasons.push(format!("{identity} is not verified")),
            Err(error) => reasons.push(format!("{identity}: {}", aws::explain(&error))),
        }
    }
    if !reasons.is_empty() {
        let what = format!(
            "SES in {region} may not send from {from}: {}",
            reasons.join("; ")
        );
        checked.add(CheckVerdict::Bad, what);
    }
    match client.get_account().send().await {
        Ok(account) if !account.production_access_enabled() => checked.add(
            CheckVerdict::Doubtful,
            format!("SES in {region} is in its sandbox: it sends only to verified addresses, 200 mails a day"),
        ),
        // GetAccount is not needed for sending, so its failure is no finding.
        _ => {}
    }
}
