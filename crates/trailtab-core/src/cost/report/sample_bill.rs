//! A made-up bill of three accounts, for tests of reports and of their rendering.

#![allow(clippy::unwrap_used, reason = "only tests use it")]

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use super::{
    AccountName, Audience, AudienceKind, CostReport, CutScope, PeriodKind, ReportBasis,
    ReportQuestion,
};
use crate::cost::charge::{ChargeType, CostMetric};
use crate::cost::commitment::CommitmentLines;
use crate::cost::owner::CostOwner;
use crate::cost::owner::OwnerKey;
use crate::cost::period::DayRange;
use crate::cost::table::{CostAmount, CostKey, CostTable, LineCut, LineCuts};
use crate::cost::tag_usage::TagUsage;
use crate::cost::unusual::UnusualRules;

/// No commitments.
static NO_COMMITMENTS: CommitmentLines = CommitmentLines::new();

/// No tags that budgets are about.
static NO_TAGS: BTreeMap<String, TagUsage> = BTreeMap::new();

/// No manager of any account.
static NO_CONTACTS: BTreeMap<String, Vec<String>> = BTreeMap::new();

/// The account called Production.
pub const PRODUCTION: &str = "111122223333";
/// The account called Sandbox.
pub const SANDBOX: &str = "444455556666";
/// An account without a name.
pub const FORGOTTEN: &str = "777788889999";

/// Parses a decimal number.
pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// The names of accounts by their ids.
pub fn names() -> BTreeMap<String, String> {
    let names = [(PRODUCTION, "Production"), (SANDBOX, "Sandbox")];
    let names = names.map(|(id, name)| (id.to_owned(), name.to_owned()));
    names.into_iter().collect()
}

fn account(id: &str) -> AccountName {
    AccountName {
        id: id.to_owned(),
        name: names().get(id).map_or(id, String::as_str).to_owned(),
    }
}

fn audience(kind: AudienceKind, accounts: &[&str]) -> Audience {
    Audience {
        kind,
        accounts: accounts.iter().map(|id| account(id)).collect(),
        owner: None,
    }
}

/// The audience of a manager of these accounts.
pub fn manager(accounts: &[&str]) -> Audience {
    audience(AudienceKind::Manager, accounts)
}

/// The audience of an executive.
pub fn executive() -> Audience {
    audience(AudienceKind::Executive, &[PRODUCTION, SANDBOX])
}

/// The audience of an individual.
pub fn individual(owner: &CostOwner) -> Audience {
    Audience {
        owner: Some(owner.label()),
        ..audience(AudienceKind::Individual, &[])
    }
}

/// An owner with this name.
pub fn owner(name: &str) -> CostOwner {
    CostOwner::Named(name.to_owned())
}

/// Twenty days of November, without data for the last two.
pub fn november(names: &BTreeMap<String, String>) -> ReportQuestion<'_> {
    ReportQuestion {
        kind: PeriodKind::MonthToDate,
        days: DayRange {
            from: date(2026, 11, 1),
            through: date(2026, 11, 20),
        },
        data_from: Date::MIN,
        months: Vec::new(),
        commitments: &NO_COMMITMENTS,
        by: Vec::new(),
        data_through: Some(date(2026, 11, 18)),
        settled_through: date(2026, 11, 18),
        today: date(2026, 11, 21),
        names,
        metric: CostMetric::UnblendedCost,
        owner_keys: vec![OwnerKey::Tag("Owner".to_owned())],
        unusual: &UnusualRules::DEFAULT,
        budgets: &[],
        tags: &NO_TAGS,
        aws_forecast: None,
        contacts: &NO_CONTACTS,
        unread: Vec::new(),
        basis: ReportBasis {
            version: "trailtab 0.1.0".to_owned(),
            run_time: "2026-11-21T06:00:00Z".to_owned(),
            as_of: Some("2026-11-21T05:59:00Z".to_owned()),
            requests: 3,
            requests_usd: Decimal::new(3, 2),
            problems: Vec::new(),
            cut_scope: CutScope::Usage,
            notes: Vec::new(),
        },
    }
}

/// The lines of a table, written one by one.
#[derive(Default)]
pub struct Bill(pub Vec<(CostKey, CostAmount)>);

impl Bill {
    /// The table of these lines.
    pub fn table(&self) -> CostTable {
        self.0.iter().cloned().collect()
    }

