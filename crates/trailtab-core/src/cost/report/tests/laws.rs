//! Property tests: for every table, the parts of a report add up, and no costs of others are in it.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::cost::charge::ChargeType;
use crate::cost::owner::CostOwner;
use crate::cost::period::DayRange;
use crate::cost::report::sample_bill::{PRODUCTION, SANDBOX};
use crate::cost::report::sample_bill::{
    decimal, executive, individual, manager, names, november, owner,
};
use crate::cost::report::{
    Audience, AudienceKind, CostReport, PeriodKind, ReportPart, ReportQuestion, ReportRow,
    RowFigure, report, sample_bill, total_of,
};
use crate::cost::table::tests::lines;
use crate::cost::table::{CostAmount, CostKey, CostTable};

/// A marker that must not appear in reports of other audiences.
const MARKER: &str = "marker";
/// Its digits are those of no sum of amounts.
const MARKER_ACCOUNT: &str = "918273645546";

fn day() -> impl Strategy<Value = Date> {
    (0i64..75).prop_map(|n| {
        let span = jiff::SignedDuration::from_hours(24 * n);
        date(2026, 9, 27).saturating_add(span)
    })
}

prop_compose! {
    fn period()(
        (kind, from, through) in proptest::sample::select(vec![
            (PeriodKind::MonthToDate, date(2026, 11, 1), date(2026, 11, 20)),
            (PeriodKind::MonthToDate, date(2026, 12, 1), date(2026, 12, 1)),
            (PeriodKind::LastMonth, date(2026, 11, 1), date(2026, 11, 30)),
            (PeriodKind::Range, date(2026, 10, 28), date(2026, 11, 3)),
        ]),
        data_through in prop::option::of(day()),
        settled_through in day(),
    ) -> (PeriodKind, DayRange, Option<Date>, Date) {
        (kind, DayRange { from, through }, data_through, settled_through)
    }
}

fn audiences() -> Vec<(Audience, Option<CostOwner>)> {
    let alice = owner("alice@example.com");
    vec![
        (manager(&[PRODUCTION, SANDBOX]), None),
        (manager(&[SANDBOX]), None),
        (executive(), None),
        (individual(&alice), Some(alice)),
        (individual(&CostOwner::Untagged), Some(CostOwner::Untagged)),
    ]
}

/// Asserts that all figures of the parts add up to those of the sum.
fn adds_up<'r>(
    whole: &RowFigure,
    daily: &[Decimal],
    settled: usize,
    rows: impl IntoIterator<Item = &'r ReportRow>,
) {
    let rows: Vec<&ReportRow> = rows.into_iter().collect();
    let sum = |of: &dyn Fn(&ReportRow) -> Decimal| rows.iter().map(|row| of(row)).sum::<Decimal>();
    let known = |amount: Option<Decimal>| amount.unwrap_or_default();
    assert_eq!(sum(&|row| row.figure.amount), whole.amount);
    assert_eq!(sum(&|row| known(row.figure.before)), known(whole.before));
    assert_eq!(sum(&|row| row.figure.settled), whole.settled);
    assert_eq!(
        sum(&|row| known(row.figure.last_day)),
        known(whole.last_day)
    );
    assert_eq!(
        sum(&|row| known(row.figure.day_before)),
        known(whole.day_before)
    );
    for (at, amount) in daily.iter().enumerate() {
        assert_eq!(sum(&|row| row.daily[at]), *amount);
    }
    for row in rows {
        assert_eq!(row.daily.len(), daily.len());
        is_sound(&row.figure, &row.daily, settled);
    }
}

/// Only an account whose charges cancel out may have a row of zero.
fn is_something(row: &ReportRow) {
    let spent = row.daily.iter().any(|amount| !amount.is_zero());
    assert!(spent || row.figure.before.is_some_and(|before| !before.is_zero()));
}

fn is_sound(figure: &RowFigure, daily: &[Decimal], settled: usize) {
    assert_eq!(daily.iter().sum::<Decimal>(), figure.amount);
    assert_eq!(daily[..settled].iter().sum::<Decimal>(), figure.settled);
    let back = |days: usize| settled.checked_sub(days).map(|at| daily[at]);
    assert_eq!((figure.last_day, figure.day_before), (back(1), back(2)));
    assert_eq!(figure.loading() + figure.settled, figure.amount);
}

/// The usage row of some charges, if there is one; never more than one.
fn usage(part: &ReportPart, at: Option<usize>) -> Option<&ReportRow> {
    let charges = match at {
        None => &part.charges,
        Some(at) => &part.accounts[at].charges,
    };
    let mut usage = charges.iter().filter(|row| row.charge == ChargeType::Usage);
    usage.next().map(|charge| &charge.row)
}

