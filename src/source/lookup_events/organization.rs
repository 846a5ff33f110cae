//! The accounts of an organisation.

use std::sync::Arc;

use aws_sdk_organizations::error::ProvideErrorMetadata as _;
use aws_sdk_organizations::types::{AccountState, AccountStatus};

use super::account::Account;
use crate::aws;

/// Why the accounts are not known.
#[derive(Debug, thiserror::Error)]
#[error("cannot list the organisation's accounts, by organizations:ListAccounts: {reason}{hint}")]
pub(crate) struct OrganizationError {
    reason: String,
    hint: &'static str,
}

/// Lists the active accounts, each to be read by the role with that name; our own by the credentials
/// at hand.
pub(super) async fn accounts(
    own: &Arc<Account>,
    role_name: &str,
) -> Result<Vec<Arc<Account>>, OrganizationError> {
    let (_, config) = own.config();
    let mut pages = aws::organizations(&config)
        .list_accounts()
        .into_paginator()
        .send();
    let mut accounts = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            let reason = match (error.code(), error.message()) {
                (Some(code), message) => format!("{code}: {}", message.unwrap_or_default()),
                (None, _) => aws::in_words(&error),
            };
            let hint = match error.code() {
                Some("AccessDeniedException") => {
                    " (only the management account and delegated administrators may list them)"
                }
                Some("AWSOrganizationsNotInUseException") => {
                    " (leave --organization out to read this account alone)"
                }
                _ => "",
            };
            OrganizationError { reason, hint }
        })?;
        for account in page.accounts() {
            // `Status` is going away in favour of `State`.
            let is_active = match account.state() {
                Some(state) => *state == AccountState::Active,
                None => account.status() == Some(&AccountStatus::Active),
            };
            match account.id() {
                Some(id) if id == own.id => accounts.push(own.clone()),
                Some(id) if is_active => accounts.push(Arc::new(own.by_role(id, role_name))),
                _ => {}
            }
        }
    }
    Ok(accounts)
}
