//! Invented reports for tests and previews. They add up as real ones do.

use std::collections::BTreeSet;

use jiff::civil::date;
use rust_decimal::Decimal;

use super::{
    AccountName, AccountPart, Audience, AudienceKind, ChargeRow, CostReport, CutScope, LabelKind,
    Mover, PeriodKind, ReportBasis, ReportPart, ReportRange, ReportRow, Restatement, RowFigure,
    RowLabel, SCHEMA_VERSION,
};
use crate::cost::charge::{ChargeType, CostMetric};
use crate::cost::owner::{CostOwner, OwnerKey};
use crate::cost::period::DayRange;

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

/// Amounts day by day, of the period and of the month before.
#[derive(Clone)]
struct Series {
    now: Vec<Decimal>,
    before: Vec<Decimal>,
}

impl Series {
    fn zero() -> Series {
        Series {
            now: vec![Decimal::ZERO; DAYS],
            before: vec![Decimal::ZERO; DAYS_BEFORE],
        }
    }

    fn add(mut self, other: &Series) -> Series {
        let pairs = self.now.iter_mut().zip(&other.now);
        let pairs = pairs.chain(self.before.iter_mut().zip(&other.before));
        pairs.for_each(|(sum, amount)| *sum += amount);
        self
    }

    /// Some cents on one day of both months.
    fn once(day: usize, now: i64, before: i64) -> Series {
        let mut series = Series::zero();
        series.now[day] = Decimal::new(now, 2);
        series.before[day] = Decimal::new(before, 2);
        series
    }

    fn row(&self, kind: LabelKind, name: &str) -> ReportRow {
        ReportRow {
            label: RowLabel {
                kind,
                name: name.to_owned(),
            },
            figure: self.figure(),
            daily: self.now.clone(),
        }
    }

    fn figure(&self) -> RowFigure {
        RowFigure {
            amount: self.now.iter().sum(),
            before: Some(self.before[..DAYS].iter().sum()),
            last_day: Some(self.now[DAYS - 1]),
            day_before: Some(self.now[DAYS - 2]),
        }
    }
}

fn sum<'s>(series: impl Iterator<Item = &'s Series>) -> Series {
    series.fold(Series::zero(), Series::add)
}

/// The usage of one service by one owner in one account.
struct Cell {
    account: usize,
    owner: usize,
    service: usize,
    series: Series,
}

fn cells(accounts: usize) -> Vec<Cell> {
    let mut state: u32 = 7;
    let mut random = move |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    let mut cells = Vec::new();
    for account in 0..accounts {
        for owner in 0..OWNERS.len() + 2 {
            for service in 0..SERVICES.len() {
                if (owner + 2 * service + account) % 3 == 0 {
                    continue;
                }
                // Large ones first, and a long tail.
                let size =
                    60_000 / ((account + 1) * (owner + 1) * (service + 1) * (service + 1)) as u32;
                let trend = 40 + random(60);
                let mut amount = |day: usize, calm: u32| {
                    let weekend = if matches!(day % 7, 0 | 6) { 60 } else { 100 };
                    let noise = 80 + random(40);
                    let tenths = size * weekend / 100 * noise / 100 * calm / 100;
                    Decimal::new(i64::from(tenths), 3)
                };
                let now = (0..DAYS)
                    .map(|day| amount(day, trend + day as u32))
                    .collect();
                let before = (0..DAYS_BEFORE).map(|day| amount(day + 3, 62)).collect();
                let series = Series { now, before };
                cells.push(Cell {
                    account,
                    owner,
                    service,
                    series,
                });
            }
        }
    }
    cells
}

fn owner(at: usize) -> RowLabel {
    let owner = match OWNERS.get(at) {
        Some(name) => CostOwner::Named((*name).to_owned()),
        None if at == OWNERS.len() => CostOwner::Untagged,
        None => CostOwner::Instances,
    };
    owner.label()
}

fn account(at: usize) -> AccountName {
    let (id, name) = match ACCOUNTS.get(at) {
        Some((id, name)) => ((*id).to_owned(), (*name).to_owned()),
        None => (
            format!("{:012}", 500_000_000_000 + at),
            format!("Team {at:02}"),
        ),
    };
    AccountName { id, name }
}

