//! The resources of real records, compared with what AWS lists in them and with what other tools read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};
use trailtab_core::event::record::{CallOutcome, EventRecord};
use trailtab_core::event::resource::{
    EventResource, ResourceContext, ResourceKey, ResourceRole, ResourceSource, resources_of,
};

use crate::real_data::{data, is_skipped, json_documents, oracle};
use crate::support::envelopes::records_in;

/// One line of `resource_pairs.jsonl`: a place in records of an event, and what one record has there.
struct ResourcePair {
    source: String,
    name: String,
    path: String,
    /// None if no record of the event is known.
    expected: Option<String>,
}

fn pairs() -> Vec<ResourcePair> {
    let text = fs::read_to_string(oracle("resource_pairs.jsonl")).unwrap();
    let pair = |line: &str| {
        let pair: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| pair[name].as_str().map(str::to_owned);
        ResourcePair {
            source: text("eventSource").unwrap(),
            name: text("eventName").unwrap(),
            path: text("path").unwrap(),
            expected: text("expected"),
        }
    };
    text.lines().map(pair).collect()
}

/// All records of the real logs, each once.
fn real_records() -> Vec<Value> {
    let mut records = Vec::new();
    for document in json_documents(&data()) {
        let values = serde_json::Deserializer::from_slice(&document).into_iter::<Value>();
        for value in values.map_while(Result::ok) {
            unwrapped(&value, &mut records);
        }
    }
    let mut seen = BTreeSet::new();
    records.retain(|record| {
        record["eventID"]
            .as_str()
            .is_none_or(|id| seen.insert(id.to_owned()))
    });
    assert!(records.len() > 3_000, "{}", records.len());
    records
}

/// The records below a value, also those that a product keeps as text.
fn unwrapped(value: &Value, records: &mut Vec<Value>) {
    let raw = |event: &Value| {
        event["_raw"]
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok())
    };
    let texts: Vec<Value> = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(raw)
        .collect();
    records_in(value, records);
    texts.iter().for_each(|text| records_in(text, records));
}

/// Passes a record and its resources to a function.
fn with_resources<R>(
    json: &Value,
    read: impl FnOnce(&EventRecord<'_>, Vec<EventResource>) -> R,
) -> R {
    let text = json.to_string();
    let record = EventRecord::of(text.as_bytes()).unwrap();
    let found = resources_of(&record);
    assert_eq!(found.left_out, 0, "{json}");
    read(&record, found.list)
}

/// Tells whether one of the resources is what a text of the record names.
fn names(resources: &[EventResource], source: &str, text: &str) -> bool {
    resources.iter().any(|resource| {
        let context = ResourceContext {
            service: Some(source),
            kind: Some(resource.kind),
            ..ResourceContext::default()
        };
        // Without account and region, so that only the rest of the key is compared.
        let key = ResourceKey::of_text(text, &context).map(|key| key.to_string());
        let end = |key: &str| key.rsplit_once(':').map(|(_, end)| end.to_owned());
        resource.written == text
            || resource.key.as_str().ends_with(&format!("/{text}"))
            || resource.arn.as_deref() == Some(text)
            || key
                .and_then(|key| end(&key))
                .is_some_and(|key| end(resource.key.as_str()) == Some(key))
    })
}

/// The texts at a path such as `requestParameters.targets[].values`.
fn texts_at(value: &Value, path: &[&str], texts: &mut Vec<String>) {
    match (value, path) {
        (Value::Array(values), _) => values.iter().for_each(|value| texts_at(value, path, texts)),
        (Value::Object(members), [first, rest @ ..]) => {
            if let Some(value) = members.get(first.trim_end_matches("[]")) {
                texts_at(value, rest, texts);
            }
        }
        (Value::String(text), []) => texts.push(text.clone()),
        _ => {}
    }
}

/// A record that has a text at a path.
fn record_with(pair: &ResourcePair, text: &str) -> Value {
    let mut value = json!(text);
    for name in pair.path.rsplit('.') {
        value = match name.strip_suffix("[]") {
            Some(name) => json!({ name: [value] }),
            None => json!({ name: value }),
        };
    }
    value["eventSource"] = json!(pair.source);
    value["eventName"] = json!(pair.name);
    // A deployment or stage has its API beside it.
    if pair.source.starts_with("apigateway.") && value["requestParameters"].is_null() {
        value["requestParameters"] = json!({ "restApiId": "a1b2c3" });
    }
    value
}

#[test]
fn every_known_pair_of_a_record_and_its_resource_is_found() {
    if is_skipped() {
        return;
    }
    let mut by_event: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
    for record in real_records() {
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        by_event
            .entry((text("eventSource"), text("eventName")))
            .or_default()
            .push(record);
    }
    let (mut faults, mut real) = (Vec::new(), 0);
    for pair in pairs() {
        let Some(expected) = &pair.expected else {
            continue;
        };
        let path: Vec<_> = pair.path.split('.').collect();
        let records = by_event.get(&(pair.source.clone(), pair.name.clone()));
        for record in records.into_iter().flatten() {
            let mut texts = Vec::new();
            texts_at(record, &path, &mut texts);
            if !texts.contains(expected) {
                continue;
            }
            real += 1;
            if !with_resources(record, |_, found| names(&found, &pair.source, expected)) {
                faults.push(format!(
                    "{} {} {} {expected}",
                    pair.source, pair.name, pair.path
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(real > 150, "{real}");
}

#[test]
fn every_known_place_of_a_resource_is_read() {
    if is_skipped() {
        return;
    }
    let mut faults = Vec::new();
    for pair in pairs() {
        let text = pair
            .expected
            .clone()
            .unwrap_or_else(|| "example-1".to_owned());
        let record = record_with(&pair, &text);
        let is_found = with_resources(&record, |_, found| {
            names(&found, &pair.source, &text)
                || found
                    .iter()
                    .any(|found| found.key.as_str().ends_with(&text))
        });
        if !is_found {
            faults.push(record.to_string());
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn real_calls_create_what_they_say() {
    if is_skipped() {
        return;
    }
    let (mut created, mut faults) = (BTreeSet::new(), BTreeSet::new());
    for json in real_records() {
        let name = json["eventName"].as_str().unwrap_or_default();
        let is_creating = ["Create", "Run", "Allocate", "Register"]
            .iter()
            .any(|verb| name.starts_with(verb));
        let event = format!(
            "{} {name}",
            json["eventSource"].as_str().unwrap_or_default()
        );
        with_resources(&json, |record, found| {
            let has_failed = record.outcome() != CallOutcome::Succeeded;
            assert!(
                found.iter().all(|found| found.is_attempt == has_failed),
                "{json}"
            );
            if !is_creating || has_failed {
                return;
            }
            // CreateTags and CreateRoute create nothing that has a name, and change something.
            let made = found.iter().find(|found| found.role != ResourceRole::Read);
            match made {
                Some(made) if made.source != ResourceSource::Guessed => {
                    let json = json.to_string();
                    let is_there = json.contains(&made.written);
                    let is_joined = || {
                        made.written
                            .split(['/', ':'])
                            .all(|part| json.contains(part))
                    };
                    assert!(is_there || is_joined(), "{json}: {made:?}");
                    created.insert(event);
                }
                _ => drop(faults.insert(event)),
            }
        });
    }
    assert!(faults.is_empty(), "the table lacks {faults:#?}");
    assert!(created.len() > 50, "{created:?}");
}
