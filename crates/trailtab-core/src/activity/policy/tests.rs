//! Tests of which actions calls use.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::used::UsedLimits;
use super::*;
use crate::event::counter::EventCounter as _;
use crate::event::dedupe::SeenIds;
use crate::event::envelope::EnvelopeReader;
use crate::event::ingest::{EventIngest, IngestRules};

/// Counts records as a run does.
fn counted(records: &[Value]) -> UsedCalls {
    counted_within(records, UsedLimits::default())
}

fn counted_within(records: &[Value], limits: UsedLimits) -> UsedCalls {
    let empty = UsedCalls::within(limits);
    let (rules, seen) = (IngestRules::default(), SeenIds::default());
    let mut intake = EventIngest::new(&rules, &empty, &seen, None);
    let lines: Vec<_> = records.iter().map(Value::to_string).collect();
    EnvelopeReader::default().feed(lines.join("\n").as_bytes(), true, &mut intake);
    let mut all = empty.empty();
    let parts = intake.finish().tallies;
    parts.values().for_each(|part| all.merge(part));
    all
}

fn policy(records: &[Value]) -> UsedPolicy {
    UsedPolicy::of(&counted(records)).unwrap()
}

/// A call of a role, with an error code if it is not empty.
fn call(role: &str, service: &str, name: &str, code: &str) -> Value {
    let mut record = json!({
        "eventVersion": "1.11", "eventTime": "2026-09-07T08:00:00Z", "eventType": "AwsApiCall",
        "eventSource": format!("{service}.amazonaws.com"), "eventName": name,
        "userIdentity": {
            "type": "AssumedRole",
            "arn": format!("arn:aws:sts::111122223333:assumed-role/{role}/session"),
            "accountId": "111122223333",
        },
    });
    if !code.is_empty() {
        record["errorCode"] = code.into();
    }
    record
}

/// The call as a service makes it with the identity of the role.
fn by_service(mut record: Value, service: &str) -> Value {
    record["userIdentity"]["invokedBy"] = service.into();
    record
}

/// The actions of the policy, in its order.
fn granted(policy: &UsedPolicy) -> Vec<String> {
    let statements = policy.statements();
    let actions = statements.values().flatten();
    actions.map(ToString::to_string).collect()
}

fn ends(policy: &UsedPolicy, action: &str) -> Option<CallEnds> {
    let mut uses = policy.uses.iter();
    let found = uses.find(|(known, _)| known.to_string() == action);
    found.map(|(_, usage)| usage.ends)
}

#[test]
fn only_successful_calls_grant_their_actions() {
    let policy = policy(&[
        call("shop", "s3", "ListBuckets", ""),
        call("shop", "s3", "GetObject", ""),
        call("shop", "s3", "GetObject", "AccessDenied"),
        call("shop", "s3", "PutObject", "AccessDenied"),
        call("shop", "s3", "GetBucketPolicy", "NoSuchBucketPolicy"),
        call("shop", "ec2", "DescribeInstances", ""),
    ]);
    assert_eq!(
        granted(&policy),
        [
            "ec2:DescribeInstances",
            "s3:GetObject",
            "s3:ListAllMyBuckets"
        ]
    );
    let told = |succeeded, denied, failed| {
        Some(CallEnds {
            succeeded,
            denied,
            failed,
        })
    };
    assert_eq!(ends(&policy, "s3:GetObject"), told(1, 1, 0));
    assert_eq!(ends(&policy, "s3:PutObject"), told(0, 1, 0));
    assert_eq!(ends(&policy, "s3:GetBucketPolicy"), told(0, 0, 1));
    assert_eq!(
        Vec::from_iter(policy.principals),
        ["111122223333:role/shop"]
    );
}

#[test]
fn calls_of_a_service_with_the_identity_grant_too() {
    let decrypt = by_service(call("shop", "kms", "Decrypt", ""), "s3.amazonaws.com");
    let policy = policy(&[
        decrypt.clone(),
        by_service(call("shop", "kms", "Encrypt", ""), "s3.amazonaws.com"),
        call("shop", "kms", "Encrypt", ""),
    ]);
    assert_eq!(granted(&policy), ["kms:Decrypt", "kms:Encrypt"]);
    let usage: Vec<_> = (policy.uses.values())
        .map(|usage| (usage.is_direct, usage.services.contains("s3.amazonaws.com")))
        .collect();
    assert_eq!(usage, [(false, true), (true, true)]);
}

