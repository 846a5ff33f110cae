//! Sending reports: each to its recipient once, and once more as a correction if it has changed.
//!
//! What was mailed stands in a ledger, by report, period and recipient: the first mail in place 0, corrections in
//! the places after it. A place is claimed before its mail is sent and settled after it, so whoever is killed in
//! between leaves a mail that is never sent twice.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use serde::Serialize;
use tokio::time::{Duration, Instant};

use super::history::{self, Mailed};
use crate::deliver::ledger::{Claim, Ledger, LedgerError, Owner};
use crate::deliver::mail::{Mailer, Message, SendError};
use crate::source::interrupt::{self, Interrupt};
use trailtab_render::escape;

/// A mail that has less time than this is not begun: it would be cut off before its answer, and nobody would know
/// what became of it.
const SHORTEST: Duration = Duration::from_secs(45);

/// Mails for one report, period and recipient at most: whoever is corrected so often reads no more of them.
const PLACES: usize = 50;

/// A report that has a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Which report it is, the same in each run: `manager`, `individual`, a name from the settings.
    pub report: String,
    /// What tells this mail from the report's next one: `2026-11-20`, `2026-10 closing`.
    pub period: String,
    /// The address it goes to.
    pub recipient: String,
    /// What a later mail may want to refer to; its fingerprint tells whether the report has changed.
    pub figures: Mailed,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Sent for the first time.
    Sent,
    /// Sent as a correction of what was mailed before.
    Corrected,
    /// An earlier run has sent the same.
    AlreadySent,
    /// Written into a file.
    WouldSend,
    /// Cost Explorer knows nothing yet of the days that it is about.
    NoData,
    /// Not sent, since it may have been sent before, or is just now.
    Skipped {
        /// Why it was not sent.
        reason: String,
    },
    /// Sent just now, and nobody knows whether it was taken.
    Unconfirmed {
        /// What went wrong.
        reason: String,
    },
    /// Certainly not sent.
    Failed {
        /// Why it was not sent.
        reason: String,
        /// Whether it will fail again until somebody changes something.
        is_lasting: bool,
    },
}

impl Outcome {
    /// Tells whether the recipient has the report, or will not want to have it.
    pub fn is_well(&self) -> bool {
        matches!(
            self,
            Outcome::Sent
                | Outcome::Corrected
                | Outcome::AlreadySent
                | Outcome::WouldSend
                | Outcome::NoData
        )
    }

    /// Tells whether it was certainly not sent, and another run may do better.
    pub fn may_be_repeated(&self) -> bool {
        matches!(
            self,
            Outcome::Failed {
                is_lasting: false,
                ..
            }
        )
    }

    /// Why it was not sent.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Outcome::Skipped { reason }
            | Outcome::Unconfirmed { reason }
            | Outcome::Failed { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

/// A line of the table at the end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// The name of the report.
    pub report: String,
    /// The days that the report is about; empty if the recipient cannot get a report.
    pub period: String,
    /// The address; as it stands in the settings if it cannot be used.
    pub recipient: String,
    /// What became of the report.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What went wrong besides, such as a ledger that does not take what it is told.
    pub note: Option<String>,
}

/// Where it is remembered what was sent, and by whom.
pub struct Memory<'m> {
    /// Where it is remembered what was sent.
    pub ledger: &'m Ledger,
    /// The name of this run in the ledger.
    pub owner: Owner,
}

/// When to begin no further mail.
#[derive(Debug, Clone)]
pub struct Limit {
    /// A mail that cannot be sent before is not begun.
    pub deadline: Option<Instant>,
    /// The request to stop, such as Ctrl-C.
    pub interrupt: Interrupt,
}

impl Limit {
    /// Why no further mail is begun.
    fn reached(&self) -> Option<&'static str> {
        let is_late = |deadline| Instant::now() + SHORTEST > deadline;
        match self.deadline.is_some_and(is_late) {
            true => Some("no time was left to send it"),
            false if self.interrupt.is_requested() => Some(interrupt::REASON),
            false => None,
        }
    }
}

