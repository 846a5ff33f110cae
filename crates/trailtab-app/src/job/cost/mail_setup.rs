//! Sets up the mail transport and the sender address from the settings.

use aws_config::SdkConfig;

use crate::deliver::mail::MailTransport;
use crate::deliver::mail::files::MailFolder;
use crate::deliver::mail::secret;
use crate::deliver::mail::ses::SesSender;
use crate::deliver::mail::smtp::SmtpSender;
use trailtab_core::cost::secret::{MailServer, SecretError};
use trailtab_core::cost::settings::{CostSettings, MailSettings, MailTransportKind};

/// The default region of the predecessor's secret.
const PREDECESSORS_REGION: &str = "us-west-2";

/// Why no mail can be sent.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// The secret cannot be read from Secrets Manager.
    #[error(transparent)]
    Unreadable(#[from] secret::SecretReadError),
    /// The secret does not describe a usable mail server.
    #[error("the mail server's secret {name:?} cannot be used")]
    Unusable {
        /// The name or ARN of the secret.
        name: String,
        /// What is wrong with it.
        source: SecretError,
    },
    /// Neither a secret nor SES is configured.
    #[error(
        "no mail server is configured: set secret_name to a secret in Secrets Manager, or mail.transport to \"ses\""
    )]
    NoServer,
    /// Neither the settings nor the secret name a sender.
    #[error("no sender is configured: set mail.from to the address that mails come from")]
    NoSender,
}

/// A mail transport and its sender address.
#[derive(Debug)]
pub struct MailSetup {
    /// How mails are sent.
    pub mailer: MailTransport,
    /// The sender address.
    pub from: String,
}

impl MailSetup {
    /// Opens the configured transport.
    ///
    /// # Errors
    ///
    /// Fails if no server or sender is configured, or if the secret is invalid.
    pub async fn open(
        settings: &CostSettings,
        config: &SdkConfig,
    ) -> Result<MailSetup, MailerError> {
        let mail = &settings.mail;
        let (mailer, from) = match mail.transport {
            MailTransportKind::Ses => {
                let set = mail.configuration_set.clone();
                let sender = SesSender::new(config, mail.region.as_deref(), set);
                (MailTransport::Ses(sender), None)
            }
            MailTransportKind::Smtp => {
                let server = server(settings, config).await?;
                let from = server.from.clone();
                (MailTransport::Smtp(SmtpSender::new(server)), from)
            }
        };
        let from = mail.from.clone().or(from).ok_or(MailerError::NoSender)?;
        Ok(MailSetup { mailer, from })
    }

    /// Writes mails to files and sends nothing.
    pub fn dry(settings: &CostSettings, folder: MailFolder) -> MailSetup {
        let default_sender = || "trailtab@localhost".to_owned();
        MailSetup {
            mailer: MailTransport::Files(folder),
            from: settings.mail.from.clone().unwrap_or_else(default_sender),
        }
    }
}

/// Determines the mail server.
///
/// # Errors
///
/// Fails if no server is configured, or if the secret is invalid.
pub async fn server(
    settings: &CostSettings,
    config: &SdkConfig,
) -> Result<MailServer, MailerError> {
    let MailSettings { server: told, .. } = &settings.mail;
    let Some(name) = &settings.secret_name else {
        return match told.host {
            Some(_) => MailServer::open(told).map_err(|source| unusable("", source)),
            None => Err(MailerError::NoServer),
        };
    };
    let region = settings.mail.region.as_deref();
    let text = match secret::read(config, name, region).await {
        // The predecessor always read its secret from that region.
        Err(error) if region.is_none() => secret::read(config, name, Some(PREDECESSORS_REGION))
            .await
            .map_err(|_| error)?,
        text => text?,
    };
    MailServer::of_secret(&text, told).map_err(|source| unusable(name, source))
}

fn unusable(name: &str, source: SecretError) -> MailerError {
    let name = name.to_owned();
    MailerError::Unusable { name, source }
}
