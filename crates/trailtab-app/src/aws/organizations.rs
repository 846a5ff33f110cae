//! Lists the accounts of an organization.

use aws_config::SdkConfig;
use aws_sdk_organizations::types::{Account, AccountState, AccountStatus};

use trailtab_core::scope::AccountId;

use super::{AwsFailure, organizations};

/// An account, as returned by Organizations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationAccount {
    /// The account id.
    pub id: AccountId,
    /// Names are not unique; empty if there is none.
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
            id: account.id()?.parse().ok()?,
            name: account.name().unwrap_or_default().to_owned(),
            state: state.unwrap_or_default().to_owned(),
        })
    }
}

/// Lists all accounts, closed ones as well, by `organizations:ListAccounts`.
///
/// # Errors
///
/// If any page cannot be had: whoever gets a list has all of it.
pub async fn list_accounts(config: &SdkConfig) -> Result<Vec<OrganizationAccount>, AwsFailure> {
    // It goes on through empty pages, and ends with an error if a token leads to itself.
    let mut pages = organizations(config)
        .list_accounts()
        .into_paginator()
        .send();
    let mut accounts = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsFailure::of(&error))?;
        accounts.extend(page.accounts().iter().filter_map(OrganizationAccount::of));
    }
    Ok(accounts)
}
