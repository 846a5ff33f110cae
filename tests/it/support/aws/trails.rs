//! What CloudTrail says of trails, and of the keys that sign their digests.

use serde_json::{Value, json};

use super::State;
use super::wire::Request;

/// The trails of a region: those at home there, and those that watch all regions.
pub(crate) fn describe(state: &State, request: &Request) -> String {
    let shadows = request.parameters["includeShadowTrails"] != false;
    let names = request.parameters["trailNameList"].as_array();
    let is_listed = |trail: &&Value| {
        let is_home = trail["HomeRegion"] == request.region;
        let is_shadow = shadows && trail["IsMultiRegionTrail"] == true;
        let wanted = |names: &Vec<Value>| {
            names.is_empty() || names.contains(&trail["Name"]) || names.contains(&trail["TrailARN"])
        };
        (is_home || is_shadow) && names.is_none_or(wanted)
    };
    let account = state.world.accounts.get(&request.account);
    let trails = account.map_or(&[][..], |account| &account.trails);
    json!({ "trailList": trails.iter().filter(is_listed).collect::<Vec<_>>() }).to_string()
}

/// The keys of a region that were valid at some time between two, or are valid now.
pub(crate) fn public_keys(state: &State, request: &Request) -> String {
    let now = state.world.now as f64;
    let time = |name: &str| request.parameters[name].as_f64().unwrap_or(now);
    let (since, until) = (time("StartTime"), time("EndTime"));
    let is_listed = |key: &Value| {
        let end = |name: &str| key[name].as_f64();
        end("ValidityStartTime").is_none_or(|start| start <= until)
            && end("ValidityEndTime").is_none_or(|end| end >= since)
    };
    let keys = state.world.public_keys.iter();
    let keys = keys.filter(|(region, key)| *region == request.region && is_listed(key));
    json!({ "PublicKeyList": keys.map(|(_, key)| key).collect::<Vec<_>>() }).to_string()
}
