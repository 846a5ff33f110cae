//! Resolves `userIdentity` to a principal, a session and a person.
//!
//! The principal is a stable key: a role stands for all of its sessions. The session and the person
//! are kept separately. An identity of an unknown shape is not an error: it gets the best available
//! key, and [`ResolvedActor::odd`] describes its shape.

use std::borrow::Cow;

use crate::event::record::CallerHints;
use crate::event::scan::{JsonScanner, JsonText, ScanResult};

/// What AWS writes in place of a name that was entered at a failed sign-in: it may be a password.
const HIDDEN_NAME: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// The name of the principal that stands for all users whose names are hidden.
const HIDDEN_USER: &str = "(hidden)";

/// Words that stand in `accountId` for callers without credentials.
const ANONYMOUS: [&str; 2] = ["ANONYMOUS_PRINCIPAL", "anonymous"];

/// The service through which agents call AWS for a person.
const MCP_SERVICE: &str = "aws-mcp.amazonaws.com";

/// The sign-in service calls AWS for a person at the console.
const SIGN_IN_SERVICE: &str = "signin.amazonaws.com";

/// User names that stand for no person: Grafana's keys.
const NAMES_OF_KEYS: [&str; 1] = ["api_key"];

/// The beginning of the ids of long-term access keys. Only their owner signs with them; a service
/// gets temporary credentials.
const LONG_TERM_KEY: &str = "AKIA";

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
    access_key: IdentityField<'a>,
    sign_in_session: IdentityField<'a>,
    /// Set if AWS hides the name that was entered at a failed sign-in.
    is_hidden: bool,
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
    /// The workload behind the identity, such as `kubernetes:NAMESPACE/SERVICEACCOUNT`; absent if the
    /// identity names no workload.
    pub workload: Option<String>,
    /// The AWS service that made the call with this identity; absent if the identity made the call
    /// itself, or is the service.
    pub service: Option<String>,
    /// Shows that an agent may drive the session; absent otherwise.
    pub agent: Option<AgentEvidence>,
    /// Whether the principal is a service-linked role.
    pub is_service_linked: bool,
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

/// What tells that an agent may drive a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AgentEvidence {
    /// The call came through the AWS MCP Server.
    AwsMcp,
    /// The credentials belong to a sign-in session, as those do that `aws login` gives.
    AwsLogin,
}

impl AgentEvidence {
    /// The name in the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            AgentEvidence::AwsMcp => "aws_mcp",
            AgentEvidence::AwsLogin => "aws_login",
        }
    }
}

