//! Properties for all inputs: the packing of records never matters, and parts add up.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::support::envelopes::{ENVELOPES, gzip, gzip_members, plain, records_in};
use crate::support::{SECTIONS, Sandbox, assert_same, at, essence, files_below, reconcile, sum};

/// Distinct numbers, the same in every run.
struct Rng(u64);

impl Rng {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        ((u128::from(self.0) * limit as u128) >> 64) as usize
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// The demo's records, each once, and some without optional fields.
fn records(sandbox: &Sandbox) -> Vec<Value> {
    sandbox
        .run(["demo", "--quiet", "--events", "300", "--output", "demo"])
        .expect(0);
    let logs = files_below(&sandbox.path("demo"))
        .into_iter()
        .filter(|path| {
            let path = path.to_str().unwrap();
            path.ends_with(".gz") && path.contains("/CloudTrail/")
        });
    let mut records = Vec::new();
    for path in logs {
        let log: Value = serde_json::from_slice(&plain(fs::read(path).unwrap())).unwrap();
        records.extend(log["Records"].as_array().unwrap().iter().cloned());
    }
    let mine = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/data/log_file.json"
    );
    records_in(
        &serde_json::from_slice(&fs::read(mine).unwrap()).unwrap(),
        &mut records,
    );
    let bare = json!({ "eventVersion": "1.08", "eventName": "Bare", "eventID": "bare" });
    records.push(bare.clone());
    for (id, member, value) in [
        ("b-source", "eventSource", json!("a.amazonaws.com")),
        ("b-time", "eventTime", json!("2026-09-10T10:00:00Z")),
        ("b-odd-time", "eventTime", json!("soon")),
        ("b-region", "awsRegion", json!("eu-west-1")),
        ("b-null", "userIdentity", json!(null)),
        (
            "b-martian",
            "userIdentity",
            json!({ "type": "Martian", "userName": "Zaphod" }),
        ),
        ("b-error", "errorMessage", json!("no code")),
        (
            "b-response",
            "responseElements",
            json!({ "errorCode": "Deep" }),
        ),
        ("b-number", "userAgent", json!(7)),
        ("b-write", "readOnly", json!("false")),
    ] {
        let mut record = bare.clone();
        record["eventID"] = id.into();
        record[member] = value;
        records.push(record);
    }
    let mut met = BTreeSet::new();
    records.retain(|record| {
        record["eventID"]
            .as_str()
            .is_none_or(|id| met.insert(id.to_owned()))
    });
    records
}

/// Writes all records as one file and reads it.
fn baseline(sandbox: &Sandbox, records: &[Value]) -> Value {
    let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
    let summary = sandbox.activity([sandbox.write("all.jsonl", lines)]);
    assert_eq!(
        sum(at(&summary, "trailtab/counts/counted")),
        records.len() as u64
    );
    summary
}

#[test]
fn the_envelope_never_matters() {
    let sandbox = Sandbox::new();
    let records = records(&sandbox);
    let expected = baseline(&sandbox, &records);
    for (name, envelope) in ENVELOPES {
        let document = envelope(&records);
        let summary = sandbox.activity([sandbox.write(name, &document)]);
        assert_same(&expected, &summary, name);
        assert_eq!(
            summary["trailtab"]["counts"], expected["trailtab"]["counts"],
            "{name}"
        );
        let streamed = sandbox.activity_with(["-"], &gzip_members(&document, 300_000), 0);
        assert_same(&expected, &streamed, name);
        assert_eq!(
            streamed["trailtab"]["counts"], expected["trailtab"]["counts"],
            "{name}"
        );
    }
}

#[test]
fn splitting_shuffling_repeating_and_regzipping_never_matter() {
    let sandbox = Sandbox::new();
    let records = records(&sandbox);
    let expected = baseline(&sandbox, &records);
    for seed in 0..4 {
        let rng = &mut Rng(seed);
        let mut parcels = records.clone();
        let repeatable = |record: &&Value| record["eventID"].is_string();
        let repeats = records
            .iter()
            .filter(repeatable)
            .filter(|_| rng.below(4) == 0);
        parcels.extend(repeats.cloned().collect::<Vec<_>>());
        rng.shuffle(&mut parcels);
        let read = parcels.len();
        let folder = format!("parcels{seed}");
        let mut rest = &parcels[..];
        while !rest.is_empty() {
            let (parcel, others) = rest.split_at(1 + rng.below(rest.len().min(400)));
            rest = others;
            let (_, envelope) = ENVELOPES[rng.below(ENVELOPES.len())];
            let document = envelope(parcel);
            let packed = match rng.below(3) {
                0 => document,
                1 => gzip(&document),
                _ => gzip_members(&document, 1 + rng.below(document.len())),
            };
            let place = ["", "a/", "a/b/"][rng.below(3)];
            sandbox.write(format!("{folder}/{place}{}", rest.len()), packed);
        }
        let summary = sandbox.activity([&folder]);
        assert_same(&expected, &summary, &format!("seed {seed}"));
        let counts = at(&summary, "trailtab/counts");
        assert_eq!(counts["read"], json!(read));
        assert_eq!(counts["duplicate"], json!(read - records.len()));
    }
}

