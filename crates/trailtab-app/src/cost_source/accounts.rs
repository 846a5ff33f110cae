//! Lists the accounts of the organization, with names and states.

use aws_config::SdkConfig;
use serde::{Deserialize, Serialize};

use crate::aws::{self, FailureKind};

/// An account, in the form in which it is saved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccountListing {
    /// Twelve digits.
    pub id: String,
    /// Not unique; empty if the account has no name.
    #[serde(default)]
    pub name: String,
    /// `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE`, `CLOSED`, `PENDING_ACTIVATION`, or a newer state.
    #[serde(default)]
    pub state: String,
}

/// Why the accounts cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// There are no credentials, or no network.
    #[error("{0}")]
    NoAccess(aws::AwsFailure),
    /// Not allowed. Names can still be taken from Cost Explorer's answers.
    #[error(
        "the organisation's accounts cannot be listed; only the management account and delegated administrators may call organizations:ListAccounts: {0}"
    )]
    NotAllowed(aws::AwsFailure),
    /// The account is not in an organization.
    #[error("the account is not in an organisation: {0}")]
    NoOrganization(aws::AwsFailure),
    /// Any other failure.
    #[error("the organisation's accounts cannot be listed (organizations:ListAccounts): {0}")]
    Failed(aws::AwsFailure),
}

/// Lists all accounts of the organization, including closed ones, which may still incur costs.
///
/// # Errors
///
/// Fails if any page of the list fails.
pub async fn accounts(config: &SdkConfig) -> Result<Vec<AccountListing>, AccountsError> {
    let listed = aws::list_accounts(config)
        .await
        .map_err(|error| match error.code.as_str() {
            _ if error.affects_all_requests() => AccountsError::NoAccess(error),
            "AWSOrganizationsNotInUseException" => AccountsError::NoOrganization(error),
            _ if error.kind == FailureKind::Denied => AccountsError::NotAllowed(error),
            _ => AccountsError::Failed(error),
        })?;
    let listed = listed.into_iter().map(|account| AccountListing {
        id: account.id.to_string(),
        name: account.name,
        state: account.state,
    });
    Ok(listed.collect())
}
