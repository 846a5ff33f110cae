//! The known bugs of awsauditor. Paging is tested in [`super::reports`], the first page of Organizations in
//! [`super::troubles`].

use std::fs;

use super::{LAB, Lab, PAYER, account, charges, config, day, money, part, row, rows, total};
use crate::support::aws::{Bill, Charge};

fn usage(amount: &str) -> Charge {
    Charge::new(day(2), LAB, "EC2", amount)
}

/// Credits and all other negative amounts were dropped.
#[test]
fn negative_amounts_are_kept() {
    let charges = vec![
        usage("10").owner("ann"),
        usage("-5").owner("ann").kind("Credit"),
        usage("-1").owner("ann"),
        usage("-2").kind("Refund"),
    ];
    let report = Lab::organized(charges).report(&["--account", LAB]);
    assert_eq!(total(&report), 2.into());
    let part = part(&report);
    assert_eq!(row(&part["charges"], "Credits")["amount"], "-5");
    assert_eq!(
        row(&part["owners"], "ann")["amount"],
        "9",
        "credits are nobody's usage"
    );
}

/// `Owner$team$a` and `Owner$team$b` became one, and the last of them counted.
#[test]
fn values_may_hold_what_separates_them_from_their_key() {
    let charges = vec![
        usage("1").owner("team$a"),
        usage("2").owner("team$b"),
        usage("4").owner("team"),
        usage("8").owner("$"),
        usage("16").owner("Owner$"),
    ];
    let report = Lab::organized(charges).report(&["--account", LAB]);
    let owners = &part(&report)["owners"];
    assert_eq!(rows(owners).len(), 5, "{owners}");
    for (name, amount) in [("team$a", "1"), ("team$b", "2"), ("team", "4"), ("$", "8")] {
        assert_eq!(row(owners, name)["amount"], amount);
    }
}

/// Tag values that look like awsauditor's own labels were added to them, or replaced them.
#[test]
fn labels_of_ours_and_values_of_theirs_stay_apart() {
    let mut charges = vec![
        usage("1"),
        usage("2").owner("i-0123456789abcdef0"),
        usage("4").owner("i-0fedcba9876543210"),
    ];
    let values = [
        "Untagged",
        "Total",
        "Increase",
        "(untagged)",
        "(instances i-*)",
        "\"(untagged)\"",
        "i-*",
        "other",
    ];
    for (place, value) in values.into_iter().enumerate() {
        charges.push(usage(&(8 << place).to_string()).owner(value));
    }
    let bill = Bill::new(charges).name(LAB, "Total");
    let report = Lab::new(bill).report(&["--account", "Total"]);
    let owners = &part(&report)["owners"];
    let of_kind = |kind: &str| {
        let rows = rows(owners)
            .iter()
            .filter(|row| row["label"]["kind"] == kind);
        rows.map(|row| money(&row["amount"])).collect::<Vec<_>>()
    };
    assert_eq!(of_kind("untagged"), [1.into()]);
    let mut names = super::names(rows(owners));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), rows(owners).len(), "{names:?}");
    let instances = of_kind("instances");
    assert_eq!(instances.len(), 1);
    // `i-*` is awsauditor's label; no instance has this name.
    assert!(
        [6.into(), (6 + (8 << 6)).into()].contains(&instances[0]),
        "{instances:?}"
    );
}

/// Tax, support and fees have no owner, and were reported as untagged usage.
#[test]
fn what_has_no_owner_by_nature_is_not_untagged() {
    let charges = vec![
        usage("1"),
        usage("2").kind("Tax"),
        usage("4").kind("Support"),
        usage("8").kind("RIFee"),
        usage("16").kind("SavingsPlanCoveredUsage").owner("ann"),
    ];
    let report = Lab::organized(charges).report(&["--account", LAB]);
    let part = part(&report);
    assert_eq!(row(&part["owners"], "(untagged)")["amount"], "1");
    assert_eq!(row(&part["owners"], "ann")["amount"], "16");
    for (name, amount) in [
        ("Usage", "17"),
        ("Tax", "2"),
        ("Support", "4"),
        ("Commitments", "8"),
    ] {
        assert_eq!(row(&part["charges"], name)["amount"], amount);
    }
}

/// `A@x` and `a@x` were two people, and the second got nothing.
#[test]
fn people_are_found_however_they_write_themselves() {
    let charges = vec![
        usage("1").owner("Ann@Example.com"),
        usage("2").owner("ann@example.com "),
    ];
    let lab = Lab::organized(charges);
    assert_eq!(
        total(&lab.report(&["--owner", "ANN@example.com"])),
        3.into()
    );
    let report = lab.report(&["--account", LAB]);
    assert_eq!(rows(&part(&report)["owners"]).len(), 1);
}