#[test]
fn the_demo_has_as_many_events_as_it_says() {
    let sandbox = Sandbox::new();
    let said = sandbox
        .run(["demo", "--events", "3000", "--output", "logs"])
        .expect(0)
        .err;
    assert!(said.starts_with("wrote 3,000 events, "), "{said}");
    let summary = sandbox.activity(["logs"]);
    let counts = at(&summary, "trailtab/counts");
    assert_eq!(
        (&counts["read"], &counts["unreadable"]),
        (&json!(3000), &json!(0))
    );
    assert!(sum(&counts["duplicate"]) > 0);
    let others = at(&summary, "trailtab/coverage/other_content");
    assert!(
        sum(&others["digest"]) > 0 && sum(&others["insight"]) > 0,
        "{others}"
    );
}

/// Adds up two summaries of different events.
fn add(total: &mut Value, part: &Value) {
    match (&mut *total, part) {
        (Value::Object(total), Value::Object(part)) => {
            for (name, value) in part {
                match (total.get_mut(name), name.as_str()) {
                    (None, _) => drop(total.insert(name.clone(), value.clone())),
                    (Some(mine), "first_seen" | "last_seen" | "example") => {
                        let pick =
                            |text: &Value| text.as_str().map(|text| (text.len(), text.to_owned()));
                        let ends = [pick(mine), pick(value)].into_iter().flatten();
                        let end = if name == "last_seen" {
                            ends.max()
                        } else {
                            ends.min()
                        };
                        *mine = end.map(|(_, text)| text).into();
                    }
                    (Some(mine), _) => add(mine, value),
                }
            }
        }
        (Value::Number(_), Value::Number(_)) => *total = json!(sum(total) + sum(part)),
        (Value::Array(total), Value::Array(part)) => {
            total.extend(part.iter().cloned());
            total.sort_by_key(Value::to_string);
            total.dedup();
        }
        _ => assert_eq!(total, part),
    }
}

/// Asserts that the summaries of the parts add up to that of the whole.
#[track_caller]
fn assert_whole(whole: &Value, parts: impl IntoIterator<Item = Value>, what: &str) {
    let mut total = json!({});
    parts.into_iter().for_each(|part| add(&mut total, &part));
    for (section, counts) in whole.as_object().unwrap() {
        assert_eq!(counts, &total[section], "{section} of {what}");
    }
}

