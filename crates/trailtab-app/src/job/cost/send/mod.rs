//! Sends reports: each once to its recipient, and again as a correction if it has changed.
//!
//! A ledger records the mails by report, period and recipient: the first mail at position 0,
//! corrections after it. A position is claimed before its mail is sent and settled afterwards, so
//! that a mail whose run was killed in between is never sent twice.

mod limit;

use aws_lc_rs::digest;
use serde::Serialize;

pub use self::limit::{Limit, OutOfTime, RETRY_DELAYS};
use super::history::{self, FiguresBasis, MailedFigures};
use crate::deliver::ledger::{ClaimEnd, ClaimOwner, LedgerError, SendClaim, SendLedger};
use crate::deliver::mail::SendError;
use crate::deliver::outbox::{Outbox, OutgoingMessage};
use crate::deliver::sent_hash::SentHash;
use trailtab_core::cost::recipient::ReportDestination;
use trailtab_core::cost::settings::RestatementThreshold;
use trailtab_core::digits;
use trailtab_render::escape;

/// Maximum number of mails for one report, period and recipient, including corrections.
const MAX_MAILS_PER_PERIOD: usize = 50;

/// A report with its recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingReport {
    /// The report's name, the same in every run: `manager`, `individual`, a name from the settings.
    pub report: String,
    /// Distinguishes this mail from the report's next one: `2026-11-20`, `2026-10 closing`.
    pub period: String,
    /// Where the report goes.
    pub destination: ReportDestination,
    /// What the report is about. Only figures of the same scope are compared.
    pub scope: SentHash,
    /// What the report says. Another hash means a changed report.
    pub content: SentHash,
    /// The mailed figures, for reference in later mails.
    pub figures: MailedFigures,
    /// Smallest change for which a correction is sent.
    pub threshold: RestatementThreshold,
}

impl OutgoingReport {
    /// Tells whether the figures differ enough from those mailed before to be mailed again. Figures that are not known
    /// differ.
    fn is_worth_a_correction(&self, before: &MailedFigures) -> bool {
        let (now, was) = (&self.figures, before);
        if was.totals.is_empty() != now.totals.is_empty() || was.basis != now.basis {
            return true;
        }
        let amount = |figures: &MailedFigures, currency: &str| {
            let mut totals = figures.totals.iter();
            let total = totals.find(|total| total.currency == currency);
            total.map(|total| total.amount).unwrap_or_default()
        };
        let mut currencies = now.totals.iter().chain(&was.totals);
        currencies.any(|total| {
            let currency = total.currency.as_str();
            self.threshold
                .is_passed(amount(was, currency), amount(now, currency))
        })
    }
}

/// The outcome of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum SendOutcome {
    /// Sent for the first time.
    Sent,
    /// Sent as a correction of an earlier mail.
    Corrected,
    /// An earlier run sent the same report.
    AlreadySent,
    /// Written to a file.
    WouldSend,
    /// Cost Explorer has no data yet for its days.
    NoData,
    /// The settings' `only_if` asks for more than there is to tell.
    NotNeeded {
        /// Which condition is not met.
        reason: String,
    },
    /// Not sent, because it is not known what its recipient used.
    Unknown {
        /// Why it is not known.
        reason: String,
    },
    /// Not sent, because it may have been sent before or is being sent by another run.
    Skipped {
        /// Why it was not sent.
        reason: String,
    },
    /// Sent, but it is unknown whether the server accepted it.
    Unconfirmed {
        /// What went wrong.
        reason: String,
    },
    /// Not sent.
    Failed {
        /// Why it was not sent.
        reason: String,
        /// Whether it will fail again until something is changed.
        is_lasting: bool,
    },
}

impl SendOutcome {
    /// Tells whether the recipient has the report or does not need it.
    pub fn is_well(&self) -> bool {
        matches!(
            self,
            SendOutcome::Sent
                | SendOutcome::Corrected
                | SendOutcome::AlreadySent
                | SendOutcome::WouldSend
                | SendOutcome::NoData
                | SendOutcome::NotNeeded { .. }
        )
    }

