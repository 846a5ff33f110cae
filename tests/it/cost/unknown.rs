//! Owners and accounts that do not exist are errors, not reports of $0.00.

use super::{LAB, Lab, PAYER, day, total};
use crate::support::Finished;
use crate::support::aws::{Bill, Charge, World};

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
    // Owners in the settings are known even without costs.
    lab.sandbox
        .write("config.json", r#"{"users": ["zoe@example.com"]}"#);
    lab.report(&["--config", "config.json", "--owner", "zoe@example.com"]);
    lab.report(&["--owner", "i-0123456789abcdef0"]);
    lab.report(&["--untagged"]);
}

#[test]
fn where_nothing_has_an_owner_the_tag_may_be_inactive() {
    let lab = Lab::organized(vec![Charge::new(day(2), LAB, "EC2", "1")]);
    let ended = ask(&lab, &["--owner", "ann"]).expect(1);
    assert_says(
        &ended,
        &["nothing has an owner", "is the tag Owner activated"],
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
