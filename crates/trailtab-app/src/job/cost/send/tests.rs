//! Tests that each mail is sent once, whatever goes wrong.

use std::collections::BTreeMap;
use std::path::Path;

use tokio::time::{Duration, Instant};

use super::*;
use crate::aws;
use crate::deliver::channel::ChannelSender;
use crate::deliver::mail::files::MailFolder;
use crate::deliver::mail::smtp::SmtpSender;
use crate::deliver::mail::tests::scripted::{END, HELLO, Next, Scripted};
use crate::deliver::mail::{MailTransport, OutgoingMail};
use crate::job::cost::history::CurrencyTotal;
use crate::source::interrupt::{self, Interrupt};
use trailtab_core::cost::channel::ChannelKind;
use trailtab_core::cost::period::DayRange;
use trailtab_core::time::Seconds;

const NOW: Seconds = 1_795_240_800;
const HOUR: Seconds = 3600;

fn post(recipient: &str, amount: &str) -> OutgoingReport {
    let day = |text: &str| text.parse().unwrap();
    OutgoingReport {
        report: "manager".to_owned(),
        period: "2026-11-01 to 2026-11-20".to_owned(),
        destination: mailbox(recipient),
        figures: MailedFigures {
            mailed: day("2026-11-21"),
            days: DayRange {
                from: day("2026-11-01"),
                through: day("2026-11-20"),
            },
            totals: vec![CurrencyTotal {
                currency: "USD".to_owned(),
                amount: amount.parse().unwrap(),
            }],
            basis: FiguresBasis::SettledUsage,
            is_final: false,
            scope: String::new(),
            fingerprint: content(amount).as_str().to_owned(),
        },
        scope: SentHash::new(&"scope", String::new()),
        content: content(amount),
        threshold: RestatementThreshold::default(),
    }
}

fn content(amount: &str) -> SentHash {
    SentHash::new(&amount, format!("sum of {amount}"))
}

/// A mail whose subject describes it.
fn build(post: &OutgoingReport, before: Option<&MailedFigures>) -> Result<OutgoingMessage, String> {
    let is = &post.figures.totals[0].amount;
    let was = before.map(|mailed| match mailed.totals.first() {
        Some(total) => total.amount.to_string(),
        None => "?".to_owned(),
    });
    let subject = match was {
        Some(was) => format!("Correction: {was} is {is}"),
        None => format!("Report: {is}"),
    };
    Ok(OutgoingMessage::Mail(OutgoingMail {
        from: "costs@example.com".to_owned(),
        to: post.destination.name().to_owned(),
        bytes: format!("Subject: {subject}\r\n\r\n").into_bytes(),
        name: post.destination.name().to_owned(),
        page: None,
    }))
}

fn mailbox(address: &str) -> ReportDestination {
    ReportDestination::Mailbox(address.to_owned())
}

/// An outbox that mails by a server.
fn outbox(server: &Scripted) -> Outbox {
    let smtp = MailTransport::Smtp(SmtpSender::new(server.server()));
    let config = aws::without_credentials();
    Outbox::Live {
        mail: Some(Box::new(smtp)),
        channels: ChannelSender::new(&config, BTreeMap::new()),
    }
}

/// Runs at a given time for some recipients; returns the outcomes.
async fn run(
    server: &Scripted,
    directory: &Path,
    later: Seconds,
    posts: Vec<OutgoingReport>,
) -> Vec<SendOutcome> {
    let mut sending = outbox(server);
    let ledger = SendLedger::Directory(directory.to_owned());
    let memory = memory(&ledger, later);
    let sent = send_all(posts, &mut sending, Some(&memory), &no_limit(), build).await;
    sending.close().await;
    assert!(sent.iter().all(|sent| sent.note.is_none()), "{sent:?}");
    sent.into_iter().map(|sent| sent.outcome).collect()
}

