//! STS: GetCallerIdentity and AssumeRole.

use super::State;
use super::keys::SECRET;
use super::wire::{Error, REQUEST_ID, Request, escape};

pub(crate) fn caller_identity(request: &Request, caller: &str) -> String {
    let (arn, account) = (escape(caller), &request.account);
    result(
        "GetCallerIdentity",
        &format!("<Arn>{arn}</Arn><UserId>AIDAEXAMPLE</UserId><Account>{account}</Account>"),
    )
}

pub(crate) fn assume_role(
    state: &State,
    request: &Request,
    caller: &str,
    now: f64,
) -> Result<String, Error> {
    let text = |name: &str| request.text(name).unwrap_or_default();
    let (role, session) = (text("RoleArn"), text("RoleSessionName"));
    let Some(account) = assumable(state, role) else {
        let message = format!(
            "User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}"
        );
        return Err(Error::new(403, "AccessDenied", &message));
    };
    let name = role.rsplit('/').next().unwrap_or_default();
    let arn = format!("arn:aws:sts::{account}:assumed-role/{name}/{session}");
    let (key, expiration) = state.issue(account, &arn, now);
    let token = key.session_token.unwrap_or_default();
    let (access_key, arn) = (key.access_key, escape(&arn));
    Ok(result(
        "AssumeRole",
        &format!(
            "<AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:{session}</AssumedRoleId><Arn>{arn}</Arn>\
             </AssumedRoleUser><Credentials><AccessKeyId>{access_key}</AccessKeyId>\
             <SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{token}</SessionToken>\
             <Expiration>{expiration}</Expiration></Credentials>"
        ),
    ))
}

/// The account of a role, `arn:aws:iam::ACCOUNT:role/PATH/NAME`, that may be assumed.
fn assumable<'r>(state: &State, role: &'r str) -> Option<&'r str> {
    let (account, name) = role.strip_prefix("arn:aws:iam::")?.split_once(":role/")?;
    let roles = &state.world.accounts.get(account)?.roles;
    roles.contains(name).then_some(account)
}

fn result(action: &str, inside: &str) -> String {
    format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <{action}Result>{inside}</{action}Result>\
         <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>\
         </{action}Response>"
    )
}
