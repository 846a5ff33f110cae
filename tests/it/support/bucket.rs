//! A bucket of one test, and the program that reads it.

use std::fs::{self, File as Output};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::http::{self, Message};
use super::ministack::{self, Connection};
use super::proxy::Proxy;
use super::trail::File;
use super::{Sandbox, essence, reconcile};

/// A run that takes longer than this many milliseconds hangs.
const PATIENCE: u64 = 180_000;

/// A bucket behind a proxy of its own.
pub(crate) struct Bucket {
    pub(crate) name: &'static str,
    pub(crate) proxy: Proxy,
    connection: Connection,
}

impl Bucket {
    /// Makes a bucket; its name is the test's alone.
    pub(crate) fn new(name: &'static str) -> Bucket {
        Bucket::with(name, "")
    }

    /// Makes a bucket in a region; requests signed for another region are refused.
    pub(crate) fn in_region(name: &'static str, region: &str) -> Bucket {
        let place = format!("<LocationConstraint>{region}</LocationConstraint>");
        let settings = format!("<CreateBucketConfiguration>{place}</CreateBucketConfiguration>");
        Bucket::with(name, &settings)
    }

    fn with(name: &'static str, settings: &str) -> Bucket {
        let mut connection = Connection::new(ministack::port()).unwrap();
        connection.must("PUT", &format!("/{name}"), settings.as_bytes());
        Bucket {
            name,
            proxy: Proxy::start(),
            connection,
        }
    }

    pub(crate) fn put(&mut self, files: &[File]) {
        for file in files {
            self.connection
                .must("PUT", &self.path(&file.key), &file.bytes);
        }
    }

    /// Puts an object with the signature beside it, as CloudTrail puts digests.
    pub(crate) fn put_signed(&mut self, file: &File, signature: &str) {
        let target = http::encode(&self.path(&file.key));
        let mut request = Message::new(&format!("PUT {target} HTTP/1.1"), &file.bytes);
        for (name, value) in [
            ("Host", "127.0.0.1"),
            ("x-amz-meta-signature", signature),
            ("x-amz-meta-signature-algorithm", "SHA256withRSA"),
        ] {
            request.headers.push((name.to_owned(), value.to_owned()));
        }
        assert_eq!(self.connection.forward(&request).unwrap().status(), 200);
    }

    /// What an object holds, asked for behind the proxy's back.
    pub(crate) fn get(&mut self, key: &str) -> Option<Vec<u8>> {
        let answer = self.connection.send("GET", &self.path(key), b"").unwrap();
        (answer.status() == 200).then_some(answer.body)
    }

    /// The path by which an object is asked for.
    pub(crate) fn path(&self, key: &str) -> String {
        format!("/{}/{key}", self.name)
    }

    /// The source as it stands on the command line.
    pub(crate) fn at(&self, prefix: &str) -> String {
        format!("s3://{}/{prefix}", self.name)
    }

    /// Summarises what is under a prefix.
    pub(crate) fn run(&self, prefix: &str, args: &[&str]) -> Run {
        let source = self.at(prefix);
        let words: Vec<_> = [source.as_str()].iter().chain(args).copied().collect();
        Run::of(&words, &self.access())
    }

    /// The environment that lets the program in.
    pub(crate) fn access(&self) -> Vec<(&'static str, String)> {
        vec![
            (
                "AWS_ENDPOINT_URL",
                format!("http://127.0.0.1:{}", self.proxy.port),
            ),
            ("AWS_ACCESS_KEY_ID", "111122223333".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ]
    }

    /// The prefixes that were listed, without repetitions.
    pub(crate) fn listed(&self) -> Vec<String> {
        let requests = self.proxy.requests();
        let mut listed: Vec<_> = requests
            .iter()
            .filter_map(|r| r.listed().map(str::to_owned))
            .collect();
        listed.sort();
        listed.dedup();
        listed
    }

    /// The keys that were fetched, each as often as it was.
    pub(crate) fn fetched(&self) -> Vec<String> {
        let requests = self.proxy.requests();
        let fetches = requests.iter().filter(|r| r.gets(&r.key));
        let mut fetched: Vec<_> = fetches.map(|r| r.key.clone()).collect();
        fetched.sort();
        fetched
    }
}

/// The keys of files, sorted.
pub(crate) fn keys(files: &[File]) -> Vec<String> {
    let mut keys: Vec<_> = files.iter().map(|file| file.key.clone()).collect();
    keys.sort();
    keys
}

/// Summarises the same files from a directory.
pub(crate) fn run_locally(files: &[File]) -> Run {
    let sandbox = save(files);
    Run::of(&[sandbox.path("").to_str().unwrap()], &[])
}

/// Writes files to a directory.
pub(crate) fn save(files: &[File]) -> Sandbox {
    let sandbox = Sandbox::new();
    for file in files {
        sandbox.write(&file.key, &file.bytes);
    }
    sandbox
}

/// How a run of `trailtab activity` ended.
pub(crate) struct Run {
    pub(crate) code: i32,
    /// The summary; null if the run wrote none.
    pub(crate) json: Value,
    pub(crate) errors: String,
    /// The most memory that it was seen to hold, in KiB, without the program itself.
    pub(crate) memory: u64,
    sandbox: Sandbox,
}

impl Run {
    /// Runs the program with no other settings than these.
    pub(crate) fn of(words: &[&str], environment: &[(&str, String)]) -> Run {
        let sandbox = Sandbox::new();
        // Into files, since pipes are not read while the memory is measured.
        let [out, err] = ["out", "err"].map(|name| sandbox.path(name));
        let mut child = sandbox
            .trailtab()
            .args(["activity", "--format", "json"])
            .args(words)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Output::create_new(&out).unwrap())
            .stderr(Output::create_new(&err).unwrap())
            .spawn()
            .unwrap();
        let (code, memory) = wait(&mut child);
        let json: Value = serde_json::from_slice(&fs::read(out).unwrap()).unwrap_or_default();
        if !json.is_null() {
            reconcile(&json);
        }
        Run {
            code,
            json,
            errors: fs::read_to_string(err).unwrap(),
            memory,
            sandbox,
        }
    }

