//! Resolves `userIdentity` to a principal, a session and a person.
//!
//! The principal is a stable key: a role stands for all of its sessions. The session and the person
//! are kept separately. An identity of an unknown shape is not an error: it gets the best available
//! key, and [`ResolvedActor::odd`] describes its shape.

use std::borrow::Cow;

use crate::event::scan::{JsonScanner, JsonText, ScanResult};

/// The members of `userIdentity` that are in use.
#[derive(Debug, Default)]
struct UserIdentity<'a> {
    kind: IdentityField<'a>,
    user_name: IdentityField<'a>,
    principal_id: IdentityField<'a>,
    arn: IdentityField<'a>,
    account_id: IdentityField<'a>,
    invoked_by: IdentityField<'a>,
    issuer_kind: IdentityField<'a>,
    issuer_arn: IdentityField<'a>,
    issuer_name: IdentityField<'a>,
    source_identity: IdentityField<'a>,
    assumed_root: bool,
    on_behalf_of: IdentityField<'a>,
    identity_store: IdentityField<'a>,
}

type IdentityField<'a> = Option<Cow<'a, str>>;

/// The identity that made a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ResolvedActor {
    /// `ACCOUNT:role/NAME`, `ACCOUNT:user/NAME`, `ec2.amazonaws.com` and so on.
    pub principal: String,
    /// `userIdentity.type`, unchanged; `AssumedRoot` for a session that AssumeRoot created; empty without a type.
    pub kind: String,
    /// The role session name; absent for identities without a session.
    pub session: Option<String>,
    /// The person behind the identity; absent if the identity names no person.
    pub person: Option<ActorPerson>,
    /// The account of the identity; absent if the record does not name it.
    pub account: Option<String>,
    /// The shape of the identity if it is unknown; absent otherwise.
    pub odd: Option<String>,
}

/// The human behind an actor, and the evidence for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActorPerson {
    /// The name of the person; its form depends on the evidence.
    pub name: String,
    /// Where the name comes from.
    pub evidence: PersonEvidence,
}

/// The field that identifies a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PersonEvidence {
    /// `sourceIdentity`, which role chaining cannot change.
    SourceIdentity,
    /// The session name of a role that IAM Identity Center created, or a session name that is a
    /// mail address.
    SessionName,
    /// `onBehalfOf` or an `IdentityCenterUser`: a user of IAM Identity Center, by id.
    IdentityCenter,
    /// The name that a federation or an identity provider gave.
    Federation,
    /// An identity of type `IAMUser`, named `ACCOUNT:user/NAME`.
    IamUser,
    /// The root user, named `ACCOUNT:root`; sessions that AssumeRoot made are left out.
    Root,
}

impl PersonEvidence {
    /// The name in the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            PersonEvidence::SourceIdentity => "source_identity",
            PersonEvidence::SessionName => "session_name",
            PersonEvidence::IdentityCenter => "identity_center",
            PersonEvidence::Federation => "federation",
            PersonEvidence::IamUser => "iam_user",
            PersonEvidence::Root => "root",
        }
    }
}

impl ResolvedActor {
    /// Resolves the JSON of `userIdentity`; empty text if the record has no such field.
    pub fn resolve(json: &[u8]) -> ResolvedActor {
        // The scanner only skipped this object before, so it may be invalid. The members read
        // before the error are still used.
        let mut identity = UserIdentity::default();
        let read = identity.read(&mut JsonScanner::new(json, 0));
        let absent = json.is_empty() || read.is_err();
        let (principal, odd) = match identity.principal() {
            Some(principal) => (principal, None),
            None => (identity.fallback(), Some(identity.shape(absent))),
        };
        ResolvedActor {
            session: identity.session().map(str::to_owned),
            person: identity.person(&principal),
            principal,
            odd,
            account: identity.account(),
            // A session that AssumeRoot created acts as root, but root's own credentials were not
            // used.
            kind: match identity.kind {
                Some(_) if identity.assumed_root => "AssumedRoot".to_owned(),
                kind => kind.unwrap_or_default().into_owned(),
            },
        }
    }

    /// The account of the identity, or `unknown`; used if the record has no recipientAccountId.
    pub fn account_or_unknown(&self) -> String {
        self.account.clone().unwrap_or_else(|| "unknown".to_owned())
    }

