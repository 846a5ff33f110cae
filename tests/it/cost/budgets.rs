//! Budgets on the values of a tag that is no owner key.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::{LAB, Lab, PAYER, money, now, part, report_of, rows};
use crate::support::aws::{Charge, today};

/// Days after the end of a day until it is settled, by default.
const LAG_DAYS: i64 = 2;

/// Since the month before last: $3 a day with `project=apollo` in two accounts, and $5 a day without the tag. Taxes have
/// the tag too.
fn lab() -> Lab {
    let now = today(now());
    let start = now.first_of_month().saturating_sub(2.months());
    let days = start.series(1.day()).take_while(|day| *day <= now);
    let charges = days.flat_map(|day| {
        [
            Charge::new(day, LAB, "EC2", "1").tag("project", "apollo"),
            Charge::new(day, PAYER, "EC2", "2").tag("project", "apollo"),
            Charge::new(day, PAYER, "Tax", "7")
                .kind("Tax")
                .tag("project", "apollo"),
            Charge::new(day, LAB, "EC2", "5").owner("ann@example.com"),
        ]
    });
    Lab::organized(charges.collect())
}

fn settings(key: &str, value: &str) -> Value {
    json!({
        "executives": ["cfo@example.com"],
        "budgets": [{"amount": 1000, "name": "Apollo", "tag": key, "value": value}],
    })
}

/// The report on the month to date, and the number of its requests.
fn report(lab: &Lab, settings: &Value, args: &[&str], code: i32) -> (Value, usize) {
    lab.sandbox.write("config.json", settings.to_string());
    let before = lab.granted().len();
    let of_month = ["--config", "config.json", "--include-today"];
    let ended = lab.cost(&[&of_month, &["--format", "json"][..], args].concat());
    (report_of(&ended, code), lab.granted().len() - before)
}

fn budget(report: &Value) -> &Value {
    &rows(&part(report)["budgets"])[0]
}

#[test]
fn a_budget_on_a_tag_takes_one_request_and_counts_the_usage_of_its_value() {
    let lab = lab();
    let (_, plain) = report(&lab, &json!({"executives": ["cfo@example.com"]}), &[], 0);
    let apollo = settings("project", "apollo");
    let (told, requests) = report(&lab, &apollo, &["--save", "saved"], 0);
    assert_eq!(requests, plain + 1);
    let now = today(now());
    let settled_through = now.saturating_sub((LAG_DAYS + 1).days());
    let settled = now.first_of_month().series(1.day());
    let settled = settled.take_while(|day: &Date| *day <= settled_through);
    let used = 3 * i64::try_from(settled.count()).unwrap();
    let row = budget(&told);
    assert_eq!(money(&row["used"]), used.into());
    // Thirty days or so of $3, from the days of the months before where this one has few.
    let estimate = money(&row["estimate"]["expected"]);
    assert_eq!(estimate, (3 * i64::from(now.days_in_month())).into());
    let plan = lab.cost(&["--config", "config.json", "--include-today", "--plan"]);
    let plan = plan.expect(0).err;
    assert!(
        plan.contains("1  $ 0.01  usage by the tags of budgets"),
        "{plan}"
    );
    // Answers that were saved for these settings are enough.
    let offline = ["--offline", "saved"];
    let (offline, requests) = report(&lab, &apollo, &offline, 0);
    assert_eq!((budget(&offline), requests), (row, 0));
}

#[test]
fn a_budget_on_a_tag_that_is_not_known_is_unknown_and_never_zero() {
    let lab = lab();
    report(&lab, &json!({}), &["--save", "saved"], 0);
    for (key, value, args, problem) in [
        (
            "project",
            "Apolo",
            &[][..],
            "the tag project has no value \"Apolo\"",
        ),
        ("projekt", "apollo", &[], "nothing has the tag projekt"),
        (
            "project",
            "apollo",
            &["--offline", "saved"],
            "usage by the tag project could not be read: no saved answer has the costs by project",
        ),
    ] {
        let (told, _) = report(&lab, &settings(key, value), args, 3);
        let row = budget(&told);
        assert_eq!(
            (&row["used"], &row["used_share"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(row["outlook"], "unknown");
        let sentence = row["sentence"].as_str().unwrap();
        let begins = "Budget Apollo: it is not known how much of $1,000.00 is used, since ";
        assert!(sentence.starts_with(begins), "{sentence}");
        let problems = &told["basis"]["problems"];
        let mut problems = rows(problems).iter().filter_map(Value::as_str);
        let expected = format!("budgets: {problem}");
        assert!(
            problems.any(|said| said.starts_with(&expected)),
            "{expected}: {told}"
        );
    }
    let (told, _) = report(&lab, &settings("project", "Apolo"), &[], 3);
    let problems = told["basis"]["problems"].to_string();
    assert!(
        problems.contains(r#"did you mean \"apollo\"?"#),
        "{problems}"
    );
}

#[test]
fn a_check_names_budgets_on_tags_that_nothing_has() {
    let lab = lab();
    for (key, value, parts) in [
        (
            "project",
            "apollo",
            &[
                "good      budgets: costs have project=apollo",
                "3 paid requests",
            ][..],
        ),
        (
            "project",
            "Apolo",
            &[
                "budgets: the tag project has no value \"Apolo\"",
                "did you mean \"apollo\"?",
            ],
        ),
        (
            "Project",
            "apollo",
            &[
                "the tag Project is not active as a cost allocation tag, so it is not known how its budgets stand",
                "the active tag \"project\" has a similar name, and case matters: set tag in budgets",
                "budgets: nothing has the tag Project",
            ],
        ),
    ] {
        let settings = settings(key, value);
        lab.sandbox.write("config.json", settings.to_string());
        let mut command = lab.command();
        command.args(["check", "--config", "config.json"]);
        let checked = lab.sandbox.finish(command, b"").out;
        for part in parts {
            assert!(checked.contains(part), "{part}: {checked}");
        }
        // Accounts by charge type, the total, owners, services, the months before, and the tag.
        assert!(checked.contains("at most 6 requests"), "{checked}");
    }
}
