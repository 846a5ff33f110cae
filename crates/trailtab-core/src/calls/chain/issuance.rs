//! Calls that issue credentials, or make a principal that can have some.

use std::sync::LazyLock;

use super::CredentialId;
use crate::event::filter::RecordPath;
use crate::event::identity::ResolvedActor;
use crate::event::record::{CallOutcome, EventRecord};
use crate::event::scan::JsonText;
use crate::time::Seconds;

/// The kind of credentials that a call issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IssuanceKind {
    /// Temporary credentials of a role: AssumeRole, AssumeRoleWithSAML, AssumeRoleWithWebIdentity, AssumeRoot.
    AssumedRole,
    /// Temporary credentials of the caller: GetSessionToken, GetFederationToken.
    SessionToken,
    /// A long-term access key: CreateAccessKey.
    AccessKey,
    /// A user, or a password of a user: CreateUser, CreateLoginProfile, UpdateLoginProfile.
    User,
    /// A session at the console: ConsoleLogin.
    SignIn,
    /// A role that was chosen at the console: SwitchRole.
    SwitchedRole,
    /// An instance with an instance profile, whose sessions have the name of the instance: RunInstances.
    Instance,
}

/// One call that issued credentials.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Issuance {
    pub(super) time: Option<Seconds>,
    pub(super) event_id: String,
    /// Such as `sts:AssumeRole`.
    pub(super) api: String,
    pub(super) kind: IssuanceKind,
    /// What signed the call.
    pub(super) issuer: CredentialId,
    pub(super) issued: CredentialId,
    /// The name of the session that was issued, where the key names the credential.
    pub(super) session: Option<(String, String)>,
}

/// A path into a record that is read once.
type IssuancePath = LazyLock<Option<RecordPath>>;

macro_rules! path {
    ($name:ident, $text:literal) => {
        static $name: IssuancePath = LazyLock::new(|| $text.parse().ok());
    };
}

path!(ISSUED_KEY, "responseElements.credentials.accessKeyId");
path!(ASSUMED_ARN, "responseElements.assumedRoleUser.arn");
path!(FEDERATED_ARN, "responseElements.federatedUser.arn");
path!(CREATED_KEY, "responseElements.accessKey.accessKeyId");
path!(CREATED_FOR, "responseElements.accessKey.userName");
path!(USER_NAME, "requestParameters.userName");
path!(INSTANCES, "responseElements.instancesSet.items.instanceId");
path!(PROFILE, "requestParameters.iamInstanceProfile");
path!(SWITCHED_FROM, "additionalEventData.SwitchFrom");
path!(ASSUMED_ROOT_OF, "requestParameters.targetPrincipal");

fn values(path: &IssuancePath, record: &EventRecord<'_>) -> Vec<String> {
    let mut values = Vec::new();
    if let Some(path) = &**path {
        path.each(record, |value| values.push(value.to_owned()));
    }
    values
}

fn first(path: &IssuancePath, record: &EventRecord<'_>) -> Option<String> {
    values(path, record).into_iter().next()
}

