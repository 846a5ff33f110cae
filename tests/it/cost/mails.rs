//! Mails arrive at a real mail server with TLS and a login, and at an emulator of SES: each once, despite faults in
//! between.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Lab, account, charges, config, day};
use crate::support::Finished;
use crate::support::aws::Charge;
use crate::support::moto;
use crate::support::smtp::{MailServer, Mode, USER};
use crate::support::smtp_forger;

const REGION: &str = "eu-west-1";

/// Settings in which every recipient is an owner of `charges(4, 9, …)`, or a manager.
const PEOPLE: [&str; 3] = [
    "user2@example.com",
    "user3@example.com",
    "user4@example.com",
];

/// An organisation, a way for its mails, and the program.
struct Post {
    lab: Lab,
    settings: Value,
    /// For SSL_CERT_FILE.
    authority: Option<std::path::PathBuf>,
}

impl Post {
    /// All users have usage, except those whose names begin with `nobody`.
    fn new(settings: Value) -> Post {
        let mut charges = charges(4, 9, 5);
        let users = settings["users"].as_array().cloned().unwrap_or_default();
        let users = users.iter().filter_map(Value::as_str);
        for user in users.filter(|user| !user.starts_with("nobody")) {
            charges.push(Charge::new(day(2), &account(0), "EC2", "1").owner(user));
        }
        Post {
            lab: Lab::organized(charges),
            settings,
            authority: None,
        }
    }

    /// With a mail server that is known from a secret of this name.
    fn by_smtp(server: &MailServer, name: &str, more: &Value, people: &[&str]) -> Post {
        let secret = server.secret(more).to_string();
        let mut settings = config(&[], people);
        settings["secret_name"] = moto::keep_secret(REGION, name, &secret).into();
        Post {
            authority: Some(server.authority()),
            ..Post::new(settings)
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let config = self.settings.to_string();
        self.lab.sandbox.write("config.json", config);
        let mut command = self.lab.command();
        let (since, until) = (day(1).to_string(), day(10).to_string());
        command
            .args(["--no-cache", "--config", "config.json", "--send"])
            .args(["--since", &since, "--until", &until])
            .args(args)
            .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", moto::endpoint())
            .env("AWS_ENDPOINT_URL_SESV2", moto::endpoint());
        if let Some(authority) = &self.authority {
            command.env("SSL_CERT_FILE", authority);
        }
        command
    }

    fn send(&self, args: &[&str]) -> Finished {
        self.lab.sandbox.finish(self.command(args), b"")
    }

    /// Runs to the end; returns the recipients with what became of their mails.
    fn outcomes(&self, code: i32) -> Vec<(String, String)> {
        let sent = self.send(&["--format", "json"]).expect(code).summary();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let lines = sent.as_array().unwrap().iter();
        lines
            .map(|line| (text(&line["recipient"]), text(&line["outcome"])))
            .collect()
    }
}

fn all(people: &[&str], outcome: &str) -> Vec<(String, String)> {
    let line = |person: &&str| ((*person).to_owned(), outcome.to_owned());
    people.iter().map(line).collect()
}

fn header<'m>(mail: &'m str, name: &str) -> &'m str {
    let head = mail.split("\r\n\r\n").next().unwrap();
    let line = head
        .split("\r\n")
        .find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in {head}"))
}

#[test]
fn each_mail_arrives_once_over_one_private_connection() {
    let server = MailServer::start(Mode::Starttls, None);
    let post = Post::by_smtp(&server, "once", &json!({}), &PEOPLE);
    let sent = post.send(&[]).expect(0);
    assert!(
        sent.out.contains("3 of 3 reports without a problem"),
        "{}",
        sent.out
    );
    assert_eq!(server.recipients(), PEOPLE);
    assert_eq!(
        (
            server.count("connection"),
            server.count("login PLAIN taken")
        ),
        (1, 1)
    );
    let mut ids = Vec::new();
    for mail in server.mails() {
        assert_eq!((mail.from.as_str(), mail.tls), (USER, true));
        assert_eq!(mail.user.as_deref(), Some(USER));
        let text = String::from_utf8(mail.bytes).unwrap();
        assert!(header(&text, "To").contains(&mail.to[0]));
        assert!(header(&text, "From").contains(USER));
        assert!(!header(&text, "Date").is_empty() && !header(&text, "Subject").is_empty());
        ids.push(header(&text, "Message-ID").to_owned());
        // No line is longer than mail servers take.
        assert!(text.split("\r\n").all(|line| line.len() <= 998));
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);

    assert_eq!(post.outcomes(0), all(&PEOPLE, "already_sent"));
    assert_eq!((server.mails().len(), server.count("connection")), (3, 1));
}