#[test]
fn what_needs_no_action_is_told_apart() {
    let mut sign_in = call("shop", "signin", "ConsoleLogin", "");
    sign_in["eventType"] = "AwsConsoleSignIn".into();
    let mut rotated = call("shop", "kms", "RotateKey", "");
    rotated["eventType"] = "AwsServiceEvent".into();
    let mut by_lambda = call("shop", "sts", "AssumeRole", "");
    by_lambda["userIdentity"] = json!({"type": "AWSService", "invokedBy": "lambda.amazonaws.com"});
    let mut without_type = call("shop", "sqs", "SendMessageBatch", "");
    without_type.as_object_mut().unwrap().remove("eventType");
    let policy = policy(&[
        sign_in,
        rotated,
        by_lambda,
        without_type,
        call("shop", "sts", "GetCallerIdentity", ""),
        call("shop", "iam", "*", ""),
        call("shop", "dynamodb", "TransactWriteItems", "AccessDenied"),
        call("shop", "apigateway", "TagResource", ""),
    ]);
    assert_eq!(
        granted(&policy),
        ["apigateway:POST", "apigateway:PUT", "sqs:SendMessage"]
    );
    let names =
        |counts: &BTreeMap<String, u64>| -> Vec<String> { counts.keys().cloned().collect() };
    assert_eq!(
        names(&policy.not_api_calls),
        ["kms:RotateKey", "signin:ConsoleLogin"]
    );
    assert_eq!(names(&policy.service_principals), ["lambda.amazonaws.com"]);
    assert_eq!(names(&policy.not_asked), ["sts:GetCallerIdentity"]);
    assert_eq!(names(&policy.no_action), ["iam:*"]);
    assert_eq!(
        Vec::from_iter(policy.one_of.keys()),
        ["apigateway:TagResource"]
    );
}

#[test]
fn services_that_share_an_event_source_are_told_apart() {
    let scaling = |service: Option<&str>| {
        let mut record = call("shop", "autoscaling", "PutScalingPolicy", "");
        if let Some(service) = service {
            record["additionalEventData"] = json!({"service": service});
        }
        granted(&policy(&[record]))
    };
    assert_eq!(scaling(None), ["autoscaling:PutScalingPolicy"]);
    assert_eq!(
        scaling(Some("application-autoscaling")),
        ["application-autoscaling:PutScalingPolicy"]
    );
    // Whoever writes a log cannot name a pattern this way either.
    assert_eq!(scaling(Some("*")), [""; 0]);
}

fn any_call() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        ("s3", "ListBuckets"),
        ("s3", "GetObject"),
        ("kms", "ReEncrypt"),
        ("sts", "GetCallerIdentity"),
        ("dynamodb", "TransactWriteItems"),
        ("iam", "*"),
    ]);
    let roles = prop::sample::select(vec!["shop", "ci"]);
    let codes = prop::sample::select(vec!["", "", "AccessDenied", "ThrottlingException"]);
    let fields = (names, roles, codes, any::<bool>());
    fields.prop_map(|((service, name), role, code, is_forwarded)| {
        let record = call(role, service, name, code);
        match is_forwarded {
            true => by_service(record, "cloudformation.amazonaws.com"),
            false => record,
        }
    })
}

#[test]
fn too_many_names_are_an_error_and_not_a_policy_of_some() {
    let calls: Vec<_> = (0..8)
        .map(|n| call(&format!("role-{n}"), "s3", "GetObject", ""))
        .collect();
    let by = |rows, text_bytes| {
        let limits = UsedLimits { rows, text_bytes };
        let (one, other) = calls.split_at(4);
        let mut split = counted_within(one, limits);
        split.merge(&counted_within(other, limits));
        let split = UsedPolicy::of(&split);
        let whole = counted_within(&calls, limits);
        assert_eq!(split, UsedPolicy::of(&whole));
        split.map(|policy| policy.principals.len())
    };
    assert_eq!(by(8, 1 << 20), Ok(8));
    assert_eq!(by(7, 1 << 20), Err(TooManyUses));
    assert_eq!(by(3, 1 << 20), Err(TooManyUses));
    assert_eq!(by(8, 200), Err(TooManyUses));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// How records are split over threads, and their order, change nothing; and every call is somewhere.
    #[test]
    fn a_policy_does_not_depend_on_how_records_are_split(
        records in prop::collection::vec(any_call(), 0..24),
        cut in 0..24_usize,
    ) {
        let (one, other) = records.split_at(cut.min(records.len()));
        let whole = policy(&records);
        let mut split = counted(other);
        split.merge(&counted(one));
        prop_assert_eq!(&UsedPolicy::of(&split).unwrap(), &whole);
        let all: u64 = counted(&records).rows().map(|row| row.ends.all()).sum();
        prop_assert_eq!(all, records.len() as u64);
        for (action, usage) in &whole.uses {
            let is_granted = granted(&whole).contains(&action.to_string());
            prop_assert_eq!(is_granted, usage.ends.succeeded > 0);
        }
    }
}
