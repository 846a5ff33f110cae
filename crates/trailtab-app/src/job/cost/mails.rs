//! Turns reports into mails and messages to channels, and sends them: each once, and again as a correction if its figures
//! have changed.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::Serialize;

use super::gather::GatheredCosts;
use super::history::{CurrencyTotal, FiguresBasis, MailedFigures};
use super::mail_setup::DeliverySetup;
use super::send::{self, Limit, OutgoingReport, SendLog, SendOutcome, SendResult};
use super::{CostRun, Wanted};
use crate::deliver::channel::ChannelMessage;
use crate::deliver::ledger::{LedgerError, SendLedger};
use crate::deliver::mail::OutgoingMail;
use crate::deliver::outbox::OutgoingMessage;
use crate::deliver::sent_hash::SentHash;
use trailtab_core::cost::charge::CostMetric;
use trailtab_core::cost::money;
use trailtab_core::cost::owner::OwnerKey;
use trailtab_core::cost::period::{self, DayRange};
use trailtab_core::cost::recipient::{RefusedRecipient, ReportDestination, ReportRecipient};
use trailtab_core::cost::report::{
    self, AudienceKind, CostReport, PeriodKind, ReportPart, ReportRow, Restatement,
};
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
            match earlier(&post, wanted, memory.ledger).await {
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

/// A hash of what a report is about, independent of days and amounts.
pub(super) fn scope(run: &CostRun, wanted: &Wanted) -> SentHash {
    #[derive(Serialize)]
    struct OwnerScope<'s> {
        metric: CostMetric,
        owner: Option<String>,
        keys: &'s [OwnerKey],
        fold_case: bool,
        aliases: &'s BTreeMap<String, String>,
        domain: Option<&'s str>,
    }
    #[derive(Serialize)]
    struct AccountScope<'s> {
        metric: CostMetric,
        accounts: Vec<&'s str>,
    }
    let audience = &wanted.recipient.audience;
    let (metric, rules) = (run.settings.metric, &run.settings.owner);
    let accounts = match audience.kind {
        AudienceKind::Individual => {
            let owner = wanted.recipient.owner.as_ref();
            let version_1 = version_1::of_owner(metric, owner, rules);
            let fields = OwnerScope {
                metric,
                owner: owner.map(|owner| owner.label().name),
                keys: &rules.keys,
                fold_case: rules.fold_case,
                aliases: &rules.aliases,
                domain: rules.domain.as_deref(),
            };
            return SentHash::new(&fields, version_1);
        }
        // All accounts: this set changes whenever one is created.
        AudienceKind::Executive => Vec::new(),
        AudienceKind::Manager => {
            let accounts = audience.accounts.iter();
            accounts.map(|account| account.id.as_str()).collect()
        }
    };
    let version_1 = version_1::of_accounts(metric, &accounts);
    SentHash::new(&AccountScope { metric, accounts }, version_1)
}

/// Hashes as version 1 built them. Ledgers keep them for months, so these texts must not change.
mod version_1 {
    use trailtab_core::cost::charge::CostMetric;
    use trailtab_core::cost::owner::{CostOwner, OwnerKey, OwnerRules};

    use super::send;

    pub(super) fn of_accounts(metric: CostMetric, accounts: &[&str]) -> String {
        send::hash(&format!("{} {accounts:?}", metric.name()))
    }