fn sorted(rows: Vec<ReportRow>) -> Vec<ReportRow> {
    let mut rows: Vec<ReportRow> = rows;
    rows.retain(|row| row.daily.iter().any(|amount| !amount.is_zero()));
    rows.sort_by_key(|row| std::cmp::Reverse(row.figure.amount));
    rows
}

fn owners(cells: &[&Cell]) -> Vec<ReportRow> {
    let of = |at| {
        let cells = cells.iter().filter(move |cell| cell.owner == at);
        let label = owner(at);
        sum(cells.map(|cell| &cell.series)).row(label.kind, &label.name)
    };
    sorted((0..OWNERS.len() + 2).map(of).collect())
}

fn services(cells: &[&Cell]) -> Vec<ReportRow> {
    let of = |at: usize| {
        let cells = cells.iter().filter(move |cell| cell.service == at);
        sum(cells.map(|cell| &cell.series)).row(LabelKind::Service, SERVICES[at])
    };
    sorted((0..SERVICES.len()).map(of).collect())
}

/// The charges of an account other than usage.
fn others(at: usize) -> Vec<(ChargeType, Series)> {
    match at {
        0 => vec![
            (ChargeType::Credit, Series::once(4, -15_000, 0)),
            (ChargeType::Refund, Series::once(11, -1250, 0)),
            (ChargeType::Tax, Series::once(0, 8_340, 7_990)),
            (ChargeType::Support, Series::once(0, 10_000, 10_000)),
        ],
        1 => vec![(ChargeType::Tax, Series::once(0, 2_114, 1_907))],
        _ => Vec::new(),
    }
}

fn charge_rows(charges: &[(ChargeType, Series)]) -> Vec<ChargeRow> {
    let of = |charge: ChargeType| {
        let all = charges.iter().filter(|(of, _)| *of == charge);
        let row = sum(all.map(|(_, series)| series)).row(LabelKind::Charge, charge.label());
        ChargeRow { charge, row }
    };
    let kinds: BTreeSet<ChargeType> = charges.iter().map(|(charge, _)| *charge).collect();
    let mut rows: Vec<ChargeRow> = kinds.into_iter().map(of).collect();
    rows.retain(|row| row.row.daily.iter().any(|amount| !amount.is_zero()));
    rows
}

/// Builds a part; `wanted` selects the cells that the audience may see.
fn part(kind: AudienceKind, accounts: usize, wanted: impl Fn(&Cell) -> bool) -> ReportPart {
    let all = cells(accounts);
    let seen: Vec<&Cell> = all.iter().filter(|cell| wanted(cell)).collect();
    let charges_of = |at: usize| -> Vec<(ChargeType, Series)> {
        let usage = seen.iter().filter(|cell| cell.account == at);
        let usage = sum(usage.map(|cell| &cell.series));
        let others = if kind == AudienceKind::Individual {
            Vec::new()
        } else {
            others(at)
        };
        [(ChargeType::Usage, usage)]
            .into_iter()
            .chain(others)
            .collect()
    };
    let account_part = |at: usize| {
        let cells: Vec<&Cell> = seen
            .iter()
            .copied()
            .filter(|cell| cell.account == at)
            .collect();
        let charges = charges_of(at);
        let account = account(at);
        AccountPart {
            row: sum(charges.iter().map(|(_, series)| series))
                .row(LabelKind::Account, &account.name),
            account: Some(account),
            charges: charge_rows(&charges),
            owners: if kind == AudienceKind::Manager {
                owners(&cells)
            } else {
                Vec::new()
            },
            services: if kind == AudienceKind::Executive {
                Vec::new()
            } else {
                services(&cells)
            },
        }
    };
    let charges: Vec<(ChargeType, Series)> = (0..accounts).flat_map(charges_of).collect();
    let total = sum(charges.iter().map(|(_, series)| series));
    let mut parts: Vec<AccountPart> = (0..accounts).map(account_part).collect();
    parts.retain(|part| !part.row.figure.amount.is_zero());
    parts.sort_by_key(|part| std::cmp::Reverse(part.row.figure.amount));
    let mut movers: Vec<Mover> = parts
        .iter()
        .flat_map(|part| part.services.iter().map(|row| (part.account.clone(), row)))
        .map(|(account, row)| Mover {
            label: row.label.clone(),
            account,
            figure: row.figure,
        })
        .collect();
    movers.sort_by_key(|mover| std::cmp::Reverse(mover.figure.change().unwrap_or_default().abs()));
    movers.truncate(8);
    ReportPart {
        currency: "USD".to_owned(),
        sentence: format!(
            "1–20 November 2026 came to ${:.2}. Largest change: {}.",
            total.figure().amount,
            movers
                .first()
                .map_or("none", |mover| mover.label.name.as_str())
        ),
        total: total.figure(),
        daily: total.now.clone(),
        daily_before: total.before.clone(),
        charges: charge_rows(&charges),
        owners: owners(&seen),
        services: services(&seen),
        accounts: parts,
        movers,
    }
}

