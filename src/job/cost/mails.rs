//! Reports become mails, and mails are sent: each once, and once more if what it said has changed.

use std::fmt::Write as _;

use aws_config::SdkConfig;
use jiff::civil::Date;

use super::history::{Mailed, Total};
use super::send::{self, Memory, Outcome, Post, Sent};
use super::{Books, Run, Wanted};
use crate::core::cost::audience::{Recipient, Refused};
use crate::core::cost::money;
use crate::core::cost::period::{self, Days};
use crate::core::cost::report::{self, Kind, PeriodKind, Report, Restatement};
use crate::core::cost::secret::{SecretError, Server};
use crate::core::cost::settings::{Mail, Settings, Transport};
use crate::deliver::ledger::{Ledger, LedgerError};
use crate::deliver::mail::files::Folder;
use crate::deliver::mail::secret;
use crate::deliver::mail::ses::Ses;
use crate::deliver::mail::smtp::Smtp;
use crate::deliver::mail::{Mailer, Message};
use crate::render::{cost, mail};

/// Why nothing can be sent to anybody.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailerError {
    #[error(transparent)]
    Unreadable(#[from] secret::ReadError),
    #[error("the mail server's secret {name:?} cannot be used")]
    Unusable { name: String, source: SecretError },
    #[error(
        "no mail server is known: set secret_name to a secret in Secrets Manager, or mail.transport to \"ses\""
    )]
    NoServer,
    #[error("no sender is known: set mail.from to the address that mails come from")]
    NoSender,
}

/// A way for mails, and whom they are from.
#[derive(Debug)]
pub(crate) struct PostOffice {
    pub(crate) mailer: Mailer,
    pub(crate) from: String,
}

impl PostOffice {
    /// Makes ready what the settings say.
    ///
    /// # Errors
    ///
    /// If no server or sender is known, or if the secret cannot be used.
    pub(crate) async fn open(
        settings: &Settings,
        config: &SdkConfig,
    ) -> Result<PostOffice, MailerError> {
        let mail = &settings.mail;
        if mail.transport == Transport::Ses {
            let from = mail.from.clone().ok_or(MailerError::NoSender)?;
            let set = mail.configuration_set.clone();
            let mailer = Mailer::Ses(Ses::new(config, mail.region.as_deref(), set));
            return Ok(PostOffice { mailer, from });
        }
        let server = server(settings, config).await?;
        let from = mail.from.clone().or_else(|| server.from.clone());
        Ok(PostOffice {
            from: from.ok_or(MailerError::NoSender)?,
            mailer: Mailer::Smtp(Smtp::new(server)),
        })
    }

    /// Writes files and sends nothing.
    pub(crate) fn dry(settings: &Settings, folder: Folder) -> PostOffice {
        let nobody = || "trailtab@localhost".to_owned();
        PostOffice {
            mailer: Mailer::Files(folder),
            from: settings.mail.from.clone().unwrap_or_else(nobody),
        }
    }
}

/// Finds out which server mails go to.
///
/// # Errors
///
/// If none is known, or if the secret cannot be used.
pub(crate) async fn server(settings: &Settings, config: &SdkConfig) -> Result<Server, MailerError> {
    let Mail { server: told, .. } = &settings.mail;
    let Some(name) = &settings.secret_name else {
        return match told.host {
            Some(_) => Server::open(told).map_err(|source| unusable("", source)),
            None => Err(MailerError::NoServer),
        };
    };
    let text = secret::read(config, name, settings.mail.region.as_deref()).await?;
    Server::of_secret(&text, told).map_err(|source| unusable(name, source))
}

fn unusable(name: &str, source: SecretError) -> MailerError {
    let name = name.to_owned();
    MailerError::Unusable { name, source }
}

