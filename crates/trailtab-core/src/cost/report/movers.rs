//! Finds the largest changes of usage in a report.
use super::{
    AccountName, AccountPart, AudienceKind, LabelKind, Mover, ReportPart, ReportRow, UsageMovers,
};
use rust_decimal::Decimal;

/// Most movers of a list.
const MAX_MOVERS: usize = 10;

/// Finds the largest changes of the settled days against the days compared with, of at least one unit of the currency.
///
/// An executive of several accounts reads which accounts moved, and which services over all of them; managers and
/// individuals read which services moved in which account.
pub(super) fn movers(kind: AudienceKind, part: &ReportPart) -> UsageMovers {
    let is_one = part.accounts.len() == 1;
    let of_account = |account: &AccountPart| match is_one {
        true => None,
        false => account.account.clone(),
    };
    let by_account = part.accounts.iter().flat_map(|account| {
        let rows = account.services.iter();
        rows.filter_map(move |row| mover(of_account(account), row))
    });
    let over_all = |rows: &[ReportRow]| -> Vec<Mover> {
        let rows = rows.iter();
        rows.filter_map(|row| mover(None, row)).collect()
    };
    let accounts = part.accounts.iter().filter_map(AccountPart::usage);
    let accounts = accounts.filter_map(|row| mover(None, &row));
    let is_executive = kind == AudienceKind::Executive;
    UsageMovers {
        accounts: match is_executive && !is_one {
            true => largest_first(accounts.collect()),
            false => Vec::new(),
        },
        services: largest_first(match is_executive {
            true => over_all(&part.services),
            false => by_account.collect(),
        }),
        owners: largest_first(over_all(&part.owners)),
    }
}

fn largest_first(mut movers: Vec<Mover>) -> Vec<Mover> {
    movers.sort_by(|one, other| {
        let change = |mover: &Mover| mover.figure.change().unwrap_or_default().abs();
        let changes = change(other).cmp(&change(one));
        let labels = one.label.cmp(&other.label);
        changes
            .then(labels)
            .then_with(|| one.account.cmp(&other.account))
    });
    movers.truncate(MAX_MOVERS);
    movers
}

fn mover(account: Option<AccountName>, row: &ReportRow) -> Option<Mover> {
    let change = row.figure.change()?;
    // Differences between two answers of Cost Explorer are not changes.
    let told_apart = !matches!(row.label.kind, LabelKind::Unassigned | LabelKind::Unread);
    (told_apart && change.abs() >= Decimal::ONE).then(|| Mover {
        label: row.label.clone(),
        account,
        figure: row.figure,
    })
}
