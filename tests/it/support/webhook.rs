//! Webhooks on loopback, with TLS, which refuse what Slack and Teams refuse.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::python::PythonServer;

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
    server: PythonServer,
    directory: tempfile::TempDir,
}

impl WebhookServer {
    pub(crate) fn start() -> WebhookServer {
        let directory = tempfile::tempdir().unwrap();
        let server = PythonServer::start("webhook_server.py", &[directory.path().as_os_str()]);
        WebhookServer { server, directory }
    }

    /// The certificate that the server's own is signed with, for SSL_CERT_FILE.
    pub(crate) fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The URL of a webhook such as `slack/finance`; the last part of it decides what becomes of messages.
    pub(crate) fn url(&self, place: &str) -> String {
        let (kind, name) = place.split_once('/').unwrap();
        format!(
            "https://localhost:{}/{kind}/{SECRET}/{name}",
            self.server.port
        )
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
