//! Mornings on which something goes wrong, and mails that are false.

use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::ASK;
use super::mail::ReadMail;
use super::worlds::{self, day};
use super::{EXECUTIVE, MANAGER, Mornings, OWNER};

/// How long a state of the mail server is waited for.
const TOO_LONG: Duration = Duration::from_secs(60);

/// Waits until the mail server has seen so many events of a kind, or the run is over.
fn wait_for(lab: &Mornings, run: &mut Child, event: &str, number: usize) {
    let began = Instant::now();
    while lab.post.count(event) < number && run.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < TOO_LONG, "{event}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn signal(run: &Child, name: &str) {
    let kill = format!("kill -{name} {}", run.id());
    let killed = std::process::Command::new("/bin/sh")
        .args(["-c", &kill])
        .status();
    assert!(killed.unwrap().success());
}

/// Outcomes of the reports of a run that was printed.
fn outcomes(printed: &[u8]) -> Vec<String> {
    let lines: Value = serde_json::from_slice(printed).unwrap();
    let lines = lines.as_array().unwrap().iter();
    lines
        .map(|line| line["outcome"].as_str().unwrap().to_owned())
        .collect()
}

/// Recipients and subjects of all mails.
fn sent(lab: &Mornings) -> Vec<(String, String)> {
    let mails = lab.post.mails().into_iter().map(|mail| ReadMail::of(&mail));
    let mut sent: Vec<(String, String)> = mails.map(|mail| (mail.to, mail.subject)).collect();
    sent.sort();
    sent
}

/// A run of a morning that is stopped as soon as the mail server has seen some events, and what it printed.
fn stopped(
    lab: &Mornings,
    server: &crate::support::aws::Server,
    event: &str,
    number: usize,
    name: &str,
) -> Vec<u8> {
    let mut command = lab.command(server, day("2026-11-05"), 0);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut run = command.spawn().unwrap();
    let number = number + lab.post.count(event);
    wait_for(lab, &mut run, event, number);
    signal(&run, name);
    run.wait_with_output().unwrap().stdout
}

/// On the 5th of November each recipient is due two mails: of October, and of November so far.
#[test]
#[cfg(unix)]
fn what_goes_wrong_on_a_morning_costs_nothing_twice() {
    let today = day("2026-11-05");
    let lab = Mornings::new(worlds::weekly(), "mornings-faults");
    let server = lab.server(today);

    lab.post.fault("defer", true);
    let printed = stopped(&lab, &server, "451", 6, "INT");
    assert_eq!(outcomes(&printed), ["failed"; 6]);
    lab.post.fault("defer", false);
    let paid = server.granted(ASK).len();
    assert!(paid > 0);

    lab.post.fault("no-tls", true);
    let printed = stopped(&lab, &server, "454", 1, "INT");
    assert_eq!(outcomes(&printed), ["failed"; 6]);
    lab.post.fault("no-tls", false);
    assert_eq!(lab.post.mails().len(), 0);

    // A mail in flight may be lost, and is named.
    stopped(&lab, &server, "mail", 2, "KILL");
    let taken = lab.post.mails().len();
    assert!(taken >= 2);
    let last = lab.run(&server, today, 10);
    let outcomes = outcomes(&last.stdout);
    let count = |outcome: &str| outcomes.iter().filter(|it| *it == outcome).count();
    assert!(count("skipped") <= 1, "{outcomes:?}");
    assert_eq!(last.code, Some(if count("skipped") == 0 { 0 } else { 3 }));
    assert_eq!(
        count("sent") + count("already_sent") + count("skipped"),
        6,
        "{outcomes:?}"
    );

    let sent = sent(&lab);
    let mut once = sent.clone();
    once.dedup();
    assert_eq!(sent, once);
    assert!(sent.len() + count("skipped") >= 6, "{sent:?}");
    assert_eq!(
        server.granted(ASK).len(),
        paid,
        "answers were paid for twice"
    );
    for (mail, taken) in lab
        .post
        .mails()
        .iter()
        .map(|taken| (ReadMail::of(taken), taken))
    {
        assert!(taken.tls);
        assert_eq!(lab.judge(&mail, today).faults, [""; 0]);
    }
}

/// A server that refuses everything for a moment gets all mails in the same run.
#[test]
#[cfg(unix)]
fn a_server_that_refuses_for_a_moment_gets_each_mail_once() {
    let today = day("2026-11-04");
    let lab = Mornings::new(worlds::weekly(), "mornings-moment");
    let server = lab.server(today);
    lab.post.fault("defer", true);
    let mut command = lab.command(&server, today, 0);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut run = command.spawn().unwrap();
    wait_for(&lab, &mut run, "451", 3);
    lab.post.fault("defer", false);
    let ended = run.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(outcomes(&ended.stdout), ["sent"; 3]);
    assert_eq!(sent(&lab).len(), 3);
}

/// The judge can find faults: with `lag_days = 0`, mails compare days that are still loading.
#[test]
fn mails_that_compare_loading_days_are_found_false() {
    let today = day("2026-11-18");
    let mut lab = Mornings::new(worlds::weekly(), "mornings-false");
    lab.settings["lag_days"] = 0.into();
    let server = lab.server(today);
    lab.run(&server, today, 0).expect(0);
    let mails = lab.post.mails();
    assert_eq!(mails.len(), 3);
    for mail in mails.iter().map(ReadMail::of) {
        let faults = lab.judge(&mail, today).faults;
        let found = |part: &str| faults.iter().any(|fault| fault.starts_with(part));
        for part in [
            "subject: said",
            "usage: said",
            "key figure: said",
            "last day: said",
            "By service, ",
        ] {
            assert!(found(part), "{part}: {faults:#?}\n{}", mail.text);
        }
        assert!(
            found("owner ") == (mail.to != OWNER) && found("service "),
            "{faults:#?}"
        );
        assert!(
            faults
                .iter()
                .any(|fault| fault.contains("said to change by")),
            "{faults:#?}"
        );
    }
    assert_eq!(
        mails
            .iter()
            .map(|mail| mail.to[0].as_str())
            .collect::<Vec<_>>(),
        [EXECUTIVE, MANAGER, OWNER]
    );
}

/// A statement that the judge does not understand is a fault, so that new statements are not taken for true.
#[test]
fn unknown_statements_are_faults() {
    let today = day("2026-11-18");
    let lab = Mornings::new(worlds::weekly(), "mornings-unknown");
    let server = lab.server(today);
    lab.run(&server, today, 0).expect(0);
    let mails: Vec<ReadMail> = lab.post.mails().iter().map(ReadMail::of).collect();
    let mail = mails.iter().find(|mail| mail.to == MANAGER).unwrap();
    assert_eq!(lab.judge(mail, today).faults, [""; 0]);
    let changed = |from: &str, to: &str| {
        assert!(mail.text.contains(from), "{from:?}: {}", mail.text);
        let text = mail.text.replacen(from, to, 1);
        lab.judge(
            &ReadMail {
                text,
                ..mail.clone()
            },
            today,
        )
        .faults
    };
    for (from, to) in [
        (
            "\n\nUsage of ",
            "\n\nNovember will cost $5.00.\n\nUsage of ",
        ),
        (" less than ", " more than "),
        ("Support ", "Credits "),
        ("so far", "in all"),
        ("▼", "▲"),
        ("not yet billed", "     $9,999.00"),
        ("By service ", "By colour "),
    ] {
        assert!(!changed(from, to).is_empty(), "{from:?} → {to:?}");
    }
}
