//! Tables of Athena give what the log files under them give.

mod conformance;
mod days;
mod faults;
mod rows;
mod statements;
mod tables;

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use serde_json::{Value, json};
use trailtab_athena::ddl::LogTableSetup;

use crate::support::athena::{Athena, refusals};
use crate::support::http::Message;
use crate::support::ministack::{self, Connection};
use crate::support::trail::{self, File};
use crate::support::{Finished, Sandbox, files_below, installed};

const ANN: &str = "111122223333";

/// What the service and the program take for the time, unless a test says otherwise.
const NOW: &str = "2026-09-30T12:00:00Z";

/// The address of the table that `trailtab athena setup` makes.
const TABLE: &str = "athena://trailtab/cloudtrail_logs";

/// A fake of Athena with our table over the log files of a bucket, and a bucket for results beside it.
struct Lake {
    athena: Athena,
    bucket: &'static str,
    s3: Connection,
    sandbox: Sandbox,
}

impl Lake {
    /// Buckets without log files, and no table yet. The name is the test's alone.
    fn new(bucket: &'static str) -> Lake {
        Lake::at(bucket, NOW)
    }

    /// The same at another time.
    fn at(bucket: &'static str, now: &'static str) -> Lake {
        let mut s3 = Connection::new(ministack::port()).unwrap();
        s3.must("PUT", &format!("/{bucket}"), b"");
        s3.must("PUT", &format!("/{bucket}-results"), b"");
        let athena = Athena::start();
        athena.set_time(now);
        Lake {
            athena,
            bucket,
            s3,
            sandbox: Sandbox::at(now),
        }
    }

    fn put(&mut self, files: &[File]) {
        for file in files {
            let path = format!("/{}/{}", self.bucket, file.key);
            self.s3.must("PUT", &path, &file.bytes);
        }
    }

    /// Makes our table over the accounts' folders below a prefix such as `AWSLogs/`.
    fn make_table(&self, prefix: &str, first_day: Date, regions: &[&str]) {
        let setup = LogTableSetup {
            database: "trailtab".to_owned(),
            table: "cloudtrail_logs".to_owned(),
            root: format!("s3://{}/{prefix}", self.bucket),
            first_day,
            regions: regions.iter().map(|&region| region.to_owned()).collect(),
        };
        self.athena.run(setup.database_statement().as_str());
        self.athena.run(setup.table_statement().as_str());
    }

    /// Lets it be later.
    fn travel(&mut self, now: &'static str) {
        self.athena.set_time(now);
        self.sandbox = Sandbox::at(now);
    }

    /// What the last query scanned, in bytes.
    fn last_scan_bytes(&self) -> u64 {
        let calls = self.athena.calls();
        let looked = calls
            .iter()
            .rev()
            .find(|call| call.operation == "AmazonAthena.GetQueryExecution");
        let (status, answer) = self
            .athena
            .call("AmazonAthena.GetQueryExecution", &looked.unwrap().request);
        assert_eq!(status, 200, "{answer}");
        let scanned = &answer["QueryExecution"]["Statistics"]["DataScannedInBytes"];
        scanned.as_u64().unwrap()
    }

    /// The keys of the bucket of results.
    fn kept(&self) -> Vec<String> {
        let mut s3 = Connection::new(ministack::port()).unwrap();
        let target = format!(
            "GET /{}-results?list-type=2&max-keys=1000 HTTP/1.1",
            self.bucket
        );
        let mut request = Message::new(&target, b"");
        request
            .headers
            .push(("Host".to_owned(), "127.0.0.1".to_owned()));
        let answer = s3.forward(&request).unwrap();
        let text = String::from_utf8(answer.body).unwrap();
        let keys = text.split("<Key>").skip(1);
        keys.filter_map(|rest| Some(rest.split_once("</Key>")?.0.to_owned()))
            .collect()
    }

    fn get_result(&mut self, key: &str) -> Option<Vec<u8>> {
        let path = format!("/{}-results/{key}", self.bucket);
        let answer = self.s3.send("GET", &path, b"").unwrap();
        (answer.status() == 200).then_some(answer.body)
    }

    fn put_result(&mut self, key: &str, bytes: &[u8]) {
        let path = format!("/{}-results/{key}", self.bucket);
        self.s3.must("PUT", &path, bytes);
    }

    /// The address of the folder of results.
    fn results(&self) -> String {
        format!("s3://{}-results/r/", self.bucket)
    }

