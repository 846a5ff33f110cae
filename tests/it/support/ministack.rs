//! ministack, an emulator of AWS: one for all tests that need S3 only, and one for a whole deployment.

use std::io::{self, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use super::http::{self, Message};
use super::installed;

/// Wrapper that ends, and stops the emulator, when its standard input closes: when the test process ends for any
/// reason.
const WATCHDOG: &str = r#"trap : INT TERM; "$0" & read -r _; kill $!"#;

struct Ministack {
    port: u16,
    _watchdog: Child,
}

/// The port of the emulator of S3, which the first caller starts.
///
/// # Panics
///
/// If it is not installed or does not start, so that no test is skipped silently.
pub(crate) fn port() -> u16 {
    static ONE: OnceLock<Ministack> = OnceLock::new();
    ONE.get_or_init(|| start("s3")).port
}

/// The port of an emulator of all that a deployment takes, the functions' processes included.
pub(crate) fn cloud() -> u16 {
    static ONE: OnceLock<Ministack> = OnceLock::new();
    let services = "cloudformation,cloudwatch,iam,lambda,logs,organizations,s3,scheduler,sqs,sts";
    ONE.get_or_init(|| start(services)).port
}

#[expect(
    clippy::zombie_processes,
    reason = "it ends with this process, which then waits for nobody"
)]
fn start(services: &str) -> Ministack {
    let program = installed("test-venv", "ministack");
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let watchdog = Command::new("sh")
        .args(["-c", WATCHDOG])
        .arg(&program)
        .env("GATEWAY_PORT", port.to_string())
        .env("BIND_HOST", "127.0.0.1")
        .env("MINISTACK_HOST", "127.0.0.1")
        .env("MINISTACK_ACCOUNT_ID", "111122223333")
        .env("SERVICES", services)
        // Where functions find the services.
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
        .env("IOT_MTLS_ENABLED", "0")
        .env("LOG_LEVEL", "ERROR")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..600 {
        if is_healthy(port) {
            return Ministack {
                port,
                _watchdog: watchdog,
            };
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("{} did not answer within a minute", program.display());
}

fn is_healthy(port: u16) -> bool {
    let answer = Connection::new(port).and_then(|mut it| it.send("GET", "/_ministack/health", b""));
    answer.is_ok_and(|response| response.status() == 200)
}

/// A connection to the emulator; signatures are not asked for.
pub(crate) struct Connection {
    port: u16,
    stream: BufReader<TcpStream>,
    requests: u32,
}

impl Connection {
    pub(crate) fn new(port: u16) -> io::Result<Connection> {
        let stream = connect(port)?;
        Ok(Connection {
            port,
            stream,
            requests: 0,
        })
    }

    /// Sends a request and reads the answer, with any status.
    pub(crate) fn send(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<Message> {
        let path = http::encode(path);
        let mut request = Message::new(&format!("{method} {path} HTTP/1.1"), body);
        request
            .headers
            .push(("Host".to_owned(), "127.0.0.1".to_owned()));
        self.forward(&request)
    }

    /// Sends a request as it is.
    pub(crate) fn forward(&mut self, request: &Message) -> io::Result<Message> {
        self.requests += 1;
        // The emulator's server closes a connection after a thousand.
        if self.requests.is_multiple_of(500) {
            self.stream = connect(self.port)?;
        }
        request.write(self.stream.get_mut())?;
        let answer = match request.start.starts_with("HEAD ") {
            true => Message::read_head(&mut self.stream)?,
            false => Message::read(&mut self.stream)?,
        };
        answer.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Does what must succeed: makes a bucket, puts or deletes an object.
    pub(crate) fn must(&mut self, method: &str, path: &str, body: &[u8]) {
        let response = self.send(method, path, body).unwrap();
        let (status, text) = (response.status(), String::from_utf8_lossy(&response.body));
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {text}"
        );
    }
}

fn connect(port: u16) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}
