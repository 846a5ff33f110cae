//! The accounts of an organisation.

use aws_config::SdkConfig;
use aws_sdk_organizations::error::ProvideErrorMetadata as _;
use aws_sdk_organizations::types::{Account, AccountState, AccountStatus};

use super::{explain, is_hopeless, organizations};

/// An account, as its organisation lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationAccount {
    /// Twelve digits.
    pub id: String,
    /// Names are not unique; empty if there is none.
    pub name: String,
    /// `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE`, `CLOSED`, `PENDING_ACTIVATION`, or whatever AWS comes up with.
    pub state: String,
}

impl OrganizationAccount {
    pub fn is_active(&self) -> bool {
        self.state == "ACTIVE"
    }

    /// Reads an account. One without an id or a state would be left out without a word.
    fn of(account: &Account) -> Result<OrganizationAccount, ListError> {
        // `Status` is going away in favour of `State`.
        let state = account.state().map(AccountState::as_str);
        let state = state.or_else(|| account.status().map(AccountStatus::as_str));
        Ok(OrganizationAccount {
            id: account
                .id()
                .ok_or_else(|| ListError::lacks("the Id of an account"))?
                .to_owned(),
            name: account.name().unwrap_or_default().to_owned(),
            state: state
                .ok_or_else(|| ListError::lacks("the State of an account"))?
                .to_owned(),
        })
    }
}

/// Why the accounts are not known: AWS's code, if it answered, and its reason.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct ListError {
    /// The error code of AWS; None if no answer came.
    pub code: Option<String>,
    /// Whether other requests will fail for the same reason: there are no valid credentials, or no network.
    pub is_hopeless: bool,
    reason: String,
}

impl ListError {
    fn lacks(what: &str) -> ListError {
        ListError {
            code: None,
            is_hopeless: false,
            reason: format!("the answer of organizations:ListAccounts lacks {what}"),
        }
    }
}

/// Lists all accounts, closed ones as well, by `organizations:ListAccounts`.
///
/// # Errors
///
/// If any page cannot be had: whoever gets a list has all of it.
pub async fn list_accounts(config: &SdkConfig) -> Result<Vec<OrganizationAccount>, ListError> {
    // It goes on through empty pages, and ends with an error if a token leads to itself.
    let mut pages = organizations(config)
        .list_accounts()
        .into_paginator()
        .send();
    let mut accounts = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| ListError {
            code: error.code().map(str::to_owned),
            is_hopeless: is_hopeless(&error),
            reason: explain(&error),
        })?;
        let page = page.accounts.ok_or_else(|| ListError::lacks("Accounts"))?;
        for account in &page {
            accounts.push(OrganizationAccount::of(account)?);
        }
    }
    Ok(accounts)
}
