//! Sends mails with SES, using the caller's credentials.

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

/// Maximum size of a mail in SES, in base64.
const MAX_BASE64_BYTES: usize = 40 << 20;

/// The wait after the first throttle; doubled after each further one. The SES sandbox accepts one
/// mail per second.
const FIRST_WAIT: Duration = Duration::from_millis(300);

/// Maximum wait between two requests.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Maximum requests per mail.
const MAX_ATTEMPTS: u32 = 8;

/// SES in one region.
#[derive(Debug)]
pub struct SesSender {
    client: Client,
    region: String,
    configuration_set: Option<String>,
    /// Hint about the SES sandbox; not set until an address was rejected.
    sandbox: Option<&'static str>,
}

/// Why a request failed.
enum SesFailure {
    /// Throttled; nothing was accepted.
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

    /// Sends a mail, repeating the request while SES throttles it.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub(super) async fn send(&mut self, message: &OutgoingMail) -> Result<(), SendError> {
        let bytes = message.bytes.len().div_ceil(3) * 4;
        if bytes > MAX_BASE64_BYTES {
            return Err(SendError::Refused {
                reason: format!("it has {bytes} bytes in base64, and SES takes {MAX_BASE64_BYTES}"),
                is_lasting: true,
            });
        }
        let mut backoff = Backoff::new(FIRST_WAIT, MAX_WAIT);
        for attempt in 1.. {
            match self.request(message).await {
                Ok(()) => return Ok(()),
                Err(SesFailure::Of(error)) => return Err(error),
                Err(SesFailure::Throttled(reason)) if attempt == MAX_ATTEMPTS => {
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
            // A status of success means accepted, even if the body could not be read.
            Err(error)
                if AwsFailure::of(&error)
                    .status
                    .is_some_and(|status| status < 300)
                    && !aws::is_answered_by_proxy(&error) =>
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

    /// A hint for addresses that are not verified.
    async fn about_verifying(&mut self, message: &str) -> String {
        if !message.contains("not verified") {
            return String::new();
        }
        if self.sandbox.is_none() {
            let account = self.client.get_account().send().await;
            self.sandbox = Some(match account {
                Ok(account) if !account.production_access_enabled => {
                    "; this account is in SES's sandbox there, so recipients must be verified as well, or production access requested"
                }
                // Not in the sandbox, or ses:GetAccount is not allowed.
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
