//! The number of paid requests.

use super::{Lab, account, charges, config, day};
use crate::support::aws::Charge;

/// Requests of awsauditor: two for each account of each manager, and one for each pair of a user and an account.
fn awsauditor(managers: usize, accounts_each: usize, users: usize, accounts: usize) -> usize {
    2 * managers * accounts_each + users * accounts
}

/// Sends all mails, and returns the number of requests.
fn requests(lab: &Lab, managers: u64, accounts_each: u64, users: u64) -> usize {
    let all: Vec<String> = (0..20).map(account).collect();
    let of = |manager: u64| {
        let accounts =
            (0..accounts_each).map(|n| all[((manager * accounts_each + n) % 20) as usize].as_str());
        accounts.collect::<Vec<_>>()
    };
    let addresses: Vec<String> = (0..managers)
        .map(|n| format!("manager{n}@example.com"))
        .collect();
    let accounts: Vec<Vec<&str>> = (0..managers).map(of).collect();
    let managers: Vec<(&str, &[&str])> = addresses
        .iter()
        .zip(&accounts)
        .map(|(address, accounts)| (address.as_str(), accounts.as_slice()))
        .collect();
    let users: Vec<String> = (0..users).map(|n| format!("user{n}@example.com")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    // Nobody has seen the first two users.
    lab.send(&config(&managers, &users), &[], 3);
    without_pages(lab)
}

/// Requests so far, without those for further pages, since Cost Explorer determines the page size.
fn without_pages(lab: &Lab) -> usize {
    let asked = lab.granted();
    asked
        .iter()
        .filter(|entry| !entry.request.has_token())
        .count()
}

#[test]
fn ten_managers_and_thirty_users_take_22() {
    let lab = Lab::organized(charges(20, 30, 1));
    assert_eq!(awsauditor(10, 3, 30, 20), 660);
    let requests = requests(&lab, 10, 3, 30);
    assert!(requests <= 22, "{requests}");
    assert_eq!(
        lab.server
            .requests()
            .iter()
            .filter(|entry| entry.request.action == super::ASK)
            .count(),
        requests
    );
}

#[test]
fn five_managers_and_a_hundred_users_take_22() {
    let lab = Lab::organized(charges(20, 100, 2));
    let requests = requests(&lab, 5, 4, 100);
    assert!(requests <= 22, "{requests}");
    // 2,000 of its requests were for the users.
    assert!(awsauditor(5, 4, 100, 20) > 90 * requests);
}

#[test]
fn few_people_do_not_pay_for_many_accounts() {
    let lab = Lab::organized(charges(20, 6, 3));
    lab.send(
        &config(&[], &["user3@example.com", "user4@example.com"]),
        &[],
        0,
    );
    let requests = lab.granted().len();
    assert!(requests <= 4, "{requests}");
}

#[test]
fn a_plan_costs_nothing_and_is_kept() {
    let lab = Lab::organized(charges(5, 10, 4));
    let most = |args: &[&str]| {
        let (since, until) = (day(1).to_string(), day(10).to_string());
        let period = ["--plan", "--since", &since, "--until", &until];
        let said = lab.cost(&[&period[..], args].concat()).expect(0).err;
        let said = said.split_once("at most ").unwrap().1;
        said.split(' ').next().unwrap().parse::<usize>().unwrap()
    };
    let [one, two] = [0, 1].map(account);
    for args in [
        &[][..],
        &["--account", &one],
        &["--account", &one, "--account", &two],
        &["--owner", "user3@example.com"],
    ] {
        let before = lab.granted().len();
        let most = most(args);
        assert_eq!(lab.granted().len(), before, "a plan asks nothing");
        let report = lab.report(args);
        let made = lab.granted().len() - before;
        assert!(made <= most, "{made} of {most} for {args:?}");
        assert_eq!(report["basis"]["requests"], made);
        let usd = super::money(&report["basis"]["requests_usd"]);
        assert_eq!(usd * rust_decimal::Decimal::from(100), made.into());
    }
}

#[test]
fn the_budget_is_never_passed() {
    let lab = Lab::organized(charges(4, 6, 5));
    let (since, until) = (day(1).to_string(), day(10).to_string());
    for most in [0, 1] {
        let before = lab.granted().len();
        let most_text = most.to_string();
        let finished = lab.cost(&[
            "--since",
            &since,
            "--until",
            &until,
            "--max-requests",
            &most_text,
        ]);
        assert_ne!(finished.code, Some(0), "{}", finished.out);
        assert!((finished.err + &finished.out).contains("--max-requests"));
        assert!(lab.granted().len() - before <= most);
    }
}

#[test]
fn pages_are_requests_too() {
    let bill = crate::support::aws::Bill::new(charges(2, 3, 6)).page(10);
    let lab = Lab::new(bill);
    let report = lab.report(&[]);
    let asked = lab.granted();
    assert_eq!(report["basis"]["requests"], asked.len());
    let first = |entry: &&crate::support::aws::Entry| !entry.request.has_token();
    assert!(asked.iter().filter(first).count() < asked.len() / 2);
}

#[test]
fn accounts_with_tax_only_need_no_usage_request() {
    let charges = vec![Charge::new(day(2), super::PAYER, "Tax", "3").kind("Tax")];
    let lab = Lab::organized(charges);
    let report = lab.report(&["--account", super::PAYER]);
    assert_eq!(super::total(&report), 3.into());
    let nothing = Lab::organized(Vec::new()).report(&[]);
    assert_eq!(nothing["parts"], serde_json::json!([]));
}

/// What a run says before it asks: how many requests, and for how much.
fn announced(lab: &Lab, args: &[&str]) -> String {
    let (since, until) = (day(1).to_string(), day(10).to_string());
    let mut command = lab.command();
    command
        .args(["--cache", "kept", "--since", &since, "--until", &until])
        .args(args);
    let said = lab.sandbox.finish(command, b"").expect(0).err;
    let line = said
        .lines()
        .find(|line| line.contains("requests to Cost Explorer ($"));
    line.unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[test]
fn the_price_counts_as_many_pages_as_last_time() {
    let lab = Lab::of(
        crate::support::aws::World::new(super::now()).bill(
            super::PAYER,
            crate::support::aws::Bill::new(charges(4, 9, 7))
                .page(10)
                .estimated_from(day(-9)),
        ),
    );
    let first = announced(&lab, &[]);
    assert!(
        first.contains("at most") && first.contains("not counting further pages"),
        "{first}"
    );
    let made = lab.granted().len();
    assert!(made > 20, "{made}");
    for args in [&["--plan"][..], &["--max-age", "0"]] {
        let said = announced(&lab, args);
        assert!(
            said.contains(&format!("about {made} requests")),
            "{made}: {said}"
        );
        assert!(said.contains("with as many pages as last time"), "{said}");
    }
    assert_eq!(lab.granted().len(), 2 * made);
}
