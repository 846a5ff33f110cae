//! Faults of Cost Explorer and Organizations.

use super::{
    ASK, LAB, Lab, PAYER, account, charges, day, members, now, part, row, rows, total, truth,
};
use crate::support::aws::{Bill, Charge, Fault, Member, Request, World};

fn is_ask(request: &Request) -> bool {
    request.action == ASK
}

/// Runs the executive's report on ten days.
fn ten_days(lab: &Lab) -> crate::support::Finished {
    let (since, until) = (day(1).to_string(), day(10).to_string());
    lab.cost(&["--since", &since, "--until", &until])
}

#[test]
fn throttled_requests_wait() {
    let charges = charges(3, 4, 1);
    let bill = Bill::new(charges.clone()).quota(2.0, 1.0);
    let lab = Lab::new(bill);
    let report = lab.report(&["--account", &account(0), "--account", &account(1)]);
    assert!(total(&report) == truth(&charges, |charge| charge.account != Some(account(2))));
    let all = lab
        .server
        .requests()
        .iter()
        .filter(|entry| is_ask(&entry.request))
        .count();
    let granted = lab.granted().len();
    assert!(all > granted, "the quota was met");
    // Only what was granted is charged.
    assert_eq!(
        super::money(&report["basis"]["requests_usd"]) * rust_decimal::Decimal::from(100),
        granted.into()
    );
}

#[test]
fn transient_errors_are_retried() {
    for fault in [
        Fault::error(500, "InternalFailure", ""),
        Fault::error(400, "LimitExceededException", "slow down"),
        Fault::Drop,
        Fault::Cut,
        Fault::Garbage,
    ] {
        let charges = charges(2, 3, 2);
        let lab = Lab::new(Bill::new(charges.clone()));
        lab.server.fail(2, fault.clone(), is_ask);
        assert_eq!(
            total(&lab.report(&[])),
            truth(&charges, |_| true),
            "{fault:?}"
        );
    }
}

#[test]
fn tokens_that_are_lost_cost_a_new_beginning() {
    for code in ["InvalidNextTokenException", "RequestChangedException"] {
        let charges = charges(2, 3, 3);
        let lab = Lab::new(Bill::new(charges.clone()).page(20));
        lab.server
            .fail(1, Fault::error(400, code, "gone"), |request| {
                is_ask(request) && request.has_token()
            });
        assert_eq!(total(&lab.report(&[])), truth(&charges, |_| true), "{code}");
    }
}

#[test]
fn pages_that_lead_to_themselves_end_in_an_error() {
    let lab = Lab::new(Bill::new(charges(2, 3, 4)).page(20));
    lab.server.fail(usize::MAX, Fault::SameToken, |request| {
        is_ask(request) && request.has_token()
    });
    let finished = ten_days(&lab).expect(1);
    assert!(finished.err.contains("back to itself"), "{}", finished.err);
    assert!(finished.stdout.is_empty());
}

#[test]
fn missing_permission_to_see_costs_is_explained() {
    let world = World::new(now()).bill(PAYER, Bill::new(charges(1, 2, 5)));
    let lab = Lab::of(world.deny(PAYER, ASK));
    let finished = ten_days(&lab).expect(1);
    assert!(finished.err.contains(ASK), "{}", finished.err);
    assert!(finished.stdout.is_empty());
}

#[test]
fn a_disabled_cost_explorer_is_explained() {
    let lab = Lab::of(World::new(now()).account(PAYER));
    let finished = ten_days(&lab).expect(1);
    assert!(finished.err.contains("enable"), "{}", finished.err);
}

#[test]
fn without_credentials_nothing_is_asked() {
    let lab = Lab::new(Bill::new(charges(1, 2, 6)));
    let mut command = lab.sandbox.trailtab();
    command
        .env("AWS_ENDPOINT_URL", lab.server.url())
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let since = day(1).to_string();
    command.args(["cost", "--since", &since]);
    let finished = lab.sandbox.finish(command, b"").expect(1);
    assert!(finished.err.contains("credentials"), "{}", finished.err);
    assert!(lab.granted().is_empty());
}