    /// Tells whether the report was certainly not sent and another run may succeed.
    pub fn may_be_repeated(&self) -> bool {
        matches!(
            self,
            SendOutcome::Failed {
                is_lasting: false,
                ..
            }
        )
    }

    /// Why the report was not sent.
    pub fn reason(&self) -> Option<&str> {
        match self {
            SendOutcome::Unknown { reason }
            | SendOutcome::Skipped { reason }
            | SendOutcome::NotNeeded { reason }
            | SendOutcome::Unconfirmed { reason }
            | SendOutcome::Failed { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

/// A row of the results table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SendResult {
    /// The name of the report.
    pub report: String,
    /// The days of the report; empty if the recipient cannot get one.
    pub period: String,
    /// Where the report goes, as in the settings.
    #[serde(flatten)]
    pub destination: ReportDestination,
    /// What became of the report.
    #[serde(flatten)]
    pub outcome: SendOutcome,
    /// A further problem, such as a failed write to the ledger.
    pub note: Option<String>,
}

/// The ledger of sent mails, and this run's name in it.
pub struct SendLog<'m> {
    /// The ledger.
    pub ledger: &'m SendLedger,
    /// Identifies this run in the ledger.
    pub owner: ClaimOwner,
}

/// Sends reports one after the other. A failure does not stop the others. Reports that failed and may succeed later,
/// as after an answer 4xx, are sent again at the end.
///
/// `build` makes a mail just before it is sent; for a correction it gets the figures mailed before.
/// Its error becomes the reason of the outcome. Without a ledger, everything is sent.
pub async fn send_all<E: std::fmt::Display>(
    posts: Vec<OutgoingReport>,
    outbox: &mut Outbox,
    memory: Option<&SendLog<'_>>,
    limit: &Limit,
    mut build: impl FnMut(&OutgoingReport, Option<&MailedFigures>) -> Result<OutgoingMessage, E>,
) -> Vec<SendResult> {
    let memory = memory.filter(|_| !outbox.is_dry());
    let mut table = Vec::new();
    for post in &posts {
        table.push(send_one(post, outbox, memory, limit, &mut build).await);
    }
    for delay in limit.retry_delays.iter().copied() {
        let is_open = |result: &SendResult| result.outcome.may_be_repeated();
        if !table.iter().any(is_open) || !limit.allows(delay) {
            break;
        }
        // An interrupt ends the wait, and then the rounds.
        let _ = limit.interrupt.or(tokio::time::sleep(delay)).await;
        if limit.reached().is_some() {
            break;
        }
        outbox.retry();
        for (post, result) in posts
            .iter()
            .zip(&mut table)
            .filter(|(_, result)| is_open(result))
        {
            *result = send_one(post, outbox, memory, limit, &mut build).await;
        }
    }
    table
}

async fn send_one<E: std::fmt::Display>(
    post: &OutgoingReport,
    outbox: &mut Outbox,
    memory: Option<&SendLog<'_>>,
    limit: &Limit,
    build: &mut impl FnMut(&OutgoingReport, Option<&MailedFigures>) -> Result<OutgoingMessage, E>,
) -> SendResult {
    let mut note = None;
    let outcome = match (limit.reached(), memory) {
        (Some(reason), _) => failed(reason, false),
        (None, None) => match build(post, None) {
            Ok(message) => outcome(outbox.send(&message).await, outbox.is_dry(), false),
            Err(error) => failed(&error.to_string(), true),
        },
        (None, Some(memory)) => memory
            .send(post, outbox, limit, &mut note, build)
            .await
            .unwrap_or_else(|error| failed(&error.to_string(), false)),
    };
    SendResult {
        report: post.report.clone(),
        period: post.period.clone(),
        destination: post.destination.clone(),
        outcome,
        note,
    }
}

/// The ledger position of a report's next mail, or why there is none.
enum NextSend {
    Place(usize),
    Decided(SendOutcome),
}

impl SendLog<'_> {
    /// Waits for what the ledger says of a report, as long as its mail can start.
    ///
    /// # Errors
    ///
    /// Fails as the operation does, or if it did not end in time.
    pub(super) async fn before_sending<T>(
        &self,
        post: &OutgoingReport,
        limit: &Limit,
        operation: impl Future<Output = Result<T, LedgerError>>,
    ) -> Result<T, LedgerError> {
        let (last_start, key) = (limit.last_start(), key(post, 0));
        self.ledger.with_deadline(last_start, &key, operation).await
    }

    async fn send<E: std::fmt::Display>(
        &self,
        post: &OutgoingReport,
        outbox: &mut Outbox,
        limit: &Limit,
        note: &mut Option<String>,
        build: &mut impl FnMut(&OutgoingReport, Option<&MailedFigures>) -> Result<OutgoingMessage, E>,
    ) -> Result<SendOutcome, LedgerError> {
        let next = self.before_sending(post, limit, self.next(post));
        let place = match next.await? {
            NextSend::Place(place) => place,
            NextSend::Decided(outcome) => return Ok(outcome),
        };
        let before = match place {
            0 => None,
            _ => {
                let before = self.before(post);
                Some(self.before_sending(post, limit, before).await?)
            }
        };
        if before
            .as_ref()
            .is_some_and(|before| !post.is_worth_a_correction(before))
        {
            return Ok(SendOutcome::AlreadySent);
        }
        // Built before the claim, so that a kill while building leaves no claim.
        let message = match build(post, before.as_ref()) {
            Ok(message) => message,
            Err(error) => return Ok(failed(&error.to_string(), true)),
        };
        let (key, content) = (key(post, place), &post.content);
        let claim = self.ledger.claim(&key, content, &self.owner);
        match self.before_sending(post, limit, claim).await? {
            SendClaim::Granted => {}
            SendClaim::Sent(_) => return Ok(SendOutcome::AlreadySent),
            SendClaim::Busy(_) | SendClaim::Differs(_) => return Ok(busy()),
            // A mail is never split.
            SendClaim::Unconfirmed(_) | SendClaim::Split => return Ok(unconfirmed()),
        }
        let sent = limit.sent(outbox.send(&message)).await;
        let end = match &sent {
            Ok(()) => Some(ClaimEnd::Sent),
            Err(SendError::Unconfirmed(_)) => Some(ClaimEnd::Unconfirmed),
            Err(_) => None,
        };
        let recorded = self.record(post, &key, end);
        let recorded = self
            .ledger
            .with_deadline(limit.deadline, &key, recorded)
            .await;
        // An entry that remains claimed only keeps the mail from being sent again.
        *note = recorded.err().map(|error| error.to_string());
        Ok(outcome(sent, false, place > 0))
    }

    /// Finds the first free position.
    async fn next(&self, post: &OutgoingReport) -> Result<NextSend, LedgerError> {
        let mut is_same = false;
        for place in 0..MAX_MAILS_PER_PERIOD {
            let (key, content) = (key(post, place), &post.content);
            is_same = match self
                .ledger
                .existing_claim(&key, content, &self.owner)
                .await?
            {
                None if is_same => return Ok(NextSend::Decided(SendOutcome::AlreadySent)),
                None => return Ok(NextSend::Place(place)),
                Some(SendClaim::Sent(_)) => true,
                Some(SendClaim::Differs(_)) => false,
                Some(SendClaim::Busy(_)) => return Ok(NextSend::Decided(busy())),
                Some(SendClaim::Unconfirmed(_) | SendClaim::Split | SendClaim::Granted) => {
                    return Ok(NextSend::Decided(unconfirmed()));
                }
            };
        }
        let reason = format!(
            "it was corrected {} times already",
            MAX_MAILS_PER_PERIOD - 1
        );
        Ok(NextSend::Decided(failed(&reason, true)))
    }

    /// The figures mailed before for this period.
    async fn before(&self, post: &OutgoingReport) -> Result<MailedFigures, LedgerError> {
        let mailed = mailed_for(self.ledger, &post.report, &post.destination, &post.period).await?;
        // The earlier run may have been killed before it recorded them.
        Ok(mailed.unwrap_or_else(|| MailedFigures {
            totals: Vec::new(),
            ..post.figures.clone()
        }))
    }

    /// Records what became of a claim, and the figures of a mail that was sent.
    async fn record(
        &self,
        post: &OutgoingReport,
        key: &str,
        end: Option<ClaimEnd>,
    ) -> Result<(), LedgerError> {
        let content = &post.content;
        self.ledger.end(key, content, &self.owner, end).await?;
        if end != Some(ClaimEnd::Sent) {
            return Ok(());
        }
        let place = place_of_history(&post.report, &post.destination);
        history::add(self.ledger, &place, &post.period, &post.figures).await
    }
}

/// The figures of the last mail of a report to a recipient with totals of this kind, for any period; `None` if there is
/// none.
///
/// # Errors
///
/// Fails if the ledger cannot be read.
pub async fn mailed(
    ledger: &SendLedger,
    report: &str,
    destination: &ReportDestination,
    basis: FiguresBasis,
) -> Result<Option<MailedFigures>, LedgerError> {
    let mails = history::load(ledger, &place_of_history(report, destination)).await?;
    Ok(mails
        .into_values()
        .filter(|mailed| mailed.basis == basis)
        .max_by_key(|mailed| (mailed.mailed, mailed.days)))
}

/// The figures mailed for a report and recipient for one period.
///
/// # Errors
///
/// Fails if the ledger cannot be read.
pub async fn mailed_for(
    ledger: &SendLedger,
    report: &str,
    destination: &ReportDestination,
    period: &str,
) -> Result<Option<MailedFigures>, LedgerError> {
    let mut mails = history::load(ledger, &place_of_history(report, destination)).await?;
    Ok(mails.remove(period))
}

fn outcome(sent: Result<(), SendError>, is_dry: bool, is_correction: bool) -> SendOutcome {
    match sent {
        Ok(()) if is_dry => SendOutcome::WouldSend,
        Ok(()) if is_correction => SendOutcome::Corrected,
        Ok(()) => SendOutcome::Sent,
        Err(SendError::Unconfirmed(_)) => SendOutcome::Unconfirmed {
            reason: sent.map_or_else(|error| error.to_string(), |()| String::new()),
        },
        Err(
            ref error @ (SendError::Refused { is_lasting, .. }
            | SendError::Broken { is_lasting, .. }),
        ) => failed(&error.to_string(), is_lasting),
    }
}

fn failed(reason: &str, is_lasting: bool) -> SendOutcome {
    SendOutcome::Failed {
        reason: reason.to_owned(),
        is_lasting,
    }
}

fn busy() -> SendOutcome {
    SendOutcome::Skipped {
        reason: "another run is sending it just now".to_owned(),
    }
}

fn unconfirmed() -> SendOutcome {
    SendOutcome::Skipped {
        reason: "an earlier run was cut off while sending it, so it may have arrived".to_owned(),
    }
}

/// The ledger key of a mail.
fn key(post: &OutgoingReport, place: usize) -> String {
    let (report, period) = (part(&post.report), part(&post.period));
    let recipient = recipient_hash(&post.destination);
    let folder = format!("cost/mail/{report}/{period}/{recipient}");
    match place {
        0 => format!("{folder}/first"),
        _ => format!("{folder}/corrections/{place}"),
    }
}

fn place_of_history(report: &str, destination: &ReportDestination) -> String {
    let recipient = recipient_hash(destination);
    format!("cost/latest/{}/{recipient}.json", part(report))
}

/// The recipient in a key. No address has a space, so a channel is never taken for a mailbox.
fn recipient_hash(destination: &ReportDestination) -> String {
    let name = destination.name().trim().to_lowercase();
    match destination {
        ReportDestination::Mailbox(_) => hash(&name),
        ReportDestination::Channel { .. } => hash(&format!("channel {name}")),
    }
}

/// A readable part of a key, unique for each text.
fn part(text: &str) -> String {
    let name = escape::file_name(text);
    match name == text {
        true => name,
        false => format!("{}-{}", name, &hash(text)[..12]),
    }
}

/// A hash. Keys hold hashed addresses and names, so that listing the bucket does not reveal the recipients.
pub(super) fn hash(text: &str) -> String {
    let sum = digest::digest(&digest::SHA256, text.as_bytes());
    let first = sum.as_ref().iter().copied().take(16);
    digits::hex(&first.collect::<Vec<u8>>())
}

#[cfg(test)]
mod tests;
