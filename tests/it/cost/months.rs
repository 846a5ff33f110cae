//! The months before the shown one.

use jiff::ToSpan as _;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{LAB, Lab, PAYER, first, money, part, report_of, rows};
use crate::support::aws::{Bill, Charge, Entry, World};

/// A day of the month so many months before the shown one.
fn back(months: i64) -> Date {
    first()
        .saturating_sub(months.months())
        .saturating_add(9.days())
}

/// Usage of two accounts and tax in the eight months before the shown one and in that; the second account is new four
/// months ago.
fn charges() -> Vec<Charge> {
    let months = (0..=8).flat_map(|month| {
        let usage = Charge::new(
            back(month),
            PAYER,
            "EC2 - Other",
            &format!("{}", 100 + month),
        );
        let tax = Charge::new(back(month), PAYER, "Tax", "7").kind("Tax");
        let other = Charge::new(back(month), LAB, "EC2 - Other", "10");
        [usage, tax]
            .into_iter()
            .chain((month <= 4).then_some(other))
    });
    let support = Charge::new(back(3), PAYER, "AWS Support", "29").kind("Support");
    months.chain([support.without_account()]).collect()
}

/// A lab whose months are final.
fn lab() -> Lab {
    let bill = Bill::new(charges()).estimated_from(first().saturating_add(1.month()));
    let members = super::members(&bill);
    let world = World::new(super::now()).bill(PAYER, bill);
    Lab::of(world.organization(PAYER, members))
}

fn last_month(lab: &Lab, args: &[&str]) -> Value {
    let period = ["--last-month", "--format", "json", "--cache", "kept"];
    let mut command = lab.command();
    command.args(period).args(args);
    report_of(&lab.sandbox.finish(command, b""), 0)
}

/// Month, usage and bill.
fn trend(report: &Value) -> Vec<(String, Decimal, Decimal)> {
    let months = rows(&part(report)["trend"]).iter();
    let months = months.map(|month| {
        let from = month["month"]["from"].as_str().unwrap().to_owned();
        (from, money(&month["usage"]), money(&month["total"]))
    });
    months.collect()
}

fn expected(of: impl Fn(i64) -> Option<(i64, i64)>) -> Vec<(String, Decimal, Decimal)> {
    let months = (1..=6).rev().filter_map(|month| {
        let (usage, total) = of(month)?;
        let from = back(month).first_of_month().to_string();
        Some((from, usage.into(), total.into()))
    });
    months.collect()
}

fn by_month(lab: &Lab) -> Vec<Entry> {
    let asked = lab.granted().into_iter();
    let is_monthly = |entry: &Entry| entry.request.parameters["Granularity"] == "MONTHLY";
    asked.filter(is_monthly).collect()
}

#[test]
fn six_months_take_one_request_and_are_kept() {
    let lab = lab();
    let report = last_month(&lab, &[]);
    let in_all = expected(|month| {
        let usage = 100 + month + if month <= 4 { 10 } else { 0 };
        Some((usage, usage + 7 + if month == 3 { 29 } else { 0 }))
    });
    assert_eq!(trend(&report), in_all);
    let asked = by_month(&lab);
    assert_eq!(asked.len(), 1);
    // The month before is among the days that are asked for anyway.
    let days = &asked[0].request.parameters["TimePeriod"];
    assert_eq!(days["Start"], back(6).first_of_month().to_string());
    assert_eq!(days["End"], back(1).first_of_month().to_string());
    // A month that is final is never paid for again, however old the answer is.
    let again = last_month(&lab, &["--max-age", "0"]);
    assert_eq!(trend(&again), in_all);
    assert_eq!(by_month(&lab).len(), 1);
}

#[test]
fn months_of_an_account_are_its_own_and_absent_before_it_existed() {
    let lab = lab();
    let report = last_month(&lab, &["--account", LAB]);
    let of_lab = expected(|month| (month <= 4).then_some((10, 10)));
    assert_eq!(trend(&report), of_lab);
    let asked = by_month(&lab);
    assert_eq!(asked.len(), 1);
    let filter = &asked[0].request.parameters["Filter"];
    assert_eq!(
        filter["Dimensions"],
        json!({"Key": "LINKED_ACCOUNT", "Values": [LAB]})
    );
}

#[test]
fn owners_and_other_days_have_no_months() {
    let lab = lab();
    let report = last_month(&lab, &["--untagged"]);
    assert_eq!(part(&report)["trend"], json!([]));
    let range = lab.report(&[]);
    assert_eq!(part(&range)["trend"], json!([]));
    assert_eq!(by_month(&lab).len(), 0);
}

#[test]
fn saved_months_are_shown_offline_as_far_as_they_go() {
    let lab = lab();
    let saved = last_month(&lab, &["--save", "saved"]);
    let offline = last_month(&lab, &["--offline", "saved"]);
    assert_eq!(trend(&offline), trend(&saved));
    // What was saved for all accounts together tells nothing about the months of one.
    let one = last_month(&lab, &["--offline", "saved", "--account", PAYER]);
    assert_eq!(trend(&one).len(), 1);
}

#[test]
fn months_that_could_not_be_read_are_left_out_and_named() {
    let lab = lab();
    let plan = lab.cost(&["--last-month", "--plan"]).expect(0).err;
    assert!(plan.contains("the months before, by charge type"), "{plan}");
    let requests = lab.report(&[])["basis"]["requests"].to_string();
    let limited = ["--last-month", "--max-requests", &requests];
    let limited = lab.cost(&[&limited[..], &["--format", "json"]].concat());
    let report = report_of(&limited, 3);
    assert_eq!(trend(&report).len(), 1);
    let problems = report["basis"]["problems"].to_string();
    assert!(
        problems.contains("the months before could not be read"),
        "{problems}"
    );
    // A mail goes out without them, and says so.
    let config = super::config(&[("head@example.com", &[PAYER])], &[]);
    lab.sandbox.write("config.json", config.to_string());
    let sent = lab.cost(&[
        "--config",
        "config.json",
        "--send",
        "--dry-run",
        "--output",
        "mails",
        "--last-month",
        "--max-requests",
        "2",
    ]);
    let said = sent.out.clone() + &sent.err;
    assert!(
        said.contains("the months before could not be read"),
        "{said}"
    );
    let mails = crate::support::files_below(&lab.sandbox.path("mails"));
    let html = mails
        .iter()
        .find(|path| path.extension().is_some_and(|it| it == "html"));
    let html = std::fs::read_to_string(html.unwrap()).unwrap();
    assert!(
        html.contains("Left out: the months before could not be read"),
        "{html}"
    );
}
