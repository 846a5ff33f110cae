//! All that is due, mailed to whom it is for.

use aws_config::SdkConfig;

use super::answers::NoAnswer;
use super::mails;
use super::office::{MailerError, PostOffice};
use super::send::{Limit, Memory, Outcome, Sent};
use super::{Occasion, Run, Wanted};
use crate::deliver::ledger::{Ledger, Owner as Sender};
use crate::deliver::mail::files::Folder;
use trailtab_core::cost::audience::Recipients;
use trailtab_core::cost::owner::Owner;
use trailtab_core::cost::plan::Need;
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
pub struct Round {
    /// The reports that are due, and their recipients.
    pub wanted: Vec<Wanted>,
    /// The lines of those who cannot get any.
    pub refused: Vec<Sent>,
    occasions: Vec<Occasion>,
}

/// How mails go out.
pub struct Way<'w> {
    /// The configuration of AWS clients.
    pub config: &'w SdkConfig,
    /// What was sent before.
    pub ledger: &'w Ledger,
    /// The name of this run in the ledger.
    pub sender: Sender,
    /// When to begin no further mail.
    pub limit: Limit,
    /// Where mails are written instead of being sent.
    pub folder: Option<Folder>,
}

impl Round {
    /// Finds out what is due today, or who gets a report on one occasion.
    ///
    /// # Errors
    ///
    /// If names of accounts are needed and cannot be had.
    pub async fn plan(
        run: &mut Run,
        asked: Option<Occasion>,
        is_meant: impl Fn(&str) -> bool,
    ) -> Result<Round, NoAnswer> {
        let occasions = asked.map_or_else(|| run.occasions(), |asked| vec![asked]);
        // Nothing is asked, and paid for, on days on which nobody gets anything.
        if occasions.is_empty() || (asked.is_none() && !run.is_anything_due()) {
            return Ok(Round::default());
        }
        let Recipients { accepted, refused } = run.recipients(&occasions).await?;
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
        Ok(Round {
            wanted,
            refused: mails::refused(&refused)
                .filter(|refused| is_meant(&refused.recipient))
                .collect(),
            occasions,
        })
    }

    /// What all reports need together; nothing if none is due.
    pub fn need(&self, run: &Run) -> Option<Need> {
        let audiences: Vec<(&Audience, Option<&Owner>)> = self
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
    pub async fn send(self, run: &mut Run, way: Way<'_>) -> Result<Vec<Sent>, RoundError> {
        let Some(need) = self.need(run) else {
            return Ok(self.refused);
        };
        // Whoever cannot send anything need not pay for answers.
        let mut office = match way.folder {
            Some(folder) => PostOffice::dry(&run.settings, folder),
            None => PostOffice::open(&run.settings, way.config).await?,
        };
        let books = way.limit.interrupt.or(run.books(&need)).await;
        let books = books.ok_or(RoundError::Interrupted)??;
        let memory = Memory {
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
pub fn count(sent: &[Sent], is: impl Fn(&Outcome) -> bool) -> u64 {
    let count = sent.iter().filter(|sent| is(&sent.outcome)).count();
    u64::try_from(count).unwrap_or(u64::MAX)
}
