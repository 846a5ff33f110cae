//! Tests SMTP against a misbehaving server. TLS is tested in tests/it, against a real one.

pub mod scripted;

use self::scripted::{END, HELLO, Next, Scripted};
use super::smtp::SmtpSender;
use super::{MailTransport, OutgoingMail, SendError};
use trailtab_core::cost::secret::{MailServer, TlsMode};

fn message(to: &str) -> OutgoingMail {
    OutgoingMail {
        from: "Costs <costs@example.com>".to_owned(),
        to: to.to_owned(),
        bytes: b"Subject: x\r\n\r\none\r\n.two\r\n..\r\n".to_vec(),
        name: to.to_owned(),
        page: None,
    }
}

fn mailer(server: &Scripted) -> MailTransport {
    MailTransport::Smtp(SmtpSender::new(server.server()))
}

async fn send(mailer: &mut MailTransport, to: &str) -> Result<(), SendError> {
    let sent = mailer.send(&message(to)).await;
    let words = format!("{sent:?} {mailer:?}");
    assert!(
        !words.contains("s3cret") && !words.contains("czNjcmV0"),
        "{words}"
    );
    sent
}

fn is_broken(sent: &Result<(), SendError>, lasting: bool) -> bool {
    matches!(sent, Err(SendError::Broken { is_lasting, .. }) if *is_lasting == lasting)
}

fn is_refused(sent: &Result<(), SendError>, lasting: bool) -> bool {
    matches!(sent, Err(SendError::Refused { is_lasting, .. }) if *is_lasting == lasting)
}

#[tokio::test]
async fn all_mails_take_one_connection_whatever_becomes_of_them() {
    let server = Scripted::start(|_, heard| match heard {
        "RCPT TO:<bounce@example.com>" => Next::Say("550-no such\r\n550 user"),
        "RCPT TO:<defer@example.com>" => Next::Say("451 later"),
        _ => Next::Usual,
    });
    let mut mailer = mailer(&server);
    assert_eq!(send(&mut mailer, "Ann <ann@example.com>").await, Ok(()));
    let refused = send(&mut mailer, "bounce@example.com").await;
    assert!(is_refused(&refused, true), "{refused:?}");
    assert!(refused.unwrap_err().to_string().contains("550"));
    assert!(is_refused(
        &send(&mut mailer, "defer@example.com").await,
        false
    ));
    assert_eq!(send(&mut mailer, "bob@example.com").await, Ok(()));
    mailer.close().await;
    let mail = ["| Subject: x", "| ", "| one", "| ..two", "| ...", END];
    let expected = [
        &[
            HELLO,
            "EHLO example.com",
            "AUTH PLAIN AGNvc3RzQGV4YW1wbGUuY29tAHMzY3JldA==",
        ][..],
        &[
            "MAIL FROM:<costs@example.com>",
            "RCPT TO:<ann@example.com>",
            "DATA",
        ],
        &mail,
        &[
            "MAIL FROM:<costs@example.com>",
            "RCPT TO:<bounce@example.com>",
            "RSET",
        ],
        &[
            "MAIL FROM:<costs@example.com>",
            "RCPT TO:<defer@example.com>",
            "RSET",
        ],
        &[
            "MAIL FROM:<costs@example.com>",
            "RCPT TO:<bob@example.com>",
            "DATA",
        ],
        &mail,
        &["QUIT"],
    ];
    assert_eq!(server.heard(), expected.concat());
}

/// Servers limit the mails per connection, or the time between two mails.
#[tokio::test]
async fn a_connection_that_is_closed_between_two_mails_is_made_anew() {
    for answer in ["421 enough", "", "451 enough of this connection"] {
        let mut mails = 0;
        let server = Scripted::start(move |_, heard| {
            mails += usize::from(heard.starts_with("MAIL"));
            match heard.starts_with("MAIL") && mails == 2 {
                true => Next::Leave(answer),
                false => Next::Usual,
            }
        });
        let mut mailer = mailer(&server);
        for to in ["ann@example.com", "bob@example.com", "carol@example.com"] {
            assert_eq!(send(&mut mailer, to).await, Ok(()), "{answer}");
        }
        assert_eq!((server.count(HELLO), server.count(END)), (2, 3), "{answer}");
    }
}

