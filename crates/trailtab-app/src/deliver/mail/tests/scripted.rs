//! A mail server for unit tests that follows a script and records what it receives.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use trailtab_core::cost::secret::{self, TlsMode};

/// What the server does next.
pub enum Next {
    /// The usual successful reply.
    Usual,
    /// Sends this reply.
    Say(&'static str),
    /// Sends this reply, unless it is empty, and closes the connection.
    Leave(&'static str),
    /// Agrees to TLS, and sends these replies unencrypted in the same segment.
    Forge(&'static str),
    /// Agrees to TLS, and sends these replies unencrypted when the client has begun TLS.
    ForgeLater(&'static str),
}

/// Recorded in place of a command when a connection is opened.
pub const HELLO: &str = "(connection)";

/// Recorded in place of a command at the end of a mail.
pub const END: &str = "(end of mail)";

/// A mail server that follows a script.
pub struct Scripted {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Serves for the rest of the process. The script gets the number of the connection, from 1, and what was
    /// received: a command, [`HELLO`] or [`END`].
    pub fn start(mut script: impl FnMut(usize, &str) -> Next + Send + 'static) -> Scripted {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let book = Arc::clone(&heard);
        thread::spawn(move || {
            for (index, stream) in listener.incoming().enumerate() {
                converse(&stream.unwrap(), &book, &mut |heard| {
                    script(index + 1, heard)
                });
            }
        });
        Scripted { port, heard }
    }

    /// Settings to reach it, without TLS but with credentials, which is allowed for localhost.
    pub fn server(&self) -> secret::MailServer {
        let secret = format!(
            r#"{{"host": "127.0.0.1", "port": {}, "tls": "none", "user": "costs@example.com", "password": "s3cret"}}"#,
            self.port
        );
        secret::MailServer::of_secret(&secret, &secret::ServerOverrides::default()).unwrap()
    }

    /// The same settings with another TLS mode.
    pub fn server_with(&self, tls: TlsMode) -> secret::MailServer {
        secret::MailServer {
            tls,
            ..self.server()
        }
    }

    /// Everything received, in order: commands, and mails line by line.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// The number of received lines with this prefix.
    pub fn count(&self, start: &str) -> usize {
        let heard = self.heard();
        heard.iter().filter(|line| line.starts_with(start)).count()
    }
}

/// Replies until either side closes the connection or it fails.
fn converse(
    stream: &TcpStream,
    book: &Mutex<Vec<String>>,
    script: &mut dyn FnMut(&str) -> Next,
) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    let mut heard = HELLO.to_owned();
    loop {
        book.lock().unwrap().push(heard.clone());
        let usual = match heard.split(' ').next().unwrap_or_default() {
            HELLO => "220 ready",
            "EHLO" => "250-localhost\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        let (answer, leaves) = match script(&heard) {
            Next::Usual => (usual, heard == "QUIT"),
            Next::Say(answer) => (answer, false),
            Next::Leave(answer) => (answer, true),
            Next::Forge(forged) => return forge(stream, &format!("220 go\r\n{forged}"), ""),
            Next::ForgeLater(forged) => return forge(stream, "220 go\r\n", forged),
        };
        if !answer.is_empty() {
            let mut stream = stream;
            stream.write_all(format!("{answer}\r\n").as_bytes()).ok()?;
        }
        if leaves {
            return None;
        }
        if heard == "DATA" && answer.starts_with("354") {
            loop {
                let line = lines.next()?.ok()?;
                if line == "." {
                    break;
                }
                book.lock().unwrap().push(format!("| {line}"));
            }
            heard = END.to_owned();
        } else {
            heard = lines.next()?.ok()?;
        }
    }
}

/// Sends forged replies at once, others when the client has sent more, and nothing after them.
fn forge(mut stream: &TcpStream, at_once: &str, later: &str) -> Option<()> {
    stream.write_all(at_once.as_bytes()).ok()?;
    stream.peek(&mut [0]).ok()?;
    stream.write_all(later.as_bytes()).ok()?;
    // A connection that is closed with unread data is reset, which may destroy what was sent.
    io::copy(&mut stream, &mut io::sink()).ok().map(drop)
}