    /// Tells whether an AWS service made the call on its own behalf.
    pub fn is_aws_service(&self) -> bool {
        is_service(&self.principal) || self.kind.eq_ignore_ascii_case("AWSService")
    }
}

/// The access key id that signed the call, if `userIdentity` contains one.
pub fn access_key(json: &[u8]) -> Option<String> {
    let mut key = None;
    // Invalid JSON yields no key.
    let read = each(&mut JsonScanner::new(json, 0), |scanner, name| {
        match name {
            b"accessKeyId" => key = field(scanner)?,
            _ => drop(scanner.skip()?),
        }
        Ok(())
    });
    read.ok().and_then(|()| owned(&key))
}

/// Tells whether a name is the DNS name of an AWS service, in any partition.
fn is_service(name: &str) -> bool {
    name.ends_with(".amazonaws.com")
        || name.ends_with(".amazonaws.com.cn")
        || name == "AWS Internal"
}

fn field<'a>(scanner: &mut JsonScanner<'a>) -> ScanResult<IdentityField<'a>> {
    let text = scanner.text()?.filter(|text| !text.is_empty());
    Ok(text.map(JsonText::decode))
}

/// Calls `member` for each member; skips the value if it is not an object.
#[inline]
fn each<'a>(
    scanner: &mut JsonScanner<'a>,
    mut member: impl FnMut(&mut JsonScanner<'a>, &[u8]) -> ScanResult<()>,
) -> ScanResult<()> {
    if scanner.peek()? != b'{' {
        return scanner.skip().map(drop);
    }
    scanner.members(|scanner, name| match name.unescaped() {
        Some(name) => member(scanner, name),
        None => member(scanner, name.decode().as_bytes()),
    })
}

impl<'a> UserIdentity<'a> {
    fn read(&mut self, scanner: &mut JsonScanner<'a>) -> ScanResult<()> {
        each(scanner, |scanner, name| {
            match name {
                b"type" => self.kind = field(scanner)?,
                b"userName" => self.user_name = field(scanner)?,
                b"principalId" => self.principal_id = field(scanner)?,
                b"arn" => self.arn = field(scanner)?,
                b"accountId" => self.account_id = field(scanner)?,
                b"invokedBy" => self.invoked_by = field(scanner)?,
                b"sessionContext" => self.read_session(scanner)?,
                b"onBehalfOf" => self.read_on_behalf_of(scanner)?,
                _ => drop(scanner.skip()?),
            }
            Ok(())
        })
    }

    fn read_session(&mut self, scanner: &mut JsonScanner<'a>) -> ScanResult<()> {
        each(scanner, |scanner, name| {
            match name {
                b"sessionIssuer" => self.read_issuer(scanner)?,
                b"sourceIdentity" => self.source_identity = field(scanner)?,
                b"assumedRoot" => self.assumed_root = scanner.boolean()? == Some(true),
                _ => drop(scanner.skip()?),
            }
            Ok(())
        })
    }

    fn read_issuer(&mut self, scanner: &mut JsonScanner<'a>) -> ScanResult<()> {
        each(scanner, |scanner, name| {
            match name {
                b"type" => self.issuer_kind = field(scanner)?,
                b"arn" => self.issuer_arn = field(scanner)?,
                b"userName" => self.issuer_name = field(scanner)?,
                _ => drop(scanner.skip()?),
            }
            Ok(())
        })
    }

    fn read_on_behalf_of(&mut self, scanner: &mut JsonScanner<'a>) -> ScanResult<()> {
        each(scanner, |scanner, name| {
            match name {
                b"userId" => self.on_behalf_of = field(scanner)?,
                b"identityStoreArn" => self.identity_store = field(scanner)?,
                _ => drop(scanner.skip()?),
            }
            Ok(())
        })
    }

    fn is(&self, kind: &str) -> bool {
        is(&self.kind, kind)
    }

    /// The account as a String: many principals are identified by it alone.
    fn account(&self) -> Option<String> {
        owned(&self.account_id)
    }

