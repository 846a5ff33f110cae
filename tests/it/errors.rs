//! Error messages about credentials, regions and the network.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::support::aws::{Fault, Server, World};
use crate::support::{Finished, Sandbox};

const ACCOUNT: &str = "111122223333";

/// An Identity Center profile without a sign-in, and one that lacks its secret key.
const CONFIG: &str = "\
[profile sso]
sso_session = s
sso_account_id = 111122223333
sso_role_name = Audit
region = us-east-1

[sso-session s]
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
sso_registration_scopes = sso:account:access

[profile over-sso]
role_arn = arn:aws:iam::444455556666:role/audit
source_profile = sso

[profile half]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE

[profile empty]
region = us-east-1

[profile program]
credential_process = sh -c 'echo first >&2; echo second >&2; exit 3'
";

/// Runs the program with some variables, and asserts a message of one line that contains the words and no text of the
/// SDK.
#[track_caller]
fn says(sandbox: &Sandbox, env: &[(&str, &str)], args: &[&str], code: i32, words: &[&str]) {
    let ended = run(sandbox, env, args).expect(code);
    for word in words {
        assert!(ended.err.contains(word), "{word:?} is not in {}", ended.err);
    }
    for unwanted in ["dispatch failure", "\\u{a}", "0 B of 0 B", "unhandled"] {
        assert!(!ended.err.contains(unwanted), "{}", ended.err);
    }
    assert_eq!(sandbox.files("results"), [""; 0]);
}

fn run(sandbox: &Sandbox, env: &[(&str, &str)], args: &[&str]) -> Finished {
    let mut command = sandbox.trailtab();
    command
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(env.iter().copied())
        .args(args);
    sandbox.finish(command, b"")
}

#[test]
fn credentials_that_are_missing_are_told_with_what_to_do() {
    let sandbox = Sandbox::new();
    sandbox.write(".aws/config", CONFIG);
    for verb in ["activity", "usage", "cost"] {
        let none = &["no AWS credentials were found", "aws configure"];
        says(&sandbox, &[("AWS_REGION", "us-east-1")], &[verb], 1, none);
        let unknown = &["--profile", "\"nope\"", "does not exist", "half"];
        says(&sandbox, &[], &[verb, "--profile", "nope"], 1, unknown);
        let expired = &["aws sso login --profile sso"];
        says(&sandbox, &[], &[verb, "--profile", "sso"], 1, expired);
        says(&sandbox, &[], &[verb, "--profile", "half"], 1, &["half"]);
    }
}

#[test]
fn what_is_wrong_with_a_profile_is_said_in_one_line() {
    let sandbox = Sandbox::new();
    let default =
        "\n[default]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = Audit\n";
    sandbox.write(".aws/config", format!("{CONFIG}{default}"));
    let sign_in = |command: &str| {
        format!("the sign-in to IAM Identity Center has expired: run `{command}` and try again\n")
    };
    let sign_in_to_sso = sign_in("aws sso login --profile sso");
    for (profile, said) in [
        ("default", sign_in("aws sso login").as_str()),
        ("sso", &sign_in_to_sso),
        ("over-sso", &sign_in_to_sso),
        (
            "empty",
            "the profile \"empty\" has no credentials: run `aws configure sso --profile empty` or",
        ),
        ("half", "the profile \"half\" is incomplete: "),
        (
            "program",
            "the credential_process of the profile \"program\" failed: ",
        ),
    ] {
        let args = ["activity", "--profile", profile];
        says(&sandbox, &[("AWS_REGION", "us-east-1")], &args, 1, &[said]);
        let err = run(&sandbox, &[("AWS_REGION", "us-east-1")], &args).err;
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(
            err.starts_with(&format!("trailtab: {said}")) && err.len() < 300,
            "{err}"
        );
    }
}

/// All verbs report refused credentials in the same way, whichever request they make first.
#[test]
fn credentials_that_aws_refuses_are_told_with_what_to_do() {
    let sandbox = Sandbox::new();
    sandbox.write("log.json", RECORD);
    for (code, message, words) in [
        (
            "ExpiredToken",
            "The security token included in the request is expired",
            "get new ones and run again",
        ),
        (
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            "AWS does not accept the access key",
        ),
        (
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match",
            "the secret access key does not belong",
        ),
        (
            "SignatureDoesNotMatch",
            "Signature expired: 20260928T080000Z is now earlier than",
            "the clock of this machine",
        ),
    ] {
        let server = Server::start(World::new(1_790_000_000).account(ACCOUNT));
        server.fail(usize::MAX, Fault::error(403, code, message), |_| true);
        let env = server.environment(ACCOUNT);
        let env: Vec<_> = env
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        for args in [
            &["activity"][..],
            &["usage", "--publish", "--dry-run", "log.json"],
            &["cost"],
        ] {
            says(&sandbox, &env, args, 1, &[words, code]);
        }
    }
}