    pub(super) fn of_owner(
        metric: CostMetric,
        owner: Option<&CostOwner>,
        rules: &OwnerRules,
    ) -> String {
        let owner = match owner {
            None => "None".to_owned(),
            Some(CostOwner::Named(name)) => format!("Some(Named({name:?}))"),
            Some(CostOwner::Instances) => "Some(Instances)".to_owned(),
            Some(CostOwner::Untagged) => "Some(Untagged)".to_owned(),
        };
        let keys = rules.keys.iter().map(|key| match key {
            OwnerKey::Tag(name) => format!("Tag({name:?})"),
            OwnerKey::CostCategory(name) => format!("CostCategory({name:?})"),
        });
        let keys = keys.collect::<Vec<_>>().join(", ");
        let (fold_case, aliases, domain) = (rules.fold_case, &rules.aliases, &rules.domain);
        send::hash(&format!(
            "{} ({owner}, [{keys}], {fold_case}, {aliases:?}, {domain:?})",
            metric.name()
        ))
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
    let DayRange { from, through } = wanted.occasion.days;
    let basis = match wanted.occasion.kind {
        PeriodKind::LastMonth => FiguresBasis::AllCharges,
        PeriodKind::MonthToDate | PeriodKind::Range => FiguresBasis::SettledUsage,
    };
    let range = &report.period;
    let (amount, last): (fn(&ReportPart) -> Decimal, _) = match basis {
        FiguresBasis::AllCharges => (|part| part.total.amount, range.data_through),
        FiguresBasis::SettledUsage => (|part| part.usage.settled, range.settled_through),
    };
    let totals = report.parts.iter().map(|part| CurrencyTotal {
        currency: part.currency.clone(),
        amount: amount(part),
    });
    // Without a settled day there is nothing that could be told again.
    let totals = totals.filter(|_| last.is_some());
    let (scope, content) = (scope(run, wanted), fingerprint(report));
    OutgoingReport {
        report: name(wanted),
        period: period_key(wanted),
        destination: wanted.recipient.destination.clone(),
        figures: MailedFigures {
            mailed: run.today(),
            days: DayRange {
                from,
                through: last.unwrap_or(from).min(through),
            },
            totals: totals.collect(),
            basis,
            is_final: range.is_final_month(),
            scope: scope.as_str().to_owned(),
            fingerprint: content.as_str().to_owned(),
        },
        scope,
        content,
        threshold: run.settings.restatement,
    }
}

/// What was mailed to the recipient of a report before.
enum EarlierMail {
    /// Nothing, and the report is only wanted to follow an earlier mail.
    NotWanted,
    /// Nothing.
    None,
    /// The closing report, when its month was an estimate. Now it is final.
    NotFinal(MailedFigures),
    /// The last figures that this report corrects if they are not true any more.
    Mailed(MailedFigures),
}

/// Finds what was mailed before: for the same days, and otherwise the last report of the same kind.
async fn earlier(
    post: &OutgoingReport,
    wanted: &Wanted,
    ledger: &SendLedger,
) -> Result<EarlierMail, LedgerError> {
    let (report, destination) = (&post.report, &post.destination);
    let same = send::mailed_for(ledger, report, destination, &post.period).await?;
    let is_closing = wanted.occasion.kind == PeriodKind::LastMonth;
    Ok(match same {
        Some(closing) if is_closing && post.figures.is_final && !closing.is_final => {
            EarlierMail::NotFinal(closing)
        }
        Some(same) => EarlierMail::Mailed(same),
        None if wanted.is_follow_up => EarlierMail::NotWanted,
        None if is_closing => EarlierMail::None,
        None => {
            let last = send::mailed(ledger, report, destination, post.figures.basis).await?;
            last.map_or(EarlierMail::None, EarlierMail::Mailed)
        }
    })
}

/// The ledger's period of the closing report that is sent when the invoice is final.
fn final_period(closing: &str) -> String {
    closing.replace(" closing", " final")
}

/// Tells whether figures that were mailed are about the same costs, all of which are known.
fn is_comparable(books: &GatheredCosts, post: &OutgoingReport, mailed: &MailedFigures) -> bool {
    let DayRange { from, through } = mailed.days;
    let is_known = books.asked.contains(from) && books.asked.contains(through);
    let is_same = post.scope.matches(&mailed.scope) && mailed.basis == post.figures.basis;
    is_known && is_same && !mailed.totals.is_empty()
}

/// The mailed amounts that have changed by more than the threshold.
pub(super) fn restatements(
    run: &CostRun,
    books: &GatheredCosts,
    recipient: &ReportRecipient,
    mailed: &MailedFigures,
) -> Vec<Restatement> {
    let (audience, owner) = (&recipient.audience, recipient.owner.as_ref());
    let (now, what) = match mailed.basis {
        FiguresBasis::AllCharges => (
            report::total_of(&books.table, audience, owner, mailed.days),
            "",
        ),
        FiguresBasis::SettledUsage => (
            report::usage_of(&books.table, audience, owner, mailed.days),
            "usage of ",
        ),
    };
    let mut restatements = Vec::new();
    let told = mailed
        .totals
        .iter()
        .map(|total| (total.currency.as_str(), total.amount));
    let told: BTreeMap<&str, Decimal> = told.collect();
    let currencies: BTreeSet<&str> = now
        .keys()
        .map(String::as_str)
        .chain(told.keys().copied())
        .collect();
    for currency in currencies {
        let was = told.get(currency).copied().unwrap_or_default();
        let is = now.get(currency).copied().unwrap_or_default();
        if !run.settings.restatement.is_passed(was, is) {
            continue;
        }
        let told = match mailed.mailed == run.today() {
            true => "earlier today".to_owned(),
            false => format!("on {}", period::label_of(mailed.mailed)),
        };
        let sentence = format!(
            "For {} you were told {what}{} {told}; it is {} now.",
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

/// A hash of what a report says to its reader: its amounts in cents, in any order. Excludes the
/// time and price of the run, earlier mails, and account names.
pub(super) fn fingerprint(report: &CostReport) -> SentHash {
    #[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
    struct MailedRow {
        place: String,
        part: String,
        name: String,
        amount: String,
    }
    let mut rows = BTreeSet::new();
    let mut add = |place: &str, part: &str, row: &ReportRow| {
        let amount = money::cents(row.figure.amount);
        if !amount.is_zero() {
            rows.insert(MailedRow {
                place: place.to_owned(),
                part: part.to_owned(),
                name: row.label.name.clone(),
                amount: amount.to_string(),
            });
        }
    };
    for part in &report.parts {
        let currency = part.currency.as_str();
        part.charges
            .iter()
            .for_each(|charge| add(currency, "charge", &charge.row));
        part.owners
            .iter()
            .for_each(|row| add(currency, "owner", row));
        part.services
            .iter()
            .for_each(|row| add(currency, "service", row));
        for account in &part.accounts {
            let id = account
                .account
                .as_ref()
                .map_or("none", |account| account.id.as_str());
            let place = format!("{currency} {id}");
            account
                .charges
                .iter()
                .for_each(|charge| add(&place, "charge", &charge.row));
            account
                .owners
                .iter()
                .for_each(|row| add(&place, "owner", row));
            account
                .services
                .iter()
                .for_each(|row| add(&place, "service", row));
        }
    }
    let lines = rows.iter().map(|row| {
        let MailedRow {
            place,
            part,
            name,
            amount,
        } = row;
        format!("{place} {part} {name:?} {amount}")
    });
    let lines: BTreeSet<String> = lines.collect();
    let version_1 = send::hash(&lines.into_iter().collect::<Vec<_>>().join("\n"));
    SentHash::new(&rows, version_1)
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
