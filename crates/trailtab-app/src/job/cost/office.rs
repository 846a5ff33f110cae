//! The way for mails that the settings say, and whom mails are from.

use aws_config::SdkConfig;

use crate::deliver::mail::Mailer;
use crate::deliver::mail::files::Folder;
use crate::deliver::mail::secret;
use crate::deliver::mail::ses::Ses;
use crate::deliver::mail::smtp::Smtp;
use trailtab_core::cost::secret::{SecretError, Server};
use trailtab_core::cost::settings::{Mail, Settings, Transport};

/// Where the predecessor's secret is, unless it was changed.
const PREDECESSORS_REGION: &str = "us-west-2";

/// Why nothing can be sent to anybody.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// The secret cannot be read from Secrets Manager.
    #[error(transparent)]
    Unreadable(#[from] secret::ReadError),
    /// The secret does not describe a mail server that can be used.
    #[error("the mail server's secret {name:?} cannot be used")]
    Unusable {
        /// The name or ARN of the secret.
        name: String,
        /// What is wrong with it.
        source: SecretError,
    },
    /// Neither a secret nor SES is set.
    #[error(
        "no mail server is known: set secret_name to a secret in Secrets Manager, or mail.transport to \"ses\""
    )]
    NoServer,
    /// Neither the settings nor the secret name a sender.
    #[error("no sender is known: set mail.from to the address that mails come from")]
    NoSender,
}

/// A way for mails, and whom they are from.
#[derive(Debug)]
pub struct PostOffice {
    /// How mails are sent.
    pub mailer: Mailer,
    /// The address that mails come from.
    pub from: String,
}

impl PostOffice {
    /// Makes ready what the settings say.
    ///
    /// # Errors
    ///
    /// If no server or sender is known, or if the secret cannot be used.
    pub async fn open(settings: &Settings, config: &SdkConfig) -> Result<PostOffice, MailerError> {
        let mail = &settings.mail;
        if mail.transport == Transport::Ses {
            let from = mail.from.clone().ok_or(MailerError::NoSender)?;
            let set = mail.configuration_set.clone();
            let mailer = Mailer::Ses(Ses::new(config, mail.region.as_deref(), set));
            return Ok(PostOffice { mailer, from });
        }
        let server = server(settings, config).await?;
        let from = mail.from.clone().or_else(|| server.from.clone());
        Ok(PostOffice {
            from: from.ok_or(MailerError::NoSender)?,
            mailer: Mailer::Smtp(Smtp::new(server)),
        })
    }

    /// Writes files and sends nothing.
    pub fn dry(settings: &Settings, folder: Folder) -> PostOffice {
        let nobody = || "trailtab@localhost".to_owned();
        PostOffice {
            mailer: Mailer::Files(folder),
            from: settings.mail.from.clone().unwrap_or_else(nobody),
        }
    }
}

/// Finds out which server mails go to.
///
/// # Errors
///
/// If none is known, or if the secret cannot be used.
pub async fn server(settings: &Settings, config: &SdkConfig) -> Result<Server, MailerError> {
    let Mail { server: told, .. } = &settings.mail;
    let Some(name) = &settings.secret_name else {
        return match told.host {
            Some(_) => Server::open(told).map_err(|source| unusable("", source)),
            None => Err(MailerError::NoServer),
        };
    };
    let region = settings.mail.region.as_deref();
    let text = match secret::read(config, name, region).await {
        // The predecessor looked there, wherever it ran itself.
        Err(error) if region.is_none() => secret::read(config, name, Some(PREDECESSORS_REGION))
            .await
            .map_err(|_| error)?,
        text => text?,
    };
    Server::of_secret(&text, told).map_err(|source| unusable(name, source))
}

fn unusable(name: &str, source: SecretError) -> MailerError {
    let name = name.to_owned();
    MailerError::Unusable { name, source }
}