#[test]
fn the_parts_of_a_filter_are_the_whole() {
    let sandbox = Sandbox::new();
    let records = records(&sandbox);
    let whole = baseline(&sandbox, &records);
    let part = |args: &[String]| {
        essence(&sandbox.activity(args.iter().map(String::as_str).chain(["all.jsonl"])))
    };
    let outcomes =
        ["SUCCESSFUL", "FAILED"].map(|outcome| part(&["--activity-type".into(), outcome.into()]));
    assert_eq!(outcomes[0]["error_codes_by_principal"], json!({}));
    assert_whole(&essence(&whole), outcomes, "successful and failed");

    let keys = |section: &str| -> Vec<String> {
        at(&whole, section)
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    let inner = |section: &str| -> BTreeSet<String> {
        let items = whole[section].as_object().unwrap().values();
        items
            .flat_map(|items| items.as_object().unwrap().keys().cloned())
            .collect()
    };
    let apis = inner("api_calls_by_principal");
    let half = |api: &String, at: usize| api.split(':').nth(at).unwrap().to_owned();
    let of_apis = |at| {
        apis.iter()
            .map(|api| half(api, at))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    };
    let mut persons = keys("trailtab/persons");
    persons.push(String::new());
    let filters = [
        ("--principal", keys("api_calls_by_principal")),
        ("--region", keys("api_calls_by_region")),
        ("--account", keys("trailtab/accounts")),
        ("--person", persons),
        (
            "--ip",
            inner("ip_addresses_by_principal").into_iter().collect(),
        ),
        ("--event-source", of_apis(0)),
        ("--event-name", of_apis(1)),
    ];
    for (option, values) in filters {
        assert!(
            values.len() > 3 && values.iter().all(|value| !value.contains(['*', '?'])),
            "{option}"
        );
        let parts = (0..3).map(|third| {
            let values = values.iter().skip(third).step_by(3);
            part(
                &values
                    .map(|value| format!("{option}={value}"))
                    .collect::<Vec<_>>(),
            )
        });
        assert_whole(&essence(&whole), parts, option);
    }

    let times = [
        "2026-01-01",
        "2026-09-09T13:30:00Z",
        "2026-09-16T04:04:04Z",
        "2027-01-01",
    ];
    let window = |since: &str, until: &str| {
        // Events without a time cannot be placed in a window.
        let args = ["--since", since, "--until", until, "all.jsonl"];
        essence(&sandbox.activity_with(args, b"", 3))
    };
    let parts = times.windows(2).map(|times| window(times[0], times[1]));
    assert_whole(&window(times[0], times[3]), parts, "windows");

    // These do not add up: some records have no `readOnly`, and some calls fail without a code.
    let read_only = part(&["--read-only".into()]);
    let write_only = part(&["--write-only".into()]);
    for (calls, access) in [(&read_only, "read_only"), (&write_only, "write")] {
        let said = crate::support::sum_of(at(&whole, "trailtab/accounts"), access);
        assert_eq!((sum(&calls["counted"]), said > 0), (said, true), "{access}");
    }
    let coded = part(&["--error-code=*".into()]);
    assert_eq!(
        coded["error_codes_by_principal"],
        whole["error_codes_by_principal"]
    );
    assert_eq!(
        sum(&coded["counted"]),
        sum(&coded["error_codes_by_principal"])
    );
}

#[test]
fn filters_combine() {
    let sandbox = Sandbox::new();
    let whole = baseline(&sandbox, &records(&sandbox));
    let args = [
        "all.jsonl",
        "--event-source=signin",
        "--activity-type=failed",
        "--region=us-*",
        "--write-only",
    ];
    let narrow = sandbox.activity(args);
    assert!(sum(at(&narrow, "trailtab/counts/counted")) > 0);
    let mut apis = 0;
    for calls in narrow["api_calls_by_principal"]
        .as_object()
        .unwrap()
        .values()
    {
        apis += calls.as_object().unwrap().len();
        assert!(
            calls
                .as_object()
                .unwrap()
                .keys()
                .all(|api| api.starts_with("signin.amazonaws.com:"))
        );
    }
    assert!(apis > 0);
    assert!(
        narrow["api_calls_by_region"]
            .as_object()
            .unwrap()
            .keys()
            .all(|name| name.starts_with("us-"))
    );
    for account in at(&narrow, "trailtab/accounts")
        .as_object()
        .unwrap()
        .values()
    {
        assert_eq!(
            (&account["failed"], &account["write"]),
            (&account["calls"], &account["calls"])
        );
    }
    let people = sandbox.activity(["all.jsonl", "--exclude-aws-services"]);
    let services = |summary: &Value| {
        let names = summary["api_calls_by_principal"]
            .as_object()
            .unwrap()
            .keys();
        names
            .filter(|name| name.ends_with(".amazonaws.com"))
            .count()
    };
    assert!(services(&whole) > 0);
    assert_eq!(services(&people), 0);
}

#[test]
fn the_accounts_add_up_to_the_whole() {
    let sandbox = Sandbox::new();
    let whole = baseline(&sandbox, &records(&sandbox));
    let combined = sandbox.activity(["all.jsonl", "--per-account", "--output", "each"]);
    assert_same(&whole, &combined, "with --per-account");
    let mut parts = Vec::new();
    let mut names = BTreeSet::new();
    for path in files_below(&sandbox.path("each")) {
        let summary: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let account = at(&summary, "_metadata/account_id")
            .as_str()
            .unwrap()
            .to_owned();
        assert!(
            path.to_str()
                .unwrap()
                .contains(&format!("account_activity_{account}_20"))
        );
        if account == "multiple" {
            assert_eq!(summary, combined);
            reconcile(&summary);
            continue;
        }
        let mut part = essence(&summary);
        part["counted"] = json!(crate::support::sum_of(&part["accounts"], "calls"));
        crate::support::parts_add_up(&summary, sum(&part["counted"]));
        parts.push(part);
        names.insert(account);
    }
    let accounts = at(&whole, "trailtab/accounts").as_object().unwrap();
    assert_eq!(names, accounts.keys().cloned().collect());
    assert_whole(&essence(&whole), parts, "accounts");
    for section in SECTIONS {
        assert!(!whole[section].as_object().unwrap().is_empty(), "{section}");
    }
}