fn report(
    kind: AudienceKind,
    accounts: usize,
    owner: Option<usize>,
    parts: Vec<ReportPart>,
) -> CostReport {
    let accounts = (0..accounts).map(account).collect();
    CostReport {
        schema_version: SCHEMA_VERSION,
        audience: Audience {
            kind,
            accounts: if kind == AudienceKind::Individual {
                Vec::new()
            } else {
                accounts
            },
            owner: owner.map(self::owner),
        },
        period: ReportRange {
            kind: PeriodKind::MonthToDate,
            days: DayRange {
                from: date(2026, 11, 1),
                through: date(2026, 11, 20),
            },
            label: "1–20 November 2026".to_owned(),
            data_through: Some(date(2026, 11, 20)),
            estimated: vec![date(2026, 11, 19), date(2026, 11, 20)],
            compared: Some(DayRange {
                from: date(2026, 10, 1),
                through: date(2026, 10, 20),
            }),
            compared_label: Some("1–20 October".to_owned()),
        },
        metric: CostMetric::UnblendedCost,
        parts,
        restatements: Vec::new(),
        owner_keys: vec![OwnerKey::Tag("Owner".to_owned())],
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
    }
}

/// Four accounts, fourteen owners, twelve services; a restated month, and something uncertain.
pub fn manager() -> CostReport {
    let mut report = report(
        AudienceKind::Manager,
        4,
        None,
        vec![part(AudienceKind::Manager, 4, |_| true)],
    );
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
    let part = part(AudienceKind::Individual, 3, |cell| cell.owner == 1);
    let count = part.accounts.len();
    assert!(1 < count);
    report(AudienceKind::Individual, 3, Some(1), vec![part])
}

/// Twenty accounts on one page.
pub fn executive() -> CostReport {
    report(
        AudienceKind::Executive,
        20,
        None,
        vec![part(AudienceKind::Executive, 20, |_| true)],
    )
}

/// One account with a few rows.
pub fn small() -> CostReport {
    let part = part(AudienceKind::Manager, 1, |cell| {
        cell.owner < 3 && cell.service < 3
    });
    let mut report = report(AudienceKind::Manager, 1, None, vec![part]);
    report.period.estimated.clear();
    report
}

/// More accounts than fit into a mail.
pub fn large() -> CostReport {
    report(
        AudienceKind::Manager,
        40,
        None,
        vec![part(AudienceKind::Manager, 40, |_| true)],
    )
}

/// Nothing spent.
pub fn nothing() -> CostReport {
    report(AudienceKind::Manager, 2, None, Vec::new())
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
    let mut part = part(AudienceKind::Manager, 4, |_| true);
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
    for (mover, row) in part.movers.iter_mut().zip(&part.owners) {
        mover.label = row.label.clone();
    }
    part.sentence = EVIL.join(" ");
    let mut other = part.clone();
    other.currency = "<b>X\r\nX</b>".to_owned();
    other.accounts[0].owners[0].daily[3] = Decimal::new(-99_999, 2);
    let mut report = report(AudienceKind::Manager, 4, None, vec![part, other]);
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
