//! All that is due, mailed to whom it is for.

use aws_config::SdkConfig;

use super::answers::NoAnswer;
use super::mails;
use super::office::{MailSetup, MailerError};
use super::send::{Limit, SendLog, SendOutcome, SendResult};
use super::{CostRun, ReportPeriod, Wanted};
use crate::deliver::ledger::{ClaimOwner as Sender, SendLedger};
use crate::deliver::mail::files::MailFolder;
use trailtab_core::cost::audience::RecipientList;
use trailtab_core::cost::owner::CostOwner;
use trailtab_core::cost::plan::ReportNeeds;
use trailtab_core::cost::report::Audience;

/// Why nobody got anything.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    /// Cost Explorer gave no answer that can be used.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    /// There is no way to send mails.
    #[error(transparent)]
    NoMailer(#[from] MailerError),
    /// A signal stopped the run before anything was sent.
    #[error("stopped by a signal before anything was sent")]
    Interrupted,
}

/// Who is to get which report.
#[derive(Debug, Default)]
pub struct MailRound {
    /// The reports that are due, and their recipients.
    pub wanted: Vec<Wanted>,
    /// The lines of those who cannot get any.
    pub refused: Vec<SendResult>,
    occasions: Vec<ReportPeriod>,
}

/// How mails go out.
pub struct SendOptions<'w> {
    /// The configuration of AWS clients.
    pub config: &'w SdkConfig,
    /// What was sent before.
    pub ledger: &'w SendLedger,
    /// The name of this run in the ledger.
    pub sender: Sender,
    /// When to begin no further mail.
    pub limit: Limit,
    /// Where mails are written instead of being sent.
    pub folder: Option<MailFolder>,
}

impl MailRound {
    /// Finds out what is due today, or who gets a report on one occasion.
    ///
    /// # Errors
    ///
    /// If names of accounts are needed and cannot be had.
    pub async fn plan(
        run: &mut CostRun,
        asked: Option<ReportPeriod>,
        is_meant: impl Fn(&str) -> bool,
    ) -> Result<MailRound, NoAnswer> {
        let occasions = asked.map_or_else(|| run.occasions(), |asked| vec![asked]);
        // Nothing is asked, and paid for, on days on which nobody gets anything.
        if occasions.is_empty() || (asked.is_none() && !run.is_anything_due()) {
            return Ok(MailRound::default());
        }
        let RecipientList { accepted, refused } = run.recipients(&occasions).await?;
        let accepted: Vec<_> = accepted
            .into_iter()
            .filter(|recipient| is_meant(&recipient.address))
            .collect();
        let wanted = match asked {
            None => run.due(&accepted),
            Some(occasion) => accepted
                .into_iter()
                .map(|recipient| Wanted {
                    recipient,
                    occasion,
                })
                .collect(),
        };
        Ok(MailRound {
            wanted,
            refused: mails::refused(&refused)
                .filter(|refused| is_meant(&refused.recipient))
                .collect(),
            occasions,
        })
    }

    /// What all reports need together; nothing if none is due.
    pub fn need(&self, run: &CostRun) -> Option<ReportNeeds> {
        let audiences: Vec<(&Audience, Option<&CostOwner>)> = self
            .wanted
            .iter()
            .map(|wanted| (&wanted.recipient.audience, wanted.recipient.owner.as_ref()))
            .collect();
        (!audiences.is_empty()).then(|| run.need(&audiences, &self.occasions))
    }

    /// Sends all of it, and tells what became of each report.
    ///
    /// # Errors
    ///
    /// If Cost Explorer does not answer, or if there is no way for any mail.
    pub async fn send(
        self,
        run: &mut CostRun,
        way: SendOptions<'_>,
    ) -> Result<Vec<SendResult>, RoundError> {
        let Some(need) = self.need(run) else {
            return Ok(self.refused);
        };
        // Whoever cannot send anything need not pay for answers.
        let mut office = match way.folder {
            Some(folder) => MailSetup::dry(&run.settings, folder),
            None => MailSetup::open(&run.settings, way.config).await?,
        };
        let books = way.limit.interrupt.or(run.books(&need)).await;
        let books = books.ok_or(RoundError::Interrupted)??;
        let memory = SendLog {
            ledger: way.ledger,
            owner: way.sender,
        };
        let sent = mails::send_all(
            run,
            &books,
            &self.wanted,
            &mut office,
            Some(&memory),
            &way.limit,
        );
        let mut lines = self.refused;
        lines.extend(sent.await);
        office.mailer.close().await;
        Ok(lines)
    }
}

/// How many reports there are of some kind.
pub fn count(sent: &[SendResult], is: impl Fn(&SendOutcome) -> bool) -> u64 {
    let count = sent.iter().filter(|sent| is(&sent.outcome)).count();
    u64::try_from(count).unwrap_or(u64::MAX)
}
