//! Finds the largest changes of a report.
use rust_decimal::Decimal;

use super::{AccountName, AudienceKind, ChargeRow, LabelKind, Mover, ReportPart, ReportRow};
use crate::cost::charge::ChargeType;

/// Most movers of a report.
const MAX_MOVERS: usize = 10;

/// Finds the largest changes against the days compared with, of at least one unit of the currency.
///
/// The kinds of movers depend on the audience:
///
/// - individual: services of each account;
/// - manager: services of each account, and charges other than usage over all accounts. Owners over all accounts are
///   a second view of the same usage;
/// - executive: accounts with all their charges. Services, and charges other than usage, over all accounts are a
///   second view of the same costs.
pub(super) fn movers(kind: AudienceKind, part: &ReportPart) -> Vec<Mover> {
    let by_account = part.accounts.iter().flat_map(|part| {
        let account = part.account.as_ref();
        part.services.iter().map(move |row| (account, row))
    });
    let accounts = part.accounts.iter().map(|part| (None, &part.row));
    let charges = part.charges.iter().filter_map(other_than_usage);
    let over_all = |rows: &'_ [ReportRow]| -> Vec<Mover> {
        let rows = rows.iter().map(|row| (None, row));
        rows.filter_map(mover).collect()
    };
    let mut movers: Vec<Mover> = match kind {
        AudienceKind::Individual => by_account.filter_map(mover).collect(),
        AudienceKind::Manager => {
            let services = by_account.filter_map(mover);
            let owners = over_all(&part.owners);
            services.chain(owners).chain(charges).collect()
        }
        AudienceKind::Executive => {
            let accounts = accounts.filter_map(mover);
            let services = over_all(&part.services);
            accounts.chain(services).chain(charges).collect()
        }
    };
    movers.sort_by(|one, other| {
        let change = |mover: &Mover| mover.figure.change().unwrap_or_default().abs();
        // Of two equal changes, the one that names an account comes first.
        let place = |mover: &Mover| mover.account.is_none();
        let (changes, places) = (
            change(other).cmp(&change(one)),
            place(one).cmp(&place(other)),
        );
        let (labels, accounts) = (one.label.cmp(&other.label), one.account.cmp(&other.account));
        changes.then(places).then(labels).then(accounts)
    });
    movers.truncate(MAX_MOVERS);
    movers
}

fn other_than_usage(charge: &ChargeRow) -> Option<Mover> {
    match charge.charge {
        ChargeType::Usage => None,
        _ => mover((None, &charge.row)),
    }
}

fn mover((account, row): (Option<&AccountName>, &ReportRow)) -> Option<Mover> {
    let change = row.figure.change()?;
    // Differences between two answers of Cost Explorer are not changes. Costs that belong to no account are included
    // as charges.
    let told_apart = !matches!(row.label.kind, LabelKind::Unassigned | LabelKind::Unread);
    (told_apart && change.abs() >= Decimal::ONE).then(|| Mover {
        label: row.label.clone(),
        account: account.cloned(),
        figure: row.figure,
    })
}
