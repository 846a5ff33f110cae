//! Tells the operator, once a day, which reports were not sent.

use serde::Serialize;

use super::CostRun;
use super::history::{FiguresBasis, MailedFigures};
use super::mail_setup::DeliverySetup;
use super::mails::message_id;
use super::send::{self, Limit, OutgoingReport, SendLog, SendResult};
use crate::deliver::mail::OutgoingMail;
use crate::deliver::outbox::OutgoingMessage;
use crate::deliver::sent_hash::SentHash;
use crate::source::interrupt;
use trailtab_core::cost::period::{self, DayRange};
use trailtab_core::cost::recipient::ReportDestination;
use trailtab_render::cost;
use trailtab_render::mail;

/// The name of the mail in the ledger.
const REPORT: &str = "operator";

/// Sends the mail, if the settings name an operator and there is a problem. A second run of the day sends none,
/// whatever its problems are.
pub(super) async fn tell(
    run: &CostRun,
    sent: &[SendResult],
    setup: &mut DeliverySetup,
    memory: Option<&SendLog<'_>>,
    limit: &Limit,
) -> Vec<SendResult> {
    let Some(operator) = run.settings.operator.as_deref().map(str::trim) else {
        return Vec::new();
    };
    let problems: Vec<String> = sent.iter().filter_map(problem).collect();
    if problems.is_empty() {
        return Vec::new();
    }
    let today = run.today();
    let post = post(run, operator);
    let (now, from) = (run.now, setup.from.clone());
    let build = |post: &OutgoingReport, _: Option<&MailedFigures>| {
        let letter = cost::operator_letter(&problems, &period::label_of(today));
        let unique = format!("{REPORT} {} {operator} {now}", post.period);
        let envelope = mail::MailEnvelope {
            from: from.clone(),
            to: operator.to_owned(),
            message_id: message_id(&unique, &from),
            date: now,
            list_unsubscribe: None,
        };
        Ok::<_, mail::MessageError>(OutgoingMessage::Mail(OutgoingMail {
            from: from.clone(),
            to: operator.to_owned(),
            bytes: mail::message(&letter, &envelope)?,
            name: format!("{REPORT} {operator} {}", post.period),
            page: Some(letter.page()),
        }))
    };
    send::send_all(vec![post], &mut setup.outbox, memory, limit, build).await
}

/// A line of the mail on a report that was not sent, or was sent with a problem.
fn problem(sent: &SendResult) -> Option<String> {
    let reasons = sent.outcome.reason().into_iter();
    let reasons = reasons.filter(|reason| *reason != interrupt::REASON);
    let reasons: Vec<&str> = reasons.chain(sent.note.as_deref()).collect();
    (!reasons.is_empty()).then(|| {
        let what = format!("{} {}", sent.report, sent.period);
        format!(
            "{}, {}: {}",
            sent.destination.name(),
            what.trim(),
            reasons.join("; ")
        )
    })
}

/// The mail's place in the ledger, which depends on the day alone.
fn post(run: &CostRun, operator: &str) -> OutgoingReport {
    #[derive(Serialize)]
    struct OperatorScope<'s> {
        operator: &'s str,
    }
    let scope = SentHash::new(&OperatorScope { operator }, String::new());
    let today = run.today();
    OutgoingReport {
        report: REPORT.to_owned(),
        period: today.to_string(),
        destination: ReportDestination::Mailbox(operator.to_owned()),
        figures: MailedFigures {
            mailed: today,
            days: DayRange {
                from: today,
                through: today,
            },
            totals: Vec::new(),
            basis: FiguresBasis::default(),
            is_final: false,
            scope: scope.as_str().to_owned(),
            fingerprint: scope.as_str().to_owned(),
        },
        content: scope.clone(),
        scope,
        threshold: run.settings.restatement,
    }
}
