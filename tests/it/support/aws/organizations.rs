//! Organizations: the accounts that belong together.

use serde_json::{Value, json};

use super::State;
use super::fault::Fault;
use super::regions::page;
use super::wire::{Error, Request};
use super::world::{Member, Organization};

const ID: &str = "o-exampleorg";

pub(crate) fn describe(state: &State, request: &Request) -> Result<String, Error> {
    let management = &of(state, request)?.management;
    let arn = format!("arn:aws:organizations::{management}:organization/{ID}");
    let organization = json!({
        "Id": ID,
        "Arn": arn,
        "FeatureSet": "ALL",
        "MasterAccountArn": account_arn(management, management),
        "MasterAccountId": management,
        "MasterAccountEmail": email(management),
        "AvailablePolicyTypes": [],
    });
    Ok(json!({ "Organization": organization }).to_string())
}

/// A page of the accounts, for the management account alone. A page may be empty before the end.
pub(crate) fn list(
    state: &State,
    request: &Request,
    caller: &str,
    fault: Option<&Fault>,
) -> Result<String, Error> {
    let organization = of(state, request)?;
    let management = &organization.management;
    if request.account != *management {
        return Err(Error::denied(request, caller));
    }
    if let Some(Fault::EmptyPage) = fault {
        let token = request.text("NextToken").unwrap_or("page-0");
        // The same place by another name.
        let token = token.replace("page-", "page-0");
        return Ok(json!({ "Accounts": [], "NextToken": token }).to_string());
    }
    let members = organization.members.iter();
    let accounts: Vec<_> = members.map(|member| entry(management, member)).collect();
    page("Accounts", &accounts, 20, request)
        .ok_or_else(|| Error::new(400, "InvalidInputException", "The page is not valid."))
}

fn entry(management: &str, member: &Member) -> Value {
    // The older field knows fewer states: an account that is closed counts as suspended.
    let status = match member.state {
        "CLOSED" => "SUSPENDED",
        "PENDING_ACTIVATION" => "ACTIVE",
        state => state,
    };
    json!({
        "Id": member.id,
        "Arn": account_arn(management, &member.id),
        "Email": email(&member.id),
        "Name": member.name,
        "Status": status,
        "State": member.state,
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": 1.5e9,
    })
}

/// The organisation of the account that asks.
fn of<'s>(state: &'s State, request: &Request) -> Result<&'s Organization, Error> {
    let belongs = |organization: &&Organization| {
        let mut members = organization.members.iter();
        organization.management == request.account
            || members.any(|member| member.id == request.account)
    };
    let organization = state.world.organization.as_ref().filter(belongs);
    organization.ok_or_else(|| {
        Error::new(
            400,
            "AWSOrganizationsNotInUseException",
            "Your account is not a member of an organization.",
        )
    })
}

fn account_arn(management: &str, account: &str) -> String {
    format!("arn:aws:organizations::{management}:account/{ID}/{account}")
}

fn email(account: &str) -> String {
    format!("{account}@example.com")
}
