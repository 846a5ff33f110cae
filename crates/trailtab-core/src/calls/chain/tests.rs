//! Tests of chains of credentials.

use proptest::prelude::*;

use super::*;
use crate::event::counter::EventCounter as _;
use crate::event::dedupe::SeenIds;
use crate::event::envelope::EnvelopeReader;
use crate::event::filter::TextPattern;
use crate::event::ingest::{EventIngest, IngestRules};

const ACCOUNT: &str = "111122223333";

/// The identity of a role session.
fn session(role: &str, name: &str, key: &str, created: &str) -> String {
    format!(
        r#"{{"type":"AssumedRole","principalId":"AROA0000:{name}","arn":"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}","accountId":"{ACCOUNT}",
            "accessKeyId":"{key}","sessionContext":{{"sessionIssuer":{{"type":"Role","arn":"arn:aws:iam::{ACCOUNT}:role/{role}","accountId":"{ACCOUNT}","userName":"{role}"}},
            "attributes":{{"creationDate":"{created}"}}}}}}"#
    )
}

fn user(name: &str, key: &str) -> String {
    format!(
        r#"{{"type":"IAMUser","arn":"arn:aws:iam::{ACCOUNT}:user/{name}","accountId":"{ACCOUNT}","userName":"{name}","accessKeyId":"{key}"}}"#
    )
}

fn record(id: &str, minute: u32, identity: &str, api: &str, rest: &str) -> String {
    let source = match api {
        "CreateUser" | "CreateAccessKey" | "CreateLoginProfile" => "iam",
        "ConsoleLogin" | "SwitchRole" => "signin",
        "RunInstances" => "ec2",
        _ => "sts",
    };
    format!(
        r#"{{"eventVersion":"1.08","eventID":"{id}","eventTime":"2026-09-07T08:{minute:02}:00Z","eventSource":"{source}.amazonaws.com","eventName":"{api}",
            "recipientAccountId":"{ACCOUNT}","sourceIPAddress":"192.0.2.7","userIdentity":{identity}{rest}}}"#
    )
}

fn assumed(role: &str, name: &str, key: &str) -> String {
    format!(
        r#","responseElements":{{"credentials":{{"accessKeyId":"{key}"}},"assumedRoleUser":{{"arn":"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"}}}}"#
    )
}

/// A person at the identity provider, who assumes a role by which a build deploys.
fn chain() -> Vec<String> {
    let ann = session(
        "AWSReservedSSO_Admin_0f",
        "ann@example.com",
        "ASIA0000000000000ANN",
        "2026-09-07T08:00:00Z",
    );
    let build = session(
        "build",
        "job-7",
        "ASIA00000000000BUILD",
        "2026-09-07T08:02:00Z",
    );
    let deploy = session(
        "deploy",
        "job-7",
        "ASIA0000000000DEPLOY",
        "2026-09-07T08:03:00Z",
    );
    vec![
        record("e-1", 1, &ann, "GetCallerIdentity", ""),
        record(
            "e-2",
            2,
            &ann,
            "AssumeRole",
            &assumed("build", "job-7", "ASIA00000000000BUILD"),
        ),
        record(
            "e-3",
            3,
            &build,
            "AssumeRole",
            &assumed("deploy", "job-7", "ASIA0000000000DEPLOY"),
        ),
        record("e-4", 4, &deploy, "DescribeInstances", ""),
        record(
            "e-5",
            5,
            &deploy,
            "StopInstances",
            r#","errorCode":"AccessDenied""#,
        ),
    ]
}

fn followed(parts: &[&[String]], wanted: &str) -> CredentialForest {
    let (rules, seen) = (IngestRules::default(), SeenIds::default());
    let mut log = CredentialLog::default();
    for part in parts {
        let empty = CredentialLog::default();
        let mut intake = EventIngest::new(&rules, &empty, &seen, None);
        EnvelopeReader::default().feed(part.join("\n").as_bytes(), true, &mut intake);
        for one in intake.finish().tallies.values() {
            log.merge(one);
        }
    }
    CredentialForest::follow(&log, &TextPattern::new(wanted))
}

