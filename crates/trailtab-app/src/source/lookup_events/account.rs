//! The accounts to read, and their credentials.

use std::sync::{Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_sdk_sts::error::ProvideErrorMetadata as _;

use super::regions::KnownRegions;
use crate::aws;

/// The identity of the credentials (sts:GetCallerIdentity).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account id, twelve digits; `unknown` if STS does not return one.
    pub account: String,
    /// The ARN of the identity.
    pub arn: String,
}

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

impl CallerIdentity {
    pub(super) async fn find(config: &SdkConfig) -> Result<CallerIdentity, IdentityError> {
        let answer = aws::sts(config).get_caller_identity().send().await;
        let identity = answer.map_err(|error| {
            let reason = aws::explain(&error);
            match aws::find::<aws::CredentialsProblem>(&error) {
                Some(problem @ aws::CredentialsProblem::NotFound) => {
                    IdentityError::NotFound(problem.clone())
                }
                _ if aws::blocks_all_requests(&error) => IdentityError::NoAccess(reason),
                _ => IdentityError::Refused(reason),
            }
        })?;
        Ok(CallerIdentity {
            account: identity.account().unwrap_or("unknown").to_owned(),
            arn: identity.arn().unwrap_or_default().to_owned(),
        })
    }

    /// The AWS partition: `aws`, `aws-cn`, `aws-us-gov` and others.
    pub(super) fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or("aws")
    }
}

/// An account to read.
pub(super) struct TargetAccount {
    pub(super) id: String,
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
            id: caller.account.clone(),
            partition: caller.partition().to_owned(),
            role: None,
            regions,
            base: config.clone(),
            current: Mutex::new((0, config)),
        }
    }

    /// Another account, read by assuming a role in it.
    pub(super) fn by_role(&self, id: &str, role_name: &str) -> TargetAccount {
        let partition = &self.partition;
        let role = format!("arn:{partition}:iam::{id}:role/{role_name}");
        TargetAccount {
            id: id.to_owned(),
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
            let code = code.or(error.code()).unwrap_or("Unreachable").to_owned();
            let reason = aws::explain(&error);
            return Err(AccountRefusal { code, reason });
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
