//! The regions of an account, as EC2 and as Account Management list them.

use serde_json::{Value, json};

use super::State;
use super::wire::{Error, REQUEST_ID, Request};
use super::world::OptIn;

/// EC2's list: the enabled ones, or all.
pub(crate) fn describe(state: &State, request: &Request) -> String {
    let all = request.text("AllRegions") == Some("true");
    let mut items = String::new();
    for (name, opt_in) in of(state, &request.account) {
        let status = match opt_in {
            OptIn::ByDefault => "opt-in-not-required",
            OptIn::Enabled => "opted-in",
            OptIn::Disabled if all => "not-opted-in",
            OptIn::Disabled => continue,
        };
        items += &format!(
            "<item><regionName>{name}</regionName>\
             <regionEndpoint>ec2.{name}.amazonaws.com</regionEndpoint>\
             <optInStatus>{status}</optInStatus></item>"
        );
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <DescribeRegionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <requestId>{REQUEST_ID}</requestId><regionInfo>{items}</regionInfo>\
         </DescribeRegionsResponse>"
    )
}

/// A page of Account Management's list, which holds regions that are not enabled as well.
pub(crate) fn list(state: &State, request: &Request, caller: &str) -> Result<String, Error> {
    let account = match request.text("AccountId") {
        None => &request.account,
        Some(account) if is_managed(state, account, &request.account) => account,
        Some(_) => return Err(Error::denied(request, caller)),
    };
    let wanted = request.parameters["RegionOptStatusContains"].as_array();
    let mut regions = Vec::new();
    for (name, opt_in) in of(state, account) {
        let status: Value = match opt_in {
            OptIn::ByDefault => "ENABLED_BY_DEFAULT",
            OptIn::Enabled => "ENABLED",
            OptIn::Disabled => "DISABLED",
        }
        .into();
        if wanted.is_none_or(|wanted| wanted.contains(&status)) {
            regions.push(json!({ "RegionName": name, "RegionOptStatus": status }));
        }
    }
    page("Regions", &regions, 50, request)
        .ok_or_else(|| Error::new(400, "ValidationException", "The page is not valid."))
}

/// Only the management account may ask about others, and it may not ask about itself by its name.
fn is_managed(state: &State, account: &str, by: &str) -> bool {
    state
        .world
        .organization
        .as_ref()
        .is_some_and(|organization| {
            let mut members = organization.members.iter();
            organization.management == by
                && account != by
                && members.any(|member| member.id == account)
        })
}

fn of<'s>(state: &'s State, account: &str) -> Vec<(&'s str, OptIn)> {
    let regions = state.world.accounts.get(account).map(|account| {
        let regions = account.regions.iter();
        regions.map(|(name, region)| (name.as_str(), region.opt_in))
    });
    regions.into_iter().flatten().collect()
}

/// Writes a page of a list, with the token of the next; `None` if the request does not fit.
pub(crate) fn page(name: &str, all: &[Value], most: usize, request: &Request) -> Option<String> {
    let count = match &request.parameters["MaxResults"] {
        Value::Null => most,
        count => count.as_u64()? as usize,
    };
    let start = match request.text("NextToken") {
        Some(token) => token.strip_prefix("page-")?.parse().ok()?,
        None => 0,
    };
    if !(1..=most).contains(&count) || start > all.len() {
        return None;
    }
    let end = all.len().min(start + count);
    let mut page = json!({ name: all[start..end] });
    if end < all.len() {
        page["NextToken"] = format!("page-{end}").into();
    }
    Some(page.to_string())
}
