//! Sends mails by SMTP, over one connection for a whole run.

use std::io::{self, ErrorKind};
use std::iter;
use std::ops::Range;
use std::time::Duration;

use lettre::address::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::{Error, response::Response};
use tokio::time;

use super::unbuffered::UnbufferedStream;
use super::{OutgoingMail, SendError, shortened};
use crate::aws;
use trailtab_core::cost::secret::{MailServer, TlsMode};

/// Timeout of connecting, and of the answer to a command.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// Timeout of a mail's data and the answer to them; the server may scan the mail first.
const MAIL_TIMEOUT: Duration = Duration::from_secs(120);

/// Timeout of connecting to any of the host's addresses, of TLS and the greeting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(90);

/// The wait before connecting a second time.
const RECONNECT_DELAY: Duration = Duration::from_millis(500);

/// Timeout of the answer to QUIT, whose outcome does not matter.
const QUIT_TIMEOUT: Duration = Duration::from_secs(5);

/// A session with a mail server.
pub struct SmtpSender {
    server: MailServer,
    connection: Option<Box<AsyncSmtpConnection>>,
    /// Mails sent over this connection.
    mails: u32,
    /// Why no further connection is tried in this run. Retrying a wrong password for each recipient
    /// would lock the account.
    fatal: Option<SendError>,
}

impl std::fmt::Debug for SmtpSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("SmtpSender");
        debug.field("server", &self.server).finish_non_exhaustive()
    }
}

/// Why a command failed.
struct CommandFault {
    reason: String,
    /// The server's reply code, if it rejected the command.
    answer: Option<u16>,
    /// Whether it will fail again.
    is_lasting: bool,
}

impl CommandFault {
    fn late() -> CommandFault {
        CommandFault {
            reason: "no answer in time".to_owned(),
            answer: None,
            is_lasting: false,
        }
    }
}

impl From<Error> for CommandFault {
    fn from(error: Error) -> CommandFault {
        let mut causes = aws::chain(&error).filter_map(|cause| cause.downcast_ref());
        if causes.any(|cause: &io::Error| cause.kind() == ErrorKind::TimedOut) {
            return CommandFault::late();
        }
        CommandFault {
            reason: shortened(&error.to_string()),
            answer: error.status().map(u16::from),
            is_lasting: error.is_permanent() || error.is_client(),
        }
    }
}

/// Waits for an answer. A connection whose answer came too late must not be used any further.
async fn in_time<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, CommandFault> {
    match time::timeout(limit, answer).await {
        Ok(answer) => answer.map_err(CommandFault::from),
        Err(_) => Err(CommandFault::late()),
    }
}

/// Ends a connection. All mails were answered, so the outcome of QUIT does not matter.
async fn quit(mut connection: AsyncSmtpConnection) {
    let _ = in_time(QUIT_TIMEOUT, connection.quit()).await;
}

/// Requires a reply code within a range. Any other success code belongs to another command, as
/// after an injected reply.
async fn demand(
    limit: Duration,
    answer: impl Future<Output = Result<Response, Error>>,
    codes: Range<u16>,
) -> Result<(), CommandFault> {
    let answer = in_time(limit, answer).await?;
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
    /// The server rejected this mail and is ready for the next command.
    No(CommandFault),
    /// The connection is lost, or the server wants a later retry; nothing was accepted.
    Gone(CommandFault),
    /// Everything was transmitted, but no valid answer came.
    Silence(CommandFault),
}

impl DeliveryFailure {
    /// The failure of a command before the mail data.
    fn early(fault: CommandFault) -> DeliveryFailure {
        match fault.answer {
            // "Service not available, closing transmission channel".
            None | Some(421) => DeliveryFailure::Gone(fault),
            Some(_) => DeliveryFailure::No(fault),
        }
    }
}

impl SmtpSender {
    /// A server. Connects when the first mail is sent.
    pub fn new(server: MailServer) -> SmtpSender {
        SmtpSender {
            server,
            connection: None,
            mails: 0,
            fatal: None,
        }
    }

