//! Mails on their way: by SMTP, by SES, or into files for whoever wants to look first.

pub mod files;
pub mod secret;
pub mod ses;
pub mod smtp;
#[cfg(test)]
pub mod tests;

use self::files::Folder;
use self::ses::Ses;
use self::smtp::Smtp;

/// A mail as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whom it is from: an address, with or without a name.
    pub from: String,
    /// Whom it is for: one address, with or without a name.
    pub to: String,
    /// All of it, headers and parts (MIME), with CRLF at the end of each line.
    pub bytes: Vec<u8>,
    /// What a file with it is called, without an ending; any text will do.
    pub name: String,
    /// The same as a page for a browser, if somebody wants to look.
    pub page: Option<String>,
}

/// Why a mail did not go out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// This one was refused, and nothing of it was taken; others may not be.
    #[error("refused: {reason}")]
    Refused {
        /// The server's answer, or why the mail was not offered to it.
        reason: String,
        /// Whether it will be refused again.
        is_lasting: bool,
    },
    /// It did not get as far as that: nothing of it was taken.
    #[error("{reason}")]
    Broken {
        /// What went wrong.
        reason: String,
        /// Whether that will be the same again until somebody changes something.
        is_lasting: bool,
    },
    /// All of it was sent, and no answer came: nobody knows whether it was taken.
    #[error("no answer came after it was sent, so nobody knows whether it was taken: {0}")]
    Unconfirmed(String),
}

/// A way for mails.
#[derive(Debug)]
pub enum Mailer {
    /// To a mail server, by SMTP.
    Smtp(Smtp),
    /// To Amazon SES, by its API.
    Ses(Ses),
    /// Nothing is sent.
    Files(Folder),
}

impl Mailer {
    /// Sends a mail, at most once.
    ///
    /// # Errors
    ///
    /// If it was refused, or could not be sent, or if nobody knows.
    pub async fn send(&mut self, message: &Message) -> Result<(), SendError> {
        match self {
            Mailer::Smtp(smtp) => smtp.send(message).await,
            Mailer::Ses(ses) => ses.send(message).await,
            Mailer::Files(folder) => folder.write(message).map_err(|error| SendError::Broken {
                reason: error.to_string(),
                is_lasting: true,
            }),
        }
    }

    /// Tells whether nothing is really sent.
    pub fn is_dry(&self) -> bool {
        matches!(self, Mailer::Files(_))
    }

    /// Says goodbye to whoever is waiting for more.
    pub async fn close(self) {
        if let Mailer::Smtp(smtp) = self {
            smtp.close().await;
        }
    }
}

/// As much of a foreign text as somebody will read.
fn shortened(text: &str) -> String {
    const MOST: usize = 400;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