#[test]
fn a_failing_recipient_does_not_stop_other_mails() {
    let server = MailServer::start(Mode::Tls, None);
    let people = [
        "bounce@example.com",
        "defer@example.com",
        "spam@example.com",
    ];
    let people = [&people[..], &PEOPLE].concat();
    let post = Post::by_smtp(&server, "fails", &json!({"tls": "tls"}), &people);
    let sent = post.send(&[]).expect(3);
    assert!(
        sent.out.contains("3 of 6 reports without a problem"),
        "{}",
        sent.out
    );
    // Control characters in the server's text are not executed.
    assert!(!sent.stdout.contains(&0x1b), "{}", sent.out);
    assert!(sent.out.contains("no such") && sent.out.contains("451"));
    assert_eq!(server.recipients(), PEOPLE);
    assert_eq!(server.count("connection"), 1);
    let again = post.outcomes(3);
    assert_eq!(again[..3], all(&people[..3], "failed"));
    assert_eq!(again[3..], all(&PEOPLE, "already_sent"));
    assert_eq!((server.count("550"), server.mails().len()), (2, 3));
}

#[test]
fn a_server_that_hangs_up_after_some_mails_is_called_again() {
    let server = MailServer::start(Mode::Starttls, Some(2));
    let post = Post::by_smtp(&server, "limit", &json!({}), &PEOPLE);
    assert_eq!(post.outcomes(0), all(&PEOPLE, "sent"));
    assert_eq!(server.recipients(), PEOPLE);
    assert_eq!((server.count("connection"), server.count("421")), (2, 1));
}

#[test]
fn a_mail_without_an_answer_is_not_sent_again() {
    let server = MailServer::start(Mode::Starttls, None);
    let people = ["vanish@example.com", "cut@example.com", PEOPLE[0]];
    let post = Post::by_smtp(&server, "vanish", &json!({}), &people);
    let expected = [all(&people[..2], "unconfirmed"), all(&people[2..], "sent")];
    assert_eq!(post.outcomes(3), expected.concat());
    let expected = [
        all(&people[..2], "skipped"),
        all(&people[2..], "already_sent"),
    ];
    assert_eq!(post.outcomes(3), expected.concat());
    assert_eq!(server.recipients(), [people[0], people[2]]);
}

#[test]
fn nothing_is_sent_to_a_server_that_cannot_be_trusted() {
    let server = MailServer::start(Mode::Starttls, None);
    let other = MailServer::start(Mode::Starttls, None);
    let mut post = Post::by_smtp(&server, "trust", &json!({}), &PEOPLE);
    post.authority = Some(other.authority());
    let sent = post.send(&[]).expect(3);
    assert!(sent.out.contains("certificate"), "{}", sent.out);
    assert_eq!((server.count("login"), server.count("mail")), (0, 0));

    let open = MailServer::start(Mode::Plain, None);
    let post = Post::by_smtp(&open, "open", &json!({}), &PEOPLE);
    let sent = post.send(&[]).expect(3);
    assert!(sent.out.contains("STARTTLS"), "{}", sent.out);
    assert_eq!(open.events(), ["connection"]);

    let more = json!({"password": "wr0ng"});
    let post = Post::by_smtp(&server, "wrong", &more, &PEOPLE);
    let sent = post.send(&[]).expect(3);
    assert!(sent.out.contains("cannot log in"), "{}", sent.out);
    let all = format!("{}{}", sent.out, sent.err);
    assert!(!all.contains("wr0ng") && !all.contains("d3IwbmC"), "{all}");
    assert_eq!(server.count("login PLAIN refused"), 1);
}

/// Answers that were written before TLS began would otherwise count as answers inside TLS.
#[test]
fn answers_forged_before_tls_begins_do_not_count() {
    let server = MailServer::start(Mode::Starttls, None);
    let more = json!({"port": smtp_forger::start(server.port())});
    let post = Post::by_smtp(&server, "forged", &more, &PEOPLE[..1]);
    let sent = post.send(&[]).expect(3);
    assert!(sent.out.contains("unencrypted text came"), "{}", sent.out);
    assert_eq!((server.count("login"), server.count("mail")), (0, 0));
}

#[test]
fn a_server_on_this_machine_may_do_without_tls() {
    let server = MailServer::start(Mode::Plain, None);
    let mut post = Post::new(config(&[], &PEOPLE));
    post.settings.as_object_mut().unwrap().remove("secret_name");
    post.settings["mail"] = json!({
        "from": "Costs <costs@example.com>",
        "server": {"host": "127.0.0.1", "port": server.port(), "tls": "none"},
    });
    assert_eq!(post.outcomes(0), all(&PEOPLE, "sent"));
    let mails = server.mails();
    assert!(
        mails
            .iter()
            .all(|mail| mail.from == "costs@example.com" && !mail.tls)
    );
    assert_eq!(mails.len(), 3);
}

