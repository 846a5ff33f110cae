//! The months before the shown one.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::cost::charge::ChargeType;
use crate::cost::owner::CostOwner;
use crate::cost::period::{DayRange, PeriodKind};
use crate::cost::report::sample_bill::{
    Bill, PRODUCTION, SANDBOX, bill, decimal, executive, individual, manager, names, november,
    owner,
};
use crate::cost::report::{
    Audience, KnownMonths, MonthAmounts, ReportQuestion, report, total_of, trend_months, usage_of,
};
use crate::cost::table::CostTable;
use crate::cost::table::tests::lines;

fn months(firsts: &[Date]) -> BTreeSet<Date> {
    firsts.iter().copied().collect()
}

fn known<'t>(table: &'t CostTable, firsts: &[Date]) -> KnownMonths<'t> {
    KnownMonths {
        table,
        months: months(firsts),
        has_charges: true,
    }
}

/// The trend in US dollars of the report of an audience.
fn trend_of(
    audience: &Audience,
    owner: Option<&CostOwner>,
    days: &CostTable,
    months: Vec<KnownMonths<'_>>,
) -> Vec<MonthAmounts> {
    let names = names();
    let question = ReportQuestion {
        months,
        ..november(&names)
    };
    let report = report(days, audience, owner, &question);
    let mut parts = report.parts.into_iter();
    let part = parts.find(|part| part.currency == "USD");
    part.map(|part| part.trend).unwrap_or_default()
}

/// Charges of August, of which the organisation has support, and of September, in which the sandbox is new.
fn earlier() -> CostTable {
    let mut bill = Bill::default();
    let alice = owner("alice@example.com");
    let (august, september) = (date(2026, 8, 1), date(2026, 9, 1));
    bill.used(august, PRODUCTION, &alice, "Amazon S3", "31");
    bill.charged(august, None, ChargeType::Support, "29");
    bill.charged(august, Some(PRODUCTION), ChargeType::Tax, "4");
    bill.used(september, PRODUCTION, &alice, "Amazon S3", "60");
    bill.used(september, SANDBOX, &alice, "Amazon S3", "0");
    bill.table()
}

#[test]
fn months_that_are_not_known_are_absent_and_not_zero() {
    let (earlier, days) = (earlier(), bill().table());
    let of = |audience: &Audience| {
        let months = vec![
            known(&days, &[date(2026, 10, 1)]),
            known(&earlier, &[date(2026, 8, 1), date(2026, 9, 1)]),
        ];
        let trend = trend_of(audience, None, &days, months);
        let amounts = trend.iter().map(|it| {
            let usage = it.usage.unwrap().normalize();
            let total = it.total.normalize();
            (it.month.from.month(), usage.to_string(), total.to_string())
        });
        amounts.collect::<Vec<_>>()
    };
    let text = |month: i8, usage: &str, total: &str| (month, usage.to_owned(), total.to_owned());
    assert_eq!(
        of(&executive()),
        [
            text(8, "31", "64"),
            text(9, "60", "60"),
            text(10, "64.2427160459", "68.7427160459"),
        ]
    );
    // What belongs to no account is not theirs; in September the account was there, and cost nothing.
    assert_eq!(
        of(&manager(&[SANDBOX])),
        [
            text(9, "0", "0"),
            text(10, "13.0927160459", "13.0927160459")
        ]
    );
}

#[test]
fn an_amount_a_day_is_that_of_the_months_length() {
    let earlier = earlier();
    let months = vec![known(&earlier, &[date(2026, 8, 1), date(2026, 9, 1)])];
    let trend = trend_of(&executive(), None, &bill().table(), months);
    let a_day: Vec<Decimal> = trend.iter().filter_map(|it| it.usage_a_day).collect();
    assert_eq!(a_day, [decimal("1"), decimal("2")]);
}

#[test]
fn without_charge_types_usage_is_not_known() {
    let earlier = earlier();
    let months = vec![KnownMonths {
        has_charges: false,
        ..known(&earlier, &[date(2026, 8, 1)])
    }];
    let trend = trend_of(&executive(), None, &bill().table(), months);
    let amounts: Vec<_> = trend
        .iter()
        .map(|it| (it.total, it.usage, it.usage_a_day))
        .collect();
    assert_eq!(amounts, [(decimal("64"), None, None)]);
}

#[test]
fn the_first_source_of_a_month_counts_and_none_is_added() {
    let earlier = earlier();
    let both = || known(&earlier, &[date(2026, 8, 1)]);
    let trend = trend_of(&executive(), None, &bill().table(), vec![both(), both()]);
    assert_eq!(trend.len(), 1);
    assert_eq!(trend[0].total, decimal("64"));
}

#[test]
fn an_individual_has_no_trend() {
    let (earlier, alice) = (earlier(), owner("alice@example.com"));
    let months = vec![known(&earlier, &[date(2026, 8, 1)])];
    let audience = individual(&alice);
    let trend = trend_of(&audience, Some(&alice), &bill().table(), months);
    assert_eq!(trend, []);
}

#[test]
fn the_months_are_the_six_before() {
    let of = |kind, from, through| {
        let months = trend_months(kind, DayRange { from, through });
        months.map(|month| month.from).collect::<Vec<_>>()
    };
    let (first, tenth) = (date(2026, 3, 1), date(2026, 3, 10));
    let expected = [
        date(2025, 9, 1),
        date(2025, 10, 1),
        date(2025, 11, 1),
        date(2025, 12, 1),
        date(2026, 1, 1),
        date(2026, 2, 1),
    ];
    assert_eq!(of(PeriodKind::MonthToDate, first, tenth), expected);
    assert_eq!(of(PeriodKind::Range, first, date(2026, 3, 31)), expected);
    assert_eq!(of(PeriodKind::Range, first, tenth), []);
}

proptest! {
    #[test]
    fn each_month_is_what_the_audience_may_see_of_it(lines in lines()) {
        let table: CostTable = lines.iter().cloned().collect();
        let firsts = [date(2026, 9, 1), date(2026, 10, 1)];
        for audience in [executive(), manager(&[PRODUCTION, SANDBOX]), manager(&[])] {
            let trend = trend_of(&audience, None, &table, vec![known(&table, &firsts)]);
            for amounts in trend {
                let of = |sums: std::collections::BTreeMap<String, Decimal>| {
                    sums.get("USD").copied().unwrap_or_default()
                };
                prop_assert_eq!(amounts.total, of(total_of(&table, &audience, None, amounts.month)));
                prop_assert_eq!(amounts.usage.unwrap(), of(usage_of(&table, &audience, None, amounts.month)));
            }
        }
    }
}