/// A key that is not activated made all usage untagged, silently.
#[test]
fn a_key_that_nothing_has_is_told() {
    let report = Lab::organized(vec![usage("1").tag("owner", "ann")]).report(&["--account", LAB]);
    let notes = report["basis"]["notes"].to_string();
    assert!(
        notes.contains("Owner") && notes.contains("activated"),
        "{notes}"
    );
}

/// One manager's charts were mailed to another; no mail contains data of other recipients.
#[test]
fn no_mail_contains_data_of_other_recipients() {
    let mut charges = charges(3, 6, 1);
    for (at, secret) in [
        "zebra@example.com",
        "quagga@example.com",
        "okapi@example.com",
    ]
    .into_iter()
    .enumerate()
    {
        let id = account(at as u64);
        let service = format!("{secret} service");
        charges.push(Charge::new(day(4), &id, &service, &format!("98{at}7.65")).owner(secret));
    }
    let lab = Lab::organized(charges);
    let ids = [0, 1, 2].map(account);
    let secrets = ["zebra", "quagga", "okapi"];
    let managers = ["m0@example.com", "m1@example.com", "m2@example.com"];
    let of: Vec<_> = ids.iter().map(|id| [id.as_str()]).collect();
    let managers: Vec<(&str, &[&str])> = managers
        .into_iter()
        .zip(&of)
        .map(|(m, of)| (m, &of[..]))
        .collect();
    lab.send(&config(&managers, &["quagga@example.com"]), &[], 0);
    let mut seen = 0;
    for path in crate::support::files_below(&lab.sandbox.path("mails")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let html = match name.ends_with(".html") {
            true => fs::read_to_string(&path).unwrap(),
            false => continue,
        };
        seen += 1;
        let whose = (0..3).find(|at| name.contains(&format!("m{at}@example.com")));
        for (at, secret) in secrets.into_iter().enumerate() {
            let amount = format!("98{at}7.65");
            let may_see = whose == Some(at) || (whose.is_none() && secret == "quagga");
            let says = html.contains(secret);
            assert_eq!(says, may_see, "{secret} in {name}");
            assert!(
                may_see || !html.replace(',', "").contains(&amount),
                "{amount} in {name}"
            );
            if whose.is_some() && whose != Some(at) {
                assert!(!html.contains(&ids[at]), "{} in {name}", ids[at]);
            }
        }
    }
    assert_eq!(seen, 4);
}

/// An empty list of accounts meant all of them.
#[test]
fn a_manager_of_no_account_gets_nothing() {
    let lab = Lab::organized(charges(2, 3, 2));
    let config = config(
        &[
            ("all@example.com", &[]),
            ("one@example.com", &[&account(0)]),
        ],
        &[],
    );
    let sent = lab.send(&config, &[], 3);
    assert!(sent.out.contains("all@example.com"), "{}", sent.out);
    let mails = lab.sandbox.files("mails");
    assert!(
        mails.iter().all(|name| !name.contains("all@example.com")),
        "{mails:?}"
    );
    assert!(
        mails.iter().any(|name| name.contains("one@example.com")),
        "{mails:?}"
    );
}

/// One unknown name ended the whole run.
#[test]
fn one_unknown_account_does_not_stop_other_mails() {
    let lab = Lab::organized(charges(2, 3, 3));
    let known = format!("Account {}", account(0));
    let config = config(
        &[
            ("wrong@example.com", &["Nowhere"]),
            ("one@example.com", &[&known]),
        ],
        &["user2@example.com"],
    );
    let sent = lab.send(&config, &[], 3);
    assert!(sent.out.contains("Nowhere"), "{}", sent.out);
    let mails = lab.sandbox.files("mails");
    assert!(
        mails.iter().any(|name| name.contains("one@example.com")),
        "{mails:?}"
    );
    assert!(
        mails.iter().any(|name| name.contains("user2@example.com")),
        "{mails:?}"
    );
}

/// Of two accounts with the same name, the last one was taken.
#[test]
fn names_that_two_accounts_have_are_not_guessed() {
    let charges = vec![usage("1"), Charge::new(day(2), PAYER, "EC2", "2")];
    let bill = Bill::new(charges).name(LAB, "twin").name(PAYER, "twin");
    let lab = Lab::new(bill);
    let since = day(1).to_string();
    let finished = lab
        .cost(&["--since", &since, "--account", "twin"])
        .expect(1);
    assert!(
        finished.err.contains(LAB) && finished.err.contains(PAYER),
        "{}",
        finished.err
    );
    assert_eq!(total(&lab.report(&["--account", LAB])), 1.into());
}
