//! TLS: which certificates are trusted, and how its library was built.

use std::fs;

use crate::support::webhook::WebhookServer;
use crate::support::{Sandbox, lambda};

/// Amazon Root CA 3.
const AMAZON_AUTHORITY: &str = "-----BEGIN CERTIFICATE-----
MIIBtjCCAVugAwIBAgITBmyf1XSXNmY/Owua2eiedgPySjAKBggqhkjOPQQDAjA5
MQswCQYDVQQGEwJVUzEPMA0GA1UEChMGQW1hem9uMRkwFwYDVQQDExBBbWF6b24g
Um9vdCBDQSAzMB4XDTE1MDUyNjAwMDAwMFoXDTQwMDUyNjAwMDAwMFowOTELMAkG
A1UEBhMCVVMxDzANBgNVBAoTBkFtYXpvbjEZMBcGA1UEAxMQQW1hem9uIFJvb3Qg
Q0EgMzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCmXp8ZBf8ANm+gBG1bG8lKl
ui2yEujSLtf6ycXYqm0fc4E7O5hrOXwzpcVOho6AF2hiRVd9RFgdszflZwjrZt6j
QjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgGGMB0GA1UdDgQWBBSr
ttvXBp43rDCGB5Fwx5zEGbF4wDAKBggqhkjOPQQDAgNJADBGAiEA4IWSoxe3jfkr
BqWTrBqYaGFy+uGh0PsceGCmQ5nFuMQCIQCcAu/xlJyzlvnrxir4tiz+OpAUFteM
YyRIHN8wfdVoOw==
-----END CERTIFICATE-----
";

/// Asks a server in place of Cost Explorer and returns what the server received.
fn ask(server: &WebhookServer, trusted: &str) -> Vec<String> {
    let sandbox = Sandbox::new();
    let bundle = sandbox.write("bundle.pem", trusted);
    let mut command = sandbox.trailtab();
    command.args(["cost", "--format", "json"]).envs([
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", &server.url("slack/aws")),
    ]);
    command.env("SSL_CERT_FILE", bundle);
    sandbox.finish(command, b"");
    server.events()
}

#[test]
fn a_server_of_another_authority_than_amazons_is_trusted_if_the_bundle_has_it() {
    let server = WebhookServer::start();
    let authority = fs::read_to_string(server.authority()).unwrap();
    assert_eq!(ask(&server, AMAZON_AUTHORITY), [""; 0], "not in the bundle");
    let received = ask(&server, &format!("{AMAZON_AUTHORITY}{authority}"));
    assert!(!received.is_empty(), "with Amazon's authorities");
    let more = ask(&server, &authority);
    assert!(more.len() > received.len(), "without them");
}

/// Jitter entropy costs 20 ms of CPU before the first HTTPS request of each process.
#[test]
fn the_programs_have_no_jitter_entropy() {
    let program = Sandbox::new().trailtab().get_program().to_owned();
    for program in [program, lambda().into_os_string()] {
        let program = fs::read(program).unwrap();
        let has = |symbol: &str| memchr::memmem::find(&program, symbol.as_bytes()).is_some();
        assert!(has("_RAND_bytes"), "the symbols of aws-lc are there");
        assert!(!has("jent_entropy_collector"), "aws-lc has jitter entropy");
    }
}
