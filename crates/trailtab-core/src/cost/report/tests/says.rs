//! Reports on a known bill.

use jiff::civil::date;

use crate::cost::charge::ChargeType;
use crate::cost::owner::CostOwner;
use crate::cost::period::DayRange;
use crate::cost::report::sample_bill::{FORGOTTEN, PRODUCTION, SANDBOX};
use crate::cost::report::sample_bill::{
    bill, decimal, executive, individual, manager, names, november, owner, reports, steady_bill,
};
use crate::cost::report::{
    AudienceKind, BillLine, CostReport, LabelKind, Mover, PeriodKind, ReportQuestion, ReportRow,
    UsageMovers, report, sample_bill, total_of,
};
use crate::cost::table::CostTable;

fn rows(rows: &[ReportRow]) -> Vec<(&str, String)> {
    let row = |row: &'_ ReportRow| row.figure.amount.normalize().to_string();
    rows.iter()
        .map(|r| (r.label.name.as_str(), row(r)))
        .collect()
}

fn of(kind: AudienceKind) -> CostReport {
    let reports = reports();
    let mut reports = reports.into_iter().map(|(_, report)| report);
    reports.find(|report| report.audience.kind == kind).unwrap()
}

#[test]
fn a_manager_sees_each_account_by_owner_and_service() {
    let report = of(AudienceKind::Manager);
    let [part] = &report.parts[..] else { panic!() };
    assert_eq!(part.total.amount, decimal("61.3622222202"));
    let [production, sandbox] = &part.accounts[..] else {
        panic!()
    };
    assert_eq!(production.row.label.name, "Production (111122223333)");
    let owners = [("alice@example.com", "45"), ("bob", "7.2")];
    let owners = owners.map(|(name, amount)| (name, amount.to_owned()));
    assert_eq!(rows(&production.owners), owners);
    let kinds = sandbox
        .owners
        .iter()
        .map(|row| (row.label.kind, &*row.label.name));
    let kinds: Vec<_> = kinds.collect();
    let expected = [
        (LabelKind::Untagged, "(untagged)"),
        (LabelKind::Instances, "(instances i-*)"),
        (LabelKind::Owner, "alice@example.com"),
        (LabelKind::Owner, "\"(untagged)\""),
    ];
    assert_eq!(kinds, expected);
    let charges = sandbox.charges.iter().map(|row| row.charge);
    assert_eq!(
        charges.collect::<Vec<_>>(),
        [ChargeType::Usage, ChargeType::Credit]
    );
    // Support belongs to no account, so this manager must not see it.
    assert!(
        part.charges
            .iter()
            .all(|row| row.charge != ChargeType::Support)
    );
    assert_eq!(
        part.sentence,
        "Usage of 1–18 November 2026 came to $59.80, $22.50 (60.3 %) more than 1–18 October. \
         Largest change: Amazon RDS in Production, +$22.50."
    );
}

#[test]
fn an_individual_sees_their_usage_in_all_accounts() {
    let report = of(AudienceKind::Individual);
    let [part] = &report.parts[..] else { panic!() };
    assert_eq!(part.total.amount, decimal("45.2222222202"));
    assert_eq!(part.charges.len(), 1);
    assert!(part.owners.is_empty());
    // Names come from elsewhere: an individual's audience has no accounts.
    assert_eq!(
        part.accounts[0].account.as_ref().unwrap().name,
        "Production"
    );
    assert_eq!(
        part.sentence,
        "Usage of 1–18 November 2026 came to $45.22, $22.50 (99.0 %) more than 1–18 October. \
         Largest change: Amazon RDS in Production, +$22.50."
    );
}

