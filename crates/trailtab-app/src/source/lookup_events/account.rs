//! Accounts, and by whose credentials they are read.

use std::sync::{Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_sdk_sts::error::ProvideErrorMetadata as _;

use super::regions::KnownRegions;
use crate::aws;

/// Whose credentials are at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account id, twelve digits; `unknown` if STS does not say.
    pub account: String,
    /// The ARN of the identity.
    pub arn: String,
}

/// Why it is not known whose credentials are at hand.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Log files can still be read.
    #[error("{0}; log files and directories can be read without credentials")]
    NotFound(aws::CredentialsProblem),
    #[error("{0}")]
    Hopeless(String),
    #[error("cannot find out whose credentials these are (sts:GetCallerIdentity): {0}")]
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
                _ if aws::is_hopeless(&error) => IdentityError::Hopeless(reason),
                _ => IdentityError::Refused(reason),
            }
        })?;
        let account = identity.account().ok_or_else(|| {
            IdentityError::Refused("the answer of sts:GetCallerIdentity lacks Account".to_owned())
        })?;
        Ok(CallerIdentity {
            account: account.to_owned(),
            arn: identity.arn().unwrap_or_default().to_owned(),
        })
    }

    /// The partition of AWS: `aws`, `aws-cn`, `aws-us-gov` and others.
    pub(super) fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or("aws")
    }
}

/// An account to read.
pub(super) struct TargetAccount {
    pub(super) id: String,
    pub(super) partition: String,
    /// The role to read it by, unless the credentials at hand are its own.
    role: Option<String>,
    pub(super) regions: KnownRegions,
    base: SdkConfig,
    /// The settings to use, and how often the credentials were renewed.
    current: Mutex<(u32, SdkConfig)>,
}

/// Why an account cannot be entered.
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

    /// Another account, to be read by a role in it.
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

    /// Assumes the role, if it takes one.
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

    /// The settings to use now, and their number.
    pub(super) fn config(&self) -> (u32, SdkConfig) {
        self.lock().clone()
    }

    /// Asks for new credentials, unless somebody else did since `number`.
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
