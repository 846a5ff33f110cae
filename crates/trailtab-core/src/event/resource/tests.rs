//! Tests of resources and their keys.

mod documented;
mod keys;
mod laws;
mod roles;

use super::*;
use crate::event::scan::JsonScanner;

/// Reads the JSON of a record.
fn record(json: &str) -> EventRecord<'_> {
    let mut record = EventRecord {
        raw: json.as_bytes(),
        ..EventRecord::default()
    };
    // A record with a fault keeps what was read before it.
    let _ = JsonScanner::new(json.as_bytes(), 0).members(|scanner, name| {
        let name = name.decode().into_owned();
        match record.member(name.as_bytes(), scanner, b"")? {
            true => Ok(()),
            false => scanner.skip().map(drop),
        }
    });
    record
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
