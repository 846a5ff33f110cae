//! Mails by SMTP, over one connection for a whole run.

use std::io::{self, ErrorKind};
use std::iter;
use std::ops::Range;
use std::thread;
use std::time::Duration;

use lettre::address::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::{Error, response::Response};
use tokio::task;

use super::{OutgoingMail, SendError, shortened};
use crate::aws;
use trailtab_core::cost::secret::{MailServer, TlsMode};

/// How long the server may take for a connection, or for the answer to a command.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may take for the answer to a mail, which it may want to look through.
const PATIENCE_FOR_A_MAIL: Duration = Duration::from_secs(120);

/// The wait before a connection is tried a second time.
const PAUSE: Duration = Duration::from_millis(500);

/// A mail server.
#[derive(Debug)]
pub struct SmtpSender {
    /// `None` while a thread has it.
    conversation: Option<Box<SmtpSession>>,
}

/// What is said to the server, by one thread at a time, which waits for the answers.
struct SmtpSession {
    server: MailServer,
    connection: Option<SmtpConnection>,
    /// Mails over this connection.
    mails: u32,
    /// Why there will be no connection any more in this run. Whoever tries a wrong password for each of a
    /// hundred recipients is locked out.
    hopeless: Option<SendError>,
}

impl std::fmt::Debug for SmtpSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Conversation");
        debug.field("server", &self.server).finish_non_exhaustive()
    }
}

impl SmtpSender {
    /// A server; it is connected to when there is something to send.
    pub fn new(server: MailServer) -> SmtpSender {
        SmtpSender {
            conversation: Some(Box::new(SmtpSession {
                server,
                connection: None,
                mails: 0,
                hopeless: None,
            })),
        }
    }

    /// Sends a mail.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub(super) async fn send(&mut self, message: &OutgoingMail) -> Result<(), SendError> {
        let Some(mut conversation) = self.conversation.take() else {
            // The thread that had it did not come back, or nobody waited for it.
            return Err(broken(
                "the conversation with the mail server was cut off",
                false,
            ));
        };
        let message = message.clone();
        let sending = task::spawn_blocking(move || {
            let sent = conversation.send(&message);
            (conversation, sent)
        });
        match sending.await {
            Ok((conversation, sent)) => {
                self.conversation = Some(conversation);
                sent
            }
            Err(error) => Err(SendError::Unconfirmed(error.to_string())),
        }
    }

    /// Says goodbye, if there is a connection.
    pub(super) async fn close(self) {
        if let Some(conversation) = self.conversation {
            // Everything was answered: what comes of the goodbye matters to nobody.
            let _ = task::spawn_blocking(move || {
                conversation
                    .connection
                    .map(|mut connection| connection.quit())
            })
            .await;
        }
    }
}

/// What went wrong with a command.
struct CommandFault {
    reason: String,
    /// What the server answered, if it said no.
    answer: Option<u16>,
    /// Whether it will go wrong again.
    is_lasting: bool,
}

