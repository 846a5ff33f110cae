//! Tests of resources and their keys.

mod documented;
mod keys;
mod laws;
mod roles;

use super::*;

/// Reads the JSON of a record.
fn record(json: &str) -> EventRecord<'_> {
    EventRecord::of(json.as_bytes()).unwrap_or_default()
}

/// The resources of a call in eu-west-1 of account 111122223333: each as `role key`.
fn resources(source: &str, name: &str, members: &str) -> Vec<String> {
    let json = format!(
        r#"{{"eventSource":"{source}.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-1","recipientAccountId":"111122223333",{members}}}"#
    );
    let found = resources_of(&record(&json));
    let told = |resource: &EventResource| format!("{:?} {}", resource.role, resource.key);
    found.list.iter().map(told).collect()
}
