//! A mail server for unit tests that says whatever a test wants, and writes down what it hears.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use trailtab_core::cost::secret::{self, Tls};

/// What the server does next.
pub enum Next {
    /// What servers say when all is well.
    Usual,
    /// Sends this reply.
    Say(&'static str),
    /// Says something and hangs up; nothing at all if it is empty.
    Leave(&'static str),
}

/// What is heard in place of a command when a connection is made.
pub const HELLO: &str = "(connection)";

/// What is heard in place of a command at the end of a mail.
pub const END: &str = "(end of mail)";

/// A mail server that follows a script.
pub struct Scripted {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Serves for the rest of the process. The script is told the number of the connection, from 1, and what was
    /// heard: a command, [`HELLO`] or [`END`].
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

    /// How it is reached, without TLS and with credentials, which is allowed on this machine.
    pub fn server(&self) -> secret::Server {
        let secret = format!(
            r#"{{"host": "127.0.0.1", "port": {}, "tls": "none", "user": "costs@example.com", "password": "s3cret"}}"#,
            self.port
        );
        secret::Server::of_secret(&secret, &secret::Told::default()).unwrap()
    }

    /// The same with another way of encrypting the connection.
    pub fn server_with(&self, tls: Tls) -> secret::Server {
        secret::Server {
            tls,
            ..self.server()
        }
    }

    /// All that was heard, in order: commands, and mails line by line.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// How often something was heard that begins so.
    pub fn count(&self, start: &str) -> usize {
        let heard = self.heard();
        heard.iter().filter(|line| line.starts_with(start)).count()
    }
}

/// Answers until either side hangs up. What goes wrong with the connection ends it.
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
