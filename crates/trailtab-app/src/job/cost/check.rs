//! Whether settings are good, before anything is sent: what is missing, and what each report would hold.

use aws_config::SdkConfig;
use aws_sdk_costexplorer::types::{CostAllocationTag, CostAllocationTagStatus};
use serde::Serialize;

use super::{Occasion, Run, office};
use crate::aws;
use crate::cost_source::cost_explorer::PRICE;
use trailtab_core::cost::audience::Recipients;
use trailtab_core::cost::owner::{Owner, OwnerKey};
use trailtab_core::cost::period::Days;
use trailtab_core::cost::report::{Audience, PeriodKind};
use trailtab_core::cost::settings::{Settings, Transport};

/// How good something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing is wrong.
    Good,
    /// Reports can be made, and may not say what is expected.
    Doubtful,
    /// Some report cannot be made or sent.
    Bad,
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How good it is.
    pub verdict: Verdict,
    /// What was found, as a sentence for the operator.
    pub what: String,
}

/// A report that the settings ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The address that the report goes to.
    pub recipient: String,
    /// What the report shows.
    #[serde(flatten)]
    pub audience: Audience,
}

/// All that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// What was found, in the order in which it was looked at.
    pub findings: Vec<Finding>,
    /// The reports that the settings ask for.
    pub reports: Vec<Planned>,
    /// Requests to Cost Explorer that a run makes at most, further pages apart, and what they cost in US
    /// dollars, each time and in a month of thirty days.
    pub requests: usize,
    /// Cost of these requests in USD, each time.
    pub usd: String,
    /// Cost of these requests in USD in a month of thirty days.
    pub usd_a_month: String,
    /// Paid requests that this check made.
    pub requests_made: u64,
}

impl Checked {
    /// The worst verdict.
    pub fn is_good(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.verdict != Verdict::Bad)
    }

    fn add(&mut self, verdict: Verdict, what: String) {
        self.findings.push(Finding { verdict, what });
    }
}

/// Looks at all that a run needs. That takes two paid requests: for the costs of yesterday, and for the
/// tags that are active.
pub async fn check(run: &mut Run, accounts: Option<usize>, config: &SdkConfig) -> Checked {
    let mut checked = Checked {
        findings: Vec::new(),
        reports: Vec::new(),
        requests: 0,
        usd: String::new(),
        usd_a_month: String::new(),
        requests_made: 0,
    };
    members(&run.settings, &mut checked);
    match run.has_directory {
        true => checked.add(
            Verdict::Good,
            format!("{} accounts can be listed", run.directory.names().len()),
        ),
        false => {
            let notes = run.remarks.join("; ");
            let what = match notes.is_empty() {
                true => "the account is in no organisation".to_owned(),
                false => notes,
            };
            checked.add(Verdict::Doubtful, what);
        }
    }
    costs(run, &mut checked).await;
    tags(run, config, &mut checked).await;
    recipients(run, accounts, &mut checked);
    sender(&run.settings, config, &mut checked).await;
    checked.requests_made += run.answers.requests().1;
    checked
}

fn members(settings: &Settings, checked: &mut Checked) {
    for name in settings.unknown.keys() {
        let what = format!("the settings have a member that means nothing: {name:?}");
        checked.add(Verdict::Doubtful, what);
    }
    if settings.managers.is_empty() && settings.users.is_empty() && settings.executives.is_empty() {
        let what = "the settings name nobody: managers, users or executives get mails";
        checked.add(Verdict::Bad, what.to_owned());
    }
}

/// Whether Cost Explorer answers.
async fn costs(run: &mut Run, checked: &mut Checked) {
    let yesterday = run.today().yesterday().unwrap_or(run.today());
    let days = Days {
        from: yesterday,
        through: yesterday,
    };
    let occasion = Occasion {
        kind: PeriodKind::Range,
        days,
    };
    match run.learn_names(&[occasion]).await {
        Ok(()) => {
            let accounts = run.directory.names().len();
            let what = format!("Cost Explorer answers; {accounts} accounts are known now");
            checked.add(Verdict::Good, what);
        }
        Err(error) => checked.add(Verdict::Bad, error.to_string()),
    }
}

