//! The policy of what was used, as IAM takes it, and remarks on what it lacks.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Serialize;

use super::escape;
use super::json;
use super::page::{counted, thousands};
use trailtab_core::activity::policy::{ActionUse, IamAction, UsedPolicy};

/// Most names in one remark.
const MAX_NAMES: usize = 20;

/// Most principals named.
const MAX_PRINCIPALS: usize = 3;

/// Most characters of a managed policy. IAM does not count white space.
const MAX_MANAGED_POLICY_CHARS: usize = 6144;

/// The version of the policy language.
const LANGUAGE_VERSION: &str = "2012-10-17";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyDocument {
    version: &'static str,
    statement: Vec<PolicyStatement>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyStatement {
    effect: &'static str,
    action: Vec<String>,
    resource: &'static str,
}

impl PolicyDocument {
    /// One statement for each service, sorted by service; its actions are sorted by name.
    fn of(policy: &UsedPolicy) -> PolicyDocument {
        let statements = policy.statements();
        let statement = statements.values().map(|actions| PolicyStatement {
            effect: "Allow",
            action: actions.iter().map(ToString::to_string).collect(),
            resource: "*",
        });
        PolicyDocument {
            version: LANGUAGE_VERSION,
            statement: statement.collect(),
        }
    }
}

/// Writes the policy as JSON, and a final line break.
///
/// # Errors
///
/// Never in practice: the policy always serializes.
pub fn json(policy: &UsedPolicy) -> serde_json::Result<Vec<u8>> {
    json::ascii(&PolicyDocument::of(policy))
}

/// Lists what the policy lacks, and what may be unexpected in it: one line each. Text from records is escaped for
/// terminals.
pub fn remarks(policy: &UsedPolicy) -> Vec<String> {
    let mut remarks = Vec::new();
    remarks.extend(principals(policy));
    remarks.extend(outcomes(policy));
    remarks.extend(other_calls(policy));
    remarks.push(
        "No trail shows iam:PassRole, which calls that give a role to a service need besides their own action."
            .to_owned(),
    );
    remarks.push(
        "Data events, such as s3:GetObject, are in a trail only if it is set up to record them; the event history has none."
            .to_owned(),
    );
    remarks.push(
        "Resources, conditions and versions of S3 objects are not derived: Resource is \"*\"."
            .to_owned(),
    );
    remarks.extend(length(policy));
    remarks
}

/// Whose actions the policy has.
fn principals(policy: &UsedPolicy) -> Option<String> {
    let names: Vec<_> = policy.principals.iter().map(|name| shown(name)).collect();
    match names.len() {
        0 => Some("No successful call used an action, so the policy has no statement.".to_owned()),
        1 => None,
        count => Some(format!(
            "The policy has the actions of {}: {}. Choose one with --principal.",
            counted(count as u64, "principal"),
            list(&names, MAX_PRINCIPALS)
        )),
    }
}

/// The actions that a reader may miss, or not expect.
fn outcomes(policy: &UsedPolicy) -> impl Iterator<Item = String> {
    // The actions that were refused most often come first, the others in the order of their names.
    let mut uses: Vec<_> = policy.uses.iter().collect();
    uses.sort_by_key(|(_, usage)| Reverse(usage.ends.denied));
    let chosen = |is_chosen: &dyn Fn(&ActionUse) -> bool,
                  told: &dyn Fn(&IamAction, &ActionUse) -> String| {
        let uses = uses.iter().filter(|(_, usage)| is_chosen(usage));
        uses.map(|(action, usage)| told(action, usage))
            .collect::<Vec<_>>()
    };
    let refused = |action: &IamAction, usage: &ActionUse| {
        let (denied, all) = (usage.ends.denied, usage.ends.all());
        match denied == all {
            true => format!("{action} ({})", counted(all, "call")),
            false => format!(
                "{action} ({} of {})",
                thousands(denied),
                counted(all, "call")
            ),
        }
    };
    let denied = chosen(
        &|usage| !usage.is_granted() && usage.ends.denied > 0,
        &refused,
    );
    let failed = chosen(
        &|usage| !usage.is_granted() && usage.ends.denied == 0,
        &|action, usage| format!("{action} ({})", counted(usage.ends.all(), "call")),
    );
    let denied_at_times = chosen(
        &|usage| usage.is_granted() && usage.ends.denied > 0,
        &refused,
    );
    let forwarded = chosen(
        &|usage| usage.is_granted() && !usage.is_direct,
        &|action, usage| {
            let services: Vec<_> = usage.services.iter().map(|name| shown(name)).collect();
            format!("{action} (by {})", list(&services, MAX_NAMES))
        },
    );
    let remarks = [
        said("Not in the policy, because AWS refused the calls", &denied),
        said("Not in the policy, because every call failed", &failed),
        said(
            "In the policy, although AWS refused some of the calls, such as by resource or condition",
            &denied_at_times,
        ),
        said(
            "In the policy, because AWS services made these calls with the principal's permissions; the condition aws:CalledVia can limit them to that",
            &forwarded,
        ),
    ];
    remarks.into_iter().flatten()
}

/// The calls that add no action, or more than they needed.
fn other_calls(policy: &UsedPolicy) -> impl Iterator<Item = String> {
    let one_of = policy.one_of.iter().map(|(api, actions)| {
        let actions: Vec<_> = actions.iter().map(IamAction::to_string).collect();
        format!("{} for {}", actions.join(" or "), shown(api))
    });
    let calls = |counts: &BTreeMap<String, u64>| -> Vec<String> {
        let names = counts.iter();
        names
            .map(|(name, count)| format!("{} ({})", shown(name), counted(*count, "call")))
            .collect()
    };
    let remarks = [
        said(
            "In the policy, although the calls may have needed only a part",
            &one_of.collect::<Vec<_>>(),
        ),
        said("These calls need no permission", &calls(&policy.not_asked)),
        said(
            "These events are not API calls and have no action",
            &calls(&policy.not_api_calls),
        ),
        said(
            "No action can have the names of these calls",
            &calls(&policy.no_action),
        ),
        said(
            "Left out, because AWS services as principals have no policy",
            &calls(&policy.service_principals),
        ),
    ];
    remarks.into_iter().flatten()
}

/// Warns if the policy is too long to be a managed policy.
fn length(policy: &UsedPolicy) -> Option<String> {
    let compact = serde_json::to_string(&PolicyDocument::of(policy)).ok()?;
    (compact.len() > MAX_MANAGED_POLICY_CHARS).then(|| {
        format!(
            "The policy has {} characters without white space, and a managed policy at most {}: divide it.",
            thousands(compact.len() as u64),
            thousands(MAX_MANAGED_POLICY_CHARS as u64)
        )
    })
}

/// A remark on some names; None if there are none.
fn said(what: &str, names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| format!("{what}: {}.", list(names, MAX_NAMES)))
}

fn shown(text: &str) -> String {
    escape::terminal(text).into_owned()
}

/// Names joined by commas; only the number of those after the first `most`.
fn list(names: &[impl Display], most: usize) -> String {
    let first: Vec<_> = names.iter().take(most).map(ToString::to_string).collect();
    match names.len().saturating_sub(most) {
        0 => first.join(", "),
        more => format!("{} and {} more", first.join(", "), thousands(more as u64)),
    }
}

#[cfg(test)]
mod tests;
