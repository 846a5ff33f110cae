//! The claims that one run makes in the ledger of what was sent.

use tokio::time::Instant;

use crate::deliver::ledger::{
    ClaimEnd, ClaimOwner, LedgerError, PendingEntry, SendClaim, SendLedger,
};
use crate::deliver::sent_hash::SentHash;

/// When a run stops.
#[derive(Debug, Clone, Copy)]
pub struct SendDeadlines {
    /// No request starts that could be answered only after this time.
    pub send: Instant,
    /// The ledger is not waited for beyond this time. Later than `send`, so that what was sent can be
    /// recorded.
    pub record: Instant,
}

/// Claims what a run sends, so that nothing is sent twice.
#[derive(Debug, Clone)]
pub struct RunClaims<'l> {
    /// Records what was sent. Without it, every claim is granted.
    pub ledger: Option<&'l SendLedger>,
    /// Identifies this run in the ledger.
    pub owner: ClaimOwner,
    /// When the run stops.
    pub deadlines: SendDeadlines,
}

impl RunClaims<'_> {
    /// Claims a key before its content is sent.
    pub(super) async fn claim(
        &self,
        key: &str,
        content: &SentHash,
    ) -> Result<SendClaim, LedgerError> {
        let Some(ledger) = self.ledger else {
            return Ok(SendClaim::Granted);
        };
        let claim = ledger.claim(key, content, &self.owner);
        ledger.with_deadline(self.deadlines.send, key, claim).await
    }

    /// The answer that a claim would get, without making one; `None` if there is no entry.
    pub(super) async fn existing(
        &self,
        key: &str,
        content: &SentHash,
    ) -> Result<Option<SendClaim>, LedgerError> {
        let Some(ledger) = self.ledger else {
            return Ok(None);
        };
        let found = ledger.existing_claim(key, content, &self.owner);
        ledger.with_deadline(self.deadlines.send, key, found).await
    }

    /// Records what became of a claim; without an end, deletes it.
    pub(super) async fn end(
        &self,
        key: &str,
        content: &SentHash,
        end: Option<ClaimEnd>,
    ) -> Result<(), LedgerError> {
        let Some(ledger) = self.ledger else {
            return Ok(());
        };
        let ended = ledger.end(key, content, &self.owner, end);
        ledger
            .with_deadline(self.deadlines.record, key, ended)
            .await
    }

    /// Replaces a pending entry of another run: by `end`, or by a claim of this run. Returns whether it was still the
    /// same.
    pub(super) async fn replace_pending(
        &self,
        key: &str,
        pending: &PendingEntry,
        content: &SentHash,
        end: Option<ClaimEnd>,
    ) -> Result<bool, LedgerError> {
        let Some(ledger) = self.ledger else {
            return Ok(true);
        };
        let owner = ClaimOwner {
            // CloudWatch may show unconfirmed data until a time that depends on when the first run sent them.
            until: match end {
                Some(ClaimEnd::Unconfirmed) => pending.until,
                _ => self.owner.until,
            },
            ..self.owner.clone()
        };
        let replaced = ledger.replace_pending(key, pending, content, &owner, end);
        ledger
            .with_deadline(self.deadlines.send, key, replaced)
            .await
    }
}