#[test]
fn an_executive_sees_all_accounts_and_what_belongs_to_none() {
    let report = of(AudienceKind::Executive);
    let [part] = &report.parts[..] else { panic!() };
    assert_eq!(part.total.amount, decimal("90.3622222202"));
    let names: Vec<&str> = part
        .accounts
        .iter()
        .map(|part| &*part.row.label.name)
        .collect();
    let expected = [
        "Production (111122223333)",
        "(no account)",
        "Sandbox (444455556666)",
    ];
    assert_eq!(names, expected);
    assert_eq!(part.accounts[1].account, None);
    assert_eq!(part.owners.len(), 5);
    let first = |movers: &[Mover]| movers[0].label.name.clone();
    assert_eq!(first(&part.movers.accounts), "Production (111122223333)");
    assert_eq!(first(&part.movers.services), "Amazon RDS");
    assert_eq!(first(&part.movers.owners), "alice@example.com");
}

#[test]
fn an_account_that_is_not_listed_still_counts() {
    let (mut bill, names) = (bill(), names());
    let day = date(2026, 11, 2);
    bill.used(day, FORGOTTEN, &CostOwner::Untagged, "Amazon S3", "100");
    let report = report(&bill.table(), &executive(), None, &november(&names));
    let first = report.parts[0].accounts[0].account.as_ref().unwrap();
    assert_eq!((&*first.id, &*first.name), (FORGOTTEN, FORGOTTEN));
}

#[test]
fn the_period_says_how_far_the_data_goes() {
    let period = of(AudienceKind::Manager).period;
    assert_eq!(period.label, "1–20 November 2026");
    assert_eq!(period.compared_label.unwrap(), "1–18 October");
    assert_eq!(period.data_through, Some(date(2026, 11, 18)));
    assert_eq!(period.estimated, [date(2026, 11, 17), date(2026, 11, 18)]);
}

#[test]
fn history_goes_to_the_end_of_the_month() {
    let report = of(AudienceKind::Manager);
    let part = &report.parts[0];
    assert_eq!((part.daily.len(), part.daily_before.len()), (18, 31));
    let october = DayRange {
        from: date(2026, 10, 1),
        through: date(2026, 10, 31),
    };
    let audience = manager(&[PRODUCTION, SANDBOX]);
    let total = total_of(&bill().table(), &audience, None, october);
    assert_eq!(total["USD"], part.daily_before.iter().sum());
}

#[test]
fn what_changed_between_two_requests_has_a_row_of_its_own() {
    let names = names();
    for (amount, difference) in [("0.5", "0.5"), ("-0.5", "-0.5")] {
        let mut bill = bill();
        let day = date(2026, 11, 18);
        bill.used(day, PRODUCTION, &owner("bob"), "Amazon RDS", amount);
        bill.0.retain(|(key, line)| {
            let late = line.amount == decimal(amount);
            !(late && key.cuts.services)
        });
        let report = report(
            &bill.table(),
            &manager(&[PRODUCTION]),
            None,
            &november(&names),
        );
        let part = &report.parts[0];
        let mut unknown = part.services.iter();
        let unknown = unknown.find(|row| row.label.kind == LabelKind::Unassigned);
        let unknown = unknown.unwrap();
        assert_eq!(unknown.label.name, "(changed between requests)");
        assert_eq!(unknown.figure.amount, decimal(difference));
        assert!(
            part.owners
                .iter()
                .all(|row| row.label.kind == LabelKind::Owner)
        );
        assert_eq!(report.basis.notes.len(), 1);
    }
}

#[test]
fn currencies_stay_apart_and_the_main_one_comes_first() {
    let (mut bill, names) = (bill(), names());
    let day = date(2026, 11, 2);
    for (currency, owner) in [("CNY", "ann"), ("EUR", "ann"), ("EUR", "bob")] {
        let at = bill.0.len();
        bill.used(
            day,
            SANDBOX,
            &sample_bill::owner(owner),
            "Amazon S3",
            "1000000",
        );
        for (key, _) in &mut bill.0[at..] {
            key.currency = currency.to_owned();
        }
    }
    let report = report(&bill.table(), &manager(&[SANDBOX]), None, &november(&names));
    let parts = report.parts.iter();
    let parts: Vec<_> = parts
        .map(|part| (&*part.currency, part.total.amount.normalize()))
        .collect();
    let expected = [
        ("USD", decimal("4.6022222202")),
        ("EUR", decimal("2000000")),
        ("CNY", decimal("1000000")),
    ];
    assert_eq!(parts, expected);
}

