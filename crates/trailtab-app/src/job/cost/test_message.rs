//! Sends one test message, so that an operator sees it arrive before the first report is due.

use aws_config::SdkConfig;

use super::check::{CheckFinding, CheckVerdict};
use super::mail_setup::{MailSetup, MailerError};
use super::mails;
use crate::aws;
use crate::deliver::mail::{OutgoingMail, SendError};
use trailtab_core::cost::settings::CostSettings;
use trailtab_core::time::{self, Seconds};
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
    let text = format!(
        "trailtab cost check sent this test mail at {}. Cost reports will be sent in the same way.\n",
        time::iso(now)
    );
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
