//! Sends messages that cannot be read to the dead-letter queue, once.

use tokio::time::timeout_at;

use super::LedgerKeys;
use super::claims::RunClaims;
use super::report::DeliveryReport;
use super::unreadable::UnreadableMessages;
use crate::aws::{self, QueueFailure, SdkConfig};
use crate::deliver::ledger::{ClaimEnd, SendClaim};
use crate::deliver::sent_hash::{self, SentHash};

/// The dead-letter queue, to which messages that could not be read are sent once.
pub struct DeadLetterQueue<'q> {
    /// Access to the queue.
    pub config: &'q SdkConfig,
    /// The queue's URL.
    pub url: &'q str,
    /// Records what was sent, and until when.
    pub claims: &'q RunClaims<'q>,
    /// Where the ledger records it.
    pub keys: &'q LedgerKeys,
}

impl DeadLetterQueue<'_> {
    /// Sends the messages. Does nothing if the delivery will be retried: the retry sends them.
    pub async fn send(&self, unreadable: &UnreadableMessages, report: &mut DeliveryReport) {
        if report.needs_retry() {
            return;
        }
        let hash = sent_hash::sha256(unreadable.event.as_bytes());
        let key = self.keys.unreadable(&hash);
        let content = SentHash::new(&hash, String::new());
        let trouble = match self.claims.claim(&key, &content).await {
            Ok(SendClaim::Granted) => {
                self.send_claimed(&unreadable.event, &key, &content, report)
                    .await
            }
            Ok(SendClaim::Sent(_) | SendClaim::Differs(_) | SendClaim::Split) => return,
            Ok(SendClaim::Unconfirmed(_)) => Some(
                "an earlier run sent them and got no answer: they are not sent again".to_owned(),
            ),
            Ok(SendClaim::Busy(_)) => {
                report.has_unkept_messages = true;
                Some("another run is sending them just now".to_owned())
            }
            Err(error) => {
                report.has_unkept_messages = true;
                Some(error.to_string())
            }
        };
        let Some(reason) = trouble else { return };
        let queue = self.url;
        let trouble = format!(
            "messages that could not be read may not be in the dead-letter queue {queue}: {reason}"
        );
        if report.has_unkept_messages {
            report.retry_reason = Some(trouble.clone());
        }
        report.troubles.push(trouble);
    }

    /// Sends them and records what became of it. Returns what went wrong.
    async fn send_claimed(
        &self,
        event: &str,
        key: &str,
        content: &SentHash,
        report: &mut DeliveryReport,
    ) -> Option<String> {
        let sent = aws::send_message(self.config, self.url, event);
        let sent = timeout_at(self.claims.deadlines.send, sent)
            .await
            .unwrap_or_else(|_| {
                let reason = "the time was up before an answer came".to_owned();
                Err(QueueFailure::Unanswered(reason))
            });
        let (end, trouble) = match sent {
            Ok(()) => (Some(ClaimEnd::Sent), None),
            Err(QueueFailure::Unanswered(reason)) => (Some(ClaimEnd::Unconfirmed), Some(reason)),
            Err(QueueFailure::Refused(reason)) => {
                report.has_unkept_messages = true;
                (None, Some(reason))
            }
        };
        let recorded = self.claims.end(key, content, end).await;
        trouble.or(recorded.err().map(|error| error.to_string()))
    }
}