/// A duplicate mail is worse than a missing one.
#[tokio::test]
async fn without_an_answer_nothing_is_sent_again() {
    for answer in ["", "hello?", "199 what"] {
        let server = Scripted::start(move |connection, heard| match (connection, heard) {
            (1, END) => Next::Leave(answer),
            _ => Next::Usual,
        });
        let mut mailer = mailer(&server);
        let sent = send(&mut mailer, "ann@example.com").await;
        assert!(matches!(sent, Err(SendError::Unconfirmed(_))), "{sent:?}");
        assert_eq!(send(&mut mailer, "bob@example.com").await, Ok(()));
        assert_eq!((server.count(HELLO), server.count(END)), (2, 2));
    }
}

#[tokio::test]
async fn a_mail_rejected_after_its_data_was_not_accepted() {
    let mut answers = ["554 spam", "452 full", "421 going down", "250 ok"].into_iter();
    let server = Scripted::start(move |_, heard| match heard {
        END => Next::Say(answers.next().unwrap()),
        _ => Next::Usual,
    });
    let mut mailer = mailer(&server);
    assert!(is_refused(
        &send(&mut mailer, "ann@example.com").await,
        true
    ));
    assert!(is_refused(
        &send(&mut mailer, "bob@example.com").await,
        false
    ));
    // The server accepted nothing, so the mail is sent again.
    assert_eq!(send(&mut mailer, "carol@example.com").await, Ok(()));
    assert_eq!((server.count(HELLO), server.count("RSET")), (2, 2));
}

#[tokio::test]
async fn a_mail_that_is_cut_off_in_the_middle_was_not_taken() {
    let server = Scripted::start(|connection, heard| match (connection, heard) {
        (1, "DATA") => Next::Leave("354 go on"),
        _ => Next::Usual,
    });
    let mut mailer = mailer(&server);
    let large = OutgoingMail {
        bytes: b"x".repeat(64 << 20),
        ..message("ann@example.com")
    };
    let sent = mailer.send(&large).await;
    assert!(is_broken(&sent, false), "{sent:?}");
}

#[tokio::test]
async fn without_tls_nothing_is_said_to_a_server_that_should_have_it() {
    let server = Scripted::start(|_, _| Next::Usual);
    let mut mailer = MailTransport::Smtp(SmtpSender::new(server.server_with(TlsMode::Starttls)));
    for to in ["ann@example.com", "bob@example.com"] {
        let sent = send(&mut mailer, to).await;
        assert!(is_broken(&sent, true), "{sent:?}");
        assert!(sent.unwrap_err().to_string().contains("STARTTLS"));
    }
    assert_eq!(server.heard(), [HELLO, "EHLO example.com", "QUIT"]);
}

/// The replies to a whole mail and its login, as somebody between the two machines could send them.
const FORGED: &str =
    "250-localhost\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n";

#[tokio::test]
async fn replies_sent_unencrypted_where_tls_begins_are_refused() {
    for forge in [Next::Forge, Next::ForgeLater] {
        let server = Scripted::start(move |_, heard| match heard {
            "EHLO example.com" => Next::Say("250-localhost\r\n250 STARTTLS"),
            "STARTTLS" => forge(FORGED),
            _ => Next::Usual,
        });
        let settings = server.server_with(TlsMode::Starttls);
        let mut mailer = MailTransport::Smtp(SmtpSender::new(settings));
        let sent = send(&mut mailer, "ann@example.com").await;
        assert!(is_broken(&sent, false), "{sent:?}");
        let reason = sent.unwrap_err().to_string();
        assert!(reason.contains("cannot begin TLS with"), "{reason}");
        assert!(reason.contains("unencrypted text came"), "{reason}");
        let once = [HELLO, "EHLO example.com", "STARTTLS"];
        assert_eq!(server.heard(), [once, once].concat());
    }
}

