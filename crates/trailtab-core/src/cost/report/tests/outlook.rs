//! Estimates, unusual days and budgets in reports.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};

use crate::cost::budget::{BudgetOutlook, BudgetTarget, MonthlyBudget};
use crate::cost::charge::ChargeType;
use crate::cost::owner::CostOwner;
use crate::cost::period::DayRange;
use crate::cost::report::sample_bill::{
    Bill, PRODUCTION, SANDBOX, decimal, executive, individual, manager, names, november, owner,
    steady_bill,
};
use crate::cost::report::{Audience, CostReport, PeriodKind, ReportPart, ReportQuestion, report};
use crate::cost::table::{CostAmount, CostKey, LineCuts};
use crate::cost::tag_usage::{TagUsage, TagValue};

fn of(bill: &Bill, audience: &Audience, budgets: &[MonthlyBudget]) -> CostReport {
    let names = names();
    let question = ReportQuestion {
        data_through: Some(date(2026, 11, 20)),
        budgets,
        ..november(&names)
    };
    report(&bill.table(), audience, None, &question)
}

fn part(report: &CostReport) -> &ReportPart {
    let [part] = &report.parts[..] else { panic!() };
    part
}

#[test]
fn a_steady_month_comes_to_as_much_a_day() {
    let report = of(&steady_bill(), &manager(&[SANDBOX]), &[]);
    let outlook = part(&report).outlook.as_ref().unwrap();
    // The days that are loading would make it less.
    assert_eq!(outlook.usage.expected, decimal("300"));
    assert_eq!(outlook.month.label(), "1–30 November 2026");
    let bill = outlook.bill.as_ref().unwrap();
    // Tax and support are the same part of usage as in October; the credit may not come again.
    assert_eq!(
        bill.total.expected,
        decimal("300") + decimal("30") + decimal("96.77")
    );
    assert_eq!(bill.month_before, Some(decimal("436")));
    assert!(
        outlook
            .sentence
            .starts_with("Expected for all of November: usage of $")
            && outlook
                .sentence
                .contains("(October: $310.00), and a bill of $"),
        "{}",
        outlook.sentence
    );
    let owner = &part(&report).owners[0];
    assert_eq!(owner.estimate.unwrap().expected, decimal("300"));
    let account = part(&report).accounts[0].usage().unwrap();
    assert_eq!(account.estimate.unwrap().expected, decimal("300"));
}

#[test]
fn only_the_month_in_progress_is_estimated() {
    let names = names();
    for kind in [PeriodKind::LastMonth, PeriodKind::Range] {
        let question = ReportQuestion {
            kind,
            ..november(&names)
        };
        let report = report(&steady_bill().table(), &executive(), None, &question);
        let part = part(&report);
        assert!(part.outlook.is_none() && part.budgets.is_empty());
        assert!(part.owners.iter().all(|row| row.estimate.is_none()));
    }
}

#[test]
fn an_unusual_day_is_named_with_what_is_usual() {
    let mut bill = steady_bill();
    let calm = of(&bill, &manager(&[SANDBOX]), &[]);
    let unusual = part(&calm).unusual.as_ref().unwrap();
    assert_eq!(unusual.looked_at.label(), "12–18 November 2026");
    assert_eq!(unusual.found, []);
    bill.used(
        date(2026, 11, 17),
        SANDBOX,
        &owner("bob"),
        "AWS Glue",
        "310",
    );
    bill.used(
        date(2026, 11, 18),
        SANDBOX,
        &owner("bob"),
        "Amazon S3",
        "90",
    );
    // A day that is loading is not looked at.
    bill.used(
        date(2026, 11, 19),
        SANDBOX,
        &owner("bob"),
        "Amazon EC2",
        "900",
    );
    let report = of(&bill, &manager(&[SANDBOX]), &[]);
    let unusual = part(&report).unusual.as_ref().unwrap();
    let sentences: Vec<&str> = unusual.found.iter().map(|row| &*row.sentence).collect();
    assert_eq!(
        sentences,
        [
            "AWS Glue cost $310.00 on 17 November; it was not used before.",
            "Amazon S3 cost $100.00 on 18 November; usual is $10.00, as on the same weekdays before.",
        ]
    );
    // With several accounts, the account is named.
    bill.used(
        date(2026, 11, 1),
        PRODUCTION,
        &owner("bob"),
        "Amazon EC2",
        "1",
    );
    let report = of(&bill, &executive(), &[]);
    let unusual = part(&report).unusual.as_ref().unwrap();
    assert!(
        unusual.found[0]
            .sentence
            .starts_with("AWS Glue in Sandbox cost $310.00")
    );
    assert_eq!(unusual.found[0].account.as_ref().unwrap().id, SANDBOX);
}

