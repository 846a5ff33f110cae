//! Owners and accounts that do not exist are errors, not reports of $0.00.

use serde_json::{Value, json};

use super::{ASK, LAB, Lab, PAYER, account, charges, config, day, names, part, rows, total, truth};
use crate::support::Finished;
use crate::support::aws::{Bill, Charge, Fault, Request, World};

const OTHER: &str = "555566667777";

/// Ann and bob have costs in the period, and cat only in the days before it.
fn lab() -> Lab {
    let charge = |number, account| Charge::new(day(number), account, "EC2", "1");
    Lab::organized(vec![
        charge(2, LAB).owner("ann@example.com"),
        charge(3, OTHER).owner("bob"),
        charge(-3, LAB).owner("cat"),
        charge(4, PAYER),
    ])
}

fn ask(lab: &Lab, args: &[&str]) -> Finished {
    let (since, until) = (day(1).to_string(), day(10).to_string());
    lab.cost(&[&["--since", &since, "--until", &until], args].concat())
}

#[track_caller]
fn assert_says(ended: &Finished, words: &[&str]) {
    assert_eq!(ended.out, "");
    for word in words {
        assert!(ended.err.contains(word), "{word:?} in {}", ended.err);
    }
}

#[test]
fn an_owner_that_does_not_exist_is_an_error() {
    let lab = lab();
    for format in ["table", "json", "csv"] {
        let ended = ask(&lab, &["--owner", "nobody", "--format", format]).expect(1);
        assert_says(
            &ended,
            &[
                "--owner: there is no owner \"nobody\"",
                "owners: \"bob\", \"cat\", \"ann@example.com\"",
            ],
        );
    }
    let ended = ask(&lab, &["--owner", "anna"]).expect(1);
    assert_says(&ended, &["did you mean \"ann@example.com\"?"]);
    // The paid answers are saved, and give the same message offline.
    ask(&lab, &["--owner", "nobody", "--save", "saved"]).expect(1);
    let ended = lab.sandbox.run([
        "cost",
        "--offline",
        "saved",
        "--owner",
        "bbo",
        "--since",
        &day(1).to_string(),
        "--until",
        &day(10).to_string(),
    ]);
    assert_says(&ended.expect(1), &["did you mean \"bob\"?"]);
}

