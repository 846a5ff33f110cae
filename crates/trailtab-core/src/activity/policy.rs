//! A policy of what was really used: the IAM actions of the calls that succeeded.
//!
//! A log has calls, and a policy has actions; [`actions_of`] leads from one to the other. What a log does not tell is
//! not guessed: resources and conditions stay open, and iam:PassRole, which no call is, is missing.

mod action;
mod used;

use std::collections::{BTreeMap, BTreeSet};

pub use action::{CallActions, IamAction, actions_of};
pub use used::{CallEnds, UsedCalls};

use used::UsedRow;

/// The actions of counted calls, and the calls that have none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsedPolicy {
    /// The actions of all calls. Only those with a successful call are in the policy.
    pub uses: BTreeMap<IamAction, ActionUse>,
    /// The principals whose calls succeeded.
    pub principals: BTreeSet<String>,
    /// Calls by `service:API` of which the request tells which actions they need. All of them are in the
    /// policy.
    pub one_of: BTreeMap<String, Vec<IamAction>>,
    /// Calls by `service:API` for which no policy of the caller is asked.
    pub not_asked: BTreeMap<String, u64>,
    /// Events by `service:event` that are not API calls: of the console, of services and of networks.
    pub not_api_calls: BTreeMap<String, u64>,
    /// Calls by `service:API` whose names no action can have.
    pub no_action: BTreeMap<String, u64>,
    /// Calls by the AWS service that made them as itself. It has no policy.
    pub service_principals: BTreeMap<String, u64>,
}

/// The calls that needed one action.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActionUse {
    /// How the calls ended.
    pub ends: CallEnds,
    /// Whether a principal made such a call itself.
    pub is_direct: bool,
    /// The services that made such a call with the identity of a principal.
    pub services: BTreeSet<String>,
}

impl ActionUse {
    /// Returns whether the policy has the action.
    pub fn is_granted(&self) -> bool {
        self.ends.succeeded > 0
    }
}

/// The calls have more distinct principals and APIs than a policy can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the calls have too many distinct principals and APIs for one policy: choose principals with --principal '*:role/NAME'"
)]
pub struct TooManyUses;

impl UsedPolicy {
    /// Finds the actions of all calls.
    ///
    /// # Errors
    ///
    /// If there are too many distinct principals and APIs, so that some were not counted.
    pub fn of(calls: &UsedCalls) -> Result<UsedPolicy, TooManyUses> {
        if calls.is_full() {
            return Err(TooManyUses);
        }
        let mut policy = UsedPolicy::default();
        calls.rows().for_each(|row| policy.add(&row));
        Ok(policy)
    }

    /// The granted actions by the prefix of their service.
    pub fn statements(&self) -> BTreeMap<&str, Vec<&IamAction>> {
        let granted = self.uses.iter().filter(|(_, usage)| usage.is_granted());
        let mut statements: BTreeMap<&str, Vec<&IamAction>> = BTreeMap::new();
        for (action, _) in granted {
            statements.entry(action.service()).or_default().push(action);
        }
        statements
    }

    fn add(&mut self, row: &UsedRow<'_>) {
        let count = |counts: &mut BTreeMap<String, u64>, name: String| {
            *counts.entry(name).or_default() += row.ends.all();
        };
        let service = row.source.split('.').next().unwrap_or_default();
        let api = format!("{service}:{}", row.name);
        if row.caller.is_service {
            return count(
                &mut self.service_principals,
                row.caller.principal.to_owned(),
            );
        }
        if !row.is_api_call {
            return count(&mut self.not_api_calls, api);
        }
        match actions_of(row.source, row.name) {
            CallActions::NotAsked => count(&mut self.not_asked, api),
            CallActions::NoAction => count(&mut self.no_action, api),
            CallActions::All(actions) => self.add_uses(row, &actions),
            CallActions::OneOf(actions) => {
                self.add_uses(row, &actions);
                if row.ends.succeeded > 0 {
                    self.one_of.insert(api, actions);
                }
            }
        }
    }

    fn add_uses(&mut self, row: &UsedRow<'_>, actions: &[IamAction]) {
        if row.ends.succeeded > 0 {
            self.principals.insert(row.caller.principal.to_owned());
        }
        for action in actions {
            let usage = self.uses.entry(action.clone()).or_default();
            usage.ends.merge(row.ends);
            match row.caller.service {
                Some(service) => drop(usage.services.insert(service.to_owned())),
                None => usage.is_direct = true,
            }
        }
    }
}

#[cfg(test)]
mod tests;