fn memory(ledger: &SendLedger, later: Seconds) -> SendLog<'_> {
    SendLog {
        ledger,
        owner: ClaimOwner {
            name: format!("run {later}"),
            now: NOW + later,
            until: NOW + later + HOUR,
        },
    }
}

/// The mails that the server accepted: recipient and subject.
fn taken(server: &Scripted) -> Vec<String> {
    let mut taken = Vec::new();
    let mut to = String::new();
    for line in server.heard() {
        if let Some(address) = line.strip_prefix("RCPT TO:") {
            address.clone_into(&mut to);
        }
        if let Some(subject) = line.strip_prefix("| Subject: ") {
            taken.push(format!("{to} {subject}"));
        }
    }
    taken
}

fn no_limit() -> Limit {
    Limit {
        deadline: None,
        interrupt: Interrupt::never(),
        retry_delays: &[],
    }
}

fn usual() -> Scripted {
    Scripted::start(|_, _| Next::Usual)
}

#[tokio::test]
async fn a_second_run_sends_nothing() {
    let (server, ledger) = (usual(), tempfile::tempdir().unwrap());
    let posts = || vec![post("ann@example.com", "1"), post("bob@example.com", "2")];
    let first = run(&server, ledger.path(), 0, posts()).await;
    assert_eq!(first, [SendOutcome::Sent, SendOutcome::Sent]);
    for later in [1, 10 * HOUR] {
        let second = run(&server, ledger.path(), later, posts()).await;
        assert_eq!(second, [SendOutcome::AlreadySent, SendOutcome::AlreadySent]);
    }
    assert_eq!(taken(&server).len(), 2);
}

#[tokio::test]
async fn one_recipient_who_fails_stops_no_other_and_may_be_tried_again() {
    let mut is_there = false;
    let server = Scripted::start(move |_, heard| match heard {
        "RCPT TO:<bob@example.com>" if !is_there => {
            is_there = true;
            Next::Say("451 later")
        }
        _ => Next::Usual,
    });
    let ledger = tempfile::tempdir().unwrap();
    let posts = || {
        ["ann@example.com", "bob@example.com", "carol@example.com"]
            .map(|to| post(to, "1"))
            .to_vec()
    };
    let first = run(&server, ledger.path(), 0, posts()).await;
    assert!(first[1].may_be_repeated(), "{first:?}");
    assert_eq!(
        (&first[0], &first[2]),
        (&SendOutcome::Sent, &SendOutcome::Sent)
    );
    let second = run(&server, ledger.path(), 60, posts()).await;
    assert_eq!(
        second,
        [
            SendOutcome::AlreadySent,
            SendOutcome::Sent,
            SendOutcome::AlreadySent
        ]
    );
    assert_eq!(taken(&server).len(), 3);
}

#[tokio::test]
async fn what_a_server_refuses_for_now_is_sent_again_in_the_same_run() {
    let mut refusals = 0;
    let server = Scripted::start(move |_, heard| match heard {
        "RCPT TO:<bob@example.com>" if refusals < 2 => {
            refusals += 1;
            Next::Say("454 throttled")
        }
        "RCPT TO:<gone@example.com>" => Next::Say("550 no such user"),
        _ => Next::Usual,
    });
    let directory = tempfile::tempdir().unwrap();
    let ledger = SendLedger::Directory(directory.path().to_owned());
    let posts = ["ann@example.com", "bob@example.com", "gone@example.com"].map(|to| post(to, "1"));
    let limit = Limit {
        retry_delays: &[Duration::ZERO; 3],
        ..no_limit()
    };
    let mut sending = outbox(&server);
    let memory = memory(&ledger, 0);
    let sent = send_all(posts.to_vec(), &mut sending, Some(&memory), &limit, build).await;
    sending.close().await;
    assert_eq!(sent[0].outcome, SendOutcome::Sent);
    assert_eq!(sent[1].outcome, SendOutcome::Sent);
    assert!(!sent[2].outcome.is_well() && !sent[2].outcome.may_be_repeated());
    let heard = |address: &str| server.count(&format!("RCPT TO:<{address}@example.com>"));
    assert_eq!((heard("ann"), heard("bob"), heard("gone")), (1, 3, 1));
}

