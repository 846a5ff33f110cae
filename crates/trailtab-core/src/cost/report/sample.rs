//! Invented reports for tests and previews, made by the builder from an invented bill.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use super::sample_bill::Bill;
use super::{
    AccountName, Audience, AudienceKind, CostReport, CutScope, KnownMonths, PeriodKind,
    ReportBasis, ReportQuestion, ReportRow, Restatement,
};
use crate::cost::budget::{BudgetTarget, MonthlyBudget};
use crate::cost::charge::{ChargeType, CostMetric};
use crate::cost::commitment::CommitmentLines;
use crate::cost::owner::{CostOwner, OwnerKey};
use crate::cost::period::DayRange;
use crate::cost::tag_usage::TagUsage;
use crate::cost::unusual::UnusualRules;

/// No commitments.
static NO_COMMITMENTS: CommitmentLines = CommitmentLines::new();

/// No tags that budgets are about.
static NO_TAGS: BTreeMap<String, TagUsage> = BTreeMap::new();

/// No manager of any account.
static NO_CONTACTS: BTreeMap<String, Vec<String>> = BTreeMap::new();

/// Days of November with data, and days of October.
const DAYS: usize = 20;
const DAYS_BEFORE: usize = 31;

const ACCOUNTS: [(&str, &str); 4] = [
    ("111122223333", "Production"),
    ("444455556666", "Data platform"),
    ("777788889999", "Staging"),
    ("123456789012", "Sandbox"),
];

const OWNERS: [&str; 12] = [
    "dana@example.com",
    "data-platform@example.com",
    "lee@example.com",
    "search-relevance",
    "kim@example.com",
    "checkout-team@example.com",
    "robin@example.com",
    "observability",
    "sam@example.com",
    "genomics-pipeline-batch@example.com",
    "alex@example.com",
    "jo@example.com",
];

const SERVICES: [&str; 12] = [
    "Amazon Elastic Compute Cloud - Compute",
    "Amazon Relational Database Service",
    "Amazon Simple Storage Service",
    "EC2 - Other",
    "Amazon SageMaker",
    "Amazon Elastic Load Balancing",
    "AWS Lambda",
    "AmazonCloudWatch",
    "Amazon DynamoDB",
    "AWS Key Management Service",
    "Amazon Route 53",
    "AWS Cost Explorer",
];

/// Usage of 1–20 November and of October in some accounts, and their other charges. `wanted` selects owners and
/// services by their index.
fn bill(accounts: usize, wanted: impl Fn(usize, usize) -> bool) -> Bill {
    let mut state: u32 = 7;
    let mut random = move |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    let mut bill = Bill::default();
    for at in 0..accounts {
        let id = account(at).id;
        for of in 0..OWNERS.len() + 2 {
            for (service, name) in SERVICES.iter().enumerate() {
                if (of + 2 * service + at) % 3 == 0 {
                    continue;
                }
                // Large ones first, and a long tail.
                let size = 60_000 / ((at + 1) * (of + 1) * (service + 1) * (service + 1)) as u32;
                let trend = 40 + random(60);
                let mut amount = |day: usize, calm: u32| {
                    let weekend = if matches!(day % 7, 0 | 6) { 60 } else { 100 };
                    let noise = 80 + random(40);
                    let tenths = size * weekend / 100 * noise / 100 * calm / 100;
                    Decimal::new(i64::from(tenths), 3).to_string()
                };
                let mut add = |day: Date, amount: &str| {
                    if wanted(of, service) {
                        bill.used(day, &id, &owner(of), name, amount);
                    }
                };
                for day in 0..DAYS {
                    // Of the last two days, a part is there.
                    let loaded = if day < DAYS - 2 { 100 } else { 40 };
                    let amount = amount(day, (trend + day as u32) * loaded / 100);
                    add(november(day), &amount);
                }
                for day in 0..DAYS_BEFORE {
                    add(october(day), &amount(day + 3, 62));
                }
            }
        }
        for (charge, day, now, before) in others(at) {
            bill.charged(november(*day), Some(&id), *charge, now);
            bill.charged(october(*day), Some(&id), *charge, before);
        }
    }
    bill
}

fn november(day: usize) -> Date {
    date(2026, 11, day as i8 + 1)
}

fn october(day: usize) -> Date {
    date(2026, 10, day as i8 + 1)
}

fn owner(at: usize) -> CostOwner {
    match OWNERS.get(at) {
        Some(name) => CostOwner::Named((*name).to_owned()),
        None if at == OWNERS.len() => CostOwner::Untagged,
        None => CostOwner::Instances,
    }
}

fn account(at: usize) -> AccountName {
    let (id, name) = match ACCOUNTS.get(at) {
        Some((id, name)) => ((*id).to_owned(), (*name).to_owned()),
        None => (
            format!("{:012}", 500_000_000_000 + at),
            match at {
                0..40 => format!("Team {at:02}"),
                // About as long as AWS lets names of accounts be.
                _ => format!("Payments and settlement, production, team {at:04}"),
            },
        ),
    };
    AccountName { id, name }
}