/// The chains as text: a line for each of the credentials, indented by its place, `*` before a match.
fn told(records: &[String], wanted: &str) -> Vec<String> {
    fn tell(node: &CredentialNode, depth: usize, lines: &mut Vec<String>) {
        let mark = if node.is_match { "*" } else { "" };
        let name = node.session.as_ref().or(node.access_key_id.as_ref());
        let name = name.unwrap_or(&node.principal);
        let how = node.link.as_ref().map_or_else(
            || format!("{:?}", node.origin.unwrap()),
            |link| format!("{} {:?}", link.call, link.evidence),
        );
        let (indent, calls) = (" ".repeat(depth), node.calls);
        lines.push(format!("{indent}{mark}{name} {calls} {how}"));
        node.obtained
            .iter()
            .for_each(|child| tell(child, depth + 1, lines));
    }
    let mut lines = Vec::new();
    let forest = followed(&[records], wanted);
    forest
        .chains
        .iter()
        .for_each(|root| tell(root, 0, &mut lines));
    lines
}

#[test]
fn a_key_is_followed_back_to_the_person() {
    let expected = [
        "ann@example.com 2 Person",
        " job-7 1 sts:AssumeRole AccessKey",
        "  *job-7 2 sts:AssumeRole AccessKey",
    ];
    assert_eq!(told(&chain(), "ASIA0000000000DEPLOY"), expected);
}

#[test]
fn a_person_is_followed_forward_to_all_that_they_obtained() {
    let expected = [
        "*ann@example.com 2 Person",
        " job-7 1 sts:AssumeRole AccessKey",
        "  job-7 2 sts:AssumeRole AccessKey",
    ];
    assert_eq!(told(&chain(), "ann@*"), expected);
    let both = told(&chain(), "job-7");
    assert_eq!(
        both.iter()
            .filter(|line| line.trim_start().starts_with('*'))
            .count(),
        2
    );
}

#[test]
fn what_was_not_asked_for_is_not_shown() {
    let mut records = chain();
    let ann = session(
        "AWSReservedSSO_Admin_0f",
        "ann@example.com",
        "ASIA0000000000000ANN",
        "2026-09-07T08:00:00Z",
    );
    records.push(record(
        "e-9",
        6,
        &ann,
        "AssumeRole",
        &assumed("audit", "other", "ASIA0000000000AUDIT0"),
    ));
    let lines = told(&records, "ASIA0000000000DEPLOY");
    assert!(
        !lines.iter().any(|line| line.contains("other")),
        "{lines:?}"
    );
    assert!(
        told(&records, "ann@*")
            .iter()
            .any(|line| line.contains("other"))
    );
    assert!(told(&records, "bob").is_empty());
}

#[test]
fn a_session_whose_answer_has_no_key_is_found_by_its_name_and_time() {
    let hidden = r#","responseElements":{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/build/job-7"}}"#;
    let ann = user("ann", "AKIA0000000000000ANN");
    let of = |created| session("build", "job-7", "ASIA00000000000BUILD", created);
    let told_with = |created| {
        let records = [
            record("e-1", 2, &ann, "AssumeRole", hidden),
            record("e-2", 3, &of(created), "DescribeInstances", ""),
        ];
        told(&records, "ASIA*")
    };
    assert_eq!(
        told_with("2026-09-07T08:02:00Z"),
        [
            "AKIA0000000000000ANN 1 IamUser",
            " *job-7 1 sts:AssumeRole SessionName"
        ]
    );
    // Another session of the same name.
    assert_eq!(told_with("2026-09-07T07:02:00Z"), ["*job-7 1 NotRead"]);
}

#[test]
fn users_that_an_intruder_makes_are_part_of_the_story() {
    let leaked = user("backup", "AKIA00000000000LEAKED");
    let rogue = user("sync", "AKIA000000000000ROGUE");
    let console = r#"{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/sync","accountId":"111122223333","userName":"sync","accessKeyId":""}"#;
    let in_console = r#"{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/sync","accountId":"111122223333","userName":"sync","accessKeyId":"ASIA00000000CONSOLE0",
        "sessionContext":{"attributes":{"creationDate":"2026-09-07T08:20:00Z"}}}"#;
    let records = [
        record(
            "e-1",
            1,
            &leaked,
            "CreateUser",
            r#","requestParameters":{"userName":"sync"}"#,
        ),
        record(
            "e-2",
            2,
            &leaked,
            "CreateAccessKey",
            r#","requestParameters":{"userName":"sync"},"responseElements":{"accessKey":{"accessKeyId":"AKIA000000000000ROGUE","userName":"sync"}}"#,
        ),
        record(
            "e-3",
            3,
            &leaked,
            "CreateLoginProfile",
            r#","requestParameters":{"userName":"sync"}"#,
        ),
        record("e-4", 4, &rogue, "GetCallerIdentity", ""),
        record(
            "e-5",
            20,
            console,
            "ConsoleLogin",
            r#","responseElements":{"ConsoleLogin":"Success"}"#,
        ),
        record("e-6", 21, in_console, "DescribeInstances", ""),
    ];
    assert_eq!(
        told(&records, "AKIA00000000000LEAKED"),
        [
            "*AKIA00000000000LEAKED 3 IamUser",
            " 111122223333:user/sync 1 iam:CreateUser User",
            "  ASIA00000000CONSOLE0 1 signin:ConsoleLogin SignIn",
            " AKIA000000000000ROGUE 1 iam:CreateAccessKey AccessKey",
        ]
    );
}

