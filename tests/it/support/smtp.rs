//! A real mail server on loopback: aiosmtpd, with TLS, a login, and addresses that it refuses.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::python::PythonServer;

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
    server: PythonServer,
    directory: tempfile::TempDir,
}

impl MailServer {
    /// Starts a server that hangs up after `limit` mails over one connection, if there is a limit.
    pub(crate) fn start(mode: Mode, limit: Option<u32>) -> MailServer {
        let directory = tempfile::tempdir().unwrap();
        let mode = match mode {
            Mode::Starttls => "starttls",
            Mode::Tls => "tls",
            Mode::Plain => "plain",
        };
        let limit = limit.map(|limit| limit.to_string());
        let mut arguments = vec![directory.path().as_os_str(), OsStr::new(mode)];
        arguments.extend(limit.as_deref().map(OsStr::new));
        MailServer {
            server: PythonServer::start("smtp_server.py", &arguments),
            directory,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.port
    }

    /// The certificate that the server's own is signed with, for SSL_CERT_FILE.
    pub(crate) fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The mail server's secret; `more` overrides members.
    pub(crate) fn secret(&self, more: &Value) -> Value {
        let mut secret = serde_json::json!({
            "host": "localhost",
            "port": self.port(),
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