fn usage_adds_up(usage: Option<&ReportRow>, (days, settled): (usize, usize), rows: &[ReportRow]) {
    let none = vec![Decimal::ZERO; days];
    match usage {
        Some(usage) => adds_up(&usage.figure, &usage.daily, settled, rows),
        None => adds_up(&RowFigure::default(), &none, settled, rows),
    }
    rows.iter().for_each(is_something);
    let amounts: Vec<Decimal> = rows.iter().map(|row| row.figure.settled).collect();
    assert!(amounts.is_sorted_by(|one, other| one >= other));
}

fn part_adds_up(kind: AudienceKind, part: &ReportPart, settled: usize) {
    let days = (part.daily.len(), settled);
    is_sound(&part.total, &part.daily, settled);
    let charges = part.charges.iter().map(|charge| &charge.row);
    adds_up(&part.total, &part.daily, settled, charges);
    let accounts = part.accounts.iter().map(|account| &account.row);
    adds_up(&part.total, &part.daily, settled, accounts);
    match usage(part, None) {
        Some(usage) => assert_eq!(part.usage, usage.figure),
        None => assert_eq!(part.usage.amount, Decimal::ZERO),
    }
    let has_owners = kind != AudienceKind::Individual;
    if has_owners {
        usage_adds_up(usage(part, None), days, &part.owners);
    } else {
        assert!(part.owners.is_empty());
        assert!(
            part.charges
                .iter()
                .all(|row| row.charge == ChargeType::Usage)
        );
    }
    usage_adds_up(usage(part, None), days, &part.services);
    for (at, account) in part.accounts.iter().enumerate() {
        let charges = account.charges.iter().map(|charge| &charge.row);
        charges.clone().for_each(is_something);
        adds_up(&account.row.figure, &account.row.daily, settled, charges);
        if kind == AudienceKind::Executive {
            assert!(account.owners.is_empty() && account.services.is_empty());
            assert!(!account.charges.is_empty());
            continue;
        }
        usage_adds_up(usage(part, Some(at)), days, &account.services);
        if has_owners {
            usage_adds_up(usage(part, Some(at)), days, &account.owners);
        }
    }
}

fn movers_are_large(part: &ReportPart) {
    let movers = &part.movers;
    for list in [&movers.accounts, &movers.services, &movers.owners] {
        let changes = list.iter().map(|mover| mover.figure.change().unwrap());
        let changes: Vec<Decimal> = changes.map(|change| change.abs()).collect();
        assert!(changes.is_sorted_by(|one, other| one >= other));
        assert!(changes.iter().all(|change| *change >= Decimal::ONE));
        assert!(changes.len() <= 10);
    }
}

fn the_bill_adds_up(part: &ReportPart) {
    let so_far: Decimal = part.bill.iter().map(|line| line.so_far).sum();
    assert_eq!(so_far, part.total.amount);
    let month_before: Decimal = part.bill.iter().map(|line| line.month_before).sum();
    assert_eq!(month_before, part.daily_before.iter().sum::<Decimal>());
    let accounts = part.accounts.iter().flat_map(|account| &account.bill);
    assert_eq!(accounts.map(|line| line.so_far).sum::<Decimal>(), so_far);
}

fn totals(report: &CostReport) -> BTreeMap<String, Decimal> {
    let parts = report.parts.iter();
    let totals = parts.map(|part| (part.currency.clone(), part.total.amount));
    totals.filter(|(_, total)| !total.is_zero()).collect()
}

fn spent(mut totals: BTreeMap<String, Decimal>) -> BTreeMap<String, Decimal> {
    totals.retain(|_, total| !total.is_zero());
    totals
}

/// Arbitrary lines that `audience` must not see.
fn others(kind: AudienceKind, mut lines: Vec<(CostKey, CostAmount)>) -> Vec<(CostKey, CostAmount)> {
    for (at, (line, amount)) in lines.iter_mut().enumerate() {
        amount.amount = decimal("7654.321987654321");
        line.service = Some(format!("{MARKER} service"));
        line.currency = if at % 3 == 0 { "XXX" } else { "USD" }.to_owned();
        let another = kind == AudienceKind::Manager || at % 2 == 0;
        if kind == AudienceKind::Manager {
            line.account = (at % 4 > 0).then(|| MARKER_ACCOUNT.to_owned());
        } else if another {
            line.owner = Some(owner(MARKER));
        } else {
            // Lines of the individual, in cuts that are not for individuals.
            line.cuts.personal = false;
        }
        if another {
            line.owner = Some(owner(MARKER));
        }
    }
    lines
}