impl From<Error> for CommandFault {
    fn from(error: Error) -> CommandFault {
        let mut causes = aws::chain(&error).filter_map(|cause| cause.downcast_ref());
        let is_late = causes.any(|cause: &io::Error| {
            matches!(cause.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
        });
        CommandFault {
            reason: match is_late {
                true => "no answer in time".to_owned(),
                false => shortened(&error.to_string()),
            },
            answer: error.status().map(u16::from),
            is_lasting: error.is_permanent() || error.is_client(),
        }
    }
}

/// Demands an answer with one of some codes. Another one that sounds friendly is that to another command, as
/// if somebody had put words into the conversation.
fn demand(answer: Result<Response, Error>, codes: Range<u16>) -> Result<(), CommandFault> {
    let answer = answer?;
    let code = u16::from(answer.code());
    if codes.contains(&code) {
        return Ok(());
    }
    Err(CommandFault {
        reason: format!("unexpected answer {code}"),
        answer: None,
        is_lasting: false,
    })
}

/// How far a mail got.
enum DeliveryFailure {
    /// The server said no to this mail, and waits for the next command.
    No(CommandFault),
    /// The server is gone, or wants to be asked again later; nothing was taken.
    Gone(CommandFault),
    /// All was sent, and there was no answer that says anything.
    Silence(CommandFault),
}

impl DeliveryFailure {
    /// Of a command before the mail itself.
    fn early(fault: CommandFault) -> DeliveryFailure {
        match fault.answer {
            // "Service not available, closing transmission channel".
            None | Some(421) => DeliveryFailure::Gone(fault),
            Some(_) => DeliveryFailure::No(fault),
        }
    }
}

impl SmtpSession {
    fn send(&mut self, message: &OutgoingMail) -> Result<(), SendError> {
        let from = address(&message.from)?;
        let to = address(&message.to)?;
        if let Some(error) = &self.hopeless {
            return Err(error.clone());
        }
        let mut is_second = false;
        loop {
            let mut connection = self.connected()?;
            match mail(&mut connection, &from, &to, &message.bytes) {
                Ok(()) => {
                    self.mails += 1;
                    self.connection = Some(connection);
                    return Ok(());
                }
                Err(DeliveryFailure::No(CommandFault {
                    reason, is_lasting, ..
                })) => {
                    // If the server does not forget this mail, the next one needs another connection.
                    let forgotten = demand(connection.command(Rset), 250..251);
                    self.connection = forgotten.is_ok().then_some(connection);
                    self.mails += 1;
                    return Err(SendError::Refused { reason, is_lasting });
                }
                // It closed the connection between two mails, as servers do after some mails or some time.
                Err(DeliveryFailure::Gone(_)) if self.mails > 0 && !is_second => {
                    is_second = true;
                }
                Err(DeliveryFailure::Gone(CommandFault { reason, .. })) => {
                    let reason = format!("{} took no mail: {reason}", self.place());
                    return Err(broken(&reason, false));
                }
                Err(DeliveryFailure::Silence(CommandFault { reason, .. })) => {
                    return Err(SendError::Unconfirmed(reason));
                }
            }
        }
    }

    /// Takes the connection, or makes one.
    fn connected(&mut self) -> Result<SmtpConnection, SendError> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        self.mails = 0;
        let mut made = self.connect();
        if matches!(
            &made,
            Err(SendError::Broken {
                is_lasting: false,
                ..
            })
        ) {
            thread::sleep(PAUSE);
            made = self.connect();
        }
        made.inspect_err(|error| self.hopeless = Some(error.clone()))
    }

    fn connect(&self) -> Result<SmtpConnection, SendError> {
        let MailServer {
            host,
            port,
            tls,
            login,
            ..
        } = &self.server;
        let failed = |action: &str, fault: &CommandFault| {
            let reason = format!("cannot {action} {}: {}", self.place(), fault.reason);
            broken(&reason, fault.is_lasting)
        };
        let tls_parameters = TlsParameters::new_rustls(host.clone())
            .map_err(|error| failed("prepare TLS for", &error.into()))?;
        let from_the_start = (*tls == TlsMode::Implicit).then_some(&tls_parameters);
        let hello = ClientId::default();
        let mut connection = SmtpConnection::connect(
            (host.as_str(), *port),
            Some(PATIENCE),
            &hello,
            from_the_start,
            None,
        )
        .map_err(|error| failed("connect to", &error.into()))?;
        if *tls == TlsMode::Starttls {
            if !connection.can_starttls() {
                connection.abort();
                let reason = format!(
                    "{} offers no STARTTLS, and nothing is sent without it (set tls to none if that is meant)",
                    self.place()
                );
                return Err(broken(&reason, true));
            }
            let begun = connection.starttls(&tls_parameters, &hello);
            begun.map_err(|error| failed("begin TLS with", &error.into()))?;
        }
        if let Some(login) = login {
            let credentials =
                Credentials::new(login.user.clone(), login.password.reveal().to_owned());
            let answer = connection.auth(DEFAULT_MECHANISMS, &credentials);
            demand(answer, 235..236).map_err(|mut fault| {
                connection.abort();
                // Since 2022, the password that people log in with is none for programs there.
                if host.eq_ignore_ascii_case("smtp.gmail.com") && fault.is_lasting {
                    fault.reason.push_str(" (Gmail wants an app password)");
                }
                failed("log in to", &fault)
            })?;
        }
        Ok(connection)
    }