    /// Derives the principal by the rules of aws-summarize-account-activity, extended by the types that AWS has
    /// documented since. Returns nothing if the identity does not fit these rules.
    fn principal(&self) -> Option<String> {
        let account = self.account_id.as_deref();
        let invoked_by = || owned(&self.invoked_by);
        if self.kind.is_none() {
            return invoked_by().or_else(|| self.account());
        }
        if self.is("AssumedRole") {
            by_arn(self.issuer_arn.as_deref().or(self.arn.as_deref())?)
        } else if self.is("IAMUser") {
            Some(format!("{}:user/{}", account?, self.user_name.as_deref()?))
        } else if self.is("AWSService") {
            invoked_by()
        } else if self.is("AWSAccount") {
            invoked_by().or_else(|| self.account())
        } else if self.is("Root") {
            Some(format!("{}:root", account?))
        } else if self.is("Role") {
            by_arn(self.arn.as_deref().or(self.issuer_arn.as_deref())?)
        } else if self.is("FederatedUser") {
            self.federated()
        } else if self.is("IdentityCenterUser") {
            self.in_identity_store(
                self.on_behalf_of
                    .as_deref()
                    .or(self.principal_id.as_deref())?,
            )
        } else if self.is("WebIdentityUser") {
            match self.principal_id.as_deref() {
                Some(id) => Some(format!(
                    "oidc:{}",
                    id.split_once('/').map_or(id, |(_, id)| id)
                )),
                None => self.account(),
            }
        } else if self.is("SAMLUser") {
            Some(format!("saml:{}", self.principal_id.as_deref()?))
        } else if self.is("Directory") {
            self.directory()
        } else if self.is("Unknown") {
            self.unknown()
        } else {
            None
        }
    }

    /// Calls with a federation token count for the user that requested it.
    fn federated(&self) -> Option<String> {
        let account = self.account_id.as_deref()?;
        match self.issuer_name.as_deref() {
            _ if is(&self.issuer_kind, "Root") => Some(format!("{account}:root")),
            Some(name) => Some(format!("{account}:user/{name}")),
            None => by_arn(self.issuer_arn.as_deref()?),
        }
    }

    fn in_identity_store(&self, user: &str) -> Option<String> {
        let arn = self.identity_store.as_deref()?;
        let store = arn.rsplit('/').next()?;
        let account = self.account_id.as_deref().or_else(|| account_of(arn))?;
        Some(format!("{account}:identitycenteruser/{store}/{user}"))
    }

    /// `principalId` or `arn` identify the directory and the user: `d-…/<uuid>`.
    fn directory(&self) -> Option<String> {
        let ids = [&self.arn, &self.principal_id, &self.user_name]
            .into_iter()
            .flatten();
        let mut paths = ids.filter_map(|id| id.find("d-").map(|at| &id[at..]));
        let path = paths.find(|path| path.contains('/'))?;
        Some(format!("{}:ds/{path}", self.account_id.as_deref()?))
    }

    fn unknown(&self) -> Option<String> {
        let by_arn = self.arn.as_deref().and_then(by_arn);
        let by_store = || self.in_identity_store(self.on_behalf_of.as_deref()?);
        by_arn
            .or_else(by_store)
            .or_else(|| self.account())
            .or(Some("unknown".to_owned()))
    }

    /// Derives a principal for an identity of an unknown shape.
    fn fallback(&self) -> String {
        let arn = || {
            self.arn
                .as_deref()
                .map(|arn| by_arn(arn).unwrap_or_else(|| arn.to_owned()))
        };
        let name = owned(&self.invoked_by)
            .or_else(arn)
            .or_else(|| self.account());
        // The console's CSV download contains only a name.
        name.or_else(|| owned(&self.user_name))
            .unwrap_or_else(|| "unknown".to_owned())
    }

    /// Describes which part of the identity is unknown.
    fn shape(&self, absent: bool) -> String {
        let Some(kind) = self.kind.as_deref() else {
            let what = if absent {
                "no userIdentity"
            } else {
                "no type, no account and no service"
            };
            return what.to_owned();
        };
        let missing = match kind.to_ascii_lowercase().as_str() {
            "iamuser" if self.user_name.is_none() => "userName",
            "assumedrole" | "role" => "a role's arn",
            "awsservice" => "invokedBy",
            "samluser" => "principalId",
            "identitycenteruser" => "onBehalfOf",
            "federateduser" => "a session issuer",
            "iamuser" | "root" | "awsaccount" | "directory" | "webidentityuser" => "accountId",
            _ => return format!("type {kind}"),
        };
        format!("{kind} without {missing}")
    }

