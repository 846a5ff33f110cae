//! The template on an emulator: what CloudTrail writes is counted, and mails of costs are due.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{health, root, template};
use crate::support::http::Message;
use crate::support::ministack::{self, Connection};
use crate::support::trail::call;
use crate::support::{Sandbox, at, installed, lambda};

/// The account, and its access key in the emulator.
const ANN: &str = "111122223333";
const REGION: &str = "us-east-1";

/// What the README's commands deploy, on an emulator.
struct Stack {
    sandbox: Sandbox,
    emulator: Connection,
    outputs: BTreeMap<String, String>,
}

/// The template without the alarms on expressions, which the emulator refuses to create; those have tests of their own.
fn without_expressions(template: &str) -> String {
    let (mut kept, mut left_out) = (Vec::new(), 0);
    for resource in template.split_inclusive("\n\n") {
        let is_alarm = resource.contains("Type: AWS::CloudWatch::Alarm\n");
        match is_alarm && resource.contains("\n      Metrics:\n") {
            true => left_out += 1,
            false => kept.push(resource),
        }
    }
    assert_eq!(left_out, 3);
    kept.concat()
}

impl Stack {
    /// Deploys the template, with the program as its package. Uses an existing log group, since the emulator cannot
    /// create a trail.
    fn deploy(parameters: &[&str]) -> Stack {
        let sandbox = Sandbox::new();
        let template = fs::read_to_string(root().join("deploy/template.yaml")).unwrap();
        sandbox.write("deploy/template.yaml", without_expressions(&template));
        let program = fs::read(lambda()).unwrap();
        let program = sandbox.write("bootstrap", program);
        let package = sandbox.write("target/lambda/lambda/bootstrap.zip", "");
        let mut zip = Command::new(installed("deploy-venv", "python"));
        zip.args(["-m", "zipfile", "-c"]).arg(package).arg(program);
        assert!(zip.status().unwrap().success());
        let mut stack = Stack {
            sandbox,
            emulator: Connection::new(ministack::cloud()).unwrap(),
            outputs: BTreeMap::new(),
        };
        stack.emulator.must("PUT", "/packages", b"");
        stack.call(
            "Logs_20140328.CreateLogGroup",
            &json!({"logGroupName": "trail"}),
        );
        let stream = json!({"logGroupName": "trail", "logStreamName": "trail"});
        stack.call("Logs_20140328.CreateLogStream", &stream);
        let deploy = "deploy --template-file deploy/template.yaml --stack-name trailtab \
                      --capabilities CAPABILITY_IAM --s3-bucket packages \
                      --parameter-overrides CloudTrailLogGroupName=trail";
        let mut deploy: Vec<_> = deploy.split_whitespace().collect();
        deploy.extend(parameters);
        stack.sam(&deploy);
        let outputs = stack.sam(&[
            "list",
            "stack-outputs",
            "--stack-name",
            "trailtab",
            "--output",
            "json",
        ]);
        let outputs: Vec<BTreeMap<String, String>> = serde_json::from_str(&outputs).unwrap();
        let pairs = outputs
            .iter()
            .map(|it| (it["OutputKey"].clone(), it["OutputValue"].clone()));
        stack.outputs = pairs.collect();
        stack
    }

    fn sam(&self, args: &[&str]) -> String {
        let mut sam = self
            .sandbox
            .command(installed("deploy-venv", "sam").to_str().unwrap());
        let endpoint = format!("http://127.0.0.1:{}", ministack::cloud());
        sam.args(args)
            .env("SAM_CLI_TELEMETRY", "0")
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_ACCESS_KEY_ID", ANN)
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_DEFAULT_REGION", REGION);
        String::from_utf8(self.sandbox.finish(sam, b"").expect(0).stdout).unwrap()
    }

