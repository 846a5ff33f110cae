//! Builds the `userIdentity` of each kind of principal as a template.
//!
//! Templates lack the closing brace, because the writer of the record may add `invokedBy`.

use super::calendar::HOUR;
use super::organisation::{Given, MachineKind};
use super::rng;
use super::text;

/// The role name of a permission set; its 16-digit suffix differs per account.
pub(super) fn reserved_role(set: &str, account: &str) -> String {
    let suffix = rng::combine(&[rng::hash(set), rng::hash(account)]);
    format!("AWSReservedSSO_{set}_{suffix:016x}")
}

/// A principal ID such as `AROA…EXAMPLE`.
pub(super) fn principal_id(prefix: &str, name: &str, account: &str) -> String {
    let mut id = Vec::new();
    text::example_id(
        &mut id,
        prefix,
        10,
        rng::combine(&[rng::hash(name), rng::hash(account)]),
    );
    String::from_utf8_lossy(&id).into_owned()
}

/// The identity as template text, without the closing brace.
pub(super) fn identity(who: MachineKind, account: &str) -> String {
    match who {
        MachineKind::Person { mail, set } => person(mail, set, account),
        MachineKind::User(name) => user(name, account),
        MachineKind::Role {
            name,
            session,
            given,
        } => role(name, session, given, account),
        MachineKind::Service(name) => format!(r#"{{"type":"AWSService","invokedBy":"{name}""#),
        MachineKind::Untyped(name) => format!(r#"{{"accountId":"$account","invokedBy":"{name}""#),
        MachineKind::Foreign { account, principal } => {
            format!(r#"{{"type":"AWSAccount","principalId":"{principal}","accountId":"{account}""#)
        }
        MachineKind::WebIdentity(subject) => format!(
            r#"{{"type":"WebIdentityUser","principalId":"arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:{subject}","userName":"{subject}","identityProvider":"arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com""#
        ),
        MachineKind::Saml(name) => format!(
            r#"{{"type":"SAMLUser","principalId":"kTqhFvD2cAexampleExampleExample=:{name}","userName":"{name}","identityProvider":"kTqhFvD2cAexampleExampleExample=""#
        ),
        MachineKind::Federated { name, issuer } => federated(name, issuer, account),
        MachineKind::IdentityCenter(user) => format!(
            r#"{{"type":"IdentityCenterUser","accountId":"$account","onBehalfOf":{{"userId":"{user}","identityStoreArn":"arn:aws:identitystore::111122223333:identitystore/d-9967example"}},"credentialId":"$uuid""#
        ),
    }
}

/// The ARN as it appears in error messages; the name for principals without an ARN.
pub(super) fn arn(who: MachineKind, account: &str) -> String {
    match who {
        MachineKind::Person { mail, set } => {
            format!(
                "arn:aws:sts::{account}:assumed-role/{}/{mail}",
                reserved_role(set, account)
            )
        }
        MachineKind::User(name) => format!("arn:aws:iam::{account}:user/{name}"),
        MachineKind::Role { name, session, .. } => {
            format!("arn:aws:sts::{account}:assumed-role/{name}/{session}")
        }
        MachineKind::Federated { name, .. } => {
            format!("arn:aws:sts::{account}:federated-user/{name}")
        }
        MachineKind::Foreign { account, .. } => format!("arn:aws:iam::{account}:root"),
        MachineKind::Service(name) | MachineKind::Untyped(name) => name.to_owned(),
        MachineKind::WebIdentity(name)
        | MachineKind::Saml(name)
        | MachineKind::IdentityCenter(name) => name.to_owned(),
    }
}

/// Duration of a session in seconds, and number of a principal's parallel sessions.
pub(super) fn sessions(who: MachineKind) -> (u32, u32) {
    match who {
        MachineKind::Person { .. } => (12 * HOUR, 1),
        MachineKind::Role {
            session: "$host", ..
        } => (6 * HOUR, 6),
        MachineKind::Role {
            given: Given::Oidc | Given::ServiceLinked(_),
            ..
        } => (HOUR, 1),
        MachineKind::Role { session, .. } if session.contains("$task") => (6 * HOUR, 40),
        MachineKind::Role { .. } => (12 * HOUR, 1),
        _ => (HOUR, 1),
    }
}

fn person(mail: &str, set: &str, account: &str) -> String {
    let role = reserved_role(set, account);
    let id = principal_id("AROA", &role, account);
    // AWS writes onBehalfOf when the identity is propagated to the service, as for analysts.
    let propagated = match set.starts_with("Data") {
        true => format!(
            r#","onBehalfOf":{{"userId":"906755d2-5011-70ab-cd12-{:012x}","identityStoreArn":"arn:aws:identitystore::111122223333:identitystore/d-9967example"}}"#,
            rng::hash(mail) >> 16
        ),
        false => String::new(),
    };
    format!(
        r#"{{"type":"AssumedRole","principalId":"{id}:{mail}","arn":"arn:aws:sts::{account}:assumed-role/{role}/{mail}","accountId":"{account}","accessKeyId":"$accesskey","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"{id}","arn":"arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/eu-central-1/{role}","accountId":"{account}","userName":"{role}"}},"attributes":{{"creationDate":"$created","mfaAuthenticated":"false"}}}}{propagated}"#
    )
}

fn user(name: &str, account: &str) -> String {
    let id = principal_id("AIDA", name, account);
    let key = access_key(name, account);
    format!(
        r#"{{"type":"IAMUser","principalId":"{id}","arn":"arn:aws:iam::{account}:user/{name}","accountId":"{account}","accessKeyId":"{key}","userName":"{name}""#
    )
}

/// The long-lived access key of a user.
pub(super) fn access_key(name: &str, account: &str) -> String {
    let mut key = Vec::new();
    text::example_id(
        &mut key,
        "AKIA",
        9,
        rng::combine(&[rng::hash(account), rng::hash(name)]),
    );
    String::from_utf8_lossy(&key).into_owned()
}

fn role(name: &str, session: &str, given: Given, account: &str) -> String {
    let id = principal_id("AROA", name, account);
    let path = match given {
        Given::ServiceLinked(service) => format!("aws-service-role/{service}/"),
        _ => String::new(),
    };
    let federation = match given {
        Given::Kubernetes => format!(
            r#","webIdFederationData":{{"federatedProvider":"arn:aws:iam::{account}:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE","attributes":{{}}}}"#
        ),
        Given::Oidc => format!(
            r#","webIdFederationData":{{"federatedProvider":"arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com","attributes":{{}}}}"#
        ),
        _ => String::new(),
    };
    let delivery = match given {
        Given::Instance => r#","ec2RoleDelivery":"2.0""#,
        _ => "",
    };
    let scope = match given {
        Given::Instance => format!(
            r#","inScopeOf":{{"issuerType":"AWS::EC2::Instance","credentialsIssuedTo":"arn:aws:ec2:$region:{account}:instance/{session}"}}"#
        ),
        Given::Function => format!(
            r#","inScopeOf":{{"issuerType":"AWS::Lambda::Function","credentialsIssuedTo":"arn:aws:lambda:$region:{account}:function:{session}"}}"#
        ),
        Given::ServiceLinked(service) => format!(r#","invokedBy":"{service}""#),
        _ => String::new(),
    };
    let key = match given {
        Given::ServiceLinked(_) => "",
        _ => r#","accessKeyId":"$accesskey""#,
    };
    format!(
        r#"{{"type":"AssumedRole","principalId":"{id}:{session}","arn":"arn:aws:sts::{account}:assumed-role/{name}/{session}","accountId":"{account}"{key},"sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"{id}","arn":"arn:aws:iam::{account}:role/{path}{name}","accountId":"{account}","userName":"{name}"}}{federation},"attributes":{{"creationDate":"$created","mfaAuthenticated":"false"}}{delivery}}}{scope}"#
    )
}

fn federated(name: &str, issuer: &str, account: &str) -> String {
    let id = principal_id("AIDA", issuer, account);
    format!(
        r#"{{"type":"FederatedUser","principalId":"{account}:{name}","arn":"arn:aws:sts::{account}:federated-user/{name}","accountId":"{account}","accessKeyId":"$accesskey","sessionContext":{{"sessionIssuer":{{"type":"IAMUser","principalId":"{id}","arn":"arn:aws:iam::{account}:user/{issuer}","accountId":"{account}","userName":"{issuer}"}},"attributes":{{"creationDate":"$created","mfaAuthenticated":"false"}}}}"#
    )
}