    /// Sends a mail.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub(super) async fn send(&mut self, message: &OutgoingMail) -> Result<(), SendError> {
        let from = address(&message.from)?;
        let to = address(&message.to)?;
        if let Some(error) = &self.fatal {
            return Err(error.clone());
        }
        let mut is_second = false;
        loop {
            let mut connection = self.connected(&from).await?;
            match mail(&mut connection, &from, &to, &message.bytes).await {
                Ok(()) => {
                    self.mails += 1;
                    self.connection = Some(connection);
                    return Ok(());
                }
                Err(DeliveryFailure::No(CommandFault {
                    reason, is_lasting, ..
                })) => {
                    // If RSET fails, the next mail needs a new connection.
                    let forgotten = demand(COMMAND_TIMEOUT, connection.command(Rset), 250..251);
                    let is_usable = forgotten.await.is_ok();
                    self.connection = is_usable.then_some(connection);
                    self.mails += 1;
                    return Err(SendError::Refused { reason, is_lasting });
                }
                // Servers close a connection after some mails or some idle time; reconnect once.
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

    /// Connects and logs in as for a mail from this sender, and sends nothing.
    ///
    /// # Errors
    ///
    /// Fails with the step that failed: connecting, the greeting, TLS or the login.
    pub async fn check(mut self, from: &str) -> Result<(), SendError> {
        let from = address(from)?;
        quit(*self.connected(&from).await?).await;
        Ok(())
    }

    /// Forgets a failure to connect that may have passed.
    pub(super) fn retry(&mut self) {
        if !self.fatal.as_ref().is_some_and(SendError::is_lasting) {
            self.fatal = None;
        }
    }

    /// Sends QUIT if there is a connection.
    pub(super) async fn close(self) {
        if let Some(connection) = self.connection {
            quit(*connection).await;
        }
    }

    /// Takes the connection or opens one.
    async fn connected(&mut self, from: &Address) -> Result<Box<AsyncSmtpConnection>, SendError> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        self.mails = 0;
        let mut made = self.connect(from).await;
        if matches!(
            &made,
            Err(SendError::Broken {
                is_lasting: false,
                ..
            })
        ) {
            time::sleep(RECONNECT_DELAY).await;
            made = self.connect(from).await;
        }
        made.inspect_err(|error| self.fatal = Some(error.clone()))
    }

    async fn connect(&self, from: &Address) -> Result<Box<AsyncSmtpConnection>, SendError> {
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
        let hello = self.hello(from);
        let tls_parameters = || {
            TlsParameters::new_rustls(host.clone())
                .map_err(|error| failed("prepare TLS for", &error.into()))
        };
        let mut connection = match tls {
            TlsMode::Starttls => {
                let stream = UnbufferedStream::connect(host, *port, COMMAND_TIMEOUT);
                let stream = stream.await.map_err(|error| {
                    let reason = format!("cannot connect to {}: {error}", self.place());
                    broken(&reason, false)
                })?;
                let made = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello);
                in_time(COMMAND_TIMEOUT, made).await
            }
            TlsMode::Implicit | TlsMode::None => {
                let from_the_start = *tls == TlsMode::Implicit;
                let tls = from_the_start.then(tls_parameters).transpose()?;
                let (place, limit) = ((host.as_str(), *port), Some(COMMAND_TIMEOUT));
                let made = AsyncSmtpConnection::connect_tokio1(place, limit, &hello, tls, None);
                in_time(CONNECT_TIMEOUT, made).await
            }
        }
        .map_err(|fault| match fault.answer {
            Some(_) => failed("introduce this program (EHLO) to", &fault),
            None => failed("connect to", &fault),
        })?;
        if *tls == TlsMode::Starttls {
            if !connection.can_starttls() {
                quit(connection).await;
                let reason = format!(
                    "{} offers no STARTTLS, and nothing is sent without it (set tls to none if that is meant)",
                    self.place()
                );
                return Err(broken(&reason, true));
            }
            let begun = connection.starttls(tls_parameters()?, &hello);
            let begun = in_time(COMMAND_TIMEOUT, begun).await;
            begun.map_err(|fault| failed("begin TLS with", &fault))?;
        }
        if let Some(login) = login {
            let credentials =
                Credentials::new(login.user.clone(), login.password.reveal().to_owned());
            let answer = connection.auth(DEFAULT_MECHANISMS, &credentials);
            if let Err(mut fault) = demand(COMMAND_TIMEOUT, answer, 235..236).await {
                quit(connection).await;
                // Since 2022, Gmail rejects account passwords in SMTP.
                if host.eq_ignore_ascii_case("smtp.gmail.com") && fault.is_lasting {
                    fault.reason.push_str(" (Gmail wants an app password)");
                }
                return Err(failed("log in to", &fault));
            }
        }
        Ok(Box::new(connection))
    }

