//! The accounts to read, and their credentials.

use std::sync::{Mutex, PoisonError};

use aws_config::SdkConfig;

use super::regions::KnownRegions;
use crate::aws::{self, AwsFailure};
use trailtab_core::activity::summary::CallerIdentity;
use trailtab_core::scope::AccountId;

/// Why the caller identity is unknown.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There are no credentials.
    #[error("{0}; log files and directories can be read without credentials")]
    NotFound(aws::CredentialsProblem),
    #[error("{0}")]
    NoAccess(String),
    #[error("cannot determine the account of the credentials (sts:GetCallerIdentity): {0}")]
    Refused(String),
}

/// Asks STS which identity the credentials belong to.
pub(super) async fn find_caller(config: &SdkConfig) -> Result<CallerIdentity, IdentityError> {
    let answer = aws::sts(config).get_caller_identity().send().await;
    let identity = answer.map_err(|error| {
        let failure = AwsFailure::of(&error);
        match aws::find::<aws::CredentialsProblem>(&error) {
            Some(problem @ aws::CredentialsProblem::NotFound) => {
                IdentityError::NotFound(problem.clone())
            }
            _ if failure.affects_all_requests() => IdentityError::NoAccess(failure.explanation),
            _ => IdentityError::Refused(failure.explanation),
        }
    })?;
    let account = identity.account().and_then(|id| id.parse().ok());
    let account =
        account.ok_or_else(|| IdentityError::Refused("the answer names no account".to_owned()))?;
    Ok(CallerIdentity {
        account,
        arn: identity.arn().unwrap_or_default().to_owned(),
    })
}

/// An account to read.
pub(super) struct TargetAccount {
    pub(super) id: AccountId,
    pub(super) partition: String,
    /// The role to assume; not set for the caller's own account.
    role: Option<String>,
    pub(super) regions: KnownRegions,
    base: SdkConfig,
    /// The current configuration, and its generation: the number of renewals.
    current: Mutex<(u32, SdkConfig)>,
}

/// Why an account cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(super) struct AccountRefusal {
    pub(super) code: String,
    pub(super) reason: String,
}

impl TargetAccount {
    pub(super) fn own(
        caller: &CallerIdentity,
        config: SdkConfig,
        regions: KnownRegions,
    ) -> TargetAccount {
        TargetAccount {
            id: caller.account,
            partition: caller.partition().to_owned(),
            role: None,
            regions,
            base: config.clone(),
            current: Mutex::new((0, config)),
        }
    }

    /// Another account, to be read by a role in it.
    pub(super) fn by_role(&self, id: AccountId, role_name: &str) -> TargetAccount {
        let partition = &self.partition;
        let role = format!("arn:{partition}:iam::{id}:role/{role_name}");
        TargetAccount {
            id,
            partition: partition.clone(),
            role: Some(role),
            regions: KnownRegions::NotAsked,
            base: self.base.clone(),
            current: Mutex::new((0, self.base.clone())),
        }
    }

    /// Assumes the role, if there is one.
    pub(super) async fn enter(&self) -> Result<(), AccountRefusal> {
        let Some(role) = &self.role else {
            return Ok(());
        };
        let config = aws::assume(&self.base, role).await;
        let answer = aws::sts(&config).get_caller_identity().send().await;
        if let Err(error) = answer {
            let problem = aws::find::<aws::CredentialsProblem>(&error);
            let code = problem.and_then(aws::CredentialsProblem::code);
            let failure = AwsFailure::of(&error);
            return Err(AccountRefusal {
                code: code.map_or(failure.code, str::to_owned),
                reason: failure.explanation,
            });
        }
        *self.lock() = (0, config);
        Ok(())
    }

    /// The generation and the configuration to use now.
    pub(super) fn config(&self) -> (u32, SdkConfig) {
        self.lock().clone()
    }

    /// Renews the credentials, unless they were renewed since generation `number`.
    pub(super) fn renew(&self, number: u32) {
        let mut current = self.lock();
        if current.0 == number {
            *current = (number + 1, aws::renewed(&current.1));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (u32, SdkConfig)> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