#[tokio::test]
async fn a_server_that_is_full_at_first_is_asked_again_in_the_same_run() {
    let server = Scripted::start(|connection, heard| match (connection, heard) {
        (1 | 2, HELLO) => Next::Leave("421 too many connections"),
        _ => Next::Usual,
    });
    let limit = Limit {
        retry_delays: &[Duration::ZERO],
        ..no_limit()
    };
    let mut sending = outbox(&server);
    let posts = vec![post("ann@example.com", "1"), post("bob@example.com", "1")];
    let sent = send_all(posts, &mut sending, None, &limit, build).await;
    assert!(
        sent.iter().all(|sent| sent.outcome == SendOutcome::Sent),
        "{sent:?}"
    );
    assert_eq!(server.count(HELLO), 3);
}

/// Wherever a run is killed, the next one sends nothing twice, and sends every mail that was
/// certainly not sent.
#[tokio::test]
async fn a_run_that_is_killed_between_two_recipients_is_taken_up() {
    let (server, ledger) = (usual(), tempfile::tempdir().unwrap());
    run(
        &server,
        ledger.path(),
        0,
        vec![post("ann@example.com", "1")],
    )
    .await;
    let posts = vec![post("ann@example.com", "1"), post("bob@example.com", "2")];
    let second = run(&server, ledger.path(), 1, posts).await;
    assert_eq!(second, [SendOutcome::AlreadySent, SendOutcome::Sent]);
    assert_eq!(
        taken(&server),
        ["<ann@example.com> Report: 1", "<bob@example.com> Report: 2"]
    );
}

#[tokio::test]
async fn a_mail_whose_run_was_killed_while_sending_is_never_sent_again() {
    let (server, ledger) = (usual(), tempfile::tempdir().unwrap());
    let ann = || vec![post("ann@example.com", "1")];
    // A killed run leaves its claim.
    let left = SendLedger::Directory(ledger.path().to_owned());
    let owner = memory(&left, 0).owner;
    let key = key(&ann()[0], 0);
    left.claim(&key, &content("1"), &owner).await.unwrap();
    for (later, words) in [(1, "another run"), (2 * HOUR, "cut off")] {
        let outcome = &run(&server, ledger.path(), later, ann()).await[0];
        assert!(!outcome.is_well() && !outcome.may_be_repeated());
        assert!(outcome.reason().unwrap().contains(words), "{outcome:?}");
    }
    assert!(taken(&server).is_empty());
}

#[tokio::test]
async fn a_mail_without_an_answer_is_not_sent_again() {
    let server = Scripted::start(|connection, heard| match (connection, heard) {
        (1, END) => Next::Leave(""),
        _ => Next::Usual,
    });
    let ledger = tempfile::tempdir().unwrap();
    let ann = || vec![post("ann@example.com", "1")];
    let first = run(&server, ledger.path(), 0, ann()).await;
    assert!(
        matches!(first[0], SendOutcome::Unconfirmed { .. }),
        "{first:?}"
    );
    let second = run(&server, ledger.path(), 1, ann()).await;
    assert!(
        matches!(second[0], SendOutcome::Skipped { .. }),
        "{second:?}"
    );
    assert_eq!(taken(&server).len(), 1);
}