#[tokio::test]
async fn the_name_in_ehlo_is_that_of_the_settings_or_the_senders_domain() {
    for (ehlo, expected) in [
        (None, "EHLO example.com"),
        (Some("costs.example.net"), "EHLO costs.example.net"),
        (Some("[192.0.2.1]"), "EHLO [192.0.2.1]"),
        (Some("x\r\nMAIL FROM:<a@b>"), "EHLO [127.0.0.1]"),
    ] {
        let server = Scripted::start(|_, _| Next::Usual);
        let settings = MailServer {
            ehlo: ehlo.map(str::to_owned),
            ..server.server()
        };
        let mut mailer = MailTransport::Smtp(SmtpSender::new(settings));
        assert_eq!(send(&mut mailer, "ann@example.com").await, Ok(()));
        assert_eq!(server.heard()[1], expected);
    }
}

/// Repeated wrong passwords would lock the account.
#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let server = Scripted::start(|_, heard| match heard.starts_with("AUTH") {
        true => Next::Say("535 wrong"),
        false => Next::Usual,
    });
    let mut mailer = mailer(&server);
    for to in ["ann@example.com", "bob@example.com"] {
        let sent = send(&mut mailer, to).await;
        assert!(is_broken(&sent, true), "{sent:?}");
        assert!(sent.unwrap_err().to_string().contains("cannot log in to"));
    }
    assert_eq!((server.count("AUTH"), server.count("MAIL")), (1, 0));
}

#[tokio::test]
async fn a_check_names_the_step_that_fails() {
    for (command, words) in [
        (HELLO, "cannot introduce this program (EHLO) to"),
        ("EHLO", "cannot introduce this program (EHLO) to"),
        ("AUTH", "cannot log in to"),
        ("no command", ""),
    ] {
        let server = Scripted::start(move |_, heard| match heard.starts_with(command) {
            true => Next::Say("554 no"),
            false => Next::Usual,
        });
        let checked = SmtpSender::new(server.server())
            .check("Costs <costs@example.com>")
            .await;
        match words {
            "" => assert_eq!(checked, Ok(())),
            words => assert!(checked.unwrap_err().to_string().contains(words), "{words}"),
        }
        assert_eq!(server.count("MAIL"), 0);
    }
    let closed = MailServer {
        port: 1,
        ..Scripted::start(|_, _| Next::Usual).server()
    };
    let refused = SmtpSender::new(closed).check("costs@example.com").await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("cannot connect to")
    );
}

#[tokio::test]
async fn a_server_that_has_no_time_is_asked_twice() {
    let server = Scripted::start(|connection, heard| match (connection, heard) {
        (1 | 3.., HELLO) => Next::Leave("421 come back"),
        (2, "MAIL FROM:<costs@example.com>") => Next::Leave(""),
        _ => Next::Usual,
    });
    let mut mailer = mailer(&server);
    for _ in 0..3 {
        let sent = send(&mut mailer, "ann@example.com").await;
        assert!(is_broken(&sent, false), "{sent:?}");
    }
    // The second connection accepted no mail; after the fourth, no more are tried.
    assert_eq!((server.count(HELLO), server.count(END)), (4, 0));
}

/// Injected response lines must not count.
#[tokio::test]
async fn a_friendly_answer_to_another_question_counts_for_nothing() {
    for (command, answer) in [
        ("AUTH", "250 ok"),
        ("MAIL", "235 ok"),
        ("RCPT", "354 ok"),
        ("DATA", "250 ok"),
        (END, "354 ok"),
    ] {
        let server = Scripted::start(move |_, heard| match heard.starts_with(command) {
            true => Next::Say(answer),
            false => Next::Usual,
        });
        let mut mailer = mailer(&server);
        let sent = send(&mut mailer, "ann@example.com").await;
        assert!(sent.is_err(), "{command}");
        let is_unconfirmed = matches!(sent, Err(SendError::Unconfirmed(_)));
        assert_eq!(is_unconfirmed, command == END, "{sent:?}");
    }
}

#[tokio::test]
async fn an_address_says_nothing_but_an_address() {
    let server = Scripted::start(|_, _| Next::Usual);
    let mut mailer = mailer(&server);
    for to in [
        "ann@example.com>\r\nRCPT TO:<eve@example.com",
        "ann@example.com, eve@example.com",
        "ann@example.com\r\nDATA",
        "ann",
        "",
        "@example.com",
        "ann@",
    ] {
        let sent = send(&mut mailer, to).await;
        assert!(is_refused(&sent, true), "{to:?} {sent:?}");
    }
    assert_eq!(server.heard(), Vec::<String>::new());
}
