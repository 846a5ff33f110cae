//! `--offline` with what `aws ce get-cost-and-usage` prints: the commands of docs/cost.md, their files in any
//! selection, and a real answer.

use std::fs;
use std::path::Path;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    Lab, account, amounts, charges, day, is_usage, money, part, report_of, row, rows, total, truth,
};
use crate::real_data::{folder, is_skipped};
use crate::support::Finished;
use crate::support::aws::Charge;

/// A command of the documentation: the name of its file, and its parameters.
struct PrintCommand {
    file: String,
    parameters: Value,
}

/// All commands of docs/cost.md that print answers.
fn documented() -> Vec<PrintCommand> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cost.md"));
    let text = fs::read_to_string(path).unwrap();
    let usage = text.lines().find_map(|line| line.strip_prefix("usage='"));
    let usage: Value = serde_json::from_str(usage.unwrap().trim_end_matches('\'')).unwrap();
    let commands = text.lines().filter_map(|line| {
        let words = line.strip_prefix("aws ce get-cost-and-usage $asked ")?;
        let (words, file) = words.split_once(" > bill/").unwrap();
        let group = |word: &str| {
            let (kind, key) = word.strip_prefix("Type=")?.split_once(",Key=")?;
            Some(json!({"Type": kind, "Key": key}))
        };
        let groups: Vec<Value> = words.split(' ').filter_map(group).collect();
        let mut parameters = json!({
            "TimePeriod": {"Start": day(-9).to_string(), "End": day(11).to_string()},
            "Granularity": "DAILY", "Metrics": ["UnblendedCost"], "GroupBy": groups,
        });
        if words.contains("--filter") {
            parameters["Filter"] = usage.clone();
        }
        let file = file.to_owned();
        Some(PrintCommand { file, parameters })
    });
    commands.collect()
}

/// Prints answers into `bill`, which holds nothing else afterwards.
fn print(lab: &Lab, files: &[(&str, Value)]) {
    let _ = fs::remove_dir_all(lab.sandbox.path("bill"));
    for (file, parameters) in files {
        let printed = lab.server.print_costs(super::PAYER, parameters.clone());
        lab.sandbox.write(format!("bill/{file}"), printed);
    }
}

fn print_documented(lab: &Lab, is_meant: impl Fn(&str) -> bool) {
    let commands = documented();
    assert_eq!(commands.len(), 5);
    let files = commands.iter().filter(|command| is_meant(&command.file));
    let files: Vec<_> = files
        .map(|command| (command.file.as_str(), command.parameters.clone()))
        .collect();
    print(lab, &files);
}

fn offline(lab: &Lab, args: &[&str]) -> Finished {
    let (since, until) = (day(1).to_string(), day(10).to_string());
    let period = ["--offline", "bill", "--since", &since, "--until", &until];
    lab.cost(&[&period[..], args].concat())
}

fn report(lab: &Lab, args: &[&str], code: i32) -> Value {
    report_of(&offline(lab, &[args, &["--format", "json"]].concat()), code)
}

/// A question by these groups, without a filter.
fn asked(groups: &[&str]) -> Value {
    let group = |group: &&str| match group.strip_prefix("tag:") {
        Some(key) => json!({"Type": "TAG", "Key": key}),
        None => json!({"Type": "DIMENSION", "Key": group}),
    };
    json!({
        "TimePeriod": {"Start": day(-9).to_string(), "End": day(11).to_string()},
        "Granularity": "DAILY", "Metrics": ["UnblendedCost"],
        "GroupBy": groups.iter().map(group).collect::<Vec<_>>(),
    })
}

fn problems(report: &Value) -> String {
    report["basis"]["problems"].to_string()
}

fn without_account(charges: &mut Vec<Charge>) {
    charges.push(
        Charge::new(day(3), super::PAYER, "AWS Support", "29.125")
            .kind("Support")
            .without_account(),
    );
}

#[test]
fn the_documented_commands_make_every_report() {
    let mut charges = charges(3, 6, 8);
    without_account(&mut charges);
    let lab = Lab::organized(charges);
    print_documented(&lab, |_| true);
    let requests = lab.server.requests().len();
    let parts = |report: &Value| {
        let part = part(report);
        // Names of accounts are those of Organizations, which was not asked.
        ["total", "daily", "charges", "owners", "services"].map(|list| part[list].clone())
    };
    let id = account(1);
    for args in [
        &[][..],
        &["--account", &id],
        &["--owner", "user3@example.com"],
        &["--untagged"],
    ] {
        let printed = report(&lab, args, 0);
        assert_eq!(parts(&printed), parts(&lab.report(args)), "{args:?}");
    }
    assert!(lab.server.requests().len() > requests);
    let accounts = amounts(&part(&report(&lab, &[], 0))["accounts"]);
    assert_eq!(accounts, total(&lab.report(&[])));
    let page = offline(&lab, &[]).expect(0);
    assert!(
        page.out.contains("do not say when they were asked"),
        "{}",
        page.out
    );
}