#[test]
fn names_come_from_cost_explorer_if_organizations_may_not_be_asked() {
    let charges = vec![
        Charge::new(day(2), PAYER, "EC2", "1").owner("a"),
        Charge::new(day(2), LAB, "EC2", "2").owner("a"),
    ];
    let bill = Bill::new(charges)
        .name(PAYER, "Management")
        .name(LAB, "Lab");
    let members = members(&bill);
    let world = World::new(now())
        .bill(PAYER, bill)
        .organization(PAYER, members);
    let lab = Lab::of(world.deny(PAYER, "organizations:ListAccounts"));
    let report = lab.report(&["--account", "Lab"]);
    assert_eq!(total(&report), 2.into());
    let account = &part(&report)["accounts"][0]["account"];
    assert_eq!(
        (&account["id"], &account["name"]),
        (&LAB.into(), &"Lab".into())
    );
    let notes = report["basis"]["notes"].to_string();
    assert!(notes.contains("those that Cost Explorer knows"), "{notes}");
    // Missing permission to list accounts concerns the operator, not the recipients.
    assert!(!notes.contains("organizations:ListAccounts"), "{notes}");
}

#[test]
fn a_large_organisation_is_listed_to_the_end() {
    let count = 45;
    let charges = (0..count).map(|n| Charge::new(day(2), &account(n), "EC2", "1").owner("a"));
    let bill = Bill::new(charges.collect());
    let members = members(&bill);
    let world = World::new(now())
        .bill(PAYER, bill)
        .organization(PAYER, members);
    let lab = Lab::of(world);
    let list = "organizations:ListAccounts";
    lab.server.fail(1, Fault::EmptyPage, move |request| {
        request.action == list && request.nth == 2
    });
    let name = format!("Account {}", account(44));
    assert_eq!(total(&lab.report(&["--account", &name])), 1.into());
    assert_eq!(lab.server.granted(list).len(), 3);
}

#[test]
fn closed_accounts_may_still_cost_something_and_are_not_asked_about_for_nothing() {
    let charges = vec![Charge::new(day(2), LAB, "EC2", "2").owner("a@example.com")];
    let bill = Bill::new(charges);
    let mut members = members(&bill);
    members[0].state = "CLOSED";
    for n in 0..30 {
        members.push(Member {
            id: account(n),
            name: "old".to_owned(),
            state: "SUSPENDED",
        });
    }
    let lab = Lab::of(
        World::new(now())
            .bill(PAYER, bill)
            .organization(PAYER, members),
    );
    assert_eq!(total(&lab.report(&["--owner", "a@example.com"])), 2.into());
    let requests = lab.granted().len();
    assert!(requests <= 3, "{requests}");
}

#[test]
fn an_incomplete_report_says_so() {
    let charges = charges(2, 4, 7);
    let lab = Lab::organized(charges.clone());
    // All that is grouped by services is refused.
    lab.server.fail(
        usize::MAX,
        Fault::error(400, "ValidationException", "not today"),
        |request| {
            request.parameters["GroupBy"]
                .to_string()
                .contains("SERVICE")
        },
    );
    let report = lab.report_with(&["--account", &account(0)], 3);
    assert_eq!(
        total(&report),
        truth(&charges, |charge| charge.account == Some(account(0)))
    );
    assert!(!rows(&report["basis"]["problems"]).is_empty());
}

#[test]
fn what_belongs_to_no_account_is_in_the_total() {
    let charges = vec![
        Charge::new(day(2), PAYER, "EC2", "1").owner("a"),
        Charge::new(day(2), PAYER, "AWS Support", "29")
            .kind("Support")
            .without_account(),
    ];
    let lab = Lab::organized(charges);
    let report = lab.report(&[]);
    assert_eq!(total(&report), 30.into());
    let unassigned = rows(&part(&report)["accounts"])
        .iter()
        .find(|account| account["account"].is_null());
    assert_eq!(super::money(&unassigned.unwrap()["amount"]), 29.into());
    // A manager does not see costs that belong to no account.
    assert_eq!(total(&lab.report(&["--account", PAYER])), 1.into());
    assert!(row(&part(&report)["charges"], "Support")["amount"] == "29");
}