#[tokio::test]
async fn a_changed_report_is_corrected_once() {
    let (server, ledger) = (usual(), tempfile::tempdir().unwrap());
    let amounts = ["40.1", "40.1", "52.3", "52.3", "40.1", "40.1"];
    let mut outcomes = Vec::new();
    for (later, amount) in (0..).zip(amounts) {
        let post = post("ann@example.com", amount);
        outcomes.extend(run(&server, ledger.path(), later, vec![post]).await);
    }
    assert_eq!(
        outcomes,
        [
            SendOutcome::Sent,
            SendOutcome::AlreadySent,
            SendOutcome::Corrected,
            SendOutcome::AlreadySent,
            // The first figures again, but the reader was mailed others since.
            SendOutcome::Corrected,
            SendOutcome::AlreadySent,
        ]
    );
    assert_eq!(
        taken(&server),
        [
            "<ann@example.com> Report: 40.1",
            "<ann@example.com> Correction: 40.1 is 52.3",
            "<ann@example.com> Correction: 52.3 is 40.1",
        ]
    );
}

#[tokio::test]
async fn reports_periods_and_recipients_are_told_apart() {
    let (server, ledger) = (usual(), tempfile::tempdir().unwrap());
    let ann = post("ann@example.com", "1");
    let with = |report: &str, period: &str, recipient: &str| OutgoingReport {
        report: report.to_owned(),
        period: period.to_owned(),
        destination: mailbox(recipient),
        ..ann.clone()
    };
    let posts = vec![
        with("individual ä", "p", "ann@example.com"),
        with("individual ö", "p", "ann@example.com"),
        with("individual _", "p", "ann@example.com"),
        with("individual _", "p/q", "ann@example.com"),
        with("individual _", "p_q", "ann@example.com"),
        with("individual _", "p_q", "bob@example.com"),
        // The same mailbox.
        with("individual _", "p_q", " Bob@Example.com"),
    ];
    let outcomes = run(&server, ledger.path(), 0, posts).await;
    let (last, others) = outcomes.split_last().unwrap();
    assert!(
        others.iter().all(|it| *it == SendOutcome::Sent),
        "{outcomes:?}"
    );
    assert_eq!(last, &SendOutcome::AlreadySent);
}

/// Listing the bucket does not reveal recipients.
#[test]
fn keys_hold_no_addresses() {
    let post = post("ann@example.com", "1");
    let keys = [
        key(&post, 0),
        key(&post, 1),
        place_of_history(&post.report, &post.destination),
    ];
    // Ledgers keep these keys for months.
    let expected = [
        "cost/mail/manager/2026-11-01_to_2026-11-20-521974c60eff/71d4f55f72fa128dfb468a1a3901507c/first",
        "cost/mail/manager/2026-11-01_to_2026-11-20-521974c60eff/71d4f55f72fa128dfb468a1a3901507c/corrections/1",
        "cost/latest/manager/71d4f55f72fa128dfb468a1a3901507c.json",
    ];
    assert_eq!(keys, expected);
    let channel = |name: &str, kind| OutgoingReport {
        destination: ReportDestination::Channel {
            name: name.to_owned(),
            kind,
        },
        ..post.clone()
    };
    let finance = key(&channel("Finance", ChannelKind::Slack), 0);
    assert_eq!(
        finance,
        "cost/mail/manager/2026-11-01_to_2026-11-20-521974c60eff/9e9cd6446f46f328c19ab5533d09e6f7/first"
    );
    // The name identifies a channel, and never a mailbox.
    assert_eq!(finance, key(&channel(" finance", ChannelKind::Teams), 0));
    let mailbox = key(&self::post("finance", "1"), 0);
    assert_ne!(finance, mailbox);
}

