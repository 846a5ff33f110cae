//! Checks the tags of the settings: those of owners, and those that budgets are about.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_costexplorer::types::{CostAllocationTag, CostAllocationTagStatus};

use super::CostRun;
use super::answers::NoAnswer;
use super::check::{CheckReport, CheckVerdict, checked_days};
use crate::aws;
use crate::cost_source::cost_explorer::AskError;
use trailtab_core::cost::budget::{self, BudgetTarget};
use trailtab_core::cost::owner::OwnerKey;
use trailtab_core::cost::settings::CostSettings;
use trailtab_core::cost::tag_usage::{TagDoubt, TagUsage, TagValue};
use trailtab_core::nearest;
use trailtab_cost_explorer::lines;

/// Tags that one request lists at most.
const MAX_LISTED_TAGS: i32 = 1000;

/// What the settings use a tag for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TagUse {
    Owners,
    Budgets,
}

impl TagUse {
    /// What follows if the tag is not active.
    fn consequence(self) -> &'static str {
        match self {
            TagUse::Owners => "so nothing has an owner",
            TagUse::Budgets => "so it is not known how its budgets stand",
        }
    }

    /// The setting that holds the key of the tag.
    fn setting(self) -> &'static str {
        match self {
            TagUse::Owners => "owner.keys",
            TagUse::Budgets => "tag in budgets",
        }
    }
}

/// The tags of the settings, each with its first use.
fn used_tags(settings: &CostSettings) -> Vec<(String, TagUse)> {
    let owners = settings.owner.keys.iter().filter_map(|key| match key {
        OwnerKey::Tag(key) => Some(key.clone()),
        OwnerKey::CostCategory(_) => None,
    });
    let owners = owners.map(|key| (key, TagUse::Owners));
    let budgets = budget::tag_keys(&settings.budgets).into_iter();
    let all = owners.chain(budgets.map(|key| (key, TagUse::Budgets)));
    let mut seen = BTreeSet::new();
    all.filter(|(key, _)| seen.insert(key.clone())).collect()
}

/// Checks that the tags are activated as cost allocation tags; answers contain no others.
pub(super) async fn active(settings: &CostSettings, config: &SdkConfig, checked: &mut CheckReport) {
    let tags = used_tags(settings);
    if tags.is_empty() {
        return;
    }
    let client = aws::cost_explorer(config);
    // All of them, since one that is missing may be spelled otherwise. An organisation may activate 500.
    let listed = client
        .list_cost_allocation_tags()
        .status(CostAllocationTagStatus::Active)
        .max_results(MAX_LISTED_TAGS)
        .send()
        .await;
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => {
            let keys: Vec<&str> = tags.iter().map(|(key, _)| key.as_str()).collect();
            let what = format!(
                "cannot check whether the tag {} is active (needs ce:ListCostAllocationTags in the management account): {}",
                keys.join(" and "),
                aws::explain(&error)
            );
            return checked.add(CheckVerdict::Doubtful, what);
        }
    };
    checked.requests_made += 1;
    let active: Vec<&str> = listed
        .cost_allocation_tags()
        .iter()
        .map(CostAllocationTag::tag_key)
        .collect();
    for (key, used_for) in &tags {
        if active.contains(&key.as_str()) {
            let what = format!("the tag {key} is a cost allocation tag");
            checked.add(CheckVerdict::Good, what);
            continue;
        }
        let meant = nearest::meant(key, active.iter().copied());
        let advice = match meant {
            Some((_, meant)) => format!(
                "the active tag {meant:?} has a similar name, and case matters: set {}",
                used_for.setting()
            ),
            None => "activate it in the Billing and Cost Management console of the management account (it takes a day)".to_owned(),
        };
        checked.add(
            CheckVerdict::Bad,
            format!(
                "the tag {key} is not active as a cost allocation tag, {}: {advice}",
                used_for.consequence()
            ),
        );
    }
}

/// Checks that costs of this month or the last one have the tag values that budgets are about. Makes a paid request for
/// each tag.
pub(super) async fn values(run: &CostRun, checked: &mut CheckReport) {
    let days = checked_days(run);
    let mut need = run.need(&[], &[run.last_month()]);
    need.time_period = days.into();
    for key in budget::tag_keys(&run.settings.budgets) {
        let answer = run.answers.answer(&need.budget_tag_by_month(&key)).await;
        let usage = match answer.and_then(|answer| Ok(lines::tag_of(&answer, &key)?)) {
            // Without costs there is nothing to have the tag.
            Ok(table) if table.data_through().is_none() => continue,
            Ok(table) => TagUsage::Read { days, table },
            // A part of the values is none.
            Err(NoAnswer::Ask(AskError::Budget(_))) => {
                let what = format!(
                    "the values of the tag {key} take more than one page, so budgets are not compared with them"
                );
                checked.add(CheckVerdict::Doubtful, what);
                continue;
            }
            Err(error) => TagUsage::Unread {
                reason: error.to_string(),
            },
        };
        for tag in budget_values(run, &key) {
            let (verdict, what) = match usage.lines_of(&tag) {
                Ok(_) => (CheckVerdict::Good, format!("costs have {tag}")),
                Err(doubt @ TagDoubt::Unread { .. }) => (CheckVerdict::Doubtful, doubt.to_string()),
                // What the list of active tags says is not said again.
                Err(doubt @ TagDoubt::NothingTagged { .. }) => (CheckVerdict::Bad, doubt.short()),
                Err(doubt @ TagDoubt::NotSeen { .. }) => (CheckVerdict::Bad, doubt.to_string()),
            };
            let what = format!("budgets: {what}");
            if !checked.findings.iter().any(|finding| finding.what == what) {
                checked.add(verdict, what);
            }
        }
    }
}

/// The values of a tag that budgets are about.
fn budget_values(run: &CostRun, key: &str) -> Vec<TagValue> {
    let budgets = run.budgets().into_iter();
    let tags = budgets.filter_map(|budget| match budget.target {
        BudgetTarget::Tag(tag) if tag.key == key => Some(tag),
        _ => None,
    });
    tags.collect()
}
