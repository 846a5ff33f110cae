//! Tests of the fake of Amazon Athena and Glue that the tests of `athena://` run against.

mod calls;
mod faults;
mod queries;
mod results;
mod tables;

use serde_json::{Value, json};

use crate::support::athena::Athena;
use crate::support::ministack::{self, Connection};
use crate::support::trail;

/// A fake with a database `d`, and a bucket of one test.
struct FakeLab {
    athena: Athena,
    bucket: &'static str,
    s3: Connection,
}

/// How a query ended.
#[derive(Debug)]
struct Ended {
    state: String,
    /// StateChangeReason; empty if there is none.
    reason: String,
    scanned_bytes: u64,
    /// The rows of the result object without the header, sorted; empty if there is no such object.
    rows: Vec<String>,
    /// What GetQueryExecution says.
    execution: Value,
}

impl FakeLab {
    fn new(bucket: &'static str) -> FakeLab {
        let mut s3 = Connection::new(ministack::port()).unwrap();
        s3.must("PUT", &format!("/{bucket}"), b"");
        let athena = Athena::start();
        athena.make_database("d");
        athena.set_time("2026-11-30T12:00:00Z");
        FakeLab { athena, bucket, s3 }
    }

    /// Puts an object; returns its size.
    fn put(&mut self, key: &str, bytes: &[u8]) -> u64 {
        let path = format!("/{}/{key}", self.bucket);
        self.s3.must("PUT", &path, bytes);
        bytes.len() as u64
    }

    /// Puts a log file of CloudTrail; returns its size.
    fn put_log(&mut self, key: &str, records: &[Value]) -> u64 {
        let records: Vec<_> = records.iter().map(Value::to_string).collect();
        self.put(key, &trail::gzip(&records))
    }

    fn get(&mut self, url: &str) -> Option<Vec<u8>> {
        let path = url.strip_prefix("s3:/").unwrap();
        let answer = self.s3.send("GET", path, b"").unwrap();
        (answer.status() == 200).then_some(answer.body)
    }

    /// The URL of a key of the bucket.
    fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// StartQueryExecution with the members that every test needs; `more` replaces or adds some.
    fn start(&self, sql: &str, more: &Value) -> (u16, Value) {
        let mut request = json!({
            "QueryString": sql,
            "QueryExecutionContext": {"Database": "d"},
            "ResultConfiguration": {"OutputLocation": self.url("results/")},
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            match value.is_null() {
                true => drop(request.as_object_mut().unwrap().remove(name)),
                false => request[name] = value.clone(),
            }
        }
        self.athena
            .call("AmazonAthena.StartQueryExecution", &request)
    }

    fn id(&self, sql: &str, more: &Value) -> String {
        let (status, answer) = self.start(sql, more);
        assert_eq!(status, 200, "{sql}: {answer}");
        answer["QueryExecutionId"].as_str().unwrap().to_owned()
    }

    fn poll(&self, id: &str) -> Value {
        let request = json!({"QueryExecutionId": id});
        let (status, answer) = self.athena.call("AmazonAthena.GetQueryExecution", &request);
        assert_eq!(status, 200, "{answer}");
        answer["QueryExecution"].clone()
    }

    fn state(&self, id: &str) -> String {
        let execution = self.poll(id);
        execution["Status"]["State"].as_str().unwrap().to_owned()
    }

    /// Runs a statement to its end.
    fn run(&mut self, sql: &str) -> Ended {
        let id = self.id(sql, &json!({}));
        self.end(&id)
    }

    fn end(&mut self, id: &str) -> Ended {
        let execution = self.poll(id);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let output = text(&execution["ResultConfiguration"]["OutputLocation"]);
        let csv = match output.is_empty() {
            true => None,
            false => self.get(&output),
        };
        let csv = String::from_utf8(csv.unwrap_or_default()).unwrap();
        let mut rows: Vec<_> = csv.lines().skip(1).map(str::to_owned).collect();
        rows.sort();
        Ended {
            state: text(&execution["Status"]["State"]),
            reason: text(&execution["Status"]["StateChangeReason"]),
            scanned_bytes: execution["Statistics"]["DataScannedInBytes"]
                .as_u64()
                .unwrap(),
            rows,
            execution,
        }
    }

    /// The sorted rows of a query that must succeed.
    #[track_caller]
    fn rows(&mut self, sql: &str) -> Vec<String> {
        let ended = self.run(sql);
        assert_eq!(ended.state, "SUCCEEDED", "{sql}: {ended:#?}");
        ended.rows
    }

    /// Checks that a query fails, and how its reason begins.
    #[track_caller]
    fn fails(&mut self, sql: &str, reason: &str) {
        let ended = self.run(sql);
        assert_eq!(ended.state, "FAILED", "{sql}: {ended:#?}");
        assert!(ended.reason.starts_with(reason), "{sql}: {}", ended.reason);
    }
}

/// A record of CloudTrail; `more` replaces or adds members.
fn record(number: u32, more: &Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": "arn:aws:sts::111122223333:assumed-role/Deploy/ci",
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "arn": "arn:aws:iam::111122223333:role/Deploy"},
                "attributes": {"mfaAuthenticated": "false"},
            },
        },
        "eventTime": format!("2026-11-01T08:00:{number:02}Z"),
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "us-east-1",
        "userAgent": "a \"quoted\" agent",
        "requestParameters": {"bucketName": "b", "size": 1.50, "tags": {"k": [1]}},
        "responseElements": null,
        "eventID": format!("event-{number}"),
        "readOnly": true,
        "sourceIdentityOfNoColumn": "lost",
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        record[name] = value.clone();
    }
    record
}
