//! Puts one report together from the reports of several cuts.

use rust_decimal::Decimal;

use super::cuts::CutDimensions;
use trailtab_core::cost::charge::ChargeType;
use trailtab_core::cost::money;
use trailtab_core::cost::report::{
    AudienceKind, CostReport, CutScope, ReportPart, unread_accounts_label,
};

/// The report of one cut, or of several.
#[derive(Debug)]
pub(super) struct CutReport {
    pub(super) report: CostReport,
    /// Which lists it has.
    pub(super) has: CutDimensions,
    /// Whether it is known to hold usage alone.
    pub(super) is_usage: bool,
    /// The files of the total.
    pub(super) files: String,
}

/// Removes the lists that the answer does not tell.
pub(super) fn leave_out(report: &mut CostReport, has: CutDimensions) {
    let kind = report.audience.kind;
    for part in &mut report.parts {
        // A bill and an estimate need charge types: without them, charges of the month look like usage of a day.
        if !has.charge {
            part.outlook = None;
            part.bill.clear();
            part.accounts.iter_mut().for_each(|it| it.bill.clear());
        }
        if !(has.charge && has.service) {
            part.unusual = None;
        }
        if !(has.charge && has.owner) {
            part.tagged = None;
        }
        let lists = part.accounts.iter_mut();
        let lists = lists.map(|account| {
            (
                &mut account.charges,
                &mut account.owners,
                &mut account.services,
            )
        });
        let whole = (&mut part.charges, &mut part.owners, &mut part.services);
        for (charges, owners, services) in lists.chain([whole]) {
            if !has.charge {
                charges.clear();
            }
            if !has.owner {
                owners.clear();
            }
            if !has.service {
                services.clear();
            }
        }
        match kind {
            _ if has.account => {}
            AudienceKind::Individual => {
                for account in &mut part.accounts {
                    account.row.label = unread_accounts_label();
                }
            }
            AudienceKind::Manager | AudienceKind::Executive => part.accounts.clear(),
        }
    }
}

/// What a list of another cut adds up to.
enum ListScope {
    Usage,
    AllCharges,
    /// Neither: the files disagree.
    Other,
}

/// Takes the lists that a report lacks from the report of another cut, and says where the two disagree.
pub(super) fn take(
    made: &mut CutReport,
    other: &CutReport,
    adds: CutDimensions,
    said: &mut Vec<String>,
) {
    let kind = made.report.audience.kind;
    for theirs in &other.report.parts {
        let parts = made.report.parts.iter_mut();
        let mut same = parts.filter(|part| part.currency == theirs.currency);
        let Some(part) = same.next() else {
            said.push(format!(
                "{} has amounts in {}, and {} has none",
                other.files, theirs.currency, made.files
            ));
            continue;
        };
        let scope = scope(part, theirs, other);
        if let ListScope::Other = scope {
            said.push(format!(
                "the files disagree: the total is {} in {} and {} in {}; one of them may have a filter, or be older",
                money::words(part.total.amount, &part.currency),
                made.files,
                money::words(theirs.total.amount, &part.currency),
                other.files,
            ));
        }
        if adds.charge {
            part.charges.clone_from(&theirs.charges);
            part.bill.clone_from(&theirs.bill);
            part.commitments.clone_from(&theirs.commitments);
        }
        if adds.owner {
            part.owners.clone_from(&theirs.owners);
            part.movers.owners.clone_from(&theirs.movers.owners);
        }
        if adds.service {
            part.services.clone_from(&theirs.services);
            part.movers.services.clone_from(&theirs.movers.services);
        }
        for account in &theirs.accounts {
            let accounts = part.accounts.iter_mut();
            let mut same = accounts.filter(|it| it.account == account.account);
            let Some(mine) = same
                .next()
                .filter(|_| other.has.account && made.has.account)
            else {
                continue;
            };
            if adds.charge {
                mine.charges.clone_from(&account.charges);
            }
            if adds.owner && kind != AudienceKind::Executive {
                mine.owners.clone_from(&account.owners);
            }
            if adds.service && kind != AudienceKind::Executive {
                mine.services.clone_from(&account.services);
            }
        }
        if (adds.owner || adds.service) && matches!(scope, ListScope::AllCharges | ListScope::Other)
        {
            made.report.basis.cut_scope = CutScope::AllCharges;
        }
    }
    made.has.charge |= adds.charge;
    made.has.owner |= adds.owner;
    made.has.service |= adds.service;
}

fn scope(part: &ReportPart, theirs: &ReportPart, other: &CutReport) -> ListScope {
    let usage = |part: &ReportPart| {
        let charges = part.charges.iter();
        let usage = charges.filter(|row| row.charge == ChargeType::Usage);
        usage.map(|row| row.row.figure.amount).sum::<Decimal>()
    };
    let total = theirs.total.amount;
    let knows_usage = !part.charges.is_empty();
    match () {
        () if knows_usage && !other.has.charge && total == usage(part) => ListScope::Usage,
        () if total == part.total.amount && other.has.charge => ListScope::Usage,
        () if total == part.total.amount => ListScope::AllCharges,
        // Without charge types in the total, a list of usage cannot be compared with it.
        () if other.is_usage && !knows_usage => ListScope::Usage,
        () => ListScope::Other,
    }
}

/// Gives the services over all accounts to the only account, where pages look for them.
pub(super) fn place_services(report: &mut CostReport) {
    for part in &mut report.parts {
        if let [only] = part.accounts.as_mut_slice()
            && report.audience.kind == AudienceKind::Individual
            && only.services.is_empty()
        {
            only.services.clone_from(&part.services);
        }
    }
}
