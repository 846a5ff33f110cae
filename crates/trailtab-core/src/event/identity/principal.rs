//! The principal of an identity: the stable key that its calls are counted under.

use super::fields::{UserIdentity, is, owned};

/// The name of the principal that stands for all users whose names are hidden.
const HIDDEN_USER: &str = "(hidden)";

impl UserIdentity<'_> {
    /// Derives the principal by the rules of aws-summarize-account-activity, extended by the types that AWS has
    /// documented since. Returns nothing if the identity does not fit these rules.
    pub(super) fn principal(&self) -> Option<String> {
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

    /// The `accountId` as a principal: many are identified by it alone, or by the word that stands
    /// in its place.
    fn account_principal(&self) -> Option<String> {
        owned(&self.account_id)
    }

    /// Derives a principal for an identity of an unknown shape.
    pub(super) fn fallback(&self) -> String {
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
    pub(super) fn shape(&self) -> String {
        let Some(kind) = self.kind.as_deref() else {
            let what = if self.is_absent {
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
}

/// The resource part of an ARN.
pub(super) fn resource_of(arn: &str) -> Option<&str> {
    let mut colons = arn.bytes().enumerate().filter(|(_, byte)| *byte == b':');
    let (colon, _) = colons.nth(4)?;
    arn.get(colon + 1..)
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
    // `format!` takes five times as long.
    let named = |kind: &str, name: &str| Some([account, kind, name].concat());
    match kind {
        "root" => named(":root", ""),
        "assumed-role" => {
            let role = path.rsplit_once('/').map_or(path, |(role, _)| role);
            let name = role.rsplit('/').next().filter(|name| !name.is_empty())?;
            named(":role/", name)
        }
        "role" => named(":role/", last?),
        "user" | "federated-user" => named(":user/", last?),
        _ => None,
    }
}