/// The charges of an account other than usage: the day from 0, the amount in November, and that in October.
fn others(at: usize) -> &'static [(ChargeType, usize, &'static str, &'static str)] {
    match at {
        0 => &[
            (ChargeType::Credit, 4, "-150", "0"),
            (ChargeType::Refund, 11, "-12.5", "0"),
            (ChargeType::Tax, 0, "83.4", "79.9"),
            (ChargeType::Support, 0, "0", "100"),
        ],
        1 => &[(ChargeType::Tax, 0, "21.14", "19.07")],
        _ => &[],
    }
}

/// The report of an audience on the bill of some accounts.
fn report(kind: AudienceKind, accounts: usize, of: Option<usize>, bill: &Bill) -> CostReport {
    report_with_budgets(kind, accounts, of, bill, &[])
}

fn report_with_budgets(
    kind: AudienceKind,
    accounts: usize,
    of: Option<usize>,
    bill: &Bill,
    budgets: &[MonthlyBudget],
) -> CostReport {
    let owner = of.map(owner);
    let audience = Audience {
        kind,
        accounts: match kind {
            AudienceKind::Individual => Vec::new(),
            AudienceKind::Manager | AudienceKind::Executive => (0..accounts).map(account).collect(),
        },
        owner: owner.as_ref().map(CostOwner::label),
    };
    let names = (0..accounts).map(account);
    let names: BTreeMap<String, String> = names.map(|name| (name.id, name.name)).collect();
    let (table, earlier) = (bill.table(), earlier_months(accounts).table());
    let known = |table, months: &[i8]| KnownMonths {
        table,
        months: months.iter().map(|month| date(2026, *month, 1)).collect(),
        has_charges: true,
    };
    let months = vec![known(&table, &[10]), known(&earlier, &[5, 6, 7, 8, 9])];
    let question = ReportQuestion {
        kind: PeriodKind::MonthToDate,
        days: DayRange {
            from: date(2026, 11, 1),
            through: date(2026, 11, 20),
        },
        data_from: Date::MIN,
        months,
        commitments: &NO_COMMITMENTS,
        by: Vec::new(),
        data_through: Some(date(2026, 11, 20)),
        settled_through: date(2026, 11, 18),
        today: date(2026, 11, 21),
        names: &names,
        metric: CostMetric::UnblendedCost,
        owner_keys: vec![OwnerKey::Tag("Owner".to_owned())],
        unusual: &UnusualRules::DEFAULT,
        budgets,
        tags: &NO_TAGS,
        aws_forecast: None,
        contacts: &NO_CONTACTS,
        unread: Vec::new(),
        basis: ReportBasis {
            version: "0.1.0".to_owned(),
            run_time: "2026-11-21T06:00:00Z".to_owned(),
            as_of: Some("2026-11-21T05:58:10Z".to_owned()),
            requests: 22,
            requests_usd: Decimal::new(22, 2),
            problems: Vec::new(),
            cut_scope: CutScope::Usage,
            notes: Vec::new(),
        },
    };
    super::report(&table, &audience, owner.as_ref(), &question)
}

/// The bill of May to September; the last account is new in August.
fn earlier_months(accounts: usize) -> Bill {
    let mut bill = Bill::default();
    for (month, usage) in [(5, 900), (6, 950), (7, 1010), (8, 1100), (9, 1090)] {
        for at in 0..accounts {
            if month < 8 && at + 1 == accounts && 1 < accounts {
                continue;
            }
            let (day, id) = (date(2026, month, 1), account(at).id);
            let usage = Decimal::new(usage * 100, 2) / Decimal::from(at + 1);
            let usage = usage.round_dp(2).to_string();
            bill.used(day, &id, &CostOwner::Untagged, SERVICES[0], &usage);
            bill.charged(day, Some(&id), ChargeType::Tax, "12.5");
        }
    }
    bill
}

fn manager_of(accounts: usize) -> CostReport {
    let bill = bill(accounts, |_, _| true);
    report(AudienceKind::Manager, accounts, None, &bill)
}

/// Four accounts, fourteen owners, twelve services; a restated month, and something uncertain.
pub fn manager() -> CostReport {
    let mut report = manager_of(4);
    report.restatements.push(Restatement {
        mailed: date(2026, 11, 1),
        days: DayRange {
            from: date(2026, 10, 1),
            through: date(2026, 10, 31),
        },
        currency: "USD".to_owned(),
        was: Decimal::new(512_040, 2),
        is: Decimal::new(513_175, 2),
        sentence: "1–31 October 2026 came to $5,131.75; the mail of 1 November said $5,120.40."
            .to_owned(),
    });
    report.basis.problems.push(
        "Organizations did not answer (AccessDeniedException): names of accounts come from Cost Explorer.".to_owned(),
    );
    report
}