#[test]
fn one_file_makes_a_report_of_what_it_holds() {
    let charges = charges(3, 6, 8);
    let lab = Lab::organized(charges.clone());
    let all = truth(&charges, |_| true);
    for (groups, lists) in [
        (&["SERVICE"][..], &["services"][..]),
        (&["LINKED_ACCOUNT"], &["accounts"]),
        (&["tag:Owner"], &["owners"]),
        (&["RECORD_TYPE"], &["charges"]),
        (&["REGION"], &[]),
        (&[], &[]),
        (&["LINKED_ACCOUNT", "SERVICE"], &["accounts", "services"]),
        (&["tag:Owner", "SERVICE"], &["owners", "services"]),
    ] {
        print(&lab, &[("one.json", asked(groups))]);
        let report = offline(&lab, &["--format", "json"]).expect(3).summary();
        assert_eq!(total(&report), all, "{groups:?}");
        for list in ["accounts", "charges", "owners", "services"] {
            let is_there = !rows(&part(&report)[list]).is_empty();
            assert_eq!(is_there, lists.contains(&list), "{list} of {groups:?}");
            if is_there {
                assert_eq!(amounts(&part(&report)[list]), all, "{list} of {groups:?}");
            }
        }
        assert!(
            problems(&report).contains("the saved answers are by")
                || problems(&report).contains("the saved answers are in total"),
            "{report}"
        );
    }
    // What was not split is not called usage.
    print(&lab, &[("one.json", asked(&["SERVICE"]))]);
    let page = offline(&lab, &[]).expect(3);
    assert!(page.out.contains("all charges by service"), "{}", page.out);
    assert!(
        !page.out.contains("changed between requests"),
        "{}",
        page.out
    );
    let mails = offline(&lab, &["--output", "out"]).expect(3);
    assert!(mails.err.contains("cost.html"), "{}", mails.err);
}

#[test]
fn some_files_make_what_they_allow() {
    let charges = charges(3, 6, 8);
    let lab = Lab::organized(charges.clone());
    print_documented(&lab, |file| file == "owners.json" || file == "charges.json");
    let id = account(1);
    let manager = report(&lab, &["--account", &id], 3);
    let is_here = |charge: &Charge| charge.account.as_ref() == Some(&id);
    assert_eq!(total(&manager), truth(&charges, is_here));
    let usage = truth(&charges, |charge| is_here(charge) && is_usage(charge));
    assert_eq!(amounts(&part(&manager)["owners"]), usage);
    assert!(
        problems(&manager).contains("no services"),
        "{}",
        problems(&manager)
    );
    // A file by account does not tell who the owners are.
    print_documented(&lab, |file| file == "services.json");
    let failed = offline(&lab, &["--owner", "user3@example.com"]).expect(1);
    assert!(failed.err.contains("not by owner"), "{}", failed.err);
    print(&lab, &[("one.json", asked(&["SERVICE"]))]);
    let failed = offline(&lab, &["--account", &id]).expect(1);
    assert!(failed.err.contains("not by account"), "{}", failed.err);
    print(&lab, &[("one.json", asked(&["tag:owner"]))]);
    let failed = offline(&lab, &["--owner", "user3@example.com"]).expect(1);
    assert!(failed.err.contains("--owner-key owner"), "{}", failed.err);
}

#[test]
fn files_that_disagree_are_named_and_not_added() {
    let charges = charges(3, 6, 8);
    let lab = Lab::organized(charges.clone());
    let mut filtered = asked(&["SERVICE"]);
    filtered["Filter"] = json!({"Dimensions": {"Key": "LINKED_ACCOUNT", "Values": [account(1)]}});
    print(
        &lab,
        &[
            ("accounts.json", asked(&["LINKED_ACCOUNT"])),
            ("services.json", filtered),
        ],
    );
    let report = offline(&lab, &["--format", "json"]).expect(3).summary();
    assert_eq!(total(&report), truth(&charges, |_| true));
    assert!(
        problems(&report).contains("the files disagree"),
        "{}",
        problems(&report)
    );
    assert!(
        problems(&report).contains("services.json"),
        "{}",
        problems(&report)
    );
    // The same grouping twice.
    let mut filtered = asked(&["SERVICE"]);
    filtered["Filter"] = json!({"Dimensions": {"Key": "RECORD_TYPE", "Values": ["Usage"]}});
    print(
        &lab,
        &[("a.json", filtered), ("b.json", asked(&["SERVICE"]))],
    );
    let report = offline(&lab, &["--format", "json"]).expect(3).summary();
    assert_eq!(total(&report), truth(&charges, |_| true));
    assert!(
        problems(&report).contains("those of a.json are left out"),
        "{}",
        problems(&report)
    );
}

