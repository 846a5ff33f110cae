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

    /// Reads an account. One without an id or a state would be left out silently.
    fn of(account: &Account) -> Result<OrganizationAccount, AwsFailure> {
        // `State` replaces the deprecated `Status`.
        let state = account.state().map(AccountState::as_str);
        let state = state.or_else(|| account.status().map(AccountStatus::as_str));
        let id = account.id().and_then(|id| id.parse().ok());
        Ok(OrganizationAccount {
            id: id.ok_or_else(|| AwsFailure::lacks("the Id of an account"))?,
            name: account.name().unwrap_or_default().to_owned(),
            state: state
                .ok_or_else(|| AwsFailure::lacks("the State of an account"))?
                .to_owned(),
        })
    }
}

/// Lists all accounts, closed ones as well, by `organizations:ListAccounts`.
///
/// # Errors
///
/// If any page cannot be read: a list that is returned is complete.
pub async fn list_accounts(config: &SdkConfig) -> Result<Vec<OrganizationAccount>, AwsFailure> {
    // It goes on through empty pages, and ends with an error if a token leads to itself.
    let mut pages = organizations(config)
        .list_accounts()
        .into_paginator()
        .send();
    let mut accounts = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsFailure::of(&error))?;
        let page = page.accounts.ok_or_else(|| AwsFailure::lacks("Accounts"))?;
        for account in &page {
            accounts.push(OrganizationAccount::of(account)?);
        }
    }
    Ok(accounts)
}