proptest! {
    #[test]
    fn parts_add_up((lines, (kind, days, data_through, settled_through)) in (lines(), period())) {
        let (table, names) = (lines.into_iter().collect::<CostTable>(), names());
        let question = ReportQuestion { kind, days, data_through, settled_through, ..november(&names) };
        for (audience, owner) in audiences() {
            let report = report(&table, &audience, owner.as_ref(), &question);
            let settled = report.period.settled();
            prop_assert!(settled.is_none_or(|days| days.through <= settled_through));
            for part in &report.parts {
                part_adds_up(audience.kind, part, settled.map_or(0, DayRange::len));
                movers_are_large(part);
                if kind != PeriodKind::Range {
                    the_bill_adds_up(part);
                }
                let history = report.period.compared.map_or(0, DayRange::len);
                prop_assert!(part.daily_before.len() >= history);
                let before: Decimal = part.daily_before.iter().take(history).sum();
                prop_assert_eq!(part.total.before, report.period.compared.map(|_| before));
            }
            let known = days.known(data_through);
            let expected = known.map(|days| total_of(&table, &audience, owner.as_ref(), days));
            prop_assert_eq!(totals(&report), spent(expected.unwrap_or_default()));
            prop_assert!(!report.sentences().is_empty());
            let json = serde_json::to_string(&report).unwrap();
            prop_assert!(!json.contains("\"-0\""));
        }
    }

    #[test]
    fn an_executives_total_is_that_of_all_lines((lines, (kind, days, data, _)) in (lines(), period())) {
        let (table, names) = (lines.into_iter().collect::<CostTable>(), names());
        let question = ReportQuestion { kind, days, data_through: data, ..november(&names) };
        let report = report(&table, &executive(), None, &question);
        let mut expected: BTreeMap<String, Decimal> = BTreeMap::new();
        for (key, line) in table.lines().filter(|(key, _)| key.cuts.owners) {
            if days.known(data).is_some_and(|days| days.contains(key.day)) {
                *expected.entry(key.currency.clone()).or_default() += line.amount;
            }
        }
        prop_assert_eq!(totals(&report), spent(expected));
    }

    #[test]
    fn a_report_knows_nothing_of_others((own, other) in (lines(), lines())) {
        let mut names = names();
        names.insert(MARKER_ACCOUNT.to_owned(), MARKER.to_owned());
        let question = november(&names);
        for (audience, owner) in audiences() {
            if audience.kind == AudienceKind::Executive {
                continue;
            }
            let mut table: CostTable = own.iter().cloned().collect();
            let alone = report(&table, &audience, owner.as_ref(), &question);
            for (key, amount) in others(audience.kind, other.clone()) {
                table.add(key, amount);
            }
            let among = report(&table, &audience, owner.as_ref(), &question);
            let json = serde_json::to_string(&among).unwrap();
            for foreign in [MARKER, MARKER_ACCOUNT, "321987654321", "XXX"] {
                prop_assert!(!json.contains(foreign));
            }
            prop_assert_eq!(alone, among);
        }
    }
}

#[test]
fn an_empty_list_of_accounts_is_not_all_of_them() {
    let (table, names) = (sample_bill::bill().table(), names());
    let nobody = [
        (manager(&[]), None),
        (manager(&[]), Some(owner("alice@example.com"))),
        (individual(&owner("alice@example.com")), None),
    ];
    for (audience, owner) in nobody {
        let question = november(&names);
        let report = report(&table, &audience, owner.as_ref(), &question);
        assert!(report.parts.is_empty());
        assert!(report.period.estimated.is_empty());
        assert!(total_of(&table, &audience, owner.as_ref(), question.days).is_empty());
    }
}

#[test]
fn amounts_that_no_bill_comes_near_end_nothing() {
    let mut bill = sample_bill::Bill::default();
    let (day, most) = (date(2026, 11, 1), Decimal::MAX.to_string());
    for before in [day, day, date(2026, 10, 1)] {
        bill.used(before, PRODUCTION, &CostOwner::Untagged, "Amazon S3", &most);
        bill.charged(
            before,
            Some(PRODUCTION),
            ChargeType::Tax,
            &format!("-{most}"),
        );
        bill.used(
            before,
            SANDBOX,
            &CostOwner::Untagged,
            "Amazon S3",
            &format!("-{most}"),
        );
    }
    let names = names();
    for (audience, owner) in audiences() {
        let report = report(&bill.table(), &audience, owner.as_ref(), &november(&names));
        assert_eq!(
            report.parts.len(),
            usize::from(owner != Some(sample_bill::owner("alice@example.com")))
        );
    }
}
