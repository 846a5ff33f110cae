//! Tests of the generated files: form and contents.

mod contents;
mod form;

use serde_json::Value;

use super::{DemoFile, DemoPlan};

fn plan(events: u64) -> DemoPlan {
    DemoPlan { events, seed: 7 }
}

fn body(file: &DemoFile) -> String {
    let mut out = Vec::new();
    file.body(&mut out);
    String::from_utf8(out).unwrap()
}

fn records(file: &DemoFile) -> Vec<Value> {
    let mut value: Value =
        serde_json::from_str(&body(file)).unwrap_or_else(|error| panic!("{}: {error}", file.key()));
    match value["Records"].take() {
        Value::Array(records) => records,
        other => panic!("{}: {other}", file.key()),
    }
}

fn is_log(file: &DemoFile) -> bool {
    file.key().contains("/CloudTrail/")
}

/// All event records of a plan, with the keys of their files.
fn events(plan: &DemoPlan) -> Vec<(String, Value)> {
    let files = plan.files();
    let logs = files.iter().filter(|file| is_log(file));
    logs.flat_map(|file| {
        records(file)
            .into_iter()
            .map(|record| (file.key().to_owned(), record))
    })
    .collect()
}

fn text<'a>(record: &'a Value, path: &str) -> &'a str {
    record.pointer(path).and_then(Value::as_str).unwrap_or("")
}

/// The events in files that contain any of these words; parsing a whole plan is slow.
fn events_about(plan: &DemoPlan, words: &[&str]) -> Vec<Value> {
    let files = plan.files();
    let about = |file: &&DemoFile| {
        let body = body(file);
        is_log(file) && words.iter().any(|word| body.contains(word))
    };
    files.iter().filter(about).flat_map(records).collect()
}