/// The field that identifies a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PersonEvidence {
    /// `sourceIdentity`, which role chaining cannot change.
    SourceIdentity,
    /// The session name of a role that IAM Identity Center created, or a session name that is a
    /// mail address.
    SessionName,
    /// A user of IAM Identity Center: by the name that a sign-in gives, or else by id, in
    /// `onBehalfOf` or an `IdentityCenterUser`.
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
        ResolvedActor::resolve_with(json, CallerHints::default())
    }

    /// Resolves the JSON of `userIdentity`, and what the record tells of the caller besides.
    pub fn resolve_with(json: &[u8], hints: CallerHints<'_>) -> ResolvedActor {
        // The scanner only skipped this object before, so it may be invalid. The members read
        // before the error are still used.
        let mut identity = UserIdentity::default();
        let read = identity.read(&mut JsonScanner::new(json, 0));
        let absent = json.is_empty() || read.is_err();
        let is_hidden = |name: &Cow<'_, str>| name == HIDDEN_NAME;
        identity.is_hidden = identity.user_name.as_ref().is_some_and(is_hidden);
        identity.user_name = identity.user_name.take().filter(|name| !is_hidden(name));
        let signed_in = hints.user_name.map(JsonText::decode);
        let signed_in = signed_in.filter(|name| !is_hidden(name));
        let (principal, odd) = match identity.principal() {
            Some(principal) => (principal, None),
            None => (identity.fallback(), Some(identity.shape(absent))),
        };
        let service = identity.acting_service(&principal).map(str::to_owned);
        let (person, workload) = match identity.named(&principal, signed_in.as_deref()) {
            Some((name, evidence)) => match workload_of(name) {
                Some(workload) => (None, Some(workload)),
                None => (Some(ActorPerson::new(name, evidence)), None),
            },
            None => (None, None),
        };
        let session = match &person {
            // The session is named after the person, so it is spelled in the same way.
            Some(person) if person.evidence == PersonEvidence::SessionName => {
                Some(person.name.clone())
            }
            _ => identity.session().map(str::to_owned),
        };
        ResolvedActor {
            session,
            // A service that acts with the identity of a person is not that person.
            person: person.filter(|_| service.is_none()),
            workload,
            agent: identity.agent(hints),
            is_service_linked: identity.is_service_linked(),
            service,
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

    /// Tells whether an AWS service made the call: as itself, by a role of its own, or with the
    /// identity of another.
    pub fn is_aws_service(&self) -> bool {
        is_service(&self.principal)
            || self.kind.eq_ignore_ascii_case("AWSService")
            || self.is_service_linked
            || self.service.is_some()
    }
}

impl ActorPerson {
    /// Identity providers change the case of names, so a person is spelled in one way. The names of
    /// IAM users are kept as they are: they are those of principals.
    fn new(name: &str, evidence: PersonEvidence) -> ActorPerson {
        let name = match evidence {
            PersonEvidence::IamUser | PersonEvidence::Root => name.to_owned(),
            _ => name.to_lowercase(),
        };
        ActorPerson { name, evidence }
    }
}

/// Names the workload that an identity provider's name for a machine stands for; None if the name is
/// none of those.
fn workload_of(name: &str) -> Option<String> {
    let part = |text: &'_ str, at: usize| text.split(':').nth(at).map(str::to_owned);
    if let Some(account) = name.strip_prefix("system:serviceaccount:") {
        let (namespace, account) = account.split_once(':')?;
        return Some(format!("kubernetes:{namespace}/{account}"));
    }
    if let Some(repository) = name.strip_prefix("repo:") {
        return Some(format!("github:{}", part(repository, 0)?));
    }
    if let Some(project) = name.strip_prefix("project_path:") {
        return Some(format!("gitlab:{}", part(project, 0)?));
    }
    if let Some(rest) = name.strip_prefix("organization:") {
        // `organization:O:project:P:workspace:W:run_phase:R`, and pipelines of Buildkite.
        let (organization, rest) = rest.split_once(':')?;
        let (tool, after) = match rest
            .split_once(":workspace:")
            .or(rest.split_once("workspace:"))
        {
            Some((_, after)) => ("terraform", after),
            None => ("buildkite", rest.strip_prefix("pipeline:")?),
        };
        return Some(format!("{tool}:{organization}/{}", part(after, 0)?));
    }
    if name.ends_with(".gserviceaccount.com") {
        return Some(format!("google:{name}"));
    }
    name.starts_with("spiffe://").then(|| name.to_owned())
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
                b"accessKeyId" => self.access_key = field(scanner)?,
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
                b"signInSessionArn" => self.sign_in_session = field(scanner)?,
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

    /// The account as a String; None for callers without credentials.
    fn account(&self) -> Option<String> {
        owned(&self.account_id).filter(|account| {
            let is_anonymous = |word: &&str| account.eq_ignore_ascii_case(word);
            !ANONYMOUS.iter().any(is_anonymous)
        })
    }

    /// The `accountId` as a principal: many are identified by it alone, or by the word that stands
    /// in its place.
    fn account_principal(&self) -> Option<String> {
        owned(&self.account_id)
    }

    /// Finds the service that makes a call with the identity of another.
    fn acting_service(&self, principal: &str) -> Option<&str> {
        let service = self.invoked_by.as_deref().filter(|name| is_service(name))?;
        let is_long_term = |key: &str| key.starts_with(LONG_TERM_KEY);
        let is_own = service == principal
            || self.is("AWSService")
            || self.is_service_linked()
            || service == SIGN_IN_SERVICE
            || service == MCP_SERVICE
            || self.access_key.as_deref().is_some_and(is_long_term);
        (!is_own).then_some(service)
    }

    fn agent(&self, hints: CallerHints<'_>) -> Option<AgentEvidence> {
        if hints.is_mcp || self.invoked_by.as_deref() == Some(MCP_SERVICE) {
            return Some(AgentEvidence::AwsMcp);
        }
        self.sign_in_session
            .is_some()
            .then_some(AgentEvidence::AwsLogin)
    }

    /// Tells whether the identity is a service-linked role. AWS reserves the path; a session's ARN
    /// contains only the name.
    fn is_service_linked(&self) -> bool {
        let arn = self.issuer_arn.as_deref().or(self.arn.as_deref());
        arn.and_then(resource_of).is_some_and(|resource| {
            resource.starts_with("role/aws-service-role/")
                || resource.starts_with("assumed-role/AWSServiceRoleFor")
        })
    }

    /// Derives the principal by the rules of aws-summarize-account-activity, extended by the types that AWS has
    /// documented since. Returns nothing if the identity does not fit these rules.
    fn principal(&self) -> Option<String> {
        let account = self.account_id.as_deref();
        let invoked_by = || owned(&self.invoked_by);
        if self.kind.is_none() {
            return invoked_by().or_else(|| self.account_principal());
        }
        if self.is("AssumedRole") {
            by_arn(self.issuer_arn.as_deref().or(self.arn.as_deref())?, account)
        } else if self.is("IAMUser") {
            let name = self.user_name.as_deref();
            let name = name.or(self.is_hidden.then_some(HIDDEN_USER));
            Some(format!("{}:user/{}", account?, name?))
        } else if self.is("AWSService") {
            invoked_by()
        } else if self.is("AWSAccount") {
            invoked_by().or_else(|| self.account_principal())
        } else if self.is("Root") {
            Some(format!("{}:root", account?))
        } else if self.is("Role") {
            by_arn(self.arn.as_deref().or(self.issuer_arn.as_deref())?, account)
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
                None => self.account_principal(),
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
            None => by_arn(self.issuer_arn.as_deref()?, Some(account)),
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
        let account = self.account_id.as_deref();
        let by_arn = self.arn.as_deref().and_then(|arn| by_arn(arn, account));
        let by_store = || self.in_identity_store(self.on_behalf_of.as_deref()?);
        by_arn
            .or_else(by_store)
            .or_else(|| self.account_principal())
            .or(Some("Unknown".to_owned()))
    }

    /// Derives a principal for an identity of an unknown shape.
    fn fallback(&self) -> String {
        let arn = || {
            self.arn.as_deref().map(|arn| {
                by_arn(arn, self.account_id.as_deref()).unwrap_or_else(|| arn.to_owned())
            })
        };
        let name = owned(&self.invoked_by)
            .or_else(arn)
            .or_else(|| self.account_principal());
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
        let by_arn = self.arn.as_deref().and_then(|arn| {
            let (role, session) = resource_of(arn)?.rsplit_once('/')?;
            role.starts_with("assumed-role/").then_some(session)
        });
        by_arn.or_else(|| self.session_of_id())
    }

    /// The session's name in `principalId`, `AROA…:SESSION`. Records of callers from other accounts
    /// have it in no other place.
    fn session_of_id(&self) -> Option<&str> {
        let (id, session) = self.principal_id.as_deref()?.split_once(':')?;
        let is_id = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric());
        let is_role = self.is("AssumedRole") || id.starts_with("AROA");
        (is_id && is_role && !session.is_empty()).then_some(session)
    }

    /// Finds the name behind the identity, whose principal is known. `signed_in` is the name that a
    /// sign-in gives beside the identity.
    fn named<'s>(
        &'s self,
        principal: &'s str,
        signed_in: Option<&'s str>,
    ) -> Option<(&'s str, PersonEvidence)> {
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
        if self.is("IdentityCenterUser") || self.is("Unknown") {
            let name = self.user_name.as_deref().or(signed_in);
            if let Some(name) = name.filter(|name| !NAMES_OF_KEYS.contains(name)) {
                return Some((name, PersonEvidence::IdentityCenter));
            }
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
/// role is dropped. The account is that of `accountId`, or else of the ARN.
fn by_arn(arn: &str, account_id: Option<&str>) -> Option<String> {
    let account = account_id.or_else(|| account_of(arn))?;
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
        // Only its owner signs with a long-term key, and the console is no service of its own.
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
            let json =
                format!(r#"{{"type":"WebIdentityUser","principalId":"x","userName":"{name}"}}"#);
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