    fn line(&mut self, key: CostKey, account: Option<&str>, amount: &str) {
        let account = account.map(str::to_owned);
        let amount = CostAmount {
            amount: decimal(amount),
            estimated: false,
        };
        self.0.push((CostKey { account, ..key }, amount));
    }

    /// Usage in all three cuts.
    pub fn used(&mut self, day: Date, place: &str, by: &CostOwner, of: &str, amount: &str) {
        for cut in [LineCut::Owners, LineCut::Services, LineCut::Personal] {
            let key = CostKey {
                owner: (cut != LineCut::Services).then(|| by.clone()),
                service: (cut != LineCut::Owners).then(|| of.to_owned()),
                ..CostKey::new(day, ChargeType::Usage, "USD", LineCuts::only(cut))
            };
            self.line(key, Some(place), amount);
        }
    }

    /// Costs without an owner.
    pub fn charged(&mut self, day: Date, place: Option<&str>, charge: ChargeType, amount: &str) {
        let key = CostKey::new(day, charge, "USD", LineCuts::WHOLE);
        self.line(key, place, amount);
    }

    /// Marks all lines of this day and later as estimated.
    pub fn estimated_from(&mut self, day: Date) {
        for (key, line) in &mut self.0 {
            line.estimated |= key.day >= day;
        }
    }
}

/// Two accounts with six owners, a growing database, tax, a credit, and support for the organisation.
pub fn bill() -> Bill {
    let mut bill = Bill::default();
    let alice = owner("alice@example.com");
    let days = |year, month, n| (1..=n).map(move |day| date(year, month, day));
    let october = days(2026, 10, 31).map(|day| (day, "1.25"));
    let november = days(2026, 11, 18).map(|day| (day, "2.5"));
    for (day, database) in october.chain(november) {
        bill.used(day, PRODUCTION, &alice, "Amazon RDS", database);
        bill.used(day, PRODUCTION, &owner("bob"), "EC2 - Other", "0.4");
        bill.used(day, SANDBOX, &alice, "Amazon S3", "0.0123456789");
        bill.used(day, SANDBOX, &CostOwner::Instances, "EC2 - Other", "0.07");
        bill.used(day, SANDBOX, &CostOwner::Untagged, "AWS Lambda", "0.33");
        bill.used(day, SANDBOX, &owner("(untagged)"), "AWS Lambda", "0.01");
    }
    let first = date(2026, 11, 1);
    bill.charged(first, Some(PRODUCTION), ChargeType::Tax, "4.56");
    bill.charged(first, Some(SANDBOX), ChargeType::Credit, "-3");
    bill.charged(date(2026, 10, 1), Some(PRODUCTION), ChargeType::Tax, "4.5");
    bill.charged(first, None, ChargeType::Support, "29");
    bill.estimated_from(date(2026, 11, 17));
    bill
}

/// Days 1 to 20 with $10 a day, of which a part of the last two is there; tax grows, and support of October is known.
pub fn steady_bill() -> Bill {
    let mut bill = Bill::default();
    let mut used = |day, amount| {
        bill.used(day, SANDBOX, &CostOwner::Untagged, "Amazon S3", amount);
    };
    for day in 1..=31 {
        used(date(2026, 10, day), "10");
    }
    for (day, amount) in (1..=18)
        .map(|day| (day, "10"))
        .chain([(19, "9.7"), (20, "3")])
    {
        used(date(2026, 11, day), amount);
    }
    for (month, charge, amount) in [
        (10, ChargeType::Tax, "31"),
        (11, ChargeType::Tax, "19"),
        (10, ChargeType::Support, "100"),
        (10, ChargeType::Credit, "-5"),
    ] {
        bill.charged(date(2026, month, 1), Some(SANDBOX), charge, amount);
    }
    bill
}

/// The report on the bill for one audience.
pub fn report(audience: &Audience, owner: Option<&CostOwner>) -> CostReport {
    let names = names();
    super::report(&bill().table(), audience, owner, &november(&names))
}

/// The reports of all kinds, of the same bill.
pub fn reports() -> [(&'static str, CostReport); 3] {
    let alice = owner("alice@example.com");
    [
        ("manager", report(&manager(&[PRODUCTION, SANDBOX]), None)),
        ("individual", report(&individual(&alice), Some(&alice))),
        ("executive", report(&executive(), None)),
    ]
}
