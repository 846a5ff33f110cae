//! Turns reports into mails and messages to channels, and sends them: each once, and again as a correction if its figures
//! have changed.

use super::earlier_mail::{self, EarlierMail, final_period, is_comparable, restatements};
use super::gather::GatheredCosts;
use super::history::MailedFigures;
use super::mail_setup::DeliverySetup;
use super::send::{self, Limit, OutgoingReport, SendLog, SendOutcome, SendResult};
use super::{CostRun, Wanted};
use crate::deliver::channel::ChannelMessage;
use crate::deliver::mail::OutgoingMail;
use crate::deliver::outbox::OutgoingMessage;
use trailtab_core::cost::period::DayRange;
use trailtab_core::cost::recipient::{RefusedRecipient, ReportDestination, ReportRecipient};
use trailtab_core::cost::report::{AudienceKind, CostReport, PeriodKind};
use trailtab_core::cost::settings::CostSettings;
use trailtab_render::cost::{self, LetterError, LetterOccasion};
use trailtab_render::mail;

/// Why a mail cannot be built.
#[derive(Debug, thiserror::Error)]
enum MailBuildError {
    #[error(transparent)]
    Letter(#[from] LetterError),
    #[error(transparent)]
    Message(#[from] mail::MessageError),
    #[error("the message cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// A report ready to be sent.
#[derive(Debug)]
struct ReadyReport {
    post: OutgoingReport,
    report: CostReport,
    occasion: LetterOccasion,
}

impl ReadyReport {
    /// Why it is sent, given the figures that were sent before for the same days.
    fn occasion(&self, before: Option<&MailedFigures>) -> LetterOccasion {
        match before {
            Some(_) => LetterOccasion::Correction,
            None => self.occasion,
        }
    }
}

/// Sends all wanted reports and returns the outcome of each. A failure affects only its own report.
pub async fn send_all(
    run: &CostRun,
    books: &GatheredCosts,
    wanted: &[Wanted],
    setup: &mut DeliverySetup,
    memory: Option<&SendLog<'_>>,
    limit: &Limit,
) -> Vec<SendResult> {
    let mut lines = Vec::new();
    let mut ready = Vec::new();
    for wanted in wanted {
        let recipient = &wanted.recipient;
        let (audience, owner) = (&recipient.audience, recipient.owner.as_ref());
        let short: Vec<String> = recipient
            .problems
            .iter()
            .map(|problem| problem.short.clone())
            .collect();
        // Sections that could not be read are left out of the mail, which says so.
        let left_out = books
            .left_out_of(audience, wanted.occasion.kind)
            .into_iter();
        let told: Vec<String> = short
            .into_iter()
            .chain(left_out.map(|problem| problem.short))
            .collect();
        let mut report = run.report(books, audience, owner, wanted.occasion, &told);
        let mut post = post(run, wanted, &report);
        // Problems with the settings are mentioned in the mail, but figures that may be wrong are
        // not mailed.
        let cuts = books.cuts.as_ref();
        let nothing = cuts.and_then(|cuts| cuts.nothing_for(audience, wanted.occasion.days));
        let problem = report.basis.problems.get(told.len()).cloned();
        if let Some(reason) = nothing.or(problem) {
            lines.push(line(&post, incomplete(&reason)));
            continue;
        }
        // A report of zero would claim to know it.
        if let Some(doubt) = owner.and_then(|owner| run.owner_doubt(books, owner)) {
            let reason = doubt.to_string();
            lines.push(line(&post, SendOutcome::Unknown { reason }));
            continue;
        }
        if report.period.data_through.is_none() {
            lines.push(line(&post, SendOutcome::NoData));
            continue;
        }
        let has_condition = wanted.is_scheduled && wanted.occasion.kind != PeriodKind::LastMonth;
        let unmet = run.settings.only_if.unmet(&report);
        if let Some(reason) = unmet.filter(|_| has_condition) {
            lines.push(line(&post, SendOutcome::NotNeeded { reason }));
            continue;
        }
        let mut occasion = LetterOccasion::First;
        if let Some(memory) = memory {
            let found = earlier_mail::find(&post, wanted, memory.ledger);
            match memory.before_sending(&post, limit, found).await {
                Ok(EarlierMail::NotWanted) => continue,
                Ok(EarlierMail::NotFinal(mailed)) => {
                    occasion = LetterOccasion::Final;
                    post.period = final_period(&post.period);
                    report.restatements = restatements(run, books, recipient, &mailed);
                }
                Ok(EarlierMail::Mailed(mailed)) if is_comparable(books, &post, &mailed) => {
                    report.restatements = restatements(run, books, recipient, &mailed);
                }
                Ok(EarlierMail::Mailed(_) | EarlierMail::None) => {}
                Err(error) => {
                    lines.push(line(&post, incomplete(&error.to_string())));
                    continue;
                }
            }
        }
        ready.push(ReadyReport {
            post,
            report,
            occasion,
        });
    }
    let posts: Vec<OutgoingReport> = ready.iter().map(|ready| ready.post.clone()).collect();
    let (settings, from) = (&run.settings, setup.from.clone());
    let is_dry = setup.outbox.is_dry();
    let build = |post: &OutgoingReport,
                 before: Option<&MailedFigures>|
     -> Result<OutgoingMessage, String> {
        let ready = ready.iter().find(|ready| ready.post == *post);
        // Each post was made from one of these reports.
        let ready = ready.ok_or("there is no such report")?;
        let made = match &post.destination {
            ReportDestination::Mailbox(to) => {
                mail_of(settings, &from, to, ready, before, run.now, is_dry)
                    .map(OutgoingMessage::Mail)
            }
            ReportDestination::Channel { name, kind } => {
                let occasion = ready.occasion(before);
                let json = cost::message(&ready.report, *kind, name, occasion);
                let message = json.map(|json| ChannelMessage {
                    channel: name.clone(),
                    kind: *kind,
                    json,
                    name: file_name(post),
                });
                message.map(OutgoingMessage::Channel).map_err(Into::into)
            }
        };
        made.map_err(|error| error.to_string())
    };
    lines.extend(send::send_all(posts, &mut setup.outbox, memory, limit, build).await);
    annotate(&mut lines, wanted, books);
    lines
}

fn line(post: &OutgoingReport, outcome: SendOutcome) -> SendResult {
    SendResult {
        report: post.report.clone(),
        period: post.period.clone(),
        destination: post.destination.clone(),
        outcome,
        note: None,
    }
}

fn incomplete(reason: &str) -> SendOutcome {
    SendOutcome::Failed {
        reason: format!("it would be incomplete, so it was not sent: {reason}"),
        is_lasting: false,
    }
}

/// Adds notes for the operator about what recipients did not get because of problems with the
/// settings, and about sections that could not be read.
fn annotate(lines: &mut [SendResult], wanted: &[Wanted], books: &GatheredCosts) {
    for wanted in wanted {
        let ReportRecipient {
            audience,
            destination,
            problems,
            ..
        } = &wanted.recipient;
        let hints = problems.iter().map(|problem| problem.hint.as_str());
        let left_out = books.left_out_of(audience, wanted.occasion.kind);
        let left_out = left_out.iter().map(|problem| problem.hint.as_str());
        let hints: Vec<&str> = hints.chain(left_out).collect();
        if hints.is_empty() {
            continue;
        }
        let report = name(wanted);
        for line in lines.iter_mut() {
            if line.destination == *destination && line.report == report {
                line.note.get_or_insert_with(|| hints.join("; "));
            }
        }
    }
}

/// The result of a report that cannot be sent, whatever it says.
pub(super) fn unsent(wanted: &Wanted, outcome: &SendOutcome) -> SendResult {
    SendResult {
        report: name(wanted),
        period: period_key(wanted),
        destination: wanted.recipient.destination.clone(),
        outcome: outcome.clone(),
        note: None,
    }
}

/// Results for recipients that cannot get a report.
pub fn refused(refused: &[RefusedRecipient]) -> impl Iterator<Item = SendResult> {
    refused.iter().map(|refused| SendResult {
        report: kind(refused.kind).to_owned(),
        period: String::new(),
        destination: refused.destination.clone(),
        outcome: SendOutcome::Failed {
            reason: refused.reason.clone(),
            is_lasting: true,
        },
        note: None,
    })
}

fn kind(kind: AudienceKind) -> &'static str {
    match kind {
        AudienceKind::Manager => "manager",
        AudienceKind::Individual => "individual",
        AudienceKind::Executive => "executive",
    }
}

/// The report's name in the ledger.
fn name(wanted: &Wanted) -> String {
    let audience = &wanted.recipient.audience;
    match &audience.owner {
        Some(owner) => format!("{} {}", kind(audience.kind), owner.name),
        None => kind(audience.kind).to_owned(),
    }
}

/// The report's period in the ledger.
fn period_key(wanted: &Wanted) -> String {
    let DayRange { from, through } = wanted.occasion.days;
    match wanted.occasion.kind {
        PeriodKind::MonthToDate => format!("{from} to {through}"),
        PeriodKind::LastMonth => format!("{from} to {through} closing"),
        PeriodKind::Range => format!("{from} to {through} range"),
    }
}

fn post(run: &CostRun, wanted: &Wanted, report: &CostReport) -> OutgoingReport {
    let scope = earlier_mail::scope(run, wanted);
    let content = earlier_mail::fingerprint(report);
    OutgoingReport {
        report: name(wanted),
        period: period_key(wanted),
        destination: wanted.recipient.destination.clone(),
        figures: earlier_mail::figures(run, wanted, report, &scope, &content),
        scope,
        content,
        threshold: run.settings.restatement,
    }
}

/// A message id in the sender's domain; the same for the same text.
pub(super) fn message_id(unique: &str, from: &str) -> String {
    let domain = from.rsplit('@').next().unwrap_or_default();
    format!("<{}@{}>", send::hash(unique), domain.trim_end_matches('>'))
}

/// Builds the mail of a report; a correction if another one was mailed before.
fn mail_of(
    settings: &CostSettings,
    from: &str,
    to: &str,
    ready: &ReadyReport,
    before: Option<&MailedFigures>,
    now: trailtab_core::time::Seconds,
    is_dry: bool,
) -> Result<OutgoingMail, MailBuildError> {
    let ReadyReport { post, report, .. } = ready;
    let letter = cost::letter(
        report,
        &settings.wording,
        ready.occasion(before),
        settings.mail.attach_csv,
    )?;
    // Must differ between mails with equal content, since mail programs hide repeated ids.
    let unique = format!(
        "{} {} {} {} {now}",
        post.report, post.period, to, post.figures.fingerprint
    );
    let envelope = mail::MailEnvelope {
        from: from.to_owned(),
        to: to.to_owned(),
        message_id: message_id(&unique, from),
        date: now,
        list_unsubscribe: settings.mail.list_unsubscribe.clone(),
    };
    let message = OutgoingMail {
        from: from.to_owned(),
        to: to.to_owned(),
        bytes: mail::message(&letter, &envelope)?,
        name: file_name(post),
        // Only dry runs need a page.
        page: is_dry.then(|| letter.page()),
    };
    Ok(message)
}

/// The name of a message's file in a dry run.
fn file_name(post: &OutgoingReport) -> String {
    let OutgoingReport {
        report,
        destination,
        period,
        ..
    } = post;
    format!("{report} {} {period}", destination.name())
}