/// A host that refuses connections. The servers of other tests listen on 127.0.0.1, so none of them gets this port.
fn refusing_host() -> String {
    let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Otherwise the account of a container or an instance would be read instead, silently.
#[test]
fn a_profile_of_the_environment_that_does_not_exist_is_refused_before_any_request() {
    let sandbox = Sandbox::new();
    let server = Server::start(World::new(1_790_000_000).account(ACCOUNT));
    let mut env = server.container(ACCOUNT);
    env.push(("AWS_PROFILE", "nope".to_owned()));
    let env: Vec<_> = env
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let words = &["AWS_PROFILE", "\"nope\"", "does not exist"];
    says(&sandbox, &env, &["activity"], 1, words);
    assert!(server.requests().is_empty());
}

/// The SDK would take the container's credentials in these cases as well.
#[test]
fn incomplete_credentials_are_refused_before_any_request() {
    let sandbox = Sandbox::new();
    let config = "\
[profile dangling]
role_arn = arn:aws:iam::444455556666:role/audit
source_profile = nowhere

[profile over-dangling]
role_arn = arn:aws:iam::444455556666:role/audit
source_profile = dangling

[profile no-start]
sso_region = us-east-1
sso_account_id = 111122223333
sso_role_name = Audit

[profile no-role]
sso_session = s

[sso-session s]
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
";
    sandbox.write(".aws/config", config);
    let server = Server::start(World::new(1_790_000_000).account(ACCOUNT));
    let container = server.container(ACCOUNT);
    let source =
        "the profile \"dangling\" is incomplete: its source_profile \"nowhere\" does not exist";
    for (name, value, words) in [
        ("AWS_PROFILE", "dangling", source),
        ("AWS_PROFILE", "over-dangling", source),
        ("AWS_PROFILE", "no-start", "it has no sso_start_url"),
        ("AWS_PROFILE", "no-role", "it has no sso_account_id"),
        (
            "AWS_ACCESS_KEY_ID",
            "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY is not",
        ),
    ] {
        let mut env: Vec<_> = container
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        env.push((name, value));
        says(
            &sandbox,
            &env,
            &["activity", "--region", "us-east-1"],
            1,
            &[words],
        );
        assert!(server.requests().is_empty(), "{value}");
    }
    // With keys in the environment, the profile provides no credentials.
    let mut env = server.environment(ACCOUNT);
    env.push(("AWS_PROFILE", "dangling".to_owned()));
    let env: Vec<_> = env
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    run(&sandbox, &env, &["activity", "--region", "us-east-1"]).expect(0);
}

#[test]
fn a_role_that_is_denied_is_told_with_what_it_needs_once() {
    let sandbox = Sandbox::new();
    let server = Server::start(World::new(1_790_000_000).account(ACCOUNT));
    let message = "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/audit";
    let denied = Fault::error(403, "AccessDenied", message);
    server.fail(usize::MAX, denied, |_| true);
    let env = server.environment(ACCOUNT);
    let env: Vec<_> = env
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let role = ["activity", "--role", "arn:aws:iam::444455556666:role/audit"];
    let ended = run(&sandbox, &env, &role).expect(1);
    let expected = format!(
        "trailtab: cannot assume arn:aws:iam::444455556666:role/audit: AccessDenied: {message} (the caller needs \
         sts:AssumeRole on the role, and the role's trust policy must name the caller)\n"
    );
    assert_eq!(ended.err, expected);
}

/// A host that closes each connection in the middle of the TLS handshake: its address, and the number
/// of connections so far.
fn listener_that_hangs_up() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            // It is closed in the middle of the handshake.
            let _ = stream.unwrap().read(&mut [0; 4096]);
        }
    });
    (host, connections)
}

/// A local credentials server, as in CloudShell and aws-vault, does not count as a network answer.
#[test]
fn a_local_server_of_credentials_does_not_count_as_an_answer() {
    let sandbox = Sandbox::new();
    let credentials = Server::start(World::new(1_790_000_000).account(ACCOUNT));
    let (host, connections) = listener_that_hangs_up();
    let endpoint = format!("https://{host}");
    let mut env = credentials.container(ACCOUNT);
    env.retain(|(name, _)| *name != "AWS_ENDPOINT_URL");
    env.push(("AWS_ENDPOINT_URL", endpoint));
    let env: Vec<_> = env
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    for args in [
        &["activity", "--region", "us-east-1"][..],
        &["activity", "s3://my-trail-bucket"],
    ] {
        connections.store(0, Ordering::SeqCst);
        says(&sandbox, &env, args, 1, &["cannot reach", &host]);
        let attempts = connections.load(Ordering::SeqCst);
        assert!((1..=3).contains(&attempts), "{args:?}: {attempts}");
    }
    assert!(!credentials.requests().is_empty());
}

