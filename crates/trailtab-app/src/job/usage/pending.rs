//! Resolves claims that an earlier run made and did not confirm, by what CloudWatch shows.

use tokio::time::timeout_at;

use super::publish::MetricPublication;
use crate::deliver::ledger::{ClaimEnd, LedgerError, SendClaim};
use crate::deliver::sent_hash::SentHash;
use trailtab_core::activity::usage::backfill::visible_by;
use trailtab_core::activity::usage::metrics::MinuteDatum;
use trailtab_core::time;

/// The ledger's answer to a claim.
pub(super) struct LedgerAnswer {
    pub(super) claim: SendClaim,
    /// Suffix of the error message, which explains why the entry is still pending; may be empty.
    pub(super) note: String,
}

impl From<SendClaim> for LedgerAnswer {
    fn from(claim: SendClaim) -> LedgerAnswer {
        LedgerAnswer {
            claim,
            note: String::new(),
        }
    }
}

/// Whether CloudWatch shows data that may have been sent.
enum CloudWatchView {
    /// It shows them.
    Shown,
    /// It shows no such data.
    NotShown,
    /// Unknown, for this reason.
    Unknown(String),
}

impl MetricPublication<'_> {
    /// Finds out what became of a pending entry: its data are in CloudWatch, or certainly not, so that
    /// they can be sent now. If neither is certain, the claim stays as it is.
    pub(super) async fn resolve_pending(
        &self,
        key: &str,
        data: &[MinuteDatum],
        content: &SentHash,
        claim: SendClaim,
    ) -> Result<LedgerAnswer, LedgerError> {
        let (pending, is_over) = match &claim {
            SendClaim::Busy(pending) => (pending, false),
            SendClaim::Unconfirmed(pending) => (pending, true),
            _ => return Ok(claim.into()),
        };
        if !pending.is_same {
            return Ok(claim.into());
        }
        let view = self.view_of(data).await;
        let until = data
            .iter()
            .map(|datum| visible_by(datum.minute, pending.until))
            .max();
        let until = until.unwrap_or(pending.until);
        let is_certain = is_over && until <= self.claims.owner.now;
        let replace = |end| self.claims.replace_pending(key, pending, content, end);
        let note = match view {
            CloudWatchView::Shown => {
                // If another run replaced the entry first, it recorded the same.
                replace(Some(ClaimEnd::Sent)).await?;
                return Ok(SendClaim::Sent(self.claims.owner.now).into());
            }
            CloudWatchView::NotShown if is_certain => {
                return Ok(match replace(None).await? {
                    true => SendClaim::Granted.into(),
                    false => SendClaim::Busy(pending.clone()).into(),
                });
            }
            CloudWatchView::NotShown => format!(
                " (CloudWatch does not show them yet: run again after {})",
                time::iso(until)
            ),
            CloudWatchView::Unknown(reason) => reason,
        };
        if is_over && !pending.was_recorded {
            // The run that made it was killed. This run counts it, later ones do not.
            replace(Some(ClaimEnd::Unconfirmed)).await?;
        }
        Ok(LedgerAnswer { claim, note })
    }

    /// Asks CloudWatch for one datum: a request is accepted as a whole or not at all.
    async fn view_of(&self, data: &[MinuteDatum]) -> CloudWatchView {
        let witness = data.iter().max_by_key(|datum| datum.value);
        let (Some(shown_sum), Some(datum)) = (self.shown_sum, witness) else {
            return CloudWatchView::Unknown(String::new());
        };
        let unknown = |reason| CloudWatchView::Unknown(format!(" ({reason})"));
        match timeout_at(self.claims.deadlines.send, shown_sum(datum)).await {
            Err(_) => unknown("CloudWatch did not say in time whether it has them".to_owned()),
            Ok(Err(error)) => unknown(error.to_string()),
            Ok(Ok(None)) => CloudWatchView::NotShown,
            // Counts per minute are far below 2^53, so the conversion is exact.
            Ok(Ok(Some(sum))) if sum >= datum.value as f64 => CloudWatchView::Shown,
            Ok(Ok(Some(_))) => {
                unknown("CloudWatch shows a smaller sum for the same metric and minute".to_owned())
            }
        }
    }
}
