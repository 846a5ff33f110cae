//! Lists the accounts of an organization.

use std::sync::Arc;

use super::account::TargetAccount;
use crate::aws::{self, FailureKind};

/// Why the accounts cannot be listed.
#[derive(Debug, thiserror::Error)]
#[error("cannot list the organisation's accounts (organizations:ListAccounts): {reason}{hint}")]
pub struct OrganizationError {
    reason: String,
    hint: &'static str,
}

/// Lists the active accounts: the caller's own with its credentials, each other one with the role
/// to assume in it.
pub(super) async fn accounts(
    own: &Arc<TargetAccount>,
    role_name: &str,
) -> Result<Vec<Arc<TargetAccount>>, OrganizationError> {
    let (_, config) = own.config();
    let listed = aws::list_accounts(&config).await.map_err(|error| {
        let hint = match error.code.as_str() {
            _ if error.kind == FailureKind::Denied => {
                " (only the management account and delegated administrators may list them)"
            }
            "AWSOrganizationsNotInUseException" => {
                " (leave --organization out to read this account alone)"
            }
            _ => "",
        };
        OrganizationError {
            reason: error.to_string(),
            hint,
        }
    })?;
    let accounts = listed.into_iter().filter_map(|account| {
        if account.id == own.id {
            Some(own.clone())
        } else if account.is_active() {
            Some(Arc::new(own.by_role(account.id, role_name)))
        } else {
            None
        }
    });
    Ok(accounts.collect())
}