    /// Runs the program with access to the fake and the buckets.
    fn run(&self, args: &[&str]) -> Finished {
        let mut command = self.sandbox.trailtab();
        command
            .args(args)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.athena.access());
        self.sandbox.finish(command, b"")
    }

    /// Runs a verb over the table.
    fn ask(&self, verb: &[&str], args: &[&str]) -> Finished {
        self.ask_of(TABLE, verb, args)
    }

    /// Why Athena would refuse one of the statements so far.
    fn refusals(&self) -> Result<(), String> {
        let statements = self.athena.statements();
        let queries = statements.iter().map(String::as_str);
        // Of `UNLOAD (…) TO …`, the query inside.
        let queries = queries.map(|sql| match sql.strip_prefix("UNLOAD (") {
            Some(rest) => rest
                .rsplit_once(") TO '")
                .map_or(rest, |(query, _)| query.trim()),
            None => sql,
        });
        let queries: BTreeSet<&str> = queries.collect();
        let queries: Vec<&str> = queries.into_iter().collect();
        assert!(!queries.is_empty());
        refusals(&queries)
    }

    /// Runs a verb over another table.
    fn ask_of(&self, table: &str, verb: &[&str], args: &[&str]) -> Finished {
        let results = self.results();
        let source = [table, "--athena-results", &results];
        self.run(&[verb, &source, args].concat())
    }
}

/// The regions of the demo's logs.
const DEMO_REGIONS: [&str; 8] = [
    "ap-northeast-1",
    "ap-southeast-2",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "sa-east-1",
    "us-east-1",
    "us-west-2",
];

/// The folder of the demo's accounts.
const DEMO: &str = "AWSLogs/o-exampleorg1/";

/// The log files of the demo.
fn demo(events: &str) -> Vec<File> {
    let sandbox = Sandbox::new();
    let args = ["demo", "--quiet", "--output", "D", "--events", events];
    sandbox.run(args).expect(0);
    let root = sandbox.path("D");
    let paths = files_below(&root.join("AWSLogs"));
    let files = paths.iter().map(|path| File {
        key: path
            .strip_prefix(&root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned(),
        bytes: std::fs::read(path).unwrap(),
    });
    files.collect()
}

/// The demo's log files, and our table over them.
fn demo_lake(bucket: &'static str, events: &str) -> Lake {
    let mut lake = Lake::new(bucket);
    lake.put(&demo(events));
    lake.make_table(DEMO, date(2026, 9, 1), &DEMO_REGIONS);
    lake
}

/// The result of a run that read everything, or not, without what tells of the run itself.
#[track_caller]
fn result(finished: Finished, code: i32) -> Value {
    let finished = finished.expect(code);
    let text = String::from_utf8(finished.stdout).unwrap();
    match serde_json::from_str::<Value>(&text) {
        Ok(json) => without_run(json),
        // Rows come in no order that all engines share.
        Err(_) => {
            let rows: BTreeSet<&str> = text.lines().collect();
            json!(rows)
        }
    }
}

/// Leaves out what tells of the run itself, and which of several records an example is of.
fn without_run(mut json: Value) -> Value {
    for place in ["", "/_metadata"] {
        if let Some(members) = json.pointer_mut(place).and_then(Value::as_object_mut) {
            members.remove("invocation");
        }
    }
    // What refused events hold is not known where the engine refused them.
    if let Some(summary) = json.get_mut("trailtab").and_then(Value::as_object_mut) {
        summary.remove("no_match");
    }
    let identities = json.pointer_mut("/trailtab/coverage/unknown_identities");
    for kind in identities
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(|kinds| kinds.values_mut())
    {
        if let Some(kind) = kind.as_object_mut() {
            kind.remove("example");
        }
    }
    json
}

/// The places at which two results differ, with what stands there.
fn differences(one: &Value, other: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect_differences("", one, other, &mut found);
    found
}

fn collect_differences(place: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                let [a, b] = [a, b].map(|members| members.get(name).unwrap_or(&Value::Null));
                collect_differences(&format!("{place}/{name}"), a, b, found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                collect_differences(&format!("{place}/{at}"), a, b, found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(format!("{place}: {a:.300} is not {b:.300}")),
    }
}

/// Checks that two results are the same.
#[track_caller]
fn assert_agree(one: &Value, other: &Value, what: &str) {
    let found = differences(one, other);
    assert!(
        found.is_empty(),
        "{what}: {:#?}",
        &found[..found.len().min(12)]
    );
}
