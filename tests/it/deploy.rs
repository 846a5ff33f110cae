//! The deployment: the template is valid, agrees with its README, and works on an emulator.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::http::Message;
use crate::support::ministack::{self, Connection};
use crate::support::trail::call;
use crate::support::{Sandbox, at, installed, lambda};

/// The account, and its access key in the emulator.
const ANN: &str = "111122223333";
const REGION: &str = "us-east-1";

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn readme() -> String {
    fs::read_to_string(root().join("deploy/README.md")).unwrap()
}

/// Runs a tool of the deployment, which must succeed, on the template; returns what it prints.
#[track_caller]
fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(installed("deploy-venv", program))
        .args(args)
        .arg(root().join("deploy/template.yaml"))
        .env("SAM_CLI_TELEMETRY", "0")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{program}: {out}{err}");
    out
}

/// The template, with `!Ref` and the like in the long form that JSON has.
fn template() -> Value {
    let to_json = "import json, sys; from cfnlint.decode import cfn_yaml; \
                   print(json.dumps(cfn_yaml.load(sys.argv[1])))";
    serde_json::from_str(&run("python", &["-c", to_json])).unwrap()
}

/// The resources of a type, by name.
fn resources<'t>(template: &'t Value, kind: &str) -> BTreeMap<&'t str, &'t Value> {
    let all = template["Resources"].as_object().unwrap();
    let of_kind = all.iter().filter(|(_, resource)| resource["Type"] == kind);
    let found: BTreeMap<_, _> = of_kind.map(|(name, it)| (name.as_str(), it)).collect();
    assert!(!found.is_empty(), "there is no {kind}");
    found
}

/// The statements of a role, including those under conditions of the template.
fn statements(role: &Value) -> Vec<&Value> {
    let policies = at(role, "Properties/Policies").as_array().unwrap();
    let statements = policies
        .iter()
        .flat_map(|policy| at(policy, "PolicyDocument/Statement").as_array().unwrap());
    statements
        .map(|statement| {
            statement
                .get("Fn::If")
                .map_or(statement, |choice| &choice[1])
        })
        .collect()
}

/// A member of a policy that may be one text or a list of them.
fn texts(member: &Value) -> Vec<&str> {
    match member {
        Value::Array(members) => members.iter().map(|it| it.as_str().unwrap()).collect(),
        one => Vec::from_iter(one.as_str()),
    }
}