#[test]
fn a_secret_that_cannot_be_had_is_named() {
    let mut post = Post::new(config(&[], &PEOPLE));
    post.settings["secret_name"] = "no-such-secret".into();
    let failed = post.send(&[]).expect(1);
    assert!(failed.err.contains("no-such-secret"), "{}", failed.err);
    assert!(
        failed.err.contains("ResourceNotFoundException"),
        "{}",
        failed.err
    );
    let name = moto::keep_secret(REGION, "ambiguous", r#"{"hunter2": "x@example.com"}"#);
    post.settings["secret_name"] = name.into();
    let failed = post.send(&[]).expect(1);
    assert!(failed.err.contains("ambiguous"), "{}", failed.err);
    assert!(!failed.err.contains("hunter2"), "{}", failed.err);
}

/// At whatever point a run is killed, no mail is sent twice, and only the mail in flight can be missing, which is
/// reported.
#[test]
fn a_run_that_is_killed_is_taken_up() {
    for mails in 1..=2 {
        let server = MailServer::start(Mode::Starttls, None);
        let name = format!("killed{mails}");
        let post = Post::by_smtp(&server, &name, &json!({}), &PEOPLE);
        let mut command = post.command(&[]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut run = command.spawn().unwrap();
        while server.count("mail") < mails && run.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        run.kill().unwrap();
        run.wait().unwrap();
        let sent = post.send(&["--format", "json"]);
        let lines = sent.summary();
        let skipped = lines.as_array().unwrap().iter();
        let skipped = skipped.filter(|line| line["outcome"] == "skipped").count();
        assert_eq!(sent.code, Some(if skipped == 0 { 0 } else { 3 }));
        let mut recipients = server.recipients();
        recipients.sort();
        let taken = recipients.len();
        recipients.dedup();
        assert_eq!(taken, recipients.len());
        assert!(skipped <= 1 && taken + skipped >= PEOPLE.len(), "{lines}");
    }
}

#[test]
fn a_report_that_has_changed_is_sent_once_more() {
    let server = MailServer::start(Mode::Starttls, None);
    let mut post = Post::by_smtp(&server, "changed", &json!({}), &PEOPLE);
    let ledger = post.lab.sandbox.path("ledger").display().to_string();
    let outcomes = |post: &Post| {
        let args = ["--format", "json", "--ledger", &ledger];
        let sent = post.send(&args).expect(0).summary();
        let lines = sent.as_array().unwrap().clone();
        lines
            .into_iter()
            .map(|line| line["outcome"].clone())
            .collect::<Vec<Value>>()
    };
    assert_eq!(outcomes(&post), ["sent"; 3]);
    // The same people with other amounts: the ledger does not depend on the bill.
    let first = std::mem::replace(&mut post.lab, Lab::organized(charges(4, 9, 6)));
    assert_eq!(outcomes(&post), ["corrected"; 3]);
    assert_eq!(outcomes(&post), ["already_sent"; 3]);
    drop(first);
    let mails = server.mails();
    assert_eq!(mails.len(), 6);
    for mail in &mails[3..] {
        let text = String::from_utf8_lossy(&mail.bytes).replace("=\r\n", "");
        assert!(
            header(&text, "Subject").starts_with("Correction: "),
            "{text}"
        );
        assert!(text.contains("earlier today"), "{text:.3000}");
    }
    assert!(mails[..3].iter().all(|mail| {
        let text = String::from_utf8_lossy(&mail.bytes);
        !header(&text, "Subject").contains("Correction")
    }));
}

#[test]
fn ses_gets_the_same_mails() {
    // All tests share the emulator, and other tests mail to other recipients.
    let people = ["user5@example.com", "user6@example.com"];
    let head = "head@example.com";
    let account = format!("Account {}", account(0));
    let mut settings = config(&[(head, &[&account])], &people);
    settings["mail"] =
        json!({"transport": "ses", "region": REGION, "from": "Costs <ses@example.com>"});
    let post = Post::new(settings);
    let failed = post.send(&[]).expect(3);
    assert!(failed.out.contains("MessageRejected"), "{}", failed.out);
    moto::verify(REGION, "ses@example.com");
    let sent = post.outcomes(0);
    assert!(
        sent.iter().all(|(_, outcome)| outcome == "sent"),
        "{sent:?}"
    );
    assert_eq!(sent.len(), 3);
    assert!(
        post.outcomes(0)
            .iter()
            .all(|(_, outcome)| outcome == "already_sent")
    );
    for person in [&people[..], &[head]].concat() {
        let mails = moto::mails_to(person);
        assert_eq!(mails.len(), 1, "{person}");
        assert!(mails[0].source.contains("ses@example.com"));
        assert!(header(&mails[0].raw, "To").contains(person));
        assert!(mails[0].raw.contains("multipart/related"), "{person}");
    }
}

#[test]
fn the_operator_is_told_once_a_day() {
    let server = MailServer::start(Mode::Starttls, None);
    let mut post = Post::by_smtp(&server, "operator", &json!({}), &["nobody@example.com"]);
    post.settings["operator"] = "ops@example.com".into();
    let told = post.outcomes(3);
    let line = |to: &str, outcome: &str| (to.to_owned(), outcome.to_owned());
    let first = [
        line("nobody@example.com", "unknown"),
        line("ops@example.com", "sent"),
    ];
    assert_eq!(told, first);
    assert_eq!(server.recipients(), ["ops@example.com"]);
    // Another problem of the same day waits for the next mail.
    post.settings["users"] = json!(["nobody@example.com", "nobody2@example.com"]);
    assert_eq!(
        post.outcomes(3).last(),
        Some(&line("ops@example.com", "already_sent"))
    );
    assert_eq!(server.recipients().len(), 1);
}
