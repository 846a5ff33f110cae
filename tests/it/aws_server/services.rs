//! Credentials, and the services around LookupEvents.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::{ANN, NOW, fast, key, lookup_in, query, send};
use crate::support::Sandbox;
use crate::support::aws::{Key, OptIn, Region, Request, SECRET, Server, World};

#[test]
fn keys_end_and_regions_are_closed() {
    let world = World::new(NOW).region(ANN, "us-east-1", fast());
    let world = world.region(ANN, "me-south-1", fast().opt_in(OptIn::Disabled));
    let server = Server::start(world);
    let code = |key: &Key, region: &str| {
        let (status, body) = lookup_in(&server, key, region, &json!({}));
        assert_eq!(status, 400);
        body["__type"].as_str().unwrap().to_owned()
    };
    let unrecognized = "UnrecognizedClientException";
    assert_eq!(code(&key(&server), "me-south-1"), unrecognized);
    assert_eq!(code(&key(&server), "mars-1"), unrecognized);
    let ended = server.issue(ANN, 0.0);
    assert_eq!(code(&ended, "us-east-1"), "ExpiredTokenException");
    let mut other = key(&server);
    other.session_token = None;
    assert_eq!(code(&other, "us-east-1"), unrecognized);
    let (status, body) = query(&server, &ended, "sts", "Action=GetCallerIdentity");
    assert_eq!(status, 403);
    assert!(body.contains("<Code>ExpiredToken</Code>"), "{body}");
    let target = ("X-Amz-Target", "CloudTrail_20131101.LookupEvents");
    let answer = send(&server, "POST / HTTP/1.1", &[target], "{}").unwrap();
    assert_eq!(
        answer.header("x-amzn-errortype"),
        Some("MissingAuthenticationTokenException")
    );
    let violations = server.violations();
    assert_eq!(violations.len(), 2, "{violations:?}");
}

#[test]
fn containers_get_keys() {
    let server = Server::start(World::new(NOW).account(ANN).lifetime(900.0, 0.0));
    let variables = server.container(ANN);
    let (_, uri) = variables.last().unwrap();
    let path = uri.strip_prefix(&server.url()).unwrap();
    let answer = send(&server, &format!("GET {path} HTTP/1.1"), &[], "").unwrap();
    let given: Value = serde_json::from_slice(&answer.body).unwrap();
    let text = |name: &str| given[name].as_str().unwrap().to_owned();
    assert_eq!(
        (text("AccountId"), text("SecretAccessKey")),
        (ANN.to_owned(), SECRET.to_owned())
    );
    let key = Key {
        access_key: text("AccessKeyId"),
        session_token: Some(text("Token")),
        ..key(&server)
    };
    let (_, body) = lookup_in(&server, &key, "us-east-1", &json!({}));
    assert_eq!(
        body["__type"], "ExpiredTokenException",
        "sooner than it says"
    );
}

#[test]
fn roles_are_assumed_where_there_are_any() {
    let world = World::new(NOW)
        .account(ANN)
        .role("012345678901", "path/audit");
    let server = Server::start(world);
    let assume = |role: &str| {
        let form = format!("Action=AssumeRole&RoleSessionName=me&RoleArn={role}");
        query(&server, &key(&server), "sts", &form)
    };
    let (status, body) = assume("arn%3Aaws%3Aiam%3A%3A012345678901%3Arole%2Fpath%2Faudit");
    assert_eq!(status, 200, "{body}");
    let between = |from: &str, to: &str| {
        let (_, rest) = body.split_once(from).unwrap();
        rest.split_once(to).unwrap().0.to_owned()
    };
    let key = Key {
        access_key: between("<AccessKeyId>", "<"),
        session_token: Some(between("<SessionToken>", "<")),
        ..key(&server)
    };
    let (_, body) = query(&server, &key, "sts", "Action=GetCallerIdentity");
    assert!(
        body.contains("arn:aws:sts::012345678901:assumed-role/audit/me"),
        "{body}"
    );
    let (status, body) = assume("arn:aws:iam::012345678901:role/admin");
    assert_eq!(status, 403);
    assert!(body.contains("<Code>AccessDenied</Code>"), "{body}");
}

#[test]
fn ec2_lists_the_regions_that_are_enabled() {
    let world = World::new(NOW).account(ANN);
    let world = world.region(ANN, "af-south-1", Region::new().opt_in(OptIn::Enabled));
    let world = world.region(ANN, "me-south-1", Region::new().opt_in(OptIn::Disabled));
    let server = Server::start(world.deny("012345678901", "ec2:DescribeRegions"));
    let key = key(&server);
    let (_, body) = query(
        &server,
        &key,
        "ec2",
        "Action=DescribeRegions&Version=2016-11-15",
    );
    let item = |name: &str, status: &str| {
        format!(
            "<item><regionName>{name}</regionName>\
             <regionEndpoint>ec2.{name}.amazonaws.com</regionEndpoint>\
             <optInStatus>{status}</optInStatus></item>"
        )
    };
    assert!(
        body.contains(&item("us-east-1", "opt-in-not-required")),
        "{body}"
    );
    assert!(body.contains(&item("af-south-1", "opted-in")));
    assert!(!body.contains("me-south-1"));
    let (_, body) = query(
        &server,
        &key,
        "ec2",
        "Action=DescribeRegions&AllRegions=true",
    );
    assert!(body.contains(&item("me-south-1", "not-opted-in")));
    let other = server.issue("012345678901", 60.0);
    let (status, body) = query(&server, &other, "ec2", "Action=DescribeRegions");
    assert_eq!(status, 403);
    assert!(body.starts_with("<?xml") && body.contains("<Code>UnauthorizedOperation</Code>"));
}

#[test]
fn programs_find_their_way_here() {
    let server = Server::start(World::new(NOW).account(ANN));
    for variables in [server.environment(ANN), server.container(ANN)] {
        let sandbox = Sandbox::new();
        let mut command = sandbox.trailtab();
        command.envs(variables).args(["activity", "s3://bucket/"]);
        sandbox.finish(command, b"");
        let last = server.requests().pop().unwrap().request;
        assert_eq!(
            (last.account.as_str(), last.region.as_str()),
            (ANN, "us-east-1")
        );
        assert!(
            last.user_agent.contains("app/trailtab"),
            "{}",
            last.user_agent
        );
    }
    let requests = server.requests();
    let of = |request: &Request| request.action == "container:GetCredentials";
    assert_eq!(
        requests.iter().filter(|entry| of(&entry.request)).count(),
        1
    );
    let keys: BTreeSet<_> = requests
        .iter()
        .map(|entry| &entry.request.access_key[..])
        .collect();
    assert_eq!(
        keys.len(),
        3,
        "none, one that never ends, and one that does: {keys:?}"
    );
}
