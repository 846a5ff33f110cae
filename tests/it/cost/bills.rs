//! Real bills give the totals in their README with every kind of request.

use jiff::civil::{Date, date};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Lab, PAYER, day, now, part, report_of, rows, total};
use crate::real_data::is_skipped;
use crate::support::aws::{Bill, Charge, World, decimal};
use crate::support::bills;

/// Moves the charges of a month to a month that Cost Explorer still has.
fn recent(charges: Vec<Charge>, month: Date) -> Vec<Charge> {
    // No month of these is longer than the days that are shown.
    let days = (day(1) - month).get_days();
    bills::later(charges, i64::from(days))
}

/// The report on the 31 days from the first of that month.
fn report(charges: Vec<Charge>, args: &[&str]) -> Value {
    let bill = Bill::new(charges).page(200);
    let lab = Lab::of(World::new(now()).bill(PAYER, bill));
    let (since, until) = (day(1).to_string(), day(28).to_string());
    let period = ["--format", "json", "--since", &since, "--until", &until];
    let report = report_of(&lab.cost(&[&period[..], args].concat()), 0);
    assert_eq!(lab.server.violations(), [""; 0]);
    report
}

/// Four weeks of a past month.
fn four_weeks(charges: Vec<Charge>) -> (Vec<Charge>, Decimal) {
    let (from, through) = (day(1), day(28));
    let inside = charges
        .into_iter()
        .filter(|charge| (from..=through).contains(&charge.day));
    let inside: Vec<_> = inside.collect();
    let sum = inside
        .iter()
        .map(|charge| charge.amount("UnblendedCost"))
        .sum();
    (inside, sum)
}

/// All days of a month on the first four weeks: its later days stand on the 28th.
fn squeezed(charges: Vec<Charge>, month: Date) -> Vec<Charge> {
    let last = day(28);
    let squeeze = |charge: Charge| Charge {
        day: charge.day.min(last),
        ..charge
    };
    recent(charges, month).into_iter().map(squeeze).collect()
}

#[test]
fn a_focus_export() {
    if is_skipped() {
        return;
    }
    let charges = squeezed(bills::focus(true), date(2024, 9, 1));
    let (charges, sum) = four_weeks(charges);
    assert_eq!((charges.len(), sum.round_dp(4)), (1000, decimal("20.5202")));
    for args in [
        &[][..],
        &["--owner-key", "application"],
        &["--owner-key", "application", "--owner-key", "org"],
    ] {
        // Each group is rounded to ten digits.
        assert_eq!(
            total(&report(charges.clone(), args)).round_dp(4),
            decimal("20.5202")
        );
    }
    // Accounts of other providers have no ids to request them by.
    let charges = squeezed(bills::focus(false), date(2024, 9, 1));
    let bill = Bill::new(charges.clone());
    let accounts: Vec<&str> = bill.accounts().into_iter().collect();
    let of = accounts.iter().flat_map(|account| ["--account", account]);
    let args: Vec<&str> = of.chain(["--owner-key", "application"]).collect();
    let all = report(charges, &args);
    assert_eq!(total(&all).round_dp(4), decimal("18.0066"));
    // Some cost nothing at all.
    let costs = |account: &&&str| {
        let is_of = |charge: &Charge| charge.account.as_deref() == Some(**account);
        bill.charges
            .iter()
            .any(|charge| is_of(charge) && !charge.amount("UnblendedCost").is_zero())
    };
    let costly = accounts.iter().filter(costs).count();
    assert_eq!(rows(&all["parts"][0]["accounts"]).len(), costly);
}

#[test]
fn an_older_cost_and_usage_report() {
    if is_skipped() {
        return;
    }
    let charges = squeezed(bills::legacy(), date(2023, 11, 1));
    assert_eq!(total(&report(charges, &[])).round_dp(4), decimal("1.6823"));
}

#[test]
fn an_answer_of_cost_explorer() {
    if is_skipped() {
        return;
    }
    // Six months on six days.
    let mut charges = bills::answered();
    let mut months: Vec<Date> = charges.iter().map(|charge| charge.day).collect();
    months.sort_unstable();
    months.dedup();
    for charge in &mut charges {
        let place = months
            .iter()
            .position(|month| *month == charge.day)
            .unwrap();
        charge.day = day(place as i64 + 1);
    }
    assert_eq!(total(&report(charges, &[])), decimal("1957.6799440971"));
}

#[test]
fn an_hourly_cost_and_usage_report() {
    if is_skipped() {
        return;
    }
    let charges = squeezed(bills::parquet(), date(2018, 10, 1));
    let ids = ["836060457634", "011254002932"];
    let executive = report(charges.clone(), &[]);
    assert_eq!(total(&executive).round_dp(4), decimal("4064.4831"));
    let each = ids.map(|id| total(&report(charges.clone(), &["--account", id])));
    assert_eq!(each[0] + each[1], total(&executive));
    assert_eq!(each[1].round_dp(4), decimal("71.4558"));
}

#[test]
fn commitments_are_told_as_far_as_the_metric_knows() {
    let charge = |kind: &str, unblended: &str, amortized: &str| {
        let charge = Charge::new(day(2), PAYER, "EC2 - Other", unblended).kind(kind);
        charge.metric("AmortizedCost", amortized)
    };
    let lab = Lab::organized(vec![
        charge("Usage", "5", "5"),
        charge("SavingsPlanCoveredUsage", "100", "60"),
        charge("SavingsPlanNegation", "-100", "0"),
        charge("SavingsPlanRecurringFee", "80", "20"),
        charge("DiscountedUsage", "0", "30"),
        charge("RIFee", "40", "10"),
    ]);
    let of = |args: &[&str]| {
        let report = lab.report(args);
        let found = &part(&report)["commitments"];
        ["covered", "used", "unused"].map(|field| found[field].clone())
    };
    assert_eq!(of(&[]), [json!("100"), json!(null), json!(null)]);
    assert_eq!(
        of(&["--metric", "AmortizedCost"]),
        [json!(null), json!("90"), json!("30")]
    );
    assert_eq!(
        of(&["--metric", "BlendedCost"]),
        [json!(null), json!(null), json!(null)]
    );
    let since = day(1).to_string();
    let page = lab
        .cost(&["--metric", "AmortizedCost", "--since", &since])
        .expect(0)
        .out;
    assert!(
        page.contains("$90.00 used, $30.00 (25.0 %) unused."),
        "{page}"
    );
}
