//! What reports say of months that are over, before and after their invoice is final.

use jiff::civil::{Date, date};

use crate::cost::charge::ChargeType;
use crate::cost::owner::CostOwner;
use crate::cost::period::DayRange;
use crate::cost::report::sample_bill::{Bill, SANDBOX, manager, names, november};
use crate::cost::report::{CostReport, PeriodKind, ReportQuestion, report};

/// October and November with the same usage each day. Support of October is known, and a fee was paid once.
fn constant() -> Bill {
    let mut bill = Bill::default();
    let days = DayRange {
        from: date(2026, 10, 1),
        through: date(2026, 11, 30),
    };
    for day in days.iter() {
        bill.used(day, SANDBOX, &CostOwner::Untagged, "Amazon S3", "10");
    }
    for (month, charge, amount) in [
        (10, ChargeType::Tax, "31"),
        (11, ChargeType::Tax, "30"),
        (10, ChargeType::Support, "40"),
        (10, ChargeType::Commitment, "500"),
    ] {
        bill.charged(date(2026, month, 1), Some(SANDBOX), charge, amount);
    }
    bill
}

fn closing(bill: &Bill) -> CostReport {
    let names = names();
    let question = ReportQuestion {
        kind: PeriodKind::LastMonth,
        days: DayRange::month_of(date(2026, 11, 1)),
        data_through: Some(date(2026, 11, 30)),
        settled_through: date(2026, 12, 2),
        today: date(2026, 12, 5),
        ..november(&names)
    };
    report(&bill.table(), &manager(&[SANDBOX]), None, &question)
}

fn to_come(report: &CostReport) -> Vec<ChargeType> {
    let bill = report.parts[0].bill.iter();
    bill.filter(|line| line.is_to_come)
        .map(|line| line.charge)
        .collect()
}

fn estimated(from: Date) -> Bill {
    let mut bill = constant();
    bill.estimated_from(from);
    bill
}

#[test]
fn a_month_is_so_far_until_its_invoice_is_final() {
    let report = closing(&estimated(date(2026, 11, 1)));
    // A day less with the same usage is not a change.
    assert_eq!(
        report.parts[0].sentence,
        "Usage of 1–30 November 2026 came to $300.00, about as much a day as 1–31 October ($310.00). \
         Charges so far came to $330.00, without Support, not yet billed; 1–31 October came to $881.00."
    );
    assert_eq!(to_come(&report), [ChargeType::Support]);
    assert!(!report.period.is_month_before_estimated);

    let report = closing(&constant());
    assert!(
        report.parts[0]
            .sentence
            .ends_with(" All charges came to $330.00; 1–31 October came to $881.00."),
        "{}",
        report.parts[0].sentence
    );
    // What is not on the final invoice does not come any more.
    assert_eq!(to_come(&report), []);
}

#[test]
fn usage_with_another_owner_is_no_change_of_usage() {
    let mut bill = Bill::default();
    let ann = CostOwner::Named("ann@example.com".to_owned());
    for day in 1..=18 {
        let was = date(2026, 10, day);
        bill.used(was, SANDBOX, &CostOwner::Untagged, "Amazon S3", "10");
        bill.used(date(2026, 11, day), SANDBOX, &ann, "Amazon S3", "10");
    }
    let names = names();
    let report = report(&bill.table(), &manager(&[SANDBOX]), None, &november(&names));
    assert_eq!(report.parts[0].movers.owners.len(), 2);
    assert_eq!(
        report.parts[0].sentence,
        "Usage of 1–18 November 2026 came to $180.00, as much as 1–18 October."
    );
}

#[test]
fn as_much_in_a_shorter_month_is_as_much() {
    let mut bill = constant();
    let day = date(2026, 11, 30);
    bill.used(day, SANDBOX, &CostOwner::Untagged, "Amazon S3", "10");
    let sentence = &closing(&bill).parts[0].sentence;
    assert!(
        sentence
            .starts_with("Usage of 1–30 November 2026 came to $310.00, as much as 1–31 October."),
        "{sentence}"
    );
}

#[test]
fn the_month_before_may_be_an_estimate_too() {
    let names = names();
    let of = |bill: &Bill| {
        let question = ReportQuestion {
            data_through: Some(date(2026, 11, 3)),
            settled_through: date(2026, 11, 1),
            ..november(&names)
        };
        report(&bill.table(), &manager(&[SANDBOX]), None, &question)
    };
    let report = of(&estimated(date(2026, 10, 1)));
    assert!(report.period.is_month_before_estimated);
    // A fee of the 1st would be there.
    assert_eq!(to_come(&report), [ChargeType::Support]);
    let report = of(&estimated(date(2026, 11, 1)));
    assert!(!report.period.is_month_before_estimated);
}
