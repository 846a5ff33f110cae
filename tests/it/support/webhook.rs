//! Webhooks on loopback, with TLS, which refuse what Slack and Teams refuse.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::installed;

/// The secret part of every URL.
pub(crate) const SECRET: &str = "hunter2hunter2";

/// A message as it was taken.
#[derive(Debug, Clone)]
pub(crate) struct Posted {
    /// The path without the secret: `slack/finance`.
    pub(crate) place: String,
    pub(crate) message: Value,
}

/// The webhooks; they end with the test.
pub(crate) struct WebhookServer {
    port: u16,
    directory: tempfile::TempDir,
    process: Child,
}

impl WebhookServer {
    /// # Panics
    ///
    /// If it is not installed or does not start, so that no test is skipped silently.
    pub(crate) fn start() -> WebhookServer {
        let directory = tempfile::tempdir().unwrap();
        let script = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .join("tests/it/support/webhook_server.py");
        let mut process = Command::new(installed("test-venv", "python"))
            .arg(script)
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let port = line.trim().parse();
        WebhookServer {
            port: port.unwrap_or_else(|_| panic!("the webhooks did not start: {line:?}")),
            directory,
            process,
        }
    }

    /// The certificate that the server's own is signed with, for SSL_CERT_FILE.
    pub(crate) fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The URL of a webhook such as `slack/finance`; the last part of it decides what becomes of messages.
    pub(crate) fn url(&self, place: &str) -> String {
        let (kind, name) = place.split_once('/').unwrap();
        format!("https://localhost:{}/{kind}/{SECRET}/{name}", self.port)
    }

    /// What happened, in order: `slack/finance 200`.
    pub(crate) fn events(&self) -> Vec<String> {
        let events = fs::read_to_string(self.directory.path().join("events"));
        let events = events.unwrap_or_default();
        events.lines().map(place).collect()
    }

    /// All messages that were taken, in order.
    pub(crate) fn posted(&self) -> Vec<Posted> {
        let path = |number: usize| self.directory.path().join(format!("{number}.json"));
        let numbers = (1..).take_while(|number| path(*number).exists());
        numbers
            .map(|number| {
                let kept = fs::read(path(number)).unwrap();
                let kept: Value = serde_json::from_slice(&kept).unwrap();
                Posted {
                    place: place(kept["path"].as_str().unwrap()),
                    message: kept["message"].clone(),
                }
            })
            .collect()
    }

    /// The places of all messages that were taken, sorted.
    pub(crate) fn places(&self) -> Vec<String> {
        let mut places: Vec<_> = self.posted().into_iter().map(|it| it.place).collect();
        places.sort();
        places
    }
}

fn place(path: &str) -> String {
    let place = path.replace(&format!("/{SECRET}"), "");
    place.trim_start_matches('/').to_owned()
}

impl Drop for WebhookServer {
    fn drop(&mut self) {
        // It ends when its standard input closes; killing it is faster.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