    /// Reads the summary of one account, or of all: `multiple`.
    pub(crate) fn result(&self, account: &str) -> Value {
        let start = format!("account_activity_{account}_");
        let mut files = fs::read_dir(self.sandbox.path("results"))
            .unwrap()
            .flatten();
        let file = files.find(|file| file.file_name().to_string_lossy().starts_with(&start));
        let path = file
            .unwrap_or_else(|| panic!("no result for {account}"))
            .path();
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    /// One of the summary's counts of records.
    pub(crate) fn count(&self, name: &str) -> u64 {
        self.json["trailtab"]["counts"][name]
            .as_u64()
            .unwrap_or_default()
    }

    pub(crate) fn coverage(&self) -> &Value {
        &self.json["trailtab"]["coverage"]
    }

    /// The problems: document and reason.
    pub(crate) fn problems(&self) -> Vec<(&str, &str)> {
        let problems = self.coverage()["problems"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        problems
            .iter()
            .filter_map(|problem| {
                Some((problem["document"].as_str()?, problem["reason"].as_str()?))
            })
            .collect()
    }

    /// What is said of a region of an account.
    pub(crate) fn status(&self, account: &str, region: &str) -> &str {
        self.coverage()["accounts"][account][region]["status"]
            .as_str()
            .unwrap_or("")
    }

    /// Checks that everything was read.
    #[track_caller]
    pub(crate) fn is_complete(&self) {
        assert_eq!(self.code, 0, "{}{}", self.errors, self.coverage());
        assert_eq!(self.coverage()["complete"], true, "{}", self.coverage());
    }

    /// Checks that a result was written, and that it says what is missing.
    #[track_caller]
    pub(crate) fn is_partial(&self) {
        assert_eq!(self.code, 3, "{}{}", self.errors, self.coverage());
        assert_eq!(self.coverage()["complete"], false, "{}", self.coverage());
    }

    /// Checks that there is no result, and why.
    #[track_caller]
    pub(crate) fn failed_with(&self, words: &[&str]) {
        assert_eq!(
            (self.code, &self.json),
            (1, &Value::Null),
            "{}",
            self.errors
        );
        for word in words {
            assert!(self.errors.contains(word), "{word:?} in {}", self.errors);
        }
    }
}

/// Waits for the end; returns the exit code and the most memory seen.
fn wait(child: &mut Child) -> (i32, u64) {
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut memory = 0;
    for _ in 0..PATIENCE / 5 {
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code().unwrap_or(-1), memory);
        }
        memory = memory.max(anonymous_memory(&status).unwrap_or_default());
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    panic!("the program hangs");
}

fn anonymous_memory(status: &Path) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Checks that two runs read and counted the same.
#[track_caller]
pub(crate) fn assert_same(a: &Run, b: &Run) {
    let what = |run: &Run| {
        let read =
            ["documents", "document_bytes", "other_content"].map(|name| &run.coverage()[name]);
        json!({ "read": read, "counts": run.json["trailtab"]["counts"], "events": essence(&run.json) })
    };
    let (a, b) = (what(a), what(b));
    for (part, counts) in a.as_object().unwrap() {
        assert_eq!(counts, &b[part], "{part}");
    }
}
