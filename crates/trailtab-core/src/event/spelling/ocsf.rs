//! Records that were mapped to the Open Cybersecurity Schema Framework, as of Security Lake.

use serde_json::Value;

use super::cells::{NamedCells, is_present};
use super::times::time_of;
use crate::time;

/// The classes of OCSF that CloudTrail's records are mapped to: account change, authentication, API
/// activity, and data store activity.
const OCSF_CLASSES: [u64; 4] = [3001, 3002, 6003, 6005];

/// Writes an event of OCSF that was a CloudTrail record as that record. None if it is anything else.
pub(in crate::event) fn respell_ocsf(event: &NamedCells) -> Option<String> {
    let text = |path: &[&str]| -> Option<Value> {
        let mut value = event.get(*path.first()?)?;
        for name in &path[1..] {
            value = value.get(name)?;
        }
        Some(value.clone()).filter(|value| is_present(value) && !value.is_object())
    };
    let class = event.get("class_uid").and_then(Value::as_u64)?;
    let product = text(&["metadata", "product", "name"])?;
    if !OCSF_CLASSES.contains(&class) || !product.as_str()?.eq_ignore_ascii_case("cloudtrail") {
        return None;
    }
    // Before version 1.0, Security Lake had some of the names without a dot.
    let first = |paths: &[&[&str]]| paths.iter().find_map(|path| text(path));
    let user = |name: &str| {
        let found = text(&["actor", "user", name]);
        found.or_else(|| text(&["actor", "session", name]).filter(|_| name == "credential_uid"))
    };
    let identity = object([
        ("type", user("type")),
        ("principalId", user("uid_alt").or_else(|| user("uuid"))),
        ("arn", user("uid")),
        (
            "accountId",
            first(&[
                &["actor", "user", "account", "uid"],
                &["actor", "user", "account_uid"],
            ]),
        ),
        ("accessKeyId", user("credential_uid")),
        ("userName", user("name")),
        ("invokedBy", text(&["actor", "invoked_by"])),
        (
            "sessionContext",
            text(&["actor", "session", "issuer"])
                .map(|issuer| object([("sessionIssuer", Some(object([("arn", Some(issuer))])))])),
        ),
    ]);
    let time = first(&[&["time_dt"], &["time"]]);
    // Activity 2 is a read; 1, 3 and 4 create, update and delete.
    let read_only = match text(&["activity_id"]).and_then(|id| id.as_u64()) {
        Some(2) => Some(true.into()),
        Some(1 | 3 | 4) => Some(false.into()),
        _ => None,
    };
    let record = object([
        ("eventVersion", text(&["metadata", "product", "version"])),
        ("userIdentity", Some(identity)),
        (
            "eventTime",
            time.as_ref()
                .and_then(time_of)
                .map(|time| time::iso(time).into()),
        ),
        ("eventSource", text(&["api", "service", "name"])),
        ("eventName", text(&["api", "operation"])),
        ("awsRegion", text(&["cloud", "region"])),
        (
            "sourceIPAddress",
            first(&[&["src_endpoint", "ip"], &["src_endpoint", "domain"]]),
        ),
        ("userAgent", text(&["http_request", "user_agent"])),
        ("errorCode", text(&["api", "response", "error"])),
        (
            "errorMessage",
            first(&[
                &["api", "response", "message"],
                &["api", "response", "error_message"],
            ]),
        ),
        ("requestID", text(&["api", "request", "uid"])),
        ("eventID", text(&["metadata", "uid"])),
        ("readOnly", read_only),
        ("eventType", text(&["metadata", "event_code"])),
        (
            "recipientAccountId",
            first(&[
                &["unmapped", "recipientAccountId"],
                &["cloud", "account", "uid"],
                &["cloud", "account_uid"],
            ]),
        ),
        (
            "eventCategory",
            text(&["metadata", "product", "feature", "name"]),
        ),
    ]);
    let has = |name| record.get(name).is_some_and(is_present);
    (has("eventName") && (has("eventSource") || has("eventVersion"))).then(|| record.to_string())
}

/// An object of those members that have a value.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let members = members.into_iter();
    Value::Object(
        members
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect(),
    )
}