    fn session(&self) -> Option<&str> {
        let (role, session) = resource_of(self.arn.as_deref()?)?.rsplit_once('/')?;
        role.starts_with("assumed-role/").then_some(session)
    }

    /// Finds the person behind the identity, whose principal is known.
    fn person(&self, principal: &str) -> Option<ActorPerson> {
        let (name, evidence) = self.named_person(principal)?;
        let name = name.to_owned();
        Some(ActorPerson { name, evidence })
    }

    fn named_person<'s>(&'s self, principal: &'s str) -> Option<(&'s str, PersonEvidence)> {
        if let Some(name) = self.source_identity.as_deref() {
            return Some((name, PersonEvidence::SourceIdentity));
        }
        let role = self
            .issuer_arn
            .as_deref()
            .or(self.arn.as_deref())
            .unwrap_or_default();
        if let Some(name) = self.session()
            && (role.contains("/AWSReservedSSO_") || name.contains('@'))
        {
            return Some((name, PersonEvidence::SessionName));
        }
        if let Some(id) = self.on_behalf_of.as_deref() {
            return Some((id, PersonEvidence::IdentityCenter));
        }
        if self.is("IAMUser") && self.principal_is_known() {
            Some((principal, PersonEvidence::IamUser))
        } else if self.is("Root") && !self.assumed_root && self.principal_is_known() {
            Some((principal, PersonEvidence::Root))
        } else if self.is("FederatedUser") {
            let resource = resource_of(self.arn.as_deref()?)?;
            Some((
                resource.strip_prefix("federated-user/")?,
                PersonEvidence::Federation,
            ))
        } else if self.is("SAMLUser") || self.is("WebIdentityUser") {
            Some((self.user_name.as_deref()?, PersonEvidence::Federation))
        } else if self.is("IdentityCenterUser") {
            Some((
                self.principal_id.as_deref()?,
                PersonEvidence::IdentityCenter,
            ))
        } else {
            None
        }
    }

    /// Tells whether a user or root was identified without a fallback.
    fn principal_is_known(&self) -> bool {
        self.account_id.is_some() && (self.user_name.is_some() || self.is("Root"))
    }
}

fn is(field: &IdentityField<'_>, kind: &str) -> bool {
    field
        .as_deref()
        .is_some_and(|text| text.eq_ignore_ascii_case(kind))
}

fn owned(field: &IdentityField<'_>) -> Option<String> {
    field.as_deref().map(str::to_owned)
}

/// The resource part of an ARN.
fn resource_of(arn: &str) -> Option<&str> {
    arn.splitn(6, ':').nth(5)
}

fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

/// Derives the principal from an IAM or STS ARN. A session counts for its role, and the path of a
/// role is dropped.
fn by_arn(arn: &str) -> Option<String> {
    let account = account_of(arn)?;
    let resource = resource_of(arn)?;
    let (kind, path) = resource.split_once('/').unwrap_or((resource, ""));
    let last = path.rsplit('/').next().filter(|name| !name.is_empty());
    match kind {
        "root" => Some(format!("{account}:root")),
        "assumed-role" => {
            let role = path.rsplit_once('/').map_or(path, |(role, _)| role);
            let name = role.rsplit('/').next().filter(|name| !name.is_empty())?;
            Some(format!("{account}:role/{name}"))
        }
        "role" => Some(format!("{account}:role/{}", last?)),
        "user" | "federated-user" => Some(format!("{account}:user/{}", last?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
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
            (r#"{"type":"Unknown"}"#, "unknown"),
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
        let actor =
            ResolvedActor::resolve(json(r#"{"type":"IAMUser","userName":"ann"}"#).as_bytes());
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
    fn an_assumed_root_session_is_not_the_root_user() {
        let json = br#"{"type":"Root","accountId":"111122223333","sessionContext":{"assumedRoot":"true"}}"#;
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
}
