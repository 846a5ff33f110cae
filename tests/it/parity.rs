//! A file of odd identities counts as aws-summarize-account-activity counts it: `sections.json` holds what it
//! writes for `odd_identities.json`, by its documented grammar of principals.

use serde_json::Value;

use crate::support::Sandbox;

const EVENTS: &str = include_str!("parity/odd_identities.json");
const SECTIONS: &str = include_str!("parity/sections.json");

#[test]
fn odd_identities_count_as_in_the_predecessor() {
    let sandbox = Sandbox::new();
    sandbox.write("events.json", EVENTS);
    let summary = sandbox.activity(["events.json"]);
    let sections: Value = serde_json::from_str(SECTIONS).unwrap();
    for (name, expected) in sections.as_object().unwrap() {
        assert_eq!(&summary[name], expected, "{name}");
    }
    let unknown = &summary["trailtab"]["coverage"]["unknown_identities"];
    assert_eq!(unknown.as_object().map(serde_json::Map::len), Some(0));
}
