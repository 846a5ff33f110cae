//! The deployment: its template is sound and says what its README says, and it works.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{at, installed};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
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

/// What a role allows: its statements, whatever condition of the template they depend on.
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
    let settings = at(
        &template,
        "Resources/Function/Properties/Environment/Variables",
    );
    let settings: BTreeSet<_> = settings.as_object().unwrap().keys().cloned().collect();
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
            if statement["Resource"] == "*" {
                assert_eq!(actions, ["cloudwatch:PutMetricData"]);
                let namespace =
                    json!({"StringEquals": {"cloudwatch:namespace": {"Ref": "Namespace"}}});
                assert_eq!(statement["Condition"], namespace);
            }
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

/// With PutMetricData only where it is used, and S3 only where there is a ledger.
#[test]
fn what_a_setting_does_not_need_is_not_allowed() {
    let template = template();
    let document = at(&template, "Resources/FunctionRole/Properties/Policies")[0].clone();
    let conditional = at(&document, "PolicyDocument/Statement")
        .as_array()
        .unwrap();
    let conditional = conditional.iter().filter_map(|it| it.get("Fn::If"));
    let choices: Vec<_> = conditional
        .map(|it| {
            (
                it[0].as_str().unwrap(),
                texts(&it[1]["Action"])[0],
                &it[2]["Ref"],
            )
        })
        .collect();
    let nothing = &json!("AWS::NoValue");
    let expected = [
        ("PutsMetrics", "cloudwatch:PutMetricData", nothing),
        ("HasLedger", "s3:GetObject", nothing),
        ("HasLedger", "s3:ListBucket", nothing),
    ];
    assert_eq!(choices, expected);
}

#[test]
fn the_policy_in_the_readme_is_that_of_the_template() {
    let readme = readme();
    let json = readme.split("```json").nth(1).unwrap().split("```").next();
    let policy: Value = serde_json::from_str(json.unwrap()).unwrap();
    let template = template();
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
    let by_template = statements(at(&template, "Resources/FunctionRole"));
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

/// No data is the normal case for metrics of what seldom happens.
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
        if properties["Namespace"] == "trailtab/usage" {
            let metric = properties["MetricName"].as_str().unwrap();
            assert!(documented().contains(metric), "{metric}");
        }
    }
}

/// What must be forgotten some day lies apart from what must not.
#[test]
fn the_ledger_forgets_what_was_published_and_keeps_the_rest() {
    let template = template();
    let rules = at(
        &template,
        "Resources/LedgerBucket/Properties/LifecycleConfiguration/Rules",
    );
    let expected = json!([{
        "Id": "published",
        "Status": "Enabled",
        "Prefix": "ledger/usage/published/",
        // A day more than CloudWatch looks back.
        "ExpirationInDays": 15,
    }]);
    assert_eq!(rules, &expected);
    let setting = "Resources/Function/Properties/Environment/Variables/TRAILTAB_LEDGER";
    let url = json!({"Fn::Sub": "s3://${LedgerBucket}/ledger"});
    assert_eq!(
        at(&template, setting)["Fn::If"],
        json!(["HasLedger", url, ""])
    );
}
