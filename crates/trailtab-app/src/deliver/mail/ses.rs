//! Mails by SES, with the caller's own permission.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::http::HttpResponse;
use aws_sdk_sesv2::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Destination, EmailContent, RawMessage};
use tokio::time;

use super::{OutgoingMail, SendError, shortened};
use crate::aws::{self, AwsFailure, Backoff, FailureKind};

/// Bytes that SES takes of a mail, in base64 as it travels.
const LARGEST: usize = 40 << 20;

/// The wait after the first throttle; the next ones are twice as long each. In the sandbox, SES takes one a second.
const FIRST_WAIT: Duration = Duration::from_millis(300);

/// The longest wait between two requests.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Requests for one mail at most.
const ATTEMPTS: u32 = 8;

/// SES in one region.
#[derive(Debug)]
pub struct SesSender {
    client: Client,
    region: String,
    configuration_set: Option<String>,
    /// What there is to say of the account, once somebody was refused.
    sandbox: Option<&'static str>,
}

/// What came instead of a confirmation.
enum SesFailure {
    /// Too many at a time; nothing was taken.
    Throttled(String),
    Of(SendError),
}

impl SesSender {
    /// SES in a region, or in the configured one.
    pub fn new(
        config: &SdkConfig,
        region: Option<&str>,
        configuration_set: Option<String>,
    ) -> SesSender {
        let region = region.map_or_else(|| aws::region_of(config).to_string(), str::to_owned);
        SesSender {
            client: aws::ses(config, &region),
            region,
            configuration_set,
            sandbox: None,
        }
    }

    /// Sends a mail; again if SES said that it took nothing because of its rate.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub(super) async fn send(&mut self, message: &OutgoingMail) -> Result<(), SendError> {
        let bytes = message.bytes.len().div_ceil(3) * 4;
        if bytes > LARGEST {
            return Err(SendError::Refused {
                reason: format!("it has {bytes} bytes in base64, and SES takes {LARGEST}"),
                is_lasting: true,
            });
        }
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        for attempt in 1.. {
            match self.request(message).await {
                Ok(()) => return Ok(()),
                Err(SesFailure::Of(error)) => return Err(error),
                Err(SesFailure::Throttled(reason)) if attempt == ATTEMPTS => {
                    return Err(SendError::Broken {
                        reason,
                        is_lasting: false,
                    });
                }
                Err(SesFailure::Throttled(_)) => time::sleep(backoff.next_wait()).await,
            }
        }
        Ok(())
    }

    async fn request(&mut self, message: &OutgoingMail) -> Result<(), SesFailure> {
        let raw = RawMessage::builder().data(Blob::new(message.bytes.clone()));
        let raw = raw.build().map_err(|error| {
            SesFailure::Of(SendError::Broken {
                reason: error.to_string(),
                is_lasting: true,
            })
        })?;
        let request = self
            .client
            .send_email()
            .from_email_address(&message.from)
            .destination(Destination::builder().to_addresses(&message.to).build())
            .content(EmailContent::builder().raw(raw).build())
            .set_configuration_set_name(self.configuration_set.clone());
        match request.send().await {
            Ok(_) => Ok(()),
            // It was taken; what is missing of the answer says nothing.
            Err(error)
                if AwsFailure::of(&error)
                    .status
                    .is_some_and(|status| status < 300) =>
            {
                Ok(())
            }
            Err(error) => {
                let hint = match error.code() {
                    Some("MessageRejected" | "MailFromDomainNotVerifiedException") => {
                        self.about_verifying(error.message().unwrap_or_default())
                            .await
                    }
                    Some("AccessDeniedException" | "AccessDenied") => {
                        " (needed: ses:SendEmail and ses:SendRawEmail on the sender's identity)"
                            .to_owned()
                    }
                    _ => String::new(),
                };
                Err(classify(&error, &hint))
            }
        }
    }

    /// What helps whoever has an address that SES does not know yet.
    async fn about_verifying(&mut self, message: &str) -> String {
        if !message.contains("not verified") {
            return String::new();
        }
        if self.sandbox.is_none() {
            let account = self.client.get_account().send().await;
            self.sandbox = Some(match account {
                Ok(account) if !account.production_access_enabled => {
                    "; this account is in SES's sandbox there, so recipients have to be verified as well, or production access asked for"
                }
                // It is not, or we may not ask.
                _ => "",
            });
        }
        let region = &self.region;
        let sandbox = self.sandbox.unwrap_or_default();
        format!(" (verify the address, or its domain, in SES in {region}{sandbox})")
    }
}

/// Tells what an error says about the mail.
fn classify(error: &SdkError<SendEmailError, HttpResponse>, hint: &str) -> SesFailure {
    let failure = AwsFailure::of(error);
    let reason = format!("{}{hint}", shortened(&failure.explanation));
    let broken = |reason, is_lasting| SesFailure::Of(SendError::Broken { reason, is_lasting });
    if failure.kind == FailureKind::Throttled {
        // The daily quota is not renewed within seconds.
        return match failure.message.to_ascii_lowercase().contains("daily") {
            true => broken(reason, false),
            false => SesFailure::Throttled(reason),
        };
    }
    match failure.code.as_str() {
        _ if failure.may_have_arrived => SesFailure::Of(SendError::Unconfirmed(reason)),
        _ if failure.status == Some(503) => SesFailure::Throttled(reason),
        "MessageRejected" | "BadRequestException" | "MailFromDomainNotVerifiedException" => {
            SesFailure::Of(SendError::Refused {
                reason,
                is_lasting: true,
            })
        }
        // Without an answer, no connection could be made, or there were no credentials.
        _ => broken(
            reason,
            failure.status.is_some() || failure.kind == FailureKind::Refused,
        ),
    }
}