#[test]
fn who_spent_nothing_is_told_so() {
    let (table, names) = (bill().table(), names());
    let nobody = owner("nobody@example.com");
    let question = november(&names);
    let idle = report(&table, &individual(&nobody), Some(&nobody), &question);
    assert_eq!(idle.sentences(), ["No usage in 1–18 November 2026."]);
    let idle = report(&table, &manager(&[FORGOTTEN]), None, &question);
    assert_eq!(idle.sentences(), ["No usage in 1–18 November 2026."]);
    let question = ReportQuestion {
        data_through: None,
        ..question
    };
    let early = report(&table, &executive(), None, &question);
    assert!(early.parts.is_empty());
    assert_eq!(early.period.compared, None);
    assert_eq!(
        early.sentences(),
        ["There is no data for 1–20 November 2026 yet."]
    );
}

#[test]
fn days_that_were_not_asked_for_are_compared_with_nothing() {
    let (table, names) = (bill().table(), names());
    let question = ReportQuestion {
        data_from: date(2026, 10, 2),
        ..november(&names)
    };
    let alone = report(&table, &executive(), None, &question);
    assert_eq!(alone.period.compared, None);
    for part in &alone.parts {
        assert_eq!(part.total.before, None);
        assert_eq!(part.movers, UsageMovers::default());
        assert!(part.daily_before.is_empty() && part.bill.is_empty());
    }
    let question = ReportQuestion {
        data_from: date(2026, 10, 1),
        ..question
    };
    assert!(
        report(&table, &executive(), None, &question)
            .period
            .compared
            .is_some()
    );
}

#[test]
fn what_is_gone_is_kept_for_the_comparison() {
    let names = names();
    let mut bill = sample_bill::Bill::default();
    let used = [(3, "Amazon RDS", "40"), (31, "Amazon S3", "9")];
    for (day, service, amount) in used {
        let day = date(2026, 10, day);
        bill.used(day, SANDBOX, &CostOwner::Untagged, service, amount);
    }
    let report = report(&bill.table(), &manager(&[SANDBOX]), None, &november(&names));
    let part = &report.parts[0];
    assert_eq!(rows(&part.services), [("Amazon RDS", "0".to_owned())]);
    assert_eq!(part.total.before, Some(decimal("40")));
    assert_eq!(
        part.sentence,
        "No usage in 1–18 November 2026; 1–18 October came to $40.00. \
         Largest change: Amazon RDS, -$40.00."
    );
}

#[test]
fn sentences_say_what_there_is_to_compare() {
    let names = names();
    let sentence = |before: &str, amount: &str| {
        let mut bill = sample_bill::Bill::default();
        let day = date(2026, 11, 18);
        bill.used(day, SANDBOX, &CostOwner::Untagged, "Amazon S3", amount);
        let day = date(2026, 10, 18);
        bill.used(day, SANDBOX, &CostOwner::Untagged, "Amazon S3", before);
        let report = report(&bill.table(), &manager(&[SANDBOX]), None, &november(&names));
        report.parts[0].sentence.clone()
    };
    let start = "Usage of 1–18 November 2026 came to $1.25";
    let with = |rest: &str| format!("{start}, {rest} 1–18 October.");
    assert_eq!(sentence("1.25", "1.25"), with("as much as"));
    assert_eq!(
        sentence("0", "1.25"),
        with("against nothing in") + " Largest change: Amazon S3, +$1.25."
    );
    assert_eq!(sentence("1.75", "1.25"), with("$0.50 (28.6 %) less than"));
    assert_eq!(
        sentence("-0.5", "1.25"),
        with("$1.75 more than") + " Largest change: Amazon S3, +$1.75."
    );
    assert_eq!(
        sentence("1.2499", "1.25"),
        format!("{start}, about as much as 1–18 October ($1.25).")
    );
}

#[test]
fn a_day_that_is_not_over_is_said_to_be() {
    let names = names();
    let question = ReportQuestion {
        today: date(2026, 11, 18),
        ..november(&names)
    };
    let report = report(&bill().table(), &executive(), None, &question);
    let expected = ["18 November 2026 is not over: its amounts will grow."];
    assert_eq!(report.basis.notes, expected);
}

