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

use super::{Message, SendError, shortened};
use crate::aws;

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
pub struct Ses {
    client: Client,
    region: String,
    configuration_set: Option<String>,
    /// What there is to say of the account, once somebody was refused.
    sandbox: Option<&'static str>,
}

/// What came instead of a confirmation.
enum Failure {
    /// Too many at a time; nothing was taken.
    Throttled(String),
    Of(SendError),
}

impl Ses {
    /// SES in a region, or in the configured one.
    pub fn new(config: &SdkConfig, region: Option<&str>, configuration_set: Option<String>) -> Ses {
        let region = region.map_or_else(|| aws::region_of(config).to_string(), str::to_owned);
        Ses {
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
    pub(super) async fn send(&mut self, message: &Message) -> Result<(), SendError> {
        let bytes = message.bytes.len().div_ceil(3) * 4;
        if bytes > LARGEST {
            return Err(SendError::Refused {
                reason: format!("it has {bytes} bytes in base64, and SES takes {LARGEST}"),
                is_lasting: true,
            });
        }
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            match self.request(message).await {
                Ok(()) => return Ok(()),
                Err(Failure::Of(error)) => return Err(error),
                Err(Failure::Throttled(reason)) if attempt == ATTEMPTS => {
                    return Err(SendError::Broken {
                        reason,
                        is_lasting: false,
                    });
                }
                // Others were refused as well: whoever comes again at the same moment is refused again.
                Err(Failure::Throttled(_)) => {
                    time::sleep(wait.mul_f64(0.5 + fastrand::f64())).await;
                }
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        Ok(())
    }

    async fn request(&mut self, message: &Message) -> Result<(), Failure> {
        let raw = RawMessage::builder().data(Blob::new(message.bytes.clone()));
        let raw = raw.build().map_err(|error| {
            Failure::Of(SendError::Broken {
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
            Err(error) if status(&error).is_some_and(|status| status < 300) => Ok(()),
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

fn status(error: &SdkError<SendEmailError, HttpResponse>) -> Option<u16> {
    let response = error.raw_response()?;
    Some(response.status().as_u16())
}

/// Tells what an error says about the mail.
fn classify(error: &SdkError<SendEmailError, HttpResponse>, hint: &str) -> Failure {
    let reason = aws::explain(error);
    let reason = format!("{}{hint}", shortened(&reason));
    let broken = |reason, is_lasting| Failure::Of(SendError::Broken { reason, is_lasting });
    let code = error.code().unwrap_or_default();
    if [
        "Throttling",
        "TooManyRequests",
        "RequestLimitExceeded",
        "LimitExceeded",
    ]
    .iter()
    .any(|start| code.starts_with(start))
    {
        // Of the day's quota, nothing will be left in a few seconds either.
        let is_for_today = error
            .message()
            .is_some_and(|message| message.to_ascii_lowercase().contains("daily"));
        return match is_for_today {
            true => broken(reason, false),
            false => Failure::Throttled(reason),
        };
    }
    match status(error) {
        // Whoever stands between us and the service cannot know whether it was taken, and a service that
        // failed in the middle may have taken it.
        Some(500 | 502 | 504) => Failure::Of(SendError::Unconfirmed(reason)),
        Some(429 | 503) => Failure::Throttled(reason),
        Some(_) => match code {
            "MessageRejected" | "BadRequestException" | "MailFromDomainNotVerifiedException" => {
                Failure::Of(SendError::Refused {
                    reason,
                    is_lasting: true,
                })
            }
            _ => broken(reason, true),
        },
        None => match error {
            _ if aws::lacks_credentials(error) => broken(reason, false),
            SdkError::ConstructionFailure(_) => broken(reason, true),
            _ if aws::lacks_connection(error) => broken(reason, false),
            _ => Failure::Of(SendError::Unconfirmed(reason)),
        },
    }
}
