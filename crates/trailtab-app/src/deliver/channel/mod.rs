//! Posts messages to channels by their webhooks: Slack, Microsoft Teams, and others.

mod verdict;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use tokio::time::{self, Instant};

use self::verdict::PostVerdict;
use super::mail::SendError;
use crate::aws::{self, WebhookFailure};
use trailtab_core::cost::channel::{ChannelKind, WebhookUrl};

/// The time between two messages to a channel. Slack takes one a second.
const MESSAGE_INTERVAL: Duration = Duration::from_secs(1);

/// The longest wait before a message. Longer ones are left to the end of the run.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The longest time for which a server may ask to be left alone.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// A message to be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelMessage {
    /// The name of the channel.
    pub channel: String,
    /// The form of the message.
    pub kind: ChannelKind,
    /// JSON.
    pub json: Vec<u8>,
    /// The file name in a dry run, without extension; any text.
    pub name: String,
}

/// Posts messages by HTTPS.
#[derive(Debug)]
pub struct ChannelSender {
    config: Box<SdkConfig>,
    /// The URL of each channel, or why there is none.
    urls: BTreeMap<String, Result<WebhookUrl, SendError>>,
    /// When the next message to a channel may be posted.
    next_at: BTreeMap<String, Instant>,
}

impl ChannelSender {
    /// Channels with their URLs, or why there is none.
    pub fn new(
        config: &SdkConfig,
        urls: BTreeMap<String, Result<WebhookUrl, SendError>>,
    ) -> ChannelSender {
        ChannelSender {
            config: Box::new(config.clone()),
            urls,
            next_at: BTreeMap::new(),
        }
    }

    /// Posts a message at most once. If the server asks for a short wait, waits and posts it once more.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub(super) async fn send(&mut self, message: &ChannelMessage) -> Result<(), SendError> {
        let url = match self.urls.get(&message.channel) {
            Some(url) => url.clone()?,
            None => return Err(broken("the settings have no such channel", true)),
        };
        let mut is_second = false;
        loop {
            self.wait(&message.channel).await?;
            let posted = aws::post_json(&self.config, url.reveal(), message.json.clone()).await;
            self.not_before(&message.channel, MESSAGE_INTERVAL);
            let answer = match posted {
                Ok(answer) => answer,
                Err(error @ WebhookFailure::NoAnswer) => {
                    return Err(SendError::Unconfirmed(error.to_string()));
                }
                Err(error) => {
                    let is_lasting = error == WebhookFailure::Unusable;
                    return Err(broken(&error.to_string(), is_lasting));
                }
            };
            match verdict::of(message.kind, &answer, &url) {
                PostVerdict::Taken => return Ok(()),
                PostVerdict::Failed(error) => return Err(error),
                PostVerdict::Later(error) => {
                    let wait = answer.retry_after.unwrap_or(MESSAGE_INTERVAL);
                    self.not_before(&message.channel, wait.min(MAX_RETRY_AFTER));
                    if is_second {
                        return Err(error);
                    }
                    is_second = true;
                }
            }
        }
    }

    fn not_before(&mut self, channel: &str, wait: Duration) {
        self.next_at
            .insert(channel.to_owned(), Instant::now() + wait);
    }

    /// Waits until the next message to a channel may be posted.
    async fn wait(&self, channel: &str) -> Result<(), SendError> {
        let Some(next_at) = self.next_at.get(channel) else {
            return Ok(());
        };
        let left = next_at.saturating_duration_since(Instant::now());
        if left > MAX_WAIT {
            return Err(SendError::Refused {
                reason: format!("the channel asks to wait for {} seconds", left.as_secs()),
                is_lasting: false,
            });
        }
        time::sleep(left).await;
        Ok(())
    }
}

fn broken(reason: &str, is_lasting: bool) -> SendError {
    SendError::Broken {
        reason: reason.to_owned(),
        is_lasting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(channel: &str) -> ChannelMessage {
        ChannelMessage {
            channel: channel.to_owned(),
            kind: ChannelKind::Webhook,
            json: b"{}".to_vec(),
            name: channel.to_owned(),
        }
    }

    /// Port 1 of this machine refuses connections.
    fn sender() -> ChannelSender {
        let url = WebhookUrl::of_secret("https://127.0.0.1:1/hunter2hunter2").unwrap();
        let unreadable = broken("no such secret", true);
        let urls = [
            ("near", Ok(url.clone())),
            ("far", Ok(url)),
            ("none", Err(unreadable)),
        ];
        let urls = urls.map(|(name, url)| (name.to_owned(), url));
        ChannelSender::new(&aws::without_credentials(), urls.into())
    }

    #[tokio::test]
    async fn a_channel_that_asks_for_a_long_wait_is_left_to_the_end_of_the_run() {
        let mut sender = sender();
        sender.not_before("far", Duration::from_secs(60));
        let sent = sender.send(&message("far")).await.unwrap_err();
        assert!(!sent.is_lasting());
        assert!(sent.to_string().contains("asks to wait for"), "{sent}");
        // Other channels need not wait.
        let sent = sender.send(&message("near")).await.unwrap_err();
        assert!(sent.to_string().contains("cannot connect"), "{sent}");
    }

    #[tokio::test]
    async fn what_was_not_sent_is_told_without_the_url() {
        let mut sender = sender();
        for (channel, words, is_lasting) in [
            ("near", "cannot connect to its host", false),
            ("none", "no such secret", true),
            ("other", "no such channel", true),
        ] {
            let sent = sender.send(&message(channel)).await.unwrap_err();
            assert!(matches!(sent, SendError::Broken { .. }), "{sent:?}");
            assert_eq!(sent.is_lasting(), is_lasting, "{channel}");
            let all = format!("{sent} {sent:?} {sender:?}");
            assert!(all.contains(words) && !all.contains("hunter2"), "{all}");
        }
    }
}
