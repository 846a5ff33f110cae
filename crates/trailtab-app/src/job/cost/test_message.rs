//! Sends one test message, so that an operator sees it arrive before the first report is due.

use aws_config::SdkConfig;

use super::check::{CheckFinding, CheckVerdict};
use super::mail_setup::{self, MailSetup, MailerError};
use super::mails;
use crate::aws;
use crate::deliver::channel::ChannelMessage;
use crate::deliver::mail::{OutgoingMail, SendError};
use crate::deliver::outbox::{Outbox, OutgoingMessage};
use trailtab_core::cost::settings::CostSettings;
use trailtab_core::nearest;
use trailtab_core::time::{self, Seconds};
use trailtab_render::cost;
use trailtab_render::mail::{self, MailEnvelope, MessageError};

const SUBJECT: &str = "Test mail of trailtab";

/// Why a test message was not sent.
#[derive(Debug, thiserror::Error)]
enum TestMessageError {
    #[error(transparent)]
    NoMailer(#[from] MailerError),
    #[error(transparent)]
    NoMessage(#[from] MessageError),
    #[error(transparent)]
    NotSent(#[from] SendError),
    #[error("the message cannot be written as JSON: {0}")]
    NoJson(#[from] serde_json::Error),
    #[error("the settings have no such channel{0}")]
    NoChannel(String),
}

/// What a test message says.
fn words(now: Seconds) -> String {
    format!(
        "trailtab cost check sent this test at {}. Cost reports will be sent in the same way.",
        time::iso(now)
    )
}

/// Posts a test message to a channel in the way that reports are posted, and says what became of it.
pub async fn test_channel(
    settings: &CostSettings,
    name: &str,
    config: &SdkConfig,
    now: Seconds,
) -> CheckFinding {
    let (verdict, what) = match post(settings, name, config, now).await {
        Ok(()) => (
            CheckVerdict::Good,
            format!(
                "a test message to the channel {:?} was accepted",
                name.trim()
            ),
        ),
        Err(error) => {
            let reason = aws::with_causes(&error);
            let what = format!("the test message to the channel {name:?}: {reason}");
            (CheckVerdict::Bad, what)
        }
    };
    CheckFinding { verdict, what }
}

async fn post(
    settings: &CostSettings,
    name: &str,
    config: &SdkConfig,
    now: Seconds,
) -> Result<(), TestMessageError> {
    let names = settings.channels.iter().map(|channel| channel.name.trim());
    let Some(channel) = settings
        .channels
        .iter()
        .find(|channel| channel.name.trim().to_lowercase() == name.trim().to_lowercase())
    else {
        let meant =
            nearest::meant(name, names).map(|(_, name)| format!(": did you mean {name:?}?"));
        return Err(TestMessageError::NoChannel(meant.unwrap_or_default()));
    };
    let name = channel.name.trim();
    let message = OutgoingMessage::Channel(ChannelMessage {
        channel: name.to_owned(),
        kind: channel.kind,
        json: cost::test_message(channel.kind, name, &words(now))?,
        name: name.to_owned(),
    });
    let channels = mail_setup::channels(settings, config, &[name]).await;
    let mut outbox = Outbox::Live {
        mail: None,
        channels,
    };
    Ok(outbox.send(&message).await?)
}

/// Sends a test mail in the way that reports are sent, and says what became of it.
pub async fn test_mail(
    settings: &CostSettings,
    to: &str,
    config: &SdkConfig,
    now: Seconds,
) -> CheckFinding {
    match send_mail(settings, to, config, now).await {
        Ok(from) => CheckFinding {
            verdict: CheckVerdict::Good,
            what: format!(
                "a test mail from {from} to {to} was accepted; it may still bounce or be held as spam"
            ),
        },
        Err(error) => CheckFinding {
            verdict: CheckVerdict::Bad,
            what: format!("the test mail to {to}: {}", aws::with_causes(&error)),
        },
    }
}

/// Sends a test mail; returns the sender.
async fn send_mail(
    settings: &CostSettings,
    to: &str,
    config: &SdkConfig,
    now: Seconds,
) -> Result<String, TestMessageError> {
    let MailSetup { mut mailer, from } = MailSetup::open(settings, config).await?;
    let envelope = MailEnvelope {
        from: from.clone(),
        to: to.to_owned(),
        message_id: mails::message_id(&format!("test {to} {now}"), &from),
        date: now,
        list_unsubscribe: settings.mail.list_unsubscribe.clone(),
    };
    let text = words(now) + "\n";
    let message = OutgoingMail {
        bytes: mail::plain_message(SUBJECT, &text, &envelope)?,
        from: from.clone(),
        to: to.to_owned(),
        name: SUBJECT.to_owned(),
        page: None,
    };
    let sent = mailer.send(&message).await;
    mailer.close().await;
    Ok(sent.map(|()| from)?)
}
