//! Tests of report pages and tables: layout, sums, and escaping of hostile names.

mod letter_size;

use std::collections::BTreeMap;

use console::measure_text_width;
use jiff::civil::date;
use rust_decimal::Decimal;

use super::{Top, csv, page};
use crate::page::TextStyle;
use trailtab_core::cost::charge::ChargeType;
use trailtab_core::cost::owner::CostOwner;
use trailtab_core::cost::report::sample;
use trailtab_core::cost::report::sample_bill::{
    Bill, FORGOTTEN, PRODUCTION, SANDBOX, bill, decimal, executive, individual, manager, names,
    november, owner, reports,
};
use trailtab_core::cost::report::{
    Audience, CommitmentUse, CostReport, KnownMonths, LabelKind, ReportQuestion, ReportRow,
    Restatement, RowLabel, report,
};

const LOOK: TextStyle = TextStyle {
    width: 100,
    colour: false,
};

fn with_end(mut report: CostReport) -> CostReport {
    report.restatements.push(Restatement {
        mailed: date(2026, 11, 1),
        days: report.period.compared.unwrap(),
        currency: "USD".to_owned(),
        was: decimal("-40.1"),
        is: decimal("41.8"),
        sentence: "1–18 October was mailed as -$40.10 and is $41.80 now.".to_owned(),
    });
    let problems = &mut report.basis.problems;
    problems.push("Organizations: access denied; names are Cost Explorer's".to_owned());
    report
        .basis
        .notes
        .push("Support arrives on the 6th.".to_owned());
    report
}

#[test]
fn pages() {
    for (kind, report) in reports() {
        let name = format!("page_of_{kind}");
        insta::assert_snapshot!(name, page(&with_end(report), LOOK));
    }
}