#[test]
fn months_have_no_days() {
    let charges = charges(2, 4, 8);
    let lab = Lab::organized(charges.clone());
    let mut monthly = asked(&["SERVICE"]);
    monthly["Granularity"] = "MONTHLY".into();
    monthly["TimePeriod"] = json!({
        "Start": day(0).first_of_month().to_string(),
        "End": day(1).last_of_month().tomorrow().unwrap().to_string(),
    });
    print(&lab, &[("month.json", monthly)]);
    let report = lab
        .cost(&["--offline", "bill", "--format", "json"])
        .expect(3)
        .summary();
    assert_eq!(total(&report), truth(&charges, |_| true));
    assert_eq!(part(&report)["daily"], json!([]));
    assert_eq!(part(&report)["total"]["last_day"], Value::Null);
    let before: Decimal = charges
        .iter()
        .filter(|charge| charge.day < day(1))
        .map(|charge| charge.amount("UnblendedCost"))
        .sum();
    assert_eq!(money(&part(&report)["total"]["before"]), before);
    let page = lab.cost(&["--offline", "bill"]).expect(3);
    assert!(!page.out.contains("last day"), "{}", page.out);
    // A part of the month is not known.
    let part_of = offline(&lab, &[]).expect(3);
    assert!(
        part_of.out.contains("by month, and not of"),
        "{}",
        part_of.out
    );
}

#[test]
fn the_metric_is_chosen_or_named() {
    let charge = Charge::new(day(2), super::PAYER, "EC2", "3").metric("BlendedCost", "4");
    let lab = Lab::organized(vec![charge]);
    let mut both = asked(&["SERVICE"]);
    both["Metrics"] = json!(["BlendedCost", "AmortizedCost", "UsageQuantity"]);
    print(&lab, &[("both.json", both)]);
    let failed = offline(&lab, &[]).expect(1);
    assert!(
        failed
            .err
            .contains("--metric AmortizedCost or --metric BlendedCost"),
        "{}",
        failed.err
    );
    let report = offline(&lab, &["--format", "json", "--metric", "BlendedCost"]);
    assert_eq!(total(&report.expect(3).summary()), 4.into());
}

#[test]
fn what_was_saved_without_the_days_before_is_compared_with_nothing() {
    let lab = Lab::organized(charges(2, 4, 8));
    let saved = lab.report(&["--save", "saved"]);
    // The days before belong to the report now, and nothing was saved of those before them.
    let (since, until) = (day(-9).to_string(), day(10).to_string());
    let period = ["--offline", "saved", "--since", &since, "--until", &until];
    let report = report_of(&lab.cost(&[&period[..], &["--format", "json"]].concat()), 0);
    assert_eq!(report["period"]["compared"], Value::Null);
    assert!(total(&report) > total(&saved));
    let notes = report["basis"]["notes"].to_string();
    assert!(
        notes.contains("the saved answers have no days before"),
        "{notes}"
    );
    // Days of the report that were not saved are a problem.
    let since = day(-12).to_string();
    let period = ["--offline", "saved", "--since", &since, "--until", &until];
    let fewer = report_of(&lab.cost(&[&period[..], &["--format", "json"]].concat()), 3);
    assert_eq!(total(&fewer), total(&report));
    assert!(
        problems(&fewer).contains("instead of"),
        "{}",
        problems(&fewer)
    );
}

#[test]
fn a_real_answer_of_six_months_by_service() {
    if is_skipped() {
        return;
    }
    let lab = Lab::organized(Vec::new());
    let answer = folder("cost").join("cost_explorer/get_cost_and_usage.json");
    let answer = answer.to_str().unwrap();
    let period = [
        "--since",
        "2023-04-01",
        "--until",
        "2023-09-30",
        "--format",
        "json",
    ];
    let report = lab.cost(&[&["--offline", answer], &period[..]].concat());
    let report = report.expect(3).summary();
    adds_up_without_days(&report);
    assert_eq!(
        money(&part(&report)["total"]["amount"]).to_string(),
        "1957.6799440971"
    );
    // Without a period it is about the last month.
    let month = lab
        .cost(&["--offline", answer, "--format", "json"])
        .expect(3)
        .summary();
    assert_eq!(month["period"]["label"], "1–30 September 2023");
    assert_eq!(month["period"]["compared_label"], "1–31 August");
    row(&part(&month)["services"], "AWS Config");
    // Of the six months before, the answer has five, and does not tell usage from other charges.
    let months = rows(&part(&month)["trend"]);
    assert_eq!(months.len(), 5);
    assert_eq!(months[0]["month"]["from"], "2023-04-01");
    assert_eq!(months[4]["usage"], Value::Null);
    let before: Decimal = months.iter().map(|month| money(&month["total"])).sum();
    let all = before + money(&part(&month)["total"]["amount"]);
    assert_eq!(all.to_string(), "1957.6799440971");
    assert!(lab.server.requests().is_empty());
}

fn adds_up_without_days(report: &Value) {
    let part = part(report);
    assert_eq!(amounts(&part["services"]), money(&part["total"]["amount"]));
}
