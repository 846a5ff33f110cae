//! Settles what an earlier run has claimed and not confirmed, by what CloudWatch shows.

use tokio::time::timeout_at;

use super::publish::MetricPublication;
use crate::deliver::ledger::{ClaimEnd, ClaimOwner, LedgerError, SendClaim, SendLedger};
use crate::deliver::sent_hash::SentHash;
use trailtab_core::activity::usage::backfill::visible_by;
use trailtab_core::activity::usage::metrics::MinuteDatum;
use trailtab_core::time;

/// The ledger's answer to a claim.
pub(super) struct LedgerAnswer {
    pub(super) claim: SendClaim,
    /// Why a pending entry stays pending, behind a sentence about it; or empty.
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

/// What CloudWatch says about data that may have been sent.
enum SightOfData {
    /// It has them.
    Shown,
    /// It has none.
    NotShown,
    /// It cannot tell, for this reason.
    Unclear(String),
}

impl MetricPublication<'_> {
    /// Finds out what became of a pending entry: its data are in CloudWatch, or certainly not, so that
    /// they can be sent now. If neither is certain, the claim stays as it is.
    pub(super) async fn settle_pending(
        &self,
        ledger: &SendLedger,
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
        let sight = self.look_at(data).await;
        let until = data
            .iter()
            .map(|datum| visible_by(datum.minute, pending.until))
            .max();
        let until = until.unwrap_or(pending.until);
        let is_certain = is_over && until <= self.owner.now;
        let replace = |end, owner| {
            let replaced = ledger.replace_pending(key, pending, content, owner, end);
            ledger.by(self.deadlines.send, key, replaced)
        };
        let note = match sight {
            SightOfData::Shown => {
                // Another run that settles it says the same.
                replace(Some(ClaimEnd::Sent), &self.owner).await?;
                return Ok(SendClaim::Sent.into());
            }
            SightOfData::NotShown if is_certain => {
                return Ok(match replace(None, &self.owner).await? {
                    true => SendClaim::Granted.into(),
                    false => SendClaim::Busy(pending.clone()).into(),
                });
            }
            SightOfData::NotShown => format!(
                " (CloudWatch does not show them now, and may until {}: run again after that)",
                time::iso(until)
            ),
            SightOfData::Unclear(reason) => reason,
        };
        if is_over && !pending.was_recorded {
            // The run that made it was killed. This run counts it, later ones do not.
            let owner = ClaimOwner {
                until: pending.until,
                ..self.owner.clone()
            };
            replace(Some(ClaimEnd::Unconfirmed), &owner).await?;
        }
        Ok(LedgerAnswer { claim, note })
    }

    /// Asks CloudWatch for one datum: a request is accepted as a whole or not at all.
    async fn look_at(&self, data: &[MinuteDatum]) -> SightOfData {
        let witness = data.iter().max_by_key(|datum| datum.value);
        let (Some(shown_sum), Some(datum)) = (self.shown_sum, witness) else {
            return SightOfData::Unclear(String::new());
        };
        let unclear = |reason| SightOfData::Unclear(format!(" ({reason})"));
        match timeout_at(self.deadlines.send, shown_sum(datum)).await {
            Err(_) => unclear("CloudWatch did not say in time whether it has them".to_owned()),
            Ok(Err(error)) => unclear(error.to_string()),
            Ok(Ok(None)) => SightOfData::NotShown,
            // Counts per minute are far below 2^53, so the conversion is exact.
            Ok(Ok(Some(sum))) if sum >= datum.value as f64 => SightOfData::Shown,
            Ok(Ok(Some(_))) => unclear("CloudWatch has smaller numbers in their place".to_owned()),
        }
    }
}
