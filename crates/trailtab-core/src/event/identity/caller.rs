//! Who is behind a principal: the person, the session, the workload, the service or the agent.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::evidence::{AgentEvidence, PersonEvidence};
use super::fields::UserIdentity;
use super::principal::resource_of;
use crate::event::record::CallerHints;

/// The service through which agents call AWS for a person.
const MCP_SERVICE: &str = "aws-mcp.amazonaws.com";

/// The sign-in service calls AWS for a person at the console.
const SIGN_IN_SERVICE: &str = "signin.amazonaws.com";

/// User names that stand for no person: Grafana's keys.
const NAMES_OF_KEYS: [&str; 1] = ["api_key"];

/// The beginning of the ids of long-term access keys. Only their owner signs with them; a service
/// gets temporary credentials.
const LONG_TERM_KEY: &str = "AKIA";

impl UserIdentity<'_> {
    /// Finds the name behind the identity, whose principal and session are known. `signed_in` is the name
    /// that a sign-in gives beside the identity.
    pub(super) fn named<'s>(
        &'s self,
        principal: &'s str,
        session: Option<&'s str>,
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
        if let Some(name) = session
            && (is_of_identity_center(role) || name.contains('@'))
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

    /// Returns whether a user or root was identified without a fallback.
    fn principal_is_known(&self) -> bool {
        self.account_id.is_some() && (self.user_name.is_some() || self.is("Root"))
    }

    pub(super) fn session(&self) -> Option<&str> {
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

    pub(super) fn agent(&self, hints: CallerHints<'_>) -> Option<AgentEvidence> {
        if hints.is_mcp || self.invoked_by.as_deref() == Some(MCP_SERVICE) {
            return Some(AgentEvidence::AwsMcp);
        }
        self.sign_in_session
            .is_some()
            .then_some(AgentEvidence::AwsLogin)
    }

    /// Finds the service that makes a call with the identity of another.
    pub(super) fn acting_service(&self, principal: &str) -> Option<&str> {
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

    /// Returns whether the identity is a service-linked role. AWS reserves the path; a session's ARN
    /// contains only the name.
    pub(super) fn is_service_linked(&self) -> bool {
        let arn = self.issuer_arn.as_deref().or(self.arn.as_deref());
        arn.and_then(resource_of).is_some_and(|resource| {
            resource.starts_with("role/aws-service-role/")
                || resource.starts_with("assumed-role/AWSServiceRoleFor")
        })
    }
}

/// Returns whether the ARN is that of a role of IAM Identity Center, or of one of its sessions.
fn is_of_identity_center(arn: &str) -> bool {
    static MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("/AWSReservedSSO_"));
    MARK.find(arn.as_bytes()).is_some()
}

/// Names the workload that an identity provider's name for a machine stands for; None if the name is
/// none of those.
pub(super) fn workload_of(name: &str) -> Option<String> {
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

/// Returns whether a name is the DNS name of an AWS service, in any partition.
pub(super) fn is_service(name: &str) -> bool {
    name.ends_with(".amazonaws.com")
        || name.ends_with(".amazonaws.com.cn")
        || name == "AWS Internal"
}
