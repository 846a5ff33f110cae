//! Lists the accounts of an organization.

use aws_config::SdkConfig;
use aws_sdk_organizations::error::ProvideErrorMetadata as _;
use aws_sdk_organizations::types::{Account, AccountState, AccountStatus};

use super::{blocks_all_requests, explain, organizations};

/// An account, as returned by Organizations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationAccount {
    /// Twelve digits.
    pub id: String,
    /// Not unique; empty if the account has no name.
    pub name: String,
    /// `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE`, `CLOSED`, `PENDING_ACTIVATION`, or a newer state.
    pub state: String,
}

impl OrganizationAccount {
    pub fn is_active(&self) -> bool {
        self.state == "ACTIVE"
    }

    fn of(account: &Account) -> Option<OrganizationAccount> {
        // `State` replaces the deprecated `Status`.
        let state = account.state().map(AccountState::as_str);
        let state = state.or_else(|| account.status().map(AccountStatus::as_str));
        Some(OrganizationAccount {
            id: account.id()?.to_owned(),
            name: account.name().unwrap_or_default().to_owned(),
            state: state.unwrap_or_default().to_owned(),
        })
    }
}

/// Why the accounts cannot be listed: AWS's code, if there was a response, and the reason.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct ListError {
    /// AWS's error code; not set without a response.
    pub code: Option<String>,
    /// Whether all other requests will fail for the same reason: no valid credentials, or no
    /// network.
    pub blocks_all_requests: bool,
    reason: String,
}

/// Lists all accounts, including closed ones, with `organizations:ListAccounts`.
///
/// # Errors
///
/// Fails if any page fails; partial lists are never returned.
pub async fn list_accounts(config: &SdkConfig) -> Result<Vec<OrganizationAccount>, ListError> {
    // The paginator skips empty pages, and fails if a token repeats.
    let mut pages = organizations(config)
        .list_accounts()
        .into_paginator()
        .send();
    let mut accounts = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| ListError {
            code: error.code().map(str::to_owned),
            blocks_all_requests: blocks_all_requests(&error),
            reason: explain(&error),
        })?;
        accounts.extend(page.accounts().iter().filter_map(OrganizationAccount::of));
    }
    Ok(accounts)
}
