//! Usage by a further dimension.

use jiff::civil::{Date, date};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::cost::charge::ChargeType;
use crate::cost::dimension::UsageDimension;
use crate::cost::owner::CostOwner;
use crate::cost::report::sample_bill::{
    Bill, PRODUCTION, SANDBOX, decimal, executive, individual, manager, names, november, owner,
};
use crate::cost::report::{
    Audience, CostReport, DimensionTable, LabelKind, ReportQuestion, report,
};
use crate::cost::table::tests::lines;
use crate::cost::table::{CostAmount, CostKey, CostTable, LineCut, LineCuts};

fn line(day: Date, account: &str, value: &str, amount: &str) -> (CostKey, CostAmount) {
    let cuts = LineCuts::only(LineCut::Services);
    let key = CostKey {
        account: Some(account.to_owned()),
        value: Some(value.to_owned()),
        ..CostKey::new(day, ChargeType::Usage, "USD", cuts)
    };
    let amount = decimal(amount);
    (
        key,
        CostAmount {
            amount,
            estimated: false,
        },
    )
}

fn report_by(
    table: &CostTable,
    regions: &CostTable,
    audience: &Audience,
    owner: Option<&CostOwner>,
) -> CostReport {
    let names = names();
    let question = ReportQuestion {
        by: vec![DimensionTable {
            dimension: UsageDimension::Region,
            table: regions,
        }],
        ..november(&names)
    };
    report(table, audience, owner, &question)
}

/// Usage of two accounts on 2 November and 2 October.
fn used() -> CostTable {
    let mut bill = Bill::default();
    let alice = owner("alice@example.com");
    for (day, amount) in [(date(2026, 11, 2), "12"), (date(2026, 10, 2), "8")] {
        bill.used(day, PRODUCTION, &alice, "Amazon S3", amount);
        bill.used(day, SANDBOX, &alice, "Amazon S3", "1");
    }
    bill.table()
}

fn rows(report: &CostReport) -> Vec<(LabelKind, &str, Decimal, Option<Decimal>)> {
    let by = report.parts.iter().flat_map(|part| &part.by);
    let rows = by.flat_map(|by| &by.rows);
    rows.map(|row| {
        (
            row.label.kind,
            &*row.label.name,
            row.figure.settled,
            row.figure.before,
        )
    })
    .collect()
}

#[test]
fn rows_have_what_all_rows_have_and_what_changed_is_a_row_with_a_note() {
    let regions: CostTable = [
        line(date(2026, 11, 2), PRODUCTION, "eu-west-1", "9"),
        line(date(2026, 11, 2), PRODUCTION, "", "2.5"),
        line(date(2026, 11, 2), SANDBOX, "(global)", "1"),
        line(date(2026, 10, 2), PRODUCTION, "eu-west-1", "8"),
        line(date(2026, 10, 2), SANDBOX, "(global)", "1"),
    ]
    .into_iter()
    .collect();
    let report = report_by(&used(), &regions, &executive(), None);
    let (region, some) = (LabelKind::Region, |text| Some(decimal(text)));
    assert_eq!(
        rows(&report),
        [
            (region, "eu-west-1", decimal("9"), some("8")),
            (region, "(no region)", decimal("2.5"), some("0")),
            (region, "\"(global)\"", decimal("1"), some("1")),
            (
                LabelKind::Unassigned,
                "(changed between requests)",
                decimal("0.5"),
                some("0")
            ),
        ]
    );
    let notes = report.basis.notes.join(" ");
    assert!(
        notes.contains("Usage by region comes from a request of its own"),
        "{notes}"
    );
    // A manager sees the regions of their accounts.
    let report = report_by(&used(), &regions, &manager(&[SANDBOX]), None);
    assert_eq!(
        rows(&report),
        [(region, "\"(global)\"", decimal("1"), some("1"))]
    );
    assert_eq!(report.basis.notes.len(), 0);
}

#[test]
fn an_individual_has_none() {
    let alice = owner("alice@example.com");
    let report = report_by(&used(), &used(), &individual(&alice), Some(&alice));
    assert_eq!(report.parts[0].by, []);
}

proptest! {
    #[test]
    fn rows_add_up_to_the_usage(lines in lines(), other in lines()) {
        let (table, regions): (CostTable, CostTable) =
            (lines.iter().cloned().collect(), other.iter().cloned().collect());
        for audience in [executive(), manager(&[PRODUCTION])] {
            for part in report_by(&table, &regions, &audience, None).parts {
                let rows = &part.by[0].rows;
                let sum = |of: fn(&crate::cost::report::RowFigure) -> Decimal| -> Decimal {
                    rows.iter().map(|row| of(&row.figure)).sum()
                };
                prop_assert_eq!(sum(|it| it.amount), part.usage.amount);
                prop_assert_eq!(sum(|it| it.settled), part.usage.settled);
                prop_assert_eq!(sum(|it| it.before.unwrap_or_default()), part.usage.before.unwrap_or_default());
            }
        }
    }
}