/// Sends reports one after the other. One that fails stops no other one.
///
/// `build` makes a mail when it is certain that it will be sent; if it is to correct one, it gets what was mailed
/// before. Whatever `build` fails with is the reason that stands in the table. Without a memory, all is sent.
pub async fn send_all<E: std::fmt::Display>(
    posts: Vec<Post>,
    mailer: &mut Mailer,
    memory: Option<&Memory<'_>>,
    limit: &Limit,
    mut build: impl FnMut(&Post, Option<&Mailed>) -> Result<Message, E>,
) -> Vec<Sent> {
    let memory = memory.filter(|_| !mailer.is_dry());
    let mut table = Vec::new();
    for post in posts {
        let mut note = None;
        let outcome = match (limit.reached(), memory) {
            (Some(reason), _) => failed(reason, false),
            (None, None) => match build(&post, None) {
                Ok(message) => outcome(mailer.send(&message).await, mailer.is_dry(), false),
                Err(error) => failed(&error.to_string(), true),
            },
            (None, Some(memory)) => memory
                .send(&post, mailer, &mut note, &mut build)
                .await
                .unwrap_or_else(|error| failed(&error.to_string(), false)),
        };
        table.push(Sent {
            report: post.report,
            period: post.period,
            recipient: post.recipient,
            outcome,
            note,
        });
    }
    table
}

/// Where a report's next mail would stand.
enum Next {
    Place(usize),
    Nowhere(Outcome),
}

impl Memory<'_> {
    async fn send<E: std::fmt::Display>(
        &self,
        post: &Post,
        mailer: &mut Mailer,
        note: &mut Option<String>,
        build: &mut impl FnMut(&Post, Option<&Mailed>) -> Result<Message, E>,
    ) -> Result<Outcome, LedgerError> {
        let place = match self.next(post).await? {
            Next::Place(place) => place,
            Next::Nowhere(outcome) => return Ok(outcome),
        };
        let before = match place {
            0 => None,
            _ => Some(self.before(post).await?),
        };
        // Made before it is claimed: whoever is killed while a mail is made has sent nothing.
        let message = match build(post, before.as_ref()) {
            Ok(message) => message,
            Err(error) => return Ok(failed(&error.to_string(), true)),
        };
        let (key, content) = (key(post, place), post.figures.fingerprint.as_str());
        match self.ledger.claim(&key, content, &self.owner).await? {
            Claim::Granted => {}
            Claim::Sent => return Ok(Outcome::AlreadySent),
            Claim::Busy | Claim::Differs(_) => return Ok(busy()),
            Claim::Unconfirmed => return Ok(unconfirmed()),
        }
        let sent = mailer.send(&message).await;
        let settled = match &sent {
            Ok(()) => self.settle(post, &key, true).await,
            Err(SendError::Unconfirmed(_)) => self.settle(post, &key, false).await,
            Err(_) => self.ledger.release(&key).await,
        };
        // An entry that stays claimed keeps the mail from being sent again, and that is all it does.
        *note = settled.err().map(|error| error.to_string());
        Ok(outcome(sent, false, place > 0))
    }

    /// Looks for the first place that is free.
    async fn next(&self, post: &Post) -> Result<Next, LedgerError> {
        let mut is_same = false;
        for place in 0..PLACES {
            let (key, content) = (key(post, place), &post.figures.fingerprint);
            is_same = match self.ledger.look(&key, content, &self.owner).await? {
                None if is_same => return Ok(Next::Nowhere(Outcome::AlreadySent)),
                None => return Ok(Next::Place(place)),
                Some(Claim::Sent) => true,
                Some(Claim::Differs(_)) => false,
                Some(Claim::Busy) => return Ok(Next::Nowhere(busy())),
                Some(Claim::Unconfirmed | Claim::Granted) => {
                    return Ok(Next::Nowhere(unconfirmed()));
                }
            };
        }
        let reason = format!("it was corrected {} times already", PLACES - 1);
        Ok(Next::Nowhere(failed(&reason, true)))
    }

    /// What was mailed for this period before.
    async fn before(&self, post: &Post) -> Result<Mailed, LedgerError> {
        let mailed = mailed_for(self.ledger, &post.report, &post.recipient, &post.period).await?;
        // Whoever sent it may have been killed before taking down what it was.
        Ok(mailed.unwrap_or_else(|| Mailed {
            totals: Vec::new(),
            ..post.figures.clone()
        }))
    }

    async fn settle(&self, post: &Post, key: &str, arrived: bool) -> Result<(), LedgerError> {
        let content = &post.figures.fingerprint;
        self.ledger
            .settle(key, content, &self.owner, arrived)
            .await?;
        if !arrived {
            return Ok(());
        }
        let place = place_of_history(&post.report, &post.recipient);
        history::add(self.ledger, &place, &post.period, &post.figures).await
    }
}

