//! All that is due on a day, mailed to whom it is for.

use aws_config::SdkConfig;
use tokio::time::Instant;

use super::answers::{Cache, MAX_AGE, NoAnswer};
use super::mails::{self, MailerError, PostOffice};
use super::open;
use super::send::{Memory, Outcome, Sent};
use crate::core::cost::owner::Owner;
use crate::core::cost::report::Audience;
use crate::core::cost::settings::Settings;
use crate::deliver::files::WriteError;
use crate::deliver::ledger::{Ledger, Owner as Sender};
use crate::deliver::mail::files::Folder;

/// Why nobody got anything.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DailyError {
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    #[error(transparent)]
    NoMailer(#[from] MailerError),
    #[error(transparent)]
    NoFolder(#[from] WriteError),
}

/// A day's work.
pub(crate) struct Daily<'d> {
    pub(crate) config: &'d SdkConfig,
    /// What was sent before, and beside it the answers that were paid for before.
    pub(crate) ledger: &'d Ledger,
    /// The account that asks.
    pub(crate) account: String,
    pub(crate) sender: Sender,
    /// What cannot be sent before is not begun.
    pub(crate) deadline: Option<Instant>,
    /// Where mails are written instead of being sent.
    pub(crate) folder: Option<Folder>,
}

/// What became of it.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) sent: Vec<Sent>,
    /// Requests to Cost Explorer.
    pub(crate) requests: u64,
    /// What went wrong besides.
    pub(crate) troubles: Vec<String>,
}

impl Done {
    /// How many reports there are of some kind.
    pub(crate) fn count(&self, is: impl Fn(&Outcome) -> bool) -> u64 {
        let count = self.sent.iter().filter(|sent| is(&sent.outcome)).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

impl Daily<'_> {
    /// Sends what is due.
    ///
    /// # Errors
    ///
    /// If Cost Explorer does not answer, or if there is no way for any mail.
    pub(crate) async fn run(self, settings: Settings) -> Result<Done, DailyError> {
        let now = self.sender.now;
        let cache = Cache {
            place: self.ledger.clone(),
            account: self.account,
            max_age: MAX_AGE,
        };
        let mut done = Done::default();
        let unknown = settings.unknown.keys();
        done.troubles.extend(
            unknown.map(|name| format!("the settings have a member that means nothing: {name:?}")),
        );
        let (mut run, _) = open::live(settings, self.config, Some(cache), now).await;
        let occasions = run.occasions();
        let recipients = run.recipients(&occasions).await?;
        done.sent.extend(mails::refused(&recipients.refused));
        let wanted = run.due(&recipients.accepted);
        if !wanted.is_empty() {
            let audiences: Vec<(&Audience, Option<&Owner>)> = wanted
                .iter()
                .map(|wanted| (&wanted.recipient.audience, wanted.recipient.owner.as_ref()))
                .collect();
            let need = run.need(&audiences, &occasions);
            let books = run.books(&need).await?;
            let mut office = match self.folder {
                Some(folder) => PostOffice::dry(&run.settings, folder),
                None => PostOffice::open(&run.settings, self.config).await?,
            };
            let memory = Memory {
                ledger: self.ledger,
                owner: self.sender,
            };
            let (memory, deadline) = (Some(&memory), self.deadline);
            done.sent.extend(
                mails::send_all(&run, &books, &wanted, &mut office, memory, deadline).await,
            );
            office.mailer.close().await;
        }
        (done.requests, _) = run.answers.requests();
        done.troubles.extend(run.answers.troubles());
        Ok(done)
    }
}