#[test]
fn a_page_of_nothing_says_so() {
    let (bill, names) = (bill(), names());
    let nobody = owner("nobody@example.com");
    let report = report(
        &bill.table(),
        &individual(&nobody),
        Some(&nobody),
        &november(&names),
    );
    insta::assert_snapshot!(page(&report, LOOK), @r"
    Usage of nobody@example.com, 1–20 November 2026
    UnblendedCost, settled through 18 November 2026

    No usage in 1–18 November 2026.

    Notes
      Owners come from the tag Owner.
      Amounts are rounded to cents here; CSV and JSON have all digits.
      As of 2026-11-21 05:59 UTC. This run: 3 requests to Cost Explorer, $0.03.
    ");
}

#[test]
fn tables() {
    for (kind, report) in reports() {
        let csv = csv(&with_end(report)).unwrap();
        insta::assert_snapshot!(format!("csv_of_{kind}"), String::from_utf8(csv).unwrap());
    }
}

/// A bill with many hostile names.
fn hostile() -> Bill {
    let mut bill = bill();
    let long = "x".repeat(10_000);
    let attempts = [
        "=cmd|'/c calc'!A1",
        "-1+1",
        "\u{1b}[2J\r\n\u{202e}",
        "<img src=x>",
        "名前\"',;",
        "@x",
        &long,
    ];
    let day = date(2026, 11, 18);
    for (at, name) in attempts.iter().enumerate() {
        let amount = (at + 10).to_string();
        bill.used(day, PRODUCTION, &owner(name), name, &amount);
        bill.used(day, FORGOTTEN, &owner(name), name, "-0.001");
    }
    for n in 0..40 {
        bill.used(day, SANDBOX, &owner(&format!("user {n}")), "S3", "0.019");
    }
    let at = bill.0.len();
    bill.charged(day, Some(PRODUCTION), ChargeType::Other, "1234567.891");
    for (key, _) in &mut bill.0[at..] {
        key.currency = "\u{1b}E\nR".to_owned();
    }
    bill
}

fn hostile_reports() -> Vec<CostReport> {
    let mut names = names();
    names.insert(FORGOTTEN.to_owned(), "=\u{7}evil\n".repeat(50));
    let (bill, long) = (hostile(), owner(&"x".repeat(10_000)));
    let audiences: [(Audience, Option<&CostOwner>); 4] = [
        (manager(&[PRODUCTION, SANDBOX, FORGOTTEN]), None),
        (manager(&[PRODUCTION]), None),
        (executive(), None),
        (individual(&long), Some(&long)),
    ];
    let report = |(audience, owner): (Audience, Option<&CostOwner>)| {
        report(&bill.table(), &audience, owner, &november(&names))
    };
    audiences.into_iter().map(report).collect()
}

#[test]
fn pages_fit_and_nothing_in_them_is_obeyed() {
    for report in hostile_reports() {
        for width in [60, 80, 120, 160] {
            for colour in [false, true] {
                let page = page(&report, TextStyle { width, colour });
                let plain = console::strip_ansi_codes(&page);
                for line in plain.lines() {
                    assert!(measure_text_width(line) <= width, "{width}: {line}");
                }
                let obeyed = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
                assert!(!plain.contains(obeyed));
                assert!(page.len() < 100_000);
            }
        }
    }
}

#[test]
fn months_are_compared_by_day_and_only_with_the_month_before() {
    let (bill, names) = (bill(), names());
    let alice = owner("alice@example.com");
    let mut earlier = Bill::default();
    // July is missing; August has 31 days, and September 30.
    for (day, usage) in [
        (date(2026, 6, 1), "30"),
        (date(2026, 8, 1), "62"),
        (date(2026, 9, 1), "60"),
    ] {
        earlier.used(day, PRODUCTION, &alice, "Amazon S3", usage);
    }
    earlier.charged(date(2026, 9, 1), Some(PRODUCTION), ChargeType::Tax, "5");
    let (table, earlier) = (bill.table(), earlier.table());
    let known = |table, months: &[i8]| KnownMonths {
        table,
        months: months.iter().map(|month| date(2026, *month, 1)).collect(),
        has_charges: true,
    };
    let question = ReportQuestion {
        months: vec![known(&table, &[10]), known(&earlier, &[6, 7, 8, 9])],
        ..november(&names)
    };
    let report = report(&table, &manager(&[PRODUCTION, SANDBOX]), None, &question);
    let page = page(&report, LOOK);
    let at = page.find("The bill, month by month").unwrap();
    let table: Vec<&str> = page[at..]
        .lines()
        .take_while(|line| !line.is_empty())
        .collect();
    insta::assert_snapshot!(table.join("\n"), @r"
    The bill, month by month
      month                   bill   usage  usage a day  change
      June 2026             $30.00  $30.00        $1.00
      August 2026           $62.00  $62.00        $2.00
      September 2026        $65.00  $60.00        $2.00  ±0.0 %
      October 2026          $68.74  $64.24        $2.07  +3.6 %
      November 2026 so far  $61.36  $59.80
    ");
    let records = records(&report);
    let months = records
        .iter()
        .filter(|record| record["section"].starts_with("month_"));
    let months = months.map(|it| {
        format!(
            "{} {} {} {}",
            it["section"], it["from"], it["through"], it["amount"]
        )
    });
    insta::assert_snapshot!(months.collect::<Vec<_>>().join("\n"), @r"
    month_total 2026-06-01 2026-06-30 30
    month_usage 2026-06-01 2026-06-30 30
    month_total 2026-08-01 2026-08-31 62
    month_usage 2026-08-01 2026-08-31 62
    month_total 2026-09-01 2026-09-30 65
    month_usage 2026-09-01 2026-09-30 60
    month_total 2026-10-01 2026-10-31 68.7427160459
    month_usage 2026-10-01 2026-10-31 64.2427160459
    ");
}

#[test]
fn a_table_has_what_is_known_of_commitments() {
    let mut report = sample::executive();
    let days = report.period.days;
    report.parts[0].commitments = Some(CommitmentUse {
        days,
        covered: None,
        used: Some(decimal("7.5")),
        unused: Some(decimal("0")),
        sentence: String::new(),
    });
    let told = records(&report).into_iter();
    let told = told.filter(|it| it["section"].starts_with("commitment_"));
    let told: Vec<String> = told
        .map(|it| format!("{} {} {}", it["section"], it["from"], it["amount"]))
        .collect();
    let from = days.from;
    let expected = [
        format!("commitment_used {from} 7.5"),
        format!("commitment_unused {from} 0"),
    ];
    assert_eq!(told, expected);
}

type Record = BTreeMap<String, String>;

fn records(report: &CostReport) -> Vec<Record> {
    let bytes = csv(report).unwrap();
    let mut reader = ::csv::Reader::from_reader(&bytes[..]);
    reader.deserialize().map(Result::unwrap).collect()
}

#[test]
fn tables_add_up_and_hold_no_formula() {
    for report in hostile_reports() {
        let mut sums: BTreeMap<(String, String), Decimal> = BTreeMap::new();
        for record in records(&report) {
            for column in ["account_id", "account", "name", "currency"] {
                assert!(!record[column].starts_with(['=', '+', '-', '@', '\t', '\r']));
                assert!(!record[column].contains(char::is_control));
            }
            let key = (record["currency"].clone(), record["section"].clone());
            *sums.entry(key).or_default() += decimal(&record["amount"]);
        }
        let sum = |currency: &str, section: &str| {
            let key = (currency.to_owned(), section.to_owned());
            sums.get(&key).copied().unwrap_or_default()
        };
        for part in &report.parts {
            let currency = crate::escape::cell(&part.currency);
            let of = |section| sum(&currency, section);
            assert_eq!(of("total"), part.total.amount);
            for section in [
                "charge",
                "account",
                "account_charge",
                "day_total",
                "day_charge",
            ] {
                assert_eq!(of(section), part.total.amount, "{section}");
            }
            assert_eq!(of("day_service"), of("service"));
            assert_eq!(of("day_owner"), of("owner"));
            let before: Decimal = part.daily_before.iter().sum();
            assert_eq!(of("compared_day_total"), before);
        }
    }
}

#[test]
fn a_table_and_a_page_of_one_hold_nothing_of_another() {
    let (bill, names) = (hostile(), names());
    let sandbox = report(&bill.table(), &manager(&[SANDBOX]), None, &november(&names));
    let bob = owner("bob");
    let personal = report(
        &bill.table(),
        &individual(&bob),
        Some(&bob),
        &november(&names),
    );
    let foreign = [
        PRODUCTION,
        FORGOTTEN,
        "Production",
        "cmd",
        "Amazon RDS",
        "7.2",
    ];
    let owned = [
        SANDBOX,
        FORGOTTEN,
        "alice",
        "user 1",
        "(untagged)",
        "Credit",
    ];
    for (report, foreign) in [(sandbox, foreign), (personal, owned)] {
        let csv = String::from_utf8(csv(&report).unwrap()).unwrap();
        let page = page(&report, LOOK);
        for name in foreign {
            assert!(!csv.contains(name), "{name}");
            assert!(!page.contains(name), "{name}");
        }
    }
}

#[test]
fn the_top_and_the_others_are_the_whole() {
    let row = |n: i64| ReportRow {
        label: RowLabel {
            kind: LabelKind::Owner,
            name: n.to_string(),
        },
        figure: trailtab_core::cost::report::RowFigure {
            amount: Decimal::new(n, 2),
            settled: Decimal::new(n, 2),
            before: Some(Decimal::new(n, 3)),
            last_day: Some(Decimal::ONE),
            day_before: None,
        },
        daily: Vec::new(),
        estimate: None,
    };
    let rows: Vec<ReportRow> = (-3..12).rev().map(row).collect();
    let top = Top::of(&rows, 10);
    assert_eq!((top.rows.len(), top.others), (10, 5));
    let shown: Decimal = top.rows.iter().map(|row| row.figure.amount).sum();
    assert_eq!(shown + top.rest.amount, top.whole.amount);
    assert_eq!(top.rest.last_day, Some(Decimal::from(5)));
    assert_eq!(
        (top.rest.before, top.rest.day_before),
        (Some(decimal("-0.005")), None)
    );
    assert_eq!(Top::of(&[], 10).whole.before, None);
}
