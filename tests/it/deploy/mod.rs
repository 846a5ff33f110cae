//! The deployment: the template is valid, agrees with its README, and works on an emulator.

mod alarms;
#[cfg(target_os = "linux")]
mod linked;
mod permissions;
mod stack;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{at, installed};

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

/// Buckets with objects stay when a stack is deleted; those of a stack that could not be created are empty, and go.
#[test]
fn a_stack_that_cannot_be_created_leaves_no_bucket() {
    for (name, bucket) in resources(&template(), "AWS::S3::Bucket") {
        assert_eq!(bucket["DeletionPolicy"], "RetainExceptOnCreate", "{name}");
        assert_eq!(bucket["UpdateReplacePolicy"], "Retain", "{name}");
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
        let has_cost = ["HasCost", "HasCostSilence"].map(Value::from);
        assert_eq!(has_cost.contains(&resource["Condition"]), of_cost, "{name}");
    }
    let silence = at(&template, "Conditions/HasCostSilence/Fn::And");
    assert_eq!(silence[0], json!({"Condition": "HasCost"}));
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

/// The choices of an `Fn::If` on partitions, with those inside it: China, GovCloud, and all others.
fn by_partition(choice: &Value) -> [&Value; 3] {
    let outer = at(choice, "Fn::If");
    let inner = at(&outer[2], "Fn::If");
    assert_eq!(
        (&outer[0], &inner[0]),
        (&json!("IsChina"), &json!("IsGovCloud"))
    );
    [&outer[1], &inner[1], &inner[2]]
}

#[test]
fn each_partition_has_its_regions_and_its_console() {
    let template = template();
    let link = at(&template, "Outputs/DashboardUrl/Value/Fn::Sub");
    assert_eq!(
        by_partition(&link[1]["Console"]),
        [
            "console.amazonaws.cn",
            "console.amazonaws-us-gov.com",
            "console.aws.amazon.com"
        ]
    );
    let body = at(
        &template,
        "Resources/Dashboard/Properties/DashboardBody/Fn::Sub",
    );
    let regions = by_partition(&body[1]["Regions"]);
    for (regions, prefixes) in regions.iter().zip([
        &["cn-"][..],
        &["us-gov-"],
        &["us-", "ca-", "sa-", "eu-", "ap-"],
    ]) {
        let lines = at(regions, "Fn::Sub")[0].as_str().unwrap();
        // The variables of the inner text are those of the outer one.
        let body = body[0].as_str().unwrap().replace("${Regions}", lines);
        let body = body.replace("${Calls}", "\\\"API-COUNT\\\",awsRegion,eventSource");
        let body: Value = serde_json::from_str(&body).unwrap();
        let widgets = body["widgets"].as_array().unwrap().iter();
        let lines = widgets
            .filter(|widget| widget["properties"]["title"] == "Calls by region, in five minutes")
            .flat_map(|widget| at(widget, "properties/metrics").as_array().unwrap());
        let mut labels: Vec<_> = lines
            .map(|line| line[0]["label"].as_str().unwrap())
            .collect();
        assert_eq!(labels.pop(), Some("APIs without a metric of their own"));
        assert!(labels.len() >= 2);
        for label in labels {
            let is_here = prefixes.iter().any(|prefix| label.starts_with(prefix));
            assert_eq!(
                (is_here, label.starts_with("us-gov-")),
                (true, prefixes[0] == "us-gov-"),
                "{label}"
            );
        }
    }
    // No ARN of the template is of one partition only.
    let text = fs::read_to_string(root().join("deploy/template.yaml")).unwrap();
    assert!(!text.contains("arn:aws"));
}
