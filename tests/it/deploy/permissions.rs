//! Roles may do what the programs call, and nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{readme, resources, template};
use crate::support::at;

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

/// An operation that the functions call, with the actions that it takes, and the roles that call it.
pub(super) type Call = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const BOTH: &[&str] = &["FunctionRole", "CostFunctionRole"];
const COST: &[&str] = &["CostFunctionRole"];

/// Each operation of AWS that the functions call, as `crate::operation`.
pub(super) const CALLS: [Call; 7] = [
    (
        "cloudwatch::PutMetricData",
        &["cloudwatch:PutMetricData"],
        &["FunctionRole"],
    ),
    (
        "costexplorer::GetCostAndUsage",
        &["ce:GetCostAndUsage"],
        COST,
    ),
    (
        "costexplorer::GetCostForecast",
        &["ce:GetCostForecast"],
        COST,
    ),
    (
        "organizations::ListAccounts",
        &["organizations:ListAccounts"],
        COST,
    ),
    (
        "secretsmanager::GetSecretValue",
        &["secretsmanager:GetSecretValue"],
        COST,
    ),
    // A mail that is written whole takes both actions.
    (
        "sesv2::SendEmail",
        &["ses:SendEmail", "ses:SendRawEmail"],
        COST,
    ),
    ("sesv2::GetAccount", &["ses:GetAccount"], COST),
];

/// Requests that are signed without an SDK client, by the module of `trailtab_app::aws` that makes them.
pub(super) const SIGNED: &[Call] = &[
    (
        "document_bucket",
        // Without s3:ListBucket, S3 answers 403 for an object that does not exist.
        &[
            "s3:GetObject",
            "s3:ListBucket",
            "s3:PutObject",
            "s3:DeleteObject",
        ],
        BOTH,
    ),
    ("sqs", &["sqs:SendMessage"], &["FunctionRole"]),
];

/// What Lambda, Scheduler, SQS, S3 and CloudTrail do with the roles: the role, and the actions.
const BY_AWS: [(&str, &[&str]); 4] = [
    ("FunctionRole", LAMBDA),
    ("CostFunctionRole", LAMBDA),
    (
        "CostScheduleRole",
        &[
            "lambda:InvokeFunction",
            "sqs:SendMessage",
            "kms:Decrypt",
            "kms:GenerateDataKey",
        ],
    ),
    ("TrailRole", &["logs:CreateLogStream", "logs:PutLogEvents"]),
];

/// Lambda writes the log and the dead letters; S3 and SQS use the key in the name of the role.
const LAMBDA: &[&str] = &[
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:SendMessage",
    "kms:Decrypt",
    "kms:GenerateDataKey",
];

/// No more and no less, in either direction.
#[test]
fn roles_may_do_what_the_functions_call() {
    let template = template();
    for (name, role) in resources(&template, "AWS::IAM::Role") {
        let statements = statements(role).into_iter();
        let granted: BTreeSet<_> = statements
            .flat_map(|statement| texts(&statement["Action"]))
            .collect();
        let calls = CALLS.iter().chain(SIGNED);
        let calls = calls.filter(|(.., roles)| roles.contains(&name));
        let calls = calls.flat_map(|(_, actions, _)| actions.iter().copied());
        let by_aws = BY_AWS.iter().filter(|(role, _)| *role == name);
        let by_aws = by_aws.flat_map(|(_, actions)| actions.iter().copied());
        let needed: BTreeSet<_> = calls.chain(by_aws).collect();
        assert_eq!(granted, needed, "{name}");
    }
}

/// Actions that have no resources (Service Authorization Reference).
const WITHOUT_RESOURCES: [&str; 5] = [
    "ce:GetCostAndUsage",
    "ce:GetCostForecast",
    "cloudwatch:PutMetricData",
    "organizations:ListAccounts",
    "ses:GetAccount",
];

#[test]
fn roles_may_do_no_more_than_they_must() {
    let template = template();
    for (name, role) in resources(&template, "AWS::IAM::Role") {
        assert_eq!(role["Properties"].get("ManagedPolicyArns"), None, "{name}");
        for statement in statements(role) {
            let actions = texts(&statement["Action"]);
            assert!(!actions.is_empty(), "{statement}");
            let is_unscoped = statement["Resource"] == "*";
            for action in &actions {
                assert!(!action.contains('*'), "{action}");
                assert_eq!(WITHOUT_RESOURCES.contains(action), is_unscoped, "{action}");
            }
            if actions == ["cloudwatch:PutMetricData"] {
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

/// With PutMetricData only where it is used, and S3 only where there is a ledger; with secrets or SES only
/// where they are named.
#[test]
fn what_a_setting_does_not_need_is_not_allowed() {
    let template = template();
    let expected = [
        ("PutsMetrics", "cloudwatch:PutMetricData"),
        ("HasLedger", "s3:GetObject"),
        ("HasLedger", "s3:ListBucket"),
        ("HasKey", "kms:Decrypt"),
    ];
    assert_eq!(choices(&template, "FunctionRole"), named(&expected));
    let expected = [
        ("HasCostForecast", "ce:GetCostForecast"),
        ("HasCostSecret", "secretsmanager:GetSecretValue"),
        ("HasCostChannels", "secretsmanager:GetSecretValue"),
        ("HasCostSesIdentity", "ses:SendEmail"),
        ("HasCostSesIdentity", "ses:GetAccount"),
        ("HasKey", "kms:Decrypt"),
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

/// Each function sees its own part of the ledger.
#[test]
fn functions_do_not_see_each_others_ledger() {
    let template = template();
    for (role, sid, folder) in [
        ("FunctionRole", "RememberWhatWasPublished", "usage"),
        ("CostFunctionRole", "RememberWhatWasMailed", "cost"),
    ] {
        let role = at(&template, &format!("Resources/{role}"));
        let statements = statements(role);
        let statement = statements.iter().find(|it| it["Sid"] == sid).unwrap();
        let place = format!("${{LedgerBucket.Arn}}/ledger/{folder}/*");
        assert_eq!(statement["Resource"], json!({ "Fn::Sub": place }));
    }
}

/// CloudTrail sends no `aws:SourceArn` for the role of its log group, so a trust with that condition fails ("Role policy
/// document for CloudTrail to use CloudWatch Logs for monitoring" in its User Guide).
#[test]
fn cloudtrail_may_assume_its_role() {
    let template = template();
    let trust = "Resources/TrailRole/Properties/AssumeRolePolicyDocument/Statement";
    let trust = at(&template, trust).as_array().unwrap();
    assert_eq!(trust.len(), 1);
    assert_eq!(trust[0]["Principal"]["Service"], "cloudtrail.amazonaws.com");
    assert_eq!(trust[0].get("Condition"), None);
}
