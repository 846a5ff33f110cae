//! Tests of the policy as JSON and of its remarks.

use trailtab_core::activity::policy::{CallActions, CallEnds, actions_of};

use super::*;

const ROLE: &str = "111122223333:role/shop";

/// A policy of calls to APIs: the service, the API, and the numbers of calls that succeeded, were denied and failed.
fn policy(calls: &[(&str, &str, [u64; 3])]) -> UsedPolicy {
    let mut policy = UsedPolicy {
        principals: [ROLE.to_owned()].into(),
        ..UsedPolicy::default()
    };
    for (service, name, [succeeded, denied, failed]) in calls {
        let CallActions::All(actions) = actions_of(&format!("{service}.amazonaws.com"), name)
        else {
            panic!("{service}:{name}");
        };
        let ends = CallEnds {
            succeeded: *succeeded,
            denied: *denied,
            failed: *failed,
        };
        for action in actions {
            let usage = ActionUse {
                ends,
                is_direct: true,
                ..ActionUse::default()
            };
            policy.uses.insert(action, usage);
        }
    }
    policy
}

#[test]
fn the_document_is_what_iam_takes() {
    let policy = policy(&[
        ("s3", "ListBuckets", [2, 0, 0]),
        ("s3", "GetObject", [1, 1, 1]),
        ("s3", "PutObject", [0, 1, 0]),
        ("ec2", "RunInstances", [1, 0, 0]),
    ]);
    let json = String::from_utf8(json(&policy).unwrap()).unwrap();
    insta::assert_snapshot!(json);
}

#[test]
fn what_the_policy_lacks_is_said() {
    let mut policy = policy(&[
        ("s3", "GetObject", [1, 1, 1]),
        ("s3", "PutObject", [0, 1, 1]),
        ("sqs", "SendMessage", [0, 1200, 0]),
        ("iam", "GetUser", [0, 0, 1]),
        ("kms", "Decrypt", [5, 0, 0]),
    ]);
    for (action, usage) in &mut policy.uses {
        if action.service() == "kms" {
            usage.is_direct = false;
            usage.services.insert("s3.amazonaws.com".to_owned());
        }
    }
    let CallActions::OneOf(actions) = actions_of("apigateway.amazonaws.com", "TagResource") else {
        panic!("two APIs have this name");
    };
    policy
        .one_of
        .insert("apigateway:TagResource".to_owned(), actions);
    let counts = |name: &str| BTreeMap::from([(name.to_owned(), 3)]);
    policy.not_asked = counts("sts:GetCallerIdentity");
    policy.not_api_calls = counts("signin:ConsoleLogin");
    policy.no_action = counts("iam:\u{1b}[2J\u{202e}*");
    policy.service_principals = counts("lambda.amazonaws.com");
    for name in ["b", "c\u{1b}[2J", "d", "e"] {
        policy
            .principals
            .insert(format!("222233334444:role/{name}"));
    }
    insta::assert_snapshot!(remarks(&policy).join("\n"));
}

#[test]
fn an_empty_policy_says_so() {
    let policy = UsedPolicy::default();
    let first = remarks(&policy).into_iter().next();
    assert!(first.unwrap().starts_with("No successful call"));
    let json: serde_json::Value = serde_json::from_slice(&json(&policy).unwrap()).unwrap();
    assert_eq!(json["Statement"], serde_json::json!([]));
}

#[test]
fn a_policy_that_is_too_long_says_so() {
    let is_long = |policy: &UsedPolicy| remarks(policy).iter().any(|it| it.contains("divide it"));
    let names: Vec<_> = (0..200)
        .map(|n| format!("DescribeSomethingLong{n}"))
        .collect();
    let calls = |count| -> Vec<_> {
        let names = names.iter().take(count);
        names
            .map(|name| ("ec2", name.as_str(), [1, 0, 0]))
            .collect()
    };
    assert!(!is_long(&policy(&calls(100))));
    assert!(is_long(&policy(&calls(200))));
}
