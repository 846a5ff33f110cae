//! Sends mails by SMTP or SES, or writes them to files for inspection.

pub mod files;
pub mod secret;
pub mod ses;
pub mod smtp;
#[cfg(test)]
pub mod tests;
mod unbuffered;

use self::ses::SesSender;
use self::smtp::SmtpSender;

/// A mail to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMail {
    /// The sender: an address, with or without a name.
    pub from: String,
    /// The recipient: one address, with or without a name.
    pub to: String,
    /// The whole MIME message, headers included, with CRLF line ends.
    pub bytes: Vec<u8>,
    /// The file name in a dry run, without extension; any text.
    pub name: String,
    /// An HTML page with the same content, for dry runs.
    pub page: Option<String>,
}

/// Why a mail, or a message to a channel, was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The server rejected this mail; others may still be accepted.
    #[error("refused: {reason}")]
    Refused {
        /// The server's answer, or why the mail was not offered to it.
        reason: String,
        /// Whether it will be rejected again.
        is_lasting: bool,
    },
    /// The mail was not transmitted completely, so the server accepted nothing.
    #[error("{reason}")]
    Broken {
        /// What went wrong.
        reason: String,
        /// Whether it will fail again until something is changed.
        is_lasting: bool,
    },
    /// Transmitted completely, but without an answer: it is unknown whether it was accepted.
    #[error("no answer came after it was sent, so it may have arrived: {0}")]
    Unconfirmed(String),
}

impl SendError {
    /// Whether sending will fail again until something is changed.
    pub fn is_lasting(&self) -> bool {
        match self {
            SendError::Refused { is_lasting, .. } | SendError::Broken { is_lasting, .. } => {
                *is_lasting
            }
            SendError::Unconfirmed(_) => false,
        }
    }
}

/// A mail transport.
#[derive(Debug)]
pub enum MailTransport {
    /// A mail server, by SMTP.
    Smtp(SmtpSender),
    /// Amazon SES, by its API.
    Ses(SesSender),
}

impl MailTransport {
    /// Sends a mail at most once.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub async fn send(&mut self, message: &OutgoingMail) -> Result<(), SendError> {
        match self {
            MailTransport::Smtp(smtp) => smtp.send(message).await,
            MailTransport::Ses(ses) => ses.send(message).await,
        }
    }

    /// Prepares for sending mails again that a server refused for now.
    pub fn retry(&mut self) {
        if let MailTransport::Smtp(smtp) = self {
            smtp.retry();
        }
    }

    /// Closes the SMTP session (QUIT).
    pub async fn close(self) {
        if let MailTransport::Smtp(smtp) = self {
            smtp.close().await;
        }
    }
}

/// Truncates a foreign text for a message.
fn shortened(text: &str) -> String {
    const MAX_CHARS: usize = 400;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