    /// Calls a service that speaks JSON.
    #[track_caller]
    fn call(&mut self, operation: &str, body: &Value) -> Value {
        let mut request = Message::new("POST / HTTP/1.1", body.to_string().as_bytes());
        let key = format!("AWS4-HMAC-SHA256 Credential={ANN}/20260101/{REGION}/any/aws4_request");
        for (name, value) in [
            ("Host", "127.0.0.1"),
            ("Content-Type", "application/x-amz-json-1.0"),
            ("X-Amz-Target", operation),
            ("Authorization", &key),
        ] {
            request.headers.push((name.to_owned(), value.to_owned()));
        }
        let answer = self.emulator.forward(&request).unwrap();
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status(), 200, "{operation}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The schedules in EventBridge Scheduler.
    fn scheduled(&mut self, path: &str) -> Value {
        let mut request = Message::new(&format!("GET {path} HTTP/1.1"), b"");
        let key =
            format!("AWS4-HMAC-SHA256 Credential={ANN}/20260101/{REGION}/scheduler/aws4_request");
        for (name, value) in [("Host", "127.0.0.1"), ("Authorization", &key)] {
            request.headers.push((name.to_owned(), value.to_owned()));
        }
        let answer = self.emulator.forward(&request).unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Writes events to the log group, as CloudTrail does: one delivery.
    fn put(&mut self, messages: &[String]) {
        let now = Timestamp::now().as_millisecond();
        let events = messages
            .iter()
            .map(|message| json!({"timestamp": now, "message": message}));
        let events: Vec<_> = events.collect();
        let request =
            json!({"logGroupName": "trail", "logStreamName": "trail", "logEvents": events});
        self.call("Logs_20140328.PutLogEvents", &request);
    }

    /// Waits until the function is done with that many deliveries, and adds up its health.
    fn health_after(&mut self, deliveries: usize) -> BTreeMap<String, u64> {
        let mut log = Value::Null;
        for _ in 0..600 {
            let request = json!({"logGroupName": self.outputs["FunctionLogGroup"]});
            log = self.call("Logs_20140328.FilterLogEvents", &request);
            let (mut sums, mut done) = (BTreeMap::new(), 0);
            for event in log["events"].as_array().unwrap() {
                let line = serde_json::from_str(event["message"].as_str().unwrap());
                let line: Value = line.unwrap_or_default();
                done += usize::from(line["EventsReceived"].is_u64());
                for name in health("usage") {
                    *sums.entry(name.clone()).or_default() += line[&name].as_u64().unwrap_or(0);
                }
            }
            if done == deliveries {
                return sums;
            }
            thread::sleep(Duration::from_millis(200));
        }
        panic!("the function did not get {deliveries} deliveries: {log}");
    }

    /// All metrics of the namespace: by name, dimensions and minute, the sum.
    fn metrics(&mut self) -> BTreeMap<String, u64> {
        let service = "GraniteServiceVersion20100801";
        let namespace = "API-COUNT";
        let list = self.call(
            &format!("{service}.ListMetrics"),
            &json!({"Namespace": namespace}),
        );
        let mut sums = BTreeMap::new();
        for metric in list["Metrics"].as_array().unwrap() {
            let request = json!({
                "Namespace": namespace,
                "MetricName": metric["MetricName"],
                "Dimensions": metric["Dimensions"],
                "Statistics": ["Sum"],
                "Period": 60,
            });
            let answer = self.call(&format!("{service}.GetMetricStatistics"), &request);
            let mut dimensions: Vec<_> = metric["Dimensions"].as_array().unwrap().iter().collect();
            dimensions.sort_by_key(|it| it["Name"].to_string());
            let dimensions = dimensions.iter().map(|it| it["Value"].as_str().unwrap());
            let dimensions = dimensions.collect::<Vec<_>>().join(" ");
            for point in answer["Datapoints"].as_array().unwrap() {
                let name = metric["MetricName"].as_str().unwrap();
                let key = format!("{} {name} {dimensions}", point["Timestamp"]);
                sums.insert(key, point["Sum"].as_f64().unwrap() as u64);
            }
        }
        sums
    }
}

/// `sam deploy` as in the README; the function that is deployed is the real program, and what it
/// publishes is read back. A delivery that comes twice counts once.
#[test]
fn what_cloudtrail_writes_to_the_log_group_is_counted() {
    let mut stack = Stack::deploy(&[
        "Ledger=yes",
        "Metrics=errors",
        "MemoryMegabytes=256",
        "ReservedConcurrency=5",
        "CostConfig=s3://packages/trailtab.toml",
        "CostTimeZone=Europe/Berlin",
    ]);
    let minutes = [10, 20].map(|ago| {
        let then = Timestamp::now() - SignedDuration::from_mins(ago);
        format!("{:.16}:00Z", then.to_string())
    });
    let mut messages: Vec<_> = (0..24)
        .map(|number| call(number, ANN, REGION, &minutes[0]))
        .chain((24..36).map(|number| call(number, ANN, "eu-west-1", &minutes[1])))
        .collect();
    messages.push(messages[0].clone());
    messages.push("not an event".to_owned());
    stack.put(&messages);
    let health = stack.health_after(1);
    assert_eq!(
        (health["EventsPublished"], health["EventsSkipped"]),
        (36, 2)
    );
    let mut expected = BTreeMap::new();
    for message in &messages[..36] {
        let event: Value = serde_json::from_str(message).unwrap();
        let text = |name: &str| event[name].as_str().unwrap();
        let minute: Timestamp = text("eventTime").parse().unwrap();
        let minute = minute.as_second();
        let (name, region) = (text("eventName"), text("awsRegion"));
        let calls = format!("{minute} {name} {region} ec2.amazonaws.com");
        *expected.entry(calls).or_insert(0) += 1;
        if event.get("errorCode").is_some() {
            let errors = format!("{minute} ErrorCount {region} {name} ec2.amazonaws.com");
            *expected.entry(errors).or_insert(0) += 1;
        }
    }
    assert_eq!(stack.metrics(), expected);

    stack.put(&messages);
    let again = stack.health_after(2);
    for metric in ["EventsReceived", "EventsPublished", "EventsSkipped"] {
        assert_eq!(again[metric], health[metric], "it was counted before");
    }
    assert_eq!(stack.metrics(), expected);

    let bucket = stack.outputs["LedgerUrl"].strip_prefix("s3://").unwrap();
    let bucket = bucket.strip_suffix("/ledger").unwrap();
    let listing = stack
        .emulator
        .send("GET", &format!("/{bucket}"), b"")
        .unwrap();
    let listing = String::from_utf8(listing.body).unwrap();
    let keys: Vec<_> = listing.split("<Key>").skip(1).collect();
    let is_known = |key: &&&str| {
        let folders = ["ledger/usage/published/", "ledger/usage/kept/"];
        folders.iter().any(|folder| key.starts_with(folder))
    };
    assert!(
        keys.len() >= 2 && keys.iter().all(|key| is_known(&key)),
        "{keys:?}"
    );

    the_dashboard_shows_all_health(&mut stack);
    the_cost_function_runs(&mut stack);
    its_health_is_told(&stack);
}

/// By the name of the stack alone. The emulator makes no metrics of the function's log, so there are no data of it.
fn its_health_is_told(stack: &Stack) {
    let mut command = stack.sandbox.trailtab();
    command
        .args(["usage", "health", "trailtab", "--format", "json"])
        .env(
            "AWS_ENDPOINT_URL",
            format!("http://127.0.0.1:{}", ministack::cloud()),
        )
        .env("AWS_ACCESS_KEY_ID", ANN)
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_REGION", REGION);
    let health = stack.sandbox.finish(command, b"").expect(3).summary();
    assert_eq!(health["function"], *stack.outputs["FunctionName"]);
    let queue = stack.outputs["DeadLetterQueueUrl"].rsplit('/').next();
    assert_eq!(health["dead_letter_queue"], queue.unwrap());
    assert_eq!(health["namespace"], "API-COUNT");
    assert_eq!(health["spent"]["memory_megabytes"], 256);
    assert!(health["spent"]["metrics"].as_u64() > Some(10), "{health}");
    assert_eq!(health["findings"][0]["kind"], "no_data", "{health}");
}

/// With its settings, its ledger and its schedule. tests/it/cost has a fake Cost Explorer, since the emulator has
/// none.
fn the_cost_function_runs(stack: &mut Stack) {
    let path = format!(
        "/2015-03-31/functions/{}/invocations",
        stack.outputs["CostFunctionName"]
    );
    let mut run = || {
        let answer = stack.emulator.send("POST", &path, br#"{"dry_run": true}"#);
        let answer: Value = serde_json::from_slice(&answer.unwrap().body).unwrap();
        answer
    };
    let failed = run();
    assert_eq!(failed["errorType"], "ReportsUnsent", "{failed}");
    let reason = failed["errorMessage"].as_str().unwrap();
    assert!(
        reason.contains("s3://packages/trailtab.toml: there is no such object"),
        "{reason}"
    );
    let settings = b"users = []\nmax_requests = 1\n";
    Connection::new(ministack::cloud())
        .unwrap()
        .must("PUT", "/packages/trailtab.toml", settings);
    assert_eq!(
        run(),
        json!({"sent": 0, "skipped": 0, "failed": 0, "requests": 0})
    );
    let schedules = stack.scheduled("/schedules");
    let schedules = schedules["Schedules"].as_array().unwrap();
    assert_eq!(schedules.len(), 1, "{schedules:?}");
    let name = schedules[0]["Name"].as_str().unwrap();
    // Of the stack, so that a second stack of the account has another one.
    assert_ne!(name, "CostFunctionMorning");
    let schedule = stack.scheduled(&format!("/schedules/{name}"));
    assert_eq!(
        schedule["ScheduleExpression"], "cron(0 6 * * ? *)",
        "{schedule}"
    );
    // The emulator drops the time zone of a schedule that a template creates.
    let morning = "Resources/CostFunction/Properties/Events/Morning/Properties";
    assert_eq!(
        at(&template(), morning)["ScheduleExpressionTimezone"],
        json!({"Ref": "CostTimeZone"})
    );
}

fn the_dashboard_shows_all_health(stack: &mut Stack) {
    let request = json!({"DashboardName": "trailtab-usage"});
    let answer = stack.call("GraniteServiceVersion20100801.GetDashboard", &request);
    let body: Value = serde_json::from_str(answer["DashboardBody"].as_str().unwrap()).unwrap();
    let mut shown = BTreeSet::new();
    for widget in body["widgets"].as_array().unwrap() {
        let mut namespace = "";
        for metric in at(widget, "properties/metrics").as_array().unwrap() {
            let Some(first) = metric[0].as_str() else {
                continue;
            };
            // A dot stands for what the line above says.
            namespace = if first == "." { namespace } else { first };
            if namespace == "trailtab/usage" {
                shown.insert(metric[1].as_str().unwrap().to_owned());
            }
            let function = metric[3].as_str().unwrap_or(".");
            let of_function = metric[2] == "FunctionName" && function != ".";
            assert!(!of_function || function == stack.outputs["FunctionName"]);
        }
    }
    assert_eq!(shown, health("usage"));
}