#[test]
fn without_days_before_nothing_is_called_usual() {
    let mut bill = Bill::default();
    for day in 1..=10 {
        bill.used(
            date(2026, 11, day),
            SANDBOX,
            &owner("bob"),
            "Amazon S3",
            "1",
        );
    }
    let names = names();
    let question = ReportQuestion {
        // What was before is not known.
        data_from: date(2026, 11, 1),
        settled_through: date(2026, 11, 10),
        ..november(&names)
    };
    let report = report(&bill.table(), &executive(), None, &question);
    assert_eq!(part(&report).unusual, None);
}

#[test]
fn an_owner_whose_tag_is_new_has_nothing_unusual() {
    let ann = owner("ann@example.com");
    let mut bill = steady_bill();
    for day in 13..=18 {
        bill.used(date(2026, 11, day), SANDBOX, &ann, "Amazon EC2", "30");
    }
    let names = names();
    let unusual = |bill: &Bill| {
        let question = november(&names);
        let report = report(&bill.table(), &individual(&ann), Some(&ann), &question);
        part(&report).unusual.clone()
    };
    assert_eq!(unusual(&bill), None);
    // After a week there is something to compare with.
    for day in 2..=12 {
        bill.used(date(2026, 11, day), SANDBOX, &ann, "Amazon EC2", "30");
    }
    assert_eq!(unusual(&bill).unwrap().found, []);
}

fn budget(amount: &str, target: BudgetTarget) -> MonthlyBudget {
    MonthlyBudget {
        name: amount.to_owned(),
        amount: decimal(amount),
        currency: "USD".to_owned(),
        target,
    }
}

#[test]
fn budgets_say_what_is_used_and_when_they_will_be_passed() {
    let budgets = [
        budget("150", BudgetTarget::Account(SANDBOX.to_owned())),
        budget("250", BudgetTarget::Owner(CostOwner::Untagged)),
        budget("1000", BudgetTarget::Bill),
    ];
    let report = of(&steady_bill(), &executive(), &budgets);
    let rows = &part(&report).budgets;
    let outlooks: Vec<BudgetOutlook> = rows.iter().map(|row| row.status.outlook).collect();
    let expected = [
        BudgetOutlook::Passed,
        BudgetOutlook::WillPass,
        BudgetOutlook::Within,
    ];
    assert_eq!(outlooks, expected);
    // $180 of usage, and $19 of tax on the 1st.
    assert_eq!(rows[0].status.used, Some(decimal("199")));
    assert_eq!(rows[0].status.passed_on, Some(date(2026, 11, 14)));
    assert_eq!(rows[1].status.will_pass_on, Some(date(2026, 11, 26)));
    assert!(
        rows[1]
            .sentence
            .starts_with("Budget 250: $180.00 of $250.00 used (72.0 %); $")
    );
    assert!(
        rows[1]
            .sentence
            .ends_with("; will be passed on about 26 November 2026.")
    );
}

/// Usage of $8 a day with `project=apollo` since October, and of $1 with `project=zeus` in October alone.
fn by_project() -> BTreeMap<String, TagUsage> {
    let days = DayRange {
        from: date(2026, 10, 1),
        through: date(2026, 11, 20),
    };
    let line = |day, value: &str, currency: &str, amount: &str| {
        let key = CostKey::new(day, ChargeType::Usage, currency, LineCuts::default());
        let value = Some(value.to_owned());
        let amount = decimal(amount);
        let amount = CostAmount {
            amount,
            estimated: false,
        };
        (CostKey { value, ..key }, amount)
    };
    let apollo = days.iter().map(|day| line(day, "apollo", "USD", "8"));
    let others = [
        line(days.from, "zeus", "USD", "1"),
        line(date(2026, 11, 2), "apollo", "EUR", "1000"),
    ];
    let table = apollo.chain(others).collect();
    [("project".to_owned(), TagUsage::Read { days, table })].into()
}

fn on_tag(amount: &str, key: &str, value: &str) -> MonthlyBudget {
    let (key, value) = (key.to_owned(), value.to_owned());
    budget(amount, BudgetTarget::Tag(TagValue { key, value }))
}

