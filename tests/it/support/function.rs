//! The real program as Lambda runs it: one sandbox after the other, each a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use super::lambda;
use super::runtime_api::{Answer, RuntimeApi};

/// Time-out beyond the invocation's own time.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) const NAME: &str = "usage-of-a-test";

/// A function with its settings. Its process ends with it.
pub(crate) struct Function {
    settings: Vec<(String, String)>,
    sandbox: Sandbox,
    invocations: usize,
    /// The output of earlier sandboxes.
    before: Vec<String>,
}

struct Sandbox {
    api: RuntimeApi,
    child: Child,
    out: Lines,
    err: Lines,
    answered: usize,
}

/// The lines of a stream, as they come.
struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

/// An invocation in progress.
pub(crate) struct Delivery {
    id: String,
    time: Duration,
}

/// How a function ended that did not start.
#[derive(Debug)]
pub(crate) struct NoStart {
    /// The error that was reported to Lambda, or null.
    pub(crate) error: Value,
    pub(crate) code: Option<i32>,
    pub(crate) log: String,
}

impl Function {
    /// Starts the function and waits until it asks for work.
    #[track_caller]
    pub(crate) fn start(settings: &[(&str, String)]) -> Function {
        Function::try_start(settings).unwrap_or_else(|end| panic!("{end:?}"))
    }

    pub(crate) fn try_start(settings: &[(&str, String)]) -> Result<Function, NoStart> {
        let settings = settings.iter();
        let settings: Vec<_> = settings
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        Ok(Function {
            sandbox: Sandbox::start(&settings)?,
            settings,
            invocations: 0,
            before: Vec::new(),
        })
    }

    /// Invokes the function.
    pub(crate) fn begin(&mut self, payload: &[u8], time: Duration) -> Delivery {
        self.invocations += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.invocations);
        self.sandbox.api.invoke(&id, payload, time);
        Delivery { id, time }
    }

    /// Waits for the answer to an invocation.
    #[track_caller]
    pub(crate) fn end(&mut self, delivery: &Delivery) -> Answer {
        let sandbox = &mut self.sandbox;
        let patience = delivery.time + PATIENCE;
        for _ in 0..patience.as_millis() / 50 {
            let answer = sandbox.api.answer(&delivery.id, Duration::from_millis(50));
            if let Some(answer) = answer {
                sandbox.answered += 1;
                let violations = sandbox.api.violations();
                assert!(violations.is_empty(), "{violations:?}");
                return answer;
            }
            if let Some(status) = sandbox.child.try_wait().unwrap() {
                panic!("the function ended with {status}: {}", sandbox.log());
            }
        }
        panic!("the function hangs: {}", self.sandbox.log());
    }

    /// Kills the process as Lambda does, and starts another with the same settings.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.before = self.lines();
        self.sandbox = Sandbox::start(&self.settings).unwrap_or_else(|end| panic!("{end:?}"));
    }

    /// Sends SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.sandbox.kill();
    }

    /// All that the function wrote to standard output so far, in this sandbox and those before.
    pub(crate) fn lines(&self) -> Vec<String> {
        [self.before.clone(), self.sandbox.out.so_far()].concat()
    }

    /// The same, once the health of each invocation that was answered in this sandbox is there.
    #[track_caller]
    pub(crate) fn settled_lines(&self) -> Vec<String> {
        for _ in 0..PATIENCE.as_millis() / 5 {
            let lines = self.lines();
            let here = &lines[self.before.len()..];
            if here.iter().filter(|line| is_health(line)).count() >= self.sandbox.answered {
                return lines;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("there is no health: {}", self.sandbox.log());
    }

    /// The health of all invocations, as documents.
    #[track_caller]
    pub(crate) fn health(&self) -> Vec<Value> {
        let lines = self.settled_lines();
        let health = lines.iter().filter(|line| is_health(line));
        health
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// What the function wrote to standard error, where nothing but a crash writes.
    pub(crate) fn errors(&self) -> String {
        self.sandbox.err.so_far().join("\n")
    }
}

fn is_health(line: &str) -> bool {
    line.contains("\"Namespace\":\"trailtab/")
}

impl Sandbox {
    fn start(settings: &[(String, String)]) -> Result<Sandbox, NoStart> {
        let api = RuntimeApi::start();
        let mut child = Command::new(lambda())
            .env_clear()
            .envs([
                ("_HANDLER", "usage"),
                ("AWS_LAMBDA_RUNTIME_API", &api.address()),
                ("AWS_LAMBDA_FUNCTION_NAME", NAME),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/usage-of-a-test"),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/09/07/[$LATEST]0"),
                ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
                ("AWS_REGION", "us-east-1"),
                ("AWS_DEFAULT_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "111122223333"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("AWS_SESSION_TOKEN", "test"),
                ("AWS_EC2_METADATA_DISABLED", "true"),
                ("TZ", ":UTC"),
            ])
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = Lines::of(child.stdout.take().unwrap());
        let err = Lines::of(child.stderr.take().unwrap());
        let mut sandbox = Sandbox {
            api,
            child,
            out,
            err,
            answered: 0,
        };
        for _ in 0..PATIENCE.as_millis() / 20 {
            if sandbox.api.is_asked(Duration::from_millis(20)) {
                return Ok(sandbox);
            }
            if let Some(status) = sandbox.child.try_wait().unwrap() {
                sandbox.kill();
                return Err(NoStart {
                    error: sandbox.api.init_error().unwrap_or_default(),
                    code: status.code(),
                    log: sandbox.log(),
                });
            }
        }
        panic!("the function does not start: {}", sandbox.log());
    }

    fn log(&self) -> String {
        let [out, err] = [&self.out, &self.err].map(|lines| lines.so_far().join("\n"));
        format!("{err}\n{out:.5000}")
    }

    /// Ends the process, and reads all that it wrote.
    fn kill(&mut self) {
        // The process may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
        for lines in [&mut self.out, &mut self.err] {
            lines.reader.take().map(JoinHandle::join);
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Lines {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let shared = lines.clone();
        let reader = thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                shared.lock().unwrap().push(line);
            }
        });
        Lines {
            lines,
            reader: Some(reader),
        }
    }

    fn so_far(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}