    fn place(&self) -> String {
        format!("the mail server {}:{}", self.server.host, self.server.port)
    }
}

/// One mail, from its envelope to its last line.
fn mail(
    connection: &mut SmtpConnection,
    from: &Address,
    to: &Address,
    bytes: &[u8],
) -> Result<(), DeliveryFailure> {
    let options = options(connection, from, to, bytes)?;
    let begun = connection.command(Mail::new(Some(from.clone()), options));
    demand(begun, 250..251).map_err(|fault| match fault.is_lasting {
        true => DeliveryFailure::early(fault),
        // It has had enough of this connection.
        false => DeliveryFailure::Gone(fault),
    })?;
    // "Will forward" and "will try" are promises as well.
    let taken = connection.command(Rcpt::new(to.clone(), Vec::new()));
    demand(taken, 250..253).map_err(DeliveryFailure::early)?;
    demand(connection.command(Data), 354..355).map_err(DeliveryFailure::early)?;
    // The end of the mail brings a line break along.
    let bytes = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
    let mut is_whole = false;
    // Asked for when all before it is written, and followed by nothing but the end.
    let last = iter::once_with(|| {
        is_whole = true;
        &[][..]
    });
    // Whether it can be set or not: the mail is sent.
    let _ = connection.set_timeout(Some(PATIENCE_FOR_A_MAIL));
    let answer = connection.message_iter(iter::once(bytes).chain(last));
    let _ = connection.set_timeout(Some(PATIENCE));
    demand(answer, 200..300).map_err(|fault| match fault.answer {
        Some(421) => DeliveryFailure::Gone(fault),
        Some(_) => DeliveryFailure::No(fault),
        // Without its end, no server takes a mail.
        None if !is_whole => DeliveryFailure::Gone(fault),
        None => DeliveryFailure::Silence(fault),
    })
}

/// What the server has to be told of a mail that is not ASCII alone.
fn options(
    connection: &SmtpConnection,
    from: &Address,
    to: &Address,
    bytes: &[u8],
) -> Result<Vec<MailParameter>, DeliveryFailure> {
    let server = connection.server_info();
    let lacks = |what: &str| {
        DeliveryFailure::No(CommandFault {
            reason: format!("the server takes no {what}"),
            answer: None,
            is_lasting: true,
        })
    };
    let mut options = Vec::new();
    let addresses: [&str; 2] = [from.as_ref(), to.as_ref()];
    if !addresses.iter().all(|address| address.is_ascii()) {
        if !server.supports_feature(Extension::SmtpUtfEight) {
            return Err(lacks("addresses with letters beyond ASCII"));
        }
        options.push(MailParameter::SmtpUtfEight);
    }
    if !bytes.is_ascii() {
        if !server.supports_feature(Extension::EightBitMime) {
            return Err(lacks("bytes beyond ASCII"));
        }
        options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(options)
}

/// The address of the envelope.
fn address(text: &str) -> Result<Address, SendError> {
    let mailbox: Result<Mailbox, _> = text.parse();
    mailbox
        .map(|mailbox| mailbox.email)
        .map_err(|error| SendError::Refused {
            reason: format!("{:?} is no mail address: {error}", shortened(text)),
            is_lasting: true,
        })
}

fn broken(reason: &str, is_lasting: bool) -> SendError {
    SendError::Broken {
        reason: reason.to_owned(),
        is_lasting,
    }
}