impl Issuance {
    /// The issuances of a call: none for most calls, several if several instances are started.
    pub(super) fn of(
        record: &EventRecord<'_>,
        outcome: CallOutcome<'_>,
        time: Option<Seconds>,
        issuer: &CredentialId,
        actor: &ResolvedActor,
    ) -> Vec<Issuance> {
        let name = record.event_name.and_then(JsonText::unescaped);
        let kind = match name {
            Some(
                b"AssumeRole"
                | b"AssumeRoleWithSAML"
                | b"AssumeRoleWithWebIdentity"
                | b"AssumeRoot",
            ) => IssuanceKind::AssumedRole,
            Some(b"GetSessionToken" | b"GetFederationToken") => IssuanceKind::SessionToken,
            Some(b"CreateAccessKey") => IssuanceKind::AccessKey,
            Some(b"CreateUser" | b"CreateLoginProfile" | b"UpdateLoginProfile") => {
                IssuanceKind::User
            }
            Some(b"ConsoleLogin") => IssuanceKind::SignIn,
            Some(b"SwitchRole") => IssuanceKind::SwitchedRole,
            Some(b"RunInstances") => IssuanceKind::Instance,
            _ => return Vec::new(),
        };
        if outcome != CallOutcome::Succeeded {
            return Vec::new();
        }
        let decoded = |text: Option<JsonText<'_>>| {
            text.map(|text| text.decode().into_owned())
                .unwrap_or_default()
        };
        let source = decoded(record.event_source);
        let service = source.split('.').next().unwrap_or_default();
        let of = |issuer: CredentialId, issued: CredentialId, session| Issuance {
            time,
            event_id: decoded(record.event_id),
            api: format!("{service}:{}", decoded(record.event_name)),
            kind,
            issuer,
            issued,
            session,
        };
        let account = || {
            let recorded = record.recipient_account_id.map(JsonText::decode);
            recorded.map_or_else(|| actor.account_or_unknown(), std::borrow::Cow::into_owned)
        };
        let own = issuer.clone();
        let user = |name: &str| CredentialId::Principal(format!("{}:user/{name}", account()));
        match kind {
            IssuanceKind::AssumedRole | IssuanceKind::SessionToken => {
                let session = first(&ASSUMED_ARN, record)
                    .or_else(|| first(&FEDERATED_ARN, record))
                    .and_then(|arn| session_of(&arn))
                    .or_else(|| root_session(record));
                let issued = match (first(&ISSUED_KEY, record), session.clone()) {
                    (Some(key), _) => CredentialId::AccessKey(key),
                    (None, Some((principal, session))) => {
                        CredentialId::Session { principal, session }
                    }
                    (None, None) => return Vec::new(),
                };
                vec![of(own, issued, session)]
            }
            IssuanceKind::AccessKey => {
                let Some(key) = first(&CREATED_KEY, record) else {
                    return Vec::new();
                };
                let session = first(&CREATED_FOR, record)
                    .map(|name| (format!("{}:user/{name}", account()), String::new()));
                vec![of(own, CredentialId::AccessKey(key), session)]
            }
            IssuanceKind::User => match first(&USER_NAME, record) {
                Some(name) => vec![of(own, user(&name), None)],
                None => Vec::new(),
            },
            IssuanceKind::SignIn => {
                // The keys of the session are found by the principal and the time of the sign-in.
                let issued = CredentialId::Session {
                    principal: actor.principal.clone(),
                    session: actor.session.clone().unwrap_or_default(),
                };
                vec![of(own, issued, None)]
            }
            IssuanceKind::SwitchedRole => {
                let from = first(&SWITCHED_FROM, record).and_then(|arn| principal_of(&arn));
                match (from, &actor.session) {
                    (Some(from), Some(session)) => {
                        let (principal, session) = (actor.principal.clone(), session.clone());
                        let issued = CredentialId::Session { principal, session };
                        vec![of(CredentialId::Principal(from), issued, None)]
                    }
                    _ => Vec::new(),
                }
            }
            IssuanceKind::Instance if !values(&PROFILE, record).is_empty() => {
                let instances = values(&INSTANCES, record).into_iter();
                let each = instances.map(|session| {
                    let principal = String::new();
                    let issued = CredentialId::Session { principal, session };
                    of(own.clone(), issued, None)
                });
                each.collect()
            }
            IssuanceKind::Instance => Vec::new(),
        }
    }
}

/// The principal and the session of `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, or of a federated user.
fn session_of(arn: &str) -> Option<(String, String)> {
    let mut parts = arn.splitn(6, ':').skip(4);
    let (account, resource) = (parts.next()?, parts.next()?);
    let mut names = resource.splitn(3, '/');
    match (names.next()?, names.next()?, names.next()) {
        ("assumed-role", role, Some(session)) => {
            Some((format!("{account}:role/{role}"), session.to_owned()))
        }
        ("federated-user", name, None) => {
            Some((format!("{account}:federated-user/{name}"), name.to_owned()))
        }
        _ => None,
    }
}

/// The session of AssumeRoot, whose answer has no ARN.
fn root_session(record: &EventRecord<'_>) -> Option<(String, String)> {
    let account = first(&ASSUMED_ROOT_OF, record)?;
    // The target is written as an account id or as the ARN of its root.
    let account = account.split(':').nth(4).unwrap_or(&account).to_owned();
    Some((format!("{account}:root"), String::new()))
}

/// The principal of the ARN of a user, role or session.
fn principal_of(arn: &str) -> Option<String> {
    if let Some((principal, _)) = session_of(arn) {
        return Some(principal);
    }
    let mut parts = arn.splitn(6, ':').skip(4);
    let (account, resource) = (parts.next()?, parts.next()?);
    let (noun, name) = resource.split_once('/')?;
    let name = name.rsplit('/').next()?;
    Some(format!("{account}:{noun}/{name}"))
}
