//! `trailtab cost check` names what is wrong with the settings, and sends nothing.

use serde_json::{Value, json};

use super::{Lab, account, charges};
use crate::support::Finished;
use crate::support::moto;
use crate::support::smtp::{MailServer, Mode};

fn check(lab: &Lab, settings: &Value) -> Finished {
    lab.sandbox.write("config.json", settings.to_string());
    let mut command = lab.command();
    command
        .args(["check", "--config", "config.json"])
        .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", moto::endpoint())
        .env("AWS_ENDPOINT_URL_SESV2", moto::endpoint());
    lab.sandbox.finish(command, b"")
}

#[test]
fn good_settings_are_good_and_what_they_cost_is_said() {
    let server = MailServer::start(Mode::Starttls, None);
    let secret = server.secret(&json!({})).to_string();
    let lab = Lab::organized(charges(4, 9, 5));
    let settings = json!({
        "managers": {"head@example.com": [format!("Account {}", account(0)), account(1)]},
        "users": ["user2@example.com"],
        "secret_name": moto::keep_secret("us-east-1", "check-good", &secret),
    });
    let checked = check(&lab, &settings).expect(0);
    for part in [
        "the tag Owner is a cost allocation tag",
        "4 accounts can be listed",
        "head@example.com: Account 200000000000 (200000000000), Account 200000000001 (200000000001)",
        "user2@example.com: what user2@example.com used",
        // Accounts by charge type, by owner and by service, and the services of one person.
        "at most 4 requests to Cost Explorer ($0.04)",
        "2 paid requests",
    ] {
        assert!(checked.out.contains(part), "{part}: {}", checked.out);
    }
    assert!(!checked.out.contains("BAD"), "{}", checked.out);
    assert!(!checked.out.contains("s3cret"));
    assert_eq!((lab.granted().len(), server.mails().len()), (1, 0));
}

#[test]
fn what_is_wrong_is_named() {
    let lab = Lab::organized(charges(4, 9, 5));
    let settings = json!({
        "managers": {
            "head@example.com": ["Acount 200000000000", account(1)],
            "nobody@example.com": [],
        },
        "users": ["no mailbox"],
        "owner": {"keys": ["CostOwner"]},
        "mail": {"transport": "ses", "from": "nobody@unverified.example", "region": "eu-west-1"},
        "colour": "blue",
        "max_requests": 1,
    });
    let checked = check(&lab, &settings).expect(3);
    for part in [
        "did you mean \"Account 200000000000\"?",
        "the list of accounts is empty",
        "\"no mailbox\" gets no mail",
        "the tag CostOwner is not active",
        "\"colour\"",
        "max_requests allows 1",
        "may not send from nobody@unverified.example",
    ] {
        assert!(checked.out.contains(part), "{part}: {}", checked.out);
    }
}

#[test]
fn what_may_not_be_asked_is_named() {
    let bill = super::Bill::new(charges(2, 3, 5));
    let members = super::members(&bill);
    let world = super::World::new(super::now())
        .bill(super::PAYER, bill)
        .organization(super::PAYER, members)
        .deny(super::PAYER, "organizations:ListAccounts")
        .deny(super::PAYER, "ce:GetCostAndUsage")
        .deny(super::PAYER, "ce:ListCostAllocationTags");
    let lab = Lab::of(world);
    let settings = json!({
        "executives": ["cfo@example.com"],
        "managers": {"head@example.com": ["Production"]},
    });
    let checked = check(&lab, &settings).expect(3);
    let missing = "there is no account called";
    assert!(!checked.out.contains(missing), "{}", checked.out);
    for part in [
        "the account name \"Production\" could not be checked, since accounts could not be listed",
        "organizations:ListAccounts",
        "ce:GetCostAndUsage",
        "ce:ListCostAllocationTags",
        "no mail server is configured",
    ] {
        assert!(checked.out.contains(part), "{part}: {}", checked.out);
    }
}
