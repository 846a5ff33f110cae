//! What changed most.
use rust_decimal::Decimal;

use super::{AccountName, AudienceKind, ChargeRow, LabelKind, Mover, ReportPart, ReportRow};
use crate::cost::charge::ChargeType;

/// Movers that are named.
const MOST: usize = 10;

/// Finds what changed most against the days compared with, by a unit of the currency at least.
///
/// Money is seen from one side, as far as a reader can act on it there:
///
/// - by an individual: as a service in an account;
/// - by a manager: as a service in an account, or as a charge that is no usage, over all accounts. Owners are
///   a second view of the same usage, over all accounts;
/// - by an executive: as an account with all its charges. Services, and charges that are no usage, are a
///   second view of the same, over all accounts.
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
        // Of two views of the same money, the one that says where comes first.
        let place = |mover: &Mover| mover.account.is_none();
        let (changes, places) = (
            change(other).cmp(&change(one)),
            place(one).cmp(&place(other)),
        );
        let (labels, accounts) = (one.label.cmp(&other.label), one.account.cmp(&other.account));
        changes.then(places).then(labels).then(accounts)
    });
    movers.truncate(MOST);
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
    // What differs between two answers of Cost Explorer did not move; what belongs to no account did so
    // as a charge.
    let told_apart = row.label.kind != LabelKind::Unassigned;
    (told_apart && change.abs() >= Decimal::ONE).then(|| Mover {
        label: row.label.clone(),
        account: account.cloned(),
        figure: row.figure,
    })
}
