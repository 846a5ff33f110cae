//! `trailtab activity --format iam-policy`: the policy of what was used.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use trailtab_core::activity::policy::{CallActions, IamAction, actions_of};
use trailtab_core::event::filter::without_version;

use crate::real_data::{data, folder, is_skipped};
use crate::support::Sandbox;
use crate::support::envelopes::plain;

/// The actions that another project lists for the APIs of AWS, by service and API, both without case and marks.
struct OtherMap {
    actions: BTreeMap<(String, String), BTreeSet<String>>,
    /// The services of the map by the names that event sources have.
    services: BTreeMap<String, BTreeSet<String>>,
    without_permission: BTreeSet<(String, String)>,
}

fn squashed(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// Splits `S3.GetObject`.
fn api_of(method: &str) -> (String, String) {
    let (service, api) = method.split_once('.').unwrap();
    (squashed(service), squashed(api))
}

impl OtherMap {
    fn read() -> OtherMap {
        let maps = folder("maps");
        let read = |name: &str| -> Value {
            serde_json::from_slice(&plain(fs::read(maps.join(name)).unwrap())).unwrap()
        };
        let map = read("iam_dataset_map.json.gz");
        let mut actions: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for (method, needed) in map["sdk_method_iam_mappings"].as_object().unwrap() {
            let needed = needed.as_array().unwrap().iter();
            let needed = needed.map(|it| it["action"].as_str().unwrap().to_ascii_lowercase());
            actions.entry(api_of(method)).or_default().extend(needed);
        }
        let mut services: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for names in read("botocore_service_names.json")
            .as_object()
            .unwrap()
            .values()
        {
            for member in ["endpointPrefix", "signingName"] {
                if let Some(source) = names[member].as_str() {
                    let id = squashed(names["serviceId"].as_str().unwrap());
                    services.entry(source.to_owned()).or_default().insert(id);
                }
            }
        }
        // Some event sources have neither of these names, but the prefix of IAM.
        for (name, prefix) in map["sdk_service_mappings"].as_object().unwrap() {
            let ids = services.entry(prefix.as_str().unwrap().to_owned());
            ids.or_default().insert(squashed(name));
        }
        let without = map["sdk_permissionless_actions"].as_array().unwrap();
        OtherMap {
            actions,
            services,
            without_permission: without
                .iter()
                .map(|it| api_of(it.as_str().unwrap()))
                .collect(),
        }
    }

    /// The actions of an API; None if the map does not have it. `prefixes` are names of its service.
    fn actions(&self, prefixes: &[&str], api: &str) -> Option<BTreeSet<String>> {
        let services = prefixes.iter().filter_map(|it| self.services.get(*it));
        let keys = services.flatten().map(|id| (id.clone(), squashed(api)));
        let keys: BTreeSet<_> = keys.collect();
        if keys.iter().any(|key| self.without_permission.contains(key)) {
            return Some(BTreeSet::new());
        }
        let known: Vec<_> = (keys.iter())
            .filter_map(|key| self.actions.get(key))
            .collect();
        let all = || known.iter().copied().flatten().cloned().collect();
        (!known.is_empty()).then(all)
    }
}

/// The APIs in the public logs and in those of the demo, as pairs of eventSource and eventName.
fn apis_seen(sandbox: &Sandbox) -> BTreeSet<(String, String)> {
    sandbox
        .run(["demo", "-q", "--events", "20000", "--output", "logs"])
        .expect(0);
    let data = data();
    let words = [
        "activity",
        "-q",
        "--no-output",
        "--format",
        "json",
        "logs",
        data.to_str().unwrap(),
    ];
    let finished = sandbox.run(words);
    let summary: Value = serde_json::from_str(&finished.out).unwrap();
    let regions = summary["api_calls_by_region"].as_object().unwrap();
    let names = regions
        .values()
        .flat_map(|apis| apis.as_object().unwrap().keys());
    names
        .filter_map(|api| api.split_once(':'))
        .map(|(source, name)| (source.to_owned(), name.to_owned()))
        .collect()
}

/// The map also lists actions that a call needs besides its own, such as iam:PassRole, so it may have more.
#[test]
fn actions_of_real_calls_are_those_of_another_map() {
    if is_skipped() {
        return;
    }
    let map = OtherMap::read();
    let (mut compared, mut different, mut unknown) = (0, Vec::new(), Vec::new());
    for (source, name) in apis_seen(&Sandbox::new()) {
        let service = source.split(".amazonaws.com").next().unwrap();
        let api = format!("{service}:{}", without_version(&name));
        let (actions, must_all) = match actions_of(&source, &name) {
            CallActions::All(actions) => (actions, true),
            CallActions::OneOf(actions) => (actions, false),
            CallActions::NotAsked => (vec![], true),
            CallActions::NoAction => panic!("{api}"),
        };
        let mut prefixes = vec![service];
        prefixes.extend(actions.iter().map(IamAction::service));
        let ours: Vec<_> = actions.iter().map(ToString::to_string).collect();
        let told = || match ours.len() {
            0 => format!("{api}: none"),
            _ => format!("{api}: {}", ours.join(", ")),
        };
        let Some(theirs) = map.actions(&prefixes, without_version(&name)) else {
            unknown.push(told());
            continue;
        };
        compared += 1;
        let is_theirs = |action: &String| theirs.contains(&action.to_ascii_lowercase());
        let agree = match must_all {
            true => ours.iter().all(is_theirs) && ours.is_empty() == theirs.is_empty(),
            false => ours.iter().any(is_theirs),
        };
        if !agree {
            different.push(told());
        }
    }
    assert!(compared > 600, "{compared}");
    let (different, unknown) = (different.join("\n"), unknown.join("\n"));
    insta::assert_snapshot!(format!(
        "Different in the other map:\n{different}\n\nNot in the other map:\n{unknown}"
    ));
}

/// A call of a role.
fn call(role: &str, service: &str, name: &str, code: Option<&str>) -> Value {
    json!({
        "eventVersion": "1.11", "eventTime": "2026-09-07T08:00:00Z", "eventType": "AwsApiCall",
        "eventSource": format!("{service}.amazonaws.com"), "eventName": name, "errorCode": code,
        "awsRegion": "eu-central-1", "recipientAccountId": "111122223333",
        "userIdentity": {
            "type": "AssumedRole", "accountId": "111122223333",
            "arn": format!("arn:aws:sts::111122223333:assumed-role/{role}/session"),
        },
    })
}

fn log(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

#[test]
fn the_policy_of_a_role_is_printed_and_the_summary_written() {
    let sandbox = Sandbox::new();
    let records = [
        call("shop", "s3", "ListBuckets", None),
        call("shop", "lambda", "Invoke", None),
        call("shop", "sqs", "SendMessage", Some("AccessDenied")),
        call("ci", "iam", "CreateUser", None),
    ];
    sandbox.write("log.json", log(&records));
    let words = "activity log.json --format iam-policy --principal *:role/shop";
    let finished = sandbox.run(words.split(' ')).expect(0);
    let policy: Value = serde_json::from_str(&finished.out).unwrap();
    let statement = |action: &str| json!({"Effect": "Allow", "Action": [action], "Resource": "*"});
    let statements = [
        statement("lambda:InvokeFunction"),
        statement("s3:ListAllMyBuckets"),
    ];
    assert_eq!(
        policy,
        json!({"Version": "2012-10-17", "Statement": statements})
    );
    assert!(
        finished.err.contains("refused the calls: sqs:SendMessage"),
        "{}",
        finished.err
    );
    assert!(!finished.err.contains("principals"), "{}", finished.err);
    assert_eq!(sandbox.files("results").len(), 1);

    // The order of records changes nothing, and quiet leaves the policy alone.
    let reversed: Vec<_> = records.iter().rev().cloned().collect();
    sandbox.write("log.json", log(&reversed));
    let quiet = sandbox.run(words.split(' ').chain(["-q"])).expect(0);
    assert_eq!((quiet.out, quiet.err), (finished.out, String::new()));
}

#[test]
fn a_policy_of_incomplete_records_says_so() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "logs/one.json",
        log(&[call("shop", "s3", "ListBuckets", None)]),
    );
    sandbox.write(
        "logs/two.json",
        log(&[call("ci", "s3", "ListBuckets", None)]),
    );
    sandbox.write("logs/broken.json", r#"{"Records": ["#);
    let words = "activity logs --no-output --format iam-policy";
    let finished = sandbox.run(words.split(' ')).expect(3);
    assert!(
        finished.out.contains("s3:ListAllMyBuckets"),
        "{}",
        finished.out
    );
    for part in [
        "the actions of 2 principals: 111122223333:role/ci, 111122223333:role/shop",
        "The policy lacks the actions of calls that could not be read.",
        "incomplete: logs/broken.json",
    ] {
        assert!(finished.err.contains(part), "{part}\n{}", finished.err);
    }
}

#[test]
fn a_policy_of_nothing_says_why() {
    let sandbox = Sandbox::new();
    sandbox.write("log.json", log(&[call("shop", "s3", "ListBuckets", None)]));
    let words = "activity log.json --no-output --format iam-policy --principal *:role/stop";
    let finished = sandbox.run(words.split(' ')).expect(0);
    assert!(
        finished.out.contains("\"Statement\": []"),
        "{}",
        finished.out
    );
    for part in ["No event matched.", "the policy has no statement"] {
        assert!(finished.err.contains(part), "{part}\n{}", finished.err);
    }
}
