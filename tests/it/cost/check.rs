//! `trailtab cost check` names what is wrong with the settings, and sends nothing.

use std::process::Command;

use serde_json::{Value, json};

use super::{Lab, account, charges};
use crate::support::Finished;
use crate::support::moto;
use crate::support::smtp::{MailServer, Mode};

fn check(lab: &Lab, settings: &Value) -> Finished {
    check_trusting(lab, settings, None)
}

/// Checks settings; trusts the certificate of a mail server.
fn check_trusting(lab: &Lab, settings: &Value, server: Option<&MailServer>) -> Finished {
    let command = check_command(lab, settings, server);
    lab.sandbox.finish(command, b"")
}

fn check_command(lab: &Lab, settings: &Value, server: Option<&MailServer>) -> Command {
    lab.sandbox.write("config.json", settings.to_string());
    let mut command = lab.command();
    command
        .args(["check", "--config", "config.json"])
        .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", moto::endpoint())
        .env("AWS_ENDPOINT_URL_SESV2", moto::endpoint());
    if let Some(server) = server {
        command.env("SSL_CERT_FILE", server.authority());
    }
    command
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
    let checked = check_trusting(&lab, &settings, Some(&server)).expect(0);
    for part in [
        "takes the login of",
        "the tag Owner is a cost allocation tag",
        "4 accounts can be listed",
        "head@example.com: Account 200000000000 (200000000000), Account 200000000001 (200000000001)",
        "user2@example.com: what user2@example.com used",
        // Accounts by charge type, by owner and by service, the services of one person, and the months before.
        "at most 5 requests to Cost Explorer ($0.05)",
        "2 paid requests",
    ] {
        assert!(checked.out.contains(part), "{part}: {}", checked.out);
    }
    assert!(!checked.out.contains("BAD"), "{}", checked.out);
    assert!(!checked.out.contains("s3cret"));
    assert_eq!((lab.granted().len(), server.mails().len()), (1, 0));
    assert_eq!(server.count("login"), 1, "{:?}", server.events());
}

#[test]
fn a_mail_server_that_would_take_no_mail_is_found_before_one_is_sent() {
    let server = MailServer::start(Mode::Starttls, None);
    let plain = MailServer::start(Mode::Plain, None);
    let lab = Lab::organized(charges(4, 9, 5));
    let cases = [
        (
            "password",
            server.secret(&json!({"password": "wrong"})),
            true,
            "cannot log in to",
        ),
        (
            "port",
            server.secret(&json!({"port": 1})),
            true,
            "cannot connect to",
        ),
        (
            "host",
            server.secret(&json!({"host": "mail.invalid"})),
            true,
            "cannot connect to",
        ),
        (
            "mode",
            server.secret(&json!({"tls": "tls"})),
            true,
            "cannot connect to",
        ),
        (
            "unknown authority",
            server.secret(&json!({})),
            false,
            "cannot begin TLS with",
        ),
        (
            "no TLS",
            plain.secret(&json!({})),
            true,
            "offers no STARTTLS",
        ),
    ];
    for (name, secret, is_trusted, words) in cases {
        let secret = moto::keep_secret("us-east-1", &format!("check-{name}"), &secret.to_string());
        let settings = json!({"users": ["user2@example.com"], "secret_name": secret});
        let checked = check_trusting(&lab, &settings, is_trusted.then_some(&server)).expect(3);
        let line = checked.out.lines().find(|line| line.contains(words));
        assert!(
            line.is_some_and(|line| line.starts_with("BAD")),
            "{name}: {}",
            checked.out
        );
        assert!(!checked.out.contains("wrong"), "{}", checked.out);
    }
    assert!(server.mails().is_empty() && plain.mails().is_empty());
}

#[test]
fn a_test_mail_is_sent_where_one_is_asked_for() {
    let server = MailServer::start(Mode::Starttls, None);
    let secret = server.secret(&json!({})).to_string();
    let lab = Lab::organized(charges(4, 9, 5));
    let settings = json!({
        "users": ["user2@example.com"],
        "secret_name": moto::keep_secret("us-east-1", "check-test-mail", &secret),
    });
    let test = |to: &str, code| {
        let mut command = check_command(&lab, &settings, Some(&server));
        command.args(["--test-mail", to]);
        lab.sandbox.finish(command, b"").expect(code)
    };
    let checked = test("ops@example.com", 0);
    let line = "a test mail from costs@example.com to ops@example.com was accepted";
    assert!(checked.out.contains(line), "{}", checked.out);
    let mails = server.mails();
    assert_eq!(server.recipients(), ["ops@example.com"]);
    let text = String::from_utf8(mails[0].bytes.clone()).unwrap();
    for part in ["To: ops@example.com", "Subject: Test mail of trailtab"] {
        assert!(text.contains(part), "{text}");
    }
    let refused = test("bounce@example.com", 3);
    let line = "the test mail to bounce@example.com: refused: ";
    assert!(refused.out.contains(line), "{}", refused.out);
    let refused = test("no mailbox", 3);
    assert!(
        refused
            .out
            .contains("the test mail to no mailbox: cannot address")
    );
    assert_eq!(server.mails().len(), 1);
}

#[test]
fn a_test_mail_goes_by_ses_if_reports_do() {
    let lab = Lab::organized(charges(4, 9, 5));
    let (from, to) = ("check@example.com", "check-ops@example.com");
    let settings = json!({
        "users": ["user2@example.com"],
        "mail": {"transport": "ses", "from": from, "region": "eu-west-1"},
    });
    moto::verify("eu-west-1", from);
    let mut command = check_command(&lab, &settings, None);
    command.args(["--test-mail", to]);
    let checked = lab.sandbox.finish(command, b"");
    let line = "a test mail from check@example.com to check-ops@example.com was accepted";
    assert!(checked.out.contains(line), "{}", checked.out);
    let mails = moto::mails_to(to);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].raw.contains("Subject: Test mail of trailtab"));
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
        "nothing has an owner",
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

#[test]
fn misspelt_users_and_tags_are_named_with_the_nearest() {
    let lab = Lab::organized(charges(4, 9, 5));
    let settings = |key: &str| {
        json!({
            "users": ["user2@example.com", "usr3@example.com", "zoe@example.org"],
            "owner": {"keys": [key]},
        })
    };
    let checked = check(&lab, &settings("Owner")).expect(3);
    for part in [
        "there is no owner \"usr3@example.com\" by the tag Owner",
        "did you mean \"user3@example.com\"?",
        "there is no owner \"zoe@example.org\"",
        "2 paid requests",
    ] {
        assert!(checked.out.contains(part), "{part}: {}", checked.out);
    }
    assert!(
        !checked.out.contains("no owner \"user2@"),
        "{}",
        checked.out
    );
    let checked = check(&lab, &settings("owner")).expect(3);
    for part in [
        "the active tag \"Owner\" has a similar name",
        "nothing has an owner in the costs of",
    ] {
        assert!(checked.out.contains(part), "{part}: {}", checked.out);
    }
}

#[test]
fn a_check_never_pays_for_a_second_page() {
    let bill = super::Bill::new(charges(4, 9, 5)).page(3);
    let members = super::members(&bill);
    let world = super::World::new(super::now())
        .bill(super::PAYER, bill)
        .organization(super::PAYER, members);
    let lab = Lab::of(world);
    let checked = check(&lab, &json!({"users": ["usr3@example.com"]})).expect(3);
    assert!(
        checked.out.contains("more than one page"),
        "{}",
        checked.out
    );
    assert!(checked.out.contains("2 paid requests"), "{}", checked.out);
    assert_eq!(lab.granted().len(), 1);
}
