//! Where reports leave the program: by mail, to channels, or into files.

use super::channel::{ChannelMessage, ChannelSender};
use super::mail::files::MailFolder;
use super::mail::{MailTransport, OutgoingMail, SendError};

/// A message in the form of its destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutgoingMessage {
    /// For a mailbox.
    Mail(OutgoingMail),
    /// For a channel.
    Channel(ChannelMessage),
}

/// Where messages are handed to.
#[derive(Debug)]
pub enum Outbox {
    /// They are sent.
    Live {
        /// The transport of mails; absent if there are none to send.
        mail: Option<Box<MailTransport>>,
        /// The channels.
        channels: ChannelSender,
    },
    /// They are written to files.
    Files(MailFolder),
}

impl Outbox {
    /// Sends a message at most once.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub async fn send(&mut self, message: &OutgoingMessage) -> Result<(), SendError> {
        match (self, message) {
            (Outbox::Live { mail, .. }, OutgoingMessage::Mail(message)) => match mail {
                Some(transport) => transport.send(message).await,
                None => Err(SendError::Broken {
                    reason: "no transport of mails was opened".to_owned(),
                    is_lasting: true,
                }),
            },
            (Outbox::Live { channels, .. }, OutgoingMessage::Channel(message)) => {
                channels.send(message).await
            }
            (Outbox::Files(folder), message) => {
                let written = match message {
                    OutgoingMessage::Mail(message) => folder.write(message),
                    OutgoingMessage::Channel(message) => {
                        folder.write_json(&message.name, &message.json)
                    }
                };
                written.map_err(|error| SendError::Broken {
                    reason: error.to_string(),
                    is_lasting: true,
                })
            }
        }
    }

    /// Prepares for sending again what was refused for now.
    pub fn retry(&mut self) {
        if let Outbox::Live {
            mail: Some(transport),
            ..
        } = self
        {
            transport.retry();
        }
    }

    /// Tells whether messages are only written to files.
    pub fn is_dry(&self) -> bool {
        matches!(self, Outbox::Files(_))
    }

    /// Closes the SMTP session.
    pub async fn close(self) {
        if let Outbox::Live {
            mail: Some(transport),
            ..
        } = self
        {
            transport.close().await;
        }
    }
}