/// Whether the tags that tell owners are active: others are in no answer.
async fn tags(run: &Run, config: &SdkConfig, checked: &mut Checked) {
    let keys = run.settings.owner.keys.iter().filter_map(|key| match key {
        OwnerKey::Tag(key) => Some(key.clone()),
        OwnerKey::CostCategory(_) => None,
    });
    let keys: Vec<String> = keys.collect();
    if keys.is_empty() {
        return;
    }
    let client = aws::cost_explorer(config);
    let listed = client
        .list_cost_allocation_tags()
        .set_tag_keys(Some(keys.clone()))
        .status(CostAllocationTagStatus::Active)
        .send()
        .await;
    match listed {
        Ok(listed) => {
            checked.requests_made += 1;
            let active: Vec<&str> = listed
                .cost_allocation_tags()
                .iter()
                .map(CostAllocationTag::tag_key)
                .collect();
            for key in &keys {
                match active.contains(&key.as_str()) {
                    true => checked.add(Verdict::Good, format!("the tag {key} is a cost allocation tag")),
                    false => checked.add(Verdict::Bad, format!(
                        "the tag {key} is not active as a cost allocation tag, so nothing has an owner: activate it in the Billing and Cost Management console of the management account (it takes a day)"
                    )),
                }
            }
        }
        Err(error) => {
            let what = format!(
                "whether the tag {} is active could not be found out, which takes ce:ListCostAllocationTags in the management account: {}",
                keys.join(" and "),
                aws::explain(&error)
            );
            checked.add(Verdict::Doubtful, what);
        }
    }
}

/// Who would get what, and what that costs.
fn recipients(run: &Run, accounts: Option<usize>, checked: &mut Checked) {
    let Recipients { accepted, refused } = Recipients::of(&run.settings, &run.directory);
    for refused in refused {
        let what = format!("{:?} gets no mail: {}", refused.name, refused.reason);
        checked.add(Verdict::Bad, what);
    }
    for recipient in &accepted {
        let accounts = recipient.audience.accounts.iter();
        let known = run.directory.names();
        for account in
            accounts.filter(|account| run.has_directory && !known.contains_key(&account.id))
        {
            let what = format!(
                "the report of {}: the organisation has no account {}",
                recipient.address, account.id
            );
            checked.add(Verdict::Doubtful, what);
        }
        for problem in &recipient.problems {
            let what = format!("the report of {}: {}", recipient.address, problem.hint);
            checked.add(Verdict::Bad, what);
        }
    }
    let audiences: Vec<(&Audience, Option<&Owner>)> = accepted
        .iter()
        .map(|recipient| (&recipient.audience, recipient.owner.as_ref()))
        .collect();
    // Whatever is due today, on other days this is.
    let occasions = [run.last_month()];
    checked.requests = match audiences.is_empty() || occasions.is_empty() {
        true => 0,
        false => run.need(&audiences, &occasions).most_requests(accounts),
    };
    let usd = PRICE * rust_decimal::Decimal::from(checked.requests);
    checked.usd = usd.to_string();
    checked.usd_a_month = (usd * rust_decimal::Decimal::from(30)).to_string();
    if checked.requests as u64 > run.settings.max_requests.0 {
        let what = format!(
            "a run may take {} requests, and max_requests allows {}",
            checked.requests, run.settings.max_requests.0
        );
        checked.add(Verdict::Bad, what);
    }
    checked.reports = accepted
        .into_iter()
        .map(|recipient| Planned {
            recipient: recipient.address,
            audience: recipient.audience,
        })
        .collect();
}

/// Whether there is a way for mails.
async fn sender(settings: &Settings, config: &SdkConfig, checked: &mut Checked) {
    if settings.mail.transport == Transport::Smtp {
        return match office::server(settings, config).await {
            Ok(server) => {
                let what = format!("mails go to {} port {}", server.host, server.port);
                checked.add(Verdict::Good, what);
                if settings.mail.from.is_none() && server.from.is_none() {
                    checked.add(Verdict::Bad, office::MailerError::NoSender.to_string());
                }
            }
            Err(error) => checked.add(Verdict::Bad, aws::in_words(&error)),
        };
    }
    let Some(from) = &settings.mail.from else {
        return checked.add(Verdict::Bad, office::MailerError::NoSender.to_string());
    };
    ses(settings, from, config, checked).await;
}

async fn ses(settings: &Settings, from: &str, config: &SdkConfig, checked: &mut Checked) {
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
                    Verdict::Good,
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
        checked.add(Verdict::Bad, what);
    }
    match client.get_account().send().await {
        Ok(account) if !account.production_access_enabled() => checked.add(
            Verdict::Doubtful,
            format!("SES in {region} is in its sandbox: it sends to verified addresses alone, 200 mails a day"),
        ),
        // Sending takes no permission to ask for that.
        _ => {}
    }
}
