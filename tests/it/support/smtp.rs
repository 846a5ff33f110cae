//! A real mail server on loopback: aiosmtpd, with TLS, a login, and addresses that it refuses.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::installed;

/// The accepted credentials.
pub(crate) const USER: &str = "costs@example.com";
pub(crate) const PASSWORD: &str = "s3cret of the tests";

/// How the server keeps connections private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Required before anything else is said.
    Starttls,
    /// From the first byte.
    Tls,
    /// No TLS and no login.
    Plain,
}

/// A mail as it was taken.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// The sender of the envelope.
    pub(crate) from: String,
    /// The recipients of the envelope.
    pub(crate) to: Vec<String>,
    pub(crate) tls: bool,
    /// The user name of the login.
    pub(crate) user: Option<String>,
    /// All of it.
    pub(crate) bytes: Vec<u8>,
}

/// A mail server; it ends with the test.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    directory: tempfile::TempDir,
    process: Child,
}

impl MailServer {
    /// Starts a server that hangs up after `limit` mails over one connection, if there is a limit.
    ///
    /// # Panics
    ///
    /// If it is not installed or does not start, so that no test is skipped silently.
    pub(crate) fn start(mode: Mode, limit: Option<u32>) -> MailServer {
        let directory = tempfile::tempdir().unwrap();
        let script = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .join("tests/it/support/smtp_server.py");
        let mode = match mode {
            Mode::Starttls => "starttls",
            Mode::Tls => "tls",
            Mode::Plain => "plain",
        };
        let mut process = Command::new(installed("test-venv", "python"))
            .arg(script)
            .arg(directory.path())
            .arg(mode)
            .args(limit.map(|limit| limit.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let port = line.trim().parse();
        MailServer {
            port: port.unwrap_or_else(|_| panic!("the mail server did not start: {line:?}")),
            directory,
            process,
        }
    }

    /// The certificate that the server's own is signed with, for SSL_CERT_FILE.
    pub(crate) fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The mail server's secret; `more` overrides members.
    pub(crate) fn secret(&self, more: &Value) -> Value {
        let mut secret = serde_json::json!({
            "host": "localhost",
            "port": self.port,
            "username": USER,
            "password": PASSWORD,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            secret[name] = value.clone();
        }
        secret
    }

    /// Lets every client meet a fault, `defer` or `no-tls`, from now on; or no longer.
    pub(crate) fn fault(&self, name: &str, is_on: bool) {
        let file = self.directory.path().join(name);
        match is_on {
            true => fs::write(file, "").unwrap(),
            false => fs::remove_file(file).unwrap(),
        }
    }

    /// What happened, in order: `connection`, `login PLAIN taken`, `550`, `mail 1`, `cut`.
    pub(crate) fn events(&self) -> Vec<String> {
        let events = fs::read_to_string(self.directory.path().join("events"));
        events
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// How often something happened.
    pub(crate) fn count(&self, event: &str) -> usize {
        let events = self.events();
        events.iter().filter(|it| it.starts_with(event)).count()
    }

    /// All mails that were taken, in order.
    pub(crate) fn mails(&self) -> Vec<Taken> {
        self.mails_after(0)
    }

    /// The mails that were taken after so many, in order.
    pub(crate) fn mails_after(&self, count: usize) -> Vec<Taken> {
        let path = |number: usize, ending| self.directory.path().join(format!("{number}.{ending}"));
        let numbers = (count + 1..).take_while(|number| path(*number, "json").exists());
        numbers
            .map(|number| {
                let facts = fs::read(path(number, "json")).unwrap();
                let facts: Value = serde_json::from_slice(&facts).unwrap();
                let text = |value: &Value| value.as_str().map(str::to_owned);
                let to = facts["to"].as_array().unwrap().iter();
                Taken {
                    from: text(&facts["from"]).unwrap(),
                    to: to.map(|to| text(to).unwrap()).collect(),
                    tls: facts["tls"].as_bool().unwrap(),
                    user: text(&facts["user"]),
                    bytes: fs::read(path(number, "eml")).unwrap(),
                }
            })
            .collect()
    }

    /// The recipients of all mails that were taken, in order.
    pub(crate) fn recipients(&self) -> Vec<String> {
        self.mails().into_iter().flat_map(|mail| mail.to).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // It ends when its standard input closes; killing it is faster.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