/// A mail that cannot be made.
#[derive(Debug, thiserror::Error)]
enum Unwritable {
    #[error("the table cannot be attached: {0}")]
    Table(#[from] csv::Error),
    #[error(transparent)]
    Message(#[from] mail::MessageError),
}

/// A report that is ready, and whom it is for.
#[derive(Debug)]
struct Ready {
    post: Post,
    report: Report,
}

/// Sends all reports that are wanted, and tells what became of each.
///
/// # Errors
///
/// None: what goes wrong with one report stands in its line.
pub(crate) async fn send_all(
    run: &Run,
    books: &Books,
    wanted: &[Wanted],
    office: &mut PostOffice,
    memory: Option<&Memory<'_>>,
    deadline: Option<tokio::time::Instant>,
) -> Vec<Sent> {
    let mut lines = Vec::new();
    let mut ready = Vec::new();
    for wanted in wanted {
        let recipient = &wanted.recipient;
        let (audience, owner) = (&recipient.audience, recipient.owner.as_ref());
        let mut report = run.report(books, audience, owner, wanted.occasion, &recipient.problems);
        let mut post = post(run.today(), wanted, &report);
        // What is wrong with the settings is told; figures that may be wrong are not mailed.
        if let Some(gap) = books.gaps(audience, owner).next() {
            lines.push(failed(&post, &gap.reason));
            continue;
        }
        if let Some(memory) = memory {
            match restated(run, books, recipient, &post, memory.ledger).await {
                Ok(restated) => report.restatements = restated,
                Err(error) => {
                    lines.push(failed(&post, &error.to_string()));
                    continue;
                }
            }
        }
        post.figures.fingerprint = fingerprint(&report);
        ready.push(Ready { post, report });
    }
    let posts: Vec<Post> = ready.iter().map(|ready| ready.post.clone()).collect();
    let (settings, from) = (&run.settings, office.from.clone());
    let build = |post: &Post, before: Option<&Mailed>| -> Result<Message, String> {
        let ready = ready.iter().find(|ready| ready.post == *post);
        // Each post was made of one of them.
        let ready = ready.ok_or("there is no such report")?;
        message(settings, &from, ready, before, run.now).map_err(|error| error.to_string())
    };
    lines.extend(send::send_all(posts, &mut office.mailer, memory, deadline, build).await);
    lines
}

fn failed(post: &Post, reason: &str) -> Sent {
    Sent {
        report: post.report.clone(),
        period: post.period.clone(),
        recipient: post.recipient.clone(),
        outcome: Outcome::Failed {
            reason: format!("it would be incomplete, so it was not sent: {reason}"),
            is_lasting: false,
        },
        note: None,
    }
}

/// The lines of those who cannot get a report.
pub(crate) fn refused(refused: &[Refused]) -> impl Iterator<Item = Sent> {
    refused.iter().map(|refused| Sent {
        report: kind(refused.kind).to_owned(),
        period: String::new(),
        recipient: refused.name.clone(),
        outcome: Outcome::Failed {
            reason: refused.reason.clone(),
            is_lasting: true,
        },
        note: None,
    })
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Manager => "manager",
        Kind::Individual => "individual",
        Kind::Executive => "executive",
    }
}

fn post(today: Date, wanted: &Wanted, report: &Report) -> Post {
    let Recipient {
        address, audience, ..
    } = &wanted.recipient;
    let Days { from, through } = wanted.occasion.days;
    let name = match &audience.owner {
        Some(owner) => format!("{} {}", kind(audience.kind), owner.name),
        None => kind(audience.kind).to_owned(),
    };
    let period = match wanted.occasion.kind {
        PeriodKind::MonthToDate => format!("{from} to {through}"),
        PeriodKind::LastMonth => format!("{from} to {through} closing"),
        PeriodKind::Range => format!("{from} to {through} range"),
    };
    let totals = report.parts.iter().map(|part| Total {
        currency: part.currency.clone(),
        amount: part.total.amount,
    });
    Post {
        report: name,
        period,
        recipient: address.clone(),
        figures: Mailed {
            mailed: today,
            days: Days {
                from,
                through: report.period.data_through.unwrap_or(through).min(through),
            },
            totals: totals.collect(),
            fingerprint: String::new(),
        },
    }
}

/// Says which amounts are not what the recipient was last told.
async fn restated(
    run: &Run,
    books: &Books,
    recipient: &Recipient,
    post: &Post,
    ledger: &Ledger,
) -> Result<Vec<Restatement>, LedgerError> {
    let same = send::mailed_for(ledger, &post.report, &post.recipient, &post.period).await?;
    let last = match same {
        Some(same) => Some(same),
        None => send::mailed(ledger, &post.report, &post.recipient).await?,
    };
    let known = last.filter(|mailed| {
        let Days { from, through } = mailed.days;
        books.asked.contains(from) && books.asked.contains(through)
    });
    Ok(known.map_or_else(Vec::new, |mailed| {
        restatements(run, books, recipient, &mailed)
    }))
}

fn restatements(
    run: &Run,
    books: &Books,
    recipient: &Recipient,
    mailed: &Mailed,
) -> Vec<Restatement> {
    let (audience, owner) = (&recipient.audience, recipient.owner.as_ref());
    let now = report::total_of(&books.table, audience, owner, mailed.days);
    let mut restatements = Vec::new();
    for total in &mailed.totals {
        let (was, currency) = (total.amount, total.currency.as_str());
        let is = now.get(currency).copied().unwrap_or_default();
        if money::cents(was) == money::cents(is) {
            continue;
        }
        let told = match mailed.mailed == run.today() {
            true => "earlier today".to_owned(),
            false => format!("on {}", period::label_of(mailed.mailed)),
        };
        let sentence = format!(
            "For {} you were told {} {told}; it is {} now.",
            mailed.days.label(),
            money::words(was, currency),
            money::words(is, currency),
        );
        restatements.push(Restatement {
            mailed: mailed.mailed,
            days: mailed.days,
            currency: currency.to_owned(),
            was,
            is,
            sentence,
        });
    }
    restatements
}

/// Stands for what a report says to its reader: its amounts in cents. When and at what price it was made is no
/// part of it, nor what was said before.
fn fingerprint(report: &Report) -> String {
    let mut text = String::new();
    let mut add = |name: &str, amount| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:?} {}", money::cents(amount));
    };
    for part in &report.parts {
        add(&part.currency, part.total.amount);
        let accounts = part.accounts.iter();
        let inner = accounts
            .clone()
            .flat_map(|account| account.owners.iter().chain(&account.services));
        let charges = part.charges.iter().map(|charge| &charge.row);
        let of_accounts = accounts.flat_map(|account| {
            let charges = account.charges.iter().map(|charge| &charge.row);
            std::iter::once(&account.row).chain(charges)
        });
        let rows = part.owners.iter().chain(&part.services).chain(inner);
        for row in rows.chain(charges).chain(of_accounts) {
            add(&row.label.name, row.figure.amount);
        }
    }
    send::hash(&text)
}

/// Makes a mail of a report; a correction if something else was mailed before.
fn message(
    settings: &Settings,
    from: &str,
    ready: &Ready,
    before: Option<&Mailed>,
    now: crate::core::window::Seconds,
) -> Result<Message, Unwritable> {
    let Ready { post, report } = ready;
    let letter = cost::letter(report, &settings.wording, before.is_some())?;
    let domain = from
        .rsplit('@')
        .next()
        .unwrap_or_default()
        .trim_end_matches('>');
    let id = send::hash(&format!(
        "{} {} {} {}",
        post.report, post.period, post.recipient, post.figures.fingerprint
    ));
    let envelope = mail::Envelope {
        from: from.to_owned(),
        to: post.recipient.clone(),
        message_id: format!("<{}@{domain}>", &id[..32.min(id.len())]),
        date: now,
        list_unsubscribe: settings.mail.list_unsubscribe.clone(),
    };
    Ok(Message {
        from: from.to_owned(),
        to: post.recipient.clone(),
        bytes: mail::message(&letter, &envelope)?,
        name: format!("{} {} {}", post.report, post.recipient, post.period),
        page: Some(mail::page(&letter)),
    })
}