#[tokio::test]
async fn mailed_figures_are_recorded_per_report() {
    let (server, ledger) = (usual(), tempfile::tempdir().unwrap());
    let first = post("ann@example.com", "40.10");
    let mut second = post("ann@example.com", "41.25");
    second.period = "2026-11-01 to 2026-11-21".to_owned();
    second.figures.mailed = "2026-11-22".parse().unwrap();
    second.figures.days.through = "2026-11-21".parse().unwrap();
    let posts = vec![second.clone(), first.clone()];
    run(&server, ledger.path(), 0, posts).await;
    let ledger = SendLedger::Directory(ledger.path().to_owned());
    let last = mailed(
        &ledger,
        "manager",
        &mailbox("ANN@example.com"),
        FiguresBasis::SettledUsage,
    )
    .await
    .unwrap();
    assert_eq!(last, Some(second.figures));
    let of_first = mailed_for(
        &ledger,
        "manager",
        &mailbox("ann@example.com"),
        &first.period,
    )
    .await;
    assert_eq!(of_first.unwrap(), Some(first.figures));
    for (report, recipient) in [
        ("manager", "bob@example.com"),
        ("individual", "ann@example.com"),
    ] {
        assert_eq!(
            mailed(
                &ledger,
                report,
                &mailbox(recipient),
                FiguresBasis::SettledUsage
            )
            .await
            .unwrap(),
            None
        );
    }
}

#[tokio::test]
async fn a_mail_that_cannot_be_made_fails_alone() {
    let (server, directory) = (usual(), tempfile::tempdir().unwrap());
    let ledger = SendLedger::Directory(directory.path().to_owned());
    let mut sending = outbox(&server);
    let posts = vec![post("ann@example.com", "1"), post("bob@example.com", "2")];
    let build =
        |post: &OutgoingReport, before: Option<&MailedFigures>| match post.destination.name() {
            "ann@example.com" => Err("no picture".to_owned()),
            _ => build(post, before),
        };
    let sent = send_all(
        posts,
        &mut sending,
        Some(&memory(&ledger, 0)),
        &no_limit(),
        build,
    )
    .await;
    sending.close().await;
    assert_eq!(sent[0].outcome, failed("no picture", true));
    assert_eq!(sent[1].outcome, SendOutcome::Sent);
    // It was not claimed either.
    let later = run(
        &server,
        directory.path(),
        1,
        vec![post("ann@example.com", "1")],
    )
    .await;
    assert_eq!(later, [SendOutcome::Sent]);
}

#[tokio::test]
async fn nothing_is_begun_without_time_nor_remembered_of_a_dry_run() {
    let (server, directory) = (usual(), tempfile::tempdir().unwrap());
    let ledger = SendLedger::Directory(directory.path().join("ledger"));
    let ann = || vec![post("ann@example.com", "1")];
    let mut sending = outbox(&server);
    let soon = Limit {
        deadline: Some(Instant::now() + Duration::from_secs(5)),
        ..no_limit()
    };
    let sent = send_all(ann(), &mut sending, Some(&memory(&ledger, 0)), &soon, build).await;
    assert!(sent[0].outcome.may_be_repeated(), "{sent:?}");
    let (requester, interrupt) = interrupt::channel();
    requester.request();
    let stopped = Limit {
        interrupt,
        ..no_limit()
    };
    let sent = send_all(
        ann(),
        &mut sending,
        Some(&memory(&ledger, 0)),
        &stopped,
        build,
    )
    .await;
    assert_eq!(sent[0].outcome, failed(interrupt::REASON, false));
    let folder = MailFolder::create(directory.path().join("mails")).unwrap();
    let mut dry = Outbox::Files(folder);
    let sent = send_all(
        ann(),
        &mut dry,
        Some(&memory(&ledger, 0)),
        &no_limit(),
        build,
    )
    .await;
    assert_eq!(sent[0].outcome, SendOutcome::WouldSend);
    assert!(directory.path().join("mails/ann@example.com.eml").exists());
    assert!(!directory.path().join("ledger").exists());
    assert!(taken(&server).is_empty());
}

/// An unreadable ledger may record that everything was sent.
#[tokio::test]
async fn without_its_ledger_a_run_sends_nothing() {
    let (server, directory) = (usual(), tempfile::tempdir().unwrap());
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let outcome = &run(&server, &file, 0, vec![post("ann@example.com", "1")]).await[0];
    assert!(outcome.may_be_repeated(), "{outcome:?}");
    assert!(taken(&server).is_empty());
}