/// What stands in backquotes in the first column of the README's tables.
fn documented() -> BTreeSet<String> {
    let readme = readme();
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| "));
    let first = rows.filter_map(|row| row.split(" | ").next());
    first
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_template_is_sound() {
    run("cfn-lint", &[]);
    run(
        "sam",
        &["validate", "--lint", "--region", "us-east-1", "--template"],
    );
}

#[test]
fn the_readme_names_every_parameter_and_setting() {
    let (template, documented) = (template(), documented());
    for parameter in template["Parameters"].as_object().unwrap().keys() {
        assert!(documented.contains(parameter), "{parameter}");
    }
    let functions = resources(&template, "AWS::Serverless::Function");
    let settings: BTreeSet<_> = functions
        .values()
        .flat_map(|function| {
            let variables = at(function, "Properties/Environment/Variables");
            variables.as_object().unwrap().keys().cloned()
        })
        .collect();
    let are_settings = |name: &&String| name.starts_with("TRAILTAB_");
    assert_eq!(
        settings,
        documented.iter().filter(are_settings).cloned().collect()
    );
}

#[test]
fn roles_may_do_no_more_than_they_must() {
    let template = template();
    for (name, role) in resources(&template, "AWS::IAM::Role") {
        assert_eq!(role["Properties"].get("ManagedPolicyArns"), None, "{name}");
        for statement in statements(role) {
            let actions = texts(&statement["Action"]);
            assert!(!actions.is_empty(), "{statement}");
            assert!(
                !actions.iter().any(|action| action.contains('*')),
                "{statement}"
            );
            if statement["Resource"] != "*" {
                continue;
            }
            // These actions have no resources.
            if actions == ["ce:GetCostAndUsage", "organizations:ListAccounts"] {
                assert_eq!(name, "CostFunctionRole");
                continue;
            }
            assert_eq!(actions, ["cloudwatch:PutMetricData"]);
            let namespace = json!({"StringEquals": {"cloudwatch:namespace": {"Ref": "Namespace"}}});
            assert_eq!(statement["Condition"], namespace);
        }
    }
    for (name, bucket) in resources(&template, "AWS::S3::Bucket") {
        let closed = at(bucket, "Properties/PublicAccessBlockConfiguration");
        let closed = closed.as_object().unwrap();
        assert!(
            closed.len() == 4 && closed.values().all(|it| it == true),
            "{name}"
        );
    }
}

/// With PutMetricData only where it is used, and S3 only where there is a ledger; with secrets or SES only
/// where they are named.
#[test]
fn what_a_setting_does_not_need_is_not_allowed() {
    let template = template();
    let expected = [
        ("PutsMetrics", "cloudwatch:PutMetricData"),
        ("HasLedger", "s3:GetObject"),
        ("HasLedger", "s3:ListBucket"),
    ];
    assert_eq!(choices(&template, "FunctionRole"), named(&expected));
    let expected = [
        ("HasCostSecret", "secretsmanager:GetSecretValue"),
        ("HasCostChannels", "secretsmanager:GetSecretValue"),
        ("HasCostSesIdentity", "ses:SendEmail"),
    ];
    assert_eq!(choices(&template, "CostFunctionRole"), named(&expected));
}

fn named(choices: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(condition, action): &(&str, &str)| ((*condition).into(), (*action).into());
    choices.iter().map(owned).collect()
}

/// The statements of a role that depend on a condition: the condition and the first action.
fn choices(template: &Value, role: &str) -> Vec<(String, String)> {
    let document = at(template, &format!("Resources/{role}/Properties/Policies"))[0].clone();
    let conditional = at(&document, "PolicyDocument/Statement")
        .as_array()
        .unwrap();
    let conditional = conditional.iter().filter_map(|it| it.get("Fn::If"));
    conditional
        .map(|it| {
            assert_eq!(it[2]["Ref"], "AWS::NoValue");
            (
                it[0].as_str().unwrap().to_owned(),
                texts(&it[1]["Action"])[0].to_owned(),
            )
        })
        .collect()
}

#[test]
fn the_policies_in_the_readme_are_those_of_the_template() {
    let (readme, template) = (readme(), template());
    let mut policies = readme.split("```json").skip(1);
    for role in ["FunctionRole", "CostFunctionRole"] {
        let json = policies.next().unwrap().split("```").next();
        let policy: Value = serde_json::from_str(json.unwrap()).unwrap();
        is_policy_of(&policy, at(&template, &format!("Resources/{role}")));
    }
    assert_eq!(policies.next(), None);
}

fn is_policy_of(policy: &Value, role: &Value) {
    let essence = |statement: &Value| {
        let condition = statement
            .get("Condition")
            .map(|it| it["StringEquals"].clone());
        let keys = condition.map(|it| it.as_object().unwrap().keys().cloned().collect::<Vec<_>>());
        let actions = texts(&statement["Action"]).join(" ");
        (
            statement["Sid"].to_string(),
            statement["Effect"].to_string(),
            actions,
            keys,
        )
    };
    let by_hand = policy["Statement"].as_array().unwrap().iter();
    let by_template = statements(role);
    assert_eq!(
        by_hand.map(essence).collect::<Vec<_>>(),
        by_template.into_iter().map(essence).collect::<Vec<_>>()
    );
}

/// CloudTrail tries the bucket while the trail is made, so its policy has to be there.
#[test]
fn a_new_trail_waits_for_the_policy_of_its_bucket() {
    let template = template();
    let trail = at(&template, "Resources/Trail");
    let policy = trail["DependsOn"].as_str().unwrap();
    let policy = &template["Resources"][policy];
    assert_eq!(policy["Type"], "AWS::S3::BucketPolicy");
    assert_eq!(
        at(policy, "Properties/Bucket"),
        at(trail, "Properties/S3BucketName")
    );
    for part in [
        "Trail",
        "TrailBucket",
        "TrailBucketPolicy",
        "TrailLogs",
        "TrailRole",
    ] {
        assert_eq!(
            template["Resources"][part]["Condition"], "NeedsTrail",
            "{part}"
        );
    }
}

/// Metrics of rare events normally have no data.
#[test]
fn alarms_are_quiet_while_nothing_happens() {
    for (name, alarm) in resources(&template(), "AWS::CloudWatch::Alarm") {
        let properties = &alarm["Properties"];
        assert_eq!(properties["TreatMissingData"], "notBreaching", "{name}");
        assert_eq!(
            at(properties, "AlarmActions/Fn::If")[0],
            "HasAlarmTopic",
            "{name}"
        );
        let namespace = properties["Namespace"].as_str().unwrap_or_default();
        if let Some(function) = namespace.strip_prefix("trailtab/") {
            assert!(
                health(function).contains(properties["MetricName"].as_str().unwrap()),
                "{name}"
            );
        }
    }
}

/// Objects that expire have other prefixes than those that must stay.
#[test]
fn the_ledger_forgets_what_was_published_and_keeps_the_rest() {
    let template = template();
    let rules = at(
        &template,
        "Resources/LedgerBucket/Properties/LifecycleConfiguration/Rules",
    );
    let rule = |function: &str, folder: &str, days: u32| {
        json!({
            "Id": folder,
            "Status": "Enabled",
            "Prefix": format!("ledger/{function}/{folder}/"),
            "ExpirationInDays": days,
        })
    };
    let expected = [
        // A day more than CloudWatch looks back.
        rule("usage", "published", 15),
        rule("usage", "backfill", 15),
        rule("cost", "mail", 400),
        rule("cost", "latest", 400),
        rule("cost", "answers", 460),
    ];
    assert_eq!(rules, &json!(expected));
    let setting = "Resources/Function/Properties/Environment/Variables/TRAILTAB_LEDGER";
    let url = json!({"Fn::Sub": "s3://${LedgerBucket}/ledger"});
    assert_eq!(
        at(&template, setting)["Fn::If"],
        json!(["HasLedger", url, ""])
    );
}

/// Resources of the cost function exist only together with it.
#[test]
fn costs_are_mailed_only_if_there_are_settings_for_it() {
    let template = template();
    let all = template["Resources"].as_object().unwrap().iter();
    for (name, resource) in all {
        let of_cost = name.starts_with("Cost");
        assert_eq!(resource["Condition"] == "HasCost", of_cost, "{name}");
    }
    for name in ["LedgerBucket", "LedgerBucketPolicy"] {
        assert_eq!(
            template["Resources"][name]["Condition"],
            "NeedsLedgerBucket"
        );
    }
    let condition = at(&template, "Conditions/NeedsLedgerBucket");
    let either = json!({"Fn::Or": [{"Condition": "HasLedger"}, {"Condition": "HasCost"}]});
    assert_eq!(condition, &either);
}

/// The health metrics of a function have the same names in the code, the README and the dashboard.
fn health(function: &str) -> BTreeSet<String> {
    let code = fs::read_to_string(root().join("crates/trailtab-lambda/src/health.rs")).unwrap();
    let start = code.find(&format!("fn {function}(")).unwrap();
    let code = code[start..].split("\n}\n").next().unwrap();
    let names = code
        .lines()
        .filter_map(|line| line.trim().strip_prefix("(\""));
    let names: BTreeSet<_> = names
        .map(|line| line.split('"').next().unwrap().to_owned())
        .collect();
    assert!(
        names.contains("Duration") && names.is_subset(&documented()),
        "{names:?}"
    );
    names
}

/// What the README's commands deploy, on an emulator.
struct Stack {
    sandbox: Sandbox,
    emulator: Connection,
    outputs: BTreeMap<String, String>,
}

impl Stack {
    /// Deploys the template as it is, with the program as its package. Uses an existing log group, since the emulator
    /// cannot create a trail.
    fn deploy(parameters: &[&str]) -> Stack {
        let sandbox = Sandbox::new();
        let template = fs::read(root().join("deploy/template.yaml")).unwrap();
        sandbox.write("deploy/template.yaml", template);
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
