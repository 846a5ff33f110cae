//! Tests of what identities of every documented type are resolved to.

use super::*;

fn principal(json: &str) -> String {
    let actor = ResolvedActor::resolve(json.as_bytes());
    assert_eq!(actor.odd, None, "{json}");
    actor.principal
}

fn odd(json: &str) -> (String, String) {
    let actor = ResolvedActor::resolve(json.as_bytes());
    (actor.principal, actor.odd.expect(json))
}

#[test]
fn every_documented_type_has_a_principal() {
    let cases = [
        (
            r#"{"type":"IAMUser","accountId":"111122223333","userName":"ann"}"#,
            "111122223333:user/ann",
        ),
        (
            r#"{"type":"iamuser","accountId":"111122223333","userName":"ann"}"#,
            "111122223333:user/ann",
        ),
        (
            r#"{"type":"Root","accountId":"111122223333"}"#,
            "111122223333:root",
        ),
        (
            r#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#,
            "ec2.amazonaws.com",
        ),
        (
            r#"{"type":"AWSAccount","accountId":"111122223333"}"#,
            "111122223333",
        ),
        (
            r#"{"type":"AWSAccount","accountId":"1","invokedBy":"a.amazonaws.com"}"#,
            "a.amazonaws.com",
        ),
        (r#"{"accountId":"111122223333"}"#, "111122223333"),
        (
            r#"{"accountId":"1","invokedBy":"a.amazonaws.com"}"#,
            "a.amazonaws.com",
        ),
        (
            r#"{"type":"Role","arn":"arn:aws:iam::111122223333:role/path/to/name"}"#,
            "111122223333:role/name",
        ),
        (
            r#"{"type":"SAMLUser","principalId":"abc:ann"}"#,
            "saml:abc:ann",
        ),
        (
            r#"{"type":"WebIdentityUser","principalId":"arn:aws:iam::1:oidc-provider/idp.example.com:aud:sub"}"#,
            "oidc:idp.example.com:aud:sub",
        ),
        (
            r#"{"type":"WebIdentityUser","accountId":"111122223333"}"#,
            "111122223333",
        ),
        (
            r#"{"type":"IdentityCenterUser","accountId":"111122223333","onBehalfOf":{"userId":"u-1","identityStoreArn":"arn:aws:identitystore::111122223333:identitystore/d-1234567890"}}"#,
            "111122223333:identitycenteruser/d-1234567890/u-1",
        ),
        (
            r#"{"type":"Directory","accountId":"111122223333","principalId":"d-1234567890/uuid"}"#,
            "111122223333:ds/d-1234567890/uuid",
        ),
        (r#"{"type":"Unknown"}"#, "Unknown"),
        (
            r#"{"type":"Unknown","accountId":"111122223333"}"#,
            "111122223333",
        ),
        (
            r#"{"type":"Unknown","arn":"arn:aws:iam::111122223333:root"}"#,
            "111122223333:root",
        ),
        (
            r#"{"type":"Unknown","arn":"arn:aws:sts::111122223333:federated-user/ann"}"#,
            "111122223333:user/ann",
        ),
    ];
    for (json, expected) in cases {
        assert_eq!(principal(json), expected, "{json}");
    }
}

#[test]
fn all_sessions_of_a_role_are_one_principal() {
    let issuer = r#"{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/x/s","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws-cn:iam::111122223333:role/deep/path/ci"}}}"#;
    assert_eq!(principal(issuer), "111122223333:role/ci");
    for session in ["a", "b@example.com"] {
        let json = format!(
            r#"{{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/ci/{session}","sessionContext":{{"sessionIssuer":{{}}}}}}"#
        );
        let actor = ResolvedActor::resolve(json.as_bytes());
        assert_eq!(actor.principal, "111122223333:role/ci");
        assert_eq!(actor.session.as_deref(), Some(session));
    }
}

#[test]
fn federated_users_count_for_their_issuer() {
    let json = |issuer: &str| {
        format!(
            r#"{{"type":"FederatedUser","accountId":"111122223333","arn":"arn:aws:sts::111122223333:federated-user/cat","sessionContext":{{"sessionIssuer":{issuer}}}}}"#
        )
    };
    assert_eq!(principal(&json(r#"{"type":"Root"}"#)), "111122223333:root");
    let actor = ResolvedActor::resolve(json(r#"{"type":"IAMUser","userName":"ann"}"#).as_bytes());
    assert_eq!(actor.principal, "111122223333:user/ann");
    assert_eq!(
        actor.person.map(|person| person.name).as_deref(),
        Some("cat")
    );
}

#[test]
fn unknown_shapes_are_named_and_keep_the_best_key() {
    let cases = [
        ("", "unknown", "no userIdentity"),
        ("{}", "unknown", "no type, no account and no service"),
        (
            r#"{"type":null,"userName":"ann"}"#,
            "ann",
            "no type, no account and no service",
        ),
        (
            r#"{"type":"IAMUser","accountId":"1"}"#,
            "1",
            "IAMUser without userName",
        ),
        (
            r#"{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/p/ann"}"#,
            "111122223333:user/ann",
            "IAMUser without userName",
        ),
        (
            r#"{"type":"AWSService"}"#,
            "unknown",
            "AWSService without invokedBy",
        ),
        (
            r#"{"type":"Martian","invokedBy":"mars.amazonaws.com","arn":"x"}"#,
            "mars.amazonaws.com",
            "type Martian",
        ),
        (
            r#"{"type":"Martian","arn":"green"}"#,
            "green",
            "type Martian",
        ),
        (
            r#"{"type":["IAMUser"],"userName":{}}"#,
            "unknown",
            "no type, no account and no service",
        ),
    ];
    for (json, principal, shape) in cases {
        assert_eq!(
            odd(json),
            (principal.to_owned(), shape.to_owned()),
            "{json}"
        );
    }
}

#[test]
fn where_account_and_arn_disagree_the_account_counts() {
    let cases = [
        (
            r#"{"type":"AssumedRole","accountId":"111122223333","arn":"arn:aws:sts::444455556666:assumed-role/ci/s","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::444455556666:role/p/ci"}}}"#,
            "111122223333:role/ci",
        ),
        (
            r#"{"type":"Role","accountId":"111122223333","arn":"arn:aws:iam::444455556666:role/ci"}"#,
            "111122223333:role/ci",
        ),
        (
            r#"{"type":"Unknown","accountId":"111122223333","arn":"arn:aws:iam::444455556666:user/ann"}"#,
            "111122223333:user/ann",
        ),
        (
            r#"{"type":"FederatedUser","accountId":"111122223333","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::444455556666:user/ann"}}}"#,
            "111122223333:user/ann",
        ),
    ];
    for (json, expected) in cases {
        assert_eq!(principal(json), expected, "{json}");
    }
}

#[test]
fn a_caller_without_credentials_is_a_principal_and_no_account() {
    let json = br#"{"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL"}"#;
    let actor = ResolvedActor::resolve(json);
    assert_eq!(actor.principal, "ANONYMOUS_PRINCIPAL");
    assert_eq!((actor.account, actor.odd), (None, None));
}

#[test]
fn a_hidden_name_is_no_persons_name() {
    let hidden = r#"{"type":"IAMUser","accountId":"111122223333","accessKeyId":"","userName":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#;
    let actor = ResolvedActor::resolve(hidden.as_bytes());
    assert_eq!(actor.principal, "111122223333:user/(hidden)");
    assert_eq!((actor.person, actor.odd), (None, None));
    let unknown = r#"{"type":"Unknown","accountId":"111122223333","userName":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#;
    assert_eq!(ResolvedActor::resolve(unknown.as_bytes()).person, None);
}

#[test]
fn a_service_that_acts_with_an_identity_is_told_apart() {
    let acting = |json: &str| {
        let actor = ResolvedActor::resolve(json.as_bytes());
        let is_excluded = actor.is_aws_service();
        (actor.service, actor.person.is_some(), is_excluded)
    };
    let root =
        r#"{"type":"Root","accountId":"111122223333","invokedBy":"autoscaling.amazonaws.com"}"#;
    let service = |name: &str| Some(name.to_owned());
    assert_eq!(
        acting(root),
        (service("autoscaling.amazonaws.com"), false, true)
    );
    let user = |key: &str, by: &str| {
        format!(
            r#"{{"type":"IAMUser","accountId":"111122223333","userName":"ann","accessKeyId":"{key}","invokedBy":"{by}"}}"#
        )
    };
    let forwarded = user("ASIAEXAMPLE", "cloudformation.amazonaws.com");
    assert_eq!(
        acting(&forwarded),
        (service("cloudformation.amazonaws.com"), false, true)
    );
    // Only its owner signs with a long-term key, and the console is not a service of its own.
    for (key, by) in [
        ("AKIAEXAMPLE", "cloudformation.amazonaws.com"),
        ("ASIAEXAMPLE", "signin.amazonaws.com"),
        ("ASIAEXAMPLE", "aws-mcp.amazonaws.com"),
        ("ASIAEXAMPLE", "a.partner.example.com"),
    ] {
        assert_eq!(acting(&user(key, by)), (None, true, false), "{key} {by}");
    }
    // A service, and a role of its own, act for themselves.
    let itself = r#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#;
    assert_eq!(acting(itself), (None, false, true));
    let linked = r#"{"type":"AssumedRole","accountId":"1","arn":"arn:aws:sts::1:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling","invokedBy":"autoscaling.amazonaws.com"}"#;
    assert_eq!(acting(linked), (None, false, true));
    let path = r#"{"type":"AssumedRole","accountId":"1","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::1:role/aws-service-role/x.amazonaws.com/R"}}}"#;
    assert_eq!(acting(path), (None, false, true));
}

#[test]
fn machines_are_workloads() {
    let workload = |name: &str| {
        let json = format!(r#"{{"type":"WebIdentityUser","principalId":"x","userName":"{name}"}}"#);
        let actor = ResolvedActor::resolve(json.as_bytes());
        assert_eq!(actor.person.is_none(), actor.workload.is_some(), "{name}");
        actor.workload
    };
    for (name, expected) in [
        (
            "system:serviceaccount:frontend:api",
            "kubernetes:frontend/api",
        ),
        (
            "repo:example-org/app:ref:refs/heads/main",
            "github:example-org/app",
        ),
        (
            "project_path:group/app:ref_type:branch:ref:main",
            "gitlab:group/app",
        ),
        (
            "organization:acme:project:p:workspace:net:run_phase:apply",
            "terraform:acme/net",
        ),
        (
            "organization:acme:pipeline:build:ref:x",
            "buildkite:acme/build",
        ),
        (
            "ci@project.iam.gserviceaccount.com",
            "google:ci@project.iam.gserviceaccount.com",
        ),
        ("spiffe://example.com/x", "spiffe://example.com/x"),
    ] {
        assert_eq!(workload(name).as_deref(), Some(expected));
    }
    for name in ["ann", "system:serviceaccount:x", "organization:x", "repo"] {
        assert_eq!(workload(name), None);
    }
}

#[test]
fn a_person_who_is_in_the_record_is_told() {
    let told = |json: &str, signed_in: Option<&'static str>| {
        let hints = CallerHints {
            user_name: signed_in.map(|name| JsonText::plain(name.as_bytes())),
            is_mcp: false,
        };
        let actor = ResolvedActor::resolve_with(json.as_bytes(), hints);
        actor.person.map(|person| person.name)
    };
    let name = |name: &str| Some(name.to_owned());
    let unknown = r#"{"type":"Unknown","accountId":"111122223333","userName":"Ann"}"#;
    assert_eq!(told(unknown, None), name("ann"));
    assert_eq!(
        told(r#"{"type":"Unknown","userName":"api_key"}"#, None),
        None
    );
    let center = r#"{"type":"IdentityCenterUser","accountId":"111122223333","onBehalfOf":{"userId":"u-1","identityStoreArn":"arn:aws:identitystore::111122223333:identitystore/d-1"}}"#;
    assert_eq!(told(center, None), name("u-1"));
    assert_eq!(
        told(center, Some("ann@example.com")),
        name("ann@example.com")
    );
    let other_account = r#"{"type":"AWSAccount","principalId":"AROAEXAMPLE:ann@example.com","accountId":"444455556666"}"#;
    assert_eq!(told(other_account, None), name("ann@example.com"));
    let actor = ResolvedActor::resolve(other_account.as_bytes());
    assert_eq!(actor.principal, "444455556666");
    assert_eq!(actor.session.as_deref(), Some("ann@example.com"));
    let user = r#"{"type":"IAMUser","principalId":"AIDA:x","accountId":"1","userName":"Ann"}"#;
    assert_eq!(told(user, Some("other")), name("1:user/Ann"));
}

#[test]
fn one_person_has_one_spelling() {
    for session in ["Ann@Example.com", "ann@example.com", "ANN@EXAMPLE.COM"] {
        let json = format!(
            r#"{{"type":"AssumedRole","accountId":"1","arn":"arn:aws:sts::1:assumed-role/r/{session}"}}"#
        );
        let actor = ResolvedActor::resolve(json.as_bytes());
        assert_eq!(actor.session.as_deref(), Some("ann@example.com"));
        assert_eq!(
            actor.person.map(|person| person.name).as_deref(),
            Some("ann@example.com")
        );
    }
}

#[test]
fn sessions_of_agents_are_marked() {
    let agent = |json: &str, is_mcp| {
        let hints = CallerHints {
            user_name: None,
            is_mcp,
        };
        ResolvedActor::resolve_with(json.as_bytes(), hints).agent
    };
    let plain = r#"{"type":"IAMUser","accountId":"1","userName":"ann"}"#;
    assert_eq!(agent(plain, false), None);
    assert_eq!(agent(plain, true), Some(AgentEvidence::AwsMcp));
    let mcp = r#"{"type":"IAMUser","accountId":"1","userName":"ann","invokedBy":"aws-mcp.amazonaws.com"}"#;
    assert_eq!(agent(mcp, false), Some(AgentEvidence::AwsMcp));
    let login = r#"{"type":"AssumedRole","accountId":"1","sessionContext":{"signInSessionArn":"arn:aws:signin:us-east-1:1:session/x"}}"#;
    assert_eq!(agent(login, false), Some(AgentEvidence::AwsLogin));
}

#[test]
fn an_assumed_root_session_is_not_the_root_user() {
    let json =
        br#"{"type":"Root","accountId":"111122223333","sessionContext":{"assumedRoot":"true"}}"#;
    let actor = ResolvedActor::resolve(json);
    assert_eq!(actor.principal, "111122223333:root");
    assert_eq!((actor.kind.as_str(), actor.person), ("AssumedRoot", None));
}

#[test]
fn persons_are_known_by_the_strongest_evidence() {
    let session = |role: &str, name: &str, more: &str| {
        let json = format!(
            r#"{{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/{role}/{name}","sessionContext":{{"sessionIssuer":{{"arn":"arn:aws:iam::1:role/p/{role}"}}{more}}}}}"#
        );
        ResolvedActor::resolve(json.as_bytes())
            .person
            .map(|p| (p.name, p.evidence))
    };
    let person = |name: &str, evidence| Some((name.to_owned(), evidence));
    assert_eq!(session("x", "botocore-session-1", ""), None);
    assert_eq!(
        session("x", "ann@example.com", ""),
        person("ann@example.com", PersonEvidence::SessionName)
    );
    assert_eq!(
        session("AWSReservedSSO_Admin_1", "ann", ""),
        person("ann", PersonEvidence::SessionName)
    );
    let source = r#","sourceIdentity":"ben""#;
    assert_eq!(
        session("AWSReservedSSO_Admin_1", "ann", source),
        person("ben", PersonEvidence::SourceIdentity)
    );
}