#[test]
fn regions_that_do_not_exist_are_refused_with_the_nearest() {
    let sandbox = Sandbox::new();
    let meant = &["AWS_REGION", "\"us-est-1\"", "did you mean us-east-1?"];
    says(
        &sandbox,
        &[("AWS_REGION", "us-est-1")],
        &["activity"],
        1,
        meant,
    );
    let capitals = &["\"US-EAST-1\"", "did you mean us-east-1?"];
    says(
        &sandbox,
        &[("AWS_REGION", "US-EAST-1")],
        &["activity"],
        1,
        capitals,
    );
    let region = ["activity", "--region", "eu-centrl-1"];
    let meant = &["--region eu-centrl-1", "did you mean eu-central-1?"];
    says(&sandbox, &[("AWS_REGION", "us-east-1")], &region, 2, meant);
    sandbox.write(".aws/config", "[profile dev]\nregion = eu-west1\n");
    let meant = &[
        "the profile \"dev\" names the region \"eu-west1\"",
        "did you mean",
    ];
    says(&sandbox, &[], &["cost", "--profile", "dev"], 1, meant);
    // Where the hosts are configured, names do not become hosts.
    let env = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_REGION", "moon-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    let region = ["activity", "--region", "moon-east-1"];
    says(&sandbox, &env, &region, 1, &["cannot reach 127.0.0.1:9"]);
}

#[test]
fn a_host_that_cannot_be_reached_is_named_by_all_verbs() {
    let sandbox = Sandbox::new();
    let host = refusing_host();
    sandbox.write(
        "config.json",
        r#"{"managers": {"ann@example.com": ["Production"]}}"#,
    );
    sandbox.write("log.json", RECORD);
    let endpoint = format!("http://{host}");
    let env = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    let verbs: [&[&str]; 6] = [
        &["activity"],
        &["activity", "--organization"],
        &["activity", "s3://my-trail-bucket"],
        &["usage", "--publish", "--dry-run", "log.json"],
        &["cost"],
        &["cost", "check", "--config", "config.json"],
    ];
    let words = ["cannot reach", &host, "connection refused"];
    for args in verbs {
        says(&sandbox, &env, args, 1, &words);
    }
}

/// Requests whose packets are dropped or that are never answered fail as well.
#[test]
fn attempts_to_connect_are_few_until_anything_has_answered() {
    let sandbox = Sandbox::new();
    let (host, connections) = listener_that_hangs_up();
    let endpoint = format!("https://{host}");
    let env = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    // Listing the regions asks two services besides the first request.
    for (args, most) in [
        (&["activity", "--region", "us-east-1"][..], 3),
        (&["activity"], 7),
        (&["activity", "s3://my-trail-bucket"], 3),
        (&["cost"], 3),
    ] {
        connections.store(0, Ordering::SeqCst);
        says(&sandbox, &env, args, 1, &["cannot reach", &host]);
        let attempts = connections.load(Ordering::SeqCst);
        assert!((1..=most).contains(&attempts), "{args:?}: {attempts}");
    }
}

#[test]
fn the_proxy_is_named_without_its_password() {
    let sandbox = Sandbox::new();
    let proxy = refusing_host();
    let address = format!("http://ann:hunter2@{proxy}");
    let env = [
        ("HTTPS_PROXY", address.as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    let args = ["activity", "--region", "us-east-1"];
    let through = format!("sts.us-east-1.amazonaws.com through the proxy http://{proxy}");
    says(&sandbox, &env, &args, 1, &["cannot reach", &through]);
    let err = run(&sandbox, &env, &args).err;
    assert!(!err.contains("hunter2"), "{err}");
}

const RECORD: &str = r#"{"Records": [{"eventVersion": "1.08", "eventTime": "2026-09-07T08:00:00Z",
    "eventSource": "ec2.amazonaws.com", "eventName": "RunInstances", "awsRegion": "eu-west-1",
    "recipientAccountId": "111122223333", "eventID": "00000000-0000-4000-8000-000000000001"}]}"#;

#[test]
fn faults_in_settings_are_shown_as_their_parser_lays_them_out() {
    let sandbox = Sandbox::new();
    sandbox.write("trailtab.toml", "[mail]\nfrom = costs@example.com\n");
    let ended = run(
        &sandbox,
        &[],
        &["cost", "check", "--config", "trailtab.toml"],
    );
    assert_ne!(ended.code, Some(0));
    assert!(!ended.err.contains("\\u{a}"), "{}", ended.err);
    assert!(
        ended
            .err
            .lines()
            .any(|line| line.contains("2 | from = costs@example.com")),
        "{}",
        ended.err
    );
}