#[test]
fn an_owner_of_the_days_before_exists() {
    let lab = lab();
    assert_eq!(total(&lab.report(&["--owner", "cat"])), 0.into());
    assert_eq!(total(&lab.report(&["--owner", "BOB"])), 1.into());
    // An owner in the settings may be new, or misspelt.
    lab.sandbox
        .write("config.json", r#"{"users": ["zoe@example.com"]}"#);
    let zoe = ["--config", "config.json", "--owner", "zoe@example.com"];
    let problems = lab.report_with(&zoe, 3)["basis"]["problems"].to_string();
    assert!(problems.contains("there is no owner"), "{problems}");
    let page = ask(&lab, &zoe).expect(3);
    assert!(!page.out.contains("No usage"), "{}", page.out);
    assert!(page.out.contains("It is not known"), "{}", page.out);
    lab.report(&["--owner", "i-0123456789abcdef0"]);
    lab.report(&["--untagged"]);
}

#[test]
fn where_nothing_has_an_owner_the_tag_may_be_inactive() {
    let lab = Lab::organized(vec![Charge::new(day(2), LAB, "EC2", "1")]);
    let ended = ask(&lab, &["--owner", "ann"]).expect(1);
    assert_says(
        &ended,
        &[
            "nothing has an owner",
            "is the tag Owner spelled so, and activated",
        ],
    );
    // Without any costs there is nothing to be unknown in.
    let lab = Lab::organized(vec![Charge::new(day(2), LAB, "EC2", "0")]);
    ask(&lab, &["--owner", "ann"]).expect(0);
}

#[test]
fn an_account_that_does_not_exist_is_an_error() {
    let lab = lab();
    let ended = ask(&lab, &["--account", "444455556665"]).expect(1);
    let words = format!("did you mean Account {LAB} ({LAB})?");
    assert_says(&ended, &["there is no account 444455556665", &words]);
    // One of two is a problem of the report.
    let ended = ask(&lab, &["--account", LAB, "--account", "999999999999"]).expect(3);
    assert!(
        ended.out.contains("there is no account 999999999999"),
        "{}",
        ended.out
    );
    let ended = ask(&lab, &["--account", "Prod"]).expect(1);
    assert_says(
        &ended,
        &[
            "there is no account called \"Prod\"",
            "accounts: \"Account 111122223333\"",
        ],
    );
}

#[test]
fn accounts_that_cannot_be_listed_are_those_with_charges() {
    let charges = vec![Charge::new(day(2), LAB, "EC2", "1")];
    let lab =
        Lab::of(World::new(super::now()).bill(PAYER, Bill::new(charges).name(LAB, "Production")));
    assert_eq!(total(&lab.report(&["--account", LAB])), 1.into());
    let ended = ask(&lab, &["--account", OTHER]).expect(1);
    assert_says(&ended, &["there is no account 555566667777"]);
    let ended = ask(&lab, &["--account", "Prod"]).expect(1);
    assert_says(&ended, &["did you mean \"Production\"?"]);
    // Without any charge it cannot be told.
    let lab = Lab::new(Bill::new(Vec::new()));
    ask(&lab, &["--account", PAYER]).expect(0);
}

/// The outcomes of a run by recipient, and their reasons.
fn outcomes(lab: &Lab, settings: &Value, code: i32) -> Vec<(String, String, String)> {
    let sent = lab.send(settings, &["--format", "json"], code).summary();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = rows(&sent).iter();
    lines
        .map(|line| {
            (
                text(&line["recipient"]),
                text(&line["outcome"]),
                text(&line["reason"]),
            )
        })
        .collect()
}

#[test]
fn an_owner_nobody_has_seen_gets_no_mail_of_zero() {
    let lab = lab();
    let mut settings = config(
        &[],
        &["ann@example.com", "cat@example.com", "an@example.com"],
    );
    settings["owner"] = json!({"domain": "example.com"});
    settings["operator"] = "ops@example.com".into();
    let told = outcomes(&lab, &settings, 3);
    let is = |at: usize, recipient: &str, outcome: &str| {
        assert_eq!(
            (&*told[at].0, &*told[at].1),
            (recipient, outcome),
            "{told:?}"
        );
    };
    is(0, "an@example.com", "unknown");
    // Cat had usage in the days before, and has none now.
    is(1, "ann@example.com", "would_send");
    is(2, "cat@example.com", "would_send");
    is(3, "ops@example.com", "would_send");
    assert!(told[0].2.contains("did you mean \"ann\"?"), "{told:?}");
    let mails = lab.sandbox.files("mails");
    assert!(
        !mails
            .iter()
            .any(|name| name.contains("an@example.com") && !name.contains("ann@"))
    );
    let operator = mails
        .iter()
        .find(|name| name.ends_with(".html") && name.contains("ops@"));
    let mail = lab.sandbox.path("mails").join(operator.unwrap());
    let mail = std::fs::read_to_string(mail).unwrap();
    assert!(mail.contains("there is no owner"), "{mail}");
    assert!(!mail.contains("cat@example.com"), "{mail}");
    let table = lab.send(&settings, &[], 3);
    assert!(
        table.out.contains("UNKNOWN      an@example.com"),
        "{}",
        table.out
    );
    // Without problems the operator is told nothing.
    let fine = json!({"users": ["ann@example.com"], "operator": "ops@example.com"});
    assert_eq!(outcomes(&lab, &fine, 0).len(), 1);
}

#[test]
fn a_tag_that_nothing_has_makes_all_owners_unknown() {
    let lab = Lab::organized(vec![
        Charge::new(day(2), LAB, "EC2", "1").tag("owner", "ann@example.com"),
    ]);
    let told = outcomes(&lab, &config(&[], &["ann@example.com"]), 3);
    assert_eq!(told[0].1, "unknown");
    assert!(told[0].2.contains("nothing has an owner"), "{told:?}");
    // Without any usage there is nothing to have an owner.
    let lab = Lab::organized(vec![Charge::new(day(2), LAB, "Tax", "1").kind("Tax")]);
    assert_eq!(
        outcomes(&lab, &config(&[], &["ann@example.com"]), 0)[0].1,
        "no_data"
    );
}

#[test]
fn usage_that_could_not_be_read_is_not_no_usage() {
    let lab = Lab::organized(vec![
        Charge::new(day(2), LAB, "EC2", "1").owner("ann@example.com"),
        Charge::new(day(2), OTHER, "EC2", "1").owner("bob"),
        Charge::new(day(2), PAYER, "EC2", "1"),
    ]);
    let is_by_service = |request: &Request| {
        let groups = request.parameters["GroupBy"].to_string();
        request.action == ASK && groups.contains("SERVICE")
    };
    let fault = Fault::error(400, "ValidationException", "not today");
    lab.server.fail(usize::MAX, fault, is_by_service);
    for args in [&["--owner", "bob"][..], &["--untagged"]] {
        let page = ask(&lab, args).expect(3);
        assert!(!page.out.contains("No usage"), "{}", page.out);
        assert!(
            page.out.contains("It is not known whether there was usage"),
            "{}",
            page.out
        );
    }
}

#[test]
fn what_was_never_read_has_not_changed() {
    let charges = charges(3, 5, 9);
    let lab = Lab::organized(charges.clone());
    // Charges by account and in total, and owners; then the budget is gone.
    let report = lab.report_with(&["--max-requests", "3"], 3);
    assert_eq!(total(&report), truth(&charges, |_| true));
    assert_eq!(names(rows(&part(&report)["services"])), ["(not read)"]);
    assert_eq!(part(&report)["services"][0]["label"]["kind"], "unread");
    assert!(!report.to_string().contains("changed between"), "{report}");
    let accounts = [account(0), account(1)];
    let report = lab.report_with(
        &[
            "--account",
            &accounts[0],
            "--account",
            &accounts[1],
            "--max-requests",
            "2",
        ],
        3,
    );
    assert!(report.to_string().contains("(not read)"), "{report}");
    assert!(!report.to_string().contains("changed between"), "{report}");
}

#[test]
fn a_tag_that_was_activated_in_mid_month_is_told() {
    let charge = |number, amount| Charge::new(day(number), LAB, "EC2", amount);
    let of = |charges: Vec<Charge>| {
        let report = Lab::organized(charges).report(&["--account", LAB]);
        report["basis"]["notes"].to_string()
    };
    let before = (-9..5).map(|number| charge(number, "10"));
    let since = (5..=10).map(|number| charge(number, "6").owner("ann@example.com"));
    let untagged = (5..=10).map(|number| charge(number, "4"));
    let all = before.clone().chain(since).chain(untagged).collect();
    let notes = of(all);
    let day = day(5).strftime("%-d %B %Y").to_string();
    assert!(
        notes.contains(&format!("Nothing has the tag Owner before {day}")),
        "{notes}"
    );
    // A first owner of little is no activation.
    let little = [charge(5, "0.1").owner("ann@example.com"), charge(6, "10")];
    let notes = of(before.chain(little).collect());
    assert!(!notes.contains("Nothing has"), "{notes}");
}

#[test]
fn an_account_without_usage_is_in_the_report() {
    let lab = lab();
    let page = ask(
        &lab,
        &["--account", LAB, "--account", "Account 555566667777"],
    )
    .expect(0);
    assert!(page.out.contains(OTHER), "{}", page.out);
    let mut charges = vec![Charge::new(day(2), LAB, "EC2", "1")];
    charges.push(Charge::new(day(-100), OTHER, "EC2", "1"));
    let page = ask(
        &Lab::organized(charges),
        &["--account", LAB, "--account", OTHER],
    )
    .expect(0);
    assert!(
        page.out.contains(&format!("No usage in Account {OTHER}")),
        "{}",
        page.out
    );
}