#[test]
fn the_first_day_has_no_day_before() {
    let names = names();
    let question = ReportQuestion {
        data_through: Some(date(2026, 11, 1)),
        ..november(&names)
    };
    let report = report(&bill().table(), &executive(), None, &question);
    let total = report.parts[0].total;
    assert_eq!(
        (Some(total.amount), total.day_before),
        (total.last_day, None)
    );
    assert_eq!(report.period.compared_label.unwrap(), "1 October");
}

#[test]
fn a_whole_month_is_compared_with_a_longer_one() {
    let names = names();
    let days = DayRange {
        from: date(2026, 11, 1),
        through: date(2026, 11, 30),
    };
    let question = ReportQuestion {
        kind: PeriodKind::LastMonth,
        days,
        data_through: Some(date(2026, 12, 3)),
        settled_through: date(2026, 12, 2),
        today: date(2026, 12, 5),
        ..november(&names)
    };
    let report = report(&bill().table(), &executive(), None, &question);
    assert_eq!(report.period.data_through, Some(days.through));
    assert_eq!(
        report.period.compared_label.as_deref(),
        Some("1–31 October")
    );
    assert!(report.period.is_settled_month());
    let before = &report.parts[0];
    assert_eq!(before.total.before, Some(before.daily_before.iter().sum()));
    assert!(
        before
            .sentence
            .ends_with(" Charges so far came to $90.36; 1–31 October came to $68.74."),
        "{}",
        before.sentence
    );
}

#[test]
fn nothing_is_nothing() {
    let names = names();
    let report = report(&CostTable::default(), &executive(), None, &november(&names));
    assert!(report.parts.is_empty() && report.basis.notes.is_empty());
}

#[test]
fn days_that_are_loading_are_shown_and_not_compared() {
    let names = names();
    let question = ReportQuestion {
        data_through: Some(date(2026, 11, 20)),
        ..november(&names)
    };
    let table = steady_bill().table();
    let steady = report(&table, &manager(&[SANDBOX]), None, &question);
    let [part] = &steady.parts[..] else { panic!() };
    assert_eq!(
        part.sentence,
        "Usage of 1–18 November 2026 came to $180.00, as much as 1–18 October."
    );
    assert_eq!(
        steady.loading_sentence(part).unwrap(),
        "19–20 November 2026 are still loading: $12.70 so far."
    );
    assert_eq!(part.movers, UsageMovers::default());
    let usage = part.usage;
    assert_eq!(
        (usage.amount, usage.settled),
        (decimal("192.7"), decimal("180"))
    );
    assert_eq!(
        (usage.last_day, usage.day_before),
        (Some(decimal("10")), Some(decimal("10")))
    );
    // As soon as no day is settled, nothing is compared.
    let question = ReportQuestion {
        settled_through: date(2026, 10, 31),
        ..question
    };
    let early = report(&table, &manager(&[SANDBOX]), None, &question);
    assert_eq!(
        early.parts[0].sentence,
        "1–20 November 2026 are still loading: $192.70 of usage so far."
    );
    assert_eq!(early.period.compared, None);
    assert_eq!(early.parts[0].usage.before, None);
}

#[test]
fn what_is_charged_once_a_month_stands_beside_last_month() {
    let names = names();
    let question = ReportQuestion {
        data_through: Some(date(2026, 11, 20)),
        ..november(&names)
    };
    let report = report(
        &steady_bill().table(),
        &manager(&[SANDBOX]),
        None,
        &question,
    );
    let row = |charge, so_far: &str, month_before: &str, is_to_come| BillLine {
        charge,
        so_far: decimal(so_far),
        month_before: decimal(month_before),
        is_to_come,
    };
    let expected = [
        row(ChargeType::Usage, "192.7", "310", false),
        row(ChargeType::Credit, "0", "-5", false),
        row(ChargeType::Tax, "19", "31", false),
        row(ChargeType::Support, "0", "100", true),
    ];
    assert_eq!(report.parts[0].bill, expected);
}