/// What was mailed to a recipient of a report last, whatever it was about; `None` if nothing is known.
///
/// # Errors
///
/// If the ledger cannot be read.
pub async fn mailed(
    ledger: &Ledger,
    report: &str,
    recipient: &str,
) -> Result<Option<Mailed>, LedgerError> {
    let mails = history::load(ledger, &place_of_history(report, recipient)).await?;
    Ok(mails
        .into_values()
        .max_by_key(|mailed| (mailed.mailed, mailed.days)))
}

/// What was mailed to a recipient of a report for one period.
///
/// # Errors
///
/// If the ledger cannot be read.
pub async fn mailed_for(
    ledger: &Ledger,
    report: &str,
    recipient: &str,
    period: &str,
) -> Result<Option<Mailed>, LedgerError> {
    let mut mails = history::load(ledger, &place_of_history(report, recipient)).await?;
    Ok(mails.remove(period))
}

fn outcome(sent: Result<(), SendError>, is_dry: bool, is_correction: bool) -> Outcome {
    match sent {
        Ok(()) if is_dry => Outcome::WouldSend,
        Ok(()) if is_correction => Outcome::Corrected,
        Ok(()) => Outcome::Sent,
        Err(SendError::Unconfirmed(_)) => Outcome::Unconfirmed {
            reason: sent.map_or_else(|error| error.to_string(), |()| String::new()),
        },
        Err(
            ref error @ (SendError::Refused { is_lasting, .. }
            | SendError::Broken { is_lasting, .. }),
        ) => failed(&error.to_string(), is_lasting),
    }
}

fn failed(reason: &str, is_lasting: bool) -> Outcome {
    Outcome::Failed {
        reason: reason.to_owned(),
        is_lasting,
    }
}

fn busy() -> Outcome {
    Outcome::Skipped {
        reason: "another run is sending it just now".to_owned(),
    }
}

fn unconfirmed() -> Outcome {
    Outcome::Skipped {
        reason: "an earlier run was cut off while sending it, so it may have arrived".to_owned(),
    }
}

/// The entry of a mail, the first one or a correction.
fn key(post: &Post, place: usize) -> String {
    let (report, period) = (part(&post.report), part(&post.period));
    let recipient = hash(&post.recipient.trim().to_lowercase());
    let folder = format!("cost/mail/{report}/{period}/{recipient}");
    match place {
        0 => format!("{folder}/first"),
        _ => format!("{folder}/corrections/{place}"),
    }
}

fn place_of_history(report: &str, recipient: &str) -> String {
    let recipient = hash(&recipient.trim().to_lowercase());
    format!("cost/latest/{}/{recipient}.json", part(report))
}

/// A part of a key that people can read, and that no other text shares.
fn part(text: &str) -> String {
    let name = escape::file_name(text);
    match name == text {
        true => name,
        false => format!("{}-{}", name, &hash(text)[..12]),
    }
}

/// Addresses do not stand in keys: whoever may list a bucket need not know who reads what.
pub(super) fn hash(text: &str) -> String {
    let sum = digest::digest(&digest::SHA256, text.as_bytes());
    sum.as_ref()
        .iter()
        .take(16)
        .fold(String::new(), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests;
