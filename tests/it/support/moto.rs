//! moto, an emulator of AWS: of SES, which keeps mails as they came, and of Secrets Manager.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::http::Message;
use super::{at, installed};

/// Wrapper that kills the emulator when its standard input closes.
const WATCHDOG: &str = r#"trap : INT TERM; "$@" & read -r _; kill -9 $!"#;

struct Moto {
    port: u16,
    _watchdog: Child,
}

/// A mail as SES took it.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) source: String,
    pub(crate) destinations: Vec<String>,
    /// All of it.
    pub(crate) raw: String,
}

/// The port of the emulator, which the first caller starts. All tests share it: each uses its own region or
/// recipients.
///
/// # Panics
///
/// If it is not installed or does not start, so that no test is skipped silently.
pub(crate) fn port() -> u16 {
    static ONE: OnceLock<Moto> = OnceLock::new();
    ONE.get_or_init(start).port
}

/// What AWS_ENDPOINT_URL has to be.
pub(crate) fn endpoint() -> String {
    format!("http://127.0.0.1:{}", port())
}

#[expect(
    clippy::zombie_processes,
    reason = "it ends with this process, which then waits for nobody"
)]
fn start() -> Moto {
    let program = installed("test-venv", "moto_server");
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let watchdog = Command::new("sh")
        .args(["-c", WATCHDOG, "moto"])
        .arg(&program)
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..600 {
        let answer = send(port, "GET", "/moto-api/data.json", &[], b"");
        if answer.is_ok_and(|answer| answer.status() == 200) {
            return Moto {
                port,
                _watchdog: watchdog,
            };
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("{} did not answer within a minute", program.display());
}

fn send(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Message> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let mut request = Message::new(&format!("{method} {path} HTTP/1.1"), body);
    let always = [("Host", "127.0.0.1"), ("Connection", "close")];
    for (name, value) in always.iter().chain(headers) {
        request.headers.push(((*name).into(), (*value).into()));
    }
    request.write(&mut stream)?;
    let answer = Message::read(&mut io::BufReader::new(stream))?;
    answer.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// Calls a service, in a region.
#[track_caller]
fn call(service: &str, region: &str, headers: &[(&str, &str)], body: &str) -> String {
    let key = format!(
        "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    );
    let mut headers = headers.to_vec();
    headers.push(("Authorization", key.as_str()));
    let answer = send(port(), "POST", "/", &headers, body.as_bytes()).unwrap();
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status(), 200, "{service}: {body}: {text}");
    text
}

/// Keeps a secret; returns its ARN.
pub(crate) fn keep_secret(region: &str, name: &str, text: &str) -> String {
    let body = json!({"Name": name, "SecretString": text, "ClientRequestToken": "0".repeat(32)});
    let headers = [
        ("Content-Type", "application/x-amz-json-1.1"),
        ("X-Amz-Target", "secretsmanager.CreateSecret"),
    ];
    let answer = call("secretsmanager", region, &headers, &body.to_string());
    let secret: Value = serde_json::from_str(&answer).unwrap();
    secret["ARN"].as_str().unwrap().to_owned()
}

/// Lets an address send mails.
pub(crate) fn verify(region: &str, address: &str) {
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let address = address.replace('@', "%40");
    let body = format!("Action=VerifyEmailIdentity&Version=2010-12-01&EmailAddress={address}");
    call("ses", region, &headers, &body);
}

/// All mails to an address, in order.
pub(crate) fn mails_to(address: &str) -> Vec<Taken> {
    let answer = send(port(), "GET", "/moto-api/data.json", &[], b"").unwrap();
    let data: Value = serde_json::from_slice(&answer.body).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mails = at(&data, "ses/RawMessage").as_array().cloned();
    let mails = mails.unwrap_or_default().into_iter().map(|mail| Taken {
        source: text(&mail["source"]),
        destinations: mail["destinations"]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect(),
        raw: text(&mail["raw_data"]),
    });
    mails
        .filter(|mail| mail.destinations.iter().any(|it| it.contains(address)))
        .collect()
}
