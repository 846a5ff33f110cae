//! Organisations whose bills are known.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use rust_decimal::Decimal;

use super::super::{LAB, PAYER};
use crate::support::aws::{Charge, LoadingBill};

pub(super) const MANAGER: &str = "head@example.com";
pub(super) const EXECUTIVE: &str = "cfo@example.com";
/// Gets a report of her own, and owns usage.
pub(super) const OWNER: &str = "ann@example.com";
const OTHER_OWNER: &str = "bob@example.com";

/// The year of all days of these tests.
pub(super) const YEAR: i16 = 2026;

/// An account that only the executive sees.
const TOOLS: &str = "777788889999";

const COMPUTE: &str = "Amazon Elastic Compute Cloud - Compute";
const DATABASE: &str = "Amazon Relational Database Service";
const STORAGE: &str = "Amazon Simple Storage Service";

/// An organisation, and its bill.
pub(super) struct Organization {
    pub(super) name: &'static str,
    pub(super) bill: LoadingBill,
    /// The first morning on which an owner is seen; before it, an owner's report is unknown.
    pub(super) owners_from: Date,
    /// A day on which much more is used than before.
    pub(super) surprise: Option<Date>,
}

/// The name of an account.
pub(super) fn name(id: &str) -> &'static str {
    match id {
        PAYER => "Production",
        LAB => "Sandbox",
        _ => "Tools",
    }
}

/// The id of an account with this name.
pub(super) fn id(name: &str) -> Option<&'static str> {
    [PAYER, LAB, TOOLS]
        .into_iter()
        .find(|id| self::name(id) == name)
}

pub(super) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// Account, service, owner, and an amount each day.
const LINES: [(&str, &str, &str, i64); 8] = [
    (PAYER, COMPUTE, OWNER, 30_00),
    (PAYER, COMPUTE, OTHER_OWNER, 25_50),
    (PAYER, DATABASE, OTHER_OWNER, 18_25),
    (PAYER, STORAGE, "", 6_40),
    (LAB, COMPUTE, OWNER, 12_00),
    (LAB, STORAGE, OTHER_OWNER, 3_15),
    (TOOLS, COMPUTE, "", 9_99),
    (TOOLS, DATABASE, OWNER, 7_01),
];

/// Usage from July to December, in which an amount depends on its day.
fn usage(amount: impl Fn(Date, Decimal) -> Decimal) -> Vec<Charge> {
    let days = day("2026-07-01").series(1.day());
    let days = days.take_while(|at| *at <= day("2026-12-31"));
    let charges = days.flat_map(|at| LINES.map(|line| (at, line)));
    let charges = charges.map(|(at, (account, service, owner, cents))| {
        let amount = amount(at, Decimal::new(cents, 2)).round_dp(6);
        let charge = Charge::new(at, account, service, &amount.to_string());
        match owner {
            "" => charge,
            owner => charge.owner(owner),
        }
    });
    charges.collect()
}

/// The same each day. The tag `Owner` is activated on 15 November.
pub(super) fn constant() -> Organization {
    let bill = LoadingBill::new(usage(|_, amount| amount));
    Organization {
        name: "constant",
        bill: bill.activated_on("Owner", day("2026-11-15")),
        owners_from: day("2026-11-16"),
        surprise: None,
    }
}

/// A fifth less on weekends; and $500 of October are refunded on 10 November.
pub(super) fn weekly() -> Organization {
    let usage = usage(|at, amount| match at.weekday() {
        Weekday::Saturday | Weekday::Sunday => amount * Decimal::new(8, 1),
        _ => amount,
    });
    let refund = Charge::new(day("2026-10-14"), PAYER, COMPUTE, "-500").kind("Refund");
    let bill = LoadingBill::new(usage).billed_on(day("2026-11-10"), refund);
    Organization {
        name: "weekly",
        bill,
        owners_from: Date::MIN,
        surprise: None,
    }
}

/// Three percent more each week, and ten times as much compute on one day. A fee is paid once, in September.
pub(super) fn growing() -> Organization {
    let first = day("2026-07-01");
    let mut usage = usage(|at, amount| {
        let days = first.until(at).unwrap().get_days();
        // 1.03 to the power of a seventh.
        (0..days).fold(amount, |amount, _| {
            (amount * Decimal::new(1_004_231_653, 9)).round_dp(12)
        })
    });
    for charge in &mut usage {
        if charge.day == day("2026-11-18") && charge.value("SERVICE") == COMPUTE {
            charge
                .amounts
                .values_mut()
                .for_each(|amount| *amount *= Decimal::TEN);
        }
    }
    let fee = Charge::new(day("2026-09-01"), PAYER, COMPUTE, "700").kind("RIFee");
    Organization {
        name: "growing",
        bill: LoadingBill::new(usage).billed_on(day("2026-09-02"), fee),
        owners_from: Date::MIN,
        surprise: Some(day("2026-11-18")),
    }
}
