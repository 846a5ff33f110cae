//! Commitments in reports.

use jiff::civil::date;

use crate::cost::charge::CostMetric;
use crate::cost::commitment::{CommitmentCharge, CommitmentLines};
use crate::cost::report::sample_bill::{
    PRODUCTION, SANDBOX, bill, decimal, executive, individual, manager, names, november, owner,
};
use crate::cost::report::{Audience, CommitmentUse, ReportQuestion, report};

/// A plan that the sandbox bought, which mostly covers usage of Production.
fn lines() -> CommitmentLines {
    use CommitmentCharge::{ReservedUsage, SavingsPlanFee, SavingsPlanUsage};
    [
        (2, PRODUCTION, SavingsPlanUsage, "60"),
        (3, PRODUCTION, ReservedUsage, "10"),
        (2, SANDBOX, SavingsPlanUsage, "10"),
        (2, SANDBOX, SavingsPlanFee, "20"),
        // Not settled yet.
        (19, PRODUCTION, SavingsPlanUsage, "1000"),
    ]
    .into_iter()
    .map(|(day, account, charge, amount)| {
        let account = Some(account.to_owned());
        let key = (date(2026, 11, day), account, "USD".to_owned(), charge);
        (key, decimal(amount))
    })
    .collect()
}

fn of(audience: &Audience, metric: CostMetric, lines: &CommitmentLines) -> Option<CommitmentUse> {
    let names = names();
    let question = ReportQuestion {
        commitments: lines,
        metric,
        ..november(&names)
    };
    let report = report(&bill().table(), audience, None, &question);
    report.parts.into_iter().next().unwrap().commitments
}

#[test]
fn used_and_unused_are_known_by_amortized_metrics() {
    let found = of(&executive(), CostMetric::AmortizedCost, &lines()).unwrap();
    let amounts = (found.covered, found.used, found.unused);
    assert_eq!(amounts, (None, Some(decimal("80")), Some(decimal("20"))));
    assert_eq!(
        found.sentence,
        "Commitments on 1–18 November 2026: $80.00 used, $20.00 (20.0 %) unused."
    );
    // Its plan covers other accounts too, so that there is no share.
    let found = of(&manager(&[SANDBOX]), CostMetric::NetAmortizedCost, &lines()).unwrap();
    assert_eq!(
        found.sentence,
        "Commitments on 1–18 November 2026: $10.00 used, $20.00 unused."
    );
    // An absent fee is not a fee of zero.
    let found = of(&manager(&[PRODUCTION]), CostMetric::AmortizedCost, &lines()).unwrap();
    assert_eq!((found.used, found.unused), (Some(decimal("70")), None));
    assert_eq!(
        found.sentence,
        "Commitments on 1–18 November 2026: $70.00 used."
    );
}

#[test]
fn what_is_covered_is_known_by_unblended_cost() {
    let found = of(&executive(), CostMetric::UnblendedCost, &lines()).unwrap();
    let amounts = (found.covered, found.used, found.unused);
    assert_eq!(amounts, (Some(decimal("70")), None, None));
    assert_eq!(
        found.sentence,
        "Savings plans covered usage of $70.00 at on-demand rates on 1–18 November 2026."
    );
    for metric in [CostMetric::NetUnblendedCost, CostMetric::BlendedCost] {
        assert_eq!(of(&executive(), metric, &lines()), None);
    }
}

#[test]
fn without_commitments_nothing_is_said() {
    let none = CommitmentLines::new();
    assert_eq!(of(&executive(), CostMetric::AmortizedCost, &none), None);
    let alice = owner("alice@example.com");
    let names = names();
    let lines = lines();
    let question = ReportQuestion {
        commitments: &lines,
        ..november(&names)
    };
    let report = report(
        &bill().table(),
        &individual(&alice),
        Some(&alice),
        &question,
    );
    assert_eq!(report.parts[0].commitments, None);
}
