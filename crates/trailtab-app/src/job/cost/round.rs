//! Sends all reports that are due, by mail and to channels.

use aws_config::SdkConfig;

use super::answers::NoAnswer;
use super::mail_setup::{DeliverySetup, MailSetup, MailerError};
use super::mails;
use super::needs::forecast_scope;
use super::operator;
use super::send::{Limit, OutOfTime, SendLog, SendOutcome, SendResult};
use super::{CostRun, ReportPeriod, Wanted, mail_setup};
use crate::aws;
use crate::deliver::ledger::{ClaimOwner as Sender, SendLedger};
use crate::deliver::mail::files::MailFolder;
use trailtab_core::cost::owner::CostOwner;
use trailtab_core::cost::recipient::{RecipientList, ReportDestination};
use trailtab_core::cost::report::{Audience, PeriodKind};
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
    /// The run had to end before anything was sent.
    #[error(transparent)]
    NoTime(#[from] OutOfTime),
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
    /// When to stop.
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
        is_meant: impl Fn(&ReportDestination) -> bool,
    ) -> Result<MailRound, NoAnswer> {
        let occasions = asked.map_or_else(|| run.occasions(), |asked| vec![asked]);
        // Avoids paid requests on days without reports.
        if occasions.is_empty() || (asked.is_none() && !run.is_anything_due()) {
            return Ok(MailRound::default());
        }
        let RecipientList { accepted, refused } = run.recipients(&occasions).await?;
        let accepted: Vec<_> = accepted
            .into_iter()
            .filter(|recipient| is_meant(&recipient.destination))
            .collect();
        let wanted = match asked {
            None => run.due(&accepted),
            Some(occasion) => accepted
                .into_iter()
                .map(|recipient| Wanted {
                    recipient,
                    occasion,
                    is_scheduled: false,
                    is_follow_up: false,
                })
                .collect(),
        };
        Ok(MailRound {
            wanted,
            refused: mails::refused(&refused)
                .filter(|refused| is_meant(&refused.destination))
                .collect(),
            occasions,
            tells_operator: run
                .settings
                .operator
                .clone()
                .is_some_and(|operator| is_meant(&ReportDestination::Mailbox(operator))),
        })
    }

    /// The combined needs of all reports; `None` if there are no reports.
    pub fn need(&self, run: &CostRun) -> Option<ReportNeeds> {
        let audiences: Vec<(&Audience, Option<&CostOwner>)> = self
            .wanted
            .iter()
            .map(|wanted| (&wanted.recipient.audience, wanted.recipient.owner.as_ref()))
            .collect();
        if audiences.is_empty() {
            return None;
        }
        let mut need = run.need(&audiences, &self.occasions);
        // A recipient of a closing report alone is shown no forecast.
        let shown = self.wanted.iter();
        let shown = shown.filter(|wanted| wanted.occasion.kind == PeriodKind::MonthToDate);
        let scopes = shown.filter_map(|wanted| forecast_scope(&wanted.recipient.audience));
        need.forecasts = run.forecasts_shown(scopes);
        Some(need)
    }

    /// Sends all reports and returns the outcome of each.
    ///
    /// # Errors
    ///
    /// Fails if Cost Explorer does not answer or mails cannot be sent at all.
    pub async fn send(
        mut self,
        run: &mut CostRun,
        way: SendOptions<'_>,
    ) -> Result<Vec<SendResult>, RoundError> {
        if self.wanted.is_empty() {
            return Ok(self.refused);
        }
        // Opened before the paid requests, which are useless if nothing can be sent.
        let mut setup = match way.folder {
            Some(folder) => DeliverySetup::dry(&run.settings, folder),
            None => {
                let opened = self.open(run, way.config);
                way.limit.within("the secrets", opened).await??
            }
        };
        let Some(need) = self.need(run) else {
            return Ok(self.refused);
        };
        let books = way.limit.within("the costs", run.books(&need));
        let books = way.limit.interrupt.or(books).await;
        let books = books.ok_or(RoundError::Interrupted)???;
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
        // All mails were answered, so it does not matter whether the session ends in time.
        let _ = way.limit.within("the end", setup.outbox.close()).await;
        Ok(lines)
    }

    /// Opens what the reports need. If mails cannot be sent, the reports for channels still are.
    async fn open(
        &mut self,
        run: &CostRun,
        config: &SdkConfig,
    ) -> Result<DeliverySetup, MailerError> {
        let is_mail =
            |wanted: &Wanted| matches!(wanted.recipient.destination, ReportDestination::Mailbox(_));
        let (mails, channels): (Vec<Wanted>, Vec<Wanted>) =
            self.wanted.iter().cloned().partition(is_mail);
        let names: Vec<&str> = channels
            .iter()
            .map(|wanted| wanted.recipient.destination.name())
            .collect();
        let mail = match mails.is_empty() && !self.tells_operator {
            true => None,
            false => match MailSetup::open(&run.settings, config).await {
                Ok(setup) => Some(setup),
                Err(error) if channels.is_empty() => return Err(error),
                Err(error) => {
                    let outcome = SendOutcome::Failed {
                        reason: aws::with_causes(&error),
                        is_lasting: !matches!(error, MailerError::Unreadable(_)),
                    };
                    let failed = mails.iter().map(|wanted| mails::unsent(wanted, &outcome));
                    self.refused.extend(failed);
                    self.wanted.retain(|wanted| !is_mail(wanted));
                    None
                }
            },
        };
        let channels = mail_setup::channels(&run.settings, config, &names).await;
        Ok(DeliverySetup::live(mail, channels))
    }
}

/// The number of reports whose outcome satisfies a condition.
pub fn count(sent: &[SendResult], is: impl Fn(&SendOutcome) -> bool) -> u64 {
    let count = sent.iter().filter(|sent| is(&sent.outcome)).count();
    u64::try_from(count).unwrap_or(u64::MAX)
}
