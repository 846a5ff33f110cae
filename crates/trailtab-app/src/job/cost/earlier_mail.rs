//! What was mailed before, and what of it must be told again because its figures are not true any more.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::Serialize;

use super::gather::GatheredCosts;
use super::history::{CurrencyTotal, FiguresBasis, MailedFigures};
use super::send::{self, OutgoingReport};
use super::{CostRun, Wanted};
use crate::deliver::ledger::{LedgerError, SendLedger};
use crate::deliver::sent_hash::SentHash;
use trailtab_core::cost::charge::CostMetric;
use trailtab_core::cost::money;
use trailtab_core::cost::owner::OwnerKey;
use trailtab_core::cost::period::{self, DayRange};
use trailtab_core::cost::recipient::ReportRecipient;
use trailtab_core::cost::report::{
    self, AudienceKind, CostReport, PeriodKind, ReportPart, ReportRow, Restatement,
};

/// What was mailed to the recipient of a report before.
pub(super) enum EarlierMail {
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
pub(super) async fn find(
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
pub(super) fn final_period(closing: &str) -> String {
    closing.replace(" closing", " final")
}

/// Tells whether figures that were mailed are about the same costs, all of which are known.
pub(super) fn is_comparable(
    books: &GatheredCosts,
    post: &OutgoingReport,
    mailed: &MailedFigures,
) -> bool {
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

/// The figures of a report that the ledger keeps, so that they can be told again.
pub(super) fn figures(
    run: &CostRun,
    wanted: &Wanted,
    report: &CostReport,
    scope: &SentHash,
    content: &SentHash,
) -> MailedFigures {
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
    MailedFigures {
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