#[test]
fn the_session_of_an_instance_leads_to_who_started_it() {
    let ann = user("ann", "AKIA0000000000000ANN");
    let started = r#","requestParameters":{"iamInstanceProfile":{"name":"web"}},"responseElements":{"instancesSet":{"items":[{"instanceId":"i-0abc"}]}}"#;
    let instance = session(
        "web",
        "i-0abc",
        "ASIA0000000000000WEB",
        "2026-09-07T08:05:00Z",
    );
    let records = [
        record("e-1", 1, &ann, "RunInstances", started),
        record("e-2", 6, &instance, "DescribeInstances", ""),
    ];
    assert_eq!(
        told(&records, "i-0abc"),
        [
            "AKIA0000000000000ANN 1 IamUser",
            " *i-0abc 1 ec2:RunInstances InstanceName"
        ]
    );
}

#[test]
fn credentials_that_ec2_obtains_lead_to_who_started_the_instance() {
    let ann = user("ann", "AKIA0000000000000ANN");
    let started = r#","requestParameters":{"iamInstanceProfile":{"name":"web"}},"responseElements":{"instancesSet":{"items":[{"instanceId":"i-0abc"}]}}"#;
    let service = r#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#;
    let instance = session(
        "web",
        "i-0abc",
        "ASIA0000000000000WEB",
        "2026-09-07T08:05:00Z",
    );
    let mut records = vec![
        record(
            "e-2",
            5,
            service,
            "AssumeRole",
            &assumed("web", "i-0abc", "ASIA0000000000000WEB"),
        ),
        record("e-3", 6, &instance, "DescribeInstances", ""),
    ];
    assert_eq!(
        told(&records, "i-0abc"),
        [
            "ec2.amazonaws.com 1 Service",
            " *i-0abc 1 sts:AssumeRole AccessKey"
        ]
    );
    records.push(record("e-1", 1, &ann, "RunInstances", started));
    assert_eq!(
        told(&records, "i-0abc"),
        [
            "AKIA0000000000000ANN 1 IamUser",
            " *i-0abc 1 ec2:RunInstances InstanceName"
        ]
    );
}

#[test]
fn a_federated_session_leads_to_the_person_whom_the_provider_names() {
    let saml = r#"{"type":"SAMLUser","principalId":"abc=:petra@example.com","userName":"petra@example.com","identityProvider":"abc="}"#;
    let used = session(
        "operator",
        "petra",
        "ASIA00000000000PETRA",
        "2026-09-07T08:02:00Z",
    );
    let records = [
        record(
            "e-1",
            2,
            saml,
            "AssumeRoleWithSAML",
            &assumed("operator", "petra", "ASIA00000000000PETRA"),
        ),
        record("e-2", 3, &used, "DescribeInstances", ""),
    ];
    let lines = told(&records, "ASIA00000000000PETRA");
    assert!(lines[0].ends_with(" 1 Person"), "{lines:?}");
    assert_eq!(lines[1], " *petra 1 sts:AssumeRoleWithSAML AccessKey");
    assert_eq!(told(&records, "petra@example.com").len(), 2);
}

#[test]
fn forged_cycles_end() {
    let of = |key: &str, other: &str, id: &str| {
        let caller = session("a", "s", key, "2026-09-07T08:00:00Z");
        record(id, 1, &caller, "AssumeRole", &assumed("a", "s", other))
    };
    let one = "ASIA000000000000000A";
    let two = "ASIA000000000000000B";
    let records = [
        of(one, two, "e-1"),
        of(two, one, "e-2"),
        of(one, one, "e-3"),
    ];
    assert!(!told(&records, "ASIA*").is_empty());
}

proptest! {
    /// The order of records and their split over threads change nothing.
    #[test]
    fn an_issuing_record_may_come_later(order in Just(chain()).prop_shuffle(), cut in 0..6_usize) {
        let (one, two) = order.split_at(cut.min(order.len()));
        for wanted in ["ASIA0000000000DEPLOY", "ann@*", "job-7"] {
            prop_assert_eq!(followed(&[one, two], wanted), followed(&[&chain()], wanted));
        }
    }
}
