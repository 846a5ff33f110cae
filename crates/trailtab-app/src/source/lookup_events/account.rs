//! Accounts, and by whose credentials they are read.

use std::sync::{Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_sdk_sts::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;

use super::regions::Known;
use crate::aws;

/// Whose credentials are at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account id, twelve digits; `unknown` if STS does not say.
    pub account: String,
    /// The ARN of the identity.
    pub arn: String,
}

/// Why it is not known whose credentials are at hand.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error(
        "there are no credentials to read the event history with (set up the AWS command line, try --profile, or name files or a bucket to read instead): {0}"
    )]
    NoCredentials(String),
    #[error("cannot find out whose credentials these are, by sts:GetCallerIdentity: {0}")]
    Refused(String),
}

impl Caller {
    pub(super) async fn find(config: &SdkConfig) -> Result<Caller, IdentityError> {
        let answer = aws::sts(config).get_caller_identity().send().await;
        let identity = answer.map_err(|error| {
            let reason = refusal(&error);
            if aws::lacks_credentials(&error) {
                IdentityError::NoCredentials(reason)
            } else {
                IdentityError::Refused(reason)
            }
        })?;
        Ok(Caller {
            account: identity.account().unwrap_or("unknown").to_owned(),
            arn: identity.arn().unwrap_or_default().to_owned(),
        })
    }

    /// The partition of AWS: `aws`, `aws-cn`, `aws-us-gov` and others.
    fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or("aws")
    }
}

/// AWS's code and message, or whatever else kept it from answering.
fn refusal<E, R>(error: &SdkError<E, R>) -> String
where
    E: aws_sdk_sts::error::ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => aws::in_words(error),
    }
}

/// An account to read.
pub(super) struct Account {
    pub(super) id: String,
    pub(super) partition: String,
    /// The role to read it by, unless the credentials at hand are its own.
    role: Option<String>,
    pub(super) regions: Known,
    base: SdkConfig,
    /// The settings to use, and how often the credentials were renewed.
    current: Mutex<(u32, SdkConfig)>,
}

/// Why an account cannot be entered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {reason}")]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) reason: String,
}

impl Account {
    pub(super) fn own(caller: &Caller, config: SdkConfig, regions: Known) -> Account {
        Account {
            id: caller.account.clone(),
            partition: caller.partition().to_owned(),
            role: None,
            regions,
            base: config.clone(),
            current: Mutex::new((0, config)),
        }
    }

    /// Another account, to be read by a role in it.
    pub(super) fn by_role(&self, id: &str, role_name: &str) -> Account {
        let partition = &self.partition;
        let role = format!("arn:{partition}:iam::{id}:role/{role_name}");
        Account {
            id: id.to_owned(),
            partition: partition.clone(),
            role: Some(role),
            regions: Known::NotAsked,
            base: self.base.clone(),
            current: Mutex::new((0, self.base.clone())),
        }
    }

    /// Assumes the role, if it takes one.
    pub(super) async fn enter(&self) -> Result<(), Refusal> {
        let Some(role) = &self.role else {
            return Ok(());
        };
        let config = aws::assume(&self.base, role).await;
        let answer = aws::sts(&config).get_caller_identity().send().await;
        if let Err(error) = answer {
            let refused = aws::chain(&error).find_map(|cause| {
                let cause = cause.downcast_ref::<AssumeRoleError>()?;
                let message = cause.message().unwrap_or_default();
                Some((cause.code()?.to_owned(), message.to_owned()))
            });
            let (code, reason) = refused.unwrap_or_else(|| {
                let code = error.code().unwrap_or("Unreachable");
                (code.to_owned(), aws::in_words(&error))
            });
            let reason = format!("{reason} (assuming {role})");
            return Err(Refusal { code, reason });
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
