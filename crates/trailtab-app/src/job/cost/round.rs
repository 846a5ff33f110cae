//! Mails all reports that are due.

use aws_config::SdkConfig;

use super::answers::NoAnswer;
use super::mail_setup::{MailSetup, MailerError};
use super::mails;
use super::operator;
use super::send::{Limit, SendLog, SendOutcome, SendResult};
use super::{CostRun, ReportPeriod, Wanted};
use crate::deliver::ledger::{ClaimOwner as Sender, SendLedger};
use crate::deliver::mail::files::MailFolder;
use trailtab_core::cost::audience::RecipientList;
use trailtab_core::cost::owner::CostOwner;
use trailtab_core::cost::report::Audience;
use trailtab_cost_explorer::plan::ReportNeeds;

/// Why no mail was sent.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    /// Cost Explorer gave no usable answer.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    /// Mails cannot be sent.
    #[error(transparent)]
    NoMailer(#[from] MailerError),
    /// A signal stopped the run before anything was sent.
    #[error("stopped by a signal before anything was sent")]
    Interrupted,
}

/// The reports to send, and their recipients.
#[derive(Debug, Default)]
pub struct MailRound {
    /// The reports that are due, with their recipients.
    pub wanted: Vec<Wanted>,
    /// Results for recipients that cannot get a report.
    pub refused: Vec<SendResult>,
    occasions: Vec<ReportPeriod>,
    /// Whether the operator is among those who are meant.
    tells_operator: bool,
}

/// How to send mails.
pub struct SendOptions<'w> {
    /// The configuration of AWS clients.
    pub config: &'w SdkConfig,
    /// The ledger of sent mails.
    pub ledger: &'w SendLedger,
    /// Identifies this run in the ledger.
    pub sender: Sender,
    /// When to stop starting mails.
    pub limit: Limit,
    /// Write mails to this folder instead of sending them.
    pub folder: Option<MailFolder>,
}

impl MailRound {
    /// Determines the reports due today, or those for one requested period.
    ///
    /// # Errors
    ///
    /// Fails if account names are needed and cannot be obtained.
    pub async fn plan(
        run: &mut CostRun,
        asked: Option<ReportPeriod>,
        is_meant: impl Fn(&str) -> bool,
    ) -> Result<MailRound, NoAnswer> {
        let occasions = asked.map_or_else(|| run.occasions(), |asked| vec![asked]);
        // Avoids paid requests on days without reports.
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
            tells_operator: run.settings.operator.as_deref().is_some_and(is_meant),
        })
    }

    /// The combined needs of all reports; `None` if there are no reports.
    pub fn need(&self, run: &CostRun) -> Option<ReportNeeds> {
        let audiences: Vec<(&Audience, Option<&CostOwner>)> = self
            .wanted
            .iter()
            .map(|wanted| (&wanted.recipient.audience, wanted.recipient.owner.as_ref()))
            .collect();
        (!audiences.is_empty()).then(|| run.need(&audiences, &self.occasions))
    }

    /// Sends all reports and returns the outcome of each.
    ///
    /// # Errors
    ///
    /// Fails if Cost Explorer does not answer or mails cannot be sent at all.
    pub async fn send(
        self,
        run: &mut CostRun,
        way: SendOptions<'_>,
    ) -> Result<Vec<SendResult>, RoundError> {
        let Some(need) = self.need(run) else {
            return Ok(self.refused);
        };
        // Opened before the paid requests, which are useless if mails cannot be sent.
        let mut setup = match way.folder {
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
            &mut setup,
            Some(&memory),
            &way.limit,
        );
        let mut lines = self.refused;
        lines.extend(sent.await);
        if self.tells_operator {
            let told = operator::tell(run, &lines, &mut setup, Some(&memory), &way.limit);
            lines.extend(told.await);
        }
        setup.mailer.close().await;
        Ok(lines)
    }
}

/// The number of reports whose outcome satisfies a condition.
pub fn count(sent: &[SendResult], is: impl Fn(&SendOutcome) -> bool) -> u64 {
    let count = sent.iter().filter(|sent| is(&sent.outcome)).count();
    u64::try_from(count).unwrap_or(u64::MAX)
}