#[test]
fn a_budget_on_a_tag_value_is_judged_by_the_settled_days_of_that_value() {
    let names = names();
    let tags = by_project();
    let budgets = [
        on_tag("100", "project", "apollo"),
        on_tag("200", "project", "apollo"),
        on_tag("50", "project", "zeus"),
    ];
    let question = ReportQuestion {
        data_through: Some(date(2026, 11, 20)),
        budgets: &budgets,
        tags: &tags,
        ..november(&names)
    };
    let of = |audience: &Audience| report(&steady_bill().table(), audience, None, &question);
    let report = of(&executive());
    let rows = &part(&report).budgets;
    // Eighteen days are settled.
    assert_eq!(rows[0].status.used, Some(decimal("144")));
    assert_eq!(rows[0].status.passed_on, Some(date(2026, 11, 13)));
    assert_eq!(
        rows[1].status.estimate.unwrap().expected,
        decimal("240"),
        "thirty days of $8"
    );
    assert_eq!(rows[1].status.will_pass_on, Some(date(2026, 11, 26)));
    assert_eq!(rows[1].status.outlook, BudgetOutlook::WillPass);
    // A value of October has no usage in November, which is known.
    assert_eq!(rows[2].status.used, Some(decimal("0")));
    // The tag is on usage of all accounts.
    assert_eq!(part(&of(&manager(&[SANDBOX]))).budgets, []);
}

#[test]
fn a_budget_on_a_tag_that_is_not_known_is_unknown_and_not_zero() {
    let names = names();
    let mut tags = by_project();
    let reason = "no answer".to_owned();
    tags.insert("team".to_owned(), TagUsage::Unread { reason });
    let budgets = [
        on_tag("1", "project", "apolo"),
        on_tag("2", "team", "a"),
        on_tag("3", "never asked for", "a"),
    ];
    let question = ReportQuestion {
        budgets: &budgets,
        tags: &tags,
        ..november(&names)
    };
    let report = report(&steady_bill().table(), &executive(), None, &question);
    for row in &part(&report).budgets {
        assert_eq!(row.status.used, None);
        assert_eq!(row.status.outlook, BudgetOutlook::Unknown);
    }
    let sentences: Vec<&str> = part(&report)
        .budgets
        .iter()
        .map(|row| row.sentence.as_str())
        .collect();
    assert_eq!(
        sentences[..2],
        [
            "Budget 1: it is not known how much of $1.00 is used, since the tag project has no value \"apolo\" in the costs of 1 October – 20 November 2026.",
            "Budget 2: it is not known how much of $2.00 is used, since usage by the tag team could not be read."
        ]
    );
}

#[test]
fn nobody_reads_budgets_of_others() {
    let ann = owner("ann@example.com");
    let mut bill = steady_bill();
    bill.used(date(2026, 11, 2), PRODUCTION, &ann, "Amazon S3", "5");
    bill.charged(date(2026, 11, 1), Some(PRODUCTION), ChargeType::Tax, "1");
    let budgets = [
        budget("1", BudgetTarget::Bill),
        budget("2", BudgetTarget::Account(SANDBOX.to_owned())),
        budget("3", BudgetTarget::Account(PRODUCTION.to_owned())),
        budget("4", BudgetTarget::Owner(ann.clone())),
        budget("5", BudgetTarget::Owner(CostOwner::Untagged)),
        MonthlyBudget {
            currency: "EUR".to_owned(),
            ..budget("6", BudgetTarget::Bill)
        },
    ];
    let names_of = |report: &CostReport| {
        let rows = part(report).budgets.iter();
        rows.map(|row| row.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        names_of(&of(&bill, &executive(), &budgets)),
        ["1", "2", "3", "4", "5"]
    );
    assert_eq!(
        names_of(&of(&bill, &manager(&[PRODUCTION]), &budgets)),
        ["3"]
    );
    let names = names();
    let question = ReportQuestion {
        budgets: &budgets,
        ..november(&names)
    };
    let report = report(&bill.table(), &individual(&ann), Some(&ann), &question);
    assert_eq!(names_of(&report), ["4"]);
    assert_eq!(part(&report).budgets[0].status.used, Some(decimal("5")));
    let _: Date = question.today;
}

#[test]
fn usage_without_an_owner_is_told_with_whom_to_ask() {
    let names = names();
    let mut bill = steady_bill();
    bill.used(
        date(2026, 11, 2),
        PRODUCTION,
        &owner("ann"),
        "Amazon S3",
        "820",
    );
    let contacts = [(SANDBOX.to_owned(), vec!["head@example.com".to_owned()])].into();
    let question = ReportQuestion {
        contacts: &contacts,
        ..november(&names)
    };
    let sentence = |audience: &Audience| {
        let report = report(&bill.table(), audience, None, &question);
        let tagged = part(&report).tagged.as_ref();
        tagged.map(|tagged| tagged.sentence.clone())
    };
    assert_eq!(
        sentence(&executive()).unwrap(),
        "82.0 % of usage has an owner; $180.00 has none: $180.00 in Sandbox (ask head@example.com)."
    );
    assert_eq!(
        sentence(&manager(&[PRODUCTION, SANDBOX])).unwrap(),
        "82.0 % of usage has an owner; $180.00 has none: $180.00 in Sandbox."
    );
    // All of it, or none.
    assert_eq!(sentence(&manager(&[PRODUCTION])), None);
    assert_eq!(sentence(&manager(&[SANDBOX])), None);
}