/// The usage of one owner in three accounts.
pub fn individual() -> CostReport {
    let bill = bill(3, |owner, _| owner == 1);
    report(AudienceKind::Individual, 3, Some(1), &bill)
}

/// Twenty accounts on one page.
pub fn executive() -> CostReport {
    let bill = bill(20, |_, _| true);
    report(AudienceKind::Executive, 20, None, &bill)
}

/// One account with a few rows.
pub fn small() -> CostReport {
    let bill = bill(1, |owner, service| owner < 3 && service < 3);
    report(AudienceKind::Manager, 1, None, &bill)
}

/// More accounts than fit into a mail.
pub fn large() -> CostReport {
    manager_of(40)
}

/// Accounts with owners, services, charges and a budget of their own; every tenth has had no costs, and every fifth
/// an unusual day.
pub fn many_accounts(accounts: usize) -> CostReport {
    let mut bill = Bill::default();
    for at in (0..accounts).filter(|at| at % 10 != 9) {
        let id = account(at).id;
        for (nth, service) in SERVICES.iter().cycle().skip(at).take(6).enumerate() {
            let person = format!("engineer-{nth}.of-team-{at:04}@example.com");
            let owner = CostOwner::Named(person);
            let daily = 10 + at % 7 + nth;
            for day in 0..DAYS_BEFORE {
                bill.used(october(day), &id, &owner, service, &daily.to_string());
            }
            for day in 0..DAYS {
                let is_unusual = at % 5 == 0 && nth == 0 && day == DAYS - 4;
                let today = if is_unusual { 90 * daily } else { daily + 2 };
                bill.used(november(day), &id, &owner, service, &today.to_string());
            }
        }
        bill.charged(november(0), Some(&id), ChargeType::Tax, "12.34");
        bill.charged(october(0), Some(&id), ChargeType::Tax, "11.5");
        bill.charged(october(0), Some(&id), ChargeType::Support, "29");
    }
    let budgets = (0..accounts).map(account).map(|account| MonthlyBudget {
        name: account.label(),
        amount: Decimal::from(2_500),
        currency: "USD".to_owned(),
        target: BudgetTarget::Account(account.id),
    });
    let budgets: Vec<MonthlyBudget> = budgets.collect();
    report_with_budgets(AudienceKind::Manager, accounts, None, &bill, &budgets)
}

/// Nothing spent.
pub fn nothing() -> CostReport {
    report(AudienceKind::Manager, 2, None, &Bill::default())
}

/// Two currencies, and hostile names in every field.
pub fn hostile() -> CostReport {
    const EVIL: [&str; 8] = [
        "<script>alert('1')</script><img src=\"https://example.com/x.png\" onerror=alert(1)>",
        "x\r\nBcc: all@example.com\r\n\r\n--=_trailtab_mixed",
        "=cmd|' /C calc'!A0",
        "\u{202e}gnp.exe\u{200f}\u{2066}\0\u{1b}[31m",
        "漢字かな交じり文 עברית العربية 👩\u{200d}👩\u{200d}👧",
        "../../etc/passwd{total}",
        "",
        "&lt;b&gt;&#0;]]>--></title>",
    ];
    let mut report = manager_of(4);
    let mut part = report.parts.remove(0);
    let mut names = EVIL.iter().map(|name| (*name).to_owned()).cycle();
    let mut name = |row: &mut ReportRow| {
        row.label.name = names.next().unwrap_or_default();
        if row.label.name.is_empty() {
            row.label.name = "W".repeat(10_000);
        }
    };
    part.owners.iter_mut().for_each(&mut name);
    part.services.iter_mut().for_each(&mut name);
    for account in &mut part.accounts {
        name(&mut account.row);
        if let Some(of) = &mut account.account {
            of.name.clone_from(&account.row.label.name);
        }
        account.owners.iter_mut().for_each(&mut name);
        account.services.iter_mut().for_each(&mut name);
    }
    let movers = part.movers.services.iter_mut();
    for (mover, row) in movers.chain(&mut part.movers.owners).zip(&part.owners) {
        mover.label = row.label.clone();
    }
    part.sentence = EVIL.join(" ");
    let mut other = part.clone();
    other.currency = "<b>X\r\nX</b>".to_owned();
    other.accounts[0].owners[0].daily[3] = Decimal::new(-99_999, 2);
    report.parts = vec![part, other];
    for (account, name) in report.audience.accounts.iter_mut().zip(EVIL) {
        account.name = name.to_owned();
    }
    report.owner_keys = vec![
        OwnerKey::Tag(EVIL[0].to_owned()),
        OwnerKey::CostCategory(EVIL[1].to_owned()),
    ];
    report.basis.problems = EVIL.iter().map(|name| (*name).to_owned()).collect();
    report.basis.notes = vec!["n".repeat(10_000), EVIL[3].to_owned()];
    report
}
