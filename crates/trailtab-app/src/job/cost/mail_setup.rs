//! Sets up the transports from the settings: the mail server or SES with the sender's address, and channels.

use std::collections::BTreeMap;

use aws_config::SdkConfig;

use crate::aws;
use crate::deliver::channel::ChannelSender;
use crate::deliver::mail::files::MailFolder;
use crate::deliver::mail::secret;
use crate::deliver::mail::ses::SesSender;
use crate::deliver::mail::smtp::SmtpSender;
use crate::deliver::mail::{MailTransport, SendError};
use crate::deliver::outbox::Outbox;
use trailtab_core::cost::channel::{ChannelSettings, WebhookUrl, WebhookUrlError};
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
}

/// Where the reports of a run are sent, and the sender of its mails.
#[derive(Debug)]
pub struct DeliverySetup {
    /// Where reports are sent.
    pub outbox: Outbox,
    /// The sender address of mails.
    pub from: String,
}

impl DeliverySetup {
    /// Sends by mail, if a transport was opened, and to channels.
    pub fn live(mail: Option<MailSetup>, channels: ChannelSender) -> DeliverySetup {
        let (mail, from) = match mail {
            Some(MailSetup { mailer, from }) => (Some(Box::new(mailer)), from),
            None => (None, String::new()),
        };
        let outbox = Outbox::Live { mail, channels };
        DeliverySetup { outbox, from }
    }

    /// Writes everything to files and sends nothing.
    pub fn dry(settings: &CostSettings, folder: MailFolder) -> DeliverySetup {
        let default_sender = || "trailtab@localhost".to_owned();
        DeliverySetup {
            outbox: Outbox::Files(folder),
            from: settings.mail.from.clone().unwrap_or_else(default_sender),
        }
    }
}

/// Why a channel's URL is not known.
#[derive(Debug, thiserror::Error)]
pub enum ChannelUrlError {
    /// The secret cannot be read from Secrets Manager.
    #[error(transparent)]
    Unreadable(#[from] secret::SecretReadError),
    /// The secret is not the URL of a webhook.
    #[error("the channel's secret {name:?} cannot be used")]
    Unusable {
        /// The name or ARN of the secret.
        name: String,
        /// What is wrong with it.
        source: WebhookUrlError,
    },
}

/// Reads the URL of a channel.
///
/// # Errors
///
/// Fails if the secret cannot be read, or is not a URL.
pub async fn channel_url(
    settings: &CostSettings,
    channel: &ChannelSettings,
    config: &SdkConfig,
) -> Result<WebhookUrl, ChannelUrlError> {
    let name = channel.url_secret.as_str();
    let text = secret::read(config, name, settings.mail.region.as_deref()).await?;
    WebhookUrl::of_secret(&text).map_err(|source| ChannelUrlError::Unusable {
        name: name.to_owned(),
        source,
    })
}

/// Reads the URLs of the named channels. One that cannot be read fails alone, when it is posted to.
pub async fn channels(
    settings: &CostSettings,
    config: &SdkConfig,
    names: &[&str],
) -> ChannelSender {
    let mut urls = BTreeMap::new();
    for channel in &settings.channels {
        let name = channel.name.trim();
        if !names.contains(&name) || urls.contains_key(name) {
            continue;
        }
        let url = channel_url(settings, channel, config).await;
        let url = url.map_err(|error| SendError::Broken {
            reason: aws::with_causes(&error),
            is_lasting: true,
        });
        urls.insert(name.to_owned(), url);
    }
    ChannelSender::new(config, urls)
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