    /// The name in EHLO: that of the settings, otherwise the sender's domain. Relays refuse the address of
    /// a private network.
    fn hello(&self, from: &Address) -> ClientId {
        let name = self.server.ehlo.as_deref().unwrap_or(from.domain());
        match !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic()) {
            true => ClientId::Domain(name.to_owned()),
            false => ClientId::default(),
        }
    }

    fn place(&self) -> String {
        format!("the mail server {}:{}", self.server.host, self.server.port)
    }
}

/// Sends one mail, from its envelope to its last line.
async fn mail(
    connection: &mut AsyncSmtpConnection,
    from: &Address,
    to: &Address,
    bytes: &[u8],
) -> Result<(), DeliveryFailure> {
    let options = options(connection, from, to, bytes)?;
    let begun = connection.command(Mail::new(Some(from.clone()), options));
    let begun = demand(COMMAND_TIMEOUT, begun, 250..251).await;
    begun.map_err(|fault| match fault.is_lasting {
        true => DeliveryFailure::early(fault),
        // A temporary rejection of MAIL ends the use of this connection.
        false => DeliveryFailure::Gone(fault),
    })?;
    // 251 ("will forward") and 252 ("will try") are acceptances too.
    let taken = connection.command(Rcpt::new(to.clone(), Vec::new()));
    let taken = demand(COMMAND_TIMEOUT, taken, 250..253).await;
    taken.map_err(DeliveryFailure::early)?;
    let ready = demand(COMMAND_TIMEOUT, connection.command(Data), 354..355).await;
    ready.map_err(DeliveryFailure::early)?;
    // `message_iter` appends the final line break itself.
    let bytes = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
    let mut is_whole = false;
    // Evaluated only when everything before it has been written.
    let last = iter::once_with(|| {
        is_whole = true;
        &[][..]
    });
    let answer = connection.message_iter(iter::once(bytes).chain(last));
    let answer = demand(MAIL_TIMEOUT, answer, 200..300).await;
    answer.map_err(|fault| match fault.answer {
        Some(421) => DeliveryFailure::Gone(fault),
        Some(_) => DeliveryFailure::No(fault),
        // An incomplete mail is never accepted.
        None if !is_whole => DeliveryFailure::Gone(fault),
        None => DeliveryFailure::Silence(fault),
    })
}

/// The MAIL parameters for addresses or content beyond ASCII.
fn options(
    connection: &AsyncSmtpConnection,
    from: &Address,
    to: &Address,
    bytes: &[u8],
) -> Result<Vec<MailParameter>, DeliveryFailure> {
    let server = connection.server_info();
    let lacks = |what: &str| {
        DeliveryFailure::No(CommandFault {
            reason: format!("the server does not accept {what}"),
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

/// The address for the envelope.
fn address(text: &str) -> Result<Address, SendError> {
    let mailbox: Result<Mailbox, _> = text.parse();
    mailbox
        .map(|mailbox| mailbox.email)
        .map_err(|error| SendError::Refused {
            reason: format!("{:?} is not a mail address: {error}", shortened(text)),
            is_lasting: true,
        })
}

fn broken(reason: &str, is_lasting: bool) -> SendError {
    SendError::Broken {
        reason: reason.to_owned(),
        is_lasting,
    }
}
